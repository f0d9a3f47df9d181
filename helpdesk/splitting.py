"""Two problems in one ticket: a comment becomes a ticket of its own, and stays where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpdesk import comments, events, images, policy, tickets
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Change
from helpdesk.policy import Action, Actor
from models import Audience, Building, Category, Channel, Comment, Role, Ticket, User, db, now


def split(actor: Actor, comment_id: int, data: Mapping[str, Any]) -> Ticket:
    """Make a ticket of what a comment says and shows. Both say where the other is, to the staff.

    Raises Forbidden, NotFound, Conflict for an internal note, Invalid.
    """
    policy.require(actor, Action.TICKET_SPLIT)
    comment, ticket = comments.take(actor, comment_id)
    if comment.audience == Audience.INTERNAL:
        raise Conflict("Its reporter would read the internal note: write a ticket with what they may know.")
    wish = {**_as_there(ticket), **data, "description": comment.text, **_reporter(comment, ticket, data)}
    made = tickets.create(actor, wish, channel=Channel.STAFF)
    images.copy(actor, comment, made)
    at, deed = now(), events.new_deed()
    events.record(actor, Change("split", after=str(made.id)), ticket=ticket, at=at, deed_id=deed)
    events.record(actor, Change("split", before=str(ticket.id)), ticket=made, at=at, deed_id=deed)
    return made


def _as_there(ticket: Ticket) -> dict[str, Any]:
    """Where and of what kind it is; what was confidential stays so unless somebody says otherwise."""
    category = db.session.get_one(Category, ticket.category_id)
    building = db.session.get(Building, ticket.building_id) if ticket.building_id else None
    found: dict[str, Any] = {"room": ticket.room}
    if not category.is_archived:
        found["category"] = category.slug
    if building is not None and not building.is_archived:
        found["building"] = building.slug
    if ticket.is_confidential:
        found["is_confidential"] = True
    return found


def _reporter(comment: Comment, ticket: Ticket, data: Mapping[str, Any]) -> dict[str, Any]:
    """Who wrote it, where that is a customer: nobody else ever reads their words. Else who is named, else as there."""
    named = data.keys() & {"reporter_id", "email"}
    # whose words they were when they were written: somebody may work here since
    if comment.audience == Audience.DESK or db.session.get_one(User, comment.author_id).role == Role.CUSTOMER:
        if named:
            raise Invalid({named.pop(): ["It is reported by who wrote it."]})
        return {"reporter_id": comment.author_id}
    return {} if named else {"reporter_id": ticket.reporter_id}
