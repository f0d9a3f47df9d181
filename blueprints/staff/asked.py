"""What an address of the queue asks for. A ticket's page has such an address too: that of the list it is read in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import request
from werkzeug.datastructures import MultiDict

from blueprints import http
from blueprints.pages import at, say
from blueprints.staff import forms
from blueprints.staff.shell import ALL_OPEN, LIST, MOST_LETTERS, Around, View, around, counts
from blueprints.words import gettext, lazy_gettext
from helpdesk import tickets
from helpdesk.errors import Invalid
from helpdesk.policy import Actor
from helpdesk.schemas import TicketQuery
from helpdesk.views import OPEN, SAY_THE_STATUS

SORTS = {
    "due_at": lazy_gettext("Soonest due"),
    "-priority": lazy_gettext("Most urgent"),
    "-created_at": lazy_gettext("Newest"),
    "created_at": lazy_gettext("Oldest"),
    "-updated_at": lazy_gettext("Last changed"),
    "updated_at": lazy_gettext("Longest unchanged"),
    "-due_at": lazy_gettext("Latest due"),
    "priority": lazy_gettext("Least urgent"),
    "best": lazy_gettext("Best match"),
}
"""What comes first."""
_BESIDE = ("part", "done")
"""What an address of the queue may hold that is no filter: a part of the page alone, and what was just done there."""
_shape = TicketQuery()


@dataclass(frozen=True)
class Asked:
    """What an address asks for."""

    args: MultiDict[str, str]
    query: dict[str, Any]
    view_id: int | None = None

    @property
    def filters(self) -> dict[str, Any]:
        return {name: value for name, value in self.query.items() if name not in ("sort", "limit", "cursor")}

    @property
    def sort(self) -> str:
        sort: str = self.query["sort"]
        return sort

    def view(self, stands: Around) -> View | None:
        """The view it names; else the one that these filters narrow, if they do: the one that says most."""
        named = next((view for view in stands.saved if view.saved and view.saved.id == self.view_id), None)
        fitting = [
            view for view in stands.views if all(_same(self.filters.get(n), value) for n, value in view.wanted.items())
        ]
        return named or max(fitting, key=lambda view: len(view.filters), default=None)

    def is_narrowed(self, view: View | None) -> bool:
        """Whether there are filters besides its view's; of a saved one, whether anything is not as it was saved."""
        if view is None:
            return True
        if view.saved is None:
            return self.filters.keys() > view.wanted.keys()
        same = all(_same(self.filters.get(name), value) for name, value in view.wanted.items())
        return not same or self.filters.keys() != view.wanted.keys() or self.sort != view.sort

    def address(self, *without: str, **instead: Any) -> str:
        """This address with other values; filters that change begin at the first page."""
        return self._address(("cursor", *without), instead)

    def here(self, **more: Any) -> str:
        """This address, at the same page."""
        return self._address((), more)

    def _address(self, without: tuple[str, ...], instead: dict[str, Any]) -> str:
        values = {name: self.args.getlist(name) for name in self.args if name not in (*without, *instead)}
        values |= {name: [value] for name, value in instead.items() if value is not None}
        return f"/staff/?{urlencode(values, doseq=True)}" if values else "/staff/"

    def said(self, name: str) -> str:
        """What a filter without a menu is set to, in words."""
        value = self.query.get(name)
        if isinstance(value, datetime):
            return at(value)
        if isinstance(value, bool):
            return gettext("yes") if value else gettext("no")
        if name == "sla":
            return gettext("yes") if value == "met" else gettext("no")
        if name == "resolved":
            return gettext("this week") if value == "week" else gettext("today")
        if name == "hour":
            hours = sorted(self.query[name])
            first = f"{str(_DAYS).split()[hours[0] // 24]} {hours[0] % 24}:00"
            more = len(hours) - 1
            return gettext("%(hour)s and %(number)s more", hour=first, number=more) if more else first
        return ", ".join(self.args.getlist(name))

    @property
    def list(self) -> str:
        """This list, for the address of a ticket in it."""
        return self.address().partition("?")[2]


def _same(one: Any, other: Any) -> bool:
    """What may be repeated says the same in any order."""
    return set(one) == set(other) if isinstance(one, list) and isinstance(other, list) else bool(one == other)


