"""The desk's figures: what came, what was done, how long it took. Computed by the database, the same on both."""

from helpdesk.analytics import mailing, subscriptions
from helpdesk.analytics.answers import (
    ON_TIME_TARGET_PERCENT,
    campus,
    heatmap,
    rates,
    response_times,
    sla,
    summary,
    trends,
)

__all__ = [
    "ON_TIME_TARGET_PERCENT",
    "campus",
    "heatmap",
    "mailing",
    "rates",
    "response_times",
    "sla",
    "subscriptions",
    "summary",
    "trends",
]
