"""What a manager's organisation has of its own."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep, SettingsDep
from api.problems import problem_responses
from api.schemas.organisation import OrganisationChangesIn, OrganisationOut
from api.schemas.presence import PresenceOut
from geoservices import organising
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.accounts import queries as accounts
from geoservices.accounts.service import TimeZoneUnknown
from geoservices.geofences import presence
from geoservices.geofences.overrides import PresenceOverrides, PresenceRefused
from geoservices.languages import LanguageRefused
from geoservices.organising import CampaignsWithoutText

router = APIRouter(tags=["organisation"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.ORGANISATION_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.ORGANISATION_WRITE))]


@router.get("/organisation")
def read_organisation(grant: Reading, session: SessionDep) -> OrganisationOut:
    """See one's own organisation."""
    return OrganisationOut.model_validate(
        accounts.organisation_by_id(session, grant.organisation_id)
    )


@router.patch(
    "/organisation",
    responses=problem_responses(TimeZoneUnknown, LanguageRefused, CampaignsWithoutText),
)
def change_organisation(
    body: OrganisationChangesIn, grant: Writing, session: SessionDep, at: Now
) -> OrganisationOut:
    """Change the organisation's name, time zone or language; what is left out stays.

    The language is refused while a scheduled or live campaign says nothing in it. Days that are
    over stay counted by the time zone of before.
    """
    changed = organising.change_organisation(session, grant.organisation_id, body.to_draft(), at=at)
    return OrganisationOut.model_validate(changed)


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
