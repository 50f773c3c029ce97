"""What may be told of many visits at once: whole hours, and no count of a few people.

A count is told only if enough devices are behind it (k-anonymity: Sweeney, International Journal
on Uncertainty, Fuzziness and Knowledge-based Systems 10(5), 2002). It is devices that are counted
for this and not visits: one person who comes and goes twelve times is not a crowd.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from geoservices.errors import ErrorKind, GeoservicesError

HOUR = timedelta(hours=1)
LONGEST_RANGE = timedelta(days=31)
LONGEST_STAY = timedelta(hours=24)
"""A visit counts for no longer than this: a phone that was left behind is no footfall."""


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


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened, and how many devices it happened to."""

    times: int = 0
    devices: int = 0

    def told(self, *, smallest: int) -> int | None:
        """Return what may be told: nothing if it is about some devices, but fewer than so many."""
        return self.times if self.devices >= smallest or self.times == 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCounts:
    """What happened at a place within an hour."""

    entered: Count = Count()
    exited: Count = Count()
    visits: Count = Count()
    """Visits under way at some moment of the hour."""


def whole_hours(
    from_: datetime, until: datetime, *, time_zone: str, at: datetime
) -> list[datetime]:
    """Return when each hour begins that a span of time touches and that is over.

    Only whole hours are told of, and only those that are over: two spans that differ by a minute
    would tell what happened in it, and so would the same hour asked for twice.

    Args:
        from_: Any instant of the first hour.
        until: Where the span ends; an hour that it cuts through belongs to it.
        time_zone: IANA name; its clocks say when an hour begins.
        at: Now.

    Returns:
        Ascending instants in UTC, the end of the last hour among them; empty if no hour is over.
        When clocks go forward an hour is missing, and when they go back one is there twice.

    Raises:
        RangeRefused: The span is empty, longer than 31 days or from before the year 2000.
    """
    # Between two instants of one zone Python counts by the clock on the wall, jumps and all.
    from_, until = from_.astimezone(UTC), until.astimezone(UTC)
    if not timedelta(0) < until - from_ <= LONGEST_RANGE or from_ < EARLIEST:
        raise RangeRefused
    if from_ >= at:
        return []
    bounds = list(_bounds(from_, min(until, at), ZoneInfo(time_zone)))
    if bounds and bounds[-1] > at:
        bounds.pop()
    return bounds if len(bounds) > 1 else []


def _bounds(from_: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    bound = _hour_of(from_, zone)
    while bound < until:
        yield bound
        bound = _hour_of(bound + HOUR, zone)
    yield bound


def _hour_of(instant: datetime, zone: ZoneInfo) -> datetime:
    local = instant.astimezone(zone)
    return instant - timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
