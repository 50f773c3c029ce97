"""Between which positions a line may be drawn."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.geometry.position import Positions
from geoservices.visits.crossings import CrossingRules, crossed, may_have_crossed
from geoservices.visits.transitions import Reason, TransitionKind
from tests.staying import NOON

RULES = CrossingRules(crossing_within=timedelta(minutes=10), crossing_accuracy_limit_m=100.0)
NORTH_DEG = 1 / 111_195
"""About a metre to the north."""
Fix = tuple[float, float, float]
"""Seconds, metres to the north, accuracy in metres."""


def columns(fixes: list[Fix]) -> Positions:
    """Turn positions on one meridian into columns."""
    at_s, north_m, accuracy_m = np.array(fixes).T
    return Positions(at_s, np.full(len(fixes), -3.53), 50.72 + north_m * NORTH_DEG, accuracy_m)


def drawn(before: Fix, after: Fix) -> bool:
    """Tell whether a line is drawn between two positions."""
    return bool(may_have_crossed(columns([before]), columns([after]), rules=RULES)[0])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param((0, 0, 8), (30, 300, 8), True, id="on the way"),
        pytest.param((0, 0, 8), (600, 300, 8), True, id="ten minutes apart"),
        pytest.param((0, 0, 8), (601, 300, 8), False, id="longer apart"),
        pytest.param((0, 0, 8), (0, 300, 8), False, id="at the same time"),
        pytest.param((0, 0, 100), (30, 300, 100), True, id="just accurate enough"),
        pytest.param((0, 0, 101), (30, 500, 8), False, id="the first too inaccurate"),
        pytest.param((0, 0, 8), (30, 500, 101), False, id="the second too inaccurate"),
        pytest.param((0, 0, 30), (30, 59, 30), False, id="moved no more than both errors"),
        pytest.param((0, 0, 30), (30, 62, 30), True, id="moved more"),
        pytest.param((np.nan, np.nan, np.nan), (30, 62, 30), False, id="no position before"),
    ],
)
def test_a_line_is_drawn(before: Fix, after: Fix, expected: bool) -> None:  # noqa: FBT001
    """Near in time, accurate, and further apart than noise."""
    assert drawn(before, after) is expected


FIX = st.tuples(st.floats(0, 2000), st.floats(-500, 500), st.floats(1, 200))


@given(st.lists(st.tuples(FIX, FIX, st.booleans()), min_size=1))
def test_pairs_have_nothing_to_do_with_one_another(rows: list[tuple[Fix, Fix, bool]]) -> None:
    """Each is judged as by itself, and none with a suspect end."""
    suspect = np.array([row[2] for row in rows])

    together = may_have_crossed(
        columns([row[0] for row in rows]),
        columns([row[1] for row in rows]),
        rules=RULES,
        suspect=suspect,
    )

    assert together.tolist() == [drawn(row[0], row[1]) and not row[2] for row in rows]


def test_a_crossing_is_dated_to_the_middle_and_believed_least() -> None:
    """Nobody knows when it was, nor whether the way was straight."""
    change = crossed(NOON, NOON + timedelta(minutes=4))

    assert change.kind is TransitionKind.CROSSED
    assert change.reason is Reason.BETWEEN_TWO_POSITIONS
    assert change.at == NOON + timedelta(minutes=2)
    assert change.confidence == 1
