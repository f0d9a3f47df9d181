"""What stands around every staff page: who may open it, the views with their counts, what there is to choose from."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, has_request_context, render_template, request
from sqlalchemy.exc import DBAPIError

from blueprints import errors as answers
from blueprints import http
from blueprints.words import gettext, lazy_gettext
from helpdesk import images, policy, postbox, reads, search, tasks, tickets, users, views
from helpdesk.errors import Forbidden, HelpdeskError, Invalid
from helpdesk.limits import UPLOAD
from helpdesk.policy import Action, Actor
from helpdesk.views import OPEN, SAY_THE_STATUS, Saved
from models import Status, begin_write, db

log = logging.getLogger(__name__)
pages = http.Pages("staff", __name__, url_prefix="/staff")
LIST = "list"
"""What a ticket's address calls the list it is read in: the query of the queue's."""
MOST_LETTERS = 2000
"""Of such a query: what is longer is no list of ours."""

COUNTED_AT_MOST = 20
"""Of the saved views, how many are counted beside their names."""


@dataclass(frozen=True)
class View:
    """A list in the sidebar: everybody's, or one that was saved. Its filters, as `helpdesk.tickets` takes them."""

    name: str
    label: str
    icon: str
    empty: str
    filters: dict[str, Any] = field(default_factory=dict)
    status: tuple[Status, ...] = tuple(OPEN)
    sort: str = "due_at"
    saved: Saved | None = None
    can_edit: bool = False

    @property
    def wanted(self) -> dict[str, Any]:
        """Filters for `helpdesk.tickets`."""
        return {**({"status": list(self.status)} if self.status else {}), **self.filters}

    @property
    def counted(self) -> dict[str, Any]:
        """The same to count by: only what is not done is due, and so the count walks one short index."""
        return self.filters if "due" in self.filters and self.status == tuple(OPEN) else self.wanted

    @property
    def is_counted(self) -> bool:
        """Whether that is one number of the sidebar's statement: a search for a name has to be looked up first."""
        return not (self.saved and self.saved.filters is None) and not search.looks_up(self.filters.get("q", ""))

    @property
    def query(self) -> str:
        """Of its address, without what goes without saying."""
        unsaid = self.status in ((), tuple(OPEN))
        values: dict[str, Any] = {} if unsaid else {"status": list(self.status)}
        values |= self.filters | ({} if self.sort == "due_at" else {"sort": self.sort})
        if self.saved is not None:
            values |= {} if self.saved.filters is not None else self.saved.stored
            values["view"] = self.saved.id
        return urlencode({name: _in_address(value) for name, value in values.items()}, doseq=True)

    @property
    def address(self) -> str:
        return f"/staff/?{self.query}" if self.query else "/staff/"


