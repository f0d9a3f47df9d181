"""Who somebody is: passwords, tokens, sessions, links in mails; and that no answer tells who has an account."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import bcrypt
import jwt
import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from helpdesk import auth, jobs, policy
from helpdesk.auth import accounts, passwords
from helpdesk.errors import BadLink, NotSignedIn
from models import Job, JobState, OneTimeToken, Session, TokenPurpose, User, begin_write, db
from tests.conftest import BASE_URL, SECRET_KEY, statements
from tests.doors import NEW_PASSWORD, Browser, another, change, login, recorded, row_of, same, with_token
from tests.factories import PASSWORD, Person, link_in, mails, work

ME = "/api/auth/verify"
ANOTHER_KEY = "another-key-7d1f6e0c2b9a4853-9c3e5a1f"
START = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until a test moves it."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def registers(person: Person, **fields: Any) -> str:
    """Register and give the token of the mail."""
    body = {"username": "ines", "email": "ines@campus.test", "password": NEW_PASSWORD, **fields}
    response = person.post("/api/auth/register", body)
    assert response.status_code == 202, response.get_data(as_text=True)
    return link_in(mails(body["email"].strip())[0])


def forgets(person: Person, email: str) -> str:
    """Ask for a reset and give the token of the mail."""
    assert Person(person.app).post("/api/auth/password/forgot", {"email": email}).status_code == 202
    return link_in(mails(email)[0])


def resets(person: Person, token: str, password: str = NEW_PASSWORD) -> int:
    response = Person(person.app).post("/api/auth/password/reset", {"token": token, "password": password})
    return response.status_code


def confirms(person: Person, token: str, password: str = NEW_PASSWORD) -> Any:
    return Person(person.app).post("/api/auth/confirm", {"token": token, "password": password})


def count(model: Any) -> int:
    db.session.remove()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


# --- logging in -------------------------------------------------------------------------------------------------------


def test_people_log_in_with_username_or_address_in_any_case(anonymous: Person, customer: Person) -> None:
    for identifier in (customer.username, customer.email, customer.email.upper(), f" {customer.email.title()} "):
        response = login(anonymous, identifier)
        assert response.status_code == 200
        assert response.json["user"]["id"] == customer.id
        assert response.json["expires_in"] == 900
        assert with_token(anonymous.app, response.json["access_token"]).get(ME).json["user"]["id"] == customer.id
    assert login(anonymous, customer.email, "not the password").status_code == 401


def test_no_answer_to_a_login_tells_why_it_failed(
    anonymous: Person, customer: Person, other: Person, agent: Person, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-001, P-015: unknown, wrong, disabled and without a password: the same bytes after the same work."""
    assert admin.patch(f"/api/users/{other.id}", {"is_active": False}).status_code == 200
    change(agent, password_hash=None)
    work_done: list[Any] = []
    compare = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda *words: work_done.append(len(words[1])) or compare(*words))
    login(anonymous, "nobody")  # makes the hash that unknown ones are compared with
    answers, work_of, sql = [], [], []
    for identifier, password in (
        ("nobody", PASSWORD),
        ("nobody@campus.test", PASSWORD),
        (customer.username, "not the password"),
        (customer.email, "not the password"),
        (other.username, PASSWORD),
        (other.username, "not the password"),
        (agent.username, PASSWORD),
    ):
        work_done.clear()
        with statements() as seen:
            answers.append(login(anonymous, identifier, password))
        work_of.append(tuple(work_done))
        sql.append(tuple(seen))
    assert answers[0].status_code == 401
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    assert "Set-Cookie" not in answers[0].headers
    assert same(*answers)
    assert set(work_of) == {(60,)}, "one comparison with one hash each"
    assert len(set(sql)) == 1, sql
    assert login(anonymous, customer.username).status_code == 200


