"""The tickets of a period for use elsewhere: read in portions, so that there may be any number of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased

from helpdesk import audit, moments, policy, tickets
from helpdesk.analytics import answers
from helpdesk.policy import Action, Actor
from helpdesk.spreadsheets import rows_as_csv
from models import Building, Category, Rows, Team, Ticket, User, db, fetch

PORTION = 1000
"""Read at once. Between portions no transaction stays open, however long somebody takes to receive them."""
_reporter, _assignee, _above = aliased(User), aliased(User), aliased(Category)
COLUMNS = (
    "id", "title", "status", "priority", "category", "category_parent", "building", "room", "team", "assignee",
    "reporter", "channel", "is_confidential", "affected_count", "comment_count", "created_at", "first_response_at",
    "first_response_due_at", "first_response_seconds", "resolved_at", "resolution_due_at", "resolution_seconds",
    "resolved_on_time", "closed_at", "reopened_count", "passed_on_count",
)  # fmt: skip


@lru_cache(maxsize=64)
def _rows(names: frozenset[str]) -> Rows:
    created = moments.seconds(Ticket.created_at)
    columns = select(
        Ticket.id, Ticket.title, Ticket.status, Ticket.priority, Category.name.label("category"),
        _above.name.label("category_parent"), Building.name.label("building"), Ticket.room, Team.name.label("team"),
        _assignee.name.label("assignee"), _reporter.name.label("reporter"), Ticket.channel, Ticket.is_confidential,
        Ticket.affected_count, Ticket.comment_count, Ticket.created_at, Ticket.first_response_at,
        policy.or_null(Ticket.first_response_due_at).label("first_response_due_at"),
        (moments.seconds(Ticket.first_response_at) - created).label("first_response_seconds"), Ticket.resolved_at,
        policy.or_null(Ticket.resolution_due_at).label("resolution_due_at"),
        (moments.seconds(Ticket.resolved_at) - created).label("resolution_seconds"),
        (Ticket.resolved_at <= Ticket.resolution_due_at).label("resolved_on_time"), Ticket.closed_at,
        Ticket.reopened_count, Ticket.handoff_count.label("passed_on_count"),
    )  # fmt: skip
    found = (
        columns.join(Category, Category.id == Ticket.category_id)
        .outerjoin(_above, _above.id == Category.parent_id)
        .outerjoin(Building, Building.id == Ticket.building_id)
        .outerjoin(Team, Team.id == Ticket.team_id)
        .outerjoin(_assignee, _assignee.id == Ticket.assignee_id)
        .join(_reporter, _reporter.id == Ticket.reporter_id)
    )
    # in the order of the index that finds them
    after = (Ticket.created_at > bindparam("here_at")) | (
        (Ticket.created_at == bindparam("here_at")) & (Ticket.id > bindparam("here_id"))
    )
    return tickets.matching(found, names).where(after).order_by(Ticket.created_at, Ticket.id).limit(PORTION)


def _portions(actor: Actor, filters: Mapping[str, Any]) -> Iterator[list[Any]]:
    values = tickets.parameters(actor, filters)
    statement = _rows(frozenset(values))
    here: tuple[datetime, int] = (datetime(1970, 1, 1, tzinfo=UTC), 0)
    while True:
        rows = list(fetch(statement, {**values, "here_at": here[0], "here_id": here[1]}))
        db.session.rollback()
        if rows:
            yield rows
        if len(rows) < PORTION:
            return
        # from where the last one stood, so that what is read again later is not read twice
        here = (rows[-1].created_at, rows[-1].id)


def begin(actor: Actor, query: Mapping[str, Any]) -> dict[str, Any]:
    """Check that somebody may have it, and put on record that they did. Says its tickets' filters. Raises Forbidden."""
    policy.require(actor, Action.ANALYTICS_READ)
    period, scope = answers.asked(query)
    audit.record(
        "report.exported", actor=actor, format=query["format"], first=period.first.isoformat(),
        last=period.last.isoformat(), tz=period.zone.key, filters=dict(scope.filters),
    )  # fmt: skip
    return scope.created(period.start, period.end)


def figures(actor: Actor, query: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the JSON before the tickets. Raises Forbidden, Invalid."""
    days = (query["to"] - query["from"]).days if "from" in query else 0
    each = "day" if days < answers.MOST_INTERVALS else "week"
    return {
        "summary": answers.summary(actor),
        "trends": answers.trends(actor, {**query, "interval": each}),
        "response_times": {
            group: answers.response_times(actor, {**query, "group_by": group})
            for group in ("category", "assignee", "team", "priority", "building")
        },
        "heatmap": answers.heatmap(actor, query),
        "sla": answers.sla(actor, query),
        "rates": answers.rates(actor, query),
    }


def dicts(actor: Actor, filters: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Its tickets in portions."""
    for rows in _portions(actor, filters):
        yield [dict(zip(COLUMNS, row, strict=True)) for row in rows]


# --- CSV --------------------------------------------------------------------------------------------------------------


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def csv_pieces(actor: Actor, filters: Mapping[str, Any]) -> Iterator[bytes]:
    """Its tickets as CSV, in portions."""
    rows = ([_cell(value) for value in row] for rows in _portions(actor, filters) for row in rows)
    return rows_as_csv(COLUMNS, rows)
