"""Check-ins."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import StrictRoute
from api.dependencies import (
    CallerDep,
    CurrentDevice,
    CurrentPerson,
    LiveDep,
    Needs,
    Now,
    SessionDep,
    SettingsDep,
)
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.qr import draw
from api.responses import repeated, status_of_made
from api.schemas.checkins import CheckInAnswer, CheckInIn, CheckInOut, ListingHere, StaffScanIn
from api.schemas.codes import PersonalCodeOut, QrOut
from api.showing import show
from geoservices import pipeline
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.accounts.service import ConsentMissing
from geoservices.checkins import queries, service
from geoservices.checkins.service import (
    CheckInInTheFuture,
    CheckInTooLongAgo,
    PersonalCodeRefused,
    PlaceNotNamed,
)
from geoservices.checkins.verification import Evidence
from geoservices.codes import service as codes
from geoservices.errors import IdTaken, NotFound
from geoservices.listings import service as listings
from geoservices.places import queries as place_queries
from geoservices.places import service as places

router = APIRouter(tags=["check-ins"], route_class=StrictRoute)

Scanning = Annotated[Grant, Depends(Needs(Right.CHECK_INS_SCAN))]


@router.post(
    "/check-ins",
    status_code=201,
    responses={
        **repeated(CheckInAnswer),
        **problem_responses(
            CheckInInTheFuture, CheckInTooLongAgo, ConsentMissing, IdTaken, NotFound, PlaceNotNamed
        ),
    },
)
def check_in(
    body: CheckInIn,
    device: CurrentDevice,
    caller: CallerDep,
    session: SessionDep,
    live: LiveDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
) -> CheckInAnswer:
    """Check in at a place and see what is on there, and which events are to come.

    Nobody is turned away. The answer says how much speaks for the person's presence and what
    was wrong with the code or position, and what asks for more than that stays locked, with its
    text left out. The same id again returns the first check-in.
    """
    made = pipeline.check_in(session, device, body.to_report(), live=live, settings=settings, at=at)
    response.status_code = status_of_made(made.received_at, at=at)
    here = listings.here_for(
        session,
        made.place_id,
        tasks_of=caller.tasks_of,
        evidence=Evidence(made.evidence),
        at=at,
    )
    place = places.get_place(session, made.place_id)
    return CheckInAnswer(
        **CheckInOut.of(made, place).model_dump(),
        listings=[
            ListingHere(
                listing=shown,
                unlocked=unlocked,
                locked_because=None
                if unlocked
                else f"It asks for the evidence {shown.evidence_needed}; this check-in has "
                f"{made.evidence}.",
            )
            for shown, (_, unlocked) in zip(
                show(session, here, place, person_id=device.person_id, at=at), here, strict=True
            )
        ],
    )


@router.get("/check-ins")
def list_check_ins(
    request: Request,
    device: CurrentDevice,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[CheckInOut]:
    """See this device's check-ins, newest first."""
    rows = queries.check_ins_of(session, device.id, after=instant_and_id(cursor), limit=limit + 1)
    at_places = place_queries.by_id(session, {row.place_id for row in rows})
    return Page(
        items=[CheckInOut.of(row, at_places[row.place_id]) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.claimed_at, row.id)),
    )


@router.delete("/check-ins/{check_in_id}", status_code=204, responses=problem_responses(NotFound))
def take_check_in_back(check_in_id: UUID, person: CurrentPerson, session: SessionDep) -> Response:
    """Take back a check-in that was a mistake: it is deleted, and counts no more."""
    service.take_back(session, check_in_id, person_id=person.id)
    return Response(status_code=204)


@router.get("/devices/me/code")
def read_personal_code(device: CurrentDevice, settings: SettingsDep, at: Now) -> PersonalCodeOut:
    """Get the code that this device shows to staff, so that they check its person in."""
    code, expires_at = codes.personal_code(device.id, settings=settings, at=at)
    return PersonalCodeOut(
        code=code, expires_at=expires_at, qr=QrOut.of(draw(code, correction="m"))
    )


@router.post(
    "/places/{place_id}/check-ins",
    status_code=201,
    responses={
        **repeated(CheckInOut),
        **problem_responses(ConsentMissing, IdTaken, NotFound, PersonalCodeRefused),
    },
)
def check_in_by_staff(
    place_id: UUID,
    body: StaffScanIn,
    grant: Scanning,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
) -> CheckInOut:
    """Check somebody in who shows their own code to a member of the place's staff.

    The check-in is theirs, and so is what it unlocks; the answer does not say who they are. The
    same id again returns the first check-in.
    """
    made = pipeline.check_in_by_staff(
        session, grant, body.to_scan(place_id), settings=settings, at=at
    )
    response.status_code = status_of_made(made.received_at, at=at)
    return CheckInOut.of(made, places.get_place(session, made.place_id))
