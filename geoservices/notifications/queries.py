"""What is asked of notifications."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from geoservices.database import newest_first
from geoservices.notifications.folders import Folder
from geoservices.notifications.models import Notification, NotificationKind

IN_AN_INBOX = Notification.kind != NotificationKind.BUNDLE
UNREAD = and_(
    IN_AN_INBOX,
    Notification.archived_at.is_(None),
    Notification.read_at.is_(None) | (Notification.read_at < Notification.snoozed_until),
)
"""Not read, or to be read again; it is in the inbox once it has surfaced."""


def notifications_of(
    session: Session,
    person_id: UUID,
    *,
    folder: Folder = Folder.ALL,
    bundle_id: UUID | None = None,
    at: datetime,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Notification]:
    """Return what of a person's notifications is in a folder, what surfaced last before others.

    Only what was pushed in one bundle, if told.
    """
    statement = select(Notification).where(
        Notification.person_id == person_id, IN_AN_INBOX, *_within(folder, at)
    )
    if bundle_id is not None:
        statement = statement.where(Notification.bundle_id == bundle_id)
    newest = newest_first(
        statement, Notification.surfaced_at, Notification.id, after=after, limit=limit
    )
    return session.scalars(newest).all()


def _within(folder: Folder, at: datetime) -> tuple[ColumnElement[bool], ...]:
    not_archived = Notification.archived_at.is_(None)
    match folder:
        case Folder.INBOX:
            return not_archived, Notification.surfaced_at <= at
        case Folder.SNOOZED:
            return not_archived, Notification.surfaced_at > at
        case Folder.ARCHIVE:
            return (Notification.archived_at.is_not(None),)
        case Folder.ALL:
            return ()


def count_unread(session: Session, person_id: UUID, *, at: datetime) -> int:
    """Count what of a person's inbox is unread."""
    statement = select(func.count()).where(
        Notification.person_id == person_id, UNREAD, Notification.surfaced_at <= at
    )
    return session.scalars(statement).one()


def mark_all_read(session: Session, person_id: UUID, *, at: datetime) -> None:
    """Mark as read what of a person's inbox is unread."""
    session.execute(
        update(Notification)
        .where(Notification.person_id == person_id, UNREAD, Notification.surfaced_at <= at)
        .values(read_at=at)
    )


def mark_read(session: Session, notification_ids: Collection[UUID], *, at: datetime) -> None:
    """Mark those of the notifications as read that are not; of a bundle, what is in it."""
    unread = (
        select(Notification.id)
        .where(
            or_(
                Notification.id.in_(notification_ids), Notification.bundle_id.in_(notification_ids)
            ),
            IN_AN_INBOX,
            Notification.read_at.is_(None)
            | and_(
                Notification.snoozed_until <= at, Notification.read_at < Notification.snoozed_until
            ),
        )
        .order_by(Notification.id)
        .with_for_update(key_share=True)
    )
    session.execute(update(Notification).where(Notification.id.in_(unread)).values(read_at=at))


def lock_notification(
    session: Session, notification_id: UUID, *, person_id: UUID
) -> Notification | None:
    """Return a notification of a person's inbox, locked."""
    return session.scalars(
        select(Notification)
        .where(Notification.id == notification_id, Notification.person_id == person_id, IN_AN_INBOX)
        .with_for_update(key_share=True)
    ).one_or_none()


def notifications_of_organisation(
    session: Session, organisation_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Notification]:
    """Return what an organisation sent, newest first."""
    statement = select(Notification).where(Notification.organisation_id == organisation_id)
    newest = newest_first(
        statement, Notification.created_at, Notification.id, after=after, limit=limit
    )
    return session.scalars(newest).all()


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
