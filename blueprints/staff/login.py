"""The staff's way in and out."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, current_app, g, redirect, render_template, request

from blueprints import http
from blueprints.staff import forms
from blueprints.staff.shell import pages
from helpdesk import auth, policy, users
from helpdesk.errors import HelpdeskError, Invalid, NotSignedIn, TooMany, Unavailable
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


def _form(wanted: str, *, status: int = 200, error: HelpdeskError | None = None) -> Response:
    ticket = _TICKET.match(wanted)
    page = render_template(
        "staff/login.html",
        next=wanted,
        back_to=f"#{ticket[1]}" if ticket else "where you were" if wanted.rstrip("/") != "/staff" else None,
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
    wanted = own_page(request.form.get("next"))
    old = (http.access_cookie(), http.refresh_cookie())
    try:
        typed = http.load(LoginShape(), {name: request.form.get(name, "") for name in ("identifier", "password")})
        signed_in = auth.login(**typed, peer=http.peer(), agent=http.agent(), request_id=g.request_id)
    except (Invalid, NotSignedIn, TooMany, Unavailable) as error:
        return _form(wanted, status=error.status, error=error)
    auth.end_session_of(*old)
    user = users.me(signed_in.user_id)
    staff = policy.can(Actor(id=user["id"], role=user["role"]), Action.DESK_USE)
    db.session.commit()
    response = http.look(wanted) if staff else _not_staff(user["name"])
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
