"""Several at once, on the real database: of many who change the same thing one wins, and nothing is done twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from helpdesk import jobs, mail, tickets
from models import (
    Category,
    Comment,
    Event,
    IdempotencyKey,
    Job,
    JobState,
    Role,
    Schedule,
    Ticket,
    TicketReport,
    User,
    begin_write,
    db,
    now,
)
from tests.factories import Person, a_report, work

T = TypeVar("T")


def at_once(app: Flask, deeds: Sequence[Callable[[], T]]) -> list[T]:
    """Do all of them in threads that start together, each with a context and connection of its own."""
    db.session.remove()
    start = threading.Barrier(len(deeds))

    def thread(deed: Callable[[], T]) -> T:
        with app.app_context():
            start.wait(timeout=20)
            try:
                return deed()
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return [future.result() for future in [threads.submit(thread, deed) for deed in deeds]]


def statuses(answers: Iterable[TestResponse]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def count(*where: Any) -> int:
    db.session.remove()
    return db.session.scalar(select(func.count()).where(*where)) or 0


# --- one thing, many writers ------------------------------------------------------------------------------------------


def test_of_fifty_who_change_the_same_version_one_wins(
    app: Flask, customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    etag = agent.get(f"/api/tickets/{number}").headers["ETag"]

    def change(person: Person, title: str) -> Callable[[], TestResponse]:
        return lambda: person.patch(f"/api/tickets/{number}", {"title": title}, headers={"If-Match": etag})

    people = (customer, agent, admin)
    answers = at_once(app, [change(people[i % 3], f"Title number {i}") for i in range(50)])
    assert statuses(answers) == {200: 1, 412: 49}
    (won,) = (answer for answer in answers if answer.status_code == 200)
    title = agent.sees(number)["title"]
    assert won.json["title"] == title
    for lost in answers:
        if lost is not won:  # each is told what it looks like now, and may try again
            assert (lost.json["current"]["title"], lost.json["current"]["version"]) == (title, won.json["version"])
    assert count(Event.ticket_id == number, Event.field == "title") == 1
    tag = {person.id: person.get(f"/api/tickets/{number}").headers["ETag"] for person in people}
    assert {answer.headers["ETag"] for answer in answers} <= set(tag.values())


@pytest.mark.parametrize("path", ["/api/tickets/{}", "/api/tasks/{}", "/api/comments/{}"])
def test_of_those_who_delete_and_change_the_same_version_one_wins(
    app: Flask, customer: Person, admin: Person, path: str
) -> None:
    ticket = customer.reports()
    number = {
        "/api/tickets/{}": lambda: ticket,
        "/api/tasks/{}": lambda: admin.post("/api/tasks", {"title": "Valve"}).json["id"],
        "/api/comments/{}": lambda: customer.writes(ticket),
    }[path]()
    path = path.format(number)
    headers = {"If-Match": admin.get(path).headers["ETag"]}
    body = {"text": "Another."} if "comments" in path else {"title": "Another"}
    deeds = [lambda: admin.patch(path, body, headers=headers), lambda: admin.delete(path, headers=headers)] * 4
    answers = at_once(app, deeds)
    found = statuses(answers)
    assert found[200] + found[204] == 1
    assert found[404 if found[204] else 412] == 7
    assert admin.get(path).status_code == (404 if found[204] else 200)


def test_a_ticket_is_closed_once_however_many_close_it(
    app: Flask, customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    people = [customer, agent, admin] * 3
    answers = at_once(app, [lambda p=p: p.patch(f"/api/tickets/{number}", {"status": "closed"}) for p in people])
    assert statuses(answers) == {200: 9}
    assert count(Event.ticket_id == number, Event.field == "status") == 1
    assert agent.sees(number)["version"] == 2


def test_a_ticket_is_resolved_and_told_once(app: Flask, customer: Person, agent: Person) -> None:
    number = customer.reports()
    before = count(Job.kind == "announce")
    answers = at_once(app, [lambda: agent.patch(f"/api/tickets/{number}", {"status": "resolved"})] * 6)
    assert statuses(answers) == {200: 6}
    assert count(Event.ticket_id == number, Event.field == "status") == 1
    assert count(Job.kind == "announce") == before + 1


def test_a_reply_is_taken_back_or_mailed_never_both(app: Flask, customer: Person, agent: Person) -> None:
    """The worker and its author want it at the same moment: whoever has the job has it alone."""
    ticket = customer.reports()
    work()
    outcomes = Counter[int]()
    for turn in range(12):
        number = agent.writes(ticket, f"Reply {turn}", audience="reporter", is_undoable=True)
        begin_write()
        db.session.execute(update(Job).where(Job.key.startswith("announce:")).values(run_at=now()))
        db.session.commit()
        undo = partial(agent.post, f"/api/comments/{number}/undo")
        answer, _ = at_once(app, [lambda deed=undo: deed().status_code, lambda: int(jobs.run_one())])
        work()
        mailed = [one for one in mail.kept() if f"Reply {turn}\n" in one["text"]]
        outcomes[answer] += 1
        assert (answer, len(mailed), count(Comment.id == number)) in ((200, 0, 0), (409, 1, 1)), turn
    assert outcomes.total() == 12


def test_the_reporters_answers_reopen_it_once(app: Flask, customer: Person, agent: Person) -> None:
    number = customer.reports()
    agent.sets(number, status="waiting")
    write = lambda: customer.post(f"/api/tickets/{number}/comments", {"text": "Here it is."})  # noqa: E731
    assert statuses(at_once(app, [write] * 6)) == {201: 6}
    assert agent.sees(number)["comment_count"] == 6
    assert agent.sees(number)["status"] == "open"
    assert count(Event.ticket_id == number, Event.field == "status") == 2  # to waiting, and back


def test_who_change_the_same_many_at_once_all_do_and_each_ticket_once_for_each(
    app: Flask, customer: Person, agent: Person, admin: Person
) -> None:
    """In whatever order: the admin works in the team that the category brings along, so that nobody loses it to that."""
    team = db.session.scalars(select(Category.team_id).where(Category.slug == "it-wifi")).one()
    assert admin.put(f"/api/teams/{team}/members/{admin.id}", {}).status_code == 200
    numbers = [customer.reports(title=f"Problem {n}") for n in range(6)]

    def many(person: Person, ids: list[int], **changes: Any) -> Callable[[], TestResponse]:
        return lambda: person.post("/api/tickets/bulk", {"ids": ids, "changes": changes})

    deeds = [
        many(agent, numbers, priority="high"),
        many(admin, numbers[::-1], status="in_progress"),
        many(agent, numbers[::-1], assignee_id=admin.id),
        many(admin, numbers, category="it-wifi"),
        lambda: admin.patch(f"/api/tickets/{numbers[3]}", {"room": "214"}),
    ]
    answers = at_once(app, deeds)
    assert statuses(answers) == {200: 5}
    assert [answer.json["done"] for answer in answers[:4]] == [numbers] * 4
    for number in numbers:
        seen = agent.sees(number)
        assert (seen["priority"], seen["status"], seen["assignee"]["id"]) == ("high", "in_progress", admin.id)
        assert seen["version"] == (6 if number == numbers[3] else 5)
    assert count(Event.ticket_id.in_(numbers), Event.field == "status") == 6


def test_many_are_put_back_once_however_many_ask(app: Flask, customer: Person, agent: Person) -> None:
    numbers = [customer.reports(title=f"Problem {n}") for n in range(3)]
    done = agent.post("/api/tickets/bulk", {"ids": numbers, "changes": {"status": "resolved"}}).json["id"]
    answers = at_once(app, [lambda: agent.post(f"/api/bulk-edits/{done}/undo")] * 6)
    assert statuses(answers) == {200: 1, 409: 5}
    assert count(Event.ticket_id.in_(numbers), Event.field == "status") == 6
    assert {agent.sees(number)["status"] for number in numbers} == {"open"}


# --- one intent, repeated ---------------------------------------------------------------------------------------------


def test_a_report_sent_twenty_times_under_one_key_is_one_ticket(app: Flask, customer: Person, agent: Person) -> None:
    send = lambda: customer.post("/api/tickets", a_report(), headers={"Idempotency-Key": "once"})  # noqa: E731
    answers = at_once(app, [send] * 20)
    assert statuses(answers) == {201: 20}
    assert len({answer.data for answer in answers}) == 1
    assert len({(answer.headers["Location"], answer.headers["ETag"]) for answer in answers}) == 1
    assert Counter(answer.headers.get("Idempotent-Replayed") for answer in answers) == {None: 1, "true": 19}
    assert count(Ticket.id.is_not(None)) == 1
    assert count(Job.kind == "announce") == 1
    # the key is the caller's own: somebody else's is another
    assert agent.post("/api/tickets", a_report(), headers={"Idempotency-Key": "once"}).status_code == 201
    assert count(Ticket.id.is_not(None)) == 2


def test_a_comment_sent_twice_under_one_key_is_one_comment(app: Flask, customer: Person) -> None:
    path, key = f"/api/tickets/{customer.reports()}/comments", {"Idempotency-Key": "once"}
    answers = at_once(app, [lambda: customer.post(path, {"text": "Any news?"}, headers=key)] * 8)
    assert statuses(answers) == {201: 8}
    assert len(customer.get(path).json["items"]) == 1


def test_a_key_with_several_bodies_serves_one_of_them(app: Flask, customer: Person) -> None:
    def send(title: str) -> Callable[[], TestResponse]:
        return lambda: customer.post("/api/tickets", a_report(title=title), headers={"Idempotency-Key": "once"})

    answers = at_once(app, [send(f"Title number {i}") for i in range(8)])
    assert statuses(answers) == {201: 1, 422: 7}
    assert count(Ticket.id.is_not(None)) == count(IdempotencyKey.id.is_not(None)) == 1


def test_a_refusal_leaves_the_key_free(app: Flask, customer: Person) -> None:
    key = {"Idempotency-Key": "once"}
    wrong = lambda: customer.post("/api/tickets", a_report(category="no-such"), headers=key)  # noqa: E731
    assert statuses(at_once(app, [wrong] * 4)) == {422: 4}
    assert customer.post("/api/tickets", a_report(), headers=key).status_code == 201


# --- many writers -----------------------------------------------------------------------------------------------------


def test_eight_writers_make_two_hundred_tickets(app: Flask) -> None:
    """No "database is locked", and each ticket is its reporter's."""
    writers = [Person.made(app, "customer") for _ in range(8)]

    def writer(person: Person) -> Callable[[], list[TestResponse]]:
        return lambda: [person.post("/api/tickets", a_report(title=f"{person.username} {i}")) for i in range(25)]

    made = at_once(app, [writer(person) for person in writers])
    assert statuses(answer for answers in made for answer in answers) == {201: 200}
    assert len({answer.json["id"] for answers in made for answer in answers}) == 200
    for person, answers in zip(writers, made, strict=True):
        assert {answer.json["reporter"]["id"] for answer in answers} == {person.id}
        listed = person.get("/api/tickets?limit=100").json["items"]
        assert {item["title"] for item in listed} == {f"{person.username} {i}" for i in range(25)}


