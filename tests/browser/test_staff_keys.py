"""The staff pages by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import THEMES, WIDTHS, Visiting
from tests.factories import Person


def at_queue(page: Page) -> None:
    page.goto("/staff/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_j_and_k_move_the_focus_and_enter_opens(visits: Visiting, agent: Person, customer: Person) -> None:
    numbers = [customer.reports(title=f"Lamp {number}") for number in range(3)]
    page = visits(agent).page
    at_queue(page)
    links = page.locator(".queue .c-title a")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(links.nth(2)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/staff/tickets/{numbers[1]}\b"))


def test_the_palette_opens_over_the_page_finds_goes_there_and_gives_the_focus_back(
    visits: Visiting, agent: Person, customer: Person
) -> None:
    number = customer.reports(title="The lift is stuck")
    visit = visits(agent)
    page = visit.page
    at_queue(page)
    page.keyboard.press("j")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search or jump to")
    expect(box).to_be_focused()
    expect(page.get_by_role("option", name=re.compile("^Unassigned"))).to_be_visible()
    assert not visit.axe()
    page.keyboard.press("Escape")
    expect(page.locator(".queue .c-title a").first).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("stuck")
    expect(page.get_by_role("option", name=re.compile("The lift is stuck"))).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name=re.compile("Search all"))).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/staff/tickets/{number}\b"))


def test_keys_do_nothing_while_one_types_and_nothing_once_they_are_switched_off(
    visits: Visiting, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    page = visits(agent).page
    page.goto(f"/staff/tickets/{number}")
    page.keyboard.press("c")
    text = page.get_by_label("Message", exact=True)
    expect(text).to_be_focused()
    expect(page.get_by_role("radio", name="Internal note")).to_be_checked()
    page.keyboard.type("nur unj?")
    expect(text).to_have_value("nur unj?")
    page.goto("/staff/keys")
    page.get_by_label("Use single keys as shortcuts").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("body")).to_have_attribute("data-keys", "off")
    page.keyboard.press("?")
    page.goto(f"/staff/tickets/{number}")
    page.keyboard.press("c")
    expect(text).not_to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search or jump to")).to_be_focused()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_in_what_the_keys_open(visits: Visiting, agent: Person, width: int, theme: str) -> None:
    visit = visits(agent, width=width, theme=theme)
    page = visit.page
    at_queue(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert not visit.axe()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    for path in ("/staff/keys", "/staff/find?q=desk"):
        page.goto(path)
        assert not visit.axe()


def test_a_task_is_done_with_one_key(visits: Visiting, agent: Person) -> None:
    for number in range(3):
        agent.post("/api/tasks", {"title": f"Valve {number}", "assignee_id": agent.id})
    page = visits(agent).page
    page.goto("/staff/tasks")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Valve 1")).to_be_focused()
    with page.expect_navigation():
        page.keyboard.press("x")
    expect(page.locator(".tasks .c-task a:focus")).to_have_count(1)
    done = {task["title"]: task["status"] for task in agent.get("/api/tasks").json["items"]}
    assert sorted(done.values()) == ["done", "todo", "todo"] and done["Valve 1"] == "done"
