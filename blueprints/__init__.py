"""The doors. SERVICES says which of them a process serves, so that one program can run as one service or as several."""

from __future__ import annotations

from importlib import import_module

from flask import Blueprint

SERVICES: dict[str, tuple[str, ...]] = {
    "api": (
        "auth:api",
        "users:api",
        "tickets:api",
        "guests:api",
        "comments:api",
        "merging:api",
        "images:api",
        "tasks:api",
        "replies:api",
        "sla:api",
        "writing:api",
        "views:api",
        "bulk:api",
        "categories:api",
        "audit:api",
        "jobs:api",
        "postbox:api",
        "teams:api",
        "analytics:api",
        "reports:api",
        "service:api",
        "contract:docs",
    ),
    "staff": ("staff:pages",),
    "portal": ("account:pages", "plain:pages", "portal:pages"),
}
ALWAYS = ("service:health", "files:built_files")
DEVELOPMENT = ("service:dev",)


def blueprints(services: list[str], *, production: bool) -> list[Blueprint]:
    """The blueprints of these services. Raises KeyError for one that there is not."""
    names = [
        *ALWAYS,
        *(() if production else DEVELOPMENT),
        *(name for service in services for name in SERVICES[service]),
    ]
    found = []
    for name in names:
        module, _, attribute = name.partition(":")
        found.append(getattr(import_module(f"blueprints.{module}"), attribute))
    return found
