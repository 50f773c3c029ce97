"""The published rules of other systems for when a device has come and gone.

Each takes positions measured against one geofence and yields what it would report. Sources are
named by project; all are told from their published rules, none is their code.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from geoservices.settings.presence import PresenceSettings
from geoservices.visits.rules import rules_with
from geoservices.visits.sights import PresenceRules, Sight, sights
from geoservices.visits.transitions import (
    Change,
    Phase,
    TransitionKind,
    VisitState,
    advance,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One position measured against one geofence.

    `distance_m` is signed: metres from the edge, negative inside. `size_m` is the radius of the
    circle that has the geofence's area.
    """

    at: datetime
    distance_m: float
    accuracy_m: float
    size_m: float


Told = tuple[bool, datetime]
"""Came (true) or went (false), and when that was reported."""
NEVER = timedelta(days=1)
Rule = Callable[[Iterable[Reading]], Iterator[Told]]


def stays_told(told: Iterable[Told]) -> list[tuple[datetime, datetime | None]]:
    """Pair what was reported: came and went, None where that was not reported."""
    stays: list[tuple[datetime, datetime | None]] = []
    for came, at in told:
        if came:
            stays.append((at, None))
        elif stays:
            stays[-1] = (stays[-1][0], at)
    return stays


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
        """Follow readings as the service does; its timers run out between them."""
        rules = rules_with(self.settings)
        visit: VisitState | None = None
        known = list(readings)
        before: datetime | None = None
        for reading, sight in zip(known, _sights(known, rules), strict=True):
            again = True
            while again:
                visit, changes = advance(
                    visit, sight, reading.at, rules=rules, dwell_after=NEVER, before=before
                )
                yield from _told(changes, reading.at)
                again = visit is not None and visit.phase is Phase.ENDED
                visit = None if again else visit
            before = reading.at


def _sights(readings: Sequence[Reading], rules: PresenceRules) -> list[Sight]:
    columns = np.array([(one.distance_m, one.accuracy_m, one.size_m) for one in readings]).T
    return [Sight(code) for code in sights(*columns, rules=rules)]


def _told(changes: Iterable[Change], at: datetime) -> Iterator[Told]:
    for change in changes:
        if change.kind is not TransitionKind.DWELLED:
            yield change.kind is TransitionKind.ENTERED, at


def _switch(readings: Iterable[Reading], rule: Callable[[Reading, bool], bool]) -> Iterator[Told]:
    inside = False
    for reading in readings:
        now = rule(reading, inside)
        if now != inside:
            inside = now
            yield inside, reading.at
