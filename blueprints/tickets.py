"""Tickets: reporting, listing, triage, joining."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import guests, policy, reads, similar, tickets
from helpdesk.errors import NotFound
from helpdesk.limits import CREATE, EDIT
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    AddAffectedShape,
    AffectedShape,
    CreateTicketShape,
    EditTicketShape,
    FullTicketShape,
    KnownQuery,
    KnownShape,
    OneTicketShape,
    PageQuery,
    SimilarQuery,
    TicketCountsShape,
    TicketFilter,
    TicketQuery,
    page_of,
)
from models import Channel

api = Doors("tickets", __name__, url_prefix="/api/tickets")
ONE = f"/{http.ID.format('ticket_id')}"


@api.call(
    "POST", "", Action.TICKET_CREATE, body=CreateTicketShape, out=OneTicketShape, status=201, creates=True,
    limited=True, guests=True,
)  # fmt: skip
def create(actor: Actor, body: dict[str, Any]) -> Answer:
    """Report a problem.

    Staff may report for somebody else, by reporter_id or email, and triage at once: 403 for others. Without an account,
    give an `email`: the answer is 202, and the report is kept for a week until the link in the mail is used.
    """
    if actor.id is None:
        return _create_as_guest(actor, body)
    http.limit(actor, CREATE)
    http.begin(actor)
    ticket = tickets.create(actor, body, channel=_channel(actor, body))
    return Answer(tickets.show_one(actor, ticket.id), headers={"Location": f"/api/tickets/{ticket.id}"})


def _create_as_guest(actor: Actor, body: dict[str, Any]) -> Answer:
    once = http.name_of_call()
    if not guests.was_reported(once):
        guests.check(body, http.peer())
        http.begin(actor)
        guests.report(actor, body, channel=_channel(actor, body), once=once)
    return Answer({"detail": "Look into your mail: the link there sends your report to the helpdesk."}, status=202)


def _channel(actor: Actor, body: dict[str, Any]) -> Channel:
    if actor.is_staff and {"reporter_id", "email"} & body.keys():
        return Channel.STAFF
    if "via" in body:
        return Channel(body["via"])
    return Channel.WEB if http.is_browser() else Channel.API


@api.call("GET", "", Action.TICKET_READ, query=TicketQuery, out=page_of(FullTicketShape))
def listing(actor: Actor, query: dict[str, Any]) -> Answer:
    """List the tickets one sees.

    Customers see their own and those they joined, staff all. What may be repeated widens: two categories give the
    tickets of both. Different filters narrow.
    """
    page = {name: query.pop(name) for name in ("sort", "limit", "cursor")}
    return http.page(*tickets.listing(actor, query, **page))


@api.call("GET", "/counts", Action.TICKET_READ, query=TicketFilter, out=TicketCountsShape)
def counts(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Count the tickets one sees, by status, with the list's filters. Beyond 1,000 it says that there are more."""
    return tickets.count(actor, query)


@api.call("GET", "/similar", Action.TICKET_JOIN, query=SimilarQuery, out=page_of(KnownShape))
def similar_ones(actor: Actor, query: dict[str, Any]) -> Answer:
    """Find up to five open tickets that may be the same problem, to join instead of reporting it again."""
    found = similar.similar(
        actor, query["title"], building=query.get("building"), category=query.get("category")
    )  # fmt: skip
    return http.page(found, None)


@api.call("GET", "/known", Action.TICKET_JOIN, query=KnownQuery, out=page_of(KnownShape))
def known(actor: Actor, query: dict[str, Any]) -> Answer:
    """List the five open problems that affect most people now, or with `id` those alone that may be joined."""
    return http.page(similar.known(actor, query.get("id")), None)


