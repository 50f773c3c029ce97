"""Subscriptions, notifications and receipts on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from api.schemas.campaigns import DecisionOut
from api.schemas.common import In, Instant, Out, Text
from geoservices.campaigns.rules import CampaignClass
from geoservices.deliveries.models import DeliveryState, ReceiptKind
from geoservices.deliveries.progress import PushProgress
from geoservices.notifications.inbox import UNCHANGED, Change
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
    read_at: datetime | None = Field(
        description="Null while it is unread, also once it has come back"
    )
    archived_at: datetime | None
    snoozed_until: datetime | None = Field(
        description="When it comes back to the inbox; null once it has"
    )
    push: PushProgress = Field(
        description="`sent`: a push service has it for at least one browser. `waiting`: not yet. "
        "`none`: there was no browser to push to, or push was off. `failed`: none could be reached"
    )
    decision: DecisionOut
    deliveries: list[DeliveryOut]


class UnreadOut(Out):
    """What waits in the inbox."""

    unread: int = Field(description="How many notifications in the inbox are unread")


class NotificationChangeIn(In):
    """What shall become of a notification; what is left out stays as it is."""

    read: bool = Field(default=False, strict=True)
    archived: bool = Field(default=False, strict=True)
    snoozed_until: Instant | None = Field(
        default=None,
        description="Out of the inbox until then, a year at most, when it comes back unread; null "
        "puts it back",
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one of read, archived and snoozed_until")
        return self

    def to_change(self) -> Change:
        """Return what the domain takes."""
        given = self.model_fields_set
        return Change(
            read=self.read if "read" in given else UNCHANGED,
            archived=self.archived if "archived" in given else UNCHANGED,
            snoozed_until=self.snoozed_until if "snoozed_until" in given else UNCHANGED,
        )


class ReceiptIn(In):
    """What the service worker saw happen to a notification."""

    kind: ReceiptKind
    occurred_at: Instant
