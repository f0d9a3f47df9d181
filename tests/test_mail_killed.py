"""A worker that is killed in the middle of sending, again and again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from helpdesk import jobs
from helpdesk.settings import ROOT, SETTINGS
from models import Job, JobState, db
from tests.factories import Person
from tests.servers import MailServer, Serving

KILLS, MAILS = 20, 16
STAGES = ("MAIL", "RCPT", "DATA", "kept")
PATIENCE = 60


class Holding(MailServer):
    """Stops in the middle of a mail, where it is told to, until the line is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.stage, self.passes = "", 0
        self.is_in_the_middle = threading.Event()

    def hold(self, stage: str, *, after: int) -> None:
        self.is_in_the_middle.clear()
        self.stage, self.passes = stage, after

    async def _no(self, stage: str) -> str | None:
        if stage == self.stage:
            if self.passes == 0:
                self.stage = ""
                self.is_in_the_middle.set()
                await asyncio.Event().wait()
            self.passes -= 1
        return None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        said = await super().handle_DATA(server, session, envelope)
        return await self._no("kept") or said


@contextmanager
def a_nursery(app: Flask) -> Iterator[subprocess.Popen[str]]:
    """Starts a worker for each line it is given, and says its number."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for one in SETTINGS:
        value = app.config[one.name]
        if isinstance(value, str | int):
            environment[one.name] = str(value)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forked_workers", app.instance_path], cwd=ROOT, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def starts(nursery: subprocess.Popen[str]) -> int:
    assert nursery.stdin and nursery.stdout
    nursery.stdin.write("\n")
    nursery.stdin.flush()
    return int(nursery.stdout.readline())


def kills(worker: int) -> None:
    os.kill(worker, signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.002)
    pytest.fail("it lives on")


def taken_over() -> None:
    """What the other workers do once a job has stood still for long, by a clock that says so."""
    at = [0.0]
    watch = jobs.Watch(lambda: at[0])
    watch.look()
    at[0] = jobs.LEASE_SECONDS
    watch.look()
    db.session.remove()


def unfinished() -> int:
    db.session.rollback()
    waiting = Job.state.in_((JobState.READY, JobState.RUNNING))
    return db.session.scalar(select(func.count()).select_from(Job).where(Job.kind.in_(("announce", "mail")), waiting))


def test_a_worker_killed_in_the_middle_of_sending_loses_nothing_and_what_comes_twice_says_so(
    app: Flask, serves: Serving, customer: Person
) -> None:
    """On both databases: what takes a job over, and what keeps two from it, are theirs."""
    server, _ = serves(handler=Holding())
    assert isinstance(server, Holding)
    for _ in range(MAILS):
        customer.reports()
    kept_then_killed = 0
    with a_nursery(app) as nursery:
        for number in range(KILLS):
            stage = STAGES[number % len(STAGES)]
            server.hold(stage, after=(number // len(STAGES)) % 2)  # also at the second mail of a connection
            worker = starts(nursery)
            try:
                assert server.is_in_the_middle.wait(PATIENCE), f"nothing was sent, number {number}"
            finally:
                kills(worker)
            kept_then_killed += stage == "kept"
            taken_over()
        last = starts(nursery)
        try:
            end = time.monotonic() + PATIENCE
            while unfinished() and time.monotonic() < end:
                time.sleep(0.02)
        finally:
            kills(last)
    copies = Counter(server.ids)
    twice = sum(copies.values()) - len(copies)
    print(  # noqa: T201  (for whoever asks how it went: pytest -s)
        f"{KILLS} kills, {MAILS} mails, {sum(copies.values())} copies arrived, {twice} of them again, none lost"
    )
    assert len(copies) == MAILS, "each arrived"
    subjects = {message["Message-ID"]: message["Subject"] for message in server.messages}
    assert len(set(subjects.values())) == MAILS, "and a Message-ID stands for one mail"
    assert twice == kept_then_killed
    states = db.session.scalars(select(Job.state).where(Job.kind == "mail")).all()
    assert list(states) == [JobState.DONE] * MAILS
