"""Boxes of longitude and latitude, also across the antimeridian and round a pole."""

from math import cos, radians

import numpy as np
from numpy.typing import NDArray

from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.geometry.planar import SEMI_MAJOR_AXIS_M
from geoservices.geometry.position import Position
from geoservices.geometry.rings import LAT_LIMIT, LON_LIMIT

Bbox = tuple[float, float, float, float]
"""West, south, east, north in degrees; west is greater where it crosses the antimeridian."""


OUTWARDS = np.array([-np.inf, -np.inf, np.inf, np.inf], dtype=np.float32)


class BboxRefused(GeoservicesError):
    """The four numbers are no box."""

    kind = ErrorKind.INVALID
    code = "bbox-refused"
    title = "The box cannot be used"


def check_box(bbox: Bbox) -> None:
    """Refuse numbers that are no box.

    Raises:
        BboxRefused: A number is out of range, or south is north of north.
    """
    west, south, east, north = bbox
    if not (abs(west) <= LON_LIMIT and abs(east) <= LON_LIMIT):
        raise BboxRefused("West and east must be within -180 and 180 degrees.", field="/bbox")
    if not -LAT_LIMIT <= south <= north <= LAT_LIMIT:
        raise BboxRefused(
            "A box is west, south, east, north; south must not be greater than north, and both "
            "must be within -90 and 90 degrees.",
            field="/bbox",
        )


def halves(bbox: Bbox) -> list[Bbox]:
    """Return the box, or the two parts of one that crosses the antimeridian.

    A box that begins or ends on the antimeridian has an empty part on its other side, since
    -180 and 180 degrees are the same meridian.
    """
    west, south, east, north = bbox
    if west > east:
        return [(west, south, LON_LIMIT, north), (-LON_LIMIT, south, east, north)]
    parts = [bbox]
    if west == -LON_LIMIT:
        parts.append((LON_LIMIT, south, LON_LIMIT, north))
    if east == LON_LIMIT:
        parts.append((-LON_LIMIT, south, -LON_LIMIT, north))
    return parts


def centre_and_reach(bbox: Bbox) -> tuple[Position, float]:
    """Return a centre and a distance, in metres, within which every point of the box lies.

    From the centre one comes to any point along a meridian and then along a parallel, so half
    the height and half the greatest width together are enough. One per cent is added for the
    ellipsoid and for the edges of areas, which the database takes for geodesics.
    """
    west, south, east, north = bbox
    width = (east - west) % 360.0 if west > east else east - west
    centre_lon = (west + width / 2.0 + LON_LIMIT) % 360.0 - LON_LIMIT
    widest_lat = 0.0 if south <= 0.0 <= north else min(abs(south), abs(north))
    reach = radians(north - south) / 2.0 + cos(radians(widest_lat)) * radians(width) / 2.0
    centre = Position(lon=centre_lon, lat=(south + north) / 2.0)
    return centre, 1.0 + reach * SEMI_MAJOR_AXIS_M * 1.01


def rounded_outwards(boxes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return boxes of half the size in memory, none of them smaller than it was.

    Args:
        boxes: West, south, east, north in any unit, shape (n, 4).
    """
    return np.nextafter(boxes.astype(np.float32), OUTWARDS)
