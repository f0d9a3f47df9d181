"""Policies and calendars by the API: changed, put in order, carried to unfinished tickets, and tried on the past."""

from __future__ import annotations

import threading
import time as stopwatch
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from helpdesk import jobs
from helpdesk.sla import recount
from models import AuditEvent, Event, Job, JobState, SlaPolicy, SlaRecount, Ticket, begin_write, db
from tests.conftest import statements
from tests.factories import Person, work

POLICIES, CALENDARS, RECOUNT = "/api/sla-policies", "/api/calendars", "/api/sla-policies/recount"
MONDAY = datetime(2026, 5, 11, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OFFICE = [[["08:00", "18:00"]]] * 5 + [[], []]


def made(person: Person, path: str, **body: Any) -> dict[str, Any]:
    response = person.post(path, body)
    assert response.status_code == 201, response.get_data(as_text=True)
    found: dict[str, Any] = response.json
    return found


def a_level(**fields: Any) -> dict[str, Any]:
    return {"name": "Exams", "response_seconds": 3600, "resolution_seconds": 7200, **fields}


def office(**fields: Any) -> dict[str, Any]:
    return {"name": "Desk", "time_zone": "Europe/Berlin", "hours": OFFICE, **fields}


def listed(person: Person) -> list[str]:
    return [one["name"] for one in person.get(POLICIES).json["items"]]


def number_of(person: Person, name: str) -> int:
    return next(int(one["id"]) for one in person.get(POLICIES).json["items"] if one["name"] == name)


def dues() -> dict[int, datetime]:
    db.session.remove()
    return {row.id: row.due for row in db.session.execute(select(Ticket.id, Ticket.resolution_due_at.label("due")))}


def recounted() -> Job | None:
    db.session.remove()
    newest = select(Job).where(Job.kind == "recount_due", Job.state == JobState.READY).order_by(Job.id.desc())
    return db.session.scalars(newest).first()


# --- changing them ----------------------------------------------------------------------------------------------------


def test_what_was_made_is_shown_as_it_was_sent_before_what_takes_all_of_its_tickets(
    admin: Person, agent: Person
) -> None:
    calendar = made(admin, CALENDARS, **office(holidays=[{"date": "2026-12-25", "name": "Christmas Day"}]))
    category = next(one for one in agent.get("/api/categories").json["items"] if one["slug"] == "it")
    level = made(
        admin, POLICIES,
        **a_level(priorities=["high", "urgent"], category_ids=[category["id"]], calendar_id=calendar["id"]),
    )  # fmt: skip
    shown = agent.get(f"{POLICIES}/{level['id']}").json
    assert shown == level
    assert shown["calendar"] == {"id": calendar["id"], "name": "Desk"}
    assert [one["slug"] for one in shown["categories"]] == ["it"]
    assert (shown["priorities"], shown["teams"], shown["is_active"]) == (["high", "urgent"], [], True)
    assert listed(agent) == ["Urgent", "High", "Normal", "Low", "Exams"]  # neither takes all
    made(admin, POLICIES, **a_level(name="Urgent in IT", priorities=["urgent"], category_ids=[category["id"]]))
    made(admin, POLICIES, **a_level(name="Everything else"))
    assert listed(agent) == ["Urgent in IT", "Urgent", "High", "Normal", "Low", "Exams", "Everything else"]
    assert agent.get(f"{CALENDARS}/{calendar['id']}").json["holidays"][0]["name"] == "Christmas Day"


def test_what_stands_behind_one_that_takes_all_of_its_tickets_says_so(admin: Person, agent: Person) -> None:
    categories = {one["slug"]: one["id"] for one in agent.get("/api/categories").json["items"]}
    wifi = made(admin, POLICIES, **a_level(name="Wi-Fi", category_ids=[categories["it-wifi"]]))
    it = made(admin, POLICIES, **a_level(name="IT", category_ids=[categories["it"]]))
    leaks = made(admin, POLICIES, **a_level(name="Leaks", category_ids=[categories["facilities-leaks"]]))

    def taken() -> dict[str, str | None]:
        items = agent.get(POLICIES).json["items"]
        return {one["name"]: one["taken_by"] and one["taken_by"]["name"] for one in items}

    assert set(taken().values()) == {None}
    others = [one["id"] for one in agent.get(POLICIES).json["items"] if one["id"] not in (wifi["id"], it["id"])]
    order = {"ids": [it["id"], wifi["id"], *others]}
    assert admin.put(f"{POLICIES}/order", order).status_code in (200, 204)
    assert {name: by for name, by in taken().items() if by} == {"Wi-Fi": "IT"}
    assert agent.get(f"{POLICIES}/{wifi['id']}").json["taken_by"] == {"id": it["id"], "name": "IT"}
    assert admin.patch(f"{POLICIES}/{it['id']}", {"is_active": False}).status_code == 200
    assert set(taken().values()) == {None}
    assert leaks["taken_by"] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"resolution_seconds": 3599}, "resolution_seconds"),
        ({"response_seconds": 59}, "response_seconds"),
        ({"resolution_seconds": 365 * 86_400 + 1}, "resolution_seconds"),
        ({"response_seconds": 1.5}, "response_seconds"),
        ({"calendar_id": 10**9}, "calendar_id"),
        ({"category_ids": [10**9]}, "category_ids"),
        ({"team_ids": [10**9]}, "team_ids"),
        ({"priorities": ["sudden"]}, "priorities"),
        ({"name": ""}, "name"),
        ({"position": 1}, "position"),
    ],
)
def test_what_is_no_policy_is_refused(admin: Person, wrong: dict[str, Any], field: str) -> None:
    refused = admin.post(POLICIES, a_level(**wrong))
    assert (refused.status_code, list(refused.json["errors"])) == (422, [field])
    assert listed(admin) == ["Urgent", "High", "Normal", "Low"]
    assert recounted() is None
    made(admin, POLICIES, **a_level())
    assert recounted() is not None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"hours": [[]] * 7}, "hours"),
        ({"hours": [[["08:00", "08:59"]]] + [[]] * 6}, "hours"),
        ({"hours": [[["08:00", "18:00"]]] * 6}, "hours"),
        ({"hours": [[["18:00", "08:00"]]] * 7}, "hours"),
        ({"hours": [[["08:00", "08:00"]]] * 7}, "hours"),
        ({"hours": [[["08:00", "12:00"], ["11:59", "13:00"]]] * 7}, "hours"),
        ({"hours": [[["13:00", "18:00"], ["08:00", "12:00"]]] * 7}, "hours"),
        ({"hours": [[["08:00", "24:01"]]] * 7}, "hours"),
        ({"hours": [[["24:00", "24:00"]]] * 7}, "hours"),
        ({"hours": [[["8:00", "18:00"]]] * 7}, "hours"),
        ({"hours": [[["08:00"]]] * 7}, "hours"),
        ({"hours": "always"}, "hours"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"holidays": [{"date": "2026-02-29", "name": "Never"}]}, "holidays"),
        ({"holidays": [{"date": "25.12.2026", "name": "x"}]}, "holidays"),
        ({"holidays": [{"date": "2026-12-25", "name": "x"}] * 2}, "holidays"),
    ],
)
def test_a_calendar_without_open_hours_or_sense_is_refused(admin: Person, wrong: dict[str, Any], field: str) -> None:
    refused = admin.post(CALENDARS, office(**wrong))
    assert (refused.status_code, list(refused.json["errors"])) == (422, [field])
    made(admin, CALENDARS, **office(hours=[[["00:00", "24:00"]]] + [[]] * 6))


