"""The audit log: who changed what in administration, who came in and who was refused. It is read and exported only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, current_app, request, url_for
from werkzeug.datastructures import MultiDict

from blueprints import http
from blueprints.pages import say
from blueprints.staff.shell import desk, pages, show
from blueprints.words import gettext, lazy_gettext
from helpdesk import audit_log, policy
from helpdesk.errors import Invalid
from helpdesk.policy import Action, Actor
from helpdesk.schemas import AuditQuery
from helpdesk.settings import setting
from models import begin_write

A_PAGE = 50
AREAS = {
    "people": lazy_gettext("People and roles"),
    "sign-in": lazy_gettext("Logins and passwords"),
    "denied": lazy_gettext("Refusals"),
    "places": lazy_gettext("Categories, places, teams"),
    "levels": lazy_gettext("Service levels"),
    "writing": lazy_gettext("Shared replies and views"),
    "tickets": lazy_gettext("Tickets"),
    "jobs": lazy_gettext("Jobs"),
    "exports": lazy_gettext("Exports and reports"),
    "other": lazy_gettext("Other"),
}
"""In the order in which they are chosen from; what each holds: `helpdesk.audit.AREAS`."""
ACTIONS = {
    "sign-in": lazy_gettext("Logged in"),
    "sign-in.failed": lazy_gettext("Login failed"),
    "denied": lazy_gettext("Refused"),
    "account.confirmed": lazy_gettext("Confirmed the account"),
    "address.changed": lazy_gettext("Changed the address"),
    "password.changed": lazy_gettext("Changed the password"),
    "password.reset": lazy_gettext("Set a new password by a link"),
    "session.replayed": lazy_gettext("Session ended: its token was used twice"),
    "user.created": lazy_gettext("Made the account"),
    "user.invited": lazy_gettext("Invited"),
    "user.invited_again": lazy_gettext("Sent the invitation again"),
    "user.password_link.sent": lazy_gettext("Sent a password link"),
    "user.changed": lazy_gettext("Changed the account"),
    "user.role.changed": lazy_gettext("Changed the role"),
    "user.team.changed": lazy_gettext("Changed the team"),
    "user.is_active.changed": lazy_gettext("Changed whether they may log in"),
    "user.session.ended": lazy_gettext("Ended a session"),
    "user.sessions.ended": lazy_gettext("Ended all sessions"),
    "user.erased": lazy_gettext("Erased the person"),
    "ticket.is_confidential.changed": lazy_gettext("Changed whether it is confidential"),
    "ticket.released": lazy_gettext("Let a guest’s report in"),
    "comment.undone": lazy_gettext("Took a reply back"),
    "ticket.merged": lazy_gettext("Merged the ticket"),
    "ticket.unmerged": lazy_gettext("Undid the merge"),
    "team.member": lazy_gettext("Put somebody into the team"),
    "team.member_removed": lazy_gettext("Took somebody out of the team"),
    "job.retried": lazy_gettext("Tried a job again"),
    "job.all_retried": lazy_gettext("Tried jobs again"),
    "job.dropped": lazy_gettext("Dropped a job"),
    "mail.retried": lazy_gettext("Let a mail be worked on again"),
    "mail.reported": lazy_gettext("Made a report of a mail"),
    "mail.dismissed": lazy_gettext("Let go of a mail"),
    "mail.downloaded": lazy_gettext("Took a mail as a file"),
    "user.bounced": lazy_gettext("Mails to the address come back"),
    "user.reached": lazy_gettext("Mails to the address get through again"),
    "export.audit_events": lazy_gettext("Exported the audit log"),
}
"""What is not here is said in its own words: `category.deleted` → `Category deleted`."""
LINKS = {
    "user": ("staff.user_page", "user_id"),
    "ticket": ("staff.ticket", "ticket_id"),
    "task": ("staff.task", "task_id"),
    "saved_reply": ("staff.reply_page", "reply_id"),
    "view": ("staff.view", "view_id"),
    "job": ("staff.job_page", "job_id"),
    "mail": ("staff.mail_page", "mail_id"),
    "category": ("staff.category_page", "category_id"),
    "building": ("staff.building_page", "building_id"),
    "tag": ("staff.tag_page", "tag_id"),
    "team": ("staff.team_page", "team_id"),
    "sla_policy": ("staff.sla_policy_page", "policy_id"),
    "calendar": ("staff.calendar_page", "calendar_id"),
}
"""Kind of a target → the page of one, where this process has it, and how that calls its number."""
GONE = re.compile(r"\.(deleted|erased|dropped)$")
_query = AuditQuery()


def reads_the_log() -> Actor:
    """Who asks. Raises NotSignedIn, Forbidden."""
    actor = desk()
    policy.require(actor, Action.AUDIT_READ)
    return actor


@dataclass(frozen=True)
class Asked:
    """What an address of the log says: days of the campus are the first and the last that count."""

    values: dict[str, str]
    query: dict[str, Any]

    @property
    def filters(self) -> dict[str, Any]:
        return {name: value for name, value in self.query.items() if name not in ("limit", "cursor", "format")}

    def address(self, *without: str, to: str = "staff.audit_page", **instead: str) -> str:
        """This address with other values. Another list begins at its first page."""
        values = {name: value for name, value in self.values.items() if name not in ("cursor", *without)} | instead
        return f"{url_for(to)}?{urlencode(values)}" if values else url_for(to)


def _asked(args: Mapping[str, str]) -> Asked:
    """Raises Invalid."""
    values = {name: value.strip() for name, value in args.items() if value.strip()}
    given: MultiDict[str, str] = MultiDict({**values, "limit": str(A_PAGE)})
    zone = ZoneInfo(setting("TIME_ZONE"))
    for name, field, days in (("from", "after", 0), ("to", "before", 1)):
        if name in values:
            given[field] = (_midnight(given.pop(name), zone, name) + timedelta(days=days)).isoformat()
    return Asked(values, http.query_dict(_query, given))


def _midnight(day: str, zone: ZoneInfo, name: str) -> datetime:
    """Raises Invalid."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        raise Invalid({name: [gettext("Choose a day")]}) from None
    if not 1971 < found.year < 8000:
        raise Invalid({name: [gettext("Choose a day")]})
    return datetime.combine(found, time(), zone)


