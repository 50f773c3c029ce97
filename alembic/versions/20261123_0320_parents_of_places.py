"""Parents of places; caps on classes and places; a way to what somebody was told.

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

GATES = (
    *("consent", "purpose", "sensitive-place", "relevance", "confidence", "age", "opening-hours"),
    *(
        "schedule",
        "quiet-hours",
        "cap",
        "class-cap",
        "place-cap",
        "campaign-cap",
        "cooldown",
        "claimable",
    ),
    *("duplicate", "hold-out"),
)
NEW = {"class-cap": "cap", "place-cap": "cap"}


def upgrade() -> None:
    """Add them."""
    op.add_column("places", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_places_parent_id_places"),
        "places",
        "places",
        ["parent_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(op.f("ix_places_parent_id"), "places", ["parent_id"])
    op.create_check_constraint(op.f("ck_places_part_of_another"), "places", "parent_id <> id")
    _know_gates(GATES)
    op.create_index(
        "ix_decisions_told",
        "decisions",
        ["person_id", "decided_at"],
        postgresql_where="gate IS NULL",
    )


def downgrade() -> None:
    """Drop them; what the new caps held back counts as held back by the cap on a person."""
    op.drop_index("ix_decisions_told", "decisions")
    for gate, before in NEW.items():
        op.execute(f"UPDATE decisions SET gate = '{before}' WHERE gate = '{gate}'")
    _know_gates(tuple(gate for gate in GATES if gate not in NEW))
    op.drop_constraint(op.f("ck_places_part_of_another"), "places")
    op.drop_column("places", "parent_id")


def _know_gates(gates: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_decisions_gate_known"), "decisions")
    known = ", ".join(f"'{gate}'" for gate in gates)
    op.create_check_constraint(op.f("ck_decisions_gate_known"), "decisions", f"gate IN ({known})")
