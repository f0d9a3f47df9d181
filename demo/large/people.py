"""Who and what a large campus has beside the small one: buildings, and people with the names of `names.txt`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from demo import campus
from demo.campus import Cast, Person, Place
from demo.stories import FOLDER

TEAMS = {"networks": "Networks", "av": "Room technology", "residences": "Residences", "security": "Security and keys"}
"""Whom the desks of the small campus hand work on to."""
AGENTS = {"it": 9, "facilities": 9, "services": 6, "networks": 6, "av": 6, "residences": 7, "security": 6}
"""How many join each team: sixty with those of the small campus and its admin."""
KINDS = {"student": 82, "teacher": 11, "office": 7}
FEWEST, MOST, TICKETS_EACH = 400, 20_000, 12

# kind of building: the kinds of place on each floor, with how many
LAYOUTS = {
    "teaching": "5 teaching, 6 office, 1 hall, 2 washroom, 1 kitchen, 1 print, 1 stairs, 1 study",
    "laboratory": "5 lab, 6 office, 1 teaching, 1 hall, 2 washroom, 1 kitchen, 1 print, 1 server",
    "offices": "12 office, 1 hall, 2 washroom, 2 kitchen, 1 print, 1 stairs",
    "residence": "18 bedroom, 3 flat, 2 bathroom, 1 hall, 1 stairs",
    "learning": "8 study, 2 pc, 2 hall, 2 washroom, 1 print",
    "public": "2 hall, 1 cafe, 1 washroom, 1 theatre",
}
BUILDINGS: dict[str, tuple[str, int]] = {
    "Curie Building": ("laboratory", 5), "Darwin Building": ("laboratory", 4), "Faraday Building": ("laboratory", 4),
    "Hopper Building": ("teaching", 4), "Lovelace Building": ("teaching", 5), "Meitner Building": ("laboratory", 3),
    "Humboldt House": ("offices", 4), "Arendt House": ("teaching", 4), "Law School": ("teaching", 4),
    "School of Education": ("teaching", 3), "School of Architecture": ("teaching", 4),
    "Institute of Languages": ("teaching", 3),
    "Economics Tower": ("offices", 9), "Registry": ("offices", 3), "International House": ("offices", 3),
    "Science Library": ("learning", 4), "Law Library": ("learning", 3), "Learning Commons": ("learning", 3),
    "Concert Hall": ("public", 2), "University Museum": ("public", 2), "Rowan Residence": ("residence", 6),
    "Willow Residence": ("residence", 5), "Hazel Residence": ("residence", 7), "Cedar Residence": ("residence", 4),
}  # fmt: skip
"""Beside those of the small campus: name, kind and floors. Forty in all."""
GROUND = {
    "entrance": "main entrance | side entrance", "lift": "foyer | goods lift", "outdoors": "yard | bike stands",
    "parking": "car park behind the building",
}  # fmt: skip
ON_FLOOR = {
    "hall": ("corridor", "lounge"), "washroom": ("women's washroom", "men's washroom"),
    "kitchen": ("tea kitchen", "kitchen"),
    "print": ("copy corner",), "stairs": ("stairs",), "flat": ("shared kitchen", "corner kitchen", "big kitchen"),
    "bathroom": ("shared bathroom", "shared bathroom, east"), "cafe": ("café",), "theatre": ("hall",),
}  # fmt: skip


def _rooms(layout: str, floors: int) -> Iterator[tuple[str, str]]:
    """Kind and number, or what it is called, of each place inside."""
    kinds = [part.split() for part in layout.split(", ")]
    for floor in range(floors):
        number = 0
        for count, kind in kinds:
            for position in range(int(count)):
                if kind in ON_FLOOR:
                    yield kind, f"{ON_FLOOR[kind][position % len(ON_FLOOR[kind])]} on floor {floor}"
                else:
                    number += 1
                    yield kind, f"{floor}.{number:02d}"


def _places() -> dict[str, list[Place]]:
    found = {kind: list(places) for kind, places in campus.PLACES.items()}
    for building, (layout, floors) in BUILDINGS.items():
        rooms = [*_rooms(LAYOUTS[layout], floors)]
        rooms += [(kind, raw) for kind, raws in GROUND.items() for raw in raws.split(" | ")]
        for kind, raw in rooms:
            found.setdefault(kind, []).append(campus.place(building, kind, raw))
    return found


@dataclass(frozen=True)
class Culture:
    name: str
    share: int
    style: str
    """`double`: some have two family names. `family-first`: as it says. `plain`."""
    given: list[str]
    family: list[str]


@lru_cache(maxsize=1)
def cultures() -> list[Culture]:
    found = []
    for block in (FOLDER / "large" / "names.txt").read_text("utf-8").split("== ")[1:]:
        head, given, family = block.strip().splitlines()
        name, share, style = head.split()
        found.append(Culture(name, int(share), style, given.split(", "), family.split(", ")))
    return found


class _Names:
    """Draws people. Two may have the same name, nobody the same username."""

    def __init__(self, rng: random.Random, taken: set[str]) -> None:
        self.rng = rng
        self.taken = taken
        self.cultures = cultures()
        self.shares = [culture.share for culture in self.cultures]

    def person(self, kind: str, team: str | None = None) -> Person:
        culture = self.rng.choices(self.cultures, self.shares)[0]
        first, last, style = self.rng.choice(culture.given), self.rng.choice(culture.family), culture.style
        if style == "double" and self.rng.random() < 0.5:
            name = f"{first} {last} {self.rng.choice(culture.family)}"
        elif style == "family-first":
            name = f"{last} {first}"
        else:
            middle = self.rng.random()
            name = f"{first} {self.rng.choice(culture.given)} {last}" if middle < 0.04 else f"{first} {last}"
            if 0.04 < middle < 0.06:
                name = f"{first} {last}-{self.rng.choice(culture.family)}"
        person = Person(name, "", kind, team=team, speaks_german=culture.name == "german", called=first)
        return replace(person, username=self._username(first, last))

    def _username(self, first: str, last: str) -> str:
        wanted = campus.username(first, last.split()[-1])
        number, free = 1, wanted
        while free in self.taken:
            number += 1
            free = f"{wanted[:28]}{number}"
        self.taken.add(free)
        return free


def size(tickets: int) -> int:
    """How many people report so many tickets."""
    return max(FEWEST, min(tickets // TICKETS_EACH, MOST))


@lru_cache(maxsize=1)
def cast(seed: int, tickets: int) -> Cast:
    """The people and places of a campus with so many tickets; those of the small one are among them."""
    rng = random.Random(f"people {seed}")
    people = dict(campus.PEOPLE)
    names = _Names(rng, set(people))
    drawn = [names.person("agent", team) for team, count in AGENTS.items() for _ in range(count)]
    drawn = [replace(person, speaks_german=number % 4 == 0) for number, person in enumerate(drawn)]
    kinds = rng.choices(list(KINDS), list(KINDS.values()), k=size(tickets))
    drawn += [names.person(kind) for kind in kinds]
    people |= {person.username: person for person in drawn}
    return Cast(people, _places())
