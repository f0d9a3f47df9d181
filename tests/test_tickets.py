"""Reporting, seeing, listing, triage, joining."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select

import blueprints.comments
import blueprints.tickets
from helpdesk.limits import Limit
from models import Event, Ticket, db, now
from tests.conftest import statements
from tests.factories import Person, a_report


def said(response: Any) -> dict[str, Any]:
    """An answer without what differs every time."""
    return {name: value for name, value in response.json.items() if name != "request_id"}


def numbers(person: Person, query: str = "") -> list[int]:
    response = person.get(f"/api/tickets?{query}")
    assert response.status_code == 200, response.json
    return [ticket["id"] for ticket in response.json["items"]]


# --- reporting --------------------------------------------------------------------------------------------------------


def test_a_report_is_there_for_its_reporter_and_for_the_staff(customer: Person, agent: Person) -> None:
    response = customer.post("/api/tickets", a_report(room="214"))
    assert response.status_code == 201
    ticket = response.json
    assert response.headers["Location"] == f"/api/tickets/{ticket['id']}"
    assert ticket["status"] == "open"
    assert ticket["reporter"] == {"id": customer.id, "name": "Jonas Weber"}
    assert ticket["transitions"] == ["closed"]
    assert ticket["team"]["slug"] == "facilities"
    seen = agent.sees(ticket["id"])
    assert seen["reporter"]["email"] == customer.email
    assert seen["transitions"] == ["in_progress", "waiting", "resolved", "closed"]


def test_a_description_is_rendered_for_its_reporter_and_never_code(customer: Person, other: Person) -> None:
    number = customer.reports(description="It **drips**.\n\n<script>alert(1)</script>")
    html = customer.sees(number)["description_html"]
    assert html.startswith("<p>It <strong>drips</strong>.</p>")
    assert "<script" not in html
    other.joins(number)
    assert other.sees(number)["description_html"] is None


def test_another_customer_is_told_the_same_as_for_a_ticket_that_is_not_there(customer: Person, other: Person) -> None:
    number = customer.reports()
    foreign, missing = other.get(f"/api/tickets/{number}"), other.get(f"/api/tickets/{number + 1000}")
    assert foreign.status_code == missing.status_code == 404
    assert said(foreign) == said(missing)
    assert customer.get(f"/api/tickets/{number}").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "no"),
        ("title", "x" * 201),
        ("title", "two\nlines"),
        ("title", "nul\x00"),
        ("title", None),
        ("title", 5),
        ("description", "   "),
        ("description", "x" * 20_001),
        ("category", "nonsense"),
        ("category", None),
        ("building", "nowhere"),
        ("is_confidential", "yes"),
        ("status", "closed"),
        ("created_at", "2026-01-01T00:00:00Z"),
        ("nonsense", 1),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(customer: Person, field: str, value: Any) -> None:
    response = customer.post("/api/tickets", a_report(**{field: value}))
    assert response.status_code == 422
    assert list(response.json["errors"]) == [field]
    assert numbers(customer) == []
    customer.reports()


@pytest.mark.parametrize("field", ["reporter_id", "email", "priority", "assignee_id", "team_id", "tags"])
def test_only_staff_triage_while_reporting(customer: Person, agent: Person, other: Person, field: str) -> None:
    agent.post("/api/tags", {"name": "urgent"})
    values = {"reporter_id": other.id, "email": "new@campus.test", "priority": "urgent", "assignee_id": agent.id}
    value = {**values, "team_id": None, "tags": ["urgent"]}[field]
    assert customer.post("/api/tickets", a_report(**{field: value})).status_code == 403
    assert numbers(agent) == []
    assert agent.post("/api/tickets", a_report(**{field: value})).status_code == 201


def test_staff_report_for_somebody_whose_ticket_it_then_is(agent: Person, customer: Person) -> None:
    number = agent.reports(reporter_id=customer.id)
    assert customer.sees(number)["reporter"]["id"] == customer.id
    assert agent.sees(number)["channel"] == "staff"


def test_a_new_address_becomes_a_guest_and_a_known_one_is_found(agent: Person, customer: Person) -> None:
    first = agent.sees(agent.reports(email="Visitor@Campus.test", name="A Visitor"))
    second = agent.sees(agent.reports(email="visitor@campus.test "))
    assert first["reporter"] == second["reporter"]
    assert first["reporter"]["name"] == "A Visitor"
    assert agent.sees(agent.reports(email=customer.email.upper()))["reporter"]["id"] == customer.id


def test_reporter_and_address_together_are_refused(agent: Person, customer: Person) -> None:
    response = agent.post("/api/tickets", a_report(reporter_id=customer.id, email="x@campus.test"))
    assert response.status_code == 422
    assert "email" in response.json["errors"]


def test_work_is_given_to_staff_only(agent: Person, customer: Person, admin: Person) -> None:
    number = customer.reports()
    assert agent.patch(f"/api/tickets/{number}", {"assignee_id": customer.id}).status_code == 422
    assert agent.sets(number, assignee_id=admin.id)["assignee"] == {"id": admin.id, "name": "Ada Byron"}
    assert agent.sets(number, assignee_id=None)["assignee"] is None


def test_a_confidential_category_makes_its_tickets_so(customer: Person, agent: Person) -> None:
    assert customer.sees(customer.reports(category="services-complaints"))["is_confidential"]
    number = customer.reports()
    assert not customer.sees(number)["is_confidential"]
    changed = agent.sets(number, category="services-complaints")
    assert changed["is_confidential"]
    assert changed["team"]["slug"] == "services"


# --- changing ---------------------------------------------------------------------------------------------------------


def test_every_field_that_staff_change_is_one_row_of_the_history(
    agent: Person, admin: Person, customer: Person
) -> None:
    admin.post("/api/buildings", {"slug": "maple", "name": "Maple Hall"})
    admin.post("/api/tags", {"name": "hvac"})
    teams = {team["slug"]: team["id"] for team in agent.get("/api/teams").json["items"]}
    number = customer.reports()
    changes: dict[str, Any] = {
        "title": "Drip in room 214",
        "public_title": "Water in Maple Hall",
        "description": "Clean water from the air handling unit.",
        "room": "214",
        "is_confidential": True,
        "building": "maple",
        "priority": "high",
        "team_id": teams["it"],
        "handoff_reason": "The access point gets wet.",
        "assignee_id": agent.id,
        "tags": ["hvac"],
        "status": "in_progress",
    }
    shown = agent.sets(number, **changes)
    assert shown["version"] == 2
    assert (shown["building"]["name"], shown["tags"], shown["priority"]) == ("Maple Hall", ["hvac"], "high")
    events = agent.get(f"/api/tickets/{number}/events").json["items"][1:]
    assert len({event["deed_id"] for event in events}) == 1
    expected = (changes.keys() - {"team_id", "assignee_id", "handoff_reason"}) | {"team", "assignee", "handoff"}
    assert {event["field"] for event in events} == expected
    assert {event["actor"]["name"] for event in events} == {"Priya Nair"}
    assert next(event["to_user"] for event in events if event["field"] == "assignee") == {
        "id": agent.id,
        "name": "Priya Nair",
    }


def test_changing_nothing_leaves_no_trace(agent: Person, customer: Person) -> None:
    number = customer.reports()
    before = agent.sees(number)
    same = {"title": before["title"], "status": "open", "tags": [], "category": "facilities-leaks", "building": None}
    assert agent.sets(number, **same, reporter_id=customer.id, team_id=before["team"]["id"]) == before


def test_the_reporter_changes_words_and_place_until_it_is_resolved(customer: Person, agent: Person) -> None:
    number = customer.reports()
    response = customer.patch(f"/api/tickets/{number}", {"title": "Two drips", "room": "215"})
    assert response.json["title"] == "Two drips"
    assert customer.patch(f"/api/tickets/{number}", {"priority": "urgent"}).status_code == 403
    agent.sets(number, status="resolved")
    assert customer.patch(f"/api/tickets/{number}", {"title": "Three drips"}).status_code == 409
    assert customer.sees(number)["title"] == "Two drips"
    assert agent.sets(number, title="Three drips")["title"] == "Three drips"


def test_whoever_joined_changes_nothing(customer: Person, other: Person) -> None:
    number = customer.reports()
    other.joins(number)
    assert other.patch(f"/api/tickets/{number}", {"title": "Mine now"}).status_code == 403
    assert customer.patch(f"/api/tickets/{number}", {"title": "Still mine"}).status_code == 200


def test_a_stale_version_is_refused_with_the_ticket_as_it_is_now(
    agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    path = f"/api/tickets/{number}"
    etag = agent.get(path).headers["ETag"]
    assert admin.patch(path, {"priority": "high"}, headers={"If-Match": etag}).status_code == 200
    stale = agent.patch(path, {"title": "Lost update"}, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert stale.json["current"]["priority"] == "high"
    assert agent.sees(number)["title"] != "Lost update"
    fresh = agent.patch(path, {"title": "Kept"}, headers={"If-Match": stale.headers["ETag"]})
    assert (fresh.status_code, fresh.json["priority"]) == (200, "high")
    assert agent.patch(path, {"room": "1"}).json["title"] == "Kept"
    assert agent.delete(path, headers={"If-Match": etag}).status_code == 403
    assert admin.delete(path, headers={"If-Match": etag}).status_code == 412
    assert admin.delete(path, headers={"If-Match": fresh.headers["ETag"]}).status_code == 412
    assert admin.delete(path, headers={"If-Match": "*"}).status_code == 204


def test_what_did_not_change_is_not_sent_again(customer: Person, agent: Person) -> None:
    number = customer.reports()
    path = f"/api/tickets/{number}"
    etag = customer.get(path).headers["ETag"]
    again = customer.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    agent.sets(number, priority="high")
    assert customer.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_only_admins_delete_and_then_nothing_is_left(customer: Person, agent: Person, admin: Person) -> None:
    number = customer.reports()
    agent.writes(number, "On our way")
    assert agent.delete(f"/api/tickets/{number}").status_code == 403
    assert customer.sees(number)
    assert admin.delete(f"/api/tickets/{number}").status_code == 204
    assert customer.get(f"/api/tickets/{number}").status_code == 404
    assert db.session.scalar(select(func.count()).select_from(Event)) == 0
    assert customer.reports() > number


def test_put_is_an_alias_of_patch(customer: Person, agent: Person) -> None:
    number = customer.reports()
    assert agent.put(f"/api/tickets/{number}", {"room": "7"}).json["room"] == "7"


def test_a_reporter_put_right_by_staff_sees_the_ticket_and_the_wrong_one_no_more(
    agent: Person, customer: Person, other: Person
) -> None:
    number = customer.reports()
    other.joins(number)
    customer.writes(number, "For your eyes")
    shown = agent.sets(number, reporter_id=other.id)
    assert shown["affected_count"] == 1
    assert other.sees(number)["reporter"]["id"] == other.id
    assert customer.get(f"/api/tickets/{number}").status_code == 404
    words = [comment["text"] for comment in other.get(f"/api/tickets/{number}/comments").json["items"]]
    assert words == []
    assert agent.patch(f"/api/tickets/{number}", {"reporter_id": 10**9}).status_code == 422


# --- lists ------------------------------------------------------------------------------------------------------------


def test_what_one_joined_is_apart_from_what_one_reported(customer: Person, other: Person, agent: Person) -> None:
    own, foreign, left = customer.reports(), other.reports(), other.reports()
    customer.joins(foreign)
    customer.joins(left)
    assert customer.delete(f"/api/tickets/{left}/affected/me").status_code == 204
    assert numbers(customer, "following=true") == [foreign]
    assert numbers(customer, "following=false") == [own]
    assert numbers(other, "following=true") == []
    assert sorted(numbers(other, "following=false")) == [foreign, left]
    agent.joins(own)
    assert numbers(agent, "following=true") == [own]
    assert sorted(numbers(agent, "following=false")) == [foreign, left]
    for query, count in (("following=true", 1), ("following=false", 1), ("", 2)):
        assert customer.get(f"/api/tickets/counts?{query}").json["total"]["count"] == count
    assert customer.get("/api/tickets?following=perhaps").status_code == 422


def test_customers_list_their_own_and_what_they_joined_and_the_counts_agree(
    customer: Person, other: Person, agent: Person
) -> None:
    own = [customer.reports() for _ in range(10)]
    foreign = [other.reports() for _ in range(20)]
    customer.joins(foreign[0])
    other.post("/api/tickets", a_report(is_confidential=True))
    found: list[int] = []
    cursor = ""
    while True:
        page = customer.get(f"/api/tickets?limit=3{cursor}").json
        found += [ticket["id"] for ticket in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == [foreign[0], *reversed(own)]
    assert customer.get("/api/tickets/counts").json["total"] == {"count": 11, "more": False}
    assert agent.get("/api/tickets/counts").json["open"] == {"count": 31, "more": False}


@pytest.mark.parametrize(
    "sort", ["created_at", "-created_at", "updated_at", "-updated_at", "priority", "-priority", "due_at", "-due_at"]
)
def test_every_order_reaches_every_ticket_once(customer: Person, agent: Person, sort: str) -> None:
    priorities = ["low", "urgent", "normal", "high", "urgent", "low", "normal"]
    made = [agent.reports(reporter_id=customer.id, priority=priority) for priority in priorities]
    agent.sets(made[2], status="waiting")
    for person in (agent, customer):
        found: list[dict[str, Any]] = []
        path: str | None = f"/api/tickets?sort={sort}&limit=2"
        while path:
            response = person.get(path)
            found += response.json["items"]
            link = response.headers.get("Link")
            path = link.partition(">")[0].removeprefix("<") if link else None
        assert sorted(ticket["id"] for ticket in found) == made
        ranks = {"low": 0, "normal": 1, "high": 2, "urgent": 3}
        name = sort.lstrip("-")
        keys = [ranks[t["priority"]] if name == "priority" else t[name] or "9999" for t in found]
        assert keys == sorted(keys, reverse=sort.startswith("-"))


def test_a_page_stays_stable_while_tickets_are_added(customer: Person) -> None:
    made = [customer.reports() for _ in range(4)]
    first = customer.get("/api/tickets?limit=2").json
    customer.reports()
    second = customer.get(f"/api/tickets?limit=2&cursor={first['next_cursor']}").json
    assert [ticket["id"] for ticket in first["items"] + second["items"]] == made[::-1]


@pytest.mark.parametrize(
    "query",
    [
        "cursor=abc",
        "cursor=",
        "limit=0",
        "limit=101",
        "limit=abc",
        "limit=99999999999999999999",
        "limit=-1",
        "sort=title",
        "sort=created_at%3BDROP",
        "stauts=open",
        "status=nonsense",
        "assignee=everybody",
        "due=never",
        "held=maybe",
        "created_after=yesterday",
        "sort=created_at&sort=due_at",
    ],
)
def test_a_query_that_says_nothing_known_is_refused(agent: Person, query: str) -> None:
    response = agent.get(f"/api/tickets?{query}")
    assert response.status_code == 422, response.json
    assert list(response.json["errors"]) == [query.partition("=")[0]]
    assert agent.get("/api/tickets?status=open").status_code == 200


def test_a_cursor_counts_only_where_it_was_given(customer: Person) -> None:
    for _ in range(3):
        customer.reports()
    cursor = customer.get("/api/tickets?limit=1").json["next_cursor"]
    assert customer.get(f"/api/tickets?limit=1&cursor={cursor}").status_code == 200
    assert customer.get(f"/api/tickets?limit=1&sort=due_at&cursor={cursor}").status_code == 422
    flipped = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    assert customer.get(f"/api/tickets?limit=1&cursor={flipped}").status_code == 422


def test_filters_narrow_and_repeated_ones_widen(customer: Person, agent: Person, admin: Person) -> None:
    admin.post("/api/buildings", {"slug": "maple", "name": "Maple Hall"})
    admin.post("/api/tags", {"name": "hvac"})
    leak = agent.reports(
        reporter_id=customer.id, building="maple", tags=["hvac"], priority="high", assignee_id=agent.id
    )
    wifi = customer.reports(category="it-wifi")
    waiting = customer.reports(category="it")
    agent.sets(waiting, status="waiting")
    expected = {
        "category=it": [waiting, wifi],
        "category=it-wifi": [wifi],
        "category=it-wifi&category=facilities": [wifi, leak],
        "status=waiting": [waiting],
        "status=waiting&status=open": [waiting, wifi, leak],
        "building=maple": [leak],
        "tag=hvac": [leak],
        "priority=high&priority=urgent": [leak],
        "team=it": [waiting, wifi],
        "assignee=me": [leak],
        f"assignee={agent.id}": [leak],
        "assignee=none": [waiting, wifi],
        f"reporter={customer.id}": [waiting, wifi, leak],
        "reporter=me": [],
        "held=true": [],
        "category=it&status=open": [wifi],
        "created_after=2000-01-01T00:00:00Z": [waiting, wifi, leak],
        "created_before=2000-01-01T00:00:00Z": [],
        "due=overdue": [],
    }
    assert {query: numbers(agent, query) for query in expected} == expected
    assert numbers(customer, "reporter=me") == [waiting, wifi, leak]
    counts = agent.get("/api/tickets/counts?category=it").json
    assert (counts["open"]["count"], counts["waiting"]["count"], counts["total"]["count"]) == (1, 1, 2)


def test_overdue_and_today_follow_the_clock(customer: Person, agent: Person) -> None:
    with time_machine.travel(datetime(2026, 5, 12, 8, 0, tzinfo=UTC), tick=False) as clock:
        agent.signs_in()
        number = agent.reports(reporter_id=customer.id, priority="urgent")
        assert agent.sees(number)["due_at"] == "2026-05-12T09:00:00Z"
        assert (numbers(agent, "due=today"), numbers(agent, "due=overdue")) == ([number], [])
        clock.shift(timedelta(hours=2))
        agent.signs_in()
        assert numbers(agent, "due=overdue") == [number]


def test_counts_beyond_a_thousand_say_that_there_are_more(customer: Person, agent: Person) -> None:
    number = customer.reports()
    first = db.session.get_one(Ticket, number)
    skip = {"id"}
    values = {c.name: getattr(first, c.name) for c in Ticket.__table__.columns if c.name not in skip}
    db.session.execute(Ticket.__table__.insert(), [values] * 1000)
    db.session.commit()
    assert agent.get("/api/tickets/counts").json["open"] == {"count": 1000, "more": True}
    assert agent.get("/api/tickets/counts").json["waiting"] == {"count": 0, "more": False}
    assert agent.get("/api/tickets/counts").json["total"] == {"count": 1000, "more": True}


def test_a_list_and_a_ticket_take_four_statements_at_most(customer: Person, agent: Person) -> None:
    for _ in range(30):
        number = customer.reports()
        agent.writes(number, "On it")
    for path in (
        "?limit=25",
        "?status=open&category=facilities&sort=due_at",
        f"/{number}",
        f"/{number}/timeline",
        f"/{number}/comments",
        "/counts",
    ):
        for person in (customer, agent):
            with statements() as seen:
                assert person.get(f"/api/tickets{path}").status_code == 200
            assert len(seen) <= 4, seen


# --- several people, one problem --------------------------------------------------------------------------------------


def test_joining_counts_once_and_can_be_taken_back(customer: Person, other: Person, agent: Person) -> None:
    number = customer.reports()
    other.joins(number)
    other.joins(number)
    assert customer.sees(number)["affected_count"] == 2
    assert [person["name"] for person in agent.get(f"/api/tickets/{number}/affected").json["items"]] == [
        "Jonas Weber",
        "Helen Marsh",
    ]
    assert other.delete(f"/api/tickets/{number}/affected/me").status_code == 204
    assert customer.sees(number)["affected_count"] == 1
    assert other.get(f"/api/tickets/{number}").status_code == 404
    other.joins(number)
    assert customer.sees(number)["affected_count"] == 2


def test_the_reporter_is_affected_already(customer: Person) -> None:
    number = customer.reports()
    customer.joins(number)
    assert customer.delete(f"/api/tickets/{number}/affected/me").status_code == 204
    assert customer.sees(number)["affected_count"] == 1


@pytest.mark.parametrize("fields", [{"is_confidential": True}, {"category": "it-accounts"}])
def test_what_is_confidential_cannot_be_joined(
    customer: Person, other: Person, agent: Person, fields: dict[str, Any]
) -> None:
    number = customer.reports(**fields)
    assert other.put(f"/api/tickets/{number}/affected/me").status_code == 404
    assert agent.post(f"/api/tickets/{number}/affected", {"user_id": other.id}).status_code == 409
    other.joins(customer.reports())


def test_a_closed_ticket_cannot_be_joined(customer: Person, other: Person, agent: Person) -> None:
    number = customer.reports()
    agent.sets(number, status="resolved")
    other.joins(number)
    other.delete(f"/api/tickets/{number}/affected/me")
    agent.sets(number, status="closed")
    assert other.put(f"/api/tickets/{number}/affected/me").status_code == 409


def test_staff_add_and_remove_people(agent: Person, customer: Person, other: Person) -> None:
    number = customer.reports()
    path = f"/api/tickets/{number}/affected"
    assert agent.post(path, {"user_id": other.id}).status_code == 204
    assert agent.post(path, {"email": "guest@campus.test"}).status_code == 204
    assert len(agent.get(path).json["items"]) == 3
    page = agent.get(f"{path}?limit=2").json
    assert len(agent.get(f"{path}?limit=2&cursor={page['next_cursor']}").json["items"]) == 1
    assert agent.post(path, {"user_id": 10**9}).status_code == 422
    assert agent.post(path, {}).status_code == 422
    assert agent.delete(f"{path}/{other.id}").status_code == 204
    assert agent.delete(f"{path}/{other.id}").status_code == 404
    assert agent.delete(f"{path}/{customer.id}").status_code == 404
    assert customer.get(path).status_code == 403


def test_making_it_confidential_ends_the_joiners_access(customer: Person, other: Person, agent: Person) -> None:
    number = customer.reports()
    other.joins(number)
    assert numbers(other) == [number]
    agent.sets(number, is_confidential=True)
    assert other.get(f"/api/tickets/{number}").status_code == 404
    assert numbers(other) == []
    assert customer.sees(number)["is_confidential"]


def test_a_customer_who_creates_without_end_is_told_to_wait_and_others_are_not(
    customer: Person, other: Person, agent: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Limit("create", burst=3, every=3600)
    monkeypatch.setattr(blueprints.tickets, "CREATE", few)
    monkeypatch.setattr(blueprints.comments, "CREATE", few)
    number = customer.reports()
    customer.reports()
    customer.writes(number)
    for path, body in (("/api/tickets", a_report()), (f"/api/tickets/{number}/comments", {"text": "More"})):
        refused = customer.post(path, body)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
    assert len(numbers(customer)) == 2
    other.reports()
    for _ in range(5):
        agent.writes(number, "The staff are not limited")


def test_what_a_category_keeps_confidential_only_the_staff_open(customer: Person, agent: Person) -> None:
    wish = {"category": "services-complaints", "is_confidential": False}
    assert customer.sees(customer.reports(**wish))["is_confidential"]
    assert not agent.sees(agent.reports(**wish))["is_confidential"]


def test_whoever_lost_access_does_not_get_it_back_by_itself(customer: Person, other: Person, agent: Person) -> None:
    number = customer.reports()
    other.joins(number)
    agent.sets(number, is_confidential=True)
    agent.writes(number, "between us", audience="affected")
    assert agent.sets(number, is_confidential=False)["affected_count"] == 1
    assert other.get(f"/api/tickets/{number}").status_code == 404
    other.joins(number)
    assert other.sees(number)["affected_count"] == 2


def test_a_late_priority_does_not_rewrite_whether_a_reply_came_in_time(customer: Person, agent: Person) -> None:
    number = customer.reports()
    before = agent.sees(number)["first_response_due_at"]
    with time_machine.travel(now() + timedelta(hours=2)):
        agent.signs_in()
        agent.writes(number, "On our way")
        changed = agent.sets(number, priority="urgent")
        assert changed["first_response_due_at"] == before


def test_a_reopened_ticket_has_the_time_left_that_it_had(customer: Person, agent: Person) -> None:
    number = customer.reports()
    before = agent.sees(number)["resolution_due_at"]
    agent.sets(number, status="resolved")
    with time_machine.travel(now() + timedelta(days=10)):
        agent.signs_in()
        shown = agent.sets(number, status="open")
    assert datetime.fromisoformat(shown["resolution_due_at"]) - datetime.fromisoformat(before) >= timedelta(days=9)


def test_a_team_chosen_beside_a_category_is_the_one(customer: Person, agent: Person) -> None:
    number = customer.reports()
    teams = {team["slug"]: team["id"] for team in agent.get("/api/teams").json["items"]}
    wish = {"category": "services-complaints", "team_id": teams["it"], "handoff_reason": "It is the card reader."}
    shown = agent.sets(number, **wish, is_confidential=False)
    assert (shown["team"]["slug"], shown["is_confidential"]) == ("it", False)
    assert agent.sets(number, category="facilities-leaks")["team"]["slug"] == "facilities"


def test_confidentiality_chosen_beside_a_category_outdoes_the_categorys(
    customer: Person, other: Person, agent: Person
) -> None:
    number = customer.reports(category="it-wifi")
    other.joins(number)
    seen = agent.sets(number, category="it-accounts", is_confidential=False)
    assert seen["is_confidential"] is False
    assert [e["field"] for e in agent.get(f"/api/tickets/{number}/events").json["items"]].count("is_confidential") == 0
    assert agent.sets(number, category="it-wifi")["is_confidential"] is False
    assert agent.sets(number, category="it-accounts")["is_confidential"] is True


def test_nobody_reports_for_somebody_who_is_gone(customer: Person, other: Person, agent: Person, admin: Person) -> None:
    number = customer.reports()
    assert admin.patch(f"/api/users/{other.id}", {"is_active": False}).status_code == 200
    wish = a_report()
    assert agent.post("/api/tickets", {**wish, "reporter_id": other.id}).status_code == 422
    assert agent.post("/api/tickets", {**wish, "email": other.email}).status_code == 422
    assert agent.patch(f"/api/tickets/{number}", {"reporter_id": other.id}).status_code == 422
    assert agent.post(f"/api/tickets/{number}/affected", {"email": other.email}).status_code == 422
    assert agent.post("/api/tickets", {**wish, "email": customer.email}).status_code == 201
