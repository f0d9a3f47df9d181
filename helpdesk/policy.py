"""Who may see and do what. Every read of a ticket on a user's behalf starts here.

Two questions, two answers. *May this role ever do this?* is the role table: no means 403, before anything is loaded.
*Is this thing there for them?* is a SELECT: what it does not return does not exist for them, 404. The same SELECT
serves one ticket, lists, counts, mail and exports, and it masks columns, so that no code ever holds what the reader
must not see. Three sides look at a ticket: the staff, its reporter, and whoever joined it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from helpdesk.errors import Forbidden, NotFound, NotSignedIn
from models import (
    FAR_FUTURE,
    LONG_AGO,
    ActorKind,
    Audience,
    Building,
    Category,
    Comment,
    Event,
    Image,
    Membership,
    Role,
    Rows,
    SavedReply,
    SlaPolicy,
    Task,
    Team,
    Ticket,
    TicketRead,
    TicketReport,
    User,
    UserState,
    UTCDateTime,
    db,
    fetch,
    now,
)


class Action(StrEnum):
    """What somebody may want to do: `resource:verb`, in alphabetical order."""

    ACCOUNT_USE = "account:use"
    ANALYTICS_READ = "analytics:read"
    AUDIT_READ = "audit:read"
    BUILDING_WRITE = "building:write"
    CATEGORY_WRITE = "category:write"
    COMMENT_ADDRESS = "comment:address"
    COMMENT_CREATE = "comment:create"
    COMMENT_EDIT = "comment:edit"
    COMMENT_EDIT_ANY = "comment:edit-any"
    DESK_USE = "desk:use"
    IMAGE_CREATE = "image:create"
    IMAGE_DELETE = "image:delete"
    IMAGE_DELETE_ANY = "image:delete-any"
    JOB_MANAGE = "job:manage"
    MAIL_MANAGE = "mail:manage"
    MAIL_READ = "mail:read"
    REPLY_READ = "reply:read"
    REPLY_SHARE = "reply:share"
    REPLY_WRITE = "reply:write"
    REPORT_SEND = "report:send"
    SLA_READ = "sla:read"
    SLA_WRITE = "sla:write"
    TAG_WRITE = "tag:write"
    TASK_READ = "task:read"
    TASK_WRITE = "task:write"
    TEAM_AWAY = "team:away"
    TEAM_READ = "team:read"
    TEAM_WRITE = "team:write"
    TICKET_AFFECTED = "ticket:affected"
    TICKET_CREATE = "ticket:create"
    TICKET_CREATE_FOR = "ticket:create-for"
    TICKET_DELETE = "ticket:delete"
    TICKET_EDIT = "ticket:edit"
    TICKET_JOIN = "ticket:join"
    TICKET_MARK = "ticket:mark"
    TICKET_MERGE = "ticket:merge"
    TICKET_READ = "ticket:read"
    TICKET_SPLIT = "ticket:split"
    TICKET_TRIAGE = "ticket:triage"
    USER_ERASE = "user:erase"
    USER_INVITE = "user:invite"
    USER_READ = "user:read"
    USER_WRITE = "user:write"
    VIEW_USE = "view:use"
    VIEW_WRITE_ANY = "view:write-any"


MEANING: dict[Action, str] = {
    Action.ACCOUNT_USE: "read and change one's own account, password and sessions",
    Action.ANALYTICS_READ: "read the desk’s figures",
    Action.AUDIT_READ: "read and export who changed what in administration, and who was refused",
    Action.BUILDING_WRITE: "add, rename and archive buildings",
    Action.CATEGORY_WRITE: "add, change and archive categories",
    Action.COMMENT_ADDRESS: "choose who reads a comment, internal notes included",
    Action.COMMENT_CREATE: "write on a ticket one sees",
    Action.COMMENT_EDIT: "change or delete one's own comment for 15 minutes",
    Action.COMMENT_EDIT_ANY: "change or delete anybody's comment, always",
    Action.DESK_USE: "open the staff pages",
    Action.IMAGE_CREATE: "upload photos, and tie them to tickets and comments of one's own",
    Action.IMAGE_DELETE: "delete one's own photo",
    Action.IMAGE_DELETE_ANY: "delete any photo one sees",
    Action.JOB_MANAGE: "see what the worker has to do, try again what failed, or drop it",
    Action.MAIL_MANAGE: "see the mails that came in, work on one again, or let go of it",
    Action.MAIL_READ: "read all of the mail that a comment or a report one sees was made of",
    Action.REPLY_READ: "use saved replies: one's own, one's team's and everybody's",
    Action.REPLY_SHARE: "make, change and delete the saved replies of teams and of everybody",
    Action.REPLY_WRITE: "make, change and delete saved replies of one's own",
    Action.REPORT_SEND: "choose whom the desk’s figures are mailed to",
    Action.SLA_READ: "see service levels and calendars, and why a ticket is due when it is",
    Action.SLA_WRITE: "make, change and delete service levels and calendars",
    Action.TAG_WRITE: "make, rename, merge and delete tags",
    Action.TASK_READ: "see tasks",
    Action.TASK_WRITE: "make, change and delete tasks",
    Action.TEAM_AWAY: "say that one is away, or back",
    Action.TEAM_READ: "see teams and their members",
    Action.TEAM_WRITE: "make, change and delete teams",
    Action.TICKET_AFFECTED: "see, add and remove the people a ticket affects",
    Action.TICKET_CREATE: "report a problem of one's own",
    Action.TICKET_CREATE_FOR: "report for somebody else, and triage at once",
    Action.TICKET_DELETE: "delete a ticket with everything in it",
    Action.TICKET_EDIT: "change title, description and place of one's own ticket until resolved; close and reopen it",
    Action.TICKET_JOIN: "say “affects me too” on a joinable ticket",
    Action.TICKET_MARK: "mark a ticket as read or unread, for oneself",
    Action.TICKET_MERGE: "merge a ticket into another, and undo it",
    Action.TICKET_READ: "see one's own tickets and those one joined; staff: all",
    Action.TICKET_SPLIT: "make a comment a ticket of its own",
    Action.TICKET_TRIAGE: "change every field of every ticket",
    Action.USER_ERASE: "erase a person with their photos, keeping what they wrote under “Deleted user”",
    Action.USER_INVITE: "invite somebody by mail",
    Action.USER_READ: "look people up: colleagues by name, reporters by name or address; admins see all",
    Action.USER_WRITE: "change anybody's role, team, name and whether they may log in",
    Action.VIEW_USE: "keep lists of tickets as views of one's own, share them, see those that are shared",
    Action.VIEW_WRITE_ANY: "change and delete anybody's shared view",
}

_CUSTOMER = frozenset(
    {
        Action.ACCOUNT_USE,
        Action.COMMENT_CREATE,
        Action.COMMENT_EDIT,
        Action.IMAGE_CREATE,
        Action.IMAGE_DELETE,
        Action.TICKET_CREATE,
        Action.TICKET_EDIT,
        Action.TICKET_JOIN,
        Action.TICKET_READ,
    }
)
_AGENT = _CUSTOMER | {
    Action.ANALYTICS_READ,
    Action.COMMENT_ADDRESS,
    Action.DESK_USE,
    Action.IMAGE_DELETE_ANY,
    Action.MAIL_READ,
    Action.REPLY_READ,
    Action.REPLY_WRITE,
    Action.SLA_READ,
    Action.TAG_WRITE,
    Action.TASK_READ,
    Action.TASK_WRITE,
    Action.TEAM_AWAY,
    Action.TEAM_READ,
    Action.TICKET_AFFECTED,
    Action.TICKET_CREATE_FOR,
    Action.TICKET_MARK,
    Action.TICKET_MERGE,
    Action.TICKET_SPLIT,
    Action.TICKET_TRIAGE,
    Action.USER_READ,
    Action.VIEW_USE,
}
ROLES: dict[Role, frozenset[Action]] = {Role.CUSTOMER: _CUSTOMER, Role.AGENT: _AGENT, Role.ADMIN: frozenset(Action)}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, as read in this very request: never kept, so a right that was taken away is gone."""

    id: int | None
    role: Role | None
    kind: ActorKind = ActorKind.USER
    name: str = ""
    session_id: int | None = None
    peer: str | None = None
    request_id: str | None = None

    @property
    def is_staff(self) -> bool:
        return self.role in (Role.AGENT, Role.ADMIN)


