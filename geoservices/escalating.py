"""Word of what time does to tasks: to whoever had one, and upwards once one is overdue."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices.access.rights import Right, Role
from geoservices.accounts.acting import actor_of
from geoservices.accounts.models import Person
from geoservices.entrusting import LOST, WORTH_SHOWING, tell, tell_of_end, titles_of
from geoservices.notifications.announcing import announce_listing
from geoservices.notifications.models import Notification
from geoservices.places.access_queries import reached_by
from geoservices.singling_out import Failure, single_out
from geoservices.tasks import lapsing, queries, recurring, waiting_queries
from geoservices.tasks.models import Escalation, Task
from geoservices.tasks.states import TaskState

LONGEST_TITLE: Final = 120
OVERDUE: Final = "It was due at {due:%H:%M} on {due:%d/%m/%Y} and {stands}."
HANDED_BACK: Final = (
    "Whom it was for does the organisation's work no more. It is for whoever comes by now. Assign "
    "it if it is for somebody else."
)
SEVERAL_HANDED_BACK: Final = "{count} tasks are for nobody now"
SERIES_HANDED_BACK: Final = (
    "It comes again, and whom it was for does the organisation's work no more. It is for whoever "
    "comes by now, as are those after it. Say in its series whom it is for."
)


class Escalated(NamedTuple):
    """Tasks that were overdue: how many there were, and how many people were told."""

    overdue: int
    told: int
    failures: Sequence[Failure[UUID]]
    """Those of which nobody was told, as word of them cannot be written."""


def let_time_pass(session: Session, *, at: datetime, limit: int) -> int:
    """Write down what time did to tasks, and tell those who had them; return how many tasks."""
    lapsed = lapsing.let_time_pass(session, at=at, limit=limit)
    told = [
        tell_of_end(session, one.task, person_id, LOST[TaskState(one.task.state)], at=at)
        for one in lapsed
        for person_id in sorted(one.people)
    ]
    tell(session, told, at=at)
    return len(lapsed)


def escalate(
    session: Session, *, at: datetime, limit: int, without: Collection[UUID] = ()
) -> Escalated:
    """Tell of up to so many tasks that have become overdue, each once for each due time.

    Of which word cannot be written, those wait, and keep nobody from hearing of the others.

    Args:
        session: The transaction.
        at: Now.
        limit: The most tasks.
        without: Tasks to be left out.
    """
    tasks = {one.id: one for one in queries.overdue(session, at=at, limit=limit, without=without)}

    def escalate_some(ids: Sequence[UUID]) -> int:
        return _escalate(session, [tasks[one] for one in ids], at=at)

    found = single_out(session, list(tasks), escalate_some)
    return Escalated(len(tasks), sum(found.done), found.failures)


def _escalate(session: Session, tasks: Sequence[Task], *, at: datetime) -> int:
    for task in tasks:
        task.overdue_told_at = at
    blocked = waiting_queries.blocked(session, [one.id for one in tasks if not one.claimed_by])
    told = [
        announce_listing(
            session,
            task,
            person.id,
            title=f"Overdue: {task.title}"[:LONGEST_TITLE],
            body=OVERDUE.format(
                due=task.due_at.astimezone(ZoneInfo(person.time_zone)),
                stands="waits for others" if task.id in blocked else f"is {task.stands(at)}",
            ),
            expires_at=at + WORTH_SHOWING,
            at=at,
        )
        for task in tasks
        if task.due_at is not None
        for person in told_of(session, task)
    ]
    tell(session, told, at=at)
    return len(told)


def told_of(session: Session, task: Task) -> Sequence[Person]:
    """Return who is told once a task is overdue.

    Where it has no team lead, managers are told whose reach it is in, and without any the admins.
    """
    of = task.organisation_id
    escalated = task.escalate_to == Escalation.TEAM_LEAD
    leads = queries.leads_of(session, of, task) if escalated else ()
    return leads or managers_of(session, task)


def hand_back(session: Session, *, at: datetime, limit: int) -> int:
    """Hand back what is for members who do no work any more; see `recurring.hand_back`.

    Managers are told, once for each series and once of all other tasks together.

    Returns:
        How many tasks were handed back.
    """
    left = recurring.hand_back(session, at=at, limit=limit)
    theirs: defaultdict[tuple[UUID, UUID | None], list[Task]] = defaultdict(list)
    for task in {one.series_id or one.id: one for one in left}.values():
        for manager in managers_of(session, task):
            theirs[manager.id, task.series_id].append(task)
    told = [
        _tell_of_nobody(
            session, tasks, manager_id, SERIES_HANDED_BACK if series_id else HANDED_BACK, at=at
        )
        for (manager_id, series_id), tasks in theirs.items()
    ]
    tell(session, told, at=at)
    return len(left)


def _tell_of_nobody(
    session: Session, tasks: Sequence[Task], manager_id: UUID, body: str, *, at: datetime
) -> Notification:
    first, *others = tasks
    title = f"For nobody now: {first.title}"[:LONGEST_TITLE]
    if others:
        title, body = SEVERAL_HANDED_BACK.format(count=len(tasks)), titles_of(tasks)
    return announce_listing(
        session,
        first,
        manager_id,
        title=title,
        body=body,
        expires_at=at + WORTH_SHOWING,
        at=at,
    )


def managers_of(session: Session, task: Task) -> Sequence[Person]:
    """Return the managers whose reach a task is in, and without any the admins."""
    of = task.organisation_id
    managers = queries.members_of(session, of, Role.MANAGER)
    grants = [actor_of(one).granted(Right.TASKS_READ) for one in managers]
    reached = reached_by(session, grants, [task.place_id])
    within = [manager for manager, places in zip(managers, reached, strict=True) if places]
    return within or queries.members_of(session, of, Role.ADMIN)
