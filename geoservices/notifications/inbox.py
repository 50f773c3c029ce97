"""A person's inbox: what they did with their notifications."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.errors import NotFound
from geoservices.notifications import queries
from geoservices.notifications.folders import check_snooze, read_when
from geoservices.notifications.models import Notification


class Unchanged(Enum):
    """What a change leaves as it is."""

    UNCHANGED = auto()


UNCHANGED = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What shall become of a notification; `snoozed_until` None puts it back into the inbox."""

    read: bool | Unchanged = UNCHANGED
    archived: bool | Unchanged = UNCHANGED
    snoozed_until: datetime | Unchanged | None = UNCHANGED


def change(
    session: Session, notification_id: UUID, wanted: Change, *, person_id: UUID, at: datetime
) -> Notification:
    """Change how a notification lies in its person's inbox; the same again changes nothing.

    Raises:
        NotFound: It is not the person's.
        SnoozeRefused: It is put off until some time that is over, or more than a year ahead.
    """
    found = queries.lock_notification(session, notification_id, person_id=person_id)
    if found is None:
        raise NotFound("notification")
    until = wanted.snoozed_until
    if not isinstance(until, Unchanged) and until != found.snoozed_until:
        found.snoozed_until = check_snooze(until, at=at) if until else None
    if wanted.read is True:
        found.read_at = read_when(found.read_at, found.snoozed_until, at=at) or at
    elif wanted.read is False:
        found.read_at = None
    if wanted.archived is True:
        found.archived_at = found.archived_at or at
    elif wanted.archived is False:
        found.archived_at = None
    session.flush()
    return found


def mark_read(session: Session, notification_ids: Collection[UUID], *, at: datetime) -> None:
    """Mark notifications as read, since their people opened them; what is read already stays.

    Args:
        session: The change is part of its transaction.
        notification_ids: In any order; unknown ones are passed over.
        at: When they were opened.
    """
    queries.mark_read(session, notification_ids, at=at)
