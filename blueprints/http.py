"""What every door needs: who asks, what they sent, pages, ETags, idempotency, and how an answer is written.

`Doors.call` is one decorator for one call of the contract. It does what it is told and keeps a record of it in CALLS,
from which openapi.yml, docs/permissions.md and the tests' matrix are made: what is enforced and what is documented
cannot differ.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

import marshmallow as ma
import orjson
from flask import Blueprint, Flask, Response, current_app, g, request
from flask.json.provider import JSONProvider
from sqlalchemy import select, update
from werkzeug.datastructures import MultiDict
from werkzeug.routing import IntegerConverter

from helpdesk import auth, jobs, limits, policy
from helpdesk.errors import BadRequest, Conflict, Forbidden, Invalid, NotSignedIn, Stale, UnsupportedMediaType
from helpdesk.policy import ANONYMOUS, Action, Actor
from helpdesk.schemas import ID_MAX, Shape
from models import IdempotencyKey, begin_write, db

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ID = "<id:{}>"
"""In a path: an id. `ID.format("ticket_id")`."""


class IdConverter(IntegerConverter):
    """No more digits than ID_MAX has. A bound that is looked at after the pattern would make the router answer 405."""

    regex = rf"[0-9]{{1,{len(str(ID_MAX))}}}"


# --- JSON -------------------------------------------------------------------------------------------------------------


class Json(JSONProvider):
    """Reads strictly with the standard library, writes fast with orjson; dates end in Z."""

    OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj, option=self.OPTIONS).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return read_json(s if isinstance(s, bytes) else s.encode())

    def response(self, *args: Any, **kwargs: Any) -> Response:
        obj = self._prepare_response_obj(args, kwargs)
        return current_app.response_class(orjson.dumps(obj, option=self.OPTIONS), mimetype="application/json")


def read_json(raw: bytes) -> Any:
    """Raises BadRequest for what is not exactly one JSON text in UTF-8 (RFC 8259), for duplicate keys and for NaN."""
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite
        )
        if b"\\u" in raw:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no character
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON that this can read.") from None
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


# --- who asks ---------------------------------------------------------------------------------------------------------


def _cookie(name: str) -> str:
    """`__Host-` binds a cookie to this host and to https, which development does not have."""
    return f"__Host-{name}" if current_app.config["ENVIRONMENT"] == "production" else name


def peer() -> str:
    return request.remote_addr or "unknown"


def agent() -> str:
    return request.user_agent.string[:200]


def access_cookie() -> str | None:
    return request.cookies.get(_cookie("access_token"))


def refresh_cookie() -> str | None:
    return request.cookies.get(_cookie("refresh_token"))


def set_cookies(response: Response, signed_in: auth.SignedIn, *, access: bool = True) -> None:
    if access:
        _set_cookie(response, "access_token", signed_in.access_token)
    _set_cookie(response, "refresh_token", signed_in.refresh_token)


def _set_cookie(response: Response, name: str, value: str) -> None:
    # the access cookie outlives its token on purpose: expired, it still says which session to renew
    response.set_cookie(
        _cookie(name),
        value,
        max_age=auth.SESSION_DAYS * 86400,
        secure=current_app.config["ENVIRONMENT"] == "production",
        httponly=True,
        samesite="Lax",
    )


def renew_cookie(response: Response) -> None:
    """Hand out the access token that was renewed on the way, unless the answer sets or takes away cookies itself."""
    known = g.get("identity")
    if known is not None and known.renewed and "Set-Cookie" not in response.headers:
        _set_cookie(response, "access_token", known.renewed)


def clear_cookies(response: Response) -> None:
    for name in ("access_token", "refresh_token"):
        response.delete_cookie(
            _cookie(name), secure=current_app.config["ENVIRONMENT"] == "production", httponly=True, samesite="Lax"
        )


def bearer() -> str | None:
    """The token of an Authorization header, which no other site's page can set."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def identity() -> auth.Identity:
    """Who asks, read once a request. Raises NotSignedIn; Forbidden for a cookie that somebody else's page sent."""
    if "identity" not in g:
        if "Authorization" in request.headers:
            token = bearer()
            if token is None:
                raise NotSignedIn
            found = auth.identify(token, None, peer=peer(), request_id=g.request_id)
        else:
            token = access_cookie()
            if token is None:
                raise NotSignedIn
            found = auth.identify(token, refresh_cookie(), peer=peer(), request_id=g.request_id)
            g.asking = found  # whose cookie it was goes on record if somebody else's page sent it
            if request.method not in SAFE:
                check_origin()
        g.identity = found
    known: auth.Identity = g.identity
    return known


def anonymous() -> Actor:
    return Actor(id=None, role=None, kind=ANONYMOUS.kind, peer=peer(), request_id=g.request_id)