@pages.get("/admin/audit")
def audit_page() -> Response:
    actor, unreadable = reads_the_log(), False
    try:
        asked = _asked(request.args)
        found, next_cursor = _found(actor, asked)
    except Invalid:  # an address that was cut, or of another list
        asked, unreadable = _asked({}), True
        found, next_cursor = _found(actor, asked)
    names = audit_log.names_of_targets(actor, found)
    rows = [
        {**one, "said": said(one["action"]), "details": details(one["detail"]), "where": _where(one, names)}
        for one in found
    ]
    return show(
        actor, "audit.html", asked=asked, found=rows, next_cursor=next_cursor, unreadable=unreadable, areas=AREAS,
        said_target=_where({"target": asked.values.get("target"), "action": ""}, names)[0],
    )  # fmt: skip


def _found(actor: Actor, asked: Asked) -> tuple[list[dict[str, Any]], str | None]:
    return audit_log.listing(actor, asked.filters, limit=asked.query["limit"], cursor=asked.query["cursor"])


@pages.get("/admin/audit.csv")
def audit_file() -> Response:
    """All that the filters find, as a file. That it was taken is on record too. Raises Invalid."""
    actor, asked = reads_the_log(), _asked({name: value for name, value in request.args.items() if name != "cursor"})
    if request.method == "HEAD":
        return current_app.response_class(status=200)
    begin_write()
    return http.streamed(http.table(audit_log.export(actor, asked.filters), "audit-log"))


def said(action: str) -> str:
    """An action in words."""
    known = ACTIONS.get(action)
    return str(known) if known is not None else action.replace(".", " ").replace("_", " ").capitalize()


def details(detail: Mapping[str, Any]) -> list[str]:
    """What was changed, in short lines: `agent → admin`, `Fields: name, username`."""
    lines = []
    if "before" in detail or "after" in detail:
        lines.append(f"{_value(detail.get('before'))} → {_value(detail.get('after'))}")
    for name, value in detail.items():
        if name not in ("before", "after"):
            lines.extend(_lines(name, value))
    return lines


def _lines(name: str, value: Any) -> list[str]:
    """Of a field that changed: `Name: Gym → Sports hall`."""
    if isinstance(value, Mapping):
        if value.keys() == {"before", "after"}:
            return [f"{say(name)}: {_value(value['before'])} → {_value(value['after'])}"]
        return [line for inner, one in value.items() for line in _lines(inner, one)]
    return [f"{say(name)}: {_value(value)}"]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or gettext("nothing")
    return gettext("nothing") if value is None or value == "" else str(value)


def _where(event: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, str | None]:
    """A target in words, and its page where it has one and is still there."""
    target = event["target"]
    if not target:
        return "", None
    kind, _, number = target.partition(":")
    if not number.isdigit():
        return target, None
    words = names.get(target) or (f"#{number}" if kind == "ticket" else f"{say(kind)} {number}")
    endpoint, parameter = LINKS.get(kind, (None, ""))
    if endpoint not in current_app.view_functions or GONE.search(event["action"]):
        return words, None
    values: dict[str, Any] = {parameter: int(number)}
    return words, url_for(endpoint or "", **values)
