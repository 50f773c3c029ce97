"""Check-ins on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.schemas.common import AccuracyM, In, Instant, Lat, Lon, Out, known_accuracy_m
from api.schemas.listings import ListingShown
from geoservices.checkins.service import CheckInReport
from geoservices.checkins.verification import Evidence
from geoservices.geometry.position import Position


class PositionIn(In):
    """Where the device is."""

    lon: Lon
    lat: Lat
    accuracy_m: AccuracyM = None


class CheckInIn(In):
    """A person says: I am here. Without a position it is their word and no more."""

    id: UUID = Field(description="The device's own, so that sending again is safe")
    place_id: UUID
    position: PositionIn | None = None
    claimed_at: Instant | None = Field(default=None, description="Leave out to mean now")

    def to_report(self) -> CheckInReport:
        """Return what the domain takes in."""
        position = (
            None
            if self.position is None
            else Position(
                lon=self.position.lon,
                lat=self.position.lat,
                accuracy_m=known_accuracy_m(self.position.accuracy_m),
            )
        )
        return CheckInReport(
            id=self.id, place_id=self.place_id, position=position, claimed_at=self.claimed_at
        )


class CheckInOut(Out):
    """A check-in as it was recorded; its position is not kept."""

    id: UUID
    place_id: UUID
    evidence: Evidence
    distance_m: float | None = Field(description="Metres to the watched area, negative inside")
    claimed_at: datetime


class ListingHere(Out):
    """Something that is on at the place; locked if it asks for more evidence than there is."""

    listing: ListingShown
    unlocked: bool
    locked_because: str | None


class CheckInAnswer(CheckInOut):
    """A check-in, and what is on at the place now."""

    listings: list[ListingHere]
