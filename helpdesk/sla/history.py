"""When a ticket's clock stood, by the history of its status: the same for any calendar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import bindparam, select

from helpdesk.sla.working import Time
from helpdesk.workflow import ENDED
from models import Event, Rows, Status, db

STOPPED = (Status.WAITING, *ENDED)
"""While a ticket waits or is done its clock stands still."""


class Move(NamedTuple):
    """A change of status. What was undone by it never was."""

    before: str
    after: str
    at: datetime
    undoes: bool = False


@dataclass
class Pauses:
    """From when to when the clock stood, and since when it does now. One that waited and was resolved has two."""

    over: list[tuple[datetime, datetime]] = field(default_factory=list)
    since: datetime | None = None

    def seconds(self, time: Time) -> int:
        """How long it stood in that time, in all pauses that are over."""
        return sum(time.between(start, end) for start, end in self.over)


def pauses(moves: Iterable[Move]) -> Pauses:
    found = Pauses()
    for before, after, at, undoes in moves:
        stood, stands = before in STOPPED, after in STOPPED
        since = found.since
        if not stood and stands:
            found.since = at
        elif since is None:
            continue
        elif undoes:
            found.since = None
            if stands and found.over and found.over[-1][1] == since:  # it waited, and waits again
                found.since = found.over.pop()[0]
        elif stood and not stands:
            found.over.append((since, at))
            found.since = None
        elif before == Status.WAITING:
            found.over.append((since, at))
            found.since = at
    return found


History = Callable[[], Pauses]
"""How the clocks ask for it where they need it: rarely."""


@lru_cache(maxsize=1)
def _moves() -> Rows:
    return (
        select(Event.ticket_id, Event.deed_id, Event.field, Event.from_value, Event.to_value, Event.created_at)
        .where(
            Event.ticket_id.in_(bindparam("ids", expanding=True)),
            Event.field.in_(("status", "unmerged", "held")),
        )
        .order_by(Event.ticket_id, Event.id)
    )


def pauses_of(ids: Sequence[int]) -> dict[int, Pauses]:
    """Of each of these tickets, in one statement. Nothing is flushed.

    What is taken back within seconds by undoing a bulk edit counts as a pause of those seconds.
    """
    if not ids:
        return {}
    moves: dict[int, list[Move]] = {number: [] for number in ids}
    undoing = None
    for row in db.session.connection().execute(_moves(), {"ids": list(ids)}):
        if row.field == "unmerged":
            undoing = row.deed_id
        elif row.field == "held":  # it was confirmed, and its clock began
            stands = [move for move in moves[row.ticket_id][-1:] if move.after in STOPPED]
            moves[row.ticket_id] = [move._replace(before=Status.OPEN, at=row.created_at) for move in stands]
        else:
            moves[row.ticket_id].append(Move(row.from_value, row.to_value, row.created_at, row.deed_id == undoing))
    return {number: pauses(found) for number, found in moves.items()}


def of_ticket(ticket_id: int) -> Pauses:
    return pauses_of([ticket_id])[ticket_id]
