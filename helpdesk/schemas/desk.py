"""Tasks, the desk's vocabulary, and the service itself."""

from __future__ import annotations

from marshmallow import fields, validate

from helpdesk.schemas.shape import (
    AuthorShape,
    Group,
    NamedShape,
    PageQuery,
    PersonShape,
    Shape,
    sorted_by,
)
from helpdesk.schemas.words import (
    ID_MAX,
    WHEN,
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
from models import TaskPriority, TaskStatus


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
    ticket_id = query_number(1, ID_MAX)
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
    version = fields.Integer(required=True)


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
    version = fields.Integer(required=True)


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
    version = fields.Integer(required=True)


class EditTagShape(Shape):
    name = Words(1, 50)


class CreateTagShape(Shape):
    name = Words(1, 50, required=True)


class MergeTagShape(Shape):
    into_id = Whole(required=True, metadata={"description": "The tag that stands in its place from now on."})


class MemberShape(AuthorShape):
    is_active = fields.Boolean(required=True)
    is_invited = fields.Boolean(
        required=True, metadata={"description": "They never came in yet: nothing is given to them by itself."}
    )
    capacity = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Given no more by itself with so many unfinished tickets; null: without a limit."},
    )
    is_away = fields.Boolean(required=True)
    away_until = Moment(required=True, allow_none=True, metadata={"description": "null: until they are back."})
    unfinished_count = fields.Integer(
        required=True, metadata={"description": "Tickets that are theirs and open, in progress or waiting."}
    )


class TeamShape(NamedShape):
    assigns = fields.Boolean(required=True, metadata={"description": "What is new goes to a member by itself."})
    members = fields.List(fields.Nested(MemberShape), required=True)
    version = fields.Integer(required=True)


class PutMemberShape(Shape):
    """What is left out stays as it is."""

    capacity = Whole(1, 1000, allow_none=True)
    is_away = Flag()
    away_until = Moment(allow_none=True, **WHEN)


class AwayShape(Shape):
    until = Moment(
        allow_none=True, metadata={"description": "null: until one says that one is back.", **WHEN["metadata"]}
    )


class EditTeamShape(Shape):
    slug = slug()
    name = Words(1, 100)
    assigns = Flag()


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


# --- the service itself -----------------------------------------------------------------------------------------------


class SiteShape(Shape):
    """What a portal must know before anybody is signed in."""

    name = fields.String(required=True)
    emergency_text = fields.String(
        required=True, metadata={"description": "Whom to call first when somebody is in danger; empty: nothing to say."}
    )
    time_zone = fields.String(required=True)
    registration_domains = fields.List(
        fields.String(), required=True, metadata={"description": "Who may register; empty: everybody."}
    )
    held_days = fields.Integer(
        required=True,
        metadata={"description": "A guest's report is deleted after so many days without a confirmation."},
    )
