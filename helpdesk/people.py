"""Looking after people, beside changing what they are: how many there are, where they are signed in, links to come in,
and what else changes when somebody's role does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, false, func, select

from helpdesk import audit, auth, limits, policy, tickets, users, workflow
from helpdesk.errors import Conflict
from helpdesk.policy import Action, Actor
from models import Role, Task, TaskStatus, Ticket, User, UserState, fetch

# --- how many ---------------------------------------------------------------------------------------------------------


def _number(*conditions: ColumnElement[bool]) -> Any:
    """How many there are, not counted further than is said."""
    found = select(User.id).where(User.erased_at.is_(None), *conditions).limit(tickets.COUNTED_UP_TO + 1)
    return select(func.count()).select_from(found.subquery()).scalar_subquery()


@lru_cache(maxsize=1)
def _counted() -> Select[Any]:
    return select(
        _number().label("total"),
        *(_number(User.role == role).label(role.value) for role in (Role.ADMIN, Role.AGENT, Role.CUSTOMER)),
        *(_number(users.FILTERS[state](state)).label(state.value) for state in UserState),
        _number(User.bounced_at.is_not(None)).label("bounced"),
    )


def counts(actor: Actor) -> dict[str, dict[str, Any]]:
    """How many people there are in all, of each role, and of each `UserState`. One statement. Raises Forbidden."""
    policy.require(actor, Action.USER_WRITE)
    return {name: tickets.capped(number) for name, number in fetch(_counted()).one()._mapping.items()}


# --- where they are signed in -----------------------------------------------------------------------------------------


def sessions(
    actor: Actor, user_id: int, *, limit: int, cursor: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of where somebody is signed in, newest first. Raises Forbidden, NotFound."""
    users.show_one(actor, user_id)
    return users.sessions(actor, of=user_id, limit=limit, cursor=cursor)


def end_session(actor: Actor, user_id: int, session_id: int) -> None:
    """Sign somebody out in one place. Raises Forbidden, NotFound."""
    policy.require(actor, Action.USER_WRITE)
    auth.end_session(user_id, session_id)
    audit.record("user.session.ended", actor=actor, target=f"user:{user_id}", session=session_id)


def end_sessions(actor: Actor, user_id: int) -> int:
    """Sign somebody out everywhere; oneself everywhere else. Returns how many sessions that were.

    Raises Forbidden, NotFound.
    """
    policy.require(actor, Action.USER_WRITE)
    users.show_one(actor, user_id)
    ended = auth.end_sessions(user_id, but=actor.session_id if user_id == actor.id else None)
    audit.record("user.sessions.ended", actor=actor, target=f"user:{user_id}", count=ended)
    return ended


# --- links to come in -------------------------------------------------------------------------------------------------


def invite_again(actor: Actor, user_id: int) -> None:
    """Mail who was invited and never came another link; the first ends. Raises Forbidden, NotFound, Conflict."""
    user = users.take(actor, user_id, Action.USER_INVITE)
    if not user.is_active:
        raise Conflict("The account is deactivated: activate it first.")
    if user.password_hash is not None:
        raise Conflict("They have chosen a password already: send a link for a new one.")
    if user.username is None:
        raise Conflict("They have no account: invite them by their address.")
    users.mail_invitation(user, request_id=actor.request_id)
    audit.record("user.invited_again", actor=actor, target=f"user:{user.id}")


def send_password_link(actor: Actor, user_id: int) -> None:
    """Mail somebody a link that sets a new password. Raises Forbidden, NotFound, Conflict."""
    user = users.take(actor, user_id, Action.USER_WRITE)
    if not user.is_active:
        raise Conflict("The account is deactivated: activate it first.")
    if user.password_hash is None:
        raise Conflict("They have no password yet: invite them.")
    auth.send_reset(user, request_id=actor.request_id)
    audit.record("user.password_link.sent", actor=actor, target=f"user:{user.id}")


def let_mails_go(actor: Actor, user_id: int) -> None:
    """Send mails to somebody again, whose address did not work. Raises Forbidden, NotFound."""
    auth.is_reached(users.take(actor, user_id, Action.USER_WRITE), actor)


def limit_password_links(actor: Actor, user_id: int) -> None:
    """Count one against what their mailbox is sent, whoever asks for it. Not while writing.

    Raises Forbidden, NotFound, TooMany.
    """
    policy.require(actor, Action.USER_WRITE)
    shown = users.show_one(actor, user_id)
    limits.check(limits.RESET_MAILS, auth.normalize_email(shown["email"] or ""))


# --- what a change brings with it -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """What somebody has in hands, and whether anybody else could run the desk."""

    tickets: int
    """Unfinished ones that are theirs."""
    tasks: int
    reported: int
    """Tickets that they reported: counted up to COUNTED_UP_TO + 1."""
    is_last_admin: bool


@lru_cache(maxsize=1)
def _standing() -> Select[Any]:
    of: Any = bindparam("user_id", type_=User.id.type)
    todo = select(func.count()).where(Task.assignee_id == of, Task.status != TaskStatus.DONE)
    theirs = select(func.count()).where(
        Ticket.assignee_id == of, Ticket.held == false(), Ticket.status.not_in(workflow.ENDED)
    )
    reported = select(Ticket.id).where(Ticket.reporter_id == of).limit(tickets.COUNTED_UP_TO + 1).subquery()
    return select(
        theirs.scalar_subquery().label("tickets"),
        todo.scalar_subquery().label("tasks"),
        select(func.count()).select_from(reported).scalar_subquery().label("reported"),
        users.other_admins(of).scalar_subquery().label("other_admin"),
    )


def standing(actor: Actor, user: dict[str, Any]) -> Standing:
    """Of somebody as `users.show_one` has them. One statement. Raises Forbidden."""
    policy.require(actor, Action.USER_WRITE)
    row = fetch(_standing(), {"user_id": user["id"]}).one()
    last = user["role"] == Role.ADMIN and user["state"] == UserState.ACTIVE and row.other_admin is None
    return Standing(row.tickets, row.tasks, row.reported, last)
