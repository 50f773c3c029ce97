"""Areas go to the database and come back the same."""

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoservices.geometry.areas import Circle, Polygonal
from geoservices.geometry.position import Position
from geoservices.geometry.storage import from_wkb, point_ewkt, to_ewkt, to_wkb

SQUARE = shapely.box(0, 50, 0.01, 50.01)
HOLE = shapely.box(0.002, 50.002, 0.004, 50.004)
COURT = shapely.Polygon(SQUARE.exterior, [HOLE.exterior])
AREA = Polygonal(shapely.MultiPolygon([COURT, shapely.box(1, 50, 2, 51)]))


def test_areas_come_back_as_they_were() -> None:
    """Binary or hexadecimal; what is no multipolygon was never ours."""
    assert from_wkb(to_wkb(AREA)) == AREA
    assert from_wkb(to_wkb(AREA).hex()) == AREA
    with pytest.raises(TypeError):
        from_wkb(shapely.to_wkb(SQUARE))


def test_text_holds_parts_and_holes() -> None:
    """As PostGIS reads it, with the reference system in front."""
    srid, _, text = to_ewkt(AREA).partition(";")

    assert srid == "SRID=4326"
    assert shapely.from_wkt(text) == AREA.polygons
    circle = Circle(Position(lon=180.0, lat=0.0), 100.0)
    assert to_ewkt(circle).count("((") == 2


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_text_loses_nothing(lon: float, lat: float) -> None:
    """Every bit of a number is in it."""
    numbers = point_ewkt(Position(lon=lon, lat=lat)).removeprefix("SRID=4326;POINT(")[:-1]

    assert [float(number) for number in numbers.split()] == [lon, lat]
