"""Runs count how far they have come, and how often going on failed.

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TABLE = "campaign_runs"
KNOWN = "ck_campaign_runs_state_known"
BEFORE = ("under-way", "finished", "stopped", "passed-over")
COUNTS = ("gone_through", "failed", "attempt_count")


def upgrade() -> None:
    """Add the counts, and the state of those that are given up."""
    op.add_column(TABLE, sa.Column("people", sa.Integer(), nullable=True))
    for name in COUNTS:
        op.add_column(TABLE, sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    _know((*BEFORE[:3], "failed", BEFORE[3]))


def downgrade() -> None:
    """Remove them; a run that was given up has been stopped."""
    op.execute("UPDATE campaign_runs SET state = 'stopped' WHERE state = 'failed'")
    _know(BEFORE)
    for name in ("people", *COUNTS):
        op.drop_column(TABLE, name)


def _know(states: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(KNOWN), TABLE)
    op.create_check_constraint(op.f(KNOWN), TABLE, f"state IN ({', '.join(map(repr, states))})")
