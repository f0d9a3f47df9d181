"""The staff's own work: with a ticket or without one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, case, func, literal, select
from sqlalchemy.orm import aliased

from helpdesk import audit, events, paging, policy, tickets
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Change
from helpdesk.policy import ME, Action, Actor
from helpdesk.schemas import TaskShape
from helpdesk.settings import setting
from models import (
    FAR_FUTURE,
    Audience,
    Building,
    Membership,
    Rows,
    Task,
    TaskPriority,
    TaskStatus,
    Team,
    Ticket,
    User,
    db,
    fetch,
    now,
)

_shape = TaskShape()
_creator, _assignee = aliased(User, name="creator"), aliased(User, name="assignee")


@lru_cache(maxsize=1)
def _all() -> Rows:
    return (
        select(
            Task.id, Task.title, Task.description, Task.priority, Task.status, Task.ticket_id,
            _creator.id.label("created_by_id"), _creator.name.label("created_by_name"),
            _assignee.id.label("assignee_id"), _assignee.name.label("assignee_name"),
            func.nullif(Task.due_at, literal(FAR_FUTURE, Task.due_at.type), type_=Task.due_at.type).label("due_at"),
            Task.done_at, Task.version, Task.created_at, Task.updated_at,
        )
        .join(_creator, _creator.id == Task.created_by_id)
        .outerjoin(_assignee, _assignee.id == Task.assignee_id)
    )  # fmt: skip


# Requests name a key of this, never a column: nothing that somebody types becomes SQL.
FILTERS: dict[str, Callable[[str], ColumnElement[bool]]] = {
    "status": lambda name: Task.status.in_(bindparam(name, expanding=True)),
    "priority": lambda name: Task.priority.in_(bindparam(name, expanding=True)),
    "assignee": lambda name: Task.assignee_id == bindparam(name),
    "unassigned": lambda name: Task.assignee_id.is_(None),
    "ticket_id": lambda name: Task.ticket_id == bindparam(name),
    "due_before": lambda name: Task.due_at < bindparam(name),
    "due_from": lambda name: Task.due_at >= bindparam(name),
    "unfinished": lambda name: Task.status != TaskStatus.DONE,
}
ORDER: paging.Order = {
    "due_at": (Task.due_at, Task.id),
    "created_at": (Task.created_at, Task.id),
    "priority": (Task.priority, Task.id),
}


@lru_cache(maxsize=256)
def _listed(names: frozenset[str], sort: str, after: bool) -> Rows:
    statement = _all().where(*(FILTERS[name](name) for name in sorted(names)))
    return paging.ordered(statement, ORDER, sort, after=after)


def listing(
    actor: Actor, filters: Mapping[str, Any], *, sort: str, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of tasks. Overdue, today and this week are of what is not done. Raises Forbidden, Invalid."""
    policy.require(actor, Action.TASK_READ)
    values = dict(filters)
    if (whom := values.pop("assignee", None)) is not None:
        values["unassigned" if whom == "none" else "assignee"] = (
            actor.id if whom == "me" else whom != "none" and int(whom)
        )
    if (due := values.pop("due", None)) is not None:
        start, end = tickets.today(setting("TIME_ZONE"))
        values["unfinished"] = True
        values["due_before"] = {"overdue": now(), "today": end, "week": start + timedelta(days=7)}[due]
        if due != "overdue":
            values["due_from"] = start
    names = frozenset(values)
    found = paging.page(
        lambda after: _listed(names, sort, after), values, of=f"tasks|{sort}", limit=limit, cursor=cursor
    )
    return [_shape.dump_row(row) for row in found.rows], found.next_cursor


# --- the page of tasks ------------------------------------------------------------------------------------------------

MINE, EVERYONE = "mine", "everyone"
"""Whose tasks a board shows, beside the teams by their slugs."""
DONE_SHOWN = 50


class When(StrEnum):
    """The groups of a board, in their order."""

    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    LATER = "later"
    NO_DATE = "no_date"


@dataclass(frozen=True)
class Bounds:
    """When the groups begin: now, tomorrow, and Monday, where the campus is."""

    now: datetime
    today: datetime
    tomorrow: datetime
    monday: datetime

    @classmethod
    def at_present(cls) -> Bounds:
        today, tomorrow = tickets.today(setting("TIME_ZONE"))
        return cls(now(), today, tomorrow, today + timedelta(days=7 - today.weekday()))

    def group(self, due_at: datetime | None) -> When:
        if due_at is None or due_at == FAR_FUTURE:
            return When.NO_DATE
        ends = ((self.now, When.OVERDUE), (self.tomorrow, When.TODAY), (self.monday, When.WEEK))
        return next((group for end, group in ends if due_at < end), When.LATER)


WHOSE: dict[str, Callable[[], ColumnElement[bool]]] = {
    MINE: lambda: Task.assignee_id == bindparam("me"),
    "team": lambda: Task.assignee_id.in_(
        select(Membership.user_id).join(Team, Team.id == Membership.team_id).where(Team.slug == bindparam("team"))
    ),
}


