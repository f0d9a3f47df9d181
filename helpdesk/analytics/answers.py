"""Figures as the API answers them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Integer, bindparam, cast, false, func, literal, null, select, type_coerce, union_all

from helpdesk import policy, tickets
from helpdesk.analytics import numbers, times
from helpdesk.analytics.names import Named, Vocabulary, vocabulary
from helpdesk.analytics.numbers import CREATED, REOPENED, RESOLVED
from helpdesk.analytics.period import DEFAULT, INTERVALS, Period, named
from helpdesk.analytics.scope import Asking, Scope
from helpdesk.analytics.times import ALL, NONE, REPLY, RESOLUTION, Times
from helpdesk.errors import Invalid
from helpdesk.policy import Action, Actor
from helpdesk.settings import setting
from models import Category, Priority, Role, Status, Ticket, User, fetch, now

ON_TIME_TARGET_PERCENT = 90
"""Of what is resolved, how much is to be so by the time at which it was due."""
MOST_INTERVALS = 1000
ACTIVE_DAYS = 30


def campus() -> ZoneInfo:
    return ZoneInfo(setting("TIME_ZONE"))


def asked(query: Mapping[str, Any]) -> tuple[Period, Scope]:
    """What a query asks for: its days, by default the last 30, and whose tickets."""
    zone = ZoneInfo(query["tz"]) if "tz" in query else campus()
    period = Period(query["from"], query["to"], zone) if "from" in query else named(DEFAULT, zone)
    return period, Scope({name: query[name] for name in ("team", "category", "building") if name in query})


def _of(period: Period) -> dict[str, Any]:
    return {"from": period.first, "to": period.last, "tz": period.zone.key}


def _called(known: Named | None) -> dict[str, Any]:
    return {"id": known and known.id, "slug": known and known.slug, "name": known and known.name}


def trends(actor: Actor, query: Mapping[str, Any]) -> dict[str, Any]:
    """Created, resolved, reopened and backlog of each interval. Two statements. Raises Forbidden, Invalid."""
    policy.require(actor, Action.ANALYTICS_READ)
    (period, scope), each = asked(query), query["interval"]
    intervals = period.intervals(each)
    if len(intervals) > MOST_INTERVALS:
        longer = " or ".join(INTERVALS[INTERVALS.index(each) + 1 :])
        raise Invalid({"interval": [f"That makes over {MOST_INTERVALS:,}. Choose {longer or 'fewer days'}."]})
    found = numbers.by_hour(actor, period, scope, CREATED, RESOLVED, REOPENED)
    folded = {kind: period.fold(hours, each) for kind, hours in found.items()}
    left = numbers.backlog(actor, period, scope, folded[CREATED], folded[RESOLVED])
    items = [
        {
            "from": day, "to": following - timedelta(days=1), "created": folded[CREATED][n],
            "resolved": folded[RESOLVED][n], "reopened": folded[REOPENED][n], "backlog": left[n],
        }
        for n, (day, following) in enumerate(intervals)
    ]  # fmt: skip
    return {**_of(period), "interval": each, "items": items}


def _percentiles(found: Times) -> dict[str, Any]:
    return {
        "count": found.count, "p50_seconds": found.p50, "p75_seconds": found.p75, "p90_seconds": found.p90,
        "p95_seconds": found.p95,
    }  # fmt: skip


def response_times(actor: Actor, query: Mapping[str, Any]) -> dict[str, Any]:
    """Percentiles of first response and resolution, of all and by group. Two statements. Raises Forbidden."""
    policy.require(actor, Action.ANALYTICS_READ)
    (period, scope), group = asked(query), query["group_by"]
    found = times.times(actor, period, scope, [(m, g) for m in (REPLY, RESOLUTION) for g in (ALL, group)])
    replies, ends = found[REPLY, group], found[RESOLUTION, group]
    keys = replies.keys() | ends.keys()
    known = vocabulary(keys if group == "assignee" else ())
    items = [
        {
            **_called(known.of(group, key)),
            "first_response": _percentiles(replies.get(key, NONE)),
            "resolution": _percentiles(ends.get(key, NONE)),
        }
        for key in _by_name(keys, known, group)
    ]
    return {
        **_of(period), "group_by": group, "items": items,
        "first_response": _percentiles(found[REPLY, ALL].get(None, NONE)),
        "resolution": _percentiles(found[RESOLUTION, ALL].get(None, NONE)),
    }  # fmt: skip


def _by_name(keys: Any, known: Vocabulary, kind: str) -> list[int | None]:
    """By name, priorities by rank; what has no name comes last."""

    def place(key: int | None) -> tuple[Any, ...]:
        found = known.of(kind, key)
        if found is None or key is None:
            return (1, "", 0)
        return (0, "" if kind == "priority" else found.name.lower(), key)

    return sorted(keys, key=place)


def heatmap(actor: Actor, query: Mapping[str, Any]) -> dict[str, Any]:
    """When tickets are reported: hours of the week. One statement. Raises Forbidden."""
    policy.require(actor, Action.ANALYTICS_READ)
    period, scope = asked(query)
    hours = numbers.by_hour(actor, period, scope, CREATED)[CREATED]
    return {**_of(period), "total": sum(hours.values()), "days": numbers.heat(hours)}


def sla(actor: Actor, query: Mapping[str, Any]) -> dict[str, Any]:
    """How much was resolved on time, by team. Two statements. Raises Forbidden."""
    policy.require(actor, Action.ANALYTICS_READ)
    period, scope = asked(query)
    found, known = numbers.tallies(actor, period, scope), vocabulary()
    items = [
        {**_called(known.of("team", key)), "resolved": found.teams[key].number, "met": found.teams[key].part}
        for key in _by_name(found.teams, known, "team")
    ]
    return {
        **_of(period), "target_percent": ON_TIME_TARGET_PERCENT, "resolved": found.resolved.number,
        "met": found.resolved.part, "items": items,
    }  # fmt: skip


def rates(actor: Actor, query: Mapping[str, Any]) -> dict[str, Any]:
    """How much was passed on, and how much opened again. One statement. Raises Forbidden."""
    policy.require(actor, Action.ANALYTICS_READ)
    period, scope = asked(query)
    created = numbers.tallies(actor, period, scope).created
    return {**_of(period), "created": created.number, "passed_on": created.other, "reopened": created.part}


# --- how things stand -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _standing(names: Any) -> Any:
    """(kind, word, key, number) of everything that the summary has."""
    of = dict(names)
    word, key = cast(null(), Ticket.title.type), cast(null(), BigInteger)

    def opened(kind: str, group: Any, join: bool = False) -> Any:
        rows = select(literal(kind).label("kind"), word.label("word"), group.label("key"), func.count().label("number"))
        rows = rows.select_from(Ticket)
        if join:
            rows = rows.join(Category, Category.id == Ticket.category_id)
        return tickets.matching(rows, of["open_"], "open_").group_by(group)

    def number(kind: str, prefix: str) -> Any:
        rows = select(literal(kind).label("kind"), word.label("word"), key.label("key"), func.count().label("number"))
        return tickets.matching(rows.select_from(Ticket), of[prefix], prefix)

    def by_status(kind: str, *where: Any) -> Any:
        status = cast(Ticket.status, Ticket.title.type)
        counted = select(literal(kind), status, key, func.count()).where(Ticket.held == false(), *where)
        return counted.group_by(Ticket.status)

    role = cast(User.role, Ticket.title.type)
    lives = User.is_active, User.erased_at.is_(None)
    return union_all(
        number("created", "created_"),
        number("resolved", "resolved_"),
        number("overdue", "overdue_"),
        opened("priority", cast(type_coerce(Ticket.priority, Integer), BigInteger)),
        opened("category", numbers.top_category(), join=True),
        opened("building", Ticket.building_id),
        opened("assignee", Ticket.assignee_id),
        # all of them by the index, less the few that were merged: together they would be looked at one by one
        by_status("status"),
        by_status("merged", Ticket.merged_into_id.is_not(None)),
        select(literal("role"), role, key, func.count()).where(*lives).group_by(User.role),
        select(literal("active"), word, key, func.count()).where(
            *lives, User.last_seen_at >= bindparam("active_since")
        ),
    )


def summary(actor: Actor) -> dict[str, Any]:
    """How things stand. Two statements. Raises Forbidden."""
    policy.require(actor, Action.ANALYTICS_READ)
    scope, zone, asking = Scope(), campus(), Asking(actor)
    today = now().astimezone(zone).date()
    day = Period(today, today, zone)
    asking.add("open_", scope.open())
    asking.add("overdue_", {**scope.open(), "due": "overdue"})
    asking.add("created_", scope.created(day.start, day.end))
    asking.add("resolved_", scope.resolved(day.start, day.end))
    asking.parameters["active_since"] = asking.at - timedelta(days=ACTIVE_DAYS)
    rows: dict[str, dict[Any, int]] = {}
    for kind, word, key, number in fetch(_standing(asking.key), asking.parameters):
        rows.setdefault(kind, {})[word if word is not None else key] = number
    known = vocabulary(rows.get("assignee", ()))

    def named_counts(kind: str) -> list[dict[str, Any]]:
        found = rows.get(kind, {})
        order = sorted(_by_name(found, known, kind), key=lambda key: -found[key])
        return [{**_called(known.of(kind, key)), "count": found[key]} for key in order]

    statuses, merged = rows.get("status", {}), rows.get("merged", {})
    priorities = rows.get("priority", {})
    return {
        "by_status": {one.value: statuses.get(one.value, 0) - merged.get(one.value, 0) for one in Status},
        "by_priority": {one.value: priorities.get(n, 0) for n, one in enumerate(Priority)},
        "by_category": named_counts("category"),
        "by_building": named_counts("building"),
        "by_assignee": named_counts("assignee"),
        "unassigned": rows.get("assignee", {}).get(None, 0),
        "overdue": rows["overdue"][None],
        "created_today": rows["created"][None],
        "resolved_today": rows["resolved"][None],
        "users_by_role": {role.value: rows.get("role", {}).get(role.value, 0) for role in Role},
        "active_users": rows["active"][None],
    }
