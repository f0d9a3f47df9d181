"""Who somebody is: passwords, tokens, sessions, and the links in mails that prove an address.

Three secrets travel. An *access token* is a short JWT that names a row in `sessions`; the row and the user are read on
every request, so rights are decided now. A *refresh token* is derived from that row, its generation and the key, never
stored. A *link* in a mail is derived the same way and kept as a hash. All answers are built so that neither their text
nor their time tells who has an account: what depends on that happens in the worker.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import threading
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import bcrypt
import jwt
from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from helpdesk import audit, jobs, limits
from helpdesk.errors import BadLink, Forbidden, Invalid, NotFound, NotSignedIn, Taken, Unavailable
from helpdesk.policy import Actor
from helpdesk.settings import setting
from models import OneTimeToken, Role, Rows, Session, Theme, TokenPurpose, User, begin_write, db, fetch, now

ACCESS_TOKEN_MINUTES = 15
SESSION_DAYS = 30
RACE_SECONDS = 30
"""For so long the refresh token before the last one still gives the current one: two tabs may refresh at once."""
LINK_HOURS: dict[TokenPurpose, int] = {
    TokenPurpose.CONFIRM: 48,
    TokenPurpose.RESET: 2,
    TokenPurpose.INVITE: 72,
    TokenPurpose.NEW_ADDRESS: 48,
    TokenPurpose.GUEST: 24 * 180,
}
PASSWORD_MIN, PASSWORD_MAX = 8, 128
_ALGORITHM = "HS256"
_REQUIRED_CLAIMS = ["typ", "iss", "aud", "sub", "sid", "iat", "exp", "jti"]
_AUDIENCE = "campus-helpdesk"
_LEEWAY_SECONDS = 5


# --- passwords --------------------------------------------------------------------------------------------------------

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


def _is_outdated(hashed: str) -> bool:
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


# --- keys and derived tokens ------------------------------------------------------------------------------------------


def keys() -> list[str]:
    """The signing key, then the one before, which still verifies."""
    return [key for key in (setting("SECRET_KEY"), setting("SECRET_KEY_PREVIOUS")) if key]


def _derive(key: str, *parts: object) -> str:
    message = "|".join(str(part) for part in parts).encode()
    return base64.urlsafe_b64encode(hmac.digest(key.encode(), message, "sha256")).rstrip(b"=").decode()


def normalize_email(email: str) -> str:
    """What is unique about an address: case and surrounding space are not."""
    return unicodedata.normalize("NFKC", email).strip().lower()


# --- sessions ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, as read in this request, with what their pages need."""

    actor: Actor
    theme: Theme
    time_zone: str | None
    expires_at: datetime
    renewed: str | None = None
    """A new access token, where an expired one came with a good refresh token."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    user_id: int
    session_id: int
    access_token: str
    refresh_token: str
    expires_in: int = ACCESS_TOKEN_MINUTES * 60


@lru_cache
def _session_select() -> Rows:
    return (
        select(
            Session.id, Session.salt, Session.generation, Session.rotated_at, Session.absolute_expires_at,
            User.id.label("user_id"), User.role, User.name, User.theme, User.time_zone,
        )
        .join(User, User.id == Session.user_id)
        .where(Session.id == bindparam("sid"), Session.absolute_expires_at > bindparam("at"), User.is_active)
    )  # fmt: skip


def _read_session(session_id: int) -> Any:
    return fetch(_session_select(), {"sid": session_id, "at": now()}).one_or_none()


def access_token(session_id: int, user_id: int) -> str:
    at = now()
    claims = {
        "typ": "access", "iss": setting("PUBLIC_BASE_URL"), "aud": _AUDIENCE, "sub": str(user_id), "sid": session_id,
        "iat": at, "exp": at + timedelta(minutes=ACCESS_TOKEN_MINUTES), "jti": uuid.uuid4().hex,
    }  # fmt: skip
    return jwt.encode(claims, keys()[0], algorithm=_ALGORITHM)


def _claims(token: str, *, expired: bool = False) -> dict[str, Any] | None:
    """The claims of a token that one of our keys signed, or None. RFC 8725: one algorithm, every claim required."""
    for key in keys():
        try:
            claims = jwt.decode(
                token, key, algorithms=[_ALGORITHM], audience=_AUDIENCE, issuer=setting("PUBLIC_BASE_URL"),
                leeway=_LEEWAY_SECONDS, options={"require": _REQUIRED_CLAIMS, "verify_exp": not expired},
            )  # fmt: skip
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, OverflowError):
            return None
        if claims["typ"] != "access" or type(claims["sid"]) is not int or not 0 < claims["sid"] < 2**63:
            return None
        return claims
    return None


def _refresh_token(key: str, session_id: int, salt: bytes, generation: int) -> str:
    return f"{session_id}.{generation}.{_derive(key, 'refresh', session_id, generation, salt.hex())}"


def _parse_refresh(token: str) -> tuple[int, int] | None:
    parts = token.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])


def _is_refresh(token: str, session: Any, generation: int) -> bool:
    return any(
        hmac.compare_digest(token.encode(), _refresh_token(key, session.id, session.salt, generation).encode())
        for key in keys()
    )


def _in_race(session: Any) -> bool:
    since_rotation: timedelta = now() - session.rotated_at
    return since_rotation <= timedelta(seconds=RACE_SECONDS)


def identify(token: str, refresh_token: str | None, *, peer: str | None, request_id: str | None) -> Identity:
    """Who holds this access token: one query, nothing written. Raises NotSignedIn.

    An expired token that is rightly signed still counts when its session's refresh token comes with it: a new access
    token is handed back, so that nobody is thrown out of a form.
    """
    claims, renewed = _claims(token), None
    if claims is None and refresh_token is not None:
        claims = _claims(token, expired=True)
        renewed = claims is not None
    if claims is None:
        raise NotSignedIn("The token is not valid, or no longer.", token_was_bad=True)
    session = _read_session(claims["sid"])
    if session is None or str(session.user_id) != claims["sub"]:
        raise NotSignedIn("The session has ended.", token_was_bad=True)
    if renewed:
        parsed = _parse_refresh(refresh_token or "")
        known = {session.generation, session.generation - 1} if _in_race(session) else {session.generation}
        if parsed is None or parsed[0] != session.id or parsed[1] not in known:
            raise NotSignedIn("The session has ended.", token_was_bad=True)
        if not _is_refresh(refresh_token or "", session, parsed[1]):
            raise NotSignedIn("The session has ended.", token_was_bad=True)
    actor = Actor(
        id=session.user_id,
        role=session.role,
        name=session.name,
        session_id=session.id,
        peer=peer,
        request_id=request_id,
    )
    return Identity(
        actor=actor,
        theme=session.theme,
        time_zone=session.time_zone,
        expires_at=session.absolute_expires_at,
        renewed=access_token(session.id, session.user_id) if renewed else None,
    )


def _start_session(user: User, *, peer: str, agent: str) -> SignedIn:
    at = now()
    session = Session(
        user_id=user.id,
        salt=secrets.token_bytes(16),
        generation=1,
        absolute_expires_at=at + timedelta(days=SESSION_DAYS),
        peer=peer,
        agent=agent[:200],
    )
    db.session.add(session)
    user.last_seen_at = at
    db.session.flush()
    return _signed_in(session)


def _signed_in(session: Session) -> SignedIn:
    return SignedIn(
        user_id=session.user_id,
        session_id=session.id,
        access_token=access_token(session.id, session.user_id),
        refresh_token=_refresh_token(keys()[0], session.id, session.salt, session.generation),
    )


def login(identifier: str, password: str, *, peer: str, agent: str, request_id: str | None) -> SignedIn:
    """Username or address, and password. Writes the session (the caller commits).

    Raises NotSignedIn, the same for every cause and after the same work, TooMany, Unavailable.
    """
    wanted = normalize_email(identifier)
    row = db.session.execute(
        select(User.id, User.password_hash, User.is_active).where(
            or_(User.email_normalized == wanted, User.username == wanted)
        )
    ).first()
    limits.check(limits.LOGIN_PEER, limits.client(peer))
    # by what was typed: a limit that username and address shared would tell which belong together
    attempts = f"{wanted}|{limits.client(peer)}"
    limits.check(limits.LOGIN, attempts)
    right = is_password(password, row.password_hash if row else None)
    hashed = row.password_hash if row else ""
    welcome = right and row is not None and row.is_active
    renewed = hash_password(password) if welcome and _is_outdated(hashed) else None
    if welcome:
        limits.forget(limits.LOGIN, attempts)
    begin_write()
    user = take_user(row.id) if welcome and row is not None else None
    # the password may have changed, or the account been locked, while it was being compared
    if user is None or not user.is_active or user.password_hash != hashed:
        audit.record("sign-in.failed", target=f"user:{row.id}" if row else None, peer=peer, request_id=request_id)
        db.session.commit()
        raise NotSignedIn("The username or the password is not right.")
    user.password_hash = renewed or user.password_hash
    signed_in = _start_session(user, peer=peer, agent=agent)
    session = f"session:{signed_in.session_id}"
    audit.record("sign-in", actor_id=user.id, target=session, peer=peer, request_id=request_id)
    return signed_in


def refresh(token: str, *, peer: str, request_id: str | None) -> SignedIn:
    """The next refresh token and an access token. Raises NotSignedIn; a used token shown late ends the session."""
    parsed = _parse_refresh(token)
    if parsed is None:
        raise NotSignedIn("The session has ended.", token_was_bad=True)
    session_id, generation = parsed
    begin_write()
    session = db.session.execute(
        select(Session)
        .join(User, User.id == Session.user_id)
        .where(Session.id == session_id, Session.absolute_expires_at > now(), User.is_active)
        .with_for_update(of=Session)
    ).scalar_one_or_none()
    if session is None or generation > session.generation or not _is_refresh(token, session, generation):
        raise NotSignedIn("The session has ended.", token_was_bad=True)
    if generation == session.generation:
        session.generation += 1
        session.rotated_at = now()
        db.session.execute(update(User).where(User.id == session.user_id).values(last_seen_at=now()))
    elif generation < session.generation - 1 or not _in_race(session):
        # RFC 9700, 4.14.2: a used token shown again means that somebody else has it too
        target = f"session:{session.id}"
        audit.record("session.replayed", actor_id=session.user_id, target=target, peer=peer, request_id=request_id)
        db.session.delete(session)
        db.session.commit()
        raise NotSignedIn("The session has ended.", token_was_bad=True)
    db.session.flush()
    return _signed_in(session)


def end_session_of(access: str | None, refresh_token: str | None) -> None:
    """End the session that these tokens name, expired or not; forged ones name none."""
    session_id: int | None = None
    if access and (claims := _claims(access, expired=True)):
        session_id = claims["sid"]
    elif refresh_token and (parsed := _parse_refresh(refresh_token)):
        session = db.session.get(Session, parsed[0])
        if session is not None and _is_refresh(refresh_token, session, parsed[1]):
            session_id = session.id
    if session_id is not None:
        db.session.execute(delete(Session).where(Session.id == session_id))


def end_session(actor: Actor, session_id: int) -> None:
    """End one of one's own. Raises NotFound."""
    ended = delete(Session).where(Session.id == session_id, Session.user_id == actor.id)
    if not db.session.execute(ended).rowcount:  # type: ignore[attr-defined]
        raise NotFound


