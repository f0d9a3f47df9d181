"""Which open tickets somebody may be about to report again: the same thing, in the same place, in other words.

Titles are compared by what they are about. A *thing* (a projector, the heating) counts most, what is wrong with it
less, any other word least. People here write English and German: words of both lead to one concept. The place decides
as much: the same words about another building are another problem, unless the thing serves the whole campus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from sqlalchemy import bindparam, false, select

from helpdesk import policy
from helpdesk.policy import Actor
from helpdesk.schemas import KnownShape
from helpdesk.search import words
from models import Building, Category, Rows, Status, Ticket, fetch

SHOWN = 5
LOOKED_AT = 2000
"""The newest open tickets: what is older and open is seldom reported anew, and typing must not wait."""
THRESHOLD = 0.5
OPEN = [Status.OPEN, Status.IN_PROGRESS, Status.WAITING]

# concept: beginnings of words. `=` in front is the whole word. Joined words (`Wi-Fi`, `hot water`) are tried first.
THINGS: dict[str, str] = {
    "network": "wifi wlan eduroam hotspot accesspoint internet ethernet =lan netzwerk network netzdose",
    "projector": "projector beamer projektor leinwand screen",
    "sound": "microphone mikro speaker lautsprecher loudspeaker =audio =mic",
    "camera": "camera kamera webcam",
    "printer": "printer drucker printing print multifunction =mfp plotter",
    "scanner": "scanner scan",
    "computer": "computer =pc =pcs laptop desktop rechner monitor keyboard tastatur mouse maus",
    "software": "software matlab spss =office excel word teams zoom license licence lizenz",
    "vpn": "vpn anyconnect",
    "mail": "email mailbox postfach outlook e-mail",
    "portal": "moodle canvas portal ilias campusonline website webseite homepage",
    "login": "login logon password passwort kennwort account konto anmeld signin =mfa =sso",
    "heating": "heat heizung heizk radiator heizt thermostat heater",
    "aircon": "aircon klima airconditioning ventilat luftung lueftung cooling =ac",
    "hotwater": "hotwater warmwasser shower dusche",
    "leak": "leak water wasser drip tropf puddle pfutze rohrbruch flood nass =wet pipe rohr ceilingstain",
    "toilet": "toilet =wc klo restroom urinal",
    "sink": "sink waschbecken tap wasserhahn faucet drain abfluss",
    "lift": "lift elevator aufzug fahrstuhl",
    "door": "door tur =tuer lock schloss latch",
    "window": "window fenster blind jalousie rollo shutter",
    "light": "light lamp lampe licht beleucht bulb leuchte neon",
    "power": "power socket steckdose strom electric outlet fuse sicherung",
    "clock": "clock uhr",
    "chair": "chair stuhl stuhle seat table tisch desk",
    "bin": "bin =bins mull abfall rubbish trash garbage waste recycling",
    "cleaning": "clean putz dirt dreck schmutz reinig soap seife towel handtuch",
    "vending": "vending automat snack coffee kaffee drinks",
    "card": "card karte ausweis badge cardreader kartenleser reader",
    "bike": "bike bicycle fahrrad",
    "barrier": "barrier schranke parking parkplatz",
    "alarm": "alarm siren brandmelder smokedetector",
    "smell": "smell geruch stink riecht stench odour odor",
    "noise": "noise noisy larm laut loud humming hums brumm",
    "pests": "mouse droppings mice wasp wespe ants ameisen cockroach kakerlak ratte",
    "snow": "snow =ice icy glatt schnee",
    "locker": "locker schliessfach spind",
}
WRONG: dict[str, str] = {
    "dead": "broken defekt kaputt dead down ausgefallen ausfall fails failed failure out works work working"
    " funktion geht gehen dark schwarz nosignal signal off offline unavailable erreichbar",
    "cold": "cold kalt freez friert",
    "hot": "hot heiss warm boiling sauna",
    "slow": "slow langsam lag",
    "drops": "drop disconnect abbruch bricht unterbr cuts unstable instabil",
    "stuck": "stuck jam stau klemm hangs hangt festgefahren steckt",
    "blocked": "block verstopf clog",
    "flicker": "flicker flacker blink",
    "full": "full voll overflow overfull quillt",
    "empty": "empty leer missing fehlt paper papier toner",
}
CAMPUS_WIDE = frozenset({"vpn", "mail", "portal", "software", "login"})
"""What fails for everybody at once, wherever they sit."""
ACROSS_A_BUILDING = frozenset({"network", "heating", "power", "hotwater", "lift", "alarm", "aircon", "leak"})
"""What another room of the building has too."""
_EMPTY_WORDS = """
    a again all also always am an and any are at auf aus be been bei bitte building but by can cannot cant
    completely could da das day days dem den der des die do doch does doesn dont during ein eine einem einen einer
    else es every far few floor for from fur gebaude geht get gets half hall has haus have heute hier i ich ihr im
    immer in is ist it its just keep kein keine left man me mehr mein minute minutes mit morning much my nach near
    next nicht no noch not nun nur oder of off office on one only or other our out over please raum right room schon
    sehr seit seminarraum several sich side sie since sind so some still stock t than that the their there these
    they this to today too turn turned two und under uns unser up very vom von vor war was we week wenn were when
    which wie wieder will wir with won wont would yesterday you your zu zum zur
