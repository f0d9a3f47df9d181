"""What somebody sent after their session had ended: carried through the login, shown, sent by a button of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import current_app, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from blueprints import http
from blueprints.staff import forms
from blueprints.words import gettext, lazy_gettext

TO, PREFIX = "send_to", "kept."
"""What the login's form calls the address, and puts before the name of each field."""
PAGES = {
    "staff.create_ticket": "staff.new_ticket",
    "staff.comment": "staff.ticket",
    "staff.edit": "staff.ticket",
    "staff.compose": "staff.ticket",
    "staff.affected": "staff.ticket",
    "staff.undo": "staff.ticket",
    "staff.save_reply": "staff.replies_page",
    "staff.edit_reply": "staff.reply_page",
    "staff.split_comment": "staff.split",
    "staff.add_task": "staff.tasks",
    "staff.edit_task": "staff.task",
    "staff.task_of_ticket": "staff.ticket",
    "staff.create_view": "staff.new_view",
    "staff.edit_view": "staff.view",
    "staff.edit_many": "staff.queue",
}
"""The forms of ours that are carried, and the page on which each stands. Nothing is ever sent to another address."""
DESK = {
    "staff.create_sla_policy": "staff.new_sla_policy",
    "staff.edit_sla_policy": "staff.sla_policy_page",
    "staff.create_calendar": "staff.new_calendar",
    "staff.edit_calendar": "staff.calendar_page",
    "staff.new_team": "staff.teams_page",
    "staff.edit_team": "staff.team_page",
    "staff.change_member": "staff.team_page",
    "staff.new_category": "staff.categories_page",
    "staff.edit_category": "staff.category_page",
    "staff.new_building": "staff.buildings_page",
    "staff.edit_building": "staff.building_page",
    "staff.new_tag": "staff.tags_page",
    "staff.edit_tag": "staff.tag_page",
    "staff.invite": "staff.invite_page",
    "staff.edit_user": "staff.user_page",
    "staff.add_report": "staff.reports_page",
}
"""The same of administration: of these every field is carried, whatever it is called."""
DESK_LABELS = {
    "role": lazy_gettext("Role"),
    "username": lazy_gettext("Username"),
    "slug": lazy_gettext("In web addresses"),
    "capacity": lazy_gettext("At most so many unfinished tickets"),
    "is_away": lazy_gettext("Away"),
    "away_until": lazy_gettext("Away until"),
    "assigns": lazy_gettext("Give new tickets to a member at once"),
    "is_joinable": lazy_gettext("People may join what somebody else reported"),
    "is_archived": lazy_gettext("Archived"),
    "is_active": lazy_gettext("It is on: tickets are given its due dates"),
    "priorities": lazy_gettext("Priority"),
    "time_zone": lazy_gettext("Time zone"),
}
"""What of those says more than its name, and reads as it was sent."""
BYTES_AT_MOST = 512 * 1024
"""Twice what fields that are not too long can take. With the login's own it must come back below MAX_CONTENT_LENGTH."""
PRESSED = {
    "staff.create_ticket": lazy_gettext("Create ticket"),
    "staff.split_comment": lazy_gettext("Create ticket"),
    "staff.compose": lazy_gettext("Go on"),
    "staff.affected": lazy_gettext("Go on"),
    "staff.undo": lazy_gettext("Undo"),
    "staff.save_reply": lazy_gettext("Save reply"),
    "staff.edit_reply": lazy_gettext("Save reply"),
    "staff.add_task": lazy_gettext("Add task"),
    "staff.edit_task": lazy_gettext("Save task"),
    "staff.create_view": lazy_gettext("Save view"),
    "staff.edit_many": lazy_gettext("Apply"),
}
"""What the one button of a form is called."""
BUTTONS = {
    "add_task": lazy_gettext("Add task"),
    "assign": lazy_gettext("Assign to me"),
    "resolve": lazy_gettext("Resolve"),
    "reopen": lazy_gettext("Reopen"),
    "look": lazy_gettext("Go on"),
}
_DESK_BUTTONS = {
    "delete": lazy_gettext("Delete"),
    "remove": lazy_gettext("Take out of the team"),
    "merge": lazy_gettext("Merge"),
    "try": lazy_gettext("Try it on the past"),
}
LOST = "lost"
"""A field of ours: there were photos, and photos are not carried."""
_CARRIED = {
    "key", "version", "seen", "do", "undo", "done", "todo", "whose", "hide", "list", "all", "shown", "refilter", LOST,
    *forms.LABELS, *(f"was_{name}" for name in forms.LABELS),
}  # fmt: skip


