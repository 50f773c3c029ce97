"""What is asked of tasks that wait for others, and of those that can be begun."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, update
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.places.access_queries import reached
from geoservices.tasks.models import Task
from geoservices.tasks.queries import stands
from geoservices.tasks.states import UNFINISHED, Blocker, TaskState


@dataclass(frozen=True, slots=True)
class Node:
    """A task as one that waits and is waited for; whether its place is within reach."""

    title: str
    depends_on: Collection[UUID]
    is_reached: bool


def hold_order(session: Session, organisation_id: UUID) -> None:
    """Let nobody else bring the organisation tasks, or have tasks wait, until the transaction ends.

    One lock for both, which is taken before any row: whoever brings tasks has them wait too.
    """
    number = int.from_bytes(organisation_id.bytes[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(number)))


def blockers(
    session: Session, tasks: Collection[Task], *, grant: Grant, at: datetime
) -> Mapping[UUID, Sequence[Blocker]]:
    """Return for each task what of that it waits for is not done.

    Titles are those of tasks within reach. What is gone is not waited for.
    """
    waiting = {task.id: task.depends_on for task in tasks if task.depends_on}
    if not waiting:
        return {}
    awaited = {one for depends_on in waiting.values() for one in depends_on}
    rows = session.execute(
        select(Task.id, Task.title, reached(Task.place_id, grant), stands(at))
        .where(Task.id.in_(awaited), Task.state != TaskState.DONE)
        .order_by(Task.title, Task.id)
    )
    found = [
        Blocker(task_id, title if is_reached else None, TaskState(state))
        for task_id, title, is_reached, state in rows
    ]
    return {
        task_id: [one for one in found if one.id in depends_on]
        for task_id, depends_on in waiting.items()
    }


def nodes(session: Session, grant: Grant, ids: Collection[UUID]) -> dict[UUID, Node]:
    """Return those of the tasks that are the organisation's."""
    return _nodes(session, grant, Task.id.in_(ids))


def waiting(session: Session, grant: Grant) -> dict[UUID, Node]:
    """Return the organisation's tasks that wait for others and are not done."""
    return _nodes(
        session,
        grant,
        and_(Task.depends_on != [], Task.state != TaskState.DONE),
    )


def _nodes(session: Session, grant: Grant, wanted: ColumnElement[bool]) -> dict[UUID, Node]:
    rows = session.execute(
        select(Task.id, Task.title, Task.depends_on, reached(Task.place_id, grant)).where(
            Task.organisation_id == grant.organisation_id, wanted
        )
    )
    return {
        task_id: Node(title, depends_on, is_reached)
        for task_id, title, depends_on, is_reached in rows
    }


def close(session: Session, *, at: datetime) -> int:
    """Note that tasks cannot be begun any more, having come to wait for others; return how many.

    Those that others hold are left for the next time.

    Args:
        session: The transaction.
        at: Now; what has begun since is not looked at.
    """
    table = Task.__table__
    waiting = (
        select(table.c.id)
        .where(
            table.c.opened_at <= at,
            table.c.depends_on != [],
            table.c.state.in_(UNFINISHED),
            is_blocked(),
        )
        .with_for_update(key_share=True, skip_locked=True)
    )
    closed = session.execute(
        update(table)  # type: ignore[arg-type]  # A table is what it maps to.
        .where(table.c.id.in_(waiting))
        .values(opened_at=None, told_at=None)
        .returning(table.c.id)
    )
    return len(closed.all())


def unseen(
    session: Session, *, at: datetime, limit: int, without: Collection[UUID] = ()
) -> Sequence[Task]:
    """Hold tasks that can be begun, or whose people changed, of which nobody was told yet.

    Some are left out.
    """
    return session.scalars(
        select(Task)
        .where(
            or_(Task.opened_at.is_(None), Task.told_at.is_(None)),
            Task.state.in_(UNFINISHED),
            stands(at).in_(UNFINISHED),
            Task.starts_at <= at,
            Task.id.not_in(without),
            not_(is_blocked()),
        )
        .order_by(Task.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True),
        execution_options={"populate_existing": True},
    ).all()


def blocked(session: Session, ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of the tasks that wait for others."""
    own_id = Task.__table__.c.id
    return frozenset(session.scalars(select(own_id).where(own_id.in_(ids), is_blocked())))


def is_blocked() -> ColumnElement[bool]:
    """Return the condition that a task waits for another that is not done."""
    table = Task.__table__
    other = table.alias()
    return and_(
        table.c.depends_on != [],
        exists()
        .where(other.c.id == func.any(table.c.depends_on), other.c.state != TaskState.DONE)
        .correlate(table),
    )
