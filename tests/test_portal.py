"""The portal's doors: one page at each of its addresses, its files, and what it must know before anybody is signed in."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask import Flask

from blueprints import portal
from blueprints.pages import place_of_build
from helpdesk.settings import ROOT
from tests.doors import another, change
from tests.factories import Person
from tests.pages import Page, Reader
from tests.world import short

ADDRESSES = [short(path).format(ticket_id=7) for path in portal.PATHS]


@pytest.fixture
def reader(app: Flask) -> Reader:
    return Reader(app)


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_router_and_the_server_know_the_same_addresses() -> None:
    routes = (ROOT / "frontend" / "src" / "router.jsx").read_text()
    found = {f"/{path}" for path in re.findall(r"path: '([^'*]+)'", routes)} | {"/"}
    assert found == {short(path).replace("{ticket_id}", ":id") for path in portal.PATHS}


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_address_of_the_portal_is_the_built_page(reader: Reader, address: str) -> None:
    response = reader.get(address)
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    assert response.get_data() == reader.get("/").get_data()
    page = Page(response)
    assert page.title == "Campus Helpdesk"
    assert "/report/plain" in page.links  # without JavaScript
    scripts = [str(attributes["src"]) for tag, attributes in page.tags if tag == "script"]
    assert scripts and all(re.fullmatch(r"/static/dist/assets/[\w-]+\.js", script) for script in scripts)
    for script in scripts:
        assert (place_of_build() / script.removeprefix("/static/dist/")).is_file()


def test_what_is_no_address_of_the_portal_is_a_page_that_there_is_not(reader: Reader) -> None:
    for path in ("/nothing", "/report/x", "/tickets/x", "/tickets/-1", "/account/nothing"):
        assert reader.reads(path, 404).says("This room does not exist")
    assert reader.open("POST", "/report", data={}).status_code == 405
    assert reader.get("/").status_code == 200


def test_its_policy_lets_photos_be_shown_before_they_are_sent_and_nothing_else_in(reader: Reader) -> None:
    policy = reader.get("/").headers["Content-Security-Policy"]
    rules = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["object-src"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == rules["form-action"] == "'self'"
    assert rules["img-src"] == "'self' data: blob:"
    assert "unsafe" not in policy
    assert "blob:" not in reader.get("/staff/login").headers["Content-Security-Policy"]
    assert not [tag for tag, attributes in Page(reader.get("/")).tags if tag == "style" or "style" in attributes]


def test_it_is_asked_for_again_and_sent_once(reader: Reader) -> None:
    first = reader.get("/")
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = reader.get("/tickets", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert reader.get("/", headers={"If-None-Match": '"another"'}).status_code == 200


def test_it_has_the_name_of_the_place(app: Flask) -> None:
    with another(app, SITE_NAME="Tom & <Ada>") as named:
        page = Page(Reader(named).get("/"))
        assert page.title == "Tom & <Ada>"
        assert "<Ada>" not in page.html
        assert Reader(named).get("/manifest.webmanifest").json["name"] == "Tom & <Ada>"


def test_without_a_build_it_is_not_there_and_the_log_says_why(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(portal, "place_of_build", lambda: tmp_path)
    with caplog.at_level("ERROR"):
        assert reader.get("/").status_code == 404
    assert portal.MISSING in caplog.text


# --- light and dark ---------------------------------------------------------------------------------------------------


def theme_of(page: Page) -> str | None:
    return next(attributes.get("data-theme") for tag, attributes in page.tags if tag == "html")


@pytest.mark.parametrize("path", ["/", "/account/forgot", "/report/plain", "/staff/login", "/nothing"])
def test_the_cookie_says_the_theme_from_the_first_byte(reader: Reader, path: str) -> None:
    for cookie, theme in (("dark", "dark"), ("light", "light"), ("system", None), ('"><script>', None), ("", None)):
        reader.jar["theme"] = cookie
        assert theme_of(Page(reader.get(path))) == theme
    assert "Cookie" in reader.get(path).vary


def test_another_theme_is_another_page_for_a_cache(reader: Reader) -> None:
    tag = reader.get("/").headers["ETag"]
    reader.jar["theme"] = "dark"
    assert reader.get("/", headers={"If-None-Match": tag}).status_code == 200


def test_ones_own_theme_goes_before_that_of_the_browsers_last_reader(app: Flask, agent: Person) -> None:
    reader = Reader(app, agent)
    reader.jar["theme"] = "light"
    for own, theme in (("dark", "dark"), ("system", None)):
        change(agent, theme=own)
        for path in ("/staff/", "/account/forgot", "/report/plain"):
            assert theme_of(reader.reads(path)) == theme, path


# --- its files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def script() -> Path:
    return next(place_of_build().glob("assets/portal-*.js"))


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("*", "br"),
        ("deflate", None),
        ("", None),
        ("identity", None),
    ],
)
def test_a_built_file_comes_as_small_as_its_reader_takes_it(
    anonymous: Person, script: Path, accepted: str, encoding: str | None
) -> None:
    response = anonymous.get(f"/static/dist/assets/{script.name}", headers={"Accept-Encoding": accepted})
    assert response.status_code == 200
    assert response.headers.get("Content-Encoding") == encoding
    assert response.mimetype == "text/javascript"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Accept-Encoding" in response.vary
    assert "Cookie" not in response.vary
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    ending = {"br": ".br", "gzip": ".gz"}.get(encoding or "", "")
    assert response.data == script.with_name(script.name + ending).read_bytes()
    if encoding == "gzip":
        assert gzip.decompress(response.data) == script.read_bytes()
    response.close()


def test_a_built_file_is_sent_once(anonymous: Person, script: Path) -> None:
    address = f"/static/dist/assets/{script.name}"
    tags = {}
    for accepted in ("br", "gzip", "identity"):
        first = anonymous.get(address, headers={"Accept-Encoding": accepted})
        again = anonymous.get(address, headers={"Accept-Encoding": accepted, "If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        tags[accepted] = first.headers["ETag"]
        first.close()
        again.close()
    assert len(set(tags.values())) == 3  # other bytes, another tag


def test_what_was_not_built_is_not_there(anonymous: Person, script: Path) -> None:
    names = ("nothing.js", "../index.html", "..%2Findex.html", "../../../app.py", ".vite/manifest.json", "a" * 300)
    for name in names:
        response = anonymous.get(f"/static/dist/assets/{name}", headers={"Accept-Encoding": "br"})
        assert response.status_code == 404, name
        assert response.headers["Cache-Control"] == "no-store"
    response = anonymous.get(f"/static/dist/assets/{script.name}")
    assert response.status_code == 200
    response.close()


def test_a_phone_can_keep_it_beside_its_other_apps(anonymous: Person, reader: Reader) -> None:
    response = anonymous.get("/manifest.webmanifest")
    assert response.mimetype == "application/manifest+json"
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    manifest = response.json
    assert (manifest["id"], manifest["start_url"], manifest["scope"]) == ("/", "/", "/")
    assert manifest["name"] == "Campus Helpdesk"
    assert {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        found = anonymous.get(icon["src"])
        assert (found.status_code, found.mimetype) == (200, icon["type"])
        found.close()
    assert {shortcut["url"] for shortcut in manifest["shortcuts"]} <= set(portal.PATHS)
    assert '"/manifest.webmanifest"' in reader.get("/").get_data(as_text=True)


# --- what it must know first ------------------------------------------------------------------------------------------


def test_the_site_says_what_the_settings_say(app: Flask, anonymous: Person) -> None:
    assert anonymous.get("/api/site").json == {
        "name": "Campus Helpdesk", "emergency_text": "", "time_zone": "UTC", "registration_domains": [],
        "held_days": 7,
    }  # fmt: skip
    said = {
        "SITE_NAME": "Northfield", "EMERGENCY_TEXT": "Fire? Call 2222.", "TIME_ZONE": "Europe/Berlin",
        "REGISTRATION_DOMAINS": "Northfield.example, campus.test",
    }  # fmt: skip
    with another(app, **said) as other:
        assert Person(other).get("/api/site").json == {
            "name": "Northfield", "emergency_text": "Fire? Call 2222.", "time_zone": "Europe/Berlin",
            "registration_domains": ["northfield.example", "campus.test"], "held_days": 7,
        }  # fmt: skip
