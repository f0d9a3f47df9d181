"""The schema: migrations and models agree, on both engines, and what every table and connection must have."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, func, inspect, select, text

import setup_db
from app import create_app, with_migrations
from helpdesk.settings import ROOT
from helpdesk.sla import TARGETS
from models import SQLITE_AT_LEAST, Calendar, Event, SlaPolicy, Ticket, begin_write, db, sqlite_driver
from tests.conftest import SECRET_KEY, WORKER
from tests.factories import Person, a_report, work


@pytest.fixture
def scratch(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    """An application on an empty database of its own, of the engine that is tested."""
    with ExitStack() as after:
        url = f"sqlite:///{tmp_path / 'scratch.db'}"
        if not database_url.startswith("sqlite"):
            server, _, _ = database_url.rpartition("/")
            name = f"hd_migrations_{WORKER}"
            connection = after.enter_context(psycopg.connect(f"{server}/postgres", autocommit=True))
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
            after.callback(connection.execute, f'DROP DATABASE "{name}" WITH (FORCE)')
            url = f"{server}/{name}"
        app = create_app(
            ENVIRONMENT="testing", DATABASE_URL=url, SECRET_KEY=SECRET_KEY, LOG_LEVEL="ERROR", instance_path=tmp_path
        )
        with_migrations(app)
        after.enter_context(app.app_context())
        after.callback(db.engine.dispose)
        after.callback(db.session.remove)
        yield app


# --- what a database is made of ---------------------------------------------------------------------------------------


def _checks(connection: Connection, table: str) -> set[tuple[str, str]]:
    """Name and text: of PostgreSQL as it writes it back."""
    if connection.dialect.name == "postgresql":
        found = connection.execute(
            text(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conrelid = (:t)::regclass"
            ),
            {"t": table},
        )
        return {(name, definition) for name, definition in found}
    checks = inspect(connection).get_check_constraints(table)
    return {(str(check["name"]), re.sub(r"\s+", " ", check["sqltext"])) for check in checks}


def _columns(connection: Connection, table: str) -> dict[str, tuple[str, bool, str | None, bool]]:
    return {
        column["name"]: (str(column["type"]), column["nullable"], column["default"], bool(column.get("autoincrement")))
        for column in inspect(connection).get_columns(table)
    }


SEARCH_INDEX = "ticket_words"
"""The engine's own, with tables behind it; no model says it."""


def has_search_index(connection: Connection) -> bool:
    return SEARCH_INDEX in inspect(connection).get_table_names()


def made_of(connection: Connection) -> dict[str, dict[str, Any]]:
    """Every table: columns, keys, constraints and indexes, whatever order they were made in."""
    looks = inspect(connection)
    found: dict[str, dict[str, Any]] = {}
    for table in looks.get_table_names():
        if table == "alembic_version" or table.startswith(SEARCH_INDEX):
            continue
        found[table] = {
            "columns": _columns(connection, table),
            "primary key": looks.get_pk_constraint(table),
            "foreign keys": {
                key["name"]: (
                    key["constrained_columns"],
                    key["referred_table"],
                    key["referred_columns"],
                    key["options"],
                )
                for key in looks.get_foreign_keys(table)
            },
            "unique": {unique["name"]: unique["column_names"] for unique in looks.get_unique_constraints(table)},
            "checks": _checks(connection, table),
            "indexes": {
                index["name"]: (index["column_names"], index["unique"], _where(index))
                for index in looks.get_indexes(table)
            },
            "never reused": _never_reused(connection, table),
        }
    return found


def _where(index: Any) -> str:
    """Of a partial index."""
    return " ".join(str(value) for name, value in index.get("dialect_options", {}).items() if name.endswith("_where"))


def _never_reused(connection: Connection, table: str) -> bool:
    """Whether an id comes from a counter that only grows."""
    if connection.dialect.name == "sqlite":
        made = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table})
        return "AUTOINCREMENT" in str(made)
    owned = text("SELECT count(*) FROM pg_sequences WHERE sequencename = :name")
    return connection.scalar(owned, {"name": f"{table}_id_seq"}) == 1


def test_there_is_one_head() -> None:
    script = ScriptDirectory(str(ROOT / "migrations"))
    assert len(script.get_heads()) == len(script.get_bases()) == 1


def test_up_down_and_up_again_leaves_the_same_schema(scratch: Flask) -> None:
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        first = made_of(connection)
        assert first.keys() == db.metadata.tables.keys()
        assert has_search_index(connection)
    flask_migrate.downgrade(revision="base")
    with db.engine.connect() as connection:
        assert made_of(connection) == {}
        assert not has_search_index(connection)
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        assert made_of(connection) == first


