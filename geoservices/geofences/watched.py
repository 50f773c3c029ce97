"""A geofence as it is read from the table, before it becomes numbers."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import shapely

from geoservices.geofences.overrides import Overrides


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One geofence: a circle has `centre` and `radius_m`, anything else `area`.

    `area` is in degrees. The index keeps its outline as numbers and lets go of it.
    """

    id: UUID
    place_id: UUID
    organisation_id: UUID
    dwell_after: timedelta
    margin_m: float
    area: shapely.MultiPolygon | None
    centre: tuple[float, float] | None
    radius_m: float | None
    overrides: Overrides = ()
    """The constants of presence that are this geofence's own, by their names."""
