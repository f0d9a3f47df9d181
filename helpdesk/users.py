"""People: one's own account, and the staff and reporters that others look up and look after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, false, func, literal, or_, select, true

from helpdesk import (
    audit,
    auth,
    images,
    inbound,
    jobs,
    limits,
    notifications,
    paging,
    policy,
    search,
    tasks,
    teams,
    tickets,
    workflow,
)
from helpdesk.errors import BadLink, Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Taken
from helpdesk.policy import Action, Actor
from helpdesk.schemas import MeShape, SessionShape, UserShape
from helpdesk.settings import setting
from models import (
    LONG_AGO,
    BulkEdit,
    DigestItem,
    Draft,
    IdempotencyKey,
    Job,
    JobState,
    Membership,
    OneTimeToken,
    Presence,
    ReplyAddress,
    ReportSubscription,
    Role,
    Rows,
    SavedReply,
    SavedView,
    Session,
    Task,
    TaskStatus,
    Team,
    Ticket,
    TicketRead,
    TicketReport,
    TokenPurpose,
    User,
    UserState,
    begin_write,
    db,
    fetch,
    now,
)

_me, _user, _session = MeShape(), UserShape(), SessionShape()
DELETED = "Deleted user"
LAST_ADMIN = "This is the last admin: make somebody else one first."


# --- one's own account ------------------------------------------------------------------------------------------------

_me_select = (
    select(
        User.id, User.username, User.name, User.email, User.role, User.is_active, User.locale, User.time_zone,
        User.theme, User.has_shortcuts, User.notifications, User.bounced_at, User.created_at, User.updated_at,
        policy.last_seen().label("last_seen_at"),
        Team.id.label("team_id"), Team.slug.label("team_slug"), Team.name.label("team_name"),
    )
    .outerjoin(Membership, Membership.user_id == User.id)
    .outerjoin(Team, Team.id == Membership.team_id)
    .where(User.id == bindparam("user_id"))
)  # fmt: skip


def me(user_id: int | None) -> dict[str, Any]:
    return _me.dump_row(fetch(_me_select, {"user_id": user_id}).one())


def edit_me(actor: Actor, data: Mapping[str, Any]) -> None:
    """Change one's own account. A new address counts once its link was opened. Raises Invalid, Forbidden.

    Begins its own writing, for checking the password takes long.
    """
    data = dict(data)
    email, password = data.pop("email", None), data.pop("current_password", None)
    user = db.session.get_one(User, actor.id)
    moving = email is not None and auth.normalize_email(email) != user.email_normalized
    verified = None
    if moving:
        if password is None:
            raise Invalid({"current_password": ["Give your password to change your address."]})
        auth.check_registration_domain(email)
        verified = auth.require_password(actor, user, password)
        limits.check(limits.NEW_ADDRESS, str(actor.id))
    begin_write()
    own = auth.take_user(actor.id) if verified is None else auth.take_verified(actor, verified)
    if own is None or not own.is_active:
        raise NotSignedIn("The session has ended.", token_was_bad=True)
    if moving:
        token = auth.make_link_token(TokenPurpose.NEW_ADDRESS, user_id=own.id, email=email)
        payload = {"kind": "new_address", "token_id": token.id, "user_id": own.id, "to": email}
        jobs.enqueue("mail", payload, request_id=actor.request_id)
    if "notifications" in data:
        data["notifications"] = {**own.notifications, **data["notifications"]}
    for name, value in data.items():
        setattr(own, name, value)
    own.updated_at = now()
    if "name" in data:
        own.version += 1
        jobs.enqueue("index_tickets", {"reporter_id": own.id}, request_id=actor.request_id)


def end_mails(user_id: int, kind: str) -> None:
    """Send somebody no more mails of a kind: whoever opens the link in one may say so."""
    user = db.session.get_one(User, user_id)
    user.notifications = {**user.notifications, kind: notifications.OFF}


def confirm_address(text: str, *, peer: str, request_id: str | None) -> None:
    """Make the proven address the account's, and tell the old one. Raises BadLink, Taken."""
    user = auth.take_user(auth.read_link(text, TokenPurpose.NEW_ADDRESS).user_id)
    token = auth.read_link(text, TokenPurpose.NEW_ADDRESS, lock=True)
    if user is None or not user.is_active:
        raise BadLink
    email, old = token.payload["email"], user.email
    taken = select(User.id).where(User.email_normalized == auth.normalize_email(email), User.id != user.id)
    if db.session.scalar(taken) is not None:
        raise Taken("email", "This address belongs to another account.")
    user.email, user.email_normalized = email, auth.normalize_email(email)
    user.email_verified_at = user.updated_at = token.used_at = now()
    auth.is_reached(user)
    auth.flush_unique()
    auth.end_links(user.id, TokenPurpose.RESET)
    jobs.enqueue("index_tickets", {"reporter_id": user.id}, request_id=request_id)
    audit.record("address.changed", actor_id=user.id, target=f"user:{user.id}", peer=peer, request_id=request_id)
    if old:
        jobs.enqueue("mail", {"kind": "address_changed", "user_id": user.id, "to": old}, request_id=request_id)


