"""The portal's doors: one page, the built app, at each of its addresses. What it shows comes from the JSON API."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, current_app, jsonify, request
from markupsafe import escape

from blueprints.pages import THEME_COOKIE, asset, callable_numbers, place_of_build
from helpdesk.errors import NotFound

pages = Blueprint("portal", __name__)

PATHS = (
    "/", "/report", "/report/sent", "/tickets", "/tickets/<int:ticket_id>", "/login", "/register", "/forgot",
    "/account",
)  # fmt: skip
"""What frontend/src/router.jsx has a view for; anything else is a page that there is not."""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none';"
    " frame-ancestors 'none'"
)
"""As everywhere, and `blob:` for photos that are shown before they are sent."""
MISSING = "frontend/ is not built: run `bash scripts/setup.sh runtime`"


@lru_cache(maxsize=4)
def _built_page(path: str, changed: float) -> str:
    return Path(path).read_text()


def shell() -> Response:
    """The built page, with the name of the place and the reader's theme, so that nothing flashes."""
    path = place_of_build() / "index.html"
    if not path.exists():
        current_app.logger.error(MISSING)
        raise NotFound
    page = _built_page(str(path), path.stat().st_mtime)
    page = page.replace("Campus Helpdesk", str(escape(current_app.config["SITE_NAME"])))
    page = page.replace('<p id="call"></p>', f"<p>{callable_numbers(current_app.config['EMERGENCY_TEXT'])}</p>")
    if (theme := request.cookies.get(THEME_COOKIE)) in ("light", "dark"):
        page = page.replace("<html ", f'<html data-theme="{theme}" ', 1)
    response = current_app.response_class(page)
    response.headers["Content-Security-Policy"] = CSP
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _page(ticket_id: int | None = None) -> Response:
    return shell()


for number, rule in enumerate(PATHS):
    pages.add_url_rule(rule, f"page_{number}", _page)


@pages.get("/manifest.webmanifest")
def manifest() -> Response:
    """So that a phone can keep it beside its other apps."""
    name = current_app.config["SITE_NAME"]
    sizes = {"192x192": "any", "512x512": "any", "maskable": "maskable"}
    response = jsonify(
        id="/", name=name, short_name=name[:12].rstrip(), start_url="/", scope="/", display="standalone",
        background_color="#f5f7f8", theme_color="#ffffff",
        icons=[
            {"src": asset(f"icon-{size}.png"), "sizes": size if "x" in size else "512x512", "type": "image/png",
             "purpose": purpose}
            for size, purpose in sizes.items()
        ],
        shortcuts=[{"name": "Report an issue", "url": "/report"}, {"name": "My tickets", "url": "/tickets"}],
    )  # fmt: skip
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
