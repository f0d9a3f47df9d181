"""openapi.yml: written from the calls as they are enforced, served as JSON, and shown at /api/docs."""

from __future__ import annotations

import re
from typing import Any

import apispec
import marshmallow as ma
import yaml
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Flask, Response, current_app, jsonify, render_template

from blueprints.http import Call, served
from helpdesk import schemas
from helpdesk.policy import ROLES

docs = Blueprint("contract", __name__, url_prefix="/api")

VERSION = "0.1.0"
DESCRIPTION = """\
Report problems, follow and answer them, and run the desk.

Times are RFC 3339 in UTC. Errors are `application/problem+json` (RFC 9457). Lists give `items` and `next_cursor`: pass
it as `cursor`. A GET carries an `ETag`: with `If-None-Match` it answers 304 while nothing changed, so polling is cheap.
A thing with a `version` can be changed with `If-Match`: 412 if somebody changed it meanwhile. A POST that creates takes
an `Idempotency-Key`: repeated within 24 hours it answers what it answered first and creates nothing.

Programs send `Authorization: Bearer …`. Browsers have cookies; then every write must come from our own pages.
"""
TAGS = {
    "auth": "Signing in and out, registering, passwords",
    "users": "One's own account; looking people up; inviting and looking after them",
    "tickets": "Reporting, listing, triage, joining",
    "comments": "Conversation, history, and both as a timeline",
    "merging": "Two tickets for one problem, and two problems in one ticket",
    "images": "Photos: uploading, tying them to tickets and comments, getting them",
    "tasks": "The staff's own work",
    "writing": "Drafts of the staff, and who else has a ticket open",
    "sla": "Service levels, calendars, and why something is due when it is",
    "replies": "Words that the staff send often",
    "views": "Lists of tickets that are kept under a name",
    "bulk": "Changing many tickets at once, and taking it back",
    "guests": "People without an account",
    "categories": "Categories, buildings and tags",
    "teams": "Teams, who works in them, and who is away",
    "audit": "What is on record",
    "jobs": "What the worker has to do",
    "postbox": "Mails that came in",
    "analytics": "The desk's figures",
    "reports": "Whom the desk's figures are mailed to",
    "site": "What a portal must know first",
}
HEADERS: dict[str, dict[str, Any]] = {
    "XRequestID": {"schema": {"type": "string"}, "description": "Names this request in our logs."},
    "ETag": {"schema": {"type": "string"}, "description": "Version and digest of what was sent."},
    "Location": {"schema": {"type": "string"}, "description": "Where the new thing is."},
    "ContentDisposition": {"schema": {"type": "string"}, "description": "A name to save it under."},
    "Link": {"schema": {"type": "string"}, "description": 'The next page, `rel="next"`, while there is one.'},
    "RetryAfter": {"schema": {"type": "integer"}, "description": "Seconds to wait."},
    "WWWAuthenticate": {"schema": {"type": "string"}, "description": "Bearer."},
    "SetCookie": {"schema": {"type": "string"}, "description": "Browsers' tokens, or their end."},
    "IdempotentReplayed": {"schema": {"type": "string"}, "description": "`true` when the answer is a repetition."},
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "If-Match": {"description": "The ETag of what one has in front of one: 412 if it is not the latest version."},
    "If-None-Match": {"description": "The ETag one has: 304 while nothing changed."},
    "Idempotency-Key": {
        "description": "Any text of one's own: repeated within 24 hours, nothing is created twice.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
}
PERMITTED_TO_ALL = frozenset.intersection(*ROLES.values())
FROM_SETTINGS = frozenset({"GET /api/site"})
"""Answered also while the database is away."""
ERRORS = {
    400: "It cannot be read",
    401: "Not signed in",
    403: "The role may never do this, or the page is not ours",
    404: "Not there, or not yours to see",
    405: "The address does not take this method",
    409: "Its state forbids this",
    412: "Somebody changed it in the meantime",
    413: "Too large",
    415: "Another type than is taken here",
    422: "Fields are wrong",
    429: "Too many attempts",
    503: "A part is not available",
}


def _name(schema: Any) -> str:
    shape = schema if isinstance(schema, type) else type(schema)
    return re.sub(r"Shape$", "", shape.__name__)


def _words(self: Any, field: Any, **kwargs: Any) -> dict[str, Any]:
    """What text may hold; vocabulary is text."""
    if isinstance(field, ma.fields.Enum):
        some = {"enum": field.metadata["enum"]} if "enum" in field.metadata else {}
        return {"type": ["string", "null"] if field.allow_none else "string", **some}
    if isinstance(field, schemas.Words | schemas.Secret) and not isinstance(field, schemas.Username | schemas.Address):
        return {"pattern": field.pattern}
    return {"additionalProperties": False} if "properties" in field.metadata else {}


def build(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of what this application serves."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = apispec.APISpec(
        title="Campus Helpdesk",
        version=VERSION,
        openapi_version="3.1.0",
        plugins=[plugin],
        info={"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": "/"}],
    )
    assert plugin.converter is not None  # noqa: S101  (made by the line above)
    plugin.converter.add_attribute_function(_words)
    for name, description in TAGS.items():
        spec.tag({"name": name, "description": description})
    for name, header in HEADERS.items():
        spec.components.header(name, header)
    for name, parameter in PARAMETERS.items():
        spec.components.parameter(
            name.replace("-", ""), "header", {"name": name, "schema": {"type": "string"}, **parameter}
        )
    for scheme, value in (
        ("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
        ("cookie", {"type": "apiKey", "in": "cookie", "name": "access_token"}),
    ):
        spec.components.security_scheme(scheme, value)
    spec.components.schema("Problem", schema=schemas.ProblemShape)
    for status, description in ERRORS.items():
        spec.components.response(_error_name(status), _problem(status, description))
    for call in served(app):
        path, parameters = _path(call.rule)
        spec.path(path=path, operations={call.method.lower(): _operation(call, parameters)})
    for name, component in spec.components.schemas.items():
        component.update(getattr(schemas, f"{name}Shape", schemas.Shape).Meta.contract)
    document: dict[str, Any] = spec.to_dict()
    return document


def _error_name(status: int) -> str:
    return f"Problem{status}"


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _problem(status: int, description: str) -> dict[str, Any]:
    headers = {"X-Request-ID": _header("XRequestID")}
    if status in (429, 503):
        headers["Retry-After"] = _header("RetryAfter")
    if status == 401:
        headers["WWW-Authenticate"] = _header("WWWAuthenticate")
    if status == 412:
        headers["ETag"] = _header("ETag")
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "headers": headers, "content": {"application/problem+json": {"schema": schema}}}


