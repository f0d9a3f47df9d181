"""What is seldom done with a ticket, each on a page of its own: splitting a comment off, deleting it."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, url_for

from blueprints import http
from blueprints.staff import forms
from blueprints.staff.forms import Typed, first
from blueprints.staff.shell import desk, pages, refused, show
from blueprints.staff.ticket import ONE
from helpdesk import comments, policy, splitting, tickets
from helpdesk.errors import HelpdeskError
from helpdesk.policy import Action, Actor
from helpdesk.schemas import SplitShape

COMMENT = f"/comments/{http.ID.format('comment_id')}/split"
FIELDS = ("title", "category", "building", "room", "priority", "is_confidential")
TITLE_LENGTH = 80


# --- a comment as a ticket of its own ---------------------------------------------------------------------------------


@pages.get(COMMENT)
def split(comment_id: int) -> Response:
    actor = desk()
    policy.require(actor, Action.TICKET_SPLIT)
    return _split_page(actor, comment_id)


@pages.post(COMMENT)
def split_comment(comment_id: int) -> Response:
    actor, typed = desk(), forms.typed(FIELDS)
    try:
        wish = http.load(SplitShape(), _wish(typed))
        http.begin_form(actor)
        made = splitting.split(actor, comment_id, wish)
        return http.look(url_for("staff.ticket", ticket_id=made.id))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _split_page(actor, comment_id, typed, error)


def _wish(typed: Typed) -> dict[str, Any]:
    """What is left empty is meant to be empty: the form showed how it is on the ticket."""
    wish = {name: first(typed, name) for name in ("title", "category", "priority")}
    empty = {name: first(typed, name) or None for name in ("building", "room")}
    return {**wish, **empty, "is_confidential": bool(typed["is_confidential"])}


def _split_page(
    actor: Actor, comment_id: int, typed: Typed | None = None, error: HelpdeskError | None = None
) -> Response:
    if error:
        refused(error)
    comment = comments.show_one(actor, comment_id)
    ticket = tickets.show_one(actor, comment["ticket_id"])
    as_there: Typed = {
        "title": [_title(comment["text"])],
        "category": [ticket["category"]["slug"]],
        "building": [ticket["building"]["slug"] if ticket["building"] else ""],
        "room": [ticket["room"] or ""],
        "priority": ["normal"],
        "is_confidential": ["on"] if ticket["is_confidential"] else [],
    }
    values = as_there if typed is None else typed
    return show(
        actor,
        "split.html",
        status=error.status if error else 200,
        comment=comment,
        ticket=ticket,
        reporter=comment["author"] if comment["author"]["role"] == "customer" else ticket["reporter"],
        typed=values,
        error=error,
        problems=forms.problems(error, values),
    )


def _title(text: str) -> str:
    """The first sentence of what was said, as far as a title goes."""
    line = re.sub(r"[*_`#>]+", "", text.strip().split("\n")[0]).strip()
    sentence = re.split(r"(?<=[.!?])\s", line)[0].rstrip(".")
    if len(sentence) <= TITLE_LENGTH:
        return sentence
    return f"{sentence[:TITLE_LENGTH].rpartition(' ')[0] or sentence[:TITLE_LENGTH]}…"


# --- the end of a ticket ----------------------------------------------------------------------------------------------


@pages.get(f"{ONE}/delete")
def delete(ticket_id: int) -> Response:
    """Asks once."""
    actor = desk()
    policy.require(actor, Action.TICKET_DELETE)
    return show(actor, "delete.html", ticket=tickets.show_one(actor, ticket_id))


@pages.post(f"{ONE}/delete")
def delete_ticket(ticket_id: int) -> Response:
    actor = desk()
    try:
        http.begin_form(actor)
        tickets.destroy(actor, policy.take_ticket(actor, ticket_id))
        return http.look(url_for("staff.queue"))
    except http.Replay as replay:
        return http.seen_before(replay)
