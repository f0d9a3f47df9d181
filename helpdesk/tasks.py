"""The staff's own work: with a ticket or without one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, literal, select
from sqlalchemy.orm import aliased

from helpdesk import audit, events, paging, policy, tickets
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Change
from helpdesk.policy import Action, Actor
from helpdesk.schemas import TaskShape
from helpdesk.settings import setting
from models import FAR_FUTURE, Audience, Rows, Task, TaskPriority, TaskStatus, Ticket, User, db, fetch, now

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
