"""Saved views: lists of tickets under a name."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import views
from helpdesk.policy import Action, Actor
from helpdesk.schemas import CreateViewShape, EditViewShape, PageQuery, ViewShape, page_of

api = Doors("views", __name__, url_prefix="/api/views")
ONE = f"/{http.ID.format('view_id')}"


@api.call("GET", "", Action.VIEW_USE, query=PageQuery, out=page_of(ViewShape))
def listing(actor: Actor, query: dict[str, Any]) -> Answer:
    """List one's own views and those that somebody shares, by name."""
    return http.page(*views.listing(actor, **query))


@api.call("POST", "", Action.VIEW_USE, body=CreateViewShape, out=ViewShape, status=201, creates=True, raises=(409,))
def create(actor: Actor, body: dict[str, Any]) -> Answer:
    """Save a list under a name. 409 for a name that one has given already."""
    http.begin(actor)
    view = views.create(actor, body)
    return Answer(views.show_one(actor, view.id), headers={"Location": f"/api/views/{view.id}"})


@api.call("GET", ONE, Action.VIEW_USE, out=ViewShape)
def show(actor: Actor, view_id: int) -> dict[str, Any]:
    """Get a view, one's own or a shared one."""
    return views.show_one(actor, view_id)


@api.call("PUT", ONE, Action.VIEW_USE, body=EditViewShape, out=ViewShape, if_match=True, raises=(409,))
@api.call("PATCH", ONE, Action.VIEW_USE, body=EditViewShape, out=ViewShape, if_match=True, raises=(409,))
def edit(actor: Actor, view_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named of one's own view; admins change every shared one. `filters` are replaced as a whole."""
    http.begin(actor)
    view = views.take(actor, view_id)
    http.expect_version(view.version, lambda: views.show_one(actor, view_id))
    views.edit(actor, view, body)
    return views.show_one(actor, view_id)


@api.call("DELETE", ONE, Action.VIEW_USE, status=204, if_match=True)
def destroy(actor: Actor, view_id: int) -> None:
    """Delete one's own view; admins delete every shared one."""
    http.begin(actor)
    view = views.take(actor, view_id)
    http.expect_version(view.version, lambda: views.show_one(actor, view_id))
    views.destroy(actor, view)
