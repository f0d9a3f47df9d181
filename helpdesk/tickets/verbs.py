"""What is done with a ticket: reported, edited, moved to another status, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from helpdesk import audit, events, images, jobs, policy, search, sla, workflow
from helpdesk.errors import Conflict, Forbidden, NoSuchTransition
from helpdesk.events import Change
from helpdesk.policy import SYSTEM, Action, Actor, Side
from helpdesk.tickets.affected import joined_ids, let_back
from helpdesk.tickets.fields import EDITORS, building_of, category_of, reporter_of, staff_member, tag_rows, team_of
from helpdesk.tickets.giving import give_out
from helpdesk.tickets.handoff import expect_reason, release
from helpdesk.workflow import Trigger
from models import Category, Channel, Priority, Status, Ticket, TicketTag, User, begin_write, db, now

TRIAGE_FIELDS = frozenset({"reporter_id", "email", "name", "priority", "assignee_id", "team_id", "tags"})
AUDITED = frozenset({"is_confidential", "reporter"})
REPORTER_FIELDS = frozenset({"title", "description", "building", "room", "status"})


def create(actor: Actor, data: Mapping[str, Any], *, channel: Channel) -> Ticket:
    """Report a problem, one's own or, by staff, somebody else's. Raises Forbidden, Invalid."""
    policy.require(actor, Action.TICKET_CREATE)
    if TRIAGE_FIELDS & data.keys():
        policy.require(actor, Action.TICKET_CREATE_FOR)
    return write(actor, data, reporter_of(data, actor), channel=channel)


def write(actor: Actor, data: Mapping[str, Any], reporter: User, *, channel: Channel, held: bool = False) -> Ticket:
    """Make the ticket that somebody was found entitled to. Raises Invalid."""
    at = now()
    category, building = category_of(data["category"]), building_of(data.get("building"))
    assignee, team, tags = (
        staff_member(data.get("assignee_id")),
        team_of(data.get("team_id")),
        tag_rows(data.get("tags", ())),
    )
    ticket = Ticket(
        title=data["title"],
        description=data["description"],
        priority=data.get("priority", Priority.NORMAL),
        category_id=category.id,
        building_id=building.id if building else None,
        room=data.get("room"),
        is_confidential=_starts_confidential(actor, category, data.get("is_confidential")),
        reporter_id=reporter.id,
        created_by_id=actor.id,
        assignee_id=assignee.id if assignee else None,
        team_id=team.id if team else (category.team_id if "team_id" not in data else None),
        channel=channel,
        status=Status.OPEN,
        held=held,
        paused_seconds=0,
        activity_seq=0,
        created_at=at,
        updated_at=at,
        reporter_updated_at=at,
        affected_updated_at=at,
    )
    sla.start(ticket)
    db.session.add(ticket)
    db.session.flush()
    db.session.add_all(TicketTag(ticket_id=ticket.id, tag_id=tag.id) for tag in tags)
    images.tie(actor, data.get("images", ()), ticket)
    events.record(actor, Change("created", after=Status.OPEN), ticket=ticket, at=at)
    if "assignee_id" not in data:
        give_out(ticket, at=at)
    return ticket


def take(actor: Actor, ticket_id: int) -> Ticket:
    """A ticket to change, locked. Raises NotFound; Forbidden for whoever joined it, before its version is compared."""
    policy.require(actor, Action.TICKET_EDIT)
    ticket = policy.take_ticket(actor, ticket_id)
    _check_not_only_joined(actor, ticket)
    return ticket


def _check_not_only_joined(actor: Actor, ticket: Ticket) -> None:
    if policy.side(actor, ticket) == Side.JOINED:
        raise Forbidden("Only its reporter and the staff change a ticket.")


def _starts_confidential(actor: Actor, category: Category, wish: bool | None) -> bool:
    """What its category keeps confidential only the staff may open to others."""
    if wish is None or (category.is_confidential and not policy.can(actor, Action.TICKET_TRIAGE)):
        return category.is_confidential
    return wish


def edit(
    actor: Actor,
    ticket: Ticket,
    data: Mapping[str, Any],
    *,
    deed_id: str | None = None,
    tells: bool = True,
    asks: bool = True,
    restores: bool = False,
) -> None:
    """Change the fields named. Raises Forbidden, Invalid, NoSuchTransition, Conflict.

    The reporter changes title, description and place until the ticket is resolved, and closes or reopens it. Who takes
    it from its team says why, unless `asks` is false. What is put back as it was is given to nobody else.
    """
    policy.require(actor, Action.TICKET_EDIT)
    if not policy.can(actor, Action.TICKET_TRIAGE):
        _check_reporters_edit(actor, ticket, data)
    if asks:
        expect_reason(ticket, data)
    data = _with_confidentiality(ticket, data)
    at, team_id, deed_id = now(), ticket.team_id, deed_id or events.new_deed()
    changes = [change for name in EDITORS if name in data for change in EDITORS[name](ticket, data[name])]
    is_moved = ticket.team_id != team_id and not restores
    if is_moved:
        changes += release(ticket, data, left=team_id)
    # what has ended keeps the dates that held, and whoever reopens it picks anew
    if ticket.status not in workflow.ENDED and any(change.field in sla.PICKED_BY for change in changes):
        sla.repick(ticket)
    if "status" in data and data["status"] != ticket.status:
        changes.append(set_status(actor, ticket, data["status"], at=at))
    if changes:
        ticket.version += 1
        sla.refresh(ticket)
        events.record(actor, *changes, ticket=ticket, at=at, deed_id=deed_id, tells=tells)
        for change in changes:
            if change.field in AUDITED:  # who may see it
                target = f"ticket:{ticket.id}"
                audit.record(f"ticket.{change.field}.changed", actor=actor, target=target, **on_record(change))
    if is_moved and "assignee_id" not in data:
        give_out(ticket, at=at, deed_id=deed_id)


def on_record(change: Change) -> dict[str, Any]:
    """What the audit log says of a change: of people, who they are by number alone."""
    if change.before_user or change.after_user:
        return {"before": change.before_user, "after": change.after_user}
    return {"before": change.before, "after": change.after}


def _with_confidentiality(ticket: Ticket, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Another category for confidential matters makes it so, unless somebody chose otherwise in the same breath."""
    if "is_confidential" in data or "category" not in data:
        return data
    category = category_of(data["category"]) if _is_another(ticket, data["category"]) else None
    return {**data, "is_confidential": True} if category and category.is_confidential else data


