"""What is asked of API keys."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from geoservices.database import newest_first
from geoservices.keys.models import ApiKey


def by_secret(session: Session, secret_hash: bytes, *, at: datetime) -> ApiKey | None:
    """Return the key that has this secret, if it still holds."""
    return session.scalars(
        select(ApiKey).where(
            or_(
                ApiKey.secret_hash == secret_hash,
                (ApiKey.previous_hash == secret_hash) & (ApiKey.previous_until > at),
            ),
            ApiKey.revoked_at.is_(None),
            ApiKey.expires_at > at,
        )
    ).one_or_none()


def note_use(session: Session, key_id: UUID, *, at: datetime) -> None:
    """Say that a key was used now, unless somebody else is just saying so."""
    free = select(ApiKey.id).where(ApiKey.id == key_id).with_for_update(skip_locked=True)
    session.execute(
        update(ApiKey)
        .where(ApiKey.id.in_(free))
        .values(last_used_at=at)
        .execution_options(synchronize_session=False)
    )


def of_organisation(
    session: Session,
    organisation_id: UUID,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[ApiKey]:
    """Return an organisation's keys, newest first, expired and revoked ones too."""
    statement = select(ApiKey).where(ApiKey.organisation_id == organisation_id)
    page = newest_first(statement, ApiKey.created_at, ApiKey.id, after=after, limit=limit)
    return session.scalars(page).all()


def held(session: Session, organisation_id: UUID, key_id: UUID) -> ApiKey | None:
    """Return one of an organisation's keys as it is once nobody else changes it."""
    return session.scalars(
        select(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.organisation_id == organisation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
