"""Photos added to tasks, shown, and removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Actor, Grant
from geoservices.access.rights import Right
from geoservices.database import SessionFactory, transaction
from geoservices.errors import ErrorKind, Forbidden, GeoservicesError, NotFound
from geoservices.files import queries
from geoservices.files.models import File
from geoservices.files.photos import KEPT_AS, Photo
from geoservices.files.store import FileStore
from geoservices.tasks import service as tasks
from geoservices.tasks.models import Task

AT_ONCE = 500
"""Files looked up, or removed in one run, at once."""


class TooManyPhotos(GeoservicesError):
    """The task has as many photos as it may have; nothing was stored."""

    kind = ErrorKind.CONFLICT
    code = "too-many-photos"
    title = "The task has enough photos"

    def __init__(self, most: int) -> None:
        super().__init__(f"A task has at most {most}. Delete one that is of no use first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What came of comparing the store with the table: files removed, and files missed."""

    removed: int
    missing: int


def add_photo(
    session: Session,
    task: Task,
    photo: Photo,
    *,
    store: FileStore,
    most: int,
    grant: Grant,
    at: datetime,
) -> tuple[File, bool]:
    """Keep a photo of a task; the same one again changes nothing.

    It is in the store before there is a row that says so. A transaction that is taken back leaves
    a file that nothing refers to, which `sweep` removes.

    Args:
        session: The transaction to write in.
        task: One that whoever sends it sees.
        photo: It.
        store: Where files are kept.
        most: How many photos a task may have.
        grant: Of whoever sends it.
        at: The present.

    Returns:
        The file, and whether it was made just now.

    Raises:
        TooManyPhotos: The task has as many as it may have.
        StoreUnavailable: The store failed.
    """
    queries.hold_task(session, task.id)
    queries.hold_digest(session, photo.digest)
    there = queries.of_task(session, task.id)
    same = next((one for one in there if one.sha256 == photo.digest), None)
    if same is not None:
        return same, False
    if len(there) >= most:
        raise TooManyPhotos(most)
    store.put(photo.digest, photo.data)
    file = File(
        id=uuid4(),
        organisation_id=task.organisation_id,
        task_id=task.id,
        added_by=grant.actor.person_id,
        added_at=at,
        media_type=KEPT_AS,
        size_bytes=len(photo.data),
        width_px=photo.width_px,
        height_px=photo.height_px,
        sha256=photo.digest,
    )
    session.add(file)
    session.flush()
    return file, True


def list_photos(session: Session, task: Task) -> Sequence[File]:
    """Return the photos of a task that whoever asks sees, the first one first."""
    return queries.of_task(session, task.id)


def get_file(session: Session, file_id: UUID, *, grant: Grant) -> File:
    """Return a file, to whoever sees its task.

    Raises:
        NotFound: There is none, it was removed, or its task is not theirs to see.
    """
    file = queries.by_id(session, file_id)
    if file is None or file.organisation_id != grant.organisation_id:
        raise NotFound("file")
    tasks.get_task(session, file.task_id, grant=grant)
    return file


def remove_file(file: File, *, actor: Actor, at: datetime) -> None:
    """Let nobody see a file any more; a job removes it from the store within a minute.

    Raises:
        Forbidden: It is another person's, and the actor does not manage tasks.
    """
    took_it = file.added_by is not None and file.added_by == actor.person_id
    if not took_it and Right.LISTINGS_WRITE not in actor.rights:
        raise Forbidden("Whoever took the photo removes it, or somebody who manages tasks.")
    file.removed_at = at


def carry_out_removals(sessions: SessionFactory, store: FileStore) -> int:
    """Remove from the store what was to be removed; return how many files that were.

    A file that another task has as well stays in the store.

    Raises:
        StoreUnavailable: The store failed; what is left is removed the next time.
    """
    with transaction(sessions) as session:
        waiting = queries.removed(session, limit=AT_ONCE)
    return sum(_remove(sessions, store, file_id) for file_id in waiting)


def sweep(sessions: SessionFactory, store: FileStore) -> Swept:
    """Remove from the store what no row speaks of, and count what rows speak of in vain.

    The rows of those stay: they say that there was a photo, and a store that is not there for an
    hour must not cost any.

    Raises:
        StoreUnavailable: The store failed.
    """
    with transaction(sessions) as session:
        missing = queries.kept(session, at_once=AT_ONCE)
    removed = 0
    stored = store.digests()
    while some := list(islice(stored, AT_ONCE)):
        missing.difference_update(some)
        with transaction(sessions) as session:
            orphans = set(some) - queries.known(session, some)
        removed += sum(_remove_orphan(sessions, store, digest) for digest in sorted(orphans))
    return Swept(removed=removed, missing=len(missing))


def _remove(sessions: SessionFactory, store: FileStore, file_id: UUID) -> bool:
    with transaction(sessions) as session:
        file = queries.take_removed(session, file_id)
        if file is None:
            return False
        queries.hold_digest(session, file.sha256)
        session.delete(file)
        session.flush()
        if not queries.known(session, [file.sha256]):
            store.remove(file.sha256)
    return True


def _remove_orphan(sessions: SessionFactory, store: FileStore, digest: bytes) -> bool:
    """Remove a file that no row speaks of, unless somebody adds it at this very moment."""
    with transaction(sessions) as session:
        queries.hold_digest(session, digest)
        if queries.known(session, [digest]):
            return False
        store.remove(digest)
    return True
