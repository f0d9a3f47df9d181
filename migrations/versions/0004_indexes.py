"""indexes

Lists of one status in their usual orders, and how much somebody has to do: at a hundred thousand tickets nearly all are
closed, and SQLite gathered and sorted all of them for a page of 25.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_tickets_status_created_at_id": ["status", "created_at", "id"],
    "ix_tickets_status_updated_at_id": ["status", "updated_at", "id"],
    "ix_tickets_assignee_id_status_held": ["assignee_id", "status", "held"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "tickets", columns)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, table_name="tickets")
