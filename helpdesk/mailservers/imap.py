"""A mailbox at a server: which mails lie in it, what is in one, and laying it aside.

Mails go by their number (UID) of this visit alone, so that a server may count anew whenever it likes.
"""

from __future__ import annotations

import base64
import contextlib
import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from helpdesk.mailservers.reaching import LoginRefused, Lost, Refused, Server, not_reached, server_of

TIMEOUT_SECONDS = 20
MOST_AT_ONCE = 200
"""Mails whose sizes are asked for in one breath."""
MOST_BYTES = 64 * 1024 * 1024
"""A server that sends more than it was asked for is not listened to."""


class _Bounded(imaplib.IMAP4):
    def read(self, size: int) -> bytes:
        if size > MOST_BYTES:
            raise self.abort("more than was asked for")
        return super().read(size)


class _BoundedSsl(_Bounded, imaplib.IMAP4_SSL):
    pass


@contextmanager
def opened(url: str) -> Iterator[Mailbox]:
    """A mailbox, logged in. Raises Failed, also for what fails while it is used."""
    wanted = server_of(url)
    with _in_words():
        context = wanted.tls()
        if wanted.is_encrypted_from_the_start:
            client: imaplib.IMAP4 = _BoundedSsl(
                wanted.host, wanted.port, ssl_context=context, timeout=TIMEOUT_SECONDS
            )  # fmt: skip
        else:
            client = _Bounded(wanted.host, wanted.port, timeout=TIMEOUT_SECONDS)
    try:
        with _in_words():
            _log_in(client, wanted, context)
            yield Mailbox(client, wanted.path or "INBOX")
    finally:
        # what is done is done: what it says to our leaving matters to nobody
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            client.logout()
        with contextlib.suppress(OSError):
            client.shutdown()


def _log_in(client: imaplib.IMAP4, wanted: Server, context: ssl.SSLContext) -> None:
    if not wanted.is_encrypted_from_the_start and "STARTTLS" in client.capabilities:
        client.starttls(context)
    wanted.check_secret(is_encrypted=isinstance(client.sock, ssl.SSLSocket))
    try:
        if "AUTH=PLAIN" in client.capabilities:  # which takes every letter
            client.authenticate("PLAIN", lambda _: f"\0{wanted.user}\0{wanted.password}".encode())
        else:
            client.login(wanted.user, wanted.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        found = re.search(r"\[[A-Z-]{3,30}\]", str(error))
        said = f" {found[0]}" if found else ""
        raise LoginRefused(f"the mail server refused user and password of IMAP_URL{said}") from None
    except UnicodeEncodeError:
        raise LoginRefused("this mail server takes a password of plain letters alone (IMAP_URL)") from None


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except imaplib.IMAP4.abort:
        raise Lost("it hung up") from None
    except imaplib.IMAP4.error:
        raise Refused("it did not understand, or will not do it") from None
    except OSError as error:
        raise not_reached(error) from None


class Mailbox:
    """Raises Refused for what the server will not do, and what imaplib does for the rest."""

    def __init__(self, client: imaplib.IMAP4, folder: str) -> None:
        self.client, self.folder = client, folder
        self.capabilities: frozenset[str] = frozenset()

    def enter(self) -> None:
        """Look into the folder. What a server can do, it says in full to whoever is logged in."""
        _, said = self.client.capability()
        self.capabilities = frozenset(b" ".join(one for one in said if one).decode("ascii", "replace").upper().split())
        if self.client.select(_quoted(self.folder))[0] != "OK":
            raise Refused(f"there is no folder {self.folder}")

    def waiting(self) -> list[int]:
        """The numbers of the mails in it, the oldest first."""
        numbers = (self._asked("SEARCH", "UNDELETED", words="it does not say what is there")[0] or b"").split()
        return sorted(int(number) for number in numbers)

    def sizes(self, uids: list[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        for start in range(0, len(uids), MOST_AT_ONCE):
            numbers = ",".join(str(uid) for uid in uids[start : start + MOST_AT_ONCE])
            for line in self._asked("FETCH", numbers, "(RFC822.SIZE)", words="it does not say how large they are"):
                text = line[0] if isinstance(line, tuple) else line or b""
                uid, size = re.search(rb"\bUID (\d+)", text), re.search(rb"RFC822\.SIZE (\d+)", text)
                if uid and size:
                    found[int(uid[1])] = int(size[1])
        return found

    def read(self, uid: int, most: int) -> bytes | None:
        """The beginning of a mail, without marking it as read. None where it is gone by now."""
        said = self._asked("FETCH", str(uid), f"(BODY.PEEK[]<0.{most}>)", words="the server does not give it")
        for part in said:
            # others' flags may be told in between; some say the number after what they were asked for
            if isinstance(part, tuple) and b"BODY[" in part[0].upper():
                return bytes(part[1][:most])
        if self.has_mail(uid):
            raise Refused("the server gives nothing of it")
        return None

    def has_mail(self, uid: int) -> bool:
        """Whether it is still there, as others left it by now."""
        self.client.noop()
        return bool(self._asked("SEARCH", "UID", str(uid), words="it does not say what is there")[0])

    def lay_aside(self, uid: int, folder: str | None) -> None:
        """Move a mail to this folder, read; or delete it. Done again for one that is gone it does nothing."""
        number = str(uid)
        if folder is None:
            self._delete(number)
            return
        self._asked("STORE", number, "+FLAGS.SILENT", r"(\Seen)", words="it marks nothing as read")
        place = _quoted(folder)
        if "MOVE" in self.capabilities:
            self._asked("MOVE", number, place, words=f"it moves nothing to {folder}")
        else:
            self._asked("COPY", number, place, words=f"it moves nothing to {folder}")
            self._delete(number)

    def let_there_be(self, folder: str) -> None:
        """Make a folder, unless it is there."""
        if not self.has(folder) and self.client.create(_quoted(folder))[0] != "OK" and not self.has(folder):
            raise Refused(f"the folder {folder} is not there and cannot be made")
        self.client.subscribe(_quoted(folder))  # so that mail programs show it

    def has(self, folder: str) -> bool:
        kind, said = self.client.status(_quoted(folder), "(MESSAGES)")
        return kind == "OK" and bool(said and said[0])

    def _delete(self, number: str) -> None:
        self._asked("STORE", number, "+FLAGS.SILENT", r"(\Deleted)", words="it deletes nothing")
        if "UIDPLUS" in self.capabilities:  # else somebody else's would go along: it is passed by from now on
            self._asked("EXPUNGE", number, words="it deletes nothing")

    def _asked(self, command: str, *arguments: str, words: str) -> list[Any]:
        kind, said = self.client.uid(command, *arguments)
        if kind == "NO" and any(b"[EXPUNGEISSUED]" in line for line in said if isinstance(line, bytes)):
            return []  # somebody else took it away meanwhile
        if kind != "OK":
            raise Refused(words)
        return list(said)


def _quoted(folder: str) -> str:
    """A folder's name as IMAP writes it: letters beyond ASCII in base64 of their own (RFC 3501, 5.1.3)."""

    def encoded(found: re.Match[str]) -> str:
        return "&" + base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"

    name = re.sub(r"[^\x20-\x7e]+", encoded, folder.replace("&", "&-"))
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
