"""How often somebody asks is counted for all processes together.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Begin with nothing spent."""
    op.create_table(
        "spendings",
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_spendings")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(op.f("ix_spendings_free_at"), "spendings", ["free_at"])


def downgrade() -> None:
    """Limit nobody."""
    op.drop_table("spendings")
