"""Every error becomes one answer: problem+json (RFC 9457) for programs, a page for people, no word of the inside."""

from __future__ import annotations

import logging
import math
import re
from typing import Any

import orjson
from flask import Flask, Response, current_app, g, render_template, request
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from helpdesk import audit, errors, limits, logs
from helpdesk.errors import HelpdeskError
from models import begin_write, db

log = logging.getLogger(__name__)

OTHER_TITLES = {405: "This address does not take this method", 404: errors.NotFound.title, 413: errors.TooLarge.title}

TOO_LARGE = (
    "A message has at most 20,000 characters, and all that is sent at once {megabytes} MB."
    " Go back in your browser, and make it shorter or send fewer photos."
)


def wants_page() -> bool:
    """People's browsers get a page outside the API; everybody else a problem."""
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


def answer(
    status: int, kind: str, title: str, detail: str | None = None, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    request_id = g.get("request_id", "")
    if wants_page():
        page = render_template(
            "errors/error.html", status=status, title=title, detail=detail, request_id=request_id, back=_back(status)
        )
        response = current_app.response_class(page, status=status)
    else:
        problem = {"type": f"urn:campus-helpdesk:problem:{kind}", "title": title, "status": status}
        problem |= {"detail": detail} if detail else {}
        problem |= {"request_id": request_id, **more}
        response = current_app.response_class(
            orjson.dumps(problem, option=orjson.OPT_UTC_Z), status=status, mimetype="application/problem+json"
        )
    response.headers.update(headers or {})
    response.headers["Cache-Control"] = "no-store"
    return response


def _back(status: int) -> tuple[str, str]:
    """What an error page leads to, and its address: what a form was for that was not taken, else the beginning."""
    if not request.path.startswith("/staff"):
        return "Go to home", "/"
    form = re.match(r"(/staff/tickets/(\d+|new))\b", request.path)
    if form and request.method == "POST" and status not in (403, 404):
        return "Back to New ticket" if form[2] == "new" else f"Back to #{form[2]}", form[1]
    return "Go to the queue", "/staff/"


def helpdesk_error(error: HelpdeskError) -> Response:
    db.session.rollback()
    headers: dict[str, str] = {}
    more: dict[str, Any] = {}
    if isinstance(error, errors.NotSignedIn):
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if error.token_was_bad else "Bearer"
    elif isinstance(error, errors.Forbidden):
        _on_record(error)
    elif isinstance(error, errors.Invalid):
        more["errors"] = error.errors
    elif isinstance(error, errors.Taken):
        more["errors"] = {error.field: [error.detail]}
    elif isinstance(error, errors.Stale):
        more["current"] = error.current
        if "stale_etag" in g:
            headers["ETag"] = g.stale_etag
    elif isinstance(error, errors.TooMany | errors.Unavailable):
        headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))
    return answer(error.status, error.type, error.title, error.detail, headers, **more)


def _on_record(error: errors.Forbidden) -> None:
    """A denial is on record in a transaction of its own: the deed's is gone."""
    known = g.get("identity") or g.get("asking")
    if known is None:
        return
    try:
        if limits.wait_seconds(limits.DENIED, str(known.actor.id)):
            return
        begin_write()
        audit.record("denied", actor=known.actor, target=f"{request.method} {logs.without_tokens(request.path)}"[:64])
        db.session.commit()
    except DBAPIError:  # the answer stays no, whether or not it could be written down
        db.session.rollback()
        log.exception("a denial could not be recorded", extra={"path": logs.without_tokens(request.path)})


def denied(error: errors.Forbidden) -> None:
    """For a page that shows a denial itself: put it on record all the same."""
    db.session.rollback()
    _on_record(error)


def http_error(error: HTTPException) -> Response:
    db.session.rollback()
    status = error.code or 500
    if status < 400 and error.response is None:
        return error.get_response()  # type: ignore[return-value]  # a redirect of the router
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    detail = None
    if isinstance(error, RequestEntityTooLarge):
        headers["Connection"] = "close"
        detail = TOO_LARGE.format(megabytes=(request.max_content_length or 0) // 1024**2)
    kinds = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}
    title = OTHER_TITLES.get(status, errors.BadRequest.title if status < 500 else HelpdeskError.title)
    kind = kinds.get(status, "bad-request" if status < 500 else "internal-error")
    return answer(status, kind, title, detail if wants_page() else None, headers)


def _keep_words_out_of_logs(error: BaseException | None) -> None:
    """A failed statement is logged without its parameters, and without the row that PostgreSQL quotes."""
    while error is not None:
        if isinstance(error, StatementError):
            error.hide_parameters = True
            for one in (error, error.orig):
                if one is not None and one.args:
                    one.args = (str(one.args[0]).partition("\n")[0], *one.args[1:])
        error = error.__cause__ or error.__context__


def database_error(error: DBAPIError) -> Response:
    """The database is away, locked for too long, or full: say so and when to come back. Anything else is a bug."""
    db.session.rollback()
    _keep_words_out_of_logs(error)
    text = str(error.orig).lower()
    if "disk is full" in text or "disk full" in text or "no space left" in text:
        log.exception("the disk is full")
        return answer(503, "storage-full", "There is no room left to store this", headers={"Retry-After": "60"})
    if isinstance(error, OperationalError) or error.connection_invalidated:
        log.exception("the database does not answer")
        unavailable = errors.Unavailable()
        return answer(503, unavailable.type, unavailable.title, headers={"Retry-After": "5"})
    return bug(error)


def overtaken(error: IntegrityError | StaleDataError) -> Response:
    """Somebody deleted or took meanwhile what this refers to: what a verb could not foresee, a constraint stopped."""
    db.session.rollback()
    log.warning(
        "overtaken by another change", extra={"path": logs.without_tokens(request.path), "kind": type(error).__name__}
    )
    conflict = errors.Conflict()
    return answer(409, conflict.type, "Somebody changed this in the meantime: look again and repeat it")


def bug(error: Exception) -> Response:
    db.session.rollback()
    _keep_words_out_of_logs(error)
    log.exception("unexpected error", extra={"path": logs.without_tokens(request.path)})
    return answer(500, HelpdeskError.type, HelpdeskError.title)


def register(app: Flask) -> None:
    app.register_error_handler(HelpdeskError, helpdesk_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(IntegrityError, overtaken)
    app.register_error_handler(StaleDataError, overtaken)
    app.register_error_handler(DBAPIError, database_error)
    app.register_error_handler(Exception, bug)
