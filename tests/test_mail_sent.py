"""Handing mails over: one connection for many, each mail once, and what is done about each way in which it fails."""

from __future__ import annotations

import ssl

import pytest
from flask import Flask
from sqlalchemy import select

from helpdesk import mailservers
from helpdesk.mailservers import reaching, smtp
from models import Job, JobState, User, begin_write, db, now
from tests.factories import Person, work
from tests.pages import Reader
from tests.servers import PASSWORD, PASSWORD_IN_URL, Certificates, Line, MailServer, Serving

pytestmark = pytest.mark.once("the outbox has its own tests on both, and the worker that is killed, too")


@pytest.fixture(autouse=True)
def _no_connection_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "IDLE_SECONDS", 10**6)


@pytest.fixture
def server(serves: Serving) -> MailServer:
    return serves()[0]


def again() -> None:
    """Let the worker do what waits for its next try."""
    begin_write()
    for job in db.session.scalars(select(Job).where(Job.kind == "mail", Job.state == JobState.READY)):
        job.run_at = now()
    db.session.commit()
    work()


def the_job() -> Job:
    db.session.rollback()
    return db.session.scalars(select(Job).where(Job.kind == "mail")).one()


def reports(customer: Person, times: int = 1) -> None:
    for _ in range(times):
        customer.reports()
    work()


# --- one connection ---------------------------------------------------------------------------------------------------


def test_many_mails_go_over_one_connection_and_after_some_over_a_new_one(
    server: MailServer, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports(customer, 5)
    assert len(server.protocols) == 1
    assert server.resets == 4
    monkeypatch.setattr(smtp, "MOST_MAILS", 2)
    reports(customer, 4)
    assert len(server.protocols) == 3
    assert len(server.messages) == len(set(server.ids)) == 9
    assert {message["X-RcptTo"] for message in server.messages} == {customer.email}


def test_a_connection_that_the_server_closed_is_opened_anew_and_nothing_is_sent_twice(
    server: MailServer, customer: Person
) -> None:
    reports(customer)
    server.hangs_up()
    reports(customer)
    server.says["RSET"] = ["421 4.3.2 Going down"]
    reports(customer)
    assert len(server.protocols) == 3
    assert len(server.messages) == len(set(server.ids)) == 3
    db.session.rollback()
    assert {job.attempts for job in db.session.scalars(select(Job).where(Job.kind == "mail"))} == {1}


def test_what_is_not_needed_is_closed(server: MailServer, customer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    reports(customer)
    mailservers.rest()
    assert smtp._mine.kept is not None
    monkeypatch.setattr(smtp, "IDLE_SECONDS", 0)
    work()
    assert smtp._mine.kept is None
    reports(customer)
    assert len(server.protocols) == len(server.messages) == 2


# --- no ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_what_is_refused_for_now_is_tried_again_and_goes_out_once(
    server: MailServer, customer: Person, stage: str
) -> None:
    server.says[stage] = [f"451 4.7.1 {customer.email} is greylisted"]
    reports(customer)
    job = the_job()
    assert (job.state, job.attempts) == (JobState.READY, 1)
    assert job.error is not None and "451 4.7.1" in job.error and "@" not in job.error
    again()
    assert len(server.messages) == 1
    assert the_job().state == JobState.DONE


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
def test_what_is_refused_for_good_is_given_up_where_admins_see_why(
    app: Flask, server: MailServer, customer: Person, admin: Person, stage: str
) -> None:
    server.says[stage] = [f"550 5.1.1 <{customer.email}> does not live here"]
    reports(customer)
    job = the_job()
    assert (job.state, job.attempts) == (JobState.DEAD, 1)
    page = Reader(app, admin).reads("/staff/admin/jobs")
    assert page.says("550 5.1.1") and customer.email not in page.html and page.says("Mail: report received")
    bounced = db.session.get_one(User, customer.id).bounced_at
    assert (bounced is not None) == (stage == "RCPT"), "what is in a mail says nothing of the mailbox"
    if stage == "RCPT":  # an admin who has heard that it is there again
        assert admin.delete(f"/api/users/{customer.id}/bounce").status_code == 204
    assert admin.post(f"/api/jobs/{job.id}/retry").status_code == 200
    work()
    assert len(server.messages) == 1


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("550 No such user", JobState.DEAD), ("552 5.2.2 Full", JobState.DEAD), ("521 No mail here", JobState.DEAD),
        ("550 5.7.1 We do not relay", JobState.READY), ("554 5.7.1 Blocked", JobState.READY),
        ("550 5.1.0 Sender unknown", JobState.READY), ("550 5.1.8 Sender address rejected", JobState.READY),
    ],
)  # fmt: skip
def test_only_who_is_not_there_for_certain_is_remembered_as_such(
    server: MailServer, customer: Person, said: str, state: JobState
) -> None:
    """What is about us is tried on: somebody sets it right."""
    server.says["RCPT"] = [said]
    reports(customer)
    assert the_job().state == state
    assert db.session.get_one(User, customer.id).bounced_at is None


