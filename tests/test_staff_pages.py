"""The staff's pages, read and used as a browser without scripts does."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlencode
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

import models
from blueprints.staff.queue import SORTS
from helpdesk.schemas import TicketQuery
from models import Building, Comment, Event, Tag, Team, Ticket, User, begin_write, db
from tests.conftest import statements
from tests.doors import change
from tests.factories import PASSWORD, Person, make_user
from tests.pages import Form, Page, Reader

LOGIN = "/staff/login"
START = datetime(2026, 5, 12, 10, tzinfo=UTC)  # a Tuesday


@pytest.fixture
def desk(app: Flask, agent: Person) -> Reader:
    """Priya Nair, an agent, at her browser."""
    return Reader(app, agent)


def count(model: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def at(number: int) -> str:
    return f"/staff/tickets/{number}"


def add(*rows: Any) -> None:
    begin_write()
    db.session.add_all(rows)
    db.session.commit()


# --- coming in --------------------------------------------------------------------------------------------------------


def test_whoever_is_not_signed_in_logs_in_and_is_at_the_page_they_wanted(
    app: Flask, agent: Person, customer: Person
) -> None:
    wanted = f"{at(customer.reports())}?before=5"
    reader = Reader(app)
    asked = reader.get(wanted)
    assert asked.status_code == 302
    page = reader.reads(asked.headers["Location"])
    assert page.says(f"Log in to go back to #{wanted.split('/')[-1].split('?')[0]}")
    response = reader.sends(page.form_to(LOGIN), identifier=agent.username, password=PASSWORD)
    assert (response.status_code, response.headers["Location"]) == (303, wanted)
    assert reader.reads(wanted).says("Water dripping from the ceiling")
    assert reader.get(LOGIN).headers["Location"] == "/staff/"


def test_an_address_logs_in_as_well_as_a_username(app: Flask, agent: Person) -> None:
    reader = Reader(app)
    page = reader.reads(LOGIN)
    assert reader.sends(page.form_to(LOGIN), identifier=agent.email.upper(), password=PASSWORD).status_code == 303


def test_every_wrong_login_is_told_the_same(app: Flask, agent: Person) -> None:
    locked = Person(app, make_user("agent", username="locked"))
    change(locked, is_active=False)
    answers = []
    for identifier, password in ((agent.username, "wrong"), ("nobody", PASSWORD), (locked.username, PASSWORD)):
        reader = Reader(app)
        response = reader.sends(reader.reads(LOGIN).form_to(LOGIN), identifier=identifier, password=password)
        page = Page(response)
        assert response.status_code == 401
        assert not reader.jar
        assert ("identifier", identifier) in page.form_to(LOGIN).fields
        assert ("password", "") in page.form_to(LOGIN).fields
        assert page.title.startswith("Problem: ")
        answers.append(page.html.replace(f'value="{identifier}"', ""))
    assert len(set(answers)) == 1


def test_what_was_left_empty_is_said_beside_its_field(app: Flask) -> None:
    reader = Reader(app)
    page = Page(reader.sends(reader.reads(LOGIN).form_to(LOGIN), identifier="ada", password=""))
    assert page.status == 422
    assert page.says("Write your password")
    assert not page.says("Write your username")


def test_too_many_attempts_are_told_how_long_to_wait(app: Flask, agent: Person) -> None:
    reader = Reader(app)
    form = reader.reads(LOGIN).form_to(LOGIN)
    answers = [reader.sends(form, identifier=agent.username, password="wrong") for _ in range(7)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    wait = int(answers[-1].headers["Retry-After"])
    assert Page(answers[-1]).says(f"Wait {wait} second")


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.test/", "//evil.test/", "/\\evil.test", "/staff//evil.test", "/staff/../api/docs", "/api/docs", "/",
        "javascript:alert(1)", "/staff/\\evil.test", "/staff/%2e%2e/", "/staff/\nSet-Cookie: a=b", "/staffx", LOGIN, "/staff/logout",
    ],
)  # fmt: skip
def test_only_a_staff_page_is_gone_on_to(app: Flask, agent: Person, wanted: str) -> None:
    reader = Reader(app)
    form = reader.reads(f"{LOGIN}?next={quote(wanted)}").form_to(LOGIN)
    assert ("next", "/staff/") in form.fields
    response = reader.sends(form, identifier=agent.username, password=PASSWORD, next=wanted)
    assert (response.status_code, response.headers["Location"]) == (303, "/staff/")


def test_the_login_of_another_sites_page_is_refused(app: Flask, agent: Person) -> None:
    wish = {"identifier": agent.username, "password": PASSWORD, "next": "/staff/"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}):
        refused = Reader(app).open("POST", LOGIN, data=wish, headers=headers)
        assert refused.status_code == 403
        assert "Set-Cookie" not in refused.headers
    assert Person(app).open("POST", LOGIN, data=wish).status_code == 403  # says nothing of where it comes from
    assert Reader(app).open("POST", LOGIN, data=wish).status_code == 303


def test_a_customer_who_logs_in_is_told_that_the_pages_are_for_staff(
    app: Flask, customer: Person, agent: Person
) -> None:
    reader = Reader(app)
    page = Page(reader.sends(reader.reads(LOGIN).form_to(LOGIN), identifier=customer.username, password=PASSWORD))
    assert page.status == 403
    assert page.says("These pages are for staff")
    assert reader.reads(LOGIN, 403).says(customer.name)
    assert reader.get("/staff/").status_code == 403
    assert reader.sends(page.form_to("/staff/logout")).status_code == 303
    assert not reader.jar
    page = reader.reads(LOGIN)
    assert reader.sends(page.form_to(LOGIN), identifier=agent.username, password=PASSWORD).status_code == 303


def test_logging_out_ends_the_session_itself(app: Flask, desk: Reader) -> None:
    stolen = dict(desk.jar)
    page = desk.reads("/staff/")
    assert desk.sends(page.form_to("/staff/logout")).headers["Location"] == LOGIN
    assert not desk.jar
    desk.jar = stolen
    assert desk.get("/staff/").status_code == 302
    assert desk.post("/staff/logout").status_code == 303


def test_another_sites_page_cannot_log_out(desk: Reader) -> None:
    assert desk.open("POST", "/staff/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert desk.get("/staff/").status_code == 200


# A session that ended while somebody wrote.

WRITTEN = {"text": "Ask the plumber.\r\nAnd <b>the</b> & other one.", "audience": "internal", "then": "waiting", "room": "2\"15"}  # fmt: skip


def is_logged_out(reader: Reader) -> None:
    reader.jar = {}


def logs_in(reader: Reader, page: Page, person: Person, password: str = PASSWORD) -> TestResponse:
    return reader.sends(page.form_to(LOGIN), identifier=person.username, password=password)


def test_what_was_written_when_the_session_had_ended_is_sent_after_the_login(
    desk: Reader, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    is_logged_out(desk)
    response = desk.sends(form, **WRITTEN)
    page = Page(response)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"]
    assert page.says("Log in and go on: what you wrote is kept.")
    wrong = Page(logs_in(desk, page, agent, "wrong"))
    assert (wrong.status, wrong.says("what you wrote is kept")) == (401, True)
    empty = Page(logs_in(desk, wrong, agent, ""))
    assert (empty.status, empty.says("what you wrote is kept")) == (422, True)
    page = Page(logs_in(desk, empty, agent))
    assert page.status == 200
    assert page.says("look at what you wrote, and send it")
    assert page.says("Message Ask the plumber. And <b>the</b> & other one. Who reads it Staff only Then set Waiting Room 2\"15")  # fmt: skip
    assert count(Comment) == 0
    response = desk.sends(page.form_to(f"{at(number)}/comments", button="Send note"))
    assert Page(response).says("Your note was added Not saved yet: Room.")
    assert agent.sees(number)["status"] == "waiting"
    said = agent.get(f"/api/tickets/{number}/comments").json["items"]
    assert [comment["text"] for comment in said] == ["Ask the plumber.\nAnd <b>the</b> & other one."]
    desk.sends(page.form_to(f"{at(number)}/comments"))
    assert count(Comment) == 1


def test_every_form_is_kept_whole(desk: Reader, agent: Person, customer: Person) -> None:
    add(Building(slug="maple", name="Maple Hall"), Tag(name="hvac"), Tag(name="exam"))
    number = customer.reports(building="maple")
    agent.sets(number, tags=["hvac"], is_confidential=True)
    new = {**GOOD, "email": "new@campus.test", "name": "Nell", "building": "maple", "tags": ["exam", "hvac"], "is_confidential": "on"}  # fmt: skip
    for path, action, button, typed, words, label in (
        (at(number), at(number), "Save", {"assignee_id": str(agent.id), "building": "", "tags": ["hvac", "exam"], "is_confidential": None}, "Assignee Priya Nair Building Nothing Tags hvac, exam Confidential Nothing", "Save properties"),
        (at(number), at(number), "Resolve", {"text": "Dry"}, "Message Dry", "Resolve"),
        (at(number), f"{at(number)}/comments", "Send", {"text": "Dry"}, "Message Dry", "Send reply"),
        (NEW, NEW, "Create", new, "Email new@campus.test Name Nell Title Fire door will not latch", "Create ticket"),
    ):  # fmt: skip
        form = desk.reads(path).form_to(action, button=button)
        is_logged_out(desk)
        page = Page(logs_in(desk, Page(desk.sends(form, **typed)), agent))
        assert page.says(words), page.words[-900:]
        assert page.form_to(action, button=label).data() == form.data(**typed)
        assert path in page.links
    assert count(Ticket) == 1
    assert desk.is_led(desk.sends(page.form_to(NEW))).says("Nell reporter")


def test_so_is_a_form_of_administration(desk: Reader, admin: Person) -> None:
    is_logged_out(desk)
    desk.is_led(logs_in(desk, desk.reads(LOGIN), admin))
    new = "/staff/admin/sla/new"
    typed = {"name": "Exams", "response_seconds": "2", "resolution_seconds": "4", "priorities": ["urgent"]}
    form = desk.reads(new).form_to(new)
    is_logged_out(desk)
    page = Page(logs_in(desk, Page(desk.sends(form, **typed)), admin))
    assert page.says(
        "Name Exams It is on: tickets are given its due dates on Priority urgent Everything else in the form is kept as you left it, too."
    )
    assert new in page.links
    assert desk.is_led(desk.sends(page.form_to(new, button="Save"))).says("Exams")
    (made,) = (one for one in admin.get("/api/sla-policies").json["items"] if one["name"] == "Exams")
    assert (made["response_seconds"], made["resolution_seconds"], made["priorities"]) == (7200, 345_600, ["urgent"])
    (path,) = {link for link in desk.reads("/staff/admin/users").links if link.endswith("/users/new")}
    form = desk.reads(path).form_to(path)
    is_logged_out(desk)
    page = Page(logs_in(desk, Page(desk.sends(form, email="b@campus.test", name="Ben", role="admin")), admin))
    assert page.says("Role admin") and page.form_to(path, button="Invite")
    one = f"/staff/admin/sla/{made['id']}"
    form = desk.reads(one).form_to(one)
    is_logged_out(desk)
    page = Page(logs_in(desk, Page(desk.sends(form, do="delete")), admin))
    desk.sends(page.form_to(one, button="Delete"))
    assert "Exams" not in [one["name"] for one in admin.get("/api/sla-policies").json["items"]]


def test_a_page_that_is_asked_for_without_a_session_is_gone_back_to(desk: Reader, agent: Person) -> None:
    is_logged_out(desk)
    page = desk.reads(desk.get("/staff/?status=resolved&sort=-created_at").headers["Location"])
    assert logs_in(desk, page, agent).headers["Location"] == "/staff/?status=resolved&sort=-created_at"


@pytest.mark.parametrize(
    "where", ["https://evil.test/", "//evil.test/staff/tickets/new", "/api/tickets", "/staff/", LOGIN, "/staff/logout", "/staff/tickets/x", "/staff/tickets/new?x=1", "/staff//tickets/new", "/staff/../api/tickets", "javascript:alert(1)", ""]
)  # fmt: skip
def test_what_was_kept_is_sent_to_a_form_of_ours_alone(app: Flask, agent: Person, where: str) -> None:
    wish = {"identifier": agent.username, "password": PASSWORD, "send_to": where, "kept.text": "x", "next": "/staff/"}
    response = Reader(app).open("POST", LOGIN, data=wish)
    assert (response.status_code, response.headers["Location"]) == (303, "/staff/")


def test_another_sites_page_puts_no_words_into_the_login(app: Flask, agent: Person, customer: Person) -> None:
    """A cookie that is SameSite stays at home: to us they are logged out, and would send it after the login."""
    number = customer.reports()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}):
        refused = Reader(app).open("POST", f"{at(number)}/comments", data=WRITTEN, headers=headers)
        assert refused.status_code == 403
        assert "plumber" not in refused.get_data(as_text=True)
    wish = {"identifier": agent.username, "password": PASSWORD, "send_to": f"{at(number)}/comments", "kept.text": "x"}
    assert Reader(app).open("POST", LOGIN, data=wish, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert Page(Reader(app).get(f"{LOGIN}?{urlencode(wish)}")).form_to(LOGIN).data().keys() == {"next", "identifier", "password"}  # fmt: skip
    program = Reader(app).open("POST", f"{at(number)}/comments", data=WRITTEN, headers={"Accept": "application/json"})
    assert (program.status_code, program.mimetype) == (401, "application/problem+json")


def test_only_the_fields_of_a_form_are_kept(app: Flask, customer: Person) -> None:
    number = customer.reports()
    page = Page(Reader(app).open("POST", f"{at(number)}/comments", data={"text": "x", "evil": "1", "password": "y"}))
    assert page.form_to(LOGIN).data().keys() == {"next", "identifier", "password", "send_to", "kept.text"}
    assert page.form_to(LOGIN).data()["password"] == [""]
    too_large = Reader(app).open("POST", f"{at(number)}/comments", data={"text": "x" * 600_000})
    assert too_large.status_code == 413


def test_a_customer_who_logs_in_sends_nothing(app: Flask, customer: Person) -> None:
    number = customer.reports()
    reader = Reader(app)
    page = Page(reader.open("POST", f"{at(number)}/comments", data=WRITTEN))
    assert Page(logs_in(reader, page, customer)).says("These pages are for staff")
    assert count(Comment) == 0


def test_logging_in_ends_the_session_that_came_along(app: Flask, desk: Reader, admin: Person) -> None:
    before = dict(desk.jar)
    form = {"identifier": admin.username, "password": PASSWORD, "next": "/staff/"}
    assert desk.open("POST", LOGIN, data=form).status_code == 303
    assert desk.reads("/staff/").says("Ada Byron")
    desk.jar = before
    assert desk.get("/staff/").status_code == 302


def _staff_routes(app: Flask) -> list[tuple[str, str]]:
    found = []
    everybodys = ("staff.login", "staff.logout", "staff.form_address")
    # what is done to something else than a ticket, or must name another: in tests of their own
    others = ("staff.merge", "staff.unmerge", "staff.split", "staff.delete", "staff.task", "staff.add_task", "staff.edit_task", "staff.tick_task",
              "staff.job_page", "staff.retry_job", "staff.drop_job", "staff.end_user_sessions", "staff.send_user_link")  # fmt: skip
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("staff.") and not rule.endpoint.startswith(everybodys + others):
            methods = (rule.methods or set()) & {"GET", "POST"}
            found += [(method, re.sub(r"<.*?>", "1", re.sub(r"<int\(.*?\)", "<", rule.rule))) for method in methods]
    return found


def test_every_staff_page_is_for_staff_alone(app: Flask, customer: Person, agent: Person, admin: Person) -> None:
    number = customer.reports()
    reply = admin.post("/api/saved-replies", {"title": "Coming", "text": "Soon.", "is_shared": True}).json["id"]
    ids = {"replies": reply, "tickets": number, "users": customer.id}
    for kind in ("teams", "categories", "buildings", "tags"):
        body = {"name": "Other"} if kind == "tags" else {"slug": "other", "name": "Other"}
        ids[kind] = admin.post(f"/api/{kind}", body).json["id"]
    routes = [
        (method, re.sub(rf"({'|'.join(ids)})/1", lambda found: f"{found[1]}/{ids[found[1]]}", path))
        for method, path in _staff_routes(app)
    ]
    assert len(routes) >= 9
    outside, staff = Reader(app, customer), {person: Reader(app, person) for person in (agent, admin)}
    for method, path in routes:
        is_none = re.search(r"/(views|bulk|reports)/\d|/original$", path)  # of which there is none yet
        of_admins = re.search(r"/admin/(categories|buildings|users|jobs|mails|audit|sla|calendars)", path) or (
            method == "POST" and "/admin/teams" in path
        )
        assert Reader(app).open(method, path).status_code == (302 if method == "GET" else 401), path
        assert outside.open(method, path, data={}).status_code == 403, path
        if re.search(r"/admin/(?!teams|categories|buildings|tags)|/analytics|/reports/", path):
            continue  # who of the staff gets these stands in PAGES of test_policy
        for person, reader in staff.items():
            response = reader.open(method, path, data={})
            if of_admins and person is agent:
                assert response.status_code == 403, path
                continue
            empty = {"keys": (303,), "away": (409,), "undo": (404,), "compose": (200,)}.get(
                path.rsplit("/", 1)[1], (412, 422)
            )
            taken = (404,) if is_none else (200, 204) if method == "GET" else empty
            assert response.status_code in taken, (path, response.status_code)
    assert count(Event) == count(Ticket) == 1


def test_a_form_of_another_sites_page_changes_nothing(app: Flask, desk: Reader, customer: Person) -> None:
    number = customer.reports()
    page = desk.reads(at(number))
    forms = [form for form in page.forms if form.method == "post" and "logout" not in form.action]
    buttons = {(button.action, button.value): button for form in forms for button in form.buttons}
    assert len(buttons) == 7  # assign, resolve, reply, properties, draft, somebody who is affected, a task
    for button in buttons.values():
        wish = forms[0].data(text="Hello", **({button.name: button.value} if button.name else {}))
        foreign = desk.open("POST", button.action, data=wish, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
    assert count(Event) == 1
    assert desk.sends(page.form_to(f"{at(number)}/comments"), text="Hello").status_code == 303


# --- what every page keeps --------------------------------------------------------------------------------------------

VECTOR = "<script>alert(1)</script><img src=x onerror=alert(1)>\"' {{ 7 * 7 }} [x](javascript:alert(1))"


def test_what_people_write_is_never_code(app: Flask, desk: Reader, customer: Person) -> None:
    add(Building(slug="b", name=f"B {VECTOR[:40]}"), Tag(name="<b>tag</b>"))
    change(customer, name="<i>Mallory</i>")
    number = customer.reports(title=VECTOR, description=VECTOR, building="b", room="<u>1</u>")
    customer.writes(number, VECTOR)
    form = desk.reads(at(number)).form_to(at(number), button="Save")
    assert desk.sends(form, tags=["<b>tag</b>"], public_title=VECTOR).status_code == 303
    paths = (
        "/staff/",
        at(number),
        "/staff/tickets/new",
        "/staff/?tag=%3Cscript%3E&building=%22%3E%3Cscript%3E",
        "/staff/nothing",
    )
    for path in paths:
        response = desk.get(path)
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        for tag, attributes in Page(response).tags:
            assert tag not in ("style", "iframe", "object", "img", "i", "u"), (path, tag)
            assert tag != "script" or (attributes["src"] or "").startswith("/static/dist/assets/staff-"), path
            assert not [name for name in attributes if name == "style" or name.startswith("on")], (path, tag)
            for name in ("href", "src", "action"):
                assert re.match(r"(/|#|mailto:|https?://|$)", attributes.get(name) or ""), (path, attributes)
    assert Page(desk.get(at(number))).says("{{ 7 * 7 }}")


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("as in #29100, and #700000.", ["/staff/tickets/29100", "/staff/tickets/700000"]),
        ("a#1 ##2 #0 #1a &#35; /#4 [#5](https://x.test) `#6`", ["https://x.test"]),
        ("see https://x.test/a?b=1&c=2#d, or (http://y.test/z).", ["https://x.test/a?b=1&c=2#d", "http://y.test/z"]),
        ("https://x.test/a_(b) <https://y.test> [z](https://z.test/?q='1')", ["https://x.test/a_(b)", "https://y.test", "https://z.test/?q='1'"]),
        ("https://x.test/\"onclick=\"alert(1) https://y.test/<b>", ["https://x.test/", "https://y.test/"]),
        ("javascript:alert(1) ftp://x.test https:// `https://x.test`", []),
        ("(https://x.test/a.) https://x.test/&lt;", ["https://x.test/a", "https://x.test/"]),
    ],
)  # fmt: skip
def test_a_number_and_an_address_lead_there(desk: Reader, customer: Person, text: str, links: list[str]) -> None:
    number = customer.reports(description=text)
    customer.writes(number, text)
    page = desk.reads(at(number))
    own = {
        "/staff/tickets/new",
        at(number),
        *(f"{at(number)}/{page}" for page in ("print", "due")),
        f"mailto:{customer.email}",
    }
    found = [link for link in page.links if re.match(r"/staff/tickets/|\w+:", link) and link not in own]
    assert found == links * 2
    plain = re.sub(r"\[(\S+)\]\(\S+\)|[`\s]", r"\1", html.unescape(text).replace("<https://y.test>", "https://y.test"))
    assert "".join(page.words.split()).count(plain) == 2
    assert not [a for tag, a in page.tags if tag == "a" and any(name.startswith("on") for name in a)]


def test_no_page_is_kept_by_a_cache(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    for path in ("/staff/", at(number), "/staff/tickets/new", LOGIN):
        response = desk.get(path)
        assert response.headers["Cache-Control"] == "no-store"
        assert "Cookie" in response.headers["Vary"]


def test_a_page_says_its_title_once(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    for path in ("/staff/", at(number), "/staff/tickets/new"):
        page = desk.reads(path)
        assert len([tag for tag, _ in page.tags if tag == "h1"]) == 1
        assert page.title.endswith(" · Campus Helpdesk")


# --- the queue --------------------------------------------------------------------------------------------------------


def listed(page: Page) -> list[int]:
    """The tickets that a queue page lists, in its order."""
    return [int(found[1]) for link in page.links if (found := re.fullmatch(r"/staff/tickets/(\d+)\?list=.*", link))]


def test_the_queue_takes_few_statements_at_any_size(desk: Reader, customer: Person, other: Person) -> None:
    def takes() -> int:
        with statements() as seen:
            desk.reads("/staff/")
        return len(seen)

    customer.reports()
    few = takes()
    for number in range(30):
        ticket = customer.reports(building=None, title=f"Problem {number}")
        customer.writes(ticket)
        if number % 2:
            other.joins(ticket)
    assert takes() <= few <= 8


def test_the_queue_shows_what_is_not_done_soonest_due_first(desk: Reader, agent: Person, customer: Person) -> None:
    normal, urgent, low, waiting, done = (customer.reports(title=f"Problem {n}") for n in range(5))
    agent.sets(urgent, priority="urgent")
    agent.sets(low, priority="low")
    agent.sets(waiting, status="waiting")
    agent.sets(done, status="resolved")
    page = desk.reads("/staff/")
    assert listed(page) == [urgent, normal, low, waiting]
    assert page.says("All open 4 tickets")
    assert page.says("Paused")
    headers = [attributes for tag, attributes in page.tags if tag == "th" and "aria-sort" in attributes]
    assert [(header["class"], header["aria-sort"]) for header in headers] == [("c-due", "ascending")]


def test_a_filter_narrows_and_says_so(desk: Reader, agent: Person, customer: Person) -> None:
    add(Building(slug="maple", name="Maple Hall"), Tag(name="hvac"))
    leak = customer.reports(building="maple")
    wifi = customer.reports(category="it-wifi", title="No Wi-Fi")
    agent.sets(leak, assignee_id=agent.id, priority="high", tags=["hvac"])
    agent.sets(wifi, status="resolved")
    for query, expected, words in (
        ("category=facilities", [leak], "Category: Facilities"),
        ("category=it", [], "Category: IT"),
        ("category=it&status=resolved", [wifi], "Status: Resolved"),
        ("building=maple", [leak], "Building: Maple Hall"),
        ("assignee=me", [leak], "Assignee: Me"),
        ("assignee=none", [], "Assignee: Nobody"),
        (f"assignee={agent.id}", [leak], "Assignee: Priya Nair"),
        ("priority=high&priority=urgent", [leak], "Priority: Urgent, high"),
        ("priority=low", [], "Priority: Low"),
        ("due=overdue", [], "Due: Overdue"),
        ("tag=hvac", [leak], "Tag: hvac"),
        ("team=it&status=resolved", [wifi], "Team: IT"),
        (f"reporter={customer.id}", [leak], f"Reporter: {customer.id}"),
        ("resolved=week&status=resolved&status=closed", [wifi], "Resolved: this week"),
    ):
        page = desk.reads(f"/staff/?{query}")
        assert (listed(page), page.says(words)) == (expected, True), (query, page.words[:900])


def test_the_filter_form_keeps_everything_that_is_chosen(desk: Reader, customer: Person) -> None:
    customer.reports()
    page = desk.reads("/staff/?assignee=none&category=it-wifi&tag=hvac&sort=-created_at")
    sent = page.form_to("/staff/").data()
    assert sent == {
        "status": ["open", "in_progress", "waiting"], "category": ["it-wifi"], "assignee": ["none"], "tag": ["hvac"],
        "due": [""], "sort": ["-created_at"],
    }  # fmt: skip
    response = desk.sends(page.form_to("/staff/"))
    address = "/staff/?category=it-wifi&assignee=none&tag=hvac&sort=-created_at"
    assert (response.status_code, response.headers["Location"]) == (302, address)
    plain = desk.get("/staff/?status=open&status=in_progress&status=waiting&category=&assignee=&due=&sort=")
    assert (plain.status_code, plain.headers["Location"]) == (302, "/staff/")
    assert len(listed(desk.reads("/staff/?status=open"))) == 1


def asks(response: TestResponse) -> dict[str, list[str]]:
    """What the address asks for that a form of filters is led to."""
    assert response.status_code == 302
    return parse_qs(response.headers["Location"].partition("?")[2])


@pytest.mark.parametrize(
    ("sort", "words"),
    [("due_at", "Soonest due"), ("-due_at", "Latest due"), ("-priority", "Most urgent"), ("priority", "Least urgent"), ("updated_at", "Longest unchanged"), ("best", "Best match")],
)  # fmt: skip
def test_a_sort_is_named_and_survives_a_filter(desk: Reader, customer: Person, sort: str, words: str) -> None:
    number = customer.reports()
    page = desk.reads(f"/staff/?sort={sort}")
    assert f'aria-label="All open, {words.lower()} first"' in page.html
    assert page.says(f"Sort: {words}") == (sort != "due_at")
    response = desk.sends(page.form_to("/staff/"), priority=["normal"])
    assert asks(response) == {"priority": ["normal"]} | ({"sort": [sort]} if sort != "due_at" else {})
    assert listed(desk.reads(response.headers["Location"])) == [number]
    assert len(re.findall(r'type="radio" name="sort"', page.html)) == (
        7 if sort in ("-due_at", "priority", "best") else 6
    )


def test_every_sort_there_is_has_a_name() -> None:
    known: Any = TicketQuery().fields["sort"].validate
    assert set(SORTS) == set(known.choices)


def test_a_search_survives_a_filter(desk: Reader, customer: Person) -> None:
    leak, _ = customer.reports(), customer.reports(title="No Wi-Fi", description="None at all.")
    page = desk.reads("/staff/?q=ceiling")
    assert (listed(page), page.says("Search: ceiling")) == ([leak], True)
    response = desk.sends(page.form_to("/staff/"), priority=["normal"])
    assert asks(response) == {"priority": ["normal"], "q": ["ceiling"]}


def test_the_sidebar_counts_what_its_links_list(desk: Reader, agent: Person, admin: Person, customer: Person) -> None:
    mine, theirs, waiting, done, old = (customer.reports(title=f"Problem {n}") for n in range(5))
    agent.sets(mine, assignee_id=agent.id)
    agent.sets(theirs, assignee_id=admin.id)
    agent.sets(waiting, status="waiting", assignee_id=admin.id)
    agent.sets(done, status="resolved")
    later = models.now() + timedelta(days=4)
    begin_write()
    db.session.get_one(Ticket, old).due_at = models.now() - timedelta(hours=2)
    db.session.commit()
    page = desk.reads("/staff/")
    expected = {
        "Unassigned": [old], "Assigned to me": [mine], "Overdue": [old], "Waiting on reporter": [waiting],
        "All open": [old, mine, theirs, waiting], "Resolved this week": [done],
    }  # fmt: skip
    for label, tickets in expected.items():
        found = next(link for link in re.findall(r'<a class="nav-link".*?</a>', page.html, re.S) if f"{label}<" in link)
        address, number = re.findall(r'href="([^"]*)"', found)[0], re.search(r'">([0-9]+)<', found)
        assert number is not None, label
        assert int(number[1]) == len(tickets), label
        list_page = desk.reads(address.replace("&amp;", "&"))
        assert sorted(listed(list_page)) == sorted(tickets), label
        assert f"<h1>{label}</h1>" in list_page.html
        assert list_page.html.count('aria-current="page"') == 1
    assert later  # Resolved this week begins on Monday: see test_resolved_this_week_begins_on_monday


def test_the_queue_is_read_page_by_page_without_a_gap(desk: Reader, customer: Person) -> None:
    numbers = [customer.reports(title=f"Problem {n}") for n in range(28)]
    page = desk.reads("/staff/?sort=created_at")
    assert page.says("1 to 25 of 28")
    following = next(link for link in page.links if "cursor=" in link)
    second = desk.reads(following)
    assert listed(page) + listed(second) == numbers
    assert second.says("First page")
    assert not second.says("Next")
    assert listed(desk.reads(next(link for link in second.links if "sort=created_at" in link and "cursor" not in link)))


@pytest.mark.parametrize(
    "sort", ["created_at", "-created_at", "updated_at", "-updated_at", "priority", "-priority", "due_at", "-due_at"]
)
def test_the_queue_is_sorted_as_its_head_says(desk: Reader, agent: Person, customer: Person, sort: str) -> None:
    first, second = customer.reports(), customer.reports(title="Another problem")
    agent.sets(second, priority="urgent")
    page = desk.reads(f"/staff/?sort={sort}")
    rising = {
        "created_at": [first, second],
        "updated_at": [first, second],
        "priority": [first, second],
        "due_at": [second, first],
    }
    expected = rising[sort.removeprefix("-")]
    assert listed(page) == (expected[::-1] if sort.startswith("-") else expected)
    assert f'aria-sort="{"descending" if sort.startswith("-") else "ascending"}"' in page.html


@pytest.mark.parametrize(
    "query",
    [
        "status=nope",
        "nope=1",
        "sort=title",
        "cursor=abc",
        "assignee=x",
        "limit=0",
        "sort=due_at&sort=due_at",
        "status=%00",
    ],
)
def test_an_address_that_asks_for_nonsense_shows_the_queue_and_says_so(
    desk: Reader, customer: Person, query: str
) -> None:
    number = customer.reports()
    page = desk.reads(f"/staff/?{query}", 422)
    assert listed(page) == [number]
    assert page.says("These are all open tickets")
    assert not desk.reads("/staff/?status=open").says("These are all open tickets")


def test_an_empty_queue_says_why_it_is_empty(desk: Reader, agent: Person, customer: Person) -> None:
    assert desk.reads("/staff/").says("No tickets yet")
    number = customer.reports()
    assert desk.reads("/staff/?category=it").says("No tickets match these filters")
    assert desk.reads("/staff/?assignee=me").says("Nothing is assigned to you")
    agent.sets(number, status="resolved")
    assert desk.reads("/staff/").says("Nothing is open")
    assert not desk.reads("/staff/?status=resolved").says("No tickets")


# --- a ticket for somebody --------------------------------------------------------------------------------------------

NEW = "/staff/tickets/new"
GOOD: dict[str, Any] = {
    "title": "Fire door will not latch",
    "description": "On floor 3.",
    "category": "facilities-doors",
}


def test_staff_report_for_somebody_new_and_for_somebody_known(desk: Reader, customer: Person) -> None:
    page = desk.reads(NEW)
    shown = desk.is_led(desk.sends(page.form_to(NEW), email="new@campus.test", name="Nell New", **GOOD))
    assert shown.says("Nell New reporter")
    assert shown.says("Priya Nair opened this ticket")
    assert db.session.scalar(select(User.name).where(User.email_normalized == "new@campus.test")) == "Nell New"
    shown = desk.is_led(desk.sends(desk.reads(NEW).form_to(NEW), email=customer.email.upper(), name="Ignored", **GOOD))
    assert shown.says("Jonas Weber reporter")
    assert [item["title"] for item in customer.get("/api/tickets").json["items"]] == [GOOD["title"]]


def test_a_new_ticket_is_triaged_at_once(desk: Reader, agent: Person, app: Flask) -> None:
    add(Building(slug="maple", name="Maple Hall"), Tag(name="safety"), Tag(name="exam"))
    team = db.session.scalar(select(Team.id).where(Team.slug == "it"))
    wish = {
        "building": "maple", "room": "3.12", "priority": "urgent", "assignee_id": str(agent.id), "team_id": str(team),
        "tags": ["safety", "exam"], "is_confidential": "on", **GOOD,
    }  # fmt: skip
    shown = desk.is_led(desk.sends(desk.reads(NEW).form_to(NEW), **wish))
    ticket = agent.sees(listed_number(shown))
    assert (ticket["building"]["slug"], ticket["room"], ticket["priority"]) == ("maple", "3.12", "urgent")
    assert (ticket["assignee"]["id"], ticket["team"]["slug"]) == (agent.id, "it")
    assert (ticket["tags"], ticket["is_confidential"], ticket["channel"]) == (["exam", "safety"], True, "staff")
    assert ticket["reporter"]["id"] == agent.id


def listed_number(page: Page) -> int:
    found = re.search(r"/staff/tickets/(\d+)/comments", page.html)
    assert found
    return int(found[1])


def test_a_new_ticket_with_problems_keeps_every_word(desk: Reader, agent: Person) -> None:
    typed = {
        "title": "No",
        "description": "",
        "category": "",
        "name": "Nell",
        "email": "",
        "room": "1 & <2>",
        "priority": "high",
    }
    response = desk.sends(desk.reads(NEW).form_to(NEW), assignee_id=str(agent.id), is_confidential="on", **typed)
    page = Page(response)
    assert response.status_code == 422
    assert page.title.startswith("Problem: New ticket")
    for words in (
        "There are 4 problems",
        "Write the address that goes with the name",
        "Describe the problem",
        "Choose a category",
    ):
        assert page.says(words)
    sent = page.form_to(NEW).data()
    assert {name: sent[name][0] for name in typed} == typed
    assert (sent["assignee_id"], sent["is_confidential"]) == ([str(agent.id)], ["on"])
    for link in ("#title", "#description", "#category", "#email"):
        assert link in page.links
        assert f'id="{link[1:]}"' in page.html
    assert page.html.count('aria-invalid="true"') == 4
    assert count(Ticket) == 0
    desk.is_led(desk.sends(page.form_to(NEW), **{**GOOD, "name": None}))
    assert count(Ticket) == 1


@pytest.mark.parametrize(("field", "value"), [("category", "nope"), ("building", "nope"), ("assignee_id", "x"), ("assignee_id", "999999"), ("team_id", "999999"), ("tags", "nope"), ("priority", "nope"), ("email", "a b"), ("room", "x" * 51)])  # fmt: skip
def test_a_choice_that_is_not_there_is_said_beside_its_field(desk: Reader, field: str, value: str) -> None:
    page = Page(desk.sends(desk.reads(NEW).form_to(NEW), **{**GOOD, field: value}))
    assert page.status == 422
    assert f"#{field}" in page.links
    assert count(Ticket) == 0


def test_a_new_ticket_sent_twice_is_made_once(desk: Reader) -> None:
    form = desk.reads(NEW).form_to(NEW)
    first, again = desk.sends(form, **GOOD), desk.sends(form, **GOOD)
    assert first.status_code == again.status_code == 303
    assert first.headers["Location"] == again.headers["Location"]
    assert count(Ticket) == 1
    changed = desk.sends(form, **{**GOOD, "title": "Something else"})
    page = Page(changed)
    assert changed.status_code == 409
    assert page.form_to(NEW).data()["title"] == ["Something else"]
    assert count(Ticket) == 1
    assert desk.sends(page.form_to(NEW)).status_code == 303
    assert count(Ticket) == 2


# --- one ticket -------------------------------------------------------------------------------------------------------


def test_a_ticket_takes_few_statements_however_much_was_said(
    desk: Reader, agent: Person, admin: Person, customer: Person, other: Person
) -> None:
    number = customer.reports()

    def takes() -> int:
        with statements() as seen:
            desk.reads(at(number))
        return len([one for one in seen if one.startswith("SELECT")])  # beside these, one notes that it was read

    few = takes()
    other.joins(number)
    other.reports()
    agent.put(f"/api/tickets/{number}/draft", {"text": "Half", "images": [agent.uploads()]})
    admin.put(f"/api/tickets/{number}/presence", {"is_writing": True})
    admin.post("/api/saved-replies", {"title": "Coming", "text": "Soon.", "is_shared": True})
    for turn in range(20):
        agent.writes(number, f"Turn {turn}", audience="internal", images=[agent.uploads()])
        customer.writes(number, f"Answer {turn}", images=[customer.uploads(ready=bool(turn % 2))])
    customer.uploads(to=number)
    agent.post("/api/tasks", {"title": "Bring a ladder", "ticket_id": number})
    assert takes() <= few <= 10


def test_a_ticket_tells_its_story_in_order(
    desk: Reader, agent: Person, admin: Person, customer: Person, other: Person
) -> None:
    add(Tag(name="hvac"))
    number = customer.reports(description="A **steady** drip.", room="214")
    agent.sets(number, assignee_id=admin.id, priority="high", tags=["hvac"])
    other.joins(number)
    agent.writes(number, "We are on our way.", audience="affected")
    agent.writes(number, "Ask the plumber.", audience="internal")
    agent.sets(number, status="waiting")
    customer.writes(number, "It is worse now.")
    agent.post("/api/tasks", {"title": "Bring a ladder", "ticket_id": number})
    page = desk.reads(at(number))
    told = [
        "Jonas Weber reporter", "A steady drip.",
        "Priya Nair assigned Ada Byron, set priority to High and added tag hvac ·",
        "Helen Marsh is also affected ·",
        "Priya Nair replied to everybody affected", "We are on our way.",
        "Priya Nair Internal note", "Ask the plumber.",
        "Priya Nair changed status from Open to Waiting ·",
        "It is worse now.",
        "Jonas Weber ’s reply changed status from Waiting to Open ·",
        "Priya Nair added the task Bring a ladder ·",
    ]  # fmt: skip
    words = " ".join(page.words.split()).replace(" ,", ",")
    places = [words.find(part) for part in told]
    assert -1 not in places, list(zip(told, places, strict=True))
    assert places == sorted(places)
    assert "<strong>steady</strong>" in page.html
    assert page.html.count("entry note") == 1
    assert page.says("+1 also affected")
    assert page.says("People affected 2")
    assert page.says("Tasks 0 of 1")
    assert f"mailto:{customer.email}" in page.links


def test_people_who_join_one_after_the_other_are_one_sentence(
    app: Flask, desk: Reader, customer: Person, other: Person
) -> None:
    number = customer.reports()
    other.joins(number)
    for _ in range(6):
        Person.made(app, "customer").joins(number)
    page = desk.reads(at(number))
    assert page.says("Helen Marsh and 6 others are also affected")
    assert page.says("4 more")
    shown, more, _ = page.html.split('<details class="more')
    assert [len(re.findall(r'<li class="row">\s*<span class="who">', part)) for part in (shown, more)] == [4, 4]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {"assignee": "me"}, "Priya Nair took it on ·"),
        ({"assignee": "me"}, {"assignee_id": None}, "Priya Nair took it off Priya Nair ·"),
        ({}, {"room": "215"}, "set the room to 215"),
        ({"room": "215"}, {"room": None}, "removed the room"),
        ({}, {"building": "maple"}, "set the building to Maple Hall"),
        ({}, {"is_confidential": True}, "made it confidential"),
        ({"is_confidential": True}, {"is_confidential": False}, "made it no longer confidential"),
        ({"tags": ["a", "b"]}, {"tags": ["b", "c"]}, "added tag c and removed tag a"),
        ({}, {"tags": ["a", "b"]}, "added tags a and b"),
        ({}, {"title": "Rain inside"}, "set the title to Rain inside"),
        ({}, {"public_title": "Leak"}, "set the public title to Leak"),
        ({}, {"description": "Worse"}, "changed the description"),
        ({}, {"category": "it-wifi"}, "set the category to Wi-Fi and network and set the team to IT"),
        ({}, {"reporter": "other"}, "made Helen Marsh the reporter"),
    ],
)
def test_each_change_is_told_in_words(
    desk: Reader,
    agent: Person,
    customer: Person,
    other: Person,
    before: dict[str, Any],
    after: dict[str, Any],
    words: str,
) -> None:
    add(Building(slug="maple", name="Maple Hall"), *(Tag(name=name) for name in "abc"))
    number = customer.reports()
    for fields in (before, after):
        named = {"assignee": ("assignee_id", agent.id), "reporter": ("reporter_id", other.id)}
        wish = dict(named.get(name, (name, value)) for name, value in fields.items())
        agent.sets(number, **wish) if wish else None
    assert desk.reads(at(number)).says(words)


def test_what_people_affected_do_and_what_is_done_to_comments_and_tasks_is_told(
    desk: Reader, agent: Person, customer: Person, other: Person
) -> None:
    number = customer.reports()
    agent.post(f"/api/tickets/{number}/affected", {"email": other.email})
    agent.delete(f"/api/tickets/{number}/affected/{other.id}")
    other.joins(number)
    other.delete(f"/api/tickets/{number}/affected/me")
    kept, gone = agent.writes(number, "First words"), agent.writes(number, "Gone words")
    agent.patch(f"/api/comments/{kept}", {"text": "Second words"})
    agent.delete(f"/api/comments/{gone}")
    task = agent.post("/api/tasks", {"title": "Ladder", "ticket_id": number}).json["id"]
    agent.patch(f"/api/tasks/{task}", {"status": "done"})
    agent.delete(f"/api/tasks/{task}")
    page = desk.reads(at(number))
    for words in (
        "Priya Nair added Helen Marsh as also affected", "Priya Nair removed Helen Marsh from those affected",
        "Helen Marsh is also affected", "Helen Marsh is no longer affected", "Second words", "Priya Nair edited a comment",
        "Priya Nair deleted a comment", "deleted the task Ladder",
    ):  # fmt: skip
        assert page.says(words), words
    assert not page.says("Gone words")
    assert not page.says("First words")


def test_a_reply_and_its_status_are_one_deed(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    response = desk.sends(form, text="It is dry again.\r\nTell us if not.", then="resolved")
    assert re.fullmatch(rf"{at(number)}\?sent=(\d+)#c\1", response.headers["Location"])
    page = desk.is_led(response)
    assert page.says("It is dry again")
    assert page.says("Priya Nair changed status from Open to Resolved")
    events = agent.get(f"/api/tickets/{number}/events").json["items"]
    assert [event["field"] for event in events] == ["created", "comment", "status"]
    assert events[1]["deed_id"] == events[2]["deed_id"] != events[0]["deed_id"]
    assert customer.sees(number)["status"] == "resolved"
    comments = customer.get(f"/api/tickets/{number}/comments").json["items"]
    assert [(comment["text"], comment["audience"]) for comment in comments] == [
        ("It is dry again.\nTell us if not.", "reporter")
    ]


def test_a_note_is_for_the_staff(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    assert desk.is_led(desk.sends(form, text="canary-1", audience="internal")).says("canary-1")
    assert "canary-1" not in customer.get(f"/api/tickets/{number}/timeline").get_data(as_text=True)
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    desk.sends(form, text="canary-2", audience="reporter")
    assert "canary-2" in customer.get(f"/api/tickets/{number}/timeline").get_data(as_text=True)


@pytest.mark.parametrize("audience", [None, "", "everybody", "desk"])
def test_words_go_to_nobody_unless_it_is_said_to_whom(desk: Reader, customer: Person, audience: str | None) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    page = Page(desk.sends(form, text="For whom?", audience=audience))
    assert page.status == 422
    assert page.says("Choose who reads it")
    assert page.form_to(f"{at(number)}/comments").data()["text"] == ["For whom?"]
    assert count(Comment) == 0
    assert desk.sends(form, text="For whom?", audience="reporter").status_code == 303


def test_a_reply_to_all_is_proposed_where_there_are_several(desk: Reader, customer: Person, other: Person) -> None:
    number = customer.reports()
    page = desk.reads(at(number))
    assert page.form_to(f"{at(number)}/comments").data()["audience"] == ["reporter"]
    assert 'value="affected"' not in page.html
    other.joins(number)
    page = desk.reads(at(number))
    form = page.form_to(f"{at(number)}/comments")
    assert form.data()["audience"] == ["affected"]
    assert page.says("To 2 people")
    desk.sends(form, text="For both of you")
    assert "For both of you" in other.get(f"/api/tickets/{number}/timeline").get_data(as_text=True)


def test_an_empty_reply_is_said_beside_the_box(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    page = Page(desk.sends(form, text="  ", audience="internal", then="resolved"))
    assert page.status == 422
    assert page.title.startswith("Problem: #")
    assert page.says("Write a message")
    kept = page.form_to(f"{at(number)}/comments").data()
    assert (kept["audience"], kept["then"]) == (["internal"], ["resolved"])
    assert count(Event) == 1


def test_a_reply_sent_twice_is_said_once(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    first, again = (desk.sends(form, text="Once", then="waiting") for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    assert count(Comment) == 1
    assert count(Event) == 3
    other_words = desk.sends(form, text="Twice")
    assert other_words.status_code == 409
    assert Page(other_words).form_to(f"{at(number)}/comments").data()["text"] == ["Twice"]
    assert count(Comment) == 1


def test_a_reply_to_a_ticket_that_somebody_changed_is_held_back_with_every_word(
    desk: Reader, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    admin.sets(number, status="in_progress", assignee_id=admin.id)
    admin.writes(number, "I have the key.", audience="internal")
    response = desk.sends(form, text="Who has the key?", audience="internal", then="waiting")
    page = Page(response)
    assert response.status_code == 412
    assert page.title.startswith("Problem: ")
    assert page.says("Somebody changed this ticket while you were writing")
    assert page.says("Ada Byron changed status from Open to In progress and took it on")
    assert page.says("Ada Byron wrote an internal note")
    assert count(Comment) == 1
    form = page.form_to(f"{at(number)}/comments")
    kept = form.data()
    assert (kept["text"], kept["audience"], kept["then"]) == (["Who has the key?"], ["internal"], ["waiting"])
    assert desk.is_led(desk.sends(form)).says("Who has the key?")
    assert count(Comment) == 2


# Reply, properties and buttons: what is typed for one of them is not lost by using another.

TYPED = {"text": "The plumber comes at 10.", "audience": "internal", "then": "waiting"}
CHOSEN = {"priority": "high", "room": "215"}


def still_there(page: Page, number: int, **typed: str) -> bool:
    sent = page.form_to(at(number), button="Save").data()
    return {name: sent[name] for name in typed} == {name: [value] for name, value in typed.items()}


def test_a_reply_survives_saving_the_properties(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    response = desk.sends(desk.reads(at(number)).form_to(at(number), button="Save"), **TYPED, **CHOSEN)
    page = Page(response)
    assert response.status_code == 200
    assert page.says("The properties are saved Not sent yet: your note.")
    assert not page.says("Not saved yet")
    assert still_there(page, number, **TYPED, **CHOSEN)
    ticket = agent.sees(number)
    assert (ticket["priority"], ticket["room"], ticket["comment_count"], ticket["status"]) == ("high", "215", 0, "open")
    page = desk.is_led(desk.sends(page.form_to(f"{at(number)}/comments")))
    assert page.says("The plumber comes at 10.")
    assert agent.sees(number)["status"] == "waiting"


def test_properties_survive_sending_a_reply(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    response = desk.sends(desk.reads(at(number)).form_to(f"{at(number)}/comments"), **TYPED, **CHOSEN)
    page = Page(response)
    assert response.status_code == 200
    assert page.says("Your note was added Not saved yet: Priority, Room.")
    assert not page.says("Not sent yet")
    assert still_there(page, number, text="", **CHOSEN)
    ticket = agent.sees(number)
    assert (ticket["priority"], ticket["room"], ticket["comment_count"], ticket["status"]) == ("normal", None, 1, "waiting")  # fmt: skip
    desk.is_led(desk.sends(page.form_to(at(number), button="Save")))
    ticket = agent.sees(number)
    assert (ticket["priority"], ticket["room"], ticket["comment_count"], ticket["status"]) == ("high", "215", 1, "waiting")  # fmt: skip


@pytest.mark.parametrize(
    ("button", "words"), [("Assign to me", "It is assigned to you"), ("Resolve", "It is resolved")]
)
def test_everything_typed_survives_a_button(
    desk: Reader, agent: Person, customer: Person, button: str, words: str
) -> None:
    number = customer.reports()
    response = desk.sends(desk.reads(at(number)).form_to(at(number), button=button), **TYPED, **CHOSEN)
    page = Page(response)
    assert response.status_code == 200
    assert page.says(f"{words} Not sent yet: your note.")
    assert page.says("Not saved yet: Priority, Room.")
    assert still_there(page, number, **TYPED, **CHOSEN)
    ticket = agent.sees(number)
    assert (ticket["priority"], ticket["comment_count"]) == ("normal", 0)
    assert (ticket["assignee"] is not None) != (ticket["status"] == "resolved")


def test_everything_typed_survives_looking_at_what_was_earlier(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    for turn in range(101):
        agent.writes(number, f"Turn-{turn}.", audience="internal")
    page = Page(desk.sends(earlier(desk.reads(at(number))), **TYPED, **CHOSEN))
    assert page.says("Turn-0.")
    assert still_there(page, number, **TYPED, **CHOSEN)
    page = Page(desk.sends(page.form_to(at(number), button="Back to the newest")))
    assert page.says("Turn-100.")
    assert still_there(page, number, **TYPED, **CHOSEN)
    assert count(Event) == 102


def test_what_a_button_did_is_not_left_to_be_saved(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    page = desk.reads(at(number))
    mine = desk.sends(page.form_to(at(number), button="Assign to me"), assignee_id=str(agent.id))
    assert mine.status_code == 303
    page = desk.is_led(mine)
    assert desk.sends(page.form_to(f"{at(number)}/comments"), text="So", then="waiting", status="waiting").status_code == 303  # fmt: skip


def test_sent_twice_it_is_done_once_and_the_rest_is_still_there(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    for action, button, left in (
        (at(number), "Resolve", {**TYPED, **CHOSEN}),
        (f"{at(number)}/comments", "Send", {**CHOSEN, "text": ""}),
    ):
        form = desk.reads(at(number)).form_to(action, button=button)
        typed = {**TYPED, "then": "closed"}
        pages = [Page(desk.sends(form, **typed, **CHOSEN)) for _ in range(2)]
        assert [page.status for page in pages] == [200, 200]
        assert all(still_there(page, number, **(left | ({"then": "closed"} if left["text"] else {}))) for page in pages)
        keys = {page.form_to(at(number), button="Save").data()["key"][0] for page in pages}
        assert len(keys | {form.data()["key"][0]}) == 3
    assert (count(Comment), count(Event)) == (1, 4)


def test_a_refusal_of_one_keeps_what_was_typed_for_the_other(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    for status, action, button, wrong in (
        (422, at(number), "Save", {"room": "x" * 51}),
        (422, f"{at(number)}/comments", "Send", {"text": " ", "public_title": "Leak"}),
        (422, f"{at(number)}/comments", "Send", {"then": "done"}),
        (409, at(number), "Save", {"status": "waiting"}),
        (409, f"{at(number)}/comments", "Send", {"then": "waiting"}),
    ):
        if status == 409:
            agent.sets(number, status="resolved")
        typed = {**TYPED, **CHOSEN, **wrong}
        page = Page(desk.sends(desk.reads(at(number)).form_to(action, button=button), **typed))
        assert (page.status, page.title[:9]) == (status, "Problem: "), wrong
        assert page.says("othing you typed was lost")
        assert still_there(page, number, **typed), wrong
    assert count(Comment) == 0


def test_one_that_somebody_else_overtook_keeps_everything_and_names_its_button(
    desk: Reader, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    page = desk.reads(at(number))
    admin.sets(number, room="9", public_title="Leak")
    for action, button, words in (
        (f"{at(number)}/comments", "Send", "Nothing was sent. What you wrote is still in the box below, and what you chose in the properties; the rest shows how it is now. Look at it, then send again."),
        (at(number), "Save", "Nothing was saved. What you chose is still in the properties, and what you wrote in the box below; the rest shows how it is now. Look at it, then save again."),
        (at(number), "Resolve", "Nothing was changed: the page shows how it is now, and what you typed is still here. Look at it, then press “Resolve” again."),
    ):  # fmt: skip
        held = Page(desk.sends(page.form_to(action, button=button), **TYPED, **CHOSEN))
        assert held.status == 412
        assert held.says(words)
        assert held.says("Ada Byron set the room to 9 and set the public title to Leak")
        assert still_there(held, number, **TYPED, **CHOSEN, public_title="Leak")
        assert held.html.count("Somebody else changed this too") == 1  # the room
    assert count(Comment) == 0


def test_who_is_refused_for_something_else_is_told_of_the_others_change_too(
    desk: Reader, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(at(number), button="Save")
    admin.sets(number, priority="urgent")
    page = Page(desk.sends(form, priority="low", room="x" * 51))
    assert page.status == 422
    assert page.says("Write the room in up to 50 characters")
    assert page.says("Ada Byron set priority to Urgent")
    assert page.html.count("Somebody else changed this too") == 1


def test_tags_of_two_people_are_added_up_unless_one_took_them_away(
    desk: Reader, admin: Person, customer: Person
) -> None:
    add(*(Tag(name=name) for name in ("exam", "hvac", "event", "safety", "warranty")))
    number = customer.reports()
    admin.sets(number, tags=["exam", "hvac", "event"])
    form = desk.reads(at(number)).form_to(at(number), button="Save")
    admin.sets(number, tags=["exam", "event", "warranty"])
    page = Page(desk.sends(form, tags=["exam", "hvac", "safety"]))
    assert page.status == 412
    assert page.html.count("Somebody else changed this too") == 1
    form = page.form_to(at(number), button="Save")
    assert sorted(form.data()["tags"]) == ["exam", "safety", "warranty"]
    desk.is_led(desk.sends(form))
    assert admin.sees(number)["tags"] == ["exam", "safety", "warranty"]


@pytest.mark.parametrize("meanwhile", ["waiting", "resolved", "in_progress"])
def test_the_status_that_goes_with_a_reply_stays_as_chosen(
    desk: Reader, admin: Person, customer: Person, meanwhile: str
) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    admin.sets(number, status=meanwhile)
    for then in ("waiting", ""):
        page = Page(desk.sends(form, text="A part is missing", then=then))
        assert page.status == 412
        assert page.form_to(f"{at(number)}/comments").data()["then"] == [then]
        labels = re.findall(r"<option[^>]*>([^<]*)</option>", page.html.split('id="then"')[1].split("</select>")[0])
        assert len(labels) == len(set(labels))


def test_enter_in_a_field_saves_the_properties(desk: Reader, customer: Person) -> None:
    """Of several buttons a browser presses the first: it must not resolve the ticket or send a half-written reply."""
    number = customer.reports()
    form = next(form for form in desk.reads(at(number)).forms if form.action == at(number))
    assert (form.buttons[0].label.strip(), form.buttons[0].name, form.buttons[0].action) == ("Save properties", "", at(number))  # fmt: skip


def test_who_is_about_to_shut_others_out_is_told(
    app: Flask, desk: Reader, customer: Person, other: Person, agent: Person
) -> None:
    number = customer.reports()
    assert not desk.reads(at(number)).says("no longer see it")
    other.joins(number)
    assert desk.reads(at(number)).says(
        "If it moves to one that nobody joins, 1 person who joined will no longer see it"
    )
    Person.made(app, "customer").joins(number)
    page = desk.reads(at(number))
    assert page.says("If set, 2 people who joined will no longer see it")
    page = desk.is_led(desk.sends(page.form_to(at(number), button="Save"), is_confidential="on"))
    assert not page.says("no longer see it")
    assert other.get(f"/api/tickets/{number}").status_code == 404


def test_where_a_form_is_sent_to_leads_to_the_ticket(app: Flask, desk: Reader, customer: Person) -> None:
    number = customer.reports()
    for reader in (desk, Reader(app)):
        response = reader.get(f"{at(number)}/comments")
        assert (response.status_code, response.headers["Location"]) == (302, at(number))


def test_properties_change_what_was_changed_and_nothing_else(desk: Reader, agent: Person, customer: Person) -> None:
    add(Building(slug="maple", name="Maple Hall"), Tag(name="hvac"))
    number = customer.reports(room="214")
    form = desk.reads(at(number)).form_to(at(number), button="Save")
    page = desk.is_led(desk.sends(form))
    assert count(Event) == 1  # nothing was changed, nothing happened
    form = page.form_to(at(number), button="Save")
    wish = {
        "status": "in_progress", "priority": "high", "assignee_id": str(agent.id), "category": "it-av", "building": "maple",
        "room": "", "tags": ["hvac"], "is_confidential": "on", "public_title": "Leak",
    }  # fmt: skip
    desk.is_led(desk.sends(form, **wish))
    ticket = agent.sees(number)
    shown = {name: ticket[name] for name in ("status", "priority", "room", "tags", "is_confidential", "public_title")}
    assert shown == {
        "status": "in_progress", "priority": "high", "room": None, "tags": ["hvac"], "is_confidential": True, "public_title": "Leak",
    }  # fmt: skip
    assert (ticket["assignee"]["id"], ticket["category"]["slug"], ticket["building"]["slug"]) == (
        agent.id,
        "it-av",
        "maple",
    )
    form = desk.reads(at(number)).form_to(at(number), button="Save")
    desk.is_led(desk.sends(form, assignee_id="", tags=None, is_confidential=None, public_title="", building=""))
    ticket = agent.sees(number)
    assert (ticket["assignee"], ticket["tags"], ticket["is_confidential"]) == (None, [], False)
    assert (ticket["public_title"], ticket["building"], ticket["priority"]) == (None, None, "high")


def test_two_who_change_a_ticket_at_once_lose_nothing(
    app: Flask, desk: Reader, admin: Person, customer: Person
) -> None:
    number = customer.reports(room="214")
    form = desk.reads(at(number)).form_to(at(number), button="Save")
    admin.sets(number, status="waiting", priority="high")
    response = desk.sends(form, room="215", status="resolved")
    page = Page(response)
    assert response.status_code == 412
    assert page.says("changed status from Open to Waiting and set priority to High")
    assert page.html.count("Somebody else changed this too") == 1  # the status: the priority was not hers
    form = page.form_to(at(number), button="Save")
    kept = form.data()
    assert (kept["room"], kept["status"], kept["priority"]) == (["215"], ["resolved"], ["high"])
    desk.is_led(desk.sends(form))
    ticket = admin.sees(number)
    assert (ticket["room"], ticket["status"], ticket["priority"]) == ("215", "resolved", "high")


def test_the_buttons_take_a_ticket_on_resolve_it_and_open_it_again(
    desk: Reader, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    page = desk.is_led(desk.sends(desk.reads(at(number)).form_to(at(number), button="Assign to me")))
    assert agent.sees(number)["assignee"]["id"] == agent.id
    assert not page.says("Assign to me")
    form = page.form_to(at(number), button="Resolve")
    first, again = (desk.sends(form) for _ in range(2))
    assert first.status_code == again.status_code == 303
    assert count(Event) == 3
    page = desk.is_led(first)
    desk.is_led(desk.sends(page.form_to(at(number), button="Reopen")))
    assert agent.sees(number)["status"] == "open"
    stale = desk.sends(page.form_to(at(number), button="Reopen"), key="0" * 32)
    assert stale.status_code == 412


def test_a_status_that_cannot_follow_is_refused_with_every_word(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    agent.sets(number, status="resolved")
    page = desk.reads(at(number))
    response = desk.sends(page.form_to(f"{at(number)}/comments"), text="Waiting for a part", then="waiting")
    refused = Page(response)
    assert response.status_code == 409
    assert refused.says("A ticket that is resolved cannot become waiting")
    assert refused.form_to(f"{at(number)}/comments").data()["text"] == ["Waiting for a part"]
    assert count(Comment) == 0
    assert refused.form_to(f"{at(number)}/comments").data()["then"] == ["waiting"]
    response = desk.sends(page.form_to(at(number), button="Save"), status="waiting", room="215")
    assert response.status_code == 409
    assert Page(response).form_to(at(number), button="Save").data()["room"] == ["215"]
    assert desk.sends(page.form_to(f"{at(number)}/comments"), text="Open again", then="open").status_code == 303


@pytest.mark.parametrize(("field", "value"), [("category", "nope"), ("assignee_id", "0"), ("team_id", "x"), ("room", "x" * 51), ("public_title", "ab"), ("status", "done"), ("tags", "nope")])  # fmt: skip
def test_a_property_that_cannot_be_is_said_beside_its_field(
    desk: Reader, customer: Person, field: str, value: str
) -> None:
    add(Tag(name="hvac"))
    number = customer.reports()
    form = desk.reads(at(number)).form_to(at(number), button="Save")
    page = Page(desk.sends(form, **{field: value, "priority": "high"}))
    assert page.status == 422
    assert f"#{field}" in page.links
    assert f'id="{field}"' in page.html
    assert page.form_to(at(number), button="Save").data()["priority"] == ["high"]
    assert count(Event) == 1


def test_a_choice_that_is_over_stays_as_long_as_it_is_chosen(
    desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    add(Building(slug="old", name="Old Mill"))
    number = customer.reports(building="old")
    agent.sets(number, assignee_id=admin.id)
    begin_write()
    db.session.scalars(select(Building)).one().is_archived = True
    db.session.commit()
    change(admin, is_active=False)
    form = desk.reads(at(number)).form_to(at(number), button="Save")
    assert (form.data()["building"], form.data()["assignee_id"]) == (["old"], [str(admin.id)])
    desk.is_led(desk.sends(form, room="9"))
    ticket = agent.sees(number)
    assert (ticket["building"]["slug"], ticket["assignee"]["id"], ticket["room"]) == ("old", admin.id, "9")
    desk.is_led(desk.sends(desk.reads(at(number)).form_to(at(number), button="Save"), building=""))
    assert ">Old Mill</option>" not in desk.reads(at(number)).html


def earlier(page: Page) -> Form:
    """The form, as the button sends it that shows what was earlier."""
    return page.form_to(next(b.action for form in page.forms for b in form.buttons if "before=" in b.action), button="Show what was earlier")  # fmt: skip


def test_a_long_history_shows_its_newest_end_and_leads_to_the_rest(
    desk: Reader, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    for turn in range(104):
        agent.writes(number, f"Turn-{turn}.", audience="internal")
    page = desk.reads(at(number))
    assert page.says("Turn-103.")
    assert page.says("Turn-4.")
    assert not page.says("Turn-3.")
    page = desk.is_led(desk.sends(earlier(page)))
    assert page.says("Turn-3.")
    assert page.says("Turn-0.")
    assert not page.says("Turn-4.")
    assert page.says("Back to the newest")
    assert not page.says("Send")
    assert count(Event) == 105
    assert desk.is_led(desk.sends(page.form_to(at(number), button="Back to the newest"))).says("Turn-103.")
    for nonsense in ("x", "-1", "9" * 19, "9" * 400, "²", ""):
        assert desk.reads(f"{at(number)}?before={quote(nonsense)}").says("Turn-103.")


def test_a_history_whose_newest_end_was_deleted_leads_to_the_rest(
    desk: Reader, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    agent.writes(number, "The first word.", audience="internal")
    for comment in [agent.writes(number, f"Turn-{turn}.", audience="internal") for turn in range(101)]:
        assert agent.delete(f"/api/comments/{comment}").status_code == 204
    page = desk.is_led(desk.sends(earlier(desk.reads(at(number)))))
    assert page.says("Priya Nair deleted a comment")
    page = desk.is_led(desk.sends(earlier(page)))  # there are a hundred rows before it of which nothing is left
    assert page.says("The first word.")
    assert page.says("From the beginning")


def test_what_is_too_large_is_told_the_limit_and_led_back(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    for path, back in (
        (at(number), at(number)),
        (f"{at(number)}/comments", at(number)),
        (NEW, NEW),
        (LOGIN, "/staff/"),
    ):
        page = Page(desk.open("POST", path, data={"text": "x" * 1024**2}))
        assert (page.status, page.says("This is too large")) == (413, True)
        assert page.says("A message has at most 20,000 characters, and all that is sent at once 1 MB.")
        assert back in page.links
    program = desk.open("POST", NEW, data={"text": "x" * 1024**2}, headers={"Accept": "application/json"})
    assert (program.status_code, program.mimetype) == (413, "application/problem+json")


def test_a_ticket_that_is_not_there_is_not_found(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    for path in (at(number + 1), f"/staff/tickets/{2**63}", "/staff/tickets/x"):
        page = desk.reads(path, 404)
        assert page.says("This room does not exist")
        assert "/staff/" in page.links
    assert (
        desk.open("POST", f"{at(number + 1)}/comments", data={"text": "x", "audience": "internal"}).status_code == 404
    )
    assert desk.get(at(number)).status_code == 200


@pytest.mark.parametrize(
    ("fields", "hours", "words"),
    [
        ({}, 0, "Reply due"),
        ({"priority": "urgent"}, 0.5, "Reply due in 30 min"),
        ({"priority": "urgent"}, 3, "Reply 2 h late"),
        ({"priority": "high"}, 0, "Reply due in 4 h"),
        ({"priority": "high"}, 0, "Reply due in 4 h today 14:00"),
        ({"priority": "high"}, 3.5, "Reply due in 30 min today 14:00"),
        ({"priority": "high"}, 12.5, "Reply 8 h late today 14:00"),
        ({"priority": "high"}, 14.5, "Reply 10 h late yesterday 14:00"),
        ({}, 13.5, "Reply due in 10 h 30 min tomorrow 10:00"),
        ({}, 0, "Fix due Sun 10:00 target 5 days"),
        ({"status": "waiting"}, 0, "Paused"),
    ],
)
def test_a_ticket_says_what_is_due_and_when(
    desk: Reader, agent: Person, customer: Person, fields: dict[str, Any], hours: float, words: str
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        desk = Reader(desk.app, agent)
        for person in (agent, customer):
            person.signs_in()
        number = customer.reports()
        agent.sets(number, **fields) if fields else None
        clock.shift(hours * 3600)
        assert desk.reads(at(number)).says(words)


def test_how_a_service_level_was_kept_is_said(app: Flask, agent: Person, customer: Person) -> None:
    with time_machine.travel(START, tick=False) as clock:
        desk = Reader(app, agent)
        customer.signs_in()
        number = customer.reports()
        clock.shift(19 * 60)
        desk.sends(desk.reads(at(number)).form_to(f"{at(number)}/comments"), text="On our way")
        clock.shift(41 * 60)
        page = desk.is_led(desk.sends(desk.reads(at(number)).form_to(at(number), button="Resolve")))
        assert page.says("First reply after 19 min")
        assert page.says("Fixed after 1 h")
        assert desk.reads("/staff/?status=resolved").says("Fixed after 1 h")


def test_resolved_this_week_begins_on_monday(app: Flask, agent: Person, customer: Person) -> None:
    with time_machine.travel(START, tick=False) as clock:
        desk = Reader(app, agent)
        for person in (agent, customer):
            person.signs_in()
        number = customer.reports()
        agent.sets(number, status="resolved")
        query = "/staff/?resolved=week&status=resolved&status=closed"
        assert listed(desk.reads(query)) == [number]
        clock.move_to(START + timedelta(days=7 - START.weekday()))
        assert listed(desk.reads(query)) == []


def test_times_are_said_in_the_readers_time_zone(app: Flask, desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    created = agent.sees(number)["created_at"]
    assert created.endswith("Z")
    change(agent, time_zone="Pacific/Auckland")
    ticket = db.session.get_one(Ticket, number)
    local = ticket.created_at.astimezone(ZoneInfo("Pacific/Auckland"))
    assert f"{local.day} {local:%b %Y, %H:%M}" in desk.reads(at(number)).html


def test_the_readers_theme_is_the_pages(desk: Reader, agent: Person) -> None:
    assert "data-theme" not in desk.reads("/staff/").html
    change(agent, theme="dark")
    assert '<html lang="en" data-theme="dark">' in desk.reads("/staff/").html
