"""GeoJSON coordinates, read and checked: positions, rings, polygons."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from geoservices.errors import ErrorKind, GeoservicesError

Ring = NDArray[np.float64]
"""Degrees, shape (n, 2), longitude first, the last row equal to the first."""

LON_LIMIT, LAT_LIMIT = 180.0, 90.0

MIN_POSITIONS = 4
"""A triangle that comes back to its start (RFC 7946 section 3.1.6)."""
DIMENSIONS = (2, 3)
"""Longitude, latitude and perhaps altitude; more SHOULD NOT be sent (RFC 7946 section 3.1.1)."""


class AreaRefused(GeoservicesError):
    """The area cannot be watched; the message names the rule and where it was broken."""

    kind = ErrorKind.INVALID
    code = "area-refused"
    title = "The area cannot be used"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a geometry's coordinates something stands, for messages and pointers."""

    path: tuple[int, ...] = ()
    multi: bool = False

    def __truediv__(self, index: int) -> "Spot":
        return Spot((*self.path, index), self.multi)

    @property
    def pointer(self) -> str:
        """The JSON Pointer from the request's root (RFC 6901)."""
        return "/".join(["/geometry/coordinates", *map(str, self.path)])

    def __str__(self) -> str:
        words = ("polygon", "ring", "position") if self.multi else ("ring", "position")
        named = [f"{word} {index + 1}" for word, index in zip(words, self.path, strict=False)]
        return ", ".join(named) or "coordinates"


def refuse(rule: str, at: Spot) -> AreaRefused:
    """Make the refusal of something in the coordinates."""
    where = str(at)
    return AreaRefused(f"{where[0].upper()}{where[1:]}: {rule}", field=at.pointer)


def read_position(value: object, at: Spot) -> tuple[float, float]:
    """Return longitude and latitude of a GeoJSON position; altitude is dropped.

    Raises:
        AreaRefused: It is not two or three finite numbers within the range of degrees.
    """
    if not is_array(value) or len(value) not in DIMENSIONS:
        raise refuse("a position is an array of longitude, latitude and perhaps altitude.", at)
    numbers = []
    for axis, number in enumerate(value):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise refuse("a position holds numbers only.", at / axis)
        if not _is_finite(number):
            raise refuse("a position holds finite numbers only.", at / axis)
        numbers.append(float(number))
    lon, lat = numbers[:2]
    _check_range(lon, lat, at)
    return lon, lat


def read_polygons(coordinates: object, *, multi: bool, max_vertices: int) -> list[list[Ring]]:
    """Return the rings of each polygon: the outer one first, then its holes.

    Args:
        coordinates: Those of a MultiPolygon if `multi`, else of a Polygon.
        multi: Whether there is an array of polygons or just one.
        max_vertices: The most positions all rings may have together.

    Raises:
        AreaRefused: Something is not as RFC 7946 section 3.1.6 wants it.
    """
    root = Spot(multi=multi)
    polygons = _members(coordinates, root, "polygons") if multi else [coordinates]
    places = [root / number for number in range(len(polygons))] if multi else [root]
    nested = [_members(rings, at, "rings") for rings, at in zip(polygons, places, strict=True)]
    _check_size(nested, root, max_vertices)
    return [
        [_read_ring(ring, at / number) for number, ring in enumerate(rings)]
        for rings, at in zip(nested, places, strict=True)
    ]


def is_array(value: object) -> TypeGuard[Sequence[object]]:
    """Tell whether it is a JSON array, or the tuple some parsers make of one."""
    return isinstance(value, list | tuple)


def _members(value: object, at: Spot, what: str) -> Sequence[object]:
    if not is_array(value):
        raise refuse(f"an array of {what} belongs here.", at)
    if not value:
        raise refuse(f"an array of {what} must not be empty.", at)
    return value


def _check_size(polygons: list[Sequence[object]], root: Spot, max_vertices: int) -> None:
    vertices = sum(len(ring) for rings in polygons for ring in rings if is_array(ring))
    if vertices > max_vertices:
        raise refuse(
            f"{vertices:,} positions are more than the {max_vertices:,} allowed; simplify it.",
            root,
        )


def _read_ring(value: object, at: Spot) -> Ring:
    if not is_array(value):
        raise refuse("a ring is an array of positions.", at)
    ring = _read_plain_ring(value)
    if ring is None:
        positions = [read_position(item, at / number) for number, item in enumerate(value)]
        ring = np.array(positions, dtype=np.float64).reshape(-1, 2)
    _check_closed(value, at)
    _check_jumps(ring, at)
    return ring


def _read_plain_ring(value: Sequence[object]) -> Ring | None:
    """Read a ring in which nothing is wrong, in a tenth of the time; None asks for a closer look.

    Only exact lists of ints and floats will do: NumPy would take a boolean for a number.
    """
    if set(map(type, value)) != {list} or len(set(map(len, value))) != 1:  # type: ignore[arg-type]
        return None
    if not set(map(type, chain.from_iterable(value))) <= {int, float}:  # type: ignore[arg-type]
        return None
    try:
        ring = np.array(value, dtype=np.float64)
    except OverflowError:
        return None
    if ring.shape[1] not in DIMENSIONS:
        return None
    in_range = (np.abs(ring[:, 0]) <= LON_LIMIT).all() and (np.abs(ring[:, 1]) <= LAT_LIMIT).all()
    # A comparison with NaN is false, but an altitude has not been compared with anything.
    return np.ascontiguousarray(ring[:, :2]) if in_range and np.isfinite(ring).all() else None


def _check_closed(value: Sequence[object], at: Spot) -> None:
    if len(value) < MIN_POSITIONS:
        raise refuse(
            f"a ring has at least {MIN_POSITIONS} positions, the last equal to the first; "
            f"this has {len(value)}.",
            at,
        )
    if list(value[0]) != list(value[-1]):  # type: ignore[call-overload]
        raise refuse(
            "a ring ends where it began: the last position must equal the first.",
            at / (len(value) - 1),
        )


def _check_jumps(ring: Ring, at: Spot) -> None:
    # An edge of exactly 180 degrees is refused too: it has no shortest way on the globe.
    jumps = np.flatnonzero(np.abs(np.diff(ring[:, 0])) >= LON_LIMIT)
    if jumps.size:
        raise refuse(
            "the edge to here spans 180 degrees of longitude or more; cut an area that crosses "
            "the antimeridian into two polygons there (RFC 7946 section 3.1.9).",
            at / (int(jumps[0]) + 1),
        )


def _check_range(lon: float, lat: float, at: Spot) -> None:
    if abs(lon) <= LON_LIMIT and abs(lat) <= LAT_LIMIT:
        return
    swapped = abs(lat) <= LON_LIMIT and abs(lon) <= LAT_LIMIT
    hint = " This looks like latitude first; longitude comes first." if swapped else ""
    raise refuse(
        "longitude must be within -180 and 180 degrees, latitude within -90 and 90." + hint, at
    )


def _is_finite(number: float) -> bool:
    try:
        return isfinite(number)
    except OverflowError:
        return False
