"""The audit log as an admin reads it: who changed what in administration, who came in, who was refused.

Nothing here writes but that it was exported: the log is written by `helpdesk.audit` alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select

from helpdesk import audit, paging, policy
from helpdesk.policy import Action, Actor
from helpdesk.schemas import AuditEventShape
from helpdesk.spreadsheets import rows_as_csv
from models import ActorKind, AuditEvent, Rows, User, db, fetch

BATCH = 1000
"""Rows of an export that are read at once."""
COLUMNS = (
    "time", "action", "actor_id", "actor", "actor_kind", "target", "detail", "address", "request_id", "event_id",
)  # fmt: skip

_shape = AuditEventShape()

# Requests name a key of these, never a column: nothing that somebody types becomes SQL.
FILTERS: dict[str, Callable[[], ColumnElement[bool]]] = {
    "area": lambda: AuditEvent.area == bindparam("area"),
    "action": lambda: AuditEvent.action == bindparam("action"),
    "actor": lambda: AuditEvent.actor_id == bindparam("actor"),
    "system": lambda: AuditEvent.actor_kind == ActorKind.SYSTEM,
    "target": lambda: AuditEvent.target == bindparam("target"),
    "after": lambda: AuditEvent.created_at >= bindparam("after"),
    "before": lambda: AuditEvent.created_at < bindparam("before"),
}
_ORDER: paging.Order = {"created_at": (AuditEvent.created_at, AuditEvent.id)}


@lru_cache(maxsize=128)
def _listed(names: frozenset[str], after: bool) -> Rows:
    statement = select(
        AuditEvent.id, AuditEvent.action, AuditEvent.area, AuditEvent.actor_kind, AuditEvent.actor_id,
        User.name.label("actor_name"), AuditEvent.target, AuditEvent.detail, AuditEvent.peer, AuditEvent.request_id,
        AuditEvent.created_at,
    ).outerjoin(User, User.id == AuditEvent.actor_id)  # fmt: skip
    for name in sorted(names):
        statement = statement.where(FILTERS[name]())
    return paging.ordered(statement, _ORDER, "-created_at", after=after)


def _page(filters: Mapping[str, Any], *, limit: int, cursor: str | None) -> paging.Page:
    values = dict(filters)
    actor = values.pop("actor", None)
    if actor == "system":
        values["system"] = True
    elif actor is not None:
        values["actor"] = int(actor)
    names = frozenset(values)
    return paging.page(lambda after: _listed(names, after), values, of="audit", limit=limit, cursor=cursor)


def listing(
    actor: Actor, filters: Mapping[str, Any], *, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of what is on record, newest first. Raises Forbidden, Invalid."""
    policy.require(actor, Action.AUDIT_READ)
    found = _page(filters, limit=limit, cursor=cursor)
    return [_shape.dump_row(row) for row in found.rows], found.next_cursor


_people = select(User.id, User.name).where(User.id.in_(bindparam("ids", expanding=True)))


def names_of_targets(actor: Actor, events: list[dict[str, Any]]) -> dict[str, str]:
    """What those are called now that something was done to, by `user:17`. One statement, where there are some.

    Raises Forbidden.
    """
    policy.require(actor, Action.AUDIT_READ)
    ids = {int(found[1]) for one in events if (found := re.fullmatch(r"user:(\d{1,15})", one["target"] or ""))}
    return {f"user:{row.id}": row.name for row in fetch(_people, {"ids": sorted(ids)})} if ids else {}


def export(actor: Actor, filters: Mapping[str, Any]) -> Iterator[bytes]:
    """All of it as CSV, without a cap, read as it is sent. Commits that it was exported before anything is given out.

    Raises Forbidden.
    """
    policy.require(actor, Action.AUDIT_READ)
    said = {name: value if isinstance(value, str) else value.isoformat() for name, value in filters.items()}
    audit.record("export.audit_events", actor=actor, filters=said)
    db.session.commit()
    return rows_as_csv(COLUMNS, _rows(filters))


def _rows(filters: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    cursor = None
    while True:
        found = _page(filters, limit=BATCH, cursor=cursor)
        db.session.rollback()  # whoever takes it in slowly holds no connection and no old rows
        for row in found.rows:
            yield (
                row.created_at.isoformat().replace("+00:00", "Z"), row.action, row.actor_id, row.actor_name,
                row.actor_kind.value, row.target, json.dumps(row.detail, ensure_ascii=False) if row.detail else "",
                row.peer, row.request_id, row.id,
            )  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return
