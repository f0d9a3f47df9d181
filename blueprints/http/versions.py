"""Which version of a thing somebody has in front of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from flask import g, request

from blueprints.http.codec import Json
from helpdesk.errors import Stale


def make_etag(body: Any, raw: bytes | None = None) -> str:
    """The version, which If-Match compares, and a digest of all that this caller sees, which If-None-Match compares."""
    raw = raw if raw is not None else orjson.dumps(body, option=Json.OPTIONS)
    version = body.get("version") if isinstance(body, Mapping) else None
    return f'"{version or 0}.{hashlib.blake2b(raw, digest_size=9).hexdigest()}"'


def expect_version(version: int | None, current: Callable[[], dict[str, Any]]) -> None:
    """If-Match names the version that somebody has in front of them. Raises Stale with the thing as it is now."""
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    known = set(re.findall(r'"(\d+)[."]', wanted))
    if str(version) not in known:
        shown = current()
        g.stale_etag = make_etag(shown)
        raise Stale("Look at what changed, then send it again.", current=shown)


def expect_form_version(version: int) -> None:
    """A form's hidden `version` is the one that its writer had in front of them. Raises Stale."""
    if request.form.get("version") != str(version):
        raise Stale
