"""The public register of what is watched at a place."""

from typing import Any
from uuid import UUID

from pydantic import Field

from api.schemas.common import DurationOut, Out
from geoservices.accounts.models import Purpose
from geoservices.campaigns.rules import Trigger
from geoservices.geofences import service
from geoservices.geofences.models import Geofence
from geoservices.geometry.areas import to_geojson
from geoservices.settings.service import Settings
from geoservices.watching import Use, Watching


class WatchedAreaOut(Out):
    """An area in which a phone that agreed to it is noticed."""

    geometry: dict[str, Any] = Field(description="GeoJSON; of a circle, its middle")
    radius_m: float | None = Field(description="Metres, of a circle")
    margin_m: float = Field(description="Metres outside of it that count as being there too")
    dwell_after: DurationOut = Field(description="Whoever is there for so long counts as staying")

    @classmethod
    def of(cls, geofence: Geofence) -> "WatchedAreaOut":
        """Return what is told of a geofence."""
        return cls(
            geometry=to_geojson(service.area_of(geofence)),
            radius_m=geofence.radius_m,
            margin_m=geofence.margin_m,
            dwell_after=geofence.dwell_after,
        )


class UseOut(Out):
    """What an organisation does with what is noticed."""

    organisation: str
    purpose: Purpose = Field(description="Only of those who agreed to it is anything noticed")
    noticed: list[Trigger]
    campaigns: int = Field(description="How many campaigns are set off by it now")

    @classmethod
    def of(cls, use: Use) -> "UseOut":
        """Return what is told of a use."""
        return cls(
            organisation=use.organisation,
            purpose=use.purpose,
            noticed=list(use.noticed),
            campaigns=use.campaigns,
        )


class WatchingOut(Out):
    """What is watched at a place, by whom, what for, and how long it is kept."""

    place_id: UUID
    organisation: str = Field(description="Whose place it is, and who answers for it")
    sensitive: bool = Field(description="Nobody's coming and going is kept here")
    areas: list[WatchedAreaOut] = Field(description="None: nothing is watched here")
    uses: list[UseOut]
    positions_kept: DurationOut
    visits_kept: DurationOut

    @classmethod
    def of(cls, found: Watching, settings: Settings) -> "WatchingOut":
        """Return what is told of a place."""
        return cls(
            place_id=found.place.id,
            organisation=found.organisation,
            sensitive=found.place.sensitive_at is not None,
            areas=[WatchedAreaOut.of(area) for area in found.areas],
            uses=[UseOut.of(use) for use in found.uses],
            positions_kept=settings.intake.ping_retention,
            visits_kept=settings.retention.visits,
        )
