"""What no door may do: be ridden by another site's page, take more than it lists, choke on a body, tell secrets."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, update
from sqlalchemy.exc import IntegrityError, OperationalError

from blueprints.http import served
from helpdesk import comments, events, users
from helpdesk.errors import HelpdeskError
from helpdesk.logs import JsonLines, PlainLines
from helpdesk.settings import ROOT
from models import Comment, Task, Ticket, User, db
from tests.conftest import BASE_URL
from tests.doors import NEW_PASSWORD, Browser, another, at, login, recorded, row_of, with_token
from tests.factories import PASSWORD, Person, a_report, link_in, mails
from tests.world import TARGETS, World, sent_with, short, state

EVIL = "https://evil.test"
FOREIGN: list[dict[str, str]] = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": BASE_URL + ".evil.test"},
    {"Origin": BASE_URL.replace("http", "https")},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://other.helpdesk.test"},
    {"Sec-Fetch-Site": "cross-site", "Origin": BASE_URL},
    {"Sec-Fetch-Site": "none"},
    {"Referer": f"{BASE_URL}/staff/"},
    {},
]
OURS: list[dict[str, str]] = [{"Sec-Fetch-Site": "same-origin"}, {"Origin": BASE_URL}]
ASKED = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "content-type"}
"""What a browser asks before another site's page may write."""

_TARGET = {
    "token": "link", "comment_id": "words", "user_id": "somebody", "session_id": "own session", "image_id": "photo",
    "reply_id": "saved reply", "bulk_edit_id": "own bulk edit", "policy_id": "service level",
    "subscription_id": "another's mailed figures", "mail_id": "mail laid aside",
}  # fmt: skip


def target_of(world: World, rule: str, who: str) -> dict[str, int]:
    """Ids for a path on which an admin may do everything."""
    if rule.endswith("/unmerge"):
        return TARGETS["merged"](world, who)
    names = re.findall(r"{(\w+)}", rule)
    if names == ["ticket_id", "user_id"]:
        return TARGETS["joined"](world, who)
    if names == ["user_id", "session_id"]:
        return TARGETS["somebody's session"](world, who)
    if names == ["team_id", "user_id"]:
        return TARGETS["member"](world, who)
    if rule.endswith("/away"):
        return TARGETS["in a team"](world, who)
    if rule.endswith("/invite"):
        return TARGETS["invited"](world, who)
    if names == ["token", "image_id"]:
        return TARGETS["photo by link"](world, who)
    if rule.endswith("/undo") and "comment_id" in names:
        return TARGETS["reply just sent"](world, who)
    word = _TARGET.get(names[0], names[0].removesuffix("_id")) if names else ""
    return TARGETS[word](world, who)


def unsafe_calls(app: Flask) -> list[str]:
    return [f"{call.method} {short(call.rule)}" for call in served(app) if call.method != "GET"]


# --- other sites' pages -----------------------------------------------------------------------------------------------


def test_no_page_but_ours_writes_with_somebodys_cookie(app: Flask) -> None:
    """P-022, TRUST 8: each call that changes something, with the cookie alone."""
    world = World(app)
    calls = unsafe_calls(app)
    assert len(calls) > 30
    for call in calls:
        method, _, rule = call.partition(" ")
        jar = {"access_token": world.admin.token, "refresh_token": world.refresh_cookie("admin")}
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        path = rule.format(**target_of(world, rule, "admin"))
        sent = sent_with(call, world, "admin")
        before = state()
        rider = Person(app)
        for headers in FOREIGN:
            response = rider.open(method, path, headers={**cookie, **headers}, **sent)
            assert response.status_code == 403, (call, headers, response.get_data(as_text=True))
            assert response.headers.getlist("Set-Cookie") == [], call
        assert state() == before, call
        ours = OURS[len(path) % 2]
        response = rider.open(method, path, headers={**cookie, **ours}, **sent)
        assert response.status_code < 300, (call, response.get_data(as_text=True))
        if rule.startswith(("/api/auth", "/api/users/me")):
            world = World(app)  # the admin may be logged out by it


