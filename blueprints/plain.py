"""Reporting without a script: one form on a plain page, for whoever has an account or gives an address."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response, current_app, render_template, request

from blueprints import http
from helpdesk import categories, guests, images, tickets
from helpdesk.errors import Conflict, HelpdeskError, Invalid, NotSignedIn, TooMany
from helpdesk.limits import CREATE, UPLOAD
from helpdesk.policy import Actor
from helpdesk.schemas import CreateTicketShape
from models import Channel, db

pages = http.Pages("plain", __name__, url_prefix="/report/plain")

SENT = "/report/plain/sent"
FIELDS = ("title", "category", "building", "room", "details", "email", "name", "is_confidential", "via")
"""In their order on the page."""
PREFILLED = ("title", "category", "building", "room")
"""What a link, a sign on a wall say, may fill in."""
REFUSALS = (Invalid, Conflict, NotSignedIn, TooMany)
"""What the page answers itself, with everything that was typed still in it."""

# What to do about a field: when it is empty, and when it holds something else.
WORDS = {
    "title": ("Say what the problem is", "Say what the problem is in 3 to 200 characters"),
    "category": ("Choose what it is about", "Choose what it is about"),
    "building": ("Choose a building", "Choose a building"),
    "room": ("Write the room", "Write the room in up to 50 characters"),
    "details": ("Write the details", "Write the details in up to 20,000 characters"),
    "email": ("Write your address", "Write an address, such as name@example.edu"),
    "name": ("Write your name", "Write your name in up to 100 characters"),
}


@pages.get("")
def form() -> Response:
    typed = {name: request.args.get(name, "")[:200] for name in PREFILLED}
    # a label says where one stands, and not what is wrong there
    via = Channel.QR.value if typed["building"] and not typed["title"] else ""
    return _page(_actor(), {**typed, "via": via})


@pages.post("")
def report() -> Any:
    """Who sends it is known before it is read: photos are taken from people with an account alone."""
    http.check_origin()
    actor = _actor()
    if actor is None:
        return _as_guest()
    photos = http.photos()
    if "delete" in request.form:
        return _without_photo(actor, photos)
    try:
        http.limit(actor, CREATE)
        photos.count(partial(http.limit, actor, UPLOAD))
        wish = _wish(_typed(), wrong={http.FIELD: [photos.wrong]} if photos.wrong else {})
        http.begin_form(actor)
        uploads = photos.add(partial(images.add, actor), partial(images.untied, actor))
        ticket = tickets.create(actor, {**wish, "images": uploads}, channel=_channel(wish))
        return http.look(f"{SENT}/{ticket.id}")
    except http.Replay as replay:
        return http.seen_before(replay)
    except REFUSALS as error:
        db.session.rollback()
        return _page(actor, _typed(), error, photos)


def _as_guest() -> Response:
    """What stands in the form of somebody whose session has ended meanwhile is kept, but for photos."""
    if http.access_cookie() is not None:
        http.without_photos()
    try:
        return _report_as_guest(_typed())
    except REFUSALS as error:
        db.session.rollback()
        return _page(None, _typed(), error)


def _report_as_guest(typed: dict[str, str]) -> Response:
    """Raises NotSignedIn where the form did not ask for an address: it was somebody's with an account."""
    if "email" not in request.form:
        raise NotSignedIn
    once = http.name_of_form()
    if not guests.was_reported(once):
        missing = {} if typed["email"] else {"email": ["Missing."]}
        wish, nobody = _wish(typed, "email", "name", wrong=missing), http.anonymous()
        guests.check(wish, http.peer())
        http.begin(nobody)
        guests.report(nobody, wish, channel=_channel(wish), once=once)
    return http.look(SENT)


def _channel(wish: dict[str, Any]) -> Channel:
    return Channel(wish.get("via", Channel.WEB))


def _without_photo(actor: Actor, photos: http.Photos) -> Response:
    """The form again, and one photo less in it. One that is gone already is no error."""
    http.begin(actor)
    gone = request.form["delete"]
    for row in images.untied(actor, [number for number in photos.ids if str(number) == gone]):
        images.destroy(actor, row.id)
    db.session.commit()
    return _page(actor, _typed(), photos=photos)


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in FIELDS}


def _wish(typed: dict[str, str], *more: str, wrong: dict[str, list[str]]) -> dict[str, Any]:
    """What they ask for, in the words of the contract: with no details the title says it all. Raises Invalid.

    `wrong` is what was found wrong already, by field.
    """
    wish: dict[str, Any] = {name: typed[name] for name in (*PREFILLED, *more) if typed[name]}
    if typed["details"] or typed["title"]:
        wish["description"] = typed["details"] or typed["title"]
    if typed["is_confidential"]:
        wish["is_confidential"] = True
    if typed["via"] == Channel.QR:
        wish["via"] = typed["via"]
    return http.load_form(CreateTicketShape(), wish, wrong)


@pages.get("/sent")
def sent_as_guest() -> Response:
    return _show("plain_sent", ticket=None)


@pages.get(f"/sent/{http.ID.format('ticket_id')}")
def sent(ticket_id: int) -> Response:
    """Raises NotSignedIn, NotFound."""
    return _show("plain_sent", ticket=tickets.show_one(http.identity().actor, ticket_id))


def _actor() -> Actor | None:
    known = http.reader()
    return None if known is None else known.actor


def _page(
    actor: Actor | None,
    typed: dict[str, str],
    error: HelpdeskError | None = None,
    photos: http.Photos | None = None,
) -> Response:
    waiting = []
    if actor is not None and photos is not None:
        photos.keep(partial(images.add, actor), partial(http.limit, actor, UPLOAD))
        waiting = images.untied(actor, photos.ids) if photos.ids else []
    problems = _problems(error, typed, photos)
    response = _show(
        "plain", me=actor, typed=typed, error=error, problems=problems, choices=categories.choices(), waiting=waiting,
        ended=isinstance(error, NotSignedIn), emergency_text=current_app.config["EMERGENCY_TEXT"],
    )  # fmt: skip
    response.status_code = error.status if error else 200
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    elif isinstance(error, NotSignedIn):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _problems(error: HelpdeskError | None, typed: dict[str, str], photos: http.Photos | None) -> dict[str, str]:
    """Field → what to do about it, in the order of the fields."""
    found = dict(error.errors) if isinstance(error, Invalid) else {}
    found["details"] = found.pop("description", None) if typed.get("details") else None  # else the title stood for them
    said = {name: WORDS[name][bool(typed[name])] for name in WORDS if found.get(name)}
    if wrong := (photos and photos.wrong) or (found.get(http.FIELD) or [""])[0]:
        said[http.FIELD] = wrong.rstrip(".")
    return said


def _show(template: str, **context: Any) -> Response:
    page = render_template(f"account/{template}.html", reader=http.reader(), tab="report", **context)
    return current_app.response_class(page)
