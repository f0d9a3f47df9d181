"""What somebody typed into a search box: words, “exact words”, #4821 and `status:open`. Any text is a search."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, or_, select

from helpdesk.policy import Actor
from helpdesk.search.words import words
from helpdesk.settings import setting
from models import Building, Category, Priority, Status, Tag, Team, Ticket, User, fetch, now

MOST_WORDS = 8
"""More are left out: each narrows what the ones before it found."""
MOST_OF_A_KEY = 4
"""Different values of one key, such as all four of `is:`. More are left out for the same reason."""
MOST_PEOPLE = 50
LOOKED_AT = 500
"""People whose names have the letters somewhere, those first that seem to begin with them."""
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
    _known: dict[type[Any], Sequence[Any]] = field(default_factory=dict, repr=False)

    def vocabulary(self, model: Any, *columns: Any) -> Sequence[Any]:
        """All categories, buildings, teams or tags: looked up once, however often they are asked for."""
        if model not in self._known:
            self._known[model] = fetch(select(*columns)).all()
        return self._known[model]

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
    taken: dict[str, set[str]] = {key: set() for key in KEYS}
    for token in _TOKEN.finditer(text.replace("\0", " ")):  # PostgreSQL has no word for it
        key, value = (token["key"] or "").lower(), (token["value"] or "").strip('"').lower()
        if key in KEYS:
            if value not in taken[key] and len(taken[key]) < MOST_OF_A_KEY:
                taken[key].add(value)
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
        rows = query.vocabulary(model, model.slug, model.name)
        slugs = [row.slug for row in rows if row.slug in _several(value)]
        slugs = slugs or [row.slug for row in rows if _begins(words(value), words(row.name))]
        query.narrow(name, sorted(slugs))

    return read


def _begins(wanted: list[str], name: list[str]) -> bool:
    return bool(wanted) and all(any(word.startswith(begin) for word in name) for begin in wanted)


def _tag(query: Query, value: str, actor: Actor) -> None:
    rows = query.vocabulary(Tag, Tag.name)
    query.narrow("tag", sorted(row.name for row in rows if row.name.lower() in _several(value)))


def _person(name: str) -> Callable[[Query, str, Actor], None]:
    """`me`, a username, an address, or how a name's words begin."""

    def read(query: Query, value: str, actor: Actor) -> None:
        if value == "me":
            query.narrow(name, [actor.id])
        elif name == "assignees" and value == "none":
            query.narrow("unassigned", True)
        else:
            query.narrow(name, _people(name, value, actor))

    return read


def _people(name: str, value: str, actor: Actor) -> list[int]:
    """Of everybody, for the staff. A customer's keys look at their own tickets, so only at the people of these."""
    wanted, full_name = words(value), func.lower(User.name)
    if not wanted:
        return []
    first = value.split()[0]
    exact = or_(User.username == value, User.email_normalized == value)
    begins = or_(full_name.startswith(first, autoescape=True), full_name.contains(f" {first}", autoescape=True))
    likeliest = case((exact, 0), (begins, 1), else_=2)
    statement = (
        select(User.id, User.username, User.email_normalized, User.name)
        .where(or_(exact, full_name.contains(first, autoescape=True)))
        .order_by(likeliest, User.id)
        .limit(LOOKED_AT)
    )
    if not actor.is_staff:
        assigned = select(Ticket.assignee_id).where(Ticket.reporter_id == actor.id)
        statement = statement.where(User.id == actor.id if name == "reporters" else User.id.in_(assigned))
    rows = fetch(statement).all()
    named = [row.id for row in rows if value in (row.username, row.email_normalized)]
    return named or [row.id for row in rows if _begins(wanted, words(row.name))][:MOST_PEOPLE]


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

_LOOKED_UP = frozenset({"category", "building", "team", "tag", "assignee", "reporter"})


def looks_up(text: str) -> bool:
    """Whether `parse` asks the database what the words of a search mean."""
    return any(
        (token["key"] or "").lower() in _LOOKED_UP and token["value"].lower() not in ("me", "none")
        for token in _TOKEN.finditer(text)
    )
