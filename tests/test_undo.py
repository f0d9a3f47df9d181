"""A reply of the staff's can be taken back for ten seconds, as if it had never been."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from helpdesk import comments, jobs, policy
from helpdesk.workflow import STAFF
from models import Audience, AuditEvent, Channel, Comment, Event, Image, Job, Status, Ticket, begin_write, db
from tests.factories import Person, mails, work

AT = datetime.fromisoformat("2026-05-12T08:00:00+00:00")


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


def sends(agent: Person, ticket: int, text: str = "On our way.", **fields: Any) -> int:
    return agent.writes(ticket, text, **{"audience": "affected", "is_undoable": True, **fields})


def undo(person: Person, number: int) -> Any:
    return person.post(f"/api/comments/{number}/undo")


def told(person: Person) -> int:
    """How many mails somebody got."""
    return len(mails(person.email))


def row(ticket: int) -> dict[str, Any]:
    """A ticket's columns but those that say only that something happened."""
    db.session.remove()
    found = db.session.execute(select(Ticket.__table__).where(Ticket.id == ticket)).mappings().one()
    return {name: value for name, value in found.items() if name not in ("version", "activity_seq")}


def say(agent: Person, ticket: int, text: str, then: str | None = None, photos: tuple[int, ...] = ()) -> int:
    """What the staff's page does."""
    begin_write()
    taken = policy.take_ticket(agent.actor, ticket)
    comment = comments.send(
        agent.actor, taken, text, audience=Audience.AFFECTED, channel=Channel.WEB, photos=photos,
        then={"status": Status(then)} if then else None,
    )  # fmt: skip
    number = comment.id
    db.session.commit()
    return number


def test_a_reply_is_there_at_once_and_mailed_ten_seconds_later(
    clock: Any, app: Flask, agent: Person, customer: Person
) -> None:
    agent.signs_in()
    customer.signs_in()
    ticket = customer.reports()
    before = told(customer)
    sends(agent, ticket)
    assert [one["text"] for one in customer.get(f"/api/tickets/{ticket}/comments").json["items"]] == ["On our way."]
    assert told(customer) == before
    clock.move_to(AT + timedelta(seconds=9))
    assert told(customer) == before
    clock.move_to(AT + timedelta(seconds=11))
    assert told(customer) == before + 1


def test_a_program_is_mailed_at_once(agent: Person, customer: Person) -> None:
    ticket = customer.reports()
    before = told(customer)
    agent.writes(ticket, "On our way.", audience="reporter")
    assert told(customer) == before + 1


def test_an_undone_reply_is_as_if_it_had_never_been(clock: Any, agent: Person, customer: Person, other: Person) -> None:
    for person in (agent, customer, other):
        person.signs_in()
    ticket = customer.reports()
    other.joins(ticket)
    work()
    before, events = row(ticket), db.session.scalar(select(func.count(Event.id)))
    clock.move_to(AT + timedelta(seconds=60))
    photo = agent.uploads()
    number = sends(agent, ticket, "Rooom 214 is fine.", images=[photo])
    assert row(ticket)["first_response_at"] is not None
    clock.move_to(AT + timedelta(seconds=69))
    answer = undo(agent, number)
    assert (answer.status_code, answer.json["is_status_back"]) == (200, True)
    assert answer.json["draft"]["text"] == "Rooom 214 is fine."
    assert answer.json["draft"]["images"] == [photo]
    assert row(ticket) == before
    assert db.session.scalar(select(func.count(Event.id))) == events
    assert db.session.scalar(select(func.count(Comment.id))) == 0
    assert db.session.get_one(Image, photo).ticket_id is None
    for person in (customer, other):
        assert person.get(f"/api/tickets/{ticket}/comments").json["items"] == []
        assert person.get("/api/tickets?q=rooom").json["items"] == []
    clock.move_to(AT + timedelta(seconds=120))
    assert not any("Rooom" in one["text"] for person in (customer, other) for one in mails(person.email))
    assert db.session.scalar(select(AuditEvent.target).where(AuditEvent.action == "comment.undone")) == (
        f"comment:{number}"
    )
    assert agent.get(f"/api/comments/{number}").status_code == 404
    again = agent.writes(ticket, "Room 214 is fine.", images=[photo])
    assert agent.get(f"/api/comments/{again}").json["images"][0]["id"] == photo


