"""Imports in parts, and the order in which tasks and places are listed.

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

CALLER = "geoservices_caller"
OWN = "organisation_id = (SELECT caller_organisation())"
OF_OWN_LISTINGS = f"id IN (SELECT id FROM listings WHERE {OWN})"
URGENCY = "array_position('{urgent,high,normal,low}'::text[], priority::text)"
DUE = "COALESCE(due_at, 'infinity'::timestamptz)"
CHECKED = sa.text("stands_for IS NOT NULL")


def upgrade() -> None:
    """Let imports be checked before they are taken in, and find tasks and places in their order."""
    _imports()
    _tasks()


def _imports() -> None:
    _know_states("queued", "checking", "working")
    op.add_column(
        "task_imports", sa.Column("turn", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("task_import_lines", sa.Column("stands_for", sa.Uuid(), nullable=True))
    op.add_column(
        "task_import_lines",
        sa.Column("depends_on", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
    op.drop_constraint(op.f("ck_task_import_lines_said_until_done"), "task_import_lines")
    # A worker was at these in one transaction, of which nothing is left. As they stand they would
    # be taken in now without having been checked, those for show too.
    op.execute(
        "UPDATE task_imports SET state = 'queued', lines_done = "
        "(SELECT count(*) FROM task_import_lines WHERE import_id = id AND said IS NULL) "
        "WHERE state = 'working' AND (dry_run OR mode = 'all-or-nothing')"
    )
    op.create_index("ix_task_import_lines_turn", "task_import_lines", ["import_id", "turn"])
    op.create_index(
        "ix_task_import_lines_checked",
        "task_import_lines",
        ["import_id", "external_id"],
        postgresql_where=CHECKED,
    )


def _tasks() -> None:
    op.add_column("tasks", sa.Column("organisation_id", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE tasks SET organisation_id = listings.organisation_id "
        "FROM listings WHERE listings.id = tasks.id"
    )
    op.alter_column("tasks", "organisation_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_tasks_organisation_id_organisations"),
        "tasks",
        "organisations",
        ["organisation_id"],
        ["id"],
    )
    op.create_index(
        "ix_tasks_urgency", "tasks", ["organisation_id", sa.text(URGENCY), sa.text(DUE), "id"]
    )
    op.execute(f"ALTER POLICY within ON tasks TO {CALLER} USING ({OWN})")
    op.create_index("ix_places_name", "places", ["name", "id"])


def downgrade() -> None:
    """Have all as it was; what is checked just now begins anew."""
    op.drop_index("ix_places_name", "places")
    op.execute(f"ALTER POLICY within ON tasks TO {CALLER} USING ({OF_OWN_LISTINGS})")
    op.drop_index("ix_tasks_urgency", "tasks")
    op.drop_column("tasks", "organisation_id")
    op.drop_index("ix_task_import_lines_checked", "task_import_lines", postgresql_where=CHECKED)
    op.drop_index("ix_task_import_lines_turn", "task_import_lines")
    op.execute("UPDATE task_import_lines SET outcome = NULL WHERE said IS NOT NULL")
    op.execute(
        "UPDATE task_import_lines SET outcome = 'refused' WHERE outcome IS NULL AND said IS NULL"
    )
    op.create_check_constraint(
        op.f("ck_task_import_lines_said_until_done"),
        "task_import_lines",
        "(outcome IS NULL) = (said IS NOT NULL)",
    )
    op.drop_column("task_import_lines", "depends_on")
    op.drop_column("task_import_lines", "stands_for")
    op.drop_column("task_imports", "turn")
    op.execute("UPDATE task_imports SET state = 'working' WHERE state = 'checking'")
    _know_states("queued", "working")


def _know_states(*under_way: str) -> None:
    """Say which states there are, and that imports in some of them are looked for."""
    known = ", ".join(f"'{state}'" for state in (*under_way, "done", "failed"))
    op.drop_index("ix_task_imports_due", "task_imports")
    op.drop_constraint(op.f("ck_task_imports_state_known"), "task_imports")
    op.create_check_constraint(
        op.f("ck_task_imports_state_known"), "task_imports", f"state IN ({known})"
    )
    looked_for = ", ".join(f"'{state}'" for state in under_way)
    op.create_index(
        "ix_task_imports_due",
        "task_imports",
        ["due_at"],
        postgresql_where=sa.text(f"state IN ({looked_for})"),
    )
