"""When what was held back is looked at again, table by table and over both changes of clocks."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.campaigns.releasing import (
    PASSING,
    last_moment,
    look_again,
    quiet_until,
    room_at,
    why_irrelevant,
)
from geoservices.campaigns.rules import Cap, Circumstances, Gate, Limits
from geoservices.campaigns.windows import WEEK, Weekday, Weekly, Window, is_on, within
from geoservices.places.hours import OpenState, hours_at
from tests.factories import NOON

CAP = Cap(messages=2, within=timedelta(hours=24))
LIMITS = Limits(max_age=timedelta(minutes=15), person_cap=CAP, class_caps={}, place_cap=CAP)
ALWAYS = Weekly(windows=(), time_zone="Europe/London")
ABOUT = Circumstances(
    occurred_at=NOON,
    confidence=3,
    purposes=frozenset({"nearby"}),
    sensitive=False,
    open_state=OpenState.OPEN,
    opens_at=None,
    unclaimable=None,
    time_zone="Europe/London",
    quiet_from=time(22),
    quiet_until=time(7),
    told_in_window=0,
    told_of_class=0,
    told_here=0,
    told_by_campaign=0,
    last_told_at=None,
    told_this_visit=False,
    held_out=False,
)
ZONES = st.sampled_from(
    ["Europe/London", "America/New_York", "Pacific/Apia", "Asia/Kolkata", "Australia/Lord_Howe"]
)
MINUTES = st.integers(0, 60 * 24 * 400)


def utc(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def again(gate: Gate, at: datetime, about: Circumstances = ABOUT) -> datetime | None:
    """Ask when to look again."""
    return look_again(gate, about, weekly=ALWAYS, told=(), cap=None, at=at)


@pytest.mark.parametrize(
    ("at", "quiet", "zone", "until"),
    [
        pytest.param("2026-03-04T22:40", "22:00-07:00", "UTC", "2026-03-05T07:00", id="at night"),
        pytest.param("2026-03-05T03:00", "22:00-07:00", "UTC", "2026-03-05T07:00", id="early"),
        pytest.param("2026-03-04T12:30", "12:00-13:00", "UTC", "2026-03-04T13:00", id="by day"),
        pytest.param(
            "2026-07-04T21:40", "22:00-07:00", "Europe/London", "2026-07-05T06:00", id="in summer"
        ),
        pytest.param(
            "2026-03-28T22:40",
            "22:00-07:00",
            "Europe/London",
            "2026-03-29T06:00",
            id="clocks go forward",
        ),
        pytest.param(
            "2026-10-24T21:40",
            "22:00-07:00",
            "Europe/London",
            "2026-10-25T07:00",
            id="clocks go back",
        ),
        pytest.param(
            "2026-03-28T22:40",
            "22:00-01:30",
            "Europe/London",
            "2026-03-29T01:00",
            id="the end is skipped",
        ),
        pytest.param(
            "2026-10-24T21:40",
            "22:00-01:30",
            "Europe/London",
            "2026-10-25T00:30",
            id="the end comes twice, the first counts",
        ),
        pytest.param(
            "2026-10-25T01:10",
            "22:00-01:30",
            "Europe/London",
            "2026-10-25T01:30",
            id="the end comes twice, after the first",
        ),
    ],
)
def test_quiet_hours_end_by_the_clock_that_the_person_lives_by(
    at: str, quiet: str, zone: str, until: str
) -> None:
    """On the nights of both changes too; all instants are in UTC."""
    from_, end = (time.fromisoformat(one) for one in quiet.split("-"))
    about = replace(ABOUT, quiet_from=from_, quiet_until=end, time_zone=zone)

    assert again(Gate.QUIET_HOURS, utc(at), about) == utc(until)


@given(st.times(), st.times(), ZONES, MINUTES)
def test_quiet_hours_are_over_when_it_says_and_not_a_minute_before(
    from_: time, end: time, zone: str, minute: int
) -> None:
    """Tried out minute by minute, also where clocks change by half an hour."""
    from_, end = from_.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    about = replace(ABOUT, quiet_from=from_, quiet_until=end, time_zone=zone)
    at = utc("2026-01-01T00:00") + timedelta(minutes=minute)

    def is_quiet(then: datetime) -> bool:
        return within(then.astimezone(ZoneInfo(zone)).time(), from_, end)

    until = quiet_until(about, at)

    if not is_quiet(at):
        return
    assert until is not None
    assert not is_quiet(until)
    assert all(
        is_quiet(at + timedelta(minutes=number))
        for number in range((until - at) // timedelta(minutes=1))
    )


@given(
    st.times(),
    st.times(),
    st.sets(st.sampled_from(WEEK), min_size=1),
    ZONES,
    MINUTES,
)
def test_a_window_begins_when_it_says_and_not_a_minute_before(
    from_: time, end: time, days: set[Weekday], zone: str, minute: int
) -> None:
    """Whatever gates said no at one moment say yes at the next that is named, and not before."""
    from_, end = from_.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    window = Window(days=tuple(days), from_=from_, until=end)
    weekly = Weekly(windows=(window,), time_zone=zone)
    at = utc("2026-01-01T00:00") + timedelta(minutes=minute)
    if is_on(weekly, at):
        return

    begins = look_again(Gate.SCHEDULE, ABOUT, weekly=weekly, told=(), cap=None, at=at)

    assert begins is not None
    assert is_on(weekly, begins)
    before = range(0, (begins - at) // timedelta(minutes=1), 7)
    assert not any(is_on(weekly, at + timedelta(minutes=number)) for number in before)
    assert not is_on(weekly, begins - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        pytest.param("2026-03-28T20:00", "2026-03-29T08:00", id="after clocks went forward"),
        pytest.param("2026-10-24T20:00", "2026-10-25T09:00", id="after clocks went back"),
    ],
)
def test_a_place_opens_by_its_own_clock(at: str, opens: str) -> None:
    """At nine in the morning, whatever happened to the clocks at night."""
    hours = hours_at("Mo-Su 09:00-17:00", time_zone="Europe/London", at=utc(at))
    about = replace(ABOUT, open_state=hours.state, opens_at=hours.changes_at)

    found = again(Gate.OPENING_HOURS, utc(at), about)

    assert found == utc(opens)
    assert found.tzinfo is UTC
    assert (
        hours_at("Mo-Su 09:00-17:00", time_zone="Europe/London", at=found).state is OpenState.OPEN
    )


def test_nobody_knows_when_a_place_opens_of_which_no_hours_are_known() -> None:
    """Nor does one open that was to do so before."""
    assert again(Gate.OPENING_HOURS, NOON) is None
    assert again(Gate.OPENING_HOURS, NOON, replace(ABOUT, opens_at=NOON)) is None


@given(st.lists(st.integers(0, 24 * 60 - 1), min_size=2, max_size=9))
def test_there_is_room_under_the_cap_as_soon_as_enough_was_long_ago(minutes: list[int]) -> None:
    """Counted as the gate counts: what is exactly a window old does not count."""
    told = [NOON - timedelta(minutes=minute) for minute in minutes]

    at = look_again(Gate.CAP, ABOUT, weekly=ALWAYS, told=told, cap=CAP, at=NOON)

    def counted(then: datetime) -> int:
        return sum(one > then - CAP.within for one in told)

    assert at is not None
    assert counted(at) < CAP.messages
    assert counted(at - timedelta(microseconds=1)) >= CAP.messages


def test_below_the_cap_there_is_room_already() -> None:
    """Nothing has to be waited for."""
    assert room_at([NOON], CAP) is None


@pytest.mark.parametrize("gate", sorted(set(Gate) - PASSING))
def test_what_time_alone_does_not_change_is_dropped(gate: Gate) -> None:
    """A consent does not come by itself, and what was told once need not be told later."""
    assert again(gate, NOON) is None


def test_a_message_waits_for_as_long_as_it_is_of_use() -> None:
    """Until the limit, or until what it speaks of or its campaign ends."""
    held_at = NOON

    def last(listing: int | None, campaign: int | None) -> datetime:
        ends = [
            None if hour is None else NOON + timedelta(hours=hour) for hour in (listing, campaign)
        ]
        return last_moment(
            held_at=held_at, listing_ends_at=ends[0], campaign_ends_at=ends[1], limits=LIMITS
        )

    assert last(None, None) == NOON + timedelta(hours=24)
    assert last(30, 40) == NOON + timedelta(hours=24)
    assert last(3, 4) == NOON + timedelta(hours=3)
    assert last(None, 2) == NOON + timedelta(hours=2)


def test_what_is_said_of_a_message_that_nobody_would_tell_any_more() -> None:
    """The first reason there is."""
    fine = {"listens": True, "hears": True}
    wrong = dict.fromkeys(("taken_back", "stopped", "waited_out", "has_left"), False)

    def why(ends: datetime | None = None, **changes: bool) -> str | None:
        return why_irrelevant(ends=(None, ends), at=NOON, **{**fine, **wrong, **changes})

    assert why() is None
    assert why(NOON + timedelta(seconds=1)) is None
    told = [
        why(NOON),
        *(why(None, **{name: False}) for name in fine),
        *(why(None, **{name: True}) for name in wrong),
    ]
    assert len(set(told)) == len(told)
    assert None not in told


def test_the_days_are_those_on_which_clocks_change() -> None:
    """What the tables above rest on."""
    zone = ZoneInfo("Europe/London")
    offsets = {
        day: datetime(2026, *day, 12, tzinfo=zone).utcoffset()
        for day in ((3, 28), (3, 29), (10, 24), (10, 25))
    }
    assert offsets[3, 28] != offsets[3, 29]
    assert offsets[10, 24] != offsets[10, 25]
    assert date(2026, 3, 29).weekday() == date(2026, 10, 25).weekday() == 6
