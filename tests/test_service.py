"""The service itself: alive, ready, the headers of every answer, the mailbox of development, and what is not there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from blueprints import service
from helpdesk import users
from models import Job, begin_write, db, now
from tests.doors import another, at
from tests.factories import Person, mails

NEVER = {"Server", "X-Powered-By", "X-AspNet-Version"}


def parts_of(person: Person) -> dict[str, str]:
    parts: dict[str, str] = person.get("/readyz").json["parts"]
    return parts


def migrate_to(version: str) -> str:
    """Let the database say that it is at this migration; returns what it said before."""
    db.session.remove()
    with db.engine.begin() as connection:
        before = str(connection.scalar(text("SELECT version_num FROM alembic_version")))
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    return before


# --- alive and ready --------------------------------------------------------------------------------------------------


def test_a_process_is_alive_whatever_its_database_does(anonymous: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    assert anonymous.get("/healthz").json == {"status": "ok"}
    monkeypatch.setattr(db.session, "scalar", _away)
    monkeypatch.setattr(db.session, "execute", _away)
    assert anonymous.get("/healthz").status_code == 200
    response = anonymous.get("/readyz")
    assert response.status_code == 503
    assert response.json["parts"]["database"] != "ok"
    assert response.headers["Retry-After"] == "5"


def _away(*_: object, **__: object) -> None:
    raise OperationalError(
        "SELECT a_secret_column", {"password": "hunter2"}, Exception("connection to 10.0.0.5 refused")
    )


def test_it_is_ready_with_its_database_at_the_newest_migration(anonymous: Person) -> None:
    response = anonymous.get("/readyz")
    assert response.status_code == 200
    assert response.json == {
        "status": "ready",
        "parts": {"database": "ok", "migrations": "ok", "jobs": "ok", "mail": "ok", "inbound": "ok"},
    }
    before = migrate_to("an-older-one")
    try:
        half = anonymous.get("/readyz")
        assert (half.status_code, half.json["status"]) == (503, "not ready")
        assert "setup_db.py" in half.json["parts"]["migrations"]
    finally:
        migrate_to(before)
    assert anonymous.get("/readyz").status_code == 200


def test_jobs_that_wait_or_were_given_up_are_told_and_stop_nothing(anonymous: Person, customer: Person) -> None:
    assert anonymous.post("/api/auth/password/forgot", {"email": customer.email}).status_code == 202
    assert parts_of(anonymous)["jobs"] == "ok"
    for values, said in (
        ({"run_at": now() - timedelta(minutes=6)}, "worker"),
        ({"state": "dead"}, "1 given up"),
    ):
        begin_write()
        db.session.execute(update(Job).values(**values))
        db.session.commit()
        response = anonymous.get("/readyz")
        assert response.status_code == 200
        assert said in response.json["parts"]["jobs"]


def test_only_the_parts_are_told(anonymous: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db.session, "scalar", _away)
    body = anonymous.get("/readyz").get_data(as_text=True)
    assert not any(word in body for word in ("10.0.0.5", "SELECT", "hunter2", "sqlite", "postgres"))


# --- every answer -----------------------------------------------------------------------------------------------------


def test_every_answer_has_the_headers_that_keep_browsers_in_check(
    app: Flask, customer: Person, anonymous: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-046, P-085: 200, redirect, 401, 404, 405, 500, a file."""
    answers = {
        200: customer.get("/api/users/me"),
        302: anonymous.get("/staff/", headers={"Accept": "text/html"}),
        401: anonymous.get("/api/users/me"),
        404: anonymous.get("/nothing"),
        405: anonymous.delete("/healthz"),
        204: customer.post("/api/auth/logout"),
        "file": anonymous.get("/static/ui.css"),
        "missing file": anonymous.get("/static/nothing.css"),
    }
    customer.signs_in()
    monkeypatch.setattr(users, "me", lambda _: 1 / 0)
    answers[500] = customer.get("/api/users/me")
    for wanted, answer in answers.items():
        assert answer.status_code == {"file": 200, "missing file": 404}.get(wanted, wanted)  # type: ignore[call-overload]
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
        assert (
            policy["default-src"] == policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        )
        assert policy["script-src"] == "'self'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers, "over plain http it says nothing"
        assert not NEVER & set(headers.keys())
        assert headers["X-Request-ID"]
        assert "Access-Control-Allow-Origin" not in headers
        answer.close()


def test_over_https_browsers_are_told_to_stay_there(app: Flask, customer: Person) -> None:
    with another(app, TRUSTED_PROXIES="127.0.0.1") as behind:
        person = Person(behind)
        person.token = customer.token
        https = {"X-Forwarded-Proto": "https"}
        for path in ("/api/users/me", "/", "/nothing", "/healthz"):
            assert "max-age=31536000" in person.get(path, headers=https).headers["Strict-Transport-Security"]
            assert "Strict-Transport-Security" not in person.get(path).headers
            assert "Strict-Transport-Security" not in person.get(path, headers=https, **at("10.0.0.9")).headers


def test_a_file_is_cached_for_good_only_under_an_address_that_changes_with_it(anonymous: Person) -> None:
    page = anonymous.get("/staff/login").get_data(as_text=True)
    stamped = re.search(r'href="(/static/ui\.css\?v=\w+)"', page)
    assert stamped is not None
    for path, status, kept in (
        (stamped[1], 200, "public, max-age=31536000, immutable"),
        ("/static/ui.css", 200, "no-cache"),
        ("/static/nothing.css?v=1", 404, "no-store"),
    ):
        response = anonymous.get(path)
        response.close()
        assert (response.status_code, response.headers["Cache-Control"]) == (status, kept)


