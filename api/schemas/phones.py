"""Phone apps' credentials on the wire."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import In, Out
from geoservices.phones.models import PhoneApp


class PhoneLinkIn(In):
    """An app that shall report for this device."""

    app: PhoneApp
    encrypted: bool = Field(
        default=False, strict=True, description="Give OwnTracks a key to encrypt payloads with"
    )


class PhoneLinkOut(Out):
    """An app's credential."""

    id: UUID
    app: PhoneApp
    encrypted: bool
    created_at: datetime


class NewPhoneLinkOut(PhoneLinkOut):
    """A credential just made, and how the app is told; the secrets are shown this once."""

    url: str = Field(description="Where the app sends to")
    username: str = Field(description="For OwnTracks: the device's id")
    token: str = Field(
        description="OwnTracks' password, Overland's access token, Traccar Client's device "
        "identifier"
    )
    encryption_key: str | None = Field(description="For OwnTracks, if it was asked for")
    setup_link: str = Field(description="Opened on the phone, it sets the app up")
    setup_qr_svg: str = Field(description="The same link as a QR code, an SVG document")
    configuration: dict[str, Any] | None = Field(
        description="For OwnTracks: the configuration that the link holds, as an `.otrc` file"
    )


class CountedOut(Out):
    """What became of a report."""

    stored: int = Field(description="How many positions are kept, those sent before too")
    dropped: int = Field(description="How many items can never be taken in")


class OverlandOut(CountedOut):
    """What Overland must read before it forgets a batch."""

    result: Literal["ok"]
