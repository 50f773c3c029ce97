"""GeoJSON becomes an area and comes out again; areas are measured."""

import json
from math import isclose, pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoservices.geometry.areas import (
    AreaRefused,
    Circle,
    Polygonal,
    area_m2,
    bbox,
    check_crs,
    middle,
    read_area,
    size_m,
    to_geojson,
    to_multipolygon,
)
from geoservices.geometry.planar import distance_m
from geoservices.geometry.position import Position
from tests.shapes import FAR, GEOJSON, SQUARE, multi, polygon, read


def geometries(file: Path) -> list[dict[str, Any]]:
    """Every geometry in a file of good GeoJSON, however deep."""
    found: list[dict[str, Any]] = []

    def look(value: object) -> None:
        if isinstance(value, dict):
            if "coordinates" in value:
                found.append(value)
            for member in value.values():
                look(member)
        elif isinstance(value, list):
            for member in value:
                look(member)

    look(json.loads(file.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, id=file.stem) for file in sorted(GEOJSON.glob("[gf]*/*.geojson"))],
)
def test_good_polygons_are_read_and_others_are_told_what_is_wanted(file: Path) -> None:
    """Each geometry of the good conformance files is an area, or named as one that is none."""
    for geometry in geometries(file):
        if geometry["type"] in {"Polygon", "MultiPolygon"}:
            area = read(geometry)
            assert read(to_geojson(area)) == area
        elif geometry["type"] == "Point":
            assert isinstance(read_area(geometry, radius_m=50, max_vertices=4), Circle)
        else:
            with pytest.raises(AreaRefused, match="An area is a Point with a radius"):
                read_area(geometry, max_vertices=100)


@pytest.mark.parametrize(
    ("geometry", "radius_m", "field"),
    [
        pytest.param({"type": "Point", "coordinates": [0, 0]}, None, "/radius_m", id="no radius"),
        pytest.param({"type": "Point", "coordinates": [0, 0]}, 4.9, "/radius_m", id="too small"),
        pytest.param({"type": "Point", "coordinates": [0, 0]}, 50_001, "/radius_m", id="too large"),
        pytest.param({"type": "Point", "coordinates": [0, 0]}, float("nan"), "/radius_m", id="NaN"),
        pytest.param(
            {"type": "Point", "coordinates": [0, 86]}, 50, "/geometry/coordinates/1", id="polar"
        ),
        pytest.param(polygon(SQUARE), 50, "/radius_m", id="a polygon with a radius"),
    ],
)
def test_circles_have_limits(geometry: object, radius_m: float | None, field: str) -> None:
    """5 to 50,000 metres, and not round a pole."""
    with pytest.raises(AreaRefused) as refused:
        read_area(geometry, radius_m=radius_m, max_vertices=100)

    assert refused.value.field == field


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in json.loads((GEOJSON / "rfc7946-antimeridian.json").read_text())["cases"]
        if case.get("geometry", {}).get("type") == "MultiPolygon"
    ],
    ids=lambda case: case["what"],
)
def test_an_area_cut_at_the_antimeridian_stays_as_it_is(case: dict[str, Any]) -> None:
    """RFC 7946 section 3.1.9; its box is narrow and runs over the antimeridian (5.2)."""
    area = read(case["geometry"])

    assert bbox(area) == (170.0, 40.0, -170.0, 50.0)
    assert to_geojson(area)["type"] == "MultiPolygon"
    for lon, lat, inside in case["points"]:
        assert area.polygons.covers(shapely.Point(lon, lat)) is inside


def test_boxes_take_the_short_way_round() -> None:
    """Parts at 170 and -170 degrees are 20 degrees apart, not 340."""
    east = [[lon + 170.0, lat] for lon, lat in SQUARE]
    west = [[lon - 170.0, lat] for lon, lat in SQUARE]

    assert bbox(read(multi([west], [east]))) == (170.0, 50.0, -169.99, 50.01)
    assert bbox(read(multi([SQUARE], [FAR]))) == (0.0, 50.0, 1.01, 50.01)
    band = [
        [[lon, 0], [lon + 120, 0], [lon + 120, 1], [lon, 1], [lon, 0]] for lon in (-180, -60, 60)
    ]
    assert bbox(read(multi(*([ring] for ring in band)), repair=True)) == (-180.0, 0.0, 180.0, 1.0)


