"""What comes again, by the clocks of three zones, over every change of theirs."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.calendars.recurrence import (
    RecurrenceRefused,
    Series,
    Span,
    check_series,
    is_on,
    last_end,
    local_instant,
    next_after,
    read_rule,
    spans,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(text: str, zone: str = "Europe/London") -> datetime:
    """A local time of a zone, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def series(
    first: str, rule: str | None, *, zone: str = "Europe/London", length: timedelta = HOUR
) -> Series:
    """What begins at a local time of a zone."""
    return Series(starts_at=at(first, zone), length=length, rule=rule, time_zone=zone)


def starts(comes: Series, *, since: str, until: str) -> list[str]:
    """The local starts between two local times."""
    zone = comes["time_zone"]
    found = spans(since=at(since, zone), until=at(until, zone), limit=1000, **comes)
    return [
        f"{one.starts_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None):%Y-%m-%dT%H:%M}"
        for one in found
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=WEEKLY", ["2026-09-01", "2026-09-08", "2026-09-15", "2026-09-22", "2026-09-29"]),
        ("FREQ=WEEKLY;INTERVAL=2", ["2026-09-01", "2026-09-15", "2026-09-29"]),
        ("FREQ=WEEKLY;BYDAY=TU,TH;COUNT=3", ["2026-09-01", "2026-09-03", "2026-09-08"]),
        ("FREQ=MONTHLY;BYDAY=1TU,-1TU", ["2026-09-01", "2026-09-29"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1", ["2026-09-01", "2026-09-30"]),
        ("FREQ=DAILY;UNTIL=20260903", ["2026-09-01", "2026-09-02", "2026-09-03"]),
        ("FREQ=DAILY;UNTIL=20260903T090000Z", ["2026-09-01", "2026-09-02", "2026-09-03"]),
        ("FREQ=DAILY;UNTIL=20260903T085959Z", ["2026-09-01", "2026-09-02"]),
        ("FREQ=DAILY;UNTIL=20260903T100000", ["2026-09-01", "2026-09-02", "2026-09-03"]),
        ("FREQ=DAILY;UNTIL=20260903T095959", ["2026-09-01", "2026-09-02"]),
        ("FREQ=YEARLY", ["2026-09-01"]),
        # Of the week from Monday the 31st of August, Thursday is the second.
        (
            "FREQ=WEEKLY;BYDAY=TU,TH;BYSETPOS=2;COUNT=3",
            ["2026-09-01", "2026-09-03", "2026-09-10"],
        ),
        (None, ["2026-09-01"]),
    ],
)
def test_a_rule_says_when(rule: str | None, expected: list[str]) -> None:
    """Tuesdays and Thursdays, first and last ones, so many times or until a day."""
    kept = None if rule is None else read_rule(rule, field="/rule")

    found = starts(
        series("2026-09-01T10:00", kept), since="2026-08-20T00:00", until="2026-10-01T00:00"
    )

    assert found == [f"{day}T10:00" for day in expected]


@pytest.mark.parametrize(
    ("zone", "skipped", "read_as"),
    [
        pytest.param("Europe/London", "2026-03-29T01:30", "2026-03-29T01:30Z", id="London"),
        pytest.param("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30Z", id="New York"),
        pytest.param(
            "Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45Z", id="half an hour"
        ),
    ],
)
def test_a_time_that_clocks_skip_has_the_offset_from_before(
    zone: str, skipped: str, read_as: str
) -> None:
    """RFC 5545's own example is New York's; the day after is as the clocks say again."""
    local = datetime.fromisoformat(skipped)
    comes = series((local - DAY).isoformat(), "FREQ=DAILY;COUNT=3", zone=zone)

    found = spans(since=at("2026-01-01", zone), until=at("2027-01-01", zone), limit=9, **comes)

    assert [one.starts_at for one in found] == [
        at((local - DAY).isoformat(), zone),
        datetime.fromisoformat(read_as),
        at((local + DAY).isoformat(), zone),
    ]


@pytest.mark.parametrize(
    ("zone", "twice", "first"),
    [
        pytest.param("Europe/London", "2026-10-25T01:30", "2026-10-25T00:30Z", id="London"),
        pytest.param("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30Z", id="New York"),
        pytest.param(
            "Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45Z", id="half an hour"
        ),
    ],
)
def test_a_time_that_comes_twice_is_the_first(zone: str, twice: str, first: str) -> None:
    """And it comes once."""
    local = datetime.fromisoformat(twice)
    comes = series((local - DAY).isoformat(), "FREQ=DAILY;COUNT=3", zone=zone)

    found = spans(since=at("2026-01-01", zone), until=at("2027-01-01", zone), limit=9, **comes)

    assert [one.starts_at for one in found][1] == datetime.fromisoformat(first)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("zone", "evening", "morning"),
    [
        ("Europe/London", "2026-03-28T23:00", "2026-03-29T08:00"),
        ("Europe/London", "2026-10-24T23:00", "2026-10-25T06:00"),
        ("America/New_York", "2026-03-07T23:00", "2026-03-08T08:00"),
        ("America/New_York", "2026-10-31T23:00", "2026-11-01T06:00"),
        ("Australia/Lord_Howe", "2026-04-04T23:00", "2026-04-05T06:30"),
        ("Australia/Lord_Howe", "2026-10-03T23:00", "2026-10-04T07:30"),
    ],
)
def test_eight_hours_are_eight_hours_over_the_change(zone: str, evening: str, morning: str) -> None:
    """By the clocks they end an hour, or half an hour, earlier or later than on other days."""
    comes = series(evening, "FREQ=DAILY", zone=zone, length=8 * HOUR)

    found = is_on(at(evening, zone) + 7 * HOUR, **comes)

    assert found == Span(at(evening, zone), at(morning, zone))


