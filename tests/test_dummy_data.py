"""The demo campus: the same every time, made by the verbs, and only where it may be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

import insert_dummy_data
import setup_db
from app import create_app
from demo import campus, drawing, history, photos
from demo.photos import Photo
from demo.stories import SPOKEN, queue, stories
from demo.telling import Ticket as Told
from helpdesk import auth, images, policy, replies, tickets
from helpdesk.errors import NotFound
from helpdesk.policy import Actor
from models import (
    Category,
    Channel,
    Comment,
    Event,
    Image,
    ImageBlob,
    ImageState,
    Job,
    Role,
    SavedReply,
    Status,
    Tag,
    Task,
    Team,
    Ticket,
    TicketReport,
    TicketTag,
    User,
    begin_write,
    db,
    now,
)
from tests.factories import Person, make_user, work

MIDDAY = datetime(2026, 3, 11, 12, 30, tzinfo=UTC)
SUNDAY_NIGHT = datetime(2026, 11, 1, 3, 5, tzinfo=UTC)
ENDS = {
    "new": Status.OPEN,
    "open": Status.OPEN,
    "in_progress": Status.IN_PROGRESS,
    "waiting": Status.WAITING,
    "resolved": Status.RESOLVED,
    "closed": Status.CLOSED,
    "withdrawn": Status.CLOSED,
    "expired": Status.CLOSED,
}


def insert(app: Flask, *arguments: str) -> int:
    return insert_dummy_data.main(list(arguments), app=app)


def fill(count: int = 40, *, reset: bool = False) -> None:
    insert_dummy_data.fill(1, count, at=MIDDAY, reset=reset)
    db.session.remove()


def actor(user: User) -> Actor:
    return Actor(id=user.id, role=user.role, name=user.name)


# --- what is told -----------------------------------------------------------------------------------------------------


def told(at: datetime, seed: int = 1) -> list[Told]:
    return list(history.tickets(seed, 300, at))


def content(ticket: Told) -> tuple[Any, ...]:
    """Everything but the moments."""
    deeds = [(deed.kind, deed.by or "", deed.text, deed.audience, _undated(deed.fields)) for deed in ticket.deeds]
    return (
        ticket.title, ticket.description, ticket.by, ticket.reporter, ticket.channel, ticket.category,
        str(ticket.building), str(ticket.room), ticket.state, sorted(map(repr, deeds)),
    )  # fmt: skip


def _undated(fields: Any) -> list[tuple[str, Any]]:
    return sorted((name, value) for name, value in fields.items() if name != "due_at")


def test_a_seed_tells_the_same_every_time() -> None:
    assert told(MIDDAY) == told(MIDDAY)
    assert told(MIDDAY) != told(MIDDAY, seed=2)


def test_the_day_changes_nothing_but_dates() -> None:
    assert sorted(map(content, told(MIDDAY))) == sorted(map(content, told(SUNDAY_NIGHT)))


@pytest.mark.parametrize("at", [MIDDAY, SUNDAY_NIGHT])
def test_nothing_happens_before_its_report_or_after_now(at: datetime) -> None:
    tickets_told = told(at)
    assert [ticket.at for ticket in tickets_told] == sorted(ticket.at for ticket in tickets_told)
    assert timedelta(days=85) < at - tickets_told[0].at < timedelta(days=93)
    assert at - tickets_told[-1].at < timedelta(minutes=10)
    for ticket in tickets_told:
        moments = [ticket.at, *(deed.at for deed in ticket.deeds), at]
        assert moments == sorted(moments), ticket.title


def test_about_a_third_is_unsolved() -> None:
    unsolved = [ticket for ticket in told(MIDDAY) if ENDS[ticket.state] not in (Status.RESOLVED, Status.CLOSED)]
    assert 80 <= len(unsolved) <= 100


def test_stories_name_only_what_there_is() -> None:
    known = {f"{slug}-{child}" for slug, _, children in setup_db.CATEGORIES for child, _ in children}
    assert len(stories()) >= 60
    for story in [*stories(), *queue()]:
        assert story.category in known
        assert set(story.tags) <= set(campus.TAGS)
        assert set(story.where) <= {*campus.PLACES, "none", "here"}
        assert {step.kind for step in story.talk} <= set(SPOKEN)
    assert {story.category for story in stories()} == known
    for story in stories():
        assert story.solved < len(story.talk), f"never solved: {story.titles[0]}"


def test_everybody_has_a_username_and_an_address_that_leads_nowhere() -> None:
    names = [person.username for person in campus.PEOPLE.values()]
    assert {"admin", "agent", "customer"} <= set(names)
    for person in campus.PEOPLE.values():
        assert person.username.isascii()
        assert 2 <= len(person.username) <= 32
        assert person.email.endswith("@campus.test")


# --- what is written --------------------------------------------------------------------------------------------------


def rows() -> list[Any]:
    """The campus in its order, without ids and what is random on purpose."""
    who = {user.id: user.username for user in db.session.scalars(select(User))}
    slugs = {category.id: category.slug for category in db.session.scalars(select(Category))}
    number = {id_: n for n, id_ in enumerate(db.session.scalars(select(Ticket.id).order_by(Ticket.id)))}
    plain = [column.name for column in Ticket.__table__.columns if column.name not in ("id", "sla_policy_id")]
    plain = [name for name in plain if not Ticket.__table__.columns[name].foreign_keys]

    def people(ticket: Ticket) -> list[str | None]:
        return [who.get(user_id or 0) for user_id in (ticket.reporter_id, ticket.created_by_id, ticket.assignee_id)]

    def everything(model: Any) -> Iterable[Any]:
        return db.session.scalars(select(model).order_by(model.id))

    return [
        *((slugs[t.category_id], people(t), [getattr(t, name) for name in plain]) for t in everything(Ticket)),
        *((number[c.ticket_id], who[c.author_id], c.text, c.audience, c.created_at) for c in everything(Comment)),
        *(
            (
                number.get(e.ticket_id),
                e.field,
                e.field == "image" or e.to_value,
                who.get(e.actor_id),
                e.visibility,
                e.created_at,
            )
            for e in everything(Event)
        ),
        *((number[i.ticket_id or 0], who[i.uploader_id], i.comment_id is None, i.digest) for i in everything(Image)),
        *((number[r.ticket_id], who[r.user_id], r.reported_at, r.left_at) for r in everything(TicketReport)),
        *((t.title, t.status, t.due_at, t.created_at, number.get(t.ticket_id)) for t in everything(Task)),
        *((u.username, u.name, u.role, u.created_at, u.last_seen_at) for u in everything(User)),
    ]


def test_the_same_seed_makes_the_same_campus_in_one_transaction_or_in_many(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill()
    first = rows()
    db.session.remove()
    monkeypatch.setattr(insert_dummy_data, "BATCH", 7)
    fill(reset=True)
    assert rows() == first


def test_the_database_holds_what_was_told(app: Flask) -> None:
    """Whichever database it is: what is told knows none."""
    fill()
    who = {user.id: user.username for user in db.session.scalars(select(User))}
    written = list(db.session.scalars(select(Ticket).order_by(Ticket.id)))
    for ticket, story in zip(written, history.tickets(1, 40, MIDDAY), strict=True):
        assert (ticket.title, ticket.description) == (story.title, story.description)
        assert (ticket.created_at, who[ticket.reporter_id]) == (story.at, story.reporter)
        assert ticket.status == ENDS[story.state], story.title
        said = select(Comment.text).where(Comment.ticket_id == ticket.id).order_by(Comment.id)
        assert list(db.session.scalars(said)) == [deed.text for deed in story.deeds if deed.kind == "say"]


def test_counters_equal_a_recount(app: Flask) -> None:
    fill(60)
    joined = select(TicketReport.ticket_id, func.count()).where(TicketReport.left_at.is_(None))
    affected = dict(db.session.execute(joined.group_by(TicketReport.ticket_id)).all())
    commented = dict(db.session.execute(select(Comment.ticket_id, func.count()).group_by(Comment.ticket_id)).all())
    happened = dict(db.session.execute(select(Event.ticket_id, func.count()).group_by(Event.ticket_id)).all())
    tied = select(Image.ticket_id, func.count()).where(Image.state == ImageState.READY)
    shown = dict(db.session.execute(tied.group_by(Image.ticket_id)).all())
    assert max(affected.values()) >= 5 and shown
    for ticket in db.session.scalars(select(Ticket)):
        assert ticket.affected_count == 1 + affected.get(ticket.id, 0)
        assert ticket.comment_count == commented.get(ticket.id, 0)
        assert ticket.image_count == shown.get(ticket.id, 0)
        assert ticket.activity_seq == happened[ticket.id]


def test_everybody_reads_their_tickets_and_no_others(app: Flask) -> None:
    fill()
    people = {user.id: user for user in db.session.scalars(select(User))}
    agent = next(user for user in people.values() if user.role == Role.AGENT)
    stranger = actor(next(user for user in people.values() if user.username == "daniel.ruiz"))
    for ticket in db.session.scalars(select(Ticket)):
        assert tickets.show_one(actor(agent), ticket.id)["title"] == ticket.title
        assert tickets.show_one(actor(people[ticket.reporter_id]), ticket.id)["title"] == ticket.title
        with pytest.raises(NotFound):
            policy.get_ticket(stranger, ticket.id)
    for report in db.session.scalars(select(TicketReport).where(TicketReport.left_at.is_(None))):
        assert policy.get_ticket(actor(people[report.user_id]), report.ticket_id).description is None


def test_nobody_acts_before_they_have_an_account(app: Flask) -> None:
    fill()
    began = select(Event.actor_id, func.min(Event.created_at)).group_by(Event.actor_id)
    first = dict(db.session.execute(began).all())
    for user in db.session.scalars(select(User)):
        assert user.last_seen_at is not None
        assert user.created_at <= user.last_seen_at <= MIDDAY
        assert user.created_at <= first.get(user.id, MIDDAY)


def test_old_deeds_are_not_mailed_and_leave_the_worker_nothing_to_close(app: Flask) -> None:
    assert insert(app, "--tickets", "40") == 0
    assert db.session.scalar(select(func.count()).select_from(Job)) == 0
    closed = select(func.count()).where(Ticket.status == Status.CLOSED)
    before = db.session.scalar(closed)
    work()
    assert db.session.scalar(closed) == before


def test_the_three_accounts_log_in(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    assert insert(app, "--tickets", "0") == 0
    assert capsys.readouterr().out.splitlines() == [
        "Demo accounts: admin, agent, customer, all with the password campus-demo"
    ]
    for name in ("admin", "agent", "customer"):
        for identifier in (name, f"{name}@campus.test"):
            sent = {"identifier": identifier, "password": "campus-demo"}
            response = Person(app).post("/api/auth/login", sent)
            assert response.status_code == 200
            assert response.json["user"]["role"] == name


def test_it_sets_a_new_database_up_by_itself(tmp_path: Path) -> None:
    new = create_app(
        ENVIRONMENT="testing", DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}", BCRYPT_ROUNDS="4", LOG_LEVEL="ERROR",
        REDIS_URL="", SMTP_URL="", instance_path=tmp_path,
    )  # fmt: skip
    assert insert(new, "--tickets", "1") == 0
    with new.app_context():
        assert counted() == 1
        db.session.remove()
        db.engine.dispose()


# --- photos -----------------------------------------------------------------------------------------------------------


def test_some_report_with_a_photo_and_the_desk_shows_some(app: Flask) -> None:
    tickets_told = list(photos.taken(told(MIDDAY), 1, variations=1))
    taken = [photo for ticket in tickets_told for photo in photos.of(ticket)]
    assert 15 < len(taken) < 60
    assert sum(bool(ticket.photos) for ticket in tickets_told) > 10
    assert any(deed.photos and deed.audience == "internal" for ticket in tickets_told for deed in ticket.deeds)
    assert {photo.mended for photo in taken} == {False, True}
    assert len(set(taken)) < 30, "each takes a moment of the first start"
    assert [content(ticket) for ticket in tickets_told if not any(photos.of(ticket))] == [
        content(before) for before, ticket in zip(told(MIDDAY), tickets_told, strict=True) if not any(photos.of(ticket))
    ]


def test_photos_are_sent_by_the_same_people_on_any_day() -> None:
    def sent(at: datetime) -> list[tuple[Any, ...]]:
        taken = photos.taken(told(at), 1)
        return sorted((ticket.title, ticket.reporter, *photos.of(ticket)) for ticket in taken if any(photos.of(ticket)))

    assert sent(MIDDAY) == sent(SUNDAY_NIGHT) != []


def test_photos_are_as_the_worker_would_have_made_them(app: Flask) -> None:
    assert insert(app, "--tickets", "120") == 0
    agent = Person(app, db.session.scalars(select(User).where(User.username == "agent")).one())
    found = list(db.session.scalars(select(Image)))
    assert len(found) > 5
    for image in found:
        photo, thumbnail = (agent.get(f"/api/images/{image.id}{part}") for part in ("", "/thumbnail"))
        assert photo.status_code == thumbnail.status_code == 200
        assert photo.headers["Content-Type"] == "image/webp"
        assert len(photo.data) == image.size_bytes and len(thumbnail.data) <= 12_000
        said = images.check(photo.data)
        assert (said.type, said.width, said.height) == (image.type, image.width, image.height)
    kinds = select(ImageBlob.kind).where(ImageBlob.kind.not_in(["photo", "thumbnail"]))
    assert db.session.scalar(kinds) is None


@pytest.mark.parametrize("scene", drawing.SCENES)
def test_a_scene_is_drawn_the_same_every_time_and_never_twice_alike(scene: str) -> None:
    all_of_it = [Photo(scene, number, mended) for number in range(photos.VARIATIONS) for mended in (False, True)]
    sketches = [drawing.sketch(photo).tobytes() for photo in all_of_it]
    assert len(set(sketches)) == len(all_of_it)
    assert drawing.sketch(all_of_it[0]).tobytes() == sketches[0]
    made = drawing.drawn(all_of_it[0])
    assert made is drawing.drawn(Photo(scene, 0))
    assert len(made.photo) < 20_000 and len(made.thumbnail) < 10_000
    assert images.check(made.photo).width == made.width


def test_every_subject_is_a_scene() -> None:
    scenes = {scene for _, subjects in photos.SUBJECTS.values() for scene in subjects}
    assert scenes | {"plate"} == set(drawing.SCENES)
    assert scenes >= photos.DEVICES
    known = {f"{slug}-{child}" for slug, _, children in setup_db.CATEGORIES for child, _ in children}
    assert photos.SUBJECTS.keys() <= known


# --- where it may be done ---------------------------------------------------------------------------------------------


def counted() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Ticket)) or 0


def test_production_is_refused(app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(app.config, "ENVIRONMENT", "production")
    assert insert(app, "--tickets", "2") == 2
    assert "production" in capsys.readouterr().err
    assert db.session.scalar(select(User.id)) is None
    monkeypatch.setitem(app.config, "ENVIRONMENT", "testing")
    assert insert(app, "--tickets", "2") == 0
    assert counted() == 2


def test_other_peoples_tickets_are_left_alone(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    begin_write()
    db.session.add(User(name="Somebody", email="somebody@example.edu", email_normalized="somebody@example.edu"))
    db.session.commit()
    somebody = db.session.scalars(select(User)).one()
    assert insert(app, "--tickets", "2", "--reset") == 2
    assert "not reset" in capsys.readouterr().err
    begin_write()
    data = {"title": "Door", "description": "It squeaks.", "category": "facilities-doors"}
    tickets.create(actor(somebody), data, channel=Channel.WEB)
    db.session.commit()
    for arguments in ([], ["--reset"]):
        assert insert(app, "--tickets", "2", *arguments) == 2
        assert "not the demo's" in capsys.readouterr().err
    assert insert(app, "--tickets", "2", "--if-empty") == 0
    assert counted() == 1


def test_a_campus_is_replaced_only_when_told(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    assert insert(app, "--tickets", "3") == 0
    assert insert(app, "--tickets", "5") == 2
    assert "--reset" in capsys.readouterr().err
    assert insert(app, "--tickets", "5", "--if-empty") == 0
    assert counted() == 3
    assert insert(app, "--tickets", "5", "--reset") == 0
    assert counted() == 5


@pytest.mark.parametrize("address", ["root@example.edu", "boss@campus.test"])
def test_an_admin_made_before_stays(app: Flask, address: str) -> None:
    begin_write()
    hashed = auth.hash_password("correct horse battery staple")
    assert setup_db.first_admin(address, "correct horse battery staple", hashed)
    db.session.commit()
    assert insert(app, "--tickets", "2") == 0
    assert insert(app, "--tickets", "3", "--reset") == 0
    assert db.session.scalar(select(User.name).where(User.email == address)) == "Administrator"
    assert counted() == 3


def test_names_that_somebody_has_are_not_taken_from_them(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    make_user("admin", username="agent")
    assert insert(app, "--tickets", "2") == 2
    assert "“agent”" in capsys.readouterr().err
    assert insert(app, "--tickets", "2", "--if-empty") == 0
    assert counted() == 0


def test_a_reset_puts_back_what_a_desk_starts_with(app: Flask) -> None:
    def vocabulary() -> Iterable[Any]:
        db.session.rollback()
        for model in (Team, Category):
            yield list(db.session.scalars(select(model.slug).order_by(model.id)))

    before = list(vocabulary())
    assert insert(app, "--tickets", "2") == 0
    begin_write()
    db.session.add(Category(slug="other", name="Other"))
    db.session.commit()
    assert insert(app, "--tickets", "2", "--reset") == 0
    assert list(vocabulary()) == before
    tagged = select(func.count()).select_from(TicketTag).outerjoin(Tag).where(Tag.id.is_(None))
    assert db.session.scalar(tagged) == 0


def test_the_clock_is_the_real_one_again_afterwards(app: Flask) -> None:
    assert insert(app, "--tickets", "2") == 0
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_desk_has_saved_replies_with_nothing_in_braces_but_places(app: Flask) -> None:
    fill()
    saved = list(db.session.scalars(select(SavedReply)))
    assert len(saved) == 6
    assert all(reply.owner_id is None for reply in saved)
    assert {name for reply in saved for name in re.findall(r"{{(.*?)}}", reply.text)} <= replies.PLACES.keys()
