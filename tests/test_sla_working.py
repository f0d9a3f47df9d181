"""Working time: as long as the clock on the wall there shows open hours, whatever it does in between."""

from __future__ import annotations

import time as stopwatch
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.sla import NoCalendar, WorkingTime
from models import FAR_FUTURE

MINUTE = timedelta(minutes=1)
OFFICE = [[["08:00", "18:00"]]] * 5 + [[], []]
NIGHTS = [[["00:00", "06:00"], ["22:00", "24:00"]]] * 7

# zone, and a moment about which its clock does something
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),  # midnight does not exist
    ("Asia/Beirut", datetime(2024, 10, 26, 21, tzinfo=UTC)),  # midnight comes twice
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),  # by half an hour
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),  # a day was left out
    ("Asia/Kathmandu", datetime(2026, 5, 12, 8, tzinfo=UTC)),
    ("UTC", datetime(2026, 1, 1, tzinfo=UTC)),
]


def reading(text: str) -> int:
    hour, minute = map(int, text.split(":"))
    return hour * 60 + minute


def open_minutes(start: datetime, end: datetime, zone: str, hours: list[list[list[str]]], holidays: list[str]) -> int:
    """The slow model: what does the clock on the wall say, minute by minute?"""
    there, count, at = ZoneInfo(zone), 0, start
    stretches = [[(reading(begins), reading(ends)) for begins, ends in day] for day in hours]
    closed = {date.fromisoformat(day) for day in holidays}
    while at < end:
        wall = at.astimezone(there)
        clock = wall.hour * 60 + wall.minute
        if wall.date() not in closed:
            count += any(begins <= clock < ends for begins, ends in stretches[wall.weekday()])
        at += MINUTE
    return count


