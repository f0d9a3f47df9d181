"""Photos: taken in, tied to what they show, made anew by the worker, and shown to whoever reads what they belong to.

What somebody sent is kept until the worker made it anew (`images_child.py`) and is never served. What is served was
written by us, and is compared with its digest every time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, insert, literal, or_, select, update

from helpdesk import audit, events, jobs, paging, policy, workflow
from helpdesk.errors import Conflict, Forbidden, Invalid, NotFound, NotReady, NotSignedIn, TooLarge
from helpdesk.events import Change
from helpdesk.pictures import Looked, NotAPicture, look
from helpdesk.policy import Action, Actor, Side
from helpdesk.schemas import CommentImageShape, ImageShape, TicketImageShape
from models import (
    Comment,
    Image,
    ImageBlob,
    ImageState,
    Rows,
    Ticket,
    User,
    begin_write,
    db,
    fetch,
    now,
)

log = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
MAX_BYTES = 10 * MEGABYTE
A_COMMENT, A_TICKET = 10, 50
A_DAY_BYTES = 100 * MEGABYTE
KEEP_UNTIED_HOURS = 24
THUMBNAIL_SIDE = 480
"""No longer or wider. `images_child.py` says it again, which knows nothing of us."""
TYPE = "image/webp"
ORIGINAL, PHOTO, THUMBNAIL = "original", "photo", "thumbnail"
"""The kinds of blobs. An original is there until the others are."""

_upload, _of_ticket, _of_comment = ImageShape(), TicketImageShape(), CommentImageShape()


# --- taking in --------------------------------------------------------------------------------------------------------


def check(data: bytes) -> Looked:
    """What an upload says of itself. Before anything is locked, for it is read through. Raises TooLarge, Invalid."""
    if len(data) > MAX_BYTES:
        raise TooLarge(f"A photo can have {MAX_BYTES // MEGABYTE} MB at most.")
    try:
        return look(data)
    except NotAPicture as no:
        raise Invalid({"image": [str(no)]}) from None


def add(actor: Actor, data: bytes, looked: Looked) -> Image:
    """Keep what somebody sent, theirs alone until it is tied, and promise that it will be made anew.

    Raises Invalid; NotSignedIn for whoever is gone meanwhile.
    """
    policy.require(actor, Action.IMAGE_CREATE)
    at = now()
    # of two at once the second waits here, and counts the first; who is erased meanwhile leaves nothing behind
    if not db.session.scalar(select(User.is_active).where(User.id == actor.id).with_for_update(key_share=True)):
        raise NotSignedIn
    today = db.session.scalar(
        select(func.coalesce(func.sum(Image.uploaded_bytes), 0)).where(
            Image.uploader_id == actor.id, Image.created_at > at - timedelta(days=1)
        )
    )
    if (today or 0) + len(data) > A_DAY_BYTES:
        raise Invalid({"image": [f"That is more than {A_DAY_BYTES // MEGABYTE} MB of photos in a day. Try tomorrow."]})
    image = Image(
        uploader_id=actor.id,
        state=ImageState.PROCESSING,
        type=looked.type,
        width=looked.width,
        height=looked.height,
        size_bytes=len(data),
        uploaded_bytes=len(data),
        created_at=at,
    )
    db.session.add(image)
    db.session.flush()
    _keep_bytes(image.id, {ORIGINAL: data})
    jobs.enqueue("make_image", {"image_id": image.id}, request_id=actor.request_id)
    return image


def _keep_bytes(image_id: int, blobs: dict[str, bytes]) -> None:
    rows = [{"image_id": image_id, "kind": kind, "data": data} for kind, data in blobs.items()]
    db.session.execute(insert(ImageBlob), rows)


def tie(actor: Actor, ids: Sequence[int], ticket: Ticket, comment: Comment | None = None) -> None:
    """Let one's uploads belong to a ticket that one was given to change, or to a comment on it. Raises Invalid.

    Says nothing in the history: the deed that ties them does.
    """
    wanted = set(ids)
    if not wanted:
        return
    policy.require(actor, Action.IMAGE_CREATE)
    own = select(Image).where(Image.id.in_(wanted), Image.uploader_id == actor.id, Image.ticket_id.is_(None))
    found = {image.id: image for image in db.session.scalars(own.order_by(Image.id).with_for_update())}
    if missing := wanted - found.keys():
        raise Invalid({"images": [no_upload(number) for number in sorted(missing)]})
    for image in found.values():
        if image.state == ImageState.REJECTED:
            raise Invalid({"images": [image.reason]})
    if comment is not None and len(found) > A_COMMENT:
        raise Invalid({"images": [f"A comment can have {A_COMMENT} photos at most."]})
    if _count(actor, ticket) + len(found) > A_TICKET:
        raise Invalid({"images": [f"A ticket can have {A_TICKET} photos at most."]})
    for image in found.values():
        image.ticket_id, image.comment_id = ticket.id, comment.id if comment else None
    ticket.image_count += len(found)
    db.session.flush()


def no_upload(number: int) -> str:
    return f"There is no upload {number} of yours to tie."


@lru_cache(maxsize=2)
def _counted(staff: bool) -> Rows:
    seen = policy.visible_images(staff).where(Image.ticket_id == bindparam("ticket_id"))
    return seen.with_only_columns(func.count())


def _count(actor: Actor, ticket: Ticket) -> int:
    """As many as this actor sees: a limit on what they do not see would tell them that it is there."""
    return int(fetch(_counted(actor.is_staff), {**policy.params(actor), "ticket_id": ticket.id}).scalar_one())


def attach(actor: Actor, ids: Sequence[int], ticket: Ticket) -> None:
    """Tie uploads to the ticket itself, for its reporter and the staff. Raises Forbidden, Conflict, Invalid."""
    side = policy.side(actor, ticket)
    if side == Side.JOINED:
        raise Forbidden("Only its reporter and the staff add photos to a ticket. Write a comment with yours.")
    if side == Side.REPORTER and ticket.status in workflow.ENDED:
        raise Conflict("It is resolved: reopen it or write a comment.")
    try:
        tie(actor, ids, ticket)
    except Invalid as no:
        raise Invalid({"image": no.errors["images"]}) from None
    events.record(actor, *(Change("image", after=str(number)) for number in ids), ticket=ticket, at=now())


def destroy(actor: Actor, image_id: int) -> None:
    """Delete a photo: whoever uploaded it, and the staff. Raises NotFound, Forbidden."""
    policy.require(actor, Action.IMAGE_DELETE)
    seen = policy.get_image(actor, image_id)
    # the ticket's lock before that of what is in it, as everywhere
    ticket = None if seen.ticket_id is None else policy.take_ticket(actor, seen.ticket_id)
    image = db.session.get(Image, image_id, with_for_update=True)
    if image is None:
        raise NotFound
    if ticket is None and image.ticket_id is not None:  # tied meanwhile
        ticket = policy.take_ticket(actor, image.ticket_id)
    if image.uploader_id != actor.id:
        policy.require(actor, Action.IMAGE_DELETE_ANY)
    if ticket is None:
        db.session.delete(image)
        db.session.flush()
    else:
        _take_away(actor, ticket, [image])


def _take_away(actor: Actor, ticket: Ticket, photos: Sequence[Image]) -> None:
    """Delete photos of a ticket that was taken, and tell whoever saw them that they are gone."""
    changes = [_deleted(image) for image in photos]
    for image in photos:
        audit.record("image.deleted", actor=actor, target=f"image:{image.id}", ticket_id=ticket.id)
        db.session.delete(image)
    db.session.flush()
    ticket.image_count -= len(photos)
    events.record(actor, *changes, ticket=ticket, at=now())


def _deleted(image: Image) -> Change:
    comment = None if image.comment_id is None else db.session.get(Comment, image.comment_id)
    if comment is None:
        return Change("image", before=str(image.id))
    return Change(
        "image", before=str(image.id), after_user=comment.author_id, audience=comment.audience, comment_id=comment.id
    )


def copy(actor: Actor, comment: Comment, ticket: Ticket) -> None:
    """Give a ticket of its own what a comment shows: rows and bytes, of the same person, not counted on their day."""
    shown = select(Image).where(Image.comment_id == comment.id, Image.state != ImageState.REJECTED)
    for image in list(db.session.scalars(shown.order_by(Image.id).with_for_update())):  # the worker may be at it
        columns = {c.key: getattr(image, c.key) for c in Image.__table__.columns if c.key not in ("id", "comment_id")}
        again = Image(**columns | {"ticket_id": ticket.id, "uploaded_bytes": 0})
        db.session.add(again)
        db.session.flush()
        blobs = select(literal(again.id), ImageBlob.kind, ImageBlob.data).where(ImageBlob.image_id == image.id)
        db.session.execute(insert(ImageBlob).from_select(["image_id", "kind", "data"], blobs))
        if image.state == ImageState.PROCESSING:
            jobs.enqueue("make_image", {"image_id": again.id}, request_id=actor.request_id)
        ticket.image_count += 1


def count_of(comment: Comment) -> int:
    """How many photos go when a comment goes."""
    return db.session.scalar(select(func.count()).where(Image.comment_id == comment.id)) or 0


def untie(comment: Comment, ticket: Ticket) -> list[int]:
    """Make the photos of a comment their sender's uploads again, and say which. For a deed that is taken back."""
    theirs = update(Image).where(Image.comment_id == comment.id)
    freed = sorted(db.session.scalars(theirs.values(ticket_id=None, comment_id=None).returning(Image.id)))
    ticket.image_count -= len(freed)
    return freed