"""
EMPTY_WORDS = frozenset(_EMPTY_WORDS.split())
WEIGHTS = {"thing": 1.0, "wrong": 0.35, "word": 0.15}


def _beginnings(table: Mapping[str, str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    whole, begin = {}, []
    for concept, forms in table.items():
        for form in forms.split():
            for word in words(form):
                if form.startswith("="):
                    whole[word] = concept
                else:
                    begin.append((word, concept))
    return whole, sorted(begin, key=lambda one: -len(one[0]))


_JOINED = {form: concept for concept, forms in THINGS.items() for form in forms.split()}
_THINGS, _WRONG = _beginnings(THINGS), _beginnings(WRONG)


@lru_cache(maxsize=4096)
def _concept(word: str) -> tuple[str, str] | None:
    """(kind, concept) of a word; German puts the thing last: `Seminarraumheizung`."""
    for kind, (whole, begin) in (("thing", _THINGS), ("wrong", _WRONG)):
        if word in whole:
            return kind, whole[word]
        for start, concept in begin:
            if word.startswith(start) and len(start) >= 3:
                return kind, concept
    for start, concept in _THINGS[1]:
        if len(start) >= 5 and start in word:
            return "thing", concept
    return None


@dataclass(frozen=True)
class About:
    """What a title is about: concepts by kind, and the rooms it names."""

    concepts: frozenset[tuple[str, str]]
    rooms: frozenset[str]

    @property
    def things(self) -> set[str]:
        return {name for kind, name in self.concepts if kind == "thing"}

    @property
    def weight(self) -> float:
        return sum(WEIGHTS[kind] for kind, _ in self.concepts)


@lru_cache(maxsize=4096)
def about(title: str, room: str | None = None) -> About:
    found: set[tuple[str, str]] = set()
    spoken = words(title)
    skip = False
    for word, following in zip_longest(spoken, spoken[1:], fillvalue=""):
        if skip:
            skip = False
            continue
        joined = _JOINED.get(word + following) if following else None
        if joined is not None:
            found.add(("thing", joined))
            skip = True
        elif (known := _concept(word)) is not None:
            found.add(known)
        elif word not in EMPTY_WORDS and not any(c.isdigit() for c in word) and len(word) > 2:
            found.add(("word", re.sub(r"(?:s|es|en|er|ing|ed)$", "", word) if len(word) > 5 else word))
    return About(frozenset(found), _rooms(title) | _rooms(room or ""))


_ROOM = re.compile(r"\b(?:[A-Z]{1,3}[ .-]?)?(?:\d{1,2}\.\d{1,3}|\d{3,4})[a-z]?\b|\b[A-Z]{1,3}[ .-]?\d{2}\b")


def _rooms(text: str) -> frozenset[str]:
    """`B.17`, `room 2.08`, `S 214`: numbers that name a place, not days, counts or times."""
    found = _ROOM.findall(text)
    return frozenset("".join(words(one)) for one in found)


def score(wanted: About, there: About) -> float:
    """0 to 1: how much of what either says, both say."""
    both = wanted.concepts & there.concepts
    shared = sum(WEIGHTS[kind] for kind, _ in both)
    if not shared:
        return 0.0
    if wanted.things and there.things and not wanted.things & there.things:
        return 0.0
    # what is wrong with it may be said by one of them only; two who say different things mean different problems
    wrong = [{name for kind, name in one.concepts if kind == "wrong" and name != "dead"} for one in (wanted, there)]
    against = 0.3 if all(wrong) and not wrong[0] & wrong[1] else 0.0
    return shared / min(wanted.weight, there.weight) * 0.7 + shared / max(wanted.weight, there.weight) * 0.3 - against


def place(wanted: About, building_id: int | None, there: About, their_building_id: int | None) -> float:
    """What the place leaves of a score: 0 where it is another problem for being elsewhere."""
    shared = wanted.things & there.things
    if shared & CAMPUS_WIDE:
        return 1.0
    if building_id is not None and their_building_id is not None and building_id != their_building_id:
        return 0.0
    if wanted.rooms and there.rooms and not wanted.rooms & there.rooms:
        return 0.9 if shared & ACROSS_A_BUILDING else 0.3
    if building_id is None or their_building_id is None:
        return 0.75
    return 1.0


@lru_cache
def _candidates() -> Rows:
    return (
        policy.joinable_tickets()
        .where(Ticket.status.in_(bindparam("open", expanding=True)))
        .order_by(Ticket.created_at.desc(), Ticket.id.desc())
        .limit(LOOKED_AT)
    )


def similar(actor: Actor, title: str, *, building: str | None, category: str | None) -> list[dict[str, Any]]:
    """Up to SHOWN open tickets that may be joined and are likely the same problem, the likeliest first."""
    policy.require(actor, policy.Action.TICKET_JOIN)
    places = fetch(select(Building.id, Building.slug, Building.name)).all()
    building_id = next((row.id for row in places if row.slug == building), None) or _named_in(title, places)
    parents = {
        row.slug: row.parent_id or row.id for row in fetch(select(Category.id, Category.slug, Category.parent_id))
    }
    wanted = about(title)
    found = []
    for row in fetch(_candidates(), {"open": OPEN}):
        there = about(row.public_title, row.room)
        # its own building counts, not one that its title names beside
        likely = score(wanted, there) * place(wanted, building_id, there, row.building_id)
        if category in parents and parents[category] != (row.parent_id or row.category_id):
            likely *= 0.7
        if likely >= THRESHOLD:
            found.append((likely, row.affected_count, row.id, row))
    return _show(actor, [row for *_, row in sorted(found, key=lambda one: one[:3], reverse=True)[:SHOWN]])


def _named_in(title: str, places: Iterable[Any]) -> int | None:
    """The building whose name stands in a title: all of it, or the word that no other building has."""
    spoken = set(words(title))
    names: dict[int, set[str]] = {row.id: set(words(row.name)) for row in places}
    for building_id, name in names.items():
        others: set[str] = set().union(*(other for one, other in names.items() if one != building_id))
        if (name and name <= spoken) or any(len(word) > 3 for word in (name - others) & spoken):
            return building_id
    return None


@lru_cache
def _most_affected() -> Rows:
    return (
        policy.joinable_tickets()
        .where(Ticket.status.in_(bindparam("open", expanding=True)), Ticket.affected_count > 1)
        .order_by(Ticket.affected_count.desc(), Ticket.id.desc())
        .limit(SHOWN)
    )


@lru_cache
def _named() -> Rows:
    return (
        policy.joinable_tickets()
        .where(Ticket.id.in_(bindparam("ids", expanding=True)), Ticket.status != Status.CLOSED)
        .order_by(Ticket.affected_count.desc(), Ticket.id.desc())
    )


def known(actor: Actor, ids: list[int] | None = None) -> list[dict[str, Any]]:
    """The open problems that affect most people now; or those of these ids that can be joined."""
    policy.require(actor, policy.Action.TICKET_JOIN)
    return _show(actor, fetch(_named(), {"ids": ids}) if ids else fetch(_most_affected(), {"open": OPEN}))


def _show(actor: Actor, rows: Iterable[Any]) -> list[dict[str, Any]]:
    rows = list(rows)
    mine = policy.affecting(actor, [row.id for row in rows])
    return [{**_write(row), "affects_me": row.id in mine} for row in rows]


_write = KnownShape(exclude=("affects_me",)).dump_row


# --- beside a ticket --------------------------------------------------------------------------------------------------

COMPARED, BESIDE = 100, 4
"""The newest of its category, and of its building, that a ticket is compared with; and how many are shown beside it."""


@lru_cache(maxsize=1)
def near() -> tuple[Rows, Rows]:
    """For the staff, done ones too. Take `ticket_id`, `category_id`, `building_id`."""
    visible = policy.visible_tickets(True).with_only_columns(
        Ticket.id, Ticket.title, Ticket.status, Ticket.room, Ticket.building_id
    )
    others = visible.where(Ticket.id != bindparam("ticket_id"), Ticket.held == false(), Ticket.merged_into_id.is_(None))
    newest = others.order_by(Ticket.created_at.desc(), Ticket.id.desc()).limit(COMPARED)
    return (
        newest.where(Ticket.category_id == bindparam("category_id", type_=Ticket.category_id.type)),
        newest.where(Ticket.building_id == bindparam("building_id", type_=Ticket.building_id.type)),
    )


def likest(ticket: Mapping[str, Any], rows: Iterable[Any]) -> list[Any]:
    """Of rows of `id, name, status, text (the room), place (the building)` those that are likely the same problem."""
    wanted, building = about(ticket["title"], ticket["room"]), ticket["building"]
    found = {}
    for row in rows:
        there = about(row.name, row.text)
        likely = score(wanted, there) * place(wanted, building["id"] if building else None, there, row.place)
        if likely >= THRESHOLD:
            found[row.id] = (row.status in OPEN, likely, row.id, row)
    return [row for *_, row in sorted(found.values(), key=lambda one: one[:3], reverse=True)[:BESIDE]]
