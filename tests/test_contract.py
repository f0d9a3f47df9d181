"""openapi.yml: it says what is served and enforced, all of it and nothing else; and every answer is as it says."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from inspect import unwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import marshmallow as ma
import openapi_spec_validator
import orjson
import pytest
import schemathesis
from flask import Flask
from schemathesis import engine
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from blueprints.http import Call, Json, served
from helpdesk import limits, schemas, vocabulary
from helpdesk.schemas import Group, Shape
from helpdesk.settings import ROOT
from models import db
from tests.contract import check, document, name_of, operation_of, resolved
from tests.factories import PASSWORD, Person, a_picture, a_report, form, work
from tests.test_policy import MATRIX
from tests.world import (
    MISSING,
    NEW_PASSWORD,
    REQUIRED,
    TARGETS,
    UPLOADS,
    World,
    body_of,
    headers_of,
    sent_with,
    short,
    unique,
)

# --- the documents ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "file"), [("openapi", "openapi.yml"), ("permissions", "docs/permissions.md")])
def test_the_published_document_is_what_the_code_says_now(app: Flask, tmp_path: Path, command: str, file: str) -> None:
    """`make openapi` writes it again."""
    result = app.test_cli_runner().invoke(args=[command, str(tmp_path / "written")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "written").read_text() == (ROOT / file).read_text()


def test_the_contract_is_valid_and_served_as_it_is_published(app: Flask) -> None:
    openapi_spec_validator.validate(document())
    response = app.test_client().get("/api/openapi.json")
    assert response.json == document()


def test_the_contract_lists_exactly_the_calls_that_are_served(app: Flask) -> None:
    listed = {f"{method.upper()} {path}" for path, operations in document()["paths"].items() for method in operations}
    assert listed == {f"{call.method} {short(call.rule)}" for call in served(app)}
    routed = {
        f"{method} {short(rule.rule)}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.endpoint.startswith("contract.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert listed == routed


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(app: Flask) -> None:
    operations = [operation_of(call) for call in served(app)]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for operation in operations)
    assert {tag for operation in operations for tag in operation["tags"]} == {tag["name"] for tag in document()["tags"]}


# --- answers are as documented ----------------------------------------------------------------------------------------

# limited for customers, never for the staff
OF_CUSTOMERS = {
    "PATCH /api/tickets/{ticket_id}",
    "PUT /api/tickets/{ticket_id}",
    "DELETE /api/tickets/{ticket_id}/affected/me",
    "PATCH /api/comments/{comment_id}",
    "PUT /api/comments/{comment_id}",
    "DELETE /api/comments/{comment_id}",
    "POST /api/tickets",
    "POST /api/tickets/{ticket_id}/comments",
    "PUT /api/tickets/{ticket_id}/affected/me",
    *UPLOADS,
}


@pytest.fixture
def world(app: Flask) -> World:
    return World(app)


class Walk:
    """Requests of every call, and which statuses came back."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls = {name_of(call): call for call in served(world.app)}
        self.targets = {call: target for call, target, _ in reversed(MATRIX)}
        self.reached: dict[str, set[int]] = {name: set() for name in self.calls}
        self.untouched: dict[tuple[str, str], dict[str, Any]] = {}
        """Targets of requests that changed nothing: good for the next."""

    def send(self, name: str, who: str = "admin", **changes: Any) -> TestResponse:
        """The request of this call that succeeds for whoever may, with changes: `target`, `json`, `data`, `headers`, `query`."""
        word = self.targets[name]
        whose = name, who if "session" in word else ""
        named = changes.pop("target", None)
        target = named if named is not None else self.untouched.pop(whose, None) or TARGETS[word](self.world, who)
        headers = changes.pop("headers", {})
        headers = headers if "Cookie" in headers else headers_of(name, self.world, who) | headers
        if "data" not in changes and "json" not in changes:
            changes |= sent_with(name, self.world, who)
        method, _, path = name.partition(" ")
        address = path.format(**target) + changes.pop("query", REQUIRED.get(name, ""))
        response = self.world.people[who].open(method, address, headers=headers, **changes)
        self.reached[name].add(check(self.calls[name], response))
        if named is None and (method == "GET" or response.status_code >= 400):
            self.untouched[whose] = target
        if response.status_code == 204 and who != "anonymous" and ("/auth/" in name or "/sessions" in name):
            self.world.people[who].signs_in()  # it may have signed them out
        return response


