"""One ticket: its conversation and history, and the forms that change it.

Every form carries the `version` that its writer had in front of them, the last thing they had `seen`, and a `key` for
sending it once. What is refused is shown again with every word still in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request, url_for

from blueprints import http
from blueprints.staff import forms, timeline
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import ALL_OPEN, desk, pages, refused, show
from helpdesk import comments, events, policy, tasks, tickets
from helpdesk.errors import HelpdeskError, Stale
from helpdesk.policy import Actor
from helpdesk.schemas import ID_MAX, CreateCommentShape, EditTicketShape
from models import Audience, Channel

ONE = f"/tickets/{http.ID.format('ticket_id')}"
SHOWN_AT_ONCE = 100
PEOPLE_AT_FIRST, PEOPLE_AT_MOST = 4, 100
TASKS_AT_MOST = 20

# What the properties form holds, and how its texts become what the shape wants.
PROPERTIES: dict[str, Callable[[Typed, str], Any]] = {
    "status": first,
    "priority": first,
    "assignee_id": lambda typed, name: number(first(typed, name)),
    "team_id": lambda typed, name: number(first(typed, name)),
    "category": first,
    "building": lambda typed, name: first(typed, name) or None,
    "room": lambda typed, name: first(typed, name) or None,
    "tags": lambda typed, name: typed[name],
    "is_confidential": lambda typed, name: bool(typed[name]),
    "public_title": lambda typed, name: first(typed, name) or None,
}
COMPOSER = ("audience", "text", "status")


def number_before(text: str) -> int | None:
    """The event before which the history is shown; whatever is no number of one shows its end."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(ID_MAX)) else None


@pages.get(ONE)
def ticket(ticket_id: int) -> Response:
    return _page(desk(), ticket_id)


@pages.post(f"{ONE}/comments")
def comment(ticket_id: int) -> Response:
    """A reply or a note, and the status that goes with it, in one deed."""
    actor, typed = desk(), forms.typed(COMPOSER)
    try:
        wish = http.load(CreateCommentShape(), {name: first(typed, name) for name in ("audience", "text")})
        then = http.load(EditTicketShape(), forms.filled({"status": first(typed, "status")}))
        http.begin_form(actor)
        taken = policy.take_ticket(actor, ticket_id)
        http.expect_form_version(taken.version)
        deed = events.new_deed()
        said = comments.add(
            actor, taken, wish["text"], audience=wish["audience"], channel=Channel.WEB, deed_id=deed
        )  # fmt: skip
        tickets.edit(actor, taken, then, deed_id=deed)
        return http.look(f"{url_for('staff.ticket', ticket_id=ticket_id)}#c{said.id}")
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, ticket_id, error, composer=typed)


@pages.post(ONE)
def edit(ticket_id: int) -> Response:
    """The properties form, and the buttons that set one property. Only what somebody changed is changed."""
    actor, typed = desk(), forms.typed(_sent())
    try:
        changed = {name: PROPERTIES[name](typed, name) for name in typed if not _untouched(typed, name)}
        wish = http.load(EditTicketShape(), changed)
        http.begin_form(actor)
        taken = policy.take_ticket(actor, ticket_id)
        http.expect_form_version(taken.version)
        tickets.edit(actor, taken, wish)
        return http.look(url_for("staff.ticket", ticket_id=ticket_id))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, ticket_id, error, properties=typed)


def _sent() -> list[str]:
    """The whole form, whose boxes say nothing when they are empty; or the one property of a button."""
    return [name for name in PROPERTIES if "whole" in request.form or name in request.form]


def _was(name: str) -> list[str] | None:
    """What a property was when the form was made, as its hidden fields say."""
    return request.form.getlist(f"was_{name}") if "whole" in request.form else None


def _untouched(typed: Typed, name: str) -> bool:
    was = _was(name)
    return was is not None and sorted(text.strip() for text in typed[name]) == sorted(was)


# --- the page ---------------------------------------------------------------------------------------------------------


def _page(
    actor: Actor,
    ticket_id: int,
    error: HelpdeskError | None = None,
    *,
    composer: Typed | None = None,
    properties: Typed | None = None,
) -> Response:
    if error:
        refused(error)
    shown = tickets.show_one(actor, ticket_id)
    before = number_before(request.args.get("before", "")) if request.method == "GET" else None
    rows, has_earlier = comments.latest(actor, ticket_id, before=before, limit=SHOWN_AT_ONCE)
    history = timeline.items(rows, shown)
    limit = PEOPLE_AT_MOST if request.args.get("people") == "all" else PEOPLE_AT_FIRST
    affected, _ = tickets.affected(ticket_id, limit=limit, cursor=None)
    linked, more_tasks = tasks.listing(
        actor, {"ticket_id": ticket_id}, sort="due_at", limit=TASKS_AT_MOST, cursor=None
    )  # fmt: skip
    values, marks = _merged(_typed(shown), properties, stale=isinstance(error, Stale))
    return show(
        actor,
        "ticket.html",
        status=error.status if error else 200,
        back=ALL_OPEN,
        ticket=shown,
        history=history,
        before=before,
        earlier=rows[0].id if has_earlier and rows else None,
        seen=rows[-1].id if rows and before is None else 0,
        affected=affected,
        tasks=linked,
        more_tasks=more_tasks is not None,
        composer=composer or {},
        proposed=Audience.AFFECTED if shown["affected_count"] > 1 else Audience.REPORTER,
        values=values,
        marks=marks,
        problems=forms.problems(error, composer or properties or {}),
        error=error,
        in_composer=composer is not None,
        meanwhile=_meanwhile(history) if isinstance(error, Stale) else [],
    )


def _typed(shown: dict[str, Any]) -> Typed:
    """A ticket's properties as its form would send them."""

    def of(thing: dict[str, Any] | None, key: str) -> list[str]:
        return [str(thing[key]) if thing else ""]

    return {
        "status": [shown["status"]],
        "priority": [shown["priority"]],
        "assignee_id": of(shown["assignee"], "id"),
        "team_id": of(shown["team"], "id"),
        "category": of(shown["category"], "slug"),
        "building": of(shown["building"], "slug"),
        "room": [shown["room"] or ""],
        "tags": list(shown["tags"]),
        "is_confidential": ["on"] if shown["is_confidential"] else [],
        "public_title": [shown["public_title"] or ""],
    }


def _merged(current: Typed, typed: Typed | None, *, stale: bool) -> tuple[dict[str, Any], set[str]]:
    """What the form shows: what somebody changed as they typed it, the rest as it is now.

    And which of the fields they changed somebody else changed as well.
    """
    values: dict[str, Any] = {name: {"now": now, "shown": now} for name, now in current.items()}
    marks = set()
    for name, mine in (typed or {}).items():
        if not _untouched(typed or {}, name):
            values[name]["shown"] = mine
            was = _was(name)
            if stale and sorted(current[name]) not in (sorted(mine), sorted(was or current[name])):
                marks.add(name)
    return values, marks


def _meanwhile(history: list[timeline.Item]) -> list[timeline.Item]:
    """What happened after the last thing that the form's writer had seen."""
    seen = request.form.get("seen", type=int)
    return [item for item in history if item.id > seen] if seen else []
