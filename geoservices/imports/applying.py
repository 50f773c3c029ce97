"""Lines applied: what each speaks of is looked up, and its task made, changed or left alone."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.checkins.verification import Evidence
from geoservices.errors import GeoservicesError, NotFound
from geoservices.imports import queries
from geoservices.imports.lines import Fault, TaskLine, items_of
from geoservices.imports.models import Outcome, TaskReference
from geoservices.listings.announcing import announce
from geoservices.listings.models import ListingKind
from geoservices.members.models import Team
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.tasks import doing
from geoservices.tasks.drafts import TaskDraft
from geoservices.tasks.models import Task
from geoservices.tasks.states import OVER, TaskState

Thing = TypeVar("Thing")

COLUMN_OF = {"/assigned_to": "assignee"}
"""What a line calls what a draft calls otherwise."""
ASSIGNMENT = frozenset({"assigned_to", "team_id", "skill"})


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a line."""

    outcome: Outcome
    task: Task | None = None
    faults: tuple[Fault, ...] = ()


class LineRefused(Exception):
    """A line cannot be applied."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__()


def apply_lines(
    session: Session, lines: Sequence[TaskLine], *, grant: Grant, at: datetime
) -> list[Applied]:
    """Apply lines, with a handful of statements for any number up to some hundred.

    Until the transaction ends nobody else brings the organisation tasks.

    Args:
        session: The transaction to write in.
        lines: No two of the same task.
        grant: Of whoever sent them.
        at: The present.

    Returns:
        What became of each, in the same order.
    """
    queries.hold_references(session, grant.organisation_id)
    known = _Known.of(session, lines, grant)
    applied = [_apply(session, line, known, grant=grant, at=at) for line in lines]
    session.flush()
    announce(session, [one.task for one in applied if one.outcome is Outcome.MADE and one.task])
    session.add_all(
        TaskReference(
            organisation_id=grant.organisation_id, external_id=line.external_id, task_id=one.task.id
        )
        for line, one in zip(lines, applied, strict=True)
        if one.outcome is Outcome.MADE and one.task is not None
    )
    session.flush()
    return applied


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What lines may speak of."""

    tasks: Mapping[str, Task]
    places: Mapping[str, Collection[Place]]
    teams: Mapping[str, Collection[Team]]
    workers: Mapping[str, Collection[UUID]]

    @classmethod
    def of(cls, session: Session, lines: Sequence[TaskLine], grant: Grant) -> "_Known":
        """Look up what the lines speak of."""
        own = grant.organisation_id
        tasks = queries.tasks_by_reference(session, own, [line.external_id for line in lines])
        called = queries.places_called(session, grant, _words(line.place for line in lines))
        open_to = [place for place in called if _is_open(session, place, grant)]
        teams = queries.teams_called(session, own, _words(line.team for line in lines))
        workers = queries.workers_at(session, own, _words(line.assignee for line in lines))
        return cls(
            tasks=tasks,
            # An id says more than a reference, and that more than a name.
            places=_by_words(
                open_to,
                lambda place: str(place.id),
                lambda place: place.external_id.lower(),
                lambda place: place.name.lower(),
            ),
            teams=_by_words(teams, lambda team: str(team.id), lambda team: team.name.lower()),
            workers={address: [person_id] for address, person_id in workers.items()},
        )


def _apply(
    session: Session, line: TaskLine, known: _Known, *, grant: Grant, at: datetime
) -> Applied:
    task = known.tasks.get(line.external_id)
    try:
        if line.cancelled:
            return _cancel(session, task, grant=grant, at=at)
        draft = _draft(line, known, task, at)
        if task is None:
            return Applied(Outcome.MADE, _make(session, draft, grant, at))
        return _change(session, task, draft, grant=grant, at=at)
    except LineRefused as refused:
        return Applied(Outcome.REFUSED, task, refused.faults)


def _cancel(session: Session, task: Task | None, *, grant: Grant, at: datetime) -> Applied:
    """Cancel a task; one that is over, or was never made, is as good as cancelled."""
    if task is None or task.stands(at) in OVER:
        return Applied(Outcome.SAME, task)
    return Applied(Outcome.CHANGED, doing.cancel(session, task.id, note="", grant=grant, at=at))


