"""Teams: who works in which, what goes to whom by itself, and who is away."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from models import AuditEvent, Category, Membership, SavedView, Team, Ticket, User, db, now
from tests.conftest import statements
from tests.factories import Person, a_report, hashed, mails
from tests.pages import Reader
from tests.test_races import at_once
from tests.world import World

CATEGORY = "facilities-leaks"
MANY = 12 if os.environ.get("TEST_DATABASE_URL") else 8


def team(slug: str = "facilities") -> int:
    return db.session.scalars(select(Team.id).where(Team.slug == slug)).one()


def joins(admin: Person, *people: Person, slug: str = "facilities", **how: Any) -> None:
    for person in people:
        response = admin.put(f"/api/teams/{team(slug)}/members/{person.id}", how)
        assert response.status_code == 200, response.json


def gives_out(admin: Person, slug: str = "facilities", *, on: bool = True) -> None:
    assert admin.patch(f"/api/teams/{team(slug)}", {"assigns": on}).status_code == 200


def has(person: Person, number: int) -> int | None:
    found = person.sees(number)["assignee"]
    return found["id"] if found else None


@pytest.fixture
def crew(app: Flask, admin: Person) -> list[Person]:
    """Three agents in a team that gives out its work, in the order of their numbers."""
    people = [Person.made(app, "agent", name=name) for name in ("Ana Silva", "Ben Okafor", "Cleo Hart")]
    joins(admin, *people)
    gives_out(admin)
    return people


# --- members ----------------------------------------------------------------------------------------------------------


def test_who_works_here_no_more_is_in_no_team(admin: Person, agent: Person) -> None:
    joins(admin, agent)
    assert admin.patch(f"/api/users/{agent.id}", {"role": "customer"}).status_code == 200
    assert admin.get(f"/api/teams/{team()}").json["members"] == []


def test_a_person_works_in_one_team_with_a_capacity_of_their_own_there(admin: Person, agent: Person) -> None:
    joins(admin, agent, capacity=3)
    (member,) = agent.get(f"/api/teams/{team()}").json["members"]
    assert (member["id"], member["capacity"], member["is_away"], member["unfinished_count"]) == (agent.id, 3, False, 0)
    assert agent.get("/api/users/me").json["team"]["slug"] == "facilities"
    joins(admin, agent)  # what is left out stays
    assert agent.get(f"/api/teams/{team()}").json["members"][0]["capacity"] == 3
    joins(admin, agent, slug="it")
    assert agent.get(f"/api/teams/{team()}").json["members"] == []
    assert agent.get(f"/api/teams/{team('it')}").json["members"][0]["capacity"] is None
    path = f"/api/teams/{team('it')}/members/{agent.id}"
    assert agent.delete(path).status_code == 403
    assert admin.delete(path).status_code == 204
    assert admin.delete(path).status_code == 404
    assert agent.get("/api/users/me").json["team"] is None
    on_record = list(
        db.session.scalars(
            select(AuditEvent.action).where(AuditEvent.action.startswith("team")).order_by(AuditEvent.id)
        )
    )
    assert on_record == ["team.member"] * 3 + ["team.member_removed"]


def test_only_the_staff_work_in_a_team(admin: Person, agent: Person, customer: Person) -> None:
    path = f"/api/teams/{team()}/members"
    assert admin.put(f"{path}/{customer.id}", {}).status_code == 409
    assert admin.put(f"{path}/{10**9}", {}).status_code == 404
    assert agent.put(f"{path}/{agent.id}", {}).status_code == 403
    for body in ({"capacity": 0}, {"capacity": "3"}, {"capacity": 1001}, {"is_away": None}, {"team_id": 1}):
        assert admin.put(f"{path}/{agent.id}", body).status_code == 422, body
    over = (now() - timedelta(hours=1)).isoformat()
    assert admin.put(f"{path}/{agent.id}", {"away_until": over}).status_code == 422
    assert admin.put(f"{path}/{agent.id}", {"capacity": None}).status_code == 200


def test_a_change_of_the_person_leaves_how_they_work_in_the_team_as_it_is(admin: Person, agent: Person) -> None:
    joins(admin, agent, capacity=3)
    assert admin.patch(f"/api/users/{agent.id}", {"team_id": team(), "name": "Priya N."}).status_code == 200
    assert admin.get(f"/api/teams/{team()}").json["members"][0]["capacity"] == 3


def test_a_team_that_somebody_changed_is_not_overwritten(admin: Person, agent: Person) -> None:
    path = f"/api/teams/{team()}"
    etag = admin.get(path).headers["ETag"]
    joins(admin, agent)  # a member more is a change of the team
    for team_id in (team("it"), None, team()):  # by way of the person too, in and out
        before = admin.get(path).json["version"]
        assert admin.patch(f"/api/users/{agent.id}", {"team_id": team_id}).status_code == 200
        assert admin.get(path).json["version"] == before + (team_id is not None)
    stale = admin.patch(path, {"name": "Lost"}, headers={"If-Match": etag})
    assert (stale.status_code, len(stale.json["current"]["members"])) == (412, 1)
    fresh = admin.patch(path, {"name": "Kept"}, headers={"If-Match": stale.headers["ETag"]})
    assert (fresh.status_code, fresh.json["name"]) == (200, "Kept")


def test_a_list_that_was_saved_follows_a_new_name(admin: Person, agent: Person) -> None:
    agent.post("/api/tags", {"name": "hvac"})
    filters = {"team": ["it", "facilities"], "tag": ["hvac"], "category": ["it-wifi"]}
    view = agent.post("/api/views", {"name": "Mine", "filters": filters}).json["id"]
    tag = agent.get("/api/tags").json["items"][0]["id"]
    assert admin.patch(f"/api/teams/{team('it')}", {"slug": "digital"}).status_code == 200
    assert agent.patch(f"/api/tags/{tag}", {"name": "air"}).json["name"] == "air"
    found = db.session.get_one(SavedView, view).filters
    assert found == {"team": ["digital", "facilities"], "tag": ["air"], "category": ["it-wifi"]}


def test_teams_are_two_statements_however_many_there_are(app: Flask, admin: Person) -> None:
    counts = []
    for number in range(2):
        for one in range(number * 3):
            admin.post("/api/teams", {"slug": f"crew-{one}", "name": "Crew"})
            joins(admin, Person.made(app, "agent"), slug=f"crew-{one}")
        with statements() as seen:
            admin.get("/api/teams")
        counts.append(len(seen))
    assert counts[0] == counts[1]


# --- away -------------------------------------------------------------------------------------------------------------


def test_agents_say_for_themselves_that_they_are_away_and_admins_for_anybody(
    app: Flask, agent: Person, admin: Person
) -> None:
    path = "/api/users/me/away"
    assert agent.put(path, {}).status_code == 409  # in no team
    joins(admin, agent)

    def shown() -> tuple[bool, Any, bool]:
        member = admin.get(f"/api/teams/{team()}").json["members"][0]
        return member["is_away"], member["away_until"], admin.get(f"/api/users/{agent.id}").json["is_away"]

    assert agent.put(path, {"until": None}).status_code == 204
    assert shown() == (True, None, True)
    assert agent.delete(path).status_code == 204
    assert shown() == (False, None, False)
    until = now() + timedelta(hours=3)
    assert agent.put(path, {"until": until.isoformat()}).status_code == 204
    assert shown()[0]
    with time_machine.travel(until + timedelta(seconds=1)):
        admin.signs_in()
        assert shown() == (False, None, False)  # back without a word
    admin.signs_in()
    over = (now() - timedelta(hours=1)).isoformat()
    assert agent.put(path, {"until": over}).status_code == 422
    joins(admin, agent, is_away=False)
    assert shown() == (False, None, False)
    joins(admin, agent, away_until=until.isoformat())
    assert shown()[0]


# --- what goes to whom by itself --------------------------------------------------------------------------------------


def test_what_is_new_goes_to_whoever_has_least_to_do_and_says_so(
    admin: Person, customer: Person, crew: list[Person]
) -> None:
    numbers = [customer.reports() for _ in range(4)]
    assert [has(admin, number) for number in numbers] == [crew[0].id, crew[1].id, crew[2].id, crew[0].id]
    (event,) = [e for e in admin.get(f"/api/tickets/{numbers[0]}/events").json["items"] if e["field"] == "assignee"]
    assert (event["actor_kind"], event["to_user"]["id"], event["from_user"]) == ("system", crew[0].id, None)
    assert customer.sees(numbers[0])["assignee"]["name"] == "Ana Silva"
    # what is over is nobody's work; of those with as much to do, who was given something longest ago
    admin.sets(numbers[0], status="resolved")
    admin.sets(numbers[3], status="closed")
    assert has(admin, customer.reports()) == crew[0].id
    assert has(admin, customer.reports()) == crew[1].id


def test_whoever_is_given_it_hears_of_it_and_the_rest_of_the_team_does_not(
    admin: Person, customer: Person, crew: list[Person]
) -> None:
    number = customer.reports()
    (mail,) = mails(crew[0].email)
    assert f"#{number}" in mail["subject"]
    assert mails(crew[1].email) == mails(crew[2].email) == []


def test_what_waits_for_its_reporter_is_still_work(admin: Person, customer: Person, crew: list[Person]) -> None:
    number = customer.reports()
    admin.sets(number, status="waiting")
    assert has(admin, customer.reports()) == crew[1].id


def test_who_is_away_full_or_gone_is_given_nothing(admin: Person, customer: Person, crew: list[Person]) -> None:
    ana, ben, cleo = crew
    assert ana.put("/api/users/me/away", {}).status_code == 204
    joins(admin, cleo, capacity=1)
    assert [has(admin, customer.reports()) for _ in range(4)] == [ben.id, cleo.id, ben.id, ben.id]
    assert admin.patch(f"/api/users/{ben.id}", {"is_active": False}).status_code == 200
    assert has(admin, customer.reports()) is None  # nobody is there
    joins(admin, cleo, capacity=2)
    assert has(admin, customer.reports()) == cleo.id
    assert ana.delete("/api/users/me/away").status_code == 204
    assert has(admin, customer.reports()) == ana.id


def test_who_is_invited_and_never_came_is_given_nothing(
    app: Flask, admin: Person, agent: Person, customer: Person
) -> None:
    invitation = {"email": "new@campus.test", "name": "Ada New", "role": "agent", "team_id": team()}
    invited = admin.post("/api/users", invitation).json["id"]
    gives_out(admin)
    assert has(admin, customer.reports(category=CATEGORY)) is None
    assert Reader(app, agent).reads(f"/staff/admin/teams/{team()}").says("Ada New Invited")
    [member] = admin.get(f"/api/teams/{team()}").json["members"]
    assert (member["id"], member["is_invited"]) == (invited, True)
    db.session.execute(update(User).where(User.id == invited).values(password_hash=hashed()))  # and comes in
    db.session.commit()
    assert has(admin, customer.reports(category=CATEGORY)) == invited
    assert not Reader(app, agent).reads(f"/staff/admin/teams/{team()}").says("Ada New Invited")


def test_nobody_is_given_anything_where_the_admin_did_not_choose_so(
    admin: Person, customer: Person, crew: list[Person]
) -> None:
    gives_out(admin, on=False)
    assert has(admin, customer.reports()) is None
    assert has(admin, customer.reports(category="it-wifi")) is None
    gives_out(admin)
    assert has(admin, customer.reports()) == crew[0].id


def test_who_is_named_gets_it_and_nobody_where_nobody_is(admin: Person, agent: Person, crew: list[Person]) -> None:
    assert has(admin, admin.reports(assignee_id=agent.id)) == agent.id
    assert has(admin, admin.reports(assignee_id=None)) is None
    assert has(admin, admin.reports(team_id=None)) is None
    assert has(admin, admin.reports(category="it-wifi", team_id=team())) == crew[0].id


def test_a_guests_report_is_given_to_somebody_once_it_is_confirmed(
    app: Flask, admin: Person, crew: list[Person]
) -> None:
    world = World(app)
    token = world.guest_report(category=CATEGORY)
    held = db.session.scalars(select(Ticket).where(Ticket.held)).one()
    number = held.id
    assert held.assignee_id is None
    assert Person(app).post("/api/tickets/confirm", {"token": token}).status_code == 200
    assert has(admin, number) == crew[0].id
    assert Person(app).post("/api/tickets/confirm", {"token": token}).status_code == 200
    events = admin.get(f"/api/tickets/{number}/events").json["items"]
    assert sum(event["field"] == "assignee" for event in events) == 1


def test_two_who_change_places_at_once_do_so_whoever_waits_for_whom(
    app: Flask, admin: Person, crew: list[Person]
) -> None:
    """Each form locks the team that it is of, and then the one that is left."""
    ana, ben = crew[:2]
    joins(admin, ben, slug="it")
    reader = Reader(app, admin)
    for turn in range(3):
        here, there = ("facilities", "it") if turn % 2 == 0 else ("it", "facilities")

        def moves(person: Person, slug: str) -> Callable[[], TestResponse]:
            path = f"/staff/admin/teams/{team(slug)}"
            form = reader.reads(path).form_to(f"{path}/members", button="Add member")
            return lambda: Reader(app, admin).sends(form, user_id=str(person.id))

        answers = at_once(app, [moves(ana, there), moves(ben, here)])
        found = sorted(answer.status_code for answer in answers)
        assert found in ([303, 303], [303, 412]), "the form of a team that somebody left meanwhile is out of date"
        joins(admin, ana, slug=there)
        joins(admin, ben, slug=here)


def test_many_reports_at_once_are_spread_evenly(
    app: Flask, admin: Person, customer: Person, crew: list[Person]
) -> None:
    answers = at_once(app, [lambda: customer.post("/api/tickets", a_report())] * MANY)
    assert {answer.status_code for answer in answers} == {201}
    db.session.remove()
    found = Counter(db.session.scalars(select(Ticket.assignee_id)))
    assert set(found) == {person.id for person in crew}
    assert max(found.values()) - min(found.values()) <= 1, found


def test_giving_out_costs_few_statements_and_nothing_where_a_team_gives_out_nothing(
    app: Flask, admin: Person, customer: Person, crew: list[Person]
) -> None:
    def count(category: str) -> int:
        with statements() as seen:
            customer.reports(category=category)
        return len(seen)

    for category in (CATEGORY, "it-wifi"):
        count(category)
    no_team = db.session.scalars(select(Category).where(Category.slug == "services-cleaning")).one()
    db.session.execute(update(Category).where(Category.id == no_team.id).values(team_id=None))
    db.session.commit()
    without, unassigned, given = count("services-cleaning"), count("it-wifi"), count(CATEGORY)
    assert unassigned == without + 1
    # whose turn it is, and the row of the history with the times that it moves
    assert given <= unassigned + 5
    for _ in range(5):
        joins(admin, Person.made(app, "agent"))
    assert count(CATEGORY) == given


def test_a_category_whose_team_is_deleted_gives_out_nothing(
    admin: Person, customer: Person, crew: list[Person]
) -> None:
    assert admin.delete(f"/api/teams/{team()}").status_code == 204
    number = customer.reports()
    assert (admin.sees(number)["team"], has(admin, number)) == (None, None)
    assert db.session.scalar(select(Membership.user_id)) is None
