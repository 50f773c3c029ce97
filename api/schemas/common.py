"""What the schemas share: strict numbers, aware instants, pages."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
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


def _of_whole_seconds(value: timedelta) -> timedelta:
    if value.microseconds:
        raise ValueError("must be a number of whole seconds")
    return value


def duration_text(value: timedelta) -> str:
    """Write a duration as RFC 3339 has it (appendix A), which JSON Schema's `duration` asks for.

    It is narrower than ISO 8601: between hours and seconds there are always minutes. A fraction
    of a second is left out.
    """
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    told = [(count, unit) for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S"))]
    while told and not told[0][0]:
        told.pop(0)
    while told and not told[-1][0]:
        told.pop()
    if not told and not days:
        return "PT0S"
    time = "T" + "".join(f"{count}{unit}" for count, unit in told) if told else ""
    return f"P{f'{days}D' if days else ''}{time}"


DurationOut = Annotated[
    timedelta,
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "duration"}, mode="serialization"),
]
DurationIn = Annotated[DurationOut, AfterValidator(_of_whole_seconds)]
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
