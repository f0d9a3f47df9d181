"""Two tickets for one problem, and two problems in one ticket."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import merging, splitting, tickets
from helpdesk.policy import Action, Actor
from helpdesk.schemas import MergeShape, OneTicketShape, SplitShape

api = Doors("merging", __name__, url_prefix="/api")
TICKET = f"/tickets/{http.ID.format('ticket_id')}"
COMMENT = f"/comments/{http.ID.format('comment_id')}"


@api.call("POST", f"{TICKET}/merge", Action.TICKET_MERGE, body=MergeShape, out=OneTicketShape, raises=(409,))
def merge(actor: Actor, ticket_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Merge a ticket into another.

    It closes and points to the other, which its reporter and everybody who joined it join. Nothing moves. 409 where one
    of them is merged or not confirmed, where the other is closed, and where nobody may join the other: a confidential
    one takes only what its own reporter reported.
    """
    http.begin(actor)
    (ticket,), into = merging.take(actor, [ticket_id], body["into_id"])
    merging.merge(actor, ticket, into)
    return tickets.show_one(actor, ticket_id)


@api.call("POST", f"{TICKET}/unmerge", Action.TICKET_MERGE, out=OneTicketShape, raises=(409,))
def unmerge(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """Undo a merge, for 30 days.

    The ticket is as it was, but for what was changed since; who joined the other because of it leaves that again.
    """
    http.begin(actor)
    merging.unmerge(actor, *merging.take_merged(actor, ticket_id))
    return tickets.show_one(actor, ticket_id)


@api.call(
    "POST", f"{COMMENT}/split", Action.TICKET_SPLIT, body=SplitShape, out=OneTicketShape, status=201, creates=True,
    raises=(409,),
)  # fmt: skip
def split(actor: Actor, comment_id: int, body: dict[str, Any]) -> Answer:
    """Make a comment a ticket of its own.

    Its text is the description, and its photos come along; the comment stays. Who wrote it is the reporter if they are
    a customer, else who is named, else the reporter of the ticket that it stands on. 409 for an internal note.
    """
    http.begin(actor)
    made = splitting.split(actor, comment_id, body)
    return Answer(tickets.show_one(actor, made.id), headers={"Location": f"/api/tickets/{made.id}"})
