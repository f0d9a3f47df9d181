"""The desk's figures as a page. What it shows is in its address, and each number leads to the tickets behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, request, url_for
from werkzeug.datastructures import MultiDict

from blueprints import http
from blueprints.staff import charts
from blueprints.staff.shell import around, desk, pages, show
from blueprints.words import gettext, lazy_gettext
from helpdesk import analytics, moments, policy
from helpdesk.analytics.overview import Overview, overview
from helpdesk.analytics.period import DEFAULT, NAMED, Period, named
from helpdesk.analytics.scope import AGES, ANY_STATUS, Filters, Scope
from helpdesk.analytics.times import REPLY, REPLY_BEFORE, RESOLUTION, Times
from helpdesk.errors import Invalid
from helpdesk.policy import Action
from helpdesk.schemas import FiguresQuery
from helpdesk.views import OPEN, SAY_THE_STATUS
from models import now

OWN = "own"
PERIODS = {
    "7d": lazy_gettext("Last 7 days"),
    "30d": lazy_gettext("Last 30 days"),
    "90d": lazy_gettext("Last 90 days"),
    "month": lazy_gettext("This month"),
    "last-month": lazy_gettext("Last month"),
    "term": lazy_gettext("This term"),
}
AGE_LABELS = (
    lazy_gettext("Under 1 day"), lazy_gettext("1 to 3 days"), lazy_gettext("3 to 7 days"), lazy_gettext("Over 7 days"),
)  # fmt: skip
HOURS = range(7, 22)
"""Each of which has a column of its own; the others are the night."""
NIGHT = [hour for hour in range(24) if hour not in HOURS]
BUILDINGS, WORKERS = 6, 25
"""How many are shown; in the table beside it are LISTED buildings."""
LISTED = 100
_shape = FiguresQuery()


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    period: Period
    scope: Scope
    name: str
    unreadable: tuple[str, ...] = ()

    def address(self, **instead: str | None) -> str:
        values: dict[str, Any] = {} if self.name == DEFAULT else {"period": self.name}
        if self.name == OWN:
            values |= {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()}
        values |= {**self.scope.filters, **instead}
        values = {name: value for name, value in values.items() if value}
        return f"{url_for('staff.analytics')}{'?' if values else ''}{urlencode(values, doseq=True)}"

    @property
    def export(self) -> str:
        """The same as CSV."""
        values = {"from": self.period.first.isoformat(), "to": self.period.last.isoformat(), **self.scope.filters}
        values |= {"tz": self.period.zone.key, "format": "csv"}
        return f"/api/analytics/report?{urlencode(values, doseq=True)}"


def _asked(zone: ZoneInfo) -> Asked:
    """What cannot be read is left out, and named."""
    args = {name: request.args.getlist(name) for name in request.args if any(request.args.getlist(name))}
    wrong: list[str] = []
    scope: dict[str, Any] = {}
    for name in ("team", "category", "building"):
        if len(args.get(name, ())) > 1:  # each number leads to a list of one kind
            del args[name]
            wrong.append(name)
        try:
            scope |= http.query_dict(_shape, _multi({name: args.pop(name)})) if name in args else {}
        except Invalid:
            wrong.append(name)
    name = (args.pop("period", None) or [OWN if "from" in args else DEFAULT])[0]
    given: dict[str, list[str]] = {key: args.pop(key)[:1] for key in ("from", "to") if key in args}
    wrong += sorted(args)
    if name == OWN:
        try:
            found = http.query_dict(_shape, _multi(given))
            return Asked(Period(found["from"], found["to"], zone), Scope(scope), OWN, tuple(wrong))
        except (Invalid, KeyError):
            return Asked(named(DEFAULT, zone), Scope(scope), DEFAULT, (*wrong, "from", "to"))
    if name not in NAMED:
        return Asked(named(DEFAULT, zone), Scope(scope), DEFAULT, (*wrong, "period"))
    return Asked(named(name, zone), Scope(scope), name, tuple(wrong))


def _multi(values: Mapping[str, list[str]]) -> Any:
    return MultiDict([(name, value) for name, found in values.items() for value in found if value])


@pages.get("/analytics", endpoint="analytics")
def figures() -> Response:
    actor = desk()
    policy.require(actor, Action.ANALYTICS_READ)
    stands = around(actor)
    asked = _asked(analytics.campus())
    found = overview(actor, asked.period, asked.scope)
    return show(
        actor,
        "analytics.html",
        status=422 if asked.unreadable else 200,
        stands=stands,
        asked=asked,
        found=found,
        periods=PERIODS,
        said=charts.days(asked.period.first, asked.period.last, now().date()),
        target=analytics.ON_TIME_TARGET_PERCENT,
        may_mail=policy.can(actor, Action.REPORT_SEND),
        span=charts.span,
        **Drawn(found).context(),
    )


# --- addresses of lists -----------------------------------------------------------------------------------------------


def tickets_of(filters: Filters) -> str:
    """The list of the queue that shows what is counted: with these filters, and no others."""
    values = {name: _in_address(value) for name, value in filters.items()}
    if filters.get("status") == list(OPEN):
        del values["status"]
    elif "status" not in filters and not any(name in filters for name in SAY_THE_STATUS):
        values["status"] = [status.value for status in ANY_STATUS]
    return f"/staff/?{urlencode(values, doseq=True)}" if values else "/staff/"


def _in_address(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z").replace(":00Z", "Z")
    return value


# --- what is drawn ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    name: str
    number: int
    address: str
    width: str
    field: str = ""
    """The field of work whose colour it has."""


class Drawn:
    """The figures as the template wants them."""

    def __init__(self, found: Overview) -> None:
        self.found, self.scope, self.period = found, found.scope, found.period
        self.known, self.tallies = found.known, found.tallies
        self.created = self.scope.created(self.period.start, self.period.end)
        self.resolved = self.scope.resolved(self.period.start, self.period.end)

    def context(self) -> dict[str, Any]:
        return {
            "stats": self.stats(),
            "trend": self.trend(),
            "open_categories": self.open_categories(),
            "open_ages": self.open_ages(),
            "open_address": tickets_of(self.scope.open()),
            "replies": self.dots(REPLY),
            "resolutions": self.dots(RESOLUTION),
            "heat": self.heat(),
            "buildings": self.buildings(),
            "workers": self.workers(),
            "on_time": self.on_time(),
            "rates": self.rates(),
        }

    def stats(self) -> list[dict[str, Any]]:
        found, tallies = self.found, self.tallies
        reply, before = found.time(REPLY), found.time(REPLY_BEFORE)
        return [
            self._stat(gettext("Created"), f"{found.created:,}", self.created, found.created)
            | {"note": charts.compared(found.created, tallies.created_before.number)},
            self._stat(gettext("Resolved"), f"{found.resolved:,}", self.resolved, found.resolved)
            | {"note": charts.compared(found.resolved, tallies.resolved_before.number)},
            self._stat(gettext("Open now"), f"{tallies.open.number:,}", self.scope.open(), tallies.open.number)
            | {
                "note": gettext("%(number)s overdue", number=f"{tallies.open.part:,}"),
                "note_address": tickets_of({**self.scope.open(), "due": "overdue"}) if tallies.open.part else None,
            },
            self._stat(
                gettext("First reply, median"), "–" if reply.p50 is None else charts.length(reply.p50),
                {**self.created, "replied": True}, reply.count,
            )
            | _faster(reply, before),
            self._stat(
                gettext("Resolved on time"), charts.percent(tallies.resolved.part, tallies.resolved.number) or "–",
                {**self.resolved, "sla": "met"}, tallies.resolved.part,
            )
            | self._against_target(),
        ]  # fmt: skip

    def _stat(self, label: str, value: str, filters: Filters, number: int) -> dict[str, Any]:
        return {"label": label, "value": value, "address": tickets_of(filters) if number else None, "look": ""}

    def _against_target(self) -> dict[str, str]:
        target, resolved = analytics.ON_TIME_TARGET_PERCENT, self.tallies.resolved
        if resolved.number and 100 * resolved.part < target * resolved.number:
            return {"note": gettext("under the target of %(number)s%%", number=target), "look": "bad"}
        return {"note": gettext("target %(number)s%%", number=target)}

    def trend(self) -> dict[str, Any]:
        found, zone = self.found, self.period.zone
        steps = [
            {
                "name": charts.day(step.first, year=found.each == "month"),
                "created": step.created, "resolved": step.resolved,
                "created_address": tickets_of(self.scope.created(*_within(step.first, step.after, zone))),
                "resolved_address": tickets_of(self.scope.resolved(*_within(step.first, step.after, zone))),
            }
            for step in found.steps
        ]  # fmt: skip
        rows = [[step.created for step in found.steps], [step.resolved for step in found.steps]]
        more = found.created - found.resolved
        change = (
            gettext("As many came as were resolved.") if more == 0
            else gettext("%(number)s more came than were resolved.", number=f"{more:,}") if more > 0
            else gettext("%(number)s more were resolved than came.", number=f"{-more:,}")
        )  # fmt: skip
        words = {
            "day": (gettext("Created and resolved per day"), gettext("Day")),
            "week": (gettext("Created and resolved per week"), gettext("Week from")),
            "month": (gettext("Created and resolved per month"), gettext("Month from")),
        }
        title, column = words[found.each]
        return {
            "title": title, "column": column, "steps": steps, "change": change,
            "lines": charts.lines(rows, [step.first for step in found.steps]),
            "created_address": tickets_of(self.created) if found.created else None,
            "resolved_address": tickets_of(self.resolved) if found.resolved else None,
        }  # fmt: skip

    def open_categories(self) -> list[Bar]:
        counts = self.tallies.categories
        most, found = max(counts.values(), default=0), []
        for key, number in sorted(counts.items(), key=lambda one: (-one[1], one[0] or 0)):
            known = self.known.of("category", key)
            if known is not None and known.slug is not None:
                address = tickets_of({**self.scope.open(), **self.scope.within("category", known.slug)})
                found.append(Bar(known.name, number, address, charts.bar(number, most), known.slug))
        return found

    def open_ages(self) -> list[Bar]:
        counts, at = self.tallies.ages, self.tallies.at or now()
        most = max(counts.values(), default=0)
        return [
            Bar(
                str(label), counts.get(n, 0), tickets_of(self.scope.open_since(n, at)),
                charts.bar(counts.get(n, 0), most),
            )
            for n, label in zip(range(len(AGES)), AGE_LABELS, strict=True)
        ]  # fmt: skip

    def dots(self, measure: str) -> dict[str, Any]:
        """Percentiles by category of the first level."""
        found = self.found.times[measure, "category"]
        base = {**self.created, "replied": True} if measure == REPLY else self.resolved
        axis = charts.axis([one.p90 for one in found.values()])
        rows: list[dict[str, Any]] = []
        for key, times in sorted(found.items(), key=lambda one: (-one[1].count, one[0] or 0)):
            known = self.known.of("category", key)
            if known is not None and known.slug is not None and times.p50 is not None:
                words = [charts.span(one or 0) for one in (times.p50, times.p75, times.p90)]
                rows.append(
                    {
                        "name": known.name, "field": known.slug, "count": times.count, "words": words,
                        "at": [axis.at(one or 0) for one in (times.p50, times.p75, times.p90)],
                        "address": tickets_of({**base, **self.scope.within("category", known.slug)}),
                    }
                )  # fmt: skip
        said = [
            gettext("%(name)s: half within %(p50)s, 75%% within %(p75)s, 90%% within %(p90)s",
                    name=row["name"], p50=row["words"][0], p75=row["words"][1], p90=row["words"][2])
            for row in rows
        ]  # fmt: skip
        return {"rows": rows, "axis": axis.marks, "finding": ". ".join(said)}

    def heat(self) -> list[list[dict[str, Any]]]:
        """Seven days of cells: an hour each, and the night, whose hours are those of the same calendar day."""
        columns = [[hour] for hour in HOURS] + [NIGHT]
        numbers = [[sum(row[hour] for hour in column) for column in columns] for row in self.found.heat]
        most = max(map(max, numbers))
        near = self.period.days <= 400
        return [
            [
                {
                    "number": number,
                    "warmth": charts.warmth(number, most),
                    "address": tickets_of({**self.created, "hour": [24 * day + hour for hour in column]})
                    if number and near else None,
                }
                for number, column in zip(row, columns, strict=True)
            ]
            for day, row in enumerate(numbers)
        ]  # fmt: skip

    def buildings(self) -> list[Bar]:
        counts = self.tallies.buildings
        named = [(n, known) for key, n in counts.items() if (known := self.known.of("building", key))]
        most = max((number for number, _ in named), default=0)
        return [
            Bar(
                known.name, number,
                tickets_of({**self.created, **self.scope.within("building", known.slug or "")}),
                charts.bar(number, most),
            )
            for number, known in sorted(named, key=lambda one: (-one[0], one[1].name))[:LISTED]
        ]  # fmt: skip

    def workers(self) -> list[dict[str, Any]]:
        found = self.found.workers()
        most = max((one.open for one in found), default=0)
        rows = []
        for one in found[:WORKERS]:
            whose = {"assignee": str(one.person.id) if one.person else "none"}
            rows.append(
                {
                    "one": one, "width": charts.bar(one.open, most),
                    "open": tickets_of({**self.scope.open(), **whose}),
                    "overdue": tickets_of({**self.scope.open(), **whose, "due": "overdue"}),
                    "replied": tickets_of({**self.created, **whose, "replied": True}),
                    "resolved": tickets_of({**self.resolved, **whose}),
                }
            )  # fmt: skip
        return rows

    def on_time(self) -> list[dict[str, Any]]:
        rows = []
        teams = self.tallies.teams
        for key in sorted(teams, key=lambda key: (key is None, -teams[key].number, key or 0)):
            tally, known = teams[key], self.known.of("team", key)
            if known is None:
                which: Filters = {} if key is not None else {"without_team": True}
            else:
                which = self.scope.within("team", known.slug or "")
            base = {**self.resolved, **which}
            rows.append(
                {
                    "name": known.name if known else gettext("No team"), "tally": tally,
                    "late": tally.number - tally.part, "share": charts.percent(tally.part, tally.number),
                    "width": charts.bar(tally.part, tally.number),
                    "is_under": 100 * tally.part < analytics.ON_TIME_TARGET_PERCENT * tally.number,
                    "all": tickets_of(base), "met": tickets_of({**base, "sla": "met"}),
                    "missed": tickets_of({**base, "sla": "missed"}),
                }
            )  # fmt: skip
        return rows

    def rates(self) -> list[dict[str, Any]]:
        created = self.tallies.created
        return [
            {
                "label": label, "number": number, "share": charts.percent(number, created.number) or "–",
                "address": tickets_of({**self.created, name: True}), "width": charts.bar(number, created.number),
            }
            for label, name, number in (
                (gettext("Passed on to another team"), "passed_on", created.other),
                (gettext("Opened again"), "reopened", created.part),
            )
        ]  # fmt: skip


def _within(first: date, after: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return moments.midnight(first, zone), moments.midnight(after, zone)


def _faster(reply: Times, before: Times) -> dict[str, str]:
    """Beside the median of the period before."""
    if reply.p50 is None or before.p50 is None:
        return {"note": gettext("nothing to compare with") if reply.p50 is not None else gettext("no reply yet")}
    change = before.p50 - reply.p50
    if abs(change) < charts.MINUTE:
        return {"note": gettext("as fast as before")}
    if change > 0:
        return {"note": gettext("%(span)s faster", span=charts.length(change)), "look": "good"}
    return {"note": gettext("%(span)s slower", span=charts.length(-change))}
