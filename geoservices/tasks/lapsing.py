"""What time did to tasks, written down: leases that ran out, tasks that ended undone."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.tasks import queries
from geoservices.tasks.models import Task
from geoservices.tasks.states import Standing, StepKind, TaskState

STEPS = {
    TaskState.OPEN: StepKind.RELEASE,
    TaskState.EXPIRED: StepKind.EXPIRE,
    TaskState.CANCELLED: StepKind.CANCEL,
}
"""What the service itself does to a task that has come to stand there by time alone."""


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A task with which time has passed, and who is to hear of it.

    That is who had it until then, and of one that was withdrawn whom alone it was for, if told so.
    """

    task: Task
    people: frozenset[UUID]


def write_what_passed(session: Session, task: Task, *, at: datetime) -> UUID | None:
    """Write down what time did to a task that is held; nothing if it stands where it stood.

    Returns:
        Whoever had it until then, if somebody did.
    """
    state = task.stands(at)
    if state == task.state:
        return None
    held_by, since = task.claimed_by, _since(task, state)
    if task.state != TaskState.EXPIRED:
        queries.add_step(
            session,
            {
                "id": uuid4(),
                "organisation_id": task.organisation_id,
                "task_id": task.id,
                "person_id": None,
                "by": Standing.CLOCK,
                "kind": STEPS[state],
                "state": state,
                "note": "",
                "ticked": list(task.ticked),
                "evidence": None,
                "occurred_at": min(since or at, at),
                "received_at": at,
            },
        )
    task.state = state
    task.claimed_by = task.leased_until = None
    session.flush()
    return held_by


def let_time_pass(session: Session, *, at: datetime, limit: int) -> list[Lapsed]:
    """Write down what time did to up to so many tasks; running it twice writes nothing twice."""
    lapsed: list[Lapsed] = []
    for task in queries.lapsed(session, at=at, limit=limit):
        people = {write_what_passed(session, task, at=at)}
        if task.state == TaskState.CANCELLED and task.told_at is not None:
            people.add(task.assigned_to)
        lapsed.append(Lapsed(task, frozenset(one for one in people if one is not None)))
    return lapsed


def _since(task: Task, state: TaskState) -> datetime | None:
    if state is TaskState.EXPIRED:
        return task.ends_at
    return task.withdrawn_at if state is TaskState.CANCELLED else task.leased_until
