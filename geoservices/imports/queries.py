"""What is asked of imports, and of what their lines speak of."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import WORKERS
from geoservices.accounts.models import Organisation, Person
from geoservices.database import newest_first
from geoservices.imports.models import (
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
from geoservices.tasks.waiting_queries import Node


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


def next_lines(
    session: Session, import_id: UUID, *, after: int, limit: int
) -> Sequence[TaskImportLine]:
    """Return the lines whose turn is next after that one."""
    return session.scalars(
        select(TaskImportLine)
        .where(
            TaskImportLine.import_id == import_id,
            TaskImportLine.turn > after,
            TaskImportLine.said.is_not(None),
        )
        .order_by(TaskImportLine.turn)
        .limit(limit)
    ).all()


def checked_lines(
    session: Session, import_id: UUID, external_ids: Collection[str]
) -> dict[str, tuple[UUID, Node]]:
    """Return the tasks that lines which were checked would make or change, by their references."""
    wanted = TaskImportLine.external_id.in_(external_ids)
    return {
        external_id: (id_, node) for external_id, id_, node in _checked(session, import_id, wanted)
    }


def checked_order(session: Session, import_id: UUID) -> dict[UUID, Node]:
    """Return the tasks of which lines that were checked would say for what they wait."""
    wanted = or_(
        TaskImportLine.outcome == Outcome.CHANGED, func.cardinality(TaskImportLine.depends_on) > 0
    )
    return {id_: node for _, id_, node in _checked(session, import_id, wanted)}


def _checked(
    session: Session, import_id: UUID, wanted: ColumnElement[bool]
) -> Iterator[tuple[str, UUID, Node]]:
    line = TaskImportLine
    # A line that cancels a task need not name it.
    title = func.coalesce(func.nullif(line.said["title"].astext, ""), Task.title)
    rows = session.execute(
        select(line.external_id, line.stands_for, title, line.depends_on)
        .outerjoin(Task, Task.id == line.stands_for)
        .where(line.import_id == import_id, line.stands_for.is_not(None), wanted)
    )
    for external_id, id_, title, depends_on in rows:
        yield external_id, id_, Node(title, depends_on, is_reached=True)


def has_refused(session: Session, import_id: UUID) -> bool:
    """Tell whether a line of an import was refused."""
    refused = select(TaskImportLine.number).where(
        TaskImportLine.import_id == import_id, TaskImportLine.outcome == Outcome.REFUSED
    )
    return session.scalars(refused.limit(1)).first() is not None


def has_taken(session: Session, import_id: UUID) -> bool:
    """Tell whether a line of an import was taken in: it says nothing more, and was not refused."""
    taken = select(TaskImportLine.number).where(
        TaskImportLine.import_id == import_id,
        TaskImportLine.said.is_(None),
        TaskImportLine.outcome != Outcome.REFUSED,
    )
    return session.scalars(taken.limit(1)).first() is not None


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
    """Write down what became of lines, or would; each names its `number` and the same columns."""
    if settled:
        rows = [{"import_id": import_id, **one} for one in settled]
        session.execute(update(TaskImportLine), rows)


def forget_said(session: Session, import_id: UUID) -> None:
    """Forget what lines say that nothing more will become of."""
    _forget(session, import_id, {})


def give_up_lines(session: Session, import_id: UUID) -> None:
    """Forget what lines say that were not taken in, and what would have become of them."""
    nothing: Mapping[str, Any] = {
        "outcome": None,
        "task_id": None,
        "series_id": None,
        "problems": [],
    }
    _forget(session, import_id, nothing)


def _forget(session: Session, import_id: UUID, besides: Mapping[str, Any]) -> None:
    session.execute(
        update(TaskImportLine)
        .where(TaskImportLine.import_id == import_id, TaskImportLine.said.is_not(None))
        .values(said=None, stands_for=None, depends_on=[], **besides)
    )


def _is_id(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True
