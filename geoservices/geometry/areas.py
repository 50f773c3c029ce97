"""Areas: circles and polygons, from GeoJSON and back, and for the database."""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon, box
from shapely.affinity import translate

from geoservices.geometry.boxes import Bbox
from geoservices.geometry.planar import (
    ECCENTRICITY_SQUARED,
    SEMI_MAJOR_AXIS_M,
    metres_per_degree,
)
from geoservices.geometry.position import Position
from geoservices.geometry.rings import (
    LAT_LIMIT,
    LON_LIMIT,
    AreaRefused,
    Spot,
    is_array,
    read_polygons,
    read_position,
)
from geoservices.geometry.validity import polygons_of

__all__ = [
    "Area",
    "AreaRefused",
    "Circle",
    "Polygonal",
    "area_m2",
    "bbox",
    "check_bbox",
    "check_crs",
    "middle",
    "read_area",
    "size_m",
    "to_geojson",
    "to_multipolygon",
]

SMALLEST_RADIUS_M = 5.0
LARGEST_RADIUS_M = 50_000.0
SMALLEST_AREA_M2 = 1.0
CIRCLE_LIMIT_DEG = 85.0
"""Circles nearer to a pole are refused: they might enclose it."""
CIRCLE_VERTICES = 64

WGS84_NAMES = frozenset(
    {
        "epsg:4326",
        "urn:ogc:def:crs:epsg::4326",
        "urn:ogc:def:crs:ogc:1.3:crs84",
        "urn:ogc:def:crs:ogc::crs84",
        "http://www.opengis.net/def/crs/ogc/1.3/crs84",
    }
)
"""What programs write of WGS 84 although RFC 7946 section 4 wants no `crs` member at all."""
FOREIGN_MEMBERS = ("geometry", "properties", "features", "geometries")
"""Members that a Point or Polygon must not have (RFC 7946 section 7.1)."""


@dataclass(frozen=True, slots=True)
class Circle:
    """Everywhere within `radius_m` metres of a centre."""

    centre: Position
    radius_m: float


@dataclass(frozen=True, slots=True)
class Polygonal:
    """One or more polygons: valid, outer rings anticlockwise, on WGS 84 in degrees.

    `repairs` says what had to be mended when they were read.
    """

    polygons: MultiPolygon
    repairs: tuple[str, ...] = ()

    @property
    def vertices(self) -> int:
        """How many positions all rings have together."""
        return int(shapely.get_num_coordinates(self.polygons))


Area = Circle | Polygonal


def read_area(
    geometry: object, *, radius_m: float | None = None, max_vertices: int, repair: bool = False
) -> Area:
    """Read an area from a GeoJSON geometry (RFC 7946), refusing what cannot be watched.

    Points need a radius. Altitudes are dropped, repeated positions kept, rings turned the right
    way round. Whoever reads many files at once may ask for `repair`; `validity.polygons_of`
    states the rule. Unclosed rings are never mended: something may be missing.

    Args:
        geometry: The decoded JSON of a Point, Polygon or MultiPolygon.
        radius_m: With a Point: the circle's radius, 5 to 50,000 metres.
        max_vertices: The most positions all rings may have together.
        repair: Mend polygons that break a rule, where hardly any area changes.

    Raises:
        AreaRefused: The geometry breaks a rule; the message names it and where.
    """
    kind, coordinates = _open(geometry)
    if kind == "Point":
        return _read_circle(coordinates, radius_m)
    if radius_m is not None:
        raise AreaRefused("A radius belongs to a Point; a polygon has none.", field="/radius_m")
    multi = kind == "MultiPolygon"
    rings = read_polygons(coordinates, multi=multi, max_vertices=max_vertices)
    polygons, repairs = polygons_of(rings, multi=multi, repair=repair)
    area = Polygonal(polygons, repairs)
    if area_m2(area) < SMALLEST_AREA_M2:
        raise AreaRefused("It encloses less than 1 m².", field="/geometry/coordinates")
    return area