def end_sessions(user_id: int, *, but: int | None = None) -> None:
    db.session.execute(delete(Session).where(Session.user_id == user_id, Session.id != (but or 0)))


def sessions_of(actor: Actor) -> Rows:
    return (
        select(
            Session.id, Session.peer, Session.agent, Session.created_at, Session.rotated_at.label("last_used_at"),
            Session.absolute_expires_at.label("expires_at"), (Session.id == actor.session_id).label("is_current"),
        )
        .where(Session.user_id == actor.id, Session.absolute_expires_at > now())
    )  # fmt: skip


# --- links in mails ---------------------------------------------------------------------------------------------------


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
    return _derive(key, "link", token.id, token.purpose, token.salt.hex())


def link_token(token: OneTimeToken) -> str:
    """What stands in the link: derived again by whoever mails it, so that it lies nowhere in the meantime."""
    for key in keys():
        link = _link(key, token)
        if hmac.compare_digest(hashlib.sha256(link.encode()).hexdigest(), token.hash):
            return link
    raise BadLink


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


# --- accounts ---------------------------------------------------------------------------------------------------------


def register(username: str, email: str, password: str, name: str | None, *, peer: str, request_id: str | None) -> None:
    """Promise a mail with a link to the address. Whether it is taken shows in that mail alone, which the worker writes.

    The password is only checked here: the account's is the one given with the link. Raises Taken, Invalid, TooMany.
    """
    limits.check(limits.REGISTER_PEER, limits.client(peer))
    check_new_password(password, username, email, name)
    check_registration_domain(email)
    if db.session.scalar(select(User.id).where(User.username == username.lower())) is not None:
        raise Taken("username", "This username is taken. Choose another.")
    if limits.wait_seconds(limits.REGISTER_ADDRESS, normalize_email(email)):
        return  # enough mails for this address; the answer must not say so
    begin_write()
    payload = {"username": username.lower(), "email": email.strip(), "name": name or username}
    jobs.enqueue("registration", payload, request_id=request_id)


