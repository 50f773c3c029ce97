"""Events of a feed put where and when they are: at places, at instants, each under its own key."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import islice
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from geoservices.calendars.recurrence import (
    RecurrenceRefused,
    Series,
    check_series,
    count_starts,
    last_end,
    local_instant,
    next_after,
    read_rule,
)
from geoservices.feeds.changes import Key, Told
from geoservices.feeds.matching import NoPlace, Spot
from geoservices.feeds.reading import MOST_EVENTS, Fault, LeftOut, Moment, ReadEvent
from geoservices.instants import MICROSECOND, is_plannable

LONGEST_TITLE: Final = 120
LONGEST_TEXT: Final = 5_000
WITHOUT_END: Final = timedelta(hours=1)
"""How long an event takes of which only the start is told."""
DAY: Final = timedelta(days=1)
LONGEST: Final = timedelta(days=366)
MOST_ADDED: Final = 100
"""Dates of one event besides those of its rule; each is a listing of its own."""
MOST_STARTS: Final = 100_000
"""Of all series of a feed together that come to an end, counted one by one: some seconds of work.
They are a weekly event of a year two thousand times."""
INSTANT: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An event as it becomes a listing: at a place, in UTC, its words as long as they may be."""

    key: Key
    line: int
    place_id: UUID
    time_zone: str
    title: str
    text: str
    starts_at: datetime
    length: timedelta
    rule: str | None
    excluded: tuple[datetime, ...]
    cancelled: bool
    sequence: int
    modified_at: datetime | None

    @property
    def ends_at(self) -> datetime:
        """When its first occurrence ends."""
        return self.starts_at + self.length

    def told(self, *, at: datetime) -> Told:
        """Return what decides what becomes of it."""
        return Told(
            key=self.key,
            digest=self.digest,
            sequence=self.sequence,
            modified_at=self.modified_at,
            cancelled=self.cancelled,
            is_over=self._is_over(at),
        )

    @property
    def digest(self) -> bytes:
        """SHA-256 of all that is taken of it."""
        told = [
            str(self.place_id),
            self.time_zone,
            self.title,
            self.text,
            self.starts_at.isoformat(),
            self.length.total_seconds(),
            self.rule,
            [one.isoformat() for one in self.excluded],
        ]
        return sha256(json.dumps(told, separators=(",", ":")).encode()).digest()

    def _is_over(self, at: datetime) -> bool:
        if self.rule is None:
            return self.ends_at <= at
        ends = last_end(
            starts_at=self.starts_at,
            length=self.length,
            rule=self.rule,
            time_zone=self.time_zone,
            excluded=self.excluded,
        )
        return ends is not None and ends <= at


@dataclass(frozen=True, slots=True)
class Placement:
    """What was placed of a feed, and the faults.

    `left_out` are the UIDs of events that take place, but nobody can tell where or when.
    """

    placed: list[Placed]
    faults: list[Fault]
    left_out: frozenset[str]


class TooMuch(Exception):
    """A feed asks for more work than one fetch of it may take; nothing of it is taken."""


def place_events(events: Iterable[ReadEvent], find: Callable[[str | None], Spot]) -> Placement:
    """Put each event of a feed where and when it is.

    An occurrence that differs from its series is left out of that, and is an event of its own; so
    is each date besides those of a rule. What cannot be placed is left out and is a fault.

    Args:
        events: Each UID and recurrence once.
        find: Returns the place that a location means, or raises `NoPlace`.

    Raises:
        TooMuch: They come to more than `MOST_EVENTS` listings, or their series to more than
            `MOST_STARTS` starts.
    """
    series = defaultdict[str, list[ReadEvent]](list)
    for event in events:
        series[event.uid].append(event)
    placing = _Placing(find)
    made = (one for told in series.values() for one in placing.place(told))
    placed = list(islice(made, MOST_EVENTS + 1))
    if len(placed) > MOST_EVENTS:
        raise TooMuch
    return Placement(placed, placing.faults, frozenset(placing.left_out))


