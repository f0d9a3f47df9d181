"""Every JSON shape, in the order of openapi.yml. Strict both ways: unknown fields are refused, nothing is coerced.

What goes out is written by `Shape.dump`, which is compiled from the fields once: marshmallow's own costs five times as
much on a page of tickets. A shape reads flat rows; a `Group` gathers the columns that share a prefix.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from operator import attrgetter, itemgetter
from typing import Any, ClassVar
from zoneinfo import available_timezones

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from models import Audience, Channel, Priority, Role, Status, TaskPriority, TaskStatus, Theme

ID_MAX = 10**15 - 1
"""More than there will ever be, and a number that JavaScript can hold."""
_HIDDEN = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u2028-\u202e\u2066-\u2069"
_NO_LINES = r"\u0000-\u001f\u007f\u0085\u2028-\u202e\u2066-\u2069"
_CONTROL = re.compile(rf"[{_HIDDEN}\ud800-\udfff]")
_NAME = r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$"
_SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"


# --- the words that shapes are made of --------------------------------------------------------------------------------


class Exactly(validate.Regexp):
    """The pattern and nothing after it: Python's `$` lets a line break follow."""

    def __call__(self, value: str) -> str:  # type: ignore[override]
        if re.fullmatch(str(self.regex.pattern), value) is None:
            raise ValidationError(self._format_error(value))
        return value


class Words(fields.String):
    """Text of people, trimmed: one line, or many. No control characters, which end up in mail headers and logs."""

    def __init__(self, low: int, high: int, *, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(min=low, max=high), **kwargs)
        self.lines = lines
        out, edge = (_HIDDEN, rf"\s\u0085{_HIDDEN}") if lines else (_NO_LINES, rf"\s{_NO_LINES}")
        self.pattern = rf"^[^{edge}](?:[^{out}]*[^{edge}])?$" if low else rf"^[^{out}]*$"
        """For the documents: what is taken as it is. Space around it is taken off."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        text = text.replace("\r\n", "\n").strip()
        if _CONTROL.search(text) or (not self.lines and re.search(r"[\r\n\t\x85]", text)):
            raise ValidationError("Leave out control characters." if self.lines else "Write it in one line.")
        return text


class Secret(fields.String):
    """A password or token: taken as it is."""

    pattern = r"^[^\u0000]*$"

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if re.search(r"[\x00\ud800-\udfff]", text):
            raise ValidationError("Leave out control characters.")
        return text


class Address(Words):
    """One mail address, as it goes into a header."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(3, 254, metadata={"format": "email", **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return check_address(text)


def check_address(text: str) -> str:
    """Raises ValidationError unless it is one address that a mail header can hold."""
    validate.Email(error="Write an address, such as name@example.edu.")(text)
    if re.search(r"[\s,;:<>()\[\]\\\"]", text):
        raise ValidationError("Write one address, such as name@example.edu.")
    return text


