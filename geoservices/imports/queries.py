"""What is asked of imports, and of what their lines speak of."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.access.actors import Grant
from geoservices.access.rights import WORKERS
from geoservices.accounts.models import Organisation, Person
from geoservices.database import newest_first
from geoservices.imports.models import (
    ImportState,
    Outcome,
    TaskImport,
    TaskImportLine,
    TaskReference,
)
from geoservices.listings.models import Listing
from geoservices.members.models import Team
from geoservices.places.access_queries import counts_at
from geoservices.places.models import Place
from geoservices.tasks.models import Task, TaskSeries

UNDER_WAY = TaskImport.state.in_((ImportState.QUEUED, ImportState.WORKING))


def time_zone_of(session: Session, organisation_id: UUID) -> str:
    """Return an organisation's time zone."""
    zone = select(Organisation.time_zone).where(Organisation.id == organisation_id)
    return session.scalars(zone).one()


def import_of(session: Session, import_id: UUID, organisation_id: UUID) -> TaskImport | None:
    """Return an import if it is the organisation's."""
    return session.scalars(
        select(TaskImport).where(
            TaskImport.id == import_id, TaskImport.organisation_id == organisation_id
        )
    ).one_or_none()


def imports_of(
    session: Session, organisation_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[TaskImport]:
    """Return a page of an organisation's imports, newest first."""
    statement = select(TaskImport).where(TaskImport.organisation_id == organisation_id)
    page = newest_first(statement, TaskImport.asked_at, TaskImport.id, after=after, limit=limit)
    return session.scalars(page).all()


def count_outcomes(session: Session, import_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """Return how many lines of each import have come to which outcome."""
    rows = session.execute(
        select(TaskImportLine.import_id, TaskImportLine.outcome, func.count())
        .where(TaskImportLine.import_id.in_(import_ids), TaskImportLine.outcome.is_not(None))
        .group_by(TaskImportLine.import_id, TaskImportLine.outcome)
    )
    counted: dict[UUID, dict[str, int]] = {import_id: {} for import_id in import_ids}
    for import_id, outcome, count in rows:
        counted[import_id][str(outcome)] = count
    return counted


def lines_of(
    session: Session, import_id: UUID, *, outcome: Outcome | None, after: int, limit: int
) -> Sequence[TaskImportLine]:
    """Return a page of an import's lines in their order."""
    wanted = select(TaskImportLine).where(
        TaskImportLine.import_id == import_id, TaskImportLine.number > after
    )
    if outcome is not None:
        wanted = wanted.where(TaskImportLine.outcome == outcome)
    return session.scalars(wanted.order_by(TaskImportLine.number).limit(limit)).all()


def add_lines(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store an import's lines."""
    session.execute(insert(TaskImportLine), rows)


def waiting_lines(session: Session, import_id: UUID, *, limit: int) -> Sequence[TaskImportLine]:
    """Return the lines whose turn is next, of those of which nothing has become yet."""
    return session.scalars(
        select(TaskImportLine)
        .where(TaskImportLine.import_id == import_id, TaskImportLine.outcome.is_(None))
        .order_by(TaskImportLine.turn)
        .limit(limit)
    ).all()


def count_waiting(session: Session, import_id: UUID) -> int:
    """Return of how many lines nothing has become yet."""
    waiting = select(func.count()).select_from(TaskImportLine)
    return session.scalars(
        waiting.where(TaskImportLine.import_id == import_id, TaskImportLine.outcome.is_(None))
    ).one()


def stream_lines(
    session: Session, import_id: UUID, *, at_once: int
) -> Iterator[Sequence[TaskImportLine]]:
    """Yield all lines of which nothing has become yet by their turn, so many at once."""
    after = 0
    while True:
        some = session.scalars(
            select(TaskImportLine)
            .where(
                TaskImportLine.import_id == import_id,
                TaskImportLine.outcome.is_(None),
                TaskImportLine.turn > after,
            )
            .order_by(TaskImportLine.turn)
            .limit(at_once)
        ).all()
        if not some:
            return
        yield some
        after = some[-1].turn


def has_refused(session: Session, import_id: UUID) -> bool:
    """Tell whether a line of an import was refused."""
    refused = select(TaskImportLine.number).where(
        TaskImportLine.import_id == import_id, TaskImportLine.outcome == Outcome.REFUSED
    )
    return session.scalars(refused.limit(1)).first() is not None


def hand_out(session: Session, *, at: datetime, lease: timedelta, limit: int) -> list[UUID]:
    """Take imports that are to be worked on, and make them due again after the lease."""
    return outbox.take_due(
        session,
        TaskImport.id,
        TaskImport.due_at,
        waiting=UNDER_WAY,
        first=TaskImport.due_at,
        at=at,
        lease=lease,
        limit=limit,
    )


def put_back(session: Session, ids: Sequence[UUID], *, at: datetime) -> None:
    """Make imports due at once: they could not be handed to anyone."""
    session.execute(update(TaskImport).where(TaskImport.id.in_(ids), UNDER_WAY).values(due_at=at))


def take(session: Session, import_id: UUID, *, at: datetime) -> TaskImport | None:
    """Return an import that nobody is working on, locked."""
    return outbox.take_free(
        session, TaskImport, TaskImport.leased_until, TaskImport.id == import_id, UNDER_WAY, at=at
    )


def hold(session: Session, import_id: UUID, *, attempt: int) -> TaskImport | None:
    """Return an import, locked, while this attempt at working on it counts."""
    return session.scalars(
        select(TaskImport)
        .where(
            TaskImport.id == import_id,
            TaskImport.state == ImportState.WORKING,
            TaskImport.attempt_count == attempt,
        )
        .with_for_update()
    ).one_or_none()


def tasks_by_reference(
    session: Session, organisation_id: UUID, external_ids: Collection[str]
) -> dict[str, Task]:
    """Return the tasks that the references stand for, as they are now, and hold them."""
    rows = session.execute(
        select(TaskReference.external_id, Task)
        .join(Task, Task.id == TaskReference.task_id)
        .where(
            TaskReference.organisation_id == organisation_id,
            TaskReference.external_id.in_(external_ids),
        )
        .order_by(Task.id)
        .with_for_update(of=[Listing.__table__, Task.__table__], key_share=True)
        .execution_options(populate_existing=True)
    )
    return dict(rows.all())


def task_ids_of(session: Session, organisation_id: UUID, words: Collection[str]) -> dict[str, UUID]:
    """Return the tasks that references, or ids, stand for; an id stands for itself."""
    rows = session.execute(
        select(TaskReference.external_id, TaskReference.task_id).where(
            TaskReference.organisation_id == organisation_id,
            TaskReference.external_id.in_(words),
        )
    )
    ids = {word: UUID(word) for word in words if _is_id(word)}
    return ids | {str(external_id): task_id for external_id, task_id in rows}


def series_by_reference(
    session: Session, organisation_id: UUID, external_ids: Collection[str]
) -> dict[str, TaskSeries]:
    """Return the series that the references stand for."""
    found = session.scalars(
        select(TaskSeries).where(
            TaskSeries.organisation_id == organisation_id,
            TaskSeries.external_id.in_(external_ids),
        )
    )
    return {one.external_id: one for one in found if one.external_id is not None}


def task_id_of(session: Session, organisation_id: UUID, external_id: str) -> UUID | None:
    """Return the id of the task that a reference stands for."""
    return session.scalars(
        select(TaskReference.task_id).where(
            TaskReference.organisation_id == organisation_id,
            TaskReference.external_id == external_id,
        )
    ).one_or_none()


def places_called(session: Session, grant: Grant, words: Collection[str]) -> Sequence[Place]:
    """Return the places at which a grant counts that any of the words may stand for.

    Args:
        session: The session.
        grant: Of whoever asks.
        words: Ids, references of sources, or names, in lower case.
    """
    ids = [UUID(word) for word in words if _is_id(word)]
    named = or_(
        Place.id.in_(ids),
        func.lower(Place.external_id).in_(words),
        func.lower(Place.name).in_(words),
    )
    return session.scalars(select(Place).where(named, counts_at(grant))).all()


def teams_called(session: Session, organisation_id: UUID, words: Collection[str]) -> Sequence[Team]:
    """Return an organisation's teams that any of the words, in lower case, is an id or name of."""
    ids = [UUID(word) for word in words if _is_id(word)]
    named = or_(Team.id.in_(ids), func.lower(Team.name).in_(words))
    wanted = select(Team).where(Team.organisation_id == organisation_id, named)
    return session.scalars(wanted).all()


def workers_at(
    session: Session, organisation_id: UUID, addresses: Collection[str]
) -> dict[str, UUID]:
    """Return by their addresses the members who do an organisation's work and are let in."""
    rows = session.execute(
        select(Person.email, Person.id).where(
            Person.organisation_id == organisation_id,
            Person.email.in_(addresses),
            Person.role.in_(WORKERS),
            Person.disabled_at.is_(None),
        )
    )
    return {str(email): person_id for email, person_id in rows}


def settle(session: Session, import_id: UUID, settled: Sequence[Mapping[str, Any]]) -> None:
    """Write down what became of lines; each names `number`, `outcome`, `task_id`, `problems`."""
    session.execute(
        update(TaskImportLine),
        [{"import_id": import_id, "said": None, **one} for one in settled],
    )


def _is_id(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True
