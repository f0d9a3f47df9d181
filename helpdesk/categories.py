"""The desk's vocabulary: categories, buildings, tags, teams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import CompoundSelect, Select, delete, false, literal, null, select, union_all, update
from sqlalchemy.exc import IntegrityError

from helpdesk import audit, events, jobs, policy, tickets
from helpdesk.errors import Conflict, Invalid, NotFound, Taken
from helpdesk.policy import Action, Actor
from helpdesk.schemas import BuildingShape, CategoryShape, NamedShape, TagShape
from models import Building, Category, Rows, Tag, Team, Ticket, TicketTag, begin_write, db, fetch, now

_category, _building, _tag, _team = CategoryShape(), BuildingShape(), TagShape(), NamedShape()
T = TypeVar("T")
MOST_TICKETS = 500
"""So many a change of the vocabulary may change in one transaction."""
USUAL_FROM_CASES = 10
"""Under so many resolved cases nothing is said of how long it usually takes."""

_categories: Rows = (
    select(
        Category.id, Category.slug, Category.name, Category.parent_id, Category.is_joinable, Category.is_confidential,
        Category.is_archived, Category.usual_p50_seconds, Category.usual_p75_seconds, Category.usual_count,
        Team.id.label("team_id"), Team.slug.label("team_slug"), Team.name.label("team_name"),
    )
    .outerjoin(Team, Team.id == Category.team_id)
    .order_by(Category.name, Category.id)
)  # fmt: skip


def _show_category(row: Any) -> dict[str, Any]:
    usual = None
    if row.usual_count >= USUAL_FROM_CASES:
        usual = {
            "p50_seconds": row.usual_p50_seconds,
            "p75_seconds": row.usual_p75_seconds,
            "count": row.usual_count,
        }
    return {**_category.dump_row(row), "usual_resolution": usual}


def categories(*, archived: bool = False) -> list[dict[str, Any]]:
    statement = _categories if archived else _categories.where(Category.is_archived == false())
    return [_show_category(row) for row in fetch(statement)]


USUAL_DAYS = 180
"""What was resolved longer ago says little about today."""


@jobs.handles("usual_resolution", every=timedelta(hours=1))
def count_usual_resolution(job: jobs.Claimed) -> None:
    """From report to resolution, as people live through it: by category, a parent's with its children's."""
    parents = {row.id: row.parent_id for row in fetch(select(Category.id, Category.parent_id))}
    took: dict[int, list[int]] = {category_id: [] for category_id in parents}
    resolved = select(Ticket.category_id, Ticket.created_at, Ticket.resolved_at).where(
        Ticket.resolved_at >= now() - timedelta(days=USUAL_DAYS), Ticket.held == false()
    )
    for category_id, created_at, resolved_at in fetch(resolved):
        seconds = max(0, int((resolved_at - created_at).total_seconds()))
        for one in (category_id, parents[category_id]):
            if one is not None:
                took[one].append(seconds)
    begin_write()
    for category_id, seconds_each in took.items():
        seconds_each.sort()
        values = {
            "usual_count": len(seconds_each),
            "usual_p50_seconds": _nearest_rank(seconds_each, 50),
            "usual_p75_seconds": _nearest_rank(seconds_each, 75),
        }
        db.session.execute(update(Category).where(Category.id == category_id).values(**values))
    db.session.commit()


def _nearest_rank(ordered: list[int], percent: int) -> int | None:
    """The smallest value that so many percent do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


def category(category_id: int) -> dict[str, Any]:
    """Raises NotFound."""
    row = fetch(_categories.where(Category.id == category_id)).one_or_none()
    if row is None:
        raise NotFound
    return _show_category(row)


def buildings(*, archived: bool = False) -> list[dict[str, Any]]:
    statement = select(Building).order_by(Building.name, Building.id)
    statement = statement if archived else statement.where(Building.is_archived == false())
    return [_building.dump_row(row) for row in db.session.scalars(statement)]


def building(building_id: int) -> dict[str, Any]:
    return _building.dump_row(_take(Building, building_id))


