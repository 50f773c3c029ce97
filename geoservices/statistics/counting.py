"""What may be told of many people at once. decisions/0036 argues why nobody can be told by it.

A count is told only if enough people are behind it (k-anonymity: Sweeney, International Journal on
Uncertainty, Fuzziness and Knowledge-based Systems 10(5), 2002), and rounded down. It is people who
are counted and not visits: one person who comes and goes twelve times is not a crowd. No two
counts overlap: whoever comes to a place is in the count of that hour, or, where that is not told,
in what the day and cell have left over. So no count is the difference of two others, and sums of
them tell nothing that they don't (complementary suppression: Hundepool et al., Statistical
Disclosure Control, 2012, chapter 4).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from geoservices.errors import ErrorKind, GeoservicesError

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
LONGEST_RANGE = timedelta(days=31)
STEP = 5
"""Counts are rounded down to a multiple of this, so that one person more seldom shows."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing was counted before, and the first years of the calendar have no day before them."""


class RangeRefused(GeoservicesError):
    """The span of time that was asked for is empty or too long."""

    kind = ErrorKind.INVALID
    code = "range-refused"
    title = "The span of time is not valid"

    def __init__(self) -> None:
        super().__init__(
            f"`until` must be later than `from`, by {LONGEST_RANGE.days} days at most, and `from` "
            f"not before {EARLIEST.year}.",
            field="/until",
        )


class Arrival(NamedTuple):
    """Somebody came to a place of a cell within an hour."""

    place_id: UUID
    cell: str
    starts_at: datetime
    """When the hour began."""
    person_id: UUID


@dataclass(frozen=True, slots=True)
class Counts:
    """What is told of a day: people by place and hour, and of what is left over by cell."""

    hours: dict[tuple[UUID, str, datetime], int] = field(default_factory=dict)
    rests: dict[str, int] = field(default_factory=dict)


def told(people: int, *, smallest: int) -> int | None:
    """Return what may be told of so many people: None of a few and of none alike."""
    return max(people - people % STEP, smallest) if people >= smallest else None


def count(arrivals: Iterable[Arrival], *, smallest: int) -> Counts:
    """Count the arrivals of a day, each in one count at most.

    Args:
        arrivals: Of one organisation and one day, in any order; repeated ones count once.
        smallest: So many people must be behind a count for it to be told.
    """
    hours: dict[tuple[UUID, str, datetime], set[UUID]] = {}
    for one in arrivals:
        hours.setdefault((one.place_id, one.cell, one.starts_at), set()).add(one.person_id)
    left_over: dict[str, set[UUID]] = {}
    counts = Counts()
    for key, people in hours.items():
        number = told(len(people), smallest=smallest)
        if number is None:
            left_over.setdefault(key[1], set()).update(people)
        else:
            counts.hours[key] = number
    for cell, people in left_over.items():
        number = told(len(people), smallest=smallest)
        if number is not None:
            counts.rests[cell] = number
    return counts


def hours_of_day(start: datetime, *, time_zone: str) -> list[datetime]:
    """Return when each hour begins from an instant to the end of its day, by a zone's clocks.

    Returns:
        Ascending instants in UTC, the end of the day among them. When clocks go forward an hour is
        missing, and when they go back one is there twice.
    """
    zone = ZoneInfo(time_zone)
    tomorrow = start.astimezone(zone).date() + timedelta(days=1)
    end = datetime.combine(tomorrow, time(), tzinfo=zone).astimezone(UTC)
    return [*_bounds(start.astimezone(UTC), end, zone), end]


def hours_between(from_: datetime, until: datetime, *, time_zone: str) -> list[datetime]:
    """Return when each hour begins that a span of time touches, and when the last one ends.

    When clocks go forward an hour is missing, and when they go back one is there twice.
    """
    # Between two instants of one zone Python counts by the clock on the wall, jumps and all.
    from_, until = from_.astimezone(UTC), until.astimezone(UTC)
    zone = ZoneInfo(time_zone)
    bounds = list(_bounds(_hour_of(from_, zone), until, zone))
    return [*bounds, _hour_of(bounds[-1] + HOUR, zone)]


def check_range(length: timedelta, from_: datetime) -> None:
    """Refuse a span that is empty or too long, or begins before anything was counted.

    Raises:
        RangeRefused: It is.
    """
    if not timedelta(0) < length <= LONGEST_RANGE or from_ < EARLIEST:
        raise RangeRefused


def midnight(day: date, *, time_zone: str) -> datetime:
    """Return when a day begins by a zone's clocks."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def quarter_of(at: datetime) -> datetime:
    """Return the last quarter of an hour."""
    return at - (at - EARLIEST) % QUARTER


def _bounds(from_: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    bound = from_
    while bound < until:
        yield bound
        bound = _hour_of(bound + HOUR, zone)


def _hour_of(instant: datetime, zone: ZoneInfo) -> datetime:
    local = instant.astimezone(zone)
    return instant - timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
