"""The search documents: written with the deed that changes a ticket's words, read by condition of a list.

A ticket's words lie in parts, each under the audience that reads it, so that a customer's search looks at nothing else.
Staff read every part, so theirs are found by one index over all of a ticket's words: FTS5, or a tsvector.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, Table, and_, bindparam, delete, exists, func, insert, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean

from helpdesk import jobs, policy
from helpdesk.search.query import Query
from helpdesk.search.words import fold, joined
from models import Audience, Building, Comment, SearchDocument, Ticket, User, begin_write, db, fetch

FIELDS = frozenset({"created", "title", "public_title", "description", "building", "room", "reporter", "comment"})
"""Whose change changes what a ticket is found by."""

# past the ORM, as in `models.fetch`: nobody holds one
_documents = cast(Table, SearchDocument.__table__)

Part = tuple[Audience, int | None]
"""Who reads it; and whose own words they are, where the audience is `desk`."""


# --- writing ----------------------------------------------------------------------------------------------------------


MOST = 256 * 1024
"""Characters that are kept of a ticket, and that are read of its comments. A tsvector holds four times as much, and no
deed spends much longer on what was said before than on itself."""


def parts(ticket: Any, place: str | None, reporter: Iterable[str | None], comments: Iterable[Any]) -> dict[Part, str]:
    """A ticket's documents. `reporter` are name and address, for the staff; comments have text, audience, author_id.

    Comments come newest first: where it is more than MOST, the oldest are what is not found.
    """
    said: dict[Part, list[str]] = defaultdict(list)
    left = MOST

    def keep(part: Part, words: str | None) -> None:
        nonlocal left
        found = fold(words)
        if len(found) > left:
            found = found[: left + 1].rpartition(" ")[0]
        left -= len(found)
        said[part].append(found)

    for words in (ticket.public_title or ticket.title, place, ticket.room):
        keep((Audience.AFFECTED, None), words)
    for words in (ticket.title if ticket.public_title else None, ticket.description):
        keep((Audience.REPORTER, None), words)
    for words in reporter:
        keep((Audience.INTERNAL, None), words)
    read = 0
    for comment in comments:
        if left <= 0 or read >= MOST:
            break
        read += len(comment.text)
        keep((comment.audience, comment.author_id if comment.audience == Audience.DESK else None), comment.text)
    return {part: document for part, texts in said.items() if (document := joined(texts))}


def every_word(documents: Iterable[str]) -> str:
    """What the staff's index keeps of a ticket: each word once."""
    return " ".join(sorted({word for found in documents for word in found.split()} - {"/"}))


_about = (
    select(Building.name.label("place"), User.name, User.email)
    .select_from(Ticket)
    .join(User, User.id == Ticket.reporter_id)
    .outerjoin(Building, Building.id == Ticket.building_id)
    .where(Ticket.id == bindparam("id"))
)
_newer = func.sum(func.length(Comment.text)).over(order_by=Comment.id.desc()) - func.length(Comment.text)
_comments = (
    select(Comment.id, Comment.text, Comment.audience, Comment.author_id, _newer.label("newer"))
    .where(Comment.ticket_id == bindparam("id"))
    .subquery()
)
_said = (
    select(_comments.c.text, _comments.c.audience, _comments.c.author_id)
    .where(_comments.c.newer < bindparam("most"))
    .order_by(_comments.c.id.desc())
)
"""Of a ticket's comments what `parts` reads."""


def index(ticket: Ticket) -> None:
    """Write a ticket's documents anew, from what the database holds of it."""
    about = fetch(_about, {"id": ticket.id}).one()
    rows = fetch(_said, {"id": ticket.id, "most": MOST}).all()
    found = parts(ticket, about.place, (about.name, about.email), rows)
    forget([ticket.id])
    write({ticket.id: found})


def index_of_person(user_id: int) -> None:
    """At once, where a name must be gone when the deed is done."""
    for ticket in db.session.scalars(select(Ticket).where(Ticket.reporter_id == user_id)).all():
        index(ticket)


BATCH = 20
"""Three seconds where each is full of words."""


@jobs.handles("index_tickets")
def index_later(job: jobs.Claimed) -> None:
    """The tickets of a `reporter_id` or a `building_id` whose name changed."""
    (name, value), *_ = job.payload.items()
    _index_all(db.session.scalars(select(Ticket.id).where(getattr(Ticket, name) == value).order_by(Ticket.id)).all())


def index_missing() -> int:
    """Index the tickets that are older than the index, and say how many: those of which it has no row."""
    indexed = text(f"SELECT {_KEY[_dialect()]} AS id FROM ticket_words").columns(id=BigInteger)  # noqa: S608  (our own)
    missing = db.session.scalars(select(Ticket.id).except_(select(indexed.subquery().c.id))).all()
    _index_all(sorted(missing))
    return len(missing)


