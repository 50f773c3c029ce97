"""The public register of what is watched."""

from uuid import UUID

from fastapi import APIRouter

from api.bodies import StrictRoute
from api.dependencies import Now, SessionDep, SettingsDep
from api.problems import problem_responses
from api.schemas.watching import WatchingOut
from geoservices import watching
from geoservices.errors import NotFound

router = APIRouter(tags=["places"], route_class=StrictRoute)


@router.get("/places/{place_id}/watching", responses=problem_responses(NotFound))
def read_watching(
    place_id: UUID, session: SessionDep, settings: SettingsDep, at: Now
) -> WatchingOut:
    """See which areas are watched at a place, by whom, what for, and how long it is kept.

    Only phones of people who agreed to a purpose are noticed in them. What concerns staff at work
    alone is not told.
    """
    return WatchingOut.of(watching.watching_at(session, place_id, at=at), settings)
