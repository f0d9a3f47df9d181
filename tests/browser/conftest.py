"""A real browser at a real server: the application of the other tests, listening, and Debian's Chromium."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Response, Route, sync_playwright
from werkzeug.serving import make_server

from helpdesk.settings import ROOT
from tests.factories import Person

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (360, 1440)
THEMES = ("light", "dark")
EXPECTED = re.compile(
    r"status of (401|403|404|409|412|422|429|500|503)|net::ERR_(INTERNET_DISCONNECTED|FAILED|ABORTED)|^htmx:"
)
"""What the browser says on its console of answers that tests ask for."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.once("what a browser does with an answer is the same on both"))
            if not CHROMIUM and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="no Chromium here: apt install chromium"))


@pytest.fixture(scope="session")
def base_url(application: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, application, threaded=True)
    server.log = lambda *args: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """One person's browser. Whatever a page complains of on its console fails the test."""

    def __init__(self, context: BrowserContext, base_url: str) -> None:
        self.context, self.base_url = context, base_url
        self.complaints: list[str] = []
        self.page = self.opens()

    def opens(self) -> Page:
        """Another tab."""
        page = self.context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        page.on("request", self._stays_here)
        return page

    def _hear(self, message: Any) -> None:
        if message.type == "error" and not EXPECTED.search(message.text):
            self.complaints.append(message.text)

    def _stays_here(self, request: Any) -> None:
        if not request.url.startswith((self.base_url, "data:", "blob:")):
            self.complaints.append(f"a request to {request.url}")

    def signs_in(self, person: Person) -> None:
        assert person.token
        self.context.add_cookies([{"name": "access_token", "value": person.token, "url": self.base_url}])

    def axe(self, page: Page | None = None) -> list[str]:
        """What axe-core finds (WCAG 2.2 A and AA, best practice), in a line each."""
        page = page or self.page
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(({ violations }) => violations)")
        return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


Visiting = Callable[..., Visit]


@pytest.fixture
def visits(app: Flask, base_url: str, chromium: Browser) -> Iterator[Visiting]:
    """`visits(person, width=390, theme="dark", …)`: a browser of one's own, signed in if a person is given."""
    made: list[Visit] = []

    def visit(person: Person | None = None, *, width: int = 1440, theme: str = "light", **options: Any) -> Visit:
        phone = width < 600
        context = chromium.new_context(
            base_url=base_url,
            viewport={"width": width, "height": 800 if phone else 900},
            is_mobile=phone,
            has_touch=phone,
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            locale="en-GB",
            **options,
        )
        visit = Visit(context, base_url)
        made.append(visit)
        if person is not None:
            visit.signs_in(person)
        return visit

    yield visit
    for one in made:
        one.context.close()
    for one in made:
        assert not one.complaints


def held_back(route: Route) -> None:
    """For `page.route`: the request never gets an answer."""
    route.abort("internetdisconnected")


POLL = 16_000
"""Milliseconds: a little longer than a page waits between two questions."""


def asks_again(page: Page, address: str) -> Response:
    """Let time pass, by a clock that was installed, until the page has asked for `address` and been answered.

    Once is not enough: a script that is still loading, or that has not read the answer before, lets the moment go by.
    """
    answers: list[Response] = []

    def hear(response: Response) -> None:
        if address in response.url:
            answers.append(response)

    page.on("response", hear)
    for _ in range(10):
        page.clock.run_for(POLL)
        for _ in range(20):
            if answers:
                page.remove_listener("response", hear)
                return answers[0]
            page.wait_for_timeout(50)
    raise AssertionError(f"nobody asked for {address}")
