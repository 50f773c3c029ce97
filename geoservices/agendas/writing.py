"""Agendas as iCalendar text (RFC 5545, RFC 7986), for calendar programs to subscribe to."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from icalendar import (
    Calendar,
    Event,
    Timezone,
    vDDDLists,
    vDDDTypes,
    vDuration,
    vRecur,
)

from geoservices.agendas.entries import Entry
from geoservices.calendars.recurrence import with_end_in_utc

PRODUCT: Final = "-//geoservices//agenda 1//EN"
REFRESH: Final = timedelta(hours=1)
"""How often programs are asked to look again."""
YEARS_OF_CLOCKS: Final = 10
"""For so many years from its last entry an agenda says when clocks change."""


def write_agenda(entries: Sequence[Entry], *, name: str) -> bytes:
    """Write a calendar; the same entries are written in the same bytes.

    Args:
        entries: What is in it.
        name: What programs show it as.
    """
    calendar = Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "PUBLISH")
    calendar.add("NAME", name)
    # What programs read that are older than RFC 7986.
    calendar.add("X-WR-CALNAME", name)
    calendar.add("REFRESH-INTERVAL", vDuration(REFRESH), {"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", vDuration(REFRESH))
    for entry in entries:
        calendar.add_component(_event(entry))
    if not entries:
        # A calendar has one component at least (RFC 5545 section 3.6).
        calendar.add_component(Timezone.from_tzid("UTC"))
    else:
        years = sorted(entry.starts_at.year for entry in entries)
        calendar.add_missing_timezones(
            first_date=date(years[0] - 1, 1, 1),
            last_date=date(years[-1] + YEARS_OF_CLOCKS, 1, 1),
        )
        for zone in calendar.timezones:
            for observance in zone.subcomponents:
                _set_right(observance)
    return bytes(calendar.to_ical())


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("UID", entry.uid)
    # Of two with one UID and SEQUENCE that with the later DTSTAMP counts (RFC 5546 section 2.1.5).
    event.add("DTSTAMP", entry.stamped_at.astimezone(UTC))
    event.add("LAST-MODIFIED", entry.stamped_at.astimezone(UTC))
    event.add("SEQUENCE", entry.revision)
    event.add("STATUS", entry.standing.value)
    event.add("DTSTART", _local(entry.starts_at, entry.time_zone))
    if entry.length is not None:
        event.add("DURATION", entry.length)
    if entry.rule is not None:
        event.add("RRULE", vRecur.from_ical(with_end_in_utc(entry.rule, entry.time_zone)))
    if entry.excluded:
        event.add("EXDATE", [_local(one, entry.time_zone) for one in entry.excluded])
    event.add("SUMMARY", entry.title)
    if entry.text:
        event.add("DESCRIPTION", entry.text)
    event.add("LOCATION", ", ".join(part for part in (entry.place, entry.address) if part))
    event.add("GEO", (round(entry.lat, 6), round(entry.lon, 6)))
    if entry.url:
        event.add("URL", entry.url)
    return event


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(UTC) if zone == "UTC" else at.astimezone(ZoneInfo(zone))


def _set_right(observance: Any) -> None:  # noqa: ANN401  # The library types values as any of thirty.
    """Say when clocks go forward by the clock of before, as RFC 5545 section 3.6.5 asks.

    The library says it by the clock of afterwards.
    """
    gained: timedelta = observance["TZOFFSETTO"].td - observance["TZOFFSETFROM"].td
    if gained <= timedelta(0):
        return
    observance["DTSTART"] = vDDDTypes(observance["DTSTART"].dt - gained)
    if "RDATE" in observance:
        observance["RDATE"] = vDDDLists([one.dt - gained for one in observance["RDATE"].dts])
