"""Agendas as schema.org's events in JSON-LD, for search engines and other calendars.

Source:
    https://schema.org/Event
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from geoservices.agendas.entries import Entry, Standing
from geoservices.calendars.recurrence import Series, spans

AHEAD: Final = timedelta(days=92)
"""How far ahead the occurrences of a series are told of, each as an event of its own."""
MOST_OCCURRENCES: Final = 100
STATUS: Final = {
    Standing.CONFIRMED: "https://schema.org/EventScheduled",
    Standing.TENTATIVE: "https://schema.org/EventScheduled",
    Standing.CANCELLED: "https://schema.org/EventCancelled",
}


def linked_data(entries: Sequence[Entry], *, at: datetime) -> dict[str, Any]:
    """Return a JSON-LD document of the entries and, of series, of what is soon."""
    return {
        "@context": "https://schema.org",
        "@graph": [one for entry in entries for one in _events(entry, at)],
    }


def _events(entry: Entry, at: datetime) -> list[dict[str, Any]]:
    if entry.rule is None or entry.length is None:
        ends_at = None if entry.length is None else entry.starts_at + entry.length
        return [_event(entry, f"urn:uuid:{entry.uid}", entry.starts_at, ends_at)]
    series = Series(
        starts_at=entry.starts_at,
        length=entry.length,
        rule=entry.rule,
        time_zone=entry.time_zone,
        excluded=entry.excluded,
    )
    soon = spans(since=at, until=at + AHEAD, limit=MOST_OCCURRENCES, **series)
    return [
        _event(
            entry,
            f"urn:uuid:{entry.uid}#{one.starts_at:%Y%m%dT%H%M%SZ}",
            one.starts_at,
            one.ends_at,
        )
        for one in soon
    ]


def _event(entry: Entry, id_: str, starts_at: datetime, ends_at: datetime | None) -> dict[str, Any]:
    zone = ZoneInfo(entry.time_zone)
    told = {
        "@type": "Event",
        "@id": id_,
        "name": entry.title,
        "description": entry.text,
        "startDate": starts_at.astimezone(zone).isoformat(),
        "endDate": ends_at and ends_at.astimezone(zone).isoformat(),
        "eventStatus": STATUS[entry.standing],
        "eventAttendanceMode": "https://schema.org/OfflineEventAttendanceMode",
        "location": _place(entry),
    }
    return {name: value for name, value in told.items() if value}


def _place(entry: Entry) -> dict[str, Any]:
    told = {
        "@type": "Place",
        "name": entry.place,
        "address": entry.address,
        "url": entry.url,
        "geo": {
            "@type": "GeoCoordinates",
            "latitude": round(entry.lat, 6),
            "longitude": round(entry.lon, 6),
        },
    }
    return {name: value for name, value in told.items() if value}
