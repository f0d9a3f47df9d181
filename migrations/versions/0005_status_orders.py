"""lists of one status by due date and by priority

At a hundred thousand tickets nearly all are closed, and a page of those in either order gathered and sorted all of them.
The index by priority takes over what counting asked of the one on status and held.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_tickets_status_due_at_id": ["status", "due_at", "id"],
    "ix_tickets_status_held_priority_id": ["status", "held", "priority", "id"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "tickets", columns)
    op.drop_index("ix_tickets_status_held", table_name="tickets")


def downgrade() -> None:
    op.create_index("ix_tickets_status_held", "tickets", ["status", "held"])
    for name in INDEXES:
        op.drop_index(name, table_name="tickets")
