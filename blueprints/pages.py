"""What the server-rendered pages share: how they say times and words, and where the icons and built files are."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, has_request_context, request, url_for
from markupsafe import Markup

from blueprints import words
from blueprints.words import N_, gettext, lazy_gettext, ngettext
from helpdesk.auth import LINK_HOURS, PASSWORD_MAX, PASSWORD_MIN
from helpdesk.guests import HELD_DAYS
from helpdesk.images import THUMBNAIL_SIDE
from helpdesk.markdown import render
from helpdesk.workflow import REOPEN_DAYS
from models import Status, now


def time_zone() -> ZoneInfo:
    """The reader's, or the campus's."""
    known = g.get("identity")
    return ZoneInfo((known and known.time_zone) or current_app.config["TIME_ZONE"])


def clock(moment: datetime) -> str:
    return moment.astimezone(time_zone()).strftime("%H:%M")


def full(moment: datetime) -> str:
    """`Tue 12 May 2026, 10:02`"""
    local = moment.astimezone(time_zone())
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


def _amount(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return gettext("%(number)s min", number=max(minutes, 1))
    if minutes < 24 * 60:
        return gettext("%(number)s h", number=minutes // 60)
    return ngettext("%(num)s day", "%(num)s days", minutes // (24 * 60))


def ago(moment: datetime) -> str:
    """`13 min ago`; from seven days on, the date."""
    span = now() - moment
    if span < timedelta(minutes=1):
        return gettext("just now")
    if span < timedelta(days=7):
        return gettext("%(span)s ago", span=_amount(span))
    return date(moment)


def since(moment: datetime) -> str:
    """`13 min`, for a column that says whose time it is."""
    span = now() - moment
    return _amount(span) if timedelta(minutes=1) <= span < timedelta(days=7) else ago(moment)


def date(moment: datetime) -> str:
    local = moment.astimezone(time_zone())
    same_year = local.year == now().astimezone(time_zone()).year
    return f"{local.day} {local:%b}" if same_year else f"{local.day} {local:%b %Y}"


def at(moment: datetime) -> str:
    """`08:24` today, else `12 May, 08:24`"""
    today = now().astimezone(time_zone()).date()
    return clock(moment) if moment.astimezone(time_zone()).date() == today else f"{date(moment)}, {clock(moment)}"


def at_long(moment: datetime) -> str:
    """`today 16:12`, `tomorrow 09:30`, `yesterday 09:30`, else `12 May, 16:12`"""
    days = (moment.astimezone(time_zone()).date() - now().astimezone(time_zone()).date()).days
    named = {-1: _YESTERDAY, 0: _TODAY, 1: _TOMORROW}.get(days)
    return named % {"time": clock(moment)} if named else f"{date(moment)}, {clock(moment)}"


_YESTERDAY = lazy_gettext("yesterday %(time)s")
_TODAY = lazy_gettext("today %(time)s")
_TOMORROW = lazy_gettext("tomorrow %(time)s")


# --- what is due ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """`ok`, `soon`, `late`, `met`, `paused` or `none`; in words, and when exactly.

    `by` is `today 16:12`, while it is due and the words say no more than how long it takes.
    """

    state: str
    text: str = ""
    when: datetime | None = None
    by: str = ""


def _length(span: timedelta) -> str:
    """`5 h 57 min`, where there is room; from a day on `2 days`."""
    hours, minutes = divmod(int(span.total_seconds() // 60), 60)
    if 0 < hours < 24 and minutes:
        return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
    return _amount(span)


# What is due, in whole sentences: how late it is, in how long and when it is due (with `due` where there is room), and
# how it ended.
_REPLY = {
    "late": lazy_gettext("Reply %(span)s late"),
    "in": lazy_gettext("Reply in %(span)s"),
    "due in": lazy_gettext("Reply due in %(span)s"),
    "at": lazy_gettext("Reply %(time)s"),
    "due at": lazy_gettext("Reply due %(time)s"),
    "was late": lazy_gettext("First reply %(span)s late"),
    "was met": lazy_gettext("First reply after %(span)s"),
}
_FIX = {
    "late": lazy_gettext("Fix %(span)s late"),
    "in": lazy_gettext("Fix in %(span)s"),
    "due in": lazy_gettext("Fix due in %(span)s"),
    "at": lazy_gettext("Fix %(time)s"),
    "due at": lazy_gettext("Fix due %(time)s"),
    "was late": lazy_gettext("Fixed %(span)s late"),
    "was met": lazy_gettext("Fixed after %(span)s"),
}


def span(seconds: int) -> str:
    """How long something takes."""
    return _length(timedelta(seconds=seconds))


def _ahead(says: Mapping[str, str], when: datetime | None, soon_at: datetime | None, *, long: bool) -> Due:
    """From `soon_at` on it is soon: what that is, `helpdesk.sla` says."""
    if when is None:
        return Due("none")
    left = when - now()
    if left < timedelta(0):
        return Due("late", says["late"] % {"span": _amount(-left)}, when, at_long(when))
    state, due = "soon" if soon_at is not None and soon_at <= now() else "ok", "due " if long else ""
    if left < timedelta(hours=12):
        span = _length(left) if long else _amount(left)
        return Due(state, says[f"{due}in"] % {"span": span}, when, at_long(when))
    time = f"{when.astimezone(time_zone()):%a} {clock(when)}" if left < timedelta(days=6) else date(when)
    return Due(state, says[f"{due}at"] % {"time": time}, when)


def _done(says: Mapping[str, str], ticket: Mapping[str, Any], when: datetime, due_at: datetime | None) -> Due:
    if due_at is not None and when > due_at:
        return Due("late", says["was late"] % {"span": _amount(when - due_at)}, when)
    return Due("met", says["was met"] % {"span": _amount(when - ticket["created_at"])}, when)


def reply_due(ticket: Mapping[str, Any], *, long: bool = False) -> Due:
    """How the first reply stands."""
    if ticket["first_response_at"] is not None:
        return _done(_REPLY, ticket, ticket["first_response_at"], ticket["first_response_due_at"])
    if ticket["resolved_at"] is not None:
        return Due("none", gettext("No reply"))
    if ticket["status"] == Status.WAITING:
        return Due("paused", gettext("Paused"))
    return _ahead(_REPLY, ticket["first_response_due_at"], ticket["first_response_soon_at"], long=long)


def fix_due(ticket: Mapping[str, Any], *, long: bool = False) -> Due:
    """How the fix stands."""
    if ticket["resolved_at"] is not None:
        return _done(_FIX, ticket, ticket["resolved_at"], ticket["resolution_due_at"])
    if ticket["status"] == Status.WAITING:
        return Due("paused", gettext("Paused"))
    return _ahead(_FIX, ticket["resolution_due_at"], ticket["resolution_soon_at"], long=long)


def due(ticket: Mapping[str, Any], *, long: bool = False) -> Due:
    """The next thing due on a ticket, or how it ended."""
    replied = ticket["first_response_at"] is not None or ticket["resolved_at"] is not None
    return (
        fix_due(ticket, long=long)
        if replied or ticket["due_at"] != ticket["first_response_due_at"]
        else reply_due(ticket, long=long)
    )


def target(seconds: int) -> str:
    """`4 h`, `1 h 30 min`, `5 days`, whole; a day has 24 hours: of working time too."""
    days, rest = divmod(seconds // 60, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [
        ngettext("%(num)s day", "%(num)s days", days) if days else "",
        gettext("%(number)s h", number=hours) if hours else "",
        gettext("%(number)s min", number=minutes) if minutes or not (days or hours) else "",
    ]
    return " ".join(filter(None, parts))


# --- words ------------------------------------------------------------------------------------------------------------


def initials(name: str) -> str:
    words = [word for word in name.split() if word[:1].isalnum()] or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def hue(person_id: int) -> int:
    """Which of the six avatar tints: always the same for a person."""
    return person_id % 6


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def say(word: str) -> str:
    """`in_progress` → `In progress`"""
    return gettext(_SAID[word]) if word in _SAID else word.replace("_", " ").capitalize()


_SAID = {
    "open": N_("Open"), "in_progress": N_("In progress"), "waiting": N_("Waiting"), "resolved": N_("Resolved"),
    "closed": N_("Closed"), "urgent": N_("Urgent"), "high": N_("High"), "normal": N_("Normal"), "medium": N_("Medium"),
    "low": N_("Low"), "todo": N_("Todo"), "done": N_("Done"), "overdue": N_("Overdue"), "today": N_("Today"),
    "week": N_("Week"), "category": N_("Category"), "location": N_("Location"), "status": N_("Status"),
    "due": N_("Due"), "assignee": N_("Assignee"), "updated": N_("Updated"), "created": N_("Created"),
    "team": N_("Team"), "tags": N_("Tags"),
}  # fmt: skip
"""What the calls name by one word, as a person says it."""


def counted(found: Mapping[str, Any]) -> str:
    """`86`; `1,000+` where there are more than were counted."""
    return f"{found['count']:,}{'+' if found['more'] else ''}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 reply`, `1,204 replies`"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def field_of(slug: str) -> str:
    """The category of the first level, which a slug begins with; `other` where it is none that has an icon."""
    top = slug.partition("-")[0]
    return top if top in {"facilities", "it", "services"} else "other"


def links(text: str) -> list[str]:
    """The web addresses in a text, each once."""
    return list(dict.fromkeys(re.findall(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]", text)))


# In sanitised HTML: a tag (its attributes may hold “>”), and in the text between tags what becomes a link. An address
# holds no character that is written as an entity but “&”, and does not end with what a sentence puts behind it.
_TAG = r"<(?:[^>\"]|\"[^\"]*\")*>"
_ADDRESS = r"https?://(?:[^\s<>\"&]|&amp;)*[^\s<>\"&'.,;:!?\]]"
_PART = re.compile(rf"(?P<tag>{_TAG})|(?P<address>{_ADDRESS})|(?<![\w&/#])#(?P<number>[1-9][0-9]{{0,14}})\b")
_AS_IT_IS = re.compile(r"<(/?)(?:a|code|pre)\b")


@lru_cache(maxsize=256)
def prose(text: str) -> Markup:
    """What somebody wrote, for the staff: `#4821` leads to that ticket, and a bare address to where it says."""
    depth = 0

    def link(found: re.Match[str]) -> str:
        nonlocal depth
        if found["tag"]:
            if inside := _AS_IT_IS.match(found["tag"]):
                depth += -1 if inside[1] else 1
            return found[0]
        if depth:
            return found[0]
        if found["number"]:
            return f'<a href="{PATHS["queue"]}tickets/{found["number"]}">{found[0]}</a>'
        address: str = found["address"]
        while address.count(")") > address.count("("):  # the sentence's own
            address = address[: address.rindex(")")].rstrip("'.,;:!?]")
        return f'<a href="{address}" rel="noopener noreferrer nofollow">{address}</a>{found[0][len(address) :]}'

    return Markup(_PART.sub(link, render(text)))  # noqa: S704  (sanitised in render)


_PHONE = re.compile(r"\+?\d[\d /-]+\d")


def callable_numbers(text: str) -> Markup:
    """Three digits or more are a number that one can call, as frontend/src/components/Emergency.jsx has it."""
    parts = _PHONE.split(text)
    numbers = [
        Markup('<a class="hit nowrap" href="tel:{}">{}</a>').format(re.sub(r"[^\d+]", "", found), found)
        for found in _PHONE.findall(text)
    ]
    return Markup("").join(part for pair in zip(parts, [*numbers, ""], strict=True) for part in pair)


# --- photos -----------------------------------------------------------------------------------------------------------


def small(photo: Any) -> tuple[int, int]:
    """Width and height of the thumbnail, as the worker makes it."""
    scale = min(1.0, THUMBNAIL_SIDE / max(photo.width, photo.height, 1))
    return max(1, round(photo.width * scale)), max(1, round(photo.height * scale))


# --- addresses and files ----------------------------------------------------------------------------------------------


PATHS = {
    "home": "/",
    "report": "/report",
    "tickets": "/tickets",
    "portal_login": "/login",
    "plain_login": "/account/login",
    "register": "/register",
    "account": "/account",
    "queue": "/staff/",
    "login": "/staff/login",
    "logout": "/staff/logout",
    "forgot": "/account/forgot",
    "openapi": "/api/openapi.json",
    "images": "/api/images",
}
"""Where pages of other services are: `url_for` knows those alone that this process serves."""


@lru_cache(maxsize=64)
def _stamp(path: str, changed: float) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """A file of `static/` under an address that changes with it, so that it can be cached for good."""
    path = Path(current_app.static_folder or "") / name
    return url_for("static", filename=name, v=_stamp(str(path), path.stat().st_mtime))


def place_of_build() -> Path:
    """Where the frontend's build is, if it was built."""
    return Path(current_app.static_folder or "") / "dist"


