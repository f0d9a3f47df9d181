"""The mails that came in: what became of each, and what is done with those that somebody has to look at; and all of the
mail that a comment or a report was made of. Always as plain text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, request, url_for
from werkzeug.datastructures import MultiDict

from blueprints import http
from blueprints.staff import deeds, forms
from blueprints.staff.shell import desk, pages, refused, show
from blueprints.words import lazy_gettext
from helpdesk import policy, postbox
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.policy import Action, Actor
from helpdesk.schemas import InboundMailQuery
from models import InboundState

ONE = f"/admin/mails/{http.ID.format('mail_id')}"
A_PAGE = 50
STATES = {
    InboundState.QUARANTINED: lazy_gettext("Laid aside"),
    InboundState.WAITING: lazy_gettext("Waiting"),
    InboundState.DONE: lazy_gettext("Taken over"),
    InboundState.IGNORED: lazy_gettext("Ignored"),
}
_query = InboundMailQuery()


def looks_after_mails() -> Actor:
    """Who asks. Raises NotSignedIn, Forbidden."""
    actor = desk()
    policy.require(actor, Action.MAIL_MANAGE)
    return actor


@pages.get("/admin/mails")
def mails_page() -> Response:
    actor, unreadable = looks_after_mails(), False
    try:
        values, query = _asked()
        found, next_cursor = _found(actor, query)
    except Invalid:  # an address that was cut, or of another list
        values, unreadable = {}, True
        query = http.query_dict(_query, _given({}))
        found, next_cursor = _found(actor, query)

    def address(**instead: str | None) -> str:
        wanted = {name: value for name, value in {**values, "cursor": None, **instead}.items() if value}
        return f"{url_for('staff.mails_page')}?{urlencode(wanted)}" if wanted else url_for("staff.mails_page")

    return show(
        actor, "mails.html", found=found, next_cursor=next_cursor, state=query["state"], states=STATES,
        cursor=query["cursor"], address=address, unreadable=unreadable, told=deeds.told(),
    )  # fmt: skip


def _given(values: dict[str, str]) -> MultiDict[str, str]:
    return MultiDict({"state": InboundState.QUARANTINED.value, **values, "limit": str(A_PAGE)})


def _asked() -> tuple[dict[str, str], dict[str, Any]]:
    """What the address says, and means. Raises Invalid."""
    values = {name: request.args[name] for name in ("state", "cursor") if request.args.get(name, "").strip()}
    return values, http.query_dict(_query, _given(values))


def _found(actor: Actor, query: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    return postbox.listing(actor, {"state": query["state"]}, limit=query["limit"], cursor=query["cursor"])


@pages.get(ONE)
def mail_page(mail_id: int) -> Response:
    return _one(looks_after_mails(), mail_id)


def _one(actor: Actor, mail_id: int, error: HelpdeskError | None = None) -> Response:
    if error:
        refused(error)
    mail = postbox.show_one(actor, mail_id)
    return show(
        actor, "mail.html", status=error.status if error else 200, mail=mail, states=STATES, error=error,
        told=deeds.told(),
    )  # fmt: skip


@pages.get(f"{ONE}/raw")
def raw_mail(mail_id: int) -> Response:
    """A file, never a page."""
    data = postbox.raw(looks_after_mails(), mail_id, is_taken=request.method == "GET")
    answer = http.text_file(data, f"mail-{mail_id}")
    return current_app.response_class(answer.body, headers={**answer.headers, "Cache-Control": "no-store"})


@pages.post(f"{ONE}/retry")
def retry_mail(mail_id: int) -> Response:
    return _done(mail_id, "retried", postbox.retry)


@pages.post(f"{ONE}/report")
def report_mail(mail_id: int) -> Response:
    return _done(mail_id, "retried", partial(postbox.retry, is_report=True))


@pages.post(f"{ONE}/dismiss")
def dismiss_mail(mail_id: int) -> Response:
    """The mail's page has asked already."""
    return _done(mail_id, "dismissed", postbox.dismiss)


def _done(mail_id: int, what: str, deed: Callable[[Actor, int], None]) -> Response:
    actor = looks_after_mails()
    try:
        http.begin_form(actor)
        deed(actor, mail_id)
        return http.look(url_for("staff.mails_page", done=what))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _one(actor, mail_id, error)


# --- for who reads a ticket -------------------------------------------------------------------------------------------


@pages.get(f"/comments/{http.ID.format('comment_id')}/original")
def original_of_comment(comment_id: int) -> Response:
    actor = desk()
    return show(
        actor, "original.html", mail=postbox.original_of_comment(actor, comment_id), place=f"c{comment_id}"
    )  # fmt: skip


@pages.get(f"/tickets/{http.ID.format('ticket_id')}/original")
def original_of_ticket(ticket_id: int) -> Response:
    actor = desk()
    return show(actor, "original.html", mail=postbox.original_of_ticket(actor, ticket_id), place="report")
