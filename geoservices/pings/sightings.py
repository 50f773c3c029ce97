"""Positions in the order in which a device took them, each beside the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geoservices.accounts.queries import HeldDevice
from geoservices.geometry.position import Position, Positions
from geoservices.instants import SECOND_US
from geoservices.pings.columns import Indices, Pings
from geoservices.pings.plausibility import PlausibilityRules, Sign, gated, signs
from geoservices.settings.presence import PresenceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """Positions to follow, by device and then in order of time; all columns have shape (n,)."""

    pings: Indices
    """Each sighting's number among the pings it came with."""
    devices: Indices
    """Each one's device, as its place among those that are held."""
    at_us: NDArray[np.int64]
    """Microseconds since 1970."""
    before: Positions
    """The last position of the device that was tested before, all NaN where there is none."""
    fixes: Positions
    """No accuracy is missing."""
    tested: NDArray[np.bool_]
    """Whether each has moved far enough to be tested."""
    signs: NDArray[np.uint8]
    """What speaks against each, as `plausibility.Sign`."""


def sightings_of(
    pings: Pings,
    senders: Indices,
    followed: Indices,
    devices: Sequence[HeldDevice],
    *,
    presence: PresenceSettings,
) -> Sightings:
    """Put each followed ping beside the position before it.

    Args:
        pings: All pings.
        senders: Each ping's device, as its place in `devices`.
        followed: The numbers of those that are followed, by sender and then in order of time.
        devices: Who sent them.
        presence: What is assumed of positions, and what is odd about them.
    """
    at_us, accuracy_m = pings.recorded_at[followed], pings.accuracy_m[followed]
    fixes = Positions(
        at_us / SECOND_US,
        pings.lon[followed],
        pings.lat[followed],
        np.where(np.isnan(accuracy_m), presence.assumed_accuracy_m, accuracy_m),
    )
    by_sender = senders[followed]
    begins = np.flatnonzero(np.append(1, np.diff(by_sender))[: len(by_sender)])
    known = [
        _known(devices[sender], presence.assumed_accuracy_m)
        for sender in by_sender[begins].tolist()
    ]
    tested = _tested(fixes, begins, known, presence.noise_gate)
    # The numbers of the tested ones, each carried on to those behind it.
    last = np.maximum.accumulate(np.where(tested, np.arange(len(followed)), -1))
    at = np.append(-1, last)[:-1]
    lengths = np.diff(np.append(begins, len(followed)))
    inherits = at < np.repeat(begins, lengths)
    inherited = np.repeat(np.array(known, dtype=float).reshape(-1, 4), lengths, axis=0)
    before = Positions(
        *(
            np.where(inherits, inherited[:, column], values[at])
            for column, values in enumerate(fixes)
        )
    )
    return Sightings(
        pings=followed,
        devices=by_sender,
        at_us=at_us,
        before=before,
        fixes=fixes,
        tested=tested,
        signs=signs(before, fixes, rules=_plausibility_rules(presence)),
    )


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
    found = signs(before, now, rules=_plausibility_rules(presence))
    return bool((found & Sign.JUMPED).any())


def _plausibility_rules(presence: PresenceSettings) -> PlausibilityRules:
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
    fixes: Positions,
    begins: Indices,
    known: Sequence[tuple[float, float, float, float]],
    gate: float,
) -> NDArray[np.bool_]:
    tested = np.ones(len(fixes.lon), dtype=np.bool_)
    if gate == 0.0:
        return tested
    spans = pairwise([*begins.tolist(), len(fixes.lon)])
    for (begin, end), (at_s, *fix) in zip(spans, known, strict=True):
        own = Positions(*(column[begin:end] for column in fixes))
        lon, lat, accuracy_m = fix
        last = None if np.isnan(at_s) else (lon, lat, accuracy_m)
        tested[begin:end] = ~gated(own, last, share=gate)
    return tested
