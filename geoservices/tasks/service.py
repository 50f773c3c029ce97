"""Tasks as those see them who do them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.errors import NotFound
from geoservices.geometry.position import Position
from geoservices.places import queries as place_queries
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.tasks import queries, waiting_queries
from geoservices.tasks.models import Task, TaskStep
from geoservices.tasks.queries import AfterDistance, AfterTask, Wanted
from geoservices.tasks.standing import Worker, standings_in, worker_of
from geoservices.tasks.states import (
    HELD,
    NO_BLOCKERS,
    OVER,
    Blocker,
    StepKind,
    TaskState,
    possible_steps,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A task, where it stands at an instant, and what whoever asks can do with it."""

    task: Task
    place: Place
    state: TaskState
    possible: tuple[StepKind, ...]
    overdue: bool
    blockers: Sequence[Blocker]
    distance_m: float | None = None
    """From where somebody asked, if they did."""

    @property
    def position(self) -> Position:
        """Where its place is."""
        return places.position_of(self.place)

    @property
    def claimed_by(self) -> UUID | None:
        """Whoever has it, while the lease lasts."""
        return self.task.claimed_by if self.state in HELD else None

    @property
    def leased_until(self) -> datetime | None:
        """Until when they have it."""
        return self.task.leased_until if self.state in HELD else None


def list_tasks(
    session: Session,
    grant: Grant,
    wanted: Wanted,
    *,
    after: AfterTask | None,
    limit: int,
    at: datetime,
) -> list[Seen]:
    """Return a page of tasks within reach: the most urgent, then the soonest due, first."""
    found = queries.tasks(session, grant, wanted, after=after, limit=limit, at=at)
    return see_all(session, found, grant=grant, at=at)


def list_nearest(
    session: Session,
    grant: Grant,
    wanted: Wanted,
    here: Position,
    *,
    after: AfterDistance | None,
    limit: int,
    at: datetime,
) -> list[Seen]:
    """Return a page of tasks within reach, the nearest first."""
    found = queries.tasks_by_distance(session, grant, wanted, here, after=after, limit=limit, at=at)
    seen = see_all(session, [task for task, _distance in found], grant=grant, at=at)
    return [
        replace(one, distance_m=distance_m)
        for one, (_task, distance_m) in zip(seen, found, strict=True)
    ]


def get_task(session: Session, task_id: UUID, *, grant: Grant) -> Task:
    """Return one of the organisation's tasks.

    Raises:
        NotFound: There is none, or it is another organisation's, or out of reach.
    """
    task = queries.task(session, grant.organisation_id, task_id)
    if task is None:
        raise NotFound("task")
    places.check_reach(session, task.place_id, grant, "task")
    return task


def list_steps(
    session: Session,
    task_id: UUID,
    *,
    grant: Grant,
    after: int | None,
    limit: int,
) -> Sequence[TaskStep]:
    """Return a page of a task's history, newest first.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
    """
    get_task(session, task_id, grant=grant)
    return queries.steps(session, task_id, after=after, limit=limit)


def see(session: Session, task: Task, *, grant: Grant, at: datetime) -> Seen:
    """Return a task as somebody sees it."""
    return see_all(session, [task], grant=grant, at=at)[0]


def see_all(session: Session, tasks: Sequence[Task], *, grant: Grant, at: datetime) -> list[Seen]:
    """Return tasks as somebody sees them."""
    worker = worker_of(session, grant.actor)
    ids = [task.id for task in tasks]
    before = (
        queries.claimed_before(session, worker.person_id, ids) if worker.person_id else frozenset()
    )
    waiting = [task for task in tasks if task.stands(at) not in OVER]
    blockers = waiting_queries.blockers(session, waiting, grant=grant, at=at)
    there = place_queries.by_id(session, {task.place_id for task in tasks})
    return [
        _seen(
            task,
            there[task.place_id],
            worker,
            blockers.get(task.id, NO_BLOCKERS),
            claimed_before=task.id in before,
            at=at,
        )
        for task in tasks
    ]


def _seen(
    task: Task,
    place: Place,
    worker: Worker,
    blockers: Sequence[Blocker],
    *,
    claimed_before: bool,
    at: datetime,
) -> Seen:
    state = task.stands(at)
    standings = standings_in(worker, task, state, claimed_before=claimed_before)
    late = task.due_at is not None and task.due_at <= at and state not in OVER
    possible = possible_steps(state, standings, blocked=bool(blockers))
    return Seen(task, place, state, possible, late, blockers)
