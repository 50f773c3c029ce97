"""Check-ins on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import AccuracyM, In, Instant, Lat, Lon, Out, Text, known_accuracy_m
from api.schemas.kinds import AnyListingShown
from geoservices.checkins.models import CheckIn
from geoservices.checkins.service import CheckInReport, StaffScan
from geoservices.checkins.verification import DOUBTS_IN_WORDS, Doubt, Evidence
from geoservices.codes.links import PROBLEMS_IN_WORDS, CodeProblem
from geoservices.geometry.position import Position
from geoservices.places.models import Place

ScannedText = Annotated[Text, StringConstraints(min_length=1, max_length=512)]
"""Whatever a camera or an NFC reader found."""


class PositionIn(In):
    """Where the device is."""

    lon: Lon
    lat: Lat
    accuracy_m: AccuracyM = None


class CheckInIn(In):
    """A person says: I am here. Without a position or a code it is their word and no more."""

    id: UUID = Field(description="The device's own, so that sending again is safe")
    place_id: UUID | None = Field(
        default=None, description="Leave out to mean the place of the code"
    )
    position: PositionIn | None = None
    code: ScannedText | None = Field(
        default=None, description="The link on a poster, screen or NFC tag, as it was scanned"
    )
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
            id=self.id,
            place_id=self.place_id,
            position=position,
            claimed_at=self.claimed_at,
            code=self.code,
        )


class StaffScanIn(In):
    """Staff say: whoever showed me this code is here."""

    id: UUID = Field(description="The scanner's own, so that sending again is safe")
    code: ScannedText = Field(description="What the person's phone showed")

    def to_scan(self, place_id: UUID) -> StaffScan:
        """Return what the domain takes in."""
        return StaffScan(id=self.id, place_id=place_id, code=self.code)


class DoubtOut(Out):
    """Something that keeps a check-in from proving more."""

    code: Doubt | CodeProblem
    detail: str = Field(description="The same for every doubt of the code, for people")

    @classmethod
    def of(cls, code: str) -> Self:
        """Show a doubt by its code."""
        if code in set(Doubt):
            return cls(code=Doubt(code), detail=DOUBTS_IN_WORDS[Doubt(code)])
        return cls(code=CodeProblem(code), detail=PROBLEMS_IN_WORDS[CodeProblem(code)])


class CheckInOut(Out):
    """A check-in as it was recorded; its position is not kept."""

    id: UUID
    place_id: UUID
    place_name: str
    evidence: Evidence
    doubts: list[DoubtOut] = Field(
        description="What was wrong with the code, and what kept the evidence from being higher"
    )
    distance_m: float | None = Field(description="Metres to the watched area, negative inside")
    claimed_at: datetime

    @classmethod
    def of(cls, check_in: CheckIn, place: Place) -> "CheckInOut":
        """Show a check-in."""
        return CheckInOut(
            id=check_in.id,
            place_id=check_in.place_id,
            place_name=place.name,
            evidence=Evidence(check_in.evidence),
            doubts=[DoubtOut.of(code) for code in check_in.doubts],
            distance_m=check_in.distance_m,
            claimed_at=check_in.claimed_at,
        )


class ListingHere(Out):
    """Something that is on at the place; locked if it asks for more evidence than there is."""

    listing: AnyListingShown
    unlocked: bool
    locked_because: str | None


class CheckInAnswer(CheckInOut):
    """A check-in, and what is on at the place now."""

    listings: list[ListingHere]
