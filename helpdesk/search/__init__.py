"""Search: what is written down to be found, what somebody asked for, and the conditions that a list adds for it."""

from helpdesk.search.index import FIELDS, condition, every_word, forget, index, index_of_person, parts, values, write
from helpdesk.search.query import Query, parse
from helpdesk.search.words import document, score, words

__all__ = [
    "FIELDS",
    "Query",
    "condition",
    "document",
    "every_word",
    "forget",
    "index",
    "index_of_person",
    "parse",
    "parts",
    "score",
    "values",
    "words",
    "write",
]