# Call → how it answers 409: who, and changes to the request that otherwise succeeds.
Conflicts = dict[str, tuple[str, dict[str, Any]]]


def _conflicts(world: World) -> Conflicts:
    number, closed = world.ticket(), world.ticket()
    world.agent.sets(closed, status="closed")
    hidden = world.ticket()
    world.agent.sets(hidden, is_confidential=True)
    used = {
        kind: world.made(f"/api/{kind}", slug=f"used-{kind}", name="Used")
        for kind in ("buildings", "categories", "teams")
    }
    tag, team = world.made("/api/tags", name="used"), used["teams"]
    busy = world.reporter.reports(category="used-categories", building="used-buildings")
    world.agent.sets(busy, tags=["used"], team_id=team)
    link = world.guest_link()
    newest = max(item["id"] for item in world.agent.get("/api/tickets").json["items"])
    world.agent.sets(newest, status="closed")  # the guest's
    taken = {"username": world.other.username}
    last = world.admin.id
    world.people["in no team"] = Person.made(world.app, "agent")
    named = world.admin.get(f"/api/views/{world.view_of('admin')}").json
    undone, office = world.bulk_edit_of("admin"), {"name": "Office hours"}
    assert world.admin.post(f"/api/bulk-edits/{undone}/undo").status_code == 200
    mailed = world.admin.get(f"/api/report-subscriptions/{world.mailed_to('agent')}").json
    found: Conflicts = {
        "POST /api/report-subscriptions": (
            "admin",
            {"json": {"user_id": mailed["user"]["id"], "every": "week", "team_id": mailed["team"]["id"]}},
        ),
        "POST /api/auth/register": (
            "anonymous",
            {"json": body_of("POST /api/auth/register", world, "anonymous") | taken},
        ),
        "POST /api/auth/confirm": ("anonymous", {"json": _late_confirmation(world)}),
        "POST /api/auth/address": ("anonymous", {"json": _late_address(world)}),
        "POST /api/tags": ("admin", {"json": {"name": "used"}}),
        "POST /api/comments/{comment_id}/undo": ("agent", {"target": {"comment_id": world.comment("answer")}}),
        "POST /api/tickets/{ticket_id}/comments": ("reporter", {"target": {"ticket_id": closed}}),
        "POST /api/tickets/by-link/{token}/comments": ("anonymous", {"target": {"token": link}}),
        "POST /api/tickets/by-link/{token}/images": ("anonymous", {"target": {"token": link}}),
        "POST /api/views": ("admin", {"json": {"name": named["name"]}}),
        "POST /api/bulk-edits/{bulk_edit_id}/undo": ("admin", {"target": {"bulk_edit_id": undone}}),
        "DELETE /api/tags/{tag_id}": ("admin", {"target": {"tag_id": tag}}),
        "POST /api/tags/{tag_id}/merge": ("admin", {"target": {"tag_id": tag}}),
        "PUT /api/teams/{team_id}/members/{user_id}": (
            "admin",
            {"target": {"team_id": team, "user_id": world.other.id}},
        ),
        "PUT /api/users/me/away": ("in no team", {"target": {}}),
        "DELETE /api/users/me/away": ("in no team", {"target": {}}),
        "DELETE /api/teams/{team_id}": ("admin", {"target": {"team_id": team}}),
        "PUT /api/tickets/{ticket_id}/affected/me": ("other", {"target": {"ticket_id": closed}}),
        "POST /api/tickets/{ticket_id}/images": ("reporter", {"target": {"ticket_id": closed}}),
        "POST /api/tickets/{ticket_id}/affected": ("agent", {"target": {"ticket_id": hidden}}),
        "POST /api/tickets/{ticket_id}/merge": (
            "agent",
            {"target": {"ticket_id": number}, "json": {"into_id": closed}},
        ),
        "POST /api/tickets/{ticket_id}/unmerge": ("agent", {"target": {"ticket_id": number}}),
        "POST /api/comments/{comment_id}/split": ("agent", {"target": {"comment_id": world.comment("note")}}),
        "POST /api/users": ("admin", {"json": {"email": world.agent.email, "name": "New", "role": "agent"}}),
        "DELETE /api/users/{user_id}": ("admin", {"target": {"user_id": last}}),
        "POST /api/jobs/{job_id}/retry": ("admin", {"target": TARGETS["job done"](world, "admin")}),
        "DELETE /api/jobs/{job_id}": ("admin", {"target": TARGETS["job done"](world, "admin")}),
        "POST /api/inbound-mails/{mail_id}/retry": ("admin", {"target": TARGETS["mail taken over"](world, "admin")}),
        "POST /api/inbound-mails/{mail_id}/report": ("admin", {"target": TARGETS["mail taken over"](world, "admin")}),
        "POST /api/inbound-mails/{mail_id}/dismiss": ("admin", {"target": TARGETS["mail taken over"](world, "admin")}),
        "POST /api/users/{user_id}/invite": ("admin", {"target": {"user_id": last}}),
        "POST /api/users/{user_id}/password-link": ("admin", {"target": TARGETS["invited"](world, "admin")}),
        "DELETE /api/buildings/{building_id}": ("admin", {"target": {"building_id": used["buildings"]}}),
        "DELETE /api/categories/{category_id}": ("admin", {"target": {"category_id": used["categories"]}}),
    }
    for kind, one in (("buildings", "building"), ("categories", "category"), ("teams", "team")):
        taken_slug = {"json": {"slug": f"used-{kind}", "name": "Again"}}
        found |= {f"POST /api/{kind}": ("admin", taken_slug)}
        found |= {f"{method} /api/{kind}/{{{one}_id}}": ("admin", taken_slug) for method in ("PUT", "PATCH")}
    titled, other = ({"title": title, "text": "x", "is_shared": True} for title in ("Used", "Other"))
    world.made("/api/saved-replies", **titled)
    reply = {"reply_id": world.made("/api/saved-replies", **other)}
    found |= {"POST /api/saved-replies": ("admin", {"json": titled})}
    found |= {
        f"{method} /api/saved-replies/{{reply_id}}": ("admin", {"target": reply, "json": {"title": "Used"}})
        for method in ("PUT", "PATCH")
    }
    level = {"response_seconds": 60, "resolution_seconds": 60}
    found |= {
        "POST /api/sla-policies": ("admin", {"json": {"name": "High", **level}}),
        "POST /api/calendars": ("admin", {"json": body_of("POST /api/calendars", world, "admin") | office}),
        "DELETE /api/calendars/{calendar_id}": ("admin", {"target": {"calendar_id": _calendar_in_use(world)}}),
    }
    for method in ("PUT", "PATCH"):
        found[f"{method} /api/tags/{{tag_id}}"] = ("admin", {"json": {"name": "used"}})
        found[f"{method} /api/sla-policies/{{policy_id}}"] = ("admin", {"json": {"name": "High"}})
        found[f"{method} /api/calendars/{{calendar_id}}"] = ("admin", {"json": office})
        found[f"{method} /api/views/{{view_id}}"] = ("admin", {"json": {"name": named["name"]}})
        found[f"{method} /api/tickets/{{ticket_id}}"] = (
            "reporter", {"target": {"ticket_id": number}, "json": {"status": "waiting"}},
        )  # fmt: skip
        found[f"{method} /api/users/{{user_id}}"] = ("admin", {"target": {"user_id": last}, "json": {"role": "agent"}})
    return found


