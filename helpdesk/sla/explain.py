"""Why a ticket is due when it is: which policy and why that one, by which calendar, and what its clock left out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from helpdesk import policy
from helpdesk.policy import Action, Actor
from helpdesk.sla.book import BUILT_IN, TARGETS, Book, Policy
from helpdesk.sla.history import STOPPED, Pauses, of_ticket
from helpdesk.sla.working import ALWAYS
from models import FAR_FUTURE, Calendar, Status, fetch, now


def targets(row: Any) -> tuple[int, int]:
    """Seconds to the first response and to the resolution, of a row of the staff's `policy.visible_tickets`."""
    if row.response_seconds is not None:
        return row.response_seconds, row.resolution_seconds
    response, resolution = (int(target.total_seconds()) for target in TARGETS[row.priority])
    return response, resolution


def explain(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """Raises Forbidden, NotFound."""
    policy.require(actor, Action.SLA_READ)
    row = policy.get_ticket(actor, ticket_id)
    book = Book.load()
    held_by = row.sla_policy_id
    found = next((one for one in book.policies if one.id == held_by), None) if held_by else None
    picked = book.pick(row.priority, row.category_id, row.team_id)
    judged_by = found or (picked if held_by else BUILT_IN[row.priority])
    stood = of_ticket(ticket_id)
    zone = None
    if judged_by.calendar_id is not None:
        zone = fetch(select(Calendar.time_zone).where(Calendar.id == judged_by.calendar_id)).scalar()
    return {
        "policy": {"id": judged_by.id, "name": judged_by.name} if judged_by.id else None,
        "matched": _matched(judged_by, row),
        "is_current": picked.id == judged_by.id,
        "calendar": {"id": judged_by.calendar_id, "name": judged_by.calendar_name, "time_zone": zone} if zone else None,
        "started_at": row.created_at,
        "response": _target(
            judged_by, row, stood, judged_by.response_seconds, row.first_response_due_at, row.first_response_at
        ),
        "resolution": _target(
            judged_by, row, stood, judged_by.resolution_seconds, row.resolution_due_at, row.resolved_at
        ),
        "pauses": [
            {"started_at": start, "ended_at": end, "seconds": judged_by.time.between(start, end)}
            for start, end in stood.over
        ]
        + _standing(judged_by, row, stood.since),
        "due_at": row.due_at,
    }


def _standing(found: Policy, row: Any, since: datetime | None) -> list[dict[str, Any]]:
    """The pause that is not over: nothing is due until it is."""
    if since is None or row.status not in STOPPED:
        return []
    return [{"started_at": since, "ended_at": None, "seconds": found.time.between(since, now())}]


def _matched(found: Policy, row: Any) -> list[dict[str, str]]:
    """Which conditions it fulfils, by the words that the ticket shows."""
    if found.id is None:
        return [{"field": "priority", "value": str(row.priority)}]
    said = []
    if found.priorities:
        said.append({"field": "priority", "value": str(row.priority)})
    if found.category_ids:
        said.append({"field": "category", "value": row.category_name})
    if found.team_ids:
        said.append({"field": "team", "value": row.team_name or ""})
    return said


def _target(
    found: Policy, row: Any, stood: Pauses, target_seconds: int, due_at: datetime | None, done_at: datetime | None
) -> dict[str, Any]:
    """`closed_seconds`: between the start and the due date, outside of the calendar's hours. `adds_up`: whether this is
    what its due date is made of; not where it was answered or done while another target held."""
    if due_at is None or due_at >= FAR_FUTURE:
        closed = 0
    else:
        closed = int((due_at - row.created_at).total_seconds()) - found.time.between(row.created_at, due_at)
    if done_at is not None:
        state = "late" if due_at is not None and done_at > due_at else "met"
    elif row.resolved_at is not None:
        state = "none"
    elif row.status == Status.WAITING:
        state = "paused"
    else:
        state = "late" if due_at is not None and due_at < now() else "running"
    over = [(start, min(end, done_at) if done_at else end) for start, end in stood.over]
    if done_at is not None and stood.since is not None:
        over.append((stood.since, done_at))
    paused = Pauses(over).seconds(found.time)
    return {
        "target_seconds": target_seconds,
        "paused_seconds": paused,
        "adds_up": due_at is None or found.time.add(row.created_at, target_seconds + paused) == due_at,
        "due_at": due_at,
        "done_at": done_at,
        "state": state,
        "closed_seconds": max(0, closed) if found.time is not ALWAYS else 0,
    }