SYSTEM = Actor(id=None, role=Role.ADMIN, kind=ActorKind.SYSTEM, name="Helpdesk")
"""What happens by itself: schedules and jobs."""
ANONYMOUS = Actor(id=None, role=None, kind=ActorKind.GUEST)


class Side(StrEnum):
    """From where somebody looks at a ticket."""

    STAFF = "staff"
    REPORTER = "reporter"
    JOINED = "joined"


def can(actor: Actor, action: Action) -> bool:
    return actor.role is not None and action in ROLES[actor.role]


def require(actor: Actor, action: Action) -> None:
    """Raises NotSignedIn for nobody, Forbidden where the role may never do this."""
    if actor.role is None:
        raise NotSignedIn
    if not can(actor, action):
        raise Forbidden


# --- the one visibility of each thing -----------------------------------------------------------------------------

ME = bindparam("me", type_=User.id.type)
_reporter, _assignee = aliased(User, name="reporter"), aliased(User, name="assignee")
_own: ColumnElement[bool] = Ticket.reporter_id == ME
_target, _category_of_target = aliased(Ticket, name="target"), aliased(Category, name="category_of_target")


def joined_tickets() -> Select[int]:
    """The ids of those that the parameter `me` joined, and did not leave."""
    return select(TicketReport.ticket_id).where(TicketReport.user_id == ME, TicketReport.left_at.is_(None))


