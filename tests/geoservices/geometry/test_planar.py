"""Flat maps held against geodesics: true to 0.1 % at 10 km, up to 70 degrees of latitude."""

from math import cos, radians, sin

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geoservices.geometry.planar import degrees_between, distance_m, metres_per_degree
from tests.geodesics import geodesic_m

LONGITUDES = st.floats(-180, 180)
LATITUDES = st.floats(-70, 70)
BEARINGS = st.floats(0, 360)


def destination(
    lon: float, lat: float, *, bearing_deg: float, length_m: float
) -> tuple[float, float]:
    """Return a point about that far off; a sphere will do, since the length is measured again."""
    north = length_m * cos(radians(bearing_deg)) / 111_000
    east = length_m * sin(radians(bearing_deg)) / (111_000 * cos(radians(lat + north)))
    return (lon + east + 180) % 360 - 180, lat + north


def flat_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Return the distance between two points, one pair of arrays of one."""
    return float(distance_m(*(np.array([number]) for number in (lon_a, lat_a, lon_b, lat_b)))[0])


@given(LONGITUDES, LATITUDES, BEARINGS, st.floats(1, 10_000))
@example(180.0, 0.0, 90.0, 10_000.0)
@example(-180.0, 70.0, 270.0, 10_000.0)
@example(179.999, -70.0, 45.0, 9_999.0)
@example(0.0, 0.0, 0.0, 1.0)
def test_a_distance_is_true_to_a_tenth_of_a_per_cent_up_to_ten_kilometres(
    lon: float, lat: float, bearing_deg: float, length_m: float
) -> None:
    """Any direction, any latitude up to 70 degrees, across the antimeridian as well."""
    there = destination(lon, lat, bearing_deg=bearing_deg, length_m=length_m)

    assert flat_m(lon, lat, *there) == pytest.approx(geodesic_m(lon, lat, *there), rel=1e-3)


@given(LONGITUDES, LATITUDES, BEARINGS, st.floats(1, 10_000))
@example(180.0, 70.0, 45.0, 10_000.0)
def test_a_map_laid_at_a_point_is_true_round_it(
    lon: float, lat: float, bearing_deg: float, length_m: float
) -> None:
    """Degrees times what they are worth at the origin give the distance from it."""
    there_lon, there_lat = destination(lon, lat, bearing_deg=bearing_deg, length_m=length_m)

    per_lon_m, per_lat_m = metres_per_degree(np.array([lat]))
    east = degrees_between(np.array([there_lon]), np.array([lon])) * per_lon_m
    north = (there_lat - lat) * per_lat_m

    true_m = geodesic_m(lon, lat, there_lon, there_lat)
    assert np.hypot(east, north)[0] == pytest.approx(true_m, rel=1.05e-3)


@given(LONGITUDES, LATITUDES, LONGITUDES, LATITUDES)
def test_a_distance_is_the_same_both_ways_and_never_negative(
    lon_a: float, lat_a: float, lon_b: float, lat_b: float
) -> None:
    """There and back are equally far."""
    there = flat_m(lon_a, lat_a, lon_b, lat_b)

    assert there >= 0
    assert flat_m(lon_b, lat_b, lon_a, lat_a) == pytest.approx(there, abs=1e-6)


@pytest.mark.parametrize(
    ("lon", "origin_lon", "expected"),
    [
        pytest.param(1.0, 0.0, 1.0, id="east"),
        pytest.param(-1.0, 0.0, -1.0, id="west"),
        pytest.param(-179.5, 179.5, 1.0, id="east over the antimeridian"),
        pytest.param(179.5, -179.5, -1.0, id="west over the antimeridian"),
        pytest.param(180.0, -180.0, 0.0, id="both names of the antimeridian"),
        pytest.param(541.0, 179.0, 2.0, id="more than once round"),
    ],
)
def test_longitudes_differ_the_short_way_round(
    lon: float, origin_lon: float, expected: float
) -> None:
    """Never more than half a turn."""
    found = degrees_between(np.array([lon]), np.array([origin_lon]))

    assert found[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("lat", "per_lon_m", "per_lat_m"),
    [
        pytest.param(0, 111_319.49, 110_574.28, id="at the equator"),
        pytest.param(45, 78_846.81, 111_131.78, id="half-way to the pole"),
        pytest.param(60, 55_800.00, 111_412.27, id="where Shetland lies"),
    ],
)
def test_a_degree_is_worth_what_the_ellipsoid_makes_it_worth(
    lat: float, per_lon_m: float, per_lat_m: float
) -> None:
    """Snyder's radii, against metres that a geodesic over a thousandth of a degree gives."""
    east, north = metres_per_degree(np.array([float(lat)]))

    assert east[0] == pytest.approx(geodesic_m(0, lat, 0.001, lat) * 1000, rel=1e-7)
    assert north[0] == pytest.approx(geodesic_m(0, lat - 5e-4, 0, lat + 5e-4) * 1000, rel=1e-7)
    assert east[0] == pytest.approx(per_lon_m, rel=1e-5)
    assert north[0] == pytest.approx(per_lat_m, rel=1e-5)


def test_many_pairs_are_measured_at_once() -> None:
    """One call answers for whole arrays, and a single origin is spread over them."""
    lon, lat = np.array([0.0, 1.0, 2.0]), np.array([50.0, 50.0, 50.0])

    found = distance_m(np.array(0.0), np.array(50.0), lon, lat)

    assert found.shape == (3,)
    assert found[0] == 0
    assert found[2] == pytest.approx(2 * found[1])
