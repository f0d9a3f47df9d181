"""Addresses that mails come back from: whom to believe it, what is sent there still, who is told, and when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import time_machine
from flask import Flask

from helpdesk import auth, mail, mailservers
from helpdesk.mailservers import RefusedForGood
from models import InboundState, Job, JobState, TokenPurpose, User, begin_write, db, now
from tests.doors import recorded
from tests.factories import PASSWORD, Person, link_in, mails, work
from tests.pages import Reader
from tests.test_mail_in import DESK, MAILS, _mail_comes_in, a_mail, answer_of, answer_to, comes_in, said

__all__ = ["_mail_comes_in"]  # a fixture that every test here has

_numbers = iter(range(1, 10**9))


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


def bounces(person: Person, to: str, *, about: str | None = None, status: str = "5.1.10") -> Any:
    """A report of a mail system about a mail to somebody, as it comes to this address."""
    raw = (MAILS / "exchange_bounce.eml").read_bytes()
    for old, new in (
        ("helpdesk+abc@campus.test", to), ("<bounce1@", f"<bounce-{next(_numbers)}@"),
        ("Gone@campus.test", about or person.email.upper()), ("5.1.10", status),
    ):  # fmt: skip
        raw = raw.replace(old.encode(), new.encode())
    return comes_in(raw)


def bounced(person: Person) -> datetime | None:
    db.session.remove()
    return db.session.get_one(User, person.id).bounced_at


def gone(person: Person) -> None:
    """Let mails to somebody come back from now on."""
    begin_write()
    db.session.get_one(User, person.id).bounced_at = now()
    db.session.commit()


# --- whom to believe it -----------------------------------------------------------------------------------------------


def test_one_that_came_back_mutes_nobody_and_a_second_on_another_day_does(
    customer: Person, clock: time_machine.Traveller
) -> None:
    number = customer.reports()
    address = answer_to(customer)
    assert bounces(customer, address).state == InboundState.IGNORED
    bounces(customer, address)
    assert bounced(customer) is None
    clock.shift(timedelta(days=1, minutes=1))
    bounces(customer, address)
    since = bounced(customer)
    assert since is not None
    bounces(customer, address)
    assert bounced(customer) == since, "and it stays the day on which it began"
    assert said(number) == []
    [event] = recorded("user.bounced")
    assert (event.target, event.area) == (f"user:{customer.id}", "people")
    assert customer.email not in str(event.detail)


def test_two_that_came_back_months_apart_mute_nobody(customer: Person, clock: time_machine.Traveller) -> None:
    customer.reports()
    address = answer_to(customer)
    for days in (0, 60, 60):
        clock.shift(timedelta(days=days))
        bounces(customer, address)
    assert bounced(customer) is None


def test_a_report_concerns_nobody_but_whom_that_mail_was_sent_to(
    customer: Person, other: Person, clock: time_machine.Traveller
) -> None:
    customer.reports()
    own = answer_to(customer)
    for _ in range(2):
        bounces(other, own)  # whoever holds their own address says it of somebody else
        bounces(customer, DESK)  # and whoever holds none says it of anybody
        bounces(customer, own, status="4.2.2")  # full today
        clock.shift(timedelta(days=2))
    assert bounced(customer) is None and bounced(other) is None
    bounces(customer, own)
    clock.shift(timedelta(days=2))
    bounces(customer, own)
    assert bounced(customer) is not None and bounced(other) is None


def test_our_own_mail_server_is_believed_at_once_about_the_address_that_they_still_have(
    app: Flask, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = False

    def refuse(message: EmailMessage, *_: Any) -> None:
        if moved:
            begin_write()
            db.session.get_one(User, customer.id).email = "new@campus.test"
            db.session.commit()
        raise RefusedForGood("no such mailbox: 550 5.1.1", of_recipient=True)

    monkeypatch.setattr(mailservers, "hand_over", refuse)
    app.config["SMTP_URL"] = "smtp://mail.test"
    try:
        moved = True
        customer.reports()
        work()
        assert bounced(customer) is None
        moved = False
        customer.reports()
        work()
        assert bounced(customer) is not None
    finally:
        app.config["SMTP_URL"] = ""
    auth.refused(10**9, "nobody@campus.test")  # who is gone meanwhile


# --- what is sent there still -----------------------------------------------------------------------------------------


def test_only_what_concerns_security_is_sent_there_and_the_job_says_why(
    app: Flask, customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    work()
    before = len(mails(customer.email))
    gone(customer)
    agent.writes(number, "We have it", audience="reporter")
    agent.sets(number, status="resolved")
    work()
    assert len(mails(customer.email)) == before
    skipped = list(db.session.query(Job).filter(Job.kind == "mail", Job.error.is_not(None)))
    assert {(job.state, job.error) for job in skipped} == {
        (JobState.DONE, "Not sent: mails to this address come back.")
    }
    page = Reader(app, admin).reads(f"/staff/admin/jobs/{skipped[0].id}")
    assert page.says("Why nothing was done") and page.says("mails to this address come back")
    assert Person(app).post("/api/auth/password/forgot", {"email": customer.email}).status_code == 202
    assert len(mails(customer.email)) == before + 1


def test_the_hourly_mail_and_the_figures_are_not_sent_there_either(app: Flask, customer: Person, admin: Person) -> None:
    from helpdesk import jobs

    with app.app_context():
        gone(admin)
        work()
        subscription = admin.post("/api/report-subscriptions", {"user_id": admin.id, "every": "week"}).json["id"]
        days = {"first": "2026-01-05", "last": "2026-01-11"}
        for payload in (
            {"kind": "digest", "user_id": admin.id, "items": []},
            {"kind": "report", "user_id": admin.id, "subscription_id": subscription, **days},
        ):
            with pytest.raises(jobs.NothingToDo):
                mail.MAILS[payload["kind"]](payload)  # type: ignore[index]


# --- who is told ------------------------------------------------------------------------------------------------------


def test_admins_agents_and_the_person_are_told_and_no_other_customer(
    app: Flask, customer: Person, other: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    other.joins(number)
    gone(customer)
    assert customer.get("/api/users/me").json["bounced_at"] is not None
    assert other.get("/api/users/me").json["bounced_at"] is None
    assert agent.sees(number)["reporter"]["bounced_at"] is not None
    for person in (customer, other):
        assert "bounced_at" not in (person.sees(number)["reporter"] or {})
    assert admin.get(f"/api/users/{customer.id}").json["bounced_at"] is not None
    assert agent.get(f"/api/users/{customer.id}").json["bounced_at"] is None
    assert Reader(app, agent).reads(f"/staff/tickets/{number}").says("Mails to this address come back, since")
    desk = Reader(app, admin)
    assert desk.reads(f"/staff/admin/users/{customer.id}").says("Mails to this address come back, since")
    listed = desk.reads("/staff/admin/users?is_bounced=true")
    assert listed.says("Mails come back 1") and listed.says(customer.name) and not listed.says(other.name)
    for query, found in (("true", {customer.id}), ("false", {other.id, agent.id, admin.id})):
        answer = admin.get(f"/api/users?is_bounced={query}").json["items"]
        assert {person["id"] for person in answer} == found
    assert agent.get("/api/users?is_bounced=true").status_code == 403


# --- when it is over --------------------------------------------------------------------------------------------------


def test_an_admin_ends_it_on_the_page_and_by_the_api(
    app: Flask, customer: Person, agent: Person, admin: Person
) -> None:
    gone(customer)
    path = f"/api/users/{customer.id}/bounce"
    assert agent.delete(path).status_code == customer.delete(path).status_code == 403
    assert bounced(customer) is not None
    assert admin.delete(path).status_code == 204
    assert bounced(customer) is None
    gone(customer)
    desk = Reader(app, admin)
    form = desk.reads(f"/staff/admin/users/{customer.id}").form_to(f"/staff/admin/users/{customer.id}/reached")
    assert desk.is_led(desk.sends(form)).says("Mails are sent there again")
    assert bounced(customer) is None
    assert [event.actor_id for event in recorded("user.reached")] == [admin.id] * 2
    assert admin.delete(path).status_code == 204  # nothing to end
    assert len(recorded("user.reached")) == 2


def test_an_answer_by_their_own_address_ends_it_and_a_robots_does_not(customer: Person, agent: Person) -> None:
    number = customer.reports()
    work()
    address = answer_of(customer, number)
    gone(customer)
    comes_in(a_mail(customer.email, "I am away", to=address, Auto_Submitted="auto-replied"))
    comes_in(a_mail(customer.email, "It is me"))  # as anybody may write
    assert bounced(customer) is not None
    comes_in(a_mail(customer.email, "It is me", to=address))
    assert bounced(customer) is None


def test_a_link_that_was_opened_ends_it(app: Flask, customer: Person) -> None:
    gone(customer)
    Person(app).post("/api/auth/password/forgot", {"email": customer.email})
    token = link_in(mails(customer.email)[0])
    wish = {"token": token, "password": "sixteen candles in the rain"}
    assert Person(app).post("/api/auth/password/reset", wish).status_code == 204
    assert bounced(customer) is None


def test_another_address_ends_it_and_so_does_a_confirmed_report(app: Flask, customer: Person) -> None:
    gone(customer)
    wish = {"email": "moved@campus.test", "current_password": PASSWORD}
    assert customer.patch("/api/users/me", wish).status_code == 200
    token = link_in(mails("moved@campus.test")[0])
    assert Person(app).post("/api/auth/address", {"token": token}).status_code == 204
    assert bounced(customer) is None
    gone(customer)
    comes_in(a_mail("moved@campus.test", "It is stuck"))
    token = link_in(mails("moved@campus.test")[0])
    assert Person(app).post("/api/tickets/confirm", {"token": token}).status_code == 200
    assert bounced(customer) is None


def test_an_invitation_that_was_accepted_ends_it(app: Flask, admin: Person) -> None:
    wish = {"email": "sam@campus.test", "name": "Sam", "role": "agent"}
    user_id = admin.post("/api/users", wish).json["id"]
    begin_write()
    db.session.get_one(User, user_id).bounced_at = now()
    token = auth.make_link_token(TokenPurpose.INVITE, user_id=user_id, email="sam@campus.test")
    text = auth.link_token(token)
    db.session.commit()
    body = {"token": text, "password": "sixteen candles in the rain"}
    assert Person(app).post("/api/auth/confirm", body).status_code == 200
    db.session.remove()
    assert db.session.get_one(User, user_id).bounced_at is None
