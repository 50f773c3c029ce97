"""Visits followed: by positions as they come, and by the passing of time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.accounts.queries import HeldDevice
from geoservices.errors import NotFound
from geoservices.geofences.index import GeofenceIndex
from geoservices.pings.sightings import Sightings
from geoservices.settings.presence import PresenceSettings
from geoservices.visits import queries
from geoservices.visits.following import Walk
from geoservices.visits.queries import TransitionRow, VisitRow
from geoservices.visits.rules import rules_with
from geoservices.visits.stays import Follow, Made, loaded, stored_seen_at
from geoservices.visits.transitions import Phase, VisitState, elapse, let_go, next_due
from geoservices.visits.transitions import call_off as call_off_one


def follow(
    session: Session,
    devices: Sequence[HeldDevice],
    sightings: Sightings,
    open_visits: Sequence[VisitRow],
    *,
    index: GeofenceIndex,
    presence: PresenceSettings,
    at: datetime,
) -> list[Made]:
    """Follow every visit the sightings bear on, store what came of it, and say what happened.

    Args:
        session: Its transaction holds the devices' rows.
        devices: Whose sightings they are.
        sightings: Each newer than any of its device's followed before.
        open_visits: Those of the devices, read since their rows are held.
        index: The geofences, current.
        presence: When a device has entered or left, where a geofence says nothing else.
        at: Now.

    Returns:
        The transitions of each device in the order in which they were found; of those that one
        sighting told, dwelling comes first, then exits, inner before outer, then crossings and
        then enters, outer before inner.
    """
    if len(sightings.at_us) == 0:
        return []
    walk = Walk(devices, sightings, open_visits, index=index, presence=presence)
    walk.follow()
    told = walk.told()
    store(session, walk.changed, told, at=at, last_seen=walk.last_seen)
    return told


def follow_time(
    session: Session, *, presence: PresenceSettings, at: datetime, limit: int
) -> tuple[list[Made], int]:
    """Follow visits whose timers have run out: dwelling, exits confirmed by time, silence.

    Any number of workers may do this at once; each device is looked at by one. A visit whose
    geofence is watched no more does not dwell: it ends when a timer first looks at it.

    Returns:
        The transitions, and how many timers had run out: `limit` where there may be more.
    """
    looked_at: list[Follow] = []
    made: list[Made] = []
    followed: dict[UUID, datetime] = {}
    waiting, count = queries.hold_due(session, at=at, limit=limit)
    for due in waiting:
        visit = loaded(due.visit, due.followed_until, rules_with(presence, due.overrides))
        looked_at.append(visit)
        if due.followed_until is not None:
            followed[visit.device_id] = due.followed_until
        if visit.state is None:
            continue
        look = elapse if due.watched else let_go
        visit.state, changes = look(visit.state, at, rules=visit.rules)
        made += [Made.of(visit, change) for change in changes]
    store(session, looked_at, made, at=at, last_seen=followed, waited=True)
    return made, count


def call_off(
    session: Session,
    devices: Sequence[HeldDevice],
    *,
    presence: PresenceSettings,
    at: datetime,
) -> None:
    """End every open visit of devices that are located no more, since work has ended.

    Args:
        session: Its transaction holds the devices' rows.
        devices: Those.
        presence: When a device has entered or left.
        at: Now.
    """
    until = {device.id: device.followed_until for device in devices}
    looked_at: list[Follow] = []
    made: list[Made] = []
    for row in queries.open_visits(session, list(until))():
        visit = loaded(row, until[row.device_id], rules_with(presence))
        if visit.state is not None:
            visit.state, changes = call_off_one(visit.state)
            made += [Made.of(visit, change) for change in changes]
        looked_at.append(visit)
    store(session, looked_at, made, at=at, last_seen={}, waited=True)


def take_back(session: Session, visit_id: UUID, *, person_id: UUID) -> None:
    """Delete a visit that its person says never was, with its transitions.

    It is not counted any more; a day that was counted stays as it is. So does what it had already
    brought about: a decision then names no occasion. Who is there all the same begins another
    visit.

    Raises:
        NotFound: There is none, or it is someone else's.
    """
    accounts.lock_devices(session, accounts.device_ids_of(session, person_id))
    if not queries.delete_visit_of(session, visit_id, person_id=person_id):
        raise NotFound("visit")


def store(
    session: Session,
    visits: Sequence[Follow],
    made: Sequence[Made],
    *,
    at: datetime,
    last_seen: Mapping[UUID, datetime],
    waited: bool = False,
) -> None:
    """Write down what became of visits.

    Args:
        session: Its transaction holds the devices' rows.
        visits: Those that have changed.
        made: The transitions.
        at: Now.
        last_seen: Up to when each device was followed.
        waited: Whether nothing has come but time. Else where a phone reports late, a timer that
            would end its visit waits as long, so that it does not decide from half of what the
            phone has to tell.
    """
    kept = [(visit, visit.state) for visit in visits if visit.state is not None]
    rows = [
        (visit.stored, _row(visit, state, at, last_seen.get(visit.device_id), waited=waited))
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
    visit: Follow, state: VisitState, at: datetime, last_seen: datetime | None, *, waited: bool
) -> VisitRow:
    lag = timedelta(0)
    if state.phase is Phase.AWAY and last_seen is not None and not waited:
        lag = max(at - last_seen, lag)
    return VisitRow(
        id=visit.id,
        device_id=visit.device_id,
        geofence_id=visit.geofence_id,
        place_id=visit.place_id,
        organisation_id=visit.organisation_id,
        phase=state.phase,
        phase_since=state.phase_since,
        entered_at=state.entered_at,
        seen_at=stored_seen_at(state, last_seen),
        dwell_after=state.dwell_after,
        dwelled_at=state.dwelled_at,
        exited_at=state.exited_at,
        exit_reason=state.exit_reason,
        confidence=state.confidence,
        initial=state.initial,
        told=state.told,
        due_at=next_due(state, after=at - lag, rules=visit.rules) + lag,
    )


def _transition_row(made: Made, at: datetime) -> TransitionRow:
    return TransitionRow(
        id=made.id,
        visit_id=made.visit_id,
        device_id=made.device_id,
        geofence_id=made.geofence_id,
        place_id=made.place_id,
        organisation_id=made.organisation_id,
        kind=made.change.kind,
        reason=made.change.reason,
        confidence=made.change.confidence,
        initial=made.initial,
        occurred_at=made.change.at,
        detected_at=at,
    )
