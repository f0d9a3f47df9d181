"""Many tickets changed at once, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from helpdesk import bulk
from models import BulkEdit, Event, Tag, Team, begin_write, db
from tests.factories import Person, mails, work

START = datetime(2026, 5, 12, 10, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(START, tick=False) as moving:
        yield moving


def change(person: Person, ids: list[int], **changes: Any) -> dict[str, Any]:
    response = person.post("/api/tickets/bulk", {"ids": ids, "changes": changes})
    assert response.status_code == 200, response.json
    done: dict[str, Any] = response.json
    return done


def undo(person: Person, number: int) -> Any:
    return person.post(f"/api/bulk-edits/{number}/undo")


def deeds(person: Person, number: int) -> list[list[str]]:
    """The fields that each deed changed, without the report."""
    found: dict[str, list[str]] = {}
    for event in person.get(f"/api/tickets/{number}/events").json["items"][1:]:
        found.setdefault(event["deed_id"], []).append(event["field"])
    return list(found.values())


def of(seen: dict[str, Any]) -> dict[str, Any]:
    """What a bulk edit changes, and what goes along with it."""
    names = (
        "status", "priority", "category", "team", "assignee", "tags", "is_confidential", "affected_count", "due_at",
        "resolved_at", "closed_at", "first_response_due_at", "resolution_due_at",
    )  # fmt: skip
    return {name: seen[name] for name in names}


def tagged(*names: str) -> None:
    begin_write()
    db.session.add_all(Tag(name=name) for name in names)
    db.session.commit()


def test_each_ticket_is_changed_by_a_deed_of_its_own(agent: Person, admin: Person, customer: Person) -> None:
    tagged("hvac", "exam")
    team = db.session.scalars(select(Team.id).where(Team.slug == "it")).one()
    ids = [customer.reports(title=f"Problem {n}") for n in range(3)]
    agent.sets(ids[0], tags=["exam"])
    wish = {
        "status": "in_progress", "priority": "high", "assignee_id": admin.id, "team_id": team, "category": "it-wifi",
        "add_tags": ["hvac"], "remove_tags": ["exam"],
    }  # fmt: skip
    done = change(agent, [ids[2], ids[0], ids[0], ids[1]], **wish)
    assert (done["done"], done["refused"]) == (ids, [])
    for number in ids:
        seen = agent.sees(number)
        assert (seen["status"], seen["priority"], seen["tags"]) == ("in_progress", "high", ["hvac"])
        assert (seen["assignee"]["id"], seen["team"]["id"], seen["category"]["slug"]) == (admin.id, team, "it-wifi")
        told = deeds(agent, number)[-1]
        assert sorted(told) == ["assignee", "category", "priority", "status", "tags", "team"]


def test_one_that_cannot_be_changed_is_told_and_the_others_are_changed(agent: Person, customer: Person) -> None:
    good, closed, silent = (customer.reports(title=f"Problem {n}") for n in range(3))
    agent.sets(closed, status="closed")
    agent.sets(silent, status="waiting")
    before = agent.sees(closed)
    done = change(agent, [silent, closed, 10**9, good], status="waiting", priority="urgent")
    assert done["done"] == [good, silent]
    assert [(one["id"], one["title"]) for one in done["refused"]] == [
        (closed, "The status cannot change this way"), (10**9, "Not found"),
    ]  # fmt: skip
    assert done["refused"][0]["detail"] == "A ticket that is closed cannot become waiting."
    assert agent.sees(closed) == before  # its priority too
    assert agent.sees(good)["priority"] == "urgent"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ids": [], "changes": {"priority": "low"}}, "ids"),
        ({"ids": list(range(1, 102)), "changes": {"priority": "low"}}, "ids"),
        ({"ids": ["1"], "changes": {"priority": "low"}}, "ids"),
        ({"ids": [1], "changes": {}}, "changes"),
        ({"ids": [1], "changes": {"title": "Mine"}}, "changes"),
        ({"ids": [1], "changes": {"status": "nope"}}, "changes"),
        ({"ids": [1], "changes": {"category": "nope"}}, "category"),
        ({"ids": [1], "changes": {"assignee_id": 10**9}}, "assignee_id"),
        ({"ids": [1], "changes": {"team_id": 10**9}}, "team_id"),
        ({"ids": [1], "changes": {"add_tags": ["nope"]}}, "add_tags"),
        ({"ids": [1], "changes": {"remove_tags": ["nope"]}}, "remove_tags"),
        ({"ids": [1]}, "changes"),
    ],
)
def test_what_no_ticket_could_become_is_refused_for_all(
    agent: Person, customer: Person, body: dict[str, Any], field: str
) -> None:
    customer.reports()
    response = agent.post("/api/tickets/bulk", body)
    assert (response.status_code, list(response.json["errors"])) == (422, [field])
    assert db.session.scalar(select(func.count()).select_from(BulkEdit)) == 0


def test_only_the_staff_change_many(agent: Person, customer: Person) -> None:
    number = customer.reports()
    wish = {"ids": [number], "changes": {"status": "closed"}}
    assert customer.post("/api/tickets/bulk", wish).status_code == 403
    assert agent.sees(number)["status"] == "open"
    assert agent.post("/api/tickets/bulk", wish).json["done"] == [number]


def test_a_bulk_edit_sent_twice_is_done_once(agent: Person, customer: Person) -> None:
    number, key = customer.reports(), {"Idempotency-Key": "once"}
    wish = {"ids": [number], "changes": {"priority": "high"}}
    first, again = (agent.post("/api/tickets/bulk", wish, headers=key) for _ in range(2))
    assert (first.data, again.headers["Idempotent-Replayed"]) == (again.data, "true")
    assert len(deeds(agent, number)) == 1


@pytest.mark.parametrize("start", ["open", "in_progress", "waiting", "resolved", "closed"])
def test_undone_everything_is_as_it_was(app: Flask, clock: time_machine.Coordinates, other: Person, start: str) -> None:
    """The status too, where no transition leads back, and its clocks."""
    tagged("hvac", "exam")
    agent, customer = Person.made(app, "agent"), Person.made(app, "customer")
    other.signs_in()
    number = customer.reports(category="facilities-leaks")
    other.joins(number)
    agent.sets(number, tags=["exam"], assignee_id=agent.id)
    clock.shift(timedelta(hours=1))
    agent.signs_in()
    other.signs_in()
    if start != "open":
        agent.sets(number, status=start)
    clock.shift(timedelta(minutes=5))
    before = of(agent.sees(number))
    to = "open" if start in ("resolved", "closed") else "resolved"
    wish = {"status": to, "priority": "urgent", "assignee_id": None, "add_tags": ["hvac"], "category": "it-accounts"}
    done = change(agent, [number], **wish)
    assert done["undo_until"] == (START + timedelta(hours=1, minutes=5, seconds=30)).isoformat().replace("+00:00", "Z")
    assert of(agent.sees(number)) != before
    clock.shift(timedelta(seconds=30))
    undone = undo(agent, done["id"])
    assert (undone.status_code, undone.json["done"], undone.json["undo_until"]) == (200, [number], None)
    assert of(agent.sees(number)) == before
    assert other.get(f"/api/tickets/{number}").status_code == 200


def test_a_ticket_that_somebody_changed_since_stays_and_the_others_go_back(
    agent: Person, admin: Person, customer: Person
) -> None:
    changed, said, gone, plain = (customer.reports(title=f"Problem {n}") for n in range(4))
    same = customer.reports(title="As wished already")
    agent.sets(same, priority="urgent")
    done = change(agent, [changed, said, gone, plain, same], priority="urgent")
    admin.sets(changed, room="214")
    customer.writes(said)
    assert admin.delete(f"/api/tickets/{gone}").status_code == 204
    undone = undo(agent, done["id"]).json
    assert undone["done"] == [said, plain]
    assert [(one["id"], one["detail"]) for one in undone["refused"]] == [
        (changed, "Somebody changed it since."), (gone, None),
    ]  # fmt: skip
    assert [agent.sees(one)["priority"] for one in (changed, said, plain, same)] == [
        "urgent",
        "normal",
        "normal",
        "urgent",
    ]


def test_it_is_undone_once_by_who_did_it_within_half_a_minute(
    app: Flask, clock: time_machine.Coordinates, admin: Person
) -> None:
    agent, customer = Person.made(app, "agent"), Person.made(app, "customer")
    number = customer.reports()
    first = change(agent, [number], priority="high")["id"]
    assert undo(admin, first).status_code == undo(agent, 10**9).status_code == 404
    assert undo(customer, first).status_code == 403
    assert agent.sees(number)["priority"] == "high"
    assert undo(agent, first).status_code == 200
    assert undo(agent, first).status_code == 409
    late = change(agent, [number], priority="low")["id"]
    clock.shift(timedelta(seconds=31))
    assert undo(agent, late).status_code == 409
    assert agent.sees(number)["priority"] == "low"


def test_nobody_is_mailed_of_what_was_taken_back(app: Flask, clock: time_machine.Coordinates) -> None:
    agent, customer = Person.made(app, "agent"), Person.made(app, "customer")
    kept, back, opened = (customer.reports(title=f"Problem {n}") for n in range(3))
    agent.sets(opened, status="resolved")
    work()

    def resolved() -> int:
        return len([mail for mail in mails(customer.email) if "esolved" in mail["subject"]])

    before = resolved()
    done = change(agent, [kept, back], status="resolved")
    assert resolved() == before
    clock.shift(timedelta(seconds=5))
    agent.sets(back, room="214")  # its undoing is refused
    assert undo(agent, done["id"]).json["done"] == [kept]
    again = change(agent, [opened], status="open")
    assert undo(agent, again["id"]).json["done"] == [opened]
    clock.shift(timedelta(minutes=1))
    assert resolved() == before + 1


def test_bulk_edits_are_kept_for_a_day_and_go_with_whoever_made_them(
    app: Flask, clock: time_machine.Coordinates, admin: Person
) -> None:
    agent, customer = Person.made(app, "agent"), Person.made(app, "customer")

    def count() -> int:
        db.session.rollback()
        return db.session.scalar(select(func.count()).select_from(BulkEdit)) or 0

    number = customer.reports()
    change(agent, [number], priority="high")
    change(admin, [number], priority="low")
    assert admin.delete(f"/api/users/{agent.id}").status_code == 204
    assert count() == 1
    clock.shift(bulk.KEPT_FOR + timedelta(hours=2))
    work()
    assert count() == 0
    assert db.session.scalar(select(func.count()).select_from(Event)) == 3


@pytest.mark.parametrize("whose", ["other", "agent"])
def test_undoing_brings_nobody_back_who_left_or_was_taken_out_meanwhile(
    agent: Person, customer: Person, other: Person, whose: str
) -> None:
    number = customer.reports()
    other.joins(number)
    done = change(agent, [number], priority="high")
    path = f"/api/tickets/{number}/affected/"
    assert (other.delete(f"{path}me") if whose == "other" else agent.delete(f"{path}{other.id}")).status_code == 204
    assert undo(agent, done["id"]).status_code == 200
    assert agent.sees(number)["priority"] == "normal"
    assert other.get(f"/api/tickets/{number}").status_code == 404
    assert agent.sees(number)["affected_count"] == 1


def test_undoing_counts_nobody_in_who_was_erased_meanwhile(
    agent: Person, admin: Person, customer: Person, other: Person
) -> None:
    number = customer.reports()
    other.joins(number)
    done = change(agent, [number], category="it-accounts")
    assert admin.delete(f"/api/users/{other.id}").status_code == 204
    assert undo(agent, done["id"]).status_code == 200
    assert agent.sees(number)["affected_count"] == 1
