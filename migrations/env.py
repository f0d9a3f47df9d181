"""How migrations meet the database: the application's engine, and what belongs to the models."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import TypeDecorator

from models import WRITE


def plain_type(kind: str, thing: Any, autogen: Any) -> Any:
    """A migration outlives the models: write the database's type, not our class for it."""
    return f"sa.{thing.impl!r}" if kind == "type" and isinstance(thing, TypeDecorator) else False


def of_models(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """The search index is the engine's own: a virtual table with tables behind it, or one with a tsvector."""
    return not (kind == "table" and (name or "").startswith("ticket_words"))


def run() -> None:
    migrate = current_app.extensions["migrate"]
    engine = migrate.db.engine
    arguments: dict[str, Any] = {
        **migrate.configure_args,
        "target_metadata": migrate.db.metadata,
        # SQLite changes a table by copying it
        "render_as_batch": engine.dialect.name == "sqlite",
        "transaction_per_migration": True,
        "render_item": plain_type,
        "include_object": of_models,
    }
    with engine.connect().execution_options(**{WRITE: True}) as connection:
        context.configure(connection=connection, **arguments)
        with context.begin_transaction():
            context.run_migrations()


run()
