"""One ticket: its conversation and history, and the form that changes it.

Reply, properties and buttons are one form: what was typed for one of them travels with the others. It carries the
`version` that its writer had in front of them, the last thing they had `seen`, what each property `was`, and a `key`
for sending it once. The button says what is done. What is refused, or waits for another button, is shown again with
every word still in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request, url_for

from blueprints import http
from blueprints.staff import forms, timeline
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import ALL_OPEN, desk, pages, refused, show
from helpdesk import comments, events, policy, tasks, tickets
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.policy import Actor
from helpdesk.schemas import ID_MAX, CreateCommentShape, EditTicketShape
from models import Audience, Channel, Status

ONE = f"/tickets/{http.ID.format('ticket_id')}"
SHOWN_AT_ONCE = 100
PEOPLE_AT_FIRST, PEOPLE_AT_MOST = 4, 100
TASKS_AT_MOST = 20

# The properties, and how their texts become what the shape wants.
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
COMPOSER = ("audience", "text", "then")
# The buttons that set one property, by what they send as `do`. Every other one saves the properties.
BUTTONS: dict[str, Callable[[Actor], dict[str, Any]]] = {
    "assign": lambda actor: {"assignee_id": actor.id},
    "resolve": lambda actor: {"status": Status.RESOLVED},
    "reopen": lambda actor: {"status": Status.OPEN},
}
LOOK = "look"
"""What a button sends as `do` that only shows another part of the history."""


@dataclass(frozen=True)
class Sent:
    """What the form held: the message, the properties, and what each of these was when the form was made."""

    composer: Typed
    properties: Typed
    was: Typed

    @property
    def says(self) -> bool:
        """Whether there is a message in it."""
        return bool(first(self.composer, "text"))

    @property
    def is_note(self) -> bool:
        return first(self.composer, "audience") == Audience.INTERNAL

    @property
    def changed(self) -> list[str]:
        """The properties that its writer changed."""
        return [name for name, typed in self.properties.items() if not forms.same(typed, self.was[name])]

    @property
    def wish(self) -> dict[str, Any]:
        return {name: PROPERTIES[name](self.properties, name) for name in self.changed}

    def shown(self, name: str, now: list[str]) -> list[str]:
        """A property as its field shows it: as typed where it was changed, else as it is now.

        Of tags each is one: who added some and took others away did not mean those that somebody else added meanwhile.
        """
        typed, was = self.properties[name], self.was[name]
        if forms.same(typed, was):
            return now
        if name != "tags":
            return typed
        return [tag for tag in now if tag in typed or tag not in was] + [
            tag for tag in typed if tag not in was and tag not in now
        ]

    def is_contested(self, name: str, now: list[str]) -> bool:
        """Whether its writer and somebody else changed a property, and not to the same."""
        typed, was = self.properties[name], self.was[name]
        return not (forms.same(typed, was) or forms.same(now, was) or forms.same(now, typed))


def _sent() -> Sent:
    was = {name: request.form.getlist(f"was_{name}") for name in PROPERTIES}
    return Sent(forms.typed(COMPOSER), forms.typed(PROPERTIES), was)


def number_before(text: str) -> int | None:
    """The event before which the history is shown; whatever is no number of one shows its end."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(ID_MAX)) else None


@pages.get(ONE)
def ticket(ticket_id: int) -> Response:
    return _page(desk(), ticket_id)


@pages.get(f"{ONE}/comments")
def form_address(ticket_id: int) -> Any:
    """Where a form is sent to is no page: whoever opens it, or reloads it by its address, means the ticket."""
    return redirect(url_for("staff.ticket", ticket_id=ticket_id))


@pages.post(f"{ONE}/comments")
def comment(ticket_id: int) -> Response:
    """A reply or a note, and the status that goes with it, in one deed."""
    actor, sent = desk(), _sent()
    asked = "note" if sent.is_note else "reply"
    then: dict[str, Any] = {}
    try:
        wish, then = _said(sent.composer)
        http.begin_form(actor)
        taken = policy.take_ticket(actor, ticket_id)
        http.expect_form_version(taken.version)
        deed = events.new_deed()
        said = comments.add(
            actor, taken, wish["text"], audience=wish["audience"], channel=Channel.WEB, deed_id=deed
        )  # fmt: skip
        tickets.edit(actor, taken, then, deed_id=deed)
        answer = http.look(f"{url_for('staff.ticket', ticket_id=ticket_id)}#c{said.id}")
    except http.Replay as replay:
        answer = http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, ticket_id, sent, asked=asked, error=error)
    return _page(actor, ticket_id, sent, asked=asked, done=True) if _is_left(sent, then) else answer


