"""What mails say, in the shapes that the world's mail programs give them, and in those that nobody should."""

from __future__ import annotations

import email.policy
import json
import random
import time
from dataclasses import asdict
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from helpdesk import auth
from helpdesk.inbound import reading
from helpdesk.inbound.markup import as_text
from helpdesk.inbound.quoting import written
from helpdesk.mail import MARK
from models import TokenPurpose, User, begin_write, db, now
from tests.factories import Person
from tests.test_mail_in import _mail_comes_in

__all__ = ["_mail_comes_in"]  # a fixture that every test here has

MAILS = sorted((Path(__file__).parent / "mails").glob("*.eml"))


def told(raw: bytes) -> dict[str, Any]:
    found = asdict(reading.read(raw))
    found["pictures"] = [picture["name"] for picture in found["pictures"]]
    found["not_taken"] = list(found["not_taken"])
    return found


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_each_mail_of_the_corpus_says_what_stands_beside_it(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text())
    found = told(path.read_bytes())
    assert {name: found[name] for name in expected} == expected


def _mutated(raw: bytes, chance: random.Random) -> bytes:
    """One of what happens to mails: bytes changed, cut out, doubled, moved, or the end lost."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        at, length = chance.randrange(len(data) + 1), chance.randint(0, 60)
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length]
            case 3:
                data[at:at] = chance.choice(
                    [b"\r\n", b"\x00", b"\xff\xfe", b"=?utf-8?q?", b"--b1", b"<" * 40, b"; charset=x"]
                )
            case 4:
                del data[at:]
            case _:
                other = chance.choice(MAILS).read_bytes()
                data[at:at] = other[: chance.randrange(len(other))]
    return bytes(data)


@pytest.mark.parametrize("seed", range(8))
def test_no_mail_however_broken_breaks_what_reads_it(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(150):
        raw = _mutated(chance.choice(MAILS).read_bytes(), chance)
        found = reading.read(raw)
        reading.key_of(raw)
        assert "\x00" not in found.text + found.subject + found.sender + found.sender_name
        assert "\n" not in found.subject + found.sender + found.sender_name
        found.text.encode()
        found.original.encode()


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000, "<" * 1_000_000, "<a " * 300_000, "<a x='" * 150_000, "<!--" * 250_000, "<![CDATA[" * 100_000,
        "<script>" + "<!--" * 200_000, "&" * 1_000_000, "</" * 500_000, "<a " + "a=b " * 250_000, "<blockquote type=cite>" * 40_000,
    ],
    ids=lambda html: html[:12],
)  # fmt: skip
def test_no_html_takes_long(html: str) -> None:
    """Each took the standard library's parser, or html5ever, from twenty seconds to for ever. The bound is a wide one."""
    start = time.process_time()
    as_text(html)
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 200_000 + "x",
        "On x@y wrote: a\n" * 50_000,
        "From: a\nSent: b\n" * 20_000,
        "> " * 100_000,
        "_" * 200_000,
        "a" * 200_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    written(text)
    assert time.process_time() - start < 10


def test_our_own_mark_ends_what_was_written_whatever_a_program_makes_of_it() -> None:
    for before in ("", "> ", ">> ", "\x01", "| ", "   "):
        quoted = f"{before}{MARK}\n{before}\n{before}Hello, does it fit?"
        assert written(f"Yes.\n\n{quoted}") == "Yes."
        assert written(f"Yes.\n\nSomebody said something in a form that nobody knows\n{quoted}").startswith("Yes.")


def test_who_answers_point_by_point_keeps_the_points() -> None:
    text = f"> {MARK}\n> Which floor?\n\nThe second.\n\n> Since when?\n\nMonday.\n"
    assert written(text) == "> Which floor?\n\nThe second.\n\n> Since when?\n\nMonday."


def test_copies_of_a_mail_are_one_and_others_are_others() -> None:
    keys = {path.stem: reading.key_of(path.read_bytes()) for path in MAILS}
    assert len({key for key, _ in keys.values()}) == len(MAILS)
    raw = (Path(__file__).parent / "mails" / "gmail_reply.eml").read_bytes()
    again = b"Received: from elsewhere\r\nX-Spam: no\r\n" + raw
    assert reading.key_of(again) == reading.key_of(raw)
    assert keys["no_headers_at_all"][1] is None


