"""The queue: one list, whose address holds its filters, its order and its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request
from werkzeug.datastructures import MultiDict

from blueprints import http
from blueprints.staff.shell import ALL_OPEN, OPEN, VIEWS, View, desk, pages, show
from helpdesk import tickets
from helpdesk.errors import Invalid
from helpdesk.policy import Actor
from helpdesk.schemas import TicketQuery

SORTS = {
    "due_at": "Soonest due",
    "-priority": "Most urgent",
    "-created_at": "Newest",
    "created_at": "Oldest",
    "-updated_at": "Last changed",
    "updated_at": "Longest unchanged",
    "-due_at": "Latest due",
    "priority": "Least urgent",
    "best": "Best match",
}
"""What comes first."""
OFFERED = list(SORTS)[:6]
"""The menu has these, and what the list is sorted by: the head of a column and an address may say any."""
_shape = TicketQuery()


@dataclass(frozen=True)
class Asked:
    """What an address asks for."""

    args: MultiDict[str, str]
    query: dict[str, Any]

    @property
    def filters(self) -> dict[str, Any]:
        return {name: value for name, value in self.query.items() if name not in ("sort", "limit", "cursor")}

    @property
    def sort(self) -> str:
        sort: str = self.query["sort"]
        return sort

    @property
    def view(self) -> View | None:
        """The view that these filters narrow, if they do: the one that says most."""
        fitting = [view for view in VIEWS if all(_same(self.filters.get(n), value) for n, value in view.wanted.items())]
        return max(fitting, key=lambda view: len(view.filters), default=None)

    @property
    def is_narrowed(self) -> bool:
        """Whether there are filters besides its view's."""
        return self.view is None or self.filters.keys() > self.view.wanted.keys()

    def address(self, *without: str, **instead: Any) -> str:
        """This address with other values; filters that change begin at the first page."""
        values = {name: self.args.getlist(name) for name in self.args if name not in (*without, *instead, "cursor")}
        values |= {name: [value] for name, value in instead.items() if value is not None}
        return f"/staff/?{urlencode(values, doseq=True)}" if values else "/staff/"


def _same(one: Any, other: Any) -> bool:
    """What may be repeated says the same in any order."""
    return set(one) == set(other) if isinstance(one, list) and isinstance(other, list) else bool(one == other)


def _read(args: MultiDict[str, str]) -> Asked:
    """Raises Invalid. Fields that a form sent empty were not filled in."""
    given = MultiDict((name, value) for name, value in args.items(multi=True) if value != "")
    given.setdefault("sort", "due_at")
    query = http.query_dict(_shape, given)
    if "resolved" not in query:
        query.setdefault("status", list(OPEN))
        if query["status"] == OPEN:
            given.poplist("status")
    if query["sort"] == "due_at":
        del given["sort"]
    return Asked(given, query)


@pages.get("/")
def queue() -> Any:
    """What the filter form sends is led to the address that says it shortest: that one is passed on and kept."""
    actor = desk()
    try:
        asked = _read(request.args)
        if any(value == "" for _, value in request.args.items(multi=True)):
            return redirect(asked.address())
        return _list(actor, asked)
    except Invalid as error:
        return _list(actor, _read(MultiDict()), unreadable=sorted(error.errors))


def _list(actor: Actor, asked: Asked, *, unreadable: list[str] | None = None) -> Response:
    page = {name: asked.query[name] for name in ("sort", "limit", "cursor")}
    found, next_cursor = tickets.listing(actor, asked.filters, **page)
    total = tickets.count(actor, asked.filters)["total"]
    return show(
        actor,
        "queue.html",
        status=422 if unreadable else 200,
        view=asked.view,
        asked=asked,
        tickets=found,
        total=total,
        next=asked.address(cursor=next_cursor) if next_cursor else None,
        sorts={sort: label for sort, label in SORTS.items() if sort in OFFERED or sort == asked.sort},
        desk_is_new=not found and not _has_any(actor),
        unreadable=unreadable,
        all_open=ALL_OPEN,
    )


def _has_any(actor: Actor) -> bool:
    return bool(tickets.count(actor, {})["total"]["count"])