def test_every_change_goes_on_record_and_a_stale_one_is_refused(admin: Person) -> None:
    level, calendar = made(admin, POLICIES, **a_level()), made(admin, CALENDARS, **office())
    for path, change in ((f"{POLICIES}/{level['id']}", {"response_seconds": 60}), (f"{CALENDARS}/{calendar['id']}", {"time_zone": "UTC"})):  # fmt: skip
        etag = admin.get(path).headers["ETag"]
        assert admin.patch(path, change, headers={"If-Match": etag}).json["version"] == 2
        stale = admin.patch(path, {"name": "Lost"}, headers={"If-Match": etag})
        assert (stale.status_code, stale.json["current"]["version"]) == (412, 2)
        assert admin.patch(path, change).json["version"] == 2  # nothing changed
    ids = [one["id"] for one in admin.get(POLICIES).json["items"]]
    assert admin.put(f"{POLICIES}/order", {"ids": ids[::-1]}).status_code == 200
    assert admin.delete(f"{POLICIES}/{level['id']}").status_code == 204
    assert admin.delete(f"{CALENDARS}/{calendar['id']}").status_code == 204
    recorded = list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert [one for one in recorded if one.startswith(("sla", "calendar"))] == [
        "sla_policy.created", "calendar.created", "sla_policy.changed", "calendar.changed", "sla_policy.reordered",
        "sla_policy.deleted", "calendar.deleted",
    ]  # fmt: skip


