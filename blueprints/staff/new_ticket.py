"""Reporting for somebody: at the counter, on the phone."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for

from blueprints import http
from blueprints.staff import forms
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import desk, pages, refused, show
from helpdesk import tickets
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.policy import Actor
from helpdesk.schemas import CreateTicketShape
from models import Channel

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
    actor, typed = desk(), forms.typed(FIELDS)
    try:
        wish = _wish(typed)
        http.begin_form(actor)
        ticket = tickets.create(actor, wish, channel=Channel.STAFF)
        return http.look(url_for("staff.ticket", ticket_id=ticket.id))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, typed, error)


def _wish(typed: Typed) -> dict[str, Any]:
    """Raises Invalid."""
    texts = ("email", "name", "title", "description", "category", "building", "room", "priority")
    wish: dict[str, Any] = {name: first(typed, name) for name in texts}
    wish |= {name: number(first(typed, name)) for name in ("assignee_id", "team_id")}
    wish = forms.filled({**wish, "tags": typed["tags"]})
    if typed["is_confidential"]:
        wish["is_confidential"] = True
    wrong: dict[str, Any] = {}
    if "name" in wish and "email" not in wish:
        wrong["email"] = ["Write the address that goes with the name"]
    try:
        loaded = http.load(CreateTicketShape(), wish)
    except Invalid as error:
        raise Invalid({**error.errors, **wrong}) from None
    if wrong:
        raise Invalid(wrong)
    return loaded


def _page(actor: Actor, typed: Typed, error: HelpdeskError | None = None) -> Response:
    if error:
        refused(error)
    problems = forms.problems(error, typed)
    status = error.status if error else 200
    return show(actor, "new_ticket.html", status=status, typed=typed, problems=problems, error=error)
