"""What a form's text means, and how a page says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeAlias

from flask import request

from blueprints.words import lazy_gettext
from helpdesk.errors import Conflict, Forbidden, HelpdeskError, Invalid, Stale, Taken

Typed: TypeAlias = dict[str, list[str]]
"""A form's fields as a browser sends them: texts."""

REFUSALS = (Invalid, Conflict, Forbidden, Stale)
"""What a page answers itself, with everything that was typed still in it."""

# What to do about a field, where a shape only says what it holds: when it is empty, and when it holds something else.
WORDS = {
    "assignee_id": (lazy_gettext("Choose somebody of the staff"), lazy_gettext("Choose somebody of the staff")),
    "audience": (lazy_gettext("Choose who reads it"), lazy_gettext("Choose who reads it")),
    "columns": (lazy_gettext("Choose columns"), lazy_gettext("Choose from the columns")),
    "capacity": (lazy_gettext("Write a number from 1 to 1,000"), lazy_gettext("Write a number from 1 to 1,000")),
    "into_id": (lazy_gettext("Choose the other tag"), lazy_gettext("Choose the other tag")),
    "slug": (
        lazy_gettext("Write what web addresses call it, such as night-crew"),
        lazy_gettext("Use lower-case letters, digits and -, such as night-crew"),
    ),
    "building": (lazy_gettext("Choose a building"), lazy_gettext("Choose a building")),
    "category": (lazy_gettext("Choose a category"), lazy_gettext("Choose a category")),
    "description": (
        lazy_gettext("Describe the problem"),
        lazy_gettext("Describe the problem in up to 20,000 characters"),
    ),
    "email": (lazy_gettext("Write an address"), lazy_gettext("Write an address, such as name@example.edu")),
    "handoff_reason": (
        lazy_gettext("Say why it leaves its team"),
        lazy_gettext("Say why it leaves its team in up to 500 characters"),
    ),
    "identifier": (lazy_gettext("Write your username or email"), lazy_gettext("Write your username or email")),
    "person": (lazy_gettext("Write an address or a name"), lazy_gettext("Write an address, such as name@example.edu")),
    "name": (lazy_gettext("Write a name"), lazy_gettext("Write the name in up to 100 characters")),
    "password": (lazy_gettext("Write your password"), lazy_gettext("Write your password in up to 1,024 characters")),
    "priority": (lazy_gettext("Choose a priority"), lazy_gettext("Choose a priority")),
    "public_title": (
        lazy_gettext("Write a public title"),
        lazy_gettext("Write a public title of 3 to 200 characters, or leave it empty"),
    ),
    "resolution_seconds": (
        lazy_gettext("Write a time for the fix"),
        lazy_gettext("Write a time for the fix between a minute and 365 days"),
    ),
    "response_seconds": (
        lazy_gettext("Write a time for the first reply"),
        lazy_gettext("Write a time for the first reply between a minute and 365 days"),
    ),
    "holidays": (
        lazy_gettext("Write holidays in lines"),
        lazy_gettext("Write each holiday in a line, with a name of up to 100 characters, 500 at most"),
    ),
    "time_zone": (lazy_gettext("Choose a time zone"), lazy_gettext("Choose a time zone")),
    "room": (lazy_gettext("Write the room"), lazy_gettext("Write the room in up to 50 characters")),
    "status": (lazy_gettext("Choose a status"), lazy_gettext("Choose a status")),
    "task": (lazy_gettext("Say what is to be done"), lazy_gettext("Say what is to be done in up to 200 characters")),
    "tags": (lazy_gettext("Choose from the tags"), lazy_gettext("Choose from the tags, 20 at most")),
    "team_id": (lazy_gettext("Choose a team"), lazy_gettext("Choose a team")),
    "username": (
        lazy_gettext("Write a username"),
        lazy_gettext("Write a username of 2 to 32 letters, digits and . _ -"),
    ),
    "role": (lazy_gettext("Choose a role"), lazy_gettext("Choose a role")),
    "text": (lazy_gettext("Write a message"), lazy_gettext("Write a message of up to 20,000 characters")),
    "then": (lazy_gettext("Choose a status"), lazy_gettext("Choose a status")),
    "title": (lazy_gettext("Say what the problem is"), lazy_gettext("Say what the problem is in 3 to 200 characters")),
}
LABELS = {
    "user_id": lazy_gettext("Who"),
    "every": lazy_gettext("How often"),
    "email": lazy_gettext("Email"),
    "name": lazy_gettext("Name"),
    "title": lazy_gettext("Title"),
    "description": lazy_gettext("Details"),
    "whose": lazy_gettext("Who uses it"),
    "text": lazy_gettext("Message"),
    "audience": lazy_gettext("Who reads it"),
    "then": lazy_gettext("Then set"),
    "status": lazy_gettext("Status"),
    "priority": lazy_gettext("Priority"),
    "assignee_id": lazy_gettext("Assignee"),
    "team_id": lazy_gettext("Team"),
    "handoff_reason": lazy_gettext("Why it leaves its team"),
    "category": lazy_gettext("Category"),
    "building": lazy_gettext("Building"),
    "room": lazy_gettext("Room"),
    "public_title": lazy_gettext("Public title"),
    "ids": lazy_gettext("Tickets"),
    "tag": lazy_gettext("Tag"),
    "is_shared": lazy_gettext("Shared with everybody"),
    "columns": lazy_gettext("Columns"),
    "tags": lazy_gettext("Tags"),
    "is_confidential": lazy_gettext("Confidential"),
    "person": lazy_gettext("Also affected"),
    "images": lazy_gettext("Photos"),
    "task": lazy_gettext("New task"),
    "due_date": lazy_gettext("Due"),
    "due_time": lazy_gettext("At"),
    "ticket_id": lazy_gettext("Ticket"),
}
"""What the fields are called, in the order in which they are told."""
_OF_A_SHAPE = re.compile(r"Missing data|Field may not|Not a valid|Length must|Shorter than|Longer than|Must be")


