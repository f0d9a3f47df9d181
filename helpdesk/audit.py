"""What must be provable later, in the transaction of what it proves. Append-only: nothing here updates or deletes."""

from __future__ import annotations

from typing import Any

from helpdesk.policy import Actor
from models import ActorKind, AuditEvent, db


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
            actor_kind=actor.kind if actor else ActorKind.USER,
            actor_id=actor.id if actor else actor_id,
            target=target,
            peer=actor.peer if actor else peer,
            request_id=actor.request_id if actor else request_id,
            detail=detail,
        )
    )