def _seen_by_customer() -> ColumnElement[bool]:
    """Their own, and what they joined while it may be joined. By ids first: two short index walks at any size."""
    own = select(Ticket.id).where(Ticket.reporter_id == ME)
    return and_(
        Ticket.id.in_(union_all(own, joined_tickets())),
        Ticket.held == false(),
        or_(_own, and_(Ticket.is_confidential == false(), Category.is_joinable)),
    )


def _merged_into() -> ColumnElement[Any]:
    """The number of the ticket that this one points to, for a customer who sees that one as well."""
    shared = and_(_target.id.in_(joined_tickets()), _target.is_confidential == false(), _category_of_target.is_joinable)
    return (
        select(_target.id)
        .join(_category_of_target, _category_of_target.id == _target.category_id)
        .where(_target.id == Ticket.merged_into_id, _target.held == false(), or_(_target.reporter_id == ME, shared))
        .correlate(Ticket)
        .scalar_subquery()
    )


EVENT_AUDIENCE: dict[str, Audience] = {
    "created": Audience.AFFECTED,
    "status": Audience.AFFECTED,
    "affected": Audience.INTERNAL,
    "task": Audience.INTERNAL,
    "held": Audience.INTERNAL,
    # why one team handed it to another
    "handoff": Audience.INTERNAL,
    # of the ticket that points to another: who sees it joined that one by it
    "merged": Audience.AFFECTED,
    "unmerged": Audience.AFFECTED,
    "split": Audience.INTERNAL,
    "due_soon": Audience.INTERNAL,
    "overdue": Audience.INTERNAL,
}
"""Who reads that a field changed; what is not listed is for the reporter. A comment's event has its own audience."""


def event_audience(field: str) -> Audience:
    return EVENT_AUDIENCE.get(field, Audience.REPORTER)


def readable(audience: Any, author: Any) -> ColumnElement[bool]:
    """What of a ticket's conversation and history a customer reads who sees the ticket."""
    return or_(
        audience == Audience.AFFECTED,
        and_(audience == Audience.REPORTER, _own),
        and_(audience == Audience.DESK, author == ME),
    )


def _photo_readable() -> ColumnElement[bool]:
    """Which photos of a ticket a customer sees who sees the ticket, where `Comment` is outer joined."""
    return or_(
        and_(Image.comment_id.is_(None), _own),
        and_(Image.comment_id.is_not(None), readable(Comment.audience, Comment.author_id)),
    )


def _for_reporter(column: Any) -> ColumnElement[Any]:
    return case((_own, column), else_=null())


def or_null(column: Any) -> ColumnElement[Any]:
    """A due date that nothing is due on."""
    return func.nullif(column, literal(FAR_FUTURE, column.type), type_=column.type)


def _is_unread() -> ColumnElement[bool]:
    """Whether `me` has not read all of a ticket. No join: one more would be one too many for PostgreSQL to order."""
    read = select(TicketRead.seq).where(TicketRead.user_id == ME, TicketRead.ticket_id == Ticket.id)
    return func.coalesce(read.correlate(Ticket).scalar_subquery(), 0) < Ticket.activity_seq


def _targets() -> tuple[ColumnElement[Any], ...]:
    """Of the policy that its due dates are by, in seconds; null where none matched. No join, as above."""
    of_it = SlaPolicy.id == Ticket.sla_policy_id
    return tuple(
        select(getattr(SlaPolicy, name)).where(of_it).correlate(Ticket).scalar_subquery().label(name)
        for name in ("response_seconds", "resolution_seconds")
    )