def test_more_requests_at_once_than_there_are_connections_wait_for_one(app: Flask) -> None:
    """None holds a connection while it waits for another: with the pool empty, all of them would wait for ever."""
    people = [Person.made(app, "customer") for _ in range(40)]
    answers = at_once(app, [lambda p=p: p.post("/api/tickets", a_report()) for p in people])
    assert statuses(answers) == {201: 40}
    wrong = {"current_password": "wrong", "password": "sixteen candles in the rain"}
    answers = at_once(app, [lambda p=p: p.post("/api/auth/password/change", wrong) for p in people])
    # so many passwords at once are not compared: whoever comes then is asked to come again
    assert statuses(answers).keys() <= {403, 503}


def test_those_who_join_at_once_are_each_counted_once(app: Flask, customer: Person, agent: Person) -> None:
    number = customer.reports()
    people = [Person.made(app, "customer") for _ in range(8)]
    joins = [lambda p=p: p.put(f"/api/tickets/{number}/affected/me") for p in people for _ in range(3)]
    assert statuses(at_once(app, joins)) == {204: 24}
    assert agent.sees(number)["affected_count"] == 9
    assert count(TicketReport.ticket_id == number) == 8
    leaves = [lambda p=p: p.delete(f"/api/tickets/{number}/affected/me") for p in people for _ in range(3)]
    assert statuses(at_once(app, leaves)) == {204: 24}
    assert agent.sees(number)["affected_count"] == 1


