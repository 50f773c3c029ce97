"""When a notification counts as read, and until when it may be snoozed."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.notifications.folders import (
    LONGEST_SNOOZE,
    SnoozeRefused,
    check_snooze,
    read_when,
    snoozed_until_when,
)
from tests.factories import NOON

INSTANTS = st.timedeltas(timedelta(days=-3), timedelta(days=3)).map(lambda span: NOON + span)


@given(st.none() | INSTANTS, st.none() | INSTANTS)
def test_what_came_back_is_unread_until_it_is_read_again(
    read_at: datetime | None, snoozed_until: datetime | None
) -> None:
    """Whether it was read before or while it was snoozed."""
    at = NOON
    came_back = snoozed_until is not None and snoozed_until <= at
    to_read_again = came_back and max(filter(None, (read_at, snoozed_until))) != read_at
    unread = read_at is None or to_read_again

    assert read_when(read_at, snoozed_until, at=at) == (None if unread else read_at)
    assert snoozed_until_when(snoozed_until, at=at) == (None if came_back else snoozed_until)


@pytest.mark.parametrize("span", [timedelta(microseconds=1), timedelta(hours=3), LONGEST_SNOOZE])
def test_a_snooze_lies_within_a_year(span: timedelta) -> None:
    """And ahead."""
    assert check_snooze(NOON + span, at=NOON) == NOON + span


@pytest.mark.parametrize(
    "span", [timedelta(0), timedelta(seconds=-1), LONGEST_SNOOZE + timedelta(microseconds=1)]
)
def test_no_other_time_is_taken(span: timedelta) -> None:
    """What is over never comes back, and nobody means longer than a year."""
    with pytest.raises(SnoozeRefused):
        check_snooze(NOON + span, at=NOON)
