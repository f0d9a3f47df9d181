"""What a form's text means, and how a page says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeAlias

from flask import request

from helpdesk.errors import Conflict, Forbidden, HelpdeskError, Invalid, Stale

Typed: TypeAlias = dict[str, list[str]]
"""A form's fields as a browser sends them: texts."""

REFUSALS = (Invalid, Conflict, Forbidden, Stale)
"""What a page answers itself, with everything that was typed still in it."""

# What to do about a field, where a shape only says what it holds: when it is empty, and when it holds something else.
WORDS = {
    "assignee_id": ("Choose somebody of the staff", "Choose somebody of the staff"),
    "audience": ("Choose who reads it", "Choose who reads it"),
    "building": ("Choose a building", "Choose a building"),
    "category": ("Choose a category", "Choose a category"),
    "description": ("Describe the problem", "Describe the problem in up to 20,000 characters"),
    "email": ("Write an address", "Write an address, such as name@example.edu"),
    "identifier": ("Write your username or email", "Write your username or email"),
    "name": ("Write a name", "Write the name in up to 100 characters"),
    "password": ("Write your password", "Write your password in up to 1,024 characters"),
    "priority": ("Choose a priority", "Choose a priority"),
    "public_title": ("Write a public title", "Write a public title of 3 to 200 characters, or leave it empty"),
    "room": ("Write the room", "Write the room in up to 50 characters"),
    "status": ("Choose a status", "Choose a status"),
    "tags": ("Choose from the tags", "Choose from the tags, 20 at most"),
    "team_id": ("Choose a team", "Choose a team"),
    "text": ("Write a message", "Write a message of up to 20,000 characters"),
    "then": ("Choose a status", "Choose a status"),
    "title": ("Say what the problem is", "Say what the problem is in 3 to 200 characters"),
}
LABELS = {
    "email": "Email", "name": "Name", "title": "Title", "description": "Details", "text": "Message",
    "audience": "Who reads it", "then": "Then set", "status": "Status", "priority": "Priority",
    "assignee_id": "Assignee", "team_id": "Team", "category": "Category", "building": "Building", "room": "Room",
    "public_title": "Public title", "tags": "Tags", "is_confidential": "Confidential",
}  # fmt: skip
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
    """Field → what to do about it, in the order of the fields."""
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