def test_nothing_private_is_cached(customer: Person, admin: Person, anonymous: Person) -> None:
    """P-076."""
    number = customer.reports()
    customer.writes(number)
    for person, path in (
        (customer, "/api/users/me"), (customer, "/api/auth/verify"), (customer, "/api/users/me/sessions"),
        (customer, "/api/tickets"), (customer, f"/api/tickets/{number}"), (customer, f"/api/tickets/{number}/timeline"),
        (customer, "/api/tickets/counts"), (admin, "/api/users"), (admin, f"/api/users/{customer.id}"),
        (admin, "/api/tasks"),
    ):  # fmt: skip
        response = person.get(path)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] in ("no-store", "private, no-cache")
        assert {"cookie", "authorization"} <= {word.lower() for word in response.vary}
        again = person.get(path, headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code in (200, 304)  # verify tells a time
        assert anonymous.get(path, headers={"If-None-Match": response.headers["ETag"]}).status_code == 401
    refused = anonymous.get("/api/users/me")
    assert refused.headers["Cache-Control"] == "no-store"


def test_a_request_keeps_its_name_when_it_is_a_good_one(anonymous: Person) -> None:
    for given in ("a-request-1", "A.b_c-1234", "x" * 64):
        assert anonymous.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    for bad in ("short", "x" * 65, "with space", "<script>alert(1)</script>", "é" * 10, ""):
        made = anonymous.get("/healthz", headers={"X-Request-ID": bad}).headers["X-Request-ID"]
        assert made != bad
        assert len(made) == 32
    problem = anonymous.get("/nothing", headers={"X-Request-ID": "a-request-1"})
    assert problem.json["request_id"] == "a-request-1"


# --- what is not there ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/.git/HEAD", "/.env", "/.env.example", "/backup.db", "/instance/", "/instance/helpdesk.db", "/helpdesk.db",
     "/app.py", "/static/", "/static/dist/", "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py",
     "/static/%00", "/requirements.txt", "/server-status", "/phpinfo.php", "/admin.php", "/wp-login.php", "/console",
     "/debug", "/docs/", "/tests/", "/migrations/", "/templates/base.html", "//etc/passwd", "/api", "/api/",
     "/api/nothing", "/.well-known/x"],
)  # fmt: skip
def test_what_is_ours_alone_is_not_served(anonymous: Person, path: str) -> None:
    """P-086."""
    for accept in ("application/json", "text/html"):
        response = anonymous.get(path, headers={"Accept": accept})
        assert response.status_code == 404
        assert not any(word in response.get_data(as_text=True) for word in ("Traceback", "werkzeug", "/home/", "SQL"))


def test_people_get_a_page_and_programs_a_problem(anonymous: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml"}
    page = anonymous.get("/nothing", headers=browser)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    monkeypatch.setattr(service, "parts", lambda: 1 / 0)
    bug = anonymous.get("/readyz", headers=browser)
    assert (bug.status_code, bug.mimetype) == (500, "text/html")
    assert bug.headers["X-Request-ID"] in bug.get_data(as_text=True), "so that people can say which"
    for path, accept in (("/nothing", "application/json"), ("/api/nothing", "text/html"), ("/nothing", "")):
        problem = anonymous.get(path, headers={"Accept": accept})
        assert (problem.status_code, problem.mimetype) == (404, "application/problem+json")


def test_the_login_page_that_one_is_led_to_is_our_own(anonymous: Person) -> None:
    for headers in ({}, {"Host": "evil.test"}, {"X-Forwarded-Host": "evil.test"}):
        location = anonymous.get("/staff/", headers={**headers, "Accept": "text/html"}).headers["Location"]
        assert location.startswith("/")
        assert not location.startswith("//")


# --- the mailbox of development ---------------------------------------------------------------------------------------


def test_the_mailbox_shows_what_was_sent_newest_first(anonymous: Person, customer: Person, other: Person) -> None:
    for person in (customer, other):
        assert anonymous.post("/api/auth/password/forgot", {"email": person.email}).status_code == 202
    sent = mails()
    response = anonymous.get("/dev/mailbox", headers={"Accept": "application/json"})
    assert response.status_code == 200
    items = response.json["items"]
    assert set(items[0]) == {"id", "to", "subject", "text", "html", "headers", "created_at"}
    assert (
        [item["id"] for item in items] == [mail["id"] for mail in sent] == sorted((m["id"] for m in sent), reverse=True)
    )
    assert other.email in items[0]["to"]
    assert customer.email in items[1]["to"]
    page = anonymous.get("/dev/mailbox", headers={"Accept": "text/html"})
    assert page.mimetype == "text/html"
    assert items[0]["subject"] in page.get_data(as_text=True)


def test_the_mailbox_is_for_this_machine_alone(app: Flask, anonymous: Person) -> None:
    for address in ("10.0.0.9", "192.168.1.1", "::ffff:10.0.0.9", "unknown", ""):
        assert anonymous.get("/dev/mailbox", **at(address)).status_code == 404
    for address in ("127.0.0.1", "127.0.0.53", "::1", "::ffff:127.0.0.1"):
        assert anonymous.get("/dev/mailbox", **at(address)).status_code == 200
    told = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
    assert anonymous.get("/dev/mailbox", headers=told, **at("10.0.0.9")).status_code == 404
    with another(app, TRUSTED_PROXIES="127.0.0.1") as behind:
        for client, status in (("10.0.0.9", 404), ("unknown", 404), ("127.0.0.1", 200)):
            response = Person(behind).get("/dev/mailbox", headers={"X-Forwarded-For": client})
            assert response.status_code == status
