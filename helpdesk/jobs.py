"""The outbox: work promised in the transaction of its cause, done by `flask work`, at least once, and never forgotten.

A job is claimed by pushing its `run_at` a lease ahead: whoever dies with it in hands leaves a row that falls due again.
What fails is tried again, later each time, and given up visibly (`dead`) after MAX_ATTEMPTS. Effects must bear
repetition: a mail has a Message-ID made of its job, a job that promises others gives them a `key`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from models import Job, JobState, Schedule, begin_write, db, now

log = logging.getLogger(__name__)

LEASE_SECONDS = 300
"""Longer than a handler takes: a mail server that does not answer is given up after 30 seconds a step."""
MAX_ATTEMPTS = 30
"""With an hour between the later ones, more than a night: a mail server may be down that long."""
NOT_YET_SECONDS = 60
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


class NotYet(Exception):
    """Raised by a handler that cannot work before somebody changed something: the job waits and is not given up."""


Handler = Callable[[Claimed], None]
HANDLERS: dict[str, Handler] = {}
SCHEDULES: dict[str, timedelta] = {}


def handles(kind: str, *, every: timedelta | None = None) -> Callable[[Handler], Handler]:
    """Name the function that does jobs of this kind; with `every`, promise one that often.

    It is called outside any transaction and commits what it writes.
    """

    def register(function: Handler) -> Handler:
        HANDLERS[kind] = function
        if every is not None:
            SCHEDULES[kind] = every
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
        .values(run_at=at + timedelta(seconds=LEASE_SECONDS), attempts=Job.attempts + 1)
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
        HANDLERS[job.kind](job)
    except NotYet as error:
        db.session.rollback()
        run_at = now() + timedelta(seconds=NOT_YET_SECONDS)
        _finish(job, run_at=run_at, attempts=job.attempts - 1, error=str(error))
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
        wait = timedelta(seconds=min(3600, 2**job.attempts))
        log.warning("job failed", exc_info=True, extra={"job": job.id, "kind": job.kind, "attempts": job.attempts})
        _finish(job, run_at=now() + wait, error=reason)


def _give_up(job: Claimed, reason: str) -> None:
    log.error("job given up", extra={"job": job.id, "kind": job.kind, "reason": reason})
    _finish(job, state=JobState.DEAD, error=reason)


def _finish(job: Claimed, **values: Any) -> None:
    """Write how it went, unless the lease ran out and somebody else has the job now."""
    begin_write()
    db.session.execute(update(Job).where(Job.id == job.id, Job.attempts == job.attempts).values(**values))
    db.session.commit()


def run_schedules() -> None:
    """Promise what recurs and is due. Moving the date is compare-and-set: once, however many workers there are."""
    at = now()
    known = {row.name: row.next_run_at for row in db.session.execute(select(Schedule.name, Schedule.next_run_at))}
    due = [name for name in SCHEDULES if name not in known or known[name] <= at]
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
    return done


def work(stop: threading.Event, poll_seconds: float = 0.5) -> None:
    """Work until told to stop. A database that is away is waited for."""
    next_schedules = 0.0
    while not stop.is_set():
        try:
            if time.monotonic() >= next_schedules:
                run_schedules()
                next_schedules = time.monotonic() + 5
            if not run_one():
                stop.wait(poll_seconds)
        except SQLAlchemyError:
            log.warning("the database does not answer", exc_info=True)
            stop.wait(2)
        finally:
            db.session.remove()


@handles("purge_jobs", every=timedelta(days=1))
def purge_jobs(job: Claimed) -> None:
    """Forget what was done long ago. What was given up stays until somebody has seen to it."""
    begin_write()
    db.session.execute(
        delete(Job).where(Job.state == JobState.DONE, Job.created_at < now() - timedelta(days=KEEP_DONE_DAYS))
    )
    db.session.commit()
