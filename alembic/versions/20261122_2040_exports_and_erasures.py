"""Copies for people to keep, the list of who was erased, and an index to find consents by.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

WHAT_ONE_MAY = {
    "exports": "person_id = (SELECT caller_person())",
    "export_chunks": "export_id IN (SELECT id FROM exports)",
    "erasures": "person_id = (SELECT caller_person())",
}
"""What a caller may see and write, by table (decision 35)."""


def upgrade() -> None:
    """Add what the rights of people need."""
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("rows_written", sa.Integer(), nullable=False),
        sa.Column("rows_to_write", sa.Integer(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'writing', 'ready', 'failed')", name=op.f("ck_exports_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'ready') = (ready_at IS NOT NULL AND size_bytes IS NOT NULL)",
            name=op.f("ck_exports_ready_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_exports_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index("ix_exports_person", "exports", ["person_id", "created_at"])
    under_way = sa.text("state IN ('queued', 'writing')")
    op.create_index(
        "uq_exports_under_way", "exports", ["person_id"], unique=True, postgresql_where=under_way
    )
    op.create_index("ix_exports_due", "exports", ["due_at"], postgresql_where=under_way)
    op.create_index("ix_exports_expires", "exports", ["expires_at"])
    op.create_table(
        "export_chunks",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["exports.id"],
            name=op.f("fk_export_chunks_export_id_exports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("export_id", "number", name=op.f("pk_export_chunks")),
    )
    # A zip is not made smaller once more.
    op.execute("ALTER TABLE export_chunks ALTER COLUMN data SET STORAGE EXTERNAL")
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_mark", sa.LargeBinary(length=8), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("rows_erased", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(person_id IS NULL) = (done_at IS NOT NULL)",
            name=op.f("ck_erasures_named_until_done"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("mark", name=op.f("uq_erasures_mark")),
    )
    op.create_index(
        "ix_erasures_due", "erasures", ["due_at"], postgresql_where=sa.text("done_at IS NULL")
    )
    op.create_index(op.f("ix_consents_person_id"), "consents", ["person_id"])
    for table, allowed in WHAT_ONE_MAY.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO geoservices_service USING (true)")
        op.execute(f"CREATE POLICY within ON {table} TO geoservices_caller USING ({allowed})")


def downgrade() -> None:
    """Take it away again; the list of who was erased is lost, so export it first."""
    op.drop_index(op.f("ix_consents_person_id"), "consents")
    op.drop_table("erasures")
    op.drop_table("export_chunks")
    op.drop_table("exports")
