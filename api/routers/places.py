"""Places, as GeoJSON."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api.bodies import StrictRoute
from api.dependencies import Now, OptionalCaller, SessionDep
from api.pagination import Cursor, Limit, decode, finite, name_and_id, next_address
from api.problems import problem_responses
from api.responses import GeoJsonResponse
from api.schemas.common import Text
from api.schemas.kinds import AnyListingShown
from api.schemas.places import (
    AskedOfToday,
    OpenDayOut,
    PlaceOut,
    PlaceProperties,
    PlacesOut,
    PointOut,
    SinglePlaceOut,
    TodayOut,
)
from api.showing import show
from geoservices.agendas import today
from geoservices.agendas.today import Today
from geoservices.checkins.verification import Evidence
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.geometry.boxes import BboxRefused
from geoservices.geometry.position import Position
from geoservices.listings import service as listings
from geoservices.places import service
from geoservices.places.hours import OpenState, hours_at, open_days
from geoservices.places.queries import AfterDistance, AfterName
from geoservices.places.service import FoundPlace

router = APIRouter(tags=["places"], route_class=StrictRoute, default_response_class=GeoJsonResponse)


class SearchRefused(GeoservicesError):
    """The search cannot be read."""

    kind = ErrorKind.INVALID
    code = "search-refused"
    title = "The search is not valid"


WIDEST_M = 100_000
"""The widest radius that is searched, in metres."""
Near = Annotated[
    str | None,
    Query(
        description="`lon,lat` in degrees: sorts by distance from there", examples=["-3.53,50.72"]
    ),
]
Box = Annotated[
    str | None,
    Query(description="`west,south,east,north` in degrees; west may be greater than east"),
]


@router.get("/places", responses=problem_responses(SearchRefused, BboxRefused))
def list_places(
    request: Request,
    caller: OptionalCaller,
    session: SessionDep,
    at: Now,
    cursor: Cursor,
    near: Near = None,
    radius_m: Annotated[float, Query(gt=0, le=WIDEST_M, description="Metres round `near`")] = 5000,
    bbox: Box = None,
    category: Annotated[Text | None, Query(max_length=60, description="Exactly this")] = None,
    q: Annotated[
        Text | None, Query(max_length=100, description="Part of name, address or postcode")
    ] = None,
    open_now: Annotated[
        bool | None, Query(description="Only open places, or only closed ones")
    ] = None,
    on_today: Annotated[
        AskedOfToday | None,
        Query(description="Tell what is on there today, or leave places out where nothing is"),
    ] = None,
    limit: Limit = 50,
) -> PlacesOut:
    """Find places: nearest first with `near`, else by name.

    A page may hold fewer places than `limit`, even none, when `open_now` or `on_today` leave many
    out; the list is over when `next` is null.
    """
    position = None if near is None else _position(near)
    found = service.find_places(
        session,
        near=position,
        radius_m=radius_m if position else None,
        bbox=None if bbox is None else read_numbers("bbox", bbox, 4),
        category=category,
        text=q,
        after=_after(cursor, position),
        limit=limit + 1,
    )
    wanted = None if open_now is None else (OpenState.OPEN if open_now else OpenState.CLOSED)
    shown = found[:limit]
    on = today.on_today(session, [one.place for one in shown], at=at) if on_today else None
    features = [_feature(one, at, on) for one in shown]
    return PlacesOut(
        type="FeatureCollection",
        features=[
            feature
            for feature in features
            if (wanted is None or feature.properties.open_state is wanted)
            and not (on_today is AskedOfToday.ONLY and feature.id not in (on or {}))
        ],
        next=next_address(request, found, limit, _key),
    )


@router.get("/places/{place_id}", responses=problem_responses(NotFound))
def read_place(
    place_id: UUID, caller: OptionalCaller, session: SessionDep, at: Now
) -> SinglePlaceOut:
    """See one place, and when it is open this week."""
    place = service.get_place(session, place_id)
    here = service.position_of(place)
    feature = _feature(FoundPlace(place, here.lon, here.lat, None), at)
    days = open_days(place.opening_hours, time_zone=place.time_zone, at=at)
    return SinglePlaceOut(
        **feature.model_dump(),
        open_days=None if days is None else [OpenDayOut.of(day) for day in days],
    )


@router.get(
    "/places/{place_id}/listings",
    response_class=JSONResponse,
    responses=problem_responses(NotFound),
)
def list_what_is_on(
    place_id: UUID, caller: OptionalCaller, session: SessionDep, at: Now
) -> list[AnyListingShown]:
    """See what is on at a place: offers, events of now and the next month, and for staff tasks.

    This needs no check-in, so whatever asks for more than a person's word comes without its text.
    """
    place = service.get_place(session, place_id)
    here = listings.here_for(
        session,
        place_id,
        tasks_of=caller.tasks_of if caller else None,
        evidence=Evidence.SELF_DECLARED,
        at=at,
    )
    return show(session, here, place, person_id=caller.actor.person_id if caller else None, at=at)


def _feature(
    found: FoundPlace, at: datetime, on: Mapping[UUID, Sequence[Today]] | None = None
) -> PlaceOut:
    place = found.place
    hours = hours_at(place.opening_hours, time_zone=place.time_zone, at=at)
    return PlaceOut(
        type="Feature",
        id=place.id,
        geometry=PointOut(type="Point", coordinates=(found.lon, found.lat)),
        properties=PlaceProperties(
            name=place.name,
            category=place.category,
            address=place.address,
            postcode=place.postcode,
            website=place.website,
            email=place.email,
            opening_hours=place.opening_hours,
            time_zone=place.time_zone,
            parent_id=place.parent_id,
            open_state=hours.state,
            open_state_changes_at=hours.changes_at,
            distance_m=None if found.distance_m is None else round(found.distance_m, 1),
            today=None if on is None else TodayOut.of(on.get(place.id, ())),
        ),
    )


def _key(found: FoundPlace) -> tuple[object, ...]:
    first = found.place.name if found.distance_m is None else found.distance_m
    return first, found.place.id


def _after(
    cursor: Sequence[str] | None, position: Position | None
) -> AfterDistance | AfterName | None:
    if cursor is None:
        return None
    if position is None:
        return name_and_id(cursor, AfterName)
    distance_m, place_id = decode(cursor, finite, UUID)
    return AfterDistance(distance_m=float(str(distance_m)), id=UUID(str(place_id)))


def _position(near: str) -> Position:
    lon, lat = read_numbers("near", near, 2)
    return _position_at(lon, lat)


def read_near(near: str) -> tuple[Position, float]:
    """Read `lon,lat,radius_m` into a position and metres.

    Raises:
        SearchRefused: It is not three numbers, no position, or wider than can be searched.
    """
    lon, lat, radius_m = read_numbers("near", near, 3)
    if not 0 < radius_m <= WIDEST_M:
        raise SearchRefused(f"near takes a radius of up to {WIDEST_M} metres.", field="/near")
    return _position_at(lon, lat), radius_m


def _position_at(lon: float, lat: float) -> Position:
    if not (abs(lon) <= 180 and abs(lat) <= 90):  # noqa: PLR2004
        raise SearchRefused("near is lon,lat: within 180 and 90 degrees.", field="/near")
    return Position(lon=lon, lat=lat)


def read_numbers(name: str, text: str, count: int) -> Any:  # noqa: ANN401  # As many as asked for.
    """Read a parameter of so many numbers with commas between them.

    Raises:
        SearchRefused: It has other than so many finite numbers.
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise SearchRefused(
            f"{name} takes {count} numbers with commas between them.", field=f"/{name}"
        )
    return numbers
