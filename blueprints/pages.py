"""What the server-rendered pages share: how they say times and words, and where the icons and built files are."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, url_for
from markupsafe import Markup

from helpdesk.markdown import render
from models import now


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
        return f"{max(minutes, 1)} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h"
    days = minutes // (24 * 60)
    return f"{days} day" if days == 1 else f"{days} days"


def ago(moment: datetime) -> str:
    """`13 min ago`; from seven days on, the date."""
    span = now() - moment
    if span < timedelta(minutes=1):
        return "just now"
    if span < timedelta(days=7):
        return f"{_amount(span)} ago"
    return date(moment)


def date(moment: datetime) -> str:
    local = moment.astimezone(time_zone())
    same_year = local.year == now().astimezone(time_zone()).year
    return f"{local.day} {local:%b}" if same_year else f"{local.day} {local:%b %Y}"


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
    return word.replace("_", " ").capitalize()


@lru_cache(maxsize=64)
def _stamp(path: str, changed: float) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """A file of `static/` under an address that changes with it, so that it can be cached for good."""
    path = Path(current_app.static_folder or "") / name
    return url_for("static", filename=name, v=_stamp(str(path), path.stat().st_mtime))


def built(entry: str) -> dict[str, list[str]]:
    """What the frontend's build made of an entry: its scripts and styles."""
    manifest = Path(current_app.static_folder or "") / "dist" / ".vite" / "manifest.json"
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


def prepare_templates(app: Flask) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        clock=clock, full=full, ago=ago, date=date, initials=initials, hue=hue, iso=iso, say=say,
        markdown=lambda text: Markup(render(text)),  # noqa: S704  (sanitised in render)
    )  # fmt: skip
    app.jinja_env.globals.update(asset=asset, built=built, now=now)
    app.context_processor(
        lambda: {"site_name": app.config["SITE_NAME"], "theme": getattr(g.get("identity"), "theme", "system")}
    )
