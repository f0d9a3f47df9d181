"""What stands in no answer that its reader may not read: fresh canaries, and every GET call read for them.

A canary that a reader must not find is found, in the same crawl, by somebody who may read it.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from blueprints.http import Call, served
from helpdesk import schemas
from models import Ticket, begin_write, db
from tests.factories import Person, made_ready, mails
from tests.world import World, short

# --- the campus -------------------------------------------------------------------------------------------------------


def canary() -> str:
    """A word that stands nowhere else; letters, so that it survives in any field."""
    return "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(16))


@dataclass
class Problem:
    """A ticket that several people look at, and where each word of it stands."""

    world: World
    number: int = 0
    words: dict[str, str] = field(default_factory=dict)
    """What → its canary."""
    people: dict[str, Person] = field(default_factory=dict)

    def word(self, what: str) -> str:
        return self.words.setdefault(what, canary())


WHO_READS: dict[str, str] = {
    "title": "reporter",
    "title before": "reporter",
    "public title": "reporter joined other",  # a known problem, which anybody may join
    "description": "reporter",
    "room": "reporter joined other",
    "reporter's name": "reporter",
    "reporter's address": "reporter",
    "assignee's name": "reporter",
    "tag": "reporter",
    "team": "reporter",
    "reason of the hand-off": "",
    "note": "",
    "note before it was edited": "",
    "author of the note": "",
    "reporter's words": "reporter",
    "answer": "reporter",
    "answer before it was edited": "",
    "broadcast": "reporter joined",
    "broadcast before it was edited": "",
    "deleted comment": "",
    "joined's words": "joined",
    "joined's name": "joined",
    "neighbour's words": "",
    "neighbour's name": "",
    "photo on the ticket": "reporter",
    "photo with the reporter's words": "reporter",
    "photo with the answer": "reporter",
    "photo with the broadcast": "reporter joined",
    "photo with joined's words": "joined",
    "photo with the note": "",
    "photo on nothing": "reporter",
    "deleted photo": "",
    "photo of a deleted comment": "",
    "photo on the held ticket": "",
    "photo on other's ticket": "other",
    "task": "",
    "saved reply": "",
    "draft": "",
    "held ticket": "",
    "other's ticket": "other",
    "other's name": "other",
}
"""Canary → who finds it in what they get, besides the staff."""
NOT_FOR_THE_STAFF = {"draft", "deleted comment", "deleted photo", "photo of a deleted comment", "photo on nothing"}
"""Deleting takes the words out of the history too; what somebody uploaded or drafted is theirs until they show it."""


@pytest.fixture
def problem(app: Flask) -> Problem:
    world = World(app)
    made = Problem(world)
    word = made.word

    def person(role: str, of_name: str, **fields: Any) -> Person:
        return Person.made(app, role, name=f"Kim {word(of_name)}", **fields)

    world.people |= {
        "reporter": person("customer", "reporter's name", username=word("reporter's address")),
        "joined": person("customer", "joined's name"),
        "other": person("customer", "other's name"),
    }
    neighbour = person("customer", "neighbour's name")
    silent, assignee = person("agent", "author of the note"), person("agent", "assignee's name")
    agent, reporter = world.agent, world.reporter
    world.made("/api/tags", name=word("tag"))
    team = world.made("/api/teams", slug=word("team"), name="Night crew")
    made.number = number = reporter.reports(
        title=word("title before"), description=f"It drips. {word('description')}", room=word("room")
    )
    agent.sets(number, public_title=word("public title"), title=word("title"))
    agent.sets(
        number, tags=[word("tag")], team_id=team, handoff_reason=word("reason of the hand-off"),
        assignee_id=assignee.id, priority="urgent",
    )  # fmt: skip
    world.joined.joins(number)
    neighbour.joins(number)
    silent.patch(
        f"/api/comments/{silent.writes(number, word('note before it was edited'), audience='internal')}",
        {"text": word("note")},
    )
    reporter.writes(number, word("reporter's words"))
    for audience, label in (("reporter", "answer"), ("affected", "broadcast")):
        said = agent.writes(number, word(f"{label} before it was edited"), audience=audience)
        assert agent.patch(f"/api/comments/{said}", {"text": word(label)}).status_code == 200
    gone = agent.writes(number, word("deleted comment"), audience="affected")
    assert agent.delete(f"/api/comments/{gone}").status_code == 204
    world.joined.writes(number, word("joined's words"))
    neighbour.writes(number, word("neighbour's words"))
    world.made("/api/tasks", title=word("task"), ticket_id=number)
    world.made("/api/saved-replies", title=word("saved reply"), text="Hello {{reporter.name}}", is_shared=True)
    assert silent.put(f"/api/tickets/{number}/draft", {"text": word("draft")}).status_code == 204
    held = reporter.reports(title=word("held ticket"), images=[_photo(made, reporter, "photo on the held ticket")])
    _hold(held)
    world.other.reports(title=word("other's ticket"), images=[_photo(made, world.other, "photo on other's ticket")])
    _with_photos(made)
    made.people = {**world.people, "neighbour": neighbour, "silent": silent, "assignee": assignee}
    return made


def _with_photos(made: Problem) -> None:
    world, number = made.world, made.number
    _photo(made, world.reporter, "photo on the ticket", to=number)
    _photo(made, world.reporter, "photo on nothing")
    for person, label, more in (
        (world.reporter, "photo with the reporter's words", {}),
        (world.joined, "photo with joined's words", {}),
        (world.agent, "photo with the answer", {"audience": "reporter"}),
        (world.agent, "photo with the broadcast", {"audience": "affected"}),
        (world.agent, "photo with the note", {"audience": "internal"}),
    ):
        person.writes(number, "See here.", images=[_photo(made, person, label)], **more)
    gone = _photo(made, world.agent, "deleted photo", to=number)
    assert world.agent.delete(f"/api/images/{gone}").status_code == 204
    gone = world.reporter.writes(number, "Oh.", images=[_photo(made, world.reporter, "photo of a deleted comment")])
    assert world.reporter.delete(f"/api/comments/{gone}").status_code == 204


def _photo(made: Problem, person: Person, label: str, *, to: int | None = None) -> int:
    """One whose bytes hold a canary."""
    number = person.uploads(to=to, ready=False)
    made_ready(number, made.word(label).encode(), made.word(label).encode())
    return number


def _hold(ticket_id: int) -> None:
    begin_write()
    db.session.get_one(Ticket, ticket_id).held = True
    db.session.commit()


# --- the crawl --------------------------------------------------------------------------------------------------------

SAMPLES: dict[str, tuple[str, ...]] = {
    "category": ("facilities", "facilities-leaks", "it"),
    "building": ("nowhere",),
    "limit": ("1",),
    "after": ("0", "3"),
    "before": ("2100-01-01T00:00:00Z",),
    "action": ("user.role.changed",),
    "actor": ("1", "system"),
    "target": ("user:1", "ticket:1"),
    "kind": ("mail",),
    "created_after": ("2020-01-01T00:00:00Z",),
    "created_before": ("2100-01-01T00:00:00Z",),
    "resolved_after": ("2020-01-01T00:00:00Z",),
    "resolved_before": ("2100-01-01T00:00:00Z",),
    "hour": ("9&created_after=2026-01-01T00:00:00Z&created_before=2026-12-31T00:00:00Z",),
    "from": ("2026-01-01&to=2026-12-31",),
    "to": ("2026-12-31&from=2026-01-01",),
    "tz": ("Europe/Berlin",),
    "q": ("a", "Kim"),
    "title": ("projector", "water"),
}
"""Values for query parameters of which the schema does not name any. A new one must be named here."""


def _values(name: str, shape_field: ma.fields.Field, problem: Problem) -> Iterable[str]:
    inner = shape_field.inner if isinstance(shape_field, ma.fields.List) else shape_field
    if name in SAMPLES:
        return SAMPLES[name]
    if name in ("tag", "team"):
        return (problem.words[name],)
    if name in ("ticket_id", "id"):
        return (str(problem.number),)
    if isinstance(inner, ma.fields.Enum):
        some = (one.choices for one in inner.validators if isinstance(one, ma.validate.OneOf))
        return [member.value for member in next(some, inner.enum)]
    if isinstance(inner, schemas.Whom):
        return [*inner.words, *(str(person.id) for person in problem.people.values() if person.id)]
    if isinstance(inner, schemas.QueryFlag):
        return ("true", "false")
    for validator in inner.validators:
        if isinstance(validator, ma.validate.OneOf):
            return list(validator.choices)
    raise AssertionError(f"name values of the query parameter {name!r} in SAMPLES")


def _queries(call: Call, problem: Problem) -> Iterator[str]:
    fields = call.query.fields if call.query else {}
    needed = "&".join(
        f"{name}={_values(name, one, problem)[0]}"
        for name, one in fields.items()
        if one.required  # type: ignore[index]
    )
    yield f"?{needed}" if needed else ""
    for name, shape_field in fields.items():
        if name != "cursor":
            for value in _values(name, shape_field, problem):
                yield f"?{needed}&{name}={value}" if needed and not shape_field.required else f"?{name}={value}"


NAMED = {
    "categories": "category_id",
    "inbound_mails": "mail_id",
    "saved_replies": "reply_id",
    "saved_views": "view_id",
    "report_subscriptions": "subscription_id",
    "sla_policies": "policy_id",
}
"""Tables whose ids are not called after them."""


def _ids() -> dict[str, list[int]]:
    """Every id there is, by the name that paths have for it."""
    with db.engine.connect() as connection:
        return {
            NAMED.get(table.name) or f"{table.name.removesuffix('s')}_id": list(connection.scalars(select(table.c.id)))
            for table in db.metadata.sorted_tables
            if "id" in table.c
        }


CRAWLED_ONCE = {"category_id"}
"""What belongs to nobody: one of many is enough."""


NOT_CRAWLED = {"static", "files.built_file", "dev.mailbox"}
"""Files, and the developers' mailbox, which is not there in production: its mails have a test of their own."""


