"""From which status a ticket may go where, and who may send it there: the table of the HTTP contract."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from helpdesk.policy import Side
from models import Status

REOPEN_DAYS = 14
"""For so long a customer's comment reopens a resolved ticket; then it closes by itself."""


class Trigger(StrEnum):
    """What moves a ticket without anybody choosing a status."""

    REPORTER_COMMENT = "reporter_comment"
    TIME = "time"


STAFF: dict[Status, tuple[Status, ...]] = {
    Status.OPEN: (Status.IN_PROGRESS, Status.WAITING, Status.RESOLVED, Status.CLOSED),
    Status.IN_PROGRESS: (Status.OPEN, Status.WAITING, Status.RESOLVED, Status.CLOSED),
    Status.WAITING: (Status.OPEN, Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED),
    Status.RESOLVED: (Status.OPEN, Status.IN_PROGRESS, Status.CLOSED),
    Status.CLOSED: (Status.OPEN,),
}
REPORTER: dict[Status, tuple[Status, ...]] = {
    Status.OPEN: (Status.CLOSED,),
    Status.IN_PROGRESS: (Status.CLOSED,),
    Status.WAITING: (Status.CLOSED,),
    Status.RESOLVED: (Status.OPEN, Status.CLOSED),
    Status.CLOSED: (),
}
TRANSITIONS: dict[Side, dict[Status, tuple[Status, ...]]] = {
    Side.STAFF: STAFF,
    Side.REPORTER: REPORTER,
    Side.JOINED: dict.fromkeys(Status, ()),
}
BY_ITSELF: dict[tuple[Status, Trigger], Status] = {
    (Status.WAITING, Trigger.REPORTER_COMMENT): Status.OPEN,
    (Status.RESOLVED, Trigger.REPORTER_COMMENT): Status.OPEN,
    (Status.RESOLVED, Trigger.TIME): Status.CLOSED,
}
ENDED = (Status.RESOLVED, Status.CLOSED)


def transitions_for(status: Status, side: Side) -> tuple[Status, ...]:
    """The statuses that somebody on this side may set now: buttons are drawn from it."""
    return TRANSITIONS[side][status]


def by_itself(status: Status, trigger: Trigger, resolved_at: datetime | None, at: datetime) -> Status | None:
    """Where the trigger sends a ticket, or None. A comment reopens it for REOPEN_DAYS; then time closes it."""
    to = BY_ITSELF.get((status, trigger))
    if to is not None and resolved_at is not None:
        over = at - resolved_at >= timedelta(days=REOPEN_DAYS)
        if over != (trigger == Trigger.TIME):
            return None
    return to
