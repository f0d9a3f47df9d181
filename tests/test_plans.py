"""How the databases find what a page shows: by an index and in its order, whatever the size. Read from their own plans."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import event, insert, select, update

from demo import load
from helpdesk import search
from models import (
    Audience,
    Category,
    Comment,
    Event,
    Priority,
    Status,
    Task,
    TaskPriority,
    TaskStatus,
    Ticket,
    TicketRead,
    TicketReport,
    begin_write,
    db,
    now,
)
from tests.conftest import _clean
from tests.factories import Person

SEED, DOUBLINGS = 625, 4


class Campus:
    """A large one, filled by SQL: what the planners see is what counts."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.sqlite = db.engine.dialect.name == "sqlite"
        self.agent, self.customer, self.admin = (Person.made(app, role) for role in ("agent", "customer", "admin"))
        crowd = [Person.made(app, "customer").id for _ in range(20)]
        begin_write()
        categories = list(db.session.scalars(select(Category.id)))
        start = now() - timedelta(days=900)
        rows = []
        for n in range(SEED):
            at = start + timedelta(hours=n * 30, minutes=n % 60)
            status = list(Status)[n % 5]
            ended = status in (Status.RESOLVED, Status.CLOSED)
            rows.append(
                {
                    "title": f"Problem {n}",
                    "description": "It drips.",
                    "status": status,
                    "priority": list(Priority)[n % 4],
                    "category_id": categories[n % len(categories)],
                    "reporter_id": crowd[n % len(crowd)],
                    "assignee_id": self.agent.id if n % 50 == 0 else self.admin.id if n % 3 else None,
                    "created_at": at,
                    "updated_at": at + timedelta(days=1),
                    "due_at": at + timedelta(days=2),
                    "resolved_at": at + timedelta(days=1) if ended else None,
                }
            )
        db.session.execute(insert(Ticket), rows)
        columns = [column for column in Ticket.__table__.c if column.name != "id"]
        for _ in range(DOUBLINGS):
            db.session.execute(insert(Ticket).from_select(columns, select(*columns)))
        ids = list(db.session.scalars(select(Ticket.id).order_by(Ticket.id)))
        assert len(ids) == SEED * 2**DOUBLINGS
        db.session.execute(update(Ticket).where(Ticket.id.in_(ids[::700])).values(reporter_id=self.customer.id))
        joined = [{"ticket_id": number, "user_id": self.customer.id} for number in ids[1::900]]
        db.session.execute(insert(TicketReport), [*joined, *({"ticket_id": n, "user_id": crowd[0]} for n in ids[5::9])])
        self.ticket = ids[0]
        read = [{"ticket_id": n, "user_id": one.id, "seq": 1} for n in ids for one in (self.agent, self.admin)]
        db.session.execute(insert(TicketRead), read)
        self._document(ids)
        said = {"text": "Thank you.", "audience": Audience.REPORTER, "author_id": self.agent.id}
        db.session.execute(insert(Comment), [{"ticket_id": number, **said} for number in ids[::10]])
        happened = {"seq": 0, "field": "title", "visibility": Audience.REPORTER, "actor_kind": "user"}
        db.session.execute(insert(Event), [{"ticket_id": n, "deed_id": str(n), **happened} for n in ids[::5]])
        todo = {"created_by_id": self.agent.id, "priority": TaskPriority.LOW, "status": TaskStatus.TODO}
        db.session.execute(
            insert(Task),
            [{"title": "Valve", "assignee_id": self.agent.id if n % 50 == 0 else None, **todo} for n in range(1000)],
        )
        db.session.commit()

    def _document(self, ids: list[int]) -> None:
        """Every second says “projector”, a few “xylophone”, one of them beside it; each has words of its own."""
        found: dict[int, dict[Any, str]] = {}
        for number in ids:
            title = "Projector flickers" if number % 2 else "It drips"
            words = {(Audience.AFFECTED, None): search.document(title, f"room{number}")}
            if number in ids[::3000]:
                words[Audience.REPORTER, None] = search.document("the projector hit the xylophone")
            found[number] = words
        search.write(found)

    def plan(self, who: str, path: str, table: str = "tickets", *, of_many: bool = False, saying: str = "") -> str:
        """What the database says it does for the statement that finds what is on this page.

        `of_many`: as if there were so many that PostgreSQL would not rather read all. `saying`: a word in the statement.
        """
        asked: list[tuple[str, Any]] = []

        def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            asked.append((statement, parameters))

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            response = getattr(self, who).get(path)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        assert response.status_code == 200, response.get_data(as_text=True)
        # beside it are the session and its user, whether the ticket may be seen, and tags
        statement, parameters = max(
            (one for one in asked if f"FROM {table}" in one[0] and saying in one[0]), key=lambda one: len(one[0])
        )
        explain = "EXPLAIN QUERY PLAN " if db.engine.dialect.name == "sqlite" else "EXPLAIN "
        with db.engine.connect() as connection:
            if of_many and not self.sqlite:
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            rows = connection.exec_driver_sql(explain + statement, parameters).all()
        return "\n".join(str(row[-1]) for row in rows)


