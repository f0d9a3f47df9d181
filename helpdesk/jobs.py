"""The outbox: work promised in the transaction of its cause, done by `flask work`, at least once, and never forgotten.

A job in hands is `running`, and its worker writes every few seconds that it is at it. Whoever dies leaves a row that
stands still; the others measure that by clocks which nobody sets, and take it over. What fails is tried again, later
each time, and given up visibly (`dead`) after MAX_ATTEMPTS. Effects must bear repetition: a mail has a Message-ID of
its job, a job that promises another gives it a `key`.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Update, and_, delete, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from helpdesk.settings import setting
from models import WRITE, Job, JobState, Schedule, Worker, begin_write, db, fetch, now

log = logging.getLogger(__name__)

PULSE_SECONDS, LEASE_SECONDS = 5, 30
"""How often a worker says that it is at a job, and how long silence is taken for its death."""
MAX_ATTEMPTS = 30
"""With an hour between the later ones, more than a night: a mail server may be down that long."""
LONGEST_WAIT_SECONDS = 3600
NOT_YET_SECONDS = 60
HERE_SECONDS = 15
"""How often a worker says that it is there, whether or not it has anything to do."""
SLACK = timedelta(minutes=5)
"""Between the clocks of several machines."""
KEEP_DONE_DAYS = 14


@dataclass(frozen=True)
class Claimed:
    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int
    request_id: str | None
    created_at: datetime


class GiveUp(Exception):
    """Raised by a handler that knows that trying again would not help."""


class NothingToDo(Exception):
    """Raised by a handler to say why nothing is left to do: the job is done, and keeps the reason."""


class NotYet(Exception):
    """Raised by a handler that cannot work before something outside has changed: the job waits and is not given up."""

    def __init__(self, text: str, seconds: float = NOT_YET_SECONDS) -> None:
        super().__init__(text)
        self.seconds = seconds


Handler = Callable[[Claimed], None]
HANDLERS: dict[str, Handler] = {}
SCHEDULES: dict[str, timedelta] = {}
NEEDS: dict[str, str] = {}
RESTS: list[Callable[[], None]] = []
"""What a worker does whenever there is nothing to do, such as closing what it kept open."""


def handles(kind: str, *, every: timedelta | None = None, needs: str | None = None) -> Callable[[Handler], Handler]:
    """Name the function that does jobs of this kind; with `every`, promise one that often, where a setting is set.

    It is called outside any transaction and commits what it writes.
    """

    def register(function: Handler) -> Handler:
        HANDLERS[kind] = function
        if every is not None:
            SCHEDULES[kind] = every
        if needs is not None:
            NEEDS[kind] = needs
        return function

    return register


def insert_ignore(model: Any, **values: Any) -> bool:
    """INSERT unless a unique key is taken. Says whether it did."""
    make = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    insert = make(model).values(**values).on_conflict_do_nothing()
    # asked for by what came back: the number of rows is not told on PostgreSQL
    return db.session.execute(insert.returning(*model.__table__.primary_key.columns)).first() is not None


def enqueue(
    kind: str,
    payload: dict[str, Any],
    *,
    request_id: str | None = None,
    delay: timedelta = timedelta(),
    key: str | None = None,
) -> None:
    """Promise a job in the current transaction. With a `key`, once only."""
    values = {"kind": kind, "payload": payload, "request_id": request_id, "run_at": now() + delay}
    if key is None:
        db.session.add(Job(**values))
    else:
        insert_ignore(Job, key=key, **values)


def is_promised(key: str) -> bool:
    """Whether there was a job with this key, done or not; for KEEP_DONE_DAYS after it was done."""
    return db.session.scalar(select(Job.id).where(Job.key == key)) is not None


def key_of(job: Claimed) -> str:
    """The key of the one job that this one promises."""
    return f"of:{job.id}"


def has_promised(job: Claimed) -> bool:
    """Whether the job promised what it promises before: its worker died after that commit, and this is a repetition."""
    return is_promised(key_of(job))


def claim() -> Claimed | None:
    """Take the job that is due longest, on any number of workers, and commit that it is taken."""
    begin_write()
    at = now()
    due = (
        select(Job.id)
        .where(Job.state == JobState.READY, Job.run_at <= at)
        .order_by(Job.run_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = db.session.execute(
        update(Job)
        .where(Job.id == due.scalar_subquery())
        .values(state=JobState.RUNNING, run_at=at, attempts=Job.attempts + 1)
        .returning(Job.id, Job.kind, Job.payload, Job.attempts, Job.request_id, Job.created_at)
    ).one_or_none()
    db.session.commit()
    return None if row is None else Claimed(*row)


def run_one() -> bool:
    """Do one job that is due. Says whether there was one."""
    job = claim()
    if job is None:
        return False
    if job.attempts > MAX_ATTEMPTS:  # it never came to an end: perhaps it kills its worker
        _give_up(job, "never came to an end")
        return True
    try:
        with _pulse(job):
            HANDLERS[job.kind](job)
    except NotYet as error:
        db.session.rollback()
        run_at = now() + timedelta(seconds=error.seconds)
        _finish(job, state=JobState.READY, run_at=run_at, attempts=job.attempts - 1, error=str(error))
    except NothingToDo as error:
        db.session.rollback()
        _finish(job, state=JobState.DONE, done_at=now(), error=str(error), payload={})
    except GiveUp as error:
        db.session.rollback()
        _give_up(job, str(error))
    except Exception as error:
        db.session.rollback()
        _failed(job, error)
    else:
        # what was done needs no addresses any more
        _finish(job, state=JobState.DONE, done_at=now(), error=None, payload={})
    return True


def _failed(job: Claimed, error: Exception) -> None:
    reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:500]
    if job.attempts >= MAX_ATTEMPTS:
        _give_up(job, reason)
    else:
        wait = timedelta(seconds=min(LONGEST_WAIT_SECONDS, 2**job.attempts))
        log.warning("job failed", exc_info=True, extra={"job": job.id, "kind": job.kind, "attempts": job.attempts})
        _finish(job, state=JobState.READY, run_at=now() + wait, error=reason)


def _give_up(job: Claimed, reason: str) -> None:
    log.error("job given up", extra={"job": job.id, "kind": job.kind, "reason": reason})
    _finish(job, state=JobState.DEAD, error=reason)


def _finish(job: Claimed, **values: Any) -> None:
    """Write how it went, unless it was taken over in the meantime."""
    begin_write()
    db.session.execute(_in_hands(job).values(**values))
    db.session.commit()


def _in_hands(job: Claimed) -> Update:
    return update(Job).where(Job.id == job.id, Job.attempts == job.attempts, Job.state == JobState.RUNNING)


@contextmanager
def _pulse(job: Claimed) -> Iterator[None]:
    """Say every few seconds that it is being worked on, beside whoever works on it."""
    engine, done = db.engine, threading.Event()

    def beat() -> None:
        while not done.wait(PULSE_SECONDS):
            try:
                with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
                    connection.execute(_in_hands(job).values(run_at=now()))
            except SQLAlchemyError:
                log.warning("the database does not answer", exc_info=True)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class Watch:
    """Looks after jobs in others' hands. What stood still for LEASE_SECONDS of its own clock is there to be taken."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.seen: dict[tuple[int, datetime], float] = {}

    def look(self) -> None:
        at = self.clock()
        running = select(Job.id, Job.run_at).where(Job.state == JobState.RUNNING)
        self.seen = {(row.id, row.run_at): self.seen.get((row.id, row.run_at), at) for row in fetch(running)}
        db.session.rollback()
        for (job_id, run_at), since in self.seen.items():
            if at - since >= LEASE_SECONDS:
                begin_write()
                same = update(Job).where(Job.id == job_id, Job.run_at == run_at, Job.state == JobState.RUNNING)
                db.session.execute(same.values(state=JobState.READY, run_at=now()))
                db.session.commit()


