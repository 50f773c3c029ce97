"""What there is to see of a campaign before it is published."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep, SettingsDep
from api.problems import problem_responses
from api.schemas.reviews import ReviewOut, ShownOut
from api.schemas.subscriptions import SentTestOut
from geoservices import pipeline
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.campaigns import reviewing
from geoservices.errors import NotFound
from geoservices.languages import LONGEST, LanguageRefused
from geoservices.notifications.trying import TooManyTests

router = APIRouter(tags=["campaigns"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_WRITE))]
Language = Annotated[
    str | None,
    Query(max_length=LONGEST, description="Of whoever would be told; the organisation's unless"),
]
At = Annotated[UUID | None, Query(description="Where they would be; the listing's place unless")]


@router.post("/campaigns/{campaign_id}/check", responses=problem_responses(NotFound))
def check_campaign(
    campaign_id: UUID, grant: Reading, session: SessionDep, settings: SettingsDep, at: Now
) -> ReviewOut:
    """Find all that speaks against publishing a campaign, and how much it would send.

    The estimate is made of what people did in the last seven days, at places of the organisation's
    own, who agree to the campaign's purpose and to being counted. It leaves out quiet hours and
    what else is theirs. Of fewer than ten it tells no number.
    """
    found = reviewing.review(session, campaign_id, grant=grant, settings=settings, at=at)
    return ReviewOut.of(found)


@router.get(
    "/campaigns/{campaign_id}/preview", responses=problem_responses(LanguageRefused, NotFound)
)
def preview_campaign(
    campaign_id: UUID,
    grant: Reading,
    session: SessionDep,
    language: Language = None,
    place_id: At = None,
) -> list[ShownOut]:
    """See what each variant says to somebody of a language at a place."""
    shown = reviewing.preview(
        session, campaign_id, language=language, place_id=place_id, grant=grant
    )
    return [ShownOut.of(one) for one in shown]


@router.post(
    "/campaigns/{campaign_id}/test",
    status_code=202,
    responses=problem_responses(LanguageRefused, NotFound, TooManyTests),
)
def send_campaign_test(
    campaign_id: UUID,
    grant: Writing,
    session: SessionDep,
    at: Now,
    variant: Annotated[
        str | None, Query(max_length=40, description="The name of a variant; the first unless")
    ] = None,
    language: Language = None,
    place_id: At = None,
) -> SentTestOut:
    """Send what a campaign would say to one's own browsers, as every other notification goes."""
    test = pipeline.send_campaign_test(
        session,
        campaign_id,
        variant=variant,
        language=language,
        place_id=place_id,
        grant=grant,
        at=at,
    )
    return SentTestOut(notification_id=test.id)
