"""People: one's own account and sessions, looking others up, inviting and looking after them."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import auth, inbound, people, users
from helpdesk.limits import INVITE, check
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    AcceptedShape,
    EditMeShape,
    EditUserShape,
    InviteShape,
    MeShape,
    PageQuery,
    SessionShape,
    UserCountsShape,
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
    auth.end_session(actor.id, session_id)


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
    """Invite somebody by mail. The link sets their password and is good for 72 hours.

    409 for who was invited already: `POST /api/users/{user_id}/invite` sends another link.
    """
    check(INVITE, str(actor.id))
    http.begin(actor)
    user = users.invite(actor, body)
    return Answer(users.show_one(actor, user.id), headers={"Location": f"/api/users/{user.id}"})


@api.call("GET", "/counts", Action.USER_WRITE, out=UserCountsShape)
def counts(actor: Actor) -> dict[str, Any]:
    """Count people: all of them, by role, and by how their accounts stand."""
    return people.counts(actor)


@api.call("GET", ONE, Action.USER_READ, out=UserShape)
def show(actor: Actor, user_id: int) -> dict[str, Any]:
    """Get a person, as far as one may look."""
    return users.show_one(actor, user_id)


@api.call("PUT", ONE, Action.USER_WRITE, body=EditUserShape, out=UserShape, if_match=True, raises=(409,))
@api.call("PATCH", ONE, Action.USER_WRITE, body=EditUserShape, out=UserShape, if_match=True, raises=(409,))
def edit(actor: Actor, user_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change somebody's name, username, role, team, or whether they may log in. 409 for the last admin."""
    http.begin(actor)
    user = users.take(actor, user_id, Action.USER_WRITE)
    http.expect_version(user.version, lambda: users.show_one(actor, user_id))
    users.edit(actor, user, body)
    return users.show_one(actor, user_id)


@api.call("DELETE", ONE, Action.USER_ERASE, status=204, if_match=True, raises=(409,))
def erase(actor: Actor, user_id: int) -> None:
    """Erase somebody.

    No name, no address and no photo of theirs is left; what they wrote stays, under “Deleted user”. 409 for the last
    admin.
    """
    named = inbound.naming(user_id)
    http.begin(actor)
    user = users.take(actor, user_id, Action.USER_ERASE)
    http.expect_version(user.version, lambda: users.show_one(actor, user_id))
    users.erase(actor, user, named)


@api.call(
    "POST", f"{ONE}/invite", Action.USER_INVITE, out=AcceptedShape, status=202, creates=True, limited=True,
    raises=(409,),
)  # fmt: skip
def invite_again(actor: Actor, user_id: int) -> dict[str, Any]:
    """Mail who was invited and never came another link. The first ends. 409 for who has a password."""
    check(INVITE, str(actor.id))
    http.begin(actor)
    people.invite_again(actor, user_id)
    return {"detail": "The invitation is on its way."}


@api.call(
    "POST", f"{ONE}/password-link", Action.USER_WRITE, out=AcceptedShape, status=202, creates=True, limited=True,
    raises=(409,),
)  # fmt: skip
def send_password_link(actor: Actor, user_id: int) -> dict[str, Any]:
    """Mail somebody a link that sets a new password. 409 for who has none yet: invite them."""
    people.limit_password_links(actor, user_id)
    http.begin(actor)
    people.send_password_link(actor, user_id)
    return {"detail": "The link is on its way."}


@api.call("DELETE", f"{ONE}/bounce", Action.USER_WRITE, status=204)
def let_mails_go(actor: Actor, user_id: int) -> None:
    """Send mails again to somebody whose address did not work."""
    http.begin(actor)
    people.let_mails_go(actor, user_id)


@api.call("GET", f"{ONE}/sessions", Action.USER_WRITE, query=PageQuery, out=page_of(SessionShape))
def sessions_of(actor: Actor, user_id: int, query: dict[str, Any]) -> Answer:
    """List where somebody is signed in, newest first."""
    return http.page(*people.sessions(actor, user_id, **query))


@api.call("DELETE", f"{ONE}/sessions", Action.USER_WRITE, status=204)
def end_sessions_of(actor: Actor, user_id: int) -> None:
    """Sign somebody out everywhere; oneself everywhere else."""
    http.begin(actor)
    people.end_sessions(actor, user_id)


@api.call("DELETE", f"{ONE}/sessions/{http.ID.format('session_id')}", Action.USER_WRITE, status=204)
def end_session_of(actor: Actor, user_id: int, session_id: int) -> None:
    """Sign somebody out in one place."""
    http.begin(actor)
    people.end_session(actor, user_id, session_id)
