"""Boxes in degrees, and which of them a position or another box meets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoservices.geometry.boxes import rounded_outwards
from geoservices.geometry.compiling import compiled
from geoservices.geometry.planar import Degrees

Indices = NDArray[np.intp]
Boxes = NDArray[np.float64]
"""West, south, east, north in degrees, shape (n, 4); some may run beyond 180 degrees."""

FANOUT = 16
"""So many boxes have one box round them."""
CURVE_SIDE = 2**16
ONCE_ROUND_DEG = 360.0

EXPECTED = 8
"""Room for so many boxes a query is made at first."""
DEPTH = 16
"""More levels than there can be."""


@dataclass(frozen=True, slots=True)
class BoxTree:
    """A packed tree of boxes: neighbours along a Hilbert curve share a box, and so on upwards.

    Source:
        Kamel and Faloutsos, On Packing R-trees, Second International Conference on Information
        and Knowledge Management (1993).
    """

    boxes: NDArray[np.float32]
    """Level by level, those given first; rounded outwards, by 2 m at most."""
    starts: NDArray[np.int64]
    """Where each level begins, and behind them where the last one ends."""
    numbers: NDArray[np.int32]
    """Which of those given each box of the first level is."""

    @classmethod
    def of(cls, boxes: Boxes) -> "BoxTree":
        """Build the tree."""
        numbers = np.argsort(_along_the_curve(boxes)).astype(np.int32)
        levels = [rounded_outwards(boxes)[numbers]]
        while len(levels[-1]) > 1:
            firsts = np.arange(0, len(levels[-1]), FANOUT)
            lower = np.minimum.reduceat(levels[-1][:, :2], firsts)
            upper = np.maximum.reduceat(levels[-1][:, 2:], firsts)
            levels.append(np.hstack([lower, upper]))
        return cls(
            np.concatenate(levels), np.cumsum([0, *(len(level) for level in levels)]), numbers
        )

    def holding(self, lon: Degrees, lat: Degrees) -> tuple[Indices, Indices]:
        """Return pairs of a position and a box that holds it, in the order of both."""
        return self.meeting(lon, lat, lon, lat)

    def meeting(
        self, west: Degrees, south: Degrees, east: Degrees, north: Degrees
    ) -> tuple[Indices, Indices]:
        """Return pairs of a query and a box that it meets, in the order of both.

        Args:
            west: Degrees, from -540 to 540, shape (n,).
            south: Degrees, shape (n,).
            east: Degrees, not less than `west` though it may be beyond 180, shape (n,).
            north: Degrees, shape (n,).
        """
        return _meeting(self.boxes, self.starts, self.numbers, west, south, east, north)

    def extent(self, left_out: NDArray[np.bool_]) -> tuple[float, float, float, float] | None:
        """Return the box round all boxes but some; None if there is no other.

        Args:
            left_out: True for each box to pass over, in the order given at first, shape (n,).
        """
        west, south, east, north = _extent(self.boxes, self.numbers, left_out)
        return (west, south, east, north) if west <= east else None


def _along_the_curve(boxes: Boxes) -> NDArray[np.uint32]:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    if len(middle) == 0:
        return np.empty(0, dtype=np.uint32)
    lower, upper = middle.min(axis=0), middle.max(axis=0)
    cell = (middle - lower) * ((CURVE_SIDE - 1) / np.maximum(upper - lower, 1e-9))
    return _hilbert(cell[:, 0].astype(np.int64), cell[:, 1].astype(np.int64))


@compiled
def _hilbert(column: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return how far along the Hilbert curve each cell of a square of 65,536 by 65,536 lies."""
    found = np.empty(len(column), dtype=np.uint32)
    for at in range(len(column)):
        x, y, far = column[at], row[at], 0
        side = CURVE_SIDE // 2
        while side > 0:
            right, upper = (x & side) != 0, (y & side) != 0
            far += side * side * ((3 if right else 0) ^ (1 if upper else 0))
            if not upper:
                if right:
                    x, y = CURVE_SIDE - 1 - x, CURVE_SIDE - 1 - y
                x, y = y, x
            side //= 2
        found[at] = far
    return found


@compiled
def _extent(
    boxes: NDArray[np.float32], numbers: NDArray[np.int32], left_out: NDArray[np.bool_]
) -> tuple[float, float, float, float]:
    west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
    for at in range(len(numbers)):
        if not left_out[numbers[at]]:
            west, south = min(west, boxes[at, 0]), min(south, boxes[at, 1])
            east, north = max(east, boxes[at, 2]), max(north, boxes[at, 3])
    return west, south, east, north


@compiled
def _meeting(
    boxes: NDArray[np.float32],
    starts: NDArray[np.int64],
    numbers: NDArray[np.int32],
    west: Degrees,
    south: Degrees,
    east: Degrees,
    north: Degrees,
) -> tuple[Indices, Indices]:
    queries = np.empty(EXPECTED * len(west), dtype=np.intp)
    found = np.empty(EXPECTED * len(west), dtype=np.intp)
    firsts = np.empty(DEPTH * FANOUT, dtype=np.int64)
    levels = np.empty(DEPTH * FANOUT, dtype=np.int64)
    count, top = 0, len(starts) - 2
    for query in range(len(west)):
        begin = count
        for shift in (0.0, ONCE_ROUND_DEG, -ONCE_ROUND_DEG):
            left, right = west[query] + shift, east[query] + shift
            waiting = 1
            firsts[0], levels[0] = starts[top], top
            while waiting > 0:
                waiting -= 1
                first, level = firsts[waiting], levels[waiting]
                for at in range(first, min(first + FANOUT, starts[level + 1])):
                    if (
                        boxes[at, 0] > right
                        or boxes[at, 2] < left
                        or boxes[at, 1] > north[query]
                        or boxes[at, 3] < south[query]
                    ):
                        continue
                    if level > 0:
                        firsts[waiting] = starts[level - 1] + FANOUT * (at - starts[level])
                        levels[waiting] = level - 1
                        waiting += 1
                        continue
                    if count == len(found):
                        queries = np.concatenate((queries, np.empty_like(queries)))
                        found = np.concatenate((found, np.empty_like(found)))
                    queries[count], found[count] = query, numbers[at]
                    count += 1
        found[begin:count].sort()
        # A box that reaches all the way round is met twice, at both ends.
        kept = begin
        for at in range(begin, count):
            if at == begin or found[at] != found[at - 1]:
                found[kept] = found[at]
                kept += 1
        count = kept
    return queries[:count].copy(), found[:count].copy()