def set_right() -> None:
    """What waits for a time that a clock set back made distant is due."""
    at = now()
    never_tried = and_(Job.attempts == 0, Job.created_at > at + SLACK)
    tried = and_(Job.attempts > 0, Job.run_at > at + timedelta(seconds=2 * LONGEST_WAIT_SECONDS))
    late = select(Job.id).where(Job.state == JobState.READY, Job.run_at > at, or_(never_tried, tried))
    ids = [row.id for row in fetch(late)]
    db.session.rollback()
    if ids:
        begin_write()
        db.session.execute(update(Job).where(Job.id.in_(ids), Job.state == JobState.READY).values(run_at=at))
        db.session.commit()


def recurring() -> dict[str, timedelta]:
    """What recurs here, and how often."""
    return {name: every for name, every in SCHEDULES.items() if name not in NEEDS or setting(NEEDS[name])}


def run_schedules() -> None:
    """Promise what recurs and is due. Moving the date is compare-and-set: once, however many workers there are."""
    at = now()
    known = {row.name: row.next_run_at for row in db.session.execute(select(Schedule.name, Schedule.next_run_at))}
    # a date further off than a period was written before the clock was set back
    due = [
        name for name, every in recurring().items() if name not in known or not at < known[name] <= at + every + SLACK
    ]
    db.session.rollback()
    for name in due:
        begin_write()
        next_run_at = at + SCHEDULES[name]
        if name not in known:
            mine = insert_ignore(Schedule, name=name, next_run_at=next_run_at)
        else:
            moved = update(Schedule).where(Schedule.name == name, Schedule.next_run_at == known[name])
            mine = bool(db.session.execute(moved.values(next_run_at=next_run_at)).rowcount)  # type: ignore[attr-defined]
        if mine:
            enqueue(name, {})
        db.session.commit()


