"""How push services stand; an attempt is known by its delivery and number alone.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CAUSES = "cause IN ('throttled', 'refused', 'failing')"


def upgrade() -> None:
    """Attempts get room for what operators want to know."""
    op.create_table(
        "push_origins",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("vapid_key", sa.String(length=90), nullable=False),
        sa.Column("closed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=20), nullable=True),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_refusal", sa.String(length=200), nullable=True),
        sa.Column("counted_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("guarded_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trusted_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(CAUSES, name=op.f("ck_push_origins_cause_known")),
        sa.PrimaryKeyConstraint("origin", "vapid_key", name=op.f("pk_push_origins")),
    )
    op.drop_constraint(op.f("pk_attempts"), "attempts", type_="primary")
    op.drop_constraint(op.f("uq_attempts_delivery_id_number"), "attempts", type_="unique")
    op.drop_column("attempts", "id")
    op.create_primary_key(op.f("pk_attempts"), "attempts", ["delivery_id", "number"])
    op.add_column("attempts", sa.Column("detail", sa.String(length=200), nullable=True))
    op.add_column("attempts", sa.Column("location", sa.Text(), nullable=True))


def downgrade() -> None:
    """Give attempts their own ids again."""
    op.drop_column("attempts", "location")
    op.drop_column("attempts", "detail")
    op.drop_constraint(op.f("pk_attempts"), "attempts", type_="primary")
    op.add_column(
        "attempts",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
    )
    op.alter_column("attempts", "id", server_default=None)
    op.create_primary_key(op.f("pk_attempts"), "attempts", ["id"])
    op.create_unique_constraint(
        op.f("uq_attempts_delivery_id_number"), "attempts", ["delivery_id", "number"]
    )
    op.drop_table("push_origins")
