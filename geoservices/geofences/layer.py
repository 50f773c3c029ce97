"""A table of geofences with what finds its rows: by position, by id and by place."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geoservices.geofences import measuring
from geoservices.geofences.flatmaps import Indices, boxes_round
from geoservices.geofences.table import Table
from geoservices.geofences.watched import Keys
from geoservices.geometry.boxtree import BoxTree
from geoservices.geometry.compiling import compiled
from geoservices.geometry.planar import Degrees, Metres, degrees_between


@dataclass(frozen=True, slots=True)
class Layer:
    """A table and what finds its rows; some of them may be gone since."""

    table: Table
    tree: BoxTree
    by_id: Indices
    """The rows in the order of their ids."""
    by_place: Indices
    gone: NDArray[np.bool_]

    @classmethod
    def of(cls, table: Table) -> "Layer":
        """Index a table."""
        return cls(
            table,
            BoxTree.of(table.flat.bounds()),
            _order(table.ids),
            _order(table.places),
            np.zeros(len(table.facts), dtype=np.bool_),
        )

    def __len__(self) -> int:
        """Return how many geofences it has numbers for, those gone included."""
        return len(self.gone)

    def without(self, ids: Keys) -> "Layer":
        """Return the layer with the geofences of these ids gone."""
        rows = self.numbers_of(ids)
        gone = self.gone.copy()
        gone[rows[rows >= 0]] = True
        return replace(self, gone=gone)

    def remaining(self) -> Table:
        """Return the table without what is gone."""
        return self.table.picked(np.flatnonzero(~self.gone)) if self.gone.any() else self.table

    def matching(self, lon: Degrees, lat: Degrees) -> tuple[Indices, Indices, Metres]:
        """Return pairs of a position and a geofence that contains it, and their distances."""
        positions, numbers = self.tree.holding(lon, lat)
        flat = self.table.flat
        return measuring.contained(
            flat.maps, flat.outlines, self.gone, lon, lat, positions, numbers
        )

    def crossing(
        self, lon: Degrees, lat: Degrees, to_lon: Degrees, to_lat: Degrees
    ) -> tuple[Indices, Indices]:
        """Return pairs of a straight line and a geofence that it meets."""
        ends = lon + degrees_between(to_lon, lon)
        at, numbers = self.tree.meeting(
            np.minimum(lon, ends),
            np.minimum(lat, to_lat),
            np.maximum(lon, ends),
            np.maximum(lat, to_lat),
        )
        flat = self.table.flat
        lines = (lon, lat, to_lon, to_lat)
        met = measuring.crossed(flat.maps, flat.outlines, self.gone, lines, at, numbers)
        return at[met], numbers[met]

    def within(self, lon: Degrees, lat: Degrees, reach_m: Metres) -> tuple[Indices, Indices]:
        """Return pairs of a position and a geofence that is no further from it than its reach."""
        west, south, east, north = boxes_round(lon, lat, reach_m)
        positions, numbers = self.tree.meeting(west, south, east, north)
        near = self.distances_m(lon, lat, positions, numbers) <= reach_m[positions]
        near &= ~self.gone[numbers]
        return positions[near], numbers[near]

    def near(
        self, lon: Degrees, lat: Degrees, numbers: Indices, reach_m: Metres
    ) -> tuple[Indices, Indices]:
        """Return pairs of a position and one of some geofences, all that may be close together."""
        tree = BoxTree.of(self.table.flat.picked(numbers).bounds(reach_m))
        positions, at = tree.holding(lon, lat)
        return positions, numbers[at]

    def distances_m(
        self, lon: Degrees, lat: Degrees, positions: Indices, numbers: Indices
    ) -> Metres:
        """Return the signed distance of each pair, in metres."""
        flat = self.table.flat
        return measuring.distances_m(flat.maps, flat.outlines, lon, lat, positions, numbers)

    def numbers_of(self, wanted: Keys) -> Indices:
        """Return the row of each id; -1 for what is not there or gone."""
        firsts, lasts = _found(self.table.ids, self.by_id, wanted)
        found = np.full(len(wanted), -1)
        there = firsts < lasts
        found[there] = self.by_id[firsts[there]]
        found[there] = np.where(self.gone[found[there]], -1, found[there])
        return found

    def of_place(self, place: Keys) -> Indices:
        """Return the rows of one place, in their order."""
        [first], [last] = _found(self.table.places, self.by_place, place)
        found = np.sort(self.by_place[first:last])
        return np.asarray(found[~self.gone[found]])


def _order(of: Keys) -> Indices:
    return np.lexsort((of[:, 1], of[:, 0]))


@compiled
def _found(of: Keys, order: Indices, wanted: Keys) -> tuple[Indices, Indices]:
    """Return for each key the run of equal ones in the order: the first, and one past the last."""
    firsts = np.empty(len(wanted), dtype=np.intp)
    lasts = np.empty(len(wanted), dtype=np.intp)
    for at in range(len(wanted)):
        upper, lower = wanted[at, 0], wanted[at, 1]
        first, end = 0, len(order)
        while first < end:
            middle = (first + end) // 2
            a, b = of[order[middle], 0], of[order[middle], 1]
            if a < upper or (a == upper and b < lower):
                first = middle + 1
            else:
                end = middle
        last = first
        end = len(order)
        while last < end:
            middle = (last + end) // 2
            a, b = of[order[middle], 0], of[order[middle], 1]
            if a < upper or (a == upper and b <= lower):
                last = middle + 1
            else:
                end = middle
        firsts[at], lasts[at] = first, last
    return firsts, lasts
