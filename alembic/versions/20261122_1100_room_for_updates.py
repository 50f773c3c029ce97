"""Rows that are written all day: room to change them in place, and fewer others to look up.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

REFERENCES = {"geofence_id": "geofences", "place_id": "places", "organisation_id": "organisations"}
ROOMY = {"devices": 50, "visits": 80}
"""How full a page of each table is made, in percent."""


def upgrade() -> None:
    """Pages that are full already get room when autovacuum finds some."""
    for table in ("visits", "transitions"):
        for column, target in REFERENCES.items():
            op.drop_constraint(
                op.f(f"fk_{table}_{column}_{target}"), table_name=table, type_="foreignkey"
            )
    for table, percent in ROOMY.items():
        op.execute(f"ALTER TABLE {table} SET (fillfactor = {percent})")


def downgrade() -> None:
    """Have them all looked up again."""
    for table in ROOMY:
        op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
    for table in ("visits", "transitions"):
        for column, target in REFERENCES.items():
            op.create_foreign_key(
                op.f(f"fk_{table}_{column}_{target}"), table, target, [column], ["id"]
            )
