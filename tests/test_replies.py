"""Saved replies: whose they are, who may change them, and what is filled into them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from models import AuditEvent, SavedReply, Team, User, begin_write, db
from tests.factories import Person
from tests.pages import Reader
from tests.world import unique

PATH = "/api/saved-replies"


def save(person: Person, **fields: Any) -> int:
    response = person.post(PATH, {"title": unique("On our way"), "text": "We are on our way.", **fields})
    assert response.status_code == 201, response.json
    return int(response.json["id"])


def titles(person: Person, query: str = "") -> list[str]:
    response = person.get(f"{PATH}{query}")
    assert response.status_code == 200, response.json
    return [reply["title"] for reply in response.json["items"]]


def team(slug: str) -> int:
    return db.session.scalars(select(Team.id).where(Team.slug == slug)).one()


def works_in(admin: Person, person: Person, slug: str) -> None:
    assert admin.patch(f"/api/users/{person.id}", {"team_id": team(slug)}).status_code == 200


def filled(person: Person, ticket: int, text: str, query: str = "") -> str:
    number = save(person, text=text)
    response = person.get(f"/api/tickets/{ticket}/saved-replies/{number}{query}")
    assert response.status_code == 200, response.json
    found: str = response.json["text"]
    return found


def test_ones_own_is_nobody_elses_a_teams_is_the_teams_and_the_rest_is_everybodys(
    app: Flask, agent: Person, admin: Person
) -> None:
    colleague = Person.made(app, "agent")
    works_in(admin, colleague, "it")
    save(agent, title="My own")
    save(admin, title="For everybody", is_shared=True)
    save(admin, title="For IT", team_id=team("it"))
    assert titles(agent) == ["For everybody", "My own"]
    assert titles(colleague) == ["For IT", "For everybody"] or titles(colleague) == ["For everybody", "For IT"]
    assert set(titles(admin)) == {"For IT", "For everybody"}  # not what an agent keeps for themselves
    works_in(admin, colleague, "facilities")
    assert titles(colleague) == ["For everybody"]


def test_agents_change_their_own_and_admins_what_is_shared(agent: Person, admin: Person) -> None:
    own, shared = save(agent), save(admin, is_shared=True)
    assert agent.patch(f"{PATH}/{own}", {"title": "Coming"}).json["title"] == "Coming"
    assert agent.patch(f"{PATH}/{shared}", {"title": "Mine now"}).status_code == 403
    assert agent.delete(f"{PATH}/{shared}").status_code == 403
    assert agent.post(PATH, {"title": "a", "text": "b", "is_shared": True}).status_code == 403
    assert agent.patch(f"{PATH}/{own}", {"is_shared": True}).status_code == 403
    assert agent.patch(f"{PATH}/{own}", {"team_id": team("it")}).status_code == 403
    assert admin.patch(f"{PATH}/{own}", {"title": "x"}).status_code == 404
    assert admin.get(f"{PATH}/{shared}").json["title"].startswith("On our way")
    assert agent.get(f"{PATH}/{own}").json["owner"]["id"] == agent.id
    assert admin.patch(f"{PATH}/{shared}", {"title": "Coming"}).json["owner"] is None
    assert agent.delete(f"{PATH}/{own}").status_code == 204
    assert admin.delete(f"{PATH}/{shared}").status_code == 204
    assert agent.get(f"{PATH}/{own}").status_code == 404


def test_what_is_shared_is_given_to_a_team_and_taken_back(agent: Person, admin: Person) -> None:
    path = f"{PATH}/{save(admin)}"
    assert agent.get(path).status_code == 404
    given = admin.patch(path, {"team_id": team("it")}).json
    assert (given["owner"], given["team"]["slug"], given["version"]) == (None, "it", 2)
    assert admin.patch(path, {"team_id": None}).json["team"] is None
    assert agent.get(path).status_code == 200
    assert admin.patch(path, {"is_shared": False}).json["owner"]["id"] == admin.id
    assert agent.get(path).status_code == 404
    assert admin.patch(path, {"team_id": 10**9}).status_code == 422
    assert admin.patch(path, {"team_id": team("it"), "is_shared": False}).status_code == 422
    on_record = [row.action for row in db.session.scalars(select(AuditEvent).order_by(AuditEvent.id))]
    assert [one for one in on_record if one.startswith("saved_reply")] == ["saved_reply.changed"] * 3, (
        "who took it away too"
    )


def test_two_that_nobody_could_tell_apart_are_refused(agent: Person, admin: Person) -> None:
    own, shared = save(agent, title="On our way"), save(admin, title="On our way", is_shared=True)
    save(admin, title="On our way", team_id=team("it"))
    save(admin, title="On our way")  # of each readers one
    for person, fields in ((agent, {}), (admin, {"is_shared": True}), (admin, {"team_id": team("it")})):
        again = person.post(PATH, {"title": "on OUR way", "text": "x", **fields})
        assert (again.status_code, list(again.json["errors"])) == (409, ["title"])
    other = save(agent, title="Later")
    assert agent.patch(f"{PATH}/{other}", {"title": "On our way"}).status_code == 409
    assert agent.patch(f"{PATH}/{own}", {"title": "On Our Way"}).status_code == 200  # one's own is not taken
    assert admin.patch(f"{PATH}/{shared}", {"team_id": team("it")}).status_code == 409
    assert admin.patch(f"{PATH}/{shared}", {"team_id": team("facilities")}).status_code == 200


def test_a_stale_saved_reply_is_refused_with_what_it_is_now(agent: Person) -> None:
    path = f"{PATH}/{save(agent)}"
    etag = agent.get(path).headers["ETag"]
    assert agent.patch(path, {"text": "Soon."}, headers={"If-Match": etag}).status_code == 200
    stale = agent.patch(path, {"text": "Lost"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json["current"]["text"]) == (412, "Soon.")
    assert agent.delete(path, headers={"If-Match": etag}).status_code == 412


def test_they_are_listed_by_title_page_by_page_and_found_by_the_beginning_of_a_word(agent: Person) -> None:
    for title in ("Water is off", "Parts ordered", "50% done", "Nearly parted"):
        save(agent, title=title)
    assert titles(agent) == ["50% done", "Nearly parted", "Parts ordered", "Water is off"]
    assert titles(agent, "?q=part") == ["Nearly parted", "Parts ordered"]
    assert titles(agent, "?q=%25") == []
    first = agent.get(f"{PATH}?limit=3").json
    assert titles(agent, f"?limit=3&cursor={first['next_cursor']}") == ["Water is off"]


def test_names_numbers_and_links_are_put_in_their_places(app: Flask, agent: Person, customer: Person) -> None:
    ticket = customer.reports(title="Tap drips")
    text = "Hello {{reporter.first_name}} ({{ reporter.name }}), #{{ticket.id}} {{ticket.title}}: {{ticket.link}}"
    base = app.config["PUBLIC_BASE_URL"]
    assert filled(agent, ticket, text) == (f"Hello Jonas (Jonas Weber), #{ticket} Tap drips: {base}/tickets/{ticket}")
    signed = filled(agent, ticket, "{{agent.first_name}}, {{agent.name}}, {{site.name}}")
    assert signed == f"Priya, Priya Nair, {app.config['SITE_NAME']}"


@pytest.mark.parametrize(
    "text",
    [
        "{{7*7}}", "{{config}}", "${7*7}", "{% print(7*7) %}", "{{reporter.email}}", "{{reporter.__class__}}", "#{7*7}",
        "{reporter.name}", "{{ticket.description}}", "%(ticket)s", "{0}", "<%= 7*7 %>",
    ],
)  # fmt: skip
def test_what_is_no_place_stays_as_it_is_written(agent: Person, customer: Person, text: str) -> None:
    """P-082: never evaluated."""
    assert filled(agent, customer.reports(), text) == text


def test_what_is_filled_in_is_not_filled_again(app: Flask, agent: Person) -> None:
    mallory = Person.made(app, "customer", name="{{agent.name}} {{7*7}}")
    ticket = mallory.reports(title="{{site.name}}")
    text = filled(agent, ticket, "{{reporter.name}}: {{ticket.title}}")
    assert text == "{{agent.name}} {{7\\*7}}: {{site.name}}"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("[click](https://evil.test)", "click"),
        ("<https://evil.test>", "evil.test"),
        ("**Bold** _and_ `code`", "Bold"),
        ("# Head", "Head"),
        ("1. One", "One"),
        ("- One", "One"),
        ("https://evil.test/x", "evil.test"),
    ],
)
def test_a_name_makes_nothing_of_itself(app: Flask, agent: Person, name: str, shown: str) -> None:
    from blueprints.pages import prose
    from helpdesk.markdown import render

    ticket = Person.made(app, "customer", name=name).reports()
    text = filled(agent, ticket, "{{reporter.name}}")
    for html in (render(text), str(prose(text))):
        assert shown in html
        for tag in ("<a", "<strong", "<em", "<code", "<ol", "<ul", "<li", "<h1"):
            assert tag not in html, html


def test_plain_names_are_written_as_they_are(app: Flask, agent: Person) -> None:
    for name in ("Anna-Lena O'Brien (IT)", "Dr. J. Müller-Weiß", "李 雷", "R2 D2"):
        ticket = Person.made(app, "customer", name=name).reports()
        assert filled(agent, ticket, "Dear {{reporter.name}},") == f"Dear {name},"


def test_who_joined_does_not_learn_who_reported_it(agent: Person, customer: Person, other: Person) -> None:
    ticket = customer.reports(title="Weber's own words")
    agent.sets(ticket, public_title="Projector is off")
    text = "Hello {{reporter.first_name}}: {{ticket.title}}"
    assert filled(agent, ticket, text) == "Hello Jonas: Weber's own words"
    other.joins(ticket)
    assert filled(agent, ticket, text) == "Hello everyone: Projector is off"
    assert filled(agent, ticket, text, "?audience=reporter") == "Hello Jonas: Weber's own words"


def test_one_is_filled_in_for_whom_it_is_there(agent: Person, admin: Person, customer: Person) -> None:
    ticket, own = customer.reports(), save(agent)
    path = f"/api/tickets/{ticket}/saved-replies/{own}"
    assert agent.get(path).status_code == 200
    assert admin.get(path).status_code == 404
    assert customer.get(path).status_code == 403
    assert agent.get(f"/api/tickets/{10**9}/saved-replies/{own}").status_code == 404


def test_an_erased_person_leaves_no_saved_reply_of_their_own(app: Flask, agent: Person, admin: Person) -> None:
    save(agent)
    shared = save(admin, is_shared=True)
    assert admin.delete(f"/api/users/{agent.id}").status_code == 204
    assert list(db.session.scalars(select(SavedReply.id))) == [shared]
    begin_write()
    assert db.session.get_one(User, agent.id).erased_at is not None


def test_what_a_title_writes_as_entities_makes_no_link_either(
    app: Flask, agent: Person, customer: Person, other: Person
) -> None:
    number = customer.reports(title="Log in at http:&#47;&#47;evil.test/login")
    other.joins(number)
    reply = agent.post("/api/saved-replies", {"title": "x", "text": "About “{{ticket.title}}”: soon."}).json["id"]
    text = agent.get(f"/api/tickets/{number}/saved-replies/{reply}?audience=affected").json["text"]
    agent.writes(number, text, audience="affected")
    assert 'href="http://evil.test' not in Reader(app, agent).reads(f"/staff/tickets/{number}").html
