"""A small campus around one problem, with fresh targets for every call of the contract. See test_policy, test_contract."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from helpdesk import auth
from models import (
    InboundBlob,
    InboundMail,
    InboundState,
    Job,
    JobState,
    OneTimeToken,
    TokenPurpose,
    User,
    begin_write,
    db,
    now,
)
from tests.factories import PASSWORD, Person, a_picture, a_report, form

PEOPLE = ("anonymous", "reporter", "other", "joined", "agent", "admin", "off")
"""Who calls. `other` has nothing to do with the ticket, `joined` is affected too, `off` was deactivated."""
MISSING = 2**40
"""An id that nothing has."""
_numbers = iter(range(1, 10**9))


def short(rule: str) -> str:
    """`/api/tickets/<id:ticket_id>` → `/api/tickets/{ticket_id}`"""
    return re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule)


class World:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.people = {"anonymous": Person(app)}
        for name, role in (
            ("reporter", "customer"),
            ("other", "customer"),
            ("joined", "customer"),
            ("off", "customer"),
        ):
            self.people[name] = Person.made(app, role)
        for name in ("agent", "admin"):
            self.people[name] = Person.made(app, name)
        begin_write()
        # without the verb that ends the sessions: the flag alone must be enough
        db.session.get_one(User, self.people["off"].id).is_active = False
        db.session.commit()

    def __getattr__(self, name: str) -> Person:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    def ticket(self, **fields: Any) -> int:
        """Reported by the reporter, with one who joined."""
        number = self.reporter.reports(**fields)
        self.joined.joins(number)
        return number

    def comment(self, kind: str, ticket_id: int | None = None, text: str = "Thank you.", **fields: Any) -> int:
        number = ticket_id or self.ticket()
        if kind not in ("words", "joined_words"):
            fields["audience"] = {"note": "internal", "answer": "reporter", "broadcast": "affected"}[kind]
        return self.author(kind).writes(number, text, **fields)

    def author(self, kind: str) -> Person:
        """Who writes comments of this kind."""
        return {"words": self.reporter, "joined_words": self.joined}.get(kind, self.agent)

    def photo(self, kind: str, ticket_id: int | None = None) -> int:
        """One that is ready, on a ticket, with a comment on it, or as yet on nothing: the reporter's."""
        if kind == "untied":
            return self.reporter.uploads()
        if kind == "ticket":
            return self.reporter.uploads(to=ticket_id or self.ticket())
        number = self.author(kind).uploads()
        self.comment(kind, ticket_id, images=[number])
        return number

    def made(self, path: str, **body: Any) -> int:
        """What an admin creates there."""
        response = self.admin.post(path, body)
        assert response.status_code == 201, response.get_data(as_text=True)
        return int(response.json["id"])

    def link(self, purpose: TokenPurpose, person: str = "other", **payload: Any) -> str:
        """A link as it stands in a mail."""
        begin_write()
        user_id = self.people[person].id if purpose != TokenPurpose.CONFIRM else None
        subject = payload.get("email") if user_id is None else None
        token = auth.make_link_token(purpose, user_id=user_id, subject=subject, **payload)
        text = auth.link_token(token)
        db.session.commit()
        return text

    def guest_report(self, email: str | None = None, **fields: Any) -> str:
        """Somebody without an account reports. The token of their link, as the mail has it."""
        address = email or f"{unique('guest')}@elsewhere.test"
        response = Person(self.app).post("/api/tickets", a_report(email=address, **fields))
        assert response.status_code == 202, response.get_data(as_text=True)
        newest = select(OneTimeToken).where(OneTimeToken.purpose == TokenPurpose.GUEST).order_by(OneTimeToken.id.desc())
        return auth.link_token(db.session.scalars(newest).first())  # type: ignore[arg-type]

    def guest_link(self) -> str:
        """The token of a report that was confirmed."""
        token = self.guest_report()
        assert Person(self.app).post("/api/tickets/confirm", {"token": token}).status_code == 200
        return token

    def photo_by_link(self) -> dict[str, Any]:
        """The token of a confirmed report, and the number of a photo that was sent through it."""
        token = self.guest_link()
        return {"token": token, "image_id": self.people["anonymous"].uploads(through=token)}

    def view_of(self, person: str, **fields: Any) -> int:
        """A view that one of the staff saved; `third` is a colleague of the agent."""
        response = self._staff(person).post("/api/views", {"name": unique("view"), **fields})
        assert response.status_code == 201, response.get_data(as_text=True)
        return int(response.json["id"])

    def bulk_edit_of(self, person: str) -> int:
        """A change of one ticket that can be undone."""
        wish = {"ids": [self.ticket()], "changes": {"priority": "urgent"}}
        response = self._staff(person).post("/api/tickets/bulk", wish)
        assert response.status_code == 200, response.get_data(as_text=True)
        return int(response.json["id"])

    def mailed_to(self, person: str) -> int:
        """One of the staff gets a team's figures."""
        team = self.made("/api/teams", slug=unique("crew"), name="Crew")
        return self.made("/api/report-subscriptions", user_id=self.people[person].id, every="week", team_id=team)

    def _staff(self, person: str) -> Person:
        return Person.made(self.app, "agent") if person == "third" else self.people[person]

    def session_of(self, person: str) -> int:
        """Somebody's second session, as from another browser."""
        if person == "anonymous":
            return MISSING
        begin_write()
        user = db.session.get_one(User, self.people[person].id)
        started = auth.start_session(user, peer="test", agent="second")
        db.session.commit()
        return started.session_id

    def refresh_cookie(self, person: str) -> str:
        begin_write()
        user = db.session.get_one(User, self.people[person].id)
        started = auth.start_session(user, peer="test", agent="cookie")
        db.session.commit()
        return started.refresh_token


