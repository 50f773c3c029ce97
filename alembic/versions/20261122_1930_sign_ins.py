"""Access tokens become sign-ins, which may also come from passwords and identity providers.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEPT = ("id", "person_id", "token_hash", "label", "created_at", "expires_at", "revoked_at")


def upgrade() -> None:
    """Take the tokens there are along."""
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("provider_session", sa.String(length=300), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('token', 'password', 'oidc')", name=op.f("ck_sign_ins_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_sign_ins_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    op.create_index(op.f("ix_sign_ins_person_id"), "sign_ins", ["person_id"])
    op.create_index(op.f("ix_sign_ins_provider_session"), "sign_ins", ["provider_session"])
    columns = ", ".join(KEPT)
    op.execute(
        f"INSERT INTO sign_ins ({columns}, kind, last_used_at) "
        f"SELECT {columns}, 'token', created_at FROM access_tokens"
    )
    op.drop_table("access_tokens")
    _know_roles("'citizen', 'staff', 'team-lead', 'manager', 'admin', 'kiosk', 'auditor'")


def downgrade() -> None:
    """Sign everybody out."""
    op.execute("DELETE FROM people WHERE role IN ('team-lead', 'admin', 'kiosk', 'auditor')")
    op.execute("DELETE FROM campaigns WHERE audience IN ('team-lead', 'admin', 'kiosk', 'auditor')")
    _know_roles("'citizen', 'staff', 'manager'")
    op.drop_table("sign_ins")
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
    op.create_index(op.f("ix_access_tokens_person_id"), "access_tokens", ["person_id"])


def _know_roles(roles: str) -> None:
    for table, name, column in (
        ("people", "role_known", "role"),
        ("campaigns", "audience_known", "audience"),
    ):
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{column} IN ({roles})")