def _paths(problem: Problem, app: Flask) -> Iterator[str]:
    """Every address that answers GET, with every id there is and each value of each filter."""
    ids = _ids()
    calls = {call.endpoint: call for call in served(app)}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in NOT_CRAWLED:
            continue
        addresses = [short(rule.rule)]
        for name in re.findall(r"{(\w+)}", addresses[0]):
            if name.endswith("_id"):
                known: Iterable[object] = ids[name][:1] if name in CRAWLED_ONCE else ids[name]
            elif name == "token":
                known = ["x" * 43]
            else:
                known = getattr(rule._converters[name], "items", ())  # those of `any`
                assert known, f"name values of {name} in {rule}"
            addresses = [address.replace(f"{{{name}}}", str(value)) for address in addresses for value in known]
        call = calls.get(rule.endpoint)
        for address in addresses:
            for query in _queries(call, problem) if call else [""]:
                yield f"{address}{query}"


def _pages_of(person: Person, path: str) -> Iterator[tuple[str, TestResponse]]:
    """An answer, and the pages that follow it."""
    seen = 0
    while path and seen < 20:
        response = person.get(path)
        yield path, response
        seen += 1
        link = re.match(r'<(.*)>; rel="next"', response.headers.get("Link", ""))
        path = link[1] if link else ""


