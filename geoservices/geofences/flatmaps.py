"""Every geofence as numbers on a flat map of its own, in metres round its middle.

A polygon that RFC 7946 section 3.1.9 has cut at the antimeridian is put together again on its
map, so that the cut is no edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geoservices.geofences.watched import Changes, Floats, Indices, as_wkb
from geoservices.geometry.planar import Degrees, Metres, metres_per_degree
from geoservices.geometry.ragged import Ragged
from geoservices.geometry.runs import before, boxes_of, cut_into_runs, ranges

Records = NDArray[np.void]

MAP = np.dtype(
    [
        ("lon", "f8"),
        ("lat", "f8"),
        ("per_lon", "f8"),
        ("per_lat", "f8"),
        ("radius_m", "f8"),
        ("margin_m", "f8"),
        ("first_run", "i8"),
        ("runs", "i8"),
    ]
)
"""Where a map's origin is and what a degree is worth there; no runs make a circle.

The fields together fill one line of the processor's cache.
"""
HALF_TURN_DEG = 180.0
ONCE_ROUND_DEG = np.array([360.0, 0.0])
NEARLY_A_POLE_DEG = 89.9
SLACK = 1.02
"""By what boxes reach further than need be: a degree's length differs by 1 % round the globe."""


@dataclass(frozen=True, slots=True)
class FlatMaps:
    """The maps of `n` geofences, and their outlines as `geometry.outlines` takes them."""

    maps: Records
    """Of `MAP`, shape (n,)."""
    x: Metres
    y: Metres
    run_starts: NDArray[np.int64]
    run_boxes: NDArray[np.float32]

    @classmethod
    def of(cls, read: Changes) -> tuple["FlatMaps", Metres]:
        """Lay geofences out; return also the radius of the circle of each one's area."""
        radius_m, origin = read.radius_m.copy(), read.centres.copy()
        drawn = np.isnan(radius_m)
        areas, degrees, square_degrees = _in_one_piece(read.areas)
        origin[drawn] = (degrees[:, :2] + degrees[:, 2:]) / 2
        maps = np.zeros(len(radius_m), dtype=MAP)
        maps["lon"], maps["lat"] = origin[:, 0], origin[:, 1]
        maps["per_lon"], maps["per_lat"] = metres_per_degree(origin[:, 1])
        maps["radius_m"] = np.where(drawn, 0.0, radius_m)
        maps["margin_m"] = read.margin_m
        lonlat, run_starts, maps["runs"][drawn] = cut_into_runs(areas)
        maps["first_run"] = before(maps["runs"])
        runs = maps["first_run"][drawn]
        vertices = run_starts[runs + maps["runs"][drawn]] - run_starts[runs]
        lon, lat, per_lon, per_lat = (
            np.repeat(maps[column][drawn], vertices)
            for column in ("lon", "lat", "per_lon", "per_lat")
        )
        x, y = (lonlat[:, 0] - lon) * per_lon, (lonlat[:, 1] - lat) * per_lat
        scale = maps["per_lon"][drawn] * maps["per_lat"][drawn]
        radius_m[drawn] = np.sqrt(square_degrees * scale / np.pi)
        return cls(maps, x, y, run_starts, boxes_of(x, y, run_starts)), radius_m

    @property
    def outlines(self) -> tuple[Metres, Metres, NDArray[np.int64], NDArray[np.float32]]:
        """The outlines, as `geometry.outlines` takes them."""
        return self.x, self.y, self.run_starts, self.run_boxes

    def picked(self, numbers: Indices) -> "FlatMaps":
        """Return the maps of these geofences."""
        maps = self.maps[numbers]
        runs = ranges(maps["first_run"], maps["runs"])
        maps["first_run"] = before(maps["runs"])
        lengths = np.diff(self.run_starts)[runs]
        vertices = ranges(self.run_starts[runs], lengths)
        starts = np.append(0, np.cumsum(lengths))
        return FlatMaps(maps, self.x[vertices], self.y[vertices], starts, self.run_boxes[runs])

    @classmethod
    def joined(cls, parts: list["FlatMaps"]) -> "FlatMaps":
        """Return the maps of all parts, one part behind the other, and empty the list.

        So of one column at a time there are two copies, and not of everything.
        """
        lengths = [len(part.maps) for part in parts]
        runs = before(np.array([len(part.run_boxes) for part in parts]))
        vertices = before(np.array([len(part.x) for part in parts]))
        maps, run_boxes = [part.maps for part in parts], [part.run_boxes for part in parts]
        x, y = [part.x for part in parts], [part.y for part in parts]
        starts = [part.run_starts[:-1] + by for part, by in zip(parts, vertices, strict=True)]
        starts.append(np.array([sum(map(len, x))]))
        parts.clear()
        all_maps = emptied(maps)
        all_maps["first_run"] += np.repeat(runs, lengths)
        return cls(all_maps, emptied(x), emptied(y), emptied(starts), emptied(run_boxes))

    def bounds(self, beyond_m: Metres | float = 0.0) -> NDArray[np.float64]:
        """Return the boxes in degrees, margins included: west, south, east, north; (n, 4).

        Args:
            beyond_m: How far outside a geofence its box shall hold everything. Whatever lies
                outside the box is further away than that, as `measuring` has it.
        """
        maps = self.maps
        origin = np.stack([maps["lon"], maps["lat"]] * 2, axis=1)
        boxes = origin + self._drawn_m() / np.stack([maps["per_lon"], maps["per_lat"]] * 2, axis=1)
        reach_m = maps["radius_m"] + maps["margin_m"] + beyond_m
        return _grown(boxes, reach_m, maps["per_lat"])

    def _drawn_m(self) -> Metres:
        """Return the boxes of the outlines on their maps; nothing round the origin of a circle."""
        found = np.zeros((len(self.maps), 4))
        drawn = np.flatnonzero(self.maps["runs"])
        if len(drawn):
            firsts = self.maps["first_run"][drawn]
            found[drawn, :2] = np.minimum.reduceat(self.run_boxes[:, :2], firsts)
            found[drawn, 2:] = np.maximum.reduceat(self.run_boxes[:, 2:], firsts)
        return found


