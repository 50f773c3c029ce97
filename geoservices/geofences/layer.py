"""A table of geofences with what finds its rows: by position, by id and by place."""

from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from geoservices.geofences import measuring
from geoservices.geofences.flatmaps import boxes_round
from geoservices.geofences.table import Table
from geoservices.geofences.watched import Indices, Keys, uuids
from geoservices.geometry.boxtree import BoxTree
from geoservices.geometry.compiling import compiled
from geoservices.geometry.planar import Degrees, Metres, degrees_between


@dataclass(frozen=True, slots=True)
class Reaching:
    """Those of a table's geofences that have a reach, and what finds them within it."""

    numbers: Indices
    tree: BoxTree

    @classmethod
    def of(cls, table: Table, reach_m: Metres) -> "Reaching":
        """Index those whose set of constants has a reach, in metres, shape (number of sets,)."""
        of_each = reach_m[table.facts["overrides"]]
        numbers = np.flatnonzero(of_each > 0.0)
        flat = table.flat.picked(numbers)
        return cls(numbers, BoxTree.of(flat.bounds(of_each[numbers])))


@dataclass(frozen=True, slots=True)
class Layer:
    """A table and what finds its rows; some of them may be gone since."""

    table: Table
    tree: BoxTree
    by_id: Indices
    """The rows in the order of their ids."""
    by_place: Indices
    gone: NDArray[np.bool_]
    _reaching: dict[tuple[float, ...], Reaching] = field(default_factory=dict)
    """What was last asked for, by the reaches; the layer goes on using it when some are gone."""

    @classmethod
    def of(cls, parts: list[Table]) -> "Layer":
        """Index the geofences of some tables, one behind the other, and empty the list."""
        table = Table.joined(parts)
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
        sides = np.ascontiguousarray(boxes_round(lon, lat, reach_m).T)
        positions, numbers = self.tree.meeting(*sides)
        near = self.distances_m(lon, lat, positions, numbers) <= reach_m[positions]
        near &= ~self.gone[numbers]
        return positions[near], numbers[near]

    def reached(
        self, lon: Degrees, lat: Degrees, reach_m: tuple[float, ...]
    ) -> tuple[Indices, Indices]:
        """Return pairs of a position and a geofence with a reach, all that may be close together.

        Args:
            lon: Degrees, shape (n,).
            lat: Degrees, shape (n,).
            reach_m: The reach of those that have each set of constants; 0 is none.
        """
        reaching = self._reaching.get(reach_m)
        if reaching is None:
            reaching = Reaching.of(self.table, np.array(reach_m))
            self._reaching.clear()
            self._reaching[reach_m] = reaching
        positions, at = reaching.tree.holding(lon, lat)
        numbers = reaching.numbers[at]
        there = ~self.gone[numbers]
        return positions[there], numbers[there]

    def distances_m(
        self, lon: Degrees, lat: Degrees, positions: Indices, numbers: Indices
    ) -> Metres:
        """Return the signed distance of each pair, in metres."""
        flat = self.table.flat
        return measuring.distances_m(flat.maps, flat.outlines, lon, lat, positions, numbers)

    def ids(self) -> list[UUID]:
        """Return the ids of those not gone, in the order of the rows."""
        return uuids(self.table.ids[~self.gone])

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
