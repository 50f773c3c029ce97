"""Every loop of the index compiled before the first ping needs it."""

from datetime import timedelta
from uuid import UUID

import numpy as np
import shapely

from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.watched import Watched


def compile_ahead() -> None:
    """Use every loop once.

    What was compiled before on this machine is read from disk in half a second; compiling takes
    five seconds. `NUMBA_CACHE_DIR` names where it is kept if the source's folder is read-only.
    """
    index = GeofenceIndex([_watched(1, radius_m=None), _watched(2, radius_m=50.0)], revision=0)
    lon, lat = np.array([0.0, 0.001]), np.array([0.0, 0.001])
    matches = index.match(lon, lat)
    index.distances_m(lon, lat, matches.positions, matches.geofences)
    index.crossed(lon, lat, lat, lon)
    index.numbers_of([UUID(int=1)])


def _watched(number: int, *, radius_m: float | None) -> Watched:
    """Make a square, or a circle, where equator and prime meridian cross."""
    return Watched(
        id=UUID(int=number),
        place_id=UUID(int=number),
        organisation_id=UUID(int=number),
        dwell_after=timedelta(minutes=5),
        margin_m=10.0,
        area=shapely.MultiPolygon([shapely.box(-0.001, -0.001, 0.001, 0.001)]),
        centre=None if radius_m is None else (0.0, 0.0),
        radius_m=radius_m,
    )
