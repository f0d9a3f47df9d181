"""The words that shapes are made of: fields that take exactly what they say, and coerce nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields, validate

ID_MAX = 10**15 - 1
"""More than there will ever be, and a number that JavaScript can hold."""
_HIDDEN = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u2028-\u202e\u2066-\u2069"
_NO_LINES = r"\u0000-\u001f\u007f\u0085\u2028-\u202e\u2066-\u2069"
_BLANK = r"\u00ad\u115f\u1160\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f\u2800\u3164\ufeff\uffa0"
"""Seen as nothing: taken off the ends like space, so that nobody is called by it alone."""
_ENDS = "".join(c for c in map(chr, range(0x10000)) if c.isspace() or re.match(f"[{_BLANK}]", c))
_CONTROL = re.compile(rf"[{_HIDDEN}\ud800-\udfff]")
_SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"


class Exactly(validate.Regexp):
    """The pattern and nothing after it: Python's `$` lets a line break follow."""

    def __call__(self, value: str) -> str:  # type: ignore[override]
        if re.fullmatch(str(self.regex.pattern), value) is None:
            raise ValidationError(self._format_error(value))
        return value


class Words(fields.String):
    """Text of people, trimmed: one line, or many. No control characters, which end up in mail headers and logs."""

    def __init__(self, low: int, high: int, *, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(min=low, max=high), **kwargs)
        self.lines = lines
        out, edge = (_HIDDEN, rf"\s\u0085{_HIDDEN}{_BLANK}") if lines else (_NO_LINES, rf"\s{_NO_LINES}{_BLANK}")
        self.pattern = rf"^[^{edge}](?:[^{out}]*[^{edge}])?$" if low else rf"^[^{out}]*$"
        """For the documents: what is taken as it is. Space around it is taken off."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        text = text.replace("\r\n", "\n").strip(_ENDS)
        if _CONTROL.search(text) or (not self.lines and re.search(r"[\r\n\t\x85]", text)):
            raise ValidationError("Leave out control characters." if self.lines else "Write it in one line.")
        return text


class Secret(fields.String):
    """A password or token: taken as it is."""

    pattern = r"^[^\u0000]*$"

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if re.search(r"[\x00\ud800-\udfff]", text):
            raise ValidationError("Leave out control characters.")
        return text


class Address(Words):
    """One mail address, as it goes into a header."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(3, 254, metadata={"format": "email", **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return check_address(text)


def check_address(text: str) -> str:
    """Raises ValidationError unless it is one address that a mail header can hold."""
    validate.Email(error="Write an address, such as name@example.edu.")(text)
    # one that our mails can be sent to: no list, no encoded word, nothing that needs SMTPUTF8
    if re.search(r"[\s,;:<>()\[\]\\\"]", text) or not text.isascii() or "=?" in text:
        raise ValidationError("Write one address, such as name@example.edu.")
    return text


class Whole(fields.Integer):
    """A JSON number without a fraction: "5" and 5.0 and true are not."""

    def __init__(self, low: int = 1, high: int = ID_MAX, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=low, max=high), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class Flag(fields.Boolean):
    """true or false, not what might be meant by it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


WHEN = {"metadata": {"pattern": "^(19[7-9][0-9]|[2-8][0-9]{3})-"}}
"""For the documents, of times that come in."""


class Moment(fields.AwareDateTime):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}", value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        try:
            moment = super()._deserialize(value.upper().replace(" ", "+"), attr, data, **kwargs)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None
        if not 1970 <= moment.year < 9000:
            raise ValidationError("Choose a time between 1970 and 8999.")
        return moment


class Choice(fields.Enum[StrEnum]):
    def __init__(self, members: type[StrEnum], **kwargs: Any) -> None:
        super().__init__(members, by_value=True, **kwargs)


class Digits(fields.Integer):
    """A number in a query string: Python reads `1_0`, `+5` and `٣` too, nobody else does."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if not re.fullmatch("[0-9]{1,16}", value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


def query_number(low: int, high: int, **kwargs: Any) -> fields.Integer:
    return Digits(validate=validate.Range(min=low, max=high), **kwargs)


class QueryFlag(fields.Boolean):
    """`true` or `false` in a query string."""

    truthy = {"true"}  # noqa: RUF012  (marshmallow's own way to say it)
    falsy = {"false"}  # noqa: RUF012


class Whom(fields.String):
    """`me`, an id, and where it is allowed `none`."""

    def __init__(self, *, none: bool, **kwargs: Any) -> None:
        words = ("me", "none") if none else ("me",)
        self.words = words
        pattern = rf"^({'|'.join(words)}|[1-9][0-9]{{0,14}})$"
        super().__init__(validate=Exactly(pattern, error=f"Give an id or {' or '.join(words)}."), **kwargs)


def slug(**kwargs: Any) -> fields.String:
    return fields.String(
        validate=[
            validate.Length(min=1, max=64),
            Exactly(_SLUG, error="Use lower-case letters, digits and -."),
        ],
        **kwargs,
    )
