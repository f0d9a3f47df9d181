"""What a shape is, how a row becomes one, and what lists of them look like.

What goes out is written by `Shape.writer`, which is compiled from the fields once: marshmallow's own costs five times
as much on a page of tickets. A shape reads flat rows; a `Group` gathers the columns that share a prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter, itemgetter
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import fields, validate

from helpdesk.schemas.words import (
    Moment,
    query_number,
)
from models import Role


class Group(fields.Nested):
    """An object made of the columns `<prefix><field>`; null where its id is."""

    def __init__(self, nested: type[Shape], prefix: str, **kwargs: Any) -> None:
        super().__init__(nested, **kwargs)
        self.prefix = prefix


Dump = Callable[[Any], dict[str, Any]]


def _compile(schema: ma.Schema, pick: Callable[[list[str]], Callable[[Any], Any]], prefix: str = "") -> Dump:
    """Row → dict. `pick` makes a reader of several columns. Raises TypeError at once for a field it cannot write."""
    plain: list[str] = []
    groups: list[tuple[str, Callable[[Any], Any], Dump]] = []
    for name, field in schema.dump_fields.items():
        if isinstance(field, Group):
            inner = f"{prefix}{field.prefix}"
            groups.append((name, pick([f"{inner}id"]), _compile(field.schema, pick, inner)))
        elif isinstance(field, fields.Nested | fields.Method | fields.Function) or field.attribute or field.data_key:
            raise TypeError(f"{type(schema).__name__}.{name}: only plain columns and groups can be written")
        else:
            plain.append(name)
    read = pick([f"{prefix}{name}" for name in plain])
    one = len(plain) == 1  # a reader of one column gives it bare

    def dump(row: Any) -> dict[str, Any]:
        shown = {plain[0]: read(row)} if one else dict(zip(plain, read(row), strict=False))
        for name, key, group in groups:
            shown[name] = None if key(row) is None else group(row)
        return shown

    return dump


class Shape(ma.Schema):
    class Meta:
        unknown = ma.RAISE
        contract: ClassVar[dict[str, Any]] = {}
        """What the document says of it beside its fields."""

    def dump_row(self, row: Any) -> dict[str, Any]:
        """A row with this shape's columns as what the answer holds; dates stay dates for the JSON writer."""
        return self.writer(row)(row)

    def writer(self, row: Any) -> Dump:
        """What dumps rows like this one: by position if it is a SELECT's, else by name. Compiled once for each."""
        columns: tuple[str, ...] | None = getattr(row, "_fields", None)
        dumps: dict[tuple[str, ...] | None, Dump] = self.__dict__.setdefault("_dumps", {})
        dump = dumps.get(columns)
        if dump is None:

            def pick(names: list[str]) -> Callable[[Any], Any]:
                if columns is None:
                    return attrgetter(*names)
                return itemgetter(*(columns.index(name) for name in names))

            dump = dumps[columns] = _compile(self, pick)
        return dump


class ProblemShape(Shape):
    """RFC 9457."""

    type = fields.String(required=True, metadata={"example": "urn:campus-helpdesk:problem:not-found"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    request_id = fields.String(required=True)
    errors = fields.Dict(
        keys=fields.String(), metadata={"description": "Field → messages; with 422 and 409 of a taken name."}
    )
    current = fields.Dict(metadata={"description": "The thing as it is now; with 412."})


class CountShape(Shape):
    count = fields.Integer(required=True)
    more = fields.Boolean(required=True, metadata={"description": "There are more than were counted."})


class NumberShape(Shape):
    id = fields.Integer(required=True)


class PersonShape(Shape):
    id = fields.Integer(required=True)
    name = fields.String(required=True)


class ReporterShape(PersonShape):
    email = fields.String(allow_none=True, metadata={"description": "Only for staff."})
    bounced_at = Moment(
        allow_none=True, metadata={"description": "Only for staff: since when mails to the address come back."}
    )


class AuthorShape(PersonShape):
    role = fields.Enum(Role, by_value=True, required=True)


class NamedShape(Shape):
    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)


# --- lists ------------------------------------------------------------------------------------------------------------


class PageQuery(Shape):
    limit = query_number(1, 100, load_default=25)
    cursor = fields.String(
        load_default=lambda: None,
        validate=validate.Length(min=1, max=500),
        metadata={"description": "From `next_cursor`."},
    )


def sorted_by(*names: str, default: str, also: Mapping[str, str] | None = None) -> fields.String:
    """The orders of a list, either way; and others, which go one way, with what they mean."""
    others = also or {}
    said = " ".join(["`-` for descending.", *(f"`{name}`: {meaning}" for name, meaning in others.items())])
    choices = [*names, *(f"-{name}" for name in names), *others]
    return fields.String(load_default=default, validate=validate.OneOf(choices), metadata={"description": said})


_pages: dict[str, type[Shape]] = {}


def page_of(item: type[Shape]) -> type[Shape]:
    name = item.__name__.removesuffix("Shape") + "Page"
    if name not in _pages:
        _pages[name] = type(
            f"{name}Shape",
            (Shape,),
            {
                "items": fields.List(fields.Nested(item), required=True),
                "next_cursor": fields.String(required=True, allow_none=True),
            },
        )
    return _pages[name]