@pytest.mark.parametrize("lat", [-85.0, -50.7, 0.0, 60.0, 70.0])
@pytest.mark.parametrize("lon", [-3.5, 180.0, -179.9999])
@pytest.mark.parametrize("radius_m", [5.0, 300.0, 50_000.0])
def test_a_circle_becomes_a_polygon_of_its_radius(lon: float, lat: float, radius_m: float) -> None:
    """64 vertices as far from the centre as the radius says, cut at the antimeridian."""
    circle = Circle(Position(lon=lon, lat=lat), radius_m)

    shape = to_multipolygon(circle)
    vertices = shapely.get_coordinates(shape)
    vertices = vertices[np.abs(vertices[:, 0]) < 180.0]
    apart_m = distance_m(
        np.full(len(vertices), lon), np.full(len(vertices), lat), vertices[:, 0], vertices[:, 1]
    )

    assert shape.is_valid
    assert (np.abs(shapely.get_coordinates(shape)[:, 0]) <= 180.0).all()
    assert all(part.exterior.is_ccw for part in shape.geoms)
    assert len(vertices) >= 62
    np.testing.assert_allclose(apart_m, radius_m, rtol=1e-3)
    assert isclose(area_m2(Polygonal(shape)), area_m2(circle), rel_tol=0.003)


def test_areas_are_measured_in_square_metres() -> None:
    """A degree square at the equator, by Karney's GeographicLib: 12308.78 km²; the whole globe."""
    cell = polygon([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    halves = [
        [[lon, -90], [lon + 120, -90], [lon + 120, 90], [lon, 90], [lon, -90]]
        for lon in (-180, -60, 60)
    ]
    globe = sum(area_m2(read(polygon(ring))) for ring in halves)

    assert isclose(area_m2(read(cell)), 12_308.78e6, rel_tol=1e-4)
    assert isclose(globe, 510.0656e12, rel_tol=1e-6)
    assert size_m(Circle(Position(lon=0, lat=0), 40.0)) == 40.0
    assert isclose(size_m(read(cell)), (12_308.78e6 / pi) ** 0.5, rel_tol=1e-4)


def test_the_middle_lies_within() -> None:
    """The centroid where it is inside, another point where it is not; a circle's centre."""
    ell = [(0, 0), (1, 0), (1, 0.1), (0.1, 0.1), (0.1, 1), (0, 1), (0, 0)]

    centre = middle(read(polygon(SQUARE)))
    assert (centre.lon, centre.lat) == pytest.approx((0.005, 50.005))
    inside = middle(read(polygon(ell)))
    assert shapely.Polygon(ell).contains(shapely.Point(inside.lon, inside.lat))
    assert middle(Circle(Position(lon=1, lat=2), 50)) == Position(lon=1, lat=2)


@pytest.mark.parametrize("crs", ["EPSG:4326", "urn:ogc:def:crs:EPSG::4326"])
def test_a_crs_that_says_wgs84_is_let_pass(crs: str) -> None:
    """Programs write it although RFC 7946 wants no such member."""
    check_crs({"type": "name", "properties": {"name": crs}}, field="/crs")


def test_a_circle_goes_out_as_its_centre() -> None:
    """The radius is told apart from the geometry."""
    circle = read_area({"type": "Point", "coordinates": [1, 2, 3]}, radius_m=5, max_vertices=0)

    assert circle == Circle(Position(lon=1.0, lat=2.0), 5.0)
    assert to_geojson(circle) == {"type": "Point", "coordinates": [1.0, 2.0]}


stars = st.builds(
    lambda lon, lat, radii: [
        [
            lon + radius * float(np.cos(2 * pi * k / len(radii))),
            lat + radius * float(np.sin(2 * pi * k / len(radii))),
        ]
        for k, radius in enumerate(radii)
    ],
    st.floats(-178, 178),
    st.floats(-88, 88),
    st.lists(st.floats(0.01, 1.0), min_size=5, max_size=40),
)


@given(stars)
def test_any_star_survives_the_round_trip(star: list[list[float]]) -> None:
    """Read, written and read again it is the same; the other way round it covers the same."""
    ring = [*star, star[0]]

    area = read(polygon(ring))

    assert read(to_geojson(area)) == area
    turned = read(polygon(ring[::-1]))
    assert isclose(area_m2(turned), area_m2(area), rel_tol=1e-9)
    west, south, east, north = bbox(area)
    assert (west, south, east, north) == area.polygons.bounds
