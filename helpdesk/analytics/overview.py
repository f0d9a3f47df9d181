"""Everything that the page and the mail show of a period: four statements, whatever the size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from helpdesk import policy
from helpdesk.analytics import numbers, times
from helpdesk.analytics.names import Named, Vocabulary, vocabulary
from helpdesk.analytics.numbers import CREATED, RESOLVED, Tallies
from helpdesk.analytics.period import DAY, MONTH, WEEK, Period
from helpdesk.analytics.scope import Scope
from helpdesk.analytics.times import ALL, NONE, REPLY, REPLY_BEFORE, RESOLUTION, Found, Times
from helpdesk.policy import Action, Actor

DAYS_BY_DAY, DAYS_BY_WEEK = 62, 2 * 366
"""Up to how long a period is shown by day, and by week."""
_WANTED = (
    (REPLY, ALL), (REPLY, "category"), (REPLY, "assignee"), (REPLY_BEFORE, ALL),
    (RESOLUTION, ALL), (RESOLUTION, "category"), (RESOLUTION, "assignee"),
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A day, week or month, by its first day and the one after its last."""

    first: date
    after: date
    created: int
    resolved: int


@dataclass(frozen=True)
class Worker:
    """Who has tickets, or resolved or answered some; nobody: what is unassigned."""

    person: Named | None
    team: Named | None
    open: int
    overdue: int
    reply: Times
    resolution: Times


@dataclass
class Overview:
    period: Period
    scope: Scope
    each: str
    steps: list[Step]
    heat: list[list[int]]
    tallies: Tallies
    times: Found
    known: Vocabulary

    def time(self, measure: str) -> Times:
        """Of all."""
        return self.times[measure, ALL].get(None, NONE)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was reported or resolved."""
        return not any(step.created or step.resolved for step in self.steps)

    @property
    def created(self) -> int:
        return self.tallies.created.number

    @property
    def resolved(self) -> int:
        return self.tallies.resolved.number

    def workers(self) -> list[Worker]:
        """Those with most to do first; what is nobody's last."""
        replies, ends = self.times[REPLY, "assignee"], self.times[RESOLUTION, "assignee"]
        found = []
        for key in self.tallies.assignees.keys() | replies.keys() | ends.keys():
            person = self.known.of("assignee", key)
            tally = self.tallies.assignees.get(key, numbers.Tally())
            found.append(
                Worker(
                    person, self.known.of("team", person.above) if person else None, tally.number, tally.part,
                    replies.get(key, NONE), ends.get(key, NONE),
                )
            )  # fmt: skip
        return sorted(found, key=lambda one: (one.person is None, -one.open, one.person.name if one.person else ""))


def overview(actor: Actor, period: Period, scope: Scope) -> Overview:
    """Four statements. Raises Forbidden."""
    policy.require(actor, Action.ANALYTICS_READ)
    each = DAY if period.days <= DAYS_BY_DAY else WEEK if period.days <= DAYS_BY_WEEK else MONTH
    hours = numbers.by_hour(actor, period, scope, CREATED, RESOLVED)
    counts = zip(
        period.intervals(each), period.fold(hours[CREATED], each), period.fold(hours[RESOLVED], each), strict=True
    )
    tallied = numbers.tallies(actor, period, scope)
    found = times.times(actor, period, scope, _WANTED)
    people = {*tallied.assignees, *found[REPLY, "assignee"], *found[RESOLUTION, "assignee"]}
    return Overview(
        period, scope, each, [Step(*days, created, resolved) for days, created, resolved in counts],
        numbers.heat(hours[CREATED]), tallied, found, vocabulary(people),
    )  # fmt: skip
