"""The staff's tasks, and what a ticket's history tells of them."""

from __future__ import annotations

from datetime import timedelta

import time_machine

from models import now
from tests.factories import Person


def make(person: Person, **fields: object) -> int:
    response = person.post("/api/tasks", {"title": "Clear the condensate trap", **fields})
    assert response.status_code == 201, response.json
    assert response.headers["Location"] == f"/api/tasks/{response.json['id']}"
    return int(response.json["id"])


def found(person: Person, query: str) -> list[int]:
    response = person.get(f"/api/tasks?{query}")
    assert response.status_code == 200, response.json
    return [task["id"] for task in response.json["items"]]


def test_tasks_are_the_staffs_own(agent: Person, customer: Person) -> None:
    number = make(agent)
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("GET", f"/{number}"),
        ("PATCH", f"/{number}"),
        ("DELETE", f"/{number}"),
    ):
        body = {"title": "Mine"} if method in {"POST", "PATCH"} else None
        assert customer.open(method, f"/api/tasks{path}", json=body).status_code == 403
    assert agent.get(f"/api/tasks/{number}").json["created_by"] == {"id": agent.id, "name": "Priya Nair"}


def test_a_task_is_changed_field_by_field_and_done_has_a_time(agent: Person, admin: Person, customer: Person) -> None:
    number = make(agent)
    path = f"/api/tasks/{number}"
    due = (now() + timedelta(days=1)).replace(microsecond=0)
    changed = agent.patch(
        path, {"priority": "high", "assignee_id": admin.id, "due_at": due.isoformat(), "description": "AHU-3"}
    ).json
    assert (changed["priority"], changed["assignee"]["name"], changed["version"]) == ("high", "Ada Byron", 2)
    assert changed["due_at"] == due.isoformat().replace("+00:00", "Z")
    assert agent.put(path, {"priority": "high"}).json["version"] == 2
    done = agent.patch(path, {"status": "done", "due_at": None}).json
    assert done["done_at"] is not None
    assert done["due_at"] is None
    assert agent.patch(path, {"status": "todo"}).json["done_at"] is None
    assert agent.patch(path, {"assignee_id": customer.id}).status_code == 422
    assert agent.patch(path, {"ticket_id": 10**9}).status_code == 422
    assert agent.delete(path).status_code == 204
    assert agent.get(path).status_code == 404
    assert agent.delete(path).status_code == 404


def test_a_stale_task_is_refused_with_what_it_is_now(agent: Person, admin: Person) -> None:
    path = f"/api/tasks/{make(agent)}"
    etag = agent.get(path).headers["ETag"]
    admin.patch(path, {"title": "Clear both traps"})
    stale = agent.patch(path, {"title": "Lost"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json["current"]["title"]) == (412, "Clear both traps")
    assert agent.delete(path, headers={"If-Match": etag}).status_code == 412
    assert agent.delete(path, headers={"If-Match": stale.headers["ETag"]}).status_code == 204


def test_filters_find_what_is_due_and_whose_it_is(agent: Person, admin: Person, customer: Person) -> None:
    ticket = customer.reports()
    at = now()
    late = make(agent, due_at=(at - timedelta(hours=1)).isoformat(), assignee_id=agent.id, priority="high")
    week = make(agent, due_at=(at + timedelta(days=3)).isoformat(), ticket_id=ticket)
    never = make(agent, assignee_id=admin.id, status="in_progress")
    done = make(agent, due_at=(at - timedelta(hours=2)).isoformat(), status="done", assignee_id=agent.id)
    expected = {
        "": [done, late, week, never],
        "due=overdue": [late],
        "assignee=me": [done, late],
        f"assignee={admin.id}": [never],
        "assignee=none": [week],
        "status=in_progress": [never],
        "status=todo&status=done": [done, late, week],
        "priority=high": [late],
        f"ticket_id={ticket}": [week],
        "sort=-due_at": [never, week, late, done],
        "sort=-priority&limit=1": [late],
    }
    assert {query: found(agent, query) for query in expected} == expected
    assert week in found(agent, "due=week")


def test_today_is_the_campus_day(agent: Person) -> None:
    with time_machine.travel("2026-05-12T08:00:00Z", tick=False):
        agent.signs_in()
        today = make(agent, due_at="2026-05-12T23:00:00Z")
        make(agent, due_at="2026-05-13T00:30:00Z")
        assert found(agent, "due=today") == [today]


def test_a_tickets_history_tells_of_its_tasks_to_the_staff_alone(agent: Person, customer: Person) -> None:
    ticket = customer.reports()
    task = make(agent, ticket_id=ticket)
    agent.patch(f"/api/tasks/{task}", {"status": "done", "title": "Trap cleared"})
    agent.delete(f"/api/tasks/{task}")

    def told(person: Person) -> list[object]:
        events = person.get(f"/api/tickets/{ticket}/events").json["items"]
        return [event["to_value"] for event in events if event["field"] == "task"]

    assert told(agent) == ["todo", "done", "deleted"]
    assert told(customer) == []
