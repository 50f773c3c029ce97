"""Visits followed by what phones themselves tell of their comings and goings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts.queries import HeldDevice
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.watched import Watched
from geoservices.settings.presence import PresenceSettings
from geoservices.visits import queries
from geoservices.visits.rules import rules_with
from geoservices.visits.service import store
from geoservices.visits.sights import PresenceRules
from geoservices.visits.stays import Follow, Made, loaded
from geoservices.visits.transitions import Change, Phase, TransitionKind, VisitState, tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A phone says that it has entered or exited a geofence; `at` is its clock."""

    kind: TransitionKind
    geofence_id: UUID
    at: datetime


def follow_told(
    session: Session,
    device: HeldDevice,
    tellings: Sequence[Telling],
    *,
    index: GeofenceIndex,
    presence: PresenceSettings,
    at: datetime,
) -> list[Made]:
    """Follow a device's visits by what its phone tells, store what came of it, and say so.

    A phone tells of a place a little later than of the positions it took meanwhile, so an enter
    may be older than the newest position by `confirm_enter_within`. Older ones, those of geofences
    that are not watched, and those of a stay that is over change nothing.

    Args:
        session: Its transaction holds the device's row.
        device: Whose phone it is.
        tellings: In any order.
        index: The geofences, current.
        presence: When a device has entered or left, where a geofence says nothing else.
        at: Now.
    """
    numbers = index.numbers_of([one.geofence_id for one in tellings]).tolist()
    watched = [(one, number) for one, number in zip(tellings, numbers, strict=True) if number >= 0]
    if not watched:
        return []
    last_seen = device.followed_until
    rules_of = [rules_with(presence, overrides) for overrides in index.overrides]
    rows = {row.geofence_id: row for row in queries.open_visits(session, [device.id])()}
    exits = queries.last_exits(session, device.id, {one.geofence_id for one, _number in watched})
    visits: dict[UUID, Follow] = {}
    before: dict[UUID, VisitState | None] = {}
    finished: list[Follow] = []
    made: list[Made] = []
    for one, number in sorted(watched, key=lambda entry: entry[0].at):
        rules = rules_of[int(index.overrides_number[number])]
        if row := rows.pop(one.geofence_id, None):
            visits[one.geofence_id] = loaded(row, last_seen, rules)
            before[one.geofence_id] = visits[one.geofence_id].state
        left_at = exits.get(one.geofence_id)
        is_over = left_at is not None and one.at <= left_at
        too_late = last_seen is not None and last_seen - one.at > rules.confirm_enter_within
        if one.geofence_id not in visits and (is_over or too_late):
            continue
        for visit, change in _tell_one(device, one, index.watched(number), rules, visits, finished):
            made.append(Made.of(visit, change))
            if change.kind is TransitionKind.EXITED:
                exits[one.geofence_id] = change.at
    changed = [visit for key, visit in visits.items() if visit.state != before.get(key)]
    store(session, [*finished, *changed], made, at=at, last_seen={})
    return made


def _tell_one(
    device: HeldDevice,
    told: Telling,
    watched: Watched,
    rules: PresenceRules,
    visits: dict[UUID, Follow],
    finished: list[Follow],
) -> list[tuple[Follow, Change]]:
    found: list[tuple[Follow, Change]] = []
    while True:
        visit = visits.get(told.geofence_id)
        state, changes = tell(
            visit.state if visit else None,
            told.kind,
            told.at,
            rules=rules,
            dwell_after=watched.dwell_after,
            first_sight=device.followed_until is None,
        )
        if visit is None:
            if state is None:
                return found
            visit = Follow.begun(device.id, watched, rules, state)
            visits[watched.id] = visit
        visit.state = state
        found += [(visit, change) for change in changes]
        if state is not None and state.phase is not Phase.ENDED:
            return found
        finished.append(visits.pop(watched.id))
        if state is None or told.kind is TransitionKind.EXITED:
            return found
