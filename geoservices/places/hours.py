"""Opening hours in OpenStreetMap's syntax, read in a place's own time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

# The library's stub leaves the error out.
from opening_hours import (  # type: ignore[attr-defined]
    OpeningHours,
    State,
    UnknownCountryError,
    validate,
)


class OpenState(StrEnum):
    """Whether a place is open."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Whether a place is open at a moment, and when that changes next (None: never, or unknown)."""

    state: OpenState
    changes_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDay:
    """When a place is open on one day by its own clocks, from midnight to midnight."""

    day: date
    spans: tuple[tuple[datetime, datetime], ...]
    """Ascending and apart from one another, in UTC; empty if it is closed."""


UNKNOWN = Hours(state=OpenState.UNKNOWN, changes_at=None)


def hours_at(opening_hours: str | None, *, time_zone: str, at: datetime) -> Hours:
    """Read opening hours at a moment.

    Public holidays are those that the whole of the country has, where the library knows it: of
    Great Britain's not New Year's Day, Easter Monday and the summer bank holiday, which differ.

    Args:
        opening_hours: OSM `opening_hours` syntax; None or something unreadable is unknown.
        time_zone: IANA name of the zone the place lies in; it tells the country as well.
        at: Any aware instant.

    Returns:
        The state, and the next change as an instant in the place's zone.

    Source:
        https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification
    """
    if opening_hours is None:
        return UNKNOWN
    # They change with the minute, and everybody who is at a place asks.
    return _in_minute(opening_hours, time_zone, at.replace(second=0, microsecond=0))


def open_spans(
    opening_hours: str, *, time_zone: str, from_: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the spans within two instants in which hours say open.

    By the clocks of the zone: from nine to five is eight hours on the days too on which clocks
    change in between at night, and a span that goes over the change is an hour longer or shorter.

    Args:
        opening_hours: Readable OSM syntax.
        time_zone: IANA name.
        from_: Any aware instant.
        until: A later one.

    Returns:
        Ascending and apart from one another, in UTC.
    """
    zone = ZoneInfo(time_zone)
    spans: list[tuple[datetime, datetime]] = []
    schedule = _parse(opening_hours, time_zone)
    for start, end, state, _comment in schedule.intervals(
        from_.astimezone(zone), until.astimezone(zone)
    ):
        if state != State.OPEN:
            continue
        begins, ends = start.astimezone(UTC), end.astimezone(UTC)
        if spans and begins <= spans[-1][1]:
            begins, ends = spans.pop()[0], max(ends, begins)
        if begins < ends:
            spans.append((begins, ends))
    return spans


def open_days(
    opening_hours: str | None, *, time_zone: str, at: datetime, count: int = 7
) -> list[OpenDay] | None:
    """Return when a place is open on the days from today.

    Args:
        opening_hours: OSM syntax.
        time_zone: IANA name.
        at: Any aware instant of today.
        count: How many days.

    Returns:
        A day each, what goes on over midnight parted there; None if the hours cannot be read.
    """
    if opening_hours is None or not is_readable(opening_hours):
        return None
    zone = ZoneInfo(time_zone)
    today = at.astimezone(zone).date()
    days = [today + timedelta(days=ahead) for ahead in range(count)]
    midnights = [datetime.combine(day, time(), zone) for day in (*days, today + timedelta(count))]
    return [
        OpenDay(
            day=day,
            spans=tuple(open_spans(opening_hours, time_zone=time_zone, from_=begins, until=ends)),
        )
        for day, begins, ends in zip(days, midnights[:-1], midnights[1:], strict=True)
    ]


def is_readable(opening_hours: str) -> bool:
    """Tell whether the text is in OSM's `opening_hours` syntax."""
    return bool(validate(opening_hours))


@lru_cache(maxsize=4096)
def _in_minute(opening_hours: str, time_zone: str, minute: datetime) -> Hours:
    if not is_readable(opening_hours):
        return UNKNOWN
    schedule = _parse(opening_hours, time_zone)
    local = minute.astimezone(ZoneInfo(time_zone))
    # With a zone the library takes the last minute before clocks go back for the time after it.
    state, _comment = schedule.state(local.replace(tzinfo=None))
    change = schedule.next_change(local)
    # And of a time that comes twice it names the second.
    if change is not None and change.replace(fold=0).astimezone(UTC) > minute:
        change = change.replace(fold=0)
    return Hours(state=_STATES[state], changes_at=change)


@lru_cache(maxsize=4096)
def _parse(opening_hours: str, time_zone: str) -> OpeningHours:
    zone, country = ZoneInfo(time_zone), _countries().get(time_zone)
    # A change more than a year away is as good as never, and looking for it can take seconds.
    try:
        return OpeningHours(opening_hours, timezone=zone, country=country, max_interval_days=366)
    except UnknownCountryError:
        return OpeningHours(opening_hours, timezone=zone, max_interval_days=366)


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Return the country that each time zone is mainly used in, by ISO 3166 code."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return {zone: country for country, _coordinates, zone, *_comment in lines}


_STATES = {
    State.OPEN: OpenState.OPEN,
    State.CLOSED: OpenState.CLOSED,
    State.UNKNOWN: OpenState.UNKNOWN,
}
