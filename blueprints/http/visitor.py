"""Who asks, whose page sent them, and the cookies they carry."""

from __future__ import annotations

from flask import Response, current_app, g, request

from helpdesk import auth, limits
from helpdesk.errors import Forbidden, NotSignedIn
from helpdesk.policy import ANONYMOUS, Actor

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def _cookie(name: str) -> str:
    """`__Host-` binds a cookie to this host and to https, which development does not have."""
    return f"__Host-{name}" if current_app.config["ENVIRONMENT"] == "production" else name


def peer() -> str:
    return request.remote_addr or "unknown"


def agent() -> str:
    return request.user_agent.string[:200]


def access_cookie() -> str | None:
    return request.cookies.get(_cookie("access_token"))


def refresh_cookie() -> str | None:
    return request.cookies.get(_cookie("refresh_token"))


def set_cookies(response: Response, signed_in: auth.SignedIn, *, access: bool = True) -> None:
    if access:
        _set_cookie(response, "access_token", signed_in.access_token)
    _set_cookie(response, "refresh_token", signed_in.refresh_token)


def _set_cookie(response: Response, name: str, value: str) -> None:
    # the access cookie outlives its token on purpose: expired, it still says which session to renew
    response.set_cookie(
        _cookie(name),
        value,
        max_age=auth.SESSION_DAYS * 86400,
        secure=current_app.config["ENVIRONMENT"] == "production",
        httponly=True,
        samesite="Lax",
    )


def renew_cookie(response: Response) -> None:
    """Hand out the access token that was renewed on the way, unless the answer sets or takes away cookies itself."""
    known = g.get("identity")
    if known is not None and known.renewed and "Set-Cookie" not in response.headers:
        _set_cookie(response, "access_token", known.renewed)


def clear_cookies(response: Response) -> None:
    for name in ("access_token", "refresh_token"):
        response.delete_cookie(
            _cookie(name), secure=current_app.config["ENVIRONMENT"] == "production", httponly=True, samesite="Lax"
        )


def bearer() -> str | None:
    """The token of an Authorization header, which no other site's page can set."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def identity() -> auth.Identity:
    """Who asks, read once a request. Raises NotSignedIn; Forbidden for a cookie that somebody else's page sent."""
    if "identity" not in g:
        if "Authorization" in request.headers:
            token = bearer()
            if token is None:
                raise NotSignedIn
            found = auth.identify(token, None, peer=peer(), request_id=g.request_id)
        else:
            token = access_cookie()
            if token is None:
                raise NotSignedIn
            found = auth.identify(token, refresh_cookie(), peer=peer(), request_id=g.request_id)
            g.asking = found  # whose cookie it was goes on record if somebody else's page sent it
            if request.method not in SAFE:
                check_origin()
        g.identity = found
    known: auth.Identity = g.identity
    return known


def reader() -> auth.Identity | None:
    """Who looks at a page that is everybody's, if they are signed in."""
    try:
        return identity()
    except (NotSignedIn, Forbidden):
        return None


def has_credentials() -> bool:
    """Whether they say who they are, rightly or not."""
    return "Authorization" in request.headers or access_cookie() is not None


def anonymous() -> Actor:
    return Actor(id=None, role=None, kind=ANONYMOUS.kind, peer=peer(), request_id=g.request_id)


def check_origin() -> None:
    """A cookie comes along whoever wrote the page, so an unsafe request must say that ours did. Raises Forbidden."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    listed = current_app.config["CORS_ORIGINS"]
    if site is not None:
        right = site == "same-origin" or origin in listed
    else:
        right = origin is not None and (origin == current_app.config["PUBLIC_BASE_URL"] or origin in listed)
    if not right:
        raise Forbidden("This request does not come from our own pages.")


def check_origin_of_public_call() -> None:
    """The same for calls that need no sign-in: browsers say where they come from, programs without cookies need not."""
    browser = "Sec-Fetch-Site" in request.headers or "Origin" in request.headers
    if browser or (bearer() is None and (access_cookie() or refresh_cookie())):
        check_origin()


def is_browser() -> bool:
    return "Sec-Fetch-Site" in request.headers


def limit(actor: Actor, of: limits.Limit) -> None:
    """How often a customer may do this; the staff are not limited. Raises TooMany."""
    if not actor.is_staff:
        limits.check(of, str(actor.id))
