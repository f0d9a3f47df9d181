"""The desk's vocabulary: categories, buildings, tags, teams."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import categories
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    ArchivedQuery,
    BuildingShape,
    CreateBuildingShape,
    CreateCategoryShape,
    CreateTagShape,
    CreateTeamShape,
    EditBuildingShape,
    EditCategoryShape,
    EditTeamShape,
    FullCategoryShape,
    NamedShape,
    TagShape,
    page_of,
)

api = Doors("categories", __name__, url_prefix="/api")
CATEGORY = f"/categories/{http.ID.format('category_id')}"
BUILDING = f"/buildings/{http.ID.format('building_id')}"
TAG = f"/tags/{http.ID.format('tag_id')}"
TEAM = f"/teams/{http.ID.format('team_id')}"


@api.call("GET", "/categories", None, query=ArchivedQuery, out=page_of(FullCategoryShape))
def list_categories(actor: Actor, query: dict[str, Any]) -> Answer:
    """List the categories, with how long things usually take."""
    return http.page(categories.categories(**query), None)


@api.call(
    "POST", "/categories", Action.CATEGORY_WRITE, body=CreateCategoryShape, out=FullCategoryShape, status=201,
    creates=True, raises=(409,),
)  # fmt: skip
def create_category(actor: Actor, body: dict[str, Any]) -> Answer:
    """Add a category, on one of two levels."""
    http.begin(actor)
    row = categories.create_category(actor, body)
    return Answer(categories.category(row.id), headers={"Location": f"/api/categories/{row.id}"})


@api.call("GET", CATEGORY, None, out=FullCategoryShape)
def show_category(actor: Actor, category_id: int) -> dict[str, Any]:
    """Get a category."""
    return categories.category(category_id)


@api.call("PUT", CATEGORY, Action.CATEGORY_WRITE, body=EditCategoryShape, out=FullCategoryShape, raises=(409,))
@api.call("PATCH", CATEGORY, Action.CATEGORY_WRITE, body=EditCategoryShape, out=FullCategoryShape, raises=(409,))
def edit_category(actor: Actor, category_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named."""
    http.begin(actor)
    categories.edit_category(actor, category_id, body)
    return categories.category(category_id)


@api.call("DELETE", CATEGORY, Action.CATEGORY_WRITE, status=204, raises=(409,))
def destroy_category(actor: Actor, category_id: int) -> None:
    """Delete a category that was never used. 409 for any other: archive it."""
    http.begin(actor)
    categories.destroy_category(actor, category_id)


@api.call("GET", "/buildings", None, query=ArchivedQuery, out=page_of(BuildingShape))
def list_buildings(actor: Actor, query: dict[str, Any]) -> Answer:
    """List the buildings."""
    return http.page(categories.buildings(**query), None)


@api.call(
    "POST", "/buildings", Action.BUILDING_WRITE, body=CreateBuildingShape, out=BuildingShape, status=201, creates=True,
    raises=(409,),
)  # fmt: skip
def create_building(actor: Actor, body: dict[str, Any]) -> Answer:
    """Add a building."""
    http.begin(actor)
    row = categories.create_building(actor, body)
    return Answer(categories.building(row.id), headers={"Location": f"/api/buildings/{row.id}"})


@api.call("GET", BUILDING, None, out=BuildingShape)
def show_building(actor: Actor, building_id: int) -> dict[str, Any]:
    """Get a building."""
    return categories.building(building_id)


@api.call("PUT", BUILDING, Action.BUILDING_WRITE, body=EditBuildingShape, out=BuildingShape, raises=(409,))
@api.call("PATCH", BUILDING, Action.BUILDING_WRITE, body=EditBuildingShape, out=BuildingShape, raises=(409,))
def edit_building(actor: Actor, building_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named."""
    http.begin(actor)
    categories.edit_building(actor, building_id, body)
    return categories.building(building_id)


@api.call("DELETE", BUILDING, Action.BUILDING_WRITE, status=204, raises=(409,))
def destroy_building(actor: Actor, building_id: int) -> None:
    """Delete a building that was never used. 409 for any other: archive it."""
    http.begin(actor)
    categories.destroy_building(actor, building_id)


@api.call("GET", "/tags", Action.TAG_WRITE, out=page_of(TagShape))
def list_tags(actor: Actor) -> Answer:
    """List the tags."""
    return http.page(categories.tags(), None)


@api.call(
    "POST", "/tags", Action.TAG_WRITE, body=CreateTagShape, out=TagShape, status=201, creates=True, raises=(409,)
)  # fmt: skip
def create_tag(actor: Actor, body: dict[str, Any]) -> Answer:
    """Make a tag."""
    http.begin(actor)
    row = categories.create_tag(actor, body)
    return Answer(categories.tag(row.id), headers={"Location": f"/api/tags/{row.id}"})


@api.call("GET", TAG, Action.TAG_WRITE, out=TagShape)
def show_tag(actor: Actor, tag_id: int) -> dict[str, Any]:
    """Get a tag."""
    return categories.tag(tag_id)


@api.call("DELETE", TAG, Action.TAG_WRITE, status=204, raises=(409,))
def destroy_tag(actor: Actor, tag_id: int) -> None:
    """Delete a tag, and take it off every ticket."""
    http.begin(actor)
    categories.destroy_tag(actor, tag_id)


@api.call("GET", "/teams", Action.TEAM_READ, out=page_of(NamedShape))
def list_teams(actor: Actor) -> Answer:
    """List the teams."""
    return http.page(categories.teams(), None)


@api.call(
    "POST", "/teams", Action.TEAM_WRITE, body=CreateTeamShape, out=NamedShape, status=201, creates=True, raises=(409,)
)  # fmt: skip
def create_team(actor: Actor, body: dict[str, Any]) -> Answer:
    """Make a team."""
    http.begin(actor)
    row = categories.create_team(actor, body)
    return Answer(categories.team(row.id), headers={"Location": f"/api/teams/{row.id}"})


@api.call("GET", TEAM, Action.TEAM_READ, out=NamedShape)
def show_team(actor: Actor, team_id: int) -> dict[str, Any]:
    """Get a team."""
    return categories.team(team_id)


@api.call("PUT", TEAM, Action.TEAM_WRITE, body=EditTeamShape, out=NamedShape, raises=(409,))
@api.call("PATCH", TEAM, Action.TEAM_WRITE, body=EditTeamShape, out=NamedShape, raises=(409,))
def edit_team(actor: Actor, team_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named."""
    http.begin(actor)
    categories.edit_team(actor, team_id, body)
    return categories.team(team_id)


@api.call("DELETE", TEAM, Action.TEAM_WRITE, status=204, raises=(409,))
def destroy_team(actor: Actor, team_id: int) -> None:
    """Delete a team; its members and tickets are then in none."""
    http.begin(actor)
    categories.destroy_team(actor, team_id)
