"""Addresses that no mail gets through to: whom to believe that, and when it is over.

Our own mail server, which refuses the recipient, is believed at once. A report that comes in by mail can be written by
whoever holds the address that it comes to, and a mailbox that is full today works tomorrow: one is noted, and a second
one counts that comes a day later. Both can only concern the address that somebody has now.
"""

from __future__ import annotations

from datetime import timedelta

from helpdesk import audit
from helpdesk.policy import SYSTEM, Actor
from models import User, db, now

AGAIN_AFTER = timedelta(days=1)
FORGOTTEN_AFTER = timedelta(days=30)


def refused(user_id: int, address: str) -> None:
    """Our mail server says that there is no such mailbox. Writes."""
    user = db.session.get(User, user_id, with_for_update={"key_share": True}, populate_existing=True)
    if user is not None and user.email == address:
        _mark(user, "our mail server")


def came_back(user: User, recipient: str) -> bool:
    """A report of a mail system came by the address for their answers. Says whether it is about their address."""
    if user.email_normalized != recipient.strip().lower():
        return False
    at, before = now(), user.bounce_noted_at
    if before is None or at - before > FORGOTTEN_AFTER:
        user.bounce_noted_at = at
    elif at - before >= AGAIN_AFTER:
        _mark(user, "two mails that came back")
    return True


def _mark(user: User, by: str) -> None:
    if user.bounced_at is None:
        user.bounced_at = now()
        audit.record("user.bounced", actor=SYSTEM, target=f"user:{user.id}", by=by)


def is_reached(user: User, actor: Actor | None = None) -> None:
    """Mails get through again: they opened a link or answered, or an admin says so. Writes."""
    if user.bounced_at is not None:
        who = {"actor": actor} if actor is not None else {"actor_id": user.id}
        audit.record("user.reached", **who, target=f"user:{user.id}")
    user.bounced_at = user.bounce_noted_at = None
