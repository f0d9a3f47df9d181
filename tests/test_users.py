"""People: one's own account, looking others up, inviting, changing and erasing them."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from helpdesk import users
from models import LONG_AGO, Job, Membership, OneTimeToken, Role, Session, TicketReport, User, db
from tests.conftest import statements
from tests.doors import Browser, at, change, login, recorded, row_of, same, with_token
from tests.factories import PASSWORD, Person, link_in, mails, make_user, work

ME = "/api/users/me"
ME_SHOWN = {
    "id",
    "username",
    "name",
    "email",
    "role",
    "team",
    "is_active",
    "created_at",
    "updated_at",
    "last_seen_at",
    "bounced_at",
}
SHOWN = ME_SHOWN | {"is_away", "state", "version"}


def found(person: Person, query: str = "") -> list[str]:
    """The names in a list of people."""
    response = person.get(f"/api/users?{query}")
    assert response.status_code == 200, response.get_data(as_text=True)
    return [user["name"] for user in response.json["items"]]


def invitation(**fields: Any) -> dict[str, Any]:
    return {"email": "sam@campus.test", "name": "Sam Okafor", "role": "agent", **fields}


def team(admin: Person, slug: str = "night-crew") -> int:
    response = admin.post("/api/teams", {"slug": slug, "name": slug.title()})
    assert response.status_code == 201, response.get_data(as_text=True)
    return int(response.json["id"])


def people() -> int:
    db.session.remove()
    return db.session.scalar(select(func.count()).select_from(User)) or 0


# --- one's own account ------------------------------------------------------------------------------------------------


def test_people_see_and_change_their_own_account(customer: Person, other: Person, anonymous: Person) -> None:
    assert anonymous.get(ME).status_code == 401
    shown = customer.get(ME).json
    assert set(shown) == ME_SHOWN | {"locale", "time_zone", "theme", "has_shortcuts", "notifications"}
    assert (shown["id"], shown["email"], shown["theme"], shown["role"]) == (
        customer.id,
        customer.email,
        "system",
        "customer",
    )
    wish = {"name": " Jonas W. ", "theme": "dark", "locale": "en", "time_zone": "Europe/Berlin"}
    for method in ("PATCH", "PUT"):
        response = customer.open(method, ME, json=wish)
        assert response.status_code == 200
        assert {name: response.json[name] for name in wish} == {**wish, "name": "Jonas W."}
    assert customer.get(ME).json["name"] == "Jonas W."
    assert other.get(ME).json["name"] == "Helen Marsh"
    assert customer.patch(ME, {"time_zone": None}).json["time_zone"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": "x" * 101}, {"name": "a\r\nBcc: evil@evil.test"}, {"name": 5}, {"name": None},
        {"name": "a\x00b"}, {"name": "a\u202eb"}, {"name": " \u200b\u3164"}, {"theme": "pink"}, {"locale": "xx"}, {"time_zone": "Mars/Base"},
        {"time_zone": "../etc/passwd"}, {"notifications": {"reply": "maybe"}}, {"notifications": {"gossip": "on"}},
        {"notifications": "off"}, {"role": "admin"}, {"is_active": True}, {"username": "root"}, {"id": 1},
        {"password_hash": "x"}, {"nonsense": 1},
        {"email": "a@b"}, {"email": "a@campus.test, evil@evil.test"}, {"email": "a@campus.test\r\nBcc: evil@evil.test"},
    ],
)  # fmt: skip
def test_only_listed_fields_of_ones_account_change_and_only_to_what_they_may_be(
    customer: Person, wrong: dict[str, Any]
) -> None:
    """P-039, P-070."""
    before = row_of(customer)
    response = customer.patch(ME, {"name": "Somebody else", "current_password": PASSWORD, **wrong})
    assert response.status_code == 422
    assert list(response.json["errors"]) == list(wrong)
    assert row_of(customer) == before
    assert mails() == []
    assert customer.patch(ME, {"name": "Somebody else", "current_password": PASSWORD}).status_code == 200


def test_preferences_are_kept_one_by_one(customer: Person) -> None:
    assert customer.patch(ME, {"notifications": {"reply": "off"}}).json["notifications"] == {"reply": "off"}
    response = customer.patch(ME, {"notifications": {"resolved": "off"}})
    assert response.json["notifications"] == {"reply": "off", "resolved": "off"}
    assert customer.patch(ME, {"notifications": {"reply": "on"}}).json["notifications"]["reply"] == "on"


def test_a_new_address_counts_once_it_is_proven_and_the_old_one_is_told(app: Flask, customer: Person) -> None:
    """TRUST 16."""
    old, wish = customer.email, {"email": "jonas@elsewhere.test", "current_password": PASSWORD}
    without = customer.patch(ME, {"email": wish["email"]})
    assert (without.status_code, list(without.json["errors"])) == (422, ["current_password"])
    assert customer.patch(ME, {**wish, "current_password": "a guess"}).status_code == 403
    assert mails() == []
    assert customer.patch(ME, wish).json["email"] == old, "not yet"
    assert login(customer, wish["email"]).status_code == 401
    [sent] = mails()
    assert sent["to"].endswith("<jonas@elsewhere.test>")
    token = link_in(sent)
    assert Person(app).post("/api/auth/address", {"token": token}).status_code == 204
    assert customer.get(ME).json["email"] == wish["email"]
    assert login(customer, wish["email"]).status_code == 200
    assert login(customer, old).status_code == 401
    [notice] = mails(old)
    assert "token=" not in notice["text"]
    assert Person(app).post("/api/auth/address", {"token": token}).status_code == 400, "once"
    assert [event.target for event in recorded("address.changed")] == [f"user:{customer.id}"]


def test_ones_own_address_again_changes_nothing(customer: Person) -> None:
    assert customer.patch(ME, {"email": f" {customer.email.upper()} "}).status_code == 200
    assert customer.patch(ME, {"email": customer.email}).json["email"] == customer.email
    assert mails() == []


def test_an_address_that_somebody_has_is_not_given_away(
    app: Flask, customer: Person, other: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking tells nothing; only who reads that mailbox learns that it belongs to an account."""
    wish = {"current_password": PASSWORD}
    taken = customer.patch(ME, {**wish, "email": other.email})
    token = link_in(mails(other.email)[0])
    free = customer.patch(ME, {**wish, "email": "free@campus.test"})
    assert taken.status_code == free.status_code == 200
    assert taken.json == {**free.json, "updated_at": taken.json["updated_at"]}
    superseded = Person(app).post("/api/auth/address", {"token": token})
    assert superseded.status_code == 400
    customer.patch(ME, {**wish, "email": other.email})
    token = link_in(mails(other.email)[0])
    refused = Person(app).post("/api/auth/address", {"token": token})
    assert (refused.status_code, list(refused.json["errors"])) == (409, ["email"])
    with monkeypatch.context() as patch:  # both looked before either wrote
        scalar = db.session.scalar
        looked = lambda wanted: None if "email_normalized" in str(wanted.whereclause) else scalar(wanted)  # noqa: E731
        patch.setattr(db.session, "scalar", looked)
        raced = Person(app).post("/api/auth/address", {"token": token})
    assert (raced.status_code, list(raced.json["errors"])) == (409, ["email"])
    assert row_of(customer).email == customer.email
    change(other, email="moved@campus.test", email_normalized="moved@campus.test")
    assert Person(app).post("/api/auth/address", {"token": token}).status_code == 204


