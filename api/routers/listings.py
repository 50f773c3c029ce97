"""Offers, events and tasks, for managers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.responses import repeated
from api.schemas.kinds import AnyListingIn, AnyListingOut, told
from geoservices import attending, entrusting
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.accounts.service import TimeZoneUnknown
from geoservices.calendars.recurrence import RecurrenceRefused
from geoservices.errors import IdTaken, NotFound
from geoservices.events.drafts import EventRefused
from geoservices.listings import queries, service
from geoservices.listings.drafts import EndsBeforeStart, YearRefused
from geoservices.listings.service import KindFixed
from geoservices.offers.drafts import OfferRefused
from geoservices.tasks.assigning import AssignedTwice
from geoservices.tasks.drafts import ChecklistRefused, DueOutsideTask
from geoservices.tasks.states import StepRefused
from geoservices.tasks.waiting import DependencyCycle, DependencyUnknown

router = APIRouter(tags=["listings"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.LISTINGS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.LISTINGS_WRITE))]

REFUSED = (
    YearRefused,
    EndsBeforeStart,
    EventRefused,
    NotFound,
    TimeZoneUnknown,
    OfferRefused,
    RecurrenceRefused,
    DueOutsideTask,
    ChecklistRefused,
    AssignedTwice,
    DependencyCycle,
    DependencyUnknown,
)
"""What is wrong with a draft, of one kind or another."""


@router.get("/listings")
def list_listings(
    request: Request,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    place_id: UUID | None = None,
    limit: Limit = 50,
) -> Page[AnyListingOut]:
    """See the organisation's listings, newest first, withdrawn ones too."""
    rows = queries.of_organisation(
        session,
        grant,
        place_id=place_id,
        after=instant_and_id(cursor),
        limit=limit + 1,
    )
    return Page(
        items=[told(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.created_at, row.id)),
    )


@router.post(
    "/listings",
    status_code=201,
    responses={**repeated(AnyListingOut), **problem_responses(*REFUSED, IdTaken)},
)
def publish_listing(
    body: AnyListingIn,
    grant: Writing,
    session: SessionDep,
    response: Response,
    at: Now,
) -> AnyListingOut:
    """Put an offer, event or task on at a place; the same id and content again changes nothing."""
    listing, made = service.publish_listing(
        session, body.to_draft(), listing_id=body.id, grant=grant, at=at
    )
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/v1/listings/{listing.id}"
    return told(listing)


@router.get("/listings/{listing_id}", responses=problem_responses(NotFound))
def read_listing(
    listing_id: UUID,
    grant: Reading,
    session: SessionDep,
) -> AnyListingOut:
    """See one listing."""
    listing = service.get_listing(session, listing_id, grant=grant)
    return told(listing)


@router.put("/listings/{listing_id}", responses=problem_responses(*REFUSED, KindFixed, StepRefused))
def replace_listing(
    listing_id: UUID,
    body: AnyListingIn,
    grant: Writing,
    session: SessionDep,
    at: Now,
) -> AnyListingOut:
    """Say something else of a listing.

    Who waited for a place at an event gets one if there are more now; who signed up for an
    occurrence that is no more is told. Who had a task that is for others now loses it.
    """
    listing = entrusting.replace_listing(session, listing_id, body.to_draft(), grant=grant, at=at)
    attending.follow(session, listing, at=at)
    return told(listing)


@router.delete("/listings/{listing_id}", status_code=204, responses=problem_responses(NotFound))
def withdraw_listing(
    listing_id: UUID,
    grant: Writing,
    session: SessionDep,
    at: Now,
) -> Response:
    """End a listing now; withdrawing again changes nothing.

    Who signed up for an event is told that it does not take place.
    """
    withdrawn = service.withdraw_listing(session, listing_id, grant=grant, at=at)
    attending.follow(session, withdrawn, at=at)
    return Response(status_code=204)
