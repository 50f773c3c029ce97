"""Coordinates are refused with the rule and the place where it was broken."""

import json
from math import pi

import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st

from geoservices.errors import ErrorKind
from geoservices.geometry.areas import (
    AreaRefused,
    Polygonal,
    area_m2,
    read_area,
)
from tests.shapes import (
    BOW_TIE,
    FAR,
    GEOJSON,
    HOLE,
    SQUARE,
    altered,
    multi,
    polygon,
    read,
)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("bad-featurelist", "/geometry/coordinates/0"),
        ("bad-object-type", "/geometry/type"),
        ("badcoord", "/geometry/coordinates/2"),
        ("bbox-4or6elements", "/geometry/bbox"),
        ("bbox-contains-string", "/geometry/bbox"),
        ("bbox-string", "/geometry/bbox"),
        ("different-first-last", "/geometry/coordinates/0/3"),
        ("different-first-size", "/geometry/coordinates/1/0/4"),
        ("false", "/geometry/type"),
        ("geometry_changed_semantics", "/geometry/geometry"),
        ("geometrycollection_nested", "/geometry/type"),
        ("multipoint-multidimension", "/geometry/type"),
        ("multipoint-nocoordinates", "/geometry/type"),
        ("multipoint-nondimension", "/geometry/type"),
        ("notype", "/geometry/type"),
        ("point", "/geometry"),
        ("point-string", "/geometry/coordinates/0"),
        ("point-toofew", "/geometry/coordinates"),
        ("point-toomany", "/geometry/coordinates"),
        ("rootstring", "/geometry"),
        ("short-line", "/geometry/type"),
        ("short-linearring", "/geometry/coordinates/0"),
        ("short-multilinestring", "/geometry/type"),
        ("unknowntype", "/geometry/type"),
    ],
)
def test_bad_geometries_are_refused_where_they_are_bad(name: str, field: str) -> None:
    """The bad conformance files that are geometries; those that are features are in geodata."""
    geometry = json.loads((GEOJSON / "bad" / f"{name}.geojson").read_text(encoding="utf-8"))

    with pytest.raises(AreaRefused) as refused:
        read_area(
            geometry,
            radius_m=50 if isinstance(geometry, dict) and geometry.get("type") == "Point" else None,
            max_vertices=100,
            repair=True,
        )

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("geometry", "field", "told"),
    [
        pytest.param(None, "/geometry", "an object with a type", id="null"),
        pytest.param([], "/geometry", "an object with a type", id="array"),
        pytest.param(
            {"type": "Feature"}, "/geometry/type", "not 'Feature'", id="a feature, no geometry"
        ),
        pytest.param({"type": "Polygon"}, "/geometry", "needs coordinates", id="no coordinates"),
        pytest.param(polygon(), "/geometry/coordinates", "must not be empty", id="no rings"),
        pytest.param(polygon([]), "/geometry/coordinates/0", "this has 0", id="empty ring"),
        pytest.param(multi(), "/geometry/coordinates", "must not be empty", id="no polygons"),
        pytest.param(multi([]), "/geometry/coordinates/0", "must not be empty", id="of nothing"),
        pytest.param(
            {"type": "Polygon", "coordinates": "0 0"},
            "/geometry/coordinates",
            "an array of rings",
            id="text for coordinates",
        ),
        pytest.param(
            polygon(SQUARE[:4]), "/geometry/coordinates/0/3", "ends where it began", id="unclosed"
        ),
        pytest.param(
            polygon(SQUARE, HOLE[:4]),
            "/geometry/coordinates/1/3",
            "Ring 2, position 4",
            id="unclosed hole",
        ),
        pytest.param(
            polygon(altered(SQUARE, 2, [0.01, True])),
            "/geometry/coordinates/0/2/1",
            "numbers only",
            id="boolean",
        ),
        pytest.param(
            polygon(altered(SQUARE, 2, [0.01, "50.01"])),
            "/geometry/coordinates/0/2/1",
            "numbers only",
            id="string",
        ),
        pytest.param(
            polygon(altered(SQUARE, 1, [float("nan"), 50.0])),
            "/geometry/coordinates/0/1/0",
            "finite",
            id="NaN",
        ),
        pytest.param(
            polygon(altered(SQUARE, 1, [0.01, 50.0, float("inf")])),
            "/geometry/coordinates/0/1/2",
            "finite",
            id="infinite altitude",
        ),
        pytest.param(
            polygon(altered(SQUARE, 1, [10**400, 50])),
            "/geometry/coordinates/0/1/0",
            "finite",
            id="an integer beyond floats",
        ),
        pytest.param(
            polygon(altered(SQUARE, 1, [0.01])),
            "/geometry/coordinates/0/1",
            "longitude, latitude",
            id="one number",
        ),
        pytest.param(
            polygon([[*position, 0, 0] for position in SQUARE]),
            "/geometry/coordinates/0/0",
            "longitude, latitude",
            id="four numbers each",
        ),
        pytest.param(
            polygon([SQUARE[0], 5]), "/geometry/coordinates/0/1", "array", id="a number in a ring"
        ),
        pytest.param(polygon(None), "/geometry/coordinates/0", "array of positions", id="no ring"),
        pytest.param(
            polygon(altered(SQUARE, 1, None)),
            "/geometry/coordinates/0/1",
            "array",
            id="null",
        ),
        pytest.param(
            polygon([[50.0, 170.0], [51.0, 170.0], [51.0, 171.0], [50.0, 170.0]]),
            "/geometry/coordinates/0/0",
            "looks like latitude first",
            id="latitude first",
        ),
        pytest.param(
            polygon(altered(SQUARE, 2, [200.0, 100.0])),
            "/geometry/coordinates/0/2",
            "within -180 and 180",
            id="out of every range",
        ),
        pytest.param(polygon(BOW_TIE), "/geometry/coordinates/0/0", "crosses itself", id="bow-tie"),
        pytest.param(
            polygon(SQUARE, FAR),
            "/geometry/coordinates",
            "outside its outer ring",
            id="hole outside",
        ),
        pytest.param(
            multi([SQUARE], [SQUARE]),
            "/geometry/coordinates",
            "itself",
            id="twice",
        ),
        pytest.param(
            polygon([[0, 50], [1, 51], [0, 50], [0, 50]]),
            "/geometry/coordinates",
            "no area",
            id="flat",
        ),
        pytest.param(
            polygon([[0, 50], [1e-6, 50], [1e-6, 50.000001], [0, 50]]),
            "/geometry/coordinates",
            "less than 1 m²",
            id="a speck",
        ),
        pytest.param(
            polygon([[170, 40], [-170, 40], [-170, 50], [170, 50], [170, 40]]),
            "/geometry/coordinates/0/1",
            "cut an area that crosses",
            id="jumps over the antimeridian",
        ),
        pytest.param(
            {**polygon(SQUARE), "crs": {"type": "name", "properties": {"name": "EPSG:27700"}}},
            "/geometry/crs",
            "WGS 84",
            id="on the British National Grid",
        ),
        pytest.param({**polygon(SQUARE), "crs": None}, "/geometry/crs", "WGS 84", id="null crs"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_rule(
    geometry: object, field: str, told: str
) -> None:
    """The message names the rule, the pointer the place; repair makes no difference."""
    for repair in (False, True):
        with pytest.raises(AreaRefused, match=told) as refused:
            read_area(geometry, max_vertices=20_000, repair=repair)

        assert refused.value.field is not None
        assert refused.value.field.startswith(field)
        assert (refused.value.kind, refused.value.code) == (ErrorKind.INVALID, "area-refused")


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(polygon(altered(SQUARE, 1, [0.01, 50.0, 12.5])), id="one altitude"),
        pytest.param(polygon([(lon, lat) for lon, lat in SQUARE]), id="tuples"),
        pytest.param(polygon([[*position, 7] for position in SQUARE]), id="all with altitude"),
        pytest.param(polygon([SQUARE[0], *SQUARE]), id="a position twice"),
        pytest.param(polygon(SQUARE[::-1]), id="clockwise"),
        pytest.param({**polygon(SQUARE), "bbox": [0, 50, 0.01, 50.01]}, id="with bbox"),
        pytest.param(
            {
                **polygon(SQUARE),
                "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
            },
            id="WGS 84 said aloud",
        ),
    ],
)
def test_what_is_only_unusual_is_the_same_square(geometry: object) -> None:
    """Altitudes, repetitions and the wrong way round change nothing and are no repairs."""
    area = read(geometry)

    assert area.polygons.equals(shapely.MultiPolygon([shapely.Polygon(SQUARE)]))
    assert area.repairs == ()
    assert area.polygons.geoms[0].exterior.is_ccw


