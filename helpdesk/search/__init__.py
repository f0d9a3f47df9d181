"""Search: what is written down to be found, what somebody asked for, and the conditions that a list adds for it."""

from helpdesk.search.complete import complete
from helpdesk.search.index import (
    FIELDS,
    MOST,
    condition,
    every_word,
    forget,
    index,
    index_missing,
    index_of_person,
    parts,
    values,
    write,
)
from helpdesk.search.query import Query, looks_up, parse
from helpdesk.search.words import document, score, words

__all__ = [
    "FIELDS",
    "MOST",
    "Query",
    "complete",
    "condition",
    "document",
    "every_word",
    "forget",
    "index",
    "index_missing",
    "index_of_person",
    "looks_up",
    "parse",
    "parts",
    "score",
    "values",
    "words",
    "write",
]