def _calendar_in_use(world: World) -> int:
    number: int = TARGETS["calendar"](world, "admin")["calendar_id"]
    level = body_of("POST /api/sla-policies", world, "admin")
    world.made("/api/sla-policies", **level, calendar_id=number)
    return number


def _late_confirmation(world: World) -> dict[str, str]:
    """A link for a username that somebody took in the meantime."""
    from models import TokenPurpose

    token = world.link(TokenPurpose.CONFIRM, username=world.other.username, email="late@campus.test", name="Late")
    return {"token": token, "password": NEW_PASSWORD}


def _late_address(world: World) -> dict[str, str]:
    from models import TokenPurpose

    return {"token": world.link(TokenPurpose.NEW_ADDRESS, email=world.reporter.email)}


@contextmanager
def _database_away() -> Iterator[None]:
    def refuse(*_: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("server closed the connection"))

    event.listen(db.engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", refuse)


FOREIGN = {"Cookie": "access_token=x", "Sec-Fetch-Site": "cross-site"}


def test_the_contract_lists_exactly_the_statuses_that_are_enforced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each documented status of each call is brought about; whatever else comes back is not documented: both fail."""
    walk = Walk(world)
    for name, call in walk.calls.items():
        done = walk.send(name)
        assert done.status_code == call.status, name
        walk.send(name, query="?nonsense=1")
        walk.send(name, "anonymous")
        walk.send(name, "other")
        if call.method == "GET" and not call.streams:
            tag = {"If-None-Match": done.headers["ETag"]}
            walk.send(name, target=_ids_of(name, done), headers=tag)
        elif call.method != "GET":
            foreign = FOREIGN if call.action is None else FOREIGN | {"Cookie": f"access_token={world.admin.token}"}
            walk.send(name, "anonymous", headers=foreign)
        if call.body is not None:
            for data, kind in (
                (b"{", "application/json"),
                (b"{}", "text/plain"),
                (b" " * 2_000_000, "application/json"),
            ):
                walk.send(name, data=data, content_type=kind)
            walk.send(name, json={"nonsense": 1})
        if call.upload is not None:
            walk.send(name, **form(a_picture(), field="nonsense"))
            walk.send(name, **form(b" " * 11_000_000))
            walk.send(name, data=b"x", content_type="multipart/form-data")
            walk.send(name, json={})
        if "{" in name:
            walk.send(name, target=dict.fromkeys(TARGETS[walk.targets[name]](world, "admin"), MISSING))
        if call.if_match:
            walk.send(name, headers={"If-Match": '"999999.x"'})
        if "token" in (call.body.fields if call.body else {}):
            body = body_of(name, world, "admin")
            walk.send(name, json=body | {"token": "x" * 43})
        with _database_away():
            target = dict.fromkeys(re.findall(r"{(\w+)}", name), 1)
            body = {"json": None} if call.body is None else {"json": _static_body(name)}
            body = form(b"") if call.upload else body
            cookie = {"Cookie": f"refresh_token=1.1.{'x' * 43}", "Origin": world.app.config["PUBLIC_BASE_URL"]}
            walk.send(name, target=target, headers=cookie if name.endswith("/refresh") else {}, **body)
    monkeypatch.setattr(vocabulary, "MOST_TICKETS", 0)
    conflicts = _conflicts(world)
    guest = walk.send("POST /api/tickets", "anonymous", json=a_report(email="guest@elsewhere.test"))
    assert guest.status_code == 202
    assert conflicts.keys() == {name for name, call in walk.calls.items() if 409 in call.raises}
    for name, (who, changes) in conflicts.items():
        assert walk.send(name, who, **changes).status_code == 409, name
    wrong = {"identifier": world.other.username, "password": "wrong"}
    assert walk.send("POST /api/auth/login", json=wrong).status_code == 401
    assert walk.send("POST /api/auth/refresh", "anonymous", headers={"Cookie": ""}).status_code == 401
    targets = {name: TARGETS[walk.targets[name]](world, "admin") for name in walk.calls}
    world.people["fresh"] = Person.made(world.app, "customer")
    report = {"token": world.guest_report()}
    monkeypatch.setattr(limits, "wait_seconds", lambda *_: 7.2)
    for name, call in walk.calls.items():
        changes: dict[str, Any] = {"target": targets[name]}
        if name.endswith("/users/me") and call.method != "GET":
            changes["json"] = {"email": f"{unique('moved')}@campus.test", "current_password": PASSWORD}
        if name == "POST /api/tickets/confirm":
            changes["json"] = report
        response = walk.send(name, "fresh" if name in OF_CUSTOMERS else "admin", **changes)
        assert (response.status_code == 429) == call.limited, name
        assert response.headers.get("Retry-After") == ("8" if call.limited else None), name
    documented = {
        name: {int(status) for status in operation_of(call)["responses"]} for name, call in walk.calls.items()
    }
    different = {
        name: {
            "only documented": documented[name] - walk.reached[name],
            "only enforced": walk.reached[name] - documented[name],
        }
        for name in walk.calls
        if documented[name] != walk.reached[name]
    }
    assert different == {}


def _ids_of(name: str, done: TestResponse) -> dict[str, Any]:
    """The path's parts of a request that was made."""
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[\\w-]+)", name.partition(" ")[2])
    found = re.fullmatch(pattern, done.request.path)
    assert found
    return {part: int(value) if value.isdigit() else value for part, value in found.groupdict().items()}