def test_an_order_names_all_of_them_once(admin: Person, agent: Person) -> None:
    ids = [one["id"] for one in admin.get(POLICIES).json["items"]]
    for wrong in (ids[:3], [*ids, ids[0]], [*ids[:3], 10**9], []):
        assert admin.put(f"{POLICIES}/order", {"ids": wrong}).status_code == 422, wrong
    assert listed(agent) == ["Urgent", "High", "Normal", "Low"]
    assert admin.put(f"{POLICIES}/order", {"ids": ids[::-1]}).json["items"][0]["name"] == "Low"
    assert listed(agent) == ["Low", "Normal", "High", "Urgent"]


def test_a_name_is_there_once(admin: Person) -> None:
    assert admin.post(POLICIES, a_level(name="High")).status_code == 409
    assert admin.post(CALENDARS, office(name="Office hours")).status_code == 409
    assert admin.patch(f"{POLICIES}/{number_of(admin, 'Low')}", {"name": "High"}).status_code == 409
    assert listed(admin) == ["Urgent", "High", "Normal", "Low"]


# --- carried to unfinished tickets ------------------------------------------------------------------------------------


def test_a_change_is_carried_to_unfinished_tickets_and_leaves_the_others(
    admin: Person, agent: Person, customer: Person
) -> None:
    numbers = [customer.reports() for _ in range(4)]
    running, waiting, done, urgent = numbers
    agent.sets(waiting, status="waiting")
    agent.sets(done, status="resolved")
    agent.sets(urgent, priority="urgent")
    before = dues()
    path = f"{POLICIES}/{number_of(admin, 'Normal')}"
    assert admin.patch(path, {"resolution_seconds": 6 * 86_400}).status_code == 200
    assert dues() == before
    shown = agent.get(RECOUNT).json
    assert (shown["is_running"], shown["total"], shown["done"]) == (True, 3, 0)
    work()
    after = dues()
    moved = {number: after[number] - before[number] for number in numbers}
    day = timedelta(days=1)
    assert moved == {running: day, waiting: day, done: 0 * day, urgent: 0 * day}
    shown = agent.get(RECOUNT).json
    assert (shown["is_running"], shown["total"], shown["done"], shown["changed"]) == (False, 3, 3, 2)
    agent.sets(done, status="open")  # what is opened again goes by what holds now
    created = db.session.get_one(Ticket, done).created_at
    assert dues()[done] >= created + 6 * day


def test_only_its_name_recounts_nothing(admin: Person) -> None:
    assert admin.patch(f"{POLICIES}/{number_of(admin, 'Low')}", {"name": "Lowest"}).status_code == 200
    calendar = made(admin, CALENDARS, **office())  # by which no policy is
    assert admin.patch(f"{CALENDARS}/{calendar['id']}", {"time_zone": "UTC"}).status_code == 200
    assert recounted() is None
    assert admin.patch(f"{POLICIES}/{number_of(admin, 'Lowest')}", {"calendar_id": calendar["id"]}).status_code == 200
    work()
    assert admin.patch(f"{CALENDARS}/{calendar['id']}", {"time_zone": "Europe/Paris"}).status_code == 200
    assert recounted() is not None