def test_a_new_address_ends_the_reset_links_in_the_old_mailbox(app: Flask, customer: Person) -> None:
    Person(app).post("/api/auth/password/forgot", {"email": customer.email})
    reset = {"token": link_in(mails(customer.email)[0]), "password": "what a thief would set"}
    customer.patch(ME, {"email": "jonas@elsewhere.test", "current_password": PASSWORD})
    token = link_in(mails("jonas@elsewhere.test")[0])
    assert Person(app).post("/api/auth/address", {"token": token}).status_code == 204
    assert Person(app).post("/api/auth/password/reset", reset).status_code == 400
    Person(app).post("/api/auth/password/forgot", {"email": "jonas@elsewhere.test"})
    reset["token"] = link_in(mails("jonas@elsewhere.test")[0])
    assert Person(app).post("/api/auth/password/reset", reset).status_code == 204


def test_an_address_is_not_proven_for_the_deactivated(app: Flask, customer: Person) -> None:
    customer.patch(ME, {"email": "jonas@elsewhere.test", "current_password": PASSWORD})
    token = {"token": link_in(mails("jonas@elsewhere.test")[0])}
    change(customer, is_active=False)
    assert Person(app).post("/api/auth/address", token).status_code == 400
    change(customer, is_active=True)
    assert Person(app).post("/api/auth/address", token).status_code == 204