def check_origin() -> None:
    """A cookie comes along whoever wrote the page, so an unsafe request must say that ours did. Raises Forbidden."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    listed = current_app.config["CORS_ORIGINS"]
    if site is not None:
        right = site == "same-origin" or origin in listed
    else:
        right = origin is not None and (origin == current_app.config["PUBLIC_BASE_URL"] or origin in listed)
    if not right:
        raise Forbidden("This request does not come from our own pages.")


def check_origin_of_public_call() -> None:
    """The same for calls that need no sign-in: browsers say where they come from, programs without cookies need not."""
    browser = "Sec-Fetch-Site" in request.headers or "Origin" in request.headers
    if browser or (bearer() is None and (access_cookie() or refresh_cookie())):
        check_origin()


def is_browser() -> bool:
    return "Sec-Fetch-Site" in request.headers


# --- what they sent ---------------------------------------------------------------------------------------------------


def load(shape: Shape, data: Any) -> dict[str, Any]:
    """Raises Invalid with a message for each field."""
    try:
        loaded: dict[str, Any] = shape.load(data)
    except ma.ValidationError as error:
        raise Invalid(_messages(error.normalized_messages())) from None
    return loaded


def _messages(found: dict[str, Any]) -> dict[str, Any]:
    """Ours: what belongs to no field is under `body`; a list's are under their number, as text."""
    return {
        ("body" if key == "_schema" else str(key)): _messages(value) if isinstance(value, dict) else value
        for key, value in found.items()
    }


def _body(shape: Shape) -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    return load(shape, read_json(request.get_data()))


def query_dict(shape: Shape | None, args: MultiDict[str, str]) -> dict[str, Any]:
    """A query string as its shape wants it: what may be repeated as lists. Raises Invalid."""
    fields = shape.fields if shape else {}
    data: dict[str, Any] = {}
    for name in args:
        values = args.getlist(name)
        if name in fields and isinstance(fields[name], ma.fields.List):
            data[name] = values
        elif len(values) > 1:
            raise Invalid({name: ["Give this once."]})
        else:
            data[name] = values[0]
    return load(shape or Shape(), data)


def expect_version(version: int | None, current: Callable[[], dict[str, Any]]) -> None:
    """If-Match names the version that somebody has in front of them. Raises Stale with the thing as it is now."""
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    known = set(re.findall(r'"(\d+)[."]', wanted))
    if str(version) not in known:
        shown = current()
        g.stale_etag = make_etag(shown)
        raise Stale("Look at what changed, then send it again.", current=shown)


# --- idempotency ------------------------------------------------------------------------------------------------------


class Replay(Exception):
    def __init__(self, row: Any) -> None:
        self.row = row


def _idempotency(actor: Actor) -> tuple[str, str] | None:
    key = request.headers.get("Idempotency-Key")
    if key is None or actor.id is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise Invalid({"Idempotency-Key": ["Use 1 to 255 visible ASCII characters."]})
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.get_data()).hexdigest()
    return key, digest


def limit(actor: Actor, of: limits.Limit) -> None:
    """How often a customer may do this; the staff are not limited. Raises TooMany."""
    if not actor.is_staff:
        limits.check(of, str(actor.id))


def begin(actor: Actor) -> None:
    """Open the deed's transaction. Load again after it what will be changed.

    Claims the Idempotency-Key in it: of two at once, the second waits here for the first and repeats its answer.
    """
    begin_write()
    claim = g.pop("idempotency", None)
    if claim is None:
        return
    key, digest = claim
    empty = {"request_digest": digest, "status": 0, "headers": {}, "body": b""}
    if not jobs.insert_ignore(IdempotencyKey, user_id=actor.id, key=key, **empty):
        row = db.session.execute(
            select(IdempotencyKey).where(IdempotencyKey.user_id == actor.id, IdempotencyKey.key == key)
        ).scalar_one()
        if row.request_digest != digest:
            raise Invalid({"Idempotency-Key": ["This key was used for another request."]})
        raise Replay(row)
    g.claimed = (actor.id, key)


def _keep(response: Response) -> None:
    """Store the answer under the claimed key, in the deed's transaction."""
    claimed = g.pop("claimed", None)
    if claimed is not None:
        headers = {name: response.headers[name] for name in ("Location", "ETag") if name in response.headers}
        db.session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.user_id == claimed[0], IdempotencyKey.key == claimed[1])
            .values(status=response.status_code, headers=headers, body=response.get_data())
        )


def _replayed(row: Any) -> Response:
    response = current_app.response_class(row.body, status=row.status, mimetype="application/json")
    response.headers.update(row.headers)
    response.headers["Idempotent-Replayed"] = "true"
    db.session.rollback()
    return response


# --- forms of our own pages -------------------------------------------------------------------------------------------