class Whole(fields.Integer):
    """A JSON number without a fraction: "5" and 5.0 and true are not."""

    def __init__(self, low: int = 1, high: int = ID_MAX, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=low, max=high), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class Flag(fields.Boolean):
    """true or false, not what might be meant by it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


WHEN = {"metadata": {"pattern": "^(19[7-9][0-9]|[2-8][0-9]{3})-"}}
"""For the documents, of times that come in."""


class Moment(fields.AwareDateTime):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}", value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        try:
            moment = super()._deserialize(value.upper().replace(" ", "+"), attr, data, **kwargs)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None
        if not 1970 <= moment.year < 9000:
            raise ValidationError("Choose a time between 1970 and 8999.")
        return moment


class Choice(fields.Enum[StrEnum]):
    def __init__(self, members: type[StrEnum], **kwargs: Any) -> None:
        super().__init__(members, by_value=True, **kwargs)


def _query_number(low: int, high: int, **kwargs: Any) -> fields.Integer:
    """A number in a query string."""
    return fields.Integer(validate=validate.Range(min=low, max=high), **kwargs)


class QueryFlag(fields.Boolean):
    """`true` or `false` in a query string."""

    truthy = {"true"}  # noqa: RUF012  (marshmallow's own way to say it)
    falsy = {"false"}  # noqa: RUF012


class Whom(fields.String):
    """`me`, an id, and where it is allowed `none`."""

    def __init__(self, *, none: bool, **kwargs: Any) -> None:
        words = ("me", "none") if none else ("me",)
        self.words = words
        pattern = rf"^({'|'.join(words)}|[1-9][0-9]{{0,14}})$"
        super().__init__(validate=Exactly(pattern, error=f"Give an id or {' or '.join(words)}."), **kwargs)


def slug(**kwargs: Any) -> fields.String:
    return fields.String(
        validate=[
            validate.Length(min=1, max=64),
            Exactly(_SLUG, error="Use lower-case letters, digits and -."),
        ],
        **kwargs,
    )


# --- shapes -----------------------------------------------------------------------------------------------------------


class Group(fields.Nested):
    """An object made of the columns `<prefix><field>`; null where its id is."""

    def __init__(self, nested: type[Shape], prefix: str, **kwargs: Any) -> None:
        super().__init__(nested, **kwargs)
        self.prefix = prefix


Dump = Callable[[Any], dict[str, Any]]


def _compile(schema: ma.Schema, pick: Callable[[list[str]], Callable[[Any], Any]], prefix: str = "") -> Dump:
    """Row → dict. `pick` makes a reader of several columns. Raises TypeError at once for a field it cannot write."""
    plain: list[str] = []
    groups: list[tuple[str, Callable[[Any], Any], Dump]] = []
    for name, field in schema.dump_fields.items():
        if isinstance(field, Group):
            inner = f"{prefix}{field.prefix}"
            groups.append((name, pick([f"{inner}id"]), _compile(field.schema, pick, inner)))
        elif isinstance(field, fields.Nested | fields.Method | fields.Function) or field.attribute or field.data_key:
            raise TypeError(f"{type(schema).__name__}.{name}: only plain columns and groups can be written")
        else:
            plain.append(name)
    read = pick([f"{prefix}{name}" for name in plain])
    if len(plain) == 1:  # a reader of one column gives it bare
        (only,) = plain
        return lambda row: {only: read(row)}

    def dump(row: Any) -> dict[str, Any]:
        shown = dict(zip(plain, read(row), strict=False))
        for name, key, group in groups:
            shown[name] = None if key(row) is None else group(row)
        return shown

    return dump


class Shape(ma.Schema):
    class Meta:
        unknown = ma.RAISE
        contract: ClassVar[dict[str, Any]] = {}
        """What the document says of it beside its fields."""

    def dump_row(self, row: Any) -> dict[str, Any]:
        """A row with this shape's columns as what the answer holds; dates stay dates for the JSON writer."""
        return self.writer(row)(row)

    def writer(self, row: Any) -> Dump:
        """What dumps rows like this one: by position if it is a SELECT's, else by name. Compiled once for each."""
        columns: tuple[str, ...] | None = getattr(row, "_fields", None)
        dumps: dict[tuple[str, ...] | None, Dump] = self.__dict__.setdefault("_dumps", {})
        dump = dumps.get(columns)
        if dump is None:

            def pick(names: list[str]) -> Callable[[Any], Any]:
                if columns is None:
                    return attrgetter(*names)
                return itemgetter(*(columns.index(name) for name in names))

            dump = dumps[columns] = _compile(self, pick)
        return dump


