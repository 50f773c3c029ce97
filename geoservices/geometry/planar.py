"""Flat maps that are true nearby, so that planar geometry answers in metres."""

import numpy as np
from numpy.typing import NDArray

Degrees = NDArray[np.float64]
Metres = NDArray[np.float64]

SEMI_MAJOR_AXIS_M = 6_378_137.0
"""WGS 84."""
ECCENTRICITY_SQUARED = 0.00669437999014
"""WGS 84."""


def metres_per_degree(lat: Degrees) -> tuple[Metres, Metres]:
    """Return what a degree of longitude and a degree of latitude are worth at each latitude.

    Args:
        lat: Degrees, any shape.

    Returns:
        Metres per degree east-west and north-south, each of the shape of `lat`.

    Accuracy:
        Distances laid out with these from a point at up to 70 degrees of latitude are off by
        less than 0.1 % at 10 km; `test_planar.py` holds them against geodesics.

    Source:
        Radii of curvature in the prime vertical and the meridian: Snyder, Map Projections: A
        Working Manual, USGS Professional Paper 1395 (1987), equations 4-20 and 4-18.
    """
    phi = np.radians(lat)
    w = 1.0 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    prime_vertical_m = SEMI_MAJOR_AXIS_M / np.sqrt(w)
    meridian_m = SEMI_MAJOR_AXIS_M * (1.0 - ECCENTRICITY_SQUARED) / (w * np.sqrt(w))
    return np.radians(1.0) * prime_vertical_m * np.cos(phi), np.radians(1.0) * meridian_m


def degrees_between(lon: Degrees, origin_lon: Degrees) -> Degrees:
    """Return the difference of longitudes the short way round, from -180 to 180 degrees.

    Where it is short anyway nothing is rounded: the same two longitudes give the same difference
    wherever it is taken.
    """
    difference = lon - origin_lon
    return difference - 360.0 * np.rint(difference / 360.0)


def distance_m(lon_a: Degrees, lat_a: Degrees, lon_b: Degrees, lat_b: Degrees) -> Metres:
    """Return the distances between pairs of points, in metres.

    The flat map is laid at the middle latitude of each pair, which keeps the error below 0.1 %
    up to 100 km; beyond, it is an estimate.

    Args:
        lon_a: Degrees; all four arrays have the same shape, or broadcast.
        lat_a: Degrees.
        lon_b: Degrees.
        lat_b: Degrees.
    """
    per_lon_m, per_lat_m = metres_per_degree((lat_a + lat_b) / 2.0)
    return np.hypot(degrees_between(lon_b, lon_a) * per_lon_m, (lat_b - lat_a) * per_lat_m)
