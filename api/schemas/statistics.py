"""Counts on the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from api.schemas.common import Out
from geoservices.visits.statistics import Hour, Inside


class InsideOut(Out):
    """How many devices are within a geofence now."""

    geofence_id: UUID
    inside: int | None = Field(
        description="How many devices; null if fewer than are told of, or none"
    )
    suppressed: bool = Field(description="Whether the count is left out to protect people")

    @classmethod
    def of(cls, counted: Inside) -> Self:
        """Tell of a geofence."""
        return cls(
            geofence_id=counted.geofence_id,
            inside=counted.devices,
            suppressed=counted.devices is None,
        )


class PresenceOut(Out):
    """How many devices are at a place now, for each of its watched geofences."""

    place_id: UUID
    at: datetime = Field(description="When they were counted")
    geofences: list[InsideOut]


class HourOut(Out):
    """What happened at a place within an hour that is over."""

    starts_at: datetime = Field(description="With the offset of the organisation's time zone")
    ends_at: datetime
    entered: int | None = Field(description="How often devices entered; null if too few")
    exited: int | None = Field(description="How often devices exited; null if too few")
    visits: int | None = Field(
        description="How many visits were under way at some moment; null if too few"
    )
    suppressed: bool = Field(description="Whether a count is left out to protect people")

    @classmethod
    def of(cls, hour: Hour) -> Self:
        """Tell of an hour."""
        counts = (hour.entered, hour.exited, hour.visits)
        return cls(
            starts_at=hour.starts_at,
            ends_at=hour.ends_at,
            entered=hour.entered,
            exited=hour.exited,
            visits=hour.visits,
            suppressed=None in counts,
        )


class FootfallOut(Out):
    """A place's hours, in the order of time, those with nobody in them too."""

    place_id: UUID
    time_zone: str = Field(description="The organisation's; an hour begins by its clocks")
    hours: list[HourOut]
