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
Indices = NDArray[np.intp]


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
    areas: Sequence[bytes]
    """Well-known binary, little-endian, of the multipolygons of those that are no circles."""
    centres: Floats
    """Degrees, shape (m, 2); NaN for what is no circle."""
    radius_m: Floats
    """NaN for what is no circle."""
    overrides: Sequence[Overrides]

    @classmethod
    def of(cls, watched: Sequence[Watched], gone: Sequence[UUID] = ()) -> "Changes":
        """Put geofences into columns, and behind them those that are gone."""
        return cls(
            ids=keys([*(one.id for one in watched), *gone]),
            watched=np.arange(len(watched) + len(gone)) < len(watched),
            places=keys([one.place_id for one in watched]),
            organisations=keys([one.organisation_id for one in watched]),
            dwell_after_s=np.array([one.dwell_after.total_seconds() for one in watched]),
            margin_m=np.array([one.margin_m for one in watched], dtype=float),
            areas=[
                as_wkb(one.area) for one in watched if one.radius_m is None and one.area is not None
            ],
            centres=np.array(
                [one.centre or (np.nan, np.nan) for one in watched], dtype=float
            ).reshape(-1, 2),
            radius_m=np.array([one.radius_m or np.nan for one in watched], dtype=float),
            overrides=[one.overrides for one in watched],
        )


def keys(ids: Sequence[UUID]) -> Keys:
    """Return ids as numbers."""
    joined = bytearray().join(id_.bytes for id_ in ids)
    return np.frombuffer(joined, dtype=np.uint64).reshape(-1, 2)


def uuids(keys_: Keys) -> list[UUID]:
    """Return the ids that numbers stand for."""
    joined = keys_.tobytes()
    return [UUID(bytes=joined[at : at + 16]) for at in range(0, len(joined), 16)]


def as_wkb(area: shapely.MultiPolygon) -> bytes:
    """Return an area as `Changes` has it."""
    return bytes(shapely.to_wkb(area, byte_order=1))
