"""Splitting: a comment becomes a ticket of its own, and stays where it is."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import func, select

from models import Image, ImageBlob, Ticket, db
from tests.doors import change
from tests.factories import PASSWORD, Person, a_picture, mails, work
from tests.pages import Page, Reader
from tests.world import state, unique


def split(person: Person, comment_id: int, **body: Any) -> Any:
    return person.post(f"/api/comments/{comment_id}/split", {"title": "The lift is stuck too", **body})


def made(person: Person, comment_id: int, **body: Any) -> dict[str, Any]:
    response = split(person, comment_id, **body)
    assert response.status_code == 201, response.get_data(as_text=True)
    assert response.headers["Location"] == f"/api/tickets/{response.json['id']}"
    shown: dict[str, Any] = response.json
    return shown


def splits(person: Person, number: int) -> list[tuple[str | None, str | None]]:
    events = person.get(f"/api/tickets/{number}/events").json["items"]
    return [(e["from_value"], e["to_value"]) for e in events if e["field"] == "split"]


def test_a_comment_becomes_a_ticket_of_its_writers_and_stays(
    agent: Person, admin: Person, customer: Person, other: Person
) -> None:
    admin.post("/api/buildings", {"slug": "main-library", "name": "Main Library"})
    number = customer.reports(building="main-library", room="214")
    other.joins(number)
    said = other.writes(number, "The **lift** is stuck too.")
    shown = made(agent, said)
    assert (shown["description"], shown["reporter"]["id"]) == ("The **lift** is stuck too.", other.id)
    assert (shown["category"]["slug"], shown["building"]["slug"], shown["room"], shown["channel"]) == (
        "facilities-leaks", "main-library", "214", "staff",
    )  # fmt: skip
    assert other.sees(shown["id"])["description"] == "The **lift** is stuck too."
    assert customer.get(f"/api/tickets/{shown['id']}").status_code == 404
    assert agent.get(f"/api/comments/{said}").json["ticket_id"] == number
    assert mails(other.email)[0]["subject"].startswith(f"We have your report: #{shown['id']} ")


def test_only_staff_split(agent: Person, customer: Person) -> None:
    said = customer.writes(customer.reports())
    before = state()
    assert split(customer, said).status_code == 403
    assert state() == before
    made(agent, said)


def test_both_say_where_the_other_is_to_the_staff_alone(agent: Person, customer: Person) -> None:
    number = customer.reports()
    shown = made(agent, customer.writes(number))
    assert splits(agent, number) == [(None, str(shown["id"]))]
    assert splits(agent, shown["id"]) == [(str(number), None)]
    assert splits(customer, number) == splits(customer, shown["id"]) == []


def test_what_is_given_outdoes_what_is_copied(agent: Person, customer: Person) -> None:
    said = customer.writes(customer.reports(room="214"))
    shown = made(agent, said, category="it", room=None, priority="urgent", is_confidential=True)
    assert (shown["category"]["slug"], shown["room"], shown["priority"]) == ("it", None, "urgent")
    assert shown["is_confidential"]
    assert split(agent, said, category="nowhere").status_code == 422
    assert split(agent, said, title="no").status_code == 422
    assert split(agent, 10**9).status_code == 404


def test_what_was_confidential_stays_so(agent: Person, customer: Person) -> None:
    number = customer.reports(is_confidential=True)
    said = customer.writes(number)
    assert made(agent, said)["is_confidential"]
    assert not made(agent, said, is_confidential=False)["is_confidential"]


def test_a_customers_words_are_theirs_and_an_answers_reporter_can_be_named(
    agent: Person, customer: Person, other: Person
) -> None:
    number = customer.reports()
    said, answer = customer.writes(number), agent.writes(number, "We also check the lift.", audience="reporter")
    for named in ({"reporter_id": other.id}, {"email": other.email}):
        before = state()
        assert split(agent, said, **named).status_code == 422
        assert state() == before
        assert made(agent, answer, **named)["reporter"]["id"] == other.id
    assert made(agent, answer)["reporter"]["id"] == customer.id


def test_an_internal_note_is_not_handed_to_a_reporter(agent: Person, customer: Person) -> None:
    number = customer.reports()
    note, answer = (agent.writes(number, "Ask Hallam.", audience=to) for to in ("internal", "reporter"))
    before = state()
    assert split(agent, note).status_code == 409
    assert state() == before
    made(agent, answer)


def test_its_photos_come_along_and_belong_to_who_sent_them(
    app: Flask, agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    customer.uploads(to=number)
    ready, waiting = customer.uploads(), customer.uploads(a_picture(5), ready=False)
    said = customer.writes(number, images=[ready, waiting])
    shown = made(agent, said)
    assert (shown["image_count"], agent.sees(number)["image_count"]) == (2, 3)
    copies = [one["id"] for one in agent.get(f"/api/tickets/{shown['id']}/images").json["items"]]
    assert not set(copies) & {ready, waiting}
    assert customer.get(f"/api/images/{copies[0]}").data == b"a photo"
    assert customer.get(f"/api/images/{copies[1]}").status_code == 404
    work()
    assert customer.get(f"/api/images/{copies[1]}").status_code == 200
    # one goes, the other stays
    assert agent.delete(f"/api/images/{ready}").status_code == 204
    assert customer.get(f"/api/images/{copies[0]}").status_code == 200
    assert admin.delete(f"/api/users/{customer.id}").status_code == 204
    db.session.remove()
    for model in (Image, ImageBlob):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0


def test_repeating_it_makes_one_ticket(agent: Person, customer: Person) -> None:
    said = customer.writes(customer.reports())
    key = {"Idempotency-Key": unique("key")}
    first, again = (
        agent.post(f"/api/comments/{said}/split", {"title": "The lift is stuck too"}, headers=key) for _ in range(2)
    )
    assert first.json == again.json
    db.session.remove()
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 2


# --- the page ---------------------------------------------------------------------------------------------------------


def test_each_comment_of_a_customer_leads_to_a_form_that_is_filled_in(
    app: Flask, agent: Person, customer: Person, other: Person
) -> None:
    desk = Reader(app, agent)
    number = customer.reports(room="214")
    other.joins(number)
    said = other.writes(number, "The **lift** is stuck too. Since this morning, on every floor.")
    answer = agent.writes(number, "Thank you.", audience="affected")
    page = desk.reads(f"/staff/tickets/{number}")
    path = f"/staff/comments/{said}/split"
    assert path in page.links and f"/staff/comments/{answer}/split" not in page.links
    page = desk.reads(path)
    assert page.says("reported by Helen Marsh")
    form = page.form_to(path)
    assert ("title", "The lift is stuck too") in form.fields
    assert ("category", "facilities-leaks") in form.fields and ("room", "214") in form.fields
    refused = Page(desk.sends(form, title="x", room="215"))
    assert (refused.status, refused.says("Say what the problem is in 3 to 200 characters")) == (422, True)
    assert ("room", "215") in refused.form_to(path).fields
    page = desk.is_led(desk.sends(refused.form_to(path), title="Lift is stuck"))
    assert page.says("Lift is stuck") and page.says(f"made this ticket from a comment on #{number}")
    assert desk.reads(f"/staff/tickets/{number}").says("made a comment a ticket of its own")


def test_what_was_typed_survives_a_session_that_ended(app: Flask, agent: Person, customer: Person) -> None:
    desk = Reader(app, agent)
    path = f"/staff/comments/{customer.writes(customer.reports())}/split"
    form = desk.reads(path).form_to(path)
    desk.jar = {}
    login = Page(desk.sends(form, title="Lift is stuck")).form_to("/staff/login")
    page = Page(desk.sends(login, identifier=agent.username, password=PASSWORD))
    assert page.says("when you pressed “Create ticket”")
    assert desk.is_led(desk.sends(page.form_to(path))).says("Lift is stuck")


def test_customers_have_no_such_page(app: Flask, agent: Person, customer: Person) -> None:
    path = f"/staff/comments/{customer.writes(customer.reports())}/split"
    for method in ("GET", "POST"):
        assert Reader(app, customer).open(method, path, data={}).status_code == 403
    assert Reader(app, agent).open("POST", path, data={}).status_code == 422
    assert Reader(app, agent).open("POST", path, data={"title": "Lift", "category": "it", "priority": "low"}).status_code == 303  # fmt: skip


def test_what_a_customer_wrote_stays_theirs_when_they_work_here(agent: Person, customer: Person, other: Person) -> None:
    number = customer.reports()
    other.joins(number)
    comment = other.writes(number, "Canary of who joined")
    change(other, role="agent")
    made = agent.post(f"/api/comments/{comment}/split", {"title": "Another one"})
    assert made.status_code == 201
    assert made.json["reporter"]["id"] == other.id
    assert customer.get(f"/api/tickets/{made.json['id']}").status_code == 404
