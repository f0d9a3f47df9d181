"""The plain pages that links in mails lead to. They need no script, and opening one changes nothing: a button does."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response, current_app, g, redirect, render_template, request

from blueprints import http
from helpdesk import auth, comments, guests, images, policy, tickets, users, verdicts
from helpdesk.errors import (
    BadLink,
    Conflict,
    HelpdeskError,
    Invalid,
    NotFound,
    NotSignedIn,
    Taken,
    TooMany,
    Unavailable,
)
from helpdesk.policy import Action, Actor
from helpdesk.schemas import ConfirmShape, ForgotShape, GuestCommentShape, LoginShape, TokenShape
from models import Channel, TokenPurpose, User, begin_write, db

pages = http.Pages("account", __name__, url_prefix="/account")

DONE = "/account/done"
"""Where a form leads: pages that say what happened and what to do next."""
HOME, PLAIN = "/", "/report/plain"
PASSWORD_IS_SET = "/login?done=password"  # noqa: S105
"""Where the portal goes on."""
WORDS = {
    "email": "Write an address, such as name@example.edu",
    "text": "Write a reply of up to 20,000 characters",
    "identifier": "Write your username or email",
    "password": "Write your password",
}


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
    page = render_template(f"account/{template}.html", reader=http.reader(), error=error, problems=problems, **context)
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


def _whose(token: str, *purposes: TokenPurpose) -> dict[str, Any]:
    """The address that a link was sent to, which password managers file the new password under. Raises BadLink.

    And whether they are to choose a password: whoever registered was asked for one, which only counts with the link.
    """
    link = auth.read_link(token, *purposes)
    known = db.session.get(User, link.user_id) if link.user_id else None
    email = link.payload.get("email") or (known.email if known else None)
    return {"email": str(email or ""), "chosen": link.purpose == TokenPurpose.CONFIRM}


# --- fewer mails ------------------------------------------------------------------------------------------------------


@pages.get("/mails/off")
def mails_off_form() -> Response:
    try:
        token = request.args.get("token", "")
        return _page("mails_off", token=token, kind=auth.read_mails_token(token)[1], done="done" in request.args)
    except BadLink as error:
        return _bad_link("mails", error)


@pages.post("/mails/off")
def mails_off() -> Any:
    """From the page's button, or from a mail program's (RFC 8058): that one sends no cookie and no origin, and the
    address is all it needs."""
    try:
        token = request.args.get("token", "")
        user, kind = auth.read_mails_token(token)
        begin_write()
        users.end_mails(user.id, kind)
        db.session.commit()
        return http.look(f"/account/mails/off?token={token}&done=1")
    except BadLink as error:
        return _bad_link("mails", error)


# --- is it really fixed? ----------------------------------------------------------------------------------------------


@pages.get("/fixed")
def fixed_form() -> Response:
    """What the mail that it is resolved leads to: the ticket, and the question."""
    try:
        return _fixed(request.args.get("token", ""))
    except BadLink as error:
        return _bad_link("fixed", error)


@pages.post("/fixed")
def fixed() -> Any:
    http.check_origin()
    token, text = request.args.get("token", ""), request.form.get("text", "")
    try:
        asked = verdicts.ask(token, peer=http.peer(), request_id=g.request_id)
        words = http.load(GuestCommentShape(), {"text": text})["text"] if text.strip() else ""
        guests.check_writing(asked.ticket.id)
        http.begin_form(asked.actor)
        verdicts.answer(token, words, peer=http.peer(), request_id=g.request_id)
        return http.look(f"/account/fixed?token={token}&done=1")
    except http.Replay as replay:
        return http.seen_before(replay)
    except BadLink as error:
        return _bad_link("fixed", error)
    except (Invalid, Conflict, TooMany) as error:
        http.leave()
        return _fixed(token, error, text=text)


def _fixed(token: str, error: HelpdeskError | None = None, *, text: str = "") -> Response:
    """Raises BadLink."""
    asked = verdicts.ask(token, peer=http.peer(), request_id=g.request_id)
    return _page("fixed", error, token=token, asked=asked, ticket=asked.ticket, text=text, done="done" in request.args)


# --- registration and invitation --------------------------------------------------------------------------------------


@pages.get("/confirm")
def confirm_form() -> Response:
    try:
        token = _token(request.args.get("token"))
        return _page("confirm", token=token, **_whose(token, TokenPurpose.CONFIRM, TokenPurpose.INVITE))
    except BadLink as error:
        return _bad_link("confirm", error)


@pages.post("/confirm")
def confirm() -> Any:
    """The address is proven, and whoever proved it is signed in with the password given here."""
    http.check_origin()
    token, whose = "", {}
    try:
        token = _token(request.form.get("token"))
        whose = _whose(token, TokenPurpose.CONFIRM, TokenPurpose.INVITE)
        wish = http.load(ConfirmShape(), {"token": token, "password": _password()})
        signed_in = auth.confirm(
            token, wish["password"], peer=http.peer(), agent=http.agent(), request_id=g.request_id
        )  # fmt: skip
    except BadLink as error:
        return _bad_link("confirm", error)
    except (Invalid, Taken, Unavailable) as error:
        db.session.rollback()
        return _page("confirm", error, token=token, **whose)
    user = users.me(signed_in.user_id)
    is_staff = policy.can(Actor(id=user["id"], role=user["role"]), Action.DESK_USE)
    response = http.look("/staff/" if is_staff else HOME)
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
        return _page("reset", token=token, **_whose(token, TokenPurpose.RESET))
    except BadLink as error:
        return _bad_link("reset", error)


@pages.post("/reset")
def reset() -> Any:
    """Every session of theirs ends, and this browser's, whoever's it is."""
    http.check_origin()
    token, whose = "", {}
    try:
        token = _token(request.form.get("token"))
        whose = _whose(token, TokenPurpose.RESET)
        wish = http.load(ConfirmShape(), {"token": token, "password": _password()})
        auth.reset(token, wish["password"], peer=http.peer(), request_id=g.request_id)
    except BadLink as error:
        return _bad_link("reset", error)
    except (Invalid, Unavailable) as error:
        db.session.rollback()
        return _page("reset", error, token=token, **whose)
    auth.end_session_of(http.access_cookie(), http.refresh_cookie())
    response = http.look(PASSWORD_IS_SET)
    http.clear_cookies(response)
    return response


# --- a new address ----------------------------------------------------------------------------------------------------


@pages.get("/address")
def address_form() -> Response:
    try:
        token = _token(request.args.get("token"))
        return _page("address", token=token, **_whose(token, TokenPurpose.NEW_ADDRESS))
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


@pages.get("/done/<any(sent, address):what>")
def done(what: str) -> Response:
    return _page("done", what=what)


# --- logging in, where there are no scripts ---------------------------------------------------------------------------


@pages.get("/login")
def login_form() -> Any:
    """For the one page that needs an account here: the plain report. The portal has its own."""
    return redirect(PLAIN) if http.reader() else _page("login", identifier="")


@pages.post("/login")
def login() -> Any:
    """One answer for every cause. A session that came along ends."""
    http.check_origin()
    old = (http.access_cookie(), http.refresh_cookie())
    try:
        typed = http.load(LoginShape(), {name: request.form.get(name, "") for name in ("identifier", "password")})
        signed_in = auth.login(**typed, peer=http.peer(), agent=http.agent(), request_id=g.request_id)
    except (Invalid, NotSignedIn, TooMany, Unavailable) as error:
        db.session.rollback()
        return _page("login", error, identifier=request.form.get("identifier", ""))
    auth.end_session_of(*old)
    db.session.commit()
    response = http.look(PLAIN)
    http.set_cookies(response, signed_in)
    return response


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
    """Confirm it, or write on it. The address holds the token: who sends photos is known before they are read."""
    http.check_origin()
    try:
        in_address = request.args.get("token")
        if in_address is not None:
            _holder(_token(in_address))
        photos = http.photos() if in_address is not None else http.Photos()
        token = _token(in_address or request.form.get("token"))
        if "text" not in request.form:
            return _release(token, photos)
        if "delete" in request.form:
            return _without_photo(token, photos)
        return _write_on_report(token, photos)
    except BadLink as error:
        return _bad_link("report", error)


def _holder(token: str) -> tuple[Actor, int]:
    """Raises BadLink."""
    return guests.holder(token, peer=http.peer(), request_id=g.request_id)


def _here(token: str) -> str:
    return f"/account/report?token={token}"


def _release(token: str, photos: http.Photos) -> Response:
    """The report goes to the helpdesk, with the photos that were chosen with it."""
    guest, ticket_id = _holder(token)
    try:
        photos.count(partial(guests.check_uploading, ticket_id))
        http.begin_form(guest)
        guests.release(token, peer=http.peer(), request_id=g.request_id)
        added = photos.add(partial(guests.upload, token, guest), partial(guests.untied, token, guest))
        if added:
            images.attach(guest, added, policy.take_ticket(guest, ticket_id))
        return http.look(f"{_here(token)}&done=sent")
    except http.Replay as replay:
        return http.seen_before(replay)
    except (Invalid, Conflict, TooMany) as error:
        db.session.rollback()
        return _report(token, error)


def _without_photo(token: str, photos: http.Photos) -> Response:
    """The form again, and one photo less in it. One that is gone already is no error."""
    guest, _ = _holder(token)
    gone = request.form["delete"]
    begin_write()
    for row in guests.untied(token, guest, photos.ids):
        if str(row.id) == gone:
            images.destroy(guest, row.id)
    db.session.commit()
    return _report(token, text=request.form["text"], photos=photos)


def _write_on_report(token: str, photos: http.Photos) -> Response:
    text = request.form["text"]
    guest, ticket_id = _holder(token)
    try:
        guests.check_writing(ticket_id)
        photos.count(partial(guests.check_uploading, ticket_id))
        wish = _said(text, photos)
        http.begin_form(guest)
        ticket = policy.take_ticket(guest, ticket_id)
        uploads = photos.add(partial(guests.upload, token, guest), partial(guests.untied, token, guest))
        comments.add(guest, ticket, wish["text"], audience=None, channel=Channel.WEB, photos=uploads)
        return http.look(f"{_here(token)}&done=replied#end")
    except http.Replay as replay:
        return http.seen_before(replay)
    except (Invalid, Conflict, TooMany) as error:
        db.session.rollback()
        return _report(token, error, text=text, photos=photos)


def _said(text: str, photos: http.Photos) -> dict[str, Any]:
    """Raises Invalid with what is wrong in the words and with the photos."""
    wrong: dict[str, Any] = {http.FIELD: [photos.wrong]} if photos.wrong else {}
    try:
        wish = http.load(GuestCommentShape(), {"text": text})
    except Invalid as error:
        raise Invalid({**error.errors, **wrong}) from None
    if wrong:
        raise Invalid(wrong)
    return wish


def _report(
    token: str, error: HelpdeskError | None = None, *, text: str = "", photos: http.Photos | None = None
) -> Response:
    guest, ticket_id = _holder(token)
    try:
        ticket = tickets.show_one(guest, ticket_id)
    except NotFound:  # it is held
        return _page("report_held", error, token=token)
    waiting = []
    if photos:
        photos.keep(partial(guests.upload, token, guest), partial(guests.check_uploading, ticket_id))
        waiting = guests.untied(token, guest, photos.ids)
        error = error or (Invalid({http.FIELD: [photos.wrong]}) if photos.wrong else None)
    rows, earlier = comments.latest(guest, ticket_id, limit=100)
    said = [row for row in rows if row.field == "comment" and row.to_value == "added"]
    return _page(
        "report",
        error,
        token=token,
        ticket=ticket,
        said=said,
        photos=images.beside(guest, ticket_id, [row.comment_id for row in said]),
        base=f"/api/tickets/by-link/{token}/images",
        waiting=waiting,
        earlier=earlier,
        text=text,
        me=guest.id,
        done=request.args.get("done") if request.method == "GET" else None,
    )