def drain() -> int:
    """Do everything that is due, schedules included, and say how many jobs that was."""
    run_schedules()
    done = 0
    while run_one():
        done += 1
    for rest in RESTS:
        rest()
    return done


def work(stop: threading.Event, poll_seconds: float = 0.5) -> None:
    """Work until told to stop. A database that is away is waited for."""
    watch, next_look, next_sign = Watch(), 0.0, 0.0
    me = f"{socket.gethostname()[:48]}:{os.getpid()}"
    while not stop.is_set():
        try:
            if time.monotonic() >= next_look:
                set_right()
                run_schedules()
                watch.look()
                next_look = time.monotonic() + PULSE_SECONDS
            if time.monotonic() >= next_sign:
                say_here(me)
                next_sign = time.monotonic() + HERE_SECONDS
            if not run_one():
                for rest in RESTS:
                    rest()
                stop.wait(poll_seconds)
        except SQLAlchemyError:
            log.warning("the database does not answer", exc_info=True)
            stop.wait(2)
        finally:
            db.session.remove()
    try:
        say_gone(me)
    except SQLAlchemyError:
        log.warning("the database does not answer", exc_info=True)
    finally:
        db.session.remove()


def say_here(worker: str) -> None:
    """Write that a worker is there."""
    begin_write()
    if not insert_ignore(Worker, name=worker):
        db.session.execute(update(Worker).where(Worker.name == worker).values(seen_at=now()))
    db.session.commit()


def say_gone(worker: str) -> None:
    """It stopped as it was told: nobody need miss it."""
    begin_write()
    db.session.execute(delete(Worker).where(Worker.name == worker))
    db.session.commit()


@handles("purge_jobs", every=timedelta(days=1))
def purge_jobs(job: Claimed) -> None:
    """Forget what was done long ago. What was given up stays until somebody has seen to it."""
    begin_write()
    db.session.execute(
        delete(Job).where(Job.state == JobState.DONE, Job.created_at < now() - timedelta(days=KEEP_DONE_DAYS))
    )
    often = [name for name, every in SCHEDULES.items() if every < timedelta(minutes=1)]
    db.session.execute(  # thousands a day, of which nobody learns anything
        delete(Job).where(Job.state == JobState.DONE, Job.kind.in_(often), Job.created_at < now() - timedelta(days=1))
    )
    db.session.execute(delete(Worker).where(Worker.seen_at < now() - timedelta(days=KEEP_DONE_DAYS)))
    db.session.commit()


@handles("optimize", every=timedelta(days=1))
def optimize(job: Claimed) -> None:
    """Let SQLite's planner look at what its tables hold by now; PostgreSQL's does so by itself."""
    if db.session.get_bind().dialect.name == "sqlite":
        begin_write()
        db.session.execute(text("PRAGMA analysis_limit = 1000"))  # rows of each index: a moment at any size
        db.session.execute(text("ANALYZE"))
        db.session.commit()