@dataclass(frozen=True)
class Kept:
    endpoint: str
    path: str
    """Where it is sent."""
    page: str
    """The page on which it was written."""
    fields: MultiDict[str, str]

    @property
    def written(self) -> list[tuple[str, list[str]]]:
        """The fields that say something, by their names: what was written, and the properties that were changed."""
        found = []
        for name in [*forms.LABELS, *(DESK_LABELS if self.endpoint in DESK else ())]:
            typed, was = self.fields.getlist(name), self.fields.getlist(f"was_{name}")
            idle = name in ("audience", "then") and not self.fields.get("text", "").strip()
            if not idle and not forms.same(typed, was):
                found.append((name, [text for text in typed if text.strip()]))
        return found

    @property
    def has_more(self) -> bool:
        """Whether there are fields that `written` does not tell."""
        return self.endpoint in DESK

    @property
    def has_lost_photos(self) -> bool:
        return LOST in self.fields

    @property
    def button(self) -> str:
        """What the button does that was pressed."""
        if self.endpoint in PRESSED:
            return PRESSED[self.endpoint]
        if self.endpoint == "staff.invite":
            return gettext("Invite")
        if self.endpoint in DESK:
            return _DESK_BUTTONS.get(self.fields.get("do", ""), gettext("Save"))
        if self.endpoint == "staff.edit_view":
            return gettext("Delete view") if self.fields.get("do") == "delete" else gettext("Save view")
        if self.endpoint == "staff.task_of_ticket":
            return BUTTONS.get(self.fields.get("do", ""), gettext("Go on"))
        if self.endpoint == "staff.comment":
            return gettext("Send note") if self.fields.get("audience") == "internal" else gettext("Send reply")
        return BUTTONS.get(self.fields.get("do", ""), gettext("Save properties"))


def sent() -> Kept | None:
    """What this request sends, if one of our forms does. Raises RequestEntityTooLarge."""
    if request.mimetype != "multipart/form-data":
        if (request.content_length or 0) > BYTES_AT_MOST:
            raise RequestEntityTooLarge
        return _kept(request.path, request.form)
    lost = [(LOST, "1")] if http.without_photos() else []
    fields = [*_items(request.form), *lost]
    if len(urlencode(fields)) > BYTES_AT_MOST:
        raise RequestEntityTooLarge
    return _kept(request.path, MultiDict(fields))


def carried() -> Kept | None:
    """What the login's form carries."""
    fields = [(name.removeprefix(PREFIX), value) for name, value in _items(request.form) if name.startswith(PREFIX)]
    return _kept(request.form.get(TO, ""), MultiDict(fields))


def _items(fields: MultiDict[str, str]) -> Any:
    return fields.items(multi=True)


def _kept(path: str, fields: MultiDict[str, str]) -> Kept | None:
    try:
        endpoint, values = current_app.url_map.bind("").match(path, method="POST")
    except HTTPException:
        return None
    page = PAGES.get(endpoint) or DESK.get(endpoint)
    if page is None:
        return None
    known = MultiDict((name, value) for name, value in _items(fields) if endpoint in DESK or name in _CARRIED)
    return Kept(endpoint, url_for(endpoint, **values), url_for(page, **values), known)
