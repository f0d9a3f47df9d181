"""Categories on two levels: which team has them, who may join, what is confidential, and what is in them."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from blueprints import http
from blueprints.staff import deeds, forms
from blueprints.staff.forms import Typed
from blueprints.staff.shell import pages
from helpdesk import categories, vocabulary
from helpdesk.errors import HelpdeskError
from helpdesk.policy import Action, Actor
from helpdesk.schemas import CreateCategoryShape, EditCategoryShape
from models import Category, Ticket, db

ONE = f"/admin/categories/{http.ID.format('category_id')}"
NUMBERS = ("parent_id", "team_id")
FLAGS = ("is_joinable", "is_confidential", "is_archived")
FIELDS = ("name", "slug", *NUMBERS, *FLAGS)
NEW: Typed = {"is_joinable": ["on"]}


@pages.get("/admin/categories")
def categories_page() -> Response:
    return _list(deeds.who_may(Action.CATEGORY_WRITE), NEW)


@pages.post("/admin/categories")
def new_category() -> Any:
    actor, typed = deeds.who_may(Action.CATEGORY_WRITE), forms.typed(FIELDS)

    def deed(wish: dict[str, Any]) -> str:
        categories.create_category(actor, wish)
        return url_for("staff.categories_page", done="added")

    return deeds.done(
        actor, lambda: deeds.wish_of(CreateCategoryShape(), typed, numbers=NUMBERS, flags=FLAGS), deed,
        lambda error: _list(actor, typed, error),
    )  # fmt: skip


@pages.get(ONE)
def category_page(category_id: int) -> Response:
    return _one(deeds.who_may(Action.CATEGORY_WRITE), category_id)


@pages.post(ONE)
def edit_category(category_id: int) -> Any:
    """Change it, or delete one that was never used. What changes who sees tickets is asked about first."""
    actor, typed = deeds.who_may(Action.CATEGORY_WRITE), forms.typed(FIELDS)
    deletes = deeds.asks("delete")

    def deed(wish: dict[str, Any]) -> str:
        row = categories.take_category(actor, category_id)
        http.expect_form_version(row.version)
        if deletes:
            categories.destroy_category(actor, row)
        else:
            categories.edit_category(actor, row, wish)
        return url_for("staff.categories_page", done="deleted" if deletes else "saved")

    if not deletes and not deeds.asks("confirmed") and (asked := _asked(actor, category_id, typed)):
        return _one(actor, category_id, typed, asked=asked)
    return deeds.done(
        actor,
        lambda: {} if deletes else deeds.wish_of(EditCategoryShape(), typed, numbers=NUMBERS, flags=FLAGS),
        deed,
        lambda error: _one(actor, category_id, typed, error),
    )


def _asked(actor: Actor, category_id: int, typed: Typed) -> dict[str, Any]:
    """What the change would do to the tickets that are there, where somebody should know it first."""
    now = categories.category(category_id)
    found: dict[str, Any] = {}
    if now["is_joinable"] and not typed["is_joinable"]:
        joined, people = categories.who_joined(category_id)
        if joined:
            found |= {"joined": joined, "people": people}
    if bool(typed["is_confidential"]) != now["is_confidential"]:
        number = categories.tickets_in(Ticket.category_id, category_id).get(category_id, 0)
        if number:
            found |= {"confidential": bool(typed["is_confidential"]), "stay": number}
    db.session.rollback()
    return found


def _list(actor: Actor, typed: Typed, error: HelpdeskError | None = None) -> Response:
    with_archived = request.args.get("archived") == "1"
    found = categories.categories(archived=with_archived)
    tops = [one for one in found if one["parent_id"] is None]
    rows = [row for top in tops for row in (top, *(one for one in found if one["parent_id"] == top["id"]))]
    shown = {row["id"] for row in rows}
    rows += [one for one in found if one["id"] not in shown]  # below one that is archived
    totals = categories.tickets_in(Ticket.category_id)
    own = dict(totals)
    for one in found:  # the queue shows one with its children too
        if one["parent_id"] is not None:
            totals[one["parent_id"]] = totals.get(one["parent_id"], 0) + own.get(one["id"], 0)
    return deeds.page(
        actor, "categories.html", typed, error, found=rows, tops=tops, with_archived=with_archived, totals=totals
    )  # fmt: skip


def _one(
    actor: Actor,
    category_id: int,
    typed: Typed | None = None,
    error: HelpdeskError | None = None,
    asked: dict[str, Any] | None = None,
) -> Response:
    """With what was typed, where it was refused or is asked about."""
    category = categories.category(category_id)
    now: Typed = {
        "name": [category["name"]], "slug": [category["slug"]],
        "parent_id": [str(category["parent_id"] or "")],
        "team_id": [str(category["team"]["id"]) if category["team"] else ""],
        **{name: ["on"] if category[name] else [] for name in FLAGS},
    }  # fmt: skip
    found = categories.categories(archived=True)
    return deeds.page(
        actor, "category.html", typed or now, error, category=category, asked=asked or {},
        tops=[one for one in found if one["parent_id"] is None and one["id"] != category_id],
        children=[one for one in found if one["parent_id"] == category_id],
        number=categories.tickets_in(Ticket.category_id, category_id).get(category_id, 0),
        views=vocabulary.views_that_name(Category, category["slug"]),
        kept_by=vocabulary.kept_by("category_ids", category_id),
    )  # fmt: skip
