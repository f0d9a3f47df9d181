"""What helps the staff to write on a ticket: the draft, and who else is there."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Doors
from helpdesk import drafts, policy, presence
from helpdesk.policy import Action, Actor
from helpdesk.schemas import DraftShape, PresenceShape, PutDraftShape, PutPresenceShape

api = Doors("writing", __name__, url_prefix=f"/api/tickets/{http.ID.format('ticket_id')}")


@api.call("GET", "/draft", Action.DESK_USE, out=DraftShape)
def draft(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """Get what one has written on a ticket and not sent. 404 where there is nothing."""
    return drafts.show_one(actor, ticket_id)


@api.call("PUT", "/draft", Action.DESK_USE, body=PutDraftShape, status=204)
def save_draft(actor: Actor, ticket_id: int, body: dict[str, Any]) -> None:
    """Keep what one has written so far, for oneself alone and for 30 days. Nothing is kept of nothing."""
    http.begin(actor)
    drafts.save(actor, ticket_id, body)


@api.call("DELETE", "/draft", Action.DESK_USE, status=204)
def discard_draft(actor: Actor, ticket_id: int) -> None:
    """Throw the draft away. Doing it twice changes nothing."""
    http.begin(actor)
    policy.get_ticket(actor, ticket_id)
    drafts.discard(actor, ticket_id)


@api.call("PUT", "/presence", Action.DESK_USE, body=PutPresenceShape, out=PresenceShape)
def note_presence(actor: Actor, ticket_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Say that one has a ticket open, and is writing or not; get who else has. It counts for 45 seconds."""
    people, own = presence.look(actor, ticket_id)
    if presence.says_something(own, body["is_writing"]):
        http.begin(actor)
        presence.note(actor, ticket_id, body["is_writing"])
    return {"people": people}


@api.call("DELETE", "/presence", Action.DESK_USE, status=204)
def end_presence(actor: Actor, ticket_id: int) -> None:
    """Say that one closed it. Doing it twice changes nothing."""
    http.begin(actor)
    policy.get_ticket(actor, ticket_id)
    presence.leave(actor, ticket_id)
