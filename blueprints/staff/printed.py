"""A ticket on paper: the whole conversation, and nothing to press."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, render_template, request

from blueprints.staff import timeline
from blueprints.staff.shell import desk, pages
from blueprints.staff.ticket import ONE
from helpdesk import comments, images, tickets
from models import Audience

AT_ONCE, AT_MOST = 500, 2000
"""Rows of the history, read and printed."""
LETTERS_AT_MOST = 3 * comments.TEXT_PER_PAGE


@pages.get(f"{ONE}/print")
def printed(ticket_id: int) -> Response:
    """What the customers' side may read of it; with `?notes=1` what the staff wrote for themselves, too."""
    actor = desk()
    ticket = tickets.show_one(actor, ticket_id)
    with_notes = request.args.get("notes") == "1"
    rows: list[Any] = []
    after = letters = 0
    while len(rows) < AT_MOST and letters < LETTERS_AT_MOST:
        found = comments.since(actor, ticket_id, after=after, limit=AT_ONCE)
        if not found:
            break
        shown = found[: comments.how_many(found, AT_ONCE)]
        rows += shown
        letters += sum(len(row.comment_text or "") for row in shown)
        after = shown[-1].id
    told = [row for row in rows if not comments.is_gone(row) and (with_notes or row.visibility != Audience.INTERNAL)]
    history = timeline.items(told, ticket)
    page = render_template(
        "staff/print.html",
        ticket=ticket,
        history=history,
        photos=images.beside(actor, ticket_id, timeline.comment_ids(history)),
        with_notes=with_notes,
        is_cut=len(rows) >= AT_MOST or letters >= LETTERS_AT_MOST,
    )
    return current_app.response_class(page)
