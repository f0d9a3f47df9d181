"""The calls of the contract: one decorator enforces what it is told, and keeps a record of it for the documents."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial, wraps
from itertools import chain
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Flask, Response, current_app, g, request
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import MultiDict

from blueprints.http.codec import Json
from blueprints.http.once import Replay, idempotency_of, keep, replayed
from blueprints.http.versions import make_etag
from blueprints.http.visitor import (
    SAFE,
    anonymous,
    check_origin_of_public_call,
    clear_cookies,
    has_credentials,
    identity,
    is_browser,
    set_cookies,
)
from blueprints.http.wish import body_of, query_dict, upload_of
from helpdesk import auth, policy
from helpdesk.images import TYPE as PICTURE
from helpdesk.policy import Action
from helpdesk.schemas import Shape
from helpdesk.spreadsheets import TYPE
from models import db

DEADLOCK_DETECTED = "40P01"


@dataclass
class Answer:
    """What a call answers when the body alone does not say it. A body of bytes is sent as it is, an
    iterator of them piece by piece."""

    body: Any = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    signed_in: auth.SignedIn | None = None
    signed_out: bool = False


def page(items: list[dict[str, Any]], next_cursor: str | None, *, by: str = "cursor") -> Answer:
    """A page of a list, with the address of the next: `by` is the parameter that takes the cursor."""
    headers = {}
    if next_cursor is not None:
        query = MultiDict(request.args)
        query[by] = next_cursor
        headers["Link"] = f'<{request.path}?{_query(query)}>; rel="next"'
    return Answer({"items": items, "next_cursor": next_cursor}, headers=headers)


def photo(data: bytes, digest: str, name: str) -> Answer:
    """A picture of ours: it says what it is, and does nothing."""
    return Answer(
        data,
        headers={
            "Content-Type": PICTURE,
            "Content-Disposition": f'inline; filename="{name}.webp"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "ETag": f'"{digest}"',
        },
    )


def table(pieces: Iterator[bytes], name: str) -> Answer:
    """A CSV file, sent as it is read."""
    headers = {"Content-Type": TYPE, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Answer(pieces, headers=headers)


def text_file(data: bytes, name: str) -> Answer:
    """Text of somebody else, to be kept as a file: no browser shows it, and none guesses what it might be."""
    return Answer(
        data,
        headers={
            "Content-Type": "text/plain",
            "Content-Disposition": f'attachment; filename="{name}.txt"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
        },
    )


def streamed(answer: Answer, status: int = 200) -> Response:
    """An answer whose body is an iterator: sent piece by piece."""
    headers = {"Cache-Control": "no-store", **answer.headers}
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return current_app.response_class(_piecewise(app, answer.body), status=status, headers=headers)


def _piecewise(app: Flask, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Each read with a session of its own: whoever takes it in slowly holds nothing meanwhile."""
    while True:
        with app.app_context():
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _query(args: MultiDict[str, str]) -> str:
    return urlencode(list(args.items(multi=True)))


def _respond(answer: Answer, default_status: int) -> Response:
    status = answer.status or default_status
    if answer.body is None:
        response = current_app.response_class(status=status)
        response.headers.pop("Content-Type", None)
    elif isinstance(answer.body, Iterator):
        return streamed(answer, status)
    elif isinstance(answer.body, bytes):
        response = current_app.response_class(answer.body, status=status)
    else:
        raw = orjson.dumps(answer.body, option=Json.OPTIONS)
        response = current_app.response_class(raw, status=status, mimetype="application/json")
        if request.method in SAFE or (isinstance(answer.body, dict) and "version" in answer.body):
            response.headers["ETag"] = make_etag(answer.body, raw)
    response.headers.update(answer.headers)
    if request.method in ("GET", "HEAD") and status == 200:
        response.headers["Cache-Control"] = "private, no-cache"
        response.make_conditional(request)
    return response


def _sign(answer: Answer, response: Response) -> None:
    if answer.signed_in is not None:
        set_cookies(response, answer.signed_in, access=is_browser())
    if answer.signed_out:
        clear_cookies(response)


def _again_after_deadlock(deed: Callable[[], Any]) -> Any:
    """PostgreSQL ends one of two deeds that wait for each other. Nothing of it was written: it is done again."""
    claim = g.get("idempotency")
    for _ in range(2):
        try:
            return deed()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != DEADLOCK_DETECTED:
                raise
            db.session.rollback()
            g.idempotency = claim
            for file in chain.from_iterable(request.files.listvalues()):
                file.stream.seek(0)
    return deed()


