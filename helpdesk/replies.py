"""Saved replies: words that the desk sends often, with places in them for a name or a number.

They are one's own, of a team, or everybody's. A place is filled from a list of what may be said (`PLACES`) and nothing
else: what stands in any other braces stays as it was written, and what was filled in is not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from helpdesk import audit, paging, policy
from helpdesk.errors import Forbidden, Invalid, NotFound, Taken
from helpdesk.policy import Action, Actor
from helpdesk.schemas import SavedReplyShape
from helpdesk.settings import setting
from models import Audience, Role, Rows, SavedReply, Team, User, db, fetch, now, one_by_one

_shape = SavedReplyShape()
_ORDER: paging.Order = {"title": (SavedReply.title, SavedReply.id)}


# --- reading ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _listed(is_admin: bool, searched: bool, after: bool) -> Rows:
    statement = policy.visible_replies(is_admin)
    if searched:
        title: Any = func.lower(SavedReply.title)
        begins: Any = bindparam("q_start")
        inside: Any = bindparam("q_inside")
        statement = statement.where(or_(title.like(begins, escape="\\"), title.like(inside, escape="\\")))
    return paging.ordered(statement, _ORDER, "title", after=after)


def by_title(statement: Rows) -> Rows:
    return statement.order_by(SavedReply.title, SavedReply.id)


def listing(
    actor: Actor, *, limit: int, cursor: str | None = None, q: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of those that somebody may use, by title. Raises Forbidden, Invalid."""
    policy.require(actor, Action.REPLY_READ)
    values: dict[str, Any] = policy.params(actor)
    if q:
        like = q.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values |= {"q_start": f"{like}%", "q_inside": f"% {like}%"}
    found = paging.page(
        lambda after: _listed(_is_admin(actor), bool(q), after), values, of="saved-replies", limit=limit, cursor=cursor
    )
    return [_shape.dump_row(row) for row in found.rows], found.next_cursor


def _is_admin(actor: Actor) -> bool:
    """Whether they look after those of every team."""
    return policy.can(actor, Action.REPLY_SHARE)


@lru_cache(maxsize=2)
def _one(is_admin: bool) -> Rows:
    return policy.visible_replies(is_admin).where(SavedReply.id == bindparam("reply_id"))


def show_one(actor: Actor, reply_id: int) -> dict[str, Any]:
    """Raises Forbidden, NotFound: somebody else's own is not there."""
    policy.require(actor, Action.REPLY_READ)
    row = fetch(_one(_is_admin(actor)), {**policy.params(actor), "reply_id": reply_id}).one_or_none()
    if row is None:
        raise NotFound
    return _shape.dump_row(row)


# --- verbs ------------------------------------------------------------------------------------------------------------


def create(actor: Actor, data: Mapping[str, Any]) -> SavedReply:
    """Keep words under a title: one's own, unless they are to be shared. Raises Forbidden, Invalid, Taken."""
    policy.require(actor, Action.REPLY_WRITE)
    at = now()
    reply = SavedReply(title=data["title"], text=data["text"], created_at=at, updated_at=at, version=1)
    _give(actor, reply, {"is_shared": False, **data})
    _check_title(reply)
    db.session.add(reply)
    db.session.flush()
    _on_record(actor, reply, "created")
    return reply


def take(actor: Actor, reply_id: int) -> SavedReply:
    """One to change, locked. Raises Forbidden for one of the desk's, NotFound for one that is not there for them."""
    policy.require(actor, Action.REPLY_WRITE)
    show_one(actor, reply_id)
    reply = db.session.get(SavedReply, reply_id, with_for_update=True, populate_existing=True)
    if reply is None:
        raise NotFound
    if reply.owner_id != actor.id and not policy.can(actor, Action.REPLY_SHARE):
        raise Forbidden("Only admins change what the whole desk uses. Keep one of your own.")
    return reply


def edit(actor: Actor, reply: SavedReply, data: Mapping[str, Any]) -> None:
    """Change the fields named. Raises Forbidden, Invalid, Taken."""
    before = _kept(reply)
    for name in ("title", "text"):
        if name in data:
            setattr(reply, name, data[name])
    _give(actor, reply, data)
    after = _kept(reply)
    if any(after[name] != before[name] for name in ("title", "owner_id", "team_id")):
        with db.session.no_autoflush:
            _check_title(reply)
    if after != before:
        reply.version += 1
        reply.updated_at = now()
        db.session.flush()
        fields = sorted(name for name, value in after.items() if value != before[name])
        _on_record(actor, reply, "changed", was_shared=before["owner_id"] is None, fields=fields)


def _kept(reply: SavedReply) -> dict[str, Any]:
    return {"title": reply.title, "text": reply.text, "owner_id": reply.owner_id, "team_id": reply.team_id}


def _check_title(reply: SavedReply) -> None:
    """Whether those who use it can tell it from their others. Raises Taken."""
    one_by_one(SavedReply.__tablename__)
    same = (
        SavedReply.owner_id.is_not_distinct_from(reply.owner_id),
        SavedReply.team_id.is_not_distinct_from(reply.team_id),
    )
    titles = db.session.scalars(select(SavedReply.title).where(*same, SavedReply.id != (reply.id or 0)))
    if reply.title.casefold() in (title.casefold() for title in titles):
        raise Taken("title", "There is one with this title already, for the same people.")