def test_a_new_address_that_two_report_for_at_once_is_one_person(app: Flask, agent: Person, admin: Person) -> None:
    send = [lambda p=p: p.post("/api/tickets", a_report(email="guest@campus.test")) for p in (agent, admin) * 4]
    answers = at_once(app, send)
    assert statuses(answers) == {201: 8}
    assert len({answer.json["reporter"]["id"] for answer in answers}) == 1
    assert count(User.email_normalized == "guest@campus.test") == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/tags", {"name": "valve"}),
        ("/api/buildings", {"slug": "hall", "name": "Hall"}),
        ("/api/categories", {"slug": "misc", "name": "Misc"}),
        ("/api/teams", {"slug": "crew", "name": "Crew"}),
    ],
)
def test_a_name_that_many_want_is_given_once(app: Flask, admin: Person, path: str, body: dict[str, Any]) -> None:
    answers = at_once(app, [lambda: admin.post(path, body)] * 6)
    assert statuses(answers) == {201: 1, 409: 5}


def test_an_invitation_sent_by_many_makes_one_account(app: Flask, admin: Person) -> None:
    body = {"email": "new@campus.test", "name": "New", "role": "agent"}
    answers = at_once(app, [lambda: admin.post("/api/users", body)] * 6)
    assert set(statuses(answers)) <= {201, 409}
    assert statuses(answers)[201] >= 1
    assert count(User.email_normalized == "new@campus.test") == 1


