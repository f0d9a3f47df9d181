"""What the worker has to do, at the API and on the page: seen, tried again, dropped; and whether anybody works."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from helpdesk import jobs, mail, mailservers, outbox
from models import Job, JobState, Worker, begin_write, db, now
from tests.conftest import statements
from tests.doors import recorded
from tests.factories import Person, work
from tests.pages import Page, Reader

JOBS = "/staff/admin/jobs"
API = "/api/jobs"


@pytest.fixture
def desk(app: Flask, admin: Person) -> Reader:
    """Ada Byron, an admin, at her browser."""
    work()
    return Reader(app, admin)


def promised(state: JobState = JobState.DEAD, kind: str = "index_tickets", **fields: Any) -> int:
    values: dict[str, Any] = {"payload": {}, "attempts": 30, "error": "RuntimeError: as asked", **fields}
    begin_write()
    job = Job(kind=kind, state=state, **values)
    db.session.add(job)
    db.session.commit()
    return job.id


def row(job_id: int) -> Job | None:
    db.session.remove()
    return db.session.get(Job, job_id)


def state_of(job_id: int) -> tuple[JobState, int]:
    found = row(job_id)
    assert found is not None
    return found.state, found.attempts


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_what_was_given_up_stands_first_with_its_reason(desk: Reader) -> None:
    promised(
        kind="mail", payload={"kind": "invitation", "token_id": 77, "user_id": 5}, error="SMTPRefused: " + "x " * 90
    )
    promised(JobState.READY, "make_image", attempts=0, error=None)
    page = desk.reads(JOBS)
    assert page.says("1 given up")
    assert page.says("Mail: invitation")
    assert page.says("Person 5")
    assert page.says("SMTPRefused")
    assert not page.says("Prepare a photo Promised")
    assert desk.reads(f"{JOBS}?state=ready").says("Prepare a photo")
    assert desk.reads(f"{JOBS}?state=running").says("Nothing is being worked on")
    assert desk.reads(f"{JOBS}?state=nonsense").says("This is what was given up")


def test_nothing_a_job_carries_is_shown(admin: Person, desk: Reader) -> None:
    secret = "k" * 43
    number = promised(
        kind="mail",
        payload={"kind": "new_address", "to": "secret@elsewhere.test", "token_id": 4711, "user_id": 5, "password": "p"},
        error=f"OSError: smtp://user:hunter2@mail.test said {secret} to /account/{secret}",
    )
    for path in (f"{API}/{number}", f"{API}?state=dead", f"{JOBS}/{number}", JOBS):
        text = (admin if path.startswith("/api") else desk).get(path).get_data(as_text=True)
        assert "OSError" in text
        for word in ("secret@elsewhere", "4711", "hunter2", secret):
            assert word not in text, (path, word)
    shown = admin.get(f"{API}/{number}").json
    assert (shown["kind"], shown["mail"], shown["target"], shown["state"]) == ("mail", "new_address", "user:5", "dead")


def test_jobs_are_listed_page_by_page_and_by_state_and_kind(admin: Person) -> None:
    work()
    dead = [promised(kind="mail" if number % 2 else "make_image") for number in range(6)]
    waiting = promised(JobState.READY, attempts=0)
    for query, expected in {
        "state=dead": dead[::-1],
        "state=dead&kind=mail": dead[::-2],
        "state=ready&kind=index_tickets": [waiting],
        "kind=make_image": dead[-2::-2],
    }.items():
        seen: list[int] = []
        path = f"{API}?{query}&limit=2"
        while path:
            answer = admin.get(path)
            seen += [job["id"] for job in answer.json["items"]]
            path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
        assert seen == expected, query
    assert admin.get(f"{API}?state=lost").status_code == admin.get(f"{API}?kind=drop+table").status_code == 422


def test_the_jobs_page_takes_eight_statements_however_many_there_are(desk: Reader) -> None:
    numbers = []
    for _ in range(2):
        with statements() as seen:
            desk.reads(JOBS)
        numbers.append(len(seen))
        for _ in range(10):
            promised(kind="mail", payload={"kind": "reset", "user_id": 1})
    assert numbers == [8, 8]


def test_only_admins_look_after_jobs(admin: Person, agent: Person, customer: Person) -> None:
    number = promised()
    for person in (agent, customer):
        assert person.get(API).status_code == person.get(f"{API}/{number}").status_code == 403
        assert person.post(f"{API}/{number}/retry").status_code == person.delete(f"{API}/{number}").status_code == 403
        assert person.post(f"{API}/retry", {}).status_code == 403
    assert state_of(number) == (JobState.DEAD, 30)
    assert admin.post(f"{API}/{number}/retry").status_code == 200


# --- trying again and dropping ----------------------------------------------------------------------------------------


def test_what_was_given_up_is_tried_again_with_all_its_tries(desk: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setitem(jobs.HANDLERS, "test", lambda job: done.append(job.id))
    number = promised(kind="test")
    led = desk.is_led(desk.sends(desk.reads(JOBS).form_to(f"{JOBS}/{number}/retry")))
    assert led.says("It is tried again")
    assert state_of(number) == (JobState.READY, 0)
    work()
    assert done == [number]
    assert state_of(number) == (JobState.DONE, 1)
    [event] = recorded("job.retried")
    assert (event.area, event.target, event.detail) == ("jobs", f"job:{number}", {"kind": "test"})


def test_one_that_waits_for_its_next_try_is_tried_now(admin: Person) -> None:
    number = promised(JobState.READY, attempts=7, run_at=now() + timedelta(hours=1))
    shown = admin.post(f"{API}/{number}/retry").json
    assert (shown["state"], shown["attempts"]) == ("ready", 7)
    found = row(number)
    assert found is not None
    assert found.run_at <= now()


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.DONE])
def test_what_is_worked_on_or_done_is_left_alone(desk: Reader, admin: Person, state: JobState) -> None:
    number = promised(state)
    assert admin.post(f"{API}/{number}/retry").status_code == admin.delete(f"{API}/{number}").status_code == 409
    for what in ("retry", "drop"):
        response = desk.open("POST", f"{JOBS}/{number}/{what}", data={"key": "a" * 32})
        assert response.status_code == 409
        assert Page(response).says("done" if state == JobState.DONE else "worked on")
    assert state_of(number) == (state, 30)
    assert not recorded("job.retried")


def test_all_of_a_kind_or_all_are_tried_again(desk: Reader, admin: Person) -> None:
    mails = [promised(kind="mail", payload={"kind": "reset", "user_id": 1, "token_id": 1}) for _ in range(3)]
    other = promised(kind="make_image", payload={"image_id": 1})
    waiting = promised(JobState.READY, attempts=3)
    assert admin.post(f"{API}/retry", {"kind": "mail"}).json == {"count": 3}
    assert [state_of(number)[0] for number in (*mails, other)] == [JobState.READY] * 3 + [JobState.DEAD]
    page = desk.reads(JOBS)
    assert desk.is_led(desk.sends(page.form_to(f"{JOBS}/retry", button="All"))).says("1 job is tried again")
    assert state_of(other) == (JobState.READY, 0)
    assert state_of(waiting) == (JobState.READY, 3)
    assert [event.detail for event in recorded("job.all_retried")] == [
        {"count": 3, "kind": "mail"}, {"count": 1, "kind": "all"},
    ]  # fmt: skip
    assert admin.post(f"{API}/retry", {}).json == {"count": 0}
    assert len(recorded("job.all_retried")) == 2, "where nothing was tried, nothing is on record"


def test_a_job_is_dropped_once_it_was_asked(desk: Reader) -> None:
    number = promised(kind="make_image", payload={"image_id": 12})
    page = desk.reads(f"{JOBS}/{number}")
    assert page.says("Drop this job? What it promised does not happen")
    assert row(number) is not None
    assert desk.is_led(desk.sends(page.form_to(f"{JOBS}/{number}/drop"))).says("The job is dropped")
    assert row(number) is None
    desk.reads(f"{JOBS}/{number}", 404)
    [event] = recorded("job.dropped")
    assert event.detail == {"kind": "make_image", "about": "image:12"}


def test_a_mail_that_is_tried_again_is_the_same_mail(
    app: Flask, admin: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TRUST 20: its worker may have died after the mail server had it. Whoever gets both sees one Message-ID."""
    work()
    sent: list[str] = []
    refuse = [True]

    def hand_over(message: Any, *rest: Any) -> None:
        sent.append(str(message["Message-ID"]))
        if refuse[0]:
            raise OSError("the line went dead")

    app.config["SMTP_URL"] = "smtp://mail.test"
    monkeypatch.setattr(mailservers, "hand_over", hand_over)
    monkeypatch.setattr(jobs, "MAX_ATTEMPTS", 1)
    try:
        assert admin.post(f"/api/users/{customer.id}/password-link").status_code == 202
        work()
        job = db.session.scalars(select(Job).where(Job.kind == "mail", Job.state == JobState.DEAD)).one()
        refuse[0] = False
        assert admin.post(f"{API}/{job.id}/retry").status_code == 200
        work()
    finally:
        app.config["SMTP_URL"] = ""
    assert len(sent) == 2
    assert len(set(sent)) == 1
    assert state_of(job.id)[0] == JobState.DONE
    assert work() == 0