def test_the_setup_indexes_what_is_older_than_the_search(scratch: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    """The index came with the second migration: tickets of the first are found by it, and only these are indexed."""
    assert setup_db.main([], app=scratch) == 0
    agent, customer = Person.made(scratch, "agent"), Person.made(scratch, "customer")
    numbers = [customer.reports(title=title) for title in ("Lamp hums", "🙂🙂🙂", "Lamp smells")]
    customer.writes(numbers[0], "It smells of tar.")
    db.session.remove()
    flask_migrate.downgrade(revision="0001")
    capsys.readouterr()
    assert setup_db.main([], app=scratch) == 0
    assert "3 tickets" in capsys.readouterr().out
    for person in (agent, customer):
        for q, expected in {
            "lamp": [numbers[2], numbers[0]],
            "hums tar": [numbers[0]],
            '"smells of"': [numbers[0]],
        }.items():
            assert [one["id"] for one in person.get("/api/tickets", query_string={"q": q}).json["items"]] == expected, q
    db.session.remove()
    assert setup_db.main([], app=scratch) == 0
    assert capsys.readouterr().out == ""


def test_an_upgrade_brings_the_targets_that_held_as_policies_and_tells_nobody(scratch: Flask) -> None:
    assert setup_db.main([], app=scratch) == 0
    agent, customer = Person.made(scratch, "agent"), Person.made(scratch, "customer")
    fresh, late, soon, answered, waiting = (customer.reports() for _ in range(5))
    for number in (late, soon, answered, waiting):
        agent.sets(number, assignee_id=agent.id)
    agent.sets(fresh, priority="urgent")
    db.session.remove()
    ago = timedelta(days=2)
    for number, moved in ((late, ago), (soon, timedelta(hours=23, minutes=30)), (answered, ago), (waiting, ago)):
        begin_write()
        ticket = db.session.get_one(Ticket, number)
        for name in ("created_at", "first_response_due_at", "resolution_due_at", "due_at"):
            setattr(ticket, name, getattr(ticket, name) - moved)
        db.session.commit()
    agent.writes(answered, "Sorry.", audience="reporter")
    agent.sets(waiting, status="waiting")
    begin_write()
    ticket = db.session.get_one(Ticket, waiting)
    ticket.paused_since = ticket.created_at
    db.session.commit()
    db.session.remove()
    flask_migrate.downgrade(revision="0007")
    db.engine.dispose()
    assert setup_db.main([], app=scratch) == 0
    db.session.remove()
    policies = list(db.session.scalars(select(SlaPolicy).order_by(SlaPolicy.position)))
    assert [(one.name, one.priorities, one.response_seconds) for one in policies] == [
        ("Urgent", ["urgent"], 3600), ("High", ["high"], 14_400), ("Normal", ["normal"], 86_400),
        ("Low", ["low"], 259_200),
    ]  # fmt: skip
    assert db.session.scalars(select(Calendar.name)).all() == ["Office hours"]
    found = {ticket.id: ticket for ticket in db.session.scalars(select(Ticket))}
    names = {one.id: one.name for one in policies}
    assert [names[found[number].sla_policy_id or 0] for number in (fresh, late)] == ["Urgent", "Normal"]
    for ticket in found.values():
        response, resolution = (min(target / 4, timedelta(hours=1)) for target in TARGETS[ticket.priority])
        for due_at, soon_at, less in (
            (ticket.first_response_due_at, ticket.first_response_soon_at, response),
            (ticket.resolution_due_at, ticket.resolution_soon_at, resolution),
        ):
            assert soon_at is not None
            assert abs(due_at - less - soon_at) < timedelta(seconds=0.01)  # SQLite's arithmetic knows thousandths
    marked = {
        number: (one.response_breached_at is not None, one.warned_for is not None) for number, one in found.items()
    }
    assert marked == {
        fresh: (False, False), late: (True, False), soon: (False, True), answered: (True, False),
        waiting: (False, False),
    }  # fmt: skip
    work()
    db.session.remove()
    assert db.session.scalar(select(func.count()).where(Event.field.in_(["due_soon", "overdue"]))) == 0


COMPARED = {
    "compare_type": True,
    "compare_server_default": True,
    "include_name": lambda name, kind, _: not (kind == "table" and str(name).startswith(SEARCH_INDEX)),
}


def test_migrations_make_what_the_models_say(scratch: Flask) -> None:
    """Alembic finds nothing to do; and what it does not compare (checks, names, actions) is the same too."""
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, db.metadata) == []
        migrated = made_of(connection)
    flask_migrate.downgrade(revision="base")
    db.create_all()
    with db.engine.connect() as connection:
        modelled = made_of(connection)
    for table in db.metadata.tables:
        assert migrated[table] == modelled[table], table


def test_every_constraint_and_index_has_a_name_that_both_engines_take(app: Flask) -> None:
    with db.engine.connect() as connection:
        for table, parts in made_of(connection).items():
            names = [
                *parts["foreign keys"],
                *parts["unique"],
                *parts["indexes"],
                *(name for name, _ in parts["checks"]),
            ]
            if connection.dialect.name == "postgresql" or not parts["never reused"]:
                names.append(
                    parts["primary key"]["name"]
                )  # SQLite writes AUTOINCREMENT into the column, without a name
            for name in names:
                assert name, table
                assert len(name) <= 63, name  # PostgreSQL cuts longer ones off
                # CHECKs of enums and the unnamed ones of a driver would not begin so
                assert re.match(rf"(pk|fk|uq|ck|ix)_{table}(_|$)", name), name


