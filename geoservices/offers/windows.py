"""When an offer is on: within its windows, and while its place is open."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from geoservices.calendars.recurrence import Span, spans
from geoservices.instants import LAST
from geoservices.places.hours import is_readable, open_spans

HORIZON: Final = timedelta(days=366)
"""An offer that is not on within this long is as good as over."""
NEXT_WEEK: Final = timedelta(days=8)
"""Most are on again within this long, which is looked at first."""
MOST_WINDOWS: Final = 400
"""One a day within the horizon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What says when an offer is on; instants are aware.

    Within `starts_at` and `ends_at` it is on in its windows: the first is `window_length` long
    from `window_starts_at`, and `window_rule` (an RRULE, RFC 5545 section 3.3.10) repeats it by
    the clocks of `time_zone`. Without windows it is on all the time. With `only_when_open` it is
    on while `opening_hours` (OSM syntax) say open, and never if they are not known.
    """

    starts_at: datetime
    ends_at: datetime | None
    window_starts_at: datetime | None
    window_length: timedelta | None
    window_rule: str | None
    only_when_open: bool
    opening_hours: str | None
    time_zone: str


def first_on(schedule: Schedule, *, since: datetime) -> Span | None:
    """Return the first span in which it is on and that is not over at an instant.

    Its end is `LAST` where it has none, or only one by opening hours more than a week away. None if
    it is not on within the horizon.

    Args:
        schedule: When it is on.
        since: Any aware instant; the horizon is counted from here, or from its beginning.
    """
    for within in (NEXT_WEEK, HORIZON):
        found = _first_within(schedule, max(since, schedule.starts_at), within)
        if found is not None:
            return found
    return None


def on_within(schedule: Schedule, *, since: datetime, until: datetime, limit: int) -> list[Span]:
    """Return the spans in which it is on and that overlap [since, until), the earliest first.

    Args:
        schedule: When it is on.
        since: Any aware instant.
        until: Another one; a year later at most.
        limit: The most.
    """
    return list(islice(_spans(schedule, max(since, schedule.starts_at), until), limit))


def overlap(schedule: Schedule) -> bool:
    """Tell whether a window is not over when the next one begins, by clocks that never change.

    A day has 23 hours when they go forward, and what is on all day every day is no mistake.
    """
    first, length = schedule.window_starts_at, schedule.window_length
    if first is None or length is None:
        return False
    zone = ZoneInfo(schedule.time_zone)
    starts = [
        window.starts_at.astimezone(zone).replace(tzinfo=None)
        for window in _windows(schedule, first, first + 5 * HORIZON)
    ]
    return any(earlier + length > later for earlier, later in pairwise(starts))


def _first_within(schedule: Schedule, since: datetime, within: timedelta) -> Span | None:
    return next(_spans(schedule, since, since + within if since < LAST - within else LAST), None)


def _spans(schedule: Schedule, since: datetime, until: datetime) -> Iterator[Span]:
    ends_at = schedule.ends_at or LAST
    until = min(until, ends_at)
    opened = _opened(schedule, since, until) if since < until else []
    for window in _windows(schedule, since, until) if opened else []:
        for begins, ends in opened:
            found = Span(
                max(window.starts_at, begins, schedule.starts_at),
                min(window.ends_at, ends, ends_at),
            )
            if found.starts_at < found.ends_at and found.ends_at > since:
                yield found


def _windows(schedule: Schedule, since: datetime, until: datetime) -> Sequence[Span]:
    """Return its windows that reach into two instants, each as a whole."""
    if schedule.window_starts_at is None or schedule.window_length is None:
        return [Span(schedule.starts_at, LAST)]
    return spans(
        starts_at=schedule.window_starts_at,
        length=schedule.window_length,
        rule=schedule.window_rule,
        time_zone=schedule.time_zone,
        since=since,
        until=until,
        limit=MOST_WINDOWS,
    )


def _opened(
    schedule: Schedule, since: datetime, until: datetime
) -> Sequence[tuple[datetime, datetime]]:
    """Return when the place is open; what goes on for more than a week at the end has no end."""
    if not schedule.only_when_open:
        return [(schedule.starts_at, LAST)]
    if schedule.opening_hours is None or not is_readable(schedule.opening_hours):
        return []
    # What is open at the end of the time closes some time after it.
    last = until + NEXT_WEEK
    found = open_spans(
        schedule.opening_hours, time_zone=schedule.time_zone, from_=since, until=last
    )
    return [(begins, ends if ends < last else LAST) for begins, ends in found]