def built(entry: str) -> dict[str, list[str]]:
    """What the frontend's build made of an entry: its scripts and styles."""
    manifest = place_of_build() / ".vite" / "manifest.json"
    chunks = _manifest(str(manifest), manifest.stat().st_mtime) if manifest.exists() else {}
    chunk = chunks.get(entry)
    if chunk is None:
        return {"scripts": [], "styles": []}
    prefix = f"{current_app.static_url_path}/dist/"
    return {"scripts": [prefix + chunk["file"]], "styles": [prefix + css for css in chunk.get("css", [])]}


@lru_cache(maxsize=4)
def _manifest(path: str, changed: float) -> dict[str, Any]:
    chunks: dict[str, Any] = json.loads(Path(path).read_text())
    return chunks


THEME_COOKIE = "theme"
"""Which the portal sets, so that a page has the right colours from its first byte."""


def theme() -> str:
    """The reader's own, else the one that this browser's last reader chose: `light`, `dark` or `system`."""
    known = g.get("identity")
    if known is not None:
        return str(known.theme)
    cookie = request.cookies.get(THEME_COOKIE) if has_request_context() else None
    return cookie if cookie in ("light", "dark") else "system"


def prepare_templates(app: Flask) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    words.prepare(app)
    app.jinja_env.filters.update(
        clock=clock, full=full, ago=ago, since=since, date=date, at=at, at_long=at_long, initials=initials, hue=hue,
        iso=iso, say=say, due=due, reply_due=reply_due, fix_due=fix_due, target=target, counted=counted, plural=plural,
        field_of=field_of, links=links, prose=prose, callable=callable_numbers, small=small, span=span,
        markdown=lambda text: Markup(render(text)),  # noqa: S704  (sanitised in render)
    )  # fmt: skip
    app.jinja_env.globals.update(
        asset=asset, built=built, now=now, paths=PATHS, form_key=lambda: secrets.token_hex(16),
        link_hours={purpose.value: hours for purpose, hours in LINK_HOURS.items()}, reopen_days=REOPEN_DAYS,
        held_days=HELD_DAYS, password_min=PASSWORD_MIN, password_max=PASSWORD_MAX,
        any_status="&".join(f"status={status}" for status in Status),
    )  # fmt: skip
    app.context_processor(lambda: {"site_name": app.config["SITE_NAME"], "theme": theme()})
