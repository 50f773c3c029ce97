"""What a position shows of a geofence, measured for whole batches at once.

    FAR ◀── outside by more than accuracy and margin ── OUTSIDE ── UNCERTAIN ── MARGINAL ── CLEAR
                                                                (REACHING)

The order of the codes is the order from the surest absence to the surest presence. What a run of
them means for a stay is decided in `transitions`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Metres = NDArray[np.float64]
Mask = NDArray[np.bool_]
Codes = NDArray[np.uint8]


class Sight(IntEnum):
    """What one position shows of one geofence; a column of them is an array of uint8."""

    FAR = 0
    """Outside by more than the accuracy, taken as at most the cap, and the margin."""
    OUTSIDE = 1
    """The whole circle is outside, but it is not far. It decides nothing in any phase."""
    UNCERTAIN = 2
    """The circle touches the area and says no more."""
    REACHING = 3
    """In reach mode only: the centre is outside by at most the accuracy and `reach_m`."""
    MARGINAL = 4
    """The centre is inside, and the position accurate enough to speak of an arrival."""
    CLEAR = 5
    """The whole circle is inside, and the position is credible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceRules:
    """The constants of presence; `settings.PresenceSettings` documents each."""

    arrival_accuracy_limit_m: float
    credible_accuracy_m: float
    reach_m: float
    confirm_enter_after: timedelta
    confirm_enter_within: timedelta
    exit_accuracy_cap_m: float
    exit_margin_m: float
    exit_margin_share: float
    confirm_exit_after: timedelta
    silence: timedelta
    told_silence: timedelta
    dwell_freshness: timedelta


def sights(
    distance_m: Metres,
    accuracy_m: Metres,
    size_m: Metres,
    *,
    rules: PresenceRules,
    suspect: Mask | None = None,
) -> Codes:
    """Judge positions by what they show, each against one geofence.

    Args:
        distance_m: Signed metres from the edge, negative inside, shape (n,).
        accuracy_m: Radii of the circles that hold the true positions with 68 % confidence,
            metres, shape (n,); none missing.
        size_m: Radii of the circles that have the geofences' areas, metres, shape (n,).
        rules: The constants, the same for all of them.
        suspect: Which positions bear signs of not being true, shape (n,); they are never clear.

    Returns:
        One `Sight` for each, shape (n,).
    """
    accurate = accuracy_m <= rules.arrival_accuracy_limit_m
    inside = accurate & (distance_m <= 0.0)
    clear = inside & (distance_m <= -accuracy_m) & (accuracy_m >= rules.credible_accuracy_m)
    reaching = accurate & (distance_m > 0.0)
    reaching &= distance_m <= np.minimum(accuracy_m, rules.reach_m)
    found = np.full(distance_m.shape, Sight.UNCERTAIN, dtype=np.uint8)
    found[distance_m > accuracy_m] = Sight.OUTSIDE
    found[reaching] = Sight.REACHING
    found[distance_m > far_from_m(accuracy_m, size_m, rules=rules)] = Sight.FAR
    found[inside] = Sight.MARGINAL
    found[clear if suspect is None else clear & ~suspect] = Sight.CLEAR
    return found


def far_from_m(accuracy_m: Metres, size_m: Metres, *, rules: PresenceRules) -> Metres:
    """Return the distances from the edge, in metres, beyond which positions are far outside."""
    margin_m = np.maximum(rules.exit_margin_m, rules.exit_margin_share * size_m)
    return np.minimum(accuracy_m, rules.exit_accuracy_cap_m) + margin_m
