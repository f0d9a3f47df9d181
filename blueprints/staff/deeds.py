"""What the forms of administration have in common: done once, by who may, and shown again with its reason if not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from blueprints import http
from blueprints.staff import forms
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import desk, refused, show
from blueprints.words import lazy_gettext
from helpdesk import policy, vocabulary
from helpdesk.errors import HelpdeskError
from helpdesk.policy import Action, Actor
from helpdesk.schemas import Shape

DONE = {
    "saved": lazy_gettext("Saved"),
    "added": lazy_gettext("Added"),
    "deleted": lazy_gettext("Deleted"),
    "merged": lazy_gettext("Merged into the other tag"),
    "removed": lazy_gettext("Taken out of the team"),
    "mailed": lazy_gettext("They get the figures by mail from now on"),
    "stopped": lazy_gettext("The figures are mailed no more"),
    "role": lazy_gettext("The role is changed"),
    "activated": lazy_gettext("The account is activated"),
    "deactivated": lazy_gettext("The account is deactivated"),
    "ended": lazy_gettext("They are logged out"),
    "ended_here": lazy_gettext("You are logged out there"),
    "ended_else": lazy_gettext("You are logged out everywhere else"),
    "invited": lazy_gettext("The invitation is on its way"),
    "reached": lazy_gettext("Mails are sent there again"),
    "retried": lazy_gettext("It is worked on again in a moment"),
    "dismissed": lazy_gettext("The mail is let go"),
    "linked": lazy_gettext("The link for a new password is on its way"),
    "erased": lazy_gettext("The person is erased"),
}
"""What a form led here from has done, by what `?done=` says: no word of an address is shown."""
Refuse = Callable[[Typed, HelpdeskError], Response]


def told() -> Any:
    """What the form that led here has done, in words; None where none did."""
    return DONE.get(request.args.get("done", "")) if request.method == "GET" else None


def who_may(action: Action) -> Actor:
    """Who asks, if they may do this. Raises NotSignedIn, Forbidden."""
    actor = desk()
    policy.require(actor, action)
    return actor


def done(actor: Actor, wish: Callable[[], dict[str, Any]], deed: Callable[[dict[str, Any]], str], refuse: Any) -> Any:
    """Read the form's `wish`, do the `deed` in a transaction of its own, and lead to the address that it names.

    What is refused is undone, and `refuse` shows it with what was typed.
    """
    try:
        wanted = wish()
        http.begin_form(actor)
        return http.look(deed(wanted))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        refused(error)
        return refuse(error)


def asks(what: str) -> bool:
    """Whether this button of the form was pressed."""
    return request.form.get("do") == what


def wish_of(shape: Shape, typed: Typed, *, numbers: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> Any:
    """A form's texts as the shape wants them. Raises Invalid."""
    found: dict[str, Any] = {}
    for name in shape.load_fields:
        if name in numbers:
            found[name] = number(first(typed, name))
        elif name in flags:
            found[name] = bool(typed.get(name))
        elif name in typed:
            found[name] = first(typed, name)
    if "slug" in found and not found["slug"]:  # who names something need not think of addresses
        found["slug"] = vocabulary.slug_of(found["name"]) if found.get("name") else vocabulary.UNNAMED
    return http.load(shape, found)


def page(actor: Actor, template: str, typed: Typed, error: HelpdeskError | None = None, **context: Any) -> Response:
    """A page with a form: as it is, or as it was typed and refused."""
    return show(
        actor, template, status=error.status if error else 200, typed=typed, error=error,
        problems=forms.problems(error, typed), told=told(), **context,
    )  # fmt: skip
