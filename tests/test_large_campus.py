"""A campus of any size: what is inserted by the thousand is what the verbs would have written, row by row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

import insert_dummy_data
import setup_db
from app import create_app
from demo import campus, rows
from demo.campus import Person as Somebody
from demo.large import arrivals, people, words
from demo.large.telling import stories
from demo.photos import Photo
from demo.stories import SPOKEN
from demo.telling import Deed
from demo.telling import Ticket as Told
from helpdesk import search
from models import (
    AuditEvent,
    Building,
    Comment,
    Event,
    Image,
    Membership,
    SearchDocument,
    Status,
    Task,
    Team,
    Ticket,
    TicketReport,
    User,
    clock,
    db,
)
from tests.factories import Person, work

MIDDAY = datetime(2026, 3, 11, 12, 30, tzinfo=UTC)
SUNDAY_NIGHT = datetime(2026, 11, 1, 3, 5, tzinfo=UTC)
COUNT, OF_THE_SMALL, PEOPLE = 320, 90, 150


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A large campus of few tickets."""
    people.cast.cache_clear()
    monkeypatch.setattr(insert_dummy_data, "BY_VERBS", 0)
    monkeypatch.setattr(arrivals, "SMALL", OF_THE_SMALL)
    monkeypatch.setattr(people, "FEWEST", PEOPLE)
    yield
    people.cast.cache_clear()


def fill(count: int = COUNT, *, reset: bool = False) -> None:
    with clock(lambda: MIDDAY):  # what is there from the start
        insert_dummy_data.fill(1, count, at=MIDDAY, reset=reset)
    db.session.remove()


def by_verbs(
    told: Iterator[Told], desk: rows.Desk, seen: insert_dummy_data.Seen, seed: int, progress: Callable[[int], None]
) -> None:
    writer = insert_dummy_data.Writer(desk.people, seen)
    with clock(lambda: writer.at):
        insert_dummy_data._act(told, writer, progress)


# --- what is inserted -------------------------------------------------------------------------------------------------


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table. Ids count from the first of their table; a deed is the how manieth of all it is."""
    first = {
        table.name: (db.session.scalar(select(func.min(table.c.id))) or 0) if "id" in table.c else 0
        for table in db.metadata.sorted_tables
    }
    deeds: dict[str, str] = {}
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in db.metadata.sorted_tables:
        if table.name == "ticket_reads":  # written at the end, for both alike
            continue
        of = {
            column.name: first[next(iter(column.foreign_keys)).column.table.name] if column.foreign_keys else 0
            for column in table.columns
        }
        if "id" in of:
            of["id"] = first[table.name]
        if table.name == "tickets":  # no foreign key: it outlives its policy
            of["sla_policy_id"] = first["sla_policies"]
        seen = []
        for row in db.session.execute(select(table).order_by(*table.primary_key.columns)):
            values = dict(row._mapping)
            if "deed_id" in values:
                values["deed_id"] = deeds.setdefault(values["deed_id"], f"deed {len(deeds)}")
            if table.name == "search_documents":
                values["id"] = of["id"]  # written anew by each deed
            if values.get("field") == "image":
                values["to_value"] = str(int(values["to_value"]) - first["images"])
            if table.name == "audit_events":
                values["target"] = re.sub(r"\d+$", "", str(values["target"]))
                values["target"] = re.sub(
                    r"ticket:(\d+)", lambda hit: f"ticket:{int(hit[1]) - first['tickets']}", values["target"]
                )
            if table.name == "users":
                values["password_hash"] = None
            seen.append(tuple(v - of[name] if of[name] and isinstance(v, int) else v for name, v in values.items()))
        found[table.name] = sorted(seen, key=repr) if table.name == "search_documents" else seen
    found["ticket_words"] = sorted((number - first["tickets"], word) for number, word in _words())
    return found


def _words() -> Iterator[tuple[int, str]]:
    """What the index of the staff's search holds."""
    if db.engine.dialect.name == "sqlite":
        db.session.execute(text("CREATE VIRTUAL TABLE temp.held USING fts5vocab(main, ticket_words, instance)"))
        yield from ((row.doc, row.term) for row in db.session.execute(text("SELECT doc, term FROM temp.held")).all())
        db.session.execute(text("DROP TABLE temp.held"))
    else:
        split = text("SELECT ticket_id, unnest(tsvector_to_array(words)) FROM ticket_words")
        yield from ((row[0], row[1]) for row in db.session.execute(split))


