"""When an offer is on: its windows, its place's hours, and both together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.calendars.recurrence import Span
from geoservices.instants import LAST
from geoservices.offers.windows import HORIZON, Schedule, first_on, overlap

HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ALWAYS = Schedule(
    starts_at=utc("2026-03-02T00:00"),
    ends_at=None,
    window_starts_at=None,
    window_length=None,
    window_rule=None,
    only_when_open=False,
    opening_hours=None,
    time_zone="Europe/London",
)
TUESDAYS = replace(
    ALWAYS,
    window_starts_at=utc("2026-03-03T14:00"),
    window_length=2 * HOUR,
    window_rule="FREQ=WEEKLY",
)
EARLY = replace(
    ALWAYS,
    window_starts_at=utc("2026-03-03T01:30"),
    window_length=HOUR,
    window_rule="FREQ=DAILY",
)
"""At half past one in the morning, which clocks skip on 29 March and show twice on 25 October."""
OPEN = replace(ALWAYS, only_when_open=True, opening_hours="Mo-Fr 09:00-17:00")


@pytest.mark.parametrize(
    ("schedule", "since", "found"),
    [
        pytest.param(
            ALWAYS, "2026-04-01T00:00", (utc("2026-03-02T00:00"), LAST), id="without windows"
        ),
        pytest.param(
            replace(ALWAYS, ends_at=utc("2026-05-01T00:00")),
            "2026-04-01T00:00",
            (utc("2026-03-02T00:00"), utc("2026-05-01T00:00")),
            id="until its end",
        ),
        pytest.param(
            replace(ALWAYS, ends_at=utc("2026-03-05T00:00")), "2026-03-05T00:00", None, id="over"
        ),
        pytest.param(
            TUESDAYS,
            "2026-03-03T15:00",
            (utc("2026-03-03T14:00"), utc("2026-03-03T16:00")),
            id="within a window",
        ),
        pytest.param(
            TUESDAYS,
            "2026-03-03T16:00",
            (utc("2026-03-10T14:00"), utc("2026-03-10T16:00")),
            id="a window ends as the next instant begins",
        ),
        pytest.param(
            TUESDAYS,
            "2026-03-26T12:00",
            (utc("2026-03-31T13:00"), utc("2026-03-31T15:00")),
            id="clocks go forward in between, and two o'clock stays two o'clock",
        ),
        pytest.param(
            TUESDAYS,
            "2026-10-20T16:00",
            (utc("2026-10-27T14:00"), utc("2026-10-27T16:00")),
            id="clocks go back in between, and two o'clock is an hour later",
        ),
        pytest.param(
            EARLY,
            "2026-03-28T12:00",
            (utc("2026-03-29T01:30"), utc("2026-03-29T02:30")),
            id="clocks skip half past one, and it is an hour later that day",
        ),
        pytest.param(
            EARLY,
            "2026-03-29T12:00",
            (utc("2026-03-30T00:30"), utc("2026-03-30T01:30")),
            id="the day after clocks skipped it",
        ),
        pytest.param(
            EARLY,
            "2026-10-24T12:00",
            (utc("2026-10-25T00:30"), utc("2026-10-25T01:30")),
            id="clocks show half past one twice, and it is the first",
        ),
        pytest.param(
            EARLY,
            "2026-10-25T01:30",
            (utc("2026-10-26T01:30"), utc("2026-10-26T02:30")),
            id="not again as they show it the second time",
        ),
        pytest.param(
            replace(OPEN, opening_hours="Su 00:00-04:00"),
            "2026-03-27T00:00",
            (utc("2026-03-29T00:00"), utc("2026-03-29T03:00")),
            id="open for four hours, of which clocks skip one",
        ),
        pytest.param(
            replace(OPEN, opening_hours="Su 00:00-04:00"),
            "2026-10-23T00:00",
            (utc("2026-10-24T23:00"), utc("2026-10-25T04:00")),
            id="open for four hours, of which clocks show one twice",
        ),
        pytest.param(
            replace(TUESDAYS, window_rule="FREQ=YEARLY"),
            "2026-03-04T00:00",
            (utc("2027-03-03T14:00"), utc("2027-03-03T16:00")),
            id="next year",
        ),
        pytest.param(
            replace(TUESDAYS, window_rule=None), "2026-03-04T00:00", None, id="once and no more"
        ),
        pytest.param(
            replace(TUESDAYS, starts_at=utc("2026-03-03T15:00")),
            "2026-03-02T00:00",
            (utc("2026-03-03T15:00"), utc("2026-03-03T16:00")),
            id="it begins within its first window",
        ),
        pytest.param(
            replace(TUESDAYS, ends_at=utc("2026-03-03T15:00")),
            "2026-03-03T14:30",
            (utc("2026-03-03T14:00"), utc("2026-03-03T15:00")),
            id="it ends within a window",
        ),
        pytest.param(
            OPEN,
            "2026-03-06T18:00",
            (utc("2026-03-09T09:00"), utc("2026-03-09T17:00")),
            id="closed over the weekend",
        ),
        pytest.param(
            replace(OPEN, opening_hours="24/7"),
            "2026-03-06T18:00",
            (utc("2026-03-06T18:00"), LAST),
            id="never closed",
        ),
        pytest.param(replace(OPEN, opening_hours=None), "2026-03-06T18:00", None, id="not known"),
        pytest.param(
            replace(OPEN, opening_hours="nonsense"), "2026-03-06T18:00", None, id="not readable"
        ),
        pytest.param(
            replace(
                TUESDAYS,
                only_when_open=True,
                opening_hours="Tu 15:00-18:00",
                window_length=3 * HOUR,
            ),
            "2026-03-04T00:00",
            (utc("2026-03-10T15:00"), utc("2026-03-10T17:00")),
            id="within a window and open",
        ),
        pytest.param(
            replace(
                OPEN,
                opening_hours="Tu 09:00-17:00",
                window_starts_at=utc("2026-03-10T16:00"),
                window_length=3 * HOUR,
            ),
            "2026-03-02T16:30",
            (utc("2026-03-10T16:00"), utc("2026-03-10T17:00")),
            id="closes after what is looked at first",
        ),
        pytest.param(
            replace(TUESDAYS, only_when_open=True, opening_hours="We 10:00-18:00"),
            "2026-03-04T00:00",
            None,
            id="never open in a window",
        ),
    ],
)
def test_the_first_span_that_is_not_over(
    schedule: Schedule, since: str, found: tuple[datetime, datetime] | None
) -> None:
    """It may have begun before."""
    assert first_on(schedule, since=utc(since)) == (None if found is None else Span(*found))


@pytest.mark.parametrize(
    ("rule", "length", "expected"),
    [
        ("FREQ=DAILY", timedelta(days=1), False),
        ("FREQ=DAILY", timedelta(days=1, seconds=1), True),
        ("FREQ=WEEKLY;BYDAY=TU,WE", timedelta(hours=25), True),
        ("FREQ=WEEKLY;BYDAY=TU,TH", timedelta(hours=25), False),
        ("FREQ=MONTHLY", timedelta(days=29), True),
        (None, timedelta(days=300), False),
    ],
)
def test_windows_that_overlap(rule: str | None, length: timedelta, expected: bool) -> None:  # noqa: FBT001
    """A month may have 28 days, and no more than the shortest step may be long."""
    schedule = replace(TUESDAYS, window_rule=rule, window_length=length)

    assert overlap(schedule) is expected


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
    st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=DAILY;COUNT=9"]),
    st.booleans(),
)
def test_whatever_is_found_is_on(naive: datetime, rule: str, only_when_open: bool) -> None:  # noqa: FBT001
    """It is not over, lies within the time of the offer and the horizon, and is found again."""
    since = naive.replace(tzinfo=UTC)
    schedule = replace(
        OPEN,
        window_starts_at=utc("2026-03-03T14:00"),
        window_length=5 * HOUR,
        window_rule=rule,
        only_when_open=only_when_open,
    )

    found = first_on(schedule, since=since)

    if found is not None:
        assert schedule.starts_at <= found.starts_at < found.ends_at
        assert found.ends_at > since
        assert found.starts_at <= max(since, schedule.starts_at) + HORIZON
        again = first_on(schedule, since=max(since, found.starts_at))
        assert again is not None
        assert again.ends_at == found.ends_at
