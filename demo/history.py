"""Thirteen weeks of the desk up to now: how many tickets arrive when, what has become of each, and the staff's tasks.

The term began last week, so that most arrive in the last days; before lies a quiet break. The newest are minutes old.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from heapq import merge
from itertools import accumulate
from typing import Any

from demo.hours import daytime, midnight, span_of
from demo.stories import FOLDER, queue
from demo.telling import Deed, Teller, Ticket, Wanted

WEEKS = (6, 6, 7, 7, 8, 9, 10, 13, 18, 25, 36, 50, 60)
"""How many tickets arrive in each week, as shares, oldest first."""
HOURS = (1, 1, 0, 0, 0, 1, 3, 9, 17, 20, 18, 13, 11, 14, 16, 14, 10, 7, 5, 4, 3, 3, 2, 1)
"""In each hour of a weekday, UTC; a day of the weekend has an eighth of it."""

NORMAL, ANY = ("low", "normal"), ("low", "normal", "high", "urgent")
LIVE: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (5, "new", ("normal",)),
    (12, "new", ("normal",)),
    (19, "new", NORMAL),
    (34, "open", ("high",)),
    (51, "new", ("normal",)),
    (66, "in_progress", ("normal",)),
    (88, "new", NORMAL),
    (104, "in_progress", ("urgent",)),
    (127, "open", ("normal",)),
    (171, "waiting", ANY),
    (208, "new", ("normal",)),
    (246, "resolved", ("urgent",)),
    (290, "in_progress", ("high",)),
    (345, "resolved", ("normal",)),
    (402, "withdrawn", ("normal",)),
    (540, "in_progress", ("normal",)),
    (700, "new", ("normal",)),
    (910, "in_progress", ("high",)),
    (1180, "waiting", ANY),
    (1310, "open", ("normal",)),
)
"""What came in since yesterday: age in minutes, state, priorities. Anything urgent that is hours old would be late."""

Odds = tuple[tuple[str, float], ...]
BECAME: tuple[tuple[float, tuple[str, ...], Odds], ...] = (
    (9, NORMAL, (("open", 0.2), ("in_progress", 0.35), ("waiting", 0.2), ("resolved", 0.25))),
    (34, NORMAL, (("open", 0.2), ("in_progress", 0.34), ("waiting", 0.08), ("closed", 0.06), ("resolved", 0.32))),
    (85, ("low",), (("open", 0.1), ("in_progress", 0.22), ("waiting", 0.08), ("resolved", 0.6))),
    (110, ANY, (("in_progress", 0.02), ("waiting", 0.08), ("withdrawn", 0.03), ("closed", 0.1), ("resolved", 0.77))),
    (150, ANY, (("waiting", 0.04), ("resolved", 0.19), ("withdrawn", 0.05), ("closed", 0.72))),
    (255, ANY, (("waiting", 0.01), ("withdrawn", 0.04), ("closed", 0.15), ("expired", 0.8))),
)  # fmt: skip
"""What has become of the newest 9, of those before up to the 34th, and so on: the older, the more often it is over."""
MEANT_OF = BECAME[-1][0]
"""In a history of more or fewer tickets these numbers are so many more or fewer."""
LOW_SHARE = 0.4
"""How many of those that are some days old are `low`: the third line; the fourth is of the others."""


def tickets(seed: int, count: int, now: datetime) -> Iterator[Ticket]:
    """So many tickets, oldest first. The same for the same seed on any day, but for the dates."""
    rng = random.Random(seed)
    teller = Teller(rng)
    told = [_with_tasks(teller.tell_queue(story, now), now) for story in queue()[: count // 8]]
    told += [_live(teller, now, *slot) for slot in LIVE[: count // 12]]
    told.sort(key=lambda ticket: ticket.at)
    return merge(_earlier(teller, count - len(told), now), told, key=lambda ticket: ticket.at)


def _with_tasks(ticket: Ticket, now: datetime) -> Ticket:
    first = ticket.at + timedelta(minutes=1)
    beside = [replace(deed, at=max(deed.at, first)) for deed in _tasks(now).get(ticket.title, [])]
    return replace(ticket, deeds=sorted(ticket.deeds + beside, key=lambda deed: deed.at))


def _live(teller: Teller, now: datetime, minutes: int, state: str, priorities: tuple[str, ...]) -> Ticket:
    """One of the last hours, with something having happened to it a while ago."""
    at, rest = (now - timedelta(minutes=minutes)).replace(microsecond=0), teller.rng.uniform(0.1, 0.5)
    if minutes > 400:
        at = daytime(at)
    story = teller.draw(priorities, state)
    return teller.tell(story, Wanted(at, state, not_before=at, not_after=now - timedelta(minutes=minutes * rest)))


def _earlier(teller: Teller, count: int, now: datetime) -> Iterator[Ticket]:
    """All others, of the days before today."""
    rng, hours = teller.rng, 7 * 24 * len(WEEKS)
    start = midnight(now) - timedelta(hours=hours)
    shares = list(accumulate(_share(start, hour) for hour in range(hours)))
    for number in range(count):
        position = (number + rng.random()) / count * shares[-1]
        hour = bisect(shares, position)
        before = shares[hour - 1] if hour else 0
        at = start + timedelta(hours=hour + (position - before) / (shares[hour] - before))
        state, priorities = _became(rng, (count - number) * MEANT_OF / count)
        not_before, not_after = at, daytime(now - timedelta(minutes=4 + teller.minutes(150)))
        # whatever was resolved a fortnight ago has closed by itself
        if state == "resolved":
            not_before = daytime(now - timedelta(days=rng.uniform(9, 13.2)))
        elif state == "expired":
            not_after = daytime(now - timedelta(days=rng.uniform(14.1, 17)))
        if not_after < at + timedelta(hours=1):  # it came in last night
            not_after = now - (now - at) / 5
        wanted = Wanted(at.replace(microsecond=0), state, min(not_before, not_after), not_after)
        yield teller.tell(teller.draw(priorities, state), wanted)


def _share(start: datetime, hour: int) -> float:
    at = start + timedelta(hours=hour)
    return WEEKS[hour // (7 * 24)] * HOURS[at.hour] / (8 if at.weekday() > 4 else 1)


def _became(rng: random.Random, newest: float) -> tuple[str, tuple[str, ...]]:
    low = rng.random() < LOW_SHARE
    priorities, odds = next(
        (priorities, odds)
        for up_to, priorities, odds in BECAME
        if newest <= up_to and (low or priorities != ("low",))
    )  # fmt: skip
    state = rng.choices([state for state, _ in odds], [share for _, share in odds])[0]
    # nothing urgent lies about for days, or is resolved after a fortnight
    if priorities == ANY and (state == "in_progress" or (state == "resolved" and newest > 100)):
        priorities = NORMAL
    return state, priorities


# --- tasks ------------------------------------------------------------------------------------------------------------


def tasks(now: datetime) -> list[Deed]:
    """What the staff have noted for themselves without a ticket, oldest first."""
    return _tasks(now).get("-", [])


@lru_cache(maxsize=1)
def _tasks(now: datetime) -> dict[str, list[Deed]]:
    """The deeds on tasks, by the title of the ticket they belong to."""
    found: dict[str, list[Deed]] = {}
    for line in (FOLDER / "tasks.txt").read_text("utf-8").splitlines()[1:]:
        title, ticket, who, by, priority, made, due, became = (part.strip() for part in line.split("|"))
        state, _, since = became.partition(" ")
        due_at = None if due == "-" else _due(now, span_of(due))
        fields: dict[str, Any] = {"title": title, "assignee": who, "priority": priority, "due_at": due_at}
        deeds = found.setdefault(ticket, [])
        deeds.append(Deed(_ago(now, span_of(made)), "task", by, text=title, fields=fields))
        if since:
            deeds.append(Deed(_ago(now, span_of(since)), "work", who, text=title, fields={"status": state}))
    for deeds in found.values():
        deeds.sort(key=lambda deed: deed.at)
    return found


def _ago(now: datetime, span: timedelta) -> datetime:
    at = (now - span).replace(microsecond=0)
    return daytime(at) if span > timedelta(hours=12) else at


def _due(now: datetime, span: timedelta) -> datetime:
    at = (now + span).replace(microsecond=0)
    # nobody sets a date days ahead to the minute
    return at if abs(span) < timedelta(hours=12) else daytime(at).replace(minute=0, second=0)
