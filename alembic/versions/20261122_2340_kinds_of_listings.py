"""A table for each kind of listing, and word of one.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

KINDS_OF_BEFORE = "'campaign', 'test', 'device-joined'"
KINDS = {"offers": "offer", "events": "event", "tasks": "task"}
SEEN = "id IN (SELECT id FROM listings)"
OWN = "id IN (SELECT id FROM listings WHERE organisation_id = (SELECT caller_organisation()))"


def upgrade() -> None:
    """Make them, for what each kind has besides, with the listings there are."""
    for table, kind in KINDS.items():
        op.create_table(
            table,
            sa.Column("id", sa.Uuid(), nullable=False),
            sa.ForeignKeyConstraint(
                ["id"], ["listings.id"], name=op.f(f"fk_{table}_id_listings"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        )
        op.execute(f"INSERT INTO {table} (id) SELECT id FROM listings WHERE kind = '{kind}'")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO geoservices_service USING (true)")
        # What is seen of listings at all is what PostgreSQL shows of them.
        op.execute(f"CREATE POLICY seen ON {table} FOR SELECT TO geoservices_caller USING ({SEEN})")
        for command, said in (("INSERT", "WITH CHECK"), ("UPDATE", "USING"), ("DELETE", "USING")):
            op.execute(
                f"CREATE POLICY {command.lower()} ON {table} FOR {command} TO geoservices_caller "
                f"{said} ({OWN})"
            )
    _know_kinds(
        f"{KINDS_OF_BEFORE}, 'listing'",
        about_a_listing_or_nothing="num_nonnulls(organisation_id, listing_id) = "
        "CASE WHEN kind IN ('campaign', 'listing') THEN 2 ELSE 0 END",
        campaigns_have_their_reasons="(decision_id IS NOT NULL) = (kind = 'campaign')",
    )


def downgrade() -> None:
    """Keep what all listings have in common, and no word of them."""
    op.execute("DELETE FROM notifications WHERE kind = 'listing'")
    op.drop_constraint(op.f("ck_notifications_about_a_listing_or_nothing"), "notifications")
    _know_kinds(
        KINDS_OF_BEFORE,
        campaigns_have_their_reasons="num_nonnulls(organisation_id, decision_id, listing_id) = "
        "CASE kind WHEN 'campaign' THEN 3 ELSE 0 END",
    )
    for table in KINDS:
        op.drop_table(table)


def _know_kinds(kinds: str, **conditions: str) -> None:
    for name in ("kind_known", "campaigns_have_their_reasons"):
        op.drop_constraint(op.f(f"ck_notifications_{name}"), "notifications")
    for name, condition in {"kind_known": f"kind IN ({kinds})", **conditions}.items():
        op.create_check_constraint(op.f(f"ck_notifications_{name}"), "notifications", condition)
