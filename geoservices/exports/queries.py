"""What is asked of exports."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from geoservices.exports.models import Export, ExportChunk


def exports_of(session: Session, person_id: UUID) -> Sequence[Export]:
    """Return a person's exports, newest first."""
    return session.scalars(
        select(Export)
        .where(Export.person_id == person_id)
        .order_by(Export.created_at.desc(), Export.id.desc())
    ).all()


def export_of(session: Session, export_id: UUID, *, person_id: UUID) -> Export | None:
    """Return an export if it is the person's."""
    return session.scalars(
        select(Export).where(Export.id == export_id, Export.person_id == person_id)
    ).one_or_none()


def delete_chunks(session: Session, export_id: UUID) -> None:
    """Delete what of an export's file there is."""
    session.execute(delete(ExportChunk).where(ExportChunk.export_id == export_id))


def chunk(session: Session, export_id: UUID, number: int) -> bytes | None:
    """Return a part of an export's file; None after the last."""
    return session.scalars(
        select(ExportChunk.data).where(
            ExportChunk.export_id == export_id, ExportChunk.number == number
        )
    ).one_or_none()


def size(session: Session, export_id: UUID) -> int:
    """Return how many bytes of an export's file there are."""
    lengths = select(func.coalesce(func.sum(func.length(ExportChunk.data)), 0))
    return int(session.scalars(lengths.where(ExportChunk.export_id == export_id)).one())


def delete_expired(session: Session, *, at: datetime, limit: int) -> int:
    """Delete up to so many exports whose time is over; return how many."""
    over = (
        select(Export.id)
        .where(Export.expires_at <= at)
        .order_by(Export.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = session.execute(delete(Export).where(Export.id.in_(over)))
    return int(gone.rowcount)  # type: ignore[attr-defined]  # A DELETE has one.
