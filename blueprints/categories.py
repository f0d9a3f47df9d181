"""What the desk sorts tickets by: categories, buildings, tags."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import categories, tags
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    ArchivedQuery,
    BuildingShape,
    CreateBuildingShape,
    CreateCategoryShape,
    CreateTagShape,
    EditBuildingShape,
    EditCategoryShape,
    EditTagShape,
    FullCategoryShape,
    MergeTagShape,
    TagShape,
    page_of,
)

api = Doors("categories", __name__, url_prefix="/api")
CATEGORY = f"/categories/{http.ID.format('category_id')}"
BUILDING = f"/buildings/{http.ID.format('building_id')}"
TAG = f"/tags/{http.ID.format('tag_id')}"


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


@api.call(
    "PUT", CATEGORY, Action.CATEGORY_WRITE, body=EditCategoryShape, out=FullCategoryShape, if_match=True,
    raises=(409,),
)  # fmt: skip
@api.call(
    "PATCH", CATEGORY, Action.CATEGORY_WRITE, body=EditCategoryShape, out=FullCategoryShape, if_match=True,
    raises=(409,),
)  # fmt: skip
def edit_category(actor: Actor, category_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named."""
    http.begin(actor)
    row = categories.take_category(actor, category_id)
    http.expect_version(row.version, lambda: categories.category(category_id))
    categories.edit_category(actor, row, body)
    return categories.category(category_id)


@api.call("DELETE", CATEGORY, Action.CATEGORY_WRITE, status=204, if_match=True, raises=(409,))
def destroy_category(actor: Actor, category_id: int) -> None:
    """Delete a category that was never used. 409 for any other: archive it."""
    http.begin(actor)
    row = categories.take_category(actor, category_id)
    http.expect_version(row.version, lambda: categories.category(category_id))
    categories.destroy_category(actor, row)


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


@api.call(
    "PUT", BUILDING, Action.BUILDING_WRITE, body=EditBuildingShape, out=BuildingShape, if_match=True, raises=(409,)
)  # fmt: skip
@api.call(
    "PATCH", BUILDING, Action.BUILDING_WRITE, body=EditBuildingShape, out=BuildingShape, if_match=True, raises=(409,)
)  # fmt: skip
def edit_building(actor: Actor, building_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named."""
    http.begin(actor)
    row = categories.take_building(actor, building_id)
    http.expect_version(row.version, lambda: categories.building(building_id))
    categories.edit_building(actor, row, body)
    return categories.building(building_id)


@api.call("DELETE", BUILDING, Action.BUILDING_WRITE, status=204, if_match=True, raises=(409,))
def destroy_building(actor: Actor, building_id: int) -> None:
    """Delete a building that was never used. 409 for any other: archive it."""
    http.begin(actor)
    row = categories.take_building(actor, building_id)
    http.expect_version(row.version, lambda: categories.building(building_id))
    categories.destroy_building(actor, row)


@api.call("GET", "/tags", Action.TAG_WRITE, out=page_of(TagShape))
def list_tags(actor: Actor) -> Answer:
    """List the tags."""
    return http.page(tags.tags(), None)


@api.call(
    "POST", "/tags", Action.TAG_WRITE, body=CreateTagShape, out=TagShape, status=201, creates=True, raises=(409,)
)  # fmt: skip
def create_tag(actor: Actor, body: dict[str, Any]) -> Answer:
    """Make a tag."""
    http.begin(actor)
    row = tags.create(actor, body)
    return Answer(tags.tag(row.id), headers={"Location": f"/api/tags/{row.id}"})


@api.call("GET", TAG, Action.TAG_WRITE, out=TagShape)
def show_tag(actor: Actor, tag_id: int) -> dict[str, Any]:
    """Get a tag."""
    return tags.tag(tag_id)


@api.call("PUT", TAG, Action.TAG_WRITE, body=EditTagShape, out=TagShape, if_match=True, raises=(409,))
@api.call("PATCH", TAG, Action.TAG_WRITE, body=EditTagShape, out=TagShape, if_match=True, raises=(409,))
def edit_tag(actor: Actor, tag_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Rename a tag, on every ticket at once."""
    http.begin(actor)
    row = tags.take(actor, tag_id)
    http.expect_version(row.version, lambda: tags.tag(tag_id))
    tags.edit(actor, row, body)
    return tags.tag(tag_id)


@api.call(
    "POST", f"{TAG}/merge", Action.TAG_WRITE, body=MergeTagShape, out=TagShape, raises=(409,)
)  # fmt: skip
def merge_tag(actor: Actor, tag_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Put another tag in its place, on every ticket that has it, and delete it. Answers the other."""
    http.begin(actor)
    tags.merge(actor, tags.take(actor, tag_id), body["into_id"])
    return tags.tag(body["into_id"])


@api.call("DELETE", TAG, Action.TAG_WRITE, status=204, if_match=True, raises=(409,))
def destroy_tag(actor: Actor, tag_id: int) -> None:
    """Delete a tag, and take it off every ticket."""
    http.begin(actor)
    row = tags.take(actor, tag_id)
    http.expect_version(row.version, lambda: tags.tag(tag_id))
    tags.destroy(actor, row)
