"""Members may sign in with a password and a second factor; sign-ins end when nobody uses them.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ASKED_FOR = "ix_letters_asked_for_person"
CONFIRMATIONS = "ix_letters_confirmations_person"


def upgrade() -> None:
    """Make the tables, and let letters go to where an organisation knows its member."""
    op.create_table(
        "local_accounts",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("password_set_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(password_hash IS NULL) = (password_set_at IS NULL)",
            name=op.f("ck_local_accounts_password_whole"),
        ),
        sa.CheckConstraint(
            "totp_confirmed_at IS NULL OR totp_sealed IS NOT NULL",
            name=op.f("ck_local_accounts_second_factor_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_local_accounts_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_local_accounts")),
        sa.UniqueConstraint("username", name=op.f("uq_local_accounts_username")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["local_accounts.person_id"],
            name=op.f("fk_recovery_codes_person_id_local_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("person_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "password_links",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('invitation', 'reset')", name=op.f("ck_password_links_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["local_accounts.person_id"],
            name=op.f("fk_password_links_person_id_local_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_password_links")),
    )
    op.create_index(op.f("ix_password_links_person_id"), "password_links", ["person_id"])
    op.create_index(op.f("ix_password_links_expires_at"), "password_links", ["expires_at"])
    op.create_table(
        "failed_attempts",
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("source", sa.LargeBinary(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mark", "source", name=op.f("pk_failed_attempts")),
    )
    op.create_index(op.f("ix_failed_attempts_last_at"), "failed_attempts", ["last_at"])
    for table in ("local_accounts", "recovery_codes", "password_links"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO geoservices_service USING (true)")
        op.execute(
            f"CREATE POLICY within ON {table} TO geoservices_caller "
            "USING (person_id = (SELECT caller_person()))"
        )
    op.add_column("sign_ins", sa.Column("idle", sa.Interval(), nullable=True))
    op.add_column(
        "sign_ins",
        sa.Column("enrolling", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("letters", sa.Column("recipient", sa.String(length=254), nullable=True))
    op.alter_column("letters", "address_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_letters_go_somewhere"), "letters", "(address_id IS NULL) = (recipient IS NOT NULL)"
    )
    _know_kinds("'confirmation', 'digest', 'invitation', 'password-reset'")
    op.drop_index(CONFIRMATIONS, "letters")
    op.create_index(
        ASKED_FOR,
        "letters",
        ["person_id", "created_at"],
        postgresql_where=sa.text("kind <> 'digest'"),
    )


def downgrade() -> None:
    """Leave members with the tokens that are made on the command line."""
    op.execute("DELETE FROM letters WHERE address_id IS NULL")
    op.drop_index(ASKED_FOR, "letters")
    op.create_index(
        CONFIRMATIONS,
        "letters",
        ["person_id", "created_at"],
        postgresql_where=sa.text("kind = 'confirmation'"),
    )
    _know_kinds("'confirmation', 'digest'")
    op.drop_constraint(op.f("ck_letters_go_somewhere"), "letters")
    op.alter_column("letters", "address_id", nullable=False)
    op.drop_column("letters", "recipient")
    op.execute("DELETE FROM sign_ins WHERE kind = 'password'")
    op.drop_column("sign_ins", "enrolling")
    op.drop_column("sign_ins", "idle")
    for table in ("failed_attempts", "password_links", "recovery_codes", "local_accounts"):
        op.drop_table(table)


def _know_kinds(kinds: str) -> None:
    op.drop_constraint(op.f("ck_letters_kind_known"), "letters")
    op.create_check_constraint(op.f("ck_letters_kind_known"), "letters", f"kind IN ({kinds})")
