"""The page of figures in a browser: read by everybody, worked by keyboard, and no wider than what shows it."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import insert, select

from models import Building, Category, Status, Team, Ticket, begin_write, db, now
from tests.browser.conftest import THEMES, WIDTHS, Visiting
from tests.factories import Person

PATH = "/staff/analytics"


@pytest.fixture
def busy(app: Flask, agent: Person) -> Person:
    """A desk with something in every chart, and one name as long as they may be."""
    dice, at = random.Random(3), now()
    begin_write()
    db.session.add_all([Building(slug=f"hall-{n}", name=f"Hall {n}") for n in range(8)])
    db.session.add(Category(slug="estates", name="Estates, grounds and everything else that has a very long name here"))
    db.session.flush()
    categories, teams, halls = (list(db.session.scalars(select(one.id))) for one in (Category, Team, Building))
    rows = []
    for n in range(300):
        created = at - timedelta(seconds=dice.randrange(28 * 86400))
        ended = n % 3 != 0
        rows.append(
            {
                "title": f"Problem {n}", "description": "It drips.", "reporter_id": agent.id,
                "status": Status.RESOLVED if ended else Status.OPEN, "category_id": dice.choice(categories),
                "team_id": dice.choice(teams), "building_id": dice.choice(halls),
                "assignee_id": dice.choice([None, agent.id]), "created_at": created,
                "first_response_at": created + timedelta(minutes=dice.randrange(900)),
                "resolved_at": min(created + timedelta(hours=dice.randrange(90)), at) if ended else None,
                "resolution_due_at": created + timedelta(days=3), "handoff_count": n % 5 == 0,
            }
        )  # fmt: skip
    db.session.execute(insert(Ticket), rows)
    db.session.commit()
    db.session.remove()
    return agent


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_everybody_can_read_the_figures(visits: Visiting, busy: Person, width: int, theme: str) -> None:
    visit = visits(busy, width=width, theme=theme)
    page = visit.page
    page.goto(PATH)
    expect(page.get_by_role("heading", level=1)).to_have_text("Analytics")
    for summary in page.locator("main details.data-alt > summary").all():
        summary.click()
    assert not visit.axe()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1920])
def test_the_page_is_never_wider_than_the_window(visits: Visiting, busy: Person, width: int) -> None:
    page = visits(busy, width=width).page
    page.goto(PATH)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_of_nothing_and_of_one_day_everybody_can_read_them_too(
    visits: Visiting, agent: Person, customer: Person, width: int
) -> None:
    visit = visits(agent, width=width)
    page = visit.page
    page.goto(PATH)
    expect(page.get_by_role("heading", name="Nothing was reported or resolved then")).to_be_visible()
    assert not visit.axe()
    customer.reports()
    today = now().date()
    page.goto(f"{PATH}?from={today}&to={today}")
    expect(page.get_by_role("heading", name="Created and resolved per day")).to_be_visible()
    assert not visit.axe()


def test_a_period_is_chosen_by_keyboard_and_a_number_opens_its_tickets(visits: Visiting, busy: Person) -> None:
    page = visits(busy).page
    page.goto(PATH)
    page.get_by_label("Period").focus()
    page.keyboard.type("Last 7")
    page.keyboard.press("Tab")
    page.keyboard.type("IT")
    page.get_by_role("button", name="Show", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/analytics?period=7d&team=it*")
    expect(page.get_by_label("Period")).to_have_value("7d")
    cell = page.locator(".heat td a").first
    number = cell.inner_text()
    cell.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/?*hour=*")
    expect(page.locator("#total")).to_contain_text(f"{number} ticket")


def test_own_dates_are_chosen_in_a_menu(visits: Visiting, busy: Person) -> None:
    page = visits(busy).page
    page.goto(PATH)
    page.get_by_text("Own dates").click()
    day = now().date() - timedelta(days=3)
    page.get_by_label("First day").fill(day.isoformat())
    page.get_by_label("Last day").fill(day.isoformat())
    page.get_by_role("button", name="Show these days").click()
    page.wait_for_url("**period=own*")
    expect(page.locator(".page-head .count")).to_have_text(f"{day.day} {day:%b %Y}")


@pytest.mark.parametrize("width", WIDTHS)
def test_everybody_can_read_whom_figures_are_mailed_to(
    visits: Visiting, admin: Person, agent: Person, width: int
) -> None:
    for one in (admin, agent):
        assert admin.post("/api/report-subscriptions", {"user_id": one.id, "every": "week"}).status_code == 201
    visit = visits(admin, width=width)
    visit.page.goto("/staff/reports")
    expect(visit.page.locator("#reports li")).to_have_count(2)
    assert not visit.axe()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    visit.page.get_by_role("button", name="Stop mailing Priya Nair").click()
    expect(visit.page.locator("#reports li")).to_have_count(1)
