"""People, buildings and tags of the demo campus: tables and nothing else. The problems are in the `.txt` files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

DOMAIN = "campus.test"
"""Reserved for ever (RFC 6761): no mail to anybody here can reach somebody."""
PASSWORD = "campus-demo"  # noqa: S105 (published)
ACCOUNTS = {"Ruth Adeyemi": "admin", "Priya Nair": "agent", "Jonas Weber": "customer"}
"""The usernames that scripts and pages rely on; everybody else's is made of their name."""

TAGS = (
    "accessibility", "contractor", "event", "exam", "hvac", "network", "new starter", "recurring", "residence",
    "safety", "teaching room", "warranty",
)  # fmt: skip

# * speaks German
STAFF = """
admin           Ruth Adeyemi
it              Priya Nair, Mei Chow, Yusuf Demir, Nora Lindqvist*
facilities      Tom Okafor, Sam Whitlock, Grace Mbeki*, Derek Hallam
services        Elena Brandt*, Luís Carvalho, Hana Satō
"""
"""By team. The first of each gives out the work."""

STUDENTS = """
Jonas Weber*, Aisha Khan, Lucy Tran, Mateusz Wójcik, Oluwaseun Adebayo, Sofía Hernández Ortiz, Yuki Tanaka,
Léa Fournier, Ahmed El-Sayed, Chidinma Okonkwo, Lukas Bergmann*, Inês Carvalho da Silva, Rohan Mehta,
Nguyễn Thị Minh Anh, Siobhán Ní Bhriain, Emre Yıldız, Katarzyna Zielińska, Ben Hartley, Fatima Zahra Benali,
Park Hyun-woo, Anneke de Vries, Giulia Ferraro, Tomáš Dvořák, Zanele Khumalo, Marcus Lindgren, Priyanka Raghunathan,
Liam O'Connor, Wei Zhang (张伟), Elif Şahin, Noah Steiner*, Chloe Davies, Abdulrahman Al-Qahtani,
Maria-Magdalena Constantinescu-Brâncoveanu, Þórunn Guðmundsdóttir, Kofi Mensah, Valentina Rojas, Hannah Vogel*,
Samuel Mutua, Ivana Petrović, Dmytro Kovalenko, Leila Hosseini, Arjun Subramaniam, Emily Clarke, Seán Gallagher,
Nadia Rahman, Pedro Álvares, Freya Nygård, Tariq Mahmood, Mia Schuster*, Jakub Novák, Thandiwe Ndlovu, Oskar Åkesson,
Grace Liu, Mohammed Uddin, Anastasia Papadopoulou, Ravi Venkataraman, Beatriz Lima, Callum Fraser, Amara Diallo,
Julia Kowalczyk, Hassan Warsame, Kim Eun-ji, Charlotte Dubois, Viktor Horváth, Sanjana Iyer, Jack Thornton,
Rania Haddad, Felix Brandl*, Olga Ivanova, Diego Morales, Phạm Quang Tuấn, Naledi Dlamini,
Jean-Baptiste de La Rochefoucauld, Wang Xiaoming (王晓明), Tess Bakker
"""
TEACHERS = """
Helen Marsh, Ingrid Solheim, Karl-Heinz Obermüller*, Margaret Ashworth, Adebola Ogunleye, Pierre Lefèvre,
Sunita Deshpande, Alasdair MacIntyre, Ljiljana Marković, Francesca Bianchi, David Rosenthal, Mehmet Özdemir,
Catherine Beaumont, Hiroshi Nakamura, Andrea Keßler*, Patrick Nolan, Rukmini Balasubramanian, Stefan Albrecht*,
Teresa Quintana, Nkechi Eze, Magnús Þorvaldsson, Rebecca Stein, Omar Farouk, Judith Vandenberghe, Paul Whitaker,
Mariam Sargsyan, Giórgos Antoniou, Linnéa Bäckström, Xu Lihua, Thomas Prescott
"""
OFFICE = """
Joanna Peel, Sabine Hoffmann*, Colin Baxter, Dorothy Achebe, Marek Sikora, Wendy Pritchard, Isabel Moreno,
Kenneth Osei, Janet Fowler, Bilal Hussain, Monika Schreiber*, Alan Trotter, Rosa Delgado, Philippa Gray,
Vikram Nanda, Ellen Jørgensen, Susan Holloway, Martin Eccles
"""
FAMILY_NAME_FIRST = {
    "Nguyễn Thị Minh Anh": "Minh Anh", "Phạm Quang Tuấn": "Tuấn", "Park Hyun-woo": "Hyun-woo", "Kim Eun-ji": "Eun-ji",
    "Xu Lihua": "Lihua", "Wang Xiaoming (王晓明)": "Xiaoming",
}  # fmt: skip
"""And how they are addressed."""
DEACTIVATED = ("Daniel Ruiz", "Gareth Pugh")
"""Left the campus before anything here happened, so that the users page has such people too."""

