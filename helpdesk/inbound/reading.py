"""What a mail says, whatever it is made of: bytes in, an `Incoming` out. Decides nothing and knows no database.

Everything here is written for mails that somebody made to do harm: nothing is fetched, nothing is executed, what cannot
be decoded is replaced, and every loop ends with its input.
"""

from __future__ import annotations

import base64
import email
import email.utils
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.header import Header, decode_header
from email.message import Message

from helpdesk.inbound import kinds, markup, quoting
from helpdesk.inbound.kinds import one_line
from helpdesk.inbound.markup import QUOTE

MAX_BYTES = 35 * 1024 * 1024
"""Of a mail: ten photos of what a phone takes, encoded. Of a larger one only the beginning is read."""
READ_OF_LARGER_BYTES = 2 * 1024 * 1024
MAX_HEAD_BYTES = 256 * 1024
MAX_HEAD_LINES = 4_000
MAX_PARAMETERS = 8 * 1024
"""Of what a part says of itself: the parser takes a second for twenty thousand letters, and for twice as many four."""
MAX_BOUNDARIES = 20
MAX_MAILS_INSIDE = 50
"""The parser goes one deeper for each mail within a mail."""
MAX_PARTS = 200
MAX_TEXT = 200_000
"""Letters that are looked at; a comment holds far fewer."""
SMALL_PICTURE_BYTES = 6 * 1024
"""A picture inside the text that is smaller than this is a logo or an icon."""

_SIGNED = frozenset(
    {
        "application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature",
        "application/pgp-keys",
    }
)  # fmt: skip
_ENCRYPTED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"})
_SILENT = frozenset({"text/calendar", "text/vcard", "text/x-vcard", "text/directory", "application/ics"})
"""What mail programs add by themselves: not worth a word."""


@dataclass(frozen=True)
class Picture:
    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Incoming:
    """A mail as it concerns a desk. What opens something was taken out of its words."""

    sender: str
    """An address as it stands in From; empty where there is none that could be one. It proves nothing."""
    sender_name: str
    recipients: tuple[str, ...]
    """Every address that it may have come in by, as the headers tell it."""
    subject: str
    text: str
    """What its writer wrote, without what they quote and their signature."""
    own_words: str
    """The same less everything that may be somebody else's."""
    original: str
    """With all of it."""
    pictures: tuple[Picture, ...]
    not_taken: tuple[str, ...]
    """The names of attachments that are not pictures."""
    kind: kinds.Kind
    answers: bool
    """Whether it says that it answers another mail."""
    bounce: kinds.Bounce | None
    is_encrypted: bool


def key_of(raw: bytes) -> tuple[str, str | None]:
    """What is the same of every copy of one mail, and its Message-ID. Found without reading it.

    A Message-ID alone can be anybody's: with another sender or date it is another mail.
    """
    head = _head(raw)
    found = re.search(rb"^Message-ID:\s*<([^<>\s]{1,240})>", head, re.IGNORECASE | re.MULTILINE)
    message_id = one_line(found[1].decode("utf-8", "replace")) if found else None
    if not message_id:
        return hashlib.sha256(raw).hexdigest(), None
    date = _DATE.search(head)
    same = (message_id.encode(), sender_of(raw).encode(), b" ".join(date[1].split()) if date else b"")
    return hashlib.sha256(b"\n".join(same)).hexdigest(), message_id


