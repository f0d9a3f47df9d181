"""The mails with the figures: each week or month once, to whom may read them at that moment."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import or_, select, update

from helpdesk import jobs, policy
from helpdesk.analytics.answers import ON_TIME_TARGET_PERCENT, campus
from helpdesk.analytics.overview import Overview, overview
from helpdesk.analytics.period import MONTH, WEEK, Period, last_complete
from helpdesk.analytics.scope import Scope
from helpdesk.analytics.subscriptions import STAFF
from helpdesk.analytics.times import REPLY, REPLY_BEFORE
from helpdesk.mail import Mail, mail, url
from helpdesk.policy import Action, Actor
from models import ReportSubscription, Team, User, begin_write, db, fetch, now

IN_THE_MORNING = timedelta(hours=6)
"""After the end of a period: nobody reads it at midnight."""


@jobs.handles("mail_reports", every=timedelta(hours=1))
def mail_reports(job: jobs.Claimed) -> None:
    """Promise a mail for the period that ended last to whoever has not got it. After a time without a worker that is
    one mail: what ended before is not sent any more."""
    for every in (WEEK, MONTH):
        period = last_complete(every, campus())
        if period.end + IN_THE_MORNING > now():
            continue
        waiting = (
            or_(ReportSubscription.sent_until.is_(None), ReportSubscription.sent_until < period.end),
            ReportSubscription.created_at < period.end,
        )
        due = (
            select(ReportSubscription.id, ReportSubscription.user_id)
            .join(User, User.id == ReportSubscription.user_id)
            .where(ReportSubscription.every == every, *waiting, User.is_active, User.role.in_(STAFF))
        )
        found = fetch(due.order_by(ReportSubscription.id)).all()
        db.session.rollback()
        for number, user_id in found:
            begin_write()
            # compare and set: of two workers, one
            taken = update(ReportSubscription).where(ReportSubscription.id == number, *waiting)
            taken = taken.values(sent_until=period.end)
            if db.session.execute(taken.returning(ReportSubscription.id)).first() is not None:
                days = {"first": period.first.isoformat(), "last": period.last.isoformat()}
                payload = {"kind": "report", "user_id": user_id, "subscription_id": number, **days}
                jobs.enqueue("mail", payload, key=f"report:{number}:{period.last}")
            db.session.commit()


@mail
def report(payload: dict[str, Any]) -> Mail | None:
    """Nothing to send to who is not of the staff any more, or does not want it any more."""
    found = db.session.get(ReportSubscription, payload["subscription_id"])
    user = db.session.get(User, found.user_id) if found is not None else None
    if found is None or user is None or not user.is_active or user.email is None:
        return None
    actor = Actor(id=user.id, role=user.role, name=user.name)
    if not policy.can(actor, Action.ANALYTICS_READ):
        return None
    if user.bounced_at is not None:
        raise jobs.NothingToDo("Not sent: mails to this address come back.")
    team = db.session.get(Team, found.team_id) if found.team_id is not None else None
    period = Period(date.fromisoformat(payload["first"]), date.fromisoformat(payload["last"]), campus())
    figures = overview(actor, period, Scope({"team": [team.slug]} if team else {}))
    address = {
        "period": "own",
        "from": payload["first"],
        "to": payload["last"],
        **({"team": team.slug} if team else {}),
    }
    return Mail(
        to=user.email,
        name=user.name,
        context={
            "user": user, "team": team, "every": found.every, "period": _days(period), "rows": _rows(figures),
            "link": url(f"/staff/analytics?{urlencode(address)}"), "stop": url("/staff/reports"),
        },
    )  # fmt: skip


def _days(period: Period) -> str:
    first, last = period.first, period.last
    return f"{first.day} {first:%b} to {last.day} {last:%b %Y}"


def _rows(found: Overview) -> list[tuple[str, str, str]]:
    """What it is, the figure, and what goes with it: as the page has them."""
    tallies, reply, before = found.tallies, found.time(REPLY), found.time(REPLY_BEFORE)
    ended = tallies.resolved
    share = f"{100 * ended.part // ended.number}%" if ended.number else "–"
    return [
        ("Created", f"{found.created:,}", f"{tallies.created_before.number:,} in the period before"),
        ("Resolved", f"{found.resolved:,}", f"{tallies.resolved_before.number:,} in the period before"),
        ("Open now", f"{tallies.open.number:,}", f"{tallies.open.part:,} overdue"),
        ("First reply, median", _span(reply.p50), f"{_span(before.p50)} in the period before"),
        ("Resolved on time", share, f"target {ON_TIME_TARGET_PERCENT}%"),
    ]


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min" if minutes else "under 1 min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    days = minutes // (24 * 60)
    return f"{days} day" if days == 1 else f"{days} days"
