"""Geofences as they are read from the table, before they become numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray

Overrides = tuple[tuple[str, object], ...]
"""Names of a geofence's own constants of presence in their order, each with its value."""

Keys = NDArray[np.uint64]
"""Ids, each as two numbers that are compared quickly; shape (n, 2)."""
Floats = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Some geofences as they are now, column by column: `n` of which a few may be gone.

    Thousands are read so without an object for each. Columns other than `ids` have entries for
    those that are watched alone, in the same order.
    """

    ids: Keys
    watched: NDArray[np.bool_]
    """False for those watched no more, shape (n,)."""
    places: Keys
    organisations: Keys
    dwell_after_s: Floats
    margin_m: Floats
    areas: NDArray[np.object_]
    """Multipolygons in degrees; whatever stands there for a circle is not looked at."""
    centres: Floats
    """Degrees, shape (m, 2); NaN for what is no circle."""
    radius_m: Floats
    """NaN for what is no circle."""
    overrides: Sequence[Overrides]

    @classmethod
    def of(cls, watched: Sequence[Watched], gone: Sequence[UUID] = ()) -> "Changes":
        """Put geofences into columns, and behind them those that are gone."""
        areas = np.empty(len(watched), dtype=object)
        areas[:] = [one.area for one in watched]
        return cls(
            ids=keys([*(one.id for one in watched), *gone]),
            watched=np.arange(len(watched) + len(gone)) < len(watched),
            places=keys([one.place_id for one in watched]),
            organisations=keys([one.organisation_id for one in watched]),
            dwell_after_s=np.array([one.dwell_after.total_seconds() for one in watched]),
            margin_m=np.array([one.margin_m for one in watched], dtype=float),
            areas=areas,
            centres=np.array(
                [one.centre or (np.nan, np.nan) for one in watched], dtype=float
            ).reshape(-1, 2),
            radius_m=np.array([one.radius_m or np.nan for one in watched], dtype=float),
            overrides=[one.overrides for one in watched],
        )


def keys(ids: Sequence[UUID]) -> Keys:
    """Return ids as numbers."""
    return keys_of_bytes([id_.bytes for id_ in ids])


def keys_of_bytes(ids: Sequence[bytes]) -> Keys:
    """Return ids, given as 16 bytes each, as numbers."""
    return np.frombuffer(bytearray().join(ids), dtype=np.uint64).reshape(-1, 2)
