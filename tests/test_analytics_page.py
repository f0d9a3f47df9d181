"""The page of figures: what it shows, and that each number leads to a list of just so many tickets."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from flask import Flask
from sqlalchemy import insert, select, update

from blueprints.staff import charts
from helpdesk.analytics.answers import campus
from helpdesk.analytics.period import NAMED, named
from models import Building, Category, Membership, Priority, Status, Team, Ticket, begin_write, db
from tests.conftest import statements
from tests.factories import Person
from tests.pages import Page, Reader

PATH = "/staff/analytics"
NOW = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)
NUMBER = re.compile(
    r'<a class="(?:plain[^"]*)" href="([^"]+)">([\d,]+)</a>|<td class="h\d"><a href="([^"]+)">([\d,]+)</a>'
)
NOTE = re.compile(r'<a href="([^"]+)">([\d,]+) overdue</a>')


@pytest.fixture
def desk(app: Flask, agent: Person) -> Iterator[Reader]:
    with time_machine.travel(NOW, tick=False):
        yield Reader(app, agent)


def filled(app: Flask, agent: Person, number: int = 160, *, days: int = 60) -> None:
    """Tickets of every kind, around now."""
    dice = random.Random(7)
    colleague = Person.made(app, "agent", name="Mei Chow").id
    begin_write()
    db.session.add_all([Building(slug=f"hall-{n}", name=f"Hall {n}") for n in range(9)])
    teams = list(db.session.scalars(select(Team.id).order_by(Team.id)))
    db.session.add(Membership(user_id=agent.id, team_id=teams[0]))
    db.session.flush()
    categories = list(db.session.scalars(select(Category.id).order_by(Category.id)))
    buildings = list(db.session.scalars(select(Building.id).order_by(Building.id)))
    rows = []
    for n in range(number):
        at = NOW - timedelta(seconds=dice.randrange(days * 86400))
        status = dice.choice(list(Status))
        done = at + timedelta(seconds=dice.randrange(int((NOW - at).total_seconds()) + 1))
        ended = status in (Status.RESOLVED, Status.CLOSED)
        due = at + timedelta(hours=dice.choice((8, 48, 240)))
        rows.append(
            {
                "title": f"Problem {n}", "description": "It drips.", "status": status,
                "priority": dice.choice(list(Priority)), "category_id": dice.choice(categories),
                "team_id": dice.choice([None, *teams]), "building_id": dice.choice([None, *buildings]),
                "assignee_id": dice.choice([None, agent.id, colleague]), "reporter_id": agent.id,
                "held": n % 20 == 0, "created_at": at, "updated_at": at, "resolved_at": done if ended else None,
                "first_response_at": dice.choice([None, at + timedelta(minutes=dice.randrange(3000))]),
                "resolution_due_at": due, "due_at": datetime(9999, 1, 1, tzinfo=UTC) if ended else due,
                "reopened_count": dice.choice((0, 0, 1)), "handoff_count": dice.choice((0, 0, 2)),
            }
        )  # fmt: skip
    db.session.execute(insert(Ticket), rows)
    closed = list(db.session.scalars(select(Ticket.id).where(Ticket.status == Status.CLOSED).order_by(Ticket.id)))
    db.session.execute(update(Ticket).where(Ticket.id.in_(closed[1:9])).values(merged_into_id=closed[0]))
    db.session.commit()
    db.session.remove()


def numbers(html: str) -> list[tuple[str, int]]:
    """The numbers on a page, each with where it leads."""
    found = [(a or c, b or d) for a, b, c, d in NUMBER.findall(html)] + NOTE.findall(html)
    return [(unescape(address), int(number.replace(",", ""))) for address, number in found]


def behind(desk: Reader, address: str) -> int:
    """How many tickets the list there says that it has."""
    html = desk.reads(address).html
    found = re.search(r'id="total">\s*([\d,]+) tickets?\s*<', html)
    assert found, html[:2000]
    return int(found[1].replace(",", ""))


def check(desk: Reader, page: Page, at_least: int) -> None:
    main = page.html[page.html.index("<main") :]
    found = dict.fromkeys(numbers(main))
    assert len(found) >= at_least, len(found)
    for address, number in found:
        assert behind(desk, address) == number, (address, number)


# --- each number has its list -----------------------------------------------------------------------------------------


def test_each_number_leads_to_a_list_of_just_so_many_tickets(app: Flask, desk: Reader, agent: Person) -> None:
    filled(app, agent)
    page = desk.reads(PATH)
    main = page.html[page.html.index("<main") :]
    check(desk, page, 120)
    # and there is no number of tickets that leads nowhere, but for none
    bare = re.findall(r'(?:<span class="muted">|<td class="h\d">)([\d,]+)<', main)
    assert set(bare) <= {"0"}


@pytest.mark.parametrize(
    "query",
    ["period=7d", "period=90d", "period=month", "period=last-month", "period=term", "team=it", "category=it",
     "category=facilities-leaks&team=facilities", "building=hall-3", "from=2026-11-20&to=2026-11-20"],
)  # fmt: skip
def test_so_it_is_in_each_period_and_of_each_part_of_the_desk(
    app: Flask, desk: Reader, agent: Person, query: str
) -> None:
    filled(app, agent, 60)
    check(desk, desk.reads(f"{PATH}?{query}"), 5)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"])
def test_so_it_is_by_the_clock_of_any_campus_also_where_clocks_were_set(
    app: Flask, desk: Reader, agent: Person, zone: str
) -> None:
    filled(app, agent, 60)
    before, app.config["TIME_ZONE"] = app.config["TIME_ZONE"], zone
    try:
        page = desk.reads(f"{PATH}?from=2026-10-20&to=2026-11-10")
        assert page.says(f"Days are those of {zone}.")
        check(desk, page, 25)
    finally:
        app.config["TIME_ZONE"] = before


def test_the_other_figures_lead_to_the_tickets_that_they_are_of(app: Flask, desk: Reader, agent: Person) -> None:
    """A median and a share of what is not one ticket: the list is of those it was found in."""
    filled(app, agent, 60)
    html = desk.reads(PATH).html
    stats = re.findall(r'<dd>\s*<a class="plain" href="([^"]+)">([^<]+)</a>', html)
    assert len(stats) == 5
    replied, on_time = unescape(stats[3][0]), unescape(stats[4][0])
    answer = desk.get("/api/analytics/response-times").json
    assert behind(desk, replied) == answer["first_response"]["count"]
    sla = desk.get("/api/analytics/sla").json
    assert behind(desk, on_time) == sla["met"]
    assert stats[4][1] == f"{100 * sla['met'] // sla['resolved']}%"
    assert stats[3][1] == charts.length(answer["first_response"]["p50_seconds"])


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_it_takes_twelve_statements_however_much_there_is(app: Flask, desk: Reader, agent: Person) -> None:
    desk.reads(PATH)
    with statements() as seen:
        desk.reads(PATH)
    filled(app, agent, 120)
    with statements() as later:
        desk.reads(f"{PATH}?period=90d&team=it&category=it")
    assert len(seen) <= 12, seen
    assert len(later) <= 12, later


def test_it_weighs_less_than_its_budget(app: Flask, desk: Reader, agent: Person) -> None:
    """60 kB with style sheet, icons and script, each compressed."""
    filled(app, agent, 400)
    page = gzip.compress(desk.reads(PATH).html.encode())
    assert len(page) < 16_000
    html = desk.reads(PATH).html
    others = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', html))
    files = [desk.get(unescape(path), headers={"Accept-Encoding": "identity"}) for path in others]
    whole = len(page) + sum(len(gzip.compress(file.get_data())) for file in files)
    for file in files:
        file.close()
    assert whole < 60_000, whole


# --- what it says -----------------------------------------------------------------------------------------------------


def test_of_nothing_it_says_so_and_shows_the_way(desk: Reader) -> None:
    page = desk.reads(PATH)
    assert page.says("Nothing was reported or resolved then")
    assert page.says("Nothing is open")
    assert f"{PATH}?period=90d" in page.links
    assert not page.says("Team workload")


def test_one_ticket_makes_a_page_and_so_does_one_day(desk: Reader, customer: Person) -> None:
    with time_machine.travel(NOW - timedelta(hours=3), tick=False):
        customer.signs_in()
        number = customer.reports()
    desk.sets(number, status="resolved")
    page = desk.reads(f"{PATH}?from=2026-11-21&to=2026-11-21")
    assert page.says("As many came as were resolved.")
    assert page.says("none before")
    assert page.says("100%")
    check(desk, page, 6)
    assert "NaN" not in page.html and "None" not in page.html


def test_a_very_long_name_stays_whole_and_is_escaped(app: Flask, desk: Reader, customer: Person, admin: Person) -> None:
    name = "Halls of <residence> " + "a" * 79
    admin.signs_in()
    assert admin.post("/api/buildings", {"slug": "long", "name": name}).status_code == 201
    assert admin.post("/api/categories", {"slug": "long", "name": name}).status_code == 201
    customer.signs_in()
    number = customer.reports(category="long", building="long")
    desk.writes(number, "On our way.")
    page = desk.reads(PATH)
    assert page.html.count(name.replace("<", "&lt;").replace(">", "&gt;")) >= 3
    assert "<residence>" not in page.html


def test_an_address_with_something_unknown_shows_the_rest_and_says_so(desk: Reader) -> None:
    for query, name in (
        ("period=decade", "period"), ("team=It%20Team", "team"), ("from=2026-11-02&to=2026-11-01", "from, to"),
        ("period=own", "from, to"), ("page=2", "page"), ("team=it&team=facilities", "team"),
    ):  # fmt: skip
        page = desk.reads(f"{PATH}?{query}", 422)
        assert page.says("This address asks for something that the figures do not know:")
        assert page.says(name)
        assert page.says("Last 30 days")


def test_what_is_chosen_stands_in_the_form_and_goes_with_it(desk: Reader) -> None:
    page = desk.reads(f"{PATH}?period=90d&team=it&category=it-wifi&building=hall")
    [form, own] = [form for form in page.forms if form.action == PATH]
    assert form.data()["period"] == ["90d"]
    assert form.data()["team"] == ["it"]
    assert form.data()["building"] == own.data()["building"] == ["hall"]
    led = desk.sends(own, **{"from": "2026-11-01", "to": "2026-11-03", "period": "own"})
    shown = Page(led)
    assert shown.says("1 Nov to 3 Nov 2026")
    again = next(form for form in shown.forms if form.action == PATH)
    assert (again.data()["from"], again.data()["to"], again.data()["period"]) == (
        ["2026-11-01"],
        ["2026-11-03"],
        ["own"],
    )


def test_the_export_is_of_what_is_shown(desk: Reader, customer: Person) -> None:
    customer.signs_in()
    number = customer.reports()
    page = desk.reads(f"{PATH}?period=7d&team=facilities")
    address = next(link for link in page.links if "report" in link)
    assert "from=2026-11-15&to=2026-11-21&team=facilities" in address
    lines = desk.get(address).get_data(as_text=True).splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [str(number)]


def test_no_style_stands_in_the_page_and_every_picture_says_what_it_shows(
    app: Flask, desk: Reader, agent: Person
) -> None:
    filled(app, agent, 60)
    page = desk.reads(PATH)
    assert not [tag for tag, attributes in page.tags if tag == "style" or "style" in attributes]
    main = page.html[page.html.index("<main") :]
    for svg in re.findall(r'<svg class="plot[^>]*>', main):
        assert "aria-hidden" in svg or "aria-label" in svg
    assert page.says("more came than were resolved.") or page.says("more were resolved than came.")
    assert "half within" in main


def test_words_are_neutral_but_where_there_is_a_target(desk: Reader, customer: Person) -> None:
    with time_machine.travel(NOW - timedelta(days=20), tick=False):
        customer.signs_in()
        late = customer.reports()
    desk.sets(late, status="resolved")
    page = desk.reads(PATH)
    assert page.says("under the target of 90%")
    assert [attributes for tag, attributes in page.tags if tag == "span" and attributes.get("class") == "bad"]
    customer.signs_in()
    for _ in range(9):
        desk.sets(customer.reports(), status="resolved")
    assert desk.reads(PATH).says("target 90%")
    assert not desk.reads(PATH).says("under the target")


@pytest.mark.parametrize(
    ("number", "before", "said"),
    [(112, 100, "12% more than before"), (88, 100, "12% fewer than before"), (5, 5, "as many as before"),
     (5, 0, "none before"), (1001, 1000, "about as many as before"), (0, 3, "100% fewer than before")],
)  # fmt: skip
def test_a_number_is_compared_with_the_one_before(app: Flask, number: int, before: int, said: str) -> None:
    assert charts.compared(number, before) == said


@pytest.mark.parametrize(
    ("seconds", "short", "long"),
    [(0, "under 1 min", "under 1 min"), (59, "under 1 min", "under 1 min"), (60, "1 min", "1 min"),
     (3540, "59 min", "59 min"), (3840, "1 h", "1 h 4 min"), (6840, "1.9 h", "1 h 54 min"),
     (86399, "23 h", "23 h 59 min"), (86400, "1 day", "1 day"), (112320, "1.3 days", "1.3 days"),
     (86400 * 12.9, "12 days", "12 days")],
)  # fmt: skip
def test_a_time_is_said_shortly_and_never_longer_than_it_was(app: Flask, seconds: int, short: str, long: str) -> None:
    assert (charts.span(int(seconds)), charts.length(int(seconds))) == (short, long)


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(0, 5, "0%"), (1, 500, "under 1%"), (999, 1000, "99%"), (7, 7, "100%"), (0, 0, "")]
)
def test_a_share_is_never_rounded_up(app: Flask, part: int, whole: int, said: str) -> None:
    assert charts.percent(part, whole) == said


@pytest.mark.parametrize("numbers", [[0], [1], [3, 5], [9, 17, 2], [101], [999, 1], [12_345]])
def test_an_axis_holds_its_numbers_and_is_divided_into_whole_ones(app: Flask, numbers: list[int]) -> None:
    drawn = charts.lines([numbers, numbers], [NOW.date() + timedelta(days=n) for n in range(len(numbers))])
    top = int(drawn.marks[-1].text.replace(",", ""))
    assert max(numbers) <= top <= max(4 * max(numbers), 2)
    assert drawn.marks[-1].at == "0" and drawn.marks[0].at == "222"
    assert all("." not in mark.text for mark in drawn.marks)
    assert (len(drawn.dots) == 2) == (len(numbers) == 1)


def test_each_period_that_has_a_name_ends_today_but_for_the_month_before(desk: Reader) -> None:
    found = {name: named(name, campus()) for name in NAMED}
    assert {name: (str(one.first), str(one.last)) for name, one in found.items()} == {
        "7d": ("2026-11-15", "2026-11-21"), "30d": ("2026-10-23", "2026-11-21"), "90d": ("2026-08-24", "2026-11-21"),
        "month": ("2026-11-01", "2026-11-21"), "last-month": ("2026-10-01", "2026-10-31"),
        "term": ("2026-09-01", "2026-11-21"),
    }  # fmt: skip
    start, end = found["7d"].before()
    assert (start, end) == (datetime(2026, 11, 8, tzinfo=UTC), NOW - timedelta(days=7))


def test_the_lists_say_in_words_what_they_are_narrowed_to(app: Flask, desk: Reader, agent: Person) -> None:
    filled(app, agent, 60)
    html = desk.reads(PATH).html
    cell = next(unescape(a) for a, _ in numbers(html) if "hour=" in a)
    page = desk.reads(cell)
    for words in ("Merged: no", "Reported at:", "Since:", "Before:"):
        assert page.says(words)
    # without its days there is no hour of the week either
    without = next(link for link in page.links if "created_before" in link and "created_after" not in link)
    assert "hour=" not in without
    desk.reads(without)
