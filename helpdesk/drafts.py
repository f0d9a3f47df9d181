"""What one of the staff has written on a ticket and not sent. Nobody else reads it, not an admin either."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from helpdesk import images, jobs, policy
from helpdesk.errors import Invalid, NotFound
from helpdesk.policy import Action, Actor
from models import Audience, Comment, Draft, Rows, Status, Ticket, begin_write, db, fetch, now

KEEP_DAYS = 30


@dataclass(frozen=True)
class Kept:
    """A draft in hand. `images` are numbers of uploads, of which some may be gone by now."""

    text: str
    audience: Audience | None
    then: Status | None
    updated_at: datetime
    images: list[int] = field(default_factory=list)


@lru_cache(maxsize=1)
def own() -> Rows:
    """The draft of the parameter `me` on the parameter `ticket_id`."""
    return select(Draft.text, Draft.audience, Draft.then, Draft.images, Draft.updated_at).where(
        Draft.user_id == policy.ME, Draft.ticket_id == bindparam("ticket_id")
    )


def kept(text: str, audience: str | None, then: str | None, numbers: Any, updated_at: datetime) -> Kept:
    """A draft of what its columns say; its numbers may be as JSON stands in the database."""
    found = json.loads(numbers) if isinstance(numbers, str) else numbers
    return Kept(text, Audience(audience) if audience else None, Status(then) if then else None, updated_at, found or [])


def find(actor: Actor, ticket_id: int) -> Kept | None:
    row = fetch(own(), {**policy.params(actor), "ticket_id": ticket_id}).one_or_none()
    return kept(row.text, row.audience, row.then, row.images, row.updated_at) if row else None


def show_one(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """One's own, as the contract shows it. Raises Forbidden, NotFound."""
    policy.require(actor, Action.DESK_USE)
    policy.get_ticket(actor, ticket_id)
    draft = find(actor, ticket_id)
    if draft is None:
        raise NotFound
    return show(actor, draft)


def show(actor: Actor, draft: Kept) -> dict[str, Any]:
    here = {row.id for row in images.untied(actor, draft.images)} if draft.images else set()
    return {
        "text": draft.text,
        "audience": draft.audience,
        "then": draft.then,
        "images": [number for number in draft.images if number in here],
        "updated_at": draft.updated_at,
    }


# --- verbs ------------------------------------------------------------------------------------------------------------


def save(actor: Actor, ticket_id: int, data: Mapping[str, Any]) -> None:
    """Keep what somebody has written so far in place of what they had before. Raises Forbidden, NotFound, Invalid.

    Nothing is kept of nothing.
    """
    policy.require(actor, Action.DESK_USE)
    policy.get_ticket(actor, ticket_id)
    numbers = list(dict.fromkeys(data.get("images", ())))
    if numbers:
        _check_uploads(actor, numbers)
    # a saving that was on its way when the text was sent must not bring it back
    just_sent = select(Comment.id).where(
        Comment.ticket_id == ticket_id, Comment.author_id == actor.id, Comment.text == data["text"].strip(),
        Comment.created_at > now() - timedelta(minutes=1),
    )  # fmt: skip
    if (not data["text"].strip() and not numbers) or db.session.scalar(just_sent.limit(1)) is not None:
        discard(actor, ticket_id)
    else:
        _keep(actor, ticket_id, {**data, "images": numbers})


def _keep(actor: Actor, ticket_id: int, data: Mapping[str, Any]) -> None:
    values = {
        "text": data["text"], "audience": data.get("audience"), "then": data.get("then"), "images": data["images"],
        "updated_at": now(),
    }  # fmt: skip
    make = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    insert = make(Draft).values(user_id=actor.id, ticket_id=ticket_id, **values)
    db.session.execute(insert.on_conflict_do_update(index_elements=["user_id", "ticket_id"], set_=values))


def _check_uploads(actor: Actor, numbers: Iterable[int]) -> None:
    wanted = set(numbers)
    missing = wanted - {row.id for row in images.untied(actor, wanted)}
    if missing:
        raise Invalid({"images": [images.no_upload(number) for number in sorted(missing)]})


def discard(actor: Actor, ticket_id: int) -> None:
    """Throw it away, if there is one."""
    db.session.execute(delete(Draft).where(Draft.user_id == actor.id, Draft.ticket_id == ticket_id))


def put_back(actor: Actor, ticket: Ticket, text: str, **more: Any) -> None:
    """Make a draft of what was sent and taken back: before what was written since, which is not lost."""
    since = find(actor, ticket.id)
    words = [text, since.text] if since and since.text.strip() else [text]
    numbers = [*more.pop("images", ()), *(since.images if since else ())]
    here = [row.id for row in images.untied(actor, numbers)] if numbers else []
    _keep(actor, ticket.id, {"text": "\n\n".join(words), "images": here, **more})


@jobs.handles("purge_drafts", every=timedelta(days=1))
def purge(job: jobs.Claimed) -> None:
    begin_write()
    db.session.execute(delete(Draft).where(Draft.updated_at < now() - timedelta(days=KEEP_DAYS)))
    db.session.commit()
