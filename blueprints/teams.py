"""Teams and their members, and who is away."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import teams
from helpdesk.policy import Action, Actor
from helpdesk.schemas import AwayShape, CreateTeamShape, EditTeamShape, PutMemberShape, TeamShape, page_of
from models import Team

api = Doors("teams", __name__, url_prefix="/api")
ONE = f"/teams/{http.ID.format('team_id')}"
MEMBER = f"{ONE}/members/{http.ID.format('user_id')}"
AWAY = "/users/me/away"


@api.call("GET", "/teams", Action.TEAM_READ, out=page_of(TeamShape))
def listing(actor: Actor) -> Answer:
    """List the teams, with who works in them."""
    return http.page(teams.listing(actor), None)


@api.call(
    "POST", "/teams", Action.TEAM_WRITE, body=CreateTeamShape, out=TeamShape, status=201, creates=True, raises=(409,)
)  # fmt: skip
def create(actor: Actor, body: dict[str, Any]) -> Answer:
    """Make a team."""
    http.begin(actor)
    team = teams.create(actor, body)
    return Answer(teams.show_one(actor, team.id), headers={"Location": f"/api/teams/{team.id}"})


@api.call("GET", ONE, Action.TEAM_READ, out=TeamShape)
def show(actor: Actor, team_id: int) -> dict[str, Any]:
    """Get a team, with who works in it."""
    return teams.show_one(actor, team_id)


def _taken(actor: Actor, team_id: int) -> Team:
    http.begin(actor)
    team = teams.take(actor, team_id)
    http.expect_version(team.version, lambda: teams.show_one(actor, team_id))
    return team


@api.call("PUT", ONE, Action.TEAM_WRITE, body=EditTeamShape, out=TeamShape, if_match=True, raises=(409,))
@api.call("PATCH", ONE, Action.TEAM_WRITE, body=EditTeamShape, out=TeamShape, if_match=True, raises=(409,))
def edit(actor: Actor, team_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change the fields named. With `assigns`, what is new goes to whoever of the team is there and has least to do."""
    teams.edit(actor, _taken(actor, team_id), body)
    return teams.show_one(actor, team_id)


@api.call("DELETE", ONE, Action.TEAM_WRITE, status=204, if_match=True, raises=(409,))
def destroy(actor: Actor, team_id: int) -> None:
    """Delete a team; its members and tickets are then in none."""
    teams.destroy(actor, _taken(actor, team_id))


@api.call("PUT", MEMBER, Action.TEAM_WRITE, body=PutMemberShape, out=TeamShape, raises=(409,))
def put_member(actor: Actor, team_id: int, user_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Let somebody work in a team, or change how much they are given by itself, and whether they are away.

    A person works in one team: whoever is in another leaves it. 409 for who is not of the staff.
    """
    http.begin(actor)
    teams.put_member(actor, teams.take(actor, team_id), user_id, body)
    return teams.show_one(actor, team_id)


@api.call("DELETE", MEMBER, Action.TEAM_WRITE, status=204)
def remove_member(actor: Actor, team_id: int, user_id: int) -> None:
    """Take somebody out of a team. What they have to do stays theirs."""
    http.begin(actor)
    teams.remove_member(actor, teams.take(actor, team_id), user_id)


@api.call("PUT", AWAY, Action.TEAM_AWAY, body=AwayShape, status=204, raises=(409,))
def set_away(actor: Actor, body: dict[str, Any]) -> None:
    """Say that one is away: nothing is given to one by itself. 409 for who is in no team."""
    http.begin(actor)
    teams.set_away(actor, body.get("until"))


@api.call("DELETE", AWAY, Action.TEAM_AWAY, status=204, raises=(409,))
def set_back(actor: Actor) -> None:
    """Say that one is here again."""
    http.begin(actor)
    teams.set_back(actor)
