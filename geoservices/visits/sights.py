"""What a position shows of a geofence, measured for whole batches at once.

A phone's accuracy is the radius of the circle that holds the true position with 68 % confidence.
One position in three lies outside its circle, so what needs certainty asks for a larger one:
`certainty` times the accuracy, which at 1.8 holds 97 % of errors that are normal on both axes. One
that is to end a stay asks for more still: `exit_certainty`, at 2.2 99.6 %.

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
    """The whole circle that leaving asks for is outside, and a margin beyond it."""
    OUTSIDE = 1
    """The whole circle is outside, but it is not far."""
    UNCERTAIN = 2
    """No verdict: the circle touches the area, and is too large to speak of an arrival."""
    TOUCHING = 3
    """The circle touches the area, and is small enough to speak of an arrival."""
    REACHING = 4
    """In reach mode only: touching, with the centre outside by at most `reach_m`."""
    MARGINAL = 5
    """The centre is inside, and the circle small enough to speak of an arrival."""
    CLEAR = 6
    """The whole larger circle is inside, and the position is credible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceRules:
    """The constants of presence; `settings.PresenceSettings` documents each."""

    arrival_accuracy_limit_m: float
    credible_accuracy_m: float
    certainty: float
    reach_m: float
    confirm_enter_after: timedelta
    confirm_touching_after: timedelta
    confirm_seldom_after: timedelta
    confirm_enter_within: timedelta
    confirm_enter_gap: timedelta
    exit_certainty: float
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
    clear = inside & (accuracy_m >= rules.credible_accuracy_m)
    clear &= distance_m <= -rules.certainty * accuracy_m
    found = np.full(distance_m.shape, Sight.UNCERTAIN, dtype=np.uint8)
    found[accurate] = Sight.TOUCHING
    if rules.reach_m > 0.0:
        found[accurate & (distance_m <= rules.reach_m)] = Sight.REACHING
    found[distance_m > accuracy_m] = Sight.OUTSIDE
    found[distance_m > far_from_m(accuracy_m, size_m, rules=rules)] = Sight.FAR
    found[inside] = Sight.MARGINAL
    found[clear if suspect is None else clear & ~suspect] = Sight.CLEAR
    return found


def far_from_m(accuracy_m: Metres, size_m: Metres, *, rules: PresenceRules) -> Metres:
    """Return the distances from the edge, in metres, beyond which positions are far outside."""
    margin_m = np.maximum(rules.exit_margin_m, rules.exit_margin_share * size_m)
    return rules.exit_certainty * np.minimum(accuracy_m, rules.exit_accuracy_cap_m) + margin_m