def crawl(problem: Problem, who: str) -> dict[str, TestResponse]:
    """Address → answer, of everything that this person can ask for."""
    app, person = problem.world.app, problem.people[who]
    return {path: response for start in _paths(problem, app) for path, response in _pages_of(person, start)}


def everything_in(response: TestResponse) -> str:
    """Body and headers, and what a cursor holds: signed is not hidden."""
    text = response.data.decode("utf-8", "replace")
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    cursors = set(re.findall(r'cursor(?:=|":")([\w-]{20,})', text + headers))
    opened = (
        base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[12:].decode("utf-8", "replace")
        for cursor in cursors
    )
    return "\n".join([text, headers, *opened])


def test_nobody_finds_a_word_that_is_not_for_them_and_no_crawl_ends_in_a_fault(problem: Problem) -> None:
    assert problem.words.keys() == WHO_READS.keys()
    for who in ("anonymous", "reporter", "joined", "other", "agent"):
        crawled = crawl(problem, who)
        assert len(crawled) > 200
        answers = {path: everything_in(response) for path, response in crawled.items()}
        for what, word in problem.words.items():
            hits = [path for path, text in answers.items() if word in text]
            entitled = what not in NOT_FOR_THE_STAFF if who == "agent" else who in WHO_READS[what].split()
            assert bool(hits) == entitled, (who, what, hits[:5])
        # 400 is the page of a link that is none, 302 and 303 lead to and from the login page, 401 is the API's for that
        # and 404 what a guest's link that is none opens
        allowed = {200, 302, 303, 400, 404} | ({401} if who == "anonymous" else {403})
        assert {response.status_code for response in crawled.values()} <= allowed, who
        for path, response in crawled.items():
            _is_for_its_caller_alone(path, response)


