"""Deeds that are done once, however often they are sent: Idempotency-Key, and the hidden key of a form."""

from __future__ import annotations

import hashlib
import re
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, g, request
from sqlalchemy import select, update

from helpdesk import jobs
from helpdesk.errors import Conflict, Invalid
from helpdesk.policy import Actor
from models import IdempotencyKey, begin_write, db


class Replay(Exception):
    def __init__(self, row: Any) -> None:
        self.row = row


def idempotency_of(actor: Actor, sent: bytes | None = None) -> tuple[str, str] | None:
    """The key and a digest of the request: of its file, where it has one, for each sending draws its own boundary."""
    key = request.headers.get("Idempotency-Key")
    if key is None or actor.id is None:
        return None
    _check(key)
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    digest.update(request.get_data() if sent is None else sent)
    return key, digest.hexdigest()


def _check(key: str) -> None:
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise Invalid({"Idempotency-Key": ["Use 1 to 255 visible ASCII characters."]})


def name_of_call() -> str | None:
    """What repetitions of a call have in common, and nothing else has: for people without an account.

    Of the body too, so that nobody's key silences another's report. None without an Idempotency-Key. Raises Invalid.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    _check(key)
    digest = hashlib.sha256(f"{key}\n".encode() + request.get_data())
    return f"call-{digest.hexdigest()}"


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


def keep(response: Response) -> None:
    """Store the answer under the claimed key, in the deed's transaction."""
    claimed = g.pop("claimed", None)
    if claimed is not None:
        headers = {name: response.headers[name] for name in ("Location", "ETag") if name in response.headers}
        db.session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.user_id == claimed[0], IdempotencyKey.key == claimed[1])
            .values(status=response.status_code, headers=headers, body=response.get_data())
        )


def replayed(row: Any) -> Response:
    response = current_app.response_class(row.body, status=row.status, mimetype="application/json")
    response.headers.update(row.headers)
    response.headers["Idempotent-Replayed"] = "true"
    db.session.rollback()
    return response


def begin_form(actor: Actor) -> None:
    """`begin` for a form: its hidden `key` is the Idempotency-Key, so that sending it twice does it once.

    Raises Replay where it was sent before (see `seen_before`), Conflict where other words were sent under this key.
    """
    key = request.form.get("key", "")
    if re.fullmatch(r"[0-9a-f]{32}", key):
        wish = f"{request.method} {request.path}\n{urlencode(sorted(request.form.items(multi=True)))}"
        g.idempotency = (f"form-{key}", hashlib.sha256(f"{wish}\n{' '.join(_files())}".encode()).hexdigest())
    try:
        begin(actor)
    except Invalid:
        raise Conflict("This form was sent once already. Send it again to say this as well.") from None


def _files() -> list[str]:
    """A digest of each file that the form brings."""
    found = []
    for file in chain.from_iterable(request.files.listvalues()):
        found.append(hashlib.sha256(file.stream.read()).hexdigest())
        file.stream.seek(0)
    return found


def look(path: str) -> Response:
    """Commit what a form did, and send its browser to look: 303, so that a reload sends nothing again."""
    response = current_app.response_class(status=303, headers={"Location": path})
    keep(response)
    db.session.commit()
    return response


def leave() -> None:
    """Undo what a form began, its claim too: it may be sent again."""
    g.pop("claimed", None)
    db.session.rollback()


def seen_before(replay: Replay) -> Response:
    """Send the browser where the first sending of the form led."""
    response = current_app.response_class(status=303, headers={"Location": replay.row.headers["Location"]})
    db.session.rollback()
    return response


def name_of_form() -> str | None:
    """What both sendings of a form have in common, and nothing else has: for people without an account.

    None without the hidden `key` that tells apart who says the same.
    """
    if not re.fullmatch(r"[0-9a-f]{32}", request.form.get("key", "")):
        return None
    return hashlib.sha256(urlencode(sorted(request.form.items(multi=True))).encode()).hexdigest()
