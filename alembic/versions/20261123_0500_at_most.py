"""How many people a campaign tells at most stands beside how many it has told.

Revision ID: 0043
Revises: 0042
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the number that each campaign's newest version says."""
    op.add_column("campaign_seats", sa.Column("most", sa.Integer(), nullable=True))
    op.execute(
        """
        UPDATE campaign_seats AS s
        SET most = (v.definition #>> '{audience,at_most}')::int
        FROM campaigns AS c
        JOIN campaign_versions AS v ON v.campaign_id = c.id AND v.number = c.version
        WHERE c.id = s.campaign_id
        """
    )
    op.alter_column("campaign_seats", "most", nullable=False)
    op.create_check_constraint("most_positive", "campaign_seats", "most >= 1")


def downgrade() -> None:
    """Take it away."""
    op.drop_column("campaign_seats", "most")