def unique(stem: str) -> str:
    return f"{stem}-{next(_numbers)}"


REQUIRED = {"GET /api/tickets/similar": "?title=projector", "GET /api/audit-events": "?area=exports"}
"""The query without which a call does nothing, or finds what the tests themselves leave behind."""

Target = Callable[[World, str], dict[str, Any]]

TARGETS: dict[str, Target] = {
    "": lambda world, who: {},
    "ticket": lambda world, who: {"ticket_id": world.ticket()},
    "confidential": lambda world, who: {"ticket_id": _confidential(world)},
    "merged": lambda world, who: {"ticket_id": _merged(world)},
    "of staff": lambda world, who: {"ticket_id": world.agent.reports()},
    "words": lambda world, who: {"comment_id": world.comment("words")},
    "joined's words": lambda world, who: {"comment_id": world.comment("joined_words")},
    "answer": lambda world, who: {"comment_id": world.comment("answer")},
    "link": lambda world, who: {"token": world.guest_link()},
    "photo by link": lambda world, who: world.photo_by_link(),
    "another's photo by link": lambda world, who: {"token": world.guest_link(), "image_id": world.photo("ticket")},
    "broadcast": lambda world, who: {"comment_id": world.comment("broadcast")},
    "note": lambda world, who: {"comment_id": world.comment("note")},
    "joined": lambda world, who: {"ticket_id": world.ticket(), "user_id": world.joined.id},
    "photo": lambda world, who: {"image_id": world.photo("ticket")},
    "untied photo": lambda world, who: {"image_id": world.photo("untied")},
    "photo with words": lambda world, who: {"image_id": world.photo("words")},
    "photo with joined's words": lambda world, who: {"image_id": world.photo("joined_words")},
    "photo with an answer": lambda world, who: {"image_id": world.photo("answer")},
    "photo with a broadcast": lambda world, who: {"image_id": world.photo("broadcast")},
    "photo with a note": lambda world, who: {"image_id": world.photo("note")},
    "building": lambda world, who: {"building_id": world.made("/api/buildings", slug=unique("hall"), name="Hall")},
    "category": lambda world, who: {
        "category_id": world.made("/api/categories", slug=unique("misc"), name=unique("Misc"))
    },
    "tag": lambda world, who: {"tag_id": world.made("/api/tags", name=unique("tag"))},
    "team": lambda world, who: {"team_id": world.made("/api/teams", slug=unique("crew"), name="Crew")},
    "team and colleague": lambda world, who: {**_team(world), "user_id": world.agent.id},
    "member": lambda world, who: _member(world),
    "in a team": lambda world, who: _in_a_team(world),
    "task": lambda world, who: {"task_id": world.made("/api/tasks", title="Order a valve")},
    "saved reply": lambda world, who: {"reply_id": _saved_reply(world, "admin", is_shared=True)},
    "own saved reply": lambda world, who: {"reply_id": _saved_reply(world, "agent" if who == "agent" else "admin")},
    "another's saved reply": lambda world, who: {
        "reply_id": _saved_reply(world, "admin" if who == "agent" else "agent")
    },
    "reply just sent": lambda world, who: {"comment_id": _just_sent(world, who)},
    "draft": lambda world, who: {"ticket_id": _drafted(world, who)},
    "ticket and saved reply": lambda world, who: {
        "ticket_id": world.ticket(),
        "reply_id": _saved_reply(world, "admin", is_shared=True),
    },
    "own mailed figures": lambda world, who: {
        "subscription_id": world.mailed_to("agent" if who == "agent" else "admin")
    },
    "another's mailed figures": lambda world, who: {
        "subscription_id": world.mailed_to("admin" if who == "agent" else "agent")
    },
    "view": lambda world, who: {"view_id": world.view_of("admin" if who == "admin" else "agent")},
    "shared view": lambda world, who: {"view_id": world.view_of("third", is_shared=True)},
    "somebody's view": lambda world, who: {"view_id": world.view_of("third")},
    "own bulk edit": lambda world, who: {"bulk_edit_id": world.bulk_edit_of("admin" if who == "admin" else "agent")},
    "other's bulk edit": lambda world, who: {"bulk_edit_id": world.bulk_edit_of("third")},
    "calendar": lambda world, who: {"calendar_id": world.made("/api/calendars", **_office_hours())},
    "service level": lambda world, who: {"policy_id": world.made("/api/sla-policies", **_service_level())},
    "customer": lambda world, who: {"user_id": world.other.id},
    "colleague": lambda world, who: {"user_id": world.agent.id},
    "somebody": lambda world, who: {"user_id": Person.made(world.app, "customer").id},
    "job": lambda world, who: {"job_id": _given_up(JobState.DEAD)},
    "mail laid aside": lambda world, who: {"mail_id": _mail(InboundState.QUARANTINED)},
    "mail taken over": lambda world, who: {"mail_id": _mail(InboundState.DONE)},
    "words by mail": lambda world, who: _said_by_mail(world),
    "report by mail": lambda world, who: _reported_by_mail(world),
    "job done": lambda world, who: {"job_id": _given_up(JobState.DONE)},
    "invited": lambda world, who: {
        "user_id": world.made("/api/users", email=_address(), name="New", role="agent"),
    },
    "somebody's session": lambda world, who: _session_of_somebody(world),
    "own session": lambda world, who: {"session_id": world.session_of(who)},
    "other's session": lambda world, who: {"session_id": world.session_of("agent" if who == "admin" else "admin")},
}
"""Word → the path's parts of a fresh target for this person."""
PERSONAL = {
    "own session",
    "other's session",
    "own saved reply",
    "another's saved reply",
    "draft",
    "reply just sent",
    "own mailed figures",
    "another's mailed figures",
}
"""Those that are another thing for each person."""