def _scans(plan: str, *tables: str) -> list[str]:
    """Where it reads a whole table, row by row."""
    names = "|".join(tables)
    return re.findall(rf"SCAN (?:{names})(?! USING)\b.*|Seq Scan on (?:{names})\b.*", plan)


def _sorts(plan: str) -> bool:
    """Whether it gathers everything that matches before it knows the first."""
    return "TEMP B-TREE FOR ORDER BY" in plan or "Sort Key" in plan


def _analyze() -> None:
    load.end(db.engine)
    db.session.remove()
    db.engine.dispose()  # SQLite's other connections plan with what they read when they were opened


@pytest.fixture(scope="module")
def campus(application: Flask) -> Iterator[Campus]:
    def within(function: Any) -> Any:
        with application.app_context():
            try:
                return function()
            finally:
                db.session.remove()

    made: Campus = contextvars.Context().run(within, lambda: Campus(application))
    contextvars.Context().run(within, _analyze)
    yield made
    contextvars.Context().run(within, lambda: _clean(application))
    contextvars.Context().run(within, _analyze)


@pytest.fixture(autouse=True)
def _within(campus: Campus) -> Iterator[None]:
    with campus.app.app_context():
        yield
        db.session.remove()


SORTS = ("created_at", "updated_at", "priority", "due_at")


@pytest.mark.parametrize("sort", [f"{way}{name}" for name in SORTS for way in ("", "-")])
def test_the_staffs_list_walks_an_index_in_the_order_it_shows(campus: Campus, sort: str) -> None:
    path = f"/api/tickets?sort={sort}"
    first = campus.plan("agent", path)
    following = campus.plan("agent", f"{path}&cursor={campus.agent.get(path).json['next_cursor']}")
    for plan in (first, following):
        assert f"ix_tickets_{sort.removeprefix('-')}_id" in plan, plan
        assert not _sorts(plan), plan
        assert not _scans(plan, "tickets"), plan


@pytest.mark.parametrize(
    ("query", "index", "in_order"),
    [
        ("assignee=me&sort=due_at", "ix_tickets_assignee_id_due_at_id", True),
        ("assignee=me&status=open&sort=due_at", "ix_tickets_assignee_id_", False),
        ("assignee=none&status=open&sort=due_at", "due_at_id", True),
        ("due=overdue&sort=due_at", "ix_tickets_due_at_id", True),
        ("created_after=2026-01-01T00:00:00Z", "ix_tickets_created_at_id", True),
        ("reporter={customer}", "ix_tickets_reporter_id_id", False),
        ("assignee=me", "ix_tickets_", False),
        ("status=open&status=waiting", "ix_tickets_", False),
        ("status=closed&sort=-updated_at", "ix_tickets_", False),
        ("status=closed&sort=-created_at", "created_at_id", True),
        ("status=closed&sort=created_at", "created_at_id", True),
        ("status=closed&sort=-updated_at", "updated_at_id", True),
        *(
            (f"status={status}&sort={way}{name}", f"_{name}_id", True)
            for status in ("closed", "open")
            for name in ("due_at", "priority")
            for way in ("", "-")
        ),
        ("category=facilities", "ix_tickets_", False),
        ("building=nowhere", "ix_tickets_", False),
        ("team=it&sort=due_at", "ix_tickets_", False),
        ("priority=urgent&sort=due_at", "ix_tickets_", False),
        ("held=true", "ix_tickets_", False),
    ],
)
def test_a_filter_of_the_staff_never_reads_the_whole_table(
    campus: Campus, query: str, index: str, in_order: bool
) -> None:
    plan = campus.plan("agent", f"/api/tickets?{query.format(customer=campus.customer.id)}")
    assert index in plan, plan
    assert not _scans(plan, "tickets"), plan
    assert not (in_order and _sorts(plan)), plan


