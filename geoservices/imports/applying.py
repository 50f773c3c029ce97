"""Lines applied: what each speaks of is looked up, and its task made, changed or left alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices import entrusting
from geoservices.access.actors import Grant
from geoservices.checkins.verification import Evidence
from geoservices.imports.known import Known, LineRefused, refusals
from geoservices.imports.lines import Fault, TaskLine
from geoservices.imports.models import Outcome, TaskReference
from geoservices.listings.models import ListingKind
from geoservices.tasks import recurring, waiting_queries
from geoservices.tasks.drafts import TaskDraft
from geoservices.tasks.models import Task, TaskSeries
from geoservices.tasks.recurring import SeriesDraft
from geoservices.tasks.states import OVER, TaskState
from geoservices.tasks.waiting import DependencyCycle, check_cycle
from geoservices.tasks.waiting_queries import Node

ASSIGNMENT = frozenset({"assigned_to", "team_id", "skill"})


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a line."""

    outcome: Outcome
    task: Task | None = None
    series: TaskSeries | None = None
    faults: tuple[Fault, ...] = ()


def apply_lines(
    session: Session,
    lines: Sequence[TaskLine],
    *,
    grant: Grant,
    at: datetime,
    checked_in: UUID | None = None,
) -> list[Applied]:
    """Apply lines, with a handful of statements for any number up to some hundred.

    Until the transaction ends nobody else brings the organisation tasks.

    Args:
        session: The transaction to write in.
        lines: No two of the same task, and each after those that it depends on.
        grant: Of whoever sent them.
        at: The present.
        checked_in: The import whose lines that were checked before count as if they had been taken
            in, if this is to find out what would be done.

    Returns:
        What became of each, in the same order.
    """
    waiting_queries.hold_order(session, grant.organisation_id)
    known = Known.of(session, lines, grant, checked_in=checked_in)
    applied = [_apply(session, line, known, grant=grant, at=at) for line in lines]
    session.flush()
    session.add_all(
        TaskReference(
            organisation_id=grant.organisation_id, external_id=line.external_id, task_id=one.task.id
        )
        for line, one in zip(lines, applied, strict=True)
        if one.outcome is Outcome.MADE and one.task is not None
    )
    session.flush()
    return applied


def _apply(
    session: Session, line: TaskLine, known: Known, *, grant: Grant, at: datetime
) -> Applied:
    task = known.tasks.get(line.external_id)
    series = known.series.get(line.external_id)
    try:
        if line.rule or series is not None:
            return _apply_series(session, line, known, grant=grant, at=at)
        if line.cancelled:
            return _cancel(session, task, grant=grant, at=at)
        draft = _draft(line, known, task, at)
        if task is None:
            made = _make(session, draft, grant, at)
            known.references[line.external_id] = made.id
            known.awaited[made.id] = Node(made.title, made.depends_on, is_reached=True)
            return Applied(Outcome.MADE, made)
        return _change(session, task, draft, known, grant=grant, at=at)
    except LineRefused as refused:
        return Applied(Outcome.REFUSED, task, series, refused.faults)


def _cancel(session: Session, task: Task | None, *, grant: Grant, at: datetime) -> Applied:
    """Cancel a task; one that is over, or was never made, is as good as cancelled."""
    if task is None or task.stands(at) in OVER:
        return Applied(Outcome.SAME, task)
    return Applied(
        Outcome.CHANGED, entrusting.cancel_task(session, task.id, note="", grant=grant, at=at)
    )


def _make(session: Session, draft: TaskDraft, grant: Grant, at: datetime) -> Task:
    task = Task(id=uuid4(), organisation_id=grant.organisation_id, created_at=at, **asdict(draft))
    session.add(task)
    return task


def _change(
    session: Session, task: Task, draft: TaskDraft, known: Known, *, grant: Grant, at: datetime
) -> Applied:
    differing = {
        name: value for name, value in asdict(draft).items() if getattr(task, name) != value
    }
    state = task.stands(at)
    if state is TaskState.CANCELLED or (differing and state is TaskState.DONE):
        told = f"This task is {state}. Give what is to be done now another reference."
        raise LineRefused(Fault("external_id", told))
    if "depends_on" in differing:
        if draft.depends_on:
            known.learn_order(session, grant)
            own = Node(task.title, task.depends_on, is_reached=True)
            known.awaited.setdefault(task.id, own)
        try:
            check_cycle(task.id, draft.depends_on, known.awaited)
        except DependencyCycle as cycle:
            raise LineRefused(Fault("depends_on", str(cycle))) from cycle
        known.awaited[task.id] = Node(draft.title, draft.depends_on, is_reached=True)
    assigned = {name: differing.pop(name) for name in ASSIGNMENT & differing.keys()}
    for name, value in differing.items():
        setattr(task, name, value)
    if assigned and task.stands(at) in OVER:
        for name, value in assigned.items():
            setattr(task, name, value)
    elif assigned:
        # Whoever has it loses it, as when somebody assigns it by hand.
        entrusting.assign_task(session, task.id, draft.assignment, note="", grant=grant, at=at)
    return Applied(Outcome.CHANGED if differing or assigned else Outcome.SAME, task)


