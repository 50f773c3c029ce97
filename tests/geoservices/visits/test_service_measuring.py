"""Only what may matter is measured, and leaving out the rest changes nothing."""

import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.live import LiveGeofences
from geoservices.geometry.position import Position, Positions
from geoservices.visits.crossings import CrossingRules, crossed, may_have_crossed
from geoservices.visits.following import ORDER
from geoservices.visits.models import Visit
from geoservices.visits.rules import rules_with
from geoservices.visits.sights import Sight, sights
from geoservices.visits.transitions import (
    Change,
    Phase,
    TransitionKind,
    VisitState,
    advance,
)
from tests.factories import (
    EXETER,
    NOON,
    make_device,
    make_geofence,
    make_organisation,
    make_person,
    make_place,
)
from tests.following import ASSUMED_ACCURACY_M, PRESENCE, Sighting, follow_sightings

RULES = rules_with(PRESENCE)
CROSSING_RULES = CrossingRules(
    crossing_within=PRESENCE.crossing_within,
    crossing_accuracy_limit_m=PRESENCE.crossing_accuracy_limit_m,
)
MEGABYTE = 2**20

Told = tuple[UUID, UUID, Change]


class BruteForce:
    """Every sighting measured against every geofence, without a thought or a table."""

    def __init__(self, index: GeofenceIndex) -> None:
        self.index = index
        self.visits: dict[tuple[UUID, int], VisitState] = {}
        self.last: dict[UUID, Sighting] = {}
        self.heard_at: dict[UUID, datetime] = {}

    def follow(self, sightings: list[Sighting]) -> list[Told]:
        """Return what happened, in the order in which `follow` tells it."""
        return [told for sighting in sightings for told in self._follow_one(sighting)]

    def _follow_one(self, sighting: Sighting) -> list[Told]:
        count = len(self.index.sizes_m())
        distances = self.index.distances_m(
            np.array([sighting.position.lon]),
            np.array([sighting.position.lat]),
            np.zeros(count, dtype=np.intp),
            np.arange(count, dtype=np.intp),
        )
        accuracy_m = np.full(count, sighting.position.accuracy_m or ASSUMED_ACCURACY_M)
        sizes_m = self.index.sizes_m()
        step = list(self._crossed(sighting))
        for number, code in enumerate(sights(distances, accuracy_m, sizes_m, rules=RULES)):
            geofence_id = self.index.watched(number).id
            step += [
                (float(sizes_m[number]), (sighting.device_id, geofence_id, change))
                for change in self._advance(sighting, number, Sight(code))
            ]
        self.heard_at[sighting.device_id] = sighting.at
        return [told for _size_m, told in sorted(step, key=_together)]

    def _crossed(self, sighting: Sighting) -> Iterator[tuple[float, Told]]:
        before = self.last.get(sighting.device_id)
        self.last[sighting.device_id] = sighting
        ends = [fix_of(one) for one in (before, sighting) if one is not None]
        if before is None or (before.position.accuracy_m or 100) < PRESENCE.credible_accuracy_m:
            return
        if not may_have_crossed(*ends, rules=CROSSING_RULES).all():
            return
        (_at, *start, _), (_to, *end, _) = ends
        for number in self.index.crossed(*start, *end).geofences.tolist():
            there = [
                self.index.distances_m(lon, lat, np.array([0]), np.array([number]))
                for lon, lat in (start, end)
            ]
            if min(there) > 0 and (sighting.device_id, number) not in self.visits:
                told = (
                    sighting.device_id,
                    self.index.watched(number).id,
                    crossed(before.at, sighting.at),
                )
                yield float(self.index.sizes_m()[number]), told

    def _advance(self, sighting: Sighting, number: int, sight: Sight) -> list[Change]:
        key = (sighting.device_id, number)
        told: list[Change] = []
        while True:
            before = self.visits.pop(key, None)
            state, changes = advance(
                before,
                sight,
                sighting.at,
                rules=RULES,
                dwell_after=self.index.watched(number).dwell_after,
                before=self.heard_at.get(sighting.device_id),
            )
            told += changes
            if state is None:
                return told
            if state.phase is not Phase.ENDED:
                self.visits[key] = state
                return told


def _together(entry: tuple[float, Told]) -> tuple[int, float]:
    size_m, (_device_id, _geofence_id, change) = entry
    enters = change.kind is TransitionKind.ENTERED
    return ORDER.index(change.kind), -size_m if enters else size_m


