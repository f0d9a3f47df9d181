"""The desk's figures, and whom they are mailed to."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import available_timezones

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from helpdesk.schemas.shape import Group, NamedShape, PageQuery, PersonShape, Shape
from helpdesk.schemas.words import Moment, Whole, slug
from models import Priority, Status

PERIOD_DAYS = 3660
"""The longest period that figures are counted of."""


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


class Day(fields.Date):
    """`2026-05-12`"""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or len(value) != 10:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        day = super()._deserialize(value, attr, data, **kwargs)
        if not 1970 <= day.year < 9000:
            raise ValidationError("Choose a day between 1970 and 8999.")
        return day


class Zone(fields.String):
    """A name of the IANA's list."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if text not in time_zones():
            raise ValidationError("Give a time zone, such as Europe/London.")
        return text


class FiguresQuery(Shape):
    """Without days: the last 30, today included."""

    class Meta(Shape.Meta):
        include: ClassVar = {
            "from": Day(metadata={"description": "The first day. With `to`, or neither."}),
        }

    to = Day(metadata={"description": f"The last day, included. {PERIOD_DAYS:,} days at most."})
    tz = Zone(metadata={"description": "By whose clock a day begins; the campus's when left out."})
    team = fields.List(slug())
    category = fields.List(slug(), metadata={"description": "Slugs; children are included."})
    building = fields.List(slug())

    @ma.validates_schema
    def _in_order(self, data: dict[str, Any], **kwargs: Any) -> None:
        first, last = data.get("from"), data.get("to")
        if (first is None) != (last is None):
            raise ValidationError("Give both days.", "from" if first is None else "to")
        if isinstance(first, date) and isinstance(last, date):
            if last < first:
                raise ValidationError("Give a day that is not before the first.", "to")
            if (last - first).days >= PERIOD_DAYS:
                raise ValidationError(f"Choose {PERIOD_DAYS:,} days at most.", "to")


class TrendsQuery(FiguresQuery):
    interval = fields.String(load_default="day", validate=validate.OneOf(["day", "week", "month"]))


class TimesQuery(FiguresQuery):
    group_by = fields.String(
        load_default="category", validate=validate.OneOf(["category", "assignee", "team", "priority", "building"])
    )


class ReportQuery(FiguresQuery):
    format = fields.String(load_default="json", validate=validate.OneOf(["json", "csv"]))


# --- answers ----------------------------------------------------------------------------------------------------------


def _whole(**kwargs: Any) -> fields.Integer:
    return fields.Integer(required=True, **kwargs)


def _period() -> dict[str, fields.Field[Any]]:
    return {"from": fields.Date(required=True), "to": fields.Date(required=True), "tz": fields.String(required=True)}


class CountedShape(Shape):
    """A thing and how many tickets are its; without a thing, those that are nobody's."""

    id = fields.Integer(required=True, allow_none=True)
    slug = fields.String(required=True, allow_none=True, metadata={"description": "null: people have none."})
    name = fields.String(required=True, allow_none=True)
    count = _whole()


class SummaryShape(Shape):
    by_status = fields.Dict(
        keys=fields.Enum(Status, by_value=True), values=fields.Integer(), required=True,
        metadata={"description": "Of all tickets. The next four are of what is open, in progress or waiting."},
    )  # fmt: skip
    by_priority = fields.Dict(keys=fields.Enum(Priority, by_value=True), values=fields.Integer(), required=True)
    by_category = fields.List(
        fields.Nested(CountedShape), required=True, metadata={"description": "Of the first level, children included."}
    )
    by_building = fields.List(fields.Nested(CountedShape), required=True)
    by_assignee = fields.List(fields.Nested(CountedShape), required=True)
    unassigned = _whole()
    overdue = _whole()
    created_today = _whole(metadata={"description": "Since midnight where the campus is."})
    resolved_today = _whole()
    users_by_role = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    active_users = _whole(metadata={"description": "Who came by in the last 30 days."})


