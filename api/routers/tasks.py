"""Tasks, for those who do them and those who see to it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep, SettingsDep
from api.pagination import (
    Cursor,
    CursorRefused,
    Limit,
    Page,
    aware,
    decode,
    finite,
    next_address,
    numbered,
)
from api.problems import problem_responses
from api.routers.places import SearchRefused, read_near
from api.schemas.common import Instant
from api.schemas.tasks import (
    AssignmentChangeIn,
    DeclineIn,
    DoneIn,
    DoneOut,
    NoteIn,
    StartIn,
    StepOut,
    TicksIn,
    WhyIn,
    WorkOut,
    WorkWithStepsOut,
)
from geoservices import entrusting
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.errors import Forbidden, IdTaken, NotFound
from geoservices.receiving import doors
from geoservices.settings.service import Settings
from geoservices.tasks import doing, queries, service
from geoservices.tasks.assigning import AssignedTwice
from geoservices.tasks.clocks import DoneInTheFuture, DoneTooLongAgo
from geoservices.tasks.completing import ChecklistUnfinished
from geoservices.tasks.doing import EvidenceLacking, ItemUnknown, TaskRules
from geoservices.tasks.models import Priority, Task
from geoservices.tasks.queries import AfterDistance, AfterTask, Wanted
from geoservices.tasks.service import Seen
from geoservices.tasks.states import StepNotYours, StepRefused, TaskBlocked, TaskState

router = APIRouter(tags=["tasks"], route_class=StrictRoute)

LATEST = 50
"""Steps that are shown with a task."""
STEPS = (NotFound, StepRefused, StepNotYours)
AFTERWARDS = (DoneInTheFuture, DoneTooLongAgo, IdTaken)
NOW = StartIn()


class Sort(StrEnum):
    """In which order tasks are listed."""

    URGENCY = "urgency"
    DISTANCE = "distance"


Reading = Annotated[Grant, Depends(Needs(Right.TASKS_READ))]
Doing = Annotated[Grant, Depends(Needs(Right.TASKS_WRITE))]
Assigning = Annotated[Grant, Depends(Needs(Right.TASKS_ASSIGN))]
Managing = Annotated[Grant, Depends(Needs(Right.LISTINGS_WRITE))]


@router.get("/tasks", responses=problem_responses(SearchRefused))
def list_tasks(
    request: Request,
    grant: Reading,
    session: SessionDep,
    at: Now,
    cursor: Cursor,
    state: TaskState | None = None,
    unfinished: Annotated[
        bool | None, Query(description="Only what is not done, cancelled or expired")
    ] = None,
    place_id: UUID | None = None,
    mine: Annotated[
        bool | None, Query(description="Only what whoever asks has, or what is for them alone")
    ] = None,
    near: Annotated[
        str | None,
        Query(description="`lon,lat,radius_m` in degrees and metres", examples=["-3.53,50.72,500"]),
    ] = None,
    team_id: UUID | None = None,
    due_before: Instant | None = None,
    sort: Annotated[Sort, Query(description="`distance` is from the position in `near`")] = (
        Sort.URGENCY
    ),
    limit: Limit = 50,
) -> Page[WorkOut]:
    """See the organisation's tasks: the most urgent first, and of those the soonest due.

    Or the nearest first.
    """
    if mine and grant.actor.person_id is None:
        raise Forbidden("This is for people. A machine has no tasks.", field="/mine")
    wanted = Wanted(
        state=state,
        unfinished=bool(unfinished),
        place_id=place_id,
        mine=grant.actor.person_id if mine else None,
        near=None if near is None else read_near(near),
        team_id=team_id,
        due_before=due_before,
    )
    rows = _listed(session, grant, wanted, sort, cursor, limit=limit + 1, at=at)
    return Page(
        items=[WorkOut.of(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, _key),
    )


@router.get("/tasks/{task_id}", responses=problem_responses(NotFound))
def read_task(task_id: UUID, grant: Reading, session: SessionDep, at: Now) -> WorkWithStepsOut:
    """See one task, with the latest of its history."""
    task = service.get_task(session, task_id, grant=grant)
    steps = queries.steps(session, task_id, after=None, limit=LATEST)
    return WorkWithStepsOut.with_steps(service.see(session, task, grant=grant, at=at), steps)


@router.get("/tasks/{task_id}/steps", responses=problem_responses(NotFound))
def list_steps(
    request: Request,
    task_id: UUID,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[StepOut]:
    """See what became of a task, newest first."""
    rows = service.list_steps(session, task_id, grant=grant, after=_number(cursor), limit=limit + 1)
    return Page(
        items=[StepOut.model_validate(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.number,)),
    )


@router.patch("/tasks/{task_id}", responses=problem_responses(*STEPS, *AFTERWARDS, ItemUnknown))
def tick_items(
    task_id: UUID,
    body: TicksIn,
    grant: Doing,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
) -> WorkOut:
    """Tick items of the checklist of a task one has, or take ticks back, also afterwards."""
    task = entrusting.tick_task(
        session,
        task_id,
        body.ticks,
        body.to_said(),
        grant=grant,
        rules=_rules(settings),
        at=at,
    )
    return _shown(session, task, grant, at)


@router.post("/tasks/{task_id}/claim", responses=problem_responses(*STEPS, TaskBlocked))
def claim_task(
    task_id: UUID, grant: Doing, session: SessionDep, settings: SettingsDep, at: Now
) -> WorkOut:
    """Claim a task for a while; of many who ask at once, one gets it."""
    task = entrusting.claim_task(session, task_id, grant=grant, rules=_rules(settings), at=at)
    return _shown(session, task, grant, at)


@router.post("/tasks/{task_id}/extend", responses=problem_responses(*STEPS))
def extend_claim(
    task_id: UUID, grant: Doing, session: SessionDep, settings: SettingsDep, at: Now
) -> WorkOut:
    """Have a task that one has for a whole lease from now."""
    task = doing.extend(session, task_id, grant=grant, rules=_rules(settings), at=at)
    return _shown(session, task, grant, at)


@router.post("/tasks/{task_id}/release", responses=problem_responses(*STEPS))
def release_task(task_id: UUID, body: WhyIn, grant: Doing, session: SessionDep, at: Now) -> WorkOut:
    """Give a task back for others to claim; leads and managers may take it from who has it."""
    task = entrusting.release_task(session, task_id, note=body.note, grant=grant, at=at)
    return _shown(session, task, grant, at)


@router.post(
    "/tasks/{task_id}/start",
    responses=problem_responses(*STEPS, *AFTERWARDS, EvidenceLacking, TaskBlocked),
)
def start_task(
    task_id: UUID,
    grant: Doing,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
    body: StartIn = NOW,
) -> WorkOut:
    """Begin a task that one has claimed, also afterwards; starting again changes nothing."""
    task = entrusting.start_task(
        session, task_id, body.to_said(), grant=grant, rules=_rules(settings), at=at
    )
    return _shown(session, task, grant, at)


@router.post(
    "/tasks/{task_id}/done",
    responses=problem_responses(
        *STEPS,
        *AFTERWARDS,
        *(ChecklistUnfinished, EvidenceLacking, ItemUnknown, TaskBlocked),
    ),
)
def complete_task(
    task_id: UUID,
    body: DoneIn,
    grant: Doing,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
) -> DoneOut:
    """Say that a task is done, also afterwards; done by two, it is done once, with both records."""
    done = entrusting.complete_task(
        session, task_id, body.to_completion(), grant=grant, rules=_rules(settings), at=at
    )
    return DoneOut.of(done, service.see(session, done.task, grant=grant, at=at))


@router.post("/tasks/{task_id}/decline", responses=problem_responses(*STEPS))
def decline_task(
    task_id: UUID, body: DeclineIn, grant: Doing, session: SessionDep, at: Now
) -> WorkOut:
    """Say that one will not do it: it is open for others, or waits to be assigned anew."""
    task = entrusting.decline_task(session, task_id, reason=body.reason, grant=grant, at=at)
    return _shown(session, task, grant, at)


@router.put("/tasks/{task_id}/assignment", responses=problem_responses(*STEPS, AssignedTwice))
def assign_task(
    task_id: UUID, body: AssignmentChangeIn, grant: Assigning, session: SessionDep, at: Now
) -> WorkOut:
    """Say whom a task is for from now on; whoever has it loses it."""
    task = entrusting.assign_task(
        session, task_id, body.to_assignment(), note=body.note, grant=grant, at=at
    )
    return _shown(session, task, grant, at)


@router.post("/tasks/{task_id}/cancel", responses=problem_responses(*STEPS))
def cancel_task(
    task_id: UUID, body: WhyIn, grant: Managing, session: SessionDep, at: Now
) -> WorkOut:
    """End a task that need not be done any more; cancelling again changes nothing."""
    task = entrusting.cancel_task(session, task_id, note=body.note, grant=grant, at=at)
    return _shown(session, task, grant, at)


@router.post(
    "/tasks/{task_id}/notes",
    status_code=201,
    responses=problem_responses(NotFound, *AFTERWARDS),
)
def add_note(
    task_id: UUID,
    body: NoteIn,
    grant: Doing,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
) -> StepOut:
    """Write a note on a task, also afterwards; the same id and note again changes nothing."""
    step = doing.add_note(
        session,
        task_id,
        body.note,
        body.to_said(),
        grant=grant,
        rules=_rules(settings),
        at=at,
    )
    return StepOut.model_validate(step)


def _listed(
    session: Session,
    grant: Grant,
    wanted: Wanted,
    sort: Sort,
    cursor: Sequence[str] | None,
    *,
    limit: int,
    at: Now,
) -> list[Seen]:
    if sort is Sort.URGENCY:
        return service.list_tasks(session, grant, wanted, after=_after(cursor), limit=limit, at=at)
    if wanted.near is None:
        raise SearchRefused("Sorting by distance takes near as well.", field="/sort")
    here, after = wanted.near[0], _after_distance(cursor)
    return service.list_nearest(session, grant, wanted, here, after=after, limit=limit, at=at)


def _rules(settings: Settings) -> TaskRules:
    tasks = settings.tasks
    return TaskRules(lease=tasks.lease, evidence_age=tasks.evidence_age, doors=doors(settings))


def _shown(session: Session, task: Task, grant: Grant, at: Now) -> WorkOut:
    return WorkOut.of(service.see(session, task, grant=grant, at=at))


def _key(seen: Seen) -> tuple[object, ...]:
    task = seen.task
    if seen.distance_m is not None:
        return seen.distance_m, task.id
    return queries.urgency_of(task), task.due_at.isoformat() if task.due_at else "", task.id


def _number(cursor: Sequence[str] | None) -> int | None:
    return None if cursor is None else decode(cursor, numbered)[0]


def _after(cursor: Sequence[str] | None) -> AfterTask | None:
    if cursor is None:
        return None
    urgency, due, task_id = decode(cursor, _urgency, str, UUID)
    try:
        due_at = aware(str(due)) if due else None
    except ValueError as error:
        raise CursorRefused from error
    return AfterTask(int(str(urgency)), due_at, UUID(str(task_id)))


def _after_distance(cursor: Sequence[str] | None) -> AfterDistance | None:
    if cursor is None:
        return None
    distance_m, task_id = decode(cursor, finite, UUID)
    return AfterDistance(float(str(distance_m)), UUID(str(task_id)))


def _urgency(text: str) -> int:
    urgency = int(text)
    if not 1 <= urgency <= len(Priority):
        raise ValueError("no urgency of a task")
    return urgency
