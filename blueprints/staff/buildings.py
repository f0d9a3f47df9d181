"""Buildings, and the labels that lead from a room to the report form."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, render_template, request, url_for

from blueprints import http
from blueprints.staff import deeds, forms
from blueprints.staff.forms import Typed
from blueprints.staff.shell import pages
from helpdesk import categories, labels, vocabulary
from helpdesk.errors import HelpdeskError
from helpdesk.policy import Action, Actor
from helpdesk.schemas import CreateBuildingShape, EditBuildingShape
from models import Building, Ticket

ONE = f"/admin/buildings/{http.ID.format('building_id')}"
FLAGS = ("is_archived",)
FIELDS = ("name", "slug", *FLAGS)


@pages.get("/admin/buildings")
def buildings_page() -> Response:
    return _list(deeds.who_may(Action.BUILDING_WRITE), {})


@pages.post("/admin/buildings")
def new_building() -> Any:
    actor, typed = deeds.who_may(Action.BUILDING_WRITE), forms.typed(FIELDS)

    def deed(wish: dict[str, Any]) -> str:
        categories.create_building(actor, wish)
        return url_for("staff.buildings_page", done="added")

    return deeds.done(
        actor, lambda: deeds.wish_of(CreateBuildingShape(), typed, flags=FLAGS), deed,
        lambda error: _list(actor, typed, error),
    )  # fmt: skip


@pages.get(ONE)
def building_page(building_id: int) -> Response:
    return _one(deeds.who_may(Action.BUILDING_WRITE), building_id)


@pages.post(ONE)
def edit_building(building_id: int) -> Any:
    """Change it, or delete one that was never used."""
    actor, typed = deeds.who_may(Action.BUILDING_WRITE), forms.typed(FIELDS)
    deletes = deeds.asks("delete")

    def deed(wish: dict[str, Any]) -> str:
        row = categories.take_building(actor, building_id)
        http.expect_form_version(row.version)
        if deletes:
            categories.destroy_building(actor, row)
        else:
            categories.edit_building(actor, row, wish)
        return url_for("staff.buildings_page", done="deleted" if deletes else "saved")

    return deeds.done(
        actor,
        lambda: {} if deletes else deeds.wish_of(EditBuildingShape(), typed, flags=FLAGS),
        deed,
        lambda error: _one(actor, building_id, typed, error),
    )


@pages.get(f"{ONE}/labels")
def labels_page(building_id: int) -> Response:
    """Labels on paper, for the rooms that were ticked or typed; with `whole` for the building as such."""
    deeds.who_may(Action.BUILDING_WRITE)
    building = categories.building(building_id)
    typed = [line.strip() for line in request.args.get("typed", "").splitlines()]
    rooms = [room for room in (*request.args.getlist("room"), *typed) if room]
    whole = [""] if request.args.get("whole") or not rooms else []
    page = render_template(
        "staff/labels.html", building=building, labels=labels.of(building["slug"], [*whole, *rooms]),
        is_cut=len({*whole, *rooms}) > labels.AT_MOST, at_most=labels.AT_MOST,
    )  # fmt: skip
    return current_app.response_class(page)


def _list(actor: Actor, typed: Typed, error: HelpdeskError | None = None) -> Response:
    with_archived = request.args.get("archived") == "1"
    return deeds.page(
        actor, "buildings.html", typed, error, found=categories.buildings(archived=with_archived),
        totals=categories.tickets_in(Ticket.building_id), with_archived=with_archived,
    )  # fmt: skip


def _one(actor: Actor, building_id: int, typed: Typed | None = None, error: HelpdeskError | None = None) -> Response:
    """With what was typed, where it was refused."""
    building = categories.building(building_id)
    now: Typed = {
        "name": [building["name"]], "slug": [building["slug"]],
        "is_archived": ["on"] if building["is_archived"] else [],
    }  # fmt: skip
    return deeds.page(
        actor, "building.html", typed or now, error, building=building, rooms=categories.rooms_of(building_id),
        number=categories.tickets_in(Ticket.building_id, building_id).get(building_id, 0),
        leads_to=labels.address(building["slug"]), most_labels=labels.AT_MOST,
        views=vocabulary.views_that_name(Building, building["slug"]),
    )  # fmt: skip
