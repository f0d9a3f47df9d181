"""The queue, with its script: it stays up to date without moving anything, and a desk works through it by keyboard."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from models import Ticket, db
from tests.browser.conftest import THEMES, WIDTHS, Visiting, asks_again
from tests.factories import PASSWORD, Person

ROWS = "part=rows"


def at_queue(page: Page, query: str = "") -> None:
    page.goto(f"/staff/{query}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def tickets() -> list[Ticket]:
    db.session.rollback()
    return list(db.session.scalars(select(Ticket).order_by(Ticket.id)))


def test_ten_tickets_are_triaged_by_keyboard_alone(visits: Visiting, agent: Person, customer: Person) -> None:
    for number in range(10):
        customer.reports(title=f"Lamp {number} flickers")
    page = visits(agent).page
    at_queue(page, "?sort=created_at")
    for _ in range(8):
        page.keyboard.press("j")
        with page.expect_navigation():
            page.keyboard.press("i")
        expect(page.locator(".queue .c-title a:focus")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/staff/tickets/\d+\?list="))
    page.keyboard.press("i")
    expect(page.locator("#timeline")).to_contain_text("took it on")
    page.keyboard.press("r")
    page.keyboard.type("A new bulb is there tomorrow.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Reply sent")).to_be_visible()
    page.keyboard.press("e")
    expect(page.locator("#badges")).to_contain_text("Resolved")
    page.keyboard.press("u")
    expect(page.locator(".queue .c-title a")).to_have_count(9)
    page.keyboard.press("j")
    for _ in range(8):
        page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("e")
    expect(page.get_by_text("1 ticket changed")).to_be_visible()
    statuses = sorted(ticket.status for ticket in tickets())
    assert statuses.count("resolved") == 2
    assert sum(ticket.assignee_id == agent.id for ticket in tickets()) == 9


def test_many_are_changed_at_once_and_put_back(visits: Visiting, agent: Person, customer: Person) -> None:
    for number in range(4):
        customer.reports(title=f"Door {number}")
    visit = visits(agent)
    page = visit.page
    at_queue(page, "?sort=created_at")
    boxes = page.locator("[name=ids]")
    boxes.nth(0).check()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(page.locator("#many")).to_be_visible()
    assert not visit.axe()
    page.get_by_label("Set priority").select_option("Urgent")
    page.get_by_role("button", name="Apply").last.click()
    expect(page.get_by_role("status").filter(has_text="3 tickets changed")).to_be_visible()
    assert [ticket.priority for ticket in tickets()] == ["urgent"] * 3 + ["normal"]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("3 tickets put back as they were")).to_be_visible()
    assert {ticket.priority for ticket in tickets()} == {"normal"}


def test_the_list_changes_where_it_is_and_says_when_its_order_did(
    visits: Visiting, agent: Person, admin: Person, customer: Person
) -> None:
    first, second = customer.reports(title="The first"), customer.reports(title="The second")
    page = visits(agent).page
    page.clock.install()
    at_queue(page, "?sort=created_at")
    page.keyboard.press("j")
    admin.sets(second, status="in_progress")
    asks_again(page, ROWS)
    row = page.locator(f"tr[data-id='{second}']")
    expect(row).to_contain_text("In progress")
    expect(page.get_by_role("link", name=re.compile("The first"))).to_be_focused()
    third = customer.reports(title="The third")
    asks_again(page, ROWS)
    expect(page.get_by_text("The list has changed.").first).to_be_visible()
    expect(page.locator(f"tr[data-id='{third}']")).to_have_count(0)
    expect(page.locator(".sidebar [data-count=unassigned]")).to_contain_text("3")
    page.get_by_role("button", name="Show it as it is now").click()
    expect(page.locator(f"tr[data-id='{third}']")).to_be_visible()
    assert first != third


def test_a_quiet_list_is_asked_for_by_its_name_and_answers_nothing(
    visits: Visiting, agent: Person, customer: Person
) -> None:
    customer.reports()
    page = visits(agent).page
    page.clock.install()
    at_queue(page)
    assert asks_again(page, ROWS).status == 200
    assert asks_again(page, ROWS).status == 304


def test_a_search_is_completed_word_by_word(visits: Visiting, agent: Person, customer: Person) -> None:
    customer.reports(title="The first")
    visit = visits(agent)
    page = visit.page
    at_queue(page)
    page.keyboard.press("/")
    box = page.get_by_label("Search tickets")
    expect(box).to_be_focused()
    page.keyboard.type("first sta")
    expect(page.get_by_role("option", name=re.compile("status"))).to_be_visible()
    assert not visit.axe()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("first status:")
    expect(page.get_by_role("option", name=re.compile("open"))).to_be_visible()
    page.keyboard.type("op")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(box).to_have_value("first status:open ")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=first"))
    expect(page.get_by_role("link", name=re.compile("The first"))).to_be_visible()


def test_without_a_script_the_desk_logs_in_filters_replies_resolves_changes_many_and_merges(
    visits: Visiting, agent: Person, customer: Person, app: Flask
) -> None:
    one, two, three = (customer.reports(title=f"Window {number}") for number in range(3))
    page = visits(java_script_enabled=False).page
    page.goto("/staff/")
    page.get_by_label("Username or email").fill(agent.username or "")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    if page.url.endswith("/staff/login"):
        pytest.fail("not logged in")
    page.get_by_label("Search tickets").fill("window")
    page.get_by_label("Search tickets").press("Enter")
    page.get_by_role("link", name=re.compile("Window 0")).click()
    page.get_by_label("Message", exact=True).fill("Tomorrow.")
    page.get_by_label("then set").select_option("Resolved")
    page.get_by_role("button", name=re.compile("^Send")).click()
    expect(page.locator("#timeline")).to_contain_text("Tomorrow.")
    page.goto("/staff/")
    for number in (two, three):
        page.locator(f"tr[data-id='{number}'] [name=ids]").check()
    page.get_by_label("Set priority").select_option("High")
    page.get_by_role("button", name="Apply").last.click()
    expect(page.get_by_text("2 tickets changed")).to_be_visible()
    for number in (two, three):
        page.locator(f"tr[data-id='{number}'] [name=ids]").check()
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name=re.compile("^Merge into")).click()
    expect(page.get_by_text(re.compile("merged into this ticket"))).to_be_visible()
    found = {ticket.id: ticket for ticket in tickets()}
    assert found[one].status == "resolved" and {found[two].priority, found[three].priority} == {"high"}
    assert sum(ticket.merged_into_id is not None for ticket in found.values()) == 1


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(visits: Visiting, agent: Person, customer: Person, width: int, theme: str) -> None:
    visit = visits(agent, width=width, theme=theme)
    page = visit.page
    at_queue(page)  # empty
    assert not visit.axe()
    customer.reports()
    agent.post("/api/views", {"name": "Mine", "filters": {"assignee": "me"}})
    at_queue(page)
    assert not visit.axe()
    for path in ("?view=999", "?q=nothing+here", "?status=nope", "views/new", "tickets/new"):
        at_queue(page, path)
        assert not visit.axe(), path
