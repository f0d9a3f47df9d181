"""The staff's tasks."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import tasks
from helpdesk.policy import Action, Actor
from helpdesk.schemas import CreateTaskShape, EditTaskShape, TaskQuery, TaskShape, page_of

api = Doors("tasks", __name__, url_prefix="/api/tasks")
ONE = f"/{http.ID.format('task_id')}"


@api.call("GET", "", Action.TASK_READ, query=TaskQuery, out=page_of(TaskShape))
def listing(actor: Actor, query: dict[str, Any]) -> Answer:
    """List tasks. `due` looks at what is not done."""
    page = {name: query.pop(name) for name in ("sort", "limit", "cursor")}
    return http.page(*tasks.listing(actor, query, **page))


@api.call("POST", "", Action.TASK_WRITE, body=CreateTaskShape, out=TaskShape, status=201, creates=True)
def create(actor: Actor, body: dict[str, Any]) -> Answer:
    """Make a task, for a ticket or without one."""
    http.begin(actor)
    task = tasks.create(actor, body)
    return Answer(tasks.show_one(actor, task.id), headers={"Location": f"/api/tasks/{task.id}"})


@api.call("GET", ONE, Action.TASK_READ, out=TaskShape)
def show(actor: Actor, task_id: int) -> dict[str, Any]:
    """Get a task."""
    return tasks.show_one(actor, task_id)


@api.call("PUT", ONE, Action.TASK_WRITE, body=EditTaskShape, out=TaskShape, if_match=True)
@api.call("PATCH", ONE, Action.TASK_WRITE, body=EditTaskShape, out=TaskShape, if_match=True)
def edit(actor: Actor, task_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named."""
    http.begin(actor)
    task = tasks.take(actor, task_id)
    http.expect_version(task.version, lambda: tasks.show_one(actor, task_id))
    tasks.edit(actor, task, body)
    return tasks.show_one(actor, task_id)


@api.call("DELETE", ONE, Action.TASK_WRITE, status=204, if_match=True)
def destroy(actor: Actor, task_id: int) -> None:
    """Delete a task."""
    http.begin(actor)
    task = tasks.take(actor, task_id)
    http.expect_version(task.version, lambda: tasks.show_one(actor, task_id))
    tasks.destroy(actor, task)
