"""Ticks that come in another order than that in which they were set."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from geoservices.tasks.ticks import not_older
from tests.factories import NOON

TICKS = st.tuples(st.sampled_from(("a", "b", "c")), st.booleans())


@given(st.permutations(range(6)), st.lists(TICKS, min_size=6, max_size=6))
def test_in_whatever_order_ticks_come_the_youngest_of_each_item_counts(
    order: list[int], ticks: list[tuple[str, bool]]
) -> None:
    """As if they had come in the order of their clocks."""
    said_at: dict[str, str] = {}
    ticked: dict[str, bool] = {}
    for minute in order:
        moment = NOON + timedelta(minutes=minute)
        now = not_older(dict([ticks[minute]]), said_at, moment)
        said_at |= dict.fromkeys(now, moment.isoformat())
        ticked |= now

    assert ticked == dict(ticks)


def test_of_two_at_the_same_moment_the_last_counts() -> None:
    """As whatever is told at once does."""
    assert not_older({"a": False}, {"a": NOON.isoformat()}, NOON) == {"a": False}
