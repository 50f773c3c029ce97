"""The watched geofences in memory: which contain a position, and how far their edges are.

Nothing is kept as an object per geofence: outlines, ids and all else are arrays, and compiled
loops go through them. What has changed lately is a small layer over a large one that stays as it
is, so a change costs little and processes made by forking go on sharing the large one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from geoservices.geofences.watched import Changes, Indices, Overrides, Watched, keys
from geoservices.geometry.planar import Degrees, Metres

if TYPE_CHECKING:
    from geoservices.geofences.layer import Layer
    from geoservices.geofences.table import Table

Number = TypeVar("Number", np.float64, np.intp, np.uint64)

HALF_TURN_DEG = 180.0
SHARE = 16
"""When what changed is more than this part of what did not, all becomes one layer again."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of a position, or a line, and a geofence, in the order of both."""

    positions: Indices
    geofences: Indices


class GeofenceIndex:
    """A snapshot of all watched geofences; it never changes, so threads share it freely.

    Each geofence has a number. Those of geofences that are gone may stay unused, so there can be
    more numbers than geofences.
    """

    def __init__(self, watched: Sequence[Watched], *, revision: int) -> None:
        """Build the index.

        Args:
            watched: The geofences, in any order.
            revision: The counter's value they were read at.
        """
        overrides: dict[Overrides, int] = {}
        base = _table(Changes.of(watched), overrides)
        self._set_up(_layer([base]), _layer([_nothing()]), tuple(overrides), revision)

    def _set_up(
        self, base: "Layer", recent: "Layer", overrides: tuple[Overrides, ...], revision: int
    ) -> None:
        self.revision = revision
        self.overrides = overrides
        """Each set of constants of presence that a geofence has for its own."""
        self._base = base
        self._recent = recent
        self._extent = _united(base.tree.extent(base.gone), recent.tree.extent(recent.gone))
        facts = [layer.table.facts for layer in self._layers()]
        self._sizes_m = _joined([one["size_m"] for one in facts])
        self.dwell_after_s = _joined([one["dwell_after_s"] for one in facts])
        """For how long one stays in each geofence before one dwells, in seconds, shape (n,)."""
        self.overrides_number = _joined([one["overrides"] for one in facts])
        """Which of `overrides` each geofence has, shape (n,)."""

    def updated(self, changes: Iterable[Changes], *, revision: int) -> "GeofenceIndex":
        """Return the index after changes; what has not changed is not built again.

        Args:
            changes: What has changed, some at a time.
            revision: The counter's value that the changes lead to.
        """
        overrides = {one: number for number, one in enumerate(self.overrides)}
        base, recent, parts = self._base, self._recent, list["Table"]()
        for some in changes:
            base, recent = base.without(some.ids), recent.without(some.ids)
            parts.append(_table(some, overrides))
        parts.insert(0, recent.remaining())
        if SHARE * (sum(len(part.ids) for part in parts) + base.gone.sum()) > len(base):
            parts.insert(0, base.remaining())
            base, parts = _layer(parts), [_nothing()]
        new = GeofenceIndex.__new__(GeofenceIndex)
        recent = _layer(parts)
        new._set_up(base, recent, tuple(overrides), revision)  # noqa: SLF001  # It is of this class.
        return new

    def __len__(self) -> int:
        """Return how many geofences are watched."""
        return len(self.numbers())

    def numbers(self) -> Indices:
        """Return the numbers of all geofences."""
        return np.flatnonzero(~_joined([layer.gone for layer in self._layers()]))

    def ids(self) -> list[UUID]:
        """Return the ids of all geofences."""
        return [one for layer in self._layers() for one in layer.ids()]

    def number_of(self, geofence_id: UUID) -> int | None:
        """Return the number of a geofence; None if it is not watched."""
        [number] = self.numbers_of([geofence_id]).tolist()
        return None if number < 0 else number

    def numbers_of(self, ids: Sequence[UUID] | NDArray[np.uint8]) -> Indices:
        """Return the number of each geofence, -1 if it is not watched; shape (n,).

        Args:
            ids: The ids, or their bytes in an array of shape (n, 16).
        """
        wanted = _plain(ids.view(np.uint64)) if isinstance(ids, np.ndarray) else keys(ids)
        found = self._recent.numbers_of(wanted)
        return np.where(found < 0, self._base.numbers_of(wanted), found + len(self._base))

    def watched(self, number: int) -> Watched:
        """Return a geofence as it was read, without its area."""
        if number < len(self._base):
            return self._base.table.watched(number, self.overrides)
        return self._recent.table.watched(number - len(self._base), self.overrides)

    def of_place(self, place_id: UUID) -> Indices:
        """Return the geofences of one place."""
        place = keys([place_id])
        recent = self._recent.of_place(place) + len(self._base)
        return np.concatenate([self._base.of_place(place), recent])

    def sizes_m(self) -> Metres:
        """Return for each geofence the radius of the circle of the same area, in metres."""
        return self._sizes_m

    def match(self, lon: Degrees, lat: Degrees) -> Matches:
        """Find the geofences that contain each position, margins included.

        Args:
            lon: Degrees, shape (n,).
            lat: Degrees, shape (n,).
        """
        return self.match_with_distances(lon, lat)[0]

    def match_with_distances(self, lon: Degrees, lat: Degrees) -> tuple[Matches, Metres]:
        """Find the geofences that contain each position, and the distances to their edges.

        Args:
            lon: Degrees, shape (n,).
            lat: Degrees, shape (n,).

        Returns:
            The pairs, and the distance of each as `distances_m` gives it.
        """
        lon, lat = _plain(lon), _plain(lat)
        positions, geofences, metres = self._base.matching(lon, lat)
        if len(self._recent) == 0:
            return Matches(positions, geofences), metres
        also = self._recent.matching(lon, lat)
        positions = np.concatenate([positions, also[0]])
        order = np.argsort(positions, kind="stable")
        geofences = np.concatenate([geofences, also[1] + len(self._base)])
        metres = np.concatenate([metres, also[2]])
        return Matches(positions[order], geofences[order]), metres[order]

    def crossed(
        self, from_lon: Degrees, from_lat: Degrees, to_lon: Degrees, to_lat: Degrees
    ) -> Matches:
        """Find the geofences that straight lines meet, margins included.

        Args:
            from_lon: Where each line begins, degrees, shape (k,).
            from_lat: Degrees, shape (k,).
            to_lon: Where it ends, the short way round, at most some kilometres away, shape (k,).
            to_lat: Degrees, shape (k,).

        Returns:
            Pairs of a line and a geofence; those are among them that contain either end.
        """
        ends = (_plain(from_lon), _plain(from_lat), _plain(to_lon), _plain(to_lat))
        lines, geofences = self._base.crossing(*ends)
        if len(self._recent) == 0:
            return Matches(lines, geofences)
        also = self._recent.crossing(*ends)
        lines = np.concatenate([lines, also[0]])
        order = np.argsort(lines, kind="stable")
        geofences = np.concatenate([geofences, also[1] + len(self._base)])
        return Matches(lines[order], geofences[order])

    def within(self, lon: Degrees, lat: Degrees, reach_m: Metres) -> Matches:
        """Find the geofences that circles round positions touch, margins included.

        Args:
            lon: Degrees, shape (n,).
            lat: Degrees, shape (n,).
            reach_m: The radius of each circle, shape (n,).
        """
        lon, lat, reach_m = _plain(lon), _plain(lat), _plain(reach_m)
        positions, geofences = self._base.within(lon, lat, reach_m)
        if len(self._recent) == 0:
            return Matches(positions, geofences)
        also = self._recent.within(lon, lat, reach_m)
        positions = np.concatenate([positions, also[0]])
        order = np.argsort(positions, kind="stable")
        geofences = np.concatenate([geofences, also[1] + len(self._base)])
        return Matches(positions[order], geofences[order])

    def reached(
        self, lon: Degrees, lat: Degrees, reach_m: tuple[float, ...]
    ) -> tuple[Indices, Indices]:
        """Find the pairs of a position and a geofence with a reach that may be close together.

        Of every pair left out `distances_m` would say more than the geofence's reach. Nothing is
        measured, so that those close together may be told from the others cheaply. What finds
        them is built when it is first asked for and kept, as long as the same reaches are asked
        for.

        Args:
            lon: Degrees, shape (n,).
            lat: Degrees, shape (n,).
            reach_m: For each of `overrides`, how far from the edge of a geofence that has it is
                still close; of those with 0 no pair is told.

        Returns:
            The position and the geofence of each pair, in the order of both.
        """
        lon, lat = _plain(lon), _plain(lat)
        positions, geofences = self._base.reached(lon, lat, reach_m)
        if len(self._recent) == 0:
            return positions, geofences
        also = self._recent.reached(lon, lat, reach_m)
        positions = np.concatenate([positions, also[0]])
        order = np.argsort(positions, kind="stable")
        return positions[order], np.concatenate([geofences, also[1] + len(self._base)])[order]

    def distances_m(
        self, lon: Degrees, lat: Degrees, positions: Indices, geofences: Indices
    ) -> Metres:
        """Return the signed distances from positions to the edges of geofences.

        Args:
            lon: Degrees, shape (n,).
            lat: Degrees, shape (n,).
            positions: Which position each pair is about, shape (k,).
            geofences: Which geofence each pair is about, shape (k,).

        Returns:
            Metres, shape (k,): negative inside, margin included.

        Accuracy:
            Within 0.1 % up to 10 km from the edge, at up to 70 degrees of latitude.
        """
        lon, lat = _plain(lon), _plain(lat)
        positions, geofences = _plain(positions), _plain(geofences)
        in_base = geofences < len(self._base)
        if in_base.all():
            return self._base.distances_m(lon, lat, positions, geofences)
        found = np.empty(len(geofences))
        found[in_base] = self._base.distances_m(lon, lat, positions[in_base], geofences[in_base])
        found[~in_base] = self._recent.distances_m(
            lon, lat, positions[~in_base], geofences[~in_base] - len(self._base)
        )
        return found

    def looks_swapped(self, lon: Degrees, lat: Degrees) -> NDArray[np.bool_]:
        """Tell which positions far from every geofence would be among them if swapped.

        Args:
            lon: Degrees, shape (n,).
            lat: Degrees, shape (n,).
        """
        if self._extent is None:
            return np.zeros(len(lon), dtype=np.bool_)
        swapped = _within(self._extent, lat, lon, grown_deg=1.0)
        at_home = _within(self._extent, lon, lat, grown_deg=5.0)
        return (np.abs(lon) <= HALF_TURN_DEG / 2) & swapped & ~at_home

    def _layers(self) -> tuple["Layer", ...]:
        return (self._base, self._recent) if len(self._recent) else (self._base,)


