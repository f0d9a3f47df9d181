"""Saved views: lists of tickets that somebody keeps under a name, for themselves or for everybody at the desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import JSON, ColumnElement, CompoundSelect, cast, func, literal, null, or_, select, true, union_all

from helpdesk import audit, categories, paging, policy
from helpdesk.errors import Conflict, Forbidden, NotFound, Taken
from helpdesk.policy import ME, Action, Actor
from helpdesk.schemas import ViewFilters, ViewShape
from models import Rows, SavedView, Status, User, db, fetch, now

OPEN = [Status.OPEN, Status.IN_PROGRESS, Status.WAITING]
"""Which tickets a list is about where nothing is said."""
SAY_THE_STATUS = ("resolved", "resolved_after", "resolved_before", "sla")
"""Filters that are about what is not open any more."""
MOST = 50
"""Views of one person."""
_shape, _filters = ViewShape(), ViewFilters()


def _visible() -> ColumnElement[bool]:
    return or_(SavedView.owner_id == ME, SavedView.is_shared == true())


@lru_cache(maxsize=1)
def _all() -> Rows:
    return (
        select(
            SavedView.id, SavedView.name, SavedView.owner_id, User.name.label("owner_name"), SavedView.is_shared,
            SavedView.filters, SavedView.sort, SavedView.columns, SavedView.version, SavedView.created_at,
            SavedView.updated_at,
        )
        .join(User, User.id == SavedView.owner_id)
        .where(_visible())
    )  # fmt: skip


@lru_cache(maxsize=2)
def _listed(after: bool) -> Rows:
    return paging.ordered(_all(), {"name": (SavedView.name, SavedView.id)}, "name", after=after)


def listing(actor: Actor, *, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of one's own views and those that somebody shares, by name. Raises Forbidden, Invalid."""
    policy.require(actor, Action.VIEW_USE)
    found = paging.page(_listed, policy.params(actor), of="views", limit=limit, cursor=cursor)
    return [_shape.dump_row(row) for row in found.rows], found.next_cursor


def show_one(actor: Actor, view_id: int) -> dict[str, Any]:
    """Raises Forbidden, NotFound."""
    policy.require(actor, Action.VIEW_USE)
    row = fetch(_all().where(SavedView.id == view_id), policy.params(actor)).one_or_none()
    if row is None:
        raise NotFound
    return _shape.dump_row(row)


def is_theirs(actor: Actor, owner_id: int) -> bool:
    """Whether they may change a view that they see."""
    return actor.id == owner_id or policy.can(actor, Action.VIEW_WRITE_ANY)


def take(actor: Actor, view_id: int) -> SavedView:
    """A view to change, locked. Raises NotFound; Forbidden for one that somebody else shares."""
    policy.require(actor, Action.VIEW_USE)
    wanted = select(SavedView).where(SavedView.id == view_id, _visible()).with_for_update()
    view = db.session.scalars(wanted, policy.params(actor)).one_or_none()
    if view is None:
        raise NotFound
    if not is_theirs(actor, view.owner_id):
        raise Forbidden("Only its owner and admins change a view.")
    return view


def create(actor: Actor, data: Mapping[str, Any]) -> SavedView:
    """Raises Forbidden, Taken, Conflict."""
    policy.require(actor, Action.VIEW_USE)
    own = db.session.scalar(select(func.count()).where(SavedView.owner_id == actor.id)) or 0
    if own >= MOST:
        raise Conflict(f"{MOST} views are kept for each: delete one first.")
    _check_name(actor.id, data["name"], None)
    filters = _filters.dump(data.get("filters", {}))
    view = SavedView(**{**data, "owner_id": actor.id, "filters": filters})
    db.session.add(view)
    db.session.flush()
    _on_record(actor, view, "created")
    return view


def edit(actor: Actor, view: SavedView, data: Mapping[str, Any]) -> None:
    """Change the fields named of a view that was taken. Raises Taken."""
    if "name" in data:
        _check_name(view.owner_id, data["name"], view.id)
    wanted = dict(data)
    if "filters" in wanted:
        wanted["filters"] = _filters.dump(wanted["filters"])
    changed = {name: value for name, value in wanted.items() if getattr(view, name) != value}
    for name, value in changed.items():
        setattr(view, name, value)
    if changed:
        _on_record(actor, view, "changed", fields=sorted(changed))
        view.version += 1
        view.updated_at = now()
    db.session.flush()


def destroy(actor: Actor, view: SavedView) -> None:
    """Delete a view that was taken."""
    _on_record(actor, view, "deleted")
    db.session.delete(view)
    db.session.flush()


def _on_record(actor: Actor, view: SavedView, what: str, **detail: Any) -> None:
    """What others have in their sidebar, and whoever changes somebody else's. Not its name, which is its owner's."""
    if view.is_shared or view.owner_id != actor.id or "is_shared" in detail.get("fields", ()):
        audit.record(f"view.{what}", actor=actor, target=f"view:{view.id}", **detail)


def _check_name(owner_id: int | None, name: str, view_id: int | None) -> None:
    taken = select(SavedView.id).where(SavedView.owner_id == owner_id, SavedView.name == name)
    if db.session.scalar(taken.where(SavedView.id != (view_id or 0))) is not None:
        raise Taken("name", "You have a view of this name already.")


# --- what stands around every page of the desk ------------------------------------------------------------------------


@dataclass(frozen=True)
class Saved:
    """A view as the sidebar has it."""

    id: int
    name: str
    owner_id: int
    sort: str
    columns: tuple[str, ...]
    stored: dict[str, Any]
    filters: dict[str, Any] | None
    """For `helpdesk.tickets`; None where it was saved with what there is no more: it cannot be counted."""


_around: CompoundSelect[*tuple[Any, ...]] = union_all(
    *(
        rows.add_columns(cast(null(), JSON).label("filters"), cast(null(), JSON).label("columns"))
        for rows in categories.CHOICES
    ),
    select(
        literal("views"), SavedView.id, SavedView.sort, SavedView.name, SavedView.owner_id, SavedView.filters,
        SavedView.columns,
    ).where(_visible()),
).order_by("name", "id")  # fmt: skip


def around(actor: Actor) -> tuple[dict[str, list[Any]], list[Saved]]:
    """What may be chosen now, as `categories.choices` has it, and the views somebody sees, their own first: in one
    statement, for every page of the desk needs both."""
    choices: dict[str, list[Any]] = {"categories": [], "buildings": [], "teams": [], "tags": []}
    views = []
    for row in fetch(_around, policy.params(actor)):
        if row.kind == "views":
            views.append(_saved(row))
        else:
            choices[row.kind].append(row)
    return choices, sorted(views, key=lambda view: view.owner_id != actor.id)


def _saved(row: Any) -> Saved:
    stored = row.filters if isinstance(row.filters, dict) else {}
    try:
        filters: dict[str, Any] | None = _filters.load(stored)
    except ValidationError:
        filters = None
    return Saved(row.id, row.name, row.parent_id, row.slug, tuple(row.columns or ()), stored, filters)
