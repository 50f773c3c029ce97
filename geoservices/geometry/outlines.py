"""Outlines on a flat map: what lies within, what of the edge is nearest, what a line meets.

An outline is any number of closed rings, holes among them, cut into runs of a few edges each.
`x` and `y` hold the vertices of all runs one behind the other: run `n` takes up `run_starts[n]`
to `run_starts[n + 1]`, and `run_boxes[n]` holds all of it: west, south, east and north.
"""

import numpy as np
from numpy.typing import NDArray

from geoservices.geometry.compiling import compiled
from geoservices.geometry.planar import Metres

Starts = NDArray[np.int64]
RunBoxes = NDArray[np.float32]
Outlines = tuple[Metres, Metres, Starts, RunBoxes]
"""`x`, `y`, `run_starts` and `run_boxes`."""
Line = tuple[float, float, float, float]
"""East and north of where it begins, and of where it ends, in metres."""


@compiled
def covers(
    px: float,
    py: float,
    outlines: Outlines,
    first_run: int,
    runs: int,
) -> bool:
    """Tell whether a point is within an outline or on its edge.

    Source:
        A ray to the east crosses the edge an odd number of times: Shimrat, Algorithm 112,
        Communications of the ACM 5 (1962).
    """
    # Counting without a branch, and slices that begin at nought, let the compiler take several
    # edges at once.
    x, y, run_starts, run_boxes = outlines
    crossings, touches = 0, 0
    for run in range(first_run, first_run + runs):
        _west, south, east, north = run_boxes[run]
        if south > py or north < py or east < px:
            continue
        to_east = x[run_starts[run] : run_starts[run + 1]]
        to_north = y[run_starts[run] : run_starts[run + 1]]
        for at in range(len(to_east) - 1):
            ax, ay = to_east[at] - px, to_north[at] - py
            bx, by = to_east[at + 1] - px, to_north[at + 1] - py
            side = ax * by - ay * bx
            crossings += ((ay > 0.0) != (by > 0.0)) & ((side > 0.0) == (by > ay))
            touches += (side == 0.0) & (ax * bx <= 0.0) & (ay * by <= 0.0)
    return crossings % 2 == 1 or touches > 0


@compiled
def nearest(
    px: float,
    py: float,
    stretch: float,
    outlines: Outlines,
    first_run: int,
    runs: int,
) -> tuple[float, float]:
    """Return the way from a point to the nearest one of the edge: metres east and north.

    Args:
        px: Metres, before stretching.
        py: Metres.
        stretch: By what everything is stretched from west to east before it is measured.
        outlines: See above, before stretching.
        first_run: The outline's first run.
        runs: How many it has; one at least.
    """
    x, y, run_starts, run_boxes = outlines
    # The run whose box is nearest goes first, so that most others need no look.
    begin, least = first_run, np.inf
    for run in range(first_run, first_run + runs):
        from_box = _from_box(px, py, stretch, run_boxes[run])
        if from_box < least:
            begin, least = run, from_box
    least, to_east, to_north = np.inf, 0.0, 0.0
    for turn in range(runs):
        run = begin + turn
        if run >= first_run + runs:
            run -= runs
        if turn > 0 and _from_box(px, py, stretch, run_boxes[run]) >= least:
            continue
        start = run_starts[run]
        bx, by = (x[start] - px) * stretch, y[start] - py
        for at in range(start + 1, run_starts[run + 1]):
            ax, ay = bx, by
            bx, by = (x[at] - px) * stretch, y[at] - py
            dx, dy = bx - ax, by - ay
            along = -(ax * dx + ay * dy)
            length = dx * dx + dy * dy
            share = 0.0 if along <= 0.0 else (1.0 if along >= length else along / length)
            nx, ny = ax + share * dx, ay + share * dy
            square = nx * nx + ny * ny
            if square < least:
                least, to_east, to_north = square, nx, ny
    return to_east, to_north


@compiled
def _from_box(px: float, py: float, stretch: float, box: RunBoxes) -> float:
    """Return the square of the distance to a box, in square metres."""
    west, south, east, north = box
    dx = max(west - px, 0.0, px - east) * stretch
    dy = max(south - py, 0.0, py - north)
    return float(dx * dx + dy * dy)


@compiled
def meets(
    line: Line,
    within_m: float,
    stretch: float,
    outlines: Outlines,
    first_run: int,
    runs: int,
) -> bool:
    """Tell whether a straight line comes that near to the edge of an outline.

    Args:
        line: Before stretching.
        within_m: How near, on the stretched map; 0 asks whether the two touch.
        stretch: See `nearest`, as all that follow.
        outlines: See above.
        first_run: The outline's first run.
        runs: How many it has.
    """
    x, y, run_starts, run_boxes = outlines
    ax, ay, bx, by = line[0] * stretch, line[1], line[2] * stretch, line[3]
    for run in range(first_run, first_run + runs):
        west, south, east, north = run_boxes[run]
        if (
            max(ax, bx) < west * stretch - within_m
            or min(ax, bx) > east * stretch + within_m
            or max(ay, by) < south - within_m
            or min(ay, by) > north + within_m
        ):
            continue
        for at in range(run_starts[run], run_starts[run + 1] - 1):
            cx, cy, dx, dy = x[at] * stretch, y[at], x[at + 1] * stretch, y[at + 1]
            if _cross(ax, ay, bx, by, cx, cy, dx, dy):
                return True
            near = min(
                from_line(ax, ay, cx, cy, dx, dy),
                from_line(bx, by, cx, cy, dx, dy),
                from_line(cx, cy, ax, ay, bx, by),
                from_line(dx, dy, ax, ay, bx, by),
            )
            if near <= within_m:
                return True
    return False


@compiled
def from_line(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Return how far a point is from the nearest one of a straight line, in metres."""
    dx, dy = bx - ax, by - ay
    along = (px - ax) * dx + (py - ay) * dy
    length = dx * dx + dy * dy
    share = 0.0 if along <= 0.0 else (1.0 if along >= length else along / length)
    return float(np.hypot(ax + share * dx - px, ay + share * dy - py))


@compiled
def _cross(
    ax: float, ay: float, bx: float, by: float, cx: float, cy: float, dx: float, dy: float
) -> bool:
    """Tell whether the lines from a to b and from c to d cross, each on both sides of the other."""
    abc = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    abd = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    cda = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    cdb = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    return (abc > 0.0) != (abd > 0.0) and (cda > 0.0) != (cdb > 0.0)