FOR_EVERYBODY = {"/manifest.webmanifest": "public, max-age=3600"}


def _is_for_its_caller_alone(path: str, response: TestResponse) -> None:
    kept = response.headers["Cache-Control"]
    own = kept == "no-store" or (kept == "private, no-cache" and response.status_code == 200)
    assert own or kept == FOR_EVERYBODY.get(path), path
    assert {"Cookie", "Authorization"} <= set(response.vary.as_set(preserve_casing=True)), path


def test_no_mail_to_a_customer_holds_a_word_that_is_not_for_them(problem: Problem) -> None:
    found = {
        who: "\n".join(str(mail) for mail in mails(problem.people[who].email))
        for who in ("reporter", "joined", "other")
    }
    assert problem.words["broadcast"] in found["reporter"]
    assert problem.words["broadcast"] in found["joined"]
    assert problem.words["other's ticket"] in found["other"]
    for who, text in found.items():
        for what, word in problem.words.items():
            assert word not in text or who in WHO_READS[what].split(), (who, what)
    everybody = {who: person.email for who, person in problem.people.items() if person.email}
    staff = {everybody[who] for who in ("agent", "admin", "silent", "assignee")}
    for mail in mails():
        if not any(address in mail["to"] for address in staff):
            assert problem.words["note"] not in str(mail)


# --- what nothing moves -----------------------------------------------------------------------------------------------


def _kept(response: TestResponse) -> tuple[Any, ...]:
    names = {"X-Request-ID", "Date"}
    body = response.get_data(as_text=True).replace(response.headers["X-Request-ID"], "")
    body = re.sub(r'name="key" value="[0-9a-f]{32}"', "", body)  # another one in every form
    return response.status_code, body, {k: v for k, v in response.headers.items() if k not in names}


def _snapshot(problem: Problem, who: str) -> dict[str, Any]:
    """All that somebody can ask for about the ticket: also counts, times, orders, ETags and lengths."""
    return {path: _kept(response) for path, response in crawl(problem, who).items() if "/users/me" not in path}


def _internal_deeds(problem: Problem) -> Iterator[str]:
    """What the staff do among themselves, one after the other."""
    agent, number = problem.people["silent"], problem.number
    photos = [agent.uploads(), agent.uploads()]
    note = agent.writes(number, "For ourselves.", audience="internal", images=photos)
    assert agent.patch(f"/api/comments/{note}", {"text": "For us alone."}).status_code == 200
    task = agent.post("/api/tasks", {"title": "Order a valve", "ticket_id": number}).json["id"]
    yield "wrote a note with photos, edited it and made a task"
    assert agent.delete(f"/api/images/{photos[0]}").status_code == 204
    agent.uploads()
    assert agent.patch(f"/api/tasks/{task}", {"status": "done"}).status_code == 200
    assert agent.delete(f"/api/comments/{note}").status_code == 204
    assert agent.delete(f"/api/tasks/{task}").status_code == 204
    yield "deleted all of it"