def _in_one_piece(wkb: Sequence[bytes]) -> tuple[Ragged, Floats, Floats]:
    """Read areas, and put those cut at the antimeridian together; also their boxes and sizes."""
    areas = Ragged.of(wkb)
    degrees, square_degrees = areas.bounds_and_size()
    cut = (degrees[:, 0] <= -HALF_TURN_DEG) & (degrees[:, 2] >= HALF_TURN_DEG)
    if not cut.any():
        return areas, degrees, square_degrees
    whole = list(wkb)
    for at in np.flatnonzero(cut).tolist():
        whole[at] = _rejoined(whole[at])
    areas = Ragged.of(whole)
    return areas, *areas.bounds_and_size()


def _rejoined(wkb: bytes) -> bytes:
    """Put an area cut at the antimeridian together, its western half beyond 180 degrees."""
    east = [
        shapely.transform(part, lambda xy: xy + ONCE_ROUND_DEG) if part.bounds[2] <= 0 else part
        for part in shapely.get_parts(shapely.from_wkb(wkb))
    ]
    return as_wkb(shapely.MultiPolygon(list(shapely.get_parts(shapely.union_all(east)))))


def emptied(columns: list[NDArray[Any]]) -> NDArray[Any]:
    """Join the parts of a column, and let go of them."""
    joined = np.concatenate(columns)
    columns.clear()
    return joined


def boxes_round(lon: Degrees, lat: Degrees, reach_m: Metres) -> Degrees:
    """Return boxes in degrees that hold circles: west, south, east, north; shape (n, 4).

    Args:
        lon: Degrees, shape (n,).
        lat: Degrees, shape (n,).
        reach_m: The radii, at most some kilometres, shape (n,).
    """
    _, per_lat = metres_per_degree(lat)
    return _grown(np.stack([lon, lat] * 2, axis=1), reach_m, per_lat)


def _grown(boxes: Degrees, reach_m: Metres, per_lat: Metres) -> Degrees:
    """Return boxes that hold all that is within reach of others, all of shape (n, 4)."""
    reach_m = SLACK * (reach_m + 1.0)
    north = reach_m / per_lat
    # What reaches out takes more degrees of longitude the nearer to a pole it ends, and at the
    # pole itself all of them.
    poleward = np.abs(boxes[:, 1::2]).max(axis=1) + north
    per_lon, _ = metres_per_degree(np.minimum(poleward, NEARLY_A_POLE_DEG))
    east = np.where(poleward < NEARLY_A_POLE_DEG, reach_m / per_lon, HALF_TURN_DEG)
    east = np.minimum(east, HALF_TURN_DEG - (boxes[:, 2] - boxes[:, 0]) / 2)
    return np.asarray(boxes + np.stack([-east, -north, east, north], axis=1))
