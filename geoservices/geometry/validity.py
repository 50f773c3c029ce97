"""Whether polygons bound an area, and how those that nearly do are mended."""

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geoservices.geometry.rings import AreaRefused, Ring, Spot, refuse

TOLERANCE = 0.01
"""A mended area may differ from the drawn one by at most this share."""

RULES = {
    "Self-intersection": "the ring crosses itself or another",
    "Ring Self-intersection": "the ring touches itself",
    "Hole lies outside shell": "a hole lies outside its outer ring",
    "Nested holes": "one hole lies within another",
    "Nested shells": "one polygon lies within another",
    "Duplicate Rings": "two rings are the same",
    "Interior is disconnected": "its rings cut the area into pieces",
    "Too few points in geometry component": "the ring encloses no area",
}
"""What GEOS's reasons mean to someone who draws."""


def polygons_of(
    rings: list[list[Ring]], *, multi: bool, repair: bool
) -> tuple[MultiPolygon, tuple[str, ...]]:
    """Return valid polygons with these rings, and what had to be mended for it.

    A ring that goes round the wrong way is turned and not mentioned: RFC 7946 section 3.1.6 asks
    readers not to refuse it, and the area is the same.

    With `repair`, an area that breaks a rule is mended by GEOS (`make_valid`, method
    `structure`: each ring is made valid, holes are cut out of it) if there is hardly any doubt
    what was meant. Both other ways of reading the rings must agree with the result within
    1 %: the area they enclose as drawn (the shoelace formula, so that a loop drawn backwards or
    twice counts as such), and the even-odd rule (`make_valid`, method `linework`), compared by
    the area of the difference. A slip of the pen passes; a bow-tie does not.

    Raises:
        AreaRefused: They cross, lie in one another or are flat, and are not or cannot be mended.
    """
    shape = MultiPolygon([Polygon(shell, holes) for shell, *holes in rings])
    if shape.is_valid:
        return shapely.orient_polygons(shape), ()
    refusal, at = _explain(shape, rings, multi=multi)
    if not repair:
        raise refusal
    mended = _polygonal(shapely.make_valid(shape, method="structure", keep_collapsed=False))
    change = _change(shape, rings, mended)
    if change > TOLERANCE:
        raise AreaRefused(
            f"{refusal} Mending it would change the area by more than 1 %.", field=refusal.field
        )
    told = f"{at}: {_rule(shape)}; mended, the area changed by {change * 100:.2g} %"
    return shapely.orient_polygons(mended), (told,)


def _change(shape: MultiPolygon, rings: list[list[Ring]], mended: MultiPolygon) -> float:
    """Return by which share, at the most, the ways of reading the rings differ."""
    area = mended.area
    if area == 0.0:
        return float("inf")
    even_odd = _polygonal(shapely.make_valid(shape, method="linework"))
    apart = shapely.symmetric_difference(mended, even_odd).area
    return float(max(abs(_drawn_area(rings) - area), apart) / area)


def _drawn_area(rings: list[list[Ring]]) -> float:
    """Return the outer rings' area less the holes', each by the shoelace formula."""
    return sum(_shoelace(shell) - sum(_shoelace(hole) for hole in holes) for shell, *holes in rings)


def _shoelace(ring: Ring) -> float:
    # Measured from a vertex, since degrees far from zero would drown a small area in rounding.
    x, y = (ring - ring[0]).T
    return abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2.0


def _polygonal(shape: BaseGeometry) -> MultiPolygon:
    """Return what is polygonal of a shape; lines and points are dropped."""
    parts = shapely.get_parts(shapely.get_parts([shape]))
    return MultiPolygon([part for part in parts if isinstance(part, Polygon) and part.area > 0.0])


def _explain(
    shape: MultiPolygon, rings: list[list[Ring]], *, multi: bool
) -> tuple[AreaRefused, Spot]:
    where = shapely.is_valid_reason(shape).rstrip("]").partition("[")[2]
    lon, lat = map(float, where.split())
    at = _nearest_edge(rings, lon, lat, multi=multi)
    rule = f"{_rule(shape)} near longitude {lon:.6f}, latitude {lat:.6f}."
    return refuse(rule, at), at


def _rule(shape: MultiPolygon) -> str:
    reason = shapely.is_valid_reason(shape).partition("[")[0]
    return RULES.get(reason, reason)


def _nearest_edge(rings: list[list[Ring]], lon: float, lat: float, *, multi: bool) -> Spot:
    """Return the place of the edge that passes nearest: its first position."""
    point = shapely.Point(lon, lat)
    found: list[tuple[float, tuple[int, ...]]] = []
    for number, polygon in enumerate(rings):
        for index, ring in enumerate(polygon):
            edges = shapely.linestrings(np.stack([ring[:-1], ring[1:]], axis=1))
            apart = shapely.distance(edges, point)
            nearest = int(np.argmin(apart))
            found.append((float(np.min(apart)), (number, index, nearest)))
    path = min(found)[1]
    return Spot(path if multi else path[1:], multi)