@pytest.mark.parametrize(("start", "then"), [(start, then) for start, ways in STAFF.items() for then in ways])
def test_the_status_that_went_with_it_is_what_it_was(
    clock: Any, agent: Person, customer: Person, start: str, then: str
) -> None:
    agent.signs_in()
    customer.signs_in()
    ticket = customer.reports()
    if start != "open":
        agent.sets(ticket, status=start)
    work()
    clock.move_to(AT + timedelta(minutes=10))
    before, version = row(ticket), agent.sees(ticket)["version"]
    number = say(agent, ticket, "Done.", then)
    assert row(ticket)["status"] == then
    answer = undo(agent, number)
    assert answer.json["is_status_back"] is True
    assert answer.json["draft"]["then"] == then
    assert row(ticket) == before
    assert agent.sees(ticket)["version"] > version
    fields = [one["field"] for one in agent.get(f"/api/tickets/{ticket}/events").json["items"]]
    assert fields == ["created", *(["status"] if start != "open" else [])]
    clock.move_to(AT + timedelta(hours=2))
    work()
    assert not any("Done." in one["text"] for one in mails(customer.email))


def test_what_a_reply_moved_by_itself_goes_back_too(agent: Person, admin: Person) -> None:
    """One of the staff answers on their own report."""
    ticket = agent.reports()
    admin.sets(ticket, status="waiting")
    number = sends(agent, ticket)
    assert agent.sees(ticket)["status"] == "open"
    assert undo(agent, number).json["is_status_back"] is True
    assert agent.sees(ticket)["status"] == "waiting"
    fields = [one["to_value"] for one in agent.get(f"/api/tickets/{ticket}/events").json["items"]]
    assert fields == ["open", "waiting"]


def test_a_status_stays_where_somebody_changed_the_ticket_meanwhile(
    clock: Any, agent: Person, admin: Person, customer: Person
) -> None:
    for person in (agent, admin, customer):
        person.signs_in()
    ticket = customer.reports()
    number = say(agent, ticket, "Done.", "resolved")
    admin.sets(ticket, priority="high")
    answer = undo(agent, number)
    assert (answer.status_code, answer.json["is_status_back"], answer.json["draft"]["then"]) == (200, False, None)
    shown = agent.sees(ticket)
    assert (shown["status"], shown["priority"], shown["comment_count"]) == ("resolved", "high", 0)
    assert shown["first_response_at"] is None


def test_the_first_answer_is_then_the_next_ones(clock: Any, agent: Person, admin: Person, customer: Person) -> None:
    for person in (agent, admin, customer):
        person.signs_in()
    ticket = customer.reports()
    number = sends(agent, ticket)
    clock.move_to(AT + timedelta(seconds=3))
    admin.writes(ticket, "Mine too.", audience="reporter")
    assert undo(agent, number).status_code == 200
    assert agent.sees(ticket)["first_response_at"] == "2026-05-12T08:00:03Z"


def test_only_its_author_takes_a_reply_back_within_ten_seconds(
    clock: Any, agent: Person, admin: Person, customer: Person
) -> None:
    for person in (agent, admin, customer):
        person.signs_in()
    number = sends(agent, customer.reports())
    assert undo(admin, number).status_code == 403
    assert undo(customer, number).status_code == 403
    clock.move_to(AT + timedelta(seconds=11))
    assert undo(agent, number).status_code == 409
    clock.move_to(AT + timedelta(seconds=5))
    assert undo(agent, number).status_code == 200
    assert undo(agent, number).status_code == 404


