"""Positions in the order in which a device took them, each beside the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from geoservices.accounts.queries import HeldDevice
from geoservices.geometry.position import Position, Positions
from geoservices.instants import SECOND_US
from geoservices.pings.columns import Indices, Pings
from geoservices.pings.plausibility import PlausibilityRules, Sign, gated, signs
from geoservices.settings import PresenceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Followed pings by sender and time; all columns have shape (n,)."""

    numbers: Indices
    """Each one's number among the pings it came with."""
    senders: Indices
    before: Positions
    """The last position that was tested before each, all NaN where there is none."""
    after: Positions
    """The positions themselves; no accuracy is missing."""
    tested: NDArray[np.bool_]
    """Whether each has moved far enough to be tested."""


def trail(
    pings: Pings,
    senders: Indices,
    followed: Indices,
    devices: Sequence[HeldDevice],
    *,
    assumed_accuracy_m: float,
    gate: float,
) -> Trail:
    """Put each followed ping beside the position before it.

    Args:
        pings: All pings.
        senders: Each ping's device, as its place in `devices`.
        followed: The numbers of those that are followed, by sender and then in order of time.
        devices: Who sent them.
        assumed_accuracy_m: Taken where a phone names no accuracy.
        gate: As `plausibility.gated` takes its share.
    """
    accuracy_m = pings.accuracy_m[followed]
    after = Positions(
        pings.recorded_at[followed] / SECOND_US,
        pings.lon[followed],
        pings.lat[followed],
        np.where(np.isnan(accuracy_m), assumed_accuracy_m, accuracy_m),
    )
    by_sender = senders[followed]
    if len(followed) == 0:
        return Trail(
            numbers=followed,
            senders=by_sender,
            before=after,
            after=after,
            tested=np.ones(0, dtype=np.bool_),
        )
    begins = np.flatnonzero(np.append(1, np.diff(by_sender)))
    known = [_known(devices[sender], assumed_accuracy_m) for sender in by_sender[begins].tolist()]
    tested = _tested(after, begins, known, gate)
    # The numbers of the tested ones, each carried on to those behind it.
    last = np.maximum.accumulate(np.where(tested, np.arange(len(followed)), -1))
    at = np.append(-1, last[:-1])
    lengths = np.diff(np.append(begins, len(followed)))
    inherits = at < np.repeat(begins, lengths)
    inherited = np.repeat(np.array(known, dtype=float).reshape(-1, 4), lengths, axis=0)
    before = Positions(
        *(
            np.where(inherits, inherited[:, column], values[at])
            for column, values in enumerate(after)
        )
    )
    return Trail(numbers=followed, senders=by_sender, before=before, after=after, tested=tested)


def has_leapt(
    device: HeldDevice, position: Position, at: datetime, *, presence: PresenceSettings
) -> bool:
    """Tell whether nobody could have come to a position from the device's last one.

    Args:
        device: Its row says where it was last.
        position: Where it says it is.
        at: When.
        presence: What is assumed of positions, and what is odd about them.
    """
    accuracy_m = position.accuracy_m or presence.assumed_accuracy_m
    after = (at.timestamp(), position.lon, position.lat, accuracy_m)
    before, now = (
        Positions(*(np.array([value]) for value in one))
        for one in (_known(device, presence.assumed_accuracy_m), after)
    )
    found = signs(before, now, rules=plausibility_rules(presence))
    return bool((found & Sign.JUMPED).any())


def plausibility_rules(presence: PresenceSettings) -> PlausibilityRules:
    """Return the limits of what is plausible, from the settings."""
    return PlausibilityRules(
        jump_speed_mps=presence.jump_speed_mps, credible_accuracy_m=presence.credible_accuracy_m
    )


def _known(device: HeldDevice, assumed_accuracy_m: float) -> tuple[float, float, float, float]:
    """Return the last tested position of a device; NaN where there is none."""
    if device.fix_at is None or device.fix_lon is None or device.fix_lat is None:
        return (np.nan, np.nan, np.nan, np.nan)
    accuracy_m = device.fix_accuracy_m or assumed_accuracy_m
    return (device.fix_at.timestamp(), device.fix_lon, device.fix_lat, accuracy_m)


def _tested(
    after: Positions,
    begins: Indices,
    known: Sequence[tuple[float, float, float, float]],
    gate: float,
) -> NDArray[np.bool_]:
    tested = np.ones(len(after.lon), dtype=np.bool_)
    if gate == 0.0:
        return tested
    ends = [*begins[1:].tolist(), len(after.lon)]
    for begin, end, (at_s, *fix) in zip(begins.tolist(), ends, known, strict=True):
        own = Positions(*(column[begin:end] for column in after))
        lon, lat, accuracy_m = fix
        last = None if np.isnan(at_s) else (lon, lat, accuracy_m)
        tested[begin:end] = ~gated(own, last, share=gate)
    return tested
