"""Guests: what the link in a mail opens, without an account."""

from __future__ import annotations

from typing import Any

from flask import g

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import comments, guests, images, policy, tickets
from helpdesk.errors import BadLink, NotFound
from helpdesk.pictures import Looked
from helpdesk.policy import Actor
from helpdesk.schemas import (
    FullCommentShape,
    GuestCommentShape,
    ImageShape,
    OneTicketShape,
    PageQuery,
    TicketImageShape,
    TimelineItemShape,
    TimelineQuery,
    TokenShape,
    page_of,
)
from models import Channel, Image

api = Doors("guests", __name__, url_prefix="/api/tickets")
LINK = f"/by-link/{http.TOKEN}"
ONE_IMAGE = f"{LINK}/images/{http.ID.format('image_id')}"


@api.call("POST", "/confirm", None, body=TokenShape, out=OneTicketShape)
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


@api.call("GET", LINK, None, out=OneTicketShape)
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
    photos = body.get("images", ())
    guests.check_uploads(token, guest, photos)
    channel = Channel.WEB if http.is_browser() else Channel.API
    made = comments.add(guest, ticket, body["text"], audience=None, channel=channel, photos=photos)
    return Answer(comments.show_one(guest, made.id), status=201)


# --- photos -----------------------------------------------------------------------------------------------------------


def _open(token: str, **_: Any) -> tuple[Actor, int]:
    """The same for what is confirmed: before it is, nothing comes through its link. Raises NotFound."""
    guest, ticket_id = _holder(token)
    policy.get_ticket(guest, ticket_id)
    return guest, ticket_id


@api.call("POST", f"{LINK}/uploads", None, upload="image", out=ImageShape, status=201, limited=True, first=_open)
def upload(actor: Actor, token: str, image: bytes) -> dict[str, Any]:
    """Upload a photo through a guest's link, for `images` of a comment on that ticket.

    As `POST /api/uploads`, with the same limits. The report itself must be confirmed first: 404 until then.
    """
    guests.check_uploading(_open(token)[1])
    looked = images.check(image)
    http.begin(actor)
    guest, _ = _open(token)
    return images.show_upload(_taken_in(token, guest, image, looked))


def _taken_in(token: str, guest: Actor, image: bytes, looked: Looked) -> Image:
    try:
        return guests.upload(token, guest, image, looked)
    except BadLink:
        raise NotFound from None


@api.call(
    "POST", f"{LINK}/images", None, upload="image", out=TicketImageShape, status=201, limited=True, raises=(409,),
    first=_open,
)  # fmt: skip
def add_image(actor: Actor, token: str, image: bytes) -> dict[str, Any]:
    """Add a photo to that ticket itself. Not once it is resolved: 409."""
    guests.check_uploading(_open(token)[1])
    looked = images.check(image)
    http.begin(actor)
    guest, ticket_id = _open(token)
    ticket = policy.take_ticket(guest, ticket_id)
    added = _taken_in(token, guest, image, looked)
    images.attach(guest, [added.id], ticket)
    return images.show_one(guest, added.id)


@api.call("GET", f"{LINK}/images", None, query=PageQuery, out=page_of(TicketImageShape))
def list_images(actor: Actor, token: str, query: dict[str, Any]) -> Answer:
    """List the photos of that ticket that its reporter sees, those of its comments too, oldest first."""
    return http.page(*images.listing(*_open(token), **query))


@api.call("GET", ONE_IMAGE, None, sends=images.TYPE)
def show_image(actor: Actor, token: str, image_id: int) -> Answer:
    """Get a photo of that ticket, or one that was uploaded through the link."""
    return _send(token, image_id, images.PHOTO)


@api.call("GET", f"{ONE_IMAGE}/thumbnail", None, sends=images.TYPE)
def show_thumbnail(actor: Actor, token: str, image_id: int) -> Answer:
    """Get a small one."""
    return _send(token, image_id, images.THUMBNAIL)


def _send(token: str, image_id: int, kind: str) -> Answer:
    guest, ticket_id = _open(token)
    guests.check_image(token, guest, ticket_id, image_id)
    shown = images.read(guest, image_id, kind)
    return http.photo(shown.data, shown.digest, f"{kind}-{image_id}")


@api.call("DELETE", ONE_IMAGE, None, status=204)
def delete_image(actor: Actor, token: str, image_id: int) -> None:
    """Delete a photo that was sent by the ticket's reporter."""
    http.begin(actor)
    guest, ticket_id = _open(token)
    guests.check_image(token, guest, ticket_id, image_id)
    images.destroy(guest, image_id)
