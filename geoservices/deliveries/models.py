"""The life of each delivery."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.deliveries.origins import Cause
from geoservices.deliveries.states import DeliveryState, ReceiptKind


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
    """One HTTP try of a delivery, with the push service's answer.

    `reason` is ours and for everyone; `detail` has words of the push service's and is for
    operators. `location` names the message at the push service (RFC 8030 section 5).
    """

    __tablename__ = "attempts"

    delivery_id: Mapped[UUID] = mapped_column(
        ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    status: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(String(200))
    detail: Mapped[str | None] = mapped_column(String(500))
    location: Mapped[str | None] = mapped_column(Text)


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


class PushOrigin(Base):
    """How a push service stands under one of our keys (`origins.OriginState`)."""

    __tablename__ = "push_origins"
    __table_args__ = (
        CheckConstraint(one_of("cause", Cause), name="cause_known"),
        Index("ix_push_origins_closed_until", "closed_until"),
    )

    origin: Mapped[str] = mapped_column(Text, primary_key=True)
    vapid_key: Mapped[str] = mapped_column(String(90), primary_key=True)
    closed_until: Mapped[datetime | None]
    cause: Mapped[str | None] = mapped_column(String(20))
    strikes: Mapped[int]
    refusals: Mapped[int]
    failures: Mapped[int]
    last_refusal: Mapped[str | None] = mapped_column(String(200))
    counted_from: Mapped[datetime | None]
    answered: Mapped[int]
    gone: Mapped[int]
    guarded_until: Mapped[datetime | None]
    trusted_until: Mapped[datetime | None]
    last_accepted_at: Mapped[datetime | None]
