"""Every table, in reading order, and the engine settings they need. Knows no rules: those are in helpdesk/."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    CompoundSelect,
    Connection,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Result,
    Select,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    false,
    func,
    select,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)
"""What a due date holds when nothing is due: in a sort column, NULLs get lost between the pages of a keyset cursor."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""When somebody was last seen who never was, for the same reason."""


def _real_time() -> datetime:
    return datetime.now(UTC)


_clock: Callable[[], datetime] = _real_time


def now() -> datetime:
    """The one clock of the product: aware UTC."""
    return _clock()


@contextmanager
def clock(at: Callable[[], datetime]) -> Iterator[None]:
    """Let the product's time be what `at` says (aware UTC) until the block ends: for scripts that write a past.

    It is the whole process's time, threads included: not for anything that serves requests.
    """
    global _clock
    before, _clock = _clock, at
    try:
        yield
    finally:
        _clock = before


class UTCDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python on both databases. Refuses naive datetimes, which would be somebody's local time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """In one step, for a page of tickets holds two hundred dates: SQLite keeps them as text in UTC."""
        if dialect.name == "sqlite":
            return lambda value: None if value is None else datetime.fromisoformat(f"{value}+00:00")
        return lambda value: None if value is None else value.astimezone(UTC)


Rows: TypeAlias = Select[*tuple[Any, ...]]
"""A SELECT of columns, whatever they are."""


class Role(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    ADMIN = "admin"


class Status(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Priority(StrEnum):
    """In the order of their rank: stored as its number, because as words "high" sorts before "low"."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Channel(StrEnum):
    WEB = "web"
    EMAIL = "email"
    API = "api"
    STAFF = "staff"
    QR = "qr"


class Audience(StrEnum):
    """Who reads a comment or an event, besides the staff, who read all."""

    INTERNAL = "internal"
    DESK = "desk"
    """What a customer says: its author, nobody else who is affected."""
    REPORTER = "reporter"
    AFFECTED = "affected"
    """The reporter and everybody who joined."""


class ActorKind(StrEnum):
    USER = "user"
    GUEST = "guest"
    SYSTEM = "system"


class TaskPriority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class TaskStatus(StrEnum):
    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class TokenPurpose(StrEnum):
    CONFIRM = "confirm"
    RESET = "reset"
    INVITE = "invite"
    GUEST = "guest"
    NEW_ADDRESS = "new_address"


class ImageState(StrEnum):
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"


class JobState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


class InboundState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    """It is a comment or a ticket now."""
    IGNORED = "ignored"
    """Nothing came of it, and nothing was to."""
    QUARANTINED = "quarantined"
    """Somebody has to look at it."""


class UserState(StrEnum):
    """How an account stands; read from the others of its columns, never stored."""

    ACTIVE = "active"
    INVITED = "invited"
    """There is a link that sets their password."""
    GUEST = "guest"
    """Somebody who reported without an account."""
    DEACTIVATED = "deactivated"


class Theme(StrEnum):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Ranked(TypeDecorator[StrEnum]):
    """A StrEnum stored as its position, so that it sorts by weight."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members
        self._by_rank = list(members)

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> int | None:
        return None if value is None else self._by_rank.index(self.members(value))

    def process_result_value(self, value: int | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self._by_rank[value]


def _named(members: type[StrEnum]) -> Enum:
    """Stored by value in a VARCHAR, held to its members by a CHECK."""
    return Enum(
        members,
        native_enum=False,
        create_constraint=True,
        length=24,
        name=members.__name__.lower(),
        values_callable=lambda enum: [member.value for member in enum],
    )


_BIGINT = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            int: _BIGINT,
            datetime: UTCDateTime,
            dict[str, Any]: JSON,
            Priority: Ranked(Priority),
            TaskPriority: Ranked(TaskPriority),
            **{
                members: _named(members)
                for members in (
                    Role, Status, Channel, Audience, ActorKind, TaskStatus, TokenPurpose, ImageState, JobState, Theme,
                    InboundState,
                )
            },
        },
    )  # fmt: skip


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base  # flask-sqlalchemy's db.Model is made at run time, which no type checker follows
else:
    Model = db.Model

Id = Annotated[int, mapped_column(_BIGINT, primary_key=True, sort_order=-1)]


def _fk(target: str, ondelete: str) -> Any:
    return mapped_column(ForeignKey(f"{target}.id", ondelete=ondelete))


UserId = Annotated[int, mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))]
"""People are erased in place, never deleted, so that what they did keeps its author."""
OwnerId = Annotated[int, mapped_column(ForeignKey("users.id", ondelete="CASCADE"))]
TicketId = Annotated[int, mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))]