def _given_up(state: JobState) -> int:
    """A job that came to its end, one way or the other."""
    begin_write()
    job = Job(kind="index_tickets", payload={}, state=state, attempts=30, error="RuntimeError: no")
    db.session.add(job)
    db.session.commit()
    return job.id


def _mail(state: InboundState, **fields: Any) -> int:
    """One that came in, and what became of it."""
    begin_write()
    number = unique("mail")
    mail = InboundMail(key=number, sender="nora@elsewhere.test", subject="Stuck", size_bytes=90, state=state, **fields)
    db.session.add(mail)
    db.session.flush()
    raw = f"From: nora@elsewhere.test\r\nMessage-ID: <{number}@x>\r\n\r\nIt is stuck.\r\n".encode()
    db.session.add(InboundBlob(mail_id=mail.id, data=raw, keep_until=now() + timedelta(days=1)))
    db.session.commit()
    return mail.id


def _said_by_mail(world: World) -> dict[str, Any]:
    number = world.ticket()
    comment = world.comment("words", number)
    _mail(InboundState.DONE, ticket_id=number, comment_id=comment)
    return {"comment_id": comment}


def _reported_by_mail(world: World) -> dict[str, Any]:
    number = world.ticket()
    _mail(InboundState.DONE, ticket_id=number, received_at=now() - timedelta(minutes=1))
    return {"ticket_id": number}


def _session_of_somebody(world: World) -> dict[str, Any]:
    somebody = Person.made(world.app, "customer")
    begin_write()
    started = auth.start_session(db.session.get_one(User, somebody.id), peer="test", agent="theirs")
    db.session.commit()
    return {"user_id": somebody.id, "session_id": started.session_id}


def _team(world: World) -> dict[str, Any]:
    return {"team_id": world.made("/api/teams", slug=unique("crew"), name="Crew")}


def _member(world: World, name: str = "agent") -> dict[str, Any]:
    parts = {**_team(world), "user_id": world.people[name].id}
    put = world.admin.put("/api/teams/{team_id}/members/{user_id}".format(**parts), {})
    assert put.status_code == 200, put.get_data(as_text=True)
    return parts


