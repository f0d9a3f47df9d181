"""The history in words: what was said stands as it was said, and the changes of one deed become one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, TypeAlias

from markupsafe import Markup

from blueprints.pages import PATHS, prose, say
from blueprints.words import N_, gettext, markup, nmarkup
from models import ActorKind, Audience, Role


@dataclass(frozen=True)
class Said:
    id: int
    comment_id: int
    author_id: int
    author: str
    how: str
    """Beside the name: `replied to the reporter`. A note has its own label."""
    is_customers: bool
    """Whether the reporter or somebody else whom it affects said it."""
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
    for _, deed in groupby(_joined_up(rows), key=_doer):
        parts = list(deed)
        said = [part[0] for part in parts if _is_said(part[0])]
        told = [part for part in parts if not _is_said(part[0]) and not _goes_without_saying(part[0], ticket)]
        found += [_said(row, ticket) for row in said]
        if told:
            found.append(_happened(told, by_a_reply=any(row.comment_author_role == Role.CUSTOMER for row in said)))
    return found


def comment_ids(history: Iterable[Item]) -> list[int]:
    return [item.comment_id for item in history if isinstance(item, Said)]


def _is_said(row: Any) -> bool:
    return bool(row.field == "comment" and row.to_value == "added")


def _goes_without_saying(row: Any, ticket: Mapping[str, Any]) -> bool:
    """The report itself stands above the history."""
    return bool(row.field == "created" and row.actor_id == ticket["reporter"]["id"])


def _doer(part: list[Any]) -> tuple[Any, ...]:
    """A deed, and whoever did that part of it: what follows from it by itself is a sentence of its own."""
    return part[0].deed_id, part[0].actor_kind == ActorKind.SYSTEM


def _joined_up(rows: Iterable[Any]) -> Iterable[list[Any]]:
    """Rows in lists of one; people who joined one after the other become one list, and photos of one person."""
    for run, group in groupby(rows, key=_run):
        if run is None:
            for row in group:
                yield [row]
        else:
            yield list(group)


def _run(row: Any) -> tuple[Any, ...] | None:
    """What a row is one more of: people who joined one after the other, or were counted in or out in one deed."""
    if row.field == "image":
        return "image", row.actor_id, row.to_value is None
    if row.field == "affected":
        return ("joins",) if _joins_itself(row) else ("counted", row.deed_id, row.to_user_id is None)
    return None


def _joins_itself(row: Any) -> bool:
    return bool(row.field == "affected" and row.to_user_id is not None and row.to_user_id == row.actor_id)


# --- what was said ----------------------------------------------------------------------------------------------------


def _said(row: Any, ticket: Mapping[str, Any]) -> Said:
    return Said(
        id=row.id,
        comment_id=row.comment_id,
        author_id=row.comment_author_id,
        author=row.comment_author_name,
        how=_how(row, ticket),
        is_customers=row.comment_author_id == ticket["reporter"]["id"] or row.comment_audience == Audience.DESK,
        is_note=row.comment_audience == Audience.INTERNAL,
        html=prose(row.comment_text),
        at=row.comment_created_at,
        edited_at=row.comment_edited_at,
    )


def _how(row: Any, ticket: Mapping[str, Any]) -> str:
    if row.comment_author_id == ticket["reporter"]["id"]:
        return gettext("reporter")
    if row.comment_audience == Audience.DESK:
        return gettext("also affected")
    to_all = row.comment_audience == Audience.AFFECTED
    return gettext("replied to everybody affected") if to_all else gettext("replied to the reporter")


# --- what happened ----------------------------------------------------------------------------------------------------


def _b(text: str | None) -> Markup:
    return Markup("<b>{}</b>").format(text or gettext("nobody"))


def _set(sets: str, removes: str) -> Callable[[Any], Markup]:
    def words(row: Any) -> Markup:
        return markup(removes) if row.to_value is None else markup(sets, value=_b(row.to_value))

    return words


def _assigned(row: Any) -> Markup:
    if row.to_user_id is None:
        return markup("took it off %(name)s", name=_b(row.from_user_name))
    if row.to_user_id == row.actor_id:
        return markup("took it on")
    return markup("assigned %(name)s", name=_b(row.to_user_name))


def _tagged(row: Any) -> Markup:
    before, after = ({tag for tag in (text or "").split(", ") if tag} for text in (row.from_value, row.to_value))
    added, removed = sorted(after - before), sorted(before - after)
    more, less = (_listed([_b(name) for name in names]) for names in (added, removed))
    parts = []
    if added:
        parts.append(nmarkup("added tag %(names)s", "added tags %(names)s", len(added), names=more))
    if removed:
        parts.append(nmarkup("removed tag %(names)s", "removed tags %(names)s", len(removed), names=less))
    return _listed(parts)


def _affected(row: Any) -> Markup:
    if row.to_user_id is not None:
        return markup("added %(names)s as also affected", names=_b(row.to_user_name))
    if row.from_user_id == row.actor_id:
        return markup("is no longer affected")
    return markup("removed %(names)s from those affected", names=_b(row.from_user_name))


_TASK = {
    "todo": N_("reopened the task %(task)s"),
    "in_progress": N_("started the task %(task)s"),
    "done": N_("finished the task %(task)s"),
}


def _task(row: Any) -> Markup:
    if row.to_value == "deleted":
        return markup("deleted the task %(task)s", task=_b(row.from_value))
    if row.from_value is None:
        return markup("added the task %(task)s", task=_b(row.task_title))
    return markup(_TASK.get(row.to_value, N_("changed the task %(task)s")), task=_b(row.task_title))


def _confidential(row: Any) -> Markup:
    return markup("made it confidential") if row.to_value == "true" else markup("made it no longer confidential")


def _status(row: Any) -> Markup:
    before, after = say(row.from_value or ""), _b(say(row.to_value or ""))
    return markup("changed status from %(before)s to %(after)s", before=before, after=after)


def _number(value: str) -> Markup:
    return Markup('<a href="{}tickets/{}">#{}</a>').format(PATHS["queue"], value, value)


def _merged(row: Any) -> Markup:
    """The end that is not named is this ticket: so for what is undone, and what is split."""
    if row.to_value is not None:
        return markup("merged it into %(number)s", number=_number(row.to_value))
    return markup("merged %(number)s into this ticket", number=_number(row.from_value))


def _unmerged(row: Any) -> Markup:
    if row.from_value is not None:
        return markup("undid the merge into %(number)s", number=_number(row.from_value))
    return markup("undid the merge of %(number)s into this ticket", number=_number(row.to_value))


def _split(row: Any) -> Markup:
    if row.to_value is not None:
        return markup("made a comment a ticket of its own, %(number)s", number=_number(row.to_value))
    return markup("made this ticket from a comment on %(number)s", number=_number(row.from_value))


def _comment(row: Any) -> Markup:
    return markup("deleted a comment") if row.to_value == "deleted" else markup("edited a comment")


def _noted(reply: str, fix: str) -> Callable[[Any], Markup]:
    return lambda row: markup(reply if row.to_value == "response" else fix)


# field → its icon, and what somebody did to it, in the order in which a sentence says it
TOLD: dict[str, tuple[str, Callable[[Any], Markup]]] = {
    "merged": ("i-merge", _merged),
    "unmerged": ("i-merge", _unmerged),
    "split": ("i-merge", _split),
    "created": ("i-plus", lambda row: markup("opened this ticket")),
    "status": ("i-s-open", _status),
    "assignee": ("i-user", _assigned),
    "priority": ("i-sliders", lambda row: markup("set priority to %(value)s", value=_b(say(row.to_value or "")))),
    "category": ("i-ticket", _set(N_("set the category to %(value)s"), N_("removed the category"))),
    "team": ("i-users", _set(N_("set the team to %(value)s"), N_("removed the team"))),
    "building": ("i-pin", _set(N_("set the building to %(value)s"), N_("removed the building"))),
    "room": ("i-pin", _set(N_("set the room to %(value)s"), N_("removed the room"))),
    "title": ("i-ticket", _set(N_("set the title to %(value)s"), N_("removed the title"))),
    "public_title": ("i-eye", _set(N_("set the public title to %(value)s"), N_("removed the public title"))),
    "description": ("i-ticket", lambda row: markup("changed the description")),
    "is_confidential": ("i-lock", _confidential),
    "tags": ("i-tag", _tagged),
    "reporter": ("i-user", lambda row: markup("made %(name)s the reporter", name=_b(row.to_user_name))),
    "affected": ("i-users", _affected),
    "task": ("i-tasks", _task),
    "held": ("i-check", lambda row: markup("confirmed the report")),
    "image": ("i-image", lambda row: markup("added a photo") if row.to_value else markup("deleted a photo")),
    "comment": ("i-chat", _comment),
    "handoff": ("i-users", lambda row: markup("said why: %(value)s", value=_b(row.to_value))),
    "due_soon": ("i-clock", _noted(N_("noted that the first reply is due soon"), N_("noted that the fix is due soon"))),
    "overdue": ("i-alert", _noted(N_("noted that the first reply is overdue"), N_("noted that the fix is overdue"))),
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
    if _joins_itself(first):
        words = _joins(told[0])
    else:
        parts = [_several(rows) if len(rows) > 1 else _words(rows[0]) for rows in told]
        deeds = _listed(parts)
        words = (
            markup("%(name)s’s reply %(deeds)s", name=_actor(first), deeds=deeds)
            if by_a_reply
            else markup("%(name)s %(deeds)s", name=_actor(first), deeds=deeds)
        )
    icon = STATUS_ICON.get(status, "i-s-open") if status else TOLD.get(first.field, ("i-sliders", None))[0]
    return Happened(id=newest, icon=icon, status=status, words=words, at=first.created_at)


def _words(row: Any) -> Markup:
    _, words = TOLD.get(row.field, ("", None))
    return words(row) if words else markup("changed %(field)s", field=row.field.replace("_", " "))


def _several(rows: list[Any]) -> Markup:
    if rows[0].field == "affected":
        first, others = rows[0], len(rows) - 1
        if first.to_user_id is not None:
            return markup("added %(names)s as also affected", names=_and_others(_b(first.to_user_name), others))
        return markup("removed %(names)s from those affected", names=_and_others(_b(first.from_user_name), others))
    if rows[0].to_value:
        return nmarkup("added %(num)s photo", "added %(num)s photos", len(rows))
    return nmarkup("deleted %(num)s photo", "deleted %(num)s photos", len(rows))


def _actor(row: Any) -> Markup:
    return _b(row.actor_name or (gettext("Helpdesk") if row.actor_kind == ActorKind.SYSTEM else gettext("Somebody")))


def _joins(rows: list[Any]) -> Markup:
    """`Helen Marsh and 6 others are also affected`"""
    if len(rows) == 1:
        return markup("%(name)s is also affected", name=_b(rows[0].to_user_name))
    return markup("%(names)s are also affected", names=_and_others(_b(rows[0].to_user_name), len(rows) - 1))


def _and_others(first: Markup, others: int) -> Markup:
    return nmarkup("%(name)s and one other", "%(name)s and %(num)s others", others, name=first)


def _listed(parts: list[Markup]) -> Markup:
    """`a, b and c`"""
    if len(parts) < 2:
        return Markup("").join(parts)
    return markup("%(these)s and %(last)s", these=Markup(", ").join(parts[:-1]), last=parts[-1])