def check_registration_domain(email: str) -> None:
    domains = setting("REGISTRATION_DOMAINS")
    if domains and normalize_email(email).rpartition("@")[2] not in domains:
        raise Invalid({"email": [f"Use an address of {' or '.join(domains)}."]})


@jobs.handles("registration")
def _registration(job: jobs.Claimed) -> None:
    """The part of registering that depends on whether the address has an account."""
    begin_write()
    email = job.payload["email"]
    user = db.session.scalar(select(User).where(User.email_normalized == normalize_email(email)))
    invited = _invitation(user.id) if user is not None else None
    if user is not None and (user.password_hash is not None or not user.is_active):
        if user.is_active:
            jobs.enqueue("mail", {"kind": "account_exists", "user_id": user.id}, key=f"mail:exists:{job.id}")
    elif user is not None and invited is not None:
        payload = {"kind": "invitation", "token_id": invited.id, "user_id": user.id}
        jobs.enqueue("mail", payload, key=f"mail:invitation:{job.id}")  # the same link, good for no longer than before
    else:
        token = make_link_token(TokenPurpose.CONFIRM, subject=normalize_email(email), **job.payload)
        jobs.enqueue("mail", {"kind": "confirm", "token_id": token.id, "to": email}, key=f"mail:confirm:{job.id}")
    db.session.commit()


