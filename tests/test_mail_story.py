"""One report from beginning to end by mail alone: everything goes out by SMTP and comes in by IMAP."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, cast

from flask import Flask
from sqlalchemy import select

from models import Channel, Comment, Image, Ticket, db
from tests.factories import Person, a_picture, work
from tests.pages import Reader
from tests.servers import Box, Serving
from tests.test_mail_fetched import _desk, fetch
from tests.test_mail_in import DESK, a_mail

__all__ = ["_desk"]  # a fixture
GUEST = "lena.fischer@elsewhere.test"


def words(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def answer(to: EmailMessage, sender: str, text: str, **more: Any) -> bytes:
    """What a mail program makes of an answer: to where it says, with the quoted mail below."""
    quoted = "\n".join(f"> {line}" for line in words(to).splitlines())
    return a_mail(
        sender, f"{text}\n\nOn Mon, 11 May 2026 at 10:02, Campus Helpdesk wrote:\n{quoted}\n",
        to=parseaddr(to["Reply-To"])[1], subject=f"Re: {to['Subject']}", In_Reply_To=to["Message-ID"], **more,
    )  # fmt: skip


def test_a_guest_and_an_agent_settle_a_report_by_mail_alone(
    app: Flask, box: Box, serves: Serving, agent: Person, admin: Person
) -> None:
    app.config["IMAP_URL"] = box.url()
    server = serves()[0]
    told: dict[str, int] = {}
    reader = Reader(app)

    def newest(person: str) -> EmailMessage:
        """The one mail that somebody got since the last time."""
        theirs = [one for one in server.messages if one["X-RcptTo"] == person]
        told[person] = told.get(person, 0) + 1
        assert len(theirs) == told[person], [one["Subject"] for one in theirs]
        return cast("EmailMessage", email.message_from_bytes(theirs[-1].as_bytes(), policy=email.policy.default))

    def arrives(raw: bytes) -> None:
        box.gets(raw)
        assert fetch() is None
        work()
        assert box.holds() == []

    # a stranger writes: nothing happens but a question, which holds none of their words
    arrives(a_mail(f"Lena Fischer <{GUEST}>", "In 214 water drips from the ceiling.", subject="Water in the library"))
    number = db.session.scalars(select(Ticket.id)).one()
    asked = newest(GUEST)
    assert "drips" not in words(asked) and agent.get("/api/tickets").json["items"] == []
    (link,) = re.findall(r"(/account/report\?token=\S+)", words(asked))
    reader.is_led(reader.sends(reader.reads(link).form_to(link)))
    work()
    newest(GUEST)

    # an agent has it, and answers from their own mail program
    assert admin.patch(f"/api/tickets/{number}", {"assignee_id": agent.id}).status_code == 200
    work()
    arrives(answer(newest(agent.email), agent.email, "#wait\n\nIs it clear water? A photo would help."))
    asked = newest(GUEST)
    assert "Is it clear water?" in words(asked)
    assert agent.sees(number)["status"] == "waiting"

    # the guest answers with a photo, and it is open again
    arrives(answer(asked, GUEST, "Yes, clear. See the photo.", pictures=(a_picture(),)))
    assert agent.sees(number)["status"] == "open"
    assert db.session.scalars(select(Image.comment_id)).one() is not None

    # the agent closes
    arrives(answer(newest(agent.email), agent.email, "#resolve\nThe pipe is new."))
    solved = newest(GUEST)
    assert "The pipe is new." in words(solved) and agent.sees(number)["status"] == "resolved"

    # a scanner opens both links of the last mail, and then the guest presses the button of one
    links = re.findall(r"(/account/fixed\?token=\S+)", words(solved))
    yes, _ = (reader.reads(link).form_to(link) for link in links)
    assert agent.sees(number)["status"] == "resolved"
    reader.is_led(reader.sends(yes))
    assert agent.sees(number)["status"] == "closed"

    comments = db.session.scalars(select(Comment).where(Comment.ticket_id == number).order_by(Comment.id)).all()
    assert [one.text for one in comments] == [
        "Is it clear water? A photo would help.", "Yes, clear. See the photo.", "The pipe is new.",
    ]  # fmt: skip
    assert {one.channel for one in comments} == {Channel.EMAIL}
    assert {parseaddr(one["From"])[1] for one in server.messages} == {DESK}
