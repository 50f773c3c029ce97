"""What a phone is asked to watch by itself: circles round the nearest geofences.

Phones watch few regions (iOS 20 for an app) and circles only, and miss small ones. So each
geofence goes out as the smallest circle that covers it, its margin included, and only the nearest
do. Phones name a region in what they tell by its `rid` (OwnTracks for iOS) or by the time it was
made (OwnTracks for Android, which knows no other name); both are made from the geofence's id, so
that nothing has to be remembered to read them.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, cos, floor, log2, radians
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoservices import base64url
from geoservices.geofences.index import GeofenceIndex
from geoservices.geometry.planar import metres_per_degree
from geoservices.geometry.position import Position

REACH_RID = "reach"
"""The region that is no place's: leaving it means that other places are the nearest now."""
METRES_PER_DEGREE = 111_320.0
SMALLEST_CELL_M = 64.0
FIRST_STAMP = 1_000_000_000
STAMP_BITS = 40
"""So many that no two geofences of an installation are likely to share a stamp."""
NEARLY_A_POLE = 0.01
"""The cosine below which a degree of longitude counts as no shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A circle for a phone to watch; `stamp` is the second it pretends to have been made in."""

    rid: str
    stamp: int
    name: str
    lon: float
    lat: float
    radius_m: int


def rid_of(geofence_id: UUID) -> str:
    """Return a geofence's short name: its id in base64url, 22 characters."""
    return base64url.encode(geofence_id.bytes)


def stamp_of(geofence_id: UUID) -> int:
    """Return a geofence's stamp, Unix seconds that no two are likely to share."""
    digest = hashlib.sha256(geofence_id.bytes).digest()
    return FIRST_STAMP + int.from_bytes(digest) % (1 << STAMP_BITS)


def geofence_named(index: GeofenceIndex, rid: str | None, stamp: int | None) -> UUID | None:
    """Return the watched geofence that a phone speaks of; None where it is none of ours.

    Args:
        index: The geofences.
        rid: The region's id as the phone has it; wins over the stamp.
        stamp: The second the region was made in, as the phone has it.
    """
    if rid is not None:
        found = _id_in(rid)
        return found if found and index.number_of(found) is not None else None
    return None if stamp is None else _by_stamp(index).get(stamp)


def covering(area: BaseGeometry, *, margin_m: float, least_m: float) -> tuple[float, float, int]:
    """Return the smallest circle that covers an area and its margin.

    Args:
        area: In degrees, WGS 84; cut at the antimeridian if it crosses it.
        margin_m: Metres outside the area that count as being there.
        least_m: The least radius, metres.

    Returns:
        Longitude and latitude of the centre in degrees, and the radius in whole metres, rounded
        up.
    """
    lon, lat = shapely.get_coordinates(area).T
    if lon.min() < -90 and lon.max() > 90:  # noqa: PLR2004  # Cut at the antimeridian.
        lon = np.where(lon < 0, lon + 360.0, lon)
    west, south = float(lon.min() + lon.max()) / 2, float(lat.min() + lat.max()) / 2
    per_lon, per_lat = metres_per_degree(np.array([south]))
    x, y = (lon - west) * per_lon, (lat - south) * per_lat
    circle = shapely.minimum_bounding_circle(shapely.MultiPoint(np.column_stack([x, y])))
    centre = circle.centroid
    # The drawn circle has corners; its own points say how far it must reach.
    reach_m = float(np.hypot(x - centre.x, y - centre.y).max()) + margin_m
    centre_lon = (west + centre.x / float(per_lon[0]) + 180.0) % 360.0 - 180.0
    return centre_lon, south + centre.y / float(per_lat[0]), ceil(max(reach_m, least_m))


def cell_size_m(reach_m: float) -> int:
    """Return how wide cells are where the farthest of the nearest geofences is so far.

    A power of two, an eighth to a quarter of the reach.
    """
    return int(2 ** floor(log2(max(reach_m / 4, SMALLEST_CELL_M))))


def snapped(position: Position, cell_m: int) -> Position:
    """Return the middle of the cell that a position lies in.

    Asked from there, the nearest geofences stay the same while a phone moves within the cell, so
    that it is not given a new set with every step.

    Args:
        position: Where the phone is.
        cell_m: How wide cells are, metres.
    """
    step = cell_m / METRES_PER_DEGREE
    lat = max(-90.0, min(90.0, round(position.lat / step) * step))
    step /= max(cos(radians(lat)), NEARLY_A_POLE)
    lon = round(position.lon / step) * step
    return Position(lon=(lon + 180.0) % 360.0 - 180.0, lat=lat)


def cell_mark(position: Position, cell_m: int | None, *, state: str, token: str) -> bytes:
    """Return the mark of the cell that a position lies in, for whoever holds the token.

    Args:
        position: Where the phone is.
        cell_m: How wide cells are; None where all the geofences there are were given.
        state: Whatever else decides which are the nearest.
        token: The phone's.
    """
    middle = snapped(position, cell_m) if cell_m else None
    where = f"{middle.lon:.7f} {middle.lat:.7f}" if middle else "anywhere"
    return hmac.digest(token.encode(), f"cell {where} {state}".encode(), "sha256")


def mark_of(chosen: Iterable[tuple[UUID, int]], token: str) -> bytes:
    """Return the mark of a set of geofences and their revisions, for whoever holds the token."""
    names = sorted(f"{geofence_id}@{revision}" for geofence_id, revision in chosen)
    return hmac.digest(token.encode(), "\n".join(names).encode(), "sha256")


def encryption_key(secret: str, link_id: UUID) -> str:
    """Return the key of one app's payloads: 32 characters that hold 192 bits.

    Derived by HMAC-SHA-256 (RFC 2104), so that it need not be kept; a new link has a new key.
    OwnTracks takes up to 32 characters and fills up with zero bytes.
    """
    digest = hmac.digest(secret.encode(), b"owntracks payload " + link_id.bytes, "sha256")
    return base64url.encode(digest[:24])


def reach_of(centre: Position, regions: Sequence[Region], reach_m: float) -> Region:
    """Return the region whose leaving means that the others are no longer the nearest.

    Args:
        centre: Where the nearest were looked for from.
        regions: The nearest.
        reach_m: How far the farthest of them is, metres.
    """
    least_m = max((region.radius_m for region in regions), default=0)
    return Region(
        rid=REACH_RID,
        stamp=FIRST_STAMP - 1,
        name="Places near here",
        lon=centre.lon,
        lat=centre.lat,
        radius_m=ceil(max(reach_m / 2, least_m)),
    )


def _id_in(rid: str) -> UUID | None:
    try:
        return UUID(bytes=base64url.decode(rid))
    except ValueError:
        return None


@lru_cache(maxsize=1)
def _by_stamp(index: GeofenceIndex) -> dict[int, UUID]:
    return {stamp_of(geofence_id): geofence_id for geofence_id in index.ids()}
