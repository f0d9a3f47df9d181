"""Every setting is documented, checked when the application is made, and production does not start unsafely."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from dotenv import dotenv_values
from flask import Flask

import app as app_module
from app import create_app
from helpdesk import settings
from helpdesk.settings import ROOT, SETTINGS, UnsafeSettings, load, settings_table
from models import sqlite_driver
from tests.doors import GOOD, Browser, another, change
from tests.factories import PASSWORD, Person

SHORT, EXAMPLE = "hunter2-hunter2-hunter2", "Please-change-this-secret-key-before-production-42"
UNSAFE: list[tuple[dict[str, str], str]] = [
    ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
    ({"SECRET_KEY": SHORT}, "SECRET_KEY has fewer than 32 bytes"),
    ({"SECRET_KEY": "abab" * 12}, "SECRET_KEY is too simple"),
    ({"SECRET_KEY": EXAMPLE}, "SECRET_KEY is the one of an example"),
    ({"SECRET_KEY_PREVIOUS": SHORT}, "SECRET_KEY_PREVIOUS has fewer than 32 bytes"),
    ({"PUBLIC_BASE_URL": ""}, "PUBLIC_BASE_URL is missing"),
    ({"PUBLIC_BASE_URL": "http://helpdesk.example.edu"}, "PUBLIC_BASE_URL must be https"),
    ({"BCRYPT_ROUNDS": "11"}, "BCRYPT_ROUNDS is below 12"),
    ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES trusts every address"),
    ({"TRUSTED_PROXIES": "127.0.0.1 ::/0"}, "TRUSTED_PROXIES trusts every address"),
    ({"TRUSTED_PROXIES": "*"}, "TRUSTED_PROXIES must list addresses"),
]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No `.env` beside the code and nothing of ours in the environment."""
    monkeypatch.setattr(settings, "dotenv_values", lambda path: dotenv_values(tmp_path / path.name))
    for one in SETTINGS:
        monkeypatch.delenv(one.name, raising=False)
    return tmp_path


# --- production -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong", "reason"), UNSAFE)
def test_production_refuses_each_unsafe_setting_by_name(nowhere: Path, wrong: dict[str, str], reason: str) -> None:
    """TRUST 19, P-087: the reason is told, the secret is not."""
    with pytest.raises(UnsafeSettings) as refused:
        create_app(**GOOD | wrong, instance_path=nowhere)
    assert reason in str(refused.value)
    for secret in (SHORT, EXAMPLE, GOOD["SECRET_KEY"], "abab"):
        assert secret not in str(refused.value)
    assert load(GOOD, instance=nowhere)["ENVIRONMENT"] == "production"


