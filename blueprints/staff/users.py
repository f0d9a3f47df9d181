"""Everybody who has an account, or reported without one: finding them, inviting, and looking after them.

What cannot be taken back with a press, and what changes what somebody may see, is asked again on a page of its own that
says what it means.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, request, url_for
from werkzeug.datastructures import MultiDict

from blueprints import http
from blueprints.staff import deeds, forms
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import desk, pages, refused, show
from blueprints.words import gettext, lazy_gettext, ngettext
from helpdesk import inbound, limits, people, policy, users
from helpdesk.errors import HelpdeskError, Invalid, Stale, Taken, TooMany
from helpdesk.policy import Action, Actor
from helpdesk.schemas import EditUserShape, InviteShape, UserQuery
from models import Role, User, UserState

ONE = f"/admin/users/{http.ID.format('user_id')}"
A_PAGE = 50
SESSIONS_SHOWN = 20
ROLES = {
    Role.ADMIN: lazy_gettext("Admin"),
    Role.AGENT: lazy_gettext("Agent"),
    Role.CUSTOMER: lazy_gettext("Reporter"),
}
STATES = {
    UserState.ACTIVE: lazy_gettext("Active"),
    UserState.INVITED: lazy_gettext("Invited"),
    UserState.GUEST: lazy_gettext("Guest"),
    UserState.DEACTIVATED: lazy_gettext("Deactivated"),
}
CHIPS: tuple[tuple[str, Any, dict[str, str]], ...] = (
    ("total", lazy_gettext("Everyone"), {}),
    ("admin", lazy_gettext("Admins"), {"role": "admin"}),
    ("agent", lazy_gettext("Agents"), {"role": "agent"}),
    ("customer", lazy_gettext("Reporters"), {"role": "customer"}),
    ("invited", lazy_gettext("Invited"), {"state": "invited"}),
    ("guest", lazy_gettext("Guests"), {"state": "guest"}),
    ("deactivated", lazy_gettext("Deactivated"), {"state": "deactivated"}),
    ("bounced", lazy_gettext("Mails come back"), {"is_bounced": "true"}),
)
"""Number of `people.counts`, words, and what the address says."""
CHOSEN = ("role", "state", "is_bounced")
REFUSALS = (*forms.REFUSALS, TooMany)
FIELDS = ("name", "username", "team_id")
INVITED = ("email", "name", "role", "team_id")
_query = UserQuery()


def runs_the_desk() -> Actor:
    """Who asks. Raises NotSignedIn, Forbidden."""
    actor = desk()
    policy.require(actor, Action.USER_WRITE)
    return actor


# --- the list ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What an address of the list says."""

    values: dict[str, str]
    query: dict[str, Any]

    @property
    def filters(self) -> dict[str, Any]:
        return {name: value for name, value in self.query.items() if name not in ("sort", "limit", "cursor")}

    @property
    def sort(self) -> str:
        sort: str = self.query["sort"]
        return sort

    def address(self, *without: str, **instead: str) -> str:
        """This address with other values. Another list begins at its first page."""
        values = {name: value for name, value in self.values.items() if name not in ("cursor", *without)} | instead
        return f"{url_for('staff.users_page')}?{urlencode(values)}" if values else url_for("staff.users_page")

    def chip(self, values: dict[str, str]) -> str:
        return self.address(*CHOSEN, **values)

    def is_chip(self, values: dict[str, str]) -> bool:
        return {name: self.values[name] for name in CHOSEN if name in self.values} == values

    def sorted(self, name: str) -> str:
        """The address that sorts by this column, the other way round where it does so already."""
        first_way = f"-{name}" if name == "last_seen_at" else name
        other_way = name if first_way.startswith("-") else f"-{name}"
        return self.address(sort=other_way if self.sort == first_way else first_way)

    def way(self, name: str) -> str | None:
        return {name: "ascending", f"-{name}": "descending"}.get(self.sort)


def _asked(values: dict[str, str]) -> Asked:
    """Raises Invalid."""
    given = MultiDict({"sort": "role", **values, "limit": str(A_PAGE)})
    return Asked(values, http.query_dict(_query, given))


@pages.get("/admin/users")
def users_page() -> Response:
    actor = runs_the_desk()
    values = {name: value.strip() for name, value in request.args.items() if value.strip() and name != "done"}
    unreadable = False
    try:
        asked = _asked(values)
        found, next_cursor = _found(actor, asked)
    except Invalid:  # an address that was cut, or of another list
        asked, unreadable = _asked({}), True
        found, next_cursor = _found(actor, asked)
    return show(
        actor, "users.html", asked=asked, found=found, next_cursor=next_cursor, unreadable=unreadable, chips=CHIPS,
        tally=people.counts(actor), roles=ROLES, states=STATES, told=deeds.told(),
    )  # fmt: skip