# building: kind of place: the places, separated by |
BUILDINGS = {
    "Main Library": {
        "study": "1.21 | 2.08 | 2.14 | 3.02 | 3.17",
        "office": "0.12 | 0.15 | 4.03",
        "pc": "1.05",
        "hall": "foyer | reading room on floor 3 | group study area on floor 1 | ground floor",
        "washroom": "women's washroom on floor 2 | men's washroom on floor 1",
        "lift": "main stairs",
        "print": "copy shop | entrance hall",
        "entrance": "main entrance | south entrance",
    },
    "Maple Hall": {
        "teaching": "031 | 118 | 120 | 214 | 216 | 301",
        "office": "207 | 308 | 312 | 315",
        "hall": "foyer | corridor on floor 2",
        "stairs": "east stairs | west stairs",
        "washroom": "washroom next to 118 | men's washroom on floor 3",
        "kitchen": "tea kitchen on floor 3",
        "entrance": "east entrance",
        "lift": "foyer",
        "print": "corridor on floor 3",
    },
    "Turing Building": {
        "teaching": "0.06 | 1.12 | 1.14",
        "office": "2.03 | 2.17 | 2.21 | 3.09 | 3.11",
        "pc": "0.14 | 0.16",
        "lab": "3.30",
        "server": "B.04",
        "hall": "atrium | corridor on floor 2",
        "kitchen": "kitchen on floor 2",
        "washroom": "women's washroom on floor 3 | men's washroom on floor 2",
        "lift": "west side",
        "print": "copy room on floor 2 | copy room on floor 3",
        "entrance": "main entrance",
    },
    "Noether Building": {
        "teaching": "A101 | A102 | A205",
        "office": "B210 | B214 | B301 | B317",
        "pc": "A003",
        "stairs": "north stairs",
        "hall": "foyer",
        "washroom": "washroom in the basement",
        "kitchen": "kitchen on floor 3",
        "lift": "foyer",
        "print": "corridor on floor 2",
    },
    "Chemistry Building": {
        "lab": "L1 | L2 | L4 | L5",
        "teaching": "1.20 | 1.22",
        "office": "2.05 | 2.09",
        "hall": "corridor in front of the labs",
        "entrance": "side entrance",
        "stairs": "east stairs",
        "washroom": "washroom on floor 1",
    },
    "Life Sciences Centre": {
        "lab": "S12 | S14 | S21",
        "teaching": "H2 | H3",
        "office": "3.40 | 3.42",
        "hall": "foyer",
        "lift": "goods yard",
        "kitchen": "kitchen on floor 3",
        "print": "secretary's office on floor 3",
    },
    "Franklin Hall": {
        "teaching": "R2 | R5 | R11 | R14",
        "office": "104 | 109 | 221 | 224",
        "hall": "gallery | ground floor",
        "washroom": "washroom opposite R5",
        "stairs": "main staircase",
        "print": "department office",
    },
    "Medical School": {
        "teaching": "M1 | M2",
        "lab": "simulation lab 1 | simulation lab 2",
        "office": "5.01 | 5.12",
        "hall": "waiting area",
        "entrance": "ambulance entrance",
        "lift": "north wing",
        "cafe": "café on the ground floor",
    },
    "Business School": {
        "teaching": "G.01 | G.02 | 1.30",
        "study": "2.50 | 2.51",
        "office": "3.14 | 3.18",
        "hall": "lounge",
        "cafe": "espresso bar",
        "washroom": "washroom in the lounge",
        "print": "lounge",
    },
    "Harlow Theatre": {
        "theatre": "main auditorium | small stage",
        "hall": "foyer | gallery",
        "washroom": "washroom next to the cloakroom",
        "entrance": "stage door",
        "office": "box office",
    },
    "Student Union": {
        "cafe": "canteen | coffee bar | snack bar",
        "hall": "ground floor | terrace",
        "office": "1.02 | 1.04",
        "kitchen": "club kitchen",
        "washroom": "washroom next to the canteen",
        "print": "copy shop",
        "entrance": "main entrance",
    },
    "Sports Centre": {
        "gym": "hall 1 | hall 2 | gym",
        "hall": "foyer",
        "washroom": "changing room 3",
        "cafe": "foyer",
        "entrance": "main entrance",
    },
    "Administration House": {
        "office": "11 | 14 | 27 | 30 | 42",
        "hall": "counter area",
        "print": "copy room",
        "kitchen": "tea kitchen",
        "entrance": "front door",
    },
    "Alder Residence": {
        "bedroom": "1.04 | 1.11 | 2.07 | 3.02 | 3.12 | 4.09",
        "flat": "kitchen on floor 1 | kitchen on floor 2 | kitchen on floor 4",
        "bathroom": "shared bathroom on floor 2 | shared bathroom on floor 4",
        "hall": "laundry room",
        "stairs": "stairs on floor 3",
    },
    "Birch Residence": {
        "bedroom": "102 | 118 | 215 | 221 | 307",
        "flat": "kitchen on floor 1 | kitchen on floor 3",
        "bathroom": "shared bathroom on floor 1 | shared bathroom on floor 3",
        "hall": "common room",
        "lift": "letter boxes",
    },
    "Campus Grounds": {
        "outdoors": (
            "east gate | bus stop | ramp to the lake | bike stands behind Maple Hall | path to Birch Residence"
            " | lawn behind the Student Union"
        ),
        "parking": "car park P2 | car park P4",
    },
}  # fmt: skip
NUMBERED = ("bedroom", "lab", "office", "pc", "server", "study", "teaching")
"""Kinds of place with numbers: “room 214”. Others are called “the foyer”."""


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    username: str
    kind: str
    """admin, agent, student, teacher, office, or gone."""
    team: str | None = None
    speaks_german: bool = False
    called: str = ""

    @property
    def first(self) -> str:
        """How others address them."""
        return self.called or FAMILY_NAME_FIRST.get(self.name) or self.name.split()[0]

    @property
    def is_customer(self) -> bool:
        return self.kind in ("student", "teacher", "office")

    @property
    def email(self) -> str:
        return f"{self.username}@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Place:
    building: str
    room: str
    """As it stands on the ticket."""
    spoken: str
    """As it stands in a sentence: `room 214`, `the foyer`."""
    raw: str


