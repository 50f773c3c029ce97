"""Visits followed: by positions as they come, and by the passing of time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from geoservices.accounts.queries import HeldDevice
from geoservices.clock import instant
from geoservices.geofences.index import GeofenceIndex
from geoservices.visits import queries
from geoservices.visits.queries import OpenVisit, TransitionRow, VisitRow
from geoservices.visits.sights import PresenceRules, sights
from geoservices.visits.tracks import FAR, stages
from geoservices.visits.transitions import (
    Change,
    Phase,
    TransitionKind,
    VisitState,
    elapse,
    let_go,
    next_due,
)

Indices = NDArray[np.intp]
Numbers = NDArray[np.float64]
PAIRS_AT_ONCE = 1 << 18
"""So many readings are measured at once, so that memory stays bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """Positions to follow, by device and then in order of time; all columns have shape (n,)."""

    pings: Indices
    """Each sighting's number among the pings it came with."""
    devices: Indices
    at_us: NDArray[np.int64]
    """Microseconds since 1970."""
    lon: Numbers
    lat: Numbers
    accuracy_m: Numbers
    """None missing."""
    suspect: NDArray[np.bool_]
    """Which of them bear signs of not being true."""


@dataclass(slots=True, kw_only=True)
class Follow:
    """A visit while it is being followed; `state` None is an arrival that came to nothing."""

    id: UUID
    device_id: UUID
    geofence_id: UUID
    place_id: UUID
    organisation_id: UUID
    state: VisitState | None
    stored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A transition just made, with the visit it belongs to; `ping` is the number of its ping."""

    id: UUID
    visit: Follow
    change: Change
    initial: bool
    ping: int | None = None


def follow(
    session: Session,
    devices: Sequence[HeldDevice],
    sightings: Sightings,
    *,
    index: GeofenceIndex,
    rules: PresenceRules,
    at: datetime,
) -> list[Made]:
    """Follow every visit the sightings bear on, store what came of it, and say what happened.

    Args:
        session: Its transaction holds the devices' rows.
        devices: Whose sightings they are.
        sightings: Each newer than any of its device's followed before.
        index: The geofences, current.
        rules: When a device has entered or left.
        at: Now.

    Returns:
        The transitions of each device in the order in which they were found; of those that one
        sighting told, dwelling comes first, then exits, inner before outer, and then enters,
        outer before inner.
    """
    if len(sightings.at_us) == 0:
        return []
    spans = _spans(sightings)
    open_visits = queries.open_visits(session, [devices[sender].id for sender in spans])
    walk = _Walk(devices, spans, sightings, open_visits, index, rules)
    for track in walk.tracks():
        walk.follow(track)
    told = [made for _order, made in sorted(walk.told, key=lambda entry: entry[0])]
    _store(session, walk.changed, told, rules=rules, at=at, last_seen=walk.last_seen)
    return told


def follow_time(
    session: Session, *, rules: PresenceRules, at: datetime, limit: int
) -> tuple[list[Made], int]:
    """Follow visits whose timers have run out: dwelling, exits confirmed by time, silence.

    Any number of workers may do this at once; each device is looked at by one. A visit whose
    geofence is watched no more does not dwell: it ends when a timer first looks at it.

    Returns:
        The transitions, and how many visits were looked at.
    """
    due: list[Follow] = []
    made: list[Made] = []
    for row, followed_until, watched in queries.hold_due(session, at=at, limit=limit):
        visit = _loaded(row, followed_until)
        due.append(visit)
        if visit.state is None:
            continue
        look = elapse if watched else let_go
        visit.state, changes = look(visit.state, at, rules=rules)
        made += [_made(visit, change) for change in changes]
    _store(session, due, made, rules=rules, at=at)
    return made, len(due)


Spans = Mapping[int, tuple[int, list[int]]]
"""Where each device's sightings begin, and when they were made."""
Order = tuple[int, int, int, float]


@dataclass(frozen=True, slots=True)
class _Track:
    """One device's readings of one geofence, from sighting `begin` on."""

    sender: int
    number: int
    begin: int
    sights: bytes
    visit: OpenVisit | None


