"""The OsmAnd protocol: the door for OsmAnd and Traccar Client."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from api.bodies import StrictRoute
from api.dependencies import LiveDep, Now, SessionDep, SettingsDep
from api.phone_access import PhoneId, identify_by_id
from api.problems import problem_responses
from api.protocols import osmand
from api.protocols.reading import check_length
from api.protocols.taking import take_in
from api.schemas.phones import CountedOut
from geoservices.errors import Unauthenticated
from geoservices.phones.models import PhoneApp

router = APIRouter(tags=["phones"], route_class=StrictRoute)

Report = Annotated[
    Any,
    Body(
        description="Parameters as https://www.traccar.org/osmand/ lists them: a form, a JSON "
        "array of objects, or one object with `device_id` and `location`.",
        json_schema_extra={"anyOf": [{"type": "object"}, {"type": "array"}]},
    ),
]


@router.get("/osmand", responses=problem_responses(Unauthenticated))
def receive_osmand_query(
    request: Request,
    token: PhoneId,
    session: SessionDep,
    live: LiveDep,
    settings: SettingsDep,
    at: Now,
) -> CountedOut:
    """Take in a position from the parameters of the address, as OsmAnd sends it.

    `id` is the credential; `lat`, `lon`, `timestamp`, `accuracy`, `speed` (knots) and `bearing`
    are read. See that no proxy writes query strings to its log.
    """
    return _take_in(osmand.unpack(_query(request), None), session, live, settings, at)


@router.post("/osmand", responses=problem_responses(Unauthenticated))
def receive_osmand(
    request: Request,
    token: PhoneId,
    session: SessionDep,
    live: LiveDep,
    settings: SettingsDep,
    at: Now,
    body: Report = None,
) -> CountedOut:
    """Take in positions from a form, from JSON or from parameters, as Traccar Client sends them.

    What can never be taken in is dropped and counted, and answered with 200: the app sends in
    order and would never come past it.
    """
    return _take_in(osmand.unpack(_query(request), body), session, live, settings, at)


def _take_in(
    report: osmand.Request, session: SessionDep, live: LiveDep, settings: SettingsDep, at: Now
) -> CountedOut:
    phone = identify_by_id(session, report.id)
    check_length(report.items, field="")
    said = osmand.read(report, device_id=phone.device.id, at=at)
    taken = take_in(session, phone, PhoneApp.TRACCAR, said, live=live, settings=settings, at=at)
    return CountedOut(stored=taken.stored, dropped=taken.dropped)


def _query(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    return query.decode("ascii", "replace")
