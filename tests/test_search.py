"""Search: all words, of what the searcher may read and nothing else; the same on both databases; any text is a search."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

import insert_dummy_data
import setup_db
from app import create_app
from helpdesk import search
from helpdesk.search.query import MOST_OF_A_KEY
from helpdesk.search.words import LONGEST_TEXT
from models import Audience, Comment, Ticket, User, begin_write, db, now
from tests.conftest import statements
from tests.factories import Person, work
from tests.world import World


def finds(person: Person, q: str, **query: Any) -> list[int]:
    response = person.get("/api/tickets", query_string={"q": q, **query})
    assert response.status_code == 200, response.get_data(as_text=True)
    return [item["id"] for item in response.json["items"]]


def counts(person: Person, q: str) -> int:
    counted: int = person.get("/api/tickets/counts", query_string={"q": q}).json["total"]["count"]
    return counted


# --- words ------------------------------------------------------------------------------------------------------------


def test_all_words_must_be_there_and_each_finds_by_how_it_begins(agent: Person, customer: Person) -> None:
    number = customer.reports(
        title="Printer in the Größe-Saal jams", description="Every page, since Monday. Papierstau!"
    )
    customer.reports(title="Projector flickers")
    for person in (agent, customer):
        assert finds(person, "printe") == [number]
        assert finds(person, "PRINTER monday") == [number]
        assert finds(person, "grosse saal") == [number]
        assert finds(person, "papierstau grö") == [number]
        assert finds(person, "printer flickers") == []
        assert finds(person, "rinter") == []
        assert counts(person, "printer") == 1


def test_case_accents_and_scripts_fold() -> None:
    assert search.words("Émile's Straße, ŁÓDŹ; naïve-café 3rd floor") == [
        "emile", "s", "strasse", "_142_odz".replace("_142_", "_142_"), "naive", "cafe", "3rd", "floor",
    ]  # fmt: skip
    assert search.words("WLAN") == search.words("ｗｌａｎ") == ["wlan"]
    assert len(search.words("打印机")) == 3
    assert search.words("") == search.words("—…🙂") == []
    assert search.words("a_b") == ["a", "b"]


def test_a_letter_is_the_same_however_its_accents_are_written() -> None:
    for written in ("Zoë Brontë", "Łódź", "Việt Nam", "한국어 프린터", "ﷺ", "ǅ ﬁ ΐ ᾳ İ"):
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            assert search.words(unicodedata.normalize(form, written)) == search.words(written), (written, form)  # type: ignore[arg-type]
    assert search.words("a\u0301\u0327b") == search.words("a\u0327\u0301b") == ["ab"]


def test_no_text_folds_to_more_than_its_share() -> None:
    """One character is written as up to four words, and a text has twenty thousand characters."""
    for character in ("\ufdfa", "打", "\U0002f800", "ﬃ ", "a "):
        assert len(" ".join(search.words(character * 20_000))) <= LONGEST_TEXT


def test_scripts_without_spaces_are_found_from_the_middle(agent: Person, customer: Person) -> None:
    number = customer.reports(title="图书馆的打印机坏了")
    assert finds(agent, "打印机") == finds(customer, "打印机") == [number]
    assert finds(agent, "投影仪") == finds(customer, "投影仪") == []


def test_exact_words_stand_side_by_side_and_whole(agent: Person, customer: Person) -> None:
    number = customer.reports(title="Water under the sink", description="The sink leaks. Water everywhere.")
    for person in (agent, customer):
        assert finds(person, '"the sink leaks"') == [number]
        assert finds(person, '"sink the"') == []
        assert finds(person, '"the sin"') == []
        assert finds(person, '"wat"') == []
        assert finds(person, '"sink the sink"') == [], "a phrase does not reach from one text into the next"
        assert finds(person, '"under the sink" everyw') == [number]


def test_what_is_written_is_found_at_once_and_what_is_gone_is_not(
    agent: Person, customer: Person, admin: Person
) -> None:
    number = customer.reports(title="Lamp", description="It hums.")
    comment = customer.writes(number, "And it smells of ozone.")
    assert finds(agent, "ozone") == finds(customer, "ozone") == [number]
    assert customer.patch(f"/api/comments/{comment}", {"text": "And it smells of tar."}).status_code == 200
    assert finds(agent, "ozone") == finds(customer, "ozone") == []
    assert finds(agent, "tar hums") == finds(customer, "tar hums") == [number]
    assert customer.delete(f"/api/comments/{comment}").status_code == 204
    assert finds(agent, "tar") == finds(customer, "tar") == []
    agent.sets(number, title="Luminaire", room="B.17")
    assert finds(agent, "lamp") == []
    assert finds(agent, "luminaire b 17") == finds(customer, "luminaire 17") == [number]
    assert admin.delete(f"/api/tickets/{number}").status_code == 204
    assert finds(agent, "luminaire") == []
    assert db.session.scalar(text("SELECT count(*) FROM search_documents")) == 0


def test_a_ticket_that_is_full_of_words_bears_every_deed(agent: Person, customer: Person) -> None:
    """However much was said, what it is about and what was said last is found; and no more is kept than MOST."""
    number = customer.reports(title="Lamp", description="It hums.")
    begin_write()
    dice = random.Random(1)
    said = {"ticket_id": number, "author_id": customer.id, "audience": Audience.DESK}
    flood = [" ".join("".join(dice.choices("абвгдежзиклмн", k=8)) for _ in range(2200)) for _ in range(30)]
    db.session.execute(insert(Comment), [{**said, "text": text} for text in ("ozone", *flood)])
    db.session.commit()
    customer.writes(number, "It smells of tar.")
    agent.writes(number, "An electrician comes.", audience="reporter")
    agent.sets(number, public_title="Luminaire")
    for person in (agent, customer):
        for q in ("lamp hums tar electrician luminaire", flood[-1][:8], '"smells of tar"'):
            assert finds(person, q) == [number], q
        assert finds(person, "ozone") == finds(person, flood[0][:8]) == [], "the oldest are what is left out"
    kept = db.session.scalars(text("SELECT text FROM search_documents")).all()
    assert search.MOST * 0.9 < sum(map(len, kept)) < search.MOST + 1000


def test_many_texts_without_a_word_are_not_read_at_every_deed(agent: Person, customer: Person) -> None:
    number = customer.reports(title="Lamp")
    begin_write()
    said = {"ticket_id": number, "author_id": customer.id, "audience": Audience.DESK}
    db.session.execute(insert(Comment), [{**said, "text": text} for text in ("ozone", *["🙂" * 20_000] * 15, "tar")])
    db.session.commit()
    agent.writes(number, "An electrician comes.")
    assert finds(agent, "lamp tar electrician") == [number]
    assert finds(agent, "ozone") == []


# --- who reads what ---------------------------------------------------------------------------------------------------


def test_a_search_reads_only_what_the_searcher_may_read(app: Flask) -> None:
    """P-034 to P-038: matching, order and count alike."""
    world = World(app)
    number = world.reporter.reports(title="canarytitle", description="canarydescription")
    world.joined.joins(number)
    world.joined.writes(number, "canaryjoined")
    world.reporter.writes(number, "canaryown")
    world.agent.writes(number, "canarynote", audience="internal")
    world.agent.writes(number, "canaryanswer", audience="reporter")
    world.agent.writes(number, "canarybroadcast", audience="affected")
    secret = world.reporter.reports(title="canarysecret", is_confidential=True)
    everything = {
        "canarytitle", "canarydescription", "canaryjoined", "canaryown", "canarynote", "canaryanswer", "canarybroadcast",
    }  # fmt: skip
    reads = {
        "agent": everything,
        "admin": everything,
        "reporter": everything - {"canarynote", "canaryjoined"},
        "joined": {"canarytitle", "canarybroadcast", "canaryjoined"},
        "other": set(),
    }
    for name, words in reads.items():
        person = world.people[name]
        for word in everything:
            expected = [number] if word in words else []
            assert finds(person, word) == finds(person, f'"{word}"') == finds(person, word, sort="best") == expected
            assert counts(person, word) == len(expected), (name, word)
            assert finds(person, f"canarytitle {word}") == expected, (name, word)
        assert finds(person, "canarysecret") == ([secret] if name in ("agent", "admin", "reporter") else [])


def test_a_public_title_hides_the_title_from_whoever_joined(app: Flask) -> None:
    world = World(app)
    number = world.reporter.reports(title="Klaus broke the projector")
    world.joined.joins(number)
    world.agent.sets(number, public_title="Projector is out of order")
    assert finds(world.reporter, "klaus") == finds(world.agent, "klaus") == [number]
    assert finds(world.joined, "klaus") == []
    assert finds(world.joined, "out of order") == [number]
    assert finds(world.joined, "klaus", sort="best") == []


def test_whoever_joined_finds_nothing_once_it_is_confidential(app: Flask) -> None:
    world = World(app)
    number = world.reporter.reports(title="Smell in the corridor")
    world.joined.joins(number)
    assert finds(world.joined, "smell") == [number]
    world.agent.sets(number, is_confidential=True)
    assert finds(world.joined, "smell") == []
    assert finds(world.reporter, "smell") == [number]


def test_a_name_that_changed_is_found_as_it_is_now(app: Flask) -> None:
    world = World(app)
    hall = world.made("/api/buildings", slug="old-hall", name="Old Hall")
    number = world.reporter.reports(title="Door squeaks", building="old-hall")
    assert world.reporter.patch("/api/users/me", {"name": "Zoë Quill"}).status_code == 200
    assert world.admin.patch(f"/api/buildings/{hall}", {"name": "Curie Hall"}).status_code == 200
    work()
    assert finds(world.agent, "zoe quill curie") == finds(world.reporter, "curie") == [number]
    assert finds(world.agent, "old") == finds(world.reporter, "old") == []


def test_staff_find_by_the_reporters_name_and_customers_do_not(app: Flask) -> None:
    world = World(app)
    db.session.get_one(User, world.reporter.id).name = "Zoë Quill"
    db.session.commit()
    number = world.ticket(title="Door squeaks")
    assert finds(world.agent, "zoe door") == [number]
    assert finds(world.agent, "reporter:quill") == [number]
    assert finds(world.joined, "zoe") == finds(world.reporter, "zoe") == []
    assert finds(world.joined, "reporter:quill") == [], "it is not theirs, whoever's it is"
    assert finds(world.reporter, "reporter:me") == [number]


def test_an_erased_person_is_found_by_nothing(app: Flask) -> None:
    """TRUST 29."""
    world = World(app)
    db.session.get_one(User, world.reporter.id).name = "Zoe Quill"
    db.session.commit()
    number = world.ticket(title="Door squeaks")
    assert finds(world.agent, "quill") == [number]
    assert world.admin.delete(f"/api/users/{world.reporter.id}").status_code == 204
    assert finds(world.agent, "quill") == []
    assert finds(world.agent, world.reporter.email.partition("@")[0]) == []
    assert finds(world.agent, "squeaks") == [number]


# --- keys -------------------------------------------------------------------------------------------------------------


def test_keys_narrow_as_filters_do(app: Flask) -> None:
    world = World(app)
    world.made("/api/buildings", slug="main-library", name="Main Library")
    first = world.reporter.reports(title="Wi-Fi drops", category="it-wifi", building="main-library", room="2.08")
    second = world.reporter.reports(title="Radiator cold", category="facilities-heating")
    world.agent.sets(first, priority="urgent", assignee_id=world.agent.id, status="in_progress")
    assert world.agent.post("/api/tags", {"name": "teaching room"}).status_code == 201
    world.agent.sets(second, tags=["teaching room"], is_confidential=True)
    for q, expected in {
        "status:open": [second],
        "status:in_progress,open wi": [first],
        "status:in-progress": [first],
        "status:OPEN": [second],
        "priority:urgent": [first],
        "category:it-wifi": [first],
        "category:it": [first],
        "category:heating": [second],
        "building:main-library": [first],
        'building:"main lib"': [first],
        f"#{second}": [second],
        f"#{second} wifi": [],
        "assignee:me": [first],
        "assignee:none": [second],
        f"assignee:{world.agent.name.split(maxsplit=1)[0]}": [first],
        "is:unassigned": [second],
        "is:confidential": [second],
        "is:open": [second, first],
        "is:overdue": [],
        'tag:"teaching room"': [second],
        "created:>2020-01-01": [second, first],
        "created:<2020-01-01": [],
        f"created:{now():%Y-%m-%d} created:>=2020-01-01": [second, first],
        "status:open status:in_progress": [],
        "status:nonsense": [],
        "building:atlantis": [],
        "assignee:nobody-of-that-name": [],
        "created:yesterday": [],
        "created:>2026-02-31": [],
        "is:nice": [],
        "cold radiator status:open": [second],
    }.items():
        assert finds(world.agent, q) == expected, q
    assert finds(world.agent, "wi", status="open") == [], "what was chosen and what was typed both hold"
    assert finds(world.agent, "status:open,in_progress", status="open") == [second]


def test_a_customers_keys_look_at_their_own_tickets_alone(app: Flask) -> None:
    world = World(app)
    number = world.ticket(title="Lift stuck")
    world.agent.sets(number, priority="urgent", assignee_id=world.agent.id)
    for q in ("priority:urgent", "assignee:" + world.agent.name.split(maxsplit=1)[0]):
        assert finds(world.reporter, q) == finds(world.agent, q) == [number]
        assert finds(world.joined, q) == []


def test_however_many_keys_are_typed_few_are_looked_up(agent: Person, customer: Person) -> None:
    """A statement for each kind of vocabulary, and a few for people; and the same value is looked up once."""
    kinds = ("tag", "team", "category", "building")
    for person in (agent, customer):
        finds(person, "warm")
        with statements() as plain:
            finds(person, "nothing")
        for typed, most in {
            "".join(f"{kind}:a{number} " for kind in kinds for number in range(9)): 4,
            "".join(f"reporter:a{number} " for number in range(35)): MOST_OF_A_KEY,
            "".join(f"assignee:a{number} " for number in range(35)): MOST_OF_A_KEY,
            "assignee:Ann assignee:ann reporter:ben " * 12: 2,
        }.items():
            with statements() as seen:
                finds(person, typed)
            assert len(seen) <= len(plain) + most, typed


def test_of_many_people_those_whose_name_begins_so_are_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many others have the letters somewhere."""
    monkeypatch.setitem(search.parse.__globals__, "LOOKED_AT", 5)
    world = World(app)
    for number in range(12):
        Person.made(app, "customer", name=f"Julia Meier-Li {number}")
    db.session.get_one(User, world.reporter.id).name = "Chen Li"
    db.session.commit()
    number = world.ticket(title="Lift stuck")
    assert finds(world.agent, "reporter:li") == [number]
    assert finds(world.agent, f"reporter:{world.reporter.email}") == [number]


