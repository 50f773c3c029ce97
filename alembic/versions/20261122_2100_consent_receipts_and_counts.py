"""Receipts of consents, counts that are made once, marks of sensitive places, working hours.

What was kept without a consent that covers it goes: e-mail addresses, which nobody could agree to
yet, and what people left behind who had withdrawn. Consents of before get their receipts. Stop the
API and the workers of the previous release, which know no purpose but three, for the upgrade.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

OF_BEFORE = "'check-in-content', 'nearby', 'staff-tasks'"
PURPOSES = f"{OF_BEFORE}, 'statistics', 'email'"
REASONS_OF_BEFORE = (
    "'clearly-inside', 'kept-inside', 'within-reach', 'told-by-phone', 'stayed', "
    "'outside-for-long', 'silence', 'between-two-positions'"
)
REASONS = f"{REASONS_OF_BEFORE}, 'work-ended'"
KINDS = "'clinic', 'shelter', 'worship', 'polling', 'court', 'prison', 'union', 'other'"
WHOSE = {
    "consent_receipts": "person_id = (SELECT caller_person())",
    **dict.fromkeys(
        ("cell_rests", "place_hours"),
        "organisation_id = (SELECT caller_organisation())",
    ),
}
"""Which rows of the new tables a caller sees (decision 35)."""
INDEXES = (
    ("ix_check_ins_received", "check_ins", ["received_at"], None),
    ("ix_decisions_decided", "decisions", ["decided_at"], None),
    ("ix_notifications_surfaced", "notifications", ["surfaced_at"], None),
    ("ix_places_sensitive", "places", ["id"], "sensitive_kind IS NOT NULL"),
    ("ix_transitions_crossed", "transitions", ["place_id", "occurred_at"], "visit_id IS NULL"),
    ("ix_visits_exited", "visits", ["exited_at"], "exited_at IS NOT NULL"),
)
"""What is looked for by its age, or by its place once that is sensitive."""


def upgrade() -> None:
    """Make the tables, and erase what nobody agrees to."""
    _know_purposes(PURPOSES)
    _know_reasons(REASONS)
    _receipts()
    _counts()
    _places()
    op.add_column("people", sa.Column("working_hours", sa.String(length=300), nullable=True))
    op.create_check_constraint(
        op.f("ck_people_members_have_hours"),
        "people",
        "working_hours IS NULL OR organisation_id IS NOT NULL",
    )
    for name, table, columns, where in INDEXES:
        op.create_index(name, table, columns, postgresql_where=where)
    for table, within in WHOSE.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO geoservices_service USING (true)")
        op.execute(f"CREATE POLICY within ON {table} TO geoservices_caller USING ({within})")
    op.execute("DELETE FROM email_addresses")
    for table, purposes in (
        ("visits", "'nearby', 'staff-tasks'"),
        ("transitions", "'nearby', 'staff-tasks'"),
        ("check_ins", "'check-in-content', 'staff-tasks'"),
        ("subscriptions", OF_BEFORE),
    ):
        op.execute(
            f"DELETE FROM {table} USING devices WHERE devices.id = {table}.device_id AND NOT "
            "EXISTS (SELECT FROM consents WHERE consents.person_id = devices.person_id "
            f"AND purpose IN ({purposes}) AND withdrawn_at IS NULL)"
        )


def downgrade() -> None:
    """Forget receipts, counts, marks and hours; what was erased stays so."""
    for name, table, _columns, where in reversed(INDEXES):
        op.drop_index(name, table_name=table, postgresql_where=where)
    op.drop_constraint(op.f("ck_people_members_have_hours"), "people")
    op.drop_column("people", "working_hours")
    for name in ("sensitive_kind_known", "sensitive_for_a_reason", "sensitive_ends_after_start"):
        op.drop_constraint(op.f(f"ck_places_{name}"), "places")
    for column in ("sensitivity_by_hand", "sensitive_until", "sensitive_from", "sensitive_kind"):
        op.drop_column("places", column)
    for table in ("place_hours", "occupancies", "cell_rests", "consent_receipts"):
        op.drop_table(table)
    op.drop_column("organisations", "counted_until")
    op.drop_column("consents", "language")
    op.execute("DELETE FROM transitions WHERE reason = 'work-ended'")
    _know_reasons(REASONS_OF_BEFORE)
    for table in ("consents", "campaigns", "channel_choices"):
        op.execute(f"DELETE FROM {table} WHERE purpose NOT IN ({OF_BEFORE})")
    _know_purposes(OF_BEFORE)


def _receipts() -> None:
    op.add_column(
        "consents",
        sa.Column("language", sa.String(length=20), server_default="en-GB", nullable=False),
    )
    op.create_table(
        "consent_receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("text_version", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("credential", sa.String(length=20), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "credential IN ('device', 'sign-in')",
            name=op.f("ck_consent_receipts_credential_known"),
        ),
        sa.CheckConstraint(
            "event IN ('given', 'replaced', 'withdrawn')",
            name=op.f("ck_consent_receipts_event_known"),
        ),
        sa.CheckConstraint(
            f"purpose IN ({PURPOSES})", name=op.f("ck_consent_receipts_purpose_known")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_consent_receipts_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_receipts")),
    )
    op.create_index("ix_consent_receipts_occurred", "consent_receipts", ["occurred_at"])
    op.create_index(
        "ix_consent_receipts_person", "consent_receipts", ["person_id", "occurred_at", "id"]
    )
    # Only a device's own token could agree or withdraw until now, in the one language there was.
    for event, instant in (("given", "given_at"), ("withdrawn", "withdrawn_at")):
        op.execute(
            "INSERT INTO consent_receipts SELECT gen_random_uuid(), person_id, id, purpose, "
            f"text_version, language, '{event}', 'device', {instant} FROM consents "
            f"WHERE {instant} IS NOT NULL"
        )


def _counts() -> None:
    op.add_column(
        "organisations", sa.Column("counted_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        "cell_rests",
        _organisation("cell_rests"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cell", sa.String(length=6), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "organisation_id", "day", "cell", "starts_at", name=op.f("pk_cell_rests")
        ),
    )
    op.create_table(
        "place_hours",
        _place("place_hours"),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        _organisation("place_hours"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cell", sa.String(length=6), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("place_id", "starts_at", name=op.f("pk_place_hours")),
    )
    op.create_index("ix_place_hours_organisation", "place_hours", ["organisation_id", "day"])
    op.create_table(
        "occupancies",
        _place("occupancies"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("place_id", name=op.f("pk_occupancies")),
    )


def _places() -> None:
    op.add_column("places", sa.Column("sensitive_kind", sa.String(length=20), nullable=True))
    for name in ("sensitive_from", "sensitive_until"):
        op.add_column("places", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "places",
        sa.Column(
            "sensitivity_by_hand", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.execute("UPDATE places SET sensitive_kind = 'other' WHERE sensitive_at IS NOT NULL")
    # Their geofences are watched no more.
    op.execute(
        "UPDATE geofences SET presence = geofences.presence FROM places "
        "WHERE places.id = geofences.place_id AND places.sensitive_at IS NOT NULL"
    )
    for name, condition in (
        ("sensitive_kind_known", f"sensitive_kind IN ({KINDS})"),
        ("sensitive_for_a_reason", "sensitive_at IS NULL OR sensitive_kind IS NOT NULL"),
        ("sensitive_ends_after_start", "sensitive_until > sensitive_from"),
    ):
        op.create_check_constraint(op.f(f"ck_places_{name}"), "places", condition)


def _organisation(table: str) -> sa.Column[object]:
    return sa.Column(
        "organisation_id",
        sa.Uuid(),
        sa.ForeignKey(
            "organisations.id",
            name=op.f(f"fk_{table}_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        nullable=False,
    )


def _place(table: str) -> sa.Column[object]:
    return sa.Column(
        "place_id",
        sa.Uuid(),
        sa.ForeignKey("places.id", name=op.f(f"fk_{table}_place_id_places"), ondelete="CASCADE"),
        nullable=False,
    )


def _know_purposes(purposes: str) -> None:
    for table in ("consents", "campaigns", "channel_choices"):
        op.drop_constraint(op.f(f"ck_{table}_purpose_known"), table)
        op.create_check_constraint(
            op.f(f"ck_{table}_purpose_known"), table, f"purpose IN ({purposes})"
        )


def _know_reasons(reasons: str) -> None:
    op.drop_constraint(op.f("ck_transitions_reason_known"), "transitions")
    op.create_check_constraint(
        op.f("ck_transitions_reason_known"), "transitions", f"reason IN ({reasons})"
    )
