"""What a field of a ticket may hold, and how each is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Select, delete, false, select, update

from helpdesk import auth, jobs
from helpdesk.errors import Invalid
from helpdesk.events import Change
from helpdesk.policy import Actor
from helpdesk.settings import setting
from helpdesk.tickets.lists import tags_of
from models import Building, Category, Role, Tag, Team, Ticket, TicketReport, TicketTag, User, db, now

# what a ticket is going to refer to cannot be deleted in between: the lock that the foreign key takes, taken earlier
_KEPT: dict[str, Any] = {"read": True, "key_share": True}


def category_of(slug: str) -> Category:
    wanted = select(Category).where(Category.slug == slug, Category.is_archived == false())
    found = db.session.scalar(wanted.with_for_update(**_KEPT))
    if found is None:
        raise Invalid({"category": ["Choose a category."]})
    return found


def building_of(slug: str | None) -> Building | None:
    if slug is None:
        return None
    wanted = select(Building).where(Building.slug == slug, Building.is_archived == false())
    found = db.session.scalar(wanted.with_for_update(**_KEPT))
    if found is None:
        raise Invalid({"building": ["Choose a building."]})
    return found


def staff_member(user_id: int | None, field: str = "assignee_id") -> User | None:
    """Somebody who can be given work. Raises Invalid."""
    if user_id is None:
        return None
    user = db.session.get(User, user_id)
    if user is None or not user.is_active or user.role == Role.CUSTOMER:
        raise Invalid({field: ["Choose somebody of the staff."]})
    return user


def team_of(team_id: int | None) -> Team | None:
    team = None if team_id is None else db.session.get(Team, team_id, with_for_update=_KEPT)
    if team is None and team_id is not None:
        raise Invalid({"team_id": ["Choose a team."]})
    return team


def tag_rows(names: Iterable[str]) -> list[Tag]:
    wanted = set(names)
    tags = select(Tag).where(Tag.name.in_(wanted)).order_by(Tag.name).with_for_update(**_KEPT)
    found = list(db.session.scalars(tags)) if wanted else []
    if unknown := wanted - {tag.name for tag in found}:
        raise Invalid({"tags": [f"There is no tag “{name}”." for name in sorted(unknown)]})
    return found


def check_choices(changes: Mapping[str, Any]) -> None:
    """Whether what somebody chose for many tickets is there to be chosen. Raises Invalid."""
    if "category" in changes:
        category_of(changes["category"])
    team_of(changes.get("team_id"))
    for name in ("add_tags", "remove_tags"):
        try:
            tag_rows(changes.get(name, ()))
        except Invalid as no:
            raise Invalid({name: no.errors["tags"]}) from None


def person_by_email(email: str, name: str | None = None) -> User:
    """Whoever has this address; a new one becomes a guest, who can register later and finds everything there.

    Raises Invalid for somebody who was deactivated.
    """
    wanted = auth.normalize_email(email)
    same = select(User).where(User.email_normalized == wanted)
    user = db.session.scalar(same)
    if user is None:
        # of two at once, the second waits here for the first and takes whom it made
        guest = {"email": email.strip(), "name": name or "Guest", "locale": setting("DEFAULT_LOCALE")}
        jobs.insert_ignore(User, email_normalized=wanted, **guest)
        user = db.session.scalars(same).one()
    return _here(user, "email")


def person_by_id(user_id: int | None, field: str) -> User:
    """Raises Invalid on this field, for somebody who was deactivated too."""
    return _here(db.session.get(User, user_id), field)


def _here(user: User | None, field: str) -> User:
    if user is None or not user.is_active:  # who was erased is not active either
        raise Invalid({field: ["There is no such person."]})
    return user


def reporter_of(data: Mapping[str, Any], actor: Actor) -> User:
    if "email" in data:
        return person_by_email(data["email"], data.get("name"))
    return person_by_id(data.get("reporter_id", actor.id), "reporter_id")


def _plain(name: str) -> Callable[[Ticket, Any], list[Change]]:
    def editor(ticket: Ticket, value: Any) -> list[Change]:
        before = getattr(ticket, name)
        if before == value:
            return []
        setattr(ticket, name, value)
        return [Change(name, _text(before), _text(value))]

    return editor


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value).lower()


def _edit_category(ticket: Ticket, slug: str) -> list[Change]:
    """The team goes along where the new category has one. What it does to confidentiality, `edit` has decided."""
    before = db.session.get_one(Category, ticket.category_id)
    if before.slug == slug:
        return []
    category = category_of(slug)
    ticket.category_id = category.id
    changes = [Change("category", before.name, category.name)]
    if category.team_id is not None:
        changes += _edit_team(ticket, category.team_id)
    if not category.is_joinable:
        changes += end_joiners_access(ticket)
    return changes


def _edit_confidential(ticket: Ticket, value: bool) -> list[Change]:
    changes = _plain("is_confidential")(ticket, value)
    if changes and value:
        changes += end_joiners_access(ticket)
    return changes


def end_joiners_access(ticket: Ticket) -> list[Change]:
    """For good: what is written from now on is not theirs to read if it is opened again."""
    joined = update(TicketReport).where(TicketReport.ticket_id == ticket.id, TicketReport.left_at.is_(None))
    gone = db.session.scalars(joined.values(left_at=now()).returning(TicketReport.user_id)).all()
    ticket.affected_count = 1
    return [Change("affected", before_user=user_id) for user_id in sorted(gone)]


def _edit_building(ticket: Ticket, slug: str | None) -> list[Change]:
    before = db.session.get(Building, ticket.building_id) if ticket.building_id else None
    if (before.slug if before else None) == slug:
        return []
    building = building_of(slug)
    ticket.building_id = building.id if building else None
    return [Change("building", before.name if before else None, building.name if building else None)]


def _edit_team(ticket: Ticket, team_id: int | None) -> list[Change]:
    if ticket.team_id == team_id:
        return []
    before, team = (db.session.get(Team, ticket.team_id) if ticket.team_id else None), team_of(team_id)
    ticket.team_id = team_id
    return [Change("team", before.name if before else None, team.name if team else None)]


def _edit_assignee(ticket: Ticket, user_id: int | None) -> list[Change]:
    if ticket.assignee_id == user_id:
        return []
    before, user = ticket.assignee_id, staff_member(user_id)
    ticket.assignee_id = user.id if user else None
    return [Change("assignee", before_user=before, after_user=ticket.assignee_id)]


def report_of(ticket_id: int, user_id: int | None) -> Select[TicketReport]:
    return select(TicketReport).where(TicketReport.ticket_id == ticket_id, TicketReport.user_id == user_id)


def _edit_reporter(ticket: Ticket, user_id: int) -> list[Change]:
    """Put right for whom it was reported. If they had joined it, they are its reporter now and counted once."""
    if ticket.reporter_id == user_id:
        return []
    person_by_id(user_id, "reporter_id")
    before, ticket.reporter_id = ticket.reporter_id, user_id
    joined = db.session.scalar(report_of(ticket.id, user_id))
    if joined is not None and joined.left_at is None:
        joined.left_at = now()
        ticket.affected_count -= 1
    return [Change("reporter", before_user=before, after_user=user_id)]


def _edit_tags(ticket: Ticket, names: list[str]) -> list[Change]:
    wanted = tag_rows(names)
    before = tags_of([ticket.id]).get(ticket.id, [])
    after = sorted(tag.name for tag in wanted)
    if before == after:
        return []
    db.session.execute(delete(TicketTag).where(TicketTag.ticket_id == ticket.id))
    db.session.add_all(TicketTag(ticket_id=ticket.id, tag_id=tag.id) for tag in wanted)
    return [Change("tags", ", ".join(before), ", ".join(after))]


EDITORS: dict[str, Callable[[Ticket, Any], list[Change]]] = {
    "title": _plain("title"),
    "public_title": _plain("public_title"),
    "description": _plain("description"),
    "room": _plain("room"),
    "category": _edit_category,
    "team_id": _edit_team,
    "is_confidential": _edit_confidential,
    "building": _edit_building,
    "priority": _plain("priority"),
    "assignee_id": _edit_assignee,
    "reporter_id": _edit_reporter,
    "tags": _edit_tags,
}
"""What `edit` changes, in this order: what somebody chose beside a category outdoes what the category brings along.

The status has a verb of its own."""
