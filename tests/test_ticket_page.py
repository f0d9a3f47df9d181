"""The ticket's page beyond reply and properties: saved replies, drafts, undo, who else is there, people, news, print."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from models import Comment, SavedReply, db
from tests.conftest import statements
from tests.factories import Person, a_picture, mails
from tests.pages import Form, Page, Reader

AT = datetime.fromisoformat("2026-05-12T08:00:00+00:00")


@pytest.fixture
def desk(app: Flask, agent: Person) -> Reader:
    return Reader(app, agent)


def at(number: int) -> str:
    return f"/staff/tickets/{number}"


def count(model: Any) -> int:
    db.session.remove()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def save(person: Person, **fields: Any) -> int:
    response = person.post(
        "/api/saved-replies", {"title": "Coming", "text": "Hello {{reporter.first_name}}.", **fields}
    )
    assert response.status_code == 201, response.json
    return int(response.json["id"])


def compose(page: Page, number: int, word: str) -> Form:
    return page.form_to(f"{at(number)}/compose", button=word)


def reply(page: Page, number: int) -> Form:
    return page.form_to(f"{at(number)}/comments")


def typed(page: Page, number: int) -> str:
    return str(reply(page, number).data()["text"][0]).replace("\r\n", "\n")


# --- saved replies ----------------------------------------------------------------------------------------------------


def test_a_saved_reply_stands_behind_what_was_typed_and_nothing_is_lost(
    desk: Reader, agent: Person, customer: Person
) -> None:
    save(agent)
    number = customer.reports()
    page = desk.reads(at(number))
    response = desk.sends(
        compose(page, number, "Coming"), photos=[a_picture()], text="One more thing:", audience="internal", then="waiting",
        room="214",
    )  # fmt: skip
    page = Page(response)
    assert page.status == 200
    assert typed(page, number) == "One more thing:\n\nHello Jonas."
    assert "autofocus" in next(attrs for tag, attrs in page.tags if tag == "textarea")  # the page opens there
    kept = reply(page, number).data()
    assert (kept["audience"], kept["then"], kept["room"], len(kept["images"])) == (
        ["internal"],
        ["waiting"],
        ["214"],
        1,
    )
    assert count(Comment) == 0
    page = Page(desk.sends(reply(page, number)))
    assert agent.get(f"/api/tickets/{number}/comments").json["items"][0]["text"].endswith("Hello Jonas.")


def test_the_menu_has_what_one_may_use(
    app: Flask, desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    save(agent, title="My own")
    save(admin, title="Theirs")
    save(admin, title="For everybody", is_shared=True)
    for turn in range(25):
        save(admin, title=f"Zz {turn:02}", is_shared=True)
    number = customer.reports()
    page = desk.reads(at(number))
    labels = [b.label.strip() for form in page.forms for b in form.buttons if b.value.startswith("insert:")]
    assert labels[:2] == ["For everybody", "My own"]
    assert len(labels) == 20


def test_one_that_is_gone_or_not_ones_own_is_said_and_nothing_is_lost(
    desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    own, theirs = save(agent), save(admin)
    number = customer.reports()
    form = compose(desk.reads(at(number)), number, "Coming")
    for gone in (theirs, 10**9, "x"):
        page = Page(desk.sends(form, do=f"insert:{gone}", text="Mine"))
        assert (page.status, typed(page, number)) == (422, "Mine")
        assert page.says("This saved reply is not there any more")
    assert Page(desk.sends(form, do=f"insert:{own}", text="")).status == 200


def test_saved_replies_have_a_page(app: Flask, desk: Reader, agent: Person, admin: Person) -> None:
    form = desk.reads("/staff/replies").form_to("/staff/replies")
    assert "whose" not in form.data()
    page = Page(desk.sends(form, title="", text="Words"))
    assert (page.status, page.says("Say what the problem is") or page.says("Write")) == (422, True)
    assert "Words" in page.html
    desk.is_led(desk.sends(form, title="Mine", text="Hello\r\n{{7*7}}"))
    number = db.session.scalars(select(SavedReply.id)).one()
    path = f"/staff/replies/{number}"
    page = desk.reads(path)
    assert "{{7*7}}" in page.html
    assert desk.is_led(desk.sends(page.form_to(path), title="Mine too")).says("Mine too")
    page = Page(desk.sends(page.form_to(path), title="Overtaken", key="0" * 32))
    assert (page.status, agent.get(f"/api/saved-replies/{number}").json["title"]) == (412, "Mine too")
    assert Reader(app, admin).reads(path, 404)
    desk.is_led(desk.sends(desk.reads(path).form_to(path, button="Delete reply")))
    assert count(SavedReply) == 0


def test_a_saved_reply_without_a_title_is_asked_for_one(desk: Reader) -> None:
    form = desk.reads("/staff/replies").form_to("/staff/replies")
    for title, words in (("", "Write a title"), ("x" * 101, "Write the title in up to 100 characters")):
        refused = Page(desk.sends(form, title=title, text="We come."))
        assert refused.status == 422 and refused.says(words) and not refused.says("what the problem is")
        assert refused.form_to("/staff/replies").data()["text"] == ["We come."]
    assert desk.is_led(desk.sends(form, title="On our way", text="We come.")).says("On our way")


def test_admins_say_who_uses_a_saved_reply(app: Flask, desk: Reader, agent: Person, admin: Person) -> None:
    boss = Reader(app, admin)
    form = boss.reads("/staff/replies").form_to("/staff/replies")
    for whose, owner, team in (("mine", admin.id, None), ("everybody", None, None)):
        boss.is_led(boss.sends(form, title=whose, text="x", whose=whose, key=None))
        found = next(one for one in admin.get("/api/saved-replies").json["items"] if one["title"] == whose)
        assert ((found["owner"] or {}).get("id"), found["team"]) == (owner, team)
    team_id = admin.get("/api/teams").json["items"][0]["id"]
    boss.is_led(boss.sends(form, title="team", text="x", whose=str(team_id), key=None))
    assert Page(boss.sends(form, title="no", text="x", whose="999999", key=None)).says("Choose who uses it")
    assert Page(boss.sends(form, title="no", text="x", whose="x", key=None)).says("Choose who uses it")
    refused = desk.sends(desk.reads("/staff/replies").form_to("/staff/replies"), title="a", text="b", whose="everybody")
    assert refused.status_code == 403
    shared = next(one["id"] for one in admin.get("/api/saved-replies").json["items"] if one["title"] == "everybody")
    page = desk.reads(f"/staff/replies/{shared}")
    assert page.says("Admins change what the whole desk uses")
    assert not [form for form in page.forms if form.action.endswith(str(shared))]


# --- drafts -----------------------------------------------------------------------------------------------------------


def test_a_page_opens_with_ones_draft_and_sending_is_its_end(
    app: Flask, desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    page = desk.reads(at(number))
    assert not page.says("Draft, saved")
    form = compose(page, number, "Keep this as a draft")
    page = desk.is_led(desk.sends(form, photos=[a_picture()], text="Half a sen", audience="internal", then="waiting"))
    assert page.says("Draft, saved")
    kept = reply(page, number).data()
    assert (kept["text"], kept["audience"], kept["then"], len(kept["images"])) == (
        ["Half a sen"], ["internal"], ["waiting"], 1,
    )  # fmt: skip
    assert not Reader(app, admin).reads(at(number)).says("Draft, saved")
    assert "Half a sen" not in Reader(app, admin).reads(at(number)).html
    page = desk.is_led(desk.sends(reply(page, number), text="Half a sentence."))
    assert not page.says("Draft, saved")
    assert typed(page, number) == ""
    assert agent.get(f"/api/tickets/{number}/draft").status_code == 404


def test_a_draft_is_thrown_away_by_a_button(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    agent.put(f"/api/tickets/{number}/draft", {"text": "Never mind"})
    page = desk.reads(at(number))
    assert typed(page, number) == "Never mind"
    page = desk.is_led(desk.sends(compose(page, number, "Discard")))
    assert (typed(page, number), page.says("Draft, saved")) == ("", False)
    assert agent.get(f"/api/tickets/{number}/draft").status_code == 404


def test_properties_that_were_chosen_survive_the_draft(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    form = compose(desk.reads(at(number)), number, "Keep this as a draft")
    page = Page(desk.sends(form, text="Half", room="214"))
    assert (page.status, reply(page, number).data()["room"], typed(page, number)) == (200, ["214"], "Half")
    page = Page(desk.sends(compose(page, number, "Discard"), room="214"))
    assert (reply(page, number).data()["room"], typed(page, number)) == (["214"], "")


def test_a_draft_of_what_is_no_photo_is_refused_with_every_word(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    form = compose(desk.reads(at(number)), number, "Keep this as a draft")
    page = Page(desk.sends(form, text="Half", photos=[(b"no picture", "x.png")]))
    assert (page.status, typed(page, number)) == (422, "Half")


# --- taking a reply back ----------------------------------------------------------------------------------------------


def test_a_reply_is_taken_back_by_a_button_for_ten_seconds(
    app: Flask, agent: Person, customer: Person, other: Person
) -> None:
    with time_machine.travel(AT, tick=False) as clock:
        for person in (agent, customer, other):
            person.signs_in()
        desk = Reader(app, agent)
        number = customer.reports()
        other.joins(number)
        form = reply(desk.reads(at(number)), number)
        page = desk.is_led(desk.sends(form, photos=[a_picture()], text="Rooom 214", then="in_progress"))
        assert page.says("Reply sent to 2 people")
        clock.move_to(AT + timedelta(seconds=9))
        page = desk.is_led(desk.sends(page.form_to(f"{at(number)}/undo", button="Undo")))
        assert page.says("Your reply is taken back")
        kept = reply(page, number).data()
        assert (kept["text"], kept["then"], len(kept["images"])) == (["Rooom 214"], ["in_progress"], 1)
        assert agent.sees(number)["status"] == "open"
        page = desk.is_led(desk.sends(reply(page, number), text="Room 214"))
        clock.move_to(AT + timedelta(seconds=20))
        late = Page(desk.sends(page.form_to(f"{at(number)}/undo", button="Undo"), text="Next words"))
        assert (late.status, typed(late, number)) == (409, "Next words")
        assert late.says("it was sent")
        assert not desk.reads(f"{at(number)}?sent=1").says("Reply sent")
        found = [one["text"] for one in mails(customer.email)]
        assert (sum("Room 214" in text for text in found), sum("Rooom" in text for text in found)) == (1, 0)


def test_what_was_typed_since_stands_behind_what_is_taken_back(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    page = desk.is_led(desk.sends(reply(desk.reads(at(number)), number), text="First."))
    undo = page.form_to(f"{at(number)}/undo", button="Undo")
    page = Page(desk.sends(undo, text="Second.", room="214"))
    assert (page.status, typed(page, number)) == (200, "First.\n\nSecond.")
    assert reply(page, number).data()["room"] == ["214"]
    assert count(Comment) == 0


def test_a_status_that_stays_is_said(desk: Reader, admin: Person, customer: Person) -> None:
    number = customer.reports()
    page = desk.is_led(desk.sends(reply(desk.reads(at(number)), number), text="Done.", then="resolved"))
    admin.sets(number, priority="high")
    page = desk.is_led(desk.sends(page.form_to(f"{at(number)}/undo", button="Undo")))
    assert page.says("its status stays as it is")
    assert admin.sees(number)["status"] == "resolved"


def test_nobody_is_offered_to_undo_a_note_or_somebody_elses_reply(
    desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    page = desk.is_led(desk.sends(reply(desk.reads(at(number)), number), text="Note", audience="internal"))
    assert not page.says("Undo")
    theirs = admin.writes(number, "Mine", audience="reporter", is_undoable=True)
    assert not desk.reads(f"{at(number)}?sent={theirs}").says("Undo")
    own = agent.writes(number, "Mine", audience="reporter", is_undoable=True)
    page = desk.reads(f"{at(number)}?sent={own}")
    assert page.says("Reply sent to Jonas Weber")
    elsewhere = customer.reports()
    form = page.form_to(f"{at(number)}/undo", button="Undo")
    form.action = f"{at(elsewhere)}/undo"
    assert desk.sends(form).status_code == 404
    assert agent.get(f"/api/comments/{own}").status_code == 200


# --- who else is there ------------------------------------------------------------------------------------------------


def test_a_page_says_who_else_is_looking_and_who_writes(
    app: Flask, desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    agent.put(f"/api/tickets/{number}/presence", {"is_writing": True})
    assert not desk.reads(at(number)).says("is writing a reply")
    admin.put(f"/api/tickets/{number}/presence", {"is_writing": False})
    assert desk.reads(at(number)).says("Ada Byron is looking at this")
    assert Reader(app, admin).reads(at(number)).says("Priya Nair is writing a reply")


# --- people and similar tickets ---------------------------------------------------------------------------------------


def adding(page: Page, number: int) -> Form:
    return page.form_to(f"{at(number)}/people", button="Add")


@pytest.mark.parametrize("how", ["address", "new address", "name"])
def test_somebody_is_added_to_those_affected(
    desk: Reader, agent: Person, customer: Person, other: Person, how: str
) -> None:
    number = customer.reports()
    whom = {"address": other.email, "new address": "new@campus.test", "name": "helen marsh"}[how]
    page = desk.is_led(desk.sends(adding(desk.reads(at(number)), number), person=whom))
    found = agent.get(f"/api/tickets/{number}/affected").json["items"]
    assert len(found) == 2
    assert page.says("Guest" if how == "new address" else "Helen Marsh")


def test_a_button_takes_somebody_off(desk: Reader, agent: Person, customer: Person, other: Person) -> None:
    number = customer.reports()
    other.joins(number)
    page = desk.reads(at(number))
    buttons = [b.value for form in page.forms for b in form.buttons if b.value.startswith("remove:")]
    assert buttons == [f"remove:{other.id}"]  # not the reporter
    desk.is_led(desk.sends(adding(page, number), do=buttons[0]))
    assert agent.sees(number)["affected_count"] == 1
    assert other.get(f"/api/tickets/{number}").status_code == 404
    desk.is_led(desk.sends(adding(page, number), do=buttons[0], key=None))  # twice is no error


@pytest.mark.parametrize("whom", ["", "a b@", "Nobody Known", "Customer"])
def test_somebody_who_is_not_found_is_said_beside_the_field(
    app: Flask, desk: Reader, agent: Person, customer: Person, whom: str
) -> None:
    for _ in range(2):
        Person.made(app, "customer", name="Customer")
    number = customer.reports()
    page = Page(desk.sends(adding(desk.reads(at(number)), number), person=whom, text="Kept"))
    assert (page.status, typed(page, number), adding(page, number).data()["person"]) == (422, "Kept", [whom.strip()])
    assert page.says("Write")
    assert agent.sees(number)["affected_count"] == 1


def test_a_confidential_ticket_takes_nobody(desk: Reader, agent: Person, customer: Person, other: Person) -> None:
    number = customer.reports()
    form = adding(desk.reads(at(number)), number)
    agent.sets(number, is_confidential=True)
    assert Page(desk.sends(form, person=other.email)).status == 409
    assert agent.sees(number)["affected_count"] == 1


def test_everything_typed_survives_adding_somebody(desk: Reader, customer: Person, other: Person) -> None:
    number = customer.reports()
    page = Page(desk.sends(adding(desk.reads(at(number)), number), person=other.email, text="Half", room="214"))
    assert (page.status, typed(page, number), reply(page, number).data()["room"]) == (200, "Half", ["214"])
    assert adding(page, number).data()["person"] == [""]
    page = Page(desk.sends(page.form_to(at(number), button="Assign to me"), person="somebody", text=""))
    assert adding(page, number).data()["person"] == ["somebody"]


def test_similar_tickets_stand_beside_it_done_ones_too(
    desk: Reader, agent: Person, customer: Person, other: Person
) -> None:
    number = customer.reports(title="Projector shows no picture")
    closed = other.reports(title="No signal on the projector")
    agent.sets(closed, status="closed")
    hidden = other.reports(title="Projector is dark", is_confidential=True)
    noise = other.reports(title="Heating is cold")
    page = desk.reads(at(number))
    beside = re.findall(r"/staff/tickets/(\d+)\">#", page.html.partition('id="similar"')[2])
    assert set(map(int, beside)) == {closed, hidden}  # the staff see all
    assert str(noise) not in beside
    assert int(beside[0]) == hidden  # what is open first


# --- news -------------------------------------------------------------------------------------------------------------


def test_news_are_what_happened_since_as_the_page_shows_it(
    desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    number = customer.reports()
    page = desk.reads(at(number))
    data = next(attrs for tag, attrs in page.tags if tag == "form" and attrs.get("id") == "ticket")
    assert data["data-ticket"] == str(number)
    news = f"{data['data-news']}?after={data['data-seen']}"
    assert desk.get(news).status_code == 204
    said = admin.writes(number, "On my way", audience="internal", images=[admin.uploads()])
    admin.sets(number, status="in_progress")
    with statements() as seen:
        response = desk.get(news)
    assert len(seen) <= 4, seen
    found = Page(response)
    fresh = desk.reads(at(number))
    assert found.says("changed status from Open to In progress")
    item = re.search(rf'<li id="c{said}">.*?</li>', found.html, re.S)
    assert item is not None
    assert "".join(item[0].split()) in "".join(fresh.html.split())
    top = next(attrs for tag, attrs in found.tags if attrs.get("id") == "news")
    assert (top["data-version"], top["data-status"]) == ("2", "in_progress")
    form = next(attrs for tag, attrs in fresh.tags if tag == "form" and attrs.get("id") == "ticket")
    assert (top["data-seen"], top["data-version"]) == (form["data-seen"], form["data-version"])
    assert desk.get(f"{data['data-news']}?after={top['data-seen']}").status_code == 204


def test_news_are_for_the_staff(app: Flask, desk: Reader, customer: Person) -> None:
    number = customer.reports()
    assert desk.get(f"{at(number)}/news?after=0").status_code == 200
    assert Reader(app, customer).get(f"{at(number)}/news").status_code == 403
    assert desk.get(f"{at(10**9)}/news").status_code == 404
    assert desk.get(f"{at(number)}/news?after=x").status_code == 200


# --- print ------------------------------------------------------------------------------------------------------------


def test_on_paper_stands_the_whole_conversation_and_notes_where_they_are_asked_for(
    app: Flask, desk: Reader, agent: Person, customer: Person
) -> None:
    number = customer.reports(title="Tap drips")
    agent.writes(number, "For us alone", audience="internal", images=[agent.uploads()])
    for turn in range(120):
        agent.writes(number, f"Reply {turn}.", audience="reporter")
    agent.post("/api/tasks", {"title": "Secret task", "ticket_id": number})
    path = next(link for link in desk.reads(at(number)).links if link.endswith("/print"))
    page = desk.reads(path)
    assert all(page.says(words) for words in ("Tap drips", "Reply 0.", "Reply 119.", "A steady drip"))
    assert not page.says("For us alone")
    assert not page.says("Secret task")
    assert not page.forms
    with_notes = desk.reads(f"{path}?notes=1")
    assert with_notes.says("For us alone")
    assert with_notes.says("Secret task")
    assert with_notes.says("for staff only")
    assert Reader(app, customer).get(path).status_code == 403


def test_a_form_of_before_the_login_is_gone_on_with(app: Flask, desk: Reader, agent: Person, customer: Person) -> None:
    from tests.test_staff_pages import is_logged_out, logs_in

    save(agent)
    number = customer.reports()
    form = compose(desk.reads(at(number)), number, "Coming")
    is_logged_out(desk)
    page = Page(logs_in(desk, Page(desk.sends(form, text="Half")), agent))
    assert page.says("Half")
    page = Page(desk.sends(page.form_to(f"{at(number)}/compose")))
    assert typed(page, number) == "Half\n\nHello Jonas."


@pytest.mark.parametrize("where", ["compose", "undo", "people"])
def test_a_task_that_was_typed_survives_every_button_of_the_page(
    desk: Reader, agent: Person, customer: Person, other: Person, where: str
) -> None:
    number = customer.reports()
    page = desk.is_led(desk.sends(reply(desk.reads(at(number)), number), text="First."))
    button = {"compose": "Keep this as a draft", "undo": "Undo", "people": "Add"}[where]
    form = page.form_to(f"{at(number)}/{where}", button=button)
    page = Page(desk.sends(form, task="Bring a ladder", text="Half", person=other.email))
    assert page.status == 200
    assert reply(page, number).data()["task"] == ["Bring a ladder"]


def test_long_comments_come_in_parts_and_a_print_ends_somewhere(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    for _ in range(30):
        customer.writes(number, "- a\n" * 5000)
    news = desk.get(f"/staff/tickets/{number}/news?after=0")
    assert 0 < news.get_data(as_text=True).count('id="c') <= 6
    printed = desk.reads(f"/staff/tickets/{number}/print")
    assert printed.html.count('id="c') < 30 and printed.says("this is its beginning")
