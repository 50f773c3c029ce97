"""Events put where and when they are, by the right clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from geoservices.feeds.changes import Key
from geoservices.feeds.matching import Spot, Spots
from geoservices.feeds.placing import MOST_STARTS, Placed, TooMuch, place_events
from geoservices.feeds.reading import MOST_EVENTS, Fault, Moment, ReadEvent
from tests.factories import NOON

LONDON = Spot(
    place_id=uuid4(), name="Library", address=None, postcode=None, time_zone="Europe/London"
)


def read(starts: Moment, **event: Any) -> ReadEvent:
    """An event at the library."""
    told: dict[str, Any] = {"uid": "1", "line": 7, "title": "Chess", "location": "Library"} | event
    return ReadEvent(starts=starts, **told)


def place(*events: ReadEvent) -> tuple[list[Placed], list[Fault]]:
    """Put them there."""
    placement = place_events(events, Spots([LONDON]).find)
    return placement.placed, placement.faults


def placed(starts: Moment, **event: Any) -> Placed:
    """One that can be."""
    [one], faults = place(read(starts, **event))
    assert faults == []
    return one


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def local(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """A time by whatever clock."""
    return datetime(2026, month, day, hour, minute)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("starts", "wanted"),
    [
        (at(7, 1, 12), at(7, 1, 12)),
        (local(7, 1, 12), at(7, 1, 11)),
        (local(1, 5, 12), at(1, 5, 12)),
        # Skipped when clocks go forward; there twice when they go back.
        (local(3, 29, 1, 30), at(3, 29, 1, 30)),
        (local(10, 25, 1, 30), at(10, 25, 0, 30)),
        (date(2026, 7, 1), at(6, 30, 23)),
    ],
)
def test_starts(starts: Moment, wanted: datetime) -> None:
    """By the clock of the place, where no other is named (RFC 5545 section 3.3.5)."""
    assert placed(starts).starts_at == wanted


def test_how_long_it_takes() -> None:
    """Told as a length or an end; a day where clocks change has 23 hours or 25."""
    hour = timedelta(hours=1)
    assert placed(at(3, 4, 12), ends=at(3, 4, 14)).length == 2 * hour
    assert placed(at(3, 4, 12), length=3 * hour).ends_at == at(3, 4, 15)
    assert placed(at(3, 4, 12)).length == hour
    assert placed(at(3, 4, 12), ends=at(3, 4, 12)).length == hour
    assert placed(date(2026, 3, 29)).length == 23 * hour
    assert placed(date(2026, 10, 25), ends=date(2026, 10, 27)).length == 49 * hour


@pytest.mark.parametrize(
    "event",
    [
        read(at(3, 4, 12), ends=at(3, 4, 11)),
        read(at(3, 4, 12), ends=local(3, 4, 11)),
        read(date.max),
        read(datetime(1, 1, 1, tzinfo=UTC)),
        read(datetime(1, 1, 1), zone="Asia/Tokyo"),  # noqa: DTZ001
        read(at(3, 4, 12), ends=datetime.max.replace(tzinfo=UTC)),
        read(at(3, 4, 12), location="Elsewhere"),
        read(at(3, 4, 12), location=None),
    ],
)
def test_what_cannot_be_placed_is_left_out(event: ReadEvent) -> None:
    """With its line and what is wrong; it is missing from its feed only if it is called off."""
    placement = place_events([event], Spots([LONDON]).find)

    assert placement.placed == []
    [fault] = placement.faults
    assert (fault.line, fault.uid) == (7, "1")
    assert "left out" in fault.what
    assert placement.left_out == {"1"}
    off = place_events([replace(event, cancelled=True)], Spots([LONDON]).find)
    assert (off.placed, off.left_out) == ([], frozenset())


def test_a_series_and_what_differs_from_it() -> None:
    """An occurrence that differs is an event of its own, and so is each added date."""
    weekly = {"rule": "FREQ=WEEKLY;BYDAY=MO", "length": timedelta(hours=2)}
    made, faults = place(
        read(
            local(3, 2, 18),
            zone="Europe/London",
            excluded=(date(2026, 3, 9), at(4, 6, 17)),
            added=(local(3, 11, 18), local(3, 23, 18)),
            **weekly,
        ),
        read(local(3, 23, 19), recurrence_id=at(3, 23, 18), title="Outside"),
    )

    assert faults == []
    told = {one.key: one for one in made}
    assert set(told) == {
        Key("1", ""),
        Key("1", "20260311T180000Z"),
        Key("1", "20260323T180000Z"),
    }
    series = told[Key("1", "")]
    assert series.rule == "FREQ=WEEKLY;BYDAY=MO"
    assert series.excluded == (at(3, 9, 18), at(3, 23, 18), at(4, 6, 17))
    other = told[Key("1", "20260323T180000Z")]
    assert (other.title, other.rule, other.starts_at) == ("Outside", None, at(3, 23, 19))
    assert told[Key("1", "20260311T180000Z")].length == timedelta(hours=2)


@pytest.mark.parametrize(
    "rule", ["FREQ=HOURLY", "FREQ=WEEKLY;BYDAY=TU", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "X"]
)
def test_a_rule_that_cannot_be_followed(rule: str) -> None:
    """The first occurrence is taken, and the fault says why the rest are not."""
    [one], [fault] = place(read(local(3, 2, 18), rule=rule))

    assert one.rule is None
    assert fault.what.startswith("Only its first occurrence is taken. ")


def test_words_are_cut_to_what_can_be_shown() -> None:
    """A title that is cut or missing is a fault; an address is added to the text once."""
    long, [cut] = place(read(at(3, 4, 12), title="x" * 200))
    none, [missing] = place(read(at(3, 4, 12), title=" "))
    link = "https://example.org"

    assert len(long[0].title) == 120
    assert "cut" in cut.what
    assert none[0].title == "Event"
    assert "no title" in missing.what
    assert placed(at(3, 4, 12), text="Come.", url=link).text == f"Come.\n\n{link}"
    assert placed(at(3, 4, 12), text=f"See {link}", url=link).text == f"See {link}"
    assert len(placed(at(3, 4, 12), text="x" * 9000).text) == 5000


def test_what_is_over() -> None:
    """A series when its last occurrence is."""
    weekly = "FREQ=WEEKLY"
    day = timedelta(days=1)
    once = placed(NOON - day)
    ending = placed(NOON - 30 * day, rule=f"{weekly};COUNT=2")
    endless = placed(NOON - 30 * day, rule=weekly)

    assert once.told(at=NOON).is_over
    assert ending.told(at=NOON).is_over
    assert not endless.told(at=NOON).is_over


def test_the_digest_is_of_what_is_taken() -> None:
    """The number of changes is not; the time is."""
    one = placed(at(3, 4, 12)).digest

    assert placed(at(3, 4, 12), sequence=4).digest == one
    assert placed(local(3, 4, 12), zone="Europe/London").digest == one
    assert placed(at(3, 4, 13)).digest != one
    assert placed(at(3, 4, 12), text="New").digest != one


def test_series_that_end_are_counted_together() -> None:
    """Ten long ones are as many as are followed; one date more, and nothing is."""
    longest = MOST_STARTS // 10
    many = [
        read(at(1, 5, 12), uid=str(number), rule=f"FREQ=DAILY;COUNT={longest}")
        for number in range(10)
    ]
    endless = read(at(1, 5, 12), uid="endless", rule="FREQ=DAILY")

    placed, faults = place(*many, endless)

    assert (len(placed), faults) == (11, [])
    with pytest.raises(TooMuch):
        place(*many, endless, read(at(1, 5, 12), uid="more", rule="FREQ=DAILY;COUNT=2"))


def test_a_date_of_another_age_is_left_out() -> None:
    """The others are taken."""
    good, bad = at(3, 11, 12), at(3, 11, 12).replace(year=9999)

    made, [fault] = place(read(at(3, 4, 12), added=(good, bad)))

    assert [one.starts_at for one in made] == [at(3, 4, 12), good]
    assert "99990311T120000Z is left out" in fault.what


def test_dates_besides_the_rules_count_as_events() -> None:
    """There are no more listings of a feed than it may have events."""
    days = [at(1, 5, 12) + timedelta(days=number) for number in range(100)]
    full = [read(days[0], uid=str(n), added=tuple(days[1:])) for n in range(MOST_EVENTS // 100)]

    placed, faults = place(*full)

    assert (len(placed), faults) == (MOST_EVENTS, [])
    with pytest.raises(TooMuch):
        place(*full, read(at(1, 5, 12), uid="more"))
