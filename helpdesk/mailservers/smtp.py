"""Handing mails over. One connection of a thread is kept for the mails that follow.

Nothing is sent twice because a connection was old: before each further mail the server is asked whether it is still
there (RSET), and only then the mail begins. What is lost after that is the outbox's to repeat, under the same
Message-ID.
"""

from __future__ import annotations

import base64
import contextlib
import re
import smtplib
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage

from helpdesk.mailservers.reaching import (
    LoginRefused,
    Lost,
    Refused,
    RefusedForGood,
    Server,
    code_of,
    not_reached,
    server_of,
)

TIMEOUT_SECONDS = 30
MOST_MAILS = 100
"""Over one connection: servers count, too."""
IDLE_SECONDS = 20
"""Then it is closed by us, before the server does it."""

_NO_MAILBOX = re.compile(r"55\d 5\.(?:1\.(?:[1236]|10)|2\.1)")
"""What says for certain that nobody is reached there: RFC 3463, and 7505 for 5.1.10. A bare 550 may mean anything."""
_OF_US = re.compile(r" 5\.(?:1\.[078]|7\.\d+)$")
"""What says that this server takes our sender, or us, for nobody: somebody sets that right, and it goes out then."""


@dataclass
class _Kept:
    url: str
    server: smtplib.SMTP
    mails: int = 0
    used_at: float = 0.0


class _Mine(threading.local):
    kept: _Kept | None = None


_mine = _Mine()


def hand_over(message: EmailMessage, url: str, sender: str | None = None) -> None:
    """Give a mail to the server at this address. Raises Failed.

    `smtps://` is TLS from the start; `smtp://` upgrades where the server offers it, and always before a password.
    """
    kept = _connected(url)
    try:
        with _in_words():
            _send(kept.server, message, sender)
    except RefusedForGood:
        raise
    except BaseException:  # who knows how much of it arrived
        let_go()
        raise
    finally:
        kept.mails, kept.used_at = kept.mails + 1, time.monotonic()


def _send(server: smtplib.SMTP, message: EmailMessage, sender: str | None) -> None:
    """Raises what smtplib does; and for each stage says whether no means never."""
    try:
        server.send_message(message, from_addr=sender)
    except smtplib.SMTPRecipientsRefused as error:
        said = [code_of(*refusal) for refusal in error.recipients.values()]
        if min(code for code, _ in error.recipients.values()) >= 500:
            if all(_NO_MAILBOX.fullmatch(one) for one in said):
                raise RefusedForGood(f"no such mailbox: {', '.join(said)}", of_recipient=True) from None
            if not any(_OF_US.search(one) for one in said):
                raise RefusedForGood(f"the recipient was refused with {', '.join(said)}") from None
        raise Refused(f"the recipient was refused with {', '.join(said)}") from None
    except smtplib.SMTPSenderRefused as error:  # it is about the settings, here or there, and not about this mail
        raise Refused(f"our sender was refused with {code_of(error.smtp_code, error.smtp_error)}") from None
    except smtplib.SMTPDataError as error:
        said_of_it = f"the mail was refused with {code_of(error.smtp_code, error.smtp_error)}"
        raise (RefusedForGood if error.smtp_code >= 500 else Refused)(said_of_it) from None
    except smtplib.SMTPNotSupportedError:
        raise RefusedForGood("the server takes no addresses with letters beyond ASCII") from None


def try_login(url: str) -> None:
    """Whether a mail could be handed over. Raises Failed."""
    let_go()
    _connected(url)


def rest() -> None:
    """Close what was not needed for a while."""
    kept = _mine.kept
    if kept is not None and time.monotonic() - kept.used_at >= IDLE_SECONDS:
        let_go()


def let_go() -> None:
    """Close it. It has the mails: what it says to our leaving matters to nobody."""
    kept, _mine.kept = _mine.kept, None
    if kept is not None:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            kept.server.quit()
        kept.server.close()


def _connected(url: str) -> _Kept:
    kept = _mine.kept
    if kept is not None:
        if kept.url == url and kept.mails < MOST_MAILS and _is_there(kept.server):
            return kept
        let_go()
    kept = _mine.kept = _Kept(url, _connect(server_of(url)), used_at=time.monotonic())
    return kept


def _is_there(server: smtplib.SMTP) -> bool:
    try:
        return server.rset()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _connect(wanted: Server) -> smtplib.SMTP:
    with _in_words():
        context = wanted.tls()
        if wanted.is_encrypted_from_the_start:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                wanted.host, wanted.port, timeout=TIMEOUT_SECONDS, context=context
            )  # fmt: skip
        else:
            server = smtplib.SMTP(wanted.host, wanted.port, timeout=TIMEOUT_SECONDS)
    try:
        with _in_words():
            server.ehlo()
            if not wanted.is_encrypted_from_the_start and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            if wanted.user:
                wanted.check_secret(is_encrypted=isinstance(server.sock, ssl.SSLSocket))
                _log_in(server, wanted)
    except BaseException:
        server.close()
        raise
    return server


def _log_in(server: smtplib.SMTP, wanted: Server) -> None:
    if "PLAIN" not in server.esmtp_features.get("auth", "").upper().split():
        server.login(wanted.user, wanted.password)
        return
    # smtplib's own takes ASCII alone
    code, said = server.docmd(
        "AUTH", "PLAIN " + base64.b64encode(f"\0{wanted.user}\0{wanted.password}".encode()).decode()
    )
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, said)


@contextmanager
def _in_words() -> Iterator[None]:
    """What went wrong, as Failed: without anybody's words, in which there may be addresses."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        said = code_of(error.smtp_code, error.smtp_error)
        if error.smtp_code < 500:
            raise Refused(f"it lets nobody log in for now: {said}") from None
        raise LoginRefused(f"the mail server refused user and password of SMTP_URL with {said}") from None
    except smtplib.SMTPNotSupportedError:
        raise LoginRefused("the mail server takes no password: SMTP_URL has one") from None
    except UnicodeEncodeError:
        raise LoginRefused("this mail server takes a password of plain letters alone (SMTP_URL)") from None
    except smtplib.SMTPServerDisconnected as error:
        reason = error.__context__
        raise (not_reached(reason) if isinstance(reason, TimeoutError) else Lost("it hung up")) from None
    except smtplib.SMTPResponseException as error:
        raise Refused(f"it said {code_of(error.smtp_code, error.smtp_error)}") from None
    except smtplib.SMTPException as error:
        raise Refused(f"it was not understood: {type(error).__name__}") from None
    except OSError as error:
        raise not_reached(error) from None
