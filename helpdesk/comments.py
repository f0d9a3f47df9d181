"""The conversation of a ticket, and the timeline in which it and the history are one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from helpdesk import audit, drafts, events, images, notifications, paging, policy, reads, search, sla, tickets
from helpdesk.errors import Conflict, Forbidden, NotFound
from helpdesk.events import Change
from helpdesk.markdown import render
from helpdesk.policy import Action, Actor
from helpdesk.schemas import ID_MAX, CommentShape, EventShape
from helpdesk.workflow import REOPEN_DAYS, Trigger
from models import ActorKind, Audience, Channel, Comment, Event, Role, Rows, Status, Ticket, User, db, fetch, now

EDIT_MINUTES = 15
UNDO_SECONDS = 10
"""So long a reply of the staff's pages waits before it is mailed."""
_UNDO = timedelta(seconds=UNDO_SECONDS)
TEXT_PER_PAGE = 100_000
"""Characters: the worst Markdown takes a second of this to render."""

_comment, _event = CommentShape(), EventShape()


# --- verbs ------------------------------------------------------------------------------------------------------------


def add(
    actor: Actor,
    ticket: Ticket,
    text: str,
    *,
    audience: Audience | None = None,
    channel: Channel,
    photos: Sequence[int] = (),
    deed_id: str | None = None,
    tells: bool = True,
) -> Comment:
    """Say something on a ticket, perhaps with uploads of one's own. Raises Forbidden, Conflict, Invalid.

    Staff choose who reads it. What a customer writes is between them and the desk; the reporter's reopens or un-waits.
    """
    policy.require(actor, Action.COMMENT_CREATE)
    if audience is not None:
        policy.require(actor, Action.COMMENT_ADDRESS)
    at = now()
    if not actor.is_staff:
        _check_open_to_customers(actor, ticket)
        audience = Audience.DESK
    comment = Comment(
        ticket_id=ticket.id,
        author_id=actor.id,
        text=text,
        audience=audience or Audience.REPORTER,
        channel=channel,
        created_at=at,
        version=1,
    )
    db.session.add(comment)
    db.session.flush()
    images.tie(actor, photos, ticket, comment)
    ticket.comment_count += 1
    changes = [Change("comment", after="added", audience=comment.audience, comment_id=comment.id)]
    # a note moves nothing that others see: not even where one of the staff is the reporter
    if actor.id == ticket.reporter_id and comment.audience != Audience.INTERNAL:
        moved = tickets.move_by_itself(ticket, Trigger.REPORTER_COMMENT, at=at)
        changes += [moved] if moved else []
    elif actor.is_staff and comment.audience != Audience.INTERNAL and ticket.first_response_at is None:
        sla.replied(ticket, at)
    events.record(actor, *changes, ticket=ticket, at=at, deed_id=deed_id, tells=tells)
    return comment


def send(
    actor: Actor,
    ticket: Ticket,
    text: str,
    *,
    audience: Audience | None,
    channel: Channel,
    photos: Sequence[int] = (),
    then: Mapping[str, Any] | None = None,
) -> Comment:
    """Write as one of the staff, and change the ticket with it, in one deed; the draft of it is done with.

    A reply is there at once and mailed UNDO_SECONDS later: until then its author can `undo` it. Raises Forbidden,
    Conflict, Invalid.
    """
    policy.require(actor, Action.COMMENT_ADDRESS)
    deed_id = events.new_deed()
    waits = audience != Audience.INTERNAL and not ticket.held
    before, version = tickets.remember(ticket), ticket.version
    comment = add(
        actor, ticket, text, audience=audience, channel=channel, photos=photos, deed_id=deed_id, tells=not waits
    )
    tickets.edit(actor, ticket, then or {}, deed_id=deed_id, tells=not waits)
    drafts.discard(actor, ticket.id)
    if waits:
        found = {**before, "version": ticket.version} if ticket.version != version else None
        notifications.tell_later(ticket, deed_id=deed_id, request_id=actor.request_id, wait=_UNDO, before=found)
    return comment