def _static_body(name: str) -> dict[str, Any]:
    """A right body that needs no database to be made."""
    plain: dict[str, Any] = {
        "address": {"token": "x" * 43},
        "confirm": {"token": "x" * 43, "password": NEW_PASSWORD},
        "reset": {"token": "x" * 43, "password": NEW_PASSWORD},
        "affected": {"user_id": 1},
        "merge": {"into_id": 1},
        "report-subscriptions": {"user_id": 1, "every": "week"},
        "order": {"ids": [1]},
    }
    nobody = SimpleNamespace(
        reporter=SimpleNamespace(username="nobody", email="nobody@campus.test"), other=SimpleNamespace(id=1)
    )
    if name == "POST /api/tickets/confirm":
        return plain["address"]
    return plain.get(name.rpartition("/")[2]) or body_of(name, nobody, "admin")  # type: ignore[arg-type]


# --- headers are as documented ----------------------------------------------------------------------------------------


def _header_names(call: Call) -> set[str]:
    return {resolved(p)["name"] for p in operation_of(call)["parameters"] if resolved(p)["in"] == "header"}


def test_if_match_is_compared_where_the_contract_says_so_and_nowhere_else(world: World) -> None:
    walk = Walk(world)
    for name, call in walk.calls.items():
        if call.method == "GET":
            continue
        stale = walk.send(name, headers={"If-Match": '"999999.x"'})
        assert (stale.status_code == 412) == ("If-Match" in _header_names(call)) == call.if_match, name
        if call.if_match:
            target = dict.fromkeys(re.findall(r"{(\w+)}", name), stale.json["current"]["id"])
            shown = world.admin.get(stale.request.path)
            assert shown.json == stale.json["current"]
            assert shown.headers["ETag"] == stale.headers["ETag"]
            fresh = walk.send(name, target=target, headers={"If-Match": stale.headers["ETag"]})
            assert fresh.status_code == call.status, name


