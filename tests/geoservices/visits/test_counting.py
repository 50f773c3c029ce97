"""Hours by an organisation's clocks, and which counts may be told."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.visits.counting import Count, RangeRefused, whole_hours

HOUR = timedelta(hours=1)
MUCH_LATER = datetime(2031, 1, 1, tzinfo=UTC)
LONDON = "Europe/London"
ZONES = (LONDON, "Asia/Kolkata", "America/St_Johns", "Pacific/Apia", "UTC")
INSTANTS = st.integers(1_577_836_800, 1_893_456_000).map(lambda s: datetime.fromtimestamp(s, UTC))


def local_hours(zone: str, bounds: list[datetime]) -> list[int]:
    """What the clocks show when each of the hours begins."""
    return [bound.astimezone(ZoneInfo(zone)).hour for bound in bounds[:-1]]


@given(
    from_=INSTANTS,
    length=st.timedeltas(timedelta(seconds=1), timedelta(days=31)),
    zone=st.sampled_from(ZONES),
)
def test_hours_follow_one_another_and_hold_the_whole_span(
    from_: datetime, length: timedelta, zone: str
) -> None:
    """No gap, none twice, each an hour long and begun by the clocks."""
    bounds = whole_hours(from_, from_ + length, time_zone=zone, at=MUCH_LATER)

    assert bounds[0] <= from_ < bounds[1]
    assert bounds[-2] < from_ + length <= bounds[-1]
    assert {later - earlier for earlier, later in pairwise(bounds)} == {HOUR}
    assert {bound.astimezone(ZoneInfo(zone)).minute for bound in bounds} == {0}


@given(
    from_=INSTANTS,
    length=st.timedeltas(timedelta(seconds=1), timedelta(days=31)),
    ago=st.timedeltas(timedelta(days=-32), timedelta(days=32)),
)
def test_an_hour_that_is_not_over_is_not_told_of(
    from_: datetime, length: timedelta, ago: timedelta
) -> None:
    """However far the span reaches, the last hour has ended."""
    at = from_ + ago

    bounds = whole_hours(from_, from_ + length, time_zone=LONDON, at=at)

    assert all(bound <= at for bound in bounds)
    assert len(bounds) != 1


def test_a_day_has_23_hours_when_the_clocks_go_forward() -> None:
    """In London the hour from one to two is missing on the last Sunday in March."""
    day = datetime(2026, 3, 29, tzinfo=ZoneInfo(LONDON))

    bounds = whole_hours(day, day.replace(day=30), time_zone=LONDON, at=MUCH_LATER)

    assert local_hours(LONDON, bounds) == [0, *range(2, 24)]


def test_a_day_has_25_hours_when_the_clocks_go_back() -> None:
    """In London the hour from one to two is there twice on the last Sunday in October."""
    day = datetime(2026, 10, 25, tzinfo=ZoneInfo(LONDON))

    bounds = whole_hours(
        day,
        day.replace(day=26),
        time_zone=LONDON,
        at=MUCH_LATER,
    )

    assert local_hours(LONDON, bounds) == [0, 1, *range(1, 24)]
    assert len(set(bounds)) == 26


def test_clocks_that_change_by_half_an_hour_lose_no_time() -> None:
    """On Lord Howe Island two hours of that night are shorter or longer; none is left out."""
    from_ = datetime(2026, 4, 4, 12, tzinfo=UTC)

    bounds = whole_hours(
        from_, from_ + timedelta(days=1), time_zone="Australia/Lord_Howe", at=MUCH_LATER
    )

    assert bounds == sorted(set(bounds))
    assert bounds[-1] - bounds[0] >= timedelta(days=1)


@pytest.mark.parametrize(
    ("from_", "length"),
    [
        pytest.param(datetime(2026, 3, 1, tzinfo=UTC), timedelta(0), id="empty"),
        pytest.param(datetime(2026, 3, 1, tzinfo=UTC), timedelta(hours=-1), id="backwards"),
        pytest.param(datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=31, seconds=1), id="long"),
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), timedelta(days=1), id="before all counting"),
    ],
)
def test_a_span_that_is_none_is_refused(from_: datetime, length: timedelta) -> None:
    """It names what would be right."""
    with pytest.raises(RangeRefused, match="31 days"):
        whole_hours(from_, from_ + length, time_zone=LONDON, at=MUCH_LATER)


def test_the_end_of_the_calendar_is_in_the_future() -> None:
    """There is nothing to tell of it, and no error either."""
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)

    found = whole_hours(last - HOUR, last, time_zone="Asia/Tokyo", at=MUCH_LATER)

    assert found == []


@pytest.mark.parametrize(
    ("count", "told"),
    [
        pytest.param(Count(0, 0), 0, id="nothing happened"),
        pytest.param(Count(9, 9), None, id="too few"),
        pytest.param(Count(12, 3), None, id="too few, again and again"),
        pytest.param(Count(10, 10), 10, id="just enough"),
        pytest.param(Count(14, 11), 14, id="enough"),
    ],
)
def test_what_a_few_devices_did_is_not_told(count: Count, told: int | None) -> None:
    """It is devices that make a crowd."""
    assert count.told(smallest=10) == told
