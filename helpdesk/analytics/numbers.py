"""How many: by hour, and by what a ticket is, counted by the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
    text,
    type_coerce,
    union_all,
)

from helpdesk import moments, tickets
from helpdesk.analytics.period import Period
from helpdesk.analytics.scope import AGES, COUNTED, Asking, Scope
from helpdesk.policy import Actor
from models import REOPENING, Category, Event, Ticket, UTCDateTime, fetch

CREATED, RESOLVED, REOPENED = "created", "resolved", "reopened"
_MOMENTS: dict[str, Any] = {
    CREATED: Ticket.created_at,
    RESOLVED: Ticket.resolved_at,
    REOPENED: Event.created_at,
}
Names = tuple[tuple[str, frozenset[str]], ...]

# --- by hour ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _by_hour(kinds: Names, clocks: int) -> Any:
    """For each kind, its local hours and how many fall into them."""
    parts = []
    for kind, names in kinds:
        hours: Select[Any] = select(moments.local_hour(_MOMENTS[kind], clocks, "clock_").label("hour"))
        if kind == REOPENED:
            hours = hours.select_from(Event).join(Ticket, Ticket.id == Event.ticket_id)
            # one that was put back as it was had not been opened again: its ticket's own count says so
            hours = hours.where(
                text(REOPENING),
                Event.created_at >= bindparam("reopened_from"),
                Event.created_at < bindparam("reopened_until"),
                Ticket.reopened_count > 0,
            )
        found = tickets.matching(hours, names, kind).subquery()
        counted = select(literal(kind).label("kind"), found.c.hour, func.count().label("number"))
        parts.append(counted.group_by(found.c.hour))
    return union_all(*parts)


def by_hour(actor: Actor, period: Period, scope: Scope, *kinds: str) -> dict[str, dict[int, int]]:
    """How many were created, resolved, reopened in each hour of a period, by the clock there. One statement.

    Resolved counts what still is; reopened counts each time.
    """
    asking = Asking(actor)
    for kind in kinds:
        if kind == REOPENED:
            asking.add(kind, {**scope.filters, **COUNTED})
            asking.parameters |= {"reopened_from": period.start, "reopened_until": period.end}
        else:
            asking.add(kind, getattr(scope, kind)(period.start, period.end))
    asking.parameters |= moments.clock(period.stretches, "clock_")
    found: dict[str, dict[int, int]] = {kind: {} for kind in kinds}
    for kind, hour, number in fetch(_by_hour(asking.key, len(period.stretches)), asking.parameters):
        found[kind][hour] = number
    return found


def heat(hours: Mapping[int, int]) -> list[list[int]]:
    """Numbers by local hour as seven days, from Monday, of 24 hours."""
    cells = [[0] * 24 for _ in range(7)]
    for hour, number in hours.items():
        place = hour % moments.HOURS_OF_WEEK
        cells[place // 24][place % 24] += number
    return cells


# --- what is open at a moment -----------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _since(names: Names) -> Any:
    parts = []
    for prefix, of in names:
        found = tickets.matching(select(Ticket.id), of, prefix).subquery()
        parts.append(select(func.count()).select_from(found).scalar_subquery().label(prefix.rstrip("_")))
    return select(*parts)


def backlog(actor: Actor, period: Period, scope: Scope, created: list[int], resolved: list[int]) -> list[int]:
    """How many were there and not resolved at the end of each interval. One statement.

    Of what is resolved now, that it was reopened in between is not looked at: it counts as there until it was resolved
    for the last time. Counted backwards from what is open now, so that nothing older is read.
    """
    asking = Asking(actor)
    asking.add("open_", scope.open())
    asking.add("created_", scope.created(period.end, None))
    asking.add("resolved_", scope.resolved(period.end, None))
    row = fetch(_since(asking.key), asking.parameters).one()
    number = row.open - row.created + row.resolved
    found = []
    for came, went in zip(reversed(created), reversed(resolved), strict=True):
        found.append(number)
        number += went - came
    return found[::-1]


# --- by what they are -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """How many, and how many of them are what is asked for beside."""

    number: int = 0
    part: int = 0
    other: int = 0


@dataclass
class Tallies:
    """What a period's tickets are, and what is open."""

    created: Tally = field(default_factory=Tally)
    """`part` were reopened, `other` passed on."""
    created_before: Tally = field(default_factory=Tally)
    resolved_before: Tally = field(default_factory=Tally)
    """`part` on time, as for teams."""
    teams: dict[int | None, Tally] = field(default_factory=dict)
    buildings: dict[int | None, int] = field(default_factory=dict)
    categories: dict[int | None, int] = field(default_factory=dict)
    """What is open, by the category of the first level."""
    ages: dict[int, int] = field(default_factory=dict)
    """By the place in AGES."""
    assignees: dict[int | None, Tally] = field(default_factory=dict)
    """What is open; `part` is overdue."""
    at: datetime | None = None

    @property
    def resolved(self) -> Tally:
        found = self.teams.values()
        return Tally(sum(one.number for one in found), sum(one.part for one in found))

    @property
    def open(self) -> Tally:
        found = self.assignees.values()
        return Tally(sum(one.number for one in found), sum(one.part for one in found))


