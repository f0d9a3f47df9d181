"""The calendars themselves: read, made, changed, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from helpdesk import audit, policy
from helpdesk.errors import Conflict, NotFound
from helpdesk.policy import Action, Actor
from helpdesk.sla import recount
from helpdesk.sla.policies import save
from helpdesk.sla.working import working
from models import Calendar, SlaPolicy, db, now

FIELDS = ("name", "time_zone", "hours", "holidays")


def listing(actor: Actor) -> list[dict[str, Any]]:
    """All of them, by name. Raises Forbidden."""
    policy.require(actor, Action.SLA_READ)
    return [_shown(row) for row in db.session.scalars(select(Calendar).order_by(Calendar.name, Calendar.id))]


def show_one(actor: Actor, calendar_id: int) -> dict[str, Any]:
    """Raises Forbidden, NotFound."""
    policy.require(actor, Action.SLA_READ)
    row = db.session.get(Calendar, calendar_id)
    if row is None:
        raise NotFound
    return _shown(row)


def _shown(row: Calendar) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "time_zone": row.time_zone, "hours": row.hours, "holidays": row.holidays,
        "version": row.version, "created_at": row.created_at, "updated_at": row.updated_at,
    }  # fmt: skip


def create(actor: Actor, data: Mapping[str, Any]) -> Calendar:
    """Raises Forbidden, Taken."""
    policy.require(actor, Action.SLA_WRITE)
    at = now()
    row = Calendar(version=1, created_at=at, updated_at=at, holidays=[])
    _give(row, _in_order(data))
    save(row)
    audit.record("calendar.created", actor=actor, target=f"calendar:{row.id}", name=row.name)
    return row


def take(actor: Actor, calendar_id: int) -> Calendar:
    """One to change, locked. Raises Forbidden, NotFound."""
    policy.require(actor, Action.SLA_WRITE)
    row = db.session.get(Calendar, calendar_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


def edit(actor: Actor, row: Calendar, data: Mapping[str, Any]) -> None:
    """Change the fields named. Raises Forbidden, Taken."""
    policy.require(actor, Action.SLA_WRITE)
    data = _in_order(data)
    changed = audit.changes(row, data)
    _give(row, data)
    if not changed:
        return
    row.version += 1
    row.updated_at = now()
    save(row)
    audit.record("calendar.changed", actor=actor, target=f"calendar:{row.id}", changes=changed)
    if changed.keys() != {"name"} and _is_used(row):
        recount.begin(actor)


def _in_order(data: Mapping[str, Any]) -> dict[str, Any]:
    """With its holidays by date."""
    if "holidays" not in data:
        return dict(data)
    return {**data, "holidays": sorted(data["holidays"], key=lambda day: day["date"])}


def _give(row: Calendar, data: Mapping[str, Any]) -> None:
    with db.session.no_autoflush:
        for name in FIELDS:
            if name in data:
                setattr(row, name, data[name])
        working(row.time_zone, row.hours, row.holidays)  # whatever the shape let through is computable


def destroy(actor: Actor, row: Calendar) -> None:
    """Throw one away that was taken. Raises Conflict where a policy is by it."""
    policy.require(actor, Action.SLA_WRITE)
    if _is_used(row):
        raise Conflict("A service level is by this calendar: choose another there first.")
    audit.record("calendar.deleted", actor=actor, target=f"calendar:{row.id}", name=row.name)
    db.session.delete(row)
    db.session.flush()


def _is_used(row: Calendar) -> bool:
    return db.session.scalar(select(SlaPolicy.id).where(SlaPolicy.calendar_id == row.id).limit(1)) is not None