def _in_a_team(world: World) -> dict[str, Any]:
    """Whoever of the staff asks."""
    _member(world), _member(world, "admin")
    return {}


def _office_hours() -> dict[str, Any]:
    return {"name": unique("hours"), "time_zone": "Europe/Berlin", "hours": [[["08:00", "18:00"]]] * 5 + [[], []]}


def _service_level() -> dict[str, Any]:
    return {"name": unique("level"), "response_seconds": 3600, "resolution_seconds": 7200}


def _order(world: World) -> list[int]:
    """The policies that there are, the last one first."""
    return [one["id"] for one in reversed(world.admin.get("/api/sla-policies").json["items"])]


def _confidential(world: World) -> int:
    number = world.ticket()
    world.agent.sets(number, is_confidential=True)
    return number


def _drafted(world: World, who: str) -> int:
    """A ticket on which this person wrote something, if they may; else one of the staff."""
    number, path = world.ticket(), "/api/tickets/{}/draft"
    writer = world.people[who if who in ("agent", "admin") else "agent"]
    assert writer.put(path.format(number), {"text": "Half a sen"}).status_code == 204
    return number


def _just_sent(world: World, who: str) -> int:
    """A reply that can be taken back, by this person if they may, else by one of the staff."""
    writer = world.people[who if who in ("agent", "admin") else "agent"]
    return writer.writes(world.ticket(), "On our way.", audience="affected", is_undoable=True)


def _saved_reply(world: World, whose: str, **fields: Any) -> int:
    body = {"title": unique("On our way"), "text": "Hello {{reporter.first_name}}", **fields}
    response = world.people[whose].post("/api/saved-replies", body)
    assert response.status_code == 201, response.get_data(as_text=True)
    return int(response.json["id"])


def _merged(world: World) -> int:
    number = world.ticket()
    merged = world.agent.post(f"/api/tickets/{number}/merge", {"into_id": world.agent.reports()})
    assert merged.status_code == 200, merged.get_data(as_text=True)
    return number


NEW_PASSWORD = "sixteen candles in the rain"
Body = Callable[[World, str], Any]

BODIES: dict[str, Body] = {
    "POST /api/auth/address": lambda world, who: {"token": world.link(TokenPurpose.NEW_ADDRESS, email=_address())},
    "POST /api/auth/confirm": lambda world, who: {
        "token": world.link(TokenPurpose.CONFIRM, username=unique("new"), email=_address(), name="New"),
        "password": NEW_PASSWORD,
    },
    "POST /api/tickets/confirm": lambda world, who: {"token": world.guest_report()},
    "POST /api/tickets/by-link/{token}/comments": lambda world, who: {"text": "It is still so."},
    "POST /api/auth/login": lambda world, who: {"identifier": world.reporter.username, "password": PASSWORD},
    "POST /api/auth/password/change": lambda world, who: {"current_password": PASSWORD, "password": NEW_PASSWORD},
    "POST /api/auth/password/forgot": lambda world, who: {"email": world.reporter.email},
    "POST /api/auth/password/reset": lambda world, who: {
        "token": world.link(TokenPurpose.RESET),
        "password": NEW_PASSWORD,
    },
    "POST /api/auth/register": lambda world, who: {
        "username": unique("new"),
        "email": _address(),
        "password": NEW_PASSWORD,
    },
    "POST /api/buildings": lambda world, who: {"slug": unique("hall"), "name": "Hall"},
    "PATCH /api/buildings/{building_id}": lambda world, who: {"name": "Great hall"},
    "POST /api/categories": lambda world, who: {"slug": unique("misc"), "name": unique("Misc")},
    "PATCH /api/categories/{category_id}": lambda world, who: {"name": unique("Other")},
    "PATCH /api/comments/{comment_id}": lambda world, who: {"text": "Put right."},
    "POST /api/calendars": lambda world, who: _office_hours(),
    "PATCH /api/calendars/{calendar_id}": lambda world, who: {"time_zone": "Europe/London"},
    "POST /api/sla-policies": lambda world, who: _service_level(),
    "PATCH /api/sla-policies/{policy_id}": lambda world, who: {"priorities": ["high"]},
    "PATCH /api/sla-policies/order": lambda world, who: {"ids": _order(world)},
    "POST /api/sla-policies/dry-run": lambda world, who: {"policies": [_service_level()]},
    "POST /api/saved-replies": lambda world, who: {"title": unique("On our way"), "text": "We are on our way."},
    "PATCH /api/saved-replies/{reply_id}": lambda world, who: {"title": unique("Coming")},
    "POST /api/report-subscriptions": lambda world, who: {
        "user_id": Person.made(world.app, "agent").id,
        "every": "month",
    },
    "POST /api/tags": lambda world, who: {"name": unique("tag")},
    "PATCH /api/tags/{tag_id}": lambda world, who: {"name": unique("tag")},
    "POST /api/tags/{tag_id}/merge": lambda world, who: {"into_id": world.made("/api/tags", name=unique("tag"))},
    "POST /api/tasks": lambda world, who: {"title": "Order a valve"},
    "PATCH /api/tasks/{task_id}": lambda world, who: {"status": "done"},
    "POST /api/teams": lambda world, who: {"slug": unique("crew"), "name": "Crew"},
    "PATCH /api/teams/{team_id}": lambda world, who: {"name": "Night crew"},
    "PATCH /api/teams/{team_id}/members/{user_id}": lambda world, who: {"capacity": 8},
    "PATCH /api/users/me/away": lambda world, who: {"until": None},
    "POST /api/tickets": lambda world, who: a_report(),
    "POST /api/tickets/bulk": lambda world, who: {"ids": [1], "changes": {"priority": "high"}},
    "POST /api/views": lambda world, who: {"name": unique("view"), "filters": {"category": ["it"]}},
    "PATCH /api/views/{view_id}": lambda world, who: {"sort": "-created_at"},
    "PATCH /api/tickets/{ticket_id}": lambda world, who: {"room": "214"},
    "PATCH /api/tickets/{ticket_id}/draft": lambda world, who: {"text": "Half a sentence"},
    "PATCH /api/tickets/{ticket_id}/presence": lambda world, who: {"is_writing": True},
    "POST /api/tickets/{ticket_id}/affected": lambda world, who: {"user_id": world.other.id},
    "POST /api/tickets/{ticket_id}/comments": lambda world, who: {"text": "Any news?"},
    "POST /api/tickets/{ticket_id}/merge": lambda world, who: {"into_id": world.agent.reports()},
    "POST /api/comments/{comment_id}/split": lambda world, who: {"title": "The lift is stuck too"},
    "POST /api/jobs/retry": lambda world, who: {"kind": "mail"},
    "POST /api/users": lambda world, who: {"email": _address(), "name": "New", "role": "agent"},
    "PATCH /api/users/{user_id}": lambda world, who: {"name": "Renamed"},
    "PATCH /api/users/me": lambda world, who: {"theme": "dark"},
}
"""Call → a body that succeeds. PUT is an alias of PATCH."""


