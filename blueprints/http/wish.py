"""What they sent: paths, query strings and bodies, as their shapes want them."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any

import marshmallow as ma
from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.formparser import FormDataParser
from werkzeug.routing import IntegerConverter, UnicodeConverter

from blueprints.http.codec import read_json
from helpdesk.errors import BadRequest, Invalid, UnsupportedMediaType
from helpdesk.images import MAX_BYTES
from helpdesk.schemas import ID_MAX, Shape
from models import db

UPLOAD_BYTES = MAX_BYTES + 16 * 1024
"""Of a body with one file in it: what stands around the file is small."""

ID = "<id:{}>"
"""In a path: an id. `ID.format("ticket_id")`."""


TOKEN = "<token:token>"  # noqa: S105
"""In a path: what stands in a link that was mailed."""


class TokenConverter(UnicodeConverter):
    """As `helpdesk/auth/keys.py:derive` makes them: 256 bits, or nothing is looked for."""

    regex = r"[A-Za-z0-9_-]{43}"


class IdConverter(IntegerConverter):
    """No more digits than ID_MAX has. A bound that is looked at after the pattern would make the router answer 405."""

    regex = rf"[0-9]{{1,{len(str(ID_MAX))}}}"


def load(shape: Shape, data: Any) -> dict[str, Any]:
    """Raises Invalid with a message for each field."""
    try:
        loaded: dict[str, Any] = shape.load(data)
    except ma.ValidationError as error:
        raise Invalid(_messages(error.normalized_messages())) from None
    return loaded


def load_form(shape: Shape, wish: dict[str, Any], wrong: dict[str, list[str]]) -> dict[str, Any]:
    """The same for a form, in which something was found wrong already: all of it is said at once. Raises Invalid."""
    try:
        loaded = load(shape, wish)
    except Invalid as error:
        raise Invalid({**error.errors, **wrong}) from None
    if wrong:
        raise Invalid(wrong)
    return loaded


def _messages(found: dict[str, Any]) -> dict[str, Any]:
    """Ours: what belongs to no field is under `body`; a list's are under their number, as text."""
    return {
        ("body" if key == "_schema" else str(key)): _messages(value) if isinstance(value, dict) else value
        for key, value in found.items()
    }


def body_of(shape: Shape) -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    return load(shape, read_json(request.get_data()))


def upload_of(name: str) -> bytes:
    """The one file of a multipart body. What it is called and what it says it is, is not looked at. Raises Invalid."""
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(f"multipart/form-data, with the file as {name}")
    db.session.rollback()  # somebody may send for minutes: not with a connection in hand
    request.max_content_length = UPLOAD_BYTES
    parser = FormDataParser(
        stream_factory=_in_memory, max_form_memory_size=1024 * 1024, max_form_parts=10, silent=False
    )
    try:
        _, form, files = parser.parse(request.stream, request.mimetype, request.content_length, request.mimetype_params)
    except (ValueError, UnicodeError):
        raise BadRequest("The body is not multipart/form-data that this can read.") from None
    given = [*form.items(multi=True), *files.items(multi=True)]
    if unknown := {key for key, _ in given if key != name}:
        raise Invalid({str(key): ["Unknown field."] for key in unknown})
    if len(given) != 1 or not files:
        raise Invalid({name: ["Send one file."]})
    stream: BytesIO = files[name].stream  # type: ignore[assignment]  # made by _in_memory
    return stream.getvalue()


def _in_memory(
    total_content_length: int | None,
    content_type: str | None,
    filename: str | None,
    content_length: int | None = None,
) -> IO[bytes]:
    """It is small enough, and a disk may be full."""
    return BytesIO()


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
