"""Service levels: which policy holds for a ticket, what is due when by which calendar, and what is done about it."""

from helpdesk.sla import calendars, policies, recount
from helpdesk.sla.book import BUILT_IN, TARGETS, Book, Policy
from helpdesk.sla.clocks import (
    CLOCKS,
    PICKED_BY,
    moved,
    put_back,
    refresh,
    repick,
    replied,
    soon_seconds,
    start,
    unreplied,
)
from helpdesk.sla.dry_run import MOST_TICKETS, dry_run
from helpdesk.sla.explain import explain, targets
from helpdesk.sla.history import STOPPED, History, Move, Pauses, pauses, pauses_of
from helpdesk.sla.watch import mark_quietly
from helpdesk.sla.working import ALWAYS, NoCalendar, WorkingTime, working

__all__ = [
    "ALWAYS",
    "BUILT_IN",
    "CLOCKS",
    "MOST_TICKETS",
    "PICKED_BY",
    "STOPPED",
    "TARGETS",
    "Book",
    "History",
    "Move",
    "NoCalendar",
    "Pauses",
    "Policy",
    "WorkingTime",
    "calendars",
    "dry_run",
    "explain",
    "mark_quietly",
    "moved",
    "pauses",
    "pauses_of",
    "policies",
    "put_back",
    "recount",
    "refresh",
    "repick",
    "replied",
    "soon_seconds",
    "start",
    "targets",
    "unreplied",
    "working",
]
