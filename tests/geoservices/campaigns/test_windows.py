"""Weekly windows by the clock of a zone, over midnight and over both changes of clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.campaigns.windows import (
    WEEK,
    Weekday,
    Weekly,
    Window,
    cut_short,
    is_ever_on,
    is_on,
    next_quarter,
    steady_until,
)

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def weekly(*hours: str, days: tuple[Weekday, ...] = WEEK, zone: str = "Europe/London") -> Weekly:
    """Windows such as "09:00-17:00" on some days."""
    spans = [[time.fromisoformat(moment) for moment in one.split("-")] for one in hours]
    windows = tuple(Window(days=days, from_=from_, until=until) for from_, until in spans)
    return Weekly(windows=windows, time_zone=zone)


@pytest.mark.parametrize(
    ("when", "hours", "days", "on"),
    [
        pytest.param("2026-03-02T09:00", "09:00-17:00", WEEK, True, id="as it begins"),
        pytest.param("2026-03-02T17:00", "09:00-17:00", WEEK, False, id="as it ends"),
        pytest.param("2026-03-02T12:00", "09:00-17:00", (Weekday.TUESDAY,), False, id="Monday"),
        pytest.param("2026-03-03T12:00", "09:00-17:00", (Weekday.TUESDAY,), True, id="Tuesday"),
        pytest.param("2026-03-03T23:00", "22:00-02:00", (Weekday.TUESDAY,), True, id="at night"),
        pytest.param("2026-03-04T01:59", "22:00-02:00", (Weekday.TUESDAY,), True, id="next day"),
        pytest.param("2026-03-03T01:59", "22:00-02:00", (Weekday.TUESDAY,), False, id="the night"),
        pytest.param("2026-03-03T12:00", "00:00-00:00", (Weekday.TUESDAY,), True, id="all day"),
        pytest.param("2026-03-04T00:00", "00:00-00:00", (Weekday.TUESDAY,), False, id="its end"),
        pytest.param("2026-07-06T08:30", "09:00-17:00", WEEK, True, id="summer time"),
        pytest.param("2026-03-29T00:59", "00:30-01:30", WEEK, True, id="before the skipped hour"),
        pytest.param("2026-03-29T01:00", "01:00-02:00", WEEK, False, id="the hour that is skipped"),
        pytest.param("2026-10-25T00:30", "01:00-02:00", WEEK, True, id="half past one"),
        pytest.param("2026-10-25T01:30", "01:00-02:00", WEEK, True, id="half past one again"),
    ],
)
def test_a_window_is_read_by_the_clock_of_its_zone(
    when: str, hours: str, days: tuple[Weekday, ...], *, on: bool
) -> None:
    """From its beginning until before its end, whatever the season; the instants are in UTC."""
    at = datetime.fromisoformat(when).replace(tzinfo=UTC)

    assert is_on(weekly(hours, days=days), at) is on


def test_without_windows_it_is_the_whole_week() -> None:
    """Nothing was limited."""
    assert is_on(weekly(), MONDAY)
    assert is_ever_on(weekly(), MONDAY, MONDAY + timedelta(microseconds=1))


@given(
    st.times(),
    st.times(),
    st.sets(st.sampled_from(WEEK), min_size=1),
    st.sampled_from(["Europe/London", "America/New_York", "Pacific/Apia", "Asia/Kolkata"]),
    st.integers(0, 60 * 24 * 400),
    st.integers(1, 60 * 24 * 3),
)
def test_it_is_ever_on_if_it_is_on_at_some_minute(
    from_: time, until: time, days: set[Weekday], zone: str, start: int, length: int
) -> None:
    """Tried out minute by minute; windows of less than a minute fall between them."""
    from_, until = from_.replace(second=0, microsecond=0), until.replace(second=0, microsecond=0)
    week = Weekly(windows=(Window(days=tuple(days), from_=from_, until=until),), time_zone=zone)
    begins = MONDAY + timedelta(minutes=start)
    minutes = (begins + timedelta(minutes=number) for number in range(length))

    tried = any(is_on(week, at) for at in minutes)

    assert is_ever_on(week, begins, begins + timedelta(minutes=length)) or not tried


@pytest.mark.parametrize(
    ("hours", "found"),
    [
        pytest.param("01:15-01:45", True, id="wholly within the skipped hour"),
        pytest.param("00:30-01:30", True, id="its end is skipped"),
        pytest.param("01:30-03:00", True, id="its beginning is skipped"),
        pytest.param("09:00-17:00", False, id="by day"),
    ],
)
def test_windows_are_found_that_a_clock_skips(hours: str, *, found: bool) -> None:
    """On the day on which London's clocks go forward, and on no other of the year."""
    days = [day for day, _ in cut_short(weekly(hours), first=date(2026, 1, 1), days=365)]

    assert days == ([date(2026, 3, 29)] if found else [])


def test_a_day_that_a_zone_skips_has_no_window() -> None:
    """Apia went from Thursday straight to Saturday in 2011."""
    friday = weekly("09:00-17:00", days=(Weekday.FRIDAY,), zone="Pacific/Apia")
    noon = datetime(2011, 12, 29, 12, tzinfo=ZoneInfo("Pacific/Apia"))

    assert not is_ever_on(friday, noon.astimezone(UTC), noon.astimezone(UTC) + timedelta(days=3))


@given(
    from_=st.times(),
    until=st.times(),
    days=st.sets(st.sampled_from(WEEK), min_size=1),
    zone=st.sampled_from(["Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    # Both changes of clocks in London, and those of Lord Howe, which are half an hour.
    day=st.sampled_from([(3, 28), (3, 29), (4, 4), (10, 3), (10, 24), (10, 25)]),
    minutes=st.integers(0, 24 * 60),
    later=st.floats(0, 1, exclude_max=True),
)
def test_nothing_changes_while_windows_are_steady(
    from_: time,
    until: time,
    days: set[Weekday],
    zone: str,
    day: tuple[int, int],
    minutes: int,
    later: float,
) -> None:
    """From an instant until as long as is said, which is to the next quarter of an hour at most."""
    window = Window(days=tuple(days), from_=from_, until=until)
    asked = Weekly(windows=(window,), time_zone=zone)
    at = datetime(2026, *day, tzinfo=UTC) + timedelta(minutes=minutes)

    steady = steady_until(asked, at)

    assert at < steady <= next_quarter(at) <= at + timedelta(minutes=15)
    assert is_on(asked, at + later * (steady - at)) is is_on(asked, at)
