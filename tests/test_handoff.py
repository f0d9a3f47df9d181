"""From one team to another: who sends it there says why, and whoever had it there has it no more."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from models import Ticket, db
from tests.factories import Person, mails
from tests.pages import Page, Reader
from tests.test_teams import gives_out, has, joins, team

WHY = "It is the access point, not the ceiling."
ASKED = {"handoff_reason": ["Say why it leaves its team."]}


def events(person: Person, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"/api/tickets/{number}/events").json["items"]
    return found


def hands(person: Person, number: int, slug: str = "it", **more: Any) -> dict[str, Any]:
    return person.sets(number, team_id=team(slug), handoff_reason=WHY, **more)


def test_who_hands_it_to_another_team_says_why(agent: Person, customer: Person) -> None:
    number = customer.reports()
    path = f"/api/tickets/{number}"
    for body in ({"team_id": team("it")}, {"team_id": team("it"), "handoff_reason": " "}):
        asked = agent.patch(path, body)
        assert (asked.status_code, list(asked.json["errors"])) == (422, ["handoff_reason"])
    assert agent.patch(path, {"team_id": team("it")}).json["errors"] == ASKED
    assert agent.patch(path, {"team_id": team("it"), "handoff_reason": "x" * 501}).status_code == 422
    assert agent.sees(number)["version"] == 1
    assert hands(agent, number)["team"]["slug"] == "it"
    told = events(agent, number)[-2:]
    assert [(e["field"], e["to_value"]) for e in told] == [("team", "IT"), ("handoff", WHY)]
    assert told[0]["deed_id"] == told[1]["deed_id"]


def test_the_reason_is_read_by_the_staff_alone(agent: Person, customer: Person, other: Person) -> None:
    number = customer.reports()
    other.joins(number)
    hands(agent, number)
    assert WHY in agent.get(f"/api/tickets/{number}/timeline").get_data(as_text=True)
    for person in (customer, other):
        for part in ("", "/events", "/timeline", "/comments"):
            assert WHY not in person.get(f"/api/tickets/{number}{part}").get_data(as_text=True)
    assert "team" in {event["field"] for event in events(customer, number)}
    assert customer.patch(f"/api/tickets/{number}", {"handoff_reason": "No"}).status_code == 403


def test_who_takes_it_from_its_team_to_none_says_why_and_it_was_passed_on_once(agent: Person, customer: Person) -> None:
    number = customer.reports()
    path = f"/api/tickets/{number}"
    for body in ({"team_id": None}, {"team_id": None, "category": "it-wifi"}):
        assert agent.patch(path, body).json["errors"] == ASKED
    assert agent.sets(number, team_id=None, handoff_reason=WHY)["team"] is None
    assert agent.sets(number, team_id=team("it"))["team"]["slug"] == "it"
    assert [event["to_value"] for event in events(agent, number) if event["field"] == "handoff"] == [WHY]
    assert db.session.scalar(select(Ticket.handoff_count).where(Ticket.id == number)) == 1


def test_a_team_that_is_deleted_passed_nothing_on(agent: Person, admin: Person, customer: Person) -> None:
    number = customer.reports()
    assert admin.delete(f"/api/teams/{team('facilities')}").status_code == 204
    assert agent.sees(number)["team"] is None
    assert db.session.scalar(select(Ticket.handoff_count).where(Ticket.id == number)) == 0


def test_nothing_is_asked_for_a_first_team_or_for_what_a_category_brings_along(agent: Person, customer: Person) -> None:
    number = customer.reports()
    assert agent.sets(number, team_id=None, handoff_reason=WHY)["team"] is None
    assert agent.sets(number, team_id=team("it"))["team"]["slug"] == "it"
    assert agent.sets(number, team_id=team("it"))["team"]["slug"] == "it"
    assert agent.sets(number, category="services-cleaning")["team"]["slug"] == "services"
    assert agent.sets(number, category="it-wifi", team_id=team("it"))["team"]["slug"] == "it"
    other = {"category": "services-cleaning", "team_id": team("facilities")}
    assert agent.patch(f"/api/tickets/{number}", other).json["errors"] == ASKED
    assert [event["field"] for event in events(agent, number)].count("handoff") == 1


def test_an_unknown_team_is_told_before_a_reason_is_asked_for(agent: Person, customer: Person) -> None:
    refused = agent.patch(f"/api/tickets/{customer.reports()}", {"team_id": 10**9})
    assert list(refused.json["errors"]) == ["team_id"]


def test_who_is_not_in_the_new_team_has_it_no_more(app: Flask, agent: Person, admin: Person, customer: Person) -> None:
    colleague = Person.made(app, "agent")
    joins(admin, colleague, slug="it")
    for assignee, expected in ((agent, None), (colleague, colleague.id)):
        number = customer.reports()
        admin.sets(number, assignee_id=assignee.id)
        hands(admin, number)
        assert has(admin, number) == expected
    number = customer.reports()
    admin.sets(number, assignee_id=agent.id)
    hands(admin, number, assignee_id=admin.id)
    assert has(admin, number) == admin.id
    admin.sets(number, category="services-cleaning")  # the category's team is another team too
    assert has(admin, number) is None


def test_a_team_that_gives_out_its_work_gives_out_what_it_is_handed(
    app: Flask, agent: Person, admin: Person, customer: Person
) -> None:
    colleague = Person.made(app, "agent", name="Ben Okafor")
    joins(admin, colleague, slug="it")
    gives_out(admin, "it")
    number = customer.reports()
    admin.sets(number, assignee_id=agent.id)
    before = admin.sees(number)["version"]
    shown = hands(admin, number)
    assert (shown["assignee"]["id"], shown["version"]) == (colleague.id, before + 1)
    told = [(e["field"], e["actor_kind"]) for e in events(admin, number)][-4:]
    assert len({event["deed_id"] for event in events(admin, number)[-4:]}) == 1
    assert told == [("team", "user"), ("assignee", "user"), ("handoff", "user"), ("assignee", "system")]
    page = Reader(app, admin).reads(f"/staff/tickets/{number}")
    assert page.says("set the team to IT , took it off Priya Nair and said why: " + WHY) or page.says(WHY)
    assert page.says("Helpdesk assigned Ben Okafor")
    # what is over is given to nobody
    done = customer.reports()
    admin.sets(done, status="resolved")
    hands(admin, done)
    assert has(admin, done) is None


def test_many_at_once_are_handed_on_without_a_reason_and_put_back(
    app: Flask, agent: Person, admin: Person, customer: Person
) -> None:
    colleague = Person.made(app, "agent")
    joins(admin, colleague, slug="it")
    gives_out(admin, "it")
    numbers = [customer.reports() for _ in range(3)]
    admin.sets(numbers[0], assignee_id=agent.id)
    before = [admin.sees(number) for number in numbers]
    done = admin.post("/api/tickets/bulk", {"ids": numbers, "changes": {"team_id": team("it")}})
    assert (done.status_code, done.json["done"]) == (200, numbers)
    assert [has(admin, number) for number in numbers] == [colleague.id] * 3
    undone = admin.post(f"/api/bulk-edits/{done.json['id']}/undo")
    assert (undone.status_code, undone.json["done"]) == (200, numbers)
    for number, was in zip(numbers, before, strict=True):
        now_ = admin.sees(number)
        assert (now_["team"], now_["assignee"]) == (was["team"], was["assignee"])
    assert mails(colleague.email) == []  # what never was is told to nobody
    hands(admin, numbers[1])
    (mail,) = mails(colleague.email)
    assert f"#{numbers[1]}" in mail["subject"]


@pytest.mark.parametrize("with_reason", [True, False])
def test_the_ticket_page_asks_for_the_reason_where_the_team_is_chosen(
    app: Flask, agent: Person, customer: Person, with_reason: bool
) -> None:
    number = customer.reports()
    reader = Reader(app, agent)
    path = f"/staff/tickets/{number}"
    page = reader.reads(path)
    assert page.form_to(path, button="Save properties").data()["handoff_reason"] == [""]
    form = page.form_to(path, button="Save properties")
    refused = reader.sends(form, team_id=str(team("it")), text="Half a sentence")
    assert refused.status_code == 422
    asked = Page(refused)
    assert asked.says("Say why it leaves its team")
    again = asked.form_to(path, button="Save properties")
    kept = again.data()
    assert kept["team_id"] == [str(team("it"))]
    assert kept["handoff_reason"] == [""]
    assert agent.sees(number)["team"]["slug"] == "facilities"
    answer = reader.sends(again, handoff_reason=WHY if with_reason else " ", text="")
    assert answer.status_code == (303 if with_reason else 422)
    assert agent.sees(number)["team"]["slug"] == ("it" if with_reason else "facilities")
    if with_reason:
        assert events(agent, number)[-1]["to_value"] == WHY
