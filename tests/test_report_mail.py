"""The figures by mail: to whom, how often, and only to who may still read them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from helpdesk.analytics import mailing
from helpdesk.jobs import Claimed
from models import Job, ReportSubscription, Team, begin_write, db
from tests.doors import change, recorded
from tests.factories import Person, mails, work
from tests.pages import Reader

PATH, PAGE = "/api/report-subscriptions", "/staff/reports"
WEDNESDAY = datetime(2026, 11, 18, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(app: Flask) -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(WEDNESDAY, tick=False) as found:
        yield found


def chosen(admin: Person, whom: Person, every: str = "week", **more: Any) -> int:
    admin.signs_in()
    response = admin.post(PATH, {"user_id": whom.id, "every": every, **more})
    assert response.status_code == 201, response.json
    return int(response.json["id"])


def reports(to: Person) -> list[dict[str, Any]]:
    return [one for one in mails(to.email) if one["subject"].startswith("Figures")]


def test_the_figures_of_a_week_come_in_the_morning_after_it_and_once(
    clock: Any, admin: Person, agent: Person, customer: Person
) -> None:
    customer.signs_in()
    numbers = [customer.reports() for _ in range(3)]
    agent.signs_in()
    agent.sets(numbers[0], status="resolved")
    chosen(admin, agent)
    for at, number in (
        (WEDNESDAY + timedelta(days=1), 0),
        (MONDAY - timedelta(seconds=1), 0),
        (MONDAY + timedelta(hours=5), 0),
        (MONDAY + timedelta(hours=6, minutes=1), 1),
        (MONDAY + timedelta(hours=9), 1),
        (MONDAY + timedelta(days=6), 1),
        (MONDAY + timedelta(days=7, hours=8), 2),
    ):
        clock.move_to(at)
        assert len(reports(agent)) == number, at
    [later, first] = reports(agent)
    assert first["subject"] == "Figures of the week: 16 Nov to 22 Nov 2026"
    assert later["subject"] == "Figures of the week: 23 Nov to 29 Nov 2026"
    for body in (first["text"], re.sub(r"<[^>]+>|\s+", " ", first["html"])):
        said = " ".join(body.split())
        for words in ("Created", "3", "0 in the period before", "Resolved on time", "100%", "target 90%", "2"):
            assert words in said
    assert "Created: 3 (0 in the period before)" in first["text"]
    assert "Open now: 2 (2 overdue)" in first["text"]


def test_the_link_in_the_mail_opens_the_page_with_the_same_figures(
    app: Flask, clock: Any, admin: Person, agent: Person, customer: Person
) -> None:
    customer.signs_in()
    customer.reports()
    customer.reports(category="it-wifi")
    team = db.session.scalars(select(Team.id).where(Team.slug == "it")).one()
    chosen(admin, agent, team_id=team)
    clock.move_to(MONDAY + timedelta(hours=7))
    [found] = reports(agent)
    assert "Created: 1 (" in found["text"]
    link = re.search(r"http\S+/staff/analytics\S+", found["text"])
    assert link
    parts = urlsplit(link[0])
    page = Reader(app, agent).reads(f"{parts.path}?{parts.query}")
    assert page.says("16 Nov to 22 Nov 2026")
    assert re.search(r"<dt>Created</dt>\s*<dd>\s*<a[^>]*>1</a>", page.html)
    assert f"{PAGE}" in found["html"]


def test_after_a_time_without_a_worker_only_the_last_period_is_mailed(clock: Any, admin: Person, agent: Person) -> None:
    chosen(admin, agent)
    chosen(admin, agent, "month")
    clock.move_to(MONDAY + timedelta(days=70, hours=12))
    assert sorted(one["subject"] for one in reports(agent)) == [
        "Figures of the month: 1 Jan to 31 Jan 2027",
        "Figures of the week: 25 Jan to 31 Jan 2027",
    ]
    clock.move_to(MONDAY + timedelta(days=71))
    assert len(reports(agent)) == 2


def test_what_was_chosen_after_a_period_is_not_mailed_of_it(clock: Any, admin: Person, agent: Person) -> None:
    clock.move_to(MONDAY + timedelta(hours=8))
    chosen(admin, agent)
    clock.move_to(MONDAY + timedelta(hours=10))
    assert reports(agent) == []


def test_two_workers_promise_one_mail(app: Flask, clock: Any, admin: Person, agent: Person) -> None:
    for _ in range(3):
        chosen(admin, Person.made(app, "agent"))
    chosen(admin, agent)
    clock.move_to(MONDAY + timedelta(hours=7))
    barrier, wrong = threading.Barrier(2), []

    def working() -> None:
        with app.app_context():
            try:
                barrier.wait()
                mailing.mail_reports(Claimed(1, "mail_reports", {}, 1, None, MONDAY))
            except Exception as error:
                wrong.append(error)
            finally:
                db.session.remove()

    db.session.remove()
    threads = [threading.Thread(target=working) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert db.session.scalar(select(func.count()).select_from(Job).where(Job.key.like("report:%"))) == 4
    db.session.remove()
    assert len(reports(agent)) == 1


@pytest.mark.parametrize(
    "ends", [{"role": "customer"}, {"is_active": False}, {"email": None, "email_normalized": None}]
)
def test_who_may_not_read_them_any_more_gets_none(
    clock: Any, admin: Person, agent: Person, ends: dict[str, Any]
) -> None:
    """Asked when the mail is promised, and again when it is sent."""
    chosen(admin, agent)
    chosen(admin, admin)
    clock.move_to(MONDAY + timedelta(hours=7))
    mailing.mail_reports(Claimed(1, "mail_reports", {}, 1, None, MONDAY))
    db.session.remove()
    change(agent, **ends)
    work()
    assert reports(agent) == []
    assert len(reports(admin)) == 1
    clock.move_to(MONDAY + timedelta(days=7, hours=7))
    assert reports(agent) == []
    assert len(reports(admin)) == 2


def test_a_mail_that_was_stopped_meanwhile_is_not_sent(clock: Any, admin: Person, agent: Person) -> None:
    number = chosen(admin, agent)
    clock.move_to(MONDAY + timedelta(hours=7))
    mailing.mail_reports(Claimed(1, "mail_reports", {}, 1, None, MONDAY))
    db.session.remove()
    agent.signs_in()
    assert agent.delete(f"{PATH}/{number}").status_code == 204
    assert reports(agent) == []


def test_only_staff_with_an_address_can_be_chosen_and_nobody_twice(
    app: Flask, admin: Person, agent: Person, customer: Person
) -> None:
    admin.signs_in()
    gone = Person.made(app, "agent")
    change(gone, is_active=False)
    invited = Person.made(app, "agent", name="Ada New")
    change(invited, password_hash=None)
    page = Reader(app, admin).reads(PAGE)
    assert f'value="{agent.id}"' in page.html and f'value="{invited.id}"' not in page.html
    for whom in (customer.id, gone.id, invited.id, 2**40):
        refused = admin.post(PATH, {"user_id": whom, "every": "week"})
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["user_id"])
    assert admin.post(PATH, {"user_id": agent.id, "every": "day"}).status_code == 422
    assert admin.post(PATH, {"user_id": agent.id, "every": "week", "team_id": 2**40}).status_code == 422
    chosen(admin, agent)
    assert admin.post(PATH, {"user_id": agent.id, "every": "week"}).status_code == 409
    chosen(admin, agent, "month")
    agent.signs_in()
    assert agent.post(PATH, {"user_id": agent.id, "every": "week"}).status_code == 403


def test_admins_see_all_and_agents_their_own_which_both_can_stop(app: Flask, admin: Person, agent: Person) -> None:
    mine, others = chosen(admin, agent), chosen(admin, admin, "month")
    agent.signs_in()
    assert [one["id"] for one in agent.get(PATH).json["items"]] == [mine]
    assert [one["id"] for one in admin.get(PATH).json["items"]] == [mine, others]
    assert agent.get(f"{PATH}/{others}").status_code == agent.delete(f"{PATH}/{others}").status_code == 404
    assert agent.delete(f"{PATH}/{mine}").status_code == admin.delete(f"{PATH}/{others}").status_code == 204
    assert admin.get(PATH).json["items"] == []
    assert [(e.actor_id, e.target) for e in recorded("report_subscription.created")] == [
        (admin.id, f"user:{agent.id}"), (admin.id, f"user:{admin.id}"),
    ]  # fmt: skip
    assert [e.actor_id for e in recorded("report_subscription.deleted")] == [agent.id, admin.id]


def test_whoever_is_erased_is_chosen_no_more(admin: Person, agent: Person) -> None:
    chosen(admin, agent)
    assert admin.delete(f"/api/users/{agent.id}").status_code == 204
    db.session.remove()
    assert db.session.scalar(select(func.count()).select_from(ReportSubscription)) == 0


def test_the_page_lets_admins_choose_and_everybody_stop_their_own(app: Flask, admin: Person, agent: Person) -> None:
    desk = Reader(app, admin)
    page = desk.reads(PAGE)
    assert page.says("Nobody gets the figures by mail yet.")
    refused = desk.sends(page.form_to(PAGE))
    assert refused.status_code == 422
    assert "Choose somebody of the staff" in refused.get_data(as_text=True)
    form = page.form_to(PAGE)
    shown = desk.is_led(desk.sends(form, user_id=str(agent.id), every="month"))
    assert shown.says("Each month , all teams") or shown.says("Each month, all teams")
    assert (
        desk.is_led(desk.sends(form, user_id=str(agent.id), every="month")).html.count('class="t"') == 1
    )  # sent twice
    again = desk.sends(shown.form_to(PAGE), user_id=str(agent.id), every="month")
    assert again.status_code == 409
    assert "They get this already" in (html := again.get_data(as_text=True)) and "This name is taken" not in html
    other = Reader(app, agent)
    own = other.reads(PAGE)
    assert not [form for form in own.forms if form.action == PAGE]
    [stop] = [form for form in own.forms if form.action.endswith("/stop")]
    assert other.is_led(other.sends(stop)).says("You get no figures by mail. An admin chooses who does.")
    assert PAGE in desk.reads("/staff/analytics").links
    assert PAGE not in other.reads("/staff/analytics").links
    refused = other.post(PAGE, None, data={"user_id": str(agent.id), "every": "week"})
    assert refused.status_code == 403


def test_nothing_of_a_job_says_whom_after_it_is_done(clock: Any, admin: Person, agent: Person) -> None:
    chosen(admin, agent)
    clock.move_to(MONDAY + timedelta(hours=7))
    work()
    begin_write()
    done = db.session.scalars(select(Job).where(Job.key.like("report:%"))).one()
    assert (done.state, done.payload) == ("done", {})
