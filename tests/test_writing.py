"""Drafts of the staff, and who else has a ticket open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from models import Draft, Presence, db, now
from tests.conftest import statements
from tests.factories import Person, work


def draft(number: int) -> str:
    return f"/api/tickets/{number}/draft"


def presence(number: int) -> str:
    return f"/api/tickets/{number}/presence"


def count(model: Any) -> int:
    db.session.remove()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


# --- drafts -----------------------------------------------------------------------------------------------------------


def test_a_draft_is_kept_until_the_next_one(agent: Person, customer: Person) -> None:
    number, photo = customer.reports(), agent.uploads()
    assert agent.get(draft(number)).status_code == 404
    wish = {"text": "Half a sen", "audience": "internal", "then": "waiting", "images": [photo]}
    assert agent.put(draft(number), wish).status_code == 204
    found = agent.get(draft(number)).json
    assert {name: found[name] for name in wish} == wish
    assert agent.put(draft(number), {"text": "A sentence"}).status_code == 204
    found = agent.get(draft(number)).json
    assert (found["text"], found["audience"], found["then"], found["images"]) == ("A sentence", None, None, [])
    assert agent.delete(draft(number)).status_code == 204
    assert agent.delete(draft(number)).status_code == 204
    assert agent.get(draft(number)).status_code == 404


def test_nobody_else_reads_a_draft(app: Flask, agent: Person, admin: Person, customer: Person) -> None:
    number = customer.reports()
    agent.put(draft(number), {"text": "Mine alone"})
    assert agent.get(draft(number)).json["text"] == "Mine alone"
    for person in (admin, Person.made(app, "agent")):
        assert person.get(draft(number)).status_code == 404
        person.delete(draft(number))
        person.put(draft(number), {"text": "Another"})
    assert agent.get(draft(number)).json["text"] == "Mine alone"
    assert customer.get(draft(number)).status_code == 403


def test_nothing_is_kept_of_nothing(agent: Person, customer: Person) -> None:
    number = customer.reports()
    agent.put(draft(number), {"text": "Something"})
    assert agent.put(draft(number), {"text": "  "}).status_code == 204
    assert agent.get(draft(number)).status_code == 404
    assert count(Draft) == 0


def test_a_draft_holds_ones_own_uploads_as_long_as_they_are_there(
    agent: Person, admin: Person, customer: Person
) -> None:
    number, photo = customer.reports(), agent.uploads()
    assert admin.put(draft(number), {"text": "x", "images": [photo]}).status_code == 422
    assert agent.put(draft(number), {"text": "x", "images": [photo]}).status_code == 204
    assert agent.delete(f"/api/images/{photo}").status_code == 204
    assert agent.get(draft(number)).json["images"] == []


def test_a_draft_is_forgotten_after_thirty_days_and_with_its_writer(
    agent: Person, admin: Person, customer: Person
) -> None:
    old, new = customer.reports(), customer.reports()
    with time_machine.travel(now() - timedelta(days=31), tick=False):
        agent.signs_in()
        agent.put(draft(old), {"text": "Old"})
    agent.signs_in()
    agent.put(draft(new), {"text": "New"})
    work()
    assert agent.get(draft(old)).status_code == 404
    assert agent.get(draft(new)).json["text"] == "New"
    assert admin.delete(f"/api/users/{agent.id}").status_code == 204
    assert count(Draft) == 0


def test_a_draft_goes_with_its_ticket(agent: Person, admin: Person, customer: Person) -> None:
    number = customer.reports()
    agent.put(draft(number), {"text": "Soon"})
    agent.put(presence(number), {"is_writing": True})
    assert admin.delete(f"/api/tickets/{number}").status_code == 204
    assert count(Draft) == count(Presence) == 0


# --- who else is there ------------------------------------------------------------------------------------------------


def test_each_sees_the_others_and_whether_they_write(agent: Person, admin: Person, customer: Person) -> None:
    number, elsewhere = customer.reports(), customer.reports()
    assert agent.put(presence(number), {"is_writing": False}).json == {"people": []}
    assert admin.put(presence(number), {"is_writing": True}).json["people"] == [
        {"id": agent.id, "name": agent.name, "is_writing": False}
    ]
    assert agent.put(presence(number), {"is_writing": False}).json["people"][0]["is_writing"] is True
    assert agent.put(presence(elsewhere), {"is_writing": False}).json["people"] == []
    assert admin.delete(presence(number)).status_code == 204
    assert agent.put(presence(number), {"is_writing": False}).json["people"] == []
    assert customer.put(presence(number), {"is_writing": False}).status_code == 403


def test_a_sign_counts_for_forty_five_seconds(agent: Person, admin: Person, customer: Person) -> None:
    number, at = customer.reports(), now().replace(microsecond=0)
    with time_machine.travel(at, tick=False) as clock:
        admin.put(presence(number), {"is_writing": False})
        for seconds, there in ((44, 1), (46, 0)):
            clock.move_to(at + timedelta(seconds=seconds))
            assert len(agent.put(presence(number), {"is_writing": False}).json["people"]) == there


def test_a_sign_costs_two_statements_and_a_write_every_ten_seconds(agent: Person, customer: Person) -> None:
    number, at = customer.reports(), now().replace(microsecond=0)

    def writes(is_writing: bool) -> bool:
        with statements() as seen:
            assert agent.put(presence(number), {"is_writing": is_writing}).status_code == 200
        asked = [one for one in seen if "sessions" not in one]
        assert len(asked) <= 2, asked
        return any(one.startswith("INSERT INTO presences") for one in asked)

    with time_machine.travel(at, tick=False) as clock:
        agent.signs_in()
        told = [writes(False), writes(False), writes(True), writes(True)]
        clock.move_to(at + timedelta(seconds=11))
        assert [*told, writes(True)] == [True, False, True, False, True]


def test_who_is_gone_is_forgotten(agent: Person, admin: Person, customer: Person) -> None:
    number = customer.reports()
    with time_machine.travel(now() - timedelta(minutes=2), tick=False):
        agent.signs_in()
        agent.put(presence(number), {"is_writing": True})
    admin.put(presence(number), {"is_writing": True})
    work()
    assert count(Presence) == 1
    assert admin.delete(f"/api/users/{agent.id}").status_code == 204
    assert customer.get(f"/api/tickets/{number}").status_code == 200


@pytest.mark.parametrize("path", [draft, presence])
def test_on_a_ticket_that_is_not_there_nothing_is_kept(agent: Person, path: Any) -> None:
    body = {"text": "x"} if path is draft else {"is_writing": True}
    assert agent.put(path(10**9), body).status_code == 404
    assert agent.delete(path(10**9)).status_code == 404
    assert count(Draft) == count(Presence) == 0