@dataclass(frozen=True)
class Undone:
    ticket_id: int
    is_status_back: bool
    """Whether the status is what it was before the reply; not where somebody changed the ticket meanwhile."""


def undo(actor: Actor, comment: Comment, ticket: Ticket) -> Undone:
    """Take a reply back as if it had never been: its author, within UNDO_SECONDS. It is their draft then.

    Raises Forbidden; Conflict once it is being mailed.
    """
    policy.require(actor, Action.COMMENT_ADDRESS)
    if comment.author_id != actor.id:
        raise Forbidden("Only its author can take a reply back.")
    said = Event.comment_id == comment.id, Event.field == "comment", Event.to_value == "added"
    deed_id = db.session.scalar(select(Event.deed_id).where(*said))
    before = notifications.recall(deed_id) if deed_id and now() - comment.created_at < _UNDO else None
    if deed_id is None or before is None:
        raise Conflict(f"A reply can be taken back for {UNDO_SECONDS} seconds: it was sent.")
    status, text, audience, at = ticket.status, comment.text, comment.audience, comment.created_at
    photos = images.untie(comment, ticket)
    gone = Event.comment_id == comment.id
    is_back = before.get("version", ticket.version) == ticket.version
    if before and is_back:
        gone = or_(gone, and_(Event.deed_id == deed_id, Event.field == "status"))
    elif before:  # what stays is told, without the reply
        notifications.tell_anyway(ticket, deed_id=deed_id, request_id=actor.request_id)
    db.session.execute(delete(Event).where(Event.ticket_id == ticket.id, gone))
    db.session.delete(comment)
    db.session.flush()
    ticket.comment_count -= 1
    seq, ticket.activity_seq = ticket.activity_seq, ticket.activity_seq + 1
    reads.keep_up(actor, ticket, seq)
    if ticket.first_response_at == at:
        sla.unreplied(ticket, _first_response(ticket))
    if before and is_back:
        tickets.put_back(actor, ticket, before)
        ticket.version += 1
    events.forget_times(ticket)
    search.index(ticket)
    drafts.put_back(actor, ticket, text, audience=audience, then=status if before and is_back else None, images=photos)
    audit.record("comment.undone", actor=actor, target=f"comment:{comment.id}", ticket_id=ticket.id)
    return Undone(ticket.id, is_back)


def _first_response(ticket: Ticket) -> datetime | None:
    """When somebody else of the staff first answered the reporter, if they did."""
    answers = (
        select(func.min(Comment.created_at))
        .join(User, User.id == Comment.author_id)
        .where(
            Comment.ticket_id == ticket.id,
            Comment.audience.in_((Audience.REPORTER, Audience.AFFECTED)),
            Comment.author_id != ticket.reporter_id,
            User.role != Role.CUSTOMER,
        )
    )
    return db.session.scalar(answers)


def _check_open_to_customers(actor: Actor, ticket: Ticket) -> None:
    if ticket.merged_into_id is not None and (other := policy.get_ticket(actor, ticket.id).merged_into_id):
        if actor.kind == ActorKind.GUEST:  # whose link opens this one alone
            raise Conflict(f"It goes on as #{other}: create an account with your address to read and write there.")
        raise Conflict(f"It goes on as #{other}: write there.")
    over = ticket.resolved_at is not None and now() - ticket.resolved_at >= timedelta(days=REOPEN_DAYS)
    if ticket.status == Status.CLOSED or over:
        raise Conflict("It is closed: report the problem anew.")


def take(actor: Actor, comment_id: int) -> tuple[Comment, Ticket]:
    """A comment that this actor reads, to change it, with its ticket locked. Raises NotFound."""
    seen = policy.get_comment(actor, comment_id)
    ticket = policy.take_ticket(actor, seen.ticket_id)
    comment = db.session.get(Comment, comment_id)
    if comment is None:
        raise NotFound
    return comment, ticket


