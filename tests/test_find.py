"""Search or jump to, and the list of keys: as pages, and as what the script puts over a page."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.conftest import statements
from tests.factories import Person
from tests.pages import Page, Reader

PALETTE = {"HX-Request": "true"}


@pytest.fixture
def desk(app: Flask, agent: Person) -> Reader:
    return Reader(app, agent)


def found(desk: Reader, q: str) -> list[str]:
    return Page(desk.get("/staff/find", query_string={"q": q}, headers=PALETTE)).links


def test_a_ticket_is_found_by_its_number_and_by_words(desk: Reader, customer: Person) -> None:
    number = customer.reports(title="The lift is stuck")
    other = customer.reports(title="A lamp flickers")
    assert f"/staff/tickets/{number}" in found(desk, f"#{number}")
    assert found(desk, f"{number}")[0] == f"/staff/tickets/{number}"
    assert f"/staff/tickets/{number}" in found(desk, "stuck li")
    assert f"/staff/tickets/{other}" not in found(desk, "stuck li")
    page = desk.reads("/staff/find?q=stuck")
    assert page.says("1 result") and f"/staff/tickets/{number}" in page.links


def test_people_lead_to_what_they_reported_or_have_to_do(desk: Reader, customer: Person, agent: Person) -> None:
    number = customer.reports()
    (reports,) = [link for link in found(desk, customer.name.split()[0]) if "reporter=" in link]
    assert f"/staff/tickets/{number}" in " ".join(desk.reads(reports).links)
    assert any(f"assignee={agent.id}" in link for link in found(desk, agent.name.split()[-1]))


def test_pages_and_views_are_found_by_the_beginnings_of_their_words(desk: Reader) -> None:
    assert "/staff/tickets/new" in found(desk, "new ti")
    assert "/staff/?due=overdue" in found(desk, "over")
    assert "/staff/tickets/new" not in found(desk, "ticket ne xyz")
    assert "/staff/keys" in found(desk, "")


@pytest.mark.parametrize(
    "q", ["\x00", "%", "_", "'", '"', "\\", "#", "#99999999999999999999", "a" * 5000, "é ü", "is:"]
)
def test_any_text_is_a_search(desk: Reader, q: str) -> None:
    assert desk.get("/staff/find", query_string={"q": q}).status_code == 200


def test_nothing_found_is_said_with_a_way_on(desk: Reader) -> None:
    page = desk.reads("/staff/find?q=zzzz")
    assert page.says("Nothing here is called “zzzz”") and "/staff/?q=zzzz" in page.links


def test_the_palette_asks_little(desk: Reader, customer: Person) -> None:
    for _ in range(3):
        customer.reports()
    found(desk, "water")
    with statements() as seen:
        found(desk, "water")
    assert len(seen) <= 7


def test_keys_are_listed_and_can_be_switched_off(desk: Reader) -> None:
    page = desk.reads("/staff/keys")
    assert page.says("Assign to me") and 'data-keys="on"' in page.html
    form = page.form_to("/staff/keys")
    page = desk.is_led(desk.sends(form, has_shortcuts=None))
    assert 'data-keys="off"' in page.html and 'data-keys="off"' in desk.reads("/staff/").html
    page = desk.is_led(desk.sends(page.form_to("/staff/keys"), has_shortcuts="on"))
    assert 'data-keys="on"' in page.html


def test_programs_switch_them_too(agent: Person) -> None:
    assert agent.get("/api/users/me").json["has_shortcuts"] is True
    assert agent.patch("/api/users/me", {"has_shortcuts": False}).json["has_shortcuts"] is False
