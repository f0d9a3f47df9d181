"""People without an account: they report with an address alone, and hold a link that opens their ticket.

A report is kept at once, but *held*: nobody is told and it counts nowhere until the link in the mail was used, for
anybody can type anybody's address. The link stays good for half a year and shows this one ticket as its reporter sees
it. Photos come through the link, so that nobody uploads who has proven nothing.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError

from helpdesk import audit, auth, events, images, jobs, limits, policy, search, sla, tickets
from helpdesk.errors import BadLink, Invalid, NotFound, NotSignedIn
from helpdesk.events import Change
from helpdesk.pictures import Looked
from helpdesk.policy import Actor
from models import (
    ActorKind,
    Audience,
    Channel,
    Image,
    OneTimeToken,
    Role,
    Ticket,
    TicketReport,
    TokenPurpose,
    User,
    begin_write,
    db,
    now,
)

HELD_DAYS = 7
"""So long an unconfirmed report waits."""
REMEMBERED = 100
"""Of the uploads through a link: more than a day's, and after a day one is tied or gone."""


def check(data: Mapping[str, Any], peer: str) -> None:
    """Before anything is written. Raises NotSignedIn without an address, Invalid for what only the staff choose.

    Raises TooMany by client, and by the address that was typed, whoever's it is.
    """
    if "email" not in data:
        raise NotSignedIn
    if wrong := (tickets.TRIAGE_FIELDS - {"email", "name"}) & data.keys():
        raise Invalid({name: ["Only the staff choose this."] for name in sorted(wrong)})
    if data.get("images"):
        raise Invalid({"images": ["Add photos through the link in the mail."]})
    limits.check(limits.GUEST_PEER, limits.client(peer))
    limits.check(limits.GUEST_ADDRESS, limits.mailbox(auth.normalize_email(data["email"])))


def check_writing(ticket_id: int) -> None:
    """Whoever holds a link writes as often as somebody with an account. Raises TooMany."""
    limits.check(limits.CREATE, f"link of {ticket_id}")


def check_uploading(ticket_id: int) -> None:
    """The same for a photo. Raises TooMany."""
    limits.check(limits.UPLOAD, f"link of {ticket_id}")


def was_reported(once: str | None) -> bool:
    """Whether a report was kept under this name: then it is sent a second time, and nothing is left to do."""
    return once is not None and jobs.is_promised(_key(once))


def _key(once: str) -> str:
    return f"guest_report:{once}"


def report(
    actor: Actor, data: Mapping[str, Any], *, channel: Channel, once: str | None = None, answers: bool = True
) -> Ticket | None:
    """Keep a report, once `check` found nothing against it, until whoever has the address confirms it. Raises Invalid.

    Says nothing of who has an account: for somebody who was locked out nothing is kept, and the answer is the same.
    What was kept under the same name of up to 80 characters, `once`, is not kept again. Without `answers` no mail goes
    there: a robot reads none.
    """
    try:
        reporter = tickets.person_by_email(data["email"], data.get("name"))
    except Invalid:  # as much is done, and undone: the time must not tell
        with contextlib.suppress(_LockedOut), db.session.begin_nested():
            nobody = tickets.person_by_email(f"{secrets.token_hex(8)}@invalid", data.get("name"))
            _keep(actor, data, nobody, channel=channel, once=None)
            raise _LockedOut from None
        return None
    if once is not None:  # of two at once, the second waits here for the first
        db.session.execute(select(User.id).where(User.id == reporter.id).with_for_update(key_share=True))
        if was_reported(once):
            return None
    return _keep(actor, data, reporter, channel=channel, once=once, answers=answers)


class _LockedOut(Exception):
    pass


def _keep(
    actor: Actor,
    data: Mapping[str, Any],
    reporter: User,
    *,
    channel: Channel,
    once: str | None,
    answers: bool = True,
) -> Ticket:
    ticket = tickets.write(actor, data, reporter, channel=channel, held=True)
    token = auth.make_report_token(ticket.id, reporter)
    payload = {"kind": "guest_report", "token_id": token.id, "user_id": reporter.id}
    if answers:
        jobs.enqueue("mail", payload, request_id=actor.request_id, key=None if once is None else _key(once))
    return ticket


def holder(text: str, *, peer: str | None, request_id: str | None) -> tuple[Actor, int]:
    """Who holds this link, as the reporter of the one ticket that it opens, and its number. Raises BadLink."""
    token = auth.read_link(text, TokenPurpose.GUEST)
    ticket_id, user_id = token.payload["ticket_id"], token.payload["reporter_id"]
    theirs = select(User.name, User.email_normalized).join(Ticket, Ticket.reporter_id == User.id)
    row = db.session.execute(theirs.where(Ticket.id == ticket_id, User.id == user_id, User.is_active)).one_or_none()
    # it was reported for somebody else, as it turned out, or they are gone, or have left the address that it went to
    if row is None or not auth.opens_report_of(token, user_id, row.email_normalized):
        raise BadLink
    actor = Actor(id=user_id, role=Role.CUSTOMER, kind=ActorKind.GUEST, name=row.name, peer=peer, request_id=request_id)
    return actor, ticket_id


