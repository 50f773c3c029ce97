"""First tables: people, places, presence, listings, campaigns, notifications.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The counter's row stays locked until the writer commits, so that revisions become visible in
# order and a reader who holds revision n has seen every change up to n.
COUNT_CHANGE = """
CREATE FUNCTION count_geofence_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE geofence_revision SET revision = revision + 1;
  RETURN NULL;
END $$
"""
STAMP_ROW = """
CREATE FUNCTION stamp_geofence_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := (SELECT revision FROM geofence_revision);
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Make everything; nothing runs before it, so nothing can be disturbed."""
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "geofence_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_geofence_revision_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_geofence_revision")),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("slug", name=op.f("uq_organisations_slug")),
    )
    op.create_table(
        "outbox_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_messages")),
    )
    op.create_index("ix_outbox_messages_due_at", "outbox_messages", ["due_at"], unique=False)
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(role = 'citizen') = (organisation_id IS NULL)",
            name=op.f("ck_people_citizens_belong_to_nobody"),
        ),
        sa.CheckConstraint(
            "role IN ('citizen', 'staff', 'manager')", name=op.f("ck_people_role_known")
        ),
        sa.CheckConstraint(
            "(quiet_from IS NULL) = (quiet_until IS NULL)", name=op.f("ck_people_quiet_hours_whole")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_people_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_index(op.f("ix_people_organisation_id"), "people", ["organisation_id"], unique=False)
    op.create_geospatial_table(
        "places",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("postcode", sa.String(length=12), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column(
            "point",
            Geography(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeogFromText",
                name="geography",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("opening_hours", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sensitive_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_places_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
        sa.UniqueConstraint(
            "organisation_id",
            "source",
            "external_id",
            name=op.f("uq_places_organisation_id_source_external_id"),
        ),
    )
    op.create_index(op.f("ix_places_category"), "places", ["category"], unique=False)
    op.create_geospatial_index(
        "ix_places_point",
        "places",
        ["point"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_places_words",
        "places",
        ["words"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    )
    op.create_table(
        "access_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_access_tokens_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_tokens_token_hash")),
    )
    op.create_index(
        op.f("ix_access_tokens_person_id"), "access_tokens", ["person_id"], unique=False
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("text_version", sa.String(length=40), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('check-in-content', 'nearby', 'staff-tasks')",
            name=op.f("ck_consents_purpose_known"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_consents_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(
        "uq_consents_in_force",
        "consents",
        ["person_id", "purpose"],
        unique=True,
        postgresql_where="withdrawn_at IS NULL",
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_devices_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_devices_token_hash")),
    )
    op.create_index(op.f("ix_devices_person_id"), "devices", ["person_id"], unique=False)
    op.create_geospatial_table(
        "geofences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "area",
            Geography(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeogFromText",
                name="geography",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "centre",
            Geography(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeogFromText",
                name="geography",
            ),
            nullable=True,
        ),
        sa.Column("radius_m", sa.Double(), nullable=True),
        sa.Column("margin_m", sa.Double(), nullable=False),
        sa.Column("dwell_after", sa.Interval(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(centre IS NULL) = (radius_m IS NULL)", name=op.f("ck_geofences_circle_whole")
        ),
        sa.CheckConstraint("margin_m BETWEEN 0 AND 1000", name=op.f("ck_geofences_margin_m_range")),
        sa.CheckConstraint(
            "radius_m BETWEEN 5 AND 50000", name=op.f("ck_geofences_radius_m_range")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_geofences_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["places.id"],
            name=op.f("fk_geofences_place_id_places"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_geofences")),
    )
    op.create_geospatial_index(
        "ix_geofences_area",
        "geofences",
        ["area"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        op.f("ix_geofences_organisation_id"), "geofences", ["organisation_id"], unique=False
    )
    op.create_index(op.f("ix_geofences_place_id"), "geofences", ["place_id"], unique=False)
    op.create_index("ix_geofences_revision", "geofences", ["revision"], unique=False)
    op.create_table(
        "listings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("evidence_needed", sa.String(length=20), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "evidence_needed IN ('self-declared', 'near', 'inside')",
            name=op.f("ck_listings_evidence_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('offer', 'event', 'task')", name=op.f("ck_listings_kind_known")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_listings_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_listings_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["places.id"],
            name=op.f("fk_listings_place_id_places"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
    )
    op.create_index(
        "ix_listings_organisation",
        "listings",
        ["organisation_id", "created_at", "id"],
        unique=False,
    )
    op.create_index("ix_listings_place", "listings", ["place_id", "starts_at", "id"], unique=False)
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("trigger", sa.String(length=20), nullable=False),
        sa.Column("audience", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("campaign_class", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("body", sa.String(length=500), nullable=False),
        sa.Column("min_confidence", sa.Integer(), nullable=False),
        sa.Column("only_when_open", sa.Boolean(), nullable=False),
        sa.Column("cooldown", sa.Interval(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "audience IN ('citizen', 'staff', 'manager')", name=op.f("ck_campaigns_audience_known")
        ),
        sa.CheckConstraint(
            "campaign_class IN ('offer', 'service', 'critical')",
            name=op.f("ck_campaigns_class_known"),
        ),
        sa.CheckConstraint(
            "purpose IN ('check-in-content', 'nearby', 'staff-tasks')",
            name=op.f("ck_campaigns_purpose_known"),
        ),
        sa.CheckConstraint(
            "trigger IN ('entered', 'dwelled', 'exited', 'checked-in')",
            name=op.f("ck_campaigns_trigger_known"),
        ),
        sa.CheckConstraint(
            "min_confidence BETWEEN 1 AND 3", name=op.f("ck_campaigns_confidence_range")
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"],
            ["listings.id"],
            name=op.f("fk_campaigns_listing_id_listings"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_campaigns_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_index("ix_campaigns_listing", "campaigns", ["listing_id"], unique=False)
    op.create_index(
        "ix_campaigns_organisation",
        "campaigns",
        ["organisation_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "check_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("evidence", sa.String(length=20), nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "evidence IN ('self-declared', 'near', 'inside')",
            name=op.f("ck_check_ins_evidence_known"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_check_ins_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_check_ins_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_check_ins_place_id_places")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_ins")),
    )
    op.create_index(
        "ix_check_ins_device_claimed", "check_ins", ["device_id", "claimed_at", "id"], unique=False
    )
    op.create_index(op.f("ix_check_ins_place_id"), "check_ins", ["place_id"], unique=False)
    op.create_table(
        "last_seen",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_last_seen_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_last_seen")),
    )
    op.create_table(
        "pings",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("speed_mps", sa.Double(), nullable=True),
        sa.Column("heading_deg", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name=op.f("ck_pings_on_earth")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_pings_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("device_id", "recorded_at", "id", name=op.f("pk_pings")),
    )
    op.create_index(
        "ix_pings_received_at", "pings", ["received_at"], unique=False, postgresql_using="brin"
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("endpoint_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("p256dh", sa.LargeBinary(length=65), nullable=False),
        sa.Column("auth", sa.LargeBinary(length=16), nullable=False),
        sa.Column("vapid_key", sa.String(length=90), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_subscriptions_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("endpoint_hash", name=op.f("uq_subscriptions_endpoint_hash")),
    )
    op.create_index(
        op.f("ix_subscriptions_device_id"), "subscriptions", ["device_id"], unique=False
    )
    op.create_table(
        "visits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("geofence_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("phase_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dwell_after", sa.Interval(), nullable=False),
        sa.Column("dwelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exit_reason", sa.String(length=20), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("initial", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(phase = 'ended') = (exited_at IS NOT NULL)", name=op.f("ck_visits_ended_whole")
        ),
        sa.CheckConstraint(
            "phase IN ('arriving', 'inside', 'leaving', 'away', 'ended')",
            name=op.f("ck_visits_phase_known"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_visits_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["geofence_id"], ["geofences.id"], name=op.f("fk_visits_geofence_id_geofences")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_visits_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_visits_place_id_places")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
    )
    op.create_index(
        "ix_visits_device_entered", "visits", ["device_id", "entered_at", "id"], unique=False
    )
    op.create_index(
        "ix_visits_due", "visits", ["due_at"], unique=False, postgresql_where="exited_at IS NULL"
    )
    op.create_index(op.f("ix_visits_geofence_id"), "visits", ["geofence_id"], unique=False)
    op.create_index(op.f("ix_visits_place_id"), "visits", ["place_id"], unique=False)
    op.create_index(
        "uq_visits_open",
        "visits",
        ["device_id", "geofence_id"],
        unique=True,
        postgresql_where="exited_at IS NULL",
    )
    op.create_table(
        "transitions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("geofence_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("initial", sa.Boolean(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detected_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('entered', 'dwelled', 'exited')", name=op.f("ck_transitions_kind_known")
        ),
        sa.CheckConstraint(
            "reason IN ('clearly-inside', 'kept-inside', 'stayed', 'outside-for-long', 'silence')",
            name=op.f("ck_transitions_reason_known"),
        ),
        sa.CheckConstraint(
            "confidence BETWEEN 1 AND 3", name=op.f("ck_transitions_confidence_range")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["devices.id"],
            name=op.f("fk_transitions_device_id_devices"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["geofence_id"], ["geofences.id"], name=op.f("fk_transitions_geofence_id_geofences")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_transitions_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_transitions_place_id_places")
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"],
            ["visits.id"],
            name=op.f("fk_transitions_visit_id_visits"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
    )
    op.create_index(op.f("ix_transitions_device_id"), "transitions", ["device_id"], unique=False)
    op.create_index("uq_transitions_visit_kind", "transitions", ["visit_id", "kind"], unique=True)
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("transition_id", sa.Uuid(), nullable=True),
        sa.Column("check_in_id", sa.Uuid(), nullable=True),
        sa.Column("gate", sa.String(length=30), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("gates_passed", postgresql.ARRAY(sa.String(length=30)), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "gate IN ('consent', 'purpose', 'sensitive-place', 'confidence', 'age', 'opening-hours', 'quiet-hours', 'cap', 'cooldown', 'claimable', 'duplicate')",
            name=op.f("ck_decisions_gate_known"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(transition_id, check_in_id) <= 1", name=op.f("ck_decisions_one_occasion")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_decisions_campaign_id_campaigns"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["check_in_id"],
            ["check_ins.id"],
            name=op.f("fk_decisions_check_in_id_check_ins"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_decisions_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_decisions_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_decisions_place_id_places")
        ),
        sa.ForeignKeyConstraint(
            ["transition_id"],
            ["transitions.id"],
            name=op.f("fk_decisions_transition_id_transitions"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(
        "ix_decisions_campaign", "decisions", ["campaign_id", "decided_at", "id"], unique=False
    )
    op.create_index(op.f("ix_decisions_check_in_id"), "decisions", ["check_in_id"], unique=False)
    op.create_index(
        "ix_decisions_person", "decisions", ["person_id", "decided_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_decisions_transition_id"), "decisions", ["transition_id"], unique=False
    )
    op.create_index(
        "uq_decisions_check_in", "decisions", ["campaign_id", "check_in_id"], unique=True
    )
    op.create_index(
        "uq_decisions_transition", "decisions", ["campaign_id", "transition_id"], unique=True
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_class", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("body", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "campaign_class IN ('offer', 'service', 'critical')",
            name=op.f("ck_notifications_class_known"),
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["decisions.id"],
            name=op.f("fk_notifications_decision_id_decisions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f("fk_notifications_listing_id_listings")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_notifications_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_notifications_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_notifications_decision_id")),
    )
    op.create_index(
        op.f("ix_notifications_listing_id"), "notifications", ["listing_id"], unique=False
    )
    op.create_index(
        "ix_notifications_organisation",
        "notifications",
        ["organisation_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_notifications_person", "notifications", ["person_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'accepted', 'shown', 'clicked', 'dismissed', 'expired', 'gone', 'failed')",
            name=op.f("ck_deliveries_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.id"],
            name=op.f("fk_deliveries_notification_id_notifications"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_deliveries_subscription_id_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "notification_id",
            "subscription_id",
            name=op.f("uq_deliveries_notification_id_subscription_id"),
        ),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["due_at"],
        unique=False,
        postgresql_where="state IN ('queued', 'sending')",
    )
    op.create_index(
        op.f("ix_deliveries_subscription_id"), "deliveries", ["subscription_id"], unique=False
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
            name=op.f("fk_attempts_delivery_id_deliveries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("delivery_id", "number", name=op.f("uq_attempts_delivery_id_number")),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('shown', 'clicked', 'dismissed')", name=op.f("ck_receipts_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
            name=op.f("fk_receipts_delivery_id_deliveries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("delivery_id", "kind", name=op.f("uq_receipts_delivery_id_kind")),
    )
    op.execute("INSERT INTO geofence_revision (id, revision) VALUES (1, 0)")
    op.execute(COUNT_CHANGE)
    op.execute(STAMP_ROW)
    op.execute(
        "CREATE TRIGGER count_change BEFORE INSERT OR UPDATE ON geofences "
        "FOR EACH STATEMENT EXECUTE FUNCTION count_geofence_change()"
    )
    op.execute(
        "CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON geofences "
        "FOR EACH ROW EXECUTE FUNCTION stamp_geofence_revision()"
    )


def downgrade() -> None:
    """Drop everything but the extensions, which others may use."""
    op.execute("DROP TRIGGER stamp_row ON geofences")
    op.execute("DROP TRIGGER count_change ON geofences")
    op.execute("DROP FUNCTION stamp_geofence_revision()")
    op.execute("DROP FUNCTION count_geofence_change()")
    op.drop_table("receipts")
    op.drop_table("attempts")
    op.drop_index(op.f("ix_deliveries_subscription_id"), table_name="deliveries")
    op.drop_index(
        "ix_deliveries_due",
        table_name="deliveries",
        postgresql_where="state IN ('queued', 'sending')",
    )
    op.drop_table("deliveries")
    op.drop_index("ix_notifications_person", table_name="notifications")
    op.drop_index("ix_notifications_organisation", table_name="notifications")
    op.drop_index(op.f("ix_notifications_listing_id"), table_name="notifications")
    op.drop_table("notifications")
    op.drop_index("uq_decisions_transition", table_name="decisions")
    op.drop_index("uq_decisions_check_in", table_name="decisions")
    op.drop_index(op.f("ix_decisions_transition_id"), table_name="decisions")
    op.drop_index("ix_decisions_person", table_name="decisions")
    op.drop_index(op.f("ix_decisions_check_in_id"), table_name="decisions")
    op.drop_index("ix_decisions_campaign", table_name="decisions")
    op.drop_table("decisions")
    op.drop_index("uq_transitions_visit_kind", table_name="transitions")
    op.drop_index(op.f("ix_transitions_device_id"), table_name="transitions")
    op.drop_table("transitions")
    op.drop_index("uq_visits_open", table_name="visits", postgresql_where="exited_at IS NULL")
    op.drop_index(op.f("ix_visits_place_id"), table_name="visits")
    op.drop_index(op.f("ix_visits_geofence_id"), table_name="visits")
    op.drop_index("ix_visits_due", table_name="visits", postgresql_where="exited_at IS NULL")
    op.drop_index("ix_visits_device_entered", table_name="visits")
    op.drop_table("visits")
    op.drop_index(op.f("ix_subscriptions_device_id"), table_name="subscriptions")
    op.drop_table("subscriptions")
    op.drop_index("ix_pings_received_at", table_name="pings", postgresql_using="brin")
    op.drop_table("pings")
    op.drop_table("last_seen")
    op.drop_index(op.f("ix_check_ins_place_id"), table_name="check_ins")
    op.drop_index("ix_check_ins_device_claimed", table_name="check_ins")
    op.drop_table("check_ins")
    op.drop_index("ix_campaigns_organisation", table_name="campaigns")
    op.drop_index("ix_campaigns_listing", table_name="campaigns")
    op.drop_table("campaigns")
    op.drop_index("ix_listings_place", table_name="listings")
    op.drop_index("ix_listings_organisation", table_name="listings")
    op.drop_table("listings")
    op.drop_index("ix_geofences_revision", table_name="geofences")
    op.drop_index(op.f("ix_geofences_place_id"), table_name="geofences")
    op.drop_index(op.f("ix_geofences_organisation_id"), table_name="geofences")
    op.drop_geospatial_index(
        "ix_geofences_area", table_name="geofences", postgresql_using="gist", column_name="area"
    )
    op.drop_geospatial_table("geofences")
    op.drop_index(op.f("ix_devices_person_id"), table_name="devices")
    op.drop_table("devices")
    op.drop_index(
        "uq_consents_in_force", table_name="consents", postgresql_where="withdrawn_at IS NULL"
    )
    op.drop_table("consents")
    op.drop_index(op.f("ix_access_tokens_person_id"), table_name="access_tokens")
    op.drop_table("access_tokens")
    op.drop_index(
        "ix_places_words",
        table_name="places",
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_places_point", table_name="places", postgresql_using="gist", column_name="point"
    )
    op.drop_index(op.f("ix_places_category"), table_name="places")
    op.drop_geospatial_table("places")
    op.drop_index(op.f("ix_people_organisation_id"), table_name="people")
    op.drop_table("people")
    op.drop_index("ix_outbox_messages_due_at", table_name="outbox_messages")
    op.drop_table("outbox_messages")
    op.drop_table("organisations")
    op.drop_table("geofence_revision")
