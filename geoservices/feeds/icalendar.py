"""iCalendar text (RFC 5545) read into events, with a fault for each line that is broken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Final, TypeVar

from icalendar import vDDDTypes, vDuration, vRecur

from geoservices.feeds.content_lines import Component, Property, plain_text, read_outline
from geoservices.feeds.reading import (
    LONGEST_UID,
    MOST_EVENTS,
    Fault,
    LeftOut,
    Moment,
    ReadEvent,
    ReadFeed,
    newest_of_each,
)
from geoservices.feeds.zones import Zones

Read = TypeVar("Read")

UNREADABLE: Final = (ValueError, TypeError, OverflowError, KeyError, IndexError, AttributeError)
"""What the library raises for values of all sorts."""
MOST_DATES: Final = 1_000
"""Of one event, excluded or added."""
LONGEST: Final = timedelta(days=366)
NOT_PUBLIC: Final = frozenset({"PRIVATE", "CONFIDENTIAL"})


def read_icalendar(text: str) -> ReadFeed:
    """Read the events of iCalendar text.

    Nothing in it raises anything: what cannot be read is left out and is a fault.
    """
    outline = read_outline(text)
    calendars = [one for one in outline.root.components if one.name == "VCALENDAR"]
    faults = list(outline.faults)
    if not calendars:
        faults.append(Fault(line=1, what="There is no BEGIN:VCALENDAR; this is no calendar."))
    # An event that stands by itself is read all the same.
    holders = calendars or [outline.root]
    found = [(calendar, one) for calendar in holders for one in calendar.components]
    zones = Zones([one for _, one in found if one.name == "VTIMEZONE"])
    told = [(calendar, one) for calendar, one in found if one.name == "VEVENT"]
    if len(told) > MOST_EVENTS:
        beyond = told[MOST_EVENTS][1].line
        faults.append(
            Fault(line=beyond, what=f"Only the first {MOST_EVENTS} events of a feed are read.")
        )
    events, unread = list[ReadEvent](), set[str]()
    for calendar, component in told[:MOST_EVENTS]:
        reader = _Reader(component, zones)
        event = reader.read(cancelling=_is_cancelling(calendar))
        unread |= {reader.uid} if reader.unread else set()
        faults += reader.faults
        events += [event] if event else []
    newest, doubled = newest_of_each(events)
    faults += [*zones.faults, *doubled]
    return ReadFeed(
        events=tuple(newest),
        faults=tuple(sorted(faults, key=lambda fault: fault.line)),
        whole=bool(calendars) and outline.closed and len(told) <= MOST_EVENTS,
        unread=frozenset(unread),
    )


def _is_cancelling(calendar: Component) -> bool:
    """Tell whether all that a calendar has is called off (RFC 5546 section 3.2.5)."""
    method = calendar.first("METHOD")
    return method is not None and method.value.strip().upper() == "CANCEL"


@dataclass(slots=True)
class _Reader:
    """Reads one VEVENT."""

    component: Component
    zones: Zones
    uid: str = ""
    unread: bool = False
    zone: str | None = None
    faults: list[Fault] = field(default_factory=list)

    def read(self, *, cancelling: bool) -> ReadEvent | None:
        """Return the event, or None if it has to be left out; the faults say why."""
        self.uid = self._uid()
        try:
            return self._read(cancelling=cancelling)
        except LeftOut as error:
            self.unread = not error.meant
            self._fault(self.component.line, str(error))
            return None

    def _read(self, *, cancelling: bool) -> ReadEvent:
        if self._word("CLASS") in NOT_PUBLIC:
            raise LeftOut("its CLASS says that it is not public.", meant=True)
        start = self.component.first("DTSTART")
        if start is None:
            raise LeftOut("it has no DTSTART that can be read.")
        starts = self._try(start, self._moment)
        if starts is None:
            raise LeftOut("its DTSTART cannot be read.")
        self.zone = self._zone_of(start)
        ends, length = self._end(starts)
        return ReadEvent(
            uid=self.uid,
            recurrence_id=self._recurrence_id(),
            line=self.component.line,
            sequence=self._sequence(),
            modified_at=self._modified_at(),
            title=self._text("SUMMARY") or "",
            text=self._text("DESCRIPTION") or "",
            starts=starts,
            ends=ends,
            length=length,
            zone=self.zone,
            rule=self._rule(),
            excluded=tuple(self._dates("EXDATE")),
            added=tuple(self._dates("RDATE")),
            location=self._text("LOCATION"),
            url=self._url(),
            cancelled=cancelling or self._word("STATUS") == "CANCELLED",
        )

    def _uid(self) -> str:
        told = (self._text("UID") or "").strip()
        if told and len(told) <= LONGEST_UID:
            return told
        named = [
            one.value for name in ("SUMMARY", "DTSTART") for one in self.component.all(name)[:1]
        ]
        made = sha256("\n".join(named).encode()).hexdigest()
        why = f"Its UID is longer than {LONGEST_UID} characters" if told else "It has no UID"
        self._fault(
            self.component.line, f"{why}; it is known by its title and start, and by nothing else."
        )
        return f"without-uid-{made}"

    def _end(self, starts: Moment) -> tuple[Moment | None, timedelta | None]:
        end, duration = self.component.first("DTEND"), self.component.first("DURATION")
        ends = self._try(end, self._moment) if end else None
        if end and ends is not None and _is_day(ends) != _is_day(starts):
            self._fault(end.line, "DTSTART and DTEND are not both days or both times.")
            ends = None
        if end and ends is not None and _is_before(ends, starts):
            raise LeftOut("it ends before it starts.")
        length = self._try(duration, _length) if duration and ends is None else None
        if length is not None and not timedelta(0) <= length <= LONGEST:
            raise LeftOut("its DURATION is negative or longer than a year.")
        return ends, length

    def _recurrence_id(self) -> Moment | None:
        told = self.component.first("RECURRENCE-ID")
        if told is None:
            return None
        if told.parameter("RANGE"):
            self._fault(told.line, "RANGE is not followed: it changes that one occurrence alone.")
        read = self._try(told, self._moment)
        if read is None:
            raise LeftOut("its RECURRENCE-ID cannot be read.")
        return read

    def _sequence(self) -> int:
        told = self.component.first("SEQUENCE")
        read = self._try(told, lambda one: int(one.value)) if told else None
        return min(max(read or 0, 0), 2**31 - 1)

    def _modified_at(self) -> datetime | None:
        told = self.component.first("LAST-MODIFIED") or self.component.first("DTSTAMP")
        read = self._try(told, self._moment) if told else None
        return read if isinstance(read, datetime) and read.tzinfo else None

    def _rule(self) -> str | None:
        rules = self.component.all("RRULE")
        for more in [*rules[1:], *self.component.all("EXRULE")]:
            self._fault(more.line, "Only the first RRULE of an event is followed.")
        read = self._try(rules[0], lambda one: vRecur.from_ical(one.value)) if rules else None
        if rules and read is None:
            self._fault(rules[0].line, "Only the first occurrence is taken.")
        return read.to_ical().decode() if read else None

    def _dates(self, name: str) -> Iterator[Moment]:
        told = [
            one._replace(value=value)
            for one in self.component.all(name)
            for value in one.value.split(",")
            if one.value.strip()
        ]
        if len(told) > MOST_DATES:
            self._fault(told[0].line, f"Only the first {MOST_DATES} dates of {name} are taken.")
        for one in told[:MOST_DATES]:
            # A period says how long that occurrence takes too (RFC 5545 section 3.8.5.2).
            first = one._replace(value=one.value.partition("/")[0])
            read = self._try(first, self._moment)
            if read is not None:
                yield read

    def _moment(self, one: Property) -> Moment:
        """Read a day, an instant or a time by the place's clock.

        Raises:
            ValueError: It is none of them.
        """
        read = vDDDTypes.from_ical(one.value.strip())
        if not isinstance(read, date):
            raise ValueError("This is neither a date nor a time.")  # noqa: TRY004
        if not isinstance(read, datetime):
            return read
        if read.tzinfo is not None:
            return read.astimezone(UTC)
        tzid = one.parameter("TZID")
        if not tzid:
            return read
        zone, _ = self.zones.find(tzid)
        if zone is None:
            self._fault(
                one.line, f"The time zone {tzid[:80]} is not known; the place's clock is taken."
            )
            return read
        # The first of a time that comes twice, and the offset before a gap: as with fold 0.
        return read.replace(tzinfo=zone).astimezone(UTC)

    def _zone_of(self, start: Property) -> str | None:
        if start.value.strip().upper().endswith("Z"):
            return "UTC"
        tzid = start.parameter("TZID")
        if not tzid:
            return None
        zone, name = self.zones.find(tzid)
        if zone is not None and name is None and self.component.first("RRULE"):
            self._fault(
                start.line,
                f"The time zone {tzid[:80]} is the feed's own; it recurs by the place's clock.",
            )
        return name

    def _text(self, name: str) -> str | None:
        told = self.component.first(name)
        if told is None:
            return None
        return plain_text(told.value).strip()

    def _url(self) -> str | None:
        told = self.component.first("URL")
        address = told.value.strip() if told else ""
        return address if address.startswith(("https://", "http://")) else None

    def _word(self, name: str) -> str:
        told = self.component.first(name)
        return told.value.strip().upper() if told else ""

    def _try(self, one: Property, read: Callable[[Property], Read]) -> Read | None:
        try:
            return read(one)
        except UNREADABLE:
            self._fault(one.line, f"{one.name} cannot be read: {one.value[:60]}")
            return None

    def _fault(self, line: int, what: str) -> None:
        if all(what != one.what for one in self.faults):
            self.faults.append(Fault(line=line, what=what, uid=self.uid or None))


def _length(one: Property) -> timedelta:
    read: timedelta = vDuration.from_ical(one.value.strip())
    return read


def _is_day(moment: Moment) -> bool:
    return not isinstance(moment, datetime)


def _is_before(end: Moment, start: Moment) -> bool:
    if isinstance(end, datetime) and isinstance(start, datetime):
        # One by the place's clock and one by another cannot be compared before it is known where.
        return (end.tzinfo is None) == (start.tzinfo is None) and end < start
    return not isinstance(end, datetime) and not isinstance(start, datetime) and end < start
