"""Who of a team gets what is new, where its admins chose that it goes to somebody at once (`Team.assigns`)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import false, func, or_, select, update
from sqlalchemy.orm import aliased

from helpdesk import events, workflow
from helpdesk.events import Change
from helpdesk.policy import SYSTEM
from models import Membership, Role, Status, Team, Ticket, User, db

UNFINISHED = tuple(status for status in Status if status not in workflow.ENDED)
"""What counts as work that somebody has: what waits for its reporter too, for it comes back to them."""


def give(team_id: int | None, *, at: datetime) -> int | None:
    """Whose turn it is in a team that gives out its work, noted as had; None where it does not, or nobody is there.

    There is who is active, not only invited yet, not away, and has fewer unfinished tickets than their capacity. Of
    those the one with the fewest; of these the one who was given something longest ago; of these the first who came.
    The team's row is locked until the commit, so that of many tickets at once each sees what the others were given: one
    statement for a team that gives out nothing, two for one that does.
    """
    if team_id is None:
        return None
    giving = select(Team.id).where(Team.id == team_id, Team.assigns)
    if db.session.scalar(giving.with_for_update(key_share=True)) is None:
        return None
    member = aliased(Membership, name="member")
    has = (
        select(func.count())
        .where(Ticket.assignee_id == member.user_id, Ticket.status.in_(UNFINISHED), Ticket.held == false())
        .correlate(member)
        .scalar_subquery()
    )
    turn = (
        select(member.user_id)
        .join(User, User.id == member.user_id)
        .where(
            member.team_id == team_id,
            User.is_active,
            User.password_hash.is_not(None),
            User.role != Role.CUSTOMER,
            or_(member.away_until.is_(None), member.away_until <= at),
            or_(member.capacity.is_(None), has < member.capacity),
        )
        .order_by(has, member.given_at.asc().nulls_first(), member.user_id)
        .limit(1)
        .scalar_subquery()
    )
    given = update(Membership).where(Membership.user_id == turn).values(given_at=at).returning(Membership.user_id)
    return db.session.scalars(given.execution_options(synchronize_session=False)).one_or_none()


def give_out(ticket: Ticket, *, at: datetime, deed_id: str | None = None) -> None:
    """Let a ticket that nobody has go to whoever's turn it is in its team. The history says that it happened by itself.

    What is over, or not confirmed yet, is nobody’s. As a part of a deed it is told and taken back with that one.
    """
    if ticket.assignee_id is not None or ticket.held or ticket.status in workflow.ENDED:
        return
    ticket.assignee_id = give(ticket.team_id, at=at)
    if ticket.assignee_id is not None:
        given = Change("assignee", after_user=ticket.assignee_id)
        events.record(SYSTEM, given, ticket=ticket, at=at, deed_id=deed_id, tells=deed_id is None)
