"""The queue: one list, whose address holds its filters, its order and its place; and what is done with many of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from flask import Response, current_app, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from blueprints import http
from blueprints.staff import asked as lists
from blueprints.staff import forms
from blueprints.staff.asked import SORTS, Asked
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import ALL_OPEN, LIST, around, counts, desk, pages, refused, show
from blueprints.words import gettext
from helpdesk import bulk, tickets
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.policy import Actor
from helpdesk.schemas import COLUMNS, EditManyShape
from models import now

OFFERED = list(SORTS)[:6]
"""The menu has these, and what the list is sorted by: the head of a column and an address may say any."""
SHOWN = COLUMNS[:6]
"""The columns where nobody chose others."""
MANY = ("assignee_id", "status", "priority", "category", "tag")
"""What can be set for many tickets at once."""


@dataclass(frozen=True)
class Sent:
    """What the form of the selection held."""

    ids: list[Any] = field(default_factory=list)
    typed: Typed = field(default_factory=dict)


@pages.get("/")
def queue() -> Any:
    """What the filter form sends is led to the address that says it shortest: that one is passed on and kept."""
    actor = desk()
    try:
        asked = lists.read(request.args)
        if any(value == "" for _, value in request.args.items(multi=True)):
            return redirect(asked.address())
        return _list(actor, asked)
    except Invalid as error:
        return _list(actor, lists.read(MultiDict()), unreadable=sorted(error.errors))


def _is_part() -> bool:
    """Whether a script asks for the rows alone."""
    return request.args.get("part") == "rows" or request.headers.get("HX-Request") == "true"


def _list(
    actor: Actor,
    asked: Asked,
    *,
    unreadable: list[str] | None = None,
    sent: Sent | None = None,
    error: HelpdeskError | None = None,
    told: dict[str, Any] | None = None,
) -> Response:
    """The list, with what was sent for many of it and is not done as it was chosen."""
    if error:
        refused(error)
    stands = around(actor)
    page = {name: asked.query[name] for name in ("sort", "limit", "cursor")}
    found, next_cursor = tickets.listing(actor, asked.filters, **page)
    done = None if sent else number(request.args.get("done", ""))
    numbers, others = counts(actor, stands, bulk.found(done) if isinstance(done, int) else None)
    if isinstance(done, int) and others["bulk_changes"]:
        told = bulk.told(done, *(others[f"bulk_{name}"] for name in ("changes", "created_at", "undone_at")))
    view = asked.view(stands)
    is_narrowed = asked.is_narrowed(view)
    if view is not None and not is_narrowed and view.name in numbers:
        total = numbers[view.name]
    else:
        total = tickets.count(actor, asked.filters)["total"]
    context: dict[str, Any] = {
        "view": view,
        "asked": asked,
        "is_narrowed": is_narrowed,
        "tickets": found,
        "columns": [one for one in COLUMNS if one in ((view.saved.columns if view and view.saved else ()) or SHOWN)],
        "total": total,
        "next": asked.address(cursor=next_cursor) if next_cursor else None,
        "sorts": {sort: label for sort, label in SORTS.items() if sort in OFFERED or sort == asked.sort},
        "desk_is_new": not found and not _has_any(actor),
        "all_open": ALL_OPEN,
        "others": {name: lists.WORDS[name] for name in lists.OTHERS},
        "checked": sent.ids if sent else [one["id"] for one in told["refused"]] if told else [],
    }
    if _is_part() and not sent and not unreadable:
        return _part(actor, {**context, "stands": stands, "counts": numbers})
    return show(
        actor,
        "queue.html",
        status=error.status if error else 422 if unreadable else 409 if sent else 200,
        stands=stands,
        numbers=numbers,
        unreadable=unreadable,
        typed=sent.typed if sent else {},
        problems=forms.problems(error, sent.typed if sent else {}),
        error=error,
        told=told,
        was_undone=others.get("bulk_undone_at") is not None,
        can_undo=bool(told and told["undo_until"] and told["undo_until"] > now()),
        **context,
    )


def _part(actor: Actor, context: dict[str, Any]) -> Response:
    """The rows and the numbers, under a name that stays the same while nothing that they say changes."""
    rows = render_template("staff/_part.html", me=actor, **context)
    response = current_app.response_class(rows)
    response.headers["ETag"] = f'"{hashlib.blake2b(rows.encode(), digest_size=9).hexdigest()}"'
    response.vary.add("HX-Request")
    response.make_conditional(request)
    return response


def _has_any(actor: Actor) -> bool:
    return bool(tickets.count(actor, {})["total"]["count"])


# --- many at once -----------------------------------------------------------------------------------------------------


@pages.get("/bulk")
@pages.get(f"/bulk/{http.ID.format('bulk_edit_id')}/undo")
def form_address_of_many(bulk_edit_id: int = 0) -> Any:
    """Where these forms are sent to is no page."""
    return redirect(url_for("staff.queue"))


@pages.post("/bulk")
def edit_many() -> Any:
    """Change what was selected, and show the list again: what was changed, what was not and why, and the way back."""
    actor, asked, sent = desk(), lists.read_list(request.form.get(LIST, "")), _sent()
    if request.form.get("do") == "merge" and "staff.merge" in current_app.view_functions:
        return redirect(url_for("staff.merge", ids=sent.ids), 303)
    try:
        wish = _wish(actor, sent)
        http.begin_form(actor)
        done = bulk.edit(actor, wish["ids"], wish["changes"])
        told = bulk.result(done)
        if told["done"]:
            return http.look(asked.here(done=done.id))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _list(actor, asked, sent=sent, error=error)
    http.leave()
    return _list(actor, asked, sent=sent, told={**told, "undo_until": None})


def _sent() -> Sent:
    """The tickets that were selected: those on the page, where the box above them is ticked."""
    texts = request.form.getlist("ids")
    if "all" in request.form:
        texts += request.form.get("shown", "").split(",")
    return Sent([number(text) for text in dict.fromkeys(texts) if text], forms.typed(MANY))


def _wish(actor: Actor, sent: Sent) -> dict[str, Any]:
    """Raises Invalid."""
    chosen = {name: first(sent.typed, name) for name in MANY}
    changes: dict[str, Any] = {name: chosen[name] for name in ("status", "priority", "category") if chosen[name]}
    if chosen["assignee_id"]:
        someone = {"none": None, "me": actor.id}
        who = chosen["assignee_id"]
        changes["assignee_id"] = someone[who] if who in someone else number(who)
    if chosen["tag"]:
        changes["remove_tags" if chosen["tag"][0] == "-" else "add_tags"] = [chosen["tag"][1:]]
    if not sent.ids:
        raise Invalid({"ids": [gettext("Select tickets first")]})
    if not changes:
        raise Invalid({"changes": [gettext("Choose what to change")]})
    return http.load(EditManyShape(), {"ids": sent.ids, "changes": changes})


@pages.post(f"/bulk/{http.ID.format('bulk_edit_id')}/undo")
def undo_many(bulk_edit_id: int) -> Response:
    actor, asked = desk(), lists.read_list(request.form.get(LIST, ""))
    try:
        http.begin_form(actor)
        bulk.undo(actor, bulk_edit_id)
        return http.look(asked.here(done=bulk_edit_id))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _list(actor, asked, sent=Sent(), error=error)
