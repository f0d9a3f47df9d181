"""Search or jump to: tickets, people, views and pages by a few letters. A page of its own, and the palette's list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, render_template, request, url_for

from blueprints.staff.shell import Around, around, desk, pages, show
from blueprints.words import gettext
from helpdesk import tickets, users
from helpdesk.policy import Actor
from models import Role, Status

MOST = 6
"""Of each kind."""
LONGEST = 200


@dataclass(frozen=True)
class Place:
    """Somewhere to go."""

    label: str
    address: str
    icon: str
    kind: str
    also: str = ""
    """Other words by which it is found."""

    def is_meant(self, words: list[str]) -> bool:
        """Whether each word begins one of its own."""
        own = f"{self.label} {self.also}".lower().split()
        return all(any(one.startswith(word) for one in own) for word in words)


def _places(stands: Around) -> list[Place]:
    views = [Place(view.label, view.address, view.icon, gettext("View")) for view in (*stands.views, *stands.saved)]
    known = (
        ("staff.new_ticket", gettext("New ticket"), "i-plus", "create report add"),
        ("staff.tasks", gettext("Tasks"), "i-tasks", "todo work"),
        ("staff.replies_page", gettext("Saved replies"), "i-chat", "canned templates"),
        ("staff.keys", gettext("Keyboard shortcuts"), "i-keys", "keys help"),
    )
    return [
        *views,
        *(Place(label, url_for(endpoint), icon, gettext("Page"), also) for endpoint, label, icon, also in known),
        Place(gettext("My account"), "/account", "i-user", gettext("Page"), "profile password theme dark settings"),
    ]


def _tickets(actor: Actor, q: str) -> list[dict[str, Any]]:
    """What it finds; before that, the ticket of a bare number."""
    found, _ = tickets.listing(actor, {"q": q}, sort="best", limit=MOST, cursor=None)
    if q.isascii() and q.isdigit():
        named, _ = tickets.listing(actor, {"q": f"#{q}"}, sort="best", limit=1, cursor=None)
        found = named + [one for one in found if one not in named]
    return found


def _people(actor: Actor, q: str) -> list[dict[str, Any]]:
    """With the list of what they have to do, or of what they reported."""
    found, _ = users.listing(actor, {"q": q}, sort="name", limit=MOST, cursor=None)
    return [{**one, **_what_about(one)} for one in found]


def _what_about(person: dict[str, Any]) -> dict[str, str]:
    if person["role"] == Role.CUSTOMER:
        every = urlencode({"reporter": person["id"], "status": list(Status)}, doseq=True)
        return {"address": f"/staff/?{every}", "kind": gettext("What they reported")}
    return {"address": f"/staff/?assignee={person['id']}", "kind": gettext("What they have to do")}


@pages.get("/find")
def find() -> Response:
    """With `HX-Request` the results alone."""
    actor = desk()
    typed = request.args.get("q", "")[:LONGEST]
    q = " ".join("".join(letter if letter.isprintable() else " " for letter in typed).split())
    stands = around(actor)
    found: dict[str, Any] = {
        "q": q,
        "places": [place for place in _places(stands) if place.is_meant(q.lower().split())],
        "tickets": _tickets(actor, q) if q else [],
        "persons": _people(actor, q) if len(q) > 1 and not q.startswith("#") else [],
        "everywhere": f"/staff/?{urlencode({'q': q})}",
    }
    if request.headers.get("HX-Request") == "true":
        return current_app.response_class(render_template("staff/_found.html", in_palette=True, **found))
    return show(actor, "find.html", stands=stands, **found)
