"""Devices and preferences on the wire."""

from datetime import datetime, time
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from api.schemas.codes import QrOut
from api.schemas.common import In, Out, Text
from api.schemas.shifts import LocatedOut
from geoservices.access.rights import Right, Role

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
    credential: Literal["bearer", "cookie"] = Field(
        default="bearer",
        description="How the device is known from now on: by a token in the answer, or by a "
        "cookie that no script can read",
    )
    joining_code: Annotated[Text, StringConstraints(max_length=40)] | None = Field(
        default=None,
        description="The code that another device of the same person shows; `time_zone` stays as "
        "it is then",
        examples=["7K2M-9QXD"],
    )
    replaces_device: bool = Field(
        default=False,
        strict=True,
        description="Whether the device that this browser's cookie stands for ends; without it, "
        "there may be none",
    )


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


class DeviceSeenOut(DeviceOut):
    """A device, and whether it is located."""

    located: LocatedOut


class CredentialOut(Out):
    """What a device is known by from now on: a token, shown this once, or a cookie."""

    token: str | None = Field(description="Null where a cookie was set instead")
    csrf_token: str | None = Field(
        description="What requests with the cookie must carry; null where none was set"
    )


class NewDeviceOut(DeviceOut, CredentialOut):
    """A device just made."""


class ListedDeviceOut(DeviceOut):
    """One of a person's devices."""

    current: bool = Field(description="Whether it is the one that asks")
    pushed_to: bool = Field(description="Whether it has a subscription that has not ended")


class JoiningCodeOut(Out):
    """A code by which one more device becomes the same person's."""

    code: str = Field(description="To be read and typed", examples=["7K2M-9QXD"])
    link: str = Field(description="A page that takes the code, which stands behind the #")
    qr: QrOut = Field(description="The link as a QR code")
    expires_at: datetime


class BrowsersDeviceOut(Out):
    """The device that a browser is."""

    id: UUID
    label: str | None


class OrganisationOut(Out):
    """The organisation somebody belongs to."""

    id: UUID
    slug: str
    name: str


class BrowsersMemberOut(Out):
    """The member who is signed in with a browser."""

    id: UUID
    name: str | None
    role: Role
    organisation: OrganisationOut
    rights: list[Right] = Field(description="What they may do in their organisation")
    signed_in_until: datetime


class BrowserOut(Out):
    """Who a browser is, by each of its cookies."""

    device: BrowsersDeviceOut | None
    member: BrowsersMemberOut | None
    csrf_token: str | None = Field(
        description="What the browser's requests that change something must carry in the header "
        "`X-CSRF-Token`; null without cookies"
    )


class PreferencesIn(In):
    """A person's time zone, language and quiet hours; both hours or neither."""

    time_zone: TimeZone
    quiet_from: time | None = Field(default=None, description="Local time", examples=["22:00"])
    quiet_until: time | None = Field(default=None, description="Local time", examples=["07:00"])
    language: Annotated[str, StringConstraints(max_length=20)] | None = Field(
        default=None,
        description="BCP 47; null leaves it to whoever tells the person of something",
        examples=["cy-GB"],
    )

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("give both quiet_from and quiet_until, or neither")
        if any(hour and hour.tzinfo for hour in (self.quiet_from, self.quiet_until)):
            raise ValueError("quiet hours are local times and carry no offset")
        return self


class PreferencesOut(Out):
    """A person's time zone, language and quiet hours."""

    time_zone: str
    quiet_from: time | None
    quiet_until: time | None
    language: str | None