def test_a_report_is_written_from_our_own_pages_only(app: Flask, customer: Person) -> None:
    """P-022 in words: the rows are counted."""
    browser = Browser(app, customer)
    for headers in FOREIGN:
        sent = {"Cookie": f"access_token={browser.jar['access_token']}", **headers}
        assert Person(app).post("/api/tickets", a_report(), headers=sent).status_code == 403
    assert customer.get("/api/tickets/counts").json["total"]["count"] == 0
    assert browser.post("/api/tickets", a_report()).status_code == 201
    assert customer.get("/api/tickets/counts").json["total"]["count"] == 1
    assert customer.post("/api/tickets", a_report(), headers={"Origin": EVIL}).status_code == 201, (
        "a bearer is no cookie"
    )


def test_logging_somebody_in_from_another_page_is_refused(app: Flask, customer: Person, anonymous: Person) -> None:
    """Login CSRF: calls that need no cookie are asked where they come from as soon as a browser sends them."""
    body = {"identifier": customer.username, "password": PASSWORD}
    for headers in FOREIGN[:8]:
        for path in ("/api/auth/login", "/api/auth/logout", "/api/auth/refresh"):
            response = anonymous.post(path, body if "login" in path else None, headers=headers)
            assert response.status_code == 403
            assert response.headers.getlist("Set-Cookie") == []
    assert recorded("sign-in") == []
    for headers in (*OURS, {}):  # a program sends neither header and has no cookies
        assert anonymous.post("/api/auth/login", body, headers=headers).status_code == 200


def test_a_bearer_token_beside_a_cookie_counts_alone(app: Flask, customer: Person, other: Person) -> None:
    browser = Browser(app, other)
    cookie = {"Cookie": f"access_token={browser.jar['access_token']}"}
    assert customer.get("/api/auth/verify", headers=cookie).json["user"]["id"] == customer.id
    bad = {**cookie, "Authorization": "Bearer x", "Sec-Fetch-Site": "same-origin"}
    assert Person(app).get("/api/auth/verify", headers=bad).status_code == 401


def test_no_address_changes_something_by_being_opened(app: Flask, customer: Person, agent: Person) -> None:
    """P-023: nor by a method in a header, a field or the query."""
    number = customer.reports()
    before = state()
    for path in ("close", "delete", "assign", "vote", "merge", "affected/me"):
        assert agent.get(f"/api/tickets/{number}/{path}").status_code in (404, 405)
    for path in ("logout", "login", "refresh", "confirm", "password/forgot", "password/reset"):
        response = agent.get(f"/api/auth/{path}")
        assert response.status_code == 405
        assert response.headers["Allow"] == "OPTIONS, POST"
    for headers in ({"X-HTTP-Method-Override": "DELETE"}, {"X-Method-Override": "DELETE"}, {"X-HTTP-Method": "DELETE"}):
        assert agent.get(f"/api/tickets/{number}", headers=headers).status_code == 200
        assert agent.post(f"/api/tickets/{number}", {}, headers=headers).status_code == 405
    assert agent.get(f"/api/tickets/{number}?_method=DELETE").status_code in (200, 422)
    assert agent.post(f"/api/tickets/{number}?_method=DELETE", {"_method": "DELETE"}).status_code == 405
    assert state() == before
    assert agent.get("/api/auth/verify").status_code == 200
    assert customer.patch(f"/api/tickets/{number}", {"status": "closed"}).status_code == 200


