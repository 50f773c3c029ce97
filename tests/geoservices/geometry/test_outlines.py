"""Compiled loops over outlines held against Shapely."""

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geoservices.geometry.outlines import Outlines, covers, meets, nearest
from geoservices.geometry.ragged import Ragged
from geoservices.geometry.runs import RUN_EDGES, boxes_of, cut_into_runs

SEEDS = st.integers(0, 2**32)
CORNERS = st.integers(3, 3 * RUN_EDGES)


def star(random: np.random.Generator, corners: int, reach: float) -> NDArray[np.float64]:
    """A ring round the origin that never crosses itself, on whole numbers or not."""
    bearing = np.sort(random.random(corners)) * 2 * np.pi
    away = reach * (0.5 + 0.5 * random.random(corners))
    ring = np.column_stack([away * np.sin(bearing), away * np.cos(bearing)])
    return np.round(ring) if random.random() < 0.5 else ring


def polygon(seed: int, corners: int) -> tuple[np.random.Generator, shapely.MultiPolygon]:
    """Two islands, the larger one with a lake and an island in it."""
    random = np.random.default_rng(seed)
    land = shapely.Polygon(star(random, corners, 40.0), [star(random, corners, 12.0)])
    inner = shapely.Polygon(star(random, 5, 4.0))
    other = shapely.Polygon(star(random, corners, 20.0) + np.array([70.0, 10.0]))
    area = shapely.MultiPolygon([land, inner, other])
    assume(area.is_valid)
    return random, area


def outlines_of(area: shapely.MultiPolygon) -> tuple[Outlines, int]:
    """The area as the loops take it, and its number of runs."""
    vertices, starts, [runs] = cut_into_runs(Ragged.of([shapely.to_wkb(area)]))
    x, y = vertices.T.copy()
    return (x, y, starts, boxes_of(x, y, starts)), int(runs)


@given(SEEDS, CORNERS)
def test_containment_is_shapelys(seed: int, corners: int) -> None:
    """Edges and corners belong to the outline; holes, and what lies in them, are told apart."""
    random, area = polygon(seed, corners)
    outlines, runs = outlines_of(area)
    points = random.uniform(-45, 95, (200, 2))
    points[::2] = np.round(points[::2])
    for px, py in np.concatenate([points, shapely.get_coordinates(area)]).tolist():
        point = shapely.Point(px, py)
        assert covers(px, py, outlines, 0, runs) == area.covers(point), (px, py)


@given(SEEDS, CORNERS, st.sampled_from([1.0, 0.8, 1.3]))
def test_the_nearest_point_of_the_edge_is_shapelys(seed: int, corners: int, stretch: float) -> None:
    """On a map stretched from west to east too."""
    random, area = polygon(seed, corners)
    outlines, runs = outlines_of(area)
    edge = shapely.transform(area.boundary, lambda xy: xy * [stretch, 1.0])

    for px, py in random.uniform(-80, 120, (100, 2)).tolist():
        way = nearest(px, py, stretch, outlines, 0, runs)

        point = shapely.Point(px * stretch, py)
        assert np.hypot(*way) == pytest.approx(edge.distance(point), abs=1e-6)
        there = shapely.Point(px * stretch + way[0], py + way[1])
        assert edge.distance(there) == pytest.approx(0.0, abs=1e-6)


@given(SEEDS, CORNERS, st.sampled_from([0.0, 2.5]), st.sampled_from([1.0, 0.8]))
def test_a_line_meets_the_edge_where_shapely_says_so(
    seed: int, corners: int, within: float, stretch: float
) -> None:
    """Lines long and short, and points."""
    random, area = polygon(seed, corners)
    outlines, runs = outlines_of(area)
    edge = shapely.transform(area.boundary, lambda xy: xy * [stretch, 1.0])
    begin = random.uniform(-60, 100, (100, 2))
    end = begin + random.normal(0, 1, (100, 2)) * random.choice([0.0, 3.0, 40.0], (100, 1))

    for (ax, ay), (bx, by) in zip(begin.tolist(), end.tolist(), strict=True):
        line = shapely.LineString([(ax * stretch, ay), (bx * stretch, by)])
        apart = edge.distance(line)

        met = meets((ax, ay, bx, by), within, stretch, outlines, 0, runs)

        assert met == (apart <= within) or abs(apart - within) < 1e-6
