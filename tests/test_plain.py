"""The plain page to report on: no script, with an account or with an address."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from blueprints import plain
from helpdesk import limits
from helpdesk.limits import Limit
from models import Building, Image, Ticket, begin_write, db
from tests.doors import another
from tests.factories import PASSWORD, Person, a_picture, link_in, mails
from tests.pages import Form, Page, Reader

FORM = "/report/plain"
SENT = "/report/plain/sent"
REPORT: dict[str, Any] = {"title": "Water dripping from the ceiling", "category": "facilities-leaks"}
TYPED: dict[str, Any] = {
    "title": "Wasser", "category": "facilities-leaks", "room": "2.14 <b>", "details": "It drips.\nA lot.", "name": "Nell Hart",
    "email": "nell@elsewhere.test", "is_confidential": "on",
}  # fmt: skip


@pytest.fixture
def guest(app: Flask) -> Reader:
    return Reader(app)


@pytest.fixture
def member(app: Flask, customer: Person) -> Reader:
    return Reader(app, customer)


@pytest.fixture
def maple(app: Flask) -> str:
    begin_write()
    db.session.add(Building(slug="maple-hall", name="Maple Hall"))
    db.session.commit()
    return "maple-hall"


def reports() -> int:
    db.session.remove()
    return db.session.scalar(select(func.count()).select_from(Ticket)) or 0


# --- with an account --------------------------------------------------------------------------------------------------


def test_whoever_is_logged_in_reports_and_is_told_the_number(member: Reader, maple: str) -> None:
    page = member.reads(FORM)
    assert not any(attributes.get("name") == "email" for _, attributes in page.tags)
    sent = member.sends(page.form_to(FORM), **REPORT, building=maple, room="214", details="It drips.")
    done = member.is_led(sent)
    number = db.session.scalar(select(Ticket.id))
    assert done.title.startswith(f"Sent, #{number}")
    assert f"/tickets/{number}" in done.links
    ticket = member.get(f"/api/tickets/{number}").json
    assert (ticket["title"], ticket["description"], ticket["room"]) == (REPORT["title"], "It drips.", "214")
    assert (ticket["building"]["slug"], ticket["channel"], ticket["held"]) == (maple, "web", False)
    assert not ticket["is_confidential"]


def test_without_details_the_title_says_it_all(member: Reader) -> None:
    member.is_led(member.sends(member.reads(FORM).form_to(FORM), **REPORT, is_confidential="on"))
    ticket = member.get("/api/tickets").json["items"][0]
    assert ticket["description"] == ticket["title"] == REPORT["title"]
    assert ticket["is_confidential"]


def test_a_report_that_is_sent_twice_is_one(member: Reader) -> None:
    form = member.reads(FORM).form_to(FORM)
    first, second = member.sends(form, **REPORT), member.sends(form, **REPORT)
    assert first.headers["Location"] == second.headers["Location"]
    assert reports() == 1
    changed = Page(member.sends(form, **{**REPORT, "title": "Another leak"}))
    assert changed.status == 409
    assert changed.form_to(FORM).data()["title"] == ["Another leak"]
    assert member.sends(changed.form_to(FORM)).status_code == 303
    assert reports() == 2


def test_what_was_sent_is_shown_to_its_reporter_alone(app: Flask, member: Reader, other: Person) -> None:
    path = member.sends(member.reads(FORM).form_to(FORM), **REPORT).headers["Location"]
    assert member.reads(path).says(REPORT["title"])
    assert not Reader(app, other).reads(path, 404).says(REPORT["title"])
    assert not Reader(app).reads(path, 401).says(REPORT["title"])


def test_a_session_that_ended_meanwhile_loses_nothing(app: Flask, member: Reader, customer: Person) -> None:
    form = member.reads(FORM).form_to(FORM)
    assert customer.delete("/api/users/me/sessions").status_code == 204
    page = Page(member.sends(form, **REPORT, details="It drips.", room="214"))
    assert page.status == 401
    assert page.says("You are logged out")
    assert reports() == 0
    kept = page.form_to(FORM).data()
    assert (kept["title"], kept["details"], kept["room"]) == ([REPORT["title"]], ["It drips."], ["214"])
    # logged in on another page, the same form is one's own again; what stands under “email” says nothing then
    member.jar = Reader(app, customer).jar
    assert member.sends(page.form_to(FORM), email="nell@elsewhere.test").status_code == 303
    assert member.get("/api/tickets").json["items"][0]["reporter"]["id"] == customer.id


def test_staff_report_for_themselves_here(app: Flask, agent: Person) -> None:
    reader = Reader(app, agent)
    form = reader.reads(FORM).form_to(FORM)
    form.fields += [("email", "nell@elsewhere.test"), ("priority", "urgent"), ("reporter_id", "1")]
    assert reader.sends(form, **REPORT).status_code == 303
    ticket = reader.get("/api/tickets").json["items"][0]
    assert (ticket["reporter"]["id"], ticket["priority"]) == (agent.id, "normal")


# --- with an address --------------------------------------------------------------------------------------------------


def test_a_guests_report_waits_for_the_link_in_the_mail(guest: Reader, agent: Person) -> None:
    page = guest.is_led(guest.sends(guest.reads(FORM).form_to(FORM), **TYPED))
    assert page.says("Check your mail")
    assert "nell@elsewhere.test" not in page.html  # the address of this page is in a history
    assert agent.get("/api/tickets").json["items"] == []
    opened = guest.reads(f"/account/report?token={link_in(mails('nell@elsewhere.test')[0])}")
    assert guest.sends(opened.forms[-1]).status_code == 303
    ticket = agent.get("/api/tickets").json["items"][0]
    assert (ticket["title"], ticket["reporter"]["name"], ticket["is_confidential"]) == ("Wasser", "Nell Hart", True)
    assert (ticket["room"], ticket["channel"]) == ("2.14 <b>", "web")


def test_a_guests_report_that_is_sent_twice_is_one_and_one_mail(guest: Reader) -> None:
    form = guest.reads(FORM).form_to(FORM)
    for _ in range(4):  # more often than an address may be written to
        assert guest.sends(form, **TYPED).headers["Location"] == SENT
    assert reports() == 1
    assert len(mails("nell@elsewhere.test")) == 1
    # other words are another report, and so are the same words on a form of their own
    assert guest.sends(form, **{**TYPED, "title": "Wasser im Keller"}).headers["Location"] == SENT
    assert guest.sends(guest.reads(FORM).form_to(FORM), **TYPED).headers["Location"] == SENT
    assert reports() == 3


def test_a_guest_is_answered_the_same_whoever_has_the_address(guest: Reader, customer: Person) -> None:
    answers = []
    for email in (customer.email, "nobody@elsewhere.test"):
        response = guest.sends(guest.reads(FORM).form_to(FORM), **{**TYPED, "email": email})
        answers.append((response.status_code, response.headers["Location"], response.data))
    assert answers[0] == answers[1]


def test_too_many_reports_are_told_how_long_to_wait(guest: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GUEST_PEER", Limit("guest-peer-once", burst=1, every=600))
    assert guest.sends(guest.reads(FORM).form_to(FORM), **TYPED).status_code == 303
    response = guest.sends(guest.reads(FORM).form_to(FORM), **{**TYPED, "title": "Once more"})
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    page = Page(response)
    assert page.says(f"Try again in {response.headers['Retry-After']} seconds")
    assert page.form_to(FORM).data()["title"] == ["Once more"]
    assert reports() == 1


# --- the page ---------------------------------------------------------------------------------------------------------


def test_what_is_wrong_is_said_and_everything_typed_stays(guest: Reader, maple: str) -> None:
    typed = {**TYPED, "title": "x", "category": "", "email": "nell at campus", "building": maple}
    page = Page(guest.sends(guest.reads(FORM).form_to(FORM), **typed))
    assert page.status == 422
    assert page.title.startswith("Problem: ")
    assert {"#title", "#category", "#email"} <= set(page.links)
    assert "#details" not in page.links
    for words in ("Say what the problem is in 3 to 200", "Choose what it is about", "Write an address, such as"):
        assert page.html.count(words) >= 2, "in the summary and beside the field"
    kept = page.form_to(FORM).data()
    assert {name: kept[name][0].replace("\r\n", "\n") for name in typed} == typed
    assert reports() == 0
    assert guest.sends(page.form_to(FORM), **{**TYPED, "building": maple}).status_code == 303


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "Say what the problem is"),
        ("title", "x" * 201, "Say what the problem is in 3 to 200 characters"),
        ("category", "nothing", "Choose what it is about"),
        ("building", "nowhere", "Choose a building"),
        ("room", "x" * 51, "Write the room in up to 50 characters"),
        ("details", "x" * 20_001, "Write the details in up to 20,000 characters"),
        ("email", "", "Write your address"),
        ("name", "x" * 101, "Write your name in up to 100 characters"),
    ],
)
def test_each_field_says_what_to_do(guest: Reader, field: str, value: str, words: str) -> None:
    page = Page(guest.sends(guest.reads(FORM).form_to(FORM), **{**TYPED, field: value}))
    assert page.status == 422
    assert [link for link in page.links if link.startswith("#") and link != "#main"] == [f"#{field}"]
    assert page.says(words)


def test_a_link_fills_the_form_in(guest: Reader, maple: str) -> None:
    query = {"building": maple, "room": "214", "category": "it-wifi", "title": 'No "Wi-Fi"', "email": "a@b.test"}
    page = Page(guest.open("GET", FORM, query_string={**query, "details": "no", "nonsense": "x"}))
    typed = page.form_to(FORM).data()
    for name in ("building", "room", "category", "title"):
        assert typed[name] == [query[name]]
    assert typed["email"] == typed["details"] == [""]
    strange = Page(guest.open("GET", FORM, query_string={"building": "<script>", "category": "nothing"}))
    assert strange.form_to(FORM).data()["building"] == [""]


def test_whom_to_call_first_stands_beside_the_form(app: Flask, guest: Reader) -> None:
    assert not guest.reads(FORM).says("Fire?")
    with another(app, EMERGENCY_TEXT="Fire? Call <2222> first.") as careful:
        page = Reader(careful).reads(FORM)
        assert page.says("Fire? Call < 2222 > first.")
        assert "tel:2222" in page.links
        assert "<2222>" not in page.html


def test_a_form_of_another_sites_page_is_refused(guest: Reader, member: Reader) -> None:
    for reader in (guest, member):
        form = reader.reads(FORM).form_to(FORM)
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            response = reader.open("POST", FORM, data=form.data(**TYPED), headers=headers)
            assert response.status_code == 403
        assert reports() == 0
    assert guest.sends(guest.reads(FORM).form_to(FORM), **TYPED).status_code == 303
    assert member.sends(member.reads(FORM).form_to(FORM), **REPORT).status_code == 303


def test_it_needs_no_script(guest: Reader, member: Reader) -> None:
    for page in (guest.reads(FORM), member.reads(FORM), guest.reads(SENT)):
        for tag, attributes in page.tags:
            assert tag not in ("script", "style")
            assert not [name for name in attributes if name == "style" or name.startswith("on")]


# --- photos -----------------------------------------------------------------------------------------------------------


def with_photos(reader: Reader, form: Form, *files: bytes, **changes: Any) -> TestResponse:
    """Send a form as a browser does in which these files were chosen."""
    data: dict[str, Any] = {name: values for name, values in form.data(**changes).items() if name != "images"}
    chosen = [(io.BytesIO(file), f"photo-{number}.png", "image/png") for number, file in enumerate(files)]
    carried = [value for name, value in form.fields if name == "images" and value]
    content = {**data, "images": [*carried, *chosen]}
    return reader.open("POST", form.action, data=content, content_type="multipart/form-data")


def test_photos_go_with_the_report_of_whoever_has_an_account(member: Reader) -> None:
    form = member.reads(FORM).form_to(FORM)
    first = with_photos(member, form, a_picture(), a_picture(8, 6), **REPORT)
    member.is_led(first)
    ticket = member.get("/api/tickets").json["items"][0]
    assert ticket["image_count"] == 2
    again = with_photos(member, form, a_picture(), a_picture(8, 6), **REPORT)
    assert again.headers["Location"] == first.headers["Location"]
    assert reports() == 1


def test_photos_stay_when_something_else_is_wrong_and_can_be_taken_out(member: Reader) -> None:
    form = member.reads(FORM).form_to(FORM)
    page = Page(with_photos(member, form, a_picture(), a_picture(8, 6), b"no picture", **{**REPORT, "title": "x"}))
    assert page.status == 422
    assert {"#title", "#images"} <= set(page.links)
    assert page.says("photo-2.png")
    kept = page.forms[-1].data()["images"]
    numbers = [value for value in kept if value]
    assert len(numbers) == 2
    taken_out = Page(with_photos(member, page.forms[-1], delete=numbers[0]))
    assert taken_out.status == 200
    assert [value for value in taken_out.forms[-1].data()["images"] if value] == [numbers[1]]
    member.is_led(with_photos(member, taken_out.forms[-1], **REPORT))
    assert member.get("/api/tickets").json["items"][0]["image_count"] == 1


def test_nobody_ties_a_photo_that_is_not_theirs(app: Flask, member: Reader, other: Person) -> None:
    foreign = other.uploads()
    form = member.reads(FORM).form_to(FORM)
    form.fields += [("images", str(foreign))]
    page = Page(with_photos(member, form, **REPORT))
    assert page.status == 422
    assert page.says("A photo is not there any more")
    assert reports() == 0


def test_photos_of_a_guest_wait_for_the_link(guest: Reader) -> None:
    page = guest.reads(FORM)
    assert page.says("You can add photos after you confirmed it")
    assert not any(attributes.get("type") == "file" for _, attributes in page.tags)
    assert with_photos(guest, page.form_to(FORM), a_picture(), **TYPED).status_code == 303
    opened = guest.reads(f"/account/report?token={link_in(mails('nell@elsewhere.test')[0])}")
    assert opened.status == 200
    db.session.remove()
    assert db.session.scalar(select(func.count()).select_from(Image)) == 0


def test_photos_count_whichever_button_sent_them(member: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "UPLOAD", Limit("upload-twice", burst=2, every=3600))
    form = member.reads("/report/plain").form_to("/report/plain")
    taken = member.sends(form, photos=[a_picture()], title="The lamp flickers", delete="0")
    assert taken.status_code == 200
    assert db.session.scalar(select(func.count()).select_from(Image)) == 1
    refused = member.sends(form, photos=[a_picture(), a_picture()], title="The lamp flickers", delete="0")
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Image)) == 1
    assert "could not be kept" in refused.get_data(as_text=True)


def test_without_scripts_one_logs_in_on_a_page_of_its_own(app: Flask, guest: Reader, customer: Person) -> None:
    page = guest.reads(guest.reads(FORM).links[guest.reads(FORM).links.index("/account/login")])
    refused = guest.sends(page.form_to("/account/login"), identifier=customer.username, password="wrong")
    assert refused.status_code == 401
    again = Page(refused)
    assert again.says("The username or the password is not right")
    assert again.form_to("/account/login").data()["identifier"] == [customer.username]
    empty = Page(guest.sends(page.form_to("/account/login"), identifier="", password=""))
    assert empty.status == 422 and empty.says("Write your password")
    plain = guest.is_led(guest.sends(again.form_to("/account/login"), identifier=customer.username, password=PASSWORD))
    assert plain.says("Photos") and "/account" in plain.links
    assert guest.get("/account/login").headers["Location"] == FORM
    foreign = guest.open("POST", "/account/login", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