def _address() -> str:
    return f"{unique('somebody')}@campus.test"


def body_of(call: str, world: World, who: str) -> Any:
    make = BODIES.get(call.replace("PUT ", "PATCH ", 1))
    return make(world, who) if make else None


UPLOADS = {
    "POST /api/uploads", "POST /api/tickets/{ticket_id}/images", "POST /api/tickets/by-link/{token}/uploads",
    "POST /api/tickets/by-link/{token}/images",
}  # fmt: skip
"""Calls that take a file."""


def sent_with(call: str, world: World, who: str) -> dict[str, Any]:
    """What a request that succeeds carries: a body, as arguments of a request."""
    return form(a_picture()) if call in UPLOADS else {"json": body_of(call, world, who)}


def headers_of(call: str, world: World, who: str) -> dict[str, str]:
    """The cookie of POST /api/auth/refresh, as our own page sends it."""
    if call != "POST /api/auth/refresh":
        return {}
    cookie = world.refresh_cookie(who if who not in {"anonymous", "off"} else "other")
    return {"Cookie": f"refresh_token={cookie}", "Origin": world.app.config["PUBLIC_BASE_URL"]}


BOOKKEEPING = {"audit_events", "rate_limits"}
"""What a refusal does write: that it was refused, and how often."""


def state() -> dict[str, str]:
    """Table → a digest of all its rows: what a refused request, or a GET, leaves as it was."""
    db.session.remove()
    tables = [table.name for table in db.metadata.sorted_tables if table.name not in BOOKKEEPING]
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":  # in one round trip
            digest = "SELECT '{0}', md5(string_agg(row::text, ' ' ORDER BY row::text)) FROM {0} AS row"
            found = connection.exec_driver_sql(" UNION ALL ".join(map(digest.format, tables)))
            return {name: str(digest) for name, digest in found}
        return {name: _digest(connection.exec_driver_sql(f"SELECT * FROM {name}").all()) for name in tables}


def _digest(rows: Sequence[Any]) -> str:
    return hashlib.sha256("\n".join(sorted(repr(tuple(row)) for row in rows)).encode()).hexdigest()