@dataclass(frozen=True)
class Cast:
    """Who is there, by username, and the places of each kind."""

    people: dict[str, Person]
    places: dict[str, list[Place]]


def slug(name: str) -> str:
    """Lower-case ASCII with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", _ascii(name)).strip("-")


_NO_ACCENT = str.maketrans({"ł": "l", "ø": "o", "ı": "i", "þ": "th", "ð": "d", "ß": "ss", "đ": "d"})


def _ascii(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.lower().translate(_NO_ACCENT))
    return folded.encode("ascii", "ignore").decode()


def _username(name: str) -> str:
    """First and last name with a dot: Wei Zhang (张伟) is wei.zhang."""
    words = re.sub(r"[^a-z -]", "", _ascii(name.partition(" (")[0])).split()
    given, family = (words[-1], words[0]) if name in FAMILY_NAME_FIRST else (words[0], words[-1])
    return ACCOUNTS.get(name) or username(given, family)


def username(given: str, family: str) -> str:
    return re.sub(r"[^a-z.-]", "", f"{_ascii(given)}.{_ascii(family)}")[:32]


def _names(text: str) -> Iterator[str]:
    return (name.strip() for name in text.replace("\n", " ").split(",") if name.strip())


def _people() -> Iterator[Person]:
    for line in STAFF.strip().splitlines():
        team, _, names = line.partition(" ")
        for name in _names(names):
            plain = name.rstrip("*")
            if team == "admin":
                yield Person(plain, _username(plain), "admin")
            else:
                yield Person(plain, _username(plain), "agent", team=team, speaks_german=plain != name)
    for kind, text in (("student", STUDENTS), ("teacher", TEACHERS), ("office", OFFICE)):
        for name in _names(text):
            plain = name.rstrip("*")
            yield Person(plain, _username(plain), kind, speaks_german=plain != name)
    for name in DEACTIVATED:
        yield Person(name, _username(name), "gone")


def _places() -> Iterator[tuple[str, Place]]:
    for building, kinds in BUILDINGS.items():
        for kind, rooms in kinds.items():
            for raw in (room.strip() for room in rooms.split("|")):
                yield kind, place(building, kind, raw)


def place(building: str, kind: str, raw: str) -> Place:
    if kind in NUMBERED and not raw[:2].islower():
        spoken = f"lab {raw}" if kind == "lab" else f"room {raw}"
    elif re.fullmatch(r"\w+( \w+)? [A-Z]?\d+", raw):  # hall 1, car park P2
        spoken = raw
    else:
        spoken = f"the {raw}"
    return Place(building, raw[0].upper() + raw[1:], spoken, raw)


PEOPLE: dict[str, Person] = {person.username: person for person in _people()}
"""By username, staff first."""
PLACES: dict[str, list[Place]] = {}
for _kind, _place in _places():
    PLACES.setdefault(_kind, []).append(_place)
HERE = Cast(PEOPLE, PLACES)
