"""When a device was last used, so that those which nobody uses any more can end.

Devices of before count as used at the upgrade.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it, and lock nobody out who used their device before it was noted."""
    op.add_column("devices", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE devices SET last_used_at = now()")


def downgrade() -> None:
    """Forget it."""
    op.drop_column("devices", "last_used_at")
