"""mail

What somebody who wants mails once an hour hears of at the next one; the addresses by which people answer; the mails that
came in; which addresses do not work.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "digest_items",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("ticket_id", BIG, nullable=False),
        sa.Column("deed_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_digest_items_ticket_id_tickets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_digest_items_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_items")),
        sa.UniqueConstraint("user_id", "deed_id", name=op.f("uq_digest_items_user_id_deed_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_digest_items_ticket_id", "digest_items", ["ticket_id"])

    op.create_table(
        "reply_addresses",
        sa.Column("id", BIG, nullable=False),
        sa.Column("ticket_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_reply_addresses_ticket_id_tickets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_reply_addresses_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_addresses")),
        sa.UniqueConstraint("ticket_id", "user_id", name=op.f("uq_reply_addresses_ticket_id_user_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reply_addresses_user_id", "reply_addresses", ["user_id"])

    op.create_table(
        "inbound_mails",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=250), nullable=True),
        sa.Column("sender", sa.String(length=254), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=True),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.Column("size_bytes", BIG, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting", "done", "ignored", "quarantined", name="inboundstate", native_enum=False,
                create_constraint=True, length=24,
            ),
            nullable=False,
        ),
        sa.Column("outcome", sa.String(length=200), nullable=True),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("ticket_id", BIG, nullable=True),
        sa.Column("comment_id", BIG, nullable=True),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("is_from_elsewhere", sa.Boolean(), nullable=False),
        sa.Column("has_photos", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comments.id"], name=op.f("fk_inbound_mails_comment_id_comments"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_inbound_mails_ticket_id_tickets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_inbound_mails_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_mails")),
        sa.UniqueConstraint("key", name=op.f("uq_inbound_mails_key")),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("ix_inbound_mails_state_id", "inbound_mails", ["state", "id"])
    op.create_index("ix_inbound_mails_received_at", "inbound_mails", ["received_at"])
    op.create_index("ix_inbound_mails_ticket_id", "inbound_mails", ["ticket_id"])
    op.create_index("ix_inbound_mails_comment_id", "inbound_mails", ["comment_id"])
    op.create_index("ix_inbound_mails_user_id", "inbound_mails", ["user_id"])
    op.create_index("ix_inbound_mails_sender", "inbound_mails", ["sender"])
    op.create_table(
        "inbound_blobs",
        sa.Column("mail_id", BIG, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["inbound_mails.id"], name=op.f("fk_inbound_blobs_mail_id_inbound_mails"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_inbound_blobs")),
    )
    op.create_index("ix_inbound_blobs_keep_until", "inbound_blobs", ["keep_until"])

    op.add_column("users", sa.Column("bounce_noted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_users_bounced", "users", ["name", "id"],
        sqlite_where=sa.text("bounced_at IS NOT NULL"), postgresql_where=sa.text("bounced_at IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_users_bounced", "users")
    op.drop_column("users", "bounce_noted_at")
    op.drop_table("inbound_blobs")
    op.drop_table("inbound_mails")
    op.drop_table("reply_addresses")
    op.drop_table("digest_items")
