"""What the worker has to do, for who looks after it: what waits, what was given up, and whether anybody works at all.

A job's payload is never shown: it may hold addresses and the numbers of links. What it is about is taken out of it, and
of an error what may open something.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select, update

from helpdesk import audit, jobs, logs, paging, policy, tickets
from helpdesk.errors import Conflict, NotFound
from helpdesk.policy import Action, Actor
from models import Job, JobState, Rows, Schedule, Worker, db, fetch, now

SILENT_SECONDS = 4 * jobs.HERE_SECONDS
"""Whoever was not heard of for so long is taken for gone."""
_ABOUT = ("ticket_id", "user_id", "image_id", "building_id")
"""What of a payload says what a job is about."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,}|(?<=\+)[a-z2-7]{24}(?=@)", re.IGNORECASE)

# --- reading ----------------------------------------------------------------------------------------------------------

_ORDERS: paging.Order = {"id": (Job.id, Job.id), "created_at": (Job.created_at, Job.id)}


@lru_cache(maxsize=32)
def _listed(names: frozenset[str], after: bool) -> Rows:
    """Newest first: of one state by the index that knows its time, of all by number, which says the same."""
    statement = _jobs()
    if "state" in names:
        statement = statement.where(Job.state == bindparam("state", type_=Job.state.type))
    if "kind" in names:
        statement = statement.where(Job.kind == bindparam("kind"))
    return paging.ordered(statement, _ORDERS, "-created_at" if "state" in names else "-id", after=after)


def _jobs() -> Rows:
    return select(
        Job.id, Job.kind, Job.payload, Job.state, Job.attempts, Job.error, Job.run_at, Job.created_at, Job.done_at,
        Job.request_id,
    )  # fmt: skip


def _shown(row: Any) -> dict[str, Any]:
    """A row of `_jobs` as the contract's job, without its payload."""
    about = next((name for name in _ABOUT if isinstance(row.payload.get(name), int)), None)
    return {
        "id": row.id,
        "kind": row.kind,
        "mail": str(row.payload["kind"]) if row.kind == "mail" and "kind" in row.payload else None,
        "target": f"{about.removesuffix('_id')}:{row.payload[about]}" if about else None,
        "state": row.state,
        "attempts": row.attempts,
        "error": None if row.error is None else without_secrets(row.error),
        "run_at": row.run_at,
        "created_at": row.created_at,
        "done_at": row.done_at,
        "request_id": row.request_id,
    }


def without_secrets(text: str) -> str:
    """An error as it may be shown: what looks like a token, or a password in an address, is left out."""
    text = re.sub(r"://[^/\s:@]*:[^/\s@]*@", "://…@", logs.without_tokens(text))
    return _SECRET.sub("…", text)