def test_only_listed_domains_are_moved_to(app: Flask, customer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "REGISTRATION_DOMAINS", ["campus.test"])
    wish = {"email": "jonas@elsewhere.test", "current_password": PASSWORD}
    assert customer.patch(ME, wish).status_code == 422
    assert customer.patch(ME, {**wish, "email": "j.weber@campus.test"}).status_code == 200


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_people_see_where_they_are_logged_in_and_end_it(app: Flask, customer: Person, other: Person) -> None:
    phone, laptop = Browser(app, customer), Browser(app)
    laptop.post(
        "/api/auth/login",
        {"identifier": customer.username, "password": PASSWORD},
        **at("10.9.8.7"),
        headers={"User-Agent": "Laptop"},
    )
    items = laptop.get(f"{ME}/sessions").json["items"]
    assert (items[0]["peer"], items[0]["agent"]) == ("10.9.8.7", "Laptop")
    assert [item["is_current"] for item in items] == [True, False, False], "newest first; the others are elsewhere"
    assert set(items[0]) == {"id", "peer", "agent", "is_current", "created_at", "last_used_at", "expires_at"}
    page = laptop.get(f"{ME}/sessions?limit=2")
    assert [item["id"] for item in page.json["items"]] == [item["id"] for item in items[:2]]
    rest = laptop.get(page.headers["Link"].partition("<")[2].partition(">")[0])
    assert [item["id"] for item in rest.json["items"]] == [items[2]["id"]]
    on_phone = f"{ME}/sessions/{items[1]['id']}"
    assert other.delete(on_phone).status_code == 404
    assert phone.get(ME).status_code == 200
    assert laptop.delete(on_phone).status_code == 204
    assert phone.get(ME).status_code == 401
    assert same(laptop.delete(on_phone), laptop.delete(f"{ME}/sessions/999999"))
    assert customer.get(ME).status_code == 200
    assert laptop.delete(f"{ME}/sessions").status_code == 204
    assert customer.get(ME).status_code == 401
    assert laptop.get(ME).status_code == other.get(ME).status_code == 200


# --- looking people up ------------------------------------------------------------------------------------------------


def test_customers_look_nobody_up(customer: Person, other: Person, agent: Person, anonymous: Person) -> None:
    """P-029."""
    for path in ("/api/users", f"/api/users/{other.id}", f"/api/users/{customer.id}", "/api/users/999999"):
        assert customer.get(path).status_code == 403
        assert anonymous.get(path).status_code == 401
    assert agent.get("/api/users").status_code == agent.get(f"/api/users/{other.id}").status_code == 200


def test_agents_see_what_they_need_of_people_and_admins_all(agent: Person, admin: Person, customer: Person) -> None:
    colleague = Person.made(agent.app, "agent", name="Colleague")
    assert admin.patch(f"/api/users/{colleague.id}", {"team_id": team(admin)}).status_code == 200
    for person in (customer, colleague):
        shown, full = (who.get(f"/api/users/{person.id}").json for who in (agent, admin))
        assert set(shown) == set(full) == SHOWN
        assert {name for name in SHOWN if full[name] is None} <= {"team", "bounced_at"}
        hidden = {"username", "created_at", "updated_at", "last_seen_at", "state", "version"} | (
            set() if person is customer else {"email"}
        )
        assert {name for name in SHOWN if shown[name] is None} - {"team", "bounced_at"} == hidden
        assert {name: shown[name] for name in ("id", "name", "role", "team")} == {
            name: full[name] for name in ("id", "name", "role", "team")
        }
    assert full["team"]["slug"] == "night-crew"
    listed = {user["name"]: user for user in agent.get("/api/users").json["items"]}
    assert listed["Colleague"]["email"] is None
    assert listed["Jonas Weber"]["email"] == customer.email


def test_agents_do_not_see_the_deactivated_and_nobody_the_erased(
    agent: Person, admin: Person, customer: Person
) -> None:
    path = f"/api/users/{customer.id}"
    assert agent.get(path).status_code == 200
    assert admin.patch(path, {"is_active": False}).status_code == 200
    assert same(agent.get(path), agent.get("/api/users/999999"))
    assert admin.get(path).json["is_active"] is False
    assert found(agent, "is_active=false") == []
    assert found(admin, "is_active=false") == ["Jonas Weber"]
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404
    assert "Jonas Weber" not in found(admin)
    assert "Deleted user" not in found(admin)


def test_people_are_found_by_the_beginning_of_a_word_or_of_an_address(admin: Person, agent: Person) -> None:
    for name in ("Mara Lindqvist", "Tomás Lindgren", "Ana Maria Silva", "100% Proof", "under_score", "back\\slash"):
        make_user("customer", name=name, username=name.split()[0].lower().strip("%\\").replace("á", "a") + "x")
    make_user("agent", name="Zoe Quick", username="quickest")
    for who in (admin, agent):
        assert found(who, "q=lind") == ["Mara Lindqvist", "Tomás Lindgren"]
        assert found(who, "q=MARIA") == ["Ana Maria Silva"]
        assert found(who, "q=qvist") == [], "not from the middle of a word"
        assert found(who, "q=marax@campus") == ["Mara Lindqvist"]
        assert found(who, "q=100%25") == ["100% Proof"]
        assert found(who, "q=%25") == found(who, "q=_") == []
        assert found(who, "q=under_") == ["under_score"]
        assert found(who, "q=back%5C") == ["back\\slash"]
    assert found(admin, "q=quickest@") == ["Zoe Quick"]
    assert found(agent, "q=quickest@") == [], "a colleague's address is not to be guessed by its beginning"


