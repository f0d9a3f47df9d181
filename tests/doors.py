"""Ways to come in that tests of accounts need: a browser with its cookies, clients elsewhere, a second process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app import create_app
from helpdesk.settings import SETTINGS
from models import AuditEvent, User, begin_write, db
from tests.factories import PASSWORD, Person

NEW_PASSWORD = "sixteen candles in the rain"

GOOD = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "4f6Zq1s0yB8xWm2Lr7Tn5Vd3Kc9Hj6Gp1Qw8Ez4Ua0",
    "PUBLIC_BASE_URL": "https://helpdesk.example.edu",
    "BCRYPT_ROUNDS": "12",
    "TRUSTED_PROXIES": "127.0.0.1",
    "SMTP_URL": "smtp://mail.example.edu:587",
}
"""Settings with which production starts."""


class Browser(Person):
    """Somebody at our own pages: cookies instead of a bearer token, and `Sec-Fetch-Site` as browsers send it."""

    def __init__(self, app: Flask, person: Person | None = None, password: str = PASSWORD) -> None:
        super().__init__(app)
        self.jar: dict[str, str] = {}
        if person is not None:
            self.id, self.name, self.username, self.email = person.id, person.name, person.username, person.email
            response = self.post("/api/auth/login", {"identifier": person.username, "password": password})
            assert response.status_code == 200, response.get_data(as_text=True)

    def open(self, method: str, path: str, *, headers: dict[str, str] | None = None, **kwargs: Any) -> TestResponse:
        sent = {"Sec-Fetch-Site": "same-origin"}
        if self.jar:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        response = super().open(method, path, headers={**sent, **(headers or {})}, **kwargs)
        for line in response.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.jar[name] = value
            if not value:
                del self.jar[name]
        return response


def login(person: Person, identifier: str, password: str = PASSWORD, **kwargs: Any) -> TestResponse:
    """Try to log in, as a program: it has no cookies, and gets the access token in the body."""
    return Person(person.app).post("/api/auth/login", {"identifier": identifier, "password": password}, **kwargs)


def with_token(app: Flask, token: str) -> Person:
    """Whoever holds this access token."""
    person = Person(app)
    person.token = token
    return person


def at(address: str) -> dict[str, Any]:
    """Come from another address than 127.0.0.1."""
    return {"environ_base": {"REMOTE_ADDR": address}}


def change(person: Person, **values: Any) -> None:
    """Set columns of a user behind the verbs' back."""
    begin_write()
    db.session.execute(update(User).where(User.id == person.id).values(**values))
    db.session.commit()


def row_of(person: Person) -> Any:
    """The user as stored now."""
    db.session.remove()
    return db.session.execute(select(*User.__table__.columns).where(User.id == person.id)).one()


def same(*responses: TestResponse) -> bool:
    """Whether answers cannot be told apart: status, headers and body but for the request's own name."""
    seen = set()
    for response in responses:
        body = response.get_data(as_text=True).replace(response.headers["X-Request-ID"], "")
        headers = tuple((name, value) for name, value in response.headers.items() if name != "X-Request-ID")
        seen.add((response.status_code, body, headers))
    return len(seen) == 1


def recorded(action: str) -> list[AuditEvent]:
    """The audit events of this kind, oldest first."""
    db.session.remove()
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)))


@contextmanager
def another(app: Flask, **overrides: Any) -> Iterator[Flask]:
    """A second application on the same database, as another process would have it."""
    values = {one.name: app.config[one.name] for one in SETTINGS}
    found = create_app(**{**values, **overrides}, instance_path=Path(app.instance_path))
    try:
        yield found
    finally:
        with found.app_context():
            db.session.remove()
            db.engine.dispose()
