"""images

What somebody sent, beside what is kept of it; and what the hourly tidying looks for.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PARTIAL = {"untied": "ticket_id IS NULL", "processing": "state = 'processing'"}


def upgrade() -> None:
    op.add_column(
        "images",
        sa.Column(
            "uploaded_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
    )
    for name, condition in PARTIAL.items():
        where = sa.text(condition)
        op.create_index(
            f"ix_images_{name}_created_at", "images", ["created_at"], sqlite_where=where, postgresql_where=where
        )


def downgrade() -> None:
    for name in PARTIAL:
        op.drop_index(f"ix_images_{name}_created_at", table_name="images")
    with op.batch_alter_table("images", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.drop_column("uploaded_bytes")
