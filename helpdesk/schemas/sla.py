"""Service levels: calendars, policies, what they would have made of the past, and why something is due when it is."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import available_timezones

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from helpdesk.schemas.shape import NamedShape, PersonShape, Shape
from helpdesk.schemas.words import WHEN, Choice, Exactly, Flag, Moment, Whole, Words
from models import Priority

SHORTEST, LONGEST = 60, 365 * 86_400
"""Of a target, in seconds."""
CLOCK = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"
DAY = r"^(?:20|21)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$"
_STRETCHES = 6
_HOUR = 3600


class HolidayShape(Shape):
    date = fields.String(
        required=True, validate=Exactly(DAY, error="Write a day as 2026-12-25."), metadata={"format": "date"}
    )
    name = Words(1, 100, required=True)

    @ma.validates("date")
    def _is_a_day(self, value: str, data_key: str) -> None:
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValidationError("There is no such day.") from None


def _hours(**kwargs: Any) -> fields.List[Any]:
    clock = fields.String(validate=Exactly(CLOCK, error="Write a time as 08:00."))
    stretch = fields.List(clock, validate=validate.Length(equal=2, error="Write when it opens and when it closes."))
    day = fields.List(stretch, validate=validate.Length(max=_STRETCHES))
    return fields.List(
        day,
        validate=validate.Length(equal=7, error="Write seven days, from Monday."),
        metadata={"description": 'For each day from Monday its stretches `["08:00", "18:00"]`; `24:00` is midnight.'},
        **kwargs,
    )


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


class EditCalendarShape(Shape):
    name = Words(1, 100)
    time_zone = fields.String(validate=validate.Length(min=1, max=64), metadata={"example": "Europe/Berlin"})
    hours = _hours()
    holidays = fields.List(fields.Nested(HolidayShape), validate=validate.Length(max=500))

    @ma.validates("time_zone")
    def _is_a_zone(self, value: str, data_key: str) -> None:
        if value not in available_timezones():
            raise ValidationError("Name a time zone, such as Europe/Berlin.")

    @ma.validates("hours")
    def _are_hours(self, value: list[list[list[str]]], data_key: str) -> None:
        """In their order, none over another, and an hour a week at least: else nothing would ever be due."""
        if any(len(stretch) != 2 for day in value for stretch in day):  # said already
            return
        total = 0
        for number, day in enumerate(value):
            closed_at = 0
            for start, end in ((_minutes(start), _minutes(end)) for start, end in day):
                if start >= end:
                    night = "Write a night in two entries: 18:00–24:00, and on the next day 00:00–08:00."
                    raise ValidationError({number: [f"It must close later than it opens. {night}"]})
                if start < closed_at:
                    raise ValidationError({number: ["Write the hours of a day in their order, none over another."]})
                closed_at, total = end, total + end - start
        if total * 60 < _HOUR:
            raise ValidationError("Open it for an hour a week at least.")

    @ma.validates("holidays")
    def _are_days(self, value: list[dict[str, str]], data_key: str) -> None:
        if len({day.get("date") for day in value}) < len(value):
            raise ValidationError("Name each day once.")


class CreateCalendarShape(EditCalendarShape):
    name = Words(1, 100, required=True)
    time_zone = fields.String(
        required=True, validate=validate.Length(min=1, max=64), metadata={"example": "Europe/Berlin"}
    )
    hours = _hours(required=True)


class CalendarShape(Shape):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    time_zone = fields.String(required=True)
    hours = fields.List(fields.List(fields.List(fields.String())), required=True)
    holidays = fields.List(fields.Nested(HolidayShape), required=True)
    version = fields.Integer(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


# --- policies ---------------------------------------------------------------------------------------------------------


def _seconds(what: str, **kwargs: Any) -> Whole:
    said = f"To the {what}: of working time by the calendar, of all time where there is none."
    return Whole(SHORTEST, LONGEST, metadata={"description": said}, **kwargs)


def _ids(what: str) -> fields.List[int]:
    return fields.List(
        Whole(), validate=validate.Length(max=200), metadata={"description": f"Ids of {what}; none: any."}
    )


class EditSlaPolicyShape(Shape):
    name = Words(1, 100)
    is_active = Flag()
    priorities = fields.List(
        Choice(Priority), validate=validate.Length(max=len(Priority)), metadata={"description": "None: any."}
    )
    category_ids = _ids("categories, each with its children")
    team_ids = _ids("teams")
    response_seconds = _seconds("first response")
    resolution_seconds = _seconds("resolution")
    calendar_id = Whole(allow_none=True)


class CreateSlaPolicyShape(EditSlaPolicyShape):
    name = Words(1, 100, required=True)
    response_seconds = _seconds("first response", required=True)
    resolution_seconds = _seconds("resolution", required=True)


class SlaPolicyShape(Shape):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    position = fields.Integer(required=True, metadata={"description": "Of those that match, the first holds."})
    is_active = fields.Boolean(required=True)
    priorities = fields.List(fields.Enum(Priority, by_value=True), required=True)
    categories = fields.List(fields.Nested(NamedShape), required=True)
    teams = fields.List(fields.Nested(NamedShape), required=True)
    response_seconds = fields.Integer(required=True)
    resolution_seconds = fields.Integer(required=True)
    calendar = fields.Nested(PersonShape, required=True, allow_none=True)
    taken_by = fields.Nested(
        PersonShape, required=True, allow_none=True,
        metadata={"description": "One before it that is for all of its tickets, so that it is for none."},
    )  # fmt: skip
    version = fields.Integer(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


class SlaOrderShape(Shape):
    ids = fields.List(
        Whole(), required=True, validate=validate.Length(min=1, max=1000),
        metadata={"description": "All of them, the first first."},
    )  # fmt: skip


class RecountShape(Shape):
    """How far the unfinished tickets have the due dates of what was changed last."""

    is_running = fields.Boolean(required=True)
    total = fields.Integer(required=True)
    done = fields.Integer(required=True)
    changed = fields.Integer(required=True, metadata={"description": "Of these, whose due dates moved."})
    started_at = Moment(required=True, allow_none=True)
    finished_at = Moment(required=True, allow_none=True)


# --- a dry run --------------------------------------------------------------------------------------------------------


class TriedPolicyShape(CreateSlaPolicyShape):
    id = Whole(metadata={"description": "Of a saved one, to find it again in the answer."})


class DryRunShape(Shape):
    policies = fields.List(
        fields.Nested(TriedPolicyShape), required=True, validate=validate.Length(max=100),
        metadata={"description": "In their order, saved nowhere."},
    )  # fmt: skip
    resolved_after = Moment(**WHEN)
    resolved_before = Moment(**WHEN)


class MetShape(Shape):
    met = fields.Integer(required=True)
    total = fields.Integer(required=True)


class TallyShape(Shape):
    tickets = fields.Integer(required=True)
    response = fields.Nested(
        MetShape, required=True, metadata={"description": "Of those that were answered before they were resolved."}
    )
    resolution = fields.Nested(MetShape, required=True)


class PolicyTallyShape(TallyShape):
    id = fields.Integer(required=True, allow_none=True)
    name = fields.String(required=True)


class OutcomeShape(TallyShape):
    policies = fields.List(fields.Nested(PolicyTallyShape), required=True)
    without = fields.Nested(TallyShape, required=True, metadata={"description": "Where none matches."})


class DryRunResultShape(Shape):
    tickets = fields.Integer(required=True, metadata={"description": "The newest thousand at most."})
    first_resolved_at = Moment(required=True, allow_none=True)
    last_resolved_at = Moment(required=True, allow_none=True)
    saved = fields.Nested(OutcomeShape, required=True)
    wanted = fields.Nested(OutcomeShape, required=True)


# --- why this due date ------------------------------------------------------------------------------------------------


class MatchedShape(Shape):
    field = fields.String(required=True, validate=validate.OneOf(["priority", "category", "team"]))
    value = fields.String(required=True)


class CalendarOfTargetShape(PersonShape):
    time_zone = fields.String(required=True)


class TargetShape(Shape):
    target_seconds = fields.Integer(required=True)
    paused_seconds = fields.Integer(
        required=True, metadata={"description": "How long the clock stood, in working time, while it was to be done."}
    )
    due_at = Moment(required=True, allow_none=True)
    done_at = Moment(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(["running", "paused", "late", "met", "none"]))
    closed_seconds = fields.Integer(
        required=True, metadata={"description": "Until it is due, how long the calendar is closed."}
    )
    adds_up = fields.Boolean(
        required=True,
        metadata={"description": "Whether it is due by these; not where it was done while another target held."},
    )


class PauseShape(Shape):
    started_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True, metadata={"description": "null: it stands still now."})
    seconds = fields.Integer(required=True, metadata={"description": "Of working time."})


class WhyDueShape(Shape):
    policy = fields.Nested(PersonShape, required=True, allow_none=True, metadata={"description": "null: none matches."})
    matched = fields.List(
        fields.Nested(MatchedShape), required=True, metadata={"description": "Empty: it is for every ticket."}
    )
    is_current = fields.Boolean(
        required=True, metadata={"description": "false: another holds by now, and the recount has not come here."}
    )
    calendar = fields.Nested(
        CalendarOfTargetShape, required=True, allow_none=True, metadata={"description": "null: round the clock."}
    )
    started_at = Moment(required=True)
    response = fields.Nested(TargetShape, required=True)
    resolution = fields.Nested(TargetShape, required=True)
    pauses = fields.List(fields.Nested(PauseShape), required=True)
    due_at = Moment(required=True, allow_none=True)
