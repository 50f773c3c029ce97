"""Visits followed: by positions as they come, and by the passing of time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy.orm import Session

from geoservices.geofences.index import GeofenceIndex, Matches
from geoservices.geometry.position import Position
from geoservices.visits import queries
from geoservices.visits.models import Visit
from geoservices.visits.sights import PresenceRules, Sight, far_from_m, sights
from geoservices.visits.transitions import (
    Change,
    Phase,
    Reason,
    TransitionKind,
    VisitState,
    advance,
    elapse,
    let_go,
    next_due,
    stays_away,
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
    """A visit while it is being followed; `state` None is an arrival that came to nothing.

    `number` is its geofence's in the index, None where it is not, or no more, looked up there.
    """

    id: UUID
    device_id: UUID
    geofence_id: UUID
    place_id: UUID
    organisation_id: UUID
    state: VisitState | None
    stored: bool
    number: int | None = None


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
    open_visits = _open_visits(session, {sighting.device_id for sighting in sightings}, index)
    finished: list[Follow] = []
    made: list[Made] = []
    sizes_m = index.sizes_m()
    seen = _sights(sightings, open_visits, index, rules, assumed_accuracy_m)
    for sighting, near in zip(sightings, seen, strict=True):
        far = _far(sighting, open_visits[sighting.device_id], near, rules)
        found = sorted((near | far).items()) if far else near.items()
        step: list[tuple[float, Made]] = []
        for number, sight in found:
            for visit, change in _advance_one(
                sighting, number, sight, index, rules, open_visits, finished
            ):
                initial = visit.state is not None and visit.state.initial
                made_now = Made(id=uuid4(), visit=visit, change=change, initial=initial)
                step.append((float(sizes_m[number]), made_now))
        made += [one for _size_m, one in sorted(step, key=_together)]
    still_open = [visit for visits in open_visits.values() for visit in visits.values()]
    newest = {sighting.device_id: sighting.at for sighting in sightings}
    lags = {device_id: max(at - seen_at, timedelta(0)) for device_id, seen_at in newest.items()}
    store(session, [*finished, *still_open], made, rules=rules, at=at, lags=lags)
    return made


def follow_time(
    session: Session, *, rules: PresenceRules, at: datetime, limit: int
) -> tuple[list[Made], int]:
    """Follow visits whose timers have run out: dwelling, exits confirmed by time, silence.

    Any number of workers may do this at once; each visit is looked at by one. A visit whose
    geofence is watched no more does not dwell: it ends when a timer first looks at it.

    Returns:
        The transitions, and how many visits were looked at.
    """
    due: list[Follow] = []
    made: list[Made] = []
    for row, watched in queries.lock_due(session, at=at, limit=limit):
        visit = loaded(row)
        due.append(visit)
        if visit.state is None:
            continue
        look = elapse if watched else let_go
        visit.state, changes = look(visit.state, at, rules=rules)
        initial = visit.state is not None and visit.state.initial
        made += [Made(id=uuid4(), visit=visit, change=one, initial=initial) for one in changes]
    store(session, due, made, rules=rules, at=at)
    return made, len(due)


Open = dict[UUID, dict[UUID, Follow]]
"""Each device's open visits by geofence."""


def _open_visits(session: Session, device_ids: Iterable[UUID], index: GeofenceIndex) -> Open:
    found: Open = {device_id: {} for device_id in device_ids}
    for row in queries.lock_open(session, device_ids):
        visit = loaded(row)
        # A geofence that is no longer watched is measured no more; a timer ends its visits.
        visit.number = index.number_of.get(visit.geofence_id)
        found[visit.device_id][visit.geofence_id] = visit
    return found


