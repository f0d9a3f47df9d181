"""The pages of calendars: their hours as one writes them, their holidays in lines, and when they open next."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import Response, request, url_for

from blueprints import http
from blueprints.staff import deeds, forms
from blueprints.staff.forms import Typed, first
from blueprints.staff.shell import desk, pages, refused, show
from blueprints.words import gettext
from helpdesk import policy, sla
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.policy import Action, Actor
from helpdesk.schemas import CreateCalendarShape, EditCalendarShape
from helpdesk.settings import setting
from models import now

LIST = "/admin/calendars"
ONE = f"{LIST}/{http.ID.format('calendar_id')}"
NEW = f"{LIST}/new"
DAYS = tuple(f"hours_{day}" for day in range(7))
FIELDS = ("name", "time_zone", *DAYS, "holidays")
LOOK, DELETE = "look", "delete"
"""What a button sends as `do`, that does not save."""
OPENINGS = 7
_STRETCH = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*[-–]\s*([0-9]{1,2})(?:[:.]([0-9]{2}))?")


def admin() -> Actor:
    """Who asks, where they may change calendars. Raises NotSignedIn, Forbidden."""
    actor = desk()
    policy.require(actor, Action.SLA_WRITE)
    return actor


@pages.get(LIST)
def calendars_page() -> Response:
    actor = admin()
    return show(actor, "calendars.html", told=deeds.told(), calendars=[
        {**one, "week": [written(day) for day in one["hours"]]} for one in sla.calendars.listing(actor)
    ])  # fmt: skip


@pages.get(NEW)
def new_calendar() -> Response:
    typed: Typed = {name: ["08:00–18:00"] for name in DAYS[:5]} | {"time_zone": [setting("TIME_ZONE")]}
    return _one(admin(), None, typed)


@pages.get(ONE)
def calendar_page(calendar_id: int) -> Response:
    actor = admin()
    return _one(actor, calendar_id, _typed(sla.calendars.show_one(actor, calendar_id)))


@pages.post(NEW)
def create_calendar() -> Response:
    actor, typed = admin(), forms.typed(FIELDS)
    try:
        wish = _load(CreateCalendarShape(), typed)
        if request.form.get("do") == LOOK:
            return _one(actor, None, typed, seen=wish)
        http.begin_form(actor)
        sla.calendars.create(actor, wish)
        return http.look(url_for("staff.calendars_page", done="added"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _one(actor, None, typed, _said(error))


@pages.post(ONE)
def edit_calendar(calendar_id: int) -> Response:
    """Save it; or delete it; or see when it would open."""
    actor, typed, asked = admin(), forms.typed(FIELDS), request.form.get("do")
    try:
        wish = {} if asked == DELETE else _load(EditCalendarShape(), typed)
        if asked == LOOK:
            return _one(actor, calendar_id, typed, seen=wish)
        http.begin_form(actor)
        row = sla.calendars.take(actor, calendar_id)
        http.expect_form_version(row.version)
        if asked == DELETE:
            sla.calendars.destroy(actor, row)
        else:
            sla.calendars.edit(actor, row, wish)
        return http.look(url_for("staff.calendars_page", done="deleted" if asked == DELETE else "saved"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _one(actor, calendar_id, typed, _said(error))


# --- what was typed ---------------------------------------------------------------------------------------------------


def _load(shape: Any, typed: Typed) -> dict[str, Any]:
    """What was typed as a calendar. Raises Invalid with all that is wrong."""
    wrong: dict[str, list[str]] = {}
    hours = []
    for name in DAYS:
        day = _stretches(first(typed, name))
        if day is None:
            wrong[name] = [gettext("Write hours as 08:00–12:00, 13:00–18:00, or leave it empty")]
        hours.append(day or [])
    holidays, wrong_line = _holidays(first(typed, "holidays"))
    if wrong_line:
        wrong["holidays"] = [gettext("Line %(number)s: write a day as 2026-12-25 Christmas Day", number=wrong_line)]
    wish = {"name": first(typed, "name"), "time_zone": first(typed, "time_zone"), "hours": hours, "holidays": holidays}
    return http.load_form(shape, wish, wrong)


def _stretches(text: str) -> list[list[str]] | None:
    """`8-12, 13:00–18:00` → `[["08:00", "12:00"], ["13:00", "18:00"]]`; None for what is no hours."""
    if text.casefold() in ("closed", gettext("closed").casefold()):
        return []
    found = []
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        hours = _STRETCH.fullmatch(part)
        if hours is None:
            return None
        start, end = ((int(hours[n]), int(hours[n + 1] or 0)) for n in (1, 3))
        if any(minute > 59 or hour * 60 + minute > 24 * 60 for hour, minute in (start, end)):
            return None
        found.append([f"{hour:02}:{minute:02}" for hour, minute in (start, end)])
    return found


def _holidays(text: str) -> tuple[list[dict[str, str]], int]:
    """The days, and the first line that is none; 0 where all are."""
    found: list[dict[str, str]] = []
    for line, said in enumerate(text.splitlines(), start=1):
        if not said.strip():
            continue
        day, _, name = said.strip().partition(" ")
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
            return found, line
        found.append({"date": day, "name": name.strip() or gettext("Holiday")})
    return found, 0


def written(day: list[list[str]]) -> str:
    """`08:00–12:00, 13:00–18:00`"""
    return ", ".join(f"{start}–{end}" for start, end in day)


def _typed(shown: dict[str, Any]) -> Typed:
    return {
        "name": [shown["name"]],
        "time_zone": [shown["time_zone"]],
        **{name: [written(day)] for name, day in zip(DAYS, shown["hours"], strict=True)},
        "holidays": ["\n".join(f"{day['date']} {day['name']}" for day in shown["holidays"])],
    }


def _said(error: HelpdeskError) -> HelpdeskError:
    """What is wrong stands beside the field that has it: of the hours, beside their day."""
    if not isinstance(error, Invalid) or "hours" not in error.errors:
        return error
    errors = dict(error.errors)
    hours = errors.pop("hours")
    found = hours if isinstance(hours, dict) else {"0": hours}
    return Invalid({f"hours_{day}": messages for day, messages in found.items()} | errors)


@lru_cache(maxsize=1)
def zones() -> list[str]:
    """Those that people live in."""
    odd = ("Etc/", "SystemV/", "US/", "posix", "right")
    return sorted(name for name in available_timezones() if name == "UTC" or ("/" in name and not name.startswith(odd)))


def _one(
    actor: Actor,
    calendar_id: int | None,
    typed: Typed,
    error: HelpdeskError | None = None,
    seen: dict[str, Any] | None = None,
) -> Response:
    """With what was typed, where it was refused or looked at."""
    if error:
        refused(error)
    shown = sla.calendars.show_one(actor, calendar_id) if calendar_id is not None else None
    of = seen or (shown if error is None else None)
    zone = ZoneInfo(of["time_zone"]) if of else None
    openings = sla.working(of["time_zone"], of["hours"], of["holidays"]).openings(now(), OPENINGS) if of else []
    return show(
        actor, "calendar.html", status=error.status if error else 200, calendar=shown, typed=typed, error=error,
        problems=forms.problems(error, typed), zones=zones(), days=DAYS, is_preview=seen is not None,
        openings=[(start.astimezone(zone), end.astimezone(zone)) for start, end in openings],
    )  # fmt: skip
