"""Browsers that may be pushed to."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.register import Basis, Kept, about, personal


class EndedReason(StrEnum):
    """Why a subscription is pushed to no more."""

    UNSUBSCRIBED = "unsubscribed"
    """The browser said so."""
    REPLACED = "replaced"
    """The browser has a new one in its place."""
    TOO_MANY = "too many"
    """Its person had others that were renewed later."""
    GONE = "gone"
    """The push service no longer knows it (RFC 8030 section 7.3)."""
    NO_SIGN_OF_LIFE = "no sign of life"
    """What was accepted for it was never shown, and nobody opened the app."""


class Subscription(Base):
    """A browser's standing consent to be pushed to (W3C PushSubscription).

    A push service may go on accepting for a browser that is no more. So what was accepted since
    the browser last gave a sign of life, by a receipt or by renewing, is counted.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint(one_of("ended_reason", EndedReason), name="ended_reason_known"),
        CheckConstraint("ended_reason IS NULL OR ended_at IS NOT NULL", name="ended_if_reasoned"),
        CheckConstraint(
            "(accepted_unseen = 0) = (unseen_since IS NULL)", name="unseen_since_the_first"
        ),
        {
            "info": about(
                purpose="push to browsers whose people asked for it",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.subscriptions",
                    words="after it ended, or until the last consent that uses it is withdrawn",
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the subscription's number")
    )
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), index=True, info=personal("whose browser")
    )
    endpoint: Mapped[str] = mapped_column(
        Text, info=personal("the browser's address at its push service")
    )
    endpoint_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), unique=True, info=personal("its hash")
    )
    p256dh: Mapped[bytes] = mapped_column(
        LargeBinary(65), info=personal("the browser's public key")
    )
    auth: Mapped[bytes] = mapped_column(
        LargeBinary(16), info=personal("the secret shared with the browser")
    )
    vapid_key: Mapped[str] = mapped_column(
        String(90), info=personal("which key of ours it is bound to")
    )
    """The application server key it was made with; it is bound to it for life."""
    created_at: Mapped[datetime] = mapped_column(info=personal("since when"))
    updated_at: Mapped[datetime] = mapped_column(info=personal("when the browser last renewed it"))
    """When the browser last sent it."""
    ended_at: Mapped[datetime | None] = mapped_column(info=personal("when it ended"))
    ended_reason: Mapped[str | None] = mapped_column(String(20), info=personal("why"))
    replaced_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("subscriptions.id", ondelete="SET NULL"),
        index=True,
        info=personal("which one replaced it"),
    )
    last_accepted_at: Mapped[datetime | None] = mapped_column(
        info=personal("when a push was last taken")
    )
    last_shown_at: Mapped[datetime | None] = mapped_column(info=personal("when one was last shown"))
    """When a receipt of any kind last came."""
    last_failure_at: Mapped[datetime | None] = mapped_column(info=personal("when one last failed"))
    last_failure_reason: Mapped[str | None] = mapped_column(String(200), info=personal("why"))
    accepted_unseen: Mapped[int] = mapped_column(
        default=0,
        server_default=text("0"),
        info=personal("how many were taken since anything was shown"),
    )
    """How many were accepted since the last sign of life."""
    unseen_since: Mapped[datetime | None] = mapped_column(info=personal("since when"))
    """When the first of those was accepted."""
