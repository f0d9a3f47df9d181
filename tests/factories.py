"""Test data, made by plain functions through the verbs and the doors."""

from __future__ import annotations

import contextvars
import io
import re
from functools import lru_cache
from typing import Any

from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from helpdesk import auth, images, jobs, mail, policy
from models import Role, User, begin_write, db, now

PASSWORD = "correct horse battery staple"


@lru_cache(maxsize=1)
def hashed() -> str:
    """One hash for the whole run."""
    return auth.hash_password(PASSWORD)


_numbers = iter(range(1, 10**9))


def make_user(role: str = "customer", *, name: str | None = None, **fields: Any) -> User:
    number = next(_numbers)
    username = fields.pop("username", f"{role}{number}")
    begin_write()
    user = User(
        username=username,
        name=name or f"{role.title()} {number}",
        role=Role(role),
        email=f"{username}@campus.test",
        email_normalized=f"{username}@campus.test",
        password_hash=hashed(),
        email_verified_at=now(),
        is_active=True,
        **fields,
    )
    db.session.add(user)
    db.session.commit()
    return user


class Person:
    """Somebody at the API. Signed in by a session of their own; each request is a new connection."""

    def __init__(self, app: Flask, user: User | None = None) -> None:
        self.app = app
        self.id = user.id if user else 0
        self.name = user.name if user else ""
        self.username = (user.username or "") if user else ""
        self.email = (user.email or "") if user else ""
        self.token: str | None = None
        if user is not None:
            self.signs_in()

    def signs_in(self) -> None:
        """Start a session, now: tests that move the clock need a token of their time."""
        begin_write()
        self.token = auth.start_session(db.session.get_one(User, self.id), peer="test", agent="test").access_token
        db.session.commit()

    @classmethod
    def made(cls, app: Flask, role: str, **fields: Any) -> Person:
        return cls(app, make_user(role, **fields))

    @property
    def actor(self) -> policy.Actor:
        user = db.session.get_one(User, self.id)
        return policy.Actor(id=user.id, role=user.role, name=user.name)

    def open(self, method: str, path: str, *, headers: dict[str, str] | None = None, **kwargs: Any) -> TestResponse:
        db.session.remove()
        headers = dict(headers or {})
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        client = self.app.test_client(use_cookies=False)
        # in an empty context, for the test's own application context would lend the request its `g`
        return contextvars.Context().run(lambda: client.open(path, method=method, headers=headers, **kwargs))

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.open("GET", path, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.open("POST", path, json=json, **kwargs)

    def put(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.open("PUT", path, json=json, **kwargs)

    def patch(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.open("PATCH", path, json=json, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> TestResponse:
        return self.open("DELETE", path, **kwargs)

    def reports(self, **fields: Any) -> int:
        """Report a problem and say its number."""
        response = self.post("/api/tickets", a_report(**fields))
        assert response.status_code == 201, response.get_data(as_text=True)
        return int(response.json["id"])

    def writes(self, ticket_id: int, text: str = "Any news?", **fields: Any) -> int:
        response = self.post(f"/api/tickets/{ticket_id}/comments", {"text": text, **fields})
        assert response.status_code == 201, response.get_data(as_text=True)
        return int(response.json["id"])

    def sets(self, ticket_id: int, **fields: Any) -> dict[str, Any]:
        response = self.patch(f"/api/tickets/{ticket_id}", fields)
        assert response.status_code == 200, response.get_data(as_text=True)
        shown: dict[str, Any] = response.json
        return shown

    def joins(self, ticket_id: int) -> None:
        response = self.put(f"/api/tickets/{ticket_id}/affected/me")
        assert response.status_code == 204, response.get_data(as_text=True)

    def uploads(
        self, picture: bytes | None = None, *, to: int | None = None, through: str | None = None, ready: bool = True
    ) -> int:
        """Upload a photo, perhaps to a ticket, or through a guest's link.

        What is ready was not decoded: its bytes are only called so.
        """
        path = "/api/uploads" if to is None else f"/api/tickets/{to}/images"
        path = path if through is None else f"/api/tickets/by-link/{through}/uploads"
        response = self.open("POST", path, **form(picture or a_picture()))
        assert response.status_code == 201, response.get_data(as_text=True)
        number = int(response.json["id"])
        if ready:
            made_ready(number)
        return number

    def sees(self, ticket_id: int) -> dict[str, Any]:
        response = self.get(f"/api/tickets/{ticket_id}")
        assert response.status_code == 200, response.get_data(as_text=True)
        shown: dict[str, Any] = response.json
        return shown


def a_report(**fields: Any) -> dict[str, Any]:
    return {
        "title": "Water dripping from the ceiling",
        "description": "A steady drip, right next to the projector.",
        "category": "facilities-leaks",
        **fields,
    }


@lru_cache(maxsize=8)
def a_picture(width: int = 4, height: int = 3, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 90)).save(out, kind)
    return out.getvalue()


def form(picture: bytes, *, field: str = "image", filename: str = "photo.png", boundary: str = "b") -> dict[str, Any]:
    """A multipart body with one file, as arguments of a request."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{filename}"\r\n\r\n'
    data = head.encode() + picture + f"\r\n--{boundary}--\r\n".encode()
    return {"data": data, "content_type": f"multipart/form-data; boundary={boundary}"}


def made_ready(image_id: int, photo: bytes = b"a photo", thumbnail: bytes = b"a small one") -> None:
    """What the worker does with an upload, without the worker."""
    images.finish(image_id, images.Remade(photo, thumbnail, 4, 3))
    db.session.remove()


def work() -> int:
    """Let the worker do what is due."""
    db.session.remove()
    done = jobs.drain()
    db.session.remove()
    return done


def mails(to: str | None = None) -> list[dict[str, Any]]:
    """What was mailed, newest first."""
    work()
    return [found for found in mail.kept() if to is None or found["to"].endswith(f"{to}>") or found["to"] == to]


def link_in(message: dict[str, Any]) -> str:
    """The token of the link in a mail."""
    found = re.search(r"token=([\w-]+)", message["text"])
    assert found, message["text"]
    return found.group(1)
