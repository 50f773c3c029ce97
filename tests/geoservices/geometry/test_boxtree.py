"""The tree of boxes finds what looking at every box would find."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geoservices.geometry.boxtree import FANOUT, BoxTree

Floats = NDArray[np.float64]
EXACT = 1 / 1024
"""Multiples of it are the same in half the bits, so that nothing is rounded outwards by much."""


def scattered(random: np.random.Generator, count: int) -> Floats:
    """Boxes of very different sizes, some across the antimeridian, some all the way round."""
    size = random.choice([0.0, 0.01, 0.5, 30.0, 180.0], (count, 2), p=[0.2, 0.4, 0.3, 0.09, 0.01])
    middle = random.uniform((-180, -90), (180, 90), (count, 2))
    return np.hstack([middle - size, middle + size])


def looked_at_one_by_one(boxes: Floats, queries: Floats) -> list[tuple[int, int]]:
    """Every pair of a query and a box that meet, also once round the globe."""
    found = []
    for query, (west, south, east, north) in enumerate(queries.tolist()):
        for box, (left, bottom, right, top) in enumerate(boxes.tolist()):
            around = any(left <= east + by and west + by <= right for by in (0.0, 360.0, -360.0))
            if around and bottom <= north and south <= top:
                found.append((query, box))
    return found


def pairs(found: tuple[NDArray[np.intp], NDArray[np.intp]]) -> list[tuple[int, int]]:
    """The pairs as the tree gives them."""
    return list(zip(found[0].tolist(), found[1].tolist(), strict=True))


@given(st.integers(0, 2**32), st.sampled_from([0, 1, 2, FANOUT, FANOUT + 1, 400]))
@example(7, FANOUT**2)
def test_the_tree_finds_every_pair_once_and_in_order(seed: int, count: int) -> None:
    """Positions, and boxes of any size; what it finds besides is nearer than rounding goes."""
    random = np.random.default_rng(seed)
    boxes = np.round(scattered(random, count) / EXACT) * EXACT
    queries = scattered(random, 20)
    points = np.repeat(random.uniform((-180, -90), (180, 90), (20, 2)), 2, axis=0).reshape(-1, 4)
    rounding = np.array([-1, -1, 1, 1]) * 1e-4
    tree = BoxTree.of(boxes)

    for asked in (queries, points):
        found = pairs(tree.meeting(*(column.copy() for column in asked.T)))

        assert found == sorted(set(found))
        assert set(looked_at_one_by_one(boxes, asked)) <= set(found)
        assert set(found) <= set(looked_at_one_by_one(boxes + rounding, asked))


def test_a_box_all_the_way_round_is_found_once() -> None:
    """Both of its ends are the same meridian."""
    tree = BoxTree.of(np.array([[-180.0, 80.0, 180.0, 90.0]]))

    assert pairs(tree.holding(np.array([180.0, -180.0]), np.array([85.0, 85.0]))) == [
        (0, 0),
        (1, 0),
    ]


def test_room_is_made_for_any_number_of_pairs() -> None:
    """A thousand boxes on one spot."""
    tree = BoxTree.of(np.tile([0.0, 0.0, 1.0, 1.0], (1000, 1)))

    positions, boxes = tree.holding(np.array([0.5, 3.0, 0.25]), np.array([0.5, 0.5, 0.5]))

    assert positions.tolist() == [0] * 1000 + [2] * 1000
    assert boxes.tolist() == [*range(1000)] * 2


def test_the_extent_passes_over_what_is_left_out() -> None:
    """None is left of nothing."""
    tree = BoxTree.of(np.array([[0.0, 0.0, 1.0, 1.0], [5.0, 5.0, 6.0, 7.0]]))

    assert tree.extent(np.array([False, False])) == pytest.approx((0, 0, 6, 7), abs=1e-5)
    assert tree.extent(np.array([True, False])) == pytest.approx((5, 5, 6, 7), abs=1e-5)
    assert tree.extent(np.array([True, True])) is None
    assert BoxTree.of(np.empty((0, 4))).extent(np.empty(0, dtype=bool)) is None
