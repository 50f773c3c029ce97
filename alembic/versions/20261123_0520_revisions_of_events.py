"""Events count their changes, so that whoever keeps copies of them can tell the newest.

Revision ID: 0045
Revises: 0044
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count every event as changed just now.

    Calendars said 1 of what was called off and 0 of everything else, so those who took a copy of
    an event while it was withdrawn would hold what it is since for older.
    """
    op.add_column("events", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    op.add_column(
        "events",
        sa.Column(
            "changed_at", sa.DateTime(timezone=True), nullable=True, server_default=sa.func.now()
        ),
    )
    op.alter_column("events", "revision", server_default="0")
    op.alter_column("events", "changed_at", server_default=None)


def downgrade() -> None:
    """Take them away."""
    op.drop_column("events", "changed_at")
    op.drop_column("events", "revision")
