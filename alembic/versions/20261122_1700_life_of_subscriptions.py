"""How subscriptions end, how they are doing, and tests of pushes.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INSTANTS = ("last_accepted_at", "last_shown_at", "last_failure_at", "unseen_since")
OF_CAMPAIGNS = ("organisation_id", "decision_id", "listing_id")
ENDED_REASONS = "'unsubscribed', 'replaced', 'too many', 'gone', 'no sign of life'"


def upgrade() -> None:
    """Defaults need no table rewritten; what ended before has no reason, since none was kept."""
    for column in INSTANTS:
        op.add_column("subscriptions", sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.add_column("subscriptions", sa.Column("ended_reason", sa.String(length=20), nullable=True))
    op.add_column(
        "subscriptions", sa.Column("last_failure_reason", sa.String(length=200), nullable=True)
    )
    op.add_column(
        "subscriptions",
        sa.Column("accepted_unseen", sa.Integer(), nullable=False, server_default="0"),
    )
    op.add_column("subscriptions", sa.Column("replaced_by", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_subscriptions_replaced_by_subscriptions"),
        "subscriptions",
        "subscriptions",
        ["replaced_by"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(op.f("ix_subscriptions_replaced_by"), "subscriptions", ["replaced_by"])
    op.create_check_constraint(
        op.f("ck_subscriptions_ended_reason_known"),
        "subscriptions",
        f"ended_reason IN ({ENDED_REASONS})",
    )
    op.create_check_constraint(
        op.f("ck_subscriptions_ended_if_reasoned"),
        "subscriptions",
        "ended_reason IS NULL OR ended_at IS NOT NULL",
    )
    op.create_check_constraint(
        op.f("ck_subscriptions_unseen_since_the_first"),
        "subscriptions",
        "(accepted_unseen = 0) = (unseen_since IS NULL)",
    )
    # Each push changes a row; with room on its page no index has to be told.
    op.execute("ALTER TABLE subscriptions SET (fillfactor = 80)")
    op.add_column(
        "notifications",
        sa.Column("kind", sa.String(length=20), nullable=False, server_default="campaign"),
    )
    for column in OF_CAMPAIGNS:
        op.alter_column("notifications", column, nullable=True)
    op.create_check_constraint(
        op.f("ck_notifications_kind_known"), "notifications", "kind IN ('campaign', 'test')"
    )
    op.create_check_constraint(
        op.f("ck_notifications_campaigns_have_their_reasons"),
        "notifications",
        "num_nonnulls(organisation_id, decision_id, listing_id) = "
        "CASE kind WHEN 'campaign' THEN 3 ELSE 0 END",
    )


def downgrade() -> None:
    """Take them away again; tests, which the schema of before has no room for, are deleted."""
    op.execute("DELETE FROM notifications WHERE kind = 'test'")
    op.drop_constraint(op.f("ck_notifications_campaigns_have_their_reasons"), "notifications")
    op.drop_constraint(op.f("ck_notifications_kind_known"), "notifications")
    for column in OF_CAMPAIGNS:
        op.alter_column("notifications", column, nullable=False)
    op.drop_column("notifications", "kind")
    op.execute("ALTER TABLE subscriptions RESET (fillfactor)")
    for constraint in ("unseen_since_the_first", "ended_if_reasoned", "ended_reason_known"):
        op.drop_constraint(op.f(f"ck_subscriptions_{constraint}"), "subscriptions")
    op.drop_index(op.f("ix_subscriptions_replaced_by"), "subscriptions")
    for column in (
        "replaced_by",
        "accepted_unseen",
        "last_failure_reason",
        "ended_reason",
        *reversed(INSTANTS),
    ):
        op.drop_column("subscriptions", column)
