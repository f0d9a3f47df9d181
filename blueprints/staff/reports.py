"""Whom the figures are mailed to, as a page: admins choose, and everybody ends their own."""

from __future__ import annotations

from flask import Response, request, url_for

from blueprints import http
from blueprints.staff import deeds, forms
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import desk, pages, refused, show
from blueprints.words import gettext
from helpdesk import policy
from helpdesk.analytics import subscriptions
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.policy import Action, Actor
from helpdesk.schemas import CreateReportSubscriptionShape

FIELDS = ("user_id", "every", "team_id")
PER_PAGE = 50


@pages.get("/reports")
def reports_page() -> Response:
    return _page(desk(), {})


@pages.post("/reports")
def add_report() -> Response:
    actor, typed = desk(), forms.typed(FIELDS)
    try:
        wish = {"user_id": number(first(typed, "user_id")), "every": first(typed, "every")}
        if team := first(typed, "team_id"):
            wish["team_id"] = number(team)
        loaded = http.load(CreateReportSubscriptionShape(), {name: value for name, value in wish.items() if value})
        http.begin_form(actor)
        subscriptions.create(actor, loaded)
        return http.look(url_for("staff.reports_page", done="mailed"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, typed, _said(error))


@pages.post(f"/reports/{http.ID.format('subscription_id')}/stop")
def stop_report(subscription_id: int) -> Response:
    actor = desk()
    try:
        http.begin_form(actor)
        subscriptions.destroy(actor, subscription_id)
        return http.look(url_for("staff.reports_page", done="stopped"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _page(actor, {}, error)


def _said(error: HelpdeskError) -> HelpdeskError:
    """Beside the field, in the words of this page."""
    words = {"user_id": gettext("Choose somebody of the staff"), "every": gettext("Choose how often")}
    if isinstance(error, Invalid):
        return Invalid({name: [words[name]] if name in words else found for name, found in error.errors.items()})
    return error


def _page(actor: Actor, typed: Typed, error: HelpdeskError | None = None) -> Response:
    policy.require(actor, Action.ANALYTICS_READ)
    if error:
        refused(error)
    found, next_cursor = subscriptions.listing(actor, limit=PER_PAGE, cursor=request.args.get("cursor") or None)
    return show(
        actor, "reports.html", status=error.status if error else 200, typed=typed, error=error, found=found,
        problems=forms.problems(error, typed), next_cursor=next_cursor,
        told=deeds.told(), may_choose=policy.can(actor, Action.REPORT_SEND),
    )  # fmt: skip