def _sights(
    sightings: Sequence[Sighting],
    open_visits: Open,
    index: GeofenceIndex,
    rules: PresenceRules,
    assumed_accuracy_m: float,
) -> Iterator[dict[int, Sight]]:
    """Judge each sighting against the geofences near it that its device has to do with.

    Of every other geofence the sighting is far outside.
    """
    lon = np.array([sighting.position.lon for sighting in sightings])
    lat = np.array([sighting.position.lat for sighting in sightings])
    accuracy_m = np.array(
        [sighting.position.accuracy_m or assumed_accuracy_m for sighting in sightings]
    )
    begins = _begins(sightings, open_visits, index.match(lon, lat))
    concerned = np.array(sorted(set().union(*begins.values())), dtype=np.intp)
    if len(concerned) == 0:
        yield from ({} for _ in sightings)
        return
    sizes_m = index.sizes_m()
    reach_m = far_from_m(np.array(accuracy_m.max()), sizes_m[concerned], rules=rules)
    positions, geofences = index.near(lon, lat, concerned, reach_m)
    # A visit cannot be open before the first position within its geofence.
    never = len(sightings)
    of_sighting = [begins[sighting.device_id] for sighting in sightings]
    wanted = [
        of_sighting[at].get(number, never) <= at
        for at, number in zip(positions.tolist(), geofences.tolist(), strict=True)
    ]
    positions, geofences = positions[wanted], geofences[wanted]
    distances_m = index.distances_m(lon, lat, positions, geofences)
    codes = sights(distances_m, accuracy_m[positions], sizes_m[geofences], rules=rules).tolist()
    ends = np.searchsorted(positions, np.arange(len(sightings) + 1)).tolist()
    numbers = geofences.tolist()
    for begin, end in pairwise(ends):
        yield {numbers[pair]: Sight(codes[pair]) for pair in range(begin, end)}


def _begins(
    sightings: Sequence[Sighting], open_visits: Open, matches: Matches
) -> dict[UUID, dict[int, int]]:
    """Return from which sighting on each device may be on a visit in each geofence."""
    begins: dict[UUID, dict[int, int]] = {
        device_id: {visit.number: 0 for visit in visits.values() if visit.number is not None}
        for device_id, visits in open_visits.items()
    }
    for at, number in zip(matches.positions.tolist(), matches.geofences.tolist(), strict=True):
        of_device = begins[sightings[at].device_id]
        of_device[number] = min(at, of_device.get(number, at))
    return begins


def _far(
    sighting: Sighting,
    visits: Mapping[UUID, Follow],
    near: Mapping[int, Sight],
    rules: PresenceRules,
) -> dict[int, Sight]:
    """Read the sighting for the open visits that it is far from, where that changes anything."""
    found: dict[int, Sight] = {}
    for visit in visits.values():
        number = visit.number
        if number is None or number in near or visit.state is None:
            continue
        if not stays_away(visit.state, sighting.at, rules=rules):
            # How far is not measured: beyond the limit of what is far, all distances are alike.
            found[number] = Sight.FAR
    return found


def _advance_one(
    sighting: Sighting,
    number: int,
    sight: Sight,
    index: GeofenceIndex,
    rules: PresenceRules,
    open_visits: Open,
    finished: list[Follow],
) -> list[tuple[Follow, Change]]:
    watched = index.watched[number]
    visits = open_visits[sighting.device_id]
    told: list[tuple[Follow, Change]] = []
    while True:
        visit = visits.get(watched.id)
        state, changes = advance(
            visit.state if visit else None,
            sight,
            sighting.at,
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
                number=number,
            )
            visits[watched.id] = visit
        visit.state = state
        told += [(visit, change) for change in changes]
        if state is not None and state.phase is not Phase.ENDED:
            return told
        finished.append(visits.pop(watched.id))
        if state is None:
            return told


_ORDER = (TransitionKind.DWELLED, TransitionKind.EXITED, TransitionKind.ENTERED)


def _together(entry: tuple[float, Made]) -> tuple[int, float]:
    size_m, made = entry
    enters = made.change.kind is TransitionKind.ENTERED
    return _ORDER.index(made.change.kind), -size_m if enters else size_m


def store(
    session: Session,
    visits: Sequence[Follow],
    made: Sequence[Made],
    *,
    rules: PresenceRules,
    at: datetime,
    lags: Mapping[UUID, timedelta] | None = None,
) -> None:
    """Write down what became of visits.

    Where a phone reports late, a timer that would end its visit waits as long, so that it does
    not decide from half of what the phone has to tell.
    """
    kept = [(visit, visit.state) for visit in visits if visit.state is not None]
    late = lags or {}
    rows = [
        (visit.stored, _row(visit, state, rules, at, late.get(visit.device_id, timedelta(0))))
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
    visit: Follow, state: VisitState, rules: PresenceRules, at: datetime, lag: timedelta
) -> dict[str, object]:
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
        "told": state.told,
        "due_at": next_due(state, after=at - lag, rules=rules) + lag
        if state.phase is Phase.AWAY
        else next_due(state, after=at, rules=rules),
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


def loaded(visit: Visit) -> Follow:
    """Return a stored visit, ready to be followed."""
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
            told=visit.told,
        ),
    )
