"""Whether mail goes out and comes in as it is set up: step by step, and what to do about the first that fails."""

from __future__ import annotations

import email.policy
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import urlsplit

from sqlalchemy import select

from helpdesk import inbound, mailservers
from helpdesk.settings import setting
from models import InboundMail, db, now

LOOK_SECONDS = 1.0
TO_DO = {
    "address": "Give the address of a mailbox that you can look into: flask mail-check you@example.edu",
    "settings": "Set it in the environment or in .env, for this command and for the worker alike.",
    "name": "Is the name spelt right, and does this machine ask a name server that knows it?",
    "connection": "Is the port right, is the server running, and does a firewall let this machine through?",
    "TLS": "The certificate must be for this name and by an authority that this machine knows. One of your own goes "
    "into a file of certificates that SSL_CERT_FILE names. On port 465 or 993 write smtps:// or imaps://.",
    "login": "Check user and password. In an address, letters such as @ : / and % are written as %40 %3A %2F %25. "
    "Where there is a second factor, the server wants a password made for programs.",
    "mail": "The server does not pass on what MAIL_FROM sends, or not to this address: its log says why.",
    "folder": "Check the folder at the end of IMAP_URL, IMAP_HANDLED, and what this user may do there.",
    "coming in": "Does the mail server take helpdesk+anything@… for the mailbox of helpdesk@…, and does it reach the "
    "mailbox of IMAP_URL, or the pipe to `flask deliver-mail`? Its log says where it went.",
}


class Ails(Exception):
    """A step that failed: its name, why, and what to do."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(why)
        self.step, self.to_do = step, TO_DO[step]


def check(address: str, *, wait: float, say: Callable[[str], None]) -> Iterator[tuple[str, str]]:
    """Each step that went well, and what is to be said of it. Raises Ails at the first that did not."""
    yield "settings", _settings(address)
    yield "name", _name("SMTP_URL")
    try:
        mailservers.try_login(setting("SMTP_URL"))
    except mailservers.Failed as error:
        raise Ails(error.step, f"SMTP_URL: {error}") from None
    yield "connection", "connected to the mail server" + (", logged in" if _user("SMTP_URL") else "")
    _send(address, "If you read this, the helpdesk can send mail.")
    yield "mail", f"one was sent to {address}: look whether it came, and whether it was taken for spam"
    if setting("IMAP_URL"):
        yield "name", _name("IMAP_URL")
        yield "folder", _mailbox()
    if setting("INBOUND_ADDRESS"):
        say(f"waiting for up to {wait:.0f} seconds for a mail to come in …")
        yield "coming in", _comes_in(wait)
    mailservers.let_go()


def _settings(address: str) -> str:
    if "@" not in parseaddr(address)[1]:
        raise Ails("address", f"{address} is no address")
    if not setting("SMTP_URL"):
        raise Ails("settings", "SMTP_URL is not set: mails wait")
    if setting("IMAP_URL") and not setting("INBOUND_ADDRESS"):
        raise Ails("settings", "IMAP_URL is set and INBOUND_ADDRESS is not: nobody could answer a mail")
    return f"mail goes out from {parseaddr(setting('MAIL_FROM'))[1]}" + (
        f" and comes in at {setting('INBOUND_ADDRESS')}" if setting("INBOUND_ADDRESS") else "; none comes in"
    )


def _host(name: str) -> str:
    return urlsplit(setting(name)).hostname or ""


def _user(name: str) -> str:
    return urlsplit(setting(name)).username or ""


def _name(name: str) -> str:
    try:
        found = socket.getaddrinfo(_host(name), None, type=socket.SOCK_STREAM)
    except OSError:
        raise Ails("name", f"{name}: there is no host {_host(name)}") from None
    return f"{_host(name)} is {found[0][4][0]}"


def _send(address: str, text: str) -> str:
    """Its Message-ID."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"] = setting("MAIL_FROM"), address
    message["Subject"] = f"A test of {setting('SITE_NAME')}".replace("=?", "= ?")
    message["Date"] = format_datetime(now())
    host = urlsplit(setting("PUBLIC_BASE_URL")).hostname or "localhost"
    message_id = f"check-{secrets.token_hex(16)}@{host}"
    message["Message-ID"] = f"<{message_id}>"
    message["Auto-Submitted"] = "auto-generated"  # what comes in of it is no report
    message.set_content(f"{text}\n")
    try:
        mailservers.hand_over(message, setting("SMTP_URL"))
    except mailservers.Failed as error:
        raise Ails(error.step, f"SMTP_URL: {error}") from None
    return message_id


def _mailbox() -> str:
    try:
        with mailservers.opened(setting("IMAP_URL")) as mailbox:
            mailbox.enter()
            number = len(mailbox.waiting())
            if setting("IMAP_HANDLED") != inbound.DELETE:
                mailbox.let_there_be(setting("IMAP_HANDLED"))
    except mailservers.Refused as error:
        raise Ails("folder", f"IMAP_URL: {error}") from None
    except mailservers.Failed as error:
        raise Ails(error.step, f"IMAP_URL: {error}") from None
    return f"logged in to the mailbox; {number} mails lie in it and are taken in by the worker"


def _comes_in(wait: float) -> str:
    """Send one to an address as answers have it, and wait for it: by fetching it, or for whoever hands it over."""
    local, _, host = setting("INBOUND_ADDRESS").partition("@")
    message_id = _send(f"{local}+check{secrets.token_hex(8)}@{host}", "This mail should come back to the helpdesk.")
    began = time.monotonic()
    while not _is_here(message_id):
        if time.monotonic() - began >= wait:
            raise Ails("coming in", f"nothing came in at {local}+…@{host} within {wait:.0f} seconds")
        time.sleep(min(LOOK_SECONDS, wait))
        if setting("IMAP_URL"):
            try:
                inbound.fetch_now()
            except mailservers.Failed as error:
                raise Ails(error.step if error.step in TO_DO else "coming in", f"IMAP_URL: {error}") from None
    return f"it was here after {time.monotonic() - began:.0f} seconds"


def _is_here(message_id: str) -> bool:
    found = db.session.scalar(select(InboundMail.id).where(InboundMail.message_id == message_id))
    db.session.rollback()
    return found is not None
