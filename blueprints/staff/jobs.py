"""What the worker has to do, and what it gave up: tried again by a press, dropped after a question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, request, url_for
from werkzeug.datastructures import MultiDict

from blueprints import http
from blueprints.staff import forms
from blueprints.staff.shell import desk, pages, refused, show
from blueprints.words import lazy_gettext, ngettext
from helpdesk import outbox, policy
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.policy import Action, Actor
from helpdesk.schemas import JobQuery, RetryJobsShape
from models import JobState

ONE = f"/admin/jobs/{http.ID.format('job_id')}"
A_PAGE = 50
STATES = {
    JobState.DEAD: lazy_gettext("Given up"),
    JobState.READY: lazy_gettext("Waiting"),
    JobState.RUNNING: lazy_gettext("Running"),
    JobState.DONE: lazy_gettext("Done"),
}
KINDS = {
    "announce": lazy_gettext("Tell people about a change"),
    "close_resolved": lazy_gettext("Close what was resolved long ago"),
    "digest": lazy_gettext("Gather an hour’s mails"),
    "fetch_mail": lazy_gettext("Fetch mail from the mailbox"),
    "forgotten": lazy_gettext("Prepare a password link"),
    "inbound": lazy_gettext("Read a mail that came in"),
    "inbound_photos": lazy_gettext("Take over photos that came by mail"),
    "index_tickets": lazy_gettext("Index tickets for the search"),
    "mail": lazy_gettext("Send a mail"),
    "mail_reports": lazy_gettext("Mail the figures"),
    "make_image": lazy_gettext("Prepare a photo"),
    "optimize": lazy_gettext("Tell the database’s planner what there is"),
    "purge_bulk_edits": lazy_gettext("Forget what cannot be undone any more"),
    "purge_drafts": lazy_gettext("Forget old drafts"),
    "purge_held": lazy_gettext("Forget reports that nobody confirmed"),
    "purge_idempotency": lazy_gettext("Forget answers kept for repetitions"),
    "purge_images": lazy_gettext("Forget photos that belong to nothing"),
    "purge_inbound": lazy_gettext("Forget mails that came in long ago"),
    "purge_jobs": lazy_gettext("Forget jobs that are long done"),
    "purge_limits": lazy_gettext("Forget limits that are over"),
    "purge_presences": lazy_gettext("Forget who had tickets open"),
    "purge_sessions": lazy_gettext("Forget sessions and links that are over"),
    "recount_due": lazy_gettext("Work out again when tickets are due"),
    "registration": lazy_gettext("Prepare a registration"),
    "usual_resolution": lazy_gettext("Work out the usual times"),
    "watch_due": lazy_gettext("Watch what falls due"),
}
MAILS = {
    "account_exists": lazy_gettext("Mail: you have an account"),
    "address_changed": lazy_gettext("Mail: address changed"),
    "answered": lazy_gettext("Mail: the reporter answered"),
    "assigned": lazy_gettext("Mail: a ticket is yours"),
    "confirm": lazy_gettext("Mail: confirm the address"),
    "digest": lazy_gettext("Mail: what happened within an hour"),
    "due_soon": lazy_gettext("Mail: soon due"),
    "guest_report": lazy_gettext("Mail: confirm a report"),
    "invitation": lazy_gettext("Mail: invitation"),
    "mentioned": lazy_gettext("Mail: you were mentioned"),
    "new_address": lazy_gettext("Mail: confirm the new address"),
    "overdue": lazy_gettext("Mail: overdue"),
    "password_changed": lazy_gettext("Mail: password changed"),
    "queued": lazy_gettext("Mail: your team has a ticket that nobody took"),
    "received": lazy_gettext("Mail: report received"),
    "reopened": lazy_gettext("Mail: open again"),
    "reply": lazy_gettext("Mail: reply"),
    "report": lazy_gettext("Mail: the figures"),
    "reset": lazy_gettext("Mail: new password"),
    "resolved": lazy_gettext("Mail: resolved"),
    "returned": lazy_gettext("Mail: a resolved ticket is open again"),
    "waiting": lazy_gettext("Mail: we wait for you"),
}
DONE = {"retried": lazy_gettext("It is tried again"), "dropped": lazy_gettext("The job is dropped")}
_query = JobQuery()


def said(job: dict[str, Any]) -> str:
    """What a job does, in words."""
    mail = MAILS.get(job["mail"] or "")
    return str(mail) if mail is not None else of_kind(job["kind"])


def of_kind(kind: str) -> str:
    known = KINDS.get(kind)
    return str(known) if known is not None else kind.replace("_", " ").capitalize()


def every(span: timedelta) -> str:
    if span < timedelta(minutes=1):
        return ngettext("every second", "every %(num)s seconds", int(span.total_seconds()))
    minutes = int(span.total_seconds() // 60)
    if minutes % 1440 == 0:
        return ngettext("every day", "every %(num)s days", minutes // 1440)
    if minutes % 60 == 0:
        return ngettext("every hour", "every %(num)s hours", minutes // 60)
    return ngettext("every minute", "every %(num)s minutes", minutes)


def looks_after_jobs() -> Actor:
    """Who asks. Raises NotSignedIn, Forbidden."""
    actor = desk()
    policy.require(actor, Action.JOB_MANAGE)
    return actor


@pages.get("/admin/jobs")
def jobs_page() -> Response:
    return _list(looks_after_jobs())


def _asked() -> tuple[dict[str, str], dict[str, Any]]:
    """What the address says, and means. Raises Invalid."""
    values = {
        name: request.args[name] for name in ("state", "kind", "cursor") if request.args.get(name, "").strip()
    }  # fmt: skip
    given = MultiDict({"state": JobState.DEAD.value, **values, "limit": str(A_PAGE)})
    return values, http.query_dict(_query, given)


def _list(actor: Actor, error: HelpdeskError | None = None) -> Response:
    if error:
        refused(error)
    unreadable = False
    try:
        values, query = _asked()
        found, next_cursor = _found(actor, query)
    except Invalid:  # an address that was cut, or of another list
        values, unreadable = {}, True
        query = http.query_dict(_query, MultiDict({"state": JobState.DEAD.value, "limit": str(A_PAGE)}))
        found, next_cursor = _found(actor, query)
    tally = outbox.counts(actor)

    def address(**instead: str | None) -> str:
        wanted = {name: value for name, value in {**values, "cursor": None, **instead}.items() if value}
        return f"{url_for('staff.jobs_page')}?{urlencode(wanted)}" if wanted else url_for("staff.jobs_page")

    return show(
        actor, "jobs.html", status=error.status if error else 200, found=[{**job, "said": said(job)} for job in found],
        state=query["state"], kind=query.get("kind"), cursor=query["cursor"], next_cursor=next_cursor, address=address,
        tally=tally, is_there=outbox.is_anybody_there(tally["worker_seen_at"]), states=STATES, of_kind=of_kind,
        given_up=outbox.given_up(actor), unreadable=unreadable, error=error, told=_told(),
        schedules=[(of_kind(name), at, every(span)) for name, at, span in outbox.schedules(actor)],
    )  # fmt: skip


def _found(actor: Actor, query: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    filters: dict[str, Any] = {name: query[name] for name in ("state", "kind") if name in query}
    return outbox.listing(actor, filters, limit=query["limit"], cursor=query["cursor"])


def _told() -> str | None:
    done = request.args.get("done", "")
    if done.isascii() and done.isdigit() and len(done) < 10:
        return ngettext("%(num)s job is tried again", "%(num)s jobs are tried again", int(done))
    return str(DONE[done]) if done in DONE else None


@pages.get(ONE)
def job_page(job_id: int) -> Response:
    """One job, and the question whether to drop it."""
    return _one(looks_after_jobs(), job_id)


def _one(actor: Actor, job_id: int, error: HelpdeskError | None = None) -> Response:
    if error:
        refused(error)
    job = outbox.show_one(actor, job_id)
    return show(
        actor, "job.html", status=error.status if error else 200, job=job, said=said(job), states=STATES, error=error
    )  # fmt: skip


@pages.post("/admin/jobs/retry")
def retry_jobs() -> Response:
    """Everything that was given up, or one kind of it."""
    actor = looks_after_jobs()
    try:
        wish = http.load(RetryJobsShape(), forms.filled({"kind": request.form.get("kind", "")}))
        http.begin_form(actor)
        return http.look(url_for("staff.jobs_page", done=outbox.retry_all(actor, wish.get("kind"))))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _list(actor, error)


@pages.post(f"{ONE}/retry")
def retry_job(job_id: int) -> Response:
    return _done(job_id, "retried", outbox.retry)


@pages.post(f"{ONE}/drop")
def drop_job(job_id: int) -> Response:
    """The job's page has asked already."""
    return _done(job_id, "dropped", outbox.drop)


def _done(job_id: int, what: str, deed: Callable[[Actor, int], None]) -> Response:
    actor = looks_after_jobs()
    try:
        http.begin_form(actor)
        deed(actor, job_id)
        return http.look(url_for("staff.jobs_page", done=what))
    except http.Replay as replay:
        return http.seen_before(replay)
    except forms.REFUSALS as error:
        return _one(actor, job_id, error)