@lru_cache
def due_at(staff: bool) -> ColumnElement[Any]:
    """The next thing due, as somebody sees it: of a reply to the reporter alone, whoever joined learns nothing."""
    if staff:
        return Ticket.due_at  # type: ignore[return-value]
    nothing_is_due = Ticket.due_at == literal(FAR_FUTURE, Ticket.due_at.type)
    return case((or_(_own, nothing_is_due), Ticket.due_at), else_=Ticket.resolution_due_at)


@lru_cache
def visible_tickets(staff: bool) -> Rows:
    """The tickets somebody sees, as columns, masked for them. Takes the parameter `me`."""
    place = (
        Category.id.label("category_id"), Category.slug.label("category_slug"), Category.name.label("category_name"),
        Building.id.label("building_id"), Building.slug.label("building_slug"), Building.name.label("building_name"),
        Ticket.room,
    )  # fmt: skip
    common = (Ticket.id, Ticket.status, Ticket.is_confidential, Ticket.held, Ticket.affected_count, Ticket.created_at)
    times = (
        Ticket.resolved_at, or_null(Ticket.resolution_due_at).label("resolution_due_at"),
        or_null(due_at(staff)).label("due_at"), Ticket.closed_at,
    )  # fmt: skip
    if staff:
        seen: tuple[Any, ...] = (
            *common, *place, *times,
            Ticket.title, Ticket.public_title, Ticket.description, Ticket.priority, Ticket.channel,
            _reporter.id.label("reporter_id"), _reporter.name.label("reporter_name"),
            _reporter.email.label("reporter_email"), _reporter.bounced_at.label("reporter_bounced_at"),
            _assignee.id.label("assignee_id"), _assignee.name.label("assignee_name"),
            Team.id.label("team_id"), Team.slug.label("team_slug"), Team.name.label("team_name"),
            Ticket.comment_count, Ticket.image_count, Ticket.updated_at, Ticket.first_response_at,
            or_null(Ticket.first_response_due_at).label("first_response_due_at"), Ticket.version,
            Ticket.first_response_soon_at, Ticket.resolution_soon_at, Ticket.sla_policy_id, *_targets(),
            Ticket.merged_into_id, Ticket.activity_seq, _is_unread().label("is_unread"),
            literal(Side.STAFF.value).label("side"),
        )  # fmt: skip
        where: ColumnElement[bool] | None = None
    else:
        comments = select(func.count()).where(
            Comment.ticket_id == Ticket.id, readable(Comment.audience, Comment.author_id)
        )
        images = (
            select(func.count())
            .select_from(Image)
            .outerjoin(Comment, Comment.id == Image.comment_id)
            .where(Image.ticket_id == Ticket.id, _photo_readable())
        )
        public = func.coalesce(Ticket.public_title, Ticket.title)
        seen = (
            *common, *place, *times,
            case((_own, Ticket.title), else_=public).label("title"), Ticket.public_title,
            *(_for_reporter(column).label(label) for label, column in (
                ("description", Ticket.description), ("priority", Ticket.priority), ("channel", Ticket.channel),
                ("reporter_id", _reporter.id), ("reporter_name", _reporter.name),
                ("assignee_id", _assignee.id), ("assignee_name", _assignee.name),
                ("team_id", Team.id), ("team_slug", Team.slug), ("team_name", Team.name),
                ("first_response_at", Ticket.first_response_at),
                ("first_response_due_at", or_null(Ticket.first_response_due_at)), ("version", Ticket.version),
            )),
            comments.correlate(Ticket).scalar_subquery().label("comment_count"),
            images.correlate(Ticket).scalar_subquery().label("image_count"),
            _merged_into().label("merged_into_id"),
            case((_own, Ticket.reporter_updated_at), else_=Ticket.affected_updated_at).label("updated_at"),
            case((_own, Side.REPORTER.value), else_=Side.JOINED.value).label("side"),
        )  # fmt: skip
        where = _seen_by_customer()
    statement = (
        select(*seen)
        .select_from(Ticket)
        .join(Category, Category.id == Ticket.category_id)
        .outerjoin(Building, Building.id == Ticket.building_id)
        .join(_reporter, _reporter.id == Ticket.reporter_id)
        .outerjoin(_assignee, _assignee.id == Ticket.assignee_id)
        .outerjoin(Team, Team.id == Ticket.team_id)
    )
    return statement if where is None else statement.where(where)


