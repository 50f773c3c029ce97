"""Subscriptions and notifications on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.campaigns import DecisionOut
from api.schemas.common import In, Out, Text
from geoservices.campaigns.rules import CampaignClass
from geoservices.deliveries.models import DeliveryState, ReceiptKind
from geoservices.subscriptions.service import PushSubscription

Base64Url = Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class PushKeyOut(Out):
    """The key a browser subscribes with (RFC 8292), base64url without padding."""

    application_server_key: str


class SubscriptionKeysIn(In):
    """A browser's public key and secret (RFC 8291), base64url."""

    p256dh: Base64Url
    auth: Base64Url


class SubscriptionIn(In):
    """A PushSubscription as the browser's `toJSON()` gives it, and the key it was made with."""

    endpoint: Annotated[Text, StringConstraints(min_length=1, max_length=4096)]
    expirationTime: Annotated[float, Field(ge=0)] | None = Field(  # noqa: N815
        default=None, description="Milliseconds since 1970, as browsers give it; not used"
    )
    keys: SubscriptionKeysIn
    application_server_key: Base64Url

    def to_offered(self) -> PushSubscription:
        """Return what the domain takes."""
        return PushSubscription(
            endpoint=self.endpoint,
            p256dh=self.keys.p256dh,
            auth=self.keys.auth,
            application_server_key=self.application_server_key,
        )


class SubscriptionOut(Out):
    """A device's subscription; the endpoint is the device's secret and not shown."""

    id: UUID
    created_at: datetime
    updated_at: datetime


class AttemptOut(Out):
    """One try at a delivery."""

    number: int = Field(description="Counted from 1")
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    status: int | None = Field(description="HTTP status of the push service")
    reason: str | None


class ReceiptOut(Out):
    """What the service worker said."""

    kind: ReceiptKind
    occurred_at: datetime


class DeliveryOut(Out):
    """A notification on its way to one browser."""

    id: UUID
    state: DeliveryState
    reason: str | None
    accepted_at: datetime | None
    attempts: list[AttemptOut]
    receipts: list[ReceiptOut]


class NotificationOut(Out):
    """A notification, why it was sent, and how it fared."""

    id: UUID
    listing_id: UUID
    campaign_class: CampaignClass
    title: str
    body: str
    created_at: datetime
    expires_at: datetime
    decision: DecisionOut
    deliveries: list[DeliveryOut]
