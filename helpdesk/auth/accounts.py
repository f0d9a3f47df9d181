"""Getting into an account: logging in, registering, confirming, and the password that was forgotten or changed."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError

from helpdesk import audit, jobs, limits
from helpdesk.auth.bounces import is_reached
from helpdesk.auth.links import end_links, make_link_token, read_link
from helpdesk.auth.passwords import check_new_password, hash_password, is_outdated, is_password
from helpdesk.auth.sessions import SignedIn, end_sessions, start_session
from helpdesk.errors import BadLink, Forbidden, Invalid, NotSignedIn, Taken
from helpdesk.policy import Actor
from helpdesk.settings import setting
from models import OneTimeToken, Role, Session, TokenPurpose, User, begin_write, db, now


def normalize_email(email: str) -> str:
    """What is unique about an address: case and surrounding space are not."""
    return unicodedata.normalize("NFKC", email).strip().lower()


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
    renewed = hash_password(password) if welcome and is_outdated(hashed) else None
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
    signed_in = start_session(user, peer=peer, agent=agent)
    session = f"session:{signed_in.session_id}"
    audit.record("sign-in", actor_id=user.id, target=session, peer=peer, request_id=request_id)
    return signed_in


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
    if jobs.has_promised(job):
        return  # it was done before its worker died, and the link is on its way
    email = job.payload["email"]
    user = db.session.scalar(select(User).where(User.email_normalized == normalize_email(email)))
    invited = _invitation(user.id) if user is not None else None
    if user is not None and (user.password_hash is not None or not user.is_active):
        if user.is_active:
            jobs.enqueue("mail", {"kind": "account_exists", "user_id": user.id}, key=jobs.key_of(job))
    elif user is not None and invited is not None:
        payload = {"kind": "invitation", "token_id": invited.id, "user_id": user.id}
        jobs.enqueue("mail", payload, key=jobs.key_of(job))  # the same link, good for no longer than before
    else:
        token = make_link_token(TokenPurpose.CONFIRM, subject=normalize_email(email), **job.payload)
        jobs.enqueue("mail", {"kind": "confirm", "token_id": token.id, "to": email}, key=jobs.key_of(job))
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
    # whoever changes a password locks the account first, and the link after it
    invited = take_user(token.user_id) if token.purpose == TokenPurpose.INVITE else None
    token = read_link(text, *purposes, lock=True)
    user = invited if token.purpose == TokenPurpose.INVITE else _account_of(token)
    if user is None or not user.is_active or user.password_hash is not None:
        raise BadLink
    user.password_hash = hashed
    user.email_verified_at = user.updated_at = now()
    is_reached(user)
    token.used_at = now()
    end_sessions(user.id)
    jobs.enqueue("index_tickets", {"reporter_id": user.id}, request_id=request_id)  # a guest's got another name
    signed_in = start_session(user, peer=peer, agent=agent)
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
    if jobs.has_promised(job):
        return
    user = db.session.scalar(select(User).where(User.email_normalized == job.payload["email"], User.is_active))
    if user is not None and user.password_hash is not None:
        token = make_link_token(TokenPurpose.RESET, user_id=user.id)
        payload = {"kind": "reset", "token_id": token.id, "user_id": user.id}
        jobs.enqueue("mail", payload, key=jobs.key_of(job))
    db.session.commit()


def send_reset(user: User, *, request_id: str | None) -> None:
    """Mail a link that sets a new password, to somebody who has one. The limit is the caller's."""
    token = make_link_token(TokenPurpose.RESET, user_id=user.id)
    jobs.enqueue("mail", {"kind": "reset", "token_id": token.id, "user_id": user.id}, request_id=request_id)


def reset(text: str, password: str, *, peer: str, request_id: str | None) -> None:
    """Set a password by the link of a reset mail; every session ends. Raises BadLink, Invalid."""
    token = read_link(text, TokenPurpose.RESET)
    user = db.session.get_one(User, token.user_id)
    check_new_password(password, user.username, user.email, user.name)
    hashed = hash_password(password)
    begin_write()
    owner = take_user(token.user_id)
    token = read_link(text, TokenPurpose.RESET, lock=True)
    if owner is None or not owner.is_active:
        raise BadLink
    token.used_at = now()
    is_reached(owner)
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
    return db.session.get(User, user_id, with_for_update={"key_share": True}, populate_existing=True)


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
