"""Does the time of an answer tell who has an account? Interleaved rounds at the real cost of a password hash.

    benchmarks/sign_in_timing.py [rounds]

TRUST 5: medians within 10 %, and AUC 0.40 to 0.60: the chance that an answer about an account takes longer than one
about none, where 0.5 tells nothing. Wall time is what a stranger sees, and needs a machine that does nothing else; CPU
time says the same where others work beside it.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask

import setup_db
from app import create_app
from helpdesk import auth
from models import Role, User, begin_write, db, now

PASSWORD = "correct horse battery staple"
WRONG = "incorrect horse battery staple"
Body = Callable[[str, int], dict[str, str]]
Times = dict[str, list[tuple[float, float]]]


def accounts(rounds: int) -> None:
    """One customer a round, and one who may not log in any more: an address is mailed only thrice an hour."""
    hashed = auth.hash_password(PASSWORD)
    begin_write()
    for kind in ("known", "disabled"):
        for n in range(rounds):
            email = f"{kind}{n}@campus.test"
            db.session.add(
                User(
                    username=f"{kind}{n}", name=f"{kind} {n}", email=email, email_normalized=email, role=Role.CUSTOMER,
                    password_hash=hashed, email_verified_at=now(), is_active=kind == "known",
                )
            )  # fmt: skip
    db.session.commit()


def sign_in(kind: str, n: int) -> dict[str, str]:
    name, _, right = kind.partition(", ")
    return {"identifier": f"{name}{n}", "password": PASSWORD if right else WRONG}


def forget(kind: str, n: int) -> dict[str, str]:
    return {"email": f"{kind}{n}@campus.test"}


def register(kind: str, n: int) -> dict[str, str]:
    return {"username": f"new-{kind}{n}", "email": f"{kind}{n}@campus.test", "password": PASSWORD}


def measure(app: Flask, path: str, kinds: list[str], body: Body, rounds: int) -> Times:
    """Wall and CPU seconds of each kind, in an order that changes every round, each from an address of its own."""
    client, times = app.test_client(use_cookies=False), {kind: [] for kind in kinds}
    for n in range(-3, rounds):  # the first ones warm up
        answers = set()
        for kind in random.sample(kinds, len(kinds)):
            peer = f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(256)}"
            sent = body(kind, n % rounds)
            wall, cpu = time.perf_counter(), time.process_time()
            response = client.post(path, json=sent, environ_base={"REMOTE_ADDR": peer})
            if n >= 0:
                times[kind].append((time.perf_counter() - wall, time.process_time() - cpu))
            answers.add(
                (response.status_code, response.get_data().replace(response.headers["X-Request-ID"].encode(), b""))
            )
        assert len(answers) == 1, answers
    return times


def auc(first: list[float], second: list[float]) -> float:
    wins = sum((a > b) + (a == b) / 2 for a in first for b in second)
    return wins / (len(first) * len(second))


def report(title: str, times: Times) -> None:
    print(title)
    for index, clock in enumerate(("wall", "CPU")):
        unknown = [pair[index] for pair in times["unknown"]]
        base = statistics.median(unknown)
        print(f"  {clock}: unknown, median {base * 1000:.2f} ms")
        for kind in list(times)[1:]:
            others = [pair[index] for pair in times[kind]]
            ratio, chance = statistics.median(others) / base, auc(others, unknown)
            holds = 0.9 <= ratio <= 1.1 and 0.4 <= chance <= 0.6
            print(f"    {kind:<16} median x {ratio:.3f}   AUC {chance:.3f}   {'holds' if holds else 'TELLS'}")


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            ENVIRONMENT="testing", BCRYPT_ROUNDS="12", LOG_LEVEL="ERROR", instance_path=Path(folder),
            DATABASE_URL=f"sqlite:///{folder}/helpdesk.db", SECRET_KEY="timing-only-5d0c8f3a1e7b6924-4b1e",
        )  # fmt: skip
        setup_db.main([], app=app)
        with app.app_context():
            accounts(rounds)
            db.session.remove()
        print(f"{rounds} rounds, bcrypt cost {app.config['BCRYPT_ROUNDS']}")
        kinds = ["unknown", "known", "disabled"]
        report("Logging in", measure(app, "/api/auth/login", [*kinds, "disabled, right"], sign_in, rounds))
        report("Forgotten password", measure(app, "/api/auth/password/forgot", kinds, forget, rounds))
        report("Registering", measure(app, "/api/auth/register", kinds, register, rounds))
        with app.app_context():
            db.engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
