"""Pings recorded: each judged by itself, stored once, and followed in order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from geoservices.accounts.queries import HeldDevice
from geoservices.database import SessionFactory, transaction
from geoservices.instants import SECOND_US, instant, microseconds
from geoservices.pings import partitions, queries
from geoservices.pings.columns import Indices, Pings, id_column
from geoservices.pings.screening import Doors, Verdict, judge
from geoservices.pings.sightings import Sightings, sightings_of
from geoservices.settings.presence import PresenceSettings

ACCEPTED, LATE, REPEATED, REFUSED, NOT_KEPT = range(5)
VERDICTS = (
    Verdict.ACCEPTED,
    Verdict.LATE,
    Verdict.REPEATED,
    Verdict.REFUSED,
    Verdict.NOT_KEPT,
)
"""What the numbers in `Recorded.verdicts` mean."""
FIXES_AT_ONCE = 1000
"""So many devices are held at once while their last positions are deleted."""
NEVER_US = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of pings, and which of them are to be followed."""

    verdicts: NDArray[np.uint8]
    """Places in `VERDICTS`, shape (n,)."""
    refusals: NDArray[np.uint8]
    """As `screening.judge` returns them, shape (n,)."""
    sightings: Sightings
    """The accepted pings."""


def record(
    session: Session,
    pings: Pings,
    senders: Indices,
    devices: Sequence[HeldDevice],
    *,
    doors: Doors,
    presence: PresenceSettings,
    beforehand: NDArray[np.uint8],
    at: datetime,
) -> Recorded:
    """Store pings of any number of devices, in a handful of statements.

    Those of a device that shares places only are judged, and neither stored nor followed.

    Args:
        session: Its transaction holds the devices' rows.
        pings: In any order, shape (n,).
        senders: Each ping's device, as its place in `devices`, shape (n,).
        devices: Who may have sent them.
        doors: How far a clock may be off.
        presence: What is assumed of positions, and what is odd about them.
        beforehand: What speaks against each for other reasons, as `screening.judge` takes it.
        at: When they arrived.
    """
    at_us = microseconds(at)
    refusals = judge(pings.recorded_at, doors=doors, beforehand=beforehand, at_us=at_us)
    verdicts = np.where(refusals > 0, REFUSED, LATE).astype(np.uint8)
    unkept = np.array([device.places_only for device in devices], dtype=np.bool_)[senders]
    verdicts[unkept & (refusals == 0)] = NOT_KEPT
    order = _in_order(pings, senders, np.flatnonzero(verdicts == LATE))
    once = _once(pings, senders, order)
    verdicts[order[~once]] = REPEATED
    order = order[once]
    followed = order[_newer(pings, senders, order, devices)]
    verdicts[followed] = ACCEPTED
    late = order[verdicts[order] == LATE]
    verdicts[late[_stored(session, pings, senders, late, devices, doors)]] = REPEATED
    sightings = sightings_of(pings, senders, followed, devices, presence=presence)
    signs = np.zeros(len(pings), dtype=np.uint8)
    signs[followed] = sightings.signs
    new = order[verdicts[order] != REPEATED]
    device_ids = id_column([device.id for device in devices])
    queries.insert(
        session,
        pings.picked(new),
        devices=device_ids[senders[new]],
        signs=signs[new],
        at_us=at_us,
    )
    queries.remember(session, _newest(sightings, device_ids))
    return Recorded(verdicts=verdicts, refusals=refusals, sightings=sightings)


def _in_order(pings: Pings, senders: Indices, numbers: Indices) -> Indices:
    """Sort pings by sender, time and id; of equal ones the first stays first."""
    by_sender, recorded_at = senders[numbers], pings.recorded_at[numbers]
    step = np.diff(by_sender)
    if np.all((step > 0) | ((step == 0) & (np.diff(recorded_at) > 0))):
        return numbers
    high, low = np.ascontiguousarray(pings.ids[numbers]).view(">u8").T
    return numbers[np.lexsort((low, high, recorded_at, by_sender))]


