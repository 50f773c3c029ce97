"""Visits followed: by positions as they come, and by the passing of time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy.orm import Session

from geoservices.geofences.index import GeofenceIndex, Indices, Matches
from geoservices.geometry.position import Position
from geoservices.visits import queries
from geoservices.visits.models import Visit
from geoservices.visits.transitions import (
    Change,
    Phase,
    PresenceRules,
    Reading,
    Reason,
    TransitionKind,
    VisitState,
    advance,
    elapse,
    next_due,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A device at a position; `first` if nothing was known of the device before."""

    device_id: UUID
    at: datetime
    position: Position
    first: bool


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
    """A transition just made, with the visit it belongs to."""

    id: UUID
    visit: Follow
    change: Change
    initial: bool


def follow(
    session: Session,
    sightings: Sequence[Sighting],
    *,
    index: GeofenceIndex,
    rules: PresenceRules,
    assumed_accuracy_m: float,
    at: datetime,
) -> list[Made]:
    """Follow every visit the sightings bear on, store what came of it, and say what happened.

    Args:
        session: Its transaction holds the devices' rows.
        sightings: In order of time for each device, each newer than any followed before.
        index: The geofences, current.
        rules: When a device has entered or left.
        assumed_accuracy_m: Taken for positions that name no accuracy, in metres.
        at: Now.

    Returns:
        The transitions in the order in which they were found; of those that one sighting told,
        dwelling comes first, then exits, inner before outer, and then enters, outer before inner.
    """
    if not sightings:
        return []
    open_visits = _open_visits(session, {sighting.device_id for sighting in sightings})
    finished: list[Follow] = []
    made: list[Made] = []
    for sighting, readings in zip(
        sightings,
        _readings(sightings, open_visits, index, assumed_accuracy_m),
        strict=True,
    ):
        step: list[tuple[float, Made]] = []
        for number, reading in readings:
            for visit, change in _advance_one(
                sighting, number, reading, index, rules, open_visits, finished
            ):
                initial = visit.state is not None and visit.state.initial
                made_now = Made(id=uuid4(), visit=visit, change=change, initial=initial)
                step.append((reading.size_m, made_now))
        made += [one for _size_m, one in sorted(step, key=_together)]
    _store(session, [*finished, *open_visits.values()], made, rules=rules, at=at)
    return made


def follow_time(
    session: Session, *, rules: PresenceRules, at: datetime, limit: int
) -> tuple[list[Made], int]:
    """Follow visits whose timers have run out: dwelling, exits confirmed by time, silence.

    Any number of workers may do this at once; each visit is looked at by one.

    Returns:
        The transitions, and how many visits were looked at.
    """
    due = [_loaded(visit) for visit in queries.lock_due(session, at=at, limit=limit)]
    made: list[Made] = []
    for visit in due:
        if visit.state is None:
            continue
        visit.state, changes = elapse(visit.state, at, rules=rules)
        initial = visit.state is not None and visit.state.initial
        made += [Made(id=uuid4(), visit=visit, change=one, initial=initial) for one in changes]
    _store(session, due, made, rules=rules, at=at)
    return made, len(due)


Open = dict[tuple[UUID, UUID], Follow]


def _open_visits(session: Session, device_ids: Iterable[UUID]) -> Open:
    visits = [_loaded(visit) for visit in queries.lock_open(session, device_ids)]
    return {(visit.device_id, visit.geofence_id): visit for visit in visits}


def _readings(
    sightings: Sequence[Sighting],
    open_visits: Open,
    index: GeofenceIndex,
    assumed_accuracy_m: float,
) -> list[list[tuple[int, Reading]]]:
    """Measure each sighting against every geofence its device has to do with in this batch."""
    lon = np.array([sighting.position.lon for sighting in sightings])
    lat = np.array([sighting.position.lat for sighting in sightings])
    positions, geofences = _pairs(sightings, open_visits, index, index.match(lon, lat))
    distances = index.distances_m(lon, lat, positions, geofences)
    sizes_m = index.sizes_m()
    readings: list[list[tuple[int, Reading]]] = [[] for _ in sightings]
    for at, number, distance_m in zip(
        positions.tolist(), geofences.tolist(), distances.tolist(), strict=True
    ):
        sighting = sightings[at]
        reading = Reading(
            at=sighting.at,
            distance_m=distance_m,
            accuracy_m=sighting.position.accuracy_m or assumed_accuracy_m,
            size_m=float(sizes_m[number]),
        )
        readings[at].append((number, reading))
    return readings


