"""Who is mailed what, and that nothing else leaves."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from flask import Flask
from sqlalchemy import select

from helpdesk import jobs, mail, mailservers
from models import Job, JobState, db, now
from tests.factories import Person, mails, work


class Sink(Message):
    """An SMTP server that keeps what it is given, or refuses as often as it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Any] = []
        self.refusals = 0

    def handle_message(self, message: Any) -> None:
        self.messages.append(message)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.refusals:
            self.refusals -= 1
            return "451 try again later"
        envelope.mail_from = address
        return "250 OK"


@pytest.fixture
def sink(app: Flask) -> Iterator[Sink]:
    handler = Sink()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    app.config["SMTP_URL"] = f"smtp://127.0.0.1:{port}"
    yield handler
    app.config["SMTP_URL"] = ""
    mailservers.let_go()
    controller.stop()


def subjects(person: Person) -> list[str]:
    return [message["subject"] for message in mails(person.email)]


def test_the_reporter_is_told_that_the_report_arrived(customer: Person, agent: Person, other: Person) -> None:
    number = customer.reports(title="Zebra crossing light out")
    (message,) = mails(customer.email)
    assert f"#{number}" in message["subject"]
    assert "Zebra crossing light out" in message["text"]
    assert message["headers"]["Auto-Submitted"] == "auto-generated"
    assert mails(agent.email) == mails(other.email) == []


