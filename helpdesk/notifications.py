"""Who hears of what. The deed promises one job; the worker asks the policy what each person may read, and mails that.

So a mail never holds more than its reader would see on the page at that moment, nobody hears twice of one deed, and
nobody is mailed their own doing. Whom a ticket affects hears of it as a customer does; the staff, as whose work it is:
who has it, who follows it, who is named in a comment, and, as long as nobody has it, its team.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import bindparam, delete, func, or_, select

from helpdesk import jobs, policy
from helpdesk.policy import Actor
from helpdesk.workflow import ENDED
from models import (
    Audience,
    DigestItem,
    Event,
    Follower,
    Job,
    JobState,
    Membership,
    Role,
    Status,
    Ticket,
    TicketReport,
    User,
    begin_write,
    db,
    fetch,
    now,
)

CUSTOMER_KINDS = ("received", "resolved", "reopened", "waiting", "reply")
"""What whom a ticket affects is mailed of. Of several in one deed the first: each holds the words of a reply too."""
STAFF_KINDS = ("assigned", "mentioned", "returned", "answered", "queued", "overdue", "due_soon")
"""What the staff are: it is theirs now, they are named, it was opened again, a customer wrote, their team has it; its
time has run out, or will soon."""
KINDS = (*CUSTOMER_KINDS, *STAFF_KINDS)
SAYS: dict[str, str] = {
    "received": "We have your report",
    "resolved": "It is resolved",
    "reopened": "It is open again",
    "waiting": "The helpdesk waits for your answer",
    "reply": "There is a reply",
    "assigned": "It is yours now",
    "mentioned": "You are named in it",
    "returned": "It is open again",
    "answered": "There is a new message",
    "queued": "It is your team’s, and nobody has it yet",
    "overdue": "It is overdue",
    "due_soon": "It is due soon",
}
"""Each in a line."""
ON, HOURLY, OFF = "on", "hourly", "off"
"""At once, gathered once an hour, or not at all."""


class Changed(Protocol):
    @property
    def field(self) -> str: ...
    @property
    def before(self) -> str | None: ...
    @property
    def after(self) -> str | None: ...
    @property
    def after_user(self) -> int | None: ...


def tell(ticket: Ticket, changes: Iterable[Changed], *, deed_id: str, request_id: str | None) -> None:
    """Promise, in the deed's transaction, that people will hear of it, where there is something to hear."""
    if ticket.held:
        return
    if any(_is_heard(change) for change in changes):
        jobs.enqueue("announce", {"ticket_id": ticket.id, "deed_id": deed_id}, request_id=request_id)


def tell_anyway(ticket: Ticket, *, deed_id: str, request_id: str | None) -> None:
    """Promise it for now, where a part of the deed was taken back and something is left to hear."""
    jobs.enqueue("announce", {"ticket_id": ticket.id, "deed_id": deed_id}, request_id=request_id)


def tell_later(
    ticket: Ticket, *, deed_id: str, request_id: str | None, wait: timedelta, before: dict[str, Any] | None
) -> None:
    """Promise it for later, so that `recall` can take it back until then, with what the deed found."""
    payload = {"ticket_id": ticket.id, "deed_id": deed_id, "before": before}
    jobs.enqueue("announce", payload, request_id=request_id, delay=wait, key=_key(deed_id))


def _key(deed_id: str) -> str:
    return f"announce:{deed_id}"


def recall(deed_id: str) -> dict[str, Any] | None:
    """Take the promise back: what the deed had found, or None where there is nothing to take back any more.

    The row of the job decides. Who deletes it while it is `ready` has it alone: a worker that wants it at the same
    time waits and finds nothing, or has it already, and then it is this that finds nothing.
    """
    untouched = Job.key == _key(deed_id), Job.state == JobState.READY, Job.attempts == 0
    payload = db.session.execute(delete(Job).where(*untouched).returning(Job.payload)).scalar_one_or_none()
    return None if payload is None else payload["before"] or {}


def _is_heard(change: Changed) -> bool:
    """Whether a changed field may ask for a mail: who gets which, `announce` finds out."""
    match change.field:
        case "comment":
            return change.after == "added"
        case "status":
            is_opened = _is_opened_again(change.before, change.after)
            return is_opened or change.after in {Status.WAITING, Status.RESOLVED}
        case "held":
            return change.after == "false"
        case "assignee":
            return change.after_user is not None
        case "team":
            return change.after is not None
        case _:
            return change.field == "created"


