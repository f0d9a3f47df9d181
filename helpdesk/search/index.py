"""The search documents: written with the deed that changes a ticket's words, read by condition of a list.

A ticket's words lie in parts, each under the audience that reads it, so that a customer's search looks at nothing else.
Staff read every part, so theirs are found by one index over all of a ticket's words: FTS5, or a tsvector.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, insert, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean

from helpdesk import jobs, policy
from helpdesk.search.query import Query
from helpdesk.search.words import document
from models import Audience, Building, Comment, SearchDocument, Ticket, User, begin_write, db, fetch

FIELDS = frozenset({"created", "title", "public_title", "description", "building", "room", "reporter", "comment"})
"""Whose change changes what a ticket is found by."""

Part = tuple[Audience, int | None]
"""Who reads it; and whose own words they are, where the audience is `desk`."""


# --- writing ----------------------------------------------------------------------------------------------------------


def parts(ticket: Any, place: str | None, reporter: Iterable[str | None], comments: Iterable[Any]) -> dict[Part, str]:
    """A ticket's documents. `reporter` are name and address, for the staff; comments have text, audience, author_id."""
    said: dict[Part, list[str | None]] = defaultdict(list)
    said[Audience.AFFECTED, None] = [ticket.public_title or ticket.title, place, ticket.room]
    said[Audience.REPORTER, None] = [ticket.title if ticket.public_title else None, ticket.description]
    said[Audience.INTERNAL, None] = list(reporter)
    for comment in comments:
        said[comment.audience, comment.author_id if comment.audience == Audience.DESK else None].append(comment.text)
    return {part: found for part, texts in said.items() if (found := document(*texts))}


def every_word(documents: Iterable[str]) -> str:
    """What the staff's index keeps of a ticket: each word once."""
    return " ".join(sorted({word for found in documents for word in found.split()} - {"/"}))


def index(ticket: Ticket) -> None:
    """Write a ticket's documents anew, from what the database holds of it."""
    about = fetch(
        select(Building.name.label("place"), User.name, User.email)
        .select_from(Ticket)
        .join(User, User.id == Ticket.reporter_id)
        .outerjoin(Building, Building.id == Ticket.building_id)
        .where(Ticket.id == bindparam("id")),
        {"id": ticket.id},
    ).one()
    comments = select(Comment.text, Comment.audience, Comment.author_id).where(Comment.ticket_id == bindparam("id"))
    rows = fetch(comments.order_by(Comment.id), {"id": ticket.id}).all()
    found = parts(ticket, about.place, (about.name, about.email), rows)
    forget([ticket.id])
    write({ticket.id: found})


def index_of_person(user_id: int) -> None:
    """At once, where a name must be gone when the deed is done."""
    for ticket in db.session.scalars(select(Ticket).where(Ticket.reporter_id == user_id)).all():
        index(ticket)


BATCH = 100


@jobs.handles("index_tickets")
def index_later(job: jobs.Claimed) -> None:
    """The tickets of a `reporter_id` or a `building_id` whose name changed."""
    (name, value), *_ = job.payload.items()
    ids = list(db.session.scalars(select(Ticket.id).where(getattr(Ticket, name) == value).order_by(Ticket.id)))
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
    if rows:
        db.session.execute(insert(SearchDocument), rows)
        db.session.execute(
            text(_INSERT[_dialect()]),
            [{"id": ticket_id, "words": every_word(documents.values())} for ticket_id, documents in found.items()],
        )


def forget(ids: Iterable[int] | None = None) -> None:
    """Delete the documents of these tickets, or of all."""
    key = _KEY[_dialect()]
    if ids is None:
        db.session.execute(delete(SearchDocument))
        db.session.execute(text("DELETE FROM ticket_words"))
        return
    named = list(ids)
    db.session.execute(delete(SearchDocument).where(SearchDocument.ticket_id.in_(named)))
    db.session.execute(text(f"DELETE FROM ticket_words WHERE {key} = :id"), [{"id": one} for one in named])  # noqa: S608


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


def condition(staff: bool, name: str) -> ColumnElement[bool]:
    """That a ticket has what the parameter of this name asks for; see `values`."""
    if name.startswith("words"):
        return _has_words(Ticket.id, bindparam(name))
    document_of = SearchDocument.ticket_id == Ticket.id
    readable = (
        document_of if staff else and_(document_of, policy.readable(SearchDocument.audience, SearchDocument.reader_id))
    )
    return exists().where(readable, SearchDocument.text.like(bindparam(name), escape="/"))


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
