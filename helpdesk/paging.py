"""Pages of a list: keyset cursors over never-null columns, with the id as tie-break, signed so that none is made up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, tuple_

from helpdesk.auth import keys
from helpdesk.errors import Invalid
from models import Rows, fetch


@dataclass(frozen=True)
class Page:
    rows: list[Any]
    next_cursor: str | None


Order = dict[str, tuple[Any, Any]]
"""Name of a sort → the column it sorts by and the id. Requests name a key of this, never a column: no SQL gets in."""


def ordered(statement: Rows, order: Order, sort: str, *, after: bool) -> Rows:
    """The statement in its order, with its parameters `limit`, and `after_key` and `after_id` for a following page."""
    column, key = order[sort.removeprefix("-")]
    descending = sort.startswith("-")
    if after:
        here = tuple_(column, key)
        there = tuple_(bindparam("after_key", type_=column.type), bindparam("after_id", type_=key.type))
        statement = statement.where(here < there if descending else here > there)
    columns = [column] if column is key else [column, key]
    ways = [one.desc() for one in columns] if descending else columns
    return statement.add_columns(column.label("sort_key")).order_by(*ways).limit(bindparam("limit"))


def page(
    build: Callable[[bool], Rows],
    values: dict[str, Any],
    *,
    of: str,
    limit: int,
    cursor: str | None,
    fits: Callable[[list[Any], int], int] = lambda rows, limit: limit,
) -> Page:
    """Execute one page. `of` says what its cursors belong to: the list and its order. Raises Invalid.

    `fits` says how many of the rows a page holds, at most the limit, where they may be heavy.
    """
    values = dict(values, limit=limit + 1)
    if cursor is not None:
        values["after_key"], values["after_id"] = _read(cursor, of)
    rows = list(fetch(build(cursor is not None), values))
    shown = rows[: fits(rows, limit)]
    more, rows = len(rows) > len(shown), shown
    return Page(rows, _write(rows[-1], of) if more else None)


def ranked(rows: list[Any], score: Callable[[Any], int], *, of: str, limit: int, cursor: str | None) -> Page:
    """A page of rows in hand, the best and newest first. What they scored is in the cursor, so rows may be added."""
    keyed = sorted(((score(row), row.id, row) for row in rows), key=lambda one: one[:2], reverse=True)
    if cursor is not None:
        after = _read(cursor, of)
        keyed = [one for one in keyed if one[:2] < after]
    more, keyed = len(keyed) > limit, keyed[:limit]
    return Page([row for *_, row in keyed], _sealed(["v", *keyed[-1][:2]], of) if more else None)


def _sign(body: bytes, of: str, key: str) -> bytes:
    return hmac.digest(key.encode(), b"cursor|" + hashlib.sha256(of.encode()).digest() + body, "sha256")[:12]


def _write(row: Any, of: str) -> str:
    key = row.sort_key
    if isinstance(key, datetime):
        value: Any = ["t", key.astimezone(UTC).isoformat()]
    else:
        value = ["v", key.value if isinstance(key, StrEnum) else key]
    return _sealed([*value, row.id], of)


def _sealed(position: list[Any], of: str) -> str:
    body = json.dumps(position, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_sign(body, of, keys()[0]) + body).rstrip(b"=").decode()


def _read(cursor: str, of: str) -> tuple[Any, int]:
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise _bad() from None
    signature, body = raw[:12], raw[12:]
    if not any(hmac.compare_digest(signature, _sign(body, of, key)) for key in keys()):
        raise _bad()
    kind, value, row_id = json.loads(body)
    return (datetime.fromisoformat(value) if kind == "t" else value), row_id


def _bad() -> Invalid:
    return Invalid({"cursor": ["This cursor does not belong to this list. Start again without one."]})