def test_no_answer_to_a_customer_changes_by_what_the_staff_do_among_themselves(problem: Problem) -> None:
    customers = ("reporter", "joined", "other")
    before = {who: _snapshot(problem, who) for who in customers}
    shown = problem.world.agent.sees(problem.number)
    for deed in _internal_deeds(problem):
        for who in customers:
            after = _snapshot(problem, who)
            known = {path: kept for path, kept in after.items() if path in before[who]}
            assert {path for path in known if known[path] != before[who][path]} == set(), (who, deed)
            # addresses of what is new (a note, a task) answer as if there were nothing
            assert {after[path][0] for path in after.keys() - known.keys()} <= {403, 404}, (who, deed)
        now_shown = problem.world.agent.sees(problem.number)
        assert now_shown["updated_at"] > shown["updated_at"], deed
        shown = now_shown


def test_whoever_joined_sees_nothing_move_when_reporter_and_desk_talk(problem: Problem) -> None:
    world, number = problem.world, problem.number
    own, shared = world.reporter.sees(number), world.joined.sees(number)
    paths = [f"/api/tickets/{number}{part}" for part in ("", "/comments", "/events", "/timeline")] + [
        "/api/tickets?sort=-updated_at", "/api/tickets?sort=priority", "/api/tickets/counts",
    ]  # fmt: skip
    before = [_kept(world.joined.get(path)) for path in paths]
    world.reporter.writes(number, "Between us.")
    world.agent.writes(number, "Between us, too.")
    world.agent.sets(number, tags=[], title="Another title", description="Another text.", assignee_id=None)
    assert [_kept(world.joined.get(path)) for path in paths] == before
    assert world.reporter.sees(number)["updated_at"] > own["updated_at"]
    world.agent.writes(number, "For everybody.", audience="affected")
    changed = world.joined.sees(number)
    assert changed["updated_at"] > shared["updated_at"]
    assert changed["comment_count"] == shared["comment_count"] + 1


def test_counts_count_what_the_caller_may_see(problem: Problem) -> None:
    expected = {"reporter": (6, 4), "joined": (4, 2), "neighbour": (3, 1), "agent": (11, 6)}
    for who, (comments, photos) in expected.items():
        person = problem.people[who]
        assert person.sees(problem.number)["comment_count"] == comments, who
        assert person.sees(problem.number)["image_count"] == photos, who
        assert len(person.get(f"/api/tickets/{problem.number}/comments").json["items"]) == comments
        assert len(person.get(f"/api/tickets/{problem.number}/images").json["items"]) == photos


def test_whoever_joined_reads_this_and_nothing_else(problem: Problem) -> None:
    words, number = problem.words, problem.number
    seen = problem.world.joined.sees(number)
    masked = {
        "description", "priority", "reporter", "assignee", "team", "channel", "first_response_at", "first_response_due_at",
        "version",
    }  # fmt: skip
    assert {name for name, value in seen.items() if value is None} >= masked
    assert (seen["title"], seen["room"], seen["tags"], seen["transitions"]) == (
        words["public title"],
        words["room"],
        [],
        [],
    )
    assert seen["affected_count"] == 3
    events = problem.world.joined.get(f"/api/tickets/{number}/events").json["items"]
    told = [(event["field"], event["to_value"], event["actor"] and event["actor"]["name"]) for event in events]
    agent, own = problem.world.agent.name, problem.world.joined.name
    assert told == [
        ("created", "open", None),
        ("comment", "added", agent),
        ("comment", "edited", agent),
        ("comment", "added", agent),
        ("comment", "deleted", agent),
        ("comment", "added", own),
        ("comment", "added", own),
        ("comment", "added", agent),
    ]
    assert {event["from_value"] for event in events} == {None}