def top_category() -> ColumnElement[int]:
    """The category of the first level; `Category` is joined."""
    return func.coalesce(Category.parent_id, Category.id)


_ON_TIME = Ticket.resolved_at <= Ticket.resolution_due_at
_NO_KEY = cast(null(), BigInteger)


def _age() -> ColumnElement[int]:
    """The place in AGES."""
    edges = [
        (Ticket.created_at >= bindparam(f"age_{n}", type_=UTCDateTime()), literal(n, Integer))
        for n in range(len(AGES) - 1)
    ]
    return case(*edges, else_=literal(len(AGES) - 1, Integer))


@lru_cache(maxsize=64)
def _tallied(names: Names) -> Any:
    """(kind, key, number, part, other) of everything that `Tallies` has."""
    of, zero = dict(names), literal(0, BigInteger)

    def part(kind: str, prefix: str, key: Any, *sums: Any) -> Any:
        """Grouped by a key that may hold parameters: by its own name, in a SELECT around it."""
        columns = [key.label("key"), *(one.label(name) for name, one in zip(("a", "b"), sums, strict=False))]
        inner: Select[Any] = select(*columns).select_from(Ticket)
        if kind == "categories":
            inner = inner.join(Category, Category.id == Ticket.category_id)
        found = tickets.matching(inner, of[prefix], prefix).subquery()
        counts: list[Any] = [func.coalesce(func.sum(found.c[name]), zero) for name in ("a", "b") if name in found.c]
        counts += [zero] * (2 - len(counts))
        row = select(
            literal(kind).label("kind"), found.c.key, func.count().label("number"),
            *(cast(one, BigInteger).label(name) for name, one in zip(("part", "other"), counts, strict=True)),
        )  # fmt: skip
        return row.group_by(found.c.key)

    def flag(condition: Any) -> Any:
        return case((condition, 1), else_=0)

    return union_all(
        part("created", "created_", _NO_KEY, flag(Ticket.reopened_count > 0), flag(Ticket.handoff_count > 0)),
        part("created_before", "created_before_", _NO_KEY),
        part("resolved_before", "resolved_before_", _NO_KEY, flag(_ON_TIME)),
        part("teams", "resolved_", Ticket.team_id, flag(_ON_TIME)),
        part("buildings", "created_", Ticket.building_id),
        part("categories", "open_", top_category()),
        part("ages", "open_", cast(_age(), BigInteger)),
        part(
            "assignees",
            "open_",
            Ticket.assignee_id,
            flag(Ticket.due_at < bindparam("late_before", type_=UTCDateTime())),
        ),
    )


def tallies(actor: Actor, period: Period, scope: Scope) -> Tallies:
    """One statement."""
    asking = Asking(actor)
    asking.add("created_", scope.created(period.start, period.end))
    asking.add("created_before_", scope.created(*period.before()))
    asking.add("resolved_", scope.resolved(period.start, period.end))
    asking.add("resolved_before_", scope.resolved(*period.before()))
    asking.add("open_", scope.open())
    asking.parameters["late_before"] = asking.at
    for n, (_, high) in enumerate(AGES[:-1]):
        asking.parameters[f"age_{n}"] = asking.at - high if high else asking.at
    found = Tallies(at=asking.at)
    for row in fetch(_tallied(asking.key), asking.parameters):
        tally = Tally(row.number, row.part, row.other)
        if row.kind in ("created", "created_before", "resolved_before"):
            setattr(found, row.kind, tally)
        elif row.kind in ("teams", "assignees"):
            getattr(found, row.kind)[row.key] = tally
        else:
            getattr(found, row.kind)[row.key] = row.number
    return found


KEYS: dict[str, Any] = {
    "category": top_category(),
    "assignee": Ticket.assignee_id,
    "team": Ticket.team_id,
    "priority": type_coerce(Ticket.priority, Integer),
    "building": Ticket.building_id,
}
"""What figures are grouped by: requests name a key of these, never a column."""
