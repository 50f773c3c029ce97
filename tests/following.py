"""Help for tests of visits: sightings one by one, followed as intake follows columns of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.accounts.queries import HeldDevice
from geoservices.geofences.index import GeofenceIndex
from geoservices.geometry.position import Position, Positions
from geoservices.instants import microseconds
from geoservices.pings import queries as pings
from geoservices.pings.columns import id_column
from geoservices.pings.sightings import Sightings
from geoservices.settings.presence import PresenceSettings
from geoservices.visits import queries as visits
from geoservices.visits.service import follow
from geoservices.visits.stays import Made

PRESENCE = PresenceSettings()
ASSUMED_ACCURACY_M = float(PRESENCE.assumed_accuracy_m)


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
    presence: PresenceSettings = PRESENCE,
    at: datetime,
) -> list[Made]:
    """Hold the devices, follow their sightings and remember up to when."""
    held = {
        device.id: device
        for device in accounts.hold_devices(session, {one.device_id for one in sightings})
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
        sightings_of(sightings, places, {device.id: device for device in held.values()}),
        visits.open_visits(session, list(held))(),
        index=index,
        presence=presence,
        at=at,
    )
    newest = list(
        {one.device_id: one for one in sorted(sightings, key=lambda one: one.at)}.values()
    )
    at_us = np.array([microseconds(one.at) for one in newest], dtype=np.int64)
    pings.remember(
        session,
        pings.Followed(
            devices=id_column([one.device_id for one in newest]),
            until=at_us,
            at=at_us,
            lon=np.array([one.position.lon for one in newest], dtype=float),
            lat=np.array([one.position.lat for one in newest], dtype=float),
            accuracy_m=np.array(
                [one.position.accuracy_m or ASSUMED_ACCURACY_M for one in newest], dtype=float
            ),
        ),
    )
    return made


def sightings_of(
    sightings: Sequence[Sighting], places: Mapping[UUID, int], held: Mapping[UUID, HeldDevice]
) -> Sightings:
    """Return sightings as columns, given the devices and each one's place among those held."""
    numbered = sorted(
        enumerate(sightings), key=lambda entry: (places[entry[1].device_id], entry[1].at)
    )
    ordered = [one for _number, one in numbered]
    columns = [
        (
            one.at.timestamp(),
            one.position.lon,
            one.position.lat,
            one.position.accuracy_m or ASSUMED_ACCURACY_M,
        )
        for one in ordered
    ]
    fixes = Positions(*np.array(columns, dtype=float).reshape(-1, 4).T)
    devices = np.array([places[one.device_id] for one in ordered], dtype=np.intp)
    before: list[tuple[float, float, float, float]] = []
    for number, one in enumerate(ordered):
        device = held[one.device_id]
        if number and devices[number] == devices[number - 1]:
            before.append(columns[number - 1])
        elif device.fix_at is None:
            before.append((np.nan,) * 4)
        else:
            before.append(
                (
                    device.fix_at.timestamp(),
                    device.fix_lon or np.nan,
                    device.fix_lat or np.nan,
                    device.fix_accuracy_m or np.nan,
                )
            )
    return Sightings(
        pings=np.array([number for number, _one in numbered], dtype=np.intp),
        devices=devices,
        at_us=np.array([microseconds(one.at) for one in ordered], dtype=np.int64),
        before=Positions(*np.array(before, dtype=float).reshape(-1, 4).T),
        fixes=fixes,
        tested=np.ones(len(ordered), dtype=np.bool_),
        signs=np.zeros(len(ordered), dtype=np.uint8),
    )