def test_whoever_joined_is_not_told_whether_staff_reported_for_themselves(app: Flask) -> None:
    world = World(app)
    views = []
    for reporter in (world.agent, world.reporter):
        number = world.agent.reports(reporter_id=reporter.id)
        world.joined.joins(number)
        world.agent.sets(number, status="in_progress")
        world.agent.writes(number, "We are on it.", audience="affected")
        parts = [world.joined.get(f"/api/tickets/{number}{part}") for part in ("", "/comments", "/events", "/timeline")]
        text = "\n".join(part.get_data(as_text=True) for part in parts)
        views.append(re.sub(r'"(\w*id|\w+_at|deed_id|next_cursor)":("[^"]*"|\d+)', r'"\1":…', text))
        assert f'"name":"{world.agent.name}"' in views[-1]
    assert views[0] == views[1]


# --- what filters, sorts and headers would tell -----------------------------------------------------------------------


@pytest.fixture
def twins(app: Flask) -> tuple[World, list[int]]:
    """Two tickets of one reporter, both joined, that differ in everything that is masked and in nothing else."""
    world = World(app)
    world.made("/api/tags", name="pump")
    team = world.made("/api/teams", slug="night-crew", name="Night crew")
    numbers = [world.ticket(), world.ticket()]
    world.agent.sets(
        numbers[0], priority="urgent", assignee_id=world.agent.id, team_id=team, tags=["pump"],
        handoff_reason="At night.",
        description="Something else.", public_title="Water dripping from the ceiling", title="Burst pipe",
    )  # fmt: skip
    for _ in range(3):
        world.agent.sets(numbers[0], description=f"Longer {canary()}")
    return world, numbers


def _listed(person: Person, query: str) -> list[int]:
    response = person.get(f"/api/tickets?{query}")
    assert response.status_code == 200, response.get_data(as_text=True)
    return [item["id"] for item in response.json["items"]]


def test_no_filter_tells_two_joined_tickets_apart_by_what_is_masked(twins: tuple[World, list[int]]) -> None:
    world, numbers = twins
    queries = [f"priority={p}" for p in ("low", "normal", "high", "urgent")]
    queries += ["tag=pump", "team=night-crew", "team=facilities", "assignee=none", "assignee=me", "reporter=me"]
    queries += [
        f"{name}={world.people[who].id}" for name in ("assignee", "reporter") for who in ("agent", "reporter", "joined")
    ]
    for query in queries:
        assert _listed(world.joined, query) in ([], numbers[::-1]), query
        counted = world.joined.get(f"/api/tickets/counts?{query}").json["total"]["count"]
        assert counted == len(_listed(world.joined, query)), query
    # the same filters do tell them apart for whoever may see it
    assert _listed(world.reporter, "priority=urgent") == _listed(world.agent, "tag=pump") == [numbers[0]]
    assert _listed(world.reporter, "assignee=none") == [numbers[1]]
    assert _listed(world.reporter, f"assignee={world.agent.id}") == [numbers[0]]


def test_no_order_tells_two_joined_tickets_apart_by_what_is_masked(twins: tuple[World, list[int]]) -> None:
    world, numbers = twins
    for sort in ("created_at", "updated_at", "priority"):
        assert _listed(world.joined, f"sort={sort}") == numbers, sort
        assert _listed(world.joined, f"sort=-{sort}") == numbers[::-1], sort
        pages = [item["id"] for path in (f"/api/tickets?limit=1&sort=-{sort}",) for _, page in _pages_of(world.joined, path)
                 for item in page.json["items"]]  # fmt: skip
        assert pages == numbers[::-1]
    assert _listed(world.reporter, "sort=priority") == _listed(world.agent, "sort=updated_at") == numbers[::-1]


