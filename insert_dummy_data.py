"""Fill an empty database with a campus of any size: people, and tickets that read as real. The same every time.

What happens there is made in `demo/` as plain data; here it is written by the product's own verbs, at the time at which
each of them happened, so that counters, history and due dates are what the product makes of it. Of a large campus the
rows are computed (`demo/rows.py`) and inserted by the thousand.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import click
from flask import Flask
from sqlalchemy import and_, delete, insert, inspect, literal, not_, or_, select, update

import setup_db
from app import create_app
from demo import campus, drawing, history, load, photos, rows
from demo.campus import Person
from demo.large import arrivals, people
from demo.photos import Photo
from demo.replies import REPLIES
from demo.telling import Deed
from demo.telling import Ticket as Told
from helpdesk import audit, auth, comments, events, images, replies, search, sla, tasks, tickets, views
from helpdesk.policy import SYSTEM, Actor
from helpdesk.settings import UnsafeSettings
from helpdesk.workflow import Trigger
from models import (
    Audience,
    AuditEvent,
    Building,
    Category,
    Channel,
    Image,
    Job,
    Membership,
    Priority,
    Role,
    Status,
    Tag,
    Task,
    TaskPriority,
    TaskStatus,
    Team,
    Ticket,
    TicketRead,
    User,
    begin_write,
    clock,
    db,
    now,
)

BATCH = 500
"""Tickets a transaction: the default campus is there wholly or not at all."""
BY_VERBS = 1000
"""A campus of more tickets is a large one, with other buildings and people, and inserted."""
AT_ONCE = 2000
"""Of these, tickets a transaction: what lies in memory before it is written, some 30 MB."""
RUN = "insert-dummy-data"
"""The request id of all it does: marks its jobs, and says in the history where these deeds come from."""
ROLES = {"admin": Role.ADMIN, "agent": Role.AGENT}
_ADDRESSES = [person.email for person in campus.PEOPLE.values()]
"""Of the small campus, whose people are in every large one too."""
_DEMO = User.email_normalized.endswith(f"@{campus.DOMAIN}", autoescape=True)
_KEPT = and_(User.role == Role.ADMIN, or_(User.email_normalized.is_(None), User.email_normalized.not_in(_ADDRESSES)))
"""The admins that setup_db.py makes, or anybody: a reset leaves them."""


class Refused(Exception):
    """It must not be done here. The message says why, and what to do instead."""


# --- may it be done here ----------------------------------------------------------------------------------------------


def _is_filled() -> bool:
    return db.session.scalar(select(Ticket.id).limit(1)) is not None


def _has_strangers() -> bool:
    """Whether somebody is here who is neither of the demo nor an admin, such as the one that setup_db.py makes."""
    stranger = select(User.id).where(or_(User.email_normalized.is_(None), ~_DEMO), User.role != Role.ADMIN)
    return db.session.scalar(stranger.limit(1)) is not None


def _is_ours() -> bool:
    """Whether this script filled it and nobody else came since."""
    ours = select(User.id).where(User.email_normalized == campus.PEOPLE["customer"].email)
    return db.session.scalar(ours) is not None and not _has_strangers()


def _taken(cast: Mapping[str, Person], *, after_reset: bool) -> str | None:
    """Whoever has a name or address of the demo already."""
    found = select(User.username, User.email_normalized)
    addresses = {person.email for person in cast.values()}
    there = db.session.execute(found.where(_KEPT) if after_reset else found)
    return next((name for name, address in there if name in cast or address in addresses), None)


def _check(cast: Mapping[str, Person], *, reset: bool) -> None:
    """Raises Refused."""
    if _is_filled() and not _is_ours():
        raise Refused("there are tickets here that are not the demo's. Name another database in DATABASE_URL.")
    if _is_filled() and not reset:
        raise Refused("the demo campus is here already. --reset deletes everything and makes it anew.")
    if reset and _has_strangers():
        raise Refused("there are accounts here that are not the demo's, so this database is not reset.")
    if taken := _taken(cast, after_reset=reset):
        raise Refused(f"there is an account “{taken}” here already. Name another database in DATABASE_URL.")


def _empty() -> None:
    """Delete everything but the admins of others, and put back what a desk starts with."""
    search.forget()
    for table in reversed(db.metadata.sorted_tables):
        if table is Category.__table__:  # children before parents
            db.session.execute(delete(Category).where(Category.parent_id.is_not(None)))
        if table is User.__table__:
            db.session.execute(delete(User).where(not_(_KEPT)))
        elif table is AuditEvent.__table__:
            with load.open_record(db.session.connection()):
                db.session.execute(delete(AuditEvent))
        elif table.name != "schedules":
            db.session.execute(delete(table))
    setup_db.first_rows()


# --- people and places ------------------------------------------------------------------------------------------------


def _write_people(cast: Mapping[str, Person], password_hash: str) -> dict[str, Actor]:
    """Everybody of the campus, as actors by username."""
    teams = {team.slug: team.id for team in db.session.scalars(select(Team))}
    users = {}
    for person in cast.values():
        user = User(
            username=person.username, email=person.email, email_normalized=person.email, name=person.name,
            role=ROLES.get(person.kind, Role.CUSTOMER), password_hash=password_hash, is_active=person.kind != "gone",
        )  # fmt: skip
        users[person.username] = user
    db.session.add_all(users.values())
    db.session.flush()
    for person in cast.values():
        if person.team:
            db.session.add(Membership(user_id=users[person.username].id, team_id=teams[person.team]))
        if person.kind in ROLES:
            user = users[person.username]
            audit.record("user.created", actor=SYSTEM, target=f"user:{user.id}", request_id=RUN, role=user.role)
    return {
        username: Actor(id=user.id, role=user.role, name=user.name, request_id=RUN) for username, user in users.items()
    }


def _write_places(buildings: Iterable[str]) -> None:
    db.session.add_all(Building(slug=campus.slug(name), name=name) for name in buildings)
    db.session.add_all(Tag(name=name) for name in campus.TAGS)


def _write_replies(admin: Actor) -> None:
    """What the desk sends often, in the name of whoever looks after it."""
    teams = {team.slug: team.id for team in db.session.scalars(select(Team))}
    for title, team, words in REPLIES:
        data = {"title": title, "text": words, "is_shared": True, "team_id": teams[team] if team else None}
        replies.create(admin, data)


class Seen:
    """When each was first and last seen doing something, from which follows since when they have an account."""

    def __init__(self, cast: Mapping[str, Person]) -> None:
        self.cast = cast
        self.first: dict[str, datetime] = {}
        self.last: dict[str, datetime] = {}

    def note(self, username: str | None, at: datetime) -> None:
        if username is not None:
            self.first.setdefault(username, at)
            self.first[username] = min(self.first[username], at)
            self.last[username] = max(self.last.get(username, at), at)

    def write(self, actors: dict[str, Actor], seed: int, at: datetime) -> None:
        rng, rows = random.Random(seed), []
        for username, actor in actors.items():
            days, came_with_a_problem, visit = rng.uniform(120, 1500), rng.random() < 0.4, rng.lognormvariate(2.5, 1.5)
            kind = self.cast[username].kind
            first = self.first.get(username, at - timedelta(days=days))
            joined = min(at - timedelta(days=days), first - timedelta(days=1))
            if kind == "student" and came_with_a_problem:
                joined = first - timedelta(minutes=2 + visit)
            hours = visit / 40 if kind in ROLES else visit
            last = max(self.last.get(username, joined), at - timedelta(hours=hours), joined)
            if kind == "gone":
                last = joined + timedelta(days=days / 4)
            joined, last = joined.replace(microsecond=0), last.replace(microsecond=0)
            rows.append(
                {
                    "id": actor.id, "created_at": joined, "email_verified_at": joined, "updated_at": joined,
                    "last_seen_at": min(last, at),
                }
            )  # fmt: skip
        db.session.execute(update(User), rows)


# --- what happened ----------------------------------------------------------------------------------------------------


class Writer:
    """Does what is told, by the verbs, each deed at its time. Knows people by username."""

    def __init__(self, actors: dict[str, Actor], seen: Seen) -> None:
        self.people = actors
        self.seen = seen
        self.at = now()
        self.tasks: dict[str, Task] = {}
        self.verbs: dict[str, Callable[[Actor, Ticket, Deed], None]] = {
            "say": self._say, "change": self._change, "join": self._join, "leave": self._leave, "expire": self._expire,
            "photo": self._photo,
        }  # fmt: skip

    def ticket(self, told: Told) -> None:
        """Report it, and do what followed."""
        actor = self._begin(told.by, told.at)
        data: dict[str, Any] = {"title": told.title, "description": told.description, "category": told.category}
        if told.building:
            data |= {"building": campus.slug(told.building), "room": told.room}
        if told.by != told.reporter:
            data["reporter_id"] = self._id(told.reporter)
        data["images"] = [image.id for image in self._upload(actor, told.photos)]
        ticket = tickets.create(actor, data | self._fields(told.fields), channel=Channel(told.channel))
        for deed in told.deeds:
            self.deed(deed, ticket)

    def deed(self, deed: Deed, ticket: Ticket | None = None) -> None:
        actor = self._begin(deed.by, deed.at)
        if deed.kind == "task":
            data = {**deed.fields, "assignee_id": self._id(deed.fields["assignee"]), "ticket_id": ticket and ticket.id}
            data["priority"] = TaskPriority(deed.fields["priority"])
            self.tasks[deed.text] = tasks.create(actor, data)
        elif deed.kind == "work":
            tasks.edit(actor, self.tasks[deed.text], {"status": TaskStatus(deed.fields["status"])})
        elif ticket is not None:
            self.verbs[deed.kind](actor, ticket, deed)

    def _begin(self, by: str | None, at: datetime) -> Actor:
        self.at = at
        if by is None:
            return SYSTEM
        self.seen.note(by, at)
        return self.people[by]

    @staticmethod
    def _upload(actor: Actor, photos: Iterable[Photo]) -> list[Image]:
        """What they send; the worker's part is done at once."""
        found = []
        for photo in photos:
            made = drawing.drawn(photo)
            image = images.add(actor, made.photo, images.check(made.photo))
            images.store(image.id, made)
            found.append(image)
        return found

    def _id(self, username: str) -> int:
        return self.people[username].id or 0

    def _fields(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """A ticket's fields as the verbs want them."""
        fields = dict(told)
        if "assignee" in fields:
            fields["assignee_id"] = self._id(fields.pop("assignee"))
        if "team" in fields:
            fields["team_id"] = db.session.scalar(select(Team.id).where(Team.slug == fields.pop("team")))
        for name, enum in (("priority", Priority), ("status", Status)):
            if name in fields:
                fields[name] = enum(fields[name])
        return fields

    def _say(self, actor: Actor, ticket: Ticket, deed: Deed) -> None:
        by_mail = ticket.channel == Channel.EMAIL and actor.id == ticket.reporter_id
        audience = Audience(deed.audience) if deed.audience else None
        deed_id = events.new_deed()
        channel = Channel.EMAIL if by_mail else Channel.WEB
        sent = [image.id for image in self._upload(actor, deed.photos)]
        comments.add(actor, ticket, deed.text, audience=audience, channel=channel, photos=sent, deed_id=deed_id)
        if deed.fields:
            tickets.edit(actor, ticket, self._fields(deed.fields), deed_id=deed_id, asks=False)

    def _change(self, actor: Actor, ticket: Ticket, deed: Deed) -> None:
        tickets.edit(actor, ticket, self._fields(deed.fields), asks=False)
        db.session.flush()  # what goes on record has its time from then

    def _photo(self, actor: Actor, ticket: Ticket, deed: Deed) -> None:
        for image in self._upload(actor, deed.photos):
            images.attach(actor, [image.id], ticket)

    def _join(self, actor: Actor, ticket: Ticket, deed: Deed) -> None:
        tickets.join(actor, ticket, self._id(deed.by or ""))

    def _leave(self, actor: Actor, ticket: Ticket, deed: Deed) -> None:
        tickets.leave(actor, ticket, self._id(deed.by or ""))

    def _expire(self, actor: Actor, ticket: Ticket, deed: Deed) -> None:
        change = tickets.move_by_itself(ticket, Trigger.TIME, at=self.at)
        if change is not None:
            events.record(actor, change, ticket=ticket, at=self.at)


def _cast(seed: int, count: int) -> Mapping[str, Person]:
    return people.cast(seed, count).people if count > BY_VERBS else campus.PEOPLE


def fill(seed: int, count: int, *, at: datetime, reset: bool = False) -> None:
    """Write the campus as it is at this moment. The caller has seen to it that it may be done here."""
    password_hash = auth.hash_password(campus.PASSWORD)  # once, and before the transaction: it is slow
    large, cast = count > BY_VERBS, _cast(seed, count)
    seen = Seen(cast)
    begin_write()
    load.take_time(db.session.connection())
    if reset:
        _empty()
    setup_db.first_rows()
    if large:
        db.session.add_all(Team(slug=slug, name=name) for slug, name in people.TEAMS.items())
        db.session.flush()
    actors = _write_people(cast, password_hash)
    _write_places([*campus.BUILDINGS, *(people.BUILDINGS if large else ())])
    _write_replies(actors["admin"])
    writer = Writer(actors, seen)
    bar = click.progressbar(length=count, label="Tickets", file=sys.stderr, hidden=not sys.stderr.isatty())
    with clock(lambda: writer.at), bar:
        if large:
            told = photos.taken(arrivals.tickets(seed, count, at), seed)
            _insert(told, _desk(actors, cast), seen, seed, bar.update)
        else:
            _act(photos.taken(history.tickets(seed, count, at), seed, variations=1), writer, bar.update)
        for deed in history.tasks(at):
            writer.deed(deed)
        seen.write(actors, seed, at)
        sla.mark_quietly(at)
        _write_desks(actors, at)
        _commit()
    if large:
        load.end(db.engine)


READ_UNTIL = timedelta(hours=1)
"""So long ago the people of `READERS` last looked through the queue."""
READERS = ("admin", "agent")
VIEWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("agent", {"name": "Main Library", "filters": {"building": [campus.slug("Main Library")]}}),
    ("agent", {"name": "Wi-Fi, all buildings", "filters": {"category": ["it-wifi"]}, "is_shared": True}),
    (
        "admin",
        {
            "name": "Exam rooms", "filters": {"tag": ["exam"]}, "sort": "-priority", "is_shared": True,
            "columns": ["location", "status", "due", "assignee", "team", "tags"],
        },
    ),
)  # fmt: skip
"""Who keeps which lists under which name."""


