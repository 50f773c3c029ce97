"""What becomes of a ping at the door."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from geoservices.geometry.position import Position


class Verdict(StrEnum):
    """What was done with a ping."""

    ACCEPTED = "accepted"
    """Stored, and it took part in deciding where the device is."""
    LATE = "late"
    """Stored, but a newer ping had been followed already, so it changed nothing."""
    REPEATED = "repeated"
    """Stored before; a phone may send again whatever it got no answer to."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a ping was not stored: a public code, a sentence, and the member at fault."""

    code: str
    detail: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """How far a device's clock may be off; `settings.IntakeSettings` documents both."""

    future_tolerance: timedelta
    oldest: timedelta


def judge(report: PingReport, *, doors: Doors, looks_swapped: bool, at: datetime) -> Refusal | None:
    """Refuse a ping that cannot be true; None lets it in.

    Args:
        report: The ping; its numbers are finite and in range.
        doors: How far a clock may be off.
        looks_swapped: Whether the position would be at home with its numbers exchanged.
        at: When it arrived.
    """
    ahead = report.recorded_at - at
    if ahead > doors.future_tolerance:
        return Refusal(
            code="recorded-in-the-future",
            detail=f"recorded_at is {ahead.total_seconds():.0f} s ahead of the server's clock; "
            f"{doors.future_tolerance.total_seconds():.0f} s are tolerated.",
            field="/recorded_at",
        )
    if -ahead > doors.oldest:
        return Refusal(
            code="recorded-too-long-ago",
            detail=f"recorded_at is more than {doors.oldest.days} days ago.",
            field="/recorded_at",
        )
    if looks_swapped:
        return Refusal(
            code="position-looks-swapped",
            detail="lon and lat look exchanged: the position is far from every place here, and "
            "with its numbers exchanged it would be among them. Longitude comes first.",
            field="/lon",
        )
    return None