def test_a_first_start_in_the_second_of_two_hours_is_kept() -> None:
    """An instant was given, and the instant is meant; later ones go by the clocks."""
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    comes = series("2026-10-25T01:30", "FREQ=DAILY;COUNT=2") | {"starts_at": second}

    found = spans(since=second - DAY, until=second + 9 * DAY, limit=9, **comes)

    assert [one.starts_at for one in found] == [second, second + DAY]


def test_a_day_that_a_zone_leaves_out_has_none_of_its_own() -> None:
    """Samoa went from the 29th of December 2011 to the 31st."""
    comes = series("2011-12-29T10:00", "FREQ=DAILY;COUNT=3", zone="Pacific/Apia")

    found = starts(comes, since="2011-12-28T00:00", until="2012-02-01T00:00")

    assert found == ["2011-12-29T10:00", "2011-12-31T10:00", "2012-01-01T10:00"]


def test_several_times_a_day_stay_in_order_where_clocks_skip() -> None:
    """A quarter past one is a quarter past two that day, after two; nothing comes twice."""
    comes = series("2026-03-28T01:00", "FREQ=DAILY;BYHOUR=1,2;BYMINUTE=0,15;COUNT=8")

    found = starts(comes, since="2026-03-29T00:00", until="2026-03-30T00:00")

    assert found == ["2026-03-29T02:00", "2026-03-29T02:15"]


def test_single_starts_are_taken_out_and_put_in() -> None:
    """What is taken out still counts, as RFC 5545 has it."""
    comes = series("2026-09-01T10:00", "FREQ=WEEKLY;COUNT=3") | {
        "excluded": {at("2026-09-08T10:00")},
        "added": [at("2026-09-10T18:00"), at("2026-09-15T10:00")],
    }

    found = starts(comes, since="2026-08-01T00:00", until="2027-01-01T00:00")

    assert found == ["2026-09-01T10:00", "2026-09-10T18:00", "2026-09-15T10:00"]


def test_what_is_on_and_what_comes_next() -> None:
    """The end belongs to an occurrence no more, and what has begun is not next."""
    comes = series("2026-09-01T10:00", "FREQ=WEEKLY")
    first = at("2026-09-01T10:00")

    assert is_on(first - timedelta(microseconds=1), **comes) is None
    assert is_on(first, **comes) == Span(first, first + HOUR)
    assert is_on(first + HOUR, **comes) is None
    assert next_after(first, **comes) == Span(first + 7 * DAY, first + 7 * DAY + HOUR)
    assert next_after(first - HOUR, **comes) == Span(first, first + HOUR)


@pytest.mark.parametrize(
    ("rule", "ends"),
    [
        (None, "2026-09-01T11:00"),
        ("FREQ=WEEKLY;COUNT=10", "2026-11-03T11:00"),
        ("FREQ=WEEKLY;UNTIL=20261102", "2026-10-27T11:00"),
        ("FREQ=WEEKLY", None),
    ],
)
def test_when_the_last_one_ends(rule: str | None, ends: str | None) -> None:
    """None is for ever."""
    assert last_end(**series("2026-09-01T10:00", rule)) == (None if ends is None else at(ends))


