"""Working time: the hours of a week by the clock of one zone, less its holidays. Aware UTC in and out.

A moment is open when the clock on the wall there says so and the day is no holiday. So a stretch is as long as it
really is: an hour shorter or longer on a day on which the clocks change, and what no clock shows is never open.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from models import FAR_FUTURE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = date(1970, 1, 1).toordinal()
_TICK = timedelta(microseconds=1)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
MOST_DAYS = 3660
"""Nothing is computed further ahead: what would be due in more than ten years is not due."""

Stretch = tuple[datetime, datetime]


class NoCalendar(ValueError):
    """A calendar that is never open."""


class Time(Protocol):
    """By which targets are measured."""

    def add(self, start: datetime, seconds: int) -> datetime: ...
    def between(self, start: datetime, end: datetime) -> int: ...
    def before(self, end: datetime, seconds: int) -> datetime: ...


class _Always:
    """Round the clock."""

    def add(self, start: datetime, seconds: int) -> datetime:
        return start + timedelta(seconds=seconds)

    def between(self, start: datetime, end: datetime) -> int:
        return max(0, int((end - start).total_seconds()))

    def before(self, end: datetime, seconds: int) -> datetime:
        return end - timedelta(seconds=seconds)


ALWAYS = _Always()


def minutes(text: str) -> int:
    """`"08:30"` as minutes since midnight. Raises ValueError for what no clock shows, but for `"24:00"`."""
    if len(text) != 5 or text[2] != ":" or not (text[:2] + text[3:]).isdecimal() or not text.isascii():
        raise ValueError(text)
    hour, minute = int(text[:2]), int(text[3:])
    if hour * 60 + minute > 24 * 60 or minute > 59:
        raise ValueError(text)
    return hour * 60 + minute


class WorkingTime:
    """The arithmetic of one calendar. What it found of a day it keeps: make it once, by `working`."""

    def __init__(self, zone: str, hours: Sequence[Sequence[Sequence[str]]], holidays: Iterable[str] = ()) -> None:
        """`hours`: for each day from Monday its stretches, in their order; `holidays`: `2026-12-25`.

        Raises NoCalendar where no day has a stretch, ValueError for what no clock shows.
        """
        self.zone = ZoneInfo(zone)
        self._hours = [
            [(minutes(start) * 60 * _SECOND, minutes(end) * 60 * _SECOND) for start, end in day] for day in hours
        ]
        if not any(end > start for day in self._hours for start, end in day):
            raise NoCalendar("It is never open.")
        self._holidays = {date.fromisoformat(day).toordinal() - _FIRST for day in holidays}
        self._days: dict[int, tuple[tuple[int, int], ...]] = {}

    def add(self, start: datetime, seconds: int) -> datetime:
        """The first moment at which so many seconds of working time have passed; FAR_FUTURE after MOST_DAYS."""
        at, left = _ticks(start), seconds * _SECOND
        if left <= 0:
            return start
        first = at // _DAY
        for day in range(first, first + MOST_DAYS):
            for opens, closes in self._open(day):
                if closes > at:
                    begins = max(opens, at)
                    if left <= closes - begins:
                        return _moment(begins + left)
                    left -= closes - begins
        return FAR_FUTURE

    def before(self, end: datetime, seconds: int) -> datetime:
        """The last moment from which so many seconds of working time are left until `end`."""
        at, left = _ticks(end), seconds * _SECOND
        if left <= 0 or end >= FAR_FUTURE:
            return end
        last = at // _DAY
        for day in range(last, last - MOST_DAYS, -1):
            for opens, closes in reversed(self._open(day)):
                if opens < at:
                    ends = min(closes, at)
                    if left <= ends - opens:
                        return _moment(ends - left)
                    left -= ends - opens
        return _EPOCH

    def between(self, start: datetime, end: datetime) -> int:
        """Whole seconds of working time; 0 where the end is not after the start."""
        begins, ends = _ticks(start), _ticks(end)
        if ends <= begins:
            return 0
        found = 0
        for day in range(begins // _DAY, ends // _DAY + 1):
            for opens, closes in self._open(day):
                if closes > begins and opens < ends:
                    found += min(closes, ends) - max(opens, begins)
        return found // _SECOND

    def openings(self, start: datetime, count: int) -> list[Stretch]:
        """The next stretches from this moment on, each as one whole however many midnights it holds."""
        found: list[list[int]] = []
        for opens, closes in self._after(_ticks(start)):
            if found and found[-1][1] == opens:
                found[-1][1] = closes
            elif len(found) == count:
                break
            else:
                found.append([opens, closes])
            if closes - found[-1][0] > 8 * _DAY:  # always open
                break
        return [(_moment(opens), _moment(closes)) for opens, closes in found]

    def _after(self, at: int) -> Iterator[tuple[int, int]]:
        for day in range(at // _DAY, at // _DAY + MOST_DAYS):
            for opens, closes in self._open(day):
                if closes > at:
                    yield max(opens, at), closes

    # --- one day of UTC -----------------------------------------------------------------------------------------------

    def _open(self, day: int) -> tuple[tuple[int, int], ...]:
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = tuple(self._find(day))
        return found

    def _find(self, day: int) -> Iterator[tuple[int, int]]:
        """When it is open, in the order of time: for as long as the offset is the same, by the days on the wall."""
        for begins, ends, offset in self._pieces(day * _DAY, (day + 1) * _DAY):
            low, high = begins + offset, ends + offset
            for wall in range(low // _DAY, (high - 1) // _DAY + 1):
                if wall in self._holidays:
                    continue
                for start, end in self._hours[(wall + 3) % 7]:  # the first day was a Thursday
                    opens, closes = max(low, wall * _DAY + start), min(high, wall * _DAY + end)
                    if opens < closes:
                        yield opens - offset, closes - offset

    def _pieces(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """From when to when the zone had which offset."""
        found, begins = [], start
        for low, high in pairwise((start, start + (end - start) // 2, end - 1)):
            while self._offset(low) != self._offset(high):
                changes = self._next_change(low, high)
                found.append((begins, changes, self._offset(low)))
                begins = low = changes
        found.append((begins, end, self._offset(end - 1)))
        return found

    def _next_change(self, low: int, high: int) -> int:
        before = self._offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(middle) == before:
                low = middle
            else:
                high = middle
        return high

    def _offset(self, at: int) -> int:
        return (_moment(at).astimezone(self.zone).utcoffset() or timedelta()) // _TICK


def _ticks(moment: datetime) -> int:
    return (moment - _EPOCH) // _TICK


def _moment(ticks: int) -> datetime:
    return _EPOCH + timedelta(microseconds=ticks)


def working(zone: str, hours: Sequence[Any], holidays: Iterable[Mapping[str, str]]) -> WorkingTime:
    """Of a calendar as the database has it. Raises NoCalendar."""
    return _working(zone, json.dumps(hours), tuple(day["date"] for day in holidays))


@lru_cache(maxsize=64)
def _working(zone: str, hours: str, holidays: tuple[str, ...]) -> WorkingTime:
    return WorkingTime(zone, json.loads(hours), holidays)