def tags() -> list[dict[str, Any]]:
    return [_tag.dump_row(row) for row in db.session.scalars(select(Tag).order_by(Tag.name))]


def tag(tag_id: int) -> dict[str, Any]:
    return _tag.dump_row(_take(Tag, tag_id))


def teams() -> list[dict[str, Any]]:
    return [_team.dump_row(row) for row in db.session.scalars(select(Team).order_by(Team.name, Team.id))]


def team(team_id: int) -> dict[str, Any]:
    return _team.dump_row(_take(Team, team_id))


_choices: CompoundSelect[*tuple[Any, ...]] = union_all(
    select(literal("categories").label("kind"), Category.id, Category.slug, Category.name, Category.parent_id).where(
        Category.is_archived == false()
    ),
    select(literal("buildings"), Building.id, Building.slug, Building.name, null()).where(
        Building.is_archived == false()
    ),
    select(literal("teams"), Team.id, Team.slug, Team.name, null()),
    select(literal("tags"), Tag.id, Tag.name, Tag.name, null()),
).order_by("name", "id")


def choices() -> dict[str, list[Any]]:
    """What may be chosen now: rows of `id, slug, name, parent_id` by kind, all four kinds in one statement."""
    found: dict[str, list[Any]] = {"categories": [], "buildings": [], "teams": [], "tags": []}
    for row in fetch(_choices):
        found[row.kind].append(row)
    return found


def _take(model: type[T], row_id: int) -> T:
    row = db.session.get(model, row_id)
    if row is None:
        raise NotFound
    return row


def _save(row: Any, data: Mapping[str, Any]) -> Any:
    """Write it, and say which name is taken where one is. Raises Taken."""
    for name, value in data.items():
        setattr(row, name, value)
    db.session.add(row)
    try:
        with db.session.begin_nested():
            db.session.flush()
    except IntegrityError:
        field = "slug" if "slug" in data else "name"
        raise Taken(field, f"There is one with this {field} already.") from None
    return row


def _delete_unused(model: type[Category] | type[Building], row_id: int) -> None:
    """The foreign keys know what is in use, also what somebody uses at this moment. Raises NotFound, Conflict."""
    try:
        gone = db.session.execute(delete(model).where(model.id == row_id).returning(model.id)).first()
    except IntegrityError:
        raise Conflict("It is in use: archive it instead.") from None
    if gone is None:
        raise NotFound


def _check_category(data: Mapping[str, Any], category_id: int | None = None) -> None:
    """Two levels: a parent exists, has none itself, and is not the category or above what has children."""
    parent_id = data.get("parent_id")
    if parent_id is not None:
        parent = db.session.get(Category, parent_id)
        if parent is None or parent.parent_id is not None or parent.id == category_id:
            raise Invalid({"parent_id": ["Choose a category of the first level."]})
        if category_id and db.session.scalar(select(Category.id).where(Category.parent_id == category_id).limit(1)):
            raise Invalid({"parent_id": ["It has children itself."]})
    if data.get("team_id") is not None and db.session.get(Team, data["team_id"]) is None:
        raise Invalid({"team_id": ["Choose a team."]})


def _each(actor: Actor, wanted: Select[Any]) -> Iterator[Ticket]:
    """Tickets that a change of the vocabulary changes, locked one by one. Raises Conflict where they are many."""
    ids = list(db.session.scalars(wanted.order_by(Ticket.id).limit(MOST_TICKETS + 1)))
    if len(ids) > MOST_TICKETS:
        raise Conflict(f"It is on more than {MOST_TICKETS} tickets: change those first.")
    for ticket_id in ids:
        yield tickets.take(actor, ticket_id)


def create_category(actor: Actor, data: Mapping[str, Any]) -> Category:
    """Raises Forbidden, Invalid, Taken."""
    policy.require(actor, Action.CATEGORY_WRITE)
    audit.record("category.created", actor=actor, target=None, name=data["name"])
    _check_category(data)
    saved: Category = _save(Category(), data)
    return saved


