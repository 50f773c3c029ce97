"""Campaigns in versions, the places they listen at, and the languages people are told in.

Revision ID: 0036
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography, Geometry
from sqlalchemy.dialects.postgresql import JSONB

revision = "0036"
down_revision = "0026"
branch_labels = None
depends_on = None

AN_INSTANT = sa.DateTime(timezone=True)
OWN = (
    "campaign_id IN (SELECT id FROM campaigns WHERE organisation_id = "
    "(SELECT caller_organisation()))"
)
GATES_OF_BEFORE = (
    *("consent", "purpose", "sensitive-place", "confidence", "age", "opening-hours", "quiet-hours"),
    *("cap", "cooldown", "claimable", "duplicate"),
)
GATES = (
    *("consent", "purpose", "sensitive-place", "confidence", "age", "opening-hours", "schedule"),
    *("quiet-hours", "cap", "campaign-cap", "cooldown", "claimable", "duplicate", "hold-out"),
)
TRIGGERS = ("entered", "dwelled", "exited", "checked-in")
ROLES = ("citizen", "staff", "team-lead", "manager", "admin", "kiosk", "auditor")
OF_BEFORE = ("trigger", "audience", "title", "body", "min_confidence", "only_when_open", "cooldown")


def upgrade() -> None:
    """Make a first version of each campaign, and have those that are on listen as before."""
    op.add_column(
        "organisations",
        sa.Column("language", sa.String(length=20), server_default="en-GB", nullable=False),
    )
    op.add_column("people", sa.Column("language", sa.String(length=20), nullable=True))
    _make_versions()
    _make_places()
    for table in ("campaign_versions", "campaign_places"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO geoservices_service USING (true)")
        op.execute(f"CREATE POLICY within ON {table} TO geoservices_caller USING ({OWN})")
    op.add_column("campaigns", sa.Column("version", sa.Integer(), nullable=True))
    op.add_column("campaigns", sa.Column("submitted_at", AN_INSTANT, nullable=True))
    op.execute("UPDATE campaigns SET version = 1, submitted_at = published_at")
    op.alter_column("campaigns", "version", nullable=False)
    op.add_column("decisions", sa.Column("version", sa.Integer(), nullable=True))
    op.add_column("decisions", sa.Column("trigger", sa.String(length=20), nullable=True))
    op.add_column("decisions", sa.Column("variant", sa.String(length=40), nullable=True))
    op.execute(
        "UPDATE decisions d SET version = 1, trigger = c.trigger, "
        "variant = CASE WHEN d.gate IS NULL THEN 'a' END FROM campaigns c WHERE c.id = d.campaign_id"
    )
    for column in ("version", "trigger"):
        op.alter_column("decisions", column, nullable=False)
    op.create_check_constraint(
        op.f("ck_decisions_trigger_known"), "decisions", _one_of("trigger", TRIGGERS)
    )
    _know_gates(GATES)
    for name in ("trigger_known", "audience_known", "confidence_range"):
        op.drop_constraint(op.f(f"ck_campaigns_{name}"), "campaigns")
    for column in OF_BEFORE:
        op.drop_column("campaigns", column)


def downgrade() -> None:
    """Keep of each campaign what its newest version says first."""
    for column, kind in (
        ("trigger", sa.String(length=20)),
        ("audience", sa.String(length=20)),
        ("title", sa.String(length=120)),
        ("body", sa.String(length=500)),
        ("min_confidence", sa.Integer()),
        ("only_when_open", sa.Boolean()),
        ("cooldown", sa.Interval()),
    ):
        op.add_column("campaigns", sa.Column(column, kind, nullable=True))
    op.execute(
        """
        UPDATE campaigns c SET trigger = v.definition->'triggers'->>0,
            audience = v.definition->'audience'->'roles'->>0,
            title = said.text->>'title', body = said.text->>'body',
            min_confidence = (v.definition->>'min_confidence')::int,
            only_when_open = (v.definition->>'only_when_open')::bool,
            cooldown = (v.definition->>'cooldown')::interval
        FROM campaign_versions v, LATERAL (
            SELECT value AS text FROM jsonb_each(v.definition->'content'->0->'texts') LIMIT 1
        ) said
        WHERE v.campaign_id = c.id AND v.number = c.version
        """
    )
    for column in OF_BEFORE:
        op.alter_column("campaigns", column, nullable=False)
    for name, condition in (
        ("trigger_known", _one_of("trigger", TRIGGERS)),
        ("audience_known", _one_of("audience", ROLES)),
        ("confidence_range", "min_confidence BETWEEN 1 AND 3"),
    ):
        op.create_check_constraint(op.f(f"ck_campaigns_{name}"), "campaigns", condition)
    op.execute("DELETE FROM decisions WHERE gate IN ('schedule', 'campaign-cap', 'hold-out')")
    _know_gates(GATES_OF_BEFORE)
    op.drop_constraint(op.f("ck_decisions_trigger_known"), "decisions")
    for column in ("variant", "trigger", "version"):
        op.drop_column("decisions", column)
    for column in ("submitted_at", "version"):
        op.drop_column("campaigns", column)
    for table in ("campaign_places", "campaign_versions"):
        op.drop_table(table)
    op.drop_column("people", "language")
    op.drop_column("organisations", "language")


def _make_versions() -> None:
    op.create_table(
        "campaign_versions",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", JSONB(), nullable=False),
        sa.Column("reach", JSONB(), nullable=True),
        sa.Column("starts_at", AN_INSTANT, nullable=True),
        sa.Column("ends_at", AN_INSTANT, nullable=True),
        sa.Column("made_at", AN_INSTANT, nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("in_force_from", AN_INSTANT, nullable=True),
        sa.Column("in_force_until", AN_INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_versions_campaign_id_campaigns"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["made_by"],
            ["people.id"],
            name=op.f("fk_campaign_versions_made_by_people"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_campaign_versions")),
    )
    op.create_index(op.f("ix_campaign_versions_made_by"), "campaign_versions", ["made_by"])
    op.execute(
        """
        INSERT INTO campaign_versions (campaign_id, number, definition, made_at, in_force_from)
        SELECT c.id, 1, jsonb_build_object(
            'triggers', jsonb_build_array(c.trigger),
            'audience', jsonb_build_object(
                'roles', jsonb_build_array(c.audience), 'team_ids', '[]'::jsonb,
                'languages', '[]'::jsonb, 'visited', NULL, 'visited_within', 'P30D', 'sample', 1.0,
                'hold_out', 0.0),
            'content', jsonb_build_array(jsonb_build_object(
                'name', 'a', 'weight', 1, 'texts', jsonb_build_object(
                    o.language, jsonb_build_object(
                        'title', translate(c.title, '{}', '()'),
                        'body', translate(c.body, '{}', '()'))))),
            'places', NULL,
            'schedule', jsonb_build_object(
                'starts_at', NULL, 'ends_at', NULL, 'windows', '[]'::jsonb, 'time_zone', NULL),
            'min_confidence', c.min_confidence, 'only_when_open', c.only_when_open,
            'cooldown', 'PT' || extract(epoch FROM c.cooldown)::bigint || 'S',
            'cap', NULL, 'after_holding', 'drop', 'channel', 'push', 'goal', NULL,
            'objective', '', 'measure', '', 'effort', ''
        ), c.created_at, c.published_at
        FROM campaigns c JOIN organisations o ON o.id = c.organisation_id
        """
    )


def _make_places() -> None:
    table = "campaign_places"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("category", sa.String(length=60), nullable=True),
        sa.Column("listing_id", sa.Uuid(), nullable=True),
        sa.Column("area", Geometry(srid=4326, spatial_index=False), nullable=True),
        sa.Column("centre", Geography("POINT", srid=4326, spatial_index=False), nullable=True),
        sa.Column("radius_m", sa.Float(), nullable=True),
        sa.Column("around", Geography("POLYGON", srid=4326, spatial_index=False), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(place_id, tag, category, listing_id, area, centre) = 1",
            name=op.f("ck_campaign_places_one_thing"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(centre, radius_m, around) IN (0, 3)",
            name=op.f("ck_campaign_places_circles_are_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_places_campaign_id_campaigns"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["places.id"],
            name=op.f("fk_campaign_places_place_id_places"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"],
            ["listings.id"],
            name=op.f("fk_campaign_places_listing_id_listings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_places")),
    )
    op.create_index("ix_campaign_places_version", table, ["campaign_id", "number"])
    for column in ("place_id", "tag", "category", "listing_id"):
        op.create_index(
            f"ix_campaign_places_{column}",
            table,
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    for column in ("area", "around"):
        op.create_index(f"ix_campaign_places_{column}", table, [column], postgresql_using="gist")
    op.execute(
        """
        INSERT INTO campaign_places (id, campaign_id, number, listing_id)
        SELECT gen_random_uuid(), id, 1, listing_id FROM campaigns
        WHERE published_at IS NOT NULL AND ended_at IS NULL
        """
    )


def _know_gates(gates: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_decisions_gate_known"), "decisions")
    op.create_check_constraint(op.f("ck_decisions_gate_known"), "decisions", _one_of("gate", gates))


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