def test_of_a_mail_that_is_too_large_the_words_are_read() -> None:
    raw = (Path(__file__).parent / "mails" / "phone_photo.eml").read_bytes()
    found = reading.read(raw[:700], is_cut=True)
    assert found.text.startswith("It does not close")
    assert found.pictures == ()


def test_parts_within_parts_end_somewhere() -> None:
    raw = b"From: a@b.test\r\n"
    for depth in range(15):
        raw += b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (depth, depth)
    assert reading.read(raw + b"Content-Type: text/plain\r\n\r\ndeep").text == "deep"


OPENS = ("report", "reset", "fixed", "mails/off", "by-link", "answer")


def what_opens(kind: str, customer: Person, agent: Person) -> tuple[str, str]:
    """A link as our mails hold it, or an address, and the part of it that opens something."""
    number = customer.reports()
    begin_write()
    user = db.session.get_one(User, customer.id)
    if kind == "answer":
        auth.make_reply_address(number, user.id)
        address = auth.reply_address(number, user)
        db.session.commit()
        assert address
        return address, address.partition("+")[2].partition("@")[0]
    if kind in ("report", "by-link"):
        secret = auth.link_token(auth.make_report_token(number, user))
    elif kind == "reset":
        secret = auth.link_token(auth.make_link_token(TokenPurpose.RESET, user_id=user.id))
    elif kind == "fixed":
        secret = auth.verdict_token("fixed", number, user, now())
    else:
        secret = auth.mails_token(user, "resolved")
    db.session.commit()
    if kind == "by-link":
        return f"https://desk.test/api/tickets/by-link/{secret}/images", secret
    return f"https://desk.test/account/{kind}?token={secret}", secret


def parts_of(secret: str) -> list[str]:
    """Long enough to be nobody's word by chance."""
    return [secret[at : at + 12] for at in range(0, len(secret) - 12, 4)]


@pytest.mark.parametrize("kind", OPENS)
def test_what_opens_something_is_in_no_words_and_no_file_however_it_is_written(
    kind: str, customer: Person, agent: Person
) -> None:
    link, secret = what_opens(kind, customer, agent)
    inside = f"https://eur01.safelinks.test/?url={quote(link, safe='')}&data=05%7C02"
    twice = f"https://other.test/?url={quote(inside, safe='')}"
    for shift in range(0, 80, 7):  # where a line breaks
        for written_as in (link, inside, twice):
            message = EmailMessage(policy=email.policy.SMTP)
            message["From"], message["Subject"] = "jonas@private.test", f"Re: {written_as}"
            message["List-Unsubscribe"] = f"<{written_as}>"
            text = f"Yes.\n\n{'ä' * shift}{written_as}\n\nThere is more"
            for encoding in ("quoted-printable", "base64", "8bit"):
                message.set_content(text, cte=encoding)
                raw = message.as_bytes()
                found = reading.read(raw)
                words = found.text + found.own_words + found.original + found.subject
                words += str([(name, reading.without_keys(value)) for name, value in reading.in_short(raw)])
                file = reading.raw_without_keys(raw)
                again = reading.read(file)
                unbroken = file.decode().replace("=\r\n", "").replace("=2E", ".").replace("=5F", "_")
                words += unbroken + "".join(unbroken.split()) + again.original + again.subject
                leaks = [words[words.index(part) - 90 :][:200] for part in parts_of(secret) if part in words]
                assert leaks == [], (encoding, shift)
                assert "Yes." in found.text and "There is more" in found.text
                assert "Yes." in again.text and "There is more" in again.text


def test_what_opens_nothing_stays_in_the_file() -> None:
    for path in MAILS:
        raw = path.read_bytes()
        assert reading.raw_without_keys(raw) == raw
    long = (b"token=" + b"=\r\n" * 50_000 + b"+" * 50_000 + b"A" * 500_000 + b"!\n") * 4
    start = time.process_time()
    reading.raw_without_keys(long)
    assert time.process_time() - start < 10
