"""What somebody sent after their session had ended: carried through the login, shown, sent by a button of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from blueprints.staff import forms

TO, PREFIX = "send_to", "kept."
"""What the login's form calls the address, and puts before the name of each field."""
PAGES = {"staff.create_ticket": "staff.new_ticket", "staff.comment": "staff.ticket", "staff.edit": "staff.ticket"}
"""The forms of ours that are carried, and the page on which each stands. Nothing is ever sent to another address."""
BYTES_AT_MOST = 512 * 1024
"""Twice what fields that are not too long can take. With the login's own it must come back below MAX_CONTENT_LENGTH."""
BUTTONS = {"assign": "Assign to me", "resolve": "Resolve", "reopen": "Reopen", "look": "Go on"}
_CARRIED = {"key", "version", "seen", "do", *forms.LABELS, *(f"was_{name}" for name in forms.LABELS)}


@dataclass(frozen=True)
class Kept:
    path: str
    """Where it is sent."""
    page: str
    """The page on which it was written."""
    fields: MultiDict[str, str]

    @property
    def written(self) -> list[tuple[str, list[str]]]:
        """The fields that say something, by their names: what was written, and the properties that were changed."""
        found = []
        for name in forms.LABELS:
            typed, was = self.fields.getlist(name), self.fields.getlist(f"was_{name}")
            idle = name in ("audience", "then") and not self.fields.get("text", "").strip()
            if not idle and not forms.same(typed, was):
                found.append((name, [text for text in typed if text.strip()]))
        return found

    @property
    def button(self) -> str:
        """What the button does that was pressed."""
        if self.page == url_for("staff.new_ticket"):
            return "Create ticket"
        if self.path != self.page:
            return "Send note" if self.fields.get("audience") == "internal" else "Send reply"
        return BUTTONS.get(self.fields.get("do", ""), "Save properties")


def sent() -> Kept | None:
    """What this request sends, if one of our forms does. Raises RequestEntityTooLarge."""
    if (request.content_length or 0) > BYTES_AT_MOST:
        raise RequestEntityTooLarge
    return _kept(request.path, request.form)


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
    if endpoint not in PAGES:
        return None
    known = MultiDict((name, value) for name, value in _items(fields) if name in _CARRIED)
    return Kept(url_for(endpoint, **values), url_for(PAGES[endpoint], **values), known)
