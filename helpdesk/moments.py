"""Time in SQL, the same on both databases: whole seconds, and the hours of the clock somewhere.

How far a clock is from UTC is asked of zoneinfo here and handed over as parameters: no database's own list of time
zones decides what a figure is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, bindparam, case
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

FIRST_MONDAY = date(1969, 12, 29)
"""From where local hours are counted: none that we know is before it, so that dividing them rounds down everywhere."""
_SHIFT = int(timedelta(days=3).total_seconds())
HOURS_OF_WEEK = 7 * 24
QUARTER = 900
"""Seconds: clocks anywhere differ from UTC by a multiple of it."""


class seconds(GenericFunction[int]):
    """Whole seconds since 1970 of a moment that is stored."""

    type = BigInteger()
    inherit_cache = True
    name = "helpdesk_seconds"


@compiles(seconds, "sqlite")
def _sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    # without the fraction, by which it would round up
    return f"unixepoch(substr({compiler.process(element.clauses, **kwargs)}, 1, 19))"


@compiles(seconds, "postgresql")
def _postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **kwargs)})) AS BIGINT)"


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    found = moment.astimezone(zone).utcoffset()
    return int(found.total_seconds()) if found else 0


@lru_cache(maxsize=256)
def stretches(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[tuple[int, int], ...]:
    """For how long a clock keeps its distance from UTC between two moments: (until, seconds) each, the last until the
    end. Two a year at most where clocks are set twice."""
    found = []
    here, last = start.astimezone(UTC), end.astimezone(UTC)
    offset = _offset(here, zone)
    while here < last:
        there = min(here + timedelta(days=1), last)
        changed = _offset(there, zone)
        if changed != offset:
            found.append((_change(here, there, zone), offset))
            offset = changed
        here = there
    return (*found, (int(last.timestamp()), offset))


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> int:
    """The second at which the clock is set, between two moments of which it happens once."""
    low, high, offset = int(before.timestamp()), int(after.timestamp()), _offset(before, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, UTC), zone) == offset:
            low = middle
        else:
            high = middle
    return high


def local_hour(column: Any, number: int, prefix: str) -> ColumnElement[int]:
    """The hour of the clock there, counted from FIRST_MONDAY on. Takes the parameters of `clock`."""
    at = seconds(column)
    offsets = [bindparam(f"{prefix}offset_{n}", type_=BigInteger) for n in range(number)]
    offset: Any = offsets[-1]
    if number > 1:
        untils = (bindparam(f"{prefix}until_{n}", type_=BigInteger) for n in range(number - 1))
        offset = case(*((at < until, one) for until, one in zip(untils, offsets, strict=False)), else_=offset)
    hour: ColumnElement[int] = (at + offset + _SHIFT) // 3600
    return hour


def clock(found: Iterable[tuple[int, int]], prefix: str) -> dict[str, int]:
    """Stretches as the parameters of `local_hour`."""
    parameters: dict[str, int] = {}
    for n, (until, offset) in enumerate(found):
        parameters |= {f"{prefix}until_{n}": until, f"{prefix}offset_{n}": offset}
    return parameters


def day_of(hour: int) -> date:
    return FIRST_MONDAY + timedelta(days=hour // 24)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day there, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def quarters(hours: Iterable[int], start: datetime, end: datetime, zone: ZoneInfo) -> list[int]:
    """The quarters of an hour since 1970 that lie in these hours of the week there, 0 from Monday's midnight on."""
    wanted = set(hours)
    found, last = [], int(end.timestamp())
    quarter = int(start.timestamp()) // QUARTER
    for until, offset in stretches(start, end, zone):
        # until the clock is set it runs as evenly as ours
        while quarter * QUARTER < min(until, last):
            if (quarter * QUARTER + offset + _SHIFT) // 3600 % HOURS_OF_WEEK in wanted:
                found.append(quarter)
            quarter += 1
    return found