def odd() -> list[Told]:
    """What the verbs bear and no story tells: things done twice, undone, not allowed to have an effect, or by others."""
    start = MIDDAY - timedelta(days=30)

    def ticket(by: str, category: str, *deeds: tuple[Any, ...], **fields: Any) -> Told:
        happened = [
            Deed(
                start + timedelta(hours=n),
                kind,
                who,
                *(more[:2] or ("",)),
                fields=more[2] if more[2:] else {},
                photos=[Photo(scene, 0) for scene in more[3:]],
            )
            for n, (kind, who, *more) in enumerate(deeds, start=1)
        ]
        own = [Photo("sign", 0), Photo("sign", 0)] if by == "customer" else []
        return Told(
            start, by, "customer", "web", "An odd one", "It is.", category, None, None, fields, happened, "open", own
        )

    settled = {"assignee": "agent", "tags": ["event"], "priority": "high", "status": "waiting", "team": "av"}
    return [
        ticket(
            "customer", "it-wifi", ("join", "customer"), ("join", "aisha.khan"), ("join", "aisha.khan"),
            ("leave", "lucy.tran"), ("leave", "aisha.khan"), ("leave", "aisha.khan"), ("join", "aisha.khan"),
            ("join", "lucy.tran"), ("leave", "lucy.tran"), ("join", "ben.hartley"),
            ("change", "agent", "", None, {"category": "it-accounts"}),
            ("change", "agent", "", None, {"category": "services-complaints"}),
        ),
        ticket(
            "customer", "it-av", ("change", "agent", "", None, settled), ("change", "agent", "", None, settled),
            ("change", "agent", "", None, {"category": "it-av", "tags": []}), ("expire", None),
            ("say", "agent", "A note.", "internal"), ("say", "customer", "I answer."),
            ("change", "agent", "", None, {"status": "resolved", "priority": "low"}), ("expire", None),
            ("change", "agent", "", None, {"status": "in_progress", "category": "facilities-leaks", "team": "security"}),
        ),
        ticket(
            "agent", "it", ("say", "mei.chow", "On it.", "affected"), ("say", "mei.chow", "Nearly.", "reporter"),
            ("photo", "mei.chow", "", None, {}, "plate", "lift"), ("photo", "customer", "", None, {}, "lift"),
            ("say", "agent", "Look.", "internal", {}, "lift", "plate"),
            ("say", "aisha.khan", "Here too.", None, {}, "door"),
            priority="urgent", assignee="mei.chow", team="networks", tags=["exam", "event"],
        ),
    ]  # fmt: skip


