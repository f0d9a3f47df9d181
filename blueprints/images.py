"""Photos: uploading them, tying them to tickets, getting them."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import images, policy
from helpdesk.limits import UPLOAD
from helpdesk.policy import Action, Actor
from helpdesk.schemas import ImageShape, PageQuery, TicketImageShape, page_of

api = Doors("images", __name__, url_prefix="/api")
OF_TICKET = f"/tickets/{http.ID.format('ticket_id')}/images"
ONE = f"/images/{http.ID.format('image_id')}"


@api.call(
    "POST", "/uploads", Action.IMAGE_CREATE, upload="image", out=ImageShape, status=201, creates=True, limited=True
)
def upload(actor: Actor, image: bytes) -> Answer:
    """Upload a photo.

    It is one's own until `images` of a new ticket or comment ties it there, and gone after 24 hours if nothing does.
    It can be had when it is `ready`: decoded, turned upright, without anything that the camera wrote into it. 10 MiB
    and 50 megapixels at most, 100 MiB a day.
    """
    http.limit(actor, UPLOAD)
    looked = images.check(image)
    http.begin(actor)
    added = images.add(actor, image, looked)
    return Answer(images.show_upload(added), headers={"Location": f"/api/images/{added.id}"})


@api.call(
    "POST", OF_TICKET, Action.IMAGE_CREATE, upload="image", out=TicketImageShape, status=201, creates=True,
    limited=True, raises=(409,),
)  # fmt: skip
def create(actor: Actor, ticket_id: int, image: bytes) -> Answer:
    """Add a photo to a ticket itself, for its reporter and the staff to see.

    Whoever joined cannot, 403: theirs go with a comment. Nor can the reporter once it is resolved: 409. A ticket has 50
    at most.
    """
    http.limit(actor, UPLOAD)
    looked = images.check(image)
    http.begin(actor)
    ticket = policy.take_ticket(actor, ticket_id)
    added = images.add(actor, image, looked)
    images.attach(actor, [added.id], ticket)
    return Answer(images.show_one(actor, added.id), headers={"Location": f"/api/images/{added.id}"})


@api.call("GET", OF_TICKET, Action.TICKET_READ, query=PageQuery, out=page_of(TicketImageShape))
def listing(actor: Actor, ticket_id: int, query: dict[str, Any]) -> Answer:
    """List the photos of a ticket that one sees, those of its comments too, oldest first."""
    return http.page(*images.listing(actor, ticket_id, **query))


@api.call("GET", ONE, Action.TICKET_READ, sends=images.TYPE)
def show(actor: Actor, image_id: int) -> Answer:
    """Get a photo, no longer or wider than 2560 pixels. 404 of the type `not-ready` while it is `processing`."""
    return _send(actor, image_id, images.PHOTO)


@api.call("GET", f"{ONE}/thumbnail", Action.TICKET_READ, sends=images.TYPE)
def thumbnail(actor: Actor, image_id: int) -> Answer:
    """Get a small one, no longer or wider than 480 pixels, of about 12 kB."""
    return _send(actor, image_id, images.THUMBNAIL)


def _send(actor: Actor, image_id: int, kind: str) -> Answer:
    shown = images.read(actor, image_id, kind)
    return http.photo(shown.data, shown.digest, f"{kind}-{image_id}")


@api.call("DELETE", ONE, Action.IMAGE_DELETE, status=204)
def destroy(actor: Actor, image_id: int) -> None:
    """Delete a photo: whoever uploaded it, and the staff."""
    http.begin(actor)
    images.destroy(actor, image_id)