def _make(session: Session, draft: TaskDraft, grant: Grant, at: datetime) -> Task:
    task = Task(id=uuid4(), organisation_id=grant.organisation_id, created_at=at, **asdict(draft))
    session.add(task)
    return task


def _change(
    session: Session, task: Task, draft: TaskDraft, *, grant: Grant, at: datetime
) -> Applied:
    differing = {
        name: value for name, value in asdict(draft).items() if getattr(task, name) != value
    }
    state = task.stands(at)
    if state is TaskState.CANCELLED or (differing and state is TaskState.DONE):
        told = f"This task is {state}. Give what is to be done now another reference."
        raise LineRefused(Fault("external_id", told))
    assigned = {name: differing.pop(name) for name in ASSIGNMENT & differing.keys()}
    for name, value in differing.items():
        setattr(task, name, value)
    if assigned and task.stands(at) in OVER:
        for name, value in assigned.items():
            setattr(task, name, value)
    elif assigned:
        # Whoever has it loses it, as when somebody assigns it by hand.
        doing.assign(session, task.id, draft.assignment, note="", grant=grant, at=at)
    return Applied(Outcome.CHANGED if differing or assigned else Outcome.SAME, task)


def _draft(line: TaskLine, known: _Known, task: Task | None, at: datetime) -> TaskDraft:
    """Return what is to be said of a task; what lines have no word for stays as it is.

    Raises:
        LineRefused: Something of it is not there, or does not go together.
    """
    faults: list[Fault] = []

    def found(column: str, things: Mapping[str, Collection[Thing]], word: str) -> Thing | None:
        there = things.get(word.lower(), ()) if word else ()
        if word and len(there) != 1:
            faults.append(Fault(column, _ambiguous(column, len(there))))
        return next(iter(there), None)

    place = found("place", known.places, line.place)
    team = found("team", known.teams, line.team)
    assigned_to = found("assignee", known.workers, line.assignee)
    if faults or place is None:
        raise LineRefused(*faults)
    draft = TaskDraft(
        place_id=place.id,
        kind=ListingKind.TASK,
        title=line.title,
        text=line.text,
        evidence_needed=task.evidence_needed if task else Evidence.SELF_DECLARED,
        starts_at=line.starts_at or _start(line.due_at, task.starts_at if task else at),
        ends_at=line.ends_at,
        priority=line.priority,
        due_at=line.due_at,
        assigned_to=assigned_to,
        team_id=None if team is None else team.id,
        skill=line.skill or None,
        checklist=items_of(line.checklist),
    )
    if task is not None:
        draft = replace(draft, escalate_to=task.escalate_to)
    try:
        draft.check()
    except GeoservicesError as refused:
        column = COLUMN_OF.get(refused.field or "", (refused.field or "").strip("/"))
        raise LineRefused(Fault(column, str(refused))) from refused
    return draft


def _start(due_at: datetime | None, otherwise: datetime) -> datetime:
    """Return when a task begins of which that is not said: what is overdue has begun before."""
    if due_at is not None and due_at <= otherwise:
        return due_at - timedelta(minutes=1)
    return otherwise


def _ambiguous(column: str, count: int) -> str:
    if count:
        return f"There are {count} that are called so. Write the id of the one you mean."
    match column:
        case "place":
            return "You manage tasks at no place with this id, reference or name."
        case "team":
            return "The organisation has no team of this name."
        case _:
            return "Nobody with this address does the organisation's work."


def _is_open(session: Session, place: Place, grant: Grant) -> bool:
    """Tell whether tasks may be put on at a place; a partner's stays shared until then."""
    if place.organisation_id == grant.organisation_id:
        return True
    try:
        places.get_place_for(session, place.id, grant)
    except NotFound:
        return False
    return True


def _words(texts: Iterable[str]) -> set[str]:
    return {text.lower() for text in texts if text}


def _by_words(
    things: Iterable[Thing], *ways: Callable[[Thing], str]
) -> dict[str, Collection[Thing]]:
    """Return things by what they are called; what they are called in an earlier way wins."""
    found: dict[str, Collection[Thing]] = {}
    for way in ways:
        called: dict[str, list[Thing]] = defaultdict(list)
        for thing in things:
            called[way(thing)].append(thing)
        found = {**called, **found}
    return found
