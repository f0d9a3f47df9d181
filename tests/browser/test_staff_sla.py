"""Service levels and calendars in a browser: by keyboard, on a phone, without a finding of axe."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from models import Calendar, SlaPolicy, db
from tests.browser.conftest import THEMES, WIDTHS, Visiting
from tests.factories import Person, work

LIST, CALENDARS = "/staff/admin/sla", "/staff/admin/calendars"


def level(name: str) -> int:
    db.session.remove()
    return int(db.session.scalars(select(SlaPolicy.id).where(SlaPolicy.name == name)).one())


def test_a_service_level_is_made_tried_and_put_first_by_keyboard(
    visits: Visiting, admin: Person, agent: Person, customer: Person
) -> None:
    agent.sets(customer.reports(), status="resolved")
    page = visits(admin).page
    page.goto(LIST)
    page.get_by_role("link", name="New service level").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name").fill("Exams")
    page.get_by_label("First reply within", exact=True).fill("30")
    page.get_by_label("Unit of first reply within").select_option("minutes")
    page.get_by_label("Office hours").or_(page.get_by_label("Time counts")).first.select_option(label="Office hours")
    page.get_by_role("checkbox", name="Urgent").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Try it on the past").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What it would have made of the past")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Exams")
    expect(page.get_by_role("row", name=re.compile("Fixes, all"))).to_contain_text("1 of 1")
    page.get_by_label("Name").press("Enter")  # saves
    expect(page).to_have_url(re.compile(rf"{LIST}\?done=added$"))
    here = page.get_by_role("link", name="Exams", exact=True)
    expect(page.locator("tbody tr th a").first).to_have_text("Exams")  # before what would take all of its tickets
    expect(page.get_by_role("button", name="Move Exams up")).to_be_disabled()
    page.get_by_role("button", name="Move Exams down").focus()
    for place, button in ((1, "down"), (2, "down"), (1, "up"), (0, "down")):
        if (place, button) == (1, "up"):
            page.get_by_role("button", name="Move Exams up").focus()
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr th a").nth(place)).to_have_text("Exams")
        expect(page.get_by_role("button", name=f"Move Exams {button}")).to_be_focused()
    expect(here).to_be_visible()
    db.session.remove()
    assert db.session.scalars(select(SlaPolicy.name).order_by(SlaPolicy.position)).first() == "Exams"


def test_it_is_deleted_only_where_one_says_so(visits: Visiting, admin: Person) -> None:
    page = visits(admin).page
    page.goto(f"{LIST}/{level('Low')}")
    expect(page.get_by_role("button", name="Delete service level")).not_to_be_visible()
    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Delete service level").click()
    expect(page.locator("tbody tr th a")).to_have_text(["Urgent", "High", "Normal"])


def test_a_calendar_shows_when_it_would_open_before_it_is_saved(visits: Visiting, admin: Person) -> None:
    page = visits(admin, width=390).page
    page.goto(f"{CALENDARS}/new")
    page.get_by_label("Name").fill("Library")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_label("Saturday").fill("10-14")
    page.get_by_label("Sunday").fill("never")
    page.get_by_role("button", name="Show when it opens").click()
    expect(page.get_by_role("alert")).to_contain_text("Write hours as 08:00–12:00")
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_label("Sunday")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Show when it opens").click()
    expect(page.locator("#openings li")).to_have_count(7)
    expect(page.locator("#openings")).to_contain_text("10:00 – 14:00")
    page.get_by_role("button", name="Save calendar").last.click()
    expect(page.get_by_role("link", name="Library")).to_be_visible()


def test_from_a_ticket_one_learns_why_it_is_due_then(visits: Visiting, agent: Person, customer: Person) -> None:
    number = customer.reports()
    page = visits(agent).page
    page.goto(f"/staff/tickets/{number}")
    page.get_by_role("link", name="Why these due times").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Why #{number} is due then")
    expect(page.get_by_role("row", name=re.compile("^Target"))).to_contain_text("+ 5 days")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(
    visits: Visiting, admin: Person, agent: Person, customer: Person, width: int, theme: str
) -> None:
    number = customer.reports()
    agent.sets(number, status="waiting")
    agent.sets(number, status="open")
    calendar = db.session.scalars(select(Calendar.id)).one()
    normal = level("Normal")
    visit = visits(admin, width=width, theme=theme)
    page = visit.page
    assert admin.patch(f"/api/sla-policies/{normal}", {"calendar_id": calendar}).status_code == 200
    for path in (
        LIST, f"{LIST}/new", f"{LIST}/{normal}", CALENDARS, f"{CALENDARS}/new", f"{CALENDARS}/{calendar}",
        f"/staff/tickets/{number}/due",
    ):  # fmt: skip
        page.goto(path)
        assert not visit.axe(), path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    page.goto(f"{LIST}/{normal}")
    page.get_by_label("First reply within", exact=True).fill("soon")
    page.get_by_role("button", name="Try it on the past").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert not visit.axe()
    page.get_by_label("First reply within", exact=True).fill("2")
    page.get_by_role("button", name="Try it on the past").click()
    expect(page.locator("#tried")).to_be_visible()
    assert not visit.axe()
    work()
    page.goto(LIST)
    expect(page.get_by_text("unfinished tickets got other due dates")).to_be_visible()
    assert not visit.axe()
