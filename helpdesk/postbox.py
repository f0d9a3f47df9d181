"""The mails that came in, for who looks after them, and all of the mail that somebody's words were made of.

A mail is shown as plain text, of what it begins with, and without what lets its reader act as somebody else: the links
that our mails hold, and the word in the address by which they are answered. It is never shown as HTML.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import LargeBinary, ScalarSelect, and_, bindparam, delete, func, select

from helpdesk import audit, jobs, paging, policy, tickets
from helpdesk.errors import Conflict, NotFound
from helpdesk.inbound import reading
from helpdesk.policy import Action, Actor
from helpdesk.schemas import InboundMailShape
from models import InboundBlob, InboundMail, InboundState, Rows, Ticket, begin_write, db, fetch, now

log = logging.getLogger(__name__)

READ_BYTES = 2 * 1024 * 1024
"""Of a mail that is shown: the words stand before what is attached."""
FULL_TEXT = 200_000

# --- reading ----------------------------------------------------------------------------------------------------------

_ORDER: paging.Order = {"id": (InboundMail.id, InboundMail.id)}
_mail = InboundMailShape()
_CAN_RETRY = (InboundState.QUARANTINED, InboundState.IGNORED)


def _mails() -> Rows:
    return select(
        InboundMail.id, InboundMail.state, InboundMail.sender, InboundMail.subject, InboundMail.size_bytes,
        InboundMail.outcome, InboundMail.attempts, InboundMail.ticket_id, InboundMail.comment_id, InboundMail.user_id,
        InboundMail.received_at, InboundMail.handled_at, InboundBlob.keep_until.label("kept_until"),
        and_(InboundMail.state.in_(_CAN_RETRY), InboundBlob.mail_id.is_not(None)).label("can_retry"),
    ).outerjoin(InboundBlob, InboundBlob.mail_id == InboundMail.id)  # fmt: skip


@lru_cache(maxsize=4)
def _listed(has_state: bool, after: bool) -> Rows:
    statement = _mails()
    if has_state:
        statement = statement.where(InboundMail.state == bindparam("state", type_=InboundMail.state.type))
    return paging.ordered(statement, _ORDER, "-id", after=after)


def listing(
    actor: Actor, filters: Mapping[str, Any], *, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the mails that came in, newest first, perhaps of one `state`. Raises Forbidden, Invalid."""
    policy.require(actor, Action.MAIL_MANAGE)
    has_state = "state" in filters
    found = paging.page(
        lambda after: _listed(has_state, after), dict(filters), of="inbound", limit=limit, cursor=cursor
    )
    return [_mail.dump_row(row) for row in found.rows], found.next_cursor


@lru_cache(maxsize=1)
def laid_aside() -> ScalarSelect[int]:
    """How many mails wait for somebody to look at them, counted no further than is said."""
    some = select(InboundMail.id).where(InboundMail.state == InboundState.QUARANTINED)
    return select(func.count()).select_from(some.limit(tickets.COUNTED_UP_TO + 1).subquery()).scalar_subquery()


def _beginning(mail_id: int) -> bytes | None:
    first = func.substr(InboundBlob.data, 1, READ_BYTES, type_=LargeBinary())
    return db.session.scalar(select(first).where(InboundBlob.mail_id == mail_id))


def show_one(actor: Actor, mail_id: int) -> dict[str, Any]:
    """With the headers that say why it became what it did, and its text. Raises Forbidden, NotFound."""
    policy.require(actor, Action.MAIL_MANAGE)
    row = fetch(_mails().where(InboundMail.id == bindparam("mail_id")), {"mail_id": mail_id}).one_or_none()
    if row is None:
        raise NotFound
    shown = {**_mail.dump_row(row), "headers": [], "text": None, "full_text": None}
    data = _beginning(mail_id)
    if data is None:
        return shown
    try:
        found = reading.read(data, is_cut=row.size_bytes > len(data))
        heads = reading.in_short(data)
    except reading.Unreadable:  # its outcome says so
        return shown
    except Exception:  # it was laid aside because of that, and is there to be taken as a file
        log.exception("a mail cannot be read", extra={"mail_id": mail_id})
        return shown
    return shown | {
        "headers": [{"name": name, "value": reading.without_keys(value)} for name, value in heads],
        "text": found.text,
        "full_text": found.original[:FULL_TEXT],
    }


