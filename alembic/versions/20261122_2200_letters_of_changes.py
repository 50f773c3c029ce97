"""Letters that tell members what of their account was changed.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NEW = "'password-set', 'second-factor-on', 'second-factor-off'"
KINDS_OF_BEFORE = "'confirmation', 'digest', 'invitation', 'password-reset'"
KINDS = f"{KINDS_OF_BEFORE}, {NEW}"


def upgrade() -> None:
    """Let letters be of these kinds as well."""
    _know_kinds(KINDS)


def downgrade() -> None:
    """Forget the letters of these kinds."""
    op.execute(f"DELETE FROM letters WHERE kind IN ({NEW})")
    _know_kinds(KINDS_OF_BEFORE)


def _know_kinds(kinds: str) -> None:
    op.drop_constraint(op.f("ck_letters_kind_known"), "letters")
    op.create_check_constraint(op.f("ck_letters_kind_known"), "letters", f"kind IN ({kinds})")
