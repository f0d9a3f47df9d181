"""What must be provable later, in the transaction of what it proves. Append-only: nothing here updates or deletes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select

from helpdesk.policy import Actor
from models import ActorKind, AuditEvent, db, fetch

AREAS = {
    "sign-in": "sign-in", "account": "sign-in", "address": "sign-in", "password": "sign-in", "session": "sign-in",
    "denied": "denied", "user": "people", "category": "places", "building": "places", "tag": "places", "team": "places",
    "ticket": "tickets", "comment": "tickets", "image": "tickets", "task": "tickets", "merge": "tickets",
    "saved_reply": "writing", "view": "writing", "sla_policy": "levels", "calendar": "levels", "report": "exports",
    "report_subscription": "exports", "export": "exports", "job": "jobs",
    "mail": "jobs",
}  # fmt: skip
"""The first word of an action → what it is about."""
OTHER = "other"


def area_of(action: str) -> str:
    return AREAS.get(action.partition(".")[0], OTHER)


def changes(row: Any, data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a wish changes in a row, before it does: field → `before` and `after`. Nothing that names a person."""
    return {
        name: {"before": getattr(row, name), "after": value}
        for name, value in data.items()
        if getattr(row, name, value) != value
    }


def who_first(targets: Iterable[str], actions: Iterable[str]) -> dict[str, int]:
    """Who of all was the first to do one of these to each, where somebody was."""
    firsts = (
        select(func.min(AuditEvent.id))
        .where(AuditEvent.target.in_(list(targets)), AuditEvent.action.in_(list(actions)))
        .group_by(AuditEvent.target)
    )
    rows = fetch(select(AuditEvent.target, AuditEvent.actor_id).where(AuditEvent.id.in_(firsts)))
    return {row.target: row.actor_id for row in rows if row.actor_id is not None}


def record(
    action: str,
    *,
    actor: Actor | None = None,
    actor_id: int | None = None,
    target: str | None = None,
    peer: str | None = None,
    request_id: str | None = None,
    **detail: Any,
) -> None:
    """Write one audit event. `actor_id` is for those who are only just becoming an actor, by logging in."""
    db.session.add(
        AuditEvent(
            action=action,
            area=area_of(action),
            actor_kind=actor.kind if actor else ActorKind.USER,
            actor_id=actor.id if actor else actor_id,
            target=target,
            peer=actor.peer if actor else peer,
            request_id=actor.request_id if actor else request_id,
            detail=detail,
        )
    )
