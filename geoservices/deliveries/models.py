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
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.deliveries.origins import Cause
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.leasing.models import Leased
from geoservices.register import Basis, Kept, about, not_personal, personal


class Delivery(Leased, Base):
    """One notification on its way to one subscription.

    `due_at` is when the relay hands it out next; `leased_until` keeps other workers off while
    one is sending. Both lie in the future while someone is at work, and come round by
    themselves if that one dies. What is `broadcast` is one of many, and gives way to single ones.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint(one_of("state", DeliveryState), name="state_known"),
        UniqueConstraint("notification_id", "subscription_id"),
        Index(
            "ix_deliveries_due",
            "broadcast",
            "due_at",
            postgresql_where="state IN ('queued', 'sending')",
        ),
        {
            "info": about(
                purpose="bring a notification to a browser once",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.notifications", words="after its notification was made"
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the delivery's number")
    )
    notification_id: Mapped[UUID] = mapped_column(
        ForeignKey("notifications.id", ondelete="CASCADE"), info=personal("what was sent")
    )
    subscription_id: Mapped[UUID] = mapped_column(
        ForeignKey("subscriptions.id", ondelete="CASCADE"),
        index=True,
        info=personal("to which browser"),
    )
    broadcast: Mapped[bool] = mapped_column(
        default=False, server_default=false(), info=personal("whether many are sent the same")
    )
    state: Mapped[str] = mapped_column(String(20), info=personal("how far it came"))
    reason: Mapped[str | None] = mapped_column(String(200), info=personal("why not further"))
    attempt_count: Mapped[int] = mapped_column(default=0, info=personal("how often it was tried"))
    created_at: Mapped[datetime] = mapped_column(info=personal("when it was made"))
    due_at: Mapped[datetime] = mapped_column(info=personal("when it is tried next"))
    leased_until: Mapped[datetime | None] = mapped_column(
        info=personal("until when a worker has it")
    )
    accepted_at: Mapped[datetime | None] = mapped_column(
        info=personal("when the push service took it")
    )
    expires_at: Mapped[datetime] = mapped_column(info=personal("until when it is worth sending"))


class Attempt(Base):
    """One HTTP try of a delivery, with the push service's answer.

    `reason` is ours and for everyone; `detail` has words of the push service's and is for
    operators. `location` names the message at the push service (RFC 8030 section 5).
    """

    __tablename__ = "attempts"
    __table_args__ = (
        {
            "info": about(
                purpose="find out why a push does not arrive",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.notifications", words="after its notification was made"
                ),
            )
        },
    )

    delivery_id: Mapped[UUID] = mapped_column(
        ForeignKey("deliveries.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal("of which delivery"),
    )
    number: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, info=personal("which try")
    )
    started_at: Mapped[datetime] = mapped_column(info=personal("when"))
    finished_at: Mapped[datetime | None] = mapped_column(info=personal("until when"))
    outcome: Mapped[str | None] = mapped_column(String(20), info=personal("what came of it"))
    status: Mapped[int | None] = mapped_column(info=personal("the push service's status"))
    reason: Mapped[str | None] = mapped_column(String(200), info=personal("what that means"))
    detail: Mapped[str | None] = mapped_column(
        String(500), info=personal("the push service's words")
    )
    location: Mapped[str | None] = mapped_column(
        Text, info=personal("the push service's name for the message")
    )


class Receipt(Base):
    """The service worker's word on a delivery, kept once for each kind."""

    __tablename__ = "receipts"
    __table_args__ = (
        CheckConstraint(one_of("kind", ReceiptKind), name="kind_known"),
        UniqueConstraint("delivery_id", "kind"),
        {
            "info": about(
                purpose="know what was shown, so that nothing is sent twice or for nothing",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.notifications", words="after its notification was made"
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the receipt's number")
    )
    delivery_id: Mapped[UUID] = mapped_column(
        ForeignKey("deliveries.id", ondelete="CASCADE"), info=personal("of which delivery")
    )
    kind: Mapped[str] = mapped_column(
        String(20), info=personal("whether it was shown, clicked or dismissed")
    )
    occurred_at: Mapped[datetime] = mapped_column(info=personal("when, by the browser"))
    received_at: Mapped[datetime] = mapped_column(info=personal("when it arrived"))


class PushOrigin(Base):
    """How a push service stands under one of our keys (`origins.OriginState`)."""

    __tablename__ = "push_origins"
    __table_args__ = (
        CheckConstraint(one_of("cause", Cause), name="cause_known"),
        Index("ix_push_origins_closed_until", "closed_until"),
        {"info": not_personal},
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
