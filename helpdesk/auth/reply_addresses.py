"""The address by which one person answers on one ticket from a mail program: what stands in it is signed.

`helpdesk+<24 letters>@campus.edu`: the number of a row and a signature over what it binds, in lower-case base32, for
mail systems fold case and cut what is longer than 64. It ends with its row, with the address that it was sent to, and
with the keys. From, subject and threading headers prove nothing: this does.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from itertools import islice

from sqlalchemy import select

from helpdesk.auth.keys import keys
from helpdesk.auth.links import digest_of
from helpdesk.jobs import insert_ignore
from helpdesk.settings import setting
from models import ReplyAddress, User, db

ID_BYTES, PROOF_BYTES = 5, 10
LETTERS = (ID_BYTES + PROOF_BYTES) * 8 // 5
MOST = 20
"""Addresses of this form in one mail: a thousand would each have to be looked up."""


def _proof(key: str, row: ReplyAddress, user: User) -> bytes:
    parts = ("reply", row.id, row.ticket_id, row.user_id, row.salt.hex(), digest_of(user.email_normalized))
    bound = "|".join(str(part) for part in parts)
    return hmac.digest(key.encode(), bound.encode(), "sha256")[:PROOF_BYTES]


def _word(key: str, row: ReplyAddress, user: User) -> str:
    return base64.b32encode(row.id.to_bytes(ID_BYTES, "big") + _proof(key, row, user)).decode().lower()


def _row(ticket_id: int, user_id: int) -> ReplyAddress | None:
    same = select(ReplyAddress).where(ReplyAddress.ticket_id == ticket_id, ReplyAddress.user_id == user_id)
    return db.session.scalar(same)


def make_reply_address(ticket_id: int, user_id: int) -> None:
    """Let there be one. Writes."""
    insert_ignore(ReplyAddress, ticket_id=ticket_id, user_id=user_id, salt=secrets.token_bytes(16))


def reply_address(ticket_id: int, user: User) -> str | None:
    """Where this person answers on this ticket. None where nobody reads mail, or there is none yet."""
    local, _, host = setting("INBOUND_ADDRESS").partition("@")
    row = _row(ticket_id, user.id) if host else None
    if row is None:
        return None
    return f"{local}+{_word(keys()[0], row, user)}@{host}"


def _data_of(address: str) -> bytes | None:
    """What stands in an address that has the form of ours."""
    local, _, host = setting("INBOUND_ADDRESS").lower().partition("@")
    name, _, given_host = address.lower().rpartition("@")
    stem, _, token = name.rpartition("+")
    if not host or (stem, given_host) != (local, host) or len(token) != LETTERS:
        return None
    try:
        return base64.b32decode(token.upper())
    except (binascii.Error, ValueError):
        return None


def read_reply_address(*addresses: str) -> tuple[User, int] | None:
    """Who answers by the first of these, and on which ticket: somebody who is here, and has the address it was sent to.

    Of those that have the form of ours MOST are looked at, in one statement.
    """
    ours = list(islice(dict.fromkeys(data for one in addresses if (data := _data_of(one)) is not None), MOST))
    if not ours:
        return None
    numbers = {int.from_bytes(data[:ID_BYTES], "big") for data in ours}
    here = select(ReplyAddress, User).join(User, User.id == ReplyAddress.user_id).where(User.is_active)
    found = {row.id: (row, user) for row, user in db.session.execute(here.where(ReplyAddress.id.in_(numbers)))}
    for data in ours:
        row, user = found.get(int.from_bytes(data[:ID_BYTES], "big"), (None, None))
        if row is None or user is None:
            continue
        if any(hmac.compare_digest(_proof(key, row, user), data[ID_BYTES:]) for key in keys()):
            return user, row.ticket_id
    return None


def reply_words(user: User) -> set[str]:
    """What stands after the plus in every address by which somebody answers."""
    rows = db.session.scalars(select(ReplyAddress).where(ReplyAddress.user_id == user.id)).all()
    return {_word(key, row, user) for row in rows for key in keys()}


def end_reply_addresses(user_id: int) -> None:
    """What was mailed to somebody before leads nowhere any more."""
    for row in db.session.scalars(select(ReplyAddress).where(ReplyAddress.user_id == user_id)):
        db.session.delete(row)
