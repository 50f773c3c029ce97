"""Rates, whatever is spent when."""

from datetime import timedelta

import pytest

from geoservices.rates import Rate, read_rate
from tests.factories import NOON


def test_a_rate_is_read_as_it_is_written() -> None:
    """A number, a slash and a duration."""
    assert read_rate("10/PT15M") == Rate(10, timedelta(minutes=15))
    assert read_rate("3/P1D").step == timedelta(hours=8)


@pytest.mark.parametrize(
    "text", ["", "10", "0/PT1M", "-1/PT1M", "10/PT0S", "10/-PT1M", "10/1m", "x"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    """A slip in a setting stops the service before it starts."""
    with pytest.raises(ValueError, match="duration"):
        read_rate(text)


def test_whoever_spent_all_waits_for_the_next_one() -> None:
    """After ten at once, a tenth of the span."""
    rate = Rate(10, timedelta(minutes=15))

    assert rate.wait(NOON + rate.within, at=NOON) == timedelta(seconds=90)
