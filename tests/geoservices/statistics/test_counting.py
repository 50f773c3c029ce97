"""What may be told of many people: whole buckets, each of a crowd, and none within another."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.statistics.counting import (
    STEP,
    Arrival,
    Counts,
    RangeRefused,
    check_range,
    count,
    hours_between,
    hours_of_day,
    quarter_of,
    told,
)

MORNING = datetime(2026, 3, 4, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SMALLEST = 5
PLACES = {UUID(int=1): "gcj2z1", UUID(int=2): "gcj2z1", UUID(int=3): "gcj2z3"}


@st.composite
def arrivals(draw: st.DrawFn) -> set[Arrival]:
    """A day of up to thirty people at three places of two cells, in three hours."""
    places = st.sampled_from(sorted(PLACES))
    people = st.integers(1, 30)
    drawn = draw(st.sets(st.tuples(places, st.integers(0, 2), people), max_size=90))
    return {
        Arrival(place, PLACES[place], MORNING + hour * HOUR, UUID(int=person))
        for place, hour, person in drawn
    }


Bucket = frozenset[Arrival]


def buckets(day: Iterable[Arrival], counts: Counts) -> list[tuple[int, Bucket]]:
    """Who is behind each number that is told."""
    in_hours = [
        (
            number,
            frozenset(one for one in day if (one.place_id, one.cell, one.starts_at) == key),
        )
        for key, number in counts.hours.items()
    ]
    counted = frozenset[Arrival]().union(*(bucket for _number, bucket in in_hours))
    rests = [
        (number, frozenset(one for one in day if one.cell == cell and one not in counted))
        for cell, number in counts.rests.items()
    ]
    return [*in_hours, *rests]


def people(bucket: Iterable[Arrival]) -> set[UUID]:
    """Who they are."""
    return {one.person_id for one in bucket}


@given(arrivals())
def test_a_crowd_is_behind_every_number_and_no_two_overlap(day: set[Arrival]) -> None:
    """So no sum or difference of numbers is about fewer people than one of them is."""
    found = [bucket for _number, bucket in buckets(day, count(day, smallest=SMALLEST))]

    assert all(len(people(bucket)) >= SMALLEST for bucket in found)
    assert sum(map(len, found)) == len(frozenset[Arrival]().union(*found))


@given(arrivals())
def test_numbers_are_rounded_down_and_never_exact(day: set[Arrival]) -> None:
    """A number says of up to five numbers of people that it is one of them."""
    for number, bucket in buckets(day, count(day, smallest=SMALLEST)):
        really = len(people(bucket))
        assert number <= really < number + STEP
        assert number == max(SMALLEST, really - really % STEP)


@given(arrivals(), st.integers(1, 30))
def test_whoever_is_in_no_crowd_changes_nothing(day: set[Arrival], number: int) -> None:
    """With and without somebody the answers are the same, unless they are in a told crowd."""
    person = UUID(int=number)
    without = {one for one in day if one.person_id != person}
    counts = count(day, smallest=SMALLEST)
    in_a_crowd = any(person in people(bucket) for _number, bucket in buckets(day, counts))

    if not in_a_crowd:
        assert count(without, smallest=SMALLEST) == counts


@given(arrivals(), st.integers(1, 30), st.integers(31, 40))
def test_nobody_can_be_told_from_somebody_else(day: set[Arrival], number: int, other: int) -> None:
    """Had another person gone where this one went, every answer would be the same."""
    swapped = {
        one._replace(person_id=UUID(int=other)) if one.person_id == UUID(int=number) else one
        for one in day
    }

    assert count(swapped, smallest=SMALLEST) == count(day, smallest=SMALLEST)


@given(arrivals(), st.integers(1, 30))
def test_one_person_moves_a_number_by_a_step_or_a_whole_crowd(
    day: set[Arrival], number: int
) -> None:
    """Whoever compares the answers with and without somebody sees no change of one."""
    without = {one for one in day if one.person_id != UUID(int=number)}
    after, before = count(day, smallest=SMALLEST), count(without, smallest=SMALLEST)

    mine, others = (
        dict[object, int]([*counts.hours.items(), *counts.rests.items()])
        for counts in (after, before)
    )
    for key in mine.keys() | others.keys():
        change = abs(mine.get(key, 0) - others.get(key, 0))
        assert change % STEP == 0
        assert key in mine.keys() & others.keys() or change >= SMALLEST


def test_what_is_too_little_for_an_hour_may_do_for_a_day_and_cell() -> None:
    """Three came at nine and three at ten: nobody is told of the hours, six of the rest."""
    place = UUID(int=1)
    day = [
        Arrival(place, PLACES[place], MORNING + (number // 3) * HOUR, UUID(int=number))
        for number in range(6)
    ]

    assert count(day, smallest=4) == Counts({}, {"gcj2z1": 5})


def test_one_person_many_times_is_one_person() -> None:
    """It is people who are counted."""
    place = UUID(int=1)
    day = [Arrival(place, PLACES[place], MORNING, UUID(int=7))] * 12

    assert count(day, smallest=2) == Counts()


@pytest.mark.parametrize(
    ("really", "smallest", "expected"),
    [(0, 10, None), (9, 10, None), (10, 10, 10), (14, 10, 10), (15, 10, 15), (3, 3, 3), (7, 3, 5)],
)
def test_a_few_and_none_look_alike(really: int, smallest: int, expected: int | None) -> None:
    """And more than a few are told in steps."""
    assert told(really, smallest=smallest) == expected


@pytest.mark.parametrize(
    ("day", "count_of_hours"),
    [((2026, 3, 4), 24), ((2026, 3, 29), 23), ((2026, 10, 25), 25)],
    ids=["usual", "clocks go forward", "clocks go back"],
)
def test_a_day_has_the_hours_that_its_clocks_show(
    day: tuple[int, int, int], count_of_hours: int
) -> None:
    """From midnight to midnight, one behind the other."""
    zone = ZoneInfo("Europe/London")
    midnight = datetime(*day, tzinfo=zone)

    bounds = hours_of_day(midnight.astimezone(UTC), time_zone="Europe/London")

    assert len(bounds) - 1 == count_of_hours
    assert bounds[-1].astimezone(zone).hour == 0
    assert all(later - earlier == HOUR for earlier, later in pairwise(bounds))


def test_a_day_that_begins_late_goes_on_at_whole_hours() -> None:
    """As where a time zone was changed: nothing is counted twice and nothing left out."""
    begun = datetime(2026, 3, 4, 18, 30, tzinfo=UTC)

    bounds = hours_of_day(begun, time_zone="Europe/London")

    assert bounds[:2] == [begun, datetime(2026, 3, 4, 19, tzinfo=UTC)]


def test_spans_are_widened_to_whole_hours() -> None:
    """By the clocks of the zone: in Kolkata an hour begins at half past."""
    bounds = hours_between(MORNING + 0.7 * HOUR, MORNING + 1.2 * HOUR, time_zone="Asia/Kolkata")

    assert bounds == [MORNING + 0.5 * HOUR, MORNING + 1.5 * HOUR]


@pytest.mark.parametrize("days", [-1, 0, 32])
def test_a_span_that_is_none_is_refused(days: int) -> None:
    """Empty, backwards or too long."""
    with pytest.raises(RangeRefused):
        check_range(timedelta(days=days), MORNING)


def test_quarters_are_those_of_the_clock() -> None:
    """Whenever it is asked."""
    assert quarter_of(MORNING + timedelta(minutes=44, seconds=59)) == MORNING + timedelta(
        minutes=30
    )
