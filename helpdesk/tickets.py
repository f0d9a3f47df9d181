"""What can be done with a ticket, and the lists of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, delete, false, func, literal, or_, select, update

from helpdesk import audit, auth, events, jobs, paging, policy, sla, workflow
from helpdesk.errors import Conflict, Forbidden, Invalid, NoSuchTransition
from helpdesk.events import Change
from helpdesk.policy import ME, SYSTEM, Action, Actor, Side
from helpdesk.schemas import AffectedShape, TicketShape
from helpdesk.settings import setting
from helpdesk.workflow import Trigger
from models import (
    Building,
    Category,
    Channel,
    Priority,
    Role,
    Rows,
    Status,
    Tag,
    Team,
    Ticket,
    TicketReport,
    TicketTag,
    User,
    begin_write,
    db,
    fetch,
    now,
)

COUNTED_UP_TO = 1000

# --- showing ----------------------------------------------------------------------------------------------------------

_for_staff = TicketShape()
_for_customers = TicketShape(exclude=("reporter.email",))
_person = AffectedShape()


def show(actor: Actor, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of `visible_tickets` as the contract's tickets: with tags, and with what this actor may do next."""
    rows = list(rows)
    shape = _for_staff if actor.is_staff else _for_customers
    if not rows:
        return []
    write, tags = shape.writer(rows[0]), _tags_of([row.id for row in rows if row.side != Side.JOINED])
    return [
        {
            **write(row),
            "tags": tags.get(row.id, []),
            "transitions": workflow.transitions_for(row.status, Side(row.side)),
        }
        for row in rows
    ]


