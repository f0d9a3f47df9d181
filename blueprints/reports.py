"""Whom the desk's figures are mailed to."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk.analytics import subscriptions
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    CreateReportSubscriptionShape,
    ReportSubscriptionQuery,
    ReportSubscriptionShape,
    page_of,
)

api = Doors("reports", __name__, url_prefix="/api/report-subscriptions")
ONE = f"/{http.ID.format('subscription_id')}"


@api.call("GET", "", Action.ANALYTICS_READ, query=ReportSubscriptionQuery, out=page_of(ReportSubscriptionShape))
def listing(actor: Actor, query: dict[str, Any]) -> Answer:
    """List whom the figures are mailed to. Admins see all, agents what they get themselves."""
    return http.page(*subscriptions.listing(actor, **query))


@api.call(
    "POST", "", Action.REPORT_SEND, body=CreateReportSubscriptionShape, out=ReportSubscriptionShape, status=201,
    creates=True, raises=(409,),
)  # fmt: skip
def create(actor: Actor, body: dict[str, Any]) -> Answer:
    """Have the figures mailed to one of the staff, in the morning after each week or month. 409: they get it already.

    Whether they may still read them is asked again before each mail.
    """
    http.begin(actor)
    made = subscriptions.create(actor, body)
    headers = {"Location": f"/api/report-subscriptions/{made.id}"}
    return Answer(subscriptions.show_one(actor, made.id), headers=headers)


@api.call("GET", ONE, Action.ANALYTICS_READ, out=ReportSubscriptionShape)
def show(actor: Actor, subscription_id: int) -> dict[str, Any]:
    """Get who is mailed what."""
    return subscriptions.show_one(actor, subscription_id)


@api.call("DELETE", ONE, Action.ANALYTICS_READ, status=204)
def destroy(actor: Actor, subscription_id: int) -> None:
    """End it: what one gets oneself, or by an admin anybody's."""
    http.begin(actor)
    subscriptions.destroy(actor, subscription_id)
