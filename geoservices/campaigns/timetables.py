"""When the runs of a timetable begin, by the clocks of its zone."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from geoservices.calendars.recurrence import Series, check_series, last_end, next_after, spans
from geoservices.calendars.rules import MOST_OCCURRENCES
from geoservices.campaigns.definitions import Definition, Timetable
from geoservices.instants import LAST, MICROSECOND

A_WEEK: Final = timedelta(days=7)
MOST_MISSED: Final = 100
"""So many runs that were missed are written down at most."""


def series_of(timetable: Timetable, *, time_zone: str) -> Series:
    """Return a timetable as a series of moments; the zone is for one that names none."""
    return Series(
        starts_at=timetable.starts_at,
        length=MICROSECOND,
        rule=timetable.rule,
        time_zone=timetable.time_zone or time_zone,
    )


def check(timetable: Timetable, *, time_zone: str, field: str) -> bool:
    """Refuse a rule that does not go with the first run; tell whether the runs ever end.

    Raises:
        RecurrenceRefused: The rule cannot be followed from the first run.
    """
    series = series_of(timetable, time_zone=time_zone)
    check_series(field=field, **series)
    return last_end(**series) is not None


def next_of(definition: Definition, *, time_zone: str, after: datetime) -> datetime | None:
    """Return when a definition's timetable has a run begin next after an instant, if it does.

    Nothing runs before its campaign begins, nor once it has ended.
    """
    timetable, schedule = definition.timetable, definition.schedule
    if timetable is None:
        return None
    if schedule.starts_at is not None:
        after = max(after, schedule.starts_at - MICROSECOND)
    following = next_after(after, **series_of(timetable, time_zone=time_zone))
    if following is None or (schedule.ends_at and following.starts_at >= schedule.ends_at):
        return None
    return following.starts_at


def first_week(definition: Definition, *, time_zone: str, after: datetime) -> list[datetime] | None:
    """Return when runs begin in the seven days from the first after an instant, ascending.

    None if the definition has no timetable.
    """
    timetable, ends_at = definition.timetable, definition.schedule.ends_at
    if timetable is None:
        return None
    first = next_of(definition, time_zone=time_zone, after=after)
    if first is None:
        return []
    until = min(first + A_WEEK, ends_at) if ends_at else first + A_WEEK
    series = series_of(timetable, time_zone=time_zone)
    found = spans(since=first, until=until, limit=MOST_OCCURRENCES, **series)
    return [span.starts_at for span in found]


def shortest_gap(definition: Definition, *, time_zone: str, after: datetime) -> timedelta | None:
    """Return the least time between two runs of a timetable after an instant, until its last.

    It is as clocks show it: an hour that they skip between two runs brings these no closer. None if
    there are no two, or there is no timetable.
    """
    timetable, ends_at = definition.timetable, definition.schedule.ends_at
    first = next_of(definition, time_zone=time_zone, after=after)
    if timetable is None or first is None:
        return None
    series = series_of(timetable, time_zone=time_zone)
    found = spans(since=first, until=ends_at or LAST, limit=MOST_OCCURRENCES, **series)
    zone = ZoneInfo(series["time_zone"])
    shown = [span.starts_at.astimezone(zone).replace(tzinfo=None) for span in found]
    return min((later - earlier for earlier, later in pairwise(shown)), default=None)


def runs_between(
    timetable: Timetable, *, time_zone: str, since: datetime, until: datetime
) -> list[datetime]:
    """Return when runs begin from `since` to `until`, both counting: the last `MOST_MISSED`."""
    series = series_of(timetable, time_zone=time_zone)
    found = spans(since=since, until=until + MICROSECOND, limit=MOST_OCCURRENCES, **series)
    return [span.starts_at for span in found][-MOST_MISSED:]
