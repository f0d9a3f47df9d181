"""People without an account: their report is held until the address is proven, and its link opens it and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, func, select, update

from helpdesk import guests, images, jobs, limits, sla
from helpdesk.limits import Limit
from models import OneTimeToken, Ticket, User, db, now
from tests.conftest import statements
from tests.doors import NEW_PASSWORD, change
from tests.factories import PASSWORD, Person, a_picture, a_report, form, link_in, made_ready, mails, work
from tests.world import World, state

ADDRESS = "ola@elsewhere.test"


@pytest.fixture
def world(app: Flask) -> World:
    return World(app)


def reports(person: Person, **fields: Any) -> int:
    return person.post("/api/tickets", a_report(email=ADDRESS, **fields)).status_code


def number_of(token: str) -> int:
    db.session.rollback()
    return int(db.session.scalar(select(func.max(Ticket.id))) or 0)


def test_a_guests_report_is_held_until_its_link_was_used(world: World) -> None:
    token = world.guest_report(ADDRESS, title="Canary lamp", building=None)
    assert token == link_in(mails(ADDRESS)[0])
    number = number_of(token)
    for q in ("", "?q=canary"):
        assert world.agent.get(f"/api/tickets{q}").json["items"] == []
    assert world.agent.get("/api/tickets/counts").json["total"]["count"] == 0
    assert [item["id"] for item in world.agent.get("/api/tickets?held=true").json["items"]] == [number]
    assert world.other.get("/api/tickets/similar?title=lamp").json["items"] == []
    assert world.other.put(f"/api/tickets/{number}/affected/me").status_code == 404
    assert world.anonymous.get(f"/api/tickets/by-link/{token}").status_code == 404
    assert len(mails(ADDRESS)) == 1

    released = world.anonymous.post("/api/tickets/confirm", {"token": token})
    assert (released.status_code, released.json["id"], released.json["held"]) == (200, number, False)
    again = world.anonymous.post("/api/tickets/confirm", {"token": token})
    assert (again.status_code, again.json["version"]) == (200, released.json["version"])
    assert [item["id"] for item in world.agent.get("/api/tickets").json["items"]] == [number]
    assert world.agent.sees(number)["due_at"] is not None
    assert mails(ADDRESS)[0]["subject"].startswith("We have your report")
    assert len(mails(ADDRESS)) == 2


@pytest.mark.parametrize("is_worked_on", [False, True])
def test_the_time_of_a_report_begins_when_it_is_confirmed(world: World, is_worked_on: bool) -> None:
    """Nobody is late for what was held, and what the staff did with it meanwhile is no pause."""
    token = world.guest_report(ADDRESS)
    number = number_of(token)
    created_at = db.session.get_one(Ticket, number).created_at
    if is_worked_on:
        with time_machine.travel(created_at + timedelta(days=2)):
            world.agent.signs_in()
            world.agent.sets(number, status="waiting")
            world.agent.writes(number, "Which lamp?", audience="reporter")
    confirmed_at = created_at + timedelta(days=6)
    with time_machine.travel(confirmed_at, tick=False):
        assert world.anonymous.post("/api/tickets/confirm", {"token": token}).status_code == 200
    db.session.rollback()
    ticket = db.session.get_one(Ticket, number)
    assert ticket.created_at == confirmed_at
    assert ticket.resolution_due_at == confirmed_at + timedelta(days=5)
    assert ticket.first_response_due_at == confirmed_at + timedelta(days=1)
    assert (ticket.response_breached_at, ticket.resolution_breached_at, ticket.warned_for) == (None, None, None)
    if is_worked_on:
        assert (ticket.first_response_at, ticket.paused_since) == (confirmed_at, confirmed_at)
        with time_machine.travel(confirmed_at + timedelta(hours=3), tick=False):
            world.agent.signs_in()
            assert sla.pauses_of([number])[number] == sla.Pauses([], confirmed_at)
            world.agent.sets(number, status="in_progress")
        db.session.rollback()
        assert db.session.get_one(Ticket, number).resolution_due_at == confirmed_at + timedelta(days=5, hours=3)


def test_a_guests_report_that_is_sent_twice_under_one_key_is_one_and_one_mail(world: World) -> None:
    def sends(key: str, **fields: Any) -> int:
        headers = {"Idempotency-Key": key}
        return world.anonymous.post("/api/tickets", a_report(email=ADDRESS, **fields), headers=headers).status_code

    assert [sends("a-key"), sends("a-key")] == [202, 202]
    work()
    assert len(mails(ADDRESS)) == 1
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1
    assert sends("a-key", title="Another matter") == 202, "of other people's keys nobody knows"
    assert sends("another-key") == 202
    work()
    assert len(mails(ADDRESS)) == 3
    assert [sends("ä"), sends("x" * 256)] == [422, 422]


def test_the_link_opens_one_ticket_as_its_reporter_sees_it(world: World) -> None:
    token = world.guest_link()
    number = number_of(token)
    path = f"/api/tickets/by-link/{token}"
    world.agent.writes(number, "canary-note", audience="internal")
    world.agent.writes(number, "Which lamp?", audience="reporter")
    seen = world.anonymous.get(path)
    assert (seen.json["id"], seen.json["comment_count"]) == (number, 1)
    assert seen.headers["Cache-Control"] == "private, no-cache"
    written = world.anonymous.post(f"{path}/comments", {"text": "The one above the desk."})
    assert written.status_code == 201
    timeline = world.anonymous.get(f"{path}/timeline")
    texts = [item["comment"]["text"] for item in timeline.json["items"] if item["comment"]]
    assert texts == ["Which lamp?", "The one above the desk."]
    assert "canary-note" not in timeline.get_data(as_text=True)
    comments = world.agent.get(f"/api/tickets/{number}/comments").json["items"]
    assert comments[-1]["author"]["role"] == "customer"
    world.agent.sets(number, status="waiting")
    assert world.anonymous.post(f"{path}/comments", {"text": "Still dark."}).status_code == 201
    assert world.agent.sees(number)["status"] == "open", "its reporter answered"
    world.agent.sets(number, status="closed")
    assert world.anonymous.post(f"{path}/comments", {"text": "Hello?"}).status_code == 409
    # no token of theirs, and no other ticket of the same person
    assert world.anonymous.get(f"/api/tickets/{number}").status_code == 401
    assert world.anonymous.get(f"/api/tickets/by-link/{'x' * 43}").status_code == 404
    assert world.anonymous.get("/api/tickets/by-link/x").status_code == 404


def test_whoever_registers_later_finds_their_reports(world: World) -> None:
    token = world.guest_report(ADDRESS)
    number = number_of(token)
    assert world.anonymous.post("/api/tickets/confirm", {"token": token}).status_code == 200
    body = {"username": "ola", "email": ADDRESS, "password": NEW_PASSWORD}
    assert world.anonymous.post("/api/auth/register", body).status_code == 202
    link = next(link_in(message) for message in mails(ADDRESS) if "account/confirm" in message["text"])
    signed_in = world.anonymous.post("/api/auth/confirm", {"token": link, "password": NEW_PASSWORD})
    person = Person(world.app)
    person.token = signed_in.json["access_token"]
    assert [item["id"] for item in person.get("/api/tickets").json["items"]] == [number]
    assert world.anonymous.get(f"/api/tickets/by-link/{token}").status_code == 200


def test_the_link_ends_with_who_it_was_for(world: World) -> None:
    token = world.guest_link()
    number = number_of(token)
    path = f"/api/tickets/by-link/{token}"
    guest = db.session.get_one(Ticket, number).reporter_id
    world.agent.sets(number, reporter_id=world.other.id)
    assert world.anonymous.get(path).status_code == 404
    world.agent.sets(number, reporter_id=guest)
    assert world.anonymous.get(path).status_code == 200
    assert world.admin.delete(f"/api/users/{guest}").status_code == 204
    for answer in (
        world.anonymous.get(path),
        world.anonymous.get(f"{path}/timeline"),
        world.anonymous.post(f"{path}/comments", {"text": "Hello?"}),
    ):
        assert answer.status_code == 404
    with time_machine.travel(now() + timedelta(days=181)):
        assert world.anonymous.get(f"/api/tickets/by-link/{world.guest_link()}").status_code == 200
        assert world.anonymous.get(path).status_code == 404


def test_a_report_with_somebodys_address_tells_nothing_and_gives_nothing(world: World) -> None:
    """The answer is the same for an address of an account, of nobody, and of somebody locked out."""
    answers = []
    for address in (world.other.email, world.admin.email, "nobody@elsewhere.test", world.people["off"].email):
        response = world.anonymous.post("/api/tickets", a_report(email=address, title="canary-title"))
        answers.append((response.status_code, response.json))
        for message in mails(address):
            assert "canary-title" not in message["text"] + message["html"] + message["subject"]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 202
    assert world.other.get("/api/tickets").json["items"] == []
    assert mails(world.people["off"].email) == []


def test_guests_choose_nothing_that_the_staff_choose(world: World) -> None:
    for name, value in {
        "priority": "urgent", "assignee_id": world.agent.id, "team_id": 1, "tags": ["hvac"],
    }.items():  # fmt: skip
        refused = world.anonymous.post("/api/tickets", a_report(email=ADDRESS, **{name: value}))
        assert (refused.status_code, list(refused.json["errors"])) == (422, [name])
    assert world.anonymous.post("/api/tickets", a_report()).status_code == 401
    assert world.reporter.post("/api/tickets", a_report(email=ADDRESS)).status_code == 403
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 0
    assert reports(world.anonymous) == 202


def test_what_nobody_confirmed_is_forgotten_with_whom_it_was_made_for(world: World) -> None:
    held, kept = world.guest_report(ADDRESS), world.guest_link()
    kept_number = number_of(kept)
    people = db.session.scalar(select(func.count()).select_from(User))
    with time_machine.travel(now() + timedelta(days=6)):
        work()
        assert db.session.scalar(select(func.count()).select_from(Ticket)) == 2
    db.session.execute(update(Ticket).values(created_at=now() - timedelta(days=8)))
    db.session.commit()
    with time_machine.travel(now() + timedelta(hours=7)):
        work()
        db.session.rollback()
        assert list(db.session.scalars(select(Ticket.id))) == [kept_number]
        assert db.session.scalar(select(User.id).where(User.email == ADDRESS)) is None
        assert db.session.scalar(select(func.count()).select_from(User)) == (people or 0) - 1
        assert world.anonymous.post("/api/tickets/confirm", {"token": held}).status_code == 400
        assert db.session.scalar(select(func.count()).select_from(OneTimeToken)) == 1


def test_guests_are_limited_by_client_and_by_address(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """TRUST 10 and 13: three a day to an address, five in ten minutes by a client."""
    assert [reports(world.anonymous) for _ in range(4)] == [202, 202, 202, 429]
    monkeypatch.setattr(limits, "GUEST_PEER", Limit("guest-peer", burst=5, every=120))
    sent = [world.anonymous.post("/api/tickets", a_report(email=f"n{n}@elsewhere.test")) for n in range(6)]
    assert [response.status_code for response in sent] == [202] * 5 + [429]
    assert 0 < int(sent[-1].headers["Retry-After"]) <= 120
    assert world.reporter.post("/api/tickets", a_report()).status_code == 201
    assert len(mails(ADDRESS)) == 3


def test_no_other_sites_page_reports_for_a_guest(world: World) -> None:
    foreign = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
    refused = world.anonymous.post("/api/tickets", a_report(email=ADDRESS), headers=foreign)
    assert refused.status_code == 403
    own = {"Sec-Fetch-Site": "same-origin"}
    assert world.anonymous.post("/api/tickets", a_report(email=ADDRESS), headers=own).status_code == 202


def test_what_the_link_opens_stands_in_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    token = world.guest_link()
    with caplog.at_level("INFO", logger="helpdesk"):
        for path in ("", "/timeline"):
            assert world.anonymous.get(f"/api/tickets/by-link/{token}{path}").status_code == 200
        world.anonymous.post(
            f"/api/tickets/by-link/{token}/comments", {"text": "x"}, headers={"Origin": "https://evil"}
        )
        assert "by-link/…" in caplog.text
        assert token not in caplog.text


def test_the_page_of_the_link_confirms_by_a_button_and_shows_the_answers(world: World) -> None:
    token = world.guest_report(ADDRESS, title="Lamp hums", description="**Loudly.**")
    page = f"/account/report?token={token}"
    visitor, ours = world.anonymous, {"Sec-Fetch-Site": "same-origin"}
    held = visitor.get(page)
    assert held.status_code == 200 and "Lamp hums" not in held.get_data(as_text=True)
    assert world.agent.get("/api/tickets").json["items"] == [], "opening it does nothing"
    sent = visitor.open("POST", "/account/report", data={"token": token}, headers=ours)
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{page}&done=sent")
    assert "The helpdesk has your report" in visitor.get(sent.headers["Location"]).get_data(as_text=True)
    (ticket,) = world.agent.get("/api/tickets").json["items"]
    world.agent.writes(ticket["id"], "Which one?", audience="reporter")
    text = visitor.get(page).get_data(as_text=True)
    assert "Lamp hums" in text and "<strong>Loudly.</strong>" in text and "Which one?" in text
    form = {"token": token, "key": "a" * 32, "text": "The one above the desk."}
    for _ in range(2):
        assert visitor.open("POST", "/account/report", data=form, headers=ours).status_code == 303
    assert len(world.agent.get(f"/api/tickets/{ticket['id']}/comments").json["items"]) == 2, "sent twice, written once"
    empty = visitor.open("POST", "/account/report", data={**form, "key": "b" * 32, "text": " "}, headers=ours)
    assert empty.status_code == 422
    world.agent.sets(ticket["id"], status="closed")
    late = visitor.open("POST", "/account/report", data={**form, "key": "c" * 32, "text": "Kept words"}, headers=ours)
    assert late.status_code == 409
    assert visitor.open("POST", "/account/report", data={"token": token}).status_code == 403
    assert visitor.get(f"/account/report?token={'x' * 43}").status_code == 400


def test_who_is_somebody_here_is_not_forgotten_with_a_report_that_nobody_confirmed(world: World) -> None:
    """Added by the staff to those affected, or invited: a stranger who types their address takes nothing from them."""
    number = world.ticket()
    affected, invited = "affected@elsewhere.test", "invited@campus.test"
    assert world.agent.post(f"/api/tickets/{number}/affected", {"email": affected}).status_code == 204
    assert world.admin.post("/api/users", {"email": invited, "name": "New", "role": "agent"}).status_code == 201
    for address in (affected, invited, ADDRESS):
        assert world.anonymous.post("/api/tickets", a_report(email=address)).status_code == 202
    db.session.execute(delete(OneTimeToken))  # the invitation is long over
    db.session.execute(update(Ticket).where(Ticket.held).values(created_at=now() - timedelta(days=8)))
    jobs.enqueue("purge_held", {})
    db.session.commit()
    work()
    kept = set(db.session.scalars(select(User.email).where(User.email.in_([affected, invited, ADDRESS]))))
    assert kept == {affected, invited}
    assert db.session.scalar(select(func.count()).where(Ticket.held)) == 0
    assert world.agent.sees(number)["affected_count"] == 3
    assert len(world.agent.get(f"/api/tickets/{number}/affected").json["items"]) == 3


def test_each_mail_about_a_guests_report_opens_its_conversation_and_nobody_elses(world: World) -> None:
    token = world.guest_report(ADDRESS)
    assert world.anonymous.post("/api/tickets/confirm", {"token": token}).status_code == 200
    number = number_of(token)
    world.agent.writes(number, "Which one?", audience="reporter")
    reply = next(message for message in mails(ADDRESS) if "Which one?" in message["text"])
    assert link_in(reply) == token
    assert "Which one?" in world.anonymous.get(f"/account/report?token={token}").get_data(as_text=True)
    # with an account they have a page of their own
    world.other.joins(number)
    world.agent.writes(number, "For all.", audience="affected")
    joined = next(message for message in mails(world.other.email) if "For all." in message["text"])
    assert token not in joined["text"] and f"/tickets/{number}\n" in joined["text"]


def test_a_guest_whose_report_was_merged_is_told_how_to_read_on(world: World) -> None:
    token = world.guest_report(ADDRESS)
    assert world.anonymous.post("/api/tickets/confirm", {"token": token}).status_code == 200
    number, into = number_of(token), world.other.reports()
    assert world.agent.post(f"/api/tickets/{number}/merge", {"into_id": into}).status_code == 200
    said = world.anonymous.post(f"/api/tickets/by-link/{token}/comments", {"text": "It still drips."})
    assert said.status_code == 409 and "create an account" in said.json["detail"]
    world.agent.writes(into, "Tomorrow at ten.", audience="affected")
    told = next(message for message in mails(ADDRESS) if "Tomorrow at ten." in message["text"])
    assert "/register\n" in told["text"] and f"/tickets/{into}" not in told["text"]


def test_a_link_that_no_key_derives_any_more_is_not_mailed_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token = world.guest_report(ADDRESS)
    assert world.anonymous.post("/api/tickets/confirm", {"token": token}).status_code == 200
    world.agent.writes(number_of(token), "Which one?", audience="reporter")
    monkeypatch.setitem(world.app.config, "SECRET_KEY", "another key, and none before it " * 2)
    told = next(message for message in mails(ADDRESS) if "Which one?" in message["text"])
    assert token not in told["text"] and "/register\n" in told["text"]


# --- photos through the link ------------------------------------------------------------------------------------------


def shown(person: Person, token: str, photo: int, part: str = "") -> int:
    return person.get(f"/api/tickets/by-link/{token}/images/{photo}{part}").status_code


def test_photos_come_through_the_link_and_are_seen_through_it(world: World) -> None:
    token = world.guest_link()
    number, path = number_of(token), f"/api/tickets/by-link/{token}"
    photo = world.anonymous.uploads(through=token)
    for part in ("", "/thumbnail"):
        assert shown(world.anonymous, token, photo, part) == 200
        assert world.agent.get(f"/api/images/{photo}{part}").status_code == 404, "nobody else's before it is tied"
    said = world.anonymous.post(f"{path}/comments", {"text": "Here it is.", "images": [photo]})
    assert (said.status_code, [image["id"] for image in said.json["images"]]) == (201, [photo])
    added = world.anonymous.open("POST", f"{path}/images", **form(a_picture()))
    own = added.json["id"]
    made_ready(own)
    assert (added.status_code, added.json["comment_id"], added.json["ticket_id"]) == (201, None, number)
    assert [item["id"] for item in world.anonymous.get(f"{path}/images").json["items"]] == [photo, own]
    items = world.anonymous.get(f"{path}/timeline").json["items"]
    assert [image["id"] for item in items if item["comment"] for image in item["comment"]["images"]] == [photo]
    assert world.anonymous.get(path).json["image_count"] == world.agent.sees(number)["image_count"] == 2
    for one in (photo, own):
        assert [shown(world.anonymous, token, one), world.agent.get(f"/api/images/{one}").status_code] == [200, 200]
    assert world.anonymous.delete(f"{path}/images/{own}").status_code == 204
    assert shown(world.anonymous, token, own) == 404
    answer = world.agent.uploads()
    world.agent.writes(number, "Like this one?", images=[answer])
    assert shown(world.anonymous, token, answer) == 200
    assert world.anonymous.delete(f"{path}/images/{answer}").status_code == 403, "what the desk sent is the desk's"
    world.agent.sets(number, status="resolved")
    before = state()
    assert world.anonymous.open("POST", f"{path}/images", **form(a_picture())).status_code == 409
    assert state() == before


def test_the_link_opens_no_photo_of_anything_else(world: World) -> None:
    """Not of another ticket of the same person, not what they upload with their account, and none of a note."""
    token = world.guest_report(world.other.email)
    assert world.anonymous.post("/api/tickets/confirm", {"token": token}).status_code == 200
    path, number = f"/api/tickets/by-link/{token}", number_of(token)
    elsewhere = world.other.uploads(to=world.other.reports())
    untied = world.other.uploads()
    note = world.agent.uploads()
    world.agent.writes(number, "For us.", audience="internal", images=[note])
    through = world.anonymous.uploads(through=token)
    assert shown(world.anonymous, token, through) == 200
    before = state()
    for photo in (elsewhere, untied, note, 2**40):
        for part in ("", "/thumbnail"):
            assert shown(world.anonymous, token, photo, part) == 404
        assert world.anonymous.delete(f"{path}/images/{photo}").status_code == 404
        refused = world.anonymous.post(f"{path}/comments", {"text": "Look.", "images": [through, photo]})
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["images"])
    assert state() == before
    assert [item["id"] for item in world.anonymous.get(f"{path}/images").json["items"]] == []
    for photo in (elsewhere, untied, through):
        assert world.other.get(f"/api/images/{photo}").status_code == 200, "they see their own, with their account"
    assert world.anonymous.post(f"{path}/comments", {"text": "Look.", "images": [through]}).status_code == 201


def test_no_photo_comes_before_the_report_is_confirmed(world: World) -> None:
    with_photo = world.anonymous.post("/api/tickets", a_report(email=ADDRESS, images=[1]))
    assert (with_photo.status_code, list(with_photo.json["errors"])) == (422, ["images"])
    token = world.guest_report(ADDRESS)
    before = state()
    for part in ("uploads", "images"):
        refused = world.anonymous.open("POST", f"/api/tickets/by-link/{token}/{part}", **form(a_picture()))
        assert refused.status_code == 404
        unread = world.anonymous.open("POST", f"/api/tickets/by-link/{'x' * 43}/{part}", data=b"x" * 99_000_000)
        assert unread.status_code == 404, "what opens nothing is refused before a byte is read"
    assert world.anonymous.get(f"/api/tickets/by-link/{token}/images").status_code == 404
    assert state() == before
    assert world.anonymous.post("/api/tickets/confirm", {"token": token}).status_code == 200
    assert world.anonymous.uploads(through=token)


def test_photos_through_a_link_are_limited_as_everybodys(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token, other = world.guest_link(), world.guest_link()
    path = f"/api/tickets/by-link/{token}"
    monkeypatch.setattr(limits, "UPLOAD", Limit("upload", burst=2, every=60))
    assert world.anonymous.uploads(through=token)
    assert world.anonymous.open("POST", f"{path}/images", **form(a_picture())).status_code == 201
    for part in ("uploads", "images"):
        refused = world.anonymous.open("POST", f"{path}/{part}", **form(a_picture()))
        assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    assert world.anonymous.uploads(through=other)
    monkeypatch.setattr(limits, "UPLOAD", Limit("upload-any", burst=100, every=0.001))
    monkeypatch.setattr(images, "A_DAY_BYTES", 3 * len(a_picture()))
    assert world.anonymous.uploads(through=token)
    refused = world.anonymous.open("POST", f"{path}/uploads", **form(a_picture()))
    assert (refused.status_code, "in a day" in str(refused.json["errors"])) == (422, True)
    assert world.anonymous.uploads(through=other)


def test_photos_through_a_link_end_with_it(world: World) -> None:
    token = world.guest_link()
    photo, number = world.anonymous.uploads(through=token), number_of(token)
    world.agent.sets(number, reporter_id=world.other.id)
    assert shown(world.anonymous, token, photo) == 404
    refused = world.anonymous.open("POST", f"/api/tickets/by-link/{token}/uploads", **form(a_picture()))
    assert refused.status_code == 404


def test_a_link_opens_nothing_once_its_address_is_nobodys_here(world: World) -> None:
    token = world.guest_report(world.reporter.email)
    assert world.anonymous.post("/api/tickets/confirm", {"token": token}).status_code == 200
    assert world.anonymous.get(f"/api/tickets/by-link/{token}").status_code == 200
    wish = {"email": "moved@elsewhere.test", "current_password": PASSWORD}
    assert world.reporter.patch("/api/users/me", wish).status_code == 200
    assert (
        world.anonymous.get(f"/api/tickets/by-link/{token}").status_code == 200
    )  # it is theirs until the link is used
    confirmed = world.anonymous.post("/api/auth/address", {"token": link_in(mails("moved@elsewhere.test")[0])})
    assert confirmed.status_code == 204
    assert world.anonymous.get(f"/api/tickets/by-link/{token}").status_code == 404
    assert world.anonymous.post(f"/api/tickets/by-link/{token}/comments", {"text": "Still me"}).status_code == 404
    assert world.reporter.get("/api/tickets").json["items"]


def test_the_first_mail_to_an_address_holds_nothing_that_a_stranger_typed(world: World) -> None:
    reports(world.anonymous, name="Your parcel waits at evil.example")
    (mail,) = mails(ADDRESS)
    assert mail["to"] == ADDRESS
    assert "parcel" not in str(mail)


def test_a_report_that_is_confirmed_while_old_ones_are_purged_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    token = world.guest_report(ADDRESS)
    number = number_of(token)
    db.session.execute(update(Ticket).values(created_at=now() - timedelta(days=8)))
    db.session.commit()
    purge = jobs.Claimed(id=0, kind="purge_held", payload={}, attempts=1, request_id=None, created_at=now())
    with db.engine.connect() as other, other.begin():
        other.execute(select(Ticket.id).where(Ticket.id == number).with_for_update(key_share=True))  # as `release` does
        guests.purge_held(purge)
    db.session.rollback()
    assert db.session.get(Ticket, number) is not None
    guests.purge_held(purge)
    db.session.rollback()
    assert db.session.get(Ticket, number) is None


def test_as_much_is_done_for_an_address_that_was_locked_out(world: World) -> None:
    asked = {}
    change(world.other, is_active=False)
    for address in (world.other.email, world.joined.email):
        with statements() as said:
            assert world.anonymous.post("/api/tickets", a_report(email=address)).status_code == 202
        asked[address] = len([one for one in said if one.startswith("INSERT")])
    assert len(set(asked.values())) == 1
    assert not mails(world.other.email)
    assert len(mails(world.joined.email)) == 1
