"""Push services know when they last took something; those that are closed are found.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """It is not known of those of before, and known with the next push that is taken."""
    op.add_column(
        "push_origins", sa.Column("last_accepted_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(op.f("ix_push_origins_closed_until"), "push_origins", ["closed_until"])


def downgrade() -> None:
    """Forget it."""
    op.drop_index(op.f("ix_push_origins_closed_until"), table_name="push_origins")
    op.drop_column("push_origins", "last_accepted_at")