def _is_opened_again(before: str | None, after: str | None) -> bool:
    return before in ENDED and after not in ENDED


def _is_new(row: Any) -> bool:
    return (row.field, row.to_value) == ("held", "false") or row.field == "created"


def _kind_for_customer(row: Any) -> str | None:
    """Which mail a row of the history asks for, of those that a customer reads."""
    if _is_new(row):
        return "received"
    if row.field == "comment" and row.to_value == "added" and row.visibility in (Audience.REPORTER, Audience.AFFECTED):
        return "reply"
    if row.field == "status":
        if row.to_value in (Status.RESOLVED, Status.WAITING):
            return str(row.to_value)
        if _is_opened_again(row.from_value, row.to_value):
            return "reopened"
    return None


_MENTION = re.compile(r"(?<![\w@./+-])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?)")


def mentioned(text: str) -> set[str]:
    """The usernames, in lower case, that a text names as `@name`; an address names nobody."""
    return {name.lower() for name in _MENTION.findall(text)}


def _kind_for_staff(user: User, ticket: Ticket, rows: Sequence[Any], followed_by: set[int]) -> str | None:
    """The most important of the mails that a deed asks for, for somebody of the staff."""
    kinds = set()
    is_theirs = user.id == ticket.assignee_id or user.id in followed_by
    for row in rows:
        is_said = row.field == "comment" and row.to_value == "added" and row.comment_text is not None
        if row.field == "assignee" and row.to_user_id == user.id:
            kinds.add("assigned")
        elif is_said and row.comment_author_role != Role.CUSTOMER:
            if (user.username or "").lower() in mentioned(row.comment_text):
                kinds.add("mentioned")
        elif is_said and is_theirs:
            kinds.add("answered")
        elif row.field == "status" and is_theirs and _is_opened_again(row.from_value, row.to_value):
            kinds.add("returned")
        elif ticket.assignee_id is None and not is_theirs and (_is_new(row) or row.field == "team"):
            kinds.add("queued")
    return next((kind for kind in STAFF_KINDS if kind in kinds), None)


AT_ONCE = 200
"""Promised in one transaction: an outage that a thousand people joined must not keep everybody else from writing."""


@jobs.handles("announce")
def announce(job: jobs.Claimed) -> None:
    """Turn a deed into one mail job for each person who may hear of it. Repeating it adds nothing."""
    ticket_id, deed_id = job.payload["ticket_id"], job.payload["deed_id"]
    ticket = db.session.get(Ticket, ticket_id)
    if ticket is None:
        return
    rows = _deed(deed_id)
    if any(row.field in ("merged", "unmerged") for row in rows):
        return  # what it says of the ticket's status is told on the page of the other
    actors = {row.actor_id for row in rows}
    told: dict[int, tuple[User, str]] = {}
    for user in _affected(ticket_id):
        kinds = {_kind_for_customer(row) for row in deed_as_seen(user, deed_id)}
        kind = next((kind for kind in CUSTOMER_KINDS if kind in kinds), None)
        if kind and (user.id == ticket.reporter_id if kind == "received" else user.id not in actors):
            told[user.id] = user, kind
    followed_by = set(db.session.scalars(select(Follower.user_id).where(Follower.ticket_id == ticket_id)))
    for user in _staff(ticket, rows, followed_by):
        staff_kind = None if user.id in actors else _kind_for_staff(user, ticket, rows, followed_by)
        if staff_kind and user.id not in told:
            told[user.id] = user, staff_kind
    _promise(job, ticket_id, deed_id, [(user, kind) for user, kind in told.values() if wants(user, kind) != OFF])


def wants(user: User, kind: str) -> str:
    """How somebody wants mails of a kind: ON, HOURLY or OFF."""
    return str(user.notifications.get(kind, ON))


def tell_staff(users: Iterable[User], kind: str, ticket: Ticket, deed_id: str) -> None:
    """Promise a mail of a deed that happened by itself, in its transaction, to each as they want it."""
    for user in users:
        _tell(user.id, kind, wants(user, kind), ticket.id, deed_id, None)


def _tell(user_id: int, kind: str, wish: str, ticket_id: int, deed_id: str, request_id: str | None) -> None:
    about = {"kind": kind, "user_id": user_id, "ticket_id": ticket_id, "deed_id": deed_id}
    if wish == HOURLY:
        _gather(about, request_id)
    elif wish == ON:
        jobs.enqueue("mail", about, request_id=request_id, key=f"mail:{deed_id}:{user_id}")


