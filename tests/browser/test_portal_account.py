"""Getting an account, and one's own: in a real browser."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import THEMES, WIDTHS, Visiting
from tests.doors import NEW_PASSWORD, login
from tests.factories import PASSWORD, Person, link_in, mails


def registers(page: Page, **typed: str) -> None:
    fields = {"Full name": "Nell Hart", "Username": "nell", "Email": "nell@campus.test", "Password": NEW_PASSWORD}
    for label, value in {**fields, **typed}.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Create account").click()


def section(page: Page, name: str) -> Page:
    return page.get_by_role("region", name=name, exact=True)  # type: ignore[return-value]


# --- getting one ------------------------------------------------------------------------------------------------------


def test_whoever_registers_is_led_by_the_mail_into_the_portal(visits: Visiting, anonymous: Person) -> None:
    page = visits().page
    page.goto("/login")
    page.get_by_role("link", name="Create an account").click()
    registers(page)
    expect(page.get_by_role("heading", name="Check your mail")).to_be_focused()
    expect(page.get_by_text("nell@campus.test")).to_be_visible()
    page.goto(f"/account/confirm?token={link_in(mails('nell@campus.test')[0])}")
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Confirm and log in").click()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.get_by_role("link", name="Account, Nell Hart")).to_be_visible()
    assert login(anonymous, "nell", NEW_PASSWORD).status_code == 200


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(visits: Visiting, customer: Person) -> None:
    page = visits(width=390).page
    page.goto("/register")
    registers(page, Username=customer.username, Password="password1")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Password")).to_have_accessible_description(re.compile("first passwords that somebody"))
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("link", name="This username is taken").click()
    expect(page.get_by_label("Username")).to_be_focused()
    expect(page.get_by_label("Full name")).to_have_value("Nell Hart")
    expect(page.get_by_label("Email")).to_have_value("nell@campus.test")
    page.get_by_label("Username").fill("nell")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    page.get_by_role("button", name="Use another address").click()
    expect(page.get_by_label("Username")).to_have_value("nell")
    page.get_by_label("Username").fill("")
    page.get_by_label("Email").fill("nell at campus")
    page.get_by_role("button", name="Create account").click()
    for words in ("Choose a username", "Write an address, such as name@example.edu"):
        expect(page.get_by_role("link", name=words)).to_be_visible()
    expect(page).to_have_title(re.compile("^Problem: "))


def test_whoever_must_wait_is_told_how_long(visits: Visiting) -> None:
    page = visits().page

    def refuse(route: Route) -> None:
        body = '{"type": "urn:campus-helpdesk:problem:too-many", "title": "Too many", "status": 429}'
        route.fulfill(status=429, headers={"Retry-After": "130", "Content-Type": "application/problem+json"}, body=body)

    page.route("**/api/auth/password/forgot", refuse)
    page.goto("/forgot")
    page.get_by_label("Email").fill("nell@campus.test")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("alert")).to_contain_text("Too many attempts. Try again in 2 min")
    page.unroute("**/api/auth/password/forgot")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_focused()


def test_a_forgotten_password_ends_at_the_login_with_a_word(visits: Visiting, customer: Person) -> None:
    page = visits(customer).page
    page.goto("/forgot")
    page.get_by_label("Email").fill(customer.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_text("If there is an account with the address")).to_be_visible()
    page.goto(f"/account/reset?token={link_in(mails(customer.email)[0])}")
    page.get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your password is set")).to_be_visible()
    page.get_by_label("Username or email").fill(customer.username)
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name=f"Account, {customer.name}")).to_be_visible()


def test_a_guest_is_told_where_the_report_is(visits: Visiting) -> None:
    page = visits(width=390).page
    page.goto("/report/sent")  # nothing was sent
    expect(page).to_have_url(re.compile(r"/$"))
    page.goto("/report")
    page.get_by_label("What is the problem?").fill("Water dripping from the ceiling")
    page.get_by_label("Facilities").check()
    page.get_by_label("Email").fill("nell@elsewhere.test")
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/report/sent$"))
    expect(page.get_by_text("nell@elsewhere.test")).to_be_visible()
    assert len(mails("nell@elsewhere.test")) == 1


# --- one's own --------------------------------------------------------------------------------------------------------


def test_each_matter_of_an_account_is_saved_by_itself_and_says_so(
    visits: Visiting, customer: Person, anonymous: Person
) -> None:
    page = visits(customer).page
    page.goto("/account")
    name = section(page, "Name")
    name.get_by_label("Full name").fill("Jonas W. Weber")
    name.get_by_role("button").click()
    expect(page.get_by_role("status").filter(has_text="Name saved")).to_be_attached()
    expect(page.get_by_role("link", name="Account, Jonas W. Weber")).to_be_visible()
    page.get_by_label("The helpdesk writes to me").select_option("Never")
    page.get_by_label("It is resolved").select_option("Once an hour")
    section(page, "Mails").get_by_role("button").click()
    expect(section(page, "Mails").get_by_text("Mails saved")).to_be_visible()
    page.get_by_label("Say times as they are in").select_option("Europe/Berlin")
    section(page, "Time zone").get_by_role("button").click()
    expect(section(page, "Time zone").get_by_text("Time zone saved")).to_be_visible()
    me = customer.get("/api/users/me").json
    assert (me["name"], me["time_zone"]) == ("Jonas W. Weber", "Europe/Berlin")
    wishes = {"received": "on", "reply": "off", "waiting": "on", "resolved": "hourly", "reopened": "on"}
    assert me["notifications"] == wishes

    address = section(page, "Email address")
    address.get_by_label("New address").fill("moved@campus.test")
    address.get_by_label("Current password").fill("wrong")
    address.get_by_role("button").click()
    expect(address.get_by_label("Current password")).to_be_focused()
    expect(address.get_by_label("Current password")).to_have_accessible_description("The current password is not right")
    expect(address.get_by_label("New address")).to_have_value("moved@campus.test")
    address.get_by_label("Current password").fill(PASSWORD)
    address.get_by_role("button").click()
    expect(address.get_by_text("We sent a link to the new address, moved@campus.test")).to_be_visible()
    assert mails("moved@campus.test")
    assert customer.get("/api/users/me").json["email"] == customer.email

    password = section(page, "Password")
    password.get_by_role("button").click()
    expect(password.get_by_label("Current password")).to_be_focused()
    password.get_by_label("Current password").fill(PASSWORD)
    password.get_by_label("New password").fill(NEW_PASSWORD)
    password.get_by_role("button").click()
    expect(password.get_by_text("Password changed")).to_be_visible()
    assert login(anonymous, customer.username, NEW_PASSWORD).status_code == 200


def test_a_theme_is_seen_at_once_and_from_the_first_byte_of_the_next_page(visits: Visiting, agent: Person) -> None:
    visit = visits(agent)
    page, html = visit.page, visit.page.locator("html")
    page.goto("/account")
    page.get_by_label("Dark").check()
    expect(html).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("status").filter(has_text="Colours saved")).to_be_attached()
    assert agent.get("/api/users/me").json["theme"] == "dark"
    (cookie,) = [one for one in visit.context.cookies() if one["name"] == "theme"]
    assert (cookie["value"], cookie["path"], cookie["sameSite"]) == ("dark", "/", "Lax")
    for path in ("/", "/staff/", "/account/forgot"):
        response = page.request.get(path)
        assert 'data-theme="dark"' in response.text(), path
    page.route("**/api/users/me", lambda route: route.abort("internetdisconnected"))
    page.get_by_label("Light").click()  # it cannot be saved
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(page.get_by_label("Dark")).to_be_checked()
    expect(html).to_have_attribute("data-theme", "dark")


def test_of_several_quick_choices_the_last_one_stays(visits: Visiting, customer: Person) -> None:
    page = visits(customer).page
    page.goto("/account")
    page.get_by_label("Like the device").focus()
    page.keyboard.press("ArrowDown")
    with page.expect_response(lambda got: got.request.method == "PATCH" and '"dark"' in (got.request.post_data or "")):
        page.keyboard.press("ArrowDown")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_label("Dark")).to_be_checked()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert customer.get("/api/users/me").json["theme"] == "dark"


def test_a_browser_follows_the_theme_of_whoever_logs_in(visits: Visiting, customer: Person) -> None:
    assert customer.patch("/api/users/me", {"theme": "dark"}).status_code == 200
    page = visits().page
    page.goto("/login")
    page.get_by_label("Username or email").fill(customer.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_one_sees_where_one_is_logged_in_and_ends_it_there(app: Flask, visits: Visiting, customer: Person) -> None:
    elsewhere = visits(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605 Version/18.0 Safari/604.1")
    elsewhere.page.goto("/login")
    elsewhere.page.get_by_label("Username or email").fill(customer.username)
    elsewhere.page.get_by_label("Password").fill(PASSWORD)
    elsewhere.page.get_by_role("button", name="Log in").click()
    expect(elsewhere.page.get_by_role("link", name=f"Account, {customer.name}")).to_be_visible()
    Person(app).post("/api/auth/login", {"identifier": customer.username, "password": PASSWORD})

    page = visits(customer).page
    page.goto("/account")
    places = section(page, "Where you are logged in")
    expect(places.get_by_role("listitem")).to_have_count(3)
    expect(places.get_by_role("listitem").filter(has_text="This device")).to_have_count(1)
    places.get_by_role("button", name="Log out Safari on iPhone").click()
    expect(places.get_by_role("listitem")).to_have_count(2)
    expect(places.get_by_role("heading")).to_be_focused()
    elsewhere.page.goto("/account")
    expect(elsewhere.page).to_have_url(re.compile(r"/login\?next="))
    places.get_by_role("button", name="Log out everywhere else").click()
    expect(places.get_by_role("listitem")).to_have_count(1)
    assert customer.get("/api/users/me").status_code == 200


def test_whoever_logs_out_leaves_nothing_on_the_device(visits: Visiting, customer: Person) -> None:
    page = visits(customer).page
    page.goto("/report")
    page.get_by_label("What is the problem?").fill("Only for me")
    page.wait_for_function(
        """() => new Promise((resolve) => {
          const request = indexedDB.open('helpdesk', 1)
          request.onsuccess = () => {
            const keys = request.result.transaction('kept').objectStore('kept').getAllKeys()
            keys.onsuccess = () => { request.result.close(); resolve(keys.result.length > 0) }
          }
        })"""
    )
    page.goto("/account")
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.get_by_role("banner").get_by_role("link", name="Log in")).to_be_visible()
    left = page.evaluate(
        """() => new Promise((resolve) => {
          const request = indexedDB.open('helpdesk', 1)
          request.onsuccess = () => {
            const keys = request.result.transaction('kept').objectStore('kept').getAllKeys()
            keys.onsuccess = () => resolve(keys.result)
          }
        })"""
    )
    assert left == []
    assert customer.get("/api/users/me").status_code == 401
    page.goto("/account")
    expect(page).to_have_url(re.compile(r"/login\?next=%2Faccount$"))


def test_only_the_staff_are_shown_the_way_to_their_pages(visits: Visiting, agent: Person, customer: Person) -> None:
    for person, links in ((agent, 1), (customer, 0)):
        page = visits(person).page
        page.goto("/account")
        expect(page.get_by_role("heading", name="My account")).to_be_visible()
        expect(page.get_by_role("link", name="Go to the staff pages")).to_have_count(links)


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_views_of_an_account_keep_nobody_out(visits: Visiting, customer: Person, width: int, theme: str) -> None:
    visit = visits(customer, width=width, theme=theme)
    page = visit.page
    for path, button in (
        ("/register", "Create account"), ("/forgot", "Send the link"), ("/account", "Change password"),
        ("/login?done=password", None), ("/report/plain", "Send report"), ("/report/plain/sent", None),
    ):  # fmt: skip
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert visit.axe() == [], path
        if button:
            if path == "/forgot":
                page.get_by_label("Email").fill("")
            page.get_by_role("button", name=button).click()
            expect(page.locator("[aria-invalid]").first).to_be_visible()
            assert visit.axe() == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_plain_page_needs_no_script(visits: Visiting, app: Flask) -> None:
    page = visits(java_script_enabled=False).page
    page.goto("/report")
    page.get_by_role("link", name="Report an issue on a plain page").click()
    page.get_by_role("textbox", name="What is the problem?").fill("Water dripping")
    page.keyboard.press("Enter")  # two fields are empty
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("What is the problem?")).to_have_value("Water dripping")
    page.get_by_label("What is it about?").select_option("Water and leaks")
    page.get_by_label("Email").fill("nell@elsewhere.test")
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    assert len(mails("nell@elsewhere.test")) == 1


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_whether_it_is_fixed_is_said_from_the_mail_by_one_button(
    visits: Visiting, customer: Person, agent: Person, width: int, theme: str
) -> None:
    number = customer.reports(title="Water dripping from the ceiling of the large lecture hall in the east wing")
    agent.sets(number, status="resolved")
    text = mails(customer.email)[0]["text"]
    yes, no = re.findall(r"http://helpdesk\.test(/account/fixed\?token=\S+)", text)
    visit = visits(width=width, theme=theme)
    page = visit.page
    for link, heading in ((yes, "Is it fixed?"), (no, "Is it still broken?")):
        page.goto(link)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert visit.axe() == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("What is still wrong?").fill("It drips on the other side")
    page.get_by_role("button", name="No, open it again").click()
    expect(page.get_by_role("status")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("It is open again")
    assert visit.axe() == []
