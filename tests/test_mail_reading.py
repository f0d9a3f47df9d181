"""What mails say, in the shapes that the world's mail programs give them, and in those that nobody should."""

from __future__ import annotations

import json
import random
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from helpdesk.inbound import reading
from helpdesk.inbound.markup import as_text
from helpdesk.inbound.quoting import written
from helpdesk.mail import MARK

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
