"""Index visits by what is counted: a place's by time, and a geofence's that are open.

They take the place of two indexes on the same columns, so that a visit is no dearer to store.
Safe while the previous release still runs: it reads the table by neither of those columns alone.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the new ones beside live traffic, then drop the old; no transaction allows that."""
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        # An index of that name was left invalid by a run that failed.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_visits_here")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_visits_place_entered")
        op.create_index(
            "ix_visits_here",
            "visits",
            ["geofence_id"],
            postgresql_where="exited_at IS NULL",
            postgresql_concurrently=True,
        )
        op.create_index(
            "ix_visits_place_entered",
            "visits",
            ["place_id", "entered_at"],
            postgresql_concurrently=True,
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_visits_geofence_id")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_visits_place_id")
        op.execute("RESET statement_timeout")


def downgrade() -> None:
    """Go back the same way."""
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_visits_geofence_id")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_visits_place_id")
        op.create_index(
            "ix_visits_geofence_id", "visits", ["geofence_id"], postgresql_concurrently=True
        )
        op.create_index("ix_visits_place_id", "visits", ["place_id"], postgresql_concurrently=True)
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_visits_here")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_visits_place_entered")
        op.execute("RESET statement_timeout")