def _once(pings: Pings, senders: Indices, order: Indices) -> NDArray[np.bool_]:
    """Tell which of the sorted pings do not repeat the one before."""
    differs = np.ones(len(order), dtype=np.bool_)
    before, after = order[:-1], order[1:]
    differs[1:] = (
        (senders[before] != senders[after])
        | (pings.recorded_at[before] != pings.recorded_at[after])
        | (pings.ids[before] != pings.ids[after]).any(axis=1)
    )
    return differs


def _newer(
    pings: Pings, senders: Indices, order: Indices, devices: Sequence[HeldDevice]
) -> NDArray[np.bool_]:
    """Tell which of the sorted pings are newer than all that came before them."""
    followed_until = np.array(
        [
            NEVER_US if device.followed_until is None else microseconds(device.followed_until)
            for device in devices
        ]
    )
    recorded_at = pings.recorded_at[order]
    newer: NDArray[np.bool_] = recorded_at > followed_until[senders[order]]
    same_device = senders[order[1:]] == senders[order[:-1]]
    newer[1:] &= ~same_device | (np.diff(recorded_at) > 0)
    return newer


def _newest(sightings: Sightings, device_ids: NDArray[np.uint8]) -> queries.Followed:
    """Return up to when each device was followed, and its last tested position."""
    lasts = np.flatnonzero(np.append(np.diff(sightings.devices), 1)[: len(sightings.devices)])
    tested = sightings.tested[lasts]
    at_s, lon, lat, accuracy_m = (
        np.where(tested, fix[lasts], before[lasts])
        for fix, before in zip(sightings.fixes, sightings.before, strict=True)
    )
    return queries.Followed(
        devices=device_ids[sightings.devices[lasts]],
        until=sightings.at_us[lasts],
        at=np.rint(at_s * SECOND_US).astype(np.int64),
        lon=lon,
        lat=lat,
        accuracy_m=accuracy_m,
    )


def _stored(
    session: Session,
    pings: Pings,
    senders: Indices,
    late: Indices,
    devices: Sequence[HeldDevice],
    doors: Doors,
) -> NDArray[np.bool_]:
    """Tell which of the pings are stored already; only what is late can be."""
    if len(late) == 0:
        return np.zeros(0, dtype=np.bool_)
    keys = [
        (devices[senders[number]].id, instant(int(pings.recorded_at[number])), id_)
        for number, id_ in zip(late.tolist(), pings.uuids(late), strict=True)
    ]
    known = queries.stored(session, keys, future_tolerance=doors.future_tolerance)
    return np.array([key in known for key in keys])


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many partitions were made and dropped, and how often someone was reading meanwhile."""

    made: int
    dropped: int
    waiting: int


def keep_partitions(sessions: SessionFactory, *, at: datetime, retention: timedelta) -> Kept:
    """Make the partitions that are missing and drop those that are over, each by itself.

    Any number of workers may do this at once. What arrives when no partition was made in time is
    stored in the default one and moved when there is.

    Args:
        sessions: Each step is a transaction of its own, so that intake never waits for long.
        at: Now.
        retention: How long positions are kept after they arrived.
    """
    before = at - retention
    with transaction(sessions) as session:
        queries.prune_default(session, received_before=before)
    gone = FIXES_AT_ONCE
    while gone == FIXES_AT_ONCE:
        with transaction(sessions) as session:
            gone = queries.forget_old_fixes(session, before=before, limit=FIXES_AT_ONCE)
    with transaction(sessions) as session:
        over = partitions.plan(queries.partitions(session), at=at, retention=retention).over
    dropped = waiting = made = 0
    for one in over:
        try:
            with transaction(sessions) as session:
                dropped += queries.drop_partition(session, one)
        except psycopg.errors.LockNotAvailable:
            waiting += 1
    try:
        with transaction(sessions) as session:
            queries.lock_partitions(session)
            there = queries.partitions(session)
            missing = partitions.plan(there, at=at, retention=retention).missing
            for one in missing:
                queries.make_partition(session, one)
            made = len(missing)
    except psycopg.errors.LockNotAvailable:
        waiting += 1
    return Kept(made=made, dropped=dropped, waiting=waiting)
