"""The pages on which a desk is set up: teams, categories, buildings and tags, without a script."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from models import AuditEvent, Building, Category, Membership, Tag, Team, db
from tests.conftest import statements
from tests.factories import Person
from tests.pages import Form, Page, Reader
from tests.test_teams import joins, team
from tests.world import World, unique

TEAMS, CATEGORIES, BUILDINGS, TAGS = (f"/staff/admin/{kind}" for kind in ("teams", "categories", "buildings", "tags"))


@pytest.fixture
def boss(app: Flask, admin: Person) -> Reader:
    return Reader(app, admin)


def category(slug: str) -> int:
    return db.session.scalars(select(Category.id).where(Category.slug == slug)).one()


def form_with(page: Page, action: str, name: str) -> Form:
    """The form that leads there and has this field: of several members or buttons the first."""
    return next(form for form in page.forms if form.action == action and name in form.data())


def audited(prefix: str) -> list[str]:
    db.session.rollback()
    found = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id))
    return [row.action for row in found if row.action.startswith(prefix)]


# --- what all of them have in common ----------------------------------------------------------------------------------

ADDS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (TEAMS, {"name": "Night crew"}, {"name": ""}, "team"),
    (CATEGORIES, {"name": "Night crew"}, {"name": "", "slug": "x"}, "category"),
    (BUILDINGS, {"name": "Night crew"}, {"name": "", "slug": "x"}, "building"),
    (TAGS, {"name": "Night crew"}, {"name": " "}, "tag"),
]


@pytest.mark.parametrize(("path", "right", "wrong", "kind"), ADDS, ids=lambda value: str(value)[-12:])
def test_one_is_added_once_and_what_is_wrong_is_said_with_what_was_typed(
    boss: Reader, path: str, right: dict[str, Any], wrong: dict[str, Any], kind: str
) -> None:
    form = boss.reads(path).form_to(path)
    refused = boss.sends(form, **wrong)
    assert refused.status_code == 422
    assert Page(refused).says("There is a problem")
    form = boss.reads(path).form_to(path)
    page = boss.is_led(boss.sends(form, **right))
    assert page.says("Night crew")
    assert boss.is_led(boss.sends(form, **right)).says("Night crew")  # sent twice, done once
    assert audited(kind) == [f"{kind}.created"]
    again = boss.sends(boss.reads(path).form_to(path), **right)
    assert again.status_code == 409
    assert Page(again).form_to(path).data()["name"] == ["Night crew"]


@pytest.mark.parametrize(
    ("path", "model", "key"),
    [(TEAMS, Team, "team_id"), (CATEGORIES, Category, "c"), (BUILDINGS, Building, "b"), (TAGS, Tag, "t")],
    ids=["team", "category", "building", "tag"],
)
def test_a_colleagues_change_is_not_overwritten(boss: Reader, admin: Person, path: str, model: Any, key: str) -> None:
    kind = path.rpartition("/")[2]
    body = {"name": "Before"} if kind == "tags" else {"slug": "before", "name": "Before"}
    number = admin.post(f"/api/{kind}", body).json["id"]
    here = f"{path}/{number}"
    form = form_with(boss.reads(here), here, "name")
    assert admin.patch(f"/api/{kind}/{number}", {"name": "Theirs"}).status_code == 200
    stale = boss.sends(form, name="Mine")
    assert stale.status_code == 412
    page = Page(stale)
    assert form_with(page, here, "name").data()["name"] == ["Mine"]
    assert admin.get(f"/api/{kind}/{number}").json["name"] == "Theirs"
    boss.is_led(boss.sends(form_with(page, here, "name")))  # seen, and sent again
    assert admin.get(f"/api/{kind}/{number}").json["name"] == "Mine"
    deletes = boss.reads(here).form_to(here, button="Delete")
    boss.is_led(boss.sends(deletes))
    assert admin.get(f"/api/{kind}/{number}").status_code == 404


@pytest.mark.parametrize("path", [TEAMS, CATEGORIES, BUILDINGS])
def test_a_name_without_letters_gets_an_address_that_is_free(boss: Reader, admin: Person, path: str) -> None:
    for name in ("🔧", "图书馆"):
        boss.is_led(boss.sends(boss.reads(path).form_to(path), name=name))
    found = admin.get(f"/api/{path.rpartition('/')[2]}").json["items"]
    assert {one["name"]: one["slug"] for one in found if one["slug"].startswith("unnamed")} == {
        "🔧": "unnamed", "图书馆": "unnamed-2"
    }  # fmt: skip


@pytest.mark.parametrize("path", [TEAMS, CATEGORIES, BUILDINGS])
def test_an_address_that_is_taken_is_said_beside_its_field(boss: Reader, path: str) -> None:
    boss.is_led(boss.sends(boss.reads(path).form_to(path), name="Night crew"))
    taken = boss.sends(boss.reads(path).form_to(path), name="Others", slug="night-crew")
    page = Page(taken)
    assert taken.status_code == 409
    assert 'id="slug-e"' in page.html
    assert page.says("There is one that is called this in web addresses already")


@pytest.mark.parametrize("path", [TEAMS, CATEGORIES, BUILDINGS, TAGS])
def test_what_was_done_is_said_once_and_never_in_the_words_of_an_address(boss: Reader, path: str) -> None:
    def says(page: Page) -> list[str]:
        return re.findall(r'banner ok" role="status"[^>]*>.*?<div>([^<]*)</div>', page.html, re.DOTALL)

    page = boss.is_led(boss.sends(boss.reads(path).form_to(path), name="Night crew"))
    assert says(page) == ["Added"]
    here = next(
        link
        for link in boss.reads(path).links
        if re.fullmatch(rf"{path}/\d+", link) and "Night crew" in boss.reads(link).title
    )
    page = boss.is_led(boss.sends(form_with(boss.reads(here), here, "name"), name="Night shift"))
    assert says(page) == ["Saved"]
    assert says(boss.reads(here)) == says(boss.reads(f"{here}?done=Pay+here")) == []
    assert says(boss.is_led(boss.sends(boss.reads(here).form_to(here, button="Delete")))) == ["Deleted"]


def test_agents_read_teams_and_keep_tags_and_leave_the_rest_to_admins(app: Flask, agent: Person, admin: Person) -> None:
    reader = Reader(app, agent)
    here = f"{TEAMS}/{team()}"
    for path in (TEAMS, here):
        page = reader.reads(path)
        assert not any(form.action.startswith(TEAMS) for form in page.forms)
    assert reader.post(here, data={"name": "Mine"}).status_code == 403
    assert reader.post(f"{here}/members", data={"user_id": str(agent.id)}).status_code == 403
    for path in (CATEGORIES, BUILDINGS):
        assert reader.get(path).status_code == 403
    assert reader.get(TAGS).status_code == 200
    words = Reader(app, admin).reads("/staff/").words
    assert all(name in words for name in ("Teams", "Categories", "Buildings", "Tags", "Saved replies"))


@pytest.mark.parametrize("path", [TEAMS, CATEGORIES, BUILDINGS, TAGS])
def test_a_list_costs_as_many_statements_however_long_it_is(
    app: Flask, boss: Reader, admin: Person, customer: Person, path: str
) -> None:
    def count() -> int:
        boss.reads(path)
        with statements() as seen:
            boss.reads(path)
        return len(seen)

    kind = path.rpartition("/")[2]
    before = count()
    for _ in range(5):
        name = unique("one")
        admin.post(f"/api/{kind}", {"name": name} if kind == "tags" else {"slug": name, "name": name})
        if kind == "teams":
            joins(admin, Person.made(app, "agent"), slug=name)
        if kind == "buildings":
            customer.reports(building=name)
    assert count() == before <= 7, before


# --- teams ------------------------------------------------------------------------------------------------------------


def test_an_admin_puts_people_in_a_team_says_how_much_they_get_and_takes_them_out(
    app: Flask, boss: Reader, admin: Person, agent: Person
) -> None:
    here = f"{TEAMS}/{team()}"
    members = f"{here}/members"
    add = boss.reads(here).form_to(members, button="Add member")
    assert boss.sends(add).status_code == 422
    page = boss.is_led(boss.sends(add, user_id=str(agent.id), capacity="3"))
    assert page.says("Saved")
    assert page.says("Priya Nair") and page.says("0 unfinished tickets · at most 3")
    change = page.form_to(members, button="Save member")
    assert boss.sends(change, capacity="many").status_code == 422
    refused = Page(boss.sends(change, capacity="7", is_away="on", away_until="2020-01-01"))
    assert refused.status == 422
    kept = refused.form_to(members, button="Save member").data()
    assert (kept["capacity"], kept["is_away"], kept["away_until"]) == (["7"], ["on"], ["2020-01-01"])
    [until] = [found for tag, found in refused.tags if found.get("id") == f"until-{agent.id}"]
    assert (until["aria-invalid"], until["aria-describedby"]) == ("true", f"until-{agent.id}-e")
    assert f"#until-{agent.id}" in refused.links
    untyped = refused.form_to(members, button="Add member").data()
    assert untyped["capacity"] == [""]
    page = boss.is_led(boss.sends(change, capacity="", is_away="on", away_until="2099-02-03"))
    assert page.says("away until 3 Feb 2099")
    assert boss.reads(TEAMS).says("Priya Nair")
    # who is away can be chosen, and one sees it
    assert boss.reads("/staff/tickets/new").says("Priya Nair (away)")
    assert boss.is_led(boss.sends(page.form_to(members, button="Take out"))).says("Taken out of the team")
    assert db.session.scalar(select(Membership.user_id)) is None


def test_a_day_means_away_and_unticking_away_means_back(boss: Reader, admin: Person, agent: Person) -> None:
    joins(admin, agent)
    here = f"{TEAMS}/{team()}"
    change = boss.reads(here).form_to(f"{here}/members", button="Save member")
    page = boss.is_led(boss.sends(change, away_until="2099-02-03"))
    assert page.says("away until 3 Feb 2099")
    change = page.form_to(f"{here}/members", button="Save member")
    page = boss.is_led(boss.sends(change, away_until="2099-02-04"))
    assert page.says("away until 4 Feb 2099")
    change = page.form_to(f"{here}/members", button="Save member")
    assert not boss.is_led(boss.sends(change, is_away=None)).says("away until")


def test_a_team_that_gives_out_its_work_says_so_and_deleting_it_says_what_happens(
    boss: Reader, admin: Person, agent: Person, customer: Person
) -> None:
    joins(admin, agent)
    customer.reports()
    here = f"{TEAMS}/{team()}"
    page = boss.reads(here)
    assert page.says("New tickets wait until somebody takes them")
    assert page.says("1 member and 1 ticket will be in no team, and")
    page = boss.is_led(boss.sends(form_with(page, here, "name"), assigns="on"))
    assert page.says("New tickets go to the member who is there")
    assert boss.reads(TEAMS).says("Go to a member at once")
    boss.is_led(boss.sends(page.form_to(here, button="Delete team")))
    assert admin.get("/api/teams").json["items"][0]["slug"] != "facilities"


def test_what_else_goes_with_a_team_is_said_before_and_on_record(
    app: Flask, boss: Reader, admin: Person, agent: Person
) -> None:
    former = Person.made(app, "admin")
    everybodys, own = (
        who.post("/api/saved-replies", {"title": title, "text": "We come.", "team_id": team()}).json["id"]
        for title, who in (("For all", former), ("For her", admin))
    )
    assert admin.patch(f"/api/users/{former.id}", {"role": "customer"}).status_code == 200
    asked = {"user_id": agent.id, "every": "week", "team_id": team()}
    assert admin.post("/api/report-subscriptions", asked).status_code == 201
    view = {"name": "Ours", "filters": {"team": ["facilities"]}}
    assert agent.post("/api/views", view).status_code == 201
    here = f"{TEAMS}/{team()}"
    page = boss.reads(here)
    assert page.says("1 saved reply goes back to who shared it, for them alone.")
    assert page.says("1 saved reply will be shared with everybody.")
    assert page.says("1 person no longer gets its figures by mail.")
    assert page.says("1 saved view is filtered by it, and finds nothing then. It cannot be undone.")
    boss.is_led(boss.sends(page.form_to(here, button="Delete team")))
    found = {one["id"]: (one["owner"], one["team"]) for one in admin.get("/api/saved-replies").json["items"]}
    assert found[everybodys] == (None, None)
    assert found[own][0]["id"] == admin.id and found[own][1] is None
    assert [one["title"] for one in agent.get("/api/saved-replies").json["items"]] == ["For all"]
    assert audited("saved_reply.changed") == ["saved_reply.changed"] * 2
    assert audited("report_subscription.deleted") == ["report_subscription.deleted"]
    assert agent.get("/api/report-subscriptions").json["items"] == []


@pytest.mark.parametrize("kind", ["teams", "categories"])
def test_what_a_service_level_names_is_not_offered_to_be_deleted(boss: Reader, admin: Person, kind: str) -> None:
    number = team() if kind == "teams" else category("it-printing")
    here = f"/staff/admin/{kind}/{number}"
    field = "team_ids" if kind == "teams" else "category_ids"
    level = {"name": "Named", "response_seconds": 3600, "resolution_seconds": 7200, field: [number]}
    made = admin.post("/api/sla-policies", level)
    assert made.status_code == 201, made.json
    page = boss.reads(here)
    assert page.says("It cannot be deleted: The service level “Named” is for it: change that first.")
    assert not any(button.value == "delete" for form in page.forms for button in form.buttons)
    assert admin.delete(made.headers["Location"]).status_code == 204
    boss.is_led(boss.sends(boss.reads(here).form_to(here, button="Delete")))


def test_agents_say_in_the_sidebar_that_they_are_away_and_back(app: Flask, agent: Person, admin: Person) -> None:
    reader = Reader(app, agent)
    assert not [form for form in reader.reads("/staff/").forms if form.action == "/staff/away"]
    joins(admin, agent)
    page = reader.is_led(reader.sends(reader.reads("/staff/tasks").form_to("/staff/away", button="Say you are away")))
    assert page.says("Tasks") and page.says("You are away")
    assert admin.get(f"/api/users/{agent.id}").json["is_away"]
    page = reader.is_led(reader.sends(page.form_to("/staff/away", button="say you are back")))
    assert not admin.get(f"/api/users/{agent.id}").json["is_away"]
    # from the page of one's own team, until a day
    here = f"{TEAMS}/{team()}"
    form = form_with(reader.reads(here), "/staff/away", "away_until")
    refused = Page(reader.sends(form, away_until="2020-01-01", do="away"))
    assert refused.status == 422
    assert form_with(refused, "/staff/away", "away_until").data()["away_until"] == ["2020-01-01"]
    assert 'id="until-e"' in refused.html and "#until" in refused.links
    assert reader.sends(form, away_until="soon", do="away").status_code == 422
    assert reader.is_led(reader.sends(form, away_until="2099-02-03", do="away")).says("away until 3 Feb 2099")
    elsewhere = reader.sends(form, do="back", back="https://evil.test/")
    assert elsewhere.headers["Location"] == "/staff/"
    admin.delete(f"/api/teams/{team()}/members/{agent.id}")
    assert reader.sends(form, do="away").status_code == 409


# --- categories -------------------------------------------------------------------------------------------------------


def test_categories_stand_on_two_levels_with_what_is_in_them(boss: Reader, customer: Person) -> None:
    customer.reports(category="it-wifi")
    page = boss.reads(CATEGORIES)
    assert page.words.index("IT") < page.words.index("Wi-Fi")
    counted = dict(re.findall(r'\?category=([\w-]+)&[^"]+">(\d+)<', page.html))
    assert (counted["it"], counted["it-wifi"], counted["it-printing"]) == ("1", "1", "0")  # with its children
    assert any(link.startswith("/staff/?category=it-wifi&") for link in page.links)
    assert page.says("Too few to say")


def test_what_takes_sight_of_tickets_from_people_is_asked_about_first(
    boss: Reader, admin: Person, customer: Person, other: Person
) -> None:
    number = customer.reports(category="it-wifi")
    other.joins(number)
    here = f"{CATEGORIES}/{category('it-wifi')}"
    form = form_with(boss.reads(here), here, "name")
    asked = boss.sends(form, is_joinable=None, is_confidential="on", name="Wireless")
    assert asked.status_code == 200
    page = Page(asked)
    assert page.says("Nothing is saved yet")
    assert page.says("1 person who joined a ticket here will no longer see it, for good.")
    assert page.says("1 ticket that is here stays as it is: only new ones are confidential.")
    assert other.get(f"/api/tickets/{number}").status_code == 200
    boss.is_led(boss.sends(page.form_to(here, button="Save it like this")))
    assert other.get(f"/api/tickets/{number}").status_code == 404
    shown = admin.get(f"/api/categories/{category('it-wifi')}").json
    assert (shown["name"], shown["is_joinable"], shown["is_confidential"]) == ("Wireless", False, True)
    # what changes nothing for anybody is saved at once
    boss.is_led(boss.sends(form_with(boss.reads(here), here, "name"), is_archived="on"))
    assert not boss.reads(CATEGORIES).says("Wireless")
    assert boss.reads(f"{CATEGORIES}?archived=1").says("Wireless")


def test_a_category_that_was_used_is_archived_not_deleted(boss: Reader, customer: Person) -> None:
    customer.reports(category="it-wifi")
    here = f"{CATEGORIES}/{category('it-wifi')}"
    page = boss.reads(here)
    assert page.says("It has been used: it can be archived, not deleted.")
    form = form_with(page, here, "name")
    assert boss.sends(form, do="delete").status_code == 409
    unused = f"{CATEGORIES}/{category('it-printing')}"
    boss.is_led(boss.sends(boss.reads(unused).form_to(unused, button="Delete category")))


# --- buildings and tags -----------------------------------------------------------------------------------------------


def test_a_building_that_was_used_is_archived_not_deleted(boss: Reader, admin: Person, customer: Person) -> None:
    number = admin.post("/api/buildings", {"slug": "maple", "name": "Maple Hall"}).json["id"]
    customer.reports(building="maple", room="214")
    here = f"{BUILDINGS}/{number}"
    form = form_with(boss.reads(here), here, "name")
    assert boss.sends(form, do="delete").status_code == 409
    boss.is_led(boss.sends(form, is_archived="on"))
    assert not boss.reads(BUILDINGS).says("Maple Hall")
    assert boss.reads(f"{BUILDINGS}?archived=1").says("Maple Hall")


def test_how_many_tickets_there_are_leads_to_so_many(app: Flask, admin: Person, customer: Person) -> None:
    """What is over is among them; what is not confirmed counts nowhere."""
    admin.post("/api/tags", {"name": "hvac"})
    assert admin.post("/api/buildings", {"name": "Maple Hall", "slug": "maple-hall"}).status_code == 201
    for _ in range(3):
        admin.sets(customer.reports(category="it-wifi", building="maple-hall"), tags=["hvac"])
    over = customer.reports(category="it", building="maple-hall")
    for status in ("resolved", "closed"):
        admin.sets(over, status=status)
    World(app).guest_report(category="it", building="maple-hall")
    boss = Reader(app, admin)
    for path, query, number in (
        (BUILDINGS, "building=maple-hall", 4), ("/staff/admin/categories", "category=it", 4), (TAGS, "tag=hvac", 3),
    ):  # fmt: skip
        (link,) = (link for link in boss.reads(path).links if f"?{query}&" in link)
        assert f">{number}</a>" in unescape(boss.reads(path).html).partition(link)[2].partition("</td>")[0]
        found = admin.get(f"/api/tickets/counts?{link.partition('?')[2]}").json["total"]["count"]
        assert found == number, path


def test_a_tag_is_renamed_and_merged_on_every_ticket(app: Flask, agent: Person, customer: Person) -> None:
    reader, number = Reader(app, agent), customer.reports()
    one, two = (agent.post("/api/tags", {"name": name}).json["id"] for name in ("hvac", "air"))
    agent.sets(number, tags=["hvac"])
    here = f"{TAGS}/{one}"
    page = reader.reads(here)
    assert page.says("1 ticket")
    page = reader.is_led(reader.sends(form_with(page, here, "name"), name="climate & air"))
    assert any(
        link.startswith(("/staff/?tag=climate%20%26%20air&", "/staff/?tag=climate+%26+air&")) for link in page.links
    )
    assert agent.sees(number)["tags"] == ["climate & air"]
    taken = reader.sends(form_with(reader.reads(here), here, "name"), name="air")
    assert taken.status_code == 409
    merge = reader.reads(here).form_to(here, button="Merge")
    assert reader.sends(merge).status_code == 422
    reader.is_led(reader.sends(merge, into_id=str(two)))
    assert agent.sees(number)["tags"] == ["air"]
    assert [tag["name"] for tag in agent.get("/api/tags").json["items"]] == ["air"]
    assert audited("tag") == ["tag.created", "tag.created", "tag.changed", "tag.merged"]
