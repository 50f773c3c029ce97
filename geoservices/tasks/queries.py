"""What is asked of tasks and their history."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Double,
    Integer,
    Select,
    Uuid,
    and_,
    case,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import WORKERS, Role
from geoservices.accounts.models import Device, Person
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Evidence
from geoservices.geometry.position import Position
from geoservices.members.models import TeamMember
from geoservices.places.access_queries import reached
from geoservices.places.models import Place
from geoservices.places.queries import point_at
from geoservices.tasks import models
from geoservices.tasks.models import Escalation, Priority, Task, TaskStep
from geoservices.tasks.states import HELD, UNFINISHED, StepKind, TaskState

URGENCY: ColumnElement[int] = literal_column(models.URGENCY, Integer)
"""1 for the most urgent; written out as `DUE` is, so that the index of this order is found."""
DUE: ColumnElement[datetime] = literal_column(models.DUE, Task.due_at.type)
UNSETTLED = Task.state.not_in([literal_column("'done'"), literal_column("'cancelled'")])
"""What any task is that stands elsewhere; written out, so that its index is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a task must be like to be listed; None asks for nothing.

    `near` is a position and a radius in metres. `mine` is whoever has it, or whom it is for.
    `unfinished` asks for what is not over.
    """

    state: TaskState | None = None
    unfinished: bool = False
    place_id: UUID | None = None
    mine: UUID | None = None
    near: tuple[Position, float] | None = None
    team_id: UUID | None = None
    due_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class AfterTask:
    """The last entry of a page in the order of tasks; `due_at` None is never."""

    urgency: int
    due_at: datetime | None
    id: UUID


@dataclass(frozen=True, slots=True)
class AfterDistance:
    """The last entry of a page of tasks in the order of their distance, in metres."""

    distance_m: float
    id: UUID


def urgency_of(task: Task) -> int:
    """Return 1 for the most urgent."""
    return len(Priority) - list(Priority).index(Priority(task.priority))


def stands(at: datetime) -> ColumnElement[str]:
    """Return where a task stands at an instant, as `states.state_at` says."""
    lapsed = and_(Task.state.in_(HELD), Task.leased_until <= at)
    return case(
        (Task.state.in_((TaskState.DONE, TaskState.CANCELLED)), Task.state),
        (Task.withdrawn_at.is_not(None), TaskState.CANCELLED.value),
        (Task.ends_at <= at, TaskState.EXPIRED.value),
        (or_(lapsed, Task.state == TaskState.EXPIRED), TaskState.OPEN.value),
        else_=Task.state,
    )


def stands_as(state: TaskState, at: datetime) -> ColumnElement[bool]:
    """Return the condition that a task stands there at an instant, as `stands` has it.

    In parts of which PostgreSQL knows how many rows they hold for, so that it looks for these in
    the order in which they are listed where there are many.
    """
    ended = and_(Task.ends_at.is_not(None), Task.ends_at <= at)
    lapsed = and_(Task.state.in_(HELD), Task.leased_until.is_not(None), Task.leased_until <= at)
    pending = and_(UNSETTLED, Task.withdrawn_at.is_(None))
    match state:
        case TaskState.DONE:
            return Task.state == state
        case TaskState.CANCELLED:
            withdrawn = and_(Task.withdrawn_at.is_not(None), Task.state != TaskState.DONE)
            return or_(Task.state == state, withdrawn)
        case TaskState.EXPIRED:
            return and_(pending, ended)
        case TaskState.OPEN:
            free = or_(lapsed, Task.state.in_((state, TaskState.EXPIRED)))
            return and_(pending, not_(ended), free)
        case _:
            return and_(pending, not_(ended), Task.state == state, not_(lapsed))


def tasks(
    session: Session,
    grant: Grant,
    wanted: Wanted,
    *,
    after: AfterTask | None,
    limit: int,
    at: datetime,
) -> Sequence[Task]:
    """Return an organisation's tasks within reach: the most urgent, then the soonest due, first."""
    found = select(Task).where(
        Task.organisation_id == grant.organisation_id,
        reached(Task.place_id, grant),
        *_fits(wanted, at),
    )
    if after is not None:
        due = literal(after.due_at.isoformat() if after.due_at else "infinity")
        last = tuple_(literal(after.urgency), due.cast(Task.due_at.type), literal(after.id))
        found = found.where(tuple_(URGENCY, DUE, Task.id) > last)
    return session.scalars(found.order_by(URGENCY, DUE, Task.id).limit(limit)).all()


