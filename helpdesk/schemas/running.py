"""What an admin looks after behind the scenes: the record of what was done, and what the worker has to do."""

from __future__ import annotations

from marshmallow import fields, validate

from helpdesk.schemas.shape import CountShape, Group, PageQuery, PersonShape, Shape
from helpdesk.schemas.words import WHEN, Exactly, Moment
from models import ActorKind, JobState

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