@api.call("GET", ONE, Action.TICKET_READ, out=OneTicketShape)
def show(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """Get a ticket."""
    return tickets.show_one(actor, ticket_id)


@api.call(
    "PUT",
    ONE,
    Action.TICKET_EDIT,
    body=EditTicketShape,
    out=OneTicketShape,
    if_match=True,
    limited=True,
    raises=(409,),
)
@api.call(
    "PATCH",
    ONE,
    Action.TICKET_EDIT,
    body=EditTicketShape,
    out=OneTicketShape,
    if_match=True,
    limited=True,
    raises=(409,),
)
def edit(actor: Actor, ticket_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named.

    Staff change every field. The reporter changes title, description and place until it is resolved, closes it, and
    reopens it while it is resolved. 409 for a status that cannot follow: `transitions` lists those that can.
    """
    http.limit(actor, EDIT)
    http.begin(actor)
    ticket = tickets.take(actor, ticket_id)
    http.expect_version(ticket.version, lambda: tickets.show_one(actor, ticket_id))
    tickets.edit(actor, ticket, body)
    return tickets.show_one(actor, ticket_id)


@api.call("DELETE", ONE, Action.TICKET_DELETE, status=204, if_match=True)
def destroy(actor: Actor, ticket_id: int) -> None:
    """Delete a ticket with its conversation, photos and history."""
    http.begin(actor)
    ticket = policy.take_ticket(actor, ticket_id)
    http.expect_version(ticket.version, lambda: tickets.show_one(actor, ticket_id))
    tickets.destroy(actor, ticket)


@api.call("PUT", f"{ONE}/read", Action.TICKET_MARK, status=204)
def mark_read(actor: Actor, ticket_id: int) -> None:
    """Mark it as read for oneself, as it is now. Opening its page does so by itself; one's own deeds count as read."""
    http.begin(actor)
    reads.mark(actor, ticket_id, policy.get_ticket(actor, ticket_id).activity_seq)


@api.call("DELETE", f"{ONE}/read", Action.TICKET_MARK, status=204)
def mark_unread(actor: Actor, ticket_id: int) -> None:
    """Mark it as unread for oneself."""
    http.begin(actor)
    policy.get_ticket(actor, ticket_id)
    reads.unmark(actor, ticket_id)


@api.call("PUT", f"{ONE}/affected/me", Action.TICKET_JOIN, status=204, limited=True, raises=(409,))
def join(actor: Actor, ticket_id: int) -> None:
    """Say that it affects oneself too. Doing it twice changes nothing. 404 for a ticket that is not joinable."""
    http.limit(actor, CREATE)
    http.begin(actor)
    tickets.join(actor, policy.take_joinable(actor, ticket_id), _id(actor))


@api.call("DELETE", f"{ONE}/affected/me", Action.TICKET_JOIN, status=204, limited=True)
def leave(actor: Actor, ticket_id: int) -> None:
    """Take that back. Doing it twice changes nothing. 404 for a ticket that is not joinable."""
    http.limit(actor, CREATE)
    http.begin(actor)
    tickets.leave(actor, policy.take_joinable(actor, ticket_id), _id(actor))


@api.call(
    "GET", f"{ONE}/affected", Action.TICKET_AFFECTED, query=PageQuery, out=page_of(AffectedShape)
)  # fmt: skip
def affected(actor: Actor, ticket_id: int, query: dict[str, Any]) -> Answer:
    """List the people it affects: its reporter, then who joined, first come first."""
    policy.get_ticket(actor, ticket_id)
    return http.page(*tickets.affected(ticket_id, **query))


@api.call("POST", f"{ONE}/affected", Action.TICKET_AFFECTED, body=AddAffectedShape, status=204, raises=(409,))
def add_affected(actor: Actor, ticket_id: int, body: dict[str, Any]) -> None:
    """Add somebody whom it affects, by id or address."""
    http.begin(actor)
    tickets.add_affected(actor, policy.take_ticket(actor, ticket_id), body)


@api.call(
    "DELETE", f"{ONE}/affected/{http.ID.format('user_id')}", Action.TICKET_AFFECTED, status=204
)  # fmt: skip
def remove_affected(actor: Actor, ticket_id: int, user_id: int) -> None:
    """Remove somebody who joined. The reporter cannot be removed: change `reporter_id` instead."""
    http.begin(actor)
    if not tickets.leave(actor, policy.take_ticket(actor, ticket_id), user_id):
        raise NotFound


def _id(actor: Actor) -> int:
    assert actor.id is not None  # noqa: S101  (the role table lets only people in)
    return actor.id
