"""Subscriptions, notifications and the life of each delivery."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.campaigns.rules import CampaignClass
from geoservices.database import Base, one_of


class DeliveryState(StrEnum):
    """Where a delivery stands; a push service's 201 makes it `accepted`, never "delivered"."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SHOWN = "shown"
    CLICKED = "clicked"
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    GONE = "gone"
    FAILED = "failed"


class ReceiptKind(StrEnum):
    """What a service worker can tell of a notification."""

    SHOWN = "shown"
    CLICKED = "clicked"
    DISMISSED = "dismissed"


class Subscription(Base):
    """A browser's standing consent to be pushed to (W3C PushSubscription)."""

    __tablename__ = "subscriptions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), index=True
    )
    endpoint: Mapped[str] = mapped_column(Text)
    endpoint_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    p256dh: Mapped[bytes] = mapped_column(LargeBinary(65))
    auth: Mapped[bytes] = mapped_column(LargeBinary(16))
    vapid_key: Mapped[str] = mapped_column(String(90))
    """The application server key it was made with; it is bound to it for life."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Notification(Base):
    """One message to one person, whatever the number of their browsers."""

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint(one_of("campaign_class", CampaignClass), name="class_known"),
        Index("ix_notifications_person", "person_id", "created_at", "id"),
        Index("ix_notifications_organisation", "organisation_id", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    decision_id: Mapped[UUID] = mapped_column(
        ForeignKey("decisions.id", ondelete="CASCADE"), unique=True
    )
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id"), index=True)
    campaign_class: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    body: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Delivery(Base):
    """One notification on its way to one subscription.

    `due_at` is when the relay hands it out next; `leased_until` keeps other workers off while
    one is sending. Both lie in the future while someone is at work, and come round by
    themselves if that one dies.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint(one_of("state", DeliveryState), name="state_known"),
        UniqueConstraint("notification_id", "subscription_id"),
        Index("ix_deliveries_due", "due_at", postgresql_where="state IN ('queued', 'sending')"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    notification_id: Mapped[UUID] = mapped_column(
        ForeignKey("notifications.id", ondelete="CASCADE")
    )
    subscription_id: Mapped[UUID] = mapped_column(
        ForeignKey("subscriptions.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(200))
    attempt_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class Attempt(Base):
    """One HTTP try of a delivery, with the push service's answer."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("delivery_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    number: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    status: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(String(200))


class Receipt(Base):
    """The service worker's word on a delivery, kept once for each kind."""

    __tablename__ = "receipts"
    __table_args__ = (
        CheckConstraint(one_of("kind", ReceiptKind), name="kind_known"),
        UniqueConstraint("delivery_id", "kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