def tasks_by_distance(
    session: Session,
    grant: Grant,
    wanted: Wanted,
    here: Position,
    *,
    after: AfterDistance | None,
    limit: int,
    at: datetime,
) -> Sequence[tuple[Task, float]]:
    """Return tasks within reach and how far they are, in metres, nearest first."""
    distance_m = func.ST_Distance(Place.point, point_at(here), type_=Double)
    found = (
        select(Task, distance_m)
        .join(Place, Place.id == Task.place_id)
        .where(
            Task.organisation_id == grant.organisation_id,
            reached(Task.place_id, grant),
            *_fits(wanted, at),
        )
    )
    if after is not None:
        found = found.where(tuple_(distance_m, Task.id) > (after.distance_m, after.id))
    rows = session.execute(found.order_by(distance_m, Task.id).limit(limit))
    return [(task, distance) for task, distance in rows]


def task(session: Session, organisation_id: UUID, task_id: UUID) -> Task | None:
    """Return one of an organisation's tasks."""
    return session.scalars(
        select(Task).where(Task.id == task_id, Task.organisation_id == organisation_id)
    ).one_or_none()


def hold(session: Session, organisation_id: UUID, task_id: UUID) -> Task | None:
    """Return one of an organisation's tasks, and let nobody else take a step with it meanwhile."""
    return session.scalars(
        select(Task)
        .where(Task.id == task_id, Task.organisation_id == organisation_id)
        .with_for_update(key_share=True),
        execution_options={"populate_existing": True},
    ).one_or_none()


def lapsed(session: Session, *, at: datetime, limit: int) -> Sequence[Task]:
    """Hold tasks with which time has passed unwritten: a lease, or the task itself, is over."""
    return session.scalars(
        select(Task)
        .where(Task.state.in_(UNFINISHED), stands(at) != Task.state)
        .order_by(Task.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True),
        execution_options={"populate_existing": True},
    ).all()


def overdue(
    session: Session, *, at: datetime, limit: int, without: Collection[UUID] = ()
) -> Sequence[Task]:
    """Hold tasks that are past their due time, of which nobody was told yet, without some."""
    return session.scalars(
        select(Task)
        .where(
            Task.state.in_(UNFINISHED),
            Task.due_at <= at,
            or_(Task.overdue_told_at.is_(None), Task.overdue_told_at < Task.due_at),
            Task.escalate_to != Escalation.NOBODY,
            Task.id.not_in(without),
            Task.withdrawn_at.is_(None),
            or_(Task.ends_at.is_(None), Task.ends_at > at),
        )
        .order_by(Task.due_at, Task.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True),
        execution_options={"populate_existing": True},
    ).all()


