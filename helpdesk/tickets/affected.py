"""Several people, one problem: who joined a ticket, and who left it again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, literal, select

from helpdesk import events, paging, policy
from helpdesk.errors import Conflict
from helpdesk.events import Change
from helpdesk.policy import Action, Actor
from helpdesk.schemas import AffectedShape
from helpdesk.tickets.fields import person_by_email, person_by_id, report_of
from models import Rows, Status, Ticket, TicketReport, User, db, now

_person = AffectedShape()


def join(actor: Actor, ticket: Ticket, user_id: int) -> None:
    """Count somebody among those affected. Doing it twice, or to its reporter, changes nothing. Raises Conflict."""
    if ticket.reporter_id == user_id:
        return
    if ticket.status == Status.CLOSED:
        raise Conflict("It is closed: report the problem anew.")
    report = db.session.scalar(report_of(ticket.id, user_id))
    if report is None:
        db.session.add(TicketReport(ticket_id=ticket.id, user_id=user_id))
    elif report.left_at is None:
        return
    else:
        report.left_at, report.reported_at = None, now()
    ticket.affected_count += 1
    _record_affected(actor, ticket, Change("affected", after_user=user_id))


def leave(actor: Actor, ticket: Ticket, user_id: int) -> bool:
    """Not affected any more. Says whether they were among those who joined."""
    report = db.session.scalar(report_of(ticket.id, user_id))
    if report is None or report.left_at is not None:
        return False
    report.left_at = now()
    ticket.affected_count -= 1
    _record_affected(actor, ticket, Change("affected", before_user=user_id))
    return True


def _record_affected(actor: Actor, ticket: Ticket, change: Change) -> None:
    events.record(actor, change, ticket=ticket, at=now())


def add_affected(actor: Actor, ticket: Ticket, whom: Mapping[str, Any]) -> None:
    """Staff count somebody in, by `user_id` or `email`. Raises Invalid, Conflict where nobody may join."""
    policy.require(actor, Action.TICKET_AFFECTED)
    if not policy.is_joinable(ticket):
        raise Conflict("It is confidential: nobody else can be added.")
    user = person_by_email(whom["email"]) if "email" in whom else person_by_id(whom["user_id"], "user_id")
    join(actor, ticket, user.id)


@lru_cache(maxsize=2)
def _affected(after: bool) -> Rows:
    reporter = (
        select(
            User.id, User.name, User.email, literal(True).label("is_reporter"), Ticket.created_at.label("reported_at")
        )
        .join(Ticket, Ticket.reporter_id == User.id)
        .where(Ticket.id == bindparam("ticket_id"))
    )
    joined = (
        select(User.id, User.name, User.email, literal(False), TicketReport.reported_at)
        .join(TicketReport, TicketReport.user_id == User.id)
        .where(TicketReport.ticket_id == bindparam("ticket_id"), TicketReport.left_at.is_(None))
    )
    people = reporter.union_all(joined).subquery()
    return paging.ordered(
        select(people), {"reported_at": (people.c.reported_at, people.c.id)}, "reported_at", after=after
    )


def affected(ticket_id: int, *, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the people a ticket affects: its reporter and whoever joined, first come first."""
    found = paging.page(_affected, {"ticket_id": ticket_id}, of=f"affected|{ticket_id}", limit=limit, cursor=cursor)
    return [_person.dump_row(row) for row in found.rows], found.next_cursor
