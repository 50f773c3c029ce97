"""Geofences as GeoJSON features (RFC 7946)."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import In, Name, Out
from api.schemas.presence import PresenceOut
from geoservices.geofences.overrides import PresenceOverrides

Metres = Annotated[float, Field(strict=True)]


class GeofencePropertiesIn(In):
    """What a manager says of a geofence."""

    place_id: UUID
    name: Name
    radius_m: Metres | None = Field(
        default=None, ge=5, le=50_000, description="Metres; with a Point it makes a circle"
    )
    margin_m: Metres = Field(
        default=0.0,
        ge=0,
        le=1000,
        description="Metres outside the area that still count as being there",
    )
    dwell_after: timedelta = Field(
        default=timedelta(minutes=5), ge=timedelta(seconds=30), le=timedelta(days=1)
    )
    enabled: bool = True
    presence: PresenceOverrides = Field(
        default=PresenceOverrides(),
        description="Rules of presence for this geofence alone; what is null is its organisation's",
    )


class GeofenceIn(In):
    """A geofence to be watched: a Feature with a Polygon, MultiPolygon, or Point and radius."""

    type: Literal["Feature"]
    id: UUID | None = Field(default=None, description="The client's own, so that a retry is safe")
    geometry: dict[str, Any]
    properties: GeofencePropertiesIn


class GeofenceProperties(Out):
    """What is known of a geofence."""

    place_id: UUID
    name: str
    radius_m: float | None
    margin_m: float
    dwell_after: timedelta
    enabled: bool
    presence: PresenceOut
    revision: int = Field(description="Grows with every change; also the ETag")


class GeofenceOut(Out):
    """A geofence as a GeoJSON Feature."""

    type: Literal["Feature"]
    id: UUID
    geometry: dict[str, Any]
    properties: GeofenceProperties


class GeofencesOut(Out):
    """A page of geofences as a GeoJSON FeatureCollection."""

    type: Literal["FeatureCollection"]
    features: list[GeofenceOut]
    next: str | None
