"""Lists of tickets that are kept as views, and changes of many tickets at once."""

from __future__ import annotations

from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from helpdesk.schemas.shape import Group, PersonShape, Shape
from helpdesk.schemas.tickets import TicketFilter, TicketQuery
from helpdesk.schemas.words import Choice, Flag, Moment, Whole, Words, slug
from models import Priority, Status

COLUMNS = ("category", "location", "status", "due", "assignee", "updated", "created", "team", "tags")
"""What a list shows beside number, priority and title."""


class ViewFilters(TicketFilter):
    """The filters of `GET /api/tickets`. Without `status` a view is of what is open, as the queue is, unless a filter
    says when it was resolved."""

    # a program sends true and 5, an address "true" and "5"
    following = Flag()  # type: ignore[assignment]
    held = Flag()  # type: ignore[assignment]
    replied = Flag()  # type: ignore[assignment]
    reopened = Flag()  # type: ignore[assignment]
    passed_on = Flag()  # type: ignore[assignment]
    merged = Flag()  # type: ignore[assignment]
    without_team = Flag()  # type: ignore[assignment]
    hour = fields.List(Whole(0, 167), validate=validate.Length(max=24))


_columns: dict[str, Any] = {"metadata": {"description": "Which columns are shown; none: those of the queue."}}


class ViewShape(Shape):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    owner = Group(PersonShape, "owner_", required=True)
    is_shared = fields.Boolean(required=True)
    filters = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "Those of `GET /api/tickets`, by their names."}
    )
    sort = fields.String(required=True)
    columns = fields.List(fields.String(), required=True, **_columns)
    version = fields.Integer(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


class EditViewShape(Shape):
    name = Words(1, 100)
    is_shared = Flag(metadata={"description": "Everybody at the desk has it in their sidebar."})
    filters = fields.Nested(ViewFilters)
    sort = fields.String(validate=TicketQuery().fields["sort"].validate)
    columns = fields.List(
        fields.String(validate=validate.OneOf(COLUMNS)), validate=validate.Length(max=len(COLUMNS)), **_columns
    )


class CreateViewShape(EditViewShape):
    name = Words(1, 100, required=True)


# --- many tickets at once ---------------------------------------------------------------------------------------------

AT_ONCE = 100
"""Tickets that one bulk edit changes."""


def _tags() -> fields.List[str]:
    return fields.List(Words(1, 50), validate=validate.Length(max=20))


class BulkChangesShape(Shape):
    class Meta(Shape.Meta):
        contract: ClassVar = {"minProperties": 1}

    status = Choice(Status)
    priority = Choice(Priority)
    assignee_id = Whole(allow_none=True)
    team_id = Whole(allow_none=True)
    category = slug()
    add_tags = _tags()
    remove_tags = _tags()

    @ma.validates_schema
    def _something(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not data:
            raise ValidationError("Say what is to change.")


class EditManyShape(Shape):
    ids = fields.List(
        Whole(),
        required=True,
        validate=validate.Length(min=1, max=AT_ONCE),
        metadata={"description": "Numbers of tickets. One that is named twice is changed once."},
    )
    changes = fields.Nested(BulkChangesShape, required=True)


class RefusedShape(Shape):
    id = fields.Integer(required=True)
    title = fields.String(required=True, metadata={"description": "As a problem's."})
    detail = fields.String(required=True, allow_none=True)


class BulkEditShape(Shape):
    id = fields.Integer(required=True)
    done = fields.List(fields.Integer(), required=True, metadata={"description": "The tickets that are as was wished."})
    refused = fields.List(
        fields.Nested(RefusedShape), required=True, metadata={"description": "The others, each with the reason."}
    )
    undo_until = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Until when `POST /api/bulk-edits/{id}/undo` undoes it; null: nothing was changed."},
    )
