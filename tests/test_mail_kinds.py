"""Who is mailed which kind: the staff as whose work it is, everybody as they chose, and nobody twice."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from helpdesk import jobs, notifications
from models import DigestItem, Follower, Job, Membership, Team, begin_write, db, now
from tests.factories import Person, mails, work


def kinds(person: Person) -> list[str]:
    """What somebody was mailed, oldest first, by the beginning of the subject."""
    return [str(found["subject"]) for found in reversed(mails(person.email))]


def joins_team(person: Person, slug: str) -> int:
    team_id = db.session.scalar(select(Team.id).where(Team.slug == slug))
    assert team_id
    begin_write()
    db.session.add(Membership(user_id=person.id, team_id=team_id))
    db.session.commit()
    return team_id


def prefers(person: Person, **wishes: str) -> None:
    assert person.patch("/api/users/me", {"notifications": wishes}).status_code == 200


def test_whoever_is_given_a_ticket_is_told_and_whoever_takes_it_is_not(
    customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports(title="The lift stands still")
    admin.sets(number, assignee_id=agent.id)
    (told,) = mails(agent.email)
    assert told["subject"] == f"Yours now: #{number} The lift stands still"
    assert f"{admin.name} gave you this" in told["text"]
    assert f"/staff/tickets/{number}" in told["text"] and f"/staff/tickets/{number}" in told["html"]
    another = customer.reports()
    agent.sets(another, assignee_id=agent.id)
    assert len(mails(agent.email)) == 1
    assert mails(admin.email) == []


def test_what_was_given_on_before_its_mail_went_is_told_to_who_has_it_now(
    customer: Person, agent: Person, admin: Person, app: Flask
) -> None:
    third = Person.made(app, "agent")
    number = customer.reports()
    work()
    admin.sets(number, assignee_id=agent.id)
    admin.sets(number, assignee_id=third.id)
    assert mails(agent.email) == []
    assert len(mails(third.email)) == 1


def test_who_is_named_in_a_note_is_told_of_it_and_never_mailed_its_words(
    customer: Person, agent: Person, admin: Person, other: Person
) -> None:
    number = customer.reports()
    work()
    admin.writes(
        number,
        f"canary-note @{agent.username.upper()}, @{other.username} and x@{agent.username}.test",
        audience="internal",
    )
    (told,) = mails(agent.email)
    assert told["subject"].startswith(f"{admin.name} mentions you in #{number}")
    assert "wrote a note" in told["text"]
    assert "canary-note" not in str(mails())
    assert mails(other.email) == []
    admin.writes(number, f"@{agent.username} will come tomorrow", audience="reporter")
    assert "will come tomorrow" in mails(agent.email)[0]["text"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@mara", {"mara"}), ("(@mara, @tom.okafor.)", {"mara", "tom.okafor"}), ("mail me@campus.test", set()),
        ("see /@mara or a@@mara", set()), ("@-x @" + "a" * 33, {"a" * 32}), ("", set()),
    ],
)  # fmt: skip
def test_a_mention_is_an_at_sign_and_a_username(text: str, found: set[str]) -> None:
    assert notifications.mentioned(text) == found


def test_whose_ticket_it_is_hears_what_its_customer_says_and_that_it_is_open_again(
    customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    agent.sets(number, assignee_id=agent.id)
    begin_write()
    db.session.add(Follower(ticket_id=number, user_id=admin.id))
    db.session.commit()
    work()
    customer.writes(number, "It is the left one")
    assert kinds(agent) == kinds(admin) == [f"New message in #{number} Water dripping from the ceiling"]
    assert "It is the left one" in mails(agent.email)[0]["text"]
    agent.sets(number, status="resolved")
    customer.writes(number, "It drips again")
    assert kinds(agent)[1:] == [f"Open again: #{number} Water dripping from the ceiling"]
    assert "It drips again" in mails(agent.email)[0]["text"]
    assert len(kinds(admin)) == 2


def test_a_team_hears_of_what_nobody_has_and_of_nothing_else(
    customer: Person, agent: Person, admin: Person, other: Person
) -> None:
    team_id = joins_team(agent, "facilities")
    number = customer.reports(category="facilities-leaks")
    (told,) = mails(agent.email)
    assert told["subject"].startswith(f"For Facilities: #{number}")
    customer.writes(number, "Any news?")
    admin.post("/api/tickets", {**_report(), "assignee_id": admin.id, "team_id": team_id})
    taken = customer.reports(category="facilities-leaks")
    admin.sets(taken, assignee_id=admin.id)  # before its mail went
    assert len(mails(agent.email)) == 1
    assert mails(other.email) == []


def _report() -> dict[str, Any]:
    return {"title": "A door is stuck", "description": "It does not open.", "category": "facilities-doors"}


def test_the_reporter_hears_that_the_desk_waits_and_that_it_is_open_again(customer: Person, agent: Person) -> None:
    number = customer.reports()
    work()
    agent.sets(number, status="waiting")
    assert kinds(customer)[1] == f"We wait for your answer: #{number} Water dripping from the ceiling"
    agent.sets(number, status="resolved")
    work()
    agent.sets(number, status="in_progress")
    assert kinds(customer)[3].startswith(f"Open again: #{number}")
    agent.sets(number, status="waiting")
    agent.sets(number, status="in_progress")  # before its mail went
    assert len(kinds(customer)) == 4


def test_who_works_here_and_reported_it_hears_as_its_reporter_and_once(agent: Person, admin: Person) -> None:
    number = agent.reports()
    agent.sets(number, assignee_id=agent.id)
    work()
    before = len(mails(agent.email))
    admin.writes(number, f"@{agent.username}: done by noon", audience="reporter")
    assert [found["subject"] for found in mails(agent.email)[: len(mails(agent.email)) - before]] == [
        f"Reply to #{number} Water dripping from the ceiling"
    ]


def test_each_kind_is_mailed_as_its_reader_chose(customer: Person, agent: Person, admin: Person) -> None:
    prefers(agent, assigned="off")
    number = customer.reports()
    admin.sets(number, assignee_id=agent.id)
    assert mails(agent.email) == []
    customer.writes(number, "Any news?")
    assert len(mails(agent.email)) == 1


def test_what_is_gathered_for_an_hour_is_one_mail_of_what_still_holds(
    customer: Person, agent: Person, admin: Person
) -> None:
    prefers(agent, assigned="hourly", answered="hourly")
    start = now().replace(minute=10, second=0, microsecond=0) + timedelta(days=1)
    with time_machine.travel(start, tick=False) as clock:
        for person in (customer, agent, admin):
            person.signs_in()
        first, second = customer.reports(title="The first"), customer.reports(title="The second")
        for number in (first, second):
            admin.sets(number, assignee_id=agent.id)
        customer.writes(first, "Any news?")
        work()
        admin.sets(second, assignee_id=None)
        assert mails(agent.email) == []
        clock.move_to(start.replace(minute=59))
        assert mails(agent.email) == []
        clock.move_to(start.replace(minute=0) + timedelta(hours=1))
        (told,) = mails(agent.email)
        assert told["subject"] == "2 things have happened in your tickets"
        assert f"#{first} The first" in told["text"]
        assert "The second" not in told["text"]
        assert told["text"].count("http") >= 2
        clock.move_to(start + timedelta(hours=3))
        assert len(mails(agent.email)) == 1
    assert db.session.scalar(select(func.count()).select_from(DigestItem)) == 0


def test_a_digest_that_is_made_again_after_a_crash_is_one_mail(customer: Person, agent: Person, admin: Person) -> None:
    prefers(agent, assigned="hourly")
    number = customer.reports()
    admin.sets(number, assignee_id=agent.id)
    work()
    begin_write()
    job = db.session.scalars(select(Job).where(Job.kind == "digest")).one()
    claimed = jobs.Claimed(job.id, job.kind, job.payload, 1, None, job.created_at)
    db.session.rollback()
    for _ in range(2):
        jobs.HANDLERS["digest"](claimed)
    assert len(mails(agent.email)) == 1


# --- headers, and fewer mails ----------------------------------------------------------------------------------------


def off(message: dict[str, Any]) -> str:
    found = re.fullmatch(
        r"<http://helpdesk\.test(/account/mails/off\?token=[^>]+)>", message["headers"]["List-Unsubscribe"]
    )
    assert found
    return found[1]


def test_every_mail_about_a_ticket_says_how_to_get_no_more_of_them(
    customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    agent.writes(number, "On our way", audience="reporter")
    admin.sets(number, assignee_id=agent.id)
    told = [*mails(customer.email), *mails(agent.email)]
    assert len(told) == 3
    for message in told:
        assert message["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert off(message) in message["text"] and off(message) in message["html"]


def test_one_click_of_a_mail_program_ends_mails_of_that_kind_alone(
    customer: Person, agent: Person, anonymous: Person
) -> None:
    number = customer.reports()
    agent.writes(number, "On our way", audience="reporter")
    link = off(mails(customer.email)[0])
    assert "Stop these mails" in anonymous.get(link).get_data(as_text=True)
    assert "reply" not in customer.get("/api/users/me").json["notifications"]  # looking changes nothing
    answer = anonymous.open("POST", link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code in (200, 303)
    assert customer.get("/api/users/me").json["notifications"] == {"reply": "off"}
    agent.writes(number, "Nobody is there", audience="reporter")
    agent.sets(number, status="resolved")
    assert mails(customer.email)[0]["subject"].startswith("Resolved")
    assert len(mails(customer.email)) == 3


def test_a_link_that_was_made_up_or_sent_to_an_address_of_before_ends_nothing(
    customer: Person, other: Person, anonymous: Person
) -> None:
    customer.reports()
    link = off(mails(customer.email)[0])
    token = link.partition("token=")[2]
    user_id, kind, proof = token.split(".")
    for wrong in (
        "", "x", f"{other.id}.{kind}.{proof}", f"{user_id}.resolved.{proof}", f"{user_id}.{kind}.", f"{user_id}.{kind}.{proof}x",
        f"{10**30}.{kind}.{proof}", "²." + kind, f"{user_id}.{kind}.ü",
    ):  # fmt: skip
        for method in ("GET", "POST"):
            assert anonymous.open(method, "/account/mails/off", query_string={"token": wrong}).status_code == 400
    assert customer.get("/api/users/me").json["notifications"] == {}
    assert anonymous.open("POST", link).status_code in (200, 303)
    assert customer.get("/api/users/me").json["notifications"] == {"received": "off"}
