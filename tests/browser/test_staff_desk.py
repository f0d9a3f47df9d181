"""The pages of administration in a browser: handing on where the team is chosen, who is away, and labels on paper."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from playwright.sync_api import expect

from models import Ticket, db
from tests.browser.conftest import THEMES, WIDTHS, Visiting
from tests.factories import Person
from tests.test_teams import gives_out, joins, team

WHY = "The access point hangs there."


@pytest.mark.parametrize(("script", "choice"), [(True, "IT"), (False, "IT"), (True, "No team")])
def test_who_takes_it_from_its_team_is_asked_why_there(
    visits: Visiting, agent: Person, customer: Person, script: bool, choice: str
) -> None:
    number = customer.reports()
    visit = visits(agent, java_script_enabled=script)
    page = visit.page
    page.goto(f"/staff/tickets/{number}")
    saves = page.get_by_role("button", name="Save properties").last
    reason = page.get_by_label("Why it leaves its team")
    expect(reason).to_be_hidden()
    page.get_by_label("Team", exact=True).select_option(choice)
    expect(reason).to_be_visible()
    if script:
        expect(reason).to_be_focused()
        assert not visit.axe()
    else:
        saves.click()
        expect(page.get_by_text("Say why it leaves its team").first).to_be_visible()
    expect(page.get_by_label("Team", exact=True).locator("option:checked")).to_have_text(choice)
    reason.fill(WHY)
    if script:
        reason.press("Enter")
    else:
        saves.click()
    expect(page.locator("#timeline")).to_contain_text(WHY)
    expect(reason).to_be_hidden()
    expect(page.get_by_text("There is a problem")).to_have_count(0)
    db.session.rollback()
    found = db.session.get_one(Ticket, number)
    assert (found.team_id, found.handoff_count) == (team("it") if choice == "IT" else None, 1)


def test_enter_in_a_line_saves_it_once(visits: Visiting, agent: Person, customer: Person) -> None:
    number = customer.reports()
    page = visits(agent).page
    page.goto(f"/staff/tickets/{number}")
    for label, field, text in (("Room", "room", "214"), ("Public title", "public_title", "A leak in the library")):
        page.get_by_label(label, exact=True).fill(text)
        page.get_by_label(label, exact=True).press("Enter")
        expect(page.locator("#timeline")).to_contain_text(text)
        expect(page.get_by_label(label, exact=True)).to_be_focused()
        assert agent.sees(number)[field] == text
    expect(page.locator("#saved")).to_have_text("Saved")
    page.get_by_label("Room", exact=True).press("Enter")
    expect(page.get_by_text("There is a problem")).to_have_count(0)
    assert agent.sees(number)["version"] == 3


def test_another_property_that_is_saved_meanwhile_leaves_the_chosen_team_where_it_is(
    visits: Visiting, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    page = visits(agent).page
    page.goto(f"/staff/tickets/{number}")
    page.get_by_label("Team", exact=True).select_option("IT")
    expect(page.get_by_label("Why it leaves its team")).to_be_visible()
    page.get_by_label("Priority", exact=True).select_option("High")
    expect(page.locator("#timeline")).to_contain_text("set priority to High")
    expect(page.get_by_label("Team", exact=True).locator("option:checked")).to_have_text("IT")
    page.get_by_label("Why it leaves its team").fill(WHY)
    page.get_by_label("Why it leaves its team").press("Tab")
    expect(page.locator("#timeline")).to_contain_text(WHY)
    db.session.rollback()
    assert db.session.get_one(Ticket, number).team_id == team("it")


def test_who_thinks_better_of_it_leaves_the_team_as_it_was(visits: Visiting, agent: Person, customer: Person) -> None:
    number = customer.reports()
    page = visits(agent).page
    page.goto(f"/staff/tickets/{number}")
    page.get_by_label("Team", exact=True).select_option("IT")
    expect(page.get_by_label("Why it leaves its team")).to_be_visible()
    page.get_by_label("Team", exact=True).select_option("Facilities")
    expect(page.get_by_label("Why it leaves its team")).to_be_hidden()
    db.session.rollback()
    assert db.session.get_one(Ticket, number).version == 1


def test_without_a_script_a_team_is_set_up_and_gives_out_what_is_new(
    visits: Visiting, admin: Person, agent: Person, customer: Person
) -> None:
    page = visits(admin, java_script_enabled=False).page
    page.goto("/staff/admin/teams")
    page.get_by_role("link", name="Facilities", exact=True).first.click()
    page.get_by_label("Person").select_option(label="Priya Nair")
    page.get_by_role("button", name="Add member").click()
    page.get_by_label("Give new tickets to a member at once").check()
    page.get_by_role("button", name="Save team").last.click()
    expect(page.get_by_text("New tickets go to the member who is there")).to_be_visible()
    assert admin.sees(customer.reports())["assignee"]["id"] == agent.id
    page.get_by_text("Change", exact=False).first.click()
    page.get_by_label("Away", exact=True).check()
    page.get_by_role("button", name="Save member").click()
    expect(page.get_by_text(re.compile("1 unfinished ticket · away"))).to_be_visible()
    assert admin.sees(customer.reports())["assignee"] is None


def test_labels_are_black_on_white_in_two_columns_of_paper_and_break_between_them(
    visits: Visiting, admin: Person
) -> None:
    hall = admin.post("/api/buildings", {"slug": "maple", "name": "Maple Hall"}).json["id"]
    visit = visits(admin, theme="dark")
    page = visit.page
    page.goto(f"/staff/admin/buildings/{hall}")
    page.get_by_label(re.compile("Rooms, one in a line")).fill("\n".join(str(100 + number) for number in range(10)))
    page.get_by_role("button", name="Show labels").click()
    assert not visit.axe()
    page.emulate_media(media="print")
    labels = page.locator(".labels > li")
    expect(labels).to_have_count(10)
    first, second, third = (labels.nth(number).bounding_box() for number in range(3))
    assert first and second and third
    assert first["y"] == second["y"] < third["y"]
    assert labels.first.evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(255, 255, 255)"
    assert labels.first.evaluate("one => getComputedStyle(one).breakInside") == "avoid"
    expect(page.get_by_role("link", name="Back to Maple Hall")).to_be_hidden()
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 2


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(
    visits: Visiting, app: Flask, admin: Person, agent: Person, customer: Person, width: int, theme: str
) -> None:
    joins(admin, admin, Person.made(app, "agent", name="Ben Okafor"), capacity=4)
    gives_out(admin)
    hall = admin.post("/api/buildings", {"slug": "maple", "name": "Maple Hall"}).json["id"]
    tag, _ = (admin.post("/api/tags", {"name": name}).json["id"] for name in ("hvac", "air"))
    customer.reports(building="maple", room="214")
    category = admin.get("/api/categories").json["items"][0]["id"]
    visit = visits(admin, width=width, theme=theme)
    page = visit.page
    for path in (
        "teams", f"teams/{team()}", "categories?archived=1", f"categories/{category}", "buildings", f"buildings/{hall}",
        f"buildings/{hall}/labels?room=214&whole=1", "tags", f"tags/{tag}",
    ):  # fmt: skip
        page.goto(f"/staff/admin/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert not visit.axe(), path
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, path
    page.goto("/staff/admin/teams")
    page.get_by_role("button", name="Add team").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()
    assert not visit.axe()
    page.goto(f"/staff/admin/teams/{team()}")
    page.locator("details.menu > summary").filter(has_text="Ben Okafor").click()
    assert not visit.axe()
