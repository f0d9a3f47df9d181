"""One problem, reported twice: a ticket points to the one that goes on, and can be itself again for a while.

Nothing moves: every word stays where it was written, under the eyes it was written for. Who reported or joined the
merged ticket joins the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import aliased

from helpdesk import audit, events, policy, sla, tickets
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Change
from helpdesk.policy import Action, Actor
from helpdesk.workflow import ENDED
from models import Audience, Merge, Rows, Status, Ticket, TicketReport, User, db, fetch, now

UNDO_DAYS = 30
_CLOCKS = ("status", "resolved_at", "closed_at", "reopened_count", *sla.CLOCKS)
"""What ending a ticket changes, and what undoing a merge puts back."""


# --- verbs ------------------------------------------------------------------------------------------------------------


def take(actor: Actor, ids: Sequence[int], into_id: int) -> tuple[list[Ticket], Ticket]:
    """Tickets to merge into another, and that one, locked. Raises Forbidden, NotFound, Invalid for the other."""
    policy.require(actor, Action.TICKET_MERGE)
    for number in ids:
        policy.get_ticket(actor, number)
    if into_id in ids:
        raise Invalid({"into_id": ["Choose another ticket than itself."]})
    try:
        policy.get_ticket(actor, into_id)
    except NotFound:
        raise Invalid({"into_id": [f"There is no ticket #{into_id}."]}) from None
    taken = _lock(actor, {*ids, into_id})
    return [taken[number] for number in ids], taken[into_id]


def take_merged(actor: Actor, ticket_id: int) -> tuple[Ticket, Ticket]:
    """A merged ticket and the one that it points to, locked. Raises Forbidden, NotFound, Conflict."""
    policy.require(actor, Action.TICKET_MERGE)
    into_id = policy.get_ticket(actor, ticket_id).merged_into_id
    taken = _lock(actor, [ticket_id, into_id] if into_id else [ticket_id])
    if into_id is None or taken[ticket_id].merged_into_id != into_id:
        raise Conflict("It is not merged.")
    return taken[ticket_id], taken[into_id]


def take_all_merged(actor: Actor, ids: Iterable[int]) -> list[tuple[Ticket, Ticket]]:
    """The same of several at once, all of them locked before any is changed. Raises NotFound, Forbidden, Conflict."""
    policy.require(actor, Action.TICKET_MERGE)
    into = {number: policy.get_ticket(actor, number).merged_into_id for number in ids}
    taken = _lock(actor, {*into, *filter(None, into.values())})
    if any(taken[number].merged_into_id is None or taken[number].merged_into_id != into[number] for number in into):
        raise Conflict("It is not merged.")
    return [(taken[number], taken[into_id]) for number, into_id in into.items()]


def _lock(actor: Actor, ids: Iterable[int]) -> dict[int, Ticket]:
    """In the order of their numbers, so that two who merge each other's tickets wait instead of blocking each other."""
    return {number: policy.take_ticket(actor, number) for number in sorted(ids)}


def merge(actor: Actor, ticket: Ticket, into: Ticket) -> None:
    """Close a ticket, let it point to the other, and let its people join that one. Raises Conflict."""
    people = _people(ticket)
    _check(ticket, into, people)
    at, deed = now(), events.new_deed()
    before = _state(ticket)
    changes = [Change("merged", after=str(into.id))]
    if ticket.status != Status.CLOSED:
        changes.append(tickets.set_status(actor, ticket, Status.CLOSED, at=at))
    ticket.merged_into_id = into.id
    ticket.version += 1
    joined = tickets.bring(into, people, at=at)
    kept = {"before": before, "after": _state(ticket), "joined": joined}
    db.session.add(Merge(ticket_id=ticket.id, into_id=into.id, actor_id=actor.id, before=kept, created_at=at))
    events.record(actor, *changes, ticket=ticket, at=at, deed_id=deed)
    audit.record(
        "ticket.merged", actor=actor, target=f"ticket:{ticket.id}", into=f"ticket:{into.id}", joined=len(joined)
    )
    here = [Change("merged", before=str(ticket.id), audience=Audience.INTERNAL)]
    here += [Change("affected", after_user=user_id) for user_id in joined]
    events.record(actor, *here, ticket=into, at=at, deed_id=deed)


def _people(ticket: Ticket) -> set[int]:
    """Its reporter and whoever joined it; nobody who was erased."""
    joined = select(TicketReport.user_id).where(TicketReport.ticket_id == ticket.id, TicketReport.left_at.is_(None))
    people = select(User.id).where(
        User.erased_at.is_(None), or_(User.id == ticket.reporter_id, User.id.in_(joined))
    )  # fmt: skip
    return set(db.session.scalars(people))


def _check(ticket: Ticket, into: Ticket, people: set[int]) -> None:
    if ticket.merged_into_id is not None:
        raise Conflict(f"#{ticket.id} is merged into #{ticket.merged_into_id} already.")
    if into.merged_into_id is not None:
        raise Conflict(f"#{into.id} is merged into #{into.merged_into_id}: merge into that one.")
    for one in (ticket, into):
        if one.held:
            raise Conflict(f"#{one.id} waits for its reporter to confirm it.")
    if into.status == Status.CLOSED:
        raise Conflict(f"#{into.id} is closed: reopen it first.")
    if people - {into.reporter_id} and not policy.is_joinable(into):
        why = "is confidential" if into.is_confidential else "is of a category that nobody joins"
        raise Conflict(f"#{into.id} {why}: it cannot take the people of #{ticket.id}.")