def _in_address(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else value


ALL_OPEN = View("all_open", lazy_gettext("All open"), "i-ticket", lazy_gettext("Nothing is open"))
HELD = View("held", lazy_gettext("Not confirmed"), "i-clock", lazy_gettext("Every report is confirmed"), {"held": True})
"""Guests' reports whose link nobody opened yet. In the sidebar while there are some."""
VIEWS = (
    View(
        "unassigned",
        lazy_gettext("Unassigned"),
        "i-inbox",
        lazy_gettext("Every open ticket has somebody"),
        {"assignee": "none"},
    ),
    View(
        "mine", lazy_gettext("Assigned to me"), "i-user", lazy_gettext("Nothing is assigned to you"), {"assignee": "me"}
    ),
    View("overdue", lazy_gettext("Overdue"), "i-alert", lazy_gettext("Nothing is late"), {"due": "overdue"}),
    View(
        "waiting",
        lazy_gettext("Waiting on reporter"),
        "i-s-waiting",
        lazy_gettext("No reporter owes an answer"),
        status=(Status.WAITING,),
    ),
    HELD,
    ALL_OPEN,
    View(
        "resolved",
        lazy_gettext("Resolved this week"),
        "i-s-resolved",
        lazy_gettext("Nothing was resolved yet this week"),
        {"resolved": "week"},
        (),
        "-updated_at",
    ),
)
_MY_TEAM, _NOTHING = lazy_gettext("My team"), lazy_gettext("Your team has nothing open")
MINE = 2
"""Where in these the view of one's own team stands, for whoever is in one."""


DESK_PAGES = (
    ("staff.users_page", "i-users", lazy_gettext("Users")),
    ("staff.teams_page", "i-users", lazy_gettext("Teams")),
    ("staff.categories_page", "i-sliders", lazy_gettext("Categories")),
    ("staff.buildings_page", "i-pin", lazy_gettext("Buildings")),
    ("staff.tags_page", "i-tag", lazy_gettext("Tags")),
    ("staff.replies_page", "i-chat", lazy_gettext("Saved replies")),
    ("staff.sla_page", "i-clock", lazy_gettext("Service levels")),
    ("staff.mails_page", "i-inbox", lazy_gettext("Mails that came in")),
    ("staff.jobs_page", "i-tasks", lazy_gettext("Jobs")),
    ("staff.audit_page", "i-eye", lazy_gettext("Audit log")),
)
"""Administration, in the sidebar of those who run the desk: endpoint, icon, name."""


@dataclass(frozen=True)
class Around:
    """What stands around a page for whoever looks at it."""

    choices: dict[str, list[Any]]
    people: list[dict[str, Any]]
    team: dict[str, Any] | None
    is_away: bool
    """Whether whoever looks at it has said that they are away."""
    views: tuple[View, ...]
    saved: tuple[View, ...]


def around(actor: Actor) -> Around:
    """Two statements."""
    choices, found = views.around(actor)
    people = users.staff(actor)
    mine = next((person for person in people if person["id"] == actor.id), None)
    team, is_away = (mine["team"], mine["is_away"]) if mine else (None, False)
    own = [View("team", _MY_TEAM, "i-users", _NOTHING, {"team": [team["slug"]]})] if team else []
    return Around(
        choices, people, team, is_away, (*VIEWS[:MINE], *own, *VIEWS[MINE:]),
        tuple(_saved(actor, view) for view in found),
    )  # fmt: skip


def _saved(actor: Actor, saved: Saved) -> View:
    filters = dict(saved.filters or {})
    status = filters.pop("status", None if any(name in filters for name in SAY_THE_STATUS) else OPEN) or ()
    return View(
        f"view_{saved.id}", saved.name, "i-bookmark", gettext("Nothing is in this view"), filters, tuple(status),
        saved.sort, saved, views.is_theirs(actor, saved.owner_id),
    )  # fmt: skip


@pages.url_defaults
def keep_list(endpoint: str, values: dict[str, Any]) -> None:
    """A ticket's own addresses keep the list that it is read in."""
    asked = request.args.get(LIST) if has_request_context() else None
    here = (request.view_args or {}).get("ticket_id") if asked is not None else None
    if here is not None and values.get("ticket_id") == here and len(asked or "") <= MOST_LETTERS:
        values.setdefault(LIST, asked)


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


def waiting_photos(actor: Actor, photos: http.Photos | None) -> list[Any]:
    """What a form that is shown again holds of photos: those that came with it are kept from now on."""
    keep_photos(actor, photos)
    return images.untied(actor, photos.ids) if photos and photos.ids else []


def keep_photos(actor: Actor, photos: http.Photos | None) -> None:
    """Take in the files of a form that is shown again: from now on it carries their numbers. Commits."""
    if photos is not None:
        photos.keep(partial(images.add, actor), partial(http.limit, actor, UPLOAD))


def unkept(photos: http.Photos | None) -> Invalid | None:
    """What is wrong with the photos of a form, for a page that says it where nothing else is wrong."""
    return Invalid({http.FIELD: [photos.wrong]}) if photos and photos.wrong else None


def counts(
    actor: Actor, around: Around, also: tickets.Also | None = None
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The numbers of the sidebar by the names of its views, of the tasks too; and what else is asked for with them.
    One statement."""
    others_too: tickets.Also = {"tasks": (tasks.count_of_mine(), {}), **(also or {})}
    if policy.can(actor, Action.MAIL_MANAGE):
        others_too = {**others_too, "mails": (postbox.laid_aside(), {})}
    counted = [*around.views, *[view for view in around.saved if view.is_counted][:COUNTED_AT_MOST]]
    numbers, others = tickets.count_each(
        actor,
        {view.name: view.counted for view in counted},
        others_too,
    )
    numbers |= {name: tickets.capped(others.pop(name)) for name in ("tasks", "mails") if name in others}
    return numbers, others


def show(
    actor: Actor,
    template: str,
    *,
    status: int = 200,
    view: View | None = None,
    stands: Around | None = None,
    numbers: dict[str, dict[str, Any]] | None = None,
    reading: Any = None,
    **context: Any,
) -> Response:
    """A page inside the shell: three statements, less those whose findings the page has already.

    `reading` is the ticket that it shows, a row of `policy.get_ticket`: once they see it they have read it.
    """
    found = stands or around(actor)
    known = http.reader()  # nobody yet, on the page that the login itself shows
    page = render_template(
        f"staff/{template}",
        me=actor,
        has_shortcuts=known is None or known.has_shortcuts,
        stands=found,
        view=view,
        counts=numbers or counts(actor, found)[0],
        choices=found.choices,
        people=found.people,
        has_page=current_app.view_functions.__contains__,
        runs_the_desk=policy.can(actor, Action.USER_WRITE),
        desk_pages=DESK_PAGES,
        **context,
    )
    if reading is not None and reading.is_unread:
        _note_reading(actor, reading)
    return current_app.response_class(page, status=status)


def _note_reading(actor: Actor, ticket: Any) -> None:
    """What was read so far. The page is there whether or not that could be written down."""
    try:
        begin_write()
        reads.mark(actor, ticket.id, ticket.activity_seq)
        db.session.commit()
    except DBAPIError:
        db.session.rollback()
        log.warning("a mark as read could not be written", exc_info=True)