def test_production_tells_every_reason_at_once(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        load({"ENVIRONMENT": "production", "BCRYPT_ROUNDS": "4"}, instance=nowhere)
    assert all(name in str(refused.value) for name in ("SECRET_KEY", "PUBLIC_BASE_URL", "BCRYPT_ROUNDS"))
    for on in ("1", "true", "ON"):
        monkeypatch.setenv("FLASK_DEBUG", on)
        with pytest.raises(UnsafeSettings, match="FLASK_DEBUG is on"):
            load(GOOD, instance=nowhere)
    monkeypatch.setenv("FLASK_DEBUG", "0")
    assert load(GOOD, instance=nowhere)["SECRET_KEY"] == GOOD["SECRET_KEY"]
    assert not list(nowhere.glob("secret_key*")), "production makes no key of its own"


def test_several_processes_need_a_sqlite_that_bears_them(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server and the worker are two: production refuses an old one, development says so."""
    old = ModuleType("sqlite3")
    old.__dict__.update(vars(sqlite_driver()), sqlite_version="3.40.1", sqlite_version_info=(3, 40, 1))
    place: dict[str, Any] = {"DATABASE_URL": f"sqlite:///{nowhere / 'x.db'}", "instance_path": nowhere}
    assert create_app(**GOOD | place)
    assert "SQLite" not in caplog.text
    monkeypatch.setattr(app_module, "sqlite_driver", lambda: old)
    with pytest.raises(UnsafeSettings, match=r"SQLite 3\.40\.1"):
        create_app(**GOOD | place)
    assert create_app(**place)
    assert "SQLite 3.40.1" in caplog.text


def test_production_gives_cookies_that_stay_with_this_host(app: Flask, customer: Person) -> None:
    """P-013, P-085, TRUST 8: `__Host-`, Secure, HttpOnly, SameSite; and no mailbox."""
    https = {"X-Forwarded-Proto": "https"}
    with another(app, **GOOD) as production:
        browser = Browser(production)
        body = {"identifier": customer.username, "password": PASSWORD}
        response = browser.post("/api/auth/login", body, headers=https)
        assert response.status_code == 200
        assert "access_token" not in response.json
        assert set(browser.jar) == {"__Host-access_token", "__Host-refresh_token"}
        for answer in (response, browser.post("/api/auth/refresh", headers=https)):
            lines = answer.headers.getlist("Set-Cookie")
            assert len(lines) == 2
            for line in lines:
                assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(line.split("; "))
                assert "Domain" not in line
        shown = browser.get("/api/auth/verify", headers=https)
        assert shown.status_code == 200
        assert shown.headers["Strict-Transport-Security"]
        assert browser.get("/dev/mailbox").status_code == 404
        assert Person(app).get("/dev/mailbox").status_code == 200, "which development has"
        planted = Browser(production)
        planted.jar = {name.removeprefix("__Host-"): value for name, value in browser.jar.items()}
        assert planted.get("/api/auth/verify").status_code == 401, "a sister site may set a cookie, but not this one"
        assert browser.post("/api/auth/logout", headers=https).status_code == 204
        assert browser.jar == {}


def test_production_without_a_mail_server_says_so(app: Flask) -> None:
    with another(app, **GOOD) as production:
        assert Person(production).get("/readyz").json["parts"]["mail"] == "ok"
    with another(app, **GOOD | {"SMTP_URL": ""}) as production:
        response = Person(production).get("/readyz")
        assert (response.status_code, response.json["parts"]["mail"]) == (200, "SMTP_URL is not set: mails wait")


def run_setup(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python setup_db.py`, as an operator starts it."""
    clean = {name: value for name, value in os.environ.items() if name not in {one.name for one in SETTINGS}}
    return subprocess.run(
        [sys.executable, str(ROOT / "setup_db.py")],
        env=clean | {"DATABASE_URL": f"sqlite:///{folder / 'helpdesk.db'}"} | environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_an_unsafe_start_exits_with_the_reason(tmp_path: Path) -> None:
    """P-087, as an operator sees it."""
    refused = run_setup(tmp_path, **GOOD | {"SECRET_KEY": SHORT})
    assert refused.returncode != 0
    assert "SECRET_KEY has fewer than 32 bytes" in refused.stderr
    assert SHORT not in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "helpdesk.db").exists()
    started = run_setup(tmp_path, **GOOD)
    assert (started.returncode, started.stderr) == (0, "")
    assert (tmp_path / "helpdesk.db").exists()


# --- one setting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("ENVIRONMENT", {"development": "development", "testing": "testing"}, ["prod", "Production", "development x"]),
        ("PORT", {"1": 1, "65535": 65535, " 80 ": 80}, ["0", "65536", "-1", "8e3", "x", "８０", "1.0"]),
        ("HOST", {"0.0.0.0": "0.0.0.0", "::1": "::1", " 10.0.0.7 ": "10.0.0.7"}, ["localhost", "[::1]", "http://10.0.0.7", "10.0.0"]),
        ("BCRYPT_ROUNDS", {"4": 4, "16": 16}, ["3", "17", "twelve"]),
        ("WEB_PROCESSES", {"1": 1, "64": 64}, ["0", "65"]),
        ("LOG_LEVEL", {"DEBUG": "DEBUG"}, ["debug", "TRACE"]),
        ("TIME_ZONE", {"Europe/Berlin": "Europe/Berlin"}, ["Europe", "Mars/Base", "../etc/passwd", "x" * 300]),
        (
            "DATABASE_URL",
            {"postgres://a@b/c": "postgresql+psycopg://a@b/c", "postgresql+psycopg2://a@b/c": "postgresql+psycopg://a@b/c"},
            ["mysql://user:hunter2@host/name", "hunter2"],
        ),
        (
            "REDIS_URL",
            {"redis://:x@h:1/0": "redis://:x@h:1/0", "rediss://h": "rediss://h", "unix:///run/x": "unix:///run/x"},
            ["localhost:6379", "http://:hunter2@h", "redis://", "redis://:hunter2@h:x"],
        ),
        (
            "SMTP_URL",
            {"smtp://u:p@mail.test:25": "smtp://u:p@mail.test:25", "smtps://mail.test": "smtps://mail.test"},
            ["mail.test", "smtp://", "http://mail.test", "smtp://u:hunter2@h:x", "smtp://u:hunter2℀@h", "smtp://u:hunter2@["],
        ),
        (
            "IMAP_URL",
            {"imaps://a%40b:p@mail.test/INBOX": "imaps://a%40b:p@mail.test/INBOX", "imap://a:p@h:143": "imap://a:p@h:143", "": ""},
            ["mail.test", "imaps://mail.test", "imaps://hunter2@mail.test", "smtp://a:hunter2@h", "imaps://u:hunter2@h:x"],
        ),
        ("MAIL_FROM", {"Desk <a@b.test>": "Desk <a@b.test>", "a@b.test": "a@b.test"}, ["desk", "Desk <>"]),
        (
            "PUBLIC_BASE_URL",
            {"https://Help.Test/": "https://help.test", "http://127.0.0.1:80": "http://127.0.0.1", "https://h:444": "https://h:444"},
            ["help.test", "https://", "ftp://h", "https://h/x", "https://h?x", "https://h#x", "https://u:hunter2@h", "https://["],
        ),
        (
            "CORS_ORIGINS",
            {"https://a.test, https://b.test:443": ["https://a.test", "https://b.test"], "": []},
            ["*", "null", "https://a.test/x", "https://*.test"[:7]],
        ),
        (
            "TRUSTED_PROXIES",
            {"127.0.0.1,10.0.0.0/8": [ip_network("127.0.0.1"), ip_network("10.0.0.0/8")], "": []},
            ["localhost", "10.0.0.1/8", "10.0.0.0/33", "*"],
        ),
        ("REGISTRATION_DOMAINS", {"Campus.Test alumni.test": ["campus.test", "alumni.test"], "": []}, []),
        ("SERVICES", {"api, staff": ["api", "staff"]}, []),
    ],
)  # fmt: skip
def test_a_setting_is_checked_and_typed(nowhere: Path, name: str, right: dict[str, Any], wrong: list[str]) -> None:
    for text, value in right.items():
        assert load({name: text}, instance=nowhere)[name] == value
    for text in wrong:
        with pytest.raises(UnsafeSettings) as refused:
            load({name: text}, instance=nowhere)
        assert str(refused.value).startswith(f"{name} must ")
        assert "hunter2" not in str(refused.value)


