"""The plain pages that links in mails lead to. They need no script, and opening one changes nothing: a button does."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, g, render_template, request

from blueprints import http
from helpdesk import auth, comments, guests, policy, tickets, users
from helpdesk.errors import BadLink, Conflict, HelpdeskError, Invalid, NotFound, Taken, TooMany, Unavailable
from helpdesk.policy import Action, Actor
from helpdesk.schemas import ConfirmShape, ForgotShape, GuestCommentShape, TokenShape
from models import Channel, TokenPurpose, User, begin_write, db

pages = Blueprint("account", __name__, url_prefix="/account")

DONE = "/account/done"
"""Where a form leads: pages that say what happened and what to do next."""
WORDS = {"email": "Write an address, such as name@example.edu"}


@pages.after_request
def keep_links_secret(response: Response) -> Response:
    """The address of these pages may hold a secret: no cache keeps it, and the policy of app.py tells no other site."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(template: str, error: HelpdeskError | None = None, **context: Any) -> Response:
    problems = {}
    if isinstance(error, Invalid):
        problems = {name: WORDS.get(name) or messages[0].rstrip(".") for name, messages in error.errors.items()}
    status = error.status if error else 200
    page = render_template(f"account/{template}.html", error=error, problems=problems, **context)
    response = current_app.response_class(page, status=status)
    if isinstance(error, TooMany | Unavailable):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _bad_link(of: str, error: HelpdeskError) -> Response:
    """The same words for a link that is used up, too old or made up."""
    db.session.rollback()
    return _page("bad_link", error, of=of)


def _password() -> str:
    """A new password in its own words: the shape's are for programs. Raises Invalid."""
    password = request.form.get("password", "")
    if not auth.PASSWORD_MIN <= len(password) <= auth.PASSWORD_MAX:
        raise Invalid({"password": [f"Use {auth.PASSWORD_MIN} to {auth.PASSWORD_MAX} characters"]})
    return password


def _token(given: str | None) -> str:
    """Raises BadLink for what cannot be a token."""
    try:
        token: str = http.load(TokenShape(), {"token": given or ""})["token"]
    except Invalid:
        raise BadLink from None
    return token


def _whose(token: str, *purposes: TokenPurpose) -> str:
    """The address that a link was sent to, which password managers file the new password under. Raises BadLink."""
    link = auth.read_link(token, *purposes)
    known = db.session.get(User, link.user_id) if link.user_id else None
    email = link.payload.get("email") or (known.email if known else None)
    return str(email or "")


# --- registration and invitation --------------------------------------------------------------------------------------


@pages.get("/confirm")
def confirm_form() -> Response:
    try:
        token = _token(request.args.get("token"))
        return _page("confirm", token=token, email=_whose(token, TokenPurpose.CONFIRM, TokenPurpose.INVITE))
    except BadLink as error:
        return _bad_link("confirm", error)


@pages.post("/confirm")
def confirm() -> Any:
    """The address is proven, and whoever proved it is signed in with the password given here."""
    http.check_origin()
    token, email = "", ""
    try:
        token = _token(request.form.get("token"))
        email = _whose(token, TokenPurpose.CONFIRM, TokenPurpose.INVITE)
        wish = http.load(ConfirmShape(), {"token": token, "password": _password()})
        signed_in = auth.confirm(
            token, wish["password"], peer=http.peer(), agent=http.agent(), request_id=g.request_id
        )  # fmt: skip
    except BadLink as error:
        return _bad_link("confirm", error)
    except (Invalid, Taken, Unavailable) as error:
        db.session.rollback()
        return _page("confirm", error, token=token, email=email)
    user = users.me(signed_in.user_id)
    is_staff = policy.can(Actor(id=user["id"], role=user["role"]), Action.DESK_USE)
    response = http.look("/staff/" if is_staff else f"{DONE}/confirmed")
    http.set_cookies(response, signed_in)
    return response


# --- a forgotten password ---------------------------------------------------------------------------------------------


@pages.get("/forgot")
def forgot_form() -> Response:
    return _page("forgot", email="")