@pytest.mark.parametrize("how", ["off", "order", "deleted", "calendar", "new"])
def test_whatever_changes_which_one_holds_is_carried_on(admin: Person, customer: Person, how: str) -> None:
    other = made(admin, POLICIES, **a_level(resolution_seconds=86_400))
    work()
    number = customer.reports()
    before = dues()[number]
    path = f"{POLICIES}/{number_of(admin, 'Normal')}"
    ids = [one["id"] for one in admin.get(POLICIES).json["items"]]
    if how == "off":
        assert admin.patch(path, {"is_active": False}).status_code == 200
    elif how == "order":
        order = [other["id"], *(one for one in ids if one != other["id"])]
        assert admin.put(f"{POLICIES}/order", {"ids": order}).status_code == 200
    elif how == "deleted":
        assert admin.delete(path).status_code == 204
    elif how == "calendar":
        calendar = made(admin, CALENDARS, **office())
        assert admin.patch(path, {"calendar_id": calendar["id"]}).status_code == 200
    else:
        made(admin, POLICIES, **a_level(name="Another", priorities=["low"]))
    work()
    found = dues()[number]
    if how == "calendar":
        assert found > before + timedelta(days=7)
    else:
        assert found == (before if how == "new" else before - timedelta(days=4))
    assert admin.get(f"/api/tickets/{number}/due").json["is_current"]


def test_a_category_that_moves_below_another_is_held_by_what_holds_for_that(admin: Person, customer: Person) -> None:
    categories = {one["slug"]: one["id"] for one in admin.get("/api/categories").json["items"]}
    labs = made(admin, "/api/categories", slug="labs", name="Labs")["id"]
    level = made(admin, POLICIES, **a_level(category_ids=[categories["it"]]))
    order = [level["id"], *(one["id"] for one in admin.get(POLICIES).json["items"] if one["id"] != level["id"])]
    assert admin.put(f"{POLICIES}/order", {"ids": order}).status_code == 200
    work()
    number = customer.reports(category="labs")
    assert admin.get(f"/api/tickets/{number}/due").json["policy"]["name"] == "Normal"
    assert admin.patch(f"/api/categories/{labs}", {"name": "Laboratories"}).status_code == 200
    assert recounted() is None
    assert admin.patch(f"/api/categories/{labs}", {"parent_id": categories["it"]}).status_code == 200
    assert admin.get(f"/api/tickets/{number}/due").json["is_current"] is False
    work()
    why = admin.get(f"/api/tickets/{number}/due").json
    assert (why["policy"]["name"], why["is_current"]) == ("Exams", True)


@pytest.mark.parametrize(("kind", "field"), [("categories", "category_ids"), ("teams", "team_ids")])
def test_what_a_policy_is_for_is_not_deleted(admin: Person, kind: str, field: str) -> None:
    number = made(admin, f"/api/{kind}", slug="labs", name="Labs")["id"]
    level = made(admin, POLICIES, **a_level(**{field: [number]}))
    refused = admin.delete(f"/api/{kind}/{number}")
    assert (refused.status_code, "“Exams” is for it" in refused.json["detail"]) == (409, True)
    assert admin.patch(f"{POLICIES}/{level['id']}", {field: []}).status_code == 200
    assert admin.delete(f"/api/{kind}/{number}").status_code == 204


def test_pauses_are_measured_by_the_new_calendar_and_back(admin: Person, agent: Person, customer: Person) -> None:
    with time_machine.travel(MONDAY, tick=False):
        for person in (admin, agent, customer):
            person.signs_in()
        number, still = customer.reports(), customer.reports()
    with time_machine.travel(MONDAY + 2 * HOUR, tick=False):  # 13:00 there
        agent.signs_in()
        agent.sets(number, status="waiting")
        agent.sets(still, status="waiting")
    with time_machine.travel(MONDAY + 26 * HOUR, tick=False):
        for person in (admin, agent):
            person.signs_in()
        agent.sets(number, status="open")
        calendar = made(admin, CALENDARS, **office())
        path = f"{POLICIES}/{number_of(admin, 'Normal')}"
        assert admin.patch(path, {"calendar_id": calendar["id"]}).status_code == 200
        work()
        paused = dict(db.session.execute(select(Ticket.id, Ticket.paused_seconds)).all())
        assert paused == {number: 10 * 3600, still: 0}
        assert admin.patch(path, {"calendar_id": None}).status_code == 200
        work()
        db.session.remove()
        assert db.session.get_one(Ticket, number).paused_seconds == 24 * 3600
    with time_machine.travel(MONDAY + 27 * HOUR, tick=False):
        agent.signs_in()
        agent.sets(still, status="open")
        db.session.remove()
        assert db.session.get_one(Ticket, still).paused_seconds == 25 * 3600


