"""Word of tasks: to whoever had one when the lease ended, and upwards once one is overdue."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import Right, Role
from geoservices.accounts.acting import actor_of
from geoservices.accounts.models import Person
from geoservices.deliveries import service as deliveries
from geoservices.notifications.announcing import announce_listing
from geoservices.notifications.models import Notification
from geoservices.places.access_queries import is_reached
from geoservices.scopes import everywhere
from geoservices.tasks import doing, lapsing, queries
from geoservices.tasks.doing import TaskRules
from geoservices.tasks.models import Escalation, Task
from geoservices.tasks.states import TaskState

LONGEST_TITLE: Final = 120
WORTH_SHOWING: Final = timedelta(days=2)
ENDED: Final = {
    TaskState.OPEN: "Your claim on it has ended, and others may claim it. If you have done it, say "
    "so all the same.",
    TaskState.EXPIRED: "It has ended, so that it need not be done any more.",
    TaskState.CANCELLED: "It was cancelled.",
}
OVERDUE: Final = "It was due at {due:%H:%M} on {due:%d/%m/%Y} and is {state}."


def claim_task(
    session: Session, task_id: UUID, *, grant: Grant, rules: TaskRules, at: datetime
) -> Task:
    """Claim a task, and tell whoever had it until their lease ended, as `doing.claim` has it."""
    held = doing.claim(session, task_id, grant=grant, rules=rules, at=at)
    former = held.lapsed_from
    if former is not None and former != grant.actor.person_id:
        with everywhere(session):
            told = _end_of_claim(session, held.task, former, TaskState.OPEN, at)
            _tell(session, [told], at)
    return held.task


def let_time_pass(session: Session, *, at: datetime, limit: int) -> int:
    """Write down what time did to tasks, and tell those who had them; return how many tasks."""
    lapsed = lapsing.let_time_pass(session, at=at, limit=limit)
    told = [
        _end_of_claim(session, one.task, one.held_by, TaskState(one.task.state), at)
        for one in lapsed
        if one.held_by is not None
    ]
    _tell(session, told, at)
    return len(lapsed)


def escalate(session: Session, *, at: datetime, limit: int) -> tuple[int, int]:
    """Tell of up to so many tasks that have become overdue, each once for each due time.

    Returns:
        How many tasks were overdue, and how many people were told.
    """
    tasks = lapsing.take_overdue(session, at=at, limit=limit)
    told = [
        announce_listing(
            session,
            task,
            person.id,
            title=f"Overdue: {task.title}"[:LONGEST_TITLE],
            body=OVERDUE.format(
                due=task.due_at.astimezone(ZoneInfo(person.time_zone)), state=task.stands(at)
            ),
            expires_at=at + WORTH_SHOWING,
            at=at,
        )
        for task in tasks
        if task.due_at is not None
        for person in told_of(session, task)
    ]
    _tell(session, told, at)
    return len(tasks), len(told)


def told_of(session: Session, task: Task) -> Sequence[Person]:
    """Return who is told once a task is overdue.

    Where it has no team lead, managers are told whose reach it is in, and without any the admins.
    """
    of = task.organisation_id
    escalated = task.escalate_to == Escalation.TEAM_LEAD
    leads = queries.leads_of(session, of, task) if escalated else ()
    managers = [
        manager
        for manager in ([] if leads else queries.members_of(session, of, Role.MANAGER))
        if is_reached(session, task.place_id, actor_of(manager).granted(Right.TASKS_READ))
    ]
    return leads or managers or queries.members_of(session, of, Role.ADMIN)


def _end_of_claim(
    session: Session, task: Task, person_id: UUID, state: TaskState, at: datetime
) -> Notification:
    return announce_listing(
        session,
        task,
        person_id,
        title=task.title,
        body=ENDED[state],
        expires_at=at + WORTH_SHOWING,
        at=at,
    )


def _tell(session: Session, told: Sequence[Notification], at: datetime) -> None:
    if told:
        deliveries.enqueue(session, told, at=at)
