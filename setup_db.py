"""Bring a database to the newest migration and give it what every desk starts with. Safe to run twice."""

from __future__ import annotations

import argparse
import fcntl
import logging
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from marshmallow import ValidationError
from sqlalchemy import select, text

from app import create_app, with_migrations
from helpdesk import audit, auth, search, sla, users
from helpdesk.policy import SYSTEM
from helpdesk.schemas import check_address
from helpdesk.settings import UnsafeSettings, setting
from models import Calendar, Category, Priority, Role, SlaPolicy, Team, User, begin_write, db, now

TEAMS = {"facilities": "Facilities", "it": "IT", "services": "Campus services"}
# slug, name, children; children's slugs begin with their parent's
CATEGORIES: list[tuple[str, str, list[tuple[str, str]]]] = [
    (
        "facilities",
        "Facilities",
        [
            ("heating", "Heating and cooling"),
            ("electrical", "Electrical and lighting"),
            ("leaks", "Water and leaks"),
            ("doors", "Doors, locks and windows"),
            ("lifts", "Lifts"),
            ("furniture", "Furniture"),
            ("grounds", "Grounds and outdoor areas"),
        ],
    ),
    (
        "it",
        "IT",
        [
            ("wifi", "Wi-Fi and network"),
            ("accounts", "Accounts and passwords"),
            ("av", "Projectors and room technology"),
            ("printing", "Printing"),
            ("software", "Software"),
            ("equipment", "Computers and equipment"),
        ],
    ),
    (
        "services",
        "Services",
        [
            ("cleaning", "Cleaning"),
            ("waste", "Waste and recycling"),
            ("catering", "Catering and vending"),
            ("access-cards", "Access cards"),
            ("complaints", "Complaints"),
        ],
    ),
]
CONFIDENTIAL = {"it-accounts", "services-complaints"}
"""Nobody else's business: these cannot be joined and are confidential from the start."""


@contextmanager
def alone() -> Iterator[None]:
    """One setup at a time, where several hosts or processes start at once.

    SQLite's write lock is not enough: Alembic lets it go between two migrations, after it read what there is to do.
    """
    if db.engine.dialect.name != "postgresql":
        with Path(f"{db.engine.url.database}-setup").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed, or its process gone
            yield
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET lock_timeout = 0"))
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(4821)"))
        try:
            yield
        finally:
            connection.invalidate()  # the lock ends with it


def migrate(app: Flask) -> None:
    """Bring the schema to the newest migration."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with_migrations(app)
    upgrade()


def first_policies() -> None:
    """A policy for each priority with the targets that are built in, round the clock; and a calendar to choose."""
    week = [[["08:00", "18:00"]] if day < 5 else [] for day in range(7)]
    db.session.add(Calendar(name="Office hours", time_zone=setting("TIME_ZONE"), hours=week, holidays=[]))
    for position, priority in enumerate(reversed(Priority), start=1):
        response, resolution = (int(target.total_seconds()) for target in sla.TARGETS[priority])
        db.session.add(
            SlaPolicy(
                name=priority.capitalize(), position=position, priorities=[priority.value], category_ids=[],
                team_ids=[], response_seconds=response, resolution_seconds=resolution,
            )
        )  # fmt: skip
        db.session.flush()


def first_rows() -> None:
    """Teams, categories and service levels, where there are none yet."""
    if db.session.scalar(select(Category.id).limit(1)) is not None:
        return
    first_policies()
    teams = {slug: Team(slug=slug, name=name) for slug, name in TEAMS.items()}
    db.session.add_all(teams.values())
    db.session.flush()
    for slug, name, children in CATEGORIES:
        parent = Category(slug=slug, name=name, team_id=teams[slug].id)
        db.session.add(parent)
        db.session.flush()
        for child, child_name in children:
            full = f"{slug}-{child}"
            open_to_all = full not in CONFIDENTIAL
            row: dict[str, Any] = {"is_joinable": open_to_all, "is_confidential": not open_to_all}
            db.session.add(
                Category(slug=full, name=child_name, parent_id=parent.id, team_id=teams[slug].id, **row)
            )  # fmt: skip


def first_admin(email: str, password: str, password_hash: str) -> bool:
    """Make an admin with this address unless there is an account with it. Says whether it did."""
    wanted = auth.normalize_email(email)
    if db.session.scalar(select(User.id).where(User.email_normalized == wanted)) is not None:
        return False
    admin = User(
        username=users.free_username(None, wanted, None), name="Administrator", role=Role.ADMIN, is_active=True,
        email=email.strip(), email_normalized=wanted, email_verified_at=now(), password_hash=password_hash,
    )  # fmt: skip
    db.session.add(admin)
    db.session.flush()
    audit.record("user.created", actor=SYSTEM, target=f"user:{admin.id}", role=Role.ADMIN)
    return True


def main(argv: list[str] | None = None, app: Flask | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--admin-email", help="make an admin with this address, if there is none with it")
    arguments = parser.parse_args(argv)
    if arguments.admin_email:
        try:
            check_address(arguments.admin_email)
        except ValidationError as error:
            parser.error(f"--admin-email: {' '.join(error.messages)}")
    try:
        app = app or create_app()
    except UnsafeSettings as error:
        print(f"Not started: {error}", file=sys.stderr)
        return 2
    with app.app_context(), alone():
        migrate(app)
        if setting("ENVIRONMENT") == "production" and (address := users.demo_admin()):
            print(f"Not started: {address} has the published password of the demo campus", file=sys.stderr)
            return 2
        begin_write()
        first_rows()
        db.session.commit()
        if number := search.index_missing():
            print(f"{number} tickets can be searched now.")
        if arguments.admin_email:
            password = secrets.token_urlsafe(12)
            password_hash = auth.hash_password(password)
            begin_write()
            made = first_admin(arguments.admin_email, password, password_hash)
            db.session.commit()
            if made:
                print(
                    f"Admin {arguments.admin_email}, password {password} (shown this once: change it after logging in)"
                )
            else:
                print(f"There is an account with {arguments.admin_email} already.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
