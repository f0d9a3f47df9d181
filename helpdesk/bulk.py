"""Many tickets changed at once, each as a deed of its own, and half a minute to take it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, delete, select, update

from helpdesk import events, jobs, policy, tickets
from helpdesk.errors import Conflict, HelpdeskError, Invalid, NotFound, Stale
from helpdesk.policy import Action, Actor
from models import BulkEdit, Job, JobState, Ticket, begin_write, db, now

UNDO_FOR = timedelta(seconds=30)
"""So long it can be taken back, and so long nobody is mailed of it."""
KEPT_FOR = timedelta(days=1)
REFUSALS = (Conflict, Invalid, NotFound, Stale)
"""What one ticket is refused for while the others are changed."""


def edit(actor: Actor, ids: Iterable[int], changes: Mapping[str, Any]) -> BulkEdit:
    """Change each of these tickets, those that can be: the others are told with their reason.

    Raises Forbidden; Invalid for what no ticket could become.
    """
    policy.require(actor, Action.TICKET_TRIAGE)
    _check(changes)
    wanted = sorted(set(ids))
    found, entries = policy.take_tickets(actor, wanted), []
    tags = tickets.tags_of(list(found))
    for number in wanted:
        entry: dict[str, Any] = {"id": number}
        try:
            if number not in found:
                raise NotFound
            with db.session.begin_nested():
                entry |= _change(actor, found[number], changes, tags.get(number, []))
        except REFUSALS as no:
            entry["refused"] = _reason(no)
        entries.append(entry)
    done = BulkEdit(actor_id=actor.id, changes=entries, created_at=now())
    db.session.add(done)
    db.session.flush()
    waiting = _announced(entry["deed"] for entry in entries if "deed" in entry)
    db.session.execute(waiting.values(run_at=done.created_at + UNDO_FOR).execution_options(synchronize_session=False))
    return done


def _check(changes: Mapping[str, Any]) -> None:
    """What would be refused for every ticket alike. Raises Invalid."""
    tickets.staff_member(changes.get("assignee_id"))
    tickets.check_choices(changes)


def _reason(no: HelpdeskError) -> dict[str, Any]:
    detail = no.detail
    if isinstance(no, Invalid):
        detail = " ".join(message for messages in no.errors.values() for message in messages)
    return {"title": no.title, "detail": detail}


def _change(actor: Actor, ticket: Ticket, changes: Mapping[str, Any], tags: Sequence[str]) -> dict[str, Any]:
    """The deed, and what of it can be taken back. Raises one of REFUSALS."""
    wish = {name: value for name, value in changes.items() if name not in ("add_tags", "remove_tags")}
    if changes.keys() & {"add_tags", "remove_tags"}:
        wish["tags"] = sorted({*tags, *changes.get("add_tags", ())} - {*changes.get("remove_tags", ())})
    before, deed_id, version = tickets.as_it_is(ticket, tags), events.new_deed(), ticket.version
    tickets.edit(actor, ticket, wish, deed_id=deed_id, asks=False)
    db.session.flush()
    if ticket.version == version:
        return {}
    # whose access ended with this, and not who leaves or is taken out afterwards
    before["joined"] = tickets.shut_out(ticket, before["joined"])
    return {"version": ticket.version, "deed": deed_id, "before": before}


def _announced(deeds: Iterable[str]) -> Any:
    """The jobs that will tell people of these deeds, and have not yet."""
    of_these = Job.payload["deed_id"].as_string().in_(list(deeds))
    return update(Job).where(Job.kind == "announce", Job.state == JobState.READY, of_these)


def undo(actor: Actor, edit_id: int) -> BulkEdit:
    """Put back what one changed, ticket by ticket, where nobody changed it since. Raises NotFound; Conflict for the
    second time, and after UNDO_FOR."""
    policy.require(actor, Action.TICKET_TRIAGE)
    wanted = select(BulkEdit).where(BulkEdit.id == edit_id, BulkEdit.actor_id == actor.id)
    done = db.session.scalars(wanted.with_for_update()).one_or_none()
    if done is None:
        raise NotFound
    if done.undone_at is not None:
        raise Conflict("It was undone already.")
    if now() > done.created_at + UNDO_FOR:
        raise Conflict(f"It can be undone for {UNDO_FOR.seconds} seconds.")
    changed = {entry["id"]: entry for entry in done.changes if "version" in entry}
    found, deeds, entries = policy.take_tickets(actor, changed), [], []
    for entry in done.changes:
        if entry["id"] in changed:
            entry, deed_id = dict(entry), events.new_deed()
            try:
                with db.session.begin_nested():
                    _put_back(actor, found.get(entry["id"]), entry, deed_id)
                entry["undone"] = True
                deeds += [entry["deed"], deed_id]
            except REFUSALS as no:
                entry["kept"] = _reason(no)
        entries.append(entry)
    done.changes, done.undone_at = entries, now()
    db.session.flush()
    # what never was is told to nobody, and that it is no more to nobody either
    told = Job.payload["deed_id"].as_string().in_(deeds)
    db.session.execute(delete(Job).where(Job.kind == "announce", Job.state == JobState.READY, told))
    return done


def _put_back(actor: Actor, ticket: Ticket | None, entry: Mapping[str, Any], deed_id: str) -> None:
    if ticket is None:
        raise NotFound
    if ticket.version != entry["version"]:
        raise Stale("Somebody changed it since.")
    tickets.restore(actor, ticket, entry["before"], deed_id=deed_id)
    db.session.flush()


def result(done: BulkEdit) -> dict[str, Any]:
    """As the contract shows it: of the edit, or once it is undone of its undoing."""
    return told(done.id, done.changes, done.created_at, done.undone_at)


def told(
    edit_id: int, entries: Iterable[Mapping[str, Any]], created_at: datetime, undone_at: datetime | None
) -> dict[str, Any]:
    """The same of a row's columns."""
    entries = list(entries)
    why, tried = ("refused", entries) if undone_at is None else ("kept", [one for one in entries if "version" in one])
    can_undo = undone_at is None and any("version" in entry for entry in entries)
    return {
        "id": edit_id,
        "done": [entry["id"] for entry in tried if why not in entry],
        "refused": [{"id": entry["id"], **entry[why]} for entry in tried if why in entry],
        "undo_until": created_at + UNDO_FOR if can_undo else None,
    }


def found(edit_id: int) -> tickets.Also:
    """For `tickets.count_each`: the columns of `told`, of an edit of one's own."""
    return {f"bulk_{name}": (column, {"bulk_id": edit_id}) for name, column in _found().items()}


@lru_cache(maxsize=1)
def _found() -> dict[str, ScalarSelect[Any]]:
    mine = BulkEdit.id == bindparam("bulk_id"), BulkEdit.actor_id == policy.ME
    columns = {"changes": BulkEdit.changes, "created_at": BulkEdit.created_at, "undone_at": BulkEdit.undone_at}
    return {name: select(column).where(*mine).scalar_subquery() for name, column in columns.items()}


@jobs.handles("purge_bulk_edits", every=timedelta(hours=1))
def purge(job: jobs.Claimed) -> None:
    begin_write()
    db.session.execute(delete(BulkEdit).where(BulkEdit.created_at < now() - KEPT_FOR))
    db.session.commit()