@dataclass(slots=True)
class _Placing:
    """Places one series after the other."""

    find: Callable[[str | None], Spot]
    faults: list[Fault] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    starts_left: int = MOST_STARTS

    def place(self, told: Sequence[ReadEvent]) -> Iterator[Placed]:
        """Yield what becomes of the events with one UID, each key once."""
        keys = set[Key]()
        # The occurrences that differ come first: they take the place of added dates as well.
        for event in sorted(told, key=lambda one: one.recurrence_id is None):
            try:
                spot = self.find(event.location)
                others = [one.recurrence_id for one in told if one.recurrence_id is not None]
                made = list(self._placed(event, spot, others))
            except NoPlace as error:
                self._leave_out(event, LeftOut(str(error)))
                continue
            except LeftOut as error:
                self._leave_out(event, error)
                continue
            except (ValueError, OverflowError):
                self._leave_out(event, LeftOut("its times are beyond what can be kept."))
                continue
            for one in made:
                if one.key not in keys:
                    keys.add(one.key)
                    yield one

    def _placed(self, event: ReadEvent, spot: Spot, others: list[Moment]) -> Iterator[Placed]:
        zone = event.zone or spot.time_zone
        starts_at = instant(event.starts, zone)
        length = self._length(event, starts_at, zone)
        if not _is_plannable(starts_at, length):
            raise ValueError("It takes place in another age.")
        recurrence = "" if event.recurrence_id is None else _key(event.recurrence_id, zone)
        excluded = {_occurrence(one, event.starts, zone) for one in (*event.excluded, *others)}
        rule = self._rule(event, starts_at, length, zone, excluded)
        placed = Placed(
            key=Key(event.uid, recurrence),
            line=event.line,
            place_id=spot.place_id,
            time_zone=zone,
            title=self._title(event),
            text=_text(event),
            starts_at=starts_at,
            length=length,
            rule=rule,
            excluded=tuple(sorted(excluded)) if rule else (),
            cancelled=event.cancelled,
            sequence=event.sequence,
            modified_at=event.modified_at,
        )
        yield placed
        added = sorted({_occurrence(one, event.starts, zone) for one in event.added} - excluded)
        if len(added) > MOST_ADDED:
            self._fault(event, f"Only the first {MOST_ADDED} of its added dates are taken.")
        for one in added[:MOST_ADDED]:
            if not _is_plannable(one, length):
                self._fault(event, f"Its added date {one:{INSTANT}} is left out: check the year.")
            elif one != starts_at:
                key = Key(event.uid, f"{one:{INSTANT}}")
                yield replace(placed, key=key, starts_at=one, rule=None, excluded=())

    def _length(self, event: ReadEvent, starts_at: datetime, zone: str) -> timedelta:
        if event.length is not None:
            length = event.length
        elif event.ends is not None:
            length = instant(event.ends, zone) - starts_at
        elif isinstance(event.starts, datetime):
            length = WITHOUT_END
        else:
            length = instant(event.starts + DAY, zone) - starts_at
        if not timedelta(0) <= length <= LONGEST:
            raise ValueError("It ends before it starts, or takes longer than a year.")
        if length == timedelta(0):
            # A reminder more than an event; there is no listing that ends as it starts.
            length = WITHOUT_END
        return length

    def _rule(
        self,
        event: ReadEvent,
        starts_at: datetime,
        length: timedelta,
        zone: str,
        excluded: Collection[datetime],
    ) -> str | None:
        if event.rule is None or event.recurrence_id is not None:
            return None
        try:
            rule = read_rule(event.rule, field="RRULE")
            series = Series(
                starts_at=starts_at, length=length, rule=rule, time_zone=zone, excluded=excluded
            )
            self._count(series)
            check_series(field="RRULE", **series)
        except RecurrenceRefused as error:
            self._fault(event, f"Only its first occurrence is taken. {error}")
            return None
        if next_after(starts_at - MICROSECOND, **series) is None:
            raise LeftOut("all of its occurrences are excluded.", meant=True)
        return rule

    def _count(self, series: Series) -> None:
        starts = count_starts(most=self.starts_left, **series)
        if starts is None:
            return
        if starts > self.starts_left:
            raise TooMuch
        self.starts_left -= starts

    def _title(self, event: ReadEvent) -> str:
        title = " ".join(event.title.split())
        if not title:
            self._fault(event, "It has no title; it is called Event.")
            return "Event"
        if len(title) > LONGEST_TITLE:
            self._fault(event, f"Its title is cut after {LONGEST_TITLE} characters.")
        return _cut(title, LONGEST_TITLE)

    def _leave_out(self, event: ReadEvent, error: LeftOut) -> None:
        self._fault(event, str(error))
        # To be called off, an event needs neither a place nor a time.
        if not (error.meant or event.cancelled):
            self.left_out.add(event.uid)

    def _fault(self, event: ReadEvent, what: str) -> None:
        self.faults.append(Fault(line=event.line, uid=event.uid, what=what))


def _is_plannable(starts_at: datetime, length: timedelta) -> bool:
    return is_plannable(starts_at) and is_plannable(starts_at + length)


def instant(moment: Moment, zone: str) -> datetime:
    """Return when a moment is in UTC; a day begins at midnight by the clock of a zone."""
    if not isinstance(moment, datetime):
        return local_instant(moment, time.min, zone)
    if moment.tzinfo is None:
        return local_instant(moment.date(), moment.time(), zone)
    return moment.astimezone(UTC)


def _occurrence(moment: Moment, starts: Moment, zone: str) -> datetime:
    """Return the start that is meant; by a day, that at the usual time of it."""
    if isinstance(moment, datetime) or not isinstance(starts, datetime):
        return instant(moment, zone)
    return local_instant(moment, _clock(starts, zone), zone)


def _clock(starts: datetime, zone: str) -> time:
    return starts.time() if starts.tzinfo is None else starts.astimezone(ZoneInfo(zone)).time()


def _key(recurrence_id: date, zone: str) -> str:
    return f"{instant(recurrence_id, zone):{INSTANT}}"


def _text(event: ReadEvent) -> str:
    parts = [event.text, event.url if event.url and event.url not in event.text else ""]
    return _cut("\n\n".join(part for part in parts if part), LONGEST_TEXT)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