def test_no_precondition_tells_whoever_joined_the_version(twins: tuple[World, list[int]]) -> None:
    world, (number, _) = twins
    version = world.reporter.sees(number)["version"]
    answers = {
        (response.status_code, re.sub(r'"request_id":"\w+"', "", response.get_data(as_text=True)))
        for tag in (f'"{version}.x"', f'"{version + 1}.x"', "*", "nonsense")
        for response in (world.joined.patch(f"/api/tickets/{number}", {"room": "1"}, headers={"If-Match": tag}),)
    }
    assert len(answers) == 1
    assert answers.pop()[0] == 403
    stale = world.reporter.patch(f"/api/tickets/{number}", {"room": "1"}, headers={"If-Match": f'"{version + 1}.x"'})
    assert (stale.status_code, stale.json["current"]["version"]) == (412, version)
    right = world.reporter.patch(f"/api/tickets/{number}", {"room": "1"}, headers={"If-Match": f'"{version}.x"'})
    assert right.status_code == 200


def test_head_options_and_ranges_tell_no_more_than_get(problem: Problem) -> None:
    world = problem.world
    paths = [f"/api/tickets/{problem.number}{part}" for part in ("", "/comments", "/timeline", "/events")]
    for path in paths:
        missing = path.replace(str(problem.number), str(2**40))
        for method, headers in (("HEAD", {}), ("OPTIONS", {}), ("GET", {"Range": "bytes=0-9"}), ("TRACE", {})):
            answers = [world.other.open(method, where, headers=headers) for where in (path, missing)]
            told = [_kept(answer) for answer in answers]
            assert told[0] == told[1], (method, path)
            if method in ("HEAD", "GET"):
                assert told[0][0] == 404
                assert {"ETag", "Content-Range", "Allow"}.isdisjoint(answers[0].headers.keys())
        own = world.reporter.get(path, headers={"Range": "bytes=0-9"})
        assert (own.status_code, own.headers.get("Content-Range")) == (200, None)
        head = world.reporter.open("HEAD", path)
        assert head.headers["ETag"] == own.headers["ETag"]
        assert head.headers["Content-Length"] == str(len(own.data))


def test_an_etag_is_worth_nothing_to_somebody_else(problem: Problem) -> None:
    world, path = problem.world, f"/api/tickets/{problem.number}"
    tag = world.reporter.get(path).headers["ETag"]
    kept = {"If-None-Match": tag}
    again = world.reporter.get(path, headers=kept)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "private, no-cache"
    for headers in (kept, {"If-None-Match": "*"}):
        refused = world.other.get(path, headers=headers)
        assert refused.status_code == 404
        assert "ETag" not in refused.headers
        assert world.anonymous.get(path, headers=headers).status_code == 401
    assert world.joined.get(path, headers=kept).status_code == 200
    assert world.agent.get(path, headers=kept).status_code == 200


def test_the_vocabulary_of_masks_is_complete() -> None:
    """A new column of the answer is either masked or named here as something that whoever joined may read."""
    shared = {
        "id", "title", "public_title", "status", "category", "building", "room", "is_confidential", "held",
        "affected_count", "comment_count", "image_count", "created_at", "updated_at", "resolved_at", "resolution_due_at",
        "due_at", "closed_at", "transitions", "merged_into",
    }  # fmt: skip
    masked = {
        "description", "priority", "reporter", "assignee", "team", "channel", "first_response_at", "first_response_due_at",
        "version", "tags", "description_html", "is_unread", "first_response_soon_at", "resolution_soon_at",
    }  # fmt: skip
    assert set(schemas.OneTicketShape().fields) == shared | masked


def test_whoever_joined_learns_nothing_of_a_reply_to_the_reporter(app: Flask) -> None:
    """The first reply moves what is due next, for those who read it."""
    world = World(app)
    number = world.ticket()
    path = f"/api/tickets/{number}"
    due = world.reporter.get(path).json["due_at"]
    before = world.joined.get(path)
    world.agent.writes(number, "For you alone.", audience="reporter")
    after = world.joined.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 304
    assert world.reporter.get(path).json["due_at"] > due
    for filters in ("due=overdue", "due=today"):
        assert world.joined.get(f"/api/tickets?{filters}").json["items"] == []
