"""The mails that came in, for admins: seen, taken as a file, worked on again, let go; and the originals of what was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from helpdesk import inbound, jobs, limits
from helpdesk.inbound import handling, reading
from helpdesk.limits import Limit
from models import (
    Image,
    InboundBlob,
    InboundMail,
    InboundState,
    Job,
    JobState,
    Schedule,
    Ticket,
    User,
    begin_write,
    db,
    now,
)
from tests.conftest import statements
from tests.doors import recorded
from tests.factories import Person, a_picture, a_report, link_in, mails, work
from tests.pages import Reader
from tests.test_bounces import bounces
from tests.test_mail_in import MAILS, _mail_comes_in, a_mail, answer_to, assigned, comes_in, said

__all__ = ["_mail_comes_in"]  # a fixture that every test here has

PAGE = "/staff/admin/mails"
API = "/api/inbound-mails"


@pytest.fixture
def desk(app: Flask, admin: Person) -> Reader:
    """Ada Byron, an admin, at her browser."""
    work()
    return Reader(app, admin)


def came_in(raw: bytes, **options: Any) -> InboundMail:
    """As it is now, whatever becomes of it."""
    mail = comes_in(raw, **options)
    db.session.refresh(mail)
    db.session.expunge(mail)
    return mail


def laid_aside(customer: Person, agent: Person, admin: Person, text: str = "#close\ncanary-words") -> InboundMail:
    """A mail that only looks as if a colleague had written it."""
    mail = came_in(a_mail(customer.email, text, to=assigned(customer.reports(), agent, admin)))
    assert mail.state == InboundState.QUARANTINED
    return mail


def found(mail_id: int) -> InboundMail | None:
    db.session.remove()
    return db.session.get(InboundMail, mail_id)


def is_kept(mail_id: int) -> bool:
    db.session.remove()
    return db.session.get(InboundBlob, mail_id) is not None


def count(model: Any) -> int:
    db.session.remove()
    return int(db.session.scalar(select(func.count()).select_from(model)) or 0)


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_what_was_laid_aside_stands_first_and_is_counted_beside_its_name(
    desk: Reader, customer: Person, agent: Person, admin: Person, anonymous: Person
) -> None:
    assert desk.reads(PAGE).says("Nothing was laid aside")
    mail = laid_aside(customer, agent, admin)
    came_in(a_mail("nora@elsewhere.test", "It is stuck", subject="canary-done"))
    page = desk.reads(PAGE)
    assert page.says("1 laid aside") and page.says("Mails that came in 1 laid aside")
    assert page.says("from another sender") and page.says(customer.email)
    assert not page.says("canary-done")
    done = desk.reads(f"{PAGE}?state=done")
    assert done.says("canary-done") and any("/staff/tickets/" in link for link in done.links)
    assert desk.reads(f"{PAGE}?state=ignored").says("No mail was ignored")
    assert desk.reads(f"{PAGE}?state=nonsense").says("This is what was laid aside")
    assert anonymous.get("/readyz").json["parts"]["inbound"] == "1 laid aside: see Mails that came in"
    assert customer.email not in anonymous.get("/readyz").get_data(as_text=True)
    one = desk.reads(f"{PAGE}/{mail.id}")
    assert one.says("canary-words") and one.says("Message-ID")
    assert not Reader(desk.app, agent).reads("/staff/").says("Mails that came in")


def test_the_mails_are_listed_page_by_page_and_by_state(admin: Person) -> None:
    made = [came_in(a_mail(f"guest{n}@elsewhere.test", "It is stuck")).id for n in range(5)]
    seen: list[int] = []
    path = f"{API}?state=done&limit=2"
    while path:
        answer = admin.get(path)
        seen += [mail["id"] for mail in answer.json["items"]]
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == made[::-1]
    assert [mail["id"] for mail in admin.get(API).json["items"]] == made[::-1]
    assert admin.get(f"{API}?state=quarantined").json["items"] == []
    assert admin.get(f"{API}?state=lost").status_code == 422


def test_the_page_takes_as_many_statements_however_many_there_are(
    desk: Reader, customer: Person, agent: Person, admin: Person
) -> None:
    numbers = []
    for _ in range(2):
        with statements() as seen:
            desk.reads(PAGE)
        numbers.append(len(seen))
        for _ in range(3):
            laid_aside(customer, agent, admin)
    assert numbers[0] == numbers[1] <= 6


def test_a_mail_is_never_shown_as_anything_but_text(desk: Reader, admin: Person, customer: Person) -> None:
    raw = a_mail("nora@elsewhere.test", "<script>alert(1)</script>", subject="<img src=x onerror=alert(2)>")
    mail = came_in(raw)
    page = desk.reads(f"{PAGE}/{mail.id}")
    assert "<script>alert" not in page.html and "<img src=x" not in page.html
    assert page.says("<script>alert(1)</script>")
    for opener, path in ((admin, f"{API}/{mail.id}/raw"), (desk, f"{PAGE}/{mail.id}/raw")):
        answer = opener.get(path)
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="mail-{mail.id}.txt"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.data == raw
        assert opener.open("HEAD", path).status_code == 200
    assert [event.target for event in recorded("mail.downloaded")] == [f"mail:{mail.id}"] * 2


def test_nobody_learns_from_a_mail_how_to_write_as_its_sender(
    app: Flask, desk: Reader, customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    address = answer_to(customer)
    quoted = f"Yes\n\nOn Monday you wrote:\n> http://helpdesk.test/account/report?token={'k' * 43}\n> to {address}\n"
    mail = came_in(a_mail(customer.email, quoted, to=address), recipient=address)
    secrets = (address.partition("@")[0], address.partition("+")[2].partition("@")[0], "k" * 43)
    comment = said(number)[0]
    assert comment[0] == "Yes"
    comment_id = db.session.scalar(select(InboundMail.comment_id).where(InboundMail.id == mail.id))
    texts = [
        desk.reads(f"{PAGE}/{mail.id}").html, admin.get(f"{API}/{mail.id}").get_data(as_text=True),
        admin.get(f"{API}/{mail.id}/raw").get_data(as_text=True), admin.get(API).get_data(as_text=True),
        agent.get(f"/api/comments/{comment_id}/original").get_data(as_text=True),
        Reader(app, agent).reads(f"/staff/comments/{comment_id}/original").html,
    ]  # fmt: skip
    for text in texts:
        assert not [secret for secret in secrets if secret in text]
    assert "On Monday you wrote" in texts[-1]


def test_what_opens_something_gets_into_no_comment_no_report_and_no_mail(
    customer: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    assigned(number, agent, admin)
    address, key = answer_to(customer), "12.resolved." + "k" * 43
    report = f"http://helpdesk.test/account/report?token={'r' * 43}"
    links = f"{report}\n> http://helpdesk.test/account/mails/off?token={key}"
    quoted = f"> {links}\n> to {address}\n\nThe left one, below what I quote"
    came_in(a_mail(customer.email, quoted, to=address))
    came_in(a_mail("nora@elsewhere.test", f"See {links} and {address}", subject=f"Fwd: {address} {report}"))
    told = [text for text, *_ in said(number)]
    assert len(told) == 1 and "The left one" in told[0] and "account/report?token=…" in told[0]
    ticket = db.session.scalars(select(Ticket).order_by(Ticket.id.desc()).limit(1)).one()
    assert "See http" in ticket.description and ticket.title.startswith("helpdesk+…@")
    assert len(mails(agent.email)) > 1
    words = [*told, ticket.title, ticket.description, *(mail["text"] for mail in mails(agent.email))]
    words += db.session.scalars(select(InboundMail.subject))
    secrets = (address.partition("+")[2].partition("@")[0], "r" * 43, "k" * 43)
    assert not [text for text in words for secret in secrets if secret in text]


def test_what_cannot_be_read_is_shown_as_that(desk: Reader, admin: Person) -> None:
    mail = came_in(b"From: a@elsewhere.test\r\n" + b"X: y\r\n" * 30_000 + b"\r\nx")
    assert mail.state == InboundState.QUARANTINED
    shown = admin.get(f"{API}/{mail.id}").json
    assert (shown["text"], shown["headers"], shown["outcome"]) == (None, [], "Its head is too long.")
    assert desk.reads(f"{PAGE}/{mail.id}").says("It cannot be read")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_mails_within_mails_without_end_are_laid_aside_at_once_and_shown_as_that(
    desk: Reader, admin: Person, end: bytes
) -> None:
    raw = b"From: a@elsewhere.test" + end + (b"Content-Type: message/rfc822" + end * 2) * 5_000 + b"x"
    mail = came_in(raw)
    assert (mail.state, mail.attempts) == (InboundState.QUARANTINED, 1)
    assert "without end" in admin.get(f"{API}/{mail.id}").json["outcome"]
    page = desk.reads(f"{PAGE}/{mail.id}")
    assert page.says("without end") and page.says("It cannot be read") and f"{PAGE}/{mail.id}/raw" in page.links
    assert desk.get(f"{PAGE}/{mail.id}/raw").data == raw
    few = b"From: b@elsewhere.test\n" + b"Content-Type: message/rfc822\n\n" * 10 + b"x"
    assert came_in(few).outcome == "There is nothing in it."


def test_what_breaks_whatever_reads_it_still_has_a_page(
    desk: Reader, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = a_mail("nora@elsewhere.test", "It is stuck")
    mail = came_in(raw)

    def breaks(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(reading, "read", breaks)
    assert admin.get(f"{API}/{mail.id}").json["text"] is None
    page = desk.reads(f"{PAGE}/{mail.id}")
    assert page.says("It cannot be read") and f"{PAGE}/{mail.id}/raw" in page.links
    assert desk.get(f"{PAGE}/{mail.id}/raw").data == raw


def test_what_no_database_takes_is_no_part_of_what_a_mail_becomes(app: Flask, customer: Person) -> None:
    number = customer.reports()
    address = answer_to(customer)
    for kind in (b"application/a\x00b", b"application/\xff\xfe", b'application/x; name="a\x00b.pdf"'):
        raw = a_mail(customer.email, "See this", to=address).replace(
            b"Content-Type: text/plain", b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain'
        )
        raw += b"\n--b\nContent-Type: " + kind + b"\nContent-Disposition: attachment\n\nx\n--b--\n"
        assert (done := came_in(raw)).state == InboundState.DONE and done.attempts == 1
    assert all("Not taken over from the mail: " in text for text, *_ in said(number)) and len(said(number)) == 3
    bounce = (MAILS / "exchange_bounce.eml").read_bytes().replace(b"bounce1@", b"nul-%d@")
    for n, (old, new) in enumerate(((b"Gone@campus.test", b"Go\x00ne@campus.test"), (b"5.1.10", b"5.1.\x001"))):
        assert old in bounce
        for to in (b"helpdesk@campus.test", address.encode()):
            about = customer.email.encode() if old != b"Gone@campus.test" else b"Gone@campus.test"
            raw = bounce.replace(b"helpdesk+abc@campus.test", to).replace(b"Gone@campus.test", about)
            done = came_in(raw.replace(b"%d", to[:12] + b"%d" % n).replace(old, new))
            assert (done.state, done.attempts) == (InboundState.IGNORED, 1)


# --- deeds ------------------------------------------------------------------------------------------------------------


def test_a_mail_is_worked_on_again_whatever_the_limits_say(desk: Reader, admin: Person) -> None:
    made = [came_in(a_mail("spam@elsewhere.test", f"Report {n}")) for n in range(5)]
    assert [mail.state for mail in made][3:] == [InboundState.QUARANTINED] * 2
    led = desk.is_led(desk.sends(desk.reads(PAGE).form_to(f"{PAGE}/{made[3].id}/retry")))
    assert led.says("It is worked on again in a moment")
    assert (waiting := found(made[3].id)) is not None
    assert (waiting.state, waiting.attempts, waiting.outcome) == (InboundState.WAITING, 0, None)
    assert admin.post(f"{API}/{made[3].id}/retry").status_code == 409  # it waits
    work()
    assert (done := found(made[3].id)) is not None and done.state == InboundState.DONE and done.ticket_id
    assert admin.post(f"{API}/{made[3].id}/retry").status_code == 409  # it became a ticket
    assert admin.post(f"{API}/{made[4].id}/retry").json["state"] == "waiting"
    assert [event.target for event in recorded("mail.retried")] == [f"mail:{mail.id}" for mail in made[3:]]
    [event, _] = recorded("mail.retried")
    assert (event.area, event.actor_id) == ("jobs", admin.id)


def test_a_report_is_made_of_what_came_by_somebody_elses_address(
    desk: Reader, customer: Person, agent: Person, admin: Person
) -> None:
    first, second = (laid_aside(customer, agent, admin, f"#close\ncanary-{n}") for n in "ab")
    page = desk.reads(f"{PAGE}/{first.id}")
    desk.is_led(desk.sends(page.form_to(f"{PAGE}/{first.id}/report")))
    assert admin.post(f"{API}/{second.id}/report").json["state"] == "waiting"
    work()
    for mail, canary in ((first, "canary-a"), (second, "canary-b")):
        done = found(mail.id)
        assert done is not None and done.state == InboundState.DONE
        ticket = db.session.get_one(Ticket, done.ticket_id)
        assert (ticket.held, ticket.reporter_id) == (True, customer.id) and canary in ticket.description
    assert [event.actor_id for event in recorded("mail.reported")] == [admin.id] * 2


def test_a_mail_that_is_let_go_is_not_kept(desk: Reader, customer: Person, agent: Person, admin: Person) -> None:
    first, second = laid_aside(customer, agent, admin), laid_aside(customer, agent, admin)
    led = desk.is_led(desk.sends(desk.reads(f"{PAGE}/{first.id}").form_to(f"{PAGE}/{first.id}/dismiss")))
    assert led.says("The mail is let go")
    assert (gone := found(first.id)) is not None and gone.state == InboundState.IGNORED
    assert not is_kept(first.id) and is_kept(second.id)
    assert admin.post(f"{API}/{second.id}/dismiss").json["kept_until"] is None
    assert admin.post(f"{API}/{second.id}/retry").status_code == 409
    assert admin.get(f"{API}/{second.id}/raw").status_code == 404
    assert desk.reads(f"{PAGE}/{second.id}").says("Not kept any more")
    assert desk.open("POST", f"{PAGE}/{second.id}/retry").status_code == 409
    assert len(recorded("mail.dismissed")) == 2
    done = came_in(a_mail("nora@elsewhere.test", "It is stuck"))
    assert admin.post(f"{API}/{done.id}/dismiss").status_code == 409
    assert is_kept(done.id)


# --- the originals ----------------------------------------------------------------------------------------------------


def test_the_whole_mail_stands_beside_what_was_made_of_it_for_the_staff_alone(
    app: Flask, customer: Person, other: Person, agent: Person, admin: Person
) -> None:
    report = came_in(a_mail("nora@elsewhere.test", "It is stuck\n\n-- \nNora, canary-signature", subject="Stuck"))
    token = link_in(mails("nora@elsewhere.test")[0])
    assert Person(app).post("/api/tickets/confirm", {"token": token}).status_code == 200
    number = report.ticket_id
    reader = Reader(app, agent)
    page = reader.reads(f"/staff/tickets/{number}")
    assert "canary-signature" not in page.html
    assert f"/staff/tickets/{number}/original" in page.links
    assert reader.reads(f"/staff/tickets/{number}/original").says("canary-signature")
    assert "canary-signature" in agent.get(f"/api/tickets/{number}/original").json["text"]
    assert customer.get(f"/api/tickets/{number}/original").status_code == 403
    # an answer, and one of the staff's that is only a command: that is not what the ticket was reported by
    mine = customer.reports()
    work()
    came_in(a_mail(agent.email, "#close", to=assigned(mine, agent, admin)))
    assert agent.get(f"/api/tickets/{mine}/original").status_code == 404
    assert f"/staff/tickets/{mine}/original" not in reader.reads(f"/staff/tickets/{mine}").links
    mine = customer.reports()
    quoted = "Yes\n\nOn Monday the desk <helpdesk@campus.test> wrote:\n> canary-quote\n"
    came_in(a_mail("jonas@private.test", quoted, to=answer_to(customer)))
    comment = agent.get(f"/api/tickets/{mine}/comments").json["items"][0]["id"]
    shown = agent.get(f"/api/comments/{comment}/original").json
    assert "canary-quote" in shown["text"] and shown["is_from_elsewhere"]
    page = reader.reads(f"/staff/tickets/{mine}")
    assert f"/staff/comments/{comment}/original" in page.links
    assert reader.reads(f"/staff/comments/{comment}/original").says("Another address than theirs")
    for person in (customer, other):
        assert person.get(f"/api/comments/{comment}/original").status_code == 403
    begin_write()
    db.session.query(InboundBlob).delete()
    db.session.commit()
    assert agent.get(f"/api/comments/{comment}/original").status_code == 404
    reader.reads(f"/staff/comments/{comment}/original", status=404)
    page = reader.reads(f"/staff/tickets/{mine}")
    assert f"/staff/comments/{comment}/original" not in page.links
    assert page.says("from jonas@private.test"), "which is remembered longer"


def test_a_mail_goes_with_what_was_made_of_it(customer: Person, admin: Person) -> None:
    number = customer.reports()
    came_in(a_mail(customer.email, "canary-one", to=answer_to(customer)))
    came_in(a_mail(customer.email, "canary-two", to=answer_to(customer)))
    comment = admin.get(f"/api/tickets/{number}/comments").json["items"][0]["id"]
    assert admin.delete(f"/api/comments/{comment}").status_code == 204
    assert count(InboundMail) == count(InboundBlob) == 1
    assert admin.delete(f"/api/tickets/{number}").status_code == 204
    assert count(InboundMail) == count(InboundBlob) == 0


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


def test_whatever_stands_after_a_plus_is_the_same_mailbox(app: Flask, anonymous: Person) -> None:
    senders = ["spam@elsewhere.test", "spam+one@elsewhere.test", "Spam+two@elsewhere.test", "spam+three@elsewhere.test"]
    states = [came_in(a_mail(sender, "Buy")).state for sender in senders]
    assert states == [InboundState.DONE] * 3 + [InboundState.QUARANTINED]
    assert came_in(a_mail("s.pam@elsewhere.test", "It is stuck")).state == InboundState.DONE
    # and whoever writes an address on mails keeps nobody from the page
    page = [anonymous.post("/api/tickets", a_report(email=f"spam+{n}@elsewhere.test")).status_code for n in range(4)]
    assert page == [202, 202, 202, 429]
    assert limits.mailbox("+odd@elsewhere.test") == "+odd@elsewhere.test"


def test_a_flood_of_strangers_is_laid_aside_and_answers_go_on(
    app: Flask, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = customer.reports()
    address = answer_to(customer)
    monkeypatch.setattr(limits, "MAIL_DOMAIN", Limit("mail-domain", burst=2, every=10**6))
    monkeypatch.setattr(limits, "MAIL_UNPROVEN", Limit("mail-unproven", burst=4, every=10**6))
    picture = a_picture()
    flood = [came_in(a_mail(f"a{n}@one.test", "Buy", pictures=(picture,))) for n in range(4)]
    assert [mail.state for mail in flood] == [InboundState.DONE] * 2 + [InboundState.QUARANTINED] * 2
    others = [came_in(a_mail(f"a@host{n}.test", "Buy")).state for n in range(4)]
    assert others == [InboundState.DONE] * 2 + [InboundState.QUARANTINED] * 2
    assert came_in(a_mail(customer.email, "Mine", to=address)).state == InboundState.DONE
    assert [text for text, *_ in said(number)] == ["Mine"]
    # nor does it keep those of the same campus out who have an address here
    domain = customer.email.rpartition("@")[2]
    assert [came_in(a_mail(f"b{n}@{domain}", "Buy")).state for n in range(2)] == [InboundState.QUARANTINED] * 2
    assert came_in(a_mail(customer.email, "The heating is cold")).state == InboundState.DONE
    assert count(Image) == 0, "no photo of a stranger is decoded"
    kept = db.session.scalar(select(InboundBlob.keep_until).where(InboundBlob.mail_id == flood[-1].id))
    assert kept is not None and kept < now() + timedelta(days=8)


def test_of_one_too_many_its_beginning_is_kept(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAIL_DOMAIN", Limit("mail-domain", burst=1, every=10**6))
    mail = [came_in(a_mail(f"a{n}@one.test", "Buy now.\n" + "much\n" * 200_000)) for n in range(2)][1]
    assert mail.state == InboundState.QUARANTINED
    data = db.session.scalar(select(InboundBlob.data).where(InboundBlob.mail_id == mail.id))
    assert data is not None and len(data) == 256 * 1024 < mail.size_bytes
    assert b"Buy now." in data


def test_what_is_tried_twice_counts_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAIL_ADDRESS", Limit("mail-address", burst=2, every=10**6))
    decide, refusals = handling._decide, iter([True])

    def fails_once(*told: Any) -> handling.Done:
        if next(refusals, False):
            raise RuntimeError
        return decide(*told)

    monkeypatch.setattr(handling, "_decide", fails_once)
    came_in(a_mail("nora@elsewhere.test", "A window"))
    begin_write()
    db.session.execute(update(Job).where(Job.kind == "inbound").values(run_at=now()))
    db.session.commit()
    work()
    assert came_in(a_mail("nora@elsewhere.test", "A door")).state == InboundState.DONE
    assert count(Ticket) == 2


def test_somebody_here_reports_as_often_as_on_the_page_and_is_mailed_five_times_an_hour(
    customer: Person, desk: Reader, anonymous: Person
) -> None:
    made = [came_in(a_mail(customer.email, f"Window {n}", subject=f"Window {n}")) for n in range(8)]
    assert {mail.state for mail in made} == {InboundState.DONE}
    assert len(mails(customer.email)) == 5
    assert desk.reads("/staff/?held=true").says("Window 7"), "and the staff see what nobody can confirm"
    report = a_report(email=customer.email)  # of the guests' form, which has a limit of its own
    assert [anonymous.post("/api/tickets", report).status_code for _ in range(4)] == [202] * 3 + [429]


def test_where_known_addresses_open_tickets_a_flood_of_them_is_held(app: Flask, customer: Person) -> None:
    app.config["INBOUND_KNOWN"] = "open"
    held = [db.session.get_one(Ticket, came_in(a_mail(customer.email, f"Window {n}")).ticket_id).held for n in range(7)]
    assert held == [False] * 5 + [True] * 2
    assert len(mails(customer.email)) == 5


def test_photos_of_a_report_wait_until_it_is_confirmed(app: Flask, agent: Person) -> None:
    raw = a_mail("nora@elsewhere.test", "See the photo", pictures=(a_picture(), a_picture(8, 6), b"no picture"))
    mail = came_in(raw)
    assert count(Image) == 0
    number = mail.ticket_id or 0
    assert "Not taken over from the mail: photo2.png" in agent.sees(number)["description"]
    token = link_in(mails("nora@elsewhere.test")[0])
    assert Person(app).post("/api/tickets/confirm", {"token": token}).status_code == 200
    work()
    assert db.session.scalar(select(func.count()).where(Image.ticket_id == number)) == 2
    assert agent.sees(number)["image_count"] == 2
    begin_write()
    db.session.execute(
        update(Job).where(Job.kind == "inbound_photos").values(state=JobState.READY, payload={"ticket_id": number})
    )
    db.session.commit()
    work()  # as after a crash
    assert count(Image) == 2


def test_photos_of_what_ended_before_it_was_confirmed_are_not_taken(app: Flask, agent: Person) -> None:
    mail = came_in(a_mail("nora@elsewhere.test", "See the photo", pictures=(a_picture(),)))
    token = link_in(mails("nora@elsewhere.test")[0])
    assert Person(app).post("/api/tickets/confirm", {"token": token}).status_code == 200
    agent.sets(mail.ticket_id or 0, status="resolved")
    work()
    assert count(Image) == 0
    assert db.session.scalar(select(func.count()).where(Job.state == JobState.DEAD)) == 0


def test_what_nobody_confirms_takes_its_mail_along(app: Flask, clock: time_machine.Traveller) -> None:
    came_in(a_mail("nora@elsewhere.test", "canary", pictures=(a_picture(),)))
    clock.shift(timedelta(days=7, hours=7))
    work()
    assert count(Ticket) == count(InboundMail) == count(InboundBlob) == count(Image) == 0
    assert db.session.scalar(select(User.id).where(User.email == "nora@elsewhere.test")) is None


# --- how long ---------------------------------------------------------------------------------------------------------


def test_mails_are_kept_for_a_month_whatever_became_of_them_and_remembered_for_half_a_year(
    customer: Person, agent: Person, admin: Person, clock: time_machine.Traveller
) -> None:
    aside = laid_aside(customer, agent, admin)
    number = customer.reports()
    done = came_in(a_mail(customer.email, "Yes", to=answer_to(customer)))
    clock.shift(timedelta(days=29))
    _purge()
    assert is_kept(aside.id) and is_kept(done.id)
    clock.shift(timedelta(days=2))
    _purge()
    assert not is_kept(aside.id) and not is_kept(done.id)
    assert found(aside.id) and found(done.id)
    clock.shift(timedelta(days=150))
    _purge()
    assert count(InboundMail) == 0
    assert [text for text, *_ in said(number)] == ["Yes"]


def test_what_a_worker_that_was_away_has_not_read_is_kept(app: Flask, clock: time_machine.Traveller) -> None:
    begin_write()
    inbound.take_in(a_mail("nora@elsewhere.test", "It is stuck"))
    db.session.commit()
    clock.shift(timedelta(days=200))
    jobs.HANDLERS["purge_inbound"](jobs.Claimed(0, "purge_inbound", {}, 1, None, now()))
    assert count(InboundBlob) == 1
    work()
    assert count(Ticket) == 1


def _purge() -> None:
    begin_write()
    db.session.query(Schedule).filter(Schedule.name == "purge_inbound").delete()
    db.session.commit()
    work()


# --- erasing ----------------------------------------------------------------------------------------------------------


def rows_with(words: tuple[str, ...]) -> list[str]:
    """Every table and column in which one of these stands, as it is stored."""
    db.session.remove()
    told = []
    with db.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                for name, value in row.items():
                    text = (
                        bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
                    )
                    if any(word.lower() in text.lower() for word in words):
                        told.append(f"{table.name}.{name}: {text[:80]}")
    return told


def test_nothing_of_an_address_is_anywhere_once_somebody_is_erased(
    app: Flask, agent: Person, admin: Person, customer: Person
) -> None:
    """TRUST 29, with all that a mail leaves behind: answers, reports, bounces, waiting mails, quotes of others."""
    jonas = Person.made(app, "customer", name="Jonas Canary", username="canarywren")
    number = jonas.reports()
    address = answer_to(jonas)
    exim = {"X_Failed_Recipients": f"{jonas.email}, b@x.test", "Auto_Submitted": "auto-replied"}
    about = came_in(a_mail("Mailer-Daemon@mx.test", f"It failed: {jonas.email}", subject="Failed", **exim))
    assert (about.state, about.user_id) == (InboundState.IGNORED, jonas.id)
    listed = came_in(a_mail("list@elsewhere.test", "canarywren", List_Id="<x.test>", Cc=jonas.email))
    assert (listed.state, listed.user_id) == (InboundState.IGNORED, None)
    came_in(a_mail(jonas.email, "An answer", to=address), recipient=address)
    came_in(a_mail("canarywren@private.test", "From my phone", to=address))
    came_in(a_mail(jonas.email, "A report", subject="Once more"))
    came_in(a_mail(jonas.email, "I am away", Auto_Submitted="auto-replied"))
    work_for = assigned(number, agent, admin)
    came_in(a_mail(agent.email, f"Thanks\n\nOn Monday {jonas.email} wrote:\n> An answer", to=work_for))
    came_in(a_mail(jonas.email, "#close", to=work_for))  # laid aside
    bounces(jonas, "helpdesk@campus.test")
    bounces(jonas, address)
    came_in(b"To: " + address.encode() + b"\r\n" + b"X: y\r\n" * 30_000 + b"\r\ncanarywren")  # which nobody can read
    work()
    begin_write()  # and what nobody has worked on yet
    inbound.take_in(a_mail(jonas.email, "waiting"))
    inbound.take_in(a_mail("canarywren@private.test", "waiting too"), recipient=address)
    inbound.take_in(a_mail("canarywren@private.test", "waiting as well", to=address))
    inbound.take_in(a_mail(customer.email, "somebody else's", subject="stays"))
    db.session.commit()
    words = (jonas.email, "canarywren", "Jonas Canary")
    assert len(rows_with(words)) > 10
    assert admin.delete(f"/api/users/{jonas.id}").status_code == 204
    assert rows_with(words) == []
    work()
    assert rows_with(words) == []
    stays = db.session.scalars(select(InboundMail).where(InboundMail.sender == customer.email)).one()
    assert stays.state == InboundState.DONE
    assert [text for text, *_ in said(number)][:2] == ["An answer", "From my phone"]


def test_erasing_takes_as_many_statements_however_many_mails_name_whomever(
    app: Flask, admin: Person, customer: Person, other: Person
) -> None:
    numbers = []
    for person, many in ((customer, 1), (other, 30)):
        person.reports()
        address = answer_to(person)
        wrong = ", ".join(f"helpdesk+aaaaaaab{'b' * n}{'a' * (16 - n)}@campus.test" for n in range(16))
        for _ in range(many):
            came_in(
                a_mail("list@x.test", "To all", Precedence="list", Cc=f"{wrong}, {person.email.upper()}, {address}")
            )
        with statements() as seen:
            assert admin.delete(f"/api/users/{person.id}").status_code == 204
        numbers.append(len(seen))
        assert count(InboundMail) == 0
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("state", [InboundState.IGNORED, InboundState.QUARANTINED, InboundState.WAITING])
def test_what_names_somebody_in_its_head_goes_with_them_and_what_names_another_stays(
    app: Flask, customer: Person, admin: Person, state: InboundState
) -> None:
    customer.reports()
    address = answer_to(customer)
    mails_ = [
        came_in(a_mail("list@x.test", "To all", Precedence="list", Cc=to)).id
        for to in (customer.email, address, f"not{customer.email}", "a@b.test")
    ]
    begin_write()
    db.session.execute(update(InboundMail).values(state=state, user_id=None))
    db.session.commit()
    seen = inbound.naming(customer.id)
    assert seen.mail_ids == tuple(mails_[:2])
    later = came_in(a_mail("list@x.test", "To all", Precedence="list", Cc=customer.email)).id
    begin_write()
    inbound.forget_person(db.session.get_one(User, customer.id), seen)
    db.session.commit()
    assert not found(later)
    assert [bool(found(one)) for one in mails_] == [False, False, True, True]
    assert inbound.naming(10**9) == inbound.Named()


def test_the_first_of_several_mails_that_made_a_report_is_its_original(app: Flask, agent: Person) -> None:
    first, second = (came_in(a_mail(f"guest{n}@elsewhere.test", f"canary-{n}")) for n in range(2))
    token = link_in(mails("guest0@elsewhere.test")[0])
    assert Person(app).post("/api/tickets/confirm", {"token": token}).status_code == 200
    begin_write()
    both = InboundMail.id.in_((first.id, second.id))
    db.session.execute(update(InboundMail).where(both).values(ticket_id=first.ticket_id, received_at=first.received_at))
    db.session.commit()
    assert "canary-0" in agent.get(f"/api/tickets/{first.ticket_id}/original").json["text"]
