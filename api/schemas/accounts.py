"""Devices, consents and preferences on the wire."""

from datetime import datetime, time
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from api.schemas.common import In, Out, Text
from geoservices.accounts.models import Purpose

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
    """What a device may change about itself; what is left out stays as it is."""

    label: Annotated[Text, StringConstraints(max_length=100)] | None = Field(
        default=None, description="What its owner calls it; null takes the name away"
    )
    places_only: PlacesOnly = False

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one of label and places_only")
        return self


class DeviceOut(Out):
    """A device."""

    id: UUID
    label: str | None
    places_only: PlacesOnly
    created_at: datetime


class NewDeviceOut(DeviceOut):
    """A device just made, with its token; the token is shown this once."""

    token: str


class ConsentIn(In):
    """Agreement to one purpose."""

    text_version: Annotated[Text, StringConstraints(min_length=1, max_length=40)] = Field(
        description="Version of the text the person saw, from GET /v1/consents"
    )


class ConsentOut(Out):
    """One purpose: what is asked, and whether the person agreed."""

    purpose: Purpose
    text: str = Field(description="What is asked now")
    text_version: str = Field(description="Version of that text")
    agreed_version: str | None = Field(
        description="Version the person agreed to; where it is an older one, ask again"
    )
    given_at: datetime | None


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