def test_lists_of_people_filter_sort_and_page(admin: Person, agent: Person, customer: Person, other: Person) -> None:
    assert admin.patch(f"/api/users/{agent.id}", {"team_id": team(admin)}).status_code == 200
    assert found(admin) == ["Ada Byron", "Helen Marsh", "Jonas Weber", "Priya Nair"]
    assert found(admin, "sort=-name") == ["Priya Nair", "Jonas Weber", "Helen Marsh", "Ada Byron"]
    assert found(admin, "role=agent&role=admin") == ["Ada Byron", "Priya Nair"]
    assert found(admin, "team=night-crew") == ["Priya Nair"]
    assert found(admin, "team=night-crew&role=admin") == []
    ids = [user["id"] for user in admin.get("/api/users?sort=id").json["items"]]
    assert ids == sorted(ids)
    for sort in ("name", "-name", "id", "-id"):
        seen, path = [], f"/api/users?limit=1&sort={sort}"
        while path:
            page = admin.get(path)
            seen += [user["name"] for user in page.json["items"]]
            path = page.headers.get("Link", "").partition("<")[2].partition(">")[0]
        assert seen == found(admin, f"sort={sort}")


def test_a_list_of_people_takes_one_statement(admin: Person) -> None:
    with statements() as seen:
        assert admin.get("/api/users?q=a&role=customer&sort=-name").status_code == 200
    assert len(seen) == 2, seen


@pytest.mark.parametrize(
    "query",
    ["role=root", "sort=password_hash", "sort=name;DROP TABLE users", "sort=name,id", "limit=0", "limit=101",
     "limit=-1", "limit=abc", "limit=1e9", "limit=9223372036854775808", "cursor=x", "cursor=AAAA", "is_active=1", "q=",
     "nonsense=1", "name=x", "sort=id&sort=name", "order=asc", "q=" + "x" * 101, "password_hash=x"],
)  # fmt: skip
def test_what_a_list_does_not_know_is_refused(admin: Person, query: str) -> None:
    """P-054, P-055."""
    response = admin.get(f"/api/users?{query}")
    assert response.status_code == 422
    assert list(response.json["errors"]) == [query.partition("=")[0]]
    assert admin.get("/api/users?sort=id&limit=100&q=a&is_active=true").status_code == 200


def test_a_cursor_is_ours_and_belongs_to_its_list(admin: Person, customer: Person, other: Person) -> None:
    """P-083."""
    cursor = admin.get("/api/users?limit=1&sort=name").json["next_cursor"]
    assert admin.get(f"/api/users?limit=1&sort=name&cursor={cursor}").status_code == 200
    changed = ("A" if cursor[-2] != "A" else "B").join((cursor[:-2], cursor[-1]))
    for path in (
        f"/api/users?sort=-name&cursor={cursor}",
        f"/api/users/me/sessions?cursor={cursor}",
        f"/api/users?sort=name&cursor={changed}",
        f"/api/users?sort=name&cursor={cursor[:-4]}",
        "/api/users?sort=name&cursor=%C3%A9",
    ):
        assert admin.get(path).status_code == 422


# --- inviting ---------------------------------------------------------------------------------------------------------


def test_only_admins_invite(app: Flask, customer: Person, agent: Person, admin: Person, anonymous: Person) -> None:
    """P-041."""
    for person, status in ((anonymous, 401), (customer, 403), (agent, 403)):
        assert person.post("/api/users", invitation(role="admin")).status_code == status
    assert people() == 3
    assert mails() == []
    crew = team(admin)
    response = admin.post("/api/users", invitation(team_id=crew))
    assert response.status_code == 201
    shown = response.json
    assert response.headers["Location"] == f"/api/users/{shown['id']}"
    assert (shown["username"], shown["role"], shown["team"]["id"], shown["is_active"]) == ("sam", "agent", crew, True)
    confirmed = Person(app).post(
        "/api/auth/confirm", {"token": link_in(mails("sam@campus.test")[0]), "password": PASSWORD}
    )
    assert confirmed.status_code == 200
    assert with_token(app, confirmed.json["access_token"]).get("/api/tasks").status_code == 200
    [event] = recorded("user.invited")
    assert (event.actor_id, event.target, event.detail) == (
        admin.id,
        f"user:{shown['id']}",
        {"role": "agent", "team": shown["team"]["name"]},
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "nobody"}, {"email": "a@b.test, c@d.test"}, {"email": "x\r\nBcc: evil@evil.test"},
        {"email": "<a@b.test>"}, {"name": ""}, {"name": "a\nBcc: x"}, {"role": "root"}, {"role": None},
        {"username": "ä"}, {"username": "a b"}, {"username": "-a"}, {"username": "x"}, {"username": "x" * 33},
        {"team_id": 999999}, {"team_id": "1"}, {"id": 7}, {"password": "x"}, {"is_active": True}, {"created_at": None},
        {"email_verified_at": None},
    ],
)  # fmt: skip
def test_an_invitation_says_what_it_must_and_no_more(admin: Person, wrong: dict[str, Any]) -> None:
    """P-039, P-070."""
    response = admin.post("/api/users", invitation(**wrong))
    assert response.status_code == 422
    assert list(response.json["errors"]) == list(wrong)
    assert people() == 1
    assert mails() == []
    for name in ("email", "name", "role"):
        without = {key: value for key, value in invitation().items() if key != name}
        assert admin.post("/api/users", without).status_code == 422
    assert admin.post("/api/users", invitation()).status_code == 201