def _give(actor: Actor, reply: SavedReply, data: Mapping[str, Any]) -> None:
    """Say whose it is: `is_shared`, `team_id`. A team's is shared. Raises Forbidden, Invalid."""
    team_id = data.get("team_id", reply.team_id)
    was_shared = reply.owner_id is None
    is_shared = data.get("is_shared", was_shared or data.get("team_id") is not None)
    if data.get("team_id") is not None:
        is_shared = True
        if db.session.get(Team, team_id, with_for_update={"read": True, "key_share": True}) is None:
            raise Invalid({"team_id": ["Choose a team."]})
    if is_shared:
        policy.require(actor, Action.REPLY_SHARE)
        reply.owner_id, reply.team_id = None, team_id
    elif was_shared:
        reply.owner_id, reply.team_id = actor.id, None


def destroy(actor: Actor, reply: SavedReply) -> None:
    """Throw one away that was taken."""
    _on_record(actor, reply, "deleted")
    db.session.delete(reply)
    db.session.flush()


def of_team(team_id: int) -> dict[int, int | None]:
    """A team's saved replies, and whose alone each is once there is no such team; None: everybody's.

    It goes back to who shared it first, where they work here still: nobody reads it then who did not. Three statements.
    """
    ids = list(db.session.scalars(select(SavedReply.id).where(SavedReply.team_id == team_id).order_by(SavedReply.id)))
    if not ids:
        return {}
    # what is one's own is not on record: the first thing that is, is that somebody shared it
    first = audit.who_first(
        [f"saved_reply:{number}" for number in ids], ("saved_reply.created", "saved_reply.changed")
    )  # fmt: skip
    here = select(User.id).where(User.id.in_(set(first.values())), User.is_active, User.role != Role.CUSTOMER)
    staff = set(db.session.scalars(here))
    owners = {number: first.get(f"saved_reply:{number}") for number in ids}
    return {number: owner if owner in staff else None for number, owner in owners.items()}


def give_back(actor: Actor, team_id: int) -> None:
    """Before a team ends, which is locked: what its members sent stays, as `of_team` says."""
    for number, owner_id in of_team(team_id).items():
        reply = db.session.get_one(SavedReply, number, with_for_update=True, populate_existing=True)
        reply.owner_id, reply.team_id = owner_id, None
        reply.version += 1
        reply.updated_at = now()
        fields = ["team_id"] if owner_id is None else ["owner_id", "team_id"]
        _on_record(actor, reply, "changed", was_shared=True, fields=fields)
    db.session.flush()


def _on_record(actor: Actor, reply: SavedReply, what: str, *, was_shared: bool = False, **detail: Any) -> None:
    """What many people send in the desk's name: who wrote it is known later, and who took it away."""
    if reply.owner_id is None or was_shared:
        audit.record(f"saved_reply.{what}", actor=actor, target=f"saved_reply:{reply.id}", **detail)


# --- filling in -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Letter:
    """What a saved reply is filled from: a row of `policy.visible_tickets`, who writes, and who will read."""

    actor: Actor
    ticket: Any
    to_all: bool


EVERYONE = "everyone"
"""Who is addressed where several read: none of those who joined learns who reported it."""


def _first_name(name: str) -> str:
    return name.split()[0] if name.split() else name


# Nothing that stands in braces is looked up but in here: a saved reply is text, never a template.
PLACES: dict[str, Callable[[Letter], str]] = {
    "reporter.name": lambda letter: EVERYONE if letter.to_all else letter.ticket.reporter_name,
    "reporter.first_name": lambda letter: EVERYONE if letter.to_all else _first_name(letter.ticket.reporter_name),
    "ticket.id": lambda letter: str(letter.ticket.id),
    "ticket.title": lambda letter: (letter.to_all and letter.ticket.public_title) or letter.ticket.title,
    "ticket.link": lambda letter: f"{setting('PUBLIC_BASE_URL')}/tickets/{letter.ticket.id}",
    "agent.name": lambda letter: letter.actor.name,
    "agent.first_name": lambda letter: _first_name(letter.actor.name),
    "site.name": lambda letter: setting("SITE_NAME"),
}
OURS = frozenset({"ticket.id", "ticket.link", "site.name"})
"""What nobody chose for themselves."""
_PLACE = re.compile(r"\{\{\s*([a-z_.]{1,40})\s*\}\}")
_MARKS = re.compile(r"([\\`*_\[\]<>~&])|^([-+=#](?=\s|$|[-=#])|[0-9]+(?=[.)]))")


def fill(text: str, letter: Letter) -> str:
    """The words with what stands in their places: each once, and never looked at again."""

    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name not in PLACES:
            return found[0]
        value = PLACES[name](letter)
        return value if name in OURS else _plain(value)

    return _PLACE.sub(put, text)


def _plain(value: str) -> str:
    """Somebody's name or title, of which Markdown makes nothing: no link, no heading, no list."""
    value = " ".join(value.split()).replace("://", ": //")
    return _MARKS.sub(lambda mark: f"\\{mark[1]}" if mark[1] else _escaped_start(mark[2]), value)


def _escaped_start(start: str) -> str:
    return f"{start}\\" if start.isdigit() else f"\\{start}"


def filled(actor: Actor, ticket_id: int, reply_id: int, *, audience: Audience | None = None) -> str:
    """A saved reply as one would send it on this ticket. Raises Forbidden, NotFound.

    Where nothing is said of who will read it, it is whom the composer proposes.
    """
    policy.require(actor, Action.REPLY_READ)
    ticket = policy.get_ticket(actor, ticket_id)
    to_all = audience == Audience.AFFECTED if audience else ticket.affected_count > 1
    return fill(show_one(actor, reply_id)["text"], Letter(actor, ticket, to_all))