def sessions(
    actor: Actor, *, limit: int, cursor: str | None, of: int | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of where one is signed in, newest first; or `of` whom, for who may look after them: `people.sessions`."""
    if of is not None:
        policy.require(actor, Action.USER_WRITE)
    user_id = actor.id if of is None else of

    def build(after: bool) -> Rows:
        return paging.ordered(auth.sessions_of(actor, user_id), {"id": (Session.id, Session.id)}, "-id", after=after)

    found = paging.page(build, {}, of=f"sessions|{user_id}", limit=limit, cursor=cursor)
    return [_session.dump_row(row) for row in found.rows], found.next_cursor


# --- looking people up ------------------------------------------------------------------------------------------------

FILTERS: dict[str, Callable[[str], ColumnElement[bool]]] = {
    "role": lambda name: User.role.in_(bindparam(name, expanding=True)),
    "team": lambda name: Team.slug.in_(bindparam(name, expanding=True)),
    "is_active": lambda name: User.is_active == bindparam(name),
    "bounced": lambda name: User.bounced_at.is_not(None),
    "reached": lambda name: User.bounced_at.is_(None),
    # as the indexes have it that know no others
    UserState.ACTIVE: lambda name: and_(User.is_active == true(), User.password_hash.is_not(None)),
    UserState.INVITED: lambda name: and_(
        User.is_active == true(), User.password_hash.is_(None), User.username.is_not(None)
    ),
    UserState.GUEST: lambda name: and_(User.is_active == true(), User.password_hash.is_(None), User.username.is_(None)),
    UserState.DEACTIVATED: lambda name: User.is_active == false(),
}


def _matches(wide: bool) -> ColumnElement[bool]:
    """The beginning of any word of a name, or of an address, as far as the addresses may be seen."""
    start: Any = bindparam("q_start")
    inside: Any = bindparam("q_inside")
    # with a space before it, each of its words stands behind one: a single comparison, at a hundred thousand names
    name = literal(" ").concat(func.lower(User.name))
    address: ColumnElement[bool] = User.email_normalized.like(start, escape="\\")
    if not wide:
        address = (User.role == Role.CUSTOMER) & address
    return or_(address, name.like(inside, escape="\\"))


ORDER: paging.Order = {
    "name": (User.name, User.id),
    "id": (User.id, User.id),
    "role": (User.role, User.id),
    "last_seen_at": (User.last_seen_at, User.id),
}
ADMINS_ORDERS = frozenset({"last_seen_at"})
"""By what only admins are shown."""


@lru_cache(maxsize=128)
def _listed(role: Role, names: frozenset[str], sort: str, after: bool) -> Rows:
    statement = policy.visible_users(role)
    for name in sorted(names):
        statement = statement.where(_matches(role == Role.ADMIN) if name == "q" else FILTERS[name](name))
    return paging.ordered(statement, ORDER, sort, after=after)


def listing(
    actor: Actor, filters: Mapping[str, Any], *, sort: str, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """The people somebody may look up. Raises Forbidden, Invalid."""
    policy.require(actor, Action.USER_READ)
    role = actor.role or Role.CUSTOMER
    values = dict(filters)
    if role != Role.ADMIN and ("state" in values or "is_bounced" in values or sort.removeprefix("-") in ADMINS_ORDERS):
        raise Forbidden("Only admins see when people were here, and how their accounts stand.")
    if (state := values.pop("state", None)) is not None:
        values[state] = True
    if (is_bounced := values.pop("is_bounced", None)) is not None:
        values["bounced" if is_bounced else "reached"] = True
    names = frozenset(values)
    if "q" in values:
        q = values.pop("q").lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values |= {"q_start": f"{q}%", "q_inside": f"% {q}%"}
    found = paging.page(
        lambda after: _listed(role, names, sort, after), values, of=f"users|{sort}", limit=limit, cursor=cursor
    )
    return [_user.dump_row(row) for row in found.rows], found.next_cursor


@lru_cache(maxsize=4)
def _staff(role: Role) -> Rows:
    visible = policy.visible_users(role).where(User.is_active, User.role.in_((Role.AGENT, Role.ADMIN)))
    return visible.order_by(User.name, User.id)


def staff(actor: Actor) -> list[dict[str, Any]]:
    """Everybody who can be given work, by name: what an assignee is chosen from. Raises Forbidden."""
    policy.require(actor, Action.USER_READ)
    return [_user.dump_row(row) for row in fetch(_staff(actor.role or Role.CUSTOMER))]


@lru_cache(maxsize=4)
def _one(role: Role) -> Rows:
    return policy.visible_users(role).where(User.id == bindparam("user_id"))


def show_one(actor: Actor, user_id: int) -> dict[str, Any]:
    """Raises Forbidden, NotFound."""
    policy.require(actor, Action.USER_READ)
    row = fetch(_one(actor.role or Role.CUSTOMER), {"user_id": user_id}).one_or_none()
    if row is None:
        raise NotFound
    return _user.dump_row(row)


def demo_admin() -> str | None:
    """The address of an admin whom the published password of insert_dummy_data.py lets in."""
    admins = select(User.email, User.password_hash).where(
        User.role == Role.ADMIN, User.is_active, User.email_normalized.endswith("@campus.test")
    )
    return next(
        (row.email for row in db.session.execute(admins) if auth.is_password("campus-demo", row.password_hash)), None
    )


# --- looking after them -----------------------------------------------------------------------------------------------


def invite(actor: Actor, data: Mapping[str, Any]) -> User:
    """Make an account, of a guest's too, and mail a link that sets its password. Raises Forbidden, Taken, Invalid."""
    policy.require(actor, Action.USER_INVITE)
    email = auth.normalize_email(data["email"])
    user = db.session.scalar(select(User).where(User.email_normalized == email).with_for_update(key_share=True))
    if user is not None and user.password_hash is not None:
        raise Taken("email", "Somebody with this address has an account already.")
    if user is not None and user.username is not None:  # what was said of them stays: `people.invite_again`
        raise Taken("email", "Somebody with this address was invited already.")
    username = free_username(data.get("username"), email, user.id if user else None)
    if user is None:
        user = User(
            email=data["email"].strip(), email_normalized=email, locale=setting("DEFAULT_LOCALE"), is_active=True,
            version=0,
        )  # fmt: skip
        db.session.add(user)
    user.version += 1
    user.name, user.role, user.is_active, user.updated_at = data["name"], data["role"], True, now()
    user.username = username
    auth.flush_unique()
    _set_team(user, data.get("team_id"))
    mail_invitation(user, request_id=actor.request_id)
    audit.record("user.invited", actor=actor, target=f"user:{user.id}", role=user.role, team=team_of(user.id))
    return user


def of_address(actor: Actor, email: str) -> dict[str, Any] | None:
    """Whose address this is. Raises Forbidden."""
    policy.require(actor, Action.USER_INVITE)
    user_id = db.session.scalar(select(User.id).where(User.email_normalized == auth.normalize_email(email)))
    return None if user_id is None else show_one(actor, user_id)


def mail_invitation(user: User, *, request_id: str | None) -> None:
    """Mail a link that sets somebody's first password; the one before it ends."""
    token = auth.make_link_token(
        TokenPurpose.INVITE, user_id=user.id, username=user.username, email=user.email, name=user.name
    )
    payload = {"kind": "invitation", "token_id": token.id, "user_id": user.id}
    jobs.enqueue("mail", payload, request_id=request_id)


def free_username(wanted: str | None, email: str, user_id: int | None) -> str:
    """The one asked for, or the beginning of the address with the first number that is free."""
    if wanted is not None:
        if _username_taken(wanted, user_id):
            raise Taken("username", "This username is taken. Choose another.")
        return wanted
    stem = "".join(c for c in email.partition("@")[0] if (c.isascii() and c.isalnum()) or c in "._-")[:28].strip("._-")
    candidates = (f"{stem or 'user'}{number}" for number in ["", *range(2, 10_000)])
    return next(name for name in candidates if len(name) >= 2 and not _username_taken(name, user_id))


def _username_taken(username: str, user_id: int | None) -> bool:
    return db.session.scalar(select(User.id).where(User.username == username, User.id != (user_id or 0))) is not None


def _set_team(user: User, team_id: int | None) -> None:
    if team_id is not None and db.session.get(Team, team_id) is None:
        raise Invalid({"team_id": ["Choose a team."]})
    if team_id is not None:
        teams.place(user.id, team_id)
    else:
        teams.take_out(user.id)


def take(actor: Actor, user_id: int, action: Action) -> User:
    """Somebody to change, with all admins locked, so that two of them cannot remove each other at once."""
    policy.require(actor, action)
    admins = select(User.id).where(User.role == Role.ADMIN).order_by(User.id).with_for_update(key_share=True)
    db.session.execute(admins).all()
    user = db.session.get(User, user_id)
    if user is None or user.erased_at is not None:
        raise NotFound
    return user


def other_admins(user_id: Any) -> Select[int]:
    """Those besides somebody who can log in and run the desk: who was invited and never came cannot."""
    others = select(User.id).where(User.role == Role.ADMIN, User.is_active, User.password_hash.is_not(None))
    return others.where(User.id != user_id).limit(1)


def _check_not_last_admin(user: User) -> None:
    if user.role == Role.ADMIN and user.is_active and db.session.scalar(other_admins(user.id)) is None:
        raise Conflict(LAST_ADMIN)


def edit(actor: Actor, user: User, data: Mapping[str, Any]) -> None:
    """Change somebody's name, username, role, team, or whether they may log in. Raises Conflict, Taken, Invalid."""
    policy.require(actor, Action.USER_WRITE)
    before = {"role": user.role, "is_active": user.is_active}
    was_called, team_before = (user.name, user.username), team_of(user.id)
    if data.get("role", user.role) != Role.ADMIN or not data.get("is_active", True):
        _check_not_last_admin(user)
    if "username" in data and _username_taken(data["username"], user.id):
        raise Taken("username", "This username is taken. Choose another.")
    if "team_id" in data:
        _set_team(user, data["team_id"])
    for name in ("name", "username", "role", "is_active"):
        if name in data:
            setattr(user, name, data[name])
    user.updated_at = now()
    user.version += 1
    auth.flush_unique()
    if "name" in data:
        jobs.enqueue("index_tickets", {"reporter_id": user.id}, request_id=actor.request_id)
    if not user.is_active:
        auth.end_sessions(user.id)
    if (user.role, user.is_active) != (before["role"], before["is_active"]):
        # an answer of then may say what they may not read now
        db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.user_id == user.id))
        if not user.is_active or user.role == Role.CUSTOMER:
            _hand_back_work(actor, user)
        if user.role == Role.CUSTOMER:
            teams.take_out(user.id)
    for name, old in before.items():
        if getattr(user, name) != old:
            change = {"before": old, "after": getattr(user, name)}
            audit.record(f"user.{name}.changed", actor=actor, target=f"user:{user.id}", **change)
    _name_on_record(actor, user, was_called)
    db.session.flush()
    if (team := team_of(user.id)) != team_before:
        audit.record("user.team.changed", actor=actor, target=f"user:{user.id}", before=team_before, after=team)


