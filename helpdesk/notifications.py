"""Who hears of what. The deed promises one job; the worker asks the policy what each person may read, and mails that.

So a mail never holds more than its reader would see on the page at that moment, nobody hears twice of one deed, and
nobody is mailed their own doing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from sqlalchemy import bindparam, select

from helpdesk import jobs, policy
from helpdesk.policy import Actor
from models import Audience, Event, Role, Status, Ticket, TicketReport, User, begin_write, db, fetch


class Changed(Protocol):
    @property
    def field(self) -> str: ...
    @property
    def after(self) -> str | None: ...
    @property
    def visibility(self) -> Audience: ...


def tell(ticket: Ticket, changes: Iterable[Changed], *, deed_id: str, request_id: str | None) -> None:
    """Promise, in the deed's transaction, that people will hear of it, where there is something to hear."""
    if ticket.held:
        return
    if any(_kind(change.field, change.after, change.visibility) for change in changes):
        jobs.enqueue("announce", {"ticket_id": ticket.id, "deed_id": deed_id}, request_id=request_id)


def _kind(field: str, after: str | None, visibility: Audience) -> str | None:
    """Which mail a changed field asks for."""
    if field == "comment" and after == "added" and visibility in (Audience.REPORTER, Audience.AFFECTED):
        return "reply"
    if field == "status" and after == Status.RESOLVED:
        return "resolved"
    if field == "created" or (field == "held" and after == "false"):
        return "received"
    return None


AT_ONCE = 200
"""Promised in one transaction: an outage that a thousand people joined must not keep everybody else from writing."""
IMPORTANCE = ("received", "resolved", "reply")
"""Of several kinds in one deed the first of these is mailed; the mail that says "resolved" holds a reply's text too."""


@jobs.handles("announce")
def announce(job: jobs.Claimed) -> None:
    """Turn a deed into one mail job for each person who may hear of it. Repeating it adds nothing."""
    ticket_id, deed_id = job.payload["ticket_id"], job.payload["deed_id"]
    actors = set(db.session.scalars(select(Event.actor_id).where(Event.deed_id == deed_id)))
    reporter_id = db.session.scalar(select(Ticket.reporter_id).where(Ticket.id == ticket_id))
    mails = []
    for user in _audience(ticket_id):
        rows = deed_as_seen(user, deed_id)
        kinds = {_kind(row.field, row.to_value, row.visibility) for row in rows}
        wanted = (kind for kind in IMPORTANCE if kind in kinds and user.notifications.get(kind) != "off")
        kind = next(wanted, None)
        if kind is None:
            continue
        if user.id == reporter_id if kind == "received" else user.id not in actors:
            payload = {"kind": kind, "user_id": user.id, "ticket_id": ticket_id, "deed_id": deed_id}
            mails.append((f"mail:{deed_id}:{user.id}", payload))
    for start in range(0, len(mails), AT_ONCE):
        begin_write()
        for key, payload in mails[start : start + AT_ONCE]:
            jobs.enqueue("mail", payload, request_id=job.request_id, key=key)
        db.session.commit()


def _audience(ticket_id: int) -> list[User]:
    """The reporter and whoever joined: each is asked for in `deed_as_seen` before anything is sent."""
    reporter = select(Ticket.reporter_id).where(Ticket.id == ticket_id)
    joined = select(TicketReport.user_id).where(TicketReport.ticket_id == ticket_id, TicketReport.left_at.is_(None))
    people = select(User).where(User.id.in_(reporter.union(joined)), User.is_active, User.email.is_not(None))
    return list(db.session.scalars(people.order_by(User.id)))


def deed_as_seen(user: User, deed_id: str) -> list[Any]:
    """The rows of a deed that this person may read as a customer of this ticket: rows of the policy's SELECT.

    A member of staff who reported something is told what a reporter is told: a mail box is not the staff pages.
    """
    statement = policy.visible_events(False).where(Event.deed_id == bindparam("deed_id")).order_by(Event.id)
    return list(fetch(statement, {"me": user.id, "deed_id": deed_id}))


def reader(user: User) -> Actor:
    return Actor(id=user.id, role=Role.CUSTOMER, name=user.name)
