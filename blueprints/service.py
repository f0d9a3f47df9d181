"""The service itself: is the process alive, can it serve, and in development: which mails were sent."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, render_template, request
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from blueprints.http import Doors
from helpdesk import mail, postbox
from helpdesk.guests import HELD_DAYS
from helpdesk.policy import Actor
from helpdesk.schemas import SiteShape
from helpdesk.settings import ROOT, is_among
from models import Job, JobState, db, now

health = Blueprint("service", __name__)
api = Doors("site", __name__, url_prefix="/api/site")
dev = Blueprint("dev", __name__, url_prefix="/dev")

LOOPBACK = [ipaddress.ip_network(network) for network in ("127.0.0.0/8", "::1/128", "::ffff:127.0.0.0/104")]


@health.get("/healthz")
def alive() -> Response:
    """The process answers: nothing else is asked, so that a database that is away restarts nobody."""
    return jsonify({"status": "ok"})


@lru_cache(maxsize=1)
def newest_migration() -> str | None:
    from alembic.config import Config  # a third of a second at every start, for one question
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return ScriptDirectory.from_config(config).get_current_head()


def parts() -> dict[str, str]:
    """Each part and `ok`, or what ails it."""
    found = {"database": "ok", "migrations": "ok", "jobs": "ok", "mail": "ok", "inbound": "ok"}
    try:
        version = db.session.scalar(text("SELECT version_num FROM alembic_version"))
        if version != newest_migration():
            found["migrations"] = "not at the newest: run python setup_db.py"
        given_up = db.session.scalar(select(func.count()).select_from(Job).where(Job.state == JobState.DEAD))
        oldest = db.session.scalar(select(func.min(Job.run_at)).where(Job.state == JobState.READY))
        if given_up:
            found["jobs"] = f"{given_up} given up: see flask jobs"
        elif oldest is not None and (now() - oldest).total_seconds() > 300:
            found["jobs"] = "due for over 5 minutes: is a worker running?"
        if laid_aside := db.session.scalar(select(postbox.laid_aside())):
            found["inbound"] = f"{laid_aside} laid aside: see Mails that came in"
        failing = select(Job.id).where(Job.kind == "fetch_mail", Job.state == JobState.READY, Job.error.is_not(None))
        if db.session.scalar(failing.limit(1)):
            found["mail"] = "not fetched from the mailbox: the page of jobs says why"
    except SQLAlchemyError:
        db.session.rollback()
        found["database"] = "does not answer, or has no tables"
    if current_app.config["ENVIRONMENT"] == "production" and not current_app.config["SMTP_URL"]:
        found["mail"] = "SMTP_URL is not set: mails wait"
    return found


@health.get("/readyz")
def ready() -> tuple[Response, int] | tuple[Response, int, dict[str, str]]:
    found = parts()
    if found["database"] == found["migrations"] == "ok":
        return jsonify({"status": "ready", "parts": found}), 200
    return jsonify({"status": "not ready", "parts": found}), 503, {"Retry-After": "5"}


@api.call("GET", "", None, out=SiteShape)
def site(actor: Actor) -> dict[str, Any]:
    """Get what a portal must know before anybody is signed in."""
    told = {"name": "SITE_NAME", "emergency_text": "EMERGENCY_TEXT", "time_zone": "TIME_ZONE"}
    told["registration_domains"] = "REGISTRATION_DOMAINS"
    return {"held_days": HELD_DAYS} | {field: current_app.config[setting] for field, setting in told.items()}


@dev.before_request
def only_here() -> None:
    """Mails hold links that sign people in: for this machine alone, and never in production."""
    if current_app.config["ENVIRONMENT"] == "production" or not is_among(request.remote_addr, LOOPBACK):
        abort(404)


@dev.get("/mailbox")
def mailbox() -> Any:
    items = mail.kept()
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return jsonify({"items": items})
    return render_template("mailbox.html", mails=items)