def listing(
    actor: Actor, filters: Mapping[str, Any], *, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of jobs, newest first. Raises Forbidden, Invalid."""
    policy.require(actor, Action.JOB_MANAGE)
    names = frozenset(filters)
    found = paging.page(
        lambda after: _listed(names, after), dict(filters), of=f"jobs|{'state' in names}", limit=limit, cursor=cursor
    )
    return [_shown(row) for row in found.rows], found.next_cursor


def show_one(actor: Actor, job_id: int) -> dict[str, Any]:
    """Raises Forbidden, NotFound."""
    policy.require(actor, Action.JOB_MANAGE)
    row = fetch(_jobs().where(Job.id == bindparam("job_id")), {"job_id": job_id}).one_or_none()
    if row is None:
        raise NotFound
    return _shown(row)


@lru_cache(maxsize=1)
def _counted() -> Select[Any]:
    def number(state: JobState) -> Any:
        some = select(Job.id).where(Job.state == state).limit(tickets.COUNTED_UP_TO + 1).subquery()
        return select(func.count()).select_from(some).scalar_subquery().label(state.value)

    due = select(func.min(Job.run_at)).where(Job.state == JobState.READY, Job.run_at <= bindparam("at"))
    return select(
        *(number(state) for state in (JobState.READY, JobState.RUNNING, JobState.DEAD)),
        select(func.max(Worker.seen_at)).scalar_subquery().label("worker_seen_at"),
        due.scalar_subquery().label("oldest_due_at"),
    )


def counts(actor: Actor) -> dict[str, Any]:
    """How many jobs wait, are worked on and were given up; when a worker was last heard of; since when work is due.

    One statement. Raises Forbidden.
    """
    policy.require(actor, Action.JOB_MANAGE)
    row = fetch(_counted(), {"at": now()}).one()
    numbers = {state: tickets.capped(getattr(row, state)) for state in ("ready", "running", "dead")}
    return {**numbers, "worker_seen_at": row.worker_seen_at, "oldest_due_at": row.oldest_due_at}


def is_anybody_there(seen_at: datetime | None) -> bool:
    """Whether a worker that was last heard of then is taken to be at work."""
    return seen_at is not None and now() - seen_at < timedelta(seconds=SILENT_SECONDS)


_given_up = (
    select(Job.kind, func.count().label("number"))
    .where(Job.state == JobState.DEAD)
    .group_by(Job.kind)
    .order_by(Job.kind)
)


def given_up(actor: Actor) -> dict[str, int]:
    """How many jobs of each kind were given up. Raises Forbidden."""
    policy.require(actor, Action.JOB_MANAGE)
    return {row.kind: row.number for row in fetch(_given_up)}


_next_runs = select(Schedule.name, Schedule.next_run_at).order_by(Schedule.next_run_at, Schedule.name)


def schedules(actor: Actor) -> list[tuple[str, datetime, timedelta]]:
    """What recurs, the next first: its kind, when it is promised next, and how often. Raises Forbidden."""
    policy.require(actor, Action.JOB_MANAGE)
    known = jobs.recurring()
    return [(row.name, row.next_run_at, known[row.name]) for row in fetch(_next_runs) if row.name in known]


# --- verbs ------------------------------------------------------------------------------------------------------------


def _take(actor: Actor, job_id: int) -> Job:
    policy.require(actor, Action.JOB_MANAGE)
    job = db.session.get(Job, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFound
    if job.state == JobState.RUNNING:
        raise Conflict("It is being worked on: look again in a moment.")
    if job.state == JobState.DONE:
        raise Conflict("It is done.")
    return job


def retry(actor: Actor, job_id: int) -> None:
    """Let a job that was given up, or waits for its next try, be tried now; given up ones with all tries again.

    It stays the same job, so that what it sends says the same Message-ID: a mail that went out after all is not a
    second one. Raises Forbidden, NotFound, Conflict.
    """
    job = _take(actor, job_id)
    if job.state == JobState.DEAD:
        job.state, job.attempts = JobState.READY, 0
    job.run_at = now()
    _on_record(actor, job, "retried")


def retry_all(actor: Actor, kind: str | None = None) -> int:
    """The same for everything that was given up, or for one kind of it. How many that were. Raises Forbidden."""
    policy.require(actor, Action.JOB_MANAGE)
    dead = update(Job).where(Job.state == JobState.DEAD)
    if kind is not None:
        dead = dead.where(Job.kind == kind)
    again = dead.values(state=JobState.READY, attempts=0, run_at=now())
    number = int(db.session.execute(again).rowcount)  # type: ignore[attr-defined]
    if number:
        audit.record("job.all_retried", actor=actor, count=number, kind=kind or "all")
    return number


def drop(actor: Actor, job_id: int) -> None:
    """Take a promise back: what it would have done does not happen. Raises Forbidden, NotFound, Conflict."""
    job = _take(actor, job_id)
    _on_record(actor, job, "dropped")
    db.session.delete(job)
    db.session.flush()


def _on_record(actor: Actor, job: Job, what: str) -> None:
    shown = _shown(job)
    said = {"kind": shown["mail"] or job.kind, "about": shown["target"]}
    audit.record(
        f"job.{what}", actor=actor, target=f"job:{job.id}", **{name: value for name, value in said.items() if value}
    )
