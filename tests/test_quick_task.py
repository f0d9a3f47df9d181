"""A task in one line: what of it is a ticket, a day, a colleague, and what only looks so."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from helpdesk.quick_task import Colleague, QuickTask, parse

BERLIN, LONDON = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/London")
TUESDAY = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)  # 10:00 in Berlin
PEOPLE = [Colleague(1, "Priya Nair"), Colleague(2, "Mei Chow"), Colleague(3, "Tom Okafor"), Colleague(4, "Tom Émile")]


def read(text: str, at: datetime = TUESDAY, zone: ZoneInfo = BERLIN) -> QuickTask:
    return parse(text, at=at, zone=zone, people=PEOPLE, me=1)


def due(text: str, at: datetime = TUESDAY, zone: ZoneInfo = BERLIN) -> str | None:
    found = read(text, at, zone).due_at
    return None if found is None else found.astimezone(zone).strftime("%Y-%m-%d %H:%M")


DAYS = {
    "today": "2026-05-12 23:59",
    "tomorrow": "2026-05-13 23:59",
    "Tomorrow": "2026-05-13 23:59",
    "tonight": "2026-05-12 20:00",
    "wed": "2026-05-13 23:59",
    "fri": "2026-05-15 23:59",
    "Friday": "2026-05-15 23:59",
    "friday 14:00": "2026-05-15 14:00",
    "friday, 14:00": "2026-05-15 14:00",
    "friday at 2pm": "2026-05-15 14:00",
    "friday 2:30 pm": "2026-05-15 14:30",
    "at 14:00 friday": "2026-05-15 14:00",
    "friday 12am": "2026-05-15 00:00",
    "friday 12 pm": "2026-05-15 12:00",
    "by friday": "2026-05-15 23:59",
    "due on friday": "2026-05-15 23:59",
    "tuesday": "2026-05-19 23:59",  # the coming one
    "monday": "2026-05-18 23:59",
    "thurs": "2026-05-14 23:59",
    "on sat": "2026-05-16 23:59",
    "sun 10:00": "2026-05-17 10:00",
    "saturday": "2026-05-16 23:59",
    "this friday": "2026-05-15 23:59",
    "next friday": "2026-05-22 23:59",
    "next mon": "2026-05-18 23:59",
    "next week": "2026-05-18 23:59",
    "this week": "2026-05-15 23:59",
    "this monday": "2026-05-12 23:59",  # over: at once
    "12 May": "2026-05-12 23:59",
    "11 May": "2027-05-11 23:59",
    "13. May": "2026-05-13 23:59",
    "13th May": "2026-05-13 23:59",
    "May 13": "2026-05-13 23:59",
    "May 13th, 2027": "2027-05-13 23:59",
    "3 Sept": "2026-09-03 23:59",
    "3 sep 2028 9:05": "2028-09-03 09:05",
    "24 December": "2026-12-24 23:59",
    "29 Feb 2028": "2028-02-29 23:59",
    "2026-05-12": "2026-05-12 23:59",
    "2026-06-01 08:30": "2026-06-01 08:30",
    "1.6.2026": "2026-06-01 23:59",
    "in 3 days": "2026-05-15 23:59",
    "in a week": "2026-05-19 23:59",
    "in 2 weeks": "2026-05-26 23:59",
    "in 2 hours": "2026-05-12 12:00",
    "in 30 min": "2026-05-12 10:30",
    "in 3 days 9:00": "2026-05-15 09:00",
    "today 14:00": "2026-05-12 14:00",
    "today 9.30": "2026-05-12 09:30",
    "at 14:00": "2026-05-12 14:00",
    "at 9:00": "2026-05-13 09:00",  # over for today
    "tomorrow.": "2026-05-13 23:59",
}


@pytest.mark.parametrize("said", DAYS)
def test_a_day_at_the_end_is_when_it_is_due(said: str) -> None:
    assert due(f"Call Hallam Plumbing {said}") == DAYS[said]
    assert read(f"Call Hallam Plumbing {said}").title == "Call Hallam Plumbing"


ONLY_LOOKS_SO = [
    "Call about the Friday meeting",
    "Tomorrow's list",
    "Order today's papers for the desk",
    "Fit blinds against the sun",
    "Align the sat",
    "Book the hall for 31 February",
    "Book the hall for 31 Feb 2027",
    "Replace valve 12",
    "Read chapter in 3",
    "Update to 12.5",
    "Update to 2026-13-45",
    "Room 14:00x",
    "Set the clock to 25:00 friday 26:00",
    "Ask May",
    "Wait 99999 days",
    "in 9999 days it expires, in 9999 days",
    "Check marching band",
    "Watch 13pm",
    "Mend fri-edge",
    "Test 10:30",
    "",
]


@pytest.mark.parametrize("text", ONLY_LOOKS_SO)
def test_what_only_looks_like_a_day_stays_in_the_title(text: str) -> None:
    assert read(text) == QuickTask(" ".join(text.split()))


@pytest.mark.parametrize(
    ("text", "title", "ticket"),
    [
        ("call Hallam Plumbing #4821 tomorrow", "call Hallam Plumbing", 4821),
        ("#4821 call Hallam", "call Hallam", 4821),
        ("call Hallam tomorrow #4821", "call Hallam", 4821),
        ("call  Hallam   #12, please", "call Hallam , please", 12),
        ("compare #12 and #13", "compare and #13", 12),
        ("order C#4 and &#39; and item#5", "order C#4 and &#39; and item#5", None),
        ("colour #00ff00", "colour #00ff00", None),
        ("#0 and #1234567890123456", "#0 and #1234567890123456", None),
        ("#12-b stays", "#12-b stays", None),
    ],
)
def test_a_number_behind_a_hash_is_a_ticket(text: str, title: str, ticket: int | None) -> None:
    assert (read(text).title, read(text).ticket_id) == (title, ticket)


@pytest.mark.parametrize(
    ("text", "title", "whom"),
    [
        ("Swap access point @mei", "Swap access point", 2),
        ("@Mei swap access point tomorrow", "swap access point", 2),
        ("Swap @okafor", "Swap", 3),
        ("Swap @emile", "Swap", 4),
        ("Swap @tom", "Swap @tom", None),  # there are two
        ("Swap @priyanair", "Swap", 1),
        ("Swap @me", "Swap", 1),
        ("Swap @nobody", "Swap @nobody", None),
        ("Mail mei@campus.test", "Mail mei@campus.test", None),
        ("Mail @mei.example", "Mail @mei.example", None),
    ],
)
def test_a_name_behind_an_at_is_a_colleague_where_it_can_be_one_only(text: str, title: str, whom: int | None) -> None:
    assert (read(text).title, read(text).assignee_id) == (title, whom)


@pytest.mark.parametrize(
    ("at", "said", "zone", "expected"),
    [
        # 23:30 UTC is the next day in Berlin already
        ("2026-05-12T22:30:00+00:00", "today", BERLIN, "2026-05-13T21:59:00+00:00"),
        ("2026-05-12T22:30:00+00:00", "today", LONDON, "2026-05-12T22:59:00+00:00"),
        # the clocks go forward in the night to 29 March
        ("2026-03-28T12:00:00+00:00", "tomorrow 14:00", BERLIN, "2026-03-29T12:00:00+00:00"),
        ("2026-03-28T12:00:00+00:00", "today 14:00", BERLIN, "2026-03-28T13:00:00+00:00"),
        ("2026-03-28T12:00:00+00:00", "tomorrow 02:30", BERLIN, "2026-03-29T01:30:00+00:00"),  # there is none: 03:30
        ("2026-03-28T23:30:00+00:00", "in 2 hours", BERLIN, "2026-03-29T01:30:00+00:00"),
        ("2026-03-28T12:00:00+00:00", "in 1 days", BERLIN, "2026-03-29T21:59:00+00:00"),
        # and back in the night to 25 October: the first of two
        ("2026-10-24T12:00:00+00:00", "tomorrow 02:30", BERLIN, "2026-10-25T00:30:00+00:00"),
        ("2026-10-24T12:00:00+00:00", "tomorrow", BERLIN, "2026-10-25T22:59:00+00:00"),
        ("2026-12-31T23:30:00+00:00", "1 January", BERLIN, "2027-01-01T22:59:00+00:00"),
        ("2027-02-28T12:00:00+00:00", "29 feb", BERLIN, "2028-02-29T22:59:00+00:00"),
    ],
)
def test_days_and_times_are_the_campuss(at: str, said: str, zone: ZoneInfo, expected: str) -> None:
    found = read(f"Ring {said}", datetime.fromisoformat(at), zone).due_at
    assert found is not None
    assert found.astimezone(UTC).isoformat() == expected


def test_a_day_alone_leaves_no_title() -> None:
    assert read("tomorrow #4821").title == ""


@pytest.mark.parametrize("text", ["Call ſunday", "Call frıday", "Call ſat 14:00", "Call 3 ſept", "x next ſat"])
def test_letters_that_only_fold_to_a_day_are_words(text: str) -> None:
    assert "ſ" in read(text).title or "ı" in read(text).title
