"""The pages that links in mails lead to, and the pages that everybody may meet: errors, the mailbox, the API reference."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from helpdesk import mail
from models import Session, User, db
from tests.doors import NEW_PASSWORD, at, change, login
from tests.factories import PASSWORD, Person, link_in, mails
from tests.pages import Page, Reader

CONFIRM, FORGOT, RESET, ADDRESS = (f"/account/{name}" for name in ("confirm", "forgot", "reset", "address"))
NOT_A_LINK = "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.fixture
def reader(app: Flask) -> Reader:
    return Reader(app)


def registers(anonymous: Person, **fields: Any) -> str:
    body = {"username": "nell", "email": "nell@campus.test", "password": NEW_PASSWORD, **fields}
    assert anonymous.post("/api/auth/register", body).status_code == 202
    return link_in(mails(body["email"])[0])


def forgets(anonymous: Person, person: Person) -> str:
    assert anonymous.post("/api/auth/password/forgot", {"email": person.email}).status_code == 202
    return link_in(mails(person.email)[0])


def moves(person: Person, email: str = "moved@campus.test") -> str:
    response = person.patch("/api/users/me", {"email": email, "current_password": PASSWORD})
    assert response.status_code == 200, response.get_data(as_text=True)
    return link_in(mails(email)[0])


def user(email: str) -> User | None:
    db.session.rollback()
    return db.session.scalar(select(User).where(User.email_normalized == email))


# --- confirming -------------------------------------------------------------------------------------------------------


def test_whoever_registered_chooses_a_password_and_is_signed_in(reader: Reader, anonymous: Person) -> None:
    token = registers(anonymous)
    page = reader.reads(f"{CONFIRM}?token={token}")
    assert "nell@campus.test" in page.html  # for the password manager
    assert page.says("Give your password once more")
    assert user("nell@campus.test") is None  # mail scanners follow links, too
    response = reader.sends(page.form_to(CONFIRM), password=NEW_PASSWORD)
    assert response.headers["Location"] == "/"
    assert reader.get("/api/users/me").json["username"] == "nell"
    assert login(anonymous, "nell", NEW_PASSWORD).status_code == 200
    again = reader.sends(page.form_to(CONFIRM), password=NEW_PASSWORD)
    assert again.status_code == 400
    assert Page(again).says("This link does not work any more")


def test_whoever_was_invited_to_the_staff_is_led_to_the_queue(reader: Reader, admin: Person) -> None:
    invitation = {"email": "tom@campus.test", "name": "Tom Okafor", "role": "agent"}
    assert admin.post("/api/users", invitation).status_code == 201
    page = reader.reads(f"{CONFIRM}?token={link_in(mails('tom@campus.test')[0])}")
    assert page.says("Choose a password")
    response = reader.sends(page.form_to(CONFIRM), password=NEW_PASSWORD)
    assert response.headers["Location"] == "/staff/"
    assert reader.is_led(response).says("Tom Okafor")


@pytest.mark.parametrize("password", ["", "short", "password1", "x" * 129, "aaaaaaaaaaaa"])
def test_a_password_that_will_not_do_is_said_and_the_link_stays_good(
    reader: Reader, anonymous: Person, customer: Person, password: str
) -> None:
    for path, token in ((CONFIRM, registers(anonymous)), (RESET, forgets(anonymous, customer))):
        page = Page(reader.sends(reader.reads(f"{path}?token={token}").form_to(path), password=password))
        assert page.status == 422
        assert page.title.startswith("Problem: ")
        assert "#password" in page.links
        assert password == "" or password not in page.html
        assert reader.sends(page.form_to(path), password=NEW_PASSWORD).status_code == 303


def test_a_username_that_was_taken_meanwhile_is_said(reader: Reader, anonymous: Person) -> None:
    first, second = registers(anonymous), registers(anonymous, email="other@campus.test")
    for token, status in ((first, 303), (second, 409)):
        response = reader.sends(reader.reads(f"{CONFIRM}?token={token}").form_to(CONFIRM), password=NEW_PASSWORD)
        assert response.status_code == status
    assert Page(response).says("Register again with another")


# --- a forgotten password ---------------------------------------------------------------------------------------------


def test_asking_for_a_link_says_the_same_whether_or_not_there_is_an_account(reader: Reader, customer: Person) -> None:
    answers = []
    for email in (customer.email, "nobody@campus.test"):
        page = reader.is_led(reader.sends(reader.reads(FORGOT).form_to(FORGOT), email=email))
        answers.append(page.html)
    assert answers[0] == answers[1]
    assert Page(reader.get("/account/done/sent")).says("If there is an account with this address")
    assert [found["to"] for found in mails()] == [f"Jonas Weber <{customer.email}>"]


def test_an_address_that_is_none_is_said_and_kept(reader: Reader) -> None:
    page = Page(reader.sends(reader.reads(FORGOT).form_to(FORGOT), email="nell at campus"))
    assert page.status == 422
    assert page.says("Write an address, such as name@example.edu")
    assert page.form_to(FORGOT).data()["email"] == ["nell at campus"]


def test_asking_too_often_is_told_how_long_to_wait(app: Flask, reader: Reader) -> None:
    form = reader.reads(FORGOT).form_to(FORGOT)
    for _ in range(31):
        response = reader.open("POST", FORGOT, data=form.data(email="nobody@campus.test"), **at("192.0.2.7"))
    assert response.status_code == 429
    assert Page(response).says(f"Wait {response.headers['Retry-After']} second")
    assert reader.sends(form, email="nobody@campus.test").status_code == 303


def test_a_reset_sets_the_password_and_ends_every_session(app: Flask, customer: Person, anonymous: Person) -> None:
    reader = Reader(app, customer)
    token = forgets(anonymous, customer)
    page = reader.reads(f"{RESET}?token={token}")
    assert page.says("It logs you out everywhere, in this browser too.")
    assert not page.says("You are logged out")
    assert login(anonymous, customer.username).status_code == 200
    response = reader.sends(page.form_to(RESET), password=NEW_PASSWORD)
    assert not reader.jar
    assert response.headers["Location"] == "/login?done=password"
    assert db.session.scalar(select(Session.id).where(Session.user_id == customer.id)) is None
    assert login(anonymous, customer.username).status_code == 401
    assert login(anonymous, customer.username, NEW_PASSWORD).status_code == 200
    again = reader.sends(page.form_to(RESET), password="another one for luck")
    assert again.status_code == 400
    assert FORGOT in Page(again).links


def test_mail_and_page_say_the_same_of_what_a_reset_ends(app: Flask, customer: Person, anonymous: Person) -> None:
    token = forgets(anonymous, customer)
    message = mails(customer.email)[0]
    for words in (message["text"], message["html"]):
        assert "logs you out everywhere." in words
        assert "else" not in words
    reader = Reader(app)
    page = reader.reads(f"{RESET}?token={token}")
    assert page.says("It logs you out everywhere")
    assert reader.sends(page.form_to(RESET), password=NEW_PASSWORD).status_code == 303
    assert "logs everybody out" in mails(customer.email)[0]["text"]


def test_a_reset_ends_the_session_of_its_browser_whoever_that_is(
    app: Flask, customer: Person, other: Person, anonymous: Person
) -> None:
    borrowed, own = Reader(app, other), Reader(app, other)
    stolen = dict(borrowed.jar)
    page = borrowed.reads(f"{RESET}?token={forgets(anonymous, customer)}")
    assert borrowed.sends(page.form_to(RESET), password=NEW_PASSWORD).status_code == 303
    borrowed.jar = stolen
    assert borrowed.get("/api/users/me").status_code == 401
    assert own.get("/api/users/me").status_code == 200


# --- a new address ----------------------------------------------------------------------------------------------------


def test_a_new_address_counts_once_its_owner_says_so(reader: Reader, customer: Person) -> None:
    token = moves(customer)
    page = reader.reads(f"{ADDRESS}?token={token}")
    assert page.says("moved@campus.test")
    assert user("moved@campus.test") is None
    assert reader.is_led(reader.sends(page.form_to(ADDRESS))).says("Your new address is confirmed")
    moved = user("moved@campus.test")
    assert moved is not None
    assert moved.id == customer.id
    assert reader.sends(page.form_to(ADDRESS)).status_code == 400


def test_an_address_that_somebody_else_has_by_now_is_said(reader: Reader, customer: Person, other: Person) -> None:
    page = reader.reads(f"{ADDRESS}?token={moves(customer)}")
    change(other, email="moved@campus.test", email_normalized="moved@campus.test")
    refused = Page(reader.sends(page.form_to(ADDRESS)))
    assert refused.status == 409
    assert refused.says("This address is taken")
    before = user(customer.email)
    assert before is not None
    assert before.id == customer.id


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [CONFIRM, RESET, ADDRESS])
@pytest.mark.parametrize("token", ["", "x", NOT_A_LINK, "\x00" * 30, "é" * 30, "x" * 300])
def test_a_bad_link_says_what_to_do(reader: Reader, path: str, token: str) -> None:
    for response in (
        reader.open("GET", path, query_string={"token": token}),
        reader.open("POST", path, data={"token": token, "password": NEW_PASSWORD}),
    ):
        page = Page(response)
        assert page.status == 400
        assert page.says("This link does not work any more")
        assert len(page.words) > 150


def test_a_link_is_good_for_its_own_page_alone(reader: Reader, anonymous: Person, customer: Person) -> None:
    tokens = {CONFIRM: registers(anonymous), RESET: forgets(anonymous, customer), ADDRESS: moves(customer)}
    for path in tokens:
        for meant_for, token in tokens.items():
            assert reader.get(f"{path}?token={token}").status_code == (200 if path == meant_for else 400)
            if path != meant_for:
                assert reader.open("POST", path, data={"token": token, "password": NEW_PASSWORD}).status_code == 400


def test_no_other_site_is_told_the_address_of_these_pages(reader: Reader, anonymous: Person, customer: Person) -> None:
    paths = [
        f"{CONFIRM}?token={registers(anonymous)}", f"{RESET}?token={forgets(anonymous, customer)}", FORGOT,
        f"{ADDRESS}?token={NOT_A_LINK}", "/account/done/address",
    ]  # fmt: skip
    for path in paths:
        response = reader.get(path)
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["Cache-Control"] == "no-store"


def test_forms_of_other_sites_pages_are_refused(reader: Reader, anonymous: Person, customer: Person) -> None:
    wishes = {
        CONFIRM: {"token": registers(anonymous), "password": NEW_PASSWORD},
        RESET: {"token": forgets(anonymous, customer), "password": NEW_PASSWORD},
        ADDRESS: {"token": moves(customer)},
        FORGOT: {"email": "nobody@campus.test"},
    }
    for path, wish in wishes.items():
        assert reader.open("POST", path, data=wish, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert Person(reader.app).open("POST", path, data=wish).status_code == 403
    assert user("nell@campus.test") is None
    for path in (CONFIRM, ADDRESS, FORGOT):  # a reset ends the link to a new address
        assert reader.open("POST", path, data=wishes[path]).status_code == 303


def test_these_pages_need_no_script(reader: Reader, anonymous: Person) -> None:
    for path in (f"{CONFIRM}?token={registers(anonymous)}", FORGOT, "/account/done/address", "/account/nothing"):
        page = Page(reader.get(path))
        for tag, attributes in page.tags:
            assert tag not in ("script", "style")
            assert not [name for name in attributes if name == "style" or name.startswith("on")]


# --- mails ------------------------------------------------------------------------------------------------------------


def test_every_kind_of_mail_has_its_words(app: Flask) -> None:
    for kind in mail.MAILS:
        for part in ("subject.txt", "body.txt", "body.html"):
            assert app.jinja_env.get_template(f"email/{kind}/{part}")


def test_a_mail_says_exactly_what_was_written(agent: Person, customer: Person) -> None:
    words = 'Don\'t use "A & B" <today>. **Thanks**'
    number = customer.reports(title="Tom's <b>lamp</b> & desk", room="<214>")
    received = mails(customer.email)[0]
    assert received["subject"] == f"We have your report: #{number} Tom's <b>lamp</b> & desk"
    assert "<214>" in received["text"]
    assert "&lt;b&gt;lamp" in received["html"]
    agent.writes(number, words, audience="reporter")
    reply = mails(customer.email)[0]
    assert words in reply["text"]
    assert "<strong>Thanks</strong>" in reply["html"]
    assert "&lt;today&gt;" in reply["html"]
    assert "&#" not in reply["text"]
    assert "&amp;" not in reply["text"]
    agent.sets(number, status="resolved")
    assert "Within 14 days you can open it again" in mails(customer.email)[0]["text"]


def test_links_in_mails_lead_to_pages_that_are_there(reader: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    agent.writes(number, "On our way", audience="reporter")
    agent.sets(number, status="resolved")
    anonymous = Person(reader.app)
    anonymous.post("/api/auth/register", {"username": "nell", "email": customer.email, "password": NEW_PASSWORD})
    forgets(anonymous, customer)
    moves(customer)
    registers(anonymous, username="nell2")
    found = mails()
    assert len(found) == 7
    for message in found:
        addresses = reader.app.jinja_env.filters["links"](message["text"])
        assert addresses
        for address in addresses:
            assert address.startswith("http://helpdesk.test")
            assert reader.get(address.removeprefix("http://helpdesk.test") or "/").status_code < 400, address


# --- errors, the mailbox, the reference -------------------------------------------------------------------------------


def test_a_person_gets_a_page_for_an_error_and_a_program_a_problem(app: Flask, reader: Reader) -> None:
    page = reader.reads("/nothing", 404)
    assert page.says("This room does not exist")
    assert page.says("Error 404")
    assert "/" in page.links
    problem = reader.get("/nothing", headers={"Accept": "application/json"})
    assert problem.mimetype == "application/problem+json"
    assert reader.get("/api/nothing").mimetype == "application/problem+json"
    assert Page(reader.open("POST", "/account/done/sent")).status == 405


def test_a_bug_is_a_page_with_a_number_and_without_a_word_of_the_inside(
    app: Flask, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret-canary")

    monkeypatch.setattr("blueprints.account.auth.forgot", broken)
    response = reader.open("POST", FORGOT, data={"email": "a@campus.test"}, headers={"X-Request-ID": "abcdef123456"})
    page = Page(response)
    assert page.status == 500
    assert page.says("Something broke on our side")
    assert page.says("abcdef123456")
    assert "canary" not in page.html


def test_the_mailbox_shows_mails_as_text_with_their_links(reader: Reader, anonymous: Person, customer: Person) -> None:
    assert reader.reads("/dev/mailbox").says("No mails yet")
    customer.reports(title="<script>alert(1)</script> lamp")
    token = registers(anonymous)
    page = reader.reads("/dev/mailbox")
    assert page.says("2 mails")
    assert f"http://helpdesk.test{CONFIRM}?token={token}" in page.links
    assert "<script>" not in page.html
    items = reader.get("/dev/mailbox", headers={"Accept": "application/json"}).json["items"]
    assert [item["to"] for item in items] == ["nell@campus.test", f"Jonas Weber <{customer.email}>"]


def test_the_reference_names_its_spec_and_works_without_a_build(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    built = {"scripts": ["/static/dist/docs.js"], "styles": ["/static/dist/docs.css"]}
    for files, words in ((built, "This page needs JavaScript"), ({"scripts": [], "styles": []}, "is not built")):
        monkeypatch.setitem(app.jinja_env.globals, "built", lambda entry, files=files: files)
        page = reader.reads("/api/docs")
        assert page.says(words)
        assert ("div", {"id": "docs", "data-spec": "/api/openapi.json"}) in page.tags
        assert [attributes.get("src") for tag, attributes in page.tags if tag == "script"] == files["scripts"]
