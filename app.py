"""create_app: settings, database, doors, error answers, commands. `python app.py` serves it."""

from __future__ import annotations

import logging
import os
import re
import time
import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

from flask import Flask, Response, current_app, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from blueprints import SERVICES, blueprints, errors
from blueprints.http import IdConverter, Json, TokenConverter, renew_cookie
from blueprints.pages import prepare_templates
from helpdesk import logs, policy, settings
from models import SQLITE_AT_LEAST, db, listen, prepare_sqlite, sqlite_driver

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1024 * 1024
POSTGRESQL = "-c statement_timeout=15000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=30000"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=(self)",
}


def create_app(**overrides: Any) -> Flask:
    """The application. Overrides are settings by name, and `instance_path`. Raises UnsafeSettings."""
    instance = Path(overrides.pop("instance_path", settings.ROOT / "instance"))
    values = settings.load(overrides, instance=instance)
    app = Flask(__name__, instance_path=str(instance))
    app.config.update(values, MAX_CONTENT_LENGTH=MAX_BODY_BYTES, SQLALCHEMY_DATABASE_URI=values["DATABASE_URL"])
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(values)
    app.json = Json(app)
    app.url_map.strict_slashes = app.url_map.merge_slashes = False  # no redirect that names a host somebody sent
    app.url_map.converters.update(id=IdConverter, token=TokenConverter)
    logs.configure(values["LOG_LEVEL"], production=values["ENVIRONMENT"] == "production")
    db.init_app(app)
    with app.app_context():
        listen(db.engine)
        policy.prepare()
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":  # what Flask's command line says of itself: `flask db …`
        with_migrations(app)
    errors.register(app)
    prepare_templates(app)
    unknown = set(values["SERVICES"]) - SERVICES.keys()
    if unknown:
        raise settings.UnsafeSettings(f"SERVICES must be among {', '.join(SERVICES)}")
    for blueprint in blueprints(values["SERVICES"], production=values["ENVIRONMENT"] == "production"):
        app.register_blueprint(blueprint)
    _cors(app)
    app.before_request(_name_request)
    app.after_request(_finish_response)
    _trust_proxies(app)
    from blueprints.commands import register_commands  # imports every job's handler

    register_commands(app)
    return app


def with_migrations(app: Flask) -> None:
    """Let an application migrate its database. Not every process: Alembic takes a third of a second to load."""
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(settings.ROOT / "migrations"), compare_type=True)


def _engine_options(values: dict[str, Any]) -> dict[str, Any]:
    if not values["DATABASE_URL"].startswith("sqlite"):
        arguments = {"options": POSTGRESQL, "connect_timeout": 5}
        return {"pool_pre_ping": True, "pool_size": 10, "hide_parameters": True, "connect_args": arguments}
    driver: ModuleType = sqlite_driver()
    if driver.sqlite_version_info < SQLITE_AT_LEAST:  # server and worker are two processes already
        reason = f"SQLite {driver.sqlite_version} can corrupt a database that several processes write: update it"
        if values["ENVIRONMENT"] == "production":
            raise settings.UnsafeSettings(reason)
        log.warning(reason)
    options: dict[str, Any] = {"hide_parameters": True}  # errors are logged; what people wrote is not
    prepare_sqlite(options, driver)
    return options


def _cors(app: Flask) -> None:
    if app.config["CORS_ORIGINS"]:
        from flask_cors import CORS

        exposed = ["ETag", "Link", "Location", "Retry-After", "X-Request-ID"]
        CORS(app, resources={r"/api/.*": {"origins": app.config["CORS_ORIGINS"]}}, supports_credentials=True,
             expose_headers=exposed, max_age=600)  # fmt: skip


def _trust_proxies(app: Flask) -> None:
    """Forwarding headers count only from the proxies that are named: anybody else could write what they like."""
    plain, fixed, trusted = app.wsgi_app, ProxyFix(app.wsgi_app, x_for=1, x_proto=1), app.config["TRUSTED_PROXIES"]

    def wsgi(environ: Any, start_response: Any) -> Any:
        return (fixed if settings.is_among(environ.get("REMOTE_ADDR"), trusted) else plain)(environ, start_response)

    if trusted:
        app.wsgi_app = wsgi  # type: ignore[method-assign]


def _name_request() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if re.fullmatch(r"[A-Za-z0-9._-]{8,64}", given) else uuid.uuid4().hex
    g.started = time.monotonic()


def _finish_response(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if current_app.config["CORS_ORIGINS"] and request.path.startswith("/api/"):  # their pages show its photos
        response.headers["Cross-Origin-Resource-Policy"] = "same-site"
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if request.endpoint not in ("static", "files.built_file") or response.status_code >= 400:
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.update(("Cookie", "Authorization"))
    elif "v" in request.args:  # an address that changes with the file
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    renew_cookie(response)
    logs.request_done(request, response, time.monotonic() - g.get("started", time.monotonic()))
    return response


if __name__ == "__main__":
    from blueprints.commands import serve

    serve(create_app)
