"""People: one's own account and sessions, looking others up, inviting and looking after them."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import auth, users
from helpdesk.limits import INVITE, check
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    EditMeShape,
    EditUserShape,
    InviteShape,
    MeShape,
    PageQuery,
    SessionShape,
    UserQuery,
    UserShape,
    page_of,
)

api = Doors("users", __name__, url_prefix="/api/users")
ONE = f"/{http.ID.format('user_id')}"


@api.call("GET", "/me", Action.ACCOUNT_USE, out=MeShape)
def me(actor: Actor) -> dict[str, Any]:
    """Get one's own account."""
    return users.me(actor.id)


@api.call("PUT", "/me", Action.ACCOUNT_USE, body=EditMeShape, out=MeShape, limited=True)
@api.call("PATCH", "/me", Action.ACCOUNT_USE, body=EditMeShape, out=MeShape, limited=True)
def edit_me(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Change one's own account.

    A new address needs the current password and counts once the link sent there was opened; the old one is told.
    """
    users.edit_me(actor, body)
    return users.me(actor.id)


@api.call("GET", "/me/sessions", Action.ACCOUNT_USE, query=PageQuery, out=page_of(SessionShape))
def sessions(actor: Actor, query: dict[str, Any]) -> Answer:
    """List where one is signed in, newest first."""
    return http.page(*users.sessions(actor, **query))


@api.call("DELETE", "/me/sessions", Action.ACCOUNT_USE, status=204)
def end_sessions(actor: Actor) -> None:
    """Sign out everywhere else."""
    http.begin(actor)
    auth.end_sessions(actor.id or 0, but=actor.session_id)


@api.call("DELETE", f"/me/sessions/{http.ID.format('session_id')}", Action.ACCOUNT_USE, status=204)
def end_session(actor: Actor, session_id: int) -> None:
    """Sign out in one place."""
    http.begin(actor)
    auth.end_session(actor, session_id)


@api.call("GET", "", Action.USER_READ, query=UserQuery, out=page_of(UserShape))
def listing(actor: Actor, query: dict[str, Any]) -> Answer:
    """Look people up.

    Admins see all of everybody. Agents see colleagues' name, role and team, and reporters' address; `null` elsewhere.
    """
    page = {name: query.pop(name) for name in ("sort", "limit", "cursor")}
    return http.page(*users.listing(actor, query, **page))


@api.call(
    "POST", "", Action.USER_INVITE, body=InviteShape, out=UserShape, status=201, creates=True, limited=True,
    raises=(409,),
)  # fmt: skip
def invite(actor: Actor, body: dict[str, Any]) -> Answer:
    """Invite somebody by mail. The link sets their password and is good for 72 hours; inviting again sends another."""
    check(INVITE, str(actor.id))
    http.begin(actor)
    user = users.invite(actor, body)
    return Answer(users.show_one(actor, user.id), headers={"Location": f"/api/users/{user.id}"})


@api.call("GET", ONE, Action.USER_READ, out=UserShape)
def show(actor: Actor, user_id: int) -> dict[str, Any]:
    """Get a person, as far as one may look."""
    return users.show_one(actor, user_id)


@api.call("PUT", ONE, Action.USER_WRITE, body=EditUserShape, out=UserShape, raises=(409,))
@api.call("PATCH", ONE, Action.USER_WRITE, body=EditUserShape, out=UserShape, raises=(409,))
def edit(actor: Actor, user_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change somebody's name, username, role, team, or whether they may log in. 409 for the last admin."""
    http.begin(actor)
    users.edit(actor, users.take(actor, user_id, Action.USER_WRITE), body)
    return users.show_one(actor, user_id)


@api.call("DELETE", ONE, Action.USER_ERASE, status=204, raises=(409,))
def erase(actor: Actor, user_id: int) -> None:
    """Erase somebody: no name, no address; what they wrote stays, under “Deleted user”. 409 for the last admin."""
    http.begin(actor)
    users.erase(actor, users.take(actor, user_id, Action.USER_ERASE))
