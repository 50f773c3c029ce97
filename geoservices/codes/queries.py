"""What is asked of codes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.codes.models import Code
from geoservices.database import newest_first


def insert_if_new(session: Session, code: Code) -> bool:
    """Store a code unless its id is known; tell whether it was stored."""
    row = {column.key: getattr(code, column.key) for column in Code.__table__.columns}
    stored = session.execute(insert(Code).values(row).on_conflict_do_nothing().returning(Code.id))
    return stored.first() is not None


def by_id(session: Session, code_id: UUID) -> Code | None:
    """Return the code of that id."""
    return session.scalars(select(Code).where(Code.id == code_id)).one_or_none()


def revoke_all(session: Session, place_id: UUID, organisation_id: UUID, *, at: datetime) -> int:
    """Revoke the codes that an organisation has at a place; return how many."""
    revoked = session.scalars(
        update(Code)
        .where(
            Code.place_id == place_id,
            Code.organisation_id == organisation_id,
            Code.revoked_at.is_(None),
            or_(Code.valid_until.is_(None), Code.valid_until > at),
        )
        .values(revoked_at=at)
        .returning(Code.id)
    )
    return len(revoked.all())


def of_place(
    session: Session,
    place_id: UUID,
    organisation_id: UUID,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Code]:
    """Return an organisation's codes at a place, newest first, revoked ones too."""
    statement = select(Code).where(
        Code.place_id == place_id, Code.organisation_id == organisation_id
    )
    page = newest_first(statement, Code.created_at, Code.id, after=after, limit=limit)
    return session.scalars(page).all()
