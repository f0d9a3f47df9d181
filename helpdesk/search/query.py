"""What somebody typed into a search box: words, “exact words”, #4821 and `status:open`. Any text is a search."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select

from helpdesk.policy import Actor
from helpdesk.search.words import words
from helpdesk.settings import setting
from models import Building, Category, Priority, Status, Tag, Team, User, fetch, now

MOST_WORDS = 8
"""More are left out: each narrows what the ones before it found."""
MOST_PEOPLE = 50
_TOKEN = re.compile(
    r'(?P<key>[a-z]+):(?P<value>"[^"]*"|[^\s"]+)|"(?P<phrase>[^"]*)"|#(?P<id>\d{1,15})\b|(?P<text>[^\s"]+|")', re.I
)
_DATE = re.compile(r"(?P<sign>[<>]=?)?(?P<day>\d{4}-\d{2}-\d{2})")


@dataclass
class Query:
    """`words` begin a word of the ticket, `phrases` stand in it as they are; `filters` are those of the list."""

    words: list[str] = field(default_factory=list)
    phrases: list[list[str]] = field(default_factory=list)
    filters: dict[str, Any] = field(default_factory=dict)
    is_vain: bool = False
    """Whether it asks for what cannot be: a status that is none, or two at once."""

    def narrow(self, name: str, value: Any) -> None:
        """Ask for this too. A second wish for the same leaves what both allow."""
        before = self.filters.get(name, value)
        if isinstance(value, list):
            value = [one for one in before if one in value]
        elif isinstance(value, datetime):
            value = max(before, value) if name == "created_after" else min(before, value)
        elif before != value:
            self.is_vain = True
        self.is_vain = self.is_vain or value == []
        self.filters[name] = value


def parse(text: str, actor: Actor) -> Query:
    """Read a search. Looks vocabulary and people up; a name that is nobody's finds nothing."""
    query = Query()
    for token in _TOKEN.finditer(text):
        key, value = (token["key"] or "").lower(), (token["value"] or "").strip('"')
        if key in KEYS:
            KEYS[key](query, value, actor)
        elif token["id"]:
            query.narrow("id", int(token["id"]))
        elif token["phrase"] is not None:
            query.phrases += [found] if (found := words(token["phrase"])) else []
        else:
            query.words += words(token[0])
    query.words = list(dict.fromkeys(query.words))[:MOST_WORDS]
    query.phrases = [phrase[:MOST_WORDS] for phrase in query.phrases[:MOST_WORDS]]
    return query


# --- keys -------------------------------------------------------------------------------------------------------------


def _several(value: str) -> list[str]:
    return [one for one in value.lower().split(",") if one]


def _status(query: Query, value: str, actor: Actor) -> None:
    wanted = {one.replace("-", "_").replace(" ", "_") for one in _several(value)}
    query.narrow("status", [status for status in Status if status.value in wanted])


def _priority(query: Query, value: str, actor: Actor) -> None:
    query.narrow("priority", [priority for priority in Priority if priority.value in _several(value)])


def _is(query: Query, value: str, actor: Actor) -> None:
    if value.lower() == "overdue":
        query.narrow("due_before", now())
    elif value.lower() == "unassigned":
        query.narrow("unassigned", True)
    elif value.lower() == "confidential":
        query.narrow("confidential", True)
    elif value.lower() == "open":
        query.narrow("status", [Status.OPEN, Status.IN_PROGRESS, Status.WAITING])
    else:
        query.is_vain = True


def _named(name: str, model: Any) -> Callable[[Query, str, Actor], None]:
    """By slug, or by how the name's words begin."""

    def read(query: Query, value: str, actor: Actor) -> None:
        rows = fetch(select(model.slug, model.name)).all()
        slugs = [row.slug for row in rows if row.slug in _several(value)]
        slugs = slugs or [row.slug for row in rows if _begins(words(value), words(row.name))]
        query.narrow(name, sorted(slugs))

    return read


def _begins(wanted: list[str], name: list[str]) -> bool:
    return bool(wanted) and all(any(word.startswith(begin) for word in name) for begin in wanted)


def _tag(query: Query, value: str, actor: Actor) -> None:
    rows = fetch(select(Tag.name)).all()
    query.narrow("tag", sorted(row.name for row in rows if row.name.lower() in _several(value)))


def _person(name: str) -> Callable[[Query, str, Actor], None]:
    """`me`, a username, an address, or how a name's words begin."""

    def read(query: Query, value: str, actor: Actor) -> None:
        if value.lower() == "me":
            ids = [actor.id]
        elif name == "assignees" and value.lower() == "none":
            query.narrow("unassigned", True)
            return
        else:
            low = value.lower()
            like = func.lower(User.name).contains(low.split(" ")[0], autoescape=True)
            known = or_(User.username == low, User.email_normalized == low, like)
            rows = fetch(select(User.id, User.username, User.email_normalized, User.name).where(known)).all()
            exact = [row.id for row in rows if low in (row.username, row.email_normalized)]
            ids = exact or [row.id for row in rows if _begins(words(value), words(row.name))][:MOST_PEOPLE]
        query.narrow(name, ids)

    return read


def _created(query: Query, value: str, actor: Actor) -> None:
    """`>2026-01-01`, `<=2026-01-31`, `2026-01-05`, where the campus is."""
    read = _DATE.fullmatch(value)
    try:
        day = date.fromisoformat(read["day"]) if read else None
        start = None if day is None else datetime.combine(day, time(), ZoneInfo(setting("TIME_ZONE")))
        end = None if start is None else datetime.combine(start.date() + timedelta(days=1), time(), start.tzinfo)
    except (ValueError, OverflowError):
        start = end = None
    if read is None or start is None or end is None:
        query.is_vain = True
        return
    sign = read["sign"]
    if sign in (">", ">=", None):
        query.narrow("created_after", end if sign == ">" else start)
    if sign in ("<", "<=", None):
        query.narrow("created_before", start if sign == "<" else end)


KEYS: Mapping[str, Callable[[Query, str, Actor], None]] = {
    "status": _status,
    "priority": _priority,
    "category": _named("category", Category),
    "building": _named("building", Building),
    "team": _named("team", Team),
    "tag": _tag,
    "assignee": _person("assignees"),
    "reporter": _person("reporters"),
    "is": _is,
    "created": _created,
}
"""What may stand before a colon. Any other word with a colon in it is words."""
