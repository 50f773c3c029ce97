"""Terms of offers, and who redeemed them.

Offers that there are stay as they were: on all the time, without an end of them. From now on one
person redeems each once, unless its manager says otherwise.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

COLUMNS = (
    sa.Column("terms", sa.Text(), server_default="", nullable=False),
    sa.Column("window_starts_at", sa.DateTime(timezone=True)),
    sa.Column("window_length", sa.Interval()),
    sa.Column("window_rule", sa.String(500)),
    sa.Column("only_when_open", sa.Boolean(), server_default="false", nullable=False),
    sa.Column("stock", sa.Integer()),
    sa.Column("per_person", sa.Integer(), server_default="1"),
    sa.Column("per_person_renews", sa.String(20), server_default="never", nullable=False),
    sa.Column("redeemed_by", sa.String(20), server_default="scan", nullable=False),
    sa.Column("redeemed_count", sa.Integer(), server_default="0", nullable=False),
)
CHECKS = {
    "redeeming_known": "redeemed_by IN ('scan', 'self')",
    "renewal_known": "per_person_renews IN ('never', 'daily', 'weekly', 'monthly')",
    "stock_positive": "stock > 0",
    "per_person_positive": "per_person > 0",
    "redeemed_count_not_negative": "redeemed_count >= 0",
    "window_length_positive": "window_length > interval '0'",
    "windows_whole": "(window_starts_at IS NULL) = (window_length IS NULL) "
    "AND (window_rule IS NULL OR window_starts_at IS NOT NULL)",
}
MINE = "person_id = (SELECT caller_person())"


def upgrade() -> None:
    """Say what the terms are, and make the table of redemptions, which are their people's."""
    for column in COLUMNS:
        op.add_column("offers", column)
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_offers_{name}"), "offers", condition)
    op.create_table(
        "redemptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("code_mark", sa.LargeBinary(32)),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("redeemed_at", sa.DateTime(timezone=True)),
        sa.Column("scanned_by", sa.Uuid()),
        sa.Column("scan_id", sa.Uuid()),
        sa.CheckConstraint(
            "(code_mark IS NULL) = (expires_at IS NULL)", name=op.f("ck_redemptions_codes_expire")
        ),
        sa.CheckConstraint(
            "num_nonnulls(code_mark, redeemed_at) > 0",
            name=op.f("ck_redemptions_waits_with_a_code"),
        ),
        sa.CheckConstraint(
            "scan_id IS NULL OR redeemed_at IS NOT NULL",
            name=op.f("ck_redemptions_scanned_is_redeemed"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_redemptions_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"],
            ["offers.id"],
            name=op.f("fk_redemptions_offer_id_offers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["places.id"],
            name=op.f("fk_redemptions_place_id_places"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_redemptions_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["scanned_by"],
            ["people.id"],
            name=op.f("fk_redemptions_scanned_by_people"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemptions")),
    )
    for name, columns in {
        "ix_redemptions_offer_id": ["offer_id"],
        "ix_redemptions_place_id": ["place_id"],
        "ix_redemptions_scanned_by": ["scanned_by"],
        "ix_redemptions_person": ["person_id", "made_at", "id"],
        "ix_redemptions_made": ["made_at"],
    }.items():
        op.create_index(name, "redemptions", columns)
    op.create_index("uq_redemptions_code_mark", "redemptions", ["code_mark"], unique=True)
    op.create_index("uq_redemptions_scan", "redemptions", ["scan_id"], unique=True)
    op.create_index(
        "uq_redemptions_waiting",
        "redemptions",
        ["offer_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("redeemed_at IS NULL"),
    )
    op.execute("ALTER TABLE redemptions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE redemptions FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY everywhere ON redemptions TO geoservices_service USING (true)")
    # An organisation is told how many there are, and never whose.
    op.execute(f"CREATE POLICY within ON redemptions TO geoservices_caller USING ({MINE})")


def downgrade() -> None:
    """Forget who redeemed what, and what the terms were."""
    op.drop_table("redemptions")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_offers_{name}"), "offers")
    for column in COLUMNS:
        op.drop_column("offers", column.name)