def read(args: MultiDict[str, str]) -> Asked:
    """Raises Invalid. Fields that a form sent empty were not filled in."""
    given = MultiDict((name, value) for name, value in args.items(multi=True) if value != "" and name not in _BESIDE)
    view = forms.number(given.pop("view", ""))
    if not isinstance(view, int):
        view = None
    given.setdefault("sort", "due_at")
    query = http.query_dict(_shape, given)
    if not any(name in query for name in SAY_THE_STATUS):
        query.setdefault("status", list(OPEN))
        if query["status"] == OPEN:
            given.poplist("status")
    if query["sort"] == "due_at":
        del given["sort"]
    if view is not None:
        given["view"] = str(view)
    return Asked(given, query, view)


def read_list(text: str) -> Asked:
    """The same of a list that another address, or a form, carries. Of one that is none of ours: all open."""
    try:
        return read(MultiDict(parse_qsl(text[:MOST_LETTERS], max_num_fields=100)))
    except (Invalid, ValueError):
        return read(MultiDict())


WORDS = {
    "q": lazy_gettext("Search"),
    "status": lazy_gettext("Status"),
    "category": lazy_gettext("Category"),
    "building": lazy_gettext("Building"),
    "assignee": lazy_gettext("Assignee"),
    "priority": lazy_gettext("Priority"),
    "due": lazy_gettext("Due"),
    "team": lazy_gettext("Team"),
    "tag": lazy_gettext("Tag"),
    "reporter": lazy_gettext("Reporter"),
    "held": lazy_gettext("Not confirmed"),
    "following": lazy_gettext("Joined by me"),
    "created_after": lazy_gettext("Since"),
    "created_before": lazy_gettext("Before"),
    "resolved": lazy_gettext("Resolved"),
    "resolved_after": lazy_gettext("Resolved since"),
    "resolved_before": lazy_gettext("Resolved before"),
    "sla": lazy_gettext("Resolved on time"),
    "replied": lazy_gettext("Replied"),
    "reopened": lazy_gettext("Reopened"),
    "passed_on": lazy_gettext("Passed on"),
    "merged": lazy_gettext("Merged"),
    "without_team": lazy_gettext("Without a team"),
    "hour": lazy_gettext("Reported at"),
}
OTHERS = ("q", "tag", "team", "reporter", "held", "created_after", "created_before", *list(WORDS)[-10:])
"""Filters that come with links, and have no menu: they can be taken off."""
_DAYS = lazy_gettext("Mon Tue Wed Thu Fri Sat Sun")


def said(asked: Asked, stands: Around) -> list[tuple[str, str]]:
    """What a list is narrowed to, in words: what it is called, and to what."""
    names = {row.slug: row.name for kind in ("categories", "buildings", "teams") for row in stands.choices[kind]}
    people = {str(person["id"]): person["name"] for person in stands.people} | {
        "me": gettext("Me"),
        "none": gettext("Nobody"),
    }
    found = []
    for name, label in WORDS.items():
        values = asked.args.getlist(name)
        if name in ("assignee", "reporter"):
            values = [people.get(value, value) for value in values]
        elif name in ("status", "priority", "due"):
            values = [say(value).lower() for value in values]
        elif name in OTHERS and name not in ("q", "tag", "team") and values:
            values = [asked.said(name)]
        elif name in ("category", "building", "team"):
            values = [names.get(value, value) for value in values]
        if values:
            found.append((label, ", ".join(values)))
    return found


@dataclass(frozen=True)
class Beside:
    """Where a ticket stands in the list it is read in."""

    previous: int | None = None
    next: int | None = None
    place: int | None = None
    """From 1 on; None where it is not in the list any more, or too far down to be counted."""
    total: dict[str, Any] | None = None


def read_in(actor: Actor, row: Any) -> dict[str, Any]:
    """For `show`, on the page of a ticket of `policy.get_ticket`: the list that its address names, and what stands
    beside it there. No statement more than without one."""
    stands = around(actor)
    if LIST not in request.args:
        return {"stands": stands, "reading": row, "back": ALL_OPEN.address, "back_to": ALL_OPEN.label, "beside": None}
    asked = read_list(request.args[LIST])
    view = asked.view(stands)
    numbers, found = counts(actor, stands, tickets.beside(actor, row, asked.filters, asked.sort))
    place = None
    if found.get(tickets.WITHIN) is not None and found[tickets.BEFORE] <= tickets.COUNTED_UP_TO:
        place = found[tickets.BEFORE] + 1
    total = numbers.get(view.name) if view and not asked.is_narrowed(view) else None
    return {
        "stands": stands,
        "numbers": numbers,
        "reading": row,
        "view": view,
        "back": asked.address(),
        "back_to": view.label if view else gettext("Tickets"),
        "beside": Beside(found.get(tickets.PREVIOUS), found.get(tickets.NEXT), place, total),
        "list": asked.list,
    }
