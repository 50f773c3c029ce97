"""Steps taken with a task, from claiming it to cancelling it; `completing` has how it is done."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.checkins.verification import Evidence
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken
from geoservices.members.rules import sees_only_teams_of
from geoservices.pings.screening import Doors
from geoservices.tasks import queries
from geoservices.tasks.assigning import Assignment, check_assignment
from geoservices.tasks.models import Task, TaskStep
from geoservices.tasks.states import StepKind, TaskState, decide
from geoservices.tasks.stepping import Held, Told, hold, known_step, let_go, write


class EvidenceLacking(GeoservicesError):
    """Too little speaks for the person's being at the place; nothing was changed."""

    kind = ErrorKind.CONFLICT
    code = "task-evidence-lacking"
    title = "Check in at the place first"

    def __init__(self, needed: Evidence, found: Evidence | None) -> None:
        super().__init__(
            f"It takes a check-in of yours at its place with the evidence {needed} or more; there "
            f"is {found or 'none'}. Check in with POST /v1/check-ins, then send this again."
        )


class ItemUnknown(GeoservicesError):
    """The checklist has no item of this id; nothing was changed."""

    kind = ErrorKind.INVALID
    code = "checklist-item-unknown"
    title = "The checklist has no such item"

    def __init__(self, item_ids: Collection[str]) -> None:
        super().__init__(
            f"The checklist has no item {', '.join(sorted(item_ids))}. Read the task again.",
            field="/checklist",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRules:
    """How tasks are done; `settings.TaskSettings` documents the first two.

    `doors` says how far a device's clock may be off.
    """

    lease: timedelta
    evidence_age: timedelta
    doors: Doors


def claim(session: Session, task_id: UUID, *, grant: Grant, rules: TaskRules, at: datetime) -> Held:
    """Let somebody have a task until the lease ends; whoever has it already keeps it as it is.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        StepRefused: It is not open.
        StepNotYours: It is for somebody else.
    """
    held = hold(session, task_id, grant=grant, at=at)
    if not held.is_theirs:
        move = decide(StepKind.CLAIM, held.state, held.standings)
        held.task.claimed_by = grant.actor.person_id
        held.task.leased_until = at + rules.lease
        write(session, held.task, StepKind.CLAIM, move, grant=grant, at=at)
    return held


def extend(
    session: Session, task_id: UUID, *, grant: Grant, rules: TaskRules, at: datetime
) -> Task:
    """Let whoever has a task have it for a whole lease from now.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        StepRefused: Nobody has it any more.
        StepNotYours: Somebody else has it.
    """
    held = hold(session, task_id, grant=grant, at=at)
    move = decide(StepKind.EXTEND, held.state, held.standings)
    held.task.leased_until = at + rules.lease
    write(session, held.task, StepKind.EXTEND, move, grant=grant, at=at)
    return held.task


def release(session: Session, task_id: UUID, *, note: str, grant: Grant, at: datetime) -> Task:
    """Give a task back for others to claim.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        StepRefused: Nobody has it.
        StepNotYours: Somebody else has it, whose lead the asker is not.
    """
    held = hold(session, task_id, grant=grant, at=at)
    move = decide(StepKind.RELEASE, held.state, held.standings)
    let_go(held.task)
    write(session, held.task, StepKind.RELEASE, move, Told(note=note), grant=grant, at=at)
    return held.task


def start(session: Session, task_id: UUID, *, grant: Grant, rules: TaskRules, at: datetime) -> Task:
    """Begin a task that one has claimed, with a whole lease from now; twice is as good as once.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        StepRefused: It is not claimed.
        StepNotYours: Somebody else has it.
        EvidenceLacking: Too little speaks for their being there.
    """
    held = hold(session, task_id, grant=grant, at=at)
    if held.is_theirs and held.state is TaskState.IN_PROGRESS:
        return held.task
    move = decide(StepKind.START, held.state, held.standings)
    evidence = check_evidence(session, held.task, grant=grant, rules=rules, at=at)
    held.task.leased_until = at + rules.lease
    write(session, held.task, StepKind.START, move, Told(evidence=evidence), grant=grant, at=at)
    return held.task


def tick(
    session: Session, task_id: UUID, items: dict[str, bool], *, grant: Grant, at: datetime
) -> Task:
    """Tick items of the checklist, or take the ticks back; what is not named stays.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        StepRefused: Nobody has it.
        StepNotYours: Somebody else has it.
        ItemUnknown: The checklist has no such item.
    """
    held = hold(session, task_id, grant=grant, at=at)
    move = decide(StepKind.TICK, held.state, held.standings)
    before = set(held.task.ticked)
    ticked = before - {item for item, done in items.items() if not done}
    tick_all(held.task, ticked | {item for item, done in items.items() if done}, named=items)
    if set(held.task.ticked) != before:
        write(session, held.task, StepKind.TICK, move, grant=grant, at=at)
    return held.task


def decline(session: Session, task_id: UUID, *, reason: str, grant: Grant, at: datetime) -> Task:
    """Say that one will not do it: it is open for others, or for whoever it is assigned to anew.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        StepRefused: There is nothing to decline.
        StepNotYours: It is for somebody else, or somebody else has it.
    """
    held = hold(session, task_id, grant=grant, at=at)
    only_theirs = held.task.assigned_to is not None
    move = decide(StepKind.DECLINE, held.state, held.standings, only_theirs=only_theirs)
    let_go(held.task)
    write(session, held.task, StepKind.DECLINE, move, Told(note=reason), grant=grant, at=at)
    return held.task


def assign(
    session: Session,
    task_id: UUID,
    assignment: Assignment,
    *,
    note: str,
    grant: Grant,
    at: datetime,
) -> Task:
    """Say whom a task is for; whoever has it loses it. The same again changes nothing.

    Raises:
        NotFound: There is no such task of the organisation's within reach, or no such member who
            does its work, or no such team; for a team lead, among those they lead.
        AssignedTwice: It is said in two ways.
        StepRefused: The task is over.
        StepNotYours: The asker leads none of those it is for.
    """
    assignment.check()
    held = hold(session, task_id, grant=grant, at=at)
    move = decide(StepKind.ASSIGN, held.state, held.standings)
    teams_of = sees_only_teams_of(grant.actor)
    check_assignment(session, assignment, grant.organisation_id, teams_of=teams_of)
    task = held.task
    said = (assignment.person_id, assignment.team_id, assignment.skill)
    if (
        said == (task.assigned_to, task.team_id, task.skill)
        and held.state is not TaskState.DECLINED
    ):
        return task
    task.assigned_to, task.team_id, task.skill = said
    let_go(task)
    write(session, task, StepKind.ASSIGN, move, Told(note=note), grant=grant, at=at)
    return task


def cancel(session: Session, task_id: UUID, *, note: str, grant: Grant, at: datetime) -> Task:
    """End a task that nobody needs to do any more; twice is as good as once.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        StepRefused: It was done.
        StepNotYours: The asker manages no tasks.
    """
    held = hold(session, task_id, grant=grant, at=at)
    if held.state is TaskState.CANCELLED:
        return held.task
    move = decide(StepKind.CANCEL, held.state, held.standings)
    let_go(held.task)
    held.task.withdrawn_at = at
    write(session, held.task, StepKind.CANCEL, move, Told(note=note), grant=grant, at=at)
    return held.task


def add_note(
    session: Session, task_id: UUID, note: str, *, step_id: UUID, grant: Grant, at: datetime
) -> TaskStep:
    """Write a note on a task, in whatever state it is; the same id and note again changes nothing.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        IdTaken: The id belongs to another step.
    """
    held = hold(session, task_id, grant=grant, at=at)
    known = known_step(session, held.task, StepKind.NOTE, step_id, grant=grant)
    if known is not None:
        if known.note != note:
            raise IdTaken("note")
        return known
    move = decide(StepKind.NOTE, held.state, held.standings)
    told = Told(id=step_id, note=note)
    return write(session, held.task, StepKind.NOTE, move, told, grant=grant, at=at)


def check_evidence(
    session: Session, task: Task, *, grant: Grant, rules: TaskRules, at: datetime
) -> Evidence | None:
    """Return what speaks for somebody's being at a task's place, if it is enough.

    A check-in of theirs there speaks for them for `rules.evidence_age`. What asks for no more than
    a person's word asks for no check-in.

    Raises:
        EvidenceLacking: It is too little.
    """
    if grant.actor.person_id is None:
        return None
    needed = Evidence(task.evidence_needed)
    found = queries.evidence_at(
        session,
        grant.actor.person_id,
        task.place_id,
        since=at - rules.evidence_age,
        until=at + rules.doors.future_tolerance,
    )
    if needed.rank > max(Evidence.SELF_DECLARED.rank, found.rank if found else 0):
        raise EvidenceLacking(needed, found)
    return found


def tick_all(task: Task, ticked: Collection[str], *, named: Collection[str]) -> None:
    """Have exactly these items of a task ticked, of those that its checklist has.

    Raises:
        ItemUnknown: Some that were named are not among them.
    """
    items = [item["id"] for item in task.checklist]
    if unknown := set(named) - set(items):
        raise ItemUnknown(unknown)
    task.ticked = [item for item in items if item in ticked]
