"""What is asked of files."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.files.models import File
from geoservices.tasks.models import Task


def hold_task(session: Session, task_id: UUID) -> None:
    """Let nobody else add a photo to a task until the transaction ends."""
    held = select(Task.__table__.c.id).where(Task.__table__.c.id == task_id)
    session.execute(held.with_for_update(key_share=True))


def hold_digest(session: Session, digest: bytes) -> None:
    """Let nobody else store or remove the file of that digest until the transaction ends."""
    number = int.from_bytes(digest[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(number)))


def of_task(session: Session, task_id: UUID) -> Sequence[File]:
    """Return the photos of a task, the first one first."""
    return session.scalars(
        select(File)
        .where(File.task_id == task_id, File.removed_at.is_(None))
        .order_by(File.added_at, File.id)
    ).all()


def by_id(session: Session, file_id: UUID) -> File | None:
    """Return a file, unless it was removed."""
    return session.scalars(
        select(File).where(File.id == file_id, File.removed_at.is_(None))
    ).one_or_none()


def removed(session: Session, *, limit: int) -> Sequence[UUID]:
    """Return ids of files that are to be removed from the store, the first one first."""
    return session.scalars(
        select(File.id).where(File.removed_at.is_not(None)).order_by(File.removed_at).limit(limit)
    ).all()


def take_removed(session: Session, file_id: UUID) -> File | None:
    """Return a file that is to be removed from the store and that nobody else holds, locked."""
    return session.scalars(
        select(File)
        .where(File.id == file_id, File.removed_at.is_not(None))
        .with_for_update(skip_locked=True)
    ).one_or_none()


def known(session: Session, digests: Collection[bytes]) -> set[bytes]:
    """Return those of the digests that some file has."""
    return set(session.scalars(select(File.sha256).where(File.sha256.in_(digests))))


def kept(session: Session, *, at_once: int) -> set[bytes]:
    """Return the digests of all files that are to be in the store."""
    wanted = select(File.sha256).where(File.removed_at.is_(None)).distinct()
    return set(session.scalars(wanted.execution_options(yield_per=at_once)))