class _Walk:
    """Sightings on their way through the open visits of their devices."""

    def __init__(
        self,
        devices: Sequence[HeldDevice],
        spans: Spans,
        sightings: Sightings,
        open_visits: Sequence[OpenVisit],
        index: GeofenceIndex,
        rules: PresenceRules,
    ) -> None:
        self.devices = devices
        self.spans = spans
        self.sightings = sightings
        self.index = index
        self.rules = rules
        sender_of = {devices[sender].id: sender for sender in spans}
        numbers = index.numbers_of([visit.geofence_id for visit in open_visits]).tolist()
        # A geofence that is no longer watched is measured no more; a timer ends its visits.
        self.open_visits = {
            (sender_of[visit.device_id], number): visit
            for visit, number in zip(open_visits, numbers, strict=True)
            if number >= 0
        }
        self.last_seen = {
            devices[sender].id: instant(times[-1]) for sender, (_begin, times) in spans.items()
        }
        self.changed: list[Follow] = []
        self.told: list[tuple[Order, Made]] = []

    def tracks(self) -> Iterator[_Track]:
        """Measure each device's sightings against the geofences that concern it."""
        concerned = self._concerned()
        begins = np.array(list(concerned.values()), dtype=np.intp)
        ends = np.array(
            [self.spans[sender][0] + len(self.spans[sender][1]) for sender, _number in concerned],
            dtype=np.intp,
        )
        keys = list(concerned)
        numbers = np.array([number for _sender, number in keys], dtype=np.intp)
        filled = np.cumsum(ends - begins) // PAIRS_AT_ONCE
        cuts = [0, *(np.flatnonzero(np.diff(filled)) + 1).tolist(), len(keys)]
        for first, last in pairwise(cuts):
            lengths = ends[first:last] - begins[first:last]
            codes = self._sights(begins[first:last], lengths, numbers[first:last]).tobytes()
            at = 0
            for (sender, number), begin, length in zip(
                keys[first:last], begins[first:last].tolist(), lengths.tolist(), strict=True
            ):
                visit = self.open_visits.get((sender, number))
                yield _Track(sender, number, begin, codes[at : at + length], visit)
                at += length

    def _concerned(self) -> dict[tuple[int, int], int]:
        """Return from which sighting on each device may be on a visit in each geofence."""
        begins = {(sender, number): self.spans[sender][0] for sender, number in self.open_visits}
        found = self.index.match(self.sightings.lon, self.sightings.lat)
        senders = self.sightings.devices[found.positions].tolist()
        for position, sender, number in zip(
            found.positions.tolist(), senders, found.geofences.tolist(), strict=True
        ):
            begins.setdefault((sender, number), position)
        return begins

    def _sights(self, begins: Indices, lengths: Indices, numbers: Indices) -> NDArray[np.uint8]:
        """Judge all readings of some tracks, one track behind the other."""
        geofences = np.repeat(numbers, lengths)
        offsets = np.repeat(np.cumsum(lengths) - lengths, lengths)
        positions = np.repeat(begins, lengths) + np.arange(len(geofences)) - offsets
        lon, lat = self.sightings.lon, self.sightings.lat
        return sights(
            self.index.distances_m(lon, lat, positions, geofences),
            self.sightings.accuracy_m[positions],
            self.index.sizes_m()[geofences],
            rules=self.rules,
            suspect=self.sightings.suspect[positions],
        )

    def follow(self, track: _Track) -> None:
        """Follow one device through one geofence."""
        first, all_times = self.spans[track.sender]
        times = all_times[track.begin - first :]
        device = self.devices[track.sender]
        if track.visit and _is_quiet(
            track, device.followed_until, self.last_seen[device.id], self.rules
        ):
            return
        watched = self.index.watched(track.number)
        size_m = float(self.index.sizes_m()[track.number])
        visit = _loaded(track.visit, device.followed_until) if track.visit else None
        before = visit.state if visit else None
        for at, state, changes in stages(
            before,
            track.sights,
            times,
            rules=self.rules,
            dwell_after=watched.dwell_after,
            first_sight=device.followed_until is None and track.begin == first,
        ):
            if visit is None:
                if state is None:
                    continue
                visit = Follow(
                    id=uuid4(),
                    device_id=device.id,
                    geofence_id=watched.id,
                    place_id=watched.place_id,
                    organisation_id=watched.organisation_id,
                    state=state,
                    stored=False,
                )
            visit.state = state
            ping = int(self.sightings.pings[track.begin + at])
            for change in changes:
                order = (track.sender, times[at], *_together(change.kind, size_m))
                self.told.append((order, _made(visit, change, ping)))
            if state is None or state.phase is Phase.ENDED:
                self.changed.append(visit)
                visit = None
        if visit is not None and not _is_same(before, visit.state):
            self.changed.append(visit)


def _is_quiet(
    track: _Track, followed_until: datetime | None, last: datetime, rules: PresenceRules
) -> bool:
    """Tell at a glance that a device inside is inside still, as nearly all are."""
    visit = track.visit
    if visit is None or visit.phase != Phase.INSIDE or FAR in track.sights:
        return False
    seen_at = max(visit.seen_at, followed_until or visit.seen_at)
    dwelled = visit.dwelled_at is not None or last < visit.entered_at + visit.dwell_after
    return dwelled and last - seen_at < rules.silence