@cache
def _repeated(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def repeated(**path: Any) -> Any:
        deed = partial(view, **path)
        return deed() if request.method in SAFE else _again_after_deadlock(deed)

    return repeated


class Pages(Blueprint):
    """A blueprint of pages, whose forms are worked on again where a deadlock ended that."""

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, *args: Any, **how: Any
    ) -> None:
        super().add_url_rule(rule, endpoint, view_func and _repeated(view_func), *args, **how)


@dataclass(frozen=True)
class Call:
    """One call as it is enforced, for the documents and tests that are made of it."""

    method: str
    rule: str
    endpoint: str
    action: Action | None
    body: Shape | None
    query: Shape | None
    out: Shape | None
    sends: str | None
    streams: tuple[str, ...]
    status: int
    upload: str | None
    creates: bool
    if_match: bool
    limited: bool
    cookies: bool
    guests: bool
    raises: tuple[int, ...]
    summary: str
    description: str
    tag: str


CALLS: dict[str, Call] = {}
"""`METHOD /rule` → the call."""

F = TypeVar("F", bound=Callable[..., Any])


class Doors(Blueprint):
    """A blueprint of the JSON contract."""

    def call(
        self,
        method: str,
        rule: str,
        action: Action | None,
        *,
        body: type[Shape] | None = None,
        query: type[Shape] | None = None,
        out: type[Shape] | None = None,
        sends: str | None = None,
        streams: tuple[str, ...] = (),
        status: int = 200,
        upload: str | None = None,
        creates: bool = False,
        if_match: bool = False,
        limited: bool = False,
        cookies: bool = False,
        guests: bool = False,
        first: Callable[..., object] | None = None,
        raises: tuple[int, ...] = (),
    ) -> Callable[[F], F]:
        """Serve a call to whoever's role has the action; None is everybody, signed in or not.

        The function gets the actor, the path's parts, and `body` and `query` where they have a shape. It returns what
        is sent, or an Answer. What it wrote is committed after it, once. `upload` names the file of a multipart body,
        which the function gets as bytes; `creates` takes an Idempotency-Key, `if_match` an If-Match, `cookies` lets it
        sign somebody in or out; `guests` lets people without an account come too, who are answered 202; `first` is
        called with the path's parts before a body is read, which may be too large to be read for nothing. `sends` (the
        type of what is no JSON), `streams` (the types of what comes in portions), `limited` and `raises` (statuses) are
        for the documents.
        """
        body_shape, query_shape, out_shape = (shape() if shape else None for shape in (body, query, out))

        def decorate(function: F) -> F:
            summary, _, description = (function.__doc__ or "").strip().partition("\n")

            @wraps(function)
            def view(**path: Any) -> Response:
                if action is None or (guests and not has_credentials()):
                    if request.method not in SAFE:
                        check_origin_of_public_call()
                    actor = anonymous()
                else:
                    actor = identity().actor
                    policy.require(actor, action)
                if first is not None:
                    first(**path)
                arguments = dict(path)
                arguments_of_query = query_dict(query_shape, request.args)
                if query_shape is not None:
                    arguments["query"] = arguments_of_query
                if body_shape is not None:
                    arguments["body"] = body_of(body_shape)
                if upload is not None:
                    arguments[upload] = upload_of(upload)
                g.idempotency = idempotency_of(actor, arguments[upload] if upload else None) if creates else None
                try:
                    answer = _again_after_deadlock(partial(function, actor, **arguments))
                except Replay as replay:
                    return replayed(replay.row)
                answer = answer if isinstance(answer, Answer) else Answer(answer)
                response = _respond(answer, status)
                if cookies:
                    _sign(answer, response)
                if request.method not in SAFE:
                    keep(response)
                    db.session.commit()
                return response

            endpoint = f"{function.__name__}_{method.lower()}"
            self.add_url_rule(rule, endpoint, view, methods=[method])
            full = f"{self.url_prefix or ''}{rule}"
            CALLS[f"{method} {full}"] = Call(
                method, full, f"{self.name}.{endpoint}", action, body_shape, query_shape, out_shape, sends,
                streams, status, upload, creates, if_match, limited, cookies, guests, raises, summary.rstrip("."),
                " ".join(description.split()), self.name,
            )  # fmt: skip
            return function

        return decorate


def served(app: Flask) -> list[Call]:
    """The calls that this application serves, in the order of their addresses."""
    return sorted((c for c in CALLS.values() if c.endpoint in app.view_functions), key=lambda c: (c.rule, c.method))
