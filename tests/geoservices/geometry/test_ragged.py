"""Well-known binary, read by a compiled loop, held against Shapely."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

from geoservices.geometry.ragged import Ragged

SQUARE = MultiPolygon([box(0, 0, 1, 1)])
COORDINATES = st.floats(-180, 180)


@st.composite
def rings(draw: st.DrawFn) -> list[tuple[float, float]]:
    """A closed ring of any shape; whether it is valid does not matter to a reader."""
    return draw(st.lists(st.tuples(COORDINATES, COORDINATES), min_size=3, max_size=20))


POLYGONS = st.builds(Polygon, rings(), st.lists(rings(), max_size=3))
AREAS = st.builds(MultiPolygon, st.lists(POLYGONS, min_size=1, max_size=4))


@given(st.lists(AREAS, min_size=1, max_size=6))
def test_every_vertex_and_every_part_is_where_shapely_has_it(areas: list[MultiPolygon]) -> None:
    """Holes and islands, to the last bit."""
    read = Ragged.of([shapely.to_wkb(area, byte_order=1) for area in areas])

    _type, lonlat, (rings_, polygons, ends) = shapely.to_ragged_array(areas)
    assert np.array_equal(read.lonlat, lonlat)
    assert read.rings.tolist() == rings_.tolist()
    assert read.polygons.tolist() == polygons.tolist()
    assert read.areas.tolist() == ends.tolist()
    bounds, sizes = read.bounds_and_size()
    of_each = [shapely.get_coordinates(area) for area in areas]
    assert bounds.tolist() == [[*one.min(axis=0), *one.max(axis=0)] for one in of_each]
    assert sizes == pytest.approx(shapely.area(areas), rel=1e-9, abs=1e-8)


def test_none_are_none() -> None:
    """A table of circles alone has no areas."""
    read = Ragged.of([])

    assert (len(read.lonlat), len(read.rings), len(read.areas)) == (0, 1, 1)
    assert len(read.bounds_and_size()[0]) == 0


def test_a_small_area_far_from_the_origin_keeps_its_digits() -> None:
    """The size of a kiosk in Fiji is not lost between two large products."""
    kiosk = MultiPolygon([box(179.99, -17.00001, 179.99001, -17.0)])

    _bounds, [size] = Ragged.of([shapely.to_wkb(kiosk)]).bounds_and_size()

    assert size == pytest.approx(shapely.area(kiosk), rel=1e-9)


@pytest.mark.parametrize(
    "wkb",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(shapely.to_wkb(SQUARE, byte_order=0), id="big-endian"),
        pytest.param(shapely.to_wkb(SQUARE.geoms[0]), id="a polygon"),
        pytest.param(shapely.to_wkb(Point(1, 2)), id="a point"),
        pytest.param(shapely.to_wkb(shapely.force_3d(SQUARE)), id="heights"),
        pytest.param(
            shapely.to_wkb(shapely.set_srid(SQUARE, 4326), include_srid=True), id="a system"
        ),
        pytest.param(shapely.to_wkb(SQUARE)[:-1], id="cut off"),
        pytest.param(shapely.to_wkb(SQUARE)[:20], id="cut off before a ring"),
        pytest.param(shapely.to_wkb(SQUARE) + b"\0", id="more than one"),
    ],
)
def test_anything_else_is_refused(wkb: bytes) -> None:
    """Before a byte beyond the end is read, whatever the counts say."""
    good = shapely.to_wkb(SQUARE)

    with pytest.raises(ValueError, match="well-known binary"):
        Ragged.of([wkb, good])
    with pytest.raises(ValueError, match="well-known binary"):
        Ragged.of([good, wkb])