def _is_same(before: VisitState | None, after: VisitState | None) -> bool:
    """Tell whether nothing has to be written down.

    When a device was last seen inside is what its own row says.
    """
    if before is None or after is None or after.phase is not Phase.INSIDE:
        return before == after
    return replace(before, seen_at=after.seen_at) == after


def _spans(sightings: Sightings) -> Spans:
    begins = [0, *(np.flatnonzero(np.diff(sightings.devices)) + 1).tolist()]
    times = sightings.at_us.tolist()
    return {
        int(sightings.devices[begin]): (begin, times[begin:end])
        for begin, end in pairwise([*begins, len(times)])
    }


_ORDER = (TransitionKind.DWELLED, TransitionKind.EXITED, TransitionKind.ENTERED)


def _together(kind: TransitionKind, size_m: float) -> tuple[int, float]:
    """Return what orders the transitions that one sighting told."""
    return _ORDER.index(kind), -size_m if kind is TransitionKind.ENTERED else size_m


def _made(visit: Follow, change: Change, ping: int | None = None) -> Made:
    initial = visit.state is not None and visit.state.initial
    return Made(id=uuid4(), visit=visit, change=change, initial=initial, ping=ping)


def _store(
    session: Session,
    visits: Sequence[Follow],
    made: Sequence[Made],
    *,
    rules: PresenceRules,
    at: datetime,
    last_seen: Mapping[UUID, datetime] | None = None,
) -> None:
    """Write down what became of visits.

    Where a phone reports late, a timer that would end its visit waits as long, so that it does
    not decide from half of what the phone has to tell.
    """
    kept = [(visit, visit.state) for visit in visits if visit.state is not None]
    seen = last_seen or {}
    rows = [
        (visit.stored, _row(visit, state, rules, at, seen.get(visit.device_id, at)))
        for visit, state in kept
    ]
    queries.delete_visits(
        session, [visit.id for visit in visits if visit.stored and visit.state is None]
    )
    # Ended visits are written before new ones, since only one may be open for a geofence.
    queries.update_visits(session, [row for stored, row in rows if stored])
    queries.insert_visits(session, [row for stored, row in rows if not stored])
    queries.insert_transitions(session, [_transition_row(one, at) for one in made])


def _row(
    visit: Follow, state: VisitState, rules: PresenceRules, at: datetime, last_seen: datetime
) -> VisitRow:
    lag = max(at - last_seen, timedelta(0))
    waits = lag if state.phase is Phase.AWAY else timedelta(0)
    return VisitRow(
        id=visit.id,
        device_id=visit.device_id,
        geofence_id=visit.geofence_id,
        place_id=visit.place_id,
        organisation_id=visit.organisation_id,
        phase=state.phase,
        phase_since=state.phase_since,
        entered_at=state.entered_at,
        seen_at=state.seen_at,
        dwell_after=state.dwell_after,
        dwelled_at=state.dwelled_at,
        exited_at=state.exited_at,
        exit_reason=state.exit_reason,
        confidence=state.confidence,
        initial=state.initial,
        told=state.told,
        due_at=next_due(state, after=at - waits, rules=rules) + waits,
    )


def _transition_row(made: Made, at: datetime) -> TransitionRow:
    return TransitionRow(
        id=made.id,
        visit_id=made.visit.id,
        device_id=made.visit.device_id,
        geofence_id=made.visit.geofence_id,
        place_id=made.visit.place_id,
        organisation_id=made.visit.organisation_id,
        kind=made.change.kind,
        reason=made.change.reason,
        confidence=made.change.confidence,
        initial=made.initial,
        occurred_at=made.change.at,
        detected_at=at,
    )


def _loaded(row: OpenVisit, followed_until: datetime | None) -> Follow:
    """Return a stored visit as it stands now.

    Of a device inside, only that it came is stored with the visit; each of its positions since
    has moved `followed_until`, and would have ended the phase had it been far.
    """
    inside = row.phase == Phase.INSIDE and followed_until is not None
    return Follow(
        id=row.id,
        device_id=row.device_id,
        geofence_id=row.geofence_id,
        place_id=row.place_id,
        organisation_id=row.organisation_id,
        stored=True,
        state=VisitState(
            phase=Phase(row.phase),
            phase_since=row.phase_since,
            entered_at=row.entered_at,
            seen_at=max(row.seen_at, followed_until) if inside and followed_until else row.seen_at,
            dwell_after=row.dwell_after,
            dwelled_at=row.dwelled_at,
            confidence=row.confidence,
            initial=row.initial,
            told=row.told,
        ),
    )
