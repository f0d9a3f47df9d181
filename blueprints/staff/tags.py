"""Tags: how many tickets each is on, renamed, merged and deleted."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for

from blueprints import http
from blueprints.staff import deeds, forms
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import pages
from helpdesk import tags, vocabulary
from helpdesk.errors import HelpdeskError
from helpdesk.policy import Action, Actor
from helpdesk.schemas import CreateTagShape, EditTagShape, MergeTagShape
from models import Tag

ONE = f"/admin/tags/{http.ID.format('tag_id')}"


@pages.get("/admin/tags")
def tags_page() -> Response:
    return _list(deeds.who_may(Action.TAG_WRITE), {})


@pages.post("/admin/tags")
def new_tag() -> Any:
    actor, typed = deeds.who_may(Action.TAG_WRITE), forms.typed(("name",))

    def deed(wish: dict[str, Any]) -> str:
        tags.create(actor, wish)
        return url_for("staff.tags_page", done="added")

    return deeds.done(
        actor, lambda: deeds.wish_of(CreateTagShape(), typed), deed, lambda error: _list(actor, typed, error)
    )  # fmt: skip


@pages.get(ONE)
def tag_page(tag_id: int) -> Response:
    return _one(deeds.who_may(Action.TAG_WRITE), tag_id)


@pages.post(ONE)
def edit_tag(tag_id: int) -> Any:
    """Rename it, or with the other buttons merge it into another, or delete it."""
    actor, typed = deeds.who_may(Action.TAG_WRITE), forms.typed(("name", "into_id"))
    merges, deletes = deeds.asks("merge"), deeds.asks("delete")

    def wish() -> dict[str, Any]:
        if merges:
            return http.load(MergeTagShape(), {"into_id": number(first(typed, "into_id"))})
        return {} if deletes else deeds.wish_of(EditTagShape(), typed)

    def deed(wish: dict[str, Any]) -> str:
        row = tags.take(actor, tag_id)
        http.expect_form_version(row.version)
        if merges:
            tags.merge(actor, row, wish["into_id"])
        elif deletes:
            tags.destroy(actor, row)
        else:
            tags.edit(actor, row, wish)
        return url_for("staff.tags_page", done="merged" if merges else "deleted" if deletes else "saved")

    return deeds.done(actor, wish, deed, lambda error: _one(actor, tag_id, typed, error))


def _list(actor: Actor, typed: Typed, error: HelpdeskError | None = None) -> Response:
    return deeds.page(actor, "tags.html", typed, error, found=tags.tags(), totals=tags.counted())


def _one(actor: Actor, tag_id: int, typed: Typed | None = None, error: HelpdeskError | None = None) -> Response:
    """With what was typed, where it was refused."""
    tag = tags.tag(tag_id)
    return deeds.page(
        actor, "tag.html", typed or {"name": [tag["name"]]}, error, tag=tag, number=tags.counted(tag_id).get(tag_id, 0),
        views=vocabulary.views_that_name(Tag, tag["name"]),
    )  # fmt: skip
