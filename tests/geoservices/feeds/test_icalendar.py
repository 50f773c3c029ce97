"""iCalendar text: every event that can be read is, and every line that cannot be is named."""

import time
import warnings
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.feeds.icalendar import read_icalendar
from geoservices.feeds.reading import MOST_EVENTS, ReadFeed

FOLDER = Path(__file__).parents[2] / "data/icalendar"
FILES = sorted(FOLDER.rglob("*.ics"))
BROKEN = {
    "calendars/fuzz_testcase_invalid_month.ics": (1, "BEGIN:V has no END"),
    "calendars/fuzz_testcase_vtimezone_lone_cr.ics": (1, "VTIMEZONE cannot be read"),
    "calendars/issue_104_broken_calendar.ics": (13, "not `NAME:value`: X"),
    "calendars/parsing_error_in_UTC_offset.ics": (2, "VTIMEZONE cannot be read"),
}
"""Those that the library refuses whole: the line at fault, and what is said of it."""
PLAIN = "UID:one@example.org\nDTSTART:20260304T120000Z\nSUMMARY:Story time"


def calendar(*events: str, head: str = "") -> str:
    """A calendar of events, given by their lines."""
    told = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{head}{told}END:VCALENDAR\n"


def whats(feed: ReadFeed) -> str:
    """All that is said of a feed's faults."""
    return "\n".join(fault.what for fault in feed.faults)


def test_all_of_them_are_there() -> None:
    """So that none is lost unnoticed."""
    assert len(FILES) == 161


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_is_read(file: Path) -> None:
    """Whatever the library makes of a file's events, so do we; nothing is raised."""
    text = file.read_bytes().decode("utf-8", "replace")

    feed = read_icalendar(text)

    lines = text.count("\n") + 1
    assert all(1 <= fault.line <= lines for fault in feed.faults)
    name = str(file.relative_to(FOLDER))
    if name in BROKEN:
        line, what = BROKEN[name]
        assert any(fault.line == line and what in fault.what for fault in feed.faults)
        return
    with warnings.catch_warnings(action="ignore"):
        roots: list[Any] = icalendar.Calendar.from_ical(file.read_bytes(), multiple=True)
    theirs = {
        (str(event.get("UID")), "RECURRENCE-ID" in event): event["DTSTART"].dt
        for root in roots
        for event in (root.subcomponents if root.name == "VCALENDAR" else [root])
        if event.name == "VEVENT" and isinstance(event.get("DTSTART"), icalendar.vDDDTypes)
    }
    ours = {(event.uid, event.recurrence_id is not None): event.starts for event in feed.events}
    assert {uid for uid, _ in theirs} - {"None"} <= {uid for uid, _ in ours} | feed.unread
    for key in theirs.keys() & ours.keys():
        start, other = ours[key], theirs[key]
        if isinstance(start, datetime) and start.tzinfo:
            assert isinstance(other, datetime)
            assert start == other.astimezone(UTC)


@pytest.mark.parametrize(
    ("lines", "starts"),
    [
        ("DTSTART:20260304T120000Z", datetime(2026, 3, 4, 12, tzinfo=UTC)),
        ("DTSTART;TZID=Europe/Paris:20260704T120000", datetime(2026, 7, 4, 10, tzinfo=UTC)),
        (
            'DTSTART;TZID="GMT Standard Time":20260704T120000',
            datetime(2026, 7, 4, 11, tzinfo=UTC),
        ),
        (
            "DTSTART;TZID=/example.com/Europe/Paris:20260704T120000",
            datetime(2026, 7, 4, 10, tzinfo=UTC),
        ),
        ("DTSTART:20260304T120000", datetime(2026, 3, 4, 12)),  # noqa: DTZ001
        ("DTSTART;VALUE=DATE:20260304", date(2026, 3, 4)),
        ("DTSTART:20260304", date(2026, 3, 4)),
    ],
    ids=["UTC", "IANA", "Windows", "globally unique", "floating", "day", "day unsaid"],
)
def test_starts(lines: str, starts: date) -> None:
    """By whatever clock they are told."""
    [event] = read_icalendar(calendar(f"UID:1\nSUMMARY:A\n{lines}")).events

    assert event.starts == starts
    assert type(event.starts) is type(starts)


