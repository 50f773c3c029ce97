"""The inbox, the choice of channels, e-mail addresses and letters.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
INBOX = {
    "ix_notifications_person": (["person_id", "surfaced_at", "id"], None),
    "ix_notifications_inbox": (["person_id", "surfaced_at", "id"], "archived_at IS NULL"),
    "ix_notifications_archive": (["person_id", "surfaced_at", "id"], "archived_at IS NOT NULL"),
    "ix_notifications_unread": (
        ["person_id", "surfaced_at"],
        "archived_at IS NULL AND (read_at IS NULL OR read_at < snoozed_until)",
    ),
}


def upgrade() -> None:
    """The table of notifications is rewritten; the ones there are lie unread in the inbox."""
    op.drop_index("ix_notifications_person", table_name="notifications")
    for column in ("read_at", "archived_at", "snoozed_until"):
        op.add_column("notifications", sa.Column(column, INSTANT, nullable=True))
    op.add_column(
        "notifications",
        sa.Column(
            "surfaced_at",
            INSTANT,
            sa.Computed("coalesce(snoozed_until, created_at)", persisted=True),
            nullable=False,
        ),
    )
    for name, (columns, condition) in INBOX.items():
        where = sa.text(condition) if condition else None
        op.create_index(name, "notifications", columns, postgresql_where=where)
    op.create_table(
        "channel_choices",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("push", sa.Boolean(), nullable=False),
        sa.Column("email", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('check-in-content', 'nearby', 'staff-tasks')",
            name=op.f("ck_channel_choices_purpose_known"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_channel_choices_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("person_id", "purpose", name=op.f("pk_channel_choices")),
    )
    _make_addresses()
    _make_letters()


def _make_addresses() -> None:
    op.create_table(
        "email_addresses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("digest_at", sa.Time(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("bouncing_at", INSTANT, nullable=True),
        sa.Column("refused_count", sa.Integer(), nullable=False),
        sa.Column("digest_due_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_email_addresses_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_addresses")),
        sa.UniqueConstraint("person_id", name=op.f("uq_email_addresses_person_id")),
    )
    op.create_index(
        "ix_email_addresses_digest_due_at",
        "email_addresses",
        ["digest_due_at"],
        postgresql_where=sa.text("digest_due_at IS NOT NULL"),
    )
    op.create_table(
        "confirmations",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("address_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["email_addresses.id"],
            name=op.f("fk_confirmations_address_id_email_addresses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_confirmations")),
    )
    op.create_index(op.f("ix_confirmations_address_id"), "confirmations", ["address_id"])
    op.create_index(op.f("ix_confirmations_expires_at"), "confirmations", ["expires_at"])


def _make_letters() -> None:
    op.create_table(
        "letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("address_id", sa.Uuid(), nullable=False),
        sa.Column("address_mark", sa.LargeBinary(length=32), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "kind IN ('confirmation', 'digest')", name=op.f("ck_letters_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'failed', 'dropped')",
            name=op.f("ck_letters_state_known"),
        ),
        sa.CheckConstraint(
            "(kind = 'digest') = (day IS NOT NULL)", name=op.f("ck_letters_digests_have_a_day")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_letters_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        sa.UniqueConstraint("person_id", "day", name=op.f("uq_letters_person_id_day")),
    )
    op.create_index(
        "ix_letters_due",
        "letters",
        ["due_at"],
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    for whose, column in (("person", "person_id"), ("address", "address_mark")):
        op.create_index(
            f"ix_letters_confirmations_{whose}",
            "letters",
            [column, "created_at"],
            postgresql_where=sa.text("kind = 'confirmation'"),
        )
    op.create_table(
        "digest_items",
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["letter_id"],
            ["letters.id"],
            name=op.f("fk_digest_items_letter_id_letters"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.id"],
            name=op.f("fk_digest_items_notification_id_notifications"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("notification_id", name=op.f("pk_digest_items")),
    )
    op.create_index(op.f("ix_digest_items_letter_id"), "digest_items", ["letter_id"])


def downgrade() -> None:
    """Take it all away again."""
    for table in ("digest_items", "letters", "confirmations", "email_addresses", "channel_choices"):
        op.drop_table(table)
    for name in INBOX:
        op.drop_index(name, table_name="notifications")
    for column in ("surfaced_at", "snoozed_until", "archived_at", "read_at"):
        op.drop_column("notifications", column)
    op.create_index("ix_notifications_person", "notifications", ["person_id", "created_at", "id"])
