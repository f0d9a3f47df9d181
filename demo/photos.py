"""Who sends photos of what: told tickets get some, by what their words say is wrong. Knows no pictures and no database.

It draws lots by the ticket's own words and not from a row of random numbers, so that everything else that is told stays
what it is without photos. What a photo shows is drawn in `drawing.py`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple
from zlib import crc32

from demo.telling import Deed, Ticket

VARIATIONS = 2
SHOWN = "Water dripping from ceiling"
"""The ticket that the documents show has some in any case."""


class Photo(NamedTuple):
    """A scene of `drawing.py`, in one of its variations: as it was found, or mended."""

    scene: str
    variation: int
    mended: bool = False


# category: how many of two hundred have photos at most, and what these show where a report has which words
SUBJECTS: dict[str, tuple[int, dict[str, str]]] = {
    "facilities-heating": (14, {"radiator": "cold|freez|radiator|heating|heiz|kalt"}),
    "facilities-electrical": (
        30, {"socket": "socket|fuse|spark|burn|no power", "corridor": r"light|lamp|dark\b|flicker"},
    ),
    "facilities-leaks": (45, {"ceiling": "ceiling|patch|roof", "tap": r"\btap|sink|drain|basin|wash"}),
    "facilities-doors": (30, {"sign": r"\bsign|plate", "door": r"\bdoor|\block\b|hinge|tür"}),
    "facilities-lifts": (25, {"lift": "lift"}),
    "facilities-furniture": (60, {"chair": "(chair|seat)[^.]*(brok|wobbl|loose)|(brok|wobbl)[^.]*(chair|seat)"}),
    "facilities-grounds": (50, {"path": r"lamp|paving|hole\b|branch|tree\b"}),
    "it-wifi": (8, {"antenna": "wi-?fi|wlan|eduroam"}),
    "it-accounts": (4, {"screen": "error|fehler|says"}),
    "it-av": (25, {"projector": "projector|beamer|picture|signal|bild"}),
    "it-printing": (25, {"printer": r"jam|stau|\bpaper"}),
    "it-software": (14, {"screen": "crash|error|licen[cs]e|lizenz|fehler"}),
    "it-equipment": (20, {"screen": "blue|black|flicker|does not turn on|does not start|slow"}),
    "services-cleaning": (25, {"floor": r"dirty|\bfloor in|spill|sticky|rubbish|mould|not cleaned"}),
    "services-waste": (50, {"bin": r"\bfull\b|overflow|\bbins?\b|rubbish"}),
    "services-catering": (30, {"machine": "machine|vending"}),
    "services-access-cards": (16, {"reader": "reader|does not open|stays red"}),
}  # fmt: skip
DEVICES = frozenset({"radiator", "socket", "lift", "antenna", "projector", "printer", "screen", "machine", "reader"})
"""Of these a colleague takes a picture of what stands on the back."""
_PATTERNS = {
    category: [(scene, re.compile(words)) for scene, words in scenes.items()]
    for category, (_, scenes) in SUBJECTS.items()
}


def taken(told: Iterable[Ticket], seed: int, variations: int = VARIATIONS) -> Iterator[Ticket]:
    """The same tickets, some with photos: of each scene at most so many variations, for each takes a moment to draw."""
    return (_with_photos(ticket, seed, variations) for ticket in told)


def of(ticket: Ticket) -> Iterator[Photo]:
    """Its own, and those of its comments."""
    yield from ticket.photos
    for deed in ticket.deeds:
        yield from deed.photos


def _with_photos(ticket: Ticket, seed: int, variations: int) -> Ticket:
    if ticket.title.startswith(SHOWN):
        return replace(ticket, photos=[Photo("ceiling", number) for number in range(variations)])
    category = next((deed.fields["category"] for deed in ticket.deeds if "category" in deed.fields), ticket.category)
    share, _ = SUBJECTS.get(category, (0, {}))
    lot = crc32(f"{seed} {ticket.reporter} {ticket.description}".encode())
    if lot % 200 >= share:
        return ticket
    words = f"{ticket.title} {ticket.description}".lower()
    scene = next((scene for scene, pattern in _PATTERNS[category] if pattern.search(words)), None)
    if scene is None:
        return ticket
    rng = random.Random(lot)
    return _photographed(ticket, Photo(scene, rng.randrange(variations)), rng)


def _photographed(ticket: Ticket, photo: Photo, rng: random.Random) -> Ticket:
    """With the reporter's photo, now and then one of a colleague's note, and one of how it looks now."""
    chance, noted, shown = rng.random(), rng.random(), rng.random()
    deeds = list(ticket.deeds)
    if noted < 0.7:
        _add(deeds, photo._replace(scene="plate") if photo.scene in DEVICES else photo, audiences=("internal",))
    if shown < 0.4:
        _add(deeds, photo._replace(mended=True), audiences=("reporter", "affected"), status="resolved")
    if ticket.channel == "staff" or chance > 0.92:  # whoever called has sent none
        return replace(ticket, deeds=deeds)
    if chance < 0.72 or not deeds:
        return replace(ticket, photos=(photo,), deeds=deeds)
    # forgotten, and sent before anybody looked at it
    at = ticket.at + min(timedelta(minutes=9), (deeds[0].at - ticket.at) / 2)
    later = Deed(at.replace(microsecond=0), "photo", ticket.reporter, photos=(photo,))
    return replace(ticket, deeds=[later, *deeds])


def _add(deeds: list[Deed], photo: Photo, *, audiences: tuple[str, ...], status: str | None = None) -> None:
    """Let the first comment that is such a one have the photo."""
    for position, deed in enumerate(deeds):
        if deed.kind == "say" and deed.audience in audiences and status in (None, deed.fields.get("status")):
            deeds[position] = replace(deed, photos=(photo,))
            return
