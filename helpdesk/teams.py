"""Teams: who works in which, how much each is given by itself, and who is away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, delete, false, func, select, update

from helpdesk import audit, policy, replies, sla, tickets, vocabulary
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.policy import Action, Actor
from helpdesk.schemas import MemberShape, TeamShape
from models import (
    FAR_FUTURE,
    Category,
    Membership,
    ReportSubscription,
    Role,
    Rows,
    Team,
    Ticket,
    User,
    db,
    fetch,
    now,
)

_team, _member = TeamShape(only=("id", "slug", "name", "assigns", "version")), MemberShape()


# --- reading ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _members() -> Rows:
    """Everybody who works in a team, by name, with what they have to do."""
    unfinished = (
        select(func.count())
        .where(Ticket.assignee_id == User.id, Ticket.status.in_(tickets.UNFINISHED), Ticket.held == false())
        .correlate(User)
        .scalar_subquery()
    )
    return (
        select(
            Membership.team_id, User.id, User.name, User.role, User.is_active, Membership.capacity,
            policy.is_away().label("is_away"), policy.away_until().label("away_until"),
            User.password_hash.is_(None).label("is_invited"), unfinished.label("unfinished_count"),
        )
        .join(User, User.id == Membership.user_id)
        .order_by(User.name, User.id)
    )  # fmt: skip


def _shown(found: Iterable[Team], members: Rows) -> list[dict[str, Any]]:
    """Teams with their members, whose rows are one statement."""
    of_team: dict[int, list[dict[str, Any]]] = {}
    for row in fetch(members):
        of_team.setdefault(row.team_id, []).append(_member.dump_row(row))
    return [{**_team.dump_row(team), "members": of_team.get(team.id, [])} for team in found]


def listing(actor: Actor) -> list[dict[str, Any]]:
    """All teams by name, with their members. Two statements. Raises Forbidden."""
    policy.require(actor, Action.TEAM_READ)
    return _shown(db.session.scalars(select(Team).order_by(Team.name, Team.id)).all(), _members())


def show_one(actor: Actor, team_id: int) -> dict[str, Any]:
    """Raises Forbidden, NotFound."""
    policy.require(actor, Action.TEAM_READ)
    return _shown([vocabulary.get(Team, team_id)], _members().where(Membership.team_id == team_id))[0]


def unfinished() -> dict[int, int]:
    """Team → how many tickets it has to do, where it has any."""
    open_ = Ticket.status.in_(tickets.UNFINISHED), Ticket.held == false(), Ticket.team_id.is_not(None)
    counted = select(Ticket.team_id, func.count()).where(*open_).group_by(Ticket.team_id)
    return {row[0]: row[1] for row in fetch(counted)}


@dataclass(frozen=True)
class Use:
    """What changes once a team is deleted."""

    tickets: int
    """In no team then; so are the categories without one."""
    categories: int
    reports: int
    """Mails with its figures: nobody gets them any more."""
    own_replies: int
    """Saved replies that go back to who shared them."""
    open_replies: int
    """Those that are everybody's then."""
    views: int
    kept_by: str | None
    """Why it cannot be deleted, where it cannot."""


def used_by(team: Mapping[str, Any]) -> Use:
    """Of one as `show_one` has it."""

    def of_team(column: Any) -> Any:
        return select(func.count()).where(column == team["id"]).scalar_subquery()

    counted = select(of_team(Ticket.team_id), of_team(Category.team_id), of_team(ReportSubscription.team_id))
    tickets_, categories, reports = fetch(counted).one()
    owners = list(replies.of_team(team["id"]).values())
    everybodys = owners.count(None)
    return Use(
        tickets_, categories, reports, len(owners) - everybodys, everybodys,
        vocabulary.views_that_name(Team, team["slug"]), vocabulary.kept_by("team_ids", team["id"]),
    )  # fmt: skip


def team_of(user_id: int | None) -> int | None:
    """In which team somebody works."""
    return db.session.scalar(select(Membership.team_id).where(Membership.user_id == user_id))


# --- verbs ------------------------------------------------------------------------------------------------------------


def create(actor: Actor, data: Mapping[str, Any]) -> Team:
    """Raises Forbidden, Taken."""
    policy.require(actor, Action.TEAM_WRITE)
    made = vocabulary.save(Team(), data)
    audit.record("team.created", actor=actor, target=f"team:{made.id}", name=made.name)
    return made


def take(actor: Actor, team_id: int) -> Team:
    """One to change, locked. Raises Forbidden, NotFound."""
    policy.require(actor, Action.TEAM_WRITE)
    return vocabulary.take(Team, team_id)


def edit(actor: Actor, team: Team, data: Mapping[str, Any]) -> None:
    """Change name, slug, and whether it gives out its work by itself. Raises Taken."""
    if changed := audit.changes(team, data):
        audit.record("team.changed", actor=actor, target=f"team:{team.id}", changes=changed)
    vocabulary.save(team, data)


