"""Passwords: hashing, comparing, and which ones are refused."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import threading
import unicodedata
from functools import lru_cache
from typing import Any

import bcrypt

from helpdesk.errors import Invalid, Unavailable
from helpdesk.settings import setting

PASSWORD_MIN, PASSWORD_MAX = 8, 128
CORES = os.cpu_count() or 2

# bcrypt frees the interpreter lock and burns a core for 0.3 s: more at once than cores only makes everybody wait, and
# whoever waits holds a thread that somebody else's page needs
_hashing = threading.BoundedSemaphore(CORES)
_admitted = threading.BoundedSemaphore(CORES + 2)


def _prepare(password: str) -> bytes:
    """bcrypt reads 72 bytes and stops at NUL: hash first, so that every character counts. One form per character."""
    digest = hashlib.sha256(unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")).digest()
    return base64.b64encode(digest)


def _bcrypt(function: Any, *arguments: bytes) -> Any:
    if not _admitted.acquire(blocking=False):
        raise Unavailable("Too many people are logging in at this moment.", retry_after_seconds=2)
    try:
        with _hashing:
            return function(*arguments)
    finally:
        _admitted.release()


def hash_password(password: str) -> str:
    hashed: bytes = _bcrypt(bcrypt.hashpw, _prepare(password), bcrypt.gensalt(setting("BCRYPT_ROUNDS")))
    return hashed.decode()


@lru_cache(maxsize=4)
def _nobodys_hash(rounds: int) -> str:
    """What the password of an unknown account is compared with, so that it takes as long."""
    return bcrypt.hashpw(_prepare(secrets.token_hex()), bcrypt.gensalt(rounds)).decode()


def is_password(password: str, hashed: str | None) -> bool:
    against = hashed or _nobodys_hash(setting("BCRYPT_ROUNDS"))
    return bool(_bcrypt(bcrypt.checkpw, _prepare(password), against.encode())) and hashed is not None


def is_outdated(hashed: str) -> bool:
    """Whether it was made at another cost: then logging in would take another time than it does for nobody."""
    return hashed.split("$")[2:3] != [f"{setting('BCRYPT_ROUNDS'):02d}"]


@lru_cache(maxsize=1)
def _common_passwords() -> frozenset[str]:
    """The 30,000 that people choose most, from zxcvbn's frequency lists: read when the first password is chosen."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


_AROUND = "0123456789!?.-_ "
"""What people put around a word to make a password of it."""


def check_new_password(password: str, *context: str | None, field: str = "password") -> None:
    """NIST SP 800-63B: length and a list of what is guessed first, no rules about kinds of characters.

    `context` are words that stand near: name, address. Raises Invalid on `field`.
    """
    characters = unicodedata.normalize("NFKC", password)  # as they are hashed: an accent of its own is none
    low = characters.lower()
    near = {setting("SITE_NAME"), "helpdesk", "password"}
    for word in context:
        near |= {word or "", (word or "").partition("@")[0]}
    words = {form for word in near for form in (word.lower(), word.lower().strip(_AROUND)) if len(form) >= 3}
    if len(characters) < PASSWORD_MIN:
        raise Invalid({field: [f"Use at least {PASSWORD_MIN} characters."]})
    if low in _common_passwords() or low in words or low.strip(_AROUND) in words or len(set(low)) < 3:
        raise Invalid({field: ["This is among the first passwords that somebody would try. Choose another."]})
