"""Signs that a position may not be true, and the gate for those that say nothing new."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.geometry.position import Positions
from geoservices.pings.plausibility import PlausibilityRules, Sign, gated, signs, suspect

RULES = PlausibilityRules(jump_speed_mps=70.0, credible_accuracy_m=3.0)
NORTH_DEG = 1 / 111_195
NONE = (np.nan, np.nan, np.nan)
Fix = tuple[float, float, float]
"""Seconds, metres to the north, accuracy in metres."""


def columns(fixes: list[Fix]) -> Positions:
    """Turn positions on one meridian into columns."""
    at_s, north_m, accuracy_m = np.array(fixes, dtype=float).T
    lon = np.where(np.isnan(at_s), np.nan, -3.53)
    return Positions(at_s, lon, 50.72 + north_m * NORTH_DEG, accuracy_m)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(NONE, (0, 0, 8), Sign(0), id="the first has nothing to be held against"),
        pytest.param((0, 0, 8), (10, 14, 8), Sign(0), id="walks"),
        pytest.param((0, 0, 8), (10, 715, 8), Sign(0), id="as fast as one can, and both errors"),
        pytest.param((0, 0, 8), (10, 720, 8), Sign.JUMPED, id="faster"),
        pytest.param((0, 0, 2000), (10, 2600, 8), Sign(0), id="the error explains it"),
        pytest.param((0, 0, 8), (7200, 400_000, 8), Sign(0), id="two hours on a train"),
        pytest.param((0, 5, 8), (10, 5, 8), Sign.REPEATED, id="the same numbers, later"),
        pytest.param((0, 5, 8), (0, 5, 8), Sign(0), id="the same numbers at the same time"),
        pytest.param((0, 5, 8), (10, 5, 9), Sign(0), id="another accuracy"),
        pytest.param((0, 0, 8), (10, 14, 2.9), Sign.TOO_ACCURATE, id="better than phones are"),
        pytest.param(NONE, (0, 0, 1), Sign.TOO_ACCURATE, id="even the first one"),
        pytest.param((0, 0, 8), (10, 14, 3), Sign(0), id="as good as phones are"),
        pytest.param(
            (0, 0, 8), (1, 9000, 2), Sign.JUMPED | Sign.TOO_ACCURATE, id="two signs at once"
        ),
    ],
)
def test_a_position_bears_signs(before: Fix, after: Fix, expected: Sign) -> None:
    """Beside the one before it."""
    assert Sign(int(signs(columns([before]), columns([after]), rules=RULES)[0])) == expected


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        (Sign(0), False),
        (Sign.REPEATED, False),
        (Sign.JUMPED, True),
        (Sign.TOO_ACCURATE, True),
        (Sign.REPEATED | Sign.JUMPED, True),
    ],
)
def test_what_makes_a_position_suspect(sign: Sign, expected: bool) -> None:  # noqa: FBT001
    """A phone that lies still repeats itself, and that is no sign by itself."""
    assert bool(suspect(np.array([sign], dtype=np.uint8))[0]) is expected


WALK = st.lists(st.tuples(st.floats(-300, 300), st.sampled_from([5.0, 20.0, 60.0])), max_size=30)


def track(steps: list[tuple[float, float]]) -> Positions:
    """Turn steps to the north into positions ten seconds apart."""
    north_m = np.cumsum([step for step, _accuracy_m in steps])
    rows = [(10.0 * k, north_m[k], accuracy_m) for k, (_step, accuracy_m) in enumerate(steps)]
    return columns(rows) if rows else Positions(*(np.empty(0) for _ in range(4)))


@given(WALK, st.integers(0, 30), st.sampled_from([0.0, 0.5, 1.0, 3.0]))
def test_the_gate_does_not_care_how_a_walk_is_cut(
    steps: list[tuple[float, float]], cut: int, share: float
) -> None:
    """With the last position tested handed on, two batches are gated as one."""
    fixes = track(steps)
    first, rest = (
        Positions(*(one[part] for one in fixes)) for part in (slice(cut), slice(cut, None))
    )

    whole = gated(fixes, None, share=share)
    held = gated(first, None, share=share)
    tested = np.flatnonzero(~held)
    last = None
    if len(tested):
        at = int(tested[-1])
        last = (float(first.lon[at]), float(first.lat[at]), float(first.accuracy_m[at]))

    assert [*held, *gated(rest, last, share=share)] == whole.tolist()


def test_the_gate_compares_with_the_last_position_tested() -> None:
    """Slow steps add up: each is small, and the third is far from the first."""
    creeping = columns([(0, 0, 5), (10, 6, 5), (20, 9, 5), (30, 12, 5), (40, 15, 5)])

    assert gated(creeping, None, share=1.0).tolist() == [False, True, True, False, True]


@given(WALK)
def test_an_open_gate_lets_everything_through(steps: list[tuple[float, float]]) -> None:
    """It is open unless a share is set."""
    assert not gated(track(steps), None, share=0.0).any()
