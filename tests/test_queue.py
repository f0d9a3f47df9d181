"""The queue's page: its sidebar, its selection, its views, its parts for a script, and the way through a list."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from models import Building, Category, Membership, SavedView, Tag, Team, Ticket, begin_write, db
from tests.conftest import statements
from tests.factories import PASSWORD, Person
from tests.pages import Page, Reader
from tests.test_staff_pages import at, listed
from tests.world import World

QUEUE = "/staff/"


@pytest.fixture
def desk(app: Flask, agent: Person) -> Reader:
    """Priya Nair, an agent, at her browser."""
    return Reader(app, agent)


def add(*rows: Any) -> None:
    begin_write()
    db.session.add_all(rows)
    db.session.commit()


def in_team(person: Person, slug: str) -> int:
    team = db.session.scalars(select(Team.id).where(Team.slug == slug)).one()
    add(Membership(user_id=person.id, team_id=team))
    return team


def sidebar(page: Page) -> dict[str, int | None]:
    """What the sidebar leads to, and the numbers beside."""
    found = {}
    for link in re.findall(r'<a class="nav-link".*?</a>', page.html, re.S):
        label = re.search(r'<span class="label">(.*?)</span>', link)
        number = re.search(r'data-count="\w+">([0-9]+)<', link)
        if label:
            found[label[1]] = int(number[1]) if number else None
    return found


def leads(page: Page, label: str) -> str:
    link = next(one for one in re.findall(r'<a class="nav-link".*?</a>', page.html, re.S) if f">{label}<" in one)
    return re.findall(r'href="([^"]*)"', link)[0].replace("&amp;", "&")


def saved(person: Person, name: str, **fields: Any) -> int:
    response = person.post("/api/views", {"name": name, **fields})
    assert response.status_code == 201, response.json
    return int(response.json["id"])


def heading(page: Page) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.html)
    assert found
    return found[1]


# --- the sidebar ------------------------------------------------------------------------------------------------------


def test_a_team_has_a_view_of_its_own_for_whoever_is_in_it(desk: Reader, agent: Person, customer: Person) -> None:
    team, number = in_team(agent, "it"), customer.reports(category="facilities-leaks")
    other = customer.reports(category="it-wifi")
    agent.sets(number, team_id=None, handoff_reason="Nobody’s.")
    agent.sets(other, team_id=team)
    page = desk.reads(QUEUE)
    assert sidebar(page)["My team"] == 1
    mine = desk.reads(leads(page, "My team"))
    assert (listed(mine), heading(mine)) == ([other], "My team")
    assert "My team" not in sidebar(Reader(desk.app, Person.made(desk.app, "agent")).reads(QUEUE))


def test_reports_that_nobody_confirmed_have_a_view_while_there_are_some(app: Flask, desk: Reader) -> None:
    world = World(app)
    assert "Not confirmed" not in sidebar(desk.reads(QUEUE))
    world.guest_report(title="Nobody confirmed this")
    page = desk.reads(QUEUE)
    assert (sidebar(page)["Not confirmed"], sidebar(page)["All open"]) == (1, 0)
    held = desk.reads(leads(page, "Not confirmed"))
    assert held.says("Nobody confirmed this")
    assert heading(held) == "Not confirmed"
    begin_write()
    db.session.query(Ticket).update({"held": False})
    db.session.commit()
    assert "Not confirmed" not in sidebar(desk.reads(QUEUE))
    assert heading(desk.reads("/staff/?held=true")) == "Not confirmed"


def test_the_queue_takes_eight_statements_whatever_stands_around_it(
    desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    in_team(agent, "it")
    add(Tag(name="hvac"))
    numbers = [customer.reports(title=f"Problem {n}") for n in range(30)]
    for n in range(25):
        saved(agent, f"View {n}", filters={"q": f"problem {n}", "tag": ["hvac"]})
        saved(admin, f"Shared {n}", filters={"q": "assignee:priya category:it"}, is_shared=True)
    done = agent.post("/api/tickets/bulk", {"ids": numbers[:25], "changes": {"add_tags": ["hvac"]}}).json["id"]
    view = saved(agent, "One more", filters={"assignee": "none"}, sort="-created_at")
    for address in ("", "?category=facilities", f"?done={done}", f"?view={view}&done={done}&priority=normal"):
        for headers in ({}, {"HX-Request": "true"}):
            with statements() as seen:
                assert desk.get(QUEUE + address, headers=headers).status_code == 200
            assert len(seen) <= 8, (address, headers, len(seen))


def test_a_search_keeps_the_filters_and_the_order(desk: Reader, agent: Person, customer: Person) -> None:
    leak, _ = customer.reports(), customer.reports(title="No Wi-Fi", description="None at all.", category="it-wifi")
    page = desk.reads("/staff/?priority=normal&sort=-created_at&q=wifi")
    search = next(form for form in page.forms if form.method == "get" and not form.buttons)
    assert search.data() == {"priority": ["normal"], "sort": ["-created_at"], "q": ["wifi"]}
    found = desk.reads(f"{search.action}?{urlencode(search.data(q='ceiling'), doseq=True)}")
    assert listed(found) == [leak]
    assert ("q", "ceiling") in next(form for form in found.forms if not form.buttons).fields


def test_the_tasks_are_counted_where_there_is_a_page_of_them(
    desk: Reader, agent: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for status in ("todo", "in_progress", "done"):
        agent.post("/api/tasks", {"title": "Bring a ladder", "assignee_id": agent.id, "status": status})
    agent.post("/api/tasks", {"title": "Somebody else's"})
    has = "staff.tasks" in desk.app.view_functions
    assert sidebar(desk.reads(QUEUE)).get("Tasks") == (2 if has else None)
    assert '<li data-count="tasks">2</li>' in Page(desk.get("/staff/?part=rows")).html


# --- saved views ------------------------------------------------------------------------------------------------------


def test_a_list_is_saved_and_stands_in_the_sidebar_with_its_number(
    desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    add(Building(slug="maple", name="Maple Hall"))
    leak = customer.reports(building="maple")
    wifi = customer.reports(category="it-wifi", title="No Wi-Fi", building="maple")
    done = customer.reports(category="it-wifi", title="Done", building="maple")
    agent.sets(done, status="resolved")
    page = desk.reads("/staff/?category=it&building=maple&sort=-priority")
    form = desk.reads(next(link for link in page.links if "/views/new" in link)).form_to("/staff/views/new")
    assert form.data()["columns"] == ["category", "location", "status", "due", "assignee", "updated"]
    page = desk.is_led(desk.sends(form, name="Maple Wi-Fi", is_shared="on", columns=["status", "tags"]))
    assert (heading(page), listed(page)) == ("Maple Wi-Fi", [wifi])
    assert sidebar(page)["Maple Wi-Fi"] == 1
    assert page.html.count('aria-current="page"') == 1
    heads = re.findall(r'<th role="columnheader" scope="col" class="c-(\w+)', page.html)
    assert heads == ["check", "prio", "id", "title", "status", "tags"]
    colleague = Reader(desk.app, admin)
    theirs = colleague.reads(leads(colleague.reads(QUEUE), "Maple Wi-Fi"))
    assert (heading(theirs), listed(theirs)) == ("Maple Wi-Fi", [wifi])
    narrowed = desk.reads(f"{leads(page, 'Maple Wi-Fi')}&status=resolved")
    assert (heading(narrowed), listed(narrowed)) == ("Maple Wi-Fi", [done])
    assert narrowed.html.count('aria-current="page"') == 0
    assert leak


def test_a_view_that_cannot_be_saved_keeps_every_word(desk: Reader, agent: Person) -> None:
    saved(agent, "Leaks")
    form = desk.reads("/staff/views/new?list=priority%3Dhigh").form_to("/staff/views/new")
    for name, status, words in (("", 422, "Write a name"), ("Leaks", 409, "You have a view of this name already")):
        page = Page(desk.sends(form, name=name, is_shared="on", columns=["tags"]))
        assert (page.status, page.says(words), page.title.startswith("Problem: ")) == (status, True, True)
        again = page.form_to("/staff/views/new").data()
        assert (again["name"], again["is_shared"], again["columns"]) == ([name], ["on"], ["tags"])
        assert again["list"] == ["priority=high"]
    assert db.session.scalar(select(func.count()).select_from(SavedView)) == 1


def test_a_view_is_changed_given_other_filters_and_deleted_by_its_owner(
    desk: Reader, agent: Person, admin: Person, customer: Person
) -> None:
    number = saved(agent, "Leaks", filters={"category": ["facilities"]}, is_shared=True)
    leak = customer.reports()
    agent.sets(leak, priority="high")
    path = f"/staff/views/{number}"
    page = desk.reads(f"/staff/?category=facilities&priority=high&sort=-created_at&view={number}")
    edit = next(link for link in page.links if link.startswith(path))
    form = desk.reads(edit).form_to(path, button="Save view")
    page = desk.is_led(desk.sends(form, name="Urgent leaks", refilter=None, is_shared=None))
    shown = agent.get(f"/api/views/{number}").json
    assert (shown["name"], shown["is_shared"], shown["filters"]) == (
        "Urgent leaks",
        False,
        {"category": ["facilities"]},
    )
    form = desk.reads(edit).form_to(path, button="Save view")
    assert form.data()["refilter"] == ["on"]
    desk.is_led(desk.sends(form))
    shown = agent.get(f"/api/views/{number}").json
    assert (shown["filters"]["priority"], shown["sort"]) == (["high"], "-created_at")
    assert "refilter" not in desk.reads(path).form_to(path, button="Save view").data()
    stale = desk.reads(path).form_to(path, button="Save view")
    agent.patch(f"/api/views/{number}", {"sort": "priority"})
    page = Page(desk.sends(stale, name="Mine"))
    assert (page.status, page.form_to(path, button="Save view").data()["name"]) == (412, ["Mine"])
    assert Reader(desk.app, admin).get(path).status_code == 404
    desk.is_led(desk.sends(desk.reads(path).form_to(path, button="Delete view")))
    assert "Urgent leaks" not in sidebar(desk.reads(QUEUE))


def test_a_shared_view_is_its_owners_and_the_admins(desk: Reader, agent: Person, admin: Person) -> None:
    number = saved(admin, "Everybody's", is_shared=True)
    path = f"/staff/views/{number}"
    page = desk.reads(f"/staff/?view={number}")
    assert not [link for link in page.links if link.startswith(path)]
    assert desk.get(path).status_code == 403
    form = Reader(desk.app, admin).reads(path).form_to(path, button="Save view")
    assert desk.sends(form, name="Mine").status_code == 403
    assert admin.get(f"/api/views/{number}").json["name"] == "Everybody's"
    assert Reader(desk.app, admin).sends(form, name="Ours").status_code == 303


def test_a_view_of_what_is_there_no_more_breaks_nothing(desk: Reader, agent: Person, customer: Person) -> None:
    add(Building(slug="old", name="Old Hall"), Building(slug="gone", name="Gone Hall"))
    number = customer.reports(building="old")
    begin_write()
    db.session.query(Building).filter_by(slug="old").update({"is_archived": True})
    db.session.commit()
    saved(agent, "Archived", filters={"building": ["old"]})
    saved(agent, "Never was", filters={"building": ["nowhere"], "tag": ["nothing"], "assignee": "999999"})
    broken = saved(agent, "Of another time", filters={"priority": ["high"]})
    begin_write()
    db.session.get_one(SavedView, broken).filters = {"mood": ["bad"]}
    db.session.commit()
    page = desk.reads(QUEUE)
    assert {name: sidebar(page)[name] for name in ("Archived", "Never was", "Of another time")} == {
        "Archived": 1, "Never was": 0, "Of another time": None,
    }  # fmt: skip
    assert listed(desk.reads(leads(page, "Archived"))) == [number]
    assert listed(desk.reads(leads(page, "Never was"))) == []
    assert desk.reads(leads(page, "Of another time"), 422).says("the queue does not know: mood")
    assert heading(desk.reads("/staff/?view=999999&priority=normal")) == "All open"
    assert heading(desk.reads("/staff/?view=x")) == "All open"


# --- many at once -----------------------------------------------------------------------------------------------------


def many(page: Page) -> Any:
    return page.form_to("/staff/bulk", button="Apply")


def test_what_is_selected_is_changed_and_the_list_says_so_with_a_way_back(
    desk: Reader, agent: Person, customer: Person
) -> None:
    add(Tag(name="hvac"))
    numbers = [customer.reports(title=f"Problem {n}") for n in range(3)]
    page = desk.reads("/staff/?priority=normal&sort=created_at")
    sent = desk.sends(
        many(page), ids=[str(one) for one in numbers[:2]], assignee_id="me", status="in_progress", tag="+hvac"
    )
    page = desk.is_led(sent)
    assert page.says("2 tickets changed")
    assert listed(page) == numbers
    assert "sort=created_at" in sent.headers["Location"] and "priority=normal" in sent.headers["Location"]
    seen = agent.sees(numbers[0])
    assert (seen["assignee"]["id"], seen["status"], seen["tags"]) == (agent.id, "in_progress", ["hvac"])
    assert agent.sees(numbers[2])["assignee"] is None
    action = next(form.action for form in page.forms if "/undo" in form.action)
    page = desk.is_led(desk.sends(page.form_to(action)))
    assert page.says("2 tickets put back as they were")
    assert listed(page) == numbers
    seen = agent.sees(numbers[0])
    assert (seen["assignee"], seen["status"], seen["tags"]) == (None, "open", [])
    assert not [form for form in page.forms if "/undo" in form.action]


def test_the_box_above_selects_the_page(desk: Reader, agent: Person, customer: Person) -> None:
    numbers = [customer.reports(title=f"Problem {n}") for n in range(26)]
    page = desk.reads("/staff/?sort=created_at")
    page = desk.is_led(desk.sends(many(page), all="1", priority="high"))
    assert page.says("25 tickets changed")
    assert [agent.sees(one)["priority"] for one in (numbers[0], numbers[24], numbers[25])] == ["high", "high", "normal"]


def test_what_is_refused_is_listed_with_its_reason_and_stays_selected(
    desk: Reader, agent: Person, customer: Person
) -> None:
    good, closed = customer.reports(), customer.reports(title="Another problem")
    agent.sets(closed, status="closed")
    page = desk.reads("/staff/?status=open&status=closed")
    page = desk.is_led(desk.sends(many(page), ids=[str(good), str(closed)], status="waiting"))
    assert page.says("1 ticket changed")
    assert page.says(f"#{closed} A ticket that is closed cannot become waiting.")
    assert f"{at(closed)}?list=status%3Dopen%26status%3Dclosed" in page.links
    assert many(page).data().get("ids") == [str(closed)]
    assert agent.sees(good)["status"] == "waiting"
    page = Page(desk.sends(many(page), ids=[str(closed)], status="resolved"))
    assert (page.status, page.says("1 ticket stayed as it is")) == (409, True)
    kept = many(page).data()
    assert (kept["ids"], kept["status"]) == ([str(closed)], ["resolved"])


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"priority": "high"}, "Select tickets first"),
        ({"ids": True}, "Choose what to change"),
        ({"ids": True, "status": "nope"}, "There is a problem"),
        ({"ids": True, "category": "nope"}, "Choose a category"),
        ({"ids": True, "assignee_id": "99999999"}, "Choose somebody of the staff"),
    ],
)
def test_a_selection_that_cannot_be_changed_is_kept_with_what_was_chosen(
    desk: Reader, agent: Person, customer: Person, sent: dict[str, Any], words: str
) -> None:
    number = customer.reports()
    wish = {name: [str(number)] if value is True else value for name, value in sent.items()}
    page = Page(desk.sends(many(desk.reads("/staff/?priority=normal")), **wish))
    assert (page.status, page.says(words)) == (422, True), page.words[:800]
    assert listed(page) == [number]
    kept = many(page).data()
    assert kept.get("ids", []) == wish.get("ids", [])
    assert kept["priority"] == [wish.get("priority", "")]
    assert kept["list"] == ["priority=normal"]


def test_undo_is_offered_for_half_a_minute_and_told_when_it_is_too_late(app: Flask) -> None:
    with time_machine.travel(datetime(2026, 5, 12, 10, tzinfo=UTC), tick=False) as clock:
        customer, agent = Person.made(app, "customer"), Person.made(app, "agent")
        number, desk = customer.reports(), Reader(app, agent)
        sent = desk.sends(many(desk.reads(QUEUE)), ids=[str(number)], priority="high")
        page = desk.is_led(sent)
        action = next(form.action for form in page.forms if "/undo" in form.action)
        clock.shift(timedelta(seconds=31))
        late = Page(desk.sends(page.form_to(action)))
        assert (late.status, late.says("It can be undone for 30 seconds.")) == (409, True)
        again = desk.reads(sent.headers["Location"])
        assert again.says("1 ticket changed")
        assert not [form for form in again.forms if "/undo" in form.action]
        stranger = Reader(app, Person.made(app, "agent"))
        assert not stranger.reads(sent.headers["Location"]).says("1 ticket changed")
        assert desk.reads("/staff/?done=99999999999999999999").status == 200


def test_a_selection_sent_twice_is_changed_once(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    form = many(desk.reads(QUEUE))
    first, again = (desk.sends(form, ids=[str(number)], priority="high") for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    assert len(agent.get(f"/api/tickets/{number}/events").json["items"]) == 2
    foreign = desk.open("POST", "/staff/bulk", data=form.data(), headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403


def test_a_merge_is_begun_where_there_is_a_page_for_it(desk: Reader, customer: Person) -> None:
    numbers = [customer.reports(title=f"Problem {n}") for n in range(2)]
    page = desk.reads(QUEUE)
    has = "staff.merge" in desk.app.view_functions
    assert ('value="merge"' in page.html) == has
    sent = desk.sends(many(page), ids=[str(one) for one in numbers], do="merge")
    if has:
        assert parse_qs(sent.headers["Location"].partition("?")[2]) == {"ids": [str(one) for one in numbers]}
    else:
        assert sent.status_code == 422


def test_what_was_chosen_when_the_session_had_ended_is_sent_after_the_login(
    desk: Reader, agent: Person, customer: Person
) -> None:
    number = customer.reports()
    choices = many(desk.reads("/staff/?priority=normal"))
    naming = desk.reads("/staff/views/new?list=priority%3Dnormal").form_to("/staff/views/new")
    for form, typed, words, button in (
        (choices, {"ids": [str(number)], "assignee_id": "me"}, f"Tickets {number}", "Apply"),
        (naming, {"name": "Usual", "is_shared": "on"}, "Shared with everybody Yes", "Save view"),
    ):
        desk.jar = {}
        page = Page(desk.sends(form, **typed))
        assert page.status == 401
        page = Page(desk.sends(page.form_to("/staff/login"), identifier=agent.username, password=PASSWORD))
        assert page.says(words), page.words
        page = desk.is_led(desk.sends(page.form_to(form.action, button=button)))
        assert listed(page) == [number]
    assert agent.sees(number)["assignee"]["id"] == agent.id
    assert heading(page) == "Usual"


# --- parts for a script -----------------------------------------------------------------------------------------------


def test_the_rows_alone_are_not_sent_again_while_nothing_changed(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    for address, headers in (("/staff/?part=rows", {}), (QUEUE, {"HX-Request": "true"})):
        first = desk.get(address, headers=headers)
        page, etag = Page(first), first.headers["ETag"]
        assert listed(page) == [number]
        assert not [tag for tag, _ in page.tags if tag in ("html", "form", "h1")]
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert ids == ["rows", "pager", "total", "counts"]
        assert '<li data-count="unassigned">' in page.html
        assert "HX-Request" in first.headers["Vary"]
        same = desk.get(address, headers={**headers, "If-None-Match": etag})
        assert (same.status_code, same.data) == (304, b"")
        agent.writes(number, "On my way.")
        other = desk.get(address, headers={**headers, "If-None-Match": etag})
        assert (other.status_code, other.headers["ETag"] != etag) == (200, True)
    assert Page(desk.get("/staff/?part=rows&priority=low")).says("No tickets match these filters")


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("st", ["status:"]),
        ("leak status:wa", ["status:waiting"]),
        ("is:", ["is:overdue", "is:unassigned", "is:confidential", "is:open"]),
        ("building:ma", ["building:maple"]),
        ("BUILDING:hall", ["building:maple"]),
        ("tag:", ['tag:"teaching room"', "tag:hvac"]),
        ("assignee:pri", ['assignee:"Priya Nair"']),
        ('assignee:"priya n', ['assignee:"Priya Nair"']),
        ("#", []),
        ("priority:urgent", []),
        ("xylophone", []),
        ('"exact words', []),
    ],
)
def test_a_search_is_completed_word_by_word(desk: Reader, typed: str, values: list[str]) -> None:
    add(Building(slug="maple", name="Maple Hall"), Tag(name="hvac"), Tag(name="teaching room"))
    page = Page(desk.get(f"/staff/suggest?q={quote(typed)}"))
    found = [attributes["data-value"] for tag, attributes in page.tags if tag == "li"]
    assert sorted(map(str, found)) == sorted(values)
    assert all(attributes["role"] == "option" for tag, attributes in page.tags if tag == "li")


def test_every_completion_is_a_search_that_finds_what_it_says(desk: Reader, agent: Person, customer: Person) -> None:
    add(Building(slug="maple", name="Maple Hall"), Tag(name="teaching room"))
    number = customer.reports(building="maple")
    agent.sets(number, assignee_id=agent.id, tags=["teaching room"])
    for typed in ("building:ma", "tag:teach", "assignee:priya", "category:leaks", "status:op", "priority:nor"):
        page = Page(desk.get(f"/staff/suggest?q={typed}"))
        value = next(str(attributes["data-value"]) for tag, attributes in page.tags if tag == "li")
        assert listed(desk.reads(f"/staff/?q={quote(value)}")) == [number], value


def test_suggestions_are_few_and_for_the_staff(app: Flask, desk: Reader, customer: Person) -> None:
    add(*(Category(slug=f"misc-{n}", name=f"Miscellaneous {n}") for n in range(12)))
    assert len([tag for tag, _ in Page(desk.get("/staff/suggest?q=misc")).tags if tag == "li"]) == 8
    assert len([tag for tag, _ in Page(desk.get("/staff/suggest")).tags if tag == "li"]) == 8
    assert Reader(app, customer).get("/staff/suggest?q=st").status_code == 403
    assert Reader(app).get("/staff/suggest?q=st").status_code == 302


# --- through a list ---------------------------------------------------------------------------------------------------


def beside(page: Page) -> dict[str, int]:
    """The tickets before and after, by the links that lead there."""
    links = [attributes for tag, attributes in page.tags if tag == "a" and attributes.get("rel") in ("prev", "next")]
    return {str(one["rel"]): int(re.findall(r"tickets/(\d+)\?", str(one["href"]))[0]) for one in links}


@pytest.mark.parametrize("sort", ["due_at", "-due_at", "priority", "-priority", "created_at", "-updated_at"])
def test_a_list_is_read_ticket_by_ticket(desk: Reader, agent: Person, customer: Person, sort: str) -> None:
    for n in range(5):
        agent.sets(customer.reports(title=f"Problem {n}"), priority=["low", "normal"][n % 2])
    customer.reports(title="No Wi-Fi", category="it-wifi")
    page = desk.reads(f"/staff/?category=facilities&sort={sort}")
    order = listed(page)
    assert len(order) == 5
    path, seen = next(link for link in page.links if link.startswith(at(order[0]))), []
    for place, number in enumerate(order):
        page = desk.reads(path)
        assert page.says(f"{place + 1}"), number
        expected = {"prev": order[place - 1]} if place else {}
        expected |= {"next": order[place + 1]} if place < 4 else {}
        assert beside(page) == expected
        seen.append(int(re.findall(r"tickets/(\d+)\?", path)[0]))
        path = (
            next((link for link in page.links if link.startswith(f"{at(order[place + 1])}?")), "") if place < 4 else ""
        )
    assert seen == order


def test_a_ticket_says_where_it_stands_and_leads_back(desk: Reader, agent: Person, customer: Person) -> None:
    numbers = [customer.reports(title=f"Problem {n}") for n in range(3)]
    page = desk.reads(f"{at(numbers[1])}?list=")
    assert page.says("2 of 3")
    assert page.links.count("/staff/") >= 1
    view = saved(agent, "Newest", sort="-created_at")
    page = desk.reads(f"{at(numbers[2])}?list={quote(f'sort=-created_at&view={view}')}")
    assert page.says("1 of 3")
    assert page.says("Newest")
    assert f"/staff/?sort=-created_at&view={view}" in page.links
    plain = desk.reads(at(numbers[1]))
    assert (beside(plain), plain.says("2 of 3")) == ({}, False)
    for nonsense in ("nope=1", "x" * 5000, "%00", "status=open&status", "view=99999999999999999999"):
        assert desk.reads(f"{at(numbers[1])}?list={quote(nonsense)}").status == 200


def test_what_is_done_on_a_ticket_leads_back_into_the_list(desk: Reader, agent: Person, customer: Person) -> None:
    numbers = [customer.reports(title=f"Problem {n}") for n in range(3)]
    here = f"{at(numbers[1])}?list=sort%3Dcreated_at"
    page = desk.reads(here)
    for form, sent in (
        (page.form_to(here, button="Assign"), {}),
        (page.form_to(f"{at(numbers[1])}/comments?list=sort%3Dcreated_at"), {"text": "On my way."}),
        (page.form_to(here, button="Resolve"), {}),
    ):
        fresh = desk.reads(here).form_to(form.action, button=form.buttons[0].label.strip() if not sent else None)
        response = desk.sends(fresh, **sent)
        led = urlsplit(response.headers["Location"])
        assert (led.path, parse_qs(led.query)["list"]) == (at(numbers[1]), ["sort=created_at"])
    page = desk.reads(here)  # it is not in the list any more: those beside where it stood are
    assert beside(page) == {"prev": numbers[0], "next": numbers[2]}
    assert not page.says("of 3")


def test_the_way_through_a_list_takes_no_statement_more(desk: Reader, agent: Person, customer: Person) -> None:
    numbers = [customer.reports(title=f"Problem {n}") for n in range(3)]

    def takes(path: str) -> int:
        desk.reads(path)
        with statements() as seen:
            desk.reads(path)
        return len(seen)

    assert takes(f"{at(numbers[1])}?list={quote('category=facilities&sort=-priority')}") <= takes(at(numbers[1])) <= 10


def test_the_best_match_has_no_neighbours(desk: Reader, customer: Person) -> None:
    number = customer.reports()
    page = desk.reads("/staff/?q=ceiling&sort=best")
    link = next(link for link in page.links if link.startswith(at(number)))
    assert beside(desk.reads(link)) == {}
    assert "/staff/?q=ceiling&sort=best" in desk.reads(link).links