def typed(names: Iterable[str]) -> Typed:
    """The fields that were sent, as they were typed."""
    return {name: request.form.getlist(name) for name in names}


def first(values: Typed, name: str) -> str:
    return values[name][0].strip() if values.get(name) else ""


def number(text: str) -> Any:
    """The number of something that was chosen; None for nothing; anything else is for the shape to refuse."""
    if text == "":
        return None
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else text


def same(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether a field holds the same: spaces around it, an empty one and the order of several say nothing."""
    return sorted(filter(None, map(str.strip, one))) == sorted(filter(None, map(str.strip, other)))


def filled(values: dict[str, Any]) -> dict[str, Any]:
    """Without what was left empty."""
    return {name: value for name, value in values.items() if value not in ("", None, [])}


def problems(error: HelpdeskError | None, values: Typed) -> dict[str, str]:
    """Field → what to do about it, in the order of the fields. A name that is taken is said beside its own."""
    if isinstance(error, Taken) and error.field in values:
        return {error.field: (error.detail or error.title).rstrip(".")}
    if not isinstance(error, Invalid):
        return {}
    found = {name: _say(name, _first(messages), values) for name, messages in error.errors.items()}
    return {
        name: found[name] for name in [*(name for name in values if name in found), *(found.keys() - values.keys())]
    }


def _say(name: str, message: str, values: Typed) -> str:
    if name in WORDS and _OF_A_SHAPE.match(message):
        return WORDS[name][1 if first(values, name) else 0]
    return message.rstrip(".")


def _first(messages: Any) -> str:
    """The first message, however deep it lies."""
    while not isinstance(messages, str):
        messages = next(iter(messages.values() if isinstance(messages, dict) else messages))
    return messages
