"""What the words of the desk (categories, buildings, tags, teams) have in common: taken, saved, used by tickets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, inspect, select, union_all
from sqlalchemy.exc import IntegrityError

from helpdesk import sla, tickets
from helpdesk.errors import Conflict, NotFound, Taken
from helpdesk.policy import Actor
from models import Building, Category, SavedView, Tag, Team, Ticket, db, one_by_one

Word = Category | Building | Tag | Team
W = TypeVar("W", Category, Building, Tag, Team)
FILTERS: dict[type[Any], str] = {Category: "category", Building: "building", Tag: "tag", Team: "team"}
"""What the lists of tickets are filtered by."""
KEYS: dict[type[Any], str] = {Tag: "name"}
"""What an address calls them by, where that is not the slug."""
NAMED_SO = {
    "slug": "There is one that is called this in web addresses already.",
    "name": "There is one with this name already.",
}
UNNAMED = "unnamed"
MOST_TICKETS = 500
"""So many a change of the vocabulary may change in one transaction."""


def get(model: type[W], row_id: int) -> W:
    """One to show. Raises NotFound."""
    row = db.session.get(model, row_id)
    if row is None:
        raise NotFound
    return row


def take(model: type[W], row_id: int) -> W:
    """One to change, locked: tickets that come to use it meanwhile do not wait for that. Raises NotFound."""
    row = db.session.get(model, row_id, with_for_update={"key_share": True}, populate_existing=True)
    if row is None:
        raise NotFound
    return row


def save(row: W, data: Mapping[str, Any]) -> W:
    """Write it, and say which name is taken where one is; lists that were saved follow a new name. Raises Taken."""
    is_new = inspect(row).transient
    key = KEYS.get(type(row), "slug")
    before = None if is_new else getattr(row, key)
    changed = {name: value for name, value in data.items() if is_new or getattr(row, name) != value}
    if not changed:
        return row
    for name, value in changed.items():
        setattr(row, name, value)
    if not is_new:
        row.version += 1
    db.session.add(row)
    try:
        with db.session.begin_nested():
            db.session.flush()
    except IntegrityError:
        raise Taken(key, NAMED_SO[key]) from None
    if before is not None and key in changed:
        rename_in_views(type(row), before, data[key])
    return row


def check_name(row: Tag | Category, name: str, *alike: ColumnElement[bool]) -> None:
    """Whether nobody takes it for another among those `alike`: `exam` and `EXAM` are one name. Raises Taken."""
    model = type(row)
    one_by_one(model.__tablename__)
    wanted = select(model.name).where(model.id != (row.id or 0), *alike)
    if name.casefold() in (other.casefold() for other in db.session.scalars(wanted)):
        raise Taken("name", NAMED_SO["name"])


def rename_in_views(model: type[Any], before: str, after: str) -> None:
    """What is saved as a list names its words as an address does: by slug, tags by name."""
    name = FILTERS[model]
    for view in db.session.scalars(select(SavedView).order_by(SavedView.id)):
        wanted = (view.filters or {}).get(name)
        if isinstance(wanted, list) and before in wanted:
            renamed = [after if one == before else one for one in wanted]
            view.filters = {**view.filters, name: list(dict.fromkeys(renamed))}
            view.version += 1


def views_that_name(model: type[Any], key: str) -> int:
    """How many saved lists are filtered by this word: without it they ask for something that there is not."""
    found = (filters.get(FILTERS[model]) for filters in db.session.scalars(select(SavedView.filters)) if filters)
    return sum(isinstance(wanted, list) and key in wanted for wanted in found)


def kept_by(name: str, row_id: int) -> str | None:
    """Why a category or team cannot be deleted, where a service level names it: as `check_unnamed` has it."""
    try:
        sla.policies.check_unnamed(name, row_id)
    except Conflict as no:
        return no.detail
    return None


def each(actor: Actor, wanted: Select[Any]) -> Iterator[Ticket]:
    """Tickets that a change of the vocabulary changes, locked one by one. Raises Conflict where they are many."""
    ids = list(db.session.scalars(wanted.order_by(Ticket.id).limit(MOST_TICKETS + 1)))
    if len(ids) > MOST_TICKETS:
        raise Conflict(f"It is on more than {MOST_TICKETS} tickets: change those first.")
    for ticket_id in ids:
        yield tickets.take(actor, ticket_id)


def slug_of(name: str) -> str:
    """What an address may call something of this name: `Zoë's Hall` → `zoes-hall`. Of a name that says nothing in these
    letters, as of emoji alone, the first that is free: `unnamed`, `unnamed-2`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")[:64].rstrip("-")
    return slug or _unnamed()


def _unnamed() -> str:
    alike = (select(model.slug).where(model.slug.startswith(UNNAMED)) for model in (Category, Building, Team))
    used = set(db.session.scalars(union_all(*alike)))
    return next(
        slug for slug in (UNNAMED, *(f"{UNNAMED}-{number}" for number in range(2, len(used) + 3))) if slug not in used
    )
