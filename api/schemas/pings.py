"""Pings on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Discriminator, Field, Tag, WithJsonSchema

from api.problems import InvalidRequest
from api.schemas.common import AccuracyM, In, Instant, Lat, Lon, Out, known_accuracy_m
from geoservices.geometry.position import Position
from geoservices.pings.screening import REFUSALS, PingReport, Verdict

MAX_SPEED_MPS = 100_000
MAX_HEADING_DEG = 360


class PingIn(In):
    """One report of a position; `id` is the device's own, so that sending again is safe."""

    id: UUID
    recorded_at: Instant = Field(description="The device's clock when it took the position")
    lon: Lon
    lat: Lat
    accuracy_m: AccuracyM = None
    speed_mps: Annotated[float, Field(strict=True, le=MAX_SPEED_MPS)] | None = Field(
        default=None, description="Metres a second; negative means unknown"
    )
    heading_deg: Annotated[float, Field(strict=True, le=MAX_HEADING_DEG)] | None = Field(
        default=None, description="Degrees clockwise from north; negative means unknown"
    )

    def to_report(self) -> PingReport:
        """Return what the domain takes in."""
        return PingReport(
            id=self.id,
            recorded_at=self.recorded_at,
            position=Position(
                lon=self.lon, lat=self.lat, accuracy_m=known_accuracy_m(self.accuracy_m)
            ),
            speed_mps=_unless_negative(self.speed_mps),
            heading_deg=_unless_negative(self.heading_deg),
        )


class PingBatchIn(In):
    """Pings in any order, each judged by itself."""

    # Taken as they are: whatever is wrong with one must not spoil the others.
    pings: list[Annotated[Any, WithJsonSchema({"$ref": "#/components/schemas/PingIn"})]] = Field(
        min_length=1, description="At most 1,000 (a setting)"
    )


def _one_or_many(body: object) -> str:
    return "batch" if isinstance(body, dict) and "pings" in body else "one-ping"


PingsIn = Annotated[
    Annotated[PingIn, Tag("one-ping")] | Annotated[PingBatchIn, Tag("batch")],
    Discriminator(_one_or_many),
]


class PingFault(Out):
    """Why a ping was not stored."""

    code: str = Field(
        description="As in problem documents; `/problems/{code}` explains it",
        json_schema_extra={
            "x-problem-codes": [InvalidRequest.code, *(refusal.code for refusal in REFUSALS)]
        },
    )
    detail: str
    field: str


class PingOut(Out):
    """What became of one ping."""

    index: int = Field(description="Its place in the request, from 0")
    id: UUID | None = Field(description="null if it could not be read")
    verdict: Verdict
    faults: list[PingFault]


class TransitionOut(Out):
    """A transition: the device entered, dwelled in, left or crossed a geofence."""

    id: UUID
    visit_id: UUID | None = Field(description="null for a crossing, which is no visit")
    geofence_id: UUID
    place_id: UUID
    kind: Literal["entered", "dwelled", "exited", "crossed"]
    reason: str
    confidence: int = Field(description="1 to 3")
    initial: bool = Field(description="The device was first seen inside")
    occurred_at: datetime


class PingsOut(Out):
    """What became of each ping, in the order given, and what they brought about."""

    pings: list[PingOut]
    transitions: list[TransitionOut]


def _unless_negative(value: float | None) -> float | None:
    return value if value is not None and value >= 0 else None
