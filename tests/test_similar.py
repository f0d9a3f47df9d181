"""What may be the same problem: found when it is, in two languages, and not suggested when it is not."""

from __future__ import annotations

import pytest
from flask import Flask

import insert_dummy_data
from models import Building, begin_write, db
from tests.factories import Person
from tests.similar_pairs import PAIRS
from tests.world import World

Pair = tuple[str, str, str, str, str, str | None]


def pairs() -> list[Pair]:
    found: list[Pair] = []
    for line in PAIRS.strip().splitlines():
        verdict, typed, chosen, title, building, room = (part.strip() for part in line.split("|"))
        found.append((verdict, typed, chosen, title, building, room or None))
    return found


def suggested(person: Person, title: str, **query: str) -> list[int]:
    response = person.get("/api/tickets/similar", query_string={"title": title, **query})
    assert response.status_code == 200, response.get_data(as_text=True)
    return [item["id"] for item in response.json["items"]]


def test_the_same_problem_is_suggested_and_others_are_not(app: Flask) -> None:
    """Among the demo campus: nine of ten of the same are in the top three, one of ten of the others is suggested."""
    assert insert_dummy_data.main(["--tickets", "100"], app=app) == 0
    reporter, typist = Person.made(app, "customer"), Person.made(app, "customer")
    numbers: dict[tuple[str, str], int] = {}
    found, misses, wrong = 0, [], []
    for verdict, typed, chosen, title, building, room in pairs():
        if (title, building) not in numbers:
            place = {"building": building} | ({"room": room} if room else {})
            numbers[title, building] = reporter.reports(title=title, category="facilities", **place)
        number = numbers[title, building]
        likely = suggested(typist, typed, building=chosen)
        if verdict == "same":
            found += number in likely[:3]
            misses += [] if number in likely[:3] else [typed]
        elif number in likely:
            wrong.append(typed)
    same = sum(verdict == "same" for verdict, *_ in pairs())
    others = len(pairs()) - same
    assert (same, others) == (30, 30)
    assert found >= 0.9 * same, misses
    assert len(wrong) <= 0.1 * others, wrong


def hall(name: str = "Maple Hall") -> str:
    begin_write()
    slug = name.lower().replace(" ", "-")
    db.session.add(Building(slug=slug, name=name))
    db.session.commit()
    return slug


def test_only_what_may_be_joined_and_is_open_is_suggested(app: Flask) -> None:
    world, slug = World(app), hall()
    shown = world.reporter.reports(title="Projector shows no signal", building=slug)
    world.reporter.reports(title="Projector shows no signal", building=slug, is_confidential=True)
    world.reporter.reports(title="Projector shows no signal", building=slug, category="it-accounts")
    ended = world.reporter.reports(title="Projector shows no signal", building=slug)
    world.agent.sets(ended, status="resolved")
    for person in (world.other, world.reporter, world.agent):
        assert suggested(person, "beamer no signal", building=slug) == [shown]
    assert world.anonymous.get("/api/tickets/similar?title=beamer").status_code == 401


def test_a_suggestion_tells_a_title_and_a_place_and_nothing_of_people(app: Flask) -> None:
    world, slug = World(app), hall()
    number = world.reporter.reports(title="Klaus broke the projector", building=slug, description="canary")
    world.agent.sets(number, public_title="Projector is out of order")
    world.joined.joins(number)
    (item,) = world.other.get(f"/api/tickets/similar?title=projector+broken&building={slug}").json["items"]
    assert item.keys() == {
        "id", "public_title", "status", "building", "room", "affected_count", "affects_me", "created_at",
    }  # fmt: skip
    assert (item["public_title"], item["affected_count"]) == ("Projector is out of order", 2)
    assert suggested(world.other, "Klaus", building=slug) == []
    (known,) = world.other.get("/api/tickets/known").json["items"]
    assert known == item


