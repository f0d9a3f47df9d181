"""The pages of service levels: their list, one of them with a dry run, and why a ticket is due when it is."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, request, url_for

from blueprints import http
from blueprints.pages import say, target
from blueprints.staff import deeds, forms
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.shell import around, desk, pages, refused, show
from blueprints.words import gettext
from helpdesk import policy, sla, tickets
from helpdesk.errors import HelpdeskError, Invalid, NotFound, Stale
from helpdesk.policy import Action, Actor
from helpdesk.schemas import CreateSlaPolicyShape, EditSlaPolicyShape

LIST = "/admin/sla"
ONE = f"{LIST}/{http.ID.format('policy_id')}"
NEW = f"{LIST}/new"
FIELDS = (
    "name", "is_active", "priorities", "category_ids", "team_ids", "response_seconds", "response_unit",
    "resolution_seconds", "resolution_unit", "calendar_id",
)  # fmt: skip
UNITS = {"minutes": 60, "hours": 3600, "days": 86_400}
TRY, DELETE = "try", "delete"
"""What a button sends as `do`, that does not save."""
DEEDS = ("up", "down", "on", "off")
"""What the buttons of a row are called; each sends the number and the version of its row."""


def admin() -> Actor:
    """Who asks, where they may change service levels. Raises NotSignedIn, Forbidden."""
    actor = desk()
    policy.require(actor, Action.SLA_WRITE)
    return actor


# --- the list ---------------------------------------------------------------------------------------------------------


@pages.get(LIST)
def sla_page() -> Response:
    return _list(admin())


@pages.post(LIST)
def change_sla() -> Response:
    """Move one up or down, or switch it on or off."""
    actor = admin()
    try:
        deed = next((name for name in DEEDS if name in request.form), "")
        found = re.fullmatch(r"([0-9]{1,15})\.([0-9]{1,15})", request.form.get(deed, ""))
        if found is None:
            raise Stale
        http.begin_form(actor)
        row = sla.policies.take(actor, int(found[1]))
        if deed in ("on", "off"):
            if row.version != int(found[2]):
                raise Stale
            sla.policies.edit(actor, row, {"is_active": deed == "on"})
            button = "state"
        else:
            order = sla.policies.move(actor, row.id, -1 if deed == "up" else 1)
            button = "down" if row.id == order[0] else "up" if row.id == order[-1] else deed
        # whoever has no mouse is there again, and presses once more
        return http.look(url_for("staff.sla_page", _anchor=f"{button}-{row.id}"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except NotFound:
        return _list(actor, Stale())
    except forms.REFUSALS as error:
        return _list(actor, error)


def _list(actor: Actor, error: HelpdeskError | None = None) -> Response:
    if error:
        refused(error)
    return show(
        actor, "sla.html", status=error.status if error else 200, error=error, told=deeds.told(),
        levels=sla.policies.listing(actor), calendars=sla.calendars.listing(actor), recount=sla.recount.progress(),
        built_in=[(priority, one) for priority, one in reversed(sla.BUILT_IN.items())],
    )  # fmt: skip


# --- one of them ------------------------------------------------------------------------------------------------------


@pages.get(NEW)
def new_sla_policy() -> Response:
    now: Typed = {
        "is_active": ["on"], "response_seconds": ["4"], "response_unit": ["hours"], "resolution_seconds": ["2"],
        "resolution_unit": ["days"],
    }  # fmt: skip
    return _one(admin(), None, now)


@pages.get(ONE)
def sla_policy_page(policy_id: int) -> Response:
    actor = admin()
    return _one(actor, policy_id, _typed(sla.policies.show_one(actor, policy_id)))


@pages.post(NEW)
def create_sla_policy() -> Response:
    actor, typed = admin(), forms.typed(FIELDS)
    try:
        wish = _load(CreateSlaPolicyShape(), typed)
        if request.form.get("do") == TRY:
            return _one(actor, None, typed, tried=_tried(actor, None, wish))
        http.begin_form(actor)
        sla.policies.create(actor, wish)
        return http.look(url_for("staff.sla_page", done="added"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _one(actor, None, typed, _said(error))


@pages.post(ONE)
def edit_sla_policy(policy_id: int) -> Response:
    """Save it; or delete it; or see what it would have made of the past."""
    actor, typed, asked = admin(), forms.typed(FIELDS), request.form.get("do")
    try:
        wish = {} if asked == DELETE else _load(EditSlaPolicyShape(), typed)
        if asked == TRY:
            sla.policies.show_one(actor, policy_id)
            return _one(actor, policy_id, typed, tried=_tried(actor, policy_id, wish))
        http.begin_form(actor)
        row = sla.policies.take(actor, policy_id)
        http.expect_form_version(row.version)
        if asked == DELETE:
            sla.policies.destroy(actor, row)
        else:
            sla.policies.edit(actor, row, wish)
        return http.look(url_for("staff.sla_page", done="deleted" if asked == DELETE else "saved"))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _one(actor, policy_id, typed, _said(error))


def _load(shape: Any, typed: Typed) -> dict[str, Any]:
    """What was typed as a policy. Raises Invalid with all that is wrong."""
    wrong: dict[str, list[str]] = {}
    wish: dict[str, Any] = {
        "name": first(typed, "name"),
        "is_active": bool(typed["is_active"]),
        "priorities": typed["priorities"],
        "category_ids": [number(one) for one in typed["category_ids"]],
        "team_ids": [number(one) for one in typed["team_ids"]],
        "calendar_id": number(first(typed, "calendar_id")),
    }
    for name, unit in (("response_seconds", "response_unit"), ("resolution_seconds", "resolution_unit")):
        seconds = _seconds(first(typed, name), first(typed, unit))
        if seconds is None:
            wrong[name] = [gettext("Write a number, such as 4 or 1.5")]
        else:
            wish[name] = seconds
    return http.load_form(shape, wish, wrong)


def _seconds(amount: str, unit: str) -> int | None:
    if unit not in UNITS or not re.fullmatch(r"[0-9]{1,6}(?:[.,][0-9]{1,2})?", amount):
        return None
    return round(float(amount.replace(",", ".")) * UNITS[unit])


def _said(error: HelpdeskError) -> HelpdeskError:
    """A name that is taken is said beside its field."""
    taken = getattr(error, "field", None)
    return Invalid({taken: [error.detail or error.title]}) if taken else error


def in_units(seconds: int) -> tuple[str, str]:
    """`("4", "hours")`: the largest unit in which it is whole."""
    unit = next(name for name in ("days", "hours", "minutes", "") if not name or seconds % UNITS[name] == 0)
    return (str(seconds // UNITS[unit]), unit) if unit else (f"{seconds / 60:.2f}", "minutes")


def _typed(shown: dict[str, Any]) -> Typed:
    """A policy as its form would send it."""
    response, resolution = in_units(shown["response_seconds"]), in_units(shown["resolution_seconds"])
    return {
        "name": [shown["name"]],
        "is_active": ["on"] if shown["is_active"] else [],
        "priorities": [str(one) for one in shown["priorities"]],
        "category_ids": [str(one["id"]) for one in shown["categories"]],
        "team_ids": [str(one["id"]) for one in shown["teams"]],
        "response_seconds": [response[0]], "response_unit": [response[1]],
        "resolution_seconds": [resolution[0]], "resolution_unit": [resolution[1]],
        "calendar_id": [str(shown["calendar"]["id"]) if shown["calendar"] else ""],
    }  # fmt: skip


def _tried(actor: Actor, policy_id: int | None, wish: dict[str, Any]) -> dict[str, Any]:
    """What the policies would have made of the past with this one as it was typed; a new one where it would stand."""
    wanted = [sla.policies.fields_of(one) for one in sla.policies.listing(actor)]
    if policy_id is None:
        wanted.insert(sla.policies.place_of_new(wish), {**sla.policies.DEFAULTS, **wish, "id": 0})
    else:
        wanted = [{**one, **wish} if one["id"] == policy_id else one for one in wanted]
    sla.policies.check_unsaved([{**sla.policies.DEFAULTS, **wish}])
    found = sla.dry_run(actor, wanted)

    def own(side: str) -> dict[str, Any] | None:
        return next((one for one in found[side]["policies"] if one["id"] == (policy_id or 0)), None)

    return {**found, "own": {"saved": own("saved"), "wanted": own("wanted")}}


def _meanwhile(level: dict[str, Any], typed: Typed) -> list[tuple[str, str]]:
    """What is saved otherwise than it was typed, in words: for whoever saves what somebody changed meanwhile."""
    saved, found = _typed(level), []
    calendar = level["calendar"]["name"] if level["calendar"] else gettext("Round the clock")
    for names, label, words in (
        (("name",), gettext("Name"), level["name"]),
        (("response_seconds", "response_unit"), gettext("First reply within"), target(level["response_seconds"])),
        (("resolution_seconds", "resolution_unit"), gettext("Fix within"), target(level["resolution_seconds"])),
        (("calendar_id",), gettext("Time counts"), calendar),
        (("priorities",), gettext("Priority"), ", ".join(say(one) for one in level["priorities"])),
        (("team_ids",), gettext("Team"), ", ".join(one["name"] for one in level["teams"])),
        (("category_ids",), gettext("Category"), ", ".join(one["name"] for one in level["categories"])),
        (("is_active",), gettext("State"), gettext("On") if level["is_active"] else gettext("Off")),
    ):
        if any(not forms.same(typed[name], saved[name]) for name in names):
            found.append((label, words or gettext("Any")))
    return found


def _one(
    actor: Actor,
    policy_id: int | None,
    typed: Typed,
    error: HelpdeskError | None = None,
    tried: dict[str, Any] | None = None,
) -> Response:
    """With what was typed, where it was refused or tried."""
    if error:
        refused(error)
        if isinstance(error, Invalid) and "policies" in error.errors:  # of the one that was tried
            error = Invalid(next(iter(error.errors["policies"].values())))
    level = sla.policies.show_one(actor, policy_id) if policy_id is not None else None
    found = around(actor)
    return show(
        actor, "sla_policy.html", status=error.status if error else 200, stands=found, level=level, typed=typed,
        error=error, problems=forms.problems(error, typed), calendars=sla.calendars.listing(actor), tried=tried,
        teams=[(team.id, team.name) for team in found.choices["teams"]], most=sla.MOST_TICKETS,
        meanwhile=_meanwhile(level, typed) if level and isinstance(error, Stale) else [],
    )  # fmt: skip


# --- why a ticket is due then -----------------------------------------------------------------------------------------


@pages.get(f"/tickets/{http.ID.format('ticket_id')}/due")
def why_due(ticket_id: int) -> Response:
    actor = desk()
    why = sla.explain(actor, ticket_id)
    ticket = tickets.show_one(actor, ticket_id)
    return show(actor, "due.html", ticket=ticket, why=why)
