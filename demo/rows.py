"""The rows that the verbs would write of told tickets, computed beforehand: a large campus is inserted, not acted.

Every rule that needs no database is the product's own: what is due when, where a status goes, which times a deed
moves, what a ticket is found by. What the verbs ask the database is answered by a `Desk`. A test tells the same tickets
both ways and compares every row of every table.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from demo import drawing
from demo.campus import slug
from demo.photos import Photo
from demo.telling import Deed
from demo.telling import Ticket as Told
from helpdesk import events, images, search, sla, tickets, workflow
from helpdesk.events import Change
from helpdesk.policy import SYSTEM, Actor
from helpdesk.tickets.verbs import AUDITED, on_record
from helpdesk.workflow import Trigger
from models import (
    FAR_FUTURE,
    Audience,
    AuditEvent,
    Base,
    Channel,
    Comment,
    Event,
    Image,
    ImageBlob,
    Priority,
    SearchDocument,
    Status,
    Task,
    TaskPriority,
    TaskStatus,
    Ticket,
    TicketReport,
    TicketTag,
)

Row = tuple[Any, ...]
COLUMNS: dict[type[Base], tuple[str, ...]] = {
    Ticket: tuple(Ticket.__table__.columns.keys()),
    TicketTag: ("ticket_id", "tag_id"),
    Task: tuple(Task.__table__.columns.keys()),
    Comment: ("id", "ticket_id", "author_id", "text", "audience", "channel", "version", "created_at"),
    Image: (
        "id", "uploader_id", "ticket_id", "comment_id", "state", "store", "type", "width", "height", "size_bytes",
        "uploaded_bytes", "digest", "thumbnail_digest", "created_at",
    ),
    ImageBlob: ("image_id", "kind", "data"),
    TicketReport: ("id", "ticket_id", "user_id", "reported_at", "left_at"),
    Event: (
        "id", "deed_id", "seq", "ticket_id", "task_id", "comment_id", "field", "from_value", "to_value",
        "from_user_id", "to_user_id", "visibility", "actor_kind", "actor_id", "request_id", "created_at",
    ),
    AuditEvent: ("id", "area", "action", "actor_kind", "actor_id", "target", "detail", "request_id", "created_at"),
    SearchDocument: ("id", "ticket_id", "audience", "reader_id", "text"),
}  # fmt: skip
"""What is written of each table, parents first: the order of the values in a row.

