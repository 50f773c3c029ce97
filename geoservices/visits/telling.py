"""Visits followed by what phones themselves tell of their comings and goings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.geofences.index import GeofenceIndex
from geoservices.visits import queries
from geoservices.visits.service import Follow, Made, loaded, store
from geoservices.visits.sights import PresenceRules
from geoservices.visits.transitions import Change, Phase, TransitionKind, tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A phone says that it has entered or exited a geofence; `at` is its clock."""

    kind: TransitionKind
    geofence_id: UUID
    at: datetime


def follow_told(
    session: Session,
    device_id: UUID,
    tellings: Sequence[Telling],
    *,
    index: GeofenceIndex,
    rules: PresenceRules,
    last_seen: datetime | None,
    at: datetime,
) -> list[Made]:
    """Follow a device's visits by what its phone tells, store what came of it, and say so.

    A phone tells of a place a little later than of the positions it took meanwhile, so an enter
    may be older than the newest position by `confirm_enter_within`. Older ones, those of geofences
    that are not watched, and those of a stay that is over change nothing.

    Args:
        session: Its transaction holds the device's row.
        device_id: Whose phone it is.
        tellings: In any order.
        index: The geofences, current.
        rules: When a device has entered or left.
        last_seen: Up to when the device was followed before; None if it never was.
        at: Now.
    """
    watched = [one for one in tellings if one.geofence_id in index.number_of]
    if not watched:
        return []
    geofence_ids = {one.geofence_id for one in watched}
    visits = {row.geofence_id: loaded(row) for row in queries.lock_open(session, [device_id])}
    before = {geofence_id: visit.state for geofence_id, visit in visits.items()}
    exits = queries.last_exits(session, device_id, geofence_ids)
    finished: list[Follow] = []
    made: list[Made] = []
    for one in sorted(watched, key=lambda one: one.at):
        left_at = exits.get(one.geofence_id)
        is_over = left_at is not None and one.at <= left_at
        too_late = last_seen is not None and last_seen - one.at > rules.confirm_enter_within
        if one.geofence_id not in visits and (is_over or too_late):
            continue
        for visit, change in _tell_one(device_id, one, index, rules, visits, finished, last_seen):
            initial = visit.state is not None and visit.state.initial
            made.append(Made(id=uuid4(), visit=visit, change=change, initial=initial))
            if change.kind is TransitionKind.EXITED:
                exits[one.geofence_id] = change.at
    changed = [visit for key, visit in visits.items() if visit.state != before.get(key)]
    store(session, [*finished, *changed], made, rules=rules, at=at)
    return made


def _tell_one(
    device_id: UUID,
    told: Telling,
    index: GeofenceIndex,
    rules: PresenceRules,
    visits: dict[UUID, Follow],
    finished: list[Follow],
    last_seen: datetime | None,
) -> list[tuple[Follow, Change]]:
    watched = index.watched[index.number_of[told.geofence_id]]
    found: list[tuple[Follow, Change]] = []
    while True:
        visit = visits.get(told.geofence_id)
        state, changes = tell(
            visit.state if visit else None,
            told.kind,
            told.at,
            rules=rules,
            dwell_after=watched.dwell_after,
            first_sight=last_seen is None,
        )
        if visit is None:
            if state is None:
                return found
            visit = Follow(
                id=uuid4(),
                device_id=device_id,
                geofence_id=watched.id,
                place_id=watched.place_id,
                organisation_id=watched.organisation_id,
                state=state,
                stored=False,
            )
            visits[watched.id] = visit
        visit.state = state
        found += [(visit, change) for change in changes]
        if state is not None and state.phase is not Phase.ENDED:
            return found
        finished.append(visits.pop(watched.id))
        if state is None or told.kind is TransitionKind.EXITED:
            return found