def test_what_was_shown_first_is_the_etag_that_the_next_change_takes(world: World) -> None:
    """The ETag of a POST, of a PATCH and of a GET is one and the same, and each can be sent as If-Match."""
    walk = Walk(world)
    for kind, change in (("tickets", {"title": "Something else"}), ("tasks", {"title": "Something else"})):
        made = walk.send(f"POST /api/{kind}")
        path = made.headers["Location"]
        assert world.admin.get(path).headers["ETag"] == made.headers["ETag"]
        edited = world.admin.patch(path, change, headers={"If-Match": made.headers["ETag"]})
        assert edited.status_code == 200
        assert edited.headers["ETag"] == world.admin.get(path).headers["ETag"] != made.headers["ETag"]
        gone = world.admin.delete(path, headers={"If-Match": edited.headers["ETag"]})
        assert gone.status_code == 204


def test_an_idempotency_key_is_heeded_where_the_contract_says_so(world: World) -> None:
    walk = Walk(world)
    for name, call in walk.calls.items():
        documented = "Idempotency-Key" in _header_names(call)
        assert documented == call.creates, name
        if not call.creates:
            continue
        key, target = {"Idempotency-Key": unique("key")}, TARGETS[walk.targets[name]](world, "admin")
        body = sent_with(name, world, "admin")
        first, second = (walk.send(name, target=target, headers=key, **body) for _ in range(2))
        assert (first.status_code, first.data) == (second.status_code, second.data) == (call.status, first.data)
        assert {h: first.headers.get(h) for h in ("Location", "ETag")} == {
            h: second.headers.get(h) for h in ("Location", "ETag")
        }
        assert (first.headers.get("Idempotent-Replayed"), second.headers["Idempotent-Replayed"]) == (None, "true")
        work()  # photos are there when they are decoded
        if call.status == 201:
            assert world.admin.get(first.headers["Location"]).status_code == 200
        other = form(a_picture(5)) if call.upload else {"json": (body["json"] or {}) | {"name": "Other"}}
        reused = walk.send(name, target=target, headers=key, **other)
        assert reused.status_code == 422, name


