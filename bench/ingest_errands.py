"""Where people walk, at a constant pace: from one geofence to the next, or to and fro through one.

The next one is the next along a Z-order curve (Morton, A Computer Oriented Geodetic Data Base,
IBM 1966), which visits nearly everything near before it goes on.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.geofences import METRES_PER_DEGREE

Degrees = NDArray[np.float64]

BITS = 16
MOST_STOPS = 200
NEAR_M = 2_000.0
"""Who is farther than this from the first stop walks to and fro where they are."""
GOLDEN = (5**0.5 - 1) / 2
"""Its multiples, whole parts left out, are spread evenly: nobody walks in step with another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gait:
    """How people walk."""

    step_m: float
    """From one ping to the next."""
    to_and_fro_m: float | None = None
    """Walk so far to both sides of the first stop again and again; None goes on to the next."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The middles of all geofences in the order of the curve."""

    middles: Degrees
    """Shape (n, 2)."""
    codes: NDArray[np.uint64]
    west_south: Degrees
    span_deg: float

    @classmethod
    def through(cls, middles: Degrees) -> "Curve":
        """Lay the curve through points, degrees, shape (n, 2)."""
        west_south = middles.min(axis=0)
        span_deg = float((middles - west_south).max()) or 1.0
        codes = _codes(middles, west_south, span_deg)
        order = np.argsort(codes)
        return cls(middles[order], codes[order], west_south, span_deg)

    def walks(self, starts: Degrees, gait: Gait, steps: int) -> Degrees:
        """Walk from each start along the curve.

        Returns:
            Degrees, shape (starts, steps, 2). Who has passed 200 stops stays at the last one.
        """
        first = np.searchsorted(self.codes, _codes(starts, self.west_south, self.span_deg))
        stops = first[:, None] + np.arange(MOST_STOPS)
        if gait.to_and_fro_m is not None:
            stop = self.middles[stops[:, 0] % len(self.middles)]
            is_near = np.hypot(*_metres(starts, stop).T) <= NEAR_M
            middles = np.where(is_near[:, None], stop, starts)
            return _to_and_fro(middles, gait.to_and_fro_m, gait.step_m * np.arange(float(steps)))
        corners = np.concatenate([starts[:, None], self.middles[stops % len(self.middles)]], axis=1)
        legs_m = _metres(corners[:, :-1], corners[:, 1:])
        lengths_m = np.hypot(legs_m[:, :, 0], legs_m[:, :, 1])
        at_m = np.concatenate([np.zeros((len(starts), 1)), np.cumsum(lengths_m, axis=1)], axis=1)
        walked_m = np.arange(steps) * gait.step_m
        walks = np.empty((len(starts), steps, 2))
        for walk, along_m, corner in zip(walks, at_m, corners, strict=True):
            walk[:, 0] = np.interp(walked_m, along_m, corner[:, 0])
            walk[:, 1] = np.interp(walked_m, along_m, corner[:, 1])
        return walks


def _to_and_fro(middles: Degrees, reach_m: float, walked_m: NDArray[np.float64]) -> Degrees:
    number = np.arange(len(middles))
    bearing = number * GOLDEN % 1 * np.pi
    begun_m = number * GOLDEN**2 % 1 * 4 * reach_m
    aside_m = np.abs((walked_m + begun_m[:, None]) % (4 * reach_m) - 2 * reach_m) - reach_m
    aside_deg = aside_m / METRES_PER_DEGREE
    east = aside_deg * np.sin(bearing)[:, None] / np.cos(np.radians(middles[:, 1]))[:, None]
    north = aside_deg * np.cos(bearing)[:, None]
    walks: Degrees = middles[:, None] + np.stack([east, north], axis=2)
    return walks


def _metres(from_: Degrees, to: Degrees) -> NDArray[np.float64]:
    """Return how far east and north it is from points to others near them, shape (…, 2)."""
    metres: NDArray[np.float64] = (to - from_) * METRES_PER_DEGREE
    metres[..., 0] *= np.cos(np.radians(from_[..., 1]))
    return metres


def _codes(points: Degrees, west_south: Degrees, span_deg: float) -> NDArray[np.uint64]:
    cells = ((points - west_south) / span_deg * (2**BITS - 1)).clip(0, 2**BITS - 1)
    return _spread(cells[:, 0]) | _spread(cells[:, 1]) << np.uint64(1)


def _spread(cells: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Put a zero between every two bits of whole numbers below 2^16."""
    numbers = cells.astype(np.uint64)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        numbers = (numbers | numbers << np.uint64(shift)) & np.uint64(mask)
    return numbers
