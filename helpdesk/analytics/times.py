"""How long: percentiles by the nearest rank, which both databases find alike.

The percentile p of n times is the one at the place ⌈n·p/100⌉ when they stand in order: always one that was measured.
First reply: of the tickets reported in the period that have one. Resolution: of those resolved in it. Both from the
report on, in whole seconds of all time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, literal_column, null, select, union_all

from helpdesk import moments, tickets
from helpdesk.analytics.numbers import KEYS, Names
from helpdesk.analytics.period import Period
from helpdesk.analytics.scope import Asking, Scope
from helpdesk.policy import Actor
from models import Category, Rows, Ticket, fetch

PERCENTILES = (50, 75, 90, 95)
REPLY, RESOLUTION, REPLY_BEFORE = "reply", "resolution", "reply_before"
ALL = "all"
NOBODY = -1
"""Instead of no key: what is grouped by is compared a hundred thousand times."""
_NOBODY: ColumnElement[int] = literal_column(str(NOBODY))


@dataclass(frozen=True)
class Times:
    count: int = 0
    p50: int | None = None
    p75: int | None = None
    p90: int | None = None
    p95: int | None = None


NONE = Times()
Found = dict[tuple[str, str], dict[int | None, Times]]
"""(measure, what it is grouped by) → key → times."""


@lru_cache(maxsize=64)
def _ranked(names: Names, wanted: tuple[tuple[str, str], ...]) -> Any:
    of = dict(names)
    rows = []
    for n, (measure, group) in enumerate(wanted):
        end = Ticket.resolved_at if measure == RESOLUTION else Ticket.first_response_at
        key = cast(null() if group == ALL else KEYS[group], BigInteger)
        times: Rows = select(
            literal_column(str(n)).label("which"), func.coalesce(key, _NOBODY).label("key"),
            (moments.seconds(end) - moments.seconds(Ticket.created_at)).label("seconds"),
        ).select_from(Ticket)  # fmt: skip
        if group == "category":
            times = times.join(Category, Category.id == Ticket.category_id)
        rows.append(tickets.matching(times, of[f"{measure}_"], f"{measure}_"))
    each = union_all(*rows).subquery()
    group_of = (each.c.which, each.c.key)
    ranked = select(
        *group_of, each.c.seconds,
        func.row_number().over(partition_by=group_of, order_by=each.c.seconds).label("place"),
        func.count().over(partition_by=group_of).label("number"),
    ).subquery()  # fmt: skip
    return select(
        ranked.c.which, ranked.c.key, func.count().label("number"),
        *(
            func.max(case((ranked.c.place == (ranked.c.number * p + 99) // 100, ranked.c.seconds))).label(f"p{p}")
            for p in PERCENTILES
        ),
    ).group_by(ranked.c.which, ranked.c.key)  # fmt: skip


def times(actor: Actor, period: Period, scope: Scope, wanted: Iterable[tuple[str, str]]) -> Found:
    """The times of each measure by what it is grouped by. One statement."""
    wanted = tuple(wanted)
    asking = Asking(actor)
    for measure in dict.fromkeys(measure for measure, _ in wanted):
        if measure == RESOLUTION:
            asking.add(f"{measure}_", scope.resolved(period.start, period.end))
        else:
            start, end = period.before() if measure == REPLY_BEFORE else (period.start, period.end)
            asking.add(f"{measure}_", {**scope.created(start, end), "replied": True})
    found: Found = {one: {} for one in wanted}
    for row in fetch(_ranked(asking.key, wanted), asking.parameters):
        key = None if row.key == NOBODY else row.key
        found[wanted[row.which]][key] = Times(row.number, row.p50, row.p75, row.p90, row.p95)
    return found
