"""What the composer of a ticket's page does beside sending: saved replies, the draft, taking a reply back.

Its buttons send the ticket's whole form. What was typed comes back in the page, with the photos.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Response, request, url_for

from blueprints import http
from blueprints.staff import forms
from blueprints.staff.forms import first, number
from blueprints.staff.shell import desk, keep_photos, pages
from blueprints.staff.ticket import LOOK, ONE, Sent, drafted, page, sent_form, typed_task
from blueprints.words import gettext
from helpdesk import comments, drafts, policy, replies
from helpdesk.errors import Invalid, NotFound
from helpdesk.policy import Actor
from helpdesk.schemas import PutDraftShape
from models import Audience

INSERT = "insert:"
"""Before the number of a saved reply in what its button sends as `do`."""


@pages.post(f"{ONE}/compose")
def compose(ticket_id: int) -> Response:
    """Put a saved reply behind what was typed, keep it all as a draft, or throw the draft away."""
    actor, photos, sent = desk(), http.photos(), sent_form()
    asked = request.form.get("do", "")
    if asked.startswith(INSERT):
        return _insert(actor, ticket_id, sent, photos, number(asked.removeprefix(INSERT)))
    if asked == "discard":
        return _discard(actor, ticket_id, sent)
    if asked == "draft":
        return _keep(actor, ticket_id, sent, photos)
    return page(actor, ticket_id, sent, photos, asked=LOOK)


def _insert(actor: Actor, ticket_id: int, sent: Sent, photos: http.Photos, reply_id: object) -> Response:
    http.check_origin()
    chosen = first(sent.composer, "audience")
    audience = Audience(chosen) if chosen in set(Audience) else None
    try:
        if not isinstance(reply_id, int):
            raise NotFound
        text = replies.filled(actor, ticket_id, reply_id, audience=audience)
    except NotFound:
        policy.get_ticket(actor, ticket_id)
        gone = Invalid({"text": [gettext("This saved reply is not there any more. Choose another")]})
        return page(actor, ticket_id, sent, photos, asked="insert", error=gone)
    return page(actor, ticket_id, _with_text(sent, first(sent.composer, "text"), text), photos, asked="insert")


def _with_text(sent: Sent, *texts: str) -> Sent:
    """The form with these words in its box, one after the other."""
    return replace(sent, composer={**sent.composer, "text": ["\n\n".join(filter(None, texts))]})


def _keep(actor: Actor, ticket_id: int, sent: Sent, photos: http.Photos) -> Response:
    typed = {name: first(sent.composer, name) for name in ("text", "audience", "then")}
    keep_photos(actor, photos)
    try:
        if photos.wrong:
            raise Invalid({http.FIELD: [photos.wrong]})
        wish = http.load(PutDraftShape(), {**forms.filled(typed), "text": typed["text"], "images": photos.ids})
        http.begin_form(actor)
        drafts.save(actor, ticket_id, wish)
        answer = http.look(url_for("staff.ticket", ticket_id=ticket_id, _anchor="composer"))
    except http.Replay as replay:
        answer = http.seen_before(replay)
    except forms.REFUSALS as error:
        return page(actor, ticket_id, sent, photos, asked="draft", error=error)
    return page(actor, ticket_id, sent, photos, asked="draft", done=True) if _is_more(sent) else answer


def _is_more(sent: Sent) -> bool:
    """Whether something was typed or chosen beside the composer."""
    return bool(sent.changed or sent.person or typed_task())


def _discard(actor: Actor, ticket_id: int, sent: Sent) -> Response:
    http.begin(actor)
    policy.get_ticket(actor, ticket_id)
    drafts.discard(actor, ticket_id)
    answer = http.look(url_for("staff.ticket", ticket_id=ticket_id, _anchor="composer"))
    emptied = replace(sent, composer={})
    return page(actor, ticket_id, emptied, asked="discard") if _is_more(sent) else answer


@pages.post(f"{ONE}/undo")
def undo(ticket_id: int) -> Response:
    """Take back a reply that was sent a moment ago. What was typed since stands behind its words."""
    actor, photos, sent = desk(), http.photos(), sent_form()
    comment_id = number(request.form.get("undo", ""))
    try:
        http.begin_form(actor)
        comment, taken = comments.take(actor, comment_id if isinstance(comment_id, int) else 0)
        if taken.id != ticket_id:
            raise NotFound
        undone = comments.undo(actor, comment, taken)
        is_back = int(undone.is_status_back)
        answer = http.look(url_for("staff.ticket", ticket_id=ticket_id, undone=is_back, _anchor="undone"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return page(actor, ticket_id, sent, photos, asked="undo", error=error)
    if not (sent.says or photos or _is_more(sent)):
        return answer
    draft = drafts.find(actor, ticket_id)
    if draft is not None:
        typed = {**drafted(draft), "text": [draft.text]}
        photos.ids = list(dict.fromkeys([*draft.images, *photos.ids]))
        sent = _with_text(replace(sent, composer=typed), draft.text, first(sent.composer, "text"))
    return page(actor, ticket_id, sent, photos, asked="undo", undone=undone)