def destroy(actor: Actor, team: Team) -> None:
    """Delete a team that was taken; its members and tickets are then in none, and nobody gets its figures by mail. Its
    saved replies stay. Raises Conflict where the tickets are many, or a service level names it."""
    sla.policies.check_unnamed("team_ids", team.id)
    audit.record("team.deleted", actor=actor, target=f"team:{team.id}", name=team.name)
    for ticket in vocabulary.each(actor, select(Ticket.id).where(Ticket.team_id == team.id)):
        tickets.edit(actor, ticket, {"team_id": None}, asks=False)
    db.session.flush()
    db.session.get(Team, team.id, with_for_update=True)  # nothing is given to it from here on
    replies.give_back(actor, team.id)
    mailed = delete(ReportSubscription).where(ReportSubscription.team_id == team.id)
    for user_id, every in db.session.execute(mailed.returning(ReportSubscription.user_id, ReportSubscription.every)):
        audit.record(
            "report_subscription.deleted", actor=actor, target=f"user:{user_id}", every=every, team_id=team.id
        )  # fmt: skip
    db.session.execute(delete(Team).where(Team.id == team.id))


def put_member(actor: Actor, team: Team, user_id: int, data: Mapping[str, Any]) -> None:
    """Let somebody work in a team that was taken, or change how: `capacity`, `is_away`, `away_until`.

    Whoever is in another team leaves that one. Raises NotFound, Conflict for who is not of the staff, Invalid.
    """
    user = db.session.get(User, user_id)
    if user is None or user.erased_at is not None:
        raise NotFound
    if not user.is_active or user.role == Role.CUSTOMER:
        raise Conflict("Only the staff work in a team.")
    membership = place(user_id, team.id)
    if "capacity" in data:
        membership.capacity = data["capacity"]
    if data.keys() & {"is_away", "away_until"}:
        membership.away_until = _until(data.get("is_away", data.get("away_until") is not None), data.get("away_until"))
    team.version += 1
    audit.record("team.member", actor=actor, target=f"team:{team.id}", user_id=user_id, fields=sorted(data))
    db.session.flush()


def remove_member(actor: Actor, team: Team, user_id: int) -> None:
    """Take somebody out of a team that was taken. What they have to do stays theirs. Raises NotFound."""
    gone = delete(Membership).where(Membership.user_id == user_id, Membership.team_id == team.id)
    if db.session.scalar(gone.returning(Membership.user_id)) is None:
        raise NotFound
    team.version += 1
    audit.record("team.member_removed", actor=actor, target=f"team:{team.id}", user_id=user_id)
    db.session.flush()


def place(user_id: int, team_id: int) -> Membership:
    """Put somebody in a team. Who comes from another has no capacity there yet; whether they are away goes along."""
    found = db.session.scalar(select(Membership).where(Membership.user_id == user_id).with_for_update())
    if found is None:
        _note_change(team_id)
        found = Membership(user_id=user_id, team_id=team_id)
        db.session.add(found)
    elif found.team_id != team_id:
        _note_change(found.team_id, team_id)
        found.team_id, found.capacity, found.given_at = team_id, None, None
    return found


def take_out(user_id: int) -> None:
    """Let somebody be in no team."""
    gone = delete(Membership).where(Membership.user_id == user_id).returning(Membership.team_id)
    left = db.session.scalar(gone)
    if left is not None:
        _note_change(left)


def _note_change(*team_ids: int) -> None:
    """A form that shows the members of these teams is not of today any more."""
    newer = update(Team).where(Team.id.in_(team_ids)).values(version=Team.version + 1)
    db.session.execute(newer.execution_options(synchronize_session=False))


# --- away -------------------------------------------------------------------------------------------------------------


def _until(is_away: bool, until: datetime | None, field: str = "away_until") -> datetime | None:
    """What a membership holds. Raises Invalid for a time that is over."""
    if not is_away:
        return None
    if until is not None and until <= now():
        raise Invalid({field: ["Choose a time that is still to come."]})
    return until or FAR_FUTURE


def set_away(actor: Actor, until: datetime | None) -> None:
    """Say that one is away, until a time or until one says that one is back: nothing is given to one by itself.

    What one has stays. Raises Forbidden, Conflict for who is in no team, Invalid.
    """
    policy.require(actor, Action.TEAM_AWAY)
    _mine(actor).away_until = _until(True, until, "until")
    db.session.flush()


def set_back(actor: Actor) -> None:
    """Say that one is here. Doing it twice changes nothing. Raises Forbidden, Conflict."""
    policy.require(actor, Action.TEAM_AWAY)
    _mine(actor).away_until = None
    db.session.flush()


def _mine(actor: Actor) -> Membership:
    own: Select[Any] = select(Membership).where(Membership.user_id == actor.id)
    found: Membership | None = db.session.scalar(own.with_for_update())
    if found is None:
        raise Conflict("You are in no team: nothing is given to you by itself.")
    _note_change(found.team_id)
    return found
