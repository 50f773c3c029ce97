"""Steps taken with a task, from claiming it to cancelling it; `completing` has how it is done."""

from collections.abc import Collection, Mapping
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
from geoservices.tasks.clocks import NOW, Said, judge
from geoservices.tasks.models import Task, TaskStep
from geoservices.tasks.states import StepKind, TaskState, decide
from geoservices.tasks.stepping import Held, Told, hold, known_step, let_go, write
from geoservices.tasks.ticks import not_older


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
        TaskBlocked: It waits for others.
        StepNotYours: It is for somebody else.
    """
    held = hold(session, task_id, grant=grant, at=at)
    if not held.is_theirs:
        move = decide(StepKind.CLAIM, held.state, held.standings, blockers=held.blockers)
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


def release(session: Session, task_id: UUID, *, note: str, grant: Grant, at: datetime) -> Held:
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
    return held


def start(
    session: Session,
    task_id: UUID,
    said: Said = NOW,
    *,
    grant: Grant,
    rules: TaskRules,
    at: datetime,
) -> Held:
    """Begin a task that one has claimed, with a whole lease from now; twice is as good as once.

    Told afterwards, it also counts if the lease ran out meanwhile and nobody has it: whoever told
    so has it again.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        DoneInTheFuture: The device's clock is ahead by more than is tolerated.
        DoneTooLongAgo: It was begun longer ago than is taken.
        StepRefused: It is not claimed.
        TaskBlocked: It waits for others.
        StepNotYours: Somebody else has it.
        EvidenceLacking: Too little speaks for their being there.
        IdTaken: The id belongs to another step.
    """
    begun_at = judge(said, doors=rules.doors, at=at)
    held = hold(session, task_id, grant=grant, at=at)
    task = held.task
    if said.id and known_step(session, task, StepKind.START, said.id, grant=grant):
        return held
    if held.is_theirs and held.state is TaskState.IN_PROGRESS:
        return held
    move = decide(
        StepKind.START, held.state, held.standings, blockers=held.blockers, late=said.is_late
    )
    evidence = check_evidence(session, task, grant=grant, rules=rules, at=begun_at)
    task.claimed_by, task.leased_until = grant.actor.person_id, at + rules.lease
    told = Told(id=said.id, evidence=evidence, occurred_at=begun_at)
    write(session, task, StepKind.START, move, told, grant=grant, at=at)
    return held


def tick(
    session: Session,
    task_id: UUID,
    items: Mapping[str, bool],
    said: Said = NOW,
    *,
    grant: Grant,
    rules: TaskRules,
    at: datetime,
) -> Held:
    """Tick items of the checklist, or take the ticks back; what is not named stays.

    Told afterwards, it changes no item that was ticked, or whose tick was taken back, since then.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        DoneInTheFuture: The device's clock is ahead by more than is tolerated.
        DoneTooLongAgo: It was ticked longer ago than is taken.
        StepRefused: Nobody has it.
        StepNotYours: Somebody else has it.
        ItemUnknown: The checklist has no such item.
        IdTaken: The id belongs to another step.
    """
    ticked_at = judge(said, doors=rules.doors, at=at)
    held = hold(session, task_id, grant=grant, at=at)
    task = held.task
    if said.id and known_step(session, task, StepKind.TICK, said.id, grant=grant):
        return held
    move = decide(StepKind.TICK, held.state, held.standings, late=said.is_late)
    before = set(task.ticked)
    now = not_older(items, task.ticks_said_at, ticked_at)
    task.ticks_said_at = task.ticks_said_at | dict.fromkeys(now, ticked_at.isoformat())
    ticked = before - {item for item, done in now.items() if not done}
    tick_all(task, ticked | {item for item, done in now.items() if done}, named=items)
    if set(task.ticked) != before:
        told = Told(id=said.id, occurred_at=ticked_at)
        write(session, task, StepKind.TICK, move, told, grant=grant, at=at)
    return held


def decline(session: Session, task_id: UUID, *, reason: str, grant: Grant, at: datetime) -> Held:
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
    return held


def assign(
    session: Session,
    task_id: UUID,
    assignment: Assignment,
    *,
    note: str,
    grant: Grant,
    at: datetime,
) -> Held:
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
        return held
    task.assigned_to, task.team_id, task.skill = said
    # Whoever declined it is told anew, and nobody of what they assigned to themselves.
    task.told_at = at if assignment.person_id == grant.actor.person_id is not None else None
    let_go(task)
    told = Told(note=note, assignment=assignment)
    write(session, task, StepKind.ASSIGN, move, told, grant=grant, at=at)
    return held


def cancel(session: Session, task_id: UUID, *, note: str, grant: Grant, at: datetime) -> Held:
    """End a task that nobody needs to do any more; twice is as good as once.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        StepRefused: It was done.
        StepNotYours: The asker manages no tasks.
    """
    held = hold(session, task_id, grant=grant, at=at)
    if held.state is TaskState.CANCELLED:
        return held
    move = decide(StepKind.CANCEL, held.state, held.standings)
    let_go(held.task)
    held.task.withdrawn_at = at
    write(session, held.task, StepKind.CANCEL, move, Told(note=note), grant=grant, at=at)
    return held


def add_note(
    session: Session,
    task_id: UUID,
    note: str,
    said: Said = NOW,
    *,
    grant: Grant,
    rules: TaskRules,
    at: datetime,
) -> TaskStep:
    """Write a note on a task, in whatever state it is; the same id and note again changes nothing.

    Raises:
        NotFound: There is no such task of the organisation's within reach.
        DoneInTheFuture: The device's clock is ahead by more than is tolerated.
        DoneTooLongAgo: It was written longer ago than is taken.
        IdTaken: The id belongs to another step.
    """
    noted_at = judge(said, doors=rules.doors, at=at)
    held = hold(session, task_id, grant=grant, at=at, lapses=False)
    known = said.id and known_step(session, held.task, StepKind.NOTE, said.id, grant=grant)
    if known:
        if known.note != note:
            raise IdTaken("note")
        return known
    move = decide(StepKind.NOTE, held.state, held.standings)
    told = Told(id=said.id, note=note, occurred_at=noted_at)
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