def forget_person(actor: Actor, user_id: int) -> None:
    """Delete what somebody uploaded, wherever it is tied: of a person who is erased no photo stays."""
    # first what a deed may be tying at this moment: it waits for that, and finds it tied below
    db.session.execute(delete(Image).where(Image.uploader_id == user_id, Image.ticket_id.is_(None)))
    theirs = select(Image).where(Image.uploader_id == user_id)
    tickets = select(Ticket.id).where(Ticket.id.in_(theirs.with_only_columns(Image.ticket_id)))
    for ticket_id in list(db.session.scalars(tickets.order_by(Ticket.id))):
        ticket = policy.take_ticket(actor, ticket_id)
        _take_away(actor, ticket, db.session.scalars(theirs.where(Image.ticket_id == ticket_id)).all())


# --- making anew ------------------------------------------------------------------------------------------------------

CHILD = [sys.executable, "-I", str(Path(__file__).with_name("images_child.py"))]
CHILD_SECONDS = 120
"""By the clock. The child has a limit of its own in seconds of processor."""
TRIES = 5
"""A child may die of a machine that is short of memory at the moment; one picture that kills five is to blame."""
CANNOT = "The picture cannot be shown: it takes too much time or memory. Send it smaller, or as a JPEG."


@dataclass(frozen=True)
class Remade:
    photo: bytes
    thumbnail: bytes
    width: int
    height: int


