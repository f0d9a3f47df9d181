"""Several people, one problem: who joined a ticket, and who left it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, exists, literal, select, update

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


def bring(ticket: Ticket, user_ids: Iterable[int], *, at: datetime) -> list[int]:
    """Count in at once those of them who are not yet, and say whom. The deed that brings them tells it."""
    wanted = set(user_ids) - {ticket.reporter_id}
    reports = select(TicketReport).where(TicketReport.ticket_id == ticket.id, TicketReport.user_id.in_(wanted))
    known = {report.user_id: report for report in db.session.scalars(reports)}
    brought = sorted(one for one in wanted if one not in known or known[one].left_at is not None)
    for user_id in brought:
        if user_id in known:
            known[user_id].left_at, known[user_id].reported_at = None, at
        else:
            db.session.add(TicketReport(ticket_id=ticket.id, user_id=user_id, reported_at=at))
    ticket.affected_count += len(brought)
    return brought


def send_back(ticket: Ticket, user_ids: Iterable[int], *, since: datetime) -> list[int]:
    """Those whom `bring` counted in at that moment leave again; not who left or came by themselves. Says whom."""
    brought = update(TicketReport).where(
        TicketReport.ticket_id == ticket.id,
        TicketReport.user_id.in_(set(user_ids)),
        TicketReport.left_at.is_(None),
        TicketReport.reported_at == since,
    )
    gone = sorted(db.session.scalars(brought.values(left_at=now()).returning(TicketReport.user_id)))
    ticket.affected_count -= len(gone)
    return gone


def brought_by(ticket: Ticket, user_ids: Iterable[int], *, since: datetime, at: datetime) -> None:
    """Those whom `bring` counted in at one moment are counted in as of another: another deed holds them now."""
    db.session.execute(
        update(TicketReport)
        .where(
            TicketReport.ticket_id == ticket.id,
            TicketReport.user_id.in_(set(user_ids)),
            TicketReport.left_at.is_(None),
            TicketReport.reported_at == since,
        )
        .values(reported_at=at)
    )


def _record_affected(actor: Actor, ticket: Ticket, change: Change) -> None:
    events.record(actor, change, ticket=ticket, at=now())


def joined_ids(ticket_id: int) -> list[int]:
    """Who joined it and did not leave."""
    joined = select(TicketReport.user_id).where(TicketReport.ticket_id == ticket_id, TicketReport.left_at.is_(None))
    return list(db.session.scalars(joined.order_by(TicketReport.user_id)))


def shut_out(ticket: Ticket, user_ids: Iterable[int]) -> list[list[Any]]:
    """Of those who had joined, whoever has not any more, each with the moment, for `let_back`."""
    wanted = select(TicketReport.user_id, TicketReport.left_at).where(
        TicketReport.ticket_id == ticket.id, TicketReport.left_at.is_not(None), TicketReport.user_id.in_(list(user_ids))
    )
    return [[user_id, left_at.isoformat()] for user_id, left_at in db.session.execute(wanted) if left_at]


def let_back(ticket: Ticket, gone: Iterable[Sequence[Any]]) -> list[Change]:
    """Those whose access ended with a deed that is taken back have joined again: not who left or was erased since."""
    found: list[int] = []
    for user_id, left_at in gone:
        theirs = (
            TicketReport.ticket_id == ticket.id,
            TicketReport.user_id == user_id,
            TicketReport.left_at == datetime.fromisoformat(left_at),
            ~exists().where(User.id == user_id, User.erased_at.is_not(None)),
        )
        back = update(TicketReport).where(*theirs).values(left_at=None).returning(TicketReport.user_id)
        found += db.session.scalars(back).all()
    ticket.affected_count += len(found)
    return [Change("affected", after_user=user_id) for user_id in found]


def add_affected(actor: Actor, ticket: Ticket, whom: Mapping[str, Any]) -> None:
    """Staff count somebody in, by `user_id` or `email`. Raises Invalid, Conflict where nobody may join."""
    policy.require(actor, Action.TICKET_AFFECTED)
    if not policy.is_joinable(ticket):
        raise Conflict("It is confidential: nobody else can be added.")
    user = person_by_email(whom["email"]) if "email" in whom else person_by_id(whom["user_id"], "user_id")
    join(actor, ticket, user.id)


@lru_cache(maxsize=1)
def people() -> Rows:
    """Whom the ticket of the parameter `ticket_id` affects: `id, name, email, is_reporter, reported_at`."""
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
    return select(reporter.union_all(joined).subquery("people"))


@lru_cache(maxsize=2)
def _affected(after: bool) -> Rows:
    statement = people()
    columns = statement.selected_columns
    return paging.ordered(statement, {"reported_at": (columns.reported_at, columns.id)}, "reported_at", after=after)


def affected(ticket_id: int, *, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the people a ticket affects: its reporter and whoever joined, first come first."""
    found = paging.page(_affected, {"ticket_id": ticket_id}, of=f"affected|{ticket_id}", limit=limit, cursor=cursor)
    return [_person.dump_row(row) for row in found.rows], found.next_cursor
