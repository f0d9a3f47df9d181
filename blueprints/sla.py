"""Service levels and calendars, and why a ticket is due when it is."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import sla
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    CalendarShape,
    CreateCalendarShape,
    CreateSlaPolicyShape,
    DryRunResultShape,
    DryRunShape,
    EditCalendarShape,
    EditSlaPolicyShape,
    RecountShape,
    SlaOrderShape,
    SlaPolicyShape,
    WhyDueShape,
    page_of,
)

api = Doors("sla", __name__, url_prefix="/api")
POLICY = f"/sla-policies/{http.ID.format('policy_id')}"
CALENDAR = f"/calendars/{http.ID.format('calendar_id')}"
DUE = f"/tickets/{http.ID.format('ticket_id')}/due"


@api.call("GET", "/sla-policies", Action.SLA_READ, out=page_of(SlaPolicyShape))
def list_policies(actor: Actor) -> Answer:
    """List the service levels, in their order: of those that match a ticket, the first active one holds."""
    return http.page(sla.policies.listing(actor), None)


@api.call(
    "POST", "/sla-policies", Action.SLA_WRITE, body=CreateSlaPolicyShape, out=SlaPolicyShape, status=201, creates=True,
    raises=(409,),
)  # fmt: skip
def create_policy(actor: Actor, body: dict[str, Any]) -> Answer:
    """Make a service level, behind all others but what would take all of its tickets. Due dates are computed anew."""
    http.begin(actor)
    row = sla.policies.create(actor, body)
    return Answer(sla.policies.show_one(actor, row.id), headers={"Location": f"/api/sla-policies/{row.id}"})


@api.call("GET", "/sla-policies/recount", Action.SLA_READ, out=RecountShape)
def show_recount(actor: Actor) -> dict[str, Any]:
    """Get how far unfinished tickets have the due dates of what was changed last."""
    return sla.recount.progress()


@api.call("PUT", "/sla-policies/order", Action.SLA_WRITE, body=SlaOrderShape, out=page_of(SlaPolicyShape))
def reorder_policies(actor: Actor, body: dict[str, Any]) -> Answer:
    """Put the service levels in another order."""
    http.begin(actor)
    sla.policies.reorder(actor, body["ids"])
    return http.page(sla.policies.listing(actor), None)


@api.call("POST", "/sla-policies/dry-run", Action.SLA_WRITE, body=DryRunShape, out=DryRunResultShape)
def try_policies(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """See how the tickets that were resolved lately would have done under other service levels. Saves nothing.

    Both sides are computed alike, by when each ticket was reported, answered and resolved and when its clock stood.
    """
    wanted = [{**sla.policies.DEFAULTS, **one} for one in body.pop("policies")]
    sla.policies.check_unsaved(wanted)
    return sla.dry_run(actor, wanted, **body)


@api.call("GET", POLICY, Action.SLA_READ, out=SlaPolicyShape)
def show_policy(actor: Actor, policy_id: int) -> dict[str, Any]:
    """Get a service level."""
    return sla.policies.show_one(actor, policy_id)


@api.call(
    "PUT", POLICY, Action.SLA_WRITE, body=EditSlaPolicyShape, out=SlaPolicyShape, if_match=True, raises=(409,)
)  # fmt: skip
@api.call(
    "PATCH", POLICY, Action.SLA_WRITE, body=EditSlaPolicyShape, out=SlaPolicyShape, if_match=True, raises=(409,)
)  # fmt: skip
def edit_policy(actor: Actor, policy_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named. Unfinished tickets are computed anew."""
    http.begin(actor)
    row = sla.policies.take(actor, policy_id)
    http.expect_version(row.version, lambda: sla.policies.show_one(actor, policy_id))
    sla.policies.edit(actor, row, body)
    return sla.policies.show_one(actor, policy_id)


@api.call("DELETE", POLICY, Action.SLA_WRITE, status=204, if_match=True)
def destroy_policy(actor: Actor, policy_id: int) -> None:
    """Delete a service level. Unfinished tickets get the next that matches."""
    http.begin(actor)
    row = sla.policies.take(actor, policy_id)
    http.expect_version(row.version, lambda: sla.policies.show_one(actor, policy_id))
    sla.policies.destroy(actor, row)


@api.call("GET", "/calendars", Action.SLA_READ, out=page_of(CalendarShape))
def list_calendars(actor: Actor) -> Answer:
    """List the calendars, by name."""
    return http.page(sla.calendars.listing(actor), None)


@api.call(
    "POST", "/calendars", Action.SLA_WRITE, body=CreateCalendarShape, out=CalendarShape, status=201, creates=True,
    raises=(409,),
)  # fmt: skip
def create_calendar(actor: Actor, body: dict[str, Any]) -> Answer:
    """Make a calendar."""
    http.begin(actor)
    row = sla.calendars.create(actor, body)
    return Answer(sla.calendars.show_one(actor, row.id), headers={"Location": f"/api/calendars/{row.id}"})


@api.call("GET", CALENDAR, Action.SLA_READ, out=CalendarShape)
def show_calendar(actor: Actor, calendar_id: int) -> dict[str, Any]:
    """Get a calendar."""
    return sla.calendars.show_one(actor, calendar_id)


@api.call(
    "PUT", CALENDAR, Action.SLA_WRITE, body=EditCalendarShape, out=CalendarShape, if_match=True, raises=(409,)
)  # fmt: skip
@api.call(
    "PATCH", CALENDAR, Action.SLA_WRITE, body=EditCalendarShape, out=CalendarShape, if_match=True, raises=(409,)
)  # fmt: skip
def edit_calendar(actor: Actor, calendar_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named. Unfinished tickets whose service level is by it are computed anew."""
    http.begin(actor)
    row = sla.calendars.take(actor, calendar_id)
    http.expect_version(row.version, lambda: sla.calendars.show_one(actor, calendar_id))
    sla.calendars.edit(actor, row, body)
    return sla.calendars.show_one(actor, calendar_id)


@api.call("DELETE", CALENDAR, Action.SLA_WRITE, status=204, if_match=True, raises=(409,))
def destroy_calendar(actor: Actor, calendar_id: int) -> None:
    """Delete a calendar that no service level is by. 409 for any other."""
    http.begin(actor)
    row = sla.calendars.take(actor, calendar_id)
    http.expect_version(row.version, lambda: sla.calendars.show_one(actor, calendar_id))
    sla.calendars.destroy(actor, row)


@api.call("GET", DUE, Action.SLA_READ, out=WhyDueShape)
def why_due(actor: Actor, ticket_id: int) -> dict[str, Any]:
    """Get why a ticket is due when it is: its service level, its calendar, and what its clock left out."""
    return sla.explain(actor, ticket_id)
