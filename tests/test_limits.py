"""How often something may be tried: by account and true address, counted over all processes, whichever part is down."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
import time_machine
from flask import Flask
from sqlalchemy import func, select

from helpdesk import limits
from helpdesk.limits import LOGIN, Limit
from models import RateLimit, db
from tests.doors import NEW_PASSWORD, another, at, login
from tests.factories import Person, mails, work

REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/5")


def _answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url, socket_connect_timeout=1).ping())
    except redis.RedisError:
        return False


STORES = ["database", "redis that is down", *(["redis"] if _answers(REDIS_URL) else [])]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, app: Flask, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each place where limits may be kept; where Redis is named and does not answer, the database takes over."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"redis://127.0.0.1:{unused.getsockname()[1]}/0"
    url = {"database": "", "redis that is down": nobody, "redis": REDIS_URL}[request.param]
    monkeypatch.setitem(app.config, "REDIS_URL", url)
    return str(request.param)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until a test moves it, so that a slow machine gives no attempts back."""
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def somewhere() -> str:
    """A client's address that no other test comes from: Redis is shared between the suite's processes."""
    number = uuid.uuid4().int
    return f"10.{number % 250}.{number // 250 % 250}.{number // 62500 % 250}"


def counted() -> int:
    """Buckets in the database."""
    db.session.remove()
    return db.session.scalar(select(func.count()).select_from(RateLimit)) or 0


def guesses(person: Person, address: str, times: int, **headers: str) -> list[int]:
    """The statuses of so many wrong passwords for somebody."""
    return [login(person, person.username, "a guess", **at(address), headers=headers).status_code for _ in range(times)]


# --- the bucket -------------------------------------------------------------------------------------------------------


def test_a_bucket_gives_its_burst_at_once_and_then_one_at_a_time(store: str, clock: time_machine.Traveller) -> None:
    limit, subject = Limit("test", burst=3, every=10), uuid.uuid4().hex
    assert [limits.wait_seconds(limit, subject) for _ in range(3)] == [0, 0, 0]
    assert limits.wait_seconds(limit, subject) == pytest.approx(10)
    clock.shift(4)
    assert limits.wait_seconds(limit, subject) == pytest.approx(6), "an attempt that must wait is not counted"
    assert limits.wait_seconds(limit, uuid.uuid4().hex) == 0, "others have their own"
    assert limits.wait_seconds(Limit("other", burst=1, every=10), subject) == 0
    clock.shift(6)
    assert limits.wait_seconds(limit, subject) == 0
    assert limits.wait_seconds(limit, subject) > 0
    limits.forget(limit, subject)
    db.session.commit()
    assert [limits.wait_seconds(limit, subject) == 0 for _ in range(4)] == [True, True, True, False]
    clock.shift(3600)
    assert [limits.wait_seconds(limit, subject) == 0 for _ in range(4)] == [True, True, True, False], (
        "it never overflows"
    )
    assert (counted() == 0) == (store == "redis")


def test_a_clock_that_jumps_back_keeps_nobody_out(store: str, clock: time_machine.Traveller) -> None:
    """TRUST 26: two hours, a day; and a few seconds between two machines give no attempt away."""
    limit, subject = Limit("test", burst=2, every=10), uuid.uuid4().hex
    assert [limits.wait_seconds(limit, subject) == 0 for _ in range(3)] == [True, True, False]
    clock.shift(-5)
    assert 0 < limits.wait_seconds(limit, subject) <= 15
    for jump in (timedelta(hours=-2), timedelta(days=-1)):
        clock.shift(jump)
        assert [limits.wait_seconds(limit, subject) == 0 for _ in range(3)] == [True, True, False]


