"""Series of tasks, for managers: what is to be done again and again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.responses import repeated
from api.schemas.task_series import SeriesIn, SeriesOut
from geoservices import entrusting
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.accounts.service import TimeZoneUnknown
from geoservices.calendars.recurrence import RecurrenceRefused
from geoservices.errors import IdTaken, NotFound
from geoservices.listings.drafts import YearRefused
from geoservices.tasks import recurring, series_queries
from geoservices.tasks.assigning import AssignedTwice
from geoservices.tasks.drafts import ChecklistRefused
from geoservices.tasks.recurring import SeriesOver, SeriesRefused

router = APIRouter(tags=["tasks"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.LISTINGS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.LISTINGS_WRITE))]

REFUSED = (
    *(AssignedTwice, ChecklistRefused, NotFound, RecurrenceRefused),
    *(SeriesRefused, TimeZoneUnknown, YearRefused),
)


@router.get("/tasks/series")
def list_series(
    request: Request,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    place_id: UUID | None = None,
    limit: Limit = 50,
) -> Page[SeriesOut]:
    """See the organisation's series of tasks, newest first, ended ones too."""
    rows = series_queries.all_series(
        session, grant, place_id=place_id, after=instant_and_id(cursor), limit=limit + 1
    )
    return Page(
        items=[SeriesOut.model_validate(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.created_at, row.id)),
    )


@router.post(
    "/tasks/series",
    status_code=201,
    responses={**repeated(SeriesOut), **problem_responses(*REFUSED, IdTaken)},
)
def publish_series(
    body: SeriesIn, grant: Writing, session: SessionDep, response: Response, at: Now
) -> SeriesOut:
    """Have something done again and again; the same id and content again changes nothing.

    A task is made each time that its time comes.
    """
    series, made = recurring.publish_series(
        session, body.to_draft(), series_id=body.id, grant=grant, at=at
    )
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/v1/tasks/series/{series.id}"
    return SeriesOut.model_validate(series)


@router.get("/tasks/series/{series_id}", responses=problem_responses(NotFound))
def read_series(series_id: UUID, grant: Reading, session: SessionDep) -> SeriesOut:
    """See one series of tasks."""
    return SeriesOut.model_validate(recurring.get_series(session, series_id, grant=grant))


@router.put("/tasks/series/{series_id}", responses=problem_responses(*REFUSED, SeriesOver))
def replace_series(
    series_id: UUID, body: SeriesIn, grant: Writing, session: SessionDep
) -> SeriesOut:
    """Say something else of a series, for the tasks that are made from now on."""
    series = recurring.replace_series(session, series_id, body.to_draft(), grant=grant)
    return SeriesOut.model_validate(series)


@router.delete("/tasks/series/{series_id}", status_code=204, responses=problem_responses(NotFound))
def end_series(series_id: UUID, grant: Writing, session: SessionDep, at: Now) -> Response:
    """Have no more tasks made of a series, and cancel those that nobody has; again does nothing."""
    entrusting.end_series(session, series_id, grant=grant, at=at)
    return Response(status_code=204)