def test_every_row_is_the_one_that_the_verbs_would_have_written(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    of_stories = arrivals.tickets
    monkeypatch.setattr(arrivals, "tickets", lambda *told: iter([*odd(), *of_stories(*told)]))
    fill(reset=True)
    inserted = everything()
    db.session.remove()
    monkeypatch.setattr(insert_dummy_data, "_insert", by_verbs)
    fill(reset=True)
    written = everything()
    for name, expected in written.items():
        for one, other in zip(inserted[name], expected, strict=False):
            assert one == other, name
        assert len(inserted[name]) == len(expected), name
    _is_rich()


def test_of_a_long_ticket_the_same_is_found_as_if_the_verbs_had_written_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(search.parts.__globals__, "MOST", 57)
    monkeypatch.setattr(arrivals, "tickets", lambda *told: iter(odd()))
    fill(reset=True)
    inserted = everything()
    db.session.remove()
    monkeypatch.setattr(insert_dummy_data, "_insert", by_verbs)
    fill(reset=True)
    written = everything()
    for name in ("search_documents", "ticket_words"):
        assert inserted[name] == written[name], name
    kept = {word for _, word in written["ticket_words"]}
    assert "answer" in kept and "note" not in kept, "the older of the two did not fit"


def _is_rich() -> None:
    """Whether what was compared has everything that happens to a ticket."""

    def number(model: Any, *where: Any) -> int:
        return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0

    assert number(Ticket) == COUNT + len(odd())
    assert number(Ticket, Ticket.reopened_count > 0)
    assert number(Ticket, Ticket.handoff_count > 0)
    assert number(Ticket, Ticket.paused_seconds > 0)
    assert number(Ticket, Ticket.affected_count > 5)
    assert number(Ticket, Ticket.is_confidential)
    assert number(AuditEvent, AuditEvent.action == "ticket.is_confidential.changed")
    assert number(TicketReport, TicketReport.left_at.is_not(None))
    assert number(Task, Task.ticket_id.is_not(None)) and number(Comment, Comment.channel == "email")
    assert number(Image, Image.comment_id.is_(None)) and number(Image, Image.comment_id.is_not(None))
    assert number(Ticket, Ticket.image_count > 0) > 15
    assert set(db.session.scalars(select(Ticket.status).distinct())) == set(Status)
    fields = set(db.session.scalars(select(Event.field).distinct()))
    assert fields >= {
        "created",
        "status",
        "comment",
        "affected",
        "category",
        "team",
        "assignee",
        "priority",
        "tags",
        "task",
        "image",
    }


def test_the_same_in_one_transaction_or_in_many(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(reset=True)
    first = everything()
    db.session.remove()
    monkeypatch.setattr(insert_dummy_data, "AT_ONCE", 23)
    fill(reset=True)
    assert everything() == first


def test_both_databases_hold_the_same(app: Flask, folder: Path) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("compared in the run on PostgreSQL")
    fill(120, reset=True)
    expected = everything()
    db.session.remove()
    values = {name: app.config[name] for name in ("SECRET_KEY", "BCRYPT_ROUNDS", "ENVIRONMENT")}
    beside = create_app(**values, DATABASE_URL=f"sqlite:///{folder / 'large.db'}", instance_path=folder)
    with beside.app_context():
        assert setup_db.main([], app=beside) == 0
        fill(120, reset=True)
        found = everything()
        db.session.remove()
        db.engine.dispose()
    for name in expected.keys() - {"schedules"}:
        assert sorted(found[name], key=repr) == sorted(expected[name], key=repr), name


def test_a_slow_machine_is_given_its_time(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL a transaction that thinks for long is ended; this one may."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("of PostgreSQL")
    allowed, write = set(), rows.Scribe.ticket

    def noting(scribe: rows.Scribe, told: Told) -> None:
        allowed.add(db.session.scalar(text("SHOW idle_in_transaction_session_timeout")))
        write(scribe, told)

    monkeypatch.setattr(insert_dummy_data, "AT_ONCE", 50)
    monkeypatch.setattr(rows.Scribe, "ticket", noting)
    fill(120)
    assert allowed == {"0"}
    db.session.remove()
    assert db.session.scalar(text("SHOW idle_in_transaction_session_timeout")) != "0"


def test_whoever_comes_afterwards_gets_the_next_number(app: Flask) -> None:
    fill(120)
    last = db.session.scalar(select(func.max(Ticket.id))) or 0
    somebody = Person.made(app, "customer")
    number = somebody.reports(title="Afterwards")
    assert number == last + 1
    assert somebody.post(f"/api/tickets/{number}/comments", {"text": "And a word."}).status_code == 201
    agent = Person.made(app, "agent")
    assert [ticket["id"] for ticket in agent.get("/api/tickets?q=afterwards").json["items"]] == [number]


def test_what_was_inserted_is_found(app: Flask) -> None:
    fill(120)
    agent = Person.made(app, "agent")
    for ticket in db.session.scalars(select(Ticket).where(Ticket.is_confidential.is_(False)).limit(20)):
        typed = " ".join(search.words(ticket.title)[:3])
        found = agent.get("/api/tickets", query_string={"q": typed, "limit": 100}).json["items"]
        assert ticket.id in {one["id"] for one in found}, typed


def test_the_worker_finds_nothing_to_close_or_to_mail(app: Flask) -> None:
    assert insert_dummy_data.main(["--tickets", str(COUNT)], app=app) == 0
    ended = select(Ticket.status, func.count()).group_by(Ticket.status)
    before = dict(db.session.execute(ended).all())
    work()
    assert dict(db.session.execute(ended).all()) == before


def test_the_planner_knows_what_is_there(app: Flask) -> None:
    fill(120)
    known = {"sqlite": "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'tickets'",
             "postgresql": "SELECT count(*) FROM pg_stats WHERE tablename = 'tickets'"}  # fmt: skip
    assert db.session.scalar(text(known[db.engine.dialect.name]))


def test_there_are_forty_buildings_and_sixty_agents(app: Flask) -> None:
    fill(120)
    assert db.session.scalar(select(func.count()).select_from(Building)) == 40
    assert db.session.scalar(select(func.count()).where(User.role == "agent")) == 60
    assert db.session.scalar(select(func.count()).select_from(Membership)) == 60
    assert db.session.scalar(select(func.count()).select_from(Team)) == 7


def test_a_name_that_somebody_has_is_not_taken_from_them(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    name = next(name for name in people.cast(1, COUNT).people if name not in campus.PEOPLE)
    Person.made(app, "admin", username=name)
    assert insert_dummy_data.main(["--tickets", str(COUNT)], app=app) == 2
    assert f"“{name}”" in capsys.readouterr().err
    assert db.session.scalar(select(Ticket.id)) is None


# --- what is told -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def told(at: datetime, seed: int = 1, count: int = 2000) -> list[Told]:
    return list(arrivals.tickets(seed, count, at))


def test_a_seed_tells_the_same_and_the_day_changes_nothing_but_dates() -> None:
    def content(tickets: list[Told]) -> list[tuple[Any, ...]]:
        return sorted(
            (t.title, t.description, t.reporter, t.state, sorted((d.kind, str(d.by), d.text) for d in t.deeds))
            for t in tickets
        )

    first = told(MIDDAY)
    assert first == told.__wrapped__(MIDDAY)
    assert content(first) != content(told(MIDDAY, seed=2))
    assert content(first) == content(told(SUNDAY_NIGHT))


@pytest.mark.parametrize("at", [MIDDAY, SUNDAY_NIGHT])
def test_nothing_happens_before_its_report_or_after_now(at: datetime) -> None:
    tickets = told(at)
    assert [ticket.at for ticket in tickets] == sorted(ticket.at for ticket in tickets)
    assert timedelta(days=530) < at - tickets[0].at < timedelta(days=548)
    for ticket in tickets:
        moments = [ticket.at, *(deed.at for deed in ticket.deeds), at]
        assert moments == sorted(moments), ticket.title


def test_it_has_a_rhythm() -> None:
    """Days, weekends, breaks: a year of arrivals is not even."""
    tickets = told(MIDDAY, count=6000)
    hours = Counter(ticket.at.hour for ticket in tickets)
    assert hours[9] > 8 * hours[3]
    days = Counter(ticket.at.weekday() for ticket in tickets)
    assert days[1] > 4 * days[6]
    weeks = Counter((MIDDAY - ticket.at).days // 7 for ticket in tickets)
    assert weeks[16] > 2 * weeks[6]


def test_statuses_are_those_of_a_desk_that_keeps_up() -> None:
    states = Counter(ticket.state for ticket in told(MIDDAY, count=6000))
    unsolved = sum(states[state] for state in ("new", "open", "in_progress", "waiting"))
    assert 0.01 < unsolved / 6000 < 0.06
    assert min(states.values()) > 5


def test_people_do_not_all_write_the_same() -> None:
    tickets = told(MIDDAY, count=6000)
    assert len({ticket.description for ticket in tickets}) > 0.9 * 6000
    assert len({ticket.title for ticket in tickets}) > 0.5 * 6000
    lengths = sorted(len(ticket.description) for ticket in tickets)
    assert lengths[60] < 40 and lengths[-60] > 230
    assert not [ticket.description for ticket in tickets if re.search(r"[\[\]{}|#]", ticket.description + ticket.title)]


def test_every_story_can_be_told_in_every_state_it_is_drawn_for() -> None:
    known = {f"{slug}-{child}" for slug, _, children in setup_db.CATEGORIES for child, _ in children}
    assert {story.category for story in stories()} == known
    places = people.cast(1, COUNT).places
    for story in stories():
        assert set(story.tags) <= set(campus.TAGS)
        assert set(story.where) <= {*places, "none"}
        assert {step.kind for step in story.talk} <= set(SPOKEN)
        assert story.solved < len(story.talk), f"never solved: {story.titles[0]}"
        assert story.options.get("team", "networks") in people.TEAMS
        known_words = {*words.WORDS, *story.words, "first", "name", "agent"}
        if "none" not in story.where:
            known_words |= {"place", "room", "building"}
        texts = [*story.titles, *story.texts, story.public, *(text for step in story.talk for text in step.wordings)]
        for said in texts:
            assert set(re.findall(r"\{(\w+)\}", said)) <= known_words, said
            words.compiled(said)


def test_names_are_from_everywhere_and_lead_nowhere() -> None:
    cast: dict[str, Somebody] = dict(people.cast(1, 60_000).people)
    assert len(cast) > 5000
    for username, person in islice(cast.items(), 3000):
        assert username.isascii() and 2 <= len(username) <= 32
        assert person.email.endswith("@campus.test")
        assert 3 <= len(person.name) <= 60
    assert {"Nguyễn", "Müller", "Öztürk", "Okafor"} <= {
        part for person in cast.values() for part in person.name.split()
    }


def test_brackets_that_are_not_closed_are_noticed() -> None:
    with pytest.raises(ValueError, match="brackets"):
        words.compiled("one] two")


def test_what_the_verbs_would_refuse_is_not_written() -> None:
    ticket = rows._Drawn({}, {"status": Status.CLOSED, "resolved_at": MIDDAY, "title": "Door"})
    with pytest.raises(ValueError, match="closed: Door"):
        rows._check_open(ticket, MIDDAY)


def test_the_index_of_search_documents_is_complete(app: Flask) -> None:
    fill(120)
    documented = set(db.session.scalars(select(SearchDocument.ticket_id).distinct()))
    assert documented == set(db.session.scalars(select(Ticket.id)))
