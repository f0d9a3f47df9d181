"""The history in words: what was said stands as it was said, and the changes of one deed become one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, TypeAlias

from markupsafe import Markup

from blueprints.pages import prose
from models import ActorKind, Audience, Role


@dataclass(frozen=True)
class Said:
    id: int
    comment_id: int
    author_id: int
    author: str
    how: str
    """Beside the name: `replied to the reporter`. A note has its own label."""
    is_note: bool
    html: Markup
    at: datetime
    edited_at: datetime | None
    kind: str = "said"


@dataclass(frozen=True)
class Happened:
    id: int
    icon: str
    status: str | None
    words: Markup
    at: datetime
    kind: str = "happened"


Item: TypeAlias = Said | Happened


def items(rows: Iterable[Any], ticket: Mapping[str, Any]) -> list[Item]:
    """Rows of `policy.visible_events`, in their order, as what the page shows."""
    found: list[Item] = []
    for _, deed in groupby(_joined_up(rows), key=lambda part: part[0].deed_id):
        parts = list(deed)
        said = [part[0] for part in parts if _is_said(part[0])]
        told = [part for part in parts if not _is_said(part[0]) and not _goes_without_saying(part[0], ticket)]
        found += [_said(row, ticket) for row in said]
        if told:
            found.append(_happened(told, by_a_reply=any(row.comment_author_role == Role.CUSTOMER for row in said)))
    return found


def _is_said(row: Any) -> bool:
    return bool(row.field == "comment" and row.to_value == "added")


def _goes_without_saying(row: Any, ticket: Mapping[str, Any]) -> bool:
    """The report itself stands above the history."""
    return bool(row.field == "created" and row.actor_id == ticket["reporter"]["id"])


def _joined_up(rows: Iterable[Any]) -> Iterable[list[Any]]:
    """Rows in lists of one; people who joined one after the other become one list."""
    together: list[Any] = []
    for row in rows:
        joins = row.field == "affected" and row.to_user_id is not None and row.to_user_id == row.actor_id
        if together and not joins:
            yield together
            together = []
        if joins:
            together.append(row)
        else:
            yield [row]
    if together:
        yield together


# --- what was said ----------------------------------------------------------------------------------------------------


def _said(row: Any, ticket: Mapping[str, Any]) -> Said:
    return Said(
        id=row.id,
        comment_id=row.comment_id,
        author_id=row.comment_author_id,
        author=row.comment_author_name,
        how=_how(row, ticket),
        is_note=row.comment_audience == Audience.INTERNAL,
        html=prose(row.comment_text),
        at=row.comment_created_at,
        edited_at=row.comment_edited_at,
    )


def _how(row: Any, ticket: Mapping[str, Any]) -> str:
    if row.comment_author_id == ticket["reporter"]["id"]:
        return "reporter"
    if row.comment_audience == Audience.DESK:
        return "also affected"
    return "replied to everybody affected" if row.comment_audience == Audience.AFFECTED else "replied to the reporter"


# --- what happened ----------------------------------------------------------------------------------------------------


def _b(text: str | None) -> Markup:
    return Markup("<b>{}</b>").format(text or "nobody")


def _word(value: str | None) -> str:
    return (value or "").replace("_", " ").capitalize()


def _set(what: str) -> Callable[[Any], Markup]:
    def words(row: Any) -> Markup:
        if row.to_value is None:
            return Markup("removed the {}").format(what)
        return Markup("set the {} to {}").format(what, _b(row.to_value))

    return words


def _assigned(row: Any) -> Markup:
    if row.to_user_id is None:
        return Markup("took it off {}").format(_b(row.from_user_name))
    if row.to_user_id == row.actor_id:
        return Markup("took it on")
    return Markup("assigned {}").format(_b(row.to_user_name))


def _tagged(row: Any) -> Markup:
    before, after = ({tag for tag in (text or "").split(", ") if tag} for text in (row.from_value, row.to_value))
    added, removed = sorted(after - before), sorted(before - after)
    parts = [
        Markup("{} {} {}").format(verb, "tag" if len(names) == 1 else "tags", _listed([_b(name) for name in names]))
        for verb, names in (("added", added), ("removed", removed))
        if names
    ]
    return _listed(parts)


def _affected(row: Any) -> Markup:
    if row.to_user_id is not None:
        return Markup("added {} as also affected").format(_b(row.to_user_name))
    if row.from_user_id == row.actor_id:
        return Markup("is no longer affected")
    return Markup("removed {} from those affected").format(_b(row.from_user_name))


_TASK = {"todo": "reopened", "in_progress": "started", "done": "finished"}


def _task(row: Any) -> Markup:
    if row.to_value == "deleted":
        return Markup("deleted the task {}").format(_b(row.from_value))
    verb = "added" if row.from_value is None else _TASK.get(row.to_value, "changed")
    return Markup("{} the task {}").format(verb, _b(row.task_title))


def _confidential(row: Any) -> Markup:
    return Markup("made it confidential") if row.to_value == "true" else Markup("made it no longer confidential")


def _status(row: Any) -> Markup:
    return Markup("changed status from {} to {}").format(_word(row.from_value), _b(_word(row.to_value)))


# field → its icon, and what somebody did to it, in the order in which a sentence says it
TOLD: dict[str, tuple[str, Callable[[Any], Markup]]] = {
    "created": ("i-plus", lambda row: Markup("opened this ticket")),
    "status": ("i-s-open", _status),
    "assignee": ("i-user", _assigned),
    "priority": ("i-sliders", lambda row: Markup("set priority to {}").format(_b(_word(row.to_value)))),
    "category": ("i-ticket", _set("category")),
    "team": ("i-users", _set("team")),
    "building": ("i-pin", _set("building")),
    "room": ("i-pin", _set("room")),
    "title": ("i-ticket", _set("title")),
    "public_title": ("i-eye", _set("public title")),
    "description": ("i-ticket", lambda row: Markup("changed the description")),
    "is_confidential": ("i-lock", _confidential),
    "tags": ("i-tag", _tagged),
    "reporter": ("i-user", lambda row: Markup("made {} the reporter").format(_b(row.to_user_name))),
    "affected": ("i-users", _affected),
    "task": ("i-tasks", _task),
    "held": ("i-check", lambda row: Markup("confirmed the report")),
    "comment": ("i-chat", lambda row: Markup("{} a comment").format(row.to_value)),
}
_ORDER = {field: position for position, field in enumerate(TOLD)}
STATUS_ICON = {
    "open": "i-s-open", "in_progress": "i-s-progress", "waiting": "i-s-waiting", "resolved": "i-s-resolved",
    "closed": "i-s-closed",
}  # fmt: skip


def _happened(told: list[list[Any]], *, by_a_reply: bool) -> Happened:
    """One sentence for the changes of one deed."""
    newest = told[-1][-1].id
    told = sorted(told, key=lambda rows: _ORDER.get(rows[0].field, len(_ORDER)))
    first = told[0][0]
    status = next((rows[0].to_value for rows in told if rows[0].field == "status"), None)
    if first.field == "affected" and first.to_user_id is not None and first.to_user_id == first.actor_id:
        words = _joins(told[0])
    else:
        parts = [_words(rows[0]) for rows in told]
        words = Markup("{}{} {}").format(_actor(first), Markup("’s reply") if by_a_reply else "", _listed(parts))
    icon = STATUS_ICON.get(status, "i-s-open") if status else TOLD.get(first.field, ("i-sliders", None))[0]
    return Happened(id=newest, icon=icon, status=status, words=words, at=first.created_at)


def _words(row: Any) -> Markup:
    _, words = TOLD.get(row.field, ("", None))
    return words(row) if words else Markup("changed {}").format(row.field.replace("_", " "))


def _actor(row: Any) -> Markup:
    return _b(row.actor_name or ("Helpdesk" if row.actor_kind == ActorKind.SYSTEM else "Somebody"))


def _joins(rows: list[Any]) -> Markup:
    """`Helen Marsh and 6 others are also affected`"""
    others = len(rows) - 1
    if not others:
        return Markup("{} is also affected").format(_b(rows[0].to_user_name))
    return Markup("{} and {} are also affected").format(
        _b(rows[0].to_user_name), "one other" if others == 1 else f"{others} others"
    )


def _listed(parts: list[Markup]) -> Markup:
    """`a, b and c`"""
    if len(parts) < 2:
        return Markup("").join(parts)
    return Markup("{} and {}").format(Markup(", ").join(parts[:-1]), parts[-1])
