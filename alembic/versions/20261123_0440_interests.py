"""Topics and interests, and campaigns that are for so many people at most.

Revision ID: 0041
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SERVICE, CALLER = "geoservices_service", "geoservices_caller"
OWN = "organisation_id = (SELECT caller_organisation())"
MINE = "person_id = (SELECT caller_person())"
OF_OUR_CAMPAIGNS = f"campaign_id IN (SELECT id FROM campaigns WHERE {OWN})"
GATES = (
    "'consent', 'purpose', 'sensitive-place', 'relevance', 'confidence', 'age', 'opening-hours', "
    "'schedule', 'quiet-hours', 'working-hours', 'cap', 'class-cap', 'place-cap', 'campaign-cap', "
    "'cooldown', 'claimable', 'duplicate', {}'hold-out'"
)


def upgrade() -> None:
    """Make their tables, and know the gate."""
    op.create_table(
        "topics",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("names", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_topics_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "key", name=op.f("pk_topics")),
    )
    op.create_table(
        "interests",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("chosen_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "topic"],
            ["topics.organisation_id", "topics.key"],
            name=op.f("fk_interests_topic"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_interests_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("person_id", "organisation_id", "topic", name=op.f("pk_interests")),
    )
    op.create_index("ix_interests_topic", "interests", ["organisation_id", "topic"])
    op.create_table(
        "campaign_seats",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_campaign_seats_taken_positive")),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_seats_campaign_id_campaigns"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_seats")),
    )
    for table in ("topics", "interests", "campaign_seats"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO {SERVICE} USING (true)")
    op.execute(f"CREATE POLICY within ON interests TO {CALLER} USING ({MINE})")
    op.execute(f"CREATE POLICY within ON campaign_seats TO {CALLER} USING ({OF_OUR_CAMPAIGNS})")
    op.execute(f"CREATE POLICY seen ON topics FOR SELECT TO {CALLER} USING (true)")
    for command, said in (("INSERT", "WITH CHECK"), ("UPDATE", "USING"), ("DELETE", "USING")):
        op.execute(
            f"CREATE POLICY {command.lower()} ON topics FOR {command} TO {CALLER} {said} ({OWN})"
        )
    _know_gates("'at-most', ")


def downgrade() -> None:
    """Forget what people want to hear of; what the gate held is gone with it."""
    op.execute("DELETE FROM decisions WHERE gate = 'at-most'")
    _know_gates("")
    for table in ("campaign_seats", "interests", "topics"):
        op.drop_table(table)


def _know_gates(besides: str) -> None:
    op.drop_constraint(op.f("ck_decisions_gate_known"), "decisions")
    op.create_check_constraint(
        op.f("ck_decisions_gate_known"), "decisions", f"gate IN ({GATES.format(besides)})"
    )
