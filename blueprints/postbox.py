"""The mails that came in, for who runs the desk; and for the staff the mail that a comment or a report was made of."""

from __future__ import annotations

from typing import Any

from flask import request

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import postbox
from helpdesk.policy import Action, Actor
from helpdesk.schemas import FullInboundMailShape, InboundMailQuery, InboundMailShape, OriginalShape, page_of

api = Doors("postbox", __name__, url_prefix="/api")
MAILS = "/inbound-mails"
ONE = f"{MAILS}/{http.ID.format('mail_id')}"


@api.call("GET", MAILS, Action.MAIL_MANAGE, query=InboundMailQuery, out=page_of(InboundMailShape))
def listing(actor: Actor, query: dict[str, Any]) -> Answer:
    """List the mails that came in, newest first. What was laid aside, for somebody to look at, is `quarantined`."""
    page = {name: query.pop(name) for name in ("limit", "cursor")}
    return http.page(*postbox.listing(actor, query, **page))


@api.call("GET", ONE, Action.MAIL_MANAGE, out=FullInboundMailShape)
def show(actor: Actor, mail_id: int) -> dict[str, Any]:
    """Get a mail with what it says, as plain text."""
    return postbox.show_one(actor, mail_id)


@api.call("GET", f"{ONE}/raw", Action.MAIL_MANAGE, sends="text/plain")
def raw(actor: Actor, mail_id: int) -> Answer:
    """Get the mail as it came, as text to be kept as a file.

    What would let its reader act as somebody else is left out. That it was taken is on record.
    """
    return http.text_file(postbox.raw(actor, mail_id, is_taken=request.method == "GET"), f"mail-{mail_id}")


@api.call("POST", f"{ONE}/retry", Action.MAIL_MANAGE, out=FullInboundMailShape, raises=(409,))
def retry(actor: Actor, mail_id: int) -> dict[str, Any]:
    """Work again on a mail that was laid aside, or of which nothing came, whatever the limits say. 409 for another."""
    http.begin(actor)
    postbox.retry(actor, mail_id)
    return postbox.show_one(actor, mail_id)


@api.call("POST", f"{ONE}/report", Action.MAIL_MANAGE, out=FullInboundMailShape, raises=(409,))
def make_report(actor: Actor, mail_id: int) -> dict[str, Any]:
    """Make a report of such a mail, held until its sender confirms it, whatever it answers. 409 for another."""
    http.begin(actor)
    postbox.retry(actor, mail_id, is_report=True)
    return postbox.show_one(actor, mail_id)


@api.call("POST", f"{ONE}/dismiss", Action.MAIL_MANAGE, out=FullInboundMailShape, raises=(409,))
def dismiss(actor: Actor, mail_id: int) -> dict[str, Any]:
    """Let go of a mail of which nothing came: it is not kept any longer. 409 for another."""
    http.begin(actor)
    postbox.dismiss(actor, mail_id)
    return postbox.show_one(actor, mail_id)


@api.call("GET", f"/comments/{http.ID.format('comment_id')}/original", Action.MAIL_READ, out=OriginalShape)
def original_of_comment(actor: Actor, comment_id: int) -> dict[str, Any]:
    """Get all of the mail that a comment was made of, quotes and all, as plain text. 404 once it is not kept."""
    return postbox.original_of_comment(actor, comment_id)


@api.call("GET", f"/tickets/{http.ID.format('ticket_id')}/original", Action.MAIL_READ, out=OriginalShape)
def original_of_ticket(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """Get all of the mail that a ticket was reported by, as plain text. 404 once it is not kept."""
    return postbox.original_of_ticket(actor, ticket_id)