def claimed_before(
    session: Session, person_id: UUID, task_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Return those of the tasks that somebody has claimed at some time."""
    rows = session.scalars(
        select(TaskStep.task_id).where(
            TaskStep.task_id.in_(task_ids),
            TaskStep.person_id == person_id,
            TaskStep.kind == StepKind.CLAIM,
        )
    )
    return frozenset(rows)


def step(session: Session, step_id: UUID) -> TaskStep | None:
    """Return the step of that id."""
    return session.get(TaskStep, step_id)


def add_step(session: Session, values: Mapping[str, object]) -> TaskStep | None:
    """Store a step, unless its id is taken; return it if it was."""
    session.flush()
    return session.scalars(
        insert(TaskStep).values(**values).on_conflict_do_nothing().returning(TaskStep)
    ).one_or_none()


def steps(session: Session, task_id: UUID, *, after: int | None, limit: int) -> Sequence[TaskStep]:
    """Return a task's history, newest first.

    Args:
        session: The session.
        task_id: Of which task.
        after: The number of the last step of the page before; None for the first page.
        limit: The most steps.
    """
    found = select(TaskStep).where(TaskStep.task_id == task_id)
    if after is not None:
        found = found.where(TaskStep.number < after)
    return session.scalars(found.order_by(TaskStep.number.desc()).limit(limit)).all()


def workers_told(
    session: Session, person_ids: Collection[UUID], team_ids: Collection[UUID]
) -> Sequence[tuple[Person, UUID | None]]:
    """Return people, and the members of teams with their team, who do work and are let in."""
    works = and_(Person.role.in_(WORKERS), Person.disabled_at.is_(None))
    alone = select(Person, literal(None, Uuid)).where(Person.id.in_(person_ids), works)
    within = (
        select(Person, TeamMember.team_id)
        .join(TeamMember, TeamMember.person_id == Person.id)
        .where(TeamMember.team_id.in_(team_ids), works)
    )
    return [(one, team) for found in (alone, within) for one, team in session.execute(found)]


def done_steps(session: Session, task_id: UUID) -> Sequence[TaskStep]:
    """Return every record of a task's being done: the one that did it, then duplicates of it."""
    return session.scalars(
        select(TaskStep)
        .where(TaskStep.task_id == task_id, TaskStep.kind == StepKind.DONE)
        .order_by(TaskStep.occurred_at, TaskStep.number)
    ).all()


def evidence_at(
    session: Session, person_id: UUID, place_id: UUID, *, since: datetime, until: datetime
) -> Evidence | None:
    """Return the most that speaks for somebody's having been at a place, by their check-ins."""
    found = session.scalars(
        select(CheckIn.evidence)
        .join(Device, Device.id == CheckIn.device_id)
        .where(
            Device.person_id == person_id,
            CheckIn.place_id == place_id,
            CheckIn.claimed_at.between(since, until),
        )
    )
    return max(map(Evidence, found), key=lambda one: one.rank, default=None)


def leads_of(session: Session, organisation_id: UUID, task: Task) -> Sequence[Person]:
    """Return the leads of the team a task is for, or of the teams of whoever it is with or for."""
    person_id = task.claimed_by or task.assigned_to
    own = select(TeamMember.team_id).where(TeamMember.person_id == person_id)
    team_ids = TeamMember.team_id == task.team_id if task.team_id else TeamMember.team_id.in_(own)
    within = select(TeamMember.person_id).where(team_ids)
    return session.scalars(
        _members(organisation_id, Role.TEAM_LEAD).where(Person.id.in_(within))
    ).all()


def members_of(session: Session, organisation_id: UUID, role: Role) -> Sequence[Person]:
    """Return an organisation's members of a role who are let in."""
    return session.scalars(_members(organisation_id, role)).all()


def _members(organisation_id: UUID, role: Role) -> Select[Person]:
    return (
        select(Person)
        .where(
            Person.organisation_id == organisation_id,
            Person.role == role,
            Person.disabled_at.is_(None),
        )
        .order_by(Person.id)
    )


def _fits(wanted: Wanted, at: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(stands_as(wanted.state, at))
    if wanted.unfinished:
        ended = and_(Task.ends_at.is_not(None), Task.ends_at <= at)
        conditions += [UNSETTLED, Task.withdrawn_at.is_(None), not_(ended)]
    if wanted.place_id is not None:
        conditions.append(Task.place_id == wanted.place_id)
    if wanted.mine is not None:
        held = and_(Task.claimed_by == wanted.mine, Task.leased_until > at)
        conditions.append(or_(held, Task.assigned_to == wanted.mine))
    if wanted.near is not None:
        position, radius_m = wanted.near
        within = func.ST_DWithin(Place.point, point_at(position), radius_m)
        conditions.append(Task.place_id.in_(select(Place.id).where(within)))
    if wanted.team_id is not None:
        conditions.append(Task.team_id == wanted.team_id)
    if wanted.due_before is not None:
        conditions.append(Task.due_at < wanted.due_before)
    return conditions
