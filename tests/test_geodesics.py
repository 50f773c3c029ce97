"""The tests' own yardstick, held against published lines before anything is held against it."""

from math import degrees

import pytest

from tests.geodesics import A_M, geodesic_m


def dms(degree: int, minute: int, second: float) -> float:
    """Return degrees from degrees, minutes and seconds, the sign on the degrees."""
    sign = -1 if degree < 0 else 1
    return sign * (abs(degree) + minute / 60 + second / 3600)


@pytest.mark.parametrize(
    ("line", "length_m", "tolerance_m"),
    [
        pytest.param(
            (
                dms(144, 25, 29.52440),
                dms(-37, 57, 3.72030),
                dms(143, 55, 35.38390),
                dms(-37, 39, 10.15610),
            ),
            54_972.271,
            0.001,
            id="Flinders Peak to Buninyong, GDA technical manual",
        ),
        pytest.param((0, 0, degrees(1 / A_M), 0), 1.0, 1e-6, id="one metre of the equator"),
        pytest.param((0, 0, 1, 0), 111_319.4908, 0.0001, id="one degree of the equator"),
        pytest.param((7, 0, 7, 90), 10_001_965.7293, 0.001, id="a quarter of a meridian"),
        pytest.param((179.5, 0, -179.5, 0), 111_319.4908, 0.0001, id="over the antimeridian"),
        pytest.param((1, 2, 1, 2), 0.0, 0.0, id="a point to itself"),
    ],
)
def test_the_yardstick_agrees_with_published_lines(
    line: tuple[float, float, float, float], length_m: float, tolerance_m: float
) -> None:
    """Vincenty's formula as written here gives the lengths that others publish."""
    assert geodesic_m(*line) == pytest.approx(length_m, abs=tolerance_m)
