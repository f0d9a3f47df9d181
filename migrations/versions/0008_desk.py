"""running the desk

Calendars and service levels, with what the worker marked on each ticket and how far it came after a change of them; how
teams give out their work; whom the figures are mailed to. Of people, which version one has in front of one, and a last
seen that can be sorted by; of what is on record, its area; which workers there are.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from helpdesk.settings import setting

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

REOPENING = (
    "field = 'status' AND from_value IN ('resolved', 'closed') AND to_value IN ('open', 'in_progress', 'waiting')"
)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
VERSIONED = ("teams", "categories", "buildings", "tags")


MOMENTS = (
    "first_response_soon_at", "resolution_soon_at", "warned_for", "response_breached_at", "resolution_breached_at",
)  # fmt: skip
HOUR = 3600
TARGETS = (("Low", 72, 336), ("Normal", 24, 120), ("High", 4, 48), ("Urgent", 1, 8))
"""The targets in hours that were built in before, by priority from 0: the policies that a desk finds after it."""


def upgrade() -> None:
    op.create_table(
        "calendars",
        sa.Column("id", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("holidays", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
        sa.UniqueConstraint("name", name=op.f("uq_calendars_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sla_policies",
        sa.Column("id", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("priorities", sa.JSON(), nullable=False),
        sa.Column("category_ids", sa.JSON(), nullable=False),
        sa.Column("team_ids", sa.JSON(), nullable=False),
        sa.Column("response_seconds", BIG, nullable=False),
        sa.Column("resolution_seconds", BIG, nullable=False),
        sa.Column("calendar_id", BIG, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("response_seconds > 0 AND resolution_seconds > 0", name=op.f("ck_sla_policies_targets")),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendars.id"], name=op.f("fk_sla_policies_calendar_id_calendars"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_policies")),
        sa.UniqueConstraint("name", name=op.f("uq_sla_policies_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sla_recounts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("actor_id", BIG, nullable=True),
        sa.Column("total", BIG, nullable=False),
        sa.Column("done", BIG, nullable=False),
        sa.Column("changed", BIG, nullable=False),
        sa.Column("last_ticket_id", BIG, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["users.id"], name=op.f("fk_sla_recounts_actor_id_users"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_recounts")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "report_subscriptions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("every", sa.String(length=8), nullable=False),
        sa.Column("team_id", BIG, nullable=True),
        sa.Column("sent_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by_id", BIG, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("every IN ('week', 'month')", name=op.f("ck_report_subscriptions_every")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f("fk_report_subscriptions_created_by_id_users"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_report_subscriptions_team_id_teams"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_report_subscriptions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_subscriptions")),
        sa.UniqueConstraint(
            "user_id", "every", "team_id", name=op.f("uq_report_subscriptions_user_id_every_team_id")
        ),
        sqlite_autoincrement=True,
    )  # fmt: skip

    op.add_column("teams", sa.Column("assigns", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("memberships", sa.Column("capacity", sa.SmallInteger(), nullable=True))
    op.add_column("memberships", sa.Column("away_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("memberships", sa.Column("given_at", sa.DateTime(timezone=True), nullable=True))
    for table in VERSIONED:
        op.add_column(table, sa.Column("version", BIG, server_default="1", nullable=False))

    op.add_column("tickets", sa.Column("sla_policy_id", BIG, nullable=True))
    for name in MOMENTS:
        op.add_column("tickets", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM categories")):  # else setup_db.py makes the first
        _service_levels()

    _look_after_people()
    # figures: what was opened again in a period
    op.create_index(
        "ix_events_reopened", "events", ["created_at"],
        sqlite_where=sa.text(REOPENING), postgresql_where=sa.text(REOPENING),
    )  # fmt: skip


LONG_AGO = "1970-01-01 00:00:00"
INVITED, GUEST = "password_hash IS NULL AND username IS NOT NULL", "password_hash IS NULL AND username IS NULL"
# the beginning of an action → its area
AREAS = {
    "sign-in": "sign-in", "account.": "sign-in", "address.": "sign-in", "password.": "sign-in", "session.": "sign-in",
    "denied": "denied", "user.": "people", "category.": "places", "building.": "places", "tag.": "places",
    "team.": "places", "ticket.": "tickets", "comment.": "tickets", "image.": "tickets", "task.": "tickets",
    "saved_reply.": "writing",
}  # fmt: skip


def _look_after_people() -> None:
    op.add_column("users", sa.Column("version", BIG, server_default="1", nullable=False))
    # SQLite can only make a column that is never null anew
    op.add_column("users", sa.Column("seen_at", sa.DateTime(timezone=True), server_default=LONG_AGO, nullable=False))
    op.execute("UPDATE users SET seen_at = last_seen_at WHERE last_seen_at IS NOT NULL")
    op.drop_column("users", "last_seen_at")
    op.execute("ALTER TABLE users RENAME COLUMN seen_at TO last_seen_at")
    if op.get_bind().dialect.name == "sqlite":  # as it writes a moment
        op.execute(f"UPDATE users SET last_seen_at = '{LONG_AGO}.000000' WHERE last_seen_at = '{LONG_AGO}'")
    op.create_index("ix_users_name_id", "users", ["name", "id"])
    op.create_index("ix_users_role_id", "users", ["role", "id"])
    op.create_index("ix_users_last_seen_at_id", "users", ["last_seen_at", "id"])
    op.create_index("ix_users_is_active_name_id", "users", ["is_active", "name", "id"])
    for name, where in (("ix_users_invited", INVITED), ("ix_users_guests", GUEST)):
        op.create_index(
            name, "users", ["is_active", "name", "id"], sqlite_where=sa.text(where), postgresql_where=sa.text(where)
        )  # fmt: skip

    op.add_column("audit_events", sa.Column("area", sa.String(length=16), server_default="other", nullable=False))
    for beginning, area in AREAS.items():
        op.execute(f"UPDATE audit_events SET area = '{area}' WHERE action LIKE '{beginning}%'")
    op.drop_index("ix_audit_events_actor_id_id", "audit_events")
    for column in ("actor_id", "target", "area"):
        op.create_index(
            f"ix_audit_events_{column}_created_at_id", "audit_events", [column, "created_at", "id"]
        )  # fmt: skip

    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    _keep_the_record()


REFUSAL = "what is on record is neither changed nor deleted"


def _keep_the_record() -> None:
    """The database itself refuses to change or delete an audit event, whoever asks."""
    if op.get_bind().dialect.name == "sqlite":
        for deed in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER audit_events_no_{deed} BEFORE {deed.upper()} ON audit_events"
                f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION refuse_to_change_the_record() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_events_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_record()"
        )


def _let_the_record_go() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for deed in ("update", "delete"):
            op.execute(f"DROP TRIGGER audit_events_no_{deed}")
    else:
        op.execute("DROP TRIGGER audit_events_are_kept ON audit_events")
        op.execute("DROP FUNCTION refuse_to_change_the_record()")


def _look_after_people_no_more() -> None:
    _let_the_record_go()
    op.drop_table("workers")
    for column in ("area", "target", "actor_id"):
        op.drop_index(f"ix_audit_events_{column}_created_at_id", "audit_events")
    op.create_index("ix_audit_events_actor_id_id", "audit_events", ["actor_id", "id"])
    op.drop_column("audit_events", "area")
    for name in ("guests", "invited", "is_active_name_id", "last_seen_at_id", "role_id", "name_id"):
        op.drop_index(f"ix_users_{name}", "users")
    op.add_column("users", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"UPDATE users SET seen_at = last_seen_at WHERE last_seen_at > '{LONG_AGO}.000000'")
    op.drop_column("users", "last_seen_at")
    op.execute("ALTER TABLE users RENAME COLUMN seen_at TO last_seen_at")
    op.drop_column("users", "version")


def downgrade() -> None:
    _look_after_people_no_more()
    op.drop_index("ix_events_reopened", table_name="events")
    for name in (*MOMENTS, "sla_policy_id"):
        op.drop_column("tickets", name)
    for table in VERSIONED:
        op.drop_column(table, "version")
    op.drop_column("memberships", "given_at")
    op.drop_column("memberships", "away_until")
    op.drop_column("memberships", "capacity")
    op.drop_column("teams", "assigns")
    for table in ("report_subscriptions", "sla_recounts", "sla_policies", "calendars"):
        op.drop_table(table)


def _service_levels() -> None:
    """Policies with the targets that held so far, and what the worker would have noted until now: nobody is told."""
    connection, at = op.get_bind(), datetime.now(UTC)
    moment, number = sa.DateTime(timezone=True), sa.column
    same = {"version": 1, "created_at": at, "updated_at": at}
    calendars = sa.table(
        "calendars", number("version"), number("name"), number("time_zone"), sa.column("hours", sa.JSON),
        sa.column("holidays", sa.JSON), sa.column("created_at", moment), sa.column("updated_at", moment),
    )  # fmt: skip
    week = [[["08:00", "18:00"]] if day < 5 else [] for day in range(7)]
    office = {"name": "Office hours", "time_zone": setting("TIME_ZONE"), "hours": week, "holidays": []}
    connection.execute(calendars.insert().values(**office, **same))
    policies = sa.table(
        "sla_policies", number("id"), number("version"), number("name"), number("position"),
        sa.column("is_active", sa.Boolean), *(sa.column(f"{of}", sa.JSON) for of in MATCHED),
        number("response_seconds"), number("resolution_seconds"),
        sa.column("created_at", moment), sa.column("updated_at", moment),
    )  # fmt: skip
    for rank, (name, response, resolution) in reversed(list(enumerate(TARGETS))):
        row = {
            "name": name, "position": len(TARGETS) - rank, "is_active": True, "priorities": [name.lower()],
            "category_ids": [], "team_ids": [],
            "response_seconds": response * HOUR, "resolution_seconds": resolution * HOUR,
        }  # fmt: skip
        policy_id = connection.scalar(policies.insert().values(**row, **same).returning(policies.c.id))
        connection.execute(
            sa.text(
                "UPDATE tickets SET sla_policy_id = :policy_id,"
                f" first_response_soon_at = {_earlier('first_response_due_at', response)},"
                f" resolution_soon_at = {_earlier('resolution_due_at', resolution)} WHERE priority = :rank"
            ),
            {"policy_id": policy_id, "rank": rank},
        )
    active = "status IN ('open', 'in_progress') AND NOT held"
    for what in (
        # a clock that stands stood before it was late
        "response_breached_at = COALESCE(first_response_at, resolved_at, :at)"
        " WHERE first_response_due_at < COALESCE(first_response_at, paused_since, :at) AND NOT held",
        "resolution_breached_at = COALESCE(resolved_at, :at)"
        " WHERE resolution_due_at < COALESCE(paused_since, :at) AND NOT held",
        f"warned_for = resolution_due_at WHERE resolution_soon_at <= :at AND resolution_due_at > :at AND {active}",
        "warned_for = first_response_due_at WHERE first_response_at IS NULL AND first_response_soon_at <= :at"
        f" AND first_response_due_at > :at AND warned_for IS NULL AND {active}",
    ):
        update = sa.text(f"UPDATE tickets SET {what}")
        connection.execute(update.bindparams(sa.bindparam("at", at, type_=moment)))


MATCHED = ("priorities", "category_ids", "team_ids")


def _earlier(column: str, target_hours: int) -> str:
    """By the last quarter of the target, by the last hour at most."""
    seconds = min(target_hours * HOUR // 4, HOUR)
    if op.get_bind().dialect.name == "postgresql":
        return f"{column} - interval '{seconds} seconds'"
    return f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-{seconds} seconds')"
