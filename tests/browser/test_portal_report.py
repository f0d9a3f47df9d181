"""Reporting in the portal: under a minute, and without losing a word."""

from __future__ import annotations

import io
import re
import time

import pytest
from flask import Flask
from PIL import Image as Pillow
from playwright.sync_api import Page, Route, expect
from sqlalchemy import func, select

from helpdesk import mail
from models import Image, Session, Ticket, db
from tests.browser.conftest import THEMES, WIDTHS, Visiting
from tests.factories import PASSWORD, Person

LEAK = "Water dripping from the ceiling"


def a_photo(width: int = 640, height: int = 480) -> dict[str, object]:
    """A file as the browser's file chooser gives it."""
    with io.BytesIO() as file:
        Pillow.effect_noise((width, height), 40).convert("RGB").save(file, "JPEG", quality=80)
        return {"name": "ceiling.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def fills_in(page: Page, title: str = LEAK) -> None:
    page.get_by_label("What is the problem?").fill(title)
    page.get_by_label("Facilities").check()
    page.get_by_label("Details").fill("Started this morning.")


def reported() -> list[Ticket]:
    db.session.rollback()
    return list(db.session.scalars(select(Ticket).order_by(Ticket.id)))


def ends_sessions_of(person: Person) -> None:
    for session in db.session.scalars(select(Session).where(Session.user_id == person.id)):
        db.session.delete(session)
    db.session.commit()


def in_time(what: object, *, seconds: float = 10) -> None:
    """Wait until a condition of the database holds."""
    deadline = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_report_needs_a_title_and_a_kind_and_leads_to_its_ticket(visits: Visiting, customer: Person) -> None:
    page = visits(customer, width=390).page
    page.goto("/")
    page.get_by_label("Describe the problem").fill(LEAK)
    page.get_by_role("button", name="Report it").click()
    expect(page.get_by_label("What is the problem?")).to_have_value(LEAK)
    page.get_by_label("Facilities").check()
    page.get_by_label("What kind?").select_option("Water and leaks")
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    (ticket,) = reported()
    assert (ticket.title, ticket.description, ticket.reporter_id) == (LEAK, LEAK, customer.id)


def test_what_is_wrong_is_said_beside_the_field_and_above_and_nothing_is_lost(
    visits: Visiting, customer: Person
) -> None:
    visit = visits(customer)
    page = visit.page
    page.goto("/report")
    page.get_by_label("Details").fill("It got worse overnight.")
    page.get_by_role("button", name="Send report").click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("There are 2 problems with your report")
    expect(summary).to_be_focused()
    expect(page).to_have_title(re.compile("^Problem: Report an issue"))
    expect(page.get_by_label("What is the problem?")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#title-e")).to_have_text("Say what the problem is")
    expect(page.locator("#category-e")).to_have_text("Choose what it is about")
    expect(page.get_by_label("Details")).to_have_value("It got worse overnight.")
    assert not visit.axe()
    summary.get_by_text("Say what the problem is").click()
    expect(page.get_by_label("What is the problem?")).to_be_focused()
    assert not reported()
    fills_in(page)
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    assert len(reported()) == 1


def test_a_label_on_a_room_opens_the_form_filled_in(visits: Visiting, admin: Person, customer: Person) -> None:
    admin.post("/api/buildings", {"slug": "maple-hall", "name": "Maple Hall"})
    page = visits(customer).page
    page.goto("/report?building=maple-hall&room=214&category=facilities-leaks")
    expect(page.get_by_label("Building")).to_have_value("maple-hall")
    expect(page.get_by_label("Room or place")).to_have_value("214")
    expect(page.get_by_label("What kind?")).to_have_value("facilities-leaks")
    expect(page.get_by_label("Facilities")).to_be_checked()


def test_similar_tickets_are_shown_while_typing_and_can_be_joined(
    visits: Visiting, other: Person, customer: Person
) -> None:
    number = other.reports(title="Water is dripping from the ceiling", category="facilities-leaks")
    page = visits(customer).page
    page.goto("/report")
    page.get_by_label("What is the problem?").press_sequentially(LEAK, delay=20)
    found = page.get_by_role("region", name="1 person is affected by something like this")
    expect(found).to_be_visible()
    said = page.get_by_role("main").get_by_role("status")
    expect(said.filter(has_text="1 person is affected by something like this")).to_have_count(1)
    expect(said.locator("time")).to_have_count(0)  # it changes each minute
    expect(page.get_by_label("What is the problem?")).to_be_focused()
    found.get_by_role("button", name="Affects me too").click()
    expect(page).to_have_url(re.compile(rf"/tickets/{number}$"))
    assert other.sees(number)["affected_count"] == 2
    assert len(reported()) == 1


def test_photos_are_small_uploaded_while_typing_removable_and_arrive_with_the_report(
    visits: Visiting, customer: Person
) -> None:
    visit = visits(customer, width=390)
    page = visit.page
    page.goto("/report")
    chooser = page.locator("input[type=file]")
    chooser.set_input_files([a_photo(4000, 1000), a_photo()])  # type: ignore[list-item]
    expect(page.get_by_alt_text("Photo 2")).to_be_visible()
    in_time(lambda: db.session.rollback() or db.session.scalar(select(func.count()).select_from(Image)) == 2)
    assert not visit.axe()
    assert {image.width for image in db.session.scalars(select(Image))} == {2048, 640}
    page.get_by_role("button", name="Remove photo 1").click()
    expect(page.get_by_alt_text("Photo 2")).to_have_count(0)
    fills_in(page)
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    (ticket,) = reported()
    photos = customer.get(f"/api/tickets/{ticket.id}/images").json["items"]
    assert [photo["width"] for photo in photos] == [640]


def test_what_is_no_photo_is_refused_in_words(visits: Visiting, customer: Person) -> None:
    page = visits(customer).page
    page.goto("/report")
    film = {"name": "holiday.mov", "mimeType": "video/quicktime", "buffer": b"not a film either"}
    page.locator("input[type=file]").set_input_files([film, a_photo()])  # type: ignore[list-item]
    expect(page.get_by_text("holiday.mov is not a photo")).to_be_visible()
    expect(page.get_by_alt_text("Photo 1: ceiling.jpg")).to_be_visible()


def test_a_draft_survives_a_reload_with_its_photos(visits: Visiting, customer: Person) -> None:
    page = visits(customer).page
    page.goto("/report")
    fills_in(page)
    page.locator("input[type=file]").set_input_files([a_photo()])  # type: ignore[list-item]
    expect(page.get_by_text("Draft saved on this device")).to_be_visible()
    expect(page.locator("progress")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("What is the problem?")).to_have_value(LEAK)
    expect(page.get_by_label("Details")).to_have_value("Started this morning.")
    expect(page.get_by_alt_text("Photo 1")).to_be_visible()
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    assert reported()[0].image_count == 1
    page.goto("/report")
    expect(page.get_by_label("What is the problem?")).to_have_value("")


def test_a_draft_is_nobody_elses(visits: Visiting, customer: Person, other: Person) -> None:
    visit = visits(customer)
    visit.page.goto("/report")
    fills_in(visit.page)
    expect(visit.page.get_by_text("Draft saved on this device")).to_be_visible()
    visit.signs_in(other)
    visit.page.goto("/report")
    expect(visit.page.get_by_label("What is the problem?")).to_have_value("")
    visit.signs_in(customer)
    visit.page.goto("/report")
    expect(visit.page.get_by_label("What is the problem?")).to_have_value(LEAK)


@pytest.mark.parametrize("status", [201, 202], ids=["member", "guest"])
def test_a_report_arrives_once_however_often_it_is_sent(visits: Visiting, customer: Person, status: int) -> None:
    page = visits(customer if status == 201 else None).page
    page.goto("/report")
    fills_in(page)
    if status == 202:
        page.get_by_label("Email").fill("guest@campus.test")
    lost: list[int] = []

    def answer_is_lost(route: Route) -> None:
        """It arrives, and the answer does not."""
        if route.request.method == "POST" and not lost:
            # what the browser adds on its way
            lost.append(route.fetch(headers={**route.request.all_headers(), "sec-fetch-site": "same-origin"}).status)
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.route("**/api/tickets", answer_is_lost)
    page.get_by_role("button", name="Send report").dblclick()
    expect(page.get_by_text("was sent")).to_be_visible()
    assert lost == [status]
    assert len(reported()) == 1


def test_without_a_network_a_report_is_kept_and_sent_when_it_is_back(visits: Visiting, customer: Person) -> None:
    visit = visits(customer, width=390)
    page = visit.page
    page.goto("/report")
    fills_in(page)
    visit.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    page.locator("input[type=file]").set_input_files([a_photo()])  # type: ignore[list-item]
    expect(page.get_by_alt_text("Photo 1")).to_be_visible()
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("1 report waits on this device")).to_be_visible()
    assert not reported()
    visit.context.set_offline(False)
    expect(page.get_by_text("was sent")).to_be_visible(timeout=15_000)
    (ticket,) = reported()
    assert (ticket.title, ticket.image_count) == (LEAK, 1)
    page.get_by_role("link", name=f"See #{ticket.id}").click()
    expect(page).to_have_url(re.compile(rf"/tickets/{ticket.id}$"))


def test_a_report_that_was_refused_can_be_changed_with_its_photos(visits: Visiting, customer: Person) -> None:
    visit = visits(customer)
    page = visit.page
    page.goto("/report")
    page.get_by_label("What is the problem?").fill(LEAK)
    page.locator("input[type=file]").set_input_files([a_photo()])  # type: ignore[list-item]
    expect(page.get_by_alt_text("Photo 1")).to_be_visible()
    visit.context.set_offline(True)
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("1 report waits on this device")).to_be_visible()
    page.get_by_label("Details").fill("Another one")
    expect(page.get_by_text("Draft saved on this device")).to_be_visible()
    visit.context.set_offline(False)
    page.get_by_role("link", name="Change it and send it again").click(timeout=15_000)
    expect(page.get_by_label("What is the problem?")).to_have_value(LEAK)
    expect(page.get_by_alt_text("Photo 1")).to_be_visible()
    page.get_by_label("Facilities").check()
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    assert [ticket.image_count for ticket in reported()] == [1]
    expect(page.get_by_text("was not taken")).to_have_count(0)
    page.goto("/report")
    expect(page.get_by_label("Details")).to_have_value("Another one")


