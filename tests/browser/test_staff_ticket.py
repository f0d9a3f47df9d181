"""The ticket page of the staff, with its script: what is chosen is saved, what is new appears, nothing typed is lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from models import Audience, Comment, Ticket, db
from tests.browser.conftest import THEMES, WIDTHS, Visiting, asks_again
from tests.browser.test_portal_report import a_photo
from tests.factories import Person, made_ready


def opens(page: Page, number: int) -> None:
    page.goto(f"/staff/tickets/{number}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def ticket_of(number: int) -> Ticket:
    db.session.rollback()
    return db.session.get_one(Ticket, number)


def said(number: int) -> list[Comment]:
    db.session.rollback()
    return list(db.session.scalars(select(Comment).where(Comment.ticket_id == number).order_by(Comment.id)))


def test_a_property_is_saved_when_it_is_chosen_and_what_is_being_written_stays(
    visits: Visiting, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    visit = visits(agent)
    page = visit.page
    opens(page, number)
    text = page.get_by_label("Message", exact=True)
    text.fill("Half a sentence")
    page.get_by_label("Priority").select_option("High")
    expect(page.locator("#timeline")).to_contain_text("set priority to High")
    expect(text).to_have_value("Half a sentence")
    page.get_by_label("Status").select_option("In progress")
    expect(page.locator("#badges")).to_contain_text("In progress")
    found = ticket_of(number)
    assert (found.priority, found.status) == ("high", "in_progress")
    assert page.url.endswith(str(number)) and not visit.axe()


def test_of_two_agents_the_second_sees_what_changed_and_keeps_what_they_typed(
    visits: Visiting, agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    first, second = visits(agent).page, visits(admin).page
    for page in (first, second):
        opens(page, number)
    second.get_by_label("Message", exact=True).fill("I look into it.")
    first.get_by_label("Priority").select_option("Urgent")
    expect(first.locator("#timeline")).to_contain_text("Urgent")
    second.get_by_label("Room").fill("2.14")
    second.get_by_label("Room").press("Tab")  # what nobody else touched is saved
    expect(second.locator("#timeline")).to_contain_text("set the room to 2.14")
    expect(second.get_by_label("Priority")).to_have_value("urgent")
    first.get_by_label("Status").select_option("In progress")
    expect(first.locator("#badges")).to_contain_text("In progress")
    second.get_by_label("Status").select_option("Waiting")
    expect(second.get_by_role("alert")).to_contain_text("Somebody changed this ticket")
    expect(second.get_by_label("Status")).to_have_value("waiting")
    expect(second.get_by_label("Message", exact=True)).to_have_value("I look into it.")
    assert ticket_of(number).status == "in_progress"
    second.get_by_role("button", name="Save properties").last.click()
    expect(second.locator("#badges")).to_contain_text("Waiting")
    found = ticket_of(number)
    assert (found.priority, found.status, found.room) == ("urgent", "waiting", "2.14")


def test_what_is_typed_while_a_property_is_saved_stays_and_what_was_only_ticked_waits(
    visits: Visiting, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    page = visits(agent).page
    opens(page, number)
    page.get_by_label("Confidential").check()
    held: list[Route] = []
    page.route(re.compile(r"/staff/tickets/\d+$"), lambda route: held.append(route), times=1)
    with page.expect_request(re.compile(r"/staff/tickets/\d+$")):
        page.get_by_label("Priority").select_option("High")
    room = page.get_by_label("Room")
    room.fill("Cellar")
    held[0].continue_()
    expect(page.locator("#timeline")).to_contain_text("set priority to High")
    expect(room).to_have_value("Cellar")
    expect(page.get_by_label("Confidential")).to_be_checked()
    room.press("Tab")
    expect(page.locator("#timeline")).to_contain_text("Cellar")
    found = ticket_of(number)
    assert (found.priority, found.room, found.is_confidential) == ("high", "Cellar", False)


def test_without_a_network_a_property_stays_chosen_and_the_page_stays(
    visits: Visiting, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    visit = visits(agent)
    page = visit.page
    opens(page, number)
    page.get_by_label("Message", exact=True).fill("Half a sentence")
    visit.context.set_offline(True)
    page.get_by_label("Priority").select_option("High")
    expect(page.locator("#saved")).to_contain_text("Not saved")
    expect(page.get_by_label("Message", exact=True)).to_have_value("Half a sentence")
    visit.context.set_offline(False)
    page.get_by_role("button", name="Save properties").last.click()
    expect(page.locator("#timeline")).to_contain_text("set priority to High")


def test_nothing_that_was_sent_comes_back_into_the_box(visits: Visiting, agent: Person, customer: Person) -> None:
    number = customer.reports()
    page = visits(agent).page
    opens(page, number)
    page.keyboard.press("r")
    page.keyboard.type("We come tomorrow.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Reply sent")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Message", exact=True)).to_have_value("")


def test_enter_presses_the_button_beside_a_field(visits: Visiting, agent: Person, customer: Person) -> None:
    number = customer.reports()
    page = visits(agent).page
    opens(page, number)
    page.get_by_label("New task").fill("Call the plumber tomorrow")
    page.get_by_label("New task").press("Enter")
    expect(page.locator("#tasks")).to_contain_text("Call the plumber")
    assert len(agent.get(f"/api/tasks?ticket_id={number}").json["items"]) == 1


def test_nobody_answers_over_a_colleague_without_having_seen_it(
    visits: Visiting, agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    page = visits(agent).page
    opens(page, number)
    admin.writes(number, "It is fixed.", audience="reporter")
    page.get_by_label("Message", exact=True).fill("We look into it.")
    page.get_by_role("button", name=re.compile("^Send")).click()
    expect(page.get_by_role("alert")).to_contain_text("wrote a message")
    expect(page.get_by_label("Message", exact=True)).to_have_value("We look into it.")
    assert len(said(number)) == 1
    page.get_by_role("button", name=re.compile("^Send")).click()
    expect(page.get_by_text("Reply sent")).to_be_visible()
    assert len(said(number)) == 2


def test_who_else_looks_or_writes_is_shown_and_what_they_say_appears_without_moving_anything(
    visits: Visiting, agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports(description="\n\n".join(f"Paragraph {n}" for n in range(60)))
    first, second = visits(agent).page, visits(admin).page
    first.clock.install()
    opens(first, number)
    opens(second, number)
    expect(second.locator("#presence")).to_contain_text(f"{agent.name} is looking at this")
    asks_again(first, "/news")
    expect(first.locator("#presence")).to_contain_text(f"{admin.name} is looking at this")
    agent_text = first.get_by_label("Message", exact=True)
    agent_text.fill("Not yet")
    top = first.get_by_text("Paragraph 30").bounding_box()
    admin.writes(number, "It is the valve.", audience="internal")
    asks_again(first, "/news")
    expect(first.locator("#timeline")).to_contain_text("It is the valve.")
    expect(first.locator("#announcer")).to_have_text("1 new message")
    expect(agent_text).to_have_value("Not yet")
    assert first.get_by_text("Paragraph 30").bounding_box() == top


def test_what_is_written_is_there_on_the_next_device_until_it_is_sent(
    visits: Visiting, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    page = visits(agent).page
    opens(page, number)
    page.keyboard.press("c")
    page.keyboard.type("Ask the plumber")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    elsewhere = visits(agent).page
    opens(elsewhere, number)
    expect(elsewhere.get_by_label("Message", exact=True)).to_have_value("Ask the plumber")
    expect(elsewhere.get_by_role("radio", name="Internal note")).to_be_checked()
    elsewhere.get_by_label("Message", exact=True).press("Control+Enter")
    expect(elsewhere.locator("#timeline")).to_contain_text("Ask the plumber")
    (note,) = said(number)
    assert note.audience == Audience.INTERNAL
    page.reload()
    expect(page.get_by_label("Message", exact=True)).to_have_value("")


def test_a_reply_can_be_taken_back_for_ten_seconds(visits: Visiting, agent: Person, customer: Person) -> None:
    number = customer.reports()
    page = visits(agent).page
    opens(page, number)
    page.keyboard.press("r")
    page.keyboard.type("We come tomorow.")
    page.get_by_label("then set").select_option("Waiting")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status").filter(has_text="Reply sent")).to_be_visible()
    assert ticket_of(number).status == "waiting"
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Message", exact=True)).to_have_value("We come tomorow.")
    assert ticket_of(number).status == "open" and not said(number)
    assert "tomorow" not in customer.get(f"/api/tickets/{number}/timeline").get_data(as_text=True)


def test_the_reporter_never_gets_a_note_nor_its_photo(visits: Visiting, agent: Person, customer: Person) -> None:
    number = customer.reports()
    page = visits(agent).page
    opens(page, number)
    page.keyboard.press("c")
    page.keyboard.type("Canary: the key is under the mat")
    page.locator("#composer input[type=file]").set_input_files([a_photo()])  # type: ignore[list-item]
    page.keyboard.press("Control+Enter")
    expect(page.locator("#timeline .note")).to_contain_text("Canary")
    (photo,) = agent.get(f"/api/tickets/{number}/images").json["items"]
    made_ready(photo["id"])
    assert agent.get(f"/api/images/{photo['id']}").status_code == 200
    for path in ("", "/timeline", "/images", "/comments", "/events"):
        assert "Canary" not in customer.get(f"/api/tickets/{number}{path}").get_data(as_text=True)
    assert customer.get(f"/api/images/{photo['id']}").status_code == 404
    portal = visits(customer).page
    portal.goto(f"/tickets/{number}")
    expect(portal.get_by_role("heading", name="Conversation")).to_be_visible()
    expect(portal.get_by_text("Canary")).to_have_count(0)
    expect(portal.locator("main img")).to_have_count(0)


def test_a_merge_and_its_undoing(visits: Visiting, agent: Person, customer: Person, other: Person) -> None:
    into, number = customer.reports(title="Lift stuck"), other.reports(title="Lift does not come")
    page = visits(agent).page
    opens(page, number)
    page.locator("#actions summary").click()
    page.get_by_role("link", name=re.compile("Merge into")).click()
    page.get_by_label("its number").fill(f"#{into}")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(f"1 person joins #{into}")).to_be_visible()
    page.get_by_role("button", name=f"Merge into #{into}").click()
    expect(page.get_by_text(re.compile("merged into this ticket"))).to_be_visible()
    assert other.sees(number)["status"] == "closed" and other.sees(into)["id"] == into
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(re.compile("merged into this ticket"))).to_have_count(0)
    assert other.sees(number)["status"] == "open"
    assert other.get(f"/api/tickets/{into}").status_code == 404


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(
    visits: Visiting, agent: Person, admin: Person, customer: Person, other: Person, width: int, theme: str
) -> None:
    number = customer.reports()
    other.joins(number)
    agent.writes(number, "A note", audience="internal")
    agent.writes(number, "A reply", audience="affected")
    comment = customer.writes(number, "And the **lamp** too")
    agent.post("/api/tasks", {"title": "Order a valve", "ticket_id": number})
    visit = visits(agent, width=width, theme=theme)
    page = visit.page
    opens(page, number)
    assert not visit.axe()
    page.locator("#actions summary").click()
    assert not visit.axe()
    for path in (
        f"/staff/comments/{comment}/split", f"/staff/merge?ids={number}", "/staff/tasks", "/staff/replies",
        f"/staff/tickets/{number}/print",
    ):  # fmt: skip
        page.goto(path)
        assert not visit.axe(), path
