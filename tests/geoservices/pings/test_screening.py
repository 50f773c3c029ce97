"""What is turned away at the door, and what is let in."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from geoservices.errors import GeoservicesError
from geoservices.instants import microseconds
from geoservices.pings.screening import LOOKS_SWAPPED, Doors, judge, refusal_of

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DOORS = Doors(future_tolerance=timedelta(minutes=5), oldest=timedelta(days=7))


def judged(ahead: timedelta, *, looks_swapped: bool = False) -> GeoservicesError | None:
    """Judge a ping whose clock is ahead of ours by so much."""
    recorded_at, at_us = microseconds(NOON + ahead), microseconds(NOON)
    [number] = judge(
        np.array([recorded_at]),
        doors=DOORS,
        beforehand=np.array([LOOKS_SWAPPED if looks_swapped else 0], dtype=np.uint8),
        at_us=at_us,
    ).tolist()
    return refusal_of(number, recorded_at, doors=DOORS, at_us=at_us) if number else None


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        pytest.param(timedelta(0), None, id="now"),
        pytest.param(timedelta(minutes=5), None, id="a clock just tolerably fast"),
        pytest.param(timedelta(minutes=5, seconds=1), "recorded-in-the-future", id="too fast"),
        pytest.param(timedelta(days=365), "recorded-in-the-future", id="a year ahead"),
        pytest.param(-timedelta(days=7), None, id="just not too old"),
        pytest.param(-timedelta(days=7, seconds=1), "recorded-too-long-ago", id="too old"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC) - NOON, "recorded-too-long-ago", id="1970"),
    ],
)
def test_a_ping_is_believed_if_its_time_can_be_true(ahead: timedelta, code: str | None) -> None:
    """The device's clock may be off by so much and no more."""
    refusal = judged(ahead)

    assert (refusal.code if refusal else None) == code
    if refusal:
        assert refusal.field == "/recorded_at"


def test_a_swapped_position_is_refused_and_never_turned_round() -> None:
    """The refusal names the member; no position is in its words."""
    refusal = judged(timedelta(0), looks_swapped=True)

    assert refusal is not None
    assert (refusal.code, refusal.field) == ("position-looks-swapped", "/lon")
    assert "3.53" not in str(refusal)
    assert "50.72" not in str(refusal)


def test_the_time_is_judged_before_the_place() -> None:
    """One refusal a ping: the first that applies."""
    refusal = judged(timedelta(hours=1), looks_swapped=True)

    assert refusal is not None
    assert refusal.code == "recorded-in-the-future"
    assert "3600 s ahead" in str(refusal)
    assert "300 s are tolerated" in str(refusal)
