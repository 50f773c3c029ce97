"""What is asked of notifications."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from geoservices.database import newest_first
from geoservices.notifications.models import Notification, NotificationKind


def notifications_of(
    session: Session, person_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Notification]:
    """Return a person's notifications, newest first."""
    statement = select(Notification).where(Notification.person_id == person_id)
    return _page(session, statement, after, limit)


def notifications_of_organisation(
    session: Session, organisation_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Notification]:
    """Return what an organisation sent, newest first."""
    statement = select(Notification).where(Notification.organisation_id == organisation_id)
    return _page(session, statement, after, limit)


def tests_since(session: Session, person_id: UUID, *, since: datetime) -> Sequence[datetime]:
    """Return when a person's tests of pushes since an instant were made, oldest first."""
    return session.scalars(
        select(Notification.created_at)
        .where(
            Notification.person_id == person_id,
            Notification.kind == NotificationKind.TEST,
            Notification.created_at > since,
        )
        .order_by(Notification.created_at)
    ).all()


def notification_by_id(session: Session, notification_id: UUID) -> Notification | None:
    """Return a notification."""
    return session.get(Notification, notification_id)


def _page(
    session: Session,
    statement: Select[Notification],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Notification]:
    newest = newest_first(
        statement, Notification.created_at, Notification.id, after=after, limit=limit
    )
    return session.scalars(newest).all()