def _pairs(
    sightings: Sequence[Sighting], open_visits: Open, index: GeofenceIndex, matches: Matches
) -> tuple[Indices, Indices]:
    concerned: dict[UUID, set[int]] = defaultdict(set)
    for device_id, geofence_id in open_visits:
        # A geofence that is no longer watched is measured no more; silence ends its visits.
        number = index.number_of.get(geofence_id)
        if number is not None:
            concerned[device_id].add(number)
    for at, number in zip(matches.positions.tolist(), matches.geofences.tolist(), strict=True):
        concerned[sightings[at].device_id].add(number)
    pairs = [
        (at, number)
        for at, sighting in enumerate(sightings)
        for number in concerned.get(sighting.device_id, ())
    ]
    columns = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


def _advance_one(
    sighting: Sighting,
    number: int,
    reading: Reading,
    index: GeofenceIndex,
    rules: PresenceRules,
    open_visits: Open,
    finished: list[Follow],
) -> list[tuple[Follow, Change]]:
    watched = index.watched[number]
    key = (sighting.device_id, watched.id)
    told: list[tuple[Follow, Change]] = []
    while True:
        visit = open_visits.get(key)
        state, changes = advance(
            visit.state if visit else None,
            reading,
            rules=rules,
            dwell_after=watched.dwell_after,
            first_sight=sighting.first,
        )
        if visit is None:
            if state is None:
                return told
            visit = Follow(
                id=uuid4(),
                device_id=sighting.device_id,
                geofence_id=watched.id,
                place_id=watched.place_id,
                organisation_id=watched.organisation_id,
                state=state,
                stored=False,
            )
            open_visits[key] = visit
        visit.state = state
        told += [(visit, change) for change in changes]
        if state is not None and state.phase is not Phase.ENDED:
            return told
        finished.append(open_visits.pop(key))
        if state is None:
            return told


_ORDER = (TransitionKind.DWELLED, TransitionKind.EXITED, TransitionKind.ENTERED)


def _together(entry: tuple[float, Made]) -> tuple[int, float]:
    size_m, made = entry
    enters = made.change.kind is TransitionKind.ENTERED
    return _ORDER.index(made.change.kind), -size_m if enters else size_m


def _store(
    session: Session,
    visits: Sequence[Follow],
    made: Sequence[Made],
    *,
    rules: PresenceRules,
    at: datetime,
) -> None:
    kept = [(visit, visit.state) for visit in visits if visit.state is not None]
    rows = [(visit.stored, _row(visit, state, rules, at)) for visit, state in kept]
    queries.delete_visits(
        session, [visit.id for visit in visits if visit.stored and visit.state is None]
    )
    # Ended visits are written before new ones, since only one may be open for a geofence.
    queries.update_visits(session, [row for stored, row in rows if stored])
    queries.insert_visits(session, [row for stored, row in rows if not stored])
    queries.insert_transitions(session, [_transition_row(one, at) for one in made])


def _row(visit: Follow, state: VisitState, rules: PresenceRules, at: datetime) -> dict[str, object]:
    return {
        "id": visit.id,
        "device_id": visit.device_id,
        "geofence_id": visit.geofence_id,
        "place_id": visit.place_id,
        "organisation_id": visit.organisation_id,
        "phase": state.phase,
        "phase_since": state.phase_since,
        "entered_at": state.entered_at,
        "seen_at": state.seen_at,
        "dwell_after": state.dwell_after,
        "dwelled_at": state.dwelled_at,
        "exited_at": state.exited_at,
        "exit_reason": state.exit_reason,
        "confidence": state.confidence,
        "initial": state.initial,
        "due_at": next_due(state, after=at, rules=rules),
    }


def _transition_row(made: Made, at: datetime) -> dict[str, object]:
    return {
        "id": made.id,
        "visit_id": made.visit.id,
        "device_id": made.visit.device_id,
        "geofence_id": made.visit.geofence_id,
        "place_id": made.visit.place_id,
        "organisation_id": made.visit.organisation_id,
        "kind": made.change.kind,
        "reason": made.change.reason,
        "confidence": made.change.confidence,
        "initial": made.initial,
        "occurred_at": made.change.at,
        "detected_at": at,
    }


def _loaded(visit: Visit) -> Follow:
    return Follow(
        id=visit.id,
        device_id=visit.device_id,
        geofence_id=visit.geofence_id,
        place_id=visit.place_id,
        organisation_id=visit.organisation_id,
        stored=True,
        state=VisitState(
            phase=Phase(visit.phase),
            phase_since=visit.phase_since,
            entered_at=visit.entered_at,
            seen_at=visit.seen_at,
            dwell_after=visit.dwell_after,
            dwelled_at=visit.dwelled_at,
            exited_at=visit.exited_at,
            exit_reason=Reason(visit.exit_reason) if visit.exit_reason else None,
            confidence=visit.confidence,
            initial=visit.initial,
        ),
    )
