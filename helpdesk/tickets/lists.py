"""Tickets as somebody sees them: one, lists of them, and how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)

from helpdesk import moments, paging, policy, search, workflow
from helpdesk.markdown import render
from helpdesk.policy import ME, Actor, Side
from helpdesk.schemas import TicketShape
from helpdesk.settings import setting
from models import FAR_FUTURE, Building, Category, Priority, Rows, Status, Tag, Team, Ticket, TicketTag, fetch, now

COUNTED_UP_TO = RANKED = 1000
TYPED = "typed_"
"""Before the name of a filter that stands in the search box."""
_for_staff = TicketShape()
_for_customers = TicketShape(
    exclude=("reporter.email", "reporter.bounced_at", "is_unread", "first_response_soon_at", "resolution_soon_at")
)


def show(actor: Actor, rows: Iterable[Any], tags: Mapping[int, list[str]] | None = None) -> list[dict[str, Any]]:
    """Rows of `visible_tickets` as the contract's tickets: with what this actor may do next, and with their tags, asked
    for here where nobody brings them."""
    rows = list(rows)
    shape = _for_staff if actor.is_staff else _for_customers
    if not rows:
        return []
    write = shape.writer(rows[0])
    if tags is None:
        tags = tags_of([row.id for row in rows if row.side != Side.JOINED])
    return [
        {
            **write(row),
            "tags": tags.get(row.id, []),
            "transitions": () if row.merged_into_id else workflow.transitions_for(row.status, Side(row.side)),
        }
        for row in rows
    ]


def show_one(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """With what is too much for a list. Raises NotFound."""
    shown = show(actor, [policy.get_ticket(actor, ticket_id)])[0]
    text = shown["description"]
    return {**shown, "description_html": None if text is None else render(text)}


def show_some(actor: Actor, ids: Iterable[int]) -> list[dict[str, Any]]:
    """Those of these tickets that somebody sees, in the order in which they were named."""
    wanted = list(dict.fromkeys(ids))
    rows = fetch(_by_ids(actor.is_staff), {**policy.params(actor), "ids": wanted}) if wanted else ()
    return sorted(show(actor, rows), key=lambda one: wanted.index(one["id"]))


_tags_select = (
    select(TicketTag.ticket_id, Tag.name)
    .join(Tag, Tag.id == TicketTag.tag_id)
    .where(TicketTag.ticket_id.in_(bindparam("ids", expanding=True)))
    .order_by(Tag.name)
)


def own_tags() -> Rows:
    """The tags of one ticket: takes `ticket_id`."""
    return (
        select(Tag.name)
        .join(TicketTag, TicketTag.tag_id == Tag.id)
        .where(TicketTag.ticket_id == bindparam("ticket_id"))
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
    "resolved_before": lambda name: Ticket.resolved_at < bindparam(name),
    "resolved_since": lambda name: Ticket.resolved_at >= bindparam(name),
    "quarters": lambda name: (moments.seconds(Ticket.created_at) // moments.QUARTER).in_(
        bindparam(name, expanding=True)
    ),
    "held": lambda name: Ticket.held == bindparam(name),
    # as the index has it that knows no others: SQLite compares the words
    "is_held": lambda name: literal_column("tickets.held"),
    "following": lambda name: Ticket.id.in_(policy.joined_tickets()) == bindparam(name),
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
    "without_team": lambda name: Ticket.team_id.is_(None) == bindparam(name),
    "sla_met": lambda name: Ticket.resolved_at <= Ticket.resolution_due_at,
    "sla_missed": lambda name: Ticket.resolved_at > Ticket.resolution_due_at,
    "replied": lambda name: Ticket.first_response_at.is_not(None) == bindparam(name),
    "reopened": lambda name: (Ticket.reopened_count > 0) == bindparam(name),
    "passed_on": lambda name: (Ticket.handoff_count > 0) == bindparam(name),
    "merged": lambda name: Ticket.merged_into_id.is_not(None) == bindparam(name),
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


def _condition(staff: bool, name: str, prefix: str) -> ColumnElement[bool]:
    """One filter, whose parameter is called as it is after the prefix."""
    of = name.removeprefix(TYPED)
    if of in OPEN_TO_ALL:
        return OPEN_TO_ALL[of](prefix + name)
    if of in AS_SEEN:
        return AS_SEEN[of](staff, prefix + name)
    if of in OF_OWN:
        condition = OF_OWN[of](prefix + name)
        return condition if staff else and_(Ticket.reporter_id == ME, condition)
    return search.condition(staff, name, prefix)


def matching(columns: Rows, names: frozenset[str], prefix: str = "") -> Rows:
    """A SELECT from the tickets alone, of those that a list of the staff's with these filters shows: what figures are
    counted over, so that a figure and the list behind it cannot differ. Takes the parameters of `parameters`."""
    conditions = (_condition(True, name, prefix) for name in sorted(names))
    return columns.where(*conditions, Ticket.held == false())


def parameters(actor: Actor, filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filters of a list as names and values for `matching`: a prefix goes before the names of the parameters."""
    return _values(actor, filters)


