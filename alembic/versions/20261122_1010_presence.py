"""What a phone itself tells, places only passed, and presence rules of one's own.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KINDS = "kind IN ('entered', 'dwelled', 'exited', 'crossed')"
KINDS_BEFORE = "kind IN ('entered', 'dwelled', 'exited')"
REASONS = (
    "reason IN ('clearly-inside', 'kept-inside', 'within-reach', 'told-by-phone', 'stayed', "
    "'outside-for-long', 'silence', 'between-two-positions')"
)
REASONS_BEFORE = (
    "reason IN ('clearly-inside', 'kept-inside', 'stayed', 'outside-for-long', 'silence')"
)


def upgrade() -> None:
    """Widen what a transition may be; the visits there are were told by no phone."""
    # Every row of large tables is written, which takes as long as it takes.
    op.execute("SET LOCAL statement_timeout = 0")
    op.add_column(
        "visits", sa.Column("told", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.alter_column("visits", "told", server_default=None)
    # An arrival now holds the confidence of the enter that would come of it.
    op.execute("UPDATE visits SET confidence = 2 WHERE phase = 'arriving'")
    op.alter_column("visits", "seen_at", nullable=True)
    op.alter_column("transitions", "reason", type_=sa.String(length=30))
    op.alter_column("transitions", "visit_id", nullable=True)
    _check_again("kind_known", KINDS)
    _check_again("reason_known", REASONS)
    op.create_check_constraint(
        op.f("ck_transitions_crossed_without_visit"),
        "transitions",
        "(kind = 'crossed') = (visit_id IS NULL)",
    )
    for table in ("organisations", "geofences"):
        op.add_column(
            table,
            sa.Column(
                "presence",
                postgresql.JSONB(astext_type=sa.Text()),
                nullable=False,
                server_default="{}",
            ),
        )


def downgrade() -> None:
    """Drop what could not be said before."""
    # Every row of large tables is written, which takes as long as it takes.
    op.execute("SET LOCAL statement_timeout = 0")
    op.drop_column("geofences", "presence")
    op.drop_column("organisations", "presence")
    op.execute("DELETE FROM transitions WHERE kind = 'crossed'")
    op.execute(
        "UPDATE transitions SET reason = CASE kind WHEN 'entered' THEN 'kept-inside' "
        "ELSE 'outside-for-long' END WHERE reason IN ('within-reach', 'told-by-phone')"
    )
    op.execute(
        "UPDATE visits SET exit_reason = 'outside-for-long' WHERE exit_reason = 'told-by-phone'"
    )
    op.drop_constraint(op.f("ck_transitions_crossed_without_visit"), "transitions")
    _check_again("reason_known", REASONS_BEFORE)
    _check_again("kind_known", KINDS_BEFORE)
    op.alter_column("transitions", "visit_id", nullable=False)
    op.alter_column("transitions", "reason", type_=sa.String(length=20))
    op.execute(
        """
        UPDATE visits SET seen_at = coalesce(followed_until, entered_at)
        FROM devices WHERE devices.id = device_id AND seen_at IS NULL
        """
    )
    op.alter_column("visits", "seen_at", nullable=False)
    op.drop_column("visits", "told")


def _check_again(name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_transitions_{name}"), "transitions")
    op.create_check_constraint(op.f(f"ck_transitions_{name}"), "transitions", condition)
