"""The keyboard: what each key does, and whether keys without a modifier do anything for this person."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, redirect, render_template, request, url_for

from blueprints.staff.shell import desk, pages, show
from blueprints.words import lazy_gettext
from helpdesk import users
from models import db

KEYS = (
    ("j k", lazy_gettext("Next, previous")),
    ("Enter", lazy_gettext("Open")),
    ("x", lazy_gettext("Select")),
    ("/", lazy_gettext("Search")),
    ("Ctrl K", lazy_gettext("Search or jump to")),
    ("n", lazy_gettext("New ticket")),
    ("r", lazy_gettext("Reply")),
    ("c", lazy_gettext("Internal note")),
    ("i", lazy_gettext("Assign to me")),
    ("e", lazy_gettext("Resolve")),
    ("u", lazy_gettext("Back to the list")),
    ("Ctrl Enter", lazy_gettext("Send")),
    ("Esc", lazy_gettext("Close or clear")),
    ("?", lazy_gettext("This list")),
)
"""The script `frontend/src/staff/keys.js` does them."""


@pages.get("/keys")
def keys() -> Response:
    """With `HX-Request` the list alone."""
    actor = desk()
    if request.headers.get("HX-Request") == "true":
        return current_app.response_class(render_template("staff/_keys.html", keys=KEYS))
    return show(actor, "keys.html", keys=KEYS)


@pages.post("/keys")
def switch_keys() -> Any:
    actor = desk()
    users.edit_me(actor, {"has_shortcuts": request.form.get("has_shortcuts") == "on"})
    db.session.commit()
    return redirect(url_for("staff.keys"), 303)