def fix_of(sighting: Sighting) -> Positions:
    """One sighting as columns."""
    position = sighting.position
    accuracy_m = position.accuracy_m or ASSUMED_ACCURACY_M
    columns = (sighting.at.timestamp(), position.lon, position.lat, accuracy_m)
    return Positions(*(np.array([value]) for value in columns))


def walk(random: np.random.Generator, device_id: UUID, count: int) -> list[Sighting]:
    """A device that strolls, stands, leaps and falls silent, with good and bad accuracies."""
    at, east, north = NOON, 0.0, 0.0
    sightings: list[Sighting] = []
    for number in range(count):
        at += timedelta(seconds=float(random.choice([1, 5, 20, 45, 80, 170, 1900], p=GAPS)))
        reach = random.choice([0.0, 0.0001, 0.0006, 0.004])
        east, north = (float(random.normal(0.9 * was, reach)) for was in (east, north))
        accuracy_m = float(random.choice([0.0, 2.0, 8.0, 30.0, 120.0, 900.0]))
        position = Position(
            lon=EXETER[0] + east, lat=EXETER[1] + north, accuracy_m=accuracy_m or None
        )
        sightings.append(Sighting(device_id=device_id, at=at, position=position, first=number == 0))
    return sightings


GAPS = [0.2, 0.2, 0.2, 0.2, 0.1, 0.08, 0.02]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_left_out_changes_nothing(session: Session, seed: int) -> None:
    """Random walks over geofences that overlap, in batches, come to what all pairs come to."""
    random = np.random.default_rng(seed)
    place = make_place(session, make_organisation(session))
    for _ in range(15):
        east, north = random.normal(0, 0.003, 2).tolist()
        make_geofence(
            session,
            place,
            at=(EXETER[0] + east, EXETER[1] + north),
            half_deg=float(random.choice([0.0001, 0.0005, 0.002, 0.03]) * random.uniform(0.8, 1.2)),
            margin_m=float(random.choice([0.0, 25.0])),
            dwell_after=timedelta(minutes=float(random.choice([1, 5]))),
        )
    index = LiveGeofences().current(session)
    brute_force = BruteForce(index)
    walks = [
        walk(random, make_device(session, make_person(session))[0].id, 120) for _device in range(2)
    ]
    sightings = sorted((one for each in walks for one in each), key=lambda one: one.at)
    cuts = np.sort(random.integers(0, len(sightings), 5)).tolist()

    told: list[Told] = []
    for begin, end in zip([0, *cuts], [*cuts, len(sightings)], strict=True):
        batch = sightings[begin:end]
        made = follow_sightings(session, batch, index=index, at=sightings[-1].at)
        told += [(one.device_id, one.geofence_id, one.change) for one in made]

    expected = brute_force.follow(sightings)
    for device_id in {one.device_id for one in sightings}:
        assert _of(told, device_id) == _of(expected, device_id)
    assert len(told) > 20
    last_seen = {one.device_id: one.at for one in sightings}
    open_visits = session.scalars(select(Visit).where(Visit.exited_at.is_(None))).all()
    assert {
        (visit.device_id, index.number_of(visit.geofence_id)): (
            visit.phase,
            visit.phase_since,
            visit.entered_at,
            visit.seen_at or last_seen[visit.device_id],
            visit.dwelled_at,
        )
        for visit in open_visits
    } == {
        key: (state.phase, state.phase_since, state.entered_at, state.seen_at, state.dwelled_at)
        for key, state in brute_force.visits.items()
    }


def test_a_thousand_positions_in_a_thousand_geofences_take_little_memory(
    session: Session,
) -> None:
    """Each in a geofence of its own, soon after another or not: measured in parts."""
    place = make_place(session, make_organisation(session))
    spots = [(EXETER[0] + 0.004 * (n % 40), EXETER[1] + 0.004 * (n // 40)) for n in range(1000)]
    for spot in spots:
        make_geofence(session, place, at=spot)
    index = LiveGeofences().current(session)

    for seconds in (0.001, 1.0, 60.0):
        device_id = make_device(session, make_person(session))[0].id
        sightings = [
            Sighting(
                device_id=device_id,
                at=NOON + timedelta(seconds=seconds * number),
                position=Position(lon=lon, lat=lat, accuracy_m=8.0),
            )
            for number, (lon, lat) in enumerate(spots)
        ]

        tracemalloc.start()
        made = follow_sightings(session, sightings, index=index, at=sightings[-1].at)
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        entered = [one for one in made if one.change.kind is TransitionKind.ENTERED]
        assert len(entered) == 1000, seconds
        assert peak < 40 * MEGABYTE, seconds


def _of(told: list[Told], device_id: UUID) -> list[Told]:
    return [one for one in told if one[0] == device_id]
