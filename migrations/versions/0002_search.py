"""search

What the staff's search reads: every word of a ticket, in the engine's own index. Outside the models, which cannot say it.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # words are ASCII as helpdesk/search writes them; the index keeps them alone (their places are not asked for)
        op.execute(
            "CREATE VIRTUAL TABLE ticket_words USING fts5(words, content='', contentless_delete=1, detail=none,"
            " prefix='2 3', tokenize=\"ascii tokenchars '_'\")"
        )
    else:
        op.execute(
            "CREATE TABLE ticket_words (ticket_id BIGINT PRIMARY KEY REFERENCES tickets ON DELETE CASCADE,"
            " words TSVECTOR NOT NULL)"
        )
        op.execute("CREATE INDEX ix_ticket_words_words ON ticket_words USING gin (words)")


def downgrade() -> None:
    op.execute("DROP TABLE ticket_words")
