"""What helps the staff to write: saved replies, drafts, who else is there, a reply that is taken back."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from helpdesk.schemas.shape import Group, NamedShape, PageQuery, PersonShape, Shape
from helpdesk.schemas.words import Choice, Flag, Moment, Whole, Words
from models import Audience, Status

TO_CUSTOMERS = [Audience.INTERNAL, Audience.REPORTER, Audience.AFFECTED]


def _audience(description: str, **kwargs: Any) -> fields.Enum[Audience]:
    return fields.Enum(
        Audience,
        by_value=True,
        validate=validate.OneOf([*TO_CUSTOMERS, *([None] if kwargs.get("allow_none") else [])]),
        metadata={
            "description": description,
            "enum": [*(one.value for one in TO_CUSTOMERS), *([None] if kwargs.get("allow_none") else [])],
        },
        **kwargs,
    )


# --- saved replies ----------------------------------------------------------------------------------------------------


class SavedReplyShape(Shape):
    id = fields.Integer(required=True)
    title = fields.String(required=True)
    text = fields.String(required=True)
    owner = Group(
        PersonShape, "owner_", required=True, allow_none=True, metadata={"description": "null: the desk's, see `team`."}
    )
    team = Group(
        NamedShape, "team_", required=True, allow_none=True, metadata={"description": "Whose it is; null: everybody's."}
    )
    version = fields.Integer(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


class EditSavedReplyShape(Shape):
    title = Words(1, 100)
    text = Words(
        1, 20_000, lines=True,
        metadata={"description": "`{{reporter.first_name}}` and its like are filled in where it is used."},
    )  # fmt: skip
    is_shared = Flag(metadata={"description": "Admins: the desk's. Otherwise one's own, which nobody else sees."})
    team_id = Whole(allow_none=True, metadata={"description": "Admins: of what is shared, the one team that has it."})

    @ma.validates_schema
    def _own_is_nobody_elses(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("team_id") is not None and data.get("is_shared") is False:
            raise ValidationError("What is one's own belongs to no team.", "team_id")


class CreateSavedReplyShape(EditSavedReplyShape):
    title = Words(1, 100, required=True)
    text = Words(1, 20_000, lines=True, required=True)


class SavedReplyQuery(PageQuery):
    q = fields.String(
        validate=validate.Length(max=100), metadata={"description": "What a word of the title begins with."}
    )


class FilledReplyQuery(Shape):
    audience = _audience("Who will read it; what the composer proposes when left out.")


class FilledReplyShape(Shape):
    text = fields.String(required=True)


# --- drafts -----------------------------------------------------------------------------------------------------------


class DraftShape(Shape):
    text = fields.String(required=True)
    audience = fields.Enum(Audience, by_value=True, required=True, allow_none=True)
    then = fields.Enum(
        Status, by_value=True, required=True, allow_none=True, metadata={"description": "The status to set with it."}
    )
    images = fields.List(fields.Integer(), required=True, metadata={"description": "Ids of uploads that are there."})
    updated_at = Moment(required=True)


class PutDraftShape(Shape):
    text = Words(0, 20_000, lines=True, required=True)
    audience = _audience("Who is to read it.", allow_none=True)
    then = Choice(Status, allow_none=True, metadata={"description": "The status to set with it."})
    images = fields.List(
        Whole(), validate=validate.Length(max=10), metadata={"description": "Ids of one's own uploads."}
    )


class UndoneShape(Shape):
    """A reply that was taken back: it is the draft now."""

    ticket_id = fields.Integer(required=True)
    draft = fields.Nested(DraftShape, required=True)
    is_status_back = fields.Boolean(
        required=True,
        metadata={"description": "false: somebody changed the ticket meanwhile, so its status stays as it is."},
    )


# --- who else is there ------------------------------------------------------------------------------------------------


class PutPresenceShape(Shape):
    is_writing = Flag(required=True)


class PresentShape(PersonShape):
    is_writing = fields.Boolean(required=True)


class PresenceShape(Shape):
    people = fields.List(
        fields.Nested(PresentShape),
        required=True,
        metadata={"description": "Others of the staff who have it open."},
    )