@pytest.mark.parametrize(
    "query", ["", "sort=priority", "sort=due_at&status=open", "category=it", "reporter=me", "assignee=none"]
)
def test_a_customers_list_starts_from_what_is_theirs(campus: Campus, query: str) -> None:
    plan = campus.plan("customer", f"/api/tickets?{query}")
    assert "ix_tickets_reporter_id_id" in plan, plan
    assert query == "reporter=me" or "ix_ticket_reports_user_id_ticket_id" in plan, plan
    assert not _scans(plan, "tickets", "ticket_reports"), plan


SEARCHES = ["projector", "xylophone", "projector xylophone", '"the xylophone"', "proj", "status:open xylophone"]


@pytest.mark.parametrize("sort", ["-created_at", "due_at", "best"])
@pytest.mark.parametrize("typed", SEARCHES)
def test_a_search_of_the_staff_asks_the_index_of_words(campus: Campus, typed: str, sort: str) -> None:
    plan = campus.plan("agent", f"/api/tickets?q={typed}&sort={sort}", "ticket_words")
    assert not _scans(plan, "search_documents"), plan
    if campus.sqlite:
        assert "ticket_words VIRTUAL TABLE INDEX" in plan, plan
        assert not _scans(plan, "tickets"), plan
    elif "xylophone" in typed:
        # of what is in every second ticket it may as well read all
        assert "ix_ticket_words_words" in plan, plan
        assert not _scans(plan, "ticket_words"), plan


@pytest.mark.parametrize("typed", ["xylo", "zither", "room1234"])
def test_a_rare_beginning_is_not_looked_for_in_every_ticket(campus: Campus, typed: str) -> None:
    """PostgreSQL guesses how rare it is from how rare the rarest word is that it counted."""
    plan = campus.plan("agent", f"/api/tickets?q={typed}", "ticket_words")
    assert re.search("ticket_words VIRTUAL TABLE INDEX|Bitmap Index Scan on ix_ticket_words_words", plan), plan
    if not campus.sqlite:
        rows = re.search(r"Bitmap Heap Scan on ticket_words .*rows=(\d+)", plan)
        assert rows and int(rows[1]) < SEED * 2**DOUBLINGS / 200, plan  # it guesses by a sample, each time another


@pytest.mark.parametrize("typed", SEARCHES)
def test_a_search_of_a_customer_starts_from_what_is_theirs(campus: Campus, typed: str) -> None:
    plan = campus.plan("customer", f"/api/tickets?q={typed}", "search_documents")
    assert "ix_tickets_reporter_id_id" in plan and "ix_ticket_reports_user_id_ticket_id" in plan, plan
    assert re.search("search_documents_(1|ticket_id_audience_reader_id)", plan), plan
    assert not _scans(plan, "tickets", "ticket_reports", "search_documents", "ticket_words"), plan


@pytest.mark.parametrize("who", ["agent", "customer"])
def test_counting_walks_an_index(campus: Campus, who: str) -> None:
    plan = campus.plan(who, "/api/tickets/counts", of_many=True)
    assert ("ix_tickets_status_" if who == "agent" else "ix_tickets_reporter_id_id") in plan, plan
    assert not _scans(plan, "tickets", "ticket_reports"), plan


def test_what_somebody_has_to_do_is_counted_in_the_index(campus: Campus) -> None:
    plan = campus.plan("agent", "/api/tickets/counts?assignee=me")
    assert "ix_tickets_assignee_id_status_held" in plan, plan
    assert not _scans(plan, "tickets"), plan