@lru_cache(maxsize=512)
def _filtered(staff: bool, names: frozenset[str], prefix: str = "") -> Rows:
    """The tickets somebody sees, with a condition for each filter in use: a statement per set, compiled once.

    Its parameters are called as the filters, after a prefix where several such statements become one.
    """
    statement = policy.visible_tickets(staff)
    for name in sorted(names):
        statement = statement.where(_condition(staff, name, prefix))
    return statement if {"held", "is_held"} & names else statement.where(Ticket.held == false())


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
    if values.get("held"):
        values["is_held"] = values.pop("held")
    due = values.pop("due", None)
    if due == "overdue":
        values["due_before"] = now()
    elif due == "today":
        values["due_from"], values["due_before"] = today(setting("TIME_ZONE"))
    if (resolved := values.pop("resolved", None)) is not None:
        midnight = today(setting("TIME_ZONE"))[0]
        values["resolved_since"] = midnight - timedelta(days=midnight.weekday() if resolved == "week" else 0)
    if (how := values.pop("sla", None)) is not None:
        values[f"sla_{how}"] = True
    if hours := values.pop("hour", None):
        # the shape saw to it that both are there
        within = values["created_after"], values["created_before"]
        values["quarters"] = moments.quarters(hours, *within, ZoneInfo(setting("TIME_ZONE")))
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
    counted = {status.value: capped(number) for status, number in zip(Status, numbers, strict=True)}
    counted["total"] = capped(sum(numbers), exact=max(numbers) <= COUNTED_UP_TO)
    return counted


Also = Mapping[str, tuple[ScalarSelect[Any], Mapping[str, Any]]]
"""What else a statement of numbers is to find, by name: one value each, with its parameters."""


@lru_cache(maxsize=256)
def _counted_each(
    staff: bool, sets: tuple[tuple[str, frozenset[str]], ...], also: tuple[tuple[str, ScalarSelect[Any]], ...]
) -> Rows:
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
        ),
        *(found.label(name) for name, found in also),
    )


def count_each(
    actor: Actor, sets: Mapping[str, Mapping[str, Any]], also: Also | None = None
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """How many tickets each of several sets of filters finds, by the sets' names, in one statement; and what else it
    was to find, by name."""
    # by their place, so that views of one shape share a statement whatever they are called
    values = {f"n{place}": _values(actor, filters) for place, filters in enumerate(sets.values())}
    others = also or {}
    statement = _counted_each(
        actor.is_staff,
        tuple((label, frozenset(found)) for label, found in values.items()),
        tuple((name, found) for name, (found, _) in others.items()),
    )
    parameters = {f"{label}_{name}": value for label, found in values.items() for name, value in found.items()}
    for _, more in others.values():
        parameters |= more
    row = fetch(statement, {**policy.params(actor), **parameters}).one()
    counted = {label: capped(row[place]) for place, label in enumerate(sets)}
    return counted, dict(zip(others, row[len(values) :], strict=True))


# --- beside one of a list ---------------------------------------------------------------------------------------------

PREVIOUS, NEXT, BEFORE, WITHIN = "previous", "next", "before", "within"


@lru_cache(maxsize=256)
def _beside(names: frozenset[str], sort: str) -> tuple[tuple[str, ScalarSelect[Any]], ...]:
    """Of a list of the staff's: who stands before and after a place in it, and how many stand before it."""
    back = sort[1:] if sort.startswith("-") else f"-{sort}"

    def after(sort: str) -> Rows:
        column, key = _order(True)[sort.removeprefix("-")]
        listed = _filtered(True, names, "list_").with_only_columns(Ticket.id)
        here = tuple_(column, key)
        there = tuple_(bindparam("here_key", type_=column.type), bindparam("here_id", type_=key.type))
        return listed.where(here < there if sort.startswith("-") else here > there)

    def nearest(sort: str) -> ScalarSelect[Any]:
        columns = _order(True)[sort.removeprefix("-")]
        ways = [one.desc() for one in columns] if sort.startswith("-") else columns
        return after(sort).order_by(*ways).limit(1).scalar_subquery()

    those = after(back).limit(COUNTED_UP_TO + 1).subquery()
    here = _filtered(True, names, "list_").with_only_columns(Ticket.id).where(Ticket.id == bindparam("here_id"))
    return (
        (PREVIOUS, nearest(back)),
        (NEXT, nearest(sort)),
        (BEFORE, select(func.count()).select_from(those).scalar_subquery()),
        (WITHIN, here.limit(1).scalar_subquery()),
    )


def beside(actor: Actor, row: Any, filters: Mapping[str, Any], sort: str) -> Also:
    """For `count_each`: what stands beside a ticket of `policy.get_ticket` in a list of the staff's.

    `previous` and `next` are numbers of tickets or None, `before` is how many stand before it, `within` is None where
    it is not in the list any more: the two are then the nearest to where it would stand. Nothing for the best match,
    whose order no index knows.
    """
    if sort == "best":
        return {}
    values = _values(actor, filters)
    key = getattr(row, sort.removeprefix("-"))
    parameters = {f"list_{name}": value for name, value in values.items()}
    parameters |= {"here_key": FAR_FUTURE if key is None else key, "here_id": row.id}
    return {name: (found, parameters) for name, found in _beside(frozenset(values), sort)}


def capped(number: int, *, exact: bool = True) -> dict[str, Any]:
    """A number as it is said: not further than it was counted."""
    more = number > COUNTED_UP_TO or not exact
    return {"count": min(number, COUNTED_UP_TO), "more": more}