def _is_another(ticket: Ticket, slug: str) -> bool:
    return db.session.get_one(Category, ticket.category_id).slug != slug


def _check_reporters_edit(actor: Actor, ticket: Ticket, data: Mapping[str, Any]) -> None:
    _check_not_only_joined(actor, ticket)
    if not data.keys() <= REPORTER_FIELDS:
        raise Forbidden("Of your own ticket you can change title, description and place.")
    if ticket.status in workflow.ENDED and data.keys() - {"status"}:
        raise Conflict("It is resolved: reopen it or write a comment.")


def set_status(
    actor: Actor,
    ticket: Ticket,
    to: Status,
    *,
    at: datetime,
    trigger: Trigger | None = None,
    back: Mapping[str, Any] | None = None,
    book: sla.Book | None = None,
    history: sla.History | None = None,
) -> Change:
    """The one place where a status changes. Raises NoSuchTransition; Conflict where the ticket points to another.

    With a trigger it moves by itself, as the table of `workflow.by_itself` says; otherwise somebody chose. `back` are
    the clocks of a status that is put back as it was, by whoever undoes what ended it: that is no transition. `book`
    and `history` are for who has them at hand, see `helpdesk.sla`.
    """
    if back is not None:
        return _put_back(ticket, to, back)
    if trigger is not None:
        allowed = workflow.by_itself(ticket.status, trigger, ticket.resolved_at, at) == to
    else:
        allowed = to in workflow.transitions_for(ticket.status, policy.side(actor, ticket))
    if not allowed:
        raise NoSuchTransition(f"A ticket that is {_say(ticket.status)} cannot become {_say(to)}.")
    if ticket.merged_into_id is not None:  # only the staff come so far, who see all of them
        raise Conflict(f"It is merged into #{ticket.merged_into_id}: undo the merge.")
    before, ticket.status = ticket.status, to
    if to in workflow.ENDED and ticket.resolved_at is None:
        ticket.resolved_at = at
    elif to not in workflow.ENDED and before in workflow.ENDED:
        ticket.resolved_at = None
        ticket.reopened_count += 1
    ticket.closed_at = at if to == Status.CLOSED else None
    sla.moved(ticket, before, at, book, history)
    return Change("status", before, to)