def _write_desks(actors: Mapping[str, Actor], at: datetime) -> None:
    """What the staff keep for themselves: views, and what of the queue they have read."""
    for username, data in VIEWS:
        views.create(actors[username], data)
    db.session.execute(delete(TicketRead))  # what the verbs wrote of those who reported for somebody
    for username in READERS:
        reader = actors[username].id
        known = select(literal(reader), Ticket.id, Ticket.activity_seq, literal(at, Ticket.updated_at.type)).where(
            or_(Ticket.updated_at < at - READ_UNTIL, Ticket.assignee_id == reader)
        )
        columns = ["user_id", "ticket_id", "seq", "read_at"]
        db.session.execute(insert(TicketRead).from_select(columns, known))


def _batches(told: Iterator[Told], size: int) -> Iterator[list[Told]]:
    """Each in a transaction of its own; the caller commits the last."""
    batch = list(islice(told, size))
    while batch:
        for photo in (photo for ticket in batch for photo in photos.of(ticket)):
            drawing.begin(photo)
        yield batch
        batch = list(islice(told, size))
        if batch:
            _commit()
            begin_write()
            load.take_time(db.session.connection())


def _act(told: Iterator[Told], writer: Writer, progress: Callable[[int], None]) -> None:
    """Do what is told."""
    for batch in _batches(told, BATCH):
        # held here, for the session lets go of what nobody holds, and would ask for it again with every ticket
        known = [db.session.scalars(select(model)).all() for model in (User, Category, Team)]
        with db.session.no_autoflush:  # the verbs flush what they need
            for ticket in batch:
                writer.ticket(ticket)
                progress(1)
        del known