def _invitation(user_id: int) -> OneTimeToken | None:
    """The invitation of somebody that they may still accept."""
    return db.session.scalar(
        select(OneTimeToken).where(
            OneTimeToken.user_id == user_id,
            OneTimeToken.purpose == TokenPurpose.INVITE,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now(),
        )
    )


def confirm(text: str, password: str, *, peer: str, agent: str, request_id: str | None) -> SignedIn:
    """Prove an address by the link sent to it, and set the account's password: registration and invitation alike.

    A guest's account becomes a full one in place. Raises BadLink, Invalid, Taken.
    """
    purposes = (TokenPurpose.CONFIRM, TokenPurpose.INVITE)
    token = read_link(text, *purposes)
    check_new_password(password, token.payload.get("username"), token.payload.get("email"), token.payload.get("name"))
    hashed = hash_password(password)
    begin_write()
    token = read_link(text, *purposes, lock=True)
    if token.purpose == TokenPurpose.INVITE:
        user = take_user(token.user_id)
    else:
        user = _account_of(token)
    if user is None or not user.is_active or user.password_hash is not None:
        raise BadLink
    user.password_hash = hashed
    user.email_verified_at = user.updated_at = now()
    token.used_at = now()
    end_sessions(user.id)
    signed_in = _start_session(user, peer=peer, agent=agent)
    audit.record(
        "account.confirmed", actor_id=user.id, target=f"user:{user.id}", peer=peer, request_id=request_id,
        purpose=token.purpose,
    )  # fmt: skip
    return signed_in


def _account_of(token: OneTimeToken) -> User:
    """The account that a registration makes, or the guest's that it upgrades."""
    wanted = token.payload
    user = db.session.scalar(select(User).where(User.email_normalized == token.subject))
    if user is not None and user.password_hash is not None:
        raise BadLink
    taken = select(User.id).where(User.username == wanted["username"], User.id != (user.id if user else 0))
    if db.session.scalar(taken) is not None:
        raise Taken("username", "Somebody took this username in the meantime. Register again with another.")
    if user is None:
        user = User(
            email=wanted["email"], email_normalized=token.subject, name=wanted["name"], role=Role.CUSTOMER,
            is_active=True, locale=setting("DEFAULT_LOCALE"),
        )  # fmt: skip
        db.session.add(user)
    elif _invitation(user.id) is None:
        user.role = Role.CUSTOMER  # whoever registers is one, whatever an invitation said that is over
    user.username, user.name = wanted["username"], wanted["name"]
    flush_unique()
    return user


