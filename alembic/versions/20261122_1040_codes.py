"""Codes to scan at places, and what they add to the evidence of a check-in.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

GRADED = (("check_ins", "evidence", "self-declared"), ("listings", "evidence_needed", "near"))
"""Tables and columns, each with what `code` becomes below: a listing must not open wider."""
BEFORE = "'self-declared', 'near', 'inside'"
AFTER = (
    "'offline-claim', 'self-declared', 'code', 'near', 'inside', 'code-inside', 'rotating-code',"
    " 'staff-scan'"
)


def upgrade() -> None:
    """Add the table of codes, and let check-ins and listings have grades above and between.

    The previous release goes on writing check-ins, with no doubts, as `doubts` has a default.
    """
    op.create_table(
        "codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('static', 'rotating')", name=op.f("ck_codes_kind_known")),
        sa.CheckConstraint("valid_until > valid_from", name=op.f("ck_codes_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_codes_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["places.id"],
            name=op.f("fk_codes_place_id_places"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_codes")),
    )
    op.create_index("ix_codes_place", "codes", ["place_id", "created_at", "id"], unique=False)
    op.add_column("check_ins", sa.Column("code_id", sa.Uuid(), nullable=True))
    op.add_column("check_ins", sa.Column("scanned_by", sa.Uuid(), nullable=True))
    op.add_column(
        "check_ins",
        sa.Column(
            "doubts",
            postgresql.ARRAY(sa.String(length=30)),
            server_default="{}",
            nullable=False,
        ),
    )
    op.create_foreign_key(
        op.f("fk_check_ins_code_id_codes"),
        "check_ins",
        "codes",
        ["code_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_foreign_key(
        op.f("fk_check_ins_scanned_by_people"),
        "check_ins",
        "people",
        ["scanned_by"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(op.f("ix_check_ins_code_id"), "check_ins", ["code_id"], unique=False)
    op.create_index(op.f("ix_check_ins_scanned_by"), "check_ins", ["scanned_by"], unique=False)
    for table, column, _below in GRADED:
        _allow(table, column, AFTER)


def downgrade() -> None:
    """Undo it; each grade becomes the nearest one of before."""
    for table, column, below in GRADED:
        op.execute(
            f"UPDATE {table} SET {column} = CASE"
            f" WHEN {column} = 'offline-claim' THEN 'self-declared'"
            f" WHEN {column} = 'code' THEN '{below}'"
            f" WHEN {column} IN ('code-inside', 'rotating-code', 'staff-scan') THEN 'inside'"
            f" ELSE {column} END"
        )
        _allow(table, column, BEFORE)
    op.drop_index(op.f("ix_check_ins_scanned_by"), table_name="check_ins")
    op.drop_index(op.f("ix_check_ins_code_id"), table_name="check_ins")
    op.drop_constraint(op.f("fk_check_ins_scanned_by_people"), "check_ins", type_="foreignkey")
    op.drop_constraint(op.f("fk_check_ins_code_id_codes"), "check_ins", type_="foreignkey")
    op.drop_column("check_ins", "doubts")
    op.drop_column("check_ins", "scanned_by")
    op.drop_column("check_ins", "code_id")
    op.drop_index("ix_codes_place", table_name="codes")
    op.drop_table("codes")


def _allow(table: str, column: str, values: str) -> None:
    name = op.f(f"ck_{table}_evidence_known")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({values})")
