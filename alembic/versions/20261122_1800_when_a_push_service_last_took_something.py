"""Push services know when they last took something.

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


def downgrade() -> None:
    """Forget it."""
    op.drop_column("push_origins", "last_accepted_at")
