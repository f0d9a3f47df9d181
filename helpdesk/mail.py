"""Mails: what stands in each, who gets it, and the handing over to the mail server.

A mail is a function that returns its context; its name finds `templates/email/<kind>/{subject.txt,body.txt,body.html}`.
It runs in the worker, reads what its recipient may see now, and says None when there is nothing left to send.
"""

from __future__ import annotations

import email.policy
import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import current_app

from helpdesk import auth, jobs, mailservers, notifications, policy
from helpdesk.errors import BadLink, NotFound
from helpdesk.markdown import render
from helpdesk.settings import setting
from helpdesk.workflow import ENDED
from models import Audience, Channel, OneTimeToken, Role, Status, Ticket, User, begin_write, db, now

log = logging.getLogger(__name__)

MARK = "— Write your answer above this line —"
"""Begins what can be answered: whatever a mail program does with what it quotes, this tells where that begins."""


@dataclass
class Mail:
    to: str
    context: dict[str, Any]
    name: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    answer_to: str | None = None
    """The address by which its reader, and nobody else, answers. It is the sender's on the envelope, too, so that what
    cannot be delivered comes back to it."""


Compose = Callable[[dict[str, Any]], Mail | None]
MAILS: dict[str, Compose] = {}


def mail(function: Compose) -> Compose:
    MAILS[function.__name__] = function
    return function


def url(path: str) -> str:
    """Links begin with PUBLIC_BASE_URL, never with what a request claimed to be asked for."""
    return f"{setting('PUBLIC_BASE_URL')}{path}"


def _person(user_id: int) -> User | None:
    user = db.session.get(User, user_id)
    return user if user is not None and user.is_active and user.email else None


def _reader(user_id: int) -> User | None:
    """The same for what is no matter of security: it is not sent where mails come back from. Raises NothingToDo."""
    user = _person(user_id)
    if user is not None and user.bounced_at is not None:
        raise jobs.NothingToDo("Not sent: mails to this address come back.")
    return user


def _link(token_id: int, path: str) -> str | None:
    token = db.session.get(OneTimeToken, token_id)
    if token is None or token.used_at is not None or token.expires_at <= now():
        return None
    try:
        return url(f"{path}?token={auth.link_token(token)}")
    except BadLink:
        raise jobs.GiveUp("no key derives this link any more: was SECRET_KEY_PREVIOUS set?") from None


def _to_person(payload: dict[str, Any], path: str | None = None) -> Mail | None:
    user = _person(payload["user_id"])
    link = _link(payload["token_id"], path) if path else None
    if user is None or user.email is None or (path and link is None):
        return None
    return Mail(to=user.email, name=user.name, context={"user": user, "link": link})


@mail
def confirm(payload: dict[str, Any]) -> Mail | None:
    """Registering: prove the address."""
    link = _link(payload["token_id"], "/account/confirm")
    return Mail(to=payload["to"], context={"link": link}) if link else None


@mail
def account_exists(payload: dict[str, Any]) -> Mail | None:
    """Somebody registered an address that has an account: only its owner learns of it."""
    made = _to_person(payload)
    if made is not None:
        made.context["link"] = url("/account/forgot")
    return made


@mail
def reset(payload: dict[str, Any]) -> Mail | None:
    return _to_person(payload, "/account/reset")


@mail
def guest_report(payload: dict[str, Any]) -> Mail | None:
    """To an address that somebody reported with: none of their words, for it may be anybody's."""
    made = _to_person(payload, "/account/report")
    if made is not None:
        made.name = ""
    return made


@mail
def invitation(payload: dict[str, Any]) -> Mail | None:
    return _to_person(payload, "/account/confirm")


@mail
def new_address(payload: dict[str, Any]) -> Mail | None:
    """To the new address: prove it."""
    made = _to_person(payload, "/account/address")
    if made is not None:
        made.to = payload["to"]
    return made


@mail
def address_changed(payload: dict[str, Any]) -> Mail | None:
    """To the old address: somebody took it away."""
    made = _to_person(payload)
    if made is not None:
        made.to = payload["to"]
    return made


@mail
def password_changed(payload: dict[str, Any]) -> Mail | None:
    made = _to_person(payload)
    if made is not None:
        made.context["link"] = url("/account/forgot")
    return made