def test_a_wrong_method_says_which_are_right(world: World) -> None:
    walk = Walk(world)
    by_rule: dict[str, set[str]] = {}
    for call in walk.calls.values():
        by_rule.setdefault(short(call.rule), set()).add(call.method)
    for rule, methods in by_rule.items():
        allowed = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        path = re.sub(r"{\w+}", "1", rule)
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"} - methods:
            response = world.admin.open(method, path)
            assert response.status_code == 405, (method, path)
            assert response.mimetype == "application/problem+json"
            # `/users/me` is also no number: where two rules match, the router names the methods of both
            assert allowed <= set(response.headers["Allow"].split(", ")), path


# --- shapes -----------------------------------------------------------------------------------------------------------

_moment = datetime(2026, 5, 12, 10, 2, 3, 456789, tzinfo=timezone(timedelta(hours=2)))


def _plain(name: str, shape_field: ma.fields.Field) -> Any:
    """A value that a column of this kind may hold."""
    if isinstance(shape_field, ma.fields.Enum):
        return list(shape_field.enum)[-1]
    if isinstance(shape_field, ma.fields.AwareDateTime):
        return _moment.astimezone(UTC)
    if isinstance(shape_field, ma.fields.Boolean):
        return True
    if isinstance(shape_field, ma.fields.Integer):
        return 2**60
    if isinstance(shape_field, ma.fields.Dict):
        return {"reply": "off"}
    assert type(shape_field) is ma.fields.String, (name, shape_field)
    return f"{name} — “ü” \U0001f4a7"


