"""Places as GeoJSON features (RFC 7946)."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.common import Out
from geoservices.agendas.today import Today
from geoservices.listings.models import ListingKind
from geoservices.places.hours import OpenDay, OpenState


class AskedOfToday(StrEnum):
    """What is asked of what is on at places today."""

    TOLD = "told"
    ONLY = "only"


class PointOut(Out):
    """A GeoJSON Point."""

    type: Literal["Point"]
    coordinates: tuple[float, float] = Field(
        description="Longitude and latitude in degrees, WGS 84"
    )


class OnTodayOut(Out):
    """Something that is on at a place today."""

    id: UUID
    kind: ListingKind
    title: str
    starts_at: datetime


class TodayOut(Out):
    """What is on at a place today, from now until midnight by its clocks."""

    count: int = Field(description="How many offers and events are on")
    first: list[OnTodayOut] = Field(description="The first three of them, in their order")

    @classmethod
    def of(cls, those: Sequence[Today]) -> Self:
        """Show what is on."""
        return cls(
            count=len(those),
            first=[
                OnTodayOut(
                    id=one.listing.id,
                    kind=ListingKind(one.listing.kind),
                    title=one.listing.title,
                    starts_at=one.starts_at,
                )
                for one in those[:3]
            ],
        )


class PlaceProperties(Out):
    """What is known of a place."""

    name: str
    category: str
    address: str | None
    postcode: str | None
    website: str | None
    email: str | None
    opening_hours: str | None = Field(description="OSM syntax, in the place's time zone")
    time_zone: str
    parent_id: UUID | None = Field(description="The place that it is part of")
    open_state: OpenState
    open_state_changes_at: datetime | None
    distance_m: float | None = Field(description="Metres from `near`; null without it")
    today: TodayOut | None = Field(description="Null unless `on_today` asks for it")


class PlaceOut(Out):
    """A place as a GeoJSON Feature."""

    type: Literal["Feature"]
    id: UUID
    geometry: PointOut
    properties: PlaceProperties


class OpenSpanOut(Out):
    """A time for which a place is open."""

    opens_at: datetime
    closes_at: datetime


class OpenDayOut(Out):
    """When a place is open on one day by its own clocks, from midnight to midnight."""

    day: date
    spans: list[OpenSpanOut] = Field(description="Empty if it is closed")

    @classmethod
    def of(cls, open_day: OpenDay) -> Self:
        """Show a day."""
        spans = [OpenSpanOut(opens_at=begin, closes_at=end) for begin, end in open_day.spans]
        return cls(day=open_day.day, spans=spans)


class PlaceHead(Out):
    """Where something is."""

    id: UUID
    name: str
    time_zone: str


class SinglePlaceOut(PlaceOut):
    """A place, with what is only told of one at a time."""

    open_days: list[OpenDayOut] | None = Field(
        description="Today and the six days after it; null where the opening hours are not known"
    )


class PlacesOut(Out):
    """A page of places as a GeoJSON FeatureCollection."""

    type: Literal["FeatureCollection"]
    features: list[PlaceOut]
    next: str | None
