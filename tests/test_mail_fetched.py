"""Mail fetched from a mailbox: taken in before it is let go of, once, whatever the server or the worker does meanwhile."""

from __future__ import annotations

import imaplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select

from helpdesk import jobs, mailservers
from helpdesk.inbound import fetching, reading
from helpdesk.mailservers import reaching
from models import InboundBlob, InboundMail, Job, JobState, Schedule, begin_write, db, now
from tests.factories import Person, work
from tests.pages import Reader
from tests.servers import PASSWORD, PASSWORD_IN_URL, Box, Certificates, Line
from tests.test_mail_in import DESK, a_mail


@pytest.fixture(autouse=True)
def _desk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # a machine that is busy is no server that is away
    monkeypatch.setattr(fetching, "MOST_SECONDS", 10**6)
    monkeypatch.setattr("helpdesk.mailservers.imap.TIMEOUT_SECONDS", 120)
    before = {name: app.config[name] for name in ("INBOUND_ADDRESS", "MAIL_FROM", "IMAP_URL", "IMAP_HANDLED")}
    app.config.update(INBOUND_ADDRESS=DESK, MAIL_FROM=f"Campus Helpdesk <{DESK}>")
    yield
    app.config.update(before)


@pytest.fixture
def fetched(app: Flask, box: Box) -> Box:
    """A mailbox that the worker fetches from."""
    app.config["IMAP_URL"] = box.url()
    return box


@pytest.fixture
def line(box: Box) -> Iterator[Line]:
    line = Line(box.dovecot.port, hides=(b"STARTTLS",))
    yield line
    line.stop()


def mail_of(number: int, text: str = "The window is stuck") -> bytes:
    return a_mail(f"guest{number}@elsewhere.test", text, message_id=f"<{number}@elsewhere.test>")


def ids(*numbers: int, seen: bool = False) -> list[tuple[str, bool]]:
    return [(f"<{number}@elsewhere.test>", seen) for number in numbers]


def fetch() -> Job | None:
    """Let the worker look; and the job that looks again where that failed."""
    begin_write()
    for job in db.session.scalars(select(Job).where(Job.kind == "fetch_mail", Job.state == JobState.READY)):
        job.run_at = now()
    db.session.execute(delete(Schedule).where(Schedule.name == "fetch_mail"))
    db.session.commit()
    work()
    return db.session.scalar(select(Job).where(Job.kind == "fetch_mail", Job.state == JobState.READY))


def said(job: Job | None) -> str:
    assert job is not None, "the job was done"
    assert job.attempts == 0, "and is never given up"
    return str(job.error)


def taken() -> list[str]:
    db.session.rollback()
    return sorted(f"<{row}>" for row in db.session.scalars(select(InboundMail.message_id)))


def test_what_lies_in_the_mailbox_is_taken_in_and_moved_as_read_whoever_looked_at_it(fetched: Box) -> None:
    fetched.gets(mail_of(1), mail_of(2))
    with fetched.dovecot.client(fetched.name) as somebody:
        somebody.select()
        somebody.store("1", "+FLAGS", r"(\Seen)")
    assert fetch() is None
    assert taken() == ["<1@elsewhere.test>", "<2@elsewhere.test>"]
    assert fetched.holds() == []
    assert fetched.holds("Handled") == ids(1, 2, seen=True)
    assert not db.session.scalars(select(Job).where(Job.state == JobState.DEAD)).all()
    fetched.gets(mail_of(1))  # once more, as some servers do
    assert fetch() is None
    assert len(taken()) == 2 and fetched.holds() == []


def test_where_the_desk_says_so_it_is_moved_elsewhere_or_deleted(app: Flask, fetched: Box) -> None:
    app.config["IMAP_HANDLED"] = "Erledigt & übernommen"
    fetched.gets(mail_of(1))
    assert fetch() is None
    with fetched.dovecot.client(fetched.name) as client:
        assert any(b"&- &APw-bernommen" in line for line in client.list()[1] if isinstance(line, bytes))
    assert fetched.holds() == [] and fetched.holds("Erledigt &- &APw-bernommen") == ids(1, seen=True)
    app.config["IMAP_HANDLED"] = "delete"
    fetched.gets(mail_of(2))
    assert fetch() is None
    assert fetched.holds() == [] and len(taken()) == 2
    assert len(fetched.files) == 0