def _layer(parts: list["Table"]) -> "Layer":
    # Not every process that knows of an index has one: numba takes a fifth of a second to import.
    from geoservices.geofences.layer import Layer  # noqa: PLC0415

    return Layer.of(parts)


def _table(read: Changes, overrides: dict[Overrides, int]) -> "Table":
    """Turn geofences into numbers, and give each set of constants among them a number."""
    from geoservices.geofences.table import Table  # noqa: PLC0415  # It too imports numba.

    for one in dict.fromkeys(read.overrides):
        overrides.setdefault(one, len(overrides))
    return Table.of(read, overrides)


def _nothing() -> "Table":
    return _table(Changes.of(()), {})


def _plain(numbers: NDArray[Number]) -> NDArray[Number]:
    """Return an array as the loops were compiled for; others would have to be compiled first."""
    return np.require(numbers, requirements=["C", "W"])


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


Extent = tuple[float, float, float, float]


def _united(*extents: Extent | None) -> Extent | None:
    known = [extent for extent in extents if extent is not None]
    if not known:
        return None
    west, south, east, north = zip(*known, strict=True)
    return min(west), min(south), max(east), max(north)


def _within(extent: Extent, lon: Degrees, lat: Degrees, *, grown_deg: float) -> NDArray[np.bool_]:
    west, south, east, north = extent
    return (
        (west - grown_deg <= lon)
        & (lon <= east + grown_deg)
        & (south - grown_deg <= lat)
        & (lat <= north + grown_deg)
    )