class ProblemShape(Shape):
    """RFC 9457."""

    type = fields.String(required=True, metadata={"example": "urn:campus-helpdesk:problem:not-found"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    request_id = fields.String(required=True)
    errors = fields.Dict(
        keys=fields.String(), metadata={"description": "Field → messages; with 422 and 409 of a taken name."}
    )
    current = fields.Dict(metadata={"description": "The thing as it is now; with 412."})


class PersonShape(Shape):
    id = fields.Integer(required=True)
    name = fields.String(required=True)


class ReporterShape(PersonShape):
    email = fields.String(allow_none=True, metadata={"description": "Only for staff."})


class AuthorShape(PersonShape):
    role = fields.Enum(Role, by_value=True, required=True)


class NamedShape(Shape):
    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)


# --- accounts ---------------------------------------------------------------------------------------------------------

_password: dict[str, Any] = {"validate": validate.Length(min=8, max=128), "metadata": {"format": "password"}}
_token: dict[str, Any] = {"validate": validate.Length(min=20, max=200)}


class Username(Words):
    """Kept in lower case: Ada and ada are one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            2,
            32,
            metadata={"pattern": _NAME, "description": "Letters, digits and . _ -; case does not count."},
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.match(_NAME, text):
            raise ValidationError("Use letters without accents, digits and . _ - only.")
        return text.lower()


class RegisterShape(Shape):
    username = Username(required=True)
    email = Address(required=True)
    password = Secret(required=True, **_password)
    name = Words(1, 100)


class ConfirmShape(Shape):
    token = Secret(required=True, **_token)
    password = Secret(required=True, **_password)


class LoginShape(Shape):
    identifier = Secret(
        required=True, validate=validate.Length(min=1, max=254), metadata={"description": "Username or address."}
    )
    password = Secret(required=True, validate=validate.Length(min=1, max=1024), metadata={"format": "password"})
    otp = Secret(
        validate=validate.Length(max=16), metadata={"description": "The code of a second factor, once one is set up."}
    )


class ForgotShape(Shape):
    email = Address(required=True)


class TokenShape(Shape):
    token = Secret(required=True, **_token)


class ChangePasswordShape(Shape):
    current_password = Secret(required=True, validate=validate.Length(min=1, max=1024), metadata={"format": "password"})
    password = Secret(required=True, **_password)


class AcceptedShape(Shape):
    detail = fields.String(required=True)


class MeShape(Shape):
    id = fields.Integer(required=True)
    username = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    role = fields.Enum(Role, by_value=True, required=True)
    team = Group(NamedShape, "team_", required=True, allow_none=True)
    is_active = fields.Boolean(required=True)
    locale = fields.String(required=True)
    time_zone = fields.String(required=True, allow_none=True)
    theme = fields.Enum(Theme, by_value=True, required=True)
    notifications = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    last_seen_at = Moment(required=True, allow_none=True)


NOTIFICATION_KINDS = ("received", "reply", "resolved")


class EditMeShape(Shape):
    name = Words(1, 100)
    email = Address(
        metadata={"description": "Takes effect when the link sent there is opened. Needs current_password."}
    )
    current_password = Secret(validate=validate.Length(min=1, max=1024), metadata={"format": "password"})
    theme = Choice(Theme)
    locale = fields.String(validate=validate.OneOf(["en"]))
    time_zone = fields.String(allow_none=True, validate=validate.Length(max=64))
    notifications = fields.Dict(
        keys=fields.String(validate=validate.OneOf(NOTIFICATION_KINDS)),
        values=fields.String(validate=validate.OneOf(["on", "off"])),
        metadata={
            "description": "Which mails to get.",
            "properties": {kind: {"type": "string", "enum": ["on", "off"]} for kind in NOTIFICATION_KINDS},
        },
    )

    @ma.validates("time_zone")
    def _check_time_zone(self, value: str | None, data_key: str) -> None:
        if value is not None and value not in available_timezones():
            raise ValidationError("Name a time zone, such as Europe/Berlin.")


class SignedInShape(Shape):
    user = fields.Nested(MeShape, required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds until the access token ends."})
    access_token = fields.String(metadata={"description": "Only for clients that are not browsers: those get cookies."})


class VerifyShape(Shape):
    user = fields.Nested(MeShape, required=True)
    expires_at = Moment(required=True, metadata={"description": "When the session ends at the latest."})


class SessionShape(Shape):
    id = fields.Integer(required=True)
    peer = fields.String(required=True)
    agent = fields.String(required=True)
    is_current = fields.Boolean(required=True)
    created_at = Moment(required=True)
    last_used_at = Moment(required=True)
    expires_at = Moment(required=True)


# --- lists ------------------------------------------------------------------------------------------------------------


class PageQuery(Shape):
    limit = _query_number(1, 100, load_default=25)
    cursor = fields.String(
        load_default=lambda: None,
        validate=validate.Length(min=1, max=500),
        metadata={"description": "From `next_cursor`."},
    )


def sorted_by(*names: str, default: str) -> fields.String:
    choices = [*names, *(f"-{name}" for name in names)]
    return fields.String(
        load_default=default, validate=validate.OneOf(choices), metadata={"description": "`-` for descending."}
    )


_pages: dict[str, type[Shape]] = {}


def page_of(item: type[Shape]) -> type[Shape]:
    name = item.__name__.removesuffix("Shape") + "Page"
    if name not in _pages:
        _pages[name] = type(
            f"{name}Shape",
            (Shape,),
            {
                "items": fields.List(fields.Nested(item), required=True),
                "next_cursor": fields.String(required=True, allow_none=True),
            },
        )
    return _pages[name]


def all_of(item: type[Shape]) -> type[Shape]:
    """A list that is always whole."""
    name = item.__name__.removesuffix("Shape") + "List"
    if name not in _pages:
        _pages[name] = type(f"{name}Shape", (Shape,), {"items": fields.List(fields.Nested(item), required=True)})
    return _pages[name]


# --- users ------------------------------------------------------------------------------------------------------------


class UserShape(Shape):
    """What admins see; agents get `null` where they may not look."""

    id = fields.Integer(required=True)
    username = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    role = fields.Enum(Role, by_value=True, required=True)
    team = Group(NamedShape, "team_", required=True, allow_none=True)
    is_active = fields.Boolean(required=True)
    created_at = Moment(required=True, allow_none=True)
    updated_at = Moment(required=True, allow_none=True)
    last_seen_at = Moment(required=True, allow_none=True)


class UserQuery(PageQuery):
    role = fields.List(fields.Enum(Role, by_value=True))
    team = fields.List(slug())
    is_active = QueryFlag()
    q = Words(1, 100, metadata={"description": "The beginning of a name or an address."})
    sort = sorted_by("name", "id", default="name")


class InviteShape(Shape):
    email = Address(required=True)
    name = Words(1, 100, required=True)
    role = Choice(Role, required=True)
    username = Username()
    team_id = Whole(allow_none=True)


class EditUserShape(Shape):
    name = Words(1, 100)
    username = Username()
    role = Choice(Role)
    team_id = Whole(allow_none=True)
    is_active = Flag()


# --- tickets ----------------------------------------------------------------------------------------------------------


class TicketShape(Shape):
    """For whoever joined it, what belongs to the reporter is null."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    public_title = fields.String(required=True, allow_none=True)
    description = fields.String(required=True, allow_none=True)
    status = fields.Enum(Status, by_value=True, required=True)
    priority = fields.Enum(Priority, by_value=True, required=True, allow_none=True)
    category = Group(NamedShape, "category_", required=True)
    building = Group(NamedShape, "building_", required=True, allow_none=True)
    room = fields.String(required=True, allow_none=True)
    is_confidential = fields.Boolean(required=True)
    held = fields.Boolean(required=True)
    reporter = Group(ReporterShape, "reporter_", required=True, allow_none=True)
    assignee = Group(PersonShape, "assignee_", required=True, allow_none=True)
    team = Group(NamedShape, "team_", required=True, allow_none=True)
    channel = fields.Enum(Channel, by_value=True, required=True, allow_none=True)
    affected_count = fields.Integer(required=True)
    comment_count = fields.Integer(required=True)
    image_count = fields.Integer(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    first_response_at = Moment(required=True, allow_none=True)
    first_response_due_at = Moment(required=True, allow_none=True)
    resolved_at = Moment(required=True, allow_none=True)
    resolution_due_at = Moment(required=True, allow_none=True)
    due_at = Moment(required=True, allow_none=True, metadata={"description": "The next thing due, if anything is."})
    closed_at = Moment(required=True, allow_none=True)
    version = fields.Integer(required=True, allow_none=True)


class FullTicketShape(TicketShape):
    """A ticket with what stands in no column of its own."""

    tags = fields.List(fields.String(), required=True)
    transitions = fields.List(
        fields.Enum(Status, by_value=True),
        required=True,
        metadata={"description": "The statuses that the caller may set now: draw buttons from it."},
    )


_title: dict[str, Any] = {"metadata": {"description": "One line that says what is wrong."}}


class CreateTicketShape(Shape):
    class Meta(Shape.Meta):
        contract: ClassVar = {"not": {"required": ["reporter_id", "email"]}}

    title = Words(3, 200, required=True, **_title)
    description = Words(1, 20_000, lines=True, required=True)
    category = slug(required=True)
    building = slug(allow_none=True)
    room = Words(1, 50, allow_none=True)
    is_confidential = Flag()
    reporter_id = Whole(metadata={"description": "Staff: for whom it is reported."})
    email = Address(metadata={"description": "Staff: for whom it is reported, by address; a new one becomes a guest."})
    name = Words(1, 100, metadata={"description": "Staff: the name that goes with a new address."})
    priority = Choice(Priority, metadata={"description": "Staff."})
    assignee_id = Whole(allow_none=True, metadata={"description": "Staff."})
    team_id = Whole(allow_none=True, metadata={"description": "Staff."})
    tags = fields.List(Words(1, 50), validate=validate.Length(max=20), metadata={"description": "Staff."})

    @ma.validates_schema
    def _one_reporter(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "reporter_id" in data and "email" in data:
            raise ValidationError("Give reporter_id or email, not both.", "email")


class EditTicketShape(Shape):
    title = Words(3, 200, **_title)
    public_title = Words(
        3, 200, allow_none=True, metadata={"description": "Staff: what people who joined read instead."}
    )
    description = Words(1, 20_000, lines=True)
    status = Choice(Status)
    category = slug()
    building = slug(allow_none=True)
    room = Words(1, 50, allow_none=True)
    is_confidential = Flag()
    priority = Choice(Priority)
    reporter_id = Whole()
    assignee_id = Whole(allow_none=True)
    team_id = Whole(allow_none=True)
    tags = fields.List(Words(1, 50), validate=validate.Length(max=20))


class TicketFilter(Shape):
    status = fields.List(fields.Enum(Status, by_value=True))
    priority = fields.List(fields.Enum(Priority, by_value=True))
    category = fields.List(slug(), metadata={"description": "Slugs; children are included."})
    building = fields.List(slug())
    team = fields.List(slug())
    tag = fields.List(Words(1, 50))
    assignee = Whom(none=True)
    reporter = Whom(none=False)
    due = fields.String(validate=validate.OneOf(["overdue", "today"]))
    resolved = fields.String(
        validate=validate.OneOf(["today", "week"]),
        metadata={"description": "Since midnight, or since Monday, where the campus is."},
    )
    held = QueryFlag(metadata={"description": "Guests' reports that wait for their confirmation; staff only."})
    created_after = Moment(**WHEN)
    created_before = Moment(**WHEN)


class TicketQuery(TicketFilter, PageQuery):
    sort = sorted_by("created_at", "updated_at", "priority", "due_at", default="-created_at")


class CountShape(Shape):
    count = fields.Integer(required=True)
    more = fields.Boolean(required=True, metadata={"description": "There are more than were counted."})


class TicketCountsShape(Shape):
    open = fields.Nested(CountShape, required=True)
    in_progress = fields.Nested(CountShape, required=True)
    waiting = fields.Nested(CountShape, required=True)
    resolved = fields.Nested(CountShape, required=True)
    closed = fields.Nested(CountShape, required=True)
    total = fields.Nested(CountShape, required=True)


class AffectedShape(Shape):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    is_reporter = fields.Boolean(required=True)
    reported_at = Moment(required=True)


class AddAffectedShape(Shape):
    class Meta(Shape.Meta):
        contract: ClassVar = {"minProperties": 1, "maxProperties": 1}

    user_id = Whole()
    email = Address()

    @ma.validates_schema
    def _one(self, data: dict[str, Any], **kwargs: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Give user_id or email.", "user_id")


# --- conversation and history -----------------------------------------------------------------------------------------


class CommentShape(Shape):
    id = fields.Integer(required=True)
    ticket_id = fields.Integer(required=True)
    author = Group(AuthorShape, "author_", required=True)
    text = fields.String(required=True)
    audience = fields.Enum(
        Audience,
        by_value=True,
        required=True,
        metadata={
            "description": "Who reads it besides the staff: `internal` nobody, `reporter` the reporter, `affected` also"
            " everybody who joined, `desk` (what a customer writes) its author."
        },
    )
    version = fields.Integer(required=True)
    created_at = Moment(required=True)
    edited_at = Moment(required=True, allow_none=True)


class FullCommentShape(CommentShape):
    text_html = fields.String(required=True, metadata={"description": "The sanitised rendering of its Markdown."})
    images = fields.List(fields.Dict(), required=True)


class CreateCommentShape(Shape):
    text = Words(1, 20_000, lines=True, required=True)
    audience = fields.Enum(
        Audience,
        by_value=True,
        validate=validate.OneOf([Audience.INTERNAL, Audience.REPORTER, Audience.AFFECTED]),
        metadata={"description": "Staff; `reporter` when left out.", "enum": ["internal", "reporter", "affected"]},
    )


class EditCommentShape(Shape):
    text = Words(1, 20_000, lines=True, required=True)


class EventShape(Shape):
    id = fields.Integer(required=True)
    ticket_id = fields.Integer(required=True, allow_none=True)
    task_id = fields.Integer(required=True, allow_none=True)
    task_title = fields.String(required=True, allow_none=True)
    comment_id = fields.Integer(required=True, allow_none=True)
    deed_id = fields.String(required=True, metadata={"description": "Changes of one deed share it."})
    field = fields.String(required=True)
    actor_kind = fields.String(required=True)
    actor = Group(AuthorShape, "actor_", required=True, allow_none=True)
    created_at = Moment(required=True)
    from_value = fields.String(required=True, allow_none=True)
    to_value = fields.String(required=True, allow_none=True)
    from_user = Group(PersonShape, "from_user_", required=True, allow_none=True)
    to_user = Group(PersonShape, "to_user_", required=True, allow_none=True)


class TimelineItemShape(Shape):
    id = fields.Integer(required=True, metadata={"description": "The position: ask for what comes `after` it."})
    type = fields.String(required=True, validate=validate.OneOf(["comment", "event"]))
    created_at = Moment(required=True)
    comment = fields.Nested(FullCommentShape, required=True, allow_none=True)
    event = fields.Nested(
        EventShape,
        required=True,
        allow_none=True,
        metadata={"description": "With `comment` beside it, that comment was edited: show it anew."},
    )


class TimelineQuery(Shape):
    after = _query_number(0, ID_MAX, load_default=0)
    limit = _query_number(1, 100, load_default=100)


# --- tasks ------------------------------------------------------------------------------------------------------------


class TaskShape(Shape):
    id = fields.Integer(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    priority = fields.Enum(TaskPriority, by_value=True, required=True)
    status = fields.Enum(TaskStatus, by_value=True, required=True)
    ticket_id = fields.Integer(required=True, allow_none=True)
    created_by = Group(PersonShape, "created_by_", required=True)
    assignee = Group(PersonShape, "assignee_", required=True, allow_none=True)
    due_at = Moment(required=True, allow_none=True)
    done_at = Moment(required=True, allow_none=True)
    version = fields.Integer(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


class EditTaskShape(Shape):
    title = Words(1, 200)
    description = Words(0, 20_000, lines=True)
    priority = Choice(TaskPriority)
    status = Choice(TaskStatus)
    ticket_id = Whole(allow_none=True)
    assignee_id = Whole(allow_none=True)
    due_at = Moment(allow_none=True, **WHEN)


class CreateTaskShape(EditTaskShape):
    title = Words(1, 200, required=True)


class TaskQuery(PageQuery):
    status = fields.List(fields.Enum(TaskStatus, by_value=True))
    priority = fields.List(fields.Enum(TaskPriority, by_value=True))
    assignee = Whom(none=True)
    ticket_id = _query_number(1, ID_MAX)
    due = fields.String(validate=validate.OneOf(["overdue", "today", "week"]))
    sort = sorted_by("due_at", "created_at", "priority", default="due_at")


# --- the desk's vocabulary --------------------------------------------------------------------------------------------


class UsualResolutionShape(Shape):
    p50_seconds = fields.Integer(required=True)
    p75_seconds = fields.Integer(required=True)
    count = fields.Integer(required=True)


class CategoryShape(Shape):
    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)
    is_joinable = fields.Boolean(required=True)
    is_confidential = fields.Boolean(required=True)
    is_archived = fields.Boolean(required=True)
    team = Group(NamedShape, "team_", required=True, allow_none=True)


class FullCategoryShape(CategoryShape):
    usual_resolution = fields.Nested(
        UsualResolutionShape, required=True, allow_none=True, metadata={"description": "null under 10 cases."}
    )


class EditCategoryShape(Shape):
    slug = slug()
    name = Words(1, 100)
    parent_id = Whole(allow_none=True)
    team_id = Whole(allow_none=True)
    is_joinable = Flag()
    is_confidential = Flag()
    is_archived = Flag()


class CreateCategoryShape(EditCategoryShape):
    slug = slug(required=True)
    name = Words(1, 100, required=True)


class ArchivedQuery(Shape):
    archived = QueryFlag(load_default=False, metadata={"description": "Include what is archived."})


class BuildingShape(NamedShape):
    is_archived = fields.Boolean(required=True)


class EditBuildingShape(Shape):
    slug = slug()
    name = Words(1, 100)
    is_archived = Flag()


class CreateBuildingShape(EditBuildingShape):
    slug = slug(required=True)
    name = Words(1, 100, required=True)


class TagShape(Shape):
    id = fields.Integer(required=True)
    name = fields.String(required=True)


class CreateTagShape(Shape):
    name = Words(1, 50, required=True)


class EditTeamShape(Shape):
    slug = slug()
    name = Words(1, 100)


class CreateTeamShape(EditTeamShape):
    slug = slug(required=True)
    name = Words(1, 100, required=True)


# --- the service itself -----------------------------------------------------------------------------------------------


class HealthShape(Shape):
    status = fields.String(required=True)


class ReadyShape(Shape):
    status = fields.String(required=True, validate=validate.OneOf(["ready", "not ready"]))
    parts = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "Part → `ok` or what ails it."},
    )