def test_a_device_without_room_loses_nothing_and_says_so(visits: Visiting, customer: Person) -> None:
    visit = visits(customer)
    page = visit.page
    page.add_init_script(
        "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError') }"
    )
    page.goto("/report")
    fills_in(page)
    visit.context.set_offline(True)
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_role("alert")).to_contain_text("Leave this page open")
    expect(page.get_by_text("Draft saved on this device")).to_have_count(0)
    visit.context.set_offline(False)
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    assert [ticket.title for ticket in reported()] == [LEAK]


def test_photos_that_are_still_being_made_small_go_along(visits: Visiting, customer: Person) -> None:
    page = visits(customer).page
    page.add_init_script(
        "const real = createImageBitmap;"
        "window.createImageBitmap = async (...of) => (await new Promise((go) => setTimeout(go, 800)), real(...of))"
    )
    page.goto("/report")
    fills_in(page)
    page.locator("input[type=file]").set_input_files([a_photo(), a_photo()])  # type: ignore[list-item]
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    assert [ticket.image_count for ticket in reported()] == [2]
    page.goto("/report")
    expect(page.get_by_alt_text("Photo 1")).to_have_count(0)


def test_a_photo_that_gets_nowhere_for_ten_seconds_leaves_the_report_for_later(
    visits: Visiting, customer: Person
) -> None:
    visit = visits(customer)
    page = visit.page
    page.clock.install()
    page.goto("/report")
    fills_in(page)
    stuck: list[Route] = []
    page.route("**/api/uploads", lambda route: stuck.append(route))
    with page.expect_request("**/api/uploads"):
        page.locator("input[type=file]").set_input_files([a_photo()])  # type: ignore[list-item]
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_role("button", name="Sending")).to_be_visible()
    page.clock.run_for(9_000)
    expect(page.get_by_role("button", name="Sending")).to_be_visible()
    page.clock.run_for(2_000)
    expect(page.get_by_text("1 report waits on this device")).to_be_visible()
    assert not reported()
    page.unroute("**/api/uploads")
    page.clock.run_for(60_000)
    expect(page.get_by_text("was sent")).to_be_visible()
    assert [ticket.image_count for ticket in reported()] == [1]