def team_of(user_id: int) -> str | None:
    """What somebody's team is called."""
    named = select(Team.name).join(Membership, Membership.team_id == Team.id).where(Membership.user_id == user_id)
    return db.session.scalar(named)


def _name_on_record(actor: Actor, user: User, before: tuple[str, str | None]) -> None:
    """That somebody is called otherwise; not how, for what is on record outlives who they were."""
    pairs = zip(("name", "username"), before, (user.name, user.username), strict=True)
    fields = [field for field, old, new in pairs if old != new]
    if fields:
        audit.record("user.changed", actor=actor, target=f"user:{user.id}", fields=fields)


def _hand_back_work(actor: Actor, user: User) -> None:
    """What somebody had and cannot do any more goes back to where it is seen: it has nobody."""
    mine = select(Ticket.id).where(Ticket.assignee_id == user.id, Ticket.status.not_in(workflow.ENDED))
    for ticket_id in list(db.session.scalars(mine.order_by(Ticket.id))):
        tickets.edit(actor, tickets.take(actor, ticket_id), {"assignee_id": None})
    todo = select(Task.id).where(Task.assignee_id == user.id, Task.status != TaskStatus.DONE)
    for task_id in list(db.session.scalars(todo.order_by(Task.id))):
        tasks.edit(actor, tasks.take(actor, task_id), {"assignee_id": None})