def _path(rule: str) -> tuple[str, list[dict[str, Any]]]:
    kinds = {
        "id": {"type": "integer", "minimum": 0, "maximum": schemas.ID_MAX},
        "token": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    }
    found = re.findall(r"<(\w+):(\w+)>", rule)
    parameters = [{"name": name, "in": "path", "required": True, "schema": kinds[kind]} for kind, name in found]
    return re.sub(r"<\w+:(\w+)>", r"{\1}", rule), parameters


def _operation(call: Call, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    unsafe = call.method != "GET"
    operation: dict[str, Any] = {
        "operationId": call.endpoint.replace(".", "_"),
        "tags": [call.tag],
        "summary": call.summary,
        "description": _description(call),
        "parameters": [*parameters, *_header_parameters(call)],
        "responses": {str(call.status): _success(call), **_accepted(call), **_errors(call)},
        "security": [*([{}] if call.guests else []), {"bearer": []}, {"cookie": []}] if call.action else [],
    }
    if call.action:
        operation["x-permission"] = call.action.value
    if call.query is not None:
        operation["parameters"].append({"in": "query", "schema": call.query})
    if unsafe and call.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": call.body}}}
    if call.upload is not None:
        form = {"schema": schemas.UploadShape}
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": form}}
    return operation


def _description(call: Call) -> str:
    parts = [call.description]
    if call.limited:
        parts.append("Limited: 429 says how long to wait.")
    return "\n\n".join(part for part in parts if part)


def _header_parameters(call: Call) -> list[str]:
    names = []
    if call.method == "GET" and not call.streams:
        names.append("IfNoneMatch")
    if call.if_match:
        names.append("IfMatch")
    if call.creates:
        names.append("IdempotencyKey")
    return names


def _success(call: Call) -> dict[str, Any]:
    headers = {"X-Request-ID": _header("XRequestID")}
    response: dict[str, Any] = {"description": {200: "OK", 201: "Created", 202: "Accepted", 204: "Done"}[call.status]}
    if call.out is not None:
        response["content"] = {"application/json": {"schema": call.out}}
        if call.method == "GET" or "version" in call.out.fields:
            headers["ETag"] = _header("ETag")
        if call.query is not None and {"cursor", "after"} & call.query.fields.keys():
            headers["Link"] = _header("Link")
    if call.sends is not None:
        file = {"schema": {"type": "string", "format": "binary"}}
        response["content"] = {**response.get("content", {}), call.sends: file}
        headers |= {"ETag": _header("ETag"), "Content-Disposition": _header("ContentDisposition")}
    if call.streams:
        response["content"] = {
            kind: {"schema": {"type": "object"} if kind == "application/json" else {"type": "string"}}
            for kind in call.streams
        }
        headers |= {"Content-Disposition": _header("ContentDisposition")}
    if call.cookies:
        headers["Set-Cookie"] = _header("SetCookie")
    if call.creates:
        headers |= {"Location": _header("Location")} if call.status == 201 else {}
        headers["Idempotent-Replayed"] = _header("IdempotentReplayed")
    return {**response, "headers": headers}


def _accepted(call: Call) -> dict[str, Any]:
    """What guests are answered."""
    if not call.guests:
        return {}
    content = {"application/json": {"schema": schemas.AcceptedShape}}
    headers = {"X-Request-ID": _header("XRequestID")}
    return {"202": {"description": "Accepted from a guest", "content": content, "headers": headers}}


def _errors(call: Call) -> dict[str, Any]:
    statuses = {422, *call.raises}
    if f"{call.method} {call.rule}" not in FROM_SETTINGS:
        statuses.add(503)
    if call.method == "GET" and not call.streams:
        answers: dict[str, Any] = {"304": {"description": "Nothing changed", "headers": _success(call)["headers"]}}
    else:
        answers = {}
        statuses.add(403)  # a cookie that somebody else's page sent
    if call.body is not None or call.upload is not None:
        statuses |= {400, 413, 415}
    if call.action is not None:
        statuses |= {401} if call.action in PERMITTED_TO_ALL else {401, 403}
    if "<" in call.rule:
        statuses.add(404)
    if call.if_match:
        statuses.add(412)
    if call.limited:
        statuses.add(429)
    if any(word in call.rule for word in ("confirm", "reset", "address")):
        statuses.add(400)  # a link that is used up or too old
    return answers | {str(status): _error_name(status) for status in sorted(statuses)}


def write() -> str:
    """The text of openapi.yml."""
    return yaml.safe_dump(build(current_app), sort_keys=False, allow_unicode=True, width=120)


@docs.get("/openapi.json")
def openapi() -> Response:
    document = current_app.extensions.get("openapi") or current_app.extensions.setdefault("openapi", build(current_app))
    return jsonify(document)


@docs.get("/docs")
def page() -> str:
    return render_template("docs.html")
