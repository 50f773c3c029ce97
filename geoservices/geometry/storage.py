"""Areas and positions as the database takes and gives them."""

import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geoservices.geometry.areas import Area, Polygonal, to_multipolygon
from geoservices.geometry.position import Position

SRID = 4326
"""WGS 84, longitude and latitude."""


def to_wkb(area: Area) -> bytes:
    """Return the area's multipolygon as WKB: equal areas have equal bytes."""
    return bytes(shapely.to_wkb(to_multipolygon(area), byte_order=1))


def from_wkb(wkb: bytes | str) -> Polygonal:
    """Return the polygons the database keeps, from (E)WKB or its hexadecimal form.

    Raises:
        TypeError: It is not a multipolygon.
    """
    shape = shapely.from_wkb(wkb)
    if not isinstance(shape, MultiPolygon):
        raise TypeError("An area is kept as a multipolygon.")
    return Polygonal(shapely.set_srid(shape, 0))


def to_ewkt(area: Area) -> str:
    """Return the area's multipolygon as text, to the last bit.

    PostGIS reads geographies from text only, and GEOS writes one digit too few.
    """
    polygons = ",".join(map(_polygon_text, to_multipolygon(area).geoms))
    return f"SRID={SRID};MULTIPOLYGON({polygons})"


def point_ewkt(position: Position) -> str:
    """Return a position as text, to the last bit."""
    return f"SRID={SRID};POINT({position.lon!r} {position.lat!r})"


def _polygon_text(polygon: Polygon) -> str:
    rings = ",".join(map(_ring_text, [polygon.exterior, *polygon.interiors]))
    return f"({rings})"


def _ring_text(ring: BaseGeometry) -> str:
    # Python writes the shortest text that is read as the same number.
    positions = ",".join(f"{lon!r} {lat!r}" for lon, lat in shapely.get_coordinates(ring).tolist())
    return f"({positions})"
