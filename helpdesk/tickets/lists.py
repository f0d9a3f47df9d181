"""Tickets as somebody sees them: one, lists of them, and how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, bindparam, case, false, func, literal, or_, select, true

from helpdesk import paging, policy, search, workflow
from helpdesk.policy import ME, Actor, Side
from helpdesk.schemas import TicketShape
from helpdesk.settings import setting
from models import Building, Category, Priority, Rows, Status, Tag, Team, Ticket, TicketTag, fetch, now

COUNTED_UP_TO = RANKED = 1000
TYPED = "typed_"
"""Before the name of a filter that stands in the search box."""
_for_staff = TicketShape()
_for_customers = TicketShape(exclude=("reporter.email",))


def show(actor: Actor, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of `visible_tickets` as the contract's tickets: with tags, and with what this actor may do next."""
    rows = list(rows)
    shape = _for_staff if actor.is_staff else _for_customers
    if not rows:
        return []
    write, tags = shape.writer(rows[0]), tags_of([row.id for row in rows if row.side != Side.JOINED])
    return [
        {
            **write(row),
            "tags": tags.get(row.id, []),
            "transitions": workflow.transitions_for(row.status, Side(row.side)),
        }
        for row in rows
    ]


def show_one(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """Raises NotFound."""
    return show(actor, [policy.get_ticket(actor, ticket_id)])[0]


_tags_select = (
    select(TicketTag.ticket_id, Tag.name)
    .join(Tag, Tag.id == TicketTag.tag_id)
    .where(TicketTag.ticket_id.in_(bindparam("ids", expanding=True)))
    .order_by(Tag.name)
)


def tags_of(ids: list[int]) -> dict[int, list[str]]:
    tags: dict[int, list[str]] = {}
    if ids:
        for ticket_id, name in fetch(_tags_select, {"ids": ids}):
            tags.setdefault(ticket_id, []).append(name)
    return tags


def _slugs(model: Any, name: str) -> Any:
    return select(model.id).where(model.slug.in_(bindparam(name, expanding=True)))


def _in_category(name: str) -> ColumnElement[bool]:
    """The categories named, and their children."""
    named = _slugs(Category, name)
    return Ticket.category_id.in_(select(Category.id).where(or_(Category.id.in_(named), Category.parent_id.in_(named))))


def _tagged(name: str) -> ColumnElement[bool]:
    return Ticket.id.in_(
        select(TicketTag.ticket_id)
        .join(Tag, Tag.id == TicketTag.tag_id)
        .where(Tag.name.in_(bindparam(name, expanding=True)))
    )


Filter = Callable[[str], ColumnElement[bool]]

# Requests name a key of these, never a column: nothing that somebody types becomes SQL.
OPEN_TO_ALL: dict[str, Filter] = {
    "status": lambda name: Ticket.status.in_(bindparam(name, expanding=True)),
    "category": _in_category,
    "building": lambda name: Ticket.building_id.in_(_slugs(Building, name)),
    "created_after": lambda name: Ticket.created_at >= bindparam(name),
    "created_before": lambda name: Ticket.created_at < bindparam(name),
    "resolved_after": lambda name: Ticket.resolved_at >= bindparam(name),
    "held": lambda name: Ticket.held == bindparam(name),
    "confidential": lambda name: Ticket.is_confidential == true(),
    "id": lambda name: Ticket.id == bindparam(name),
    "nothing": lambda name: false(),
}

AS_SEEN: dict[str, Callable[[bool, str], ColumnElement[bool]]] = {
    "due_before": lambda staff, name: policy.due_at(staff) < bindparam(name),
    "due_from": lambda staff, name: policy.due_at(staff) >= bindparam(name),
}
"""By what staff and customers do not see alike."""
OF_OWN: dict[str, Filter] = {
    "priority": lambda name: Ticket.priority.in_(bindparam(name, expanding=True)),
    "tag": _tagged,
    "team": lambda name: Ticket.team_id.in_(_slugs(Team, name)),
    "assignee": lambda name: Ticket.assignee_id == bindparam(name),
    "unassigned": lambda name: Ticket.assignee_id.is_(None),
    "reporter": lambda name: Ticket.reporter_id == bindparam(name),
    "assignees": lambda name: Ticket.assignee_id.in_(bindparam(name, expanding=True)),
    "reporters": lambda name: Ticket.reporter_id.in_(bindparam(name, expanding=True)),
}
"""What whoever joined a ticket is not shown: for customers these look at their own tickets alone."""


@lru_cache(maxsize=2)
def _order(staff: bool) -> paging.Order:
    own = Ticket.reporter_id == ME
    priority: Any = (
        Ticket.priority if staff else case((own, Ticket.priority), else_=literal(Priority.NORMAL, Ticket.priority.type))
    )
    updated: Any = (
        Ticket.updated_at if staff else case((own, Ticket.reporter_updated_at), else_=Ticket.affected_updated_at)
    )
    return {
        "created_at": (Ticket.created_at, Ticket.id),
        "updated_at": (updated, Ticket.id),
        "priority": (priority, Ticket.id),
        "due_at": (policy.due_at(staff), Ticket.id),
    }


@lru_cache(maxsize=512)
def _filtered(staff: bool, names: frozenset[str], prefix: str = "") -> Rows:
    """The tickets somebody sees, with a condition for each filter in use: a statement per set, compiled once.

    Its parameters are called as the filters, after a prefix where several such statements become one.
    """
    statement = policy.visible_tickets(staff)
    for name in sorted(names):
        of = name.removeprefix(TYPED)
        if of in OPEN_TO_ALL:
            condition = OPEN_TO_ALL[of](prefix + name)
        elif of in AS_SEEN:
            condition = AS_SEEN[of](staff, prefix + name)
        elif of in OF_OWN:
            condition = OF_OWN[of](prefix + name)
        else:
            condition = search.condition(staff, prefix + name)
        if of in OF_OWN and not staff:
            condition = and_(Ticket.reporter_id == ME, condition)
        statement = statement.where(condition)
    return statement if "held" in names else statement.where(Ticket.held == false())


@lru_cache(maxsize=1024)
def _listed(staff: bool, names: frozenset[str], sort: str, after: bool) -> Rows:
    return paging.ordered(_filtered(staff, names), _order(staff), sort, after=after)


@lru_cache(maxsize=512)
def _counted(staff: bool, names: frozenset[str]) -> Rows:
    """A number for each status, none of them counted further than is said."""
    base = _filtered(staff, names).with_only_columns(Ticket.id)
    return select(
        *(
            select(func.count())
            .select_from(base.where(Ticket.status == status).limit(COUNTED_UP_TO + 1).subquery())
            .scalar_subquery()
            .label(status.value)
            for status in Status
        )
    )


def _values(actor: Actor, filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filters of a request as parameters of `_filtered`."""
    values = {name: value for name, value in filters.items() if name != "q"}
    if filters.get("q"):
        values |= _typed(actor, search.parse(filters["q"], actor))
    whom = values.pop("assignee", None)
    if whom == "none":
        values["unassigned"] = True
    elif whom is not None:
        values["assignee"] = actor.id if whom == "me" else int(whom)
    if (whom := values.pop("reporter", None)) is not None:
        values["reporter"] = actor.id if whom == "me" else int(whom)
    due = values.pop("due", None)
    if due == "overdue":
        values["due_before"] = now()
    elif due == "today":
        values["due_from"], values["due_before"] = today(setting("TIME_ZONE"))
    if (resolved := values.pop("resolved", None)) is not None:
        midnight = today(setting("TIME_ZONE"))[0]
        values["resolved_after"] = midnight - timedelta(days=midnight.weekday() if resolved == "week" else 0)
    return values


def _typed(actor: Actor, query: search.Query) -> dict[str, Any]:
    """What was typed, beside what was chosen: both hold, so its names are its own."""
    found = {TYPED + name: value for name, value in query.filters.items()}
    if query.is_vain:
        found[TYPED + "nothing"] = True
    return found | search.values(query, actor.is_staff)


def today(time_zone: str) -> tuple[datetime, datetime]:
    """The first moment of today and of tomorrow where the campus is."""
    zone = ZoneInfo(time_zone)
    day = now().astimezone(zone).date()
    return tuple(datetime.combine(d, time(), zone) for d in (day, day + timedelta(days=1)))  # type: ignore[return-value]


def listing(
    actor: Actor, filters: Mapping[str, Any], *, sort: str, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the tickets that somebody sees, and the cursor of the next. Raises Invalid."""
    values = _values(actor, filters)
    names = frozenset(values)
    if sort == "best":
        found = _best(actor, filters.get("q", ""), names, values, limit=limit, cursor=cursor)
        return show(actor, found.rows), found.next_cursor
    found = paging.page(
        lambda after: _listed(actor.is_staff, names, sort, after),
        {**policy.params(actor), **values},
        of=f"tickets|{sort}",
        limit=limit,
        cursor=cursor,
    )
    return show(actor, found.rows), found.next_cursor


@lru_cache(maxsize=256)
def _newest(staff: bool, names: frozenset[str]) -> Rows:
    found = _filtered(staff, names)
    title = next(column for column in found.selected_columns if column.key == "title")
    return found.with_only_columns(Ticket.id, title).order_by(Ticket.created_at.desc(), Ticket.id.desc()).limit(RANKED)


@lru_cache(maxsize=2)
def _by_ids(staff: bool) -> Rows:
    return policy.visible_tickets(staff).where(Ticket.id.in_(bindparam("ids", expanding=True)))


def _best(
    actor: Actor, q: str, names: frozenset[str], values: dict[str, Any], *, limit: int, cursor: str | None
) -> paging.Page:
    """Of the newest that match, those whose title, as its reader sees it, says what was asked for."""
    values = {**policy.params(actor), **values}
    wanted = set(search.words(q))
    rows = list(fetch(_newest(actor.is_staff, names), values))
    page = paging.ranked(
        rows, lambda row: search.score(wanted, row.title), of=f"tickets|best|{q}", limit=limit, cursor=cursor
    )
    ids = [row.id for row in page.rows]
    shown = {row.id: row for row in fetch(_by_ids(actor.is_staff), {**policy.params(actor), "ids": ids})} if ids else {}
    return paging.Page([shown[one] for one in ids if one in shown], page.next_cursor)


def count(actor: Actor, filters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How many of them are in each status, and in all."""
    values = _values(actor, filters)
    numbers = fetch(_counted(actor.is_staff, frozenset(values)), {**policy.params(actor), **values}).one()
    counted = {status.value: _capped(number) for status, number in zip(Status, numbers, strict=True)}
    counted["total"] = _capped(sum(numbers), exact=max(numbers) <= COUNTED_UP_TO)
    return counted


@lru_cache(maxsize=64)
def _counted_each(staff: bool, sets: tuple[tuple[str, frozenset[str]], ...]) -> Rows:
    """A number for each set of filters, none of them counted further than is said."""
    return select(
        *(
            select(func.count())
            .select_from(
                _filtered(staff, names, f"{label}_").with_only_columns(Ticket.id).limit(COUNTED_UP_TO + 1).subquery()
            )
            .scalar_subquery()
            .label(label)
            for label, names in sets
        )
    )


def count_each(actor: Actor, sets: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """How many tickets each of several sets of filters finds, by the sets' names, in one statement."""
    values = {label: _values(actor, filters) for label, filters in sets.items()}
    statement = _counted_each(actor.is_staff, tuple((label, frozenset(found)) for label, found in values.items()))
    parameters = {f"{label}_{name}": value for label, found in values.items() for name, value in found.items()}
    numbers = fetch(statement, {**policy.params(actor), **parameters}).one()
    return {label: _capped(number) for label, number in zip(values, numbers, strict=True)}


def _capped(number: int, *, exact: bool = True) -> dict[str, Any]:
    more = number > COUNTED_UP_TO or not exact
    return {"count": min(number, COUNTED_UP_TO), "more": more}
