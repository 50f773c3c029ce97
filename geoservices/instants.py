"""Instants as whole microseconds, which columns of numbers hold without loss."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND_US = 1_000_000
FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)
"""The ends of time, which only clocks in UTC show."""
EARLIEST: Final = EPOCH
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Whoever plans for a time before or after these has mistyped the year. Everything between them,
and a year more, can be told by the clocks of any zone."""


def is_plannable(at: datetime) -> bool:
    """Tell whether something may be meant to take place at an instant."""
    return EARLIEST <= at < LATEST


def microseconds(at: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def instant(at_us: int) -> datetime:
    """Return the instant so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=at_us)
