"""How the databases find the figures of a month: by indexes over its days, whatever came before it."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, update

from models import Status, Ticket, begin_write, db, now
from tests.conftest import _clean
from tests.test_plans import Campus, _analyze, _scans

TABLES = ("tickets", "events", "comments")


def _made(app: Flask) -> Campus:
    """A campus where nearly all is closed, as it is after some years: what is open are those of the last month."""
    campus = Campus(app)
    begin_write()
    ended = {"status": Status.CLOSED, "resolved_at": Ticket.updated_at}
    db.session.execute(update(Ticket).where(Ticket.created_at < now() - timedelta(days=150)).values(**ended))
    db.session.commit()
    return campus


@pytest.fixture(scope="module")
def campus(application: Flask) -> Iterator[Campus]:
    def within(function: Any) -> Any:
        with application.app_context():
            try:
                return function()
            finally:
                db.session.remove()

    made: Campus = contextvars.Context().run(within, lambda: _made(application))
    contextvars.Context().run(within, _analyze)
    yield made
    contextvars.Context().run(within, lambda: _clean(application))
    contextvars.Context().run(within, _analyze)


@pytest.fixture(autouse=True)
def _within(campus: Campus) -> Iterator[None]:
    with campus.app.app_context():
        yield
        db.session.remove()


def plans(campus: Campus, path: str, table: str = "tickets") -> list[str]:
    """What the database says it does for each statement of an answer that reads this table."""
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        response = campus.agent.get(path)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert response.status_code == 200, response.get_data(as_text=True)
    found = []
    for statement, parameters in asked:
        if f"FROM {table}" in statement:
            explain = "EXPLAIN QUERY PLAN " if campus.sqlite else "EXPLAIN "
            with db.engine.connect() as connection:
                if not campus.sqlite:  # as if there were so many that it would not rather read all
                    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                rows = connection.exec_driver_sql(explain + statement, parameters).all()
            found.append("\n".join(str(row[-1]) for row in rows))
    assert found, path
    return found


def month() -> str:
    last = now().date() - timedelta(days=300)
    return f"from={last - timedelta(days=30)}&to={last}"


@pytest.mark.parametrize("more", ["", "&team=it", "&category=it", "&building=nowhere"])
@pytest.mark.parametrize(
    "path",
    ["/staff/analytics?", "/api/analytics/trends?", "/api/analytics/heatmap?", "/api/analytics/sla?",
     "/api/analytics/response-times?group_by=category&", "/api/analytics/response-times?group_by=assignee&"],
)  # fmt: skip
def test_figures_of_a_month_read_that_month(campus: Campus, path: str, more: str) -> None:
    for plan in plans(campus, f"{path}{month()}{more}"):
        assert not _scans(plan, *TABLES), plan


def test_what_came_and_went_is_found_by_its_time(campus: Campus) -> None:
    [by_hour] = [plan for plan in plans(campus, f"/api/analytics/trends?{month()}", "tickets") if "events" in plan]
    for index in ("created_at_id", "ix_tickets_resolved_at_id", "ix_events_reopened"):
        assert index in by_hour, by_hour


def test_what_is_open_is_found_by_its_status(campus: Campus) -> None:
    tallied = max(plans(campus, f"/staff/analytics?{month()}"), key=len)
    assert "ix_tickets_status_" in tallied, tallied


def test_an_export_walks_its_days_in_their_order(campus: Campus) -> None:
    portion = plans(campus, f"/api/analytics/report?format=csv&{month()}")[0]
    assert "ix_tickets_created_at_id" in portion, portion
    assert "USE TEMP B-TREE FOR ORDER BY" not in portion, portion
    assert not _scans(portion, *TABLES), portion


@pytest.mark.parametrize(
    "query",
    ["resolved_after=2026-01-01T00:00Z&resolved_before=2026-02-01T00:00Z", "sla=missed&status=closed",
     "hour=33&created_after=2026-01-01T00:00Z&created_before=2026-02-01T00:00Z", "replied=false&merged=false",
     "reopened=true&passed_on=true&without_team=true"],
)  # fmt: skip
def test_the_lists_behind_figures_walk_an_index(campus: Campus, query: str) -> None:
    for plan in plans(campus, f"/api/tickets?{query}"):
        assert not _scans(plan, "tickets"), plan


def test_how_things_stand_is_counted_in_indexes(campus: Campus) -> None:
    for plan in plans(campus, "/api/analytics/summary"):
        assert not _scans(plan, "tickets"), plan
