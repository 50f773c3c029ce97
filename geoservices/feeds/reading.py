"""What a feed says, whatever it is written in: its events, and what of it cannot be read."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

LONGEST_UID = 500
MOST_EVENTS = 5_000
"""Of one feed; a council's calendar of a year has some hundred."""

Moment = date | datetime
"""A day; or an instant if it has an offset, else a time by the clock of wherever the event is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEvent:
    """An event as a feed tells of it.

    Attributes:
        uid: What the feed calls it, the same in each fetch.
        recurrence_id: Which occurrence of the series of that `uid` it takes the place of.
        line: On which line of the feed it begins, from 1; of JSON-LD, which of its events it is.
        sequence: How often it was changed (RFC 5545 section 3.8.7.4).
        modified_at: When it was last changed, if that is told.
        title: Its name.
        text: What is said of it.
        starts: When it first begins.
        ends: When it first ends; a day is over before it begins.
        length: How long it takes, where that is told in place of an end.
        zone: The IANA name of the zone by whose clock it recurs; None for the place's own.
        rule: The recurrence rule (RFC 5545 section 3.3.10), without `RRULE:`.
        excluded: Which occurrences there are not.
        added: Which there are besides those of the rule.
        location: Where it is, in the feed's words.
        url: Where more is said of it.
        cancelled: Whether it does not take place.
    """

    uid: str
    recurrence_id: Moment | None = None
    line: int
    sequence: int = 0
    modified_at: datetime | None = None
    title: str
    text: str = ""
    starts: Moment
    ends: Moment | None = None
    length: timedelta | None = None
    zone: str | None = None
    rule: str | None = None
    excluded: tuple[Moment, ...] = ()
    added: tuple[Moment, ...] = ()
    location: str | None = None
    url: str | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What of a feed cannot be read or used, on which `line` as events have it, and of which."""

    line: int
    what: str
    uid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFeed:
    """What was read of a feed.

    `whole` tells whether it was one at all and has its end, so that what is not in it is not there.
    `unread` are the UIDs of events that are in it and could not be read.
    """

    events: tuple[ReadEvent, ...]
    faults: tuple[Fault, ...]
    whole: bool
    unread: frozenset[str]


class LeftOut(Exception):
    """An event cannot be read, or is not one to be told of; the message says why."""

    def __init__(self, why: str, *, meant: bool = False) -> None:
        self.meant = meant
        super().__init__(f"The event is left out: {why}")


def newest_of_each(events: list[ReadEvent]) -> tuple[list[ReadEvent], list[Fault]]:
    """Return each event once, as it was last changed, and a fault for each other one."""
    newest: dict[tuple[str, Moment | None], ReadEvent] = {}
    faults = []
    for event in events:
        key = (event.uid, event.recurrence_id)
        known = newest.get(key)
        if known is None:
            newest[key] = event
            continue
        older, newer = sorted((known, event), key=lambda one: (one.sequence, one.line))
        newest[key] = newer
        faults.append(
            Fault(
                line=older.line,
                uid=older.uid,
                what=f"The event on line {newer.line} has the same UID and is taken in its place.",
            )
        )
    return list(newest.values()), faults
