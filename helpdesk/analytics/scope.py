"""Which tickets a figure counts, said as the filters of a list: each figure has a list behind it, and cannot differ.

Held tickets count nowhere, deleted ones do not exist, and one that was merged counts nowhere either: the ticket that
goes on stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from helpdesk import tickets
from helpdesk.policy import Actor
from helpdesk.views import OPEN
from models import Status, now

Filters = dict[str, Any]
ANY_STATUS = list(Status)
COUNTED: Filters = {"merged": False}
AGES: tuple[tuple[timedelta, timedelta | None], ...] = (
    (timedelta(0), timedelta(days=1)),
    (timedelta(days=1), timedelta(days=3)),
    (timedelta(days=3), timedelta(days=7)),
    (timedelta(days=7), None),
)
"""How long what is open has been there: from, and up to but not with."""


@dataclass(frozen=True)
class Scope:
    """Whose tickets are looked at: the `team`, `category` and `building` of a list, or all."""

    filters: Mapping[str, list[str]] = field(default_factory=dict)

    def created(self, start: datetime | None, end: datetime | None) -> Filters:
        return {**self.filters, **COUNTED, **_between("created", start, end)}

    def resolved(self, start: datetime | None, end: datetime | None) -> Filters:
        return {**self.filters, **COUNTED, **_between("resolved", start, end)}

    def open(self) -> Filters:
        """What was merged is closed, so nothing is said of it."""
        return {**self.filters, "status": list(OPEN)}

    def open_since(self, age: int, at: datetime) -> Filters:
        """What is open and as old as one of AGES."""
        low, high = AGES[age]
        return {**self.open(), **_between("created", at - high if high else None, at - low if age else None)}

    def within(self, name: str, slug: str) -> Filters:
        """What narrows a list to one category, team or building of it: where it was narrowed to some already, those."""
        return {} if name in self.filters else {name: [slug]}


def _between(name: str, start: datetime | None, end: datetime | None) -> Filters:
    found = {f"{name}_after": start, f"{name}_before": end}
    return {name: value for name, value in found.items() if value is not None}


class Asking:
    """Gathers the parameters of a statement that is made of several lists, each under a prefix of its own."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.at = now()
        self.parameters: dict[str, Any] = {}
        self.names: dict[str, frozenset[str]] = {}

    def add(self, prefix: str, filters: Mapping[str, Any]) -> None:
        values = tickets.parameters(self.actor, filters)
        self.names[prefix] = frozenset(values)
        self.parameters |= {f"{prefix}{name}": value for name, value in values.items()}

    @property
    def key(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """What decides the statement: which filters are in use, not their values."""
        return tuple(self.names.items())
