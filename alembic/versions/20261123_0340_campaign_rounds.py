"""What is told of campaigns, counted once.

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of rounds."""
    op.create_table(
        "campaign_rounds",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("goal", postgresql.JSONB(), nullable=True),
        sa.Column("groups", postgresql.JSONB(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_rounds_campaign_id_campaigns"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_campaign_rounds_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_campaign_rounds")),
    )
    op.create_index("ix_campaign_rounds_organisation", "campaign_rounds", ["organisation_id"])
    op.execute("ALTER TABLE campaign_rounds ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE campaign_rounds FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY everywhere ON campaign_rounds TO geoservices_service USING (true)")
    op.execute(
        "CREATE POLICY within ON campaign_rounds TO geoservices_caller "
        "USING (organisation_id = (SELECT caller_organisation()))"
    )


def downgrade() -> None:
    """Forget what was counted."""
    op.drop_table("campaign_rounds")
