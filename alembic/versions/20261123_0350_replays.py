"""Replays of campaigns.

Revision ID: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "campaign_replays",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("reach", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("share_done", sa.Float(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'working', 'done', 'failed', 'cancelled')",
            name=op.f("ck_campaign_replays_state_known"),
        ),
        sa.CheckConstraint(
            "share_done BETWEEN 0 AND 1", name=op.f("ck_campaign_replays_share_done_range")
        ),
        sa.CheckConstraint(
            "(state IN ('queued', 'working')) = (done_at IS NULL) "
            "AND (state = 'done') = (result IS NOT NULL)",
            name=op.f("ck_campaign_replays_done_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_campaign_replays_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_replays_campaign_id_campaigns"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"],
            ["people.id"],
            name=op.f("fk_campaign_replays_asked_by_people"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_replays")),
    )
    op.create_index(op.f("ix_campaign_replays_asked_by"), "campaign_replays", ["asked_by"])
    op.create_index(
        "ix_campaign_replays_campaign", "campaign_replays", ["campaign_id", "asked_at", "id"]
    )
    under_way = sa.text("state IN ('queued', 'working')")
    op.create_index(
        "uq_campaign_replays_under_way",
        "campaign_replays",
        ["campaign_id"],
        unique=True,
        postgresql_where=under_way,
    )
    op.create_index(
        "ix_campaign_replays_due", "campaign_replays", ["due_at"], postgresql_where=under_way
    )
    op.create_index(
        "ix_campaign_replays_done",
        "campaign_replays",
        ["done_at"],
        postgresql_where=sa.text("done_at IS NOT NULL"),
    )
    op.execute("ALTER TABLE campaign_replays ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE campaign_replays FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY everywhere ON campaign_replays TO geoservices_service USING (true)")
    op.execute(
        "CREATE POLICY own ON campaign_replays TO geoservices_caller "
        "USING (organisation_id = (SELECT caller_organisation()))"
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("campaign_replays")
