"""What every door needs: who asks, what they sent, pages, ETags, idempotency, and how an answer is written.

`Doors.call` is one decorator for one call of the contract. It does what it is told and keeps a record of it in CALLS,
from which openapi.yml, docs/permissions.md and the tests' matrix are made: what is enforced and what is documented
cannot differ.
"""

from blueprints.http.attached import FIELD, Photos, photos, without_photos
from blueprints.http.calls import CALLS, Answer, Call, Doors, Pages, page, photo, served, streamed, table, text_file
from blueprints.http.codec import Json, read_json
from blueprints.http.once import Replay, begin, begin_form, leave, look, name_of_call, name_of_form, seen_before
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
    reader,
    refresh_cookie,
    renew_cookie,
    set_cookies,
)
from blueprints.http.wish import ID, TOKEN, IdConverter, TokenConverter, load, load_form, query_dict

__all__ = [
    "CALLS",
    "FIELD",
    "ID",
    "SAFE",
    "TOKEN",
    "Answer",
    "Call",
    "Doors",
    "IdConverter",
    "Json",
    "Pages",
    "Photos",
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
    "leave",
    "limit",
    "load",
    "load_form",
    "look",
    "make_etag",
    "name_of_call",
    "name_of_form",
    "page",
    "peer",
    "photo",
    "photos",
    "query_dict",
    "read_json",
    "reader",
    "refresh_cookie",
    "renew_cookie",
    "seen_before",
    "served",
    "set_cookies",
    "streamed",
    "table",
    "text_file",
    "without_photos",
]
