"""Opening hours, read in the place's own time zone."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from geoservices.places.hours import (
    UNKNOWN,
    Hours,
    OpenState,
    hours_at,
    is_readable,
    open_days,
)

LONDON = "Europe/London"
OPEN, CLOSED = OpenState.OPEN, OpenState.CLOSED
SAMPLE = Path(__file__).parents[2] / "data" / "opening-hours" / "osm-opening-hours.tsv"
REAL = [line.split("\t", 1)[1] for line in SAMPLE.read_text("utf-8").splitlines()[1:]]
OFFICE = "Mo-Fr 09:00-17:00"


def at(text: str, zone: str = "UTC") -> datetime:
    """Return an instant written in a zone's local time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def read(opening_hours: str | None, moment: datetime, *, time_zone: str = LONDON) -> Hours:
    """Read opening hours."""
    return hours_at(opening_hours, time_zone=time_zone, at=moment)


@pytest.mark.parametrize(
    ("opening_hours", "moment", "state", "changes_at"),
    [
        pytest.param(OFFICE, "2026-03-04T12:00", OPEN, "2026-03-04T17:00", id="office hours"),
        pytest.param(OFFICE, "2026-03-04T09:00", OPEN, "2026-03-04T17:00", id="as it opens"),
        pytest.param(OFFICE, "2026-03-04T17:00", CLOSED, "2026-03-05T09:00", id="as it closes"),
        pytest.param(OFFICE, "2026-03-07T12:00", CLOSED, "2026-03-09T09:00", id="the weekend"),
        pytest.param(
            "Fr 22:00-03:00", "2026-03-07T01:00", OPEN, "2026-03-07T03:00", id="over midnight"
        ),
        pytest.param("24/7", "2026-03-04T12:00", OPEN, None, id="always"),
        pytest.param("off", "2026-03-04T12:00", CLOSED, None, id="never"),
        pytest.param(
            "Mo-Su 09:00-17:00; PH off",
            "2026-12-25T12:00",
            CLOSED,
            "2026-12-26T09:00",
            id="Christmas Day",
        ),
        pytest.param(
            "Mo-Su 09:00-17:00; PH 10:00-12:00",
            "2026-04-03T11:00",
            OPEN,
            "2026-04-03T12:00",
            id="shorter hours on Good Friday",
        ),
        pytest.param(
            "Mo-Su 09:00-17:00; Dec 24-Jan 1 off",
            "2026-12-30T12:00",
            CLOSED,
            "2027-01-02T09:00",
            id="closed over the turn of the year",
        ),
        pytest.param(
            "Su[1] 10:00-12:00",
            "2026-03-02T11:00",
            CLOSED,
            "2026-04-05T10:00",
            id="the first Sunday of the month",
        ),
        pytest.param(
            "2020 Jan 1-2020 Feb 1: 10:00-12:00",
            "2026-03-04T11:00",
            CLOSED,
            None,
            id="over for good",
        ),
    ],
)
def test_hours_are_read_at_a_moment(
    opening_hours: str, moment: str, state: OpenState, changes_at: str | None
) -> None:
    """Whether it is open, and until when."""
    hours = read(opening_hours, at(moment, LONDON))

    assert hours.state is state
    assert hours.changes_at == (at(changes_at, LONDON) if changes_at else None)


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        pytest.param("2026-03-28T08:30", CLOSED, id="winter: 8:30 is 8:30"),
        pytest.param("2026-03-29T08:30", OPEN, id="summer: 8:30 UTC is 9:30 on the wall"),
        pytest.param("2026-10-24T16:30", CLOSED, id="summer: 16:30 UTC is 17:30 on the wall"),
        pytest.param("2026-10-25T16:30", OPEN, id="winter again"),
    ],
)
def test_hours_follow_the_clock_on_the_wall(moment: str, state: OpenState) -> None:
    """The hour that summer time takes or gives moves the hours in UTC."""
    assert read("Mo-Su 09:00-17:00", at(moment)).state is state


def test_a_change_on_the_day_the_clocks_change_is_the_right_instant() -> None:
    """Ten in the morning after the clocks went forward is nine in UTC."""
    hours = read("Su 10:00-12:00", at("2026-03-29T00:30"))

    assert hours.changes_at is not None
    assert hours.changes_at.astimezone(UTC) == at("2026-03-29T09:00")


