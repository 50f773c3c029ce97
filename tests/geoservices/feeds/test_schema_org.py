"""schema.org's events, from documents and from pages."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.feeds.reading import ReadEvent, ReadFeed
from geoservices.feeds.schema_org import read_json_ld, read_page

FILE = Path(__file__).parents[2] / "data/schemaorg/events-places.jsonl"
EXAMPLES = [json.loads(line)["jsonld"] for line in FILE.read_text("utf-8").splitlines()]


def read(**event: Any) -> ReadFeed:
    """A feed of one event, which begins at noon unless told."""
    told = {"@type": "Event", "name": "Story time", "startDate": "2026-03-04T12:00:00Z"} | event
    return read_json_ld(json.dumps({"@context": "https://schema.org", **told}))


def one(**event: Any) -> ReadEvent:
    """Its event."""
    [event_] = read(**event).events
    return event_


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_is_read(number: int) -> None:
    """Each event of one has a title and a start, or a fault."""
    feed = read_json_ld(json.dumps(EXAMPLES[number]))

    assert feed.whole
    assert all(isinstance(event.starts, date) for event in feed.events)


def test_the_examples_have_so_many_events() -> None:
    """Those spoken of in passing are none: a reservation's, an invitation's, an article's."""
    feeds = [read_json_ld(json.dumps(example)) for example in EXAMPLES]

    assert sum(len(feed.events) for feed in feeds) == 24
    assert sum(event.cancelled for feed in feeds for event in feed.events) == 1


@pytest.mark.parametrize(
    "kind", ["Event", "MusicEvent", "https://schema.org/Festival", "Hackathon"]
)
def test_kinds_of_events(kind: str) -> None:
    """All subclasses count."""
    assert one(**{"@type": kind}).title == "Story time"


@pytest.mark.parametrize("kind", ["BroadcastEvent", "Place", "EventReservation"])
def test_what_is_no_event_to_attend(kind: str) -> None:
    """A broadcast has no door."""
    assert read(**{"@type": kind}).events == ()


@pytest.mark.parametrize(
    ("status", "cancelled"),
    [
        ("https://schema.org/EventCancelled", True),
        ("EventPostponed", True),
        ("EventRescheduled", False),
        ("https://schema.org/EventScheduled", False),
    ],
)
def test_status(status: str, cancelled: bool) -> None:  # noqa: FBT001
    """What is postponed has no time; what is rescheduled has a new one."""
    assert one(eventStatus=status).cancelled is cancelled


def test_days_and_times() -> None:
    """The last day of an exhibition belongs to it."""
    exhibition = one(startDate="2026-03-04", endDate="2026-03-06")
    talk = one(startDate="2026-03-04T19:00-05:00", duration="PT90M")

    assert (exhibition.starts, exhibition.ends) == (date(2026, 3, 4), date(2026, 3, 7))
    assert talk.starts == datetime(2026, 3, 5, 0, tzinfo=UTC)
    assert talk.length == timedelta(minutes=90)


def test_where_it_is() -> None:
    """In one line, however it is told; what is online only is left out."""
    place = {"@type": "Place", "name": "Exeter Library", "address": "Castle Street"}
    address = {"@type": "PostalAddress", "streetAddress": "Castle Street", "postalCode": "EX4 3PQ"}
    online = {"@type": "VirtualLocation", "url": "https://example.org"}

    assert one(location=place).location == "Exeter Library, Castle Street"
    assert one(location=[online, place]).location == "Exeter Library, Castle Street"
    assert one(location={**place, "address": address}).location == (
        "Exeter Library, Castle Street, EX4 3PQ"
    )
    assert one(location="Exeter Library").location == "Exeter Library"
    mode = "https://schema.org/OnlineEventAttendanceMode"
    left_out = read(location=online, eventAttendanceMode=mode)
    assert (left_out.events, left_out.unread) == ((), frozenset())
    assert "online only" in left_out.faults[0].what


def test_a_simple_schedule_is_a_rule() -> None:
    """The first day is the first that fits."""
    event = one(
        startDate=None,
        eventSchedule={
            "@type": "Schedule",
            "startDate": "2026-03-01",
            "endDate": "2026-12-31",
            "repeatFrequency": "P2W",
            "byDay": ["https://schema.org/Wednesday", "Friday"],
            "startTime": "19:00:00",
            "endTime": "20:30:00",
            "exceptDate": ["2026-03-18"],
            "scheduleTimezone": "Europe/London",
        },
    )

    assert event.rule == "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE,FR;UNTIL=20261231"
    assert event.starts == datetime(2026, 3, 4, 19)  # noqa: DTZ001
    assert (event.length, event.zone) == (timedelta(minutes=90), "Europe/London")
    assert event.excluded == (datetime(2026, 3, 18, 19),)  # noqa: DTZ001


@pytest.mark.parametrize(
    "schedule",
    [
        {"startDate": "2026-03-01", "startTime": "19:00", "repeatFrequency": "PT1H"},
        {"startTime": "19:00", "repeatFrequency": "P1W"},
        {"startDate": "2026-03-01", "startTime": "19:00", "repeatFrequency": "P1M"}
        | {"byMonthWeek": [1]},
    ],
)
def test_a_schedule_that_is_not_simple_is_a_fault(schedule: dict[str, Any]) -> None:
    """It says what is lacking."""
    feed = read(startDate=None, eventSchedule={"@type": "Schedule"} | schedule)

    assert feed.events == ()
    assert "left out" in feed.faults[0].what


def test_how_it_is_known_again() -> None:
    """By its id, or else by its address and start."""
    assert one(**{"@id": "https://example.org/1"}).uid == "https://example.org/1"
    assert one(url="https://example.org/e").uid == "https://example.org/e#2026-03-04T12:00:00Z"
    assert one().uid == one().uid != one(name="Chess").uid


def test_pages() -> None:
    """Each JSON-LD of a page is read, whatever stands round it."""
    page = """<html><head><title>What's on</title>
    <script>var x = {"@type": "Event"};</script>
    <script type="application/ld+json">
    {"@context": "https://schema.org", "@graph": [
      {"@type": "Library", "name": "L", "event": {"@type": "Event", "name": "A &amp; B",
       "startDate": "2026-03-04"}}]}
    </script>
    <script type='application/ld+json; charset=utf-8'>[{"@type": "ItemList", "itemListElement":
      [{"@type": "ListItem", "item": {"@type": "Event", "name": "C", "startDate": "2026-03-05"}}]}]
    </script></head><body><p>Event</p></body></html>"""

    feed = read_page(page)

    assert [event.title for event in feed.events] == ["A &amp; B", "C"]
    assert feed.whole
    assert not read_page("<html>no data</html>").whole
    assert not read_page('<script type="application/ld+json">{broken</script>').whole


@pytest.mark.parametrize("text", ["", "[", "null", "1", '"Event"', "[" * 100_000, "{}"])
def test_what_is_no_document(text: str) -> None:
    """It has no events."""
    assert read_json_ld(text).events == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@type", "@value", "name", "address"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "@id",
                "name",
                "startDate",
                "endDate",
                "duration",
                "location",
                "eventStatus",
                "url",
                "eventSchedule",
                "description",
                "eventAttendanceMode",
            ]
        ),
        JSON,
    )
)
def test_any_event_is_read(event: dict[str, Any]) -> None:
    """Whatever its members are."""
    read(**event)
