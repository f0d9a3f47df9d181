"""Rows into either database by the thousand: what `rows.py` computed, past the ORM."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Connection, Engine, text

from demo.rows import COLUMNS, NUMBERED, Row
from models import Base, UTCDateTime

CACHE_KB = 128_000
"""SQLite's pages in memory meanwhile: the indexes are written all over, with 2 MB most of it is reading."""


def begin(connection: Connection) -> dict[type[Base], int]:
    """Keep everybody else from writing until the commit, and say the next id of each table."""
    if connection.dialect.name == "sqlite":  # there the transaction does, see begin_write()
        connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KB}")
        found = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")
        last: dict[str, int] = {row.name: row.seq for row in found}
        return {model: last.get(model.__tablename__, 0) + 1 for model in NUMBERED}
    names = ", ".join(model.__tablename__ for model in COLUMNS)
    connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
    return {
        model: connection.exec_driver_sql(
            f"SELECT last_value + is_called::int FROM {model.__tablename__}_id_seq"  # noqa: S608
        ).scalar_one()
        for model in NUMBERED
    }


def take_time(connection: Connection) -> None:
    """In this transaction, on PostgreSQL, what a request may not: to think for long between statements, and in one."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def opening_the_record(connection: Connection) -> tuple[list[str], list[str]]:
    """SQL that lets audit events be deleted, and SQL that makes the database refuse it again.

    For test data alone, in one transaction with its deletion: of a desk that works, what is on record stays.
    """
    if connection.dialect.name == "postgresql":
        switch = "ALTER TABLE audit_events {} TRIGGER USER"
        return [switch.format("DISABLE")], [switch.format("ENABLE")]
    kept = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_events'"
    ).all()
    return [f"DROP TRIGGER {name}" for name, _ in kept], [sql for _, sql in kept]


@contextmanager
def open_record(connection: Connection) -> Iterator[None]:
    """Within, audit events can be deleted."""
    before, after = opening_the_record(connection)
    for statement in before:
        connection.exec_driver_sql(statement)
    yield
    for statement in after:
        connection.exec_driver_sql(statement)


def insert(
    connection: Connection,
    rows: dict[type[Base], list[Row]],
    words: list[tuple[int, str]],
    next_ids: dict[type[Base], int],
) -> None:
    """Write what was computed from the ids that `begin` said."""
    put = _execute if connection.dialect.name == "sqlite" else _copy
    for model, names in COLUMNS.items():
        if rows[model]:
            put(connection, model.__tablename__, names, list(_bound(connection, model, rows[model])))
    if connection.dialect.name == "sqlite":
        _execute(connection, "ticket_words", ("rowid", "words"), words)
        return
    # as text, a tsvector without places is its words
    _copy(connection, "ticket_words", ("ticket_id", "words"), words)
    for model, number in next_ids.items():
        connection.execute(
            text("SELECT setval(:sequence, :number, false)"),
            {"sequence": f"{model.__tablename__}_id_seq", "number": number},
        )


def end(engine: Engine) -> None:
    """Let the planner look at what is there now, and tidy up."""
    if engine.dialect.name == "sqlite":
        with engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.exec_driver_sql("PRAGMA cache_size=-2000")
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.invalidate()  # and with it, that a statement may take as long as it likes


def _execute(connection: Connection, table: str, names: Sequence[str], rows: Sequence[Row]) -> None:
    marks = ", ".join("?" * len(names))
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608  (names of our own)
    connection.exec_driver_sql(statement, list(rows))


def _copy(connection: Connection, table: str, names: Sequence[str], rows: Sequence[Row]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _bound(connection: Connection, model: type[Base], rows: list[Row]) -> Iterator[Row]:
    """The rows as the driver wants them, by the columns' own types."""
    known = _processors(connection, model)
    for row in rows:
        values = list(row)
        for position, process in known:
            values[position] = process(values[position])
        yield tuple(values)


def _moment(at: datetime | None) -> str | None:
    """As SQLAlchemy writes a moment in UTC for SQLite, at a fifth of the time: they are a third of all values."""
    return None if at is None else at.isoformat(" ", "microseconds")[:26]


def _processors(connection: Connection, model: type[Base]) -> list[tuple[int, Callable[[Any], Any]]]:
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for position, name in enumerate(COLUMNS[model]):
        type_ = model.__table__.columns[name].type
        if isinstance(type_, UTCDateTime) and connection.dialect.name == "sqlite":
            found.append((position, _moment))
            continue
        process = type_.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        if process is not None:
            # the same few values, and the same moment in many columns
            found.append((position, process if isinstance(type_, JSON) else lru_cache(100_000)(process)))
    return found
