"""The history: a row for every changed field, written with the change; whoever must know of it is told at once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from helpdesk import notifications, reads, search
from helpdesk.policy import Actor, event_audience
from models import Audience, Event, Task, Ticket, db


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after. People are named by id, so that erasing somebody erases them here too."""

    field: str
    before: str | None = None
    after: str | None = None
    before_user: int | None = None
    after_user: int | None = None
    audience: Audience | None = None
    """Who reads it; the policy's answer for the field where nothing is said."""
    comment_id: int | None = None

    @property
    def visibility(self) -> Audience:
        return self.audience or event_audience(self.field)


def new_deed() -> str:
    """An id for a deed that consists of several verbs, such as a reply that also resolves."""
    return uuid.uuid4().hex


def record(
    actor: Actor,
    *changes: Change,
    at: datetime,
    ticket: Ticket | None = None,
    task: Task | None = None,
    deed_id: str | None = None,
    tells: bool = True,
) -> None:
    """Write the changes of one deed, move the ticket's "updated" for those who see them, and tell people.

    With `tells` false, whoever does the deed promises that people will hear of it.
    """
    if not changes:
        return
    deed_id = deed_id or new_deed()
    for seq, change in enumerate(changes):
        db.session.add(
            Event(
                deed_id=deed_id,
                seq=seq,
                ticket_id=ticket.id if ticket else None,
                task_id=task.id if task else None,
                comment_id=change.comment_id,
                field=change.field,
                from_value=change.before,
                to_value=change.after,
                from_user_id=change.before_user,
                to_user_id=change.after_user,
                visibility=change.visibility,
                actor_kind=actor.kind,
                actor_id=actor.id,
                request_id=actor.request_id,
                created_at=at,
            )
        )
    db.session.flush()
    if ticket is not None:
        for name, moment in touched(actor, ticket, changes, at).items():
            setattr(ticket, name, moment)
        before, ticket.activity_seq = ticket.activity_seq, ticket.activity_seq + len(changes)
        reads.keep_up(actor, ticket, before)
        if any(change.field in search.FIELDS for change in changes):
            search.index(ticket)
        if tells:
            notifications.tell(ticket, changes, deed_id=deed_id, request_id=actor.request_id)


def touched(actor: Actor, ticket: Ticket, changes: tuple[Change, ...], at: datetime) -> dict[str, Any]:
    """Which "last updated" these changes move: nobody may learn from a time that something hidden happened."""
    audiences = {change.visibility for change in changes}
    moved = {"updated_at": at}
    words_of = {c.after_user or actor.id for c in changes if c.visibility == Audience.DESK}
    own_words = ticket.reporter_id in words_of
    if own_words or audiences & {Audience.REPORTER, Audience.AFFECTED}:
        moved["reporter_updated_at"] = at
    if Audience.AFFECTED in audiences:
        moved["affected_updated_at"] = at
    return moved


def forget_times(ticket: Ticket) -> None:
    """Set each "last updated" of a ticket by what is left of its history: after a deed was taken back."""
    db.session.flush()
    by_reporter = func.coalesce(Event.to_user_id, Event.actor_id) == ticket.reporter_id
    to_reporter = or_(
        Event.visibility.in_((Audience.REPORTER, Audience.AFFECTED)),
        and_(Event.visibility == Audience.DESK, by_reporter),
    )
    newest = func.max(Event.created_at)
    wanted = select(newest, newest.filter(to_reporter), newest.filter(Event.visibility == Audience.AFFECTED))
    moments: list[datetime | None] = list(db.session.execute(wanted.where(Event.ticket_id == ticket.id)).one())
    names = ("updated_at", "reporter_updated_at", "affected_updated_at")
    for name, moment in zip(names, moments, strict=True):
        setattr(ticket, name, moment or ticket.created_at)
