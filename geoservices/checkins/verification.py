"""How much speaks for a check-in."""

from enum import StrEnum

from geoservices.geometry.containment import Containment, locate


class Evidence(StrEnum):
    """What speaks for someone's presence, weakest first."""

    SELF_DECLARED = "self-declared"
    NEAR = "near"
    INSIDE = "inside"

    @property
    def rank(self) -> int:
        """0 for the weakest; a listing unlocks at its rank or above."""
        return list(Evidence).index(self)


ACCURACY_LIMIT_M = 200.0
"""A position less accurate than this proves nothing (Home Assistant's gate)."""


def verify(*, distance_m: float | None, accuracy_m: float) -> Evidence:
    """Grade a check-in made by a button.

    Nobody is turned away: a check-in from afar is recorded as a person's word, and listings that
    need more than that stay locked.

    Args:
        distance_m: Metres from the position to the edge of the nearest watched area of the place,
            negative inside; None where no position was given or the place has no such area.
        accuracy_m: Radius of the position's circle of accuracy.
    """
    if distance_m is None or accuracy_m > ACCURACY_LIMIT_M:
        return Evidence.SELF_DECLARED
    if distance_m <= 0:
        return Evidence.INSIDE
    containment = locate(distance_m, accuracy_m)
    return Evidence.SELF_DECLARED if containment is Containment.OUTSIDE else Evidence.NEAR
