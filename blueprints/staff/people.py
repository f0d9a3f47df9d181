"""Whom a ticket affects: adding somebody, and taking somebody away. The buttons send the ticket's whole form."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from blueprints import http
from blueprints.staff import forms
from blueprints.staff.forms import number
from blueprints.staff.shell import desk, pages
from blueprints.staff.ticket import ONE, page, sent_form, typed_task
from blueprints.words import gettext
from helpdesk import policy, tickets, users
from helpdesk.errors import Invalid
from helpdesk.policy import Action, Actor
from helpdesk.schemas import AddAffectedShape

REMOVE = "remove:"
"""Before somebody's number in what their button sends as `do`."""


@pages.post(f"{ONE}/people")
def affected(ticket_id: int) -> Response:
    """Count somebody in, or not any more. Doing it twice changes nothing."""
    actor, photos, sent = desk(), http.photos(), sent_form()
    policy.require(actor, Action.TICKET_AFFECTED)
    asked = request.form.get("do", "")
    adds = not asked.startswith(REMOVE)
    try:
        whom = _whom(actor, sent.person) if adds else {"user_id": number(asked.removeprefix(REMOVE))}
        http.begin_form(actor)
        ticket = policy.take_ticket(actor, ticket_id)
        if adds:
            tickets.add_affected(actor, ticket, whom)
        elif isinstance(whom["user_id"], int):
            tickets.leave(actor, ticket, whom["user_id"])
        answer = http.look(f"{url_for('staff.ticket', ticket_id=ticket_id)}#people")
    except http.Replay as replay:
        answer = http.seen_before(replay)
    except forms.REFUSALS as error:
        return page(actor, ticket_id, sent, photos, asked="add", error=_about_person(error))
    left = sent.says or sent.changed or photos or typed_task() or (sent.person and not adds)
    return page(actor, ticket_id, sent, photos, asked="add" if adds else "remove", done=True) if left else answer


def _whom(actor: Actor, text: str) -> dict[str, Any]:
    """What was typed, as the verb wants it: an address, or the name of the one person who is called so."""
    if not text:
        raise Invalid({"person": [gettext("Write an address or a name")]})
    if "@" in text:
        return http.load(AddAffectedShape(), {"email": text})
    found, _ = users.listing(actor, {"q": text[:100], "is_active": True}, sort="name", limit=3, cursor=None)
    exactly = [one for one in found if one["name"].casefold() == text.casefold()] or found
    if len(exactly) == 1:
        return {"user_id": exactly[0]["id"]}
    if found:
        raise Invalid({"person": [gettext("Several people are called that. Write the address")]})
    raise Invalid({"person": [gettext("Nobody here is called that. Write the address")]})


def _about_person(error: Any) -> Any:
    """What is wrong with somebody's address or number stands beside the one field there is."""
    if isinstance(error, Invalid):
        found = error.errors.get("email") or error.errors.get("user_id")
        return Invalid({"person": found}) if found else error
    return error
