"""The desk's figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from blueprints.http import Answer, Doors, Json
from helpdesk import analytics
from helpdesk.analytics import report as reports
from helpdesk.policy import Action, Actor
from helpdesk.schemas import (
    FiguresQuery,
    HeatmapShape,
    RatesShape,
    ReportQuery,
    ResponseTimesShape,
    SlaFiguresShape,
    SummaryShape,
    TimesQuery,
    TrendsQuery,
    TrendsShape,
)
from models import begin_write, db

api = Doors("analytics", __name__, url_prefix="/api/analytics")
READ = Action.ANALYTICS_READ
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@api.call("GET", "/summary", READ, out=SummaryShape)
def summary(actor: Actor) -> dict[str, Any]:
    """Get how things stand: what is open by priority, category, building and assignee, and what happened today."""
    return analytics.summary(actor)


@api.call("GET", "/trends", READ, query=TrendsQuery, out=TrendsShape)
def trends(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Get how many tickets were created, resolved and reopened in each interval, and how many were left at its end.

    Held tickets and those that were merged into another are in no figure.
    """
    return analytics.trends(actor, query)


@api.call("GET", "/response-times", READ, query=TimesQuery, out=ResponseTimesShape)
def response_times(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Get how long the first response and the resolution took, of all and by group.

    Categories are those of the first level.
    """
    return analytics.response_times(actor, query)


@api.call("GET", "/heatmap", READ, query=FiguresQuery, out=HeatmapShape)
def heatmap(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Get when tickets are reported: how many on each day of the week in each hour."""
    return analytics.heatmap(actor, query)


@api.call("GET", "/sla", READ, query=FiguresQuery, out=SlaFiguresShape)
def sla(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Get how much of what was resolved was so on time, by team."""
    return analytics.sla(actor, query)


@api.call("GET", "/rates", READ, query=FiguresQuery, out=RatesShape)
def rates(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Get how much of what was reported was passed on to another team, and how much was opened again."""
    return analytics.rates(actor, query)


@api.call("GET", "/report", READ, query=ReportQuery, streams=tuple(TYPES.values()))
def report(actor: Actor, query: dict[str, Any]) -> Answer:
    """Export the tickets that were reported in a period, all of them, and in JSON the figures of it too.

    In CSV, a cell that a spreadsheet would run has an apostrophe before it. Who exported what is on record.
    """
    begin_write()
    filters = reports.begin(actor, query)
    db.session.commit()
    lines = _json(actor, query, filters) if query["format"] == "json" else reports.csv_pieces(actor, filters)
    name = f"tickets.{query['format']}"
    headers = {"Content-Type": TYPES[query["format"]], "Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(lines, headers=headers)


def _json(actor: Actor, query: dict[str, Any], filters: dict[str, Any]) -> Iterator[bytes]:
    """`{"summary": …, "tickets": [ … ]}`, of which no more than a portion is in memory."""
    head = orjson.dumps(reports.figures(actor, query), option=Json.OPTIONS)

    def rest() -> Iterator[bytes]:
        yield head[:-1] + b',"tickets":['
        between = b""
        for rows in reports.dicts(actor, filters):
            yield between + orjson.dumps(rows, option=Json.OPTIONS)[1:-1]
            between = b","
        yield b"]}"

    return rest()