def _whose(statement: Rows, whose: str) -> Rows:
    return statement if whose == EVERYONE else statement.where(WHOSE[MINE if whose == MINE else "team"]())


def _kind(whose: str) -> str:
    return whose if whose in (MINE, EVERYONE) else "team"


@lru_cache(maxsize=1)
def _with_place() -> Rows:
    """Tasks with their tickets, which the staff see all of."""
    return (
        select(
            Task.id, Task.title, Task.priority, Task.status, Task.ticket_id,
            func.nullif(Task.due_at, literal(FAR_FUTURE, Task.due_at.type), type_=Task.due_at.type).label("due_at"),
            Task.done_at, _assignee.id.label("assignee_id"), _assignee.name.label("assignee_name"),
            Ticket.title.label("ticket_title"), Building.name.label("building"), Ticket.room,
        )
        .outerjoin(_assignee, _assignee.id == Task.assignee_id)
        .outerjoin(Ticket, Ticket.id == Task.ticket_id)
        .outerjoin(Building, Building.id == Ticket.building_id)
    )  # fmt: skip


@lru_cache(maxsize=8)
def _open(kind: str, after: bool) -> Rows:
    found = _whose(_with_place(), kind).where(Task.status != TaskStatus.DONE)
    return paging.ordered(found, ORDER, "due_at", after=after)


@lru_cache(maxsize=4)
def _done(kind: str) -> Rows:
    found = _whose(_with_place(), kind).where(Task.status == TaskStatus.DONE, Task.done_at >= bindparam("since"))
    return found.order_by(Task.done_at.desc(), Task.id.desc()).limit(DONE_SHOWN)