def raw(actor: Actor, mail_id: int, *, is_taken: bool = True) -> bytes:
    """The mail as it came, less what opens something. Commits that it `is_taken` before it is given out.

    Raises Forbidden, NotFound.
    """
    policy.require(actor, Action.MAIL_MANAGE)
    data = db.session.scalar(select(InboundBlob.data).where(InboundBlob.mail_id == mail_id))
    if data is None:
        raise NotFound
    db.session.rollback()
    if is_taken:
        begin_write()
        _on_record(actor, mail_id, "downloaded")
        db.session.commit()
    return reading.raw_without_keys(data)


# --- verbs ------------------------------------------------------------------------------------------------------------


def _take(actor: Actor, mail_id: int) -> InboundMail:
    policy.require(actor, Action.MAIL_MANAGE)
    mail = db.session.get(InboundMail, mail_id, with_for_update=True, populate_existing=True)
    if mail is None:
        raise NotFound
    if mail.state == InboundState.WAITING:
        raise Conflict("It waits to be worked on: look again in a moment.")
    if mail.state == InboundState.DONE:
        raise Conflict("It became what it says: nothing is left to do.")
    return mail


def retry(actor: Actor, mail_id: int, *, is_report: bool = False) -> None:
    """Let a mail that was laid aside, or of which nothing came, be worked on again, with all its tries and whatever the
    limits say. `is_report`: as one of its sender's, whatever it answers. Raises Forbidden, NotFound, Conflict."""
    mail = _take(actor, mail_id)
    if db.session.scalar(select(InboundBlob.mail_id).where(InboundBlob.mail_id == mail_id)) is None:
        raise Conflict("The mail itself is not kept any more.")
    mail.state, mail.attempts, mail.outcome, mail.handled_at = InboundState.WAITING, 0, None, None
    jobs.enqueue(
        "inbound", {"mail_id": mail_id, "is_let_in": True, "is_report": is_report}, request_id=actor.request_id
    )
    _on_record(actor, mail_id, "reported" if is_report else "retried")


def dismiss(actor: Actor, mail_id: int) -> None:
    """Let go of a mail: nothing comes of it, and it is not kept. Raises Forbidden, NotFound, Conflict."""
    mail = _take(actor, mail_id)
    if mail.state == InboundState.QUARANTINED:
        mail.state, mail.outcome, mail.handled_at = InboundState.IGNORED, "Somebody looked at it and let it go.", now()
    db.session.execute(delete(InboundBlob).where(InboundBlob.mail_id == mail_id))
    _on_record(actor, mail_id, "dismissed")


def _on_record(actor: Actor, mail_id: int, what: str) -> None:
    audit.record(f"mail.{what}", actor=actor, target=f"mail:{mail_id}")


# --- what somebody's words were made of -------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _original(of_comment: bool) -> Rows:
    first = func.substr(InboundBlob.data, 1, READ_BYTES, type_=LargeBinary())
    statement = select(
        InboundMail.id, InboundMail.sender, InboundMail.subject, InboundMail.is_from_elsewhere, InboundMail.size_bytes,
        InboundMail.received_at, InboundMail.ticket_id, InboundBlob.keep_until.label("kept_until"), first.label("data"),
    ).join(InboundBlob)  # fmt: skip
    if of_comment:
        return statement.where(InboundMail.comment_id == bindparam("number")).order_by(InboundMail.id).limit(1)
    # it came before there was the ticket, which goes on with others
    made_by = InboundMail.comment_id.is_(None), InboundMail.received_at <= Ticket.created_at
    reported = statement.join(Ticket, Ticket.id == InboundMail.ticket_id).where(*made_by)
    return reported.where(Ticket.id == bindparam("number")).order_by(InboundMail.id).limit(1)


def original_of_comment(actor: Actor, comment_id: int) -> dict[str, Any]:
    """All of the mail that a comment was made of, for the staff who see the comment. Raises Forbidden, NotFound."""
    policy.require(actor, Action.MAIL_READ)
    return _read(policy.get_comment(actor, comment_id).id, of_comment=True)


def original_of_ticket(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """The same of the mail that a ticket was reported by."""
    policy.require(actor, Action.MAIL_READ)
    return _read(policy.get_ticket(actor, ticket_id).id, of_comment=False)


def _read(number: int, *, of_comment: bool) -> dict[str, Any]:
    row = fetch(_original(of_comment), {"number": number}).one_or_none()
    if row is None:
        raise NotFound
    try:
        found = reading.read(row.data, is_cut=row.size_bytes > len(row.data))
    except reading.Unreadable:  # any more: it was when it came
        raise NotFound from None
    return {
        "sender": row.sender, "subject": row.subject, "is_from_elsewhere": row.is_from_elsewhere,
        "received_at": row.received_at, "kept_until": row.kept_until, "ticket_id": row.ticket_id,
        "text": found.original[:FULL_TEXT],
    }  # fmt: skip
