"""Geofences that were passed between two positions, with no position inside."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from geoservices.geometry.planar import distance_m
from geoservices.geometry.position import Positions
from geoservices.visits.transitions import Change, Reason, TransitionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingRules:
    """When two positions may have something between them; `settings.PresenceSettings` has each."""

    crossing_within: timedelta
    crossing_accuracy_limit_m: float


def may_have_crossed(
    before: Positions,
    after: Positions,
    *,
    rules: CrossingRules,
    suspect: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Tell between which consecutive positions of a device a line may be drawn.

    They must be near in time, both accurate, and further apart than both their errors, or the
    line would be made of noise.

    Args:
        before: The positions before, all NaN where there is none; shape (n,).
        after: The positions after them, shape (n,).
        rules: The constants.
        suspect: Where either end bears signs of not being true, shape (n,); no line is drawn.
    """
    passed_s = after.at_s - before.at_s
    apart_m = distance_m(before.lon, before.lat, after.lon, after.lat)
    drawn = (passed_s > 0.0) & (passed_s <= rules.crossing_within.total_seconds())
    drawn &= np.maximum(before.accuracy_m, after.accuracy_m) <= rules.crossing_accuracy_limit_m
    drawn &= apart_m > before.accuracy_m + after.accuracy_m
    return drawn if suspect is None else drawn & ~suspect


def crossed(before: datetime, after: datetime) -> Change:
    """Return the transition of a geofence that the line between two positions meets.

    Neither position may lie within the geofence, and no visit of the device there may be open.
    Nobody knows when between the two it happened; it is dated to the middle.
    """
    return Change(
        kind=TransitionKind.CROSSED,
        at=before + (after - before) / 2,
        reason=Reason.BETWEEN_TWO_POSITIONS,
        confidence=1,
    )