_DATE = re.compile(rb"^Date:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)
_FROM = re.compile(rb"^From:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)


def sender_of(raw: bytes) -> str:
    """The address in From in lower case, found without reading it all; empty where there is none that could be one."""
    found = _FROM.search(_head(raw))
    return _from(" ".join(found[1].decode("utf-8", "replace").split()))[1].lower() if found else ""


def names(raw: bytes, address: str | None, words: set[str]) -> bool:
    """Whether an address, or one by which they answer, stands in the head of a mail. Quick where it does not."""
    head = _head(raw).lower().decode("ascii", "replace")
    if not words.isdisjoint(_REPLY_WORD.findall(head)):
        return True
    return address is not None and address in head and address in _ADDRESS.findall(head)


_REPLY_WORD = re.compile(r"\+([a-z2-7]{24})@")


def _head(raw: bytes) -> bytes:
    return raw[:MAX_HEAD_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0]


_GAP = r"(?:=\r?\n|\?=\r?\n[ \t]=\?[\w-]+\?q\?)?"
"""Where quoted-printable, or a header that is too long, goes on in the next line: anywhere in a word."""


def _encoded(first: str, second: str) -> str:
    """A letter by its number, in quoted-printable or in a link, which may itself stand in another."""
    return rf"[=%]{_GAP}(?:2{_GAP}5{_GAP})*{first}{_GAP}{second}"


_KEY = rf"(?:{_GAP}(?:[\w.~%-]|=[0-9A-F]{{2}})){{20,}}"
_TOKEN = rf"{_GAP.join('token')}{_GAP}(?:{_encoded('3', 'D')}|=)"
_BY_LINK = rf"{_GAP.join('by-link')}{_GAP}(?:{_encoded('2', 'F')}|/)"
_WORD = rf"(?:{_GAP}[a-z2-7]){{24}}(?={_GAP}(?:@|{_encoded('4', '0')}))"
_OPENS = rf"({_TOKEN}|{_BY_LINK}){_KEY}|(\+|{_encoded('2', 'B')}){_WORD}"
"""What opens something, as it stands in a mail that was decoded or was not, and in a link that is in another link."""
_OPENS_TEXT = re.compile(_OPENS, re.IGNORECASE | re.ASCII)
_OPENS_BYTES = re.compile(_OPENS.encode(), re.IGNORECASE)
_BASE64 = re.compile(rb"^(?:[A-Za-z0-9+/]+={0,2}(?:\r?\n|\Z))+", re.MULTILINE)


def without_keys(text: str) -> str:
    """Without what lets its reader do something as whoever it was sent to: the links in our mails, and the word in the
    address by which they are answered."""
    return _OPENS_TEXT.sub(lambda found: f"{found[1] or found[2]}…", text)


def raw_without_keys(raw: bytes) -> bytes:
    return _BASE64.sub(_base64_without_keys, _bytes_without_keys(raw))


def _bytes_without_keys(data: bytes) -> bytes:
    return _OPENS_BYTES.sub(lambda found: (found[1] or found[2]) + b"...", data)


def _base64_without_keys(found: re.Match[bytes]) -> bytes:
    try:
        data = base64.b64decode(found[0])
    except ValueError:  # words that look like it
        return found[0]
    without = _bytes_without_keys(data)
    return found[0] if without == data else base64.encodebytes(without)


IN_SHORT = (
    "From", "To", "Cc", "Reply-To", "Date", "Subject", "Message-ID", "In-Reply-To", "Return-Path", "Delivered-To",
    "X-Original-To", "Auto-Submitted", "Precedence", "List-Id", "Authentication-Results",
)  # fmt: skip
"""The headers that say why a mail became what it did."""


def in_short(raw: bytes) -> list[tuple[str, str]]:
    """Those headers, each on one line. Raises Unreadable."""
    _check(raw)
    message = email.message_from_bytes(_head(raw) + b"\n\n")
    return [(name, found[:300]) for name in IN_SHORT if (found := header(message, name))]


class Unreadable(Exception):
    """It is made so that reading it would take for ever: the parser takes the square of some things' length."""


def _check(raw: bytes) -> None:
    """Raises Unreadable, in time proportional to the mail."""
    head = raw[: MAX_HEAD_BYTES + 1].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    if len(head) > MAX_HEAD_BYTES or head.count(b"\n") > MAX_HEAD_LINES:
        raise Unreadable("Its head is too long.")
    if any(len(found[0]) > MAX_PARAMETERS for found in _PARAMETERS.finditer(raw)):
        raise Unreadable("One of its parts has too much to say of itself.")
    if len(_BOUNDARY.findall(raw)) > MAX_BOUNDARIES:
        raise Unreadable("There are parts within parts without end.")
    if len(_MAIL_INSIDE.findall(raw)) > MAX_MAILS_INSIDE:
        raise Unreadable("There are mails within mails without end.")


_PARAMETERS = re.compile(rb"^content-[a-z-]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb"boundary\s*\*?=", re.IGNORECASE)
_MAIL_INSIDE = re.compile(rb"(?:^|\r)content-type:\s*message/", re.IGNORECASE | re.MULTILINE)


def _parsed(raw: bytes) -> Message:
    try:
        return email.message_from_bytes(raw)
    except RecursionError:
        raise Unreadable("There are parts within parts without end.") from None


def read(raw: bytes, *, is_cut: bool = False) -> Incoming:
    """Raises Unreadable for what would take too long, and nothing else for what is in it.

    `is_cut`: there was more of it, which was too much to be kept; what is attached cannot be whole.
    """
    _check(raw)
    message = _parsed(raw)
    found = _Parts()
    for part in _leaves(message):
        found.take(part, is_cut=is_cut)
    original = without_keys(found.text())
    name, address = _from(str(message.get("From", "")))
    return Incoming(
        sender=address,
        sender_name=name,
        recipients=tuple(_recipients(message)),
        subject=without_keys(header(message, "Subject"))[:500],
        text=quoting.written(original),
        own_words=quoting.own_words(original),
        original=original.replace(QUOTE, "> "),
        pictures=tuple(found.pictures),
        not_taken=tuple(found.not_taken),
        kind=kinds.kind_of(_headers(message), message.get_content_type()),
        answers="In-Reply-To" in message or "References" in message,
        bounce=kinds.bounce_of(message),
        is_encrypted=found.is_encrypted,
    )


# --- headers ----------------------------------------------------------------------------------------------------------


def header(message: Message, name: str) -> str:
    """A header on one line, its encoded words decoded, what cannot be replaced; empty where there is none."""
    value = message.get(name)
    if value is None:
        return ""
    return one_line(_decoded(value))


def _headers(message: Message) -> dict[str, str]:
    """The first of each, by its name in lower case."""
    found: dict[str, str] = {}
    for name, value in message.items():
        if name.lower() not in found:
            found[name.lower()] = one_line(_decoded(value))
    return found


def _decoded(value: str | Header) -> str:
    try:
        pieces = decode_header(value)
    except (ValueError, LookupError, IndexError):  # email.errors.HeaderParseError is a ValueError of its own making
        return str(value)
    except Exception:
        return str(value)
    return "".join(text if isinstance(text, str) else decoded(text, charset) for text, charset in pieces)


_ADDRESS = re.compile(r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _from(value: str) -> tuple[str, str]:
    """Name and address of the first in From. The name as people write it, so that it may be shown."""
    value = value[:2000]
    name, address = email.utils.parseaddr(value)
    if not _ADDRESS.fullmatch(address):
        found = _ADDRESS.search(value)
        name, address = "", found[0] if found else ""
    return one_line(_decoded(name))[:100], address if len(address) <= 254 and address.isascii() else ""


_CAME_BY = ("X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "To", "Cc")


def _recipients(message: Message) -> Iterator[str]:
    for name in _CAME_BY:
        for value in message.get_all(name, [])[:20]:
            yield from (found.lower() for found in _ADDRESS.findall(str(value)[:20_000])[:100])


# --- parts ------------------------------------------------------------------------------------------------------------


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that have no parts, of each choice of forms the one that is understood best; a mail inside is one."""
    waiting, seen = [message], 0
    while waiting and seen < MAX_PARTS:
        part = waiting.pop()
        seen += 1
        inside = parts_of(part)
        if not inside or part.get_content_type() == "message/rfc822":
            yield part
        elif part.get_content_type() == "multipart/alternative":
            waiting.append(_best(inside))
        elif part.get_content_type() == "multipart/report":
            waiting.extend(inside[:1])
        else:
            waiting.extend(reversed(inside))


def parts_of(part: Message) -> list[Message]:
    inside = part.get_payload() if part.is_multipart() else []
    return [one for one in inside if isinstance(one, Message)][:MAX_PARTS] if isinstance(inside, list) else []


def _best(choices: list[Message]) -> Message:
    """Plain text that says something; else what else there is, the richest last (RFC 2046, 5.1.4)."""
    plain = [part for part in choices if part.get_content_type() == "text/plain" and _text_of(part).strip()]
    return plain[0] if plain else (choices[-1] if choices else Message())


class _Parts:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.pictures: list[Picture] = []
        self.not_taken: list[str] = []
        self.is_encrypted = False

    def take(self, part: Message, *, is_cut: bool) -> None:
        kind, name = one_line(part.get_content_type())[:100], _name(part)
        is_attached = part.get_content_disposition() == "attachment"
        if kind in _ENCRYPTED and "signed-data" not in str(part.get_param("smime-type")):
            self.is_encrypted = True
        elif kind in _SIGNED or kind in _SILENT:
            return
        elif kind in ("text/plain", "text/html") and not is_attached and not (name and kind == "text/html"):
            text = _text_of(part)
            self.pieces.append(markup.as_text(text) if kind == "text/html" else text.replace(QUOTE, ""))
        elif part.get_content_maintype() == "image" and not is_cut:
            data = _bytes_of(part)
            is_inside = "Content-ID" in part and not is_attached
            if data and not (is_inside and len(data) < SMALL_PICTURE_BYTES):
                self.pictures.append(Picture(name or "picture", data))
        elif kind == "message/rfc822":
            self.not_taken.append(name or "a forwarded mail")
        elif kind != "message/delivery-status":
            self.not_taken.append(name or kind)

    def text(self) -> str:
        joined = "\n\n".join(piece.strip("\n") for piece in self.pieces if piece.strip())
        return clean(joined)[:MAX_TEXT]


_NOT_TEXT = re.compile(
    r"[\x00\x02-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Of what nobody sees, U+200C and U+200D stay: Persian words and emojis are made with them."""


def clean(text: str) -> str:
    """Lines that end in one way, without what is no text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _NOT_TEXT.sub("", text.replace("\x85", "\n").replace("\xa0", " "))


def _name(part: Message) -> str:
    try:
        given = part.get_filename() or part.get_param("name") or ""
    except Exception:  # the library's own parser of parameters fails in many ways
        return ""
    value = email.utils.collapse_rfc2231_value(given) if isinstance(given, tuple) else str(given)
    return one_line(_decoded(value)).replace("/", "_").replace("\\", "_")[:100]


def _bytes_of(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except Exception:  # what calls itself base64 and is not
        return b""
    return data if isinstance(data, bytes) else b""


def _text_of(part: Message) -> str:
    charset = part.get_param("charset")
    text = decoded(_bytes_of(part)[: MAX_TEXT * 4], str(charset) if charset else None)
    if str(part.get_param("format", "")).lower() == "flowed":
        return _unflowed(text, deletes=str(part.get_param("delsp", "")).lower() == "yes")
    return text


_SAME = {
    "unicode-1-1-utf-7": "utf-7",
    "iso-8859-8-i": "iso-8859-8",
    "x-user-defined": "latin-1",
    "ansi_x3.4-1968": "ascii",
}
_TEXTUAL = re.compile(r"[\w.:-]{1,40}", re.ASCII)


def decoded(data: bytes, charset: str | None) -> str:
    """By the charset that is named if it is one and fits, else as UTF-8, else as what Windows writes."""
    named = (charset or "utf-8").strip().strip("'\"").lower()
    named = _SAME.get(named, named)
    for encoding in (named if _TEXTUAL.fullmatch(named) else "utf-8", "utf-8"):
        try:
            return data.decode(encoding)
        except (UnicodeError, LookupError, ValueError, TypeError, AssertionError):  # or no codec that makes text
            continue
    return data.decode("cp1252", "replace")


def _unflowed(text: str, *, deletes: bool) -> str:
    """Lines that a mail program broke, joined again (RFC 3676)."""
    lines: list[str] = []
    goes_on = False
    for line in text.replace("\r\n", "\n").split("\n"):
        quoted = line.startswith(">")
        bare = line[1:] if line.startswith(" ") else line
        if goes_on and not quoted and bare != "-- ":
            lines[-1] += bare
        else:
            lines.append(bare)
        goes_on = bare.endswith(" ") and bare != "-- " and not quoted
        if goes_on and deletes:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)
