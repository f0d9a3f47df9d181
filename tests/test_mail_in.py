"""Whole conversations by mail, and what nobody achieves by one: rights, doubles, loops, a stop."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from helpdesk import auth, inbound, jobs
from helpdesk.inbound import handling, reading
from models import (
    Audience,
    Comment,
    Image,
    InboundBlob,
    InboundMail,
    InboundState,
    Job,
    JobState,
    ReplyAddress,
    Ticket,
    User,
    begin_write,
    db,
    now,
)
from tests.conftest import statements
from tests.factories import Person, a_picture, link_in, mails, work
from tests.pages import Reader

MAILS = Path(__file__).parent / "mails"
DESK = "helpdesk@campus.test"
_numbers = iter(range(1, 10**9))


@pytest.fixture(autouse=True)
def _mail_comes_in(app: Flask) -> Iterator[None]:
    before = {name: app.config[name] for name in ("INBOUND_ADDRESS", "MAIL_FROM", "INBOUND_KNOWN")}
    app.config.update(INBOUND_ADDRESS=DESK, MAIL_FROM=f"Campus Helpdesk <{DESK}>")
    yield
    app.config.update(before)


def a_mail(
    sender: str, text: str, *, to: str = DESK, subject: str = "The window is stuck", pictures: tuple[bytes, ...] = (),
    **headers: str,
) -> bytes:  # fmt: skip
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = headers.pop("message_id", f"<test-{next(_numbers)}@elsewhere.test>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    for number, picture in enumerate(pictures):
        message.add_attachment(picture, maintype="image", subtype="png", filename=f"photo{number}.png")
    return message.as_bytes()


def comes_in(raw: bytes, **options: Any) -> InboundMail:
    """Take a mail in and work on it."""
    begin_write()
    inbound.take_in(raw, **options)
    db.session.commit()
    work()
    key, _ = reading.key_of(raw)
    return db.session.scalars(select(InboundMail).where(InboundMail.key == key)).one()


def answer_to(person: Person) -> str:
    """Where the newest mail to somebody says that they answer."""
    return parseaddr(mails(person.email)[0]["headers"]["Reply-To"])[1]


def said(number: int) -> list[tuple[str, int, str]]:
    db.session.rollback()
    rows = select(Comment).where(Comment.ticket_id == number).order_by(Comment.id)
    return [(row.text, row.author_id, row.audience.value) for row in db.session.scalars(rows)]


def status(number: int) -> str:
    db.session.rollback()
    return db.session.get_one(Ticket, number).status.value


# --- answers ----------------------------------------------------------------------------------------------------------


def test_an_answer_is_its_writers_comment_without_what_they_quote_and_once_however_often_it_comes(
    customer: Person, agent: Person
) -> None:
    number = customer.reports()
    agent.sets(number, status="waiting")
    work()
    text = "It is the left one.\n\nOn Tue, Campus Helpdesk <helpdesk@campus.test> wrote:\n> Hello\n> which one?\n"
    raw = a_mail(f"Jonas <{customer.email}>", text, to=answer_to(customer), subject="Re: whatever")
    for _ in range(3):
        mail = comes_in(raw)
    assert said(number) == [("It is the left one.", customer.id, "desk")]
    assert status(number) == "open"  # the desk waited for it
    assert (mail.state, mail.ticket_id) == (InboundState.DONE, number)
    assert db.session.scalar(select(func.count()).select_from(InboundMail)) == 1


def test_an_address_of_an_answer_fits_every_mail_system_and_is_told_to_its_reader_alone(
    customer: Person, other: Person, agent: Person
) -> None:
    number = customer.reports()
    other.joins(number)
    agent.writes(number, "It takes a while", audience="affected")
    addresses = {person.name: answer_to(person) for person in (customer, other)}
    assert len(set(addresses.values())) == 2
    for address in addresses.values():
        local = address.partition("@")[0]
        assert re.fullmatch(r"helpdesk\+[a-z2-7]{24}", local) and len(local) <= 64
    told = mails(customer.email)[0]
    assert told["text"].startswith("— Write your answer above this line —")
    assert addresses["Helen Marsh"] not in str(told)


def test_a_message_id_that_another_mail_used_swallows_none(
    app: Flask, customer: Person, caplog: pytest.LogCaptureFixture
) -> None:
    number = customer.reports()
    address = answer_to(customer)
    used = {"message_id": "<same@elsewhere.test>", "Date": "Mon, 2 Nov 2026 10:00:00 +0000"}
    first = comes_in(a_mail("evil@elsewhere.test", "First", **used))
    mine = a_mail(customer.email, "Mine", to=address, **used)
    with caplog.at_level("INFO", logger="helpdesk.inbound.handling"):
        mails_ = {first.id, *(comes_in(b"Received: by hop %d\n" % hop + mine).id for hop in range(3))}
    assert len(mails_) == 2 and [text for text, *_ in said(number)] == ["Mine"]
    assert [record.getMessage() for record in caplog.records] == ["a mail is here already"] * 2
    later = {**used, "Date": "Tue, 3 Nov 2026 10:00:00 +0000"}
    comes_in(a_mail(customer.email, "Later", to=address, **later))
    assert [text for text, *_ in said(number)] == ["Mine", "Later"]


def test_a_mail_to_thousands_of_such_addresses_takes_as_many_statements_as_one(app: Flask, customer: Person) -> None:
    number = customer.reports()
    right = answer_to(customer)
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    wrong = [f"helpdesk+aaaaaaab{a}{b}{c}{'a' * 13}@campus.test" for a in letters for b in letters for c in "abcd"]
    user = db.session.get_one(User, customer.id)
    with statements() as one:
        assert auth.read_reply_address(right) == (user, number)
    with statements() as many:
        assert auth.read_reply_address("", "no address", right, *wrong) == (user, number)
        assert auth.read_reply_address(*wrong[:19], right) == (user, number)
    assert len(many) == 2 * len(one)
    assert auth.read_reply_address(*wrong, right) is None, "after so many nobody looks any further"
    comes_in(a_mail(customer.email, "Mine", to=right, Cc=", ".join(wrong[:1000])))
    assert [text for text, *_ in said(number)] == ["Mine"]


def test_case_and_another_stem_of_an_address_change_nothing_and_one_wrong_letter_all(customer: Person) -> None:
    number = customer.reports()
    right = answer_to(customer)
    comes_in(a_mail(customer.email, "One", to=right.upper()))
    comes_in(a_mail(customer.email, "Two", recipient_hint="x"), recipient=right)
    assert [text for text, *_ in said(number)] == ["One", "Two"]
    letters = right.partition("+")[2].partition("@")[0]
    for at in range(len(letters)):
        wrong = letters[:at] + ("a" if letters[at] != "a" else "b") + letters[at + 1 :]
        assert auth.read_reply_address(f"helpdesk+{wrong}@campus.test") is None
    for wrong in (f"helpdesk+{'1' * 24}@campus.test", f"helpdesk+{letters}@evil.test", f"other+{letters}@campus.test", f"helpdesk+{letters}a@campus.test", "helpdesk+@campus.test", "", "@"):  # fmt: skip
        assert auth.read_reply_address(wrong) is None
    assert auth.read_reply_address(right) is not None


def test_nobody_speaks_with_somebodys_rights_by_writing_their_address(
    customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    for victim in (agent, admin, customer):
        mail = comes_in(
            a_mail(
                victim.email, f"canary #close as {victim.username}", subject=f"Re: #{number} Water dripping",
                In_Reply_To=f"<ticket-{number}@helpdesk.test>", References=f"<ticket-{number}@helpdesk.test>",
                X_Helpdesk_Ticket=str(number), X_Helpdesk_Role="admin",
            )
        )  # fmt: skip
        assert mail.ticket_id != number
        ticket = db.session.get_one(Ticket, mail.ticket_id)
        assert ticket.held and ticket.reporter_id == victim.id
    assert said(number) == []
    assert status(number) == "open"
    # and the same words by the address that was mailed to its reporter are theirs
    comes_in(a_mail(customer.email, "Mine", to=answer_of(customer, number)))
    assert [text for text, *_ in said(number)] == ["Mine"]


def answer_of(person: Person, number: int) -> str:
    found = auth.reply_address(number, db.session.get_one(User, person.id))
    assert found
    return found


def test_who_joined_answers_for_themselves_and_reopens_nothing(customer: Person, other: Person, agent: Person) -> None:
    number = customer.reports()
    other.joins(number)
    agent.writes(number, "Done", audience="affected")
    agent.sets(number, status="resolved")
    work()
    comes_in(a_mail(other.email, "Not with me", to=answer_of(other, number)))
    assert said(number)[-1] == ("Not with me", other.id, "desk")
    assert status(number) == "resolved"
    assert "Not with me" not in customer.get(f"/api/tickets/{number}/timeline").get_data(as_text=True)


def test_an_address_ends_with_what_it_is_bound_to(
    customer: Person, other: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    other.joins(number)
    agent.writes(number, "On our way", audience="affected")
    work()
    address, joined = answer_of(customer, number), answer_of(other, number)
    other.delete(f"/api/tickets/{number}/affected/me")
    mail = comes_in(a_mail(other.email, "canary", to=joined))
    assert mail.state == InboundState.QUARANTINED
    begin_write()
    db.session.get_one(User, customer.id).email_normalized = "moved@campus.test"
    db.session.commit()
    assert auth.read_reply_address(address) is None
    begin_write()
    db.session.get_one(User, customer.id).email_normalized = customer.email
    auth.end_reply_addresses(customer.id)
    db.session.commit()
    assert auth.read_reply_address(address) is None
    assert admin.patch(f"/api/users/{other.id}", {"is_active": False}).status_code == 200
    assert auth.read_reply_address(joined) is None
    assert said(number)[1:] == []


def test_an_answer_from_another_address_says_so_to_the_staff_alone(app: Flask, customer: Person, agent: Person) -> None:
    number = customer.reports()
    comes_in(a_mail("jonas@private.test", "From my phone", to=answer_to(customer)))
    assert said(number) == [("From my phone", customer.id, "desk")]
    comes_in(a_mail(customer.email, "From my desk", to=answer_to(customer)))
    page = Reader(app, agent).reads(f"/staff/tickets/{number}")
    assert page.says("from jonas@private.test") and not page.says(f"from {customer.email}")
    assert "private.test" not in customer.get(f"/api/tickets/{number}/timeline").get_data(as_text=True)


def test_what_answers_a_closed_ticket_is_a_new_report_of_the_same_person(customer: Person, agent: Person) -> None:
    number = customer.reports(category="facilities-leaks")
    agent.sets(number, status="closed")
    mail = comes_in(
        a_mail(customer.email, "It drips again", to=answer_of_made(customer, number), subject="Re: AW: Drip")
    )
    assert mail.ticket_id not in (None, number)
    ticket = db.session.get_one(Ticket, mail.ticket_id)
    assert (ticket.title, ticket.reporter_id, ticket.held) == ("Drip", customer.id, False)
    assert f"#{number}" in ticket.description


def test_what_answers_a_closed_confidential_ticket_stays_so(customer: Person, other: Person, agent: Person) -> None:
    number = customer.reports(category="facilities-leaks", is_confidential=True)
    agent.sets(number, status="closed")
    mail = comes_in(a_mail(customer.email, "It is worse", to=answer_of_made(customer, number), subject="canary secret"))
    assert mail.ticket_id not in (None, number)
    assert agent.sees(mail.ticket_id or 0)["is_confidential"]
    assert "canary" not in other.get("/api/tickets/similar?title=canary secret").get_data(as_text=True)
    assert other.put(f"/api/tickets/{mail.ticket_id}/affected/me").status_code == 404


def test_what_answers_a_merged_ticket_goes_where_it_goes_on(customer: Person, agent: Person, admin: Person) -> None:
    first, second, third = (customer.reports(title=f"Lamp {n}") for n in range(3))
    addresses = answer_of_made(customer, first), assigned(first, agent, admin)
    for source, into in ((first, second), (second, third)):
        assert admin.post(f"/api/tickets/{source}/merge", {"into_id": into}).status_code == 200
    for person, address in zip((customer, agent), addresses, strict=True):
        assert comes_in(a_mail(person.email, f"By {person.name}", to=address)).ticket_id == third
    assert [text for text, *_ in said(third)] == [f"By {customer.name}", f"By {agent.name}"]


def answer_of_made(person: Person, number: int) -> str:
    work()
    return answer_of(person, number)


# --- the staff --------------------------------------------------------------------------------------------------------


def assigned(number: int, agent: Person, admin: Person) -> str:
    admin.sets(number, assignee_id=agent.id)
    return answer_of_made(agent, number)


@pytest.mark.parametrize(
    ("text", "expected", "audience", "then"),
    [
        ("On our way.", "On our way.", "reporter", "open"),
        ("#note\nHe is never there.", "He is never there.", "internal", "open"),
        ("#close\n\nDone.", "Done.", "reporter", "closed"),
        ("#Resolve\nDone.", "Done.", "reporter", "resolved"),
        ("Hi,\n#note\nhe is never there", "Hi,\nhe is never there", "internal", "open"),
        ("#Note: tell nobody", "tell nobody", "internal", "open"),
        ("#wait\nWhich floor?", "Which floor?", "reporter", "waiting"),
        ("Done #close", "Done #close", "reporter", "open"),
        ("\u200b#note he is never there", "he is never there", "internal", "open"),
        ("\u2060\ufeff#note he is never there", "he is never there", "internal", "open"),
        ("It is in #notebook", "It is in #notebook", "reporter", "open"),
    ],
)
def test_the_staff_answer_and_work_from_their_mail_program(
    customer: Person, agent: Person, admin: Person, text: str, expected: str, audience: str, then: str
) -> None:
    number = customer.reports()
    comes_in(a_mail(f"Priya <{agent.email}>", text, to=assigned(number, agent, admin)))
    assert said(number) == [(expected, agent.id, audience)]
    assert status(number) == then
    heard = " ".join(message["text"] for message in mails(customer.email))
    assert (expected in heard) == (audience != "internal")


FOOTER = "\n\nUniversity of the North. This mail is confidential."


@pytest.mark.parametrize("footer", ["", FOOTER])
def test_what_the_staff_quote_of_somebody_goes_to_nobody(
    customer: Person, other: Person, agent: Person, admin: Person, footer: str
) -> None:
    number = customer.reports()
    other.joins(number)
    address = assigned(number, agent, admin)
    customer.writes(number, "canary-phone 555-1234")
    quoted = "\n".join(f"> {line}" for line in mails(agent.email)[0]["text"].split("\n"))
    comes_in(a_mail(agent.email, f"On our way.\n\nOn Tue, Campus Helpdesk wrote:\n{quoted}{footer}", to=address))
    assert said(number)[-1] == ("On our way.", agent.id, "affected")
    for below in ("", "\n\nI wrote below what I quote."):  # nobody takes silence for an answer that was sent
        mail = comes_in(a_mail(agent.email, f"{quoted}{footer}{below}", to=address))
        assert (mail.state, mail.comment_id) == (InboundState.QUARANTINED, None)
        assert mail.outcome == "Nothing stands above what it quotes."
    assert "canary" not in str(mails(other.email)) and "canary" not in str(mails(customer.email))


def test_a_mail_about_a_note_cannot_be_answered_by_mail(customer: Person, agent: Person, admin: Person) -> None:
    number = customer.reports()
    admin.writes(number, f"@{agent.username} is he lying?", audience="internal")
    (told,) = mails(agent.email)
    assert "Reply-To" not in told["headers"] and "above this line" not in told["text"]


def test_a_command_that_there_is_not_waits_for_somebody(customer: Person, agent: Person, admin: Person) -> None:
    number = customer.reports()
    mail = comes_in(a_mail(agent.email, "#internal\ncanary", to=assigned(number, agent, admin)))
    assert (mail.state, mail.outcome) == (InboundState.QUARANTINED, "There is no #internal.")
    assert said(number) == []


@pytest.mark.parametrize(
    "text",
    [
        "# note he lies", "＃note he lies", "*#note* he lies", "Hi, #note he lies", "#\u200dnote he lies", "\u200c#note: he lies",
        "﹟ｎｏｔｅ he lies", "#\u00adnote he lies", "He is never there. #NOTE",
    ],
)  # fmt: skip
def test_what_looks_like_a_note_and_is_none_is_sent_to_nobody(
    customer: Person, agent: Person, admin: Person, text: str
) -> None:
    number = customer.reports()
    before = len(mails(customer.email))
    mail = comes_in(a_mail(agent.email, text, to=assigned(number, agent, admin)))
    assert mail.state == InboundState.QUARANTINED and "#note" in (mail.outcome or "")
    assert said(number) == [] and len(mails(customer.email)) == before
    comes_in(a_mail(customer.email, text, to=answer_of_made(customer, number)))
    assert [author for _, author, _ in said(number)][-1] == customer.id, "who is no colleague has no commands"


def test_a_command_alone_says_nothing(customer: Person, agent: Person, admin: Person) -> None:
    number = customer.reports()
    agent.sets(number, assignee_id=agent.id)
    customer.writes(number, "Any news?")
    address = answer_of_made(agent, number)
    admin.sets(number, assignee_id=admin.id)
    mail = comes_in(a_mail(agent.email, "#assign me\n#resolve\n", to=address))
    assert mail.outcome == f"Said on #{number}."
    assert len(said(number)) == 1
    ticket = db.session.get_one(Ticket, number)
    assert (ticket.assignee_id, ticket.status.value) == (agent.id, "resolved")


def test_the_address_of_one_of_the_staff_lets_nobody_else_work_here(
    customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    address = assigned(number, agent, admin)
    mail = comes_in(a_mail(customer.email, "#close\ncanary", to=address))
    assert mail.state == InboundState.QUARANTINED
    assert said(number) == [] and status(number) == "open"
    comes_in(a_mail(agent.email, "#close", to=address))
    assert status(number) == "closed"


def test_who_works_here_no_more_works_by_mail_no_more(customer: Person, agent: Person, admin: Person) -> None:
    number = customer.reports()
    address = assigned(number, agent, admin)
    assert admin.patch(f"/api/users/{agent.id}", {"role": "customer"}).status_code == 200
    mail = comes_in(a_mail(agent.email, "#close\ncanary", to=address))
    assert mail.state == InboundState.QUARANTINED
    assert said(number) == [] and status(number) == "open"


# --- reports ----------------------------------------------------------------------------------------------------------


def test_a_report_by_mail_is_held_until_its_sender_opens_the_link_in_an_answer_without_its_words(
    anonymous: Person, agent: Person, app: Flask
) -> None:
    raw = a_mail('"Nora Guest" <nora@elsewhere.test>', "canary-text", subject="canary-title", pictures=(a_picture(),))
    mail = comes_in(raw)
    ticket = db.session.get_one(Ticket, mail.ticket_id)
    assert (ticket.held, ticket.channel.value, ticket.title, ticket.description) == (
        True,
        "email",
        "canary-title",
        "canary-text",
    )
    (told,) = mails("nora@elsewhere.test")
    assert "canary" not in str(told)
    number = ticket.id
    response = anonymous.post("/api/tickets/confirm", {"token": link_in(told)})
    assert response.status_code == 200
    assert not agent.sees(number)["is_confidential"]
    agent.writes(number, "Which window?", audience="reporter")
    address = parseaddr(mails("nora@elsewhere.test")[0]["headers"]["Reply-To"])[1]
    comes_in(a_mail("nora@elsewhere.test", "The left one", to=address, pictures=(a_picture(),)))
    assert said(number)[-1][0] == "The left one"
    assert db.session.scalar(select(func.count()).select_from(Image).where(Image.ticket_id == number)) == 2


def test_a_known_address_opens_a_ticket_where_the_desk_says_so_and_hears_none_of_its_words(
    app: Flask, customer: Person
) -> None:
    app.config["INBOUND_KNOWN"] = "open"
    mail = comes_in(a_mail(customer.email, "canary-text", subject="canary-title"))
    ticket = db.session.get_one(Ticket, mail.ticket_id)
    assert not ticket.held and ticket.reporter_id == customer.id
    (told,) = mails(customer.email)
    assert f"#{ticket.id}" in told["subject"] and "canary" not in str(told)


def test_one_address_is_answered_three_times_a_day_and_what_is_more_waits_for_somebody(app: Flask) -> None:
    states = [comes_in(a_mail("spam@elsewhere.test", f"Buy {n}")).state for n in range(6)]
    assert states == [InboundState.DONE] * 3 + [InboundState.QUARANTINED] * 3
    assert len(mails("spam@elsewhere.test")) == 3
    assert comes_in(a_mail("nora@elsewhere.test", "A window")).state == InboundState.DONE


def test_a_title_is_made_of_the_subject_or_of_the_first_words(app: Flask) -> None:
    for number, (subject, text, title) in enumerate(
        [
            ("Re: AW: Fwd: The door", "x", "The door"), ("", "It is cold in B12\nand dark", "It is cold in B12"),
            ("Re:", "Hi", "A mail without a subject"), ("x" * 300, "y", "x" * 199 + "…"),
        ]
    ):  # fmt: skip
        mail = comes_in(a_mail(f"guest{number}@elsewhere.test", text, subject=subject))
        assert db.session.get_one(Ticket, mail.ticket_id).title == title


def test_what_is_no_picture_is_named_and_not_taken(customer: Person) -> None:
    number = customer.reports()
    raw = (MAILS / "phone_photo.eml").read_bytes().replace(b"helpdesk@campus.test", answer_to(customer).encode())
    mail = comes_in(raw)
    assert mail.state == InboundState.DONE
    text = said(number)[0][0]
    assert "It does not close, see the photo." in text
    assert "Not taken over from the mail: Rechnung ä.pdf" in text
    assert db.session.scalar(select(func.count()).select_from(Image).where(Image.ticket_id == number)) == 1


def test_a_mail_of_thirty_mebibytes_says_that_something_is_missing(customer: Person) -> None:
    number = customer.reports()
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = customer.email, answer_to(customer), "<huge@elsewhere.test>"
    message.set_content("See the film")
    raw = message.as_bytes().replace(b"Content-Type: text/plain", b"X-Was: text/plain", 1)
    raw = (
        b'Content-Type: multipart/mixed; boundary="h"\r\n' + raw.partition(b"\n\n")[0]
        + b"\r\n\r\n--h\r\nContent-Type: text/plain\r\n\r\nSee the film\r\n--h\r\nContent-Type: video/mp4; name=film.mp4\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(b"\0" * (30 * 2**20)) + b"\r\n--h--\r\n"
    )  # fmt: skip
    assert len(raw) > 30 * 2**20
    assert comes_in(raw).state == InboundState.DONE
    assert said(number) == [("See the film\n\n*Not taken over from the mail: film.mp4.*", customer.id, "desk")]


# --- what nobody wrote ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in MAILS.glob("*.eml")))
def test_no_mail_of_the_corpus_moves_somebody_elses_ticket(customer: Person, agent: Person, name: str) -> None:
    number = customer.reports()
    work()
    mail = comes_in((MAILS / f"{name}.eml").read_bytes())
    assert mail.state in (InboundState.DONE, InboundState.IGNORED, InboundState.QUARANTINED)
    assert said(number) == [] and status(number) == "open"
    assert db.session.scalar(select(func.count()).select_from(Job).where(Job.state == JobState.DEAD)) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"Return_Path": "<>"}, {"X_Autoreply": "yes"},
        {"List_Id": "<x.lists.test>"}, {"Auto_Submitted": "auto-generated", "In_Reply_To": "<x@y>"},
    ],
    ids=str,
)  # fmt: skip
def test_what_nobody_wrote_is_no_answer_reopens_nothing_and_gets_none(
    customer: Person, agent: Person, headers: dict[str, str]
) -> None:
    number = customer.reports()
    agent.sets(number, status="resolved")
    address = answer_of_made(customer, number)
    before = len(mails())
    mail = comes_in(a_mail(customer.email, "I am away", to=address, **headers))
    assert mail.state == InboundState.IGNORED
    assert said(number) == [] and status(number) == "resolved"
    assert len(mails()) == before
    comes_in(a_mail(customer.email, "It is not", to=address))  # as a person says it
    assert status(number) == "open"


def test_a_robot_that_answers_everything_is_soon_alone(app: Flask) -> None:
    """It says not that it is one: each of our mails gets an answer, from the same address."""
    answered, rounds = 0, 0
    comes_in(a_mail("robot@elsewhere.test", "Hello", subject="Ticket"))
    while rounds < 50 and len(mails("robot@elsewhere.test")) > answered:
        told = mails("robot@elsewhere.test")
        for message in reversed(told[: len(told) - answered]):
            to = message["headers"].get("Reply-To", DESK)
            comes_in(
                a_mail(
                    "robot@elsewhere.test",
                    "We have your mail",
                    to=parseaddr(to)[1],
                    subject=f"Re: {message['subject']}",
                )
            )
        answered, rounds = len(told), rounds + 1
    assert answered == 3


def test_by_its_subject_alone_nothing_is_dropped_and_nothing_answered(customer: Person) -> None:
    number = customer.reports()
    comes_in(a_mail(customer.email, "Yes", to=answer_to(customer), subject="Automatic reply options do not work"))
    assert [text for text, *_ in said(number)] == ["Yes"]
    mail = comes_in(a_mail("nora@elsewhere.test", "It is empty", subject="Out of office printer toner in room 12"))
    assert mail.state == InboundState.DONE and mail.ticket_id is not None
    assert mails("nora@elsewhere.test") == []


@pytest.mark.parametrize(
    "raw",
    [
        b"X: y\r\n" * 30_000 + b"\r\nx", b"Content-Type: text/plain; " + b"a=b; " * 4_000 + b"\r\n\r\nx",
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(90)),
    ],
    ids=["headers", "parameters", "parts"],
)  # fmt: skip
def test_what_would_take_for_ever_to_read_is_laid_aside_at_once(app: Flask, raw: bytes) -> None:
    start = time.process_time()
    assert comes_in(b"From: a@elsewhere.test\r\n" + raw).state == InboundState.QUARANTINED
    assert time.process_time() - start < 5


def test_our_own_mail_is_not_answered(app: Flask) -> None:
    for sender in (DESK, f"helpdesk+abc@{DESK.partition('@')[2]}", DESK.upper()):
        assert comes_in(a_mail(sender, "Hello")).state == InboundState.IGNORED
    assert mails() == []


# --- nothing stops it -------------------------------------------------------------------------------------------------


def test_a_mail_that_cannot_be_worked_on_is_laid_aside_after_three_tries_and_stops_no_other(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = reading.read

    def poisoned(raw: bytes, **options: Any) -> reading.Incoming:
        if b"poison" in raw:
            raise RecursionError
        return read(raw, **options)

    monkeypatch.setattr(handling.reading, "read", poisoned)
    begin_write()
    inbound.take_in(a_mail("nora@elsewhere.test", "poison"))
    inbound.take_in(a_mail("tom@elsewhere.test", "A window"))
    db.session.commit()
    for _ in range(inbound.MAX_ATTEMPTS + 1):
        work()
        begin_write()
        for job in db.session.scalars(select(Job).where(Job.kind == "inbound", Job.state == JobState.READY)):
            job.run_at = now()
        db.session.commit()
    states = {mail.sender: mail.state for mail in db.session.scalars(select(InboundMail))}
    assert states == {"nora@elsewhere.test": InboundState.QUARANTINED, "tom@elsewhere.test": InboundState.DONE}
    assert work() == 0


def test_working_on_a_mail_again_after_a_crash_adds_nothing(customer: Person) -> None:
    number = customer.reports()
    mail = comes_in(a_mail(customer.email, "Once", to=answer_to(customer)))
    for _ in range(2):
        jobs.HANDLERS["inbound"](jobs.Claimed(0, "inbound", {"mail_id": mail.id}, 1, None, now()))
    assert len(said(number)) == 1


def test_the_pipe_of_a_mail_server_takes_in_what_it_is_given(app: Flask, customer: Person) -> None:
    number = customer.reports()
    raw = a_mail(customer.email, "By the pipe")
    result = app.test_cli_runner().invoke(args=["deliver-mail", "--recipient", answer_to(customer)], input=raw)
    assert result.exit_code == 0, result.output
    work()
    assert [text for text, *_ in said(number)] == ["By the pipe"]


def test_erasing_a_person_takes_their_mails_and_addresses(customer: Person, admin: Person) -> None:
    customer.reports()
    comes_in(a_mail(customer.email, "canary-mail", to=answer_to(customer)))
    assert admin.delete(f"/api/users/{customer.id}").status_code == 204
    db.session.rollback()
    for model in (InboundMail, InboundBlob, ReplyAddress):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0


def test_notes_stay_here_whoever_answers_them_by_mail(customer: Person, agent: Person, admin: Person) -> None:
    number = customer.reports()
    admin.writes(number, f"canary-note @{agent.username}", audience="internal")
    comes_in(a_mail(agent.email, "#note\nSeen.", to=answer_of_made(agent, number)))
    assert [audience for _, _, audience in said(number)] == [Audience.INTERNAL] * 2
    assert "canary-note" not in str(mails())
    assert "Seen." not in str(mails(customer.email))
