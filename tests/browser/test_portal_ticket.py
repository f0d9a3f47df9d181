"""Following a ticket in the portal: lists, conversation, what its reporter and who joined can do."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from models import Comment, Session, db
from tests.browser.conftest import POLL, THEMES, WIDTHS, Visiting, asks_again
from tests.browser.test_portal_report import a_photo
from tests.factories import PASSWORD, Person


def time_passes(page: Page) -> None:
    asks_again(page, "/timeline?after")


def asked(page: Page) -> list[str]:
    """The questions for news, from now on."""
    questions: list[str] = []
    page.on("request", lambda request: questions.append(request.url) if "/timeline?after" in request.url else None)
    return questions


def replies() -> list[Comment]:
    db.session.rollback()
    return list(db.session.scalars(select(Comment).order_by(Comment.id)))


# --- lists ------------------------------------------------------------------------------------------------------------


def test_my_tickets_have_three_lists_with_their_numbers(
    visits: Visiting, customer: Person, other: Person, agent: Person
) -> None:
    waiting, _, solved = (customer.reports(title=title) for title in ("The door", "The lamp", "The tap"))
    agent.sets(waiting, status="waiting")
    agent.sets(solved, status="resolved")
    lift = other.reports(title="Lift out of order", category="facilities-lifts")
    customer.joins(lift)
    visit = visits(customer, width=390)
    page = visit.page
    page.goto("/tickets")
    tabs = page.get_by_role("navigation", name="Filter my tickets")
    expect(tabs.get_by_role("link")).to_have_text(
        [re.compile("Open.*2"), re.compile("Following.*1"), re.compile("Resolved.*1")]
    )
    titles = page.locator("ul.rows a.t")
    expect(titles).to_have_text(["The door", "The lamp", "The tap"])
    tabs.get_by_role("link", name="Following").click()
    expect(titles).to_have_text(["Lift out of order"])
    assert not visit.axe()
    tabs.get_by_role("link", name="Resolved").click()
    expect(titles).to_have_text(["The tap"])
    page.go_back()
    expect(titles).to_have_text(["Lift out of order"])


def test_a_long_list_comes_in_pages_and_loses_and_repeats_nothing(visits: Visiting, customer: Person) -> None:
    for number in range(30):
        customer.reports(title=f"Problem number {number}")
    page = visits(customer).page
    page.goto("/tickets")
    titles = page.locator("ul.rows a.t")
    expect(titles).to_have_count(25)
    customer.reports(title="One more")
    page.get_by_role("button", name="Show more").click()
    expect(titles).to_have_count(30)
    assert len(set(titles.all_inner_texts())) == 30
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)


# --- one ticket -------------------------------------------------------------------------------------------------------


def test_from_the_answer_to_really_fixed_with_the_keyboard_alone(
    visits: Visiting, customer: Person, agent: Person
) -> None:
    """The story of a report: reported, asked, answered, resolved, reopened, fixed."""
    page = visits(customer).page

    def tab_to(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(() => { const e = document.activeElement;"
                " return e.getAttribute('aria-label') || (e.labels && e.labels[0]?.innerText) || e.innerText || '' })()"
            )
            if focused.strip().startswith(name):
                return
        raise AssertionError(f"no way to {name} by Tab")

    page.goto("/")
    tab_to("Describe the problem")
    page.keyboard.type("The heating knocks")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Report an issue")).to_be_focused()
    tab_to("Facilities")
    page.keyboard.press("Space")
    tab_to("Send report")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    number = int(page.url.rpartition("/")[2])
    agent.writes(number, "Which room is it?", audience="reporter")
    agent.sets(number, status="waiting")
    page.reload()
    expect(page.get_by_role("heading", name="Waiting for your answer")).to_be_visible()
    tab_to("Your reply")
    page.keyboard.type("Room 214.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Room 214.", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("We have it"))).to_be_visible()
    agent.sets(number, status="resolved")
    page.reload()
    expect(page.get_by_role("heading", name="Resolved. Is it really fixed?")).to_be_visible()
    tab_to("Not solved, reopen")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("We have it"))).to_be_focused()
    agent.sets(number, status="resolved")
    page.reload()
    expect(page.get_by_role("heading", name="Resolved. Is it really fixed?")).to_be_visible()
    tab_to("Yes, it is fixed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Closed", exact=True)).to_be_focused()
    assert customer.sees(number)["status"] == "closed"


def test_buttons_are_those_that_the_server_allows(visits: Visiting, customer: Person, agent: Person) -> None:
    number = customer.reports()
    page = visits(customer).page
    for status, buttons in {
        "open": ["Yes, close it"],
        "waiting": ["Yes, close it"],
        "resolved": ["Yes, it is fixed", "Not solved, reopen"],
        "closed": [],
    }.items():
        if status != "open":
            agent.sets(number, status=status)
        page.goto(f"/tickets/{number}")
        expect(page.get_by_role("heading", name="Conversation")).to_be_visible()
        if "Yes, close it" in buttons:
            page.get_by_text("It is solved, close it").click()
        for name in ("Yes, close it", "Yes, it is fixed", "Not solved, reopen"):
            expect(page.get_by_role("button", name=name)).to_have_count(int(name in buttons))


def test_news_is_shown_and_said_without_a_reload_and_moves_nothing(
    visits: Visiting, customer: Person, agent: Person
) -> None:
    number = customer.reports()
    visit = visits(customer, width=390)
    page = visit.page
    page.clock.install()
    page.goto(f"/tickets/{number}")
    reply = page.get_by_label("Your reply")
    reply.fill("I am still typing")
    before = reply.bounding_box()
    agent.writes(number, "A technician is on the way. " * 20, audience="reporter")
    time_passes(page)
    expect(page.get_by_text("A technician is on the way.").first).to_be_visible()
    expect(page.locator("#announcer")).to_have_text(f"New reply from {agent.name}.")
    expect(reply).to_be_focused()
    expect(reply).to_have_value("I am still typing")
    after = reply.bounding_box()
    assert before and after
    assert abs(before["y"] - after["y"]) <= 1


def test_news_that_could_not_be_loaded_is_shown_the_next_time(
    visits: Visiting, customer: Person, agent: Person
) -> None:
    number = customer.reports()
    page = visits(customer).page
    page.clock.install()
    page.goto(f"/tickets/{number}")
    expect(page.get_by_label("Your reply")).to_be_visible()
    time_passes(page)
    agent.writes(number, "A technician is on the way.", audience="reporter")
    page.route(f"**/api/tickets/{number}", lambda route: route.fulfill(status=503), times=1)
    with page.expect_response(f"**/api/tickets/{number}"):
        time_passes(page)
    page.wait_for_timeout(300)
    expect(page.get_by_text("A technician is on the way.")).to_have_count(0)
    page.clock.fast_forward("00:31")
    expect(page.get_by_text("A technician is on the way.")).to_be_visible()


def test_a_page_asks_once_in_fifteen_seconds_and_not_at_all_where_nobody_looks(
    visits: Visiting, customer: Person
) -> None:
    number = customer.reports()
    page = visits(customer).page
    page.clock.install()
    page.goto(f"/tickets/{number}")
    expect(page.get_by_role("heading", name="Conversation")).to_be_visible()
    questions = asked(page)
    answers: list[int] = []
    page.on("response", lambda got: answers.append(got.status) if "/timeline?after" in got.url else None)
    for count in (1, 2, 3):
        time_passes(page)
        page.wait_for_timeout(100)
        assert len(questions) == count
    assert answers[1:] == [304, 304]
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    for _ in range(3):
        page.clock.run_for(POLL)
        page.wait_for_timeout(100)
    assert len(questions) <= 4  # one may have been on its way
    seen = len(questions)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: false}); document.dispatchEvent(new Event('visibilitychange'))"
    )
    expect(page.locator("#announcer")).to_be_attached()
    page.wait_for_timeout(200)
    assert len(questions) == seen + 1


def test_a_reply_goes_out_once_and_survives_reload_no_network_and_the_end_of_the_session(
    visits: Visiting, customer: Person
) -> None:
    number = customer.reports()
    visit = visits(customer)
    page = visit.page
    page.goto(f"/tickets/{number}")
    page.get_by_label("Your reply").fill("It drips again.")
    page.wait_for_timeout(300)
    page.reload()
    expect(page.get_by_label("Your reply")).to_have_value("It drips again.")
    for session in db.session.scalars(select(Session).where(Session.user_id == customer.id)):
        db.session.delete(session)
    db.session.commit()
    page.get_by_role("button", name="Send reply").dblclick()
    dialog = page.get_by_role("dialog", name="Log in to go on")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("It drips again.", exact=True)).to_be_visible()
    expect(page.get_by_label("Your reply")).to_have_value("")
    visit.context.set_offline(True)
    page.get_by_label("Your reply").fill("And now it pours.")
    page.get_by_role("button", name="Send reply").click()
    expect(page.locator(".composer")).to_contain_text("kept on this device")
    visit.context.set_offline(False)
    expect(page.locator("article").get_by_text("And now it pours.")).to_be_visible(timeout=15_000)
    db.session.rollback()
    assert list(db.session.scalars(select(Comment.text).order_by(Comment.id))) == [
        "It drips again.",
        "And now it pours.",
    ]


def test_what_is_wrong_with_a_reply_is_focused_once_and_typing_goes_on(visits: Visiting, customer: Person) -> None:
    page = visits(customer).page
    page.goto(f"/tickets/{customer.reports()}")
    send = page.get_by_role("button", name="Send reply")
    for _ in range(2):
        send.click()
        expect(page.get_by_role("alert")).to_be_focused()
    reply = page.get_by_role("textbox", name="Your reply")
    reply.click()
    page.keyboard.type("Hello there")
    expect(reply).to_have_value("Hello there")


def test_the_same_reply_twice_is_two_replies(visits: Visiting, customer: Person) -> None:
    number = customer.reports()
    page = visits(customer).page
    page.goto(f"/tickets/{number}")
    for count in (1, 2):
        page.get_by_label("Your reply").fill("Any news?")
        page.get_by_role("button", name="Send reply").click()
        expect(page.locator("article").get_by_text("Any news?")).to_have_count(count)


def test_a_reply_without_a_network_goes_out_wherever_the_person_is_then(visits: Visiting, customer: Person) -> None:
    number = customer.reports(title="The lamp")
    visit = visits(customer)
    page = visit.page
    page.goto("/report")  # what a view is made of is here, then
    page.get_by_role("link", name="My tickets").first.click()
    page.get_by_role("link", name="The lamp").click()
    page.get_by_label("Your reply").fill("See the photo.")
    visit.context.set_offline(True)
    page.locator("input[type=file]").set_input_files([a_photo()])  # type: ignore[list-item]
    expect(page.get_by_alt_text("Photo 1")).to_be_visible()
    page.get_by_role("button", name="Send reply").click()
    expect(page.locator(".composer")).to_contain_text("sent when the network is back")
    page.get_by_role("link", name="Report an issue").first.click()
    expect(page.get_by_role("heading", name="Report an issue")).to_be_visible()
    visit.context.set_offline(False)
    expect(page.locator("#announcer")).to_have_text(f"Your reply on #{number} was sent.", timeout=15_000)
    page.goto(f"/tickets/{number}")
    expect(page.locator("article").get_by_text("See the photo.")).to_have_count(1)
    expect(page.get_by_label("Your reply")).to_have_value("")
    expect(page.locator(".composer img")).to_have_count(0)
    (comment,) = replies()
    assert [image["comment_id"] for image in customer.get(f"/api/tickets/{number}/images").json["items"]] == [
        comment.id
    ]


def test_a_reply_whose_answer_was_lost_is_one_after_a_reload_and_keeps_its_photo(
    visits: Visiting, customer: Person
) -> None:
    number = customer.reports()
    visit = visits(customer)
    page = visit.page
    page.goto(f"/tickets/{number}")
    page.get_by_label("Your reply").fill("See the photo.")
    with page.expect_response("**/api/uploads"):
        page.locator("input[type=file]").set_input_files([a_photo()])  # type: ignore[list-item]

    def answer_is_lost(route: Route) -> None:
        """It arrives, and the answer does not."""
        headers = {**route.request.all_headers(), "origin": visit.base_url, "sec-fetch-site": "same-origin"}
        assert route.fetch(headers=headers).status == 201
        route.abort("internetdisconnected")

    page.route("**/comments", answer_is_lost, times=1)
    page.get_by_role("button", name="Send reply").click()
    expect(page.locator(".composer")).to_contain_text("cannot be reached")
    page.reload()
    expect(page.locator("#announcer")).to_have_text(f"Your reply on #{number} was sent.")
    expect(page.get_by_label("Your reply")).to_have_value("")
    expect(page.locator(".composer img")).to_have_count(0)
    (comment,) = replies()
    assert [image["comment_id"] for image in customer.get(f"/api/tickets/{number}/images").json["items"]] == [
        comment.id
    ]


def test_a_photo_added_while_a_reply_is_being_sent_stays_for_the_next(visits: Visiting, customer: Person) -> None:
    number = customer.reports()
    page = visits(customer).page
    page.goto(f"/tickets/{number}")
    chooser = page.locator("input[type=file]")
    page.get_by_label("Your reply").fill("See the photo.")
    with page.expect_response("**/api/uploads"):
        chooser.set_input_files([a_photo()])  # type: ignore[list-item]
    waiting: list[Route] = []
    page.route("**/comments", lambda route: waiting.append(route), times=1)
    with page.expect_request("**/comments"):
        page.get_by_role("button", name="Send reply").click()
    with page.expect_response("**/api/uploads"):
        chooser.set_input_files([a_photo()])  # type: ignore[list-item]
    waiting[0].continue_()
    expect(page.get_by_label("Your reply")).to_have_value("")
    expect(page.locator(".composer img")).to_have_count(1)
    page.get_by_label("Your reply").fill("And from the other side.")
    page.get_by_role("button", name="Send reply").click()
    expect(page.locator(".composer img")).to_have_count(0)
    tied = [image["comment_id"] for image in customer.get(f"/api/tickets/{number}/images").json["items"]]
    assert tied == [comment.id for comment in replies()]


def test_a_reply_that_is_refused_later_stands_in_the_composer(
    visits: Visiting, customer: Person, agent: Person
) -> None:
    number = customer.reports(title="The lamp")
    visit = visits(customer)
    page = visit.page
    page.goto("/report")  # what a view is made of is here, then
    page.get_by_role("link", name="My tickets").first.click()
    page.get_by_role("link", name="The lamp").click()
    page.get_by_label("Your reply").fill("It drips again.")
    visit.context.set_offline(True)
    page.get_by_role("button", name="Send reply").click()
    expect(page.locator(".composer")).to_contain_text("sent when the network is back")
    page.get_by_role("link", name="Report an issue").first.click()
    agent.sets(number, status="closed")
    visit.context.set_offline(False)
    expect(page.locator("#announcer")).to_contain_text(f"Your reply on #{number} was not sent", timeout=15_000)
    page.goto(f"/tickets/{number}")
    expect(page.get_by_label("Your reply, which was not sent")).to_have_value("It drips again.")
    assert not replies()


def test_a_shared_link_shows_what_everybody_may_know_until_one_joins(
    visits: Visiting, customer: Person, other: Person, agent: Person
) -> None:
    number = other.reports(title="Lift out of order", category="facilities-lifts", description="I was stuck with Mo.")
    agent.writes(number, "Mo is fine.", audience="reporter")
    agent.writes(number, "The part arrives on Thursday.", audience="affected")
    visit = visits(customer, width=390)
    page = visit.page
    page.goto(f"/tickets/{number}")
    expect(page.get_by_role("heading", name="Lift out of order")).to_be_visible()
    expect(page.get_by_text("1 person affected")).to_be_visible()
    assert not visit.axe()
    for words in ("stuck with Mo", "Mo is fine", "Thursday", other.name):
        expect(page.get_by_text(words)).to_have_count(0)
    page.get_by_role("button", name="Affects me too").click()
    expect(page.get_by_text("2 people affected")).to_be_visible()
    expect(page.get_by_text("The part arrives on Thursday.")).to_be_visible()
    for words in ("stuck with Mo", "Mo is fine", other.name):
        expect(page.get_by_text(words)).to_have_count(0)
    page.get_by_role("button", name="Affects me too").click()
    expect(page.get_by_text("1 person affected")).to_be_visible()


def test_times_are_said_where_the_browser_does_not_know_the_zone(visits: Visiting, customer: Person) -> None:
    page = visits(customer).page
    site = {**customer.get("/api/site").json, "time_zone": "Mars/Olympus_Mons"}
    page.route("**/api/site", lambda route: route.fulfill(json=site))
    page.goto(f"/tickets/{customer.reports()}")
    expect(page.locator("article time")).to_have_text("just now")


def test_a_merged_ticket_leads_to_the_one_that_goes_on(
    visits: Visiting, customer: Person, other: Person, agent: Person
) -> None:
    number, into = customer.reports(), other.reports(title="A pipe has burst")
    visit = visits(customer, width=390)
    page = visit.page
    page.clock.install()
    page.goto(f"/tickets/{number}")
    expect(page.get_by_placeholder("Write a reply")).to_be_visible()
    assert agent.post(f"/api/tickets/{number}/merge", {"into_id": into}).status_code == 200
    time_passes(page)
    expect(page.get_by_text("handles this together with")).to_be_visible()
    expect(page.get_by_text(f"This goes on as #{into}")).to_be_visible()
    expect(page.get_by_role("link", name="Report it again")).to_have_count(0)
    expect(page.get_by_placeholder("Write a reply")).to_have_count(0)
    assert not visit.axe()
    page.locator(".banner").get_by_role("link", name=f"#{into}").click()
    expect(page.get_by_role("heading", name="A pipe has burst")).to_be_visible()
    customer.delete(f"/api/tickets/{into}/affected/me")
    page.goto(f"/tickets/{number}")
    expect(page.get_by_text(f"This goes on as #{into}")).to_be_visible()
    expect(page.get_by_text("handles this together with")).to_have_count(0)


def test_a_link_to_what_is_not_joinable_leads_nowhere(visits: Visiting, customer: Person, other: Person) -> None:
    page = visits(customer).page
    for number in (other.reports(is_confidential=True), other.reports(category="it-accounts"), 999_999):
        page.goto(f"/tickets/{number}")
        expect(page.get_by_role("heading", name="This room does not exist")).to_be_visible()


def test_ones_own_ticket_shows_others_like_it(visits: Visiting, customer: Person, other: Person) -> None:
    like_it = other.reports(title="Water is dripping from the ceiling", category="facilities-leaks")
    number = customer.reports(title="Water dripping from the ceiling", category="facilities-leaks")
    page = visits(customer).page
    page.goto(f"/tickets/{number}")
    others = page.get_by_role("region", name="Others reported something like this")
    expect(others.get_by_role("link")).to_have_attribute("href", f"/tickets/{like_it}")


def test_what_people_write_is_never_run(visits: Visiting, customer: Person, agent: Person) -> None:
    evil = "<img src=x onerror=alert(1)> [here](javascript:alert(1)) <script>alert(1)</script> **bold**"
    number = customer.reports(title="<b>Bold</b> title", description=evil)
    agent.writes(number, evil, audience="reporter")
    page = visits(customer).page
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(f"/tickets/{number}")
    expect(page.get_by_role("heading", name="<b>Bold</b> title")).to_be_visible()
    expect(page.locator(".prose strong")).to_have_count(2)
    assert page.locator(".prose img, .prose script, .prose a[href^=javascript]").count() == 0


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("state", ["open", "waiting", "resolved", "closed", "list", "empty"])
def test_axe_finds_nothing(
    visits: Visiting, customer: Person, agent: Person, state: str, width: int, theme: str
) -> None:
    path = "/tickets"
    if state != "empty":
        number = customer.reports()
        customer.uploads(to=number)
        agent.writes(number, "Is it still so?", audience="reporter")
        if state not in ("open", "list"):
            agent.sets(number, status=state)
        if state != "list":
            path = f"/tickets/{number}"
    visit = visits(customer, width=width, theme=theme)
    visit.page.goto(path)
    expect(visit.page.locator("h1")).to_be_visible()
    assert not visit.axe()
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_closing_ones_own_report_asks_first(visits: Visiting, customer: Person, other: Person) -> None:
    number = customer.reports()
    other.joins(number)
    page = visits(customer).page
    page.goto(f"/tickets/{number}")
    page.get_by_text("It is solved, close it").click()
    expect(page.get_by_text("Close this report for you and 1 other?")).to_be_visible()
    assert customer.sees(number)["status"] == "open"
    page.get_by_role("button", name="Yes, close it").click()
    expect(page.get_by_role("heading", name="Closed")).to_be_visible()
    assert customer.sees(number)["status"] == "closed"
