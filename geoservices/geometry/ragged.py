"""Many multipolygons as a few arrays, read from well-known binary without an object for each.

Source:
    OGC 06-103r4, Simple feature access, part 1, section 8.2 (well-known binary).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoservices.geometry.compiling import compiled

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

POLYGON = 3
MULTIPOLYGON = 6
LITTLE_ENDIAN = 1
COUNT_BYTES = 4
POINT_BYTES = 16
HEAD_BYTES = 9
"""Byte order, kind and how many parts or rings there are."""
MALFORMED = "This is not the well-known binary, little-endian, of a multipolygon in two dimensions."


@dataclass(frozen=True, slots=True)
class Ragged:
    """`n` multipolygons: all vertices one behind the other, and where what begins.

    The offsets are those of `shapely.to_ragged_array`, with a last one behind the end.
    """

    lonlat: Floats
    """The vertices of all rings, degrees, shape (v, 2)."""
    rings: Numbers
    """Where each ring begins among the vertices."""
    polygons: Numbers
    """Where each polygon begins among the rings; its first one is its outside."""
    areas: Numbers
    """Where each multipolygon begins among the polygons, shape (n + 1,)."""

    @classmethod
    def of(cls, wkb: Sequence[bytes]) -> "Ragged":
        """Read multipolygons.

        Args:
            wkb: Each as well-known binary, little-endian, in two dimensions.

        Raises:
            ValueError: One is something else.
        """
        joined = np.frombuffer(bytearray().join(wkb), dtype=np.uint8)
        ends = np.cumsum(np.fromiter(map(len, wkb), dtype=np.int64, count=len(wkb)))
        points, rings, polygons, areas = _read(joined, ends)
        return cls(points.view("<f8").reshape(-1, 2), rings, polygons, areas)

    def bounds_and_size(self) -> tuple[Floats, Floats]:
        """Return the boxes, west, south, east and north, shape (n, 4), and the square degrees."""
        return _measured(self.lonlat, self.rings, self.polygons, self.areas)


@compiled
def _read(wkb: Bytes, ends: Numbers) -> tuple[Bytes, Numbers, Numbers, Numbers]:
    """Return the bytes of all points, and the offsets."""
    points = np.empty(len(wkb), dtype=np.uint8)
    # No ring takes less than its count, and no polygon less than its head.
    rings = np.zeros(len(wkb) // COUNT_BYTES + 1, dtype=np.int64)
    polygons = np.zeros(len(wkb) // HEAD_BYTES + 1, dtype=np.int64)
    areas = np.zeros(len(ends) + 1, dtype=np.int64)
    at, filled, ring, polygon = 0, 0, 0, 0
    for area in range(len(ends)):
        end = ends[area]
        parts = _count(wkb, at, end, MULTIPOLYGON)
        at += HEAD_BYTES
        for _part in range(parts):
            outlines = _count(wkb, at, end, POLYGON)
            at += HEAD_BYTES
            for _outline in range(outlines):
                if at + COUNT_BYTES > end:
                    raise ValueError(MALFORMED)
                length = POINT_BYTES * _number(wkb, at)
                at += COUNT_BYTES
                if at + length > end:
                    raise ValueError(MALFORMED)
                # One slice put into another would take seconds to compile.
                for byte in range(length):
                    points[filled + byte] = wkb[at + byte]
                at += length
                filled += length
                ring += 1
                rings[ring] = filled // POINT_BYTES
            polygon += 1
            polygons[polygon] = ring
        if at != end:
            raise ValueError(MALFORMED)
        areas[area + 1] = polygon
    return points[:filled], rings[: ring + 1], polygons[: polygon + 1], areas


@compiled
def _count(wkb: Bytes, at: int, end: int, kind: int) -> int:
    """Return of how many parts a shape of some kind says it is made."""
    if at + HEAD_BYTES > end or wkb[at] != LITTLE_ENDIAN or _number(wkb, at + 1) != kind:
        raise ValueError(MALFORMED)
    return _number(wkb, at + 1 + COUNT_BYTES)


@compiled
def _number(wkb: Bytes, at: int) -> int:
    """Return an unsigned number of four bytes."""
    low = np.int64(wkb[at]) | (np.int64(wkb[at + 1]) << 8)
    return int(low | (np.int64(wkb[at + 2]) << 16) | (np.int64(wkb[at + 3]) << 24))


@compiled
def _measured(
    lonlat: Floats, rings: Numbers, polygons: Numbers, areas: Numbers
) -> tuple[Floats, Floats]:
    """Return boxes and square degrees.

    Source:
        The surveyor's formula, taken from a ring's first vertex so that no digits are lost:
        Braden, The Surveyor's Area Formula, The College Mathematics Journal 17 (1986).
    """
    bounds = np.empty((len(areas) - 1, 4))
    sizes = np.zeros(len(areas) - 1)
    for area in range(len(areas) - 1):
        west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
        for polygon in range(areas[area], areas[area + 1]):
            for ring in range(polygons[polygon], polygons[polygon + 1]):
                first, twice = rings[ring], 0.0
                ax, ay = 0.0, 0.0
                for at in range(first, rings[ring + 1]):
                    lon, lat = lonlat[at, 0], lonlat[at, 1]
                    west, south = min(west, lon), min(south, lat)
                    east, north = max(east, lon), max(north, lat)
                    bx, by = lon - lonlat[first, 0], lat - lonlat[first, 1]
                    twice += ax * by - bx * ay
                    ax, ay = bx, by
                outside = ring == polygons[polygon]
                sizes[area] += abs(twice) / 2.0 if outside else -abs(twice) / 2.0
        bounds[area, 0], bounds[area, 1] = west, south
        bounds[area, 2], bounds[area, 3] = east, north
    return bounds, sizes
