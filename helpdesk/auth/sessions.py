"""Sessions: the access token that names one, the refresh token that prolongs it, and who holds them."""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
from sqlalchemy import bindparam, delete, select, update

from helpdesk import audit
from helpdesk.auth.keys import derive, keys
from helpdesk.errors import NotFound, NotSignedIn
from helpdesk.policy import Actor
from helpdesk.settings import setting
from models import Rows, Session, Theme, User, begin_write, db, fetch, now

ACCESS_TOKEN_MINUTES = 15
SESSION_DAYS = 30
RACE_SECONDS = 30
"""For so long the refresh token before the last one still gives the current one: two tabs may refresh at once."""

_ALGORITHM = "HS256"
_REQUIRED_CLAIMS = ["typ", "iss", "aud", "sub", "sid", "iat", "exp", "jti"]
_AUDIENCE = "campus-helpdesk"
_LEEWAY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, as read in this request, with what their pages need."""

    actor: Actor
    theme: Theme
    has_shortcuts: bool
    time_zone: str | None
    locale: str
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
            User.id.label("user_id"), User.role, User.name, User.theme, User.has_shortcuts,
            User.time_zone, User.locale,
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
    return f"{session_id}.{generation}.{derive(key, 'refresh', session_id, generation, salt.hex())}"


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
        has_shortcuts=session.has_shortcuts,
        time_zone=session.time_zone,
        locale=session.locale,
        expires_at=session.absolute_expires_at,
        renewed=access_token(session.id, session.user_id) if renewed else None,
    )


def start_session(user: User, *, peer: str, agent: str) -> SignedIn:
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


def refresh(token: str, *, peer: str, request_id: str | None) -> SignedIn:
    """The next refresh token and an access token. Raises NotSignedIn; a used token shown late ends the session."""
    parsed = _parse_refresh(token)
    if parsed is None:
        raise NotSignedIn("The session has ended.", token_was_bad=True)
    session_id, generation = parsed
    begin_write()
    # the account first, as whoever changes a password locks it, which ends its sessions
    owner = select(User.id).join(Session, Session.user_id == User.id).where(Session.id == session_id, User.is_active)
    db.session.execute(owner.with_for_update(of=User, key_share=True))
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


def end_session(user_id: int | None, session_id: int) -> None:
    """End one of somebody's. Raises NotFound."""
    ended = delete(Session).where(Session.id == session_id, Session.user_id == user_id)
    if not db.session.execute(ended).rowcount:  # type: ignore[attr-defined]
        raise NotFound


def end_sessions(user_id: int, *, but: int | None = None) -> int:
    """End all of somebody's but one. Returns how many those were."""
    ended = delete(Session).where(Session.user_id == user_id, Session.id != (but or 0))
    return db.session.execute(ended).rowcount  # type: ignore[attr-defined, no-any-return]


def sessions_of(actor: Actor, user_id: int | None) -> Rows:
    """Where somebody is signed in, with the one that asks marked."""
    return (
        select(
            Session.id, Session.peer, Session.agent, Session.created_at, Session.rotated_at.label("last_used_at"),
            Session.absolute_expires_at.label("expires_at"), (Session.id == actor.session_id).label("is_current"),
        )
        .where(Session.user_id == user_id, Session.absolute_expires_at > now())
    )  # fmt: skip