Whatever else happens to tickets is a kind of deed, with a verb in `Scribe` and its tables here."""
NUMBERED = tuple(model for model in COLUMNS if "id" in COLUMNS[model])


class Named(NamedTuple):
    """A category, building or team; a category with its team and who may see what is in it."""

    id: int
    name: str
    team_id: int | None = None
    is_confidential: bool = False
    is_joinable: bool = True


@dataclass
class Desk:
    """What the verbs would look up, by slug or username."""

    people: dict[str, Actor]
    emails: dict[str, str]
    categories: dict[str, Named]
    buildings: dict[str, Named]
    teams: dict[str, Named]
    tags: dict[str, int]
    team_of: dict[int, int]
    """Person → the team that they work in."""
    book: sla.Book
    team_names: dict[int | None, str | None] = field(init=False)
    category_names: dict[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.team_names = {None: None, **{team.id: team.name for team in self.teams.values()}}
        self.category_names = {category.id: category.name for category in self.categories.values()}


class _Drawn:
    """A row in the making, with the columns of its table and their defaults: to the rules it looks like the model."""

    __slots__ = ("__dict__",)

    def __init__(self, defaults: dict[str, Any], values: dict[str, Any]) -> None:
        self.__dict__ = {**defaults, **values}


def _defaults(model: type[Base]) -> dict[str, Any]:
    found = {}
    for name, column in model.__table__.columns.items():
        found[name] = column.default.arg if column.default is not None and column.default.is_scalar else None
    return found


class _Said(NamedTuple):
    text: str
    audience: Audience
    author_id: int | None


Editor = Callable[[Any, Any, datetime], list[Change]]


class Scribe:
    """Writes down what is told, ticket by ticket. `rows` gathers until somebody takes them."""

    def __init__(self, desk: Desk, rng: random.Random) -> None:
        self.desk = desk
        self.next_ids: dict[type[Base], int] = {}
        self.rng = rng
        self.rows: dict[type[Base], list[Row]] = {model: [] for model in COLUMNS}
        self.words: list[tuple[int, str]] = []
        """Every word of a ticket, for the index of the staff's search."""
        self._ticket = attrgetter(*COLUMNS[Ticket])
        self._task = attrgetter(*COLUMNS[Task])
        self._of_ticket, self._of_task = _defaults(Ticket), _defaults(Task)
        self._said: list[_Said] = []
        self._moves: list[sla.Move] = []
        self._reports: dict[int, list[Any]] = {}
        self._tasks: dict[str, Any] = {}
        self._tagged: list[str] = []
        self._place: str | None = None
        self._verbs: dict[str, Callable[[Actor, Any, Deed], None]] = {
            "say": self._say, "change": self._change, "join": self._join, "leave": self._leave,
            "expire": self._expire, "task": self._new_task, "work": self._work, "photo": self._photo,
        }  # fmt: skip
        own: dict[str, Editor] = {
            "category": self._edit_category, "is_confidential": self._edit_confidential,
            "team_id": self._edit_team, "assignee_id": self._edit_assignee, "tags": self._edit_tags,
        }  # fmt: skip
        # the others need no database
        self._editors: dict[str, Editor] = {name: own.get(name, self._by_rule(name)) for name in tickets.EDITORS}

    @staticmethod
    def _by_rule(name: str) -> Editor:
        editor = tickets.EDITORS[name]
        return lambda ticket, value, at: editor(ticket, value)

    def begin(self, next_ids: dict[type[Base], int]) -> None:
        """Count on from these."""
        self.next_ids = next_ids

    def take(self) -> tuple[dict[type[Base], list[Row]], list[tuple[int, str]]]:
        """What was written since the last time."""
        rows, words = self.rows, self.words
        self.rows, self.words = {model: [] for model in COLUMNS}, []
        return rows, words

    def _id(self, model: type[Base]) -> int:
        number = self.next_ids[model]
        self.next_ids[model] = number + 1
        return number

    def _person(self, username: str) -> int:
        return self.desk.people[username].id or 0

    def _new_deed(self) -> str:
        return f"{self.rng.getrandbits(128):032x}"

    # --- a ticket -----------------------------------------------------------------------------------------------------

    def ticket(self, told: Told) -> None:
        """As `Writer.ticket` would: report it, and do what followed."""
        actor, at = self.desk.people[told.by], told.at
        category = self.desk.categories[told.category]
        building = self.desk.buildings[slug(told.building)] if told.building else None
        data = self._fields(told.fields)
        self._said, self._reports, self._tasks, self._tagged, self._moves = [], {}, {}, [], []
        self._place = building.name if building else None
        number = self._id(Ticket)
        ticket: Any = _Drawn(
            self._of_ticket,
            {
                "id": number, "title": told.title, "description": told.description,
                "priority": data.get("priority", Priority.NORMAL), "category_id": category.id,
                "building_id": building.id if building else None, "room": told.room if told.building else None,
                "is_confidential": category.is_confidential, "reporter_id": self._person(told.reporter),
                "created_by_id": actor.id, "assignee_id": data.get("assignee_id"),
                "team_id": data.get("team_id", category.team_id), "channel": Channel(told.channel),
                "created_at": at, "updated_at": at, "reporter_updated_at": at, "affected_updated_at": at,
            },
        )  # fmt: skip
        sla.start(ticket, self.desk.book)
        self._tagged = sorted(data.get("tags", ()))
        self._tie(actor, ticket, told.photos, at)
        self._record(actor, ticket, [Change("created", after=Status.OPEN)], at)
        for deed in told.deeds:
            self._verbs[deed.kind](SYSTEM if deed.by is None else self.desk.people[deed.by], ticket, deed)
        self._finish(ticket, self.desk.emails[told.reporter], self.desk.people[told.reporter].name)

    def _finish(self, ticket: Any, email: str, name: str) -> None:
        rows, number = self.rows, ticket.id
        rows[Ticket].append(self._ticket(ticket))
        rows[TicketTag] += [(number, self.desk.tags[tag]) for tag in self._tagged]
        rows[TicketReport] += [tuple(report) for report in self._reports.values()]
        rows[Task] += [self._task(task) for task in self._tasks.values()]
        found = search.parts(ticket, self._place, (name, email), reversed(self._said))
        rows[SearchDocument] += [
            (self._id(SearchDocument), number, audience, reader, words) for (audience, reader), words in found.items()
        ]
        self.words.append((number, search.every_word(found.values())))

    def _record(
        self, actor: Actor, ticket: Any, changes: list[Change], at: datetime, *,
        deed_id: str | None = None, task_id: int | None = None,
    ) -> None:  # fmt: skip
        """As `events.record`; the mails that it would promise are not news any more."""
        if not changes:
            return
        deed_id = deed_id or self._new_deed()
        for seq, change in enumerate(changes):
            if change.field == "status":
                self._moves.append(sla.Move(change.before or "", change.after or "", at))
            self.rows[Event].append(
                (
                    self._id(Event), deed_id, seq, ticket.id, task_id, change.comment_id, change.field, change.before,
                    change.after, change.before_user, change.after_user, change.visibility, actor.kind, actor.id,
                    actor.request_id, at,
                )
            )  # fmt: skip
        ticket.__dict__.update(events.touched(actor, ticket, tuple(changes), at))
        ticket.activity_seq += len(changes)

    # --- verbs --------------------------------------------------------------------------------------------------------

    def _say(self, actor: Actor, ticket: Any, deed: Deed) -> None:
        """As `comments.add`, and an edit in the same deed."""
        at, audience = deed.at, Audience(deed.audience) if deed.audience else Audience.REPORTER
        if not actor.is_staff:
            _check_open(ticket, at)
            audience = Audience.DESK
        deed_id, number = self._new_deed(), self._id(Comment)
        by_mail = ticket.channel == Channel.EMAIL and actor.id == ticket.reporter_id
        channel = Channel.EMAIL if by_mail else Channel.WEB
        self.rows[Comment].append((number, ticket.id, actor.id, deed.text, audience, channel, 1, at))
        self._said.append(_Said(deed.text, audience, actor.id))
        self._tie(actor, ticket, deed.photos, at, number)
        ticket.comment_count += 1
        changes = [Change("comment", after="added", audience=audience, comment_id=number)]
        if actor.id == ticket.reporter_id and audience != Audience.INTERNAL:
            moved = tickets.move_by_itself(
                ticket, Trigger.REPORTER_COMMENT, at=at, book=self.desk.book, history=self._history
            )
            changes += [moved] if moved else []
        elif actor.is_staff and audience != Audience.INTERNAL and ticket.first_response_at is None:
            sla.replied(ticket, at, self.desk.book)
        self._record(actor, ticket, changes, at, deed_id=deed_id)
        if deed.fields:
            self._edit(actor, ticket, deed.fields, at, deed_id)

    def _photo(self, actor: Actor, ticket: Any, deed: Deed) -> None:
        """As `images.attach`, of each."""
        for photo in deed.photos:
            number = self._tie(actor, ticket, [photo], deed.at)
            self._record(actor, ticket, [Change("image", after=str(number))], deed.at)

    def _tie(
        self, actor: Actor, ticket: Any, photos: Sequence[Photo], at: datetime, comment_id: int | None = None
    ) -> int:
        """As uploading, making and tying each; the id of the last."""
        number = 0
        for photo in photos:
            made, number = drawing.drawn(photo), self._id(Image)
            values = {
                "id": number, "uploader_id": actor.id, "ticket_id": ticket.id, "comment_id": comment_id, "store": "db",
                "uploaded_bytes": len(made.photo), "created_at": at, **images.described(made),
            }  # fmt: skip
            self.rows[Image].append(tuple(values[name] for name in COLUMNS[Image]))
            self.rows[ImageBlob] += [(number, images.PHOTO, made.photo), (number, images.THUMBNAIL, made.thumbnail)]
        ticket.image_count += len(photos)
        return number

    def _change(self, actor: Actor, ticket: Any, deed: Deed) -> None:
        self._edit(actor, ticket, deed.fields, deed.at, None)

    def _join(self, actor: Actor, ticket: Any, deed: Deed) -> None:
        user_id = self._person(deed.by or "")
        if ticket.reporter_id == user_id:
            return
        _check_open(ticket, None)
        report = self._reports.get(user_id)
        if report is None:
            self._reports[user_id] = [self._id(TicketReport), ticket.id, user_id, deed.at, None]
        elif report[4] is None:
            return
        else:
            report[3:] = deed.at, None
        ticket.affected_count += 1
        self._record(actor, ticket, [Change("affected", after_user=user_id)], deed.at)

    def _leave(self, actor: Actor, ticket: Any, deed: Deed) -> None:
        user_id = self._person(deed.by or "")
        report = self._reports.get(user_id)
        if report is None or report[4] is not None:
            return
        report[4] = deed.at
        ticket.affected_count -= 1
        self._record(actor, ticket, [Change("affected", before_user=user_id)], deed.at)

    def _expire(self, actor: Actor, ticket: Any, deed: Deed) -> None:
        change = tickets.move_by_itself(
            ticket, Trigger.TIME, at=deed.at, book=self.desk.book, history=self._history
        )  # fmt: skip
        self._record(actor, ticket, [change] if change else [], deed.at)

    def _new_task(self, actor: Actor, ticket: Any, deed: Deed) -> None:
        values = {
            "id": self._id(Task), "title": deed.text, "priority": TaskPriority(deed.fields["priority"]),
            "ticket_id": ticket.id, "created_by_id": actor.id, "assignee_id": self._person(deed.fields["assignee"]),
            "due_at": deed.fields["due_at"] or FAR_FUTURE, "created_at": deed.at, "updated_at": deed.at,
        }  # fmt: skip
        task: Any = _Drawn(self._of_task, values)
        self._tasks[deed.text] = task
        told = Change("task", after=TaskStatus.TODO, audience=Audience.INTERNAL)
        self._record(actor, ticket, [told], deed.at, task_id=task.id)

    def _work(self, actor: Actor, ticket: Any, deed: Deed) -> None:
        task, to = self._tasks[deed.text], TaskStatus(deed.fields["status"])
        told = Change("task", task.status, to, audience=Audience.INTERNAL)
        task.status, task.done_at = to, deed.at if to == TaskStatus.DONE else None
        task.version, task.updated_at = task.version + 1, deed.at
        self._record(actor, ticket, [told], deed.at, task_id=task.id)

    # --- editing ------------------------------------------------------------------------------------------------------

    def _fields(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """A ticket's fields as the verbs want them."""
        fields = dict(told)
        if "assignee" in fields:
            fields["assignee_id"] = self._person(fields.pop("assignee"))
        if "team" in fields:
            fields["team_id"] = self.desk.teams[fields.pop("team")].id
        if "priority" in fields:
            fields["priority"] = Priority(fields["priority"])
        return fields

    def _edit(self, actor: Actor, ticket: Any, told: Mapping[str, Any], at: datetime, deed_id: str | None) -> None:
        """As `tickets.edit`."""
        changes: list[Change] = []
        fields, team_id = self._fields(told), ticket.team_id
        if fields.keys() != {"status"}:
            category = self.desk.categories.get(fields.get("category", ""))
            if category and category.is_confidential and category.id != ticket.category_id:
                fields["is_confidential"] = True
            changes += [
                change for name, editor in self._editors.items() if name in fields
                for change in editor(ticket, fields[name], at)
            ]  # fmt: skip
            if team_id is not None and ticket.team_id not in (None, team_id):
                changes += self._release(ticket, fields)
            if ticket.status not in workflow.ENDED and any(change.field in sla.PICKED_BY for change in changes):
                sla.repick(ticket, self.desk.book, self._history)
        if "status" in fields and fields["status"] != ticket.status:
            changes.append(
                tickets.set_status(
                    actor, ticket, Status(fields["status"]), at=at, book=self.desk.book, history=self._history
                )
            )
        if not changes:
            return
        ticket.version += 1
        sla.refresh(ticket)
        self._record(actor, ticket, changes, at, deed_id=deed_id)
        self.rows[AuditEvent] += [
            (
                self._id(AuditEvent), "tickets", f"ticket.{change.field}.changed", actor.kind, actor.id,
                f"ticket:{ticket.id}", on_record(change), actor.request_id, at,
            )
            for change in changes if change.field in AUDITED
        ]  # fmt: skip

    def _history(self) -> sla.Pauses:
        return sla.pauses(self._moves)

    def _edit_category(self, ticket: Any, to: str, at: datetime) -> list[Change]:
        category = self.desk.categories[to]
        if ticket.category_id == category.id:
            return []
        changes = [Change("category", self.desk.category_names[ticket.category_id], category.name)]
        ticket.category_id = category.id
        if category.team_id is not None:
            changes += self._edit_team(ticket, category.team_id, at)
        return changes if category.is_joinable else changes + self._end_joiners_access(ticket, at)

    def _edit_confidential(self, ticket: Any, value: bool, at: datetime) -> list[Change]:
        if ticket.is_confidential == value:
            return []
        ticket.is_confidential = value
        return [Change("is_confidential", "false", "true"), *self._end_joiners_access(ticket, at)]

    def _end_joiners_access(self, ticket: Any, at: datetime) -> list[Change]:
        gone = [report for report in self._reports.values() if report[4] is None]
        for report in gone:
            report[4] = at
        ticket.affected_count = 1
        return [Change("affected", before_user=user_id) for user_id in sorted(report[2] for report in gone)]

    def _edit_team(self, ticket: Any, team_id: int, at: datetime) -> list[Change]:
        before = ticket.team_id
        if before == team_id:
            return []
        ticket.team_id = team_id
        return [Change("team", self.desk.team_names[before], self.desk.team_names[team_id])]

    def _release(self, ticket: Any, fields: Mapping[str, Any]) -> list[Change]:
        """As `handoff.release`; the teams of the demo campus give nothing out by themselves."""
        before = ticket.assignee_id
        ticket.handoff_count += 1
        if before is None or "assignee_id" in fields or self.desk.team_of.get(before) == ticket.team_id:
            return []
        ticket.assignee_id = None
        return [Change("assignee", before_user=before)]

    def _edit_assignee(self, ticket: Any, user_id: int, at: datetime) -> list[Change]:
        before = ticket.assignee_id
        if before == user_id:
            return []
        ticket.assignee_id = user_id
        return [Change("assignee", before_user=before, after_user=user_id)]

    def _edit_tags(self, ticket: Any, names: list[str], at: datetime) -> list[Change]:
        before, after = self._tagged, sorted(names)
        if before == after:
            return []
        self._tagged = after
        return [Change("tags", ", ".join(before), ", ".join(after))]


def _check_open(ticket: Any, at: datetime | None) -> None:
    """What the verbs would refuse must not be told."""
    over = at and ticket.resolved_at and at - ticket.resolved_at >= timedelta(days=workflow.REOPEN_DAYS)
    if ticket.status == Status.CLOSED or over:
        raise ValueError(f"said or joined after it was closed: {ticket.title}")
