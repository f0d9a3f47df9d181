"""A ticket's clocks: when its first response and its resolution are due, and from when that counts as soon.

Every function takes the model, or whatever has its fields; who has the policies or the history at hand passes them, and
else they are read. `due_at` is always the next thing due, so that one indexed column orders the queue: the first
response until it is given, then the resolution, and FAR_FUTURE when nothing is (waiting, resolved, closed, held).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from helpdesk.sla.book import Book, Policy
from helpdesk.sla.history import STOPPED, History, of_ticket
from helpdesk.sla.working import ALWAYS
from helpdesk.workflow import ENDED
from models import FAR_FUTURE, Status, now

PICKED_BY = frozenset({"priority", "category", "team"})
"""The fields whose change may bring another policy."""
CLOCKS = (
    "sla_policy_id", "paused_since", "paused_seconds", "first_response_due_at", "first_response_soon_at",
    "resolution_due_at", "resolution_soon_at", "warned_for", "response_breached_at", "resolution_breached_at",
)  # fmt: skip
"""What goes along with a status, a priority, a category or a team, beside `due_at`."""
_MARKS = ("warned_for", "response_breached_at", "resolution_breached_at")
SOON_SECONDS = 3600


def soon_seconds(target: int) -> int:
    """From so long before it is due something is due soon: the last quarter of its target, the last hour at most."""
    return min(target // 4, SOON_SECONDS)


def start(ticket: Any, book: Book | None = None) -> None:
    """Give a new ticket its policy and its due dates."""
    policy = (book or Book.load()).pick_for(ticket)
    ticket.sla_policy_id = policy.id
    _set_dates(ticket, policy)
    refresh(ticket)


def repick(ticket: Any, book: Book | None = None, history: History | None = None) -> bool:
    """Give it the policy that holds for it now, and the due dates of that. Says whether a date changed.

    Its pauses are measured again by its history, where that is at hand, and where a calendar comes or goes. A first
    response that was given is not judged again.
    """
    book = book or Book.load()
    before, policy = book.of(ticket), book.pick_for(ticket)
    dates = ticket.first_response_due_at, ticket.resolution_due_at
    if history or policy.time is not ALWAYS or before is None or before.time is not ALWAYS:
        ticket.paused_seconds = (history or partial(of_ticket, ticket.id))().seconds(policy.time)
    ticket.sla_policy_id = policy.id
    _set_dates(ticket, policy)
    refresh(ticket)
    return dates != (ticket.first_response_due_at, ticket.resolution_due_at)


def _set_dates(ticket: Any, policy: Policy) -> None:
    time, paused = policy.time, ticket.paused_seconds
    if ticket.first_response_at is None:  # whether a reply came in time is settled when it comes
        due = time.add(ticket.created_at, policy.response_seconds + paused)
        ticket.first_response_due_at = due
        ticket.first_response_soon_at = time.before(due, soon_seconds(policy.response_seconds))
    due = time.add(ticket.created_at, policy.resolution_seconds + paused)
    ticket.resolution_due_at, ticket.resolution_soon_at = due, time.before(due, soon_seconds(policy.resolution_seconds))
    if ticket.response_breached_at is not None and ticket.first_response_at is None:
        ticket.response_breached_at = _still(ticket.response_breached_at, ticket.first_response_due_at)
    if ticket.resolution_breached_at is not None:
        ticket.resolution_breached_at = _still(ticket.resolution_breached_at, ticket.resolution_due_at)


def _still(marked_at: datetime, due_at: datetime) -> datetime | None:
    """A mark that it was missed, where it is still missed."""
    return marked_at if due_at <= now() else None


def refresh(ticket: Any) -> None:
    """Set `due_at` to the next thing due. Call after anything it depends on changed."""
    if ticket.held or ticket.status in STOPPED:
        ticket.due_at = FAR_FUTURE
    elif ticket.first_response_at is None:
        ticket.due_at = min(ticket.first_response_due_at, ticket.resolution_due_at)
    else:
        ticket.due_at = ticket.resolution_due_at


def replied(ticket: Any, at: datetime, book: Book | None = None) -> None:
    """The first response was given. Where the clock stood meanwhile, that pause so far is not held against it."""
    if ticket.paused_since is not None:
        policy = _policy(ticket, book)
        paused = ticket.paused_seconds + policy.time.between(ticket.paused_since, at)
        ticket.first_response_due_at = policy.time.add(ticket.created_at, policy.response_seconds + paused)
    ticket.first_response_at = at
    if at > ticket.first_response_due_at:
        ticket.response_breached_at = ticket.response_breached_at or at
    refresh(ticket)


def unreplied(ticket: Any, first: datetime | None) -> None:
    """The first response was taken back; `first` is that of today, if there is one."""
    if ticket.response_breached_at == ticket.first_response_at:
        ticket.response_breached_at = None
    ticket.first_response_at = first
    if first is not None and first > ticket.first_response_due_at:
        ticket.response_breached_at = ticket.response_breached_at or first
    if first is None and ticket.status not in ENDED:
        repick(ticket)
    refresh(ticket)


def put_back(ticket: Any, left: Status, clocks: Mapping[str, Any]) -> None:
    """It has the status again that it had before `left`: let its clocks be what they were then, as CLOCKS names them.

    What was noted meanwhile, of what it is late for still, stays noted; and if it goes on, the policy holds that holds
    now, for a recount may have come by. What is ended again has the clocks with which it ended.
    """
    noted = {} if left in ENDED else {name: getattr(ticket, name) for name in _MARKS}
    for name, value in clocks.items():
        setattr(ticket, name, value)
    if ticket.status in ENDED:
        refresh(ticket)
        return
    for name in ("response_breached_at", "resolution_breached_at"):
        setattr(ticket, name, getattr(ticket, name) or noted.get(name))
    repick(ticket)  # and no mark stays of what is not late
    dates = (ticket.resolution_due_at, ticket.first_response_due_at)
    warned = (ticket.warned_for, noted.get("warned_for"))
    ticket.warned_for = next((date for date in dates if date in warned), ticket.warned_for)


def moved(
    ticket: Any, before: Status, at: datetime, book: Book | None = None, history: History | None = None
) -> None:  # fmt: skip
    """It went to the status that it has: stop its clock, or let it go on with what it stood still for."""
    if ticket.status not in STOPPED:
        _resume(ticket, before, at, book, history)
    elif ticket.paused_since is None:
        ticket.paused_since = at
    elif before == Status.WAITING and ticket.status in ENDED:  # what it waited for does not make it late
        _count_pause(ticket, _policy(ticket, book), at, ticket.paused_seconds)
        ticket.paused_since = at
    if ticket.status in ENDED and before not in ENDED:
        _judge(ticket, at)
    refresh(ticket)


def _resume(ticket: Any, before: Status, at: datetime, book: Book | None, history: History | None) -> None:
    """Push what is still due by the time it stood still. Whole seconds, never back: clocks may jump."""
    if ticket.paused_since is None:
        return
    policy = (book or Book.load()).pick_for(ticket)
    earlier = ticket.paused_seconds
    # what ended was left out while policies changed; and of a calendar nobody knows what it was like before
    if before in ENDED or policy.time is not ALWAYS or policy.id != ticket.sla_policy_id:
        known = (history or partial(of_ticket, ticket.id))()
        if known.since is not None:
            earlier, ticket.paused_since = known.seconds(policy.time), known.since
    _count_pause(ticket, policy, at, earlier)
    ticket.paused_since = None


def _count_pause(ticket: Any, policy: Policy, at: datetime, earlier: int) -> None:
    ticket.paused_seconds = earlier + policy.time.between(ticket.paused_since, at)
    ticket.sla_policy_id = policy.id
    _set_dates(ticket, policy)


def _policy(ticket: Any, book: Book | None) -> Policy:
    """The one its dates are by; where that was deleted, the one that holds now."""
    book = book or Book.load()
    return book.of(ticket) or book.pick_for(ticket)


def _judge(ticket: Any, at: datetime) -> None:
    """Whether it ended in time is settled when it ends."""
    if at > ticket.resolution_due_at:
        ticket.resolution_breached_at = ticket.resolution_breached_at or at
    if ticket.first_response_at is None and at > ticket.first_response_due_at:
        ticket.response_breached_at = ticket.response_breached_at or at