def release(text: str, *, peer: str | None, request_id: str | None) -> tuple[Actor, int]:
    """Let the desk have it: the address is proven. Doing it twice changes nothing. Raises BadLink."""
    actor, ticket_id = holder(text, peer=peer, request_id=request_id)
    ticket = policy.take_ticket(policy.SYSTEM, ticket_id)
    if ticket.held:
        at = now()
        ticket.held, ticket.version = False, ticket.version + 1
        _begin(ticket, at)
        user = db.session.get_one(User, actor.id)
        user.email_verified_at = user.email_verified_at or at
        auth.is_reached(user)
        change = Change("held", "true", "false", audience=Audience.REPORTER)
        events.record(actor, change, ticket=ticket, at=at)
        audit.record("ticket.released", actor=actor, target=f"ticket:{ticket.id}")
        tickets.give_out(ticket, at=at)
        if ticket.channel == Channel.EMAIL:
            jobs.enqueue("inbound_photos", {"ticket_id": ticket.id}, request_id=request_id)
    return actor, ticket_id


def _begin(ticket: Ticket, at: datetime) -> None:
    """From now on it counts, and its time begins: what the staff did with it before was done at this moment."""
    is_answered = ticket.first_response_at is not None
    ticket.created_at, ticket.first_response_at, ticket.paused_seconds = at, None, 0
    for name in ("resolved_at", "closed_at", "paused_since"):
        if getattr(ticket, name) is not None:
            setattr(ticket, name, at)
    ticket.warned_for = ticket.response_breached_at = ticket.resolution_breached_at = None
    sla.start(ticket)
    if is_answered:
        sla.replied(ticket, at)


# --- photos -----------------------------------------------------------------------------------------------------------


def upload(text: str, actor: Actor, data: bytes, looked: Looked) -> Image:
    """Take in a photo of whoever holds a link, who may have an account too: the link keeps to those sent through it.

    Raises Invalid; BadLink where it ended meanwhile.
    """
    token = auth.read_link(text, TokenPurpose.GUEST, lock=True)
    image = images.add(actor, data, looked)
    token.payload = {**token.payload, "uploads": [*_uploads(token), image.id][-REMEMBERED:]}
    return image


def _uploads(token: OneTimeToken) -> list[int]:
    return list(token.payload.get("uploads", ()))


def untied(text: str, actor: Actor, ids: Iterable[int]) -> list[Any]:
    """Of these uploads those that came through this link and wait to be tied, as rows. Raises BadLink."""
    known = _uploads(auth.read_link(text, TokenPurpose.GUEST))
    return images.untied(actor, [image_id for image_id in ids if image_id in known])


def check_uploads(text: str, actor: Actor, ids: Iterable[int]) -> None:
    """Raises Invalid as `images.tie` does, for an upload that did not come through this link."""
    known = {row.id for row in untied(text, actor, ids)}
    if missing := set(ids) - known:
        raise Invalid({"images": [images.no_upload(number) for number in sorted(missing)]})


def check_image(text: str, actor: Actor, ticket_id: int, image_id: int) -> None:
    """Raises NotFound for a photo that this link does not open, of whatever else its holder may see."""
    if policy.get_image(actor, image_id).ticket_id != ticket_id and not untied(text, actor, [image_id]):
        raise NotFound


@jobs.handles("purge_held", every=timedelta(hours=6))
def purge_held(job: jobs.Claimed) -> None:
    """Forget reports that nobody confirmed, and the guests who were made for them alone."""
    begin_write()
    old = select(Ticket).where(Ticket.held, Ticket.created_at < now() - timedelta(days=HELD_DAYS)).limit(500)
    # one that is being confirmed now stays
    for ticket in db.session.scalars(old.with_for_update(skip_locked=True)).all():
        reporter_id = ticket.reporter_id
        search.forget([ticket.id])
        db.session.execute(delete(OneTimeToken).where(OneTimeToken.subject == f"ticket:{ticket.id}"))
        db.session.delete(ticket)
        db.session.flush()
        _forget_guest(reporter_id)
    db.session.commit()


def _forget_guest(user_id: int) -> None:
    """Somebody who never proved the address and is nobody here: not invited, not counted among those affected.

    What else refers to them keeps them, by its foreign key.
    """
    nobody = delete(User).where(
        User.id == user_id,
        User.role == Role.CUSTOMER,
        User.username.is_(None),
        User.password_hash.is_(None),
        User.email_verified_at.is_(None),
        ~exists().where(OneTimeToken.user_id == User.id),
        ~exists().where(TicketReport.user_id == User.id),  # it would go along, and the ticket's count be wrong
    )
    with contextlib.suppress(IntegrityError), db.session.begin_nested():
        db.session.execute(nobody)