def test_what_becomes_late_by_it_is_marked_and_nobody_is_mailed(admin: Person, agent: Person, customer: Person) -> None:
    with time_machine.travel(MONDAY, tick=False):
        customer.signs_in()
        number = customer.reports()
    with time_machine.travel(MONDAY + 5 * HOUR, tick=False):
        for person in (admin, agent):
            person.signs_in()
        agent.sets(number, assignee_id=agent.id)
        path = f"{POLICIES}/{number_of(admin, 'Normal')}"
        assert admin.patch(path, {"response_seconds": 3600, "resolution_seconds": 7200}).status_code == 200
        work()
        work()
        db.session.remove()
        found = db.session.get_one(Ticket, number)
        assert found.response_breached_at == found.resolution_breached_at == MONDAY + 5 * HOUR
        noted = select(func.count()).where(Event.field == "overdue")
        assert db.session.scalar(noted) == 0
        assert admin.patch(path, {"response_seconds": 86_400, "resolution_seconds": 432_000}).status_code == 200
        work()
        db.session.remove()
        found = db.session.get_one(Ticket, number)
        assert found.response_breached_at is found.resolution_breached_at is None


def test_a_recount_is_gone_on_with_where_its_worker_died(
    admin: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "BATCH", 3)
    numbers = [customer.reports() for _ in range(8)]
    before = dues()
    path = f"{POLICIES}/{number_of(admin, 'Normal')}"
    assert admin.patch(path, {"resolution_seconds": 6 * 86_400}).status_code == 200
    running = db.session.scalars(select(SlaRecount.id).order_by(SlaRecount.id.desc())).first()
    assert running is not None
    assert recount.batch(running)
    db.session.remove()
    shown = admin.get(RECOUNT).json
    assert (shown["done"], shown["is_running"]) == (3, True)
    begin_write()
    monkeypatch.setattr(db.session, "commit", db.session.rollback)
    recount.batch(running)  # killed before its commit
    monkeypatch.undo()
    monkeypatch.setattr(recount, "BATCH", 3)
    assert sum(dues()[number] > before[number] for number in numbers) == 3
    work()
    assert all(dues()[number] - before[number] == timedelta(days=1) for number in numbers)
    shown = admin.get(RECOUNT).json
    assert (shown["done"], shown["changed"], shown["is_running"]) == (8, 8, False)


def test_a_newer_change_starts_over_and_the_older_one_ends(
    admin: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "BATCH", 2)
    numbers = [customer.reports() for _ in range(5)]
    before = dues()
    path = f"{POLICIES}/{number_of(admin, 'Normal')}"
    assert admin.patch(path, {"resolution_seconds": 6 * 86_400}).status_code == 200
    first = db.session.scalars(select(SlaRecount.id)).one()
    assert recount.batch(first)
    assert admin.patch(path, {"resolution_seconds": 7 * 86_400}).status_code == 200
    assert recount.batch(first) is False
    work()
    assert all(dues()[number] - before[number] == timedelta(days=2) for number in numbers)
    assert admin.get(RECOUNT).json["done"] == 5


def test_two_workers_at_once_recount_each_ticket_once(
    app: Flask, admin: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "BATCH", 2)
    for _ in range(9):
        customer.reports()
    assert admin.patch(f"{POLICIES}/{number_of(admin, 'Normal')}", {"resolution_seconds": 518_400}).status_code == 200
    running = db.session.scalars(select(SlaRecount.id)).one()
    db.session.remove()
    start = threading.Barrier(2)

    def worker(_: int) -> None:
        with app.app_context():
            start.wait(timeout=20)
            while recount.batch(running):
                pass
            db.session.remove()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(worker, range(2)))
    shown = admin.get(RECOUNT).json
    assert (shown["done"], shown["changed"], shown["total"]) == (9, 9, 9)


