"""What the schemas share: strict numbers, aware instants, pages."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

MAX_ACCURACY_M = 1_000_000


class In(BaseModel):
    """A body: unknown members are refused, and so is any number that is not finite."""

    model_config = ConfigDict(
        extra="forbid", allow_inf_nan=False, str_strip_whitespace=True, frozen=True
    )


class Out(BaseModel):
    """An answer, read from a row."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


def _written(value: object) -> object:
    if not isinstance(value, str | datetime):
        raise ValueError("must be text in ISO 8601 with an offset, such as 2026-03-01T12:00:00Z")  # noqa: TRY004
    return value


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the character U+0000")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must lie within the years 1 and 9999 in UTC") from error


Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_utc)]
Text = Annotated[str, AfterValidator(_storable)]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=120)]
Lon = Annotated[
    float,
    Field(
        strict=True, ge=-180, le=180, description="Longitude in degrees, WGS 84", examples=[-3.53]
    ),
]
Lat = Annotated[
    float,
    Field(strict=True, ge=-90, le=90, description="Latitude in degrees, WGS 84", examples=[50.72]),
]
AccuracyM = Annotated[
    float | None,
    Field(
        strict=True,
        le=MAX_ACCURACY_M,
        description="Radius in metres of the circle that holds the true position with 68 % "
        "confidence. Missing, 0 or negative means unknown.",
    ),
]


def known_accuracy_m(accuracy_m: float | None) -> float | None:
    """Return the accuracy in metres, or None where a phone says 0 or less to mean unknown."""
    return accuracy_m if accuracy_m is not None and accuracy_m > 0 else None
