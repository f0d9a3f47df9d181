"""Whether it is really fixed: what a reporter says by a link in a mail, with an account or without.

Such a link is for one person, one ticket, one answer and one time that it was resolved. Once the ticket moved on, by
whoever's hand, it only shows that it did; and after the days in which it could be opened again it shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from helpdesk import auth, comments, policy, tickets, workflow
from helpdesk.errors import BadLink, Conflict, NotFound
from helpdesk.policy import Actor
from models import ActorKind, Channel, Role, Status, now

FIXED, BROKEN = "fixed", "broken"


@dataclass(frozen=True)
class Asked:
    """Who is asked what about which ticket, and whether it is still to be answered."""

    says: str
    actor: Actor
    ticket: Any
    is_open: bool
    has_account: bool


def ask(text: str, *, peer: str | None, request_id: str | None) -> Asked:
    """What a link leads to. Changes nothing. Raises BadLink, for every cause alike."""
    verdict, actor = _holder(text, peer=peer, request_id=request_id)
    try:
        ticket = policy.get_ticket(actor, verdict.ticket_id)
    except NotFound:
        raise BadLink from None
    if ticket.side != policy.Side.REPORTER:  # it was reported for somebody else, as it turned out
        raise BadLink
    return Asked(verdict.says, actor, ticket, _still_asks(ticket, verdict), verdict.user.password_hash is not None)


def _holder(text: str, *, peer: str | None, request_id: str | None) -> tuple[auth.Verdict, Actor]:
    verdict = auth.read_verdict_token(text)
    if auth.resolution(now() - timedelta(days=workflow.REOPEN_DAYS)) >= verdict.resolution:
        raise BadLink
    user = verdict.user
    # as the reporter alone, also where they have more rights
    actor = Actor(
        id=user.id, role=Role.CUSTOMER, kind=ActorKind.GUEST, name=user.name, peer=peer, request_id=request_id
    )  # fmt: skip
    return verdict, actor


def _still_asks(ticket: Any, verdict: auth.Verdict) -> bool:
    at = ticket.resolved_at
    return ticket.status == Status.RESOLVED and at is not None and auth.resolution(at) == verdict.resolution


def answer(text: str, words: str, *, peer: str | None, request_id: str | None) -> None:
    """Close it, or open it again, with what they say is still wrong. Writes.

    Raises BadLink; Conflict where the ticket moved on.
    """
    verdict, actor = _holder(text, peer=peer, request_id=request_id)
    try:
        ticket = policy.take_ticket(actor, verdict.ticket_id)
    except NotFound:
        raise BadLink from None
    if ticket.reporter_id != actor.id:
        raise BadLink
    if not _still_asks(ticket, verdict):
        raise Conflict("It is not resolved any more as it was when we asked.")
    if verdict.says == FIXED:
        tickets.edit(actor, ticket, {"status": Status.CLOSED})
    elif words:
        comments.add(actor, ticket, words, channel=Channel.WEB)  # which opens it again
    else:
        tickets.edit(actor, ticket, {"status": Status.OPEN})
