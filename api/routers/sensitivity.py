"""Places marked as sensitive, where nobody's being is kept and nobody is told in passing."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep
from api.problems import problem_responses
from api.schemas.sensitivity import SensitivityIn, SensitivityOut
from geoservices import guarding
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.errors import NotFound
from geoservices.guarding import SensitivityRefused

router = APIRouter(
    prefix="/places/{place_id}/sensitivity", tags=["places"], route_class=StrictRoute
)

Writing = Annotated[Grant, Depends(Needs(Right.PLACES_WRITE))]


@router.put("", responses=problem_responses(NotFound, SensitivityRefused))
def mark_sensitive(
    place_id: UUID, body: SensitivityIn, grant: Writing, session: SessionDep, at: Now
) -> SensitivityOut:
    """Mark a place as sensitive, in place of any mark of before.

    While the mark holds, positions there are compared with no geofence, passing by causes no
    message, and statistics leave the place out. What is known of people's having been there is
    erased.
    """
    place = guarding.mark(session, grant, place_id, body.to_sensitivity(), at=at)
    return SensitivityOut.model_validate(
        {**body.model_dump(by_alias=True), "holds": place.sensitive_at is not None}
    )


@router.delete("", status_code=204, responses=problem_responses(NotFound))
def unmark_sensitive(place_id: UUID, grant: Writing, session: SessionDep, at: Now) -> Response:
    """Take the mark away; no import adds it again. Doing it again changes nothing."""
    guarding.unmark(session, grant, place_id, at=at)
    return Response(status_code=204)
