"""Crossing rings are refused, or mended where hardly any area changes."""

import gzip
import json
from math import isclose

import pytest
import shapely

from geoservices.geometry.areas import (
    AreaRefused,
)
from tests.shapes import (
    BOW_TIE,
    DATA,
    FAR,
    SLIP,
    SQUARE,
    multi,
    polygon,
    read,
)


def test_a_slip_of_the_pen_is_mended_only_on_request() -> None:
    """A crossing that hardly changes the area is mended and told, at import alone."""
    with pytest.raises(AreaRefused, match=r"crosses itself or another near longitude 0\.0050"):
        read(polygon(SLIP))

    area = read(polygon(SLIP), repair=True)

    assert area.polygons.is_valid
    assert isclose(area.polygons.area, 0.0001, rel_tol=1e-4)
    assert len(area.repairs) == 1
    assert "crosses itself" in area.repairs[0]
    assert "mended, the area changed by" in area.repairs[0]


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(polygon(BOW_TIE), id="bow-tie"),
        pytest.param(polygon([*SQUARE, *SQUARE[1:]]), id="drawn round twice"),
        pytest.param(polygon(SQUARE, FAR), id="hole far outside"),
        pytest.param(
            multi([SQUARE], [[[lon + 0.005, lat] for lon, lat in SQUARE]]), id="half overlapping"
        ),
    ],
)
def test_doubtful_areas_are_not_mended(geometry: object) -> None:
    """Where the ways of reading the rings differ by more than 1 %, nobody guesses."""
    with pytest.raises(AreaRefused, match="more than 1 %"):
        read(geometry, repair=True)


def test_every_invalid_outline_of_the_real_set_is_mended() -> None:
    """94 outlines spoilt by rounding: refused when drawn, mended at import, hardly changed."""
    with gzip.open(DATA / "lsoa" / "invalid-and-valid.geojsonl.gz", "rt", encoding="utf-8") as file:
        outlines = [json.loads(line)["geometry"] for line in file]

    areas = [read(outline, repair=True) for outline in outlines]

    assert [bool(area.repairs) for area in areas] == [False] * 6 + [True] * 94
    assert all(area.polygons.is_valid for area in areas)
    for outline, area in zip(outlines[6:], areas[6:], strict=True):
        with pytest.raises(AreaRefused):
            read(outline)
        exact = shapely.make_valid(shapely.from_geojson(json.dumps(outline))).area
        assert isclose(area.polygons.area, exact, rel_tol=0.01)