def test_a_limit_counts_over_all_processes_at_once(app: Flask, store: str) -> None:
    """TRUST 13: of forty attempts in two processes, fired together, the burst passes and not one more."""
    subject, free, ready = uuid.uuid4().hex, [], threading.Barrier(8)
    with another(app) as elsewhere:

        def fire(mine: Flask) -> None:
            with mine.app_context():
                ready.wait(timeout=30)
                free.extend(limits.wait_seconds(LOGIN, subject) == 0 for _ in range(5))
                db.session.remove()

        threads = [threading.Thread(target=fire, args=(mine,)) for mine in (app, elsewhere) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert len(free) == 40
    assert sum(free) == LOGIN.burst


def test_full_buckets_are_thrown_away(app: Flask, clock: time_machine.Traveller) -> None:
    limits.wait_seconds(Limit("test", burst=1, every=10), "short")
    limits.wait_seconds(Limit("test", burst=1, every=10**6), "long")
    assert counted() == 2
    clock.shift(timedelta(hours=2))
    work()
    assert counted() == 1


# --- logging in -------------------------------------------------------------------------------------------------------


def test_guessing_is_stopped_and_the_owner_is_not_locked_out(
    store: str, anonymous: Person, customer: Person, other: Person, somewhere: str, clock: time_machine.Traveller
) -> None:
    """P-073: 429 by the tenth failure in a minute; from elsewhere the right password still counts."""
    statuses = []
    for _ in range(20):
        statuses += guesses(customer, somewhere, 1)
        clock.shift(3)
    assert set(statuses) == {401, 429}
    assert 429 in statuses[:10]
    assert statuses.count(401) < 10
    guesses(customer, somewhere, 5)
    stopped = login(anonymous, customer.username, **at(somewhere))
    assert stopped.status_code == 429, "right or wrong is not said any more"
    assert stopped.json["type"].endswith(":too-many")
    assert login(anonymous, customer.username, **at("10.251.0.1")).status_code == 200
    assert login(anonymous, other.username, **at(somewhere)).status_code == 200
    clock.shift(int(stopped.headers["Retry-After"]))
    assert login(anonymous, customer.username, **at(somewhere)).status_code == 200


def test_unknown_accounts_are_limited_alike(anonymous: Person, customer: Person) -> None:
    """P-001: that too would tell who has an account."""
    anonymous.username = "nobody"
    assert guesses(customer, "10.0.0.1", 7) == guesses(anonymous, "10.0.0.1", 7) == [401] * 4 + [429] * 3


def test_the_right_password_gives_the_attempts_back(store: str, customer: Person, somewhere: str) -> None:
    for _ in range(3):
        assert guesses(customer, somewhere, 3) == [401] * 3
        assert login(customer, customer.username, **at(somewhere)).status_code == 200
    assert guesses(customer, somewhere, 5) == [401] * 4 + [429]


def test_the_ways_to_write_a_name_share_its_attempts(customer: Person) -> None:
    names = (customer.username, customer.username.upper(), f" {customer.username} ", customer.username.title())
    assert [login(customer, name, "a guess").status_code for name in names * 2] == [401] * 4 + [429] * 4


def test_what_a_client_says_of_its_address_does_not_count(customer: Person, somewhere: str) -> None:
    """TRUST 13: forwarding headers rotate, the peer stays."""
    statuses = []
    for number in range(10):
        told = f"198.51.100.{number}"
        statuses += guesses(
            customer, somewhere, 1,
            **{"X-Forwarded-For": told, "X-Real-IP": told, "Forwarded": f"for={told}", "X-Client-IP": told},
        )  # fmt: skip
    assert statuses == [401] * 4 + [429] * 6


def test_a_trusted_proxy_says_who_asks_and_nobody_else_does(app: Flask, customer: Person) -> None:
    with another(app, TRUSTED_PROXIES="10.200.0.0/16") as behind:
        person = Person(behind)
        person.username = customer.username

        def through(peer: str, forwarded: str) -> list[int]:
            return guesses(person, peer, 6, **{"X-Forwarded-For": forwarded})

        assert through("10.200.0.1", "198.51.100.1") == [401] * 4 + [429] * 2
        assert through("10.200.0.1", "198.51.100.2") == [401] * 4 + [429] * 2, "another client behind the proxy"
        assert through("10.200.0.1", "203.0.113.5, 198.51.100.2") == [429] * 6, (
            "what the client itself wrote is left of it"
        )
        assert through("198.51.100.9", "198.51.100.3") == [401] * 4 + [429] * 2, "no proxy: its own address counts"
        assert through("198.51.100.9", "198.51.100.4") == [429] * 6
        right = login(person, customer.username, **at("10.200.0.1"), headers={"X-Forwarded-For": "198.51.100.4"})
        assert right.status_code == 200


def test_one_client_tries_only_so_many_accounts(anonymous: Person, customer: Person, somewhere: str) -> None:
    for _ in range(limits.LOGIN_PEER.burst - 2):
        limits.check(limits.LOGIN_PEER, somewhere)
    statuses = [login(anonymous, f"nobody{n}", "a guess", **at(somewhere)).status_code for n in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert login(anonymous, customer.username, **at(somewhere)).status_code == 429
    assert login(anonymous, customer.username, **at("10.251.0.2")).status_code == 200


# --- mails ------------------------------------------------------------------------------------------------------------


def forgets(person: Person, email: str, address: str) -> int:
    response = Person(person.app).post("/api/auth/password/forgot", {"email": email}, **at(address))
    return response.status_code


def test_three_reset_mails_an_hour_and_the_answer_does_not_say_so(
    app: Flask, store: str, somewhere: str, clock: time_machine.Traveller
) -> None:
    """P-074."""
    # names that no other test has: Redis is shared between the suite's processes
    person, second = (Person.made(app, "customer", username=f"c{uuid.uuid4().hex[:8]}") for _ in range(2))
    for _ in range(10):
        assert forgets(person, person.email, somewhere) == 202
        work()
        clock.shift(60)
    assert len(mails(person.email)) == 3
    assert forgets(second, second.email, somewhere) == 202
    assert len(mails(second.email)) == 1, "others have their own"
    clock.shift(3600)
    assert forgets(person, person.email.upper(), somewhere) == 202
    assert len(mails(person.email)) == 4


def test_one_client_asks_for_only_so_many_mails(anonymous: Person, customer: Person, somewhere: str) -> None:
    """P-071: thirty resets, sixty registrations, and no victim gets more than three."""
    statuses = [forgets(anonymous, f"victim{n}@elsewhere.test", somewhere) for n in range(31)]
    assert statuses == [202] * 30 + [429]
    assert forgets(customer, customer.email, "10.251.0.3") == 202
    assert len(mails(customer.email)) == 1

    def registers(number: int, email: str, address: str = somewhere) -> int:
        body = {"username": f"somebody{number}", "email": email, "password": NEW_PASSWORD}
        return anonymous.post("/api/auth/register", body, **at(address)).status_code

    assert [registers(n, "victim@elsewhere.test") for n in range(5)] == [202] * 5
    work()
    links = mails("victim@elsewhere.test")
    assert len(links) == 1, "of three only the last link is good, so the others are not sent any more"
    assert [registers(n, "victim@elsewhere.test", "10.251.0.4") for n in range(5)] == [202] * 5
    assert len(mails("victim@elsewhere.test")) == 1
    assert [registers(n, f"victim{n}@elsewhere.test") for n in range(56)] == [202] * 55 + [429]


def test_an_account_mails_only_so_many_new_addresses(customer: Person, other: Person) -> None:
    """For each is a mail to somebody who may not have asked for it."""
    wish = {"current_password": "correct horse battery staple"}
    statuses = [
        customer.patch("/api/users/me", {**wish, "email": f"victim{n}@elsewhere.test"}).status_code for n in range(7)
    ]
    assert statuses == [200] * 5 + [429] * 2
    assert other.patch("/api/users/me", {**wish, "email": "helen@elsewhere.test"}).status_code == 200


def test_every_limit_says_when_to_come_back(customer: Person, somewhere: str) -> None:
    """P-075."""
    guesses(customer, somewhere, 5)
    refused = login(customer, customer.username, **at(somewhere))
    assert refused.status_code == 429
    assert refused.mimetype == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= LOGIN.every
    assert f"{refused.headers['Retry-After']} seconds" in refused.json["detail"]