def test_a_mailbox_is_looked_at_every_half_minute_and_only_where_there_is_one(
    app: Flask, box: Box, admin: Person
) -> None:
    work()
    assert db.session.get(Schedule, "fetch_mail") is None
    box.gets(mail_of(1))
    app.config["IMAP_URL"] = box.url()
    began = now()
    work()
    assert taken() == ["<1@elsewhere.test>"]
    assert timedelta(seconds=30) <= db.session.get_one(Schedule, "fetch_mail").next_run_at - began
    assert Reader(app, admin).reads("/staff/admin/jobs").says("every 30 seconds")
    app.config["IMAP_URL"] = ""
    assert not Reader(app, admin).reads("/staff/admin/jobs").says("every 30 seconds")


def test_only_one_worker_at_a_time_looks(app: Flask, fetched: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, visits = mailservers.opened, []

    @contextmanager
    def watched(url: str) -> Iterator[mailservers.Mailbox]:
        visits.append(threading.current_thread().name)
        with opened(url) as mailbox:
            if len(visits) == 1:
                other = threading.Thread(target=_works, args=(app,))
                other.start()
                other.join()
            yield mailbox

    monkeypatch.setattr(fetching.mailservers, "opened", watched)
    begin_write()
    jobs.enqueue("fetch_mail", {})
    jobs.enqueue("fetch_mail", {})
    db.session.commit()
    fetched.gets(mail_of(1))
    assert jobs.run_one()
    assert len(visits) == 1
    assert {job.state for job in db.session.scalars(select(Job).where(Job.kind == "fetch_mail"))} == {JobState.DONE}
    assert len(taken()) == 1


def _works(app: Flask) -> None:
    with app.app_context():
        assert jobs.run_one()
        db.session.remove()


def test_of_two_who_look_at_once_all_the_same_each_mail_is_taken_in_once(
    app: Flask, fetched: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that stood still for half a minute goes on beside whoever took its job over."""
    fetched.gets(*(mail_of(number) for number in range(5)))
    both, seen = threading.Barrier(2), mailservers.Mailbox.waiting
    monkeypatch.setattr(
        mailservers.Mailbox, "waiting", lambda self: (seen(self), both.wait(timeout=120))[0]
    )  # both know of all five
    problems: list[Any] = []

    def look() -> None:
        with app.app_context(), mailservers.opened(app.config["IMAP_URL"]) as mailbox:
            stuck: dict[int, str] = {}
            fetching.take_all(mailbox, stuck)
            problems.extend(stuck.values())
            db.session.remove()

    workers = [threading.Thread(target=look) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert problems == []
    assert len(taken()) == len(set(taken())) == 5
    assert fetched.holds() == []
    assert set(fetched.holds("Handled")) == set(ids(*range(5), seen=True)), "a server may lay a copy there for each"
    inbound = select(Job).where(Job.kind == "inbound")
    assert len(db.session.scalars(inbound).all()) == 5


def test_whoever_dies_between_keeping_a_mail_and_moving_it_leaves_nothing_twice(
    fetched: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dies(*_: Any) -> None:
        raise Killed

    fetched.gets(mail_of(1), mail_of(2))
    with monkeypatch.context() as patch:
        patch.setattr(mailservers.Mailbox, "lay_aside", dies)
        with pytest.raises(Killed):
            fetch()
    assert taken() == ["<1@elsewhere.test>"]
    assert fetched.holds() == ids(1, 2), "nothing is flagged before it is kept"
    begin_write()
    job = db.session.scalars(select(Job).where(Job.kind == "fetch_mail")).one()
    job.state = JobState.READY  # as the other workers do after half a minute
    db.session.commit()
    assert fetch() is None
    assert taken() == ["<1@elsewhere.test>", "<2@elsewhere.test>"]
    assert fetched.holds() == [] and fetched.holds("Handled") == ids(1, 2, seen=True)


def test_of_a_huge_mail_no_more_is_fetched_than_is_kept(app: Flask, box: Box, line: Line) -> None:
    app.config["IMAP_URL"] = box.url(port=line.port)
    huge = mail_of(1).rstrip() + b"\r\n" + (b"x" * 76 + b"\r\n") * (40 * 2**20 // 78)
    box.gets(huge, mail_of(2))
    assert fetch() is None
    mail = db.session.scalars(select(InboundMail).where(InboundMail.message_id == "1@elsewhere.test")).one()
    assert mail.size_bytes > reading.MAX_BYTES
    assert len(db.session.get_one(InboundBlob, mail.id).data) == reading.READ_OF_LARGER_BYTES
    assert line.carried < reading.READ_OF_LARGER_BYTES + 2**16
    assert len(taken()) == 2 and box.holds() == []


def test_a_mail_that_the_server_cannot_give_stops_no_other_and_is_told(fetched: Box) -> None:
    fetched.gets(*(mail_of(number) for number in range(4)))
    (lost,) = [path for path in fetched.files if b"<1@elsewhere.test>" in path.read_bytes()]
    lost.chmod(0)
    job = fetch()
    assert "The mailbox: 1 of the mails stay there. Number 2: the server" in said(job)
    assert len(taken()) == 3
    assert [one for one, _ in fetched.holds("Handled")] == [one for one, _ in ids(0, 2, 3)]
    (lost,) = [path for path in fetched.files if path.name.startswith(lost.name)]
    lost.chmod(0o600)
    assert fetch() is None
    assert len(taken()) == 4


def test_a_server_that_is_gone_in_the_middle_of_a_mail_leaves_nothing_half(
    app: Flask, box: Box, line: Line, admin: Person
) -> None:
    app.config["IMAP_URL"] = box.url(port=line.port)
    box.gets(mail_of(1), mail_of(2, "x" * 78 + "\n" * 20_000), mail_of(3))

    def cut(seen: bytes) -> bool:
        if b"<2@elsewhere.test>" in seen:
            line.is_cut.set()  # for everybody
        return line.is_cut.is_set()

    line.cut_when = cut
    began = now()
    job = fetch()
    assert said(job) == "The mailbox: it hung up"
    assert job is not None and job.run_at - began >= timedelta(seconds=30)
    desk = Reader(app, admin)
    page = desk.reads("/staff/admin/jobs?state=ready")
    assert page.says("Fetch mail from the mailbox") and page.says("The mailbox: it hung up")
    assert taken() == ["<1@elsewhere.test>"]
    line.cut_when = lambda _: False
    line.is_cut.clear()
    response = desk.sends(page.form_to(f"/staff/admin/jobs/{job.id}/retry"))  # nobody need wait for it
    assert response.status_code == 303
    work()
    assert len(taken()) == 3 and box.holds() == []


def test_one_mail_at_which_the_server_hangs_up_each_time_stops_no_other(app: Flask, box: Box, line: Line) -> None:
    app.config["IMAP_URL"] = box.url(port=line.port)
    box.gets(*(mail_of(number) for number in range(4)))
    line.cut_when = lambda seen: b"<1@elsewhere.test>" in seen
    assert said(fetch()) == "The mailbox: 1 of the mails stay there. Number 2: the server hangs up"
    assert len(taken()) == 3


def test_a_server_that_is_away_is_asked_after_a_longer_while_each_time(fetched: Box, app: Flask) -> None:
    app.config["IMAP_URL"] = fetched.url(port=1)
    job = fetch()
    assert said(job) == "The mailbox: it cannot be reached: Connection refused"
    for failing, wait in ((100, 100), (86_400, 600)):
        begin_write()
        assert job is not None
        began, job = now(), db.session.get_one(Job, job.id)
        job.created_at = began - timedelta(seconds=failing)
        db.session.commit()
        job = fetch()
        assert job is not None and job.attempts == 0
        assert job.run_at - began >= timedelta(seconds=wait)
    with time_machine.travel(now(), tick=False):
        for failing, wait in ((1, 30), (31, 31), (599, 599), (601, 600)):
            claimed = jobs.Claimed(0, "fetch_mail", {}, 1, None, now() - timedelta(seconds=failing))
            assert fetching._patience(claimed) == wait
    assert len(db.session.scalars(select(Job).where(Job.kind == "fetch_mail", Job.state == JobState.READY)).all()) == 1


def test_a_server_that_counts_anew_changes_nothing(app: Flask, box: Box) -> None:
    app.config["IMAP_URL"] = box.url(folder="Desk")
    with box.dovecot.client(box.name) as client:
        client.create("Desk")
        client.append("Desk", "", "", mail_of(1))
        assert fetch() is None
        client.delete("Desk")
        client.create("Desk")
        for number in (1, 2):  # the first was taken in, and has the number of then
            client.append("Desk", "", "", mail_of(number))
    assert fetch() is None
    assert taken() == ["<1@elsewhere.test>", "<2@elsewhere.test>"]
    assert box.holds("Desk") == []


def test_a_server_that_cannot_move_copies_and_deletes_and_takes_nobody_elses_along(
    app: Flask, box: Box, line: Line
) -> None:
    app.config["IMAP_URL"] = box.url(port=line.port)
    for number, hidden in enumerate(((b" MOVE",), (b" MOVE", b" UIDPLUS"))):
        line.hides = (b"STARTTLS", *hidden)
        box.gets(mail_of(number))
        assert fetch() is None
        assert (f"<{number}@elsewhere.test>", True) in box.holds("Handled")
    assert len(box.holds()) == 1, "without UIDPLUS it stays, marked as deleted, and is passed by"
    assert fetch() is None
    assert len(taken()) == 2 and len(box.holds("Handled")) == 2


def test_what_takes_long_lets_other_jobs_have_their_turn(fetched: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched.gets(*(mail_of(number) for number in range(3)))
    monkeypatch.setattr(fetching, "MOST_SECONDS", -1)
    job = fetch()
    assert job is not None and job.error is None and job.run_at - now() < timedelta(seconds=2)
    assert len(taken()) == 1, "one at a visit, however slow it is"
    monkeypatch.setattr(fetching, "MOST_SECONDS", 10**6)
    assert fetch() is None
    assert len(taken()) == 3


def test_an_old_server_is_logged_in_to_as_well(app: Flask, box: Box, line: Line) -> None:
    line.hides = (b"STARTTLS", b"AUTH=PLAIN")
    app.config["IMAP_URL"] = box.url(port=line.port)
    text = "The mailbox: this mail server takes a password of plain letters alone (IMAP_URL)"
    assert said(fetch()) == text
    app.config["IMAP_URL"] = box.url(port=line.port).replace(PASSWORD_IN_URL, "canary")
    assert "refused user and password" in said(fetch())


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), mailservers.Unreachable, "there is no host of this name"),
        (TimeoutError("timed out"), mailservers.Lost, "it took too long to answer"),
        (ssl.SSLEOFError(8, "EOF"), mailservers.Lost, "it hung up"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), mailservers.NotEncrypted, "TLS cannot be agreed upon"),
        (OSError(113, "No route to host"), mailservers.Unreachable, "it cannot be reached: No route to host"),
    ],
)  # fmt: skip
def test_why_a_server_is_not_reached_is_said_in_words(error: OSError, kind: type[Exception], words: str) -> None:
    found = reaching.not_reached(error)
    assert type(found) is kind and words in str(found)


def test_a_wrong_password_is_told_without_it(
    app: Flask, box: Box, anonymous: Person, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["IMAP_URL"] = box.url().replace(PASSWORD_IN_URL, "canary%20word")
    text = said(fetch())
    assert text == "The mailbox: the mail server refused user and password of IMAP_URL [AUTHENTICATIONFAILED]"
    assert "canary" not in caplog.text
    assert anonymous.get("/readyz").json["parts"]["mail"] == "not fetched from the mailbox: the page of jobs says why"
    app.config["IMAP_URL"] = box.url(folder="Nowhere")
    assert said(fetch()) == "The mailbox: there is no folder Nowhere"


# --- who listens in ---------------------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_trusts_is_refused_before_the_password(
    app: Flask, box: Box, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.gets(mail_of(1))
    app.config["IMAP_URL"] = box.url(tls=True)
    assert said(fetch()).startswith("The mailbox: its certificate is not trusted: ")
    with monkeypatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificates.authority))
        assert fetch() is None
    assert len(taken()) == 1


@pytest.mark.parametrize("is_trusted", [True, False])
def test_away_from_here_a_connection_is_encrypted_before_the_password(
    app: Flask, box: Box, line: Line, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    monkeypatch.setattr(reaching.Server, "is_here", False)
    line.hides = ()
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    box.gets(mail_of(1))
    app.config["IMAP_URL"] = box.url(port=line.port)
    job = fetch()
    if is_trusted:
        assert job is None and len(taken()) == 1
    else:
        assert "not trusted" in said(job)
    assert b"STARTTLS" in line.sent and b"AUTHENTICATE" not in line.sent and b"LOGIN" not in line.sent


@contextmanager
def a_server(*answers: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Somebody who says these lines, one to each that it hears, and remembers them."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    with near, near.makefile("rb") as lines:
                        near.sendall(answers[0])
                        for answer in answers[1:]:
                            heard.append(line := lines.readline())
                            near.sendall(answer.replace(b"TAG", line.partition(b" ")[0]))
                        while line := lines.readline():
                            heard.append(line)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], heard
        listener.shutdown(socket.SHUT_RDWR)


def test_whoever_offers_no_tls_is_told_no_password(app: Flask, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching.Server, "is_here", False)
    monkeypatch.setattr(imaplib.IMAP4, "logout", lambda self: None)
    capabilities = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK done\r\n"
    with a_server(b"* OK hello\r\n", capabilities) as (port, heard):
        app.config["IMAP_URL"] = box.url(port=port)
        assert said(fetch()) == "The mailbox: the mail server offers no TLS: the password stays here"
    assert len(heard) == 1 and PASSWORD.encode() not in b"".join(heard)


def test_a_server_that_says_nothing_is_left(app: Flask, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpdesk.mailservers.imap.TIMEOUT_SECONDS", 0.2)
    with a_server(b"") as (port, _):
        app.config["IMAP_URL"] = box.url(port=port)
        assert said(fetch()) == "The mailbox: it took too long to answer"
