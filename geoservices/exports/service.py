"""Exports asked for, written by a job, and given out until they are deleted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices import clock, outbox
from geoservices.accounts.queries import lock_people
from geoservices.database import SessionFactory, transaction
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.exports import queries
from geoservices.exports.archive import Chunks, write_archive
from geoservices.exports.models import Export, ExportChunk, ExportState
from geoservices.holdings import queries as holdings
from geoservices.holdings.inventory import Holding
from geoservices.holdings.kinds import INVENTORY
from geoservices.holdings.queries import Told
from geoservices.holdings.service import count_all
from geoservices.leasing.work import Superseded, Work
from geoservices.limiting.limiter import Limit, Limiter
from geoservices.scopes import confine
from geoservices.settings.privacy import RightsSettings

WORK: Final = Work(
    row=Export,
    queued=ExportState.QUEUED,
    working=(ExportState.WRITING,),
    failed=ExportState.FAILED,
    lease=timedelta(minutes=2),
    most_attempts=5,
)
AT_ONCE = 1000
"""Rows read and written at once."""


class ExportNotReady(GeoservicesError):
    """The copy is not written yet, or could not be."""

    kind = ErrorKind.CONFLICT
    code = "export-not-ready"
    title = "The copy is not ready"

    def __init__(self, state: str) -> None:
        super().__init__(
            f"It is {state}. Look at the export's address, and ask for its file once it is ready."
        )


def ask_for(
    session: Session, person_id: UUID, *, rights: RightsSettings, limiter: Limiter, at: datetime
) -> Export:
    """Have a copy made of everything held about a person; one under way is returned as it is.

    Raises:
        TooManyRequests: They had so many made lately that no other one is.
    """
    lock_people(session, [person_id])
    for one in queries.exports_of(session, person_id):
        if one.state in {ExportState.QUEUED, ExportState.WRITING}:
            return one
    limiter.spend(Limit.EXPORTS_BY_PERSON, str(person_id))
    export = Export(
        id=uuid4(),
        person_id=person_id,
        state=ExportState.QUEUED,
        created_at=at,
        due_at=at,
        expires_at=at + rights.export_kept,
    )
    session.add(export)
    session.flush()
    outbox.ring(session)
    return export


def get_export(session: Session, export_id: UUID, *, person_id: UUID) -> Export:
    """Return one of a person's exports.

    Raises:
        NotFound: There is none, it is someone else's, or it was deleted in due time.
    """
    export = queries.export_of(session, export_id, person_id=person_id)
    if export is None:
        raise NotFound("export")
    return export


def get_ready(session: Session, export_id: UUID, *, person_id: UUID) -> Export:
    """Return one of a person's exports that can be downloaded.

    Raises:
        NotFound: As by `get_export`.
        ExportNotReady: It is not written.
    """
    export = get_export(session, export_id, person_id=person_id)
    if export.state != ExportState.READY:
        raise ExportNotReady(export.state)
    return export


def read_file(sessions: SessionFactory, export_id: UUID, *, person_id: UUID) -> Iterator[bytes]:
    """Yield the parts of the file of an export of a person's, one in memory at a time."""
    number = 0
    while True:
        with transaction(sessions) as session:
            confine(session, organisation_id=None, person_id=person_id)
            part = queries.chunk(session, export_id, number)
        if part is None:
            return
        yield part
        number += 1


def write(sessions: SessionFactory, export_id: UUID, *, rights: RightsSettings) -> bool:
    """Write an export that nobody else is writing; tell whether it is ready now.

    All is read in one transaction, at one instant. What is written is kept part by part in others,
    so that progress can be seen and nothing large is held in memory.
    """
    with transaction(sessions) as session:
        begun = _begin(session, export_id, at=clock.now())
    if begun is None:
        return False
    writing = _Writing(sessions, export_id, attempt=begun.attempt_count)
    try:
        with sessions() as reading:
            reading.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            _write_all(reading, begun.person_id, writing)
        writing.finish(kept=rights.export_kept)
    except Superseded:
        return False
    return True


def delete_expired(session: Session, *, at: datetime, limit: int) -> int:
    """Delete exports whose time is over, with their files; return how many."""
    return queries.delete_expired(session, at=at, limit=limit)


def _begin(session: Session, export_id: UUID, *, at: datetime) -> Export | None:
    export = WORK.begin(session, export_id, at=at)
    if export is None:
        return None
    queries.delete_chunks(session, export_id)
    if export.state == ExportState.FAILED:
        return None
    export.rows_written = 0
    return export


def _write_all(reading: Session, person_id: UUID, writing: "_Writing") -> None:
    writing.expect(2 * count_all(reading, person_id))

    def rows(holding: Holding) -> Iterator[Sequence[Told]]:
        return holdings.stream(reading, holding, person_id, at_once=AT_ONCE)

    with closing(Chunks(writing.keep)) as file:
        write_archive(file, list(INVENTORY), rows, at=clock.now(), wrote=writing.wrote)
        file.finish()


@dataclass(slots=True)
class _Writing:
    """One attempt at writing an export; each of its steps is a transaction."""

    sessions: SessionFactory
    export_id: UUID
    attempt: int = field(kw_only=True)
    chunks: int = 0

    def expect(self, rows: int) -> None:
        """Say how many rows there are to write."""

        def expect(_session: Session, export: Export) -> None:
            export.rows_to_write = rows

        self._step(expect)

    def wrote(self, rows: int) -> None:
        """Count rows that were written."""

        def count(_session: Session, export: Export) -> None:
            export.rows_written += rows

        self._step(count)

    def keep(self, part: bytes) -> None:
        """Keep the next part of the file."""
        chunk = ExportChunk(export_id=self.export_id, number=self.chunks, data=part)
        self._step(lambda session, _export: session.add(chunk))
        self.chunks += 1

    def finish(self, *, kept: timedelta) -> None:
        """Let the file be downloaded."""

        def end(session: Session, export: Export) -> None:
            export.size_bytes = queries.size(session, export.id)
            export.state = ExportState.READY
            export.ready_at = clock.now()
            export.expires_at = export.ready_at + kept
            export.leased_until = None

        self._step(end)

    def _step(self, change: Callable[[Session, Export], None]) -> None:
        with transaction(self.sessions) as session:
            export = WORK.hold(session, self.export_id, attempt=self.attempt, at=clock.now())
            change(session, export)
