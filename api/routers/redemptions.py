"""Codes of offers, for whoever takes them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.bodies import StrictRoute
from api.dependencies import LimiterDep, Needs, Now, SessionDep, SettingsDep
from api.problems import problem_responses
from api.responses import repeated
from api.schemas.offers import RedeemedOut, RedemptionIn
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.errors import IdTaken
from geoservices.limiting.limiter import Limit
from geoservices.offers import service
from geoservices.offers.refusals import (
    OfferLimitReached,
    OfferNotOn,
    OfferUsedUp,
    OwnRedemptionCode,
    RedemptionCodeExpired,
    RedemptionCodeForeign,
    RedemptionCodeUnknown,
    RedemptionCodeUsed,
)

router = APIRouter(tags=["offers"], route_class=StrictRoute)

Redeeming = Annotated[Grant, Depends(Needs(Right.REDEMPTIONS_WRITE))]


@router.post(
    "/redemptions",
    status_code=201,
    responses={
        **repeated(RedeemedOut),
        **problem_responses(
            IdTaken,
            OfferLimitReached,
            OfferNotOn,
            OfferUsedUp,
            OwnRedemptionCode,
            RedemptionCodeExpired,
            RedemptionCodeForeign,
            RedemptionCodeUnknown,
            RedemptionCodeUsed,
        ),
    },
)
def redeem_code(
    body: RedemptionIn,
    grant: Redeeming,
    session: SessionDep,
    settings: SettingsDep,
    limiter: LimiterDep,
    response: Response,
    at: Now,
) -> RedeemedOut:
    """Redeem the code that somebody shows to staff, at a desk or with a till's key.

    The answer says what they get, and not who they are. The same id and code again return what was
    redeemed first.
    """
    actor = grant.actor
    limiter.spend(Limit.REDEEMING_BY_SCANNER, str(actor.person_id or actor.key_id))
    redeemed = service.redeem_code(
        session, grant, body.code, scan_id=body.id, settings=settings, at=at
    )
    response.status_code = 201 if redeemed.made else 200
    return RedeemedOut.of(redeemed)
