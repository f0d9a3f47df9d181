"""Which policy holds for a ticket: of the active ones the first that matches, else the targets of its priority."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from helpdesk.sla.working import ALWAYS, Time, working
from models import Calendar, Category, Priority, Rows, SlaPolicy, db

TARGETS: dict[Priority, tuple[timedelta, timedelta]] = {
    Priority.URGENT: (timedelta(hours=1), timedelta(hours=8)),
    Priority.HIGH: (timedelta(hours=4), timedelta(days=2)),
    Priority.NORMAL: (timedelta(days=1), timedelta(days=5)),
    Priority.LOW: (timedelta(days=3), timedelta(days=14)),
}
"""Priority → time to the first response, time to the resolution, round the clock: where no policy matches."""


@dataclass(frozen=True, eq=False)
class Policy:
    """A policy as the clocks need it. Without an id: what holds where none matches."""

    id: int | None
    name: str
    response_seconds: int
    resolution_seconds: int
    time: Time = ALWAYS
    calendar_id: int | None = None
    calendar_name: str | None = None
    priorities: frozenset[str] = frozenset()
    category_ids: frozenset[int] = frozenset()
    team_ids: frozenset[int] = frozenset()
    is_active: bool = True

    def matches(self, priority: str, categories: Iterable[int], team_id: int | None) -> bool:
        """Whether it is for such tickets; `categories` are a ticket's own and the one above it."""
        return (
            (not self.priorities or priority in self.priorities)
            and (not self.category_ids or not self.category_ids.isdisjoint(categories))
            and (not self.team_ids or team_id in self.team_ids)
        )


def _built_in(priority: Priority) -> Policy:
    response, resolution = (int(target.total_seconds()) for target in TARGETS[priority])
    return Policy(None, "", response, resolution)


BUILT_IN = {priority: _built_in(priority) for priority in Priority}


def policy_of(values: Mapping[str, Any], calendar: Any = None, policy_id: int | None = None) -> Policy:
    """Of a policy's fields, saved or not; `calendar` is a row of its calendar."""
    return Policy(
        policy_id,
        values["name"],
        values["response_seconds"],
        values["resolution_seconds"],
        working(calendar.time_zone, calendar.hours, calendar.holidays) if calendar is not None else ALWAYS,
        calendar.id if calendar is not None else None,
        calendar.name if calendar is not None else None,
        frozenset(map(str, values["priorities"])),
        frozenset(values["category_ids"]),
        frozenset(values["team_ids"]),
        values["is_active"],
    )


class Book:
    """All policies in their order, read once for many tickets."""

    def __init__(self, policies: Iterable[Policy], parents: Mapping[int, int | None]) -> None:
        self.policies = list(policies)
        self.parents = parents
        self._by_id = {policy.id: policy for policy in self.policies}
        self._picked: dict[tuple[Priority, int, int | None], Policy] = {}

    def pick(self, priority: Priority, category_id: int, team_id: int | None) -> Policy:
        """The one that holds for such a ticket."""
        key = priority, category_id, team_id
        found = self._picked.get(key)
        if found is None:
            found = self._picked[key] = next(
                (policy for policy in self.policies if policy.is_active and self._matches(policy, *key)),
                BUILT_IN[priority],
            )
        return found

    def _matches(self, policy: Policy, priority: Priority, category_id: int, team_id: int | None) -> bool:
        above = self.parents.get(category_id)
        return policy.matches(priority, (category_id,) if above is None else (category_id, above), team_id)

    def pick_for(self, ticket: Any) -> Policy:
        return self.pick(ticket.priority, ticket.category_id, ticket.team_id)

    def of(self, ticket: Any) -> Policy | None:
        """The one that its due dates are by; None for one that was deleted."""
        if ticket.sla_policy_id is None:
            return BUILT_IN[ticket.priority]
        return self._by_id.get(ticket.sla_policy_id)

    @classmethod
    def load(cls) -> Book:
        """As they are saved, once a transaction: one statement, and one more where a category matters.

        Nothing is flushed: a verb that asks may have changed half of a ticket.
        """
        session = db.session()
        transaction = session.get_transaction()
        kept = session.info.get(_KEPT)
        if kept is not None and transaction is not None and kept[0] is transaction:
            book: Book = kept[1]
            return book
        connection = session.connection()
        policies = [
            policy_of(dict(row._mapping), _CalendarOf(row) if row.calendar_id else None, row.id)
            for row in connection.execute(_policies())
        ]
        parents: dict[int, int | None] = {}
        if any(policy.category_ids for policy in policies):
            parents = {row.id: row.parent_id for row in connection.execute(select(Category.id, Category.parent_id))}
        book = cls(policies, parents)
        session.info[_KEPT] = (session.get_transaction(), book)
        return book

    @staticmethod
    def forget() -> None:
        """Read them again: this transaction changed them."""
        db.session().info.pop(_KEPT, None)


_KEPT = "sla_book"


class _CalendarOf:
    """The calendar's part of a row of both."""

    def __init__(self, row: Any) -> None:
        self.id, self.name, self.time_zone = row.calendar_id, row.calendar_name, row.time_zone
        self.hours, self.holidays = row.hours, row.holidays


@lru_cache(maxsize=1)
def _policies() -> Rows:
    return (
        select(
            SlaPolicy.id, SlaPolicy.name, SlaPolicy.is_active, SlaPolicy.priorities, SlaPolicy.category_ids,
            SlaPolicy.team_ids, SlaPolicy.response_seconds, SlaPolicy.resolution_seconds, SlaPolicy.calendar_id,
            Calendar.name.label("calendar_name"), Calendar.time_zone, Calendar.hours, Calendar.holidays,
        )
        .outerjoin(Calendar, Calendar.id == SlaPolicy.calendar_id)
        .order_by(SlaPolicy.position, SlaPolicy.id)
    )  # fmt: skip
