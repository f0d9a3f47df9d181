"""Saved views: lists of tickets under a name."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from helpdesk import views
from models import Building, SavedView, begin_write, db
from tests.factories import Person
from tests.pages import Reader

PATH = "/api/views"


def saved(person: Person, name: str = "Leaks", **fields: Any) -> int:
    response = person.post(PATH, {"name": name, **fields})
    assert response.status_code == 201, response.json
    assert response.headers["Location"] == f"{PATH}/{response.json['id']}"
    return int(response.json["id"])


def names(person: Person) -> list[str]:
    return [view["name"] for view in person.get(PATH).json["items"]]


def test_a_view_keeps_filters_order_and_columns(agent: Person) -> None:
    wish = {
        "filters": {"category": ["it"], "status": ["open"], "held": False, "created_after": "2026-01-01T00:00:00Z"},
        "sort": "-created_at",
        "columns": ["status", "tags"],
    }
    number = saved(agent, "Wi-Fi", **wish)
    shown = agent.get(f"{PATH}/{number}").json
    assert {name: shown[name] for name in ("sort", "columns")} == {"sort": "-created_at", "columns": ["status", "tags"]}
    assert shown["filters"] == {**wish["filters"], "created_after": "2026-01-01T00:00:00+00:00"}
    assert (shown["owner"], shown["is_shared"], shown["version"]) == ({"id": agent.id, "name": agent.name}, False, 1)
    plain = agent.get(f"{PATH}/{saved(agent, 'Plain')}").json
    assert (plain["filters"], plain["sort"], plain["columns"]) == ({}, "due_at", [])


def test_others_see_what_is_shared_and_only_its_owner_and_admins_change_it(
    agent: Person, admin: Person, customer: Person, app: Any
) -> None:
    colleague = Person.made(app, "agent")
    own, shared = saved(agent, "Own"), saved(agent, "Shared", is_shared=True)
    assert (names(agent), names(colleague), names(admin)) == (["Own", "Shared"], ["Shared"], ["Shared"])
    for method, body in (("GET", None), ("PATCH", {"sort": "priority"}), ("DELETE", None)):
        assert colleague.open(method, f"{PATH}/{own}", json=body).status_code == 404
        assert customer.open(method, f"{PATH}/{own}", json=body).status_code == 403
    for method, body in (("PATCH", {"sort": "priority"}), ("DELETE", None)):
        assert colleague.open(method, f"{PATH}/{shared}", json=body).status_code == 403
        assert admin.open(method, f"{PATH}/{own}", json=body).status_code == 404
    assert admin.patch(f"{PATH}/{shared}", {"sort": "priority"}).json["sort"] == "priority"
    assert agent.patch(f"{PATH}/{own}", {"is_shared": True, "name": "Everybody's"}).json["version"] == 2
    assert names(colleague) == ["Everybody's", "Shared"]
    assert admin.delete(f"{PATH}/{shared}").status_code == 204
    assert agent.delete(f"{PATH}/{own}").status_code == 204
    assert (names(agent), names(colleague)) == ([], [])


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"filters": {"nonsense": 1}}, "filters"),
        ({"filters": {"status": ["nope"]}}, "filters"),
        ({"filters": {"status": "open"}}, "filters"),
        ({"filters": {"held": "true"}}, "filters"),
        ({"filters": {"assignee": "Priya"}}, "filters"),
        ({"filters": []}, "filters"),
        ({"sort": "title"}, "sort"),
        ({"columns": ["nope"]}, "columns"),
        ({"name": ""}, "name"),
        ({"owner_id": 1}, "owner_id"),
    ],
)
def test_a_view_of_what_no_list_can_show_is_refused(agent: Person, wish: dict[str, Any], field: str) -> None:
    number = saved(agent, "Good")
    for response in (agent.post(PATH, {"name": "Bad", **wish}), agent.patch(f"{PATH}/{number}", wish)):
        assert (response.status_code, list(response.json["errors"])) == (422, [field])
    assert names(agent) == ["Good"]


def test_a_name_is_given_once_by_each(agent: Person, admin: Person) -> None:
    number, other = saved(agent, "Leaks"), saved(agent, "Other")
    saved(admin, "Leaks", is_shared=True)
    taken = agent.post(PATH, {"name": "Leaks"})
    assert (taken.status_code, list(taken.json["errors"])) == (409, ["name"])
    assert agent.patch(f"{PATH}/{other}", {"name": "Leaks"}).status_code == 409
    assert agent.patch(f"{PATH}/{number}", {"name": "Leaks"}).json["version"] == 1


def test_a_stale_view_is_refused_with_what_it_is_now(agent: Person) -> None:
    path = f"{PATH}/{saved(agent)}"
    etag = agent.get(path).headers["ETag"]
    agent.patch(path, {"name": "Floods"})
    stale = agent.patch(path, {"name": "Lost"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json["current"]["name"]) == (412, "Floods")
    assert agent.delete(path, headers={"If-Match": stale.headers["ETag"]}).status_code == 204


def test_nobody_keeps_views_without_end(agent: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST", 2)
    saved(agent, "One"), saved(agent, "Two")
    assert agent.post(PATH, {"name": "Three"}).status_code == 409


def test_views_are_listed_page_by_page(agent: Person) -> None:
    for name in ("C", "A", "B"):
        saved(agent, name)
    first = agent.get(f"{PATH}?limit=2").json
    second = agent.get(f"{PATH}?limit=2&cursor={first['next_cursor']}").json
    assert [view["name"] for view in first["items"] + second["items"]] == ["A", "B", "C"]


def test_views_go_with_whoever_saved_them(agent: Person, admin: Person) -> None:
    begin_write()
    db.session.add(Building(slug="maple", name="Maple Hall"))
    db.session.commit()
    saved(agent, "Mine"), saved(agent, "Ours", is_shared=True), saved(admin, "Admin's")
    assert admin.delete(f"/api/users/{agent.id}").status_code == 204
    db.session.rollback()
    assert [view.name for view in db.session.query(SavedView)] == ["Admin's"]


def test_a_view_of_a_search_counts_what_it_shows(app: Flask, agent: Person, customer: Person) -> None:
    desk = Reader(app, agent)
    numbers = [customer.reports(title=f"Water {n}") for n in range(3)]
    customer.reports(title="A lamp")
    view = agent.post("/api/views", {"name": "Leaks", "filters": {"q": "water"}}).json["id"]
    page = desk.reads(f"/staff/?q=water&view={view}")
    assert re.search(rf'data-count="view_{view}"[^>]*>\s*3\b', page.html)
    assert page.says("3 tickets")
    beside = desk.reads(f"/staff/tickets/{numbers[1]}?list=q%3Dwater%26sort%3Dcreated_at")
    led = {attributes["rel"]: attributes["href"] for tag, attributes in beside.tags if "rel" in attributes}
    assert f"/staff/tickets/{numbers[0]}?" in (led["prev"] or "") and f"/staff/tickets/{numbers[2]}?" in (
        led["next"] or ""
    )
