"""Made-up people who walk: seeded, so that demo, tests and bench see the same steps.

A phone's error is not white noise: for a while it says "ten metres further east", and then
something else. It is modelled as a first-order Gauss-Markov process, on each axis by itself:

    e[k+1] = a * e[k] + sqrt(1 - a²) * s[k+1] * w,    a = exp(-interval / correlation)

with w standard normal and s the standard deviation on one axis. How good the reception is
(s itself) drifts the same way, and the reported accuracy follows it: the radius of the circle
that holds 68 % of such errors, s * sqrt(-2 ln 0.32). `test_simulation.py` counts the share.

Source:
    Gauss-Markov: Gelb (ed.), Applied Optimal Estimation (1974), section 2.5. Circular error of
    two independent normal axes: the Rayleigh distribution. The presets are of the order that
    phones report in the open, between tall buildings and indoors on Wi-Fi; they are assumptions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import exp, log, sqrt

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from geoservices.geometry.planar import degrees_between, distance_m, metres_per_degree

LonLat = tuple[float, float]

CIRCLE_68 = sqrt(-2.0 * log(1.0 - 0.68))
"""Radius that holds 68 % of errors, in standard deviations on one axis: 1.51."""
OUTLIER_ACCURACY_M = 2.0
"""What a phone claims when it is wrong and does not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseModel:
    """How wrong a phone is.

    `sigma_m` is the typical standard deviation on one axis and `drift` how far, in powers of e,
    reception strays from it; `correlation` is how long an error lasts; `floor_m` the best
    accuracy a phone reports. A share `outliers` of the pings is `outlier_m` off, each by itself,
    and claims an accuracy of 2 m.
    """

    sigma_m: float
    correlation: timedelta
    drift: float = 0.25
    floor_m: float = 3.0
    outliers: float = 0.0
    outlier_m: float = 400.0


NONE = NoiseModel(sigma_m=0.0, correlation=timedelta(seconds=60), floor_m=5.0)
GOOD_SKY = NoiseModel(sigma_m=3.2, correlation=timedelta(seconds=60))
URBAN_CANYON = NoiseModel(sigma_m=13.0, correlation=timedelta(seconds=30), drift=0.4)
INDOOR = NoiseModel(sigma_m=23.0, correlation=timedelta(seconds=120), drift=0.4, floor_m=10.0)


class Reception(StrEnum):
    """Where the phone is, by name."""

    NONE = "none"
    GOOD_SKY = "good-sky"
    URBAN_CANYON = "urban-canyon"
    INDOOR = "indoor"


