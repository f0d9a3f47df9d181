"""How often something may be tried, counted over all processes: in Redis where there is one, else in the database.

The algorithm is GCRA (ITU-T I.371): a bucket of `burst` attempts that gains one every `every` seconds, kept as the one
number "when is it full again", so that an attempt is a single atomic statement.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import delete, text

from helpdesk.errors import TooMany
from helpdesk.jobs import Claimed, handles
from helpdesk.settings import setting
from models import WRITE, RateLimit, begin_write, db

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Limit:
    """At most `burst` attempts at once, and one more every `every` seconds."""

    name: str
    burst: int
    every: float


LOGIN = Limit("login", burst=4, every=20)
"""Per username or address, and client, so that nobody locks the owner out from elsewhere: the ninth failure within a
minute waits at the latest, also of somebody who uses both by turns."""
LOGIN_PEER = Limit("login-peer", burst=100, every=0.5)
"""Per client: a campus may sit behind one address."""
REGISTER_PEER = Limit("register-peer", burst=60, every=5)
REGISTER_ADDRESS = Limit("register-address", burst=3, every=1200)
FORGOT_PEER = Limit("forgot-peer", burst=30, every=10)
RESET_MAILS = Limit("reset-mails", burst=3, every=3600)
"""Per address: at most three mails within any hour."""
NEW_ADDRESS = Limit("new-address", burst=5, every=720)
"""Per account: each try is a mail to an address that somebody typed."""
GUEST_PEER = Limit("guest-peer", burst=5, every=120)
"""Reports without an account by one client: each is a mail to an address that somebody typed."""
GUEST_ADDRESS = Limit("guest-address", burst=3, every=28_800)
"""The same by address: three a day."""
MAIL_ADDRESS = Limit("mail-address", burst=3, every=28_800)
"""Reports by mail by the address that they say: their own, so that whoever forges it shuts nobody out of the page."""
MAIL_KNOWN = Limit("mail-known", burst=2000, every=2)
"""Of all addresses of people here together: more than a campus writes."""
MAIL_ANSWERS = Limit("mail-answers", burst=5, every=720)
"""To reports by mail that say the address of somebody here: five an hour, for anybody writes anybody's address."""
MAIL_DOMAIN = Limit("mail-domain", burst=200, every=20)
"""Reports by mail, of senders who have proven nothing, by what stands after the @."""
MAIL_UNPROVEN = Limit("mail-unproven", burst=600, every=6)
"""The same of all of them: a flood is laid aside, and whoever answers one of our mails does not wait behind it."""
CREATE = Limit("create", burst=120, every=6)
"""Tickets, comments and joins of a customer."""
UPLOAD = Limit("upload", burst=100, every=30)
"""Photos of a customer: each keeps the worker busy for a second or two."""
EDIT = Limit("edit", burst=120, every=3)
"""Changes by a customer: each is a line of the history."""
DENIED = Limit("denied", burst=30, every=60)
"""Denials of one person that go on record: one a minute tells as much as a thousand."""
INVITE = Limit("invite", burst=50, every=30)

JUMP_SECONDS = 60
"""A bucket that is full later than any attempt could make it, by more than clocks differ, was written before the clock
jumped back: it starts anew, for else a jump of two hours would keep a whole campus out for two hours."""

_FULL = "CASE WHEN rate_limits.full_at BETWEEN :now AND :latest THEN rate_limits.full_at ELSE :now END + :every"
_TRY = text(
    f"""
    INSERT INTO rate_limits (key, full_at) VALUES (:key, :now + :every)
    ON CONFLICT (key) DO UPDATE SET full_at = {_FULL} WHERE {_FULL} <= :now + :room
    RETURNING full_at
    """  # noqa: S608  (made of the constant above)
)
_LEFT = text("SELECT full_at FROM rate_limits WHERE key = :key")

# The same in Redis. Returns the seconds to wait, 0 when the attempt is free.
_SCRIPT = """
local now, every, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = tonumber(redis.call('GET', KEYS[1]) or '0')
if full < now or full > tonumber(ARGV[4]) then full = now end
full = full + every
if full > now + room then return tostring(full - now - room) end
redis.call('SET', KEYS[1], string.format('%.6f', full), 'PX', math.ceil((full - now) * 1000))
return '0'
"""


def client(peer: str) -> str:
    """Who a limit counts as one: an IPv6 client has a whole /64 to come from."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return peer


def mailbox(address: str) -> str:
    """Whose mailbox a limit counts: `a+anything@b` is one with `a@b`."""
    local, at, host = address.rpartition("@")
    return f"{local.partition('+')[0] or local}{at}{host}"


def _key(limit: Limit, subject: str) -> str:
    """Hashed: addresses and names need not stand in a table of limits."""
    return hashlib.sha256(f"{limit.name}|{subject}".encode()).hexdigest()


@lru_cache(maxsize=4)
def _client(url: str) -> Any:
    from redis import Redis  # a fifth of a second at every start, for a part that most do without

    return Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)


def _in_redis(ask: Callable[[Any], T]) -> T | None:
    """Ask Redis, where there is one. None where there is none, or it does not answer."""
    url = setting("REDIS_URL")
    if not url:
        return None
    from redis import RedisError

    try:
        return ask(_client(url))
    except RedisError:
        log.warning("Redis does not answer: limits are kept in the database")
        return None


def wait_seconds(limit: Limit, subject: str) -> float:
    """Count an attempt. 0 when it is free, else how long to wait; an attempt that must wait is not counted."""
    key, at = _key(limit, subject), time.time()
    room = limit.burst * limit.every
    latest = at + room + JUMP_SECONDS
    wait = _in_redis(lambda client: float(client.eval(_SCRIPT, 1, f"limit:{key}", at, limit.every, room, latest)))
    if wait is not None:
        return wait
    values = {"key": key, "now": at, "every": limit.every, "room": room, "latest": latest}
    # the reading so far ends: requests that each hold a connection and wait for another one would wait for each other
    db.session.rollback()
    with db.engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        if connection.execute(_TRY, values).first() is not None:
            return 0
        full_at = connection.execute(_LEFT, {"key": key}).scalar() or at
    return max(0.001, full_at + limit.every - room - at)


def check(limit: Limit, subject: str) -> None:
    """Count an attempt. Raises TooMany."""
    if wait := wait_seconds(limit, subject):
        raise TooMany(math.ceil(wait))


def forget(limit: Limit, subject: str) -> None:
    """Give the bucket back, in a transaction of its own: the attempt was right. Not while writing something else."""
    key = _key(limit, subject)
    _in_redis(lambda client: client.delete(f"limit:{key}"))
    with db.engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        connection.execute(delete(RateLimit).where(RateLimit.key == key))


@handles("purge_limits", every=timedelta(hours=1))
def purge(job: Claimed) -> None:
    """Drop the buckets that are full again."""
    begin_write()
    db.session.execute(delete(RateLimit).where(RateLimit.full_at < time.time()))
    db.session.commit()
