"""From one team to another: who sends it there says why, and who had it before has it no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from helpdesk.errors import Invalid
from helpdesk.events import Change
from helpdesk.tickets.fields import team_of
from models import Category, Membership, Ticket, db

WHY = "Say why it leaves its team."


def expect_reason(ticket: Ticket, data: Mapping[str, Any]) -> None:
    """Nothing is asked for a first team, or where the category that is set brings the team along: that one is the
    reason. Raises Invalid."""
    to = data.get("team_id", ticket.team_id)
    if ticket.team_id is None or to == ticket.team_id or data.get("handoff_reason"):
        return
    if (
        to is not None
        and "category" in data
        and db.session.scalar(select(Category.team_id).where(Category.slug == data["category"])) == to
    ):
        return
    team_of(to)
    raise Invalid({"handoff_reason": [WHY]})


def release(ticket: Ticket, data: Mapping[str, Any], *, left: int | None) -> list[Change]:
    """What goes with leaving a team: it was passed on, the reason is on record, and if it went to another, nobody has
    it any more who is not in that one, unless somebody was named in the same breath."""
    if left is None:
        return []
    changes, reason = [], data.get("handoff_reason")
    has_it = ticket.team_id is not None and ticket.assignee_id is not None
    if has_it and "assignee_id" not in data and not _works_there(ticket):
        changes.append(Change("assignee", before_user=ticket.assignee_id))
        ticket.assignee_id = None
    if reason:
        changes.append(Change("handoff", after=reason))
    if reason or ticket.team_id is not None:  # not where its team was deleted
        ticket.handoff_count += 1
    return changes


def _works_there(ticket: Ticket) -> bool:
    membership = select(Membership.user_id).where(
        Membership.user_id == ticket.assignee_id, Membership.team_id == ticket.team_id
    )
    return db.session.scalar(membership) is not None