def test_every_foreign_key_says_what_happens_when_its_target_goes(app: Flask) -> None:
    with db.engine.connect() as connection:
        keys = [key for parts in made_of(connection).values() for key in parts["foreign keys"].items()]
    assert len(keys) > 30
    for name, (_, _, _, options) in keys:
        assert options.get("ondelete") in {"CASCADE", "SET NULL", "RESTRICT"}, name


def test_a_foreign_key_can_be_looked_up_backwards(app: Flask) -> None:
    """Deleting a ticket, or asking whether a category is in use, walks an index and not the table."""
    with db.engine.connect() as connection:
        tables = made_of(connection)
    slow = set()
    for table, parts in tables.items():
        leading = {tuple(columns)[:1] for columns, _, _ in parts["indexes"].values()}
        leading |= {tuple(columns)[:1] for columns in parts["unique"].values()}
        leading.add(tuple(parts["primary key"]["constrained_columns"])[:1])
        for columns, referred, _, options in parts["foreign keys"].values():
            # people are erased in place and never deleted, so nothing looks for what refers to them but what is theirs
            if tuple(columns) not in leading and not (referred == "users" and options["ondelete"] == "RESTRICT"):
                slow.add(f"{table}.{columns[0]}")
    assert slow == UNINDEXED


UNINDEXED = {
    "categories.team_id", "report_subscriptions.team_id", "sla_policies.calendar_id", "search_documents.reader_id",
}  # fmt: skip
"""Small tables; and people, who are never deleted."""


def test_every_id_comes_from_a_counter_that_only_grows(app: Flask) -> None:
    with db.engine.connect() as connection:
        tables = made_of(connection)
    with_ids = {table for table, parts in tables.items() if "id" in parts["columns"]}
    assert {table for table, parts in tables.items() if "id" in parts["columns"] and parts["never reused"]} == with_ids
    assert tables.keys() - with_ids == {
        "memberships", "followers", "ticket_tags", "image_blobs", "inbound_blobs", "schedules", "rate_limits", "drafts",
        "presences", "ticket_reads", "workers",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/tickets", a_report()),
        ("/api/tasks", {"title": "Order a valve"}),
        ("/api/tags", {"name": "valve"}),
        ("/api/buildings", {"slug": "hall", "name": "Hall"}),
        ("/api/categories", {"slug": "misc", "name": "Misc"}),
        ("/api/teams", {"slug": "crew", "name": "Crew"}),
        ("/api/tickets/{ticket}/comments", {"text": "Hello."}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_id_is_never_used_twice(admin: Person, path: str, body: dict[str, Any]) -> None:
    path = path.format(ticket=admin.reports() if "{ticket}" in path else 0)
    seen: list[int] = []
    for _ in range(3):
        made = admin.post(path, body)
        assert made.status_code == 201
        seen.append(made.json["id"])
        assert admin.delete(made.headers["Location"]).status_code == 204
        assert admin.get(made.headers["Location"]).status_code == 404
    assert seen == sorted(set(seen))


# --- connections ------------------------------------------------------------------------------------------------------

SETTINGS = {
    "sqlite": {
        "PRAGMA journal_mode": "wal",
        "PRAGMA synchronous": 2,  # FULL: a commit survives a power cut
        "PRAGMA foreign_keys": 1,
        "PRAGMA busy_timeout": 10000,
    },
    "postgresql": {
        "SHOW statement_timeout": "15s",
        "SHOW lock_timeout": "10s",
        "SHOW idle_in_transaction_session_timeout": "30s",
        "SHOW server_encoding": "UTF8",
    },
}


def test_every_connection_of_the_pool_has_its_settings(app: Flask) -> None:
    db.session.remove()
    with ExitStack() as open_at_once:
        connections = [open_at_once.enter_context(db.engine.connect()) for _ in range(8)]
        assert len({id(connection.connection.dbapi_connection) for connection in connections}) == 8
        for connection, (ask, expected) in itertools.product(connections, SETTINGS[db.engine.dialect.name].items()):
            assert connection.exec_driver_sql(ask).scalar() == expected, ask


def test_the_settings_outlive_a_connection_that_was_lost(app: Flask) -> None:
    db.session.remove()
    with db.engine.connect() as connection:
        connection.invalidate()
    with db.engine.connect() as connection:
        for ask, expected in SETTINGS[db.engine.dialect.name].items():
            assert connection.exec_driver_sql(ask).scalar() == expected, ask


def test_a_commit_is_only_answered_when_it_is_on_the_disk(scratch: Flask) -> None:
    """Nothing of ours loosens it: the databases of the other tests are the only ones where it is off."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
            assert connection.exec_driver_sql("SHOW fsync").scalar() in {"on", "off"}  # the server's owner decides
        else:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_the_pinned_sqlite_is_one_that_bears_several_processes() -> None:
    assert sqlite_driver().sqlite_version_info >= SQLITE_AT_LEAST == (3, 51, 3)