def begin_form(actor: Actor) -> None:
    """`begin` for a form: its hidden `key` is the Idempotency-Key, so that sending it twice does it once.

    Raises Replay where it was sent before (see `seen_before`), Conflict where other words were sent under this key.
    """
    key = request.form.get("key", "")
    if re.fullmatch(r"[0-9a-f]{32}", key):
        wish = f"{request.method} {request.path}\n{urlencode(sorted(request.form.items(multi=True)))}"
        g.idempotency = (f"form-{key}", hashlib.sha256(wish.encode()).hexdigest())
    try:
        begin(actor)
    except Invalid:
        raise Conflict("This form was sent once already. Send it again to say this as well.") from None


def expect_form_version(version: int) -> None:
    """A form's hidden `version` is the one that its writer had in front of them. Raises Stale."""
    if request.form.get("version") != str(version):
        raise Stale


def look(path: str) -> Response:
    """Commit what a form did, and send its browser to look: 303, so that a reload sends nothing again."""
    response = current_app.response_class(status=303, headers={"Location": path})
    _keep(response)
    db.session.commit()
    return response


def seen_before(replay: Replay) -> Response:
    """Send the browser where the first sending of the form led."""
    response = current_app.response_class(status=303, headers={"Location": replay.row.headers["Location"]})
    db.session.rollback()
    return response


# --- answers ----------------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    """What a call answers when the body alone does not say it."""

    body: Any = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    signed_in: auth.SignedIn | None = None
    signed_out: bool = False


def page(items: list[dict[str, Any]], next_cursor: str | None) -> Answer:
    """A page of a list, with the address of the next."""
    headers = {}
    if next_cursor is not None:
        query = MultiDict(request.args)
        query["cursor"] = next_cursor
        headers["Link"] = f'<{request.path}?{_query(query)}>; rel="next"'
    return Answer({"items": items, "next_cursor": next_cursor}, headers=headers)


def _query(args: MultiDict[str, str]) -> str:
    return urlencode(list(args.items(multi=True)))


def make_etag(body: Any, raw: bytes | None = None) -> str:
    """The version, which If-Match compares, and a digest of all that this caller sees, which If-None-Match compares."""
    raw = raw if raw is not None else orjson.dumps(body, option=Json.OPTIONS)
    version = body.get("version") if isinstance(body, Mapping) else None
    return f'"{version or 0}.{hashlib.blake2b(raw, digest_size=9).hexdigest()}"'


def _respond(answer: Answer, default_status: int) -> Response:
    status = answer.status or default_status
    if answer.body is None:
        response = current_app.response_class(status=status)
        response.headers.pop("Content-Type", None)
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


# --- the calls of the contract ----------------------------------------------------------------------------------------


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
    status: int
    creates: bool
    if_match: bool
    limited: bool
    cookies: bool
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
        status: int = 200,
        creates: bool = False,
        if_match: bool = False,
        limited: bool = False,
        cookies: bool = False,
        raises: tuple[int, ...] = (),
    ) -> Callable[[F], F]:
        """Serve a call to whoever's role has the action; None is everybody, signed in or not.

        The function gets the actor, the path's parts, and `body` and `query` where they have a shape. It returns what
        is sent, or an Answer. What it wrote is committed after it, once. `creates` takes an Idempotency-Key,
        `if_match` an If-Match, `cookies` lets it sign somebody in or out; `limited` and `raises` (statuses) are for the
        documents.
        """
        body_shape, query_shape, out_shape = (shape() if shape else None for shape in (body, query, out))

        def decorate(function: F) -> F:
            summary, _, description = (function.__doc__ or "").strip().partition("\n")

            @wraps(function)
            def view(**path: Any) -> Response:
                if action is None:
                    if request.method not in SAFE:
                        check_origin_of_public_call()
                    actor = anonymous()
                else:
                    actor = identity().actor
                    policy.require(actor, action)
                arguments = dict(path)
                arguments_of_query = query_dict(query_shape, request.args)
                if query_shape is not None:
                    arguments["query"] = arguments_of_query
                if body_shape is not None:
                    arguments["body"] = _body(body_shape)
                if creates:
                    g.idempotency = _idempotency(actor)
                try:
                    answer = function(actor, **arguments)
                except Replay as replay:
                    return _replayed(replay.row)
                answer = answer if isinstance(answer, Answer) else Answer(answer)
                response = _respond(answer, status)
                if cookies:
                    _sign(answer, response)
                if request.method not in SAFE:
                    _keep(response)
                    db.session.commit()
                return response

            endpoint = f"{function.__name__}_{method.lower()}"
            self.add_url_rule(rule, endpoint, view, methods=[method])
            full = f"{self.url_prefix or ''}{rule}"
            CALLS[f"{method} {full}"] = Call(
                method, full, f"{self.name}.{endpoint}", action, body_shape, query_shape, out_shape, status,
                creates, if_match, limited, cookies, raises, summary.rstrip("."), " ".join(description.split()),
                self.name,
            )  # fmt: skip
            return function

        return decorate


def served(app: Flask) -> list[Call]:
    """The calls that this application serves, in the order of their addresses."""
    return sorted((c for c in CALLS.values() if c.endpoint in app.view_functions), key=lambda c: (c.rule, c.method))
