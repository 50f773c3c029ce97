"""Digests made: once a day, at each person's hour, of what they have not read."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.letters import queries
from geoservices.letters.hours import day_of, next_at
from geoservices.letters.models import LetterKind, LetterState
from geoservices.letters.queries import Due

LIFETIME = timedelta(hours=20)
"""A digest that has not left by then would come together with the next."""
OLDEST = timedelta(days=7)
"""What is unread for longer is told no more."""
MOST_ITEMS = 50
"""In one digest; the rest is for the next one, and in the inbox."""
CONFIRMATIONS_KEPT = timedelta(days=2)


def make_due(session: Session, *, at: datetime, limit: int) -> tuple[int, int]:
    """Make the digests of those whose hour has come, and put each address to its next one.

    Who has nothing to be told gets none, and who had one that day gets no other. Run twice, or
    side by side, it makes none twice.

    Returns:
        How many addresses were looked at, at most `limit`, and how many digests were made.
    """
    due = queries.addresses_due(session, at=at, limit=limit)
    told = queries.to_tell(
        session,
        [one.address.person_id for one in due],
        since=at - OLDEST,
        at=at,
        most=MOST_ITEMS,
    )
    letters = [_letter(one, at) for one in due if one.address.person_id in told]
    made = queries.insert_digests(session, letters)
    queries.insert_items(
        session,
        [
            {"notification_id": notification_id, "letter_id": letter["id"]}
            for letter in letters
            if letter["id"] in made
            for notification_id in told[letter["person_id"]]
        ],
    )
    for address, time_zone in due:
        address.digest_due_at = next_at(address.digest_at, ZoneInfo(time_zone), after=at)
    if made:
        outbox.ring(session)
    return len(due), len(made)


def tidy(session: Session, *, at: datetime) -> None:
    """Forget what was kept of confirmations, once no limit and no link needs it."""
    queries.prune(session, before=at - CONFIRMATIONS_KEPT, at=at)


def _letter(due: Due, at: datetime) -> dict[str, Any]:
    id_: UUID = uuid4()
    return {
        "id": id_,
        "person_id": due.address.person_id,
        "address_id": due.address.id,
        "kind": LetterKind.DIGEST,
        "day": day_of(at, ZoneInfo(due.time_zone)),
        "state": LetterState.QUEUED,
        "attempt_count": 0,
        "created_at": at,
        "due_at": at,
        "expires_at": at + LIFETIME,
    }
