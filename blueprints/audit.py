"""What is on record, for who runs the desk."""

from __future__ import annotations

from typing import Any

from flask import request

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import audit_log
from helpdesk.policy import Action, Actor
from helpdesk.schemas import AuditEventShape, AuditQuery, page_of
from helpdesk.spreadsheets import TYPE
from models import begin_write

api = Doors("audit", __name__, url_prefix="/api")


@api.call(
    "GET", "/audit-events", Action.AUDIT_READ, query=AuditQuery, out=page_of(AuditEventShape), sends=TYPE,
)  # fmt: skip
def listing(actor: Actor, query: dict[str, Any]) -> Answer:
    """List what is on record, newest first: who changed what in administration, who came in, who was refused.

    With `format=csv` it is a file with all that the filters find, without pages; that it was taken is on record too.
    Nothing on record is ever changed or deleted.
    """
    page = {name: query.pop(name) for name in ("limit", "cursor")}
    if query.pop("format") == "csv" and request.method == "GET":
        begin_write()
        return http.table(audit_log.export(actor, query), "audit-log")
    return http.page(*audit_log.listing(actor, query, **page))
