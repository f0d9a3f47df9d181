"""What the worker notes of tickets whose time is running out: a warning when something is due soon, a mark when it was
missed, each once, in the history and by mail to whoever has the ticket.

A row is locked, looked at again, and marked in the transaction that promises the mails: of two workers the second finds
the mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, not_, or_, select, update

from helpdesk import events, jobs, notifications, policy
from helpdesk.errors import NotFound
from helpdesk.events import Change
from helpdesk.policy import SYSTEM
from models import Membership, Role, Rows, Status, Ticket, User, begin_write, db, fetch, now

EVERY = timedelta(minutes=1)
AT_ONCE = 500
RUNNING = (Status.OPEN, Status.IN_PROGRESS)
RESPONSE, RESOLUTION = "response", "resolution"
DUE_SOON, OVERDUE = "due_soon", "overdue"
"""Kinds of mails, and what the history calls it."""


@dataclass(frozen=True)
class Note:
    """One thing to note of a ticket: what became of which target, and when that was due."""

    kind: str
    what: str
    due_at: datetime


def notes(ticket: Ticket, at: datetime) -> Iterator[Note]:
    """What is to be noted of a ticket at this moment, and was not yet."""
    if ticket.held or ticket.status not in RUNNING:
        return
    response, resolution = ticket.first_response_due_at, ticket.resolution_due_at
    if ticket.first_response_at is None:
        if response <= at:
            if ticket.response_breached_at is None:
                yield Note(OVERDUE, RESPONSE, response)
        elif _is_soon(ticket.first_response_soon_at, at) and ticket.warned_for not in (response, resolution):
            yield Note(DUE_SOON, RESPONSE, response)
    if resolution <= at:
        if ticket.resolution_breached_at is None:
            yield Note(OVERDUE, RESOLUTION, resolution)
    elif _is_soon(ticket.resolution_soon_at, at) and ticket.warned_for != resolution:
        yield Note(DUE_SOON, RESOLUTION, resolution)


def _is_soon(soon_at: datetime | None, at: datetime) -> bool:
    return soon_at is not None and soon_at <= at


_AT: Any = bindparam("at", type_=Ticket.due_at.type)
_running = and_(Ticket.status.in_(RUNNING), not_(Ticket.held))
_unanswered = Ticket.first_response_at.is_(None)
_warned: Any = Ticket.warned_for


def _soon(soon_at: Any, due_at: Any) -> ColumnElement[bool]:
    return and_(soon_at <= _AT, due_at > _AT)


@lru_cache(maxsize=1)
def _wanted() -> Rows:
    """The tickets of which there is something to note, in the order of their numbers."""
    response, resolution = Ticket.first_response_due_at, Ticket.resolution_due_at
    unwarned = or_(_warned.is_(None), _warned != resolution)
    return (
        select(Ticket.id)
        .where(
            _running,
            Ticket.id > bindparam("after"),
            or_(
                and_(_unanswered, response <= _AT, Ticket.response_breached_at.is_(None)),
                and_(resolution <= _AT, Ticket.resolution_breached_at.is_(None)),
                and_(_soon(Ticket.resolution_soon_at, resolution), unwarned),
                and_(
                    _unanswered, _soon(Ticket.first_response_soon_at, response), unwarned,
                    or_(_warned.is_(None), _warned != response),
                ),
            ),
        )
        .order_by(Ticket.id)
        .limit(AT_ONCE)
    )  # fmt: skip


@jobs.handles("watch_due", every=EVERY)
def watch(job: jobs.Claimed) -> None:
    """Warn of what is due soon, and mark what was missed. Repeating it adds nothing."""
    after = 0
    while True:
        ids = list(fetch(_wanted(), {"at": now(), "after": after}).scalars())
        db.session.rollback()
        for ticket_id in ids:
            begin_write()
            note(ticket_id)
            db.session.commit()
        if len(ids) < AT_ONCE:
            return
        after = ids[-1]


def note(ticket_id: int) -> list[Note]:
    """Write down what is to be noted of one ticket now, and promise its mails: in a transaction that was begun."""
    try:
        ticket = policy.take_ticket(SYSTEM, ticket_id)
    except NotFound:
        return []
    at = now()
    found = list(notes(ticket, at))
    if not found:
        return []
    for one in found:
        if one.kind == DUE_SOON:
            ticket.warned_for = one.due_at
        elif one.what == RESPONSE:
            ticket.response_breached_at = at
        else:
            ticket.resolution_breached_at = at
    changes = [Change(one.kind, before=one.due_at.isoformat(), after=one.what) for one in found]
    deed_id = events.new_deed()
    events.record(SYSTEM, *changes, ticket=ticket, at=at, deed_id=deed_id, tells=False)
    kind = OVERDUE if any(one.kind == OVERDUE for one in found) else DUE_SOON  # one mail of a deed
    notifications.tell_staff(_whom(ticket), kind, ticket, deed_id)
    return found


def _whom(ticket: Ticket) -> list[User]:
    """Its assignee; where nobody has it, its team's members; else nobody."""
    reached = User.is_active, User.email.is_not(None), User.role != Role.CUSTOMER
    if ticket.assignee_id is not None:
        found = list(db.session.scalars(select(User).where(User.id == ticket.assignee_id, *reached)))
        if found:
            return found
    members = select(User).join(Membership, Membership.user_id == User.id)
    return list(db.session.scalars(members.where(Membership.team_id == ticket.team_id, *reached).order_by(User.id)))


def mark_quietly(at: datetime) -> None:
    """Mark as if it had been noted all along, and nobody told: what was inserted with its past.

    What was answered or ended late was marked when it was.
    """
    db.session.flush()
    stood = func.coalesce(Ticket.paused_since, _AT)
    for values, where in (
        (
            {"response_breached_at": _AT},
            (_unanswered, Ticket.resolved_at.is_(None), Ticket.first_response_due_at <= stood, not_(Ticket.held),
             Ticket.response_breached_at.is_(None)),
        ),
        (
            {"resolution_breached_at": _AT},
            (Ticket.resolved_at.is_(None), Ticket.resolution_due_at <= stood, not_(Ticket.held),
             Ticket.resolution_breached_at.is_(None)),
        ),
        (
            {"warned_for": Ticket.resolution_due_at},
            (_running, _soon(Ticket.resolution_soon_at, Ticket.resolution_due_at)),
        ),
        (
            {"warned_for": Ticket.first_response_due_at},
            (_running, _unanswered, _soon(Ticket.first_response_soon_at, Ticket.first_response_due_at),
             _warned.is_(None)),
        ),
    ):  # fmt: skip
        marked = update(Ticket).where(*where).values(**values).execution_options(synchronize_session=False)
        db.session.execute(marked, {"at": at})
    db.session.expire_all()