def test_the_building_may_stand_in_the_title(app: Flask) -> None:
    world = World(app)
    maple, noether = hall(), hall("Noether Building")
    number = world.reporter.reports(title="Printer queue stuck", building=noether)
    world.reporter.reports(title="Printer queue stuck", building=maple)
    assert suggested(world.other, "Drucker im Noether geht nicht") == [number]


def test_known_problems_are_the_open_ones_that_affect_most(app: Flask) -> None:
    world = World(app)
    numbers = [world.reporter.reports(title=f"Problem {n}") for n in range(7)]
    for affected, number in enumerate(numbers):
        for person in [world.joined, world.other, world.agent, world.admin][:affected]:
            world.agent.post(f"/api/tickets/{number}/affected", {"user_id": person.id})
    world.agent.sets(numbers[6], status="closed")
    found = [item["id"] for item in world.other.get("/api/tickets/known").json["items"]]
    assert found == [numbers[5], numbers[4], numbers[3], numbers[2], numbers[1]]


def known(person: Person, *ids: int) -> list[int]:
    response = person.get("/api/tickets/known", query_string={"id": ids})
    assert response.status_code == 200, response.get_data(as_text=True)
    return [item["id"] for item in response.json["items"]]


def test_a_known_problem_is_found_by_its_number_while_it_can_be_joined(app: Flask) -> None:
    world = World(app)
    joinable = [world.reporter.reports(title="Lift B is stuck") for _ in range(5)]
    for number, status in zip(joinable, ("open", "in_progress", "waiting", "resolved", "closed"), strict=True):
        if status != "open":
            world.agent.sets(number, status=status)
    world.joined.joins(joinable[3])
    kept = [
        world.reporter.reports(title="Lift B is stuck", is_confidential=True),
        world.reporter.reports(title="Lift B is stuck", category="it-accounts"),
        world.agent.reports(title="Lift B is stuck") + 1000,
    ]
    for person in (world.other, world.reporter, world.agent):
        assert known(person, *joinable, *kept) == [joinable[3], *reversed(joinable[:3])]
        assert known(person, joinable[3]) == [joinable[3]]
        assert known(person, joinable[4]) == []  # closed
        assert known(person, *kept) == []
    assert joinable[0] not in known(world.other)  # without a number: what affects several people now
    assert world.anonymous.get(f"/api/tickets/known?id={joinable[0]}").status_code == 401
    for wrong in ("id=x", "id=0", "id=-1", "&".join(f"id={n}" for n in range(1, 22))):
        assert world.other.get(f"/api/tickets/known?{wrong}").status_code == 422


def test_whoever_reported_or_joined_a_known_problem_is_told_that_it_affects_them(app: Flask) -> None:
    world, slug = World(app), hall()
    number = world.reporter.reports(title="Projector shows no signal", building=slug)
    world.joined.joins(number)
    ways = (f"known?id={number}", "known", f"similar?title=projector+no+signal&building={slug}")

    def affects(person: Person) -> list[bool]:
        return [person.get(f"/api/tickets/{way}").json["items"][0]["affects_me"] for way in ways]

    assert affects(world.reporter) == affects(world.joined) == [True] * 3
    assert affects(world.other) == affects(world.agent) == [False] * 3
    assert world.joined.delete(f"/api/tickets/{number}/affected/me").status_code == 204
    world.other.joins(number)
    assert affects(world.joined) == [False] * 3
    assert affects(world.other) == [True] * 3


@pytest.mark.parametrize("title", ["?", "🙂", "\"'; DROP", "x" * 200, "a b c d", "1 2 3"])
def test_any_title_is_looked_for(customer: Person, title: str) -> None:
    customer.reports(title="Projector dark")
    assert suggested(customer, title) == []
    assert customer.get("/api/tickets/similar?title=").status_code == 422
    assert customer.get("/api/tickets/similar?title=projector&building=Nowhere!").status_code == 422