def _check_may_change(actor: Actor, comment: Comment) -> None:
    if policy.can(actor, Action.COMMENT_EDIT_ANY):
        return
    if comment.author_id != actor.id:
        raise Forbidden("Only its author can change a comment.")
    if now() - comment.created_at > timedelta(minutes=EDIT_MINUTES):
        raise Forbidden(f"A comment can be changed for {EDIT_MINUTES} minutes.")


def edit(actor: Actor, comment: Comment, ticket: Ticket, text: str) -> None:
    """Put one's words right. What they were stays in the history, for the staff. Raises Forbidden."""
    policy.require(actor, Action.COMMENT_EDIT)
    _check_may_change(actor, comment)
    if comment.text == text:
        return
    at = now()
    before, comment.text = comment.text, text
    comment.edited_at, comment.version = at, comment.version + 1
    change = Change(
        "comment", before=before, after="edited", after_user=comment.author_id, audience=comment.audience,
        comment_id=comment.id,
    )  # fmt: skip
    events.record(actor, change, ticket=ticket, at=at)


def destroy(actor: Actor, comment: Comment, ticket: Ticket) -> None:
    """Take a comment away, with its photos and what the history kept of its words. Raises Forbidden."""
    policy.require(actor, Action.COMMENT_EDIT)
    _check_may_change(actor, comment)
    comment_id, audience, author_id, at = comment.id, comment.audience, comment.author_id, now()
    db.session.execute(update(Event).where(Event.comment_id == comment.id).values(from_value=None))
    ticket.image_count -= images.count_of(comment)
    db.session.delete(comment)
    db.session.flush()
    ticket.comment_count -= 1
    audit.record("comment.deleted", actor=actor, target=f"comment:{comment.id}", ticket_id=ticket.id)
    events.record(
        actor,
        Change("comment", before=str(comment_id), after="deleted", after_user=author_id, audience=audience),
        ticket=ticket,
        at=at,
    )


def is_answered_since(ticket_id: int, after: int, *, besides: int | None) -> bool:
    """Whether somebody else of the staff has answered whom the ticket affects, after a position of its history."""
    said = (
        select(Event.id)
        .join(Comment, Comment.id == Event.comment_id)
        .join(User, User.id == Comment.author_id)
        .where(
            Event.ticket_id == ticket_id,
            Event.id > after,
            Event.field == "comment",
            Event.to_value == "added",
            Comment.audience.in_((Audience.REPORTER, Audience.AFFECTED)),
            Comment.author_id != besides,
            User.role != Role.CUSTOMER,
        )
        .limit(1)
    )
    return db.session.scalar(said) is not None


# --- reading ----------------------------------------------------------------------------------------------------------


