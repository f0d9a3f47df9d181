"""People without an account: they report with an address alone, and hold a link that opens their ticket.

A report is kept at once, but *held*: nobody is told and it counts nowhere until the link in the mail was used, for
anybody can type anybody's address. The link stays good for half a year and shows this one ticket as its reporter sees
it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError

from helpdesk import audit, auth, events, jobs, limits, policy, search, sla, tickets
from helpdesk.errors import BadLink, Invalid, NotSignedIn
from helpdesk.events import Change
from helpdesk.policy import Actor
from models import (
    ActorKind,
    Audience,
    Channel,
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


def check(data: Mapping[str, Any], peer: str) -> None:
    """Before anything is written. Raises NotSignedIn without an address, Invalid for what only the staff choose.

    Raises TooMany by client, and by the address that was typed, whoever's it is.
    """
    if "email" not in data:
        raise NotSignedIn
    if wrong := (tickets.TRIAGE_FIELDS - {"email", "name"}) & data.keys():
        raise Invalid({name: ["Only the staff choose this."] for name in sorted(wrong)})
    limits.check(limits.GUEST_PEER, limits.client(peer))
    limits.check(limits.GUEST_ADDRESS, auth.normalize_email(data["email"]))


def check_writing(ticket_id: int) -> None:
    """Whoever holds a link writes as often as somebody with an account. Raises TooMany."""
    limits.check(limits.CREATE, f"link of {ticket_id}")


def report(actor: Actor, data: Mapping[str, Any], *, channel: Channel) -> None:
    """Keep a report, once `check` found nothing against it, until whoever has the address confirms it. Raises Invalid.

    Says nothing of who has an account: for somebody who was locked out nothing is kept, and the answer is the same.
    """
    try:
        reporter = tickets.person_by_email(data["email"], data.get("name"))
    except Invalid:
        return
    ticket = tickets.write(actor, data, reporter, channel=channel, held=True)
    token = auth.make_link_token(
        TokenPurpose.GUEST, subject=f"ticket:{ticket.id}", ticket_id=ticket.id, reporter_id=reporter.id
    )
    payload = {"kind": "guest_report", "token_id": token.id, "user_id": reporter.id}
    jobs.enqueue("mail", payload, request_id=actor.request_id)


def holder(text: str, *, peer: str | None, request_id: str | None) -> tuple[Actor, int]:
    """Who holds this link, as the reporter of the one ticket that it opens, and its number. Raises BadLink."""
    token = auth.read_link(text, TokenPurpose.GUEST)
    ticket_id, user_id = token.payload["ticket_id"], token.payload["reporter_id"]
    theirs = select(User.name).join(Ticket, Ticket.reporter_id == User.id)
    row = db.session.execute(theirs.where(Ticket.id == ticket_id, User.id == user_id, User.is_active)).one_or_none()
    if row is None:  # it was reported for somebody else, as it turned out, or they are gone
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
        sla.start(ticket)
        user = db.session.get_one(User, actor.id)
        user.email_verified_at = user.email_verified_at or at
        change = Change("held", "true", "false", audience=Audience.REPORTER)
        events.record(actor, change, ticket=ticket, at=at)
        audit.record("ticket.released", actor=actor, target=f"ticket:{ticket.id}")
    return actor, ticket_id


@jobs.handles("purge_held", every=timedelta(hours=6))
def purge_held(job: jobs.Claimed) -> None:
    """Forget reports that nobody confirmed, and the guests who were made for them alone."""
    begin_write()
    old = select(Ticket).where(Ticket.held, Ticket.created_at < now() - timedelta(days=HELD_DAYS)).limit(500)
    for ticket in db.session.scalars(old).all():
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
