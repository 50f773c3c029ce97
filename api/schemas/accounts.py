"""Devices and preferences on the wire."""

from datetime import datetime, time
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from api.schemas.common import In, Out, Text
from api.schemas.shifts import LocatedOut

TimeZone = Annotated[
    Text, StringConstraints(min_length=1, max_length=60), Field(examples=["Europe/London"])
]

PlacesOnly = Annotated[
    bool,
    Field(
        strict=True,
        description="Whether only the places are taken in that its phone watches by itself, and "
        "positions are neither stored nor followed",
    ),
]


class DeviceIn(In):
    """A device that introduces itself."""

    label: Annotated[Text, StringConstraints(max_length=100)] | None = Field(
        default=None, description="What its owner calls it", examples=["Anna's phone"]
    )
    time_zone: TimeZone = "Europe/London"
    places_only: PlacesOnly = False


class DeviceChangeIn(In):
    """What a device may change about itself."""

    places_only: PlacesOnly


class DeviceOut(Out):
    """A device."""

    id: UUID
    label: str | None
    places_only: PlacesOnly
    created_at: datetime


class DeviceSeenOut(DeviceOut):
    """A device, and whether it is located."""

    located: LocatedOut


class NewDeviceOut(DeviceOut):
    """A device just made, with its token; the token is shown this once."""

    token: str


class PreferencesIn(In):
    """A person's time zone and quiet hours; both hours or neither."""

    time_zone: TimeZone
    quiet_from: time | None = Field(default=None, description="Local time", examples=["22:00"])
    quiet_until: time | None = Field(default=None, description="Local time", examples=["07:00"])

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("give both quiet_from and quiet_until, or neither")
        if any(hour and hour.tzinfo for hour in (self.quiet_from, self.quiet_until)):
            raise ValueError("quiet hours are local times and carry no offset")
        return self


class PreferencesOut(Out):
    """A person's time zone and quiet hours."""

    time_zone: str
    quiet_from: time | None
    quiet_until: time | None