_NEVER_REUSED: dict[str, Any] = {"sqlite_autoincrement": True}


class Team(Model):
    __tablename__ = "teams"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    assigns: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether what is new goes at once to whoever of the team is there and has the least to do."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the changes of its members too."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class User(Model):
    """A person. A guest has neither username nor password; an erased one has no address either."""

    __tablename__ = "users"
    __table_args__ = (
        # the assignee picker, the list of users by role
        Index("ix_users_role_name", "role", "name"),
        # the list of users: by name, by role, by when they were seen
        Index("ix_users_name_id", "name", "id"),
        Index("ix_users_role_id", "role", "id"),
        Index("ix_users_last_seen_at_id", "last_seen_at", "id"),
        # those who cannot log in, and those who could not yet: few of many
        Index("ix_users_is_active_name_id", "is_active", "name", "id"),
        Index(
            "ix_users_invited", "is_active", "name", "id",
            sqlite_where=text("password_hash IS NULL AND username IS NOT NULL"),
            postgresql_where=text("password_hash IS NULL AND username IS NOT NULL"),
        ),
        Index(
            "ix_users_guests", "is_active", "name", "id",
            sqlite_where=text("password_hash IS NULL AND username IS NULL"),
            postgresql_where=text("password_hash IS NULL AND username IS NULL"),
        ),
        # to whom no mail gets through
        Index(
            "ix_users_bounced", "name", "id",
            sqlite_where=text("bounced_at IS NOT NULL"), postgresql_where=text("bounced_at IS NOT NULL"),
        ),
        _NEVER_REUSED,
    )  # fmt: skip

    id: Mapped[Id]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Of what an admin may change: name, username, role, team, whether they may log in."""
    username: Mapped[str | None] = mapped_column(String(32), unique=True)
    email: Mapped[str | None] = mapped_column(String(254))
    email_normalized: Mapped[str | None] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str | None] = mapped_column(String(100))
    role: Mapped[Role] = mapped_column(default=Role.CUSTOMER)
    is_active: Mapped[bool] = mapped_column(default=True)
    email_verified_at: Mapped[datetime | None]
    locale: Mapped[str] = mapped_column(String(16), default="en")
    time_zone: Mapped[str | None] = mapped_column(String(64))
    theme: Mapped[Theme] = mapped_column(default=Theme.SYSTEM)
    has_shortcuts: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Keys without a modifier on the staff pages: whoever speaks to their computer switches them off (WCAG 2.1.4)."""
    notifications: Mapped[dict[str, Any]] = mapped_column(default=dict)
    last_seen_at: Mapped[datetime] = mapped_column(default=LONG_AGO, server_default="1970-01-01 00:00:00")
    """LONG_AGO: never."""
    bounced_at: Mapped[datetime | None]
    """Since when mails to this address come back: until it is known to work again, only security mails go there."""
    bounce_noted_at: Mapped[datetime | None]
    """When one came back that is not believed alone."""
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Membership(Model):
    """Who works in which team: one team a person, as the API's `team` says."""

    __tablename__ = "memberships"
    __table_args__ = (
        # the members of a team
        Index("ix_memberships_team_id", "team_id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    team_id: Mapped[int] = _fk("teams", "CASCADE")
    capacity: Mapped[int | None] = mapped_column(SmallInteger)
    """Given no more by itself with so many unfinished tickets; None: without a limit."""
    away_until: Mapped[datetime | None]
    """Given nothing by itself before; FAR_FUTURE: until they say that they are back."""
    given_at: Mapped[datetime | None]
    """When something was last given to them by itself: of two who have as much to do, whose turn it is."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class Session(Model):
    """A signed-in browser or program. Deleting the row signs it out everywhere at its next request."""

    __tablename__ = "sessions"
    __table_args__ = (
        # my sessions; ending all of a person's
        Index("ix_sessions_user_id", "user_id"),
        # the purge
        Index("ix_sessions_absolute_expires_at", "absolute_expires_at"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    user_id: Mapped[OwnerId]
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    """Makes the derived refresh token this row's own, also where a restored backup gives the same id again."""
    generation: Mapped[int] = mapped_column(default=1)
    rotated_at: Mapped[datetime] = mapped_column(default=now)
    absolute_expires_at: Mapped[datetime]
    peer: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=now)


class OneTimeToken(Model):
    """A link in a mail. Only its hash is kept; the worker derives the link again from the salt and the key."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        # superseding the earlier ones of a person
        Index("ix_one_time_tokens_user_id_purpose", "user_id", "purpose"),
        # superseding the earlier registrations of an address
        Index("ix_one_time_tokens_subject", "subject"),
        # the purge
        Index("ix_one_time_tokens_expires_at", "expires_at"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    purpose: Mapped[TokenPurpose]
    user_id: Mapped[int | None] = _fk("users", "CASCADE")
    subject: Mapped[str | None] = mapped_column(String(254))
    """The normalized address it was sent to, where there is no user yet."""
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Category(Model):
    __tablename__ = "categories"
    __table_args__ = (
        # the children of a category
        Index("ix_categories_parent_id", "parent_id"),
        CheckConstraint("parent_id <> id", name="not_own_parent"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    parent_id: Mapped[int | None] = _fk("categories", "RESTRICT")
    team_id: Mapped[int | None] = _fk("teams", "SET NULL")
    is_joinable: Mapped[bool] = mapped_column(default=True)
    is_confidential: Mapped[bool] = mapped_column(default=False)
    is_archived: Mapped[bool] = mapped_column(default=False)
    usual_p50_seconds: Mapped[int | None]
    usual_p75_seconds: Mapped[int | None]
    usual_count: Mapped[int] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Building(Model):
    __tablename__ = "buildings"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    is_archived: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Calendar(Model):
    """When a desk works: the hours of a week in one time zone, and the days on which it does not."""

    __tablename__ = "calendars"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[Id]
    version: Mapped[int] = mapped_column(default=1)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    time_zone: Mapped[str] = mapped_column(String(64))
    hours: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """For each day from Monday its stretches `["08:00", "18:00"]` by the clock there; `24:00` is midnight."""
    holidays: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """`{"date": "2026-12-25", "name": "Christmas Day"}`, by date."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class SlaPolicy(Model):
    """How soon tickets of a kind are answered and resolved. Of those that match, the first in order holds."""

    __tablename__ = "sla_policies"
    __table_args__ = (
        CheckConstraint("response_seconds > 0 AND resolution_seconds > 0", name="targets"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    version: Mapped[int] = mapped_column(default=1)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)
    priorities: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Matching one of these is enough; empty: any. So are the next two, ids; a category stands for its children too."""
    category_ids: Mapped[list[Any]] = mapped_column(JSON, default=list)
    team_ids: Mapped[list[Any]] = mapped_column(JSON, default=list)
    response_seconds: Mapped[int]
    resolution_seconds: Mapped[int]
    """Of working time by the calendar; of all time where there is none."""
    calendar_id: Mapped[int | None] = _fk("calendars", "RESTRICT")
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class SlaRecount(Model):
    """What the worker has done of giving unfinished tickets the due dates of changed policies."""

    __tablename__ = "sla_recounts"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[Id]
    actor_id: Mapped[int | None] = _fk("users", "RESTRICT")
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    last_ticket_id: Mapped[int] = mapped_column(default=0)
    """How far it came, in the order of the tickets' numbers."""
    finished_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Tag(Model):
    __tablename__ = "tags"
    __table_args__ = (_NEVER_REUSED,)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(50), unique=True)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Ticket(Model):
    __tablename__ = "tickets"
    __table_args__ = (
        # the queue in each of its orders; a list adds its filters while it walks one of these
        Index("ix_tickets_created_at_id", "created_at", "id"),
        Index("ix_tickets_updated_at_id", "updated_at", "id"),
        Index("ix_tickets_due_at_id", "due_at", "id"),
        Index("ix_tickets_priority_id", "priority", "id"),
        # the same of one status, most of all of what is closed, which nearly all are
        Index("ix_tickets_status_created_at_id", "status", "created_at", "id"),
        Index("ix_tickets_status_updated_at_id", "status", "updated_at", "id"),
        Index("ix_tickets_status_due_at_id", "status", "due_at", "id"),
        # this one also counts by status; the next, what somebody has to do; then the view of what was resolved lately
        Index("ix_tickets_status_held_priority_id", "status", "held", "priority", "id"),
        Index("ix_tickets_assignee_id_status_held", "assignee_id", "status", "held"),
        Index("ix_tickets_resolved_at_id", "resolved_at", "id"),
        # filters that leave few rows
        Index("ix_tickets_assignee_id_due_at_id", "assignee_id", "due_at", "id"),
        Index("ix_tickets_team_id_due_at_id", "team_id", "due_at", "id"),
        Index("ix_tickets_reporter_id_id", "reporter_id", "id"),
        Index("ix_tickets_category_id_created_at_id", "category_id", "created_at", "id"),
        Index("ix_tickets_building_id_created_at_id", "building_id", "created_at", "id"),
        # merged tickets of one
        Index("ix_tickets_merged_into_id", "merged_into_id"),
        # what a team has to do, counted
        Index("ix_tickets_team_id_status_held", "team_id", "status", "held"),
        # the held view and its purge
        Index("ix_tickets_held_created_at", "created_at", sqlite_where=text("held"), postgresql_where=text("held")),
        CheckConstraint("priority BETWEEN 0 AND 3", name="priority"),
        CheckConstraint("merged_into_id <> id", name="not_merged_into_itself"),
        CheckConstraint("affected_count >= 1", name="affected_count"),
        CheckConstraint(
            "(status IN ('resolved', 'closed')) = (resolved_at IS NOT NULL)", name="resolved_at_goes_with_status"
        ),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    version: Mapped[int] = mapped_column(default=1)
    """Counts the changes of its own fields: what If-Match compares."""
    activity_seq: Mapped[int] = mapped_column(default=0)
    """Counts everything that happens to it, notes included, so it is for the staff alone."""
    title: Mapped[str] = mapped_column(String(200))
    public_title: Mapped[str | None] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    status: Mapped[Status] = mapped_column(default=Status.OPEN)
    priority: Mapped[Priority] = mapped_column(default=Priority.NORMAL)
    category_id: Mapped[int] = _fk("categories", "RESTRICT")
    building_id: Mapped[int | None] = _fk("buildings", "RESTRICT")
    room: Mapped[str | None] = mapped_column(String(50))
    is_confidential: Mapped[bool] = mapped_column(default=False)
    held: Mapped[bool] = mapped_column(default=False)
    """A guest's report whose address is not confirmed yet: in a view of its own, counted nowhere."""
    reporter_id: Mapped[UserId]
    created_by_id: Mapped[int | None] = _fk("users", "RESTRICT")
    assignee_id: Mapped[int | None] = _fk("users", "RESTRICT")
    team_id: Mapped[int | None] = _fk("teams", "SET NULL")
    channel: Mapped[Channel] = mapped_column(default=Channel.API)
    merged_into_id: Mapped[int | None] = _fk("tickets", "SET NULL")
    reopened_count: Mapped[int] = mapped_column(default=0)
    handoff_count: Mapped[int] = mapped_column(default=0)
    affected_count: Mapped[int] = mapped_column(default=1)
    comment_count: Mapped[int] = mapped_column(default=0)
    image_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    """As the staff see it. The next two are the same for those who must not learn the time of a note."""
    reporter_updated_at: Mapped[datetime] = mapped_column(default=now)
    affected_updated_at: Mapped[datetime] = mapped_column(default=now)
    first_response_at: Mapped[datetime | None]
    first_response_due_at: Mapped[datetime] = mapped_column(default=FAR_FUTURE)
    first_response_soon_at: Mapped[datetime | None]
    """From when on it counts as due soon; so the next."""
    resolved_at: Mapped[datetime | None]
    resolution_due_at: Mapped[datetime] = mapped_column(default=FAR_FUTURE)
    resolution_soon_at: Mapped[datetime | None]
    due_at: Mapped[datetime] = mapped_column(default=FAR_FUTURE)
    """The next thing due; FAR_FUTURE when nothing is, as while waiting."""
    sla_policy_id: Mapped[int | None]
    """The policy that its due dates are by; None: the targets that hold where none matches. No foreign key: what is
    closed keeps the number of a policy that was deleted since, and a number is never used twice."""
    warned_for: Mapped[datetime | None]
    """The due date that was warned of."""
    response_breached_at: Mapped[datetime | None]
    resolution_breached_at: Mapped[datetime | None]
    """When it was marked that the target was missed."""
    paused_since: Mapped[datetime | None]
    paused_seconds: Mapped[int] = mapped_column(default=0)
    """Of its policy's time."""
    closed_at: Mapped[datetime | None]


class TicketReport(Model):
    """Somebody whom the same problem affects joined the ticket instead of opening another."""

    __tablename__ = "ticket_reports"
    __table_args__ = (
        UniqueConstraint("ticket_id", "user_id"),
        # the tickets that a customer joined
        Index("ix_ticket_reports_user_id_ticket_id", "user_id", "ticket_id"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    ticket_id: Mapped[TicketId]
    user_id: Mapped[OwnerId]
    reported_at: Mapped[datetime] = mapped_column(default=now)
    left_at: Mapped[datetime | None]


class Follower(Model):
    """A member of staff who wants to hear of a ticket that is not theirs."""

    __tablename__ = "followers"
    __table_args__ = (Index("ix_followers_user_id", "user_id"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class TicketTag(Model):
    __tablename__ = "ticket_tags"
    __table_args__ = (
        # the tickets with a tag
        Index("ix_ticket_tags_tag_id_ticket_id", "tag_id", "ticket_id"),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True)


class Comment(Model):
    __tablename__ = "comments"
    __table_args__ = (
        # the conversation of a ticket, and how much of it a customer may count
        Index("ix_comments_ticket_id_id", "ticket_id", "id"),
        Index("ix_comments_author_id", "author_id"),
        Index("ix_comments_origin_ticket_id", "origin_ticket_id"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    ticket_id: Mapped[TicketId]
    author_id: Mapped[UserId]
    text: Mapped[str] = mapped_column(Text)
    audience: Mapped[Audience]
    channel: Mapped[Channel] = mapped_column(default=Channel.API)
    message_id: Mapped[str | None] = mapped_column(String(250), unique=True)
    origin_ticket_id: Mapped[int | None] = _fk("tickets", "SET NULL")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    edited_at: Mapped[datetime | None]


class Image(Model):
    """A photo: its uploader's own until it is tied to a ticket, and there perhaps to a comment."""

    __tablename__ = "images"
    __table_args__ = (
        # the photos of a ticket, of a comment
        Index("ix_images_ticket_id_id", "ticket_id", "id"),
        Index("ix_images_comment_id", "comment_id"),
        # how much somebody uploaded today
        Index("ix_images_uploader_id_created_at", "uploader_id", "created_at"),
        # the purge of what was never tied
        Index(
            "ix_images_untied_created_at", "created_at",
            sqlite_where=text("ticket_id IS NULL"), postgresql_where=text("ticket_id IS NULL"),
        ),
        # what the worker never came to an end with
        Index(
            "ix_images_processing_created_at", "created_at",
            sqlite_where=text("state = 'processing'"), postgresql_where=text("state = 'processing'"),
        ),
        _NEVER_REUSED,
    )  # fmt: skip

    id: Mapped[Id]
    uploader_id: Mapped[UserId]
    ticket_id: Mapped[int | None] = _fk("tickets", "CASCADE")
    comment_id: Mapped[int | None] = _fk("comments", "CASCADE")
    state: Mapped[ImageState] = mapped_column(default=ImageState.PROCESSING)
    reason: Mapped[str | None] = mapped_column(String(200))
    store: Mapped[str] = mapped_column(String(16), default="db")
    key: Mapped[str | None] = mapped_column(String(100))
    type: Mapped[str] = mapped_column(String(32))
    width: Mapped[int | None]
    height: Mapped[int | None]
    size_bytes: Mapped[int]
    uploaded_bytes: Mapped[int] = mapped_column(server_default="0")
    """What somebody sent, which counts for their day; `size_bytes`, type, width and height are of what is kept."""
    digest: Mapped[str | None] = mapped_column(String(64))
    thumbnail_digest: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)


class ImageBlob(Model):
    """The bytes, apart from what lists read."""

    __tablename__ = "image_blobs"

    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    data: Mapped[bytes]


class SavedView(Model):
    """A list that somebody keeps under a name: the filters, order and columns of an address of the queue."""

    __tablename__ = "saved_views"
    __table_args__ = (
        # one's own, and those that somebody shares with everybody
        UniqueConstraint("owner_id", "name"),
        Index("ix_saved_views_shared", "name", sqlite_where=text("is_shared"), postgresql_where=text("is_shared")),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    version: Mapped[int] = mapped_column(default=1)
    owner_id: Mapped[OwnerId]
    name: Mapped[str] = mapped_column(String(100))
    is_shared: Mapped[bool] = mapped_column(default=False)
    filters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sort: Mapped[str] = mapped_column(String(32), default="due_at")
    columns: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Empty: those of the queue."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class TicketRead(Model):
    """How far one of the staff has read a ticket: it is unread where its `activity_seq` went on."""

    __tablename__ = "ticket_reads"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True, index=True)
    seq: Mapped[int]
    read_at: Mapped[datetime] = mapped_column(default=now)


class BulkEdit(Model):
    """One change of many tickets, for as long as it can be undone, with what it found in each."""

    __tablename__ = "bulk_edits"
    __table_args__ = (
        # the purge
        Index("ix_bulk_edits_created_at", "created_at"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    actor_id: Mapped[UserId]
    changes: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """For each ticket its id, the version that the change gave it, and the fields as they were."""
    undone_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class SavedReply(Model):
    """Words that the desk sends often: everybody's, a team's, or one's own."""

    __tablename__ = "saved_replies"
    __table_args__ = (
        Index("ix_saved_replies_title_id", "title", "id"),
        Index("ix_saved_replies_owner_id", "owner_id"),
        Index("ix_saved_replies_team_id", "team_id"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    version: Mapped[int] = mapped_column(default=1)
    title: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[int | None] = _fk("users", "CASCADE")
    """None: whoever works at the desk may use it."""
    team_id: Mapped[int | None] = _fk("teams", "CASCADE")
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Draft(Model):
    """What one of the staff has written on a ticket and not sent."""

    __tablename__ = "drafts"
    __table_args__ = (
        # the purge
        Index("ix_drafts_updated_at", "updated_at"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True, index=True)
    text: Mapped[str] = mapped_column(Text)
    audience: Mapped[Audience | None]
    then: Mapped[Status | None]
    images: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Uploads of its writer's."""
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Presence(Model):
    """Who of the staff has a ticket open, and whether they are writing. Forgotten within a minute."""

    __tablename__ = "presences"
    __table_args__ = (
        # the purge
        Index("ix_presences_seen_at", "seen_at"),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    is_writing: Mapped[bool] = mapped_column(default=False)
    seen_at: Mapped[datetime] = mapped_column(default=now)


class Merge(Model):
    """One ticket that was found to be another's problem, with what undoing it puts back."""

    __tablename__ = "merges"
    __table_args__ = (
        Index("ix_merges_ticket_id_id", "ticket_id", "id"),
        Index("ix_merges_into_id", "into_id"),
        CheckConstraint("into_id <> ticket_id", name="not_into_itself"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    ticket_id: Mapped[TicketId]
    into_id: Mapped[TicketId]
    actor_id: Mapped[UserId]
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The merged ticket's status and clocks, and who joined the other by it."""
    undone_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Task(Model):
    __tablename__ = "tasks"
    __table_args__ = (
        # the tasks page and its filters
        Index("ix_tasks_due_at_id", "due_at", "id"),
        Index("ix_tasks_assignee_id_due_at_id", "assignee_id", "due_at", "id"),
        # the tasks of a ticket
        Index("ix_tasks_ticket_id", "ticket_id"),
        CheckConstraint("priority BETWEEN 0 AND 2", name="priority"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    version: Mapped[int] = mapped_column(default=1)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    priority: Mapped[TaskPriority] = mapped_column(default=TaskPriority.MEDIUM)
    status: Mapped[TaskStatus] = mapped_column(default=TaskStatus.TODO)
    ticket_id: Mapped[int | None] = _fk("tickets", "SET NULL")
    created_by_id: Mapped[UserId]
    assignee_id: Mapped[int | None] = _fk("users", "RESTRICT")
    due_at: Mapped[datetime] = mapped_column(default=FAR_FUTURE)
    done_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


REOPENING = (
    "events.field = 'status' AND events.from_value IN ('resolved', 'closed') "
    "AND events.to_value IN ('open', 'in_progress', 'waiting')"
)
"""Which events opened a ticket again, in the very words of the index that has them alone."""
_REOPENING = text(REOPENING.replace("events.", ""))


class Event(Model):
    """One changed field. Append-only, but that the words of a deleted comment go, and all of a reply that is undone.

    The rows of a deed share its deed_id.

    The id is the order of the timeline and the position a poll continues from: deeds on one ticket take its row lock
    first, so that a later id never becomes visible before an earlier one, and a number counted over the whole campus
    tells nobody that a note lies between two replies.
    """

    __tablename__ = "events"
    __table_args__ = (
        # the timeline
        Index("ix_events_ticket_id_id", "ticket_id", "id"),
        Index("ix_events_task_id_id", "task_id", "id"),
        Index("ix_events_comment_id", "comment_id"),
        # what was opened again in a period
        Index("ix_events_reopened", "created_at", sqlite_where=_REOPENING, postgresql_where=_REOPENING),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    deed_id: Mapped[str] = mapped_column(String(32))
    seq: Mapped[int] = mapped_column(SmallInteger)
    ticket_id: Mapped[int | None] = _fk("tickets", "CASCADE")
    task_id: Mapped[int | None] = _fk("tasks", "SET NULL")
    comment_id: Mapped[int | None] = _fk("comments", "SET NULL")
    field: Mapped[str] = mapped_column(String(32))
    from_value: Mapped[str | None] = mapped_column(Text)
    to_value: Mapped[str | None] = mapped_column(Text)
    from_user_id: Mapped[int | None] = _fk("users", "RESTRICT")
    to_user_id: Mapped[int | None] = _fk("users", "RESTRICT")
    visibility: Mapped[Audience]
    actor_kind: Mapped[ActorKind]
    actor_id: Mapped[int | None] = _fk("users", "RESTRICT")
    request_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Job(Model):
    """A promise to do something, written in the transaction of its cause."""

    __tablename__ = "jobs"
    __table_args__ = (
        # the claim: what is due, oldest first
        Index(
            "ix_jobs_run_at_id", "run_at", "id",
            sqlite_where=text("state = 'ready'"), postgresql_where=text("state = 'ready'"),
        ),
        # what was given up, and the purge of what is done
        Index("ix_jobs_state_created_at", "state", "created_at"),
        _NEVER_REUSED,
    )  # fmt: skip

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(32))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    key: Mapped[str | None] = mapped_column(String(100), unique=True)
    """What must be promised once only, however often its cause is worked."""
    state: Mapped[JobState] = mapped_column(default=JobState.READY)
    run_at: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    done_at: Mapped[datetime | None]


class ReplyAddress(Model):
    """By which one person answers on one ticket from a mail program: what stands in it is signed, and bound to this."""

    __tablename__ = "reply_addresses"
    __table_args__ = (
        UniqueConstraint("ticket_id", "user_id"),
        Index("ix_reply_addresses_user_id", "user_id"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    ticket_id: Mapped[TicketId]
    user_id: Mapped[OwnerId]
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    created_at: Mapped[datetime] = mapped_column(default=now)


class InboundMail(Model):
    """A mail that came in, kept before anything is done with it, and what came of it. It goes with what came of it."""

    __tablename__ = "inbound_mails"
    __table_args__ = (
        # what somebody has to look at; the purge
        Index("ix_inbound_mails_state_id", "state", "id"),
        Index("ix_inbound_mails_received_at", "received_at"),
        Index("ix_inbound_mails_ticket_id", "ticket_id"),
        Index("ix_inbound_mails_comment_id", "comment_id"),
        Index("ix_inbound_mails_user_id", "user_id"),
        Index("ix_inbound_mails_sender", "sender"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(64), unique=True)
    """Of its Message-ID, sender and date, or of all of it: every copy is the same mail."""
    message_id: Mapped[str | None] = mapped_column(String(250))
    sender: Mapped[str] = mapped_column(String(254), default="")
    """As it stands in From, in lower case, which proves nothing."""
    recipient: Mapped[str | None] = mapped_column(String(254))
    """Whom the mail server says it is for."""
    subject: Mapped[str] = mapped_column(String(500), default="")
    size_bytes: Mapped[int]
    state: Mapped[InboundState] = mapped_column(default=InboundState.WAITING)
    outcome: Mapped[str | None] = mapped_column(String(200))
    """What came of it, in a sentence."""
    attempts: Mapped[int] = mapped_column(default=0)
    ticket_id: Mapped[int | None] = _fk("tickets", "CASCADE")
    comment_id: Mapped[int | None] = _fk("comments", "CASCADE")
    user_id: Mapped[int | None] = _fk("users", "CASCADE")
    """Whose words it became, or whom a failed delivery is about: it goes with them."""
    is_from_elsewhere: Mapped[bool] = mapped_column(default=False)
    """Whether it came from another address than theirs."""
    has_photos: Mapped[bool] = mapped_column(default=False)
    """Whether photos in it wait until its sender has confirmed what it says."""
    received_at: Mapped[datetime] = mapped_column(default=now)
    handled_at: Mapped[datetime | None]


class InboundBlob(Model):
    """The mail as it came, apart from what lists read."""

    __tablename__ = "inbound_blobs"
    __table_args__ = (
        # the purge
        Index("ix_inbound_blobs_keep_until", "keep_until"),
    )

    mail_id: Mapped[int] = mapped_column(ForeignKey("inbound_mails.id", ondelete="CASCADE"), primary_key=True)
    data: Mapped[bytes]
    keep_until: Mapped[datetime]


class Worker(Model):
    """A process that does jobs, for as long as it says every few seconds that it is there."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime] = mapped_column(default=now)


class DigestItem(Model):
    """What somebody who wants mails once an hour hears of at the next one."""

    __tablename__ = "digest_items"
    __table_args__ = (
        UniqueConstraint("user_id", "deed_id"),
        Index("ix_digest_items_ticket_id", "ticket_id"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    user_id: Mapped[OwnerId]
    ticket_id: Mapped[TicketId]
    deed_id: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(24))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Schedule(Model):
    """When a recurring job is next put into the queue; moving the date is what makes it run once."""

    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    next_run_at: Mapped[datetime]


class ReportSubscription(Model):
    """Whom the desk's figures are mailed to, each week or month."""

    __tablename__ = "report_subscriptions"
    __table_args__ = (
        UniqueConstraint("user_id", "every", "team_id"),
        CheckConstraint("every IN ('week', 'month')", name="every"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    user_id: Mapped[OwnerId]
    every: Mapped[str] = mapped_column(String(8))
    team_id: Mapped[int | None] = _fk("teams", "CASCADE")
    """Of one team's tickets; None: of all."""
    sent_until: Mapped[datetime | None]
    """The end of the last period that was mailed."""
    created_by_id: Mapped[UserId]
    created_at: Mapped[datetime] = mapped_column(default=now)


class RateLimit(Model):
    """A limit's state, for all processes: the time at which its bucket is full again (GCRA)."""

    __tablename__ = "rate_limits"
    __table_args__ = (Index("ix_rate_limits_full_at", "full_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    full_at: Mapped[float]
    """Seconds since the epoch."""


class IdempotencyKey(Model):
    """What a creating request answered, so that its repetition answers the same."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_idempotency_keys_created_at", "created_at"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    user_id: Mapped[OwnerId]
    key: Mapped[str] = mapped_column(String(255))
    request_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)


class AuditEvent(Model):
    """What must be provable later: sign-ins, denials, rights, exports, deletions. Append-only."""

    __tablename__ = "audit_events"
    __table_args__ = (
        # the log, of everything or of what was done by somebody, to something, or in one area
        Index("ix_audit_events_created_at_id", "created_at", "id"),
        Index("ix_audit_events_actor_id_created_at_id", "actor_id", "created_at", "id"),
        Index("ix_audit_events_target_created_at_id", "target", "created_at", "id"),
        Index("ix_audit_events_area_created_at_id", "area", "created_at", "id"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    area: Mapped[str] = mapped_column(String(16), default="other", server_default="other")
    """What the action is about, as `helpdesk.audit.AREAS` has it: what the log is filtered by."""
    action: Mapped[str] = mapped_column(String(48))
    actor_kind: Mapped[ActorKind]
    actor_id: Mapped[int | None] = _fk("users", "RESTRICT")
    peer: Mapped[str | None] = mapped_column(String(64))
    target: Mapped[str | None] = mapped_column(String(64))
    """The kind and id of what it was done to: `user:17`."""
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    request_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)


class SearchDocument(Model):
    """The words of a ticket in parts by audience, so that a search reads no part that the searcher may not."""

    __tablename__ = "search_documents"
    __table_args__ = (
        UniqueConstraint("ticket_id", "audience", "reader_id"),
        _NEVER_REUSED,
    )

    id: Mapped[Id]
    ticket_id: Mapped[TicketId]
    audience: Mapped[Audience]
    reader_id: Mapped[int | None] = _fk("users", "CASCADE")
    """Whose own words they are, where the audience is `desk`."""
    text: Mapped[str] = mapped_column(Text)


# --- engines ---------------------------------------------------------------------------------------------------------

WRITE = "helpdesk_write"


def begin_write() -> None:
    """End the reading so far and open the transaction that will write: load again what you are going to change.

    On SQLite it takes the write lock at once (BEGIN IMMEDIATE): a transaction that reads first and writes later fails
    with "database is locked" whenever another one wrote in between, and no timeout helps. Nothing slow may happen
    until the commit.
    """
    db.session.rollback()
    db.session.connection(execution_options={WRITE: True})


def one_by_one(what: str) -> None:
    """Let whoever else does this wait until our commit: for a rule over several rows that no constraint can say.

    SQLite has one writer at a time anyway.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(what))))


SQLITE_AT_LEAST = (3, 51, 3)
"""Before this one, several processes could corrupt a database in WAL mode."""


def fetch(
    statement: Rows | CompoundSelect[*tuple[Any, ...]], values: dict[str, Any] | None = None
) -> Result[*tuple[Any, ...]]:
    """Execute a SELECT of columns in the session's transaction, past the ORM's building of rows: half the cost."""
    if db.session.new or db.session.dirty or db.session.deleted:
        db.session.flush()
    return db.session.connection().execute(statement, values or {})


def sqlite_driver() -> ModuleType:
    """The pinned SQLite where there is a build of it (Linux), else the interpreter's own."""
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return importlib.import_module("sqlite3")


def prepare_sqlite(engine_options: dict[str, Any], module: Any) -> None:
    """Let SQLAlchemy, not the driver, open transactions; wait up to 10 s for another writer."""
    engine_options["module"] = module
    engine_options["connect_args"] = {"timeout": 10, "isolation_level": None, "check_same_thread": False}


def on_sqlite_connect(connection: Any, record: Any) -> None:
    """WAL lets readers go on beside the writer; FULL makes a commit survive a power cut."""
    # SQLite's own folds ASCII only, and people are called Émile and Łukasz
    connection.create_function("lower", 1, lambda text: text.lower() if isinstance(text, str) else text)
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def on_sqlite_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def listen(engine: Any) -> None:
    """Hang the SQLite settings on an engine; PostgreSQL's go into its connection string (see app.py)."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", on_sqlite_connect)
        event.listen(engine, "begin", on_sqlite_begin)
