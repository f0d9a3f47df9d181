"""Saving a list as a view, and changing or deleting one."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from blueprints import http
from blueprints.staff import asked as lists
from blueprints.staff import forms
from blueprints.staff.asked import SORTS, Asked
from blueprints.staff.forms import Typed, first
from blueprints.staff.shell import LIST, around, desk, pages, refused, show
from blueprints.words import gettext
from helpdesk import views
from helpdesk.errors import Forbidden, HelpdeskError
from helpdesk.policy import Actor
from helpdesk.schemas import COLUMNS, CreateViewShape, EditViewShape

ONE = f"/views/{http.ID.format('view_id')}"
FIELDS = ("name", "is_shared", "columns", "refilter")
SHOWN = list(COLUMNS[:6])
"""The columns where nobody chose others: chosen, they are no choice."""


@pages.get("/views/new")
def new_view() -> Response:
    return _page(desk(), lists.read_list(request.args.get(LIST, "")), {"columns": SHOWN})


@pages.post("/views/new")
def create_view() -> Response:
    """Save the list that the form carries, and lead to it."""
    actor, asked, typed = desk(), lists.read_list(request.form.get(LIST, "")), forms.typed(FIELDS)
    try:
        wish = http.load(CreateViewShape(), _wish(typed))
        http.begin_form(actor)
        view = views.create(actor, {**wish, "filters": asked.filters, "sort": asked.sort})
        return http.look(asked.address(view=view.id))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, asked, typed, error=error)


@pages.get(ONE)
def view(view_id: int) -> Response:
    actor = desk()
    shown = views.show_one(actor, view_id)
    typed = {"name": [shown["name"]], "columns": shown["columns"] or SHOWN, "refilter": ["on"]}
    typed["is_shared"] = ["on"] if shown["is_shared"] else []
    return _page(actor, lists.read_list(request.args.get(LIST, "")), typed, shown=shown)


@pages.post(ONE)
def edit_view(view_id: int) -> Response:
    """Change its name, columns and who has it, and its filters where the list it was opened from has others."""
    actor, asked, typed = desk(), lists.read_list(request.form.get(LIST, "")), forms.typed(FIELDS)
    try:
        wish = http.load(EditViewShape(), _wish(typed))
        http.begin_form(actor)
        taken = views.take(actor, view_id)
        http.expect_form_version(taken.version)
        if request.form.get("do") == "delete":
            views.destroy(actor, taken)
            return http.look(url_for("staff.queue"))
        if typed["refilter"]:
            wish |= {"filters": asked.filters, "sort": asked.sort}
        views.edit(actor, taken, wish)
        return http.look(asked.address(view=view_id) if typed["refilter"] else _address(actor, view_id))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        refused(error)
        return _page(actor, asked, typed, error=error, shown=views.show_one(actor, view_id))


def _wish(typed: Typed) -> dict[str, Any]:
    columns = [name for name in COLUMNS if name in typed["columns"]]
    unknown = [name for name in typed["columns"] if name not in COLUMNS]
    return {
        "name": first(typed, "name"),
        "is_shared": bool(typed["is_shared"]),
        "columns": [] if columns == SHOWN and not unknown else [*columns, *unknown],
    }


def _address(actor: Actor, view_id: int) -> str:
    found = next((one for one in around(actor).saved if one.saved and one.saved.id == view_id), None)
    return found.address if found else url_for("staff.queue")


def _page(
    actor: Actor,
    asked: Asked,
    typed: Typed,
    *,
    error: HelpdeskError | None = None,
    shown: dict[str, Any] | None = None,
) -> Response:
    if error:
        refused(error)
    if shown and not views.is_theirs(actor, shown["owner"]["id"]):
        raise error or Forbidden(gettext("Only its owner and admins change a view."))
    stands = around(actor)
    saved = next((one for one in stands.saved if shown and one.saved and one.saved.id == shown["id"]), None)
    return show(
        actor,
        "view.html",
        status=error.status if error else 200,
        stands=stands,
        view=saved,
        asked=asked,
        said=lists.said(asked, stands),
        says_status="status" in asked.args,
        sort=SORTS[asked.sort],
        has_list=shown is None or LIST in request.values,
        is_another=saved is not None and LIST in request.values and asked.is_narrowed(saved),
        shown=shown,
        typed=typed,
        columns=COLUMNS,
        problems=forms.problems(error, typed),
        error=error,
    )