def _row(shape: Shape, prefix: str = "", *, nulls: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The flat columns that a shape reads, and the same nested, as marshmallow wants it."""
    flat: dict[str, Any] = {}
    nested: dict[str, Any] = {}
    for name, shape_field in shape.fields.items():
        empty = nulls and shape_field.allow_none
        if isinstance(shape_field, Group):
            inner, deep = _row(shape_field.schema, f"{prefix}{shape_field.prefix}", nulls=nulls)
            flat |= dict.fromkeys(inner) if empty else inner
            nested[name] = None if empty else deep
        else:
            flat[f"{prefix}{name}"] = nested[name] = None if empty else _plain(name, shape_field)
    return flat, nested


def _written() -> list[type[Shape]]:
    """The shapes that rows are dumped with: made of columns and groups alone."""
    kinds = {
        ma.fields.String,
        ma.fields.Integer,
        ma.fields.Boolean,
        ma.fields.Enum,
        ma.fields.Dict,
        schemas.Moment,
        Group,
    }
    shapes = [thing for thing in vars(schemas).values() if isinstance(thing, type) and issubclass(thing, Shape)]
    return [shape for shape in shapes if shape().fields and all(type(f) in kinds for f in shape().fields.values())]


@pytest.mark.parametrize("shape", _written(), ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("nulls", [False, True])
def test_what_the_compiled_dump_writes_is_what_marshmallow_would_write(shape: type[Shape], nulls: bool) -> None:
    flat, nested = _row(shape(), nulls=nulls)
    theirs = orjson.loads(orjson.dumps(shape().dump(nested)))
    # an object is read by name; what a SELECT gives by position, wherever the columns stand
    for row in (SimpleNamespace(**flat), _as_selected(flat), _as_selected(dict(reversed(flat.items())))):
        ours = orjson.loads(orjson.dumps(shape().dump_row(row), option=Json.OPTIONS))
        assert _same_times(ours) == _same_times(theirs)


def _as_selected(flat: dict[str, Any]) -> Any:
    return namedtuple("Selected", flat)(**flat)


def _same_times(value: Any) -> Any:
    """Z and +00:00 are one."""
    if isinstance(value, dict):
        return {name: _same_times(inner) for name, inner in value.items()}
    return re.sub(r"\+00:00$", "Z", value) if isinstance(value, str) else value


def test_the_compiled_dump_refuses_what_it_cannot_write() -> None:
    class Other(Shape):
        items = ma.fields.Nested(schemas.PersonShape)

    with pytest.raises(TypeError, match=r"Other\.items"):
        Other().dump_row(SimpleNamespace(items=None))


def test_the_compiled_dump_writes_a_group_beside_a_single_column() -> None:
    class Other(Shape):
        id = ma.fields.Integer()
        team = Group(schemas.NamedShape, "team_")

    row = SimpleNamespace(id=1, team_id=2, team_slug="it", team_name="IT")
    assert Other().dump_row(row) == {"id": 1, "team": {"id": 2, "slug": "it", "name": "IT"}}


def test_every_shape_that_comes_in_refuses_unknown_fields(app: Flask) -> None:
    for call in served(app):
        for shape in (call.body, call.query):
            if shape is not None:
                with pytest.raises(ma.ValidationError) as refused:
                    shape.load({"nonsense": 1})
                assert refused.value.normalized_messages()["nonsense"]


def test_every_word_of_a_vocabulary_is_a_string_in_the_contract() -> None:
    def enums(thing: Any) -> Iterator[dict[str, Any]]:
        if isinstance(thing, dict):
            if isinstance(thing.get("enum"), list):
                yield thing
            for inner in thing.values():
                yield from enums(inner)
        elif isinstance(thing, list):
            for inner in thing:
                yield from enums(inner)

    for found in enums(document()):
        kinds = {"null" if value is None else "string" for value in found["enum"]}
        stated = found.get("type")
        assert {stated} == kinds if isinstance(stated, str) else set(stated or ()) == kinds, found
    assert issubclass(schemas.Status, StrEnum)
    assert a_report()["title"]


# --- thousands of requests made of the contract -----------------------------------------------------------------------

REFUSED = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "429"]
LOOKED_UP = {
    "assignee_id", "building", "category", "cursor", "locale", "parent_id", "password", "reporter_id", "tags", "team_id",
    "ticket_id", "into_id", "until", "away_until", "time_zone", "tz", "user_id", "email", "current_password",
    "Idempotency-Key", "image", "images",
    "calendar_id", "category_ids", "team_ids", "ids", "policies", "hours", "holidays", "resolution_seconds",
    "add_tags", "remove_tags",
}  # fmt: skip
"""Fields whose right values stand in the database, or in a list, and not in the contract; or beside another field."""


TOGETHER = {"from", "to", "interval", "hour"}
"""Fields of a query whose values are right beside others only."""


def _aliases() -> set[str]:
    """Paths where PUT is another word for PATCH."""
    return {path for path, operations in document()["paths"].items() if {"put", "patch"} <= operations.keys()}


def test_put_is_another_word_for_patch(app: Flask) -> None:
    """So one of them is enough for the thousands."""
    calls = {name_of(call): call for call in served(app)}
    assert _aliases()
    for path in _aliases():
        put, patch = calls[f"PUT {path}"], calls[f"PATCH {path}"]
        verbs = {unwrap(app.view_functions[call.endpoint]) for call in (put, patch)}
        assert len(verbs) == 1, path
        assert operation_of(put) | {"operationId": ""} == operation_of(patch) | {"operationId": ""}, path


def _fuzzed(app: Flask, token: str, tag: str, *, thorough: bool) -> Iterator[str]:
    """What schemathesis finds wrong in the calls of a tag. Thorough: every boundary that the contract states, too.

    On PostgreSQL nothing is sent that does not fit the contract, for that is refused before a database hears of it; and
    boundaries or what chance brings, not both.
    """
    everything = db.engine.dialect.name == "sqlite"
    phases = {"stateful": False, "coverage": thorough, "fuzzing": everything or not thorough}
    config = schemathesis.config.SchemathesisConfig.from_dict(
        {
            "headers": {"Authorization": f"Bearer {token}"},
            "seed": 1,
            "workers": 1,
            "continue-on-failure": True,
            "generation": {
                "mode": "all" if everything else "positive",
                "max-examples": 6,
                "deterministic": True,
                "database": "none",
            },
            "phases": {name: {"enabled": enabled} for name, enabled in phases.items()},
            "checks": {
                "negative_data_rejection": {"expected-statuses": REFUSED},
                # it wants every value that fits the schema to fit the database too; see `_is_right_but_refused`
                "positive_data_acceptance": {"enabled": False},
                # does not work over WSGI (4.32); the matrix of test_policy holds it for every call
                "ignored_auth": {"enabled": False},
            },
        }
    )
    schema = schemathesis.openapi.from_dict(document(), config=config)

    def door(environ: Any, start_response: Any) -> list[bytes]:
        response = app.wsgi_app(environ, start_response)
        try:
            return list(response)
        finally:
            response.close()

    schema.app = door
    aliases = _aliases()
    tried = schema.include(tag=tag).exclude(lambda it: it.operation.method == "put" and it.operation.path in aliases)
    unasked = {operation.ok().label for operation in tried.get_all_operations()}
    assert unasked
    for happened in engine.from_schema(tried).execute():
        if isinstance(happened, engine.events.NonFatalError | engine.events.FatalError):
            yield f"{vars(happened)}"
        if isinstance(happened, engine.events.ScenarioFinished):
            if happened.recorder.interactions:
                unasked.discard(happened.recorder.label)
            for number, checks in happened.recorder.checks.items():
                for found in checks:
                    if found.failure_info is not None:
                        yield f"{happened.recorder.label}: {found.failure_info.failure}\n{found.failure_info.code_sample}"
                yield from _is_right_but_refused(happened.recorder, number)
    yield from (f"{label}: was not asked" for label in unasked)


def _is_right_but_refused(recorder: Any, number: str) -> Iterator[str]:
    """A request that fits the contract is not refused for its form."""
    made, answer = recorder.cases[number].value, recorder.interactions[number].response
    is_right = made.meta is not None and made.meta.generation.mode.value == "positive"
    if is_right and answer is not None and answer.status_code == 422:
        errors = answer.json()["errors"]
        errors = errors["filters"] if isinstance(errors.get("filters"), dict) else errors
        if not errors.keys() <= LOOKED_UP | TOGETHER and "Not a valid integer." not in str(errors):
            # 5.0 fits, and is not taken
            yield f"{recorder.label}: {errors} for {made.as_curl_command()}"


@pytest.mark.parametrize("tag", [tag["name"] for tag in document()["tags"]])
@pytest.mark.parametrize("who", ["admin", "reporter"])
def test_schemathesis_finds_nothing(world: World, tag: str, who: str) -> None:
    world.comment("words")
    world.comment("broadcast")
    world.made("/api/tags", name="valve")
    token = world.people[who].token
    assert token
    db.session.remove()
    assert list(_fuzzed(world.app, token, tag, thorough=who == "admin")) == []
    assert world.anonymous.get("/readyz").status_code == 200
