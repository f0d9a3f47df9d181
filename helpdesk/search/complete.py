"""How the word that somebody is typing into a search box may go on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from helpdesk.search.words import words
from models import Priority, Status

MOST = 8
Choice = tuple[str, str]
"""What stands in the search, and what it means."""
_LAST = re.compile(r'(?:[^\s"]|"[^"]*"?)*$')
_KEYS: tuple[Choice, ...] = (
    ("status:", "open, waiting, resolved"), ("is:", "overdue, unassigned, confidential, open"),
    ("assignee:", "a name, me, none"), ("category:", "and what is below it"), ("building:", "a place"),
    ("priority:", "low to urgent"), ("tag:", "a tag"), ("team:", "a team"), ("reporter:", "a name or an address"),
    ("created:", "a day, such as >2026-01-31"), ("#", "a ticket’s number"),
)  # fmt: skip
_PLURALS = {"category": "categories", "building": "buildings", "team": "teams", "tag": "tags"}


def complete(text: str, choices: Mapping[str, Iterable[Any]], people: Iterable[Mapping[str, Any]]) -> list[Choice]:
    """Up to MOST ways for the last word: keys, and values of what may be chosen now, as `categories.choices` has it."""
    last = _LAST.search(text)
    word = last[0].lower() if last else ""
    key, colon, value = word.partition(":")
    if colon:
        found = [one for one in _values(choices, people) if one[0].startswith(f"{key}:") and _fits(value, one)]
    else:
        found = [one for one in _KEYS if one[0].startswith(word)]
        if len(word) >= 2 and word[0] not in '"#':
            found += [one for one in _values(choices, people) if _fits(word, one)]
    return [one for one in found if one[0].lower() != word][:MOST]


def _values(choices: Mapping[str, Iterable[Any]], people: Iterable[Mapping[str, Any]]) -> Iterator[Choice]:
    for status in Status:
        yield f"status:{status}", status.replace("_", " ").capitalize()
    for priority in Priority:
        yield f"priority:{priority}", f"{priority.capitalize()} priority"
    for name in ("overdue", "unassigned", "confidential", "open"):
        yield f"is:{name}", name.capitalize()
    yield "assignee:me", "Assigned to me"
    yield "assignee:none", "Assigned to nobody"
    for key, kind in _PLURALS.items():
        for row in choices[kind]:
            yield f"{key}:{_quoted(row.slug)}", row.name
    for person in people:
        yield f"assignee:{_quoted(person['name'])}", person["name"]


def _quoted(value: str) -> str:
    """A quotation mark itself cannot be said: the words beside it find it as well."""
    value = value.replace('"', " ")
    return f'"{value}"' if re.search(r"\s", value) else value


def _fits(typed: str, choice: Choice) -> bool:
    """Whether each of the words that were typed begins one of its name, or of its value."""
    known = words(choice[1]) + words(choice[0].partition(":")[2])
    return all(any(word.startswith(begin) for word in known) for begin in words(typed))
