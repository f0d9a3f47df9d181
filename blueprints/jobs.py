"""What the worker has to do, for who runs the desk."""

from __future__ import annotations

from typing import Any

from blueprints import http
from blueprints.http import Answer, Doors
from helpdesk import outbox
from helpdesk.policy import Action, Actor
from helpdesk.schemas import JobCountsShape, JobQuery, JobShape, RetriedShape, RetryJobsShape, page_of

api = Doors("jobs", __name__, url_prefix="/api/jobs")
ONE = f"/{http.ID.format('job_id')}"


@api.call("GET", "", Action.JOB_MANAGE, query=JobQuery, out=page_of(JobShape))
def listing(actor: Actor, query: dict[str, Any]) -> Answer:
    """List jobs, newest first: mails to send, photos to prepare, words to index. What was given up is `dead`."""
    page = {name: query.pop(name) for name in ("limit", "cursor")}
    return http.page(*outbox.listing(actor, query, **page))


@api.call("GET", "/counts", Action.JOB_MANAGE, out=JobCountsShape)
def counts(actor: Actor) -> dict[str, Any]:
    """Count what waits, what is worked on and what was given up, and say when a worker was last heard of."""
    return outbox.counts(actor)


@api.call("POST", "/retry", Action.JOB_MANAGE, body=RetryJobsShape, out=RetriedShape)
def retry_all(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Try everything again that was given up, or one kind of it."""
    http.begin(actor)
    return {"count": outbox.retry_all(actor, body.get("kind"))}


@api.call("GET", ONE, Action.JOB_MANAGE, out=JobShape)
def show(actor: Actor, job_id: int) -> dict[str, Any]:
    """Get a job, without what it carries."""
    return outbox.show_one(actor, job_id)


@api.call("POST", f"{ONE}/retry", Action.JOB_MANAGE, out=JobShape, raises=(409,))
def retry(actor: Actor, job_id: int) -> dict[str, Any]:
    """Try a job now that was given up, or waits for its next try. 409 while it is worked on, and once it is done."""
    http.begin(actor)
    outbox.retry(actor, job_id)
    return outbox.show_one(actor, job_id)


@api.call("DELETE", ONE, Action.JOB_MANAGE, status=204, raises=(409,))
def drop(actor: Actor, job_id: int) -> None:
    """Drop a job: what it would have done does not happen. 409 while it is worked on, and once it is done."""
    http.begin(actor)
    outbox.drop(actor, job_id)
