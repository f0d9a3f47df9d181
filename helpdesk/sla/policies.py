"""The policies themselves: read, made, changed, put in order, deleted. Whatever changes a due date begins a recount."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import null, select
from sqlalchemy.exc import IntegrityError

from helpdesk import audit, policy
from helpdesk.errors import Conflict, Invalid, NotFound, Taken
from helpdesk.policy import Action, Actor
from helpdesk.sla import recount
from models import Calendar, Category, SlaPolicy, Team, db, now

FIELDS = (
    "name", "is_active", "priorities", "category_ids", "team_ids", "response_seconds", "resolution_seconds",
    "calendar_id",
)  # fmt: skip
DEFAULTS: dict[str, Any] = {
    "is_active": True, "priorities": [], "category_ids": [], "team_ids": [], "calendar_id": None,
}  # fmt: skip
_KEPT: dict[str, Any] = {"read": True, "key_share": True}


# --- reading ----------------------------------------------------------------------------------------------------------


def listing(actor: Actor) -> list[dict[str, Any]]:
    """All of them in their order. Four statements. Raises Forbidden."""
    policy.require(actor, Action.SLA_READ)
    return _shown(_in_order())


def show_one(actor: Actor, policy_id: int) -> dict[str, Any]:
    """Raises Forbidden, NotFound."""
    policy.require(actor, Action.SLA_READ)
    found = next((one for one in _shown(_in_order()) if one["id"] == policy_id), None)
    if found is None:
        raise NotFound
    return found


def _in_order(*, lock: bool = False) -> list[SlaPolicy]:
    wanted = select(SlaPolicy).order_by(SlaPolicy.id)
    if lock:  # as they are now, whatever was read before somebody else changed them
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    rows = db.session.scalars(wanted)
    return sorted(rows, key=lambda row: (row.position, row.id))


def _shown(rows: list[SlaPolicy]) -> list[dict[str, Any]]:
    """With the names of what they name. What was deleted since is not named any more, and matches nothing."""
    named: dict[str, dict[int, dict[str, Any]]] = {}
    above: dict[int, int | None] = {}
    for key, model in (("categories", Category), ("teams", Team)):
        parent_id = Category.parent_id if model is Category else null()
        found = db.session.execute(
            select(model.id, model.slug, model.name, parent_id.label("parent_id")).order_by(model.name, model.id)
        ).all()
        named[key] = {row.id: {"id": row.id, "slug": row.slug, "name": row.name} for row in found}
        above.update({row.id: row.parent_id for row in found} if model is Category else {})
    calendars = {row.id: row.name for row in db.session.execute(select(Calendar.id, Calendar.name))}
    return [
        {
            "id": row.id, "name": row.name, "position": row.position, "is_active": row.is_active,
            "priorities": list(row.priorities),
            "categories": [one for number, one in named["categories"].items() if number in row.category_ids],
            "teams": [one for number, one in named["teams"].items() if number in row.team_ids],
            "response_seconds": row.response_seconds, "resolution_seconds": row.resolution_seconds,
            "calendar": (
                {"id": row.calendar_id, "name": calendars[row.calendar_id]} if row.calendar_id in calendars else None
            ),
            "taken_by": _named(next((one for one in rows[:place] if _takes_all(one, row, above)), None)),
            "version": row.version, "created_at": row.created_at, "updated_at": row.updated_at,
        }
        for place, row in enumerate(rows)
    ]  # fmt: skip


def _named(row: SlaPolicy | None) -> dict[str, Any] | None:
    return None if row is None else {"id": row.id, "name": row.name}


def _above() -> dict[int, int | None]:
    """Category → the one above it."""
    return {row.id: row.parent_id for row in db.session.execute(select(Category.id, Category.parent_id))}


def _takes_all(first: Any, other: Any, above: Mapping[int, int | None]) -> bool:
    """Whether the first of two is for every ticket that the other is for: behind it the other is for none."""
    return (
        first.is_active
        and (not first.priorities or (bool(other.priorities) and set(other.priorities) <= set(first.priorities)))
        and (not first.team_ids or (bool(other.team_ids) and set(other.team_ids) <= set(first.team_ids)))
        and (
            not first.category_ids
            or (
                bool(other.category_ids)
                and all({number, above.get(number)} & set(first.category_ids) for number in other.category_ids)
            )
        )
    )


def place_of_new(data: Mapping[str, Any]) -> int:
    """How many stand before one that is made: it stands before the first that takes all of its tickets, if one does."""
    rows, above = _in_order(), _above()
    new = SlaPolicy(**{name: data.get(name) or [] for name in ("priorities", "team_ids", "category_ids")})
    places = (place for place, row in enumerate(rows) if _takes_all(row, new, above))
    return next(places, len(rows))


def fields_of(shown: Mapping[str, Any]) -> dict[str, Any]:
    """A policy as it is shown, as `FIELDS` and its id: how a dry run takes it."""
    return {
        "id": shown["id"], "name": shown["name"], "is_active": shown["is_active"],
        "priorities": list(shown["priorities"]),
        "category_ids": [one["id"] for one in shown["categories"]], "team_ids": [one["id"] for one in shown["teams"]],
        "response_seconds": shown["response_seconds"], "resolution_seconds": shown["resolution_seconds"],
        "calendar_id": shown["calendar"]["id"] if shown["calendar"] else None,
    }  # fmt: skip


# --- verbs ------------------------------------------------------------------------------------------------------------


def create(actor: Actor, data: Mapping[str, Any]) -> SlaPolicy:
    """Make one, behind all others, but before those behind which it would be for no ticket at all.

    Raises Forbidden, Invalid, Taken.
    """
    policy.require(actor, Action.SLA_WRITE)
    at, rows = now(), _in_order(lock=True)
    place = place_of_new(data)
    row = SlaPolicy(position=0, version=1, created_at=at, updated_at=at)
    _give(row, {**DEFAULTS, **data})
    for position, one in enumerate([*rows[:place], row, *rows[place:]], start=1):
        one.position = position
    save(row)
    audit.record("sla_policy.created", actor=actor, target=f"sla_policy:{row.id}", name=row.name)
    recount.begin(actor)
    return row


def take(actor: Actor, policy_id: int) -> SlaPolicy:
    """One to change, locked. Raises Forbidden, NotFound."""
    policy.require(actor, Action.SLA_WRITE)
    row = db.session.get(SlaPolicy, policy_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


def edit(actor: Actor, row: SlaPolicy, data: Mapping[str, Any]) -> None:
    """Change the fields named. Raises Forbidden, Invalid, Taken."""
    policy.require(actor, Action.SLA_WRITE)
    changed = audit.changes(row, data)
    _give(row, data)
    if not changed:
        return
    row.version += 1
    row.updated_at = now()
    save(row)
    audit.record("sla_policy.changed", actor=actor, target=f"sla_policy:{row.id}", changes=changed)
    if changed.keys() != {"name"}:
        recount.begin(actor)


def destroy(actor: Actor, row: SlaPolicy) -> None:
    """Throw one away that was taken. What it held for is given to the next that matches."""
    policy.require(actor, Action.SLA_WRITE)
    audit.record("sla_policy.deleted", actor=actor, target=f"sla_policy:{row.id}", name=row.name)
    db.session.delete(row)
    db.session.flush()
    recount.begin(actor)


def reorder(actor: Actor, ids: list[int]) -> None:
    """Put them in this order: all of them, each once. Raises Forbidden, Invalid."""
    policy.require(actor, Action.SLA_WRITE)
    before = _in_order(lock=True)
    rows = {row.id: row for row in before}
    if sorted(ids) != sorted(rows):
        raise Invalid({"ids": ["Name every service level once. Look at the list again: somebody changed it."]})
    for position, number in enumerate(ids, start=1):
        rows[number].position = position
    if [row.id for row in before] != ids:
        db.session.flush()
        audit.record("sla_policy.reordered", actor=actor, ids=ids)
        recount.begin(actor)


def move(actor: Actor, policy_id: int, by: int) -> list[int]:
    """Let one change places with the one before it (-1) or after it (1), where there is one. Says their order then.
    Raises NotFound."""
    policy.require(actor, Action.SLA_WRITE)
    ids = [row.id for row in _in_order(lock=True)]
    if policy_id not in ids:
        raise NotFound
    here = ids.index(policy_id)
    there = here + by
    if 0 <= there < len(ids):
        ids[here], ids[there] = ids[there], ids[here]
        reorder(actor, ids)
    return ids


def _give(row: SlaPolicy, data: Mapping[str, Any]) -> None:
    """Set fields that were checked. Raises Invalid."""
    with db.session.no_autoflush:
        _check(data)
        for name in FIELDS:
            if name in data:
                value = data[name]
                setattr(row, name, [str(one) for one in value] if name == "priorities" else value)
        if row.response_seconds > row.resolution_seconds:
            raise Invalid({"resolution_seconds": ["Choose a time for the fix that is not shorter than for the reply."]})


def _check(data: Mapping[str, Any]) -> None:
    for name, model, words in (
        ("category_ids", Category, "Choose from the categories."),
        ("team_ids", Team, "Choose from the teams."),
    ):
        wanted = set(data.get(name, ()))
        if wanted and wanted != set(db.session.scalars(select(model.id).where(model.id.in_(wanted)))):
            raise Invalid({name: [words]})
    calendar_id = data.get("calendar_id")
    if calendar_id is not None and db.session.get(Calendar, calendar_id, with_for_update=_KEPT) is None:
        raise Invalid({"calendar_id": ["Choose a calendar."]})


def check_unnamed(name: str, row_id: int) -> None:
    """Whether no policy is for this category or team: without it, one would be for nothing, or for everything.

    Raises Conflict.
    """
    for row in db.session.scalars(select(SlaPolicy).order_by(SlaPolicy.position, SlaPolicy.id)):
        if row_id in getattr(row, name):
            raise Conflict(f"The service level “{row.name}” is for it: change that first.")


def check_unsaved(wanted: Iterable[Mapping[str, Any]]) -> None:
    """Whether what a dry run is asked about could be saved. Raises Invalid with the place in the list."""
    for place, data in enumerate(wanted):
        try:
            _check(data)
            if data["response_seconds"] > data["resolution_seconds"]:
                raise Invalid({"resolution_seconds": ["Choose a time that is not shorter than for the reply."]})
        except Invalid as no:
            raise Invalid({"policies": {str(place): no.errors}}) from None


def save(row: SlaPolicy | Calendar) -> None:
    """Raises Taken."""
    db.session.add(row)
    try:
        with db.session.begin_nested():
            db.session.flush()
    except IntegrityError:
        raise Taken("name", "There is one with this name already.") from None
