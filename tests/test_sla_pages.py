"""The pages of service levels and calendars: read, changed, refused with what was typed; and why something is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from models import AuditEvent, Calendar, SlaPolicy, Ticket, db
from tests.conftest import statements
from tests.factories import Person, work
from tests.pages import Page, Reader
from tests.test_races import at_once

LIST, NEW, CALENDARS, NEW_CALENDAR = (
    "/staff/admin/sla", "/staff/admin/sla/new", "/staff/admin/calendars", "/staff/admin/calendars/new",
)  # fmt: skip
OFFICE = [[["08:00", "18:00"]]] * 5 + [[], []]


@pytest.fixture
def reader(app: Flask, admin: Person) -> Reader:
    return Reader(app, admin)


def names() -> list[str]:
    db.session.remove()
    return list(db.session.scalars(select(SlaPolicy.name).order_by(SlaPolicy.position)))


def level(name: str) -> SlaPolicy:
    db.session.remove()
    return db.session.scalars(select(SlaPolicy).where(SlaPolicy.name == name)).one()


def page_of(name: str) -> str:
    return f"{LIST}/{level(name).id}"


def test_the_list_says_in_words_what_holds_for_whom(reader: Reader, admin: Person) -> None:
    office = db.session.scalars(select(Calendar)).one().id
    category = next(c for c in admin.get("/api/categories").json["items"] if c["slug"] == "it")
    team = admin.get("/api/teams").json["items"][0]
    body = {"name": "Lecture rooms", "response_seconds": 5400, "resolution_seconds": 97200, "calendar_id": office}
    body |= {"category_ids": [category["id"]], "team_ids": [team["id"]], "priorities": ["high", "urgent"]}
    assert admin.post("/api/sla-policies", body).status_code == 201
    with statements() as seen:
        page = reader.reads(LIST)
    for words in (
        "Urgent", "urgent priority", "1 h", "8 h", "Round the clock", "Lecture rooms", "1 h 30 min", "1 day 3 h",
        "Office hours", f"team {team['name']}", "Where none matches", "14 days",
    ):  # fmt: skip
        assert page.says(words), words
    assert len(seen) <= 11, seen


def test_nobody_but_admins_opens_them(app: Flask, agent: Person, admin: Person) -> None:
    for path in (LIST, NEW, CALENDARS, NEW_CALENDAR):
        assert Reader(app, agent).get(path).status_code == 403
        assert Reader(app, admin).get(path).status_code == 200


def test_one_is_moved_and_switched_off_and_on(reader: Reader) -> None:
    assert names() == ["Urgent", "High", "Normal", "Low"]
    form = reader.reads(LIST).form_to(LIST)
    assert reader.sends(form, down=f"{level('Urgent').id}.1").status_code == 303
    assert names() == ["High", "Urgent", "Normal", "Low"]
    form = reader.reads(LIST).form_to(LIST)
    page = reader.is_led(reader.sends(form, off=f"{level('Low').id}.1"))
    assert page.says("Off")
    assert level("Low").is_active is False
    stale = reader.sends(page.form_to(LIST), on=f"{level('Low').id}.1")  # its version is 2 by now
    assert stale.status_code == 412
    assert level("Low").is_active is False
    assert reader.sends(reader.reads(LIST).form_to(LIST), on=f"{level('Low').id}.2").status_code == 303
    assert level("Low").is_active is True
    for nonsense in ({}, {"up": "x"}, {"up": f"{10**9}.1"}, {"melt": "1.1"}):
        assert reader.sends(reader.reads(LIST).form_to(LIST), **nonsense).status_code == 412


def test_two_that_are_moved_at_once_are_both_moved(app: Flask, admin: Person) -> None:
    for turn in range(4):
        before = names()
        forms = [Reader(app, admin).reads(LIST).form_to(LIST) for _ in range(2)]
        moves = [
            partial(Reader(app, admin).sends, form, up=f"{level(before[n]).id}.1")
            for form, n in zip(forms, (1, 3), strict=True)
        ]
        assert [answer.status_code for answer in at_once(app, moves)] == [303, 303]
        assert names() == [before[n] for n in (1, 0, 3, 2)], turn


def test_a_new_one_is_saved_as_it_was_typed(reader: Reader, admin: Person) -> None:
    form = reader.reads(NEW).forms[-1]
    wish = {
        "name": "Exams", "response_seconds": "1,5", "response_unit": "hours", "resolution_seconds": "2",
        "resolution_unit": "days", "priorities": ["urgent"],
    }  # fmt: skip
    page = reader.is_led(reader.sends(form, **wish))
    assert page.says("Exams") and page.says("Added")
    found = level("Exams")
    assert (found.response_seconds, found.resolution_seconds, found.priorities) == (5400, 172_800, ["urgent"])
    assert names()[:2] == ["Exams", "Urgent"]  # which would take all of its tickets
    recorded = select(AuditEvent.action).where(AuditEvent.action == "sla_policy.created")
    assert db.session.scalar(recorded)
    assert reader.sends(form, **wish).status_code == 303  # sent twice, done once
    assert names().count("Exams") == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Write a name"),
        ({"name": "High"}, "There is one with this name already"),
        ({"response_seconds": "soon"}, "Write a number, such as 4 or 1.5"),
        ({"response_seconds": "0"}, "Write a time for the first reply between a minute and 365 days"),
        ({"resolution_seconds": "9999"}, "Write a time for the fix between a minute and 365 days"),
        ({"resolution_seconds": "1", "resolution_unit": "minutes"}, "not shorter than for the reply"),
        ({"calendar_id": "999999"}, "Choose a calendar"),
        ({"category_ids": ["999999"]}, "Choose from the categories"),
        ({"team_ids": ["999999"]}, "Choose from the teams"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(reader: Reader, wrong: dict[str, Any], words: str) -> None:
    form = reader.reads(NEW).forms[-1]
    response = reader.sends(form, **{"name": "Mine alone", "resolution_unit": "days", **wrong})
    assert response.status_code == 422
    html = response.get_data(as_text=True)
    assert words in html
    assert wrong.get("name", "Mine alone") in html
    assert "Mine alone" not in names()


def test_a_stale_form_is_refused_and_keeps_its_words(reader: Reader, admin: Person) -> None:
    path = page_of("High")
    form = reader.reads(path).forms[-1]
    assert admin.patch(f"/api/sla-policies/{level('High').id}", {"response_seconds": 7200}).status_code == 200
    refused = reader.sends(form, name="Higher")
    assert refused.status_code == 412
    assert Page(refused).says("Saved now, and not what you typed: Name: High First reply within: 2 h")
    assert "Higher" in refused.get_data(as_text=True)
    assert level("High").response_seconds == 7200
    again = reader.reads(path).forms[-1]
    assert reader.sends(again, name="Higher").status_code == 303
    assert level("Higher").response_seconds == 7200


def test_one_is_deleted_by_its_button(reader: Reader) -> None:
    path = page_of("Low")
    form = reader.reads(path).forms[-1]
    assert reader.sends(form, do="delete").status_code == 303
    assert names() == ["Urgent", "High", "Normal"]


def test_trying_it_shows_both_figures_and_saves_nothing(reader: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    later = datetime.now(UTC) + timedelta(hours=20)
    with time_machine.travel(later, tick=False):
        agent.signs_in()
        agent.writes(number, "Done.")
        agent.sets(number, status="resolved")
    path = page_of("Normal")
    form = reader.reads(path).forms[-1]
    answer = reader.sends(form, do="try", response_seconds="3", response_unit="hours", name="Stricter")
    assert answer.status_code == 200
    html = " ".join(answer.get_data(as_text=True).split())
    for words in ("Of the last 1 resolved tickets", "1 of 1", "(100 %)", "0 of 1", "(0 %)", 'value="Stricter"'):
        assert words in html, words
    assert level("Normal").response_seconds == 86_400
    new = reader.reads(NEW).forms[-1]
    tried = reader.sends(new, do="try", name="Nobody's", priorities=["urgent"])
    assert tried.status_code == 200 and "Nobody's" not in names()


def test_progress_is_shown_while_tickets_get_new_dates(reader: Reader, customer: Person, admin: Person) -> None:
    customer.reports()
    assert admin.patch(f"/api/sla-policies/{level('Normal').id}", {"resolution_seconds": 90_000}).status_code == 200
    assert reader.reads(LIST).says("0 of 1 so far")
    work()
    page = reader.reads(LIST)
    assert page.says("1 of 1 unfinished tickets got other due dates") and not page.says("so far")


# --- calendars --------------------------------------------------------------------------------------------------------


def test_a_calendar_is_written_as_one_writes_hours(reader: Reader) -> None:
    form = reader.reads(NEW_CALENDAR).forms[-1]
    wish = {
        "name": "Library", "time_zone": "Europe/Berlin", "hours_0": "8-12, 13.30 – 24:00", "hours_5": "10:00–14:00",
        "holidays": "2026-12-25 Christmas Day\r\n\r\n2026-01-01",
    }  # fmt: skip
    page = reader.is_led(reader.sends(form, **wish))
    assert page.says("08:00–12:00, 13:30–24:00")
    db.session.remove()
    found = db.session.scalars(select(Calendar).where(Calendar.name == "Library")).one()
    assert found.hours[0] == [["08:00", "12:00"], ["13:30", "24:00"]] and found.hours[6] == []
    assert [day["date"] for day in found.holidays] == ["2026-01-01", "2026-12-25"]
    shown = reader.reads(f"{CALENDARS}/{found.id}")
    assert shown.says("Open next") and "2026-12-25 Christmas Day" in shown.html


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "Office hours"}, "There is one with this name already"),
        ({"hours_2": "all day"}, "Write hours as 08:00–12:00"),
        ({"hours_2": "18:00-08:00"}, "It must close later than it opens. Write a night in two entries: 18:00–24:00"),
        ({"hours_2": "8-12, 11-13"}, "none over another"),
        ({"hours_2": "25:00-26:00"}, "Write hours as 08:00–12:00"),
        ({f"hours_{day}": "" for day in range(7)}, "Open it for an hour a week at least"),
        ({"holidays": "Christmas"}, "Line 1: write a day as 2026-12-25"),
        ({"holidays": "2026-02-30 Never"}, "There is no such day"),
        ({"holidays": "2026-12-25 A\n2026-12-25 B"}, "Name each day once"),
        ({"time_zone": "Mars/Olympus"}, "Name a time zone, such as Europe/Berlin"),
    ],
)
def test_a_calendar_that_is_none_is_refused_with_all_that_was_typed(
    reader: Reader, wrong: dict[str, Any], words: str
) -> None:
    form = reader.reads(NEW_CALENDAR).forms[-1]
    response = reader.sends(form, **{"name": "Mine alone", "hours_6": "9:00-9:30", **wrong})
    assert response.status_code == (409 if "name" in wrong else 422), response.headers.get("Location")
    html = response.get_data(as_text=True)
    assert words in html
    for typed in wrong.values():
        assert typed.splitlines()[0] in html if typed and typed != "Mars/Olympus" else True
    assert len(list(db.session.scalars(select(Calendar.id)))) == 1


def test_a_day_without_hours_is_closed_and_is_said_so(reader: Reader, admin: Person) -> None:
    form = reader.reads(NEW_CALENDAR).forms[-1]
    page = reader.is_led(reader.sends(form, name="Weekdays", hours_5="closed", hours_6="Closed"))
    assert page.says("Added") and page.says("Sat closed; Sun closed")
    found = db.session.scalars(select(Calendar).where(Calendar.name == "Weekdays")).one()
    assert found.hours[4:] == [[["08:00", "18:00"]], [], []]


def test_a_preview_shows_the_next_openings_in_that_zone_and_saves_nothing(reader: Reader) -> None:
    number = db.session.scalars(select(Calendar.id)).one()
    path = f"{CALENDARS}/{number}"
    form = reader.reads(path).forms[-1]
    hours = {f"hours_{day}": "" for day in range(7)} | {"hours_6": "06:15–07:45"}
    shown = reader.sends(form, do="look", time_zone="Asia/Tokyo", **hours)
    assert shown.status_code == 200
    html = " ".join(shown.get_data(as_text=True).split())
    assert html.count(", 06:15 – 07:45") == 7 and '<li class="tnum">Sun ' in html
    assert db.session.get_one(Calendar, number).hours[6] == []


def test_a_calendar_in_use_is_not_deleted(reader: Reader, admin: Person) -> None:
    number = db.session.scalars(select(Calendar.id)).one()
    path = f"{CALENDARS}/{number}"
    assert admin.patch(f"/api/sla-policies/{level('Low').id}", {"calendar_id": number}).status_code == 200
    refused = reader.sends(reader.reads(path).forms[-1], do="delete")
    assert refused.status_code == 409
    assert "choose another there first" in refused.get_data(as_text=True)
    assert admin.patch(f"/api/sla-policies/{level('Low').id}", {"calendar_id": None}).status_code == 200
    assert reader.sends(reader.reads(path).forms[-1], do="delete").status_code == 303
    assert reader.reads(CALENDARS).says("There is no calendar yet")


# --- why it is due then -----------------------------------------------------------------------------------------------


def test_why_it_is_due_is_told_in_words_and_leads_from_the_ticket(
    app: Flask, agent: Person, admin: Person, customer: Person
) -> None:
    monday = datetime(2026, 5, 11, 9, 0, tzinfo=UTC)
    office = admin.post(
        "/api/calendars", {"name": "Berlin", "time_zone": "Europe/Berlin", "hours": OFFICE}
    ).json["id"]  # fmt: skip
    body = {"name": "Working days", "response_seconds": 14_400, "resolution_seconds": 72_000, "calendar_id": office}
    assert admin.patch(f"/api/sla-policies/{level('Normal').id}", body).status_code == 200
    with time_machine.travel(monday, tick=False):
        customer.signs_in()
        agent.signs_in()
        number = customer.reports()
    with time_machine.travel(monday + timedelta(hours=1), tick=False):
        agent.signs_in()
        agent.sets(number, status="waiting")
    with time_machine.travel(monday + timedelta(hours=3), tick=False):
        agent.signs_in()
        agent.sets(number, status="open")
        page = Reader(app, agent).reads(f"/staff/tickets/{number}/due")
        assert f"/staff/tickets/{number}/due" in Reader(app, agent).reads(f"/staff/tickets/{number}").links
    for words in (
        "The service level Working days holds", "Berlin (Europe/Berlin)", "+ 4 h", "+ 20 h", "+ 2 h", "today 09:00",
        "Closed hours", "today 15:00", "13 May, 11:00",
    ):  # fmt: skip
        assert page.says(words), words
    # 09:00 UTC is 11:00 there: 4 h, and 2 h in which it waited, are over at 17:00; 20 h + 2 h end on Wednesday
    db.session.remove()
    ticket = db.session.get_one(Ticket, number)
    assert ticket.first_response_due_at == datetime(2026, 5, 11, 15, 0, tzinfo=UTC)
    assert ticket.resolution_due_at == datetime(2026, 5, 13, 11, 0, tzinfo=UTC)
