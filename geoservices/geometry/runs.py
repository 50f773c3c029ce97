"""Outlines cut into runs of a few edges, as `outlines` takes them."""

import numpy as np
from numpy.typing import NDArray

from geoservices.geometry.boxes import rounded_outwards
from geoservices.geometry.planar import Metres
from geoservices.geometry.ragged import Ragged

RUN_EDGES = 16
"""So many edges share a box; fewer make more boxes to look at, more make more edges."""


def cut_into_runs(
    areas: Ragged,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Cut the rings of multipolygons into runs.

    Args:
        areas: `n` multipolygons.

    Returns:
        The vertices of all runs, shape (v, 2); where each run starts among them, and behind
        that where the last one ends, shape (r + 1,); how many runs each area has, shape (n,).
    """
    rings = areas.rings
    edges = np.diff(rings) - 1
    runs = -(-edges // RUN_EDGES)
    begins = np.repeat(rings[:-1] - RUN_EDGES * before(runs), runs)
    begins += RUN_EDGES * np.arange(len(begins))
    # The last vertex of a run is the first one of the next, so that no edge is lost.
    lengths = np.minimum(begins + RUN_EDGES, np.repeat(rings[1:] - 1, runs)) - begins + 1
    counts = np.diff(np.append(0, np.cumsum(runs))[areas.polygons[areas.areas]])
    return areas.lonlat[ranges(begins, lengths)], np.append(0, np.cumsum(lengths)), counts


def boxes_of(x: Metres, y: Metres, run_starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the box of each run, rounded outwards; shape (r, 4)."""
    boxes = np.empty((len(run_starts) - 1, 4))
    if len(boxes):
        for column, (edge, of) in enumerate(
            [(np.minimum, x), (np.minimum, y), (np.maximum, x), (np.maximum, y)]
        ):
            boxes[:, column] = edge.reduceat(of, run_starts[:-1])
    return rounded_outwards(boxes)


def before(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many come before each."""
    return np.cumsum(counts) - counts


def ranges(firsts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers from each first one on, so many of them, one range behind the other."""
    return np.repeat(firsts - before(counts), counts) + np.arange(counts.sum())