def test_a_customers_search_looks_nobody_up_who_is_not_theirs(app: Flask) -> None:
    world = World(app)
    number = world.ticket(title="Lift stuck")
    world.agent.sets(number, assignee_id=world.agent.id)

    def known(person: Person, q: str) -> Any:
        return search.parse(q, person.actor).filters

    for of in (world.agent.email, world.agent.name.split()[0]):
        assert known(world.reporter, f"assignee:{of}") == {"assignees": [world.agent.id]}
        assert known(world.other, f"assignee:{of}") == known(world.joined, f"assignee:{of}") == {"assignees": []}
    assert known(world.other, f"reporter:{world.reporter.email}") == {"reporters": []}
    assert known(world.reporter, f"reporter:{world.reporter.email}") == {"reporters": [world.reporter.id]}
    assert known(world.other, "reporter:me") == {"reporters": [world.other.id]}


# --- any text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "q",
    [
        "", " ", '"', '""', '" "', "'", "*", "a*", "-", "NOT", "AND OR NEAR(", "a AND b", "(", ")", "a:b:c", ":", "::",
        "status:", 'status:"', "status:open:", "#", "#0", "#999999999999999", "#9999999999999999999", "%", "_", "\\",
        "/", "a/b", "a_b%", "'; DROP TABLE tickets; --", "\x00", "a\x00b", "\ud7ff", "\U0010ffff", "🙂", "é" * 200,
        "x" * 500, "x " * 250, "{title}:x", "^a", "col:a", "title:a", 'a "b', 'a" b', "created:>9999-12-31",
        "created:9999-12-31", "created:0000-00-00", "created:<0001-01-01", "assignee:" + "9" * 30, "reporter:%",
        "is:", "reporter:a\x00b", "assignee:\x00", 'tag:"\x00"', '"a\x00b"', "İstanbul", "ﬁre", "ß", "a" * 41,
    ],
)  # fmt: skip
def test_any_text_is_a_search(agent: Person, customer: Person, q: str) -> None:
    """P-082."""
    customer.reports()
    for person in (agent, customer):
        for sort in ("-created_at", "best"):
            assert person.get("/api/tickets", query_string={"q": q, "sort": sort}).status_code == 200
        assert person.get("/api/tickets/counts", query_string={"q": q}).status_code == 200
    assert agent.get("/api/tickets", query_string={"q": "x" * 501}).status_code == 422