def to_geojson(area: Area) -> dict[str, object]:
    """Return the GeoJSON geometry; a circle is its centre, and its radius is told apart.

    Outer rings run anticlockwise and holes clockwise, as RFC 7946 section 3.1.6 asks of writers.
    """
    if isinstance(area, Circle):
        return {"type": "Point", "coordinates": [area.centre.lon, area.centre.lat]}
    polygons = [
        [_positions(polygon.exterior), *map(_positions, polygon.interiors)]
        for polygon in area.polygons.geoms
    ]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def bbox(area: Area) -> Bbox:
    """Return the smallest box round the area, by the short way round the globe.

    West is greater than east where it crosses the antimeridian (RFC 7946 section 5.2).
    """
    parts = shapely.bounds(shapely.get_parts(to_multipolygon(area)))
    west, east = _span(parts[:, 0], parts[:, 2])
    return west, float(parts[:, 1].min()), east, float(parts[:, 3].max())


def to_multipolygon(area: Area) -> MultiPolygon:
    """Return the polygons, or for a circle one of 64 vertices at its true radius.

    A circle across the antimeridian is cut there (RFC 7946 section 3.1.9).

    Accuracy:
        Vertices lie within 0.1 % of the radius up to 70 degrees of latitude, within 1 % up to
        85; `test_areas.py` holds them against geodesics.
    """
    if isinstance(area, Polygonal):
        return area.polygons
    return _cut_at_antimeridian(Polygon(_circle_ring(area)))


def area_m2(area: Area) -> float:
    """Return the area in square metres.

    Source:
        Lambert's cylindrical equal-area projection of the ellipsoid: Snyder, Map Projections: A
        Working Manual, USGS Professional Paper 1395 (1987), equations 3-12 and 10-14, 10-15.
    """
    if isinstance(area, Circle):
        return pi * area.radius_m**2
    return float(shapely.transform(area.polygons, _equal_area).area)


def size_m(area: Area) -> float:
    """Return the radius, in metres, of the circle that has as much area."""
    return area.radius_m if isinstance(area, Circle) else sqrt(area_m2(area) / pi)


def middle(area: Area) -> Position:
    """Return a position to stand for the area, within it.

    It is a circle's centre, else the centroid of the largest polygon, or where that lies
    outside (a crescent, a courtyard), another point within.
    """
    if isinstance(area, Circle):
        return area.centre
    largest = max(area.polygons.geoms, key=lambda polygon: polygon.area)
    point = largest.centroid
    if not largest.covers(point):
        point = largest.point_on_surface()
    return Position(lon=point.x, lat=point.y)


def check_crs(crs: object, *, field: str) -> None:
    """Refuse a `crs` member of the GeoJSON of 2008 unless it names WGS 84.

    Raises:
        AreaRefused: The coordinates are on something else; taking them as degrees would put
            the area elsewhere.
    """
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or name.lower() not in WGS84_NAMES:
        raise AreaRefused(
            "GeoJSON is on WGS 84 (RFC 7946 section 4); convert the coordinates and leave "
            "`crs` out.",
            field=field,
        )


def _open(geometry: object) -> tuple[str, object]:
    if not isinstance(geometry, dict):
        raise AreaRefused("A GeoJSON geometry is an object with a type.", field="/geometry")
    kind = geometry.get("type")
    if not isinstance(kind, str) or kind not in {"Point", "Polygon", "MultiPolygon"}:
        named = repr(kind[:40]) if isinstance(kind, str) else "something without a type"
        raise AreaRefused(
            f"An area is a Point with a radius, a Polygon or a MultiPolygon, not {named}.",
            field="/geometry/type",
        )
    for member in FOREIGN_MEMBERS:
        if member in geometry:
            raise AreaRefused(
                f"A {kind} has no member {member!r} (RFC 7946 section 7.1).",
                field=f"/geometry/{member}",
            )
    if "crs" in geometry:
        check_crs(geometry["crs"], field="/geometry/crs")
    check_bbox(geometry.get("bbox", [0, 0, 0, 0]), field="/geometry/bbox")
    if "coordinates" not in geometry:
        raise AreaRefused(f"A {kind} needs coordinates.", field="/geometry")
    return kind, geometry["coordinates"]


