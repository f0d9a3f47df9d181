"""The staff's saved replies."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import replies
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    CreateSavedReplyShape,
    EditSavedReplyShape,
    FilledReplyQuery,
    FilledReplyShape,
    SavedReplyQuery,
    SavedReplyShape,
    page_of,
)

api = Doors("replies", __name__, url_prefix="/api")
ONE = f"/saved-replies/{http.ID.format('reply_id')}"
FILLED = f"/tickets/{http.ID.format('ticket_id')}{ONE}"


@api.call("GET", "/saved-replies", Action.REPLY_READ, query=SavedReplyQuery, out=page_of(SavedReplyShape))
def listing(actor: Actor, query: dict[str, Any]) -> Answer:
    """List the saved replies that one may use, by title: one's own, one's team's and everybody's."""
    return http.page(*replies.listing(actor, **query))


@api.call(
    "POST", "/saved-replies", Action.REPLY_WRITE, body=CreateSavedReplyShape, out=SavedReplyShape, status=201,
    creates=True, raises=(409,),
)  # fmt: skip
def create(actor: Actor, body: dict[str, Any]) -> Answer:
    """Save a reply: one's own, or by an admin for a team or everybody."""
    http.begin(actor)
    reply = replies.create(actor, body)
    return Answer(replies.show_one(actor, reply.id), headers={"Location": f"/api/saved-replies/{reply.id}"})


@api.call("GET", ONE, Action.REPLY_READ, out=SavedReplyShape)
def show(actor: Actor, reply_id: int) -> dict[str, Any]:
    """Get a saved reply, as it was written."""
    return replies.show_one(actor, reply_id)


@api.call("PUT", ONE, Action.REPLY_WRITE, body=EditSavedReplyShape, out=SavedReplyShape, if_match=True, raises=(409,))
@api.call("PATCH", ONE, Action.REPLY_WRITE, body=EditSavedReplyShape, out=SavedReplyShape, if_match=True, raises=(409,))
def edit(actor: Actor, reply_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named: one's own, or by an admin one of the desk's."""
    http.begin(actor)
    reply = replies.take(actor, reply_id)
    http.expect_version(reply.version, lambda: replies.show_one(actor, reply_id))
    replies.edit(actor, reply, body)
    return replies.show_one(actor, reply_id)


@api.call("DELETE", ONE, Action.REPLY_WRITE, status=204, if_match=True)
def destroy(actor: Actor, reply_id: int) -> None:
    """Delete a saved reply: one's own, or by an admin one of the desk's."""
    http.begin(actor)
    reply = replies.take(actor, reply_id)
    http.expect_version(reply.version, lambda: replies.show_one(actor, reply_id))
    replies.destroy(actor, reply)


@api.call("GET", FILLED, Action.REPLY_READ, query=FilledReplyQuery, out=FilledReplyShape)
def filled(actor: Actor, ticket_id: int, reply_id: int, query: dict[str, Any]) -> dict[str, Any]:
    """Get a saved reply as one would send it on a ticket: with names, number and link in their places.

    Filled in are `{{reporter.name}}`, `{{reporter.first_name}}`, `{{ticket.id}}`, `{{ticket.title}}`,
    `{{ticket.link}}`, `{{agent.name}}`, `{{agent.first_name}}` and `{{site.name}}`; anything else stays as it is
    written. Where everybody affected reads it, the reporter is not named.
    """
    return {"text": replies.filled(actor, ticket_id, reply_id, **query)}
