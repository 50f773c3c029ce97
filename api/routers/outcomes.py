"""What came of campaigns, for those who run them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep, SettingsDep
from api.problems import problem_responses
from api.schemas.outcomes import OutcomeOut
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.errors import NotFound
from geoservices.outcomes import service

router = APIRouter(tags=["campaigns"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_READ))]


@router.get("/campaigns/{campaign_id}/outcome", responses=problem_responses(NotFound))
def read_outcome(
    campaign_id: UUID,
    grant: Reading,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
    version: Annotated[
        int | None,
        Query(
            ge=1, le=2**31 - 1, description="A number from 1: only while that alone was in force"
        ),
    ] = None,
    first: Annotated[date | None, Query(description="Only rounds that begin then or later")] = None,
    last: Annotated[date | None, Query(description="Only rounds that end then or earlier")] = None,
) -> OutcomeOut:
    """See what came of a campaign: whom it met, what held it back, how far it came with people.

    Only those who agreed to be counted, some days at a time (a round) and only once. Groups with
    fewer people than are told of (a setting), and nobody, are null.
    """
    found = service.outcome(
        session,
        campaign_id,
        grant=grant,
        version=version,
        first=first,
        last=last,
        smallest=settings.statistics.smallest_count,
        at=at,
    )
    return OutcomeOut.of(found)