def show(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of `policy.visible_comments` as the contract's comments."""
    rows = list(rows)
    photos = images.of_comments(row.id for row in rows)
    return [{**_comment.dump_row(row), "text_html": render(row.text), "images": photos.get(row.id, [])} for row in rows]


def show_one(actor: Actor, comment_id: int) -> dict[str, Any]:
    return show([policy.get_comment(actor, comment_id)])[0]


@lru_cache
def _of_ticket(staff: bool, after: bool) -> Rows:
    statement = policy.visible_comments(staff).where(Comment.ticket_id == bindparam("ticket_id"))
    return paging.ordered(statement, {"id": (Comment.id, Comment.id)}, "id", after=after)


def listing(actor: Actor, ticket_id: int, *, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """The comments of a ticket that somebody reads, oldest first. Raises NotFound for a ticket they do not see."""
    policy.get_ticket(actor, ticket_id)
    values = {**policy.params(actor), "ticket_id": ticket_id}
    found = paging.page(
        lambda after: _of_ticket(actor.is_staff, after),
        values,
        of=f"comments|{ticket_id}",
        limit=limit,
        cursor=cursor,
        fits=how_many,
    )
    return show(found.rows), found.next_cursor


@lru_cache
def _events_of_ticket(staff: bool) -> Rows:
    return (
        policy.visible_events(staff)
        .where(Event.ticket_id == bindparam("ticket_id"), Event.id > bindparam("after_id"))
        .order_by(Event.id)
        .limit(bindparam("limit"))
    )


def history(actor: Actor, ticket_id: int, *, after: int, limit: int) -> list[Any]:
    """Rows of `policy.visible_events` after a position. Raises NotFound for a ticket that somebody does not see."""
    policy.get_ticket(actor, ticket_id)
    return since(actor, ticket_id, after=after, limit=limit)


def since(actor: Actor, ticket_id: int, *, after: int, limit: int) -> list[Any]:
    """Rows of the history after a position, for a ticket that the caller was given by the policy."""
    values = {**policy.params(actor), "ticket_id": ticket_id, "after_id": after, "limit": limit}
    return list(fetch(_events_of_ticket(actor.is_staff), values))


def show_events(rows: Iterable[Any]) -> list[dict[str, Any]]:
    return [_event.dump_row(row) for row in rows]


def timeline(actor: Actor, ticket_id: int, *, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
    """Comments and events in the order they happened, and the position to go on from if there are more.

    An edited comment comes again, beside the event that says so. A page may hold nothing but what is gone.
    """
    rows = history(actor, ticket_id, after=after, limit=limit + 1)
    shown = rows[: how_many(rows, limit)]
    photos = images.of_comments({row.comment_id for row in shown if row.comment_id is not None})
    items = [_item(row, photos) for row in shown if not is_gone(row)]
    return items, shown[-1].id if len(rows) > len(shown) else None


def how_many(rows: Sequence[Any], limit: int) -> int:
    """As many as a page holds: fewer where their texts are long, for each is rendered. One at least."""
    length = 0
    for number, row in enumerate(rows[:limit]):
        length += len((row.text if hasattr(row, "text") else row.comment_text) or "")
        if length > TEXT_PER_PAGE and number:
            return number
    return min(limit, len(rows))


@lru_cache
def _latest_of_ticket(staff: bool) -> Rows:
    return (
        policy.visible_events(staff)
        .where(Event.ticket_id == bindparam("ticket_id"), Event.id < bindparam("before_id"))
        .order_by(Event.id.desc())
        .limit(bindparam("limit"))
    )


def latest(actor: Actor, ticket_id: int, *, before: int | None = None, limit: int) -> tuple[list[Any], bool]:
    """The newest rows of the history (or those before a position), oldest first, and whether there are earlier ones.

    For a ticket that the caller was given by the policy. What is left of deleted comments is not among them.
    """
    values = {**policy.params(actor), "ticket_id": ticket_id, "before_id": before or ID_MAX, "limit": limit + 1}
    rows = list(fetch(_latest_of_ticket(actor.is_staff), values))
    shown = rows[: how_many(rows, limit)]
    return [row for row in reversed(shown) if not is_gone(row)], len(rows) > len(shown)


def is_gone(row: Any) -> bool:
    """What the history says of a comment that was deleted later; that it was deleted has a row of its own."""
    return row.field == "comment" and row.comment_id is None and row.to_value != "deleted"


def _item(row: Any, photos: Mapping[int, list[dict[str, Any]]]) -> dict[str, Any]:
    said = row.field == "comment" and row.to_value == "added"
    return {
        "id": row.id,
        "type": "comment" if said else "event",
        "created_at": row.created_at,
        "comment": _comment_of(row, photos) if row.comment_text is not None else None,
        "event": None if said else _event.dump_row(row),
    }


def _comment_of(row: Any, photos: Mapping[int, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "id": row.comment_id,
        "ticket_id": row.ticket_id,
        "author": {"id": row.comment_author_id, "name": row.comment_author_name, "role": row.comment_author_role},
        "text": row.comment_text,
        "text_html": render(row.comment_text),
        "audience": row.comment_audience,
        "images": photos.get(row.comment_id, []),
        "version": row.comment_version,
        "created_at": row.comment_created_at,
        "edited_at": row.comment_edited_at,
    }
