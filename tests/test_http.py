"""What holds at every door: JSON, errors, idempotency, ETags, request ids, headers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, OperationalError

from helpdesk import tickets
from models import AuditEvent, Job, Ticket, db
from tests.factories import Person, a_report

GOOD = json.dumps(a_report())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"title": "a", "title": "b"}',
        b'{"title": NaN}',
        b'{"title": 1e400}',
        b'{"title": -Infinity}',
        b"[" * 10_000,
        b'{"a":' * 10_000,
        GOOD.encode("utf-16"),
        b"\xef\xbb\xbf" + GOOD.encode(),
        b'{"title": "\xff"}',
        b'{"title": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"title": ' + b"9" * 5000 + b"}",
        GOOD.encode() + b" {}",
    ],
)
def test_what_is_not_json_is_unreadable(customer: Person, body: bytes) -> None:
    response = customer.open("POST", "/api/tickets", data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 0
    assert customer.open("POST", "/api/tickets", data=GOOD, content_type="application/json").status_code == 201


@pytest.mark.parametrize("body", ["null", "[]", '"text"', "5", "{}", "true"])
def test_json_that_is_no_report_is_wrong_in_its_fields(customer: Person, body: str) -> None:
    response = customer.open("POST", "/api/tickets", data=body, content_type="application/json")
    assert response.status_code == 422
    assert response.json["errors"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/xml"]
)
def test_only_json_is_taken(customer: Person, kind: str) -> None:
    refused = customer.open("POST", "/api/tickets", data=GOOD, content_type=kind)
    assert refused.status_code == 415
    taken = customer.open("POST", "/api/tickets", data=GOOD, content_type="application/json; charset=utf-8")
    assert taken.status_code == 201


def test_a_body_that_is_too_large_is_refused(customer: Person) -> None:
    response = customer.post("/api/tickets", a_report(description="x" * 2_000_000))
    assert response.status_code == 413
    assert response.json["title"] == "This is too large"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/api/tickets/abc", 404),
        ("GET", "/api/tickets/99999999999999999999", 404),
        ("GET", "/api/tickets/-1", 404),
        ("DELETE", "/api/tickets", 405),
        ("POST", "/api/users/me", 405),
    ],
)
def test_every_error_has_the_one_form(customer: Person, method: str, path: str, status: int) -> None:
    response = customer.open(method, path)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert response.json.keys() >= {"type", "title", "status", "request_id"}
    assert response.json["request_id"] == response.headers["X-Request-ID"]
    if status == 405:
        assert "GET" in response.headers["Allow"]


def test_a_method_cannot_be_overridden(customer: Person, admin: Person) -> None:
    number = customer.reports()
    for header in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        admin.open("GET", f"/api/tickets/{number}?", headers={header: "DELETE"})
    assert admin.open("GET", f"/api/tickets/{number}?_method=DELETE").status_code == 422
    assert admin.sees(number)


def test_a_request_keeps_its_name_or_gets_one(anonymous: Person, customer: Person) -> None:
    named = anonymous.get("/healthz", headers={"X-Request-ID": "a-name-of-mine"})
    assert named.headers["X-Request-ID"] == "a-name-of-mine"
    for bad in ("short", "x" * 65, "with space in it", "semi;colon;here"):
        assert anonymous.get("/healthz", headers={"X-Request-ID": bad}).headers["X-Request-ID"] != bad
    customer.open("POST", "/api/tickets", json=a_report(), headers={"X-Request-ID": "the-report-1"})
    assert db.session.scalar(select(Job.request_id).where(Job.kind == "announce")) == "the-report-1"


# --- idempotency ------------------------------------------------------------------------------------------------------


def test_the_same_key_and_body_answer_the_same_and_create_nothing(customer: Person, other: Person) -> None:
    key = {"Idempotency-Key": "6f0c-1"}
    first = customer.post("/api/tickets", a_report(), headers=key)
    again = customer.post("/api/tickets", a_report(), headers=key)
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(customer.get("/api/tickets").json["items"]) == 1
    assert db.session.scalar(select(func.count()).where(Job.kind == "announce")) == 1
    assert other.post("/api/tickets", a_report(), headers=key).json["id"] != first.json["id"]


def test_the_same_key_with_another_body_is_refused(customer: Person) -> None:
    key = {"Idempotency-Key": "6f0c-2"}
    customer.post("/api/tickets", a_report(), headers=key)
    assert customer.post("/api/tickets", a_report(room="9"), headers=key).status_code == 422
    number = customer.get("/api/tickets").json["items"][0]["id"]
    assert customer.post(f"/api/tickets/{number}/comments", {"text": "x"}, headers=key).status_code == 422
    assert customer.post("/api/tickets", a_report(room="9"), headers={"Idempotency-Key": "6f0c-3"}).status_code == 201


def test_a_refused_request_does_not_use_up_its_key(customer: Person) -> None:
    key = {"Idempotency-Key": "6f0c-4"}
    assert customer.post("/api/tickets", a_report(building="nowhere"), headers=key).status_code == 422
    assert customer.post("/api/tickets", a_report(), headers=key).status_code == 201


@pytest.mark.parametrize("key", ["x" * 256, "with space", "ümlaut"])
def test_a_key_is_visible_ascii(customer: Person, key: str) -> None:
    assert customer.post("/api/tickets", a_report(), headers={"Idempotency-Key": key}).status_code == 422
    assert customer.get("/api/tickets").json["items"] == []
    assert customer.post("/api/tickets", a_report(), headers={"Idempotency-Key": "x" * 255}).status_code == 201


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/tasks", {"title": "A task"}),
        ("/api/tags", {"name": "hvac"}),
        ("/api/categories", {"slug": "x", "name": "X"}),
        ("/api/buildings", {"slug": "x", "name": "X"}),
        ("/api/teams", {"slug": "x", "name": "X"}),
        ("/api/views", {"name": "Leaks"}),
        ("/api/users", {"email": "new@campus.test", "name": "New", "role": "agent"}),
    ],
)
def test_everything_that_creates_takes_a_key(admin: Person, path: str, body: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = (admin.post(path, body, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)


# --- when something is wrong ------------------------------------------------------------------------------------------


def explode(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def boom(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(tickets, "listing", boom)


def test_a_bug_is_answered_without_a_word_of_the_inside(customer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        explode(patch, RuntimeError("secret-inside SELECT * FROM users"))
        response = customer.get("/api/tickets")
    assert response.status_code == 500
    assert response.mimetype == "application/problem+json"
    assert "secret-inside" not in response.get_data(as_text=True)
    assert customer.get("/api/tickets").status_code == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("SELECT 1", {}, Exception("database is locked")), 503),
        (OperationalError("INSERT", {}, Exception("database or disk is full")), 503),
        (DBAPIError("SELECT 1", {}, Exception("terminating connection"), connection_invalidated=True), 503),
        (DBAPIError("SELECT 1", {}, Exception("syntax error")), 500),
    ],
)
def test_a_database_in_trouble_says_when_to_come_back(
    customer: Person, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    with monkeypatch.context() as patch:
        explode(patch, error)
        response = customer.get("/api/tickets")
    assert response.status_code == status
    assert ("Retry-After" in response.headers) == (status != 500)
    assert "SELECT" not in response.get_data(as_text=True)
    assert customer.get("/api/tickets").status_code == 200


def test_a_denial_is_on_record(customer: Person, admin: Person) -> None:
    number = customer.reports()
    assert customer.delete(f"/api/tickets/{number}").status_code == 403
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "denied")).one()
    assert (event.actor_id, event.target) == (customer.id, f"DELETE /api/tickets/{number}")
    assert admin.delete(f"/api/tickets/{number}").status_code == 204


def test_errors_are_pages_for_people_and_problems_for_programs(anonymous: Person) -> None:
    page = anonymous.get("/nothing", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "Error 404" in page.get_data(as_text=True)
    assert anonymous.get("/nothing").mimetype == "application/problem+json"
    assert anonymous.get("/api/nothing", headers={"Accept": "text/html"}).mimetype == "application/problem+json"


def test_other_origins_are_let_in_only_where_they_are_listed(app: Flask, folder: Any, database_url: str) -> None:
    from app import create_app
    from tests.conftest import BASE_URL, SECRET_KEY

    portal = "https://portal.campus.test"
    settings = {
        "ENVIRONMENT": "testing",
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET_KEY,
        "PUBLIC_BASE_URL": BASE_URL,
    }
    listed = create_app(**settings, CORS_ORIGINS=portal, instance_path=folder / "cors").test_client()
    for client, origin, allowed in (
        (listed, portal, True),
        (listed, "https://evil.test", False),
        (app.test_client(), portal, False),
    ):
        for method in ("get", "options"):
            headers = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
            response = getattr(client, method)("/api/categories", headers=headers)
            assert (response.headers.get("Access-Control-Allow-Origin") == origin) == allowed


def test_an_answer_is_not_repeated_to_somebody_who_may_not_read_it_any_more(admin: Person, agent: Person) -> None:
    number = admin.reports()
    note, key = {"text": "canary-note", "audience": "internal"}, {"Idempotency-Key": "k"}
    path = f"/api/tickets/{number}/comments"
    assert agent.post(path, note, headers=key).status_code == 201
    assert agent.post(path, note, headers=key).headers["Idempotent-Replayed"] == "true"
    assert admin.patch(f"/api/users/{agent.id}", {"role": "customer"}).status_code == 200
    refused = agent.post(path, note, headers=key)
    assert refused.status_code == 404
    assert "canary-note" not in refused.get_data(as_text=True)


@pytest.mark.parametrize("limit", ["1_0", "%2B5", "%D9%A3", "5.0", " 5", "0x5", ""])
def test_a_number_is_written_in_digits(customer: Person, limit: str) -> None:
    assert customer.get(f"/api/tickets?limit={limit}").status_code == 422
    assert customer.get("/api/tickets?limit=5").status_code == 200


def test_no_address_is_corrected_by_a_redirect(customer: Person) -> None:
    """It would name the host that somebody sent."""
    response = customer.get("/api//tickets", headers={"Host": "evil.test"})
    assert response.status_code == 404
    assert "Location" not in response.headers