def test_an_invitation_repeated_with_its_key_invites_once(admin: Person) -> None:
    """P-079."""
    key = {"Idempotency-Key": "an-invitation"}
    first, again = (admin.post("/api/users", invitation(), headers=key) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.get_data() == again.get_data()
    assert first.headers["Location"] == again.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert people() == 2
    assert len(mails("sam@campus.test")) == 1
    other = admin.post("/api/users", invitation(email="eve@campus.test"), headers=key)
    assert (other.status_code, list(other.json["errors"])) == (422, ["Idempotency-Key"])
    assert people() == 2
    assert admin.post("/api/users", invitation(email="eve@campus.test")).status_code == 201


def test_names_and_addresses_are_one_persons(admin: Person, customer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """409, also where two looked before either wrote."""
    for wrong, field in (
        ({"email": customer.email.upper(), "username": "sam.o"}, "email"),
        ({"username": customer.username.upper()}, "username"),
    ):
        response = admin.post("/api/users", invitation(**wrong))
        assert (response.status_code, list(response.json["errors"])) == (409, [field])
        with monkeypatch.context() as patch:
            patch.setattr(users, "_username_taken", lambda *_: False)
            if field == "email":
                patch.setattr(db.session, "scalar", lambda *_, **__: None)
            raced = admin.post("/api/users", invitation(**wrong))
        assert (raced.status_code, list(raced.json["errors"])) == (409, [field])
    assert people() == 2
    assert mails() == []
    second = Person.made(admin.app, "customer")
    path = f"/api/users/{second.id}"
    assert admin.patch(path, {"username": customer.username}).status_code == 409
    with monkeypatch.context() as patch:
        patch.setattr(users, "_username_taken", lambda *_: False)
        assert admin.patch(path, {"username": customer.username}).status_code == 409
    assert row_of(second).username == second.username
    assert admin.patch(path, {"username": second.username.upper()}).status_code == 200, "one's own is not taken"
    assert admin.patch(path, {"username": "free"}).json["username"] == "free"


def test_a_promise_of_the_database_that_is_about_no_name_is_a_conflict(
    admin: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise IntegrityError("INSERT", {}, Exception("FOREIGN KEY constraint failed"))

    with monkeypatch.context() as patch:
        patch.setattr(db.session, "flush", fail)
        assert admin.patch(f"/api/users/{customer.id}", {"name": "Else"}).status_code == 409
    assert row_of(customer).name == "Jonas Weber"
    assert admin.patch(f"/api/users/{customer.id}", {"name": "Else"}).status_code == 200


@pytest.mark.parametrize(
    ("address", "username"),
    [("sam@campus.test", "sam"), ("sam+helpdesk@campus.test", "samhelpdesk"), ("o'neil@campus.test", "oneil"),
     ("_x_@campus.test", "x2"), ("a" * 27 + ".b@campus.test", "a" * 27), ("1@campus.test", "12"),
     ("!@campus.test", "user")],
)  # fmt: skip
def test_a_username_is_made_of_the_address(admin: Person, address: str, username: str) -> None:
    """And is one that its owner could have chosen."""
    first = admin.post("/api/users", invitation(email=address)).json
    assert first["username"] == username
    again = admin.patch(f"/api/users/{first['id']}", {"username": first["username"]})
    assert again.status_code == 200
    second = admin.post("/api/users", invitation(email=address.replace("campus", "elsewhere"))).json
    assert second["username"] not in (None, username)


def test_who_was_invited_is_not_invited_again_as_somebody_else(admin: Person) -> None:
    first = admin.post("/api/users", invitation(username="sam.o", team_id=team(admin))).json
    work()
    for _ in range(2):  # whether or not the account may be used
        again = admin.post("/api/users", invitation(email="SAM@campus.test", role="customer", name="Sam O."))
        assert (again.status_code, list(again.json["errors"])) == (409, ["email"])
        assert again.json["detail"] == "Somebody with this address was invited already."
        shown = admin.get(f"/api/users/{first['id']}").json
        assert [shown[name] for name in ("name", "role", "team")] == [first[name] for name in ("name", "role", "team")]
        admin.patch(f"/api/users/{first['id']}", {"is_active": False})
    assert admin.patch(f"/api/users/{first['id']}", {"is_active": True}).status_code == 200
    assert admin.post(f"/api/users/{first['id']}/invite").status_code == 202
    assert len(mails("sam@campus.test")) == 2


def test_invitations_are_limited(admin: Person) -> None:
    second = Person.made(admin.app, "admin")
    for number in range(50):
        assert admin.post("/api/users", invitation(email=f"sam{number}@campus.test")).status_code == 201
    refused = admin.post("/api/users", invitation())
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert people() == 52
    assert second.post("/api/users", invitation()).status_code == 201


# --- looking after people ---------------------------------------------------------------------------------------------


def test_only_admins_change_and_erase_people(
    customer: Person, other: Person, agent: Person, admin: Person, anonymous: Person
) -> None:
    """P-041: nobody makes themselves an admin."""
    before = [row_of(person) for person in (customer, other, agent)]
    for person, status in ((anonymous, 401), (customer, 403), (agent, 403)):
        for target in (customer, other, agent, admin):
            assert person.patch(f"/api/users/{target.id}", {"role": "admin"}).status_code == status
            assert person.put(f"/api/users/{target.id}", {"role": "admin"}).status_code == status
            assert person.delete(f"/api/users/{target.id}").status_code == status
        assert person.patch("/api/users/999999", {"role": "admin"}).status_code == status
    assert [row_of(person) for person in (customer, other, agent)] == before
    denied = [event for event in recorded("denied") if event.actor_id == agent.id]
    assert denied[0].target == f"PATCH /api/users/{customer.id}"
    changed = admin.patch(f"/api/users/{agent.id}", {"role": "admin", "name": "Priya N."})
    assert (changed.status_code, changed.json["role"], changed.json["name"]) == (200, "admin", "Priya N.")
    assert admin.delete(f"/api/users/{customer.id}").status_code == 204
    assert row_of(customer).erased_at is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "x@campus.test"}, {"password": "x"}, {"password_hash": "x"}, {"id": 1}, {"created_at": None},
        {"role": "root"}, {"is_active": "yes"}, {"is_active": 1}, {"is_active": None}, {"name": None}, {"team_id": 0},
        {"team_id": 999999}, {"erased_at": None}, {"email_verified_at": None}, {"theme": "dark"}, {"notifications": {}},
        {"last_seen_at": None},
    ],
)  # fmt: skip
def test_only_listed_fields_of_people_change(admin: Person, customer: Person, wrong: dict[str, Any]) -> None:
    before = row_of(customer)
    response = admin.patch(f"/api/users/{customer.id}", {"name": "Else", **wrong})
    assert (response.status_code, list(response.json["errors"])) == (422, list(wrong))
    assert row_of(customer) == before
    assert admin.patch(f"/api/users/{customer.id}", {"name": "Else"}).json["name"] == "Else"