def check_bbox(value: object, *, field: str) -> None:
    """Refuse a `bbox` member that is not four or six numbers; its values are not used.

    Raises:
        AreaRefused: It is something else.
    """
    whole = is_array(value) and len(value) in {4, 6}
    if not whole or not all(type(number) in {int, float} for number in value):  # type: ignore[attr-defined]
        raise AreaRefused("A bbox is four or six numbers (RFC 7946 section 5).", field=field)


def _read_circle(coordinates: object, radius_m: float | None) -> Circle:
    lon, lat = read_position(coordinates, Spot())
    if radius_m is None:
        raise AreaRefused("A Point needs a radius in metres to be an area.", field="/radius_m")
    if not SMALLEST_RADIUS_M <= radius_m <= LARGEST_RADIUS_M:
        raise AreaRefused("The radius must be within 5 and 50,000 metres.", field="/radius_m")
    if abs(lat) > CIRCLE_LIMIT_DEG:
        raise AreaRefused(
            "A circle's centre must lie within 85 degrees of the equator.",
            field="/geometry/coordinates/1",
        )
    return Circle(Position(lon=lon, lat=lat), float(radius_m))


def _positions(ring: shapely.LinearRing) -> list[list[float]]:
    positions: list[list[float]] = shapely.get_coordinates(ring).tolist()
    return positions


def _circle_ring(circle: Circle) -> NDArray[np.float64]:
    bearings = np.linspace(0.0, -2.0 * pi, CIRCLE_VERTICES, endpoint=False)
    north_m, east_m = circle.radius_m * np.cos(bearings), circle.radius_m * np.sin(bearings)
    rise = np.zeros_like(north_m)
    for _ in range(3):
        # What a degree is worth depends on the middle of the way, and so on its end.
        per_lon_m, per_lat_m = metres_per_degree(circle.centre.lat + rise / 2.0)
        rise = north_m / per_lat_m
    return np.column_stack([circle.centre.lon + east_m / per_lon_m, circle.centre.lat + rise])


def _cut_at_antimeridian(polygon: Polygon) -> MultiPolygon:
    west, _, east, _ = polygon.bounds
    if west >= -LON_LIMIT and east <= LON_LIMIT:
        return MultiPolygon([polygon])
    parts: list[Polygon] = []
    for turn in (-360.0, 0.0, 360.0):
        globe = box(turn - LON_LIMIT, -LAT_LIMIT, turn + LON_LIMIT, LAT_LIMIT)
        part = shapely.intersection(polygon, globe)
        if isinstance(part, Polygon) and part.area > 0.0:
            parts.append(translate(part, xoff=-turn))
    return shapely.orient_polygons(MultiPolygon(parts))


def _span(wests: NDArray[np.float64], easts: NDArray[np.float64]) -> tuple[float, float]:
    """Return the shortest stretch of longitudes that holds all stretches given.

    It is what remains of the circle without the widest gap between two of them.
    """
    order = np.argsort(wests)
    wests, reach = wests[order], np.maximum.accumulate(easts[order])
    gaps = np.append(wests[1:] - reach[:-1], wests[0] + 360.0 - reach[-1])
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 0.0:
        return -180.0, 180.0
    return float(wests[(widest + 1) % len(wests)]), float(reach[widest])


def _equal_area(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    e = sqrt(ECCENTRICITY_SQUARED)
    sine = np.sin(np.radians(degrees[:, 1]))
    q = (1.0 - ECCENTRICITY_SQUARED) * (
        sine / (1.0 - ECCENTRICITY_SQUARED * sine**2) + np.arctanh(e * sine) / e
    )
    return SEMI_MAJOR_AXIS_M * np.column_stack([np.radians(degrees[:, 0]), q / 2.0])
