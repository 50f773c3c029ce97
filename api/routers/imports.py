"""Tasks that another system brings: a file at once, or one by one by its own references."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from api.bodies import StrictRoute, media_type_of, read_bytes
from api.dependencies import Needs, Now, SessionDep, SettingsDep
from api.pagination import Cursor, Limit, Page, decode, instant_and_id, next_address
from api.problems import problem_responses
from api.responses import repeated
from api.schemas.imports import ExternalId, TaskByReferenceIn, TaskImportLineOut, TaskImportOut
from api.schemas.tasks import TaskOut
from api.task_files import A_FILE, read_file
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.errors import NotFound
from geoservices.imports import queries, service
from geoservices.imports.models import ImportMode, ImportState, Outcome
from geoservices.imports.reading import ImportRefused
from geoservices.imports.service import TaskRefused

router = APIRouter(tags=["tasks"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.LISTINGS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.LISTINGS_WRITE))]
Sent = Annotated[bytes, Depends(read_bytes)]
Mode = Annotated[ImportMode, Query(description="What becomes of it if lines are refused")]
DryRun = Annotated[bool, Query(description="Find out what would be done, and do nothing")]


@router.post(
    "/tasks/imports",
    status_code=202,
    openapi_extra=A_FILE,
    responses={
        201: {"model": TaskImportOut, "description": "It was short, and is done."},
        **problem_responses(ImportRefused),
    },
)
def import_tasks(
    request: Request,
    sent: Sent,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
    *,
    mode: Mode = ImportMode.ALL_OR_NOTHING,
    dry_run: DryRun = False,
) -> TaskImportOut:
    """Make or change a task by each line of a file, CSV or JSON, known again by `external_id`.

    A file of up to 200 tasks is done with the answer, a longer one by a worker, as its
    address tells.
    """
    zone = queries.time_zone_of(session, grant.organisation_id)
    most = settings.imports.max_lines
    read = read_file(sent, media_type_of(request), time_zone=zone, most=most)
    asked = service.ask_for(
        session, read, mode=mode, dry_run=dry_run, time_zone=zone, grant=grant, at=at
    )
    response.status_code = 201 if asked.state == ImportState.DONE else 202
    response.headers["Location"] = f"/v1/tasks/imports/{asked.id}"
    return TaskImportOut.of(asked, queries.count_outcomes(session, [asked.id])[asked.id])


@router.get("/tasks/imports")
def list_imports(
    request: Request, grant: Reading, session: SessionDep, cursor: Cursor, limit: Limit = 50
) -> Page[TaskImportOut]:
    """See which files of tasks were sent, the newest first."""
    after = instant_and_id(cursor)
    rows = queries.imports_of(session, grant.organisation_id, after=after, limit=limit + 1)
    counted = queries.count_outcomes(session, [row.id for row in rows])
    return Page(
        items=[TaskImportOut.of(row, counted[row.id]) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.asked_at, row.id)),
    )


@router.get("/tasks/imports/{import_id}", responses=problem_responses(NotFound))
def read_import(import_id: UUID, grant: Reading, session: SessionDep) -> TaskImportOut:
    """See how far a file of tasks has come, and what came of its lines."""
    asked = service.get_import(session, import_id, grant=grant)
    return TaskImportOut.of(asked, queries.count_outcomes(session, [asked.id])[asked.id])


@router.get("/tasks/imports/{import_id}/lines", responses=problem_responses(NotFound))
def list_import_lines(
    request: Request,
    import_id: UUID,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    outcome: Outcome | None = None,
    limit: Limit = 50,
) -> Page[TaskImportLineOut]:
    """See what became of each line of a file, in their order; `outcome` picks some of them."""
    asked = service.get_import(session, import_id, grant=grant)
    after = 0 if cursor is None else decode(cursor, _line_number)[0]
    rows = queries.lines_of(session, asked.id, outcome=outcome, after=after, limit=limit + 1)
    return Page(
        items=[TaskImportLineOut.of(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.number,)),
    )


@router.get("/tasks/by-external-id/{external_id}", responses=problem_responses(NotFound))
def read_task_by_reference(external_id: ExternalId, grant: Reading, session: SessionDep) -> TaskOut:
    """See the task that another system's reference stands for."""
    return TaskOut.model_validate(service.get_task(session, external_id, grant=grant))


@router.put(
    "/tasks/by-external-id/{external_id}",
    status_code=201,
    responses={**repeated(TaskOut), **problem_responses(NotFound, TaskRefused)},
)
def put_task_by_reference(
    external_id: ExternalId,
    body: TaskByReferenceIn,
    grant: Writing,
    session: SessionDep,
    response: Response,
    at: Now,
) -> TaskOut:
    """Make the task of a reference, or change it, so that it says what the body does."""
    line = body.to_line(external_id)
    task, outcome = service.put_task(session, line, grant=grant, at=at)
    response.status_code = 201 if outcome is Outcome.MADE else 200
    response.headers["Location"] = f"/v1/listings/{task.id}"
    return TaskOut.model_validate(task)


def _line_number(text: str) -> int:
    """Read the number of a line."""
    number = int(text)
    if not 0 < number < 2**31:
        raise ValueError("no number of a line")
    return number