@pages.post("/forgot")
def forgot() -> Any:
    """The same answer whether or not there is an account."""
    http.check_origin()
    email = request.form.get("email", "")
    try:
        wish = http.load(ForgotShape(), {"email": email})
        auth.forgot(wish["email"], peer=http.peer(), request_id=g.request_id)
    except (Invalid, TooMany) as error:
        return _page("forgot", error, email=email)
    return http.look(f"{DONE}/sent")


@pages.get("/reset")
def reset_form() -> Response:
    try:
        token = _token(request.args.get("token"))
        return _page("reset", token=token, email=_whose(token, TokenPurpose.RESET))
    except BadLink as error:
        return _bad_link("reset", error)


@pages.post("/reset")
def reset() -> Any:
    """Every session of theirs ends, and this browser's, whoever's it is."""
    http.check_origin()
    token, email = "", ""
    try:
        token = _token(request.form.get("token"))
        email = _whose(token, TokenPurpose.RESET)
        wish = http.load(ConfirmShape(), {"token": token, "password": _password()})
        auth.reset(token, wish["password"], peer=http.peer(), request_id=g.request_id)
    except BadLink as error:
        return _bad_link("reset", error)
    except (Invalid, Unavailable) as error:
        db.session.rollback()
        return _page("reset", error, token=token, email=email)
    auth.end_session_of(http.access_cookie(), http.refresh_cookie())
    response = http.look(f"{DONE}/password")
    http.clear_cookies(response)
    return response


# --- a new address ----------------------------------------------------------------------------------------------------


@pages.get("/address")
def address_form() -> Response:
    try:
        token = _token(request.args.get("token"))
        return _page("address", token=token, email=_whose(token, TokenPurpose.NEW_ADDRESS))
    except BadLink as error:
        return _bad_link("address", error)


@pages.post("/address")
def address() -> Any:
    http.check_origin()
    try:
        token = _token(request.form.get("token"))
        begin_write()
        users.confirm_address(token, peer=http.peer(), request_id=g.request_id)
    except (BadLink, Taken) as error:
        return _bad_link("address", error)
    return http.look(f"{DONE}/address")


# --- and then ---------------------------------------------------------------------------------------------------------


@pages.get("/done/<any(confirmed, sent, password, address):what>")
def done(what: str) -> Response:
    return _page("done", what=what)


# --- a guest's report -------------------------------------------------------------------------------------------------


@pages.get("/report")
def report_form() -> Response:
    """What a guest's link opens: a button while the report waits, then the report with the answers to it."""
    try:
        return _report(_token(request.args.get("token")))
    except BadLink as error:
        return _bad_link("report", error)


@pages.post("/report")
def report() -> Response:
    """Confirm it, or write on it."""
    http.check_origin()
    try:
        token = _token(request.form.get("token"))
        guest, ticket_id = guests.holder(token, peer=http.peer(), request_id=g.request_id)
        if "text" not in request.form:
            begin_write()
            guests.release(token, peer=http.peer(), request_id=g.request_id)
            return http.look(f"/account/report?token={token}")
        return _write_on_report(guest, ticket_id, token)
    except BadLink as error:
        return _bad_link("report", error)


def _write_on_report(guest: Actor, ticket_id: int, token: str) -> Response:
    text = request.form["text"]
    try:
        guests.check_writing(ticket_id)
        wish = http.load(GuestCommentShape(), {"text": text})
        http.begin_form(guest)
        comments.add(guest, policy.take_ticket(guest, ticket_id), wish["text"], audience=None, channel=Channel.WEB)
        return http.look(f"/account/report?token={token}#end")
    except http.Replay as replay:
        return http.seen_before(replay)
    except (Invalid, Conflict, TooMany) as error:
        db.session.rollback()
        return _report(token, error, text=text)


def _report(token: str, error: HelpdeskError | None = None, text: str = "") -> Response:
    guest, ticket_id = guests.holder(token, peer=http.peer(), request_id=g.request_id)
    try:
        ticket = tickets.show_one(guest, ticket_id)
    except NotFound:  # it is held
        return _page("report_held", token=token)
    rows, earlier = comments.latest(guest, ticket_id, limit=100)
    said = [row for row in rows if row.field == "comment" and row.to_value == "added"]
    return _page("report", error, token=token, ticket=ticket, said=said, earlier=earlier, text=text, me=guest.id)