def _about_ticket(payload: dict[str, Any]) -> Mail | None:
    """What whom it affects sees of the ticket and of the deed at this moment."""
    user = _reader(payload["user_id"])
    if user is None or user.email is None:
        return None
    actor = notifications.reader(user)
    rows = notifications.deed_as_seen(user, payload["deed_id"])
    made = _about(payload["kind"], user, actor, payload["ticket_id"], rows)
    if made is not None:
        made.context["link"] = _conversation(user, payload["ticket_id"])
    return made


def _about_work(payload: dict[str, Any]) -> Mail | None:
    """What one of the staff sees of it, as whose work it is. A note is not quoted: it stays on the staff pages."""
    user = _reader(payload["user_id"])
    if user is None or user.email is None or user.role == Role.CUSTOMER:
        return None
    actor = policy.Actor(id=user.id, role=user.role, name=user.name)
    rows = notifications.deed_of_ticket(actor, payload["deed_id"])
    made = _about(payload["kind"], user, actor, payload["ticket_id"], rows)
    if made is not None:
        comment = made.context["comment"]
        if comment is not None and comment.comment_audience == Audience.INTERNAL:
            # what answers a note would go out to a customer
            made.context.update(html="", is_note=True, mark=None)
            made.answer_to = None
        made.context["link"] = url(f"/staff/tickets/{payload['ticket_id']}")
        made.context["by"] = next((row.actor_name for row in rows if row.actor_name), None)
    return made


