"""Guests: what the link in a mail opens, without an account."""

from __future__ import annotations

from typing import Any

from flask import g

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import comments, guests, policy, tickets
from helpdesk.errors import BadLink, NotFound
from helpdesk.policy import Actor
from helpdesk.schemas import (
    FullCommentShape,
    FullTicketShape,
    GuestCommentShape,
    TimelineItemShape,
    TimelineQuery,
    TokenShape,
    page_of,
)
from models import Channel

api = Doors("guests", __name__, url_prefix="/api/tickets")
LINK = f"/by-link/{http.TOKEN}"


@api.call("POST", "/confirm", None, body=TokenShape, out=FullTicketShape)
def confirm(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Send a guest's report to the helpdesk, by the link of the mail. Doing it twice changes nothing."""
    http.begin(actor)
    guest, ticket_id = guests.release(body["token"], peer=http.peer(), request_id=g.request_id)
    return tickets.show_one(guest, ticket_id)


def _holder(token: str) -> tuple[Actor, int]:
    """Raises NotFound, as for any address that is none."""
    try:
        return guests.holder(token, peer=http.peer(), request_id=g.request_id)
    except BadLink:
        raise NotFound from None


@api.call("GET", LINK, None, out=FullTicketShape)
def show(actor: Actor, token: str) -> dict[str, Any]:
    """Get the ticket that a guest's link opens, as its reporter sees it."""
    guest, ticket_id = _holder(token)
    return tickets.show_one(guest, ticket_id)


@api.call("GET", f"{LINK}/timeline", None, query=TimelineQuery, out=page_of(TimelineItemShape))
def timeline(actor: Actor, token: str, query: dict[str, Any]) -> Answer:
    """Get the conversation and history of that ticket."""
    guest, ticket_id = _holder(token)
    items, position = comments.timeline(guest, ticket_id, **query)
    return http.page(items, None if position is None else str(position), by="after")


@api.call(
    "POST", f"{LINK}/comments", None, body=GuestCommentShape, out=FullCommentShape, status=201, limited=True,
    raises=(409,),
)  # fmt: skip
def comment(actor: Actor, token: str, body: dict[str, Any]) -> Answer:
    """Write on that ticket, as its reporter. On a closed one: 409."""
    guests.check_writing(_holder(token)[1])
    http.begin(actor)
    guest, ticket_id = _holder(token)
    ticket = policy.take_ticket(guest, ticket_id)
    channel = Channel.WEB if http.is_browser() else Channel.API
    made = comments.add(guest, ticket, body["text"], audience=None, channel=channel)
    return Answer(comments.show_one(guest, made.id), status=201)