def prepare() -> None:
    """Build what every request shares while there is one thread.

    Begun by two at once, an alias was once seen to give the columns of the table itself, and the statement stayed so.
    """
    for staff in (True, False):
        _one_ticket(staff).compile(db.engine)


def params(actor: Actor) -> dict[str, Any]:
    """What every visibility SELECT is executed with."""
    return {"me": actor.id}


@lru_cache
def _one_ticket(staff: bool) -> Rows:
    return visible_tickets(staff).where(Ticket.id == bindparam("ticket_id"))


def get_ticket(actor: Actor, ticket_id: int) -> Any:
    """The ticket as this actor sees it: a row of `visible_tickets`. Raises NotFound, unseen or absent alike."""
    require(actor, Action.TICKET_READ)
    row = fetch(_one_ticket(actor.is_staff), {**params(actor), "ticket_id": ticket_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


def _lock_ticket(ticket_id: int) -> Ticket:
    """Whoever may see it, it is locked first and alone: what a join brings along may have changed during the wait."""
    ticket = db.session.scalars(
        select(Ticket).where(Ticket.id == ticket_id).with_for_update(key_share=True)
    ).one_or_none()
    if ticket is None:
        raise NotFound
    return ticket


def take_ticket(actor: Actor, ticket_id: int) -> Ticket:
    """The ticket itself, locked until the commit, for a verb to change: never for showing. Raises NotFound."""
    require(actor, Action.TICKET_READ)
    ticket = _lock_ticket(ticket_id)
    if not actor.is_staff:
        get_ticket(actor, ticket_id)
    return ticket


def take_tickets(actor: Actor, ids: Iterable[int]) -> dict[int, Ticket]:
    """Those of these that there are, by number, locked in the order of their numbers: two who want the same do not
    wait for each other. For the staff, who see all. Raises Forbidden."""
    require(actor, Action.TICKET_TRIAGE)
    wanted = select(Ticket).where(Ticket.id.in_(sorted(set(ids)))).order_by(Ticket.id)
    return {ticket.id: ticket for ticket in db.session.scalars(wanted.with_for_update(key_share=True))}


def take_joinable(actor: Actor, ticket_id: int) -> Ticket:
    """A ticket that somebody may join who does not see it yet, locked. Raises NotFound for one that is not joinable."""
    require(actor, Action.TICKET_JOIN)
    ticket = _lock_ticket(ticket_id)
    if not is_joinable(ticket):
        raise NotFound
    return ticket


@lru_cache
def joinable_tickets() -> Rows:
    """What everybody who is signed in may know of a ticket that others may join: no person, no word but its title."""
    return (
        select(
            Ticket.id, func.coalesce(Ticket.public_title, Ticket.title).label("public_title"), Ticket.status,
            Building.id.label("building_id"), Building.slug.label("building_slug"),
            Building.name.label("building_name"), Ticket.room, Ticket.affected_count, Ticket.created_at,
            Ticket.category_id, Category.parent_id,
        )
        .join(Category, Category.id == Ticket.category_id)
        .outerjoin(Building, Building.id == Ticket.building_id)
        .where(Ticket.held == false(), Ticket.is_confidential == false(), Category.is_joinable)
    )  # fmt: skip


@lru_cache
def _affecting() -> Rows:
    among = Ticket.id.in_(bindparam("ids", expanding=True))
    return select(Ticket.id).where(among, or_(_own, Ticket.id.in_(joined_tickets())))


def affecting(actor: Actor, ids: Sequence[int]) -> set[int]:
    """Which of these tickets somebody reported or joined."""
    return set(fetch(_affecting(), {**params(actor), "ids": list(ids)}).scalars()) if ids else set()


def is_joinable(ticket: Ticket) -> bool:
    """Whether others may join it at all: the rule of `take_joinable`, for a ticket in hand."""
    return (
        not ticket.is_confidential and not ticket.held and db.session.get_one(Category, ticket.category_id).is_joinable
    )


def side(actor: Actor, ticket: Ticket) -> Side:
    """From where this actor looks at a ticket they were given by `take_ticket`."""
    if actor.is_staff:
        return Side.STAFF
    return Side.REPORTER if ticket.reporter_id == actor.id else Side.JOINED


_COMMENT = (
    Comment.id, Comment.ticket_id, Comment.author_id, User.name.label("author_name"), User.role.label("author_role"),
    Comment.text, Comment.audience, Comment.version, Comment.created_at, Comment.edited_at,
)  # fmt: skip


@lru_cache
def visible_comments(staff: bool) -> Rows:
    """The comments somebody reads, of all the tickets they see."""
    statement = select(*_COMMENT).join(User, User.id == Comment.author_id)
    if staff:
        return statement
    return (
        statement.join(Ticket, Ticket.id == Comment.ticket_id)
        .join(Category, Category.id == Ticket.category_id)
        .where(_seen_by_customer(), readable(Comment.audience, Comment.author_id))
    )


@lru_cache
def _one_comment(staff: bool) -> Rows:
    return visible_comments(staff).where(Comment.id == bindparam("comment_id"))


def get_comment(actor: Actor, comment_id: int) -> Any:
    """The comment as a row of `visible_comments`. Raises NotFound."""
    require(actor, Action.TICKET_READ)
    row = fetch(_one_comment(actor.is_staff), {**params(actor), "comment_id": comment_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


@lru_cache
def visible_images(staff: bool) -> Rows:
    """The photos somebody sees: a comment's with the comment, a ticket's own as its reporter, untied ones as theirs."""
    statement = select(
        Image.id, Image.ticket_id, Image.comment_id, Image.uploader_id, Image.state, Image.reason, Image.type,
        Image.width, Image.height, Image.size_bytes, Image.digest, Image.thumbnail_digest, Image.created_at,
    )  # fmt: skip
    untied = and_(Image.ticket_id.is_(None), Image.uploader_id == ME)
    if staff:
        return statement.where(or_(Image.ticket_id.is_not(None), untied))
    return (
        statement.outerjoin(Ticket, Ticket.id == Image.ticket_id)
        .outerjoin(Category, Category.id == Ticket.category_id)
        .outerjoin(Comment, Comment.id == Image.comment_id)
        .where(or_(untied, and_(_seen_by_customer(), _photo_readable())))
    )


@lru_cache
def _one_image(staff: bool) -> Rows:
    return visible_images(staff).where(Image.id == bindparam("image_id"))


def get_image(actor: Actor, image_id: int) -> Any:
    """The photo as a row of `visible_images`, without its bytes. Raises NotFound."""
    require(actor, Action.TICKET_READ)
    row = fetch(_one_image(actor.is_staff), {**params(actor), "image_id": image_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


@lru_cache
def visible_events(staff: bool) -> Rows:
    """The history somebody reads, with the comment where a row is about one, in the order it happened.

    What a comment said before it was edited is for the staff; whoever joined is not told who the reporter is.
    """
    actor, author = aliased(User, name="actor"), aliased(User, name="author")
    from_user, to_user = aliased(User, name="from_user"), aliased(User, name="to_user")
    deleted = and_(Event.field == "comment", Event.to_value == "deleted")  # its number stands where words stood
    before: Any = case((deleted, null()), else_=Event.from_value)
    comment_id = case((deleted, cast(Event.from_value, BigInteger)), else_=Event.comment_id)
    who: tuple[Any, ...] = (Event.actor_id, actor.name, actor.role)
    if not staff:
        before = case((Event.field == "comment", null()), else_=Event.from_value)
        # to leave out what staff do on a ticket of their own would say whose it is; so would naming who opened it
        by_staff = and_(actor.role != Role.CUSTOMER, Event.field != "created")
        named = or_(_own, Event.actor_id == ME, by_staff)
        who = tuple(case((named, column), else_=null()) for column in who)
    statement = (
        select(
            Event.id, Event.deed_id, Event.ticket_id, Event.task_id, Event.field, before.label("from_value"),
            Event.to_value, Event.from_user_id, from_user.name.label("from_user_name"),
            Event.to_user_id, to_user.name.label("to_user_name"), Event.visibility, Event.actor_kind,
            who[0].label("actor_id"), who[1].label("actor_name"), who[2].label("actor_role"),
            Task.title.label("task_title"), Event.created_at, comment_id.label("comment_id"),
            Comment.author_id.label("comment_author_id"),
            author.name.label("comment_author_name"), author.role.label("comment_author_role"),
            Comment.text.label("comment_text"), Comment.audience.label("comment_audience"),
            Comment.version.label("comment_version"),
            Comment.created_at.label("comment_created_at"), Comment.edited_at.label("comment_edited_at"),
        )
        .outerjoin(actor, actor.id == Event.actor_id)
        .outerjoin(from_user, from_user.id == Event.from_user_id)
        .outerjoin(to_user, to_user.id == Event.to_user_id)
        .outerjoin(Task, Task.id == Event.task_id)
        .outerjoin(Comment, Comment.id == Event.comment_id)
        .outerjoin(author, author.id == Comment.author_id)
    )  # fmt: skip
    if staff:
        return statement
    return (
        statement.join(Ticket, Ticket.id == Event.ticket_id)
        .join(Category, Category.id == Ticket.category_id)
        # a comment's author hears of it when somebody else changes it
        .where(_seen_by_customer(), readable(Event.visibility, func.coalesce(Event.to_user_id, Event.actor_id)))
    )


def last_seen() -> ColumnElement[Any]:
    """When somebody was last here, or null."""
    return func.nullif(User.last_seen_at, literal(LONG_AGO, User.last_seen_at.type), type_=User.last_seen_at.type)


def account_state() -> ColumnElement[str]:
    """How an account stands, as `UserState` has it. Who is invited has a username and no password; a guest neither."""
    return case(
        (User.is_active == false(), literal(UserState.DEACTIVATED.value)),
        (User.password_hash.is_not(None), literal(UserState.ACTIVE.value)),
        (User.username.is_not(None), literal(UserState.INVITED.value)),
        else_=literal(UserState.GUEST.value),
    )


def is_away() -> ColumnElement[bool]:
    """Whether whoever's `Membership` it is has said that they are away, by now."""
    return func.coalesce(Membership.away_until > _as_of_now(), false(), type_=Boolean())


def away_until() -> ColumnElement[Any]:
    """Until when; null for who is not away, and for who did not say."""
    ahead = and_(Membership.away_until > _as_of_now(), Membership.away_until < literal(FAR_FUTURE, UTCDateTime()))
    return case((ahead, Membership.away_until), else_=null())


def _as_of_now() -> ColumnElement[Any]:
    """The time at which the statement is executed, not the one at which it was built."""
    return bindparam("as_of", type_=UTCDateTime(), callable_=now)


@lru_cache
def visible_users(role: Role) -> Rows:
    """The people somebody may look up. An agent gets the address of reporters, not that of colleagues."""
    wide = role == Role.ADMIN
    only_reporters = None if wide else case((User.role == Role.CUSTOMER, User.email), else_=null())
    statement = (
        select(
            User.id, User.name, User.role, User.is_active,
            (User.email if only_reporters is None else only_reporters).label("email"),
            *(
                (column if wide else null()).label(label)
                for label, column in (
                    ("username", User.username), ("created_at", User.created_at), ("updated_at", User.updated_at),
                    ("last_seen_at", last_seen()),
                    ("state", account_state()), ("version", User.version), ("bounced_at", User.bounced_at),
                )
            ),
            Team.id.label("team_id"), Team.slug.label("team_slug"), Team.name.label("team_name"),
            is_away().label("is_away"),
        )
        .outerjoin(Membership, Membership.user_id == User.id)
        .outerjoin(Team, Team.id == Membership.team_id)
        .where(User.erased_at.is_(None))
    )  # fmt: skip
    return statement if wide else statement.where(User.is_active)


@lru_cache
def visible_replies(shares: bool) -> Rows:
    """The saved replies somebody may use: their own, their team's, everybody's; of all teams for who looks after them.

    Somebody else's own are nobody's business, not an admin's either.
    """
    owner = aliased(User, name="owner")
    statement = (
        select(
            SavedReply.id, SavedReply.title, SavedReply.text, owner.id.label("owner_id"),
            owner.name.label("owner_name"), Team.id.label("team_id"), Team.slug.label("team_slug"),
            Team.name.label("team_name"), SavedReply.version, SavedReply.created_at, SavedReply.updated_at,
        )
        .outerjoin(owner, owner.id == SavedReply.owner_id)
        .outerjoin(Team, Team.id == SavedReply.team_id)
    )  # fmt: skip
    shared: ColumnElement[bool] = SavedReply.owner_id.is_(None)
    if not shares:
        mine = select(Membership.team_id).where(Membership.user_id == ME)
        shared = and_(shared, or_(SavedReply.team_id.is_(None), SavedReply.team_id.in_(mine)))
    return statement.where(or_(SavedReply.owner_id == ME, shared))
