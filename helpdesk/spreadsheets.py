"""Tables as CSV that a spreadsheet opens and executes nothing of."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

TYPE = "text/csv; charset=utf-8"
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_BATCH = 64 * 1024


def safe_cell(value: Any) -> Any:
    """What stands in a cell: a text that a spreadsheet would take for a formula begins with an apostrophe.

    Also where the sign is a fullwidth one, or stands behind space that the spreadsheet takes off. Numbers stay numbers.
    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if not isinstance(value, str):
        return value
    shown = unicodedata.normalize("NFKC", value)
    bare = "".join(c for c in shown if unicodedata.category(c) not in ("Cf", "Cc")).lstrip()
    return f"'{value}" if shown.startswith(_STARTS_FORMULA) or bare.startswith(_STARTS_FORMULA) else value


def rows_as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The table in UTF-8 (with the mark by which Excel knows it), in pieces as the rows come."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n").writerow
    out.write("\ufeff")
    write([safe_cell(cell) for cell in header])
    for row in rows:
        write([safe_cell(cell) for cell in row])
        if out.tell() >= _BATCH:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()
