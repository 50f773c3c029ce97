"""Boxes across the antimeridian and round the poles."""

from math import asin, cos, radians, sin, sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geoservices.geometry.boxes import Bbox, BboxRefused, centre_and_reach, check_box, halves

LONS, LATS = st.floats(-180, 180), st.floats(-90, 90)


def sphere_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Return the great-circle distance (haversine), to hold the reach against."""
    phi_a, phi_b = radians(lat_a), radians(lat_b)
    half = sin((phi_b - phi_a) / 2) ** 2
    half += cos(phi_a) * cos(phi_b) * sin(radians(lon_b - lon_a) / 2) ** 2
    return 2 * 6_371_008.8 * asin(min(1.0, sqrt(half)))


@given(LONS, LATS, LONS, LATS, st.floats(0, 1), st.floats(0, 1))
def test_every_point_of_a_box_is_within_reach_of_its_centre(
    west: float, south: float, east: float, north: float, right: float, up: float
) -> None:
    """So the index may look round the centre alone."""
    assume(south <= north)
    width = east - west if west <= east else east - west + 360
    lon, lat = west + right * width, south + up * (north - south)

    centre, reach_m = centre_and_reach((west, south, east, north))

    assert -180 <= centre.lon <= 180
    assert sphere_m(centre.lon, centre.lat, lon, lat) <= reach_m


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        pytest.param((1, 2, 3, 4), [(1, 2, 3, 4)], id="plain"),
        pytest.param(
            (177, -20, -178, -16), [(177, -20, 180, -16), (-180, -20, -178, -16)], id="Fiji"
        ),
        pytest.param(
            (-180, 60, 0, 90), [(-180, 60, 0, 90), (180, 60, 180, 90)], id="from the antimeridian"
        ),
        pytest.param(
            (0, 60, 180, 90), [(0, 60, 180, 90), (-180, 60, -180, 90)], id="to the antimeridian"
        ),
    ],
)
def test_boxes_are_parted_at_the_antimeridian(bbox: Bbox, expected: list[Bbox]) -> None:
    """RFC 7946 section 5.2; and -180 and 180 degrees are the same meridian."""
    assert halves(bbox) == expected


@pytest.mark.parametrize(
    "bbox",
    [
        pytest.param((0, 10, 1, 5), id="south of north"),
        pytest.param((-181, 0, 0, 1), id="west out of range"),
        pytest.param((0, -91, 1, 1), id="south out of range"),
        pytest.param((0, 0, float("nan"), 1), id="east is NaN"),
        pytest.param((0, float("nan"), 1, 1), id="south is NaN"),
    ],
)
def test_what_is_no_box_is_refused(bbox: Bbox) -> None:
    """Out of range, upside down or not a number."""
    with pytest.raises(BboxRefused):
        check_box(bbox)