@pytest.mark.parametrize("who", ["agent", "customer"])
@pytest.mark.parametrize(
    ("path", "table", "index"),
    [
        ("", "tickets", "PRIMARY KEY|pk_tickets"),
        ("/comments", "comments", "ix_comments_ticket_id_id"),
        ("/timeline", "events", "ix_events_ticket_id_id"),
        ("/events?after=7", "events", "ix_events_ticket_id_id"),
    ],
)
def test_one_ticket_is_found_by_its_number(campus: Campus, who: str, path: str, table: str, index: str) -> None:
    plan = campus.plan(who, f"/api/tickets/{campus.ticket}{path}", table)
    assert re.search(index, plan), plan
    assert not _scans(plan, "tickets", "ticket_reports", "comments", "events"), plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "ix_tasks_due_at_id"),
        ("?assignee=me", "ix_tasks_assignee_id_due_at_id"),
        ("?ticket_id={ticket}", "ix_tasks_ticket_id"),
        ("?due=week&status=todo", "ix_tasks_due_at_id"),
    ],
)
def test_tasks_are_found_by_an_index(campus: Campus, query: str, index: str) -> None:
    plan = campus.plan("agent", f"/api/tasks{query.format(ticket=campus.ticket)}", "tasks")
    assert index in plan, plan
    assert not _scans(plan, "tasks"), plan


@pytest.mark.parametrize(
    "query", ["", "category=it&sort=-priority", "assignee=none&sort=created_at", "sort=-updated_at"]
)
def test_the_sidebar_and_the_place_in_a_list_are_counted_by_indexes(campus: Campus, query: str) -> None:
    for path in (f"/staff/?{query}", f"/staff/tickets/{campus.ticket}?{urlencode({'list': query})}"):
        plan = campus.plan("agent", path, of_many=True)
        assert not _scans(plan, "tickets", "tasks", "bulk_edits"), plan


@pytest.mark.parametrize("sort", [f"{way}{name}" for name in SORTS for way in ("", "-")])
def test_who_stands_beside_a_ticket_is_found_in_the_order_of_the_list(campus: Campus, sort: str) -> None:
    """Both neighbours, by the index that the list walks, and nothing is sorted for them."""
    path = f"/staff/tickets/{campus.ticket}?{urlencode({'list': f'sort={sort}'})}"
    plan = campus.plan("agent", path, of_many=True, saying="previous")
    assert f"{sort.removeprefix('-')}_id" in plan, plan
    assert not _sorts(plan), plan


def test_what_somebody_read_is_found_beside_each_ticket(campus: Campus) -> None:
    plan = campus.plan("agent", "/api/tickets?sort=due_at", of_many=True)
    assert re.search("ticket_reads USING INDEX|Index (Only )?Scan using pk_ticket_reads", plan), plan
    assert not _scans(plan, "ticket_reads"), plan


def test_what_stands_around_a_ticket_is_found_by_indexes(campus: Campus) -> None:
    """Similar tickets too: the newest of its category and of its building, however many there are."""
    plan = campus.plan("agent", f"/staff/tickets/{campus.ticket}", "saved_replies")
    assert "ix_tickets_category_id_created_at_id" in plan, plan
    # PostgreSQL looks for no building where the ticket has none
    assert "ix_tickets_building_id_created_at_id" in plan or "One-Time Filter: false" in plan, plan
    assert not _scans(plan, "tickets", "ticket_reports"), plan


def test_saved_replies_are_found_by_an_index(campus: Campus) -> None:
    plan = campus.plan("agent", "/api/saved-replies", "saved_replies", of_many=True)
    assert "ix_saved_replies" in plan, plan
    assert not _scans(plan, "saved_replies"), plan


@pytest.mark.parametrize(
    ("query", "index"), [("", "ix_tasks_assignee_id_due_at_id"), ("?whose=everyone", "ix_tasks_due_at_id")]
)
def test_the_page_of_tasks_walks_an_index_in_the_order_it_shows(campus: Campus, query: str, index: str) -> None:
    # beside it one that counts reads all of them once: there is an index of no status
    plan = campus.plan("agent", f"/staff/tasks{query}", "tasks", of_many=True, saying="sort_key")
    assert index in plan, plan
    assert not (query and _sorts(plan)), plan  # what one person has is little: it may as well be sorted
    assert not _scans(plan, "tasks"), plan