def test_text_nobody_thought_of_is_a_search_too(app: Flask, agent: Person, customer: Person) -> None:
    number = customer.reports(title="Any text at all")

    @settings(deadline=None)  # how long a search takes on a busy machine is no law
    @given(st.text(max_size=60))
    def tries(q: str) -> None:
        q = re.sub("[\ud800-\udfff]", "", q)
        for person in (agent, customer):
            assert set(finds(person, q)) <= {number}

    tries()


# --- order ------------------------------------------------------------------------------------------------------------


def test_the_best_come_first_and_the_pages_fit_together(agent: Person, customer: Person) -> None:
    said_below = customer.reports(title="Something else", description="The projector is dark.")
    begins = customer.reports(title="Projectors everywhere")
    exact = customer.reports(title="Projector dark")
    newer = customer.reports(title="Another thing", description="A projector in the dark.")
    for person in (agent, customer):
        assert finds(person, "projector") == [newer, exact, begins, said_below]
        assert finds(person, "projector", sort="best") == [exact, begins, newer, said_below]
        pages, cursor = [], None
        while True:
            query = {"q": "projector", "sort": "best", "limit": 1} | ({"cursor": cursor} if cursor else {})
            page = person.get("/api/tickets", query_string=query).json
            pages += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert pages == [exact, begins, newer, said_below]
        other = {"q": "dark", "sort": "best", "limit": 1}
        first = person.get("/api/tickets", query_string=other).json["next_cursor"]
        assert person.get("/api/tickets", query_string={**other, "q": "projector", "cursor": first}).status_code == 422