def zone(offset: str, rule: str = "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\n") -> str:
    """A zone of a feed's own, with one offset all year."""
    return (
        "BEGIN:VTIMEZONE\nTZID:Town clock\nBEGIN:STANDARD\nDTSTART:20000101T000000\n"
        f"{rule}TZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
    )


def test_a_zone_of_a_feed_s_own_is_its_own() -> None:
    """Another feed may mean another clock by the same name."""
    event = "UID:1\nSUMMARY:A\nDTSTART;TZID=Town clock:20260304T120000"

    read = [read_icalendar(calendar(event, head=zone(one))).events[0] for one in ("+0200", "-0500")]

    assert [one.starts for one in read] == [
        datetime(2026, 3, 4, 10, tzinfo=UTC),
        datetime(2026, 3, 4, 17, tzinfo=UTC),
    ]
    unknown = read_icalendar(calendar(event))
    assert unknown.events[0].starts == datetime(2026, 3, 4, 12)  # noqa: DTZ001
    assert "Town clock is not known" in whats(unknown)


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=SECONDLY\n",
        "RRULE:FREQ=YEARLY;BYHOUR=0,1,2,3,4,5;BYMINUTE=0,1,2,3,4,5,6;BYSECOND=0,1,2,3,4\n",
        "RRULE:FREQ=YEARLY;FREQ=SECONDLY\n",
    ],
)
def test_a_zone_whose_clocks_change_all_the_time_is_refused(rule: str) -> None:
    """Counting the changes would take for ever."""
    event = "UID:1\nSUMMARY:A\nDTSTART;TZID=Town clock:20260304T120000"

    feed = read_icalendar(calendar(event, head=zone("+0200", rule)))

    assert "VTIMEZONE cannot be read" in whats(feed)
    assert len(feed.events) == 1


def test_faults_name_the_line_of_the_file() -> None:
    """Folded lines count as many as they are."""
    text = calendar(
        f"{PLAIN}\nDESCRIPTION:long\n  and longer\n  and longest\nX broken",
        "UID:2\nDTSTART:2026-03-04",
    )

    feed = read_icalendar(text)

    lines = text.split("\n")
    assert [(lines[fault.line - 1], fault.uid) for fault in feed.faults] == [
        ("X broken", None),
        ("BEGIN:VEVENT", "2"),
        ("DTSTART:2026-03-04", "2"),
    ]
    assert feed.events[0].text == "long and longer and longest"
    assert feed.unread == {"2"}
    assert feed.whole


def test_one_broken_event_harms_no_other() -> None:
    """It is left out, and the feed is still known to have it."""
    feed = read_icalendar(calendar("UID:2\nDTSTART:nonsense", PLAIN, "UID:3\nDTSTART:also"))

    assert [event.uid for event in feed.events] == ["one@example.org"]
    assert feed.unread == {"2", "3"}


def test_series() -> None:
    """A rule, what is excluded, what is added, and an occurrence that differs."""
    feed = read_icalendar(
        calendar(
            "UID:s\nSUMMARY:Chess\nDTSTART;TZID=Europe/London:20260302T180000\n"
            "DURATION:PT2H\nRRULE:FREQ=WEEKLY;BYDAY=MO\nSEQUENCE:3\nLOCATION:Exeter Library\n"
            "EXDATE;TZID=Europe/London:20260309T180000,20260316T180000\n"
            "RDATE;TZID=Europe/London:20260311T180000\nLAST-MODIFIED:20260301T000000Z",
            "UID:s\nSUMMARY:Chess outside\nRECURRENCE-ID;TZID=Europe/London:20260323T180000\n"
            "DTSTART;TZID=Europe/London:20260323T190000\nDTEND;TZID=Europe/London:20260323T200000",
        )
    )

    series, other = feed.events
    assert (series.rule, series.zone, series.length) == (
        "FREQ=WEEKLY;BYDAY=MO",
        "Europe/London",
        timedelta(hours=2),
    )
    assert [one.day for one in series.excluded] == [9, 16]
    assert [one.day for one in series.added] == [11]
    assert (series.sequence, series.modified_at) == (3, datetime(2026, 3, 1, tzinfo=UTC))
    assert other.recurrence_id == datetime(2026, 3, 23, 18, tzinfo=UTC)
    assert feed.faults == ()


