"""Which part of the world a tile shows."""

from dataclasses import dataclass
from math import atan, degrees, pi, sinh
from typing import Final

from geoservices.geometry.boxes import Bbox
from geoservices.geometry.rings import LON_LIMIT

MAX_ZOOM: Final = 16
"""Maps that show more draw the tiles of this zoom larger."""
EXTENT: Final = 4096
"""Units along a tile's side, as most maps have it (Mapbox Vector Tile Specification 2.1, 4.1)."""
MARGIN: Final = 64
"""So many units around a tile are drawn too, so that no edge is seen where two tiles meet."""

WORLD: Final[Bbox] = (-LON_LIMIT, -85.0511287798066, LON_LIMIT, 85.0511287798066)
"""What there are tiles of: west, south, east, north (TileJSON 3.0, 3.4)."""


def within_projection(box: Bbox) -> Bbox:
    """Return a box without what lies beyond the ends of the Mercator projection."""
    west, south, east, north = box
    _, lowest, _, highest = WORLD
    return west, max(lowest, min(highest, south)), east, max(lowest, min(highest, north))


@dataclass(frozen=True, slots=True)
class TileAddress:
    """A tile of the usual scheme: Web Mercator, x from the antimeridian, y from the north."""

    z: int
    x: int
    y: int

    @property
    def exists(self) -> bool:
        """Whether there is such a tile."""
        return 0 <= self.z <= MAX_ZOOM and 0 <= self.x < self._side and 0 <= self.y < self._side

    @property
    def _side(self) -> int:
        """How many tiles are beside each other at its zoom."""
        return 1 << self.z

    def box(self, margin: int = 0) -> Bbox:
        """Return what it shows: west, south, east, north in degrees on WGS 84.

        Args:
            margin: So many units more on each side, as far as the world goes.
        """
        more = margin / EXTENT
        return (
            self._lon(self.x - more),
            self._lat(self.y + 1 + more),
            self._lon(self.x + 1 + more),
            self._lat(self.y - more),
        )

    def _lon(self, x: float) -> float:
        return max(-LON_LIMIT, min(LON_LIMIT, x * 360.0 / self._side - LON_LIMIT))

    def _lat(self, y: float) -> float:
        """Invert the Mercator projection of the sphere; its square ends at 85.05 degrees."""
        south = max(0.0, min(self._side, y)) / self._side
        return degrees(atan(sinh(pi * (1.0 - 2.0 * south))))
