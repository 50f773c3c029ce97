"""Signs that a position may not be true, and positions that say nothing new.

A sign lowers what a position proves and never refuses it: honest phones leap when they come out
of a tunnel, and claim too much. Nothing here knows why a position bears a sign.
"""

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from geoservices.geometry.planar import distance_m
from geoservices.geometry.position import Positions

Mask = NDArray[np.bool_]


class Sign(IntFlag):
    """What is odd about a position; a column of them is an array of uint8."""

    JUMPED = 1
    """It takes a speed that nobody has to come here from the position before."""
    REPEATED = 2
    """Longitude, latitude and accuracy are those of the position before, though time passed."""
    TOO_ACCURATE = 4
    """It claims to be better than phones are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlausibilityRules:
    """The limits of what is plausible; `settings.PresenceSettings` documents each."""

    jump_speed_mps: float
    credible_accuracy_m: float


def signs(before: Positions, after: Positions, *, rules: PlausibilityRules) -> NDArray[np.uint8]:
    """Look for signs on positions, each beside the one before it of the same device.

    Args:
        before: The positions before, all NaN where there is none; shape (n,).
        after: The positions looked at, none missing, each later than that before; shape (n,).
        rules: The limits.

    Returns:
        The flags of `Sign`, shape (n,).
    """
    passed_s = after.at_s - before.at_s
    moved_m = distance_m(before.lon, before.lat, after.lon, after.lat)
    unexplained_m = moved_m - before.accuracy_m - after.accuracy_m
    # A check-in may be told of an instant before the last position.
    jumped = unexplained_m > rules.jump_speed_mps * np.abs(passed_s)
    repeated = (after.lon == before.lon) & (after.lat == before.lat)
    repeated &= (after.accuracy_m == before.accuracy_m) & (passed_s > 0.0)
    too_accurate = after.accuracy_m < rules.credible_accuracy_m
    found: NDArray[np.uint8] = (
        Sign.JUMPED * jumped + Sign.REPEATED * repeated + Sign.TOO_ACCURATE * too_accurate
    ).astype(np.uint8)
    return found


def suspect(found: NDArray[np.uint8]) -> Mask:
    """Tell which positions prove less because of their signs.

    Repetition alone is none of them: a phone that lies still tells its last position again.
    """
    told: Mask = (found & (Sign.JUMPED | Sign.TOO_ACCURATE)) != 0
    return told


def gated(fixes: Positions, tested: tuple[float, float, float] | None, *, share: float) -> Mask:
    """Tell which positions of one device have moved too little to be looked at again.

    A position is tested if it lies further from the last one tested than both their accuracies
    together, times `share`. The first is always tested.

    Args:
        fixes: In order of time, shape (n,).
        tested: Longitude, latitude (degrees) and accuracy (metres) of the last position tested
            before them; None if there is none.
        share: Of the accuracies together; 0 tests every position.

    Returns:
        True for each that is not to be tested, shape (n,).

    Source:
        The accuracy-based filter of Amazon Location trackers; with it `share` is 1.
    """
    held = np.zeros(len(fixes.lon), dtype=np.bool_)
    if share == 0.0:
        return held
    last = tested
    for at, (lon, lat, accuracy_m) in enumerate(
        zip(fixes.lon.tolist(), fixes.lat.tolist(), fixes.accuracy_m.tolist(), strict=True)
    ):
        if last is not None:
            moved_m = distance_m(np.array(last[0]), np.array(last[1]), np.array(lon), np.array(lat))
            held[at] = moved_m <= share * (last[2] + accuracy_m)
        if not held[at]:
            last = (lon, lat, accuracy_m)
    return held