# --- the same everywhere ----------------------------------------------------------------------------------------------


def _documents_of_staff() -> dict[int, list[list[str]]]:
    """Every text of every ticket, read one by one."""
    found: dict[int, list[list[str]]] = {}
    for ticket in db.session.query(Ticket).order_by(Ticket.created_at.desc(), Ticket.id.desc()):
        reporter = db.session.get_one(User, ticket.reporter_id)
        place = db.session.scalar(text("SELECT name FROM buildings WHERE id = :id"), {"id": ticket.building_id})
        said = db.session.query(Comment.text).filter(Comment.ticket_id == ticket.id)
        texts = [
            ticket.title, ticket.public_title, ticket.description, ticket.room, place, reporter.name, reporter.email,
            *(row.text for row in said),
        ]  # fmt: skip
        found[ticket.id] = [search.words(one) for one in texts if one]
    return found


def _slowly(documents: dict[int, list[list[str]]], words: list[str], phrases: list[list[str]]) -> list[int]:
    return [
        number
        for number, texts in documents.items()
        if all(any(word.startswith(begin) for one in texts for word in one) for begin in words)
        and all(
            any(one[at : at + len(phrase)] == phrase for one in texts for at in range(len(one))) for phrase in phrases
        )
    ]


def _questions(documents: dict[int, list[list[str]]], count: int) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Searches made of what is there: beginnings of words, words that stand side by side, and some that are not there."""
    dice = random.Random(7)
    texts = [one for found in documents.values() for one in found if len(one) > 3]
    for _ in range(count):
        source = dice.choice(texts)
        begins = [word[: dice.randint(1, len(word))] for word in dice.sample(source, dice.randint(0, 3))]
        begins = [
            word if re.fullmatch(r"(?:[a-z0-9]|_[0-9a-f]+_)+", word) and "_" not in word else "a" for word in begins
        ]
        if dice.random() < 0.2:
            begins.append(dice.choice(["xylo", "zz", "nothing", "9"]))
        phrases = []
        if dice.random() < 0.4 or not begins:
            at = dice.randrange(len(source) - 1)
            phrase = source[at : at + dice.randint(1, 3)]
            if not any("_" in word for word in phrase):
                phrases.append(phrase)
        typed = " ".join([*begins, *(f'"{" ".join(phrase)}"' for phrase in phrases)])
        yield typed, begins, phrases


@contextmanager
def _filled(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        assert insert_dummy_data.main(["--tickets", "150"], app=app) == 0
        yield app
        db.session.remove()


def test_two_hundred_searches_find_what_reading_everything_finds(app: Flask, agent: Person) -> None:
    with _filled(app):
        documents = _documents_of_staff()
        found = 0
        for typed, words, phrases in _questions(documents, 200):
            expected = _slowly(documents, words, phrases) if typed else list(documents)
            assert finds(agent, typed, limit="100") == expected[:100], typed
            found += len(expected)
        assert found > 1000


def test_both_databases_find_the_same(app: Flask, agent: Person, folder: Path) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("compared in the run on PostgreSQL")
    with _filled(app):
        questions = [typed for typed, *_ in _questions(_documents_of_staff(), 80)]
        titles = [_titles(app, agent, typed) for typed in questions]
    values = {name: app.config[name] for name in ("SECRET_KEY", "BCRYPT_ROUNDS", "ENVIRONMENT")}
    small = create_app(**values, DATABASE_URL=f"sqlite:///{folder / 'beside.db'}", instance_path=folder)
    with small.app_context():
        assert setup_db.main([], app=small) == 0
        with _filled(small):
            beside = Person.made(small, "agent")
            for typed, expected in zip(questions, titles, strict=True):
                assert _titles(small, beside, typed) == expected, typed
        db.engine.dispose()


def _titles(app: Flask, agent: Person, typed: str) -> list[list[str]]:
    return [
        [
            item["title"]
            for item in agent.get("/api/tickets", query_string={"q": typed, "sort": sort, "limit": 100}).json["items"]
        ]
        for sort in ("-created_at", "best")
    ]


def test_a_day_is_the_campuss(app: Flask, agent: Person, customer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """`created:` counts days where the campus is, not where the server's clock is."""
    monkeypatch.setitem(app.config, "TIME_ZONE", "Europe/Berlin")
    number = customer.reports(title="Midnight")
    ticket = db.session.get_one(Ticket, number)
    ticket.created_at = ticket.created_at.replace(year=2026, month=7, day=1, hour=22, minute=30)
    db.session.commit()
    assert finds(agent, "created:2026-07-02") == [number], "00:30 in Berlin"
    assert finds(agent, "created:2026-07-01") == []
    assert finds(agent, "created:>2026-07-02") == []
    assert finds(agent, "created:>=2026-07-02 created:<2026-07-03") == [number]
