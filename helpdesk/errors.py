"""Everything that can go wrong by somebody's doing, in words for the person and a type for the program.

HelpdeskError
├── BadRequest 400          unreadable
│   └── BadLink             used up, superseded, too old or never ours
├── NotSignedIn 401
├── Forbidden 403           the role may never do this
├── NotFound 404            not there, or not yours to see: one answer for both
│   └── NotReady            there, and yours, in a moment
├── Conflict 409            the state forbids it
│   ├── NoSuchTransition
│   └── Taken               a name that must be unique
├── Stale 412               somebody changed it meanwhile
├── TooLarge 413
├── UnsupportedMediaType 415
├── Invalid 422             fields are wrong
├── TooMany 429             a limit, with the seconds to wait
└── Unavailable 503         a part we need is down, with the seconds to wait
"""

from __future__ import annotations

from typing import Any, ClassVar

Messages = dict[str, Any]
"""Field → list of messages, or → the same again for what lies inside it."""


class HelpdeskError(Exception):
    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail


class BadRequest(HelpdeskError):
    status = 400
    type = "bad-request"
    title = "The request cannot be read"


class BadLink(BadRequest):
    type = "bad-link"
    title = "This link is used up or too old: ask for a new one"


class NotSignedIn(HelpdeskError):
    status = 401
    type = "not-signed-in"
    title = "Log in first"

    def __init__(self, detail: str | None = None, *, token_was_bad: bool = False) -> None:
        super().__init__(detail)
        self.token_was_bad = token_was_bad


class Forbidden(HelpdeskError):
    status = 403
    type = "forbidden"
    title = "You may not do this"


class NotFound(HelpdeskError):
    status = 404
    type = "not-found"
    title = "Not found"


class NotReady(NotFound):
    type = "not-ready"
    title = "Not ready yet"


class Conflict(HelpdeskError):
    status = 409
    type = "conflict"
    title = "Its state forbids this"


class NoSuchTransition(Conflict):
    type = "no-such-transition"
    title = "The status cannot change this way"


class Taken(Conflict):
    type = "taken"
    title = "This name is taken"

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class Stale(HelpdeskError):
    """`current` is the thing as it is now, shown as its schema shows it, for the client to compare."""

    status = 412
    type = "stale"
    title = "Somebody changed this in the meantime"

    def __init__(self, detail: str | None = None, *, current: Any = None) -> None:
        super().__init__(detail)
        self.current = current


class TooLarge(HelpdeskError):
    status = 413
    type = "too-large"
    title = "This is too large"


class UnsupportedMediaType(HelpdeskError):
    status = 415
    type = "unsupported-media-type"
    title = "Send this in another form"

    def __init__(self, wanted: str = "application/json") -> None:
        super().__init__(f"Send {wanted}.")


class Invalid(HelpdeskError):
    status = 422
    type = "invalid"
    title = "Some fields need another look"

    def __init__(self, errors: Messages) -> None:
        super().__init__()
        self.errors = errors


class TooMany(HelpdeskError):
    status = 429
    type = "too-many"
    title = "Too many attempts: wait a little"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Try again in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds


class Unavailable(HelpdeskError):
    status = 503
    type = "unavailable"
    title = "A part that this needs is not available"

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
