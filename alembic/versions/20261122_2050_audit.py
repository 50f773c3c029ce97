"""The audit log: chains of entries that the database lets nobody change.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SERVICE, CALLER = "geoservices_service", "geoservices_caller"
KINDS = "'sign-in', 'device', 'key', 'person', 'operator', 'nobody'"

REFUSE = """
    CREATE FUNCTION refuse_to_change_audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE 'The audit log is added to, and never changed' USING ERRCODE = 'insufficient_privilege';
    END
    $$
"""
DELETE_PRUNED = """
    CREATE FUNCTION delete_pruned_audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.number >= (SELECT first_number FROM audit_chains WHERE id = OLD.chain_id) THEN
            RAISE 'The audit log is pruned from its beginning, and never changed'
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN OLD;
    END
    $$
"""
MOVE = """
    CREATE FUNCTION move_audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.id <> OLD.id OR NEW.organisation_id IS DISTINCT FROM OLD.organisation_id
            OR NEW.last_number < OLD.last_number OR NEW.first_number < OLD.first_number
            OR NEW.first_number > NEW.last_number
            OR (NEW.last_number, NEW.last_hash) IS DISTINCT FROM (OLD.last_number, OLD.last_hash)
                AND NOT EXISTS (
                    SELECT FROM audit_entries
                    WHERE chain_id = NEW.id AND number = NEW.last_number AND hash = NEW.last_hash
                )
            OR (NEW.first_number, NEW.before_hash)
                IS DISTINCT FROM (OLD.first_number, OLD.before_hash)
                AND NOT EXISTS (
                    SELECT FROM audit_entries
                    WHERE chain_id = NEW.id AND number = NEW.first_number - 1
                        AND hash = NEW.before_hash
                )
        THEN
            RAISE 'A chain of the audit log only ever moves on to an entry that it has'
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END
    $$
"""
TRIGGERS = {
    ("audit_entries", "refuse_update"): "BEFORE UPDATE",
    ("audit_entries", "refuse_truncate"): "BEFORE TRUNCATE",
    ("audit_chains", "refuse_delete"): "BEFORE DELETE",
    ("audit_chains", "refuse_truncate"): "BEFORE TRUNCATE",
}


def upgrade() -> None:
    """Make both tables and what guards them."""
    op.create_table(
        "audit_chains",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("last_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("first_number", sa.BigInteger(), nullable=False),
        sa.Column("before_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint(
            "organisation_id = id", name=op.f("ck_audit_chains_named_after_its_organisation")
        ),
        sa.CheckConstraint(
            "first_number BETWEEN 1 AND last_number + 1",
            name=op.f("ck_audit_chains_begins_before_it_ends"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chains")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_audit_chains_organisation_id")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("chain_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("credential_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("rights", sa.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("subjects", sa.ARRAY(sa.String(length=80)), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint(
            f"actor_kind IN ({KINDS})", name=op.f("ck_audit_entries_actor_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["chain_id"],
            ["audit_chains.id"],
            name=op.f("fk_audit_entries_chain_id_audit_chains"),
        ),
        sa.PrimaryKeyConstraint("chain_id", "number", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_at", "audit_entries", ["chain_id", "at"])
    op.create_index(
        "ix_audit_entries_person",
        "audit_entries",
        ["person_id"],
        postgresql_where="person_id IS NOT NULL",
    )
    op.create_index(
        "ix_audit_entries_subjects", "audit_entries", ["subjects"], postgresql_using="gin"
    )
    _guard("audit_chains", service="SELECT, INSERT, UPDATE")
    _guard("audit_entries", service="SELECT, INSERT, DELETE")
    for function in (REFUSE, DELETE_PRUNED, MOVE):
        op.execute(function)
    for (table, name), when in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER {name} {when} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_audit()"
        )
    op.execute(
        "CREATE TRIGGER delete_pruned BEFORE DELETE ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION delete_pruned_audit()"
    )
    op.execute(
        "CREATE TRIGGER move BEFORE UPDATE ON audit_chains "
        "FOR EACH ROW EXECUTE FUNCTION move_audit_chain()"
    )


def _guard(table: str, *, service: str) -> None:
    """Let callers read their organisation's, and the service do to all what it needs to."""
    op.execute(f"REVOKE ALL ON {table} FROM {SERVICE}, {CALLER}")
    op.execute(f"GRANT {service} ON {table} TO {SERVICE}")
    op.execute(f"GRANT SELECT ON {table} TO {CALLER}")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY everywhere ON {table} TO {SERVICE} USING (true)")
    op.execute(
        f"CREATE POLICY within ON {table} FOR SELECT TO {CALLER} "
        "USING (organisation_id = (SELECT caller_organisation()))"
    )


def downgrade() -> None:
    """Forget who did what."""
    op.drop_table("audit_entries")
    op.drop_table("audit_chains")
    for function in ("refuse_to_change_audit", "delete_pruned_audit", "move_audit_chain"):
        op.execute(f"DROP FUNCTION {function}()")
