"""Visits."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.bodies import StrictRoute
from api.dependencies import CurrentDevice, CurrentPerson, SessionDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.schemas.pings import TransitionOut
from api.schemas.visits import VisitOut
from geoservices.errors import NotFound
from geoservices.visits import queries, service
from geoservices.visits.models import Transition, Visit
from geoservices.visits.stays import seen_at_of

router = APIRouter(tags=["visits"], route_class=StrictRoute)


@router.get("/visits")
def list_visits(
    request: Request,
    device: CurrentDevice,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[VisitOut]:
    """See this device's visits, newest first, each with its transitions."""
    rows = queries.visits_of(session, device.id, after=instant_and_id(cursor), limit=limit + 1)
    page = rows[:limit]
    transitions = queries.transitions_of(session, [visit.id for visit in page])
    return Page(
        items=[
            _visit(visit, transitions.get(visit.id, []), device.followed_until) for visit in page
        ],
        next=next_address(request, rows, limit, lambda row: (row.entered_at, row.id)),
    )


@router.delete("/visits/{visit_id}", status_code=204, responses=problem_responses(NotFound))
def take_visit_back(visit_id: UUID, person: CurrentPerson, session: SessionDep) -> Response:
    """Take back a visit that never was: it is deleted, with its transitions, and counts no more."""
    service.take_back(session, visit_id, person_id=person.id)
    return Response(status_code=204)


def _visit(
    visit: Visit, transitions: list[Transition], followed_until: datetime | None
) -> VisitOut:
    return VisitOut(
        id=visit.id,
        place_id=visit.place_id,
        geofence_id=visit.geofence_id,
        entered_at=visit.entered_at,
        seen_at=seen_at_of(visit, followed_until),
        dwelled_at=visit.dwelled_at,
        exited_at=visit.exited_at,
        exit_reason=visit.exit_reason,
        confidence=visit.confidence,
        transitions=[TransitionOut.model_validate(row) for row in transitions],
    )