class TrendShape(Shape):
    class Meta(Shape.Meta):
        include: ClassVar = {"from": fields.Date(required=True)}

    to = fields.Date(required=True, metadata={"description": "The last day of the interval, included."})
    created = _whole()
    resolved = _whole(metadata={"description": "What was resolved then and still is."})
    reopened = _whole(metadata={"description": "How often something was opened again."})
    backlog = _whole(metadata={"description": "What was there and not resolved at its end."})


class TrendsShape(Shape):
    class Meta(Shape.Meta):
        include: ClassVar = _period()

    interval = fields.String(required=True)
    items = fields.List(fields.Nested(TrendShape), required=True)


class PercentilesShape(Shape):
    """By the nearest rank: the time of one of the tickets. null: there is none."""

    count = _whole()
    p50_seconds = fields.Integer(required=True, allow_none=True)
    p75_seconds = fields.Integer(required=True, allow_none=True)
    p90_seconds = fields.Integer(required=True, allow_none=True)
    p95_seconds = fields.Integer(required=True, allow_none=True)


class GroupTimesShape(Shape):
    id = fields.Integer(required=True, allow_none=True)
    slug = fields.String(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True, metadata={"description": "null: nobody's, or in none."})
    first_response = fields.Nested(PercentilesShape, required=True)
    resolution = fields.Nested(PercentilesShape, required=True)


class ResponseTimesShape(Shape):
    """First response: of the tickets reported in the period that have one. Resolution: of those resolved in it."""

    class Meta(Shape.Meta):
        include: ClassVar = _period()

    group_by = fields.String(required=True)
    first_response = fields.Nested(PercentilesShape, required=True)
    resolution = fields.Nested(PercentilesShape, required=True)
    items = fields.List(fields.Nested(GroupTimesShape), required=True)


class HeatmapShape(Shape):
    class Meta(Shape.Meta):
        include: ClassVar = _period()

    total = _whole()
    days = fields.List(
        fields.List(fields.Integer(), validate=validate.Length(equal=24)), required=True,
        validate=validate.Length(equal=7),
        metadata={"description": "How many were reported: days from Monday, each of 24 hours from midnight."},
    )  # fmt: skip


class OnTimeShape(Shape):
    id = fields.Integer(required=True, allow_none=True)
    slug = fields.String(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    resolved = _whole()
    met = _whole()


class SlaFiguresShape(Shape):
    """Of what was resolved in the period, how much was by the time at which it was due."""

    class Meta(Shape.Meta):
        include: ClassVar = _period()

    target_percent = _whole()
    resolved = _whole()
    met = _whole()
    items = fields.List(fields.Nested(OnTimeShape), required=True, metadata={"description": "By team."})


class RatesShape(Shape):
    """Of what was reported in the period, how much was passed on to another team, and how much was opened again."""

    class Meta(Shape.Meta):
        include: ClassVar = _period()

    created = _whole()
    passed_on = _whole()
    reopened = _whole()


# --- whom they are mailed to ------------------------------------------------------------------------------------------


class ReportSubscriptionShape(Shape):
    id = _whole()
    user = Group(PersonShape, "user_", required=True)
    every = fields.String(required=True, validate=validate.OneOf(["week", "month"]))
    team = Group(
        NamedShape, "team_", required=True, allow_none=True,
        metadata={"description": "Of whose tickets; null: of all."},
    )  # fmt: skip
    sent_until = Moment(
        required=True, allow_none=True, metadata={"description": "The end of the last period that was mailed."}
    )
    created_at = Moment(required=True)


class CreateReportSubscriptionShape(Shape):
    user_id = Whole(required=True, metadata={"description": "Somebody of the staff with a mail address."})
    every = fields.String(required=True, validate=validate.OneOf(["week", "month"]))
    team_id = Whole(allow_none=True, metadata={"description": "Of one team's tickets; otherwise of all."})


class ReportSubscriptionQuery(PageQuery):
    pass
