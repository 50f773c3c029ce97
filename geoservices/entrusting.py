"""Word of tasks to those they are for and those who had them; and where every task comes up.

A task comes up once it can be begun: when it was made, whoever made it, when its start came, or
when the last of what it waited for was done. `open_tasks` finds each of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.accounts.acting import actor_of
from geoservices.accounts.models import Person
from geoservices.deliveries import service as deliveries
from geoservices.listings import service as listings
from geoservices.listings.announcing import announce
from geoservices.listings.drafts import ListingDraft
from geoservices.listings.models import Listing
from geoservices.notifications.announcing import announce_listing
from geoservices.notifications.models import Notification
from geoservices.places.access_queries import reached_by
from geoservices.scopes import everywhere
from geoservices.singling_out import Failure, single_out
from geoservices.tasks import completing, doing, queries, recurring, waiting_queries
from geoservices.tasks.assigning import Assignment
from geoservices.tasks.clocks import Said
from geoservices.tasks.completing import Completion, Done
from geoservices.tasks.doing import TaskRules
from geoservices.tasks.drafts import TaskDraft
from geoservices.tasks.models import Task, TaskSeries
from geoservices.tasks.standing import assignment_of
from geoservices.tasks.states import OVER, TaskState
from geoservices.tasks.stepping import Held

LONGEST_BODY: Final = 500
WORTH_SHOWING: Final = timedelta(days=2)
LOST: Final = {
    TaskState.OPEN: "Your claim on it has ended, and others may claim it. If you have done it, say "
    "so all the same.",
    TaskState.EXPIRED: "It has ended, so that it need not be done any more.",
    TaskState.CANCELLED: "It was cancelled.",
    TaskState.DONE: "Somebody else has done it, so that it need not be done any more.",
}
"""What whoever had a task is told, by where it stands now."""
REASSIGNED: Final = (
    "It is for somebody else now, or for others too. If you have done it, say so all the same."
)
YOURS: Final = "It is for {whom}."
DUE: Final = " It is due at {due:%H:%M} on {due:%d/%m/%Y}."
SEVERAL: Final = "{count} tasks are for you or your team"


@dataclass(frozen=True, slots=True)
class ComeUp:
    """Tasks that were looked at: those that can be begun since just now, and how many were told."""

    looked_at: int
    opened: Sequence[Task]
    told: int
    failures: Sequence[Failure[UUID]]
    """Those that nobody was told of, as word of them cannot be written."""


def claim_task(
    session: Session, task_id: UUID, *, grant: Grant, rules: TaskRules, at: datetime
) -> Task:
    """Claim a task, and tell whoever had it until their lease ended, as `doing.claim` has it."""
    held = doing.claim(session, task_id, grant=grant, rules=rules, at=at)
    _tell_losers(session, held, {held.lapsed_from}, LOST[TaskState.OPEN], grant=grant, at=at)
    return held.task


def start_task(
    session: Session, task_id: UUID, said: Said, *, grant: Grant, rules: TaskRules, at: datetime
) -> Task:
    """Begin a task, and tell whoever had it until their lease ended, as `doing.start` has it."""
    held = doing.start(session, task_id, said, grant=grant, rules=rules, at=at)
    _tell_losers(session, held, {held.lapsed_from}, LOST[TaskState.OPEN], grant=grant, at=at)
    return held.task


def tick_task(
    session: Session,
    task_id: UUID,
    items: Mapping[str, bool],
    said: Said,
    *,
    grant: Grant,
    rules: TaskRules,
    at: datetime,
) -> Task:
    """Tick items, and tell whoever had the task until their lease ended; see `doing.tick`."""
    held = doing.tick(session, task_id, items, said, grant=grant, rules=rules, at=at)
    _tell_losers(session, held, {held.lapsed_from}, LOST[TaskState.OPEN], grant=grant, at=at)
    return held.task


def decline_task(
    session: Session, task_id: UUID, *, reason: str, grant: Grant, at: datetime
) -> Task:
    """Decline a task, and tell whoever had it until their lease ended; see `doing.decline`."""
    held = doing.decline(session, task_id, reason=reason, grant=grant, at=at)
    _tell_losers(session, held, {held.lapsed_from}, LOST[TaskState.OPEN], grant=grant, at=at)
    return held.task


def complete_task(
    session: Session,
    task_id: UUID,
    completion: Completion,
    *,
    grant: Grant,
    rules: TaskRules,
    at: datetime,
) -> Done:
    """Say that a task is done, and tell whoever else had it; see `completing.complete`."""
    done = completing.complete(session, task_id, completion, grant=grant, rules=rules, at=at)
    losers = {done.held.holder, done.held.lapsed_from}
    _tell_losers(session, done.held, losers, LOST[TaskState.DONE], grant=grant, at=at)
    return done


def release_task(session: Session, task_id: UUID, *, note: str, grant: Grant, at: datetime) -> Task:
    """Give a task back, and tell whoever had it if others do so, as `doing.release` has it."""
    held = doing.release(session, task_id, note=note, grant=grant, at=at)
    _tell_losers(session, held, {held.holder}, LOST[TaskState.OPEN], grant=grant, at=at)
    return held.task


def assign_task(
    session: Session,
    task_id: UUID,
    assignment: Assignment,
    *,
    note: str,
    grant: Grant,
    at: datetime,
) -> Task:
    """Say whom a task is for, and tell whoever had it or whom it was for; see `doing.assign`.

    Whom it is for now is told once it comes up.
    """
    held = doing.assign(session, task_id, assignment, note=note, grant=grant, at=at)
    task = held.task
    losers = {held.holder, held.was_for} - {task.claimed_by, task.assigned_to}
    lapsed = {held.lapsed_from} - losers
    _tell_losers(session, held, losers, REASSIGNED, grant=grant, at=at)
    _tell_losers(session, held, lapsed, LOST[TaskState.OPEN], grant=grant, at=at)
    return task


def cancel_task(session: Session, task_id: UUID, *, note: str, grant: Grant, at: datetime) -> Task:
    """End a task, and tell whoever had it or whom it was for; see `doing.cancel`."""
    held = doing.cancel(session, task_id, note=note, grant=grant, at=at)
    _tell_of_cancelling(session, held, grant=grant, at=at)
    return held.task


def replace_listing(
    session: Session, listing_id: UUID, draft: ListingDraft, *, grant: Grant, at: datetime
) -> Listing:
    """Say something else of a listing, as `listings.replace_listing` has it.

    A task that is for others then is assigned to them: whoever has it loses it, and is told.
    """
    listing = listings.get_listing(session, listing_id, grant=grant)
    if (
        isinstance(listing, Task)
        and isinstance(draft, TaskDraft)
        and draft.assignment != assignment_of(listing)
        and listing.stands(at) not in OVER
    ):
        if draft.depends_on:
            # What waits for what is held before any task is.
            waiting_queries.hold_order(session, grant.organisation_id)
        assign_task(session, listing_id, draft.assignment, note="", grant=grant, at=at)
    return listings.replace_listing(session, listing_id, draft, grant=grant, at=at)


def end_series(session: Session, series_id: UUID, *, grant: Grant, at: datetime) -> TaskSeries:
    """End a series, and tell whom what was cancelled was for; see `recurring.end_series`."""
    series, cancelled = recurring.end_series(session, series_id, grant=grant, at=at)
    for held in cancelled:
        _tell_of_cancelling(session, held, grant=grant, at=at)
    return series


def open_tasks(
    session: Session, *, at: datetime, limit: int, without: Collection[UUID] = ()
) -> ComeUp:
    """Find tasks that have come up or are for others now, and tell those whom they are for.

    Those that have come up are announced, so that campaigns may speak of them. Each is found once:
    running it twice tells nobody twice. Who is told of several at once is told so in one message.
    One that came to wait for others again comes up once more. Of which word cannot be written,
    those wait, and keep nobody from hearing of the others.

    Args:
        session: The transaction.
        at: Now.
        limit: The most tasks.
        without: Tasks to be left out.
    """
    waiting_queries.close(session, at=at)
    unseen = waiting_queries.unseen(session, at=at, limit=limit, without=without)
    tasks = {task.id: task for task in unseen}

    def open_some(ids: Sequence[UUID]) -> tuple[Sequence[Task], int]:
        return _open(session, [tasks[one] for one in ids], at=at)

    found = single_out(session, list(tasks), open_some)
    opened = [task for some, _ in found.done for task in some]
    return ComeUp(len(tasks), opened, sum(told for _, told in found.done), found.failures)


def tell_of_end(
    session: Session, task: Task, person_id: UUID, body: str, *, at: datetime
) -> Notification:
    """Write down for somebody that they have a task no more; whoever calls enqueues it."""
    return announce_listing(
        session,
        task,
        person_id,
        title=task.title,
        body=body,
        expires_at=at + WORTH_SHOWING,
        at=at,
    )


def titles_of(tasks: Sequence[Task]) -> str:
    """Return the titles of tasks, each in a line, as many as one message may name."""
    body = "\n".join(task.title for task in tasks)
    if len(body) > LONGEST_BODY:
        body = body[: LONGEST_BODY - 1].rsplit("\n", 1)[0] + "\n\u2026"
    return body


def tell(session: Session, told: Sequence[Notification], *, at: datetime) -> None:
    """Send notifications on their way."""
    if told:
        deliveries.enqueue(session, told, at=at)


def _open(session: Session, tasks: Sequence[Task], *, at: datetime) -> tuple[Sequence[Task], int]:
    opened = [task for task in tasks if task.opened_at is None]
    told_of = [task for task in tasks if task.told_at is None and task.stands(at) is TaskState.OPEN]
    messages = _tell_workers(session, told_of, at=at)
    for task in tasks:
        task.opened_at, task.told_at = task.opened_at or at, task.told_at or at
    session.flush()
    announce(session, opened)
    return opened, messages


def _tell_of_cancelling(session: Session, held: Held, *, grant: Grant, at: datetime) -> None:
    losers = {held.lapsed_from}
    if held.state is not TaskState.CANCELLED:
        losers |= {held.holder, held.was_for}
    _tell_losers(session, held, losers, LOST[TaskState.CANCELLED], grant=grant, at=at)


def _tell_losers(
    session: Session,
    held: Held,
    losers: Iterable[UUID | None],
    body: str,
    *,
    grant: Grant,
    at: datetime,
) -> None:
    """Tell people that they have a task no more; whoever asks knows it."""
    people = {one for one in losers if one is not None} - {grant.actor.person_id}
    if people:
        with everywhere(session):
            told = [tell_of_end(session, held.task, one, body, at=at) for one in sorted(people)]
            tell(session, told, at=at)


def _tell_workers(session: Session, tasks: Sequence[Task], *, at: datetime) -> int:
    people = {task.assigned_to for task in tasks if task.assigned_to is not None}
    teams = {task.team_id for task in tasks if task.team_id is not None}
    if not (people or teams):
        return 0
    theirs: defaultdict[UUID, list[Task]] = defaultdict(list)
    workers: dict[UUID, Person] = {}
    for person, team_id in queries.workers_told(session, people, teams):
        workers[person.id] = person
        theirs[person.id] += [
            task
            for task in tasks
            if (task.team_id == team_id if team_id else task.assigned_to == person.id)
            and person.organisation_id == task.organisation_id
        ]
    grants = [actor_of(workers[one]).granted(Right.TASKS_READ) for one in theirs]
    reached = reached_by(session, grants, {task.place_id for task in tasks})
    told = [
        _word(session, workers[person_id], sorted(seen, key=_urgency), at=at)
        for (person_id, known), places in zip(theirs.items(), reached, strict=True)
        if (seen := [task for task in known if task.place_id in places])
    ]
    tell(session, told, at=at)
    return len(told)


def _urgency(task: Task) -> tuple[int, str, UUID]:
    return queries.urgency_of(task), task.title, task.id


def _word(session: Session, person: Person, tasks: Sequence[Task], *, at: datetime) -> Notification:
    first, *others = tasks
    if others:
        title = SEVERAL.format(count=len(tasks))
        body = titles_of(tasks)
    else:
        title = first.title
        body = YOURS.format(whom="you" if first.assigned_to else "your team")
        if first.due_at is not None:
            body += DUE.format(due=first.due_at.astimezone(ZoneInfo(person.time_zone)))
    return announce_listing(
        session,
        first,
        person.id,
        title=title,
        body=body,
        expires_at=at + WORTH_SHOWING,
        at=at,
    )
