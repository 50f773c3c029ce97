"""Offers, for whoever redeems them: by a code to show to staff, or by themselves at the place."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import StrictRoute
from api.dependencies import (
    CurrentDevice,
    CurrentPerson,
    Needs,
    Now,
    OptionalCaller,
    SessionDep,
    SettingsDep,
)
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.responses import repeated
from api.schemas.offers import (
    RedeemedOut,
    RedemptionCodeOut,
    RedemptionCountsOut,
    RedemptionOut,
    SelfRedemptionIn,
    SingleOfferOut,
)
from api.showing import show_offer
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.accounts.service import ConsentMissing
from geoservices.errors import IdTaken, NotFound
from geoservices.listings import queries as listings
from geoservices.offers import looking, queries, service, standings
from geoservices.offers.refusals import (
    OfferLimitReached,
    OfferLocked,
    OfferNotOn,
    OfferUsedUp,
    RedeemedOtherwise,
)
from geoservices.places import queries as places

router = APIRouter(tags=["offers"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.LISTINGS_READ))]

NOT_TO_BE_HAD = (
    ConsentMissing,
    NotFound,
    OfferLimitReached,
    OfferLocked,
    OfferNotOn,
    OfferUsedUp,
    RedeemedOtherwise,
)


@router.get("/offers/{offer_id}", responses=problem_responses(NotFound))
def read_offer(
    offer_id: UUID, caller: OptionalCaller, session: SessionDep, settings: SettingsDep, at: Now
) -> SingleOfferOut:
    """See one offer: its terms, when it is on, and what of it there is for the caller."""
    person_id = caller.actor.person_id if caller else None
    seen = looking.look(session, offer_id, person_id=person_id, offers=settings.offers, at=at)
    shown = show_offer(session, seen, person_id=person_id, at=at)
    return SingleOfferOut.of_look(seen, shown)


@router.post(
    "/offers/{offer_id}/codes",
    status_code=201,
    responses={**repeated(RedemptionCodeOut), **problem_responses(*NOT_TO_BE_HAD)},
)
def make_redemption_code(
    offer_id: UUID,
    device: CurrentDevice,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
) -> RedemptionCodeOut:
    """Get a code to show to staff, who redeem the offer with it, once.

    A piece is kept for the person until the code expires. While it counts, asking again returns
    the same code, on the person's other devices too.
    """
    given = service.give_code(session, offer_id, device.person_id, settings=settings, at=at)
    response.status_code = 201 if given.made else 200
    return RedemptionCodeOut.of(given, at=at)


@router.post(
    "/offers/{offer_id}/redemptions",
    status_code=201,
    responses={**repeated(RedeemedOut), **problem_responses(*NOT_TO_BE_HAD, IdTaken)},
)
def redeem_oneself(
    offer_id: UUID,
    body: SelfRedemptionIn,
    device: CurrentDevice,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
) -> RedeemedOut:
    """Redeem an offer that people redeem themselves, after a check-in at its place.

    The same id again returns what was redeemed first.
    """
    redeemed = service.redeem_oneself(
        session,
        offer_id,
        device.person_id,
        redemption_id=body.id,
        offers=settings.offers,
        at=at,
    )
    response.status_code = 201 if redeemed.made else 200
    return RedeemedOut.of(redeemed)


@router.get("/offers/{offer_id}/redemptions", responses=problem_responses(NotFound))
def count_redemptions(
    offer_id: UUID, grant: Reading, session: SessionDep, at: Now
) -> RedemptionCountsOut:
    """See how much of an offer is redeemed, kept for people with a code, and left; not whose."""
    counts = standings.counts_of(session, offer_id, grant=grant, at=at)
    return RedemptionCountsOut.model_validate(counts)


@router.get("/me/redemptions")
def list_my_redemptions(
    request: Request,
    person: CurrentPerson,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[RedemptionOut]:
    """See what the caller redeemed, and for what they have a code, newest first."""
    rows = queries.of_person(session, person.id, after=instant_and_id(cursor), limit=limit + 1)
    offers = listings.by_id(session, [row.offer_id for row in rows])
    at_places = places.by_id(session, {row.place_id for row in rows})
    return Page(
        items=[
            RedemptionOut.of(row, offers[row.offer_id], at_places[row.place_id])
            for row in rows[:limit]
        ],
        next=next_address(request, rows, limit, lambda row: (row.made_at, row.id)),
    )
