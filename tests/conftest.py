"""One application a test process, on its own database; every test starts with the vocabulary of setup_db.py and nothing else.

TEST_DATABASE_URL chooses PostgreSQL; without it the suite runs on SQLite. What needs no database runs there alone, see
pytest_collection_modifyitems. Nothing can reach the network: sockets connect to this machine only.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import event, insert, literal_column, select

import blueprints.comments
import blueprints.images
import blueprints.tickets
import setup_db
from app import create_app
from demo import load
from helpdesk import limits, mailservers
from helpdesk.limits import Limit
from models import WRITE, Calendar, Category, Schedule, SlaPolicy, Team, db
from tests.factories import Person
from tests.servers import DOVECOT, Box, Certificates, Dovecot, MailServer, Serving, free_port

BASE_URL = "http://helpdesk.test"
SECRET_KEY = "tests-only-9f2c4e8a1b7d3f6c5e0a9b8d7c6f5e4d"
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "once(why): on SQLite alone, though it has a database: the engine cannot matter")
    os.environ.pop("DATABASE_URL", None)
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise OSError(f"a test wants to reach {address}")
        connect(self, address)

    socket.socket.connect = only_here  # type: ignore[method-assign]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out what would only be told again: tests without a database, and those marked `once`.

    Nobody can forget to say that they have one: the fixture `postgresql` is the only way to its address.
    """
    if not os.environ.get("TEST_DATABASE_URL"):
        return
    again, told = [], []
    for item in items:
        needs_it = "postgresql" in item.fixturenames and not item.get_closest_marker("once")  # type: ignore[attr-defined]
        (again if needs_it else told).append(item)
    config.hook.pytest_deselected(items=told)
    items[:] = again


@pytest.fixture(scope="session")
def postgresql() -> str | None:
    """The address of the PostgreSQL that this run is on; None on SQLite."""
    return os.environ.get("TEST_DATABASE_URL")


def _postgresql(url: str) -> str:
    """A database of this process's own beside the one that is named."""
    server, _, name = re.sub(r"^postgres(ql)?(\+\w+)?:", "postgresql:", url).rpartition("/")
    mine = f"{name}_{WORKER}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{mine}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{mine}"')
        # only the tests' machine loses power here
        connection.execute(f'ALTER DATABASE "{mine}" SET synchronous_commit = off')
    return f"{server}/{mine}"


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Files of this process: in memory where there is such a place, for a commit waits for its disk."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="helpdesk-", dir=memory if memory.is_dir() else None))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def database_url(folder: Path, postgresql: str | None) -> str:
    return _postgresql(postgresql) if postgresql else f"sqlite:///{folder / 'helpdesk.db'}"


@pytest.fixture(scope="session")
def application(folder: Path, database_url: str) -> Iterator[Flask]:
    app = create_app(
        ENVIRONMENT="testing",
        DATABASE_URL=database_url,
        SECRET_KEY=SECRET_KEY,
        PUBLIC_BASE_URL=BASE_URL,
        BCRYPT_ROUNDS="4",
        LOG_LEVEL="ERROR",
        REDIS_URL="",
        SMTP_URL="",
        instance_path=folder / "instance",
    )
    setup_db.main([], app=app)
    # tests create by the hundred; the one on this limit asks for it
    limits.GUEST_PEER = Limit("guest-peer", burst=10**6, every=0.001)
    blueprints.tickets.CREATE = blueprints.comments.CREATE = Limit("create", burst=10**6, every=0.001)
    blueprints.images.UPLOAD = Limit("upload", burst=10**6, every=0.001)
    with app.app_context():
        app.extensions["clean"] = _cleaning()
        db.session.remove()
    yield app
    with app.app_context():
        db.engine.dispose()
    if not database_url.startswith("sqlite"):
        server, _, name = database_url.rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def app(application: Flask) -> Iterator[Flask]:
    """The application, inside its context, with everything that a test left taken away afterwards."""
    with application.app_context():
        yield application
        db.session.remove()
        _clean(application)


def _cleaning() -> list[str]:
    """What brings the database back to how it is now: SQL that is made once, for every test ends with it."""
    with db.engine.connect() as connection:
        before, after = load.opening_the_record(connection)
    deleted = [f"DELETE FROM {table.name}" for table in reversed(db.metadata.sorted_tables)]
    inserted = []
    for model in (Team, Category, Calendar, SlaPolicy, Schedule):
        rows = [
            {name: _in_sql(value) for name, value in row._mapping.items()}
            for row in db.session.execute(select(*model.__table__.columns))
        ]
        if rows:
            # parents before children
            again = insert(model).values(sorted(rows, key=lambda row: row.get("parent_id") is not None))
            inserted.append(str(again.compile(db.engine, compile_kwargs={"literal_binds": True})))
    emptied = ["DELETE FROM ticket_words", "UPDATE categories SET parent_id = NULL", *before, *deleted, *after]
    return [*emptied, *inserted]


def _in_sql(value: Any) -> Any:
    """What SQLAlchemy writes no literal of: JSON."""
    return literal_column("'" + json.dumps(value) + "'") if isinstance(value, list | dict) else value


def _clean(app: Flask) -> None:
    statements = app.extensions["clean"]
    # a browser that was closed may still be saying goodbye: SQLite waits for that only where it writes from the start
    with db.engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("; ".join(statements))  # one round trip
        else:
            cursor = connection.connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            cursor.close()
    shutil.rmtree(Path(app.instance_path) / "mailbox", ignore_errors=True)
    app.config["REDIS_URL"] = ""


@pytest.fixture
def anonymous(app: Flask) -> Person:
    return Person(app)


@pytest.fixture
def customer(app: Flask) -> Person:
    return Person.made(app, "customer", name="Jonas Weber")


@pytest.fixture
def other(app: Flask) -> Person:
    return Person.made(app, "customer", name="Helen Marsh")


@pytest.fixture
def agent(app: Flask) -> Person:
    return Person.made(app, "agent", name="Priya Nair")


@pytest.fixture
def admin(app: Flask) -> Person:
    return Person.made(app, "admin", name="Ada Byron")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    if not DOVECOT and not os.environ.get("CI"):
        pytest.skip("no Dovecot here: apt install dovecot-imapd")
    server = Dovecot(certificates)
    yield server
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def box(dovecot: Dovecot) -> Box:
    """A mailbox that nobody used before."""
    return Box(dovecot, f"box{next(_boxes)}")


_boxes = itertools.count()


@pytest.fixture
def serves(app: Flask) -> Iterator[Serving]:
    """A mail server, as the tests want it, and its port."""
    running: list[Controller] = []

    def serve(**options: Any) -> tuple[MailServer, int]:
        handler = options.pop("handler", None) or MailServer()
        if options.pop("asks_for_password", False):
            options.update(authenticator=handler.authenticate)
        for attempt in range(5):
            try:
                controller = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
                controller.start()
                break
            except OSError:  # somebody took the port before
                if attempt == 4:
                    raise
        running.append(controller)
        app.config["SMTP_URL"] = f"smtp://127.0.0.1:{controller.port}"
        return handler, controller.port

    yield serve
    app.config["SMTP_URL"] = ""
    mailservers.let_go()
    for controller in running:
        controller.stop()


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that was executed inside, without the opening and closing of transactions."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
