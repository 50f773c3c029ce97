"""Decisions are seen by the person they are about, and by no organisation.

Revision ID: 0044
Revises: 0043
"""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

OWN = "organisation_id = (SELECT caller_organisation())"
MINE = "person_id = (SELECT caller_person())"


def upgrade() -> None:
    """Which interest somebody was told for, and what held a message back, is theirs."""
    op.execute(f"ALTER POLICY within ON decisions USING ({MINE})")


def downgrade() -> None:
    """Let the organisation see them again."""
    op.execute(f"ALTER POLICY within ON decisions USING ({OWN} OR {MINE})")