def unmerge(actor: Actor, ticket: Ticket, into: Ticket) -> None:
    """Make a merged ticket itself again, as it was but for what somebody changed since. Raises Conflict.

    Who joined the other because of it leaves that again.
    """
    at, deed = now(), events.new_deed()
    merged = db.session.scalar(
        select(Merge)
        .where(Merge.ticket_id == ticket.id, Merge.into_id == into.id, Merge.undone_at.is_(None))
        .order_by(Merge.id.desc())
        .limit(1)
    )
    if merged is None or at - merged.created_at >= timedelta(days=UNDO_DAYS):
        raise Conflict(f"A merge can be undone for {UNDO_DAYS} days.")
    if into.merged_into_id is not None:  # its people went on from there
        raise Conflict(f"#{into.id} is itself merged into #{into.merged_into_id}: undo that first.")
    before, after, at_present = merged.before["before"], merged.before["after"], _state(ticket)
    # an older merge knows fewer of them
    clocks = {name: _read(name, before[name]) for name in _CLOCKS if name in after and at_present[name] == after[name]}
    ticket.merged_into_id = None
    ticket.version += 1
    merged.undone_at = at
    changes = [Change("unmerged", before=str(into.id))]
    status = clocks.pop("status")
    if status != ticket.status:
        changes.append(tickets.set_status(actor, ticket, status, at=at, back=clocks))
    staying = _hand_over(ticket, into, merged)
    gone = tickets.send_back(into, set(merged.before["joined"]) - staying, since=merged.created_at)
    events.record(actor, *changes, ticket=ticket, at=at, deed_id=deed)
    audit.record("ticket.unmerged", actor=actor, target=f"ticket:{ticket.id}", into=f"ticket:{into.id}", left=len(gone))
    if ticket.status not in ENDED:  # policies may have changed meanwhile
        sla.repick(ticket)
    here = [Change("unmerged", after=str(ticket.id), audience=Audience.INTERNAL)]
    here += [Change("affected", before_user=user_id) for user_id in gone]
    events.record(actor, *here, ticket=into, at=at, deed_id=deed)


def _hand_over(ticket: Ticket, into: Ticket, merged: Merge) -> set[int]:
    """Whom this merge brought, and another that still holds would have: from now on it is that one that did."""
    staying: set[int] = set()
    holds = select(Merge).join(Ticket, Ticket.id == Merge.ticket_id).where(
        Merge.into_id == into.id, Merge.undone_at.is_(None), Merge.ticket_id != ticket.id,
        Ticket.merged_into_id == into.id,
    )  # fmt: skip
    for other in db.session.scalars(holds.order_by(Merge.id)).all():
        taken = (set(merged.before["joined"]) & _people(db.session.get_one(Ticket, other.ticket_id))) - staying
        if taken:
            other.before = {**other.before, "joined": sorted({*other.before["joined"], *taken})}
            tickets.brought_by(into, taken, since=merged.created_at, at=other.created_at)
            staying |= taken
    return staying


def _state(ticket: Ticket) -> dict[str, Any]:
    values = {name: getattr(ticket, name) for name in _CLOCKS}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()
    }  # fmt: skip


def _read(name: str, value: Any) -> Any:
    if name == "status":
        return Status(value)
    return datetime.fromisoformat(value) if isinstance(value, str) else value


# --- for the page -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What merging would do: how many join the other, and in words what forbids it."""

    people: int
    why_not: str = ""


def plan(actor: Actor, ids: Sequence[int], into_id: int) -> Plan:
    """For tickets that the policy gave. Changes nothing."""
    policy.require(actor, Action.TICKET_MERGE)
    rows: Mapping[int, Ticket] = {
        row.id: row for row in db.session.scalars(select(Ticket).where(Ticket.id.in_([*ids, into_id])))
    }
    into = rows[into_id]
    joining: set[int] = set()
    for number in ids:
        people = _people(rows[number])
        try:
            _check(rows[number], into, people)
        except Conflict as no:
            return Plan(0, no.detail or no.title)
        joining |= people
    there = _people(into)
    return Plan(len(joining - there - {into.reporter_id}))


_actor, _ticket = aliased(User, name="merged_by"), aliased(Ticket, name="merged")


@lru_cache(maxsize=1)
def _merges() -> Rows:
    """The merges of a ticket that hold, both ways, newest first."""
    return (
        select(
            Merge.ticket_id, Merge.into_id, Merge.created_at, _actor.name.label("by"), _ticket.title, _ticket.status,
            _ticket.reporter_id, User.name.label("reporter"),
        )
        .join(_actor, _actor.id == Merge.actor_id)
        .join(_ticket, _ticket.id == Merge.ticket_id)
        .join(User, User.id == _ticket.reporter_id)
        .where(
            or_(Merge.ticket_id == bindparam("ticket_id"), Merge.into_id == bindparam("ticket_id")),
            Merge.undone_at.is_(None),
            _ticket.merged_into_id == Merge.into_id,
        )
        .order_by(Merge.id.desc())
        .limit(SHOWN + 1)
    )  # fmt: skip


SHOWN = 50


@dataclass(frozen=True)
class Merged:
    """What a ticket's page says of merges: into which it went, and which went into it."""

    into: Any = None
    can_undo: bool = False
    here: tuple[Any, ...] = ()
    more: bool = False
    """There are more than are shown."""


def of_ticket(actor: Actor, ticket_id: int) -> Merged:
    """For a ticket that the caller was given by the policy: one statement. The newest SHOWN of what went into it."""
    policy.require(actor, Action.TICKET_MERGE)
    rows = fetch(_merges(), {"ticket_id": ticket_id}).all()
    into = next((row for row in rows if row.ticket_id == ticket_id), None)
    can_undo = into is not None and now() - into.created_at < timedelta(days=UNDO_DAYS)
    here = tuple(row for row in rows if row.into_id == ticket_id)
    return Merged(into, can_undo, here[:SHOWN], len(here) > SHOWN)