def test_changed_rights_are_on_record(admin: Person, agent: Person) -> None:
    """P-089: who, from where, what, in which request; and what did not change is no event."""
    path, named = f"/api/users/{agent.id}", {"X-Request-ID": "the-request-1"}
    assert admin.patch(path, {"role": "admin", "name": "Priya N."}, headers=named, **at("10.1.2.3")).status_code == 200
    assert admin.patch(path, {"role": "admin", "is_active": False}).status_code == 200
    [role], [active] = recorded("user.role.changed"), recorded("user.is_active.changed")
    assert (role.actor_id, role.target, role.peer) == (admin.id, f"user:{agent.id}", "10.1.2.3")
    assert role.request_id == "the-request-1"
    assert role.detail == {"before": "agent", "after": "admin"}
    assert active.detail == {"before": True, "after": False}
    assert role.created_at.utcoffset() == timedelta()
    assert admin.delete(path).status_code == 204
    assert [event.actor_id for event in recorded("user.erased")] == [admin.id]


def test_a_team_is_joined_and_left(admin: Person, agent: Person) -> None:
    path, first, second = f"/api/users/{agent.id}", team(admin, "day-crew"), team(admin, "night-crew")
    assert admin.patch(path, {"team_id": first}).json["team"]["slug"] == "day-crew"
    assert admin.patch(path, {"team_id": second}).json["team"]["slug"] == "night-crew"
    assert admin.patch(path, {"name": "Priya N."}).json["team"]["slug"] == "night-crew", "what is not named stays"
    assert agent.get(ME).json["team"]["id"] == second
    assert admin.patch(path, {"team_id": None}).json["team"] is None


