"""Help for tests of visits: sightings one by one, followed as intake follows columns of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.clock import microseconds
from geoservices.geofences.index import GeofenceIndex
from geoservices.geometry.position import Position
from geoservices.pings import queries as pings
from geoservices.visits.service import Made, Sightings, follow
from geoservices.visits.sights import PresenceRules

ASSUMED_ACCURACY_M = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A device at a position; `first` if nothing was known of the device before."""

    device_id: UUID
    at: datetime
    position: Position
    first: bool = False


def follow_sightings(
    session: Session,
    sightings: Sequence[Sighting],
    *,
    index: GeofenceIndex,
    rules: PresenceRules,
    at: datetime,
) -> list[Made]:
    """Hold the devices, follow their sightings and remember up to when."""
    held = {
        device.id: device
        for device in accounts.hold_devices(session, ids={one.device_id for one in sightings})
    }
    for one in reversed(sightings):
        if not one.first and held[one.device_id].followed_until is None:
            held[one.device_id] = held[one.device_id]._replace(
                followed_until=one.at - timedelta(days=1)
            )
    places = {device_id: number for number, device_id in enumerate(held)}
    made = follow(
        session,
        list(held.values()),
        sightings_of(sightings, places),
        index=index,
        rules=rules,
        at=at,
    )
    newest = {one.device_id: one for one in sorted(sightings, key=lambda one: one.at)}
    pings.remember(
        session,
        [
            pings.Followed(one.device_id, one.at, one.position.lon, one.position.lat, 8.0)
            for one in newest.values()
        ],
    )
    return made


def sightings_of(sightings: Sequence[Sighting], places: Mapping[UUID, int]) -> Sightings:
    """Return sightings as columns, given each device's place among those held."""
    numbered = sorted(
        enumerate(sightings), key=lambda entry: (places[entry[1].device_id], entry[1].at)
    )
    ordered = [one for _number, one in numbered]
    return Sightings(
        pings=np.array([number for number, _one in numbered], dtype=np.intp),
        devices=np.array([places[one.device_id] for one in ordered], dtype=np.intp),
        at_us=np.array([microseconds(one.at) for one in ordered], dtype=np.int64),
        lon=np.array([one.position.lon for one in ordered], dtype=float),
        lat=np.array([one.position.lat for one in ordered], dtype=float),
        accuracy_m=np.array(
            [one.position.accuracy_m or ASSUMED_ACCURACY_M for one in ordered], dtype=float
        ),
        suspect=np.zeros(len(ordered), dtype=np.bool_),
    )
