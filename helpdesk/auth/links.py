"""Links in mails: used once, for one purpose, for some hours."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from helpdesk.auth.keys import derive, keys
from helpdesk.errors import BadLink
from models import OneTimeToken, TokenPurpose, User, db, now

LINK_HOURS: dict[TokenPurpose, int] = {
    TokenPurpose.CONFIRM: 48,
    TokenPurpose.RESET: 2,
    TokenPurpose.INVITE: 72,
    TokenPurpose.NEW_ADDRESS: 48,
    TokenPurpose.GUEST: 24 * 180,
}


def make_link_token(
    purpose: TokenPurpose, *, user_id: int | None = None, subject: str | None = None, **payload: Any
) -> OneTimeToken:
    """A one-time token for a mail; the ones before it of the same purpose and person end."""
    same = OneTimeToken.user_id == user_id if user_id is not None else OneTimeToken.subject == subject
    db.session.execute(delete(OneTimeToken).where(OneTimeToken.purpose == purpose, same))
    token = OneTimeToken(
        purpose=purpose,
        user_id=user_id,
        subject=subject,
        salt=secrets.token_bytes(16),
        hash=secrets.token_hex(32),  # stands in until the id, which the link is derived from, is known
        payload=payload,
        expires_at=now() + timedelta(hours=LINK_HOURS[purpose]),
    )
    db.session.add(token)
    db.session.flush()
    token.hash = hashlib.sha256(_link(keys()[0], token).encode()).hexdigest()
    return token


def _link(key: str, token: OneTimeToken) -> str:
    return derive(key, "link", token.id, token.purpose, token.salt.hex())


def link_token(token: OneTimeToken) -> str:
    """What stands in the link: derived again by whoever mails it, so that it lies nowhere in the meantime."""
    for key in keys():
        link = _link(key, token)
        if hmac.compare_digest(hashlib.sha256(link.encode()).hexdigest(), token.hash):
            return link
    raise BadLink


def make_report_token(ticket_id: int, reporter: User) -> OneTimeToken:
    """For a link that opens one report without an account, as long as its reporter has the address it went to."""
    return make_link_token(
        TokenPurpose.GUEST, subject=f"ticket:{ticket_id}", ticket_id=ticket_id, reporter_id=reporter.id,
        address=digest_of(reporter.email_normalized),
    )  # fmt: skip


def report_link(ticket_id: int, reporter: User) -> str | None:
    """What stands in that link, to be mailed once more. None where there is none, or it opens nothing any more."""
    wanted = select(OneTimeToken).where(OneTimeToken.subject == f"ticket:{ticket_id}", OneTimeToken.expires_at > now())
    token = db.session.scalar(wanted)
    if token is None or not opens_report_of(token, reporter.id, reporter.email_normalized):
        return None
    with contextlib.suppress(BadLink):
        return link_token(token)
    return None


def opens_report_of(token: OneTimeToken, user_id: int, address: str | None) -> bool:
    return bool(token.payload["reporter_id"] == user_id and token.payload["address"] == digest_of(address))


def digest_of(address: str | None) -> str:
    return hashlib.sha256((address or "").encode()).hexdigest()


def end_links(user_id: int, *purposes: TokenPurpose) -> None:
    """End what was mailed before an account changed hands: it may lie in a mailbox that is somebody else's now."""
    mine = OneTimeToken.user_id == user_id
    db.session.execute(
        delete(OneTimeToken).where(mine, OneTimeToken.purpose.in_(purposes), OneTimeToken.used_at.is_(None))
    )


def read_link(text: str, *purposes: TokenPurpose, lock: bool = False) -> OneTimeToken:
    """The token of a link that is neither used nor too old. Raises BadLink, for every cause alike."""
    statement = select(OneTimeToken).where(
        OneTimeToken.hash == hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        OneTimeToken.purpose.in_(purposes),
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > now(),
    )
    token = db.session.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()
    if token is None:
        raise BadLink
    return token


# --- a link that ends mails of a kind: nothing is kept, good while the address is theirs ------------------------------


def _ends(key: str, user: User, kind: str) -> str:
    return derive(key, "mails", user.id, kind, digest_of(user.email_normalized))


def mails_token(user: User, kind: str) -> str:
    """For a link by which somebody gets no more mails of a kind, without logging in."""
    return f"{user.id}.{kind}.{_ends(keys()[0], user, kind)}"


def read_mails_token(text: str) -> tuple[User, str]:
    """Whose mails, and of which kind. Raises BadLink."""
    user_id, _, rest = text.partition(".")
    kind, _, proof = rest.partition(".")
    user = db.session.get(User, int(user_id)) if user_id.isascii() and user_id.isdigit() and len(user_id) < 19 else None
    if user is None or not any(
        hmac.compare_digest(_ends(key, user, kind).encode(), proof.encode("utf-8", "replace")) for key in keys()
    ):
        raise BadLink
    return user, kind


# --- a link by which a reporter says whether it is fixed: nothing is kept, good for one resolution of one ticket ------


@dataclass(frozen=True)
class Verdict:
    """What a link says, of whose ticket, and of which time that it was resolved."""

    says: str
    ticket_id: int
    user: User
    resolution: int


def resolution(resolved_at: datetime) -> int:
    """The name of one time that a ticket was resolved."""
    return int(resolved_at.timestamp() * 1e6)


def _verdict(key: str, says: str, ticket_id: int, user: User, of: int) -> str:
    return derive(key, "verdict", says, ticket_id, user.id, of, digest_of(user.email_normalized))


def verdict_token(says: str, ticket_id: int, user: User, resolved_at: datetime) -> str:
    """For a link that leads to the question whether it is fixed, without logging in."""
    of = resolution(resolved_at)
    return f"{says}.{ticket_id}.{user.id}.{of}.{_verdict(keys()[0], says, ticket_id, user, of)}"


def read_verdict_token(text: str) -> Verdict:
    """Raises BadLink."""
    says, *numbers, proof = text.split(".") if text.count(".") == 4 else ("", "", "")
    if not all(one.isascii() and one.isdigit() and len(one) < 19 for one in numbers):
        raise BadLink
    ticket_id, user_id, of = (int(one) for one in numbers) if len(numbers) == 3 else (0, 0, 0)
    user = db.session.get(User, user_id)
    if (
        user is None
        or not user.is_active
        or not any(
            hmac.compare_digest(_verdict(key, says, ticket_id, user, of).encode(), proof.encode("utf-8", "replace"))
            for key in keys()
        )
    ):
        raise BadLink
    return Verdict(says, ticket_id, user, of)
