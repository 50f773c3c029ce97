"""Whether a position of a known accuracy is within an area."""

from enum import StrEnum


class Containment(StrEnum):
    """Where a circle of accuracy lies."""

    INSIDE = "inside"
    UNCERTAIN = "uncertain"
    OUTSIDE = "outside"


def locate(distance_m: float, accuracy_m: float) -> Containment:
    """Tell whether the circle of accuracy lies wholly inside, wholly outside, or on the edge.

    Args:
        distance_m: Metres from the position to the area's edge, negative inside.
        accuracy_m: Radius of the circle that holds the true position with 68 % confidence, as
            the W3C Geolocation API and both mobile platforms report it.
    """
    if distance_m <= -accuracy_m:
        return Containment.INSIDE
    if distance_m > accuracy_m:
        return Containment.OUTSIDE
    return Containment.UNCERTAIN
