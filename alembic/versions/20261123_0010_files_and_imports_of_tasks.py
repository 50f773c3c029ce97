"""Photos of tasks, and tasks that other systems bring.

Revision ID: 0035
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0026"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OWN = "organisation_id = (SELECT caller_organisation())"
WHAT_ONE_MAY = {
    "files": OWN,
    "task_imports": OWN,
    "task_import_lines": "import_id IN (SELECT id FROM task_imports)",
    "task_references": OWN,
}
"""What a caller may see and write, by table (decision 35)."""


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("media_type", sa.String(length=60), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "size_bytes > 0 AND width_px > 0 AND height_px > 0", name=op.f("ck_files_not_empty")
        ),
        _refers("files", "organisation_id", "organisations"),
        _refers("files", "task_id", "tasks", ondelete="CASCADE"),
        _refers("files", "added_by", "people", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
    )
    for column in ("organisation_id", "added_by", "sha256", "added_at"):
        op.create_index(f"ix_files_{column}", "files", [column])
    op.create_index(
        "uq_files_of_task",
        "files",
        ["task_id", "sha256"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index(
        "ix_files_removed_at",
        "files",
        ["removed_at"],
        postgresql_where=sa.text("removed_at IS NOT NULL"),
    )
    _make_imports()
    op.create_table(
        "task_references",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        _refers("task_references", "organisation_id", "organisations"),
        _refers("task_references", "task_id", "tasks", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("organisation_id", "external_id", name=op.f("pk_task_references")),
        sa.UniqueConstraint("task_id", name=op.f("uq_task_references_task_id")),
    )
    for table, allowed in WHAT_ONE_MAY.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO geoservices_service USING (true)")
        op.execute(f"CREATE POLICY within ON {table} TO geoservices_caller USING ({allowed})")


def downgrade() -> None:
    """Take them away again; what is in the store stays there, and nothing leads to it."""
    for table in ("task_references", "task_import_lines", "task_imports", "files"):
        op.drop_table(table)


def _make_imports() -> None:
    op.create_table(
        "task_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("reach", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=True),
        sa.Column("lines_count", sa.Integer(), nullable=False),
        sa.Column("lines_done", sa.Integer(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'working', 'done', 'failed')",
            name=op.f("ck_task_imports_state_known"),
        ),
        sa.CheckConstraint(
            "mode IN ('all-or-nothing', 'what-is-good')", name=op.f("ck_task_imports_mode_known")
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'failed')) = (done_at IS NOT NULL)",
            name=op.f("ck_task_imports_done_whole"),
        ),
        _refers("task_imports", "organisation_id", "organisations"),
        _refers("task_imports", "asked_by", "people", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_imports")),
    )
    op.create_index(op.f("ix_task_imports_asked_by"), "task_imports", ["asked_by"])
    op.create_index("ix_task_imports_asked_at", "task_imports", ["asked_at"])
    op.create_index(
        "ix_task_imports_organisation", "task_imports", ["organisation_id", "asked_at", "id"]
    )
    op.create_index(
        "ix_task_imports_due",
        "task_imports",
        ["due_at"],
        postgresql_where=sa.text("state IN ('queued', 'working')"),
    )
    op.create_table(
        "task_import_lines",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=False),
        sa.Column("said", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("problems", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('made', 'changed', 'same', 'refused')",
            name=op.f("ck_task_import_lines_outcome_known"),
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (said IS NOT NULL)",
            name=op.f("ck_task_import_lines_said_until_done"),
        ),
        _refers("task_import_lines", "import_id", "task_imports", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_task_import_lines")),
    )


def _refers(
    table: str, column: str, to: str, *, ondelete: str | None = None
) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=ondelete
    )
