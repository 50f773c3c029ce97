"""The published rules of other systems for when a device has come and gone.

Each takes positions measured against one geofence and yields what it would report. Sources are
named by project; all are told from their published rules, none is their code.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from geoservices.settings import PresenceSettings
from geoservices.visits.transitions import (
    Phase,
    PresenceRules,
    Reading,
    TransitionKind,
    VisitState,
    advance,
    elapse,
    next_due,
)

Told = tuple[bool, datetime]
"""Came (true) or went (false), and when that was reported."""
Rule = Callable[[Iterable[Reading]], Iterator[Told]]


def plain(readings: Iterable[Reading]) -> Iterator[Told]:
    """Inside or outside, whatever the accuracy (Tile38, OwnTracks Recorder)."""
    yield from _switch(readings, lambda reading, _inside: reading.distance_m <= 0)


def home_assistant(readings: Iterable[Reading]) -> Iterator[Told]:
    """Inside while the distance less the accuracy is (Home Assistant's zones)."""
    yield from _switch(
        readings, lambda reading, _inside: reading.distance_m - reading.accuracy_m < 0
    )


def radar(readings: Iterable[Reading]) -> Iterator[Told]:
    """Entries plain, exits only when more than the accuracy outside (Radar, buffered exits)."""

    def rule(reading: Reading, inside: bool) -> bool:  # noqa: FBT001
        reach_m = reading.accuracy_m if inside else 0.0
        return reading.distance_m <= reach_m

    yield from _switch(readings, rule)


def tracelet(readings: Iterable[Reading]) -> Iterator[Told]:
    """Entry plain; exit beyond accuracy and margin, twice in a row (Tracelet #294, #295)."""
    inside = False
    outside_before = False
    for reading in readings:
        margin_m = max(0.1 * reading.size_m, 20.0)
        outside = reading.distance_m - min(reading.accuracy_m, 100.0) > margin_m
        if not inside and reading.distance_m <= 0:
            inside = True
            yield True, reading.at
        elif inside and outside and outside_before:
            inside = False
            yield False, reading.at
        outside_before = outside


def owntracks(readings: Iterable[Reading]) -> Iterator[Told]:
    """Inside within the accuracy; a change must have lasted two minutes (OwnTracks #2291)."""
    inside = False
    changed_at: datetime | None = None
    for reading in readings:
        now = reading.distance_m <= reading.accuracy_m
        if now == inside:
            changed_at = None
        elif changed_at is None:
            changed_at = reading.at
        elif reading.at - changed_at >= timedelta(minutes=2):
            inside, changed_at = now, None
            yield inside, reading.at


@dataclass(frozen=True, slots=True)
class Ours:
    """The service's own machine, its timers included."""

    settings: PresenceSettings

    def __call__(self, readings: Iterable[Reading]) -> Iterator[Told]:
        """Follow readings as the service does, letting timers run out between them."""
        rules = self._rules()
        visit: VisitState | None = None
        for reading in readings:
            while visit is not None and (due := next_due(visit, after=_before(visit), rules=rules)) < reading.at:
                visit, changes = elapse(visit, due, rules=rules)
                yield from _told(changes, due)
                if visit is None or visit.phase is Phase.ENDED or due == next_due(visit, after=_before(visit), rules=rules):
                    visit = None if visit is None or visit.phase is Phase.ENDED else visit
                    break
            visit, changes = advance(visit, reading, rules=rules, dwell_after=timedelta(hours=12))
            yield from _told(changes, reading.at)
            if visit is not None and visit.phase is Phase.ENDED:
                visit, changes = advance(None, reading, rules=rules, dwell_after=timedelta(hours=12))
                yield from _told(changes, reading.at)

    def _rules(self) -> PresenceRules:
        names = PresenceRules.__dataclass_fields__
        return PresenceRules(**{name: getattr(self.settings, name) for name in names})


def _before(visit: VisitState) -> datetime:
    return visit.phase_since


def _told(changes: Iterable[object], at: datetime) -> Iterator[Told]:
    for change in changes:
        kind = getattr(change, "kind", None)
        if kind is TransitionKind.ENTERED:
            yield True, at
        elif kind is TransitionKind.EXITED:
            yield False, at


def _switch(
    readings: Iterable[Reading], rule: Callable[[Reading, bool], bool]
) -> Iterator[Told]:
    inside = False
    for reading in readings:
        now = rule(reading, inside)
        if now != inside:
            inside = now
            yield inside, reading.at