# --- tried on the past ------------------------------------------------------------------------------------------------


def saved(person: Person) -> list[dict[str, Any]]:
    """The saved policies, as a dry run takes them."""
    return [
        {
            **{name: one[name] for name in ("id", "name", "is_active", "priorities", "response_seconds", "resolution_seconds")},
            "category_ids": [c["id"] for c in one["categories"]], "team_ids": [t["id"] for t in one["teams"]],
            "calendar_id": one["calendar"] and one["calendar"]["id"],
        }
        for one in person.get(POLICIES).json["items"]
    ]  # fmt: skip


def try_them(person: Person, policies: list[dict[str, Any]], **period: Any) -> dict[str, Any]:
    response = person.post(f"{POLICIES}/dry-run", {"policies": policies, **period})
    assert response.status_code == 200, response.get_data(as_text=True)
    found: dict[str, Any] = response.json
    return found


def _history(admin: Person, agent: Person, customer: Person) -> None:
    """Three that were resolved: one at once, one after 30 h and a pause of 20 h, one without an answer after 6 days."""
    with time_machine.travel(MONDAY, tick=False):
        for person in (agent, customer):
            person.signs_in()
        quick, slow, silent = (customer.reports() for _ in range(3))
        agent.sets(silent, priority="low")
        agent.writes(quick, "Done.", audience="reporter")
        agent.sets(quick, status="resolved")
    with time_machine.travel(MONDAY + 4 * HOUR, tick=False):
        agent.signs_in()
        agent.sets(slow, status="waiting")
    with time_machine.travel(MONDAY + 24 * HOUR, tick=False):
        agent.signs_in()
        agent.sets(slow, status="open")
    with time_machine.travel(MONDAY + 30 * HOUR, tick=False):
        agent.signs_in()
        agent.writes(slow, "Sorry.", audience="reporter")
        agent.sets(slow, status="resolved")
    with time_machine.travel(MONDAY + timedelta(days=6), tick=False):
        agent.signs_in()
        agent.sets(silent, status="resolved")


def test_the_saved_ones_do_as_they_did_and_others_as_they_would_have(
    admin: Person, agent: Person, customer: Person
) -> None:
    _history(admin, agent, customer)
    found = try_them(admin, saved(admin))
    assert found["tickets"] == 3
    assert found["saved"] == found["wanted"]
    assert found["saved"]["response"] == {"met": 2, "total": 2}  # 10 h of 30 ran
    assert found["saved"]["resolution"] == {"met": 3, "total": 3}
    assert {one["name"]: one["tickets"] for one in found["saved"]["policies"]} == {
        "Urgent": 0, "High": 0, "Normal": 2, "Low": 1,
    }  # fmt: skip
    strict = [{**one, "response_seconds": 9 * 3600, "resolution_seconds": 36_000} for one in saved(admin)]
    found = try_them(admin, strict)
    assert found["wanted"]["response"] == {"met": 1, "total": 2}
    assert found["wanted"]["resolution"] == {"met": 2, "total": 3}
    assert found["saved"]["response"] == {"met": 2, "total": 2}
    none = try_them(admin, [{**one, "is_active": False} for one in saved(admin)])
    assert none["wanted"]["without"]["tickets"] == 3 and none["wanted"]["resolution"] == {"met": 3, "total": 3}


def test_what_was_merged_is_tried_as_the_one_that_goes_on(admin: Person, agent: Person, customer: Person) -> None:
    first, second = customer.reports(), customer.reports()
    assert agent.post(f"/api/tickets/{first}/merge", {"into_id": second}).status_code == 200
    agent.sets(second, status="resolved")
    assert try_them(admin, saved(admin))["tickets"] == 1


def test_what_has_ended_keeps_the_dates_that_held_until_it_is_opened_again(agent: Person, customer: Person) -> None:
    number = customer.reports()
    agent.sets(number, status="resolved")
    names = ("first_response_due_at", "resolution_due_at")
    held = [agent.sees(number)[name] for name in names]
    assert [agent.sets(number, priority="urgent")[name] for name in names] == held
    again = agent.sets(number, status="open")
    assert again["resolution_due_at"] < held[1]


