"""A position: longitude, latitude and how well they are known."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A point on the WGS 84 ellipsoid, in degrees, longitude first (RFC 7946 section 3.1.1).

    `accuracy_m` is the radius of the 68 % circle in metres; None where the device gave none or
    one of 0 or less, which phones use to say "unknown".
    """

    lon: float
    lat: float
    accuracy_m: float | None = None


class Positions(NamedTuple):
    """Positions in columns, each of shape (n,): seconds, degrees, degrees, metres.

    NaN stands where there is none.
    """

    at_s: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