@pytest.mark.parametrize(("kind", "slug"), [("categories", "shared"), ("buildings", "hall")])
def test_what_somebody_uses_at_this_moment_is_not_deleted_under_them(
    app: Flask, admin: Person, customer: Person, kind: str, slug: str
) -> None:
    made = admin.post(f"/api/{kind}", {"slug": slug, "name": "Shared"}).json["id"]
    body = a_report(category=slug) if kind == "categories" else a_report(building=slug)
    create, delete = lambda: customer.post("/api/tickets", body), lambda: admin.delete(f"/api/{kind}/{made}")
    found = statuses(at_once(app, [create, delete] * 4))
    if found[201]:
        assert found == {201: 4, 409: 4}
    else:
        assert found == {204: 1, 404: 3, 422: 4}


# --- admins -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["demote", "deactivate", "erase"])
def test_of_two_admins_who_remove_each_other_at_once_one_stays(app: Flask, how: str) -> None:
    for _ in range(3):
        admins = [Person.made(app, "admin") for _ in range(2)]

        def remove(me: Person, other: Person) -> TestResponse:
            path = f"/api/users/{other.id}"
            if how == "erase":
                return me.delete(path)
            return me.patch(path, {"role": "customer"} if how == "demote" else {"is_active": False})

        first, second = admins
        answers = at_once(app, [lambda: remove(first, second), lambda: remove(second, first)])  # noqa: B023
        done = [answer for answer in answers if answer.status_code < 300]
        assert len(done) == 1, statuses(answers)
        # the other one came too late: there is nobody else, or they are no admin any more
        assert statuses(answers).keys() & {401, 403, 409}
        assert count(User.role == Role.ADMIN, User.is_active) == 1
        left = first if first.get("/api/users/me").status_code == 200 and done[0] is answers[0] else second
        begin_write()
        db.session.get_one(User, left.id).role = Role.CUSTOMER
        db.session.commit()