def test_a_photo_that_met_a_broken_server_is_tried_again(visits: Visiting, customer: Person) -> None:
    visit = visits(customer)
    page = visit.page
    page.goto("/report")
    fills_in(page)
    page.route("**/api/uploads", lambda route: route.fulfill(status=503, body=""))
    with page.expect_response("**/api/uploads"):
        page.locator("input[type=file]").set_input_files([a_photo()])  # type: ignore[list-item]
    page.unroute("**/api/uploads")
    ends_sessions_of(customer)
    page.get_by_role("button", name="Send report").click()
    dialog = page.get_by_role("dialog", name="Log in to go on")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    assert [ticket.image_count for ticket in reported()] == [1]


def test_what_waits_is_sent_once_its_owner_logs_in_and_asks_nobody_before(
    visits: Visiting, customer: Person, other: Person
) -> None:
    visit = visits(customer)
    page = visit.page
    page.goto("/report")
    fills_in(page)
    visit.context.set_offline(True)
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("1 report waits on this device")).to_be_visible()
    ends_sessions_of(customer)
    visit.context.set_offline(False)
    expect(page.get_by_text("will be sent when you log in again")).to_be_visible(timeout=40_000)
    expect(page.get_by_role("dialog")).to_have_count(0)
    for person, arrived in ((other, 0), (customer, 1)):
        visit.context.clear_cookies()
        page.goto("/login")
        page.get_by_label("Username or email").fill(person.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        expect(page.get_by_role("link", name=re.compile("Account,"))).to_be_visible()
        expect(page.get_by_text("was sent")).to_have_count(arrived)
        assert [ticket.reporter_id for ticket in reported()] == [customer.id] * arrived


def test_what_a_guest_typed_is_theirs_once_they_log_in(visits: Visiting, customer: Person) -> None:
    page = visits().page
    page.goto("/report?room=214")
    fills_in(page)
    page.get_by_label("Room or place").fill("215")
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    page.get_by_label("Username or email").fill(customer.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile(r"/report\?room=214$"))
    expect(page.get_by_label("What is the problem?")).to_have_value(LEAK)
    expect(page.get_by_label("Room or place")).to_have_value("215")
    page.context.clear_cookies()
    page.goto("/report")
    expect(page.get_by_label("What is the problem?")).to_have_value("")


def test_taking_a_photo_away_leaves_the_keyboard_beside_it(visits: Visiting, customer: Person) -> None:
    page = visits(customer).page
    page.goto("/report")
    page.locator("input[type=file]").set_input_files([a_photo(), a_photo()])  # type: ignore[list-item]
    expect(page.get_by_alt_text("Photo 2")).to_be_visible()
    page.get_by_role("button", name="Remove photo 1").press("Enter")
    expect(page.get_by_role("button", name="Remove photo 1")).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="Photo 1 removed.")).to_have_count(1)
    page.get_by_role("button", name="Remove photo 1").press("Enter")
    expect(page.locator("input[type=file]")).to_be_focused()