def test_an_end_at_the_ends_of_time() -> None:
    """Clocks behind UTC show the last of all days, and those ahead of it the first."""
    for_ever = series("2026-09-01T10:00", "FREQ=YEARLY;UNTIL=99991231", zone="America/New_York")
    never = series("2026-09-01T10:00", "FREQ=YEARLY;UNTIL=00010101T000000", zone="Asia/Tokyo")

    check_series(field="/rule", **for_ever)
    with pytest.raises(RecurrenceRefused, match="later UNTIL"):
        check_series(field="/rule", **never)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("RRULE:freq=weekly;byday=TU;interval=1;wkst=MO", "FREQ=WEEKLY;BYDAY=TU"),
        (" BYMONTH=2;FREQ=YEARLY; ", "FREQ=YEARLY;BYMONTH=2"),
        ("FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0", "FREQ=DAILY;BYSECOND=0;BYMINUTE=0;BYHOUR=9"),
    ],
)
def test_a_rule_is_kept_in_one_form(given: str, kept: str) -> None:
    """So that the same rule is the same text."""
    assert read_rule(given, field="/rule") == kept
    assert read_rule(kept, field="/rule") == kept


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every Tuesday",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;BYHOUR=9",
        "FREQ=HOURLY;INTERVAL=24",
        "INTERVAL=2",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=3;BYSETPOS=3",
        "FREQ=WEEKLY;BYMONTH=2;BYDAY=MO;BYSETPOS=2",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYMONTHDAY=3",
        "FREQ=MONTHLY;BYDAY=MO,1TU",
        "FREQ=MONTHLY;BYDAY=99MO",
        "FREQ=MONTHLY;BYWEEKNO=3",
        "FREQ=MONTHLY;BYYEARDAY=3",
        "FREQ=MONTHLY;BYSETPOS=3",
        "FREQ=MONTHLY;BYSETPOS=0;BYDAY=MO",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=",
        "FREQ=YEARLY;BYEASTER=0",
        "FREQ=YEARLY;RSCALE=HEBREW;SKIP=OMIT",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=999999999999999999999",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=1000000000",
        "FREQ=DAILY;COUNT=٣",
        "FREQ=DAILY;COUNT=3;UNTIL=20270101",
        "FREQ=DAILY;UNTIL=20270231",
        "FREQ=DAILY;UNTIL=20270101T250000Z",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;WKST=XX",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5;BYMINUTE=0,1,2,3,4,5",
        "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1;BYHOUR=9,10",
        "FREQ=DAILY;BYMONTHDAY=" + ",".join(["1"] * 400),
        "FREQ=DAILY\nDTSTART:20260101",
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(rule: str) -> None:
    """At once, and with words that say what to change."""
    began = process_time()

    with pytest.raises(RecurrenceRefused) as refused:
        read_rule(rule, field="/event/rule")

    assert refused.value.field == "/event/rule"
    assert refused.value.code == "recurrence-refused"
    assert process_time() - began < 1


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("FREQ=WEEKLY;UNTIL=20260831", "later UNTIL"),
        ("FREQ=WEEKLY;BYDAY=WE", "Tuesday 01 September 2026, 10:00"),
        ("FREQ=DAILY;BYHOUR=9", "not one of"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "not one of"),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=8", "not one of"),
        ("FREQ=DAILY;UNTIL=21001231", "more than 10000"),
    ],
)
def test_a_rule_that_does_not_go_with_its_first_start_is_refused(rule: str, says: str) -> None:
    """Ending before it begins, beginning on another day, or with no end to speak of."""
    began = process_time()

    with pytest.raises(RecurrenceRefused, match=says):
        check_series(field="/rule", **series("2026-09-01T10:00", read_rule(rule, field="/rule")))

    assert process_time() - began < 1


@pytest.mark.parametrize(
    ("until", "zone", "says"),
    [
        ("99991231", "America/New_York", "more than 10000"),
        ("99991231T235959", "America/New_York", "more than 10000"),
        ("00010101T000000", "Asia/Tokyo", "later UNTIL"),
    ],
)
def test_an_end_that_utc_has_no_date_for_is_refused(until: str, zone: str, says: str) -> None:
    """Like any other that is too late or too early; some say the last day of all for never."""
    rule = f"FREQ=DAILY;UNTIL={until}"

    with pytest.raises(RecurrenceRefused, match=says):
        check_series(field="/rule", **series("2026-09-01T10:00", rule, zone=zone))


@pytest.mark.parametrize(
    "ask",
    [
        lambda comes: next_after(at("2027-01-01T00:00"), **comes),
        lambda comes: is_on(at("2027-01-01T00:00"), **comes),
        lambda comes: spans(
            since=at("2027-01-01T00:00"), until=at("2300-01-01T00:00"), limit=1, **comes
        ),
    ],
)
@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=DAILY;INTERVAL=14;BYDAY=MO,WE",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=8",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=DAILY;INTERVAL=1000;COUNT=10000",
        "FREQ=WEEKLY;INTERVAL=1000;BYDAY=TU",
    ],
)
def test_the_search_for_a_next_one_has_an_end(rule: str, ask: Callable[[Series], object]) -> None:
    """Rules that begin on a day of their own by accident alone, or come once in many years."""
    began = process_time()

    ask(series("2026-09-01T10:00", read_rule(rule, field="/rule")))

    assert process_time() - began < 1


