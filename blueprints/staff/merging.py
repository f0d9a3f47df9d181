"""Merging, in two steps: which ticket goes on, then what will happen and the button that does it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request, url_for

from blueprints import http
from blueprints.staff import forms
from blueprints.staff.shell import desk, pages, refused, show
from blueprints.staff.ticket import ONE, beside
from blueprints.words import gettext
from helpdesk import merging, policy, similar, tickets
from helpdesk.errors import Conflict, HelpdeskError, Invalid, NotFound
from helpdesk.policy import Action, Actor
from helpdesk.schemas import ID_MAX

AT_ONCE = 100
"""As many as a page of the queue can tick."""
MOST_DIGITS = len(str(ID_MAX)) - 1


def _numbers(texts: list[str]) -> list[int]:
    """`15,16` and `15&ids=16` name the same tickets."""
    found = [text.strip().removeprefix("#") for part in texts for text in part.split(",")]
    numbers = [int(text) for text in found if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS]
    return list(dict.fromkeys(numbers))[:AT_ONCE]


@pages.get("/merge")
def merge() -> Any:
    """Choose the ticket that goes on: a chosen one outdoes a typed number, which is led to its own address."""
    actor = desk()
    policy.require(actor, Action.TICKET_MERGE)
    ids = _numbers(request.args.getlist("ids"))
    typed = request.args.get("number", "").strip()
    if "number" not in request.args:
        into = _numbers(request.args.getlist("into"))
        return _page(actor, ids, into[0] if into else None)
    chosen = _numbers([typed] if typed else request.args.getlist("into"))
    if not chosen:
        return _page(actor, ids, None, typed, Invalid({"number": [gettext("Choose a ticket, or write its number")]}))
    return redirect(f"{url_for('staff.merge')}?{urlencode({'ids': ','.join(map(str, ids)), 'into': chosen[0]})}")


@pages.post("/merge")
def merge_tickets() -> Response:
    """Merge them, all or none."""
    actor = desk()
    ids, chosen = _numbers(request.form.getlist("ids")), _numbers(request.form.getlist("into"))
    into_id = chosen[0] if chosen else 0
    try:
        http.begin_form(actor)
        taken, into = merging.take(actor, [number for number in ids if number != into_id], into_id)
        for ticket in taken:
            merging.merge(actor, ticket, into)
        done = urlencode({"merged": ",".join(str(ticket.id) for ticket in taken)})
        return http.look(f"{url_for('staff.ticket', ticket_id=into_id)}?{done}")
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, ids, into_id, error=error)


@pages.post(f"{ONE}/unmerge")
def unmerge(ticket_id: int) -> Response:
    """Undo what the button names: this ticket's merge, or some of those into it."""
    actor = desk()

    def deed() -> str:
        numbers = _numbers(request.form.getlist("undo"))
        if not numbers:
            raise Conflict(gettext("There is no merge to undo."))
        for ticket, into in merging.take_all_merged(actor, numbers):
            merging.unmerge(actor, ticket, into)
        return url_for("staff.ticket", ticket_id=numbers[0] if len(numbers) == 1 else ticket_id)

    return beside(actor, ticket_id, "unmerge", deed)


def _page(
    actor: Actor, ids: list[int], into_id: int | None, typed: str = "", error: HelpdeskError | None = None
) -> Response:
    """Which ticket goes on, and once that is said, what will happen. Raises NotFound where nothing is to merge."""
    if error:
        refused(error)
    found = {one["id"]: one for one in tickets.show_some(actor, [*ids, *([into_id] if into_id else [])])}
    given = [found[number] for number in ids if number in found]
    if not given:
        raise NotFound
    into = found.get(into_id or 0)
    sources = [one for one in given if one is not into]
    if into_id and into is None:
        error, typed = Invalid({"number": [gettext("There is no ticket #%(number)s", number=into_id)]}), str(into_id)
    elif into is not None and not sources:
        error, into = Invalid({"number": [gettext("Choose another ticket than itself")]}), None
    return show(
        actor,
        "merge.html",
        status=error.status if error else 200,
        given=given,
        into=into,
        sources=sources,
        plan=merging.plan(actor, [one["id"] for one in sources], into["id"]) if into else None,
        offered=_offered(actor, given) if into is None else [],
        typed=typed,
        error=error,
        problems=forms.problems(error, {"number": [typed]}),
        undo_days=merging.UNDO_DAYS,
    )


def _offered(actor: Actor, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What may go on: of several, those that can; of one alone, open tickets that may be the same problem."""
    if len(given) > 1:
        return [one for one in given if not (one["merged_into"] or one["held"] or one["status"] == "closed")]
    only = given[0]
    building = only["building"]["slug"] if only["building"] else None
    likely = similar.similar(actor, only["title"], building=building, category=only["category"]["slug"])
    return tickets.show_some(actor, [one["id"] for one in likely if one["id"] != only["id"]])
