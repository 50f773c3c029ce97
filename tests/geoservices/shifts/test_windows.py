"""Weekly hours as windows, on both sides of every change of clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.instants import microseconds
from geoservices.places.hours import OpenState, hours_at
from geoservices.shifts.windows import NO_HOURS, Week, bounds_us, is_within, standing

LONDON = ZoneInfo("Europe/London")
OFFICE = Week("Mo-Fr 09:00-17:00", "Europe/London")
NIGHT = Week("Mo-Su 22:00-06:00", "Europe/London")


def local(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of 2026 by the clocks in London."""
    return datetime(2026, month, day, hour, minute, tzinfo=LONDON).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "now", "until", "next_from"),
    [
        pytest.param(local(3, 4, 12), True, local(3, 4, 17), local(3, 5, 9), id="at work"),
        pytest.param(local(3, 4, 17), False, None, local(3, 5, 9), id="the end is no work"),
        pytest.param(local(3, 4, 9), True, local(3, 4, 17), local(3, 5, 9), id="the beginning is"),
        pytest.param(local(3, 27, 18), False, None, local(3, 30, 9), id="clocks go forward"),
        pytest.param(local(10, 23, 18), False, None, local(10, 26, 9), id="clocks go back"),
    ],
)
def test_a_member_sees_where_they_stand(
    at: datetime,
    now: bool,  # noqa: FBT001
    until: datetime | None,
    next_from: datetime | None,
) -> None:
    """In the week; nine o'clock is nine o'clock, whatever UTC says."""
    found = standing(OFFICE, at)

    assert (found.now, found.until, found.next_from) == (now, until, next_from)


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 28, 7), (10, 24, 9), (6, 1, 8)])
def test_a_night_over_the_change_is_shorter_or_longer(month: int, day: int, hours: int) -> None:
    """From ten to six is eight hours but twice a year."""
    began = local(month, day, 22)

    found = standing(NIGHT, began)

    assert found.until is not None
    assert found.until - began == timedelta(hours=hours)


def test_without_hours_nobody_is_ever_located() -> None:
    """Whoever set none was not asked yet."""
    found = standing(Week(NO_HOURS, "Europe/London"), local(3, 4, 12))

    assert (found.now, found.until, found.next_from) == (False, None, None)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([OFFICE, NIGHT, Week("Mo 08:00-12:00,13:00-16:30; Sa off", "Asia/Kolkata")]),
    st.integers(-7, 0),
)
def test_windows_say_what_opening_hours_say(at: datetime, week: Week, days: int) -> None:
    """At every moment of the days that pings may be from."""
    recorded = at + timedelta(days=days, minutes=days)
    expected = hours_at(week.hours, time_zone=week.time_zone, at=recorded).state

    bounds = bounds_us(week, at)

    [within] = is_within(bounds, np.array([microseconds(recorded)]))
    assert bool(within) == (expected is OpenState.OPEN)
    assert np.all(np.diff(bounds) > 0)
    assert len(bounds) % 2 == 0
