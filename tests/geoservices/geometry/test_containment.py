"""Where a circle of accuracy lies: wholly inside, wholly outside, or on the edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.geometry.containment import Containment, locate

INSIDE, UNCERTAIN, OUTSIDE = Containment.INSIDE, Containment.UNCERTAIN, Containment.OUTSIDE


@pytest.mark.parametrize(
    ("distance_m", "accuracy_m", "expected"),
    [
        pytest.param(-10, 5, INSIDE, id="deep inside"),
        pytest.param(-5, 5, INSIDE, id="the circle touches the edge from inside"),
        pytest.param(-4, 5, UNCERTAIN, id="the circle reaches out"),
        pytest.param(0, 5, UNCERTAIN, id="on the edge"),
        pytest.param(4, 5, UNCERTAIN, id="the circle reaches in"),
        pytest.param(5, 5, UNCERTAIN, id="the circle touches the edge from outside"),
        pytest.param(5.1, 5, OUTSIDE, id="clear of the edge"),
        pytest.param(0, 0, INSIDE, id="a point on the edge is covered"),
        pytest.param(0.1, 0, OUTSIDE, id="a point just outside"),
    ],
)
def test_a_circle_is_located(distance_m: float, accuracy_m: float, expected: Containment) -> None:
    """Distance is negative inside; the edge belongs to the area."""
    assert locate(distance_m, accuracy_m) is expected


@given(st.floats(-1e6, 1e6), st.floats(0, 1e4), st.floats(0, 1e4))
def test_a_worse_accuracy_never_makes_more_certain(
    distance_m: float, accuracy_m: float, more_m: float
) -> None:
    """What is uncertain stays so, and inside never turns into outside."""
    better, worse = locate(distance_m, accuracy_m), locate(distance_m, accuracy_m + more_m)

    assert worse in {better, UNCERTAIN}


@given(st.floats(-1e6, 1e6))
def test_with_a_perfect_accuracy_it_is_plain_inside_or_outside(distance_m: float) -> None:
    """A circle of no size is a point."""
    assert locate(distance_m, 0.0) is (INSIDE if distance_m <= 0 else OUTSIDE)