def test_a_calendar_counts_its_hours_in_a_dry_run_too(admin: Person, agent: Person, customer: Person) -> None:
    _history(admin, agent, customer)
    calendar = made(admin, CALENDARS, **office())
    # from Monday 11:00 to Tuesday 17:00 there 16 h are open, less 6 h in which it waited
    by_hours = [
        {**one, "calendar_id": calendar["id"], "response_seconds": 9 * 3600, "resolution_seconds": 9 * 3600}
        for one in saved(admin)
    ]
    assert try_them(admin, by_hours)["wanted"]["response"] == {"met": 1, "total": 2}
    longer = [{**one, "response_seconds": 10 * 3600, "resolution_seconds": 10 * 3600} for one in by_hours]
    assert try_them(admin, longer)["wanted"]["response"] == {"met": 2, "total": 2}


def test_a_period_chooses_the_tickets_and_nothing_is_saved(admin: Person, agent: Person, customer: Person) -> None:
    _history(admin, agent, customer)
    work()
    period = {"resolved_after": (MONDAY + HOUR).isoformat(), "resolved_before": (MONDAY + 40 * HOUR).isoformat()}
    before = listed(admin)
    found = try_them(admin, [a_level(name="Tried")], **period)
    assert found["tickets"] == 1
    assert (found["first_resolved_at"], found["last_resolved_at"]) == ("2026-05-12T15:00:00Z",) * 2
    assert listed(admin) == before and recounted() is None
    assert try_them(admin, [])["wanted"]["without"]["tickets"] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"resolution_seconds": 60}, {"calendar_id": 10**9}, {"category_ids": [10**9]}, {"response_seconds": 0},
        {"name": None},
    ],
)  # fmt: skip
def test_what_could_not_be_saved_is_not_tried(admin: Person, wrong: dict[str, Any]) -> None:
    refused = admin.post(f"{POLICIES}/dry-run", {"policies": [a_level(), a_level(**wrong)]})
    assert refused.status_code == 422
    assert list(refused.json["errors"]["policies"]) == ["1"]


def test_a_dry_run_asks_the_same_of_one_ticket_and_of_many(admin: Person, agent: Person, customer: Person) -> None:
    _history(admin, agent, customer)
    body = {"policies": saved(admin)}
    counts = []
    customer.signs_in()
    agent.signs_in()
    for more in (0, 12):
        for _ in range(more):
            agent.sets(customer.reports(), status="resolved")
        with statements() as seen:
            assert admin.post(f"{POLICIES}/dry-run", body).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 7


def test_a_thousand_are_tried_in_a_moment(admin: Person, agent: Person, customer: Person) -> None:
    number = customer.reports()
    agent.sets(number, status="resolved")
    begin_write()
    row = db.session.execute(select(*Ticket.__table__.columns).where(Ticket.id == number)).one()._mapping
    base = {name: value for name, value in row.items() if name != "id"}
    past = [
        {**base, "created_at": MONDAY - n * 7 * HOUR, "resolved_at": MONDAY - n * HOUR, "first_response_at": MONDAY - n * 2 * HOUR}
        for n in range(1200)
    ]  # fmt: skip
    db.session.execute(Ticket.__table__.insert(), past)
    db.session.execute(update(SlaPolicy).values(calendar_id=None))
    db.session.commit()
    calendar = made(admin, CALENDARS, **office())
    wanted = [{**one, "calendar_id": calendar["id"]} for one in saved(admin)]
    began = stopwatch.perf_counter()
    found = try_them(admin, wanted)
    assert found["tickets"] == 1000
    assert stopwatch.perf_counter() - began < 3


def test_an_old_job_finds_nothing_to_do(app: Flask) -> None:
    jobs.HANDLERS["recount_due"](jobs.Claimed(0, "recount_due", {"recount_id": 10**9}, 1, None, MONDAY))
    assert db.session.scalar(select(func.count()).select_from(SlaRecount)) == 0
