"""What they sent: paths, query strings and bodies, as their shapes want them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.routing import IntegerConverter, UnicodeConverter

from blueprints.http.codec import read_json
from helpdesk.errors import Invalid, UnsupportedMediaType
from helpdesk.schemas import ID_MAX, Shape

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
