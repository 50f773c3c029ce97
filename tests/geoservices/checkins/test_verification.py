"""How much speaks for a check-in made by a button."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.checkins.verification import Evidence, verify


@pytest.mark.parametrize(
    ("distance_m", "accuracy_m", "expected"),
    [
        pytest.param(None, 5, Evidence.SELF_DECLARED, id="no position, or nothing to measure"),
        pytest.param(-20, 8, Evidence.INSIDE, id="clearly inside"),
        pytest.param(-3, 50, Evidence.INSIDE, id="probably inside"),
        pytest.param(0, 8, Evidence.INSIDE, id="on the line"),
        pytest.param(5, 8, Evidence.NEAR, id="outside by less than the accuracy"),
        pytest.param(8, 8, Evidence.NEAR, id="outside by just the accuracy"),
        pytest.param(8.1, 8, Evidence.SELF_DECLARED, id="outside beyond doubt"),
        pytest.param(-20, 200, Evidence.INSIDE, id="just accurate enough to prove anything"),
        pytest.param(-20, 201, Evidence.SELF_DECLARED, id="too inaccurate to prove anything"),
    ],
)
def test_a_check_in_is_graded(
    distance_m: float | None, accuracy_m: float, expected: Evidence
) -> None:
    """Nobody is turned away; from afar it is a person's word."""
    assert verify(distance_m=distance_m, accuracy_m=accuracy_m) is expected


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(0, 200))
def test_coming_nearer_never_weakens_the_evidence(
    one_m: float, other_m: float, accuracy_m: float
) -> None:
    """With the same accuracy, the nearer of two positions proves at least as much."""
    nearer, farther = sorted((one_m, other_m))

    near = verify(distance_m=nearer, accuracy_m=accuracy_m)

    assert near.rank >= verify(distance_m=farther, accuracy_m=accuracy_m).rank


def test_evidence_is_ranked_from_a_word_to_being_inside() -> None:
    """Listings unlock at a rank or above."""
    assert [evidence.rank for evidence in Evidence] == [0, 1, 2]
    assert Evidence.SELF_DECLARED.rank < Evidence.NEAR.rank < Evidence.INSIDE.rank
