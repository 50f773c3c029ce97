"""Devices' tokens are exchanged, and further devices join by a code.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MINE = "person_id = (SELECT caller_person())"
WHOSE = {
    "other_tokens": f"device_id IN (SELECT id FROM devices WHERE {MINE})",
    "joining_codes": MINE,
}


def upgrade() -> None:
    """The devices there are go on with their first token."""
    op.add_column("devices", sa.Column("token_made_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "other_tokens",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_other_tokens_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_other_tokens")),
    )
    op.create_index(op.f("ix_other_tokens_device_id"), "other_tokens", ["device_id"])
    op.create_index(
        "uq_other_tokens_next",
        "other_tokens",
        ["device_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "joining_codes",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_joining_codes_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_joining_codes_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_joining_codes")),
        sa.UniqueConstraint("mark", name=op.f("uq_joining_codes_mark")),
    )
    op.create_index(op.f("ix_joining_codes_device_id"), "joining_codes", ["device_id"])
    op.create_index(op.f("ix_joining_codes_expires_at"), "joining_codes", ["expires_at"])
    for table, allowed in WHOSE.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO geoservices_service USING (true)")
        op.execute(f"CREATE POLICY within ON {table} TO geoservices_caller USING ({allowed})")
    _know_kinds("'campaign', 'test', 'device-joined'")


def downgrade() -> None:
    """Every device keeps the token it goes by; announcements of devices go."""
    op.execute("DELETE FROM notifications WHERE kind = 'device-joined'")
    _know_kinds("'campaign', 'test'")
    op.drop_table("joining_codes")
    op.drop_table("other_tokens")
    op.drop_column("devices", "token_made_at")


def _know_kinds(kinds: str) -> None:
    op.drop_constraint(op.f("ck_notifications_kind_known"), "notifications")
    op.create_check_constraint(
        op.f("ck_notifications_kind_known"), "notifications", f"kind IN ({kinds})"
    )
