"""Runs of campaigns, and which deliveries are of many.

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

AN_INSTANT = sa.DateTime(timezone=True)
GATES = (
    *("consent", "purpose", "sensitive-place", "relevance", "confidence", "age", "opening-hours"),
    *("schedule", "quiet-hours", "working-hours", "cap", "class-cap", "place-cap", "campaign-cap"),
    *("cooldown", "claimable", "duplicate", "hold-out"),
)
NEW = "working-hours"
TRIGGERS_OF_BEFORE = ("entered", "dwelled", "exited", "checked-in")
BY_RUNS = ("event-published", "task-created", "schedule", "now")
TRIGGERS = (*TRIGGERS_OF_BEFORE, *BY_RUNS)
STATES = ("under-way", "finished", "stopped", "passed-over")
TOLD_BY_ONE = "(organisation_id IS NOT NULL) = (kind IN ('campaign', 'listing'))"
WITHOUT_A_LISTING = (
    "CASE kind WHEN 'campaign' THEN true WHEN 'listing' THEN listing_id IS NOT NULL "
    "ELSE listing_id IS NULL END"
)
WITH_A_LISTING = (
    "num_nonnulls(organisation_id, listing_id) = "
    "CASE WHEN kind IN ('campaign', 'listing') THEN 2 ELSE 0 END"
)


def upgrade() -> None:
    """Make the table of runs; what was decided until now was in none."""
    _make_runs()
    op.alter_column("campaigns", "listing_id", nullable=True)
    op.add_column("campaign_versions", sa.Column("runs_next_at", AN_INSTANT, nullable=True))
    op.create_index(
        "ix_campaign_versions_runs_next",
        "campaign_versions",
        ["runs_next_at"],
        postgresql_where=sa.text("runs_next_at IS NOT NULL"),
    )
    op.alter_column("decisions", "place_id", nullable=True)
    op.add_column("decisions", sa.Column("run_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_decisions_run_id_campaign_runs"),
        "decisions",
        "campaign_runs",
        ["run_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index("uq_decisions_run", "decisions", ["run_id", "person_id"], unique=True)
    _check("decisions", "gate_known", _one_of("gate", GATES))
    _check("decisions", "trigger_known", _one_of("trigger", TRIGGERS))
    _check("decisions", "one_occasion", "num_nonnulls(transition_id, check_in_id, run_id) <= 1")
    _check("notifications", "about_a_listing_or_nothing", WITHOUT_A_LISTING)
    told_by_one = op.f("ck_notifications_organisations_tell")
    op.create_check_constraint(told_by_one, "notifications", TOLD_BY_ONE)
    op.add_column(
        "deliveries",
        sa.Column("broadcast", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.drop_index("ix_deliveries_due", "deliveries")
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["broadcast", "due_at"],
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )


def downgrade() -> None:
    """Forget the runs with what they decided, and the campaigns that are of no listing."""
    op.drop_index("ix_deliveries_due", "deliveries")
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["due_at"],
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.drop_column("deliveries", "broadcast")
    op.execute(f"DELETE FROM decisions WHERE {_one_of('trigger', BY_RUNS)} OR place_id IS NULL")
    op.execute("DELETE FROM notifications WHERE kind = 'campaign' AND listing_id IS NULL")
    op.execute("DELETE FROM campaigns WHERE listing_id IS NULL")
    op.drop_constraint(op.f("ck_notifications_organisations_tell"), "notifications")
    _check("notifications", "about_a_listing_or_nothing", WITH_A_LISTING)
    _check("decisions", "one_occasion", "num_nonnulls(transition_id, check_in_id) <= 1")
    _check("decisions", "trigger_known", _one_of("trigger", TRIGGERS_OF_BEFORE))
    before = tuple(gate for gate in GATES if gate != NEW)
    _check("decisions", "gate_known", _one_of("gate", before))
    op.drop_column("decisions", "run_id")
    op.alter_column("decisions", "place_id", nullable=False)
    op.drop_column("campaign_versions", "runs_next_at")
    op.alter_column("campaigns", "listing_id", nullable=False)
    op.drop_table("campaign_runs")


def _make_runs() -> None:
    table = "campaign_runs"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.String(length=20), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=True),
        sa.Column("place_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", AN_INSTANT, nullable=False),
        sa.Column("created_at", AN_INSTANT, nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", AN_INSTANT, nullable=False),
        sa.Column("ended_at", AN_INSTANT, nullable=True),
        sa.CheckConstraint(
            _one_of("trigger", TRIGGERS), name=op.f("ck_campaign_runs_trigger_known")
        ),
        sa.CheckConstraint(_one_of("state", STATES), name=op.f("ck_campaign_runs_state_known")),
        sa.CheckConstraint(
            "(state = 'under-way') = (ended_at IS NULL)", name=op.f("ck_campaign_runs_ends_once")
        ),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{other}.id"],
                name=op.f(f"fk_campaign_runs_{column}_{other}"),
                ondelete=ondelete,
            )
            for column, other, ondelete in (
                ("organisation_id", "organisations", None),
                ("campaign_id", "campaigns", "CASCADE"),
                ("listing_id", "listings", "CASCADE"),
                ("place_id", "places", "CASCADE"),
                ("requested_by", "people", "SET NULL"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_runs")),
    )
    for column in ("organisation_id", "listing_id", "place_id", "requested_by"):
        op.create_index(op.f(f"ix_campaign_runs_{column}"), table, [column])
    op.create_index("ix_campaign_runs_campaign", table, ["campaign_id", "created_at", "id"])
    op.create_index(
        "ix_campaign_runs_due",
        table,
        ["due_at"],
        postgresql_where=sa.text("state = 'under-way'"),
    )
    op.create_index(
        "uq_campaign_runs_listing",
        table,
        ["campaign_id", "listing_id"],
        unique=True,
        postgresql_where=sa.text("trigger IN ('event-published', 'task-created')"),
    )
    op.create_index(
        "uq_campaign_runs_scheduled",
        table,
        ["campaign_id", "occurred_at"],
        unique=True,
        postgresql_where=sa.text("trigger = 'schedule'"),
    )
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY everywhere ON {table} TO geoservices_service USING (true)")
    op.execute(
        f"CREATE POLICY within ON {table} TO geoservices_caller "
        "USING (organisation_id = (SELECT caller_organisation()))"
    )


def _check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
