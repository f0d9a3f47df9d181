"""The conversation of a ticket, its history, and both as one timeline."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import comments, drafts, policy
from helpdesk.limits import CREATE, EDIT
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    CreateCommentShape,
    EditCommentShape,
    EventShape,
    FullCommentShape,
    PageQuery,
    TimelineItemShape,
    TimelineQuery,
    UndoneShape,
    page_of,
)
from models import Channel, db

api = Doors("comments", __name__, url_prefix="/api")
TICKET = f"/tickets/{http.ID.format('ticket_id')}"
ONE = f"/comments/{http.ID.format('comment_id')}"


@api.call("GET", f"{TICKET}/comments", Action.TICKET_READ, query=PageQuery, out=page_of(FullCommentShape))
def listing(actor: Actor, ticket_id: int, query: dict[str, Any]) -> Answer:
    """List what one reads of a ticket's conversation, oldest first."""
    return http.page(*comments.listing(actor, ticket_id, **query))


@api.call(
    "POST", f"{TICKET}/comments", Action.COMMENT_CREATE, body=CreateCommentShape, out=FullCommentShape, status=201,
    creates=True, limited=True, raises=(409,),
)  # fmt: skip
def create(actor: Actor, ticket_id: int, body: dict[str, Any]) -> Answer:
    """Write on a ticket.

    Staff say who reads it: `internal`, `reporter` or `affected`; 403 for others. What customers write is between them
    and the staff. On a closed ticket they cannot: 409.
    """
    http.limit(actor, CREATE)
    http.begin(actor)
    ticket = policy.take_ticket(actor, ticket_id)
    channel = Channel.WEB if http.is_browser() else Channel.API
    photos = body.get("images", ())
    write = comments.send if body.get("is_undoable") else comments.add
    comment = write(actor, ticket, body["text"], audience=body.get("audience"), channel=channel, photos=photos)
    return Answer(comments.show_one(actor, comment.id), headers={"Location": f"/api/comments/{comment.id}"})


@api.call("GET", ONE, Action.TICKET_READ, out=FullCommentShape)
def show(actor: Actor, comment_id: int) -> dict[str, Any]:
    """Get a comment."""
    return comments.show_one(actor, comment_id)


@api.call("PUT", ONE, Action.COMMENT_EDIT, body=EditCommentShape, out=FullCommentShape, if_match=True, limited=True)
@api.call("PATCH", ONE, Action.COMMENT_EDIT, body=EditCommentShape, out=FullCommentShape, if_match=True, limited=True)
def edit(actor: Actor, comment_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change a comment: its author for 15 minutes, admins always."""
    http.limit(actor, EDIT)
    http.begin(actor)
    comment, ticket = comments.take(actor, comment_id)
    http.expect_version(comment.version, lambda: comments.show_one(actor, comment_id))
    comments.edit(actor, comment, ticket, body["text"])
    return comments.show_one(actor, comment_id)


@api.call("DELETE", ONE, Action.COMMENT_EDIT, status=204, if_match=True, limited=True)
def destroy(actor: Actor, comment_id: int) -> None:
    """Delete a comment: its author for 15 minutes, admins always."""
    http.limit(actor, EDIT)
    http.begin(actor)
    comment, ticket = comments.take(actor, comment_id)
    http.expect_version(comment.version, lambda: comments.show_one(actor, comment_id))
    comments.destroy(actor, comment, ticket)


@api.call("POST", f"{ONE}/undo", Action.COMMENT_ADDRESS, out=UndoneShape, raises=(409,))
def undo(actor: Actor, comment_id: int) -> dict[str, Any]:
    """Take a reply back, as if it had never been: its author, within 10 seconds.

    It can be where it waits to be mailed: sent from the staff's pages, or with `is_undoable`. Its words and photos are
    the draft then, and the status that it set is what it was. 409 once it is on its way, and for a note.
    """
    http.begin(actor)
    comment, ticket = comments.take(actor, comment_id)
    undone = comments.undo(actor, comment, ticket)
    db.session.flush()
    return {
        "ticket_id": undone.ticket_id,
        "draft": drafts.show_one(actor, undone.ticket_id),
        "is_status_back": undone.is_status_back,
    }


@api.call("GET", f"{TICKET}/timeline", Action.TICKET_READ, query=TimelineQuery, out=page_of(TimelineItemShape))
def timeline(actor: Actor, ticket_id: int, query: dict[str, Any]) -> Answer:
    """Get comments and events in the order they happened.

    One conditional call is a whole poll: ask for what comes `after` the last item one has, with its ETag.
    `next_cursor` is set while there is more: it is the next `after`.
    """
    items, position = comments.timeline(actor, ticket_id, **query)
    return http.page(items, None if position is None else str(position), by="after")


@api.call("GET", f"{TICKET}/events", Action.TICKET_READ, query=TimelineQuery, out=page_of(EventShape))
def events(actor: Actor, ticket_id: int, query: dict[str, Any]) -> Answer:
    """Get what changed, by whom and when: one item a field, `deed_id` ties what was done at once."""
    rows = comments.history(actor, ticket_id, after=query["after"], limit=query["limit"] + 1)
    more, rows = len(rows) > query["limit"], rows[: query["limit"]]
    return http.page(comments.show_events(rows), str(rows[-1].id) if more else None, by="after")