def say(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def days(draw: st.DrawFn) -> list[list[str]]:
    """Stretches of a day, often on the hour, none overlapping; some end at midnight, some follow at once."""
    edges = draw(st.lists(st.integers(0, 48).map(lambda n: n * 30) | st.integers(0, 1440), max_size=6, unique=True))
    edges = sorted(edges)[: len(edges) // 2 * 2]
    return [[say(start), say(end)] for start, end in zip(edges[::2], edges[1::2], strict=True)]


weeks = st.lists(days(), min_size=7, max_size=7).filter(any)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[datetime, str, list[list[list[str]]], list[str]]:
    zone, change = draw(st.sampled_from(CHANGES))
    start = change + timedelta(minutes=draw(st.integers(-4 * 1440, 2 * 1440)))
    near = st.integers(-3, 3).map(lambda n: (change.date() + timedelta(days=n)).isoformat())
    return start, zone, draw(weeks), draw(st.lists(near, max_size=2, unique=True))


@settings(max_examples=40, deadline=None)
@given(calendars(), st.integers(0, 4 * 1440))
def test_between_counts_the_minutes_that_a_clock_on_the_wall_shows_as_open(
    calendar: tuple[datetime, str, list[list[list[str]]], list[str]], minutes: int
) -> None:
    start, zone, hours, holidays = calendar
    end = start + minutes * MINUTE
    found = WorkingTime(zone, hours, holidays).between(start, end)
    assert found == 60 * open_minutes(start, end, zone, hours, holidays)


@settings(max_examples=100, deadline=None)
@given(calendars(), st.integers(1, 3000))
def test_add_ends_where_so_much_has_passed_and_not_a_second_later(
    calendar: tuple[datetime, str, list[list[list[str]]], list[str]], minutes: int
) -> None:
    start, zone, hours, holidays = calendar
    working = WorkingTime(zone, hours, holidays)
    end = working.add(start, minutes * 60)
    if end == FAR_FUTURE:
        return
    assert working.between(start, end) == minutes * 60
    assert working.between(start, end - timedelta(seconds=1)) == minutes * 60 - 1  # it was open until then
    back = working.before(end, minutes * 60)
    assert back >= start
    assert working.between(back, end) == minutes * 60
    assert working.between(back + timedelta(seconds=1), end) == minutes * 60 - 1


@settings(max_examples=60, deadline=None)
@given(calendars(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_is_measured_in_two_parts_is_as_long_as_in_one(
    calendar: tuple[datetime, str, list[list[list[str]]], list[str]], one: int, other: int
) -> None:
    start, zone, hours, holidays = calendar
    working = WorkingTime(zone, hours, holidays)
    middle, end = start + timedelta(seconds=one), start + timedelta(seconds=one + other)
    assert working.between(start, middle) + working.between(middle, end) == working.between(start, end)
    assert working.between(end, start) == 0 or end == start


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 5, 12), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Pacific/Apia", date(2011, 12, 30), 0),
    ],
)
def test_a_whole_day_is_as_long_as_it_is_there(zone: str, day: date, hours: float) -> None:
    always = WorkingTime(zone, [[["00:00", "24:00"]]] * 7)
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    tomorrow = day + timedelta(days=1)
    end = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert always.between(start, end) == hours * 3600


def test_what_begins_on_friday_evening_goes_on_on_monday_morning() -> None:
    office = WorkingTime("Europe/Berlin", OFFICE, ["2026-12-25"])
    friday = datetime(2026, 10, 23, 15, 30, tzinfo=UTC)  # 17:30 in summer time; on Sunday the clocks go back
    assert office.add(friday, 30 * 60) == datetime(2026, 10, 23, 16, tzinfo=UTC)  # at the end of the day, not the next
    assert office.add(friday, 31 * 60) == datetime(2026, 10, 26, 7, 1, tzinfo=UTC)
    assert office.before(datetime(2026, 10, 26, 7, 1, tzinfo=UTC), 31 * 60) == friday
    christmas = datetime(2026, 12, 24, 16, 0, tzinfo=UTC)  # 17:00; the 25th is a Friday
    assert office.add(christmas, 2 * 3600) == datetime(2026, 12, 28, 8, 0, tzinfo=UTC)


def test_microseconds_are_kept_and_nothing_is_added_to_nothing() -> None:
    office = WorkingTime("UTC", OFFICE)
    at = datetime(2026, 5, 12, 9, 0, 0, 123456, tzinfo=UTC)
    assert office.add(at, 60) == at + MINUTE
    night = datetime(2026, 5, 12, 3, 0, tzinfo=UTC)
    assert office.add(night, 0) == office.before(night, 0) == night


def test_the_next_openings_are_whole_also_over_midnight() -> None:
    nights = WorkingTime("Europe/Berlin", NIGHTS)
    found = nights.openings(datetime(2026, 5, 12, 12, tzinfo=UTC), 2)
    assert found == [
        (datetime(2026, 5, 12, 20, tzinfo=UTC), datetime(2026, 5, 13, 4, tzinfo=UTC)),
        (datetime(2026, 5, 13, 20, tzinfo=UTC), datetime(2026, 5, 14, 4, tzinfo=UTC)),
    ]
    always = WorkingTime("UTC", [[["00:00", "24:00"]]] * 7)
    assert len(always.openings(datetime(2026, 5, 12, 12, tzinfo=UTC), 3)) == 1


def test_a_calendar_that_is_never_open_is_none() -> None:
    with pytest.raises(NoCalendar):
        WorkingTime("UTC", [[]] * 7)


def test_what_lies_beyond_ten_years_is_never_due_and_found_at_once() -> None:
    narrow = WorkingTime("UTC", [[["08:00", "08:01"]]] + [[]] * 6)
    began = stopwatch.perf_counter()
    assert narrow.add(datetime(2026, 1, 1, tzinfo=UTC), 365 * 86_400) == FAR_FUTURE
    assert narrow.before(FAR_FUTURE, 60) == FAR_FUTURE
    assert stopwatch.perf_counter() - began < 2


def test_a_year_ahead_is_computed_without_walking_its_minutes() -> None:
    office = WorkingTime("Europe/Berlin", OFFICE)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    end = office.add(start, 2600 * 3600)
    began = stopwatch.perf_counter()
    for minute in range(100):
        assert office.between(start + minute * MINUTE, end) > 0
    assert stopwatch.perf_counter() - began < 1, "100 times a year, once its days are known"


@pytest.mark.parametrize("text", ["24:01", "25:00", "8:00", "08:60", "0800", "08-00", "aa:bb", "٠٨:٠٠", ""])
def test_what_no_clock_shows_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        WorkingTime("UTC", [[[text, "23:00"]]] * 7)
