"""Pings as columns: whatever is done to many at once is done to numbers, not to objects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from geoservices.clock import microseconds
from geoservices.pings.screening import PingReport

Numbers = NDArray[np.float64]
Microseconds = NDArray[np.int64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pings:
    """Any number of pings, one entry each; NaN is what the phone did not say."""

    ids: NDArray[np.uint8]
    """The bytes of the UUIDs, shape (n, 16)."""
    recorded_at: Microseconds
    """Since 1970, by the device's clock."""
    lon: Numbers
    lat: Numbers
    accuracy_m: Numbers
    speed_mps: Numbers
    heading_deg: Numbers

    def __len__(self) -> int:
        return len(self.recorded_at)

    @classmethod
    def of(cls, reports: Sequence[PingReport]) -> "Pings":
        """Return reports as columns."""
        return cls(
            ids=id_column(report.id for report in reports),
            recorded_at=np.array(
                [microseconds(report.recorded_at) for report in reports], dtype=np.int64
            ),
            lon=np.array([report.position.lon for report in reports], dtype=float),
            lat=np.array([report.position.lat for report in reports], dtype=float),
            # None becomes NaN.
            accuracy_m=np.array([report.position.accuracy_m for report in reports], dtype=float),
            speed_mps=np.array([report.speed_mps for report in reports], dtype=float),
            heading_deg=np.array([report.heading_deg for report in reports], dtype=float),
        )

    def picked(self, numbers: Indices | NDArray[np.bool_]) -> "Pings":
        """Return these of the pings."""
        return Pings(**{field.name: getattr(self, field.name)[numbers] for field in fields(self)})

    def uuids(self, numbers: Indices) -> list[UUID]:
        """Return the ids of these of the pings."""
        return [UUID(bytes=self.ids[number].tobytes()) for number in numbers.tolist()]

    @staticmethod
    def joined(parts: Sequence["Pings"]) -> "Pings":
        """Return the pings of several batches as one, in order."""
        if len(parts) == 1:
            return parts[0]
        return Pings(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(Pings)
            }
        )


def id_column(ids: Iterable[UUID]) -> NDArray[np.uint8]:
    """Return UUIDs as their bytes, shape (n, 16)."""
    return np.frombuffer(b"".join([id_.bytes for id_ in ids]), dtype=np.uint8).reshape(-1, 16)