@pytest.mark.parametrize("moment", ["2026-03-29T01:00", "2026-10-25T00:30", "2026-10-25T01:30"])
@pytest.mark.parametrize("opening_hours", ["01:30-03:00", "00:00-01:30", "22:00-02:00"])
def test_the_hour_that_is_missing_or_twice_there_breaks_nothing(
    opening_hours: str, moment: str
) -> None:
    """There is a state, and the next change lies ahead."""
    hours = read(opening_hours, at(moment))

    assert hours.state is not OpenState.UNKNOWN
    assert hours.changes_at is not None
    assert hours.changes_at > at(moment)


def test_the_same_hours_differ_between_zones() -> None:
    """Noon in London is seven in the morning in New York."""
    moment = at("2026-03-04T12:00")

    assert read(OFFICE, moment).state is OPEN
    assert read(OFFICE, moment, time_zone="America/New_York").state is CLOSED


@pytest.mark.parametrize(
    ("time_zone", "holiday"),
    [
        pytest.param("Europe/Paris", "2026-07-14T12:00", id="14 July in France"),
        pytest.param("Europe/Berlin", "2026-10-03T12:00", id="3 October in Germany"),
    ],
)
def test_public_holidays_are_the_countrys_own(time_zone: str, holiday: str) -> None:
    """The zone tells the country."""
    moment = at(holiday, time_zone)

    assert read("Mo-Su 09:00-17:00; PH off", moment, time_zone=time_zone).state is CLOSED
    assert read("Mo-Su 09:00-17:00; PH off", moment).state is OPEN


@pytest.mark.parametrize("time_zone", ["Pacific/Fiji", "UTC", "Etc/GMT+5"])
def test_where_no_holidays_are_known_the_other_hours_still_are(time_zone: str) -> None:
    """A country without a calendar, and zones that belong to none."""
    moment = at("2026-03-04T12:00", time_zone)

    assert read("Mo-Su 09:00-17:00; PH off", moment, time_zone=time_zone).state is OPEN


@pytest.mark.parametrize("opening_hours", [None, "", "by appointment", "Mo-Fr 9 to 5", "25:00"])
def test_what_cannot_be_read_is_unknown(opening_hours: str | None) -> None:
    """Nothing is guessed."""
    assert read(opening_hours, at("2026-03-04T12:00")) == UNKNOWN
    assert opening_hours is None or not is_readable(opening_hours)


def test_hours_may_say_themselves_that_they_are_unknown() -> None:
    """`unknown` is a state of its own in OSM's syntax."""
    hours = read("Mo-Fr 09:00-17:00 unknown", at("2026-03-04T12:00"))

    assert hours.state is OpenState.UNKNOWN
    assert hours.changes_at == at("2026-03-04T17:00")


@pytest.mark.parametrize("opening_hours", REAL)
def test_whatever_people_wrote_is_read_or_unknown(opening_hours: str) -> None:
    """Never an exception, and a change always lies ahead."""
    for moment in ("2026-03-04T12:00", "2026-03-29T00:59", "2026-10-25T01:30", "2026-12-25T08:00"):
        hours = read(opening_hours, at(moment))

        assert is_readable(opening_hours) or hours == UNKNOWN
        assert hours.changes_at is None or hours.changes_at > at(moment)


def test_the_days_ahead_are_told_by_the_clocks_of_the_place() -> None:
    """From midnight to midnight, also on the day that has 25 hours; the first is today."""
    days = open_days(
        "Sa 22:00-02:00, Su 09:00-12:00,13:00-17:00", time_zone=LONDON, at=at("2026-10-23T23:30")
    )

    assert days is not None
    assert [open_day.day.isoformat() for open_day in days[:3]] == [
        "2026-10-24",
        "2026-10-25",
        "2026-10-26",
    ]
    saturday, sunday, monday = (
        [(begin.isoformat()[11:16], end.isoformat()[11:16]) for begin, end in open_day.spans]
        for open_day in days[:3]
    )
    assert saturday == [("21:00", "23:00")]
    assert sunday[-2:] == [("09:00", "12:00"), ("13:00", "17:00")]
    assert sunday[0][0] == "23:00"
    assert monday == []
    assert len(days) == 7
    assert open_days("when the door is open", time_zone=LONDON, at=at("2026-10-24T12:00")) is None
    assert open_days(None, time_zone=LONDON, at=at("2026-10-24T12:00")) is None