def _promise(job: jobs.Claimed, ticket_id: int, deed_id: str, told: Sequence[tuple[User, str]]) -> None:
    mails = [(user.id, kind, wants(user, kind)) for user, kind in told]
    for start in range(0, len(mails), AT_ONCE):
        begin_write()
        for user_id, kind, wish in mails[start : start + AT_ONCE]:
            _tell(user_id, kind, wish, ticket_id, deed_id, job.request_id)
        db.session.commit()


def _gather(about: Mapping[str, Any], request_id: str | None) -> None:
    """Lay it beside what else they hear of at the next full hour."""
    if not jobs.insert_ignore(DigestItem, **about):
        return
    at = now()
    hour = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    key = f"digest:{about['user_id']}:{hour:%Y%m%d%H}"
    jobs.enqueue("digest", {"user_id": about["user_id"]}, request_id=request_id, delay=hour - at, key=key)


MOST_IN_A_DIGEST = 100


@jobs.handles("digest")
def digest(job: jobs.Claimed) -> None:
    """Make one mail of what was gathered for somebody. What is left over has a mail of its own."""
    begin_write()
    theirs = select(DigestItem).where(DigestItem.user_id == job.payload["user_id"]).order_by(DigestItem.id)
    items = list(db.session.scalars(theirs.with_for_update()))
    for start in range(0, len(items), MOST_IN_A_DIGEST):
        part = items[start : start + MOST_IN_A_DIGEST]
        found = [{"kind": item.kind, "ticket_id": item.ticket_id, "deed_id": item.deed_id} for item in part]
        payload = {"kind": "digest", "user_id": job.payload["user_id"], "items": found}
        jobs.enqueue("mail", payload, request_id=job.request_id, key=f"{jobs.key_of(job)}:{part[0].id}")
    db.session.execute(delete(DigestItem).where(DigestItem.id.in_([item.id for item in items])))
    db.session.commit()


def _affected(ticket_id: int) -> list[User]:
    """The reporter and whoever joined: each is asked for in `deed_as_seen` before anything is sent."""
    reporter = select(Ticket.reporter_id).where(Ticket.id == ticket_id)
    joined = select(TicketReport.user_id).where(TicketReport.ticket_id == ticket_id, TicketReport.left_at.is_(None))
    people = select(User).where(User.id.in_(reporter.union(joined)), User.is_active, User.email.is_not(None))
    return list(db.session.scalars(people.order_by(User.id)))


def _staff(ticket: Ticket, rows: Sequence[Any], followed_by: set[int]) -> list[User]:
    """Those of the staff whom a deed may concern."""
    ids = {ticket.assignee_id, *followed_by, *(row.to_user_id for row in rows if row.field == "assignee")}
    named = {name for row in rows for name in mentioned(row.comment_text or "")}
    concerned = [User.id.in_(sorted(i for i in ids if i is not None)), func.lower(User.username).in_(sorted(named))]
    if ticket.assignee_id is None and ticket.team_id is not None:
        concerned.append(User.id.in_(select(Membership.user_id).where(Membership.team_id == ticket.team_id)))
    staff = select(User).where(or_(*concerned), User.role != Role.CUSTOMER, User.is_active, User.email.is_not(None))
    return list(db.session.scalars(staff.order_by(User.id)))


def _deed(deed_id: str) -> list[Any]:
    """All of a deed, as the staff see it."""
    statement = policy.visible_events(True).where(Event.deed_id == bindparam("deed_id")).order_by(Event.id)
    return list(fetch(statement, {"deed_id": deed_id}))


def deed_as_seen(user: User, deed_id: str) -> list[Any]:
    """The rows of a deed that this person may read as a customer of this ticket: rows of the policy's SELECT.

    A member of staff who reported something is told what a reporter is told: a mail box is not the staff pages.
    """
    statement = policy.visible_events(False).where(Event.deed_id == bindparam("deed_id")).order_by(Event.id)
    return list(fetch(statement, {"me": user.id, "deed_id": deed_id}))


def deed_of_ticket(actor: Actor, deed_id: str) -> list[Any]:
    """The same for somebody of the staff, about whose work it is: what they read on the staff pages."""
    return _deed(deed_id) if actor.is_staff else []


def reader(user: User) -> Actor:
    return Actor(id=user.id, role=Role.CUSTOMER, name=user.name)