def test_a_password_that_changed_while_it_was_compared_does_not_count(
    anonymous: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = auth.is_password

    def slowly(password: str, hashed: str | None) -> bool:
        right = compare(password, hashed)
        change(customer, password_hash=auth.hash_password(NEW_PASSWORD))
        return right

    monkeypatch.setattr(accounts, "is_password", slowly)
    assert login(anonymous, customer.username).status_code == 401
    monkeypatch.undo()
    assert login(anonymous, customer.username, NEW_PASSWORD).status_code == 200


def test_a_login_ends_the_session_that_came_along(app: Flask, customer: Person) -> None:
    """P-014: a planted session does not become somebody's."""
    browser = Browser(app, customer)
    before = dict(browser.jar)
    response = browser.post("/api/auth/login", {"identifier": customer.username, "password": PASSWORD})
    assert response.status_code == 200
    assert not set(before.values()) & set(browser.jar.values())
    assert browser.get(ME).status_code == 200
    browser.jar = before
    assert browser.get(ME).status_code == 401
    assert browser.post("/api/auth/refresh").status_code == 401


def test_browsers_get_cookies_and_programs_a_token(app: Flask, anonymous: Person, customer: Person) -> None:
    """P-013; the flags of production are in test_settings."""
    body = {"identifier": customer.username, "password": PASSWORD}
    browser, program = Browser(app), login(anonymous, customer.username)
    shown = browser.post("/api/auth/login", body)
    assert "access_token" not in shown.json
    lines = shown.headers.getlist("Set-Cookie")
    assert [line.partition("=")[0] for line in lines] == ["access_token", "refresh_token"]
    for line in lines:
        assert {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=2592000"} <= set(line.split("; "))
        assert line.partition("=")[2].partition(";")[0] not in shown.get_data(as_text=True)
    assert [line.partition("=")[0] for line in program.headers.getlist("Set-Cookie")] == ["refresh_token"]
    assert program.json["access_token"]
    assert browser.get(ME).status_code == 200


def test_hashing_that_would_make_everybody_wait_says_when_to_come_back(
    anonymous: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def acquire(self, blocking: bool) -> bool:
            return False

    monkeypatch.setattr(passwords, "_admitted", Full())
    for identifier in (customer.username, "nobody"):
        response = login(anonymous, identifier)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "2"
    monkeypatch.undo()
    assert login(anonymous, customer.username).status_code == 200


# --- passwords --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [8, 64, 72, 73, 100, 128])
def test_every_character_of_a_password_counts(anonymous: Person, customer: Person, length: int) -> None:
    """P-002: bcrypt alone would stop reading after 72 bytes."""
    password = "".join(chr(ord("a") + (7 * n) % 26) for n in range(length))
    change = {"current_password": PASSWORD, "password": password}
    assert customer.post("/api/auth/password/change", change).status_code == 204
    assert login(anonymous, customer.username, password[:-1] + "#").status_code == 401
    assert login(anonymous, customer.username, password[:72] + "#").status_code == 401
    if length > 72:
        assert login(anonymous, customer.username, password[:72]).status_code == 401
    assert login(anonymous, customer.username, password).status_code == 200


def test_a_password_too_long_is_refused_alike_for_everybody(anonymous: Person, customer: Person) -> None:
    too_long = {"current_password": PASSWORD, "password": "x1y2z3" * 22}
    assert customer.post("/api/auth/password/change", too_long).status_code == 422
    assert login(anonymous, customer.username).status_code == 200, "the old one is still right"
    huge = [login(anonymous, who, "x" * 1025) for who in (customer.username, "nobody")]
    assert huge[0].status_code == 422
    assert same(*huge)
    for password in ("a\0b", "\ud800"):
        raw = json.dumps({"identifier": customer.username, "password": password})
        response = anonymous.post("/api/auth/login", data=raw, content_type="application/json")
        assert response.status_code in (400, 422)


def test_passwords_that_are_guessed_first_are_refused_everywhere(
    anonymous: Person, customer: Person, admin: Person
) -> None:
    """P-003: length and a list, no rules about kinds of characters."""
    reset, body = forgets(customer, customer.email), {"username": "ines", "email": "ines.paz@campus.test"}
    confirm = registers(anonymous, **body)
    doors: list[tuple[str, Callable[[str], dict[str, str]], Person]] = [
        ("/api/auth/register", lambda password: {**body, "password": password}, anonymous),
        ("/api/auth/confirm", lambda password: {"token": confirm, "password": password}, anonymous),
        ("/api/auth/password/reset", lambda password: {"token": reset, "password": password}, anonymous),
        (
            "/api/auth/password/change",
            lambda password: {"current_password": PASSWORD, "password": password},
            customer,
        ),
    ]
    shared = (
        "seven77",
        "e\u0301a\u0301o\u0301i\u0301",
        "password1",
        "12345678",
        "Passw0rd",
        "aaaaaaaaaa",
        "campus helpdesk",
        "Helpdesk2026!",
    )
    for path, body_with, person in doors:
        joining = "register" in path or "confirm" in path
        username, email = ("ines.paz", body["email"]) if joining else (customer.username, customer.email)
        own = (username, email, email.partition("@")[0].upper() + "2026!")
        for password in (*shared, *own):
            response = person.post(path, body_with(password))
            assert response.status_code == 422, (path, password)
            assert list(response.json["errors"]) == ["password"]
    assert login(anonymous, customer.username).status_code == 200, "none of them took effect"
    change = {"current_password": PASSWORD, "password": "correct horse battery stapler"}
    assert customer.post("/api/auth/password/change", change).status_code == 204
    assert confirms(anonymous, confirm, "only lower case words").status_code == 200


def test_one_character_may_be_written_in_two_ways(anonymous: Person, customer: Person) -> None:
    change = {"current_password": PASSWORD, "password": "café au lait, bitte"}
    assert customer.post("/api/auth/password/change", change).status_code == 204
    assert login(anonymous, customer.username, "cafe\u0301 au lait, bitte").status_code == 200
    assert login(anonymous, customer.username, "cafe au lait, bitte").status_code == 401


def test_changing_a_password_needs_the_current_one(app: Flask, anonymous: Person, customer: Person) -> None:
    """P-005. The other sessions end, this one goes on, and the owner is told."""
    elsewhere, browser = Browser(app, customer), Browser(app, customer)
    wrong = browser.post("/api/auth/password/change", {"current_password": "a guess", "password": NEW_PASSWORD})
    assert wrong.status_code == 403
    assert login(anonymous, customer.username).status_code == 200
    assert [mail["subject"] for mail in mails(customer.email)] == []
    assert [event.target for event in recorded("denied")] == ["POST /api/auth/password/change"]
    right = browser.post("/api/auth/password/change", {"current_password": PASSWORD, "password": NEW_PASSWORD})
    assert right.status_code == 204
    assert browser.get(ME).status_code == 200
    assert elsewhere.get(ME).status_code == customer.get(ME).status_code == 401
    assert login(anonymous, customer.username).status_code == 401
    assert login(anonymous, customer.username, NEW_PASSWORD).status_code == 200
    assert len(mails(customer.email)) == 1
    assert [event.actor_id for event in recorded("password.changed")] == [customer.id]


def test_guessing_the_current_password_in_a_borrowed_browser_is_limited(customer: Person, other: Person) -> None:
    """P-075: the limit is the account's own."""
    guess = {"current_password": "a guess", "password": NEW_PASSWORD}
    answers = [customer.post("/api/auth/password/change", guess) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 4 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0
    right = {**guess, "current_password": PASSWORD}
    assert customer.post("/api/auth/password/change", right).status_code == 429
    assert other.post("/api/auth/password/change", right).status_code == 204


# --- access tokens ----------------------------------------------------------------------------------------------------


def claims_of(person: Person) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(person.token or "", options={"verify_signature": False})
    return claims


def signed(claims: dict[str, Any], key: str = SECRET_KEY, algorithm: str = "HS256", **headers: Any) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def refused(app: Flask, token: str) -> bool:
    """Whether a token is refused as the contract says, at two doors."""
    for path in (ME, "/api/tickets"):
        response = with_token(app, token).get(path)
        if response.status_code != 401:
            return False
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    return True


def test_a_token_is_believed_only_when_we_signed_all_of_it(app: Flask, customer: Person, admin: Person) -> None:
    """P-007: no algorithm but ours, no key but ours, nothing changed."""
    claims, (head, body, signature) = claims_of(customer), (customer.token or "").split(".")
    assert not refused(app, signed(claims)), "the same claims, signed as we sign them"
    forged = part({**claims, "sub": str(admin.id), "sid": claims_of(admin)["sid"]})
    for token in (
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        f"{part({'alg': 'None', 'typ': 'JWT'})}.{body}.{signature}",
        f"{head}.{forged}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        signed(claims, key="x" * 40),
        signed(claims, key="x" * 64, algorithm="HS512"),
        signed({**claims, "sub": str(admin.id)}),
        *("", "x", "..", "é", "a.b.c", "\x00", "x" * 5000),
    ):
        assert refused(app, token), token


def test_a_token_needs_every_claim_and_each_as_we_write_it(app: Flask, customer: Person) -> None:
    claims = claims_of(customer)
    assert set(claims) == {"typ", "iss", "aud", "sub", "sid", "iat", "exp", "jti"}
    assert claims["exp"] - claims["iat"] == 900
    assert not refused(app, signed(claims))
    for name in claims:
        assert refused(app, signed({key: value for key, value in claims.items() if key != name})), name
    for wrong in (
        {"typ": "refresh"}, {"iss": "https://evil.test"}, {"aud": "somebody-else"}, {"sub": customer.id}, {"sub": "x"},
        {"sid": str(claims["sid"])}, {"sid": True}, {"sid": 1.0}, {"sid": 0}, {"sid": -1}, {"sid": 2**63},
        {"sid": 2**53}, {"exp": "soon"}, {"jti": 1},
    ):  # fmt: skip
        assert refused(app, signed({**claims, **wrong})), wrong


def test_a_token_counts_in_its_own_time_only(app: Flask, customer: Person, clock: time_machine.Traveller) -> None:
    """P-008: 15 minutes, and at most a minute of leeway."""
    customer.signs_in()
    claims, now = claims_of(customer), int(START.timestamp())
    for wrong in ({"iat": now + 3600}, {"nbf": now + 3600}, {"exp": now - 60}):
        assert refused(app, signed({**claims, **wrong})), wrong
    clock.move_to(START + timedelta(minutes=14, seconds=59))
    assert not refused(app, customer.token or "")
    clock.move_to(START + timedelta(minutes=16))
    assert refused(app, customer.token or "")


def test_what_a_token_says_of_its_key_is_not_followed(app: Flask, customer: Person) -> None:
    """P-009: neither an address to fetch a key from nor a path to read it from."""
    claims = claims_of(customer)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/keys.json"
        own = {"kty": "oct", "k": base64.urlsafe_b64encode(b"x" * 40).decode()}
        for headers in ({"jku": url}, {"x5u": url}, {"jwk": own}, {"kid": "../../k"}, {"kid": "1' OR 1=1"}):
            assert refused(app, signed(claims, key="x" * 40, **headers)), headers
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert not refused(app, signed(claims))


def test_only_an_access_token_opens_doors(app: Flask, anonymous: Person, customer: Person) -> None:
    """P-012, P-083: neither a refresh token, nor a link, nor another scheme."""
    browser = Browser(app, customer)
    assert refused(app, browser.jar["refresh_token"])
    assert refused(app, forgets(customer, customer.email))
    basic = base64.b64encode(f"{customer.username}:{PASSWORD}".encode()).decode()
    for value in (f"Basic {basic}", "Bearer", f"Token {customer.token}", ""):
        response = anonymous.get(ME, headers={"Authorization": value})
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert anonymous.get(ME).headers["WWW-Authenticate"] == "Bearer"
    browser.jar["access_token"] = browser.jar["refresh_token"]
    assert browser.get(ME).status_code == 401
    assert anonymous.get(ME, headers={"Authorization": f"bearer {customer.token}"}).status_code == 200


def test_who_asks_takes_one_statement_and_writes_nothing(customer: Person) -> None:
    with statements() as seen:
        assert customer.get(ME).status_code == 200
    assert len(seen) == 2, "one for the session with its user, one for what is shown"
    assert all(statement.startswith("SELECT") for statement in seen)


def test_the_previous_key_still_verifies_and_the_new_one_signs(
    app: Flask, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, link = Browser(app, customer), forgets(customer, customer.email)
    monkeypatch.setitem(app.config, "SECRET_KEY", ANOTHER_KEY)
    assert refused(app, customer.token or ""), "without the previous key nothing of it counts"
    assert browser.post("/api/auth/refresh").status_code == 401
    with pytest.raises(BadLink):
        auth.link_token(db.session.scalars(select(OneTimeToken)).one())
    monkeypatch.setitem(app.config, "SECRET_KEY_PREVIOUS", SECRET_KEY)
    assert customer.get(ME).status_code == 200
    assert auth.link_token(db.session.scalars(select(OneTimeToken)).one()) == link
    old = browser.jar["access_token"]
    assert browser.post("/api/auth/refresh").status_code == 200
    monkeypatch.setitem(app.config, "SECRET_KEY_PREVIOUS", "")
    assert refused(app, old)
    assert browser.get(ME).status_code == 200, "what was refreshed is signed with the new key"
    assert resets(customer, link) == 204, "a link is found by its hash, whatever the key is now"


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_logging_out_ends_both_tokens(app: Flask, customer: Person) -> None:
    """P-010: replayed, they answer 401; twice is no error."""
    for programs in (False, True):
        browser = Browser(app, customer)
        stolen = dict(browser.jar)
        assert browser.get(ME).status_code == 200
        if programs:
            bearer = {"Authorization": f"Bearer {stolen['access_token']}", "Cookie": ""}
            leaving = Person(app).post("/api/auth/logout", headers=bearer)
        else:
            leaving = browser.post("/api/auth/logout")
            assert browser.jar == {}
        assert leaving.status_code == 204
        browser.jar = dict(stolen)
        assert browser.get(ME).status_code == 401
        assert browser.post("/api/auth/refresh").status_code == 401
        assert Browser(app).post("/api/auth/logout").status_code == 204
    assert customer.get(ME).status_code == 200, "another session of the same person goes on"


def test_logging_out_with_either_cookie_is_enough_and_forged_ones_end_nothing(app: Flask, customer: Person) -> None:
    victim = Browser(app, customer)
    sid = int(victim.jar["refresh_token"].split(".")[0])
    forged = [
        {"refresh_token": f"{sid}.1.{'A' * 43}"}, {"refresh_token": f"{sid + 1000}.1.{'A' * 43}"},
        {"refresh_token": "x"}, {"access_token": signed(claims_of(customer) | {"sid": sid}, key="x" * 40)}, {},
    ]  # fmt: skip
    for jar in forged:
        browser = Browser(app)
        browser.jar = jar
        assert browser.post("/api/auth/logout").status_code == 204
        assert victim.get(ME).status_code == 200, jar
    del victim.jar["access_token"]
    stolen = dict(victim.jar)
    assert victim.post("/api/auth/logout").status_code == 204
    victim.jar = stolen
    assert victim.post("/api/auth/refresh").status_code == 401


def test_refreshing_gives_the_next_tokens(app: Flask, customer: Person) -> None:
    browser = Browser(app, customer)
    before = dict(browser.jar)
    response = browser.post("/api/auth/refresh")
    assert response.status_code == 200
    assert response.json["user"]["id"] == customer.id
    assert "access_token" not in response.json
    assert browser.jar["refresh_token"] != before["refresh_token"]
    assert browser.get(ME).status_code == 200
    assert count(Session) == 2, "the same session: this one, and the bearer's"
    without = Person(app).post("/api/auth/refresh", headers={"Origin": BASE_URL})
    assert without.status_code == 401


def test_two_tabs_may_refresh_at_once_and_a_thief_may_not(
    app: Flask, customer: Person, clock: time_machine.Traveller
) -> None:
    """P-011: within 30 seconds the used token gives the current one again; later it ends the session, for both."""
    browser = Browser(app, customer)
    used = dict(browser.jar)
    clock.shift(60)
    assert browser.post("/api/auth/refresh").status_code == 200
    current = browser.jar["refresh_token"]
    clock.shift(20)
    other_tab = Browser(app)
    other_tab.jar = dict(used)
    assert other_tab.post("/api/auth/refresh").status_code == 200
    assert other_tab.jar["refresh_token"] == current
    clock.shift(20)
    thief = Browser(app)
    thief.jar = dict(used)
    assert thief.post("/api/auth/refresh").status_code == 401
    assert browser.get(ME).status_code == 401, "the session is over"
    assert browser.post("/api/auth/refresh").status_code == 401
    [event] = recorded("session.replayed")
    assert (event.actor_id, event.peer) == (customer.id, "127.0.0.1")
    assert event.request_id


def test_a_token_from_before_the_last_ends_the_session_at_once(app: Flask, customer: Person) -> None:
    browser = Browser(app, customer)
    oldest = dict(browser.jar)
    for _ in range(2):
        assert browser.post("/api/auth/refresh").status_code == 200
    thief = Browser(app)
    thief.jar = oldest
    assert thief.post("/api/auth/refresh").status_code == 401
    assert browser.post("/api/auth/refresh").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    ["{sid}.1", "{sid}.1.x.y", "x.1.{mac}", "{sid}.x.{mac}", "{sid}.1.{other}", "{sid}.2.{mac}", "0{sid}.1.{mac}",
     "{sid}.01.{mac}", "99999999999999999999.1.{mac}", "-1.1.{mac}", "{sid}.1.{mac}x", "", "..",
     "{sid}.１.{mac}", "9.9.é"],
)  # fmt: skip
def test_a_refresh_token_is_ours_to_the_letter(app: Flask, customer: Person, wrong: str) -> None:
    """P-083. A forged one ends nothing."""
    browser = Browser(app, customer)
    right = browser.jar["refresh_token"]
    sid, _, mac = right.split(".")
    forger = Browser(app)
    forger.jar["refresh_token"] = wrong.format(sid=sid, mac=mac, other="A" * len(mac))
    assert forger.post("/api/auth/refresh").status_code == 401
    assert browser.post("/api/auth/refresh").status_code == 200


def test_nobody_is_thrown_out_of_a_form(app: Flask, customer: Person, clock: time_machine.Traveller) -> None:
    """An expired access cookie with its session's refresh cookie is renewed on the way, and nothing is written."""
    browser = Browser(app, customer)
    old = browser.jar["access_token"]
    clock.shift(3600)
    before = count(Session), db.session.scalar(select(func.max(Session.generation)))
    with statements() as seen:
        response = browser.get("/api/users/me")
    assert response.status_code == 200
    assert all(statement.startswith("SELECT") for statement in seen)
    assert [line.partition("=")[0] for line in response.headers.getlist("Set-Cookie")] == ["access_token"]
    assert browser.jar["access_token"] != old
    assert (count(Session), db.session.scalar(select(func.max(Session.generation)))) == before
    only_new = with_token(app, browser.jar["access_token"])
    assert only_new.get(ME).status_code == 200
    assert browser.get(ME).headers.getlist("Set-Cookie") == [], "once is enough"
    browser.jar["access_token"] = old
    assert browser.patch("/api/users/me", {"theme": "dark"}).status_code == 200
    browser.jar["access_token"] = old
    assert browser.post("/api/auth/logout").status_code == 204
    assert browser.jar == {}, "an answer that takes cookies away gives none"


def test_an_expired_token_is_renewed_for_its_own_session_only(
    app: Flask, customer: Person, other: Person, clock: time_machine.Traveller
) -> None:
    browser, second, foreign = Browser(app, customer), Browser(app, customer), Browser(app, other)
    first = dict(browser.jar)
    clock.shift(3600)
    assert browser.post("/api/auth/refresh").status_code == 200
    latest = browser.jar["refresh_token"]

    def renewed(**jar: str) -> bool:
        shown = Browser(app)
        shown.jar = {**first, **jar}
        return shown.get(ME).status_code == 200

    assert renewed(refresh_token=latest)
    assert renewed(refresh_token=first["refresh_token"]), "another tab refreshed a moment ago"
    clock.shift(31)
    assert not renewed(refresh_token=first["refresh_token"])
    assert renewed(refresh_token=latest)
    sid, generation, _ = latest.split(".")
    for wrong in (second.jar["refresh_token"], foreign.jar["refresh_token"], "x", f"{sid}.{generation}.{'A' * 43}"):
        assert not renewed(refresh_token=wrong), wrong
    assert not renewed(access_token="x", refresh_token=latest), "the expired token must be ours, too"
    assert not renewed(access_token=signed(claims_of(customer), key="x" * 40), refresh_token=latest)
    bearer = Person(app).get(
        ME, headers={"Authorization": f"Bearer {first['access_token']}", "Cookie": f"refresh_token={latest}"}
    )
    assert bearer.status_code == 401, "a bearer token is not renewed by a cookie"


def test_a_session_ends_after_thirty_days(app: Flask, clock: time_machine.Traveller, customer: Person) -> None:
    browser = Browser(app, customer)
    for _ in range(29):
        clock.shift(timedelta(days=1))
        assert browser.post("/api/auth/refresh").status_code == 200
    assert browser.get(ME).json["expires_at"] == "2026-06-11T08:00:00Z"
    clock.shift(timedelta(days=1, seconds=1))
    assert browser.get(ME).status_code == 401
    assert browser.post("/api/auth/refresh").status_code == 401
    assert count(Session) == 2
    work()
    assert count(Session) == 0, "and is purged"


def test_rights_are_decided_now_in_every_process(app: Flask, customer: Person, other: Person, admin: Person) -> None:
    """TRUST 4: logout, deactivation, demotion, a new password: at the next request, elsewhere and after a restart."""
    agent = Person.made(app, "agent")
    with another(app) as elsewhere:
        there = {name: with_token(elsewhere, person.token or "") for name, person in
                 {"customer": customer, "other": other, "agent": agent}.items()}  # fmt: skip
        assert {name: person.get(ME).status_code for name, person in there.items()} == dict.fromkeys(there, 200)
        assert there["agent"].get("/api/tasks").status_code == 200
        assert customer.post("/api/auth/logout").status_code == 204
        assert admin.patch(f"/api/users/{other.id}", {"is_active": False}).status_code == 200
        assert admin.patch(f"/api/users/{agent.id}", {"role": "customer"}).status_code == 200
        assert there["customer"].get(ME).status_code == there["other"].get(ME).status_code == 401
        assert there["agent"].get("/api/tasks").status_code == 403, "P-016: not only when the token expires"
        assert there["agent"].get(ME).json["user"]["role"] == "customer"
    with another(app) as restarted:
        assert with_token(restarted, customer.token or "").get(ME).status_code == 401
        assert with_token(restarted, other.token or "").get(ME).status_code == 401
        assert with_token(restarted, agent.token or "").get(ME).status_code == 200


def test_the_deactivated_are_out_at_once(app: Flask, anonymous: Person, admin: Person) -> None:
    """P-015: access, refresh, login, and the flag alone is enough."""
    agent = Person.made(app, "agent")
    browser, by_flag = Browser(app, agent), Browser(app, agent)
    assert browser.get(ME).status_code == 200
    change(agent, is_active=False)
    assert by_flag.get(ME).status_code == 401
    assert by_flag.post("/api/auth/refresh").status_code == 401
    change(agent, is_active=True)
    assert by_flag.get(ME).status_code == 200
    assert admin.patch(f"/api/users/{agent.id}", {"is_active": False}).status_code == 200
    assert browser.get(ME).status_code == browser.post("/api/auth/refresh").status_code == 401
    assert same(login(anonymous, agent.username), login(anonymous, "nobody"))
    assert admin.patch(f"/api/users/{agent.id}", {"is_active": True}).status_code == 200
    assert browser.get(ME).status_code == 401, "what ended stays ended"
    assert login(anonymous, agent.username).status_code == 200


# --- registering ------------------------------------------------------------------------------------------------------


def test_anybody_registers_and_is_a_customer(app: Flask, anonymous: Person) -> None:
    token = registers(anonymous, username="Ines", email=" Ines@Campus.Test ", name="Inês Paz")
    assert count(User) == 0, "nobody is made before the address is proven"
    response = confirms(anonymous, token, "the password given here")
    assert response.status_code == 200
    user = response.json["user"]
    assert (user["username"], user["name"], user["email"], user["role"]) == (
        "ines",
        "Inês Paz",
        "Ines@Campus.Test",
        "customer",
    )
    assert with_token(app, response.json["access_token"]).get(ME).status_code == 200
    assert login(anonymous, "ines@campus.test", NEW_PASSWORD).status_code == 401, "not the one given when registering"
    assert login(anonymous, "INES@CAMPUS.TEST", "the password given here").status_code == 200
    assert [event.actor_id for event in recorded("account.confirmed")] == [user["id"]]


def test_registering_does_not_tell_who_has_an_account(anonymous: Person, customer: Person, other: Person) -> None:
    """P-004, P-006: same status, body and statements; only the owner of the address learns of it."""
    change(other, is_active=False)
    answers, sql = [], []
    for n, email in enumerate(("fresh@campus.test", customer.email, f" {customer.email.title()} ", other.email)):
        body = {"username": f"somebody{n}", "email": email, "password": NEW_PASSWORD}
        with statements() as seen:
            answers.append(anonymous.post("/api/auth/register", body))
        sql.append(tuple(seen))
    assert answers[0].status_code == 202
    assert same(*answers)
    assert len(set(sql)) == 1
    assert len(mails("fresh@campus.test")) == 1
    told = mails(customer.email)
    assert len(told) == 2
    assert all("/account/forgot" in mail["text"] and "token=" not in mail["text"] for mail in told)
    assert mails(other.email) == [], "the deactivated hear nothing"
    assert count(User) == 2
    taken = anonymous.post(
        "/api/auth/register",
        {"username": customer.username.upper(), "email": "x@campus.test", "password": NEW_PASSWORD},
    )
    assert taken.status_code == 409, "usernames are public"
    assert list(taken.json["errors"]) == ["username"]


def test_the_last_registration_of_an_address_counts(anonymous: Person) -> None:
    first, second = registers(anonymous), registers(anonymous, username="ines2")
    assert confirms(anonymous, first).status_code == 400
    response = confirms(anonymous, second)
    assert response.json["user"]["username"] == "ines2"
    assert confirms(anonymous, second).status_code == 400, "once"
    assert count(User) == 1


def test_a_confirmation_is_good_for_two_days(anonymous: Person, clock: time_machine.Traveller) -> None:
    token = registers(anonymous)
    clock.shift(timedelta(hours=48, seconds=1))
    late = confirms(anonymous, token)
    assert late.status_code == 400
    assert late.json["type"].endswith(":bad-link")
    assert count(User) == 0
    token = registers(anonymous)
    clock.shift(timedelta(hours=47))
    assert confirms(anonymous, token).status_code == 200


def test_a_username_taken_in_the_meantime_is_said(
    anonymous: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = registers(anonymous)
    change(customer, username="ines")
    response = confirms(anonymous, token)
    assert (response.status_code, list(response.json["errors"])) == (409, ["username"])
    change(customer, username="jonas")
    assert confirms(anonymous, token).status_code == 200, "the link is not used up by it"


def test_of_two_who_take_a_username_at_once_one_is_told(
    anonymous: Person, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked before either wrote: then the database decides, and it is a 409 and no bug."""
    token = registers(anonymous)
    account_of = accounts._account_of

    def raced(token: OneTimeToken) -> User:
        scalar = db.session.scalar
        with monkeypatch.context() as patch:
            patch.setattr(
                db.session, "scalar", lambda found: None if "username" in str(found.whereclause) else scalar(found)
            )
            change_now(customer, "ines")
            return account_of(token)

    def change_now(person: Person, username: str) -> None:
        db.session.execute(update(User).where(User.id == person.id).values(username=username))

    monkeypatch.setattr(accounts, "_account_of", raced)
    response = confirms(anonymous, token)
    assert (response.status_code, list(response.json["errors"])) == (409, ["username"])
    assert row_of(customer).username == customer.username, "nothing of it is kept"
    monkeypatch.undo()
    assert confirms(anonymous, token).status_code == 200


def test_a_guest_becomes_a_customer_in_place(anonymous: Person, customer: Person) -> None:
    number = customer.reports()
    change(customer, username=None, password_hash=None, name="Guest")
    response = confirms(anonymous, registers(anonymous, email=customer.email, name="Jonas"))
    assert response.status_code == 200
    assert response.json["user"]["id"] == customer.id
    seen = with_token(anonymous.app, response.json["access_token"]).sees(number)
    assert seen["reporter"]["name"] == "Jonas"


def test_a_link_dies_with_the_account_it_was_for(anonymous: Person, customer: Person, other: Person) -> None:
    change(customer, username=None, password_hash=None)
    guest = registers(anonymous, email=customer.email)
    change(customer, is_active=False)
    assert confirms(anonymous, guest).status_code == 400
    change(customer, is_active=True, password_hash=row_of(other).password_hash)
    assert confirms(anonymous, guest).status_code == 400, "they have a password by now"
    reset = forgets(other, other.email)
    change(other, is_active=False)
    assert resets(other, reset) == 400
    change(other, is_active=True)
    assert resets(other, reset) == 204


def test_only_listed_domains_may_register(app: Flask, anonymous: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "REGISTRATION_DOMAINS", ["campus.test", "alumni.campus.test"])
    body = {"username": "ines", "password": NEW_PASSWORD}
    for email in ("ines@evil.test", "ines@campus.test.evil.test", "ines@sub.campus.test", "campus.test@evil.test"):
        response = anonymous.post("/api/auth/register", {**body, "email": email})
        assert (response.status_code, list(response.json["errors"])) == (422, ["email"])
    assert mails() == []
    assert anonymous.post("/api/auth/register", {**body, "email": "ines@Campus.Test"}).status_code == 202
    assert len(mails("ines@Campus.Test")) == 1


# --- invitations ------------------------------------------------------------------------------------------------------


def invites(admin: Person, **fields: Any) -> tuple[int, str]:
    body = {"email": "sam@campus.test", "name": "Sam Okafor", "role": "agent", **fields}
    response = admin.post("/api/users", body)
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.json["id"], link_in(mails(body["email"])[0])


def test_an_invitation_is_good_once_and_for_72_hours(app: Flask, admin: Person, clock: time_machine.Traveller) -> None:
    """P-021."""
    admin.signs_in()
    user_id, late = invites(admin)
    clock.shift(timedelta(hours=72, seconds=1))
    assert confirms(admin, late).status_code == 400
    admin.signs_in()
    assert admin.post(f"/api/users/{user_id}/invite").status_code == 202
    clock.shift(timedelta(hours=71))
    token = link_in(mails("sam@campus.test")[0])
    response = confirms(admin, token)
    assert (response.status_code, response.json["user"]["id"], response.json["user"]["role"]) == (200, user_id, "agent")
    assert confirms(admin, token, "and another password").status_code == 400
    assert login(admin, "sam@campus.test", NEW_PASSWORD).status_code == 200


def test_inviting_again_ends_the_invitation_before(admin: Person) -> None:
    user_id, first = invites(admin)
    again = admin.post("/api/users", {"email": "sam@campus.test", "name": "Somebody else", "role": "admin"})
    assert (again.status_code, list(again.json["errors"])) == (409, ["email"]), "what was said of them stays"
    assert admin.post(f"/api/users/{user_id}/invite").status_code == 202
    second = link_in(mails("sam@campus.test")[0])
    assert confirms(admin, first).status_code == 400
    assert confirms(admin, second).json["user"]["role"] == "agent"


def test_registering_does_not_renew_an_invitation_that_is_over(
    anonymous: Person, admin: Person, clock: time_machine.Traveller
) -> None:
    """Whoever registers is a customer: an invitation as an agent is not valid for ever by that way."""
    admin.signs_in()
    user_id, _ = invites(admin)
    clock.shift(timedelta(hours=73))
    response = confirms(anonymous, registers(anonymous, username="sammy", email="sam@campus.test"))
    assert (response.json["user"]["id"], response.json["user"]["role"]) == (user_id, "customer")


def test_registering_while_invited_sends_the_invitation_again(
    anonymous: Person, admin: Person, clock: time_machine.Traveller
) -> None:
    """So that a stranger can neither choose an invited person's name nor make their invitation last longer."""
    admin.signs_in()
    user_id, token = invites(admin)
    clock.shift(timedelta(hours=71))
    again = registers(anonymous, username="eve", email="sam@campus.test", name="Eve")
    assert again == token
    clock.shift(timedelta(hours=2))
    assert confirms(anonymous, again).status_code == 400
    assert db.session.get_one(User, user_id).username == "sam"


def test_an_invitation_of_somebody_who_registered_meanwhile_sets_no_password(anonymous: Person, admin: Person) -> None:
    registered = registers(anonymous, username="sam", email="sam@campus.test")
    user_id, invitation = invites(admin, username="sam.o")
    response = confirms(anonymous, registered, "what they chose themselves")
    assert (response.json["user"]["id"], response.json["user"]["role"]) == (user_id, "agent")
    assert confirms(anonymous, invitation).status_code == 400
    assert login(anonymous, "sam", "what they chose themselves").status_code == 200


# --- forgotten passwords ----------------------------------------------------------------------------------------------


def test_a_reset_ends_every_session_and_the_owner_is_told(app: Flask, anonymous: Person, customer: Person) -> None:
    """P-020."""
    browser = Browser(app, customer)
    token = forgets(customer, customer.email)
    assert resets(customer, token) == 204
    assert browser.get(ME).status_code == browser.post("/api/auth/refresh").status_code == 401
    assert customer.get(ME).status_code == 401
    assert login(anonymous, customer.username).status_code == 401
    assert login(anonymous, customer.username, NEW_PASSWORD).status_code == 200
    notice = mails(customer.email)
    assert len(notice) == 2
    assert "token=" not in notice[0]["text"]
    assert [event.target for event in recorded("password.reset")] == [f"user:{customer.id}"]


def test_a_reset_link_is_good_once_for_two_hours_and_only_the_last(
    customer: Person, clock: time_machine.Traveller
) -> None:
    """P-018."""
    first = forgets(customer, customer.email)
    second = forgets(customer, customer.email)
    assert first != second
    assert resets(customer, first) == 400, "superseded"
    assert resets(customer, second) == 204
    assert resets(customer, second, "and another password") == 400, "used"
    third = forgets(customer, customer.email)
    clock.shift(timedelta(hours=2, seconds=1))
    assert resets(customer, third) == 400, "too old"
    assert login(customer, customer.username, NEW_PASSWORD).status_code == 200
    raw = base64.urlsafe_b64decode(third + "=")
    assert len(raw) * 8 >= 128


def test_links_are_kept_as_hashes_only(anonymous: Person, customer: Person) -> None:
    token = forgets(customer, customer.email)
    [row] = db.session.execute(select(OneTimeToken.hash, OneTimeToken.payload)).all()
    assert row.hash == hashlib.sha256(token.encode()).hexdigest()
    stored = [str(payload) for payload in db.session.scalars(select(Job.payload))]
    assert not any(token in text for text in (*stored, str(row.payload)))
    assert resets(customer, token) == 204


def test_asking_for_a_reset_does_not_tell_who_has_an_account(
    anonymous: Person, customer: Person, other: Person, agent: Person
) -> None:
    """P-019: the same answer and statements, and no mail but to who has a password to forget."""
    change(other, is_active=False)
    change(agent, password_hash=None)
    answers, sql = [], []
    for email in ("nobody@campus.test", customer.email, other.email, agent.email, customer.username + "@evil.test"):
        with statements() as seen:
            answers.append(anonymous.post("/api/auth/password/forgot", {"email": email}))
        sql.append(tuple(seen))
    assert answers[0].status_code == 202
    assert same(*answers)
    assert len(set(sql)) == 1
    assert {mail["to"].rpartition("<")[2].rstrip(">") for mail in mails()} == {customer.email}


def test_links_begin_with_our_own_address(anonymous: Person, customer: Person) -> None:
    """P-017: whatever the request claims to be asked for."""
    for headers in (
        {"Host": "evil.test"},
        {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=evil.test"},
    ):
        response = anonymous.post("/api/auth/password/forgot", {"email": customer.email}, headers=headers)
        assert response.status_code in (202, 400)
        sent = mails(customer.email)[0]
        assert "evil.test" not in sent["text"] + sent["html"]
        assert f"{BASE_URL}/account/reset?token=" in sent["text"]
    assert resets(customer, link_in(sent)) == 204


def test_a_new_password_ends_the_links_from_before(customer: Person) -> None:
    """Somebody else may sit in the mailbox, or at the browser: what they asked for is void."""
    reset = forgets(customer, customer.email)
    moving = {"email": "elsewhere@evil.test", "current_password": PASSWORD}
    assert customer.patch("/api/users/me", moving).status_code == 200
    address = link_in(mails("elsewhere@evil.test")[0])
    change = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    assert customer.post("/api/auth/password/change", change).status_code == 204
    assert resets(customer, reset, "what a thief would set") == 400
    assert customer.post("/api/auth/address", {"token": address}).status_code == 400
    assert row_of(customer).email == customer.email
    assert resets(customer, forgets(customer, customer.email), "what the owner sets") == 204


def test_a_link_is_for_its_purpose_alone(anonymous: Person, customer: Person, admin: Person) -> None:
    """P-083: and a changed one is none."""
    reset, invitation = forgets(customer, customer.email), invites(admin)[1]
    assert confirms(anonymous, reset).status_code == 400
    assert resets(customer, invitation) == 400
    assert anonymous.post("/api/auth/address", {"token": reset}).status_code == 400
    for changed in (reset[:-1], reset + "A", reset.swapcase(), "A" * 43, "é" * 43, "%00" * 10):
        assert resets(customer, changed) == 400
    assert resets(customer, "short") == 422
    assert resets(customer, reset) == 204
    assert confirms(anonymous, invitation).status_code == 200


def test_links_that_are_over_are_purged(anonymous: Person, customer: Person, clock: time_machine.Traveller) -> None:
    registers(anonymous)
    clock.shift(timedelta(days=2))
    forgets(customer, customer.email)
    assert count(OneTimeToken) == 2
    clock.shift(timedelta(days=7, hours=1))
    work()
    assert [row.purpose for row in db.session.execute(select(OneTimeToken.purpose))] == [TokenPurpose.RESET]


def test_a_link_whose_key_is_gone_is_not_mailed(app: Flask, customer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    Person(app).post("/api/auth/password/forgot", {"email": customer.email})
    work_once(app, "forgotten")
    monkeypatch.setitem(app.config, "SECRET_KEY", ANOTHER_KEY)
    assert mails(customer.email) == []
    assert forgets(customer, customer.email)


def work_once(app: Flask, kind: str) -> None:
    """Let the worker do jobs up to and including the first of this kind."""
    from helpdesk import jobs

    db.session.remove()
    while True:
        waiting = db.session.scalars(select(Job.kind).where(Job.state == "ready").order_by(Job.run_at, Job.id)).first()
        assert jobs.run_one()
        if waiting == kind:
            return


def test_tokens_and_links_never_repeat(app: Flask, customer: Person) -> None:
    seen = []
    for _ in range(3):
        browser = Browser(app, customer)
        seen += [*browser.jar.values(), forgets(customer, customer.email)]
    assert all(a != b for a, b in pairwise(sorted(seen)))


def test_a_password_that_was_reset_meanwhile_opens_nothing(customer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old password was right when it was asked for, and no longer when the new one is written."""
    change = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    before = auth.hash_password

    def overtaken(password: str) -> str:
        begin_write()
        db.session.execute(update(User).where(User.id == customer.id).values(password_hash=before("the owner's own")))
        db.session.commit()
        return before(password)

    with monkeypatch.context() as patch:
        patch.setattr(accounts, "hash_password", overtaken)
        assert customer.post("/api/auth/password/change", change).status_code == 401
    assert login(customer, customer.username, NEW_PASSWORD).status_code == 401
    assert login(customer, customer.username, "the owner's own").status_code == 200
    again = {"current_password": "the owner's own", "password": NEW_PASSWORD}
    assert customer.post("/api/auth/password/change", again).status_code == 204


def test_logging_in_brings_a_hash_to_the_cost_of_today(app: Flask, customer: Person) -> None:
    app.config["BCRYPT_ROUNDS"] = 5
    try:
        assert login(customer, customer.username).status_code == 200
        assert row_of(customer).password_hash.startswith("$2b$05$")
        assert login(customer, customer.username).status_code == 200
    finally:
        app.config["BCRYPT_ROUNDS"] = 4


def test_nobody_may_do_anything() -> None:
    for action in policy.Action:
        with pytest.raises(NotSignedIn):
            policy.require(policy.ANONYMOUS, action)
        policy.require(policy.SYSTEM, action)


# --- workers that die -------------------------------------------------------------------------------------------------


def _dies_after(kind: str) -> None:
    """Do a job of this kind, and write nowhere that it was done; then do everything there is, it included."""
    job = jobs.claim()
    assert job is not None and job.kind == kind
    jobs.HANDLERS[kind](job)
    db.session.remove()
    work()
    db.session.execute(update(Job).where(Job.id == job.id).values(state=JobState.READY))
    db.session.commit()
    work()


def test_a_registration_whose_worker_died_gives_one_link_that_works(anonymous: Person) -> None:
    body = {"username": "ines", "email": "ines@campus.test", "password": NEW_PASSWORD}
    assert anonymous.post("/api/auth/register", body).status_code == 202
    _dies_after("registration")
    (message,) = mails("ines@campus.test")
    assert confirms(anonymous, link_in(message)).status_code == 200


def test_a_forgotten_password_whose_worker_died_gives_one_link_that_works(anonymous: Person, customer: Person) -> None:
    assert anonymous.post("/api/auth/password/forgot", {"email": customer.email}).status_code == 202
    _dies_after("forgotten")
    (message,) = mails(customer.email)
    assert resets(customer, link_in(message)) == 204
