"""Who of the staff has a ticket open, and is writing. A sign counts for 45 seconds; a row is all there is of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, bindparam, delete, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from helpdesk import jobs, policy
from helpdesk.errors import NotFound
from helpdesk.policy import Action, Actor
from models import Presence, Rows, Ticket, User, begin_write, db, fetch, now

SEEN_SECONDS = 45
"""So long somebody counts after their last sign."""
WRITE_SECONDS = 10
"""A sign that says nothing new is written this often at most: every page sends one all the time."""


@lru_cache(maxsize=1)
def _there() -> Rows:
    """The ticket, if there is one, beside everybody who is there."""
    ticket = policy.visible_tickets(True).with_only_columns(Ticket.id).where(Ticket.id == bindparam("ticket_id"))
    seen = ticket.subquery()
    fresh = and_(Presence.ticket_id == seen.c.id, Presence.seen_at > bindparam("since", type_=Presence.seen_at.type))
    return (
        select(Presence.user_id.label("id"), User.name, Presence.is_writing, Presence.seen_at)
        .select_from(seen)
        .outerjoin(Presence, fresh)
        .outerjoin(User, User.id == Presence.user_id)
        .order_by(User.name, User.id)
    )


@lru_cache(maxsize=1)
def others() -> Rows:
    """Who else is there: takes `me`, `ticket_id` and `since`."""
    return (
        select(User.id, User.name, Presence.is_writing)
        .join(User, User.id == Presence.user_id)
        .where(
            Presence.ticket_id == bindparam("ticket_id"),
            Presence.user_id != policy.ME,
            Presence.seen_at > bindparam("since", type_=Presence.seen_at.type),
        )
    )


def since() -> dict[str, Any]:
    return {"since": now() - timedelta(seconds=SEEN_SECONDS)}


def look(actor: Actor, ticket_id: int) -> tuple[list[dict[str, Any]], Any]:
    """The others who are there, and one's own last sign. One statement. Raises Forbidden, NotFound."""
    policy.require(actor, Action.DESK_USE)
    rows = list(fetch(_there(), {**policy.params(actor), "ticket_id": ticket_id, **since()}))
    if not rows:
        raise NotFound
    own = next((row for row in rows if row.id == actor.id), None)
    return show(row for row in rows if row.id not in (None, actor.id)), own


def show(rows: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"id": row.id, "name": row.name, "is_writing": bool(row.is_writing)} for row in rows]


def says_something(own: Any, is_writing: bool) -> bool:
    """Whether a sign is worth a write."""
    return (
        own is None
        or bool(own.is_writing) != is_writing
        or not now() - timedelta(seconds=WRITE_SECONDS) < own.seen_at <= now()
    )


def note(actor: Actor, ticket_id: int, is_writing: bool) -> None:
    """Write down that somebody is there, on a ticket that `look` found."""
    at = bindparam("at", now(), type_=Presence.seen_at.type)
    # of a ticket that is deleted at this moment nothing is kept
    here = select(bindparam("user_id", actor.id), Ticket.id, literal(is_writing), at).where(Ticket.id == ticket_id)
    make = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    insert = make(Presence).from_select(["user_id", "ticket_id", "is_writing", "seen_at"], here)
    again = {"is_writing": insert.excluded.is_writing, "seen_at": insert.excluded.seen_at}
    db.session.execute(insert.on_conflict_do_update(index_elements=["ticket_id", "user_id"], set_=again))


def leave(actor: Actor, ticket_id: int) -> None:
    """Say that one is gone. Raises Forbidden."""
    policy.require(actor, Action.DESK_USE)
    db.session.execute(delete(Presence).where(Presence.ticket_id == ticket_id, Presence.user_id == actor.id))


@jobs.handles("purge_presences", every=timedelta(minutes=5))
def purge(job: jobs.Claimed) -> None:
    begin_write()
    db.session.execute(delete(Presence).where(Presence.seen_at < now() - timedelta(seconds=SEEN_SECONDS)))
    db.session.commit()
