"""The audit log: what is on record, who reads it, how it is found, and what a spreadsheet makes of it."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from helpdesk import audit, audit_log
from helpdesk.policy import SYSTEM
from helpdesk.schemas import AUDIT_AREAS
from helpdesk.settings import ROOT
from helpdesk.spreadsheets import rows_as_csv, safe_cell
from models import ActorKind, AuditEvent, begin_write, db, now
from tests.conftest import statements
from tests.doors import at, login, recorded
from tests.factories import Person
from tests.pages import Reader

LOG = "/staff/admin/audit"
API = "/api/audit-events"


@pytest.fixture
def desk(app: Flask, admin: Person) -> Reader:
    """Ada Byron, an admin, at her browser."""
    return Reader(app, admin)


def happened(action: str = "user.changed", when: datetime | None = None, **fields: Any) -> int:
    begin_write()
    event = AuditEvent(
        action=action, area=audit.area_of(action), actor_kind=ActorKind.USER, created_at=when or now(), **fields
    )  # fmt: skip
    db.session.add(event)
    db.session.commit()
    return event.id


def ids(person: Person, query: str = "") -> list[int]:
    response = person.get(f"{API}?{query}")
    assert response.status_code == 200, response.get_data(as_text=True)
    return [one["id"] for one in response.json["items"]]


def rows_of(data: bytes) -> list[dict[str, str]]:
    text = data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


# --- reading ----------------------------------------------------------------------------------------------------------


def test_who_did_what_to_whom_from_where_is_told_in_words(
    app: Flask, desk: Reader, admin: Person, agent: Person, customer: Person
) -> None:
    named = {"X-Request-ID": "the-request-1"}
    assert admin.patch(
        f"/api/users/{agent.id}", {"role": "admin"}, headers=named, **at("10.1.2.3")
    ).status_code == 200  # fmt: skip
    assert customer.get("/api/tasks").status_code == 403
    assert login(customer, customer.username, "a guess").status_code == 401
    page = desk.reads(LOG)
    for words in (
        "Ada Byron",
        "Changed the role",
        "Priya Nair",
        "agent → admin",
        "10.1.2.3",
        "Refused",
        "Login failed",
    ):
        assert page.says(words), words
    assert page.says("GET /api/tasks")
    assert f"/staff/admin/users/{agent.id}" in page.links
    [one] = admin.get(f"{API}?action=user.role.changed").json["items"]
    assert (one["actor"], one["target"], one["detail"], one["peer"], one["request_id"], one["area"]) == (
        {"id": admin.id, "name": "Ada Byron"}, f"user:{agent.id}", {"before": "agent", "after": "admin"}, "10.1.2.3",
        "the-request-1", "people",
    )  # fmt: skip


def test_the_log_is_filtered_by_area_actor_target_and_days(
    desk: Reader, admin: Person, agent: Person, customer: Person
) -> None:
    old = happened(when=datetime(2026, 1, 15, 12, tzinfo=UTC), actor_id=admin.id, target=f"user:{agent.id}")
    mid = happened("category.changed", datetime(2026, 2, 15, 12, tzinfo=UTC), actor_id=agent.id, target="category:1")
    new = happened("job.dropped", datetime(2026, 3, 15, 12, tzinfo=UTC), target="job:7")
    for query, expected in {
        "area=people": [old],
        "area=places": [mid],
        "area=jobs": [new],
        f"actor={agent.id}": [mid],
        f"target=user:{agent.id}": [old],
        "action=job.dropped": [new],
        "after=2026-02-01T00:00:00Z&before=2026-04-01T00:00:00Z": [new, mid],
        "before=2026-02-01T00:00:00Z": [old],
        f"actor={admin.id}&area=places": [],
    }.items():
        assert ids(admin, query) == expected, query
    page = desk.reads(f"{LOG}?from=2026-02-15&to=2026-02-15")
    assert page.says("Category changed")
    assert not page.says("Dropped a job")
    page = desk.reads(f"{LOG}?target=user:{agent.id}")
    assert page.says("About: Priya Nair")
    assert desk.reads(f"{LOG}?area=exports").says("Nothing is on record here")


@pytest.mark.parametrize(
    "query", ["area=all", "actor=me", "from=yesterday", "from=0001-01-01", "target=user", "cursor=made-up", "x=1"]
)
def test_what_an_address_cannot_say_is_told_and_everything_shown(desk: Reader, query: str) -> None:
    assert desk.reads(f"{LOG}?{query}").says("This is everything")


def test_the_log_is_paged_newest_first(admin: Person, desk: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = [happened("tag.created", start + timedelta(minutes=number // 2)) for number in range(7)]
    seen: list[int] = []
    path = f"{API}?area=places&limit=2"
    while path:
        answer = admin.get(path)
        seen += [one["id"] for one in answer.json["items"]]
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == made[::-1]
    monkeypatch.setattr("blueprints.staff.audit.A_PAGE", 5)
    page = desk.reads(f"{LOG}?area=places")
    [older] = [link for link in page.links if "cursor=" in link]
    assert desk.reads(older).html.count("Tag created") == 2


def test_the_log_takes_six_statements_however_much_is_on_record(desk: Reader, admin: Person) -> None:
    numbers = []
    for _ in range(2):
        for _ in range(15):
            happened(target=f"user:{admin.id}", actor_id=admin.id)
        with statements() as seen:
            desk.reads(LOG)
        numbers.append(len(seen))
    assert numbers == [6, 6]


def test_only_admins_read_and_export_it(desk: Reader, admin: Person, agent: Person, customer: Person) -> None:
    for person in (agent, customer):
        assert person.get(API).status_code == person.get(f"{API}?format=csv").status_code == 403
    assert not recorded("export.audit_events")
    assert admin.get(f"{API}?format=csv").status_code == 200
    assert len(recorded("export.audit_events")) == 1


def test_nothing_changes_or_deletes_what_is_on_record(admin: Person) -> None:
    number = happened()
    for method in ("PUT", "PATCH", "POST", "DELETE"):
        for path in (API, f"{API}/{number}"):
            assert admin.open(method, path, json={}).status_code in (404, 405)
    assert number in ids(admin)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor_id = NULL", "DELETE FROM audit_events", "DELETE FROM audit_events WHERE id = {id}",
        "UPDATE audit_events SET detail = '{{}}' WHERE id = {id}",
    ],
)  # fmt: skip
def test_the_database_itself_refuses_to_change_the_record(app: Flask, admin: Person, statement: str) -> None:
    number = happened(actor_id=admin.id)
    begin_write()
    with pytest.raises(DBAPIError, match="neither changed nor deleted"):
        db.session.execute(text(statement.format(id=number)))
    db.session.rollback()
    assert number in ids(admin)
    again = happened(actor_id=admin.id)
    assert again > number, "and takes what is new"


def test_who_was_erased_is_a_number_in_the_log(admin: Person, desk: Reader, customer: Person) -> None:
    """TRUST 29."""
    assert admin.patch(f"/api/users/{customer.id}", {"name": "Jonas Q. Weber", "username": "jqw"}).status_code == 200
    assert admin.delete(f"/api/users/{customer.id}").status_code == 204
    texts = [desk.get(LOG), admin.get(API), admin.get(f"{API}?format=csv"), desk.get(f"{LOG}.csv")]
    for response in texts:
        text = response.get_data(as_text=True)
        for word in ("Jonas", "jqw", customer.username, customer.email):
            assert word not in text
        assert f"user:{customer.id}" in text or "Deleted user" in text


# --- exporting --------------------------------------------------------------------------------------------------------


def test_the_whole_log_is_a_file_and_taking_it_is_on_record(
    desk: Reader, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "BATCH", 4)
    made = [happened("tag.created", target=f"tag:{number}", detail={"name": f"t{number}"}) for number in range(11)]
    for response in (admin.get(f"{API}?format=csv&area=places"), desk.get(f"{LOG}.csv?area=places")):
        assert response.content_type == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
        assert response.headers["Cache-Control"] == "no-store"
        rows = rows_of(response.data)
        assert [int(one["event_id"]) for one in rows] == made[::-1]
        assert rows[0]["detail"] == '{"name": "t10"}'
        assert rows[0]["time"].endswith("Z")
    events = recorded("export.audit_events")
    assert [(one.actor_id, one.detail) for one in events] == [(admin.id, {"filters": {"area": "places"}})] * 2
    assert desk.open("HEAD", f"{LOG}.csv").status_code == admin.open("HEAD", f"{API}?format=csv").status_code == 200
    assert len(recorded("export.audit_events")) == 2, "who only asks for its headers gets nothing"


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "＝1+1",
    "　=1",
    "\u200b=1",
    "\ufeff=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_file_is_a_formula(text: str) -> None:
    """TRUST 17, P-059."""
    assert safe_cell(text) == f"'{text}"
    [header, row] = csv.reader(io.StringIO(b"".join(rows_as_csv([text], [[text]])).decode("utf-8-sig"), newline=""))
    assert header == row == [f"'{text}"]


def test_harmless_cells_stay_as_they_are() -> None:
    for value in ("Ada", "a=b", "", "1+1", 5, -5, 1.5, None, "5 - 3", "O'Brien"):
        assert safe_cell(value) == value


def test_formulas_of_people_are_harmless_in_the_log(admin: Person, app: Flask) -> None:
    mallory = Person.made(app, "admin", name="=HYPERLINK(evil)")
    assert mallory.get(f"{API}?format=csv").status_code == 200
    happened("tag.created", actor_id=mallory.id, detail={"name": "=1+1"}, request_id="-1", peer="@x", target="+1")
    rows = rows_of(admin.get(f"{API}?format=csv").data)
    for one in rows:
        for cell in one.values():
            assert not cell.startswith(("=", "+", "-", "@")), cell
    assert any(one["actor"] == "'=HYPERLINK(evil)" for one in rows)


# --- what is on record ------------------------------------------------------------------------------------------------


def test_every_area_is_one_that_can_be_chosen() -> None:
    from blueprints.staff.audit import AREAS

    assert {*audit.AREAS.values(), audit.OTHER} <= set(AUDIT_AREAS) == set(AREAS)


def test_every_action_belongs_to_an_area() -> None:
    found = set()
    for folder in ("helpdesk", "blueprints"):
        for path in (ROOT / folder).rglob("*.py"):
            found |= set(re.findall(r'audit\.record\(\s*f?"([a-z_-]+)', path.read_text()))
    assert {"user", "ticket", "sign-in", "denied", "export"} <= found
    assert found <= audit.AREAS.keys()


def test_what_is_done_by_itself_is_found_as_that(admin: Person) -> None:
    begin_write()
    audit.record("user.created", actor=SYSTEM, target="user:1")
    db.session.commit()
    [one] = admin.get(f"{API}?actor=system").json["items"]
    assert (one["actor_kind"], one["actor"]) == ("system", None)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "ix_audit_events_created_at_id"),
        ("area=jobs", "ix_audit_events_area_created_at_id"),
        ("actor={admin}", "ix_audit_events_actor_id_created_at_id"),
        ("target=user:5", "ix_audit_events_target_created_at_id"),
        ("after=2026-01-01T00:00:00Z", "ix_audit_events_created_at_id"),
    ],
)
def test_the_log_walks_an_index_in_the_order_it_shows(app: Flask, admin: Person, query: str, index: str) -> None:
    """Of PostgreSQL as if there were so many that it would not rather read all."""
    areas = ["sign-in", "people", "jobs", "places"]
    rows = [
        {"action": "a.b", "area": areas[number % 4], "actor_kind": ActorKind.USER, "detail": {},
         "actor_id": admin.id if number % 30 == 0 else None, "target": f"user:{number % 90}",
         "created_at": now() - timedelta(minutes=number)}
        for number in range(3000)
    ]  # fmt: skip
    begin_write()
    db.session.execute(AuditEvent.__table__.insert(), rows)
    db.session.commit()
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM audit_events" in statement:
            asked.append((statement, parameters))

    with db.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    db.engine.dispose()  # its connections plan with what they read when they were opened
    sqlalchemy_event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert admin.get(f"{API}?{query.format(admin=admin.id)}").status_code == 200
    finally:
        sqlalchemy_event.remove(db.engine, "before_cursor_execute", note)
    statement, parameters = asked[-1]
    with db.engine.connect() as connection:
        postgresql = connection.dialect.name == "postgresql"
        if postgresql:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        found = connection.exec_driver_sql(
            ("EXPLAIN " if postgresql else "EXPLAIN QUERY PLAN ") + statement, parameters
        ).all()  # fmt: skip
    plan = "\n".join(str(one[-1]) for one in found)
    assert index in plan, plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan, plan


def test_what_admins_and_agents_change_for_others_is_on_record_with_what_it_was(
    admin: Person, agent: Person, customer: Person
) -> None:
    number, other = customer.reports(), agent.reports()
    agent.sets(number, is_confidential=True)
    agent.sets(number, is_confidential=False)
    assert agent.post(f"/api/tickets/{number}/merge", {"into_id": other}).status_code == 200
    assert agent.post(f"/api/tickets/{number}/unmerge").status_code == 200
    view = agent.post("/api/views", {"name": "Mine alone"}).json["id"]
    agent.patch(f"/api/views/{view}", {"sort": "-created_at"})
    assert not recorded("view.created"), "one's own is one's own"
    agent.patch(f"/api/views/{view}", {"is_shared": True})
    admin.patch(f"/api/views/{view}", {"name": "Ours"})
    admin.delete(f"/api/views/{view}")
    reply = admin.post("/api/saved-replies", {"title": "a", "text": "b", "is_shared": True}).json["id"]
    admin.patch(f"/api/saved-replies/{reply}", {"text": "c"})
    found = {
        "ticket.is_confidential.changed": [{"before": "false", "after": "true"}, {"before": "true", "after": "false"}],
        "ticket.merged": [{"into": f"ticket:{other}", "joined": 1}],
        "ticket.unmerged": [{"into": f"ticket:{other}", "left": 1}],
        "view.changed": [{"fields": ["is_shared"]}, {"fields": ["name"]}],
        "view.deleted": [{}],
        "saved_reply.changed": [{"fields": ["text"]}],
    }
    for action, details in found.items():
        assert [one.detail for one in recorded(action)] == details, action
        assert {one.area for one in recorded(action)} <= {"tickets", "writing"}
    text = admin.get(f"{API}?limit=100").get_data(as_text=True)
    assert "Mine alone" not in text


def test_what_the_desk_is_made_of_is_on_record_with_what_it_was(admin: Person) -> None:
    for kind, one in (("teams", "team"), ("categories", "category"), ("buildings", "building")):
        made = admin.post(f"/api/{kind}", {"slug": "gym", "name": "Gym"})
        number = made.json["id"]
        path = f"/api/{kind}/{number}"
        assert admin.patch(path, {"name": "Sports hall", "slug": "gym"}).status_code == 200
        assert admin.patch(path, {"name": "Sports hall"}).status_code == 200
        assert admin.delete(path).status_code == 204
        [created], [changed], [deleted] = (recorded(f"{one}.{what}") for what in ("created", "changed", "deleted"))
        assert {event.target for event in (created, changed, deleted)} == {f"{one}:{number}"}
        assert created.detail == {"name": "Gym"}
        assert changed.detail == {"changes": {"name": {"before": "Gym", "after": "Sports hall"}}}
        assert deleted.detail == {"name": "Sports hall"}
