"""The watched geofences in memory: which contain a position, and how far their edges are.

Each polygon is kept on a flat map of its own, in metres round its middle, so that whole batches
are measured in a few calls. Circles are kept as numbers. A polygon that RFC 7946 section 3.1.9
has cut at the antimeridian is put together again on its map, so that the cut is no edge.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray

from geoservices.geometry.planar import (
    Degrees,
    Metres,
    degrees_between,
    distance_m,
    metres_per_degree,
)

Indices = NDArray[np.intp]
HALF_TURN_DEG = 180.0
ONCE_ROUND_DEG = np.array([360.0, 0.0])
MANY_VERTICES = 64
NEARLY_A_POLE_DEG = 89.9
NEGLIGIBLE_STRETCH = 5e-4
"""What 2.7 km north or south of a map's origin make of its width at 50 degrees."""
SLACK = 1.02
"""By what boxes reach further than need be: a degree's length differs by 1 % round the globe."""
AT_ONCE = 4096
"""So many pairs are measured at once, or fewer where their geofences have many vertices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One geofence as it is read: a circle has `centre` and `radius_m`, anything else `area`.

    `area` is in degrees. Once its map is drawn the index lets go of it.
    """

    id: UUID
    place_id: UUID
    organisation_id: UUID
    dwell_after: timedelta
    margin_m: float
    area: shapely.MultiPolygon | None
    centre: tuple[float, float] | None
    radius_m: float | None


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of a position and a geofence that contains it, margin included."""

    positions: Indices
    geofences: Indices


class GeofenceIndex:
    """A snapshot of all watched geofences; it never changes, so threads share it freely."""

    def __init__(self, watched: Sequence[Watched], *, revision: int) -> None:
        """Build the index.

        Args:
            watched: The geofences, in any order.
            revision: The counter's value they were read at.
        """
        self._set_up(
            tuple(replace(one, area=None) for one in watched), _FlatMaps.of(watched), revision
        )

    def _set_up(self, watched: tuple[Watched, ...], maps: "_FlatMaps", revision: int) -> None:
        self._watched = watched
        self.revision = revision
        self._number_of = {geofence.id: at for at, geofence in enumerate(watched)}
        self._maps = maps
        self._places = _keys([geofence.place_id for geofence in watched])
        bounds = maps.bounds()
        self._boxes = _Boxes(bounds)
        self._extent = _extent(bounds)

    def updated(self, changes: Mapping[UUID, Watched | None], *, revision: int) -> "GeofenceIndex":
        """Return the index after changes; the maps of what has not changed are kept.

        Args:
            changes: What each changed geofence is now; None for one that is watched no more.
            revision: The counter's value that the changes lead to.
        """
        kept = [at for at, geofence in enumerate(self._watched) if geofence.id not in changes]
        added = [geofence for geofence in changes.values() if geofence is not None]
        new = GeofenceIndex.__new__(GeofenceIndex)
        new._set_up(  # noqa: SLF001  # It is of the same class.
            (
                *(self._watched[at] for at in kept),
                *(replace(geofence, area=None) for geofence in added),
            ),
            self._maps.picked(np.array(kept, dtype=np.intp)).joined(_FlatMaps.of(added)),
            revision,
        )
        return new

    def sizes_m(self) -> Metres:
        """Return for each geofence the radius of the circle of the same area, in metres."""
        return self._maps.sizes_m

    def match(self, lon: Degrees, lat: Degrees) -> Matches:
        """Find the geofences that contain each position.

        Args:
            lon: Degrees, shape (n,).
            lat: Degrees, shape (n,).
        """
        positions, geofences = self._boxes.holding(lon, lat)
        inside = self._maps.contain(lon[positions], lat[positions], geofences)
        return Matches(positions[inside], geofences[inside])

    def near(
        self, lon: Degrees, lat: Degrees, geofences: Indices, reach_m: Metres
    ) -> tuple[Indices, Indices]:
        """Find the pairs of a position and one of some geofences that may be close together.

        Of every pair left out `distances_m` would say more than the geofence's reach. Nothing is
        measured, so that those close together may be told from the others cheaply.

        Args:
            lon: Degrees, shape (n,).
            lat: Degrees, shape (n,).
            geofences: Which geofences to look at, each once, shape (m,).
            reach_m: How far from the edge of each is still close, shape (m,).

        Returns:
            The position and the geofence of each pair, in the order of the positions and then of
            the geofences.
        """
        boxes = _Boxes(self._maps.picked(geofences).bounds(reach_m))
        positions, at = boxes.holding(lon, lat)
        order = np.lexsort((geofences[at], positions))
        return positions[order], geofences[at][order]

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
        return self._maps.distances_m(lon[positions], lat[positions], geofences)

    def of_place(self, place_id: UUID) -> Indices:
        """Return the geofences of one place."""
        return np.flatnonzero((self._places == _keys([place_id])).all(axis=1))

    def looks_swapped(self, lon: Degrees, lat: Degrees) -> NDArray[np.bool_]:
        if self._extent is None:
            return np.zeros(len(lon), dtype=np.bool_)
        return np.array(
            [
                abs(x) <= 90
                and _within(self._extent, y, x, grown_deg=1.0)
                and not _within(self._extent, x, y, grown_deg=5.0)
                for x, y in zip(lon.tolist(), lat.tolist())
            ],
            dtype=bool,
        )

    def numbers_of(self, ids):
        return np.array([self._number_of.get(i, -1) for i in ids], dtype=np.intp)

    def number_of(self, id_):
        return self._number_of.get(id_)

    def watched(self, number):
        return self._watched[number]


class _Boxes:
    """Boxes in degrees, some of which may run beyond 180 degrees."""

    def __init__(self, bounds: NDArray[np.float64]) -> None:
        self._tree = shapely.STRtree(np.atleast_1d(np.asarray(shapely.box(*bounds.T))))
        self._wraps = bool(np.any((bounds[:, 0] < -HALF_TURN_DEG) | (bounds[:, 2] > HALF_TURN_DEG)))

    def holding(self, lon: Degrees, lat: Degrees) -> tuple[Indices, Indices]:
        """Return pairs of a position and a box that holds it."""
        shifts = (0.0, 360.0, -360.0) if self._wraps else (0.0,)
        found = [self._tree.query(shapely.points(lon + shift, lat)) for shift in shifts]
        pairs = np.concatenate(found, axis=1)
        return pairs[0].astype(np.intp), pairs[1].astype(np.intp)


@dataclass(frozen=True, slots=True)
class _FlatMaps:
    """Every geofence's own flat map, as arrays with one entry a geofence."""

    origin_lon: Degrees
    origin_lat: Degrees
    per_lon: Metres
    """Metres per degree of longitude at the origin."""
    per_lat: Metres
    radius_m: Metres
    """NaN for polygons."""
    margin_m: Metres
    shapes: NDArray[np.object_]
    """Multipolygons in metres round the origin; None for circles."""
    sizes_m: Metres

    @classmethod
    def of(cls, watched: Sequence[Watched]) -> "_FlatMaps":
        areas = np.array([None if one.centre else one.area for one in watched], dtype=object)
        degrees = shapely.bounds(areas).reshape(-1, 4)
        cut = (degrees[:, 0] <= -HALF_TURN_DEG) & (degrees[:, 2] >= HALF_TURN_DEG)
        for at in np.flatnonzero(cut).tolist():
            areas[at] = _rejoined(areas[at])
        degrees = shapely.bounds(areas).reshape(-1, 4)
        middle = (degrees[:, :2] + degrees[:, 2:]) / 2
        centres = np.array([one.centre or (np.nan, np.nan) for one in watched]).reshape(-1, 2)
        origin = np.where(np.isnan(centres), middle, centres)
        radius_m = np.array([one.radius_m or np.nan for one in watched], dtype=float)
        shapes = _laid_out(areas, origin[:, 0], origin[:, 1])
        # The others are so simple that preparing them costs more than it saves.
        shapely.prepare(shapes[shapely.get_num_coordinates(shapes) > MANY_VERTICES])
        drawn_m = np.sqrt(shapely.area(shapes) / np.pi)
        return cls(
            origin[:, 0],
            origin[:, 1],
            *metres_per_degree(origin[:, 1]),
            radius_m,
            np.array([one.margin_m for one in watched], dtype=float),
            shapes,
            np.where(np.isnan(radius_m), drawn_m, radius_m),
        )

    def picked(self, numbers: Indices) -> "_FlatMaps":
        """Return the maps of these geofences."""
        return _FlatMaps(*(getattr(self, field.name)[numbers] for field in fields(self)))

    def joined(self, others: "_FlatMaps") -> "_FlatMaps":
        """Return these maps and the others behind them."""
        return _FlatMaps(
            *(
                np.concatenate([getattr(self, field.name), getattr(others, field.name)])
                for field in fields(self)
            )
        )

    def bounds(self, beyond_m: Metres | float = 0.0) -> NDArray[np.float64]:
        """Return the boxes in degrees, margins included: west, south, east, north; (n, 4).

        Args:
            beyond_m: How far outside a geofence its box shall hold everything. Whatever lies
                outside the box is further away than that, as `distances_m` has it.
        """
        drawn = np.nan_to_num(shapely.bounds(self.shapes).reshape(-1, 4))
        reach_m = SLACK * (np.nan_to_num(self.radius_m) + self.margin_m + beyond_m + 1.0)
        origin = np.stack([self.origin_lon, self.origin_lat] * 2, axis=1)
        boxes = origin + drawn / np.stack([self.per_lon, self.per_lat] * 2, axis=1)
        north = reach_m / self.per_lat
        # What reaches out takes more degrees of longitude the nearer to a pole it ends, and at
        # the pole itself all of them.
        poleward = np.abs(boxes[:, 1::2]).max(axis=1) + north
        per_lon, _ = metres_per_degree(np.minimum(poleward, NEARLY_A_POLE_DEG))
        east = np.where(poleward < NEARLY_A_POLE_DEG, reach_m / per_lon, HALF_TURN_DEG)
        east = np.minimum(east, HALF_TURN_DEG - (boxes[:, 2] - boxes[:, 0]) / 2)
        return np.asarray(boxes + np.stack([-east, -north, east, north], axis=1))

    def distances_m(self, lon: Degrees, lat: Degrees, geofences: Indices) -> Metres:
        """Return signed distances for pairs: of each position to the geofence beside it."""
        result = np.empty(len(geofences))
        for part in self._parts(geofences):
            result[part] = self._part_m(lon[part], lat[part], geofences[part])
        return result

    def _parts(self, geofences: Indices) -> Iterator[slice]:
        """Cut pairs into parts that are measured at once, so that memory stays bounded."""
        vertices = shapely.get_num_coordinates(self.shapes[geofences])
        shares = np.cumsum(np.maximum(vertices, MANY_VERTICES)) // (AT_ONCE * MANY_VERTICES)
        cuts = np.flatnonzero(np.diff(shares)) + 1
        return (slice(*ends) for ends in pairwise([0, *cuts.tolist(), len(geofences)]))

    def _part_m(self, lon: Degrees, lat: Degrees, geofences: Indices) -> Metres:
        origin_lon, origin_lat = self.origin_lon[geofences], self.origin_lat[geofences]
        radius_m = self.radius_m[geofences]
        result = distance_m(origin_lon, origin_lat, lon, lat) - radius_m
        drawn = np.isnan(radius_m)
        if drawn.any():
            result[drawn] = self._to_polygons(lon[drawn], lat[drawn], geofences[drawn])
        return result - self.margin_m[geofences]

    def contain(self, lon: Degrees, lat: Degrees, geofences: Indices) -> NDArray[np.bool_]:
        """Tell for pairs whether the position is within the geofence, margin included.

        Only where a margin or a circle asks for it is a distance measured.
        """
        result = np.empty(len(geofences), dtype=np.bool_)
        for part in self._parts(geofences):
            result[part] = self._part_contained(lon[part], lat[part], geofences[part])
        return result

    def _part_contained(self, lon: Degrees, lat: Degrees, geofences: Indices) -> NDArray[np.bool_]:
        result = np.empty(len(geofences), dtype=np.bool_)
        bare = np.isnan(self.radius_m[geofences]) & (self.margin_m[geofences] == 0.0)
        drawn = geofences[bare]
        x, y = self._on_map(lon[bare], lat[bare], drawn)
        result[bare] = shapely.covers(self.shapes[drawn], shapely.points(x, y))
        others = ~bare
        result[others] = self._part_m(lon[others], lat[others], geofences[others]) <= 0
        return result

    def _on_map(self, lon: Degrees, lat: Degrees, geofences: Indices) -> tuple[Metres, Metres]:
        """Lay positions out on the maps: metres east and north of each map's origin."""
        x = degrees_between(lon, self.origin_lon[geofences]) * self.per_lon[geofences]
        return x, (lat - self.origin_lat[geofences]) * self.per_lat[geofences]

    def _to_polygons(self, lon: Degrees, lat: Degrees, geofences: Indices) -> Metres:
        origin_lon, origin_lat = self.origin_lon[geofences], self.origin_lat[geofences]
        per_lon, per_lat = self.per_lon[geofences], self.per_lat[geofences]
        x, y = self._on_map(lon, lat, geofences)
        inside = shapely.covers(self.shapes[geofences], shapely.points(x, y))
        # Away from its origin the map is too wide or too narrow, and what is nearest on it need
        # not be; so it is stretched to the position's latitude where that makes a difference.
        stretch = metres_per_degree(lat)[0] / per_lon
        stretch[np.abs(stretch - 1.0) <= NEGLIGIBLE_STRETCH] = 1.0
        # An edge is made once however many positions are measured against it.
        drawn, at = np.unique(geofences, return_inverse=True)
        edges = _stretched(shapely.boundary(self.shapes[drawn])[at], stretch)
        lines = shapely.shortest_line(shapely.points(x * stretch, y), edges)
        nearest = shapely.get_coordinates(lines).reshape(-1, 2, 2)[:, 1]
        metres = distance_m(
            lon,
            lat,
            origin_lon + nearest[:, 0] / stretch / per_lon,
            origin_lat + nearest[:, 1] / per_lat,
        )
        return np.where(inside, -metres, metres)


