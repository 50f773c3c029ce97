"""Geofences as arrays: their flat maps, and what else there is to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import numpy as np

from geoservices.geofences.flatmaps import FlatMaps, Records, emptied
from geoservices.geofences.watched import Changes, Indices, Keys, Overrides, Watched, uuids

FACTS = np.dtype(
    [
        ("organisation_id", "u8", 2),
        ("dwell_after_s", "f8"),
        ("size_m", "f8"),
        ("overrides", "i8"),
    ]
)
"""What there is to know of a geofence beside its map."""


@dataclass(frozen=True, slots=True)
class Table:
    """`n` geofences as arrays, in any order."""

    flat: FlatMaps
    ids: Keys
    places: Keys
    facts: Records
    """Of `FACTS`, shape (n,)."""

    @classmethod
    def of(cls, read: Changes, overrides: Mapping[Overrides, int]) -> "Table":
        """Turn geofences into numbers.

        Args:
            read: The geofences; those gone are passed over.
            overrides: The number of each set of constants that occurs among them.
        """
        flat, sizes_m = FlatMaps.of(read)
        facts = np.zeros(len(sizes_m), dtype=FACTS)
        facts["organisation_id"] = read.organisations
        facts["dwell_after_s"] = read.dwell_after_s
        facts["size_m"] = sizes_m
        facts["overrides"] = list(map(overrides.__getitem__, read.overrides))
        return cls(flat, read.ids[read.watched], read.places, facts)

    def picked(self, numbers: Indices) -> "Table":
        """Return these geofences."""
        flat = self.flat.picked(numbers)
        return Table(flat, self.ids[numbers], self.places[numbers], self.facts[numbers])

    @classmethod
    def joined(cls, parts: list["Table"]) -> "Table":
        """Return the geofences of all parts, one part behind the other, and empty the list."""
        flats, ids = [part.flat for part in parts], [part.ids for part in parts]
        places, facts = [part.places for part in parts], [part.facts for part in parts]
        parts.clear()
        return cls(FlatMaps.joined(flats), emptied(ids), emptied(places), emptied(facts))

    def watched(self, number: int, overrides: Sequence[Overrides]) -> Watched:
        """Return one geofence as it was read, without its area."""
        map_, facts = self.flat.maps[number], self.facts[number]
        circle = map_["runs"] == 0
        return Watched(
            id=_uuid(self.ids[number]),
            place_id=_uuid(self.places[number]),
            organisation_id=_uuid(facts["organisation_id"]),
            dwell_after=timedelta(seconds=float(facts["dwell_after_s"])),
            margin_m=float(map_["margin_m"]),
            area=None,
            centre=(float(map_["lon"]), float(map_["lat"])) if circle else None,
            radius_m=float(map_["radius_m"]) if circle else None,
            overrides=overrides[facts["overrides"]],
        )


def _uuid(key: Keys) -> UUID:
    [found] = uuids(key)
    return found