def flush_unique() -> None:
    """Write what is new about people. Raises Taken where somebody else was quicker with the same name or address."""
    try:
        db.session.flush()
    except IntegrityError as error:
        constraint = str(error.orig).partition("\n")[0]  # both engines name it there, PostgreSQL the value below
        if "users.username" in constraint or "users_username" in constraint:
            raise Taken("username", "This username is taken. Choose another.") from None
        if "users.email" in constraint or "users_email" in constraint:
            raise Taken("email", "This address belongs to another account.") from None
        raise


def forgot(email: str, *, peer: str, request_id: str | None) -> None:
    """Promise a reset mail. The same work whether or not there is an account. Raises TooMany for the client alone."""
    limits.check(limits.FORGOT_PEER, limits.client(peer))
    wanted = normalize_email(email)
    if limits.wait_seconds(limits.RESET_MAILS, wanted):
        return
    begin_write()
    jobs.enqueue("forgotten", {"email": wanted}, request_id=request_id)


@jobs.handles("forgotten")
def _forgotten(job: jobs.Claimed) -> None:
    begin_write()
    user = db.session.scalar(select(User).where(User.email_normalized == job.payload["email"], User.is_active))
    if user is not None and user.password_hash is not None:
        token = make_link_token(TokenPurpose.RESET, user_id=user.id)
        payload = {"kind": "reset", "token_id": token.id, "user_id": user.id}
        jobs.enqueue("mail", payload, key=f"mail:reset:{job.id}")
    db.session.commit()


def reset(text: str, password: str, *, peer: str, request_id: str | None) -> None:
    """Set a password by the link of a reset mail; every session ends. Raises BadLink, Invalid."""
    token = read_link(text, TokenPurpose.RESET)
    user = db.session.get_one(User, token.user_id)
    check_new_password(password, user.username, user.email, user.name)
    hashed = hash_password(password)
    begin_write()
    token = read_link(text, TokenPurpose.RESET, lock=True)
    owner = take_user(token.user_id)
    if owner is None or not owner.is_active:
        raise BadLink
    token.used_at = now()
    _set_password(owner, hashed, request_id)
    end_sessions(owner.id)
    audit.record("password.reset", actor_id=owner.id, target=f"user:{owner.id}", peer=peer, request_id=request_id)


def change_password(actor: Actor, current: str, password: str) -> None:
    """Needs the current one; every other session ends. Raises Forbidden, Invalid, TooMany."""
    user = db.session.get_one(User, actor.id)
    check_new_password(password, user.username, user.email, user.name)  # first: choosing badly is no wrong guess
    verified = require_password(actor, user, current)
    hashed = hash_password(password)
    begin_write()
    user = take_verified(actor, verified)
    _set_password(user, hashed, actor.request_id)
    end_sessions(user.id, but=actor.session_id)
    audit.record("password.changed", actor=actor, target=f"user:{user.id}")


def require_password(actor: Actor, user: User, current: str) -> str:
    """Raises Forbidden unless it is this person's password: a borrowed browser must not take an account over.

    Returns its hash, to be given to `take_verified` once the writing began.
    """
    limits.check(limits.LOGIN, f"password of {actor.id}")
    hashed = user.password_hash or ""
    if not is_password(current, hashed):
        raise Forbidden("The current password is not right.")
    limits.forget(limits.LOGIN, f"password of {actor.id}")
    return hashed


def take_user(user_id: int | None) -> User | None:
    """Somebody locked until the commit: what depends on their password and sessions happens one after another."""
    return db.session.get(User, user_id, with_for_update=True, populate_existing=True)


def take_verified(actor: Actor, hashed: str) -> User:
    """Oneself, locked. Raises NotSignedIn where the password or the session ended since the password was verified."""
    user = take_user(actor.id)
    if user is None or user.password_hash != hashed or db.session.get(Session, actor.session_id) is None:
        raise NotSignedIn("The session has ended.", token_was_bad=True)
    return user


def _set_password(user: User, hashed: str, request_id: str | None) -> None:
    user.password_hash = hashed
    user.updated_at = now()
    end_links(user.id, TokenPurpose.RESET, TokenPurpose.NEW_ADDRESS)
    jobs.enqueue("mail", {"kind": "password_changed", "user_id": user.id}, request_id=request_id)


@jobs.handles("purge_sessions", every=timedelta(days=1))
def purge(job: jobs.Claimed) -> None:
    """Drop sessions and links that are over."""
    begin_write()
    db.session.execute(delete(Session).where(Session.absolute_expires_at < now()))
    db.session.execute(delete(OneTimeToken).where(OneTimeToken.expires_at < now() - timedelta(days=7)))
    db.session.commit()
