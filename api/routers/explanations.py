"""Why a person was not told of anything at a place, or could not have what is offered there."""

from uuid import UUID

from fastapi import APIRouter

from api.bodies import StrictRoute
from api.dependencies import CallerDep, CurrentPerson, Now, SessionDep, SettingsDep
from api.problems import problem_responses
from api.schemas.explanations import WhyNotOut
from geoservices.errors import NotFound
from geoservices.explanations import service

router = APIRouter(tags=["explanations"], route_class=StrictRoute)


@router.get("/places/{place_id}/why-not", responses=problem_responses(NotFound))
def explain_silence(
    place_id: UUID,
    person: CurrentPerson,
    caller: CallerDep,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
) -> WhyNotOut:
    """Why was I told of nothing here? What was decided, and how things stand for the caller now.

    And why can I not redeem what is offered here? It says of each offer whether they could now.

    It tells of the caller's own things and of what anyone may know of the place. Whether anybody
    wanted to tell people something there is not told.
    """
    found = service.why_not(
        session, person, place_id, tasks_of=caller.tasks_of, settings=settings, at=at
    )
    return WhyNotOut.of(place_id, found)
