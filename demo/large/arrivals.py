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
# weeks of a year ago, from this one backwards: how many weeks, how much comes in, what the weeks are known for
YEAR: tuple[tuple[int, tuple[int, ...], str], ...] = (
    (2, (64, 58), "start"), (11, (30, 22, 18, 16, 15, 15, 16, 17, 18, 20, 24), ""),  # the term began, the long break
    (4, (44, 52, 56, 50), "exam"), (10, (44, 45, 43, 46, 45, 38, 46, 47, 48, 50), ""), (2, (56, 60), "start"),  # second term
    (5, (26, 20, 18, 20, 26), ""),  # spring break
    (4, (42, 50, 54, 50), "exam"), (2, (44, 42), ""), (2, (4, 14), ""), (10, (40, 44, 45, 46, 44, 46, 47, 48, 50, 54), ""),
)  # fmt: skip
HOURS = history.HOURS
GROWTH = 0.2
"""So much less came in a year ago."""

Odds = tuple[tuple[str, float], ...]
BECAME: tuple[tuple[float, Odds], ...] = (
    (0.01, (("new", 0.8), ("open", 0.1), ("in_progress", 0.1))),
    (0.05, (("new", 0.4), ("open", 0.14), ("in_progress", 0.26), ("waiting", 0.06), ("resolved", 0.12), ("withdrawn", 0.02))),
    (0.2, (("new", 0.08), ("open", 0.1), ("in_progress", 0.24), ("waiting", 0.12), ("resolved", 0.42), ("withdrawn", 0.04))),
    (0.6, (("open", 0.05), ("in_progress", 0.14), ("waiting", 0.1), ("resolved", 0.63), ("closed", 0.05), ("withdrawn", 0.03))),
    (1.5, (("open", 0.02), ("in_progress", 0.05), ("waiting", 0.05), ("resolved", 0.75), ("closed", 0.1), ("withdrawn", 0.03))),
    (2.7, (("in_progress", 0.02), ("waiting", 0.03), ("resolved", 0.82), ("closed", 0.1), ("withdrawn", 0.03))),
    (6.0, (("in_progress", 0.006), ("waiting", 0.01), ("resolved", 0.02), ("closed", 0.1), ("withdrawn", 0.03), ("expired", 0.83))),
    (20.0, (("in_progress", 0.002), ("waiting", 0.003), ("closed", 0.11), ("withdrawn", 0.035), ("expired", 0.85))),
    (99.0, (("closed", 0.12), ("withdrawn", 0.035), ("expired", 0.845))),
)  # fmt: skip
"""What has become of those that came in up to so many weeks ago."""
ANY, CALM, QUIET = ("low", "normal", "high", "urgent"), ("low", "normal"), ("low",)


def weeks() -> list[tuple[float, str]]:
    """How much comes in in each week and what it is known for, oldest first."""
    year = [(share, phase) for _, shares, phase in YEAR for share in shares]
    back = [(share * (1 - GROWTH * ago / 52), phase) for ago, (share, phase) in enumerate((year * 2)[:WEEKS])]
    return back[::-1]


def tickets(seed: int, count: int, now: datetime) -> Iterator[Ticket]:
    """So many tickets, oldest first, with those of the small campus among them."""
    return merge(_told(seed, count - SMALL, now, count), history.tickets(seed, SMALL, now), key=lambda ticket: ticket.at)


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
    state = rng.choices([state for state, _ in odds], [share for _, share in odds])[0]
    rest, more = rng.random(), rng.random()
    not_before, not_after = at, now - timedelta(minutes=4 + 150 * rest)
    if state == "expired":
        # whatever was resolved a fortnight ago has closed by itself
        not_after = daytime(now - timedelta(days=14.1 + 3 * rest))
    elif state == "resolved" and age > 1.5:
        not_before = max(at, daytime(now - timedelta(days=0.2 + 13 * rest**0.7)))
    if not_after < at + timedelta(hours=1):
        not_after = now - (now - at) / 5
    priorities = ANY
    if state in UNSOLVED or state == "new" or (state == "resolved" and age > 2):
        priorities = QUIET if age > 4 and more < 0.8 else CALM
    if state in ("open", "in_progress") and age < 0.06 and more < 0.3:
        priorities = ANY
    return teller.tell(teller.draw(priorities, state), Wanted(at, state, min(not_before, not_after), not_after))