def test_the_last_admin_stays(admin: Person, agent: Person) -> None:
    path = f"/api/users/{admin.id}"
    for wish in ({"role": "agent"}, {"is_active": False}, {"role": "admin", "is_active": False}):
        assert admin.patch(path, wish).status_code == 409
    assert admin.delete(path).status_code == 409
    assert (row_of(admin).role, row_of(admin).is_active) == (Role.ADMIN, True)
    assert admin.patch(path, {"role": "admin", "is_active": True, "name": "Ada B."}).status_code == 200
    assert admin.patch(f"/api/users/{agent.id}", {"role": "admin"}).status_code == 200
    change(agent, is_active=False)
    assert admin.patch(path, {"role": "agent"}).status_code == 409, "one who may not log in is none"
    change(agent, is_active=True)
    assert admin.patch(path, {"role": "agent"}).status_code == 200
    assert admin.get(ME).json["role"] == "agent"


def test_erasing_a_person_takes_away_who_they_were_and_keeps_what_they_said(
    app: Flask, admin: Person, customer: Person, agent: Person
) -> None:
    """TRUST 29, as far as accounts go."""
    number = customer.reports()
    customer.writes(number, "It is still dripping.")
    joined = agent.reports()
    customer.joins(joined)
    customer.patch(ME, {"email": "jonas@elsewhere.test", "current_password": PASSWORD, "time_zone": "Europe/Berlin"})
    work()
    assert admin.delete(f"/api/users/{customer.id}").status_code == 204
    row = row_of(customer)
    assert (row.name, row.role, row.is_active) == ("Deleted user", Role.CUSTOMER, False)
    gone = ("username", "email", "email_normalized", "password_hash", "time_zone", "email_verified_at")
    assert {name: getattr(row, name) for name in gone} == dict.fromkeys(gone)
    assert row.last_seen_at == LONG_AGO
    for model in (Session, OneTimeToken, Membership):
        assert db.session.scalar(select(func.count()).where(model.user_id == customer.id)) == 0
    assert db.session.scalar(select(TicketReport.left_at).where(TicketReport.user_id == customer.id)) is not None
    assert customer.get(ME).status_code == 401
    assert login(customer, customer.username).status_code == 401
    seen = agent.sees(number)
    assert seen["reporter"] == {"id": customer.id, "name": "Deleted user", "email": None, "bounced_at": None}
    [comment] = agent.get(f"/api/tickets/{number}/comments").json["items"]
    assert (comment["text"], comment["author"]["name"]) == ("It is still dripping.", "Deleted user")
    for path in (f"/api/tickets/{number}", f"/api/tickets/{number}/timeline", "/api/users", "/api/tickets"):
        for word in ("Jonas", customer.username, "elsewhere"):
            assert word not in admin.get(path).get_data(as_text=True)
    assert admin.delete(f"/api/users/{customer.id}").status_code == 404
    assert admin.patch(f"/api/users/{customer.id}", {"name": "Back"}).status_code == 404
    again = {"username": customer.username, "email": customer.email, "password": "sixteen candles in the rain"}
    assert Person(app).post("/api/auth/register", again).status_code == 202, "and may come back as somebody new"
    token = link_in(mails(customer.email)[0])
    confirmed = Person(app).post("/api/auth/confirm", {"token": token, "password": "sixteen candles in the rain"})
    assert confirmed.json["user"]["id"] != customer.id


def test_erasing_a_guest_ends_the_registration_they_began(app: Flask, admin: Person, customer: Person) -> None:
    change(customer, username=None, password_hash=None)
    body = {"username": "jonas", "email": customer.email, "password": "sixteen candles in the rain"}
    assert Person(app).post("/api/auth/register", body).status_code == 202
    token = {"token": link_in(mails(customer.email)[0]), "password": body["password"]}
    assert admin.delete(f"/api/users/{customer.id}").status_code == 204
    assert db.session.scalar(select(func.count()).select_from(OneTimeToken)) == 0
    assert Person(app).post("/api/auth/confirm", token).status_code == 400
    assert customer.email not in str(db.session.scalars(select(Job.payload)).all())


# --- mails about accounts ---------------------------------------------------------------------------------------------

NASTY = "\"><svg onload=alert(1)> O'Hara, Jo <evil@evil.test>"


