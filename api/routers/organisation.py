"""What a manager's organisation has of its own."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.bodies import StrictRoute
from api.dependencies import Needs, SessionDep, SettingsDep
from api.problems import problem_responses
from api.schemas.presence import PresenceOut
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.geofences import presence
from geoservices.geofences.overrides import PresenceOverrides, PresenceRefused

router = APIRouter(tags=["organisation"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.ORGANISATION_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.ORGANISATION_WRITE))]


@router.get("/organisation/presence")
def read_presence_rules(grant: Reading, session: SessionDep) -> PresenceOut:
    """See the organisation's own rules of presence; what is null is the service's."""
    return PresenceOut.of(presence.presence_of(session, grant.organisation_id))


@router.put("/organisation/presence", responses=problem_responses(PresenceRefused))
def replace_presence_rules(
    body: PresenceOverrides,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
) -> PresenceOut:
    """Make the organisation's own rules of presence exactly these, from the next position on.

    They hold for each of its geofences, but for what the geofence has of its own. Every one of
    them gets a new revision.
    """
    presence.replace_presence(
        session, body, organisation_id=grant.organisation_id, presence=settings.presence
    )
    return PresenceOut.of(body.stored())