def test_a_reply_is_mailed_to_its_audience_and_a_note_to_nobody(
    customer: Person, other: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    other.joins(number)
    work()
    agent.writes(number, "canary-note", audience="internal")
    agent.writes(number, "canary-reporter", audience="reporter")
    agent.writes(number, "canary-affected", audience="affected")
    texts = {person.name: " ".join(m["text"] + m["html"] for m in mails(person.email)) for person in (customer, other)}
    assert "canary-reporter" in texts["Jonas Weber"]
    assert "canary-affected" in texts["Jonas Weber"]
    assert "canary-affected" in texts["Helen Marsh"]
    assert "canary-reporter" not in texts["Helen Marsh"]
    assert "Jonas" not in texts["Helen Marsh"]
    everything = str(mails())
    assert "canary-note" not in everything
    assert mails(agent.email) == mails(admin.email) == []


def test_nobody_hears_twice_of_one_deed_nor_of_their_own(customer: Person, agent: Person) -> None:
    number = customer.reports()
    work()
    customer.writes(number, "Any news?")
    agent.sets(number, status="resolved")
    customer.writes(number, "No, it still drips")
    customer.patch(f"/api/tickets/{number}", {"status": "closed"})
    found = mails(customer.email)
    assert len(found) == 2
    assert "resolved" in found[0]["subject"].lower() + found[0]["text"].lower()


def test_a_mail_leads_to_the_conversation_it_is_about(customer: Person, agent: Person) -> None:
    number = customer.reports()
    agent.writes(number, "On our way.", audience="reporter")
    agent.sets(number, status="resolved")
    told = mails(customer.email)
    assert len(told) == 3
    for message in told:
        assert f"/tickets/{number}\n" in message["text"] and f'/tickets/{number}"' in message["html"]


def test_announcing_again_after_a_crash_mails_nobody_again(customer: Person, agent: Person) -> None:
    number = customer.reports()
    agent.writes(number, "On our way")
    payloads = [job.payload for job in db.session.scalars(select(Job).where(Job.kind == "announce"))]
    work()
    before = len(mails())
    for payload in payloads:
        jobs.HANDLERS["announce"](jobs.Claimed(0, "announce", payload, 1, None, now()))
    assert len(mails()) == before == 2


def test_a_reply_that_was_deleted_before_its_mail_went_is_not_mailed(customer: Person, agent: Person) -> None:
    number = customer.reports()
    work()
    said = agent.writes(number, "wrong ticket, sorry")
    agent.delete(f"/api/comments/{said}")
    assert len(mails(customer.email)) == 1


def test_whoever_lost_sight_of_the_ticket_gets_no_mail_of_it(customer: Person, other: Person, agent: Person) -> None:
    number = customer.reports()
    other.joins(number)
    agent.writes(number, "We are on it", audience="affected")
    agent.sets(number, is_confidential=True)
    assert mails(other.email) == []
    assert "We are on it" in str(mails(customer.email))


def test_text_of_people_stays_text_in_a_mail(customer: Person, agent: Person) -> None:
    number = customer.reports(title='"><svg onload=alert(1)> {{7*7}}')
    agent.writes(number, "<script>alert(1)</script> {{7*7}} [x](javascript:alert(1))")
    found = mails(customer.email)
    for message in found:
        assert "<svg" not in message["html"]
        assert "<script" not in message["html"]
        assert "49" not in (message["text"] + message["html"]).replace(str(number), "")
    assert '"><svg onload=alert(1)> {{7*7}}' in found[-1]["text"]


def test_a_mail_server_gets_each_mail_once_with_the_right_recipient(
    sink: Sink, customer: Person, agent: Person
) -> None:
    sink.refusals = 1
    number = customer.reports(title="Größe prüfen: 100 % – ✓")
    work()
    assert sink.messages == []
    job = db.session.scalars(select(Job).where(Job.kind == "mail")).one()
    assert (job.state, job.attempts) == (JobState.READY, 1)
    assert "451" in (job.error or "")
    job_id, job.run_at = job.id, job.created_at
    db.session.commit()
    work()
    (message,) = sink.messages
    assert message["X-RcptTo"] == customer.email
    assert f"#{number}" in str(message["Subject"]) or message["Subject"]
    assert message["Message-ID"].startswith(f"<job-{job_id}-")
    assert work() == 0


def test_production_without_a_mail_server_lets_mails_wait(app: Flask, customer: Person) -> None:
    customer.reports()
    app.config["ENVIRONMENT"] = "production"
    try:
        work()
    finally:
        app.config["ENVIRONMENT"] = "testing"
    job = db.session.scalars(select(Job).where(Job.kind == "mail")).one()
    assert (job.state, job.attempts, job.error) == (JobState.READY, 0, "SMTP_URL is not set: the mail waits")
    assert mail.kept() == []


def test_mail_that_is_switched_off_is_not_sent(customer: Person, agent: Person) -> None:
    assert customer.patch("/api/users/me", {"notifications": {"received": "off"}}).status_code == 200
    number = customer.reports()
    agent.writes(number, "On our way")
    (message,) = mails(customer.email)
    assert "On our way" in message["text"]


INJECTED = "=?utf-8?q?hi=0D=0ABcc:_evil@campus.test=0D=0AX-Evil:_1=0D=0A=0D=0Abody?="


def test_what_looks_like_an_encoded_header_is_text(sink: Sink, customer: Person, agent: Person) -> None:
    """P-071: the email package decodes `=?…?=` when a header is set, line breaks and all."""
    assert customer.patch("/api/users/me", {"name": INJECTED[:90]}).status_code == 200
    number = customer.reports(title=INJECTED)
    agent.writes(number, "Thank you.", audience="reporter")
    work()
    assert len(sink.messages) == 2
    for message in sink.messages:
        assert message["Bcc"] is None and message["X-Evil"] is None
        assert "evil@campus.test" in message["Subject"].replace("=?utf-8?q?", ""), "the words are there, as words"
        assert message["X-RcptTo"] == customer.email


def test_nobody_is_told_that_it_is_resolved_when_it_is_open_again(customer: Person, agent: Person) -> None:
    number = customer.reports()
    work()
    agent.sets(number, status="resolved")
    customer.sets(number, status="open")
    assert not [subject for subject in subjects(customer) if "esolved" in subject]
    agent.sets(number, status="resolved")
    assert [subject for subject in subjects(customer) if "esolved" in subject]
