"""“Yes, fixed” and “No, still broken” in the mail that a report is resolved: a click, not a glance, and the reporter's own."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from helpdesk import auth
from helpdesk.errors import BadLink
from models import Audience, Comment, Ticket, User, db, now
from tests.doors import another, change, recorded
from tests.factories import Person, a_report, link_in, mails
from tests.pages import Page, Reader

FIXED = "/account/fixed"


@pytest.fixture
def reader(app: Flask) -> Reader:
    """Whoever opens the mail, logged in nowhere."""
    return Reader(app)


def links(email: str) -> tuple[str, str]:
    """Where the two buttons of the newest mail about it lead."""
    message = next(one for one in mails(email) if "Is it really fixed?" in one["text"])
    found = re.findall(r"http://helpdesk\.test(/account/fixed\?token=\S+)", message["text"])
    assert len(found) == 2
    for link in found:
        assert f'href="http://helpdesk.test{link}"' in message["html"]
    return found[0], found[1]


def resolved(customer: Person, agent: Person) -> tuple[int, str, str]:
    number = customer.reports()
    agent.sets(number, status="resolved")
    return number, *links(customer.email)


def status(number: int) -> str:
    db.session.remove()
    return db.session.get_one(Ticket, number).status.value


def words(number: int) -> list[tuple[str, int, Audience]]:
    db.session.remove()
    rows = db.session.query(Comment).filter_by(ticket_id=number).order_by(Comment.id)
    return [(row.text, row.author_id, row.audience) for row in rows]


def test_looking_changes_nothing_and_a_click_closes_it(reader: Reader, customer: Person, agent: Person) -> None:
    number, yes, no = resolved(customer, agent)
    for link in (yes, no):  # as mail scanners do
        for method in ("GET", "HEAD"):
            response = reader.open(method, link)
            assert response.status_code == 200
            assert response.headers["Referrer-Policy"] == "same-origin"
            assert response.headers["Cache-Control"] == "no-store"
    assert status(number) == "resolved"
    page = reader.reads(yes)
    assert page.says("Is it fixed?") and page.says("Water dripping from the ceiling") and page.says(f"#{number}")
    after = reader.is_led(reader.sends(page.form_to(yes)))
    assert after.says("Thank you. It is closed") and yes not in [form.action for form in after.forms]
    assert status(number) == "closed"
    assert not [one for one in mails(customer.email) if "losed" in one["subject"]], "of their own doing"


def test_no_opens_it_again_with_what_is_still_wrong_or_without(reader: Reader, customer: Person, agent: Person) -> None:
    for text in ("", "  \n", "It drips on the *other* side"):
        number, _, no = resolved(customer, agent)
        page = reader.reads(no)
        assert page.says("Is it still broken?")
        after = reader.is_led(reader.sends(page.form_to(no), text=text))
        assert after.says("It is open again, and the helpdesk knows")
        assert status(number) == "open"
        assert words(number) == ([(text, customer.id, Audience.DESK)] if text.strip() else [])


def test_too_many_words_are_told_beside_the_field_and_kept(reader: Reader, customer: Person, agent: Person) -> None:
    number, _, no = resolved(customer, agent)
    response = reader.sends(reader.reads(no).form_to(no), text="x" * 20_001)
    page = Page(response)
    assert response.status_code == 422 or response.status_code == 400
    assert page.says("Write a reply of up to 20,000 characters") and "x" * 20_001 in page.html
    assert status(number) == "resolved"


def test_a_link_says_one_thing_and_sent_twice_does_it_once(reader: Reader, customer: Person, agent: Person) -> None:
    number, yes, no = resolved(customer, agent)
    form = reader.reads(no).form_to(no)
    first = reader.sends(form, text="Still")
    again = reader.sends(form, text="Still")
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["Location"] == again.headers["Location"]
    assert len(words(number)) == 1
    response = reader.open("POST", yes, data={"key": "a" * 32})
    assert response.status_code == 409
    assert Page(response).says("It is open again already")
    assert status(number) == "open"


def test_what_moved_on_is_only_shown(reader: Reader, customer: Person, agent: Person, admin: Person) -> None:
    number, yes, no = resolved(customer, agent)
    agent.sets(number, status="closed")
    for link in (yes, no):
        page = reader.reads(link)
        assert page.says("It is closed already") and link not in [form.action for form in page.forms]
        assert reader.open("POST", link, data={"text": "Hm"}).status_code == 409
    agent.sets(number, status="open")
    assert reader.reads(yes).says("It is open again already")
    agent.sets(number, status="resolved")  # anew: its mail has links of its own
    assert reader.reads(yes).says("resolved anew since")
    assert reader.open("POST", yes).status_code == 409
    assert status(number) == "resolved"
    _, again = links(customer.email)
    assert again != no and reader.reads(again).says("Is it still broken?")
    other = customer.reports()
    agent.sets(number, status="open")
    agent.sets(number, status="resolved")
    yes, _ = links(customer.email)
    assert agent.post(f"/api/tickets/{number}/merge", {"into_id": other}).status_code in (200, 201, 204)
    assert reader.reads(yes).says("goes on there")
    assert reader.open("POST", yes).status_code == 409


def test_after_fourteen_days_it_is_too_late(reader: Reader, customer: Person, agent: Person) -> None:
    number, yes, no = resolved(customer, agent)
    with time_machine.travel(now() + timedelta(days=13, hours=23), tick=False):
        assert reader.reads(no).says("Is it still broken?")
    with time_machine.travel(now() + timedelta(days=14, minutes=1), tick=False):
        for link in (yes, no):
            assert reader.reads(link, 400).says("It is older than 14 days")
            assert reader.open("POST", link).status_code == 400
    assert status(number) == "resolved"


def test_a_guest_answers_without_an_account(reader: Reader, anonymous: Person, agent: Person) -> None:
    assert anonymous.post("/api/tickets", a_report(email="guest@elsewhere.test")).status_code == 202
    token = link_in(mails("guest@elsewhere.test")[0])
    reader.sends(reader.reads(f"/account/report?token={token}").form_to(f"/account/report?token={token}"))
    number = db.session.query(Ticket).one().id
    agent.sets(number, status="resolved")
    _, no = links("guest@elsewhere.test")
    page = reader.reads(no)
    assert not page.says("Read the conversation"), "this link opens no more than the question"
    reader.is_led(reader.sends(page.form_to(no), text="Not really"))
    assert status(number) == "open"
    assert [text for text, *_ in words(number)] == ["Not really"]


def test_it_is_the_reporters_alone(
    reader: Reader, customer: Person, other: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    other.joins(number)
    agent.sets(number, status="resolved")
    assert "/account/fixed" not in str(mails(other.email))
    yes, no = links(customer.email)
    agent.sets(number, reporter_id=other.id)
    for link in (yes, no):
        assert reader.reads(link, 400).says("This link does not work any more")
        assert reader.open("POST", link).status_code == 400
    assert status(number) == "resolved"


def test_closed_at_once_it_asks_nothing(customer: Person, agent: Person) -> None:
    number = customer.reports()
    agent.sets(number, status="closed")
    assert "/account/fixed" not in str(mails(customer.email)) and status(number) == "closed"


def test_one_of_the_staff_answers_as_the_reporter_they_are(reader: Reader, agent: Person, admin: Person) -> None:
    number = agent.reports()
    admin.sets(number, status="resolved")
    db.session.remove()
    at = db.session.get_one(Ticket, number).resolved_at
    assert at
    token = auth.verdict_token("broken", number, db.session.get_one(User, agent.id), at)
    link = f"{FIXED}?token={token}"
    reader.is_led(reader.sends(reader.reads(link).form_to(link), text="Not yet"))
    assert words(number) == [("Not yet", agent.id, Audience.DESK)]


def test_nothing_but_the_link_as_it_was_mailed_opens_it(
    app: Flask, reader: Reader, customer: Person, other: Person, agent: Person
) -> None:
    number, yes, _ = resolved(customer, agent)
    token = yes.partition("token=")[2]
    says, ticket, user, of, proof = token.split(".")
    for wrong in (
        "", "x", "....", "a.b.c.d.e", f"broken.{ticket}.{user}.{of}.{proof}", f"{says}.{int(ticket) + 1}.{user}.{of}.{proof}",
        f"{says}.{ticket}.{other.id}.{of}.{proof}", f"{says}.{ticket}.{user}.{int(of) + 1}.{proof}", token[:-1], token + "a",
        f"{says}.{ticket}.{10**30}.{of}.{proof}", f"{says}.{ticket}.²." + of + "." + proof, f"{says}.{ticket}.{user}.{of}.ü",
        token + ".x",
    ):  # fmt: skip
        for method in ("GET", "POST"):
            assert reader.open(method, FIXED, query_string={"token": wrong}).status_code == 400, wrong
    with another(app, SECRET_KEY="x1" * 20, SECRET_KEY_PREVIOUS=app.config["SECRET_KEY"]) as renewed:
        assert Reader(renewed).reads(yes).says("Is it fixed?")
    with another(app, SECRET_KEY="x1" * 20) as renewed:
        Reader(renewed).reads(yes, 400)
    change(customer, email="new@campus.test", email_normalized="new@campus.test")
    reader.reads(yes, 400)
    change(customer, email=customer.email, email_normalized=customer.email)
    change(customer, is_active=False)
    reader.reads(yes, 400)
    change(customer, is_active=True)
    reader.reads(yes)
    agent_sees_it_gone(number)
    reader.reads(yes, 400)
    assert reader.open("POST", yes).status_code == 400
    with pytest.raises(BadLink):
        auth.read_verdict_token("")


def agent_sees_it_gone(number: int) -> None:
    db.session.remove()
    db.session.get_one(Ticket, number).held = True
    db.session.commit()


def test_another_site_cannot_answer_for_them(reader: Reader, customer: Person, agent: Person) -> None:
    number, yes, _ = resolved(customer, agent)
    form = reader.reads(yes).form_to(yes)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://evil.test", "Sec-Fetch-Site": "cross-site"}):  # fmt: skip
        assert reader.open("POST", yes, data=form.data(), headers=headers).status_code == 403
    assert status(number) == "resolved"
    assert reader.sends(form).status_code == 303


def test_no_log_and_no_record_holds_the_link(
    reader: Reader, customer: Person, agent: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("helpdesk").setLevel(logging.INFO)
    number, yes, _ = resolved(customer, agent)
    reader.is_led(reader.sends(reader.reads(yes).form_to(yes)))
    proof = yes.rpartition(".")[2]
    said: Any = [(record.getMessage(), vars(record)) for record in caplog.records]
    logging.getLogger("helpdesk").setLevel("ERROR")
    assert proof not in str(said)
    assert status(number) == "closed"
    assert proof not in str([vars(one) for one in recorded("ticket.closed")])
