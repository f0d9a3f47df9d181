"""Teams: who works in which, how much each is given by itself, and who is away."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from flask import Response, request, url_for

from blueprints import http
from blueprints.pages import time_zone
from blueprints.staff import deeds, forms
from blueprints.staff.forms import Typed, first, number
from blueprints.staff.login import own_page
from blueprints.staff.shell import desk, pages
from blueprints.words import gettext
from helpdesk import policy, teams
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.policy import Action, Actor
from helpdesk.schemas import CreateTeamShape, EditTeamShape, PutMemberShape

ONE = f"/admin/teams/{http.ID.format('team_id')}"
FIELDS = ("name", "slug", "assigns")
MEMBER = ("user_id", "capacity", "is_away", "away_until")


@pages.get("/admin/teams")
def teams_page() -> Response:
    return _list(deeds.who_may(Action.TEAM_READ), {})


@pages.post("/admin/teams")
def new_team() -> Any:
    actor, typed = deeds.who_may(Action.TEAM_WRITE), forms.typed(FIELDS)
    return deeds.done(
        actor,
        lambda: deeds.wish_of(CreateTeamShape(), typed, flags=("assigns",)),
        lambda wish: url_for("staff.team_page", team_id=teams.create(actor, wish).id, done="added"),
        lambda error: _list(actor, typed, error),
    )


@pages.get(ONE)
def team_page(team_id: int) -> Response:
    return _one(deeds.who_may(Action.TEAM_READ), team_id)


@pages.post(ONE)
def edit_team(team_id: int) -> Any:
    """Change it, or with the other button delete it."""
    actor, typed = deeds.who_may(Action.TEAM_WRITE), forms.typed(FIELDS)
    deletes = deeds.asks("delete")

    def deed(wish: dict[str, Any]) -> str:
        team = teams.take(actor, team_id)
        http.expect_form_version(team.version)
        if deletes:
            teams.destroy(actor, team)
            return url_for("staff.teams_page", done="deleted")
        teams.edit(actor, team, wish)
        return url_for("staff.team_page", team_id=team_id, done="saved")

    return deeds.done(
        actor,
        lambda: {} if deletes else deeds.wish_of(EditTeamShape(), typed, flags=("assigns",)),
        deed,
        lambda error: _one(actor, team_id, typed, error),
    )


@pages.post(f"{ONE}/members")
def change_member(team_id: int) -> Any:
    """Put somebody in, change how they work there, or with the other button take them out."""
    actor, typed = deeds.who_may(Action.TEAM_WRITE), forms.typed(MEMBER)
    user_id = number(first(typed, "user_id"))
    removes = deeds.asks("remove")

    def wish() -> dict[str, Any]:
        if not isinstance(user_id, int):
            raise Invalid({"user_id": [gettext("Choose somebody of the staff")]})
        return {} if removes else http.load(PutMemberShape(), _how(typed))

    def deed(wish: dict[str, Any]) -> str:
        team = teams.take(actor, team_id)
        http.expect_form_version(team.version)
        if removes:
            teams.remove_member(actor, team, user_id)
        else:
            teams.put_member(actor, team, user_id, wish)
        return url_for("staff.team_page", team_id=team_id, done="removed" if removes else "saved")

    return deeds.done(actor, wish, deed, lambda error: _one(actor, team_id, None, error, member=typed))


def _how(typed: Typed) -> dict[str, Any]:
    """How somebody works in a team. Somebody who is put in is asked for their capacity alone.

    Another day than the form came with means away, whether or not that is ticked.
    """
    wish: dict[str, Any] = {"capacity": number(first(typed, "capacity"))}
    until = first(typed, "away_until")
    if "is_away" in request.form or "had_until" in request.form:
        wish["is_away"] = bool(typed["is_away"]) or until not in ("", request.form.get("had_until"))
        if wish["is_away"]:
            wish["away_until"] = _end_of(until)
    return wish


def _end_of(day: str) -> str | None:
    """When somebody who is away until a day is back: when that day begins, by the site's clock. Raises Invalid."""
    if not day:
        return None
    try:
        begins = datetime.combine(datetime.strptime(day, "%Y-%m-%d").date(), time(), time_zone())  # noqa: DTZ007
    except ValueError:
        raise Invalid({"away_until": [gettext("Choose a day, such as 2026-08-31")]}) from None
    return begins.isoformat()


@pages.post("/away")
def set_away() -> Any:
    """Say that one is away, until a day perhaps, or that one is back; and go on where one was."""
    actor, typed = desk(), forms.typed(("away_until", "back"))
    policy.require(actor, Action.TEAM_AWAY)
    comes_back = deeds.asks("back")

    def deed(wish: dict[str, Any]) -> str:
        if comes_back:
            teams.set_back(actor)
        else:
            teams.set_away(actor, wish["until"])
        return own_page(first(typed, "back"))

    def wish() -> dict[str, Any]:
        until = None if comes_back else _end_of(first(typed, "away_until"))
        return {"until": datetime.fromisoformat(until) if until else None}

    return deeds.done(actor, wish, deed, lambda error: _own(actor, typed, error))


def _own(actor: Actor, typed: Typed, error: HelpdeskError) -> Response:
    """The page of one's own team, where one says so; the list of teams for who is in none."""
    mine = teams.team_of(actor.id)
    if isinstance(error, Invalid) and "until" in error.errors:
        error = Invalid({"away_until": error.errors["until"]})
    return _one(actor, mine, None, error, away=typed) if mine else _list(actor, {}, error)


def _list(actor: Actor, typed: Typed, error: HelpdeskError | None = None) -> Response:
    return deeds.page(
        actor, "teams.html", typed, error, found=teams.listing(actor), unfinished=teams.unfinished(),
        may_change=policy.can(actor, Action.TEAM_WRITE),
    )  # fmt: skip


def _one(
    actor: Actor,
    team_id: int,
    typed: Typed | None = None,
    error: HelpdeskError | None = None,
    member: Typed | None = None,
    away: Typed | None = None,
) -> Response:
    """With what was typed, where it was refused: of the team, of a member, or of oneself."""
    team = teams.show_one(actor, team_id)
    now: Typed = {"name": [team["name"]], "slug": [team["slug"]], "assigns": ["on"] if team["assigns"] else []}
    return deeds.page(
        actor, "team.html", {**(typed or now), **(member or away or {})}, error, team=team,
        used=teams.used_by(team), may_change=policy.can(actor, Action.TEAM_WRITE),
    )  # fmt: skip
