"""setup_db.py: from nothing to a desk, safe to run twice, and the first admin."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select

import setup_db
from helpdesk import auth
from helpdesk.settings import ROOT, SETTINGS
from models import Category, Role, Team, User, db
from tests.doors import GOOD, NEW_PASSWORD, another, change, login, recorded
from tests.factories import Person, make_user


def rows(model: Any) -> int:
    db.session.remove()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def empty_database(database_url: str, tmp_path: Path) -> Iterator[str]:
    """A database without a table, on the engine of this run."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'helpdesk.db'}"
        return
    server, _, name = database_url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}_empty" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}_empty"')
        yield f"{server}/{name}_empty"
        connection.execute(f'DROP DATABASE "{name}_empty" WITH (FORCE)')


def start(database_url: str, *arguments: str) -> subprocess.Popen[str]:
    """`python setup_db.py`, as an operator starts it."""
    clean = {name: value for name, value in os.environ.items() if name not in {one.name for one in SETTINGS}}
    environment = clean | {
        "ENVIRONMENT": "testing",
        "DATABASE_URL": database_url,
        "SECRET_KEY": "setup-tests-only-0b7e4d1f9a3c5e7d",
        "BCRYPT_ROUNDS": "4",
    }
    command = [sys.executable, str(ROOT / "setup_db.py"), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_an_empty_database_becomes_a_desk_though_two_hosts_start_at_once(empty_database: str) -> None:
    both = [start(empty_database, "--admin-email", "Ada@Campus.Test") for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [(process.returncode, errors) for process, (_, errors) in zip(both, said, strict=True)] == [(0, "")] * 2
    first, second = sorted((out for out, _ in said), key=lambda out: "already" in out)
    password = re.search(r"password (\S+)", first)
    assert password
    assert len(password.group(1)) >= 16
    assert "already" in second
    assert "password" not in second


def test_every_desk_starts_with_teams_and_categories(app: Flask, anonymous: Person) -> None:
    shown = anonymous.get("/api/categories").json["items"]
    slugs = {category["slug"]: category for category in shown}
    assert {slug for slug in slugs if "-" not in slug} == {"facilities", "it", "services"}
    for category in shown:
        children = [slug for slug in slugs if slug.startswith(f"{category['slug']}-")]
        assert (category["parent_id"] is None) == bool(children)
        assert category["team"]["slug"] == category["slug"].partition("-")[0]
        private = category["slug"] in setup_db.CONFIDENTIAL
        assert (category["is_joinable"], category["is_confidential"]) == (not private, private)
    assert set(setup_db.CONFIDENTIAL) <= slugs.keys()


def test_running_it_again_changes_nothing(app: Flask, admin: Person, capsys: pytest.CaptureFixture[str]) -> None:
    [category] = [one for one in admin.get("/api/categories").json["items"] if one["slug"] == "it-wifi"]
    assert admin.patch(f"/api/categories/{category['id']}", {"name": "Wireless"}).status_code == 200
    before = rows(Category), rows(Team), rows(User)
    assert setup_db.main([], app=app) == 0
    assert (rows(Category), rows(Team), rows(User)) == before
    assert "Wireless" in admin.get("/api/categories").get_data(as_text=True)
    assert capsys.readouterr().out == ""


def test_the_first_admin_logs_in_with_the_password_shown_once(
    app: Flask, anonymous: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    make_user("customer", username="ada")
    assert setup_db.main(["--admin-email", "Ada@Elsewhere.Test"], app=app) == 0
    said = capsys.readouterr().out
    found = re.search(r"password (\S+)", said)
    assert found
    response = login(anonymous, "ada@elsewhere.test", found.group(1))
    assert response.status_code == 200
    user = response.json["user"]
    assert (user["role"], user["email"], user["username"]) == ("admin", "Ada@Elsewhere.Test", "ada2")
    [event] = recorded("user.created")
    assert (event.actor_kind, event.actor_id, event.target) == ("system", None, f"user:{user['id']}")
    assert setup_db.main(["--admin-email", "ADA@elsewhere.test"], app=app) == 0
    assert "already" in capsys.readouterr().out
    assert login(anonymous, "ada@elsewhere.test", found.group(1)).status_code == 200, "the password is the same"


def test_an_account_of_somebody_is_not_made_an_admin(
    app: Flask, customer: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    assert setup_db.main(["--admin-email", customer.email], app=app) == 0
    assert "already" in capsys.readouterr().out
    assert db.session.get_one(User, customer.id).role == Role.CUSTOMER


def test_production_does_not_start_with_an_account_that_everybody_knows(
    app: Flask, admin: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """TRUST 19: the demo campus has a published password."""
    change(admin, password_hash=auth.hash_password("campus-demo"))
    assert setup_db.main([], app=app) == 0, "in development it is what one logs in with"
    with another(app, **GOOD) as production:
        assert setup_db.main([], app=production) == 2
        assert f"Not started: {admin.email} has the published password" in capsys.readouterr().err
        change(admin, password_hash=auth.hash_password(NEW_PASSWORD))
        assert setup_db.main([], app=production) == 0


@pytest.mark.parametrize(
    "wrong", ["ada", "ada@", "a@b.test, c@d.test", "Ada <ada@campus.test>", "a@b.test\nBcc: c@d.test"]
)
def test_what_is_no_address_makes_no_admin(app: Flask, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        setup_db.main(["--admin-email", wrong], app=app)
    assert ended.value.code == 2
    assert "--admin-email" in capsys.readouterr().err
    assert rows(User) == 0
    assert setup_db.main(["--admin-email", "ada@campus.test"], app=app) == 0
    assert rows(User) == 1
