"""Counts on the wire."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from api.schemas.common import Out
from geoservices.statistics.queries import CellDay
from geoservices.statistics.service import Hour

ABOUT = "rounded down to a multiple of 5; null if fewer than are told of, or nobody"


class PresenceOut(Out):
    """About how many people are at a place."""

    place_id: UUID
    at: datetime | None = Field(
        description="The quarter of an hour as of which they were counted; null with the count"
    )
    people: int | None = Field(description=f"How many were there, {ABOUT}")
    suppressed: bool = Field(description="Whether the count is left out to protect people")


class HourOut(Out):
    """What happened at a place within an hour that is counted."""

    starts_at: datetime = Field(description="With the offset of the organisation's time zone")
    ends_at: datetime
    people: int | None = Field(description=f"How many people came, {ABOUT}")
    suppressed: bool = Field(description="Whether the count is left out to protect people")

    @classmethod
    def of(cls, hour: Hour) -> Self:
        """Tell of an hour."""
        return cls(
            starts_at=hour.starts_at,
            ends_at=hour.ends_at,
            people=hour.people,
            suppressed=hour.people is None,
        )


class FootfallOut(Out):
    """A place's hours, in the order of time, as far as they are counted."""

    place_id: UUID
    time_zone: str = Field(description="The organisation's; an hour begins by its clocks")
    hours: list[HourOut]


class CellOut(Out):
    """About how many people came to the places of a cell on a day."""

    day: date = Field(description="By the clocks of the organisation's time zone")
    cell: str = Field(description="Its geohash of 6 characters")
    bbox: tuple[float, float, float, float] = Field(
        description="West, south, east and north in degrees, WGS 84"
    )
    people: int = Field(
        description="How many people came, each counted once in every hour of a place that is "
        "told of, and once for all the others together; the sum of numbers rounded down"
    )

    @classmethod
    def of(cls, found: CellDay) -> Self:
        """Tell of a cell."""
        return cls(
            day=found.day,
            cell=found.cell,
            bbox=(found.west, found.south, found.east, found.north),
            people=found.people,
        )


class GridOut(Out):
    """Cells and days with enough people in them to be told of; a few and none are left out."""

    time_zone: str
    cells: list[CellOut]
