"""When runs begin, by the clocks of a zone, through both changes of clocks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.calendars.recurrence import RecurrenceRefused
from geoservices.campaigns.definitions import Schedule, Timetable
from geoservices.campaigns.timetables import MOST_MISSED, check, next_of, runs_between, shortest_gap
from tests.factories import make_definition

LONDON = "Europe/London"
SPRING = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)
"""Nine in London, the Friday before clocks go forward."""
AUTUMN = datetime(2026, 10, 23, 8, 0, tzinfo=UTC)
"""Nine in London, the Friday before they go back."""


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def following(timetable: Timetable, count: int, **schedule: Any) -> list[datetime]:
    """The first runs of a timetable, one after the other as the service looks for them."""
    definition = make_definition(timetable=timetable, schedule=Schedule(**schedule))
    found: list[datetime] = []
    after = timetable.starts_at - timedelta(days=400)
    for _ in range(count):
        run = next_of(definition, time_zone=LONDON, after=after)
        if run is None:
            break
        found.append(run)
        after = run
    return found


@pytest.mark.parametrize(
    ("starts_at", "expected"),
    [
        (SPRING, ["2026-03-27 09:00", "2026-03-28 09:00", "2026-03-29 08:00", "2026-03-30 08:00"]),
        (AUTUMN, ["2026-10-23 08:00", "2026-10-24 08:00", "2026-10-25 09:00", "2026-10-26 09:00"]),
    ],
)
def test_nine_o_clock_stays_nine_o_clock(starts_at: datetime, expected: list[str]) -> None:
    """Whatever UTC says."""
    timetable = Timetable(starts_at=starts_at, rule="FREQ=DAILY;COUNT=4")

    assert following(timetable, 5) == [utc(one) for one in expected]


def test_a_time_that_clocks_skip_comes_an_hour_later() -> None:
    """Half past one is not shown on 29 March; RFC 5545 reads it with the offset of before."""
    timetable = Timetable(starts_at=utc("2026-03-28 01:30"), rule="FREQ=DAILY;COUNT=3")

    assert following(timetable, 9) == [
        utc("2026-03-28 01:30"),
        utc("2026-03-29 01:30"),
        utc("2026-03-30 00:30"),
    ]


def test_a_time_that_comes_twice_runs_once() -> None:
    """Half past one is shown twice on 25 October: the first counts."""
    timetable = Timetable(starts_at=utc("2026-10-24 00:30"), rule="FREQ=DAILY;COUNT=3")

    assert following(timetable, 9) == [
        utc("2026-10-24 00:30"),
        utc("2026-10-25 00:30"),
        utc("2026-10-26 01:30"),
    ]


def test_its_own_zone_comes_before_the_organisations() -> None:
    """A timetable may be by the clocks of elsewhere."""
    rule = "FREQ=DAILY;COUNT=3"
    tokyo = Timetable(starts_at=SPRING, rule=rule, time_zone="Asia/Tokyo")

    assert following(tokyo, 3) == [SPRING + timedelta(days=number) for number in range(3)]


def test_nothing_runs_outside_of_the_campaign() -> None:
    """Neither before it begins nor once it has ended."""
    timetable = Timetable(starts_at=AUTUMN, rule="FREQ=DAILY")

    found = following(
        timetable,
        9,
        starts_at=AUTUMN + timedelta(days=1),
        ends_at=AUTUMN + timedelta(days=3, hours=1),
    )

    assert found == [utc("2026-10-24 08:00"), utc("2026-10-25 09:00")]


def test_without_a_rule_there_is_one_run() -> None:
    """And without a timetable none."""
    once = Timetable(starts_at=AUTUMN)

    assert following(once, 3) == [AUTUMN]
    assert next_of(make_definition(), time_zone=LONDON, after=AUTUMN) is None


def test_whether_it_ever_ends_is_told() -> None:
    """A rule that does not go with its first start is refused."""
    count, endless, wrong = (
        Timetable(starts_at=AUTUMN, rule=rule)
        for rule in ("FREQ=DAILY;COUNT=3", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO;COUNT=3")
    )

    assert check(count, time_zone=LONDON, field="/rule")
    assert not check(endless, time_zone=LONDON, field="/rule")
    with pytest.raises(RecurrenceRefused):
        check(wrong, time_zone=LONDON, field="/rule")


ALL_DAY = ",".join(map(str, range(24)))


@pytest.mark.parametrize(
    ("rule", "hours"),
    [
        pytest.param(None, None, id="once"),
        pytest.param("FREQ=DAILY;COUNT=30", 24, id="daily, though one day has 23 hours"),
        pytest.param("FREQ=DAILY;BYHOUR=0,2,9;COUNT=30", 2, id="where an hour is skipped between"),
        pytest.param(f"FREQ=MONTHLY;BYHOUR={ALL_DAY};COUNT=99", 1, id="a day of hours a month"),
        pytest.param(f"FREQ=MONTHLY;BYHOUR={ALL_DAY}", 1, id="until the campaign ends"),
    ],
)
def test_the_shortest_gap_is_looked_for_in_all_of_a_rule(
    rule: str | None, hours: int | None
) -> None:
    """And not in its first week alone; by what clocks show."""
    definition = make_definition(
        timetable=Timetable(starts_at=SPRING, rule=rule),
        schedule=Schedule(ends_at=SPRING + timedelta(days=99)),
    )

    # A month's one day begins with its last run.
    after = SPRING + timedelta(hours=13) if rule and "MONTHLY" in rule else utc("2026-01-01")
    gap = shortest_gap(definition, time_zone=LONDON, after=after)

    assert gap == (None if hours is None else timedelta(hours=hours))


DAILY = Timetable(starts_at=SPRING, rule="FREQ=DAILY;COUNT=300")
RUNS = following(DAILY, 300)


@given(since=st.integers(0, 4000), hours=st.integers(0, 4000))
def test_what_was_missed_is_what_would_have_come(since: int, hours: int) -> None:
    """Over both changes of clocks, down to the last ones."""
    from_ = SPRING + timedelta(hours=since)
    until = from_ + timedelta(hours=hours)

    missed = runs_between(DAILY, time_zone=LONDON, since=from_, until=until)

    expected = [one for one in RUNS if from_ <= one <= until]
    assert missed == expected[-MOST_MISSED:]
