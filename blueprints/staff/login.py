"""The staff's way in and out, and back to what they were about to send."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from flask import Response, current_app, g, redirect, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge

from blueprints import errors as answers
from blueprints import http
from blueprints.staff import forms, kept
from blueprints.staff.kept import Kept
from blueprints.staff.shell import pages, show
from blueprints.words import gettext
from helpdesk import auth, policy, users
from helpdesk.errors import Forbidden, HelpdeskError, Invalid, NotSignedIn, TooMany, Unavailable
from helpdesk.policy import Action, Actor
from helpdesk.schemas import LoginShape
from models import begin_write, db

HOME = "/staff/"
_PAGE = re.compile(r"/staff(?:/[A-Za-z0-9_-]+)*/?(?:\?[\x21-\x7e]*)?")
_TICKET = re.compile(r"/staff/tickets/([0-9]+)")


def own_page(wanted: str | None) -> str:
    """Where to go on after logging in: a staff page of ours and nothing else, whatever the address says."""
    if wanted and _PAGE.fullmatch(wanted) and "\\" not in wanted and not re.match(r"/staff/log(in|out)\b", wanted):
        return wanted
    return HOME


def _form(
    wanted: str, *, status: int = 200, error: HelpdeskError | None = None, carried: Kept | None = None
) -> Response:
    ticket = _TICKET.match(wanted)
    page = render_template(
        "staff/login.html",
        next=wanted,
        back_to=f"#{ticket[1]}" if ticket else gettext("where you were") if wanted.rstrip("/") != "/staff" else None,
        carried=carried,
        identifier=request.form.get("identifier", ""),
        problems=forms.problems(error, forms.typed(("identifier", "password"))),
        error=error,
    )
    response = current_app.response_class(page, status=status)
    if isinstance(error, TooMany | Unavailable):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _not_staff(name: str) -> Response:
    return current_app.response_class(render_template("staff/not_staff.html", name=name), status=403)


def _who() -> Actor | None:
    try:
        return http.identity().actor
    except NotSignedIn:
        return None


@pages.errorhandler(NotSignedIn)
def ask_to_log_in(error: NotSignedIn) -> Any:
    """Whoever wanted a page is led back to it. Whoever sent a form finds what they wrote kept, if our page sent it."""
    if not answers.wants_page():
        return answers.helpdesk_error(error)
    if request.method in http.SAFE:
        return redirect(f"/staff/login?next={quote(request.full_path.rstrip('?'))}")
    try:
        http.check_origin()
        found = kept.sent()
    except Forbidden as refusal:
        return answers.helpdesk_error(refusal)
    except RequestEntityTooLarge as too_large:
        return answers.http_error(too_large)
    response = _form(found.page if found else HOME, status=error.status, carried=found)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@pages.get("/login")
def login_form() -> Any:
    actor, wanted = _who(), own_page(request.args.get("next"))
    if actor is None:
        return _form(wanted)
    return redirect(wanted) if policy.can(actor, Action.DESK_USE) else _not_staff(actor.name)


@pages.post("/login")
def login() -> Any:
    """One answer for every cause. A session that came along ends; a customer's starts, but opens nothing here."""
    http.check_origin()
    wanted, carried = own_page(request.form.get("next")), kept.carried()
    old = (http.access_cookie(), http.refresh_cookie())
    try:
        typed = http.load(LoginShape(), {name: request.form.get(name, "") for name in ("identifier", "password")})
        signed_in = auth.login(**typed, peer=http.peer(), agent=http.agent(), request_id=g.request_id)
    except (Invalid, NotSignedIn, TooMany, Unavailable) as error:
        return _form(wanted, status=error.status, error=error, carried=carried)
    auth.end_session_of(*old)
    user = users.me(signed_in.user_id)
    actor = Actor(id=user["id"], role=user["role"], name=user["name"])
    db.session.commit()
    if not policy.can(actor, Action.DESK_USE):
        response = _not_staff(user["name"])
    elif carried:
        response = show(actor, "resume.html", kept=carried, labels={**kept.DESK_LABELS, **forms.LABELS})
    else:
        response = http.look(wanted)
    http.set_cookies(response, signed_in)
    return response


@pages.post("/logout")
def logout() -> Response:
    """Doing it twice is no error."""
    http.check_origin()
    begin_write()
    auth.end_session_of(http.access_cookie(), http.refresh_cookie())
    response = http.look("/staff/login")
    http.clear_cookies(response)
    return response