# --- who works --------------------------------------------------------------------------------------------------------


def test_a_worker_says_that_it_is_there_and_when_it_goes(
    app: Flask, desk: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.reads(JOBS).says("No worker was ever heard of")
    stop = threading.Event()

    def worker() -> None:
        with app.app_context():
            jobs.work(stop, poll_seconds=0.01)

    thread = threading.Thread(target=worker)
    thread.start()
    for _ in range(500):
        db.session.rollback()
        if db.session.scalar(select(Worker.name)):
            break
        stop.wait(0.01)
    assert desk.reads(JOBS).says("The worker is at work")
    stop.set()
    thread.join(timeout=10)
    db.session.rollback()
    assert db.session.scalar(select(Worker.name)) is None


def test_a_worker_that_was_not_heard_of_is_missed_and_work_that_is_due_named(desk: Reader, admin: Person) -> None:
    promised(JobState.READY, attempts=0, run_at=now() - timedelta(minutes=5))
    jobs.say_here("host:1")
    assert desk.reads(JOBS).says("The worker is at work")
    begin_write()
    db.session.execute(update(Worker).values(seen_at=now() - timedelta(seconds=outbox.SILENT_SECONDS + 1)))
    db.session.commit()
    page = desk.reads(JOBS)
    assert page.says("No worker has been heard of since")
    assert page.says("Work is due since")
    counts = admin.get(f"{API}/counts").json
    assert counts["worker_seen_at"] < counts["oldest_due_at"] or counts["oldest_due_at"]
    jobs.say_here("host:1")
    assert desk.reads(JOBS).says("The worker is at work"), "one row for each, however often it says so"


def test_what_recurs_is_listed_with_when_it_is_due_next(desk: Reader) -> None:
    page = desk.reads(JOBS)
    assert page.says("Close what was resolved long ago every 15 minutes")
    assert page.says("Forget old drafts every day")


def test_every_kind_of_job_has_words(app: Flask) -> None:
    from blueprints.staff.jobs import KINDS, MAILS

    assert {kind for kind in jobs.HANDLERS if kind != "test"} <= KINDS.keys()
    assert mail.MAILS.keys() <= MAILS.keys()


def test_a_worker_that_died_is_forgotten(app: Flask) -> None:
    jobs.say_here("gone:1")
    with time_machine.travel(now() + timedelta(days=40)):
        work()
        assert db.session.scalar(select(Worker.name)) is None


def test_an_address_that_lets_its_reader_write_is_in_no_error() -> None:
    said = "SMTPSenderRefused: (550, b'not allowed', 'helpdesk+aaaaaaacna6wubh32sk6kngx@campus.test')"
    assert "aaaaaaacna6wubh32sk6kngx" not in outbox.without_secrets(said)
    assert "550" in outbox.without_secrets(said)
