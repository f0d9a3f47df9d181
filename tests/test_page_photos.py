"""Photos on the server-rendered pages: of the staff and of a guest's link, without a script."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from blueprints.http import attached
from helpdesk import images, images_child, limits
from helpdesk.limits import Limit
from models import Comment, Image, Ticket, db
from tests.factories import PASSWORD, Person, a_picture, made_ready
from tests.pages import Page, Reader
from tests.world import World, state

NOT_ONE = (b"Minutes of the meeting", "<b>minutes</b>.pdf")


@pytest.fixture
def desk(app: Flask, agent: Person) -> Reader:
    return Reader(app, agent)


def at(number: int) -> str:
    return f"/staff/tickets/{number}"


def of(ticket_id: int) -> list[tuple[int, int | None]]:
    """The photos of a ticket: number, and the comment it came with."""
    db.session.remove()
    found = db.session.execute(
        select(Image.id, Image.comment_id).where(Image.ticket_id == ticket_id).order_by(Image.id)
    )
    return [(row.id, row.comment_id) for row in found]


def count(model: Any) -> int:
    db.session.remove()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def pictures(page: Page) -> dict[str, dict[str, str | None]]:
    """The pictures of a page: address → what is said of each."""
    return {attrs["src"] or "": attrs for tag, attrs in page.tags if tag == "img"}


def waiting(page: Page, action: str) -> list[int]:
    """The numbers that a form carries."""
    return [int(number) for number in page.form_to(action).data().get("images", [])]


# --- what stands on a ticket's page -----------------------------------------------------------------------------------


def test_photos_stand_with_the_words_they_came_with(desk: Reader, agent: Person, customer: Person) -> None:
    own, said, note = customer.uploads(), customer.uploads(), agent.uploads()
    number = customer.reports(images=[own])
    customer.writes(number, "Here it is.", images=[said])
    agent.writes(number, "For us.", audience="internal", images=[note])
    page = desk.reads(at(number))
    found = pictures(page)
    assert list(found) == [f"/api/images/{one}/thumbnail" for one in (own, said, note)]
    report, answer, internal = found.values()
    assert (report["width"], report["height"], report["alt"]) == ("4", "3", "Photo from Jonas Weber")
    assert "loading" not in report and answer["loading"] == internal["loading"] == "lazy"
    for one in (own, said, note):
        assert f"/api/images/{one}" in page.links
    html = page.html
    assert html.index("Here it is.") < html.index(f"/api/images/{said}") < html.index("For us.")
    assert [desk.get(src).status_code for src in found] == [200, 200, 200]


def test_a_photo_that_cannot_be_seen_says_why(desk: Reader, customer: Person) -> None:
    soon, never = customer.uploads(ready=False), customer.uploads(ready=False)
    number = customer.reports(images=[soon, never])
    images.finish(never, images_child.DAMAGED)
    page = desk.reads(at(number))
    assert page.says("Being prepared") and page.says("reload the page")
    assert page.says("Cannot be shown") and page.says(images_child.DAMAGED)
    assert pictures(page) == {}
    made_ready(soon)
    page = desk.reads(at(number))
    assert not page.says("Being prepared")
    assert list(pictures(page)) == [f"/api/images/{soon}/thumbnail"]


def test_a_picture_on_a_page_has_the_size_that_the_worker_makes() -> None:
    assert images.THUMBNAIL_SIDE == images_child.THUMBNAIL_SIDE


def test_the_staff_delete_a_photo_and_nothing_that_was_typed_is_lost(
    desk: Reader, agent: Person, customer: Person
) -> None:
    own, said = customer.uploads(), customer.uploads()
    number = customer.reports(images=[own])
    comment = customer.writes(number, "Here it is.", images=[said])
    form = desk.reads(at(number)).form_to(at(number), button="Delete photo")
    assert ("delete", str(own)) in form.fields
    page = desk.is_led(desk.sends(form))
    assert page.says("Priya Nair deleted a photo")
    assert of(number) == [(said, comment)]
    form = page.form_to(at(number), button="Delete photo")
    page = Page(desk.sends(form, text="The plumber comes at 10.", audience="internal", room="215"))
    assert page.says("The photo is gone")
    assert page.says("Not sent yet: your note. It is still in the box below.")
    kept = page.form_to(f"{at(number)}/comments").data()
    assert (kept["text"], kept["room"]) == (["The plumber comes at 10."], ["215"])
    assert of(number) == []
    assert desk.sends(page.form_to(at(number), button=""), text="", delete=str(own)).status_code == 200, "gone already"
    assert agent.sees(number)["image_count"] == 0


def test_a_photo_is_deleted_on_the_page_of_its_ticket_alone(desk: Reader, customer: Person) -> None:
    photo, other = customer.uploads(), customer.reports()
    number = customer.reports(images=[photo])
    for wanted in (photo, customer.uploads(to=number), 2**70, "x", ""):
        before = count(Image)
        form = desk.reads(at(other)).form_to(at(other), button="Save")
        assert desk.sends(form, delete=str(wanted)).status_code == 303
        assert count(Image) == before, wanted
    assert desk.sends(desk.reads(at(number)).form_to(at(number), button="Delete photo")).status_code == 303
    assert len(of(number)) == 1


def test_photos_of_one_person_are_one_sentence(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    for _ in range(3):
        customer.uploads(to=number)
    assert desk.reads(at(number)).says("Jonas Weber added 3 photos")


# --- sent with words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", ["internal", "reporter"])
def test_photos_go_with_a_message_in_one_deed(
    desk: Reader, agent: Person, customer: Person, anonymous: Person, audience: str
) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    for _ in range(2):
        page = desk.is_led(
            desk.sends(form, photos=[a_picture(), a_picture(5)], text="Look.", audience=audience, then="waiting")
        )
    assert count(Comment) == 1 and count(Image) == 2, "sent twice, done once"
    (first, comment), (second, same) = of(number)
    assert comment == same is not None
    assert page.says("Being prepared")
    for photo in (first, second):
        made_ready(photo)
        theirs = 404 if audience == "internal" else 200
        assert customer.get(f"/api/images/{photo}").status_code == theirs
        assert agent.get(f"/api/images/{photo}").status_code == 200
    assert customer.sees(number)["image_count"] == (0 if audience == "internal" else 2)
    assert agent.sees(number)["status"] == "waiting"


def test_other_photos_under_the_same_key_are_not_lost(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    form = desk.reads(at(number)).form_to(f"{at(number)}/comments")
    assert desk.sends(form, photos=[a_picture()], text="Look.").status_code == 303
    page = Page(desk.sends(form, photos=[a_picture(7)], text="Look."))
    assert page.status == 409
    assert len(waiting(page, f"{at(number)}/comments")) == 1
    assert len(of(number)) == 1


def test_what_is_refused_keeps_its_photos_and_says_what_is_none(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    action = f"{at(number)}/comments"
    page = Page(desk.sends(desk.reads(at(number)).form_to(action), photos=[a_picture(), NOT_ONE], text=" ", room="215"))
    assert page.status == 422
    assert page.says("There are 2 problems")
    assert page.says("<b>minutes</b>.pdf: This is not a picture that can be shown here.")
    assert "<b>minutes" not in page.html
    (photo,) = waiting(page, action)
    assert of(number) == [] and page.says("Being prepared")
    made_ready(photo)
    page = Page(desk.sends(page.form_to(action), text="", room="215"))
    assert (page.status, waiting(page, action)) == (422, [photo])
    assert f"/api/images/{photo}/thumbnail" in pictures(page)
    page = Page(desk.sends(page.form_to(action), photos=[a_picture(9)], text="Look.", room="215"))
    assert page.says("Your reply was sent") and page.says("Not saved yet: Room.")
    assert len(of(number)) == 2 and of(number)[0][0] == photo
    assert waiting(page, action) == []


def test_photos_wait_while_another_button_is_pressed(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    action = f"{at(number)}/comments"
    page = Page(desk.sends(desk.reads(at(number)).form_to(at(number), button="Assign"), photos=[a_picture()]))
    assert page.says("It is assigned to you") and page.says("Not sent yet: your photo. It is still in the box below.")
    assert agent.sees(number)["assignee"]["id"] == agent.id
    (first,) = waiting(page, action)
    page = Page(desk.sends(page.form_to(at(number), button="Save"), photos=[a_picture(), NOT_ONE], text="Look."))
    assert page.says("Not sent yet: your message and photos. They are still in the box below.")
    assert page.says("<b>minutes</b>.pdf")
    first_again, second = waiting(page, action)
    assert first_again == first
    page = Page(desk.sends(page.form_to(at(number), button=""), delete=str(first), text="Look."))
    assert waiting(page, action) == [second]
    assert desk.sends(page.form_to(action), text="Look.").status_code == 303
    assert [photo for photo, _ in of(number)] == [second]
    assert count(Image) == 1


def test_a_change_by_somebody_else_costs_no_photo(desk: Reader, admin: Person, customer: Person) -> None:
    number = customer.reports()
    action = f"{at(number)}/comments"
    form = desk.reads(at(number)).form_to(action)
    admin.sets(number, priority="high")
    page = Page(desk.sends(form, photos=[a_picture()], text="Look."))
    assert page.status == 412
    assert of(number) == []
    assert desk.sends(page.form_to(action)).status_code == 303
    assert len(of(number)) == 1


def test_nobody_sends_what_is_not_theirs_or_not_there(desk: Reader, admin: Person, customer: Person) -> None:
    number = customer.reports()
    action = f"{at(number)}/comments"
    foreign, gone = admin.uploads(), desk.uploads()
    assert desk.delete(f"/api/images/{gone}").status_code == 204
    tied = desk.uploads(to=number)
    desk.reads(at(number))  # from now on it is read
    before = state()
    for photo in (foreign, gone, tied, 2**40):
        page = Page(desk.sends(desk.reads(at(number)).form_to(action), text="Look.", images=[str(photo)]))
        assert page.status == 422 and page.says("A photo is not there any more. Choose it again")
        assert waiting(page, action) == []
    assert state() == before
    own = desk.uploads()
    assert desk.sends(desk.reads(at(number)).form_to(action), text="Look.", images=[str(own)]).status_code == 303


def test_a_message_has_ten_photos_and_a_day_a_hundred_mebibytes(
    desk: Reader, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = customer.reports()
    action = f"{at(number)}/comments"
    page = Page(desk.sends(desk.reads(at(number)).form_to(action), photos=[a_picture()] * 12, text="Look."))
    assert page.status == 422 and page.says("photo10.png, photo11.png: 10 photos at most are sent at once")
    assert len(waiting(page, action)) == 10
    assert desk.sends(page.form_to(action)).status_code == 303
    monkeypatch.setattr(images, "A_DAY_BYTES", 11 * len(a_picture()))
    page = Page(desk.sends(desk.reads(at(number)).form_to(action), photos=[a_picture()] * 2, text="Look."))
    assert page.status == 422 and page.says("of photos in a day. Try tomorrow")
    assert (waiting(page, action), page.form_to(action).data()["text"]) == ([], ["Look."])
    assert len(of(number)) == 10
    assert desk.sends(page.form_to(action), photos=[a_picture()]).status_code == 303


def test_a_file_that_is_too_large_is_named_and_a_form_that_is_too_large_is_refused(
    desk: Reader, customer: Person, anonymous: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = customer.reports()
    action = f"{at(number)}/comments"
    form = desk.reads(at(number)).form_to(action)
    page = Page(desk.sends(form, photos=[(b"\xff" * (images.MAX_BYTES + 1), "large.jpg")], text="Look."))
    assert page.status == 422 and page.says("large.jpg: A photo can have 10 MB at most")
    monkeypatch.setattr(attached, "FORM_BYTES", 2 * images.MEGABYTE)
    before = state()
    page = Page(desk.sends(form, photos=[b"\xff" * 2 * images.MEGABYTE], text="Look."))
    assert page.status == 413 and page.says("all that is sent at once 2 MB") and page.says("send fewer photos")
    assert state() == before
    assert desk.sends(form, photos=[a_picture()], text="Look.").status_code == 303


def test_words_outlive_a_session_and_photos_are_chosen_again(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    action = f"{at(number)}/comments"
    page = Page(desk.sends(desk.reads(at(number)).form_to(action), photos=[a_picture()], text=""))
    (kept,) = waiting(page, action)
    desk.jar = {}
    page = Page(desk.sends(page.form_to(action), photos=[a_picture(9)], text="Look."))
    assert page.status == 401 and page.says("Photos are not: you choose them again then.")
    assert count(Image) == 1, "nothing is taken in of somebody who is nobody"
    page = Page(desk.sends(page.form_to("/staff/login"), identifier=agent.username, password=PASSWORD))
    assert page.says("Message Look.") and page.says("Photos 1 chosen before")
    assert page.says("Those that you chose could not be kept. Choose them again.")
    assert desk.sends(page.form_to(action), photos=[a_picture(9)]).status_code == 303
    assert len(of(number)) == 2 and of(number)[0][0] == kept


def test_a_new_ticket_comes_with_photos(desk: Reader, customer: Person) -> None:
    new = "/staff/tickets/new"
    wish = {"email": customer.email, "title": "Fire door will not latch", "description": "It stays open."}
    page = Page(desk.sends(desk.reads(new).form_to(new), photos=[a_picture(), a_picture(5), NOT_ONE], **wish))
    assert page.status == 422 and page.says("Choose a category") and page.says("minutes")
    first, second = waiting(page, new)
    page = Page(desk.sends(page.form_to(new), delete=str(first)))
    assert (page.status, waiting(page, new)) == (200, [second])
    assert count(Ticket) == 0
    page = desk.is_led(desk.sends(page.form_to(new), category="facilities", photos=[a_picture(6)]))
    (number,) = (item["id"] for item in customer.get("/api/tickets").json["items"])
    assert len(of(number)) == 2 and of(number)[0] == (second, None)
    assert customer.sees(number)["image_count"] == 2


# --- a guest's link ---------------------------------------------------------------------------------------------------


@pytest.fixture
def world(app: Flask) -> World:
    return World(app)


def newest() -> int:
    db.session.remove()
    return int(db.session.scalar(select(func.max(Ticket.id))) or 0)


def test_a_guest_confirms_a_report_with_photos(world: World) -> None:
    token, guest = world.guest_report(), Reader(world.app)
    number, here = newest(), f"/account/report?token={token}"
    page = Page(guest.sends(guest.reads(here).form_to(here), photos=[a_picture(), NOT_ONE]))
    assert page.status == 422 and page.says("minutes</b>.pdf: This is not a picture")
    assert page.says("Your report was not sent yet. Choose the photos again.")
    assert world.agent.sees(number)["held"] and count(Image) == 0
    form = page.form_to(here)
    for _ in range(2):
        page = guest.is_led(guest.sends(form, photos=[a_picture(), a_picture(5)]))
    assert not world.agent.sees(number)["held"]
    assert [comment for _, comment in of(number)] == [None, None]
    assert page.says("Being prepared")
    for photo, _ in of(number):
        made_ready(photo)
    found = pictures(guest.reads(here))
    assert len(found) == 2 and all(guest.get(src).status_code == 200 for src in found)
    other = world.guest_report()
    there = f"/account/report?token={other}"
    assert guest.is_led(guest.sends(guest.reads(there).form_to(there))).says("Water dripping"), "and without any"


def test_a_guest_replies_with_photos(world: World) -> None:
    token, guest = world.guest_link(), Reader(world.app)
    number, here = newest(), f"/account/report?token={token}"
    answer = world.agent.uploads()
    world.agent.writes(number, "Like this one?", images=[answer])
    note = world.agent.uploads()
    world.agent.writes(number, "canary-note", audience="internal", images=[note])
    page = guest.reads(here)
    assert list(pictures(page)) == [f"/api/tickets/by-link/{token}/images/{answer}/thumbnail"]
    page = Page(guest.sends(page.form_to(here), photos=[a_picture(), a_picture(5), NOT_ONE], text="No, this one."))
    assert page.status == 422 and page.says("minutes")
    first, second = waiting(page, here)
    page = Page(guest.sends(page.form_to(here), delete=str(first)))
    assert (page.status, waiting(page, here)) == (200, [second])
    form = page.form_to(here)
    assert form.data()["text"] == ["No, this one."]
    for _ in range(2):
        page = guest.is_led(guest.sends(form))
    assert [photo for photo, _ in of(number)] == [answer, note, second]
    made_ready(second)
    assert f"/api/tickets/by-link/{token}/images/{second}/thumbnail" in pictures(guest.reads(here))
    assert world.agent.get(f"/api/images/{second}").status_code == 200


def test_a_guests_page_sends_nothing_of_anybody_else(world: World) -> None:
    token, guest = world.guest_report(world.other.email), Reader(world.app)
    here = f"/account/report?token={token}"
    assert guest.sends(guest.reads(here).form_to(here)).status_code == 303
    number = newest()
    through, untied, foreign = world.anonymous.uploads(through=token), world.other.uploads(), world.agent.uploads()
    for photo in (untied, foreign, 2**40):
        before = count(Image), count(Comment)
        page = Page(guest.sends(guest.reads(here).form_to(here), text="Look.", images=[str(photo)]))
        assert page.status == 422 and page.says("A photo is not there any more")
        guest.sends(guest.reads(here).form_to(here), text="Look.", images=[str(photo)], delete=str(photo))
        assert (count(Image), count(Comment)) == before
    assert guest.sends(guest.reads(here).form_to(here), text="Look.", images=[str(through)]).status_code == 303
    assert [photo for photo, _ in of(number)] == [through]


def test_a_guests_page_reads_no_file_for_a_link_that_opens_nothing(world: World) -> None:
    guest, token = Reader(world.app), world.guest_link()
    body = {"content_type": "multipart/form-data; boundary=b", "data": b"x" * 99_000_000}
    assert guest.open("POST", f"/account/report?token={'x' * 43}", **body).status_code == 400
    assert guest.open("POST", f"/account/report?token={token}", **body).status_code == 413


def test_a_guests_page_takes_as_many_photos_as_everybody_sends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token, guest = world.guest_link(), Reader(world.app)
    here = f"/account/report?token={token}"
    monkeypatch.setattr(limits, "UPLOAD", Limit("upload", burst=2, every=60))
    form = guest.reads(here).form_to(here)
    page = Page(guest.sends(form, photos=[a_picture()] * 3, text="Look."))
    assert page.status == 429 and page.form_to(here).data()["text"] == ["Look."]
    assert (waiting(page, here), count(Image)) == ([], 0)
    monkeypatch.setattr(limits, "UPLOAD", Limit("upload-any", burst=100, every=0.001))
    assert guest.sends(page.form_to(here), photos=[a_picture()] * 3).status_code == 303
    assert count(Image) == 3
