"""The page of the saved replies: making, changing and deleting them."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from blueprints import http
from blueprints.staff import deeds, forms
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import desk, pages, refused, show
from blueprints.words import gettext
from helpdesk import policy, replies
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.policy import Action, Actor
from helpdesk.schemas import CreateSavedReplyShape, EditSavedReplyShape

ONE = f"/replies/{http.ID.format('reply_id')}"
FIELDS = ("title", "text", "whose")
MINE, EVERYBODY = "mine", "everybody"
"""Whose it is, beside the number of a team."""
PER_PAGE = 50


@pages.get("/replies")
def replies_page() -> Response:
    return _list(desk(), {})


@pages.post("/replies")
def save_reply() -> Response:
    actor, typed = desk(), forms.typed(FIELDS)
    try:
        wish = http.load(CreateSavedReplyShape(), _wish(typed))
        http.begin_form(actor)
        replies.create(actor, wish)
        return http.look(url_for("staff.replies_page", done="added"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _list(actor, typed, _said(error, typed))


@pages.get(ONE)
def reply_page(reply_id: int) -> Response:
    return _one(desk(), reply_id, {})


@pages.post(ONE)
def edit_reply(reply_id: int) -> Response:
    """Change it, or with the other button delete it."""
    actor, typed = desk(), forms.typed(FIELDS)
    try:
        deletes = request.form.get("do") == "delete"
        wish = {} if deletes else http.load(EditSavedReplyShape(), _wish(typed))
        http.begin_form(actor)
        reply = replies.take(actor, reply_id)
        http.expect_form_version(reply.version)
        if deletes:
            replies.destroy(actor, reply)
        else:
            replies.edit(actor, reply, wish)
        return http.look(url_for("staff.replies_page", done="deleted" if deletes else "saved"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _one(actor, reply_id, typed, _said(error, typed))


def _wish(typed: Typed) -> dict[str, Any]:
    """Whose it is says only who may choose: the menu is for admins."""
    whose = first(typed, "whose")
    wish: dict[str, Any] = {"title": first(typed, "title"), "text": first(typed, "text")}
    if whose == EVERYBODY:
        wish |= {"is_shared": True, "team_id": None}
    elif whose == MINE:
        wish |= {"is_shared": False}
    elif whose:
        team_id = number(whose)
        if not isinstance(team_id, int):
            raise Invalid({"whose": [gettext("Choose who uses it")]})
        wish |= {"team_id": team_id}
    return wish


def _said(error: HelpdeskError, typed: Typed) -> HelpdeskError:
    """What is wrong in the words of this page; with a team beside the menu that holds the teams."""
    if isinstance(error, Invalid) and "team_id" in error.errors:
        return Invalid({"whose": [gettext("Choose who uses it")]})
    if isinstance(error, Invalid) and "title" in error.errors:
        long = gettext("Write the title in up to 100 characters")
        return Invalid({**error.errors, "title": [long if first(typed, "title") else gettext("Write a title")]})
    return error


def whose(reply: dict[str, Any]) -> str:
    """The choice that says whose a saved reply is."""
    return MINE if reply["owner"] else str(reply["team"]["id"]) if reply["team"] else EVERYBODY


def _list(actor: Actor, typed: Typed, error: HelpdeskError | None = None) -> Response:
    if error:
        refused(error)
    found, next_cursor = replies.listing(actor, limit=PER_PAGE, cursor=request.args.get("cursor") or None)
    return _show(actor, "replies.html", typed, error, found=found, next_cursor=next_cursor)


def _one(actor: Actor, reply_id: int, typed: Typed, error: HelpdeskError | None = None) -> Response:
    """With what was typed, where it was refused."""
    if error:
        refused(error)
    reply = replies.show_one(actor, reply_id)
    now: Typed = {"title": [reply["title"]], "text": [reply["text"]], "whose": [whose(reply)]}
    may_change = bool(reply["owner"]) or policy.can(actor, Action.REPLY_SHARE)
    return _show(actor, "reply.html", typed or now, error, reply=reply, may_change=may_change)


def _show(actor: Actor, template: str, typed: Typed, error: HelpdeskError | None, **context: Any) -> Response:
    return show(
        actor, template, status=error.status if error else 200, typed=typed, error=error,
        problems=forms.problems(error, typed), may_share=policy.can(actor, Action.REPLY_SHARE), places=replies.PLACES,
        told=deeds.told(), **context,
    )  # fmt: skip
