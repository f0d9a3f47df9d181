"""The page of tasks, and the tasks on a ticket's page, read and used as a browser without scripts does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import insert, select

from blueprints.staff.tasks import A_PAGE
from models import Building, Membership, Task, Team, begin_write, db
from tests.conftest import statements
from tests.factories import PASSWORD, Person
from tests.pages import Page, Reader

TUESDAY = datetime(2026, 5, 12, 10, tzinfo=UTC)
TASKS, TICK = "/staff/tasks", "/staff/tasks/tick"


@pytest.fixture
def desk(app: Flask, agent: Person) -> Reader:
    """Priya Nair, an agent, at her browser."""
    return Reader(app, agent)


def add(person: Person, title: str = "Swap access point 2-14", **fields: Any) -> int:
    response = person.post("/api/tasks", {"title": title, "assignee_id": person.id, **fields})
    assert response.status_code == 201, response.json
    return int(response.json["id"])


def task(person: Person, number: int) -> dict[str, Any]:
    shown: dict[str, Any] = person.get(f"/api/tasks/{number}").json
    return shown


def newest(person: Person) -> dict[str, Any]:
    shown: dict[str, Any] = person.get("/api/tasks?sort=-created_at&limit=1").json["items"][0]
    return shown


def listed(page: Page) -> list[int]:
    return [int(attrs["data-task"] or 0) for _, attrs in page.tags if "data-task" in attrs]


def at_work(*people: Person) -> None:
    """Signed in now, where the clock was moved."""
    for person in people:
        person.signs_in()


# --- the list ---------------------------------------------------------------------------------------------------------


def test_tasks_stand_under_when_they_are_due_and_say_it_in_few_words(app: Flask, agent: Person) -> None:
    with time_machine.travel(TUESDAY, tick=False):
        at_work(agent)
        expected = []
        for title, due, words in (
            ("Long late", "2026-04-01T10:00:00Z", "since 1 Apr"),
            ("All day late", "2026-05-10T23:59:00Z", "2 days late"),
            ("Late", "2026-05-12T09:48:00Z", "12 min late"),
            ("Soon", "2026-05-12T11:00:00Z", "11:00"),
            ("Some time today", "2026-05-12T23:59:00Z", "Today"),
            ("Some time tomorrow", "2026-05-13T23:59:00Z", "Wed"),
            ("Sunday", "2026-05-17T14:00:00Z", "Sun 14:00"),
            ("Monday", "2026-05-18T00:00:00Z", "18 May"),
            ("Next year", "2027-01-02T23:59:00Z", "2 Jan 2027"),
            ("Some day", None, ""),
        ):
            expected.append((add(agent, title, due_at=due), title, words))
        done = add(agent, "Was done", status="done")
        page = Reader(app, agent).reads(TASKS)
        assert listed(page) == [number for number, _, _ in expected] + [done]
        for _, title, words in expected:
            assert re.search(
                rf"{title} +{agent.name.split()[0][0]}\w* {agent.name} +{words}", " ".join(page.words.split())
            ), title
        heads = re.findall(r"(Overdue|Today|This week|Later|No date|Done today) (\d+)", " ".join(page.words.split()))
        assert [(name, int(n)) for name, n in heads[1:]] == [  # the first is a view of tickets
            ("Overdue", 3), ("Today", 2), ("This week", 2), ("Later", 2), ("No date", 1), ("Done today", 1),
        ]  # fmt: skip
        assert page.says("10 open, 10 of them yours")


def test_the_groups_are_days_of_the_campus(app: Flask, agent: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TIME_ZONE", "Europe/Berlin")
    with time_machine.travel("2026-05-12T21:30:00Z", tick=False):  # 23:30 in Berlin
        at_work(agent)
        add(agent, "Yet today", due_at="2026-05-12T21:59:00Z")
        add(agent, "Tomorrow", due_at="2026-05-12T22:30:00Z")
        page = Reader(app, agent).reads(TASKS)
        assert page.says("Today 1") and page.says("This week 1")
        assert page.says("Wed 00:30")


def test_everybody_sees_their_own_first_and_each_teams_by_a_link(
    app: Flask, desk: Reader, agent: Person, admin: Person
) -> None:
    begin_write()
    team = db.session.scalars(select(Team).where(Team.slug == "it")).one()
    db.session.add(Membership(user_id=admin.id, team_id=team.id))
    db.session.commit()
    mine, theirs, nobodys = add(agent), add(admin), add(agent, assignee_id=None)
    assert listed(desk.reads(TASKS)) == [mine]
    page = desk.reads(TASKS)
    assert page.says("3 open, 1 of them yours")
    assert page.says("Mine 1") and page.says("IT 1") and page.says("Facilities 0") and page.says("Everyone 3")
    assert f"{TASKS}?whose=it" in page.links
    assert listed(desk.reads(f"{TASKS}?whose=it")) == [theirs]
    assert listed(desk.reads(f"{TASKS}?whose=everyone")) == [mine, theirs, nobodys]
    assert listed(desk.reads(f"{TASKS}?whose=nobody-such")) == []


def test_a_task_stands_with_its_ticket_and_place(app: Flask, desk: Reader, agent: Person, customer: Person) -> None:
    begin_write()
    db.session.add(Building(slug="maple", name="Maple Hall"))
    db.session.commit()
    number = customer.reports(building="maple", room="214")
    add(agent, ticket_id=number)
    page = desk.reads(TASKS)
    assert page.says(f"#{number} Water dripping from the ceiling") and page.says("Maple Hall 214")
    assert f"/staff/tickets/{number}" in page.links


def test_many_tasks_come_in_pages_and_take_the_same_statements(app: Flask, desk: Reader, agent: Person) -> None:
    def takes(path: str) -> int:
        with statements() as seen:
            desk.reads(path)
        return len(seen)

    add(agent)
    few = takes(TASKS)
    begin_write()
    rows = [
        {"title": f"Valve {n}", "created_by_id": agent.id, "assignee_id": agent.id, "priority": "low"}
        for n in range(950)
    ]
    db.session.execute(insert(Task), rows)
    db.session.commit()
    assert takes(TASKS) <= few <= 8
    assert takes(f"{TASKS}?whose=everyone&done=1") <= 8
    seen: list[int] = []
    path = TASKS
    for _ in range(10):
        page = desk.reads(path)
        numbers = listed(page)
        assert len(numbers) <= A_PAGE and page.says("No date 951")
        seen += numbers
        following = [link for link in page.links if "cursor=" in link]
        if not following:
            break
        path = following[0]
    assert len(seen) == len(set(seen)) == 951
    assert len(listed(desk.reads(f"{TASKS}?cursor=nonsense"))) == A_PAGE


def test_what_was_done_today_is_shown_unless_it_is_hidden(app: Flask, agent: Person) -> None:
    with time_machine.travel(TUESDAY, tick=False) as clock:
        at_work(agent)
        old = add(agent, status="done")
        clock.shift(86400)
        at_work(agent)
        new, todo = add(agent, status="done"), add(agent)
        desk = Reader(app, agent)
        page = desk.reads(TASKS)
        assert listed(page) == [todo, new] and page.says("Done 10:00")
        assert old not in listed(page)
        hidden = next(link for link in page.links if "hide=done" in link)
        page = desk.reads(hidden)
        assert listed(page) == [todo]
        assert TASKS in page.links  # and back


# --- adding -----------------------------------------------------------------------------------------------------------


def test_one_line_says_task_ticket_day_and_colleague(
    app: Flask, agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    with time_machine.travel(TUESDAY, tick=False):
        at_work(agent)
        desk = Reader(app, agent)
        form = desk.reads(f"{TASKS}?whose=everyone").form_to(TASKS)
        page = desk.is_led(desk.sends(form, task=f"call Hallam Plumbing #{number} friday 14:00 @ada"))
        assert page.says("“call Hallam Plumbing” is added")
        assert "whose=everyone" in str(page.html)  # it stays where it was
        made = newest(agent)
        assert (made["title"], made["ticket_id"], made["due_at"]) == (
            "call Hallam Plumbing",
            number,
            "2026-05-15T14:00:00Z",
        )
        assert made["assignee"]["id"] == admin.id
        desk.is_led(desk.sends(desk.reads(TASKS).form_to(TASKS), task="order valves"))
        assert (newest(agent)["assignee"]["id"], newest(agent)["due_at"]) == (agent.id, None)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("call Hallam #999999 tomorrow", "There is no ticket #999999"),
        ("  ", "Say what is to be done"),
        ("tomorrow", "Say what is to be done"),
        ("x" * 201, "Say what is to be done, in up to 200 characters"),
    ],
)
def test_what_is_refused_is_still_in_the_field(desk: Reader, agent: Person, typed: str, said: str) -> None:
    page = Page(desk.sends(desk.reads(TASKS).form_to(TASKS), task=typed))
    assert (page.status, page.says(said)) == (422, True)
    assert page.title.startswith("Problem: ")
    assert ("task", typed) in page.form_to(TASKS).fields
    assert agent.get("/api/tasks").json["items"] == []


def test_a_line_that_is_sent_twice_is_one_task(desk: Reader, agent: Person) -> None:
    form = desk.reads(TASKS).form_to(TASKS)
    first, second = (desk.sends(form, task="order valves") for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(agent.get("/api/tasks").json["items"]) == 1


def test_a_line_survives_a_session_that_ended(desk: Reader, agent: Person) -> None:
    form = desk.reads(TASKS).form_to(TASKS)
    desk.jar = {}
    login = Page(desk.sends(form, task="order valves")).form_to("/staff/login")
    page = Page(desk.sends(login, identifier=agent.username, password=PASSWORD))
    assert page.says("when you pressed “Add task”") and page.says("order valves")
    assert desk.is_led(desk.sends(page.form_to(TASKS))).says("“order valves” is added")


# --- ticking ----------------------------------------------------------------------------------------------------------


def test_one_press_ticks_a_task_and_another_undoes_it(desk: Reader, agent: Person) -> None:
    number, other = add(agent, "Swap access point"), add(agent, "Order valves")
    page = desk.reads(TASKS)
    button = next(b for form in page.forms for b in form.buttons if (b.name, b.value) == ("done", str(number)))
    assert button.action == TICK
    page = desk.is_led(desk.sends(next(f for f in page.forms if f.action == TICK), done=str(number)))
    assert page.says("“Swap access point” is done")
    assert (task(agent, number)["status"], task(agent, other)["status"]) == ("done", "todo")
    page = desk.is_led(desk.sends(page.form_to(TICK, button="Undo")))
    assert page.says("“Swap access point” is to be done")
    assert (task(agent, number)["status"], task(agent, number)["done_at"]) == ("todo", None)


def test_a_hidden_tasks_banner_still_names_it(desk: Reader, agent: Person) -> None:
    number = add(agent, "Swap access point")
    form = next(f for f in desk.reads(f"{TASKS}?hide=done").forms if f.action == TICK)
    page = desk.is_led(desk.sends(form, done=str(number)))
    assert page.says("“Swap access point” is done") and listed(page) == []
    assert desk.open("POST", TICK, data={"done": str(10**9)}).status_code == 404
    assert desk.open("POST", TICK, data={}).status_code == 404


def test_tasks_are_the_staffs_own(app: Flask, customer: Person, agent: Person) -> None:
    number = add(agent)
    for path, wish in (
        (TASKS, {"task": "Order valves"}), (TICK, {"done": number}), (f"{TASKS}/{number}", {}), (f"{TASKS}/{number}/delete", {}),
    ):  # fmt: skip
        assert Reader(app, customer).open("POST", path, data=wish).status_code == 403, path
        assert Reader(app).open("POST", path, data=wish).status_code == 401, path
        foreign = Reader(app, agent).open("POST", path, data=wish, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403, path
    assert task(agent, number)["version"] == 1
    assert Reader(app, agent).open("POST", TICK, data={"done": number}).status_code == 303


# --- one task ---------------------------------------------------------------------------------------------------------


def test_a_task_is_changed_and_deleted_on_a_page_of_its_own(
    app: Flask, desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    number, ticket = add(agent, due_at="2030-05-12T23:59:00Z"), customer.reports()
    path = f"{TASKS}/{number}"
    form = desk.reads(path).form_to(path)
    assert ("due_date", "2030-05-12") in form.fields and ("due_time", "") in form.fields
    sent = desk.sends(
        form, title="Swap both", due_date="2030-05-13", due_time="14:30", assignee_id=str(admin.id),
        ticket_id=f"#{ticket}", priority="high", status="in_progress",
    )  # fmt: skip
    assert sent.headers["Location"] == TASKS
    shown = task(agent, number)
    assert (shown["title"], shown["due_at"], shown["assignee"]["id"]) == ("Swap both", "2030-05-13T14:30:00Z", admin.id)
    assert (shown["ticket_id"], shown["priority"], shown["status"]) == (ticket, "high", "in_progress")
    stale = Page(desk.sends(form, title="Lost", key="0" * 32))
    assert (stale.status, stale.says("Somebody changed this task")) == (412, True)
    assert ("title", "Lost") in stale.form_to(path).fields
    again = desk.reads(path).form_to(path)
    desk.sends(again, due_date="", due_time="", assignee_id="", ticket_id="")
    shown = task(agent, number)
    assert (shown["due_at"], shown["assignee"], shown["ticket_id"]) == (None, None, None)
    page = desk.reads(path)
    assert desk.sends(page.form_to(f"{path}/delete")).headers["Location"] == TASKS
    desk.reads(path, 404)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", "", "Say what is to be done"),
        ("ticket_id", "999999", "There is no such ticket"),
        ("ticket_id", "x", "There is no such ticket"),
        ("due_date", "soon", "Choose a day and a time that there are"),
        ("due_date", "0001-01-01", "Choose a day and a time that there are"),
        ("due_time", "12:00", "Choose a day"),
        ("assignee_id", "999999", "Choose somebody of the staff"),
    ],
)
def test_what_is_wrong_with_a_task_is_said_at_its_field(
    desk: Reader, agent: Person, field: str, value: str, said: str
) -> None:
    number = add(agent)
    path = f"{TASKS}/{number}"
    page = Page(desk.sends(desk.reads(path).form_to(path), **{field: value}))
    assert (page.status, page.says(said)) == (422, True)
    assert field == "assignee_id" or (field, value) in page.form_to(path).fields
    assert task(agent, number)["version"] == 1


# --- on a ticket ------------------------------------------------------------------------------------------------------


def test_a_tickets_page_adds_and_ticks_its_tasks(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    here, to = f"/staff/tickets/{number}", f"/staff/tickets/{number}/tasks"
    page = desk.is_led(desk.sends(desk.reads(here).form_to(to, button=""), task="bring a ladder tomorrow"))
    made = newest(agent)
    assert (made["title"], made["ticket_id"], made["assignee"]["id"]) == ("bring a ladder", number, agent.id)
    assert made["due_at"] is not None
    assert page.says("Tasks 0 of 1 bring a ladder")
    form = next(f for f in page.forms if f.action == here)
    form.action = to
    page = desk.is_led(desk.sends(form, done=str(made["id"])))
    assert page.says("Tasks 1 of 1") and task(agent, made["id"])["status"] == "done"
    assert page.says("finished the task bring a ladder")


def test_what_else_was_typed_on_the_ticket_is_kept_when_a_task_is_added(
    desk: Reader, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    here, to = f"/staff/tickets/{number}", f"/staff/tickets/{number}/tasks"
    form = desk.reads(here).form_to(to)
    page = Page(desk.sends(form, do="add_task", task="bring a ladder", text="We are coming"))
    assert page.status == 200 and page.says("The task is added")
    fields = page.form_to(here, button="Save").fields
    assert ("text", "We are coming") in fields and ("task", "") in fields
    refused = Page(desk.sends(page.form_to(to), do="add_task", task="call #999999", text="We are coming"))
    assert (refused.status, refused.says("There is no ticket #999999")) == (422, True)
    fields = refused.form_to(here, button="Save").fields
    assert ("text", "We are coming") in fields and ("task", "call #999999") in fields
    assert len(agent.get("/api/tasks").json["items"]) == 1


def test_a_task_that_was_typed_is_kept_when_something_else_is_sent(
    desk: Reader, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    here = f"/staff/tickets/{number}"
    for action, button, typed in (
        (f"{here}/comments", "Send", {"text": "We are coming"}), (here, "Assign", {}), (here, "Save", {"room": "215"}),
    ):  # fmt: skip
        form = desk.reads(here).form_to(action, button=button)
        page = Page(desk.sends(form, task="bring a ladder", **typed))
        assert page.status == 200, action
        assert ("task", "bring a ladder") in page.form_to(f"{here}/comments").fields
    assert agent.sees(number)["room"] == "215"
    assert agent.get("/api/tasks").json["items"] == []