def _forget_answers(user: User) -> None:
    """What is kept to be repeated may name them: those answers are given once only."""
    names = [orjson.dumps(text) for text in (user.email, user.name) if text]
    for row in db.session.scalars(select(IdempotencyKey)).all():
        if row.user_id == user.id or any(name in row.body for name in names):
            db.session.delete(row)


def erase(actor: Actor, user: User, named: inbound.Named | None = None) -> None:
    """Take away everything that says who they were, and their photos; what they wrote stays, under DELETED.

    `named` is what `inbound.naming` found before the writing began. Raises Conflict.
    """
    policy.require(actor, Action.USER_ERASE)
    _check_not_last_admin(user)
    at = now()
    _forget_answers(user)
    inbound.forget_person(user, named)
    _hand_back_work(actor, user)
    joined = select(TicketReport.ticket_id).where(TicketReport.user_id == user.id, TicketReport.left_at.is_(None))
    for ticket_id in list(db.session.scalars(joined.order_by(TicketReport.ticket_id))):
        tickets.leave(actor, tickets.take(actor, ticket_id), user.id)
    db.session.execute(delete(OneTimeToken).where(OneTimeToken.subject == user.email_normalized))
    user.username = user.email = user.email_normalized = user.password_hash = user.time_zone = None
    user.name, user.is_active, user.role, user.notifications = DELETED, False, Role.CUSTOMER, {}
    user.email_verified_at = user.bounced_at = user.bounce_noted_at = None
    user.last_seen_at = LONG_AGO
    user.erased_at = user.updated_at = at
    user.version += 1
    for model in (
        Session, OneTimeToken, Membership, Draft, Presence, TicketRead, DigestItem, ReplyAddress, ReportSubscription,
    ):  # fmt: skip
        db.session.execute(delete(model).where(model.user_id == user.id))
    for kept in (SavedReply, SavedView):
        db.session.execute(delete(kept).where(kept.owner_id == user.id))
    db.session.execute(delete(BulkEdit).where(BulkEdit.actor_id == user.id))
    db.session.execute(delete(Job).where(Job.state != JobState.DONE, Job.payload["user_id"].as_integer() == user.id))
    images.forget_person(actor, user.id)
    db.session.flush()
    search.index_of_person(user.id)
    audit.record("user.erased", actor=actor, target=f"user:{user.id}")
