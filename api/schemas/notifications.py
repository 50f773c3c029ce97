"""Notifications on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.schemas.campaigns import DecisionOut
from api.schemas.common import Out
from geoservices.campaigns.rules import CampaignClass
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.notifications.models import NotificationKind


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
    """A notification, why it was sent, and how it fared.

    A test has neither a listing nor a decision.
    """

    id: UUID
    kind: NotificationKind
    listing_id: UUID | None
    campaign_class: CampaignClass
    title: str
    body: str
    created_at: datetime
    expires_at: datetime
    decision: DecisionOut | None
    deliveries: list[DeliveryOut]
