"""The desk's figures: held against a slow count over the same rows, in several time zones, on whichever database."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from helpdesk import moments
from helpdesk.analytics import report
from helpdesk.spreadsheets import safe_cell
from models import (
    ActorKind,
    Audience,
    Building,
    Category,
    Event,
    Priority,
    Status,
    Team,
    Ticket,
    begin_write,
    db,
)
from tests.conftest import statements
from tests.doors import recorded
from tests.factories import Person

PATH = "/api/analytics"
NOW = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana")
ENDED = (Status.RESOLVED, Status.CLOSED)


@dataclass
class Desk:
    """Somebody who asks, and what tickets may be of."""

    agent: Person
    people: list[int | None]
    categories: list[Any]
    teams: list[Any]
    buildings: list[Any]


@pytest.fixture
def desk(app: Flask, agent: Person, admin: Person, customer: Person) -> Iterator[Desk]:
    with time_machine.travel(NOW, tick=False):
        agent.signs_in()
        begin_write()
        db.session.add_all([Building(slug="hall", name="Hall"), Building(slug="library", name="Library")])
        db.session.commit()
        yield Desk(
            agent, [None, agent.id, admin.id], list(db.session.execute(select(*Category.__table__.c).order_by("id"))),
            list(db.session.execute(select(*Team.__table__.c).order_by("id"))),
            list(db.session.execute(select(*Building.__table__.c).order_by("id"))),
        )  # fmt: skip


@dataclass
class Row:
    """A ticket as the slow count knows it."""

    created_at: datetime
    status: Status
    resolved_at: datetime | None
    first_response_at: datetime | None
    due: datetime
    category: int
    team: int | None
    building: int | None
    assignee: int | None
    priority: int
    held: bool
    merged: bool
    reopened: int
    passed_on: int
    reopenings: list[datetime]


def _at(low: int, high: int) -> st.SearchStrategy[timedelta]:
    return st.builds(
        lambda s, us: timedelta(seconds=s, microseconds=us), st.integers(low, high), st.sampled_from([0, 999_999])
    )


@st.composite
def rows(draw: Any) -> list[Row]:
    """Around the nights in which clocks are set, and around now."""
    made = []
    for _ in range(draw(st.integers(0, 12))):
        start = draw(
            st.sampled_from(
                [
                    NOW - timedelta(days=2),
                    datetime(2026, 10, 31, 20, tzinfo=UTC),
                    datetime(2026, 10, 24, 20, tzinfo=UTC),
                ]
            )
        )
        created = min(start + draw(_at(0, 40 * 3600)), NOW)
        status = draw(st.sampled_from(list(Status)))
        left = int((NOW - created).total_seconds())
        resolved = min(created + draw(_at(0, left)), NOW) if status in ENDED else None
        replied = draw(st.none() | _at(0, 2 * 86400))
        merged = status == Status.CLOSED and draw(st.booleans())
        reopened = draw(st.integers(0, 2))
        made.append(
            Row(
                created, status, resolved, None if replied is None else created + replied,
                created + draw(_at(0, 3 * 86400)), draw(st.integers(0, 5)), draw(st.none() | st.integers(0, 1)),
                draw(st.none() | st.integers(0, 1)), draw(st.integers(0, 2)), draw(st.integers(0, 3)),
                draw(st.sampled_from([False, False, False, True])), merged, reopened, draw(st.integers(0, 2)),
                [min(created + draw(_at(0, left)), NOW) for _ in range(reopened)],
            )
        )  # fmt: skip
    return made


def write(desk: Desk, made: list[Row]) -> None:
    """As the verbs would leave them."""
    db.session.remove()
    begin_write()
    db.session.execute(delete(Event))
    db.session.execute(delete(Ticket).where(Ticket.merged_into_id.is_not(None)))
    db.session.execute(delete(Ticket))
    goes_on = None
    for n, row in enumerate(made):
        ended = row.status in ENDED
        values = {
            "title": f"Problem {n}", "description": "It drips.", "status": row.status,
            "priority": list(Priority)[row.priority], "category_id": desk.categories[row.category].id,
            "team_id": None if row.team is None else desk.teams[row.team].id,
            "building_id": None if row.building is None else desk.buildings[row.building].id,
            "assignee_id": desk.people[row.assignee], "reporter_id": desk.agent.id, "held": row.held,
            "created_at": row.created_at, "updated_at": row.created_at, "resolved_at": row.resolved_at,
            "first_response_at": row.first_response_at, "resolution_due_at": row.due,
            "due_at": datetime(9999, 1, 1, tzinfo=UTC) if ended or row.status == Status.WAITING else row.due,
            "reopened_count": row.reopened, "handoff_count": row.passed_on,
        }  # fmt: skip
        number = db.session.execute(insert(Ticket).values(**values).returning(Ticket.id)).scalar_one()
        if row.merged:
            if goes_on is None:
                held = values | {"title": "Goes on", "held": True, "status": Status.OPEN, "resolved_at": None}
                goes_on = db.session.execute(insert(Ticket).values(**held).returning(Ticket.id)).scalar_one()
            db.session.get_one(Ticket, number).merged_into_id = goes_on
        for at in row.reopenings:
            said = {"deed_id": "d", "seq": 0, "visibility": Audience.AFFECTED, "actor_kind": ActorKind.USER}
            for field, before, after in (("status", "resolved", "open"), ("status", "open", "resolved")):
                event = said | {"field": field, "from_value": before, "to_value": after, "created_at": at}
                db.session.execute(insert(Event).values(ticket_id=number, **event))
    db.session.commit()
    db.session.remove()


def get(desk: Desk, path: str, **query: Any) -> dict[str, Any]:
    response = desk.agent.get(f"{PATH}/{path}", query_string=query)
    assert response.status_code == 200, response.get_data(as_text=True)
    found: dict[str, Any] = response.json
    return found


def counted(made: list[Row]) -> list[Row]:
    return [row for row in made if not row.held and not row.merged]


def day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def rank(found: list[int], percent: int) -> int | None:
    """The smallest of them that no less than so many percent of them do not exceed."""
    for one in sorted(found):
        if 100 * sum(other <= one for other in found) >= percent * len(found):
            return one
    return None


def whole(moment: datetime) -> int:
    return int(moment.timestamp() // 1)


FIRST, LAST = date(2026, 10, 25), date(2026, 11, 20)
few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@few
@given(made=rows(), name=st.sampled_from(ZONES), each=st.sampled_from(["day", "week", "month"]))
def test_trends_are_what_a_slow_count_finds(desk: Desk, made: list[Row], name: str, each: str) -> None:
    write(desk, made)
    zone = ZoneInfo(name)
    query = {"from": FIRST.isoformat(), "to": LAST.isoformat(), "tz": name}
    found = get(desk, "trends", interval=each, **query)["items"]
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    assert [one["from"] for one in found] == [
        day.isoformat() for day in days
        if day == FIRST or each == "day" or (day.weekday() == 0 if each == "week" else day.day == 1)
    ]  # fmt: skip
    for one in found:
        within = {d for d in days if one["from"] <= d.isoformat() <= one["to"]}
        end = datetime.combine(max(within) + timedelta(days=1), datetime.min.time(), zone)
        mine = counted(made)
        assert one["created"] == sum(day(row.created_at, zone) in within for row in mine)
        assert one["resolved"] == sum(
            row.resolved_at is not None and day(row.resolved_at, zone) in within for row in mine
        )
        assert one["reopened"] == sum(day(at, zone) in within for row in mine for at in row.reopenings)
        assert one["backlog"] == sum(
            row.created_at < end and (row.resolved_at is None or row.resolved_at >= end) for row in mine
        )


@few
@given(made=rows(), name=st.sampled_from(ZONES))
def test_the_heat_map_is_what_a_slow_count_finds(desk: Desk, made: list[Row], name: str) -> None:
    write(desk, made)
    zone = ZoneInfo(name)
    found = get(desk, "heatmap", tz=name, **{"from": FIRST.isoformat(), "to": LAST.isoformat()})
    local = [row.created_at.astimezone(zone) for row in counted(made)]
    expected = Counter((at.weekday(), at.hour) for at in local if FIRST <= at.date() <= LAST)
    assert [[expected[weekday, hour] for hour in range(24)] for weekday in range(7)] == found["days"]
    assert found["total"] == expected.total()


@few
@given(made=rows(), group=st.sampled_from(["category", "assignee", "team", "priority", "building"]))
def test_percentiles_are_of_the_nearest_rank(desk: Desk, made: list[Row], group: str) -> None:
    write(desk, made)
    found = get(desk, "response-times", group_by=group, **{"from": FIRST.isoformat(), "to": LAST.isoformat()})
    utc = ZoneInfo("UTC")

    def key(row: Row) -> int | None:
        if group == "category":
            of = desk.categories[row.category]
            return int(of.parent_id or of.id)
        if group == "priority":
            return row.priority
        if group == "assignee":
            return desk.people[row.assignee]
        place, things = (row.team, desk.teams) if group == "team" else (row.building, desk.buildings)
        return None if place is None else int(things[place].id)

    replies: dict[Any, list[int]] = {}
    ends: dict[Any, list[int]] = {}
    for row in counted(made):
        for keyed in (key(row), "all"):
            if row.first_response_at is not None and FIRST <= day(row.created_at, utc) <= LAST:
                replies.setdefault(keyed, []).append(whole(row.first_response_at) - whole(row.created_at))
            if row.resolved_at is not None and FIRST <= day(row.resolved_at, utc) <= LAST:
                ends.setdefault(keyed, []).append(whole(row.resolved_at) - whole(row.created_at))

    def percentiles(times: list[int]) -> dict[str, Any]:
        return {"count": len(times), **{f"p{p}_seconds": rank(times, p) for p in (50, 75, 90, 95)}}

    shown = {one["id"]: one for one in found["items"]} | {"all": found}
    assert shown.keys() == replies.keys() | ends.keys() | {"all"}
    for keyed, one in shown.items():
        assert one["first_response"] == percentiles(replies.get(keyed, []))
        assert one["resolution"] == percentiles(ends.get(keyed, []))


@few
@given(made=rows(), narrowed=st.sampled_from(["", "team", "category", "building"]))
def test_targets_and_rates_are_what_a_slow_count_finds(desk: Desk, made: list[Row], narrowed: str) -> None:
    write(desk, made)
    query = {"from": FIRST.isoformat(), "to": LAST.isoformat()}
    utc, mine = ZoneInfo("UTC"), counted(made)
    if narrowed == "team":
        query["team"] = desk.teams[0].slug
        mine = [row for row in mine if row.team == 0]
    elif narrowed == "building":
        query["building"] = desk.buildings[1].slug
        mine = [row for row in mine if row.building == 1]
    elif narrowed == "category":
        top = desk.categories[0]
        query["category"] = top.slug
        mine = [
            row for row in mine if top.id in (desk.categories[row.category].id, desk.categories[row.category].parent_id)
        ]
    found, ended = (
        get(desk, "sla", **query),
        [r for r in mine if r.resolved_at and FIRST <= day(r.resolved_at, utc) <= LAST],
    )
    assert (found["resolved"], found["met"]) == (len(ended), sum(row.resolved_at <= row.due for row in ended))  # type: ignore[operator]
    for one in found["items"]:
        teams = [row for row in ended if (None if row.team is None else desk.teams[row.team].id) == one["id"]]
        assert one["resolved"] == len(teams) > 0
        assert one["met"] == sum(row.resolved_at <= row.due for row in teams)  # type: ignore[operator]
    came = [row for row in mine if FIRST <= day(row.created_at, utc) <= LAST]
    rates = get(desk, "rates", **query)
    assert rates["created"] == len(came)
    assert rates["passed_on"] == sum(row.passed_on > 0 for row in came)
    assert rates["reopened"] == sum(row.reopened > 0 for row in came)


@few
@given(made=rows())
def test_the_summary_is_what_a_slow_count_finds(desk: Desk, made: list[Row]) -> None:
    write(desk, made)
    found = get(desk, "summary")
    mine = counted(made)
    open_now = [row for row in mine if row.status not in ENDED]
    assert found["by_status"] == {one.value: sum(row.status == one for row in mine) for one in Status}
    assert found["by_priority"] == {
        one.value: sum(row.priority == n for row in open_now) for n, one in enumerate(Priority)
    }
    assert {one["id"]: one["count"] for one in found["by_assignee"]} == Counter(
        desk.people[r.assignee] for r in open_now
    )
    assert {one["id"]: one["count"] for one in found["by_building"]} == Counter(
        None if row.building is None else desk.buildings[row.building].id for row in open_now
    )
    tops = [desk.categories[row.category] for row in open_now]
    assert {one["id"]: one["count"] for one in found["by_category"]} == Counter(top.parent_id or top.id for top in tops)
    assert found["unassigned"] == sum(row.assignee == 0 for row in open_now)
    assert found["overdue"] == sum(row.due < NOW and row.status != Status.WAITING for row in open_now)
    assert found["created_today"] == sum(row.created_at.date() == NOW.date() for row in mine)
    assert found["resolved_today"] == sum(bool(r.resolved_at and r.resolved_at.date() == NOW.date()) for r in mine)


@few
@given(made=rows(), hours=st.sets(st.integers(0, 167), max_size=24), name=st.sampled_from(ZONES))
def test_a_list_of_hours_of_the_week_holds_what_was_reported_in_them(
    desk: Desk, made: list[Row], hours: set[int], name: str
) -> None:
    write(desk, made)
    config, zone = desk.agent.app.config, ZoneInfo(name)
    before, config["TIME_ZONE"] = config["TIME_ZONE"], name
    try:
        within = {"created_after": "2026-10-20T00:00:00Z", "created_before": "2026-11-22T00:00:00Z"}
        response = desk.agent.get("/api/tickets/counts", query_string={**within, "hour": sorted(hours)})
    finally:
        config["TIME_ZONE"] = before
    local = [row.created_at.astimezone(zone) for row in made if not row.held]
    expected = [at for at in local if not hours or at.weekday() * 24 + at.hour in hours]
    assert response.json["total"] == {"count": len(expected), "more": False}


@pytest.mark.parametrize("name", ZONES)
def test_the_stretches_of_a_clock_are_those_of_zoneinfo(name: str) -> None:
    zone = ZoneInfo(name)
    at, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    found = list(moments.stretches(at, end, zone))
    assert found[-1][0] == int(end.timestamp())
    while at < end:
        offset = next(offset for until, offset in found if at.timestamp() < until)
        assert timedelta(seconds=offset) == at.astimezone(zone).utcoffset(), at
        at += timedelta(minutes=15)


# --- the answers ------------------------------------------------------------------------------------------------------


def test_customers_read_no_figures_and_confidential_tickets_count_for_the_staff(
    agent: Person, customer: Person
) -> None:
    customer.reports(is_confidential=True)
    for path in ("summary", "trends", "response-times", "heatmap", "sla", "rates", "report"):
        assert customer.get(f"{PATH}/{path}").status_code == 403
        assert agent.get(f"{PATH}/{path}").status_code == 200
    assert agent.get(f"{PATH}/summary").json["created_today"] == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("trends?from=2026-01-01", "to"),
        ("trends?to=2026-01-01", "from"),
        ("trends?from=2026-01-02&to=2026-01-01", "to"),
        ("trends?from=2016-01-01&to=2026-06-01", "to"),
        ("trends?from=2017-01-01&to=2026-06-01", "interval"),
        ("trends?from=01.01.2026&to=2026-06-01", "from"),
        ("trends?from=0001-01-01&to=9999-12-31", "from"),
        ("trends?tz=Mars/Base", "tz"),
        ("trends?tz=../../etc/passwd", "tz"),
        ("trends?interval=hour", "interval"),
        ("response-times?group_by=reporter", "group_by"),
        ("report?format=xlsx", "format"),
        ("heatmap?team=IT%20team", "team"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused_by_field(agent: Person, query: str, field: str) -> None:
    response = agent.get(f"{PATH}/{query}")
    assert response.status_code == 422
    assert field in response.json["errors"]


def test_no_figure_takes_more_statements_for_more_tickets(agent: Person, customer: Person) -> None:
    customer.reports()
    for path, most in (("summary", 3), ("trends", 3), ("response-times", 3), ("heatmap", 2), ("sla", 3), ("rates", 2)):
        agent.get(f"{PATH}/{path}")
        with statements() as seen:
            agent.get(f"{PATH}/{path}")
        assert len(seen) <= most, (path, seen)


def test_what_was_undone_was_not_opened_again(agent: Person, customer: Person) -> None:
    number = customer.reports()
    told = agent.post("/api/tickets/bulk", {"ids": [number], "changes": {"status": "resolved"}}).json
    assert agent.post(f"/api/bulk-edits/{told['id']}/undo").status_code == 200
    assert sum(one["reopened"] for one in agent.get(f"{PATH}/trends").json["items"]) == 0
    agent.sets(number, status="resolved")
    agent.sets(number, status="open")
    assert sum(one["reopened"] for one in agent.get(f"{PATH}/trends").json["items"]) >= 1


# --- the export -------------------------------------------------------------------------------------------------------

EVIL = (
    "=1+1", "+SUM(A1)", "-2+3", "@now", "  =cmd|' /C calc'!A0", "＝1+1", "＋1", "－1", "＠x", "\u200b=1", "\u00a0=1",
    '=HYPERLINK("http://evil.test","x")', "a,b\"c", "Grüße aus Łódź",
)  # fmt: skip


def test_no_cell_of_the_export_is_run_by_a_spreadsheet(agent: Person, admin: Person, customer: Person) -> None:
    begin_write()
    hall = Building(slug="evil", name="=EVIL()")
    db.session.add(hall)
    db.session.commit()
    for title in EVIL:
        customer.reports(title=f"{title}xx", room="@room", building="evil")
    agent.patch("/api/users/me", {"name": "+Priya"})
    response = agent.get(f"{PATH}/report?format=csv")
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="tickets.csv"'
    found = list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"), newline="")))
    assert tuple(found[0]) == report.COLUMNS
    assert len(found) == len(EVIL)
    for row in found:
        for value in row.values():
            # as a spreadsheet may: past what is not seen, and in whatever width
            assert value.strip(" \t\r\n\u00a0\u200b")[:1] not in {*"=+-@＝＋－＠"}, value
            assert value[:1] not in {"\t", "\r"}
    titles = {row["title"].removeprefix("'") for row in found}
    assert titles == {agent.sees(int(row["id"]))["title"] for row in found}  # and nothing else is changed
    assert {row["building"] for row in found} == {"'=EVIL()"}


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1", "\tx", "=", "+", "-", "@", "＝"])
def test_a_cell_that_would_be_run_begins_with_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["x=1", "a-b", "", 0, -5, None, "1.5", "e@x.test"])
def test_other_cells_stay_as_they_are(value: Any) -> None:
    assert safe_cell(value) == value


def test_the_export_holds_all_tickets_in_portions_and_leaves_held_and_merged_out(
    monkeypatch: pytest.MonkeyPatch, agent: Person, customer: Person
) -> None:
    monkeypatch.setattr(report, "PORTION", 2)
    report._rows.cache_clear()
    try:
        numbers = [customer.reports() for _ in range(6)]
        assert agent.post(f"/api/tickets/{numbers[2]}/merge", {"into_id": numbers[3]}).status_code == 200
        begin_write()
        db.session.get_one(Ticket, numbers[4]).held = True
        db.session.commit()
        wanted = [numbers[n] for n in (0, 1, 3, 5)]
        shown = agent.get(f"{PATH}/report").json
        assert [one["id"] for one in shown["tickets"]] == wanted
        assert shown["rates"]["created"] == len(wanted)
        lines = agent.get(f"{PATH}/report?format=csv").get_data(as_text=True).splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == [str(number) for number in wanted]
        assert agent.get(f"{PATH}/report?from=2020-01-01&to=2020-01-31").json["tickets"] == []
    finally:
        report._rows.cache_clear()


def test_an_export_is_on_record_with_what_was_asked_for(agent: Person, customer: Person) -> None:
    customer.get(f"{PATH}/report")
    assert recorded("report.exported") == []
    agent.get(f"{PATH}/report?format=csv&from=2026-01-01&to=2026-01-31&team=it")
    [event] = recorded("report.exported")
    assert event.actor_id == agent.id
    assert event.detail == {
        "format": "csv", "first": "2026-01-01", "last": "2026-01-31", "tz": "UTC", "filters": {"team": ["it"]},
    }  # fmt: skip