def _found(actor: Actor, asked: Asked) -> tuple[list[dict[str, Any]], str | None]:
    page = {name: asked.query[name] for name in ("sort", "limit", "cursor")}
    return users.listing(actor, asked.filters, **page)


# --- inviting ---------------------------------------------------------------------------------------------------------


@pages.get("/admin/users/new")
def invite_page() -> Response:
    """What an address says is filled in: somebody who reported without an account gets one."""
    return _invite_page(runs_the_desk(), {name: [request.args.get(name, "")] for name in INVITED})


@pages.post("/admin/users/new")
def invite() -> Response:
    actor, typed = runs_the_desk(), forms.typed(INVITED)
    try:
        wish: dict[str, Any] = {name: first(typed, name) for name in ("email", "name", "role")}
        wish = http.load(InviteShape(), {**wish, "team_id": number(first(typed, "team_id"))})
        limits.check(limits.INVITE, str(actor.id))
        http.begin_form(actor)
        user = users.invite(actor, wish)
        return http.look(url_for("staff.user_page", user_id=user.id, done="invited"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except REFUSALS as error:
        return _invite_page(actor, typed, error)


def _invite_page(actor: Actor, typed: Typed, error: HelpdeskError | None = None) -> Response:
    if error:
        refused(error)
    return show(
        actor, "user_new.html", status=error.status if error else 200, typed=typed, error=error,
        problems=forms.problems(error, typed), roles=ROLES, states=STATES,
        known=users.of_address(actor, first(typed, "email")) if isinstance(error, Taken) else None,
    )  # fmt: skip


# --- one person -------------------------------------------------------------------------------------------------------


@pages.get(ONE)
def user_page(user_id: int) -> Response:
    return _one(runs_the_desk(), user_id, {})


@pages.post(ONE)
def edit_user(user_id: int) -> Response:
    """Their name, username and team. Role and account have pages of their own."""
    actor, typed = runs_the_desk(), forms.typed(FIELDS)
    try:
        wish: dict[str, Any] = {"name": first(typed, "name"), "team_id": number(first(typed, "team_id"))}
        if "username" in request.form:  # a guest has none
            wish["username"] = first(typed, "username")
        wish = http.load(EditUserShape(), wish)
        http.begin_form(actor)
        users.edit(actor, _taken(actor, user_id, Action.USER_WRITE), wish)
        return http.look(url_for("staff.user_page", user_id=user_id, done="saved"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except REFUSALS as error:
        return _one(actor, user_id, typed, error)


def _taken(actor: Actor, user_id: int, action: Action) -> User:
    """Raises Stale where the form was drawn from what they were before."""
    user = users.take(actor, user_id, action)
    http.expect_form_version(user.version)
    return user


def _one(actor: Actor, user_id: int, typed: Typed, error: HelpdeskError | None = None) -> Response:
    """With what was typed, where it was refused."""
    if error:
        refused(error)
    user = users.show_one(actor, user_id)
    team = str(user["team"]["id"]) if user["team"] else ""
    now: Typed = {"name": [user["name"]], "username": [user["username"] or ""], "team_id": [team]}
    found, more = users.sessions(actor, of=user_id, limit=SESSIONS_SHOWN, cursor=None)
    values = typed if "name" in typed else now
    return show(
        actor, "user.html", status=error.status if error else 200, user=user, typed=values, error=error,
        problems=forms.problems(error, values), standing=people.standing(actor, user), sessions=found,
        more_sessions=more is not None, device=device_of, roles=ROLES, states=STATES,
        told=deeds.told(), is_self=user_id == actor.id,
    )  # fmt: skip


_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_DEVICES = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def device_of(agent: str) -> str:
    """`Firefox on Windows`, as far as the agent string says; as frontend/src/views/Account.jsx has it."""
    browser, device = (next((said for sign, said in known if sign in agent), None) for known in (_BROWSERS, _DEVICES))
    if browser and device:
        return gettext("%(browser)s on %(device)s", browser=browser, device=device)
    program = re.split(r"[/\s]", agent)[0]
    return gettext("A program, %(name)s", name=program) if program else gettext("A program")


# --- what is done to them at once -------------------------------------------------------------------------------------


@pages.post(f"{ONE}/sessions")
def end_user_sessions(user_id: int) -> Response:
    """End the session that the button names, or all of them."""

    def deed(actor: Actor) -> str:
        session_id = number(request.form.get("session", ""))
        if isinstance(session_id, int):
            people.end_session(actor, user_id, session_id)
        else:
            people.end_sessions(actor, user_id)
        if user_id == actor.id:
            return "ended_here" if isinstance(session_id, int) else "ended_else"
        return "ended"

    return _done_at_once(user_id, deed)


@pages.post(f"{ONE}/link")
def send_user_link(user_id: int) -> Response:
    """Mail the link that fits: the invitation again, or one for a new password."""
    actor = runs_the_desk()
    invited = users.show_one(actor, user_id)["state"] == UserState.INVITED

    def deed(actor: Actor) -> str:
        (people.invite_again if invited else people.send_password_link)(actor, user_id)
        return "invited" if invited else "linked"

    def let_in(actor: Actor) -> None:
        if invited:
            limits.check(limits.INVITE, str(actor.id))
        else:
            people.limit_password_links(actor, user_id)

    return _done_at_once(user_id, deed, let_in)


@pages.post(f"{ONE}/reached")
def let_mails_go(user_id: int) -> Response:
    def deed(actor: Actor) -> str:
        people.let_mails_go(actor, user_id)
        return "reached"

    return _done_at_once(user_id, deed)


@pages.post(f"{ONE}/activate")
def activate_user(user_id: int) -> Response:
    def deed(actor: Actor) -> str:
        users.edit(actor, _taken(actor, user_id, Action.USER_WRITE), {"is_active": True})
        return "activated"

    return _done_at_once(user_id, deed)


def _done_at_once(
    user_id: int, deed: Callable[[Actor], str], let_in: Callable[[Actor], None] | None = None
) -> Response:
    """A button of the person's page. `deed` names what is then said, of `deeds.DONE`."""
    actor = runs_the_desk()
    try:
        if let_in is not None:
            let_in(actor)
        http.begin_form(actor)
        return http.look(url_for("staff.user_page", user_id=user_id, done=deed(actor)))
    except http.Replay as replay:
        return http.seen_before(replay)
    except REFUSALS as error:
        return _one(actor, user_id, {}, error)


# --- what is asked again ----------------------------------------------------------------------------------------------


@pages.get(f"{ONE}/role")
def role_page(user_id: int) -> Response:
    return _sure(runs_the_desk(), user_id, "role", role=_role())


@pages.post(f"{ONE}/role")
def change_role(user_id: int) -> Response:
    actor, role = runs_the_desk(), _role()

    def deed() -> str:
        users.edit(actor, _taken(actor, user_id, Action.USER_WRITE), {"role": role})
        return _after(actor, user_id, "role")

    return _if_sure(actor, user_id, "role", deed, role=role)


def _role() -> Role | None:
    given = request.values.get("role", "")
    return Role(given) if given in list(Role) else None


@pages.get(f"{ONE}/deactivate")
def deactivate_page(user_id: int) -> Response:
    return _sure(runs_the_desk(), user_id, "deactivate")


@pages.post(f"{ONE}/deactivate")
def deactivate_user(user_id: int) -> Response:
    actor = runs_the_desk()

    def deed() -> str:
        users.edit(actor, _taken(actor, user_id, Action.USER_WRITE), {"is_active": False})
        return _after(actor, user_id, "deactivated")

    return _if_sure(actor, user_id, "deactivate", deed)


@pages.get(f"{ONE}/erase")
def erase_page(user_id: int) -> Response:
    return _sure(runs_the_desk(), user_id, "erase")


@pages.post(f"{ONE}/erase")
def erase_user(user_id: int) -> Response:
    actor = runs_the_desk()
    named = inbound.naming(user_id)

    def deed() -> str:
        user = _taken(actor, user_id, Action.USER_ERASE)
        if request.form.get("sure") != "on":
            raise Invalid({"sure": [gettext("Tick this to erase them")]})
        users.erase(actor, user, named)
        return url_for("staff.login") if user_id == actor.id else url_for("staff.users_page", done="erased")

    return _if_sure(actor, user_id, "erase", deed)


def _after(actor: Actor, user_id: int, done: str) -> str:
    """Where a change leads: whoever took the desk from themselves has no page of it to look at."""
    return "/staff/" if user_id == actor.id else url_for("staff.user_page", user_id=user_id, done=done)


def _if_sure(
    actor: Actor, user_id: int, what: str, deed: Callable[[], str], *, role: Role | None = None
) -> Response:  # fmt: skip
    try:
        if what == "role" and role is None:
            raise Invalid({"role": [gettext("Choose a role")]})
        http.begin_form(actor)
        return http.look(deed())
    except http.Replay as replay:
        return http.seen_before(replay)
    except REFUSALS as error:
        return _sure(actor, user_id, what, error, role=role)


_MEANS: dict[str, tuple[Any, ...]] = {
    "admin": (
        lazy_gettext("They look after everybody’s accounts and roles, yours included."),
        lazy_gettext(
            "They change categories, buildings, teams and service levels, delete tickets, and read the audit log."
        ),
    ),
    "agent from admin": (
        lazy_gettext("They no longer look after accounts, categories, teams, jobs or the audit log."),
        lazy_gettext("They keep their tickets and tasks, and work on every ticket as before."),
    ),
    "agent": (
        lazy_gettext("They see and change every ticket, internal notes and confidential ones included."),
        lazy_gettext("They see the addresses of those who report."),
    ),
    "customer": (
        lazy_gettext("They see only what they report or join, and no internal note."),
        lazy_gettext("The desk’s pages are closed to them."),
    ),
    "deactivate": (
        lazy_gettext("They are logged out everywhere and cannot log in."),
        lazy_gettext("They get no more mail from here."),
        lazy_gettext("What they wrote stays, under their name. You can activate the account again."),
    ),
    "erase": (
        lazy_gettext(
            "Gone for good: name, address, username, password, sessions, photos, drafts, own views and saved replies."
        ),
        lazy_gettext(
            "Stays: what they reported and wrote, under “Deleted user”, and what is on record of them, by number alone."
        ),
        lazy_gettext("It cannot be undone. To keep the name on what they did, deactivate the account instead."),
    ),
}
_MEANS_TO_ONESELF: dict[str, tuple[Any, ...]] = {
    "agent from admin": (
        lazy_gettext("You no longer look after accounts, categories, teams, jobs or the audit log."),
        lazy_gettext("You keep your tickets and tasks, and work on every ticket as before."),
    ),
    "customer": (
        lazy_gettext("You see only what you report or join, and no internal note."),
        lazy_gettext("The desk’s pages are closed to you."),
    ),
    "deactivate": (
        lazy_gettext("You are logged out everywhere and cannot log in."),
        lazy_gettext("You get no more mail from here."),
        lazy_gettext("What you wrote stays, under your name. Another admin can activate the account again."),
    ),
}
"""The same, said to an admin about the account that is their own."""
_OWN = {
    "role": lazy_gettext(
        "This is your own account. You lose these pages at once, and only another admin can give them back."
    ),
    "deactivate": lazy_gettext(
        "This is your own account. You are logged out at once, and only another admin can let you in again."
    ),
    "erase": lazy_gettext("This is your own account. You are logged out at once, for good."),
}


def _means(
    user: dict[str, Any], what: str, role: Role | None, standing: people.Standing, *, is_self: bool
) -> list[str]:
    """What a change brings with it, in sentences."""
    if what == "role" and role is None:
        return []
    of = what if what != "role" else str(role)
    if (of, user["role"]) == ("agent", Role.ADMIN):
        of = "agent from admin"
    said = [*map(str, (_MEANS_TO_ONESELF if is_self else _MEANS).get(of, _MEANS[of]))]
    if of in ("customer", "deactivate", "erase") and (standing.tickets or standing.tasks):
        work = {
            "tickets": ngettext("%(num)s unfinished ticket", "%(num)s unfinished tickets", standing.tickets),
            "tasks": ngettext("%(num)s task", "%(num)s tasks", standing.tasks),
        }
        said.append(
            gettext("Your %(tickets)s and %(tasks)s go back to nobody.", **work)
            if is_self
            else gettext("Their %(tickets)s and %(tasks)s go back to nobody.", **work)
        )
    return said


def _sure(
    actor: Actor, user_id: int, what: str, error: HelpdeskError | None = None, *, role: Role | None = None
) -> Response:
    """The page that asks again, and says what it means."""
    if error:
        refused(error)
    user = users.show_one(actor, user_id)
    if isinstance(error, Stale):
        error.detail = gettext("Look at who they are now, then decide again.")
    standing, is_self = people.standing(actor, user), user_id == actor.id
    forbidden = standing.is_last_admin and (what != "role" or role != Role.ADMIN)
    return show(
        actor, "user_sure.html", status=error.status if error else 200, user=user, what=what, role=role, roles=ROLES,
        means=_means(user, what, role, standing, is_self=is_self), own=_OWN[what] if is_self else None, error=error,
        problems=forms.problems(error, {}), forbidden=forbidden,
    )  # fmt: skip
