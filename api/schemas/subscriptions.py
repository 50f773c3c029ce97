"""Subscriptions on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import In, Out, Text
from geoservices.subscriptions.health import (
    Health,
    Signs,
    end_in_words,
    failure_in_words,
    health_of,
)
from geoservices.subscriptions.models import Subscription
from geoservices.subscriptions.service import PushSubscription

Base64Url = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Endpoint = Annotated[Text, StringConstraints(min_length=1, max_length=4096)]


class PushKeyOut(Out):
    """The key a browser subscribes with (RFC 8292), base64url without padding."""

    application_server_key: str


class SubscriptionKeysIn(In):
    """A browser's public key and secret (RFC 8291), base64url."""

    p256dh: Base64Url
    auth: Base64Url


class SubscriptionIn(In):
    """A PushSubscription as the browser's `toJSON()` gives it, and the key it was made with."""

    endpoint: Endpoint
    expirationTime: Annotated[float, Field(ge=0)] | None = Field(  # noqa: N815
        default=None, description="Milliseconds since 1970, as browsers give it; not used"
    )
    keys: SubscriptionKeysIn
    application_server_key: Base64Url
    replaces: Endpoint | None = Field(
        default=None,
        description="The endpoint that the browser had before; what was still to be sent there is "
        "sent to the new one, and the old one ends",
    )

    def to_offered(self) -> PushSubscription:
        """Return what the domain takes."""
        return PushSubscription(
            endpoint=self.endpoint,
            p256dh=self.keys.p256dh,
            auth=self.keys.auth,
            application_server_key=self.application_server_key,
            replaces=self.replaces,
        )


class SubscriptionOut(Out):
    """A device's subscription; the endpoint is the device's secret and not shown.

    The reasons are sentences for its owner.
    """

    id: UUID
    created_at: datetime
    updated_at: datetime = Field(description="When the browser last sent it")
    health: Health
    last_accepted_at: datetime | None = Field(
        description="When a push service last took something for it"
    )
    last_shown_at: datetime | None = Field(
        description="When the browser last said what became of a notification"
    )
    last_failure_at: datetime | None
    last_failure_reason: str | None
    ended_at: datetime | None
    ended_reason: str | None

    @classmethod
    def of(cls, subscription: Subscription, *, current_key: str) -> Self:
        """Tell how a subscription is doing, given the service's present key."""
        signs = Signs(
            ended_at=subscription.ended_at,
            vapid_key=subscription.vapid_key,
            last_accepted_at=subscription.last_accepted_at,
            last_shown_at=subscription.last_shown_at,
            last_failure_at=subscription.last_failure_at,
            accepted_unseen=subscription.accepted_unseen,
        )
        return cls(
            id=subscription.id,
            created_at=subscription.created_at,
            updated_at=subscription.updated_at,
            health=health_of(signs, current_key=current_key),
            last_accepted_at=subscription.last_accepted_at,
            last_shown_at=subscription.last_shown_at,
            last_failure_at=subscription.last_failure_at,
            last_failure_reason=failure_in_words(subscription.last_failure_reason),
            ended_at=subscription.ended_at,
            ended_reason=end_in_words(subscription.ended_reason),
        )


class SentTestOut(Out):
    """A test on its way; it is among the person's notifications."""

    notification_id: UUID