PRESETS = {
    Reception.NONE: NONE,
    Reception.GOOD_SKY: GOOD_SKY,
    Reception.URBAN_CANYON: URBAN_CANYON,
    Reception.INDOOR: INDOOR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPing:
    """One report of a walker's phone, and where the walker truly was."""

    recorded_at: datetime
    lon: float
    lat: float
    accuracy_m: float
    true_lon: float
    true_lat: float
    speed_mps: float
    heading_deg: float | None


def walk(
    path: Sequence[LonLat],
    *,
    start_at: datetime,
    speed_mps: float = 1.4,
    interval: timedelta = timedelta(seconds=5),
    noise: NoiseModel,
    seed: int,
) -> list[SimulatedPing]:
    """Walk along a path, reporting at every interval until its end, the end included.

    Args:
        path: At least two points, in degrees; the way between them is straight.
        start_at: When the walker stands at the first point.
        speed_mps: Metres a second, more than 0.
        interval: Between two pings.
        noise: How wrong the phone is.
        seed: The same seed gives the same pings.

    Raises:
        ValueError: The path has fewer than two points, or the speed is not more than 0.
    """
    if len(path) < 2 or speed_mps <= 0.0:  # noqa: PLR2004
        raise ValueError("A walk needs two points and a speed.")
    lonlat = np.array(path, dtype=np.float64)
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    legs_m = distance_m(lon[:-1], lat[:-1], lon[1:], lat[1:])
    way_m = np.concatenate([[0.0], np.cumsum(legs_m)])
    step_m = speed_mps * interval.total_seconds()
    gone_m = np.append(np.arange(0.0, way_m[-1], step_m), way_m[-1])
    # Unrolled round the first point, so that a walk may cross the antimeridian.
    east_deg = np.interp(gone_m, way_m, degrees_between(lon, lon[0]))
    truth = np.column_stack([lon[0] + east_deg, np.interp(gone_m, way_m, lat)])
    seconds = gone_m / speed_mps
    headings = _headings(lon, lat)
    legs = np.clip(np.searchsorted(way_m, gone_m, side="right") - 1, 0, len(headings) - 1)
    return list(_report(truth, seconds, headings[legs], speed_mps, start_at, noise, seed))


def stay_at(
    point: LonLat,
    duration: timedelta,
    *,
    start_at: datetime,
    interval: timedelta = timedelta(seconds=5),
    noise: NoiseModel,
    seed: int,
) -> list[SimulatedPing]:
    """Stand still, reporting at every interval for so long; speed 0, no heading."""
    seconds = np.arange(0.0, duration.total_seconds() + 1e-9, interval.total_seconds())
    truth = np.tile(np.array(point, dtype=np.float64), (len(seconds), 1))
    return list(_report(truth, seconds, None, 0.0, start_at, noise, seed))


def stroll_past(
    outline: Polygon | MultiPolygon,
    *,
    offset_m: float = 8.0,
    before_m: float = 150.0,
    after_m: float = 150.0,
) -> list[LonLat]:
    """Return a straight way past a building, along the long side of the box drawn round it.

    The box is the smallest rectangle, turned any way, round the largest polygon; of its two long
    sides the one nearer to the building's longest wall is taken. The way never comes nearer to
    the building than `offset_m`, and comes exactly that near.

    Args:
        outline: Degrees.
        offset_m: Metres between the building and the way.
        before_m: Metres from the start to where the building begins.
        after_m: Metres from where the building ends to the end.
    """
    building = max(shapely.get_parts(outline), key=lambda part: float(part.area))
    origin = np.array(building.centroid.coords[0])
    scale = np.array([float(metres[0]) for metres in metres_per_degree(origin[1:])])
    metres = (shapely.get_coordinates(building.exterior) - origin) * scale
    start, end, outward = _long_side(metres)
    along = (end - start) / np.hypot(*(end - start))
    way = np.array([start - along * before_m, end + along * after_m]) + outward * offset_m
    return [(float(lon), float(lat)) for lon, lat in origin + way / scale]


def _long_side(
    wall: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return both ends of a long side of the box round a wall, and the direction outward."""
    box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shapely.Polygon(wall)))[:4]
    if np.hypot(*(box[1] - box[0])) < np.hypot(*(box[2] - box[1])):
        box = np.roll(box, -1, axis=0)
    sides = ((box[0], box[1]), (box[2], box[3]))
    edges = np.diff(wall, axis=0)
    longest = int(np.argmax(np.hypot(edges[:, 0], edges[:, 1])))
    middle = shapely.Point((wall[longest] + wall[longest + 1]) / 2.0)
    start, end = min(sides, key=lambda side: shapely.distance(shapely.linestrings(side), middle))
    outward = (start + end) / 2.0 - box.mean(axis=0)
    return start, end, outward / np.hypot(*outward)


def _headings(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    per_lon_m, per_lat_m = metres_per_degree((lat[:-1] + lat[1:]) / 2.0)
    east_m = degrees_between(lon[1:], lon[:-1]) * per_lon_m
    return np.degrees(np.arctan2(east_m, np.diff(lat) * per_lat_m)) % 360.0


def _report(
    truth: NDArray[np.float64],
    seconds: NDArray[np.float64],
    headings: NDArray[np.float64] | None,
    speed_mps: float,
    start_at: datetime,
    noise: NoiseModel,
    seed: int,
) -> Iterator[SimulatedPing]:
    error_m, accuracy_m = _errors(seconds, noise, np.random.default_rng(seed))
    per_lon_m, per_lat_m = metres_per_degree(truth[:, 1])
    seen = truth + error_m / np.column_stack([per_lon_m, per_lat_m])
    seen[:, 0] = degrees_between(seen[:, 0], np.zeros(len(seen)))
    true_lon = degrees_between(truth[:, 0], np.zeros(len(truth)))
    for k, second in enumerate(seconds.tolist()):
        yield SimulatedPing(
            recorded_at=start_at + timedelta(seconds=second),
            lon=round(float(seen[k, 0]), 7),
            lat=round(float(seen[k, 1]), 7),
            accuracy_m=round(float(accuracy_m[k]), 1),
            true_lon=float(true_lon[k]),
            true_lat=float(truth[k, 1]),
            speed_mps=speed_mps,
            heading_deg=None if headings is None else round(float(headings[k]), 1),
        )


def _errors(
    seconds: NDArray[np.float64], noise: NoiseModel, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return errors to the east and north, shape (n, 2), and the accuracies reported, (n,)."""
    reception, east, north = (_gauss_markov(seconds, noise.correlation, rng) for _ in range(3))
    sigma_m = noise.sigma_m * np.exp(noise.drift * reception)
    error_m = np.column_stack([east, north]) * sigma_m[:, np.newaxis]
    accuracy_m = np.maximum(sigma_m * CIRCLE_68, noise.floor_m)
    chance, bearing = rng.random(len(seconds)), rng.random(len(seconds)) * 2.0 * np.pi
    wrong = chance < noise.outliers
    away_m = noise.outlier_m * np.column_stack([np.sin(bearing), np.cos(bearing)])
    return (
        np.where(wrong[:, np.newaxis], away_m, error_m),
        np.where(wrong, OUTLIER_ACCURACY_M, accuracy_m),
    )


def _gauss_markov(
    seconds: NDArray[np.float64], correlation: timedelta, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a process of variance 1 that forgets within the correlation time."""
    shocks = rng.standard_normal(len(seconds))
    state = shocks.copy()
    for k in range(1, len(seconds)):
        keep = exp(-(seconds[k] - seconds[k - 1]) / correlation.total_seconds())
        state[k] = keep * state[k - 1] + sqrt(1.0 - keep**2) * shocks[k]
    return state