def _put_back(ticket: Ticket, to: Status, clocks: Mapping[str, Any]) -> Change:
    before, ticket.status = ticket.status, to
    for name in clocks.keys() - set(sla.CLOCKS):
        setattr(ticket, name, clocks[name])
    sla.put_back(ticket, before, {name: clocks[name] for name in sla.CLOCKS if name in clocks})
    return Change("status", before, to)


CLOCKS = (*sla.CLOCKS, "resolved_at", "closed_at", "reopened_count", "handoff_count")
"""What goes along with a status, a priority, a category or a team."""


def remember(ticket: Ticket) -> dict[str, Any]:
    """A status with its clocks, for `put_back`, as the database keeps it in JSON."""
    clocks = {name: getattr(ticket, name) for name in CLOCKS}
    return {
        "status": ticket.status,
        "clocks": {name: value.isoformat() if isinstance(value, datetime) else value for name, value in clocks.items()},
    }


def put_back(actor: Actor, ticket: Ticket, before: Mapping[str, Any]) -> Change | None:
    """Let a status be what it was, with its clocks, as if it had never been another: for undoing what set it.

    Says what changed. Whether that is told, and counts as a change of the ticket, is for who undoes it.
    """
    clocks = {
        name: datetime.fromisoformat(value) if isinstance(value, str) else value
        for name, value in before["clocks"].items()
    }
    change = set_status(actor, ticket, Status(before["status"]), at=now(), back=clocks)
    return change if change.before != change.after else None


def as_it_is(ticket: Ticket, tags: Iterable[str]) -> dict[str, Any]:
    """The same with every field that many tickets are given at once, for `restore`. Whoever asks for many knows the
    tags of all."""
    return {
        **remember(ticket),
        "priority": ticket.priority,
        "assignee_id": ticket.assignee_id,
        "category": db.session.get_one(Category, ticket.category_id).slug,
        "team_id": ticket.team_id,
        "is_confidential": ticket.is_confidential,
        "tags": list(tags),
        "joined": joined_ids(ticket.id) if ticket.affected_count > 1 else [],
    }


def restore(actor: Actor, ticket: Ticket, before: Mapping[str, Any], *, deed_id: str) -> None:
    """Make it as `as_it_is` found it, where nobody changed it since: a deed like any other, but for the status, which
    may go back where no transition leads, and its clocks, which never stood. Raises Forbidden, Invalid."""
    policy.require(actor, Action.TICKET_TRIAGE)
    fields = {name: before[name] for name in before if name not in ("status", "joined", "clocks")}
    fields["priority"] = Priority(before["priority"])
    edit(actor, ticket, fields, deed_id=deed_id, asks=False, restores=True)
    changes = let_back(ticket, before["joined"])
    back = put_back(actor, ticket, before)
    changes += [back] if back else []
    if changes:
        ticket.version += 1
        events.record(actor, *changes, ticket=ticket, at=now(), deed_id=deed_id)


def _say(status: Status) -> str:
    return status.replace("_", " ")


def move_by_itself(
    ticket: Ticket,
    trigger: Trigger,
    *,
    at: datetime,
    book: sla.Book | None = None,
    history: sla.History | None = None,
) -> Change | None:
    """Let a trigger move the ticket where the workflow says so."""
    to = workflow.by_itself(ticket.status, trigger, ticket.resolved_at, at)
    if to is None:
        return None
    ticket.version += 1
    return set_status(SYSTEM, ticket, to, at=at, trigger=trigger, book=book, history=history)


def destroy(actor: Actor, ticket: Ticket) -> None:
    """Delete it with its conversation, photos and history. That it happened stays on record."""
    policy.require(actor, Action.TICKET_DELETE)
    audit.record("ticket.deleted", actor=actor, target=f"ticket:{ticket.id}")
    search.forget([ticket.id])
    db.session.delete(ticket)
    db.session.flush()


@jobs.handles("close_resolved", every=timedelta(minutes=15))
def close_resolved(job: jobs.Claimed) -> None:
    """Close what has been resolved for REOPEN_DAYS without a word."""
    before = now() - timedelta(days=workflow.REOPEN_DAYS)
    due = select(Ticket.id).where(Ticket.status == Status.RESOLVED, Ticket.resolved_at <= before).limit(500)
    for ticket_id in list(db.session.scalars(due)):
        begin_write()
        ticket = policy.take_ticket(SYSTEM, ticket_id)
        change = move_by_itself(ticket, Trigger.TIME, at=now())
        if change is not None:
            events.record(SYSTEM, change, ticket=ticket, at=now())
        db.session.commit()
