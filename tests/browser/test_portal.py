"""Around the portal's views: home, moving about, and what is shown instead of a view."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import THEMES, WIDTHS, Visiting
from tests.factories import PASSWORD, Person


def test_home_shows_what_is_mine_and_open_those_that_wait_for_me_first(
    visits: Visiting, customer: Person, agent: Person
) -> None:
    waiting, open_one, closed = (customer.reports(title=title) for title in ("The door", "The lamp", "The tap"))
    agent.sets(waiting, status="waiting")
    agent.sets(closed, status="closed")
    customer.writes(open_one)
    page = visits(customer).page
    page.goto("/")
    rows = page.get_by_role("region", name="Your open tickets").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text(re.compile("The door.*Waiting for you"))
    expect(rows.nth(1)).to_contain_text("The lamp")


def test_joining_a_known_problem_shows_the_new_count_after_the_answer_and_can_be_undone(
    visits: Visiting, customer: Person, other: Person, agent: Person
) -> None:
    number = other.reports(title="Lift out of order", category="facilities-lifts")
    agent.joins(number)
    page = visits(customer).page
    page.goto("/")
    known = page.get_by_role("region", name="Known problems on campus")
    expect(known).to_contain_text("2 people affected")
    held: list[Route] = []
    page.route("**/affected/me", lambda route: held.append(route))
    with page.expect_request("**/affected/me"):
        known.get_by_role("button", name="Affects me too").click()
    expect(known.get_by_role("button", name="Affects me too")).to_have_attribute("aria-busy", "true")
    expect(known).to_contain_text("2 people affected")
    held.pop().continue_()
    expect(known).to_contain_text("3 people affected")
    expect(known.get_by_role("button", name="Affects me too")).to_have_attribute("aria-pressed", "true")
    assert other.sees(number)["affected_count"] == 3
    page.unroute("**/affected/me")
    known.get_by_role("button", name="Affects me too").click()
    expect(known).to_contain_text("2 people affected")
    assert other.sees(number)["affected_count"] == 2
    other.joins(number)


def test_somebody_without_an_account_is_shown_how_to_begin(visits: Visiting) -> None:
    page = visits().page
    page.goto("/")
    expect(page.get_by_role("heading", name="What needs fixing?")).to_be_visible()
    expect(page.get_by_role("region", name="Follow what you report")).to_be_visible()
    page.get_by_role("link", name="My tickets").click()
    expect(page).to_have_url(re.compile(r"/login\?next=%2Ftickets$"))


def test_logging_in_leads_where_one_wanted_to_go_and_never_to_another_site(visits: Visiting, customer: Person) -> None:
    for wanted, there in (("/report?room=214", "/report?room=214"), ("//evil.test/", "/"), ("https://evil.test", "/")):
        page = visits().page
        page.goto(f"/login?next={wanted.replace('?', '%3F')}")
        page.get_by_label("Username or email").fill(customer.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(re.escape(there) + "$"))
        expect(page.get_by_role("link", name=f"Account, {customer.name}")).to_be_visible()


def test_moving_on_changes_the_title_and_takes_the_focus_along(visits: Visiting, customer: Person) -> None:
    page = visits(customer).page
    page.goto("/")
    expect(page).to_have_title("Home · Campus Helpdesk")
    page.get_by_role("link", name="Report an issue").click()
    expect(page).to_have_title("Report an issue · Campus Helpdesk")
    expect(page.get_by_role("heading", name="Report an issue")).to_be_focused()
    expect(page.get_by_role("link", name="Report an issue")).to_have_attribute("aria-current", "page")
    page.go_back()
    expect(page.get_by_role("heading", name="What needs fixing?")).to_be_focused()


@pytest.mark.parametrize(
    ("answer", "heading"),
    [
        ({"status": 500, "body": "{}"}, "Something broke on our side"),
        ({"status": 503, "body": "{}", "headers": {"Retry-After": "5"}}, "Something broke on our side"),
        ({"status": 429, "body": "{}", "headers": {"Retry-After": "5"}}, "A moment, please"),
        (None, "No connection"),
    ],
)
def test_a_view_that_cannot_be_loaded_says_why_and_can_be_tried_again(
    visits: Visiting, customer: Person, answer: dict[str, Any] | None, heading: str
) -> None:
    visit = visits(customer)
    page = visit.page
    page.goto("/report")

    def fails(route: Route) -> None:
        if answer is None:
            route.abort("internetdisconnected")
        else:
            route.fulfill(content_type="application/problem+json", **answer)

    page.route("**/api/tickets*", fails)
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    assert not visit.axe()
    page.unroute("**/api/tickets*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="What needs fixing?")).to_be_visible()


def test_a_view_that_was_never_loaded_says_that_there_is_no_network_and_opens_once_there_is(
    visits: Visiting, customer: Person
) -> None:
    visit = visits(customer)
    page = visit.page
    page.goto("/report")
    expect(page.get_by_role("heading", name="Report an issue")).to_be_visible()
    visit.context.set_offline(True)
    page.get_by_role("link", name="My tickets").first.click()
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    visit.context.set_offline(False)
    expect(page.get_by_role("heading", name="My tickets")).to_be_visible()


def test_tab_leads_from_the_name_to_the_password(visits: Visiting) -> None:
    page = visits().page
    page.goto("/login")
    page.get_by_label("Username or email").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()


def test_a_bug_in_a_view_lets_the_person_go_on(visits: Visiting, customer: Person) -> None:
    visit = visits(customer)
    page = visit.page
    page.route("**/api/tickets/known*", lambda route: route.fulfill(json={"items": [{"id": 1}], "next_cursor": None}))
    page.goto("/")
    expect(page.get_by_role("heading", name="Something broke on this page")).to_be_visible()
    page.unroute("**/api/tickets/known*")
    page.get_by_role("button", name="Load again").click()
    expect(page.get_by_role("heading", name="What needs fixing?")).to_be_visible()
    assert visit.complaints  # it is not hidden from whoever looks for it
    visit.complaints.clear()


def test_a_part_that_is_not_there_after_an_update_is_loaded_with_the_page(visits: Visiting, customer: Person) -> None:
    visit = visits(customer)
    page = visit.page
    page.goto("/")
    page.route("**/assets/Report-*.js", lambda route: route.fulfill(status=404, body=""))
    page.get_by_role("link", name="Report an issue").click()
    expect(page.get_by_role("heading", name="There is a new version")).to_be_visible()
    page.unroute("**/assets/Report-*.js")
    page.get_by_role("button", name="Load again").click()
    expect(page.get_by_role("heading", name="Report an issue")).to_be_visible()
    visit.complaints.clear()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_not_there_is_said_and_axe_finds_nothing_in_it(
    visits: Visiting, customer: Person, width: int, theme: str
) -> None:
    visit = visits(customer, width=width, theme=theme)
    visit.page.goto("/tickets/999999")
    expect(visit.page.get_by_role("heading", name="This room does not exist")).to_be_visible()
    assert not visit.axe()
    visit.page.get_by_role("link", name="Go to home").click()
    expect(visit.page.get_by_role("heading", name="What needs fixing?")).to_be_visible()
