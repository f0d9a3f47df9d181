"""What each of the staff has read: tickets are unread where something happened after that."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from helpdesk import reads
from models import TicketRead, db
from tests.conftest import statements
from tests.factories import Person
from tests.pages import Reader


def unread(person: Person, number: int) -> bool:
    listed = {one["id"]: one["is_unread"] for one in person.get("/api/tickets").json["items"]}
    assert listed[number] == person.sees(number)["is_unread"]
    return bool(listed[number])


def read(person: Person, number: int) -> None:
    assert person.put(f"/api/tickets/{number}/read").status_code == 204


def marks() -> list[tuple[int, int, int]]:
    db.session.rollback()
    return [tuple(row) for row in db.session.execute(select(TicketRead.user_id, TicketRead.ticket_id, TicketRead.seq))]


def test_a_ticket_is_unread_until_it_is_read_and_again_when_something_happens(
    agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    assert (unread(agent, number), unread(admin, number)) == (True, True)
    read(agent, number)
    assert (unread(agent, number), unread(admin, number)) == (False, True)
    for happens in (
        lambda: customer.writes(number),
        lambda: admin.sets(number, priority="high"),
        lambda: admin.writes(number, "For us.", audience="internal"),
    ):
        happens()
        assert unread(agent, number)
        read(agent, number)
        assert not unread(agent, number)


def test_ones_own_deeds_are_nothing_new_to_oneself(agent: Person, admin: Person, customer: Person) -> None:
    number = customer.reports()
    agent.sets(number, priority="high")
    assert unread(agent, number)  # what the customer said before was never read
    read(agent, number)
    agent.sets(number, priority="low")
    agent.writes(number, "On my way.")
    assert not unread(agent, number)
    customer.writes(number, "Thank you.")
    agent.sets(number, status="in_progress")
    assert unread(agent, number)
    own = agent.reports(email="somebody@campus.test")
    assert (unread(agent, own), unread(admin, own)) == (False, True)


def test_a_ticket_is_marked_as_unread_again(agent: Person, customer: Person) -> None:
    number = customer.reports()
    read(agent, number)
    for _ in range(2):
        assert agent.delete(f"/api/tickets/{number}/read").status_code == 204
        assert unread(agent, number)
    read(agent, number)
    read(agent, number)
    assert not unread(agent, number)


def test_marks_are_the_staffs_and_customers_see_nothing_of_them(agent: Person, customer: Person) -> None:
    number = customer.reports()
    for method in ("PUT", "DELETE"):
        assert customer.open(method, f"/api/tickets/{number}/read").status_code == 403
        assert agent.open(method, f"/api/tickets/{10**9}/read").status_code == 404
    etag = customer.get(f"/api/tickets/{number}").headers["ETag"]
    read(agent, number)
    again = customer.get(f"/api/tickets/{number}")
    assert (again.headers["ETag"], "is_unread" in again.json) == (etag, False)
    assert agent.get(f"/api/tickets/{number}").headers["ETag"].split(".")[0] == etag.split(".")[0]  # one version


def test_opening_the_page_marks_it_and_writes_only_where_there_is_something_new(
    app: Flask, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    desk = Reader(app, agent)
    path = f"/staff/tickets/{number}"

    def writes() -> int:
        with statements() as seen:
            desk.reads(path)
        return len([one for one in seen if not one.startswith("SELECT")])

    assert (writes(), writes()) == (1, 0)
    assert not unread(agent, number)
    customer.writes(number)
    assert (writes(), writes()) == (1, 0)


def test_a_page_that_cannot_be_noted_as_read_is_there_all_the_same(
    app: Flask, agent: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = customer.reports()
    desk = Reader(app, agent)

    def fails(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr(reads, "mark", fails)
        assert desk.reads(f"/staff/tickets/{number}").says("Water dripping")
    assert marks() == []
    desk.reads(f"/staff/tickets/{number}")
    assert [mark[:2] for mark in marks()] == [(agent.id, number)]


def test_the_queue_shows_what_is_unread_in_words_too(app: Flask, agent: Person, customer: Person) -> None:
    old, new = customer.reports(title="Old problem"), customer.reports(title="Fresh problem")
    read(agent, old)
    page = Reader(app, agent).reads("/staff/")
    seen = {row["data-id"]: row["data-seen"] for tag, row in page.tags if tag == "tr" and "data-seen" in row}
    assert seen == {str(old): "yes", str(new): "no"}
    assert page.says("New: Fresh problem")
    assert not page.says("New: Old problem")


def test_what_somebody_read_goes_with_them(admin: Person, agent: Person, customer: Person) -> None:
    number = customer.reports()
    read(agent, number)
    assert len(marks()) == 1
    assert admin.delete(f"/api/users/{agent.id}").status_code == 204
    assert marks() == []