def test_a_note_and_what_a_program_wrote_cannot_be_taken_back(agent: Person, customer: Person) -> None:
    ticket = customer.reports()
    assert undo(agent, sends(agent, ticket, audience="internal")).status_code == 409
    assert undo(agent, agent.writes(ticket, "At once.", audience="reporter")).status_code == 409
    assert customer.post(f"/api/tickets/{ticket}/comments", {"text": "x", "is_undoable": True}).status_code == 403
    assert undo(agent, sends(agent, ticket)).status_code == 200


def test_whoever_has_the_job_first_has_it_alone(clock: Any, agent: Person, customer: Person) -> None:
    """Both orders of the race with the worker: mailed and kept, or taken back and never mailed."""
    agent.signs_in()
    customer.signs_in()
    ticket = customer.reports()
    work()
    first, second = sends(agent, ticket, "First"), sends(agent, ticket, "Second")
    assert undo(agent, first).status_code == 200
    clock.move_to(AT + timedelta(seconds=10))
    job = jobs.claim()  # the worker has it in hands, and has mailed nobody yet
    assert job is not None
    assert job.kind == "announce"
    db.session.remove()
    clock.move_to(AT + timedelta(seconds=9))  # an undo whose clock is behind the worker's
    assert undo(agent, second).status_code == 409
    jobs.HANDLERS["announce"](job)
    db.session.remove()
    clock.move_to(AT + timedelta(seconds=30))
    found = [one["text"] for one in mails(customer.email)]
    assert sum("Second" in text for text in found) == 1
    assert sum("First" in text for text in found) == 0


def test_a_job_that_failed_halfway_is_not_taken_back(clock: Any, agent: Person, customer: Person) -> None:
    agent.signs_in()
    customer.signs_in()
    number = sends(agent, customer.reports())
    begin_write()
    job = db.session.scalars(select(Job).where(Job.key.is_not(None), Job.kind == "announce")).one()
    job.attempts = 1
    db.session.commit()
    assert undo(agent, number).status_code == 409


def test_what_was_written_since_is_not_lost(agent: Person, customer: Person) -> None:
    ticket = customer.reports()
    number = sends(agent, ticket, "First thought.")
    agent.put(f"/api/tickets/{ticket}/draft", {"text": "Second thought."})
    assert undo(agent, number).json["draft"]["text"] == "First thought.\n\nSecond thought."


def test_sending_is_the_end_of_a_draft(agent: Person, customer: Person) -> None:
    ticket = customer.reports()
    for audience in ("internal", "reporter"):
        agent.put(f"/api/tickets/{ticket}/draft", {"text": "Half"})
        sends(agent, ticket, audience=audience)
        assert agent.get(f"/api/tickets/{ticket}/draft").status_code == 404


def test_what_stays_of_a_reply_that_was_taken_back_is_told(agent: Person, admin: Person, customer: Person) -> None:
    with time_machine.travel(datetime(2026, 5, 12, 8, tzinfo=UTC), tick=False) as clock:
        for person in (agent, admin, customer):
            person.signs_in()
        number = customer.reports()
        before = len(mails(customer.email))
        comment = say(agent, number, "Done.", then="resolved")
        admin.sets(number, priority="high")
        assert undo(agent, comment).status_code == 200
        assert agent.sees(number)["status"] == "resolved"
        clock.shift(60)
        told = mails(customer.email)
        assert len(told) == before + 1
        assert "Done." not in told[0]["text"]


def test_what_one_takes_back_is_not_unread_for_oneself(agent: Person, customer: Person) -> None:
    number = customer.reports()
    agent.put(f"/api/tickets/{number}/read")
    assert undo(agent, sends(agent, number)).status_code == 200
    assert agent.sees(number)["is_unread"] is False


def test_a_draft_that_was_being_saved_when_it_was_sent_does_not_come_back(agent: Person, customer: Person) -> None:
    number = customer.reports()
    path = f"/api/tickets/{number}/draft"
    agent.writes(number, "We come tomorrow.", audience="reporter")
    assert agent.put(path, {"text": "We come tomorrow."}).status_code == 204
    assert agent.get(path).status_code == 404
    assert agent.put(path, {"text": "We come tomorrow at ten."}).status_code == 204
    assert agent.get(path).status_code == 200
