"""What policies would have made of the tickets that were resolved lately, beside what the saved ones make of them.

Both are computed alike from what happened: when each was reported, answered and resolved, and when its clock stood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select

from helpdesk import policy
from helpdesk.policy import Action, Actor
from helpdesk.sla.book import Book, Policy, policy_of
from helpdesk.sla.history import Pauses, pauses_of
from helpdesk.sla.working import Time
from models import Calendar, Category, Rows, Ticket, db, fetch

MOST_TICKETS = 1000


@dataclass
class Met:
    """Of so many, how many were in time."""

    met: int = 0
    total: int = 0

    def count(self, in_time: bool) -> None:
        self.total += 1
        self.met += in_time

    @property
    def said(self) -> dict[str, int]:
        return {"met": self.met, "total": self.total}


class Tally:
    """How tickets did under one policy, or under all."""

    def __init__(self, found: Policy | None = None) -> None:
        self.policy = found
        self.tickets = 0
        self.response, self.resolution = Met(), Met()

    @property
    def said(self) -> dict[str, Any]:
        return {"tickets": self.tickets, "response": self.response.said, "resolution": self.resolution.said}


def dry_run(
    actor: Actor,
    wanted: Sequence[Mapping[str, Any]],
    *,
    resolved_after: datetime | None = None,
    resolved_before: datetime | None = None,
) -> dict[str, Any]:
    """The newest MOST_TICKETS that were resolved in the period, under these policies and under the saved ones.

    `wanted` are fields of policies, in their order; a saved one is named by its id. Five statements. Raises Forbidden.
    """
    policy.require(actor, Action.SLA_WRITE)
    values = {"resolved_after": resolved_after, "resolved_before": resolved_before}
    values = {name: moment for name, moment in values.items() if moment is not None}
    tickets = fetch(_resolved(frozenset(values)), values).all()
    stood = pauses_of([ticket.id for ticket in tickets])
    calendars = {row.id: row for row in fetch(select(*Calendar.__table__.columns))}
    parents = {row.id: row.parent_id for row in fetch(select(Category.id, Category.parent_id))}
    unsaved = [policy_of(one, calendars.get(one["calendar_id"] or 0), one.get("id")) for one in wanted]
    sides = {"saved": Book(Book.load().policies, parents), "wanted": Book(unsaved, parents)}
    db.session.rollback()  # the counting needs none of the database's time
    return {
        "tickets": len(tickets),
        "first_resolved_at": min((ticket.resolved_at for ticket in tickets), default=None),
        "last_resolved_at": max((ticket.resolved_at for ticket in tickets), default=None),
        **{side: _tally(book, tickets, stood) for side, book in sides.items()},
    }


@lru_cache(maxsize=4)
def _resolved(names: frozenset[str]) -> Rows:
    statement = select(
        Ticket.id, Ticket.priority, Ticket.category_id, Ticket.team_id, Ticket.created_at, Ticket.first_response_at,
        Ticket.resolved_at,
    ).where(Ticket.resolved_at.is_not(None), Ticket.merged_into_id.is_(None))  # fmt: skip
    if "resolved_after" in names:
        statement = statement.where(Ticket.resolved_at >= bindparam("resolved_after", type_=Ticket.due_at.type))
    if "resolved_before" in names:
        statement = statement.where(Ticket.resolved_at < bindparam("resolved_before", type_=Ticket.due_at.type))
    return statement.order_by(Ticket.resolved_at.desc(), Ticket.id.desc()).limit(MOST_TICKETS)


def _tally(book: Book, tickets: Sequence[Any], stood: Mapping[int, Pauses]) -> dict[str, Any]:
    overall = Tally()
    each = {id(one): Tally(one) for one in book.policies if one.is_active}
    for ticket in tickets:
        found = book.pick_for(ticket)
        of_policy = each.setdefault(id(found) if found.id or found.name else 0, Tally(found))
        judged = _judged(found, ticket, stood[ticket.id])
        for tally in (overall, of_policy):
            tally.tickets += 1
            if judged[0] is not None:
                tally.response.count(judged[0])
            tally.resolution.count(judged[1])
    none = each.pop(0, None)
    return {
        **overall.said,
        "policies": [
            {"id": tally.policy.id, "name": tally.policy.name, **tally.said}
            for tally in each.values()
            if tally.policy is not None
        ],
        "without": none.said if none else Tally().said,
    }


def _judged(found: Policy, ticket: Any, stood: Pauses) -> tuple[bool | None, bool]:
    """Whether its first response came in time, None where none was given; and whether its resolution did."""
    start = ticket.created_at
    response = None
    if ticket.first_response_at is not None:
        taken = _taken(found.time, start, ticket.first_response_at, stood)
        response = taken <= found.response_seconds
    return response, _taken(found.time, start, ticket.resolved_at, stood) <= found.resolution_seconds


def _taken(time: Time, start: datetime, end: datetime, stood: Pauses) -> int:
    """Seconds of working time in which its clock ran."""
    paused = sum(time.between(begins, min(ends, end)) for begins, ends in stood.over if begins < end)
    if stood.since is not None and stood.since < end:
        paused += time.between(stood.since, end)
    return time.between(start, end) - paused
