"""What maps need: a counter of the changes of places, and indexes by flat boxes.

Revision ID: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

# The counter's row is taken when the transaction commits and not before, since whoever writes
# places holds their rows for long and in any order. It is raised once for each transaction.
COUNT_CHANGE = """
CREATE FUNCTION count_place_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE place_revision SET revision = revision + 1, raised_by = pg_current_xact_id()::text
  WHERE raised_by <> pg_current_xact_id()::text;
  RETURN NULL;
END $$
"""
TRIGGERS = {
    "count_new_place": "AFTER INSERT OR DELETE ON places",
    "count_place_change": "AFTER UPDATE OF name, category, point, sensitive_at ON places",
}


def upgrade() -> None:
    """Make the counter and the indexes."""
    op.create_table(
        "place_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("raised_by", sa.String(length=20), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_place_revision_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_revision")),
    )
    op.execute("INSERT INTO place_revision (id, revision, raised_by) VALUES (1, 0, '')")
    op.execute(COUNT_CHANGE)
    for name, when in TRIGGERS.items():
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {name} {when} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION count_place_change()"
        )
    op.create_index(
        "ix_places_flat", "places", [sa.text("(point::geometry)")], postgresql_using="gist"
    )
    op.create_index(
        "ix_geofences_flat", "geofences", [sa.text("(area::geometry)")], postgresql_using="gist"
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_geofences_flat", "geofences")
    op.drop_index("ix_places_flat", "places")
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON places")
    op.execute("DROP FUNCTION count_place_change()")
    op.drop_table("place_revision")
