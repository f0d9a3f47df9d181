"""What an admin looks after behind the scenes: the record of what was done, and what the worker has to do."""

from __future__ import annotations

from marshmallow import fields, validate

from helpdesk.schemas.shape import CountShape, Group, PageQuery, PersonShape, Shape
from helpdesk.schemas.words import WHEN, Exactly, Moment
from models import ActorKind, InboundState, JobState

AUDIT_AREAS = (
    "sign-in", "denied", "people", "places", "tickets", "writing", "levels", "exports", "jobs", "other",
)  # fmt: skip
"""What the audit log is filtered by; which action belongs to which: `helpdesk.audit.AREAS`."""


class AuditEventShape(Shape):
    id = fields.Integer(required=True)
    action = fields.String(required=True, metadata={"description": "`user.role.changed`, `denied`, `sign-in` …"})
    area = fields.String(required=True)
    actor_kind = fields.Enum(ActorKind, by_value=True, required=True)
    actor = Group(PersonShape, "actor_", required=True, allow_none=True)
    target = fields.String(
        required=True, allow_none=True, metadata={"description": "Kind and id of what it was done to: `user:17`."}
    )
    detail = fields.Dict(keys=fields.String(), required=True, metadata={"description": "What changed; no secret."})
    peer = fields.String(required=True, allow_none=True, metadata={"description": "The address it was asked from."})
    request_id = fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)


class AuditQuery(PageQuery):
    area = fields.String(validate=validate.OneOf(AUDIT_AREAS))
    action = fields.String(validate=[validate.Length(max=48), Exactly(r"^[a-z]+(?:[._-][a-z]+)*$")])
    actor = fields.String(
        validate=Exactly(r"^(system|[1-9][0-9]{0,14})$", error="Give an id or system."),
        metadata={"description": "Who did it: an id, or `system`."},
    )
    target = fields.String(validate=Exactly(r"^[a-z_-]{2,24}:[0-9]{1,15}$"))
    after = Moment(**WHEN)
    before = Moment(**WHEN)
    format = fields.String(
        load_default="json",
        validate=validate.OneOf(["json", "csv"]),
        metadata={"description": "`csv`: all of it at once, for a spreadsheet; that is on record too."},
    )


# --- jobs -------------------------------------------------------------------------------------------------------------


class JobShape(Shape):
    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    mail = fields.String(required=True, allow_none=True, metadata={"description": "Which mail, where it is one."})
    target = fields.String(
        required=True, allow_none=True, metadata={"description": "Whom or what it is about: `ticket:17`, `user:5`."}
    )
    state = fields.Enum(JobState, by_value=True, required=True, metadata={"description": "`dead`: given up."})
    attempts = fields.Integer(required=True)
    error = fields.String(required=True, allow_none=True, metadata={"description": "Of the last try, in one line."})
    run_at = Moment(
        required=True, metadata={"description": "When it is due; of a running one, when its worker was last heard of."}
    )
    created_at = Moment(required=True)
    done_at = Moment(required=True, allow_none=True)
    request_id = fields.String(required=True, allow_none=True, metadata={"description": "The request that caused it."})


class JobQuery(PageQuery):
    state = fields.Enum(JobState, by_value=True)
    kind = fields.String(validate=[validate.Length(max=32), Exactly(r"^[a-z]+(?:_[a-z]+)*$")])


class RetryJobsShape(Shape):
    kind = fields.String(
        validate=[validate.Length(max=32), Exactly(r"^[a-z]+(?:_[a-z]+)*$")],
        metadata={"description": "Only jobs of this kind."},
    )


class RetriedShape(Shape):
    count = fields.Integer(required=True, metadata={"description": "How many jobs are tried again."})


class JobCountsShape(Shape):
    ready = fields.Nested(CountShape, required=True)
    running = fields.Nested(CountShape, required=True)
    dead = fields.Nested(CountShape, required=True)
    worker_seen_at = Moment(
        required=True, allow_none=True, metadata={"description": "When a worker last said that it is there."}
    )
    oldest_due_at = Moment(
        required=True, allow_none=True, metadata={"description": "Since when the job that waits longest is due."}
    )


# --- mails that came in -----------------------------------------------------------------------------------------------


class InboundMailShape(Shape):
    id = fields.Integer(required=True)
    state = fields.Enum(
        InboundState, by_value=True, required=True, metadata={"description": "`quarantined`: laid aside."}
    )
    sender = fields.String(required=True, metadata={"description": "As From has it, which proves nothing."})
    subject = fields.String(required=True)
    size_bytes = fields.Integer(required=True)
    outcome = fields.String(required=True, allow_none=True, metadata={"description": "What came of it, in a sentence."})
    attempts = fields.Integer(required=True)
    ticket_id = fields.Integer(required=True, allow_none=True)
    comment_id = fields.Integer(required=True, allow_none=True)
    user_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Whose words it became, or whom it is about."}
    )
    received_at = Moment(required=True)
    handled_at = Moment(required=True, allow_none=True)
    kept_until = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Until when the mail itself is kept; null: it is gone."},
    )
    can_retry = fields.Boolean(required=True)


class HeaderShape(Shape):
    name = fields.String(required=True)
    value = fields.String(required=True)


class FullInboundMailShape(InboundMailShape):
    """With what the mail says, as plain text, of its beginning; null where it is not kept or cannot be read."""

    headers = fields.List(fields.Nested(HeaderShape), required=True)
    text = fields.String(
        required=True, allow_none=True, metadata={"description": "What was read of it: without quotes and signature."}
    )
    full_text = fields.String(required=True, allow_none=True)


class InboundMailQuery(PageQuery):
    state = fields.Enum(InboundState, by_value=True)


class OriginalShape(Shape):
    """The mail that somebody's words were made of, as plain text."""

    sender = fields.String(required=True)
    is_from_elsewhere = fields.Boolean(
        required=True, metadata={"description": "Whether that is another address than that of whose words it became."}
    )
    subject = fields.String(required=True)
    text = fields.String(required=True)
    ticket_id = fields.Integer(required=True)
    received_at = Moment(required=True)
    kept_until = Moment(required=True)
