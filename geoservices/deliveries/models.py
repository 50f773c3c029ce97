"""The life of each delivery."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

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
