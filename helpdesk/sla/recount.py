"""Unfinished tickets get the due dates of policies that were changed: in the background, batch by batch.

Each batch and how far it came are one transaction, so that another worker goes on where one died. A newer change starts
over, and the older one has nothing to do any more.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

from sqlalchemy import bindparam, func, select, update

from helpdesk import jobs
from helpdesk.policy import Actor
from helpdesk.sla.book import Book
from helpdesk.sla.clocks import repick
from helpdesk.sla.history import pauses_of
from helpdesk.sla.watch import RUNNING
from models import SlaRecount, Status, Ticket, begin_write, db, now

BATCH = 500
_UNFINISHED = (*RUNNING, Status.WAITING)
_SET = (
    "sla_policy_id", "paused_seconds", "first_response_due_at", "first_response_soon_at", "resolution_due_at",
    "resolution_soon_at", "due_at", "response_breached_at", "resolution_breached_at",
)  # fmt: skip
_READ = (*_SET, "id", "status", "held", "priority", "category_id", "team_id", "created_at", "first_response_at")
_write = (
    update(Ticket.__table__)  # type: ignore[arg-type]
    .where(Ticket.__table__.c.id == bindparam("number"))
    .values({name: bindparam(f"new_{name}") for name in _SET})
)


def begin(actor: Actor) -> SlaRecount:
    """Promise it, in the transaction of the change."""
    db.session.flush()
    Book.forget()
    db.session.execute(update(SlaRecount).where(SlaRecount.finished_at.is_(None)).values(finished_at=now()))
    unfinished = select(func.count()).select_from(Ticket).where(Ticket.status.in_(_UNFINISHED))
    row = SlaRecount(actor_id=actor.id, total=db.session.scalar(unfinished) or 0)
    db.session.add(row)
    db.session.flush()
    jobs.enqueue("recount_due", {"recount_id": row.id}, request_id=actor.request_id, key=f"recount:{row.id}")
    return row


@jobs.handles("recount_due")
def recount(job: jobs.Claimed) -> None:
    while batch(job.payload["recount_id"]):
        pass


def batch(recount_id: int) -> bool:
    """The next BATCH of tickets; commits. Says whether there may be more."""
    begin_write()
    row = db.session.get(SlaRecount, recount_id, with_for_update=True, populate_existing=True)
    if row is None or row.finished_at is not None:
        db.session.rollback()
        return False
    book, at = Book.load(), now()
    wanted = (
        select(*(getattr(Ticket, name) for name in _READ))
        # what was reported since as well: until the change was committed it was given the dates of before
        .where(Ticket.id > row.last_ticket_id, Ticket.status.in_(_UNFINISHED))
        .order_by(Ticket.id)
        .limit(BATCH)
        .with_for_update(key_share=True)
    )
    found = [SimpleNamespace(**one._mapping) for one in db.session.execute(wanted)]
    changed = _recounted(found, book, at)
    if changed:
        db.session.connection().execute(_write, changed)
    row.done += len(found)
    row.changed += sum(one.moved for one in found)
    if len(found) < BATCH:
        row.finished_at, row.total = at, row.done
    else:
        row.last_ticket_id = found[-1].id
    db.session.commit()
    return len(found) == BATCH


def _recounted(found: list[Any], book: Book, at: Any) -> list[dict[str, Any]]:
    """What is to be written of those in which something changed. What is late by it is marked, and nobody is told."""
    pauses = pauses_of([one.id for one in found])
    values = []
    for one in found:
        before = [getattr(one, name) for name in _SET]
        one.moved = repick(one, book, partial(pauses.__getitem__, one.id))
        if one.status in RUNNING and not one.held:
            if one.first_response_at is None and one.first_response_due_at <= at:
                one.response_breached_at = one.response_breached_at or at
            if one.resolution_due_at <= at:
                one.resolution_breached_at = one.resolution_breached_at or at
        if before != [getattr(one, name) for name in _SET]:
            values.append({"number": one.id, **{f"new_{name}": getattr(one, name) for name in _SET}})
    return values


def progress() -> dict[str, Any]:
    """How far the newest has come."""
    row = db.session.scalar(select(SlaRecount).order_by(SlaRecount.id.desc()).limit(1))
    if row is None:
        return {
            "is_running": False, "total": 0, "done": 0, "changed": 0, "started_at": None, "finished_at": None,
        }  # fmt: skip
    return {
        "is_running": row.finished_at is None,
        "total": max(row.total, row.done),
        "done": row.done,
        "changed": row.changed,
        "started_at": row.created_at,
        "finished_at": row.finished_at,
    }
