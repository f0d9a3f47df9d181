"""Many tickets changed at once, and taken back."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Doors
from helpdesk import bulk
from helpdesk.policy import Action, Actor
from helpdesk.schemas import BulkEditShape, EditManyShape

api = Doors("bulk", __name__, url_prefix="/api")


@api.call("POST", "/tickets/bulk", Action.TICKET_TRIAGE, body=EditManyShape, out=BulkEditShape, creates=True)
def edit_many(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Change up to 100 tickets.

    Each that can be is changed, with a deed of its own in its history; `refused` says of the others why not, those that
    are not there included. Nobody is mailed of it while it can be undone.
    """
    http.begin(actor)
    return bulk.result(bulk.edit(actor, body["ids"], body["changes"]))


@api.call(
    "POST", f"/bulk-edits/{http.ID.format('bulk_edit_id')}/undo", Action.TICKET_TRIAGE, out=BulkEditShape, raises=(409,)
)
def undo(actor: Actor, bulk_edit_id: int) -> dict[str, Any]:
    """Take back one's own change of many tickets, within 30 seconds.

    A ticket that somebody changed since stays as it is. 409 when it was undone already, and later than that.
    """
    http.begin(actor)
    return bulk.result(bulk.undo(actor, bulk_edit_id))
