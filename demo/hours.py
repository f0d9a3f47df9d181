"""When people work, sleep and write: the demo campus's clock, in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta

OPENS, CLOSES = 8, 17.5
"""The desk's hours, Monday to Friday."""
WAKES, SLEEPS = 7, 22


def span_of(text: str) -> timedelta:
    """`90m`, `-2h`, `3d`."""
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[text[-1]]: float(text[:-1])})


def midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def in_office(at: datetime, minutes: float, spread: float) -> datetime:
    """So many minutes of the desk's hours later. Not everybody begins at the same moment: `spread` is from 0 to 1."""
    left = timedelta(minutes=minutes)
    while True:
        opens = midnight(at) + timedelta(hours=OPENS, minutes=50 * spread - 20)
        closes = opens + timedelta(hours=CLOSES - OPENS)
        if at.weekday() < 5 and at < closes:
            at = max(at, opens)
            if at + left <= closes:
                return at + left
            left -= closes - at
        at = midnight(at) + timedelta(days=1)


def awake(at: datetime, spread: float) -> datetime:
    """The same, or the morning after it: few answer in the small hours."""
    if at.hour < WAKES:
        return at.replace(hour=WAKES) + timedelta(minutes=90 * spread)
    return at


def daytime(at: datetime) -> datetime:
    """The same, or the afternoon before it where it lies in a night."""
    if WAKES <= at.hour < SLEEPS - 1:
        return at
    day = midnight(at) - timedelta(days=1 if at.hour < WAKES else 0)
    return day + timedelta(hours=15, minutes=at.minute + at.hour, seconds=at.second)


def between(start: datetime, end: datetime, share: float) -> datetime:
    """So far on the way from start to end, in whole seconds; nights are left out where there are days to be had."""
    days = []
    day = midnight(start)
    while day < end:
        wakes, sleeps = max(start, day + timedelta(hours=WAKES)), min(end, day + timedelta(hours=SLEEPS))
        if wakes < sleeps:
            days.append((wakes, sleeps))
        day += timedelta(days=1)
    all_days = sum((sleeps - wakes for wakes, sleeps in days), timedelta())
    if share >= 1 or all_days < (end - start) / 4:
        return (start + (end - start) * min(share, 1)).replace(microsecond=0)
    left = all_days * share
    for wakes, sleeps in days:
        if left <= sleeps - wakes:
            return (wakes + left).replace(microsecond=0)
        left -= sleeps - wakes
    return end.replace(microsecond=0)