def test_words_are_as_they_were_meant() -> None:
    """Line breaks, commas, semicolons and backslashes come back; quotes were never escaped."""
    [event] = read_icalendar(
        calendar(
            "UID:1\nDTSTART:20260304T120000Z\nSUMMARY:A\\, B\\; C\\\\n\n"
            'DESCRIPTION;ALTREP="cid:x;y:z":One\\nTwo\\N"Three"'
        )
    ).events

    assert event.title == "A, B; C\\n"
    assert event.text == 'One\nTwo\n"Three"'


def test_what_is_called_off_and_what_is_not_public() -> None:
    """By the event's status, or for all of the calendar; and private events are not read."""
    called_off = read_icalendar(calendar(f"{PLAIN}\nSTATUS:CANCELLED"))
    all_off = read_icalendar(calendar(PLAIN, head="METHOD:CANCEL\n"))
    private = read_icalendar(calendar(f"{PLAIN}\nCLASS:PRIVATE"))

    assert called_off.events[0].cancelled
    assert all_off.events[0].cancelled
    assert (private.events, private.unread) == ((), frozenset())
    assert "not public" in whats(private)


def test_of_two_with_the_same_uid_the_later_counts() -> None:
    """By their sequence, wherever they stand."""
    feed = read_icalendar(
        calendar(f"{PLAIN}\nSEQUENCE:2\nLOCATION:new", f"{PLAIN}\nSEQUENCE:1\nLOCATION:old")
    )

    assert [event.location for event in feed.events] == ["new"]
    assert "same UID" in whats(feed)


@pytest.mark.parametrize(
    "lines",
    ["DTEND:20260304T110000Z", "DURATION:-PT1H", "DURATION:P500D"],
)
def test_what_ends_before_it_starts_is_left_out(lines: str) -> None:
    """And what takes longer than a year."""
    feed = read_icalendar(calendar(f"{PLAIN}\n{lines}"))

    assert feed.events == ()
    assert "left out" in whats(feed)


@pytest.mark.parametrize("cut", range(10, 120, 7))
def test_a_feed_that_is_cut_short_is_not_whole(cut: int) -> None:
    """What is missing from it may still be there."""
    text = calendar(PLAIN, PLAIN.replace("one", "two"))

    assert not read_icalendar(text[:cut]).whole
    assert read_icalendar(text).whole


def test_no_more_than_so_many_events_are_read() -> None:
    """The rest is a fault, and the feed is not whole; reading them takes seconds at most."""
    plain = PLAIN.replace(":20260304T120000Z", ";TZID=Europe/London:20260304T120000")
    text = calendar(*(plain.replace("one", str(number)) for number in range(MOST_EVENTS + 1)))
    began = time.perf_counter()

    feed = read_icalendar(text)

    assert len(feed.events) == MOST_EVENTS
    assert not feed.whole
    assert time.perf_counter() - began < 20


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Into events and faults, and never into an exception."""
    for one in (text, calendar(text), calendar(f"{PLAIN}\n{text}")):
        read_icalendar(one)


@given(
    st.sampled_from(
        ["DTSTART", "DTEND", "DURATION", "RRULE", "EXDATE", "RDATE", "RECURRENCE-ID", "SEQUENCE"]
    ),
    st.text(alphabet="0123456789TZP+-WDHMS=;,:/FREQYBAL ", max_size=40),
)
def test_any_value_is_read(name: str, value: str) -> None:
    """Of each property that has a form of its own."""
    read_icalendar(calendar(f"UID:1\nSUMMARY:A\nDTSTART:20260304T120000Z\n{name}:{value}"))
