"""Tasks wait for others, come again by a rule, and those whom they are for are told.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
UNFINISHED = "state IN ('open', 'claimed', 'in-progress', 'declined')"
EVIDENCE = (
    "'offline-claim', 'self-declared', 'code', 'near', 'inside', 'code-inside', "
    "'rotating-code', 'staff-scan'"
)
REFERENCES = {"for_person_id": "people", "for_team_id": "teams"}
KEPT = """
CREATE OR REPLACE FUNCTION task_steps_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF current_user = 'geoservices_caller' THEN
            RAISE EXCEPTION 'the history of a task is only added to';
        END IF;
        RETURN OLD;
    END IF;
    {taken_out}
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'the history of a task is only added to';
    END IF;
    RETURN NEW;
END $$
"""
TAKEN_OUT = """
    -- Whoever is erased is taken out of it.
    IF NEW.{0} IS NULL THEN
        OLD.{0} := NULL;
    END IF;
"""


def upgrade() -> None:
    """Every task that there is waits for none, and whom it is for knows of it."""
    _series()
    for column in (
        sa.Column("depends_on", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("ticks_said_at", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        *(sa.Column(f"{name}_at", INSTANT, nullable=True) for name in ("occurs", "opened", "told")),
    ):
        op.add_column("tasks", column)
    op.execute("UPDATE tasks SET opened_at = now(), told_at = now()")
    _refer("tasks", "series_id", "task_series")
    op.create_index("uq_tasks_occurrence", "tasks", ["series_id", "occurs_at"], unique=True)
    op.create_index(
        "ix_tasks_unsettled",
        "tasks",
        ["id"],
        postgresql_where="state NOT IN ('done', 'cancelled')",
    )
    op.create_index(
        "ix_tasks_unseen",
        "tasks",
        ["id"],
        postgresql_where=f"(opened_at IS NULL OR told_at IS NULL) AND {UNFINISHED}",
    )
    op.create_index(
        "ix_tasks_depends_on",
        "tasks",
        ["depends_on"],
        postgresql_using="gin",
        postgresql_where="depends_on <> '{}'",
    )
    for column, table in REFERENCES.items():
        op.add_column("task_steps", sa.Column(column, sa.Uuid(), nullable=True))
        _refer("task_steps", column, table)
        op.create_index(op.f(f"ix_task_steps_{column}"), "task_steps", [column])
    op.add_column("task_steps", sa.Column("for_skill", sa.String(length=60), nullable=True))
    _keep("person_id", *REFERENCES)
    op.add_column(
        "task_import_lines", sa.Column("turn", sa.Integer(), server_default="0", nullable=False)
    )
    op.execute("UPDATE task_import_lines SET turn = number")
    op.alter_column("task_import_lines", "turn", server_default=None)
    op.add_column("task_import_lines", sa.Column("series_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    """What waited waits no more, and what came again stays as it is."""
    op.drop_column("task_import_lines", "series_id")
    op.drop_column("task_import_lines", "turn")
    _keep("person_id")
    for column in (*REFERENCES, "for_skill"):
        op.drop_column("task_steps", column)
    op.drop_index("uq_tasks_occurrence", table_name="tasks")
    op.drop_index("ix_tasks_unsettled", table_name="tasks")
    op.drop_index("ix_tasks_unseen", table_name="tasks")
    op.drop_index("ix_tasks_depends_on", table_name="tasks")
    for column in (
        *("depends_on", "ticks_said_at", "series_id", "occurs_at", "opened_at", "told_at"),
    ):
        op.drop_column("tasks", column)
    op.drop_table("task_series")


def _keep(*taken_out: str) -> None:
    op.execute(KEPT.replace("{taken_out}", "".join(TAKEN_OUT.format(one) for one in taken_out)))


def _refer(table: str, column: str, to: str) -> None:
    op.create_foreign_key(
        op.f(f"fk_{table}_{column}_{to}"), table, to, [column], ["id"], ondelete="SET NULL"
    )


def _series() -> None:
    op.create_table(
        "task_series",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("evidence_needed", sa.String(length=20), nullable=False),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("skill", sa.String(length=60), nullable=True),
        sa.Column("escalate_to", sa.String(length=10), nullable=False),
        sa.Column("checklist", postgresql.JSONB(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("rule", sa.String(length=500), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("due_after", sa.Interval(), nullable=True),
        sa.Column("lasts", sa.Interval(), nullable=True),
        sa.Column("overlapping", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("made_until", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "priority IN ('low', 'normal', 'high', 'urgent')",
            name=op.f("ck_task_series_priority_known"),
        ),
        sa.CheckConstraint(
            "escalate_to IN ('team-lead', 'manager', 'nobody')",
            name=op.f("ck_task_series_escalation_known"),
        ),
        sa.CheckConstraint(
            f"evidence_needed IN ({EVIDENCE})", name=op.f("ck_task_series_evidence_known")
        ),
        sa.CheckConstraint(
            "num_nonnulls(assigned_to, team_id, skill) <= 1",
            name=op.f("ck_task_series_assigned_once"),
        ),
        sa.CheckConstraint(
            "next_at IS NULL OR ended_at IS NULL", name=op.f("ck_task_series_ended_wholly")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_task_series_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["places.id"],
            name=op.f("fk_task_series_place_id_places"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_series")),
    )
    _refer("task_series", "assigned_to", "people")
    _refer("task_series", "team_id", "teams")
    for column in ("place_id", "assigned_to", "team_id"):
        op.create_index(op.f(f"ix_task_series_{column}"), "task_series", [column])
    op.create_index(
        "ix_task_series_organisation", "task_series", ["organisation_id", "created_at", "id"]
    )
    op.create_index(
        "uq_task_series_external_id", "task_series", ["organisation_id", "external_id"], unique=True
    )
    op.create_index(
        "ix_task_series_next_at",
        "task_series",
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.execute("ALTER TABLE task_series ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE task_series FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY everywhere ON task_series TO geoservices_service USING (true)")
    op.execute(
        "CREATE POLICY within ON task_series TO geoservices_caller "
        "USING (organisation_id = (SELECT caller_organisation()))"
    )
