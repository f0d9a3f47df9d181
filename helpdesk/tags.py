"""Tags: words that the staff put on tickets to find them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, select

from helpdesk import audit, policy, tickets, vocabulary
from helpdesk.errors import Invalid
from helpdesk.policy import Action, Actor
from helpdesk.schemas import TagShape
from models import Tag, Ticket, TicketTag, db, fetch

_tag = TagShape()


def tags() -> list[dict[str, Any]]:
    """All of them, by name."""
    return [_tag.dump_row(row) for row in db.session.scalars(select(Tag).order_by(Tag.name))]


def tag(tag_id: int) -> dict[str, Any]:
    """Raises NotFound."""
    return _tag.dump_row(vocabulary.get(Tag, tag_id))


def counted(tag_id: int | None = None) -> dict[int, int]:
    """Tag → how many tickets it is on, where it is on any; of one alone if it is named."""
    numbers = select(TicketTag.tag_id, func.count()).group_by(TicketTag.tag_id)
    numbers = numbers if tag_id is None else numbers.where(TicketTag.tag_id == tag_id)
    return {row[0]: row[1] for row in fetch(numbers)}


def create(actor: Actor, data: Mapping[str, Any]) -> Tag:
    """Raises Forbidden, Taken."""
    policy.require(actor, Action.TAG_WRITE)
    made = Tag()
    vocabulary.check_name(made, data["name"])
    vocabulary.save(made, data)
    audit.record("tag.created", actor=actor, target=f"tag:{made.id}", name=made.name)
    return made


def take(actor: Actor, tag_id: int) -> Tag:
    """One to change, locked. Raises Forbidden, NotFound."""
    policy.require(actor, Action.TAG_WRITE)
    return vocabulary.take(Tag, tag_id)


def edit(actor: Actor, row: Tag, data: Mapping[str, Any]) -> None:
    """Give one that was taken another name, on every ticket at once. Raises Taken."""
    if data.get("name", row.name) != row.name:
        vocabulary.check_name(row, data["name"])
        audit.record("tag.changed", actor=actor, target=f"tag:{row.id}", before=row.name, after=data["name"])
    vocabulary.save(row, data)


def merge(actor: Actor, row: Tag, into_id: int) -> None:
    """Put another tag in the place of one that was taken, on every ticket that has it. Raises Invalid, Conflict."""
    into = db.session.get(Tag, into_id)
    if into is None or into.id == row.id:
        raise Invalid({"into_id": ["Choose another tag."]})
    audit.record("tag.merged", actor=actor, target=f"tag:{row.id}", name=row.name, into=into.name)
    _take_off(actor, row, instead=into.name)
    vocabulary.rename_in_views(Tag, row.name, into.name)
    _delete(row)


def destroy(actor: Actor, row: Tag) -> None:
    """Delete one that was taken, and take it off every ticket. Raises Conflict where these are many."""
    audit.record("tag.deleted", actor=actor, target=f"tag:{row.id}", name=row.name)
    _take_off(actor, row)
    _delete(row)


def _take_off(actor: Actor, row: Tag, *, instead: str | None = None) -> None:
    tagged = select(Ticket.id).join(TicketTag, TicketTag.ticket_id == Ticket.id).where(TicketTag.tag_id == row.id)
    for ticket in vocabulary.each(actor, tagged):
        names = {name for name in tickets.tags_of([ticket.id])[ticket.id] if name != row.name}
        tickets.edit(actor, ticket, {"tags": sorted(names | ({instead} if instead else set()))})


def _delete(row: Tag) -> None:
    db.session.flush()
    db.session.execute(delete(Tag).where(Tag.id == row.id))