def _desk(actors: dict[str, Actor], cast: Mapping[str, Person]) -> rows.Desk:
    """What the verbs would look up."""

    def named(model: Any, *more: str) -> dict[str, rows.Named]:
        found = db.session.scalars(select(model)).all()
        return {one.slug: rows.Named(one.id, one.name, *(getattr(one, name) for name in more)) for one in found}

    return rows.Desk(
        people=actors,
        emails={person.username: person.email for person in cast.values()},
        categories=named(Category, "team_id", "is_confidential", "is_joinable"),
        buildings=named(Building),
        teams=named(Team),
        tags={tag.name: tag.id for tag in db.session.scalars(select(Tag))},
        team_of={one.user_id: one.team_id for one in db.session.scalars(select(Membership))},
        book=sla.Book.load(),
    )


def _insert(
    told: Iterator[Told], desk: rows.Desk, seen: Seen, seed: int, progress: Callable[[int], None]
) -> None:  # fmt: skip
    """Write the rows that doing it would leave."""
    scribe = rows.Scribe(desk, random.Random(f"deeds {seed}"))
    db.session.flush()
    for batch in _batches(told, AT_ONCE):
        connection = db.session.connection()
        scribe.begin(load.begin(connection))
        for ticket in batch:
            scribe.ticket(ticket)
            seen.note(ticket.by, ticket.at)
            for deed in ticket.deeds:
                seen.note(deed.by, deed.at)
        load.insert(connection, *scribe.take(), scribe.next_ids)
        progress(len(batch))


