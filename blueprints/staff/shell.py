"""What stands around every staff page: who may open it, the views with their counts, what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, render_template

from blueprints import errors as answers
from blueprints import http
from helpdesk import categories, policy, tickets, users
from helpdesk.errors import Forbidden, HelpdeskError
from helpdesk.policy import Action, Actor
from models import Status, db

pages = Blueprint("staff", __name__, url_prefix="/staff")

OPEN = [Status.OPEN, Status.IN_PROGRESS, Status.WAITING]
"""Which tickets a list is about where nothing is said. When something was resolved says the status itself."""


@dataclass(frozen=True)
class View:
    """A list that everybody has in the sidebar: its filters, as they stand in its address beside the statuses."""

    name: str
    label: str
    icon: str
    empty: str
    filters: dict[str, Any] = field(default_factory=dict)
    status: tuple[Status, ...] = tuple(OPEN)
    sort: str = "due_at"

    @property
    def wanted(self) -> dict[str, Any]:
        """Filters for `helpdesk.tickets`."""
        return {**({"status": list(self.status)} if self.status else {}), **self.filters}

    @property
    def counted(self) -> dict[str, Any]:
        """The same to count by: only what is not done is due, and so the count walks one short index."""
        return self.filters if "due" in self.filters else self.wanted

    @property
    def query(self) -> dict[str, Any]:
        """Its address, without what goes without saying."""
        unsaid = self.status in ((), tuple(OPEN))
        status = {} if unsaid else {"status": [status.value for status in self.status]}
        return {**status, **self.filters, **({} if self.sort == "due_at" else {"sort": self.sort})}

    @property
    def address(self) -> str:
        return f"/staff/?{urlencode(self.query, doseq=True)}" if self.query else "/staff/"


ALL_OPEN = View("all_open", "All open", "i-ticket", "Nothing is open")
VIEWS = (
    View("unassigned", "Unassigned", "i-inbox", "Every open ticket has somebody", {"assignee": "none"}),
    View("mine", "Assigned to me", "i-user", "Nothing is assigned to you", {"assignee": "me"}),
    View("overdue", "Overdue", "i-alert", "Nothing is late", {"due": "overdue"}),
    View("waiting", "Waiting on reporter", "i-s-waiting", "No reporter owes an answer", status=(Status.WAITING,)),
    ALL_OPEN,
    View(
        "resolved", "Resolved this week", "i-s-resolved", "Nothing was resolved yet this week", {"resolved": "week"},
        (), "-updated_at",
    ),
)  # fmt: skip


def desk() -> Actor:
    """Who asks. Raises NotSignedIn, Forbidden."""
    actor = http.identity().actor
    policy.require(actor, Action.DESK_USE)
    return actor


def refused(error: HelpdeskError) -> None:
    """Undo what a form began, before its page is shown again. A denial goes on record."""
    if isinstance(error, Forbidden):
        answers.denied(error)
    else:
        db.session.rollback()


def show(actor: Actor, template: str, *, status: int = 200, view: View | None = None, **context: Any) -> Response:
    """A page inside the shell: three statements."""
    page = render_template(
        f"staff/{template}",
        me=actor,
        views=VIEWS,
        view=view,
        counts=tickets.count_each(actor, {known.name: known.counted for known in VIEWS}),
        choices=categories.choices(),
        people=users.staff(actor),
        **context,
    )
    return current_app.response_class(page, status=status)