def _index_all(ids: Sequence[int]) -> None:
    """A transaction for each batch, so that nobody waits for long."""
    for start in range(0, len(ids), BATCH):
        begin_write()
        batch = select(Ticket).where(Ticket.id.in_(ids[start : start + BATCH])).with_for_update()
        for ticket in db.session.scalars(batch).all():
            index(ticket)
        db.session.commit()


def write(found: Mapping[int, Mapping[Part, str]]) -> None:
    """Insert the documents of tickets that have none, by the tickets' ids."""
    rows = [
        {"ticket_id": ticket_id, "audience": audience, "reader_id": reader_id, "text": words}
        for ticket_id, documents in found.items()
        for (audience, reader_id), words in documents.items()
    ]
    connection = db.session.connection()
    if rows:
        connection.execute(insert(_documents), rows)
    if found:  # a row for one without a word too: it is indexed
        connection.execute(
            text(_INSERT[_dialect()]),
            [{"id": ticket_id, "words": every_word(documents.values())} for ticket_id, documents in found.items()],
        )


def forget(ids: Iterable[int] | None = None) -> None:
    """Delete the documents of these tickets, or of all."""
    key, connection = _KEY[_dialect()], db.session.connection()
    if ids is None:
        connection.execute(delete(_documents))
        connection.execute(text("DELETE FROM ticket_words"))
        return
    named = list(ids)
    connection.execute(delete(_documents).where(_documents.c.ticket_id.in_(named)))
    connection.execute(text(f"DELETE FROM ticket_words WHERE {key} = :id"), [{"id": one} for one in named])  # noqa: S608


def _dialect() -> str:
    return db.session.get_bind().dialect.name


_KEY = {"sqlite": "rowid", "postgresql": "ticket_id"}
_INSERT = {
    "sqlite": "INSERT INTO ticket_words (rowid, words) VALUES (:id, :words)",
    "postgresql": "INSERT INTO ticket_words VALUES (:id, array_to_tsvector(string_to_array(:words, ' ')))",
}


# --- reading ----------------------------------------------------------------------------------------------------------


class _has_words(FunctionElement[bool]):
    """Whether a ticket's words begin with each of these: `_has_words(Ticket.id, parameter)`."""

    type = Boolean()
    inherit_cache = True


@compiles(_has_words, "sqlite")
def _fts5(element: _has_words, compiler: SQLCompiler, **options: Any) -> str:
    key, wanted = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{key} IN (SELECT rowid FROM ticket_words WHERE ticket_words MATCH {wanted})"  # noqa: S608  (our own, compiled)


@compiles(_has_words, "postgresql")
def _tsvector(element: _has_words, compiler: SQLCompiler, **options: Any) -> str:
    key, wanted = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{key} IN (SELECT ticket_id FROM ticket_words WHERE words @@ CAST({wanted} AS tsquery))"  # noqa: S608


def condition(staff: bool, name: str, prefix: str = "") -> ColumnElement[bool]:
    """That a ticket has what the parameter of this name asks for, see `values`; with the prefix of its statement."""
    if name.startswith("words"):
        return _has_words(Ticket.id, bindparam(prefix + name))
    document_of = SearchDocument.ticket_id == Ticket.id
    readable = (
        document_of if staff else and_(document_of, policy.readable(SearchDocument.audience, SearchDocument.reader_id))
    )
    return exists().where(readable, SearchDocument.text.like(bindparam(prefix + name), escape="/"))


def values(query: Query, staff: bool) -> dict[str, Any]:
    """The parameters of a search's conditions, by their names: one condition for each."""
    found: dict[str, Any] = {}
    if staff:
        whole = [word for phrase in query.phrases for word in phrase]
        if query.words or whole:
            found["words"] = _matching(query.words, whole)
        phrases = [f"% {' '.join(phrase)} %" for phrase in query.phrases if len(phrase) > 1]
    else:
        phrases = [f"% {word}%" for word in query.words] + [f"% {' '.join(phrase)} %" for phrase in query.phrases]
    found |= {f"text_{number}": pattern.replace("_", "/_") for number, pattern in enumerate(phrases)}
    return found


def _matching(begin: list[str], whole: list[str]) -> str:
    """Words are letters, digits and `_`: nothing of them is a sign of either language."""
    if _dialect() == "sqlite":
        return " ".join([f'"{word}"*' for word in begin] + [f'"{word}"' for word in whole])
    return " & ".join([f"'{word}':*" for word in begin] + [f"'{word}'" for word in whole])
