"""Who says what to whom, what that does to the ticket, and the timeline."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from models import now
from tests.factories import Person


def texts(person: Person, number: int) -> list[str]:
    return [comment["text"] for comment in person.get(f"/api/tickets/{number}/comments").json["items"]]


def test_each_audience_reads_what_is_for_it(customer: Person, other: Person, agent: Person, admin: Person) -> None:
    number = customer.reports()
    other.joins(number)
    agent.writes(number, "note", audience="internal")
    agent.writes(number, "to reporter", audience="reporter")
    agent.writes(number, "to all", audience="affected")
    customer.writes(number, "reporter's words")
    other.writes(number, "joiner's words")
    assert texts(admin, number) == ["note", "to reporter", "to all", "reporter's words", "joiner's words"]
    assert texts(customer, number) == ["to reporter", "to all", "reporter's words"]
    assert texts(other, number) == ["to all", "joiner's words"]
    assert [p.sees(number)["comment_count"] for p in (admin, customer, other)] == [5, 3, 2]


@pytest.mark.parametrize("audience", ["internal", "reporter", "affected", "desk", "nonsense"])
def test_only_staff_choose_who_reads(customer: Person, agent: Person, audience: str) -> None:
    number = customer.reports()
    path = f"/api/tickets/{number}/comments"
    known = audience in {"internal", "reporter", "affected"}
    assert customer.post(path, {"text": "Hello", "audience": audience}).status_code == (403 if known else 422)
    assert texts(agent, number) == []
    assert agent.post(path, {"text": "Hello", "audience": audience}).status_code == (201 if known else 422)
    assert customer.post(path, {"text": "Hello"}).json["audience"] == "desk"


def test_the_first_reply_to_the_reporter_is_the_first_response(customer: Person, agent: Person) -> None:
    number = customer.reports()
    agent.writes(number, "thinking", audience="internal")
    customer.writes(number, "hello?")
    assert agent.sees(number)["first_response_at"] is None
    agent.writes(number, "On our way")
    first = agent.sees(number)["first_response_at"]
    assert first is not None
    assert agent.sees(number)["due_at"] == agent.sees(number)["resolution_due_at"]
    agent.writes(number, "Here")
    assert agent.sees(number)["first_response_at"] == first


def test_the_reporters_comment_ends_the_waiting_and_the_joiners_does_not(
    customer: Person, other: Person, agent: Person
) -> None:
    number = customer.reports()
    other.joins(number)
    agent.sets(number, status="waiting")
    assert agent.sees(number)["due_at"] is None
    other.writes(number, "me too")
    assert agent.sees(number)["status"] == "waiting"
    agent.writes(number, "Which room?")
    assert agent.sees(number)["status"] == "waiting"
    customer.writes(number, "Room 214")
    shown = agent.sees(number)
    assert shown["status"] == "open"
    assert shown["due_at"] is not None


def test_the_reporters_comment_reopens_within_fourteen_days_and_not_after(customer: Person, agent: Person) -> None:
    soon, late = customer.reports(), customer.reports()
    agent.sets(soon, status="resolved")
    agent.sets(late, status="resolved")
    with time_machine.travel(now() + timedelta(days=13, hours=23)):
        customer.signs_in()
        customer.writes(soon, "It drips again")
        assert customer.sees(soon)["status"] == "open"
        assert customer.sees(soon)["resolved_at"] is None
    with time_machine.travel(now() + timedelta(days=14, seconds=1)):
        customer.signs_in()
        response = customer.post(f"/api/tickets/{late}/comments", {"text": "It drips again"})
        assert response.status_code == 409
        assert customer.sees(late)["status"] == "resolved"


def test_nobody_but_staff_writes_on_a_closed_ticket(customer: Person, agent: Person) -> None:
    number = customer.reports()
    customer.patch(f"/api/tickets/{number}", {"status": "closed"})
    assert customer.post(f"/api/tickets/{number}/comments", {"text": "One more thing"}).status_code == 409
    agent.writes(number, "Noted", audience="internal")


def test_an_agent_who_reports_is_answered_by_others(agent: Person, admin: Person) -> None:
    number = agent.reports()
    agent.writes(number, "Any news?")
    assert agent.sees(number)["first_response_at"] is None
    admin.sets(number, status="waiting")
    agent.writes(number, "Room 7")
    assert agent.sees(number)["status"] == "open"
    admin.writes(number, "On it")
    assert agent.sees(number)["first_response_at"] is not None


def test_a_comment_is_its_authors_for_fifteen_minutes_and_an_admins_always(
    customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    said = customer.writes(number, "Rom 214")
    path = f"/api/comments/{said}"
    assert agent.patch(path, {"text": "Room 999"}).status_code == 403
    edited = customer.patch(path, {"text": "Room 214"})
    assert (edited.status_code, edited.json["text"], edited.json["version"]) == (200, "Room 214", 2)
    assert edited.json["edited_at"] is not None
    assert customer.put(path, {"text": "Room 214"}).json["version"] == 2
    with time_machine.travel(now() + timedelta(minutes=16)):
        customer.signs_in()
        admin.signs_in()
        assert customer.patch(path, {"text": "Room 215"}).status_code == 403
        assert customer.delete(path).status_code == 403
        assert customer.get(path).json["text"] == "Room 214"
        assert admin.patch(path, {"text": "Room 215"}).status_code == 200
        assert admin.delete(path).status_code == 204
        assert customer.get(path).status_code == 404
        assert customer.sees(number)["comment_count"] == 0


def test_a_stale_comment_is_refused_with_what_it_says_now(customer: Person, admin: Person) -> None:
    said = customer.writes(customer.reports(), "One")
    path = f"/api/comments/{said}"
    etag = customer.get(path).headers["ETag"]
    admin.patch(path, {"text": "Two"})
    stale = customer.patch(path, {"text": "Three"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json["current"]["text"]) == (412, "Two")
    assert customer.delete(path, headers={"If-Match": etag}).status_code == 412
    assert customer.delete(path, headers={"If-Match": stale.headers["ETag"]}).status_code == 204


def test_what_a_comment_said_before_is_for_the_staff_until_it_is_deleted(
    customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    said = agent.writes(number, "Your neighbour reported it")
    agent.patch(f"/api/comments/{said}", {"text": "It was reported"})

    def before(person: Person) -> list[Any]:
        events = person.get(f"/api/tickets/{number}/events").json["items"]
        return [event["from_value"] for event in events if event["to_value"] == "edited"]

    assert before(admin) == ["Your neighbour reported it"]
    assert before(customer) == [None]
    agent.delete(f"/api/comments/{said}")
    assert before(admin) == [None]


# --- the timeline -----------------------------------------------------------------------------------------------------


def test_the_timeline_tells_comments_and_events_in_order(customer: Person, agent: Person) -> None:
    number = customer.reports()
    agent.sets(number, status="in_progress", priority="high")
    agent.writes(number, "**On** our way")
    items = agent.get(f"/api/tickets/{number}/timeline").json["items"]
    kinds = [item["event"]["field"] if item["event"] else item["comment"]["text_html"] for item in items]
    assert kinds == ["created", "priority", "status", "<p><strong>On</strong> our way</p>\n"]
    assert [item["id"] for item in items] == sorted(item["id"] for item in items)


def test_one_conditional_call_is_the_whole_poll(customer: Person, agent: Person) -> None:
    number = customer.reports()
    path = f"/api/tickets/{number}/timeline"
    last = customer.get(path).json["items"][-1]["id"]
    poll = customer.get(f"{path}?after={last}")
    assert poll.json == {"items": [], "next_cursor": None}
    agent.writes(number, "secret", audience="internal")
    quiet = customer.get(f"{path}?after={last}", headers={"If-None-Match": poll.headers["ETag"]})
    assert quiet.status_code == 304
    agent.writes(number, "On our way")
    news = customer.get(f"{path}?after={last}", headers={"If-None-Match": poll.headers["ETag"]})
    assert [item["comment"]["text"] for item in news.json["items"]] == ["On our way"]


def test_a_long_timeline_comes_in_parts_that_lose_nothing(customer: Person, agent: Person) -> None:
    number = customer.reports()
    for index in range(7):
        agent.writes(number, f"{index}", audience="internal" if index % 2 else "reporter")
    seen: list[str] = []
    after = "0"
    while after:
        page = customer.get(f"/api/tickets/{number}/timeline?limit=2&after={after}").json
        seen += [item["comment"]["text"] for item in page["items"] if item["comment"]]
        after = page["next_cursor"]
    assert seen == ["0", "2", "4", "6"]


def test_an_edited_comment_comes_again_and_a_deleted_one_leaves_only_that(customer: Person, agent: Person) -> None:
    number = customer.reports()
    path = f"/api/tickets/{number}/timeline"
    said = agent.writes(number, "Tomorow")
    last = customer.get(path).json["items"][-1]["id"]
    agent.patch(f"/api/comments/{said}", {"text": "Tomorrow"})
    (news,) = customer.get(f"{path}?after={last}").json["items"]
    assert (news["type"], news["event"]["to_value"], news["comment"]["text"]) == ("event", "edited", "Tomorrow")
    agent.delete(f"/api/comments/{said}")
    items = customer.get(path).json["items"]
    assert [item["event"]["to_value"] for item in items] == ["open", "deleted"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://evil.test/pixel.png)",
        "<svg onload=alert(1)>",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        '"><iframe src=//evil.test>',
        "<style>@import url(//evil.test)</style>",
    ],
)
def test_what_people_write_is_never_code(customer: Person, agent: Person, text: str) -> None:
    number = customer.reports()
    said = customer.writes(number, text)
    html = agent.get(f"/api/comments/{said}").json["text_html"].lower()
    for danger in ("<script", "<img", "<svg", "<iframe", "<style", 'href="javascript', 'href="data'):
        assert danger not in html
    assert agent.get(f"/api/comments/{said}").json["text"] == text


def test_staff_may_write_on_what_they_reported_long_ago_and_it_stays_resolved(agent: Person, admin: Person) -> None:
    number = agent.reports()
    admin.sets(number, status="resolved")
    with time_machine.travel(now() + timedelta(days=15)):
        agent.signs_in()
        agent.writes(number, "For the record: it was the pump")
        assert agent.sees(number)["status"] == "resolved"
    with time_machine.travel(now() + timedelta(days=2)):
        agent.signs_in()
        agent.writes(number, "It drips again")
        assert agent.sees(number)["status"] == "open"


def test_an_author_hears_that_an_admin_changed_their_words(customer: Person, admin: Person) -> None:
    number = customer.reports()
    said = customer.writes(number, "My phone number is 555")
    path = f"/api/tickets/{number}/timeline"
    last = customer.get(path).json["items"][-1]["id"]
    admin.patch(f"/api/comments/{said}", {"text": "(a phone number)"})
    (news,) = customer.get(f"{path}?after={last}").json["items"]
    assert (news["event"]["to_value"], news["comment"]["text"]) == ("edited", "(a phone number)")
    admin.delete(f"/api/comments/{said}")
    (gone,) = customer.get(f"{path}?after={news['id']}").json["items"]
    assert gone["event"]["to_value"] == "deleted"


def test_a_comment_that_asks_for_a_hundred_thousand_cells_gets_none(customer: Person, agent: Person) -> None:
    table = "|".join("a" * 300) + "\n" + "|".join("-" * 300) + "\n" + "a\n" * 1000
    said = customer.writes(customer.reports(), table)
    assert len(agent.get(f"/api/comments/{said}").json["text_html"]) < 4 * len(table)


def test_whoever_polls_learns_which_comment_is_gone(customer: Person, agent: Person) -> None:
    number = customer.reports()
    comment = agent.writes(number, "Never mind.", audience="reporter")
    last = customer.get(f"/api/tickets/{number}/timeline").json["items"][-1]["id"]
    assert agent.delete(f"/api/comments/{comment}").status_code == 204
    for person in (customer, agent):
        (item,) = person.get(f"/api/tickets/{number}/timeline?after={last}").json["items"]
        assert item["event"]["to_value"] == "deleted"
        assert (item["event"]["comment_id"], item["event"]["from_value"]) == (comment, None)


def test_a_page_holds_no_more_text_than_can_be_rendered_at_once(customer: Person, agent: Person) -> None:
    number = customer.reports()
    written = [customer.writes(number, "[" * 19_000 + str(n)) for n in range(8)]
    read: list[int] = []
    path = f"/api/tickets/{number}/timeline?limit=100"
    after = ""
    while True:
        page = agent.get(path + after).json
        texts = [item["comment"]["text"] for item in page["items"] if item["comment"]]
        assert sum(map(len, texts)) <= 100_000
        read += [item["comment"]["id"] for item in page["items"] if item["comment"]]
        if page["next_cursor"] is None:
            break
        after = f"&after={page['next_cursor']}"
    assert read == written
    listed = agent.get(f"/api/tickets/{number}/comments?limit=100").json
    assert len(listed["items"]) == 5 and listed["next_cursor"]


@pytest.mark.parametrize("what", ["timeline", "events"])
def test_a_page_of_the_history_says_where_the_next_is(customer: Person, what: str) -> None:
    number = customer.reports()
    for n in range(3):
        customer.writes(number, f"Word {n}.")
    seen, path = [], f"/api/tickets/{number}/{what}?limit=2"
    while path:
        page = customer.get(path)
        seen += [item["id"] for item in page.json["items"]]
        link = re.match(r'<(.*)>; rel="next"', page.headers.get("Link", ""))
        assert (page.json["next_cursor"] is None) == (link is None)
        path = link[1] if link else ""
    assert len(seen) == len(set(seen)) == 4
