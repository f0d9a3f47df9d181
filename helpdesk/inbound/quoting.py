"""What somebody wrote, without what they answer and without their signature.

Our own mails begin with MARK, so that whatever a mail program does with what is answered, its beginning is known. For
the rest there are the forms that mail programs use: a line of theirs above the quote, lines that begin with `>`, the
headers of the mail that is answered, a line of dashes. Line by line, and only from the end: words between quotes are
kept, for somebody answered point by point.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from helpdesk.inbound.markup import QUOTE
from helpdesk.mail import MARK

_MARKED = MARK.strip("— ")
MAX_LINES = 5_000

_BEGINS = re.compile(r"(?:On|Am|Le|El|Il|Op|Em|Den|W dniu|Dne)\b", re.IGNORECASE)
_WROTE = re.compile(
    r"\b(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev|napisał|napsal)\b", re.IGNORECASE
)
_DIVIDER = re.compile(
    r"^\s*(?:-{2,}\s*(?:Original Message|Ursprüngliche Nachricht|Original-Nachricht|Message d'origine|Mensaje original"
    r"|Messaggio originale|Oorspronkelijk bericht|Mensagem original|Forwarded message|Weitergeleitete Nachricht"
    r"|Message transféré)\s*-{2,}|_{20,})\s*$",
    re.IGNORECASE,
)
_FIRST_HEADER = re.compile(r"^\s*\*?(?:From|Von|De|Da|Van|Från|Od)\s?:\*?\s*\S", re.IGNORECASE)
_OTHER_HEADER = re.compile(
    r"^\s*\*?(?:Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado|Fecha|Para|Asunto|Inviato|Data|A"
    r"|Oggetto|Verzonden|Aan|Onderwerp)\s?:\*?",
    re.IGNORECASE,
)
_SENT_FROM = re.compile(
    r"^\s*(?:Sent from (?:my|Outlook|Mail|Yahoo)|Get Outlook for|Von meinem \S+(?: \S+)? gesendet"
    r"|Gesendet mit|Gesendet von|Envoyé de mon|Envoyé depuis|Enviado desde mi|Enviado do meu|Inviato da"
    r"|Verstuurd vanaf)\b.{0,80}$",
    re.IGNORECASE,
)


def written(text: str) -> str:
    """The words of whoever wrote the mail. Where nothing is left, all of it: a quote alone tells something."""
    return _own(text, _without_quote) or text.replace(QUOTE, "").strip()


def own_words(text: str) -> str:
    """The same of one of the staff, whose words go to others: nothing of what they quote, at the price of what they may
    have written below or between. Empty where nothing is left."""
    return _own(text, _above_quote)


def _own(text: str, cut: Callable[[list[str]], list[str]]) -> str:
    lines = text.split("\n")[:MAX_LINES]
    own = _without_device(cut(_without_signature(lines)))
    shown = ("> " + line[1:] if line.startswith(QUOTE) else line for line in own if _MARKED not in line)
    return "\n".join(shown).strip()


def _above_quote(lines: list[str]) -> list[str]:
    """Up to the first sign of another mail: our mark, a quoted line, a line that says who wrote, headers, a divider."""
    for number, line in enumerate(lines):
        ends = _MARKED in line or _is_quoted(line) or _DIVIDER.match(line[:400]) or _begins_headers(lines, number)
        if ends or any(_introduces(" ".join(lines[number : number + count])) for count in (1, 2)):
            return lines[:number]
    return lines


def _without_quote(lines: list[str]) -> list[str]:
    last_own = max((n for n, line in enumerate(lines) if line.strip() and not _is_quoted(line)), default=-1)
    end = next((number for number in range(len(lines)) if _ends_own_words(lines, number, last_own)), len(lines))
    own = lines[:end]
    while own and (_is_quoted(own[-1]) or not own[-1].strip()):
        own.pop()
    if len(own) < len(lines):
        while own and (not own[-1].strip() or _introduces(own[-1]) or _introduces(" ".join(own[-2:]))):
            own.pop()
    return own


def _ends_own_words(lines: list[str], number: int, last_own: int) -> bool:
    """Whether from this line on everything is what is answered."""
    line = lines[number]
    if _MARKED in line:
        return not _is_quoted(line) or last_own < number
    if _DIVIDER.match(line[:400]) or _begins_headers(lines, number):
        return True
    for count in (1, 2):  # programs break a long line
        after = number + count
        if _introduces(" ".join(part.strip(QUOTE + "> ") for part in lines[number:after])):
            following = next((one for one in lines[after : after + 5] if one.strip()), "")
            return last_own < after or (
                not _is_quoted(following) and not any(map(_is_quoted, lines[after : after + 50]))
            )
    return False


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith((">", QUOTE))


def _introduces(said: str) -> bool:
    """Whether a line says who wrote what follows: with a verb, or with a date and an address before a colon."""
    said = said.strip()
    if len(said) > 400:
        return False
    has_address, begins = "@" in said, bool(_BEGINS.match(said))
    return (begins or has_address) and (bool(_WROTE.search(said)) or (begins and has_address)) and said.endswith(":")


def _begins_headers(lines: list[str], number: int) -> bool:
    """The headers of the mail that is answered, as Outlook writes them."""
    if not _FIRST_HEADER.match(lines[number].lstrip(QUOTE)[:400]):
        return False
    following = [line.lstrip(QUOTE)[:400] for line in lines[number + 1 : number + 7]]
    return sum(bool(_OTHER_HEADER.match(line)) for line in following) >= 2


def _without_signature(lines: list[str]) -> list[str]:
    """Up to `-- ` (RFC 3676, 4.3)."""
    return lines[: next((n for n, line in enumerate(lines) if n and line in ("-- ", "--")), len(lines))]


def _without_device(own: list[str]) -> list[str]:
    """Less the line that a phone adds at the end."""
    while own and not own[-1].strip():
        own.pop()
    return own[:-1] if own and _SENT_FROM.match(own[-1][:200]) else own
