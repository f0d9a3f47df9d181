"""How often something may be tried, counted over all processes: in Redis where there is one, else in the database.

The algorithm is GCRA (ITU-T I.371): a bucket of `burst` attempts that gains one every `every` seconds, kept as the one
number "when is it full again", so that an attempt is a single atomic statement.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import redis
from sqlalchemy import delete, text

from helpdesk.errors import TooMany
from helpdesk.jobs import Claimed, handles
from helpdesk.settings import setting
from models import WRITE, RateLimit, begin_write, db

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limit:
    """At most `burst` attempts at once, and one more every `every` seconds."""

    name: str
    burst: int
    every: float


LOGIN = Limit("login", burst=5, every=15)
"""Per account and client, so that nobody locks the owner out from elsewhere: at most 8 within any minute."""
LOGIN_PEER = Limit("login-peer", burst=100, every=0.5)
"""Per client: a campus may sit behind one address."""
REGISTER_PEER = Limit("register-peer", burst=60, every=5)
REGISTER_ADDRESS = Limit("register-address", burst=3, every=1200)
FORGOT_PEER = Limit("forgot-peer", burst=30, every=10)
RESET_MAILS = Limit("reset-mails", burst=3, every=3600)
"""Per address: at most three mails within any hour."""
NEW_ADDRESS = Limit("new-address", burst=5, every=720)
"""Per account: each try is a mail to an address that somebody typed."""
INVITE = Limit("invite", burst=50, every=30)

_TRY = text(
    """
    INSERT INTO rate_limits (key, full_at) VALUES (:key, :now + :every)
    ON CONFLICT (key) DO UPDATE
    SET full_at = CASE WHEN rate_limits.full_at > :now THEN rate_limits.full_at ELSE :now END + :every
    WHERE CASE WHEN rate_limits.full_at > :now THEN rate_limits.full_at ELSE :now END + :every <= :now + :room
    RETURNING full_at
    """
)
_LEFT = text("SELECT full_at FROM rate_limits WHERE key = :key")

# The same in Redis. Returns the seconds to wait, 0 when the attempt is free.
_SCRIPT = """
local now, every, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + every
if full > now + room then return tostring(full - now - room) end
redis.call('SET', KEYS[1], string.format('%.6f', full), 'PX', math.ceil((full - now) * 1000))
return '0'
"""


def _key(limit: Limit, subject: str) -> str:
    """Hashed: addresses and names need not stand in a table of limits."""
    return hashlib.sha256(f"{limit.name}|{subject}".encode()).hexdigest()


@lru_cache(maxsize=4)
def _redis(url: str) -> Any:
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)


def wait_seconds(limit: Limit, subject: str) -> float:
    """Count an attempt. 0 when it is free, else how long to wait; an attempt that must wait is not counted."""
    key, at = _key(limit, subject), time.time()
    room = limit.burst * limit.every
    if url := setting("REDIS_URL"):
        try:
            return float(_redis(url).eval(_SCRIPT, 1, f"limit:{key}", at, limit.every, room))
        except redis.RedisError:
            log.warning("Redis does not answer: limits are kept in the database")
    values = {"key": key, "now": at, "every": limit.every, "room": room}
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
    """Give the bucket back, in the transaction of the deed: the attempt was right."""
    key = _key(limit, subject)
    if url := setting("REDIS_URL"):
        try:
            _redis(url).delete(f"limit:{key}")
        except redis.RedisError:
            log.warning("Redis does not answer: limits are kept in the database")
    db.session.execute(delete(RateLimit).where(RateLimit.key == key))


@handles("purge_limits", every=timedelta(hours=1))
def purge(job: Claimed) -> None:
    """Drop the buckets that are full again."""
    begin_write()
    db.session.execute(delete(RateLimit).where(RateLimit.full_at < time.time()))
    db.session.commit()