def _about(kind: str, user: User, actor: policy.Actor, ticket_id: int, rows: list[Any]) -> Mail | None:
    try:
        ticket = policy.get_ticket(actor, ticket_id)
    except NotFound:
        return None
    comment = next((row for row in rows if row.comment_text is not None and row.to_value == "added"), None)
    host = urlsplit(setting("PUBLIC_BASE_URL")).hostname
    thread = f"<ticket-{ticket.id}@{host}>"
    off = url(f"/account/mails/off?token={auth.mails_token(user, kind)}")
    answer_to = auth.reply_address(ticket_id, user)
    return Mail(
        to=user.email or "",
        name=user.name,
        context={
            "user": user,
            "ticket": ticket,
            "comment": comment,
            "html": render(comment.comment_text) if comment else "",
            "off": off,
            "mark": MARK if answer_to else None,
        },
        answer_to=answer_to,
        headers={
            "In-Reply-To": thread,
            "References": thread,
            "List-Unsubscribe": f"<{off}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )


def _conversation(user: User, ticket_id: int) -> str:
    """Where somebody reads on: whoever has no account, through the link that opens their report without one.

    Where they joined somebody else's there is no such link: with an account it is theirs to read.
    """
    if user.password_hash is not None:
        return url(f"/tickets/{ticket_id}")
    link = auth.report_link(ticket_id, user)
    return url(f"/account/report?token={link}" if link else "/register")


@mail
def received(payload: dict[str, Any]) -> Mail | None:
    """Of what came by mail none of its words: anybody can write anybody's address as the sender."""
    made = _about_ticket(payload)
    if made is not None:
        made.context["came_by_mail"] = made.context["ticket"].channel == Channel.EMAIL
    return made


@mail
def reply(payload: dict[str, Any]) -> Mail | None:
    """A reply of the staff; nothing to send once it was deleted."""
    made = _about_ticket(payload)
    return made if made is not None and made.context["comment"] is not None else None


@mail
def resolved(payload: dict[str, Any]) -> Mail | None:
    """Nothing to send where it is open again by now."""
    made = _about_ticket(payload)
    if made is None or made.context["ticket"].status not in ENDED:
        return None
    ticket, user = made.context["ticket"], made.context["user"]
    if ticket.side == policy.Side.REPORTER and ticket.status == Status.RESOLVED:
        for says in ("fixed", "broken"):
            token = auth.verdict_token(says, ticket.id, user, ticket.resolved_at)
            made.context[says] = url(f"/account/fixed?token={token}")
    return made


@mail
def waiting(payload: dict[str, Any]) -> Mail | None:
    """The desk waits for an answer; nothing to send where it does not any more."""
    made = _about_ticket(payload)
    return made if made is not None and made.context["ticket"].status == Status.WAITING else None


@mail
def reopened(payload: dict[str, Any]) -> Mail | None:
    """Nothing to send where it has ended again."""
    made = _about_ticket(payload)
    return made if made is not None and made.context["ticket"].status not in ENDED else None


# --- to the staff -----------------------------------------------------------------------------------------------------


@mail
def assigned(payload: dict[str, Any]) -> Mail | None:
    """It is theirs now; nothing to send once it is somebody else's."""
    made = _about_work(payload)
    return made if made is not None and made.context["ticket"].assignee_id == payload["user_id"] else None


@mail
def mentioned(payload: dict[str, Any]) -> Mail | None:
    """Somebody named them; nothing to send once those words were deleted."""
    made = _about_work(payload)
    return made if made is not None and made.context["comment"] is not None else None


@mail
def answered(payload: dict[str, Any]) -> Mail | None:
    """A customer wrote on what is theirs."""
    made = _about_work(payload)
    return made if made is not None and made.context["comment"] is not None else None


@mail
def returned(payload: dict[str, Any]) -> Mail | None:
    """What was resolved is open again."""
    made = _about_work(payload)
    return made if made is not None and made.context["ticket"].status not in ENDED else None


@mail
def queued(payload: dict[str, Any]) -> Mail | None:
    """Their team has it and nobody took it on; nothing to send once somebody did."""
    made = _about_work(payload)
    if made is None:
        return None
    ticket = made.context["ticket"]
    return made if ticket.assignee_id is None and ticket.status not in ENDED else None


def _about_target(payload: dict[str, Any]) -> Mail | None:
    """What is due soon or was missed: of those targets that still stand as they stood when it was noted."""
    made = _about_work(payload)
    if made is None:
        return None
    ticket, zone = made.context["ticket"], ZoneInfo(made.context["user"].time_zone or setting("TIME_ZONE"))
    targets = {
        "response": ("first reply", ticket.first_response_due_at, ticket.first_response_at),
        "resolution": ("fix", ticket.resolution_due_at, ticket.resolved_at),
    }
    standing = []
    for row in notifications.deed_of_ticket(policy.SYSTEM, payload["deed_id"]):
        what, due_at, done_at = targets.get(row.to_value, ("", None, None))
        if row.field == payload["kind"] and done_at is None and due_at and due_at.isoformat() == row.from_value:
            standing.append((what, due_at.astimezone(zone)))
    if not standing or ticket.status in (Status.WAITING, *ENDED):
        return None
    made.context.update(targets=standing, is_theirs=ticket.assignee_id == payload["user_id"])
    return made


@mail
def due_soon(payload: dict[str, Any]) -> Mail | None:
    """Nothing to send once it is late: that has a mail of its own."""
    made = _about_target(payload)
    return made if made is not None and all(due_at > now() for _, due_at in made.context["targets"]) else None


@mail
def overdue(payload: dict[str, Any]) -> Mail | None:
    return _about_target(payload)


@mail
def digest(payload: dict[str, Any]) -> Mail | None:
    """What happened within an hour, in a line each, of what there still is to be told."""
    user = _reader(payload["user_id"])
    items = []
    for item in payload["items"]:
        made = MAILS[item["kind"]]({**item, "user_id": payload["user_id"]})
        if made is not None:
            items.append({"kind": item["kind"], **made.context})
    if user is None or user.email is None or not items:
        return None
    return Mail(to=user.email, name=user.name, context={"user": user, "items": items, "says": notifications.SAYS})


# --- building and sending ---------------------------------------------------------------------------------------------


def build(kind: str, job: jobs.Claimed, composed: Mail) -> EmailMessage:
    """The message. Its Message-ID is the job's, so that a repetition after a crash is recognised as the same mail.

    The job's time stands in it too, for a restored backup gives its numbers again.
    """
    host = urlsplit(setting("PUBLIC_BASE_URL")).hostname or "localhost"
    context = {**composed.context, "site_name": setting("SITE_NAME"), "base_url": setting("PUBLIC_BASE_URL")}
    templates = current_app.jinja_env

    def part(name: str) -> str:
        return templates.get_template(f"email/{kind}/{name}").render(context)

    message = EmailMessage(policy=email.policy.SMTP)
    name, sender = parseaddr(setting("MAIL_FROM"))
    message["From"] = Address(display_name=name, addr_spec=sender)
    message["To"] = Address(display_name=_line(composed.name), addr_spec=composed.to)
    message["Subject"] = _line(part("subject.txt"))
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<job-{job.id}-{int(job.created_at.timestamp() * 1e6):x}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    for header, value in composed.headers.items():
        message[header] = value
    if composed.answer_to:
        message["Reply-To"] = Address(display_name=name, addr_spec=composed.answer_to)
    message.set_content(part("body.txt").strip() + "\n")
    message.add_alternative(part("body.html"), subtype="html")
    return message


def _line(text: str) -> str:
    """Text of people as a header holds it: what looks encoded (`=?…?=`) would be decoded, line breaks and all."""
    return " ".join(text.replace("=?", "= ?").split())


@jobs.handles("mail")
def send(job: jobs.Claimed) -> None:
    """Compose a mail for whom it concerns now, and hand it over. Failing is repeated by the outbox."""
    kind = job.payload["kind"]
    _make_answerable(job.payload)
    composed = MAILS[kind](job.payload)
    if composed is None:
        log.info("mail has no reader any more", extra={"job": job.id, "kind": kind})
        return
    message = build(kind, job, composed)
    db.session.rollback()  # hold no snapshot open while a mail server takes its time
    if setting("ENVIRONMENT") != "production":
        keep(message, job.id, kind)
    if setting("SMTP_URL"):
        try:
            mailservers.hand_over(message, setting("SMTP_URL"), composed.answer_to)
        except (mailservers.LoginRefused, mailservers.NotEncrypted) as error:
            raise MailNotConfigured(str(error)) from None
        except mailservers.RefusedForGood as error:
            if error.of_recipient:
                _bounced(job, composed.to)
            raise jobs.GiveUp(str(error)) from None
    elif setting("ENVIRONMENT") == "production":
        raise MailNotConfigured("SMTP_URL is not set: the mail waits")


def _make_answerable(payload: dict[str, Any]) -> None:
    """Let its reader have an address to answer to, where mails about tickets can be answered."""
    if setting("INBOUND_ADDRESS") and "deed_id" in payload:
        begin_write()
        if db.session.get(Ticket, payload["ticket_id"]) is not None:
            auth.make_reply_address(payload["ticket_id"], payload["user_id"])
        db.session.commit()


def _bounced(job: jobs.Claimed, address: str) -> None:
    """Remember that nobody is reached there."""
    if "user_id" in job.payload:
        begin_write()
        auth.refused(job.payload["user_id"], address)
        db.session.commit()


class MailNotConfigured(jobs.NotYet):
    """The settings do not say how to send; mails wait until they do."""


jobs.RESTS.append(mailservers.rest)


# --- the mailbox of development ---------------------------------------------------------------------------------------


def _mailbox() -> Path:
    database = hashlib.sha256(setting("DATABASE_URL").encode()).hexdigest()[:8]  # job ids are the database's own
    path = Path(current_app.instance_path) / "mailbox" / database
    path.mkdir(parents=True, exist_ok=True)
    return path


def keep(message: EmailMessage, job_id: int, kind: str) -> None:
    """Lay a copy where `/dev/mailbox` shows it. A repetition replaces its first copy."""
    path = _mailbox() / f"{job_id}.eml"
    half = path.with_suffix(f".{os.getpid()}")
    half.write_bytes(message.as_bytes())
    half.replace(path)


def _content(part: Any) -> str:
    text: str = part.get_content() if part else ""
    return text.replace("\r\n", "\n")


def kept(limit: int = 200) -> list[dict[str, Any]]:
    """The newest mails of the mailbox, newest first."""
    items = []
    newest = sorted(_mailbox().glob("*.eml"), key=lambda path: int(path.stem), reverse=True)
    for path in newest[:limit]:
        message = BytesParser(policy=email.policy.default).parsebytes(path.read_bytes())
        plain, html = message.get_body(("plain",)), message.get_body(("html",))
        items.append(
            {
                "id": int(path.stem),
                "to": str(message["To"]),
                "subject": str(message["Subject"]),
                "text": _content(plain),
                "html": _content(html),
                "headers": {name: str(value) for name, value in message.items()},
                "created_at": datetime.fromtimestamp(path.stat().st_mtime, tz=now().tzinfo),
            }
        )
    return items
