"""What a month of figures costs beside ten times as much past: the same month in a campus of 100,000 and of 1,000,000.

    PYTHONPATH=. .venv/bin/python benchmarks/analytics.py [FOLDER]

Both are SQLite files, filled by SQL: scratch, or kept in a folder to be measured again. Everything older than the month
and the one that it is compared with is closed, as it would be. What is printed is the processor's time: what else the
machine does says nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select, text

import setup_db
from app import create_app
from demo import load
from helpdesk import analytics
from helpdesk.analytics.overview import overview
from helpdesk.analytics.period import Period
from helpdesk.analytics.scope import Scope
from helpdesk.policy import Actor
from models import Role, User, begin_write, clock, db

SIZES = (100_000, 1_000_000)
A_MONTH = 5_000
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
START = NOW - timedelta(days=30)
BEFORE = START - timedelta(days=31)
"""From here on both are the same: a month is compared with the one before."""
PAST_DAYS = 1_500
TIMES = 15
FAR = "9999-01-01 00:00:00.000000"
_COLUMNS = (
    "version, activity_seq, title, description, status, priority, category_id, building_id, is_confidential, held,"
    " reporter_id, assignee_id, team_id, channel, reopened_count, handoff_count, affected_count, comment_count,"
    " image_count, created_at, updated_at, reporter_updated_at, affected_updated_at, first_response_at,"
    " first_response_due_at, resolved_at, resolution_due_at, due_at, paused_seconds"
)


def _rows(number: int, start: str, each_seconds: float, open_share: int) -> str:
    """Tickets in even steps from a moment on; of `open_share` one is not ended, and none where that is 0."""
    at = f"strftime('%Y-%m-%d %H:%M:%f000', '{start}', '+' || (value * {each_seconds}) || ' seconds')"
    later = "strftime('%Y-%m-%d %H:%M:%f000', {}, '+' || ((value * 7919) % 90000 + 60) || ' seconds')"
    is_open = f"(value % {open_share} = 0)" if open_share else "0"
    return f"""
        INSERT INTO tickets ({_COLUMNS})
        SELECT 1, 1, 'Problem', 'It drips.', CASE WHEN {is_open} THEN 'open' ELSE 'closed' END, value % 4,
            value % (SELECT max(id) FROM categories) + 1, value % 40 + 1, 0, 0, 1, value % 60 + 1, value % 3 + 1, 'web',
            value % 11 = 0, value % 7 = 0, 1, 0, 0, at, at, at, at, {later.format("at")}, '{FAR}',
            CASE WHEN {is_open} THEN NULL ELSE {later.format("at")} END, datetime(at, '+1 day') || '.000000', '{FAR}', 0
        FROM (SELECT value, {at} AS at FROM generated WHERE value < {number})
    """  # noqa: S608  (numbers of ours)


def _filled(app: Flask, size: int) -> None:
    begin_write()
    run = db.session.execute
    people = (
        "INSERT INTO users (name, role, is_active, locale, theme, notifications, created_at, updated_at)"
        " SELECT 'Agent ' || value, 'agent', 1, 'en', 'system', '{}', '2020-01-01 00:00:00', '2020-01-01 00:00:00'"
        " FROM generated WHERE value < 60"
    )
    halls = (
        "INSERT INTO buildings (slug, name, is_archived, created_at)"
        " SELECT 'hall-' || value, 'Hall ' || value, 0, '2020-01-01 00:00:00' FROM generated WHERE value < 40"
    )
    late = A_MONTH * (NOW - BEFORE).days // 30
    past = size - late
    run(text("CREATE TEMPORARY TABLE generated (value INTEGER PRIMARY KEY)"))
    run(
        text(
            f"WITH RECURSIVE n(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < {past})"  # noqa: S608
            " INSERT INTO generated SELECT value FROM n"
        )
    )
    run(text(people))
    run(text(halls))
    begin = BEFORE - timedelta(days=PAST_DAYS)
    run(text(_rows(past, f"{begin:%Y-%m-%d %H:%M:%S}", PAST_DAYS * 86400 / past, 0)))
    run(text(_rows(late, f"{BEFORE:%Y-%m-%d %H:%M:%S}", 30 * 86400 / A_MONTH, 12)))
    # whoever opened a ticket again is in its history
    run(
        text(
            "INSERT INTO events (deed_id, seq, ticket_id, field, from_value, to_value, visibility, actor_kind,"
            " created_at)"
            " SELECT 'd', 0, id, 'status', 'resolved', 'open', 'affected', 'user', resolved_at FROM tickets"
            " WHERE reopened_count > 0 AND resolved_at IS NOT NULL"
        )
    )
    db.session.commit()
    load.end(db.engine)
    db.session.remove()
    db.engine.dispose()


def _cost(function: Callable[[], Any]) -> float:
    """Milliseconds of the processor, the median of several, after one that is not counted."""
    found = []
    for n in range(TIMES + 1):
        start = time.thread_time()
        function()
        db.session.remove()
        if n:
            found.append(1000 * (time.thread_time() - start))
    return statistics.median(found)


def _measured(path: Path, size: int) -> dict[str, float]:
    is_new = not (path / f"{size}.db").exists()
    app = create_app(
        ENVIRONMENT="testing", DATABASE_URL=f"sqlite:///{path / f'{size}.db'}", SECRET_KEY="b" * 40, LOG_LEVEL="ERROR",
        instance_path=path / str(size),
    )  # fmt: skip
    if is_new:
        setup_db.main([], app=app)
    with app.app_context(), clock(lambda: NOW):
        if is_new:
            start = time.perf_counter()
            _filled(app, size)
            print(f"{size:>9,} tickets in {time.perf_counter() - start:.0f} s", flush=True)
        actor = Actor(id=db.session.scalar(select(User.id)), role=Role.AGENT)
        query: dict[str, Any] = {"from": START.date(), "to": NOW.date()}
        period = Period(query["from"], query["to"], analytics.campus())
        found = overview(actor, period, Scope())
        assert found.created * found.resolved * found.tallies.open.number
        calls: dict[str, Callable[[], Any]] = {
            "the page's figures": lambda: overview(actor, period, Scope()),
            "the same of a team": lambda: overview(actor, period, Scope({"team": ["it"]})),
            "the same of a category": lambda: overview(actor, period, Scope({"category": ["it"]})),
            "trends": lambda: analytics.trends(actor, {**query, "interval": "day"}),
            "response times": lambda: analytics.response_times(actor, {**query, "group_by": "assignee"}),
            "heat map": lambda: analytics.heatmap(actor, query),
            "summary": lambda: analytics.summary(actor),
        }
        costs = {name: _cost(call) for name, call in calls.items()}
        db.engine.dispose()
    return costs


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = sys.argv[1] if len(sys.argv) > 1 else scratch
        small, large = (_measured(Path(folder), size) for size in SIZES)
    for name, cost in small.items():
        print(f"{name:<24}{cost:8.1f} ms{large[name]:8.1f} ms   ratio {large[name] / cost:.2f}")


if __name__ == "__main__":
    main()