def show_one(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """Raises NotFound."""
    return show(actor, [policy.get_ticket(actor, ticket_id)])[0]


_tags_select = (
    select(TicketTag.ticket_id, Tag.name)
    .join(Tag, Tag.id == TicketTag.tag_id)
    .where(TicketTag.ticket_id.in_(bindparam("ids", expanding=True)))
    .order_by(Tag.name)
)


def _tags_of(ids: list[int]) -> dict[int, list[str]]:
    tags: dict[int, list[str]] = {}
    if ids:
        for ticket_id, name in fetch(_tags_select, {"ids": ids}):
            tags.setdefault(ticket_id, []).append(name)
    return tags


# --- lists ------------------------------------------------------------------------------------------------------------


def _slugs(model: Any, name: str) -> Any:
    return select(model.id).where(model.slug.in_(bindparam(name, expanding=True)))


def _in_category(name: str) -> ColumnElement[bool]:
    """The categories named, and their children."""
    named = _slugs(Category, name)
    return Ticket.category_id.in_(select(Category.id).where(or_(Category.id.in_(named), Category.parent_id.in_(named))))


def _tagged(name: str) -> ColumnElement[bool]:
    return Ticket.id.in_(
        select(TicketTag.ticket_id)
        .join(Tag, Tag.id == TicketTag.tag_id)
        .where(Tag.name.in_(bindparam(name, expanding=True)))
    )


Filter = Callable[[str], ColumnElement[bool]]

# Requests name a key of these, never a column: nothing that somebody types becomes SQL.
OPEN_TO_ALL: dict[str, Filter] = {
    "status": lambda name: Ticket.status.in_(bindparam(name, expanding=True)),
    "category": _in_category,
    "building": lambda name: Ticket.building_id.in_(_slugs(Building, name)),
    "due_before": lambda name: Ticket.due_at < bindparam(name),
    "due_from": lambda name: Ticket.due_at >= bindparam(name),
    "created_after": lambda name: Ticket.created_at >= bindparam(name),
    "created_before": lambda name: Ticket.created_at < bindparam(name),
    "resolved_after": lambda name: Ticket.resolved_at >= bindparam(name),
    "held": lambda name: Ticket.held == bindparam(name),
}
OF_OWN: dict[str, Filter] = {
    "priority": lambda name: Ticket.priority.in_(bindparam(name, expanding=True)),
    "tag": _tagged,
    "team": lambda name: Ticket.team_id.in_(_slugs(Team, name)),
    "assignee": lambda name: Ticket.assignee_id == bindparam(name),
    "unassigned": lambda name: Ticket.assignee_id.is_(None),
    "reporter": lambda name: Ticket.reporter_id == bindparam(name),
}
"""What whoever joined a ticket is not shown: for customers these look at their own tickets alone."""


@lru_cache(maxsize=2)
def _order(staff: bool) -> paging.Order:
    own = Ticket.reporter_id == ME
    priority: Any = (
        Ticket.priority if staff else case((own, Ticket.priority), else_=literal(Priority.NORMAL, Ticket.priority.type))
    )
    updated: Any = (
        Ticket.updated_at if staff else case((own, Ticket.reporter_updated_at), else_=Ticket.affected_updated_at)
    )
    return {
        "created_at": (Ticket.created_at, Ticket.id),
        "updated_at": (updated, Ticket.id),
        "priority": (priority, Ticket.id),
        "due_at": (Ticket.due_at, Ticket.id),
    }


@lru_cache(maxsize=512)
def _filtered(staff: bool, names: frozenset[str], prefix: str = "") -> Rows:
    """The tickets somebody sees, with a condition for each filter in use: a statement per set, compiled once.

    Its parameters are called as the filters, after a prefix where several such statements become one.
    """
    statement = policy.visible_tickets(staff)
    for name in sorted(names):
        condition = (OPEN_TO_ALL[name] if name in OPEN_TO_ALL else OF_OWN[name])(prefix + name)
        if name in OF_OWN and not staff:
            condition = and_(Ticket.reporter_id == ME, condition)
        statement = statement.where(condition)
    return statement if "held" in names else statement.where(Ticket.held == false())


@lru_cache(maxsize=1024)
def _listed(staff: bool, names: frozenset[str], sort: str, after: bool) -> Rows:
    return paging.ordered(_filtered(staff, names), _order(staff), sort, after=after)


@lru_cache(maxsize=512)
def _counted(staff: bool, names: frozenset[str]) -> Rows:
    """A number for each status, none of them counted further than is said."""
    base = _filtered(staff, names).with_only_columns(Ticket.id)
    return select(
        *(
            select(func.count())
            .select_from(base.where(Ticket.status == status).limit(COUNTED_UP_TO + 1).subquery())
            .scalar_subquery()
            .label(status.value)
            for status in Status
        )
    )


def _values(actor: Actor, filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filters of a request as parameters of `_filtered`."""
    values = dict(filters)
    whom = values.pop("assignee", None)
    if whom == "none":
        values["unassigned"] = True
    elif whom is not None:
        values["assignee"] = actor.id if whom == "me" else int(whom)
    if (whom := values.pop("reporter", None)) is not None:
        values["reporter"] = actor.id if whom == "me" else int(whom)
    due = values.pop("due", None)
    if due == "overdue":
        values["due_before"] = now()
    elif due == "today":
        values["due_from"], values["due_before"] = today(setting("TIME_ZONE"))
    if (resolved := values.pop("resolved", None)) is not None:
        midnight = today(setting("TIME_ZONE"))[0]
        values["resolved_after"] = midnight - timedelta(days=midnight.weekday() if resolved == "week" else 0)
    return values


def today(time_zone: str) -> tuple[datetime, datetime]:
    """The first moment of today and of tomorrow where the campus is."""
    zone = ZoneInfo(time_zone)
    day = now().astimezone(zone).date()
    return tuple(datetime.combine(d, time(), zone) for d in (day, day + timedelta(days=1)))  # type: ignore[return-value]


def listing(
    actor: Actor, filters: Mapping[str, Any], *, sort: str, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the tickets that somebody sees, and the cursor of the next. Raises Invalid."""
    values = _values(actor, filters)
    names = frozenset(values)
    found = paging.page(
        lambda after: _listed(actor.is_staff, names, sort, after),
        {**policy.params(actor), **values},
        of=f"tickets|{sort}",
        limit=limit,
        cursor=cursor,
    )
    return show(actor, found.rows), found.next_cursor


def count(actor: Actor, filters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How many of them are in each status, and in all."""
    values = _values(actor, filters)
    numbers = fetch(_counted(actor.is_staff, frozenset(values)), {**policy.params(actor), **values}).one()
    counted = {status.value: _capped(number) for status, number in zip(Status, numbers, strict=True)}
    counted["total"] = _capped(sum(numbers), exact=max(numbers) <= COUNTED_UP_TO)
    return counted


@lru_cache(maxsize=64)
def _counted_each(staff: bool, sets: tuple[tuple[str, frozenset[str]], ...]) -> Rows:
    """A number for each set of filters, none of them counted further than is said."""
    return select(
        *(
            select(func.count())
            .select_from(
                _filtered(staff, names, f"{label}_").with_only_columns(Ticket.id).limit(COUNTED_UP_TO + 1).subquery()
            )
            .scalar_subquery()
            .label(label)
            for label, names in sets
        )
    )


def count_each(actor: Actor, sets: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """How many tickets each of several sets of filters finds, by the sets' names, in one statement."""
    values = {label: _values(actor, filters) for label, filters in sets.items()}
    statement = _counted_each(actor.is_staff, tuple((label, frozenset(found)) for label, found in values.items()))
    parameters = {f"{label}_{name}": value for label, found in values.items() for name, value in found.items()}
    numbers = fetch(statement, {**policy.params(actor), **parameters}).one()
    return {label: _capped(number) for label, number in zip(values, numbers, strict=True)}


def _capped(number: int, *, exact: bool = True) -> dict[str, Any]:
    more = number > COUNTED_UP_TO or not exact
    return {"count": min(number, COUNTED_UP_TO), "more": more}


# --- what a field may hold --------------------------------------------------------------------------------------------


# what a ticket is going to refer to cannot be deleted in between: the lock that the foreign key takes, taken earlier
_KEPT: dict[str, Any] = {"read": True, "key_share": True}


def _category(slug: str) -> Category:
    wanted = select(Category).where(Category.slug == slug, Category.is_archived == false())
    found = db.session.scalar(wanted.with_for_update(**_KEPT))
    if found is None:
        raise Invalid({"category": ["Choose a category."]})
    return found


def _building(slug: str | None) -> Building | None:
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


def _team(team_id: int | None) -> Team | None:
    team = None if team_id is None else db.session.get(Team, team_id, with_for_update=_KEPT)
    if team is None and team_id is not None:
        raise Invalid({"team_id": ["Choose a team."]})
    return team


def _tag_rows(names: Iterable[str]) -> list[Tag]:
    wanted = set(names)
    tags = select(Tag).where(Tag.name.in_(wanted)).order_by(Tag.name).with_for_update(**_KEPT)
    found = list(db.session.scalars(tags)) if wanted else []
    if unknown := wanted - {tag.name for tag in found}:
        raise Invalid({"tags": [f"There is no tag “{name}”." for name in sorted(unknown)]})
    return found


def person_by_email(email: str, name: str | None = None) -> User:
    """Whoever has this address; a new one becomes a guest, who can register later and finds everything there."""
    wanted = auth.normalize_email(email)
    same = select(User).where(User.email_normalized == wanted)
    user = db.session.scalar(same)
    if user is None:
        # of two at once, the second waits here for the first and takes whom it made
        guest = {"email": email.strip(), "name": name or "Guest", "locale": setting("DEFAULT_LOCALE")}
        jobs.insert_ignore(User, email_normalized=wanted, **guest)
        user = db.session.scalars(same).one()
    return user


def _reporter(data: Mapping[str, Any], actor: Actor) -> User:
    if "email" in data:
        return person_by_email(data["email"], data.get("name"))
    user = db.session.get(User, data.get("reporter_id", actor.id))
    if user is None or user.erased_at is not None or not user.is_active:
        raise Invalid({"reporter_id": ["There is no such person."]})
    return user


# --- verbs ------------------------------------------------------------------------------------------------------------

TRIAGE_FIELDS = frozenset({"reporter_id", "email", "name", "priority", "assignee_id", "team_id", "tags"})
AUDITED = frozenset({"is_confidential", "reporter"})
REPORTER_FIELDS = frozenset({"title", "description", "building", "room", "status"})


def create(actor: Actor, data: Mapping[str, Any], *, channel: Channel) -> Ticket:
    """Report a problem, one's own or, by staff, somebody else's. Raises Forbidden, Invalid."""
    policy.require(actor, Action.TICKET_CREATE)
    if TRIAGE_FIELDS & data.keys():
        policy.require(actor, Action.TICKET_CREATE_FOR)
    at = now()
    category, building = _category(data["category"]), _building(data.get("building"))
    assignee, team, tags = (
        staff_member(data.get("assignee_id")),
        _team(data.get("team_id")),
        _tag_rows(data.get("tags", ())),
    )
    reporter = _reporter(data, actor)
    ticket = Ticket(
        title=data["title"],
        description=data["description"],
        priority=data.get("priority", Priority.NORMAL),
        category_id=category.id,
        building_id=building.id if building else None,
        room=data.get("room"),
        is_confidential=_starts_confidential(actor, category, data.get("is_confidential")),
        reporter_id=reporter.id,
        created_by_id=actor.id,
        assignee_id=assignee.id if assignee else None,
        team_id=team.id if team else (category.team_id if "team_id" not in data else None),
        channel=channel,
        status=Status.OPEN,
        held=False,
        paused_seconds=0,
        activity_seq=0,
        created_at=at,
        updated_at=at,
        reporter_updated_at=at,
        affected_updated_at=at,
    )
    sla.start(ticket)
    db.session.add(ticket)
    db.session.flush()
    db.session.add_all(TicketTag(ticket_id=ticket.id, tag_id=tag.id) for tag in tags)
    events.record(actor, Change("created", after=Status.OPEN), ticket=ticket, at=at)
    return ticket


def take(actor: Actor, ticket_id: int) -> Ticket:
    """A ticket to change, locked. Raises NotFound; Forbidden for whoever joined it, before its version is compared."""
    policy.require(actor, Action.TICKET_EDIT)
    ticket = policy.take_ticket(actor, ticket_id)
    _check_not_only_joined(actor, ticket)
    return ticket


def _check_not_only_joined(actor: Actor, ticket: Ticket) -> None:
    if policy.side(actor, ticket) == Side.JOINED:
        raise Forbidden("Only its reporter and the staff change a ticket.")


def _starts_confidential(actor: Actor, category: Category, wish: bool | None) -> bool:
    """What its category keeps confidential only the staff may open to others."""
    if wish is None or (category.is_confidential and not policy.can(actor, Action.TICKET_TRIAGE)):
        return category.is_confidential
    return wish


def edit(actor: Actor, ticket: Ticket, data: Mapping[str, Any], *, deed_id: str | None = None) -> None:
    """Change the fields named. Raises Forbidden, Invalid, NoSuchTransition, Conflict.

    The reporter changes title, description and place until the ticket is resolved, and closes or reopens it.
    """
    policy.require(actor, Action.TICKET_EDIT)
    if not policy.can(actor, Action.TICKET_TRIAGE):
        _check_reporters_edit(actor, ticket, data)
    at = now()
    changes = [change for name in EDITORS if name in data for change in EDITORS[name](ticket, data[name])]
    if "status" in data and data["status"] != ticket.status:
        changes.append(set_status(actor, ticket, data["status"], at=at))
    if changes:
        ticket.version += 1
        sla.refresh(ticket)
        events.record(actor, *changes, ticket=ticket, at=at, deed_id=deed_id)
        for change in changes:
            if change.field in AUDITED:  # who may see it
                audit.record(f"ticket.{change.field}.changed", actor=actor, target=f"ticket:{ticket.id}")


def _check_reporters_edit(actor: Actor, ticket: Ticket, data: Mapping[str, Any]) -> None:
    _check_not_only_joined(actor, ticket)
    if not data.keys() <= REPORTER_FIELDS:
        raise Forbidden("Of your own ticket you can change title, description and place.")
    if ticket.status in workflow.ENDED and data.keys() - {"status"}:
        raise Conflict("It is resolved: reopen it or write a comment.")


def set_status(actor: Actor, ticket: Ticket, to: Status, *, at: datetime, trigger: Trigger | None = None) -> Change:
    """The one place where a status changes. Raises NoSuchTransition.

    With a trigger it moves by itself, as the table of `workflow.by_itself` says; otherwise somebody chose.
    """
    if trigger is not None:
        allowed = workflow.by_itself(ticket.status, trigger, ticket.resolved_at, at) == to
    else:
        allowed = to in workflow.transitions_for(ticket.status, policy.side(actor, ticket))
    if not allowed:
        raise NoSuchTransition(f"A ticket that is {_say(ticket.status)} cannot become {_say(to)}.")
    before, ticket.status = ticket.status, to
    if to in sla.STOPPED:
        sla.pause(ticket, at)
    else:
        sla.resume(ticket, at)
    if to in workflow.ENDED and ticket.resolved_at is None:
        ticket.resolved_at = at
    elif to not in workflow.ENDED and before in workflow.ENDED:
        ticket.resolved_at = None
        ticket.reopened_count += 1
    ticket.closed_at = at if to == Status.CLOSED else None
    sla.refresh(ticket)
    return Change("status", before, to)


def _say(status: Status) -> str:
    return status.replace("_", " ")


def move_by_itself(ticket: Ticket, trigger: Trigger, *, at: datetime) -> Change | None:
    """Let a trigger move the ticket where the workflow says so."""
    to = workflow.by_itself(ticket.status, trigger, ticket.resolved_at, at)
    if to is None:
        return None
    ticket.version += 1
    return set_status(SYSTEM, ticket, to, at=at, trigger=trigger)


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


def _edit_priority(ticket: Ticket, value: Priority) -> list[Change]:
    changes = _plain("priority")(ticket, value)
    if changes:
        sla.start(ticket)
    return changes


def _edit_category(ticket: Ticket, slug: str) -> list[Change]:
    """The team goes along where the new category has one; a category for confidential matters makes the ticket so."""
    before = db.session.get_one(Category, ticket.category_id)
    if before.slug == slug:
        return []
    category = _category(slug)
    ticket.category_id = category.id
    changes = [Change("category", before.name, category.name)]
    if category.team_id is not None:
        changes += _edit_team(ticket, category.team_id)
    if category.is_confidential:
        changes += _edit_confidential(ticket, True)
    elif not category.is_joinable:
        _end_joiners_access(ticket)
    return changes


def _edit_confidential(ticket: Ticket, value: bool) -> list[Change]:
    changes = _plain("is_confidential")(ticket, value)
    if changes and value:
        _end_joiners_access(ticket)
    return changes


def _end_joiners_access(ticket: Ticket) -> None:
    """For good: what is written from now on is not theirs to read if it is opened again."""
    joined = update(TicketReport).where(TicketReport.ticket_id == ticket.id, TicketReport.left_at.is_(None))
    db.session.execute(joined.values(left_at=now()))
    ticket.affected_count = 1


def _edit_building(ticket: Ticket, slug: str | None) -> list[Change]:
    before = db.session.get(Building, ticket.building_id) if ticket.building_id else None
    if (before.slug if before else None) == slug:
        return []
    building = _building(slug)
    ticket.building_id = building.id if building else None
    return [Change("building", before.name if before else None, building.name if building else None)]


def _edit_team(ticket: Ticket, team_id: int | None) -> list[Change]:
    if ticket.team_id == team_id:
        return []
    before, team = (db.session.get(Team, ticket.team_id) if ticket.team_id else None), _team(team_id)
    if before is not None and team is not None:
        ticket.handoff_count += 1
    ticket.team_id = team_id
    return [Change("team", before.name if before else None, team.name if team else None)]


def _edit_assignee(ticket: Ticket, user_id: int | None) -> list[Change]:
    if ticket.assignee_id == user_id:
        return []
    before, user = ticket.assignee_id, staff_member(user_id)
    ticket.assignee_id = user.id if user else None
    return [Change("assignee", before_user=before, after_user=ticket.assignee_id)]


def _edit_reporter(ticket: Ticket, user_id: int) -> list[Change]:
    """Put right for whom it was reported. If they had joined it, they are its reporter now and counted once."""
    if ticket.reporter_id == user_id:
        return []
    user = db.session.get(User, user_id)
    if user is None or user.erased_at is not None:
        raise Invalid({"reporter_id": ["There is no such person."]})
    before, ticket.reporter_id = ticket.reporter_id, user_id
    joined = db.session.scalar(_report_of(ticket.id, user_id))
    if joined is not None and joined.left_at is None:
        joined.left_at = now()
        ticket.affected_count -= 1
    return [Change("reporter", before_user=before, after_user=user_id)]


def _edit_tags(ticket: Ticket, names: list[str]) -> list[Change]:
    wanted = _tag_rows(names)
    before = _tags_of([ticket.id]).get(ticket.id, [])
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
    "priority": _edit_priority,
    "assignee_id": _edit_assignee,
    "reporter_id": _edit_reporter,
    "tags": _edit_tags,
}
"""What `edit` changes, in this order: what somebody chose beside a category outdoes what the category brings along.

The status has a verb of its own."""


def destroy(actor: Actor, ticket: Ticket) -> None:
    """Delete it with its conversation, photos and history. That it happened stays on record."""
    policy.require(actor, Action.TICKET_DELETE)
    audit.record("ticket.deleted", actor=actor, target=f"ticket:{ticket.id}")
    db.session.delete(ticket)
    db.session.flush()


# --- several people, one problem --------------------------------------------------------------------------------------


def _report_of(ticket_id: int, user_id: int | None) -> Select[TicketReport]:
    return select(TicketReport).where(TicketReport.ticket_id == ticket_id, TicketReport.user_id == user_id)


def join(actor: Actor, ticket: Ticket, user_id: int) -> None:
    """Count somebody among those affected. Doing it twice, or to its reporter, changes nothing. Raises Conflict."""
    if ticket.reporter_id == user_id:
        return
    if ticket.status == Status.CLOSED:
        raise Conflict("It is closed: report the problem anew.")
    report = db.session.scalar(_report_of(ticket.id, user_id))
    if report is None:
        db.session.add(TicketReport(ticket_id=ticket.id, user_id=user_id))
    elif report.left_at is None:
        return
    else:
        report.left_at, report.reported_at = None, now()
    ticket.affected_count += 1
    _record_affected(actor, ticket, Change("affected", after_user=user_id))


def leave(actor: Actor, ticket: Ticket, user_id: int) -> bool:
    """Not affected any more. Says whether they were among those who joined."""
    report = db.session.scalar(_report_of(ticket.id, user_id))
    if report is None or report.left_at is not None:
        return False
    report.left_at = now()
    ticket.affected_count -= 1
    _record_affected(actor, ticket, Change("affected", before_user=user_id))
    return True


def _record_affected(actor: Actor, ticket: Ticket, change: Change) -> None:
    events.record(actor, change, ticket=ticket, at=now())


def add_affected(actor: Actor, ticket: Ticket, whom: Mapping[str, Any]) -> None:
    """Staff count somebody in, by `user_id` or `email`. Raises Invalid, Conflict where nobody may join."""
    policy.require(actor, Action.TICKET_AFFECTED)
    if not policy.is_joinable(ticket):
        raise Conflict("It is confidential: nobody else can be added.")
    user = person_by_email(whom["email"]) if "email" in whom else db.session.get(User, whom["user_id"])
    if user is None or user.erased_at is not None:
        raise Invalid({"user_id": ["There is no such person."]})
    join(actor, ticket, user.id)


@lru_cache(maxsize=2)
def _affected(after: bool) -> Rows:
    reporter = (
        select(
            User.id, User.name, User.email, literal(True).label("is_reporter"), Ticket.created_at.label("reported_at")
        )
        .join(Ticket, Ticket.reporter_id == User.id)
        .where(Ticket.id == bindparam("ticket_id"))
    )
    joined = (
        select(User.id, User.name, User.email, literal(False), TicketReport.reported_at)
        .join(TicketReport, TicketReport.user_id == User.id)
        .where(TicketReport.ticket_id == bindparam("ticket_id"), TicketReport.left_at.is_(None))
    )
    people = reporter.union_all(joined).subquery()
    return paging.ordered(
        select(people), {"reported_at": (people.c.reported_at, people.c.id)}, "reported_at", after=after
    )


def affected(ticket_id: int, *, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the people a ticket affects: its reporter and whoever joined, first come first."""
    found = paging.page(_affected, {"ticket_id": ticket_id}, of=f"affected|{ticket_id}", limit=limit, cursor=cursor)
    return [_person.dump_row(row) for row in found.rows], found.next_cursor


# --- by itself --------------------------------------------------------------------------------------------------------


@jobs.handles("close_resolved", every=timedelta(minutes=15))
def close_resolved(job: jobs.Claimed) -> None:
    """Close what has been resolved for REOPEN_DAYS without a word."""
    before = now() - timedelta(days=workflow.REOPEN_DAYS)
    due = select(Ticket.id).where(Ticket.status == Status.RESOLVED, Ticket.resolved_at <= before).limit(500)
    for ticket_id in list(db.session.scalars(due)):
        begin_write()
        ticket = policy.take_ticket(SYSTEM, ticket_id)
        change = move_by_itself(ticket, Trigger.TIME, at=now())
        if change is not None:
            events.record(SYSTEM, change, ticket=ticket, at=now())
        db.session.commit()
