"""What one position shows of one geofence."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.visits.sights import PresenceRules, Sight, sights
from tests.staying import RULES, SIZE_M, sight

REACH = replace(RULES, reach_m=50.0)
METRES = st.floats(-500, 500)
ACCURACIES = st.floats(0.1, 500)


@pytest.mark.parametrize(
    ("distance_m", "accuracy_m", "expected"),
    [
        pytest.param(-20, 8, Sight.CLEAR, id="the whole circle inside"),
        pytest.param(-36, 20, Sight.CLEAR, id="just the whole larger circle"),
        pytest.param(-35.9, 20, Sight.MARGINAL, id="not quite the larger one"),
        pytest.param(-20, 2.9, Sight.MARGINAL, id="better than is credible"),
        pytest.param(-5, 20, Sight.MARGINAL, id="the centre inside"),
        pytest.param(0, 8, Sight.MARGINAL, id="on the edge is inside"),
        pytest.param(-500, 201, Sight.UNCERTAIN, id="inside, but too vague for an arrival"),
        pytest.param(0.1, 8, Sight.TOUCHING, id="just outside, and its circle reaches in"),
        pytest.param(8, 8, Sight.TOUCHING, id="its circle just touches"),
        pytest.param(20, 201, Sight.UNCERTAIN, id="touches, but too vague for an arrival"),
        pytest.param(8.1, 8, Sight.OUTSIDE, id="the whole circle outside"),
        pytest.param(37.5, 8, Sight.OUTSIDE, id="outside by the larger circle and the margin"),
        pytest.param(37.7, 8, Sight.FAR, id="by more"),
        pytest.param(239.9, 5000, Sight.UNCERTAIN, id="vague, and not beyond cap and margin"),
        pytest.param(240.1, 5000, Sight.FAR, id="beyond, though its circle reaches in"),
        pytest.param(float("inf"), 8, Sight.FAR, id="nowhere near"),
    ],
)
def test_a_position_shows(distance_m: float, accuracy_m: float, expected: Sight) -> None:
    """The limits, each from both sides, of a geofence of 30 m."""
    assert sight(distance_m, accuracy_m) is expected


@pytest.mark.parametrize(
    ("distance_m", "accuracy_m", "expected"),
    [
        pytest.param(20, 20, Sight.REACHING, id="its circle just reaches in"),
        pytest.param(50, 80, Sight.REACHING, id="just near enough"),
        pytest.param(50.1, 80, Sight.TOUCHING, id="not near enough"),
        pytest.param(20.1, 20, Sight.OUTSIDE, id="does not reach in"),
        pytest.param(20, 201, Sight.UNCERTAIN, id="too vague for an arrival"),
        pytest.param(0, 20, Sight.MARGINAL, id="inside is more than reaching"),
    ],
)
def test_in_reach_mode_it_may_reach_in(
    distance_m: float, accuracy_m: float, expected: Sight
) -> None:
    """Up to 50 m, and never further than its own circle."""
    assert sight(distance_m, accuracy_m, rules=REACH) is expected


@given(st.lists(st.tuples(METRES, ACCURACIES, st.floats(1, 2000), st.booleans()), min_size=1))
def test_a_batch_is_judged_as_each_by_itself(
    rows: list[tuple[float, float, float, bool]],
) -> None:
    """Neighbours in a column have nothing to do with one another."""
    columns = (np.array(column) for column in zip(*rows, strict=True))
    distance_m, accuracy_m, size_m, suspect = columns

    together = sights(distance_m, accuracy_m, size_m, rules=REACH, suspect=suspect)

    assert together.dtype == np.uint8
    assert [Sight(code) for code in together] == [
        Sight(
            sights(
                *(np.array([value]) for value in row[:3]), rules=REACH, suspect=np.array([row[3]])
            )[0]
        )
        for row in rows
    ]


@given(METRES, ACCURACIES, st.sampled_from([RULES, REACH]))
def test_suspicion_lowers_a_sight_and_never_raises_it(
    distance_m: float, accuracy_m: float, rules: PresenceRules
) -> None:
    """It is never clear; a position that was not clear shows what it showed."""
    columns = [np.array([value]) for value in (distance_m, accuracy_m, SIZE_M)]

    plain = sights(*columns, rules=rules)[0]
    suspected = sights(*columns, rules=rules, suspect=np.array([True]))[0]

    assert suspected == min(plain, Sight.MARGINAL)


@given(METRES, METRES, ACCURACIES, st.sampled_from([RULES, REACH]))
def test_further_out_shows_no_more_presence(
    one_m: float, other_m: float, accuracy_m: float, rules: PresenceRules
) -> None:
    """With the same accuracy; a position too vague for arrivals shows the same far within."""
    nearer, further = sorted((one_m, other_m))

    assert sight(nearer, accuracy_m, rules=rules) >= sight(further, accuracy_m, rules=rules)


@given(METRES)
def test_without_noise_it_is_point_in_polygon(distance_m: float) -> None:
    """No margin, no error, any claim believed: inside or far outside, and nothing between."""
    exact = replace(
        RULES,
        credible_accuracy_m=0,
        exit_margin_m=0,
        exit_margin_share=0,
        silence=timedelta(days=1),
    )

    shown = sight(distance_m, 0.0, rules=exact)

    assert shown is (Sight.CLEAR if distance_m <= 0 else Sight.FAR)
