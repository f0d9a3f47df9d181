"""What is due when. Targets are elapsed time by priority; the clock stops while a ticket waits or is resolved.

`due_at` is always the next thing due, so that one indexed column orders the queue: the first response until it is
given, then the resolution, and FAR_FUTURE when nothing is (waiting, resolved, closed, held).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from helpdesk.workflow import ENDED
from models import FAR_FUTURE, Priority, Status, Ticket

STOPPED = (Status.WAITING, *ENDED)
TARGETS: dict[Priority, tuple[timedelta, timedelta]] = {
    Priority.URGENT: (timedelta(hours=1), timedelta(hours=8)),
    Priority.HIGH: (timedelta(hours=4), timedelta(days=2)),
    Priority.NORMAL: (timedelta(days=1), timedelta(days=5)),
    Priority.LOW: (timedelta(days=3), timedelta(days=14)),
}
"""Priority → time to the first response, time to the resolution."""


def start(ticket: Ticket) -> None:
    """Give a new ticket, or one whose priority changed, its due dates."""
    response, resolution = TARGETS[ticket.priority]
    paused = timedelta(seconds=ticket.paused_seconds)
    if ticket.first_response_at is None:  # whether a reply came in time is settled when it comes
        ticket.first_response_due_at = ticket.created_at + response + paused
    ticket.resolution_due_at = ticket.created_at + resolution + paused
    refresh(ticket)


def refresh(ticket: Ticket) -> None:
    """Set `due_at` to the next thing due. Call after anything it depends on changed."""
    if ticket.held or ticket.status in STOPPED:
        ticket.due_at = FAR_FUTURE
    elif ticket.first_response_at is None:
        ticket.due_at = min(ticket.first_response_due_at, ticket.resolution_due_at)
    else:
        ticket.due_at = ticket.resolution_due_at


def pause(ticket: Ticket, at: datetime) -> None:
    """Stop the clock: the desk waits, or thinks it is done."""
    if ticket.paused_since is None:
        ticket.paused_since = at


def resume(ticket: Ticket, at: datetime) -> None:
    """Push what is still due by the time it stood still. Whole seconds, never back: clocks may jump."""
    if ticket.paused_since is None:
        return
    paused = max(0, int((at - ticket.paused_since).total_seconds()))
    ticket.paused_since = None
    ticket.paused_seconds += paused
    ticket.resolution_due_at += timedelta(seconds=paused)
    if ticket.first_response_at is None:
        ticket.first_response_due_at += timedelta(seconds=paused)