def test_a_daily_event_from_long_ago_is_found_soon() -> None:
    """What has passed is jumped over."""
    comes = series("1970-01-01T10:00", "FREQ=DAILY")
    began = process_time()

    for _ in range(100):
        assert next_after(at("2026-09-01T10:30"), **comes) is not None

    assert process_time() - began < 1


ZONES = st.sampled_from(
    ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]
)
DAYS = st.dates(date(2010, 1, 1), date(2030, 1, 1))
TIMES = st.times().map(lambda one: one.replace(second=0, microsecond=0))
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


@given(
    first=DAYS,
    moment=TIMES,
    zone=ZONES,
    interval=st.integers(1, 5),
    weekdays=st.sets(st.integers(0, 6)),
    hours=st.integers(1, 72),
    after=st.timedeltas(timedelta(), 800 * DAY),
    window=st.timedeltas(HOUR, 60 * DAY),
)
def test_weeks_are_as_somebody_with_a_calendar_counts_them(
    first: date,
    moment: time,
    zone: str,
    interval: int,
    weekdays: set[int],
    hours: int,
    after: timedelta,
    window: timedelta,
) -> None:
    """Day by day: each wanted weekday of every so manieth week, wherever the window lies."""
    wanted = weekdays | {first.weekday()}
    names = ",".join(WEEKDAYS[one] for one in sorted(wanted))
    begins = local_instant(first, moment, zone)
    comes = Series(
        starts_at=begins,
        length=hours * HOUR,
        rule=read_rule(f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={names}", field="/rule"),
        time_zone=zone,
    )
    since = begins + after
    until = since + window

    found = spans(since=since, until=until, limit=1000, **comes)

    monday = first - first.weekday() * DAY
    # Where the first start is a time that clocks skipped, its local time is another.
    shown = begins.astimezone(ZoneInfo(zone)).time()
    by_hand = {
        local_instant(day, shown, zone)
        for day in (first + number * DAY for number in range((after + window).days + 9))
        if day.weekday() in wanted and (day - monday).days // 7 % interval == 0
    } | {begins}
    assert [one.starts_at for one in found] == sorted(
        one for one in by_hand if one >= begins and one < until and one + hours * HOUR > since
    )


RULES = st.builds(
    lambda frequency, interval, parts, end: ";".join(
        [f"FREQ={frequency}", f"INTERVAL={interval}", *parts, *end]
    ),
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 1000),
    st.lists(
        st.sampled_from(
            ["BYDAY=MO", "BYDAY=1MO,-1FR", "BYMONTH=2", "BYMONTHDAY=29,-1", "BYYEARDAY=366",
             "BYWEEKNO=53", "BYSETPOS=-1", "BYSETPOS=2", "BYHOUR=2,3", "WKST=SU"]
        ),
        unique_by=lambda part: part.split("=")[0],
        max_size=4,
    ),
    st.sampled_from([[], ["COUNT=7"], ["UNTIL=20351231"], ["UNTIL=20351231T120000Z"]]),
)  # fmt: skip


@given(rule=RULES, first=DAYS, moment=TIMES, zone=ZONES, after=st.timedeltas(-DAY, 3000 * DAY))
def test_whatever_the_rule_answers_agree(
    rule: str, first: date, moment: time, zone: str, after: timedelta
) -> None:
    """Ascending, inside the window, the same from wherever one looks, and never long in coming."""
    try:
        kept = read_rule(rule, field="/rule")
    except RecurrenceRefused:
        return
    comes = Series(
        starts_at=local_instant(first, moment, zone), length=HOUR, rule=kept, time_zone=zone
    )
    since = comes["starts_at"] + after
    until = since + 400 * DAY
    began = process_time()

    found = spans(since=since, until=until, limit=1000, **comes)
    following = next_after(since, **comes)

    assert process_time() - began < 1
    assert all(one.ends_at > since and one.starts_at < until for one in found)
    assert all(one.starts_at < other.starts_at for one, other in pairwise(found))
    later = [one for one in found if one.starts_at > since]
    if later:
        assert following == later[0]
        assert is_on(later[0].starts_at, **comes) is not None
        middle = later[len(later) // 2].starts_at
        assert spans(since=middle + HOUR, until=until, limit=1000, **comes) == [
            one for one in found if one.ends_at > middle + HOUR
        ]
    else:
        assert following is None or following.starts_at >= until
