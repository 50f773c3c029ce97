"""What stands in an agenda, whatever it is written in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Standing(StrEnum):
    """Whether an entry takes place; the values are those of STATUS (RFC 5545 section 3.8.1.11)."""

    CONFIRMED = "CONFIRMED"
    TENTATIVE = "TENTATIVE"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event, one occurrence of it, or a series.

    Attributes:
        uid: The same whenever it is written.
        revision: How often it has changed; of two with one `uid` the higher is the later.
        stamped_at: When it became what it is.
        starts_at: When it first starts, in UTC.
        length: How long it takes; None if nobody says.
        time_zone: By whose clocks it recurs, an IANA name.
        rule: As `calendars.recurrence.read_rule` returns it; None for what takes place once.
        excluded: Starts of a series that there are not.
        title: Its name.
        text: What is said of it; None for what a check-in unlocks.
        place: The name of where it is.
        address: The address there, in one line, if it is known.
        lon: Degrees.
        lat: Degrees.
        url: Where more is said of the place.
        standing: Whether it takes place.
    """

    uid: str
    revision: int
    stamped_at: datetime
    starts_at: datetime
    length: timedelta | None
    time_zone: str
    rule: str | None = None
    excluded: tuple[datetime, ...] = ()
    title: str
    text: str | None
    place: str
    address: str | None
    lon: float
    lat: float
    url: str | None
    standing: Standing = Standing.CONFIRMED
