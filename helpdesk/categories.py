"""What tickets are about and where they are: categories on two levels, and buildings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import CompoundSelect, delete, false, func, literal, null, select, union_all, update
from sqlalchemy.exc import IntegrityError

from helpdesk import audit, events, jobs, policy, sla, tickets, vocabulary
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.policy import Action, Actor
from helpdesk.schemas import BuildingShape, CategoryShape
from models import Building, Category, Rows, Tag, Team, Ticket, TicketReport, begin_write, db, fetch, now

_category, _building = CategoryShape(), BuildingShape()
USUAL_FROM_CASES = 10
"""Under so many resolved cases nothing is said of how long it usually takes."""

_categories: Rows = (
    select(
        Category.id, Category.slug, Category.name, Category.parent_id, Category.is_joinable, Category.is_confidential,
        Category.is_archived, Category.version, Category.usual_p50_seconds, Category.usual_p75_seconds,
        Category.usual_count,
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
    """From report to resolution, as people live through it: by category, a parent's with its children's.

    Without what was merged: that says when somebody saw that it is the same problem. And without those of confidential
    children: how many they are could be told from the difference.
    """
    rows = fetch(select(Category.id, Category.parent_id, Category.is_confidential))
    parents = {row.id: None if row.is_confidential else row.parent_id for row in rows}
    took: dict[int, list[int]] = {category_id: [] for category_id in parents}
    resolved = select(Ticket.category_id, Ticket.created_at, Ticket.resolved_at).where(
        Ticket.resolved_at >= now() - timedelta(days=USUAL_DAYS),
        Ticket.held == false(),
        Ticket.merged_into_id.is_(None),
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
    """Raises NotFound."""
    return _building.dump_row(vocabulary.get(Building, building_id))


def rooms_of(building_id: int) -> list[str]:
    """The rooms in which something was reported there, in the order of their names: ROOMS_AT_MOST."""
    seen = select(Ticket.room).where(Ticket.building_id == building_id, Ticket.room.is_not(None)).distinct()
    return [room for room in db.session.scalars(seen.order_by(Ticket.room).limit(ROOMS_AT_MOST)) if room]


ROOMS_AT_MOST = 300


def tickets_in(column: Any, row_id: int | None = None) -> dict[int, int]:
    """How many tickets there are of each category (`Ticket.category_id`) or in each building, or of one of them alone:
    as the lists count them, also of what is over."""
    counted = select(column, func.count()).where(column.is_not(None) if row_id is None else column == row_id)
    counted = counted.where(Ticket.held == false())
    counted = counted.group_by(column)
    return {row[0]: row[1] for row in fetch(counted)}


CHOICES: tuple[Rows, ...] = (
    select(literal("categories").label("kind"), Category.id, Category.slug, Category.name, Category.parent_id).where(
        Category.is_archived == false()
    ),
    select(literal("buildings"), Building.id, Building.slug, Building.name, null()).where(
        Building.is_archived == false()
    ),
    select(literal("teams"), Team.id, Team.slug, Team.name, null()),
    select(literal("tags"), Tag.id, Tag.name, Tag.name, null()),
)
"""What may be chosen now: rows of `kind, id, slug, name, parent_id`."""
_choices: CompoundSelect[*tuple[Any, ...]] = union_all(*CHOICES).order_by("name", "id")


def choices() -> dict[str, list[Any]]:
    """What may be chosen now: rows of `id, slug, name, parent_id` by kind, all four kinds in one statement."""
    found: dict[str, list[Any]] = {"categories": [], "buildings": [], "teams": [], "tags": []}
    for row in fetch(_choices):
        found[row.kind].append(row)
    return found


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


def _check_name(row: Category, data: Mapping[str, Any]) -> None:
    """Whether it is told apart from the others below the same. Raises Taken."""
    name, parent_id = data.get("name", row.name), data.get("parent_id", row.parent_id)
    if (name, parent_id) != (row.name, row.parent_id):
        vocabulary.check_name(
            row, name, Category.parent_id.is_(None) if parent_id is None else Category.parent_id == parent_id
        )


def create_category(actor: Actor, data: Mapping[str, Any]) -> Category:
    """Raises Forbidden, Invalid, Taken."""
    policy.require(actor, Action.CATEGORY_WRITE)
    _check_category(data)
    made = Category()
    _check_name(made, data)
    vocabulary.save(made, data)
    audit.record("category.created", actor=actor, target=f"category:{made.id}", name=made.name)
    return made


def take_category(actor: Actor, category_id: int) -> Category:
    """One to change, with all others locked in one order: two who put each other below themselves wait here.

    Raises Forbidden, NotFound.
    """
    policy.require(actor, Action.CATEGORY_WRITE)
    db.session.execute(select(Category.id).order_by(Category.id).with_for_update(key_share=True)).all()
    return vocabulary.take(Category, category_id)


def edit_category(actor: Actor, row: Category, data: Mapping[str, Any]) -> None:
    """Change the fields named of one that was taken. Raises Invalid, Taken, Conflict."""
    if changed := audit.changes(row, data):
        audit.record("category.changed", actor=actor, target=f"category:{row.id}", changes=changed)
    was_joinable, above = row.is_joinable, row.parent_id
    _check_category(data, row.id)
    _check_name(row, data)
    vocabulary.save(row, data)
    if row.parent_id != above:  # what holds for the one above holds for it
        sla.recount.begin(actor)
    if was_joinable and not row.is_joinable:
        for ticket in vocabulary.each(actor, select(Ticket.id).where(*_joined(row.id))):
            events.record(actor, *tickets.end_joiners_access(ticket), ticket=ticket, at=now())


def _joined(category_id: int) -> tuple[Any, ...]:
    return Ticket.category_id == category_id, Ticket.affected_count > 1


def who_joined(category_id: int) -> tuple[int, int]:
    """How many tickets of a category somebody joined, and how many people did: who would see them no longer."""
    people = (
        select(func.count(TicketReport.user_id.distinct()))
        .join(Ticket, Ticket.id == TicketReport.ticket_id)
        .where(TicketReport.left_at.is_(None), *_joined(category_id))
        .scalar_subquery()
    )
    row = fetch(select(func.count(), people).select_from(Ticket).where(*_joined(category_id))).one()
    return row[0], row[1]


def destroy_category(actor: Actor, row: Category) -> None:
    """Delete one that was taken and never used. Raises Conflict for any other: archive that."""
    sla.policies.check_unnamed("category_ids", row.id)
    audit.record("category.deleted", actor=actor, target=f"category:{row.id}", name=row.name)
    _delete_unused(Category, row.id)


def create_building(actor: Actor, data: Mapping[str, Any]) -> Building:
    """Raises Forbidden, Taken."""
    policy.require(actor, Action.BUILDING_WRITE)
    made = vocabulary.save(Building(), data)
    audit.record("building.created", actor=actor, target=f"building:{made.id}", name=made.name)
    return made


def take_building(actor: Actor, building_id: int) -> Building:
    """One to change, locked. Raises Forbidden, NotFound."""
    policy.require(actor, Action.BUILDING_WRITE)
    return vocabulary.take(Building, building_id)


def edit_building(actor: Actor, row: Building, data: Mapping[str, Any]) -> None:
    """Change the fields named of one that was taken. Raises Taken."""
    if changed := audit.changes(row, data):
        audit.record("building.changed", actor=actor, target=f"building:{row.id}", changes=changed)
    before = row.name
    vocabulary.save(row, data)
    if row.name != before:
        jobs.enqueue("index_tickets", {"building_id": row.id}, request_id=actor.request_id)


def destroy_building(actor: Actor, row: Building) -> None:
    """Delete one that was taken and never used. Raises Conflict for any other: archive that."""
    audit.record("building.deleted", actor=actor, target=f"building:{row.id}", name=row.name)
    _delete_unused(Building, row.id)
