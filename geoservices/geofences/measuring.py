"""Signed distances to geofences on their flat maps, and who is within or crosses whom."""

from collections.abc import Callable
from typing import TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from geoservices.geofences.flatmaps import Records
from geoservices.geofences.watched import Indices
from geoservices.geometry import planar
from geoservices.geometry.compiling import compiled
from geoservices.geometry.outlines import Outlines, covers, from_line, meets, nearest
from geoservices.geometry.planar import Degrees, Metres


class Map(TypedDict):
    """One record of `flatmaps.MAP`."""

    lon: float
    lat: float
    per_lon: float
    per_lat: float
    radius_m: float
    margin_m: float
    first_run: int
    runs: int


Lines = tuple[Degrees, Degrees, Degrees, Degrees]
"""Longitude and latitude of where each line begins, and of where it ends."""

# What takes arrays of numbers takes numbers as well, once it is compiled.
_metres_per_degree = cast(
    "Callable[[float], tuple[float, float]]", compiled(planar.metres_per_degree)
)
_degrees_between = cast("Callable[[float, float], float]", compiled(planar.degrees_between))


@compiled
def distances_m(
    maps: Records,
    outlines: Outlines,
    lon: Degrees,
    lat: Degrees,
    positions: Indices,
    numbers: Indices,
) -> Metres:
    """Return the signed distance of each pair, in metres, negative inside; shape (k,)."""
    found = np.empty(len(positions))
    for pair in range(len(positions)):
        at = positions[pair]
        found[pair] = _signed_m(maps[numbers[pair]], outlines, lon[at], lat[at])
    return found


@compiled
def contained(
    maps: Records,
    outlines: Outlines,
    left_out: NDArray[np.bool_],
    lon: Degrees,
    lat: Degrees,
    positions: Indices,
    numbers: Indices,
) -> tuple[Indices, Indices, Metres]:
    """Return of some pairs those where the geofence contains the position, and their distances."""
    kept = np.empty(len(positions), dtype=np.intp)
    metres = np.empty(len(positions))
    count = 0
    for pair in range(len(positions)):
        number, at = numbers[pair], positions[pair]
        if left_out[number]:
            continue
        signed_m = _inside_m(maps[number], outlines, lon[at], lat[at])
        if signed_m <= 0.0:
            kept[count], metres[count] = pair, signed_m
            count += 1
    kept = kept[:count]
    return positions[kept], numbers[kept], metres[:count].copy()


@compiled
def crossed(
    maps: Records,
    outlines: Outlines,
    left_out: NDArray[np.bool_],
    lines: Lines,
    at: Indices,
    numbers: Indices,
) -> NDArray[np.bool_]:
    """Tell of pairs of a straight line and a geofence whether the two meet."""
    lon, lat, to_lon, to_lat = lines
    found = np.zeros(len(at), dtype=np.bool_)
    for pair in range(len(at)):
        number, line = numbers[pair], at[pair]
        if not left_out[number]:
            found[pair] = _crossed(
                maps[number], outlines, lon[line], lat[line], to_lon[line], to_lat[line]
            )
    return found


@compiled
def _signed_m(map_: Map, outlines: Outlines, lon: float, lat: float) -> float:
    """Return the signed distance to one geofence, margin included."""
    if map_["runs"] == 0:
        return _from_circle_m(map_, lon, lat)
    metres = _from_edge_m(map_, outlines, lon, lat)
    inside = _covers(map_, outlines, lon, lat)
    return (-metres if inside else metres) - map_["margin_m"]


@compiled
def _inside_m(map_: Map, outlines: Outlines, lon: float, lat: float) -> float:
    """Return the signed distance to one geofence, or infinity if it is plainly positive."""
    if map_["runs"] == 0:
        return _from_circle_m(map_, lon, lat)
    if _covers(map_, outlines, lon, lat):
        return -_from_edge_m(map_, outlines, lon, lat) - map_["margin_m"]
    if map_["margin_m"] == 0.0:
        return np.inf
    return _from_edge_m(map_, outlines, lon, lat) - map_["margin_m"]


@compiled
def _crossed(
    map_: Map, outlines: Outlines, lon: float, lat: float, to_lon: float, to_lat: float
) -> bool:
    if (
        _inside_m(map_, outlines, lon, lat) <= 0.0
        or _inside_m(map_, outlines, to_lon, to_lat) <= 0.0
    ):
        return True
    ax, ay = _on_map(map_, lon, lat)
    by = (to_lat - map_["lat"]) * map_["per_lat"]
    bx = ax + _degrees_between(to_lon, lon) * map_["per_lon"]
    stretch = _metres_per_degree((lat + to_lat) / 2.0)[0] / map_["per_lon"]
    if map_["runs"] == 0:
        away_m = from_line(0.0, 0.0, ax * stretch, ay, bx * stretch, by)
        return away_m <= map_["radius_m"] + map_["margin_m"]
    line = (ax, ay, bx, by)
    return meets(line, map_["margin_m"], stretch, outlines, map_["first_run"], map_["runs"])


@compiled
def _on_map(map_: Map, lon: float, lat: float) -> tuple[float, float]:
    """Lay a position out on a map: metres east and north of its origin."""
    x = _degrees_between(lon, map_["lon"]) * map_["per_lon"]
    return x, (lat - map_["lat"]) * map_["per_lat"]


@compiled
def _covers(map_: Map, outlines: Outlines, lon: float, lat: float) -> bool:
    px, py = _on_map(map_, lon, lat)
    return covers(px, py, outlines, map_["first_run"], map_["runs"])


@compiled
def _from_circle_m(map_: Map, lon: float, lat: float) -> float:
    """Return the signed distance to a circle: the one from its centre, less what it reaches."""
    per_lon, per_lat = _metres_per_degree((lat + map_["lat"]) / 2.0)
    to_east = _degrees_between(lon, map_["lon"]) * per_lon
    to_north = (lat - map_["lat"]) * per_lat
    return float(np.hypot(to_east, to_north)) - map_["radius_m"] - map_["margin_m"]


@compiled
def _from_edge_m(map_: Map, outlines: Outlines, lon: float, lat: float) -> float:
    """Return the distance to the nearest point of a polygon's edge, which is never negative."""
    px, py = _on_map(map_, lon, lat)
    # Away from its origin the map is too wide or too narrow, and what is nearest on it need
    # not be; so it is stretched to the position's latitude.
    per_lon, _per_lat = _metres_per_degree(lat)
    to_east, to_north = nearest(
        px, py, per_lon / map_["per_lon"], outlines, map_["first_run"], map_["runs"]
    )
    # The way there is measured as wide as it is half-way.
    to_north /= map_["per_lat"]
    half_way_lon, half_way_lat = _metres_per_degree(lat + to_north / 2.0)
    return float(np.hypot(to_east / per_lon * half_way_lon, to_north * half_way_lat))