def _commit() -> None:
    """Old deeds are not news: the mails that their verbs promised would go out to hundreds of people tonight."""
    db.session.execute(delete(Job).where(Job.request_id == RUN))
    db.session.commit()


def main(argv: list[str] | None = None, app: Flask | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tickets", type=int, default=300, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another number, another campus (%(default)s)")
    parser.add_argument("--if-empty", action="store_true", help="do nothing where there are tickets, or the accounts")
    parser.add_argument("--reset", action="store_true", help="delete everything first, where this script filled it")
    arguments = parser.parse_args(argv)
    if arguments.tickets < 0:
        parser.error("--tickets must be a number from 0")
    try:
        app = app or create_app()
        if app.config["ENVIRONMENT"] == "production":
            raise Refused("this is production, where accounts with a published password have no place.")
        with app.app_context():
            if not inspect(db.engine).has_table(Ticket.__tablename__):
                setup_db.main([], app=app)
            cast = _cast(arguments.seed, arguments.tickets)
            if arguments.if_empty and (_is_filled() or _taken(cast, after_reset=False)):
                return 0
            _check(cast, reset=arguments.reset)
            fill(arguments.seed, arguments.tickets, at=now(), reset=arguments.reset)
    except (Refused, UnsafeSettings) as error:
        print(f"Nothing was inserted: {error}", file=sys.stderr)
        return 2
    if not arguments.if_empty:
        tell_accounts()
    return 0


def tell_accounts() -> None:
    accounts = ", ".join(sorted(campus.ACCOUNTS.values()))
    print(f"Demo accounts: {accounts}, all with the password {campus.PASSWORD}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
