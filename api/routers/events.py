"""When events take place, and who has a place there."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

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
from api.responses import repeated, status_of_made
from api.schemas.common import Instant
from api.schemas.events import (
    AttendanceOut,
    CancellationIn,
    MySignUpOut,
    OccurrenceOut,
    OccurrenceShown,
    SignUpIn,
    SignUpOut,
    SingleEventOut,
)
from api.showing import show_event
from geoservices import attending
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.accounts.service import ConsentMissing
from geoservices.errors import IdTaken, NotFound
from geoservices.events import service
from geoservices.events.refusals import (
    NoSuchOccurrence,
    OccurrenceCancelled,
    OccurrenceOver,
    SignUpClosed,
    SignUpNotOffered,
)
from geoservices.listings import service as listings
from geoservices.places import queries as place_queries
from geoservices.places import service as places

router = APIRouter(tags=["events"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.LISTINGS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.LISTINGS_WRITE))]
Since = Annotated[
    Instant | None, Query(description="What has ended by then is left out; leave out to mean now")
]
Until = Annotated[
    Instant | None,
    Query(description="What begins then or later is left out; without, a year after `since`"),
]


@router.get("/events/{event_id}", responses=problem_responses(NotFound))
def read_event(
    event_id: UUID, caller: OptionalCaller, session: SessionDep, settings: SettingsDep, at: Now
) -> SingleEventOut:
    """See one event: what it is, how often, and whether people sign up for it."""
    person_id = caller.actor.person_id if caller else None
    event = service.get_event(session, event_id)
    since = at - settings.offers.check_in_counts
    unlocked = listings.is_unlocked(session, event, person_id=person_id, since=since)
    shown = show_event(session, event, unlocked=unlocked, person_id=person_id, at=at)
    return SingleEventOut.of_shown(shown, event, places.get_place(session, event.place_id))


@router.get("/events/{event_id}/occurrences", responses=problem_responses(NotFound))
def list_occurrences(
    event_id: UUID,
    caller: OptionalCaller,
    session: SessionDep,
    at: Now,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
) -> list[OccurrenceShown]:
    """See when an event takes place, the earliest first, whether there are places, and one's own.

    Go on with `since` as the end of the last one.
    """
    event = service.get_event(session, event_id)
    person_id = caller.actor.person_id if caller else None
    found = attending.to_come(
        session, event, person_id=person_id, since=since or at, until=until, limit=limit
    )
    return [OccurrenceShown.of_event(event, *each) for each in found]


@router.post(
    "/events/{event_id}/sign-ups",
    status_code=201,
    responses={
        **repeated(SignUpOut),
        **problem_responses(
            ConsentMissing,
            IdTaken,
            NoSuchOccurrence,
            NotFound,
            OccurrenceCancelled,
            OccurrenceOver,
            SignUpClosed,
            SignUpNotOffered,
        ),
    },
)
def sign_up(
    event_id: UUID,
    body: SignUpIn,
    device: CurrentDevice,
    session: SessionDep,
    response: Response,
    at: Now,
) -> SignUpOut:
    """Ask for a place at one occurrence of an event, or wait for one where it is full.

    Asking again changes nothing.
    """
    made, occurrence, position = attending.sign_up(
        session,
        event_id,
        body.starts_at,
        person_id=device.person_id,
        sign_up_id=body.id,
        at=at,
    )
    response.status_code = status_of_made(made.signed_up_at, at=at)
    return SignUpOut.of(made, occurrence, position)


@router.delete(
    "/events/{event_id}/sign-ups/{sign_up_id}",
    status_code=204,
    responses=problem_responses(NotFound),
)
def give_place_up(
    event_id: UUID, sign_up_id: UUID, person: CurrentPerson, session: SessionDep, at: Now
) -> Response:
    """Give a place up, or wait no more; whoever has waited longest gets it, and is told."""
    attending.give_up(session, sign_up_id, event_id=event_id, person_id=person.id, at=at)
    return Response(status_code=204)


@router.get("/me/sign-ups")
def list_my_sign_ups(
    request: Request,
    person: CurrentPerson,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[MySignUpOut]:
    """See what the caller signed up for, the newest sign-up first."""
    rows = attending.signed_up(session, person.id, after=instant_and_id(cursor), limit=limit + 1)
    at_places = place_queries.by_id(session, {event.place_id for _, _, event, _ in rows})
    return Page(
        items=[MySignUpOut.of_event(*row, at_places[row[2].place_id]) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row[0].signed_up_at, row[0].id)),
    )


@router.get("/events/{event_id}/attendance", responses=problem_responses(NotFound))
def list_attendance(
    event_id: UUID,
    grant: Reading,
    session: SessionDep,
    at: Now,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
) -> list[AttendanceOut]:
    """See how many go to each occurrence of an event, wait for a place, and came; never who."""
    event = service.get_event_of(session, event_id, grant=grant)
    found = service.occurrences(session, event, since=since or at, until=until, limit=limit)
    return [AttendanceOut.of(turnout) for turnout in found]


@router.post(
    "/events/{event_id}/cancellations",
    status_code=201,
    responses={
        **repeated(OccurrenceOut),
        **problem_responses(NoSuchOccurrence, NotFound, OccurrenceOver),
    },
)
def cancel_occurrence(
    event_id: UUID,
    body: CancellationIn,
    grant: Writing,
    session: SessionDep,
    response: Response,
    at: Now,
) -> OccurrenceOut:
    """Call one occurrence of an event off, for good; everybody who signed up is told.

    Cancelling it again changes nothing, and tells nobody.
    """
    turnout, made = attending.cancel(
        session, event_id, body.starts_at, reason=body.reason, grant=grant, at=at
    )
    response.status_code = 201 if made else 200
    return OccurrenceOut.of(turnout)
