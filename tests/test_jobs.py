"""The outbox: promised with its cause, done at least once, given up visibly, schedules once however many workers."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, text, update

from helpdesk import jobs
from models import Job, JobState, Schedule, Ticket, begin_write, db, now
from tests.factories import Person, work


@pytest.fixture
def done(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A kind of job that writes down what it was given, and fails while `fail` is asked for."""
    seen: list[dict[str, Any]] = []

    def handler(job: jobs.Claimed) -> None:
        seen.append(job.payload)
        if job.payload.get("fail"):
            raise RuntimeError("as asked")

    monkeypatch.setitem(jobs.HANDLERS, "test", handler)
    return seen


def promise(**payload: Any) -> None:
    begin_write()
    jobs.enqueue("test", payload)
    db.session.commit()


def row() -> Job:
    db.session.rollback()
    return db.session.scalars(select(Job).where(Job.kind == "test")).one()


def test_a_job_is_done_once_and_keeps_nothing_of_what_it_held(done: list[dict[str, Any]]) -> None:
    promise(email="ada@campus.test")
    assert jobs.run_one()
    assert not jobs.run_one()
    assert done == [{"email": "ada@campus.test"}]
    assert (row().state, row().payload, row().attempts) == (JobState.DONE, {}, 1)


def test_a_promise_goes_with_its_cause(done: list[dict[str, Any]]) -> None:
    begin_write()
    jobs.enqueue("test", {})
    db.session.rollback()
    assert not jobs.run_one()
    promise()
    assert jobs.run_one()


def test_what_fails_is_tried_again_later_each_time_and_given_up_visibly(
    app: Flask, done: list[dict[str, Any]], anonymous: Person
) -> None:
    promise(fail=True)
    with time_machine.travel(now(), tick=False) as clock:
        waits = []
        for _ in range(jobs.MAX_ATTEMPTS):
            assert jobs.run_one()
            waits.append((row().run_at - now()).total_seconds())
            assert not jobs.run_one()
            clock.shift(timedelta(seconds=max(waits[-1], 0)))
        assert waits[:-1] == [min(3600, 2.0**n) for n in range(1, jobs.MAX_ATTEMPTS)]
        assert (row().state, row().error) == (JobState.DEAD, "RuntimeError: as asked")
        clock.shift(timedelta(days=1))
        assert not jobs.run_one()
    assert anonymous.get("/readyz").json["parts"]["jobs"] == "1 given up: see flask jobs"
    runner = app.test_cli_runner()
    assert "RuntimeError: as asked" in runner.invoke(args=["jobs"]).output
    assert "no such job" in runner.invoke(args=["jobs", "--retry", "0"]).output
    assert "tried again" in runner.invoke(args=["jobs", "--retry", str(row().id)]).output
    assert jobs.run_one()


def test_a_job_whose_worker_died_falls_due_again(done: list[dict[str, Any]]) -> None:
    promise()
    claimed = jobs.claim()
    assert claimed is not None
    at = 0.0
    watch = jobs.Watch(lambda: at)
    watch.look()
    at = jobs.LEASE_SECONDS - 1
    watch.look()
    assert not jobs.run_one()
    at += 1
    watch.look()
    assert jobs.run_one()
    # the first worker was only slow: what it says comes too late
    jobs._finish(claimed, state=JobState.DEAD)
    assert row().state == JobState.DONE
    assert len(done) == 1