def test_a_service_that_there_is_not_is_refused(nowhere: Path) -> None:
    with pytest.raises(UnsafeSettings, match="SERVICES must be among api, staff, portal"):
        create_app(SERVICES="api,nothing", instance_path=nowhere)
    app = create_app(SERVICES="api", instance_path=nowhere, DATABASE_URL=f"sqlite:///{nowhere / 'x.db'}")
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/staff/", headers={"Accept": "application/json"}).status_code == 404


def test_what_is_said_closest_counts(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Overrides, the environment, `.env`, the default; an empty one says nothing."""
    assert load(instance=nowhere)["SITE_NAME"] == "Campus Helpdesk"
    (nowhere / ".env").write_text('SITE_NAME="From the file"\nPORT=8001\n')
    assert load(instance=nowhere)["SITE_NAME"] == "From the file"
    monkeypatch.setenv("SITE_NAME", "From outside")
    monkeypatch.setenv("PORT", "")
    assert load(instance=nowhere)["SITE_NAME"] == "From outside"
    assert load(instance=nowhere)["PORT"] == 8001
    assert load({"SITE_NAME": "Said", "PORT": 8002}, instance=nowhere)["PORT"] == 8002
    assert load({"ENVIRONMENT": "testing"}, instance=nowhere)["PORT"] == 8000, "tests read no file of somebody's own"


def test_development_needs_no_settings_and_keeps_its_key(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = nowhere / "instance"
    first = load(instance=instance)
    assert len(first["SECRET_KEY"]) >= 32
    assert first["PUBLIC_BASE_URL"] == "http://127.0.0.1:8000"
    assert first["DATABASE_URL"] == f"sqlite:///{instance / 'helpdesk.db'}"
    assert first["HOST"] == "127.0.0.1"
    kept = instance / "secret_key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert load(instance=instance)["SECRET_KEY"] == first["SECRET_KEY"]
    with monkeypatch.context() as patch:  # two processes start at once: the first wins
        patch.setattr(Path, "exists", lambda _: False)
        assert settings._development_key(kept) == first["SECRET_KEY"]
    assert [path.name for path in instance.iterdir()] == ["secret_key"]
    assert load(instance=nowhere / "elsewhere")["SECRET_KEY"] != first["SECRET_KEY"]


@pytest.mark.parametrize(
    ("host", "port", "base"),
    [
        ("192.0.2.2", "8000", "http://192.0.2.2:8000"),
        ("127.0.0.1", "80", "http://127.0.0.1"),  # as browsers write it in an Origin
        ("::1", "8000", "http://[::1]:8000"),
        ("0.0.0.0", "8000", "http://127.0.0.1:8000"),
        ("::", "8000", "http://127.0.0.1:8000"),
    ],
)
def test_development_is_reached_where_it_listens(
    app: Flask, nowhere: Path, customer: Person, host: str, port: str, base: str
) -> None:
    """A browser at another address than this machine's own says nothing but its Origin."""
    assert load({"HOST": host, "PORT": port}, instance=nowhere)["PUBLIC_BASE_URL"] == base
    assert (
        load({"HOST": host, "PUBLIC_BASE_URL": "http://h.test"}, instance=nowhere)["PUBLIC_BASE_URL"] == "http://h.test"
    )
    body = {"identifier": customer.username, "password": PASSWORD}
    with another(app, PUBLIC_BASE_URL=base) as there:
        for origin, status in ((base, 200), ("http://evil.test", 403)):
            response = Person(there).post("/api/auth/login", body, headers={"Origin": origin})
            assert response.status_code == status


def test_an_address_is_in_a_network_or_is_none() -> None:
    networks = [ip_network("10.0.0.0/8"), ip_network("::1/128")]
    for address, inside in (("10.1.2.3", True), ("::1", True), ("11.0.0.1", False), ("unknown", False), (None, False)):
        assert settings.is_among(address, networks) is inside


def test_a_change_of_the_key_ends_what_it_signed(app: Flask, customer: Person) -> None:
    with another(app, SECRET_KEY="x1" * 20) as renewed:
        person = Person(renewed)
        person.token = customer.token
        assert person.get("/api/auth/verify").status_code == 401
    with another(app, SECRET_KEY="x1" * 20, SECRET_KEY_PREVIOUS=app.config["SECRET_KEY"]) as renewed:
        person.app = renewed
        assert person.get("/api/auth/verify").status_code == 200
    change(customer, is_active=False)


# --- what people read about them --------------------------------------------------------------------------------------


def test_env_example_has_every_setting_with_its_help_and_default() -> None:
    path = ROOT / ".env.example"
    blocks = path.read_text().strip().split("\n\n")[1:]
    wanted = []
    for one in SETTINGS:
        value = f'"{one.default}"' if " " in one.default else one.default
        wanted.append(f"# {one.help}\n{one.name}={value}")
    assert blocks == wanted
    assert dotenv_values(path) == {one.name: one.default for one in SETTINGS}
    assert load(dotenv_values(path) | {"ENVIRONMENT": "testing"}), "it can be copied to .env as it is"


def test_the_readme_has_the_table_of_settings() -> None:
    path = ROOT / "README.md"
    assert path.exists(), "README.md is not written yet"
    found = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", path.read_text(), re.DOTALL)
    assert found, "README.md needs the lines <!-- settings --> and <!-- /settings --> around settings_table()"
    assert found.group(1).strip() == settings_table(), "put helpdesk.settings.settings_table() there again"


def test_no_setting_is_read_that_is_not_listed() -> None:
    listed = {one.name for one in SETTINGS}
    read = re.compile(r"""(?:\bsetting\(|\bconfig\[|\bvalues\[)["']([A-Z][A-Z_]+)["']""")
    sources = [ROOT / "app.py", *(ROOT / "helpdesk").rglob("*.py"), *(ROOT / "blueprints").rglob("*.py")]
    used = {name for path in sources for name in read.findall(path.read_text())}
    assert {name for name in used if not name.startswith("SQLALCHEMY_")} <= listed
    assert {one.name for one in SETTINGS if one.secret} >= {
        "SECRET_KEY",
        "SECRET_KEY_PREVIOUS",
        "SMTP_URL",
        "DATABASE_URL",
    }