@pages.post(ONE)
def edit(ticket_id: int) -> Response:
    """The properties, or what one of the buttons sets. Only what somebody changed is changed."""
    actor, sent, asked = desk(), _sent(), request.form.get("do", "save")
    if asked == LOOK:
        return _look(actor, ticket_id, sent)
    wish: dict[str, Any] = {}
    try:
        wish = BUTTONS[asked](actor) if asked in BUTTONS else http.load(EditTicketShape(), sent.wish)
        http.begin_form(actor)
        taken = policy.take_ticket(actor, ticket_id)
        http.expect_form_version(taken.version)
        tickets.edit(actor, taken, wish)
        answer = http.look(url_for("staff.ticket", ticket_id=ticket_id))
    except http.Replay as replay:
        answer = http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, ticket_id, sent, asked=asked, error=error)
    left = sent.says or (asked in BUTTONS and _is_left(sent, wish))
    return _page(actor, ticket_id, sent, asked=asked, done=True) if left else answer


def _said(composer: Typed) -> tuple[dict[str, Any], dict[str, Any]]:
    """The message, and the status that goes with it. Raises Invalid with what is wrong in either."""
    wrong: dict[str, Any] = {}
    loaded = []
    for shape, wish, names in (
        (CreateCommentShape(), {name: first(composer, name) for name in ("audience", "text")}, {}),
        (EditTicketShape(), forms.filled({"status": first(composer, "then")}), {"status": "then"}),
    ):
        try:
            loaded.append(http.load(shape, wish))
        except Invalid as error:
            wrong |= {names.get(name, name): messages for name, messages in error.errors.items()}
    if wrong:
        raise Invalid(wrong)
    return loaded[0], loaded[1]


def _is_left(sent: Sent, done: Mapping[str, Any]) -> bool:
    """Whether properties were changed that what was done did not set."""
    return any(name not in done or value != done[name] for name, value in sent.wish.items())


def _look(actor: Actor, ticket_id: int, sent: Sent) -> Response:
    """Another part of the history. Where nothing was typed it has an address that can be reloaded and passed on."""
    if sent.says or sent.changed:
        return _page(actor, ticket_id, sent, asked=LOOK)
    before = number_before(request.args.get("before", ""))
    return http.look(url_for("staff.ticket", ticket_id=ticket_id, before=before))


# --- the page ---------------------------------------------------------------------------------------------------------


def _page(
    actor: Actor,
    ticket_id: int,
    sent: Sent | None = None,
    *,
    asked: str | None = None,
    error: HelpdeskError | None = None,
    done: bool = False,
) -> Response:
    """The ticket, with what was sent and is not done yet as it was typed."""
    if error:
        refused(error)
    shown = tickets.show_one(actor, ticket_id)
    before = number_before(request.args.get("before", ""))
    rows, has_earlier = _history(actor, ticket_id, before)
    history = timeline.items(rows, shown)
    affected, _ = tickets.affected(ticket_id, limit=PEOPLE_AT_MOST, cursor=None)
    linked, more_tasks = tasks.listing(
        actor, {"ticket_id": ticket_id}, sort="due_at", limit=TASKS_AT_MOST, cursor=None
    )  # fmt: skip
    now = _typed(shown)
    kept = sent if sent and not (done and asked == "save") else Sent({}, now, now)
    is_overtaken = sent is not None and not done and request.form.get("version") != str(shown["version"])
    return show(
        actor,
        "ticket.html",
        status=error.status if error else 200,
        back=ALL_OPEN,
        ticket=shown,
        history=history,
        before=before,
        earlier=rows[0].id if has_earlier else None,
        seen=rows[-1].id if rows and before is None else request.form.get("seen", 0, type=int),
        affected=affected[:PEOPLE_AT_FIRST],
        more_affected=affected[PEOPLE_AT_FIRST:],
        tasks=linked,
        more_tasks=more_tasks is not None,
        composer=sent.composer if sent and not (done and asked in ("reply", "note")) else {},
        proposed=Audience.AFFECTED if shown["affected_count"] > 1 else Audience.REPORTER,
        values={name: {"now": value, "shown": kept.shown(name, value)} for name, value in now.items()},
        marks=[name for name, value in now.items() if is_overtaken and kept.is_contested(name, value)],
        problems=forms.problems(error, {**sent.composer, **sent.properties} if sent else {}),
        error=error,
        asked=asked,
        done=done,
        unsaved=[forms.LABELS[name] for name in kept.changed if not forms.same(kept.properties[name], now[name])],
        is_overtaken=is_overtaken,
        meanwhile=_meanwhile(history) if is_overtaken else [],
    )


def _history(actor: Actor, ticket_id: int, before: int | None) -> tuple[list[Any], bool]:
    """Rows of the history, and whether there are earlier ones. Goes on where all of them are of deleted comments."""
    limit = SHOWN_AT_ONCE
    rows, has_earlier = comments.latest(actor, ticket_id, before=before, limit=limit)
    while has_earlier and not rows:
        limit *= 2
        rows, has_earlier = comments.latest(actor, ticket_id, before=before, limit=limit)
    return rows, has_earlier


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


def _meanwhile(history: list[timeline.Item]) -> list[timeline.Item]:
    """What happened after the last thing that the form's writer had seen."""
    seen = request.form.get("seen", type=int)
    return [item for item in history if item.id > seen] if seen else []
