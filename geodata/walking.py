"""Walks past real places, as lines ready for `POST /v1/pings`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from shapely import MultiPolygon
from sqlalchemy.orm import Session

from geodata.simulation import LonLat, NoiseModel, SimulatedPing, stay_at, stroll_past, walk
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.errors import NotFound
from geoservices.geofences.service import area_of, list_geofences
from geoservices.geometry.areas import Circle, Polygonal, middle, to_multipolygon
from geoservices.geometry.position import Position
from geoservices.places.service import get_place

NAMESPACE = uuid5(NAMESPACE_URL, "https://github.com/geoservices/simulated-pings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Someone who walks past a place, or stands at it for `stay`."""

    seed: int
    noise: NoiseModel
    speed_mps: float = 1.4
    interval: timedelta = timedelta(seconds=5)
    offset_m: float = 8.0
    before_m: float = 150.0
    after_m: float = 150.0
    stay: timedelta | None = None


def outline_of_place(session: Session, place_id: UUID) -> MultiPolygon:
    """Return the outline of the first enabled geofence of a place.

    Raises:
        NotFound: There is no such place, or nothing is watched there.
    """
    place = get_place(session, place_id)
    grant = by_operator(place.organisation_id, Right.GEOFENCES_READ)
    geofences = list_geofences(session, grant, place_id=place_id)
    for geofence in geofences:
        if geofence.disabled_at is None:
            return to_multipolygon(area_of(geofence))
    raise NotFound("geofence at this place")


def outline_round(point: LonLat, radius_m: float) -> MultiPolygon:
    """Return the outline of a circle, to walk past where no place is."""
    lon, lat = point
    return to_multipolygon(Circle(Position(lon=lon, lat=lat), radius_m))


def pings_past(
    outline: MultiPolygon, walker: Walker, *, start_at: datetime | None, at: datetime
) -> list[SimulatedPing]:
    """Return the pings of someone who walks past an outline, or stands in the middle of it.

    Unless told when it starts, the last ping is made at the present moment `at`.
    """
    pings = _pings(outline, walker, start_at or at)
    if start_at is not None:
        return pings
    return _pings(outline, walker, at - (pings[-1].recorded_at - at))


def ping_lines(pings: Iterable[SimulatedPing], seed: int) -> Iterator[str]:
    """Yield each ping as the JSON object that the API takes; its id follows from the seed."""
    for number, ping in enumerate(pings):
        yield json.dumps(
            {
                "id": str(uuid5(NAMESPACE, f"{seed}/{number}/{ping.recorded_at.isoformat()}")),
                "recorded_at": ping.recorded_at.isoformat(),
                "lon": ping.lon,
                "lat": ping.lat,
                "accuracy_m": ping.accuracy_m,
                "speed_mps": ping.speed_mps,
                "heading_deg": ping.heading_deg,
            }
        )


def _pings(outline: MultiPolygon, walker: Walker, start_at: datetime) -> list[SimulatedPing]:
    if walker.stay is not None:
        where = middle(Polygonal(outline))
        return stay_at(
            (where.lon, where.lat),
            walker.stay,
            start_at=start_at,
            interval=walker.interval,
            noise=walker.noise,
            seed=walker.seed,
        )
    path = stroll_past(
        outline, offset_m=walker.offset_m, before_m=walker.before_m, after_m=walker.after_m
    )
    return walk(
        path,
        start_at=start_at,
        speed_mps=walker.speed_mps,
        interval=walker.interval,
        noise=walker.noise,
        seed=walker.seed,
    )
