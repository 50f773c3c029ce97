"""What becomes of a ping at the door."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.geometry.position import Position
from geoservices.instants import MICROSECOND, microseconds


class Verdict(StrEnum):
    """What was done with a ping."""

    ACCEPTED = "accepted"
    """Stored, and it took part in deciding where the device is."""
    LATE = "late"
    """Stored, but a newer ping had been followed already, so it changed nothing."""
    REPEATED = "repeated"
    """Stored before; a phone may send again whatever it got no answer to."""
    NOT_KEPT = "not-kept"
    """Neither stored nor followed: its device shares places only."""
    REFUSED = "refused"
    """Not stored; the reason is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PingReport:
    """One report of a position by a device; `recorded_at` is the device's clock."""

    id: UUID
    recorded_at: datetime
    position: Position
    speed_mps: float | None = None
    heading_deg: float | None = None

    @property
    def lon(self) -> float:
        """Return the longitude in degrees."""
        return self.position.lon

    @property
    def lat(self) -> float:
        """Return the latitude in degrees."""
        return self.position.lat

    @property
    def accuracy_m(self) -> float | None:
        """Return the radius of the circle of accuracy in metres."""
        return self.position.accuracy_m


class RecordedInTheFuture(GeoservicesError):
    """The device's clock was ahead by more than is tolerated when it took the position."""

    kind = ErrorKind.INVALID
    code = "recorded-in-the-future"
    title = "The time of the ping lies in the future"

    def __init__(self, *, ahead: timedelta, tolerated: timedelta) -> None:
        super().__init__(
            f"recorded_at is {ahead.total_seconds():.0f} s ahead of the server's clock; "
            f"{tolerated.total_seconds():.0f} s are tolerated.",
            field="/recorded_at",
        )


class RecordedTooLongAgo(GeoservicesError):
    """The position is so old that nothing can come of it."""

    kind = ErrorKind.INVALID
    code = "recorded-too-long-ago"
    title = "The ping is too old"

    def __init__(self, *, oldest: timedelta) -> None:
        super().__init__(f"recorded_at is more than {oldest.days} days ago.", field="/recorded_at")


class PositionLooksSwapped(GeoservicesError):
    """The position is far from every place here, but among them if its numbers are exchanged."""

    kind = ErrorKind.INVALID
    code = "position-looks-swapped"
    title = "Longitude and latitude look exchanged"

    def __init__(self) -> None:
        super().__init__(
            "lon and lat look exchanged: the position is far from every place here, and with its "
            "numbers exchanged it would be among them. Longitude comes first.",
            field="/lon",
        )


class OutsideWorkingHours(GeoservicesError):
    """The member is located in their working hours alone, and the position is from outside them."""

    kind = ErrorKind.FORBIDDEN
    code = "outside-working-hours"
    title = "Nobody is located outside working hours"

    def __init__(self) -> None:
        super().__init__(
            "You are located for your work in your working hours alone. Set them with "
            "PUT /v1/working-hours.",
            field="/recorded_at",
        )


REFUSALS = (RecordedInTheFuture, RecordedTooLongAgo, PositionLooksSwapped, OutsideWorkingHours)
"""Every reason for which a readable ping is turned away."""
LOOKS_SWAPPED = REFUSALS.index(PositionLooksSwapped) + 1
OFF_DUTY = REFUSALS.index(OutsideWorkingHours) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """How far a device's clock may be off; `settings.IntakeSettings` documents both."""

    future_tolerance: timedelta
    oldest: timedelta


def judge(
    recorded_at: NDArray[np.int64], *, doors: Doors, beforehand: NDArray[np.uint8], at_us: int
) -> NDArray[np.uint8]:
    """Refuse pings that cannot be true, each by itself.

    Args:
        recorded_at: Microseconds since 1970, shape (n,).
        doors: How far a clock may be off.
        beforehand: What else speaks against each, `LOOKS_SWAPPED` or `OFF_DUTY`; 0 is nothing.
        at_us: When they arrived, in microseconds since 1970.

    Returns:
        Shape (n,): 0 lets a ping in, any other number is the place of its refusal in `REFUSALS`,
        counted from 1.
    """
    ahead = recorded_at - at_us
    refused = np.where(-ahead > doors.oldest // MICROSECOND, 2, beforehand)
    return np.where(ahead > doors.future_tolerance // MICROSECOND, 1, refused).astype(np.uint8)


def refusal_of(number: int, recorded_at: int, *, doors: Doors, at_us: int) -> GeoservicesError:
    """Return in words what `judge` meant by a number other than 0.

    Args:
        number: As `judge` returned it.
        recorded_at: The ping's time, in microseconds since 1970.
        doors: As `judge` was given them.
        at_us: When the ping arrived, in microseconds since 1970.
    """
    if REFUSALS[number - 1] is RecordedInTheFuture:
        ahead = timedelta(microseconds=recorded_at - at_us)
        return RecordedInTheFuture(ahead=ahead, tolerated=doors.future_tolerance)
    if REFUSALS[number - 1] is RecordedTooLongAgo:
        return RecordedTooLongAgo(oldest=doors.oldest)
    return OutsideWorkingHours() if number == OFF_DUTY else PositionLooksSwapped()


def judge_time(recorded_at: datetime, *, doors: Doors, at: datetime) -> GeoservicesError | None:
    """Refuse a device's time that cannot be true, or is too long ago; None lets it in.

    Args:
        recorded_at: The device's clock when it was so.
        doors: How far a clock may be off.
        at: When it was told.
    """
    recorded_at_us, at_us = microseconds(recorded_at), microseconds(at)
    [number] = judge(
        np.array([recorded_at_us]), doors=doors, beforehand=np.zeros(1, dtype=np.uint8), at_us=at_us
    ).tolist()
    return refusal_of(number, recorded_at_us, doors=doors, at_us=at_us) if number else None