def _draft(line: TaskLine, known: Known, task: Task | None, at: datetime) -> TaskDraft:
    """Return what is to be said of a task; what lines have no word for stays as it is.

    Raises:
        LineRefused: Something of it is not there, or does not go together.
    """
    named = known.named_by(line)
    depends_on = _depends_on(line, known, task)
    draft = TaskDraft(
        **named,
        kind=ListingKind.TASK,
        evidence_needed=task.evidence_needed if task else Evidence.SELF_DECLARED,
        starts_at=line.starts_at or _start(line.due_at, task.starts_at if task else at),
        ends_at=line.ends_at,
        due_at=line.due_at,
        depends_on=depends_on,
    )
    if task is not None:
        draft = replace(draft, escalate_to=task.escalate_to)
    with refusals():
        draft.check()
    return draft


def _depends_on(line: TaskLine, known: Known, task: Task | None) -> list[UUID]:
    """Return what a line's task depends on, which it may have done before.

    Raises:
        LineRefused: There is no such task within reach.
    """
    before = task.depends_on if task else ()
    ids: set[UUID] = set()
    lacking: list[str] = []
    for name in line.depends_on:
        id_ = known.references.get(name)
        node = None if id_ is None else known.awaited.get(id_)
        if id_ is None or node is None or not (node.is_reached or id_ in before):
            lacking.append(name)
        else:
            ids.add(id_)
    if lacking:
        raise LineRefused(
            Fault(
                "depends_on",
                f"You manage no task {', '.join(lacking)}. Leave it out, or mend its line first.",
            )
        )
    return sorted(ids)


def _apply_series(
    session: Session, line: TaskLine, known: Known, *, grant: Grant, at: datetime
) -> Applied:
    """Make, change or end the series that a line speaks of.

    Raises:
        LineRefused: The line cannot be applied.
    """
    series = known.series.get(line.external_id)
    if line.external_id in known.tasks or not (line.rule or line.cancelled):
        one = "a single task" if series is None else "a series"
        told = f"This reference stands for {one}. Give another reference."
        raise LineRefused(Fault("rule", told))
    if line.cancelled:
        if series is None or series.ended_at is not None:
            return Applied(Outcome.SAME, series=series)
        ended = entrusting.end_series(session, series.id, grant=grant, at=at)
        return Applied(Outcome.CHANGED, series=ended)
    draft = _series_draft(line, known, series)
    with refusals():
        if series is None:
            made, _ = recurring.publish_series(
                session, draft, external_id=line.external_id, grant=grant, at=at
            )
            return Applied(Outcome.MADE, series=made)
        before = recurring.as_said(series)
        changed = recurring.replace_series(session, series.id, draft, grant=grant)
    same = recurring.as_said(changed) == before
    return Applied(Outcome.SAME if same else Outcome.CHANGED, series=changed)


def _series_draft(line: TaskLine, known: Known, series: TaskSeries | None) -> SeriesDraft:
    named = known.named_by(line)
    if line.starts_at is None:
        raise LineRefused(Fault("starts_at", "Say when the first of what comes again begins."))
    if line.depends_on:
        raise LineRefused(Fault("depends_on", "What comes again waits for nothing. Leave it out."))
    draft = SeriesDraft(
        **named,
        starts_at=line.starts_at,
        rule=line.rule,
        due_after=None if line.due_at is None else line.due_at - line.starts_at,
        lasts=None if line.ends_at is None else line.ends_at - line.starts_at,
    )
    if series is None:
        return draft
    stays = {name: getattr(series, name) for name in NOT_IN_LINES}
    return replace(draft, **stays)


NOT_IN_LINES = ("evidence_needed", "escalate_to", "time_zone", "overlapping")
"""What of a series has no column, and stays as it is."""


def _start(due_at: datetime | None, otherwise: datetime) -> datetime:
    """Return when a task begins of which that is not said: what is overdue has begun before."""
    if due_at is not None and due_at <= otherwise:
        return due_at - timedelta(minutes=1)
    return otherwise
