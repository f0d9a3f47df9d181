"""What stands around a ticket's conversation on the staff's page, in one statement for all of it.

Small things of six tables: its tags, whom it affects, who else has it open, one's own draft, the saved replies that one
may use, and the tickets it is compared with. Each is asked as its own module asks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, CompoundSelect, String, Text, cast, literal, null, select, type_coerce, union_all

from helpdesk import drafts, inbound, policy, presence, replies, similar, tickets
from helpdesk.policy import Action, Actor
from models import Rows, User, UTCDateTime, fetch

PEOPLE_AT_MOST = 100
REPLIES_AT_MOST = 20


@dataclass(frozen=True)
class Aside:
    tags: list[str]
    affected: list[Any]
    """Rows of `id, name, is_reporter`, first come first: PEOPLE_AT_MOST."""
    present: list[dict[str, Any]]
    draft: drafts.Kept | None
    replies: list[Any]
    """Rows of `id, name`, by title: REPLIES_AT_MOST."""
    similar: list[Any]
    """Rows of `id, name, status`, the likeliest first."""
    mails: dict[int | None, Any]
    """What came by mail: the comment, or None for the report → a row of `name`, the address it came from, `flag`,
    whether that is another than theirs, and `place`, null where it is not kept any more."""


# column → its type: the first SELECT of a union says what its columns are
_COLUMNS: dict[str, Any] = {
    "id": User.id.type, "name": Text(), "text": Text(), "status": String(), "more": Text(), "place": User.id.type,
    "flag": Boolean(), "at": UTCDateTime(),
}  # fmt: skip


def _part(kind: str, statement: Rows, **named: str) -> Rows:
    """A SELECT as a part of the union: `named` says which of its columns stands where."""
    found = statement.subquery(kind)
    columns = [
        type_coerce(cast(found.c[named[name]], Text()), Text()).label(name)
        if name in named and isinstance(kinds, Text)
        else found.c[named[name]].label(name)
        if name in named
        else cast(null(), kinds).label(name)
        for name, kinds in _COLUMNS.items()
    ]
    return select(literal(kind).label("kind"), *columns)


@lru_cache(maxsize=2)
def _all(is_admin: bool) -> CompoundSelect[*tuple[Any, ...]]:
    people, known = tickets.people(), policy.visible_replies(is_admin)
    first = people.order_by("reported_at", "id").limit(PEOPLE_AT_MOST)
    return union_all(
        _part("affected", first, id="id", name="name", flag="is_reporter", at="reported_at"),
        _part("tag", tickets.own_tags(), name="name"),
        _part("present", presence.others(), id="id", name="name", flag="is_writing"),
        _part("draft", drafts.own(), text="text", status="audience", more="images", name="then", at="updated_at"),
        _part("reply", replies.by_title(known).limit(REPLIES_AT_MOST), id="id", name="title"),
        _part("mail", inbound.beside(), id="comment_id", name="sender", flag="is_from_elsewhere", place="kept_id"),
        *(
            _part("near", statement, id="id", name="title", text="room", status="status", place="building_id")
            for statement in similar.near()
        ),
    )


def around(actor: Actor, ticket: dict[str, Any]) -> Aside:
    """What belongs around a ticket that the caller was given by the policy, as `tickets.show_one` shows it."""
    policy.require(actor, Action.DESK_USE)
    building = ticket["building"]
    values = {
        **policy.params(actor), **presence.since(), "ticket_id": ticket["id"],
        "category_id": ticket["category"]["id"], "building_id": building["id"] if building else None,
    }  # fmt: skip
    found: dict[str, list[Any]] = {
        kind: [] for kind in ("tag", "affected", "present", "draft", "reply", "near", "mail")
    }
    for row in fetch(_all(policy.can(actor, Action.REPLY_SHARE)), values):
        found[row.kind].append(row)
    return Aside(
        tags=sorted(row.name for row in found["tag"]),
        affected=sorted(found["affected"], key=lambda row: (row.at, row.id)),
        present=[
            {"id": row.id, "name": row.name, "is_writing": bool(row.flag)}
            for row in sorted(found["present"], key=lambda row: (row.name, row.id))
        ],
        draft=_draft(found["draft"][0]) if found["draft"] else None,
        replies=sorted(found["reply"], key=lambda row: (row.name.lower(), row.id)),
        similar=similar.likest(ticket, found["near"]),
        mails={row.id: row for row in found["mail"]},
    )


def _draft(row: Any) -> drafts.Kept:
    return drafts.kept(row.text, row.status, row.name, row.more, row.at)