def test_a_session_that_ends_while_typing_costs_nothing(visits: Visiting, customer: Person) -> None:
    visit = visits(customer)
    page = visit.page
    page.goto("/report")
    fills_in(page)
    ends_sessions_of(customer)
    page.get_by_role("button", name="Send report").click()
    dialog = page.get_by_role("dialog", name="Log in to go on")
    expect(dialog).to_be_visible()
    assert not visit.axe()
    expect(dialog.get_by_label("Username or email")).to_have_value(customer.username)
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Username, email or password is wrong")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    assert [ticket.title for ticket in reported()] == [LEAK]


def test_nothing_goes_out_in_the_name_of_whoever_logs_in_instead(
    visits: Visiting, customer: Person, other: Person
) -> None:
    page = visits(customer).page
    page.goto("/report")
    fills_in(page)
    ends_sessions_of(customer)
    page.get_by_role("button", name="Send report").click()
    dialog = page.get_by_role("dialog", name="Log in to go on")
    dialog.get_by_label("Username or email").fill(other.username)
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile(r"/$"))
    page.goto("/report")
    expect(page.get_by_label("What is the problem?")).to_have_value("")
    assert not reported()


def test_a_tab_of_somebody_who_is_gone_sends_nothing(visits: Visiting, customer: Person, other: Person) -> None:
    visit = visits(customer)
    page = visit.page
    page.goto("/report")
    fills_in(page)
    visit.signs_in(other)
    with page.expect_navigation():
        visit.opens().goto("/")
    expect(page.get_by_label("What is the problem?")).to_have_value("")
    assert not reported()


def test_a_guest_reports_with_an_address_alone(visits: Visiting, app: Flask) -> None:
    visit = visits(width=390)
    page = visit.page
    page.goto("/report")
    fills_in(page)
    page.get_by_role("button", name="Send report").click()
    expect(page.locator("#email-e")).to_have_text("Write an address, such as name@example.edu")
    page.get_by_label("Email").fill("guest@campus.test")
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/report/sent$"))
    (ticket,) = reported()
    assert ticket.held
    assert mail


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["/", "/report", "/login"])
def test_axe_finds_nothing(
    visits: Visiting, customer: Person, other: Person, path: str, width: int, theme: str
) -> None:
    customer.reports(title="Mine")
    other.joins(customer.reports(title="Lift out of order", category="facilities-lifts"))
    visit = visits(None if path == "/login" else customer, width=width, theme=theme)
    visit.page.goto(path)
    expect(visit.page.locator("h1")).to_be_visible()
    assert not visit.axe()
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
