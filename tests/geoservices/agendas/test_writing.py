"""Agendas as other programs read them: with the libraries that they use."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import given
from hypothesis import strategies as st
from icalendar.timezone.tzp import TZP

from geoservices.agendas.entries import Entry, Standing
from geoservices.agendas.linked_data import linked_data
from geoservices.agendas.writing import write_agenda
from geoservices.calendars.recurrence import spans
from geoservices.feeds.icalendar import read_icalendar
from geoservices.feeds.schema_org import read_json_ld
from tests.factories import EXETER, NOON

HOUR = timedelta(hours=1)
ENTRY = Entry(
    uid="2f4b52fe-3f8f-4f0e-9d0e-0d6a5e1f3a11",
    revision=3,
    stamped_at=NOON,
    starts_at=datetime(2026, 3, 20, 10, tzinfo=UTC),
    length=HOUR,
    time_zone="Europe/London",
    title="Story time",
    text="Bring a friend; come early, stay late.\nAll welcome \\o/",
    place="Exeter Library",
    address="Castle Street, EX4 3PQ",
    lon=EXETER[0],
    lat=EXETER[1],
    url="https://example.org/library",
)
WEEKLY = replace(
    ENTRY,
    rule="FREQ=WEEKLY;UNTIL=20261231T235959Z;BYDAY=FR",
    excluded=(datetime(2026, 3, 27, 10, tzinfo=UTC), datetime(2026, 4, 3, 9, tzinfo=UTC)),
)


def read(*entries: Entry) -> Any:
    """What the library reads of them."""
    return icalendar.Calendar.from_ical(write_agenda(entries, name="What's on"))


def test_what_is_written_is_what_was_meant() -> None:
    """Each property with its value; lines fold after 75 octets and end as they must."""
    long = replace(ENTRY, title="Amser stori i blant bach a'u rhieni, bob wythnos \u2026 " * 3)
    text = write_agenda([long], name="x")

    lines = text.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert b"\n" not in text.replace(b"\r\n", b"")
    [event] = read(ENTRY).events
    assert event["UID"] == ENTRY.uid
    assert event["DTSTART"].dt == ENTRY.starts_at
    assert event["DURATION"].dt == HOUR
    assert event["SUMMARY"] == ENTRY.title
    assert event["DESCRIPTION"] == ENTRY.text
    assert event["LOCATION"] == "Exeter Library, Castle Street, EX4 3PQ"
    assert (event["STATUS"], event["SEQUENCE"]) == ("CONFIRMED", 3)
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == NOON
    assert event["GEO"].latitude == EXETER[1]


def test_the_head_says_what_it_is() -> None:
    """For programs old and new."""
    calendar = read(ENTRY)

    assert calendar["METHOD"] == "PUBLISH"
    assert calendar["VERSION"] == "2.0"
    assert calendar["NAME"] == calendar["X-WR-CALNAME"] == "What's on"
    assert calendar["REFRESH-INTERVAL"].dt == HOUR
    assert calendar.errors == []
    empty = read()
    assert (empty.events, len(empty.subcomponents)) == ([], 1)


def test_the_same_is_written_in_the_same_bytes() -> None:
    """So that programs can ask whether anything has changed."""
    assert write_agenda([ENTRY, WEEKLY], name="x") == write_agenda([ENTRY, WEEKLY], name="x")


def test_a_series_recurs_for_others_as_for_us() -> None:
    """Over both changes of clocks, without what is excluded."""
    since, until = NOON, datetime(2027, 3, 1, tzinfo=UTC)
    ours = spans(
        starts_at=WEEKLY.starts_at,
        length=HOUR,
        rule=WEEKLY.rule,
        time_zone=WEEKLY.time_zone,
        excluded=WEEKLY.excluded,
        since=since,
        until=until,
        limit=100,
    )

    theirs = recurring_ical_events.of(read(WEEKLY)).between(since, until)

    assert len(ours) == 39
    assert sorted(one["DTSTART"].dt for one in theirs) == [one.starts_at for one in ours]


@pytest.mark.parametrize(
    ("zone", "hour", "until", "told"),
    [
        ("Europe/London", 10, "20260410", "20260410T225959Z"),
        ("Europe/London", 9, "20260410T100000", "20260410T090000Z"),
        # There the event of the evening is on the next day of UTC, and that of the morning before.
        ("America/New_York", 0, "20260410", "20260411T035959Z"),
        ("Asia/Tokyo", 23, "20260410", "20260410T145959Z"),
        ("Asia/Tokyo", 23, "20260410T220000Z", "20260410T220000Z"),
    ],
)
def test_the_end_of_a_series_is_the_same_for_others(
    zone: str, hour: int, until: str, told: str
) -> None:
    """However it was typed, it is told in UTC (RFC 5545 section 3.3.10)."""
    daily = replace(
        ENTRY,
        starts_at=ENTRY.starts_at.replace(hour=hour),
        time_zone=zone,
        rule=f"FREQ=DAILY;UNTIL={until}",
    )
    since, end = NOON, datetime(2027, 3, 1, tzinfo=UTC)
    ours = spans(
        starts_at=daily.starts_at,
        length=HOUR,
        rule=daily.rule,
        time_zone=zone,
        since=since,
        until=end,
        limit=100,
    )

    text = write_agenda([daily], name="x")

    assert f"RRULE:FREQ=DAILY;UNTIL={told}\r\n".encode() in text
    theirs = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(since, end)
    assert sorted(one["DTSTART"].dt for one in theirs) == [one.starts_at for one in ours]


@pytest.mark.parametrize(
    "zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
)
def test_clocks_are_told_to_the_minute(zone: str) -> None:
    """The VTIMEZONE shows the same as the zone itself, at every hour that there is."""
    clock = ZoneInfo(zone)
    [told] = read(replace(ENTRY, time_zone=zone)).timezones
    read_back = TZP().create_timezone(told)

    for hours in range(24 * 730):
        at = datetime(2026, 1, 1) + hours * HOUR  # noqa: DTZ001
        there_is = at.replace(tzinfo=clock).astimezone(UTC).astimezone(clock)
        if there_is.replace(tzinfo=None) == at:
            assert at.replace(tzinfo=read_back).utcoffset() == there_is.utcoffset()
    for one in told.subcomponents:
        before, after = one["TZOFFSETFROM"].td, one["TZOFFSETTO"].td
        starts = [one["DTSTART"].dt, *(each.dt for each in getattr(one.get("RDATE"), "dts", ()))]
        for start in starts if before != after else ():
            onset = (start - before).replace(tzinfo=UTC)
            assert onset.astimezone(clock).utcoffset() == after
            assert (onset - timedelta(seconds=1)).astimezone(clock).utcoffset() == before


def test_what_is_called_off_is_marked() -> None:
    """For programs that have it already."""
    [event] = read(replace(ENTRY, standing=Standing.CANCELLED)).events

    assert event["STATUS"] == "CANCELLED"


def test_our_own_feed_reader_reads_it() -> None:
    """Without a fault."""
    other = replace(WEEKLY, uid="other")
    feed = read_icalendar(write_agenda([ENTRY, other], name="x").decode())

    assert feed.whole
    assert feed.faults == ()
    _, event = feed.events
    assert (event.zone, event.length, event.rule) == ("Europe/London", HOUR, WEEKLY.rule)
    assert event.excluded == WEEKLY.excluded


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_words_come_through(title: str, text: str) -> None:
    """As they were, but for what no calendar can hold."""
    plain = {ord(one): None for one in "\r\x00"} | dict.fromkeys((*range(1, 9), 11, 12))
    title = " ".join(title.translate({**plain, 10: None}).split())
    [event] = read(replace(ENTRY, title=title or "x", text=text)).events

    assert event["SUMMARY"] == (title or "x")


def test_linked_data() -> None:
    """Each occurrence of a series within three months; and our own reader reads it."""
    document = linked_data([ENTRY, WEEKLY], at=NOON)

    first, *others = document["@graph"]
    assert first["startDate"] == "2026-03-20T10:00:00+00:00"
    assert first["endDate"] == "2026-03-20T11:00:00+00:00"
    assert first["location"]["geo"]["latitude"] == EXETER[1]
    assert [one["startDate"][:16] for one in others[:2]] == ["2026-03-20T10:00", "2026-04-10T10:00"]
    assert others[1]["startDate"].endswith("+01:00")
    assert date.fromisoformat(others[-1]["startDate"][:10]) <= date(2026, 6, 4)

    feed = read_json_ld(json.dumps(document))
    assert len(feed.events) == len(document["@graph"])
    assert feed.faults == ()
    off = linked_data([replace(ENTRY, standing=Standing.CANCELLED, length=None)], at=NOON)
    assert read_json_ld(json.dumps(off)).events[0].cancelled
