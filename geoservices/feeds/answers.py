"""What comes back from the address of a feed: a calendar, that nothing changed, or no feed."""

from dataclasses import replace
from enum import StrEnum
from typing import Final

from geoservices.feeds.icalendar import read_icalendar
from geoservices.feeds.reading import Fault, ReadFeed
from geoservices.feeds.schema_org import read_json_ld, read_page
from geoservices.fetching import Answer

OK: Final = 200
NOT_MODIFIED: Final = 304
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
ICALENDAR_TYPES: Final = frozenset(
    {"text/calendar", "text/plain", "application/octet-stream", "application/ics", ""}
)
"""Many servers do not know the file name's ending, and send something general."""
JSON_TYPES: Final = frozenset({"application/ld+json", "application/json"})
PAGE_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})


class FeedKind(StrEnum):
    """What a feed is written in."""

    ICALENDAR = "icalendar"
    SCHEMA_ORG = "schema.org"


ACCEPT: Final = {
    FeedKind.ICALENDAR: "Accept: text/calendar, text/plain;q=0.5",
    FeedKind.SCHEMA_ORG: "Accept: application/ld+json, application/json;q=0.9, text/html;q=0.8",
}


class NoFeed(Exception):
    """What came back is no feed; `reason` says what it is."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def read_answer(kind: FeedKind, answer: Answer) -> ReadFeed | None:
    """Read what came back; None if it is what came the last time.

    Raises:
        NoFeed: It is something else than a feed.
    """
    if answer.status == NOT_MODIFIED:
        return None
    if answer.status in REDIRECTS:
        raise NoFeed("moved")
    if answer.status != OK:
        raise NoFeed(f"status-{answer.status}")
    told, _, parameters = answer.fields.get("content-type", "").partition(";")
    media_type = told.strip().lower()
    text, fault = _decode(answer.body, parameters)
    feed = _read(kind, media_type, text.replace("\x00", ""))
    return feed if fault is None else replace(feed, faults=(fault, *feed.faults))


def _read(kind: FeedKind, media_type: str, text: str) -> ReadFeed:
    if kind is FeedKind.ICALENDAR and media_type in ICALENDAR_TYPES:
        if "BEGIN:VCALENDAR" not in text.upper():
            raise NoFeed("not-a-calendar")
        return read_icalendar(text)
    if kind is FeedKind.SCHEMA_ORG and media_type in JSON_TYPES:
        return read_json_ld(text)
    if kind is FeedKind.SCHEMA_ORG and media_type in PAGE_TYPES:
        return read_page(text)
    raise NoFeed("wrong-content-type")


def _decode(body: bytes, parameters: str) -> tuple[str, Fault | None]:
    """Return a body as text, which is UTF-8 unless that cannot be (RFC 5545 section 3.1.4)."""
    try:
        return body.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
    _, _, charset = parameters.lower().partition("charset=")
    name = charset.strip(' "') or "cp1252"
    what = f"It is not UTF-8; it was read as {name[:20]}."
    try:
        return body.decode(name, "replace"), Fault(line=line, what=what)
    except LookupError:
        return body.decode("cp1252", "replace"), Fault(line=line, what=what)
