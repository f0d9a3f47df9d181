"""Accounts and sessions, and the people that others look up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from helpdesk.schemas.shape import (
    CountShape,
    Group,
    NamedShape,
    PageQuery,
    Shape,
    sorted_by,
)
from helpdesk.schemas.words import (
    Address,
    Choice,
    Flag,
    Moment,
    QueryFlag,
    Secret,
    Whole,
    Words,
    slug,
)
from models import Role, Theme, UserState

_NAME = r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$"

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
    has_shortcuts = fields.Boolean(
        required=True, metadata={"description": "Whether keys without a modifier do something on the staff pages."}
    )
    notifications = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    bounced_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Since when mails to the address come back: until it works, only security mails go."},
    )
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    last_seen_at = Moment(required=True, allow_none=True)


NOTIFICATION_KINDS = (
    "received", "reply", "waiting", "resolved", "reopened", "assigned", "mentioned", "answered", "returned", "queued",
    "due_soon", "overdue",
)  # fmt: skip
NOTIFICATION_WISHES = ("on", "hourly", "off")


class EditMeShape(Shape):
    name = Words(1, 100)
    email = Address(
        metadata={"description": "Takes effect when the link sent there is opened. Needs current_password."}
    )
    current_password = Secret(validate=validate.Length(min=1, max=1024), metadata={"format": "password"})
    theme = Choice(Theme)
    has_shortcuts = fields.Boolean()
    locale = fields.String(validate=validate.OneOf(["en"]))
    time_zone = fields.String(allow_none=True, validate=validate.Length(max=64))
    notifications = fields.Dict(
        keys=fields.String(validate=validate.OneOf(NOTIFICATION_KINDS)),
        values=fields.String(validate=validate.OneOf(NOTIFICATION_WISHES)),
        metadata={
            "description": "Which mails to get: at once (`on`), gathered once an hour, or not at all. The last five are"
            " for the staff: it is theirs, they are named, somebody wrote, it was reopened, their team has it.",
            "properties": {kind: {"type": "string", "enum": list(NOTIFICATION_WISHES)} for kind in NOTIFICATION_KINDS},
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
    state = fields.Enum(UserState, by_value=True, required=True, allow_none=True)
    is_away = fields.Boolean(required=True, metadata={"description": "Given nothing by itself now."})
    created_at = Moment(required=True, allow_none=True)
    updated_at = Moment(required=True, allow_none=True)
    last_seen_at = Moment(required=True, allow_none=True)
    bounced_at = Moment(
        required=True, allow_none=True, metadata={"description": "Since when mails to the address come back."}
    )
    version = fields.Integer(required=True, allow_none=True)


class UserCountsShape(Shape):
    """Of everybody, and by role, whether or not they may log in; and by how the account stands."""

    total = fields.Nested(CountShape, required=True)
    admin = fields.Nested(CountShape, required=True)
    agent = fields.Nested(CountShape, required=True)
    customer = fields.Nested(CountShape, required=True)
    active = fields.Nested(CountShape, required=True)
    invited = fields.Nested(CountShape, required=True)
    guest = fields.Nested(CountShape, required=True)
    deactivated = fields.Nested(CountShape, required=True)
    bounced = fields.Nested(CountShape, required=True, metadata={"description": "To whom mails do not get through."})


class UserQuery(PageQuery):
    role = fields.List(fields.Enum(Role, by_value=True))
    team = fields.List(slug())
    is_active = QueryFlag()
    is_bounced = QueryFlag(metadata={"description": "Whether mails to them come back: only for admins."})
    state = fields.Enum(UserState, by_value=True, metadata={"description": "Only admins see how accounts stand."})
    q = Words(1, 100, metadata={"description": "The beginning of a name or an address."})
    sort = sorted_by(
        "name", "id", "role", "last_seen_at", default="name",
    )  # fmt: skip


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
