"""Events that come again, and who has a place there.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

OWN = "event_id IN (SELECT id FROM listings WHERE organisation_id = (SELECT caller_organisation()))"
POLICIES = {
    # Their counts are public; whoever checks in where they signed up is counted among those there.
    "event_occurrences": {
        "SELECT": "event_id IN (SELECT id FROM listings)",
        "INSERT": OWN,
        "UPDATE": f"{OWN} OR id IN (SELECT occurrence_id FROM sign_ups)",
        "DELETE": OWN,
    },
    "sign_ups": {"ALL": "person_id = (SELECT caller_person())"},
    "sign_up_reminders": {"ALL": "sign_up_id IN (SELECT id FROM sign_ups)"},
}
"""What a caller may do with which rows (decision 35)."""


def upgrade() -> None:
    """Say of the events there are that they take place once, and make the tables."""
    _events()
    op.create_table(
        "event_occurrences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.Integer(), server_default="0", nullable=False)
            for name in ("going", "waiting", "attended")
        ),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.CheckConstraint(
            "going >= 0 AND waiting >= 0 AND attended >= 0",
            name=op.f("ck_event_occurrences_counts_positive"),
        ),
        sa.CheckConstraint(
            "(cancelled_at IS NULL) = (reason IS NULL)",
            name=op.f("ck_event_occurrences_cancelled_with_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_event_occurrences_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_occurrences")),
        sa.UniqueConstraint(
            "event_id", "starts_at", name=op.f("uq_event_occurrences_event_id_starts_at")
        ),
    )
    op.create_index("ix_event_occurrences_starts", "event_occurrences", ["starts_at"])
    op.create_index("ix_event_occurrences_ends", "event_occurrences", ["ends_at"])
    op.create_table(
        "sign_ups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("occurrence_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("signed_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("going_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('going', 'waiting')", name=op.f("ck_sign_ups_state_known")),
        sa.CheckConstraint(
            "(state = 'going') = (going_since IS NOT NULL)",
            name=op.f("ck_sign_ups_going_since_when"),
        ),
        sa.ForeignKeyConstraint(
            ["occurrence_id"],
            ["event_occurrences.id"],
            name=op.f("fk_sign_ups_occurrence_id_event_occurrences"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_sign_ups_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ups")),
        sa.UniqueConstraint(
            "occurrence_id", "person_id", name=op.f("uq_sign_ups_occurrence_id_person_id")
        ),
    )
    op.create_index("ix_sign_ups_person", "sign_ups", ["person_id", "signed_up_at", "id"])
    op.create_index("ix_sign_ups_order", "sign_ups", ["occurrence_id", "state", "number"])
    op.create_table(
        "sign_up_reminders",
        sa.Column("sign_up_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.Interval(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sign_up_id"],
            ["sign_ups.id"],
            name=op.f("fk_sign_up_reminders_sign_up_id_sign_ups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sign_up_id", "before", name=op.f("pk_sign_up_reminders")),
    )
    for table, allowed in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO geoservices_service USING (true)")
        for command, condition in allowed.items():
            said = "WITH CHECK" if command == "INSERT" else "USING"
            op.execute(
                f"CREATE POLICY may_{command.lower()} ON {table} FOR {command} "
                f"TO geoservices_caller {said} ({condition})"
            )


def downgrade() -> None:
    """Let every event take place once, and nobody sign up."""
    # It asks the table of sign-ups, which would have to stay.
    op.execute("DROP POLICY may_update ON event_occurrences")
    for table in ("sign_up_reminders", "sign_ups", "event_occurrences"):
        op.drop_table(table)
    for name in (
        *("time_zone", "length", "rule", "excluded"),
        *("capacity", "sign_up", "sign_up_closes", "reminders"),
    ):
        op.drop_column("events", name)


def _events() -> None:
    op.add_column("events", sa.Column("time_zone", sa.String(length=60), nullable=True))
    op.execute(
        "UPDATE events SET time_zone = places.time_zone FROM listings JOIN places "
        "ON places.id = listings.place_id WHERE listings.id = events.id"
    )
    op.alter_column("events", "time_zone", nullable=False)
    op.add_column("events", sa.Column("length", sa.Interval(), nullable=True))
    op.execute(
        "UPDATE events SET length = listings.ends_at - listings.starts_at FROM listings "
        "WHERE listings.id = events.id "
        "AND listings.ends_at - listings.starts_at <= interval '366 days'"
    )
    op.add_column("events", sa.Column("rule", sa.String(length=500), nullable=True))
    op.add_column(
        "events",
        sa.Column(
            "excluded",
            sa.ARRAY(sa.DateTime(timezone=True)),
            server_default="{}",
            nullable=False,
        ),
    )
    op.add_column("events", sa.Column("capacity", sa.Integer(), nullable=True))
    op.add_column(
        "events",
        sa.Column("sign_up", sa.String(length=20), server_default="none", nullable=False),
    )
    op.add_column(
        "events",
        sa.Column("sign_up_closes", sa.Interval(), server_default="00:00:00", nullable=False),
    )
    op.add_column(
        "events",
        sa.Column("reminders", sa.ARRAY(sa.Interval()), server_default="{}", nullable=False),
    )
    for name, condition in {
        "length_positive": "length > interval '0'",
        "rule_with_length": "rule IS NULL OR length IS NOT NULL",
        "capacity_positive": "capacity > 0",
        "sign_up_known": "sign_up IN ('none', 'open')",
    }.items():
        op.create_check_constraint(op.f(f"ck_events_{name}"), "events", condition)