# --- the outbox -------------------------------------------------------------------------------------------------------


@pytest.fixture
def done(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers that jobs of the kind `count` were given, as they were done."""
    seen: list[int] = []
    monkeypatch.setitem(jobs.HANDLERS, "count", lambda job: seen.append(job.payload["number"]))
    return seen


def _workers(app: Flask, deed: Callable[[], Any]) -> list[Any]:
    return at_once(app, [deed] * 4)


def test_four_workers_do_each_job_once(app: Flask, done: list[int]) -> None:
    begin_write()
    for number in range(60):
        jobs.enqueue("count", {"number": number})
    db.session.commit()

    def worker() -> int:
        did = 0
        while jobs.run_one():
            did += 1
        return did

    shares = _workers(app, worker)
    assert sorted(done) == list(range(60))
    assert sum(shares) == 60
    assert count(Job.state == JobState.DONE, Job.attempts == 1) == 60


def test_a_keyed_promise_made_by_many_is_one_job(app: Flask, done: list[int]) -> None:
    def promise() -> None:
        begin_write()
        jobs.enqueue("count", {"number": 7}, key="only-once")
        db.session.commit()

    at_once(app, [promise] * 8)
    assert count(Job.kind == "count") == 1
    work()
    assert done == [7]


def test_what_recurs_is_promised_once_however_many_workers_look(
    app: Flask, done: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second", "third"):
        monkeypatch.setitem(jobs.SCHEDULES, name, timedelta(hours=1))
    _workers(app, jobs.run_schedules)  # never seen before
    once = {name: count(Job.kind == name) for name in jobs.recurring()}
    assert set(once.values()) == {1}
    begin_write()
    for row in db.session.scalars(select(Schedule)):
        row.next_run_at = now() - timedelta(minutes=1)
    db.session.commit()
    _workers(app, jobs.run_schedules)  # due again
    assert {count(Job.kind == name) for name in jobs.recurring()} == {2}
    _workers(app, jobs.run_schedules)  # not due
    assert {count(Job.kind == name) for name in jobs.recurring()} == {2}


def test_a_ticket_is_there_while_its_category_changes(app: Flask, customer: Person, agent: Person) -> None:
    number = customer.reports(category="it-wifi")
    slugs = ["it-printing", "it-wifi", "facilities-heating"]
    changes = [
        lambda slug=slugs[n % 3]: agent.patch(f"/api/tickets/{number}", {"category": slug}) for n in range(8)
    ]  # fmt: skip
    words = [lambda: customer.post(f"/api/tickets/{number}/comments", {"text": "Still so."}) for _ in range(4)]
    answers = at_once(app, [*changes, *words])
    assert statuses(answers) == {200: 8, 201: 4}


def test_tasks_and_the_deletion_of_their_ticket_do_not_stop_each_other(
    app: Flask, customer: Person, agent: Person, admin: Person
) -> None:
    for _ in range(5):
        number = customer.reports()
        tasks = [agent.post("/api/tasks", {"title": "Valve", "ticket_id": number}).json["id"] for _ in range(4)]
        finish = [lambda task=task: agent.patch(f"/api/tasks/{task}", {"status": "done"}) for task in tasks]
        answers = at_once(app, [*finish, lambda number=number: admin.delete(f"/api/tickets/{number}")])
        assert statuses(answers) == {200: 4, 204: 1}


def test_a_deed_that_the_database_ended_for_another_is_done_again(
    app: Flask, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    ended, create = [], tickets.create

    def once(*arguments: Any, **more: Any) -> Ticket:
        made = create(*arguments, **more)
        if not ended:
            ended.append(made)
            raise OperationalError("INSERT", {}, Deadlock())
        return made

    monkeypatch.setattr(tickets, "create", once)
    key = {"Idempotency-Key": "k"}
    first = customer.post("/api/tickets", a_report(), headers=key)
    again = customer.post("/api/tickets", a_report(), headers=key)
    assert (first.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert first.json["id"] == again.json["id"]
    assert count(Ticket.id > 0) == 1
