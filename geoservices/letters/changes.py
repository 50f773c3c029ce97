"""Letters that tell members what of their account was changed (OWASP ASVS 5.0.0, 6.3.7)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices.credentials.changes import Change
from geoservices.credentials.holders import require_holder
from geoservices.credentials.models import LocalAccount
from geoservices.letters import composing
from geoservices.letters.composing import Words
from geoservices.letters.members import recipient_of, send
from geoservices.letters.models import Letter, LetterKind
from geoservices.settings.service import Settings

LETTERS = {
    Change.PASSWORD_SET: LetterKind.PASSWORD_SET,
    Change.SECOND_FACTOR_ON: LetterKind.SECOND_FACTOR_ON,
    Change.SECOND_FACTOR_OFF: LetterKind.SECOND_FACTOR_OFF,
}
"""What kind of letter tells of each change."""
CHANGES = {kind: change for change, kind in LETTERS.items()}
LIFETIME = timedelta(hours=48)
"""A server for mail that is away for a weekend does not keep it from the member."""


def tell(
    session: Session, account: LocalAccount, change: Change, at: datetime, *, settings: Settings
) -> None:
    """Have a member told, if letters are sent here and they can be written to.

    The transaction must see the member's own rows.
    """
    recipient = recipient_of(session, account, settings)
    if recipient is not None:
        send(session, account.person_id, recipient, LETTERS[change], lifetime=LIFETIME, at=at)


def write(session: Session, letter: Letter) -> Words:
    """Return what a letter says that tells of a change."""
    holder = require_holder(session, letter.person_id)
    zone = holder.organisation.time_zone
    return composing.account_changed(
        CHANGES[LetterKind(letter.kind)],
        username=holder.account.username,
        organisation=holder.organisation.name,
        at=letter.created_at.astimezone(ZoneInfo(zone)),
    )