def test_too_many_vertices_are_refused_before_anything_is_computed() -> None:
    """A ring of 100,001 positions is counted, not looked at."""
    ring = [["not even a number"]] * 100_001

    with pytest.raises(AreaRefused, match="100,001 positions are more than the 20,000 allowed"):
        read_area(polygon(ring), max_vertices=20_000)


def test_a_real_polygon_of_100_000_vertices_is_read_where_allowed() -> None:
    """The limit is the caller's."""
    turn = np.linspace(0.0, 2.0 * pi, 100_000, endpoint=False)
    ring = np.column_stack([np.cos(turn) * 0.1, 50.0 + np.sin(turn) * 0.1]).tolist()

    area = read_area(polygon([*ring, ring[0]]), max_vertices=100_001)

    assert isinstance(area, Polygonal)
    assert area.vertices == 100_001


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)
numbers = st.sampled_from([0, 0.5, 1, 1.5, 2, True, None, "1", 181.0, float("nan"), [0, 0]])


@given(
    st.one_of(
        json_values,
        st.builds(
            lambda kind, coordinates: {"type": kind, "coordinates": coordinates},
            st.sampled_from(["Point", "Polygon", "MultiPolygon"]),
            json_values,
        ),
        st.builds(polygon, st.lists(st.lists(numbers, min_size=2, max_size=3), max_size=8)),
        st.builds(
            lambda ring: polygon([*ring, ring[0]]),
            st.lists(
                st.lists(st.sampled_from([0, 1, 2, 3, 0.5]), min_size=2, max_size=2),
                min_size=3,
                max_size=9,
            ),
        ),
    ),
    st.booleans(),
)
@example(polygon([[0, 0], [0, 0], [0, 0], [0, 0]]), True)
def test_nothing_but_a_refusal_comes_of_rubbish(geometry: object, repair: bool) -> None:  # noqa: FBT001
    """Whatever JSON holds, it is read as a valid area or refused; nothing else is raised."""
    try:
        area = read_area(geometry, radius_m=None, max_vertices=100, repair=repair)
    except AreaRefused as refused:
        assert refused.field  # noqa: PT017
    else:
        assert isinstance(area, Polygonal)
        assert area.polygons.is_valid
        assert area_m2(area) >= 1.0
