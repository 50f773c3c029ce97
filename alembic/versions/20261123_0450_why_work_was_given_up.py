"""Why work that was asked for was given up, and which feeds are being fetched.

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

ASKED_FOR = ("exports", "task_imports", "campaign_replays")
KNOWN = "reason IN ('broke-off', 'took-too-long')"


def upgrade() -> None:
    """Add a reason to each, and to feeds since when they are out and how often that was tried."""
    for table in ASKED_FOR:
        op.add_column(table, sa.Column("reason", sa.String(length=20), nullable=True))
        op.create_check_constraint("reason_known", table, KNOWN)
    op.add_column("feeds", sa.Column("handed_out_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "feed_runs",
        sa.Column("attempt_count", sa.Integer(), nullable=False, server_default="0"),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_column("feed_runs", "attempt_count")
    op.drop_column("feeds", "handed_out_at")
    for table in ASKED_FOR:
        op.drop_column(table, "reason")
