"""Phone apps of others: their credentials, what they were given, and devices of places only.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Devices there are go on sharing positions; a default needs no table rewritten."""
    op.add_column(
        "devices", sa.Column("places_only", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "phone_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("app", sa.String(length=20), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "app IN ('owntracks', 'overland', 'traccar')", name=op.f("ck_phone_links_app_known")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_phone_links_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_phone_links_token_hash")),
    )
    op.create_index(op.f("ix_phone_links_device_id"), "phone_links", ["device_id"])
    op.create_table(
        "handed_regions",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("cell", sa.LargeBinary(length=32), nullable=False),
        sa.Column("cell_m", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_handed_regions_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_handed_regions")),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("handed_regions")
    op.drop_index(op.f("ix_phone_links_device_id"), table_name="phone_links")
    op.drop_table("phone_links")
    op.drop_column("devices", "places_only")