def board(actor: Actor, whose: str, *, limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
    """A page of what is to be done, soonest first: rows with ticket and place. Raises Forbidden, Invalid."""
    policy.require(actor, Action.TASK_READ)
    values = {"me": actor.id} if whose == MINE else {} if whose == EVERYONE else {"team": whose}
    kind = _kind(whose)
    found = paging.page(
        lambda after: _open(kind, after), values, of=f"board|{whose}|{actor.id}", limit=limit, cursor=cursor
    )  # fmt: skip
    return found.rows, found.next_cursor


def done_today(actor: Actor, whose: str) -> list[Any]:
    """What was done since midnight, newest first, DONE_SHOWN at most."""
    policy.require(actor, Action.TASK_READ)
    values = {"since": Bounds.at_present().today, "me": actor.id, "team": whose}
    used = {EVERYONE: {"since"}, MINE: {"since", "me"}}.get(whose, {"since", "team"})
    return list(fetch(_done(_kind(whose)), {name: value for name, value in values.items() if name in used}))


@lru_cache(maxsize=1)
def _numbers() -> Rows:
    bounds = (("now", When.OVERDUE), ("tomorrow", When.TODAY), ("monday", When.WEEK))
    of_type = {"type_": Task.due_at.type}
    group = case(
        *((Task.due_at < bindparam(name, **of_type), when.value) for name, when in bounds),
        (Task.due_at == literal(FAR_FUTURE, Task.due_at.type), When.NO_DATE.value),
        else_=When.LATER.value,
    ).label("group")
    mine = case((Task.assignee_id == bindparam("me"), 1), else_=0).label("mine")
    return (
        select(Team.slug, mine, group, func.count().label("number"))
        .select_from(Task)
        .outerjoin(Membership, Membership.user_id == Task.assignee_id)
        .outerjoin(Team, Team.id == Membership.team_id)
        .where(Task.status != TaskStatus.DONE)
        .group_by(Team.slug, mine, group)
    )


@dataclass(frozen=True)
class Numbers:
    """How many tasks are to be done: of everybody, of each team and one's own, and in each group of a board."""

    whose: dict[str, int]
    groups: dict[str, int]


def numbers(actor: Actor, whose: str) -> Numbers:
    """All the numbers of a board in one statement."""
    policy.require(actor, Action.TASK_READ)
    bounds = Bounds.at_present()
    values = {"me": actor.id, "now": bounds.now, "tomorrow": bounds.tomorrow, "monday": bounds.monday}
    counted: dict[str, int] = {MINE: 0, EVERYONE: 0}
    groups: dict[str, int] = dict.fromkeys(When, 0)
    for row in fetch(_numbers(), values):
        shown_in = {EVERYONE, *([MINE] if row.mine else []), *([row.slug] if row.slug else [])}
        for one in shown_in:
            counted[one] = counted.get(one, 0) + row.number
        if whose in shown_in:
            groups[row.group] += row.number
    return Numbers(counted, groups)


# --- one task ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def count_of_mine() -> ScalarSelect[Any]:
    """How many somebody has to do, counted to 1,001, for a statement that finds several numbers. Takes `me`."""
    mine = select(Task.id).where(Task.assignee_id == ME, Task.status != TaskStatus.DONE)
    return select(func.count()).select_from(mine.limit(tickets.COUNTED_UP_TO + 1).subquery()).scalar_subquery()


@lru_cache(maxsize=1)
def _one() -> Rows:
    return _all().where(Task.id == bindparam("task_id"))


def show_one(actor: Actor, task_id: int) -> dict[str, Any]:
    """Raises Forbidden, NotFound."""
    policy.require(actor, Action.TASK_READ)
    row = fetch(_one(), {"task_id": task_id}).one_or_none()
    if row is None:
        raise NotFound
    return _shape.dump_row(row)


def title_of(actor: Actor, task_id: int) -> str | None:
    """What is to be done, or None where there is no such task."""
    policy.require(actor, Action.TASK_READ)
    return db.session.scalar(select(Task.title).where(Task.id == task_id))


def is_ticket(actor: Actor, ticket_id: int) -> bool:
    """Whether a task can be about it."""
    with contextlib.suppress(NotFound):
        return policy.get_ticket(actor, ticket_id) is not None
    return False


def take(actor: Actor, task_id: int) -> Task:
    """A task to change, locked. Raises Forbidden, NotFound."""
    policy.require(actor, Action.TASK_WRITE)
    # its ticket first: that is the order in which a ticket's deletion meets them
    ticket_id = db.session.scalar(select(Task.ticket_id).where(Task.id == task_id))
    if ticket_id is not None:
        with contextlib.suppress(NotFound):
            policy.take_ticket(actor, ticket_id)
    task = db.session.get(Task, task_id, with_for_update=True, populate_existing=True)
    if task is None:
        raise NotFound
    return task


def create(actor: Actor, data: Mapping[str, Any]) -> Task:
    """Raises Forbidden, Invalid."""
    policy.require(actor, Action.TASK_WRITE)
    at = now()
    assignee = tickets.staff_member(data.get("assignee_id"))
    ticket = _ticket(actor, data.get("ticket_id"))
    status = data.get("status", TaskStatus.TODO)
    task = Task(
        title=data["title"],
        description=data.get("description", ""),
        priority=data.get("priority", TaskPriority.MEDIUM),
        status=status,
        ticket_id=ticket.id if ticket else None,
        created_by_id=actor.id,
        assignee_id=assignee.id if assignee else None,
        due_at=data.get("due_at") or FAR_FUTURE,
        done_at=at if status == TaskStatus.DONE else None,
        created_at=at,
        updated_at=at,
    )
    db.session.add(task)
    db.session.flush()
    events.record(actor, Change("task", after=status, audience=Audience.INTERNAL), ticket=ticket, task=task, at=at)
    return task


def _ticket(actor: Actor, ticket_id: int | None) -> Ticket | None:
    if ticket_id is None:
        return None
    try:
        return policy.take_ticket(actor, ticket_id)
    except NotFound:
        raise Invalid({"ticket_id": ["There is no such ticket."]}) from None


def edit(actor: Actor, task: Task, data: Mapping[str, Any]) -> None:
    """Change the fields named. Its status is told on its ticket too. Raises Invalid."""
    at = now()
    wanted = dict(data)
    if "due_at" in wanted:
        wanted["due_at"] = wanted["due_at"] or FAR_FUTURE
    changed = {name: value for name, value in wanted.items() if getattr(task, name) != value}
    if not changed:
        return
    tickets.staff_member(changed.get("assignee_id"))
    _ticket(actor, changed.get("ticket_id"))
    own, deed_id = [], events.new_deed()
    for name, value in changed.items():
        before = getattr(task, name)
        setattr(task, name, value)
        if name == "assignee_id":
            own.append(Change("assignee", before_user=before, after_user=value, audience=Audience.INTERNAL))
        elif name != "status":
            own.append(Change(name, _text(before), _text(value), audience=Audience.INTERNAL))
        else:
            task.done_at = at if value == TaskStatus.DONE else None
            ticket = _ticket(actor, task.ticket_id)
            told = Change("task", before, value, audience=Audience.INTERNAL)
            events.record(actor, told, ticket=ticket, task=task, at=at, deed_id=deed_id)
    task.version += 1
    task.updated_at = at
    events.record(actor, *own, task=task, at=at, deed_id=deed_id)


def _text(value: Any) -> str | None:
    if value is None or value == FAR_FUTURE:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def destroy(actor: Actor, task: Task) -> None:
    """Delete it; its ticket's history keeps that it was there."""
    ticket = _ticket(actor, task.ticket_id)
    if ticket is not None:
        told = Change("task", before=task.title, after="deleted", audience=Audience.INTERNAL)
        events.record(actor, told, ticket=ticket, at=now())
    audit.record("task.deleted", actor=actor, target=f"task:{task.id}")
    db.session.delete(task)
    db.session.flush()
