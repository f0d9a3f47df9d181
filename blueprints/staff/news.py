"""What happened on a ticket since its page was made: for the page's script, as the page itself would show it."""

from __future__ import annotations

from flask import Response, current_app, render_template, request, url_for

from blueprints.staff import timeline
from blueprints.staff.shell import desk, pages
from blueprints.staff.ticket import ONE, number_before
from helpdesk import comments, images, policy
from helpdesk.schemas import TicketShape

AT_ONCE = 100
_shape = TicketShape()


@pages.get(f"{ONE}/news")
def news(ticket_id: int) -> Response:
    """The items of the timeline after a position, and how the ticket stands; 204 where nothing is new.

    Four statements. `data-seen` is the position to go on from; there may be more at once.
    """
    actor = desk()
    row = policy.get_ticket(actor, ticket_id)
    after = number_before(request.args.get("after", "")) or 0
    rows = comments.since(actor, ticket_id, after=after, limit=AT_ONCE)
    rows = rows[: comments.how_many(rows, AT_ONCE)]
    if not rows:
        return current_app.response_class(status=204)
    ticket = _shape.dump_row(row)
    history = timeline.items([one for one in rows if not comments.is_gone(one)], ticket)
    fragment = render_template(
        "staff/news.html",
        ticket=ticket,
        history=history,
        seen=rows[-1].id,
        photos=images.beside(actor, ticket_id, timeline.comment_ids(history)),
        here=url_for("staff.ticket", ticket_id=ticket_id),
    )
    return current_app.response_class(fragment)