def _laid_out(
    areas: NDArray[np.object_], origin_lon: Degrees, origin_lat: Degrees
) -> NDArray[np.object_]:
    coordinates, owner = shapely.get_coordinates(areas, return_index=True)
    per_lon, per_lat = metres_per_degree(origin_lat)
    flat = np.empty_like(coordinates)
    flat[:, 0] = (coordinates[:, 0] - origin_lon[owner]) * per_lon[owner]
    flat[:, 1] = (coordinates[:, 1] - origin_lat[owner]) * per_lat[owner]
    # set_coordinates works in place, and the areas given belong to the caller.
    return np.asarray(shapely.set_coordinates(areas.copy(), flat), dtype=object)


def _stretched(edges: NDArray[np.object_], stretch: Metres) -> NDArray[np.object_]:
    """Stretch edges from west to east."""
    off = stretch != 1.0
    coordinates, owner = shapely.get_coordinates(edges[off], return_index=True)
    coordinates[:, 0] *= stretch[off][owner]
    edges[off] = shapely.set_coordinates(edges[off], coordinates)
    return edges


def _rejoined(area: shapely.MultiPolygon) -> shapely.MultiPolygon:
    """Put a polygon cut at the antimeridian together, its western half beyond 180 degrees."""
    east = [
        shapely.transform(part, lambda xy: xy + ONCE_ROUND_DEG) if part.bounds[2] <= 0 else part
        for part in area.geoms
    ]
    joined = shapely.union_all(east)
    return shapely.MultiPolygon(list(shapely.get_parts(joined)))


def _keys(ids: Sequence[UUID]) -> NDArray[np.uint64]:
    """Return ids as pairs of numbers, shape (n, 2), which are compared quickly."""
    return np.frombuffer(b"".join(id_.bytes for id_ in ids), dtype=np.uint64).reshape(-1, 2)


def _extent(bounds: NDArray[np.float64]) -> tuple[float, float, float, float] | None:
    if len(bounds) == 0:
        return None
    west, south = bounds[:, :2].min(axis=0).tolist()
    east, north = bounds[:, 2:].max(axis=0).tolist()
    return west, south, east, north


def _within(
    extent: tuple[float, float, float, float], lon: float, lat: float, *, grown_deg: float
) -> bool:
    west, south, east, north = extent
    return (
        west - grown_deg <= lon <= east + grown_deg
        and south - grown_deg <= lat <= north + grown_deg
    )
