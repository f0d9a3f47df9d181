"""Eighteen months of a large campus up to now: when its tickets come in, and what has become of each.

The year of a campus is told from now backwards, as that of the small one is: the term began last week, before lies a
long break. So a seed says the same on any day; only the moments move.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import merge
from itertools import accumulate

from demo import history
from demo.hours import daytime
from demo.large.people import cast
from demo.large.telling import UNSOLVED, LargeTeller
from demo.telling import Ticket, Wanted

SMALL = 300
"""Of a large campus so many tickets are those of the small one: its newest stories and its tasks are in them."""
WEEKS = 78
# from this week backwards: what the weeks are known for, how much comes in in each
YEAR: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("start", (64, 58)),
    ("", (30, 22, 18, 16, 15, 15, 16, 17, 18, 20, 24)),  # the long break
    ("exam", (44, 52, 56, 50)),
    ("", (44, 45, 43, 46, 45, 38, 46, 47, 48, 50)),
    ("start", (56, 60)),
    ("", (26, 20, 18, 20, 26)),  # the short break
    ("exam", (42, 50, 54, 50)),
    ("", (44, 42, 4, 14, 40, 44, 45, 46, 44, 46, 47, 48, 50, 54)),  # with two weeks at home in it
)
HOURS = history.HOURS
GROWTH = 0.2
"""So much less came in a year ago."""

STATES = ("new", "open", "in_progress", "waiting", "resolved", "closed", "withdrawn", "expired")
BECAME: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0.01, (80, 10, 10, 0, 0, 0, 0, 0)),
    (0.05, (40, 14, 26, 6, 12, 0, 2, 0)),
    (0.2, (8, 10, 24, 12, 42, 0, 4, 0)),
    (0.6, (0, 5, 14, 10, 63, 5, 3, 0)),
    (1.5, (0, 2, 5, 5, 75, 10, 3, 0)),
    (2.7, (0, 0, 2, 3, 82, 10, 3, 0)),
    (6.0, (0, 0, 0.6, 1, 2, 10, 3, 83)),
    (20.0, (0, 0, 0.2, 0.3, 0, 11, 3.5, 85)),
    (99.0, (0, 0, 0, 0, 0, 12, 3.5, 84.5)),
)
"""What has become of those that came in up to so many weeks ago: of a hundred, how many are in each of the states."""
ANY, CALM, QUIET = ("low", "normal", "high", "urgent"), ("low", "normal"), ("low",)


def weeks() -> list[tuple[float, str]]:
    """How much comes in in each week and what it is known for, oldest first."""
    year = [(share, phase) for phase, shares in YEAR for share in shares]
    back = [(share * (1 - GROWTH * ago / 52), phase) for ago, (share, phase) in enumerate((year * 2)[:WEEKS])]
    return back[::-1]


def tickets(seed: int, count: int, now: datetime) -> Iterator[Ticket]:
    """So many tickets, oldest first, with those of the small campus among them."""
    return merge(
        _told(seed, count - SMALL, now, count), history.tickets(seed, SMALL, now), key=lambda ticket: ticket.at
    )


def _told(seed: int, count: int, now: datetime, size: int) -> Iterator[Ticket]:
    teller = LargeTeller(random.Random(f"large {seed}"), cast(seed, size))
    rng, hours, table = teller.rng, 7 * 24 * WEEKS, weeks()
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
    shares = list(accumulate(_share(start, hour, table) for hour in range(hours)))
    before_now, ends = shares[-1], [0.0, *shares[7 * 24 - 1 :: 7 * 24]]
    for number in range(count):
        position = (number + rng.random()) / count * before_now
        hour = min(bisect(shares, position), hours - 1)
        before = shares[hour - 1] if hour else 0
        at = start + timedelta(hours=hour + (position - before) / (shares[hour] - before))
        at = min(at, now - timedelta(seconds=30 + 600 * rng.random()))
        week = hour // (7 * 24)
        age = WEEKS - week - (position - ends[week]) / (ends[week + 1] - ends[week])
        teller.phase = table[week][1]
        yield _one(teller, at.replace(microsecond=0), age, now)


def _share(start: datetime, hour: int, table: list[tuple[float, str]]) -> float:
    at = start + timedelta(hours=hour)
    return table[hour // (7 * 24)][0] * HOURS[at.hour] / (8 if at.weekday() > 4 else 1)


def _one(teller: LargeTeller, at: datetime, age: float, now: datetime) -> Ticket:
    rng = teller.rng
    odds = next(odds for up_to, odds in BECAME if age <= up_to)
    state = rng.choices(STATES, odds)[0]
    rest, more = rng.random(), rng.random()
    not_before, not_after = at, now - timedelta(minutes=4 + 150 * rest)
    if state == "expired":
        # whatever was resolved a fortnight ago has closed by itself
        not_after = daytime(now - timedelta(days=14.1 + 3 * rest))
    elif state == "resolved" and age > 1.5:
        not_before = max(at, daytime(now - timedelta(days=0.2 + 13 * rest**0.7)))
    if not_after < at + timedelta(hours=1):
        not_after = now - (now - at) / 5
    story = teller.draw(_priorities(state, age, more), state)
    return teller.tell(story, Wanted(at, state, min(not_before, not_after), not_after))


def _priorities(state: str, age: float, chance: float) -> tuple[str, ...]:
    """Nothing urgent lies about for days, or is resolved after a fortnight."""
    if state in ("open", "in_progress") and age < 0.06 and chance < 0.3:
        return ANY
    if state in (*UNSOLVED, "new") or (state == "resolved" and age > 2):
        return QUIET if age > 4 and chance < 0.8 else CALM
    return ANY
