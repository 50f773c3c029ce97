"""Partition pings by when they arrived; the device's row says up to when it was followed.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FOLLOWED = {
    "followed_until": sa.DateTime(timezone=True),
    "fix_at": sa.DateTime(timezone=True),
    "fix_lon": sa.Double(),
    "fix_lat": sa.Double(),
    "fix_accuracy_m": sa.Double(),
}


def upgrade() -> None:
    """Move what is there into the new shape."""
    # Every row of large tables is written, which takes as long as it takes.
    op.execute("SET LOCAL statement_timeout = 0")
    for name, type_ in FOLLOWED.items():
        op.add_column("devices", sa.Column(name, type_, nullable=True))
    # Each ping updates its device's row; room in the page lets that happen in place.
    op.execute("ALTER TABLE devices SET (fillfactor = 70)")
    op.execute(
        "UPDATE devices SET followed_until = recorded_at FROM last_seen WHERE device_id = devices.id"
    )
    op.drop_table("last_seen")
    op.rename_table("pings", "pings_before")
    for old in ("pk_pings", "ix_pings_received_at"):
        op.execute(f"ALTER INDEX {old} RENAME TO {old}_before")
    op.create_table(
        "pings",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("accuracy_m", sa.REAL(), nullable=True),
        sa.Column("speed_mps", sa.REAL(), nullable=True),
        sa.Column("heading_deg", sa.REAL(), nullable=True),
        sa.Column("signs", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name=op.f("ck_pings_on_earth")
        ),
        postgresql_partition_by="RANGE (received_at)",
    )
    op.create_index("ix_pings_device_recorded", "pings", ["device_id", "recorded_at"])
    # Whatever arrives before a partition was made for it waits here.
    op.execute("CREATE TABLE pings_default PARTITION OF pings DEFAULT")
    op.execute(
        """
        INSERT INTO pings
        SELECT device_id, recorded_at, id, received_at, lon, lat, accuracy_m, speed_mps,
            heading_deg, 0
        FROM pings_before
        """
    )
    op.drop_table("pings_before")


def downgrade() -> None:
    """Move what is there back; of pings with one key, one stays."""
    # Every row of large tables is written, which takes as long as it takes.
    op.execute("SET LOCAL statement_timeout = 0")
    op.rename_table("pings", "pings_after")
    op.create_table(
        "pings",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("speed_mps", sa.Double(), nullable=True),
        sa.Column("heading_deg", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name=op.f("ck_pings_on_earth")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_pings_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("device_id", "recorded_at", "id", name=op.f("pk_pings")),
    )
    op.create_index("ix_pings_received_at", "pings", ["received_at"], postgresql_using="brin")
    op.execute(
        """
        INSERT INTO pings
        SELECT device_id, recorded_at, id, received_at, lon, lat, accuracy_m, speed_mps,
            heading_deg
        FROM pings_after WHERE device_id IN (SELECT id FROM devices)
        ON CONFLICT DO NOTHING
        """
    )
    op.drop_table("pings_after")
    op.create_table(
        "last_seen",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_last_seen_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_last_seen")),
    )
    op.execute(
        """
        INSERT INTO last_seen
        SELECT id, followed_until FROM devices WHERE followed_until IS NOT NULL
        """
    )
    op.execute("ALTER TABLE devices RESET (fillfactor)")
    for name in FOLLOWED:
        op.drop_column("devices", name)
