"""One ticket: its conversation and history, and the form that changes it.

Reply, properties and buttons are one form: what was typed for one of them travels with the others. It carries the
`version` that its writer had in front of them, the last thing they had `seen`, what each property `was`, and a `key`
for sending it once. The button says what is done. What is refused, or waits for another button, is shown again with
every word still in it, and every photo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Response, redirect, request, url_for

from blueprints import http
from blueprints.staff import forms, timeline
from blueprints.staff.asked import read_in
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import desk, keep_photos, pages, refused, show, unkept
from blueprints.words import ngettext
from helpdesk import aside, comments, drafts, images, merging, policy, sla, tasks, tickets
from helpdesk.errors import HelpdeskError, Invalid, NotFound, Stale
from helpdesk.policy import Action, Actor
from helpdesk.schemas import ID_MAX, CreateCommentShape, EditTicketShape
from models import Audience, Channel, Status, Ticket, now

ONE = f"/tickets/{http.ID.format('ticket_id')}"
SHOWN_AT_ONCE = 100
PEOPLE_AT_FIRST = 4
TASKS_AT_MOST = 20

# The properties, and how their texts become what the shape wants.
PROPERTIES: dict[str, Callable[[Typed, str], Any]] = {
    "status": first,
    "priority": first,
    "assignee_id": lambda typed, name: number(first(typed, name)),
    "team_id": lambda typed, name: number(first(typed, name)),
    "handoff_reason": first,
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
ADD_TASK = "add_task"
"""What is asked for by the button beside the field of a new task."""
LOOK = "look"
"""What a button sends as `do` that only shows another part of the history."""
DELETE = "delete"
"""What a photo's button is called. It sends the photo's number: one of the ticket's, or one that was not sent yet."""


@dataclass(frozen=True)
class Sent:
    """What the form held: the message, the properties, and what each of these was when the form was made."""

    composer: Typed
    properties: Typed
    was: Typed
    person: str = ""
    """Whom somebody was about to add to those affected."""

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


def sent_form() -> Sent:
    was = {name: request.form.getlist(f"was_{name}") for name in PROPERTIES}
    return Sent(forms.typed(COMPOSER), forms.typed(PROPERTIES), was, request.form.get("person", "").strip())


