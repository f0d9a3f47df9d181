"""Merging: one ticket points to another, nothing moves, and it can be undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, update
from werkzeug.test import TestResponse

from models import Category, Merge, Schedule, Ticket, begin_write, db
from tests.conftest import statements
from tests.factories import Person, mails, work
from tests.pages import Page, Reader
from tests.test_races import at_once
from tests.world import World, state

START = datetime(2026, 5, 12, 10, tzinfo=UTC)
MOVES = {"version", "updated_at"}
"""What tells that something happened, though nothing is different."""


def merge(person: Person, number: int, into: int) -> TestResponse:
    return person.post(f"/api/tickets/{number}/merge", {"into_id": into})


def undo(person: Person, number: int) -> TestResponse:
    return person.post(f"/api/tickets/{number}/unmerge")


def merged(person: Person, number: int, into: int) -> dict[str, Any]:
    response = merge(person, number, into)
    assert response.status_code == 200, response.get_data(as_text=True)
    shown: dict[str, Any] = response.json
    return shown


def still(person: Person, number: int) -> dict[str, Any]:
    """What somebody sees of a ticket, without what moves."""
    return {name: value for name, value in person.sees(number).items() if name not in MOVES}


def affected(agent: Person, number: int) -> set[int]:
    return {one["id"] for one in agent.get(f"/api/tickets/{number}/affected").json["items"]}


def told(person: Person, number: int) -> list[tuple[str, str | None, str | None]]:
    events = person.get(f"/api/tickets/{number}/events").json["items"]
    return [(e["field"], e["from_value"], e["to_value"]) for e in events if e["field"] in ("merged", "unmerged")]


def refused(response: TestResponse, status: int, words: str = "") -> None:
    assert response.status_code == status, response.get_data(as_text=True)
    assert words in response.get_data(as_text=True)


def test_a_merged_ticket_is_closed_and_points_to_the_other_which_its_people_join(
    app: Flask, agent: Person, customer: Person, other: Person
) -> None:
    third = Person.made(app, "customer")
    number, into = customer.reports(), other.reports(title="No water in the lab")
    third.joins(number)
    said = customer.writes(number, "It is getting worse.")
    shown = merged(agent, number, into)
    assert (shown["status"], shown["merged_into"], shown["transitions"]) == ("closed", {"id": into}, [])
    assert affected(agent, into) == {other.id, customer.id, third.id}
    assert agent.sees(into)["affected_count"] == 3
    assert agent.get(f"/api/comments/{said}").json["ticket_id"] == number  # nothing moved
    assert agent.sees(into)["comment_count"] == 0


def test_only_staff_merge(agent: Person, customer: Person, other: Person) -> None:
    number, into = customer.reports(), customer.reports()
    before = state()
    for person in (customer, other):
        refused(merge(person, number, into), 403)
    assert state() == before
    merged(agent, number, into)
    for person in (customer, other):
        refused(undo(person, number), 403)
    assert undo(agent, number).status_code == 200


def test_customers_are_led_to_what_they_see_and_not_further(
    app: Flask, agent: Person, customer: Person, other: Person
) -> None:
    third = Person.made(app, "customer")
    number, into = customer.reports(), other.reports()
    third.joins(number)
    merged(agent, number, into)
    for person in (customer, third):
        assert person.sees(number)["merged_into"] == {"id": into}
        assert person.sees(into)["merged_into"] is None
        assert told(person, number) == [("merged", None, str(into))]
        assert told(person, into) == []  # the number of somebody else's ticket
    assert told(other, into) == []
    assert "merged" not in str(other.get(f"/api/tickets/{into}/timeline").json["items"])
    assert other.get(f"/api/tickets/{number}").status_code == 404
    refused(customer.post(f"/api/tickets/{number}/comments", {"text": "And now?"}), 409, f"It goes on as #{into}")
    customer.delete(f"/api/tickets/{into}/affected/me")
    assert customer.sees(number)["merged_into"] is None
    answer = customer.post(f"/api/tickets/{number}/comments", {"text": "And now?"})
    refused(answer, 409, "report the problem anew")
    assert f"#{into}" not in answer.get_data(as_text=True)
    reopened = customer.patch(f"/api/tickets/{number}", {"status": "open"})
    assert (reopened.status_code, f"#{into}" in reopened.get_data(as_text=True)) == (409, False)
    agent.sets(into, is_confidential=True)
    assert third.sees(number)["merged_into"] is None
    assert agent.sees(number)["merged_into"] == {"id": into}


def test_both_histories_say_it_to_the_staff(agent: Person, customer: Person, other: Person) -> None:
    number, into = customer.reports(), other.reports()
    merged(agent, number, into)
    undo(agent, number)
    assert told(agent, number) == [("merged", None, str(into)), ("unmerged", str(into), None)]
    assert told(agent, into) == [("merged", str(number), None), ("unmerged", None, str(number))]
    deeds = [
        [e["deed_id"] for e in agent.get(f"/api/tickets/{one}/events").json["items"] if e["field"] == "merged"]
        for one in (number, into)
    ]
    assert deeds[0] == deeds[1]


def _waits(agent: Person, number: int) -> None:
    agent.sets(number, status="waiting")


def _was_reopened(agent: Person, number: int) -> None:
    for status in ("resolved", "open"):
        agent.sets(number, status=status)


def _was_answered(agent: Person, number: int) -> None:
    agent.writes(number, "We look at it.", audience="reporter")
    agent.sets(number, status="in_progress", assignee_id=agent.id, priority="high")


STATES = {
    "open": lambda agent, number: None,
    "waiting": _waits,
    "reopened": _was_reopened,
    "answered": _was_answered,
    "resolved": lambda agent, number: agent.sets(number, status="resolved"),
    "closed": lambda agent, number: agent.sets(number, status="closed"),
}


@pytest.mark.parametrize("kind", STATES)
def test_undoing_a_merge_leaves_both_tickets_as_they_were(
    app: Flask, agent: Person, customer: Person, other: Person, kind: str
) -> None:
    third, both = Person.made(app, "customer"), Person.made(app, "customer")
    with time_machine.travel(START, tick=False) as clock:
        for person in (agent, customer, other, third, both):
            person.signs_in()
        number, into = customer.reports(), other.reports()
        third.joins(number)
        both.joins(number)
        both.joins(into)
        clock.shift(300)
        STATES[kind](agent, number)
        clock.shift(300)
        before = still(agent, number), still(agent, into), still(customer, number), affected(agent, into)
        columns = _columns(number), _columns(into)
        merged(agent, number, into)
        assert affected(agent, into) == {other.id, customer.id, third.id, both.id}
        clock.shift(300)
        assert undo(agent, number).status_code == 200
        after = still(agent, number), still(agent, into), still(customer, number), affected(agent, into)
        assert after == before
        assert (_columns(number), _columns(into)) == columns
        assert affected(agent, into) == {other.id, both.id}


def _columns(number: int) -> dict[str, Any]:
    db.session.remove()
    row = db.session.get_one(Ticket, number)
    moving = MOVES | {"activity_seq", "reporter_updated_at", "affected_updated_at"}
    return {column.key: getattr(row, column.key) for column in Ticket.__table__.columns if column.key not in moving}


def test_what_was_changed_since_stays(agent: Person, customer: Person, other: Person) -> None:
    number, into = customer.reports(), other.reports()
    due = agent.sees(number)["resolution_due_at"]
    merged(agent, number, into)
    agent.sets(number, priority="urgent", room="214")
    undo(agent, number)
    shown = agent.sees(number)
    assert (shown["status"], shown["room"], shown["priority"]) == ("open", "214", "urgent")
    assert shown["resolution_due_at"] < due
    assert shown["due_at"] == shown["first_response_due_at"]


def test_who_left_the_other_or_came_by_themselves_is_left_alone(agent: Person, customer: Person, other: Person) -> None:
    number, into = customer.reports(), other.reports()
    merged(agent, number, into)
    customer.delete(f"/api/tickets/{into}/affected/me")
    assert undo(agent, number).status_code == 200
    assert agent.sees(into)["affected_count"] == 1
    merged(agent, number, into)
    customer.delete(f"/api/tickets/{into}/affected/me")
    customer.joins(into)
    undo(agent, number)
    assert affected(agent, into) == {other.id, customer.id}


def test_a_merge_can_be_undone_for_thirty_days(agent: Person, customer: Person, other: Person) -> None:
    with time_machine.travel(START, tick=False) as clock:
        for person in (agent, customer, other):
            person.signs_in()
        number, late, into = customer.reports(), customer.reports(), other.reports()
        merged(agent, number, into)
        merged(agent, late, into)
        clock.shift(timedelta(days=30, seconds=-1))
        agent.signs_in()
        assert undo(agent, number).status_code == 200
        clock.shift(1)
        before = state()
        refused(undo(agent, late), 409, "30 days")
        assert state() == before


def test_there_are_no_circles_and_no_chains_by_hand(agent: Person, customer: Person) -> None:
    one, two, three = (customer.reports() for _ in range(3))
    refused(merge(agent, one, one), 422, "into_id")
    refused(merge(agent, one, 10**9), 422, f"There is no ticket #{10**9}")
    refused(merge(agent, 10**9, one), 404)
    refused(undo(agent, one), 409, "It is not merged")
    merged(agent, one, two)
    before = state()
    refused(merge(agent, one, three), 409, f"#{one} is merged into #{two} already")
    refused(merge(agent, two, one), 409, f"#{one} is merged into #{two}")
    refused(merge(agent, three, one), 409, "merge into that one")
    assert state() == before
    # what was merged into it goes along, by way of it
    merged(agent, two, three)
    refused(undo(agent, one), 409, f"#{two} is itself merged into #{three}")
    assert undo(agent, two).status_code == 200
    assert undo(agent, one).status_code == 200
    refused(undo(agent, one), 409, "It is not merged")


def test_what_is_closed_or_not_confirmed_takes_nobody(app: Flask, agent: Person, customer: Person) -> None:
    number, closed, held = customer.reports(), customer.reports(), customer.reports()
    agent.sets(closed, status="closed")
    begin_write()
    db.session.execute(update(Ticket).where(Ticket.id == held).values(held=True))
    db.session.commit()
    before = state()
    refused(merge(agent, number, closed), 409, "is closed: reopen it first")
    refused(merge(agent, number, held), 409, "to confirm it")
    refused(merge(agent, held, number), 409, "to confirm it")
    assert state() == before
    merged(agent, closed, number)


def test_a_confidential_ticket_takes_only_its_own_reporters(agent: Person, customer: Person, other: Person) -> None:
    into = customer.reports(is_confidential=True)
    foreign, joined, own = other.reports(), customer.reports(), customer.reports()
    other.joins(joined)
    before = state()
    for number in (foreign, joined):
        refused(merge(agent, number, into), 409, f"#{into} is confidential: it cannot take the people of #{number}")
    assert state() == before
    merged(agent, own, into)
    assert affected(agent, into) == {customer.id}
    assert customer.sees(own)["merged_into"] == {"id": into}


def test_neither_does_one_of_a_category_that_nobody_joins(agent: Person, customer: Person, other: Person) -> None:
    into = customer.reports(category="it-accounts")
    agent.sets(into, is_confidential=False)
    refused(merge(agent, other.reports(), into), 409, "of a category that nobody joins")
    merged(agent, customer.reports(), into)


def test_a_confidential_ticket_tells_nothing_where_it_goes(agent: Person, customer: Person, other: Person) -> None:
    number = customer.reports(title="My salary is wrong xyzzy", is_confidential=True)
    into = other.reports()
    merged(agent, number, into)
    seen = [other.get(f"/api/tickets/{into}{part}").get_data(as_text=True) for part in ("", "/timeline", "/events")]
    assert not any("xyzzy" in text or f'"{number}"' in text or customer.name in text for text in seen)
    assert customer.sees(into)["description"] is None


def test_a_merged_ticket_moves_only_by_undoing_it(agent: Person, customer: Person, other: Person) -> None:
    number, into = customer.reports(), other.reports()
    merged(agent, number, into)
    before = state()
    refused(
        agent.patch(f"/api/tickets/{number}", {"status": "open"}), 409, f"It is merged into #{into}: undo the merge"
    )
    assert state() == before
    undo(agent, number)
    agent.sets(number, status="closed")
    agent.sets(number, status="open")


def test_a_merged_ticket_is_suggested_to_nobody(agent: Person, customer: Person, other: Person) -> None:
    number, into = customer.reports(title="Lift is stuck"), other.reports(title="Lift stuck again")
    merged(agent, number, into)
    for path in ("similar?title=The lift is stuck", f"known?id={number}&id={into}", "known"):
        assert [one["id"] for one in agent.get(f"/api/tickets/{path}").json["items"]] == [into], path
    refused(other.put(f"/api/tickets/{number}/affected/me"), 409)
    found = agent.get("/api/tickets?q=lift&status=closed").json["items"]
    assert [(one["id"], one["merged_into"]) for one in found] == [(number, {"id": into})]


def test_nobody_is_mailed_for_a_merge(agent: Person, customer: Person, other: Person) -> None:
    number, into = customer.reports(), other.reports()
    before = len(mails())
    merged(agent, number, into)
    undo(agent, number)
    assert len(mails()) == before
    merged(agent, number, into)
    agent.writes(into, "The plumber is here.", audience="affected")
    assert len(mails(customer.email)) == 2  # that the report was received, and this


def test_who_was_erased_joins_nothing(app: Flask, agent: Person, admin: Person, customer: Person) -> None:
    gone = Person.made(app, "customer")
    number, into = gone.reports(), customer.reports()
    assert admin.delete(f"/api/users/{gone.id}").status_code == 204
    merged(agent, number, into)
    assert affected(agent, into) == {customer.id}
    assert undo(agent, number).status_code == 200


def test_a_ticket_that_others_went_into_can_be_deleted(agent: Person, admin: Person, customer: Person) -> None:
    number, into = customer.reports(), customer.reports()
    merged(agent, number, into)
    assert admin.delete(f"/api/tickets/{into}").status_code == 204
    shown = agent.sees(number)
    assert (shown["merged_into"], shown["transitions"]) == (None, ["open"])
    db.session.remove()
    assert db.session.query(Merge).count() == 0


def test_a_guest_is_led_on_by_their_link(app: Flask, agent: Person, customer: Person) -> None:
    world = World(app)
    link = world.guest_link()
    number = world.anonymous.get(f"/api/tickets/by-link/{link}").json["id"]
    into = customer.reports()
    merged(agent, number, into)
    assert world.anonymous.get(f"/api/tickets/by-link/{link}").json["merged_into"] == {"id": into}
    page = Reader(app).reads(f"/account/report?token={link}")
    assert page.says(f"It is the same problem as #{into}, and goes on there")
    undo(agent, number)
    assert not Reader(app).reads(f"/account/report?token={link}").says("goes on there")


def test_a_merge_says_nothing_of_how_long_things_take(agent: Person, customer: Person) -> None:
    def counted() -> int:
        begin_write()
        db.session.execute(delete(Schedule))
        db.session.commit()
        work()
        db.session.remove()
        return db.session.scalar(select(Category.usual_count).where(Category.slug == "facilities-leaks")) or 0

    number, into = customer.reports(), customer.reports()
    agent.sets(into, status="resolved")
    merged(agent, number, into)
    assert counted() == 1
    undo(agent, number)
    agent.sets(number, status="resolved")
    assert counted() == 2


def test_two_tickets_that_are_merged_into_each_other_at_once_make_no_circle(
    app: Flask, agent: Person, admin: Person, customer: Person, other: Person
) -> None:
    for _ in range(5):
        one, two = customer.reports(), other.reports()
        answers = at_once(app, [lambda a=one, b=two: merge(agent, a, b), lambda a=one, b=two: merge(admin, b, a)])
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert [agent.sees(number)["merged_into"] for number in (one, two)].count(None) == 1


def test_a_merge_that_several_make_or_undo_at_once_is_one(
    app: Flask, agent: Person, admin: Person, customer: Person, other: Person
) -> None:
    number, into = customer.reports(), other.reports()
    for deed, count in ((lambda: merge(agent, number, into), 2), (lambda: undo(admin, number), 1)):
        answers = at_once(app, [deed] * 6)
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
        assert agent.sees(into)["affected_count"] == count


# --- the pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(app: Flask, agent: Person) -> Reader:
    return Reader(app, agent)


def at(number: int) -> str:
    return f"/staff/tickets/{number}"


def test_the_page_offers_what_is_likely_the_same_and_says_what_will_happen(
    desk: Reader, agent: Person, customer: Person, other: Person
) -> None:
    number = customer.reports(title="Lift is stuck again")
    into, unlike = other.reports(title="The lift is stuck"), other.reports(title="No paper in the printer")
    page = desk.reads(at(number))
    assert f"/staff/merge?ids={number}" in page.links
    page = desk.reads(f"/staff/merge?ids={number}")
    assert page.says("The lift is stuck") and not page.says("No paper")
    chosen = desk.sends(page.form_to("/staff/merge"), into=str(into))
    assert chosen.status_code == 302
    page = desk.reads(chosen.headers["Location"])
    assert page.says(f"1 person joins #{into}")
    assert agent.sees(number)["status"] == "open"  # asked, not done
    response = desk.sends(page.form_to("/staff/merge"))
    assert response.headers["Location"] == f"{at(into)}?merged={number}"
    page = desk.is_led(response)
    assert page.says(f"#{number} is merged into this ticket")
    assert page.says(f"Also here #{number} Lift is stuck again from Jonas Weber, merged just now")
    assert page.says("Priya Nair merged") and page.says("added Jonas Weber as also affected")
    assert not desk.reads(at(into)).says("is merged into this ticket")
    assert not desk.reads(at(unlike)).says("Also here")


def test_a_merged_tickets_page_leads_to_the_other_and_has_no_composer(
    desk: Reader, agent: Person, customer: Person, other: Person
) -> None:
    number, into = customer.reports(), other.reports()
    assert 'id="composer"' in desk.reads(at(number)).html
    merged(agent, number, into)
    page = desk.reads(at(number))
    assert page.says(f"Merged into #{into} by Priya Nair, just now") and at(into) in page.links
    assert 'id="composer"' not in page.html
    assert not page.says("Reopen")
    page = desk.is_led(desk.sends(page.form_to(f"{at(number)}/unmerge", button="Undo merge")))
    assert 'id="composer"' in page.html and not page.says("Merged into")
    assert agent.sees(number)["merged_into"] is None


def test_several_are_merged_at_once_and_undone_at_once(
    desk: Reader, agent: Person, customer: Person, other: Person
) -> None:
    one, two, into = customer.reports(), other.reports(), customer.reports()
    page = desk.reads(f"/staff/merge?ids={one},{two}&ids={into}")
    page = desk.reads(desk.sends(page.form_to("/staff/merge"), into=str(into)).headers["Location"])
    assert page.says(f"1 person joins #{into}")  # the other reported it
    page = desk.is_led(desk.sends(page.form_to("/staff/merge")))
    assert page.says(f"#{one} and #{two} are merged into this ticket")
    assert agent.sees(one)["merged_into"] == agent.sees(two)["merged_into"] == {"id": into}
    desk.is_led(desk.sends(page.form_to(f"{at(into)}/unmerge", button="Undo")))
    assert agent.sees(one)["merged_into"] is agent.sees(two)["merged_into"] is None


def test_what_was_typed_is_kept_when_a_merge_is_undone(
    desk: Reader, agent: Person, customer: Person, other: Person
) -> None:
    number, into = customer.reports(), other.reports()
    merged(agent, number, into)
    form = desk.reads(f"{at(into)}?merged={number}").form_to(f"{at(into)}/unmerge", button="Undo")
    page = Page(desk.sends(form, text="We are on it"))
    assert page.says("The merge is undone") and ("text", "We are on it") in page.form_to(f"{at(into)}/comments").fields
    again = desk.sends(form, undo="", key="0" * 32)
    assert (again.status_code, agent.sees(into)["affected_count"]) == (409, 1)


def test_what_cannot_be_merged_is_said_before_and_after(
    desk: Reader, agent: Person, customer: Person, other: Person
) -> None:
    number, into = other.reports(), customer.reports()
    path = f"/staff/merge?ids={number}"
    form = desk.reads(f"{path}&into={into}").form_to("/staff/merge")
    agent.sets(into, is_confidential=True)
    page = Page(desk.sends(form))
    assert (page.status, page.says("is confidential: it cannot take the people")) == (409, True)
    page = desk.reads(f"{path}&into={into}")
    assert page.says("is confidential: it cannot take the people") and "Merge into" not in page.html
    page = desk.reads(f"{path}&into={10**9}", 422)
    assert page.says(f"There is no ticket #{10**9}") and ("number", str(10**9)) in page.form_to("/staff/merge").fields
    assert desk.reads(f"{path}&number=nonsense", 422).says("Choose a ticket, or write its number")
    assert desk.reads(f"{path}&into={number}", 422).says("Choose another ticket than itself")
    desk.reads(f"/staff/merge?ids={10**9}", 404)
    desk.reads("/staff/merge?ids=x", 404)
    assert agent.sees(number)["merged_into"] is None


def test_customers_have_no_such_pages(app: Flask, customer: Person, agent: Person) -> None:
    number, into = customer.reports(), customer.reports()
    for path, wish in (("/staff/merge", {"ids": number, "into": into}), (f"{at(number)}/unmerge", {"undo": number})):
        assert Reader(app, customer).open("POST", path, data=wish).status_code == 403
        assert Reader(app).open("POST", path, data=wish).status_code == 401
        assert Reader(app, agent).open("POST", path, data=wish).status_code == 303


def test_a_ticket_with_merges_takes_one_statement_more(desk: Reader, agent: Person, customer: Person) -> None:
    def takes(number: int) -> int:
        desk.reads(at(number))  # it is read now, and no mark is written
        with statements() as seen:
            desk.reads(at(number))
        return len(seen)

    into, plain = customer.reports(), customer.reports()
    usual = takes(plain)
    for _ in range(3):
        merged(agent, customer.reports(), into)
    assert takes(into) == usual + 1 <= 10


def test_the_ticket_is_deleted_by_admins_who_are_asked_once(
    app: Flask, desk: Reader, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    path = f"{at(number)}/delete"
    assert path not in desk.reads(at(number)).links
    desk.reads(path, 403)
    assert desk.open("POST", path, data={}).status_code == 403
    chief = Reader(app, admin)
    assert path in chief.reads(at(number)).links
    page = chief.reads(path)
    assert page.says("It cannot be undone") and admin.sees(number)
    assert chief.sends(page.form_to(path)).headers["Location"] == "/staff/"
    assert admin.get(f"/api/tickets/{number}").status_code == 404


def test_who_is_brought_by_two_merges_stays_until_the_second_is_undone(
    agent: Person, customer: Person, other: Person
) -> None:
    into, one, two = other.reports(), customer.reports(), customer.reports()
    for number in (one, two):
        merged(agent, number, into)
    assert undo(agent, one).status_code == 200
    assert customer.sees(into)["id"] == into and customer.sees(two)["merged_into"] == {"id": into}
    assert undo(agent, two).status_code == 200
    assert customer.get(f"/api/tickets/{into}").status_code == 404
    assert agent.sees(into)["affected_count"] == 1
