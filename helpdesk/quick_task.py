"""A task in one line: `Call Hallam Plumbing #4821 tomorrow 14:00 @mei`. Knows no database and no clock.

The ticket and the colleague may stand anywhere, the day stands at the end: in the middle of a sentence "Friday" is as
often the name of a meeting. What is not understood for certain stays in the title, where its writer sees it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ALL_DAY = time(23, 59)
"""The time of a task that is due on a day and at no time of it."""
MOST_DAYS = 3650


@dataclass(frozen=True)
class QuickTask:
    title: str
    ticket_id: int | None = None
    due_at: datetime | None = None
    assignee_id: int | None = None


@dataclass(frozen=True)
class Colleague:
    id: int
    name: str


_NUMBER = re.compile(r"(?<![\w&/#])#([1-9][0-9]{0,14})(?![\w-])")
_AT_SOMEBODY = re.compile(r"(?<![\w@.])@([\w-]+)(?![\w@]|\.\w)")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_SHORT = {"tues": 1, "thur": 3, "thurs": 3} | {name[:3]: number for number, name in enumerate(_WEEKDAYS)}
_ALSO_WORDS = frozenset({"sat", "sun"})
"""A dish and a star: days only with "on" or a time beside them."""
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3}

_weekday = "|".join(sorted([*_WEEKDAYS, *_SHORT], key=len, reverse=True))
_month = "|".join(f"{name[:3]}(?:{name[3:]})?" if len(name) > 3 else name for name in (*_MONTHS, "sept"))
_TIME = re.compile(
    r"(?:^|[\s,])(?P<at>at\s+)?(?:(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:\s?(?P<half>[ap]m))?"
    r"|(?P<hour12>\d{1,2})\s?(?P<half12>[ap]m))$",
    re.I | re.A,
)
_DAY = re.compile(
    rf"(?:^|[\s,])(?P<on>(?:due\s+)?(?:on|by|until|due)\s+)?(?:"
    rf"(?P<named>today|tonight|tomorrow)"
    rf"|in\s+(?P<many>\d{{1,4}}|a|an|one|two|three)\s+(?P<unit>minutes?|min|hours?|h|days?|weeks?)"
    rf"|(?P<next>next|this)\s+(?P<of_week>{_weekday}|week)"
    rf"|(?P<weekday>{_weekday})"
    rf"|(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})"
    rf"|(?P<d>\d{{1,2}})(?:\.|st|nd|rd|th)?\s+(?P<month>{_month})\.?(?:\s+(?P<year>\d{{4}}))?"
    rf"|(?P<month2>{_month})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year2>\d{{4}}))?"
    rf"|(?P<d3>\d{{1,2}})\.(?P<m3>\d{{1,2}})\.(?P<year3>\d{{4}})"
    rf")$",
    re.I | re.A,
)  # fmt: skip


def parse(
    text: str, *, at: datetime, zone: ZoneInfo, people: Iterable[Colleague] = (), me: int | None = None
) -> QuickTask:
    """What somebody typed at this moment (aware), where the clocks are those of `zone`. `me` is `@me`."""
    rest = " ".join(text.split())
    number = _NUMBER.search(rest)
    if number:
        rest = _without(rest, number)
    whom = None
    for found in _AT_SOMEBODY.finditer(rest):
        whom = me if found[1].lower() == "me" else _colleague(found[1], people)
        if whom is not None:
            rest = _without(rest, found)
            break
    title, due_at = _due(rest, at, zone)
    return QuickTask(title, int(number[1]) if number else None, due_at, whom)


def _without(text: str, found: re.Match[str]) -> str:
    return " ".join(f"{text[: found.start()]} {text[found.end() :]}".split())


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _colleague(word: str, people: Iterable[Colleague]) -> int | None:
    """Whose first name it is, or whose name has a word that begins so; nobody where it might be two."""
    wanted = _folded(word)
    names = [(one.id, [_folded(part) for part in one.name.split()]) for one in people]
    exact = [number for number, parts in names if parts and wanted in (parts[0], "".join(parts), ".".join(parts))]
    begun = [number for number, parts in names if any(part.startswith(wanted) for part in parts)]
    found = exact if exact else begun
    return found[0] if len(found) == 1 else None


def _due(text: str, at: datetime, zone: ZoneInfo) -> tuple[str, datetime | None]:
    """The text without the time that it ends with, and that time. All of the text where it ends with none."""
    said = text.rstrip(".!")
    before, clock, has_at = _cut_time(said)
    found = _DAY.search(before if clock else said)
    if found is None:
        if clock and has_at:
            return before, _coming(clock, at, zone)
        return text, None
    day_word = (found["weekday"] or "").lower()
    if day_word in _ALSO_WORDS and not (found["on"] or clock):
        return text, None
    rest = found.string[: found.start()].rstrip(" ,")
    if found["unit"] and found["unit"][0].lower() in "mh":
        return (text, None) if clock else (rest, _after(found, at))
    day = _day(found, at.astimezone(zone).date())
    if day is None:
        return text, None
    if clock is None:
        earlier, typed, has_at = _cut_time(rest)
        if typed and has_at:
            rest, clock = earlier, typed
    if found["named"] and found["named"].lower() == "tonight" and clock is None:
        clock = time(20)
    return rest, datetime.combine(day, clock or ALL_DAY, zone)


def _cut_time(text: str) -> tuple[str, time | None, bool]:
    """The text before a time at its end, the time, and whether it says `at`."""
    found = _TIME.search(text)
    if found is None:
        return text, None, False
    hour, half = int(found["hour"] or found["hour12"]), (found["half"] or found["half12"] or "").lower()
    minute = int(found["minute"] or 0)
    if half:
        if not 1 <= hour <= 12:
            return text, None, False
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:
        return text, None, False
    return text[: found.start()].rstrip(" ,"), time(hour, minute), bool(found["at"])


def _coming(clock: time, at: datetime, zone: ZoneInfo) -> datetime:
    """The next time that the clocks show it."""
    today = at.astimezone(zone).date()
    due = datetime.combine(today, clock, zone)
    return due if due > at else datetime.combine(today + timedelta(days=1), clock, zone)


def _after(found: re.Match[str], at: datetime) -> datetime:
    many = _many(found)
    return at + (timedelta(hours=many) if found["unit"][0].lower() == "h" else timedelta(minutes=many))


def _many(found: re.Match[str]) -> int:
    text = found["many"].lower()
    return _NUMBERS.get(text) or int(text)


def _day(found: re.Match[str], today: date) -> date | None:
    """The day that was named, or None for one that there is not."""
    if found["named"]:
        return today + timedelta(days=1 if found["named"].lower() == "tomorrow" else 0)
    if found["many"]:
        days = _many(found) * (7 if found["unit"][0].lower() == "w" else 1)
        return today + timedelta(days=days) if days <= MOST_DAYS else None
    if found["weekday"]:
        # the coming one: who means today says so
        return today + timedelta(days=(_number_of(found["weekday"]) - today.weekday() - 1) % 7 + 1)
    if found["next"]:
        return _of_week(found, today)
    if found["iso"]:
        year, month, day = (int(part) for part in found["iso"].split("-"))
        return _date(year, month, day)
    if found["d3"]:
        return _date(int(found["year3"]), int(found["m3"]), int(found["d3"]))
    return _of_year(found, today)


def _number_of(weekday: str) -> int:
    word = weekday.lower()
    return _SHORT[word] if word in _SHORT else _WEEKDAYS.index(word)


def _of_week(found: re.Match[str], today: date) -> date:
    """A day of this week or the next, which begin on Monday; of a whole week its Friday, of the next its Monday."""
    monday = today - timedelta(days=today.weekday())
    is_next, word = found["next"].lower() == "next", found["of_week"].lower()
    number = (0 if is_next else 4) if word == "week" else _number_of(word)
    return max(monday + timedelta(days=number + (7 if is_next else 0)), today)


def _of_year(found: re.Match[str], today: date) -> date | None:
    """`12 May`: this year's, or the next one's where that is over."""
    name = (found["month"] or found["month2"]).lower()[:3]
    month = next(number for number, month in enumerate(_MONTHS, 1) if month.startswith(name))
    day, year = int(found["d"] or found["d2"]), found["year"] or found["year2"]
    if year:
        return _date(int(year), month, day)
    coming = _date(today.year, month, day)
    if coming is None or coming < today:
        coming = _date(today.year + 1, month, day)
    return coming


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 1970 < year < 9000 else None
    except ValueError:
        return None