def number_before(text: str) -> int | None:
    """The event before which the history is shown; whatever is no number of one shows its end."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(ID_MAX)) else None


@pages.get(ONE)
def ticket(ticket_id: int) -> Response:
    return page(desk(), ticket_id)


@pages.get(f"{ONE}/comments")
@pages.get(f"{ONE}/compose")
@pages.get(f"{ONE}/people")
@pages.get(f"{ONE}/undo")
def form_address(ticket_id: int) -> Any:
    """Where a form is sent to is no page: whoever opens it, or reloads it by its address, means the ticket."""
    return redirect(url_for("staff.ticket", ticket_id=ticket_id))


@pages.post(f"{ONE}/comments")
def comment(ticket_id: int) -> Response:
    """A reply or a note, and the status that goes with it, in one deed."""
    actor, photos, sent = desk(), http.photos(), sent_form()
    asked = "note" if sent.is_note else "reply"
    then: dict[str, Any] = {}
    try:
        wish, then = _said(sent.composer, photos)
        http.begin_form(actor)
        taken = policy.take_ticket(actor, ticket_id)
        http.expect_form_version(taken.version)
        _expect_read(actor, ticket_id)
        said = comments.send(
            actor, taken, wish["text"], audience=wish["audience"], channel=Channel.WEB, then=then,
            photos=photos.add(partial(images.add, actor), partial(images.untied, actor)),
        )  # fmt: skip
        sent_id = None if sent.is_note else said.id
        address = url_for("staff.ticket", ticket_id=ticket_id, sent=sent_id)
        answer = http.look(f"{address}#c{said.id}")
    except http.Replay as replay:
        answer = http.seen_before(replay)
    except forms.REFUSALS as error:
        return page(actor, ticket_id, sent, photos, asked=asked, error=error)
    left = sent.person or _is_left(sent, then)
    return page(actor, ticket_id, sent, asked=asked, done=True, just_sent=_sent_id(answer)) if left else answer


@pages.post(ONE)
def edit(ticket_id: int) -> Response:
    """The properties, or what one of the buttons sets. Only what somebody changed is changed."""
    actor, photos, sent = desk(), http.photos(), sent_form()
    asked = DELETE if DELETE in request.form else request.form.get("do", "save")
    if asked == LOOK:
        return _look(actor, ticket_id, sent, photos)
    if asked == DELETE:
        return _delete_photo(actor, ticket_id, sent, photos)
    wish: dict[str, Any] = {}
    try:
        wish = BUTTONS[asked](actor) if asked in BUTTONS else http.load(EditTicketShape(), sent.wish)
        http.begin_form(actor)
        taken = policy.take_ticket(actor, ticket_id)
        if asked in BUTTONS or _collides(actor, taken, sent):
            http.expect_form_version(taken.version)
        tickets.edit(actor, taken, wish)
        answer = http.look(url_for("staff.ticket", ticket_id=ticket_id))
    except http.Replay as replay:
        answer = http.seen_before(replay)
    except forms.REFUSALS as error:
        return page(actor, ticket_id, sent, photos, asked=asked, error=error)
    left = sent.says or sent.person or photos or typed_task() or (asked in BUTTONS and _is_left(sent, wish))
    return page(actor, ticket_id, sent, photos, asked=asked, done=True) if left else answer


def _expect_read(actor: Actor, ticket_id: int) -> None:
    """Nobody answers what a colleague has just answered without having seen it. Raises Stale."""
    seen = request.form.get("seen", type=int)
    if seen and comments.is_answered_since(ticket_id, seen, besides=actor.id):
        raise Stale


def _collides(actor: Actor, taken: Ticket, sent: Sent) -> bool:
    """Whether somebody else set a property that this form changes, since it was made. Others do not matter."""
    if "version" not in request.form:
        return True
    if request.form["version"] == str(taken.version):
        return False
    now_typed = _typed(tickets.show(actor, [policy.get_ticket(actor, taken.id)])[0])
    return any(sent.is_contested(name, value) for name, value in now_typed.items())


def _delete_photo(actor: Actor, ticket_id: int, sent: Sent, photos: http.Photos) -> Response:
    """Take a photo from the ticket, or out of what was not sent yet. One that is gone already is no error."""
    gone = number(request.form[DELETE])
    try:
        http.begin_form(actor)
        with suppress(NotFound):
            if isinstance(gone, int) and policy.get_image(actor, gone).ticket_id in (None, ticket_id):
                images.destroy(actor, gone)
        answer = http.look(url_for("staff.ticket", ticket_id=ticket_id))
    except http.Replay as replay:
        answer = http.seen_before(replay)
    except forms.REFUSALS as error:
        return page(actor, ticket_id, sent, photos, asked=DELETE, error=error)
    left = sent.says or sent.person or sent.changed or photos or typed_task()
    return page(actor, ticket_id, sent, photos, asked=DELETE, done=True) if left else answer


def _sent_id(answer: Response) -> int | None:
    """Which reply an answer leads to: of a form that was sent twice too."""
    found = re.search(r"[?&]sent=([0-9]+)", answer.headers["Location"])
    return int(found[1]) if found else None


def _said(composer: Typed, photos: http.Photos) -> tuple[dict[str, Any], dict[str, Any]]:
    """The message, and the status that goes with it. Raises Invalid with what is wrong in either, or with a photo."""
    wrong: dict[str, Any] = {http.FIELD: [photos.wrong]} if photos.wrong else {}
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
    """Whether properties were changed that what was done did not set, or a task was typed and not added."""
    return bool(typed_task()) or any(name not in done or value != done[name] for name, value in sent.wish.items())


def typed_task() -> str:
    """What was typed as a new task."""
    return request.form.get("task", "").strip()


def _look(actor: Actor, ticket_id: int, sent: Sent, photos: http.Photos) -> Response:
    """Another part of the history. Where nothing was typed it has an address that can be reloaded and passed on."""
    if sent.says or sent.person or sent.changed or photos or typed_task():
        return page(actor, ticket_id, sent, photos, asked=LOOK)
    before = number_before(request.args.get("before", ""))
    return http.look(url_for("staff.ticket", ticket_id=ticket_id, before=before))


# --- the page ---------------------------------------------------------------------------------------------------------


def page(
    actor: Actor,
    ticket_id: int,
    sent: Sent | None = None,
    photos: http.Photos | None = None,
    *,
    asked: str | None = None,
    error: HelpdeskError | None = None,
    done: bool = False,
    just_sent: int | None = None,
    undone: comments.Undone | None = None,
) -> Response:
    """The ticket, with what was sent and is not done yet as it was typed, or with the draft."""
    if error:
        refused(error)
    keep_photos(actor, photos)
    row = policy.get_ticket(actor, ticket_id)
    shown = tickets.show(actor, [row], tags={})[0]
    before = number_before(request.args.get("before", ""))
    rows, has_earlier = _history(actor, ticket_id, before)
    history = timeline.items(rows, shown)
    around = aside.around(actor, shown)
    shown["tags"] = around.tags
    composer, numbers = _composer(sent, photos, around.draft, is_done=done and asked in ("reply", "note", "draft"))
    pictures = images.beside(actor, ticket_id, timeline.comment_ids(history), numbers)
    linked, more_tasks = tasks.listing(
        actor, {"ticket_id": ticket_id}, sort="due_at", limit=TASKS_AT_MOST, cursor=None
    )  # fmt: skip
    as_now = _typed(shown)
    kept = sent if sent and not (done and asked == "save") else Sent({}, as_now, as_now)
    is_stale = isinstance(error, Stale)
    is_overtaken = is_stale or (sent is not None and not done and request.form.get("version") != str(shown["version"]))
    return show(
        actor,
        "ticket.html",
        status=error.status if error else 200,
        **read_in(actor, row),
        ticket=shown,
        targets=sla.targets(row),
        history=history,
        photos=pictures,
        waiting=pictures.get(images.UNTIED, []),
        draft=around.draft,
        replies=around.replies,
        present=around.present,
        similar=around.similar,
        mails=around.mails,
        just_sent=_just_sent(actor, shown, rows, just_sent or request.args.get("sent", type=int)),
        undone=undone or _undone(ticket_id),
        typed_person=sent.person if sent and not (done and asked == "add") else "",
        before=before,
        earlier=rows[0].id if has_earlier else None,
        seen=rows[-1].id if rows and before is None else request.form.get("seen", 0, type=int),
        affected=around.affected[:PEOPLE_AT_FIRST],
        more_affected=around.affected[PEOPLE_AT_FIRST:],
        tasks=linked,
        more_tasks=more_tasks is not None,
        typed_task="" if done and asked == ADD_TASK else request.form.get("task", ""),
        merged=merging.of_ticket(actor, ticket_id) if _may_be_merged(shown, rows, has_earlier) else merging.Merged(),
        can_delete=policy.can(actor, Action.TICKET_DELETE),
        composer=composer,
        proposed=Audience.AFFECTED if shown["affected_count"] > 1 else Audience.REPORTER,
        values={name: {"now": value, "shown": kept.shown(name, value)} for name, value in as_now.items()},
        marks=[name for name, value in as_now.items() if is_overtaken and kept.is_contested(name, value)],
        problems=forms.problems(error or unkept(photos), {**sent.composer, **sent.properties} if sent else {}),
        error=error,
        asked=asked,
        done=done,
        saved=bool(sent and sent.changed),
        unsaved=[forms.LABELS[name] for name in kept.changed if not forms.same(kept.properties[name], as_now[name])],
        is_overtaken=is_overtaken,
        meanwhile=_meanwhile(history) if is_overtaken else [],
    )


def _composer(
    sent: Sent | None, photos: http.Photos | None, draft: drafts.Kept | None, *, is_done: bool
) -> tuple[Typed, list[int]]:
    """What the composer holds: what was sent and is not done with, else the draft; and the numbers of its uploads."""
    if sent is not None and not is_done:
        return sent.composer, photos.ids if photos else []
    return (drafted(draft), draft.images) if draft else ({}, [])


def _undone(ticket_id: int) -> comments.Undone | None:
    """That a reply was taken back, as the address says to which its form led."""
    said = request.args.get("undone")
    return comments.Undone(ticket_id, said == "1") if said in ("0", "1") else None


def drafted(draft: drafts.Kept) -> Typed:
    """What the composer holds of a draft."""
    return {"text": [draft.text], "audience": [draft.audience or ""], "then": [draft.then or ""]}


def _just_sent(actor: Actor, shown: dict[str, Any], rows: list[Any], number: int | None) -> dict[str, Any] | None:
    """The reply that was sent a moment ago, whom it goes to, and until when it can be taken back."""
    row = next((row for row in rows if row.field == "comment" and number == row.comment_id), None)
    if row is None or row.to_value != "added" or row.comment_author_id != actor.id or shown["held"]:
        return None
    until = row.comment_created_at + timedelta(seconds=comments.UNDO_SECONDS)
    if row.comment_audience == Audience.INTERNAL or now() >= until:
        return None
    to_all = row.comment_audience == Audience.AFFECTED
    people = ngettext("%(num)s person", "%(num)s people", shown["affected_count"])
    return {"id": number, "to": people if to_all else shown["reporter"]["name"], "until": until}


def _may_be_merged(shown: Mapping[str, Any], rows: list[Any], has_earlier: bool) -> bool:
    """Whether it is worth asking: what went into it stands in its history."""
    return bool(shown["merged_into"]) or has_earlier or any(row.field == "merged" for row in rows)


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
        "handoff_reason": [""],
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


# --- for what else its buttons do -------------------------------------------------------------------------------------


def beside(actor: Actor, ticket_id: int, asked: str, deed: Callable[[], str]) -> Response:
    """Do what a button of this page asks of another module, and come back to the page with all that was typed.

    `deed` does it, and says where to go on where nothing was typed.
    """
    photos, sent = http.photos(), sent_form()
    try:
        http.begin_form(actor)
        answer = http.look(deed())
    except http.Replay as replay:
        answer = http.seen_before(replay)
    except forms.REFUSALS as error:
        return page(actor, ticket_id, sent, photos, asked=asked, error=error)
    left = sent.says or sent.person or sent.changed or photos or (asked != ADD_TASK and typed_task())
    return page(actor, ticket_id, sent, photos, asked=asked, done=True) if left else answer