def test_a_job_in_hands_stays_there_however_the_clocks_jump(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """TRUST 26: no double send."""
    monkeypatch.setattr(jobs, "PULSE_SECONDS", 0.01)
    at, ran = 0.0, []
    watch = jobs.Watch(lambda: at)

    def slowly(job: jobs.Claimed) -> None:
        nonlocal at
        ran.append(job.attempts)
        for jump in (timedelta(hours=2), timedelta(days=-1), timedelta()):
            with time_machine.travel(now() + jump):
                jobs.set_right()
                watch.look()
                before = row().run_at
                db.session.rollback()
                deadline = time.monotonic() + 10
                while row().run_at == before and time.monotonic() < deadline:
                    db.session.rollback()
                    time.sleep(0.01)
                db.session.rollback()
                at += jobs.LEASE_SECONDS + 1
                watch.look()
                assert jobs.claim() is None

    monkeypatch.setitem(jobs.HANDLERS, "test", slowly)
    promise()
    assert jobs.run_one()
    assert ran == [1]
    assert row().state == JobState.DONE


def test_a_clock_that_was_set_back_delays_nothing(done: list[dict[str, Any]]) -> None:
    """TRUST 26."""
    promise()
    jobs.run_schedules()
    ahead = dict(db.session.execute(select(Schedule.name, Schedule.next_run_at)).all())
    with time_machine.travel(now() - timedelta(days=1)):
        assert not jobs.run_one()
        jobs.set_right()
        assert jobs.run_one()
        assert len(done) == 1
        jobs.run_schedules()
        soon = dict(db.session.execute(select(Schedule.name, Schedule.next_run_at)).all())
    assert all(soon[name] < ahead[name] for name in ahead)


def test_a_keyed_promise_is_made_once(done: list[dict[str, Any]]) -> None:
    begin_write()
    jobs.enqueue("test", {}, key="only once")
    jobs.enqueue("test", {}, key="only once")
    db.session.commit()
    assert db.session.scalar(select(func.count()).where(Job.key == "only once")) == 1


def test_a_schedule_is_promised_once_however_many_workers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    monkeypatch.setattr(jobs, "SCHEDULES", {"tick": timedelta(hours=1)})
    monkeypatch.setitem(jobs.HANDLERS, "tick", lambda job: ran.append(job.id))

    def worker() -> None:
        with app.app_context():
            jobs.run_schedules()

    def all_at_once() -> None:
        threads = [threading.Thread(target=worker) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    all_at_once()
    all_at_once()
    assert jobs.drain() == 1
    with time_machine.travel(now() + timedelta(hours=1, seconds=1)):
        all_at_once()
        assert jobs.drain() == 1
    assert len(ran) == 2
    db.session.execute(Schedule.__table__.delete().where(Schedule.name == "tick"))
    db.session.commit()


def test_the_worker_works_until_it_is_told_to_stop(app: Flask, done: list[dict[str, Any]]) -> None:
    promise()
    stop = threading.Event()

    def worker() -> None:
        with app.app_context():
            jobs.work(stop, poll_seconds=0.01)

    thread = threading.Thread(target=worker)
    thread.start()
    for _ in range(500):
        if done:
            break
        stop.wait(0.01)
    stop.set()
    thread.join(timeout=10)
    assert len(done) == 1
    assert not thread.is_alive()


def test_resolved_tickets_close_after_fourteen_days_by_themselves(customer: Person, agent: Person) -> None:
    old, young = customer.reports(), customer.reports()
    agent.sets(old, status="resolved")
    with time_machine.travel(now() + timedelta(days=1)):
        agent.signs_in()
        agent.sets(young, status="resolved")
    with time_machine.travel(now() + timedelta(days=14, minutes=1)):
        work()
        agent.signs_in()
        closed = agent.sees(old)
        assert (closed["status"], agent.sees(young)["status"]) == ("closed", "resolved")
        assert closed["closed_at"] > closed["resolved_at"]
        last = agent.get(f"/api/tickets/{old}/events").json["items"][-1]
        assert (last["actor_kind"], last["actor"], last["to_value"]) == ("system", None, "closed")


def test_what_is_over_is_purged(app: Flask, customer: Person) -> None:
    customer.open(
        "POST",
        "/api/tickets",
        json={"title": "Drip", "description": "Drip", "category": "it"},
        headers={"Idempotency-Key": "k"},
    )
    work()
    from models import IdempotencyKey, Session

    with time_machine.travel(now() + timedelta(days=40)):
        db.session.execute(update(Schedule).values(next_run_at=now()))
        db.session.commit()
        work()
        for model in (IdempotencyKey, Session):
            assert db.session.scalar(select(func.count()).select_from(model)) == 0
        left = set(db.session.scalars(select(Job.kind).where(Job.state == JobState.DONE)))
        assert not left & {"announce", "mail"}
        assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1


def test_a_database_that_is_away_is_waited_for(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    stop = threading.Event()
    calls = []

    def away() -> None:
        calls.append(1)
        stop.set()
        raise OperationalError("SELECT 1", {}, Exception("away"))

    monkeypatch.setattr(jobs, "run_schedules", away)
    jobs.work(stop)
    assert calls == [1]


def test_the_planner_is_told_once_a_day_what_there_is(app: Flask, customer: Person) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL does it by itself")
    for _ in range(3):
        customer.reports()
    begin_write()
    db.session.execute(text("DELETE FROM sqlite_stat1"))
    jobs.enqueue("optimize", {})
    db.session.commit()
    work()
    assert db.session.scalar(text("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'tickets'"))
