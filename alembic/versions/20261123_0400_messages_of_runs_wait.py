"""What runs were to tell may wait too, and is one of many.

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

FIRST = "run_id IS NOT NULL AND follows_id IS NULL"
OF_RUNS = "run_id IS NOT NULL"


def upgrade() -> None:
    """Let a run decide on somebody again, and say what waits for many; so far nothing does."""
    op.drop_index("uq_decisions_run", "decisions")
    op.create_index(
        "uq_decisions_run",
        "decisions",
        ["run_id", "person_id"],
        unique=True,
        postgresql_where=sa.text(FIRST),
    )
    op.create_index("ix_decisions_run", "decisions", ["run_id"], postgresql_where=sa.text(OF_RUNS))
    op.add_column(
        "held_messages",
        sa.Column("broadcast", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.drop_index("ix_held_messages_due", "held_messages")
    op.create_index("ix_held_messages_due", "held_messages", ["broadcast", "due_at"])


def downgrade() -> None:
    """Forget what became of messages of runs that had waited, and what waits of them."""
    op.drop_index("ix_held_messages_due", "held_messages")
    op.execute(
        f"DELETE FROM held_messages h USING decisions d WHERE d.id = h.decision_id AND d.{OF_RUNS}"
    )
    op.drop_column("held_messages", "broadcast")
    op.create_index("ix_held_messages_due", "held_messages", ["due_at"])
    op.execute(f"DELETE FROM decisions WHERE {OF_RUNS} AND follows_id IS NOT NULL")
    op.drop_index("ix_decisions_run", "decisions")
    op.drop_index("uq_decisions_run", "decisions")
    op.create_index("uq_decisions_run", "decisions", ["run_id", "person_id"], unique=True)
