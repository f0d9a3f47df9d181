"""What each of the staff has read of a ticket: it is unread for them where its `activity_seq` went on after that.

The mark itself stands in `policy.visible_tickets`, as the column `is_unread`.
"""

from __future__ import annotations

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite

from helpdesk import policy
from helpdesk.policy import Action, Actor
from models import Ticket, TicketRead, db, now


def mark(actor: Actor, ticket_id: int, seq: int) -> None:
    """They have read it so far. Never takes back what they read before. Raises Forbidden."""
    policy.require(actor, Action.TICKET_MARK)
    make = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    insert = make(TicketRead).values(user_id=actor.id, ticket_id=ticket_id, seq=seq, read_at=now())
    latest = insert.excluded
    db.session.execute(
        insert.on_conflict_do_update(
            index_elements=[TicketRead.user_id, TicketRead.ticket_id],
            set_={"seq": latest.seq, "read_at": latest.read_at},
            where=TicketRead.seq < latest.seq,
        )
    )


def unmark(actor: Actor, ticket_id: int) -> None:
    """As if they had never opened it. Doing it twice changes nothing. Raises Forbidden."""
    policy.require(actor, Action.TICKET_MARK)
    db.session.execute(delete(TicketRead).where(TicketRead.user_id == actor.id, TicketRead.ticket_id == ticket_id))


def keep_up(actor: Actor, ticket: Ticket, before: int) -> None:
    """One's own deed is nothing new to oneself: who had read all there was before it has read it too."""
    if actor.id is None or not actor.is_staff:
        return
    if before == 0:
        mark(actor, ticket.id, ticket.activity_seq)
        return
    mine = update(TicketRead).where(TicketRead.user_id == actor.id, TicketRead.ticket_id == ticket.id)
    db.session.execute(mine.where(TicketRead.seq >= before).values(seq=ticket.activity_seq, read_at=now()))
