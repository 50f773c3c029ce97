"""Intervals as they were published, and what is not known exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.outcomes.shares import Tally, difference, exact, share_of

COUNTS = st.integers(0, 400)


@pytest.mark.parametrize(
    ("reached", "people", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share(reached: int, people: int, low: float, high: float) -> None:
    """Newcombe 1998, pp. 857-872, table I, method 3."""
    told = share_of(exact(reached, people - reached))

    assert told is not None
    assert told.share == pytest.approx(reached / people)
    assert told.low == pytest.approx(low, abs=5e-5)
    assert told.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("ours", "theirs", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference(
    ours: tuple[int, int], theirs: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe 1998, pp. 873-890, table II, method 10."""
    told = difference(*(exact(reached, people - reached) for reached, people in (ours, theirs)))

    assert told is not None
    assert told.low == pytest.approx(low, abs=5e-5)
    assert told.high == pytest.approx(high, abs=5e-5)


def test_of_nobody_nothing_is_said() -> None:
    """Neither of a share nor of a difference."""
    assert share_of(exact(0, 0)) is None
    assert difference(exact(1, 1), exact(0, 0)) is None
    assert difference(exact(0, 0), exact(1, 1)) is None


@given(COUNTS, COUNTS, COUNTS, COUNTS, st.integers(0, 9), st.integers(0, 9))
def test_what_is_not_known_exactly_is_between_wider_bounds(
    reached: int, others: int, reached_more: int, others_more: int, did: int, did_not: int
) -> None:
    """Whatever the true numbers are, their interval lies within that of what is told."""
    told = Tally(
        reached=reached,
        others=others,
        reached_least=reached,
        reached_most=reached + reached_more + did,
        others_least=others,
        others_most=others + others_more + did_not,
    )
    wide, true = share_of(told), share_of(exact(reached + did, others + did_not))

    if wide is not None and true is not None:
        assert wide.low <= true.low + 1e-12
        assert wide.high >= true.high - 1e-12
        assert 0 <= wide.low <= wide.share + 1e-12
        assert wide.share - 1e-12 <= wide.high <= 1