def test_a_name_is_text_in_every_mail(app: Flask, admin: Person) -> None:
    """P-044, P-070: neither markup nor another recipient."""
    person = Person.made(app, "customer", name=NASTY)
    assert person.patch(ME, {"email": "moved@campus.test", "current_password": PASSWORD}).status_code == 200
    Person(app).post("/api/auth/password/forgot", {"email": person.email})
    body = {"username": "somebody", "email": person.email, "password": "sixteen candles in the rain", "name": NASTY}
    assert Person(app).post("/api/auth/register", body).status_code == 202
    assert Person(app).post("/api/auth/register", {**body, "email": "fresh@campus.test"}).status_code == 202
    assert admin.post("/api/users", invitation(name=NASTY)).status_code == 201
    token = link_in(mails("moved@campus.test")[0])
    change_password = {"current_password": PASSWORD, "password": "sixteen candles in the rain"}
    assert Person(app).post("/api/auth/address", {"token": token}).status_code == 204
    assert person.post("/api/auth/password/change", change_password).status_code == 204
    sent = mails()
    assert len(sent) == 7
    for mail in sent:
        assert "<svg" not in mail["html"]
        message = email.message_from_string(f"To: {mail['headers']['To']}\n\n", policy=email.policy.default)
        [recipient] = message["To"].addresses
        assert recipient.domain == "campus.test"
        assert recipient.display_name in (NASTY, "")
        assert {"Bcc", "Cc"} & mail["headers"].keys() == set()
    assert any(NASTY in mail["text"] for mail in sent)


def test_automatic_mail_says_so_and_keeps_its_name(app: Flask, customer: Person) -> None:
    """P-072."""
    for _ in range(2):
        Person(app).post("/api/auth/password/forgot", {"email": customer.email})
        sent = mails(customer.email)
    assert len(sent) == 2
    for mail in sent:
        headers = mail["headers"]
        assert headers["Auto-Submitted"] == "auto-generated"
        assert headers["X-Auto-Response-Suppress"] == "All"
        assert headers["From"] == app.config["MAIL_FROM"]
        assert re.fullmatch(rf"<job-{mail['id']}-[0-9a-f]+@helpdesk\.test>", headers["Message-ID"])
        assert mail["subject"]
        assert "Date" in headers


def test_time_alone_ends_nothing_that_people_wrote(admin: Person, customer: Person) -> None:
    with time_machine.travel(timedelta(days=400)):
        admin.signs_in()
        work()
        assert admin.get(f"/api/users/{customer.id}").json["name"] == "Jonas Weber"


def test_who_was_erased_meanwhile_does_not_come_back(
    customer: Person, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Identified before, written after."""
    begin = users.begin_write

    def meanwhile() -> None:
        monkeypatch.undo()
        assert admin.delete(f"/api/users/{customer.id}").status_code == 204
        begin()

    monkeypatch.setattr(users, "begin_write", meanwhile)
    assert customer.patch(ME, {"name": "Real Name"}).status_code == 401
    assert db.session.scalar(select(User.name).where(User.id == customer.id)) == users.DELETED


def test_erasing_somebody_leaves_no_word_of_them_in_answers_kept_for_others(
    customer: Person, agent: Person, admin: Person
) -> None:
    wish = {"title": "Door", "description": "It squeaks.", "category": "it-wifi", "email": customer.email}
    key = {"Idempotency-Key": "k"}
    made = agent.post("/api/tickets", wish, headers=key)
    assert customer.email in made.get_data(as_text=True)
    assert admin.delete(f"/api/users/{customer.id}").status_code == 204
    again = agent.post("/api/tickets", {**wish, "email": "else@campus.test"}, headers=key)
    assert again.status_code == 201 and "Idempotent-Replayed" not in again.headers
    assert customer.email not in again.get_data(as_text=True)


def test_erasing_somebody_takes_them_out_of_those_affected(
    customer: Person, other: Person, agent: Person, admin: Person
) -> None:
    number = customer.reports()
    other.joins(number)
    assert agent.sees(number)["affected_count"] == 2
    assert admin.delete(f"/api/users/{other.id}").status_code == 204
    assert agent.sees(number)["affected_count"] == 1
    assert len(agent.get(f"/api/tickets/{number}/affected").json["items"]) == 1


@pytest.mark.parametrize("how", ["erased", "deactivated", "demoted"])
def test_work_of_somebody_who_cannot_do_it_any_more_has_nobody(
    customer: Person, agent: Person, admin: Person, how: str
) -> None:
    to_do, done = customer.reports(), customer.reports()
    task = admin.post("/api/tasks", {"title": "Valve", "assignee_id": agent.id}).json["id"]
    admin.sets(to_do, assignee_id=agent.id)
    admin.sets(done, assignee_id=agent.id, status="resolved")
    if how == "erased":
        assert admin.delete(f"/api/users/{agent.id}").status_code == 204
    else:
        change = {"is_active": False} if how == "deactivated" else {"role": "customer"}
        assert admin.patch(f"/api/users/{agent.id}", change).status_code == 200
    assert [item["id"] for item in admin.get("/api/tickets?assignee=none").json["items"]] == [to_do]
    assert admin.get(f"/api/tasks/{task}").json["assignee"] is None
    events = admin.get(f"/api/tickets/{to_do}/events").json["items"]
    assert [(e["from_user"] is not None, e["to_user"]) for e in events if e["field"] == "assignee"][-1] == (True, None)
    assert admin.sees(done)["assignee"]["id"] == agent.id, "what they did stays theirs"
