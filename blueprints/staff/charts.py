"""What a chart draws: positions and paths, in the units of the templates' SVG, and how long a time is in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from blueprints.words import gettext, ngettext

HEIGHT, WIDTH = 222, 1000
MOST_LABELS = 6
MINUTE, HOUR, DAY = 60, 3600, 86400


def span(seconds: int) -> str:
    """`48 min`, `1.9 h`, `22 h`, `1.3 days`: where several stand beside each other."""
    if seconds < MINUTE:
        return gettext("under 1 min")
    if seconds < HOUR:
        return gettext("%(number)s min", number=seconds // MINUTE)
    if seconds < DAY:
        return gettext("%(number)s h", number=_short(seconds / HOUR))
    days = _short(seconds / DAY)
    return gettext("1 day") if days == "1" else gettext("%(number)s days", number=days)


def _short(number: float) -> str:
    """One digit after the point below ten, rounded down: a time is never said to be longer than it was."""
    if number >= 10:
        return f"{int(number):,}"
    return f"{math.floor(number * 10) / 10:g}"


def length(seconds: int) -> str:
    """`1 h 4 min`, where one stands alone."""
    hours, minutes = divmod(seconds // MINUTE, 60)
    if 0 < hours < 24 and minutes:
        return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
    return span(seconds)


def day(found: date, *, year: bool = False) -> str:
    return f"{found.day} {found:%b %Y}" if year else f"{found.day} {found:%b}"


def days(first: date, last: date, today: date) -> str:
    """`13 Apr to 12 May 2026`; `12 May 2026`"""
    if first == last:
        return day(last, year=True)
    years = first.year != last.year
    return gettext("%(first)s to %(last)s", first=day(first, year=years), last=day(last, year=True))


# --- lines ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mark:
    """Where something is said beside an axis."""

    at: str
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Lines:
    """Several rows of numbers over the same steps."""

    gutter: int
    """Pixels for what stands beside the axis."""
    marks: list[Mark]
    """On the upright axis, in pixels from the top."""
    labels: list[Mark]
    paths: list[str]
    area: str
    dots: list[tuple[str, float]]
    """Instead of lines, where there is one step only: percent from the left, pixels from the top."""


def lines(rows: Sequence[Sequence[int]], steps: Sequence[date]) -> Lines:
    top = _top(max((max(row, default=0) for row in rows), default=0))
    last = max(len(steps) - 1, 1)

    def y(number: float) -> float:
        return round(HEIGHT * (1 - number / top), 1)

    paths = [
        "M" + "L".join(f"{round(WIDTH * n / last, 1):g} {y(number):g}" for n, number in enumerate(row)) for row in rows
    ]
    each = max(1, math.ceil(len(steps) / MOST_LABELS))
    each = 7 if each in (5, 6) else each  # the same day of each week
    chosen = range(0, len(steps), each)
    alone = len(steps) == 1
    labels = [
        Mark(
            "50%" if alone else f"{100 * n / last:.1f}%",
            day(steps[n]),
            "middle" if alone else "start" if n == 0 else "end" if n == len(steps) - 1 else "middle",
        )
        for n in chosen
    ]
    numbers = [top * part // 3 for part in range(4)] if top % 3 == 0 else [top * part // 2 for part in range(3)]
    marks = [Mark(f"{y(number):g}", f"{number:,}") for number in numbers]
    return Lines(
        10 + 7 * max(len(mark.text) for mark in marks), marks, labels, paths,
        f"{paths[0]}L{WIDTH} {HEIGHT}L0 {HEIGHT}z", [("50%", y(row[0])) for row in rows] if alone else [],
    )  # fmt: skip


def _top(number: int) -> int:
    """The end of an axis that reaches so far: one that divides into two or three round parts."""
    for size in (int(10**n) for n in range(12)):
        for top in (2, 3, 4, 6):
            if number <= top * size:
                return top * size
    return number


# --- three dots -------------------------------------------------------------------------------------------------------

_TICKS = (
    MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY,
    14 * DAY, 30 * DAY, 60 * DAY, 120 * DAY, 365 * DAY, 730 * DAY, 3650 * DAY,
)  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """From nothing to the longest time, long ones closer together than short ones."""

    end: int
    knee: int

    def at(self, seconds: int) -> str:
        """Percent from the left."""
        return f"{100 * math.log1p(seconds / self.knee) / math.log1p(self.end / self.knee):.1f}%"

    @property
    def marks(self) -> list[Mark]:
        """Up to five, the ends among them, with room between them."""
        found, place = [Mark("0%", "0", "start")], 0.0
        for tick in _TICKS:
            here = float(self.at(tick)[:-1])
            if tick < self.end and here - place >= 17 and here <= 83:
                found.append(Mark(self.at(tick), span(tick)))
                place = here
        return [*found, Mark("100%", span(self.end), "end")]


def axis(times: Sequence[int | None]) -> Axis:
    longest = max((one for one in times if one is not None), default=HOUR)
    end = next((tick for tick in _TICKS if tick >= longest), _TICKS[-1])
    return Axis(max(end, longest, MINUTE), max(max(end, longest) // 16, 1))


# --- heat -------------------------------------------------------------------------------------------------------------


def warmth(number: int, most: int) -> int:
    """0 to 5."""
    return 0 if not number else min(5, max(1, math.ceil(5 * number / most)))


def bar(number: int, most: int) -> str:
    """Its length in percent of the longest."""
    return f"{100 * number / most:.1f}%" if most else "0%"


def percent(part: int, whole: int) -> str:
    """`91%`; never rounded up to all, nor down to nothing."""
    if not whole:
        return ""
    share = 100 * part / whole
    if 0 < share < 1:
        return gettext("under 1%")
    return f"{math.floor(share)}%"


def compared(number: int, before: int) -> str:
    """In neutral words: whether more or less is better depends."""
    if number == before:
        return gettext("as many as before")
    if not before:
        return gettext("none before")
    change = round(100 * abs(number - before) / before)
    if change == 0:
        return gettext("about as many as before")
    if number > before:
        return gettext("%(number)s%% more than before", number=f"{change:,}")
    return gettext("%(number)s%% fewer than before", number=f"{change:,}")


def tickets(number: int) -> str:
    return ngettext("%(num)s ticket", "%(num)s tickets", number)
