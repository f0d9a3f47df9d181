"""Whom the figures are mailed to: chosen by an admin among the staff, and ended by an admin or the person."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select, true

from helpdesk import audit, paging, policy
from helpdesk.errors import Invalid, NotFound, Taken
from helpdesk.policy import Action, Actor
from helpdesk.schemas import ReportSubscriptionShape
from models import ReportSubscription, Role, Rows, Team, User, db, fetch

STAFF = (Role.AGENT, Role.ADMIN)
_shape = ReportSubscriptionShape()
_ORDER: paging.Order = {"id": (ReportSubscription.id, ReportSubscription.id)}


@lru_cache(maxsize=2)
def _visible(all_of_them: bool) -> Rows:
    """Everybody's for who chooses them, else one's own."""
    return (
        select(
            ReportSubscription.id, ReportSubscription.every, ReportSubscription.sent_until,
            ReportSubscription.created_at, User.id.label("user_id"), User.name.label("user_name"),
            Team.id.label("team_id"), Team.slug.label("team_slug"), Team.name.label("team_name"),
        )
        .join(User, User.id == ReportSubscription.user_id)
        .outerjoin(Team, Team.id == ReportSubscription.team_id)
        .where(true() if all_of_them else ReportSubscription.user_id == policy.ME)
    )  # fmt: skip


@lru_cache(maxsize=4)
def _listed(all_of_them: bool, after: bool) -> Rows:
    return paging.ordered(_visible(all_of_them), _ORDER, "id", after=after)


def _sees_all(actor: Actor) -> bool:
    return policy.can(actor, Action.REPORT_SEND)


def listing(actor: Actor, *, limit: int, cursor: str | None = None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of one's own, for admins of all, in the order in which they were made. Raises Forbidden, Invalid."""
    policy.require(actor, Action.ANALYTICS_READ)
    found = paging.page(
        lambda after: _listed(_sees_all(actor), after), policy.params(actor), of="report-subscriptions", limit=limit,
        cursor=cursor,
    )  # fmt: skip
    return [_shape.dump_row(row) for row in found.rows], found.next_cursor


def show_one(actor: Actor, subscription_id: int) -> dict[str, Any]:
    """Raises Forbidden, NotFound: somebody else's is not there, but for admins."""
    policy.require(actor, Action.ANALYTICS_READ)
    one = _visible(_sees_all(actor)).where(ReportSubscription.id == bindparam("subscription_id"))
    row = fetch(one, {**policy.params(actor), "subscription_id": subscription_id}).one_or_none()
    if row is None:
        raise NotFound
    return _shape.dump_row(row)


def create(actor: Actor, data: Mapping[str, Any]) -> ReportSubscription:
    """Have the figures mailed to one of the staff. Raises Forbidden, Invalid, Taken."""
    policy.require(actor, Action.REPORT_SEND)
    # whoever gives them another at the same time waits here: for all teams there is no constraint to say no
    user = db.session.get(User, data["user_id"], with_for_update=True)
    works_here = user is not None and user.is_active and user.password_hash is not None and user.role in STAFF
    if user is None or not works_here or user.email is None:
        raise Invalid({"user_id": ["Choose somebody of the staff with a mail address."]})
    team_id = data.get("team_id")
    if team_id is not None and db.session.get(Team, team_id, with_for_update={"read": True, "key_share": True}) is None:
        raise Invalid({"team_id": ["Choose a team."]})
    same = select(ReportSubscription.id).where(
        ReportSubscription.user_id == user.id,
        ReportSubscription.every == data["every"],
        ReportSubscription.team_id.is_(None) if team_id is None else ReportSubscription.team_id == team_id,
    )
    if db.session.scalar(same) is not None:
        raise Taken("user_id", "They get this already.")
    made = ReportSubscription(user_id=user.id, every=data["every"], team_id=team_id, created_by_id=actor.id)
    db.session.add(made)
    db.session.flush()
    audit.record(
        "report_subscription.created", actor=actor, target=f"user:{user.id}", every=made.every, team_id=team_id
    )
    return made


def destroy(actor: Actor, subscription_id: int) -> None:
    """End it: one's own, or by an admin anybody's. Raises Forbidden, NotFound."""
    policy.require(actor, Action.ANALYTICS_READ)
    show_one(actor, subscription_id)
    found = db.session.get(ReportSubscription, subscription_id, with_for_update=True)
    if found is None:
        raise NotFound
    audit.record(
        "report_subscription.deleted", actor=actor, target=f"user:{found.user_id}", every=found.every,
        team_id=found.team_id,
    )  # fmt: skip
    db.session.delete(found)
    db.session.flush()
