"""Channels and e-mail addresses on the wire."""

from datetime import datetime, time
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from api.schemas.common import In, Out, Text
from geoservices.accounts.models import Purpose
from geoservices.letters.addresses import DIGEST_AT
from geoservices.letters.models import EmailAddress

On = Annotated[bool, Field(strict=True)]


def _local_minute(hour: time) -> time:
    if hour.tzinfo or hour.second or hour.microsecond:
        raise ValueError("is a local time in hours and minutes, without an offset")
    return hour


# JSON Schema's `time` has an offset, and this has none.
LocalMinute = Annotated[
    time,
    AfterValidator(_local_minute),
    PlainSerializer(lambda hour: hour.strftime("%H:%M"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]


class ChannelsIn(In):
    """By which ways to tell what is sent for one purpose; the inbox has it in any case."""

    push: On
    email: On


class ChannelsOut(Out):
    """What holds for one purpose."""

    purpose: Purpose
    push: bool
    email: bool
    email_possible: bool = Field(
        description="Whether e-mail can be switched on: the service sends it, and the person "
        "confirmed an address"
    )


class EmailIn(In):
    """Where digests go, and when."""

    address: Annotated[Text, StringConstraints(min_length=3, max_length=254)] = Field(
        examples=["anna@example.org"]
    )
    digest_at: LocalMinute = Field(
        default=DIGEST_AT, description="Local time of the day", examples=["17:00"]
    )


class EmailState(StrEnum):
    """What is known of an address."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    BOUNCING = "bouncing"


class EmailOut(Out):
    """A person's address."""

    address: str
    state: EmailState = Field(
        description="`bouncing`: three letters in a row were refused for it, and no more are "
        "sent. Put it again to try anew."
    )
    digest_at: LocalMinute = Field(description="Local time of the day")
    set_at: datetime
    confirmed_at: datetime | None
    next_digest_at: datetime | None = Field(
        description="When is looked next for what to tell; null while nothing is sent"
    )


class EmailConfirmationIn(In):
    """What stood in the letter's link, behind the `#`."""

    token: Annotated[Text, StringConstraints(min_length=1, max_length=100)]


def email_out(address: EmailAddress) -> EmailOut:
    """Return what an address's owner is told of it."""
    confirmed = EmailState.CONFIRMED if address.confirmed_at else EmailState.UNCONFIRMED
    return EmailOut(
        address=address.address,
        state=EmailState.BOUNCING if address.bouncing_at else confirmed,
        digest_at=address.digest_at,
        set_at=address.set_at,
        confirmed_at=address.confirmed_at,
        next_digest_at=address.digest_due_at,
    )
