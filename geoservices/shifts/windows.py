"""When a member is at work: the windows that their weekly hours open, and what lies in them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geoservices.instants import EPOCH, microseconds
from geoservices.places.hours import open_spans

DAY: Final = timedelta(days=1)
BACK: Final = 9
"""Days before the present of which the windows are known: no position is taken in that is older."""
NO_HOURS: Final = "off"
"""What OSM's syntax has for never."""
AHEAD: Final = 9
"""And days ahead: weekly hours have come round by then."""


@dataclass(frozen=True, slots=True)
class Week:
    """Weekly hours as their member set them: OSM syntax, in an IANA time zone."""

    hours: str
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Whether somebody is located now, until when, and from when next; None is not known."""

    now: bool
    until: datetime | None = None
    next_from: datetime | None = None


def bounds_us(week: Week, at: datetime) -> NDArray[np.int64]:
    """Return the bounds of the windows about an instant, made once a day for the same hours.

    Returns:
        Microseconds since 1970, ascending, of even length: the beginning of each window and its
        end, which belongs to it no more.
    """
    return _bounds_us(week, (at - EPOCH) // DAY)


def is_within(bounds: NDArray[np.int64], instants_us: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which instants lie in a window.

    Args:
        bounds: As `bounds_us` returns them.
        instants_us: Microseconds since 1970, shape (n,).

    Returns:
        Shape (n,).
    """
    within: NDArray[np.bool_] = np.searchsorted(bounds, instants_us, side="right") % 2 == 1
    return within


def standing(week: Week, at: datetime) -> Located:
    """Return whether a member is at work at an instant, and when that changes."""
    bounds = bounds_us(week, at)
    passed = int(np.searchsorted(bounds, microseconds(at), side="right"))
    following = [EPOCH + timedelta(microseconds=int(one)) for one in bounds[passed : passed + 2]]
    if passed % 2 == 0:
        return Located(now=False, next_from=following[0] if following else None)
    until, *more = following
    return Located(now=True, until=until, next_from=more[0] if more else None)


@lru_cache(maxsize=4096)
def _bounds_us(week: Week, day: int) -> NDArray[np.int64]:
    first = datetime.fromtimestamp(day * DAY.total_seconds(), UTC)
    spans = open_spans(
        week.hours, time_zone=week.time_zone, from_=first - BACK * DAY, until=first + AHEAD * DAY
    )
    return np.array([microseconds(bound) for span in spans for bound in span], dtype=np.int64)
