"""How a search goes on: a list for a script to show below the search box."""

from __future__ import annotations

from flask import Response, current_app, render_template, request

from blueprints.staff.shell import desk, pages
from helpdesk import categories, search, users

MOST_LETTERS = 500


@pages.get("/suggest")
def suggest() -> Response:
    """`q` is the search as far as it is typed. Each option has in `data-value` what its last word may become."""
    actor = desk()
    found = search.complete(request.args.get("q", "")[-MOST_LETTERS:], categories.choices(), users.staff(actor))
    return current_app.response_class(render_template("staff/_suggest.html", found=found))
