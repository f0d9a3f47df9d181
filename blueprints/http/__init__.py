"""What every door needs: who asks, what they sent, pages, ETags, idempotency, and how an answer is written.

`Doors.call` is one decorator for one call of the contract. It does what it is told and keeps a record of it in CALLS,
from which openapi.yml, docs/permissions.md and the tests' matrix are made: what is enforced and what is documented
cannot differ.
"""

from blueprints.http.calls import CALLS, Answer, Call, Doors, page, served
from blueprints.http.codec import Json, read_json
from blueprints.http.once import Replay, begin, begin_form, look, seen_before
from blueprints.http.versions import expect_form_version, expect_version, make_etag
from blueprints.http.visitor import (
    SAFE,
    access_cookie,
    agent,
    anonymous,
    bearer,
    check_origin,
    clear_cookies,
    identity,
    is_browser,
    limit,
    peer,
    refresh_cookie,
    renew_cookie,
    set_cookies,
)
from blueprints.http.wish import ID, TOKEN, IdConverter, TokenConverter, load, query_dict

__all__ = [
    "CALLS",
    "ID",
    "SAFE",
    "TOKEN",
    "Answer",
    "Call",
    "Doors",
    "IdConverter",
    "Json",
    "Replay",
    "TokenConverter",
    "access_cookie",
    "agent",
    "anonymous",
    "bearer",
    "begin",
    "begin_form",
    "check_origin",
    "clear_cookies",
    "expect_form_version",
    "expect_version",
    "identity",
    "is_browser",
    "limit",
    "load",
    "look",
    "make_etag",
    "page",
    "peer",
    "query_dict",
    "read_json",
    "refresh_cookie",
    "renew_cookie",
    "seen_before",
    "served",
    "set_cookies",
]
