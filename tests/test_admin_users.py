"""The users page: finding people, inviting, changing and erasing them, read and used as a browser without scripts does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from models import LONG_AGO, Role, Session, Task, Team, User, UserState, begin_write, db, now
from tests.conftest import statements
from tests.doors import Browser, change, login, recorded, row_of
from tests.factories import Person, link_in, mails, make_user, work
from tests.pages import Page, Reader

USERS = "/staff/admin/users"
NEW = f"{USERS}/new"


@pytest.fixture
def desk(app: Flask, admin: Person) -> Reader:
    """Ada Byron, an admin, at her browser."""
    return Reader(app, admin)


def of(person: Person, what: str = "") -> str:
    return f"{USERS}/{person.id}{what}"


def names(page: Page) -> list[str]:
    """Those in the list, from the top."""
    return re.findall(r'class="plain strong"[^>]*>([^<]+)</a>', page.html)


def invited(admin: Person, **fields: Any) -> int:
    wish = {"email": "sam@campus.test", "name": "Sam Okafor", "role": "agent", **fields}
    response = admin.post("/api/users", wish)
    assert response.status_code == 201, response.get_data(as_text=True)
    return int(response.json["id"])


# --- the list ---------------------------------------------------------------------------------------------------------


def test_people_are_listed_by_role_with_how_they_stand(
    desk: Reader, admin: Person, agent: Person, customer: Person, other: Person
) -> None:
    invited(admin)
    change(customer, is_active=False)
    change(other, username=None, password_hash=None)
    page = desk.reads(USERS)
    assert names(page) == ["Ada Byron", "Priya Nair", "Sam Okafor", "Jonas Weber", "Helen Marsh"]
    for words in ("Everyone 5", "Admins 1", "Agents 2", "Reporters 2", "Invited 1", "Guests 1", "Deactivated 1"):
        assert page.says(words), words
    assert page.says("Never")
    for query, expected in {
        "role=agent": ["Priya Nair", "Sam Okafor"],
        "state=deactivated": ["Jonas Weber"],
        "state=invited": ["Sam Okafor"],
        "state=guest": ["Helen Marsh"],
        "state=active": ["Ada Byron", "Priya Nair"],
        "sort=name": ["Ada Byron", "Helen Marsh", "Jonas Weber", "Priya Nair", "Sam Okafor"],
        "sort=-role": ["Helen Marsh", "Jonas Weber", "Sam Okafor", "Priya Nair", "Ada Byron"],
        "q=okaf": ["Sam Okafor"],
        "q=sam%40campus": ["Sam Okafor"],
    }.items():
        assert names(desk.reads(f"{USERS}?{query}")) == expected, query


def test_who_was_never_seen_comes_last_on_every_page_of_the_last_seen(app: Flask, desk: Reader, admin: Person) -> None:
    for number in range(4):
        change(Person(app, make_user("agent", name=f"Seen {number}")), last_seen_at=now())
    for number in range(3):
        make_user("agent", name=f"Unseen {number}")
    order = [name for name in names(desk.reads(f"{USERS}?sort=-last_seen_at")) if "een" in name]
    assert [name.split()[0] for name in order] == ["Seen"] * 4 + ["Unseen"] * 3
    paged: list[str] = []
    path = "/api/users?sort=-last_seen_at&limit=2"
    while path:
        answer = admin.get(path)
        paged += [one["name"] for one in answer.json["items"]]
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert [name for name in paged if "een" in name] == order
    assert {one["last_seen_at"] for one in admin.get("/api/users?q=unseen").json["items"]} == {None}


@pytest.mark.parametrize("query", ["role=boss", "state=lost", "sort=password_hash", "cursor=made-up", "q=" + "x" * 101])
def test_what_an_address_cannot_say_is_told_and_everyone_shown(desk: Reader, query: str) -> None:
    page = desk.reads(f"{USERS}?{query}")
    assert page.says("This is everyone")
    assert names(page) == ["Ada Byron"]


def test_nobody_found_says_what_to_do(desk: Reader) -> None:
    assert desk.reads(f"{USERS}?q=zzz").says("Nobody is found")


def test_the_list_is_paged_and_keeps_what_is_asked(desk: Reader, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blueprints.staff.users.A_PAGE", 3)
    for number in range(7):
        make_user("agent", name=f"Colleague {number}")
    page = desk.reads(f"{USERS}?role=agent&sort=name")
    seen = names(page)
    while following := [link for link in page.links if "cursor=" in link]:
        page = desk.reads(following[0].replace("&amp;", "&"))
        seen += names(page)
    assert seen == [f"Colleague {number}" for number in range(7)]


def test_the_users_page_takes_six_statements_however_many_people(desk: Reader, app: Flask) -> None:
    numbers = []
    for _ in range(2):
        with statements() as seen:
            desk.reads(USERS)
        numbers.append(len(seen))
        for number in range(20):
            make_user("customer", name=f"Reporter {number}")
    assert numbers == [6, 6]


def test_only_admins_see_how_accounts_stand(admin: Person, agent: Person, customer: Person) -> None:
    for query in ("state=active", "is_bounced=true", "sort=last_seen_at", "sort=-last_seen_at"):
        assert admin.get(f"/api/users?{query}").status_code == 200
        assert agent.get(f"/api/users?{query}").status_code == 403
    assert agent.get("/api/users?sort=role").status_code == 200
    counts = admin.get("/api/users/counts").json
    assert {name: one["count"] for name, one in counts.items()} == {
        "total": 3, "admin": 1, "agent": 1, "customer": 1, "active": 3, "invited": 0, "guest": 0, "deactivated": 0,
        "bounced": 0,
    }  # fmt: skip
    for person in (agent, customer):
        assert person.get("/api/users/counts").status_code == 403


def test_erased_people_are_counted_and_listed_nowhere(desk: Reader, admin: Person, customer: Person) -> None:
    assert admin.delete(f"/api/users/{customer.id}").status_code == 204
    counts = admin.get("/api/users/counts").json
    assert (counts["total"]["count"], counts["deactivated"]["count"], counts["guest"]["count"]) == (1, 0, 0)
    assert names(desk.reads(f"{USERS}?state=deactivated")) == []
    assert row_of(customer).last_seen_at == LONG_AGO


# --- inviting ---------------------------------------------------------------------------------------------------------


def test_somebody_is_invited_and_comes_in_by_the_link(app: Flask, desk: Reader) -> None:
    team = db.session.scalar(select(Team.id).where(Team.slug == "it"))
    page = desk.reads(NEW)
    response = desk.sends(
        page.form_to(NEW), name="Sam Okafor", email="Sam@campus.test", role="agent", team_id=str(team)
    )
    shown = desk.is_led(response)
    assert shown.says("The invitation is on its way")
    assert shown.says("Sam Okafor")
    assert shown.says("Invited")
    token = link_in(mails("Sam@campus.test")[0])
    body = {"token": token, "password": "sixteen candles in the rain"}
    assert Person(app).post("/api/auth/confirm", body).json["user"]["team"]["slug"] == "it"
    again = desk.sends(page.form_to(NEW), name="Sam Okafor", email="sam@campus.test", role="agent")
    assert Page(again).status == 409 or Page(again).says("account already")
    [event] = recorded("user.invited")
    assert (event.area, event.detail["role"], event.detail["team"]) == ("people", "agent", "IT")
    assert desk.reads("/staff/admin/audit").says("Team: IT")


def test_who_was_invited_already_is_led_to_where_it_is_sent_again(desk: Reader) -> None:
    wish = {"name": "Sam", "email": "sam@campus.test", "role": "agent"}
    first = desk.sends(desk.reads(NEW).form_to(NEW), **wish).headers["Location"].partition("?")[0]
    assert len(mails("sam@campus.test")) == 1
    again = desk.sends(desk.reads(NEW).form_to(NEW), **{**wish, "role": "admin"})
    page = Page(again)
    assert again.status_code == 409
    assert page.says("Somebody with this address was invited already")
    assert first in page.links
    assert page.form_to(NEW).data()["role"] == ["admin"]
    shown = desk.reads(first)
    assert shown.says("Agent")
    desk.is_led(desk.sends(shown.form_to(f"{first}/link")))
    assert len(mails("sam@campus.test")) == 2


def test_an_invitation_sent_twice_invites_once(desk: Reader) -> None:
    form = desk.reads(NEW).form_to(NEW)
    wish = {"name": "Sam", "email": "sam@campus.test", "role": "agent"}
    first, second = desk.sends(form, **wish), desk.sends(form, **wish)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(mails("sam@campus.test")) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"email": ""}, "Write an address"),
        ({"email": "nobody"}, "such as name@example.edu"),
        ({"name": ""}, "Write a name"),
        ({"role": "boss"}, "Choose a role"),
        ({"team_id": "999999"}, "Choose a team"),
        ({"team_id": "x"}, "Choose a team"),
    ],
)
def test_what_an_invitation_lacks_is_said_beside_its_field_and_kept(
    desk: Reader, wrong: dict[str, str], said: str
) -> None:
    wish = {"name": "Sam Okafor", "email": "sam@campus.test", "role": "agent", "team_id": "", **wrong}
    response = desk.sends(desk.reads(NEW).form_to(NEW), **wish)
    page = Page(response)
    assert response.status_code == 422
    assert page.says(said)
    assert page.title.startswith("Problem")
    assert [value for name, value in page.form_to(NEW).fields if name == "name"] == [wish["name"]]
    assert mails() == []


# --- one person -------------------------------------------------------------------------------------------------------


def test_a_person_is_renamed_and_moved_to_a_team(desk: Reader, agent: Person) -> None:
    team = db.session.scalar(select(Team.id).where(Team.slug == "it"))
    page = desk.reads(of(agent))
    led = desk.is_led(desk.sends(page.form_to(of(agent)), name="Priya N.", team_id=str(team)))
    assert led.says("Saved")
    assert row_of(agent).name == "Priya N."
    [named], [moved] = recorded("user.changed"), recorded("user.team.changed")
    assert named.detail == {"fields": ["name"]}, "what is on record outlives who they were"
    assert moved.detail == {"before": None, "after": "IT"}
    stale = desk.sends(page.form_to(of(agent)), name="Somebody else")
    assert stale.status_code in (409, 412)
    fresh = page.form_to(of(agent)).data(name="Somebody else", key="0" * 32)
    answer = desk.open("POST", of(agent), data=fresh)
    assert answer.status_code == 412
    assert Page(answer).says("What you typed is still here")
    assert row_of(agent).name == "Priya N."


def test_a_username_that_is_taken_is_said_beside_it(desk: Reader, agent: Person, customer: Person) -> None:
    response = desk.sends(desk.reads(of(agent)).form_to(of(agent)), username=customer.username)
    assert response.status_code == 409
    assert 'id="username-e"' in response.get_data(as_text=True)
    assert Page(response).says("This username is taken")
    assert row_of(agent).username == agent.username


def test_the_api_changes_what_one_has_in_front_of_one(admin: Person, agent: Person) -> None:
    path = f"/api/users/{agent.id}"
    tag = {"If-Match": admin.get(path).headers["ETag"]}
    assert admin.patch(path, {"name": "Priya N."}, headers=tag).json["version"] == 2
    stale = admin.patch(path, {"name": "Lost"}, headers=tag)
    assert (stale.status_code, stale.json["current"]["name"]) == (412, "Priya N.")
    assert admin.delete(path, headers=tag).status_code == 412
    assert agent.patch("/api/users/me", {"name": "Priya O."}).status_code == 200
    assert admin.get(path).json["version"] == 3, "their own doing counts too"


def test_a_persons_page_takes_seven_statements(desk: Reader, agent: Person) -> None:
    with statements() as seen:
        desk.reads(of(agent))
    assert len(seen) == 7


# --- role and account -------------------------------------------------------------------------------------------------


def test_a_role_is_changed_once_its_page_has_said_what_it_means(desk: Reader, agent: Person, customer: Person) -> None:
    number = customer.reports()
    agent.sets(number, assignee_id=agent.id)
    assert agent.post("/api/tasks", {"title": "Valve", "assignee_id": agent.id}).status_code == 201
    page = desk.reads(of(agent, "/role?role=customer"))
    assert page.says("Their 1 unfinished ticket and 1 task go back to nobody")
    assert page.says("see only what they report or join")
    assert row_of(agent).role == Role.AGENT, "looking changes nothing"
    led = desk.is_led(desk.sends(page.form_to(of(agent, "/role"))))
    assert led.says("The role is changed")
    assert row_of(agent).role == Role.CUSTOMER
    assert desk.get(f"/api/tickets/{number}").json["assignee"] is None
    assert db.session.scalar(select(Task.assignee_id)) is None
    [event] = recorded("user.role.changed")
    assert event.detail == {"before": "agent", "after": "customer"}
    assert agent.get("/api/tasks").status_code == 403


def test_a_role_that_there_is_not_is_asked_for_again(desk: Reader, agent: Person) -> None:
    page = desk.reads(of(agent, "/role?role=boss"))
    response = desk.sends(page.form_to(of(agent, "/role")))
    assert response.status_code == 422
    assert Page(response).says("Choose a role")
    chosen = desk.sends(Page(response).form_to(of(agent, "/role")), role="admin")
    assert desk.is_led(chosen).says("The role is changed")


def test_an_account_is_deactivated_and_activated(app: Flask, desk: Reader, agent: Person) -> None:
    page = desk.reads(of(agent, "/deactivate"))
    assert page.says("logged out everywhere")
    assert desk.is_led(desk.sends(page.form_to(of(agent, "/deactivate")))).says("Deactivated")
    assert agent.get("/api/users/me").status_code == 401
    assert login(agent, agent.username).status_code == 401
    back = desk.reads(of(agent)).form_to(of(agent, "/activate"))
    assert desk.is_led(desk.sends(back)).says("The account is activated")
    assert login(agent, agent.username).status_code == 200


@pytest.mark.parametrize("what", ["role?role=agent", "deactivate", "erase"])
def test_the_last_admin_is_told_why_they_stay(desk: Reader, admin: Person, agent: Person, what: str) -> None:
    page = desk.reads(of(admin, f"/{what}"))
    assert page.says("is the last admin. Make somebody else one first")
    path = of(admin, f"/{what.partition('?')[0]}")
    assert not [form for form in page.forms if form.action == path and form.buttons]
    sent = desk.open("POST", path, data={"version": "1", "role": "agent", "sure": "on", "key": "a" * 32})
    assert sent.status_code == 409
    assert Page(sent).says("last admin")
    assert (row_of(admin).role, row_of(admin).is_active) == (Role.ADMIN, True)
    change(agent, role=Role.ADMIN)
    page = desk.reads(of(admin, f"/{what}"))
    assert page.says("This is your own account")
    assert desk.sends(page.form_to(path), sure="on" if what == "erase" else None).status_code == 303


def test_erasing_is_ticked_and_says_what_goes_and_what_stays(desk: Reader, customer: Person, agent: Person) -> None:
    number = customer.reports(description="It hums.")
    path = of(customer, "/erase")
    page = desk.reads(path)
    assert page.says("Gone for good: name, address")
    assert page.says("Stays: what they reported and wrote")
    response = desk.sends(page.form_to(path))
    assert response.status_code == 422
    assert Page(response).says("Tick this to erase them")
    assert row_of(customer).erased_at is None
    led = desk.is_led(desk.sends(Page(response).form_to(path), sure="on"))
    assert led.says("The person is erased")
    assert agent.sees(number)["reporter"]["name"] == "Deleted user"
    desk.reads(of(customer), 404)


def test_what_changed_meanwhile_is_decided_again(desk: Reader, admin: Person, agent: Person) -> None:
    form = desk.reads(of(agent, "/deactivate")).form_to(of(agent, "/deactivate"))
    assert admin.patch(f"/api/users/{agent.id}", {"role": "admin"}).status_code == 200
    response = desk.sends(form)
    assert response.status_code == 412
    assert row_of(agent).is_active
    assert desk.sends(Page(response).form_to(of(agent, "/deactivate"))).status_code == 303
    assert not row_of(agent).is_active


# --- sessions and links -----------------------------------------------------------------------------------------------


def test_an_admin_sees_where_somebody_is_logged_in_and_ends_it(
    app: Flask, desk: Reader, admin: Person, customer: Person, other: Person
) -> None:
    phone = Browser(app, customer)
    path = f"/api/users/{customer.id}/sessions"
    items = admin.get(path).json["items"]
    assert len(items) == 2
    assert {"peer", "agent", "created_at", "last_used_at"} <= items[0].keys()
    assert [one["is_current"] for one in items] == [False, False]
    assert admin.delete(f"/api/users/{other.id}/sessions/{items[0]['id']}").status_code == 404, "not theirs"
    page = desk.reads(of(customer))
    assert page.says("Where they are logged in")
    assert desk.is_led(desk.sends(page.form_to(of(customer, "/sessions"), button="everywhere"))).says("nowhere")
    assert phone.get("/api/users/me").status_code == customer.get("/api/users/me").status_code == 401
    assert other.get("/api/users/me").status_code == 200
    [event] = recorded("user.sessions.ended")
    assert (event.target, event.detail) == (f"user:{customer.id}", {"count": 2})
    assert admin.get("/api/users/999999/sessions").status_code == 404


def test_one_session_is_ended_and_the_others_stay(app: Flask, desk: Reader, admin: Person, customer: Person) -> None:
    Browser(app, customer)
    newest = admin.get(f"/api/users/{customer.id}/sessions").json["items"][0]["id"]
    assert admin.delete(f"/api/users/{customer.id}/sessions/{newest}").status_code == 204
    assert customer.get("/api/users/me").status_code == 200
    assert len(recorded("user.session.ended")) == 1


def test_ones_own_account_is_spoken_of_as_ones_own(app: Flask, desk: Reader, admin: Person, agent: Person) -> None:
    Person.made(app, "admin")
    for path in ("/role?role=agent", "/role?role=customer", "/deactivate"):
        own, theirs = desk.reads(of(admin, path)), desk.reads(of(agent, path))
        assert own.says("This is your own account") and not own.says("They ")
        assert not theirs.says("This is your own account") and not theirs.says("You see")
    assert desk.reads(of(admin, "/role?role=agent")).says("You keep your tickets and tasks")
    assert desk.reads(of(agent, "/deactivate")).says("They are logged out everywhere")


def test_an_admin_who_ends_all_sessions_of_their_own_stays_here(desk: Reader, admin: Person) -> None:
    page = desk.reads(of(admin))
    page = desk.is_led(desk.sends(page.form_to(of(admin, "/sessions"), button="everywhere")))
    assert page.says("Ada Byron") and page.says("You are logged out everywhere else")
    db.session.rollback()
    assert len(list(db.session.scalars(select(Session.id).where(Session.user_id == admin.id)))) == 1


def test_an_invitation_is_sent_again_and_the_first_link_ends(app: Flask, desk: Reader, admin: Person) -> None:
    user_id = invited(admin)
    first = link_in(mails("sam@campus.test")[0])
    page = desk.reads(f"{USERS}/{user_id}")
    assert desk.is_led(desk.sends(page.form_to(f"{USERS}/{user_id}/link"))).says("The invitation is on its way")
    second = link_in(mails("sam@campus.test")[0])
    password = "sixteen candles in the rain"
    assert Person(app).post("/api/auth/confirm", {"token": first, "password": password}).status_code == 400
    assert Person(app).post("/api/auth/confirm", {"token": second, "password": password}).status_code == 200
    assert admin.post(f"/api/users/{user_id}/invite").status_code == 409
    assert [event.target for event in recorded("user.invited_again")] == [f"user:{user_id}"]


def test_a_password_link_goes_to_who_has_a_password(
    app: Flask, desk: Reader, admin: Person, agent: Person, customer: Person
) -> None:
    page = desk.reads(of(customer))
    assert desk.is_led(desk.sends(page.form_to(of(customer, "/link")))).says("new password is on its way")
    token = link_in(mails(customer.email)[0])
    body = {"token": token, "password": "sixteen candles in the rain"}
    assert Person(app).post("/api/auth/password/reset", body).status_code == 204
    assert len(recorded("user.password_link.sent")) == 1
    path = f"/api/users/{invited(admin)}/password-link"
    assert admin.post(path).status_code == 409, "they are invited instead"
    assert agent.post(f"/api/users/{customer.id}/password-link").status_code == 403
    change(customer, is_active=False)
    assert admin.post(f"/api/users/{customer.id}/password-link").status_code == 409


def test_nobodys_mailbox_is_filled_with_links(desk: Reader, admin: Person, customer: Person) -> None:
    codes = [admin.post(f"/api/users/{customer.id}/password-link").status_code for _ in range(4)]
    assert codes == [202, 202, 202, 429]
    response = desk.sends(desk.reads(of(customer)).form_to(of(customer, "/link")))
    assert response.status_code == 429
    assert Page(response).says("Try again in")
    assert len(mails(customer.email)) == 1, "of those before it the link has ended"


def test_a_guest_is_invited_where_they_are(app: Flask, desk: Reader, admin: Person, customer: Person) -> None:
    change(customer, username=None, password_hash=None)
    page = desk.reads(of(customer))
    assert page.says("They reported without an account")
    assert not [form for form in page.forms if form.action == of(customer, "/link")]
    [link] = [link for link in page.links if link.startswith(NEW)]
    fields = dict(desk.reads(link).form_to(NEW).fields)
    assert (fields["email"], fields["name"]) == (customer.email, "Jonas Weber")
    assert admin.post(f"/api/users/{customer.id}/invite").status_code == 409
    sent = desk.sends(desk.reads(link).form_to(NEW), role="customer")
    assert sent.headers["Location"].startswith(of(customer))
    assert desk.is_led(sent).says(UserState.INVITED.capitalize())
    work()


# --- a large campus ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("sort=name", "ix_users_name_id"),
        ("sort=role", "ix_users_role_"),
        ("sort=-last_seen_at", "ix_users_last_seen_at_id"),
        ("state=deactivated", "ix_users_is_active_name_id"),
        ("state=invited", "ix_users_invited"),
        ("role=admin", "ix_users_role_"),
    ],
)
def test_the_list_of_users_walks_an_index(app: Flask, admin: Person, query: str, index: str) -> None:
    """Of PostgreSQL as if there were so many that it would not rather read all."""
    begin_write()
    role = [Role.CUSTOMER, Role.AGENT]
    rows = [
        {"name": f"P {number}", "username": f"p{number}", "role": role[number % 40 == 0], "password_hash": "x",
         "is_active": number % 50 != 0, "last_seen_at": now()}
        for number in range(2000)
    ]  # fmt: skip
    db.session.execute(User.__table__.insert(), rows)
    db.session.commit()
    with statements() as seen:
        assert admin.get(f"/api/users?{query}").status_code == 200
    [statement] = [one for one in seen if "ORDER BY users" in one]
    assert index in plan(statement, admin, query)


def plan(statement: str, admin: Person, query: str) -> str:
    from sqlalchemy import event

    parameters: list[Any] = []

    def note(connection: Any, cursor: Any, asked: str, values: Any, *_: Any) -> None:
        if asked == statement:
            parameters.append(values)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        admin.get(f"/api/users?{query}")
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    with db.engine.connect() as connection:
        postgresql = connection.dialect.name == "postgresql"
        if postgresql:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("ANALYZE users" if postgresql else "ANALYZE")
        explain = "EXPLAIN " if postgresql else "EXPLAIN QUERY PLAN "
        rows = connection.exec_driver_sql(explain + statement, parameters[0]).all()
        connection.rollback()
    return "\n".join(str(row[-1]) for row in rows)
