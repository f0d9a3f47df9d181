"""Reporting for somebody: at the counter, on the phone."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response, request, url_for

from blueprints import http
from blueprints.staff import forms
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import desk, pages, refused, show, unkept, waiting_photos
from blueprints.words import gettext
from helpdesk import images, tickets
from helpdesk.errors import HelpdeskError
from helpdesk.policy import Actor
from helpdesk.schemas import CreateTicketShape
from models import Channel, db

FIELDS = (
    "email", "name", "title", "description", "category", "building", "room", "priority", "assignee_id", "team_id",
    "tags", "is_confidential",
)  # fmt: skip
BLANK: Typed = {"priority": ["normal"]}


@pages.get("/tickets/new")
def new_ticket() -> Response:
    return _page(desk(), BLANK)


@pages.post("/tickets/new")
def create_ticket() -> Response:
    """What is left empty is left to the desk: the category says the team and whether it is confidential."""
    actor, photos, typed = desk(), http.photos(), forms.typed(FIELDS)
    if "delete" in request.form:
        return _without_photo(actor, typed, photos)
    try:
        wish = _wish(typed, photos)
        http.begin_form(actor)
        uploads = photos.add(partial(images.add, actor), partial(images.untied, actor))
        ticket = tickets.create(actor, {**wish, "images": uploads}, channel=Channel.STAFF)
        return http.look(url_for("staff.ticket", ticket_id=ticket.id))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, typed, photos, error)


def _without_photo(actor: Actor, typed: Typed, photos: http.Photos) -> Response:
    """The form again, and one photo less in it. One that is gone already is no error."""
    http.begin(actor)
    gone = number(request.form["delete"])
    for row in images.untied(actor, [gone] if isinstance(gone, int) else []):
        images.destroy(actor, row.id)
    db.session.commit()
    return _page(actor, typed, photos)


def _wish(typed: Typed, photos: http.Photos) -> dict[str, Any]:
    """Raises Invalid."""
    texts = ("email", "name", "title", "description", "category", "building", "room", "priority")
    wish: dict[str, Any] = {name: first(typed, name) for name in texts}
    wish |= {name: number(first(typed, name)) for name in ("assignee_id", "team_id")}
    wish = forms.filled({**wish, "tags": typed["tags"]})
    if typed["is_confidential"]:
        wish["is_confidential"] = True
    wrong: dict[str, Any] = {http.FIELD: [photos.wrong]} if photos.wrong else {}
    if "name" in wish and "email" not in wish:
        wrong["email"] = [gettext("Write the address that goes with the name")]
    return http.load_form(CreateTicketShape(), wish, wrong)


def _page(
    actor: Actor, typed: Typed, photos: http.Photos | None = None, error: HelpdeskError | None = None
) -> Response:
    if error:
        refused(error)
    waiting = waiting_photos(actor, photos)
    problems = forms.problems(error or unkept(photos), typed)
    status = error.status if error else 200
    return show(
        actor, "new_ticket.html", status=status, typed=typed, problems=problems, error=error, waiting=waiting
    )  # fmt: skip
