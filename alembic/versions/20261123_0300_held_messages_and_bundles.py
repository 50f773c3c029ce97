"""Messages that wait after a gate held them back, and notifications that are one push.

What is there stays as it is: no decision waits, and none follows another.

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

GATES_OF_BEFORE = (
    *("consent", "purpose", "sensitive-place", "confidence", "age", "opening-hours", "schedule"),
    *("quiet-hours", "cap", "campaign-cap", "cooldown", "claimable", "duplicate", "hold-out"),
)
GATES = (*GATES_OF_BEFORE[:3], "relevance", *GATES_OF_BEFORE[3:])
KINDS_OF_BEFORE = ("campaign", "test", "device-joined", "listing")
KINDS = (*KINDS_OF_BEFORE, "bundle")
OCCASIONS = {"uq_decisions_transition": "transition_id", "uq_decisions_check_in": "check_in_id"}


def upgrade() -> None:
    """Add what follows a decision, what waits, and what is bundled."""
    op.add_column("decisions", sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("decisions", sa.Column("follows_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_decisions_follows_id_decisions"),
        "decisions",
        "decisions",
        ["follows_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_check_constraint(
        op.f("ck_decisions_only_held_ones_wait"),
        "decisions",
        "waits_until IS NULL OR gate IS NOT NULL",
    )
    op.create_index(
        "ix_decisions_follows",
        "decisions",
        ["follows_id", "decided_at"],
        postgresql_where="follows_id IS NOT NULL",
    )
    _decide_once(where="follows_id IS NULL")
    _know("decisions", "gate", GATES)
    op.create_table(
        "held_messages",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["decisions.id"],
            name=op.f("fk_held_messages_decision_id_decisions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_held_messages_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_held_messages")),
    )
    op.create_index(op.f("ix_held_messages_person_id"), "held_messages", ["person_id"])
    op.create_index("ix_held_messages_due", "held_messages", ["due_at"])
    op.execute("ALTER TABLE held_messages ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE held_messages FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY everywhere ON held_messages TO geoservices_service USING (true)")
    op.execute(
        "CREATE POLICY within ON held_messages TO geoservices_caller "
        "USING (person_id = (SELECT caller_person()))"
    )
    op.add_column("notifications", sa.Column("bundle_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_notifications_bundle_id_notifications"),
        "notifications",
        "notifications",
        ["bundle_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_check_constraint(
        op.f("ck_notifications_no_bundle_in_another"),
        "notifications",
        "bundle_id IS NULL OR kind <> 'bundle'",
    )
    op.create_index(
        "ix_notifications_bundle",
        "notifications",
        ["bundle_id"],
        postgresql_where="bundle_id IS NOT NULL",
    )
    _know("notifications", "kind", KINDS)


def downgrade() -> None:
    """Forget what waits and what became of it; what was pushed together stays in the inbox."""
    op.execute("DELETE FROM notifications WHERE kind = 'bundle'")
    _know("notifications", "kind", KINDS_OF_BEFORE)
    op.drop_constraint(op.f("ck_notifications_no_bundle_in_another"), "notifications")
    op.drop_column("notifications", "bundle_id")
    op.drop_table("held_messages")
    op.execute("DELETE FROM decisions WHERE follows_id IS NOT NULL OR gate = 'relevance'")
    _know("decisions", "gate", GATES_OF_BEFORE)
    _decide_once(where=None)
    op.drop_constraint(op.f("ck_decisions_only_held_ones_wait"), "decisions")
    for column in ("follows_id", "waits_until"):
        op.drop_column("decisions", column)


def _decide_once(*, where: str | None) -> None:
    for name, column in OCCASIONS.items():
        op.drop_index(name, table_name="decisions")
        op.create_index(
            name, "decisions", ["campaign_id", column], unique=True, postgresql_where=where
        )


def _know(table: str, column: str, values: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}_known")
    op.drop_constraint(name, table)
    known = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(name, table, f"{column} IN ({known})")