def edit_category(actor: Actor, category_id: int, data: Mapping[str, Any]) -> None:
    """Raises Forbidden, NotFound, Invalid, Taken."""
    policy.require(actor, Action.CATEGORY_WRITE)
    audit.record("category.changed", actor=actor, target=f"category:{category_id}", fields=sorted(data))
    if "parent_id" in data:  # two who put each other below themselves wait for one another here
        db.session.execute(select(Category.id).order_by(Category.id).with_for_update())
    row = _take(Category, category_id)
    _check_category(data, category_id)
    _save(row, data)
    if not row.is_joinable:
        joined = select(Ticket.id).where(Ticket.category_id == row.id, Ticket.affected_count > 1)
        for ticket in _each(actor, joined):
            events.record(actor, *tickets.end_joiners_access(ticket), ticket=ticket, at=now())


def destroy_category(actor: Actor, category_id: int) -> None:
    """Delete one that was never used. Raises Conflict for any other: archive that."""
    policy.require(actor, Action.CATEGORY_WRITE)
    audit.record("category.deleted", actor=actor, target=f"category:{category_id}")
    _delete_unused(Category, category_id)


def create_building(actor: Actor, data: Mapping[str, Any]) -> Building:
    policy.require(actor, Action.BUILDING_WRITE)
    audit.record("building.created", actor=actor, target=None, name=data["name"])
    saved: Building = _save(Building(), data)
    return saved


def edit_building(actor: Actor, building_id: int, data: Mapping[str, Any]) -> None:
    policy.require(actor, Action.BUILDING_WRITE)
    audit.record("building.changed", actor=actor, target=f"building:{building_id}", fields=sorted(data))
    _save(_take(Building, building_id), data)
    if "name" in data:
        jobs.enqueue("index_tickets", {"building_id": building_id}, request_id=actor.request_id)


def destroy_building(actor: Actor, building_id: int) -> None:
    """Delete one that was never used. Raises Conflict for any other: archive that."""
    policy.require(actor, Action.BUILDING_WRITE)
    audit.record("building.deleted", actor=actor, target=f"building:{building_id}")
    _delete_unused(Building, building_id)


def create_tag(actor: Actor, data: Mapping[str, Any]) -> Tag:
    policy.require(actor, Action.TAG_WRITE)
    audit.record("tag.created", actor=actor, target=None, name=data["name"])
    saved: Tag = _save(Tag(), data)
    return saved


def destroy_tag(actor: Actor, tag_id: int) -> None:
    """Delete a tag, and take it off every ticket."""
    policy.require(actor, Action.TAG_WRITE)
    audit.record("tag.deleted", actor=actor, target=f"tag:{tag_id}")
    tag = _take(Tag, tag_id)
    tagged = select(Ticket.id).join(TicketTag, TicketTag.ticket_id == Ticket.id).where(TicketTag.tag_id == tag_id)
    for ticket in _each(actor, tagged):
        others = [name for name in tickets.tags_of([ticket.id])[ticket.id] if name != tag.name]
        tickets.edit(actor, ticket, {"tags": others})
    db.session.flush()
    db.session.execute(delete(Tag).where(Tag.id == tag_id))


def create_team(actor: Actor, data: Mapping[str, Any]) -> Team:
    policy.require(actor, Action.TEAM_WRITE)
    audit.record("team.created", actor=actor, target=None, name=data["name"])
    saved: Team = _save(Team(), data)
    return saved


def edit_team(actor: Actor, team_id: int, data: Mapping[str, Any]) -> None:
    policy.require(actor, Action.TEAM_WRITE)
    audit.record("team.changed", actor=actor, target=f"team:{team_id}", fields=sorted(data))
    _save(_take(Team, team_id), data)


def destroy_team(actor: Actor, team_id: int) -> None:
    """Delete a team; its members and tickets are then in none."""
    policy.require(actor, Action.TEAM_WRITE)
    audit.record("team.deleted", actor=actor, target=f"team:{team_id}")
    _take(Team, team_id)
    for ticket in _each(actor, select(Ticket.id).where(Ticket.team_id == team_id)):
        tickets.edit(actor, ticket, {"team_id": None})
    db.session.flush()
    db.session.execute(delete(Team).where(Team.id == team_id))
