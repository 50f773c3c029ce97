"""Letters to members about their accounts: where they go, and how they are queued."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.accounts.models import Person
from geoservices.credentials.models import LocalAccount
from geoservices.letters.models import Letter, LetterKind, LetterState
from geoservices.mail.addresses import AddressRefused, read_address
from geoservices.settings.service import Settings


def recipient_of(session: Session, account: LocalAccount, settings: Settings) -> str | None:
    """Return where a member reads mail, or None if they cannot be written to.

    That is the address by which their organisation knows them, or else their username if it is
    one. The address at which they want messages is none of it: any device of theirs can change
    that, and whoever finds a phone must not come by the account.
    """
    if settings.mail.host is None:
        return None
    member = session.get_one(Person, account.person_id)
    if member.email:
        return member.email
    try:
        return read_address(account.username)
    except AddressRefused:
        return None


def send(
    session: Session,
    person_id: UUID,
    recipient: str,
    kind: LetterKind,
    *,
    lifetime: timedelta,
    at: datetime,
) -> Letter:
    """Have a letter sent once the transaction is committed; it is tried for a lifetime."""
    letter = Letter(
        id=uuid4(),
        person_id=person_id,
        recipient=recipient,
        kind=kind,
        state=LetterState.QUEUED,
        created_at=at,
        due_at=at,
        expires_at=at + lifetime,
    )
    session.add(letter)
    session.flush()
    outbox.ring(session)
    return letter
