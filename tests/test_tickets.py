"""Reporting, seeing, listing, triage."""

from __future__ import annotations

import pytest

from tests.conftest import statements
from tests.factories import Person, a_report


def test_a_report_is_there_for_its_reporter_and_for_the_staff(customer: Person, agent: Person) -> None:
    response = customer.post("/api/tickets", a_report(room="214"))
    assert response.status_code == 201
    ticket = response.json
    assert response.headers["Location"] == f"/api/tickets/{ticket['id']}"
    assert ticket["status"] == "open"
    assert ticket["reporter"] == {"id": customer.id, "name": "Jonas Weber"}
    assert ticket["transitions"] == ["closed"]
    seen = agent.sees(ticket["id"])
    assert seen["reporter"]["email"] == customer.email
    assert seen["transitions"] == ["in_progress", "waiting", "resolved", "closed"]


def test_another_customer_gets_the_same_answer_as_for_a_ticket_that_is_not_there(
    customer: Person, other: Person
) -> None:
    number = customer.reports()
    foreign, missing = other.get(f"/api/tickets/{number}"), other.get(f"/api/tickets/{number + 1000}")
    assert foreign.status_code == missing.status_code == 404
    strip = lambda r: {k: v for k, v in r.json.items() if k != "request_id"}  # noqa: E731
    assert strip(foreign) == strip(missing)
    assert customer.get(f"/api/tickets/{number}").status_code == 200


def test_a_list_takes_few_statements(customer: Person, agent: Person) -> None:
    for _ in range(30):
        number = customer.reports()
    for path in (
        "/api/tickets?limit=25",
        f"/api/tickets/{number}",
        f"/api/tickets/{number}/timeline",
        "/api/tickets/counts",
    ):
        for person in (customer, agent):
            with statements() as seen:
                assert person.get(path).status_code == 200
            assert len(seen) <= 4, seen
