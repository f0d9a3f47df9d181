"""Tickets, who they affect, their conversation and history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from helpdesk.schemas.shape import (
    AuthorShape,
    CountShape,
    Group,
    NamedShape,
    NumberShape,
    PageQuery,
    PersonShape,
    ReporterShape,
    Shape,
    sorted_by,
)
from helpdesk.schemas.words import (
    ID_MAX,
    WHEN,
    Address,
    Choice,
    Flag,
    Moment,
    QueryFlag,
    Whole,
    Whom,
    Words,
    query_number,
    slug,
)
from models import Audience, Channel, ImageState, Priority, Status


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
    merged_into = Group(
        NumberShape,
        "merged_into_",
        required=True,
        allow_none=True,
        metadata={"description": "The ticket that goes on instead, for whoever sees that one."},
    )
    version = fields.Integer(required=True, allow_none=True)
    first_response_soon_at = Moment(
        allow_none=True, metadata={"description": "Only for staff: from when on it counts as due soon."}
    )
    resolution_soon_at = Moment(allow_none=True, metadata={"description": "Only for staff: the same of the fix."})
    is_unread = fields.Boolean(
        metadata={"description": "Only for staff: something happened to it after they last read it, if they ever did."}
    )


class FullTicketShape(TicketShape):
    """A ticket with what stands in no column of its own."""

    tags = fields.List(fields.String(), required=True)
    transitions = fields.List(
        fields.Enum(Status, by_value=True),
        required=True,
        metadata={"description": "The statuses that the caller may set now: draw buttons from it."},
    )


class OneTicketShape(FullTicketShape):
    """A ticket by itself, with what is too much for a list."""

    description_html = fields.String(
        required=True, allow_none=True, metadata={"description": "The sanitised rendering of its Markdown."}
    )


def _uploads(most: int) -> fields.List[int]:
    """Ids of one's uploads that are to belong to what is created."""
    return fields.List(
        Whole(),
        validate=validate.Length(max=most),
        metadata={"description": "Ids of one's own uploads, tied to it: see `POST /api/uploads`."},
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
    images = _uploads(50)
    via = fields.String(
        validate=validate.OneOf([Channel.QR.value]),
        metadata={
            "description": "Where the form was opened: `qr`, by a label on a room. It is the ticket's `channel`."
        },
    )
    reporter_id = Whole(metadata={"description": "Staff: for whom it is reported."})
    email = Address(
        metadata={"description": "Staff: for whom; a new address becomes a guest. Without an account: one's own."}
    )
    name = Words(1, 100, metadata={"description": "The name that goes with a new address."})
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
    handoff_reason = Words(
        1,
        500,
        lines=True,
        metadata={"description": "Staff: why it leaves its team. Needed then, and read by staff alone."},
    )
    tags = fields.List(Words(1, 50), validate=validate.Length(max=20))


class MergeShape(Shape):
    into_id = Whole(required=True, metadata={"description": "The ticket that goes on."})


class SplitShape(Shape):
    """What is left out is as on the ticket that the comment stands on."""

    class Meta(Shape.Meta):
        contract: ClassVar = {"not": {"required": ["reporter_id", "email"]}}

    title = Words(3, 200, required=True, **_title)
    category = slug()
    building = slug(allow_none=True)
    room = Words(1, 50, allow_none=True)
    is_confidential = Flag()
    priority = Choice(Priority)
    reporter_id = Whole(metadata={"description": "For a comment by staff: a customer's words stay theirs."})
    email = Address(metadata={"description": "The same by address; a new one becomes a guest."})

    @ma.validates_schema
    def _one_reporter(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "reporter_id" in data and "email" in data:
            raise ValidationError("Give reporter_id or email, not both.", "email")


HOURS_WITHIN_DAYS = 400
"""How much of the past is searched for the hours of a week."""


class TicketFilter(Shape):
    q = fields.String(
        validate=validate.Length(max=500),
        metadata={
            "description": 'Words that the ticket\'s words begin with, all of them; `"exact words"`; `#4821`; and'
            " `status: priority: category: building: assignee: reporter: tag: team: created:>2026-01-01"
            " is:overdue|unassigned|confidential|open`. Any text is a search."
        },
    )
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
    following = QueryFlag(metadata={"description": "Whether one joined them: they are somebody else's report."})
    held = QueryFlag(metadata={"description": "Guests' reports that wait for their confirmation; staff only."})
    created_after = Moment(**WHEN)
    created_before = Moment(**WHEN)
    resolved_after = Moment(**WHEN)
    resolved_before = Moment(**WHEN)
    sla = fields.String(
        validate=validate.OneOf(["met", "missed"]),
        metadata={"description": "Whether it was resolved by the time at which that was due. What is open is neither."},
    )
    replied = QueryFlag(metadata={"description": "Whether the desk has written to its reporter."})
    reopened = QueryFlag(metadata={"description": "Whether it was opened again at least once."})
    passed_on = QueryFlag(metadata={"description": "Whether one team gave it to another at least once."})
    merged = QueryFlag(metadata={"description": "Whether another ticket goes on instead."})
    without_team = QueryFlag(metadata={"description": "Whether it is no team's."})
    hour = fields.List(
        query_number(0, 167),
        validate=validate.Length(max=24),
        metadata={
            "description": "Reported in these hours of the week where the campus is: 0 begins on Monday at 0:00, 33 on"
            f" Tuesday at 9:00. With `created_after` and `created_before`, {HOURS_WITHIN_DAYS} days apart at most."
        },
    )

    @ma.validates_schema
    def _hours_within(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("hour"):
            start, end = data.get("created_after"), data.get("created_before")
            if start is None or end is None or end - start > timedelta(days=HOURS_WITHIN_DAYS):
                words = f"Give created_after and created_before with it, {HOURS_WITHIN_DAYS} days apart at most."
                raise ValidationError(words, "hour")


class TicketQuery(TicketFilter, PageQuery):
    sort = sorted_by(
        "created_at", "updated_at", "priority", "due_at", default="-created_at",
        also={"best": "with `q`: of the newest 1,000, those whose title says it first."},
    )  # fmt: skip


class SimilarQuery(Shape):
    title = fields.String(required=True, validate=validate.Length(min=1, max=200))
    building = slug()
    category = slug()


class KnownQuery(Shape):
    id = fields.List(
        query_number(1, ID_MAX),
        validate=validate.Length(max=20),
        metadata={"description": "Those of these that can be joined, resolved ones too: for a link that was shared."},
    )


class KnownShape(Shape):
    """A ticket that one may join: nothing of other people's but its title and place."""

    id = fields.Integer(required=True)
    public_title = fields.String(required=True)
    status = fields.Enum(Status, by_value=True, required=True)
    building = Group(NamedShape, "building_", required=True, allow_none=True)
    room = fields.String(required=True, allow_none=True)
    affected_count = fields.Integer(required=True)
    affects_me = fields.Boolean(required=True, metadata={"description": "One reported it, or joined."})
    created_at = Moment(required=True)


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


_ready: dict[str, Any] = {
    "description": "`processing`: it can be had in a moment; `ready`; `rejected`: it is no picture after all."
}


class CommentImageShape(Shape):
    id = fields.Integer(required=True)
    width = fields.Integer(required=True)
    height = fields.Integer(required=True)
    state = fields.Enum(ImageState, by_value=True, required=True, metadata=_ready)


class ImageShape(CommentImageShape):
    """Type and sizes are of what was sent while it is `processing`, then of what can be had."""

    size_bytes = fields.Integer(required=True)
    type = fields.String(required=True)


class TicketImageShape(ImageShape):
    ticket_id = fields.Integer(required=True, allow_none=True)
    comment_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "null: it belongs to the ticket itself."}
    )
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it was rejected."})
    created_at = Moment(required=True)


class UploadShape(Shape):
    """multipart/form-data"""

    image = fields.Raw(
        required=True,
        metadata={
            "type": "string",
            "format": "binary",
            "description": "JPEG, PNG, WebP or GIF (its first frame), by content; 10 MiB, 50 megapixels, 60 frames.",
        },
    )


class FullCommentShape(CommentShape):
    text_html = fields.String(required=True, metadata={"description": "The sanitised rendering of its Markdown."})
    images = fields.List(fields.Nested(CommentImageShape), required=True)


class GuestCommentShape(Shape):
    text = Words(1, 20_000, lines=True, required=True)
    images = _uploads(10)


class CreateCommentShape(Shape):
    text = Words(1, 20_000, lines=True, required=True)
    audience = fields.Enum(
        Audience,
        by_value=True,
        validate=validate.OneOf([Audience.INTERNAL, Audience.REPORTER, Audience.AFFECTED]),
        metadata={"description": "Staff; `reporter` when left out.", "enum": ["internal", "reporter", "affected"]},
    )
    images = _uploads(10)
    is_undoable = Flag(
        metadata={"description": "Staff: mail it 10 seconds later, so that until then it can be taken back."}
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
    after = query_number(0, ID_MAX, load_default=0)
    limit = query_number(1, 100, load_default=100)
