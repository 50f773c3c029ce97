"""Tasks are claimed and done, with a history; members have skills.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

SERVICE, CALLER = "geoservices_service", "geoservices_caller"
OWN = "organisation_id = (SELECT caller_organisation())"
OF_OWN_LISTINGS = f"id IN (SELECT id FROM listings WHERE {OWN})"
STATES = (
    "'open', 'claimed', 'in-progress', 'done', 'declined', 'cancelled', 'expired'",
    "'open', 'claimed', 'in-progress', 'declined'",
)
KINDS = (
    "'claim', 'extend', 'release', 'start', 'tick', 'done', 'decline', 'assign', 'cancel', "
    "'expire', 'note'"
)
EVIDENCE = (
    "'offline-claim', 'self-declared', 'code', 'near', 'inside', 'code-inside', "
    "'rotating-code', 'staff-scan'"
)
CHECKS = {
    "state_known": f"state IN ({STATES[0]})",
    "priority_known": "priority IN ('low', 'normal', 'high', 'urgent')",
    "escalation_known": "escalate_to IN ('team-lead', 'manager', 'nobody')",
    "assigned_once": "num_nonnulls(assigned_to, team_id, skill) <= 1",
    "leased_while_held": "leased_until IS NULL OR state IN ('claimed', 'in-progress')",
}
REFERENCES = {"assigned_to": "people", "team_id": "teams", "claimed_by": "people"}
INSTANT = sa.DateTime(timezone=True)
ADD_ONLY = """
CREATE FUNCTION task_steps_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF current_user = 'geoservices_caller' THEN
            RAISE EXCEPTION 'the history of a task is only added to';
        END IF;
        RETURN OLD;
    END IF;
    -- Whoever is erased is taken out of it.
    IF NEW.person_id IS NULL THEN
        OLD.person_id := NULL;
    END IF;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'the history of a task is only added to';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Every task that there is stands open, for whoever comes by."""
    op.add_column(
        "people",
        sa.Column(
            "skills", postgresql.ARRAY(sa.String(length=60)), server_default="{}", nullable=False
        ),
    )
    _columns()
    _steps()
    for name in ("seen", "insert", "update", "delete"):
        op.execute(f"DROP POLICY {name} ON tasks")
    # Unlike what is on for everyone, who does which work is the organisation's own business.
    op.execute(f"CREATE POLICY within ON tasks TO {CALLER} USING ({OF_OWN_LISTINGS})")


def downgrade() -> None:
    """What was done is forgotten; what is to be done stays."""
    op.execute("DROP POLICY within ON tasks")
    seen = "id IN (SELECT id FROM listings)"
    op.execute(f"CREATE POLICY seen ON tasks FOR SELECT TO {CALLER} USING ({seen})")
    for command, said in (("INSERT", "WITH CHECK"), ("UPDATE", "USING"), ("DELETE", "USING")):
        op.execute(
            f"CREATE POLICY {command.lower()} ON tasks FOR {command} TO {CALLER} "
            f"{said} ({OF_OWN_LISTINGS})"
        )
    op.drop_table("task_steps")
    op.execute("DROP FUNCTION task_steps_are_kept()")
    op.drop_index("ix_tasks_leased_until", table_name="tasks")
    op.drop_index("ix_tasks_unfinished_due_at", table_name="tasks")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_tasks_{name}"), "tasks")
    for column in (
        *("priority", "due_at", "assigned_to", "team_id", "skill", "escalate_to", "checklist"),
        *("ticked", "state", "claimed_by", "leased_until", "overdue_told_at"),
    ):
        op.drop_column("tasks", column)
    op.drop_column("people", "skills")


def _columns() -> None:
    for column in (
        sa.Column("priority", sa.String(length=10), server_default="normal", nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("skill", sa.String(length=60), nullable=True),
        sa.Column("escalate_to", sa.String(length=10), server_default="team-lead", nullable=False),
        sa.Column("checklist", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column(
            "ticked", postgresql.ARRAY(sa.String(length=60)), server_default="{}", nullable=False
        ),
        sa.Column("state", sa.String(length=20), server_default="open", nullable=False),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("overdue_told_at", INSTANT, nullable=True),
    ):
        op.add_column("tasks", column)
    for column, table in REFERENCES.items():
        op.create_foreign_key(
            op.f(f"fk_tasks_{column}_{table}"),
            "tasks",
            table,
            [column],
            ["id"],
            ondelete="SET NULL",
        )
        op.create_index(op.f(f"ix_tasks_{column}"), "tasks", [column])
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_tasks_{name}"), "tasks", condition)
    op.create_index(
        "ix_tasks_leased_until",
        "tasks",
        ["leased_until"],
        postgresql_where="leased_until IS NOT NULL",
    )
    op.create_index(
        "ix_tasks_unfinished_due_at",
        "tasks",
        ["due_at"],
        postgresql_where=f"state IN ({STATES[1]})",
    )


def _steps() -> None:
    op.create_table(
        "task_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("by", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("ticked", postgresql.ARRAY(sa.String(length=60)), nullable=False),
        sa.Column("evidence", sa.String(length=20), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_task_steps_kind_known")),
        sa.CheckConstraint(f"state IN ({STATES[0]})", name=op.f("ck_task_steps_state_known")),
        sa.CheckConstraint(f"evidence IN ({EVIDENCE})", name=op.f("ck_task_steps_evidence_known")),
        sa.CheckConstraint(
            "occurred_at <= received_at", name=op.f("ck_task_steps_occurred_before_received")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_task_steps_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["task_id"],
            ["tasks.id"],
            name=op.f("fk_task_steps_task_id_tasks"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_task_steps_person_id_people"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_steps")),
    )
    op.create_index("ix_task_steps_task", "task_steps", ["task_id", "number"], unique=True)
    op.create_index("ix_task_steps_received", "task_steps", ["received_at"])
    for column in ("organisation_id", "person_id"):
        op.create_index(op.f(f"ix_task_steps_{column}"), "task_steps", [column])
    op.execute("ALTER TABLE task_steps ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE task_steps FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY everywhere ON task_steps TO {SERVICE} USING (true)")
    op.execute(
        f"CREATE POLICY within ON task_steps TO {CALLER} "
        f"USING ({OWN} OR person_id = (SELECT caller_person()))"
    )
    op.execute(ADD_ONLY)
    op.execute(
        "CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON task_steps "
        "FOR EACH ROW EXECUTE FUNCTION task_steps_are_kept()"
    )
