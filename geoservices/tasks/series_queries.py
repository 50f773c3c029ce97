"""What is asked of series of tasks, and of their occurrences."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, inspect, not_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import WORKERS
from geoservices.accounts.models import Person
from geoservices.database import newest_first
from geoservices.places.access_queries import reached
from geoservices.tasks.models import Task, TaskSeries
from geoservices.tasks.queries import stands
from geoservices.tasks.states import HELD, UNFINISHED


def insert_if_new(session: Session, series: TaskSeries) -> bool:
    """Store a series, unless its id or its reference is known; tell whether."""
    said = inspect(series).dict
    row = {column.key: said.get(column.key) for column in TaskSeries.__table__.columns}
    stored = session.execute(
        insert(TaskSeries).values(row).on_conflict_do_nothing().returning(TaskSeries.id)
    )
    return stored.first() is not None


def series(
    session: Session, organisation_id: UUID, series_id: UUID, *, hold: bool = False
) -> TaskSeries | None:
    """Return one of an organisation's series; with `hold`, nobody else changes it meanwhile."""
    wanted = select(TaskSeries).where(
        TaskSeries.id == series_id, TaskSeries.organisation_id == organisation_id
    )
    if hold:
        wanted = wanted.with_for_update(key_share=True)
    return session.scalars(wanted, execution_options={"populate_existing": True}).one_or_none()


def all_series(
    session: Session,
    grant: Grant,
    *,
    place_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[TaskSeries]:
    """Return a page of an organisation's series within reach, newest first, ended ones too."""
    wanted = select(TaskSeries).where(
        TaskSeries.organisation_id == grant.organisation_id, reached(TaskSeries.place_id, grant)
    )
    if place_id is not None:
        wanted = wanted.where(TaskSeries.place_id == place_id)
    page = newest_first(wanted, TaskSeries.created_at, TaskSeries.id, after=after, limit=limit)
    return session.scalars(page).all()


def due(session: Session, *, at: datetime, limit: int) -> Sequence[TaskSeries]:
    """Hold series of which the time of an occurrence has come, and none is in its way."""
    unfinished = exists(
        select(Task.id).where(Task.series_id == TaskSeries.id, stands(at).in_(UNFINISHED))
    )
    return session.scalars(
        select(TaskSeries)
        .where(TaskSeries.next_at <= at, or_(TaskSeries.overlapping, not_(unfinished)))
        .order_by(TaskSeries.next_at, TaskSeries.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True),
        execution_options={"populate_existing": True},
    ).all()


def waiting_occurrences(session: Session, series_id: UUID, *, at: datetime) -> Sequence[UUID]:
    """Return the occurrences of a series that are unfinished and that nobody has."""
    wanted = [state for state in UNFINISHED if state not in HELD]
    return session.scalars(
        select(Task.id)
        .where(Task.series_id == series_id, stands(at).in_(wanted))
        .order_by(Task.occurs_at)
    ).all()


def of_who_left(session: Session, *, at: datetime, limit: int) -> Sequence[TaskSeries]:
    """Hold series with an occurrence that is for a member alone who does no work any more."""
    return session.scalars(
        select(TaskSeries)
        .where(exists(select(Task.id).where(Task.series_id == TaskSeries.id, _is_left(at))))
        .order_by(TaskSeries.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True),
        execution_options={"populate_existing": True},
    ).all()


def left(
    session: Session, series_ids: Collection[UUID], *, at: datetime, limit: int
) -> Sequence[Task]:
    """Hold tasks that are for members alone who do no work any more.

    Of those of a series, it is those of the ones that are held.
    """
    return session.scalars(
        select(Task)
        .where(or_(Task.series_id.is_(None), Task.series_id.in_(series_ids)), _is_left(at))
        .order_by(Task.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True),
        execution_options={"populate_existing": True},
    ).all()


def _is_left(at: datetime) -> ColumnElement[bool]:
    gone = or_(Person.disabled_at.is_not(None), Person.role.not_in(WORKERS))
    return and_(
        Task.assigned_to.in_(select(Person.id).where(gone)),
        Task.state.in_([state for state in UNFINISHED if state not in HELD]),
        Task.withdrawn_at.is_(None),
        or_(Task.ends_at.is_(None), Task.ends_at > at),
    )