def test_a_refusal_of_one_leaves_the_connection_to_the_next(
    server: MailServer, customer: Person, other: Person
) -> None:
    server.says["RCPT"] = ["550 5.1.1 No"]
    reports(customer)
    reports(other)
    assert len(server.protocols) == len(server.messages) == 1


def test_where_our_sender_is_refused_it_is_tried_on(server: MailServer, customer: Person) -> None:
    server.says["MAIL"] = ["550 5.7.1 not you"]
    reports(customer)
    assert (the_job().state, the_job().error) == (JobState.READY, "Refused: our sender was refused with 550 5.7.1")
    again()
    assert len(server.messages) == 1


# --- a line that is cut -----------------------------------------------------------------------------------------------


def test_a_line_that_is_cut_in_the_middle_of_a_mail_leaves_none_and_it_is_sent_again(
    app: Flask, serves: Serving, customer: Person
) -> None:
    server, port = serves()
    line = Line(port)
    app.config["SMTP_URL"] = f"smtp://127.0.0.1:{line.port}"
    line.cut_when_sent = lambda seen: b"Message-ID" in seen
    reports(customer)
    line.cut_when_sent = lambda _: False
    assert the_job().error == "Lost: it hung up"
    assert server.messages == []
    again()
    assert len(server.messages) == 1
    line.stop()


def test_a_line_that_is_cut_after_the_last_dot_brings_the_same_mail_once_more(
    server: MailServer, customer: Person
) -> None:
    server.hangs_up_after_the_dot = 1
    reports(customer)
    assert the_job().error == "Lost: it hung up"
    again()
    assert len(server.messages) == 2
    assert len(set(server.ids)) == 1, "whoever gets both sees that they are one"


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_stays_silent_is_left(
    server: MailServer, customer: Person, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT_SECONDS", 0.5)
    server.is_silent_at = stage
    reports(customer)
    assert the_job().error == "Lost: it took too long to answer"
    server.is_silent_at = ""
    monkeypatch.setattr(smtp, "TIMEOUT_SECONDS", 120)
    again()
    assert len(server.messages) == 1


def test_a_server_that_is_away_is_tried_again(app: Flask, customer: Person) -> None:
    app.config["SMTP_URL"] = "smtp://127.0.0.1:1"
    try:
        reports(customer)
    finally:
        app.config["SMTP_URL"] = ""
    assert the_job().error == "Unreachable: it cannot be reached: Connection refused"


# --- who listens in ---------------------------------------------------------------------------------------------------


def _tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    return context


def with_password(app: Flask, port: int, *, password: str = PASSWORD_IN_URL, scheme: str = "smtp") -> None:
    app.config["SMTP_URL"] = f"{scheme}://ada:{password}@127.0.0.1:{port}"


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_away_from_here_it_is_encrypted_by_a_certificate_that_is_trusted_before_the_password(
    app: Flask, serves: Serving, customer: Person, certificates: Certificates, monkeypatch: pytest.MonkeyPatch,
    scheme: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(reaching.Server, "is_here", False)
    tls = {"tls_context" if scheme == "smtp" else "ssl_context": _tls(certificates)}
    server, port = serves(asks_for_password=True, auth_require_tls=False, **tls)
    with_password(app, port, scheme=scheme)
    reports(customer)
    job = the_job()
    assert (job.state, job.attempts, server.passwords) == (JobState.READY, 0, [])
    assert "its certificate is not trusted" in str(job.error)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    again()
    assert len(server.messages) == 1
    assert server.passwords == [PASSWORD.encode()]
    if scheme == "smtp":
        assert server.encrypted == [True]


def test_whoever_offers_no_tls_is_told_no_password_unless_it_is_here(
    app: Flask, serves: Serving, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, port = serves(asks_for_password=True, auth_require_tls=False)
    with_password(app, port)
    with monkeypatch.context() as patch:
        patch.setattr(reaching.Server, "is_here", False)
        reports(customer)
        assert the_job().error == "the mail server offers no TLS: the password stays here"
        assert server.passwords == []
    again()
    assert len(server.messages) == 1


def test_a_server_of_ones_own_needs_no_certificate_that_others_trust(
    app: Flask, serves: Serving, customer: Person, certificates: Certificates
) -> None:
    server, _ = serves(tls_context=_tls(certificates))
    reports(customer)
    assert server.encrypted == [True]


def test_a_wrong_password_lets_mails_wait_and_is_told_without_it(
    app: Flask, serves: Serving, customer: Person, caplog: pytest.LogCaptureFixture
) -> None:
    server, port = serves(asks_for_password=True, auth_require_tls=False)
    with_password(app, port, password="canary")
    reports(customer)
    job = the_job()
    assert (job.state, job.attempts) == (JobState.READY, 0)
    assert job.error == "the mail server refused user and password of SMTP_URL with 535 5.7.8"
    assert "canary" not in caplog.text
    server.says["AUTH"] = ["454 4.7.0 Not now"]
    with_password(app, port)
    again()
    assert the_job().error == "Refused: it lets nobody log in for now: 454 4.7.0"
    again()
    assert len(server.messages) == 1
