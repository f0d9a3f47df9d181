"""What the keys of figures are called, also what is archived and who has left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, cast, literal, null, select, union_all

from models import Building, Category, Membership, Priority, Team, User, fetch


@dataclass(frozen=True)
class Named:
    id: int
    slug: str | None
    name: str
    above: int | None = None
    """Of a category the one that it is in, of a person their team."""


@dataclass
class Vocabulary:
    category: dict[int, Named] = field(default_factory=dict)
    building: dict[int, Named] = field(default_factory=dict)
    team: dict[int, Named] = field(default_factory=dict)
    assignee: dict[int, Named] = field(default_factory=dict)
    priority: dict[int, Named] = field(
        default_factory=lambda: {n: Named(n, one.value, one.value) for n, one in enumerate(Priority)}
    )

    def of(self, kind: str, key: int | None) -> Named | None:
        found: dict[int, Named] = getattr(self, kind)
        return None if key is None else found.get(key)


@lru_cache(maxsize=1)
def _named() -> Any:
    nothing = cast(null(), BigInteger)
    return union_all(
        select(literal("category").label("kind"), Category.id, Category.slug, Category.name, Category.parent_id),
        select(literal("building"), Building.id, Building.slug, Building.name, nothing),
        select(literal("team"), Team.id, Team.slug, Team.name, nothing),
        select(literal("assignee"), User.id, cast(null(), Team.slug.type), User.name, Membership.team_id)
        .outerjoin(Membership, Membership.user_id == User.id)
        .where(User.id.in_(bindparam("people", expanding=True))),
    )


def vocabulary(people: Iterable[int | None] = ()) -> Vocabulary:
    """All categories, buildings and teams, and these people. One statement."""
    found = Vocabulary()
    for kind, number, slug, name, above in fetch(_named(), {"people": [one for one in people if one is not None]}):
        getattr(found, kind)[number] = Named(number, slug, name, above)
    return found
