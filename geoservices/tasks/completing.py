"""Tasks done: at once, or out of reach of any network and told of afterwards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.tasks import queries
from geoservices.tasks.clocks import Said, judge
from geoservices.tasks.doing import TaskRules, check_evidence, tick_all
from geoservices.tasks.models import Task, TaskStep
from geoservices.tasks.states import StepKind, TaskState, decide, state_at
from geoservices.tasks.stepping import Held, Told, hold, known_step, write


class ChecklistUnfinished(GeoservicesError):
    """Items of the checklist are not ticked; nothing was changed."""

    kind = ErrorKind.CONFLICT
    code = "checklist-unfinished"
    title = "The checklist is not finished"

    def __init__(self, item_ids: Sequence[str]) -> None:
        super().__init__(
            f"Not ticked: {', '.join(item_ids)}. Tick them, or name them in `checklist`.",
            field="/checklist",
        )
        self.item_ids = item_ids

    def extra(self) -> Mapping[str, object]:
        """Name them."""
        return {"unticked": list(self.item_ids)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What somebody says of a task they did; `done_at` is by their own clock, None is now.

    `checklist` names items that they did besides those that were ticked before.
    """

    id: UUID
    note: str = ""
    checklist: Collection[str] = ()
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A task that is done, with every record of it: the first is the one that did it.

    `held` has who had it before.
    """

    task: Task
    records: Sequence[TaskStep]
    held: Held


def complete(
    session: Session,
    task_id: UUID,
    completion: Completion,
    *,
    grant: Grant,
    rules: TaskRules,
    at: datetime,
) -> Done:
    """Take somebody's word that they did a task.

    It is also taken when the lease ran out meanwhile, when somebody else claimed it since, and
    when somebody else did it: then both records stay, and the one with the earlier time is the one
    that did it. The same id again changes nothing. Whether the task had ended is judged by the
    time at which it was done.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        DoneInTheFuture: The device's clock is ahead by more than is tolerated.
        DoneTooLongAgo: It was done longer ago than is taken.
        StepRefused: It was cancelled, or had ended by then.
        TaskBlocked: It waits for others, and whoever says so never had it.
        StepNotYours: Somebody else has it, or it is for somebody else.
        EvidenceLacking: Too little speaks for their being there.
        ItemUnknown: The checklist has no such item.
        ChecklistUnfinished: It has others, which are not ticked.
        IdTaken: The id belongs to another step.
    """
    said = Said(id=completion.id, occurred_at=completion.done_at, field="/done_at")
    done_at = judge(said, doors=rules.doors, at=at)
    held = hold(session, task_id, grant=grant, at=at)
    task = held.task
    if not known_step(session, task, StepKind.DONE, completion.id, grant=grant):
        state = _state_when_done(task, done_at)
        move = decide(StepKind.DONE, state, held.standings, blockers=held.blockers)
        evidence = check_evidence(session, task, grant=grant, rules=rules, at=done_at)
        if task.state != TaskState.DONE:
            _finish_checklist(task, completion.checklist)
        told = Told(id=completion.id, note=completion.note, evidence=evidence, occurred_at=done_at)
        write(session, task, StepKind.DONE, move, told, grant=grant, at=at)
    return Done(task, queries.done_steps(session, task.id), held)


def _state_when_done(task: Task, done_at: datetime) -> TaskState:
    """Return where a task stands for somebody who had done it by then.

    What ended only afterwards had not ended; who has it is asked of the present.
    """
    return state_at(
        TaskState(task.state),
        leased_until=None,
        ends_at=task.ends_at,
        withdrawn_at=task.withdrawn_at,
        at=done_at,
    )


def _finish_checklist(task: Task, named: Collection[str]) -> None:
    tick_all(task, {*task.ticked, *named}, named=named)
    unticked = [item["id"] for item in task.checklist if item["id"] not in task.ticked]
    if unticked:
        raise ChecklistUnfinished(unticked)
