"""Pings as columns: whatever is done to many at once is done to numbers, not to objects."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from geoservices.instants import microseconds

Numbers = NDArray[np.float64]
Microseconds = NDArray[np.int64]
Indices = NDArray[np.intp]


class Reported(Protocol):
    """A ping as whoever read it has it; what is None or means nothing was not said."""

    @property
    def id(self) -> UUID:
        """The phone's own."""

    @property
    def recorded_at(self) -> datetime:
        """The phone's clock."""

    @property
    def lon(self) -> float:
        """Degrees."""

    @property
    def lat(self) -> float:
        """Degrees."""

    @property
    def accuracy_m(self) -> float | None:
        """Metres; 0 and less mean unknown."""

    @property
    def speed_mps(self) -> float | None:
        """Metres a second; less than 0 means unknown."""

    @property
    def heading_deg(self) -> float | None:
        """Degrees clockwise from north; less than 0 means unknown."""


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
    def of(cls, reports: Sequence[Reported]) -> "Pings":
        """Return reports as columns."""
        accuracy_m = _said([report.accuracy_m for report in reports])
        accuracy_m[accuracy_m == 0.0] = np.nan
        return cls(
            ids=id_column([report.id for report in reports]),
            recorded_at=np.array(
                [microseconds(report.recorded_at) for report in reports], dtype=np.int64
            ),
            lon=np.array([report.lon for report in reports], dtype=float),
            lat=np.array([report.lat for report in reports], dtype=float),
            accuracy_m=accuracy_m,
            speed_mps=_said([report.speed_mps for report in reports]),
            heading_deg=_said([report.heading_deg for report in reports]),
        )

    def picked(self, numbers: Indices | NDArray[np.bool_]) -> "Pings":
        """Return these of the pings."""
        return Pings(**{field.name: getattr(self, field.name)[numbers] for field in fields(self)})

    def uuids(self, numbers: Indices) -> list[UUID]:
        """Return the ids of these of the pings."""
        return [UUID(bytes=self.ids[number].tobytes()) for number in numbers.tolist()]


def id_column(ids: Sequence[UUID]) -> NDArray[np.uint8]:
    """Return UUIDs as their bytes, shape (n, 16)."""
    return np.frombuffer(b"".join([id_.bytes for id_ in ids]), dtype=np.uint8).reshape(-1, 16)


def _said(values: Sequence[float | None]) -> Numbers:
    """Return a column with NaN for what is None or negative."""
    column = np.array(values, dtype=float)
    column[column < 0.0] = np.nan
    return column
