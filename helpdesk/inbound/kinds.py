"""Whether a person wrote a mail: robots, lists and failed deliveries get no answer (RFC 3834, RFC 3464, RFC 2919)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum


class Kind(StrEnum):
    PERSON = "person"
    AUTO_REPLY = "auto_reply"
    """Out of the office, or another answer that nobody wrote."""
    DOUBTFUL = "doubtful"
    """By its subject alone an answer that nobody wrote: it counts, and is not answered."""
    ROBOT = "robot"
    """A machine that tells something by itself."""
    LIST = "list"
    """To many, by way of a list."""
    BOUNCE = "bounce"
    """Of the mail system, about a mail that was sent."""


@dataclass(frozen=True)
class Bounce:
    recipient: str
    is_final: bool
    status: str
    message_id: str | None
    """Of the mail that could not be delivered."""


_AUTO_SUBJECT = re.compile(
    r"^\s*(?:auto(?:matic)?[ -]?(?:reply|response|antwort)|out of (?:the )?office|automatische antwort"
    r"|abwesen(?:heit|d)|réponse automatique|absence du bureau|respuesta automática|fuera de la oficina"
    r"|risposta automatica|fuori sede|automatisch antwoord|afwezig|resposta automática|autosvar|frånvaro)\b",
    re.IGNORECASE,
)
_DAEMONS = re.compile(r"^(?:mailer-daemon|postmaster|mail-daemon|double-bounce|mdaemon)@", re.IGNORECASE)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
"""Line ends, what turns text around, and halves of characters, which no database takes."""


def one_line(text: str) -> str:
    """What can be shown, and kept, on one line."""
    return " ".join(_CONTROL.sub(" ", text).split())


def kind_of(headers: Mapping[str, str], content_type: str) -> Kind:
    """By headers in lower case. What several rules say, the first decides."""
    submitted = re.match(r"\s*([a-z-]*)", headers.get("auto-submitted", "").lower())[1] or "no"  # type: ignore[index]
    precedence = headers.get("precedence", "").strip().lower()
    if (
        content_type == "multipart/report"
        or headers.get("return-path", "").strip() == "<>"
        or _DAEMONS.search(headers.get("from", "").rpartition("<")[2])
        or "x-failed-recipients" in headers
    ):
        return Kind.BOUNCE
    answers = "in-reply-to" in headers or "references" in headers
    if (
        submitted in ("auto-replied", "auto-notified")
        or (submitted != "no" and answers)
        or {"x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from"} & headers.keys()
        or precedence == "auto_reply"
    ):
        return Kind.AUTO_REPLY
    if {"list-id", "list-post", "mailing-list"} & headers.keys() or precedence in ("list", "bulk", "junk"):
        return Kind.LIST
    if submitted != "no" or headers.get("x-auto-response-suppress", "").strip().lower() == "all":
        return Kind.ROBOT
    return Kind.DOUBTFUL if _AUTO_SUBJECT.search(headers.get("subject", "")) else Kind.PERSON


def bounce_of(message: Message) -> Bounce | None:
    """What a report of a mail system says of a delivery (RFC 3464), or one in words of its own, of whom it is about.
    None for anything else."""
    failed = one_line(str(message.get("X-Failed-Recipients", ""))[:1000]).partition(",")[0].strip().strip("<>").lower()
    in_words = Bounce(recipient=failed[:254], is_final=False, status="", message_id=None) if failed else None
    if message.get_content_type() != "multipart/report" or not message.is_multipart():
        return in_words
    parts = [part for part in message.get_payload() if isinstance(part, Message)][:10]
    told = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    if told is None:
        return in_words
    inside = told.get_payload()
    blocks = [block for block in inside if isinstance(block, Message)][:20] if isinstance(inside, list) else []
    about = next((block for block in blocks if "Final-Recipient" in block or "Original-Recipient" in block), None)
    if about is None:
        return in_words
    given = one_line(str(about.get("Original-Recipient") or about.get("Final-Recipient")))
    status, action = one_line(str(about.get("Status", ""))), str(about.get("Action", "")).strip().lower()
    returned = next(
        (part for part in parts if part.get_content_type() in ("message/rfc822", "text/rfc822-headers")), None
    )
    found = re.search(r"^Message-ID:\s*<([^<>\s]{1,240})>", _beginning(returned), re.IGNORECASE | re.MULTILINE)
    return Bounce(
        recipient=given.rpartition(";")[2].strip().strip("<>").lower()[:254],
        is_final=action == "failed" and status.startswith("5"),
        status=status[:20],
        message_id=found[1] if found else None,
    )


def _beginning(part: Message | None) -> str:
    if part is None:
        return ""
    inside = part.get_payload()
    if isinstance(inside, list):
        first = next((one for one in inside if isinstance(one, Message)), Message())
        return "\n".join(f"{name}: {value}" for name, value in first.items())[:20_000]
    return str(inside)[:20_000]
