"""Members with addresses, teams, API keys, managers limited to places, and shared places.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SERVICE, CALLER = "geoservices_service", "geoservices_caller"
OWN = "organisation_id = (SELECT caller_organisation())"
WITHIN = {
    "teams": OWN,
    "team_members": "person_id = (SELECT caller_person()) "
    f"OR person_id IN (SELECT id FROM people WHERE {OWN})",
    "api_keys": OWN,
}
"""What a caller may see and write (decision 35)."""

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nobody who is there is limited or disabled, and no place is shared."""
    _of_members()
    _keys()
    op.add_column(
        "places",
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.create_index("ix_places_tags", "places", ["tags"], postgresql_using="gin")
    _shares()
    _policies()


def downgrade() -> None:
    """Whoever was disabled is let in again once somebody signs them in."""
    op.drop_table("place_shares")
    op.drop_index("ix_places_tags", table_name="places")
    op.drop_column("places", "tags")
    op.drop_table("api_keys")
    op.drop_table("team_members")
    op.drop_table("teams")
    op.drop_index("uq_people_email", table_name="people")
    for name in ("email_in_lower_case", "email_is_a_members", "reach_is_a_managers"):
        op.drop_constraint(op.f(f"ck_people_{name}"), "people")
    for column in ("email", "reach", "disabled_at"):
        op.drop_column("people", column)


def _of_members() -> None:
    op.add_column("people", sa.Column("email", sa.String(length=254), nullable=True))
    op.add_column("people", sa.Column("reach", postgresql.JSONB(), nullable=True))
    op.add_column("people", sa.Column("disabled_at", INSTANT, nullable=True))
    for name, condition in (
        ("email_in_lower_case", "email = lower(email)"),
        ("email_is_a_members", "email IS NULL OR role <> 'citizen'"),
        ("reach_is_a_managers", "reach IS NULL OR role = 'manager'"),
    ):
        op.create_check_constraint(op.f(f"ck_people_{name}"), "people", condition)
    op.create_index(
        "uq_people_email",
        "people",
        ["organisation_id", "email"],
        unique=True,
        postgresql_where="email IS NOT NULL",
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_teams_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_teams_organisation_id_name")),
    )
    op.create_table(
        "team_members",
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["teams.id"],
            name=op.f("fk_team_members_team_id_teams"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_team_members_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("team_id", "person_id", name=op.f("pk_team_members")),
    )
    op.create_index(op.f("ix_team_members_person_id"), "team_members", ["person_id"])


def _keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("previous_until", INSTANT, nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("reach", postgresql.JSONB(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "expires_at > created_at", name=op.f("ck_api_keys_expires_after_it_is_made")
        ),
        sa.CheckConstraint(
            "(previous_hash IS NULL) = (previous_until IS NULL)",
            name=op.f("ck_api_keys_previous_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_api_keys_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["people.id"],
            name=op.f("fk_api_keys_created_by_people"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_api_keys_previous_hash")),
    )
    op.create_index("ix_api_keys_organisation", "api_keys", ["organisation_id", "created_at", "id"])


def _shares() -> None:
    op.create_table(
        "place_shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("statistics", sa.Boolean(), nullable=False),
        sa.Column("shared_at", INSTANT, nullable=False),
        sa.Column("shared_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "partner_id <> organisation_id", name=op.f("ck_place_shares_with_another")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_place_shares_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["places.id"],
            name=op.f("fk_place_shares_place_id_places"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["organisations.id"],
            name=op.f("fk_place_shares_partner_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["shared_by"],
            ["people.id"],
            name=op.f("fk_place_shares_shared_by_people"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_shares")),
    )
    op.create_index(
        "uq_place_shares_in_force",
        "place_shares",
        ["place_id", "partner_id"],
        unique=True,
        postgresql_where="ended_at IS NULL",
    )
    for column in ("organisation_id", "partner_id"):
        op.create_index(op.f(f"ix_place_shares_{column}"), "place_shares", [column])


def _policies() -> None:
    for table in (*WITHIN, "place_shares"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO {SERVICE} USING (true)")
    for table, allowed in WITHIN.items():
        op.execute(f"CREATE POLICY within ON {table} TO {CALLER} USING ({allowed})")
    # The partner sees what is shared with it; only the owner shares.
    op.execute(
        f"CREATE POLICY seen ON place_shares FOR SELECT TO {CALLER} "
        f"USING ({OWN} OR partner_id = (SELECT caller_organisation()))"
    )
    op.execute(f"CREATE POLICY insert ON place_shares FOR INSERT TO {CALLER} WITH CHECK ({OWN})")
    op.execute(f"CREATE POLICY update ON place_shares FOR UPDATE TO {CALLER} USING ({OWN})")
    op.execute(f"CREATE POLICY delete ON place_shares FOR DELETE TO {CALLER} USING ({OWN})")
