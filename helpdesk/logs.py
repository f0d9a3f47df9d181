"""What is written down of each request: one line, as JSON in production, without anything that opens a door."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

log = logging.getLogger("helpdesk.access")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One object a line: what somebody typed is escaped, so that nobody writes lines of their own."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class PlainLines(logging.Formatter):
    """The same for people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        more = " ".join(f"{name}={value!r}" for name, value in vars(record).items() if name not in _STANDARD)
        text = f"{record.levelname.lower():8}{record.getMessage()!s} {more}".rstrip()
        text = text.replace("\n", "\\n").replace("\r", "\\r")
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def configure(level: str, *, production: bool) -> None:
    """Write the product's own loggers to standard error."""
    for name in ("helpdesk", "blueprints"):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        if not logger.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(JsonLines() if production else PlainLines())
            logger.addHandler(handler)


_TOKEN = re.compile(r"(?<=/)[A-Za-z0-9_-]{43}(?=/|$)")


def without_tokens(path: str) -> str:
    """A path as it may be written down: whoever reads logs must not open what links open."""
    return _TOKEN.sub("…", path)


def request_done(request: Any, response: Any, seconds: float) -> None:
    """The path without its query, which may hold what somebody searches for, and without the tokens of links."""
    log.info(
        "%s %s",
        request.method,
        without_tokens(request.path),
        extra={
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
            "peer": request.remote_addr,
            "request_id": response.headers.get("X-Request-ID"),
        },
    )
