"""Photos that a form brings: the files that were chosen, and uploads of before whose numbers it carries.

A browser does not choose the same files again by itself. So a form that is shown once more keeps what it was sent: its
files become uploads of whoever sent them, for them alone to see, and stand in it as numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from flask import request
from werkzeug.datastructures import FileStorage
from werkzeug.formparser import FormDataParser

from helpdesk import images
from helpdesk.errors import HelpdeskError, Invalid, TooLarge, TooMany
from helpdesk.pictures import Looked
from helpdesk.schemas import ID_MAX
from models import Image, begin_write, db

FIELD = "images"
"""What a form calls its files, and the numbers of uploads."""
MOST = images.A_COMMENT
FORM_BYTES = 31 * images.MEGABYTE
"""Of a form that may bring photos: three of the largest, or ten as phones take them, and its words."""
NAME_LENGTH = 60

Add = Callable[[bytes, Looked], Image]
"""How somebody's upload is taken in, in the transaction of a deed. Raises Invalid."""


class _InMemory(FormDataParser):
    """They are small enough, and a disk may be full."""

    def __init__(self, stream_factory: Any = None, **kwargs: Any) -> None:
        super().__init__(stream_factory=lambda *_, **__: BytesIO(), **kwargs)


class _Nowhere(BytesIO):
    def write(self, data: Any) -> int:
        return len(data)


class _Dropped(FormDataParser):
    def __init__(self, stream_factory: Any = None, **kwargs: Any) -> None:
        super().__init__(stream_factory=lambda *_, **__: _Nowhere(), **kwargs)


@dataclass
class Photos:
    """What a form brought. Where nothing was sent, nothing."""

    new: list[tuple[bytes, Looked]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    wrong: str = ""
    """In words, what of it is no photo."""
    counted: int = 0
    """How many of the new ones a limit has let in."""

    def __bool__(self) -> bool:
        return bool(self.new or self.ids or self.wrong)

    def count(self, let_in: Callable[[], None]) -> None:
        """Ask a limit for each new one, once. Raises TooMany, and then they are not taken in."""
        try:
            for _ in self.new[self.counted :]:
                let_in()
                self.counted += 1
        except TooMany:
            self.new.clear()
            raise

    def add(self, add: Add, untied: Callable[[Iterable[int]], list[Any]]) -> list[int]:
        """The numbers of all of them, in the deed's transaction, for it to tie. Raises Invalid."""
        if self.wrong:
            raise Invalid({FIELD: [self.wrong]})
        if self.ids and len(untied(self.ids)) < len(set(self.ids)):
            raise Invalid({FIELD: ["A photo is not there any more. Choose it again."]})
        try:
            return self.ids + [add(data, looked).id for data, looked in self.new]
        except Invalid as no:
            raise Invalid({FIELD: no.errors["image"]}) from None

    def keep(self, add: Add, let_in: Callable[[], None]) -> None:
        """Take the files in, for a form that is shown again: they are carried as numbers from now on. Commits."""
        if not self.new:
            return
        try:
            self.count(let_in)
            new, self.new = self.new, []
            begin_write()
            self.ids += [add(data, looked).id for data, looked in new]
            db.session.commit()
        except HelpdeskError as no:
            db.session.rollback()
            said = no.errors["image"][0] if isinstance(no, Invalid) else no.detail
            self.wrong = self.wrong or f"The photos could not be kept. {said or no.title}"


def photos() -> Photos:
    """What the form of this request brings. Whoever sends it is known to be somebody: it is read here, all of it."""
    db.session.rollback()  # somebody may send for minutes: not with a connection in hand
    _read(_InMemory)
    found = Photos(ids=_numbers(request.form.getlist(FIELD)))
    wrong: dict[str, list[str]] = {}
    room = MOST - len(found.ids)
    for number, file in enumerate(_chosen()):
        data = file.stream.read()
        try:
            if number >= room:
                raise Invalid({"image": [f"{MOST} photos at most are sent at once."]})
            found.new.append((data, images.check(data)))
        except Invalid as no:
            wrong.setdefault(no.errors["image"][0], []).append(_name(file))
        except TooLarge as no:
            wrong.setdefault(no.detail or no.title, []).append(_name(file))
        file.stream.seek(0)
    found.wrong = " ".join(f"{', '.join(names)}: {message}" for message, names in wrong.items())
    return found


def without_photos() -> bool:
    """Read the form of somebody who is nobody yet, and keep no file of it. Whether there were any."""
    _read(_Dropped)
    return bool(_chosen())


def _read(parser: type[FormDataParser]) -> None:
    if request.mimetype == "multipart/form-data":  # what holds no file need not be so large
        request.max_content_length = FORM_BYTES
        request.form_data_parser_class = parser


def _chosen() -> list[FileStorage]:
    """A field of files in which none was chosen is sent as one without a name."""
    return [file for file in request.files.getlist(FIELD) if file.filename]


def _numbers(texts: list[str]) -> list[int]:
    found = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < len(str(ID_MAX))]
    return list(dict.fromkeys(found))[:MOST]


def _name(file: FileStorage) -> str:
    return (file.filename or "")[:NAME_LENGTH]
