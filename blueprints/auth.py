"""Signing in and out, registering, and passwords."""

from __future__ import annotations

from typing import Any

from flask import g

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import auth, users
from helpdesk.errors import NotSignedIn
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    AcceptedShape,
    ChangePasswordShape,
    ConfirmShape,
    ForgotShape,
    LoginShape,
    RegisterShape,
    SignedInShape,
    TokenShape,
    VerifyShape,
)
from models import begin_write

api = Doors("auth", __name__, url_prefix="/api/auth")


def _signed_in(signed_in: auth.SignedIn) -> Answer:
    """Browsers get cookies only; other clients the access token too, for they have no better place."""
    body = {"user": users.me(signed_in.user_id), "expires_in": signed_in.expires_in}
    if not http.is_browser():
        body["access_token"] = signed_in.access_token
    return Answer(body, signed_in=signed_in)


@api.call("POST", "/register", None, body=RegisterShape, out=AcceptedShape, status=202, limited=True, raises=(409,))
def register(actor: Actor, body: dict[str, Any]) -> dict[str, str]:
    """Register.

    Sends a link to the address. The answer is the same whether or not the address has an account; a taken username is
    409, for usernames are public. The password of the account is the one given with the link.
    """
    auth.register(**{"name": None, **body}, peer=http.peer(), request_id=g.request_id)
    return {"detail": "Look into your mail: the link there finishes it."}


@api.call("POST", "/confirm", None, body=ConfirmShape, out=SignedInShape, cookies=True, raises=(409,))
def confirm(actor: Actor, body: dict[str, Any]) -> Answer:
    """Finish a registration or an invitation.

    The link proves the address; the password given here becomes the account's.
    """
    return _signed_in(
        auth.confirm(body["token"], body["password"], peer=http.peer(), agent=http.agent(), request_id=g.request_id)
    )


@api.call("POST", "/login", None, body=LoginShape, out=SignedInShape, limited=True, cookies=True, raises=(401,))
def login(actor: Actor, body: dict[str, Any]) -> Answer:
    """Log in with username or address.

    One 401 for every cause, in the same time. A session that came along in cookies ends.
    """
    old = (http.access_cookie(), http.refresh_cookie())
    signed_in = auth.login(
        body["identifier"], body["password"], peer=http.peer(), agent=http.agent(), request_id=g.request_id
    )
    auth.end_session_of(*old)
    return _signed_in(signed_in)


@api.call("POST", "/refresh", None, out=SignedInShape, cookies=True, raises=(401,))
def refresh(actor: Actor) -> Answer:
    """Get the next tokens for the refresh cookie.

    A used refresh token ends the session, but for the 30 seconds in which two tabs may race.
    """
    token = http.refresh_cookie()
    if token is None:
        raise NotSignedIn
    return _signed_in(auth.refresh(token, peer=http.peer(), request_id=g.request_id))


@api.call("POST", "/logout", None, status=204, cookies=True)
def logout(actor: Actor) -> Answer:
    """End this session. Doing it twice is no error."""
    bearer = http.bearer()
    begin_write()
    auth.end_session_of(bearer or http.access_cookie(), http.refresh_cookie())
    return Answer(signed_out=True)


@api.call("GET", "/verify", Action.ACCOUNT_USE, out=VerifyShape)
def verify(actor: Actor) -> dict[str, Any]:
    """Say who is signed in, and until when at most."""
    return {"user": users.me(actor.id), "expires_at": http.identity().expires_at}


@api.call("POST", "/password/forgot", None, body=ForgotShape, out=AcceptedShape, status=202, limited=True)
def forgot(actor: Actor, body: dict[str, Any]) -> dict[str, str]:
    """Ask for a link that sets a new password.

    The answer is the same whether or not there is an account.
    """
    auth.forgot(body["email"], peer=http.peer(), request_id=g.request_id)
    return {"detail": "If there is an account with this address, a link is on its way."}


@api.call("POST", "/password/reset", None, body=ConfirmShape, status=204, cookies=True)
def reset(actor: Actor, body: dict[str, Any]) -> Answer:
    """Set a new password by a link. All sessions end."""
    auth.reset(body["token"], body["password"], peer=http.peer(), request_id=g.request_id)
    return Answer(signed_out=True)


@api.call("POST", "/password/change", Action.ACCOUNT_USE, body=ChangePasswordShape, status=204, limited=True)
def change(actor: Actor, body: dict[str, Any]) -> None:
    """Change one's password. All other sessions end."""
    auth.change_password(actor, body["current_password"], body["password"])


@api.call("POST", "/address", None, body=TokenShape, status=204, raises=(409,))
def address(actor: Actor, body: dict[str, Any]) -> None:
    """Make a new address one's own, by the link sent there."""
    begin_write()
    users.confirm_address(body["token"], peer=http.peer(), request_id=g.request_id)
