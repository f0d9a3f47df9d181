"""The portal at another origin of the same site, as a CDN would serve it: it names where the API is."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response
from playwright.sync_api import Browser, expect
from werkzeug.serving import make_server

from app import create_app
from helpdesk.settings import ROOT
from models import db
from tests.browser.conftest import Visit
from tests.conftest import SECRET_KEY
from tests.factories import PASSWORD, Person


def _listening(app: Flask) -> tuple[str, object]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}", server


@pytest.fixture
def two_origins(app: Flask, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Where the portal is, and where the API."""
    cdn = Flask("cdn", static_folder=str(ROOT / "static"))
    portal, pages = _listening(cdn)
    api_app = create_app(
        ENVIRONMENT="testing",
        DATABASE_URL=app.config["DATABASE_URL"],
        SECRET_KEY=SECRET_KEY,
        PUBLIC_BASE_URL="http://helpdesk.test",
        CORS_ORIGINS=portal,
        BCRYPT_ROUNDS="4",
        LOG_LEVEL="ERROR",
        instance_path=tmp_path,
    )
    api, calls = _listening(api_app)

    @cdn.get("/", defaults={"path": ""})
    @cdn.get("/<path:path>")
    def page(path: str) -> Response:
        text = (ROOT / "static" / "dist" / "index.html").read_text()
        return Response(text.replace('name="api-origin" content=""', f'name="api-origin" content="{api}"'))

    yield portal, api
    for server in (pages, calls):
        server.shutdown()  # type: ignore[attr-defined]
    with api_app.app_context():
        db.engine.dispose()


def test_a_portal_at_another_origin_of_the_site_logs_in_reports_and_shows_photos(
    two_origins: tuple[str, str], chromium: Browser, customer: Person
) -> None:
    portal, api = two_origins
    number = customer.reports(title="The lamp flickers")
    photo_id = customer.uploads(to=number)
    context = chromium.new_context(base_url=portal)
    visit = Visit(context, "http://127.0.0.1")
    page = visit.page
    page.goto("/login")
    page.get_by_label("Username or email").fill(customer.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="The lamp flickers")).to_be_visible()
    page.goto("/report")
    page.get_by_label("What is the problem?").fill("The other lamp flickers")
    page.get_by_label("Facilities").check()
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/tickets/\d+$"))
    assert customer.get("/api/tickets").json["items"][0]["title"] == "The other lamp flickers"
    photo = page.request.get(f"{api}/api/images/{photo_id}/thumbnail", headers={"Origin": portal})
    assert (photo.status, photo.headers["cross-origin-resource-policy"]) == (200, "same-site")
    context.close()
    assert not visit.complaints


def test_a_page_of_a_third_origin_is_answered_nothing(
    two_origins: tuple[str, str], customer: Person, chromium: Browser
) -> None:
    _, api = two_origins
    cdn = Flask("stranger")
    stranger, server = _listening(cdn)
    cdn.add_url_rule("/", view_func=lambda: "<title>stranger</title>")
    context = chromium.new_context()
    assert customer.token
    context.add_cookies([{"name": "access_token", "value": customer.token, "url": api}])
    page = context.new_page()
    page.goto(stranger)
    asked = f"fetch('{api}/api/users/me', {{credentials: 'include'}}).then((a) => a.status, () => 'refused')"
    assert page.evaluate(asked) == "refused"
    context.close()
    server.shutdown()  # type: ignore[attr-defined]
