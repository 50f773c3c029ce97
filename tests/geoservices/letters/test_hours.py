"""The next time that somebody's clock shows an hour: once a day, whatever the clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.letters.hours import day_of, next_at

LONDON = ZoneInfo("Europe/London")
HOURS = st.builds(time, st.integers(0, 23), st.integers(0, 59))
ZONES = st.timezone_keys(allow_prefix=False).map(ZoneInfo)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param("2026-03-04T12:00:00Z", "2026-03-04T17:00:00Z", id="today"),
        pytest.param("2026-03-04T17:00:00Z", "2026-03-05T17:00:00Z", id="never the same twice"),
        pytest.param("2026-03-28T18:00:00Z", "2026-03-29T16:00:00Z", id="clocks go forward"),
        pytest.param("2026-10-24T18:00:00Z", "2026-10-25T17:00:00Z", id="clocks go back"),
    ],
)
def test_five_in_the_afternoon_stays_five_in_the_afternoon(after: str, expected: str) -> None:
    """In London, in winter and in summer."""
    found = next_at(time(17), LONDON, after=datetime.fromisoformat(after))

    assert found == datetime.fromisoformat(expected)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        # 01:30 does not exist on 29 March, and comes twice on 25 October.
        pytest.param("2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z", id="skipped"),
        pytest.param("2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", id="twice: the first"),
        pytest.param("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z", id="and not the second"),
    ],
)
def test_an_hour_that_clocks_skip_or_repeat_comes_once(after: str, expected: str) -> None:
    """Later by as much as they skip, or the first time."""
    found = next_at(time(1, 30), LONDON, after=datetime.fromisoformat(after))

    assert found == datetime.fromisoformat(expected)


@given(HOURS, ZONES, INSTANTS)
def test_the_next_time_is_ahead_and_at_that_hour(
    hour: time, zone: ZoneInfo, after: datetime
) -> None:
    """Within two days, even where a day is left out; by the hour, if the clocks show it."""
    found = next_at(hour, zone, after=after)

    assert after < found <= after + timedelta(hours=50)
    shown = found.astimezone(zone)
    exists = datetime.combine(shown.date(), hour, tzinfo=zone).astimezone(UTC).astimezone(zone)
    if exists.timetz() == hour.replace(tzinfo=exists.tzinfo) and exists.date() == shown.date():
        assert shown.time() == hour


@given(HOURS, ZONES, INSTANTS)
def test_a_year_has_one_of_them_a_day(hour: time, zone: ZoneInfo, after: datetime) -> None:
    """Each time is a later day than the one before, and none of the days that exist is left out."""
    days: list[date] = []
    at = after
    for _ in range(30):
        at = next_at(hour, zone, after=at)
        days.append(day_of(at, zone))

    assert days == sorted(set(days))
    missing = (days[-1] - days[0]).days + 1 - len(days)
    # Samoa, Kiribati and others once left a day out when they crossed the date line.
    assert missing <= 1
