"""Of which days a figure is: from a day to a day by the clock of one place, and its hours and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from helpdesk import moments
from helpdesk.settings import setting
from models import now

DAY, WEEK, MONTH = "day", "week", "month"
INTERVALS = (DAY, WEEK, MONTH)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Whole days, the last included."""

    first: date
    last: date
    zone: ZoneInfo

    @cached_property
    def start(self) -> datetime:
        return moments.midnight(self.first, self.zone)

    @cached_property
    def end(self) -> datetime:
        """The first moment that is not in it any more."""
        return moments.midnight(self.last + _ONE_DAY, self.zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @cached_property
    def stretches(self) -> tuple[tuple[int, int], ...]:
        return moments.stretches(self.start, self.end, self.zone)

    def before(self) -> tuple[datetime, datetime]:
        """As much time directly before it: of a period that still goes on, as much as has gone by.

        So what is compared is as long, by the clock there, and ends at the same time of the day.
        """
        until = min(self.end, max(now(), self.start)).astimezone(self.zone)
        there = (until.replace(tzinfo=None) - timedelta(days=self.days)).replace(tzinfo=self.zone)
        return moments.midnight(self.first - timedelta(days=self.days), self.zone), there.astimezone(self.start.tzinfo)

    def intervals(self, each: str) -> list[tuple[date, date]]:
        """The days, weeks (from Monday) or months of it by their first day and the one after their last. The first and
        the last are cut off where it begins and ends."""
        found, day, after = [], self.first, self.last + _ONE_DAY
        while day < after:
            following = min(_next(day, each), after)
            found.append((day, following))
            day = following
        return found

    def fold(self, hours: Mapping[int, int], each: str) -> list[int]:
        """Numbers by local hour, in its intervals."""
        intervals = self.intervals(each)
        place = {}
        for n, (day, following) in enumerate(intervals):
            for number in range((following - day).days):
                place[day + timedelta(days=number)] = n
        sums = [0] * len(intervals)
        for hour, number in hours.items():
            sums[place[moments.day_of(hour)]] += number
        return sums


def _next(day: date, each: str) -> date:
    if each == DAY:
        return day + _ONE_DAY
    if each == WEEK:
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


# --- those that have a name -------------------------------------------------------------------------------------------

DEFAULT = "30d"
NAMED = ("7d", "30d", "90d", "month", "last-month", "term")
"""Today and the days before; this month, the one before, and the term of `TERM_STARTS`, so far."""


def named(name: str, zone: ZoneInfo) -> Period:
    """Raises KeyError for a name that is none of NAMED."""
    today = now().astimezone(zone).date()
    if name in ("7d", "30d", "90d"):
        return Period(today - timedelta(days=int(name[:-1]) - 1), today, zone)
    if name == "month":
        return Period(today.replace(day=1), today, zone)
    if name == "last-month":
        last = today.replace(day=1) - _ONE_DAY
        return Period(last.replace(day=1), last, zone)
    if name == "term":
        return Period(_term(today), today, zone)
    raise KeyError(name)


def _term(today: date) -> date:
    """The first day of the term that goes on."""
    starts = [date(year, month, day) for year in (today.year - 1, today.year) for month, day in setting("TERM_STARTS")]
    return max((day for day in starts if day <= today), default=today.replace(month=1, day=1))


def last_complete(every: str, zone: ZoneInfo) -> Period:
    """The week (from Monday) or month that ended last."""
    today = now().astimezone(zone).date()
    if every == MONTH:
        return named("last-month", zone)
    monday = today - timedelta(days=today.weekday())
    return Period(monday - timedelta(days=7), monday - _ONE_DAY, zone)