class ChildFailed(Exception):
    """It ended without a word: killed, or out of time."""


def remake(data: bytes) -> Remade | str:
    """A photo made anew by a child that has nothing to lose, or in words why it cannot be. Raises ChildFailed."""
    try:
        done = subprocess.run(
            CHILD,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=CHILD_SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChildFailed("out of time") from None
    if done.returncode != 0:
        raise ChildFailed(f"ended with {done.returncode}")
    try:
        return _made_of(done.stdout)
    except (ValueError, TypeError, LookupError, NotAPicture):
        raise ChildFailed("made something else") from None


def _made_of(stdout: bytes) -> Remade | str:
    """What a child said, who may have been taken over by a picture and say anything."""
    head, _, body = stdout.partition(b"\n")
    said = json.loads(head)
    if "reason" in said:
        return str(said["reason"])[:200]
    cut = said["sizes"][0]
    made = Remade(body[:cut], body[cut:], said["width"], said["height"])
    if look(made.photo) != Looked(TYPE, made.width, made.height) or look(made.thumbnail).type != TYPE:
        raise ValueError
    return made


@jobs.handles("make_image")
def make(job: jobs.Claimed) -> None:
    """Make an upload fit to be shown, or say why it cannot be. A photo that kills whoever touches it is given up."""
    image_id = job.payload["image_id"]
    original = select(ImageBlob.data).join(Image, Image.id == ImageBlob.image_id)
    data = db.session.scalar(
        original.where(Image.id == image_id, Image.state == ImageState.PROCESSING, ImageBlob.kind == ORIGINAL)
    )
    db.session.rollback()
    if data is None:  # deleted meanwhile, or made by a worker whose lease had run out
        return
    made: Remade | str = CANNOT
    if job.attempts <= TRIES:
        try:
            made = remake(data)
        except ChildFailed:
            if job.attempts < TRIES:
                raise
            log.warning("a photo was given up", exc_info=True, extra={"image": image_id})
    finish(image_id, made)


def finish(image_id: int, made: Remade | str) -> None:
    """Store what was made of an upload, or why nothing was. Commits."""
    begin_write()
    store(image_id, made)
    db.session.commit()


def store(image_id: int, made: Remade | str) -> None:
    """Keep what was made of an upload, or why nothing was, and let go of the original."""
    values: dict[str, Any] = {"state": ImageState.REJECTED, "reason": made}
    blobs: dict[str, bytes] = {}
    if isinstance(made, Remade):
        values, blobs = described(made), {PHOTO: made.photo, THUMBNAIL: made.thumbnail}
    processing = update(Image).where(Image.id == image_id, Image.state == ImageState.PROCESSING)
    if db.session.execute(processing.values(**values).returning(Image.id)).first() is not None:
        db.session.execute(delete(ImageBlob).where(ImageBlob.image_id == image_id))
        if blobs:
            _keep_bytes(image_id, blobs)


def described(made: Remade) -> dict[str, Any]:
    """What the row of a photo says that can be shown."""
    return {
        "state": ImageState.READY, "type": TYPE, "width": made.width, "height": made.height,
        "size_bytes": len(made.photo), "digest": _digest(made.photo), "thumbnail_digest": _digest(made.thumbnail),
    }  # fmt: skip


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


AT_ONCE = 20
"""Deleted in one transaction: the bytes of each are up to MAX_BYTES."""


@jobs.handles("purge_images", every=timedelta(hours=1))
def purge(job: jobs.Claimed) -> None:
    """Forget what was never tied; say of what nothing came of for a day that nothing will."""
    before = now() - timedelta(hours=KEEP_UNTIED_HOURS)
    stuck = select(Image.id).where(Image.state == ImageState.PROCESSING, Image.created_at < before)
    for image_id in list(db.session.scalars(stuck.where(Image.ticket_id.is_not(None)))):
        finish(image_id, CANNOT)
    untied = and_(Image.ticket_id.is_(None), Image.created_at < before)
    while ids := list(db.session.scalars(select(Image.id).where(untied).limit(AT_ONCE))):
        begin_write()
        db.session.execute(delete(Image).where(Image.id.in_(ids), untied))
        db.session.commit()


# --- showing ----------------------------------------------------------------------------------------------------------


def show_upload(image: Image) -> dict[str, Any]:
    return _upload.dump_row(image)


def show_one(actor: Actor, image_id: int) -> dict[str, Any]:
    """Raises NotFound."""
    return _of_ticket.dump_row(policy.get_image(actor, image_id))


@lru_cache
def _listed(staff: bool, after: bool) -> Rows:
    statement = policy.visible_images(staff).where(Image.ticket_id == bindparam("ticket_id"))
    return paging.ordered(statement, {"id": (Image.id, Image.id)}, "id", after=after)


def listing(actor: Actor, ticket_id: int, *, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """The photos of a ticket that somebody sees, its comments' too, oldest first. Raises NotFound."""
    policy.get_ticket(actor, ticket_id)
    found = paging.page(
        lambda after: _listed(actor.is_staff, after),
        {**policy.params(actor), "ticket_id": ticket_id},
        of=f"images|{ticket_id}",
        limit=limit,
        cursor=cursor,
    )
    return [_of_ticket.dump_row(row) for row in found.rows], found.next_cursor


_of_comments = (
    select(Image.comment_id, Image.id, Image.width, Image.height, Image.state)
    .where(Image.comment_id.in_(bindparam("ids", expanding=True)))
    .order_by(Image.id)
)


def of_comments(ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """The photos of comments that the caller was given by the policy: whoever reads a comment sees them."""
    found: dict[int, list[dict[str, Any]]] = {}
    if wanted := list(ids):
        for row in fetch(_of_comments, {"ids": wanted}):
            found.setdefault(row.comment_id, []).append(_of_comment.dump_row(row))
    return found


@lru_cache(maxsize=2)
def _beside(staff: bool) -> Rows:
    said = or_(Image.comment_id.is_(None), Image.comment_id.in_(bindparam("ids", expanding=True)))
    on_it = and_(Image.ticket_id == bindparam("ticket_id"), said)
    waiting = and_(Image.ticket_id.is_(None), Image.id.in_(bindparam("waiting", expanding=True)))
    return policy.visible_images(staff).where(or_(on_it, waiting)).order_by(Image.id)


UNTIED = 0
"""What `beside` calls the comment of what waits to be sent with one: no comment has this number."""


def beside(
    actor: Actor, ticket_id: int, comment_ids: Iterable[int], waiting: Iterable[int] = ()
) -> dict[int | None, list[Any]]:
    """For a page: rows of `policy.visible_images` by the comment they came with, the ticket's own under None.

    Of one's uploads in `waiting` those that are tied to nothing yet are under UNTIED.
    """
    found: dict[int | None, list[Any]] = {}
    values = {**policy.params(actor), "ticket_id": ticket_id, "ids": list(comment_ids), "waiting": list(waiting)}
    for row in fetch(_beside(actor.is_staff), values):
        found.setdefault(UNTIED if row.ticket_id is None else row.comment_id, []).append(row)
    return found


_waiting = (
    policy.visible_images(True)
    .where(Image.id.in_(bindparam("ids", expanding=True)), Image.ticket_id.is_(None))
    .order_by(Image.id)
)


def untied(actor: Actor, ids: Iterable[int]) -> list[Any]:
    """Rows of `policy.visible_images`: those of one's uploads that wait to be tied to something."""
    return list(fetch(_waiting, {**policy.params(actor), "ids": list(ids)}))


@dataclass(frozen=True)
class Shown:
    data: bytes
    digest: str


@lru_cache(maxsize=2)
def _with_bytes(staff: bool) -> Rows:
    blob = and_(ImageBlob.image_id == Image.id, ImageBlob.kind == bindparam("kind"))
    seen = policy.visible_images(staff).add_columns(ImageBlob.data)
    return seen.outerjoin(ImageBlob, blob).where(Image.id == bindparam("image_id"))


def read(actor: Actor, image_id: int, kind: str) -> Shown:
    """The bytes of a photo, PHOTO or THUMBNAIL. Raises NotFound; NotReady while the worker has not come to it."""
    policy.require(actor, Action.TICKET_READ)
    values = {**policy.params(actor), "image_id": image_id, "kind": kind}
    row = fetch(_with_bytes(actor.is_staff), values).one_or_none()
    if row is None:
        raise NotFound
    if row.state == ImageState.PROCESSING:
        raise NotReady("It is still being worked on. Ask again in a moment.")
    if row.state == ImageState.REJECTED:
        raise NotFound(row.reason)
    digest = row.digest if kind == PHOTO else row.thumbnail_digest
    if row.data is None or _digest(row.data) != digest:
        log.error("a photo is damaged", extra={"image": image_id, "kind": kind})
        raise NotFound("What is stored of this photo is damaged.")
    return Shown(row.data, digest)
