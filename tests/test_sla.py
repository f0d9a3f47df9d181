"""Clocks: what is due when, what stops them, and what the worker notes of them, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from helpdesk import jobs, mail, sla
from helpdesk.sla import watch
from helpdesk.sla.history import Move, pauses
from models import FAR_FUTURE, Calendar, Event, Job, SlaPolicy, Status, Tag, Ticket, begin_write, db
from tests.conftest import statements
from tests.factories import Person, mails, work
from tests.pages import Reader
from tests.test_undo import say

MONDAY = datetime(2026, 5, 11, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OFFICE = [[["08:00", "18:00"]]] * 5 + [[], []]


@contextmanager
def at(moment: datetime, *people: Person) -> Iterator[None]:
    with time_machine.travel(moment, tick=False):
        for person in people:
            person.signs_in()
        yield


def ticket(number: int) -> Ticket:
    db.session.remove()
    return db.session.get_one(Ticket, number)


def office(admin: Person, **fields: Any) -> int:
    """Let what is normal count in office hours, in UTC: 4 h to the reply, 20 h to the fix."""
    body = {"name": "Desk", "time_zone": "UTC", "hours": OFFICE, **fields}
    calendar = int(admin.post("/api/calendars", body).json["id"])
    begin_write()
    policy = db.session.scalars(select(SlaPolicy).where(SlaPolicy.name == "Normal")).one()
    policy.response_seconds, policy.resolution_seconds, policy.calendar_id = 14_400, 72_000, calendar
    db.session.commit()
    return calendar


def told(number: int) -> list[tuple[str, str | None]]:
    db.session.remove()
    wanted = select(Event.field, Event.to_value).where(
        Event.ticket_id == number, Event.field.in_(["due_soon", "overdue"])
    )
    return [(row.field, row.to_value) for row in db.session.execute(wanted.order_by(Event.id))]


# --- what is due when -------------------------------------------------------------------------------------------------


def test_a_new_desk_has_the_targets_that_are_built_in(app: Flask, customer: Person) -> None:
    policies = list(db.session.scalars(select(SlaPolicy).order_by(SlaPolicy.position)))
    assert [one.name for one in policies] == ["Urgent", "High", "Normal", "Low"]
    for one in policies:
        response, resolution = sla.TARGETS[one.priorities[0]]
        assert (one.response_seconds, one.resolution_seconds) == (
            response.total_seconds(),
            resolution.total_seconds(),
        )
        assert one.calendar_id is None
    assert db.session.scalars(select(Calendar.name)).all() == ["Office hours"]
    number = customer.reports()
    found = ticket(number)
    assert found.sla_policy_id == policies[2].id
    assert found.first_response_due_at == found.created_at + timedelta(days=1)
    assert found.resolution_due_at == found.created_at + timedelta(days=5)


def test_where_no_policy_matches_the_built_in_targets_hold(app: Flask, admin: Person, customer: Person) -> None:
    begin_write()
    db.session.execute(update(SlaPolicy).values(is_active=False))
    db.session.commit()
    found = ticket(customer.reports())
    assert found.sla_policy_id is None
    assert found.resolution_due_at == found.created_at + timedelta(days=5)


def test_the_first_active_policy_that_matches_holds(app: Flask, admin: Person, agent: Person) -> None:
    categories = {one["slug"]: one["id"] for one in admin.get("/api/categories").json["items"]}
    team = {one["slug"]: one["id"] for one in admin.get("/api/teams").json["items"]}
    wanted = [
        ("Leaks", {"category_ids": [categories["facilities-leaks"]], "priorities": ["urgent"]}),
        ("Facilities", {"category_ids": [categories["facilities"]]}),
        ("Everything of IT", {"team_ids": [team["it"]]}),
        ("Off", {"is_active": False}),
        ("All", {}),
    ]
    ids = []
    for hours, (name, fields) in enumerate(wanted, start=1):
        body = {"name": name, "response_seconds": hours * 3600, "resolution_seconds": hours * 36_000, **fields}
        ids.append(admin.post("/api/sla-policies", body).json["id"])
    others = [one["id"] for one in admin.get("/api/sla-policies").json["items"] if one["id"] not in ids]
    assert admin.put("/api/sla-policies/order", {"ids": ids + others}).status_code == 200

    def held_by(**fields: Any) -> str:
        number = agent.reports(**fields)
        why = agent.get(f"/api/tickets/{number}/due").json
        found = ticket(number)
        assert found.sla_policy_id == why["policy"]["id"] and why["is_current"]
        return str(why["policy"]["name"])

    assert held_by(priority="urgent") == "Leaks"
    assert held_by() == "Facilities"  # a category stands for its children
    assert held_by(category="facilities") == "Facilities"
    assert held_by(category="it-wifi", priority="urgent") == "Everything of IT"
    assert held_by(category="services-cleaning", team_id=team["it"]) == "Everything of IT"
    assert held_by(category="services-cleaning") == "All"
    number = agent.reports(category="services-cleaning")
    for change, name in (
        ({"team_id": team["it"], "handoff_reason": "It is the card reader."}, "Everything of IT"),
        ({"category": "facilities-leaks"}, "Facilities"),
        ({"priority": "urgent"}, "Leaks"),
        ({"category": "it-wifi", "priority": "low"}, "Everything of IT"),
    ):
        agent.sets(number, **change)
        assert agent.get(f"/api/tickets/{number}/due").json["policy"]["name"] == name, change


def test_only_open_hours_count_where_a_calendar_says_so(app: Flask, admin: Person, customer: Person) -> None:
    office(admin, holidays=[{"date": "2026-05-14", "name": "Ascension"}])
    with at(datetime(2026, 5, 13, 16, 0, tzinfo=UTC), customer):  # two hours are left of Wednesday
        number = customer.reports()
    found = ticket(number)
    assert found.first_response_due_at == datetime(2026, 5, 15, 10, 0, tzinfo=UTC)  # Thursday is a holiday
    assert found.resolution_due_at == datetime(2026, 5, 18, 16, 0, tzinfo=UTC)
    assert found.first_response_soon_at == datetime(2026, 5, 15, 9, 0, tzinfo=UTC)
    assert found.resolution_soon_at == datetime(2026, 5, 18, 15, 0, tzinfo=UTC)


def test_a_clock_stands_while_it_waits_and_once_it_is_done(
    app: Flask, admin: Person, agent: Person, customer: Person
) -> None:
    office(admin)
    with at(MONDAY, customer, agent):
        number = customer.reports()
    with at(MONDAY + 2 * HOUR, agent):
        agent.sets(number, status="waiting")
    assert ticket(number).due_at == FAR_FUTURE
    with at(MONDAY + 24 * HOUR, agent):  # 7 h of Monday and 1 h of Tuesday
        agent.sets(number, status="open")
    found = ticket(number)
    assert (found.paused_seconds, found.due_at) == (8 * 3600, datetime(2026, 5, 12, 11, 0, tzinfo=UTC))
    with at(MONDAY + 25 * HOUR, agent):
        agent.sets(number, status="resolved")
    with at(MONDAY + timedelta(days=7), agent):
        agent.sets(number, status="open")
    found = ticket(number)
    assert found.paused_seconds == (8 + 39) * 3600  # from Tuesday 10:00 to Monday 9:00: 8 + 10 + 10 + 10 + 1
    assert found.resolution_due_at == sla.working("UTC", OFFICE, []).add(MONDAY, 72_000 + found.paused_seconds)


def test_what_it_waited_for_before_it_was_resolved_does_not_make_it_late(agent: Person, customer: Person) -> None:
    with at(MONDAY, customer, agent):
        number = customer.reports()
        agent.writes(number, "Which room?", audience="reporter")
        agent.sets(number, status="waiting")
    with at(MONDAY + timedelta(days=9), agent):
        agent.sets(number, status="resolved")
        page = Reader(agent.app, agent).reads(f"/staff/tickets/{number}")
    found = ticket(number)
    assert found.resolution_due_at == MONDAY + timedelta(days=14)
    assert found.resolution_breached_at is None
    assert page.says("Fixed after 9 days")


def test_another_priority_measures_its_pauses_by_the_new_calendar(
    app: Flask, admin: Person, agent: Person, customer: Person
) -> None:
    office(admin)
    with at(MONDAY, customer, agent):
        number = customer.reports()
        agent.sets(number, priority="high")
    with at(MONDAY + 2 * HOUR, agent):
        agent.sets(number, status="waiting")
    with at(MONDAY + 26 * HOUR, agent):
        agent.sets(number, status="open")
    assert ticket(number).paused_seconds == 24 * 3600  # round the clock
    with at(MONDAY + 27 * HOUR, agent):
        agent.sets(number, priority="normal")
    found = ticket(number)
    assert found.paused_seconds == 10 * 3600  # of which ten hours were open
    assert found.first_response_due_at == datetime(2026, 5, 12, 13, 0, tzinfo=UTC)
    with at(MONDAY + 27 * HOUR, agent):
        agent.sets(number, priority="high")
    assert ticket(number).paused_seconds == 24 * 3600


def test_a_merge_that_is_undone_was_no_pause(app: Flask, admin: Person, agent: Person, customer: Person) -> None:
    office(admin)
    with at(MONDAY, customer, agent):
        number, other = customer.reports(), agent.reports()
        due = ticket(number).resolution_due_at
    with at(MONDAY + HOUR, agent):
        assert agent.post(f"/api/tickets/{number}/merge", {"into_id": other}).status_code == 200
    with at(MONDAY + 3 * HOUR, agent):
        assert agent.post(f"/api/tickets/{number}/unmerge").status_code == 200
        agent.sets(number, category="it-wifi")
    assert (ticket(number).resolution_due_at, ticket(number).paused_seconds) == (due, 0)


def test_pauses_are_read_from_the_history_of_the_status() -> None:
    def move(before: str, after: str, hour: int, undoes: bool = False) -> Move:
        return Move(before, after, MONDAY + hour * HOUR, undoes)

    found = pauses(
        [
            move("open", "waiting", 1), move("waiting", "in_progress", 2), move("in_progress", "resolved", 3),
            move("resolved", "closed", 4), move("closed", "open", 5), move("open", "waiting", 6),
            move("waiting", "closed", 7), move("closed", "waiting", 8, undoes=True), move("waiting", "resolved", 9),
        ]
    )  # fmt: skip
    spans = [((start - MONDAY) / HOUR, (end - MONDAY) / HOUR) for start, end in found.over]
    assert spans == [(1, 2), (3, 5), (6, 9)]
    assert found.since == MONDAY + 9 * HOUR


def test_the_rule_of_soon_is_the_last_quarter_and_an_hour_at_most() -> None:
    assert [sla.soon_seconds(target) for target in (60, 3600, 14_400, 86_400)] == [15, 900, 3600, 3600]


def test_the_page_and_the_worker_call_the_same_moment_soon(
    app: Flask, admin: Person, agent: Person, customer: Person
) -> None:
    office(admin)
    with at(datetime(2026, 5, 8, 13, 15, tzinfo=UTC), customer):  # Friday: the reply is due at 17:15
        number = customer.reports()

    def state() -> str:
        page = Reader(app, agent).reads(f"/staff/tickets/{number}")
        return next(found["data-sla"] or "" for tag, found in page.tags if "data-sla" in found)

    with at(datetime(2026, 5, 8, 16, 14, tzinfo=UTC), agent):
        work()
        assert (state(), told(number)) == ("ok", [])
    with at(datetime(2026, 5, 8, 16, 15, tzinfo=UTC), agent):
        assert state() == "soon"
        work()
        assert told(number) == [("due_soon", "response")]
    with at(datetime(2026, 5, 8, 17, 15, 1, tzinfo=UTC), agent):
        assert state() == "late"
        work()
        assert told(number) == [("due_soon", "response"), ("overdue", "response")]
        agent.sets(number, status="waiting")
        assert state() == "paused"
        agent.writes(number, "On our way.", audience="reporter")
        assert Reader(app, agent).reads(f"/staff/tickets/{number}").says("First reply")


# --- what the worker notes --------------------------------------------------------------------------------------------


def test_each_is_noted_once_in_the_history_and_mailed_to_who_has_it(
    app: Flask, agent: Person, customer: Person
) -> None:
    with at(MONDAY, customer, agent):
        number = customer.reports()
        agent.sets(number, assignee_id=agent.id)
        work()
    expected: list[tuple[str, str | None]] = []
    for moment, found in (
        (MONDAY + 22 * HOUR, []),
        (MONDAY + 23 * HOUR, [("due_soon", "response")]),
        (MONDAY + 24 * HOUR, [("overdue", "response")]),
        (MONDAY + 119 * HOUR, [("due_soon", "resolution")]),
        (MONDAY + 121 * HOUR, [("overdue", "resolution")]),
        (MONDAY + 200 * HOUR, []),
    ):
        with at(moment):
            work()
            jobs.HANDLERS["watch_due"](jobs.Claimed(0, "watch_due", {}, 1, None, moment))
            work()
        expected += found
        assert told(number) == expected
    subjects = [one["subject"] for one in mail.kept() if one["to"].endswith(f"<{agent.email}>")]
    assert sorted(subjects) == sorted(
        f"{word}: #{number} Water dripping from the ceiling" for word in ("Due soon", "Overdue") * 2
    )
    found = ticket(number)
    assert found.response_breached_at == MONDAY + 24 * HOUR
    assert found.resolution_breached_at == MONDAY + 121 * HOUR
    with at(MONDAY + 200 * HOUR, agent, customer):
        page = Reader(app, agent).reads(f"/staff/tickets/{number}")
        assert page.says("Helpdesk noted that the first reply is overdue")
        fields = {one["field"] for one in customer.get(f"/api/tickets/{number}/events").json["items"]}
        assert not fields & {"due_soon", "overdue"}


def test_where_nobody_has_it_its_team_hears_of_it_and_else_nobody(
    app: Flask, admin: Person, agent: Person, customer: Person
) -> None:
    team = next(one["id"] for one in admin.get("/api/teams").json["items"] if one["slug"] == "facilities")
    member, quiet = Person.made(app, "agent"), Person.made(app, "agent")
    for person in (member, quiet):
        assert admin.patch(f"/api/users/{person.id}", {"team_id": team}).status_code == 200
    assert quiet.patch("/api/users/me", {"notifications": {"due_soon": "off"}}).status_code == 200
    with at(MONDAY, customer, agent):
        number = customer.reports()
        nobodys = agent.reports()
        agent.sets(nobodys, team_id=None, handoff_reason="Nobody’s.")
        work()
    with at(MONDAY + 23 * HOUR):
        work()
    sent = [(one["to"].split("<")[-1].rstrip(">"), one["subject"].split(":")[0]) for one in mail.kept()]
    assert [one for one in sent if one[1] == "Due soon"] == [(member.email, "Due soon")]
    with at(MONDAY + 25 * HOUR):
        work()
    sent = [(one["to"].split("<")[-1].rstrip(">"), one["subject"].split(":")[0]) for one in mail.kept()]
    assert {one for one in sent if one[1] == "Overdue"} == {(member.email, "Overdue"), (quiet.email, "Overdue")}
    assert told(nobodys) == told(number) == [("due_soon", "response"), ("overdue", "response")]


def test_a_mail_is_not_sent_once_it_is_done_and_says_when_it_is_due_and_why(
    app: Flask, agent: Person, customer: Person
) -> None:
    assert agent.patch("/api/users/me", {"time_zone": "Europe/Berlin"}).status_code == 200
    with at(MONDAY, customer, agent):
        number, other = customer.reports(), customer.reports(title="Answered meanwhile")
        for one in (number, other):
            agent.sets(one, assignee_id=agent.id)
        work()
    with at(MONDAY + 23 * HOUR, agent):
        begin_write()
        assert watch.note(number) and watch.note(other)
        db.session.commit()
        agent.writes(other, "Done.", audience="reporter")
        work()
    kept = [one for one in mail.kept() if one["subject"].startswith("Due soon")]
    assert [one["subject"] for one in kept] == [f"Due soon: #{number} Water dripping from the ceiling"]
    assert f"/staff/tickets/{number}/due" in kept[0]["text"]
    assert "The first reply is due by Tue 12 May 2026, 11:00." in kept[0]["text"]
    assert "/account/mails/off?token=" in kept[0]["text"]


def test_who_wants_mails_once_an_hour_finds_it_in_that_one(app: Flask, agent: Person, customer: Person) -> None:
    assert agent.patch("/api/users/me", {"notifications": {"overdue": "hourly"}}).status_code == 200
    with at(MONDAY, customer, agent):
        number = customer.reports()
        agent.sets(number, assignee_id=agent.id)
    with at(MONDAY + 24 * HOUR + timedelta(minutes=5)):
        work()
    assert not [one for one in mail.kept() if "Overdue" in one["subject"]]
    with at(MONDAY + 25 * HOUR + timedelta(minutes=1)):
        work()
    gathered = [one for one in mail.kept() if one["to"].endswith(f"<{agent.email}>") and "happened" in one["subject"]]
    assert len(gathered) == 1 and "It is overdue" in gathered[0]["text"] and f"#{number}" in gathered[0]["text"]


def test_what_waits_is_done_or_is_held_is_not_noted(app: Flask, agent: Person, customer: Person) -> None:
    with at(MONDAY, customer, agent):
        waiting, done = customer.reports(), customer.reports()
        agent.sets(waiting, status="waiting")
        agent.sets(done, status="resolved")
        held = Person(app).post(
            "/api/tickets",
            {"title": "Lamp", "description": "Off.", "category": "it", "email": "guest@elsewhere.test"},
        )
        assert held.status_code == 202
    with at(MONDAY + timedelta(days=6)):
        work()
    assert told(waiting) == told(done) == []
    db.session.remove()
    noted = select(func.count()).where(Event.field.in_(["due_soon", "overdue"]))
    assert db.session.scalar(noted) == 0


def test_a_date_that_moved_is_warned_of_again_and_a_mark_goes_with_what_it_marked(
    agent: Person, customer: Person
) -> None:
    with at(MONDAY, customer, agent):
        number = customer.reports()
    with at(MONDAY + 25 * HOUR, agent):
        work()
        assert told(number) == [("overdue", "response")]
        agent.sets(number, priority="low")  # three days
        assert ticket(number).response_breached_at is None
    with at(MONDAY + 71 * HOUR, agent):
        work()
        assert told(number)[1:] == [("due_soon", "response")]
    with at(MONDAY + 73 * HOUR, agent):
        work()
        agent.sets(number, status="waiting")
    with at(MONDAY + 80 * HOUR, agent):
        agent.sets(number, status="open")  # as late as before
        work()
    assert told(number)[2:] == [("overdue", "response")]
    assert ticket(number).response_breached_at == MONDAY + 73 * HOUR


def test_who_answers_or_resolves_late_is_judged_at_once(agent: Person, customer: Person) -> None:
    with at(MONDAY, customer):
        late, good = customer.reports(), customer.reports()
    with at(MONDAY + 2 * HOUR, agent):
        agent.writes(good, "Coming.", audience="reporter")
        agent.sets(good, status="resolved")
    with at(MONDAY + 130 * HOUR, agent):
        agent.writes(late, "Sorry.", audience="reporter")
        agent.sets(late, status="resolved")
        work()
    found, fine = ticket(late), ticket(good)
    assert found.response_breached_at == found.resolution_breached_at == MONDAY + 130 * HOUR
    assert fine.response_breached_at is fine.resolution_breached_at is None
    assert told(late) == []


def test_two_workers_at_once_note_it_once(app: Flask, agent: Person, customer: Person) -> None:
    numbers = [customer.reports() for _ in range(8)]
    begin_write()
    past = datetime.now(UTC) - HOUR
    db.session.execute(
        update(Ticket).values(first_response_due_at=past, first_response_soon_at=past, assignee_id=agent.id)
    )
    db.session.execute(update(Job).values(state="done"))
    db.session.commit()
    db.session.remove()
    start = threading.Barrier(4)

    def worker(_: int) -> None:
        with app.app_context():
            start.wait(timeout=20)
            jobs.HANDLERS["watch_due"](jobs.Claimed(0, "watch_due", {}, 1, None, past))
            db.session.remove()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(worker, range(4)))
    for number in numbers:
        assert told(number) == [("overdue", "response")]
    promised = select(func.count()).where(Job.kind == "mail", Job.payload["kind"].as_string() == "overdue")
    assert db.session.scalar(promised) == len(numbers)


def test_a_worker_that_died_half_way_is_gone_on_from(app: Flask, agent: Person, customer: Person) -> None:
    with at(MONDAY, customer):
        first, second = customer.reports(), customer.reports()
    with at(MONDAY + 23 * HOUR):
        begin_write()
        watch.note(first)
        db.session.rollback()  # killed before its commit
        begin_write()
        watch.note(second)
        db.session.commit()
        work()
        work()
    assert told(first) == told(second) == [("due_soon", "response")]


# --- why, and what it costs -------------------------------------------------------------------------------------------


def test_why_adds_up_to_when_it_is_due(app: Flask, admin: Person, agent: Person, customer: Person) -> None:
    office(admin, holidays=[{"date": "2026-05-14", "name": "Ascension"}])
    with at(MONDAY, customer, agent):
        number = customer.reports()
    with at(MONDAY + 2 * HOUR, agent):
        agent.sets(number, status="waiting")
    with at(MONDAY + 30 * HOUR, agent):
        agent.sets(number, status="in_progress")
        why = agent.get(f"/api/tickets/{number}/due").json
    for what in ("response", "resolution"):
        due = why[what]
        parts = due["target_seconds"] + due["paused_seconds"] + due["closed_seconds"]
        assert datetime.fromisoformat(due["due_at"]) == MONDAY + timedelta(seconds=parts), what
        assert due["adds_up"]
    assert why["calendar"]["time_zone"] == "UTC"
    assert why["matched"] == [{"field": "priority", "value": "normal"}]
    assert [(one["seconds"], one["ended_at"] is None) for one in why["pauses"]] == [(14 * 3600, False)]
    assert customer.get(f"/api/tickets/{number}/due").status_code in (401, 403)


def test_what_was_answered_while_another_target_held_is_not_added_up(
    app: Flask, admin: Person, agent: Person, customer: Person
) -> None:
    with at(MONDAY, customer, agent, admin):
        number = customer.reports()
        agent.writes(number, "On our way.", audience="reporter")
        office(admin)
        agent.sets(number, priority="high")
        agent.sets(number, priority="normal")
        why = agent.get(f"/api/tickets/{number}/due").json
        assert (why["response"]["adds_up"], why["resolution"]["adds_up"]) == (False, True)
        page = Reader(app, agent).reads(f"/staff/tickets/{number}/due")
    assert page.says("it was done while another one held") and not page.says("+ 4 h")


def test_what_is_undone_has_its_clocks_back(app: Flask, agent: Person, customer: Person) -> None:
    with at(MONDAY, customer):
        number = customer.reports()
    with at(MONDAY + 23 * HOUR, agent):
        work()
    before = ticket(number)
    kept = {name: getattr(before, name) for name in (*sla.CLOCKS, "due_at")}
    with at(MONDAY + 23 * HOUR + timedelta(seconds=9), agent):
        changes = {"status": "resolved", "priority": "urgent", "category": "it-wifi"}
        done = agent.post("/api/tickets/bulk", {"ids": [number], "changes": changes}).json["id"]
        assert ticket(number).sla_policy_id != kept["sla_policy_id"]
        assert agent.post(f"/api/bulk-edits/{done}/undo").status_code == 200
    after = ticket(number)
    assert {name: getattr(after, name) for name in kept} == kept
    assert kept["warned_for"] is not None


@pytest.mark.parametrize(("hours", "noted"), [(23, ["due_soon"]), (24, ["overdue"])])
@pytest.mark.parametrize("is_noted_first", [True, False])
def test_what_is_noted_around_an_edit_that_is_undone_is_noted_once(
    app: Flask, agent: Person, customer: Person, hours: int, noted: list[str], is_noted_first: bool
) -> None:
    """Whether it moved the due dates, stopped the clock or neither."""
    changes = {"priority": "low"}, {"add_tags": ["hvac"]}, {"status": "waiting"}
    with at(MONDAY, customer, agent):
        begin_write()
        db.session.add(Tag(name="hvac"))
        db.session.commit()
        numbers = [customer.reports() for _ in changes]
        for number in numbers:
            agent.sets(number, assignee_id=agent.id)
        work()
    with at(MONDAY + hours * HOUR, agent):
        if is_noted_first:
            _watch()
        edits = [{"ids": [number], "changes": change} for number, change in zip(numbers, changes, strict=True)]
        done = [agent.post("/api/tickets/bulk", edit).json["id"] for edit in edits]
        _watch()
        for one in done:
            assert agent.post(f"/api/bulk-edits/{one}/undo").status_code == 200
        for _ in range(2):
            _watch()
    for number in numbers:
        assert told(number) == [(field, "response") for field in noted]


def test_of_two_replies_the_one_that_stays_is_judged(
    app: Flask, agent: Person, admin: Person, customer: Person
) -> None:
    with at(MONDAY, customer, agent, admin):
        number = customer.reports()
    due = MONDAY + 24 * HOUR
    with at(due - timedelta(seconds=2), agent):
        sent = agent.writes(number, "On our way.", audience="reporter", is_undoable=True)
    with at(due + timedelta(seconds=2), agent, admin):
        admin.writes(number, "Soon.", audience="reporter")
        assert agent.post(f"/api/comments/{sent}/undo").status_code == 200
    found = ticket(number)
    assert found.first_response_at == found.response_breached_at == due + timedelta(seconds=2)


def _watch() -> None:
    jobs.HANDLERS["watch_due"](jobs.Claimed(0, "watch_due", {}, 1, None, MONDAY))


def test_a_policy_that_was_changed_meanwhile_holds_once_it_is_undone(
    app: Flask, admin: Person, agent: Person, customer: Person
) -> None:
    with at(MONDAY, customer, agent, admin):
        office(admin)
        number, other = customer.reports(), customer.reports()
        work()
        begin_write()
        policy = db.session.scalars(select(SlaPolicy).where(SlaPolicy.name == "Normal")).one()
        version, policy_id = policy.version, policy.id
        db.session.rollback()
    with at(MONDAY + HOUR, agent, admin):
        done = agent.post("/api/tickets/bulk", {"ids": [number], "changes": {"priority": "high"}}).json["id"]
        sent = say(agent, other, "Which room?", "waiting")
        answer = admin.patch(
            f"/api/sla-policies/{policy_id}",
            {"response_seconds": 7200, "resolution_seconds": 36_000},
            headers={"If-Match": f'"{version}"'},
        )
        assert answer.status_code == 200
        work()
        assert agent.post(f"/api/bulk-edits/{done}/undo").status_code == 200
        assert agent.post(f"/api/comments/{sent}/undo").json["is_status_back"] is True
    for one in (number, other):
        found = ticket(one)
        assert found.first_response_due_at == MONDAY + 2 * HOUR
        assert found.resolution_due_at == MONDAY + 24 * HOUR  # nine hours of it on Monday, and one on Tuesday
        assert found.due_at == found.first_response_due_at


def test_a_late_reply_that_is_taken_back_was_none(app: Flask, agent: Person, customer: Person) -> None:
    with at(MONDAY, customer, agent):
        number = customer.reports()
        agent.sets(number, assignee_id=agent.id)
        work()
        before = ticket(number).first_response_due_at
    with at(MONDAY + 25 * HOUR, agent):
        sent = agent.writes(number, "Late.", audience="reporter", is_undoable=True)
        assert ticket(number).response_breached_at is not None
        assert agent.post(f"/api/comments/{sent}/undo").status_code == 200
        found = ticket(number)
        assert (found.response_breached_at, found.first_response_at) == (None, None)
        assert found.first_response_due_at == found.due_at == before
        _watch()
        assert told(number) == [("overdue", "response")]


def test_policies_cost_a_report_one_statement_and_nothing_the_pages_show(
    app: Flask, agent: Person, customer: Person
) -> None:
    with statements() as seen:
        customer.reports()
    assert sum("sla_policies" in one for one in seen) == 1
    reader = Reader(app, agent)
    for path in ("/staff/", f"/staff/tickets/{agent.reports()}"):
        reader.reads(path)
        with statements() as seen:
            reader.reads(path)
        assert not [one for one in seen if one.startswith("SELECT sla_policies")], path


def test_every_unfinished_status_is_either_running_or_stopped() -> None:
    assert {*watch.RUNNING, *sla.STOPPED} == set(Status)
    assert not set(watch.RUNNING) & set(sla.STOPPED)


@pytest.mark.parametrize("kind", ["due_soon", "overdue"])
def test_the_kinds_of_mail_can_be_switched_off(agent: Person, kind: str) -> None:
    answer = agent.patch("/api/users/me", {"notifications": {kind: "off"}})
    assert answer.json["notifications"][kind] == "off"


def test_quiet_marks_tell_nobody(app: Flask, agent: Person, customer: Person) -> None:
    with at(MONDAY, customer):
        late, soon, waiting = (customer.reports() for _ in range(3))
    with at(MONDAY + 2 * HOUR, agent):
        agent.sets(soon, priority="low")
        agent.sets(waiting, status="waiting")
    with at(MONDAY + 71 * HOUR):
        begin_write()
        sla.mark_quietly(MONDAY + 71 * HOUR)
        db.session.commit()
        work()
    assert told(late) == told(soon) == told(waiting) == []
    assert ticket(late).response_breached_at == MONDAY + 71 * HOUR
    assert ticket(soon).warned_for == ticket(soon).first_response_due_at
    assert ticket(waiting).response_breached_at is None
    assert not [one for one in mails() if "due" in one["subject"].lower()]