def test_other_origins_are_told_nothing(app: Flask, customer: Person) -> None:
    """P-025."""
    browser = Browser(app, customer)
    allowed = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods")
    for origin in (EVIL, "null", BASE_URL):
        for response in (
            browser.get("/api/users/me", headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"}),
            Person(app).open("OPTIONS", "/api/users/me", headers={"Origin": origin, **ASKED}),
        ):
            assert response.status_code == 200
            assert not any(name in response.headers for name in allowed)


def test_a_listed_origin_may_call_and_only_that_one(app: Flask, customer: Person) -> None:
    portal = "https://portal.campus.test"
    with another(app, CORS_ORIGINS=portal) as shared:
        browser = Browser(shared, customer)
        cross = {"Origin": portal, "Sec-Fetch-Site": "same-site"}
        shown = browser.get("/api/users/me", headers=cross)
        assert shown.headers["Access-Control-Allow-Origin"] == portal
        assert shown.headers["Access-Control-Allow-Credentials"] == "true"
        assert "ETag" in shown.headers["Access-Control-Expose-Headers"]
        preflight = Person(shared).open("OPTIONS", "/api/users/me", headers={"Origin": portal, **ASKED})
        assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
        assert browser.patch("/api/users/me", {"theme": "dark"}, headers=cross).status_code == 200
        without_fetch = {"Cookie": f"access_token={browser.jar['access_token']}", "Origin": portal}
        assert Person(shared).patch("/api/users/me", {"theme": "light"}, headers=without_fetch).status_code == 200
        others = (portal + ".evil.test", "https://evil.portal.campus.test", "http://portal.campus.test")
        for origin in (EVIL, "null", *others):
            foreign = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
            assert "Access-Control-Allow-Origin" not in browser.get("/api/users/me", headers=foreign).headers
            assert browser.patch("/api/users/me", {"theme": "dark"}, headers=foreign).status_code == 403
        assert browser.get("/api/users/me").json["theme"] == "light"
        assert "Access-Control-Allow-Origin" not in browser.get("/healthz", headers=cross).headers


# --- more than is listed ----------------------------------------------------------------------------------------------


def columns(model: Any, *but: str) -> list[str]:
    return [column.key for column in inspect(model).columns if column.key not in but]


def test_registering_makes_nothing_but_a_customer(anonymous: Person) -> None:
    """P-039."""
    body = {"username": "ines", "email": "ines@campus.test", "password": NEW_PASSWORD}
    extra = columns(User, "username", "email", "name")
    for name in (*extra, "is_admin", "admin", "team_id", "permissions"):
        response = anonymous.post("/api/auth/register", {**body, name: "admin"})
        assert (response.status_code, list(response.json["errors"])) == (422, [name])
    assert mails() == []
    assert anonymous.post("/api/auth/register", body).status_code == 202
    token = {"token": link_in(mails("ines@campus.test")[0]), "password": NEW_PASSWORD}
    assert anonymous.post("/api/auth/confirm", {**token, "role": "admin"}).status_code == 422
    assert anonymous.post("/api/auth/confirm", token).json["user"]["role"] == "customer"


def test_every_column_that_is_not_a_field_is_refused_and_changes_nothing(
    app: Flask, customer: Person, other: Person, agent: Person, admin: Person
) -> None:
    """P-040, TRUST 6: each column of each table, in each write."""
    number = customer.reports()
    note = agent.writes(number, "For us.", audience="internal")
    task = agent.post("/api/tasks", {"title": "Order a valve"}).json["id"]
    doors: list[tuple[Person, str, str, dict[str, Any], Any]] = [
        (admin, "PATCH", f"/api/users/{other.id}", {}, User),
        (admin, "POST", "/api/users", {"email": "sam@campus.test", "name": "Sam", "role": "agent"}, User),
        (customer, "PATCH", "/api/users/me", {}, User),
        (agent, "PATCH", f"/api/tickets/{number}", {}, Ticket),
        (agent, "POST", "/api/tickets", a_report(), Ticket),
        (agent, "PATCH", f"/api/comments/{note}", {"text": "For us all."}, Comment),
        (agent, "POST", f"/api/tickets/{number}/comments", {"text": "Hello."}, Comment),
        (agent, "PATCH", f"/api/tasks/{task}", {}, Task),
        (agent, "POST", "/api/tasks", {"title": "Another"}, Task),
    ]
    takes = {call.method + " " + short(call.rule): call.body for call in served(app)}
    before = state()
    refused = 0
    for person, method, path, body, model in doors:
        call = f"{method} {re.sub(r'/[0-9]+', '/{}', path)}"
        shape = next(shape for name, shape in takes.items() if re.sub(r"{\w+}", "{}", name) == call)
        assert shape is not None
        for name in columns(model):
            if name not in shape.fields:
                response = person.open(method, path, json={**body, name: 1})
                assert (response.status_code, list(response.json["errors"])) == (422, [name]), (method, path)
                refused += 1
    assert refused > 100
    assert state() == before
    assert agent.patch(f"/api/tickets/{number}", {"priority": "high"}).status_code == 200


STAFF_FIELDS: dict[str, Any] = {
    "reporter_id": 1, "email": "helen@campus.test", "priority": "urgent", "assignee_id": 1, "team_id": 1, "tags": ["x"],
}  # fmt: skip


@pytest.mark.parametrize("field", STAFF_FIELDS)
def test_what_staff_decide_customers_do_not_send(customer: Person, agent: Person, field: str) -> None:
    """P-040."""
    value = agent.id if field in ("reporter_id", "assignee_id") else STAFF_FIELDS[field]
    if field == "tags":
        assert agent.post("/api/tags", {"name": "x"}).status_code == 201
    if field == "team_id":
        value = agent.get("/api/teams").json["items"][0]["id"]
    before = state()
    assert customer.post("/api/tickets", a_report(**{field: value})).status_code == 403
    assert state() == before
    assert agent.post("/api/tickets", a_report(**{field: value})).status_code == 201
    for name, made_up in (("status", "closed"), ("created_at", "2020-01-01T00:00:00Z"), ("number", 1), ("held", False)):
        response = customer.post("/api/tickets", a_report(**{name: made_up}))
        assert (response.status_code, list(response.json["errors"])) == (422, [name])
    number = customer.reports()
    assert customer.sees(number)["reporter"]["id"] == customer.id


@pytest.mark.parametrize("audience", ["internal", "reporter", "affected"])
def test_customers_do_not_hide_what_they_write(customer: Person, agent: Person, audience: str) -> None:
    """P-036."""
    number = customer.reports()
    path, body = f"/api/tickets/{number}/comments", {"text": "A word.", "audience": audience}
    assert customer.post(path, body).status_code == 403
    assert customer.get(path).json["items"] == agent.get(path).json["items"] == []
    assert customer.post(path, {**body, "audience": "desk"}).status_code in (403, 422)
    assert agent.post(path, body).status_code == 201


# --- bodies and queries -----------------------------------------------------------------------------------------------

UNREADABLE = [
    b"", b"{", b"nul", b"{'a': 1}", b"[1,]", b"{} {}", b"\xff\xfe{\x00}\x00", "{}".encode("utf-16"),
    "{}".encode("utf-32"), b"\xef\xbb\xbf{}", b'{"a": "\xff"}', b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": 1e400}',
    b"1" * 5000, b'{"theme": "dark", "theme": "light"}', b'{"a": {"b": 1, "b": 2}}', b"[" * 10_000, b'{"a":' * 10_000,
    b'{"name": "\\ud800"}', b'{"name": "a\nb"}', b"\x00", b'{"theme": "dark"}\x00',
]  # fmt: skip


@pytest.mark.parametrize("raw", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_body_that_is_not_one_json_text_is_400(customer: Person, anonymous: Person, raw: bytes) -> None:
    """P-057."""
    before = row_of(customer)
    for person, method, path in (
        (anonymous, "POST", "/api/auth/login"),
        (customer, "PATCH", "/api/users/me"),
        (customer, "POST", "/api/tickets"),
    ):
        response = person.open(method, path, data=raw, content_type="application/json")
        assert response.status_code == 400, response.get_data(as_text=True)
        assert response.json["type"].endswith(":bad-request")
    assert row_of(customer) == before
    good = customer.open(
        "PATCH", "/api/users/me", data=b' {"theme": "dark"}\n', content_type="application/json; charset=utf-8"
    )
    assert good.status_code == 200


def test_a_body_must_say_that_it_is_json(customer: Person) -> None:
    """P-058, TRUST 8: a form of another site cannot send it without asking first."""
    raw = b'{"theme": "dark"}'
    for kind in (
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "json",
    ):
        response = customer.patch("/api/users/me", data=raw, content_type=kind)
        assert response.status_code == 415, kind
        assert customer.get("/api/users/me").json["theme"] == "system"
    assert customer.patch("/api/users/me", data=raw, content_type="application/json").status_code == 200


def test_a_body_is_an_object_of_known_fields_and_exact_types(customer: Person, agent: Person) -> None:
    """P-058, TRUST 6: nothing is coerced."""
    before = state()
    for body in ([], "x", 1, None, True, [a_report()]):
        response = customer.open("POST", "/api/tickets", data=json.dumps(body), content_type="application/json")
        assert (response.status_code, list(response.json["errors"])) == (422, ["body"])
    for name, value in (
        ("title", 5), ("title", None), ("title", ["x"]), ("title", {"x": 1}), ("title", "ab"), ("title", "x" * 201),
        ("title", "a\x00b"), ("title", "two\nlines"), ("description", ""), ("description", "x" * 20_001),
        ("category", 1), ("category", "nothing"), ("is_confidential", "true"), ("is_confidential", 1), ("nonsense", 1),
        ("__proto__", {}), ("constructor", 1), ("$where", "1"),
    ):  # fmt: skip
        response = customer.post("/api/tickets", a_report(**{name: value}))
        assert (response.status_code, list(response.json["errors"])) == (422, [name]), value
    for name, value in (("assignee_id", str(agent.id)), ("assignee_id", agent.id + 0.0), ("assignee_id", True)):
        response = agent.post("/api/tickets", a_report(**{name: value}))
        assert (response.status_code, list(response.json["errors"])) == (422, [name]), value
    assert state() == before
    assert agent.post("/api/tickets", a_report(assignee_id=agent.id, is_confidential=True)).status_code == 201


def test_a_body_too_large_is_refused(customer: Person) -> None:
    huge = customer.post("/api/tickets", a_report(description="x" * 2_000_000))
    assert huge.status_code == 413
    assert huge.mimetype == "application/problem+json"
    assert customer.get("/api/tickets/counts").json["total"]["count"] == 0
    assert customer.post("/api/tickets", a_report(description="x" * 20_000)).status_code == 201


@pytest.mark.parametrize(
    "query",
    ["sort=title;DROP TABLE tickets", "sort=reporter.password_hash", "sort=created_at,id", "sort=(select 1)",
     "order=asc", "limit=-1", "limit=0", "limit=1000000000", "limit=abc", "limit=9223372036854775808", "limit=1.5",
     "limit=",
     "cursor=' OR 1=1--", "cursor=%00", "status=open' OR '1'='1", "reporter=1 OR 1=1", "assignee=-1", "assignee=1e3",
     "created_after=yesterday", "created_after=0000-00-00T00:00:00Z", "nonsense=1", "limit=1&limit=2"],
)  # fmt: skip
def test_a_list_takes_what_it_lists_and_no_sql(customer: Person, query: str) -> None:
    """P-054, P-055."""
    number = customer.reports()
    response = customer.get(f"/api/tickets?{query}")
    assert response.status_code == 422
    assert list(response.json["errors"]) == [query.partition("=")[0]]
    good = customer.get("/api/tickets?sort=-created_at&limit=1&status=open&reporter=me")
    assert [ticket["id"] for ticket in good.json["items"]] == [number]


def test_letters_that_mean_something_to_a_database_are_letters(admin: Person) -> None:
    """P-056."""
    for q in ("%", "_", "\\", "%%%", "' OR '1'='1", "\\%", "a" * 100, "é", "😀", "'; DROP TABLE users; --"):
        response = admin.get("/api/users", query_string={"q": q})
        assert response.status_code == 200
        assert response.json["items"] == []
    assert admin.get("/api/users", query_string={"q": "x" * 10_240}).status_code == 422
    assert [user["name"] for user in admin.get("/api/users?q=ada").json["items"]] == ["Ada Byron"]


# --- errors -----------------------------------------------------------------------------------------------------------

INSIDE = re.compile(
    r"Traceback|File \"|sqlalchemy|psycopg|sqlite|SELECT |INSERT |/home/|\.py\b|werkzeug|Python", re.IGNORECASE
)


def test_every_error_is_one_dull_problem(
    app: Flask, customer: Person, admin: Person, anonymous: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-084, TRUST 14."""
    number = customer.reports()
    etag = {"If-Match": '"999.x"'}
    found = [
        (400, anonymous.post("/api/auth/login", data=b"{", content_type="application/json")),
        (400, anonymous.post("/api/auth/confirm", {"token": "A" * 43, "password": NEW_PASSWORD})),
        (401, anonymous.get("/api/tickets")),
        (403, customer.get("/api/users")),
        (404, customer.get("/api/tickets/999999")),
        (404, customer.get("/api/nothing")),
        (404, customer.get(f"/api/tickets/{10**30}")),
        (405, customer.open("TRACE", "/api/tickets")),
        (409, admin.patch(f"/api/users/{admin.id}", {"role": "agent"})),
        (412, customer.patch(f"/api/tickets/{number}", {"title": "Else"}, headers=etag)),
        (413, customer.post("/api/tickets", a_report(description="x" * 2_000_000))),
        (415, customer.post("/api/tickets", data=b"x", content_type="text/plain")),
        (422, customer.post("/api/tickets", {})),
    ]
    for _ in range(6):
        limited = login(anonymous, "nobody", "a guess")
    found.append((429, limited))
    for status, error in (
        (500, RuntimeError("secret inside")),
        (409, IntegrityError("INSERT INTO users", {"password": "secret inside"}, Exception("secret inside"))),
        (503, OperationalError("SELECT 1", {}, Exception("secret inside"))),
        (503, OperationalError("INSERT", {}, Exception("database or disk is full: secret inside"))),
        (500, HelpdeskError()),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(users, "me", _raising(error))
            found.append((status, customer.get("/api/users/me")))
    for status, response in found:
        assert response.status_code == status
        assert response.mimetype == "application/problem+json"
        assert {"type", "title", "status", "request_id"} <= set(response.json)
        assert response.json["type"].startswith("urn:campus-helpdesk:problem:")
        assert response.json["status"] == status
        assert response.json["request_id"] == response.headers["X-Request-ID"]
        text = response.get_data(as_text=True)
        assert not INSIDE.search(text.replace("application/json", "")), text
        assert "secret inside" not in text
        assert ("Retry-After" in response.headers) == (status in (429, 503))
        assert ("WWW-Authenticate" in response.headers) == (status == 401)
    assert customer.get("/api/users/me").status_code == 200


def _raising(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


# --- on record --------------------------------------------------------------------------------------------------------


def test_logins_and_denials_are_on_record(app: Flask, anonymous: Person, customer: Person, agent: Person) -> None:
    """P-089: who, from where, in which request, at which time; failed ones in a transaction of their own."""
    named = {"X-Request-ID": "the-request-1"}
    assert login(anonymous, customer.username, "a guess", headers=named, **at("10.1.2.3")).status_code == 401
    assert login(anonymous, "nobody", "a guess", **at("10.1.2.3")).status_code == 401
    known, unknown = recorded("sign-in.failed")
    assert (known.actor_id, known.target, known.peer, known.request_id) == (
        None, f"user:{customer.id}", "10.1.2.3", "the-request-1",
    )  # fmt: skip
    assert (unknown.target, unknown.detail) == (None, {}), "what was typed may be a password"
    assert recorded("sign-in") == []
    assert login(anonymous, customer.username, headers=named, **at("10.1.2.4")).status_code == 200
    [event] = recorded("sign-in")
    assert (event.actor_id, event.peer, event.request_id) == (customer.id, "10.1.2.4", "the-request-1")
    assert event.target
    assert event.target.startswith("session:")
    assert event.created_at.tzinfo is not None
    assert customer.get("/api/tasks", headers=named).status_code == 403
    [denied] = recorded("denied")
    assert (denied.actor_id, denied.target, denied.request_id) == (customer.id, "GET /api/tasks", "the-request-1")
    assert agent.get("/api/tasks").status_code == 200
    assert len(recorded("denied")) == 1
    for path in ("/api/audit", "/api/audit-events", "/api/audit/events"):
        assert customer.get(path).status_code in (403, 404)


def test_the_record_is_written_with_its_deed_or_not_at_all(
    app: Flask, admin: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/users/{customer.id}"
    with monkeypatch.context() as patch:
        patch.setattr(users, "show_one", _raising(RuntimeError("after the record, before the commit")))
        assert admin.patch(path, {"role": "agent"}).status_code == 500
    assert recorded("user.role.changed") == []
    assert row_of(customer).role == "customer"
    assert admin.patch(path, {"role": "agent"}).status_code == 200
    assert len(recorded("user.role.changed")) == 1


def test_nothing_but_the_recorder_touches_the_record() -> None:
    """Append-only: no code updates or deletes an audit event."""
    sources = [
        *(ROOT / "helpdesk").rglob("*.py"),
        *(ROOT / "blueprints").rglob("*.py"),
        ROOT / "app.py",
        ROOT / "setup_db.py",
    ]
    naming = {path.name for path in sources if re.search(r"\bAuditEvent\b", path.read_text())}
    assert naming == {"audit.py", "audit_log.py"}
    for name in naming:
        assert not re.search(r"\b(update|delete)\(", (ROOT / "helpdesk" / name).read_text())


# --- logs -------------------------------------------------------------------------------------------------------------


def test_logs_hold_no_secret(
    app: Flask, anonymous: Person, customer: Person, agent: Person, admin: Person,
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """P-088: a story with everything in it, bugs and refusals too, at DEBUG; then the log is searched."""
    for name in ("helpdesk", "blueprints", "app", "flask", "flask.app", "werkzeug", "granian"):
        caplog.set_level(logging.DEBUG, logger=name)
    canaries = {
        "wrong": "canary-wrong-password-1", "new": "canary-new-password-22", "note": "canary-note-text-333",
        "said": "canary-comment-text-4444", "search": "canary-search-55555",
    }  # fmt: skip
    number = customer.reports(description=canaries["said"])
    note = {"text": canaries["note"], "audience": "internal"}
    assert agent.post(f"/api/tickets/{number}/comments", note).status_code == 201
    assert login(anonymous, customer.username, canaries["wrong"]).status_code == 401
    assert login(anonymous, canaries["wrong"], canaries["wrong"]).status_code == 401
    browser = Browser(app, customer)
    assert browser.post("/api/auth/refresh").status_code == 200
    canaries |= dict(browser.jar) | {"bearer": customer.token or "", "agent": agent.token or ""}
    canaries["sealed"] = canaries["refresh_token"].rpartition(".")[2]
    assert anonymous.post("/api/auth/password/forgot", {"email": customer.email}).status_code == 202
    canaries["reset"] = link_in(mails(customer.email)[0])
    assert anonymous.get(f"/account/reset?token={canaries['reset']}").status_code < 500
    reset = {"token": canaries["reset"], "password": canaries["new"]}
    assert anonymous.post("/api/auth/password/reset", reset).status_code == 204
    assert login(anonymous, customer.username, canaries["new"]).status_code == 200
    invited = admin.post("/api/users", {"email": "sam@campus.test", "name": "Sam", "role": "agent"})
    assert invited.status_code == 201
    canaries["invitation"] = link_in(mails("sam@campus.test")[0])
    assert admin.get(f"/api/users?q={canaries['search']}").status_code == 200
    assert agent.post(f"/api/tickets/{number}/comments", {**note, "nonsense": 1}).status_code == 422
    forged = with_token(app, (agent.token or "")[:-2] + "xx")
    assert forged.get("/api/tickets").status_code == 401
    for status, error in (
        (503, OperationalError("INSERT INTO comments", {"text": canaries["note"]}, Exception("database is locked"))),
        (409, IntegrityError("INSERT INTO comments", {"text": canaries["note"]}, Exception("a constraint"))),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(events, "record", _raising(error))
            assert agent.post(f"/api/tickets/{number}/comments", note).status_code == status
    impossible = update(Ticket).where(Ticket.id == number).values(affected_count=0, title=canaries["note"])
    with monkeypatch.context() as patch:  # PostgreSQL quotes the whole row
        patch.setattr(comments, "add", lambda *_, **__: db.session.execute(impossible))
        assert agent.post(f"/api/tickets/{number}/comments", note).status_code == 409
    lines = [formatter.format(record) for formatter in (JsonLines(), PlainLines()) for record in caplog.records]
    assert len([line for line in lines if "/api/auth/login" in line]) == 8
    assert any("overtaken by another change" in line for line in lines), "and it says what happened"
    for name, canary in canaries.items():
        assert not [line for line in lines if canary in line], name


def test_log_lines_are_not_forged(anonymous: Person, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="helpdesk")
    made_up = '"} {"level": "INFO", "message": "root logged in"}'
    assert anonymous.get(f"/api/x%0d%0a{made_up}%0aGET /second").status_code == 404
    [record] = [record for record in caplog.records if record.name == "helpdesk.access"]
    as_json, plain = JsonLines().format(record), PlainLines().format(record)
    for line in (as_json, plain):
        assert "\n" not in line
        assert "\r" not in line
    entry = json.loads(as_json)
    assert entry["level"] == "INFO"
    assert entry["status"] == 404
    assert entry["peer"] == "127.0.0.1"
    assert entry["request_id"]
    assert "root logged in" in entry["message"]
