"""openapi.yml as tests read it, and whether an answer is as it says."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import jsonschema
import yaml
from werkzeug.test import TestResponse

from blueprints.http import Call
from helpdesk.settings import ROOT
from tests.world import short


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yml").read_text())
    return found


def name_of(call: Call) -> str:
    return f"{call.method} {short(call.rule)}"


def operation_of(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = document()["paths"][short(call.rule)][call.method.lower()]
    return found


def resolved(thing: dict[str, Any]) -> dict[str, Any]:
    """Behind a `$ref` into the components."""
    if "$ref" not in thing:
        return thing
    found: Any = document()
    for part in thing["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(found)


EVERYWHERE = {
    "Content-Type", "Content-Length", "Cache-Control", "Vary", "Content-Security-Policy", "X-Content-Type-Options",
    "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy", "Connection", "Date",
}  # fmt: skip
SOMETIMES = {"Link", "Idempotent-Replayed", "Set-Cookie", "Content-Disposition"}
"""Documented headers that an answer need not have."""

_formats = jsonschema.FormatChecker(formats=())


@_formats.checks("date-time")
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value))


@lru_cache(maxsize=512)
def _validator(reference: str) -> jsonschema.Draft202012Validator:
    """Shapes refuse what they do not name, so this finds a field too many as well as one too few."""
    schema = {"$ref": reference, "components": document()["components"]}
    return jsonschema.Draft202012Validator(schema, format_checker=_formats)


def check(call: Call, response: TestResponse) -> int:
    """Hold an answer to what is documented for its status. Returns the status."""
    where = f"{name_of(call)} → {response.status_code} {response.data[:500]!r}"
    responses = operation_of(call)["responses"]
    assert str(response.status_code) in responses, where
    documented = resolved(responses[str(response.status_code)])
    content = documented.get("content", {})
    if response.status_code == 304 or not content:
        assert response.data == b"", where
        assert "Content-Type" not in response.headers or response.status_code == 304, where
    else:
        assert response.content_type in content, where
    if "$ref" in content.get(response.content_type, {}).get("schema", {}):
        reference = content[response.content_type]["schema"]["$ref"]
        errors = [f"{error.json_path}: {error.message}" for error in _validator(reference).iter_errors(response.json)]
        assert not errors, (where, errors)
    if response.status_code >= 400:
        assert response.content_type == "application/problem+json", where
        assert response.json["status"] == response.status_code, where
        assert response.json["request_id"] == response.headers["X-Request-ID"], where
    names = {name.title() for name in documented.get("headers", {})}
    given = {name.title() for name, _ in response.headers}
    common = {name.title() for name in EVERYWHERE} | {"X-Request-Id"}
    assert given <= names | common, (where, given - names - common)
    assert names - given <= {name.title() for name in SOMETIMES}, (where, names - given)
    return response.status_code
